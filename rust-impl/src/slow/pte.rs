// SPDX-License-Identifier: GPL-2.0
//! One PTE, looked up with the lock of its table held.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::{EEXIST, EINVAL, ErrPtr};
use crate::site::Site;
use crate::slow::EMLINK;
use crate::slow::follow::Context;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::{VmaPtr, vm_flag};
use crate::walk::EFAULT;

/// What a PTE is found to map.
enum Mapped {
    /// This page, which was taken if the flags say so; NULL where that takes a fault, or
    /// an errno.
    Page(ErrPtr),
    /// Nothing; what that means depends on whether there is an entry.
    Nothing,
    /// A page of a huge one, which is to be split first (FOLL_SPLIT, 5.10).
    Huge(PagePtr),
}

impl Kernel<'_> {
    /// `pte_offset_map` (6.12): the PTE, or NULL if the PMD does not lead to a table.  A
    /// bad PMD is cleared.  5.10 and 6.1 assume that the PMD leads to a table.
    pub(crate) fn pte_offset_map(
        &mut self,
        pmdp: EntryPtr,
        address: u64,
    ) -> Result<Option<EntryPtr>, Stop> {
        let pmd = self.machine.tables.get(pmdp)?;
        if !self.rules.walk.pte_map_can_fail {
            let table = pmd.table().ok_or(Stop::Oops)?;
            return Ok(Some(EntryPtr::of(table, Level::Pte, address)));
        }
        let absent = self.rules.slow.leaves_absent_pmds && !pmd.pmd_present();
        if pmd.is_none() || absent || pmd.is_migration() || pmd.is_leaf() {
            return Ok(None);
        }
        if pmd.is_bad() {
            self.set_entry(pmdp, Entry::NONE)?;
            return Ok(None);
        }
        let table = pmd.table().ok_or(Stop::Oops)?;
        Ok(Some(EntryPtr::of(table, Level::Pte, address)))
    }

    /// `pte_offset_map_lock` (6.12): the same and takes the lock of the table; then it
    /// reads the PMD again and starts over if it has changed.  5.10 and 6.1 read it once,
    /// before they take the lock.
    fn pte_offset_map_lock(
        &mut self,
        pmdp: EntryPtr,
        address: u64,
    ) -> Result<Option<EntryPtr>, Stop> {
        if !self.rules.walk.pte_map_can_fail {
            if self.old_pmd_bad(self.machine.tables.get(pmdp)?) {
                return Ok(None);
            }
            let ptep = self.pte_offset_map(pmdp, address)?;
            self.lock_page_table()?;
            return Ok(ptep);
        }
        loop {
            let Some(ptep) = self.pte_offset_map(pmdp, address)? else {
                return Ok(None);
            };
            let pmd = self.machine.tables.get(pmdp)?;
            self.lock_page_table()?;
            if self.machine.tables.get(pmdp)? == pmd {
                return Ok(Some(ptep));
            }
            self.unlock_page_table();
        }
    }

    /// `vm_normal_page` (6.12): the page that a PTE maps, or NULL if it is not a page that
    /// mm manages.
    ///
    /// The gate area's entry may be empty; then its bits yield a pfn beyond all memory.
    pub(crate) fn vm_normal_page(&mut self, pte: Entry) -> PagePtr {
        if pte.is_special() || !pte.is_leaf() {
            return PagePtr::NULL;
        }
        if self.rules.debug_vm && self.rules.slow.zero_pages_are_special {
            let zero = self.is_zero_page(pte.page());
            if self.rules.slow.warns_about_both_zero_pages {
                let zeros = zero || self.is_of_huge_zero_page(pte.page());
                self.warn_on(zeros, Site::VmNormalPageZeros);
            } else {
                self.warn_on(zero, Site::VmNormalPageZero);
            }
        }
        pte.page()
    }

    /// `is_huge_zero_pfn` (7.3): the pfn is in the huge zero page.
    fn is_of_huge_zero_page(&self, page: PagePtr) -> bool {
        let block = |page: PagePtr| page.nr().map(|nr| nr & !(Level::Pmd.pages() as u32 - 1));
        page.nr().is_some() && block(page) == self.machine.huge_zero_page.nr()
    }

    /// `can_follow_write_pte`, `can_follow_write_pmd` (6.12): the entry is writable; or
    /// with FOLL_FORCE, in a private mapping that may become writable, its page is
    /// exclusive, that is, copied already, and neither soft-dirty nor userfaultfd tracks
    /// writes to it.
    ///
    /// 5.10 knows that the page was copied if FOLL_COW is set, because a fault returned
    /// VM_FAULT_WRITE or because the caller passed it. Others may have mapped another page
    /// since then, but no dirty one: so the entry must be dirty, too.
    pub(crate) fn can_follow_write(
        &self,
        entry: Entry,
        page: PagePtr,
        vma: VmaPtr,
        flags: Foll,
    ) -> Result<bool, Stop> {
        if entry.is_writable() {
            return Ok(true);
        }
        if !self.rules.slow.forced_writes_require_exclusive {
            let forced = self.has(flags, FollFlag::Force) && self.has_cow(flags);
            return Ok(forced && entry.is_dirty());
        }
        if !self.can_follow_write_common(page, vma, flags)? {
            return Ok(false);
        }
        let vma = self.machine.vmas.get(vma);
        let soft_dirty = vma.watches_soft_dirty() && !entry.is_soft_dirty();
        let uffd_wp = vma.has(vm_flag::UFFD_WP) && entry.is_uffd_wp();
        Ok(!soft_dirty && !uffd_wp)
    }

    /// `can_follow_write_common` (7.3): the checks without soft-dirty and userfaultfd.
    pub(crate) fn can_follow_write_common(
        &self,
        page: PagePtr,
        vma: VmaPtr,
        flags: Foll,
    ) -> Result<bool, Stop> {
        let vma = self.machine.vmas.get(vma);
        let wrong = vm_flag::MAYSHARE | vm_flag::SHARED | vm_flag::WRITE;
        if !self.has(flags, FollFlag::Force) || vma.has(wrong) || !vma.has(vm_flag::MAYWRITE) {
            return Ok(false);
        }
        if page.is_null() {
            return Ok(false);
        }
        let folio = self.page_folio(page)?;
        Ok(self.folio_test_anon(folio)? && self.page_anon_exclusive(page)?)
    }

    /// `follow_pfn_pte` (6.12): the entry has no page.  In 5.15 that is -EFAULT if a
    /// reference or a pin is wanted, in 5.10 not for a pin.
    fn follow_pfn_pte(&mut self, ptep: EntryPtr, flags: Foll) -> Result<i32, Stop> {
        let ends_later = self.rules.slow.missing_page_is_an_error;
        let wanted = match self.rules.slow.pins_want_a_page {
            true => self.takes(flags),
            false => self.has(flags, FollFlag::Get),
        };
        if !ends_later && wanted {
            return Ok(-EFAULT);
        }
        if self.has(flags, FollFlag::Touch) {
            let write = self.has(flags, FollFlag::Write);
            let entry = self.machine.tables.get(ptep)?;
            if entry.accessed(write) != entry {
                self.set_entry(ptep, entry.accessed(write))?;
            }
        }
        Ok(-EEXIST)
    }

    /// `follow_page_pte` (6.12).
    pub(crate) fn slow_follow_page_pte(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let both = self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin);
        let warns = !self.rules.slow.one_warn_for_get_and_pin;
        if self.warn_on(both && warns, Site::FollowPagePte) {
            return Ok(Err(-EINVAL));
        }
        if self.follows_apart(vma) {
            // other architectures have huge pages that several PTEs map
            let page = self.follow_huge_pmd_pte(vma, address, flags)?;
            return self.page_or_no_table(page, vma, address, flags);
        }
        loop {
            let Some(ptep) = self.pte_offset_map_lock(pmdp, address)? else {
                return self.no_page_table(vma, address, flags);
            };
            let pte = self.machine.tables.get(ptep)?;
            if self.has(flags, FollFlag::Migration) && pte.is_migration() {
                self.unlock_page_table();
                self.migration_entry_wait(ptep)?;
                continue;
            }
            let page = match self.page_of_pte((pte, ptep), vma, flags, ctx)? {
                Mapped::Page(page) => page,
                Mapped::Nothing => {
                    self.unlock_page_table();
                    return match pte.is_none() {
                        true => self.no_page_table(vma, address, flags),
                        false => Ok(Ok(PagePtr::NULL)),
                    };
                }
                Mapped::Huge(page) => {
                    let errno = self.split_page_of_pte(page)?;
                    if errno != 0 {
                        return Ok(Err(errno));
                    }
                    continue;
                }
            };
            self.unlock_page_table();
            return Ok(page);
        }
    }

    /// What it does under the lock.
    fn page_of_pte(
        &mut self,
        (pte, ptep): (Entry, EntryPtr),
        vma: VmaPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<Mapped, Stop> {
        let area = *self.machine.vmas.get(vma);
        if !pte.pte_present() {
            return Ok(Mapped::Nothing);
        }
        if pte.is_protnone() && !self.gup_can_follow_protnone(&area, flags) {
            return Ok(Mapped::Nothing);
        }
        let mut page = self.vm_normal_page(pte);
        let write = self.has(flags, FollFlag::Write);
        if write && !self.can_follow_write(pte, page, vma, flags)? {
            return Ok(Mapped::Page(Ok(PagePtr::NULL)));
        }
        if page.is_null() && pte.is_devmap() && self.takes(flags) {
            ctx.pgmap = self.get_dev_pagemap(pte.page(), ctx.pgmap)?;
            if !ctx.pgmap {
                return Ok(Mapped::Nothing);
            }
            page = pte.page();
        } else if page.is_null() {
            if self.has(flags, FollFlag::Dump) {
                return Ok(Mapped::Page(Err(-EFAULT)));
            }
            if !self.is_zero_page(pte.page()) {
                return Ok(Mapped::Page(Err(self.follow_pfn_pte(ptep, flags)?)));
            }
            page = pte.page();
        }
        if self.has(flags, FollFlag::Split) && self.page_trans_compound(page)? {
            return Ok(Mapped::Huge(page));
        }
        self.take_pte_page(pte, page, vma, flags).map(Mapped::Page)
    }

    /// Takes the page, makes it accessible and marks it as accessed.
    fn take_pte_page(
        &mut self,
        pte: Entry,
        page: PagePtr,
        vma: VmaPtr,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        let folio = self.page_folio(page)?;
        if !pte.is_writable() && self.must_unshare(vma, flags, page)? {
            return Ok(Err(-EMLINK));
        }
        let sites = [
            Site::FollowPagePteExclusive,
            Site::FollowPagePteExclusiveWarn,
        ];
        self.check_exclusive(page, flags, sites)?;
        let errno = self.grab_slow(page, 1, flags)?;
        if errno != 0 {
            return Ok(Err(errno));
        }
        if self.has(flags, FollFlag::Pin) {
            let by_folio = self.rules.walk.makes_folio_accessible;
            let errno = self.make_accessible(if by_folio { folio.page() } else { page })?;
            if errno != 0 {
                self.unpin_user_page(page)?;
                return Ok(Err(errno));
            }
        }
        if self.has(flags, FollFlag::Touch) {
            let folio_is_known = self.rules.slow.marks_the_folio;
            let head = |kernel: &Self| match folio_is_known {
                true => Ok(folio),
                false => kernel.page_folio(page),
            };
            let write = self.has(flags, FollFlag::Write);
            if write && !pte.is_dirty() && !self.folio_dirty(head(self)?)? {
                // Where the head is looked up for it anyway, that is done once.
                let folio = match self.rules.gets_compound_heads {
                    true => FolioPtr(page),
                    false => head(self)?,
                };
                self.folio_mark_dirty(folio)?;
            }
            let folio = head(self)?;
            self.folio_mark_accessed(folio)?;
        }
        if self.mlocks(vma, flags) {
            self.mlock_small(page)?;
        }
        Ok(Ok(page))
    }

    /// `folio_test_dirty`, `PageDirty`: of the head.
    fn folio_dirty(&self, folio: FolioPtr) -> Result<bool, Stop> {
        Ok(self.machine.pages.get(folio.page())?.flags & flag::DIRTY != 0)
    }
}
