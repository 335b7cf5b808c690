// SPDX-License-Identifier: GPL-2.0
//! The parts of the kernel that the slow path calls: here locks, faults and what changes
//! entries; `lru` has the LRU and migration, `memfd` the page cache of memfds.
//!
//! As in [`env`](mod@crate::env), each call is a step and an event, and an action at its
//! hook point may change the answer.  The default answers:
//! | call | default answer |
//! |-|-|
//! | `handle_mm_fault` | VM_FAULT_SIGBUS.  With VM_FAULT_COMPLETED, or VM_FAULT_RETRY if it may wait, it drops the mmap lock |
//! | `hugetlb_fault` | the same, but never VM_FAULT_COMPLETED |
//! | `mmap_read_lock_killable` | 0 with the lock taken; an action may make it an errno |
//! | `mmap_read_lock`, `mmap_read_unlock` | takes, drops the lock |
//! | `expand_stack` | 0, and the VMA starts at the address; an action may make it an errno |
//! | `hugetlbfs_pagecache_present` | true; an action may make it false |
//! | `__migration_entry_wait` and its variants | no effect; an action may change the entry |
//! | `split_huge_page` | -EBUSY; an action may make it 0: then the folio and its mappings are as actions set them |
//! | `pr_warn` | no effect |
//! | `flush_anon_page`, `flush_dcache_page`, `flush_dcache_folio` | no effect; not a step |
//! | a load or store of user memory | 0; an action may make it an errno |
//! | `split_huge_pmd` | no effect; an action may change the entry |
//! | `__pte_alloc` | -ENOMEM; this is not an event |
//!
//! What is done to a folio here is a plain store: nobody acts before or after it.  A
//! page-table lock is neither a step nor an event, but others may act before it is taken.

mod lru;
mod memfd;

pub(crate) use lru::Isolated;

use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::observer::{Ask, Call, Flush, Hook};
use crate::pages::{FolioPtr, PagePtr};
use crate::slow::EBUSY;
use crate::tables::EntryPtr;
use crate::vma::VmaPtr;

/// FAULT_FLAG_ flags of `handle_mm_fault` by canonical bit.
pub mod fault_flag {
    /// FAULT_FLAG_WRITE.
    pub const WRITE: u32 = 1 << 0;
    /// FAULT_FLAG_ALLOW_RETRY.
    pub const ALLOW_RETRY: u32 = 1 << 1;
    /// FAULT_FLAG_RETRY_NOWAIT.
    pub const RETRY_NOWAIT: u32 = 1 << 2;
    /// FAULT_FLAG_KILLABLE.
    pub const KILLABLE: u32 = 1 << 3;
    /// FAULT_FLAG_TRIED.
    pub const TRIED: u32 = 1 << 4;
    /// FAULT_FLAG_REMOTE.
    pub const REMOTE: u32 = 1 << 5;
    /// FAULT_FLAG_INTERRUPTIBLE.
    pub const INTERRUPTIBLE: u32 = 1 << 6;
    /// FAULT_FLAG_UNSHARE.
    pub const UNSHARE: u32 = 1 << 7;
}

/// VM_FAULT_ results of `handle_mm_fault` by canonical bit.
pub mod vm_fault {
    /// VM_FAULT_OOM.
    pub const OOM: u32 = 1 << 0;
    /// VM_FAULT_SIGBUS.
    pub const SIGBUS: u32 = 1 << 1;
    /// VM_FAULT_HWPOISON.
    pub const HWPOISON: u32 = 1 << 2;
    /// VM_FAULT_HWPOISON_LARGE.
    pub const HWPOISON_LARGE: u32 = 1 << 3;
    /// VM_FAULT_SIGSEGV.
    pub const SIGSEGV: u32 = 1 << 4;
    /// VM_FAULT_RETRY.
    pub const RETRY: u32 = 1 << 7;
    /// VM_FAULT_FALLBACK.
    pub const FALLBACK: u32 = 1 << 8;
    /// VM_FAULT_COMPLETED.
    pub const COMPLETED: u32 = 1 << 10;
    /// VM_FAULT_WRITE, until v6.2: a page was copied for a write.
    pub const WRITE: u32 = 1 << 11;
    /// VM_FAULT_ERROR.
    pub const ERROR: u32 = OOM | SIGBUS | SIGSEGV | HWPOISON | HWPOISON_LARGE | FALLBACK;
}

/// The most by which one call may expand a stack.
const STACK_LIMIT: u64 = 8 << 20;
/// An operation that takes page-table locks this often is stopped, like one that takes too
/// many steps.
const LOCK_LIMIT: u32 = 1 << 17;

