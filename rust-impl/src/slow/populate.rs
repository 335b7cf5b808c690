// SPDX-License-Identifier: GPL-2.0
//! Functions that only fault pages in: for mlock(), madvise(), futexes, KVM, and core
//! dumps.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::mm::{fault_flag, vm_fault};
use crate::pages::PagePtr;
use crate::series::EINVAL;
use crate::site::Site;
use crate::slow::stack::foll;
use crate::slow::{EINTR, Range};
use crate::tables::{PAGE_SHIFT, PAGE_SIZE};
use crate::vma::{VmArea, VmaPtr, vm_flag};
use crate::walk::{Buffer, EFAULT};

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first address.
    pub start: u64,
    /// The address after the last.
    pub end: u64,
}

/// The sites for an invalid range, BUGs or since 7.3 WARNs: start not page-aligned, end not
/// page-aligned, start before the VMA, end after the VMA.
const POPULATE_SITES: [[Site; 2]; 4] = [
    [Site::PopulateStartAligned, Site::PopulateStartAlignedWarn],
    [Site::PopulateEndAligned, Site::PopulateEndAlignedWarn],
    [Site::PopulateStart, Site::PopulateStartWarn],
    [Site::PopulateEnd, Site::PopulateEndWarn],
];
/// The same in faultin_vma_page_range(), which is removed before 7.3.
const FAULTIN_VMA_SITES: [[Site; 2]; 4] = [
    [Site::FaultinVmaStartAligned; 2],
    [Site::FaultinVmaEndAligned; 2],
    [Site::FaultinVmaStart; 2],
    [Site::FaultinVmaEnd; 2],
];
/// The same in faultin_page_range(), which has no VMA.
const FAULTIN_SITES: [[Site; 2]; 2] = [
    [Site::FaultinStart, Site::FaultinStartWarn],
    [Site::FaultinEnd, Site::FaultinEndWarn],
];

impl Span {
    fn nr_pages(self) -> u64 {
        self.end.wrapping_sub(self.start) >> PAGE_SHIFT
    }
}

