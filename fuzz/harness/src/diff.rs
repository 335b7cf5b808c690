// SPDX-License-Identifier: GPL-2.0
//! Compares two sides for a time and collects all differences: a table with a row for each
//! kind.
//!
//! No engine is involved.  Programs are taken from a corpus, generated, or mutated, as in a
//! [`hunt`](mod@crate::hunt).  If a program shows a known difference, its operation is
//! removed and the rest is run again, so that a frequent difference does not hide a rare
//! one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::campaign::INTERRUPTED;
use crate::hunt;
use crate::layer::{self, Focus};
use crate::minimise;
use crate::ops;
use crate::oracle::{Oracle, Verdict};
use crate::program::Program;
use crate::program::profile::Profile;
use crate::program::rng::Rng;
use crate::reason::{Reason, Reasons};
use crate::scope::Scope;
use crate::side::{Error, Pair};

/// Maximum number of known differences that are removed from a program.
const GO_ON: usize = 6;
/// Number of programs between two readings of the clock.
const CLOCK_EVERY: u64 = 64;
/// Maximum number of runs for shrinking; for a table, fast results matter more.
const SHRINK_RUNS: usize = 5_000;

/// How to compare.
#[derive(Clone, Debug)]
pub struct Config {
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// The layer of the programs.
    pub layer: Focus,
    /// The duration.
    pub time: Duration,
    /// Threads, each with sides of its own.
    pub jobs: u32,
    /// The programs to start from.
    pub corpus: Vec<Program>,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// The key of a row: the function, the field, and the rules that explain it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The operation's id; `None` for differences after the last operation.
    pub op: Option<u8>,
    /// A field of the comparison, or a broken law.
    pub what: String,
    /// The reason, if there is one.
    pub reason: Option<Reason>,
}

/// One kind of difference.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its key.
    pub key: Key,
    /// Number of programs that showed it.
    pub times: u64,
    /// Number of programs that had run when it was first seen.
    pub first: u64,
    /// The time at which it was first seen.
    pub after: Duration,
    /// The smallest program that shows it.
    pub program: Program,
}

/// The result.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Number of programs that ran.
    pub programs: u64,
    /// The duration.
    pub time: Duration,
    /// The rows: first those without explanation, then in the order in which they were
    /// seen.
    pub rows: Vec<Row>,
    /// Number of programs that need something that a side does not provide.
    pub gaps: u64,
}

struct Shared<'a> {
    config: &'a Config,
    started: Instant,
    programs: AtomicU64,
    gaps: AtomicU64,
    rows: Mutex<BTreeMap<Key, Row>>,
    /// If there are several rules: the row of what remains after shrinking.
    merged: Mutex<BTreeMap<Key, Key>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared<'_> {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Key, Row>> {
        locked(&self.rows)
    }

    fn over(&self) -> bool {
        self.started.elapsed() >= self.config.time || INTERRUPTED.load(Ordering::Relaxed)
    }
}

