// SPDX-License-Identifier: GPL-2.0
//! Which mails are the series, and in which order.
//!
//! An mbox of a mailing list holds answers, cover letters and older versions
//! as well, in the order in which they came.  The newest complete version is
//! taken; where that leaves a choice, it is the user's.

use std::collections::BTreeMap;
use std::path::Path;

use super::mail::Letter;
use super::subject::{Subject, tag_name, version_name};
use super::{Error, Part, file_name};

/// Where letters come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A file: a diff, a mail, an mbox.
    File,
    /// A folder, in which the last patches of a series may be missing on
    /// purpose.
    Folder,
}

type Version = (u32, u32);

/// Letters of one version and length; without a length they are not numbered.
struct Group {
    version: Version,
    of: Option<u32>,
    letters: Vec<Letter>,
}

/// The patches in their order, and what was left out, in words.
pub(super) fn arrange(
    letters: Vec<Letter>,
    path: &Path,
    source: Source,
) -> Result<(Vec<Part>, Vec<String>), Error> {
    let mut notes = Vec::new();
    let letters: Vec<Letter> = letters
        .into_iter()
        .filter(|l| !l.parts.is_empty())
        .collect();
    let letters = without_replies(letters, path, &mut notes)?;
    if letters.len() == 1 {
        if let Some((i, of)) = letters[0].number().filter(|&(_, of)| of > 1) {
            notes.push(format!(
                "this is patch {i} of a series of {of}, without the others"
            ));
        }
        return Ok((parts(letters), notes));
    }

    let mut groups = groups(letters);
    let newest = groups.last().map_or((1, 0), |g| g.version);
    let mut lacking = None;
    while let Some(version) = groups.last().map(|g| g.version) {
        let mut complete = Vec::new();
        for group in groups.extract_if(.., |g| g.version == version) {
            let missing = group.missing(source);
            if missing.is_empty() {
                complete.push(group);
            } else {
                notes.push(format!(
                    "{} is incomplete: {missing} is missing",
                    group.name()
                ));
                lacking.get_or_insert(missing);
            }
        }
        if complete.len() > 1 {
            let names: Vec<_> = complete.iter().map(Group::name).collect();
            return Err(ambiguous(path, format!("it has {}", names.join(" and "))));
        }
        let Some(group) = complete.pop() else {
            continue;
        };
        if !groups.is_empty() || version != newest {
            let older: Vec<_> = groups.iter().map(Group::name).collect();
            let without = if older.is_empty() {
                String::new()
            } else {
                format!(", leaving out {}", older.join(" and "))
            };
            notes.push(format!("taking {}{without}", group.name()));
        }
        return Ok((parts(group.in_order(path, source, &mut notes)?), notes));
    }
    if let Some(missing) = lacking {
        return Err(Error::Incomplete {
            path: path.into(),
            missing,
        });
    }
    Err(Error::NotADiff(path.into()))
}

/// The number that a file of `git format-patch` starts with.
pub(super) fn leading_number(name: &str) -> Option<u32> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    // v2-0001-...
    let version = name
        .strip_prefix('v')
        .map(|rest| (rest, digits(rest)))
        .filter(|(_, n)| *n > 0);
    let rest = version
        .and_then(|(rest, n)| rest[n..].strip_prefix('-'))
        .unwrap_or(name);
    rest[..digits(rest)].parse().ok()
}

fn ambiguous(path: &Path, why: String) -> Error {
    Error::Ambiguous {
        path: path.into(),
        why,
    }
}

fn parts(letters: Vec<Letter>) -> Vec<Part> {
    letters
        .into_iter()
        .flat_map(|letter| letter.parts)
        .collect()
}

/// Answers may hold diffs of their own: proposals, no part of the series.
fn without_replies(
    letters: Vec<Letter>,
    path: &Path,
    notes: &mut Vec<String>,
) -> Result<Vec<Letter>, Error> {
    let (replies, others): (Vec<_>, Vec<_>) = letters
        .into_iter()
        .partition(|l| l.subject.as_ref().is_some_and(|s| s.reply));
    match (others.len(), replies.len()) {
        (0, 2..) => Err(ambiguous(
            path,
            format!(
                "it has {} answers with a diff, and no patch mail",
                replies.len()
            ),
        )),
        (0, _) => Ok(replies),
        (_, 0) => Ok(others),
        (_, n) => {
            notes.push(format!(
                "left out {n} answer{} with a diff in {}",
                if n == 1 { "" } else { "s" },
                if n == 1 { "it" } else { "them" }
            ));
            Ok(others)
        }
    }
}

