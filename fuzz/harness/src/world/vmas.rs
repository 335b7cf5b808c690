// SPDX-License-Identifier: GPL-2.0
//! The VMAs that a program has set so far.

use csrc::abi::{self, gd_op};

use super::pkey;
use crate::program::walk::{self, Level, PAGE_SIZE};

const NR: usize = abi::GD_MAX_VMAS as usize;

/// One VMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vma {
    pub slot: u16,
    /// Whose it is.
    pub mm: u8,
    pub start: u64,
    pub end: u64,
    /// `GD_V_*`.
    pub kind: u8,
    /// Bits `GD_VM_*`.
    pub flags: i32,
}

impl Vma {
    pub fn has(&self, flag: u32) -> bool {
        self.flags & 1 << flag != 0
    }

    pub fn is(&self, kind: u32) -> bool {
        u32::from(self.kind) == kind
    }

    /// Of hugetlbfs: the level whose entries map its pages.
    pub fn huge_level(&self) -> Option<Level> {
        match u32::from(self.kind) {
            abi::GD_V_HUGETLB => Some(Level::Pmd),
            abi::GD_V_HUGETLB_1G => Some(Level::Pud),
            _ => None,
        }
    }

    /// Whether pages may be taken for a write without FOLL_FORCE, as far as its flags say.
    fn is_writable(&self) -> bool {
        self.has(abi::GD_VM_WRITE) && !self.has(abi::GD_VM_SHADOW_STACK)
    }

    /// Whether only FOLL_FORCE can write to it: a private mapping that mprotect() could
    /// make writable, or a shadow stack.
    pub fn is_forced(&self) -> bool {
        self.has(abi::GD_VM_MAYWRITE)
            && !self.is_writable()
            && !self.has(abi::GD_VM_SHARED)
            && !self.is(abi::GD_V_GATE)
    }

    /// Whether the slow path would walk the page tables for an access with these FOLL_
    /// flags, roughly.
    pub fn permits(&self, foll: u32) -> bool {
        let asks = |flag: u32| foll & 1 << flag != 0;
        let force = asks(abi::GD_FOLL_FORCE);
        if self.is(abi::GD_V_GATE) {
            return !asks(abi::GD_FOLL_WRITE) && !asks(abi::GD_FOLL_LONGTERM);
        }
        let shared = self.has(abi::GD_VM_SHARED);
        let write = self.is_writable() || force && self.is_forced();
        let read = self.has(abi::GD_VM_READ) || force && self.has(abi::GD_VM_MAYREAD);
        let written_back = asks(abi::GD_FOLL_LONGTERM) && self.is(abi::GD_V_FILE) && shared;
        let refused = self.has(abi::GD_VM_IO)
            || self.has(abi::GD_VM_PFNMAP)
            || self.is(abi::GD_V_SECRETMEM)
            || asks(abi::GD_FOLL_ANON) && !self.is(abi::GD_V_ANON)
            || asks(abi::GD_FOLL_LONGTERM) && self.is(abi::GD_V_FSDAX);
        !refused
            && match asks(abi::GD_FOLL_WRITE) {
                true => write && !written_back,
                false => read,
            }
    }

    /// Whether its protection key lets the slow path take pages for an access with these
    /// FOLL_ flags; the remote functions set FOLL_REMOTE, and mm 2 is nobody's own.
    pub fn key_permits(&self, foll: u32, pkru: u32) -> bool {
        let asks = |flag: u32| foll & 1 << flag != 0;
        let key = pkey::key(self.flags as u32, pkey::OF_VMA);
        asks(abi::GD_FOLL_REMOTE)
            || self.mm != 0
            || pkey::allows(pkru, key, asks(abi::GD_FOLL_WRITE))
    }

    pub fn pages(&self) -> u64 {
        (self.end - self.start) / PAGE_SIZE
    }
}

/// All of them, as one mm sees them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Vmas {
    slots: [Option<Vma>; NR],
    mm: u8,
}

impl Vmas {
    /// Notes what an operation sets, if it does.
    pub fn set(&mut self, op: &gd_op) {
        if !walk::is_vma(op.op) {
            return;
        }
        self.slots[usize::from(op.arg) % NR] = (op.n > 0).then(|| Vma {
            slot: op.arg,
            mm: op.mm,
            start: op.addr,
            end: op.addr + op.n as u64 * PAGE_SIZE,
            kind: op.entry,
            flags: op.val,
        });
    }

    /// As another mm sees them.
    pub fn of(mut self, mm: u8) -> Self {
        self.mm = mm;
        self
    }

    /// Those that there are.
    pub fn all(&self) -> impl Iterator<Item = &Vma> {
        self.slots.iter().flatten().filter(|vma| vma.mm == self.mm)
    }

    /// Whether a number is free, of all mms.
    pub fn is_free(&self, slot: u16) -> bool {
        self.slots[usize::from(slot) % NR].is_none()
    }

    /// The VMA of an address, as `vma_lookup()` finds it; the gate area if that is all.
    pub fn at(&self, addr: u64) -> Option<&Vma> {
        let gate = |vma: &&Vma| vma.is(abi::GD_V_GATE);
        let ends_behind = self
            .all()
            .filter(|vma| vma.end > addr && !vma.is(abi::GD_V_GATE));
        let found = ends_behind.min_by_key(|vma| vma.start);
        found.filter(|vma| vma.start <= addr).or_else(|| {
            self.all()
                .filter(gate)
                .find(|vma| (vma.start..vma.end).contains(&addr))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::text;

    #[test]
    fn the_lowest_that_ends_behind_it_is_found() {
        let p = text::parse(
            "page p\nset_vma 0 0x3000 n=4 anon\nset_vma 1 0x1000 n=3 file\n\
             set_vma 2 0x9000 gate\nset_vma 3 0x1000 n=9 shmem\nset_vma 3 none",
        );
        let mut vmas = Vmas::default();
        p.unwrap().ops().iter().for_each(|op| vmas.set(op));
        let slot = |addr| vmas.at(addr).map(|vma| vma.slot);
        assert_eq!(
            [0x3000, 0x4000, 0x6000].map(slot),
            [Some(1), Some(0), Some(0)]
        );
        assert_eq!(
            [0, 0x7000, 0x9000, 0xa000].map(slot),
            [None, None, Some(2), None]
        );
    }
}
