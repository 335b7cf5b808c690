// SPDX-License-Identifier: GPL-2.0
//! A page-table entry, and the kernel's predicates for it.
//!
//! An entry is stored by its meaning, not as bits, in such a way that two entries are equal
//! exactly if their bits are.  The predicates are those of x86-64: each tests one or two
//! bits, whatever the entry was meant to be.

use crate::pages::PagePtr;

/// Flags of PAGE and TABLE entries; with none set an entry is present, for
/// user mode, accessed and read-only.
pub mod entry_flag {
    macro_rules! flags {
        ($($name:ident = $bit:literal $what:literal),* $(,)?) => {
            $(#[doc = concat!($what, ".")] pub const $name: u16 = 1 << $bit;)*
        };
    }
    flags! {
        RW = 0 "May be written",
        DIRTY = 1 "Was written",
        OLD = 2 "Was not accessed",
        KERNEL = 3 "Not for user mode",
        ABSENT = 4 "The present bit is off, though the entry is not empty",
        PROTNONE = 5 "With [`ABSENT`]: PROT_NONE; without: global",
        SPECIAL = 6 "A page that mm does not manage",
        DEVMAP = 7 "Memory of a device, with a pagemap",
        SOFT_DIRTY = 8 "Written since somebody began to watch",
        UFFD_WP = 9 "Write-protected by userfaultfd",
        NX = 10 "Not to be executed",
        PKEY_BIT0 = 11 "The lower bit of the protection key",
        PKEY_BIT1 = 12 "The upper bit of the protection key",
    }
    /// All of them.
    pub const ALL: u16 = (1 << 13) - 1;
}
use entry_flag as f;

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
enum What {
    /// Empty.
    #[default]
    None,
    /// A page or, above PTE level, a block, by the number of its first page.
    Page,
    /// The table of the next level, by its number.
    Table,
    /// Swapped out.
    Swap,
    /// A migration entry, by the page's number.
    Migration,
}

/// A page-table entry: `pte_t`, `pmd_t`, `pud_t` or `pgd_t`.
///
/// `==` compares all bits, as the recheck of the walk does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entry {
    what: What,
    flags: u16,
    number: u32,
}

impl Entry {
    /// Empty: all bits are zero.
    pub const NONE: Entry = Entry {
        what: What::None,
        flags: 0,
        number: 0,
    };
    /// Swapped out; the swap offset is not read.
    pub const SWAP: Entry = Entry {
        what: What::Swap,
        ..Entry::NONE
    };

    /// A page or a block, by the number of its first page.
    pub const fn page_entry(number: u32, flags: u16) -> Entry {
        Entry {
            what: What::Page,
            flags: flags & f::ALL,
            number,
        }
    }

    /// A table of the next level.  It is always writable and dirty.
    pub const fn table_entry(number: u32, flags: u16) -> Entry {
        Entry {
            what: What::Table,
            flags: flags & f::ALL | f::RW | f::DIRTY,
            number,
        }
    }

    /// A migration entry of a page.
    pub const fn migration(number: u32) -> Entry {
        Entry {
            what: What::Migration,
            flags: 0,
            number,
        }
    }

