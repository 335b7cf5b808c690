// SPDX-License-Identifier: GPL-2.0
//! Reads programs: text or wire form, from files or folders.
//!
//! A text file may contain several programs, separated by a line `---`, so that a corpus is
//! one file with readable diffs.  `FILE:LINE` is the program at that line.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::expect::Expectations;
use crate::program::Program;
use crate::program::text::{self, ParseError};
use crate::rev::Rev;

/// The form that a program is stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines of text.
    Text,
    /// Bytes.
    Wire,
}

/// A program that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its origin: the file, and the line if the file has several programs.
    pub name: String,
    /// The program, normalised.
    pub program: Program,
    /// The form of the input.
    pub form: Form,
    /// For text: the revision whose function names it uses.
    pub names: Option<Rev>,
    /// For text: the origin in the comments at its top.
    pub header: Header,
    /// For text: its expectations.
    pub expectations: Expectations,
    /// For text: the text without the comments at its top.
    pub text: String,
}

/// The header of a reproducer: the comments at its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `# left   c:6.1  Linux 6.1.192, ...`: the side and its description.
    pub left: Option<NamedSide>,
    /// `# right  rust:6.1  ...`
    pub right: Option<NamedSide>,
    /// `# make   KERNEL=6.1 PATCH=p.patch`: the variables that select the sides.
    pub make: Option<String>,
}

/// A side in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSide {
    /// `c:6.1`
    pub name: String,
    /// The complete description.
    pub info: String,
}

impl Header {
    /// Parses the comment lines at the beginning of a text.
    fn read(source: &str) -> Self {
        let mut header = Self::default();
        let comments = source
            .lines()
            .map(str::trim)
            .take_while(|line| line.is_empty() || line.starts_with('#'));
        for line in comments {
            let line = line.trim_start_matches('#').trim();
            let Some((word, rest)) = line.split_once(char::is_whitespace) else {
                continue;
            };
            let rest = rest.trim();
            match word {
                "left" => header.left = header.left.or_else(|| side(rest)),
                "right" => header.right = header.right.or_else(|| side(rest)),
                "make" if rest.contains('=') => header.make = Some(rest.into()),
                _ => {}
            }
        }
        header
    }
}

/// A text without the comment lines at its beginning.
fn without_header(source: &str) -> &str {
    let header = source.split_inclusive('\n').take_while(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#')
    });
    &source[header.map(str::len).sum()..]
}

/// The side at the beginning of a description; `None` for other text.
fn side(info: &str) -> Option<NamedSide> {
    let name = info.split_whitespace().next()?;
    let name = match name.trim_end_matches(':') {
        "none" => "none",
        _ if name
            .split_once(':')
            .is_some_and(|(_, kernel)| !kernel.is_empty()) =>
        {
            name
        }
        _ => return None,
    };
    Some(NamedSide {
        name: name.into(),
        info: info.into(),
    })
}

/// Why a program could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The text is not a valid program.
    #[error("{}:{error}\n{excerpt}", .path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Position and message.
        error: ParseError,
        /// The line, with a mark.
        excerpt: String,
    },
    /// A file of several programs where one is required.
    #[error("{} contains {programs} programs; choose one by its line, for example {}:{line}", .path.display(), .path.display())]
    Several {
        /// Which file.
        path: PathBuf,
        /// How many.
        programs: usize,
        /// Where the last one starts.
        line: usize,
    },
    /// A folder without programs.
    #[error("{}: no programs in this folder", .0.display())]
    Empty(PathBuf),
}

