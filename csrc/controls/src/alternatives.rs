// SPDX-License-Identifier: GPL-2.0
//! Many changes in one compilation, as alternatives of which one is selected at run time.
//!
//! A change replaces some nodes of the syntax tree.  The smallest statement or condition
//! around them is there twice in the file, as it is and as the change makes it, behind a
//! comparison of the selected number with the change's.

use std::cmp::Reverse;
use std::ops::Range;

use tree_sitter::Node;

use crate::syntax::{Source, Splice, descendants};
use crate::{Control, Error};

/// The variable that selects, of type `unsigned int`; 0 selects none.
pub const VARIABLE: &str = "gd_planted";

/// Defines the variable, for the first line of one file, so that the others keep their numbers.
pub const DEFINITION: &str = "unsigned int gd_planted; ";

/// Is a change selected?  The read is not instrumented, so that it is no hook point.
fn selected(nr: usize) -> String {
    format!(
        "({{ unsigned int gd_now; __asm__ volatile(\"movl gd_planted(%%rip), %0\" \
         : \"=r\"(gd_now)); gd_now == {nr}; }})"
    )
}

/// mm/gup.c with many faults.
#[derive(Debug)]
pub struct Selectable<'c> {
    /// The text.
    pub patched: String,
    /// The faults in it: number `i + 1` selects number `i`.
    pub controls: Vec<&'c Control>,
    /// Those that cannot be alternatives, or are in other files.
    pub others: Vec<&'c Control>,
}

impl Selectable<'_> {
    /// The file.
    pub const FILE: &'static str = "mm/gup.c";
}

/// Puts those of some faults into mm/gup.c, which has this text, that can be alternatives.
///
/// # Errors
///
/// A fault that cannot be applied to the text.
pub fn selectable<'c>(
    faults: impl IntoIterator<Item = &'c Control>,
    kernel: &str,
    text: &str,
) -> Result<Selectable<'c>, Error> {
    let (mut controls, mut others) = (Vec::new(), Vec::new());
    let mut alternatives = Alternatives::of(text);
    for fault in faults {
        let in_file = fault.file.get(kernel).is_ok_and(|f| f == Selectable::FILE);
        let nr = controls.len() + 1;
        let mut add = || {
            let splices = fault.splices(kernel, &Source::parse(text)?)?;
            alternatives.add(nr, &splices)
        };
        match in_file && add().map_err(|what| fault.error(kernel, what))? {
            true => controls.push(fault),
            false => others.push(fault),
        }
    }
    let patched = format!("{DEFINITION}{}", alternatives.written());
    Ok(Selectable {
        patched,
        controls,
        others,
    })
}

/// The alternatives of a file.
pub(crate) struct Alternatives<'a> {
    text: &'a str,
    all: Vec<Alternative>,
}

impl<'a> Alternatives<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let all = Vec::new();
        Self { text, all }
    }

    /// Adds a change under a number; returns whether it can be an alternative.
    pub(crate) fn add(&mut self, nr: usize, splices: &[Splice]) -> Result<bool, String> {
        let place = place(&Source::parse(self.text)?, splices);
        let is_possible = place.is_some();
        let alternative = |place| Alternative { nr, place };
        self.all.extend(place.map(alternative));
        Ok(is_possible)
    }

    /// Their numbers and lines, from 1.
    pub(crate) fn lines(&self) -> Vec<(usize, usize)> {
        self.all.iter().map(|a| (a.nr, a.place.line)).collect()
    }

    /// The file with all of them.
    pub(crate) fn written(mut self) -> String {
        self.all
            .sort_by_key(|a| (a.place.range.start, Reverse(a.place.range.end)));
        written(self.text, 0..self.text.len(), &self.all)
    }
}

/// What a change makes of a statement or a condition.
struct Place {
    range: Range<usize>,
    line: usize,
    is_statement: bool,
    new: String,
}

struct Alternative {
    nr: usize,
    place: Place,
}

/// The smallest place around some replacements that can be there twice.
fn place(source: &Source, splices: &[Splice]) -> Option<Place> {
    // a statement is removed with its lines
    let shrunk: Vec<Splice> = splices
        .iter()
        .map(|(range, new)| match new.is_empty() {
            true => (trimmed(source.text, range), new.clone()),
            false => (range.clone(), new.clone()),
        })
        .collect();
    let from = shrunk.iter().map(|(range, _)| range.start).min()?;
    let to = shrunk.iter().map(|(range, _)| range.end).max()?;
    let (node, is_statement) = around(source.root().descendant_for_byte_range(from, to)?)?;
    let range = node.byte_range();
    let has_label = descendants(node).any(|n| n.kind() == "labeled_statement");
    let new = source.splice(&shrunk).ok()?;
    let end = new.len() - (source.text.len() - range.end);
    let new = new[range.start..end].replace('\n', " ");
    // A WARN on another line would be another one, and directives need lines.
    let kept = ["WARN", "BUG", "#", "//"];
    // macros that declare a variable, which would be one of a block of its own
    let declare = ["LIST_HEAD", "DEFINE_", "DECLARE_"];
    let old = &source.text[range.clone()];
    let movable = !has_label
        && !kept.iter().any(|word| new.contains(word))
        && !declare.iter().any(|word| old.starts_with(word));
    movable.then_some(Place {
        range,
        line: source.line(node),
        is_statement,
        new,
    })
}

fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// The nearest statement, or the whole condition or initial value, and whether it is a
/// statement.
fn around(mut node: Node) -> Option<(Node, bool)> {
    loop {
        let parent = node.parent()?;
        match (node.kind(), parent.kind()) {
            ("compound_statement", "function_definition") | ("declaration", _) => return None,
            (kind, _) if kind.ends_with("_statement") && kind != "case_statement" => {
                return Some((node, true));
            }
            ("parenthesized_expression", kind) if kind.ends_with("_statement") => {
                return Some((node, false));
            }
            (_, "init_declarator") if parent.child_by_field_name("value") == Some(node) => {
                return Some((node, false));
            }
            _ => node = parent,
        }
    }
}

/// A part of the text with its alternatives, which are sorted: outer ones come first.
fn written(text: &str, part: Range<usize>, mut rest: &[Alternative]) -> String {
    let mut out = String::new();
    let mut at = part.start;
    while let Some(first) = rest.first() {
        let range = first.place.range.clone();
        let within = rest.partition_point(|a| a.place.range.start < range.end);
        let same = rest[..within].partition_point(|a| a.place.range == range);
        let old = written(text, range.clone(), &rest[same..within]);
        out += &text[at..range.start];
        for Alternative { nr, place } in &rest[..same] {
            out += &match place.is_statement {
                true => format!("{{ if ({}) {{ {} }} else ", selected(*nr), place.new),
                false => format!("({} ? ({}) : ", selected(*nr), place.new),
            };
        }
        let (open, close, end) = match first.place.is_statement {
            true => ("{ ", " }", "}"),
            false => ("(", ")", ")"),
        };
        out += &format!("{open}{old}{close}{}", end.repeat(same));
        at = range.end;
        rest = &rest[within..];
    }
    out + &text[at..part.end]
}
