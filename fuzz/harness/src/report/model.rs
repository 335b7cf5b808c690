// SPDX-License-Identifier: GPL-2.0
//! A report as data.

use serde::Serialize;

use super::around::{Around, Shown, around};
use super::behaviour::{behaviour, differs, joined};
use super::events::{Event, events};
use super::finding::{self, Finding};
use super::kernels::Kernel;
use super::log;
use super::origin::Origin;
use super::sentences;
use super::show::Names;
use super::suspects::Suspects;
use super::title;
use crate::expect::Unmet;
use crate::ops;
use crate::oracle::{Oracle, Verdict, Which};
use crate::program::{Program, text};
use crate::side::SideInfo;

/// The version of the JSON format: it changes when a field is removed or changes its
/// meaning.
pub const VERSION: u32 = 1;

/// A line of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The line in a `.gup` file.
    pub text: String,
    /// The sentence that describes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// Do the sides diverge here?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub here: bool,
}

/// A broken law.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LawReport {
    /// Its name.
    pub name: &'static str,
    /// The law.
    pub text: &'static str,
    /// What was expected and what was observed.
    pub what: String,
}

/// One side at the operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// Left or right.
    #[serde(rename = "side")]
    pub which: Which,
    /// Its description.
    #[serde(flatten)]
    pub info: SideInfo,
    /// What it does there; follows the function's name.
    pub does: String,
    /// The log of a booted kernel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Its part of the first difference; follows the function's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
    /// Events and results.
    pub events: Vec<Event>,
}

/// The report of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// The subject.
    pub title: String,
    /// The file with the program.
    pub path: String,
    /// The verdict as fields.
    #[serde(flatten)]
    pub finding: Finding,
    /// The function concerned.
    pub function: String,
    /// The reported side; the other one is its reference.
    pub faulty: Which,
    /// The broken law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub law: Option<LawReport>,
    /// Unmet expectations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<Unmet>,
    /// The sides; one if only the laws were checked.
    pub sides: Vec<SideReport>,
    /// The program.
    pub program: Vec<Line>,
    /// The text with its expectations, if one is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Pages and page tables around the operation.
    #[serde(flatten)]
    pub around: Option<Around>,
    /// Suspect lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<Suspects>,
    /// The behaviour of other kernels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<Kernel>,
    /// The command that reproduces it.
    pub command: String,
    /// The command that writes a mail.
    #[serde(skip)]
    pub report: String,
    /// The file's name on the recipient's machine,
    #[serde(skip)]
    pub file: String,
    /// and the command for it.
    #[serde(skip)]
    pub elsewhere: String,
}

impl Report {
    /// The report of a verdict; the oracle has just judged `prog`.
    pub fn new(
        oracle: &Oracle,
        prog: &Program,
        verdict: &Verdict,
        path: Option<&str>,
        origin: &Origin,
    ) -> Self {
        Self::with_unmet(oracle, prog, verdict, Vec::new(), path, origin)
    }

