// SPDX-License-Identifier: GPL-2.0
//! Unified diffs: which files a text names, with which hunks.
//!
//! Hunks are counted through, so that a removed line `-- x` is no header.
//! What is no diff (a commit's message, a diffstat, a signature) is passed
//! over, but nothing that could be a lost part of a hunk is.

use std::borrow::Cow;
use std::ops::Range;

use super::names::{Name, binary_names, git_names, header_name, unquote};

/// One file of a diff.
#[derive(Clone, Debug, Default)]
pub(super) struct FileDiff {
    /// The line of its header in the diff, from 1.
    pub line: usize,
    /// `None` for a file that is added.
    pub old: Option<Name>,
    /// `None` for a file that is removed.
    pub new: Option<Name>,
    pub made: Made,
    /// The file's mode after it, where the diff tells.
    pub mode: Option<u32>,
    pub binary: bool,
    pub hunks: Vec<Hunk>,
}

/// What a file is made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Made {
    /// From itself.
    #[default]
    InPlace,
    /// From the old name, which goes away.
    Rename,
    /// From the old name, which stays.
    Copy,
}

#[derive(Clone, Debug)]
pub(super) struct Hunk {
    /// The line of its `@@` in the diff, from 1.
    pub line: usize,
    /// Its text in the diff, with the `@@` line.
    pub bytes: Range<usize>,
}

/// The diff in a text.
#[derive(Debug)]
pub(super) struct Found {
    /// Its first line in the text, from 1.
    pub line: usize,
    pub bytes: Range<usize>,
    /// Lines and bytes count from its start.
    pub files: Vec<FileDiff>,
}

/// A fault at a line of the text.
#[derive(Debug)]
pub(super) struct Fault {
    pub line: usize,
    pub why: String,
}

/// The text with LF line ends, if its hunks' headers end with CR LF: then
/// something on its way has changed all of them.  A diff of a file with CR LF
/// line ends has the CR in the file's lines only.
pub(super) fn without_carriage_returns(text: &[u8]) -> Cow<'_, [u8]> {
    let header = |line: &&[u8]| line.starts_with(b"@@ -") || line.starts_with(b"diff --git ");
    match lines(text).find(header) {
        Some(line) if line.ends_with(b"\r\n") => Cow::Owned(strip_carriage_returns(text)),
        _ => Cow::Borrowed(text),
    }
}

/// Takes one CR off every line's end.
pub(super) fn strip_carriage_returns(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in lines(text) {
        match line.strip_suffix(b"\r\n") {
            Some(line) => out.extend_from_slice(&[line, b"\n"].concat()),
            None => out.extend_from_slice(line),
        }
    }
    out
}

/// The lines of a text, with their ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&b| b == b'\n')
}

/// Finds the diff in a text.
pub(super) fn parse(text: &[u8]) -> Result<Option<Found>, Fault> {
    let mut parser = Parser {
        lines: Vec::new(),
        at: 0,
        files: Vec::new(),
        open: None,
        ready: false,
        end: 0,
    };
    let mut start = 0;
    for line in lines(text) {
        parser.lines.push((start, line));
        start += line.len();
    }
    parser.run()?;
    let Some(first) = parser.files.first().map(|f| f.line) else {
        return Ok(None);
    };
    let begin = parser.lines[first - 1].0;
    for file in &mut parser.files {
        file.line -= first - 1;
        for hunk in &mut file.hunks {
            hunk.line -= first - 1;
            hunk.bytes = hunk.bytes.start - begin..hunk.bytes.end - begin;
        }
    }
    Ok(Some(Found {
        line: first,
        bytes: begin..parser.end,
        files: parser.files,
    }))
}

struct Parser<'a> {
    /// With the byte at which each starts.
    lines: Vec<(usize, &'a [u8])>,
    at: usize,
    files: Vec<FileDiff>,
    /// The file whose header or hunks are being read.
    open: Option<Open>,
    /// A hunk may follow here.
    ready: bool,
    /// Where the last file ends.
    end: usize,
}

struct Open {
    file: FileDiff,
    /// Lines of git's header may follow.
    header: bool,
    added: bool,
    removed: bool,
    /// Something that makes it a change: `git diff -w` prints bare headers.
    change: bool,
    end: usize,
}

