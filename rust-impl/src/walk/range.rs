// SPDX-License-Identifier: GPL-2.0
//! The levels of the walk.  Each range function handles the entries of one table; each
//! entry is a block, a table with a range of its own, or the end of the walk.
//!
//! An empty range (`addr == end`) still reads one entry of each level: the loops check for
//! the end only after the first iteration.

use crate::foll::FollFlag;
use crate::kernel::{Kernel, Stop};
use crate::observer::Hook;
use crate::tables::{Entry, EntryPtr, Level};
use crate::walk::Walk;

impl Kernel<'_> {
    /// Loads an entry.  Other CPUs may act before the load.
    #[inline]
    pub(crate) fn load_entry(&mut self, at: EntryPtr) -> Result<Entry, Stop> {
        self.hook(Hook::ReadEntry(at));
        self.machine.tables.get(at)
    }

    /// `gup_fast_pgd_range` (6.12), `gup_pgd_range` (6.1).
    ///
    /// The p4d is folded: it is a copy of the entry that was read here, and all checks use
    /// this copy.  So an empty top-level entry is an empty p4d; 6.12 also ends at one
    /// without the present bit.
    pub(crate) fn gup_fast_pgd_range(
        &mut self,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<(), Stop> {
        let mut at = EntryPtr::top(addr);
        loop {
            let pgd = self.load_entry(at)?;
            let next = Level::Pgd.addr_end(addr, end);
            if !self.gup_fast_p4d_range(pgd, addr, next, walk)? {
                return Ok(());
            }
            (at, addr) = (at.next(), next);
            if addr == end {
                return Ok(());
            }
        }
    }

    /// `gup_fast_p4d_range` (6.12), `gup_p4d_range` (6.1): one entry.
    fn gup_fast_p4d_range(
        &mut self,
        p4d: Entry,
        addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let there = if self.rules.walk.wants_p4d_present {
            p4d.has_present_bit()
        } else {
            !p4d.is_none()
        };
        if !there {
            return Ok(false);
        }
        self.gup_fast_pud_range(p4d, addr, end, walk)
    }

    /// `gup_fast_pud_range` (6.12), `gup_pud_range` (6.1).
    fn gup_fast_pud_range(
        &mut self,
        p4d: Entry,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let mut at = EntryPtr::of(p4d.table().ok_or(Stop::Oops)?, Level::Pud, addr);
        loop {
            let pud = self.load_entry(at)?;
            let next = Level::Pud.addr_end(addr, end);
            if !pud.has_present_bit() {
                return Ok(false);
            }
            let on = if self.is_leaf(pud) {
                self.gup_fast_leaf(Level::Pud, pud, at, addr, next, walk)?
            } else {
                self.gup_fast_pmd_range(pud, addr, next, walk)?
            };
            if !on {
                return Ok(false);
            }
            (at, addr) = (at.next(), next);
            if addr == end {
                return Ok(true);
            }
        }
    }

    /// `gup_fast_pmd_range` (6.12), `gup_pmd_range` (6.1).
    ///
    /// Only a result of 0 of the PTE range ends the walk.
    fn gup_fast_pmd_range(
        &mut self,
        pud: Entry,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let mut at = EntryPtr::of(pud.table().ok_or(Stop::Oops)?, Level::Pmd, addr);
        loop {
            let pmd = self.load_entry(at)?;
            let next = Level::Pmd.addr_end(addr, end);
            if !pmd.pmd_present() {
                return Ok(false);
            }
            let on = if self.is_leaf(pmd) {
                (!pmd.is_protnone() || self.follows_protnone(walk))
                    && self.gup_fast_leaf(Level::Pmd, pmd, at, addr, next, walk)?
            } else {
                self.gup_fast_pte_range(pmd, at, addr, next, walk)? != 0
            };
            if !on {
                return Ok(false);
            }
            (at, addr) = (at.next(), next);
            if addr == end {
                return Ok(true);
            }
        }
    }

    /// Is a present PMD or PUD a leaf?  `pmd_leaf`, `pud_leaf` (6.12); in 6.1 three checks,
    /// the last of which treats a table that is marked as device memory as a leaf.
    /// Programs have no such tables.
    fn is_leaf(&self, entry: Entry) -> bool {
        if self.rules.walk.leaf_by_huge_bit {
            entry.is_leaf()
        } else {
            let by_hugetlb = self.rules.config.hugetlb && entry.is_huge();
            entry.is_trans_huge() || by_hugetlb || entry.is_devmap()
        }
    }

    /// `gup_can_follow_protnone` (6.1); false in 6.12.  It makes no difference here,
    /// because a PROT_NONE entry has no permissions.
    pub(crate) fn follows_protnone(&self, walk: &Walk) -> bool {
        self.rules.walk.force_follows_protnone && self.has(walk.flags, FollFlag::Force)
    }

    /// `pte_access_permitted`, `pmd_access_permitted`, `pud_access_permitted`: present, for
    /// user mode, writable if requested, and PKRU allows it.
    pub(crate) fn access_permitted(&self, entry: Entry, walk: &Walk) -> bool {
        let write = self.has(walk.flags, FollFlag::Write);
        let by_entry = entry.has_present_bit() && entry.is_user();
        by_entry && (!write || entry.is_writable()) && self.machine.pkru_allows(entry.pkey(), write)
    }

    /// Device memory can be removed, so it cannot be pinned long-term.
    pub(crate) fn refuses_device(&self, walk: &Walk) -> bool {
        self.has(walk.flags, FollFlag::Longterm)
    }
}
