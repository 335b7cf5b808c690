// SPDX-License-Identifier: GPL-2.0
//! One operation as the laws see it: what it is expected to do, and what its records show.

use csrc::abi::{self, gd_op, gd_rec};

use super::Law;
use crate::effect::{self, By, Effect, Moves, Part, What};
use crate::ops::{self, Layer, OpInfo};
use crate::program::Program;
use crate::rev::{Fact, Rev};
use crate::trace::{PageState, Ret};
use crate::world::vmas::Vmas;

/// What the laws expect an operation to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Takes this many references, if it succeeds.
    Get(i32),
    /// Drops this many references.
    Put(i32),
    /// Takes pins, if it succeeds, and counts them.
    Pin(i32),
    /// Takes a pin without counting it.
    AddPin,
    /// Releases pins.
    Unpin(i32),
    /// Takes pins of several pages, possibly of fewer than it was given.
    PinMany,
    /// Releases the pins of several pages.
    UnpinMany,
    /// Changes nothing.
    Ask,
    /// Walks page tables without locks.
    Walk,
    /// Walks them under the mmap lock, possibly after a walk without locks.
    SlowWalk,
    /// Something else.
    Other,
}

/// A law that does not hold, the page that it is about, and what is wrong.
pub(super) type Failure = (Law, Option<u32>, String);
pub(super) type Check = Result<(), Failure>;

/// A page that an operation changed: before and after.
pub(super) type Change = (PageState, PageState);

pub(super) struct Op<'a> {
    pub(super) op: &'a gd_op,
    pub(super) info: &'static OpInfo,
    pub(super) expected: Expected,
    pub(super) recs: &'a [gd_rec],
    /// The place of each kind of record.
    pub(super) parts: Parts<'a>,
    /// The pages that it changed; empty if no law is about them.
    pub(super) changed: &'a [Change],
    pub(super) ret: Ret,
    pub(super) acquired: i32,
    pub(super) released: i32,
    pub(super) bits: u8,
    /// The head of the page operand, before the operation.
    pub(super) head: Option<PageState>,
    pub(super) zero: bool,
    /// Whether the folio has a pin count.
    pub(super) has_pincount: bool,
    pub(super) rev: Rev,
    /// Whether pins are counted in vmstat.
    pub(super) counters: bool,
    /// The actions that ran, in order, by index.
    pub(super) done: &'a [usize],
    /// The VMAs before the operation.
    pub(super) vmas: &'a Vmas,
    /// Whether they changed anything besides what a walk reads on its way: pages, bits of
    /// the state.
    pub(super) disturbed: bool,
    /// Whether it is still known which page belongs to which folio after the actions.
    pub(super) folios_are_known: bool,
}

/// Parts of an operation's records: each contains all records of a kind, and few others.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    /// PAGE records.
    pub(super) pages: &'a [gd_rec],
    /// ENTRY records.
    pub(super) entries: &'a [gd_rec],
    /// CALL, ASK and ACT records.
    pub(super) events: &'a [gd_rec],
}

impl Op<'_> {
    /// Whether it may have kept references that it should drop: there is a WARN.
    pub(super) fn may_keep(&self) -> bool {
        let warned = |rec: &gd_rec| u32::from(rec.kind) == abi::GD_R_WARN;
        !self.rev.has(Fact::PutsAnyNumber) && self.recs.iter().any(warned)
    }

    /// Its effect according to the table of operations.
    pub(super) fn effect(&self) -> Effect {
        self.info.effect
    }

    /// Whether it has any of these operand bits.
    pub(super) fn has(&self, operands: u32) -> bool {
        self.info.has(operands)
    }

    /// Whether an action that sets this ran.
    pub(super) fn has_done(&self, prog: &Program, part: Part) -> bool {
        self.done
            .iter()
            .any(|i| ops::sets(prog.acts()[*i].op.op) == Some(part))
    }
}

/// What the table of operations says.  `left`: the number of the folio's pages from the operand on.
pub(super) fn expected(op: &gd_op, info: &OpInfo, rev: Rev, left: impl Fn() -> i32) -> Expected {
    match info.effect {
        Effect::Asks(_) => Expected::Ask,
        Effect::Takes { what, by, .. } => {
            let refs = effect::number(by, op, rev, left);
            match (effect::moves(what, op, rev), refs) {
                (Moves::Pins, Some(_)) if what == What::UncountedPin => Expected::AddPin,
                (Moves::Pins, Some(refs)) => Expected::Pin(refs),
                (Moves::Pins, None) if by == By::UpToN => Expected::PinMany,
                (Moves::Refs, Some(refs)) => Expected::Get(refs),
                (Moves::Nothing, Some(_)) => Expected::Get(0),
                (Moves::Unknown, _) | (_, None) => Expected::Other,
            }
        }
        Effect::Gives { what, by, .. } => {
            let refs = effect::number(by, op, rev, left);
            // Multiplied by 1024, it may be less than one.
            let odd = what == What::Grabbed
                && !rev.has(Fact::PutsAnyNumber)
                && !(1..1 << 21).contains(&op.n);
            match (effect::moves(what, op, rev), refs) {
                _ if odd => Expected::Other,
                (Moves::Pins, Some(refs)) => Expected::Unpin(refs),
                (Moves::Pins, None) => Expected::UnpinMany,
                (Moves::Refs, Some(refs)) => Expected::Put(refs),
                (Moves::Nothing | Moves::Unknown, _) | (Moves::Refs, None) => Expected::Other,
            }
        }
        Effect::Walks { .. } if info.layer == Layer::Lockless => Expected::Walk,
        Effect::Walks { .. } | Effect::Faults { .. } | Effect::PinsFile => Expected::SlowWalk,
        Effect::Marks | Effect::Sets(_) => Expected::Other,
    }
}
