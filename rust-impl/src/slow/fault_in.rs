// SPDX-License-Identifier: GPL-2.0
//! Pages that are to be there before they are copied from or to: for file systems that
//! must not fault while they hold locks.
//!
//! The kernel touches a byte of each page, as a user would, or (to write nothing) asks for
//! the fault alone.  Nothing is held afterwards.

use crate::kernel::{Kernel, Stop};
use crate::mm::fault_flag;
use crate::tables::PAGE_SIZE;
use crate::walk::TASK_SIZE_MAX;

/// The start of the next page; behind the last one that is 0.
fn next_page(addr: u64) -> u64 {
    addr.wrapping_add(PAGE_SIZE) & !(PAGE_SIZE - 1)
}

impl Kernel<'_> {
    /// `fault_in_readable` (6.12): the number of bytes, up to `size`, that are not there.
    pub fn fault_in_readable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        self.access_pages(start, size, false)
    }

    /// `fault_in_writeable` (6.12): the same for writing, and zeros are written.
    /// `fault_in_subpage_writeable` is the same on x86.
    pub fn fault_in_writeable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        self.access_pages(start, size, true)
    }

    /// `fault_in_safe_writeable` (6.12): the same, but nothing is written.  It takes the
    /// mmap lock, and does not ask whether these are addresses of user space.
    pub fn fault_in_safe_writeable(&mut self, start: u64, size: u64) -> Result<u64, Stop> {
        if size == 0 {
            return Ok(0);
        }
        self.mmap_read_lock()?;
        let left = self.each_page(start, size, |kernel, addr| {
            let flags = fault_flag::WRITE;
            let errno = kernel.fixup_user_fault(addr, flags, Some(&mut false))?;
            Ok(errno == 0)
        })?;
        self.mmap_read_unlock()?;
        Ok(left)
    }

    /// A load or store in each page.
    fn access_pages(&mut self, start: u64, size: u64, write: bool) -> Result<u64, Stop> {
        if size == 0 {
            return Ok(0);
        }
        // access_ok()
        let ok = start.checked_add(size);
        if ok.is_none_or(|end| end > TASK_SIZE_MAX) {
            return Ok(size);
        }
        self.each_page(start, size, |kernel, addr| {
            Ok(kernel.user_access(addr, write)? == 0)
        })
    }

    /// Touches a byte of each page, the first at `start`, until that fails; the number of
    /// bytes that this leaves.
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
        Ok(size.saturating_sub(addr.wrapping_sub(start)))
    }
}
