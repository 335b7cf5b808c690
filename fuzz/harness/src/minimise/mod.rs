// SPDX-License-Identifier: GPL-2.0
//! Minimisation: the smallest program with the same finding.
//!
//! Passes go from coarse to fine and are repeated until none helps.  A change is kept if
//! the class of the finding stays the same: requiring the same values would keep irrelevant
//! parts, and accepting any finding could end at another bug.  Everything is deterministic;
//! results are remembered, and the number of runs is limited.

mod fields;
mod passes;
mod walk;

use std::collections::HashSet;

use crate::oracle::{Oracle, Verdict};
use crate::program::Program;

/// Default maximum number of runs of the oracle.
pub const DEFAULT_RUNS: usize = 20_000;

/// The result of a minimisation.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// The smallest program found.
    pub program: Program,
    /// Its verdict.
    pub verdict: Verdict,
    /// Number of runs of the oracle.
    pub runs: usize,
    /// Statistics of each pass.
    pub passes: Vec<PassCount>,
}

/// Statistics of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassCount {
    /// Its name.
    pub name: &'static str,
    /// Number of changes tried.
    pub tried: usize,
    /// Number of changes kept.
    pub kept: usize,
}

/// The predicate, with remembered results and a budget.
pub(crate) struct Shrinker<'o> {
    oracle: &'o mut Oracle,
    is_same: &'o mut dyn FnMut(&Oracle, &Program, &Verdict) -> bool,
    known: HashSet<Vec<u8>>,
    runs: usize,
    max_runs: usize,
    best: Program,
    verdict: Verdict,
    tried: usize,
    kept: usize,
}

impl Shrinker<'_> {
    /// The smallest program so far.
    pub(crate) fn best(&self) -> &Program {
        &self.best
    }

    /// Is the budget used up?
    pub(crate) fn exhausted(&self) -> bool {
        self.runs >= self.max_runs
    }

    /// The operation of the finding.
    pub(crate) fn op_index(&self) -> Option<usize> {
        self.verdict.op_index()
    }

    /// Keeps a changed program if it still has the finding.
    pub(crate) fn attempt(&mut self, mut candidate: Program) -> bool {
        candidate.normalise();
        if candidate == self.best || self.exhausted() {
            return false;
        }
        self.tried += 1;
        let key = candidate.encode();
        if !self.known.insert(key) {
            // a program with the finding was already kept when it was first tried
            return false;
        }
        self.runs += 1;
        let verdict = self.oracle.judge(&candidate);
        let same = (self.is_same)(self.oracle, &candidate, &verdict);
        if same {
            self.best = candidate;
            self.verdict = verdict;
            self.kept += 1;
        }
        same
    }

    /// Like [`Shrinker::attempt`], with the change made in place.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Program)) -> bool {
        let mut candidate = self.best;
        change(&mut candidate);
        self.attempt(candidate)
    }
}

/// Shrinks a program with a finding; `None` if it has none.
pub fn minimise(oracle: &mut Oracle, program: &Program, max_runs: usize) -> Option<Minimised> {
    let verdict = oracle.judge(program);
    let class = verdict.finding()?;
    let is_same = &mut |_: &Oracle, _: &Program, v: &Verdict| v.finding() == Some(class);
    Some(minimise_while(oracle, program, max_runs, is_same))
}

/// Shrinks a program as long as a predicate holds for it and its verdict.
pub fn minimise_while(
    oracle: &mut Oracle,
    program: &Program,
    max_runs: usize,
    is_same: &mut dyn FnMut(&Oracle, &Program, &Verdict) -> bool,
) -> Minimised {
    let verdict = oracle.judge(program);
    let mut shrinker = Shrinker {
        oracle,
        is_same,
        known: HashSet::new(),
        runs: 1,
        max_runs,
        best: *program,
        verdict,
        tried: 0,
        kept: 0,
    };
    let mut counts: Vec<PassCount> = passes::ALL
        .iter()
        .map(|(name, _)| PassCount {
            name,
            tried: 0,
            kept: 0,
        })
        .collect();
    loop {
        let before = shrinker.best;
        for ((_, pass), count) in passes::ALL.iter().zip(&mut counts) {
            (shrinker.tried, shrinker.kept) = (0, 0);
            pass(&mut shrinker);
            count.tried += shrinker.tried;
            count.kept += shrinker.kept;
        }
        if shrinker.best == before || shrinker.exhausted() {
            break;
        }
    }
    let (best, runs) = (shrinker.best, shrinker.runs);
    // leave the traces of the result in the oracle
    let verdict = oracle.judge(&best);
    Minimised {
        program: best,
        verdict,
        runs,
        passes: counts,
    }
}
