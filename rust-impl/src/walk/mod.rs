// SPDX-License-Identifier: GPL-2.0
//! GUP-fast: takes references and pins on the pages of a range of user addresses, by
//! walking the page tables without a lock.
//!
//! # Why it works without a lock
//!
//! Meanwhile, other CPUs change the tables, free the pages that they map, and even free the
//! tables.  The walk handles this as follows:
//!
//! * **Tables stay.**  It runs with interrupts off.  A CPU that frees a table first waits
//!   until it has interrupted all CPUs, so it waits for the end of the walk.
//! * **Each entry is read once,** and all checks use that copy ([`Entry`](crate::Entry)).
//! * **Take first, then recheck.**  The page in an entry may be free by now, or belong to
//!   another mapping.  So the walk only takes a reference if the page already has one
//!   ([`Kernel::try_grab_folio_fast`]), and then rereads the entry.  If the entry is
//!   unchanged, the page was still mapped when the reference was taken, and any later unmap
//!   sees the reference.  Otherwise the walk drops the reference.  For a PTE it also
//!   rereads the PMD above, because khugepaged replaces whole tables without changing their
//!   PTEs.
//! * **Fork.**  A fork makes anonymous pages shared, which pinned pages must never be.
//!   write_protect_seq is odd during a fork and changed afterwards; if it was odd or has
//!   changed, the walk drops its pins.
//!
//! In case of doubt the walk ends.  This is never an error: the pages found so far count,
//! and the slow path handles the rest.
//!
//! # Modules
//!
//! * [`entry`]: the entry points and their checks;
//! * this module: their common part, which calls the walk;
//! * [`range`]: down the levels, entry by entry;
//! * [`leaf`]: huge entries; [`device`]: those of device memory;
//! * [`pte`]: the PTEs;
//! * [`rules`]: how kernels differ.
//!
//! Functions have the names of 6.12, and their docs give those of 6.1, which are mostly
//! also those of 5.10.  Where the kernel's range and leaf functions return 0 to end the
//! walk, these return `false`.
//!
//! The pages are stored in [`Machine::entries`](crate::Machine::entries), which is the
//! caller's array `pages[]`.

pub mod device;
pub mod entry;
pub mod leaf;
pub mod pte;
pub mod range;
pub mod rules;

use core::mem;

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::observer::Hook;
use crate::page::flag;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::EINVAL;
use crate::site::Site;
use crate::slow::Range;
use crate::tables::{PAGE_SHIFT, PAGE_SIZE};
use crate::unpin::{List, MAX_LIST};

/// Bad address: not a user address.
pub use crate::series::EFAULT;
/// Value too large; here: a range that wraps.
pub const EOVERFLOW: i32 = 75;

/// The end of user space: the last page below 2^47 is not used.
pub const TASK_SIZE_MAX: u64 = (1 << 47) - PAGE_SIZE;

/// The argument `pages`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buffer {
    /// An array of [`MAX_LIST`] entries; an access after it faults.
    List,
    /// NULL: storing anything faults.
    Null,
}

/// The parameters that the functions of one walk share: `flags`, `pages` and `nr`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    flags: Foll,
    pages: Buffer,
    /// Number of pages taken so far.
    nr: usize,
}

