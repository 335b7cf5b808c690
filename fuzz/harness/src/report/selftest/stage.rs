// SPDX-License-Identifier: GPL-2.0
//! The memory that a process has set up when it makes its call.

use csrc::abi::{self, gd_op};

use super::memory::{Area, Backing, Folio, Kind, Memory};
use crate::program::NO_OP;
use crate::program::walk::PAGE_SIZE;
use crate::report::c::Unsayable;

/// How a page is brought about before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Not at all.
    Never,
    /// It is read.
    Read,
    /// It is written.
    Write,
    /// It is written, and then shared with a child.
    Share,
    /// The same, and the child has unmapped it.
    WasShared,
}

/// The memory of one call.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    /// Where the range starts.
    pub base: u64,
    pub memory: Memory,
    pub touches: Vec<Touch>,
    /// What is otherwise than in the program, a clause each.
    pub notes: Vec<String>,
}

/// The byte that fills a page of the range.
pub(super) fn pattern(at: usize) -> u8 {
    b'a' + at as u8
}

impl Stage {
    /// The address of a page of the range.
    pub fn address(&self, at: usize) -> u64 {
        self.base + at as u64 * PAGE_SIZE
    }

    pub fn nr(&self) -> usize {
        self.touches.len()
    }

    /// The first so many pages.
    pub fn cut(mut self, nr: usize) -> Self {
        let memory = &mut self.memory;
        memory.areas.retain(|area| area.first < nr);
        for area in &mut memory.areas {
            area.nr = area.nr.min(nr - area.first);
        }
        memory.frames.truncate(nr);
        self.touches.truncate(nr);
        self
    }

    /// The operation that sets an area's VMA.
    pub fn set_vma(&self, slot: usize, area: &Area) -> gd_op {
        let mut flags = 1 << abi::GD_VM_MAYREAD | 1 << abi::GD_VM_SOFTDIRTY;
        let kind = match area.backing {
            Backing::Anon => abi::GD_V_ANON as u8,
            Backing::File { kind, .. } => kind,
        };
        for (set, flag) in [
            (area.read, abi::GD_VM_READ),
            (area.write, abi::GD_VM_WRITE),
            (area.exec, abi::GD_VM_EXEC),
            (area.may_write, abi::GD_VM_MAYWRITE),
            (area.is_shared(), abi::GD_VM_SHARED),
            (area.is_shared(), abi::GD_VM_MAYSHARE),
            (area.locked, abi::GD_VM_LOCKED),
            (area.locked && area.on_fault, abi::GD_VM_LOCKONFAULT),
        ] {
            flags |= i32::from(set) << flag;
        }
        gd_op {
            op: abi::GD_OP_SET_VMA as u8,
            arg: slot as u16,
            addr: self.address(area.first),
            n: area.nr as i32,
            entry: kind,
            val: flags,
            ..NO_OP
        }
    }

    /// What touching leaves.
    pub fn settle(&mut self, at: usize, touch: Touch) -> Result<(), Unsayable> {
        let too_many = Unsayable::Other("there are too many pages");
        let memory = &mut self.memory;
        let Some(area) = memory.area(at).copied() else {
            return Ok(());
        };
        let byte = pattern(at);
        let private = !area.is_shared();
        let folio = match (touch, area.backing) {
            (Touch::Never, _) => return Ok(()),
            (Touch::Read, Backing::Anon) => memory.zero(),
            (Touch::Read, Backing::File { kind, .. }) => memory.cached(kind, byte),
            (_, Backing::File { kind, .. }) if !private => memory.cached(kind, byte),
            (Touch::Write, _) => memory.anon(byte),
            (Touch::Share | Touch::WasShared, _) => memory.add(Folio {
                kind: Kind::Anon,
                mapping: abi::GD_M_ANON as u8,
                refs: if touch == Touch::Share { 2 } else { 1 },
                exclusive: false,
                byte,
            }),
        };
        memory.map(at, folio.ok_or(too_many)?, touch != Touch::Read);
        if matches!(touch, Touch::Share | Touch::WasShared) {
            memory.frames[at].writable = false;
        }
        Ok(())
    }
}
