// SPDX-License-Identifier: GPL-2.0
//! One page: the fields of `struct page` and, for a head, of the folio.

use crate::GUP_PIN_COUNTING_BIAS;

/// Page flags by canonical bit.
pub mod flag {
    macro_rules! flags {
        ($($name:ident = $bit:literal),* $(,)?) => {
            $(#[doc = concat!("`PG_` flag ", stringify!($name), ".")]
            pub const $name: u32 = 1 << $bit;)*
        };
    }
    flags! {
        LOCKED = 0, REFERENCED = 1, UPTODATE = 2, DIRTY = 3, LRU = 4, ACTIVE = 5,
        WORKINGSET = 6, WAITERS = 7, ANON_EXCLUSIVE = 8, RESERVED = 9,
        PRIVATE = 10, WRITEBACK = 11, HEAD = 12, SWAPBACKED = 13,
        UNEVICTABLE = 14, MLOCKED = 15, HWPOISON = 16, YOUNG = 17, IDLE = 18,
        RECLAIM = 19, SWAPCACHE = 20, ARCH_1 = 21, PRIVATE_2 = 22,
    }
    /// How many flags there are.
    pub const NR: u32 = 23;
    /// All of them.
    pub const ALL: u32 = (1 << NR) - 1;
    /// Flags that a tail page does not have: its flag word holds fields of the folio
    /// instead.
    pub const NOT_ON_TAILS: u32 =
        LOCKED | REFERENCED | UPTODATE | DIRTY | LRU | ACTIVE | WAITERS | WRITEBACK | HEAD;
}

/// The contents of the mapping field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mapping {
    /// NULL.
    #[default]
    None,
    /// Anonymous: the pointer carries PAGE_MAPPING_ANON.
    Anon,
    /// An address_space of a plain file system.
    File,
    /// One of shmem.
    Shmem,
    /// One of memfd_secret.
    Secretmem,
    /// One of a dax file.
    Fsdax,
    /// KSM: anonymous and movable bits.
    Ksm,
    /// A movable non-LRU page.
    Movable,
    /// The poison value in tail pages: not NULL, no flag bits, not a valid pointer.
    Tail,
}

impl Mapping {
    /// Number of kinds that a program can ask for.
    pub const NR: u32 = 8;

    /// The kind with this number, modulo what exists.
    pub const fn from_index(index: u32) -> Mapping {
        match index % Self::NR {
            0 => Mapping::None,
            1 => Mapping::Anon,
            2 => Mapping::File,
            3 => Mapping::Shmem,
            4 => Mapping::Secretmem,
            5 => Mapping::Fsdax,
            6 => Mapping::Ksm,
            _ => Mapping::Movable,
        }
    }

    /// PAGE_MAPPING_ANON is set: anonymous or KSM.
    #[inline]
    pub const fn is_anon(self) -> bool {
        matches!(self, Mapping::Anon | Mapping::Ksm)
    }

    /// Any of PAGE_MAPPING_FLAGS is set.
    #[inline]
    pub const fn has_flags(self) -> bool {
        matches!(self, Mapping::Anon | Mapping::Ksm | Mapping::Movable)
    }
}

/// What a folio is used for, if functions check it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PageType {
    /// None of the others.
    #[default]
    Plain,
    /// hugetlbfs.
    Hugetlb,
    /// The slab allocator.
    Slab,
}

/// The zone of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Zone {
    /// Ordinary memory.
    #[default]
    Normal,
    /// ZONE_MOVABLE.
    Movable,
    /// ZONE_DEVICE.
    Device,
}

/// The type of the dev_pagemap that a ZONE_DEVICE page belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Pgmap {
    /// The pointer is NULL.
    #[default]
    None,
    /// Not addressable by the CPU.
    Private,
    /// Coherent with the CPU.
    Coherent,
    /// A dax file system.
    FsDax,
    /// Generic device memory.
    Generic,
    /// PCI peer-to-peer.
    P2pdma,
}

impl Pgmap {
    /// By its number in `enum memory_type`.
    pub(crate) const fn of_type(number: u32) -> Option<Pgmap> {
        match number {
            1 => Some(Pgmap::Private),
            2 => Some(Pgmap::Coherent),
            3 => Some(Pgmap::FsDax),
            4 => Some(Pgmap::Generic),
            5 => Some(Pgmap::P2pdma),
            _ => None,
        }
    }
}

