// SPDX-License-Identifier: GPL-2.0
//! Properties of folios that follow from their declaration.

use csrc::abi;

/// The flags that a declaration may set on a head: the others follow from order and
/// exclusivity.
pub const FOLIO_FLAGS: u32 =
    ((1 << abi::GD_NR_FLAGS) - 1) & !(1 << abi::GD_F_HEAD) & !(1 << abi::GD_F_ANON_EXCLUSIVE);

/// One pin of a small folio, in references: `GUP_PIN_COUNTING_BIAS`.
pub const PIN_BIAS: i32 = 1024;

/// Whether a kind of folio (`GD_K_*`) is ZONE_DEVICE memory.
#[inline]
pub fn is_device(kind: u8) -> bool {
    u32::from(kind) >= abi::GD_K_DEV_PRIVATE
}

/// Whether a page of the arena is one of a ZONE_DEVICE folio.
#[inline]
pub fn is_device_page(page: u32) -> bool {
    page >> abi::GD_SLOT_SHIFT >= abi::GD_T_DEVICE * abi::GD_NR_ORDERS * abi::GD_MAX_FOLIOS
}

/// Whether it is the zero page or the huge zero folio.
#[inline]
pub fn is_any_zero(kind: u8) -> bool {
    matches!(u32::from(kind), abi::GD_K_ZERO | abi::GD_K_HUGE_ZERO)
}

/// Whether a mapping (`GD_M_*`) makes pages anonymous.
#[inline]
pub fn is_anon(mapping: u8) -> bool {
    matches!(u32::from(mapping), abi::GD_M_ANON | abi::GD_M_KSM)
}

/// Whether a pageblock's migrate type (`GD_MT_*`) forbids long-term pins.
#[inline]
pub fn is_shortterm_pageblock(migratetype: u32) -> bool {
    matches!(migratetype, abi::GD_MT_CMA | abi::GD_MT_ISOLATE)
}

/// The kind and the order of a folio that is declared with these: the zero page is a small
/// one, the huge zero folio is of order 9, and hugetlb folios are large.
#[inline]
pub fn settle(kind: u8, order: u8) -> (u8, u8) {
    let kind = kind.min(abi::GD_NR_KINDS as u8 - 1);
    let order = order.min(abi::GD_NR_ORDERS as u8 - 1);
    match u32::from(kind) {
        abi::GD_K_ZERO => (kind, 0),
        abi::GD_K_HUGE_ZERO => (kind, 9),
        abi::GD_K_HUGETLB if order == 0 => (abi::GD_K_NORMAL as u8, 0),
        _ => (kind, order),
    }
}
