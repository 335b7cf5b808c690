// SPDX-License-Identifier: GPL-2.0
//! A verdict as fields, and as one line.

use serde::Serialize;

use super::show::{self, Names};
use crate::compare::{Divergence, Field, Value};
use crate::ops;
use crate::oracle::{Oracle, Verdict, Which};
use crate::program::{Program, text};
use crate::side::Side;

/// A verdict as fields, for `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `match`, `divergence`, `broken law`, `gap`, `absent`.
    pub verdict: &'static str,
    /// The operation's number, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_index: Option<usize>,
    /// The operation as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Its actions as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<String>,
    /// The field that differs, or the broken law.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The page concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The left side's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The right side's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// The one-line summary.
    pub summary: String,
}

impl Finding {
    /// Sets the operation.
    pub(super) fn at(&mut self, oracle: &Oracle, prog: &Program, index: usize) {
        let names = Names::new(prog);
        let op = prog.ops().get(index);
        self.op_index = Some(index);
        self.op = op.map(|op| text::format_op(op, oracle.revisions().left, names.folios()));
        let acts = prog.acts_range(index);
        self.script = acts.map(|i| names.act(i as u16)).collect();
    }
}

/// Describes the verdict on `prog`; the oracle has just judged it.
pub fn finding(oracle: &Oracle, prog: &Program, verdict: &Verdict) -> Finding {
    let names = Names::new(prog);
    let mut finding = Finding {
        verdict: verdict.name(),
        op_index: None,
        op: None,
        script: Vec::new(),
        what: None,
        page: None,
        left: None,
        right: None,
        summary: summary(oracle, prog, verdict),
    };
    if let Some(index) = verdict.op_index() {
        finding.at(oracle, prog, index);
    }
    match verdict {
        Verdict::Divergence(d) => {
            let right: &dyn Side = match &oracle.pair().right {
                Some(right) => right.as_ref(),
                None => oracle.pair().left.as_ref(),
            };
            finding.what = Some(d.field.name().into());
            finding.page = d.page.map(|page| names.page(page));
            finding.left = Some(value(d, d.left, oracle.pair().left.as_ref(), &names));
            finding.right = Some(value(d, d.right, right, &names));
        }
        Verdict::BrokenLaw(which, broken) => {
            finding.what = Some(broken.law.name().into());
            finding.page = broken.page.map(|page| names.page(page));
            let said = Some(broken.what.clone());
            match which {
                Which::Left => finding.left = said,
                Which::Right => finding.right = said,
            }
        }
        Verdict::Gap(_, name) => finding.what = Some(name.clone()),
        Verdict::Match | Verdict::Absent(_) => {}
    }
    finding
}

/// One line about the verdict.
pub fn summary(oracle: &Oracle, prog: &Program, verdict: &Verdict) -> String {
    let names = Names::new(prog);
    let rev = oracle.revisions().left;
    let at = |index: usize| match prog.ops().get(index).and_then(|op| ops::info(op.op)) {
        Some(info) => format!("operation {} ({})", index + 1, info.name_or_role(rev)),
        None => "the end of the program".into(),
    };
    match verdict {
        Verdict::Match => match oracle.pair().right {
            Some(_) => "the sides agree".into(),
            None => "no law is broken".into(),
        },
        Verdict::Divergence(d) => {
            let on = of_page(d, &names);
            format!("{}{on} differs at {}", d.field.name(), at(d.op_index))
        }
        Verdict::BrokenLaw(which, b) => {
            let on = match b.page {
                Some(page) => format!(" on {}", names.page(page)),
                None => String::new(),
            };
            let name = side_name(oracle, *which);
            format!("{name} breaks the law {}{on} at {}", b.law, at(b.op_index))
        }
        Verdict::Gap(which, gap) => {
            format!("{} does not provide {gap}", side_name(oracle, *which))
        }
        Verdict::Absent(index) => format!(
            "not comparable from {} on: only one side has it",
            at(*index)
        ),
    }
}

/// ` of h`, if the divergence is about a page.
fn of_page(d: &Divergence, names: &Names) -> String {
    match (d.page, d.field) {
        (None, _) => String::new(),
        (Some(page), Field::Call) => format!(" for {}", names.page(page)),
        (Some(page), _) => format!(" of {}", names.page(page)),
    }
}

fn side_name(oracle: &Oracle, which: Which) -> String {
    match which {
        Which::Left => oracle.pair().left.info().name.clone(),
        Which::Right => oracle.pair().right_name().into(),
    }
}

/// One side's value of a divergence.
fn value(d: &Divergence, value: Value, side: &dyn Side, names: &Names) -> String {
    match (d.field, value) {
        (Field::Interleaving, Value::Nothing) => "the hook point is not reached".into(),
        _ => show::value(value, side, names),
    }
}
