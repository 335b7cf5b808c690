// SPDX-License-Identifier: GPL-2.0
//! The calls that a walk makes, and the answers that apply to them.

use csrc::abi;

use super::Law;
use super::op::{Check, Op};
use super::rules::require;
use crate::hooks;
use crate::program::Program;
use crate::program::walk::is_answer;
use crate::trace::{Ask, Call, Record};

/// A call of the slow path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slow {
    pub(super) flags: u32,
    pub(super) start: u64,
    pub(super) nr: u64,
    pub(super) answer: i32,
}

impl Slow {
    /// The number of pages that it returned.
    pub(super) fn pages(&self) -> i64 {
        match u64::try_from(self.answer) {
            Ok(pages) => pages.min(self.nr) as i64,
            Err(_) => 0,
        }
    }
}

/// The call that an ANSWER would apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Nothing,
    Slow,
    Accessible,
    Pagemap { given: bool },
}

impl Pending {
    /// The hook point of this call; at another one an ANSWER has no effect.
    fn hook(self) -> Option<u32> {
        Some(match self {
            Self::Nothing => return None,
            Self::Slow => abi::GD_HOOK_SLOW,
            Self::Accessible => abi::GD_HOOK_ACCESSIBLE,
            Self::Pagemap { .. } => abi::GD_HOOK_PAGEMAP,
        })
    }

    /// Its default answer.
    fn default_answer(self) -> i32 {
        let hook = self.hook().and_then(|hook| hooks::info(hook as u8));
        hook.map_or(0, |hook| hook.default_answer)
    }
}

/// All of an operation's calls.
#[derive(Debug)]
pub(super) struct Events {
    /// The last call of the slow path.
    pub(super) slow: Option<Slow>,
    pub(super) slow_calls: u32,
    /// Whether the mmap lock was requested.
    pub(super) locks: bool,
    /// Whether some page could not be made accessible.
    pub(super) refused: bool,
    locked: i32,
    unlocked_early: bool,
    pagemaps: i32,
    not_held: bool,
    pending: Pending,
    answer: i32,
}

impl Events {
    pub(super) fn new(op: &Op, prog: &Program) -> Self {
        let mut events = Self {
            slow: None,
            slow_calls: 0,
            locks: false,
            refused: false,
            locked: 0,
            unlocked_early: false,
            pagemaps: 0,
            not_held: false,
            pending: Pending::Nothing,
            answer: 0,
        };
        for rec in op.parts.events {
            let kind = u32::from(rec.kind);
            if !matches!(kind, abi::GD_R_ACT | abi::GD_R_ASK | abi::GD_R_CALL) {
                events.settle();
                continue;
            }
            match Record::from(rec) {
                Record::Act(index) => {
                    let Some(act) = prog.acts().get(usize::from(index)) else {
                        continue;
                    };
                    let answers = is_answer(act.op.op);
                    if answers && events.pending.hook() == Some(act.hook.into()) {
                        events.answer = act.op.val;
                    }
                }
                record => {
                    events.settle();
                    events.follow(record);
                }
            }
        }
        events.settle();
        events
    }

    fn follow(&mut self, record: Record) {
        let pending = match record {
            Record::Ask(Ask::Slow { flags, start }) => {
                self.slow_calls += 1;
                self.slow = Some(Slow {
                    flags,
                    start,
                    nr: 0,
                    answer: Pending::Slow.default_answer(),
                });
                return;
            }
            Record::Ask(Ask::SlowNr { nr, .. }) => {
                if let Some(slow) = &mut self.slow {
                    slow.nr = nr;
                }
                Pending::Slow
            }
            Record::Ask(Ask::Pagemap { given, .. }) => {
                self.not_held |= given && self.pagemaps == 0;
                Pending::Pagemap { given }
            }
            Record::Ask(Ask::PagemapPut { given }) => {
                self.pagemaps -= i32::from(given);
                self.not_held |= self.pagemaps < 0;
                return;
            }
            Record::Ask(Ask::MmapLock { .. }) => {
                self.locks = true;
                self.locked += 1;
                return;
            }
            Record::Ask(Ask::MmapUnlock { .. }) => {
                self.locked -= 1;
                self.unlocked_early |= self.locked < 0;
                return;
            }
            Record::Call(Call::MakeAccessible, _) => Pending::Accessible,
            _ => return,
        };
        (self.pending, self.answer) = (pending, pending.default_answer());
    }

    /// The last call cannot get another answer.
    fn settle(&mut self) {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => {}
            Pending::Slow => {
                if let Some(slow) = &mut self.slow {
                    slow.answer = self.answer;
                }
            }
            Pending::Accessible => self.refused |= self.answer != 0,
            Pending::Pagemap { given } => match (given, self.answer != 0) {
                (true, false) => self.pagemaps -= 1,
                (false, true) => self.pagemaps += 1,
                _ => {}
            },
        }
    }

    pub(super) fn pagemaps(&self) -> Check {
        let law = Law::PagemapsBalance;
        require(!self.not_held, law, None, || {
            "it passes on or drops a reference that it does not hold".into()
        })?;
        require(self.pagemaps == 0, law, None, || {
            format!("{} are still held", self.pagemaps)
        })
    }

    pub(super) fn mmap_lock(&self) -> Check {
        let fine = self.locked == 0 && !self.unlocked_early;
        require(fine, Law::MmapLockBalances, None, || match self.locked {
            0 => "it is dropped before it is taken".into(),
            n => format!("it is held {n} times at the end"),
        })
    }
}
