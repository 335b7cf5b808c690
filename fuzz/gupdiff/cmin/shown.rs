// SPDX-License-Identifier: GPL-2.0
//! Features of programs for `gupdiff cmin`: what they show and execute on a side.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Result, bail};
use gup_sides::Flavour;
use harness::accepted::Accepted;
use harness::coverage::{Counted, Covered, Error, rust};
use harness::features;
use harness::oracle::{Oracle, Verdict};
use harness::program::Program;
use harness::side::{self, Pair};

use super::Candidate;

fn feature(of: impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    of.hash(&mut hash);
    hash.finish()
}

/// Outcomes, sites, kinds of changes.
pub fn outcomes(side: &str, all: &mut [Candidate]) -> Result<()> {
    let mut oracle = Oracle::new(Pair::open(side, "none")?);
    let rev = oracle.revisions().left;
    for candidate in all {
        if let Verdict::BrokenLaw(_, broken) = oracle.judge(&candidate.program)
            // programs with known defects are worth keeping
            && !Accepted::default().is_known(rev, &broken)
        {
            bail!("a program breaks the law {}; report that first", broken.law);
        }
        let mut found = Vec::new();
        features::of(&candidate.program, rev, oracle.left_trace(), &mut found);
        candidate.features.extend(found);
    }
    Ok(())
}

/// The executed lines of kernel code.
pub fn lines(side: &str, all: &mut [Candidate]) -> Result<()> {
    let Some(mut covered) = of_a_kernel(Covered::open(side))? else {
        return Ok(());
    };
    let rev = covered.info().rev;
    for candidate in all {
        let executed = covered.run(&candidate.program);
        let lines = covered.get(&executed);
        let lines = lines.map(|line| feature(("line", rev, line)));
        candidate.features.extend(lines);
    }
    Ok(())
}

/// The edges of kernel code that are taken, as an engine counts them.
pub fn edges(side: &str, engine: Flavour, all: &mut [Candidate]) -> Result<()> {
    let Some(mut counted) = of_a_kernel(Counted::open(side, engine))? else {
        return Ok(());
    };
    for candidate in all {
        let edges = counted.run(&candidate.program);
        let edges = edges.map(|edge| feature(("edge", side, engine, edge)));
        candidate.features.extend(edges);
    }
    Ok(())
}

/// Of the Rust code and of the series neither lines nor edges are told.
fn of_a_kernel<T>(opened: Result<T, Error>) -> Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(Error::NoKernel(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The lines of the Rust code that are executed where it follows these sides.
pub fn rust_lines(sides: &[String], all: &mut [Candidate]) -> Result<()> {
    let mut names = BTreeSet::new();
    for side in sides {
        let described = side::describe(side)?;
        names.extend(match side.starts_with("rust:") {
            true => Some(side.clone()),
            false => described.and_then(|info| info.counterpart),
        });
    }
    let names: Vec<String> = names.into_iter().collect();
    let programs: Vec<Program> = all.iter().map(|candidate| candidate.program).collect();
    let sets = match rust::of_each(&names, &programs) {
        Ok(sets) => sets,
        Err(rust::Error::Missing(_)) => {
            eprintln!("lines of the Rust code do not count: make cmin builds what tells them");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for (name, sets) in names.iter().zip(sets) {
        for (candidate, set) in all.iter_mut().zip(&sets) {
            let lines = set.iter().map(|line| feature(("rust line", name, line)));
            candidate.features.extend(lines);
        }
    }
    Ok(())
}