impl Kernel<'_> {
    /// A set of flags in this revision's bits.
    fn set(&self, flags: &[FollFlag]) -> Foll {
        Foll::of(flags, self.rules)
    }

    /// `gup_fast_fallback` (6.12), `internal_get_user_pages_fast` (6.1): the walk, and the
    /// slow path for the rest.
    ///
    /// It returns an errno of the slow path only if the walk found nothing, because the
    /// caller has to drop the pages that were found.
    fn gup_fast_fallback(
        &mut self,
        start: u64,
        nr_pages: i32,
        flags: Foll,
        pages: Buffer,
    ) -> Result<i32, Stop> {
        let known = self.set(self.rules.walk.known_flags);
        let unknown = flags.0 & !known.0 != 0;
        let names = [Site::InternalGetUserPagesFast, Site::GupFastFallback];
        if self.warn_on(unknown, Site::named(&names, self.rules)) {
            return Ok(-EINVAL);
        }
        if self.rules.walk.zero_nr_pages_returns_zero && nr_pages == 0 {
            return Ok(0);
        }
        if self.has(flags, FollFlag::Pin) {
            self.mm_set_has_pinned_flag(MmPtr::Current);
        }
        let nr_pages = i64::from(nr_pages) as u64;
        let start = start & !(PAGE_SIZE - 1);
        let len = nr_pages << PAGE_SHIFT;
        let fits = !self.rules.walk.lengths_are_checked || len >> PAGE_SHIFT == nr_pages;
        let Some(end) = start.checked_add(len).filter(|_| fits) else {
            let overflow = self.rules.walk.overflow_is_an_error;
            return Ok(if overflow { -EOVERFLOW } else { 0 });
        };
        // 6.1: access_ok(); 6.12 checks the end, because its access_ok() is weaker
        if end > TASK_SIZE_MAX {
            return Ok(-EFAULT);
        }

        let mut walk = Walk {
            flags,
            pages,
            nr: 0,
        };
        self.gup_fast(start, end, &mut walk)?;
        let found = walk.nr as u64;
        if found == nr_pages || self.has(flags, FollFlag::FastOnly) {
            self.machine.entries.truncate(walk.nr);
            return Ok(walk.nr as i32);
        }
        let left = nr_pages.wrapping_sub(found);
        let more = self.slow_path(start + (found << PAGE_SHIFT), left, &mut walk)?;
        self.machine.entries.truncate(walk.nr);
        if more < 0 && found == 0 {
            return Ok(more);
        }
        Ok(more.max(0).wrapping_add(found as i32))
    }

    /// The slow path: `__gup_longterm_locked` (6.12), `__gup_longterm_unlocked` (6.1),
    /// which first takes mmap_lock for a long-term pin.
    ///
    /// It [runs](crate::slow) if the program says so.  Otherwise the script answers, and
    /// the pages that it returns are not in the arena.
    fn slow_path(&mut self, start: u64, nr_pages: u64, walk: &mut Walk) -> Result<i32, Stop> {
        let mut flags = walk.flags;
        let locks = self.rules.walk.slow_path_locks;
        let longterm = self.has(flags, FollFlag::Longterm);
        if locks {
            flags.0 |= self.set(&[FollFlag::Touch, FollFlag::Unlockable]).0;
        } else if longterm {
            self.mmap_read_lock(MmPtr::Current)?;
        }
        if self.machine.runs_slow_path {
            let range = Range {
                mm: MmPtr::Current,
                start,
                nr_pages,
                pages: (walk.pages == Buffer::List).then_some(walk.nr),
                flags,
                unlockable: locks,
                notes_vmas: false,
            };
            let found = if locks {
                self.__gup_longterm_locked(range, &mut false)?
            } else if longterm {
                let found = self.__gup_longterm_locked(range, &mut true)?;
                self.mmap_read_unlock(MmPtr::Current)?;
                found
            } else {
                self.old_get_user_pages_unlocked(range)?
            };
            walk.nr += usize::try_from(found as i32).unwrap_or(0);
            self.fit_entries(walk.nr, walk.pages);
            return Ok(found as i32);
        }
        let no_pages = walk.pages == Buffer::Null;
        let answer = self.ask_slow_path(start, nr_pages, flags, no_pages)?;
        let result = match u64::try_from(answer) {
            Ok(found) => {
                let found = found.min(nr_pages);
                if !no_pages {
                    self.store_pages(walk, PagePtr::POISON, found)?;
                    walk.nr += found as usize;
                }
                found as i32
            }
            Err(_) => answer,
        };
        if !locks && longterm {
            self.mmap_read_unlock(MmPtr::Current)?;
        }
        Ok(result)
    }

    /// `gup_fast` (6.12), `lockless_pages_from_mm` (6.1): the walk with interrupts off; for
    /// pins, write_protect_seq is read before and after.
    ///
    /// `gup_fast_permitted` (no address above 2^47) is left out: callers have checked that.
    fn gup_fast(&mut self, start: u64, end: u64, walk: &mut Walk) -> Result<(), Stop> {
        let pin = self.has(walk.flags, FollFlag::Pin);
        let mut seq = 0;
        if pin {
            seq = self.write_protect_seq();
            if seq & 1 != 0 {
                return Ok(());
            }
        }

        // local_irq_save(), local_irq_restore(): the latter can only enable interrupts
        let irqs = mem::replace(&mut self.machine.irqs_on, false);
        self.gup_fast_pgd_range(start, end, walk)?;
        if irqs {
            self.machine.irqs_on = true;
        }

        if !pin {
            return Ok(());
        }
        if self.write_protect_seq() != seq {
            self.with_recorded(walk, |kernel, list| {
                kernel.gup_fast_unpin_user_pages(list, list.len())
            })?;
            walk.nr = 0;
            return Ok(());
        }
        self.with_recorded(walk, |kernel, list| {
            kernel.sanity_check_pinned_pages(list, list.len())
        })
    }

    /// A load of write_protect_seq.
    pub(crate) fn write_protect_seq(&mut self) -> u32 {
        self.hook(Hook::ReadSeq);
        self.machine.write_protect_seq
    }

    /// Calls a function for the list of pages that the walk has taken.
    fn with_recorded(
        &mut self,
        walk: &Walk,
        f: impl FnOnce(&mut Self, List<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let entries = mem::take(&mut self.machine.entries);
        let result = f(self, List::new(&entries[..walk.nr]));
        self.machine.entries = entries;
        result
    }

    /// Stores pages at `pages[nr]` and after it, without counting them yet.  Entries that
    /// are not counted are not observed, unless the slow path leaves them as they are.
    fn store_pages(&mut self, walk: &Walk, first: PagePtr, nr: u64) -> Result<(), Stop> {
        let room = match walk.pages {
            Buffer::List => MAX_LIST - walk.nr,
            Buffer::Null => 0,
        };
        if nr > room as u64 {
            return Err(Stop::Oops);
        }
        for i in 0..nr {
            self.store_page(walk.nr + i as usize, first.nth(i))?;
        }
        Ok(())
    }

    /// Marks a page that was taken as referenced: the folio; in 5.10 the page's head,
    /// looked up again.
    fn mark_referenced(&mut self, folio: FolioPtr, page: PagePtr) -> Result<(), Stop> {
        if self.rules.gets_compound_heads {
            self.set_page_referenced(page, true)
        } else {
            self.folio_set_referenced(folio, true)
        }
    }

    /// `SetPageReferenced`, `ClearPageReferenced`: on the page's head, looked up again.
    pub(crate) fn set_page_referenced(&mut self, page: PagePtr, on: bool) -> Result<(), Stop> {
        let head = self.page_folio(page)?;
        self.folio_set_referenced(head, on)
    }

    /// `folio_set_referenced`, `folio_clear_referenced`: on exactly this folio.
    pub(crate) fn folio_set_referenced(&mut self, folio: FolioPtr, on: bool) -> Result<(), Stop> {
        let page = self.machine.pages.update(folio.page())?;
        if on {
            page.flags |= flag::REFERENCED;
        } else {
            page.flags &= !flag::REFERENCED;
        }
        Ok(())
    }
}
