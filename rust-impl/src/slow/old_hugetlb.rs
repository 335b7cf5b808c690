// SPDX-License-Identifier: GPL-2.0
//! VMAs of hugetlbfs in 5.10 to 6.6, where functions of mm/hugetlb.c follow them.
//!
//! In 6.6 `hugetlb_follow_page_mask()` looks up one entry for the common loop, which does the
//! rest.  In 5.10 and 6.1 there are two ways in:
//!
//! * The loop over the addresses hands the whole VMA to `follow_hugetlb_page()`.  For each
//!   huge page it looks up the entry, faults it in if necessary, and takes as many pages as
//!   are asked for.  It calls `hugetlb_fault()`, not `handle_mm_fault()`, and with fewer
//!   flags: it never passes FAULT_FLAG_REMOTE, and ignores FOLL_NOFAULT.
//! * `follow_page()` walks down the tables and calls `follow_huge_pmd_pte()` or
//!   `follow_huge_pud()` at an entry of hugetlbfs.  They wait for a migration instead of
//!   faulting.
//!
//! All treat an entry of any level as a PTE: it is present if a PTE with these bits is,
//! and an entry that is neither present nor empty is swapped out, migrated or poisoned.  A
//! present entry maps a huge page; they do not check for a table.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::mm::{fault_flag, vm_fault};
use crate::pages::PagePtr;
use crate::series::ErrPtr;
use crate::site::Site;
use crate::slow::follow::Context;
use crate::slow::{EMLINK, Range};
use crate::tables::{Entry, EntryPtr, Level, PAGE_SHIFT, PAGE_SIZE};
use crate::vma::VmaPtr;
use crate::walk::EFAULT;
use crate::walk::leaf::subpage;

/// There is no page, or a fault is needed.
const NULL: Result<ErrPtr, Stop> = Ok(Ok(PagePtr::NULL));

/// What to do with an entry.
enum Follow {
    /// Take its pages.
    Pages,
    /// Fault it in, with this flag besides those that follow from the caller's flags.
    Fault(u32),
}

