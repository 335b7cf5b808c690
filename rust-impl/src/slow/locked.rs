// SPDX-License-Identifier: GPL-2.0
//! The mmap lock: takes it, and takes it again after a fault dropped it.

use crate::foll::FollFlag;
use crate::kernel::{Kernel, Stop};
use crate::machine::Signal;
use crate::site::Site;
use crate::slow::{EAGAIN, EINTR, Range};
use crate::walk::EFAULT;

impl Kernel<'_> {
    /// `fatal_signal_pending`.
    pub(crate) fn fatal_signal_pending(&self) -> bool {
        self.machine.signal == Signal::Kill
    }

    /// `gup_signal_pending` (6.12): is a fatal signal pending, or, if the caller asks for
    /// it, any signal?
    fn gup_signal_pending(&self, range: &Range) -> bool {
        let interruptible = self.has(range.flags, FollFlag::Interruptible);
        self.fatal_signal_pending() || interruptible && self.machine.signal != Signal::None
    }

    /// `__get_user_pages_locked` (6.12).
    ///
    /// `locked`: does the caller hold the mmap lock?  If not, it is taken and dropped here;
    /// if so, it may be dropped here, and `locked` says so.  The result is only 0 with
    /// FOLL_NOWAIT, or for no pages.
    ///
    /// In 5.10 and 6.1 the caller holds the lock.  There and in 6.6 the result is also 0 if
    /// the lock was dropped and the caller did not pass `locked`.
    pub(crate) fn __get_user_pages_locked(
        &mut self,
        mut range: Range,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        let takes_lock = self.rules.walk.slow_path_locks;
        if self.rules.slow.no_page_is_an_error && range.nr_pages == 0 {
            return Ok(0);
        }
        let mut must_unlock = false;
        if !takes_lock {
            let wrong = range.unlockable && !*locked;
            self.bug_on(wrong, Site::GetUserPagesLockedInit)?;
        } else if *locked {
            self.slow_path_is_locked(range.mm)?;
        } else {
            if self.mmap_read_lock_killable(range.mm)? != 0 {
                return Ok(-i64::from(EAGAIN));
            }
            must_unlock = true;
            *locked = true;
        }
        if self.has(range.flags, FollFlag::Pin) {
            self.mm_set_has_pinned_flag(range.mm);
        } else if range.pages.is_some() {
            range.flags.0 |= self.rules.foll_bit(FollFlag::Get);
        }

        let done = self.get_with_retries(range, locked, &mut must_unlock)?;
        if must_unlock && *locked {
            self.mmap_read_unlock(range.mm)?;
            *locked = false;
        }
        let nothing = done == 0 && self.rules.slow.no_page_is_an_error;
        let nowait = self.has(range.flags, FollFlag::Nowait);
        if self.warn_on(nothing && !nowait, Site::GetUserPagesLockedNone) {
            return Ok(-i64::from(EFAULT));
        }
        Ok(done)
    }

    /// Its loop: gets all pages at once; whenever the lock was dropped, gets the single
    /// page for which it was dropped, and then all remaining pages.
    fn get_with_retries(
        &mut self,
        mut range: Range,
        locked: &mut bool,
        must_unlock: &mut bool,
    ) -> Result<i64, Stop> {
        let mut done = 0;
        loop {
            let ret = self.__get_user_pages(range, locked)?;
            if !range.unlockable {
                return Ok(ret);
            }
            if !*locked {
                self.check_dropped(ret, &range)?;
            }
            if ret > 0 {
                done += ret;
                if ret as u64 == range.nr_pages {
                    return Ok(done);
                }
            }
            if *locked {
                return Ok(if done == 0 { ret } else { done });
            }
            range.skip(ret as u64);
            *must_unlock = true;

            let ret = self.get_one_more(&range, locked)?;
            if ret != 1 {
                let sites = [
                    Site::GetUserPagesLockedMany,
                    Site::GetUserPagesLockedManyWarn,
                ];
                self.complain_always(ret > 1, sites)?;
                return Ok(if done == 0 { ret } else { done });
            }
            done += 1;
            if range.nr_pages == 1 {
                return Ok(done);
            }
            range.skip(1);
        }
    }

    /// The lock was dropped: then there must be no error, and not all pages.
    fn check_dropped(&mut self, ret: i64, range: &Range) -> Result<(), Stop> {
        let all = ret as u64 >= range.nr_pages;
        if self.rules.bugs_are_warnings {
            let wrong = self.rules.debug_vm && (ret < 0 || all);
            self.warn_on(wrong, Site::GetUserPagesLockedDropped);
            return Ok(());
        }
        self.bug_on(ret < 0, Site::GetUserPagesLockedErrno)?;
        self.bug_on(all, Site::GetUserPagesLockedAll)
    }

    /// A BUG with and without DEBUG_VM; in 7.3 a WARN with DEBUG_VM.
    fn complain_always(&mut self, wrong: bool, [bug, warn]: [Site; 2]) -> Result<(), Stop> {
        let silent = self.rules.bugs_are_warnings && !self.rules.debug_vm;
        self.complain(wrong && !silent, bug, warn)
    }

    /// After the lock was dropped: takes it, and gets the page at which that happened;
    /// repeats if it is dropped again.  Returns 1, or why there is no such page.
    fn get_one_more(&mut self, range: &Range, locked: &mut bool) -> Result<i64, Stop> {
        let tried = self.rules.foll_bit(FollFlag::Tried);
        let one = Range {
            nr_pages: 1,
            notes_vmas: false,
            ..*range
        };
        let mut flags = range.flags;
        flags.0 |= tried;
        loop {
            if self.gup_signal_pending(range) {
                return Ok(-i64::from(EINTR));
            }
            let errno = self.mmap_read_lock_killable(range.mm)?;
            if errno != 0 {
                if !self.rules.bugs_are_warnings {
                    self.bug_on(errno > 0, Site::GetUserPagesLockedLock)?;
                }
                return Ok(errno.into());
            }
            *locked = true;
            let ret = self.__get_user_pages(one.with(flags), locked)?;
            if *locked {
                return Ok(ret);
            }
            let sites = [
                Site::GetUserPagesLockedRetry,
                Site::GetUserPagesLockedRetryWarn,
            ];
            self.complain_always(ret != 0, sites)?;
        }
    }
}
