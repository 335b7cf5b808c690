// SPDX-License-Identifier: GPL-2.0
//! The walk down the page tables in 5.10 and 6.1.  Huge entries are device memory or, at
//! the PMD level only, transparent huge pages.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};
use crate::series::ErrPtr;
use crate::site::Site;
use crate::slow::EBUSY;
use crate::slow::follow::Context;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::{VmaKind, VmaPtr};

impl Kernel<'_> {
    /// `follow_page` (5.10, 6.1): the page at an address of a VMA, taken if the flags say
    /// so; NULL where it takes a fault to get one, or an errno.  The mmap lock is held.
    pub fn follow_page(&mut self, vma: VmaPtr, address: u64, flags: Foll) -> Result<ErrPtr, Stop> {
        let secret = self.machine.vmas.get(vma).kind == VmaKind::Secretmem;
        if secret && self.rules.config.secretmem {
            return Ok(Ok(PagePtr::NULL));
        }
        if self.rules.slow.follow_page_pins_nothing && self.has(flags, FollFlag::Pin) {
            let warns = self.rules.slow.follow_page_warns_about_pins;
            self.warn_on(warns, Site::FollowPage);
            return Ok(Ok(PagePtr::NULL));
        }
        let mut ctx = Context::default();
        let page = self.slow_follow_page_mask(vma, address, flags, &mut ctx)?;
        if ctx.pgmap {
            self.put_dev_pagemap(true)?;
        }
        Ok(page)
    }

    /// `follow_pud_mask` (5.10, 6.1).
    pub(crate) fn old_follow_pud_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pudp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        if self.machine.tables.get(pudp)?.is_none() {
            return self.no_page_table(vma, address, flags);
        }
        if self.follows_apart(vma) && self.is_huge_pud(self.machine.tables.get(pudp)?) {
            let page = self.slow_follow_huge_pud(address, pudp, flags)?;
            return self.page_or_no_table(page, vma, address, flags);
        }
        if let Some(page) = self.follow_if_devmap(vma, Level::Pud, address, pudp, flags, ctx)? {
            return Ok(page);
        }
        let pud = self.machine.tables.get(pudp)?;
        if pud.is_bad_above_pmd() {
            return self.no_page_table(vma, address, flags);
        }
        let at = EntryPtr::of(pud.table().ok_or(Stop::Oops)?, Level::Pmd, address);
        self.old_follow_pmd_mask(vma, address, at, flags, ctx)
    }

    /// The result for an entry of device memory; `None` if there is none, and the walk goes
    /// on.
    fn follow_if_devmap(
        &mut self,
        vma: VmaPtr,
        level: Level,
        address: u64,
        at: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<Option<ErrPtr>, Stop> {
        if !self.machine.tables.get(at)?.is_devmap() {
            return Ok(None);
        }
        self.lock_page_table()?;
        let page = self.slow_follow_devmap(level, address, at, flags, ctx)?;
        self.unlock_page_table();
        if page.is_ok_and(PagePtr::is_null) {
            return Ok(match self.rules.slow.devmap_ends_the_walk {
                true => Some(self.no_page_table(vma, address, flags)?),
                false => None,
            });
        }
        Ok(Some(page))
    }

    /// `follow_pmd_mask` (5.10, 6.1).
    fn old_follow_pmd_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let pmd = self.machine.tables.get(pmdp)?;
        if pmd.is_none() {
            return self.no_page_table(vma, address, flags);
        }
        if self.follows_apart(vma) && pmd.is_huge() {
            let page = self.follow_huge_pmd_pte(vma, address, flags)?;
            return self.page_or_no_table(page, vma, address, flags);
        }
        let Some(pmd) = self.present_pmd(pmdp, pmd, flags)? else {
            return self.no_page_table(vma, address, flags);
        };
        if let Some(page) = self.follow_if_devmap(vma, Level::Pmd, address, pmdp, flags, ctx)? {
            return Ok(page);
        }
        self.follow_present_pmd(vma, address, pmdp, pmd, flags, ctx)
    }

    /// A PMD that is present, after the end of a migration if FOLL_MIGRATION asks to wait
    /// for it (5.10, 6.1).  5.10 waits at a migration entry only, and looks again and again
    /// at any other.
    fn present_pmd(
        &mut self,
        pmdp: EntryPtr,
        mut pmd: Entry,
        flags: Foll,
    ) -> Result<Option<Entry>, Stop> {
        let (always, waits) = (
            self.rules.slow.absent_pmds_migrate,
            self.has(flags, FollFlag::Migration),
        );
        while !pmd.pmd_present() {
            // without CONFIG_MIGRATION 5.10 expects none
            let asks = always || waits && self.rules.config.migration;
            let wrong = asks && !pmd.is_migration();
            self.vm_bug_on(wrong, Site::FollowPmdMaskAbsent)?;
            if !waits {
                return Ok(None);
            }
            if always || pmd.is_migration() {
                self.migration_entry_wait(pmdp)?;
            } else {
                self.step()?;
            }
            pmd = self.machine.tables.get(pmdp)?;
            if pmd.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(pmd))
    }

    /// `PageTransCompound` (5.10): a page of a huge one, of whatever kind.
    pub(crate) fn page_trans_compound(&self, page: PagePtr) -> Result<bool, Stop> {
        let page = self.machine.pages.get(page)?;
        Ok(page.is_large() || page.is_tail())
    }

    /// FOLL_SPLIT of a page that a PTE maps (5.10), whose lock is dropped for it: 0, and
    /// the PTE is looked at again, or an errno.
    pub(crate) fn split_page_of_pte(&mut self, page: PagePtr) -> Result<i32, Stop> {
        self.get_page(page)?;
        self.unlock_page_table();
        self.split_locked(page)
    }

    /// FOLL_SPLIT of the page that a PMD maps (5.10), whose lock is dropped for it: 0, an
    /// errno, or `None` if nothing is mapped any more.
    pub(crate) fn split_page_of_pmd(
        &mut self,
        pmdp: EntryPtr,
        pmd: Entry,
    ) -> Result<Option<i32>, Stop> {
        let page = pmd.page();
        if !self.try_get_page(page)? {
            self.unlock_page_table();
            return Ok(Some(-ENOMEM));
        }
        self.unlock_page_table();
        let errno = self.split_locked(page)?;
        let pmd = self.machine.tables.get(pmdp)?;
        Ok((!pmd.is_none()).then_some(errno))
    }

    /// Splits a huge page under its lock, and gives the reference back.
    fn split_locked(&mut self, page: PagePtr) -> Result<i32, Stop> {
        // they look up the head, which may be another one in the end
        self.folio_lock(FolioPtr(page))?;
        let errno = self.split_huge_page(page)?;
        self.folio_unlock(FolioPtr(page))?;
        self.put_page(page)?;
        Ok(errno)
    }

    /// FOLL_SPLIT_PMD in place of the huge zero page (5.10, 6.1): no table is made, the
    /// page is asked for again: -EBUSY.
    pub(crate) fn old_look_for_table(&mut self, pmdp: EntryPtr) -> Result<i32, Stop> {
        let pmd = self.machine.tables.get(pmdp)?;
        // pmd_trans_unstable(), which clears what makes no sense
        if pmd.is_none() || !pmd.pmd_present() || pmd.is_trans_huge() {
            return Ok(-EBUSY);
        }
        if self.old_pmd_bad(pmd) {
            self.set_entry(pmdp, Entry::NONE)?;
            return Ok(-EBUSY);
        }
        Ok(0)
    }

    /// `pmd_bad` (5.10, 6.1).
    pub(crate) fn old_pmd_bad(&self, pmd: Entry) -> bool {
        match self.rules.slow.old_tables_are_bad {
            true => pmd.is_bad_or_old(),
            false => pmd.is_bad(),
        }
    }
}
