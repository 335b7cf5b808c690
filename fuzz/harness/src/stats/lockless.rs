// SPDX-License-Identifier: GPL-2.0
//! Counts for programs of the lockless layer: the hook points reached, the actions run
//! there, and the answers of the slow path.

use std::collections::BTreeMap;

use csrc::abi;
use serde::{Deserialize, Serialize};

use crate::hooks::{self, NR_HOOKS};
use crate::ops::{self, OpInfo};
use crate::program::Program;
use crate::program::walk::is_answer;
use crate::trace::{Ask, Record};

/// Actions of the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actions {
    /// Those whose operation was executed.
    pub scripted: u64,
    /// Those that ran.
    pub done: u64,
}

impl Actions {
    fn add(&mut self, other: &Self) {
        self.scripted += other.scripted;
        self.done += other.done;
    }
}

/// Counts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockless {
    /// By hook point.
    pub hooks: BTreeMap<String, Actions>,
    /// By role of the action's operation.
    pub actions: BTreeMap<String, Actions>,
    /// By answer of the slow path.
    pub slow: BTreeMap<String, u64>,
    /// Walks that pinned pages and dropped some of them again.
    pub backed_out: u64,
}

impl Lockless {
    pub(super) fn merge(&mut self, other: &Self) {
        for (to, from) in [
            (&mut self.hooks, &other.hooks),
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

    /// Whether all counts are 0.
    pub fn is_empty(&self) -> bool {
        self.hooks.is_empty() && self.slow.is_empty()
    }
}

/// The kinds of the slow path's answers: none given, an errno, 0, pages.
pub const ANSWERS: [&str; 4] = ["the default", "an errno", "0", "pages"];

/// The same by number, while programs run.
pub(super) struct Script {
    hooks: [Actions; NR_HOOKS],
    actions: Vec<Actions>,
    slow: [u64; ANSWERS.len()],
    backed_out: u64,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            hooks: [Actions::default(); NR_HOOKS],
            actions: vec![Actions::default(); 256],
            slow: [0; ANSWERS.len()],
            backed_out: 0,
        }
    }
}

impl Script {
    /// Counts an executed operation with all of its actions.
    pub(super) fn count(&mut self, prog: &Program, index: usize, recs: &[abi::gd_rec]) {
        let acts = prog.acts_range(index);
        for act in &prog.acts()[acts.clone()] {
            self.of_hook(act.hook).scripted += 1;
            self.actions[usize::from(act.op.op)].scripted += 1;
        }
        let walks = ops::info(prog.ops()[index].op).is_some_and(OpInfo::is_walk);
        if acts.is_empty() && !walks {
            return;
        }
        let mut answer = None;
        for rec in recs {
            match Record::from(rec) {
                Record::Act(which) if acts.contains(&usize::from(which)) => {
                    let act = &prog.acts()[usize::from(which)];
                    self.of_hook(act.hook).done += 1;
                    self.actions[usize::from(act.op.op)].done += 1;
                    let slow = u32::from(act.hook) == abi::GD_HOOK_SLOW;
                    if slow && is_answer(act.op.op) {
                        answer = answer.map(|_| match act.op.val {
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

    fn of_hook(&mut self, hook: u8) -> &mut Actions {
        &mut self.hooks[usize::from(hook).min(NR_HOOKS - 1)]
    }

    /// By name; counts of 0 are left out.
    pub(super) fn named(&self) -> Lockless {
        let some = |(_, count): &(String, Actions)| count.scripted > 0;
        let hooks = hooks::table()
            .iter()
            .map(|hook| hook.text.to_string())
            .zip(self.hooks);
        let actions = ops::table()
            .iter()
            .map(|op| (op.role.to_string(), self.actions[usize::from(op.id)]));
        let slow = ANSWERS.iter().map(|name| name.to_string()).zip(self.slow);
        Lockless {
            hooks: hooks.filter(some).collect(),
            actions: actions.filter(some).collect(),
            slow: slow.filter(|(_, n)| *n > 0).collect(),
            backed_out: self.backed_out,
        }
    }
}
