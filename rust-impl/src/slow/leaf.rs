// SPDX-License-Identifier: GPL-2.0
//! Huge entries, with their page-table lock held.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::page::Zone;
use crate::pages::PagePtr;
use crate::series::{EEXIST, ErrPtr};
use crate::site::Site;
use crate::slow::EMLINK;
use crate::slow::follow::Context;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::VmaPtr;
use crate::walk::EFAULT;
use crate::walk::leaf::subpage;

/// The caller has to fault.
const NULL: Result<ErrPtr, Stop> = Ok(Ok(PagePtr::NULL));

impl Kernel<'_> {
    /// `assert_spin_locked` for a page-table lock.
    pub(crate) fn assert_ptl_held(&self, site: Site) -> Result<(), Stop> {
        self.bug_on(self.machine.held.ptl == 0, site)
    }

    /// `touch_pmd`, `touch_pud`: marks the entry as accessed.  x86 stores it only if it was
    /// also written: otherwise the CPU does it.
    pub(crate) fn touch_leaf(&mut self, at: EntryPtr, write: bool) -> Result<(), Stop> {
        let old = self.machine.tables.get(at)?;
        let new = old.accessed(write);
        if write && new != old {
            self.set_entry(at, new)?;
        }
        Ok(())
    }

    /// `follow_huge_pud` (6.12), for device memory and other memory.
    pub(crate) fn follow_huge_pud(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pudp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let pud = self.machine.tables.get(pudp)?;
        self.assert_ptl_held(Site::FollowHugePudLock)?;
        let write = self.has(flags, FollFlag::Write);
        if !pud.has_present_bit() {
            return NULL;
        }
        if write && !self.can_follow_write_pud(pud, vma, flags)? {
            return NULL;
        }
        let page = subpage(pud, Level::Pud, address);
        if pud.is_devmap() {
            if !self.takes(flags) {
                return Ok(Err(-EEXIST));
            }
            if self.has(flags, FollFlag::Touch) {
                self.touch_leaf(pudp, write)?;
            }
            ctx.pgmap = self.get_dev_pagemap(page, ctx.pgmap)?;
            if !ctx.pgmap {
                return Ok(Err(-EFAULT));
            }
        } else if !pud.is_writable() && self.must_unshare(vma, flags, page)? {
            return Ok(Err(-EMLINK));
        }
        let errno = self.grab_slow(page, 1, flags)?;
        if errno != 0 {
            return Ok(Err(errno));
        }
        ctx.page_mask = Level::Pud.pages() - 1;
        Ok(Ok(page))
    }

    /// `can_follow_write_pud` (7.3); before, only a writable PUD is accepted.
    fn can_follow_write_pud(&self, pud: Entry, vma: VmaPtr, flags: Foll) -> Result<bool, Stop> {
        if pud.is_writable() || !self.rules.slow.forces_writes_of_puds {
            return Ok(pud.is_writable());
        }
        self.can_follow_write_common(pud.page(), vma, flags)
    }

    /// `follow_devmap_pmd` (5.10 to 6.12), `follow_devmap_pud` (5.10, 6.1): takes one page.
    pub(crate) fn slow_follow_devmap(
        &mut self,
        level: Level,
        address: u64,
        at: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let (lock, both) = match level {
            Level::Pud => (Site::FollowDevmapPudLock, Site::FollowDevmapPud),
            _ => (Site::FollowDevmapPmdLock, Site::FollowDevmapPmd),
        };
        self.assert_ptl_held(lock)?;
        let entry = self.machine.tables.get(at)?;
        let write = self.has(flags, FollFlag::Write);
        if !self.rules.slow.follows_all_huge_entries {
            if level == Level::Pmd {
                self.warn_on(self.has_cow(flags), Site::FollowDevmapPmdCow);
            } else if write && !entry.is_writable() {
                return NULL;
            }
            let get_and_pin = self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin);
            let warns = self.rules.grabs_warn_about_both;
            if warns && self.warn_on(get_and_pin, both) {
                return NULL;
            }
        }
        let present = match level {
            Level::Pud => entry.has_present_bit(),
            _ => entry.pmd_present(),
        };
        if write && !entry.is_writable() || !present || !entry.is_devmap() {
            return NULL;
        }
        if self.has(flags, FollFlag::Touch) {
            self.touch_leaf(at, write)?;
        }
        if !self.takes(flags) {
            return Ok(Err(-EEXIST));
        }
        let page = subpage(entry, level, address);
        ctx.pgmap = self.get_dev_pagemap(page, ctx.pgmap)?;
        if !ctx.pgmap {
            return Ok(Err(-EFAULT));
        }
        let errno = self.grab_slow(page, 1, flags)?;
        Ok(if errno != 0 { Err(errno) } else { Ok(page) })
    }

    /// `follow_huge_pmd` (6.12), `follow_trans_huge_pmd` (5.10, 6.1): checks the first page
    /// of the block.  Up to 6.1 this must be a head; 5.10 checks that when it grabs.
    pub(crate) fn slow_follow_huge_pmd(
        &mut self,
        vma: VmaPtr,
        address: u64,
        pmdp: EntryPtr,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let names = [Site::FollowTransHugePmdLock, Site::FollowHugePmdLock];
        self.assert_ptl_held(Site::named(&names, self.rules))?;
        let pmd = self.machine.tables.get(pmdp)?;
        let first = pmd.page();
        let early = self.rules.slow.forced_writes_require_exclusive;
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
        let names = [
            Site::FollowTransHugePmdExclusive,
            Site::FollowHugePmdExclusive,
        ];
        let exclusive = Site::named(&names, self.rules);
        self.check_exclusive(first, flags, [exclusive, Site::FollowHugePmdExclusiveWarn])?;
        let errno = self.grab_slow(first, 1, flags)?;
        if errno != 0 {
            return Ok(Err(errno));
        }
        if pmd.is_trans_huge() && self.has(flags, FollFlag::Touch) {
            self.touch_leaf(pmdp, write)?;
        }
        if self.mlocks(vma, flags) {
            self.mlock_huge(first)?;
        }
        let page = subpage(pmd, Level::Pmd, address);
        self.check_huge(page, true, Site::FollowTransHugePmdCompound)?;
        if self.rules.slow.follows_all_huge_entries {
            ctx.page_mask = Level::Pmd.pages() - 1;
        }
        Ok(Ok(page))
    }

    /// A huge entry must map a head, or with `tail` a tail, or device memory (DEBUG_VM,
    /// 5.10 and 6.1).
    fn check_huge(&self, page: PagePtr, tail: bool, bug: Site) -> Result<(), Stop> {
        if !self.rules.debug_vm || self.rules.slow.follows_all_huge_entries {
            return Ok(());
        }
        let page = self.machine.pages.get(page)?;
        let compound = page.is_large() || tail && page.is_tail();
        self.bug_on(!compound && page.zone != Zone::Device, bug)
    }

    /// `is_huge_zero_pmd`.
    pub(crate) fn is_huge_zero_pmd(&self, pmd: Entry) -> bool {
        pmd.pmd_present() && pmd.page().nr().is_some() && pmd.page() == self.machine.huge_zero_page
    }

    /// `gup_must_unshare` with a VMA.
    pub(crate) fn must_unshare(
        &self,
        vma: VmaPtr,
        flags: Foll,
        page: PagePtr,
    ) -> Result<bool, Stop> {
        let sharing = self.machine.vmas.get(vma).sharing();
        self.gup_must_unshare(sharing, flags, page)
    }

    /// A pinned anonymous page must be exclusive (DEBUG_VM).
    pub(crate) fn check_exclusive(
        &mut self,
        page: PagePtr,
        flags: Foll,
        [bug, warn]: [Site; 2],
    ) -> Result<(), Stop> {
        let checks = self.rules.debug_vm && self.rules.knows_exclusive;
        if !checks || !self.has(flags, FollFlag::Pin) {
            return Ok(());
        }
        let folio = self.page_folio(page)?;
        let shared = self.folio_test_anon(folio)? && !self.page_anon_exclusive(page)?;
        self.complain(shared, bug, warn)
    }
}
