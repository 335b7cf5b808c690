// SPDX-License-Identifier: GPL-2.0
//! Many controls in one compilation: faults as alternatives, one of which is selected at run
//! time, and harmless changes all at once.
//!
//! A fault changes some nodes of the syntax tree.  The smallest statement or condition around
//! them is there twice in the file, as it is and as the fault makes it, behind a comparison of
//! the selected number with the fault's.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use tree_sitter::Node;

use crate::syntax::{Source, Splice, descendants};
use crate::{Control, Error};

/// A file with many faults.
#[derive(Debug)]
pub struct Selectable<'c> {
    /// The text.
    pub patched: String,
    /// The faults in it: number `i + 1` in [`Selectable::VARIABLE`] selects number `i`, and 0
    /// none.
    pub controls: Vec<&'c Control>,
    /// Those that cannot be alternatives, or are in other files.
    pub others: Vec<&'c Control>,
}

impl Selectable<'_> {
    /// The file.
    pub const FILE: &'static str = "mm/gup.c";
    /// A variable of the compiled file, of type `unsigned int`.
    pub const VARIABLE: &'static str = "gd_planted";
}

/// On the first line, so that the others keep their numbers.  The read is not instrumented, so
/// that it is no hook point.
const SELECT: &str = "unsigned int gd_planted; \
    static inline __attribute__((__always_inline__)) int gd_selected(unsigned int nr) \
    { unsigned int now; __asm__ volatile(\"movl gd_planted(%%rip), %0\" : \"=r\"(now)); \
    return now == nr; } ";

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
    let (mut controls, mut others, mut alternatives) = (Vec::new(), Vec::new(), Vec::new());
    for fault in faults {
        let in_file = fault.file.get(kernel).is_ok_and(|f| f == Selectable::FILE);
        let place = match in_file {
            true => Source::parse(text)
                .and_then(|source| Ok(place(&source, &fault.splices(kernel, &source)?)))
                .map_err(|what| fault.error(kernel, what))?,
            false => None,
        };
        match place {
            Some(place) => {
                controls.push(fault);
                alternatives.push(Alternative {
                    nr: controls.len(),
                    place,
                });
            }
            None => others.push(fault),
        }
    }
    alternatives.sort_by_key(|a| (a.place.range.start, Reverse(a.place.range.end)));
    let patched = format!("{SELECT}{}", written(text, 0..text.len(), &alternatives));
    Ok(Selectable {
        patched,
        controls,
        others,
    })
}

/// What a fault makes of a statement or a condition.
struct Place {
    range: Range<usize>,
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
    let movable = !has_label && !kept.iter().any(|word| new.contains(word));
    movable.then_some(Place {
        range,
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
                true => format!("{{ if (gd_selected({nr})) {{ {} }} else ", place.new),
                false => format!("(gd_selected({nr}) ? ({}) : ", place.new),
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

/// Changes that do not touch each other, made at once.
#[derive(Debug, Default)]
pub struct Group<'c> {
    /// The changes.
    pub controls: Vec<&'c Control>,
    /// The changed files, by path in the tree.
    pub files: BTreeMap<String, String>,
    splices: BTreeMap<String, Vec<Splice>>,
}

impl<'c> Group<'c> {
    /// Makes one more change, if that is possible; returns whether it is.
    fn join(&mut self, change: &'c Control, file: &str, source: &Source, new: &[Splice]) -> bool {
        let splices = self.splices.entry(file.to_owned()).or_default();
        let all = [splices.as_slice(), new].concat();
        let Some(patched) = combined(source, &all) else {
            return false;
        };
        *splices = all;
        self.controls.push(change);
        self.files.insert(file.to_owned(), patched);
        true
    }
}

/// Divides changes into as few groups as a simple search finds.
///
/// # Errors
///
/// A change that cannot be applied to the tree.
pub fn groups<'c>(
    changes: impl IntoIterator<Item = &'c Control>,
    kernel: &str,
    tree: &Path,
) -> Result<Vec<Group<'c>>, Error> {
    let mut groups: Vec<Group<'c>> = Vec::new();
    for change in changes {
        let failed = |what| change.error(kernel, what);
        let one = change.render(kernel, tree)?;
        let source = Source::parse(&one.original).map_err(failed)?;
        let new = change.splices(kernel, &source).map_err(failed)?;
        let mut join = |group: &mut Group<'c>| group.join(change, &one.file, &source, &new);
        if !groups.iter_mut().any(&mut join) {
            let mut alone = Group::default();
            if !join(&mut alone) {
                return Err(failed("the changed file no longer parses".into()));
            }
            groups.push(alone);
        }
    }
    Ok(groups)
}

/// The text with all replacements, if they do not touch each other and it still parses.
fn combined(source: &Source, splices: &[Splice]) -> Option<String> {
    let mut ranges: Vec<_> = splices.iter().map(|(range, _)| range).collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let apart = ranges
        .windows(2)
        .all(|pair| pair[0].end <= pair[1].start && pair[0].start < pair[1].start);
    let patched = apart.then(|| source.splice(splices).ok())??;
    let parsed = source.reparse(splices, &patched).ok()?.errors();
    (parsed <= source.errors()).then_some(patched)
}
