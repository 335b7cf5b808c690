// SPDX-License-Identifier: GPL-2.0
//! Huge entries: one grab for all pages of the range that are in the block.

use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};
use crate::predicates::Vma;
use crate::tables::{Entry, EntryPtr, Level, PAGE_SHIFT, TABLES_BELOW_ARENA};
use crate::walk::Walk;

impl Kernel<'_> {
    /// `gup_fast_pmd_leaf`, `gup_fast_pud_leaf` (6.12), `gup_huge_pmd`, `gup_huge_pud`
    /// (5.10, 6.1).
    ///
    /// They assume that the block belongs to one folio: all references are taken on the
    /// folio of one page.  This is the first page of the block in 5.10 and 6.12, and the
    /// first page of the range in 6.1 and 7.3.
    pub(crate) fn gup_fast_leaf(
        &mut self,
        level: Level,
        orig: Entry,
        at: EntryPtr,
        addr: u64,
        end: u64,
        walk: &mut Walk,
    ) -> Result<bool, Stop> {
        if !self.access_permitted(orig, walk) {
            return Ok(false);
        }
        if self.rules.walk.huge_may_be_special && orig.is_special() {
            return Ok(false);
        }
        if orig.is_devmap() {
            return Ok(!self.refuses_device(walk)
                && self.gup_fast_devmap_leaf(level, orig, at, addr, end, walk)?);
        }

        let first = subpage(orig, level, addr);
        let records_last = self.rules.walk.huge_records_last;
        if !records_last {
            self.record_subpages(orig, level, addr, end, walk)?;
        }
        let refs = nr_pages(addr, end) as i32;
        let asked = if self.rules.walk.huge_grabs_first_page {
            orig.page()
        } else {
            first
        };
        let Some(folio) = self.try_grab_folio_fast(asked, refs, walk.flags)? else {
            return Ok(false);
        };
        if self.load_entry(at)? != orig
            || !self.leaf_folio_allowed(folio, walk)?
            || !orig.is_writable() && self.gup_must_unshare(Vma::None, walk.flags, folio.page())?
        {
            self.gup_put_folio(folio, refs, walk.flags)?;
            return Ok(false);
        }
        if records_last {
            self.record_subpages(orig, level, addr, end, walk)?;
        }
        walk.nr += refs as usize;
        self.mark_referenced(folio, folio.page())?;
        Ok(true)
    }

    /// 5.10 and 6.1 do not check the folios of huge entries.
    fn leaf_folio_allowed(&mut self, folio: FolioPtr, walk: &Walk) -> Result<bool, Stop> {
        if !self.rules.walk.rechecks_files {
            return Ok(true);
        }
        self.gup_fast_folio_allowed(folio, walk.flags)
    }

    /// `record_subpages` (6.1, 6.12; a loop in the leaf function in 7.3): stores the pages
    /// of a block from `addr` to `end` in `pages[]`, without counting them yet.
    fn record_subpages(
        &mut self,
        orig: Entry,
        level: Level,
        addr: u64,
        end: u64,
        walk: &Walk,
    ) -> Result<(), Stop> {
        self.store_pages(walk, subpage(orig, level, addr), nr_pages(addr, end))
    }
}

/// The number of pages from one address to another.
fn nr_pages(addr: u64, end: u64) -> u64 {
    end.wrapping_sub(addr) >> PAGE_SHIFT
}

/// The page of a block at an address.  It may be past the arena.
///
/// If a table is taken for a block, it is treated as the first page of one; the tables are
/// below the arena, so pages far enough after it are in the arena.  If the table entry has
/// no present bit, its pfn counts as stored inverted, and is invalid.
pub(crate) fn subpage(orig: Entry, level: Level, addr: u64) -> PagePtr {
    let offset = (addr & (level.size() - 1)) >> PAGE_SHIFT;
    match orig.table() {
        None => orig.page().nth(offset),
        Some(_) if !orig.has_present_bit() => PagePtr::POISON,
        Some(table) => match (offset + u64::from(table)).checked_sub(TABLES_BELOW_ARENA) {
            Some(nr) => PagePtr::new(0).nth(nr),
            None => PagePtr::POISON,
        },
    }
}
