// SPDX-License-Identifier: GPL-2.0
//! Folding of the numbers of walks: gives random bytes a meaning.
//!
//! At a random address nothing is mapped, and a random count asks for pages that do not
//! exist.  So unless an operation is marked as literal, its address becomes a page near one
//! of the [`walk::ANCHORS`], the address of a hook point becomes one that the program sets
//! an entry for, and counts become small.  Numbers that are in range already stay as they
//! are.

use csrc::abi::{self, gd_act, gd_op};

use super::walk::{self, Span};
use super::{MAX_ACTS, MAX_OPS, Program};
use crate::effect::Part;
use crate::hooks::{self, Object};
use crate::ops;
use crate::world::pkey;

/// Pages of a call, and entries that one operation sets.
const MAX_COUNT: i32 = 8;
/// Bytes of a call.
const MAX_BYTES: i32 = MAX_COUNT * walk::PAGE_SIZE as i32;
/// Pages of a VMA.
const MAX_VMA: i32 = 16;
/// The protection flags of a VMA, and its protection key.
const USUAL_VM: i32 = ((1 << (abi::GD_VM_MAYSHARE + 1)) - 1) | pkey::OF_VMA as i32;
/// The number of times that a hook point is reached before its action runs.
const MAX_NTH: u8 = 4;
/// Flags of an entry besides RW, DIRTY and its protection key.
const MAX_RARE: u32 = 2;
const USUAL: u16 = 1 << abi::GD_EF_RW | 1 << abi::GD_EF_DIRTY | pkey::OF_ENTRY as u16;

/// Folds all fields except pages; `op` is normalised before and after.
#[inline]
pub(super) fn fields(op: &mut gd_op) {
    if walk::is_call(op.op) {
        op.addr = walk::fold(op.addr);
        if !(0..=MAX_COUNT).contains(&op.n) {
            op.n = (op.n as u32 % (MAX_COUNT as u32 + 1)) as i32;
        }
        if op.foll & !walk::CALL_FLAGS != 0 {
            op.foll &= walk::CALL_FLAGS;
        }
        op.mods = 0;
    } else if walk::is_slow(op.op) {
        op.addr = walk::fold(op.addr);
        if !(0..=MAX_COUNT).contains(&op.n) {
            op.n = (op.n as u32 % (MAX_COUNT as u32 + 1)) as i32;
        }
        if !(0..=MAX_BYTES).contains(&op.val) {
            op.val = (op.val as u32 % (MAX_BYTES as u32 + 1)) as i32;
        }
        if op.foll & !walk::SLOW_FLAGS != 0 {
            op.foll &= walk::SLOW_FLAGS;
        }
        op.mods = 0;
    } else if walk::is_vma(op.op) {
        if op.n > 0 {
            let last = walk::TASK_SIZE_MAX - walk::PAGE_SIZE;
            op.addr = walk::fold(op.addr).min(last);
            if op.n > MAX_VMA {
                op.n = op.n % MAX_VMA + 1;
            }
            let room = (last - op.addr) / walk::PAGE_SIZE + 1;
            op.n = op.n.min(room.min(MAX_VMA as u64) as i32);
            if (op.val & !USUAL_VM).count_ones() > MAX_RARE {
                op.val &= USUAL_VM;
            }
        }
    } else if ops::sets(op.op) == Some(Part::Cache) {
        op.addr = walk::fold(op.addr);
        if !(0..=MAX_COUNT).contains(&op.n) {
            op.n = (op.n as u32 % (MAX_COUNT as u32 + 1)) as i32;
        }
    } else if walk::set_level(op.op).is_some() {
        op.addr = walk::fold(op.addr);
        if op.n > MAX_COUNT {
            op.n = op.n % MAX_COUNT + 1;
        }
        // The walk skips an entry with many flags.
        if (op.eflags & !USUAL).count_ones() > MAX_RARE {
            op.eflags &= USUAL;
        }
    }
}

/// Folds the count of a hook point.
#[inline]
pub(super) fn times(act: &mut gd_act) {
    if act.nth > MAX_NTH {
        act.nth = act.nth % MAX_NTH + 1;
    }
}

/// The entries that a program sets.
pub(super) struct Spans {
    span: [Option<Span>; MAX_OPS + MAX_ACTS],
    nr: usize,
}

impl Spans {
    pub fn of(program: &Program) -> Spans {
        let mut spans = Spans {
            span: [None; MAX_OPS + MAX_ACTS],
            nr: 0,
        };
        for (op, acts) in program.groups() {
            let all = std::iter::once(op).chain(acts.iter().map(|act| &act.op));
            for span in all.filter_map(Span::of) {
                spans.span[spans.nr] = Some(span);
                spans.nr += 1;
            }
        }
        spans
    }

    fn all(&self) -> impl Iterator<Item = &Span> {
        self.span[..self.nr].iter().flatten()
    }

    /// Moves the address of a hook point to one that an entry is set for, if there is any.
    #[inline]
    pub fn fold(&self, act: &mut gd_act) {
        let Object::Entry(_) = hooks::object(act.hook) else {
            return;
        };
        if self.nr == 0 || self.all().any(|span| span.covers(act.at_addr)) {
            return;
        }
        let hash = (act.at_addr >> 12) as usize;
        if let Some(span) = self.span[hash % self.nr] {
            act.at_addr = span.at((hash / self.nr) as u64 % span.n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{NO_ACT, NO_OP};

    #[test]
    fn a_hook_point_is_at_an_entry_that_is_set() {
        let set = gd_op {
            op: abi::GD_OP_SET_PMD as u8,
            addr: 0x40_0000,
            n: 3,
            ..NO_OP
        };
        let mut program = Program::EMPTY;
        program.push_op(set);
        let spans = Spans::of(&program);
        for addr in (0..64).map(|i| i * 0x1000) {
            let mut act = gd_act {
                hook: abi::GD_HOOK_READ_PMD as u8,
                at_addr: addr,
                ..NO_ACT
            };
            spans.fold(&mut act);
            assert!(Span::of(&set).unwrap().covers(act.at_addr), "{addr:#x}");
        }
    }
}
