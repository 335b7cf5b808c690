// SPDX-License-Identifier: GPL-2.0
//! Makes mutants of the kernel code that a side consists of, compares each with the Rust side,
//! and lists those that nothing shows: `mutants KERNEL [EVERY [FILE]]`.
//!
//! Only lines that the shipped corpus executes are changed; `gupdiff coverage` lists the
//! others.  Some mutants do the same as the original, so the list needs a human.  What
//! compiles to the same code, or not at all, is only counted.

// what controls are tried with, too
#[path = "../../tests/controls/changed.rs"]
#[allow(dead_code)]
mod changed;
#[path = "../../tests/controls/hunting.rs"]
#[allow(dead_code)]
mod hunting;

mod jobs;
mod original;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

use gup_sides::{Error, Recipe, Store};
use harness::side::c::CSide;

use changed::{Changed, hunt_on};
use hunting::Corpus;
use original::{Candidate, Original};

/// Programs within which a selected mutant is to be found, or else it is compiled alone, to
/// see whether it is another program at all.
const SOON: u64 = 30_000;
/// Programs within which a mutant is to be found.
const WITHIN: u64 = 150_000;

/// How it ended; the numbers are exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Found = 10,
    NotCompiled,
    SameCode,
    Survived,
}

impl End {
    /// A mutant that crashes or hangs is found, too.
    fn of_code(code: Option<i32>) -> Self {
        let all = [Self::NotCompiled, Self::SameCode, Self::Survived];
        let same = |end: &Self| code == Some(*end as i32);
        all.into_iter().find(same).unwrap_or(Self::Found)
    }
}

struct Bench {
    original: Original,
    corpus: Corpus,
    candidates: Vec<Candidate>,
}

impl Bench {
    /// One object with all mutants that can be selected, and their numbers, from 1.
    fn selectable(&self) -> (Changed, Vec<usize>) {
        let mut numbers: Vec<usize> = (1..=self.candidates.len()).collect();
        loop {
            let (files, lines) = self.original.with(&self.candidates, &numbers);
            let broken = match self.original.compiled(&files) {
                Ok(changed) => {
                    let in_it = lines.into_iter().map(|(nr, ..)| nr);
                    return (changed, in_it.collect());
                }
                Err(Error::Compile { log, .. }) => {
                    fs::read_to_string(log).expect("the compiler wrote it")
                }
                Err(error) => panic!("{error}"),
            };
            // at the lines of the errors, or in a function that must be a constant
            let is_there = |file: &str, line: usize| broken.contains(&format!("{file}:{line}:"));
            let named = |nr: usize| {
                let function = self.candidates[nr - 1].function();
                broken.contains(&format!("BUILD_BUG_ON failed: {function}("))
            };
            let blamed = |(nr, file, line): &(usize, &str, usize)| {
                (is_there(file, *line) || named(*nr)).then_some(*nr)
            };
            let out: BTreeSet<usize> = lines.iter().filter_map(blamed).collect();
            assert!(!out.is_empty(), "no mutant is to blame:\n{broken}");
            numbers.retain(|nr| !out.contains(nr));
        }
    }

    fn hunted(&self, nr: usize, side: CSide, within: u64) -> End {
        jobs::limit_time();
        let focus = self.candidates[nr - 1].focus();
        match hunt_on(side, &self.corpus, focus, within) {
            Some(_) => End::Found,
            None => End::Survived,
        }
    }

    fn alone(&self, nr: usize) -> End {
        match self
            .original
            .compiled(&self.original.alone(&self.candidates[nr - 1]))
        {
            Err(_) => End::NotCompiled,
            Ok(changed) if changed.object() == self.original.object => End::SameCode,
            Ok(changed) => {
                let end = self.hunted(nr, changed.load(), WITHIN);
                if end == End::Survived {
                    println!("{}", self.candidates[nr - 1]);
                }
                end
            }
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let every = args.get(1).map_or(Some(1), |n| n.parse().ok());
    let (Some(kernel), Some(every @ 1..)) = (args.first(), every) else {
        eprintln!("error: mutants KERNEL [EVERY [FILE]]; EVERY is a number, and not 0");
        return ExitCode::from(2);
    };
    if !matches!(Recipe::find(&Store::find(), kernel), Ok(Some(_))) {
        eprintln!("error: there is no kernel {kernel}; `gupdiff side list` lists those there are");
        return ExitCode::from(2);
    }
    let corpus = Corpus::read();
    let original = Original::new(kernel, args.get(2).map(String::as_str), &corpus.all);
    let all = original.candidates();
    let nr_all = all.len();
    let bench = Bench {
        original,
        corpus,
        candidates: all.into_iter().step_by(every).collect(),
    };
    println!("{} of {nr_all} mutants", bench.candidates.len());
    if bench.candidates.is_empty() {
        eprintln!("error: no line that the corpus executes can be changed; is the file right?");
        return ExitCode::from(2);
    }
    let (changed, numbers) = bench.selectable();
    println!("{} can be selected at run time", numbers.len());
    let soon = |&nr: &usize| bench.hunted(nr, changed.select(nr), SOON);
    let mut ends = jobs::run(&numbers, soon);
    ends.retain(|_, end| *end == End::Found);
    let rest: Vec<usize> = (1..=bench.candidates.len())
        .filter(|nr| !ends.contains_key(nr))
        .collect();
    println!("{} are compiled alone", rest.len());
    ends.extend(jobs::run(&rest, |&nr| bench.alone(nr)));
    let mut counts = BTreeMap::new();
    for end in ends.into_values() {
        *counts.entry(end).or_insert(0) += 1;
    }
    println!("{counts:?}");
    ExitCode::SUCCESS
}