impl Kernel<'_> {
    /// `fixup_user_fault` (6.12): resolves one fault, with the mmap lock held; returns 0 or
    /// an errno.
    ///
    /// `flags`: [`fault_flag::WRITE`] and [`fault_flag::REMOTE`].  If `unlocked` is passed,
    /// the lock may be dropped; it is held again on return, and `unlocked` says that it was
    /// dropped.
    pub fn fixup_user_fault(
        &mut self,
        mm: MmPtr,
        address: u64,
        mut flags: u32,
        mut unlocked: Option<&mut bool>,
    ) -> Result<i32, Stop> {
        if unlocked.is_some() {
            flags |= fault_flag::ALLOW_RETRY | fault_flag::KILLABLE;
        }
        loop {
            let Some(vma) = self.gup_vma_lookup(mm, address)? else {
                return Ok(-EFAULT);
            };
            if !self.vma_permits_fault(self.machine.vmas.get(vma), flags) {
                return Ok(-EFAULT);
            }
            if flags & fault_flag::KILLABLE != 0 && self.fatal_signal_pending() {
                return Ok(-EINTR);
            }
            let fault = self.handle_mm_fault(vma, address, flags)?;
            if fault & vm_fault::COMPLETED != 0 {
                self.mmap_read_lock(mm)?;
                *unlocked.ok_or(Stop::Oops)? = true;
                return Ok(0);
            }
            if fault & vm_fault::ERROR != 0 {
                let errno = self.vm_fault_to_errno(fault, Foll(0));
                self.bug_on(errno == 0, Site::FixupUserFaultErrno)?;
                return Ok(errno);
            }
            if fault & vm_fault::RETRY == 0 {
                return Ok(0);
            }
            self.mmap_read_lock(mm)?;
            *unlocked.as_deref_mut().ok_or(Stop::Oops)? = true;
            flags |= fault_flag::TRIED;
        }
    }

    /// `vma_permits_fault`: by its permissions and its protection key.
    fn vma_permits_fault(&self, vma: &VmArea, flags: u32) -> bool {
        let write = flags & fault_flag::WRITE != 0;
        let foreign = flags & fault_flag::REMOTE != 0;
        let needed = if write { vm_flag::WRITE } else { vm_flag::READ };
        vma.has(needed) && self.machine.vma_access_permitted(vma, write, foreign)
    }

    /// `populate_vma_page_range` (6.12): faults in pages of a VMA for mlock(), with the
    /// mmap lock held, which may be dropped if `locked` is passed.
    ///
    /// Returns the number of pages from the start, or an errno.  In 5.10 it also mlocks
    /// them.
    pub fn populate_vma_page_range(
        &mut self,
        vma: VmaPtr,
        start: u64,
        end: u64,
        locked: Option<&mut bool>,
    ) -> Result<i64, Stop> {
        let area = *self.machine.vmas.get(vma);
        let span = Span { start, end };
        self.check_span(span, Some(&area), &POPULATE_SITES)?;
        self.mmap_assert_locked(area.mm)?;

        if !self.rules.slow.has_flags_of_mm && area.has(vm_flag::LOCKONFAULT) {
            return Ok(span.nr_pages() as i64);
        }
        if self.rules.slow.populates_accessible_only && !area.is_accessible() {
            return Ok(i64::from(-EFAULT));
        }
        let flags = self.populate_flags(&area, locked.is_some());
        let range = self.populated(area.mm, span, flags, locked.is_some());
        let ret = self.__get_user_pages(range, locked.unwrap_or(&mut true))?;
        if !self.rules.slow.has_flags_of_mm {
            self.lru_add_drain(false)?;
        }
        Ok(ret)
    }

    /// `__mm_populate` (6.12): the same for all VMAs in a range, for mlock() and
    /// MAP_POPULATE.  It takes the mmap lock; returns 0, or an errno unless errors are
    /// ignored.
    pub fn __mm_populate(
        &mut self,
        start: u64,
        len: u64,
        ignore_errors: bool,
    ) -> Result<i32, Stop> {
        let mm = MmPtr::Current;
        let end = start.wrapping_add(len);
        let (mut at, mut locked, mut vma) = (start, false, None);
        let mut ret = 0;
        while at < end {
            if !locked {
                locked = true;
                self.mmap_read_lock(mm)?;
                vma = self.machine.vmas.find_intersection(mm, at, end);
            } else if let Some(current) = vma {
                let (vmas, lists) = (&self.machine.vmas, self.rules.slow.lists_vmas);
                let last = vmas.get(current).end;
                if at >= last {
                    vma = match lists {
                        true => vmas.next(current),
                        false => vmas.find_intersection(mm, last, end),
                    };
                }
                // it may have moved
                vma = vma.filter(|&vma| !lists || vmas.get(vma).start < end);
            }
            let Some(vma) = vma else {
                break;
            };
            let area = *self.machine.vmas.get(vma);
            let span_end = area.end.min(end);
            if area.has(vm_flag::IO | vm_flag::PFNMAP) {
                at = span_end;
                continue;
            }
            at = at.max(area.start);
            let nr = self.populate_vma_page_range(vma, at, span_end, Some(&mut locked))?;
            if let Ok(nr) = u64::try_from(nr) {
                at = at.wrapping_add(nr << PAGE_SHIFT);
            } else if ignore_errors {
                at = span_end;
            } else {
                ret = nr as i32;
                break;
            }
        }
        if locked {
            self.mmap_read_unlock(mm)?;
        }
        Ok(ret)
    }

    /// The flags: a writable private mapping is written to, so that no copy is left to do;
    /// and the page is faulted in whatever the VMA permits.
    fn populate_flags(&self, area: &VmArea, unlockable: bool) -> Foll {
        let bit = |flag| self.rules.foll_bit(flag);
        let mut flags = bit(FollFlag::Touch);
        if self.rules.slow.has_flags_of_mm {
            flags |= foll::MLOCK;
            if !area.has(vm_flag::LOCKONFAULT) {
                flags |= foll::POPULATE;
            }
        }
        let write = area.has(vm_flag::WRITE) && !area.has(vm_flag::SHARED);
        if write {
            flags |= bit(FollFlag::Write);
        }
        let force = match self.rules.slow.populates_accessible_only {
            true => !write,
            false => area.is_accessible(),
        };
        if force {
            flags |= bit(FollFlag::Force);
        }
        if unlockable {
            flags |= bit(FollFlag::Unlockable);
        }
        Foll(flags)
    }

    /// `faultin_page_range` (6.12), `faultin_vma_page_range` (6.1): MADV_POPULATE_READ and
    /// MADV_POPULATE_WRITE, with the mmap lock held, which may be dropped.
    ///
    /// Returns the number of pages from the start; or -EINVAL if the VMA does not permit
    /// it, -ENOMEM if there is no VMA, -EHWPOISON, or another errno.
    pub fn faultin_page_range(
        &mut self,
        mm: MmPtr,
        span: Span,
        write: bool,
        locked: &mut bool,
    ) -> Result<i64, Stop> {
        let of_one_vma = self.rules.slow.faultin_takes_a_vma;
        let vma = match of_one_vma {
            true => self.machine.vmas.lookup(mm, span.start),
            false => None,
        };
        match vma {
            Some(vma) => {
                let area = *self.machine.vmas.get(vma);
                self.check_span(span, Some(&area), &FAULTIN_VMA_SITES)?;
            }
            // the caller has looked it up
            None if of_one_vma => return Ok(i64::from(-ENOMEM)),
            None => self.check_span(span, None, &FAULTIN_SITES)?,
        }
        self.mmap_assert_locked(mm)?;

        let mut flags = Foll::of(&[FollFlag::Touch, FollFlag::Hwpoison], self.rules);
        if write {
            flags.0 |= self.rules.foll_bit(FollFlag::Write);
        }
        if self.rules.slow.has_flags_of_mm {
            flags.0 |= foll::POPULATE | foll::MLOCK;
        }
        let ret = if let Some(vma) = vma {
            if self.check_vma_flags(vma, flags) != 0 {
                return Ok(i64::from(-EINVAL));
            }
            self.__get_user_pages(self.populated(mm, span, flags, true), locked)?
        } else {
            flags.0 |= self.rules.foll_bit(FollFlag::Unlockable);
            flags.0 |= self.rules.foll_bit(FollFlag::MadvPopulate);
            self.__get_user_pages_locked(self.populated(mm, span, flags, true), locked)?
        };
        if !self.rules.slow.has_flags_of_mm {
            self.lru_add_drain(false)?;
        }
        Ok(ret)
    }

    /// DEBUG_VM: a range must be page-aligned, and within its VMA if there is one.
    fn check_span(
        &mut self,
        span: Span,
        area: Option<&VmArea>,
        sites: &[[Site; 2]],
    ) -> Result<(), Stop> {
        let unaligned = |addr: u64| addr & (PAGE_SIZE - 1) != 0;
        let wrong = [
            unaligned(span.start),
            unaligned(span.end),
            area.is_some_and(|area| span.start < area.start),
            area.is_some_and(|area| span.end > area.end),
        ];
        for (wrong, &[bug, warn]) in wrong.into_iter().zip(sites) {
            self.complain(self.rules.debug_vm && wrong, bug, warn)?;
        }
        Ok(())
    }

    fn populated(&self, mm: MmPtr, span: Span, flags: Foll, unlockable: bool) -> Range {
        Range {
            mm,
            start: span.start,
            nr_pages: span.nr_pages(),
            pages: None,
            flags,
            unlockable,
            notes_vmas: false,
        }
    }

    /// `get_dump_page` (6.12): takes a reference on the page at an address, or returns NULL
    /// for a hole of the core dump.  It takes the mmap lock; after 6.12 its caller does,
    /// and `locked` says whether it is still held.
    pub fn get_dump_page(&mut self, addr: u64, locked: &mut bool) -> Result<PagePtr, Stop> {
        let takes_lock = !self.rules.walk.slow_path_locks;
        let mm = MmPtr::Current;
        if takes_lock {
            if self.mmap_read_lock_killable(mm)? != 0 {
                return Ok(PagePtr::NULL);
            }
            *locked = true;
        }
        let flags = [FollFlag::Force, FollFlag::Dump, FollFlag::Get];
        let range = Range {
            mm,
            start: addr,
            nr_pages: 1,
            pages: Some(0),
            flags: Foll::of(&flags, self.rules),
            unlockable: takes_lock,
            notes_vmas: false,
        };
        let ret = self.__get_user_pages_locked(range, locked)?;
        if takes_lock && *locked {
            self.mmap_read_unlock(mm)?;
        }
        let page = self.entry(0);
        // it was not a list of the caller
        self.fit_entries(0, Buffer::List);
        Ok(if ret == 1 { page } else { PagePtr::NULL })
    }
}
