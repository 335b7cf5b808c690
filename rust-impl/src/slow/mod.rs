// SPDX-License-Identifier: GPL-2.0
//! The slow path: takes references and pins on the pages of a range of user addresses,
//! under the mmap lock, with faults for pages that are not present.
//!
//! # How it works
//!
//! For each address ([`pages`]):
//!
//! * **Find the VMA.**  If there is none, only the gate area remains; otherwise the VMA's
//!   flags are checked ([`vma`]).
//! * **Find the page.**  The page tables are walked down to an entry that maps memory
//!   ([`follow`], [`leaf`], [`pte`]).  The page-table lock is held while the entry is read
//!   and the page is taken, so no recheck is needed.  The page stays mapped, so it has a
//!   reference, and the grab is the *slow* one.
//! * **Otherwise fault** ([`fault`]), like an access, and walk again.  This also happens if
//!   the entry is not suitable: read-only for a write, or shared for a read-only pin, which
//!   must break the sharing now, because nothing would do it for the pin later.
//!
//! A fault may have to wait for I/O.  For that it drops the mmap lock, if the caller allows
//! it (FOLL_UNLOCKABLE).  Then VMAs that were looked up are no longer valid.  [`locked`]
//! takes the lock again, and gets the single page at which it was dropped, before it
//! continues.
//!
//! For a **long-term** pin, the place of a page matters: it must not block memory that must
//! stay movable or that belongs to CMA.  [`longterm`] pins first and checks then; if a page
//! must not stay, all pages are unpinned, it is migrated, and everything is repeated.
//!
//! # Results
//!
//! The number of pages, which may be less than requested; an errno only if there is none.
//! The caller has to drop the pages that were found before an error, so their number takes
//! precedence.
//!
//! # Modules
//!
//! * [`entry`]: the entry points; their checks are those of the [walk](crate::walk).
//! * [`locked`], [`pages`], [`longterm`]: the loops, from the outermost to the innermost.
//! * [`vma`], [`gate`], [`follow`], [`leaf`], [`pte`], [`fault`]: one address.
//! * [`old_entry`], [`old_follow`], [`old_hugetlb`], [`old_longterm`]: functions of 5.10
//!   and 6.1 that work differently.
//!
//! Functions have the names of 6.12.  Where they take `pages`, they take its position in
//! [`Machine::entries`](crate::Machine::entries), or none.

pub mod entry;
pub mod fault;
mod fault_in;
pub mod follow;
pub mod gate;
pub mod leaf;
pub mod locked;
pub mod longterm;
pub mod memfd;
pub mod old_entry;
pub mod old_follow;
pub mod old_hugetlb;
pub mod old_longterm;
pub mod pages;
pub mod populate;
pub mod pte;
pub mod rules;
pub mod stack;
pub mod vma;

use alloc::vec::Vec;

use crate::foll::Foll;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::pages::PagePtr;
use crate::site::Site;
use crate::unpin::{List, MAX_LIST};
use crate::walk::Buffer;

/// No such file or directory; here: a page that is not present need not be locked (5.10).
pub const ENOENT: i32 = 2;
/// Interrupted system call; here: a fatal signal is pending.
pub const EINTR: i32 = 4;
/// Try again.
pub const EAGAIN: i32 = 11;
/// Device or resource busy; here: a folio that could not be migrated, or the lock was
/// dropped.
pub const EBUSY: i32 = 16;
/// Too many links; here: the page must be unshared.
pub const EMLINK: i32 = 31;
/// Operation not supported; here: a long-term pin of fsdax.
pub const EOPNOTSUPP: i32 = 95;
/// Memory page has hardware error.
pub const EHWPOISON: i32 = 133;

/// The parameters that the functions of the slow path share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// The mm of the pages.
    pub mm: MmPtr,
    /// The address.
    pub start: u64,
    /// Number of pages.
    pub nr_pages: u64,
    /// `pages`: its position in the buffer, or NULL.
    pub pages: Option<usize>,
    /// gup_flags.
    pub flags: Foll,
    /// The mmap lock may be dropped: FOLL_UNLOCKABLE; in 5.10 and 6.1 `locked` is not NULL.
    pub unlockable: bool,
    /// The VMA of each page is recorded.
    pub notes_vmas: bool,
}

impl Range {
    /// The same with other flags.
    fn with(self, flags: Foll) -> Range {
        Range { flags, ..self }
    }

    /// The rest after the first `nr` pages.
    fn skip(&mut self, nr: u64) {
        self.start = self.start.wrapping_add(nr << crate::tables::PAGE_SHIFT);
        self.nr_pages = self.nr_pages.wrapping_sub(nr);
        self.pages = self.pages.map(|at| at.wrapping_add(nr as usize));
    }
}

impl Kernel<'_> {
    /// Stores a page at a position in the buffer.
    pub(crate) fn store_page(&mut self, at: usize, page: PagePtr) -> Result<(), Stop> {
        let entries = &mut self.machine.entries;
        if let Some(entry) = entries.get_mut(at) {
            *entry = page;
            return Ok(());
        }
        if at >= MAX_LIST {
            return Err(Stop::Oops);
        }
        entries.resize(at, PagePtr::POISON);
        entries.push(page);
        Ok(())
    }

    /// The page at a position in the buffer; after its end nothing was stored.
    fn entry(&self, at: usize) -> PagePtr {
        let entry = self.machine.entries.get(at);
        entry.copied().unwrap_or(PagePtr::POISON)
    }

    /// `unpin_user_pages` for a part of the buffer.
    fn unpin_entries(&mut self, first: usize, nr: usize) -> Result<(), Stop> {
        let pages: Vec<_> = (first..).take(nr).map(|at| self.entry(at)).collect();
        self.unpin_user_pages(List::new(&pages), nr as u64)
    }

    /// Makes the buffer as long as the result says.
    pub(crate) fn fit_entries(&mut self, nr: usize, pages: Buffer) {
        let nr = if pages == Buffer::List {
            nr.min(MAX_LIST)
        } else {
            0
        };
        self.machine.entries.resize(nr, PagePtr::POISON);
    }

    /// `mmap_assert_locked`: a BUG (DEBUG_VM), or in 6.12 a WARN in the function that it calls.
    fn mmap_assert_locked(&mut self, mm: MmPtr) -> Result<(), Stop> {
        let dropped = !*self.machine.held.mmap_lock_of(mm);
        if self.rules.slow.lock_assertions_warn {
            self.warn_on(dropped, Site::RwsemAssertHeld);
            return Ok(());
        }
        self.vm_bug_on(dropped, Site::MmapAssertLocked)
    }

    /// The assertions that the slow path has had since v6.3.
    fn slow_path_is_locked(&mut self, mm: MmPtr) -> Result<(), Stop> {
        match self.rules.slow.asserts_mmap_lock {
            true => self.mmap_assert_locked(mm),
            false => Ok(()),
        }
    }
}
