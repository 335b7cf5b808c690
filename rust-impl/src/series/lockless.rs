// SPDX-License-Identifier: GPL-2.0
//! Call sites of the lockless walk.
//!
//! The walk grabs the page that an entry pointed to, then looks at the entry
//! again.  If it changed (`changed` here: the program says so), what was taken
//! is given back and the walk gives up.  `true` is the 1 with which these
//! functions tell that the walk may go on; their pages are in
//! [`Machine::entries`](crate::Machine::entries).

use crate::fault::{self, Fault};
use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};

/// Pages that `__gup_device_huge` is made to look at.
const MAX_DEVICE_PAGES: i32 = 64;

impl Kernel<'_> {
    /// `gup_pte_range` (v8 to v11), one PTE.
    pub fn gup_pte_range(
        &mut self,
        page: PagePtr,
        flags: Foll,
        changed: bool,
    ) -> Result<bool, Stop> {
        self.gup_compound(page, 1, flags, changed)
    }

    /// `gup_hugepte`, `gup_huge_pmd`, `gup_huge_pud`, `gup_huge_pgd` (v8 to
    /// v11): `n` pages of one entry, with one grab of the head for all of them.
    /// There is at least one, and no more than the compound page has.
    pub fn gup_huge(
        &mut self,
        page: PagePtr,
        n: i32,
        flags: Foll,
        changed: bool,
    ) -> Result<bool, Stop> {
        let (_, left) = self.rest_of_compound(page)?;
        let refs = u32::try_from(n).unwrap_or(0).min(left).max(1);
        self.gup_compound(page, refs, flags, changed)
    }

    fn gup_compound(
        &mut self,
        page: PagePtr,
        nr: u32,
        flags: Foll,
        changed: bool,
    ) -> Result<bool, Stop> {
        let Some(head) = self.try_grab_compound_head(page, nr as i32, flags)? else {
            return Ok(false);
        };
        if changed {
            if !fault::is(Fault::ChangedKept) {
                self.put_compound_head(head, nr as i32, flags)?;
            }
            return Ok(false);
        }
        self.set_referenced(head, true)?;
        self.record(page, nr);
        Ok(true)
    }

    /// `SetPageReferenced`, `ClearPageReferenced`, which go to the head.
    fn set_referenced(&mut self, head: FolioPtr, on: bool) -> Result<(), Stop> {
        let page = self.machine.pages.update(head.page())?;
        if on {
            page.flags |= flag::REFERENCED;
        } else {
            page.flags &= !flag::REFERENCED;
        }
        Ok(())
    }

    /// `__gup_device_huge` (v8 to v11): `n` neighbours, at most 64, one by one;
    /// `fails`: the number, from 1, of the page whose pagemap is gone.
    ///
    /// Pages that do not belong together are followed all the same: what the
    /// entry covers is device memory, and that its caller knows.
    pub fn gup_device_huge(
        &mut self,
        page: PagePtr,
        n: i32,
        flags: Foll,
        fails: u32,
    ) -> Result<bool, Stop> {
        for i in 0..n.clamp(0, MAX_DEVICE_PAGES) as u32 {
            let page = page.nth(i.into());
            if fails == i + 1 {
                self.undo_dev_pagemap(flags)?;
                return Ok(false);
            }
            let head = self.page_folio(page)?;
            self.set_referenced(head, true)?;
            if !self.grab_for_caller(page, flags)? {
                self.undo_dev_pagemap(flags)?;
                return Ok(false);
            }
            self.record(page, 1);
        }
        Ok(true)
    }

    /// `undo_dev_pagemap` (v8 to v11): backs out of all pages recorded, from
    /// the last to the first.  What the page that could not be grabbed was set
    /// to, Referenced, it keeps.
    ///
    /// Without FOLL_PIN the pages are put, even if nothing was taken.
    fn undo_dev_pagemap(&mut self, flags: Foll) -> Result<(), Stop> {
        while let Some(page) = self.machine.entries.pop() {
            if !fault::is(Fault::UndoKeepsReferenced) {
                let head = self.page_folio(page)?;
                self.set_referenced(head, false)?;
            }
            if self.has(flags, FollFlag::Pin) && !fault::is(Fault::UndoPuts) {
                self.unpin_user_page(page)?;
            } else {
                self.put_page(page)?;
            }
        }
        Ok(())
    }
}
