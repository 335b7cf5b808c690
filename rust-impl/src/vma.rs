// SPDX-License-Identifier: GPL-2.0
//! The VMAs of the mm: a few slots that a program fills, and the lookups.
//!
//! Nothing keeps them consistent: two may overlap, and an action may change one while the
//! kernel has a pointer to it, but not while it holds the mmap lock.  So a pointer to a VMA
//! ([`VmaPtr`]) is the number of its slot, and a read through it gets the current contents
//! of the slot.  A VMA that is removed keeps its contents for those who still have the
//! pointer.

use alloc::vec::Vec;

use crate::machine::MmPtr;
use crate::predicates::Vma;
use crate::tables::{Level, PAGE_SHIFT, PAGE_SIZE};

/// The number of slots.
pub const MAX_VMAS: usize = 8;

/// Flags of a VMA by canonical bit.
pub mod vm_flag {
    macro_rules! flags {
        ($($name:ident = $bit:literal),* $(,)?) => {
            $(#[doc = concat!("`VM_", stringify!($name), "`.")]
            pub const $name: u32 = 1 << $bit;)*
        };
    }
    flags! {
        READ = 0, WRITE = 1, EXEC = 2, SHARED = 3, MAYREAD = 4, MAYWRITE = 5,
        MAYEXEC = 6, MAYSHARE = 7, GROWSDOWN = 8, PFNMAP = 9, IO = 10, MIXEDMAP = 11,
        LOCKED = 12, LOCKONFAULT = 13, HUGEPAGE = 14, SOFTDIRTY = 15, UFFD_WP = 16,
        SHADOW_STACK = 17, PKEY_BIT0 = 18, PKEY_BIT1 = 19,
    }
    /// All flags.
    pub const ALL: u32 = (1 << 20) - 1;
}
use vm_flag as f;

/// The kind of a VMA: what it maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum VmaKind {
    /// Anonymous memory: no vm_ops.
    #[default]
    Anon,
    /// A file of a file system that tracks writes.
    File,
    /// shmem, which does not track writes.
    Shmem,
    /// vm_ops without a fault handler.
    Special,
    /// memfd_secret.
    Secretmem,
    /// A file of a dax file system.
    Fsdax,
    /// The gate area: not a VMA of the mm, only found by its own lookup; no vm_ops.
    Gate,
    /// hugetlbfs, of 2 MiB.
    Hugetlb,
    /// hugetlbfs, of 1 GiB.
    Hugetlb1G,
}

impl VmaKind {
    /// The kind with this number, modulo their number.
    pub const fn from_index(index: u32) -> VmaKind {
        match index % 9 {
            0 => VmaKind::Anon,
            1 => VmaKind::File,
            2 => VmaKind::Shmem,
            3 => VmaKind::Special,
            4 => VmaKind::Secretmem,
            5 => VmaKind::Fsdax,
            6 => VmaKind::Gate,
            7 => VmaKind::Hugetlb,
            _ => VmaKind::Hugetlb1G,
        }
    }
}

/// `struct vm_area_struct`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VmArea {
    /// vm_start.
    pub start: u64,
    /// vm_end.
    pub end: u64,
    /// [`vm_flag`] bits.
    pub flags: u32,
    /// What it is of.
    pub kind: VmaKind,
    /// vm_mm.
    pub mm: MmPtr,
}

impl VmArea {
    /// Any of these flags is set.
    #[inline]
    pub const fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// `vma_is_anonymous`: no vm_ops.
    pub const fn is_anonymous(&self) -> bool {
        matches!(self.kind, VmaKind::Anon | VmaKind::Gate)
    }

    /// `vma->vm_ops->fault`; false without vm_ops.
    pub const fn has_fault_handler(&self) -> bool {
        !self.is_anonymous() && !matches!(self.kind, VmaKind::Special)
    }

    /// For hugetlbfs: the level whose entries map its pages.
    pub const fn huge_level(&self) -> Level {
        match self.kind {
            VmaKind::Hugetlb1G => Level::Pud,
            _ => Level::Pmd,
        }
    }

    /// `is_cow_mapping`: private, and may become writable.
    pub const fn is_cow(&self) -> bool {
        self.flags & (f::SHARED | f::MAYWRITE) == f::MAYWRITE
    }

    /// `vma_is_accessible`: not PROT_NONE.
    pub const fn is_accessible(&self) -> bool {
        self.has(f::READ | f::WRITE | f::EXEC)
    }

    /// `vma_needs_dirty_tracking`: shared, writable, and the file system tracks writes.
    pub const fn needs_dirty_tracking(&self) -> bool {
        const BOTH: u32 = f::WRITE | f::SHARED;
        matches!(self.kind, VmaKind::File) && self.flags & BOTH == BOTH
    }

