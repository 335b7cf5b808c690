// SPDX-License-Identifier: GPL-2.0
//! Long-term pins: pages that must not stay where they are are migrated first.

use alloc::vec::Vec;

use crate::foll::FollFlag;
use crate::grab::{BIAS, ENOMEM};
use crate::kernel::{Kernel, Stop};
use crate::mm::Isolated;
use crate::page::{Mapping, PageType, Pgmap, flag};
use crate::pages::{FolioPtr, MAX_FOLIOS, NR_ORDERS, PagePtr, SLOT_PAGES, SLOT_SHIFT};
use crate::site::Site;
use crate::slow::{EAGAIN, EBUSY, Range};
use crate::unpin::List;

/// `struct pages_or_folios`: a part of `pages[]`.
#[derive(Clone, Copy, Debug)]
struct Pofs {
    first: usize,
    nr: usize,
    /// The entries are folios, each once.
    has_folios: bool,
}

impl Kernel<'_> {
    /// `__gup_longterm_locked` (6.12): pins; for a long-term pin it checks the pinned
    /// pages, and if some must be migrated, does so and pins all again.
    pub(crate) fn __gup_longterm_locked(
        &mut self,
        range: Range,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        if !self.has(range.flags, FollFlag::Longterm) {
            return self.__get_user_pages_locked(range, locked);
        }
        if self.rules.slow.notes_vmas {
            return self.old_gup_longterm_locked(range);
        }
        let outside = self.machine.held.memalloc_pin;
        self.machine.held.memalloc_pin = true;
        let result = if !self.rules.slow.collects_unpinnable {
            self.pin_and_move_all(range)?
        } else {
            loop {
                let pinned = self.__get_user_pages_locked(range, locked)?;
                if pinned <= 0 {
                    break pinned;
                }
                match self.check_and_migrate_movable_pages(range.pages, pinned as usize)? {
                    0 => break pinned,
                    errno if errno == -EAGAIN => {}
                    errno => break errno.into(),
                }
            }
        };
        self.machine.held.memalloc_pin = outside;
        Ok(result)
    }

    /// `check_and_migrate_movable_pages` (6.12): returns 0 if all pages may stay pinned.
    /// Otherwise it unpins all, and returns -EAGAIN if the pages may be pinned now, or
    /// another errno.
    fn check_and_migrate_movable_pages(
        &mut self,
        pages: Option<usize>,
        nr: usize,
    ) -> Result<i32, Stop> {
        if !self.rules.config.migration {
            return Ok(0);
        }
        let pofs = Pofs {
            first: pages.ok_or(Stop::Oops)?,
            nr,
            has_folios: false,
        };
        self.check_and_migrate_movable_pages_or_folios(pofs)
    }

    /// `check_and_migrate_movable_folios` (6.12): the same for the first folios of a list.
    pub(crate) fn check_and_migrate_movable_folios(&mut self, nr: usize) -> Result<i32, Stop> {
        if !self.rules.config.migration {
            return Ok(0);
        }
        self.check_and_migrate_movable_pages_or_folios(Pofs {
            first: 0,
            nr,
            has_folios: true,
        })
    }

    /// `check_and_migrate_movable_pages_or_folios` (6.12).
    fn check_and_migrate_movable_pages_or_folios(&mut self, pofs: Pofs) -> Result<i32, Stop> {
        let mut list = Isolated::new();
        let collected = self.collect_longterm_unpinnable_folios(&mut list, pofs)?;
        let stay = self.rules.slow.unisolated_folios_stay_pinned && list.is_empty();
        if collected == 0 || stay {
            return Ok(0);
        }
        self.migrate_longterm_unpinnable_folios(&mut list, pofs)
    }

    fn pofs_page(&self, pofs: Pofs, i: usize) -> PagePtr {
        self.entry(pofs.first + i)
    }

    /// `pofs_get_folio` (6.12).
    fn pofs_get_folio(&self, pofs: Pofs, i: usize) -> Result<FolioPtr, Stop> {
        if pofs.has_folios {
            return Ok(FolioPtr(self.pofs_page(pofs, i)));
        }
        self.page_folio(self.pofs_page(pofs, i))
    }

    /// `pofs_next_folio` (6.12): skips the pages within the same large folio.  6.14 and 6.6
    /// skip pages with the same head, one by one.
    fn pofs_next_folio(
        &self,
        folio: FolioPtr,
        pofs: Pofs,
        index: usize,
    ) -> Result<Option<usize>, Stop> {
        let mut i = index + 1;
        if !self.rules.slow.skips_entries_of_the_folio {
            while i < pofs.nr && self.pofs_get_folio(pofs, i)? == folio {
                i += 1;
            }
            return Ok((i < pofs.nr).then_some(i));
        }
        let head = self.machine.pages.get(folio.page())?;
        if !pofs.has_folios && head.is_large() {
            let start = folio.page().nr().ok_or(Stop::Oops)?;
            let inside = start..start + (1 << head.order);
            while i < pofs.nr
                && self
                    .pofs_page(pofs, i)
                    .nr()
                    .is_some_and(|nr| inside.contains(&nr))
            {
                i += 1;
            }
        }
        Ok((i < pofs.nr).then_some(i))
    }

    /// `collect_longterm_unpinnable_folios` (6.12): isolates the folios that must be
    /// migrated; returns their number, isolated or not.
    ///
    /// A folio in a CPU's LRU batch cannot be isolated, and has an unexpected reference
    /// because of that.  In this case the batches are drained: first this CPU's, then those
    /// of all CPUs.  6.6 instead drains those of all CPUs at the first folio that is not on
    /// the LRU.
    fn collect_longterm_unpinnable_folios(
        &mut self,
        list: &mut Isolated,
        pofs: Pofs,
    ) -> Result<u64, Stop> {
        let mut collected = 0;
        let mut drained = 0;
        let mut next = Some(0);
        while let Some(i) = next {
            let folio = self.pofs_get_folio(pofs, i)?;
            if !self.folio_is_longterm_pinnable(folio)? {
                collected += 1;
                self.isolate_unpinnable(folio, &mut drained, list)?;
            }
            next = self.pofs_next_folio(folio, pofs, i)?;
        }
        Ok(collected)
    }

    fn isolate_unpinnable(
        &mut self,
        folio: FolioPtr,
        drained: &mut u32,
        list: &mut Isolated,
    ) -> Result<(), Stop> {
        if self.folio_is_device_coherent(folio)? {
            return Ok(());
        }
        if self.folio_test_hugetlb(folio)? {
            self.isolate(folio, false, list)?;
            return Ok(());
        }
        if self.rules.slow.drains_for_a_folio {
            self.lru_cache_drain_for_folio(folio)?;
            self.isolate_from_lru(folio, list)?;
            return Ok(());
        }
        if !self.rules.slow.drains_for_unexpected_refs {
            if *drained == 0 && !self.page_lru(folio)? {
                self.lru_add_drain(true)?;
                *drained += 1;
            }
            self.isolate_from_lru(folio, list)?;
            return Ok(());
        }
        for all in [false, true] {
            if *drained == u32::from(all) && self.is_maybe_in_lru_batch(folio)? {
                self.lru_add_drain(all)?;
                *drained += 1;
            }
        }
        self.isolate_from_lru(folio, list)?;
        Ok(())
    }

    /// Isolates a folio from the LRU, and counts it as isolated; returns whether it did.
    pub(super) fn isolate_from_lru(
        &mut self,
        folio: FolioPtr,
        list: &mut Isolated,
    ) -> Result<bool, Stop> {
        let isolated = self.isolate(folio, true, list)?;
        if isolated {
            self.count_isolated(folio, 1)?;
        }
        Ok(isolated)
    }

    /// `folio_may_be_lru_cached`, and there is an unexpected reference.
    fn is_maybe_in_lru_batch(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        if self.folio_test_large(folio)? {
            return Ok(false);
        }
        let pin = match self.rules.slow.counts_pin_as_1024_refs {
            true => BIAS,
            false => 1,
        };
        let known = self.folio_expected_ref_count(folio)?.wrapping_add(pin);
        Ok(self.folio_ref_count(folio)? != known)
    }

    /// `folio_expected_ref_count` (6.12) for a small folio: the references of the page
    /// cache, the swap cache, buffers and page tables.
    ///
    /// A page after the end of a folio does not belong to a folio; its count of mappings
    /// was never initialised, and reads as one.
    fn folio_expected_ref_count(&mut self, folio: FolioPtr) -> Result<i32, Stop> {
        let page = *self.machine.pages.get(folio.page())?;
        let slab = self.rules.slow.slabs_have_a_type && page.page_type == PageType::Slab;
        if self.warn_on(slab, Site::FolioExpectedRefCount) {
            return Ok(0);
        }
        let mut count = i32::from(self.folio_test_swapcache(folio)?);
        if !page.mapping.is_anon() {
            count += i32::from(page.mapping != Mapping::None);
            count += i32::from(page.flags & flag::PRIVATE != 0);
        }
        let nr = folio.page().nr().ok_or(Stop::Oops)?;
        let order = (nr >> SLOT_SHIFT) / MAX_FOLIOS % NR_ORDERS;
        let behind = (nr & (SLOT_PAGES - 1)) >> order != 0;
        Ok(count + i32::from(behind))
    }

    /// `folio_is_device_coherent` (6.12).
    pub(super) fn folio_is_device_coherent(&self, folio: FolioPtr) -> Result<bool, Stop> {
        Ok(self.zone_device_type(folio.page())? == Some(Pgmap::Coherent))
    }

    /// `migrate_longterm_unpinnable_folios` (6.12): unpins all pages, and migrates the
    /// isolated folios and device memory: returns -EAGAIN, -EBUSY or -ENOMEM.
    fn migrate_longterm_unpinnable_folios(
        &mut self,
        list: &mut Isolated,
        pofs: Pofs,
    ) -> Result<i32, Stop> {
        for i in 0..pofs.nr {
            let folio = self.pofs_get_folio(pofs, i)?;
            let device = self.folio_is_device_coherent(folio)?;
            if device {
                // migration needs an ordinary reference
                self.store_page(pofs.first + i, PagePtr::NULL)?;
                self.folio_get(folio)?;
                self.unpin_folio(folio)?;
                if self.migrate_device_coherent(folio)? != 0 {
                    return self.fail_migration(list, pofs, -EBUSY);
                }
                continue;
            }
            if self.rules.slow.migrates_by_folio {
                self.unpin_folio(folio)?;
            } else {
                self.unpin_user_page(self.pofs_page(pofs, i))?;
            }
            self.store_page(pofs.first + i, PagePtr::NULL)?;
        }
        if !list.is_empty() && self.migrate_pages(list)? != 0 {
            return self.fail_migration(list, pofs, -ENOMEM);
        }
        self.putback_movable_pages(list)?;
        Ok(-EAGAIN)
    }

    /// On failure: unpins the pages that are still pinned, and puts back the isolated
    /// folios.
    fn fail_migration(&mut self, list: &mut Isolated, pofs: Pofs, errno: i32) -> Result<i32, Stop> {
        if pofs.has_folios {
            let folios: Vec<_> = (0..pofs.nr).map(|i| self.pofs_page(pofs, i)).collect();
            self.unpin_folios(List::new(&folios), pofs.nr as u64)?;
        } else if self.rules.slow.migrates_by_folio {
            self.unpin_entries(pofs.first, pofs.nr)?;
        } else {
            for i in 0..pofs.nr {
                let page = self.pofs_page(pofs, i);
                if !page.is_null() {
                    self.unpin_user_page(page)?;
                }
            }
        }
        self.putback_movable_pages(list)?;
        Ok(errno)
    }
}
