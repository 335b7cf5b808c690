// SPDX-License-Identifier: GPL-2.0
//! Patches: reading a series as a user has it, and applying it to a tree that
//! stays as it is.
//!
//! [`Series::read`] takes a unified diff, a mail, an mbox or a folder of
//! `git format-patch`, and brings it into order.  [`apply`] writes the files
//! that the series changes to a folder of their own, an overlay over the tree.
//! Every way in which this can fail is a variant of [`Error`].

mod apply;
mod arrange;
mod error;
mod file;
mod mail;
mod names;
mod program;
mod read;
mod subject;
mod unified;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use apply::{Applied, apply};
pub use error::Error;
use unified::FileDiff;

/// A patch series as the user gave it.
#[derive(Clone, Debug)]
pub struct Series {
    /// The stem of the file or the name of the folder, of letters, digits,
    /// `.`, `_` and `-` only: usable in a side's name.
    pub name: String,
    /// The patches, in the order in which they apply; at least one.
    pub parts: Vec<Part>,
    /// What was chosen and what was left out of it, in words.
    pub notes: Vec<String>,
}

/// One patch of a series.
#[derive(Clone, Debug)]
pub struct Part {
    /// The subject without `[PATCH ...]`, if there is one.
    pub title: Option<String>,
    /// The file that it was read from.
    pub from: PathBuf,
    /// The line of [`Part::from`] at which the diff starts, or 0 when the file
    /// has it in an encoding that changes its lines.
    pub first_line: usize,
    /// The unified diff, with the line ends of the files that it changes.
    pub diff: Vec<u8>,
    files: Vec<FileDiff>,
}

impl Series {
    /// Reads a unified diff, a mail, an mbox or a folder of them.
    pub fn read(path: &Path) -> Result<Series, Error> {
        let (parts, notes) = read::read(path)?;
        Ok(Series {
            name: name_of(path),
            parts,
            notes,
        })
    }

    /// Of the diffs in their order, and of nothing else: the same change has
    /// the same sum, whatever its mails say.
    pub fn sha256(&self) -> String {
        let mut sum = Sha256::new();
        for part in &self.parts {
            sum.update((part.diff.len() as u64).to_le_bytes());
            sum.update(&part.diff);
        }
        sum.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The files that the series names, as far as that can be told without the
    /// tree; [`Applied`] has what they are in it.
    pub fn files(&self) -> BTreeSet<String> {
        self.parts.iter().flat_map(Part::names).collect()
    }

    /// `patch 2/3 "mm: say so"`, or nothing when there is only one.
    pub fn label(&self, index: usize) -> Option<String> {
        let place = format!("patch {}/{}", index + 1, self.parts.len());
        match (&self.parts[index].title, self.parts.len()) {
            (_, 1) => None,
            (Some(title), _) => Some(format!("{place} \"{title}\"")),
            (None, _) => Some(format!("{place} ({})", file_name(&self.parts[index].from))),
        }
    }
}

impl Part {
    /// The part of `text` that is a diff, if there is any.  `line` is that of
    /// the text's first line in `from`, 0 when it has none of its own.
    fn new(
        title: Option<String>,
        from: &Path,
        text: &[u8],
        line: usize,
    ) -> Result<Option<Part>, Error> {
        let text = unified::without_carriage_returns(text);
        let found = unified::parse(&text).map_err(|fault| {
            let at = place(from, line, fault.line);
            Error::Malformed { at, why: fault.why }
        })?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(Part {
            title,
            from: from.to_path_buf(),
            first_line: if line == 0 { 0 } else { line + found.line - 1 },
            diff: text[found.bytes].to_vec(),
            files: found.files,
        }))
    }

    fn names(&self) -> Vec<String> {
        let strip = names::likely_strip(&self.files);
        let both = self.files.iter().flat_map(|f| [&f.old, &f.new]);
        both.flatten().filter_map(|name| name.at(strip)).collect()
    }

    /// `line 31 of my.patch`, from a line of the diff.
    fn place(&self, line: usize) -> String {
        place(&self.from, self.first_line, line)
    }
}

fn place(from: &Path, first_line: usize, line: usize) -> String {
    match first_line {
        0 => format!("line {line} of the diff in {}", file_name(from)),
        first => format!("line {} of {}", first + line - 1, file_name(from)),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn name_of(path: &Path) -> String {
    // `.` and `..` have no name of their own
    let own = path
        .canonicalize()
        .ok()
        .filter(|_| path.file_name().is_none());
    let path = own.as_deref().unwrap_or(path);
    let stem = if path.is_dir() {
        path.file_name()
    } else {
        path.file_stem()
    };
    let stem = stem.unwrap_or_default().to_string_lossy();
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = stem
        .chars()
        .map(|c| if usable(c) { c } else { '-' })
        .collect();
    match name.trim_matches(['.', '-']) {
        "" => "patch".into(),
        name => name.into(),
    }
}
