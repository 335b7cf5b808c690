// SPDX-License-Identifier: GPL-2.0
//! The PTE level.

use core::ops::ControlFlow;

use crate::foll::FollFlag;
use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};
use crate::predicates::Vma;
use crate::site::Site;
use crate::tables::{Entry, EntryPtr, Level, PAGE_SIZE};
use crate::walk::Walk;

/// The walk ends here.
const END: ControlFlow<i32> = ControlFlow::Break(0);

impl Kernel<'_> {
    /// `gup_fast_pte_range` (6.12), `gup_pte_range` (5.10, 6.1): returns 1 if all pages
    /// were taken, 0 to end the walk, or (not in 7.3) the errno of the hook that makes a
    /// page accessible.  The caller takes an errno for 1, and continues after the missing
    /// pages.
    ///
    /// The loop checks for the end only after a PTE.  If there are no pages to take, it
    /// runs past its range and its table.
    pub(crate) fn gup_fast_pte_range(
        &mut self,
        pmd: Entry,
        pmdp: EntryPtr,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<i32, Stop> {
        if self.rules.walk.pte_map_can_fail && pmd.is_bad() {
            return Ok(0);
        }
        let mut at = EntryPtr::of(pmd.table().ok_or(Stop::Oops)?, Level::Pte, addr);
        let start = walk.nr;
        let mut pgmap = false;
        let ret = loop {
            let taken = self.gup_fast_pte((pmd, pmdp), at, start, &mut pgmap, walk)?;
            if let ControlFlow::Break(ret) = taken {
                break ret;
            }
            (at, addr) = (at.next(), addr.wrapping_add(PAGE_SIZE));
            if addr == end {
                break 1;
            }
        };
        if pgmap {
            self.put_dev_pagemap(true)?;
        }
        Ok(ret)
    }

    /// Handles one PTE.  `start`: the number of pages to back out to; `pgmap`: the pagemap
    /// on which the range holds a reference, for more pages of the same device.
    fn gup_fast_pte(
        &mut self,
        (pmd, pmdp): (Entry, EntryPtr),
        ptep: EntryPtr,
        start: usize,
        pgmap: &mut bool,
        walk: &mut Walk,
    ) -> Result<ControlFlow<i32>, Stop> {
        let pte = self.load_entry(ptep)?;
        if pte.is_protnone() && !self.follows_protnone(walk) || !self.access_permitted(pte, walk) {
            return Ok(END);
        }
        if pte.is_devmap() {
            if self.refuses_device(walk) {
                return Ok(END);
            }
            *pgmap = self.get_dev_pagemap(pte.page(), *pgmap)?;
            if !*pgmap {
                self.gup_fast_undo_dev_pagemap(start, walk)?;
                return Ok(END);
            }
        } else if pte.is_special() {
            return Ok(END);
        }

        // if a table is read as a PTE, its page is not memory
        let page = pte.page();
        let bug = Site::named(&[Site::GupPteRange, Site::GupFastPteRange], self.rules);
        let wild = self.rules.debug_vm && page.nr().is_none();
        self.complain(wild, bug, Site::GupFastPteRangeWarn)?;
        let Some(folio) = self.try_grab_folio_fast(page, 1, walk.flags)? else {
            return Ok(END);
        };
        if !self.pte_still_allows((pmd, pmdp), (pte, ptep), page, folio, walk)? {
            self.gup_put_folio(folio, 1, walk.flags)?;
            return Ok(END);
        }
        let by_pages = self.rules.gets_compound_heads;
        if by_pages && self.rules.debug_vm && self.page_folio(page)? != folio {
            return Err(Stop::Bug(Site::GupPteRangeHead));
        }
        if self.has(walk.flags, FollFlag::Pin) {
            let errno = self.make_accessible(if self.rules.walk.makes_folio_accessible {
                folio.page()
            } else {
                page
            })?;
            if errno != 0 {
                if by_pages {
                    self.unpin_user_page(page)?;
                } else {
                    self.gup_put_folio(folio, 1, walk.flags)?;
                }
                let ends = self.rules.walk.inaccessible_ends_walk;
                return Ok(ControlFlow::Break(if ends { 0 } else { errno }));
            }
        }
        self.mark_referenced(folio, page)?;
        self.store_pages(walk, page, 1)?;
        walk.nr += 1;
        Ok(ControlFlow::Continue(()))
    }

    /// The checks after the grab: are the entries unchanged, and may the walk return this
    /// page?
    ///
    /// 6.1 and 6.6 check the page for secretmem before the recheck, when it may already be
    /// another page; 6.12 checks the folio, afterwards.  5.10 only rechecks the entries.
    fn pte_still_allows(
        &mut self,
        (pmd, pmdp): (Entry, EntryPtr),
        (pte, ptep): (Entry, EntryPtr),
        page: PagePtr,
        folio: FolioPtr,
        walk: &Walk,
    ) -> Result<bool, Stop> {
        let early = !self.rules.walk.looks_at_folio_after_recheck;
        if early && self.rules.walk.leaves_secretmem {
            let secret = match self.rules.secretmem_by_folio {
                true => self.folio_is_secretmem(folio)?,
                false => self.is_secretmem(page)?,
            };
            if secret {
                return Ok(false);
            }
        }
        if self.load_entry(pmdp)? != pmd || self.load_entry(ptep)? != pte {
            return Ok(false);
        }
        if self.rules.walk.rechecks_files && !self.gup_fast_folio_allowed(folio, walk.flags)? {
            return Ok(false);
        }
        Ok(pte.is_writable() || !self.gup_must_unshare(Vma::None, walk.flags, page)?)
    }
}
