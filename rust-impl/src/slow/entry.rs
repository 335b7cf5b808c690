// SPDX-License-Identifier: GPL-2.0
//! The entry points.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::series::EINVAL;
use crate::slow::Range;
use crate::walk::Buffer;

/// Where and what for: the arguments that all entry points have.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The first address; it need not be that of a page.
    pub start: u64,
    /// How many pages.
    pub nr_pages: u64,
    /// FOLL_ flags.
    pub flags: Foll,
    /// The array for the pages.
    pub pages: Buffer,
}

impl Request {
    /// What an entry point goes on with.
    pub(crate) fn range(self, flags: Foll, unlockable: bool) -> Range {
        Range {
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
    /// `get_user_pages` (6.12): with the mmap lock held, which it keeps.
    ///
    /// Gives the number of pages, or -EINVAL for arguments that make no sense, -EFAULT
    /// where there is nothing to be had, -ENOMEM, -EHWPOISON, -EINTR, or what else a page
    /// cannot be had for.
    pub fn get_user_pages(&mut self, request: Request) -> Result<i64, Stop> {
        self.enter(request, &[FollFlag::Touch], None, &mut true)
    }

    /// `get_user_pages_remote` (6.12): the same of another mm.  If it is told where,
    /// it may drop the lock, and says there whether it is still held.
    pub fn get_user_pages_remote(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let implied = [FollFlag::Touch, FollFlag::Remote];
        self.enter_remote(request, &implied, locked)
    }

    /// `get_user_pages_unlocked` (6.12): takes the mmap lock and drops it.
    pub fn get_user_pages_unlocked(&mut self, request: Request) -> Result<i64, Stop> {
        let implied = [FollFlag::Touch, FollFlag::Unlockable];
        self.enter(request, &implied, None, &mut false)
    }

    /// `pin_user_pages` (6.12).  Arguments that make no sense are 0 here and below.
    /// A long-term pin adds -EOPNOTSUPP for fsdax, and -ENOMEM or -EBUSY for what could
    /// not be moved.
    pub fn pin_user_pages(&mut self, request: Request) -> Result<i64, Stop> {
        self.enter(request, &[FollFlag::Pin], None, &mut true)
    }

    /// `pin_user_pages_remote` (6.12).
    pub fn pin_user_pages_remote(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let implied = [FollFlag::Pin, FollFlag::Touch, FollFlag::Remote];
        self.enter_remote(request, &implied, locked)
    }

    /// `pin_user_pages_unlocked` (6.12).
    pub fn pin_user_pages_unlocked(&mut self, request: Request) -> Result<i64, Stop> {
        let implied = [FollFlag::Pin, FollFlag::Touch, FollFlag::Unlockable];
        self.enter(request, &implied, None, &mut false)
    }

    /// What those of another mm have in common.
    fn enter_remote(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let passed = locked.as_deref().copied();
        self.enter(request, implied, passed, locked.unwrap_or(&mut true))
    }

    /// What all have in common.  `passed`: what `*locked` is, if the caller passes it.
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

    /// What the caller sees of `pages[]` is as many as it is told of.
    pub(crate) fn with_result(&mut self, result: i64, request: Request) -> i64 {
        let nr = usize::try_from(result).unwrap_or(0);
        self.fit_entries(nr, request.pages);
        result
    }
}
