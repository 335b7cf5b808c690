// SPDX-License-Identifier: GPL-2.0
//! Bug reports and reproducers.
//!
//! A report is plain text: what was compared, the program with the operation
//! marked, both values, the state around it, and how to see it again.  A
//! reproducer is a program in text form whose comments say the same in short.

mod entries;
mod file;
mod show;

use std::fmt::Write;

use csrc::abi::gd_op;
use serde::Serialize;

pub use file::hash;
pub use file::{reproducer, save_reproducer, write_atomically};
pub use show::{Names, ret_words};

use crate::compare::{Divergence, Field, Value};
use crate::laws::tables::Tables;
use crate::ops;
use crate::oracle::{Oracle, Verdict, Which};
use crate::pages::Pages;
use crate::program::vmas::Vmas;
use crate::program::walk::is_any_call;
use crate::program::{Program, text};
use crate::side::Side;
use crate::trace::{PageState, Record, Trace};

/// Pages that a report shows, at most.
const SHOWN_PAGES: usize = 8;
/// Lines on page tables that it shows, at most.
const SHOWN_ENTRIES: usize = 8;

/// How to see a finding again, beside `gupdiff run`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Make variables that the sides were built with: `KERNEL=6.1 PATCH=p`;
    /// empty when the scripts ran without any.
    pub make: Option<String>,
    /// The sides were named on the command line and must be there again.
    pub named: bool,
}

impl Origin {
    /// Variables that give the same sides again.
    pub fn of_variables(variables: &[(&str, String)]) -> Self {
        let words = variables
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        Self {
            make: Some(words.collect::<Vec<_>>().join(" ")),
            named: false,
        }
    }

    /// From the environment that the Makefile sets.
    pub fn from_env() -> Self {
        Self {
            make: std::env::var("GUPDIFF_MAKE").ok(),
            named: false,
        }
    }

    /// The command that runs `path` on these sides, as one line for a shell.
    fn command(&self, path: &str, left: &str, right: &str) -> String {
        let (mut line, named) = match self.make.as_deref() {
            Some("") => ("scripts/gupdiff".to_string(), self.named),
            Some(make) => (format!("{make} scripts/gupdiff"), self.named),
            None => ("gupdiff".to_string(), true),
        };
        line += &format!(" run {}", quoted(path));
        if named {
            line += &format!(" --left {left} --right {right}");
        }
        line
    }
}

/// A verdict in fields, for `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `match`, `divergence`, `broken law`, `gap`, `absent`.
    pub verdict: &'static str,
    /// Which operation, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_index: Option<usize>,
    /// That operation as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Its actions of the script, as text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<String>,
    /// What differs, or which law is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// On which page.
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

/// Describes the verdict on `prog`; the oracle has just judged it.
pub fn finding(oracle: &Oracle, prog: &Program, verdict: &Verdict) -> Finding {
    let names = Names::new(prog);
    let op_index = verdict.op_index();
    let op = op_index
        .and_then(|i| prog.ops().get(i))
        .map(|op| text::format_op(op, oracle.revisions().left, names.folios()));
    let mut finding = Finding {
        verdict: verdict.name(),
        op_index,
        op,
        script: op_index
            .map(|i| prog.acts_range(i))
            .unwrap_or_default()
            .map(|i| names.act(i as u16))
            .collect(),
        what: None,
        page: None,
        left: None,
        right: None,
        summary: summary(oracle, prog, verdict),
    };
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

/// One line on the verdict.
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

/// ` of h`, if the divergence is on a page.
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

/// The sides, one per line.
pub fn sides_header(oracle: &Oracle) -> String {
    let mut out = format!("left   {}\n", oracle.pair().left.info());
    match &oracle.pair().right {
        Some(right) => writeln!(out, "right  {}", right.info()),
        None => writeln!(out, "right  none: the laws alone"),
    }
    .expect("a string takes everything");
    out
}

/// The report on a verdict; the oracle has just judged `prog`.
pub fn report(
    oracle: &Oracle,
    prog: &Program,
    verdict: &Verdict,
    path: Option<&str>,
    origin: &Origin,
) -> String {
    let names = Names::new(prog);
    let mut out = String::new();
    let title = match verdict {
        Verdict::Match => "match",
        Verdict::Divergence(_) => "DIVERGENCE",
        Verdict::BrokenLaw(..) => "BROKEN LAW",
        Verdict::Gap(..) => "gap",
        Verdict::Absent(_) => "not comparable",
    };
    out += &format!("{title}: {}\n\n", summary(oracle, prog, verdict));
    out += &sides_header(oracle);
    out += "\nprogram\n";
    out += &marked_program(oracle, prog, verdict);
    out += "\n";
    out += &values(oracle, verdict, &names);
    if let Some(index) = verdict.op_index() {
        out += &around(oracle, prog, verdict, index, &names);
    }
    out += &reproduce(oracle, path, origin);
    out
}

/// The program's text with `>>>` before the operation of the verdict.
fn marked_program(oracle: &Oracle, prog: &Program, verdict: &Verdict) -> String {
    let text = text::format(prog, oracle.revisions().left);
    let lines: Vec<&str> = text.lines().collect();
    let first_op = lines.len() - prog.nr_all();
    // the lines of the script are below their operations
    let line = |index: usize| first_op + index + prog.acts_range(index).start;
    let marked = verdict.op_index().map(line);
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        let mark = if Some(i) == marked { ">>>" } else { "   " };
        out += &format!("  {mark} {line}\n");
    }
    if marked.is_some_and(|m| m >= lines.len()) {
        out += "  >>> (after the last operation)\n";
    }
    out
}

