// SPDX-License-Identifier: GPL-2.0
//! The parts of the kernel that the slow path calls: locks, faults, the LRU, migration.
//!
//! As in [`env`](mod@crate::env), each call is a step and an event, and an action at its
//! hook point may change the answer.  The default answers:
//! | call | default answer |
//! |-|-|
//! | `handle_mm_fault` | VM_FAULT_SIGBUS.  With VM_FAULT_COMPLETED, or VM_FAULT_RETRY if it may wait, it drops the mmap lock |
//! | `hugetlb_fault` | the same, but never VM_FAULT_COMPLETED |
//! | `mmap_read_lock_killable` | 0 with the lock taken; an action may make it an errno |
//! | `mmap_read_lock`, `mmap_read_unlock` | takes, drops the lock |
//! | `lru_add_drain`, `lru_add_drain_all`, `lru_cache_drain_for_folio` | no effect |
//! | `folio_isolate_lru` and its variants | takes a reference and clears the LRU flag, unless the folio is not on the LRU or an action refuses |
//! | `migrate_pages` | 1; an action may make it 0: then the isolated folios are freed |
//! | `putback_movable_pages` | puts the isolated folios on the LRU again |
//! | `migrate_device_coherent_folio` | -EBUSY; an action may make it 0: then the reference is dropped |
//! | `folio_mark_accessed` | no effect |
//! | `expand_stack` | 0, and the VMA starts at the address; an action may make it an errno |
//! | `filemap_get_folios_contig` | the contiguous folios that are present, each with one more reference |
//! | `__folio_batch_release` | drops these references |
//! | `memfd_alloc_folio` | -ENOMEM; an action may make it 0: then the folio is the one that is present by then |
//! | `hugetlbfs_pagecache_present` | true; an action may make it false |
//! | `__migration_entry_wait` and its variants | no effect; an action may change the entry |
//! | `split_huge_page` | -EBUSY; an action may make it 0: then the folio and its mappings are as actions set them |
//! | `folio_zero_range` | no effect |
//! | a load or store of user memory | 0; an action may make it an errno |
//! | `split_huge_pmd` | no effect; an action may change the entry |
//! | `__pte_alloc` | -ENOMEM; this is not an event |
//!
//! What is done to a folio here is a plain store: nobody acts before or after it.  A
//! page-table lock is neither a step nor an event, but others may act before it is taken.

use alloc::vec::Vec;

use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::observer::{Ask, Call, Hook};
use crate::page::{Zone, flag};
use crate::pages::{FolioPtr, PagePtr};
use crate::slow::EBUSY;
use crate::tables::EntryPtr;
use crate::vma::VmaPtr;

/// What a folio batch has room for (PAGEVEC_SIZE).
const FOLIO_BATCH: usize = 31;

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

