// SPDX-License-Identifier: GPL-2.0
//! The oracle: runs a program on two sides and judges it.

use serde::Serialize;

use crate::accepted::{Accepted, RevisionPair};
use crate::compare::{self, Class, Comparer, Divergence, Outcome};
use crate::laws::{Broken, Checker, Law, SideFacts};
use crate::program::Program;
use crate::side::{Pair, Side};
use crate::trace::{Record, Trace};

/// Left or right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The left side.
    Left,
    /// The right side.
    Right,
}

impl Which {
    /// `left` or `right`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// The result of judging a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The sides agree and no law is broken.
    Match,
    /// The sides differ.
    Divergence(Divergence),
    /// A side breaks a law, regardless of the other side.
    BrokenLaw(Which, Broken),
    /// A side needs something that it does not provide: no verdict.
    Gap(Which, String),
    /// The sides agree up to an operation that only one of them has: no verdict for the
    /// rest.
    Absent(usize),
}

/// The class of a finding: equal findings have equal classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingClass {
    /// A divergence of this class.
    Divergence(Class),
    /// A broken law, and the operation.
    Law(Which, Law, Option<u8>),
}

impl Verdict {
    /// The class of a finding; `None` if it is not a finding.
    pub fn finding(&self) -> Option<FindingClass> {
        match self {
            Self::Divergence(d) => Some(FindingClass::Divergence(d.class)),
            Self::BrokenLaw(which, b) => Some(FindingClass::Law(*which, b.law, b.op)),
            Self::Match | Self::Gap(..) | Self::Absent(_) => None,
        }
    }

    /// The operation concerned.
    pub fn op_index(&self) -> Option<usize> {
        match self {
            Self::Divergence(d) => Some(d.op_index),
            Self::BrokenLaw(_, b) => Some(b.op_index),
            Self::Absent(index) => Some(*index),
            Self::Match | Self::Gap(..) => None,
        }
    }

    /// One word for the verdict.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Divergence(_) => "divergence",
            Self::BrokenLaw(..) => "broken law",
            Self::Gap(..) => "gap",
            Self::Absent(_) => "absent",
        }
    }
}

/// Two sides, their last traces, and the state for judging.
pub struct Oracle {
    pair: Pair,
    left: Trace,
    right: Trace,
    checker: Checker,
    comparer: Comparer,
    accepted: Accepted,
}

impl Oracle {
    /// An oracle over two sides.
    pub fn new(pair: Pair) -> Self {
        Self {
            pair,
            left: Trace::new(),
            right: Trace::new(),
            checker: Checker::default(),
            comparer: Comparer::default(),
            accepted: Accepted::default(),
        }
    }

    /// The sides.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// The left side's trace of the last program.
    pub fn left_trace(&self) -> &Trace {
        &self.left
    }

    /// The right side's trace of the last program; the left side's if there is no right
    /// side.
    pub fn right_trace(&self) -> &Trace {
        match self.pair.right {
            Some(_) => &self.right,
            None => &self.left,
        }
    }

    /// A side's trace of the last program.
    pub fn trace_of(&self, which: Which) -> &Trace {
        match which {
            Which::Left => self.left_trace(),
            Which::Right => self.right_trace(),
        }
    }

    /// The accepted differences that were hit so far.
    pub fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Did the last judged program keep the contract of every function (a careful caller)?
    pub fn was_careful(&self) -> bool {
        self.checker.was_careful()
    }

    /// The revisions of the sides.
    pub fn revisions(&self) -> RevisionPair {
        self.pair.revisions()
    }

    /// Runs a normalised program on both sides and compares.
    #[inline]
    pub fn judge(&mut self, prog: &Program) -> Verdict {
        self.run(prog);
        self.verdict(prog)
    }

    /// Announces the next programs, in order.
    pub fn prefetch(&mut self, progs: &[Program]) {
        self.pair.left.prefetch(progs);
        if let Some(right) = &mut self.pair.right {
            right.prefetch(progs);
        }
    }

    /// The right side, for running something on it alone.
    pub fn right_mut(&mut self) -> Option<&mut dyn Side> {
        match &mut self.pair.right {
            Some(right) => Some(right.as_mut()),
            None => None,
        }
    }

    /// Runs both sides without judging.
    #[inline]
    pub fn run(&mut self, prog: &Program) {
        self.pair.left.run(prog, &mut self.left);
        if let Some(right) = &mut self.pair.right {
            right.run(prog, &mut self.right);
        }
    }

    /// The verdict for the traces of the last run, which was of `prog`.
    #[inline]
    pub fn verdict(&mut self, prog: &Program) -> Verdict {
        if self.pair.right.is_some() && compare::equal(&self.left, &self.right) {
            return self.check_law(prog, Which::Left).unwrap_or(Verdict::Match);
        }
        self.verdict_in_full(prog)
    }

    fn check_law(&mut self, prog: &Program, which: Which) -> Option<Verdict> {
        let (side, trace) = match (which, &self.pair.right) {
            (Which::Right, Some(right)) => (right, &self.right),
            (Which::Right, None) => return None,
            (Which::Left, _) => (&self.pair.left, &self.left),
        };
        let facts = SideFacts::from(side.info());
        // without a right side, known defects are reported, too
        let alone = self.pair.right.is_none();
        let accepted = &mut self.accepted;
        let broken = self.checker.check_but(prog, facts, trace, &mut |broken| {
            !alone && accepted.is_known(facts.rev, broken)
        })?;
        Some(Verdict::BrokenLaw(which, broken))
    }

    #[cold]
    fn verdict_in_full(&mut self, prog: &Program) -> Verdict {
        let revisions = self.revisions();
        let accepted = &mut self.accepted;
        let outcome = match self.pair.right {
            Some(_) => {
                let (left, right) = (&self.left, &self.right);
                self.comparer
                    .compare(&prog.0, left, right, revisions, accepted)
            }
            None => compare::alone(&self.left),
        };
        if let Outcome::Differ(divergence) = outcome {
            return Verdict::Divergence(divergence);
        }
        for which in [Which::Left, Which::Right] {
            if let Some(verdict) = self.check_law(prog, which) {
                return verdict;
            }
        }
        match outcome {
            Outcome::Gap { left, name } => {
                let (which, side) = match (&self.pair.right, left) {
                    (Some(right), false) => (Which::Right, right),
                    _ => (Which::Left, &self.pair.left),
                };
                Verdict::Gap(which, side.gap(name))
            }
            Outcome::Absent { op_index } => Verdict::Absent(op_index),
            Outcome::Match | Outcome::Differ(_) => Verdict::Match,
        }
    }

    /// The names of the gaps that a trace of one side met.
    pub fn gap_name(side: &dyn Side, trace: &Trace) -> Option<String> {
        trace
            .records()
            .iter()
            .find_map(|rec| match Record::from(rec) {
                Record::Gap(index) => Some(side.gap(index)),
                _ => None,
            })
    }
}