fn values(oracle: &Oracle, verdict: &Verdict, names: &Names) -> String {
    let left = oracle.pair().left.as_ref();
    let right = oracle.pair().right.as_deref().unwrap_or(left);
    match verdict {
        Verdict::Divergence(d) => {
            let on = of_page(d, names);
            format!(
                "{}{on}\n  left   {}\n  right  {}\n",
                d.field.name(),
                value(d, d.left, left, names),
                value(d, d.right, right, names)
            )
        }
        Verdict::BrokenLaw(which, b) => {
            let on = match b.page {
                Some(page) => format!("{}: ", names.page(page)),
                None => String::new(),
            };
            format!(
                "law {}: {}\n  {}  {on}{}\n",
                b.law,
                b.law.text(),
                which.name(),
                b.what
            )
        }
        Verdict::Gap(..) | Verdict::Absent(_) | Verdict::Match => String::new(),
    }
}

/// One side's value of a divergence.
fn value(d: &Divergence, value: Value, side: &dyn Side, names: &Names) -> String {
    match (d.field, value) {
        (Field::Interleaving, Value::Nothing) => "the hook point is not reached".into(),
        _ => show::value(value, side, names),
    }
}

/// What both sides showed at the operation: events, and pages before and after.
fn around(
    oracle: &Oracle,
    prog: &Program,
    verdict: &Verdict,
    index: usize,
    names: &Names,
) -> String {
    let left = oracle.pair().left.as_ref();
    let mut shown = vec![Shown::new(
        Which::Left,
        left,
        oracle.left_trace(),
        prog,
        index,
    )];
    if let Some(right) = &oracle.pair().right {
        let trace = oracle.right_trace();
        shown.push(Shown::new(Which::Right, right.as_ref(), trace, prog, index));
    }
    let mut pages = interesting(prog, verdict, index, names, &shown);
    let more = pages.len().saturating_sub(SHOWN_PAGES);
    pages.truncate(SHOWN_PAGES);

    let mut out = String::from("\npages\n");
    for page in &pages {
        out += &format!("  {}\n", names.page(*page));
        let states: Vec<_> = shown
            .iter()
            .map(|s| (s.before.get(&prog.0, *page), s.after.get(&prog.0, *page)))
            .collect();
        match &states[..] {
            [(before, after), right] if *right == (*before, *after) => {
                out += &page_lines("both", before, after);
            }
            _ => {
                for (s, (before, after)) in shown.iter().zip(&states) {
                    out += &page_lines(s.which.name(), before, after);
                }
            }
        }
    }
    if pages.is_empty() {
        out += "  none\n";
    }
    if more > 0 {
        out += &format!("  and {more} more\n");
    }
    out += &page_tables(prog, index, oracle.left_trace(), names);
    out += "\nevents and results of the operation\n";
    for s in &shown {
        let mut any = false;
        for line in show::events(&s.records, s.side, names) {
            let side = if any { "" } else { s.which.name() };
            out += &format!("  {side:<5}  {line}\n");
            any = true;
        }
        if !any {
            out += &format!("  {:<5}  nothing\n", s.which.name());
        }
    }
    out
}

fn page_lines(name: &str, before: &PageState, after: &PageState) -> String {
    if before == after {
        return format!("    {name:<5}  unchanged  {}\n", show::page_state(before));
    }
    format!(
        "    {name:<5}  before     {}\n           after      {}\n",
        show::page_state(before),
        show::page_state(after)
    )
}

