// SPDX-License-Identifier: GPL-2.0
//! Faults: for a page that is not present, or not suitable.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::mm::{fault_flag, vm_fault};
use crate::site::Site;
use crate::slow::{EAGAIN, EBUSY, EHWPOISON, ENOENT};
use crate::vma::{VmaPtr, vm_flag};
use crate::walk::EFAULT;

impl Kernel<'_> {
    /// `faultin_page` (6.12): returns 0 if the page may be present now; -EFAULT, -ENOMEM or
    /// -EHWPOISON on failure; -ENOENT if the page is not needed; -EBUSY or -EAGAIN if the
    /// caller has to retry with the mmap lock held.  `locked` says whether it is still
    /// held.  5.10 notes in the flags that the page was copied for a write.
    pub(crate) fn faultin_page(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: &mut Foll,
        unshare: bool,
        unlockable: bool,
        locked: &mut bool,
    ) -> Result<i32, Stop> {
        if self.mlocks_only(*flags) {
            return Ok(-ENOENT);
        }
        if self.has(*flags, FollFlag::Nofault) {
            return Ok(-EFAULT);
        }
        let mut fault_flags = self.fault_flags(*flags, unlockable);
        if unshare {
            fault_flags |= fault_flag::UNSHARE;
            let write = fault_flags & fault_flag::WRITE != 0;
            let wrong = write && self.rules.debug_vm;
            self.complain(
                wrong,
                Site::FaultinPageUnshare,
                Site::FaultinPageUnshareWarn,
            )?;
        }
        let nowait = fault_flags & fault_flag::RETRY_NOWAIT != 0;

        let fault = self.handle_mm_fault(vma, address, fault_flags)?;
        if fault & vm_fault::COMPLETED != 0 {
            self.warn_on(nowait, Site::FaultinPageNowait);
            *locked = false;
            return Ok(-EAGAIN);
        }
        if fault & vm_fault::ERROR != 0 {
            let errno = self.vm_fault_to_errno(fault, *flags);
            self.bug_on(errno == 0, Site::FaultinPageErrno)?;
            return Ok(errno);
        }
        if fault & vm_fault::RETRY != 0 {
            if !nowait {
                *locked = false;
            }
            return Ok(-EBUSY);
        }
        // The copy may stay read-only. In a writable VMA the next fault makes it writable.
        let writable = self.machine.vmas.get(vma).has(vm_flag::WRITE);
        if fault & vm_fault::WRITE != 0 && !writable {
            self.note_cow(flags);
        }
        Ok(0)
    }

    /// The FAULT_FLAG_ flags of the fault.
    fn fault_flags(&self, flags: Foll, unlockable: bool) -> u32 {
        use fault_flag as f;
        let interruptible = unlockable && self.has(flags, FollFlag::Interruptible);
        let nowait = self.has(flags, FollFlag::Nowait);
        let all = [
            (self.has(flags, FollFlag::Write), f::WRITE),
            (self.has(flags, FollFlag::Remote), f::REMOTE),
            (unlockable, f::ALLOW_RETRY | f::KILLABLE),
            (interruptible, f::INTERRUPTIBLE),
            (nowait, f::ALLOW_RETRY | f::RETRY_NOWAIT),
            (self.has(flags, FollFlag::Tried), f::TRIED),
        ];
        all.iter()
            .fold(0, |set, &(on, bits)| if on { set | bits } else { set })
    }

    /// `vm_fault_to_errno`: 0 for a result that is not an error.
    pub(crate) fn vm_fault_to_errno(&self, fault: u32, flags: Foll) -> i32 {
        use vm_fault as f;
        if fault & f::OOM != 0 {
            -ENOMEM
        } else if fault & (f::HWPOISON | f::HWPOISON_LARGE) != 0 {
            let wanted = self.has(flags, FollFlag::Hwpoison);
            if wanted { -EHWPOISON } else { -EFAULT }
        } else if fault & (f::SIGBUS | f::SIGSEGV) != 0 {
            -EFAULT
        } else {
            0
        }
    }
}
