// SPDX-License-Identifier: GPL-2.0
//! The slow path, and the functions that only fault pages in.

use csrc::abi;
use gup::Stop;
use gup::cache::Memfd;
use gup::grab::ENOMEM;
use gup::mm::fault_flag;
use gup::series::EFAULT;
use gup::slow::entry::Request;
use gup::slow::memfd::Wanted;
use gup::slow::populate::Span;
use gup::tables::{PAGE_SHIFT, PAGE_SIZE};

use super::super::record::Returned;
use super::super::world;
use super::{Call, ulong};
use crate::effect::{Effect, Lock};
use crate::ops;

impl Call<'_, '_> {
    /// Calls an entry point of the slow path.  `locked`: what `*locked` is, if the
    /// operation passes it.
    pub fn slow(&mut self, locked: &mut Option<bool>) -> Result<Returned, Stop> {
        let mm = world::mm(self.op);
        let request = Request {
            mm,
            start: self.op.addr,
            nr_pages: ulong(self.op.n),
            flags: self.foll(),
            pages: self.buffer(),
        };
        let effect = ops::info(self.op.op).map(|info| info.effect);
        let passes = matches!(effect, Some(Effect::Walks { .. }));
        *locked = match self.op.arg % 3 {
            value @ 1.. if passes => Some(value == 1),
            _ => None,
        };
        let kernel = &mut *self.kernel;
        let held = effect.is_some_and(|effect| effect.lock() == Lock::Held);
        *kernel.machine.held.mmap_lock_of(mm) = held;
        match u32::from(self.op.op) {
            abi::GD_OP_GET_USER_PAGES => kernel.get_user_pages(request),
            abi::GD_OP_PIN_USER_PAGES => kernel.pin_user_pages(request),
            abi::GD_OP_GET_USER_PAGES_REMOTE => {
                kernel.get_user_pages_remote(request, locked.as_mut())
            }
            abi::GD_OP_PIN_USER_PAGES_REMOTE => {
                kernel.pin_user_pages_remote(request, locked.as_mut())
            }
            abi::GD_OP_GET_USER_PAGES_LOCKED => {
                kernel.get_user_pages_locked(request, locked.as_mut())
            }
            abi::GD_OP_PIN_USER_PAGES_LOCKED => {
                kernel.pin_user_pages_locked(request, locked.as_mut())
            }
            abi::GD_OP_GET_USER_PAGES_UNLOCKED => kernel.get_user_pages_unlocked(request),
            abi::GD_OP_PIN_USER_PAGES_UNLOCKED => kernel.pin_user_pages_unlocked(request),
            _ => return self.faults(request, locked),
        }
        .map(Returned::Int)
    }

    /// Calls a function that faults pages in, or looks one up.
    fn faults(&mut self, request: Request, locked: &mut Option<bool>) -> Result<Returned, Stop> {
        let (mm, start, arg) = (request.mm, request.start, self.op.arg % 3);
        let end = start.wrapping_add(request.nr_pages << PAGE_SHIFT);
        let kernel = &mut *self.kernel;
        let flags = request.flags.to_canonical(kernel.rules);
        let asks = |flag: u32| flags & 1 << flag != 0;
        let write = asks(abi::GD_FOLL_WRITE);
        let size = ulong(self.op.val);
        let bytes = |left: u64| Returned::Int(left as i64);
        match u32::from(self.op.op) {
            abi::GD_OP_FIXUP_USER_FAULT => {
                let remote = if asks(abi::GD_FOLL_REMOTE) {
                    fault_flag::REMOTE
                } else {
                    0
                };
                let flags = if write { fault_flag::WRITE } else { 0 } | remote;
                let mut unlocked = arg == 2;
                let passed = (arg != 0).then_some(&mut unlocked);
                let errno = kernel.fixup_user_fault(mm, start, flags, passed)?;
                *locked = (arg != 0).then_some(!unlocked);
                Ok(Returned::Errno(errno))
            }
            abi::GD_OP_POPULATE_VMA_PAGE_RANGE => {
                let Some(vma) = kernel.machine.vmas.lookup(mm, start) else {
                    return Ok(Returned::Int(i64::from(-ENOMEM)));
                };
                *locked = (arg != 0).then_some(arg == 1);
                let nr = kernel.populate_vma_page_range(vma, start, end, locked.as_mut())?;
                Ok(Returned::Int(nr))
            }
            abi::GD_OP_FAULTIN_PAGE_RANGE => {
                let span = Span { start, end };
                let nr = kernel.faultin_page_range(mm, span, write, locked.insert(true))?;
                Ok(Returned::Int(nr))
            }
            abi::GD_OP_GET_DUMP_PAGE => {
                let by_caller = kernel.rules.slow.dumps_under_lock;
                kernel.machine.held.mmap_lock = by_caller;
                let mut held = by_caller;
                let page = kernel.get_dump_page(start, &mut held)?;
                *locked = by_caller.then_some(held);
                Ok(Returned::Page(Ok(page)))
            }
            abi::GD_OP_FOLLOW_PAGE => {
                let Some(vma) = kernel.machine.vmas.lookup(mm, start) else {
                    return Ok(Returned::Page(Err(-EFAULT)));
                };
                let page = kernel.follow_page(vma, start, request.flags)?;
                Ok(Returned::Page(page))
            }
            abi::GD_OP_MM_POPULATE => {
                let len = request.nr_pages << PAGE_SHIFT;
                let ignores = self.op.arg & 1 != 0;
                // as its callers do
                let start = start & !(PAGE_SIZE - 1);
                kernel
                    .__mm_populate(start, len, ignores)
                    .map(Returned::Errno)
            }
            abi::GD_OP_FAULT_IN_READABLE => kernel.fault_in_readable(start, size).map(bytes),
            abi::GD_OP_FAULT_IN_WRITEABLE | abi::GD_OP_FAULT_IN_SUBPAGE_WRITEABLE => {
                kernel.fault_in_writeable(start, size).map(bytes)
            }
            abi::GD_OP_FAULT_IN_SAFE_WRITEABLE => {
                kernel.fault_in_safe_writeable(start, size).map(bytes)
            }
            abi::GD_OP_MEMFD_PIN_FOLIOS => {
                let wanted = Wanted {
                    memfd: Memfd::from_index(self.op.arg.into()),
                    start,
                    end: end.wrapping_sub(1),
                    max_folios: self.op.val as u32,
                };
                let mut offset = None;
                let nr = kernel.memfd_pin_folios(wanted, &mut offset)?;
                if let Some(offset) = offset {
                    kernel.show_offset(offset)?;
                }
                Ok(Returned::Int(nr))
            }
            id => unreachable!("entry point {id:#x} of the table has no Rust function"),
        }
    }
}
