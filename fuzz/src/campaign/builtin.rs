// SPDX-License-Identifier: GPL-2.0
//! A small engine of our own: no coverage, but always there and repeatable.
//!
//! It mutates the corpus with a fixed seed for a fixed number of programs, and
//! keeps what shows an outcome that was not seen before.  Tests of the oracle
//! use it: the same seed and number find the same.

use std::collections::HashSet;

use crate::features;
use crate::oracle::{Oracle, Verdict};
use crate::program::generate::{self, Profile};
use crate::program::mutate;
use crate::program::rng::Rng;
use crate::program::Program;

/// A search for a finding.
pub struct Search<'o> {
    oracle: &'o mut Oracle,
    corpus: Vec<Program>,
    rng: Rng,
    profile: Profile,
    seen: HashSet<u64>,
    found: Vec<u64>,
    runs: u64,
}

impl<'o> Search<'o> {
    /// A search from a corpus, which may be empty.
    pub fn new(oracle: &'o mut Oracle, corpus: Vec<Program>, seed: u64) -> Self {
        let info = oracle.pair().left.info();
        let profile = Profile::new(info.rev).debug_vm(info.debug_vm);
        Self {
            oracle,
            corpus,
            rng: Rng::new(seed),
            profile,
            seen: HashSet::new(),
            found: Vec::new(),
            runs: 0,
        }
    }

    /// Programs run so far.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Runs the corpus, then up to `programs` more; the first finding.
    pub fn run(&mut self, programs: u64) -> Option<(Program, Verdict)> {
        for i in 0..self.corpus.len() {
            let program = self.corpus[i];
            if let Some(found) = self.judge(&program) {
                return Some(found);
            }
        }
        for _ in 0..programs {
            let program = self.next();
            if let Some(found) = self.judge(&program) {
                return Some(found);
            }
        }
        None
    }

    fn next(&mut self) -> Program {
        if self.corpus.is_empty() || self.rng.chance(1, 4) {
            return generate::program(&mut self.rng, &self.profile);
        }
        let i = self.rng.below(self.corpus.len());
        let mut program = self.corpus[i];
        if self.rng.chance(1, 8) {
            let other = self.corpus[self.rng.below(self.corpus.len())];
            program = mutate::crossover(&program, &other, &mut self.rng, &self.profile);
        }
        for _ in 0..=self.rng.below(3) {
            mutate::mutate(&mut program, &mut self.rng, &self.profile);
        }
        program
    }

    fn judge(&mut self, program: &Program) -> Option<(Program, Verdict)> {
        self.runs += 1;
        let verdict = self.oracle.judge(program);
        if verdict.finding().is_some() {
            return Some((*program, verdict));
        }
        self.found.clear();
        features::of(program, self.oracle.left_trace(), &mut self.found);
        let mut new = false;
        for feature in &self.found {
            new |= self.seen.insert(*feature);
        }
        if new && !self.corpus.contains(program) {
            self.corpus.push(*program);
        }
        None
    }
}