    /// `vma_soft_dirty_enabled`: without VM_SOFTDIRTY, writes are tracked.
    pub const fn watches_soft_dirty(&self) -> bool {
        !self.has(f::SOFTDIRTY)
    }

    /// `vma_pkey`: the protection key.
    pub const fn pkey(&self) -> u32 {
        (self.flags & (f::PKEY_BIT0 | f::PKEY_BIT1)) / f::PKEY_BIT0
    }

    /// The VMA as `gup_must_unshare` reads it.
    pub const fn sharing(&self) -> Vma {
        if self.is_cow() { Vma::Cow } else { Vma::Shared }
    }
}

/// A `struct vm_area_struct *`: the number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VmaPtr(u8);

impl VmaPtr {
    /// The slot's number.
    pub const fn nr(self) -> u8 {
        self.0
    }
}

/// All slots.
#[derive(Clone, Debug, Default)]
pub struct Vmas {
    slots: [VmArea; MAX_VMAS],
    /// Which of them hold a VMA, by bit.
    used: u8,
    /// Changes by other tasks, which wait for the mmap lock.
    waiting: Vec<Change>,
}

/// A slot, and the VMA that it is to hold.
#[derive(Clone, Debug)]
struct Change {
    slot: usize,
    vma: Option<VmArea>,
}

impl Vmas {
    /// Takes all away.  What a slot held cannot be seen any more: there is no pointer
    /// to it.
    pub fn reset(&mut self) {
        self.used = 0;
        self.waiting.clear();
    }

    /// Maps `n` pages of current's mm from the page of `addr` on as the VMA of this number,
    /// modulo what exists; or takes it away, if there are none.
    pub fn set(&mut self, nr: u32, addr: u64, n: i32, flags: u32, kind: VmaKind) {
        self.set_of(MmPtr::Current, nr, addr, n, flags, kind);
    }

    /// The same of an mm.
    pub fn set_of(&mut self, mm: MmPtr, nr: u32, addr: u64, n: i32, flags: u32, kind: VmaKind) {
        self.set_later(mm, nr, addr, n, flags, kind);
        self.change_now();
    }

    /// The same by another task, which waits for the mmap lock: [`Vmas::change_now`].
    pub fn set_later(&mut self, mm: MmPtr, nr: u32, addr: u64, n: i32, flags: u32, kind: VmaKind) {
        let start = addr & !(PAGE_SIZE - 1);
        let pages = u64::try_from(n).ok().filter(|&pages| pages > 0);
        let vma = pages.map(|pages| VmArea {
            start,
            end: start.wrapping_add(pages << PAGE_SHIFT),
            flags: flags & f::ALL,
            kind,
            mm,
        });
        let slot = nr as usize % MAX_VMAS;
        self.waiting.push(Change { slot, vma });
    }

    /// Makes the changes that wait for the mmap lock.
    pub fn change_now(&mut self) {
        for Change { slot, vma } in self.waiting.drain(..) {
            match vma {
                Some(vma) => {
                    self.slots[slot] = vma;
                    self.used |= 1 << slot;
                }
                None => self.used &= !(1 << slot),
            }
        }
    }

    /// What a pointer leads to.
    #[inline]
    pub fn get(&self, vma: VmaPtr) -> &VmArea {
        &self.slots[usize::from(vma.0)]
    }

    /// Moves the start of one.
    pub fn set_start(&mut self, vma: VmaPtr, start: u64) {
        self.slots[usize::from(vma.0)].start = start;
    }

    fn there(&self, gate: bool) -> impl Iterator<Item = (VmaPtr, &VmArea)> {
        let all = self.slots.iter().zip(0u8..);
        let used = all.filter(move |&(_, nr)| self.used >> nr & 1 != 0);
        let kind = used.filter(move |(vma, _)| matches!(vma.kind, VmaKind::Gate) == gate);
        kind.map(|(vma, nr)| (VmaPtr(nr), vma))
    }

    /// `find_vma`: of those that end behind an address the one that starts first.
    pub fn find(&self, mm: MmPtr, addr: u64) -> Option<VmaPtr> {
        let of_it = self.there(false).filter(|(_, vma)| vma.mm == mm);
        let behind = of_it.filter(|(_, vma)| vma.end > addr);
        behind.min_by_key(|(_, vma)| vma.start).map(|(ptr, _)| ptr)
    }

    /// `vma_lookup`: the same, if it holds the address.
    pub fn lookup(&self, mm: MmPtr, addr: u64) -> Option<VmaPtr> {
        self.find(mm, addr)
            .filter(|&vma| self.get(vma).start <= addr)
    }

