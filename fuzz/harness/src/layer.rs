// SPDX-License-Identifier: GPL-2.0
//! Layers: groups of operations and programs.

use std::fmt;

use csrc::abi::{self, gd_op};

use crate::accepted::RevisionPair;
use crate::ops::{self, Layer};
use crate::program::Program;
pub use crate::program::profile::Focus;
use crate::rev::{Fact, Rev};

/// The layer in the environment variable `GUPDIFF_LAYER`; all if it is not set.
pub fn from_env() -> Result<Focus, String> {
    match std::env::var("GUPDIFF_LAYER") {
        Ok(word) if !word.is_empty() => parse(&word),
        _ => Ok(Focus::All),
    }
}

/// Parses a layer.
pub fn parse(word: &str) -> Result<Focus, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is not a layer; known: page, lockless, slow, all"))
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

/// Why two sides have no programs of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWalk;

impl fmt::Display for NoWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the FOLL_PIN series has only the page level: use LAYER=page, or none")
    }
}

impl std::error::Error for NoWalk {}

/// The layer of a campaign on two sides: the requested one, limited to what both have.
pub fn on(focus: Focus, revisions: RevisionPair) -> Result<Focus, NoWalk> {
    let walks = revisions.left.has(Fact::Walk) && revisions.right.has(Fact::Walk);
    match focus {
        Focus::Lockless | Focus::Slow if !walks => Err(NoWalk),
        Focus::All if !walks => Ok(Focus::Page),
        focus => Ok(focus),
    }
}

/// Is an operation outside of the page level: an entry point of a walk, or a change of page
/// tables or VMAs?
pub fn is_beyond_pages(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.layer != Layer::Page)
}

fn is_slow_op(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.layer == Layer::Slow)
}

/// Does a program belong to the slow layer?  It has an entry point of the slow path,
/// changes VMAs, or its fast entry points use the real slow path.
pub fn is_slow(program: &Program) -> bool {
    u32::from(program.world().state) & abi::GD_W_REAL_SLOW_PATH != 0
        || program.ops().iter().any(is_slow_op)
        || program.acts().iter().any(|act| is_slow_op(&act.op))
}

/// The gaps of a program on a side that only has the page level.
pub fn gap(program: &Program, rev: Rev) -> Option<String> {
    let op = program.ops().iter().find(|op| is_beyond_pages(op));
    let is_beyond = op.is_some() || program.nr_acts() > 0;
    is_beyond.then(|| gap_name(op, rev))
}

/// The name of such a gap: an operation, or an action.
pub fn gap_name(op: Option<&gd_op>, rev: Rev) -> String {
    match op {
        None => "an action at a hook point".into(),
        Some(op) => ops::info(op.op)
            .map_or("an operation", |op| op.name_or_role(rev))
            .into(),
    }
}

/// The layer of a program in a corpus: slow; else lockless, if it has a script or an
/// operation of that layer; else page.  So a booted kernel can run all programs of the page
/// level.  (Programs that are generated for the page level may have a script.)
pub fn of(program: &Program) -> Focus {
    match program.nr_acts() > 0 || program.ops().iter().any(is_beyond_pages) {
        _ if is_slow(program) => Focus::Slow,
        true => Focus::Lockless,
        false => Focus::Page,
    }
}

/// Does a program belong to a layer?
pub fn has(focus: Focus, program: &Program) -> bool {
    focus == Focus::All || focus == of(program)
}

/// Removes the script and the operations outside of the page level; calls a function for
/// each, without an operation for an action.  The program stays normalised.
pub fn to_page_level(program: &mut Program, mut out: impl FnMut(Option<&gd_op>)) -> bool {
    let before = *program;
    program.0.world.state &= !(abi::GD_W_REAL_SLOW_PATH as u8);
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
        falls.0.world.state |= abi::GD_W_REAL_SLOW_PATH as u8;
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
