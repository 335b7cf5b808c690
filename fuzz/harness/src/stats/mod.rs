// SPDX-License-Identifier: GPL-2.0
//! Statistics of outcomes: what programs did, so that "clean" means something.
//!
//! A campaign that only ever takes the first error path finds nothing either.  For each
//! operation, statistics count how often it succeeds and fails; they also count the WARN
//! and BUG sites that were reached, how far programs got, and gaps.
//! [`check`](Stats::check) turns that into a verdict.

mod check;
mod display;
mod lockless;
mod slow;

use std::collections::BTreeMap;
use std::time::Duration;

use csrc::abi;
use serde::{Deserialize, Serialize};

use crate::layer;
use crate::ops;
use crate::oracle::Verdict;
use crate::program::{Program, walk};
use crate::rev::Rev;
use crate::site::SiteId;
use crate::trace::{End, Record, Ret, Trace};
use lockless::Script;
pub use lockless::{Actions, Lockless};
pub use slow::Slow;

/// The outcomes of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpCount {
    /// Times that it was executed, in a revision that has it.
    pub uses: u64,
    /// It succeeded: returned (a function without result), true, 0, a folio.
    pub succeeded: u64,
    /// It failed: false, an errno, NULL; for a function without result, a warning or a
    /// stop.
    pub failed: u64,
    /// It warned.
    pub warned: u64,
    /// It did not return.
    pub stopped: u64,
    /// The revision has no such function.
    pub absent: u64,
}

impl OpCount {
    fn add(&mut self, other: &Self) {
        self.uses += other.uses;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.warned += other.warned;
        self.stopped += other.stopped;
        self.absent += other.absent;
    }
}

/// Statistics by name, to show, store and merge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The side whose traces these are: `c:6.1`.
    pub side: String,
    /// The layer that the programs were generated for, if they were: `all`.
    #[serde(default)]
    pub layer: String,
    /// Programs that were run.
    pub programs: u64,
    /// Programs whose operations were counted; of the others only their number, sites and
    /// ends are.
    pub sampled: u64,
    /// The programs among these whose caller kept every contract.
    #[serde(default)]
    pub careful: u64,
    /// Programs whose time in process was measured.
    #[serde(default)]
    pub timed: u64,
    /// Nanoseconds that these programs took, from decoding to verdict.
    #[serde(default)]
    pub nanoseconds: u64,
    /// The number of programs by the number of operations they executed.
    pub executed: BTreeMap<u32, u64>,
    /// The same, in sixteenths of the operations that a program has; programs
    /// with 16 or more count as if they ended at 16.
    pub sixteenths: BTreeMap<u32, u64>,
    /// How programs ended.
    pub ends: BTreeMap<String, u64>,
    /// By verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// By role.
    pub ops: BTreeMap<String, OpCount>,
    /// By role: the operation at which a program ended with a BUG or an OOPS,
    /// counted in all programs.
    #[serde(default)]
    pub stops: BTreeMap<String, u64>,
    /// Counts that only programs of the lockless layer have.
    #[serde(default)]
    pub lockless: Lockless,
    /// How far calls of the slow path got.
    #[serde(default)]
    pub slow: Slow,
    /// WARN and BUG sites by name.
    pub sites: BTreeMap<String, u64>,
    /// Gaps: functions that are not provided.
    pub gaps: BTreeMap<String, u64>,
}

fn add_map<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, n) in from {
        *to.entry(key.clone()).or_default() += n;
    }
}

impl Stats {
    /// Adds the counts of another process or folder.
    pub fn merge(&mut self, other: &Self) {
        if self.side.is_empty() {
            self.side.clone_from(&other.side);
        }
        if self.layer.is_empty() {
            self.layer.clone_from(&other.layer);
        }
        self.programs += other.programs;
        self.sampled += other.sampled;
        self.careful += other.careful;
        self.timed += other.timed;
        self.nanoseconds += other.nanoseconds;
        add_map(&mut self.executed, &other.executed);
        add_map(&mut self.sixteenths, &other.sixteenths);
        add_map(&mut self.ends, &other.ends);
        add_map(&mut self.verdicts, &other.verdicts);
        add_map(&mut self.stops, &other.stops);
        add_map(&mut self.sites, &other.sites);
        add_map(&mut self.gaps, &other.gaps);
        self.lockless.merge(&other.lockless);
        self.slow.merge(&other.slow);
        for (role, count) in &other.ops {
            self.ops.entry(role.clone()).or_default().add(count);
        }
    }

