// SPDX-License-Identifier: GPL-2.0
//! Layers: what a program is about, and which of its operations belong together.
//!
//! An operation of the world with a moment is attached to the nearest earlier
//! operation without one: it is carried out while that one runs, or not at all.

use std::fmt;
use std::ops::Range;

use csrc::abi::{self, gd_op};

use crate::accepted::RevisionPair;
use crate::ops::{self, Layer, Rev};
use crate::program::Program;
pub use crate::program::generate::Focus;

/// How many kinds of moments there are, with "none" for what has no moment.
pub const NR_MOMENTS: usize = abi::GD_NR_WHENS as usize;

/// The kinds of moments by their numbers (`GD_WHEN_*`), in the words of the text
/// form; the first one stands for none.
pub const MOMENTS: [&str; NR_MOMENTS] = [
    "none",
    "before read pte",
    "before read pmd",
    "before read pud",
    "before read pgd",
    "before read seq",
    "before ref",
    "after ref",
    "before pin",
    "after pin",
    "at get_dev_pagemap",
    "at make_accessible",
    "at slow_path",
];

/// The layer that the environment asks for: `GUPDIFF_LAYER`, all if it says
/// nothing.
pub fn from_env() -> Result<Focus, String> {
    match std::env::var("GUPDIFF_LAYER") {
        Ok(word) if !word.is_empty() => parse(&word),
        _ => Ok(Focus::All),
    }
}

/// The layer of a word, for command lines.
pub fn parse(word: &str) -> Result<Focus, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is no layer; there are: page, lockless, all"))
}

/// The word for a layer.
pub fn name(focus: Focus) -> &'static str {
    match focus {
        Focus::Page => "page",
        Focus::Lockless => "lockless",
        Focus::All => "all",
    }
}

/// Why there are no programs of a layer for two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWalk;

impl fmt::Display for NoWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the FOLL_PIN series has no lockless walk: LAYER=page (or nothing) is all there is",
        )
    }
}

impl std::error::Error for NoWalk {}

/// The layer of a campaign on two sides: the one that was asked for, as far as
/// both have it.
pub fn on(focus: Focus, revisions: RevisionPair) -> Result<Focus, NoWalk> {
    let walks = revisions.left.counts_pins() && revisions.right.counts_pins();
    match focus {
        Focus::Lockless if !walks => Err(NoWalk),
        Focus::All if !walks => Ok(Focus::Page),
        focus => Ok(focus),
    }
}

/// Whether an operation is carried out at a moment of another one.
#[inline]
pub fn is_attached(op: &gd_op) -> bool {
    op.when != 0
}

/// The operation that another one belongs to: itself, unless it is attached.
pub fn main_of(ops: &[gd_op], index: usize) -> usize {
    let upto = ops.len().min(index + 1);
    match ops[..upto].iter().rposition(|op| !is_attached(op)) {
        Some(main) if index < ops.len() => main,
        _ => index,
    }
}

/// The operations attached to one that has no moment itself.
pub fn attached(ops: &[gd_op], main: usize) -> Range<usize> {
    let first = (main + 1).min(ops.len());
    let rest = ops[first..].iter();
    first..first + rest.take_while(|op| is_attached(op)).count()
}

/// Whether an operation is the lockless layer's: an entry point of the walk, a
/// change of page tables, anything at a moment.
pub fn is_lockless(op: &gd_op) -> bool {
    let id = u32::from(op.op);
    is_attached(op)
        || id >= abi::GD_OP_SET_TAIL
        || ops::info(op.op).is_some_and(|info| info.layer == Layer::Lockless)
}

/// What a side that only has the page level does not provide of an operation of
/// the lockless layer.
pub fn gap_name(op: &gd_op) -> String {
    match is_attached(op) {
        true => "what is done at a moment of an operation".into(),
        false => ops::info(op.op)
            .map_or("an operation", |op| op.name_or_role(Rev::V6_1))
            .into(),
    }
}

/// The layer of a program in a corpus: the page level, or the lockless one if
/// any of its operations is that one's.  So a booted kernel can run all that is
/// of the page level; what is drawn for the page level may have moments.
pub fn of(program: &Program) -> Focus {
    match program.ops().iter().any(is_lockless) {
        true => Focus::Lockless,
        false => Focus::Page,
    }
}

/// Whether a program is one of a layer.
pub fn has(focus: Focus, program: &Program) -> bool {
    focus == Focus::All || focus == of(program)
}

/// Takes the operations of the lockless layer out; says how many of each name.
/// The program stays normalised.
pub fn to_page_level(program: &mut Program, mut out: impl FnMut(&gd_op)) -> bool {
    let mut changed = false;
    for i in (0..program.nr_ops()).rev() {
        if is_lockless(&program.ops()[i]) {
            out(&program.ops()[i]);
            changed |= program.remove_op(i);
        }
    }
    if changed {
        program.normalise();
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::NO_OP;

    fn op(id: u32, when: u32) -> gd_op {
        gd_op {
            op: id as u8,
            when: when as u8,
            nth: u8::from(when != 0),
            ..NO_OP
        }
    }

    #[test]
    fn attached_operations_follow_the_one_they_belong_to() {
        let ops = [
            op(abi::GD_OP_GET_PAGE, 0),
            op(abi::GD_OP_SET_REF, abi::GD_WHEN_BEFORE_REF),
            op(abi::GD_OP_SET_SEQ, abi::GD_WHEN_READ_SEQ),
            op(abi::GD_OP_SET_REF, 0),
        ];
        let mains: Vec<_> = (0..5).map(|i| main_of(&ops, i)).collect();
        assert_eq!(mains, [0, 0, 0, 3, 4]);
        assert_eq!(attached(&ops, 0), 1..3);
        assert_eq!(attached(&ops, 3), 4..4);
        assert_eq!(attached(&ops, 4), 4..4);
    }

    #[test]
    fn a_program_is_of_one_layer() {
        let mut program = Program::EMPTY;
        program.push_op(op(abi::GD_OP_GET_PAGE, 0));
        assert_eq!(of(&program), Focus::Page);
        for lockless in [
            op(abi::GD_OP_GET_USER_PAGES_FAST, 0),
            op(abi::GD_OP_SET_PTE, 0),
            op(abi::GD_OP_SET_REF, abi::GD_WHEN_BEFORE_REF),
        ] {
            let mut walk = program;
            walk.push_op(lockless);
            assert_eq!(of(&walk), Focus::Lockless);
            let mut taken = 0;
            assert!(to_page_level(&mut walk, |_| taken += 1));
            assert_eq!((taken, of(&walk)), (1, Focus::Page));
        }
    }

    #[test]
    fn the_series_has_the_page_level_only() {
        let pair = |left, right| RevisionPair { left, right };
        let kernels = pair(Rev::V6_1, Rev::V6_12);
        assert_eq!(on(Focus::Lockless, kernels), Ok(Focus::Lockless));
        let series = pair(Rev::V8, Rev::V6_1);
        assert_eq!(on(Focus::All, series), Ok(Focus::Page));
        assert_eq!(on(Focus::Page, series), Ok(Focus::Page));
        assert_eq!(on(Focus::Lockless, series), Err(NoWalk));
    }
}