impl Error {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

/// Are these bytes text?  A `.gup` file is; other files are if they have no control
/// characters, which wire programs always have.
fn is_text(path: &Path, bytes: &[u8]) -> bool {
    if path.extension().is_some_and(|e| e == "gup") {
        return true;
    }
    let printable = |b: &u8| !b.is_ascii_control() || matches!(b, b'\t' | b'\n' | b'\r');
    !bytes.is_empty() && bytes.iter().all(printable) && std::str::from_utf8(bytes).is_ok()
}

/// The programs in the contents of `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<Input>, Error> {
    let name = path.display().to_string();
    if !is_text(path, bytes) {
        return Ok(vec![Input {
            name,
            program: Program::decode(bytes),
            form: Form::Wire,
            names: None,
            header: Header::default(),
            expectations: Expectations::default(),
            text: String::new(),
        }]);
    }
    let source = String::from_utf8_lossy(bytes);
    let parts = text::split(&source);
    let is_alone = parts.len() == 1;
    let parse = |&(line, part): &(usize, &str)| {
        let (program, mut expectations) = text::read(part).map_err(|error| Error::Parse {
            path: path.to_owned(),
            excerpt: error.excerpt(part),
            error: error.further_down(line - 1),
        })?;
        for expectation in &mut expectations.list {
            expectation.line += line - 1;
        }
        Ok(Input {
            name: match is_alone {
                true => name.clone(),
                false => format!("{name}:{line}"),
            },
            program,
            form: Form::Text,
            names: Some(names(part)),
            header: Header::read(part),
            expectations,
            text: without_header(part).into(),
        })
    };
    parts.iter().map(parse).collect()
}

/// The revision that a text names first, or whose names it uses then.
fn names(source: &str) -> Rev {
    source
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("names"), Some(rev)) => rev.parse().ok(),
                _ => None,
            }
        })
        .next()
        .unwrap_or(text::DEFAULT_NAMES)
}

/// Reads the programs of a file; `-` is standard input.
pub fn read_all(path: &Path) -> Result<Vec<Input>, Error> {
    match in_file(path) {
        Some((file, line)) => {
            let inputs = parse(&file, &read_bytes(&file)?)?;
            // any line of the program is accepted
            let start = |input: &Input| match input.name.rsplit_once(':') {
                Some((_, line)) => line.parse().unwrap_or(1),
                None => 1,
            };
            let found = inputs.into_iter().rfind(|input| start(input) <= line);
            Ok(found.into_iter().collect())
        }
        None => parse(path, &read_bytes(path)?),
    }
}

/// `FILE:LINE`, unless a file of that name exists.
fn in_file(path: &Path) -> Option<(PathBuf, usize)> {
    let (file, line) = path.to_str()?.rsplit_once(':')?;
    let line = line.parse().ok()?;
    (!path.exists() && Path::new(file).is_file()).then(|| (file.into(), line))
}

/// Reads the one program of a file; `-` is standard input.
pub fn read(path: &Path) -> Result<Input, Error> {
    let mut all = read_all(path)?;
    match (all.len(), all.pop()) {
        (1, Some(input)) => Ok(input),
        (programs, last) => Err(Error::Several {
            path: path.to_owned(),
            programs,
            line: last
                .and_then(|input| input.name.rsplit_once(':')?.1.parse().ok())
                .unwrap_or(1),
        }),
    }
}

/// The inputs at several paths.
pub fn all(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut all = Vec::new();
    for path in files(paths)? {
        all.extend(read_all(&path)?);
    }
    Ok(all)
}

/// The programs at several paths.
pub fn programs(paths: &[PathBuf]) -> Result<Vec<Program>, Error> {
    let inputs = all(paths)?.into_iter();
    Ok(inputs.map(|input| input.program).collect())
}

/// Reads a file; `-` is standard input.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(Error::io(path))?;
        return Ok(bytes);
    }
    fs::read(path).map_err(Error::io(path))
}

/// The files at several paths: a folder means all files below it, sorted by name, except
/// hidden files, Markdown, and the `.txt` reports that campaigns write next to programs.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in paths {
        let is_file = path == Path::new("-") || in_file(path).is_some();
        if !is_file && fs::metadata(path).map_err(Error::io(path))?.is_dir() {
            let before = all.len();
            walk(path, &mut all)?;
            if all.len() == before {
                return Err(Error::Empty(path.clone()));
            }
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

fn walk(dir: &Path, all: &mut Vec<PathBuf>) -> Result<(), Error> {
    let mut entries = fs::read_dir(dir)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(Error::io(dir))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // follow links: a corpus may be a link
        let kind = fs::metadata(&path).map_err(Error::io(&path))?;
        if kind.is_dir() {
            walk(&path, all)?;
        } else if kind.is_file() && !is_prose(&path) {
            all.push(path);
        }
    }
    Ok(())
}