impl Kernel<'_> {
    /// `is_vm_hugetlb_page`, in revisions where the functions of this module follow such a
    /// VMA.
    pub(crate) fn follows_apart(&self, vma: VmaPtr) -> bool {
        let area = *self.machine.vmas.get(vma);
        self.rules.slow.has_follow_hugetlb_page && self.is_vm_hugetlb_page(&area)
    }

    /// `hstate_vma`: the level whose entries map huge pages of that size.
    fn hstate_vma(&self, vma: VmaPtr) -> Level {
        self.machine.vmas.get(vma).huge_level()
    }

    /// `huge_pte_offset`: the entry that maps a huge page of that level, unless there is no
    /// table of it.  A larger huge page is taken for a table.
    fn huge_pte_offset(
        &self,
        mm: MmPtr,
        address: u64,
        level: Level,
    ) -> Result<Option<EntryPtr>, Stop> {
        let mut at = self.machine.tables.top(mm, address);
        for below in [Level::Pud, Level::Pmd] {
            let entry = self.machine.tables.get(at)?;
            if !entry.has_present_bit() {
                return Ok(None);
            }
            let table = entry.table();
            at = table.map_or(EntryPtr::POISON, |table| {
                EntryPtr::of(table, below, address)
            });
            if below == level {
                break;
            }
        }
        Ok(Some(at))
    }

    /// `follow_hugetlb_page` (5.10, 6.1): takes the pages of a VMA from the start of the
    /// range until the range or the VMA ends, and advances the range past them.
    ///
    /// Returns `None` if the caller goes on; else an errno, or 0 if it has to retry after a
    /// fault, which may have dropped the mmap lock.
    pub(crate) fn slow_follow_hugetlb_page(
        &mut self,
        vma: VmaPtr,
        left: &mut Range,
        locked: &mut bool,
    ) -> Result<Option<i32>, Stop> {
        let level = self.hstate_vma(vma);
        while left.nr_pages != 0 && left.start < self.machine.vmas.get(vma).end {
            if self.fatal_signal_pending() {
                return Ok(Some(-EFAULT));
            }
            let at = self.huge_pte_offset(left.mm, left.start, level)?;
            let entry = match at {
                Some(at) => {
                    self.lock_page_table()?;
                    self.machine.tables.get(at)?
                }
                None => Entry::NONE,
            };
            let dumps = entry.is_none() && self.has(left.flags, FollFlag::Dump);
            if dumps && !self.hugetlbfs_pagecache_present(vma, left.start)? {
                self.unlock_if(at);
                return Ok(Some(-EFAULT));
            }
            let end = match self.__follow_hugetlb_must_fault(entry, vma, left.flags)? {
                Follow::Fault(flag) => {
                    self.unlock_if(at);
                    self.fault_in_huge_page(vma, left, flag, locked)?
                }
                Follow::Pages => {
                    let end = self.take_huge_page(entry, vma, level, left)?;
                    self.unlock_if(at);
                    end
                }
            };
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    /// The lock of the table, if there is one.
    fn unlock_if(&mut self, at: Option<EntryPtr>) {
        if at.is_some() {
            self.unlock_page_table();
        }
    }

    /// `__follow_hugetlb_must_fault` (6.1), and the check for an absent entry; 6.6 checks the
    /// same.
    fn __follow_hugetlb_must_fault(
        &self,
        entry: Entry,
        vma: VmaPtr,
        flags: Foll,
    ) -> Result<Follow, Stop> {
        if !entry.pte_present() {
            return Ok(Follow::Fault(0));
        }
        if entry.is_writable() {
            return Ok(Follow::Pages);
        }
        if self.has(flags, FollFlag::Write) {
            return Ok(Follow::Fault(0));
        }
        let first = subpage(entry, self.hstate_vma(vma), 0);
        Ok(match self.must_unshare(vma, flags, first)? {
            true => Follow::Fault(fault_flag::UNSHARE),
            false => Follow::Pages,
        })
    }

    /// Faults the entry in: `None` if it is to be read again.
    fn fault_in_huge_page(
        &mut self,
        vma: VmaPtr,
        left: &Range,
        flag: u32,
        locked: &mut bool,
    ) -> Result<Option<i32>, Stop> {
        use fault_flag as f;
        let has = |flag| self.has(left.flags, flag);
        let unlockable = self.may_lose_lock(left);
        let all = [
            (has(FollFlag::Write), f::WRITE),
            (unlockable, f::ALLOW_RETRY | f::KILLABLE),
            (unlockable && has(FollFlag::Interruptible), f::INTERRUPTIBLE),
            (has(FollFlag::Nowait), f::ALLOW_RETRY | f::RETRY_NOWAIT),
            (has(FollFlag::Tried), f::TRIED),
        ];
        let all = all.iter().filter(|(on, _)| *on);
        let flags = all.fold(flag, |set, &(_, bits)| set | bits);

        let fault = self.hugetlb_fault(vma, left.start, flags)?;
        if fault & vm_fault::ERROR != 0 {
            return Ok(Some(self.vm_fault_to_errno(fault, left.flags)));
        }
        if fault & vm_fault::RETRY != 0 {
            if unlockable && flags & f::RETRY_NOWAIT == 0 {
                *locked = false;
            }
            return Ok(Some(0));
        }
        Ok(None)
    }

    /// May a fault drop the mmap lock?  Where the slow path takes it itself (6.5), whatever the
    /// caller permits.
    pub(crate) fn may_lose_lock(&self, left: &Range) -> bool {
        left.unlockable || self.rules.walk.slow_path_locks
    }

    /// Takes the pages of a huge page that are in the range and in the VMA.  If the caller
    /// wants no pages, whole huge pages are only counted, except the last one of the VMA.
    fn take_huge_page(
        &mut self,
        entry: Entry,
        vma: VmaPtr,
        level: Level,
        left: &mut Range,
    ) -> Result<Option<i32>, Stop> {
        let bug = [Site::FollowHugetlbPageExclusive; 2];
        self.check_exclusive(subpage(entry, level, 0), left.flags, bug)?;
        let offset = (left.start & (level.size() - 1)) >> PAGE_SHIFT;
        let end = self.machine.vmas.get(vma).end;
        let whole = offset == 0
            && left.start.wrapping_add(level.size()) < end
            && left.nr_pages >= level.pages();
        if left.pages.is_none() && !left.notes_vmas && whole {
            left.skip(level.pages());
            return Ok(None);
        }

        let refs = (level.pages() - offset).min(left.nr_pages);
        match self.rules.slow.takes_hugetlb_at_once {
            true => self.take_at_once(entry, vma, level, refs, left),
            false => self.take_one_by_one(entry, vma, level, refs, left),
        }
    }

    /// Takes so many pages (6.1), or fewer where the VMA ends: stores them first, then
    /// takes them by the grab of the lockless walk.  That grab refuses a long-term pin of a
    /// page that has to be migrated first.
    fn take_at_once(
        &mut self,
        entry: Entry,
        vma: VmaPtr,
        level: Level,
        refs: u64,
        left: &mut Range,
    ) -> Result<Option<i32>, Stop> {
        let end = self.machine.vmas.get(vma).end;
        let in_vma = end.wrapping_sub(left.start & !(PAGE_SIZE - 1)) >> PAGE_SHIFT;
        let refs = refs.min(in_vma);
        if let Some(first) = left.pages {
            let page = subpage(entry, level, left.start);
            for (at, nr) in (first..).zip(0..refs) {
                self.store_page(at, page.nth(nr))?;
            }
            let page = self.entry(first);
            let folio = self.try_grab_folio_fast(page, refs as i32, left.flags)?;
            if self.warn_on(folio.is_none(), Site::FollowHugetlbPageGrab) {
                return Ok(Some(-ENOMEM));
            }
        }
        left.skip(refs);
        Ok(None)
    }

    /// Takes so many pages (5.10), one slow grab for each, until the VMA ends.
    fn take_one_by_one(
        &mut self,
        entry: Entry,
        vma: VmaPtr,
        level: Level,
        refs: u64,
        left: &mut Range,
    ) -> Result<Option<i32>, Stop> {
        for _ in 0..refs {
            if let Some(at) = left.pages {
                let page = subpage(entry, level, left.start);
                self.store_page(at, page)?;
                let failed = self.try_grab_page(page, left.flags)? != 0;
                if self.warn_on(failed, Site::FollowHugetlbPageGrab) {
                    return Ok(Some(-ENOMEM));
                }
            }
            if left.notes_vmas {
                self.machine.noted_vmas.push(vma);
            }
            left.skip(1);
            if left.start >= self.machine.vmas.get(vma).end {
                break;
            }
        }
        Ok(None)
    }

    /// `hugetlb_follow_page_mask` (6.6): the page at an address, taken if the flags say so; NULL
    /// if the caller has to fault; -EMLINK if that fault has to unshare.
    pub(crate) fn hugetlb_follow_page_mask(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
        ctx: &mut Context,
    ) -> Result<ErrPtr, Stop> {
        let (mm, level) = (self.machine.vmas.get(vma).mm, self.hstate_vma(vma));
        let mut page = Ok(PagePtr::NULL);
        if let Some(at) = self.huge_pte_offset(mm, address, level)? {
            self.lock_page_table()?;
            let entry = self.machine.tables.get(at)?;
            page = self.follow_huge_pte(entry, vma, address, flags)?;
            if page.is_ok_and(|page| !page.is_null()) {
                ctx.page_mask = level.pages() - 1;
            }
            self.unlock_page_table();
        }
        let absent = page.is_ok_and(PagePtr::is_null) && self.has(flags, FollFlag::Dump);
        if absent && !self.hugetlbfs_pagecache_present(vma, address)? {
            return Ok(Err(-EFAULT));
        }
        Ok(page)
    }

    /// The part of it under the lock.
    fn follow_huge_pte(
        &mut self,
        entry: Entry,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        match self.__follow_hugetlb_must_fault(entry, vma, flags)? {
            Follow::Fault(fault_flag::UNSHARE) => return Ok(Err(-EMLINK)),
            Follow::Fault(_) => return NULL,
            Follow::Pages => {}
        }
        let page = subpage(entry, self.hstate_vma(vma), address);
        let errno = self.try_grab_page(page, flags)?;
        let failed = self.warn_on(errno != 0, Site::HugetlbFollowPageMask);
        Ok(if failed { Err(errno) } else { Ok(page) })
    }

    /// `hugetlb_follow_page_mask` (6.5), for `follow_page` only: the page at an address, taken if
    /// the flags say so, or NULL.
    pub(crate) fn look_up_hugetlb(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        let (mm, level) = (self.machine.vmas.get(vma).mm, self.hstate_vma(vma));
        let Some(at) = self.huge_pte_offset(mm, address, level)? else {
            return NULL;
        };
        self.lock_page_table()?;
        let entry = self.machine.tables.get(at)?;
        let mut page = PagePtr::NULL;
        if entry.pte_present() {
            let found = subpage(entry, level, address);
            if self.try_grab_page(found, flags)? == 0 {
                page = found;
            }
        }
        self.unlock_page_table();
        Ok(Ok(page))
    }

    /// `follow_huge_pmd_pte` (5.10, 6.1): the page at an address that an entry of hugetlbfs
    /// maps, taken if the flags say so.  The level is that of the VMA, whatever level the
    /// walk has reached.
    pub(crate) fn follow_huge_pmd_pte(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        let (mm, level) = (self.machine.vmas.get(vma).mm, self.hstate_vma(vma));
        if self.warns_about_pins(flags, Site::FollowHugePmdPtePin) {
            return NULL;
        }
        loop {
            let Some(at) = self.huge_pte_offset(mm, address, level)? else {
                return NULL;
            };
            self.lock_page_table()?;
            let entry = self.machine.tables.get(at)?;
            let page = subpage(entry, level, address);
            let site = Site::FollowHugePmdPteGrab;
            match self.follow_locked(entry, page, flags, site)? {
                Some(page) => return Ok(Ok(page)),
                None => self.migration_entry_wait(at)?,
            }
        }
    }

    /// `follow_huge_pud` (5.10, 6.1; another one in 6.12): the same for a PUD that the walk
    /// has found.  5.10 takes no reference and checks nothing.
    pub(crate) fn slow_follow_huge_pud(
        &mut self,
        address: u64,
        pudp: EntryPtr,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        if !self.rules.slow.follows_absent_puds {
            if self.takes(flags) {
                return NULL;
            }
            let pud = self.machine.tables.get(pudp)?;
            return Ok(Ok(subpage(pud, Level::Pud, address)));
        }
        if self.warns_about_pins(flags, Site::FollowHugePudPin) {
            return NULL;
        }
        loop {
            self.lock_page_table()?;
            let pud = self.machine.tables.get(pudp)?;
            if !pud.is_huge() {
                self.unlock_page_table();
                return NULL;
            }
            let page = subpage(pud, Level::Pud, address);
            match self.follow_locked(pud, page, flags, Site::FollowHugePudGrab)? {
                Some(page) => return Ok(Ok(page)),
                None => self.migration_entry_wait(pudp)?,
            }
        }
    }

    /// `pud_huge`: in 5.10 only if the entry is present.
    pub(crate) fn is_huge_pud(&self, pud: Entry) -> bool {
        match self.rules.slow.follows_absent_puds {
            true => pud.is_huge(),
            false => pud.is_leaf(),
        }
    }

    /// `follow_page` warns about FOLL_PIN; in 5.10 only if FOLL_GET is set too.
    fn warns_about_pins(&mut self, flags: Foll, site: Site) -> bool {
        let pin = self.has(flags, FollFlag::Pin);
        let both = pin && self.has(flags, FollFlag::Get);
        let wrong = match self.rules.slow.follow_page_pins_nothing {
            true => pin,
            false => both,
        };
        self.warn_on(wrong, site)
    }

    /// The part under the lock, which it drops: the page, taken, or NULL; `None` if it is
    /// being migrated.
    fn follow_locked(
        &mut self,
        entry: Entry,
        page: PagePtr,
        flags: Foll,
        site: Site,
    ) -> Result<Option<PagePtr>, Stop> {
        let mut found = Some(PagePtr::NULL);
        if entry.pte_present() {
            let failed = self.try_grab_page(page, flags)? != 0;
            if !self.warn_on(failed, site) {
                found = Some(page);
            }
        } else if entry.is_migration() {
            found = None;
        }
        self.unlock_page_table();
        Ok(found)
    }
}
