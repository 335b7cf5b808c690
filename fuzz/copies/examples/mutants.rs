// SPDX-License-Identifier: GPL-2.0
//! Compiles mutants of mm/gup.c, compares each with the Rust side, and lists those that
//! nothing shows: `mutants KERNEL [EVERY [FIRST]]`.
//!
//! Some mutants do the same as the original, so the list needs a human.  What compiles to
//! the same code, or not at all, is only counted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gup_controls::Mutant;
use gup_sides::{Flavour, Recipe, Store, overlay};
use harness::hunt::hunt;
use harness::input;
use harness::oracle::Oracle;
use harness::program::Program;
use harness::program::profile::{Focus, Profile};
use harness::side::c::CSide;
use harness::side::{self, Pair, Side};

/// Programs within which a mutant is to be found.
const WITHIN: u64 = 150_000;
const SEED: u64 = 20191209;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    NotCompiled,
    SameCode,
    Found,
    Survived,
}

struct Bench {
    kernel: String,
    corpus: Vec<Program>,
    original: Vec<u8>,
}

impl Bench {
    fn new(kernel: &str, gup: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
        let mut bench = Self {
            kernel: kernel.into(),
            corpus: input::programs(&[dir]).expect("the shipped corpus can be read"),
            original: Vec::new(),
        };
        let (_, object) = bench.compile(gup).expect("the kernel compiles");
        bench.original = object;
        bench
    }

    /// The kernel with another mm/gup.c, and the code of its object.
    fn compile(&self, gup: &str) -> Option<(CSide, Vec<u8>)> {
        let store = Store::find();
        let recipe = Recipe::find(&store, &self.kernel).expect("recipes can be read");
        let mut recipe = recipe.expect("the kernel is prepared: make setup");
        recipe.quick = true;
        recipe.bodies_only = true;
        let files = [("mm/gup.c".to_owned(), gup.as_bytes().to_vec())];
        recipe.overlay = Some(overlay::keep(&store, &files).expect("it can be written"));
        recipe.name = format!("{}+mutant", self.kernel);
        let built = recipe.compile(&store, true, Flavour::None).ok()?;
        let object = fs::read(&built.object).expect("it was built");
        let side = CSide::of_object(&recipe.name, &recipe, &built).expect("it loads");
        Some((side, object))
    }

    fn tried(&self, mutant: &Mutant) -> End {
        let Some((side, object)) = self.compile(&mutant.patched) else {
            return End::NotCompiled;
        };
        if object == self.original {
            return End::SameCode;
        }
        let info = side.info().clone();
        let right = info.counterpart.expect("a kernel has rules");
        let mut oracle = Oracle::new(Pair {
            left: Box::new(side),
            right: side::open(&right).expect("the rules exist"),
        });
        let profile = Profile::new(info.rev).debug_vm(true).focus(Focus::All);
        match hunt(&mut oracle, &self.corpus, &profile, SEED, WITHIN) {
            Some(_) => End::Found,
            None => End::Survived,
        }
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
    let store = Store::find();
    let Ok(Some(recipe)) = Recipe::find(&store, kernel) else {
        eprintln!("error: there is no kernel {kernel}; `gupdiff side list` lists those there are");
        return ExitCode::from(2);
    };
    let tree = recipe.source(&store, true).expect("its tree is there").tree;
    let gup = fs::read_to_string(tree.src.join("mm/gup.c")).expect("it can be read");
    let all = gup_controls::mutants(&gup).expect("it parses");
    let todo: Vec<_> = all.iter().skip(first).step_by(every).collect();
    println!("{} of {} mutants", todo.len(), all.len());
    let bench = Bench::new(kernel, &gup);
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(|| {
                while let Some(mutant) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let end = bench.tried(mutant);
                    if end == End::Survived {
                        println!("{}:{}: {}", mutant.function, mutant.line, mutant.about);
                    }
                    *ends.lock().unwrap().entry(end).or_insert(0) += 1;
                }
            });
        }
    });
    println!("{:?}", ends.into_inner().unwrap());
    ExitCode::SUCCESS
}
