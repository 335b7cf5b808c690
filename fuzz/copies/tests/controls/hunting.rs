// SPDX-License-Identifier: GPL-2.0
//! How a fault is hunted, and where it is tried.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::hunt::{Catch, hunt};
use harness::input;
use harness::layer;
use harness::ops;
use harness::oracle::Oracle;
use harness::program::Program;
use harness::program::profile::{Focus, Profile};
use harness::rev::Fact;

/// Programs within which a planted fault must be found.
pub const WITHIN: u64 = 200_000;
/// Programs that a harmless change must survive.
pub const HARMLESS: u64 = 50_000;
pub const SEED: u64 = 20191209;

/// What every hunt begins with.
pub struct Corpus {
    pub all: Vec<Program>,
    pub walks_first: Vec<Program>,
    pub slow_first: Vec<Program>,
}

impl Corpus {
    /// The shipped corpus; with `GUPDIFF_CONTROLS_CORPUS=none` nothing, to see
    /// how long it takes from there.
    pub fn read() -> Self {
        let mut all = Vec::new();
        if std::env::var_os("GUPDIFF_CONTROLS_CORPUS").is_none_or(|which| which != "none") {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus");
            all = input::programs(&[dir]).expect("the shipped corpus can be read");
        }
        let mut walks_first = all.clone();
        walks_first.sort_by_key(|program| !walks(program));
        let mut slow_first = all.clone();
        slow_first.sort_by_key(|program| layer::of(program) != Focus::Slow);
        Self {
            all,
            walks_first,
            slow_first,
        }
    }
}

/// What the programs against a control should be about: it says so itself if
/// it is in a walk of page tables.
pub fn focus(control: &str) -> Focus {
    match control.split_once('-') {
        Some(("walk", _)) => Focus::Lockless,
        Some(("slow", _)) => Focus::Slow,
        _ => Focus::All,
    }
}

pub fn walks(program: &Program) -> bool {
    let mut ops = program.ops().iter();
    ops.any(|op| ops::info(op.op).is_some_and(|op| op.is_walk()))
}

pub fn campaign(oracle: &mut Oracle, corpus: &Corpus, focus: Focus, limit: u64) -> Option<Catch> {
    let info = oracle.pair().left.info();
    let focus = if info.rev.has(Fact::Walk) {
        focus
    } else {
        Focus::Page
    };
    let corpus = match focus {
        Focus::Lockless => &corpus.walks_first,
        Focus::Slow => &corpus.slow_first,
        _ => &corpus.all,
    };
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(focus);
    hunt(oracle, corpus, &profile, SEED, limit)
}

/// Does `work` for all of a list, on as many threads as there are processors; the
/// results come in any order.
pub fn on_all_processors<T: Sync, R: Send>(todo: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let one_thread = || {
        while let Some(one) = todo.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(one);
            done.lock().unwrap().push(result);
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        (0..threads).for_each(|_| drop(scope.spawn(one_thread)));
    });
    done.into_inner().unwrap()
}

/// Is everything tried everywhere?  It takes more than three times as long.
pub fn on_all() -> bool {
    std::env::var_os("GUPDIFF_ALL_CONTROLS").is_some_and(|all| all == "1")
}

/// `GUPDIFF_CONTROLS=NAME` or `NAME@KERNEL`: only controls whose names begin so are
/// tried, on that kernel only.
pub fn only() -> Option<(String, Option<String>)> {
    let only = std::env::var("GUPDIFF_CONTROLS").ok()?;
    Some(match only.split_once('@') {
        Some((name, kernel)) => (name.into(), Some(kernel.into())),
        None => (only, None),
    })
}

/// Of the places where a control of that name can be tried: all, or the one that
/// the name leads to, the same on every machine.
pub fn places<T: Clone>(name: &str, all: &[T]) -> Vec<T> {
    if on_all() || all.is_empty() {
        return all.to_vec();
    }
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    vec![all[((hash >> 32) % all.len() as u64) as usize].clone()]
}

/// All of these, and at least so many, must have been found.  Prints how many
/// programs it took, for those who follow how well faults are found.
pub fn check_all_found(done: &[(String, Option<Catch>)], at_least: usize) {
    let (mut programs, mut missed) = (Vec::new(), Vec::new());
    for (name, catch) in done {
        match catch {
            Some(catch) => {
                println!("{name}: after {} programs", catch.programs);
                programs.push(catch.programs);
            }
            None => missed.push(name),
        }
    }
    programs.sort_unstable();
    if let Some(most) = programs.last() {
        let median = programs[programs.len() / 2];
        println!(
            "{} found: {median} programs in the median, {most} at most",
            programs.len()
        );
    }
    let planted = done.len();
    let at_least = if only().is_some() { 0 } else { at_least };
    assert!(planted >= at_least, "only {planted} faults were planted");
    assert!(missed.is_empty(), "not found: {missed:#?}");
}
