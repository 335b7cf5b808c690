// SPDX-License-Identifier: GPL-2.0
//! Finds the VMA of an address, and checks that its pages may be taken.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::observer::Ask;
use crate::slow::EOPNOTSUPP;
use crate::slow::stack::foll;
use crate::vma::{VmArea, VmaKind, VmaPtr, vm_flag};
use crate::walk::EFAULT;

impl Kernel<'_> {
    /// `gup_vma_lookup` (6.12): `vma_lookup`.  Just below a stack it used to grow the
    /// stack (5.10); now it says so in the log and does not.
    pub(crate) fn gup_vma_lookup(
        &mut self,
        mm: MmPtr,
        address: u64,
    ) -> Result<Option<VmaPtr>, Stop> {
        if self.rules.slow.grows_stacks {
            return self.find_extend_vma(mm, address);
        }
        let found = self.machine.vmas.lookup(mm, address);
        if found.is_none() && self.rules.slow.warns_below_stacks {
            self.warn_of_stack(mm, address)?;
        }
        Ok(found)
    }

    /// The message about an access close below a stack.
    fn warn_of_stack(&mut self, mm: MmPtr, address: u64) -> Result<(), Stop> {
        const CLOSE: u64 = 64 << 10;
        let above = self.machine.vmas.find(mm, address);
        let above = above.map(|vma| *self.machine.vmas.get(vma));
        let is_close = |vma: &VmArea| vma.start - address <= CLOSE;
        let stack = above.filter(|vma| vma.has(vm_flag::GROWSDOWN) && is_close(vma));
        if stack.is_none() || self.machine.held.warned_of_stack {
            return Ok(());
        }
        self.machine.held.warned_of_stack = true;
        self.ask(Ask::Log)
    }

    /// `check_vma_flags` (6.12): 0, -EFAULT or -EOPNOTSUPP.
    ///
    /// FOLL_FORCE overrides the permissions of a private mapping that could be made
    /// writable, or, for reading, of one that could be made readable.
    pub(crate) fn check_vma_flags(&self, vma: VmaPtr, flags: Foll) -> i32 {
        let vma = *self.machine.vmas.get(vma);
        let anon = vma.is_anonymous();
        if vma.has(vm_flag::IO | vm_flag::PFNMAP) {
            return -EFAULT;
        }
        if self.has(flags, FollFlag::Anon) && !anon {
            return -EFAULT;
        }
        let fsdax_is_known = !self.rules.slow.notes_vmas;
        let longterm = fsdax_is_known && self.has(flags, FollFlag::Longterm);
        if longterm && vma.kind == VmaKind::Fsdax {
            return -EOPNOTSUPP;
        }
        let hugetlb = self.is_vm_hugetlb_page(&vma);
        let refused = hugetlb && self.rules.slow.hugetlb_is_not_split;
        if refused && self.has(flags, FollFlag::SplitPmd) {
            return -EOPNOTSUPP;
        }
        if vma.kind == VmaKind::Secretmem && self.rules.config.secretmem {
            return -EFAULT;
        }
        let force = self.has(flags, FollFlag::Force);
        let permitted = if self.has(flags, FollFlag::Write) {
            let tracked = !anon && !self.writable_file_mapping_allowed(&vma, flags);
            let forced =
                force && vma.is_cow() && !(hugetlb && self.rules.slow.hugetlb_is_not_forced);
            !tracked && (self.is_plainly_writable(&vma) || forced)
        } else {
            vma.has(vm_flag::READ) || force && vma.has(vm_flag::MAYREAD)
        };
        let write = self.has(flags, FollFlag::Write);
        let foreign = self.has(flags, FollFlag::Remote);
        let by_key = || self.machine.vma_access_permitted(&vma, write, foreign);
        if permitted && by_key() { 0 } else { -EFAULT }
    }

    /// VM_WRITE, and not VM_SHADOW_STACK: only the processor writes to a shadow stack.
    fn is_plainly_writable(&self, vma: &VmArea) -> bool {
        let is_stack = vma.has(vm_flag::SHADOW_STACK) && self.rules.slow.shadow_stacks_are_readonly;
        vma.has(vm_flag::WRITE) && !is_stack
    }

    /// `writable_file_mapping_allowed` (6.12): refuses a long-term pin for writing if the
    /// file system tracks writes, as it would not learn of them.
    fn writable_file_mapping_allowed(&self, vma: &VmArea, flags: Foll) -> bool {
        let keeps_off = self.rules.slow.longterm_refuses_tracked_files;
        let pin = keeps_off && self.has(flags, FollFlag::Pin);
        let longterm = self.has(flags, FollFlag::Longterm);
        !(pin && longterm && vma.needs_dirty_tracking())
    }

    /// `gup_can_follow_protnone` (6.12): an entry with PROT_NONE may be a NUMA hint, which
    /// only FOLL_HONOR_NUMA_FAULT respects; in a VMA without access it is not a hint.
    pub(crate) fn gup_can_follow_protnone(&self, vma: &VmArea, flags: Foll) -> bool {
        if !self.rules.slow.numa_faults_on_request {
            return match self.rules.slow.has_foll_numa {
                true => flags.0 & foll::NUMA == 0,
                false => self.has(flags, FollFlag::Force),
            };
        }
        !self.has(flags, FollFlag::HonorNumaFault) || !vma.is_accessible()
    }
}
