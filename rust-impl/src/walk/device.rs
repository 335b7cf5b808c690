// SPDX-License-Identifier: GPL-2.0
//! Huge entries of device memory: these are walked page by page, because their folios may
//! be smaller than the entry; each page needs a reference on the device's pagemap.

use crate::foll::FollFlag;
use crate::kernel::{Kernel, Stop};
use crate::pages::PagePtr;
use crate::tables::{Entry, EntryPtr, Level, PAGE_SIZE};
use crate::walk::Walk;
use crate::walk::leaf::subpage;

impl Kernel<'_> {
    /// `gup_fast_devmap_pmd_leaf`, `gup_fast_devmap_pud_leaf` (6.12),
    /// `__gup_device_huge_pmd`, `__gup_device_huge_pud` (6.1): takes all pages, then
    /// rechecks the entry once.
    pub(crate) fn gup_fast_devmap_leaf(
        &mut self,
        level: Level,
        orig: Entry,
        at: EntryPtr,
        addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let start = walk.nr;
        if !self.gup_device_pages(subpage(orig, level, addr), addr, end, walk)? {
            return Ok(false);
        }
        if self.load_entry(at)? != orig {
            self.gup_fast_undo_dev_pagemap(start, walk)?;
            return Ok(false);
        }
        Ok(true)
    }

    /// `gup_fast_devmap_leaf` (6.12), `__gup_device_huge` (6.1): takes the pages from
    /// `addr` to `end`.
    ///
    /// It detects failure by the address at which the loop stopped.  If no pages are to be
    /// taken, this is the end at once: then a failure at the first page counts as success,
    /// and without one the loop runs past the end.  5.10 and 5.15 return failure directly,
    /// and 5.10 keeps the pagemap.
    fn gup_device_pages(
        &mut self,
        mut page: PagePtr,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let start = walk.nr;
        let mut pgmap = false;
        let mut failed = false;
        loop {
            pgmap = self.get_dev_pagemap(page, pgmap)?;
            if !pgmap || !self.gup_device_page(page, walk)? {
                self.gup_fast_undo_dev_pagemap(start, walk)?;
                if !self.rules.walk.failing_device_puts_pagemap {
                    return Ok(false);
                }
                failed = !self.rules.walk.device_failures_by_address;
                break;
            }
            walk.nr += 1;
            (page, addr) = (page.nth(1), addr.wrapping_add(PAGE_SIZE));
            if addr == end {
                break;
            }
        }
        self.put_dev_pagemap(pgmap)?;
        Ok(!failed && addr == end)
    }

    /// Takes one page.  6.6 and before mark and record it first, and then take it with the
    /// slow grab, which assumes that the page is already held; if that fails, the mark stays.
    fn gup_device_page(&mut self, page: PagePtr, walk: &Walk) -> Result<bool, Stop> {
        if self.refuses_p2pdma(page, walk.flags)? {
            return Ok(false);
        }
        if !self.rules.walk.device_walk_is_lockless {
            self.set_page_referenced(page, true)?;
            self.store_pages(walk, page, 1)?;
            return Ok(self.try_grab_page(page, walk.flags)? == 0);
        }
        let Some(folio) = self.try_grab_folio_fast(page, 1, walk.flags)? else {
            return Ok(false);
        };
        self.folio_set_referenced(folio, true)?;
        self.store_pages(walk, page, 1)?;
        Ok(true)
    }

    /// `gup_fast_undo_dev_pagemap` (6.12), `undo_dev_pagemap` (6.1): drops all pages from
    /// number `start` on, the last one first.
    ///
    /// It clears the referenced flag of all of them, even if it was set before.
    pub(crate) fn gup_fast_undo_dev_pagemap(
        &mut self,
        start: usize,
        walk: &mut Walk,
    ) -> Result<(), Stop> {
        while walk.nr > start {
            walk.nr -= 1;
            let page = self.machine.entries[walk.nr];
            if self.rules.walk.device_walk_is_lockless {
                let folio = self.page_folio(page)?;
                self.folio_set_referenced(folio, false)?;
                self.gup_put_folio(folio, 1, walk.flags)?;
                continue;
            }
            self.set_page_referenced(page, false)?;
            if self.has(walk.flags, FollFlag::Pin) {
                self.unpin_user_page(page)?;
            } else {
                self.put_page(page)?;
            }
        }
        Ok(())
    }
}
