// SPDX-License-Identifier: GPL-2.0
//! Page tables as operations name them: levels, entries, and the addresses that programs
//! use.

use csrc::abi::{self, gd_act, gd_op};

use crate::effect::{Effect, Faulting, Lock, Part, What};
use crate::ops::{self, ArgKind, OpInfo, Val};

/// The bits of an address that select entries.
pub const ADDR_MASK: u64 = 0x0000_ffff_ffff_f000;
/// Bytes of a page.
pub const PAGE_SIZE: u64 = 4096;
/// The end of user space.
pub const TASK_SIZE_MAX: u64 = (1 << 47) - PAGE_SIZE;

/// All flags of entries.
pub const ENTRY_FLAGS: u16 = (1 << abi::GD_NR_ENTRY_FLAGS) - 1;
/// The flags that entries pointing to tables can have.  RW and DIRTY are always set; with
/// DEVMAP the kernel would take the entry for a page.
pub const TABLE_FLAGS: u16 =
    ENTRY_FLAGS & !(1 << abi::GD_EF_RW | 1 << abi::GD_EF_DIRTY | 1 << abi::GD_EF_DEVMAP);

/// Pages of a VMA, at most.
pub const MAX_VMA_PAGES: i32 = 1 << 18;
/// All flags of VMAs.
pub const VM_FLAGS: i32 = (1 << abi::GD_NR_VM_FLAGS) - 1;

/// The FOLL_ flags that entry points of the lockless walk accept.
pub const CALL_FLAGS: u32 = 1 << abi::GD_FOLL_WRITE
    | 1 << abi::GD_FOLL_LONGTERM
    | 1 << abi::GD_FOLL_FORCE
    | 1 << abi::GD_FOLL_NOFAULT
    | 1 << abi::GD_FOLL_FAST_ONLY
    | 1 << abi::GD_FOLL_PCI_P2PDMA
    | 1 << abi::GD_FOLL_HONOR_NUMA_FAULT;

/// The FOLL_ flags that callers of the slow path pass.
pub const SLOW_FLAGS: u32 = CALL_FLAGS
    | 1 << abi::GD_FOLL_DUMP
    | 1 << abi::GD_FOLL_HWPOISON
    | 1 << abi::GD_FOLL_ANON
    | 1 << abi::GD_FOLL_SPLIT_PMD
    | 1 << abi::GD_FOLL_INTERRUPTIBLE
    | 1 << abi::GD_FOLL_NOWAIT
    | 1 << abi::GD_FOLL_MIGRATION
    | 1 << abi::GD_FOLL_SPLIT;

/// The flags that a caller may pass to an entry point: those of its kernel-doc;
/// `is_valid_gup_args()` refuses the others.
pub fn caller_flags(call: u8) -> u32 {
    let flags = 1 << abi::GD_FOLL_WRITE | 1 << abi::GD_FOLL_FORCE | 1 << abi::GD_FOLL_NOFAULT;
    match is_pin(call) {
        true => flags | 1 << abi::GD_FOLL_LONGTERM,
        false => flags,
    }
}

/// Whether a call of the slow path may drop the mmap lock: it took the lock itself, or the
/// caller passes `locked`.
pub fn may_drop_lock(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| match info.effect.lock() {
        Lock::Held => info.arg == ArgKind::Lock && op.arg != 0,
        Lock::Taken | Lock::ForTheRest => true,
        Lock::Never => false,
    })
}

/// The most pages that one call of a careful caller may cover: a longer call finishes in a
/// kernel, but exceeds the harness's step limit.
pub const CALLER_PAGES: i32 = 128;

/// A level of page tables; the p4d is folded into the PGD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Entries of 4 KiB.
    Pte,
    /// Entries of 2 MiB.
    Pmd,
    /// Entries of 1 GiB.
    Pud,
    /// Entries of 512 GiB; tables only.
    Pgd,
}

/// The levels from the bottom.
pub const LEVELS: [Level; 4] = [Level::Pte, Level::Pmd, Level::Pud, Level::Pgd];

impl Level {
    /// The number of address bits below those that select this level's entry.
    pub const fn shift(self) -> u32 {
        12 + 9 * self as u32
    }

    /// Bytes of address space that one entry maps.
    pub const fn size(self) -> u64 {
        1 << self.shift()
    }

