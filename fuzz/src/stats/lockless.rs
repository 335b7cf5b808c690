// SPDX-License-Identifier: GPL-2.0
//! What programs of the lockless layer did: which moments came, what was done at
//! them, what the slow path answered.

use std::collections::BTreeMap;

use csrc::abi;
use serde::{Deserialize, Serialize};

use crate::layer::{self, MOMENTS, NR_MOMENTS};
use crate::ops::{self, Layer};
use crate::program::Program;
use crate::trace::{Ask, Record};

/// Attached operations: those of executed operations, and those whose moment
/// came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// All.
    pub attached: u64,
    /// Carried out.
    pub fired: u64,
}

impl Attached {
    fn add(&mut self, other: &Self) {
        self.attached += other.attached;
        self.fired += other.fired;
    }
}

/// Counts in names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockless {
    /// By kind of moment.
    pub moments: BTreeMap<String, Attached>,
    /// By role of what is done.
    pub actions: BTreeMap<String, Attached>,
    /// By what the slow path answered.
    pub slow: BTreeMap<String, u64>,
    /// Walks that pinned pages and gave some of them back.
    pub backed_out: u64,
}

impl Lockless {
    pub(super) fn merge(&mut self, other: &Self) {
        for (to, from) in [
            (&mut self.moments, &other.moments),
            (&mut self.actions, &other.actions),
        ] {
            for (key, count) in from {
                to.entry(key.clone()).or_default().add(count);
            }
        }
        for (key, n) in &other.slow {
            *self.slow.entry(key.clone()).or_default() += n;
        }
        self.backed_out += other.backed_out;
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.moments.is_empty() && self.slow.is_empty()
    }
}

/// The words for the slow path's answers: none given, an errno, 0, pages.
pub const ANSWERS: [&str; 4] = ["the default", "an errno", "0", "pages"];

/// The same in numbers, while programs run.
pub(super) struct Moments {
    moments: [Attached; NR_MOMENTS],
    actions: Vec<Attached>,
    slow: [u64; ANSWERS.len()],
    backed_out: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            moments: [Attached::default(); NR_MOMENTS],
            actions: vec![Attached::default(); 256],
            slow: [0; ANSWERS.len()],
            backed_out: 0,
        }
    }
}

impl Moments {
    /// Counts an executed operation with all that is attached to it.
    pub(super) fn count(&mut self, prog: &Program, index: usize, recs: &[abi::gd_rec]) {
        let attached = layer::attached(prog.ops(), index);
        for op in &prog.ops()[attached.clone()] {
            self.of_moment(op.when).attached += 1;
            self.actions[usize::from(op.op)].attached += 1;
        }
        let walks = ops::info(prog.ops()[index].op).is_some_and(|op| op.layer == Layer::Lockless);
        if attached.is_empty() && !walks {
            return;
        }
        let mut answer = None;
        for rec in recs {
            match Record::from(rec) {
                Record::Act(by) if attached.contains(&usize::from(by)) => {
                    let op = &prog.ops()[usize::from(by)];
                    self.of_moment(op.when).fired += 1;
                    self.actions[usize::from(op.op)].fired += 1;
                    let slow = u32::from(op.when) == abi::GD_WHEN_SLOW;
                    if slow && u32::from(op.op) == abi::GD_OP_ANSWER {
                        answer = answer.map(|_| match op.val {
                            ..0 => 1,
                            0 => 2,
                            1.. => 3,
                        });
                    }
                }
                Record::Ask(Ask::SlowNr { .. }) => answer = Some(0),
                Record::State { released: 1.., .. } if walks => self.backed_out += 1,
                _ => {}
            }
        }
        if let Some(answer) = answer {
            self.slow[answer] += 1;
        }
    }

    fn of_moment(&mut self, when: u8) -> &mut Attached {
        &mut self.moments[usize::from(when).min(NR_MOMENTS - 1)]
    }

    /// In names; what never was has none.
    pub(super) fn named(&self) -> Lockless {
        let some = |(_, count): &(String, Attached)| count.attached > 0;
        let moments = MOMENTS
            .iter()
            .map(|name| name.to_string())
            .zip(self.moments);
        let actions = ops::table()
            .iter()
            .map(|op| (op.role.to_string(), self.actions[usize::from(op.id)]));
        let slow = ANSWERS.iter().map(|name| name.to_string()).zip(self.slow);
        Lockless {
            moments: moments.filter(some).collect(),
            actions: actions.filter(some).collect(),
            slow: slow.filter(|(_, n)| *n > 0).collect(),
            backed_out: self.backed_out,
        }
    }
}