/// Compares until the time is over.  `progress` is called every few seconds with the
/// numbers of programs and rows.
pub fn run(
    config: &Config,
    progress: &mut dyn FnMut(Duration, u64, usize),
) -> Result<Table, Error> {
    let jobs = config.jobs.max(1);
    let shared = Shared {
        config,
        started: Instant::now(),
        programs: AtomicU64::new(0),
        gaps: AtomicU64::new(0),
        rows: Mutex::default(),
        merged: Mutex::default(),
    };
    thread::scope(|scope| {
        let shared = &shared;
        let spawn = |job| scope.spawn(move || work(shared, u64::from(job)));
        let workers: Vec<_> = (0..jobs).map(spawn).collect();
        let mut next = Duration::from_secs(5);
        while !workers.iter().all(|worker| worker.is_finished()) {
            thread::sleep(Duration::from_millis(50));
            let elapsed = shared.started.elapsed();
            if elapsed >= next {
                let rows = shared.rows().len();
                progress(elapsed, shared.programs.load(Ordering::Relaxed), rows);
                next = elapsed + Duration::from_secs(10);
            }
        }
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;
    let mut rows: Vec<Row> = std::mem::take(&mut *shared.rows()).into_values().collect();
    let is_explained = |row: &Row| matches!(row.key.reason, Some(Reason::Rules(_)));
    rows.sort_by_key(|row| (is_explained(row), row.first, row.key.clone()));
    Ok(Table {
        programs: shared.programs.load(Ordering::Relaxed),
        time: shared.started.elapsed(),
        rows,
        gaps: shared.gaps.load(Ordering::Relaxed),
    })
}

fn work(shared: &Shared, job: u64) -> Result<(), Error> {
    let config = shared.config;
    // A side belongs to the thread that opened it.
    let pair = Pair::open(&config.left, &config.right)?;
    let info = pair.left.info();
    let focus = layer::on(config.layer, pair.revisions()).unwrap_or(Focus::Page);
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(focus);
    let profile = profile.retain(|op| pair.has_op(op.id));
    let scope = Scope::of(&pair);
    let mut reasons = Reasons::of(&pair);
    let mut oracle = Oracle::new(pair);
    let mut rng = Rng::new(config.seed.wrapping_add(job));
    let jobs = u64::from(config.jobs.max(1));
    let mut last = None;
    for round in 0.. {
        // opening sides on a busy machine may take all of the time: run some in any case
        if round > 0 && round % CLOCK_EVERY == 0 && shared.over() {
            break;
        }
        // the threads share the corpus
        let index = (round * jobs + job) as usize;
        let mut program = match config.corpus.get(index) {
            Some(program) => *program,
            None => hunt::next(&config.corpus, last.take(), &profile, &mut rng),
        };
        scope.narrow(&mut program);
        shared.programs.fetch_add(1, Ordering::Relaxed);
        last = Some(program);
        judge(shared, &mut oracle, &mut reasons, program);
    }
    Ok(())
}

/// Judges a program, and its rest after each difference.
fn judge(
    shared: &Shared,
    oracle: &mut Oracle,
    reasons: &mut Option<Reasons>,
    mut program: Program,
) {
    for _ in 0..GO_ON {
        let verdict = oracle.judge(&program);
        if matches!(verdict, Verdict::Gap(..)) {
            shared.gaps.fetch_add(1, Ordering::Relaxed);
        }
        let Some(key) = key_of(oracle, reasons, &program, &verdict) else {
            return;
        };
        note(shared, oracle, reasons, &program, key);
        let Some(index) = verdict.op_index().filter(|&i| i < program.nr_ops()) else {
            return;
        };
        program.remove_op(index);
        program.normalise();
        if program.nr_ops() == 0 {
            return;
        }
    }
}

fn note(
    shared: &Shared,
    oracle: &mut Oracle,
    reasons: &mut Option<Reasons>,
    program: &Program,
    key: Key,
) {
    let programs = shared.programs.load(Ordering::Relaxed);
    let merged = locked(&shared.merged).get(&key).cloned();
    let key = merged.unwrap_or(key);
    {
        let mut rows = shared.rows();
        if let Some(row) = rows.get_mut(&key) {
            row.times += 1;
            return;
        }
        let row = Row {
            key: key.clone(),
            times: 1,
            first: programs,
            after: shared.started.elapsed(),
            program: *program,
        };
        rows.insert(key.clone(), row);
    }
    let small = shrink(oracle, reasons, program, &key, SHRINK_RUNS);
    let verdict = oracle.judge(&small);
    let Some(new) = key_of(oracle, reasons, &small, &verdict) else {
        return;
    };
    if new != key {
        locked(&shared.merged).insert(key.clone(), new.clone());
    }
    let mut rows = shared.rows();
    let Some(mut row) = rows.remove(&key) else {
        return;
    };
    row.program = small;
    match rows.get_mut(&new) {
        Some(other) => other.times += row.times,
        None => {
            row.key = new.clone();
            rows.insert(new, row);
        }
    }
}

/// The smallest program with this difference, for the same reason, or for a part of its
/// rules.
pub fn shrink(
    oracle: &mut Oracle,
    reasons: &mut Option<Reasons>,
    program: &Program,
    key: &Key,
    runs: usize,
) -> Program {
    let class = oracle.judge(program).finding();
    let mut least = key.reason.clone();
    let is_same = &mut |oracle: &Oracle, program: &Program, verdict: &Verdict| {
        if verdict.finding() != class {
            return false;
        }
        let reason = key_of(oracle, reasons, program, verdict).and_then(|key| key.reason);
        let is_same = reason == least || is_part(&reason, &least);
        if is_same {
            least = reason;
        }
        is_same
    };
    minimise::minimise_while(oracle, program, runs, is_same).program
}

/// A part of several rules.
fn is_part(part: &Option<Reason>, of: &Option<Reason>) -> bool {
    match (part, of) {
        (Some(Reason::Rules(part)), Some(Reason::Rules(all))) => {
            part.iter().all(|name| all.contains(name))
        }
        _ => false,
    }
}

/// The row of the finding that was just judged.
fn key_of(
    oracle: &Oracle,
    reasons: &mut Option<Reasons>,
    program: &Program,
    verdict: &Verdict,
) -> Option<Key> {
    Some(match verdict {
        Verdict::Divergence(d) => {
            let reasons = reasons.as_mut();
            Key {
                op: d.class.op,
                what: d.class.field.name().into(),
                reason: reasons.and_then(|reasons| reasons.reason(oracle, program, d)),
            }
        }
        Verdict::BrokenLaw(which, broken) => Key {
            op: broken.op,
            what: format!("{} breaks: {}", which.name(), broken.law),
            reason: None,
        },
        Verdict::Match | Verdict::Gap(..) | Verdict::Absent(_) => return None,
    })
}

impl Key {
    /// The function's name on the left side, else on the right.
    pub fn function(&self, oracle: &Oracle) -> String {
        let Some(id) = self.op else {
            return "(after the last operation)".into();
        };
        let revisions = oracle.revisions();
        let op = ops::info(id);
        let names = op.map(|op| (op.name(revisions.left), op.name(revisions.right), op.role));
        match names {
            Some((Some(left), Some(right), _)) if left != right => format!("{left} / {right}"),
            Some((Some(name), _, _) | (None, Some(name), _) | (None, None, name)) => name.into(),
            None => format!("operation {id}"),
        }
    }
}