/// How pins are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PinScheme {
    /// Large folios have an exact pin count; for small ones the refcount gives a hint.
    #[default]
    Exact,
    /// The same, but large folios of two pages have no pin count and are like small ones:
    /// the count is in the third page.
    ExactButPairs,
    /// In the refcount of all folios: a pin is 1024 references, and a count that overflowed
    /// into the sign bit still counts as pinned.
    References,
    /// The same, but a negative count does not count as pinned.
    SignedReferences,
}

impl PinScheme {
    /// Does a page that is not a tail look pinned?
    #[inline]
    pub const fn looks_pinned(self, page: &Page) -> bool {
        match self {
            _ if self.has_pincount(page) => page.pincount > 0,
            PinScheme::SignedReferences => page.refcount >= GUP_PIN_COUNTING_BIAS as i32,
            _ => page.refcount as u32 >= GUP_PIN_COUNTING_BIAS,
        }
    }

    /// The pin count of a page that is not a tail; 0 if it has none.
    #[inline]
    const fn pincount(self, page: &Page) -> i32 {
        if self.has_pincount(page) {
            page.pincount
        } else {
            0
        }
    }

    /// Does a head have a pin count?
    #[inline]
    pub const fn has_pincount(self, head: &Page) -> bool {
        match self {
            PinScheme::Exact => head.is_large(),
            PinScheme::ExactButPairs => head.is_large() && head.order > 1,
            PinScheme::References | PinScheme::SignedReferences => false,
        }
    }
}

pub(crate) const NO_HEAD: u32 = u32::MAX;

/// A page.  Tail pages have a refcount and flags of their own, which functions that look up
/// the head never read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// `_refcount`.
    pub refcount: i32,
    /// The exact pin count; heads of large folios only.
    pub pincount: i32,
    /// [`flag`] bits.
    pub flags: u32,
    /// The compound link.
    pub(crate) head: u32,
    /// The mapping field.
    pub mapping: Mapping,
    /// Heads of large folios only.
    pub order: u8,
    /// Heads only.
    pub page_type: PageType,
    /// Of the ZONE_DEVICE page; tails have none.
    pub pgmap: Pgmap,
    /// The zone.
    pub zone: Zone,
    /// The operation that last touched it, see [`Pages`](crate::Pages).
    pub(crate) touched: u8,
}

const _: () = assert!(size_of::<Page>() <= 24);

impl Page {
    /// All zero: a page without a folio.
    pub const BLANK: Page = Page {
        refcount: 0,
        pincount: 0,
        flags: 0,
        head: NO_HEAD,
        mapping: Mapping::None,
        order: 0,
        page_type: PageType::Plain,
        pgmap: Pgmap::None,
        zone: Zone::Normal,
        touched: 0,
    };

    /// PG_head is set.
    #[inline]
    pub const fn is_large(&self) -> bool {
        self.flags & flag::HEAD != 0
    }

    /// The compound link points to another page.
    #[inline]
    pub const fn is_tail(&self) -> bool {
        self.head != NO_HEAD
    }

    /// Is the observed state the same as before?
    #[inline]
    pub(crate) const fn looks_like(&self, before: &Page, pins: PinScheme) -> bool {
        let changed = self.flags ^ before.flags;
        if self.refcount != before.refcount || self.is_tail() != before.is_tail() {
            false
        } else if self.is_tail() {
            changed & !flag::NOT_ON_TAILS == 0
        } else {
            let same_pins = pins.pincount(self) == pins.pincount(before);
            changed == 0 && self.mapping as u8 == before.mapping as u8 && same_pins
        }
    }

    /// The observed state, for this way of counting pins.
    #[inline]
    pub const fn observe(&self, page: u32, pins: PinScheme) -> PageState {
        let tail = self.is_tail();
        PageState {
            page,
            refcount: self.refcount,
            pincount: if tail { 0 } else { pins.pincount(self) },
            flags: if tail {
                self.flags & !flag::NOT_ON_TAILS
            } else {
                self.flags
            },
            mapping: if tail { Mapping::None } else { self.mapping },
            tail,
            pinned: !tail && pins.looks_pinned(self),
        }
    }
}

/// The observed state of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// Its number in the arena.
    pub page: u32,
    /// `_refcount`.
    pub refcount: i32,
    /// The exact pin count; heads of large folios only, if there is one.
    pub pincount: i32,
    /// [`flag`] bits.
    pub flags: u32,
    /// The mapping field; [`Mapping::None`] for tails.
    pub mapping: Mapping,
    /// Is it a tail page?
    pub tail: bool,
    /// `folio_maybe_dma_pinned()`, `page_dma_pinned()`; false for tails.
    pub pinned: bool,
}
