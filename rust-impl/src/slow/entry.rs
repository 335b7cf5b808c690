// SPDX-License-Identifier: GPL-2.0
//! The entry points.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::series::EINVAL;
use crate::slow::Range;
use crate::walk::Buffer;

/// The common arguments of all entry points.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The mm of the pages; current's, except for the `_remote` functions.
    pub mm: MmPtr,
    /// The first address; it need not be page-aligned.
    pub start: u64,
    /// Number of pages.
    pub nr_pages: u64,
    /// FOLL_ flags.
    pub flags: Foll,
    /// The array `pages`.
    pub pages: Buffer,
}

impl Request {
    /// The checked arguments.
    pub(crate) fn range(self, flags: Foll, unlockable: bool) -> Range {
        Range {
            mm: self.mm,
            start: self.start,
            nr_pages: self.nr_pages,
            pages: (self.pages == Buffer::List).then_some(0),
            flags,
            unlockable,
            notes_vmas: false,
        }
    }
}

impl Kernel<'_> {
    /// `get_user_pages` (6.12): takes references, with the mmap lock held throughout.
    ///
    /// Returns the number of pages; -EINVAL for invalid arguments; -EFAULT if there is no
    /// page; -ENOMEM, -EHWPOISON, -EINTR, or another errno for which a page is not
    /// available.
    pub fn get_user_pages(&mut self, request: Request) -> Result<i64, Stop> {
        self.enter(request, &[FollFlag::Touch], None, &mut true)
    }

    /// `get_user_pages_remote` (6.12): the same for another mm.  If the caller passes
    /// `locked`, it may drop the lock, and `locked` says whether it is still held.
    pub fn get_user_pages_remote(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let implied = [FollFlag::Touch, FollFlag::Remote];
        self.enter_remote(request, &implied, locked)
    }

    /// `get_user_pages_unlocked` (6.12): takes and drops the mmap lock itself.
    pub fn get_user_pages_unlocked(&mut self, request: Request) -> Result<i64, Stop> {
        let implied = [FollFlag::Touch, FollFlag::Unlockable];
        self.enter(request, &implied, None, &mut false)
    }

    /// `pin_user_pages` (6.12): pins.  Here and below, invalid arguments return 0. A
    /// long-term pin can also return -EOPNOTSUPP for fsdax, and -ENOMEM or -EBUSY if pages
    /// cannot be migrated.
    pub fn pin_user_pages(&mut self, request: Request) -> Result<i64, Stop> {
        self.enter(request, &[FollFlag::Pin], None, &mut true)
    }

    /// `pin_user_pages_remote` (6.12): the same for another mm.
    pub fn pin_user_pages_remote(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let implied = [FollFlag::Pin, FollFlag::Touch, FollFlag::Remote];
        self.enter_remote(request, &implied, locked)
    }

    /// `pin_user_pages_unlocked` (6.12): takes and drops the mmap lock itself.
    pub fn pin_user_pages_unlocked(&mut self, request: Request) -> Result<i64, Stop> {
        let implied = [FollFlag::Pin, FollFlag::Touch, FollFlag::Unlockable];
        self.enter(request, &implied, None, &mut false)
    }

    /// The common part of the functions for another mm.
    fn enter_remote(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let passed = locked.as_deref().copied();
        self.enter(request, implied, passed, locked.unwrap_or(&mut true))
    }

    /// The common part of all.  `passed`: the initial `*locked`, if the caller passes it.
    fn enter(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        passed: Option<bool>,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        let pins = implied.contains(&FollFlag::Pin);
        let result = if !self.rules.walk.checks_arguments_in_one_place {
            match pins {
                true => self.old_pup(request, implied, passed.is_some(), locked)?,
                false => self.old_gup(request, implied, passed.is_some(), locked)?,
            }
        } else {
            let Some(range) = self.checked(request, implied, passed) else {
                return Ok(if pins { 0 } else { -i64::from(EINVAL) });
            };
            match pins {
                true => self.__gup_longterm_locked(range, locked)?,
                false => self.__get_user_pages_locked(range, locked)?,
            }
        };
        Ok(self.with_result(result, request))
    }

    fn checked(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        passed: Option<bool>,
    ) -> Option<Range> {
        let implied = Foll::of(implied, self.rules);
        let flags = self.is_valid_gup_args(request.pages, passed, request.flags, implied)?;
        let unlockable = self.has(flags, FollFlag::Unlockable);
        Some(request.range(flags, unlockable))
    }

    /// The caller only sees as many entries of `pages[]` as the result says.
    pub(crate) fn with_result(&mut self, result: i64, request: Request) -> i64 {
        let nr = usize::try_from(result).unwrap_or(0);
        self.fit_entries(nr, request.pages);
        result
    }
}