    /// The median of executed operations, of 16.
    pub fn median_of_16(&self) -> u32 {
        let total: u64 = self.sixteenths.values().sum();
        let mut seen = 0;
        for (executed, n) in &self.sixteenths {
            seen += n;
            if seen * 2 >= total {
                return *executed;
            }
        }
        0
    }

    /// Seconds that a program takes in process, decoding to verdict.
    pub fn seconds_per_program(&self) -> f64 {
        self.nanoseconds as f64 * 1e-9 / self.timed.max(1) as f64
    }

    /// The mean of executed operations.
    pub fn mean_executed(&self) -> f64 {
        let total: u64 = self.executed.values().sum();
        let sum: u64 = self
            .executed
            .iter()
            .map(|(ops, n)| u64::from(*ops) * n)
            .sum();
        sum as f64 / total.max(1) as f64
    }
}

/// The counters while programs run; cheap, without names.
pub struct Counter {
    side: String,
    programs: u64,
    sampled: u64,
    careful: u64,
    timed: u64,
    nanoseconds: u64,
    executed: [u64; abi::GD_MAX_OPS as usize + 1],
    sixteenths: [u64; 17],
    ends: [u64; 6],
    verdicts: [u64; 5],
    ops: Vec<OpCount>,
    stops: [u64; 256],
    script: Script,
    slow: Slow,
    layer: String,
    sites: Vec<u64>,
    gaps: BTreeMap<String, u64>,
}

