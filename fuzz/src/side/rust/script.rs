// SPDX-License-Identifier: GPL-2.0
//! Who acts within an operation: the operations attached to it, each at its
//! moment.

use csrc::abi::{self, gd_op, gd_run};
use gup::{EntryPtr, Level, Machine, Moment};

use super::world;
use crate::layout::split_run;

/// What has become of an attached operation.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How often its moment has come.
    seen: u8,
    fired: bool,
}

/// The operations attached to the running one.
#[derive(Default)]
pub struct Script<'a> {
    ops: &'a [gd_op],
    /// The index in the program of the first one.
    first: u16,
    /// The kinds of moments that they wait for, bits `1 << GD_WHEN_*`.
    kinds: u32,
    state: [State; abi::GD_MAX_OPS as usize],
}

/// The kinds that a moment may be of, bits `1 << GD_WHEN_*`.
fn kinds(moment: Moment) -> u32 {
    match moment {
        Moment::Load(_) => {
            1 << abi::GD_WHEN_READ_PTE
                | 1 << abi::GD_WHEN_READ_PMD
                | 1 << abi::GD_WHEN_READ_PUD
                | 1 << abi::GD_WHEN_READ_PGD
        }
        Moment::LoadSeq => 1 << abi::GD_WHEN_READ_SEQ,
        Moment::BeforeRef(_) => 1 << abi::GD_WHEN_BEFORE_REF,
        Moment::AfterRef(_) => 1 << abi::GD_WHEN_AFTER_REF,
        Moment::BeforePin(_) => 1 << abi::GD_WHEN_BEFORE_PIN,
        Moment::AfterPin(_) => 1 << abi::GD_WHEN_AFTER_PIN,
        Moment::Pagemap => 1 << abi::GD_WHEN_PAGEMAP,
        Moment::Accessible => 1 << abi::GD_WHEN_ACCESSIBLE,
        Moment::Slow => 1 << abi::GD_WHEN_SLOW,
    }
}

const _: () = assert!(abi::GD_NR_WHENS <= 32);

/// Whether the moment of an operation is of this kind and about its object.
/// The entry is looked up each time: its table may have been made meanwhile.
fn matches(machine: &Machine, op: &gd_op, moment: Moment) -> bool {
    let loads = |at: EntryPtr, level| machine.tables.serves(at, level, op.at_addr);
    let about = |nr: u32| {
        let (index, offset) = split_run(&gd_run {
            page: op.at_page,
            len: 1,
        });
        let folio = machine.folios().get(index);
        folio.is_some_and(|folio| folio.head + offset == nr)
    };
    match (u32::from(op.when), moment) {
        (abi::GD_WHEN_READ_PTE, Moment::Load(at)) => loads(at, Level::Pte),
        (abi::GD_WHEN_READ_PMD, Moment::Load(at)) => loads(at, Level::Pmd),
        (abi::GD_WHEN_READ_PUD, Moment::Load(at)) => loads(at, Level::Pud),
        (abi::GD_WHEN_READ_PGD, Moment::Load(at)) => loads(at, Level::Pgd),
        (abi::GD_WHEN_READ_SEQ, Moment::LoadSeq)
        | (abi::GD_WHEN_PAGEMAP, Moment::Pagemap)
        | (abi::GD_WHEN_ACCESSIBLE, Moment::Accessible)
        | (abi::GD_WHEN_SLOW, Moment::Slow) => true,
        (abi::GD_WHEN_BEFORE_REF, Moment::BeforeRef(nr))
        | (abi::GD_WHEN_AFTER_REF, Moment::AfterRef(nr))
        | (abi::GD_WHEN_BEFORE_PIN, Moment::BeforePin(nr))
        | (abi::GD_WHEN_AFTER_PIN, Moment::AfterPin(nr)) => about(nr),
        _ => false,
    }
}

impl<'a> Script<'a> {
    /// Begins an operation, number `nr` of the program, with what is attached
    /// to it: the operations behind it that have a moment.
    pub fn attach(&mut self, ops: &'a [gd_op], nr: usize) {
        let behind = &ops[nr + 1..];
        let attached = behind.iter().take_while(|op| has_moment(op)).count();
        self.ops = &behind[..attached];
        self.kinds = self.ops.iter().fold(0, |set, op| set | 1 << op.when);
        self.first = (nr + 1) as u16;
        self.state[..attached].fill(State::default());
    }

    /// Whether anybody acts at all.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Which of the attached operations were carried out.
    pub fn fired(&self) -> impl Iterator<Item = bool> + '_ {
        let states = self.state.iter();
        states.take(self.ops.len()).map(|state| state.fired)
    }

    /// A moment has come: carries out what was waiting for it, after `tell` was
    /// told its index, and gives the last answer to a call.
    pub fn moment(
        &mut self,
        machine: &mut Machine,
        moment: Moment,
        mut tell: impl FnMut(u16),
    ) -> Option<i32> {
        if self.kinds & kinds(moment) == 0 {
            return None;
        }
        let mut answer = None;
        for ((op, state), index) in self.ops.iter().zip(&mut self.state).zip(self.first..) {
            if !matches(machine, op, moment) {
                continue;
            }
            state.seen = state.seen.saturating_add(1);
            if state.fired || state.seen != op.nth {
                continue;
            }
            state.fired = true;
            tell(index);
            if u32::from(op.op) == abi::GD_OP_ANSWER {
                answer = Some(op.val);
            } else {
                world::change(machine, op);
            }
        }
        answer
    }
}

/// Whether it is an operation that is attached to another one.
pub fn has_moment(op: &gd_op) -> bool {
    u32::from(op.when) != abi::GD_WHEN_NONE
}
