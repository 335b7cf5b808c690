// SPDX-License-Identifier: GPL-2.0
//! Replays programs on three sides: a booted kernel, the C side of the same
//! configuration, and the Rust one.
//!
//! The booted kernel gets the programs in batches, and runs one batch while the previous
//! one is compared.  An operation that it does not provide is a gap: it is counted by name
//! and removed, so that the rest of its program can be compared.  Operations of the
//! lockless layer are removed too: only the userspace build provides page tables and hook
//! points.

mod control;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use self::control::Control;
use crate::hunt;
use crate::layer::{self, Focus};
use crate::oracle::{Oracle, Verdict};
use crate::program::Program;
use crate::program::profile::Profile;
use crate::program::rng::Rng;
use crate::rev::Rev;
use crate::side::live::mappings::UserCall;
use crate::side::live::recorded::Recorded;
use crate::side::live::{self, LiveSide};
use crate::side::{self, Pair, Side};
use crate::trace::{Call, Record, Trace};

/// The number of programs in a batch.
const BATCH: usize = 1024;

/// What to replay.
pub struct Config<'a> {
    /// The booted kernel: `live:6.1`.
    pub live: String,
    /// Programs to replay first.
    pub corpus: &'a [Program],
    /// The number of random programs after them,
    pub fresh: u64,
    /// or the time for them.
    pub time: Option<Duration>,
    /// The seed of the random programs.
    pub seed: u64,
}

/// Counts of what was compared.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Programs of the corpus.
    pub corpus: u64,
    /// Random programs.
    pub fresh: u64,
    /// Operations that all three sides executed alike.
    pub operations: u64,
    /// WARNs, all hits.
    pub warns: u64,
    /// The number of different sites.
    pub sites: BTreeMap<u32, u64>,
    /// BUGs that the guest survived.
    pub bugs: u64,
    /// Memory faults that the guest survived.
    pub oopses: u64,
    /// Folios that were freed.
    pub frees: u64,
    /// Removed operations, by the name of the gap.
    pub gaps: BTreeMap<String, u64>,
    /// Programs that the guest did not survive.
    pub deaths: Vec<String>,
}

impl Counts {
    /// All programs.
    pub fn programs(&self) -> u64 {
        self.corpus + self.fresh
    }

    fn add(&mut self, trace: &Trace) {
        for rec in trace.records() {
            match Record::from(rec) {
                Record::Warn(site) => {
                    self.warns += 1;
                    *self.sites.entry(site.0).or_default() += 1;
                }
                Record::Bug(_) => self.bugs += 1,
                Record::Oops => self.oopses += 1,
                Record::Call(Call::FolioPut, _) => self.frees += 1,
                Record::End { executed, .. } => self.operations += u64::from(executed),
                _ => {}
            }
        }
    }
}

/// The results of the calls on real mappings.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    /// Their number.
    pub calls: usize,
    /// The number of pages that they took.
    pub pages: u32,
    /// The results that are wrong.
    pub wrong: Vec<String>,
}

/// What came of the calls on random mappings.
#[derive(Clone, Debug, Default)]
pub struct RecordedCalls {
    /// How many were compared.
    pub calls: usize,
    /// How many were of more than a program can tell.
    pub left_out: usize,
    /// Pages that were taken.
    pub pages: usize,
    /// Faults on the way.
    pub faults: usize,
    /// The programs of those that differ, and what does.
    pub wrong: Vec<(Program, String)>,
}

/// How a replay ended.
pub enum Ending {
    /// All sides agree; the line about the control.
    Clean(String),
    /// This program shows a difference between these two sides.
    Found(Box<Program>, Verdict, Box<Oracle>),
    /// The comparison itself is broken.
    Broken(String),
    /// It was stopped.
    Interrupted,
}

/// The three sides, and the counts so far.
pub struct Replay {
    oracle: Oracle,
    rust: Box<dyn Side>,
    rust_trace: Trace,
    /// The counts so far.
    pub counts: Counts,
    control: Option<Control>,
    again: Vec<Program>,
    calls: Vec<UserCall>,
    recorded: Vec<Recorded>,
}

