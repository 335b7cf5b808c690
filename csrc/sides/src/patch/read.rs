// SPDX-License-Identifier: GPL-2.0
//! From a path to the patches at it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::arrange::{self, Source};
use super::mail::{self, Letter};
use super::unified::lines;
use super::{Error, Part, file_name};

/// The patches at a path in their order, and what is to be said about them.
pub(super) fn read(path: &Path) -> Result<(Vec<Part>, Vec<String>), Error> {
    let meta = fs::metadata(path).map_err(|e| unreadable(path, e))?;
    if !meta.is_dir() {
        let letters = read_file(path)?;
        if letters.iter().all(|letter| letter.parts.is_empty()) {
            return Err(Error::NotADiff(path.into()));
        }
        return arrange::arrange(letters, path, Source::File);
    }
    let (mut letters, mut notes) = (Vec::new(), Vec::new());
    for file in patch_files(path)? {
        let found = match read_file(&file) {
            // a cover letter is no diff; neither has to be anything else here
            Err(Error::NotADiff(_)) => Vec::new(),
            other => other?,
        };
        if found.iter().all(|letter| letter.parts.is_empty()) {
            let name = file_name(&file);
            if !name.contains("cover-letter") {
                notes.push(format!("{name} has no diff in it and is left out"));
            }
            continue;
        }
        letters.extend(found);
    }
    if letters.is_empty() {
        return Err(Error::NoPatches(path.into()));
    }
    let (parts, more) = arrange::arrange(letters, path, Source::Folder)?;
    notes.extend(more);
    Ok((parts, notes))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::Missing(path.into()),
        _ => Error::Unreadable {
            path: path.into(),
            error,
        },
    }
}

/// The files of a folder that may hold patches, by their number and name.
fn patch_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        let hidden = file_name(&path).starts_with('.');
        let known = path.extension().is_some_and(|e| {
            ["patch", "diff", "mbox", "mbx", "eml"]
                .iter()
                .any(|k| e == *k)
        });
        if known && !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort_by_cached_key(|path| {
        let name = file_name(path);
        (arrange::leading_number(&name), name)
    });
    Ok(files)
}

fn read_file(path: &Path) -> Result<Vec<Letter>, Error> {
    let bytes = fs::read(path).map_err(|e| unreadable(path, e))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::Empty(path.into()));
    }
    if let Some(with) = compressed(&bytes) {
        return Err(Error::Compressed {
            path: path.into(),
            with,
        });
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if mail::is_mail(text) {
        return mail::letters(text, path, 1);
    }
    let (commits, title) = log_of(text);
    let part = Part::new(title, path, text, 1)?;
    match part {
        Some(_) if commits > 1 => Err(Error::Log {
            path: path.into(),
            commits,
        }),
        Some(part) => Ok(vec![Letter {
            subject: None,
            parts: vec![part],
        }]),
        None if is_context_diff(text) => Err(Error::ContextDiff(path.into())),
        None => Err(Error::NotADiff(path.into())),
    }
}

fn compressed(bytes: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], _); 4] = [
        (b"\x1f\x8b", "gunzip"),
        (b"\xfd7zXZ", "unxz"),
        (b"\x28\xb5\x2f\xfd", "unzstd"),
        (b"BZh", "bunzip2"),
    ];
    known
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, with)| *with)
}

fn is_context_diff(text: &[u8]) -> bool {
    lines(text).any(|line| line.starts_with(b"***************"))
}

/// What `git log -p` and `git show` print before a diff: how many commits, and
/// the first one's subject.
fn log_of(text: &[u8]) -> (usize, Option<String>) {
    let (mut commits, mut title) = (0, None);
    for line in lines(text) {
        if let Some(rest) = line.strip_prefix(b"commit ") {
            let hash = rest
                .split(|b| !b.is_ascii_hexdigit())
                .next()
                .unwrap_or_default();
            commits += usize::from(hash.len() >= 40);
        } else if commits > 0 && title.is_none() && line.starts_with(b"    ") {
            title =
                Some(String::from_utf8_lossy(line).trim().to_string()).filter(|t| !t.is_empty());
        }
    }
    (commits, title)
}
