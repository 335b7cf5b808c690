// SPDX-License-Identifier: GPL-2.0
//! The LRU, and migration.  The default answers:
//! | call | default answer |
//! |-|-|
//! | `lru_add_drain`, `lru_add_drain_all`, `lru_cache_drain_for_folio` | no effect |
//! | `folio_isolate_lru` and its variants | takes a reference and clears the LRU flag, unless the folio is not on the LRU or an action refuses |
//! | `migrate_pages` | 1; an action may make it 0: then the isolated folios are freed |
//! | `putback_movable_pages` | puts the isolated folios on the LRU again |
//! | `migrate_device_coherent_folio` | -EBUSY; an action may make it 0: then the reference is dropped |
//! | `folio_mark_accessed` | no effect |

use alloc::vec::Vec;

use crate::kernel::{Kernel, Stop};
use crate::observer::{Ask, Call, Hook};
use crate::page::{Zone, flag};
use crate::pages::{FolioPtr, PagePtr};
use crate::slow::EBUSY;

/// The isolated folios, in order: a `struct list_head`.
pub(crate) type Isolated = Vec<IsolatedFolio>;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsolatedFolio {
    page: PagePtr,
    /// It was on the LRU; hugetlb has lists of its own.
    from_lru: bool,
}

impl Kernel<'_> {
    /// `folio_mark_accessed`, `mark_page_accessed`.
    pub(crate) fn folio_mark_accessed(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::MarkAccessed, folio)
    }

    /// `lru_add_drain`, `lru_add_drain_all`.
    pub(crate) fn lru_add_drain(&mut self, all: bool) -> Result<(), Stop> {
        self.ask(Ask::Drain { all })?;
        self.hook(Hook::Drain);
        Ok(())
    }

    /// `lru_cache_drain_for_folio` (7.3), which decides by the folio what to drain.
    pub(crate) fn lru_cache_drain_for_folio(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let folio = folio.page();
        self.ask(Ask::DrainFor { folio })?;
        self.hook(Hook::Drain);
        Ok(())
    }

    /// `folio_isolate_lru` (6.12) and its variants in hugetlb.c: takes a folio off the LRU
    /// with a reference, and adds it to a list (`folio_isolate_lru` leaves that to its
    /// caller).
    pub(crate) fn isolate(
        &mut self,
        folio: FolioPtr,
        from_lru: bool,
        list: &mut Isolated,
    ) -> Result<bool, Stop> {
        let page = *self.machine.pages.get(folio.page())?;
        let on_lru = !from_lru || page.flags & flag::LRU != 0;
        let there = page.zone != Zone::Device && on_lru;
        self.call(Call::Isolate, folio)?;
        let allowed = self.hook(Hook::Isolate).is_none_or(|answer| answer != 0);
        let tail = self.machine.pages.get(folio.page())?.is_tail();
        let twice = list.iter().any(|isolated| isolated.page == folio.page());
        if !allowed || !there || tail || twice {
            return Ok(false);
        }
        let page = self.machine.pages.update(folio.page())?;
        page.refcount = page.refcount.wrapping_add(1);
        page.flags &= !flag::LRU;
        let page = folio.page();
        list.push(IsolatedFolio { page, from_lru });
        self.machine.held.isolated += 1;
        Ok(true)
    }

    /// `node_stat_mod_folio` of NR_ISOLATED_ANON or NR_ISOLATED_FILE, by the pages of a folio:
    /// who isolates a folio from the LRU counts it, and who puts it back uncounts it.
    pub(crate) fn count_isolated(&mut self, folio: FolioPtr, sign: i32) -> Result<(), Stop> {
        let head = *self.machine.pages.get(folio.page())?;
        let pages = match (head.is_large(), self.rules.slow.isolated_heads_are_thps) {
            (false, _) => 1,
            (true, false) => 1 << head.order,
            (true, true) if self.rules.config.thp => 512,
            (true, true) => 1,
        };
        let is_file = head.flags & flag::SWAPBACKED == 0;
        let counter = &mut self.machine.isolated[usize::from(is_file)];
        *counter = counter.wrapping_add(sign * pages);
        Ok(())
    }

    /// `migrate_pages`: the number of folios that it could not move, or an errno.
    pub(crate) fn migrate_pages(&mut self, list: &mut Isolated) -> Result<i32, Stop> {
        let nr = list.len() as u64;
        self.ask(Ask::Migrate { nr })?;
        let left = self.hook(Hook::Migrate).unwrap_or(1);
        if left == 0 {
            self.release(list, Call::Migrated)?;
        }
        Ok(left)
    }

    /// `putback_movable_pages`.
    pub(crate) fn putback_movable_pages(&mut self, list: &mut Isolated) -> Result<(), Stop> {
        self.release(list, Call::Putback)
    }

    /// Drops the references that isolating took.
    fn release(&mut self, list: &mut Isolated, call: Call) -> Result<(), Stop> {
        for IsolatedFolio { page, from_lru } in list.drain(..) {
            self.call(call, FolioPtr(page))?;
            let head = self.machine.pages.update(page)?;
            head.refcount = head.refcount.wrapping_sub(1);
            if call == Call::Putback {
                head.flags |= flag::LRU;
            }
            if from_lru {
                self.count_isolated(FolioPtr(page), -1)?;
            }
            self.machine.held.isolated -= 1;
        }
        Ok(())
    }

    /// `migrate_device_coherent_folio` (6.12), `migrate_device_coherent_page` (6.1): 0
    /// or an errno.
    pub(crate) fn migrate_device_coherent(&mut self, folio: FolioPtr) -> Result<i32, Stop> {
        self.call(Call::MigrateDevice, folio)?;
        let errno = self.hook(Hook::MigrateDevice).unwrap_or(-EBUSY);
        if errno == 0 {
            let page = self.machine.pages.update(folio.page())?;
            page.refcount = page.refcount.wrapping_sub(1);
        }
        Ok(errno)
    }
}
