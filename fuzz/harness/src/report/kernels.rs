// SPDX-License-Identifier: GPL-2.0
//! Runs a finding on other kernels: which of them behave the same?

use std::fmt;

use serde::Serialize;

use super::around::Shown;
use super::behaviour::{behaviour, joined};
use super::model::faulty;
use super::show::Names;
use crate::accepted::RevisionPair;
use crate::compare::{Comparer, Divergence};
use crate::expect::Expectations;
use crate::ops;
use crate::oracle::{Oracle, Verdict, Which};
use crate::program::Program;
use crate::side::{self, Pair, Side};
use crate::trace::{Record, Ret, Trace};

/// How a kernel behaves, compared with the two sides of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Behaves {
    /// Like the reported side.
    Faulty,
    /// Like the other side.
    Other,
    /// Like neither.
    Otherwise,
    /// It does not have the function, or does not reach it.
    Absent,
    /// It cannot be run here.
    Unknown,
}

impl fmt::Display for Behaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Faulty => "the same",
            Self::Other => "not affected",
            Self::Otherwise => "differs from both",
            Self::Absent => "not comparable",
            Self::Unknown => "not run",
        })
    }
}

/// One kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kernel {
    /// Its side: `c:6.12`.
    pub side: String,
    /// The release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Its behaviour.
    pub behaves: Behaves,
    /// The same in words.
    pub does: String,
    /// Do it and its Rust rules agree on the program?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows_its_rules: Option<bool>,
}

/// The kernels on which to run a finding of these sides: the prepared known ones in the
/// same configuration, or the versions of the FOLL_PIN series.
pub fn known(pair: &Pair) -> Vec<String> {
    let left = pair.left.info();
    let is_kernel = |name: &str| match left.rev.is_series() {
        true => csrc::series().iter().any(|series| series.name == name),
        false => {
            let (kernel, _) = gup_sides::recipe::split_name(name);
            gup_sides::tree::is_known(kernel)
        }
    };
    let infos = side::c::infos().into_iter().filter(|info| {
        let kernel = info.name.strip_prefix("c:").unwrap_or(&info.name);
        let is_side = [&left.name as &str, pair.right_name()].contains(&info.name.as_str());
        is_kernel(kernel) && info.debug_vm == left.debug_vm && !is_side
    });
    let mut infos: Vec<_> = infos.collect();
    infos.sort_by_key(|info| (info.rev.place(), info.point));
    infos.into_iter().map(|info| info.name).collect()
}

/// Which of two sides another side follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// This one.
    One(Which),
    /// Neither.
    Neither,
    /// It does not have the function, or does not reach it.
    Absent,
}

/// A finding, to be run on other kernels.  The oracle has just judged the program.
pub struct Survey<'a> {
    /// The oracle with the sides.
    pub oracle: &'a Oracle,
    /// The program.
    pub prog: &'a Program,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The expectations, if one of them is not met.
    pub expectations: &'a Expectations,
    /// The operation concerned.
    pub op_index: usize,
}

