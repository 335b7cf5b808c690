// SPDX-License-Identifier: GPL-2.0
//! The entry points of 5.10 and 6.1: each has its own checks of the arguments, and takes
//! the mmap lock itself if the caller does not hold it.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::series::EINVAL;
use crate::site::Site;
use crate::slow::Range;
use crate::slow::entry::Request;
use crate::walk::Buffer;

impl Kernel<'_> {
    /// `get_user_pages`, `get_user_pages_remote`, `get_user_pages_unlocked` (5.10, 6.1).
    /// `passed`: the caller passes `locked`; the variant without the lock passes none.
    pub(crate) fn old_gup(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        passed: bool,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        let range = self.old_range(request, implied, passed);
        if !*locked && !passed {
            return self.old_get_user_pages_unlocked(range);
        }
        if !self.is_valid_gup_flags(request.flags) {
            return Ok(-i64::from(EINVAL));
        }
        self.__get_user_pages_locked(range, locked)
    }

    /// `pin_user_pages`, `pin_user_pages_remote`, `pin_user_pages_unlocked` (5.10, 6.1).
    pub(crate) fn old_pup(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        passed: bool,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        let remote = implied.contains(&FollFlag::Remote);
        let unlocked = !*locked && !passed;
        let sites = if remote {
            [Site::PinUserPagesRemote, Site::PinUserPagesRemoteNull]
        } else if unlocked {
            [Site::PinUserPagesUnlocked, Site::PinUserPagesUnlockedNull]
        } else {
            [Site::PinUserPages, Site::PinUserPagesNull]
        };
        let null = request.pages == Buffer::Null && self.rules.walk.pins_want_pages;
        let get = self.has(request.flags, FollFlag::Get);
        if self.warn_on(get, sites[0]) || self.warn_on(null, sites[1]) {
            return Ok(-i64::from(EINVAL));
        }
        let range = self.old_range(request, implied, passed);
        if unlocked {
            return self.old_get_user_pages_unlocked(range);
        }
        let longterm = self.has(range.flags, FollFlag::Longterm);
        if self.warn_on(longterm && passed, Site::GetUserPagesRemoteLongterm) {
            return Ok(-i64::from(EINVAL));
        }
        self.__gup_longterm_locked(range, locked)
    }

    /// `get_user_pages_locked` (5.10): takes references with the mmap lock held; if the
    /// caller passes `locked`, it may drop the lock, and `locked` says whether it is still
    /// held.
    pub fn get_user_pages_locked(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let sites = [Site::GetUserPagesLockedLongterm, Site::GetUserPagesLocked];
        let pin = self.has(request.flags, FollFlag::Pin);
        self.old_locked(request, &[FollFlag::Touch], locked, sites, pin)
    }

    /// `pin_user_pages_locked` (5.10): the same for pins.
    pub fn pin_user_pages_locked(
        &mut self,
        request: Request,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let sites = [Site::PinUserPagesLockedLongterm, Site::PinUserPagesLocked];
        let get = self.has(request.flags, FollFlag::Get);
        let implied = [FollFlag::Pin, FollFlag::Touch];
        self.old_locked(request, &implied, locked, sites, get)
    }

    /// The common part.  `sites`: the WARNs about FOLL_LONGTERM and about the flag that is
    /// `wrong` here.
    fn old_locked(
        &mut self,
        request: Request,
        implied: &[FollFlag],
        locked: Option<&mut bool>,
        sites: [Site; 2],
        wrong: bool,
    ) -> Result<i64, Stop> {
        let longterm = self.has(request.flags, FollFlag::Longterm);
        let result = if self.warn_on(longterm, sites[0]) || self.warn_on(wrong, sites[1]) {
            -i64::from(EINVAL)
        } else {
            let range = self.old_range(request, implied, locked.is_some());
            self.__get_user_pages_locked(range, locked.unwrap_or(&mut true))?
        };
        Ok(self.with_result(result, request))
    }

    /// `get_user_pages_unlocked` (5.10, 6.1), for both kinds of entry points: takes the
    /// lock, not killably.
    pub(crate) fn old_get_user_pages_unlocked(&mut self, range: Range) -> Result<i64, Stop> {
        let longterm = self.has(range.flags, FollFlag::Longterm);
        if self.warn_on(longterm, Site::GetUserPagesUnlockedLongterm) {
            return Ok(-i64::from(EINVAL));
        }
        self.mmap_read_lock(range.mm)?;
        let touch = self.rules.foll_bit(FollFlag::Touch);
        let range = Range {
            flags: Foll(range.flags.0 | touch),
            unlockable: true,
            ..range
        };
        let mut locked = true;
        let result = self.__get_user_pages_locked(range, &mut locked)?;
        if locked {
            self.mmap_read_unlock(range.mm)?;
        }
        Ok(result)
    }

    fn old_range(&self, request: Request, implied: &[FollFlag], passed: bool) -> Range {
        let implied = Foll::of(implied, self.rules);
        request.range(Foll(request.flags.0 | implied.0), passed)
    }
}
