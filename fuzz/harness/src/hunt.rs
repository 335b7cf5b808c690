// SPDX-License-Identifier: GPL-2.0
//! A campaign without an engine: replays a corpus, then generates and mutates programs from
//! a seed.  The same seed gives the same programs, so a test can rely on a maximum number
//! of programs.

use crate::oracle::{Oracle, Verdict};
use crate::program::Program;
use crate::program::generate;
use crate::program::mutate;
use crate::program::profile::Profile;
use crate::program::rng::Rng;
use crate::scope::Scope;

/// The first finding of a hunt.
#[derive(Clone, Debug)]
pub struct Catch {
    /// The program that shows it.
    pub program: Program,
    /// Its verdict.
    pub verdict: Verdict,
    /// Number of programs that ran, including this one.
    pub programs: u64,
}

/// Runs `corpus`, then programs that are mutated from it or generated, until one is a
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

/// One third is generated, one third mutated from the corpus, one third mutated from the
/// last program.
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
