// SPDX-License-Identifier: GPL-2.0
//! The entry points' checks of their flags.
//!
//! Callers do not pass FOLL_PIN: `pin_user_pages*` set it and refuse FOLL_GET;
//! `get_user_pages*` refuse it.

use crate::foll::{Foll, FollFlag};
use crate::kernel::Kernel;
use crate::series::EINVAL;
use crate::site::Site;

/// An entry point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrapper {
    /// `pin_user_pages`.
    PinUserPages,
    /// `pin_user_pages_remote`.
    PinUserPagesRemote {
        /// The caller passes `locked`: the mmap lock may be dropped.
        locked: bool,
    },
    /// `pin_user_pages_fast`.
    PinUserPagesFast,
    /// `get_user_pages`.
    GetUserPages,
    /// `get_user_pages_remote`.
    GetUserPagesRemote,
    /// `get_user_pages_locked`.
    GetUserPagesLocked,
    /// `get_user_pages_unlocked`.
    GetUserPagesUnlocked,
    /// `get_user_pages_fast`.
    GetUserPagesFast,
}

impl Wrapper {
    /// The flag that callers must not pass, and the site of its WARN.
    const fn forbids(self) -> (FollFlag, Site) {
        match self {
            Wrapper::PinUserPages => (FollFlag::Get, Site::PinUserPages),
            Wrapper::PinUserPagesRemote { .. } => (FollFlag::Get, Site::PinUserPagesRemote),
            Wrapper::PinUserPagesFast => (FollFlag::Get, Site::PinUserPagesFast),
            Wrapper::GetUserPages => (FollFlag::Pin, Site::GetUserPages),
            Wrapper::GetUserPagesRemote => (FollFlag::Pin, Site::GetUserPagesRemote),
            Wrapper::GetUserPagesLocked => (FollFlag::Pin, Site::GetUserPagesLocked),
            Wrapper::GetUserPagesUnlocked => (FollFlag::Pin, Site::GetUserPagesUnlocked),
            Wrapper::GetUserPagesFast => (FollFlag::Pin, Site::GetUserPagesFast),
        }
    }
}

impl Kernel<'_> {
    /// Checks the flags of an entry point (v8 to v11): returns the flags that it passes on,
    /// or a negative errno.
    pub fn check_flags(&mut self, wrapper: Wrapper, mut flags: Foll) -> Result<Foll, i32> {
        let (forbidden, site) = wrapper.forbids();
        if self.warn_on(self.has(flags, forbidden), site) {
            return Err(-EINVAL);
        }
        if forbidden == FollFlag::Get {
            flags.0 |= self.rules.foll_bit(FollFlag::Pin);
        }
        if let Wrapper::PinUserPagesRemote { locked } = wrapper {
            // the long-term check needs the VMAs, which may be gone if the lock was dropped
            let unsafe_vmas = locked && self.has(flags, FollFlag::Longterm);
            if self.warn_on(unsafe_vmas, Site::PinUserPagesRemoteLocked) {
                return Err(-EINVAL);
            }
        }
        Ok(flags)
    }
}