    #[inline]
    const fn is(self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Not empty, swap or migration: it has the bits of a mapping.
    #[inline]
    const fn maps(self) -> bool {
        matches!(self.what, What::Page | What::Table)
    }

    /// `pgd_none`, `p4d_none` and so on: all bits are zero.
    #[inline]
    pub const fn is_none(self) -> bool {
        matches!(self.what, What::None)
    }

    /// The present bit, which is all that `pud_present` and `p4d_present` test.
    #[inline]
    pub const fn has_present_bit(self) -> bool {
        self.maps() && !self.is(f::ABSENT)
    }

    /// `pte_present`: also true for PROT_NONE.
    #[inline]
    pub const fn pte_present(self) -> bool {
        self.has_present_bit() || self.maps() && self.is(f::PROTNONE)
    }

    /// `pmd_present`: also true for PROT_NONE, and for a huge page that is being split,
    /// which has no present bit for a while.
    #[inline]
    pub const fn pmd_present(self) -> bool {
        self.is_leaf() || self.pte_present()
    }

    /// `pmd_leaf`, `pud_leaf`: the huge bit, which blocks always have and tables never.
    #[inline]
    pub const fn is_leaf(self) -> bool {
        matches!(self.what, What::Page)
    }

    /// `pmd_trans_huge`: huge, and not device memory.
    #[inline]
    pub const fn is_trans_huge(self) -> bool {
        self.is_leaf() && !self.is(f::DEVMAP)
    }

    /// `pmd_huge`, `pud_huge` (6.1): anything except empty and an ordinary table.
    #[inline]
    pub const fn is_huge(self) -> bool {
        !self.is_none() && (self.is_leaf() || !self.has_present_bit())
    }

    /// `pte_devmap`, `pmd_devmap`, `pud_devmap`.
    #[inline]
    pub const fn is_devmap(self) -> bool {
        self.is(f::DEVMAP)
    }

    /// `pte_special`; since 6.12 `pmd_special`, `pud_special` too.
    #[inline]
    pub const fn is_special(self) -> bool {
        self.is(f::SPECIAL)
    }

    /// `pte_protnone`, `pmd_protnone`.
    #[inline]
    pub const fn is_protnone(self) -> bool {
        self.is(f::PROTNONE) && self.is(f::ABSENT)
    }

    /// `pte_write`, `pmd_write`, `pud_write`.
    #[inline]
    pub const fn is_writable(self) -> bool {
        self.is(f::RW)
    }

    /// For user mode.
    #[inline]
    pub const fn is_user(self) -> bool {
        self.maps() && !self.is(f::KERNEL)
    }

    /// `pte_flags_pkey`: the protection key; 0 if there is none.
    #[inline]
    pub const fn pkey(self) -> u32 {
        ((self.flags & (f::PKEY_BIT0 | f::PKEY_BIT1)) / f::PKEY_BIT0) as u32
    }

    /// `pmd_bad`: has other flags than an ordinary table; accessed and user are ignored.
    #[inline]
    pub const fn is_bad(self) -> bool {
        const GOOD: u16 = f::RW | f::DIRTY;
        !matches!(self.what, What::Table) || self.flags & !(f::OLD | f::KERNEL) != GOOD
    }

    /// `pud_bad`, `p4d_bad`: has a flag that a table never has.  A table need not be
    /// writable; an empty entry has no flags.
    #[inline]
    pub const fn is_bad_above_pmd(self) -> bool {
        const FINE: u16 = f::RW | f::DIRTY | f::OLD | f::KERNEL | f::ABSENT;
        if self.is_none() {
            return false;
        }
        !matches!(self.what, What::Table) || self.flags & !FINE != 0
    }

    /// `pmd_bad` in 5.10: a table must be accessed, too.
    #[inline]
    pub const fn is_bad_or_old(self) -> bool {
        self.is_bad() || self.is(f::OLD)
    }

    /// `is_pmd_migration_entry`.
    #[inline]
    pub const fn is_migration(self) -> bool {
        matches!(self.what, What::Migration)
    }

    /// `pte_dirty`.
    #[inline]
    pub const fn is_dirty(self) -> bool {
        self.is(f::DIRTY)
    }

    /// `pte_soft_dirty`, `pmd_soft_dirty`.
    #[inline]
    pub const fn is_soft_dirty(self) -> bool {
        self.is(f::SOFT_DIRTY)
    }

    /// `pte_uffd_wp`, `pmd_uffd_wp`.
    #[inline]
    pub const fn is_uffd_wp(self) -> bool {
        self.is(f::UFFD_WP)
    }

    /// `pte_mkyoung`, and for a write `pte_mkdirty`, which also makes it soft-dirty; the
    /// same for PMDs and PUDs.
    #[inline]
    pub const fn accessed(self, write: bool) -> Entry {
        let dirty = if write { f::DIRTY | f::SOFT_DIRTY } else { 0 };
        Entry {
            flags: self.flags & !f::OLD | dirty,
            ..self
        }
    }

    /// Its flags as its bits show them: an empty entry is not accessed, not for user mode
    /// and not present.
    pub const fn flags(self) -> u16 {
        match self.is_none() {
            true => f::OLD | f::KERNEL | f::ABSENT,
            false => self.flags,
        }
    }

    /// `pte_page`, `pmd_page`, `pud_page`: the page, or the first page of a block.  The
    /// page of a table is not in the arena.
    #[inline]
    pub const fn page(self) -> PagePtr {
        if self.is_leaf() {
            PagePtr::new(self.number)
        } else {
            PagePtr::POISON
        }
    }

    /// The table that it points to.
    #[inline]
    pub const fn table(self) -> Option<u32> {
        if matches!(self.what, What::Table) {
            Some(self.number)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_without_its_present_bit_is_still_there_at_pmd_level_only() {
        let block = Entry::page_entry(512, f::ABSENT);
        assert!(block.pmd_present() && block.is_huge() && !block.has_present_bit());
        let table = Entry::table_entry(3, f::ABSENT);
        assert!(!table.pmd_present() && table.is_huge() && !table.is_leaf());
        assert!(Entry::table_entry(3, f::ABSENT | f::PROTNONE).pmd_present());
    }

    #[test]
    fn what_is_not_present_has_no_permission_and_no_table() {
        for entry in [Entry::NONE, Entry::SWAP, Entry::migration(7)] {
            assert!(!entry.pmd_present() && !entry.has_present_bit() && !entry.is_user());
            assert!(!entry.is_leaf() && entry.table().is_none() && entry.is_bad());
        }
        assert!(Entry::SWAP.is_huge() && !Entry::NONE.is_huge());
    }

    #[test]
    fn a_table_is_writable_and_good_unless_a_flag_says_more() {
        assert!(Entry::table_entry(1, 0).is_writable());
        assert!(!Entry::table_entry(1, f::OLD | f::KERNEL).is_bad());
        for flag in [f::ABSENT, f::PROTNONE, f::SPECIAL, f::DEVMAP, f::SOFT_DIRTY] {
            assert!(Entry::table_entry(1, flag).is_bad());
        }
        assert!(
            Entry::table_entry(1, f::NX).is_bad() && Entry::table_entry(1, f::UFFD_WP).is_bad()
        );
    }

    #[test]
    fn above_pmd_level_a_table_need_not_be_writable_and_present_to_be_good() {
        assert!(!Entry::table_entry(1, f::OLD | f::KERNEL | f::ABSENT).is_bad_above_pmd());
        for flag in [f::PROTNONE, f::SPECIAL, f::SOFT_DIRTY, f::UFFD_WP, f::NX] {
            assert!(Entry::table_entry(1, flag).is_bad_above_pmd());
        }
        assert!(Entry::page_entry(1, 0).is_bad_above_pmd());
    }

    #[test]
    fn what_was_written_is_dirty_in_both_ways() {
        let old = Entry::page_entry(1, f::OLD);
        assert_eq!(old.accessed(false), Entry::page_entry(1, 0));
        let written = old.accessed(true);
        assert!(written.is_dirty() && written.is_soft_dirty() && !written.is_writable());
    }

    #[test]
    fn equality_is_of_all_bits() {
        assert_ne!(Entry::page_entry(1, 0), Entry::page_entry(1, f::OLD));
        assert_ne!(Entry::page_entry(1, 0), Entry::migration(1));
        assert_eq!(Entry::table_entry(1, 0), Entry::table_entry(1, f::RW));
    }
}
