// SPDX-License-Identifier: GPL-2.0
//! Applying one file of a patch.

use std::collections::BTreeSet;

use super::apply::{Content, Files, Run, read};
use super::program::{self, ANY_BLANKS, Outcome, REVERSE, Shift};
use super::unified::{FileDiff, Hunk, Made, lines, strip_carriage_returns};
use super::{Error, Part};

/// A file's paths in the tree.
pub(super) struct Paths {
    pub old: Option<String>,
    pub new: Option<String>,
}

/// One file of one patch.
pub(super) struct File<'a, 'r> {
    pub run: &'a mut Run<'r>,
    pub part: &'a Part,
    pub file: &'a FileDiff,
    pub names: Paths,
    pub before: Option<&'a Files>,
    /// Renamed so far, and free to be made anew.
    pub gone: &'a BTreeSet<String>,
}

impl File<'_, '_> {
    /// The path that there is now, if any.
    pub fn apply(mut self, strip: usize) -> Result<Option<String>, Error> {
        let shown = self
            .names
            .new
            .as_ref()
            .or(self.names.old.as_ref())
            .cloned()
            .unwrap_or_default();
        let at = || self.part.place(self.file.line);
        if self.file.binary {
            return Err(Error::Binary {
                file: shown,
                at: at(),
            });
        }
        if self
            .file
            .mode
            .is_some_and(|mode| mode & 0o170_000 != 0o100_000)
        {
            return Err(Error::Special {
                file: shown,
                at: at(),
            });
        }
        let present = self.get(&shown, false)?;
        let Some(old) = &self.names.old else {
            return self.add(shown, present);
        };
        let source = self.get(old, self.file.made != Made::InPlace)?;
        let Some(source) = source else {
            if self.file.made == Made::Rename
                && present.is_some_and(|there| self.is_there(&there).unwrap_or(false))
            {
                return Err(Error::AlreadyThere(shown));
            }
            return Err(Error::NoFile {
                file: old.clone(),
                strip,
            });
        };
        if self.file.made != Made::InPlace
            && present.is_some()
            && !self.gone.contains(&shown)
            && !self.renamed_later(&shown)
        {
            return Err(Error::FileExists(shown));
        }
        let text = self.hunks(&shown, &source)?;
        if self.names.new.is_none() {
            if !text.is_empty() && !self.file.hunks.is_empty() {
                return Err(Error::NotEmptied(shown));
            }
            self.run.files.insert(shown, None);
            return Ok(None);
        }
        let executable = self
            .file
            .mode
            .map_or(source.executable, |mode| mode & 0o111 != 0);
        self.run
            .files
            .insert(shown.clone(), Some(Content { text, executable }));
        Ok(Some(shown))
    }

    fn add(mut self, name: String, present: Option<Content>) -> Result<Option<String>, Error> {
        let empty = Content {
            text: Vec::new(),
            executable: self.file.mode.is_some_and(|mode| mode & 0o111 != 0),
        };
        // a diff with times for names cannot tell an empty file from none
        let present = present.filter(|content| !content.text.is_empty());
        let text = self.hunks(&name, &empty)?;
        match present {
            Some(there) if there.text == text => Err(Error::AlreadyThere(name)),
            Some(_) => Err(Error::FileExists(name)),
            None => {
                self.run
                    .files
                    .insert(name.clone(), Some(Content { text, ..empty }));
                Ok(Some(name))
            }
        }
    }

    /// A file as the patches so far have left it, or as it was before this one.
    fn get(&self, name: &str, before: bool) -> Result<Option<Content>, Error> {
        let files = self.before.filter(|_| before).unwrap_or(&self.run.files);
        match files.get(name) {
            Some(content) => Ok(content.clone()),
            None => read(self.run.tree, name),
        }
    }

    fn renamed_later(&self, name: &str) -> bool {
        let renamed = |file: &FileDiff| {
            file.made == Made::Rename
                && file.old.as_ref().and_then(|n| n.at(0)).as_deref() == Some(name)
        };
        self.part.files.iter().any(renamed)
    }

