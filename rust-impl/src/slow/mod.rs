// SPDX-License-Identifier: GPL-2.0
//! The slow path: references and pins on the pages of a range of user addresses, under
//! the mmap lock, with faults for what is not there yet.
//!
//! # How it goes
//!
//! Address by address ([`pages`]):
//!
//! * **Which VMA?**  Without one there is only the gate area; with one it is asked
//!   whether such pages may be had of it at all ([`vma`]).
//! * **Is there a page?**  The tables are walked down to an entry that maps something
//!   ([`follow`], [`leaf`], [`pte`]).  The lock of its table is held while the entry is
//!   read and the page taken, so nothing need be looked at again, and the page is mapped
//!   all the while: the grab is the *slow* one, of somebody who is sure that there is a
//!   reference.
//! * **If not, it is faulted in** ([`fault`]), as an access would, and the walk starts
//!   over.  So it is if what is mapped will not do: read-only for a write, or shared for
//!   a pin that only reads, which must break the sharing now, as nobody would break it
//!   for the pin later.
//!
//! A fault may have to wait for I/O, and drops the mmap lock for that, if the caller can
//! bear it (FOLL_UNLOCKABLE).  Then all that is known of VMAs is void.  [`locked`] takes
//! the lock again, and asks for the one page at which it was lost, before it goes on.
//!
//! For a **long-term** pin where a page lies matters: memory that must stay movable or
//! that belongs to CMA cannot be kept.  [`longterm`] pins first and looks then; what must
//! not stay is unpinned with all the rest, moved away, and all is done again.
//!
//! # What tells success
//!
//! The number of pages, which may be less than was asked for; an errno only if there is
//! none.  What was found before an error is the caller's to give back, so it is told of
//! that first.
//!
//! # Where what is
//!
//! * [`entry`]: the entry points; their checks are those of the [walk](crate::walk).
//! * [`locked`], [`pages`], [`longterm`]: from the outside in, the loops.
//! * [`vma`], [`gate`], [`follow`], [`leaf`], [`pte`], [`fault`]: one address.
//! * [`old_entry`], [`old_follow`], [`old_hugetlb`], [`old_longterm`]: what 5.10 and 6.1 do
//!   in another way.
//!
//! Functions have the names of 6.12.  They are told where `pages[]` begins in
//! [`Machine::entries`](crate::Machine::entries), if there is one.

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
use crate::pages::PagePtr;
use crate::site::Site;
use crate::unpin::{List, MAX_LIST};
use crate::walk::Buffer;

/// No such file or directory; here: what is not there need not be locked (5.10).
pub const ENOENT: i32 = 2;
/// Interrupted system call; here: by a fatal signal.
pub const EINTR: i32 = 4;
/// Try again.
pub const EAGAIN: i32 = 11;
/// Device or resource busy; here: a folio that could not be moved, or a lock that was
/// dropped.
pub const EBUSY: i32 = 16;
/// Too many links; here: a page that must not be shared any longer.
pub const EMLINK: i32 = 31;
/// Operation not supported; here: a long-term pin of fsdax.
pub const EOPNOTSUPP: i32 = 95;
/// Memory page has hardware error.
pub const EHWPOISON: i32 = 133;

/// What the functions of the slow path hand on to each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// Where.
    pub start: u64,
    /// How many.
    pub nr_pages: u64,
    /// `pages`: where in the buffer, or NULL.
    pub pages: Option<usize>,
    /// gup_flags.
    pub flags: Foll,
    /// The mmap lock may be dropped, as the caller can be told: FOLL_UNLOCKABLE; in 5.10
    /// and 6.1 `locked` is not NULL.
    pub unlockable: bool,
    /// The VMA of each page is noted.
    pub notes_vmas: bool,
}

impl Range {
    /// The same with other flags.
    fn with(self, flags: Foll) -> Range {
        Range { flags, ..self }
    }

    /// What is left behind the first `nr` pages.
    fn skip(&mut self, nr: u64) {
        self.start = self.start.wrapping_add(nr << crate::tables::PAGE_SHIFT);
        self.nr_pages = self.nr_pages.wrapping_sub(nr);
        self.pages = self.pages.map(|at| at.wrapping_add(nr as usize));
    }
}

impl Kernel<'_> {
    /// Stores a page at a place in the buffer.
    fn store_page(&mut self, at: usize, page: PagePtr) -> Result<(), Stop> {
        let entries = &mut self.machine.entries;
        if let Some(entry) = entries.get_mut(at) {
            *entry = page;
            return Ok(());
        }
        if at >= MAX_LIST {
            return Err(Stop::Oops);
        }
        entries.resize(at, PagePtr::NULL);
        entries.push(page);
        Ok(())
    }

    /// What is stored at a place of the buffer; past its end nothing ever was.
    fn entry(&self, at: usize) -> PagePtr {
        let entry = self.machine.entries.get(at);
        entry.copied().unwrap_or(PagePtr::POISON)
    }

    /// `unpin_user_pages` of a part of the buffer.
    fn unpin_entries(&mut self, first: usize, nr: usize) -> Result<(), Stop> {
        let pages: Vec<_> = (first..).take(nr).map(|at| self.entry(at)).collect();
        self.unpin_user_pages(List::new(&pages), nr as u64)
    }

    /// The buffer has as many entries as a result says, whoever stored them.
    pub(crate) fn fit_entries(&mut self, nr: usize, pages: Buffer) {
        let nr = if pages == Buffer::List {
            nr.min(MAX_LIST)
        } else {
            0
        };
        self.machine.entries.resize(nr, PagePtr::POISON);
    }

    /// `mmap_assert_locked`: a WARN of what it ends up in (6.12).
    fn mmap_assert_locked(&mut self) {
        let asserts = self.rules.slow.asserts_mmap_lock;
        let dropped = !self.machine.held.mmap_lock;
        self.warn_on(asserts && dropped, Site::RwsemAssertHeld);
    }
}
