// SPDX-License-Identifier: GPL-2.0
//! What the entry points make of their flags.
//!
//! FOLL_PIN is nothing that callers ask for by name: `pin_user_pages*` set it,
//! and refuse FOLL_GET; `get_user_pages*` refuse it.

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
        /// The caller lets the mmap lock be dropped, and wants to be told: it
        /// passes `locked`.
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
    /// The flag that callers must not pass, and the WARN about it.
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
    /// Checks the flags of an entry point (v8 to v11): those that it passes
    /// on, or a negative errno.
    pub fn check_flags(&mut self, wrapper: Wrapper, mut flags: Foll) -> Result<Foll, i32> {
        let (forbidden, site) = wrapper.forbids();
        if self.warn_on(self.has(flags, forbidden), site) {
            return Err(-EINVAL);
        }
        if forbidden == FollFlag::Get {
            flags.0 |= self.rules.foll_bit(FollFlag::Pin);
        }
        if let Wrapper::PinUserPagesRemote { locked } = wrapper {
            // The long-term check needs the vmas, which are gone if the lock
            // was dropped in between.
            let unsafe_vmas = locked && self.has(flags, FollFlag::Longterm);
            if self.warn_on(unsafe_vmas, Site::PinUserPagesRemoteLocked) {
                return Err(-EINVAL);
            }
        }
        Ok(flags)
    }
}