    fn hunks(&mut self, name: &str, content: &Content) -> Result<Vec<u8>, Error> {
        if self.file.hunks.is_empty() {
            return Ok(content.text.clone());
        }
        let scratch = self.run.scratch.path();
        let hunks = self.with_line_ends_of(&content.text);
        let (hunk, around, misordered) = match program::run(scratch, &content.text, &hunks, &[])? {
            Outcome::Applied(text, shifts) => {
                self.note(name, &shifts);
                return Ok(text);
            }
            Outcome::Refused(said, line) => {
                let at = self
                    .part
                    .place(line.map_or(self.file.line, |line| self.line(line)));
                let file = name.into();
                return Err(Error::Program { file, at, said });
            }
            Outcome::Failed {
                hunk,
                around,
                misordered,
            } => (hunk, around, misordered),
        };
        if self.is_there(content)? {
            return Err(Error::AlreadyThere(name.into()));
        }
        let hint = match program::run(scratch, &content.text, &hunks, ANY_BLANKS)? {
            _ if misordered => ": it comes after a hunk for later lines",
            Outcome::Applied(..) => {
                ": only its blanks and tabs differ, something has changed them on the way"
            }
            _ => "",
        };
        let at = self.part.place(
            self.file
                .hunks
                .get(hunk - 1)
                .map_or(self.file.line, |h| h.line),
        );
        Err(Error::Mismatch {
            file: name.into(),
            hunk,
            at,
            around,
            hint,
        })
    }

    /// Are all hunks in the file already?
    fn is_there(&self, content: &Content) -> Result<bool, Error> {
        if self.file.hunks.is_empty() {
            return Ok(true);
        }
        let hunks = self.with_line_ends_of(&content.text);
        let undone = program::run(self.run.scratch.path(), &content.text, &hunks, REVERSE)?;
        Ok(matches!(undone, Outcome::Applied(..)))
    }

    fn note(&mut self, name: &str, shifts: &[Shift]) {
        let hunk = |n: usize| {
            format!(
                "hunk #{n} ({})",
                self.part.place(
                    self.file
                        .hunks
                        .get(n - 1)
                        .map_or(self.file.line, |h| h.line)
                )
            )
        };
        let mut notes: Vec<_> = shifts
            .iter()
            .filter(|shift| shift.fuzz > 0)
            .map(|shift| format!("{name}: {} fits only without its outer {} of context: see that it went to the right place", hunk(shift.hunk), count(shift.fuzz.into(), "line")))
            .collect();
        let moved: Vec<_> = shifts.iter().filter(|shift| shift.offset != 0).collect();
        match moved.as_slice() {
            [] => {}
            [one] => {
                let way = if one.offset > 0 { "below" } else { "above" };
                notes.push(format!(
                    "{name}: {} fits {} {way} its place",
                    hunk(one.hunk),
                    count(one.offset.unsigned_abs(), "line")
                ));
            }
            all => {
                let most = all
                    .iter()
                    .map(|shift| shift.offset.unsigned_abs())
                    .max()
                    .unwrap_or(0);
                notes.push(format!(
                    "{name}: {} of {} fit up to {} off their places",
                    all.len(),
                    count(self.file.hunks.len() as u64, "hunk"),
                    count(most, "line")
                ));
            }
        }
        self.run.applied.notes.extend(notes);
    }

    /// The hunks as `patch` takes them, with CR LF where the file has it on all
    /// lines, and without where it has none: mailers and editors change both.
    fn with_line_ends_of(&self, text: &[u8]) -> Vec<u8> {
        let bodies = || {
            self.file
                .hunks
                .iter()
                .flat_map(|hunk| self.lines(hunk).skip(1))
                .filter(|line| !line.starts_with(b"\\"))
        };
        let dos = |line: &[u8]| line.ends_with(b"\r\n");
        let take = bodies().all(dos) && !lines(text).any(dos);
        let give = !text.is_empty() && !bodies().any(dos) && lines(text).all(dos);
        let mut out = Vec::new();
        for line in self.file.hunks.iter().flat_map(|hunk| self.lines(hunk)) {
            // a blank context line may have lost its blank
            if matches!(line, b"\n" | b"\r\n") {
                out.push(b' ');
            }
            match line.strip_suffix(b"\n") {
                Some(line) if give && !line.starts_with(b"@@") && !line.starts_with(b"\\") => {
                    out.extend_from_slice(&[line, b"\r\n"].concat())
                }
                Some(_) if take => out.extend_from_slice(&strip_carriage_returns(line)),
                Some(_) => out.extend_from_slice(line),
                None => out.extend_from_slice(&[line, b"\n"].concat()),
            }
        }
        out
    }

    /// The line of the diff, from one of the hunks alone.
    fn line(&self, mut line: usize) -> usize {
        for hunk in &self.file.hunks {
            let lines = self.lines(hunk).count();
            if line <= lines {
                return hunk.line + line - 1;
            }
            line -= lines;
        }
        self.file.line
    }

    fn lines(&self, hunk: &Hunk) -> impl Iterator<Item = &[u8]> {
        lines(&self.part.diff[hunk.bytes.clone()])
    }
}

/// `1 line`, `2 lines`.
fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
