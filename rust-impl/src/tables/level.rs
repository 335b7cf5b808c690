// SPDX-License-Identifier: GPL-2.0
//! The levels of the page tables, and pointers to entries.

/// The number of entries of a table.
pub const TABLE_ENTRIES: u32 = 512;
/// The size of a page, as a power of two.
pub const PAGE_SHIFT: u32 = 12;
/// The size of a page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;

pub(super) const TABLE_SHIFT: u32 = 9;
/// The number of address bits that the tables translate.
const ADDRESS: u64 = (1 << 48) - 1;

/// A level of tables.  The p4d is folded into the top one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Pages.
    Pte,
    /// Blocks of 2 MiB, and tables.
    Pmd,
    /// Blocks of 1 GiB, and tables.
    Pud,
    /// Tables.
    Pgd,
}

impl Level {
    /// All levels, from the bottom.
    pub const ALL: [Level; 4] = [Level::Pte, Level::Pmd, Level::Pud, Level::Pgd];

    /// The size of the range that one entry maps, as a power of two.
    #[inline]
    pub const fn shift(self) -> u32 {
        PAGE_SHIFT + TABLE_SHIFT * self as u32
    }

    /// The size of the range that one entry maps.
    #[inline]
    pub const fn size(self) -> u64 {
        1 << self.shift()
    }

    /// The number of pages that one entry maps.
    #[inline]
    pub const fn pages(self) -> u64 {
        self.size() >> PAGE_SHIFT
    }

    /// `pte_index` and so on: the index of the entry for an address in a table.
    #[inline]
    pub const fn index(self, addr: u64) -> u32 {
        (addr >> self.shift()) as u32 & (TABLE_ENTRIES - 1)
    }

    /// `pmd_addr_end` and so on: the end of the range that the entry for `addr` maps, or
    /// `end` if that comes first.  An `end` equal to `addr` comes first; an `end` of 0 is
    /// the end of all addresses.
    #[inline]
    pub const fn addr_end(self, addr: u64, end: u64) -> u64 {
        let boundary = addr.wrapping_add(self.size()) & !(self.size() - 1);
        if boundary.wrapping_sub(1) < end.wrapping_sub(1) {
            boundary
        } else {
            end
        }
    }

    pub(super) const fn below(self) -> Option<Level> {
        match self {
            Level::Pte => None,
            Level::Pmd => Some(Level::Pte),
            Level::Pud => Some(Level::Pmd),
            Level::Pgd => Some(Level::Pud),
        }
    }

    /// The region of addresses that one table maps.
    #[inline]
    pub(super) const fn region(self, addr: u64) -> u64 {
        (addr & ADDRESS) >> (self.shift() + TABLE_SHIFT)
    }
}

/// A `pte_t *` and so on: the number of an entry over all tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryPtr(pub(super) u32);

impl EntryPtr {
    /// `pte_offset_map`, `pmd_offset` and so on.
    #[inline]
    pub const fn of(table: u32, level: Level, addr: u64) -> EntryPtr {
        EntryPtr(table * TABLE_ENTRIES + level.index(addr))
    }

    /// `pgd_offset` of current's mm: its top table is the first one.
    #[inline]
    pub const fn top(addr: u64) -> EntryPtr {
        EntryPtr::of(0, Level::Pgd, addr)
    }

    /// In the top table of an mm that has none yet: a load finds nothing.
    pub(super) const EMPTY: EntryPtr = EntryPtr(u32::MAX - 1);

    /// In what is taken for a table and is none: a load faults.
    pub const POISON: EntryPtr = EntryPtr(u32::MAX);

    /// `ptep++`: the next one in memory.
    #[inline]
    pub const fn next(self) -> EntryPtr {
        EntryPtr(self.0.saturating_add(1))
    }

    /// Its number.
    #[inline]
    pub const fn nr(self) -> u32 {
        self.0
    }
}
