// SPDX-License-Identifier: GPL-2.0
//! The walk down the page tables to the entry that maps an address.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::pages::PagePtr;
use crate::series::ErrPtr;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::{VmArea, VmaKind, VmaPtr};
use crate::walk::EFAULT;

/// `struct follow_page_context`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// The pagemap that is held; it also serves the next page of the same device.
    pub pgmap: bool,
    /// The number of pages of the block that was found, minus one.
    pub page_mask: u64,
    /// The last fault said that the page need not be present (5.10).
    pub not_needed: bool,
}

impl Kernel<'_> {
    /// `no_page_table` (6.12): NULL, so that the caller faults; -EFAULT in a core dump
    /// where the fault would give only zeros.
    pub(crate) fn no_page_table(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        let area = *self.machine.vmas.get(vma);
        let zeros = match self.has(flags, FollFlag::Dump) {
            true if self.is_vm_hugetlb_page(&area) && !self.rules.slow.has_follow_hugetlb_page => {
                !self.hugetlbfs_pagecache_present(vma, address)?
            }
            true => !area.has_fault_handler(),
            false => false,
        };
        Ok(if zeros {
            Err(-EFAULT)
        } else {
            Ok(PagePtr::NULL)
        })
    }

    /// `is_vm_hugetlb_page`.
    pub(crate) fn is_vm_hugetlb_page(&self, area: &VmArea) -> bool {
        let hugetlb = matches!(area.kind, VmaKind::Hugetlb | VmaKind::Hugetlb1G);
        hugetlb && self.rules.config.hugetlb
    }

    /// `follow_page_mask` (6.12): the page at an address, taken if the flags say so; NULL
    /// if the caller has to fault; -EMLINK if that fault has to unshare; -EEXIST if the
    /// entry has no page.
    ///
    /// The p4d is folded, and a pgd is never empty or bad.
    pub(crate) fn slow_follow_page_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        ctx.page_mask = 0;
        let area = *self.machine.vmas.get(vma);
        if self.rules.slow.has_hugetlb_follow_page_mask && self.is_vm_hugetlb_page(&area) {
            return self.hugetlb_follow_page_mask(vma, address, flags, ctx);
        }
        if self.rules.slow.follow_page_never_waits && self.is_vm_hugetlb_page(&area) {
            let page = self.look_up_hugetlb(vma, address, flags)?;
            return self.page_or_no_table(page, vma, address, flags);
        }
        let mm = area.mm;
        let p4d = self
            .machine
            .tables
            .get(self.machine.tables.top(mm, address))?;
        let absent = match self.rules.walk.wants_p4d_present {
            true => !p4d.has_present_bit(),
            false => p4d.is_none(),
        };
        if absent || p4d.is_bad_above_pmd() {
            return self.no_page_table(vma, address, flags);
        }
        let at = EntryPtr::of(p4d.table().ok_or(Stop::Oops)?, Level::Pud, address);
        self.follow_pud_mask(vma, address, at, flags, ctx)
    }

    /// `follow_pud_mask` (6.12).
    fn follow_pud_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pudp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        if !self.rules.slow.follows_all_huge_entries {
            return self.old_follow_pud_mask(vma, address, pudp, flags, ctx);
        }
        let pud = self.machine.tables.get(pudp)?;
        if !pud.has_present_bit() {
            return self.no_page_table(vma, address, flags);
        }
        if pud.is_leaf() {
            self.lock_page_table()?;
            let page = self.follow_huge_pud(vma, address, pudp, flags, ctx)?;
            self.unlock_page_table();
            return self.page_or_no_table(page, vma, address, flags);
        }
        if pud.is_bad_above_pmd() {
            return self.no_page_table(vma, address, flags);
        }
        let at = EntryPtr::of(pud.table().ok_or(Stop::Oops)?, Level::Pmd, address);
        self.follow_pmd_mask(vma, address, at, flags, ctx)
    }

    /// `follow_pmd_mask` (6.12).
    fn follow_pmd_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let pmd = self.machine.tables.get(pmdp)?;
        if !pmd.pmd_present() {
            return self.no_page_table(vma, address, flags);
        }
        if pmd.is_devmap() {
            self.lock_page_table()?;
            let page = self.slow_follow_devmap(Level::Pmd, address, pmdp, flags, ctx)?;
            self.unlock_page_table();
            return self.page_or_no_table(page, vma, address, flags);
        }
        self.follow_present_pmd(vma, address, pmdp, pmd, flags, ctx)
    }

    /// `follow_pmd_mask`: an entry that is present and not device memory: a huge page or a
    /// table.
    pub(crate) fn follow_present_pmd(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        pmd: Entry,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        if !self.is_followed_as_huge(pmd) {
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        let area = *self.machine.vmas.get(vma);
        if pmd.is_protnone() && !self.gup_can_follow_protnone(&area, flags) {
            return self.no_page_table(vma, address, flags);
        }

        let pmd = loop {
            self.lock_page_table()?;
            let pmd = self.machine.tables.get(pmdp)?;
            if pmd.pmd_present() {
                break pmd;
            }
            self.unlock_page_table();
            if pmd.is_none() || !self.has(flags, FollFlag::Migration) {
                return self.no_page_table(vma, address, flags);
            }
            self.migration_entry_wait(pmdp)?;
        };
        if !self.is_followed_as_huge(pmd) {
            self.unlock_page_table();
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        let splits = self.has(flags, FollFlag::SplitPmd) || self.has(flags, FollFlag::Split);
        if pmd.is_trans_huge() && splits {
            let Some(errno) = self.split_and_look(address, pmdp, pmd, flags)? else {
                return self.no_page_table(vma, address, flags);
            };
            if errno != 0 {
                return Ok(Err(errno));
            }
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        if !self.rules.slow.follows_all_huge_entries {
            // even without a page: mlock skips the whole block then
            ctx.page_mask = Level::Pmd.pages() - 1;
        }
        let page = self.slow_follow_huge_pmd(vma, address, pmdp, flags, ctx)?;
        self.unlock_page_table();
        Ok(page)
    }

    fn is_followed_as_huge(&self, pmd: Entry) -> bool {
        match self.rules.slow.follows_all_huge_entries {
            true => pmd.is_leaf(),
            false => pmd.is_trans_huge(),
        }
    }

    /// FOLL_SPLIT_PMD, FOLL_SPLIT: drops the lock; 0 if there is a table now, an errno, or
    /// `None` if nothing is mapped.  `pte_alloc` makes a table for an entry that is empty
    /// then, and there is no memory for that.
    fn split_and_look(
        &mut self,
        address: u64,
        pmdp: EntryPtr,
        pmd: Entry,
        flags: Foll,
    ) -> Result<Option<i32>, Stop> {
        let zero = !self.rules.walk.pte_map_can_fail && self.is_huge_zero_pmd(pmd);
        if !zero && self.has(flags, FollFlag::Split) {
            return self.split_page_of_pmd(pmdp, pmd);
        }
        self.unlock_page_table();
        self.__split_huge_pmd(address)?;
        if zero {
            return self.old_look_for_table(pmdp).map(Some);
        }
        let pmd = self.machine.tables.get(pmdp)?;
        Ok(Some(if pmd.is_none() { -ENOMEM } else { 0 }))
    }

    /// The page that was found, or the result of `no_page_table` if it is NULL.
    pub(crate) fn page_or_no_table(
        &mut self,
        page: ErrPtr,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        match page {
            Ok(page) if page.is_null() => self.no_page_table(vma, address, flags),
            page => Ok(page),
        }
    }
}
