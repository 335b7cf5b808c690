// SPDX-License-Identifier: GPL-2.0
//! Stacks that grow (5.10): looking up an address below a stack expands it, and the new
//! part of a stack with VM_LOCKED is faulted in and marked at once.

use crate::foll::Foll;
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::page::{Mapping, flag};
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;
use crate::tables::PAGE_SIZE;
use crate::vma::{VmaPtr, vm_flag};

/// Flags of 5.10 that only mm itself sets and that have no canonical bit.
pub(crate) mod foll {
    /// FOLL_POPULATE: fault in missing pages.
    pub const POPULATE: u32 = 0x40;
    /// FOLL_NUMA: do not follow PROT_NONE entries.
    pub const NUMA: u32 = 0x200;
    /// FOLL_MLOCK: mark the pages that are present as mlocked.
    pub const MLOCK: u32 = 0x1000;
    /// FOLL_COW: the page was copied for a write.
    pub const COW: u32 = 0x4000;
}

impl Kernel<'_> {
    /// `find_extend_vma` (5.10).
    pub(crate) fn find_extend_vma(
        &mut self,
        mm: MmPtr,
        address: u64,
    ) -> Result<Option<VmaPtr>, Stop> {
        let address = address & !(PAGE_SIZE - 1);
        let Some(vma) = self.machine.vmas.find(mm, address) else {
            return Ok(None);
        };
        let area = *self.machine.vmas.get(vma);
        if area.start <= address {
            return Ok(Some(vma));
        }
        if !area.has(vm_flag::GROWSDOWN) || self.expand_stack(vma, address)? != 0 {
            return Ok(None);
        }
        if self.machine.vmas.get(vma).has(vm_flag::LOCKED) {
            // the result is ignored
            self.populate_vma_page_range(vma, address, area.start, None)?;
        }
        Ok(Some(vma))
    }

    /// FOLL_MLOCK without FOLL_POPULATE.
    pub(crate) fn mlocks_only(&self, flags: Foll) -> bool {
        self.of_mm(flags) & (foll::POPULATE | foll::MLOCK) == foll::MLOCK
    }

    /// FOLL_COW.
    pub(crate) fn has_cow(&self, flags: Foll) -> bool {
        !self.rules.slow.forced_writes_require_exclusive && flags.0 & foll::COW != 0
    }

    /// Sets FOLL_COW, which allows forced writes to the copy.
    pub(crate) fn note_cow(&self, flags: &mut Foll) {
        if !self.rules.slow.forced_writes_require_exclusive {
            flags.0 |= foll::COW;
        }
    }

    /// The given flags, if those for mlock() are among them.
    fn of_mm(&self, flags: Foll) -> u32 {
        match self.rules.slow.has_flags_of_mm {
            true => flags.0,
            false => 0,
        }
    }

    /// FOLL_MLOCK, and the VMA is still locked.
    pub(crate) fn mlocks(&self, vma: VmaPtr, flags: Foll) -> bool {
        let locked = self.machine.vmas.get(vma).has(vm_flag::LOCKED);
        locked && self.of_mm(flags) & foll::MLOCK != 0
    }

    /// Marks the page of a PTE as mlocked, unless it is part of a huge page, was truncated
    /// or is locked.
    pub(crate) fn mlock_small(&mut self, page: PagePtr) -> Result<(), Stop> {
        let p = *self.machine.pages.get(page)?;
        let mapped = p.mapping != Mapping::None;
        if p.is_large() || p.is_tail() || !mapped || !self.folio_trylock(FolioPtr(page))? {
            return Ok(());
        }
        self.lru_add_drain(false)?;
        self.mlock_vma_page(FolioPtr(page))?;
        self.folio_unlock(FolioPtr(page))
    }

    /// Marks the head of a huge page of a file as mlocked.  The kernel marks an anonymous
    /// one only if no other entry maps it; mappings are not counted here.  A page that PTEs
    /// map as well is skipped.
    pub(crate) fn mlock_huge(&mut self, head: PagePtr) -> Result<(), Stop> {
        let page = *self.machine.pages.get(head)?;
        let compound = page.is_large() || page.is_tail();
        let folio = self.page_folio(head)?;
        let anon = self.folio_test_anon(folio)?;
        self.vm_bug_on(anon && !compound, Site::CompoundMapcount)?;
        let second = self.machine.pages.get(head.nth(1))?;
        // PageDoubleMap() reads the next page's flags, even if the head has none any more
        let double = second.flags & flag::WORKINGSET != 0;
        // what has no tails has no count of mappings, and what is there reads as one
        let shared = anon && self.folio_test_large(folio)?;
        if shared || double || page.mapping == Mapping::None {
            return Ok(());
        }
        if self.folio_trylock(FolioPtr(head))? {
            self.mlock_vma_page(FolioPtr(head))?;
            self.folio_unlock(FolioPtr(head))?;
        }
        Ok(())
    }
}