    /// Pages that one entry maps.
    pub const fn pages(self) -> u64 {
        1 << (self.shift() - 12)
    }

    /// The level of the tables that its entries point to.
    pub const fn below(self) -> Option<Level> {
        match self {
            Level::Pte => None,
            Level::Pmd => Some(Level::Pte),
            Level::Pud => Some(Level::Pmd),
            Level::Pgd => Some(Level::Pud),
        }
    }

    /// The operation that sets entries of this level.
    pub const fn set_op(self) -> u8 {
        (abi::GD_OP_SET_PTE + self as u32) as u8
    }

    /// The hook point before a load of an entry of this level, `GD_HOOK_READ_*`.
    pub const fn hook(self) -> u8 {
        (abi::GD_HOOK_READ_PTE + self as u32) as u8
    }
}

const _: () = assert!(abi::GD_HOOK_READ_PGD == abi::GD_HOOK_READ_PTE + abi::GD_L_PGD);
const _: () = assert!(abi::GD_OP_SET_PGD == abi::GD_OP_SET_PTE + abi::GD_L_PGD);

/// The level whose entries an operation sets, if it sets entries.
#[inline]
pub fn set_level(op: u8) -> Option<Level> {
    ops::info(op)?.sets_level()
}

/// Whether an operation is an answer, which the call at a hook point returns.
#[inline]
pub fn is_answer(op: u8) -> bool {
    ops::sets(op) == Some(Part::Answer)
}

/// What a fault answers by an action, if that is an answer at handle_mm_fault: bits
/// `GD_FAULT_*`.
pub fn fault_answer(act: &gd_act) -> Option<i32> {
    let answers = u32::from(act.hook) == abi::GD_HOOK_FAULT && is_answer(act.op.op);
    answers.then_some(act.op.val)
}

/// Whether an operation is an entry point of the lockless walk.
#[inline]
pub fn is_call(op: u8) -> bool {
    ops::info(op).is_some_and(OpInfo::is_walk)
}

/// Whether an operation is an entry point of the slow path.
#[inline]
pub fn is_slow(op: u8) -> bool {
    ops::info(op).is_some_and(OpInfo::is_slow)
}

/// Whether an operation of the slow path faults pages in and returns no list of them.
#[inline]
pub fn is_fault(op: u8) -> bool {
    !pins_file(op) && ops::info(op).is_some_and(|op| op.is_slow() && !op.has(abi::GD_S_PAGES))
}

/// The number of pages that the bytes of an operation cover.
pub fn nr_pages(op: &gd_op) -> i32 {
    let bytes = i64::from(op.val) + (op.addr & (PAGE_SIZE - 1)) as i64;
    ((bytes + PAGE_SIZE as i64 - 1) / PAGE_SIZE as i64) as i32
}

fn how_it_faults(op: u8) -> Option<Faulting> {
    match ops::info(op)?.effect {
        Effect::Faults { how, .. } => Some(how),
        _ => None,
    }
}

/// Whether an operation of the slow path faults on each page, whatever is mapped there.
#[inline]
pub fn faults_anyway(op: u8) -> bool {
    how_it_faults(op) == Some(Faulting::Anyway)
}

/// Whether an operation of the slow path accesses user memory itself.
#[inline]
pub fn touches(op: u8) -> bool {
    match how_it_faults(op) {
        Some(Faulting::ByLoad | Faulting::ByStore) => true,
        Some(Faulting::Missing | Faulting::WithinVma | Faulting::Anyway) | None => false,
    }
}

/// Whether an operation returns the number of bytes that it could not fault in.
#[inline]
pub fn counts_what_is_left(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.val == Val::Bytes)
}

/// Whether an operation can reach the real slow path; `real`: the fast entry points call it
/// for the rest.
#[inline]
pub fn comes_to_slow_path(op: u8, real: bool) -> bool {
    is_slow(op) || real && falls_back(op)
}

/// Whether an entry point of the lockless walk calls the slow path for the rest.
#[inline]
pub fn falls_back(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.effect.lock() == Lock::ForTheRest)
}

/// Whether an entry point of the lockless walk never calls the slow path (`*_fast_only`).
#[inline]
pub fn is_fast_only(op: u8) -> bool {
    is_call(op) && !falls_back(op)
}

