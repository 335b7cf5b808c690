// SPDX-License-Identifier: GPL-2.0
//! Changes that do not touch each other, all made at once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::syntax::{Source, Splice};
use crate::{Control, Error};

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
