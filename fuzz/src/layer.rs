// SPDX-License-Identifier: GPL-2.0
//! Layers: what a program is about.

use std::fmt;

use csrc::abi::{self, gd_op};

use crate::accepted::RevisionPair;
use crate::ops::{self, Layer};
use crate::program::Program;
pub use crate::program::generate::Focus;
use crate::rev::{Fact, Rev};

/// The layer that the environment asks for: `GUPDIFF_LAYER`, all of them if it
/// says nothing.
pub fn from_env() -> Result<Focus, String> {
    match std::env::var("GUPDIFF_LAYER") {
        Ok(word) if !word.is_empty() => parse(&word),
        _ => Ok(Focus::All),
    }
}

/// The layer of a word, for command lines.
pub fn parse(word: &str) -> Result<Focus, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is no layer; there are: page, lockless, slow, all"))
}

/// The word for a layer.
pub fn name(focus: Focus) -> &'static str {
    match focus {
        Focus::Page => "page",
        Focus::Lockless => "lockless",
        Focus::Slow => "slow",
        Focus::All => "all",
    }
}

/// Why there are no programs of a layer for two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWalk;

impl fmt::Display for NoWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the FOLL_PIN series walks no page tables: LAYER=page (or nothing) is all there is",
        )
    }
}

impl std::error::Error for NoWalk {}

/// The layer of a campaign on two sides: the one that was asked for, as far as
/// both have it.
pub fn on(focus: Focus, revisions: RevisionPair) -> Result<Focus, NoWalk> {
    let walks = revisions.left.has(Fact::WALK) && revisions.right.has(Fact::WALK);
    match focus {
        Focus::Lockless | Focus::Slow if !walks => Err(NoWalk),
        Focus::All if !walks => Ok(Focus::Page),
        focus => Ok(focus),
    }
}

/// Whether an operation is beyond the page level: an entry point of a walk, a
/// change of page tables or of VMAs.
pub fn is_beyond_pages(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.layer != Layer::Page)
}

fn is_slow_op(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.layer == Layer::Slow)
}

/// Whether a program is the slow layer's: it has an entry point of the slow path, or
/// changes VMAs, or its fast entry points fall back on the real slow path.
pub fn is_slow(program: &Program) -> bool {
    u32::from(program.world().state) & abi::GD_W_SLOW != 0
        || program.ops().iter().any(is_slow_op)
        || program.acts().iter().any(|act| is_slow_op(&act.op))
}

/// What a side of a revision that only has the page level does not provide of a
/// program.
pub fn gap(program: &Program, rev: Rev) -> Option<String> {
    let op = program.ops().iter().find(|op| is_beyond_pages(op));
    let is_beyond = op.is_some() || program.nr_acts() > 0;
    is_beyond.then(|| gap_name(op, rev))
}

/// The name of such a gap: of an operation, or of an action.
pub fn gap_name(op: Option<&gd_op>, rev: Rev) -> String {
    match op {
        None => "what is done at a hook point of an operation".into(),
        Some(op) => ops::info(op.op)
            .map_or("an operation", |op| op.name_or_role(rev))
            .into(),
    }
}

/// The layer of a program in a corpus: the slow one; else the lockless one, if it
/// has a script or any of its operations is that one's; else the page level.  So a
/// booted kernel can run all that is of the page level; what is drawn for the page
/// level may have a script.
pub fn of(program: &Program) -> Focus {
    match program.nr_acts() > 0 || program.ops().iter().any(is_beyond_pages) {
        _ if is_slow(program) => Focus::Slow,
        true => Focus::Lockless,
        false => Focus::Page,
    }
}

/// Whether a program is one of a layer.
pub fn has(focus: Focus, program: &Program) -> bool {
    focus == Focus::All || focus == of(program)
}

/// Takes the script and the operations beyond the page level out; tells of each, of
/// an action without an operation.  The program stays normalised.
pub fn to_page_level(program: &mut Program, mut out: impl FnMut(Option<&gd_op>)) -> bool {
    let before = *program;
    program.0.world.state &= !(abi::GD_W_SLOW as u8);
    (0..program.nr_acts()).for_each(|_| out(None));
    program.remove_acts(0..program.nr_acts());
    for i in (0..program.nr_ops()).rev() {
        if is_beyond_pages(&program.ops()[i]) {
            out(Some(&program.ops()[i]));
            program.remove_op(i);
        }
    }
    let changed = *program != before;
    if changed {
        program.normalise();
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{NO_ACT, NO_OP};
    use csrc::abi::gd_act;

    fn op(id: u32) -> gd_op {
        gd_op {
            op: id as u8,
            ..NO_OP
        }
    }

    #[test]
    fn a_program_is_of_one_layer() {
        let mut page = Program::EMPTY;
        page.push_op(op(abi::GD_OP_GET_PAGE));
        assert_eq!(of(&page), Focus::Page);
        let (mut call, mut entry, mut script) = (page, page, page);
        call.push_op(op(abi::GD_OP_GET_USER_PAGES_FAST));
        entry.push_op(op(abi::GD_OP_SET_PTE));
        script.push_act(gd_act {
            hook: abi::GD_HOOK_BEFORE_REF as u8,
            nth: 1,
            op: op(abi::GD_OP_SET_REF),
            ..NO_ACT
        });
        for walk in [call, entry, script] {
            assert_eq!(of(&walk), Focus::Lockless);
            assert_eq!(taken_out(walk), 1);
        }
        let (mut slow, mut vma, mut change, mut falls) = (page, entry, call, call);
        slow.push_op(op(abi::GD_OP_PIN_USER_PAGES));
        vma.push_op(op(abi::GD_OP_SET_VMA));
        change.push_act(gd_act {
            owner: 1,
            hook: abi::GD_HOOK_SLOW as u8,
            nth: 1,
            op: op(abi::GD_OP_SET_SIGNAL),
            ..NO_ACT
        });
        falls.0.world.state |= abi::GD_W_SLOW as u8;
        for (walk, parts) in [(slow, 1), (vma, 2), (change, 2), (falls, 1)] {
            assert_eq!(of(&walk), Focus::Slow);
            assert_eq!(taken_out(walk), parts);
        }
    }

    /// How much is taken out of a program for it to be of the page level.
    fn taken_out(mut program: Program) -> usize {
        let mut taken = 0;
        assert!(to_page_level(&mut program, |_| taken += 1));
        assert_eq!(of(&program), Focus::Page);
        taken
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
        assert_eq!(on(Focus::Slow, series), Err(NoWalk));
        assert_eq!(on(Focus::Slow, kernels), Ok(Focus::Slow));
    }
}
