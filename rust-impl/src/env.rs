// SPDX-License-Identifier: GPL-2.0
//! The rest of the kernel: what the covered functions call, and the answers.
//!
//! Each call is a step and an event that shows the page as it is before the
//! answer takes effect.  The answers are fixed:
//!
//! | call               | answer                                           |
//! |--------------------|--------------------------------------------------|
//! | `__folio_put`      | nothing: the folio stays readable as it is       |
//! | `folio_mark_dirty` | sets the dirty flag                              |
//! | `__folio_lock`     | nothing: the lock stays taken, now by the caller |
//! | `folio_unlock`     | clears the locked flag                           |
//! | `wake_up_var`      | nothing                                          |
//! | `arch_make_page_accessible` | 0, or what others say                   |
//! | `get_dev_pagemap`  | a pagemap, or none if others say so              |
//! | `put_dev_pagemap`  | nothing                                          |
//! | `set_pte` and its kin | nothing: the entry is stored before          |
//! | the slow path      | -EFAULT, or what others say                      |
//! | `free_devmap_managed_page` | nothing: the page stays as it is         |
//! | `mlock_vma_page`   | sets the mlocked flag                            |
//!
//! The FOLL_PIN series and 5.10 call the first four by their older names,
//! `__put_page`, `set_page_dirty`, `lock_page` and `unlock_page`.  The last one
//! exists only in the series, the last but one in 5.10 too, where it is a driver's
//! `page_free`.
//!
//! What the slow path calls is in [`mm`](crate::mm).
//!
//! Where others may have a say, they do so at the moment of the call, after its
//! event and before the answer ([`Moment`]).
//!
//! The statistics counters are no calls: they are state of the
//! [`Machine`](crate::Machine).

use crate::foll::Foll;
use crate::kernel::{Kernel, Stop};
use crate::observer::{Ask, Call, Moment};
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::EFAULT;
use crate::tables::{Entry, EntryPtr};

/// Which statistics counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    /// NR_FOLL_PIN_ACQUIRED, in the series NR_FOLL_PIN_REQUESTED.
    Acquired,
    /// NR_FOLL_PIN_RELEASED, in the series NR_FOLL_PIN_RETURNED.
    Released,
}

