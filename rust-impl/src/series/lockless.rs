// SPDX-License-Identifier: GPL-2.0
//! Call sites of the lockless walk.
//!
//! The walk grabs the page that an entry points to, then rechecks the entry.  If it has
//! changed (`changed`: the program says so), the walk drops the page and ends.  `true`
//! stands for the 1 with which these functions continue the walk; their pages are in
//! [`Machine::entries`](crate::Machine::entries).

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};

/// Maximum number of pages for `__gup_device_huge`.
const MAX_DEVICE_PAGES: i32 = 64;

impl Kernel<'_> {
    /// `gup_pte_range` (v8 to v11), one PTE.
    pub fn gup_pte_range(
        &mut self,
        page: PagePtr,
        flags: Foll,
        changed: bool,
    ) -> Result<bool, Stop> {
        let Some(_) = self.gup_compound(page, 1, flags, changed)? else {
            return Ok(false);
        };
        self.set_page_referenced(page, true)?;
        self.record(page, 1)?;
        Ok(true)
    }

    /// `gup_hugepte`, `gup_huge_pmd`, `gup_huge_pud`, `gup_huge_pgd` (v8 to v11): `n` pages
    /// of one entry, with one grab of the head for all of them; at least one, and at most
    /// those of the compound page.
    pub fn gup_huge(
        &mut self,
        page: PagePtr,
        n: i32,
        flags: Foll,
        changed: bool,
    ) -> Result<bool, Stop> {
        let (_, left) = self.rest_of_compound(page)?;
        let refs = if n < 1 { 1 } else { n.min(left) };
        let Some(head) = self.gup_compound(page, refs, flags, changed)? else {
            return Ok(false);
        };
        self.set_page_referenced(head.page(), true)?;
        self.record(page, refs)?;
        Ok(true)
    }

    /// The grab, and its back-out if the entry changed.
    fn gup_compound(
        &mut self,
        page: PagePtr,
        nr: i32,
        flags: Foll,
        changed: bool,
    ) -> Result<Option<FolioPtr>, Stop> {
        let Some(head) = self.try_grab_compound_head(page, nr, flags)? else {
            return Ok(None);
        };
        if changed {
            self.put_compound_head(head, nr, flags)?;
            return Ok(None);
        }
        Ok(Some(head))
    }

    /// `__gup_device_huge` (v8 to v11): `n` consecutive pages, at most 64, one by one;
    /// `fails`: the number, from 1, of the page whose pagemap lookup fails.
    ///
    /// Pages of other folios are followed as well: its caller knows that the entry maps
    /// device memory.
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
            self.set_page_referenced(page, true)?;
            if !self.grab_for_caller(page, flags)? {
                self.undo_dev_pagemap(flags)?;
                return Ok(false);
            }
            self.record(page, 1)?;
        }
        Ok(true)
    }

    /// `undo_dev_pagemap` (v8 to v11): drops all recorded pages, the last one first.  The
    /// page that could not be grabbed stays marked as referenced.
    ///
    /// Without FOLL_PIN the pages are put, even if no reference was taken.
    fn undo_dev_pagemap(&mut self, flags: Foll) -> Result<(), Stop> {
        while let Some(page) = self.machine.entries.pop() {
            self.set_page_referenced(page, false)?;
            if self.has(flags, FollFlag::Pin) {
                self.unpin_user_page(page)?;
            } else {
                self.put_page(page)?;
            }
        }
        Ok(())
    }
}