    /// The same with unmet expectations.  They are the finding if the verdict is not one.
    pub fn with_unmet(
        oracle: &Oracle,
        prog: &Program,
        verdict: &Verdict,
        unmet: Vec<Unmet>,
        path: Option<&str>,
        origin: &Origin,
    ) -> Self {
        let names = Names::new(prog);
        let rev = oracle.revisions().left;
        let mut finding = finding::finding(oracle, prog, verdict);
        let first = unmet.first().filter(|_| verdict.finding().is_none());
        if let Some(unmet) = first {
            finding.verdict = "unmet expectation";
            finding.at(oracle, prog, unmet.op_index);
            finding.what = Some(unmet.expected.clone());
            finding.summary = unmet.to_string();
        }
        let index = finding.op_index;
        let faulty = faulty(oracle, verdict, first);
        let shown = Shown::of(oracle, prog, index.unwrap_or(prog.nr_ops()));
        // a state after the last operation is that operation's result
        let op = index
            .and_then(|index| prog.ops().get(index))
            .or(prog.ops().last());
        let info = op.and_then(|op| ops::info(op.op));
        let function = |rev| info.map_or("nothing", |info| info.name_or_role(rev));
        let difference = match verdict {
            Verdict::Divergence(d) => Some(d),
            _ => None,
        };
        let side = |shown: &Shown| {
            let info = shown.side.info();
            let function = function(info.rev);
            SideReport {
                which: shown.which,
                info: info.clone(),
                does: joined(&behaviour(shown, function, difference, &names)),
                differs: difference.map(|d| differs(d, shown, function, &names)),
                log: log::lines(shown),
                events: match index {
                    Some(_) => events(&shown.records, shown.side, &names),
                    None => Vec::new(),
                },
            }
        };
        let about = shown.get(faulty as usize).unwrap_or(&shown[0]);
        let function = function(about.side.info().rev).to_string();
        let behaviour = match (verdict, first) {
            (Verdict::Divergence(d), _) => title::difference(d, about, &function, &names),
            (Verdict::BrokenLaw(_, broken), _) => broken.law.breach().into(),
            (_, Some(unmet)) => format!(": expected {}; {}", unmet.expected, unmet.found),
            _ => finding.summary.clone(),
        };
        let on = match index.filter(|_| first.is_none()) {
            Some(index) => title::on(prog, index, about, &names),
            None => Vec::new(),
        };
        let path = path.unwrap_or("FILE");
        let (left, right) = (&oracle.pair().left.info().name, oracle.pair().right_name());
        let file = file_name(path);
        Self {
            version: VERSION,
            title: title::title(&function, &behaviour, &on),
            path: path.into(),
            function,
            faulty,
            law: match verdict {
                Verdict::BrokenLaw(_, broken) => Some(LawReport {
                    name: broken.law.name(),
                    text: broken.law.text(),
                    what: broken.what.clone(),
                }),
                _ => None,
            },
            unmet,
            sides: shown.iter().map(side).collect(),
            program: lines(prog, rev, index),
            source: None,
            around: index.map(|index| around(oracle, prog, verdict, index, &names, &shown)),
            suspects: Vec::new(),
            kernels: Vec::new(),
            command: origin.command("run", path, left, right),
            report: origin.command("report", path, left, right),
            elsewhere: origin.elsewhere().command("run", &file, left, right),
            file,
            finding,
        }
    }

    /// The reported side.
    pub fn reported(&self) -> &SideReport {
        let found = self.sides.iter().find(|side| side.which == self.faulty);
        found.unwrap_or(&self.sides[0])
    }

    /// The reference side, if there is one.
    pub fn other(&self) -> Option<&SideReport> {
        self.sides.iter().find(|side| side.which != self.faulty)
    }

    /// Is there a finding to report?
    pub fn is_finding(&self) -> bool {
        matches!(
            self.finding.verdict,
            "divergence" | "broken law" | "unmet expectation"
        )
    }

    /// The program as in a `.gup` file.
    pub fn program_text(&self) -> String {
        match &self.source {
            Some(source) => source.clone(),
            None => self
                .program
                .iter()
                .map(|line| format!("{}\n", line.text))
                .collect(),
        }
    }
}

/// The last component of a path.
fn file_name(path: &str) -> String {
    let name = std::path::Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |name| name.display().to_string())
}

/// The side to report.
pub(super) fn faulty(oracle: &Oracle, verdict: &Verdict, unmet: Option<&Unmet>) -> Which {
    let (left, right) = (&oracle.pair().left, &oracle.pair().right);
    let Some(right) = right else {
        return Which::Left;
    };
    let name = |side: &SideInfo| side.name.clone();
    let (left, right) = (name(left.info()), name(right.info()));
    if let Verdict::BrokenLaw(which, _) = verdict {
        return *which;
    }
    if let Some(unmet) = unmet {
        return match unmet.side == right {
            true => Which::Right,
            false => Which::Left,
        };
    }
    let is_changed = |name: &str| name.contains(['+', ',']);
    let difference = match verdict {
        Verdict::Divergence(d) => Some(d),
        _ => None,
    };
    let sides = [
        (&left[..], is_changed(&left)),
        (&right[..], is_changed(&right)),
    ];
    title::reported(sides, difference)
}

fn lines(prog: &Program, rev: crate::rev::Rev, here: Option<usize>) -> Vec<Line> {
    let text = text::format(prog, rev);
    let lines = text.lines().zip(sentences::program(prog, rev));
    lines
        .map(|(text, line)| Line {
            text: text.into(),
            says: line.sentence,
            here: line.op.is_some() && line.op == here,
        })
        .collect()
}
