// SPDX-License-Identifier: GPL-2.0
//! Put and unpin: one folio, lists, ranges.
//!
//! Lists are processed in runs of neighbours of one folio, ranges in pieces of a folio;
//! each run or piece is dropped at once.  The FOLL_PIN series and 5.10 do so page by page
//! ([`series::put`](crate::series::put)), until v5.13: "mm/gup: decrement head page once
//! for group of subpages".

use crate::env::Counter;
use crate::foll::{Foll, FollFlag};
use crate::grab::BIAS;
use crate::kernel::{Kernel, Stop};
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;

/// Number of entries in the buffer of a list; an access after it faults.
pub const MAX_LIST: usize = 4096;

/// The largest errno: page counts from its negative up are errors.
const MAX_ERRNO: u64 = 4095;

/// An array of page pointers in a buffer of [`MAX_LIST`]; entries after the list are
/// poison.
#[derive(Clone, Copy, Debug)]
pub struct List<'a>(&'a [PagePtr]);

impl<'a> List<'a> {
    /// A list; it is truncated to the size of the buffer.
    pub fn new(entries: &'a [PagePtr]) -> Self {
        Self(&entries[..entries.len().min(MAX_LIST)])
    }

    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, i: u64) -> Result<PagePtr, Stop> {
        let i = usize::try_from(i).unwrap_or(usize::MAX);
        match self.0.get(i) {
            Some(&page) => Ok(page),
            None if i < MAX_LIST => Ok(PagePtr::POISON),
            None => Err(Stop::Oops),
        }
    }
}

/// `IS_ERR_VALUE`.
fn is_err_value(n: u64) -> bool {
    n >= MAX_ERRNO.wrapping_neg()
}