impl Open {
    /// Do `---` and `+++` lines go with the rename and copy lines before them?
    fn is_of(&self, old: Option<&Name>, new: Option<&Name>) -> bool {
        let goes = |header: Option<&Name>, bare: &Option<Name>| match (header, bare) {
            (Some(header), Some(bare)) => header.ends_with(bare),
            _ => false,
        };
        self.file.made == Made::InPlace || (goes(old, &self.file.old) && goes(new, &self.file.new))
    }
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        while let Some(line) = self.line(self.at) {
            self.step(&line)?;
            self.at += 1;
        }
        self.flush();
        Ok(())
    }

    /// A line as text without its end.
    fn line(&self, at: usize) -> Option<String> {
        let (_, bytes) = self.lines.get(at)?;
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn fault<T>(&self, at: usize, why: impl Into<String>) -> Result<T, Fault> {
        Err(Fault {
            line: at + 1,
            why: why.into(),
        })
    }

    fn step(&mut self, line: &str) -> Result<(), Fault> {
        let ready = std::mem::take(&mut self.ready);
        if let Some(names) = line.strip_prefix("diff --git ") {
            self.open(true);
            if let (Some(open), Some((old, new))) = (&mut self.open, git_names(names)) {
                (open.file.old, open.file.new) = (Some(Name::new(old)), Some(Name::new(new)));
            }
        } else if line.starts_with("diff --cc ") || line.starts_with("diff --combined ") {
            return self.fault(
                self.at,
                "a diff of a merge: give the one against its first parent, git diff COMMIT^ COMMIT",
            );
        } else if let Some(old) = line.strip_prefix("--- ").filter(|_| self.names_follow()) {
            self.names(old);
        } else if line.starts_with("@@ -") {
            return self.hunk(line, ready);
        } else if self.open.as_ref().is_some_and(|open| open.header) {
            self.git_header(line);
        } else if let Some(both) = binary_names(line) {
            self.open(false);
            self.change(|open| {
                open.file.binary = true;
                (open.file.old, open.file.new) = both;
            });
        }
        Ok(())
    }

    /// A `+++` line is next, and a hunk after it: a line of dashes in a text is
    /// no header.
    fn names_follow(&self) -> bool {
        let next =
            |n: usize, start: &str| self.line(self.at + n).is_some_and(|l| l.starts_with(start));
        next(1, "+++ ") && next(2, "@@ -")
    }

    fn names(&mut self, old: &str) {
        let new = self.line(self.at + 1).unwrap_or_default();
        let (old, new) = (
            header_name(old),
            header_name(new.strip_prefix("+++ ").unwrap_or_default()),
        );
        if !self
            .open
            .as_ref()
            .is_some_and(|open| open.header && open.is_of(old.as_ref(), new.as_ref()))
        {
            self.open(false);
        }
        self.at += 1;
        if let Some(open) = &mut self.open {
            open.header = false;
            // rename and copy lines say it better
            if open.file.made == Made::InPlace {
                (open.file.old, open.file.new) = (old, new);
            }
        }
        self.ready = true;
    }

    fn open(&mut self, git: bool) {
        self.flush();
        let file = FileDiff {
            line: self.at + 1,
            ..FileDiff::default()
        };
        self.open = Some(Open {
            file,
            header: git,
            added: false,
            removed: false,
            change: false,
            end: 0,
        });
    }

    fn flush(&mut self) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        if open.added {
            open.file.old = None;
        }
        if open.removed {
            open.file.new = None;
        }
        if open.change && (open.file.old.is_some() || open.file.new.is_some()) {
            self.end = open.end;
            self.files.push(open.file);
        }
    }

    /// Marks the open file as changed, up to and with the line at hand.
    fn change(&mut self, set: impl FnOnce(&mut Open)) {
        let (start, line) = self.lines[self.at];
        if let Some(open) = &mut self.open {
            set(open);
            open.change = true;
            open.end = start + line.len();
        }
    }

    fn git_header(&mut self, line: &str) {
        let mode = |s: &str| u32::from_str_radix(s.trim(), 8).ok();
        let name = |s: &str| Some(Name::bare(unquote(s).unwrap_or_else(|| s.to_string())));
        let made = |at: &str| {
            if line.starts_with(at) {
                Made::Copy
            } else {
                Made::Rename
            }
        };
        if let Some(m) = line.strip_prefix("new mode ") {
            self.change(|open| open.file.mode = mode(m));
        } else if let Some(m) = line.strip_prefix("new file mode ") {
            self.change(|open| (open.file.mode, open.added) = (mode(m), true));
        } else if let Some(m) = line.strip_prefix("deleted file mode ") {
            self.change(|open| (open.file.mode, open.removed) = (mode(m), true));
        } else if let Some(old) = line
            .strip_prefix("rename from ")
            .or(line.strip_prefix("copy from "))
        {
            self.change(|open| (open.file.old, open.file.made) = (name(old), made("copy")));
        } else if let Some(new) = line
            .strip_prefix("rename to ")
            .or(line.strip_prefix("copy to "))
        {
            self.change(|open| (open.file.new, open.file.made) = (name(new), made("copy")));
        } else if line == "GIT binary patch"
            || (line.starts_with("Binary files ") && line.ends_with(" differ"))
        {
            self.change(|open| open.file.binary = true);
        } else if let Some((_, m)) = line
            .strip_prefix("index ")
            .and_then(|ids| ids.split_once(' '))
            && let Some(open) = &mut self.open
        {
            open.file.mode = open.file.mode.or(mode(m));
        } else if !["index ", "similarity ", "dissimilarity ", "old mode "]
            .iter()
            .any(|start| line.starts_with(start))
            && let Some(open) = &mut self.open
        {
            open.header = false;
        }
    }

    fn hunk(&mut self, line: &str, ready: bool) -> Result<(), Fault> {
        let first = self.at;
        let Some((mut old, mut new)) = hunk_counts(line) else {
            return match ready {
                true => self.fault(
                    first,
                    "the @@ line of a hunk cannot be read: the patch is damaged",
                ),
                false => Ok(()),
            };
        };
        let Some(open) = self.open.as_ref().filter(|_| ready) else {
            return match self.files.is_empty() && self.open.is_none() {
                // before the first file: a text about a patch
                true => Ok(()),
                false => self.fault(first, "a hunk that follows no other hunk and no file name (--- and +++ lines): the patch is damaged"),
            };
        };
        let number = open.file.hunks.len() + 1;
        let of = open
            .file
            .new
            .as_ref()
            .or(open.file.old.as_ref())
            .map_or(String::new(), |n| format!(" of {}", n.as_str()));
        while old > 0 || new > 0 {
            let Some((_, line)) = self.lines.get(self.at + 1) else {
                let lines = old.max(new);
                return self.fault(self.at, format!("the patch ends here, {lines} lines before the end of hunk #{number}{of}: it was cut off"));
            };
            let takes = match line.first() {
                Some(b' ' | b'\n' | b'\r') => Some((1, 1)),
                Some(b'-') => Some((1, 0)),
                Some(b'+') => Some((0, 1)),
                Some(b'\\') => Some((0, 0)),
                _ => None,
            };
            let Some((takes_old, takes_new)) = takes.filter(|(o, n)| *o <= old && *n <= new) else {
                return self.fault(self.at + 1, format!("hunk #{number}{of} is shorter here than its @@ line says: the patch was edited, or a mailer has wrapped its lines"));
            };
            (old, new) = (old - takes_old, new - takes_new);
            self.at += 1;
        }
        if self
            .lines
            .get(self.at + 1)
            .is_some_and(|(_, line)| line.starts_with(b"\\"))
        {
            self.at += 1;
        }
        if let Some((_, line)) = self.lines.get(self.at + 1) {
            let more =
                line.starts_with(b"+") || (line.starts_with(b"-") && !line.starts_with(b"--"));
            if more {
                return self.fault(self.at + 1, format!("hunk #{number}{of} goes on here after all the lines that its @@ line gives it: the patch was edited"));
            }
        }
        let (start, last) = self.lines[self.at];
        let bytes = self.lines[first].0..start + last.len();
        self.change(|open| {
            open.file.hunks.push(Hunk {
                line: first + 1,
                bytes,
            })
        });
        self.ready = true;
        Ok(())
    }
}

/// The counts of `@@ -1,2 +3,4 @@`.
fn hunk_counts(line: &str) -> Option<(usize, usize)> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let count = |range: &str| match range.split_once(',') {
        Some((start, count)) => start.parse::<usize>().and(count.parse()).ok(),
        None => range.parse::<usize>().ok().map(|_| 1),
    };
    Some((count(old)?, count(new)?))
}
