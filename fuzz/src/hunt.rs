// SPDX-License-Identifier: GPL-2.0
//! A campaign without an engine: replays a corpus, then draws and mutates
//! programs from a seed.  The same seed gives the same programs, so a bound on
//! their number is a bound that a test can rely on.

use crate::oracle::{Oracle, Verdict};
use crate::program::Program;
use crate::program::generate::{self, Profile};
use crate::program::mutate;
use crate::program::rng::Rng;
use crate::scope::Scope;

/// The first finding of a hunt.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The program that shows it.
    pub program: Program,
    /// What it shows.
    pub verdict: Verdict,
    /// How many programs ran, this one included.
    pub programs: u64,
}

/// Runs `corpus`, then programs made from it and from nothing, until one is a
/// finding or `limit` programs have run.
pub fn hunt(
    oracle: &mut Oracle,
    corpus: &[Program],
    profile: &Profile,
    seed: u64,
    limit: u64,
) -> Option<Catch> {
    let mut rng = Rng::new(seed);
    let scope = Scope::of(oracle.pair());
    let mut programs = 0;
    let mut last = None;
    while programs < limit {
        let mut program = match corpus.get(programs as usize) {
            Some(program) => *program,
            None => next(corpus, last.take(), profile, &mut rng),
        };
        scope.narrow(&mut program);
        programs += 1;
        let verdict = oracle.judge(&program);
        if verdict.finding().is_some() {
            return Some(Catch {
                program,
                verdict,
                programs,
            });
        }
        last = Some(program);
    }
    None
}

/// A third from nothing, a third from the corpus, a third by going on from the
/// last one.
pub(crate) fn next(
    corpus: &[Program],
    last: Option<Program>,
    profile: &Profile,
    rng: &mut Rng,
) -> Program {
    let mut program = match (rng.below(3), last) {
        (1, _) if !corpus.is_empty() => rng.pick(corpus),
        (2, Some(last)) => last,
        _ => return generate::program(rng, profile),
    };
    mutate::mutate(&mut program, rng, profile);
    program.normalise();
    program
}
