// SPDX-License-Identifier: GPL-2.0
//! Compiles mutants of mm/gup.c, compares each with the Rust side, and lists those that
//! nothing shows: `mutants KERNEL [EVERY [FIRST]]`.
//!
//! Some mutants do the same as the original, so the list needs a human.  What compiles to
//! the same code, or not at all, is only counted.

// what controls are tried with, too
#[path = "../../tests/controls/changed.rs"]
#[allow(dead_code)]
mod changed;
#[path = "../../tests/controls/hunting.rs"]
#[allow(dead_code)]
mod hunting;

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use gup_controls::{Mutant, Selectable};
use gup_sides::{Recipe, Store};

use changed::{Changed, hunt_on, prepared};
use hunting::{Corpus, on_all_processors};

/// Programs within which a mutant is to be found.
const WITHIN: u64 = 150_000;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    NotCompiled,
    SameCode,
    Found,
    Survived,
}

struct Bench<'a> {
    kernel: &'a str,
    /// mm/gup.c.
    text: &'a str,
    corpus: Corpus,
    /// The object of the original.
    original: Vec<u8>,
}

/// The kernel with another mm/gup.c, if it compiles.
fn compiled(kernel: &str, gup: String) -> Option<Changed> {
    let files = [(Selectable::FILE.to_owned(), gup.into_bytes())];
    Changed::try_new(kernel, "mutant", &files).ok()
}

impl Bench<'_> {
    fn tried(&self, mutant: &Mutant) -> End {
        let patched = mutant.patched(self.text).expect("it parses");
        let Some(changed) = compiled(self.kernel, patched) else {
            return End::NotCompiled;
        };
        if changed.object() == self.original {
            return End::SameCode;
        }
        if hunt_on(changed.load(), &self.corpus, "", WITHIN).is_some() {
            return End::Found;
        }
        println!("{}:{}: {}", mutant.function, mutant.line, mutant.about);
        End::Survived
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| args.get(at).map_or(Some(default), |n| n.parse().ok());
    let (Some(kernel), Some(every @ 1..), Some(first)) = (args.first(), number(1, 1), number(2, 0))
    else {
        eprintln!("error: mutants KERNEL [EVERY [FIRST]], two numbers, the first one not 0");
        return ExitCode::from(2);
    };
    if !matches!(Recipe::find(&Store::find(), kernel), Ok(Some(_))) {
        eprintln!("error: there is no kernel {kernel}; `gupdiff side list` lists those there are");
        return ExitCode::from(2);
    }
    let path = prepared(kernel).1.src.join(Selectable::FILE);
    let text = fs::read_to_string(path).expect("its tree is there");
    let all = gup_controls::mutants(&text).expect("it parses");
    let todo: Vec<_> = all.iter().skip(first).step_by(every).collect();
    println!("{} of {} mutants", todo.len(), all.len());
    let original = compiled(kernel, text.clone()).expect("the kernel compiles");
    let bench = Bench {
        kernel,
        text: &text,
        corpus: Corpus::read(),
        original: original.object(),
    };
    let mut ends = BTreeMap::new();
    for end in on_all_processors(&todo, |mutant| bench.tried(mutant)) {
        *ends.entry(end).or_insert(0) += 1;
    }
    println!("{ends:?}");
    ExitCode::SUCCESS
}