impl Replay {
    /// Boots the kernel, which makes so many calls on random mappings, and opens the
    /// other sides.
    pub fn open(name: &str, calls: u32, seed: u64) -> Result<Self, side::Error> {
        let name = name.strip_prefix("live:").unwrap_or(name);
        let (left, calls, recorded) = LiveSide::open_with_mappings(name, calls, seed)?;
        let left: Box<dyn Side> = Box::new(left);
        let rust = left.info().counterpart.clone().unwrap_or_default();
        let c = live::compiled(left.info());
        let pair = Pair {
            left,
            right: side::open(&c)?,
        };
        Ok(Self {
            oracle: Oracle::new(pair),
            rust: side::open(&rust)?.ok_or(side::Error::NoLeft)?,
            rust_trace: Trace::new(),
            counts: Counts::default(),
            control: None,
            again: Vec::new(),
            calls,
            recorded,
        })
    }

    /// Holds the calls on random mappings against C and Rust, as the programs that they
    /// are, and each once more with a changed observation, which must be seen.
    pub fn check_recorded(&mut self) -> RecordedCalls {
        let mut done = RecordedCalls::default();
        for call in &self.recorded {
            if !call.is_whole() {
                done.left_out += 1;
                continue;
            }
            done.calls += 1;
            done.pages += call.taken();
            done.faults += call.nr_faults();
            let (rust, trace) = (self.rust.as_mut(), &mut self.rust_trace);
            let mut check = |call: &Recorded| {
                call.check(rust, trace)?;
                match self.oracle.right_mut() {
                    Some(right) => call.check(right, trace),
                    None => Ok(()),
                }
            };
            match check(call) {
                Ok(()) if check(&call.altered()).is_ok() => {
                    let wrong = "a changed observation is not seen".to_string();
                    done.wrong.push((call.program(), wrong));
                }
                Ok(()) => {}
                Err(wrong) => done.wrong.push((call.program(), wrong)),
            }
        }
        done
    }

    /// Holds the calls on real mappings against the page level of C and Rust,
    /// and each once more with a changed observation, which must be seen.
    pub fn check_mappings(&mut self) -> Mappings {
        let mut done = Mappings {
            calls: self.calls.len(),
            ..Mappings::default()
        };
        for call in &self.calls {
            done.pages += call.taken();
            let (rust, trace) = (self.rust.as_mut(), &mut self.rust_trace);
            let mut check = |call: &UserCall| {
                call.check_call()?;
                call.check_folios(rust, trace)?;
                match self.oracle.right_mut() {
                    Some(right) => call.check_folios(right, trace),
                    None => Ok(()),
                }
            };
            match check(call) {
                Ok(()) if check(&call.altered()).is_ok() => done.wrong.push(format!(
                    "{}: a changed observation is not seen",
                    call.name()
                )),
                Ok(()) => {}
                Err(wrong) => done.wrong.push(wrong),
            }
        }
        done
    }

    /// The revision of the booted kernel.
    pub fn rev(&self) -> Rev {
        self.oracle.pair().left.info().rev
    }

    /// The three sides, for a header.
    pub fn sides(&self) -> Vec<String> {
        let pair = self.oracle.pair();
        let right = pair.right.as_ref().map(|right| right.info());
        [Some(pair.left.info()), right, Some(self.rust.info())]
            .into_iter()
            .flatten()
            .map(|info| format!("{info:#}"))
            .collect()
    }

    /// Replays all programs.  `tick` is called regularly and returns whether to go on.
    pub fn run(
        mut self,
        config: &Config,
        mut tick: impl FnMut(&Counts) -> bool,
    ) -> (Counts, Ending) {
        let info = self.oracle.pair().left.info();
        let profile = Profile::new(info.rev)
            .debug_vm(info.debug_vm)
            .focus(Focus::Page);
        let mut source = Source {
            config,
            profile,
            rng: Rng::new(config.seed),
            started: Instant::now(),
            next: 0,
            last: None,
        };
        let planned = config.corpus.len() + config.fresh.min(2000) as usize;
        self.control = Some(Control::over(planned, config.seed));
        let mut current = Vec::new();
        loop {
            let mut next = std::mem::take(&mut self.again);
            source.fill(&mut next, &mut self.counts);
            if next.is_empty() && current.is_empty() {
                break;
            }
            self.oracle.prefetch(&next);
            for program in &current {
                if let Some((verdict, rust)) = self.judge(program) {
                    let counts = std::mem::take(&mut self.counts);
                    return (counts, self.found(program, verdict, rust));
                }
            }
            if !tick(&self.counts) {
                return (self.counts, Ending::Interrupted);
            }
            current = next;
        }
        let control = self.control.take().map(|control| control.verdict());
        let ending = match control {
            Some(Ok(line)) => Ending::Clean(line),
            Some(Err(wrong)) => Ending::Broken(wrong),
            None => Ending::Broken("there was no control".into()),
        };
        (self.counts, ending)
    }