    /// `find_vma_intersection`: the first one, if it begins before an end.
    pub fn find_intersection(&self, mm: MmPtr, start: u64, end: u64) -> Option<VmaPtr> {
        self.find(mm, start)
            .filter(|&vma| self.get(vma).start < end)
    }

    /// `vm_next`: of the same mm the one that comes next, by address and then by number.
    pub fn next(&self, vma: VmaPtr) -> Option<VmaPtr> {
        let place = |ptr: VmaPtr| (self.get(ptr).start, ptr.0);
        let of_it = self
            .there(false)
            .filter(|(_, other)| other.mm == self.get(vma).mm);
        let behind = of_it
            .map(|(ptr, _)| ptr)
            .filter(|&ptr| place(ptr) > place(vma));
        behind.min_by_key(|&ptr| place(ptr))
    }

    /// `get_gate_vma`: the first one of an mm.
    pub fn gate(&self, mm: MmPtr) -> Option<VmaPtr> {
        let mut of_it = self.there(true).filter(|(_, vma)| vma.mm == mm);
        of_it.next().map(|(ptr, _)| ptr)
    }

    /// `in_gate_area`.
    pub fn in_gate_area(&self, mm: MmPtr, addr: u64) -> bool {
        self.gate(mm).is_some_and(|gate| {
            let gate = self.get(gate);
            gate.start <= addr && addr < gate.end
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MM: MmPtr = MmPtr::Current;

    fn set(vmas: &mut Vmas, nr: u32, addr: u64, n: i32) {
        vmas.set(nr, addr, n, f::READ, VmaKind::Anon);
    }

    #[test]
    fn the_one_that_starts_first_is_found_then_the_lowest() {
        let mut vmas = Vmas::default();
        set(&mut vmas, 0, 0x5000, 4);
        set(&mut vmas, 1, 0x3fff, 8);
        set(&mut vmas, 2, 0x3000, 1);
        assert_eq!(vmas.find(MM, 0x3fff), Some(VmaPtr(1)));
        assert_eq!(vmas.find(MM, 0xa000), Some(VmaPtr(1)));
        assert_eq!(vmas.find(MM, 0xb000), None);
        assert_eq!(vmas.lookup(MM, 0x2fff), None);
        assert_eq!(vmas.lookup(MM, 0x3000), Some(VmaPtr(1)));
    }

    #[test]
    fn one_that_was_taken_away_is_still_there_for_who_has_it() {
        let mut vmas = Vmas::default();
        set(&mut vmas, 3, 0x1000, 1);
        let vma = vmas.find(MM, 0).unwrap();
        set(&mut vmas, 3, 0x9000, 0);
        assert_eq!(vmas.find(MM, 0), None);
        assert_eq!(vmas.get(vma).start, 0x1000);
        set(&mut vmas, 11, 0x9000, 1);
        assert_eq!(vmas.find(MM, 0), Some(vma));
        assert_eq!(vmas.get(vma).start, 0x9000);
    }

    #[test]
    fn those_of_another_mm_are_not_found() {
        let mut vmas = Vmas::default();
        set(&mut vmas, 0, 0x5000, 4);
        vmas.set_of(MmPtr::Other, 1, 0x3000, 8, f::READ, VmaKind::Anon);
        assert_eq!(vmas.find(MM, 0x3000), Some(VmaPtr(0)));
        assert_eq!(vmas.find(MmPtr::Other, 0x3000), Some(VmaPtr(1)));
        assert_eq!(vmas.find_intersection(MM, 0x3000, 0x5000), None);
    }

    #[test]
    fn the_gate_area_is_none_of_the_mm() {
        let mut vmas = Vmas::default();
        vmas.set(5, 0x7000, 2, f::READ, VmaKind::Gate);
        vmas.set(6, 0x9000, 2, f::READ, VmaKind::Gate);
        assert_eq!(vmas.find(MM, 0x7000), None);
        assert_eq!(vmas.gate(MM), Some(VmaPtr(5)));
        assert!(vmas.in_gate_area(MM, 0x8fff) && !vmas.in_gate_area(MM, 0x9000));
        assert!(!vmas.in_gate_area(MmPtr::Other, 0x8fff));
    }

    #[test]
    fn private_and_writable_is_copy_on_write() {
        let flags = |flags| VmArea {
            flags,
            ..VmArea::default()
        };
        assert_eq!(flags(f::MAYWRITE).sharing(), Vma::Cow);
        assert_eq!(flags(f::MAYWRITE | f::SHARED).sharing(), Vma::Shared);
        assert_eq!(flags(f::WRITE).sharing(), Vma::Shared);
        assert!(!flags(f::WRITE | f::SHARED).needs_dirty_tracking());
    }
}
