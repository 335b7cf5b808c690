// SPDX-License-Identifier: GPL-2.0
//! Faults in pages before they are copied from or to, for file systems that must not fault
//! while they hold locks.
//!
//! The kernel accesses a byte of each page like a user, or (without writing) only calls the
//! fault handler.  Afterwards it holds nothing.

use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::mm::fault_flag;
use crate::tables::PAGE_SIZE;
use crate::walk::TASK_SIZE_MAX;

/// The start of the next page; 0 after the last one.
fn next_page(addr: u64) -> u64 {
    addr.wrapping_add(PAGE_SIZE) & !(PAGE_SIZE - 1)
}

impl Kernel<'_> {
    /// `fault_in_readable` (6.12): returns how many of the `size` bytes are not accessible.
    pub fn fault_in_readable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        self.access_pages(start, size, false)
    }

    /// `fault_in_writeable` (6.12): the same for writing; it writes zeros.
    /// `fault_in_subpage_writeable` is the same on x86.
    pub fn fault_in_writeable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        self.access_pages(start, size, true)
    }

    /// `fault_in_safe_writeable` (6.12): the same without writing anything.  It takes the
    /// mmap lock, and does not check that the addresses are in user space.
    pub fn fault_in_safe_writeable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        if size == 0 {
            return Ok(0);
        }
        let mm = MmPtr::Current;
        self.mmap_read_lock(mm)?;
        let done = self.each_page(start, size, |kernel, addr| {
            let flags = fault_flag::WRITE;
            let errno = kernel.fixup_user_fault(mm, addr, flags, Some(&mut false))?;
            Ok(errno == 0)
        })?;
        self.mmap_read_unlock(mm)?;
        Ok(
            size.saturating_sub(match self.rules.slow.safe_writeable_hides_failures {
                true => done.wrapping_neg(),
                false => done,
            }),
        )
    }

    /// A load or store in each page.
    fn access_pages(&mut self, start: u64, size: u64, write: bool) -> Result<u64, Stop> {
        if size == 0 {
            return Ok(0);
        }
        if self.rules.slow.fault_in_checks_range && !self.access_ok(start, size) {
            return Ok(size);
        }
        // without that check, its loop may end before the first page
        let aligned = start & (PAGE_SIZE - 1) == 0;
        if aligned && next_page(start.wrapping_add(size).wrapping_sub(1)) == start {
            return Ok(size);
        }
        let done = self.each_page(start, size, |kernel, addr| {
            Ok(kernel.user_access(addr, write)? == 0)
        })?;
        Ok(size.saturating_sub(done))
    }

    /// `access_ok`: is a range in user space?
    fn access_ok(&self, start: u64, size: u64) -> bool {
        let limit = match self.rules.walk.access_ok_checks_top_bit_only {
            true => u64::MAX >> 1,
            false => TASK_SIZE_MAX,
        };
        start.checked_add(size).is_some_and(|end| end <= limit)
    }

    /// Accesses a byte of each page, the first at `start`, until that fails; returns the
    /// bytes from `start` to the address reached.
    fn each_page(
        &mut self,
        start: u64,
        size: u64,
        mut touch: impl FnMut(&mut Self, u64) -> Result<bool, Stop>,
    ) -> Result<u64, Stop> {
        let end = start.wrapping_add(size);
        let mut addr = start;
        if self.rules.slow.faults_in_nothing_at_zero {
            while addr != 0 && addr < end && touch(self, addr)? {
                addr = next_page(addr);
            }
        } else {
            let behind = next_page(end.wrapping_sub(1));
            let behind = if behind < start { 0 } else { behind };
            while touch(self, addr)? {
                addr = next_page(addr);
                if addr == behind {
                    break;
                }
            }
        }
        Ok(addr.wrapping_sub(start))
    }
}
