// SPDX-License-Identifier: GPL-2.0
//! Suspect lines: kernel lines that are executed in the failing case only.
//!
//! They are the lines that the reported kernel executes and a reference kernel (the other
//! side, or the kernel without the patch) does not.  Without a reference kernel, they are
//! the lines that this operation executes and the program's earlier operations do not.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::model::Report;
use crate::coverage::{Covered, Error, Line};
use crate::program::Program;
use crate::side::{self, SideInfo};

/// Maximum number of ranges of lines.
const SHOWN: usize = 16;

/// A range of lines of one function; lines without code do not interrupt it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The file, within the tree.
    pub file: String,
    /// The function.
    pub function: String,
    /// The first line.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// Does any of these lines differ from the reference kernel?
    pub changed: bool,
}

/// The lines that only one side executes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspects {
    /// The side that executes them.
    pub side: String,
    /// The side that does not; `None`: the earlier operations do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The lines.
    pub spans: Vec<Span>,
    /// Number of further ranges that are left out.
    pub more: usize,
}

/// The suspect lines of the reported side, if it is kernel code.
pub fn find(report: &Report, prog: &Program) -> Result<Vec<Suspects>, Error> {
    let reported = &report.reported().info;
    let index = report.finding.op_index.unwrap_or(prog.nr_ops());
    if !reported.name.starts_with("c:") || reported.rev.is_series() {
        return Ok(Vec::new());
    }
    let mut side = Covered::open(&reported.name)?;
    let executed = side.run_prefix(prog, index + 1);
    let Some(base) = base(reported, report.other().map(|side| &side.info))? else {
        let new = executed.without(&side.run_prefix(prog, index));
        let is = |at: usize, _: &Line| new.has(at).then_some(false);
        return Ok(vec![suspects(&side, None, &is)]);
    };
    let mut base = Covered::open(&base)?;
    let executed_by_base = base.run_prefix(prog, index + 1);
    let lines = Lines::of(&side, &base)?;
    let here: BTreeSet<&Line> = side.get(&executed).collect();
    let there: BTreeSet<&Line> = base.get(&executed_by_base).collect();
    let only_here = |at: usize, line: &Line| {
        let same = lines.in_base(line);
        let is_there = same.as_ref().is_some_and(|same| there.contains(same));
        (executed.has(at) && !is_there).then_some(same.is_none())
    };
    let only_there = |at: usize, line: &Line| {
        let same = lines.in_side(line);
        let is_here = same.as_ref().is_some_and(|same| here.contains(same));
        (executed_by_base.has(at) && !is_here).then_some(same.is_none())
    };
    let (a, b) = (&side.info().name, &base.info().name);
    let both = [
        suspects(&side, Some(b), &only_here),
        suspects(&base, Some(a), &only_there),
    ];
    Ok(both.into_iter().filter(|s| !s.spans.is_empty()).collect())
}

/// The reference kernel of a side: the other side if it has the same release, or the kernel
/// that was patched.
fn base(side: &SideInfo, other: Option<&SideInfo>) -> Result<Option<String>, Error> {
    if let Some(other) = other.filter(|other| other.name.starts_with("c:")) {
        return Ok((other.release == side.release).then(|| other.name.clone()));
    }
    let kernel = side.name.trim_start_matches("c:");
    let Some(recipe) = side::c::recipe(kernel)?.filter(|recipe| recipe.overlay.is_some()) else {
        return Ok(None);
    };
    let suffix = if side.debug_vm { "" } else { "-nodebug" };
    Ok(Some(format!("c:{}{suffix}", recipe.tree)))
}

/// The lines that two kernels have in common.
struct Lines {
    /// By file: line of the side to line of the base, and vice versa.
    files: BTreeMap<String, [BTreeMap<u32, u32>; 2]>,
}

impl Lines {
    fn of(side: &Covered, base: &Covered) -> Result<Self, Error> {
        let names = |covered: &Covered| {
            let files = covered.lines().iter().map(|line| line.file.to_string());
            files.collect::<BTreeSet<String>>()
        };
        let mut files = BTreeMap::new();
        for file in names(side).intersection(&names(base)) {
            let (is, was) = (side.text(file), base.text(file));
            let (is, was) = (is.unwrap_or_default(), was.unwrap_or_default());
            if is != was {
                files.insert(file.clone(), same_lines(&is, &was));
            }
        }
        Ok(Self { files })
    }

    fn in_base(&self, line: &Line) -> Option<Line> {
        self.other(line, 0)
    }

    fn in_side(&self, line: &Line) -> Option<Line> {
        self.other(line, 1)
    }

    fn other(&self, line: &Line, which: usize) -> Option<Line> {
        let number = match self.files.get(&*line.file) {
            Some(both) => *both[which].get(&line.line)?,
            // the same file
            None => line.line,
        };
        Some(Line {
            line: number,
            ..line.clone()
        })
    }
}

/// The common lines of two texts, by number: first to second, and vice versa.
fn same_lines(first: &str, second: &str) -> [BTreeMap<u32, u32>; 2] {
    let mut both = [BTreeMap::new(), BTreeMap::new()];
    for change in TextDiff::from_lines(first, second).iter_all_changes() {
        let places = (change.tag(), change.old_index(), change.new_index());
        if let (ChangeTag::Equal, Some(old), Some(new)) = places {
            let (old, new) = (old as u32 + 1, new as u32 + 1);
            both[0].insert(old, new);
            both[1].insert(new, old);
        }
    }
    both
}

/// The suspect lines of a side, and whether each was changed.
fn suspects(
    side: &Covered,
    against: Option<&str>,
    is: &dyn Fn(usize, &Line) -> Option<bool>,
) -> Suspects {
    let mut spans: Vec<Span> = Vec::new();
    // is the previous line the last one of the last range?
    let mut goes_on = false;
    for (at, line) in side.lines().iter().enumerate() {
        let Some(changed) = is(at, line) else {
            goes_on = false;
            continue;
        };
        match spans.last_mut() {
            Some(last) if goes_on && last.file == *line.file && last.function == *line.function => {
                last.last = line.line;
                last.changed |= changed;
            }
            _ => spans.push(Span {
                file: line.file.to_string(),
                function: line.function.to_string(),
                first: line.line,
                last: line.line,
                changed,
            }),
        }
        goes_on = true;
    }
    // changed lines first, then the code under test, then headers
    spans.sort_by_key(|span| (!span.changed, !span.file.ends_with(".c")));
    let more = spans.len().saturating_sub(SHOWN);
    spans.truncate(SHOWN);
    Suspects {
        side: side.info().name.clone(),
        against: against.map(str::to_owned),
        spans,
        more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_their_text() {
        let [there, back] = same_lines("a\nb\nc\n", "a\nx\ny\nc\n");
        assert_eq!(there, BTreeMap::from([(1, 1), (3, 4)]));
        assert_eq!(back, BTreeMap::from([(1, 1), (4, 3)]));
    }
}
