// SPDX-License-Identifier: GPL-2.0
//! The entry points, and their checks of the arguments.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::series::EINVAL;
use crate::site::Site;
use crate::walk::Buffer;

impl Kernel<'_> {
    /// `get_user_pages_fast` (6.1, 6.12): takes references on the pages mapped at an
    /// address.
    ///
    /// FOLL_GET is implied.  6.1 refuses FOLL_PIN and FOLL_LONGTERM, and does not check
    /// other flags here.
    pub fn get_user_pages_fast(
        &mut self,
        start: u64,
        nr_pages: i32,
        flags: Foll,
        pages: Buffer,
    ) -> Result<i32, Stop> {
        let flags = if self.rules.walk.checks_arguments_in_one_place {
            self.is_valid_gup_args(pages, None, flags, self.set(&[FollFlag::Get]))
        } else if self.is_valid_gup_flags(flags) {
            Some(Foll(flags.0 | self.set(&[FollFlag::Get]).0))
        } else {
            None
        };
        match flags {
            Some(flags) => self.gup_fast_fallback(start, nr_pages, flags, pages),
            None => Ok(-EINVAL),
        }
    }

    /// `get_user_pages_fast_only` (6.1, 6.12): the same without the slow path.
    ///
    /// 6.1 checks no flags here, so with FOLL_PIN the grab takes references (FOLL_GET takes
    /// precedence), and a back-out drops pins.
    pub fn get_user_pages_fast_only(
        &mut self,
        start: u64,
        nr_pages: i32,
        flags: Foll,
        pages: Buffer,
    ) -> Result<i32, Stop> {
        let implied = self.set(&[FollFlag::Get, FollFlag::FastOnly]);
        let flags = if self.rules.walk.checks_arguments_in_one_place {
            match self.is_valid_gup_args(pages, None, flags, implied) {
                Some(flags) => flags,
                None => return Ok(-EINVAL),
            }
        } else {
            Foll(flags.0 | implied.0)
        };
        let result = self.gup_fast_fallback(start, nr_pages, flags, pages)?;
        Ok(self.fast_only_result(result))
    }

    /// `pin_user_pages_fast` (6.1, 6.12): pins the pages mapped at an address.
    pub fn pin_user_pages_fast(
        &mut self,
        start: u64,
        nr_pages: i32,
        flags: Foll,
        pages: Buffer,
    ) -> Result<i32, Stop> {
        let pin = self.set(&[FollFlag::Pin]);
        let flags = if self.rules.walk.checks_arguments_in_one_place {
            self.is_valid_gup_args(pages, None, flags, pin)
        } else {
            let sites = [Site::PinUserPagesFast, Site::PinUserPagesFastNull];
            self.checks_of_pin_fast(pages, flags, sites)
                .then_some(Foll(flags.0 | pin.0))
        };
        match flags {
            Some(flags) => self.gup_fast_fallback(start, nr_pages, flags, pages),
            None => Ok(-EINVAL),
        }
    }

    /// `pin_user_pages_fast_only` (6.1): the same without the slow path; never returns an
    /// errno.
    pub fn pin_user_pages_fast_only(
        &mut self,
        start: u64,
        nr_pages: i32,
        flags: Foll,
        pages: Buffer,
    ) -> Result<i32, Stop> {
        let sites = [Site::PinUserPagesFastOnly, Site::PinUserPagesFastOnlyNull];
        if !self.checks_of_pin_fast(pages, flags, sites) {
            return Ok(0);
        }
        let implied = self.set(&[FollFlag::Pin, FollFlag::FastOnly]);
        let flags = Foll(flags.0 | implied.0);
        let result = self.gup_fast_fallback(start, nr_pages, flags, pages)?;
        Ok(self.fast_only_result(result))
    }

    /// The entry points without a slow path return 0 instead of an errno in 6.1.
    fn fast_only_result(&self, result: i32) -> i32 {
        if self.rules.walk.fast_only_gives_errnos {
            result
        } else {
            result.max(0)
        }
    }

    /// The common checks of both entry points that pin, in 5.10 and 6.1.
    fn checks_of_pin_fast(&mut self, pages: Buffer, flags: Foll, sites: [Site; 2]) -> bool {
        let null = pages == Buffer::Null && self.rules.walk.pins_want_pages;
        !self.warn_on(self.has(flags, FollFlag::Get), sites[0]) && !self.warn_on(null, sites[1])
    }

    /// `is_valid_gup_flags` (6.1): refuses FOLL_PIN, and flags that need it.
    pub(crate) fn is_valid_gup_flags(&mut self, flags: Foll) -> bool {
        let pin = self.has(flags, FollFlag::Pin);
        let longterm = self.has(flags, FollFlag::Longterm);
        !self.warn_on(pin, Site::IsValidGupFlagsPin)
            && !self.warn_on(longterm, Site::IsValidGupFlagsLongterm)
    }

    /// `is_valid_gup_args` (6.12): returns the flags, including those that the entry point
    /// adds; `None` if they are invalid.  `locked`: the caller's `locked`, if it passes
    /// one.
    pub(crate) fn is_valid_gup_args(
        &mut self,
        pages: Buffer,
        locked: Option<bool>,
        flags: Foll,
        implied: Foll,
    ) -> Option<Foll> {
        let internal = flags.0 & self.set(self.rules.walk.internal_flags).0 != 0;
        if self.warn_on(internal, Site::IsValidGupArgsInternal) {
            return None;
        }
        let mut flags = Foll(flags.0 | implied.0);
        if self.rules.walk.implies_numa_faults {
            flags.0 |= self.rules.foll_bit(FollFlag::HonorNumaFault);
        }
        if let Some(locked) = locked {
            if self.warn_on(!locked, Site::IsValidGupArgsLocked) {
                return None;
            }
            flags.0 |= self.rules.foll_bit(FollFlag::Unlockable);
        }
        let get = self.has(flags, FollFlag::Get);
        let pin = self.has(flags, FollFlag::Pin);
        let longterm = self.has(flags, FollFlag::Longterm);
        let p2pdma = self.has(flags, FollFlag::PciP2pdma);
        let null = pages == Buffer::Null;

        let invalid = self.warn_on(get && pin, Site::IsValidGupArgsBoth)
            || self.warn_on(longterm && !pin, Site::IsValidGupArgsLongterm)
            || self.warn_on((get || pin) && null, Site::IsValidGupArgsNull)
            || self.warn_on(longterm && p2pdma, Site::IsValidGupArgsP2pdma);
        (!invalid).then_some(flags)
    }
}
