// SPDX-License-Identifier: GPL-2.0
//! Long-term pins in 5.10 and 5.15.  5.10 checks the recorded VMAs of the pages for fsdax, and
//! migrates CMA pages only.

use crate::foll::FollFlag;
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::mm::Isolated;
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::EINVAL;
use crate::slow::{EOPNOTSUPP, Range};
use crate::unpin::MAX_LIST;
use crate::vma::VmaKind;

/// What else was found besides the isolated pages.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Pages that could not be isolated, or device memory.
    other: bool,
    /// Why device memory could not be migrated.
    errno: i32,
}

impl Kernel<'_> {
    /// `__gup_longterm_locked` (5.10) with FOLL_LONGTERM, which implies FOLL_PIN.  The
    /// caller holds the mmap lock and does not pass `locked`.
    pub(crate) fn old_gup_longterm_locked(&mut self, range: Range) -> Result<i64, Stop> {
        if range.pages.is_none() {
            return Ok(-i64::from(EINVAL));
        }
        // the array for VMAs is as large as that for pages
        if range.nr_pages > MAX_LIST as u64 {
            return Ok(-i64::from(ENOMEM));
        }
        let range = Range {
            notes_vmas: true,
            ..range
        };
        let outside = self.machine.held.memalloc_pin;
        self.machine.held.memalloc_pin = true;
        let result = self.pin_and_move(range)?;
        self.machine.held.memalloc_pin = outside;
        Ok(result)
    }

    fn pin_and_move(&mut self, range: Range) -> Result<i64, Stop> {
        let pinned = self.__get_user_pages_locked(range, &mut true)?;
        if pinned < 0 {
            return Ok(pinned);
        }
        if self.check_dax_vmas(pinned as usize) {
            self.unpin_found(&range, pinned)?;
            return Ok(-i64::from(EOPNOTSUPP));
        }
        self.check_and_migrate_cma_pages(range, pinned)
    }

    /// `check_dax_vmas` (5.10): is one of the VMAs fsdax?
    fn check_dax_vmas(&self, nr: usize) -> bool {
        let noted = self.machine.noted_vmas.iter().take(nr);
        let mut areas = noted.map(|&vma| self.machine.vmas.get(vma));
        areas.any(|area| area.kind == VmaKind::Fsdax)
    }

    /// `check_and_migrate_cma_pages` (5.10): returns the number of pages, none of which is
    /// in CMA; or an errno, with all pages unpinned.
    ///
    /// It does not give up: if a page cannot be isolated it retries, and pages that were
    /// pinned again are checked again.
    fn check_and_migrate_cma_pages(&mut self, mut range: Range, nr: i64) -> Result<i64, Stop> {
        let mut list = Isolated::new();
        let mut nr = nr;
        loop {
            range.nr_pages = nr as u64;
            let failed = self.isolate_unpinnable_heads(&range, &mut list)?.other;
            if list.is_empty() && !failed {
                return Ok(nr);
            }
            if list.is_empty() {
                continue;
            }
            self.unpin_found(&range, nr)?;
            let left = self.migrate_pages(&mut list)?;
            if left != 0 {
                self.putback_movable_pages(&mut list)?;
                return Ok(if left > 0 {
                    -i64::from(ENOMEM)
                } else {
                    left.into()
                });
            }
            nr = self.__get_user_pages_locked(range, &mut true)?;
            if nr <= 0 {
                return Ok(nr);
            }
        }
    }

    /// The loop of `__gup_longterm_locked` (5.15, 6.0): pins until all pages may stay; if one
    /// cannot be isolated, too.
    pub(super) fn pin_and_move_all(&mut self, mut range: Range) -> Result<i64, Stop> {
        loop {
            let pinned = self.__get_user_pages_locked(range, &mut true)?;
            if pinned <= 0 {
                return Ok(pinned);
            }
            let nr = range.nr_pages;
            range.nr_pages = pinned as u64;
            let kept = self.move_unpinnable(range)?;
            range.nr_pages = nr;
            if kept != 0 {
                return Ok(kept);
            }
        }
    }

    /// `check_and_migrate_movable_pages` (5.15, 6.0): returns the number of pages if all may stay
    /// pinned; otherwise they are unpinned: 0 if they may be pinned again, or an errno.
    fn move_unpinnable(&mut self, range: Range) -> Result<i64, Stop> {
        if !self.rules.config.migration {
            return Ok(range.nr_pages as i64);
        }
        let mut list = Isolated::new();
        let found = self.isolate_unpinnable_heads(&range, &mut list)?;
        if list.is_empty() && !found.other {
            return Ok(range.nr_pages as i64);
        }
        if self.rules.longterm_refuses_coherent {
            self.unpin_rest(&range)?;
        } else {
            self.unpin_found(&range, range.nr_pages as i64)?;
        }
        if list.is_empty() {
            return Ok(found.errno.into());
        }
        let left = self.migrate_pages(&mut list)?;
        if left != 0 {
            self.putback_movable_pages(&mut list)?;
        }
        Ok(if left > 0 { -ENOMEM } else { left }.into())
    }

    /// Device memory has been unpinned already.
    fn unpin_rest(&mut self, range: &Range) -> Result<(), Stop> {
        let first = range.pages.ok_or(Stop::Oops)?;
        for i in first..first + range.nr_pages as usize {
            let page = self.entry(i);
            if !page.is_null() {
                self.unpin_user_page(page)?;
            }
        }
        Ok(())
    }

    /// Moves a page out of DEVICE_COHERENT memory (6.0): 0 or an errno.
    fn move_coherent(&mut self, at: usize, folio: FolioPtr) -> Result<i32, Stop> {
        self.store_page(at, PagePtr::NULL)?;
        // migration needs an ordinary reference
        self.get_page(folio.page())?;
        self.unpin_user_page(folio.page())?;
        self.migrate_device_coherent(folio)
    }

    /// Isolates the heads of pages that must not stay (in 5.10, of CMA).
    fn isolate_unpinnable_heads(
        &mut self,
        range: &Range,
        list: &mut Isolated,
    ) -> Result<Found, Stop> {
        let first = range.pages.ok_or(Stop::Oops)?;
        let (mut prev, mut drained) = (None, false);
        let mut found = Found::default();
        for i in first..first + range.nr_pages as usize {
            let head = self.page_folio(self.entry(i))?;
            if prev == Some(head) {
                continue;
            }
            prev = Some(head);
            if self.rules.longterm_refuses_coherent && self.folio_is_device_coherent(head)? {
                found.other = true;
                found.errno = self.move_coherent(i, head)?;
                if found.errno != 0 {
                    return Ok(found);
                }
                continue;
            }
            if self.folio_is_longterm_pinnable(head)? {
                continue;
            }
            // PageHuge() looks up the head again
            let again = match self.rules.gets_compound_heads {
                true => self.page_folio(head.page())?,
                false => head,
            };
            let hugetlb = self.folio_test_hugetlb(again)?;
            if !hugetlb && !drained && !self.page_lru(head)? {
                self.lru_add_drain(true)?;
                drained = true;
            }
            let isolated = match hugetlb {
                true => self.isolate(head, false, list)?,
                false => self.isolate_from_lru(head, list)?,
            };
            found.other |= !isolated;
        }
        Ok(found)
    }

    /// `folio_test_lru` (6.6); `PageLRU` (5.10) checks the head.
    pub(super) fn page_lru(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let head = self.flags_page(folio)?;
        Ok(self.machine.pages.get(head)?.flags & flag::LRU != 0)
    }

    fn unpin_found(&mut self, range: &Range, nr: i64) -> Result<(), Stop> {
        debug_assert!(self.has(range.flags, FollFlag::Pin));
        self.unpin_entries(range.pages.ok_or(Stop::Oops)?, nr as usize)
    }
}
