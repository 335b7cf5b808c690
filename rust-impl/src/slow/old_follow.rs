// SPDX-License-Identifier: GPL-2.0
//! Down the tables in 5.10 and 6.1: of huge entries only two kinds are known, device
//! memory and transparent huge pages, the latter at one level.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::page::Zone;
use crate::pages::PagePtr;
use crate::series::ErrPtr;
use crate::site::Site;
use crate::slow::follow::Context;
use crate::slow::{EBUSY, EMLINK};
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::VmaPtr;
use crate::walk::EFAULT;
use crate::walk::leaf::subpage;

/// There has to be a fault.
const NULL: Result<ErrPtr, Stop> = Ok(Ok(PagePtr::NULL));

impl Kernel<'_> {
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
            return Ok(self.no_page_table(vma, flags));
        }
        if let Some(page) = self.follow_if_devmap(Level::Pud, address, pudp, flags, ctx)? {
            return Ok(page);
        }
        let pud = self.machine.tables.get(pudp)?;
        if pud.is_bad_above_pmd() {
            return Ok(self.no_page_table(vma, flags));
        }
        let at = EntryPtr::of(pud.table().ok_or(Stop::Oops)?, Level::Pmd, address);
        self.old_follow_pmd_mask(vma, address, at, flags, ctx)
    }

    /// What there is of device memory; `None` if that is nothing, and the entry may be
    /// something else.
    fn follow_if_devmap(
        &mut self,
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
        let nothing = page.is_ok_and(PagePtr::is_null);
        Ok((!nothing).then_some(page))
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
            return Ok(self.no_page_table(vma, flags));
        }
        if !pmd.pmd_present() {
            let asks = self.rules.slow.absent_pmds_migrate || self.has(flags, FollFlag::Migration);
            let wrong = asks && !pmd.is_migration();
            self.vm_bug_on(wrong, Site::FollowPmdMaskAbsent)?;
            return Ok(self.no_page_table(vma, flags));
        }
        if let Some(page) = self.follow_if_devmap(Level::Pmd, address, pmdp, flags, ctx)? {
            return Ok(page);
        }
        if !pmd.is_trans_huge() {
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        let area = *self.machine.vmas.get(vma);
        if pmd.is_protnone() && !self.gup_can_follow_protnone(&area, flags) {
            return Ok(self.no_page_table(vma, flags));
        }

        self.lock_page_table()?;
        let pmd = self.machine.tables.get(pmdp)?;
        if !pmd.pmd_present() {
            self.unlock_page_table();
            return Ok(self.no_page_table(vma, flags));
        }
        if !pmd.is_trans_huge() {
            self.unlock_page_table();
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        if self.has(flags, FollFlag::SplitPmd) {
            self.unlock_page_table();
            let errno = self.split_and_look(address, pmdp, self.is_huge_zero_pmd(pmd))?;
            if errno != 0 {
                return Ok(Err(errno));
            }
            return self.slow_follow_page_pte(vma, address, pmdp, flags, ctx);
        }
        let page = self.slow_follow_trans_huge_pmd(vma, address, pmdp, flags)?;
        self.unlock_page_table();
        ctx.page_mask = Level::Pmd.pages() - 1;
        Ok(page)
    }

    /// FOLL_SPLIT_PMD: 0 if there is a table now.  Where there is none, one is made; not
    /// so in place of the huge zero page, which is asked for again: -EBUSY.
    fn split_and_look(&mut self, address: u64, pmdp: EntryPtr, zero: bool) -> Result<i32, Stop> {
        self.__split_huge_pmd(address)?;
        let pmd = self.machine.tables.get(pmdp)?;
        if !zero {
            return Ok(if pmd.is_none() { -ENOMEM } else { 0 });
        }
        // pmd_trans_unstable(), which clears what makes no sense
        if pmd.is_none() || !pmd.pmd_present() || pmd.is_leaf() || pmd.is_devmap() {
            return Ok(-EBUSY);
        }
        if self.old_pmd_bad(pmd) {
            self.machine.tables.put(pmdp, Entry::NONE);
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

    /// `follow_trans_huge_pmd` (5.10, 6.1): all is asked of the block's first page.  Which
    /// has to be a head; 5.10 looks at that when it is to be taken.
    fn slow_follow_trans_huge_pmd(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        self.assert_ptl_held(Site::FollowTransHugePmdLock)?;
        let pmd = self.machine.tables.get(pmdp)?;
        let first = pmd.page();
        let early = self.rules.slow.forced_writes_want_exclusive;
        if early {
            self.check_huge(first, false, Site::FollowTransHugePmdHead)?;
        }
        let write = self.has(flags, FollFlag::Write);
        if write && !self.can_follow_write(pmd, first, vma, flags)? {
            return NULL;
        }
        if self.has(flags, FollFlag::Dump) && self.is_huge_zero_pmd(pmd) {
            return Ok(Err(-EFAULT));
        }
        let area = *self.machine.vmas.get(vma);
        if pmd.is_protnone() && !self.gup_can_follow_protnone(&area, flags) {
            return NULL;
        }
        if !early {
            self.check_huge(first, false, Site::FollowTransHugePmdHead)?;
        }
        if !pmd.is_writable() && self.must_unshare(vma, flags, first)? {
            return Ok(Err(-EMLINK));
        }
        let site = Site::FollowTransHugePmdExclusive;
        self.check_exclusive(first, flags, [site, site])?;
        let errno = self.grab_slow(first, 1, flags)?;
        if errno != 0 {
            return Ok(Err(errno));
        }
        if self.has(flags, FollFlag::Touch) {
            self.touch_leaf(pmdp, write)?;
        }
        if self.mlocks(vma, flags) {
            self.mlock_huge(first)?;
        }
        let page = subpage(pmd, Level::Pmd, address);
        self.check_huge(page, true, Site::FollowTransHugePmdCompound)?;
        Ok(Ok(page))
    }

    /// What is mapped by a huge entry is a head, or with `tail` a tail, or device memory
    /// (DEBUG_VM).
    fn check_huge(&self, page: PagePtr, tail: bool, bug: Site) -> Result<(), Stop> {
        if !self.rules.debug_vm {
            return Ok(());
        }
        let page = self.machine.pages.get(page)?;
        let compound = page.is_large() || tail && page.is_tail();
        self.bug_on(!compound && page.zone != Zone::Device, bug)
    }
}