    /// The finding of a program, and whether it is between C and Rust.
    fn judge(&mut self, program: &Program) -> Option<(Verdict, bool)> {
        let verdict = self.oracle.judge(program);
        if verdict.finding().is_some() {
            return Some((verdict, false));
        }
        let live = self.oracle.left_trace();
        if let Verdict::Gap(_, name) = &verdict {
            let executed = live.end().map_or(0, |(_, executed)| executed as usize);
            let Some(op) = executed.checked_sub(1) else {
                self.counts.deaths.push(name.clone());
                return None;
            };
            *self.counts.gaps.entry(name.clone()).or_default() += 1;
            let mut rest = *program;
            if rest.remove_op(op) {
                rest.normalise();
                self.again.push(rest);
            }
            return None;
        }
        self.rust.run(program, &mut self.rust_trace);
        if self.rust_trace.as_bytes() != self.oracle.right_trace().as_bytes() {
            return Some((verdict, true));
        }
        self.counts.add(live);
        if let Some(control) = &mut self.control {
            let revisions = self.oracle.revisions();
            control.watch(program, live, self.oracle.right_trace(), revisions);
        }
        None
    }

    fn found(self, program: &Program, verdict: Verdict, between_c_and_rust: bool) -> Ending {
        let (mut oracle, mut verdict) = (self.oracle, verdict);
        if between_c_and_rust {
            let c = oracle.pair().right_name().to_string();
            let rust = self.rust.info().name.clone();
            drop(oracle);
            oracle = match Pair::open(&c, &rust) {
                Ok(pair) => Oracle::new(pair),
                Err(error) => return Ending::Broken(error.to_string()),
            };
            verdict = oracle.judge(program);
            if verdict.finding().is_none() {
                return Ending::Broken(format!("{c} and {rust} differed, and now they do not"));
            }
        }
        Ending::Found(Box::new(*program), verdict, Box::new(oracle))
    }
}

/// The source of programs: the corpus, then mutations of it and random programs.
struct Source<'a> {
    config: &'a Config<'a>,
    profile: Profile,
    rng: Rng,
    started: Instant,
    next: u64,
    last: Option<Program>,
}

/// A program of the corpus, without operations that a guest of a revision does not provide.
fn page_level(program: &Program, rev: Rev, counts: &mut Counts) -> Program {
    let mut program = *program;
    layer::to_page_level(&mut program, |op| {
        let gap = layer::gap_name(op, rev);
        *counts.gaps.entry(gap).or_default() += 1;
    });
    program
}

impl Source<'_> {
    fn fill(&mut self, batch: &mut Vec<Program>, counts: &mut Counts) {
        while batch.len() < BATCH {
            if let Some(program) = self.config.corpus.get(self.next as usize) {
                batch.push(page_level(program, self.profile.rev, counts));
                counts.corpus += 1;
            } else if self.more(counts.fresh) {
                let corpus = self.config.corpus;
                let mut program =
                    hunt::next(corpus, self.last.take(), &self.profile, &mut self.rng);
                layer::to_page_level(&mut program, |_| ());
                self.last = Some(program);
                batch.push(program);
                counts.fresh += 1;
            } else {
                break;
            }
            self.next += 1;
        }
    }

    fn more(&self, fresh: u64) -> bool {
        match self.config.time {
            Some(time) => self.started.elapsed() < time,
            None => fresh < self.config.fresh,
        }
    }
}
