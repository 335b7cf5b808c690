// SPDX-License-Identifier: GPL-2.0
//! Puts and unpins of the series: one page at a time.
//!
//! An unpin drops 1024 references from the head.  This is the other half of finding 1: the
//! references that `grab_page` of v8 took on a tail stay there, and the head loses 1023
//! references of other users.

use crate::env::Counter;
use crate::foll::{Foll, FollFlag};
use crate::grab::BIAS;
use crate::kernel::{Kernel, Stop};
use crate::page::{Mapping, Pgmap, flag};
use crate::pages::{FolioPtr, PagePtr};
use crate::unpin::List;

impl Kernel<'_> {
    /// `put_compound_head` (v8 to v11): drops what the lockless grab took.
    ///
    /// It subtracts all at once, which must not reach zero unnoticed, so it takes one more
    /// reference before and puts it afterwards.  It does not move the counters, although
    /// the grab moved one.
    pub fn put_compound_head(
        &mut self,
        head: FolioPtr,
        refs: i32,
        flags: Foll,
    ) -> Result<(), Stop> {
        let refs = if self.has(flags, FollFlag::Pin) {
            refs.wrapping_mul(BIAS)
        } else {
            refs
        };
        self.get_page(head.page())?;
        self.folio_ref_add(head, refs.wrapping_neg())?;
        self.put_page(head.page())
    }

    /// `put_devmap_managed_page` (v8 to v11, 5.10): drops one reference.
    pub(crate) fn put_devmap_managed_page(&mut self, page: FolioPtr) -> Result<(), Stop> {
        let count = self.page_ref_sub_return(page.page(), 1)?;
        self.devmap_managed_dropped(page, count)
    }

    /// Handles the new count of a devmap-managed page: 1 means that only its driver's
    /// reference is left.
    fn devmap_managed_dropped(&mut self, page: FolioPtr, count: i32) -> Result<(), Stop> {
        match count {
            1 => self.free_devmap_managed_page(page),
            0 => self.__folio_put(page),
            _ => Ok(()),
        }
    }

    /// `free_devmap_managed_page` (v8 to v11, 5.10).  In the series it is only an event; in 5.10
    /// it cleans up a DEVICE_PRIVATE page for its driver, and wakes up tasks that wait for an
    /// fsdax page to become idle.
    fn free_devmap_managed_page(&mut self, page: FolioPtr) -> Result<(), Stop> {
        if self.rules.is_series() {
            return self.notify_driver(page);
        }
        if self.zone_device_type(page.page())? != Some(Pgmap::Private) {
            return self.wake_up_refcount(page);
        }
        let freed = self.machine.pages.update(page.page())?;
        freed.flags &= !flag::WAITERS;
        freed.mapping = Mapping::None;
        self.notify_driver(page)
    }

    /// `unpin_user_page` (v8 to v11).
    ///
    /// The release is counted after the put, except for devmap-managed pages,
    /// where it is counted before anyone is told.
    pub(crate) fn series_unpin_user_page(&mut self, page: PagePtr) -> Result<(), Stop> {
        let head = self.page_folio(page)?;
        if self.page_is_devmap_managed(head.page())? {
            let count = self.page_ref_sub_return(head.page(), BIAS)?;
            self.node_stat_mod_folio(head, Counter::Released, 1)?;
            return self.devmap_managed_dropped(head, count);
        }
        if self.page_ref_sub_return(head.page(), BIAS)? == 0 {
            self.__folio_put(head)?;
        }
        self.node_stat_mod_folio(head, Counter::Released, 1)
    }

    /// `unpin_user_pages` and `unpin_user_pages_dirty_lock` (v8 to v11, 5.10): a
    /// loop that believes any number of pages.
    pub(crate) fn unpin_pages(
        &mut self,
        list: List<'_>,
        npages: u64,
        dirty: bool,
    ) -> Result<(), Stop> {
        for i in 0..npages {
            let mut page = list.get(i)?;
            if dirty {
                let head = self.page_folio(page)?;
                self.dirty_lock(head)?;
                page = head.page();
            }
            self.unpin_user_page(page)?;
        }
        Ok(())
    }
}