/// The isolated folios, in order: a `struct list_head`.
pub(crate) type Isolated = Vec<IsolatedFolio>;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsolatedFolio {
    page: PagePtr,
    /// It was on the LRU; hugetlb has lists of its own.
    from_lru: bool,
}

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

    /// `unsafe_get_user`, `unsafe_put_user`: 0, or an errno if the access faults.
    pub(crate) fn user_access(&mut self, address: u64, write: bool) -> Result<i32, Stop> {
        self.ask(Ask::UserAccess { address, write })?;
        Ok(self.hook(Hook::UserAccess).unwrap_or(0))
    }

    /// The folio of a page of a memfd.  A folio with a refcount of 0 is being freed, and
    /// device memory is not in the page cache.
    fn cached(&mut self, index: u64) -> Result<Option<FolioPtr>, Stop> {
        let Some(page) = self.machine.cache.find(index) else {
            return Ok(None);
        };
        let folio = self.page_folio(page)?;
        let head = *self.machine.pages.get(folio.page())?;
        if head.is_tail() || head.zone == Zone::Device || head.refcount == 0 {
            return Ok(None);
        }
        let number = |page: PagePtr| page.nr().ok_or(Stop::Oops);
        let (page, head) = (number(page)?, number(folio.page())?);
        let behind = u64::from(page).wrapping_sub(head.into());
        self.machine
            .cache
            .set_index(head, index.wrapping_sub(behind));
        Ok(Some(folio))
    }

    /// Takes one more reference, after the call was reported.
    fn hold(&mut self, call: Call, folio: FolioPtr) -> Result<(), Stop> {
        self.call(call, folio)?;
        let head = self.machine.pages.update(folio.page())?;
        head.refcount = head.refcount.wrapping_add(1);
        Ok(())
    }

    /// `filemap_get_folios_contig`: advances `start` past the last folio.
    pub(crate) fn filemap_get_folios_contig(
        &mut self,
        start: &mut u64,
        end: u64,
    ) -> Result<Vec<FolioPtr>, Stop> {
        let mut index = *start;
        self.ask(Ask::FindFolios { start: index, end })?;
        self.hook(Hook::FindFolios);
        let mut found = Vec::new();
        while index <= end {
            let Some(folio) = self.cached(index)? else {
                break;
            };
            let next = self.folio_next_index(folio)?;
            if next <= index {
                break;
            }
            index = next;
            self.hold(Call::Found, folio)?;
            found.push(folio);
            if found.len() == FOLIO_BATCH {
                break;
            }
        }
        if !found.is_empty() {
            *start = index;
        }
        Ok(found)
    }

    /// `folio_batch_release`.
    pub(crate) fn folio_batch_release(&mut self, found: &[FolioPtr]) -> Result<(), Stop> {
        for &folio in found {
            self.call(Call::Released, folio)?;
            let head = self.machine.pages.update(folio.page())?;
            head.refcount = head.refcount.wrapping_sub(1);
            if head.refcount == 0 {
                self.call(Call::FolioPut, folio)?;
            }
        }
        Ok(())
    }

    /// `memfd_alloc_folio`: the folio that is present then, or an errno.
    pub(crate) fn memfd_alloc_folio(&mut self, index: u64) -> Result<Result<FolioPtr, i32>, Stop> {
        self.ask(Ask::AllocFolio { index })?;
        let errno = self.hook(Hook::AllocFolio).unwrap_or(-ENOMEM);
        if errno != 0 {
            return Ok(Err(errno));
        }
        let Some(folio) = self.cached(index)? else {
            return Ok(Err(-ENOMEM));
        };
        self.hold(Call::Allocated, folio)?;
        Ok(Ok(folio))
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

    /// `folio_zero_range`, of all of it.
    pub(crate) fn folio_zero_range(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::Zeroed, folio)
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

    /// `folio_mark_accessed`, `mark_page_accessed`.
    pub(crate) fn folio_mark_accessed(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::MarkAccessed, folio)
    }

    /// `lru_add_drain`, `lru_add_drain_all`.
    pub(crate) fn lru_add_drain(&mut self, all: bool) -> Result<(), Stop> {
        self.ask(Ask::Drain { all })?;
        self.hook(Hook::Drain);
        Ok(())
    }

    /// `lru_cache_drain_for_folio` (7.3), which decides by the folio what to drain.
    pub(crate) fn lru_cache_drain_for_folio(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        let folio = folio.page();
        self.ask(Ask::DrainFor { folio })?;
        self.hook(Hook::Drain);
        Ok(())
    }

    /// `folio_isolate_lru` (6.12) and its variants in hugetlb.c: takes a folio off the LRU
    /// with a reference, and adds it to a list (`folio_isolate_lru` leaves that to its
    /// caller).
    pub(crate) fn isolate(
        &mut self,
        folio: FolioPtr,
        from_lru: bool,
        list: &mut Isolated,
    ) -> Result<bool, Stop> {
        let page = *self.machine.pages.get(folio.page())?;
        let on_lru = !from_lru || page.flags & flag::LRU != 0;
        let there = page.zone != Zone::Device && on_lru;
        self.call(Call::Isolate, folio)?;
        let allowed = self.hook(Hook::Isolate).is_none_or(|answer| answer != 0);
        let tail = self.machine.pages.get(folio.page())?.is_tail();
        let twice = list.iter().any(|isolated| isolated.page == folio.page());
        if !allowed || !there || tail || twice {
            return Ok(false);
        }
        let page = self.machine.pages.update(folio.page())?;
        page.refcount = page.refcount.wrapping_add(1);
        page.flags &= !flag::LRU;
        let page = folio.page();
        list.push(IsolatedFolio { page, from_lru });
        self.machine.held.isolated += 1;
        Ok(true)
    }

    /// `node_stat_mod_folio` of NR_ISOLATED_ANON or NR_ISOLATED_FILE, by the pages of a folio:
    /// who isolates a folio from the LRU counts it, and who puts it back uncounts it.
    pub(crate) fn count_isolated(&mut self, folio: FolioPtr, sign: i32) -> Result<(), Stop> {
        let head = *self.machine.pages.get(folio.page())?;
        let pages = match (head.is_large(), self.rules.slow.isolated_heads_are_thps) {
            (false, _) => 1,
            (true, false) => 1 << head.order,
            (true, true) if self.rules.config.thp => 512,
            (true, true) => 1,
        };
        let is_file = head.flags & flag::SWAPBACKED == 0;
        let counter = &mut self.machine.isolated[usize::from(is_file)];
        *counter = counter.wrapping_add(sign * pages);
        Ok(())
    }

    /// `migrate_pages`: the number of folios that it could not move, or an errno.
    pub(crate) fn migrate_pages(&mut self, list: &mut Isolated) -> Result<i32, Stop> {
        let nr = list.len() as u64;
        self.ask(Ask::Migrate { nr })?;
        let left = self.hook(Hook::Migrate).unwrap_or(1);
        if left == 0 {
            self.release(list, Call::Migrated)?;
        }
        Ok(left)
    }

    /// `putback_movable_pages`.
    pub(crate) fn putback_movable_pages(&mut self, list: &mut Isolated) -> Result<(), Stop> {
        self.release(list, Call::Putback)
    }

    /// Drops the references that isolating took.
    fn release(&mut self, list: &mut Isolated, call: Call) -> Result<(), Stop> {
        for IsolatedFolio { page, from_lru } in list.drain(..) {
            self.call(call, FolioPtr(page))?;
            let head = self.machine.pages.update(page)?;
            head.refcount = head.refcount.wrapping_sub(1);
            if call == Call::Putback {
                head.flags |= flag::LRU;
            }
            if from_lru {
                self.count_isolated(FolioPtr(page), -1)?;
            }
            self.machine.held.isolated -= 1;
        }
        Ok(())
    }

    /// `migrate_device_coherent_folio` (6.12), `migrate_device_coherent_page` (6.1): 0
    /// or an errno.
    pub(crate) fn migrate_device_coherent(&mut self, folio: FolioPtr) -> Result<i32, Stop> {
        self.call(Call::MigrateDevice, folio)?;
        let errno = self.hook(Hook::MigrateDevice).unwrap_or(-EBUSY);
        if errno == 0 {
            let page = self.machine.pages.update(folio.page())?;
            page.refcount = page.refcount.wrapping_sub(1);
        }
        Ok(errno)
    }
}