/// Is it Markdown, or the report about the program next to it?
fn is_prose(path: &Path) -> bool {
    let is = |extension: &str| path.extension().is_some_and(|e| e == extension);
    is("md") || is("txt") && path.with_extension("gup").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str, bytes: &[u8]) -> Input {
        let mut all = parse(Path::new(path), bytes).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn wire_is_never_taken_for_text() {
        let input = one("x", &Program::EMPTY.encode());
        assert_eq!(input.form, Form::Wire);
        assert_eq!(one("x", b"").form, Form::Wire);
    }

    #[test]
    fn text_errors_tell_where() {
        let error = parse(Path::new("a.gup"), b"page p\nfrobnicate p\n").unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("a.gup:2:1: "), "{message}");
        assert!(message.contains("frobnicate p\n^"), "{message}");
        let error = parse(Path::new("a.gup"), b"page p\n---\npage p\nget q\n").unwrap_err();
        assert!(error.to_string().starts_with("a.gup:4:1: "), "{error}");
    }

    #[test]
    fn a_file_may_hold_several_programs() {
        let source = b"# first\npage p\n---\nnames 6.12\npage p\nput_page p\n";
        let all = parse(Path::new("a.gup"), source).unwrap();
        let names: Vec<_> = all.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["a.gup:1", "a.gup:4"]);
        assert_eq!(all[1].names, Some(Rev::V6_12));

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gup");
        fs::write(&path, source).unwrap();
        let at = |line: usize| PathBuf::from(format!("{}:{line}", path.display()));
        assert_eq!(read(&at(2)).unwrap().program, all[0].program);
        assert_eq!(read(&at(5)).unwrap().program, all[1].program);
        assert_eq!(programs(&[at(5)]).unwrap(), [all[1].program]);
        assert_eq!(programs(std::slice::from_ref(&path)).unwrap().len(), 2);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("contains 2 programs"), "{error}");
        assert!(error.contains("a.gup:4"), "{error}");
    }

    #[test]
    fn a_folder_with_findings_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name, text| fs::write(dir.path().join(name), text).unwrap();
        write("law-1.gup", "page p\n");
        write("law-1.txt", "BROKEN LAW");
        write("README.md", "# Programs");
        let here = [dir.path().to_owned()];
        assert_eq!(programs(&here).unwrap().len(), 1);
        // any other text is meant to be a program
        write("mine.txt", "page p\npage q\n");
        assert_eq!(programs(&here).unwrap().len(), 2);
    }

    #[test]
    fn a_header_names_sides_and_prose_does_not() {
        let read = |text: &str| one("a.gup", text.as_bytes()).header;
        let text = "# left the page alone\n\n# left   c:6.1+wrong  Linux 6.1.192\n\
                    # right  none: the laws alone\n# make   KERNEL=6.1 PATCH=p\npage p\n# left c:x\n";
        let header = read(text);
        let left = header.left.unwrap();
        assert_eq!(left.name, "c:6.1+wrong");
        assert_eq!(left.info, "c:6.1+wrong  Linux 6.1.192");
        assert_eq!(header.right.unwrap().name, "none");
        assert_eq!(header.make.as_deref(), Some("KERNEL=6.1 PATCH=p"));
        assert_eq!(one("a.gup", text.as_bytes()).text, "page p\n# left c:x\n");
        assert_eq!(read("page p\n# left c:6.1\n"), Header::default());
    }

    #[test]
    fn a_text_says_whose_names_it_uses() {
        let input = one("a.gup", b"# x\nnames 6.12\npage p\n");
        assert_eq!(input.names, Some(Rev::V6_12));
    }
}
