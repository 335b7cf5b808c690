// SPDX-License-Identifier: GPL-2.0
//! The system's `patch`, on one file at a time.
//!
//! The file, the hunks and the result are named to it, so that none of its
//! guesses at names comes into play and a failure leaves nothing behind.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::Error;

/// What `patch` made of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The new text, and the hunks that did not fit exactly.
    Applied(Vec<u8>, Vec<Shift>),
    /// The first hunk that fits nowhere, from 1, and the line where it should.
    Failed {
        hunk: usize,
        around: usize,
        misordered: bool,
    },
    /// Another complaint, and the line of the hunks that it is about.
    Refused(String, Option<usize>),
}

/// A hunk that went to another place than it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    pub hunk: usize,
    /// In lines.
    pub offset: i64,
    /// Lines of context that were not looked at.
    pub fuzz: u32,
}

/// What stands before the hunks that `patch` gets.
const HEADER: [&[u8]; 2] = [b"--- old\n", b"+++ new\n"];

/// Options of a call.
pub(super) const REVERSE: &[&str] = &["--reverse", "--fuzz=0"];
pub(super) const ANY_BLANKS: &[&str] = &["--ignore-whitespace"];

/// Applies `hunks` to `text`, with `scratch` for its files.
pub(super) fn run(
    scratch: &Path,
    text: &[u8],
    hunks: &[u8],
    options: &[&str],
) -> Result<Outcome, Error> {
    let write = |name: &str, bytes: &[u8]| {
        let path = scratch.join(name);
        fs::write(&path, bytes).map_err(Error::at(&path))
    };
    write("old", text)?;
    write("hunks", &[HEADER[0], HEADER[1], hunks].concat())?;
    let mut command = Command::new("patch");
    // --force: no question, and no guess that the patch is meant in reverse
    command.args([
        "--force",
        "--binary",
        "--no-backup-if-mismatch",
        "--reject-file=-",
        "--output=new",
    ]);
    command
        .args(options)
        .args(["old", "hunks"])
        .current_dir(scratch);
    for name in [
        "PATCH_GET",
        "PATCH_VERSION_CONTROL",
        "VERSION_CONTROL",
        "SIMPLE_BACKUP_SUFFIX",
        "POSIXLY_CORRECT",
        "QUOTING_STYLE",
    ] {
        command.env_remove(name);
    }
    let output = command
        .env("LC_ALL", "C")
        .env("TMPDIR", ".")
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoProgram,
            _ => Error::Io {
                path: "patch".into(),
                error,
            },
        })?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if said.contains("No space left on device") {
        return Err(Error::DiskFull(scratch.into()));
    }
    if output.status.success() {
        let path = scratch.join("new");
        let new = fs::read(&path).map_err(Error::at(&path))?;
        return Ok(Outcome::Applied(
            new,
            said.lines().filter_map(shift).collect(),
        ));
    }
    Ok(match said.lines().find_map(failed) {
        Some((hunk, around)) => Outcome::Failed {
            hunk,
            around,
            misordered: said.contains("misordered hunks"),
        },
        None => {
            let (said, line) = complaint(&said);
            Outcome::Refused(said, line)
        }
    })
}

/// `Hunk #2 succeeded at 35 with fuzz 1 (offset -5 lines).`
fn shift(line: &str) -> Option<Shift> {
    let (hunk, rest) = line.strip_prefix("Hunk #")?.split_once(" succeeded at ")?;
    let after = |word: &str| {
        rest.split_once(word)
            .and_then(|(_, tail)| tail.split([' ', '.', ')']).next())
    };
    Some(Shift {
        hunk: hunk.parse().ok()?,
        offset: after("(offset ").and_then(|n| n.parse().ok()).unwrap_or(0),
        fuzz: after(" with fuzz ")
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
    })
}

/// `Hunk #2 FAILED at 140.`
fn failed(line: &str) -> Option<(usize, usize)> {
    let (hunk, around) = line.strip_prefix("Hunk #")?.split_once(" FAILED at ")?;
    let digits = |s: &str| {
        s.split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|n| n.parse().ok())
    };
    Some((digits(hunk)?, digits(around)?))
}

/// The line of `patch`'s output that says most, and the place that it names.
fn complaint(said: &str) -> (String, Option<usize>) {
    let loud = said.lines().find(|line| line.contains("****"));
    let line = loud.or(said.lines().last()).unwrap_or("nothing");
    let line = line
        .trim_start_matches("patch: ")
        .trim_start_matches("**** ")
        .trim();
    let place = line.split_once(" at line ").and_then(|(what, rest)| {
        let (number, text) = rest.split_once(':')?;
        // two lines of header are ours
        let number = number.parse::<usize>().ok()?.checked_sub(HEADER.len())?;
        Some((format!("{what}:{text}"), Some(number)))
    });
    place.unwrap_or_else(|| (line.into(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_patch_are_understood() {
        let of = |hunk, offset, fuzz| Some(Shift { hunk, offset, fuzz });
        assert_eq!(
            shift("Hunk #1 succeeded at 35 (offset 5 lines)."),
            of(1, 5, 0)
        );
        assert_eq!(
            shift("Hunk #2 succeeded at 4 with fuzz 2 (offset -1 lines)."),
            of(2, -1, 2)
        );
        assert_eq!(shift("Hunk #12 succeeded at 4 with fuzz 1."), of(12, 0, 1));
        assert_eq!(shift("Hunk #2 FAILED at 140."), None);
        assert_eq!(failed("Hunk #2 FAILED at 140."), Some((2, 140)));
        assert_eq!(
            failed("Hunk #2 FAILED at 140 (different line endings)."),
            Some((2, 140))
        );
        assert_eq!(
            complaint("patching file new\npatch: **** malformed patch at line 4: x y\n"),
            ("malformed patch: x y".into(), Some(2))
        );
        assert_eq!(complaint("a\nno idea\n"), ("no idea".into(), None));
    }
}