impl Kernel<'_> {
    /// `mmap_read_lock`.
    pub(crate) fn mmap_read_lock(&mut self, mm: MmPtr) -> Result<(), Stop> {
        self.ask(Ask::MmapLock {
            mm,
            killable: false,
        })?;
        *self.machine.held.mmap_lock_of(mm) = true;
        Ok(())
    }

    /// `mmap_read_lock_killable`: 0 or an errno.
    pub(crate) fn mmap_read_lock_killable(&mut self, mm: MmPtr) -> Result<i32, Stop> {
        self.ask(Ask::MmapLock { mm, killable: true })?;
        let errno = self.hook(Hook::MmapLock).unwrap_or(0);
        if errno == 0 {
            *self.machine.held.mmap_lock_of(mm) = true;
        }
        Ok(errno)
    }

    /// `mmap_read_unlock`.
    pub(crate) fn mmap_read_unlock(&mut self, mm: MmPtr) -> Result<(), Stop> {
        self.ask(Ask::MmapUnlock { mm })?;
        self.machine.drop_mmap_lock(mm);
        Ok(())
    }

    /// `spin_lock` of a page table's lock.
    pub(crate) fn lock_page_table(&mut self) -> Result<(), Stop> {
        self.hook(Hook::PageTableLock);
        self.machine.held.ptl_taken += 1;
        if self.machine.held.ptl_taken == LOCK_LIMIT {
            return Err(Stop::Limit);
        }
        self.machine.held.ptl += 1;
        Ok(())
    }

    /// `spin_unlock` of a page table's lock.
    pub(crate) fn unlock_page_table(&mut self) {
        self.machine.drop_page_table_lock();
    }

    /// `handle_mm_fault`: [`vm_fault`] bits.
    pub(crate) fn handle_mm_fault(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: u32,
    ) -> Result<u32, Stop> {
        let completes = self.rules.slow.faults_can_complete;
        self.fault(vma, address, flags, false, completes)
    }

    /// `hugetlb_fault`, called directly instead of by `handle_mm_fault`.
    pub(crate) fn hugetlb_fault(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: u32,
    ) -> Result<u32, Stop> {
        self.fault(vma, address, flags, true, false)
    }

    /// The part that both faults share.
    fn fault(
        &mut self,
        vma: VmaPtr,
        address: u64,
        flags: u32,
        hugetlb: bool,
        completes: bool,
    ) -> Result<u32, Stop> {
        let memalloc_pin = self.machine.held.memalloc_pin;
        self.ask(Ask::Fault {
            vma,
            address,
            flags,
            memalloc_pin,
            hugetlb,
        })?;
        let answer = self.hook(Hook::Fault);
        let mut fault = answer.map_or(vm_fault::SIGBUS, |answer| answer as u32);
        if !completes {
            fault &= !vm_fault::COMPLETED;
        }
        let waited = fault & vm_fault::RETRY != 0 && flags & fault_flag::RETRY_NOWAIT == 0;
        if fault & vm_fault::COMPLETED != 0 || waited {
            let mm = self.machine.vmas.get(vma).mm;
            self.machine.drop_mmap_lock(mm);
        }
        Ok(fault)
    }

    /// `flush_anon_page` and its kin.
    pub(crate) fn flush(&mut self, how: Flush, page: PagePtr) {
        self.observer.ask(Ask::Flush { how, page });
    }

    /// `unsafe_get_user`, `unsafe_put_user`: 0, or an errno if the access faults.
    pub(crate) fn user_access(&mut self, address: u64, write: bool) -> Result<i32, Stop> {
        self.ask(Ask::UserAccess { address, write })?;
        Ok(self.hook(Hook::UserAccess).unwrap_or(0))
    }

    /// `hugetlbfs_pagecache_present`: true, unless an action says otherwise.
    pub(crate) fn hugetlbfs_pagecache_present(
        &mut self,
        vma: VmaPtr,
        address: u64,
    ) -> Result<bool, Stop> {
        self.ask(Ask::Pagecache { vma, address })?;
        let answer = self.hook(Hook::Pagecache);
        Ok(answer.is_none_or(|answer| answer != 0))
    }

    /// `migration_entry_wait`, `pmd_migration_entry_wait`, and those of hugetlbfs: until
    /// the page that an entry is about has been migrated.
    pub(crate) fn migration_entry_wait(&mut self, at: EntryPtr) -> Result<(), Stop> {
        let (mm, level, address) = self.machine.tables.place(at);
        self.ask(Ask::Migration { mm, level, address })?;
        self.hook(Hook::Migration);
        Ok(())
    }

    /// `split_huge_page`: 0 or an errno.
    pub(crate) fn split_huge_page(&mut self, page: PagePtr) -> Result<i32, Stop> {
        self.call(Call::Split, FolioPtr(page))?;
        Ok(self.hook(Hook::SplitPage).unwrap_or(-EBUSY))
    }

    /// `expand_stack` (5.10): 0 or an errno.
    pub(crate) fn expand_stack(&mut self, vma: VmaPtr, address: u64) -> Result<i32, Stop> {
        self.ask(Ask::Expand { vma, address })?;
        let errno = self.hook(Hook::Expand).unwrap_or(0);
        if errno != 0 {
            return Ok(errno);
        }
        let more = self.machine.vmas.get(vma).start.wrapping_sub(address);
        if more > STACK_LIMIT {
            return Ok(-ENOMEM);
        }
        self.machine.vmas.set_start(vma, address);
        Ok(0)
    }

    /// `__split_huge_pmd`.
    pub(crate) fn __split_huge_pmd(&mut self, address: u64) -> Result<(), Stop> {
        self.ask(Ask::Split { address })?;
        self.hook(Hook::Split);
        Ok(())
    }
}
