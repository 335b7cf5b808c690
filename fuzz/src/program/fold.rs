// SPDX-License-Identifier: GPL-2.0
//! Folding of the numbers of walks: what random bytes are made to mean.
//!
//! A random address meets nothing, a random count asks for pages that are not
//! there.  So, unless an operation is marked to be as it is, addresses become
//! pages of a few places ([`walk::ANCHORS`]), those of moments become ones that
//! the program has entries for, and counts are small.  Whatever is as it should
//! be stays as it is.

use csrc::abi::{self, gd_op};

use super::MAX_OPS;
use super::walk::{self, Place, Span};

/// Pages of a call, entries that are set at once.
const MAX_COUNT: i32 = 8;
/// The nth time of a moment.
const MAX_NTH: u8 = 4;
/// Flags of an entry beside RW and DIRTY.
const MAX_RARE: u32 = 2;
const USUAL: u16 = 1 << abi::GD_EF_RW | 1 << abi::GD_EF_DIRTY;

/// All fields but pages and the addresses of moments; `op` is normalised and
/// stays so.
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
    } else if walk::set_level(op.op).is_some() {
        op.addr = walk::fold(op.addr);
        if op.n > MAX_COUNT {
            op.n = op.n % MAX_COUNT + 1;
        }
        // An entry with many flags is one that nothing is done with.
        if (op.eflags & !USUAL).count_ones() > MAX_RARE {
            op.eflags &= USUAL;
        }
    }
    if op.nth > MAX_NTH {
        op.nth = op.nth % MAX_NTH + 1;
    }
}

/// The entries that a program sets.
pub(super) struct Spans {
    span: [Option<Span>; MAX_OPS],
    nr: usize,
}

impl Spans {
    pub fn of(ops: &[gd_op]) -> Spans {
        let mut spans = Spans {
            span: [None; MAX_OPS],
            nr: 0,
        };
        for span in ops.iter().filter_map(Span::of) {
            spans.span[spans.nr] = Some(span);
            spans.nr += 1;
        }
        spans
    }

    fn all(&self) -> impl Iterator<Item = &Span> {
        self.span[..self.nr].iter().flatten()
    }

    /// Makes the address of a moment one that an entry is set for, if any is.
    #[inline]
    pub fn fold(&self, op: &mut gd_op) {
        let Some(Place::Entry(_)) = walk::place(op.when) else {
            return;
        };
        if self.nr == 0 || self.all().any(|span| span.covers(op.at_addr)) {
            return;
        }
        let hash = (op.at_addr >> 12) as usize;
        if let Some(span) = self.span[hash % self.nr] {
            op.at_addr = span.at((hash / self.nr) as u64 % span.n);
        }
    }
}

const _: () = assert!(MAX_OPS <= 64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::NO_OP;

    #[test]
    fn a_moment_is_at_an_entry_that_is_set() {
        let set = gd_op {
            op: abi::GD_OP_SET_PMD as u8,
            addr: 0x40_0000,
            n: 3,
            ..NO_OP
        };
        let spans = Spans::of(&[set]);
        for addr in (0..64).map(|i| i * 0x1000) {
            let mut op = gd_op {
                when: abi::GD_WHEN_READ_PMD as u8,
                at_addr: addr,
                ..NO_OP
            };
            spans.fold(&mut op);
            assert!(Span::of(&set).unwrap().covers(op.at_addr), "{addr:#x}");
        }
    }
}
