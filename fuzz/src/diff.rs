// SPDX-License-Identifier: GPL-2.0
//! Two sides held against each other for a time, to learn all that differs: not
//! one finding, but a table with a row for each kind of difference.
//!
//! No engine is involved.  Programs come from a corpus, from nothing and from
//! each other, as in a [`hunt`](mod@crate::hunt); where a program differs in a way
//! that is known already, the operation is taken out and the rest goes on, so
//! that a frequent difference does not hide a rare one.

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
use crate::oracle::{FindingClass, Oracle, Verdict};
use crate::program::Program;
use crate::program::generate::Profile;
use crate::program::rng::Rng;
use crate::scope::Scope;
use crate::side::{Error, Pair};

/// A program goes on behind so many known differences.
const GO_ON: usize = 6;
/// The clock is read once in so many programs.
const CLOCK_EVERY: u64 = 64;
/// Programs that shrinking may run; a table wants many short answers.
const SHRINK_RUNS: usize = 5_000;

/// How to compare.
#[derive(Clone, Debug)]
pub struct Config {
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// Which programs are made.
    pub layer: Focus,
    /// For how long.
    pub time: Duration,
    /// Threads, each with sides of its own.
    pub jobs: u32,
    /// Programs to start from.
    pub corpus: Vec<Program>,
    /// Of the random numbers.
    pub seed: u64,
}

/// What makes two differences one row: the function, and what about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The operation's id; none for what comes after the last one.
    pub op: Option<u8>,
    /// A field of the comparison, or a broken law.
    pub what: String,
}

/// One kind of difference.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub key: Key,
    /// How many programs showed it.
    pub times: u64,
    /// How many programs had run when it was first seen.
    pub first: u64,
    /// And how long it had taken.
    pub after: Duration,
    /// The smallest program that shows it.
    pub program: Program,
}

/// All that differs.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// How many programs ran.
    pub programs: u64,
    /// For how long.
    pub time: Duration,
    /// The rows, those first that were seen first.
    pub rows: Vec<Row>,
    /// How many programs met something that a side does not provide.
    pub gaps: u64,
}

struct Shared<'a> {
    config: &'a Config,
    started: Instant,
    programs: AtomicU64,
    gaps: AtomicU64,
    rows: Mutex<BTreeMap<Key, Row>>,
}

impl Shared<'_> {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Key, Row>> {
        self.rows
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn over(&self) -> bool {
        self.started.elapsed() >= self.config.time || INTERRUPTED.load(Ordering::Relaxed)
    }
}

/// Compares until the time is over.  `progress` is called every few seconds with
/// the number of programs and of rows.
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
    rows.sort_by_key(|row| (row.first, row.key.clone()));
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
    let mut oracle = Oracle::new(pair);
    let mut rng = Rng::new(config.seed.wrapping_add(job));
    let jobs = u64::from(config.jobs.max(1));
    let mut last = None;
    for round in 0.. {
        if round % CLOCK_EVERY == 0 && shared.over() {
            break;
        }
        // The threads share the corpus out.
        let index = (round * jobs + job) as usize;
        let mut program = match config.corpus.get(index) {
            Some(program) => *program,
            None => hunt::next(&config.corpus, last.take(), &profile, &mut rng),
        };
        scope.narrow(&mut program);
        shared.programs.fetch_add(1, Ordering::Relaxed);
        last = Some(program);
        judge(shared, &mut oracle, program);
    }
    Ok(())
}

/// Judges a program, and what is left of it behind each difference.
fn judge(shared: &Shared, oracle: &mut Oracle, mut program: Program) {
    for _ in 0..GO_ON {
        let verdict = oracle.judge(&program);
        if matches!(verdict, Verdict::Gap(..)) {
            shared.gaps.fetch_add(1, Ordering::Relaxed);
        }
        let Some(class) = verdict.finding() else {
            return;
        };
        note(shared, oracle, &program, class);
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

fn note(shared: &Shared, oracle: &mut Oracle, program: &Program, class: FindingClass) {
    let key = key_of(class);
    let programs = shared.programs.load(Ordering::Relaxed);
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
    if let Some(small) = minimise::minimise(oracle, program, SHRINK_RUNS)
        && let Some(row) = shared.rows().get_mut(&key)
    {
        row.program = small.program;
    }
}

fn key_of(class: FindingClass) -> Key {
    match class {
        FindingClass::Divergence(class) => Key {
            op: class.op,
            what: class.field.name().into(),
        },
        FindingClass::Law(which, law, op) => Key {
            op,
            what: format!("{} breaks: {law}", which.name()),
        },
    }
}

impl Key {
    /// The function, by the name that it has on the left side, else on the right.
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