/// By version, the newest last.
fn groups(letters: Vec<Letter>) -> Vec<Group> {
    let mut groups: BTreeMap<(Version, Option<u32>), Group> = BTreeMap::new();
    for letter in letters {
        let version = letter.subject.as_ref().map_or((1, 0), |s| s.version);
        let number = letter.number();
        if number.is_some_and(|(i, _)| i == 0) {
            // a cover letter, whatever diff is in it
            continue;
        }
        let of = number.map(|(_, of)| of);
        let group = groups.entry((version, of)).or_insert_with(|| Group {
            version,
            of,
            letters: Vec::new(),
        });
        // a mail that went to two lists
        if !group.letters.iter().any(|known| known.same(&letter)) {
            group.letters.push(letter);
        }
    }
    groups.into_values().collect()
}

impl Group {
    /// `v2 (3 patches)`, or the one patch's title.
    fn name(&self) -> String {
        let version = version_name(self.version);
        match (self.letters.as_slice(), self.of) {
            ([letter], None) => format!("{version} of {}", letter.name()),
            (letters, None) => format!("{} patches without numbers ({version})", letters.len()),
            (_, Some(of)) => format!("the series of {of} ({version})"),
        }
    }

    fn missing(&self, source: Source) -> String {
        let Some(of) = self.of else {
            return String::new();
        };
        let has = |i: u32| {
            self.letters
                .iter()
                .any(|l| l.number().is_some_and(|(n, _)| n == i))
        };
        let last = match source {
            Source::File => of,
            Source::Folder => (1..=of).rev().find(|&i| has(i)).unwrap_or(of),
        };
        let missing: Vec<_> = (1..=last)
            .filter(|&i| !has(i))
            .map(|i| tag_name(self.version, Some((i, of))))
            .collect();
        missing.join(", ")
    }

    fn in_order(
        mut self,
        path: &Path,
        source: Source,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Letter>, Error> {
        let Some(of) = self.of else {
            let numbers: Vec<_> = self.letters.iter().map(Letter::file_number).collect();
            for (at, number) in numbers
                .iter()
                .enumerate()
                .filter(|(_, n)| source == Source::Folder && n.is_some())
            {
                if let Some(other) = numbers[..at].iter().position(|n| n == number) {
                    let (a, b) = (self.letters[other].file(), self.letters[at].file());
                    // one mbox may hold several
                    if a != b {
                        return Err(ambiguous(path, format!("{a} and {b} have the same number")));
                    }
                }
            }
            return Ok(self.letters);
        };
        self.letters.sort_by_key(Letter::number);
        for pair in self.letters.windows(2) {
            if let (Some(number), true) = (pair[0].number(), pair[0].number() == pair[1].number()) {
                let tag = tag_name(self.version, Some(number));
                return Err(ambiguous(
                    path,
                    format!(
                        "{tag} is there twice, as {} and {}",
                        pair[0].name(),
                        pair[1].name()
                    ),
                ));
            }
        }
        let last = self
            .letters
            .last()
            .and_then(Letter::number)
            .map_or(0, |(i, _)| i);
        if last < of {
            notes.push(format!(
                "the series goes to {of}, the patches here to {last}"
            ));
        }
        Ok(self.letters)
    }
}

impl Letter {
    fn number(&self) -> Option<(u32, u32)> {
        self.subject.as_ref().and_then(|s: &Subject| s.number)
    }

    fn file(&self) -> String {
        self.parts
            .first()
            .map_or(String::new(), |part| file_name(&part.from))
    }

    fn file_number(&self) -> Option<u32> {
        leading_number(&self.file())
    }

    fn name(&self) -> String {
        let title = self
            .subject
            .as_ref()
            .map(|s| s.title.as_str())
            .filter(|t| !t.is_empty());
        title.map_or_else(|| self.file(), |title| format!("\"{title}\""))
    }

    fn same(&self, other: &Letter) -> bool {
        let diffs = |letter: &Letter| {
            letter
                .parts
                .iter()
                .map(|p| p.diff.clone())
                .collect::<Vec<_>>()
        };
        self.subject.is_some()
            && self.number() == other.number()
            && self.name() == other.name()
            && diffs(self) == diffs(other)
    }
}