impl Counter {
    /// Counters for traces of a side.
    pub fn new(side: &str) -> Self {
        Self {
            side: side.into(),
            programs: 0,
            sampled: 0,
            careful: 0,
            timed: 0,
            nanoseconds: 0,
            executed: [0; abi::GD_MAX_OPS as usize + 1],
            sixteenths: [0; 17],
            ends: [0; 6],
            verdicts: [0; 5],
            ops: vec![OpCount::default(); 256],
            stops: [0; 256],
            script: Script::default(),
            slow: Slow::default(),
            layer: String::new(),
            sites: Vec::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// The same for programs that are generated for a layer.
    pub fn of_layer(mut self, layer: layer::Focus) -> Self {
        self.layer = layer::name(layer).into();
        self
    }

    /// The number of programs so far.
    pub fn programs(&self) -> u64 {
        self.programs
    }

    /// Counts a program without looking at it.
    pub fn count_empty(&mut self) {
        self.programs += 1;
    }

    /// Adds the time that a program took.
    pub fn time(&mut self, time: Duration) {
        self.timed += 1;
        self.nanoseconds += time.as_nanos() as u64;
    }

    /// Counts a program, its sites and its end, but not its operations.
    pub fn count(&mut self, prog: &Program, trace: &Trace, verdict: &Verdict) {
        self.programs += 1;
        self.verdicts[verdict_index(verdict)] += 1;
        if let Some((End::Bug | End::Oops, executed)) = trace.end() {
            let last = (executed as usize).wrapping_sub(1);
            if let Some(last) = prog.ops().get(last) {
                self.stops[usize::from(last.op)] += 1;
            }
        }
        if let Verdict::Gap(_, name) = verdict {
            *self.gaps.entry(name.clone()).or_default() += 1;
        }
        for rec in trace.records() {
            if matches!(u32::from(rec.kind), abi::GD_R_WARN | abi::GD_R_BUG) {
                let id = rec.c as usize;
                if id >= self.sites.len() {
                    // These numbers are small; a wild one is a bug of the side.
                    if id > 1 << 16 {
                        continue;
                    }
                    self.sites.resize(id + 1, 0);
                }
                self.sites[id] += 1;
            }
        }
    }

    /// Counts a program whose operations were counted as one of a careful caller.
    pub fn count_careful(&mut self, prog: &Program) {
        self.careful += 1;
        self.slow.careful += u64::from(layer::is_slow(prog));
    }

    /// Counts a program and its operations.
    pub fn count_in_full(&mut self, prog: &Program, trace: &Trace, verdict: &Verdict) {
        self.count(prog, trace, verdict);
        self.sampled += 1;
        self.slow.programs += u64::from(layer::is_slow(prog));
        let mut executed = 0;
        for (i, (op, recs)) in prog.ops().iter().zip(trace.ops()).enumerate() {
            executed += 1;
            self.script.count(prog, i, recs);
            self.slow.count(prog, op.op, recs);
            let count = &mut self.ops[usize::from(op.op)];
            let Some(Record::Ret(ret, _)) = recs.last().map(Record::from) else {
                continue;
            };
            if ret == Ret::Absent {
                count.absent += 1;
                continue;
            }
            let warned = recs.iter().any(|r| u32::from(r.kind) == abi::GD_R_WARN);
            count.uses += 1;
            count.warned += u64::from(warned);
            let success = match ret {
                Ret::Void => !warned,
                Ret::Bool(value) => value,
                Ret::Errno(errno) => errno == 0,
                Ret::Folio(_) | Ret::Page(_) => true,
                // The number of bytes left.
                Ret::Int(n) if walk::counts_what_is_left(op.op) => n == 0,
                // A wrapper's flags, a new count, a number of pages.
                Ret::Int(n) => n > 0,
                Ret::Stopped => {
                    count.stopped += 1;
                    false
                }
                Ret::Null | Ret::Absent | Ret::Unknown(..) => false,
            };
            if success {
                count.succeeded += 1;
            } else {
                count.failed += 1;
            }
        }
        self.executed[executed.min(abi::GD_MAX_OPS as usize)] += 1;
        let sixteenths = match prog.nr_ops() {
            0 => None,
            n @ 1..16 => Some(executed * 16 / n),
            _ => Some(executed),
        };
        if let Some(sixteenths) = sixteenths {
            self.sixteenths[sixteenths.min(16)] += 1;
        }
        let end = match trace.end() {
            Some((End::Done, _)) => 0,
            Some((End::Bug, _)) => 1,
            Some((End::Oops, _)) => 2,
            Some((End::Limit, _)) => 3,
            Some((End::Gap, _)) => 4,
            _ => 5,
        };
        self.ends[end] += 1;
    }

    /// The counts since the last call, by name.
    pub fn take(&mut self) -> Stats {
        let named = |names: &[&str], counts: &[u64]| -> BTreeMap<String, u64> {
            let pairs = names.iter().zip(counts).filter(|(_, n)| **n > 0);
            pairs.map(|(name, n)| ((*name).into(), *n)).collect()
        };
        let numbered = |counts: &[u64]| -> BTreeMap<u32, u64> {
            let pairs = counts.iter().enumerate().filter(|(_, n)| **n > 0);
            pairs.map(|(i, n)| (i as u32, *n)).collect()
        };
        let stats = Stats {
            side: self.side.clone(),
            layer: self.layer.clone(),
            lockless: self.script.named(),
            slow: self.slow,
            programs: self.programs,
            sampled: self.sampled,
            careful: self.careful,
            timed: self.timed,
            nanoseconds: self.nanoseconds,
            executed: numbered(&self.executed),
            sixteenths: numbered(&self.sixteenths),
            ends: named(ENDS, &self.ends),
            verdicts: named(VERDICTS, &self.verdicts),
            ops: ops::table()
                .iter()
                .map(|op| (op.role.to_string(), self.ops[usize::from(op.id)]))
                .filter(|(_, count)| *count != OpCount::default())
                .collect(),
            stops: ops::table()
                .iter()
                .map(|op| (op.role.to_string(), self.stops[usize::from(op.id)]))
                .filter(|(_, n)| *n > 0)
                .collect(),
            sites: self
                .sites
                .iter()
                .enumerate()
                .filter(|(_, n)| **n > 0)
                .map(|(id, n)| (SiteId(id as u32).to_string(), *n))
                .collect(),
            gaps: std::mem::take(&mut self.gaps),
        };
        let layer = std::mem::take(&mut self.layer);
        *self = Self::new(&self.side);
        self.layer = layer;
        stats
    }
}

const ENDS: &[&str] = &["done", "BUG", "OOPS", "step limit", "gap", "cut off"];
const VERDICTS: &[&str] = &["match", "divergence", "broken law", "gap", "absent"];

fn verdict_index(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Match => 0,
        Verdict::Divergence(_) => 1,
        Verdict::BrokenLaw(..) => 2,
        Verdict::Gap(..) => 3,
        Verdict::Absent(_) => 4,
    }
}

/// The revision of a side by its name, for tables; `None` if there is no such side any
/// more.
pub fn side_rev(side: &str) -> Option<Rev> {
    let mut all = crate::side::list().into_iter();
    all.find(|info| info.name == side).map(|info| info.rev)
}