/// Whether an operation is an entry point of the lockless walk or the slow path.
#[inline]
pub fn is_any_call(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.is_walk() || op.is_slow())
}

/// Whether an operation pins folios of a file.
#[inline]
pub fn pins_file(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.effect == Effect::PinsFile)
}

/// Whether an operation sets a VMA.
#[inline]
pub fn is_vma(op: u8) -> bool {
    ops::sets(op) == Some(Part::Vma)
}

/// Whether an operation is about an mm.
#[inline]
pub fn has_mm(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.has(abi::GD_S_MM))
}

/// Whether an operation has an address.
#[inline]
pub fn has_address(op: u8) -> bool {
    ops::info(op).is_some_and(|op| op.has(abi::GD_S_ADDR))
}

/// Whether an operation is an entry point that pins.
#[inline]
pub fn is_pin(op: u8) -> bool {
    let effect = ops::info(op).map(|op| op.effect);
    matches!(
        effect,
        Some(Effect::Walks {
            what: What::Pin,
            ..
        })
    )
}

/// Whether an entry of this kind names a page.
pub fn has_page(entry: u8) -> bool {
    matches!(u32::from(entry), abi::GD_E_PAGE | abi::GD_E_MIGRATION)
}

/// The addresses whose entries an operation sets: the first one, the distance between two
/// and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first address.
    pub addr: u64,
    /// The level of the entries.
    pub level: Level,
    /// The number of entries.
    pub n: u64,
}

impl Span {
    /// The entries that an operation sets, if it sets entries.
    pub fn of(op: &gd_op) -> Option<Span> {
        Some(Span {
            addr: op.addr & ADDR_MASK,
            level: set_level(op.op)?,
            n: op.n.clamp(1, abi::GD_MAX_SET as i32) as u64,
        })
    }

    /// The address of the `k`th entry.
    pub fn at(&self, k: u64) -> u64 {
        self.addr.wrapping_add(k << self.level.shift()) & ADDR_MASK
    }

    /// Whether one of the entries maps this address.
    pub fn covers(&self, addr: u64) -> bool {
        let start = self.addr & !(self.level.size() - 1);
        (addr & ADDR_MASK).wrapping_sub(start) >> self.level.shift() < self.n
    }
}

/// The places where programs map memory: the starts of short ranges that cross the end of a
/// table of each level, or that end at the end of user space, and some without a border.
pub const ANCHORS: [u64; 8] = [
    0x1000,
    0x1000_0000,
    // the last pages of a PTE table, of a PMD table, of a PUD table
    0x20_0000 - 3 * PAGE_SIZE,
    0x4000_0000 - 3 * PAGE_SIZE,
    0x80_0000_0000 - 3 * PAGE_SIZE,
    // the last huge pages of a PMD table and of a PUD table
    0x4000_0000 - 0x20_0000,
    0x80_0000_0000 - 0x4000_0000,
    TASK_SIZE_MAX - 6 * PAGE_SIZE,
];

/// The number of pages from an anchor on that programs use.
pub const WINDOW: u64 = 16;

/// Whether an address is that of a page in an anchor's window.
pub fn is_plain(addr: u64) -> bool {
    let near = |anchor: &u64| addr.wrapping_sub(*anchor) < WINDOW * PAGE_SIZE;
    addr.is_multiple_of(PAGE_SIZE) && ANCHORS.iter().any(near)
}

/// A page in an anchor's window, selected by the bits of any address.
pub fn fold(addr: u64) -> u64 {
    if is_plain(addr) {
        return addr;
    }
    let hash = addr.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    ANCHORS[hash as usize % ANCHORS.len()] + (hash >> 8) % WINDOW * PAGE_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_addresses_are_plain_and_stay() {
        for i in 0..1000u64 {
            let addr = fold(i.wrapping_mul(0x1234_5678_9abc_def1));
            assert!(is_plain(addr));
            assert_eq!(fold(addr), addr);
        }
    }

    #[test]
    fn spans_cover_what_their_entries_serve() {
        let span = Span {
            addr: 0x40_3000,
            level: Level::Pmd,
            n: 2,
        };
        assert!(span.covers(0x40_0000) && span.covers(0x7f_f000));
        assert!(!span.covers(0x3f_f000) && !span.covers(0x80_0000));
        assert_eq!(span.at(1), 0x60_3000);
    }
}