impl Kernel<'_> {
    pub(crate) fn call(&mut self, call: Call, folio: FolioPtr) -> Result<(), Stop> {
        let page = folio.page();
        let nr = page.nr().ok_or(Stop::Oops)?;
        self.step()?;
        self.machine.pages.update(page)?;
        self.observer.call(call, self.machine.pages.observe(nr));
        Ok(())
    }

    pub(crate) fn ask(&mut self, ask: Ask) -> Result<(), Stop> {
        self.step()?;
        self.observer.ask(ask);
        Ok(())
    }

    /// `set_pte`, `set_pmd`, `set_pud`: stores an entry, which was read before.
    pub(crate) fn set_entry(&mut self, at: EntryPtr, entry: Entry) -> Result<(), Stop> {
        self.machine.tables.put(at, entry);
        let (level, address) = self.machine.tables.place(at);
        self.ask(Ask::SetEntry {
            level,
            address,
            entry,
        })
    }

    /// `arch_make_page_accessible` (6.1), `arch_make_folio_accessible` (6.12),
    /// which is about the head: 0 or an errno.
    pub(crate) fn make_accessible(&mut self, page: PagePtr) -> Result<i32, Stop> {
        self.call(Call::MakeAccessible, FolioPtr(page))?;
        Ok(self.moment(Moment::Accessible).unwrap_or(0))
    }

    /// `get_dev_pagemap`: whether there is a pagemap.  The caller's own one,
    /// if it passes one in, is gone if there is none.
    pub(crate) fn get_dev_pagemap(&mut self, page: PagePtr, held: bool) -> Result<bool, Stop> {
        self.ask(Ask::Pagemap { page, held })?;
        Ok(self
            .moment(Moment::Pagemap)
            .is_none_or(|answer| answer != 0))
    }

    /// `put_dev_pagemap`; NULL is fine.
    pub(crate) fn put_dev_pagemap(&mut self, held: bool) -> Result<(), Stop> {
        self.ask(Ask::PagemapPut { held })
    }

    /// The slow path: a number of pages, which may be more than was asked for,
    /// or an errno.
    pub(crate) fn ask_slow_path(
        &mut self,
        start: u64,
        nr_pages: u64,
        flags: Foll,
        no_pages: bool,
    ) -> Result<i32, Stop> {
        self.ask(Ask::Slow {
            flags: flags.to_canonical(self.rules),
            start,
            nr_pages,
            no_pages,
        })?;
        Ok(self.moment(Moment::Slow).unwrap_or(-EFAULT))
    }

    pub(crate) fn __folio_put(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::FolioPut, folio)
    }

    pub(crate) fn folio_mark_dirty(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let flags = self.flags_page(folio)?;
        self.call(Call::FolioMarkDirty, FolioPtr(flags))?;
        self.machine.pages.update(flags)?.flags |= flag::DIRTY;
        Ok(())
    }

    pub(crate) fn __folio_lock(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let flags = self.flags_page(folio)?;
        self.call(Call::FolioLock, FolioPtr(flags))
    }

    pub(crate) fn folio_unlock(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let flags = self.flags_page(folio)?;
        self.call(Call::FolioUnlock, FolioPtr(flags))?;
        self.machine.pages.update(flags)?.flags &= !flag::LOCKED;
        Ok(())
    }

    /// `wake_up_var(&folio->_refcount)`.
    pub(crate) fn wake_up_refcount(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::WakeUpVar, folio)
    }

    /// `free_devmap_managed_page` (v8 to v11); in 5.10 it is the driver's
    /// `page_free`, which [the function of that
    /// name](Kernel::free_devmap_managed_page) calls.
    pub(crate) fn tell_driver(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::FreeDevmapManaged, folio)
    }

    /// `mlock_vma_page` (v8 to v11).
    pub(crate) fn mlock_vma_page(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::MlockVmaPage, folio)?;
        self.machine.pages.update(folio.page())?.flags |= flag::MLOCKED;
        Ok(())
    }

    /// `node_stat_mod_folio`: reads the folio's node, so a bad pointer faults
    /// before anything is counted.  The series counts for debugging only.
    #[inline]
    pub(crate) fn node_stat_mod_folio(
        &mut self,
        folio: FolioPtr,
        counter: Counter,
        nr: i32,
    ) -> Result<(), Stop> {
        if self.rules.counters_want_debug_vm && !self.rules.debug_vm {
            return Ok(());
        }
        self.machine.pages.get(folio.page())?;
        let counter = match counter {
            Counter::Acquired => &mut self.machine.acquired,
            Counter::Released => &mut self.machine.released,
        };
        *counter = counter.wrapping_add(nr);
        Ok(())
    }

    /// The page whose flags are a folio's: the head.  In the series and in 5.10
    /// `PageDirty`, `lock_page` and their kin look it up even if they are given a
    /// head.
    pub(crate) fn flags_page(&self, folio: FolioPtr) -> Result<PagePtr, Stop> {
        if self.rules.gets_compound_heads {
            Ok(self.page_folio(folio.page())?.page())
        } else {
            Ok(folio.page())
        }
    }

    /// `folio_trylock`, `trylock_page`: takes the lock unless it is taken.
    pub(crate) fn folio_trylock(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        let flags = self.flags_page(folio)?;
        let page = self.machine.pages.update(flags)?;
        let free = page.flags & flag::LOCKED == 0;
        page.flags |= flag::LOCKED;
        Ok(free)
    }

    /// `folio_lock`, `lock_page`: takes the lock, or waits for it.
    pub(crate) fn folio_lock(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if !self.folio_trylock(folio)? {
            self.__folio_lock(folio)?;
        }
        Ok(())
    }

    /// `is_zero_page`: compares page frame numbers, follows no pointer.
    #[inline]
    pub(crate) fn is_zero_page(&self, page: PagePtr) -> bool {
        page == self.machine.zero_page && page.nr().is_some()
    }

    /// `is_zero_page`, `is_zero_folio` where they keep pins away (6.1, 6.12).
    #[inline]
    pub(crate) fn pins_nothing_of(&self, page: PagePtr) -> bool {
        self.rules.zero_page_is_not_pinned && self.is_zero_page(page)
    }
}