impl Survey<'_> {
    /// Runs the program on other kernels.
    pub fn run(&self, kernels: &[String]) -> Vec<Kernel> {
        let mut comparer = Comparer::default();
        // rules may be those of a kernel that is not prepared
        let right = |name: &String| match side::default_right(name) {
            right if side::describe(&right).is_ok() => right,
            _ => "none".into(),
        };
        let ask = |name: &String| match Pair::open(name, &right(name)) {
            Ok(pair) => self.ask(Oracle::new(pair), &mut comparer),
            Err(error) => Kernel {
                side: name.clone(),
                release: None,
                behaves: Behaves::Unknown,
                does: error.to_string(),
                follows_its_rules: None,
            },
        };
        kernels.iter().map(ask).collect()
    }

    fn ask(&self, mut kernel: Oracle, comparer: &mut Comparer) -> Kernel {
        let own = kernel.judge(self.prog);
        let info = kernel.pair().left.info().clone();
        let behaves = match self.verdict {
            Verdict::Divergence(d) => self.behaves(d, &kernel, comparer),
            Verdict::BrokenLaw(_, broken) => {
                match Pair::open(&info.name, "none").map(|pair| Oracle::new(pair).judge(self.prog))
                {
                    Ok(Verdict::BrokenLaw(_, other)) if other.law == broken.law => Behaves::Faulty,
                    Ok(Verdict::BrokenLaw(..)) => Behaves::Otherwise,
                    Ok(Verdict::Match | Verdict::Divergence(_)) => Behaves::Other,
                    Ok(Verdict::Gap(..) | Verdict::Absent(_)) | Err(_) => Behaves::Absent,
                }
            }
            Verdict::Match | Verdict::Gap(..) | Verdict::Absent(_) => {
                let trace = kernel.left_trace();
                match self.expectations.unmet(self.prog, trace, &info).is_empty() {
                    true => Behaves::Other,
                    false => Behaves::Faulty,
                }
            }
        };
        Kernel {
            does: self.does(kernel.pair().left.as_ref(), kernel.left_trace()),
            side: info.name,
            release: info.release,
            behaves,
            follows_its_rules: match own {
                Verdict::Match => kernel.pair().right.is_some().then_some(true),
                Verdict::Divergence(_) | Verdict::BrokenLaw(..) => Some(false),
                Verdict::Gap(..) | Verdict::Absent(_) => None,
            },
        }
    }

    /// Describes what a side does at the operation.
    pub fn does(&self, side: &dyn Side, trace: &Trace) -> String {
        let index = self.op_index;
        let names = Names::new(self.prog);
        let shown = Shown::new(Which::Left, side, trace, self.prog, index);
        let op = self.prog.ops().get(index).and_then(|op| ops::info(op.op));
        let rev = side.info().rev;
        let function = op.map_or("?", |info| info.name_or_role(rev));
        let phrases = behaviour(&shown, function, None, &names);
        format!("{function}() {}", joined(&phrases))
    }

    fn behaves(&self, d: &Divergence, kernel: &Oracle, comparer: &mut Comparer) -> Behaves {
        let side = kernel.pair().left.as_ref();
        match self.follows(d, side, kernel.left_trace(), comparer) {
            Follows::Absent => Behaves::Absent,
            Follows::Neither => Behaves::Otherwise,
            Follows::One(which) if which == faulty(self.oracle, self.verdict, None) => {
                Behaves::Faulty
            }
            Follows::One(_) => Behaves::Other,
        }
    }

    /// Which side another side follows in the field that differs; `trace` is its trace of
    /// the program.
    pub fn follows(
        &self,
        d: &Divergence,
        side: &dyn Side,
        trace: &Trace,
        comparer: &mut Comparer,
    ) -> Follows {
        let rev = side.info().rev;
        let result = trace.ops().nth(d.op_index).and_then(<[_]>::last);
        match result.map(Record::from) {
            None | Some(Record::Ret(Ret::Absent, _)) => return Follows::Absent,
            _ => {}
        }
        let mut is_as = |which: Which| {
            let revisions = self.oracle.revisions();
            let (theirs, right) = match which {
                Which::Left => (self.oracle.left_trace(), revisions.left),
                Which::Right => (self.oracle.right_trace(), revisions.right),
            };
            let revisions = RevisionPair { left: rev, right };
            let prog = &self.prog.0;
            let all = comparer.differences_at(prog, trace, theirs, revisions, d.op_index)?;
            let is_it = |other: &Divergence| (other.field, other.page) == (d.field, d.page);
            Some(!all.iter().any(is_it))
        };
        match (is_as(Which::Left), is_as(Which::Right)) {
            (Some(true), Some(false)) => Follows::One(Which::Left),
            (Some(false), Some(true)) => Follows::One(Which::Right),
            (Some(_), Some(_)) => Follows::Neither,
            _ => Follows::Absent,
        }
    }
}