impl Kernel<'_> {
    /// `gup_put_folio` (6.1, 6.12), `put_compound_head` (v8 to v11, 5.10).
    pub fn gup_put_folio(
        &mut self,
        folio: FolioPtr,
        mut refs: i32,
        flags: Foll,
    ) -> Result<(), Stop> {
        if self.rules.is_series() {
            return self.put_compound_head(folio, refs, flags);
        }
        if self.has(flags, FollFlag::Pin) {
            if self.pins_nothing_of(folio.page()) {
                return Ok(());
            }
            self.node_stat_mod_folio(folio, Counter::Released, refs)?;
            if self.has_pincount(folio)? {
                self.folio_pincount_sub(folio, refs)?;
            } else {
                refs = refs.wrapping_mul(BIAS);
            }
        }
        self.put_refs(folio, refs)
    }

    fn unpin(&mut self, folio: FolioPtr, refs: i32) -> Result<(), Stop> {
        let pin = Foll(self.rules.foll_bit(FollFlag::Pin));
        self.gup_put_folio(folio, refs, pin)
    }

    /// `unpin_user_page` (v8 on).
    pub fn unpin_user_page(&mut self, page: PagePtr) -> Result<(), Stop> {
        if self.rules.is_series() {
            return self.series_unpin_user_page(page);
        }
        self.sanity_check_pinned_pages(List::new(&[page]), 1)?;
        let folio = self.page_folio(page)?;
        self.unpin(folio, 1)
    }

    /// `unpin_folio` (6.12).
    pub fn unpin_folio(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.unpin(folio, 1)
    }

    /// `unpin_user_folio` (6.12): converts npages to an int.
    pub fn unpin_user_folio(&mut self, folio: FolioPtr, npages: u64) -> Result<(), Stop> {
        self.unpin(folio, npages as i32)
    }

    /// `sanity_check_pinned_pages` (6.1, 6.12): a pinned anonymous page must be exclusive.
    ///
    /// It is not known how a THP was mapped when it was pinned, so for a THP it is enough
    /// if the page or the head is exclusive.
    pub fn sanity_check_pinned_pages(&mut self, list: List<'_>, npages: u64) -> Result<(), Stop> {
        if !self.rules.debug_vm || !self.rules.knows_exclusive {
            return Ok(());
        }
        for i in 0..npages {
            let page = list.get(i)?;
            if page.is_null() && self.rules.lists_may_hold_null {
                continue;
            }
            let folio = self.page_folio(page)?;
            if self.pins_nothing_of(page) || !self.folio_test_anon(folio)? {
                continue;
            }
            let head = self.page_anon_exclusive(folio.page())?;
            if !self.folio_test_large(folio)? || self.folio_test_hugetlb(folio)? {
                self.complain(!head, Site::SanityCheckSmall, Site::SanityCheckSmallWarn)?;
            } else if !head {
                let shared = !self.page_anon_exclusive(page)?;
                self.complain(shared, Site::SanityCheckLarge, Site::SanityCheckLargeWarn)?;
            }
        }
        Ok(())
    }

    /// VM_BUG_ON, which is VM_WARN_ON in later kernels.
    pub(crate) fn complain(&mut self, wrong: bool, bug: Site, warn: Site) -> Result<(), Stop> {
        if self.rules.bugs_are_warnings {
            self.warn_on(wrong, warn);
        } else if wrong {
            return Err(Stop::Bug(bug));
        }
        Ok(())
    }

    /// `gup_folio_next` (6.1, 6.12): the folio at `i` of a list, and the number of
    /// neighbours from there that belong to it.  NULL faults.
    fn gup_folio_next(&self, list: List<'_>, npages: u64, i: u64) -> Result<(FolioPtr, u32), Stop> {
        let folio = self.page_folio(list.get(i)?)?;
        let mut nr = i.wrapping_add(1) as u32;
        while u64::from(nr) < npages {
            if self.page_folio(list.get(u64::from(nr))?)? != folio {
                break;
            }
            nr = nr.wrapping_add(1);
        }
        Ok((folio, u64::from(nr).wrapping_sub(i) as u32))
    }

    /// `gup_folio_range_next` (6.1, 6.12): the folio at `i` of a range, and the number of
    /// pages from there that are in both.
    fn gup_folio_range_next(
        &self,
        start: PagePtr,
        npages: u64,
        i: u64,
    ) -> Result<(FolioPtr, u32), Stop> {
        let next = start.nth(i);
        let folio = self.page_folio(next)?;
        let head = self.machine.pages.get(folio.page())?;
        if !head.is_large() {
            return Ok((folio, 1));
        }
        let idx = match (next.nr(), folio.page().nr()) {
            (Some(next), Some(head)) => next.wrapping_sub(head),
            _ => return Err(Stop::Oops),
        };
        let rest = (1u32 << head.order).wrapping_sub(idx);
        Ok((folio, rest.min(npages.wrapping_sub(i) as u32)))
    }

    /// Dirties a folio under its lock, unless it is dirty already.
    pub(crate) fn dirty_lock(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let flags = self.flags_page(folio)?;
        let dirty = self.machine.pages.get(flags)?.flags & flag::DIRTY != 0;
        if !dirty {
            self.folio_lock(folio)?;
            self.folio_mark_dirty(folio)?;
            self.folio_unlock(folio)?;
        }
        Ok(())
    }

    /// `unpin_user_pages_dirty_lock` (v8 on).  Its own loop faults on a NULL entry; in 6.12
    /// nothing before it does.
    pub fn unpin_user_pages_dirty_lock(
        &mut self,
        list: List<'_>,
        npages: u64,
        make_dirty: bool,
    ) -> Result<(), Stop> {
        if !make_dirty {
            return self.unpin_user_pages(list, npages);
        }
        if !self.rules.unpins_in_runs {
            return self.unpin_pages(list, npages, true);
        }
        self.sanity_check_pinned_pages(list, npages)?;
        let mut i = 0;
        while i < npages {
            let (folio, nr) = self.gup_folio_next(list, npages, i)?;
            self.dirty_lock(folio)?;
            self.unpin(folio, nr as i32)?;
            i += u64::from(nr);
        }
        Ok(())
    }

    /// `unpin_user_page_range_dirty_lock` (6.1, 6.12).
    pub fn unpin_user_page_range_dirty_lock(
        &mut self,
        page: PagePtr,
        npages: u64,
        make_dirty: bool,
    ) -> Result<(), Stop> {
        let mut i: u64 = 0;
        while i < npages {
            let (folio, nr) = self.gup_folio_range_next(page, npages, i)?;
            if make_dirty {
                self.dirty_lock(folio)?;
            }
            self.unpin(folio, nr as i32)?;
            i = i.wrapping_add(u64::from(nr));
        }
        Ok(())
    }

    /// `gup_fast_unpin_user_pages` (6.12), `unpin_user_pages_lockless` (6.1): the back-out
    /// of the lockless walk; 5.10 uses `unpin_user_pages`.  It has no checks: a fork may
    /// have made the pages shared.
    pub fn gup_fast_unpin_user_pages(&mut self, list: List<'_>, npages: u64) -> Result<(), Stop> {
        self.unpin_list(list, npages, false)
    }

    /// `unpin_user_pages` (v8 on).  In 6.12 a NULL entry is skipped at the start of a run,
    /// and faults after a page.
    pub fn unpin_user_pages(&mut self, list: List<'_>, npages: u64) -> Result<(), Stop> {
        let checks = !self.rules.is_series();
        if self.warn_on(checks && is_err_value(npages), Site::UnpinUserPages) {
            return Ok(());
        }
        self.sanity_check_pinned_pages(list, npages)?;
        self.unpin_list(list, npages, self.rules.lists_may_hold_null)
    }

    fn unpin_list(&mut self, list: List<'_>, npages: u64, skip_null: bool) -> Result<(), Stop> {
        if !self.rules.unpins_in_runs {
            return self.unpin_pages(list, npages, false);
        }
        let mut i = 0;
        while i < npages {
            if skip_null && list.get(i)?.is_null() {
                i += 1;
                continue;
            }
            let (folio, nr) = self.gup_folio_next(list, npages, i)?;
            self.unpin(folio, nr as i32)?;
            i += u64::from(nr);
        }
        Ok(())
    }

    /// `unpin_folios` (6.12): runs of equal pointers; NULL is skipped.
    pub fn unpin_folios(&mut self, folios: List<'_>, nfolios: u64) -> Result<(), Stop> {
        if self.warn_on(is_err_value(nfolios), Site::UnpinFolios) {
            return Ok(());
        }
        let mut i = 0;
        while i < nfolios {
            let folio = folios.get(i)?;
            let mut j = i + 1;
            while j < nfolios && folios.get(j)? == folio {
                j += 1;
            }
            if !folio.is_null() {
                self.unpin(FolioPtr(folio), (j - i) as i32)?;
            }
            i = j;
        }
        Ok(())
    }
}
