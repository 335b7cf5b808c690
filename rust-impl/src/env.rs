// SPDX-License-Identifier: GPL-2.0
//! The rest of the kernel: the functions that the covered code calls, and their answers.
//!
//! Each call is a step, and an event that shows the page before the answer takes effect.
//! The default answers are fixed:
//!
//! | call               | answer                                           |
//! |--------------------|--------------------------------------------------|
//! | `__folio_put`      | nothing: the folio stays readable as it is       |
//! | `folio_mark_dirty` | sets the dirty flag                              |
//! | `__folio_lock`     | nothing: the lock stays taken, now by the caller |
//! | `folio_unlock`     | clears the locked flag                           |
//! | `wake_up_var`      | nothing                                          |
//! | `arch_make_page_accessible` | 0, or the script's answer               |
//! | `get_dev_pagemap`  | a pagemap, or none if the script says so         |
//! | `put_dev_pagemap`  | nothing                                          |
//! | `set_pte` and its kin | nothing: the entry is already stored         |
//! | the slow path      | -EFAULT, or the script's answer                  |
//! | `free_devmap_managed_page` | nothing: the page stays as it is         |
//! | `mlock_vma_page`   | sets the mlocked flag                            |
//!
//! The FOLL_PIN series and 5.10 call the first four by their older names, `__put_page`,
//! `set_page_dirty`, `lock_page` and `unlock_page`.  `mlock_vma_page` exists only in the
//! series; `free_devmap_managed_page` also in 5.10, where it is a driver's `page_free`.
//!
//! The functions that the slow path calls are in [`mm`](crate::mm).
//!
//! Where the script can act or answer, it does so at the time of the call, after its event
//! and before the answer ([`Hook`]).
//!
//! Statistics counters are not calls: they are state of the [`Machine`](crate::Machine).

use crate::foll::Foll;
use crate::kernel::{Kernel, Stop};
use crate::observer::{Ask, Call, Hook};
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::EFAULT;
use crate::tables::{Entry, EntryPtr};

/// A statistics counter.
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

    /// `set_pte`, `set_pmd`, `set_pud`: stores an entry that was read before.
    pub(crate) fn set_entry(&mut self, at: EntryPtr, entry: Entry) -> Result<(), Stop> {
        self.machine.tables.put(at, entry);
        let (mm, level, address) = self.machine.tables.place(at);
        self.ask(Ask::SetEntry {
            mm,
            level,
            address,
            entry,
        })
    }

    /// `arch_make_page_accessible` (6.1), `arch_make_folio_accessible` (6.12, with the
    /// head): 0 or an errno.
    pub(crate) fn make_accessible(&mut self, page: PagePtr) -> Result<i32, Stop> {
        self.call(Call::MakeAccessible, FolioPtr(page))?;
        Ok(self.hook(Hook::Accessible).unwrap_or(0))
    }

    /// `get_dev_pagemap`: is there a pagemap?  If not, the reference on the pagemap that
    /// the caller passes in is dropped.
    pub(crate) fn get_dev_pagemap(&mut self, page: PagePtr, held: bool) -> Result<bool, Stop> {
        self.ask(Ask::Pagemap { page, held })?;
        Ok(self.hook(Hook::Pagemap).is_none_or(|answer| answer != 0))
    }

    /// `put_dev_pagemap`; NULL is allowed.
    pub(crate) fn put_dev_pagemap(&mut self, held: bool) -> Result<(), Stop> {
        self.ask(Ask::PagemapPut { held })
    }

    /// The slow path: returns a number of pages, which may be more than requested, or an
    /// errno.
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
        Ok(self.hook(Hook::Slow).unwrap_or(-EFAULT))
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

    /// `free_devmap_managed_page` (v8 to v11); in 5.10 it is the driver's `page_free`,
    /// called by [the function of that name](Kernel::free_devmap_managed_page).
    pub(crate) fn notify_driver(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::FreeDevmapManaged, folio)
    }

    /// `mlock_vma_page` (v8 to v11).
    pub(crate) fn mlock_vma_page(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::MlockVmaPage, folio)?;
        self.machine.pages.update(folio.page())?.flags |= flag::MLOCKED;
        Ok(())
    }

    /// `node_stat_mod_folio`: reads the folio's node, so a bad pointer faults before
    /// anything is counted.  The series counts with DEBUG_VM only.
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

    /// The page that holds a folio's flags: the head.  In the series and in 5.10
    /// `PageDirty`, `lock_page` and similar functions look up the head even of a head.
    pub(crate) fn flags_page(&self, folio: FolioPtr) -> Result<PagePtr, Stop> {
        if self.rules.gets_compound_heads {
            Ok(self.page_folio(folio.page())?.page())
        } else {
            Ok(folio.page())
        }
    }

    /// `folio_trylock`, `trylock_page`: takes the lock if it is free.
    pub(crate) fn folio_trylock(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        let flags = self.flags_page(folio)?;
        let page = self.machine.pages.update(flags)?;
        let free = page.flags & flag::LOCKED == 0;
        page.flags |= flag::LOCKED;
        Ok(free)
    }

    /// `folio_lock`, `lock_page`: takes the lock; waits if it is held.
    pub(crate) fn folio_lock(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if !self.folio_trylock(folio)? {
            self.__folio_lock(folio)?;
        }
        Ok(())
    }

    /// `is_zero_page`: compares page frame numbers; does not dereference the pointer.
    #[inline]
    pub(crate) fn is_zero_page(&self, page: PagePtr) -> bool {
        page == self.machine.zero_page && page.nr().is_some()
    }

    /// `is_zero_page`, `is_zero_folio` where they prevent pins (6.1, 6.12).
    #[inline]
    pub(crate) fn pins_nothing_of(&self, page: PagePtr) -> bool {
        self.rules.zero_page_is_not_pinned && self.is_zero_page(page)
    }
}
