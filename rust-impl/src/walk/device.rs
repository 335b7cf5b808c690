// SPDX-License-Identifier: GPL-2.0
//! Huge entries of device memory: page by page, as the folios behind one need
//! not be as large, and each only with the device's pagemap in hand.

use crate::foll::FollFlag;
use crate::kernel::{Kernel, Stop};
use crate::pages::PagePtr;
use crate::tables::{Entry, EntryPtr, Level, PAGE_SIZE};
use crate::walk::Walk;
use crate::walk::leaf::subpage;

impl Kernel<'_> {
    /// `gup_fast_devmap_pmd_leaf`, `gup_fast_devmap_pud_leaf` (6.12),
    /// `__gup_device_huge_pmd`, `__gup_device_huge_pud` (6.1): all pages, then
    /// one look at the entry for all of them.
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

    /// `gup_fast_devmap_leaf` (6.12), `__gup_device_huge` (6.1).
    ///
    /// Failure shows by where the loop has stopped.  With no pages to take
    /// that is the end at once, so the first page's failure is success; if it
    /// does not fail, the loop runs on.  In 5.10 failure is failure, but keeps the
    /// pagemap.
    fn gup_device_pages(
        &mut self,
        mut page: PagePtr,
        mut addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        let start = walk.nr;
        let mut pgmap = false;
        loop {
            pgmap = self.get_dev_pagemap(page, pgmap)?;
            if !pgmap || !self.gup_device_page(page, walk)? {
                self.gup_fast_undo_dev_pagemap(start, walk)?;
                if !self.rules.walk.failing_device_puts_pagemap {
                    return Ok(false);
                }
                break;
            }
            walk.nr += 1;
            (page, addr) = (page.nth(1), addr.wrapping_add(PAGE_SIZE));
            if addr == end {
                break;
            }
        }
        self.put_dev_pagemap(pgmap)?;
        Ok(addr == end)
    }

    /// One page.  6.1 marks and records it before it is taken, and takes it as
    /// the slow path would, from somebody who is sure to hold it; if that
    /// fails, the mark stays.
    fn gup_device_page(&mut self, page: PagePtr, walk: &Walk) -> Result<bool, Stop> {
        if !self.rules.walk.device_walk_is_lockless {
            self.set_page_referenced(page, true)?;
            self.store_pages(walk, page, 1)?;
            return self.try_grab_page(page, walk.flags);
        }
        if !self.has(walk.flags, FollFlag::PciP2pdma) && self.is_pci_p2pdma_page(page)? {
            return Ok(false);
        }
        let Some(folio) = self.try_grab_folio_fast(page, 1, walk.flags)? else {
            return Ok(false);
        };
        self.folio_set_referenced(folio, true)?;
        self.store_pages(walk, page, 1)?;
        Ok(true)
    }

    /// `gup_fast_undo_dev_pagemap` (6.12), `undo_dev_pagemap` (6.1): backs out of
    /// all that was taken since there were `start` pages, from the last to the
    /// first.
    ///
    /// They all end up as not referenced, those that were so before, too.
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
