// SPDX-License-Identifier: GPL-2.0
//! The loop over the addresses.

use crate::foll::FollFlag;
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::observer::Flush;
use crate::pages::PagePtr;
use crate::series::{EEXIST, EINVAL};
use crate::site::Site;
use crate::slow::follow::Context;
use crate::slow::stack::foll;
use crate::slow::{EAGAIN, EBUSY, EINTR, EMLINK, ENOENT, Range};
use crate::tables::{PAGE_SHIFT, PAGE_SIZE};
use crate::unpin::MAX_LIST;
use crate::vma::VmaPtr;
use crate::walk::EFAULT;

/// The result for one address.
enum Step {
    /// A page, or NULL if it was not requested.
    Page(PagePtr),
    /// The same, of the gate area.
    Gate(PagePtr),
    /// There is no page, and nothing is stored.
    None,
    /// A hugetlbfs VMA, which is followed by a separate function (5.10, 6.1).
    Apart(VmaPtr),
    /// The loop ends, with an errno or, if the lock was dropped, with 0.
    End(i32),
}

impl Kernel<'_> {
    /// `__get_user_pages` (6.12): called with the mmap lock held; `locked` says whether it
    /// is still held.
    ///
    /// Returns the number of pages; if there is none, an errno, or 0 if a fault has to be
    /// retried.
    pub(crate) fn __get_user_pages(
        &mut self,
        range: Range,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        if range.nr_pages == 0 {
            return Ok(0);
        }
        self.slow_path_is_locked(range.mm)?;
        let takes = self.takes(range.flags);
        let mismatch = self.rules.debug_vm && range.pages.is_some() != takes;
        self.complain(
            mismatch,
            Site::GetUserPagesPages,
            Site::GetUserPagesPagesWarn,
        )?;
        if self.rules.slow.one_warn_for_get_and_pin && self.rules.debug_vm {
            let get = self.has(range.flags, FollFlag::Get);
            let both = get && self.has(range.flags, FollFlag::Pin);
            self.warn_on(both, Site::GetUserPagesBoth);
        }

        if range.notes_vmas {
            self.machine.noted_vmas.clear();
        }
        let mut ctx = Context::default();
        let mut left = range;
        // without FOLL_FORCE, PROT_NONE causes NUMA hinting faults
        let numa = self.rules.slow.has_foll_numa && !self.has(range.flags, FollFlag::Force);
        left.flags.0 |= if numa { foll::NUMA } else { 0 };
        let mut vma = None;
        // the error in the number of pages
        let mut error = 0;
        let found = |left: &Range, error: i64| {
            (range.nr_pages.wrapping_sub(left.nr_pages) as i64).wrapping_add(error)
        };
        let ret = loop {
            let step = self.get_at(&left, &mut vma, &mut ctx, locked)?;
            let flushes = match step {
                Step::Gate(_) => self.rules.slow.takes_huge_entries_whole,
                _ => true,
            };
            let page = match step {
                Step::Page(page) | Step::Gate(page) => Some(page),
                Step::None => None,
                Step::Apart(hugetlb) => {
                    let end = self.slow_follow_hugetlb_page(hugetlb, &mut left, locked)?;
                    let lost = self.may_lose_lock(&left) && !*locked;
                    let nowait = self.has(range.flags, FollFlag::Nowait);
                    self.bug_on(lost && nowait, Site::GetUserPagesNowait)?;
                    let site = Site::GetUserPagesNotNeeded;
                    self.bug_on(lost && ctx.not_needed && site.exists(self.rules), site)?;
                    if end.is_none() && found(&left, error) == 0 {
                        // Nothing is left of a VMA that ended in front of it meanwhile: what is
                        // returned for none is added to, and pages[] continues before its start.
                        error -= i64::from(EFAULT);
                        left.pages = left.pages.map(|at| at.wrapping_sub(EFAULT as usize));
                    }
                    match end {
                        Some(ret) => break ret,
                        None if lost || left.nr_pages == 0 => break 0,
                        None => continue,
                    }
                }
                Step::End(ret) => break ret,
            };
            if range.notes_vmas {
                self.machine.noted_vmas.extend(vma);
                ctx.page_mask = 0;
            }
            let stores = left.pages.is_some() && page.is_some();
            if stores && !self.rules.slow.takes_huge_entries_whole {
                ctx.page_mask = 0;
            }
            let rest = !(left.start >> PAGE_SHIFT) & ctx.page_mask;
            let increment = (1 + rest).min(left.nr_pages);
            match (left.pages, page) {
                (Some(at), Some(page)) => {
                    if !self.store_subpages(page, increment, at, &left, flushes)? {
                        break -EFAULT;
                    }
                }
                (Some(at), None) => self.leave_out(at, increment),
                (None, _) => {}
            }
            left.skip(increment);
            if left.nr_pages == 0 {
                break 0;
            }
        };
        if ctx.pgmap {
            self.put_dev_pagemap(true)?;
        }
        let found = found(&left, error);
        Ok(if found != 0 { found } else { ret.into() })
    }

    /// The page at the first address of the rest.
    fn get_at(
        &mut self,
        left: &Range,
        vma: &mut Option<VmaPtr>,
        ctx: &mut Context,
        locked: &mut bool,
    ) -> Result<Step, Stop> {
        let address = left.start;
        let current = vma.filter(|&vma| address < self.machine.vmas.get(vma).end);
        let current = match current {
            Some(vma) => vma,
            None if self.has(left.flags, FollFlag::MadvPopulate) => {
                // looks up VMAs itself, with its own errors
                let Some(found) = self.machine.vmas.lookup(left.mm, address) else {
                    return Ok(Step::End(-ENOMEM));
                };
                if self.check_vma_flags(found, left.flags) != 0 {
                    return Ok(Step::End(-EINVAL));
                }
                found
            }
            None => match self.gup_vma_lookup(left.mm, address)? {
                Some(found) => {
                    let errno = self.check_vma_flags(found, left.flags);
                    if errno != 0 {
                        return Ok(Step::End(errno));
                    }
                    *vma = Some(found);
                    if self.follows_apart(found) {
                        return Ok(Step::Apart(found));
                    }
                    found
                }
                None if self.machine.vmas.in_gate_area(left.mm, address) => {
                    let start = address & !(PAGE_SIZE - 1);
                    let page = self.get_gate_page(left.mm, start, left.flags, left.pages)?;
                    return Ok(match page {
                        Ok((gate, page)) => {
                            ctx.not_needed = false;
                            *vma = gate;
                            ctx.page_mask = 0;
                            Step::Gate(page)
                        }
                        Err(errno) => Step::End(errno),
                    });
                }
                None => return Ok(Step::End(-EFAULT)),
            },
        };
        *vma = Some(current);
        let ends_without_page = left.pages.is_some() && self.rules.slow.missing_page_is_an_error;

        // faults may add to them, for this page
        let mut flags = left.flags;
        loop {
            if self.fatal_signal_pending() {
                return Ok(Step::End(-EINTR));
            }
            let unshare = match self.slow_follow_page_mask(current, address, flags, ctx)? {
                Ok(page) if page.is_null() => false,
                Ok(page) => return Ok(Step::Page(page)),
                Err(errno) if errno == -EMLINK && self.rules.knows_exclusive => true,
                Err(errno) if errno == -EEXIST && !ends_without_page => {
                    return Ok(Step::None);
                }
                Err(errno) => return Ok(Step::End(errno)),
            };
            let errno = self.faultin_page(
                current,
                address,
                &mut flags,
                unshare,
                left.unlockable,
                locked,
            )?;
            ctx.not_needed = errno == -ENOENT;
            match -errno {
                0 => {}
                ENOENT => return Ok(Step::None),
                EBUSY | EAGAIN => return Ok(Step::End(0)),
                // -EFAULT, -ENOMEM, -EHWPOISON
                _ => return Ok(Step::End(errno)),
            }
        }
    }

    /// Entries of the list stay unchanged (5.10): those of the caller.
    fn leave_out(&mut self, at: usize, nr: u64) {
        let entries = &mut self.machine.entries;
        let end = MAX_LIST.min(at.saturating_add(nr as usize));
        if entries.len() < end {
            entries.resize(end, PagePtr::POISON);
        }
    }

    /// FOLL_GET or FOLL_PIN is set: pages are taken.
    pub(crate) fn takes(&self, flags: crate::foll::Foll) -> bool {
        self.has(flags, FollFlag::Get) || self.has(flags, FollFlag::Pin)
    }

    /// Takes and stores the remaining pages of a huge page, whose first one is already
    /// taken: with the slow grab (6.12), or with that of the lockless walk (6.6), which refuses
    /// more.  On failure it drops the first one, too.  The caller reads them in another place
    /// than where they are mapped, so caches of both are flushed.
    fn store_subpages(
        &mut self,
        page: PagePtr,
        increment: u64,
        at: usize,
        left: &Range,
        flushes: bool,
    ) -> Result<bool, Stop> {
        if increment > 1 {
            let more = (increment - 1) as i32;
            let failed = if self.rules.slow_grab_takes_refs {
                let folio = self.page_folio(page)?;
                self.try_grab_folio(folio, more, left.flags)? != 0
            } else {
                let folio = self.try_grab_folio_fast(page, more, left.flags)?;
                self.warn_on(folio.is_none(), Site::GetUserPagesGrab)
            };
            if failed {
                let folio = self.page_folio(page)?;
                self.gup_put_folio(folio, 1, left.flags)?;
                return Ok(false);
            }
        }
        for (i, nr) in (at..).zip(0..increment) {
            self.store_page(i, page.nth(nr))?;
            if flushes {
                let address = left.start.wrapping_add(nr << PAGE_SHIFT);
                self.flush(Flush::Anon(address), page.nth(nr));
                self.flush(Flush::Page, page.nth(nr));
            }
        }
        Ok(true)
    }
}