/// The entries of page tables that serve the range of an entry point, before it, as
/// far as there are not too many; the VMAs.
fn page_tables(prog: &Program, index: usize, trace: &Trace, names: &Names) -> String {
    let walks = |op: &&gd_op| is_any_call(op.op);
    let Some(op) = prog.ops().get(index).filter(walks) else {
        return String::new();
    };
    let (mut tables, mut vmas) = (Tables::default(), Vmas::default());
    for (earlier, recs) in prog.ops().iter().zip(trace.ops()).take(index) {
        let mut set = |op: &gd_op| {
            tables.apply(op, names.layout());
            vmas.set(op);
        };
        set(earlier);
        for rec in recs {
            if let Record::Act(i) = rec.into() {
                set(&prog.acts()[usize::from(i)].op);
            }
        }
    }
    let mut out = String::new();
    let mut vmas = vmas.all().peekable();
    if vmas.peek().is_some() {
        out += "\nVMAs\n";
        vmas.for_each(|vma| out += &format!("  {}\n", show::vma(vma)));
    }
    out += "\npage tables\n";
    let lines = entries::lines(&tables, op.addr, op.n, names);
    for line in lines.iter().take(SHOWN_ENTRIES) {
        out += &format!("  {line}\n");
    }
    if lines.len() > SHOWN_ENTRIES {
        out += &format!("  and {} more\n", lines.len() - SHOWN_ENTRIES);
    }
    out
}

/// One side around one operation.
struct Shown<'a> {
    which: Which,
    side: &'a dyn Side,
    before: Pages,
    after: Pages,
    records: Vec<Record>,
}

impl<'a> Shown<'a> {
    fn new(which: Which, side: &'a dyn Side, trace: &Trace, prog: &Program, index: usize) -> Self {
        let (mut before, mut after) = (Pages::default(), Pages::default());
        before.start(&prog.0, side.info().rev);
        after.start(&prog.0, side.info().rev);
        let mut records = Vec::new();
        for (i, recs) in trace.ops().enumerate().take(index + 1) {
            if i < index {
                before.apply(recs);
            } else {
                records = recs.iter().map(Record::from).collect();
            }
            after.apply(recs);
        }
        if index >= prog.nr_ops() {
            after.apply(trace.tail());
            records = trace.tail().iter().map(Record::from).collect();
        }
        Self {
            which,
            side,
            before,
            after,
            records,
        }
    }
}

/// The pages to show: of the verdict, of the operands, those that changed.
fn interesting(
    prog: &Program,
    verdict: &Verdict,
    index: usize,
    names: &Names,
    shown: &[Shown],
) -> Vec<u32> {
    let mut pages = Vec::new();
    let mut add = |page: u32| {
        if !pages.contains(&page) {
            pages.push(page);
        }
    };
    match verdict {
        Verdict::Divergence(d) => d.page.into_iter().for_each(&mut add),
        Verdict::BrokenLaw(_, b) => b.page.into_iter().for_each(&mut add),
        _ => {}
    }
    for page in show::operand_pages(&prog.0, names.layout(), index) {
        for s in shown {
            add(s.before.head(&prog.0, page));
        }
        add(page);
    }
    for record in shown.iter().flat_map(|s| &s.records) {
        if let Record::Page(state) | Record::Call(_, state) = record {
            add(state.page);
        }
    }
    pages
}

fn reproduce(oracle: &Oracle, path: Option<&str>, origin: &Origin) -> String {
    let path = path.unwrap_or("FILE");
    let left = &oracle.pair().left.info().name;
    let right = oracle.pair().right_name();
    let command = origin.command(path, left, right);
    format!("\nto see it again\n  {command}\n")
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A path as seen from the current folder, where it is below that.
pub fn near(path: &std::path::Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
}

/// What both sides showed, operation by operation.
pub fn traces(oracle: &Oracle, prog: &Program) -> String {
    let mut out = String::new();
    let names = Names::new(prog);
    let left = oracle.pair().left.as_ref();
    let mut sides = vec![(left, oracle.left_trace())];
    if let Some(right) = &oracle.pair().right {
        sides.push((right.as_ref(), oracle.right_trace()));
    }
    for (side, trace) in sides {
        out += &format!("{}\n", side.info().name);
        for (op, recs) in prog.ops().iter().zip(trace.ops()) {
            let line = text::format_op(op, oracle.revisions().left, names.folios());
            out += &format!("  {line}\n");
            out += &record_lines(recs, side, &names);
        }
        out += &record_lines(trace.tail(), side, &names);
    }
    out
}

fn record_lines(recs: &[csrc::abi::gd_rec], side: &dyn Side, names: &Names) -> String {
    let records: Vec<Record> = recs.iter().map(Record::from).collect();
    let mut out = String::new();
    // Pages stay where they are among the others.
    for group in records.chunk_by(|a, b| is_page(a) == is_page(b)) {
        for record in group {
            if let Record::Page(state) = record {
                let (page, state) = (names.page(state.page), show::page_state(state));
                out += &format!("      PAGE  {page}: {state}\n");
            }
        }
        for event in show::events(group, side, names) {
            out += &format!("      {event}\n");
        }
    }
    out
}

fn is_page(record: &Record) -> bool {
    matches!(record, Record::Page(_))
}
