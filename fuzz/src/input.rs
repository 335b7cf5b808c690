// SPDX-License-Identifier: GPL-2.0
//! Programs from files: text or wire, files or folders.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::ops::Rev;
use crate::program::Program;
use crate::program::text::{self, ParseError};

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
    /// The program, normalised.
    pub program: Program,
    /// The form that it was in.
    pub form: Form,
    /// For text: the revision whose names it uses.
    pub names: Option<Rev>,
    /// For text: what the comments at its top say of where it is from.
    pub header: Header,
}

/// What a reproducer says of itself in the comments at its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// `# left   c:6.1  Linux 6.1.192, ...`: the side and what it was then.
    pub left: Option<NamedSide>,
    /// `# right  rust:6.1  ...`
    pub right: Option<NamedSide>,
    /// `# make   KERNEL=6.1 PATCH=p.patch`: the variables that give the sides.
    pub make: Option<String>,
}

/// A side as a header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSide {
    /// `c:6.1`
    pub name: String,
    /// The whole description.
    pub info: String,
}

impl Header {
    /// Of the comment lines that a text begins with.
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

/// The side that a description begins with; `None` for mere prose.
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
        /// What the system says.
        error: io::Error,
    },
    /// The text is no program.
    #[error("{}:{error}\n{excerpt}", .path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        error: ParseError,
        /// The line, with a mark.
        excerpt: String,
    },
    /// A folder without programs.
    #[error("{}: there is no program in this folder", .0.display())]
    Empty(PathBuf),
}

impl Error {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}

/// Whether bytes are meant as text: a `.gup` file is; anything else is if it
/// has no control characters, which wire programs always have.
fn is_text(path: &Path, bytes: &[u8]) -> bool {
    if path.extension().is_some_and(|e| e == "gup") {
        return true;
    }
    let printable = |b: &u8| !b.is_ascii_control() || matches!(b, b'\t' | b'\n' | b'\r');
    !bytes.is_empty() && bytes.iter().all(printable) && std::str::from_utf8(bytes).is_ok()
}

/// The program in bytes that came from `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Input, Error> {
    if !is_text(path, bytes) {
        return Ok(Input {
            program: Program::decode(bytes),
            form: Form::Wire,
            names: None,
            header: Header::default(),
        });
    }
    let source = String::from_utf8_lossy(bytes);
    let program = text::parse(&source).map_err(|error| Error::Parse {
        path: path.to_owned(),
        excerpt: error.excerpt(&source),
        error,
    })?;
    Ok(Input {
        program,
        form: Form::Text,
        names: Some(names(&source)),
        header: Header::read(&source),
    })
}

/// The revision that a text names first; 6.1 if it names none.
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
        .unwrap_or(Rev::V6_1)
}

/// Reads a program; `-` is standard input.
pub fn read(path: &Path) -> Result<Input, Error> {
    parse(path, &read_bytes(path)?)
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

/// The files that paths stand for: a folder is all files below it, by name.
/// Hidden files and Markdown are no programs.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in paths {
        if path != Path::new("-") && fs::metadata(path).map_err(Error::io(path))?.is_dir() {
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
        // Links are followed: a corpus may be one.
        let kind = fs::metadata(&path).map_err(Error::io(&path))?;
        if kind.is_dir() {
            walk(&path, all)?;
        } else if kind.is_file() && path.extension().is_none_or(|e| e != "md") {
            all.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_is_never_taken_for_text() {
        let input = parse(Path::new("x"), &Program::EMPTY.encode()).unwrap();
        assert_eq!(input.form, Form::Wire);
        assert_eq!(parse(Path::new("x"), b"").unwrap().form, Form::Wire);
    }

    #[test]
    fn text_errors_tell_where() {
        let error = parse(Path::new("a.gup"), b"page p\nfrobnicate p\n").unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("a.gup:2:1: "), "{message}");
        assert!(message.contains("frobnicate p\n^"), "{message}");
    }

    #[test]
    fn a_header_names_sides_and_prose_does_not() {
        let read = |text: &str| parse(Path::new("a.gup"), text.as_bytes()).unwrap().header;
        let text = "# left the page alone\n\n# left   c:6.1+wrong  Linux 6.1.192\n\
                    # right  none: the laws alone\n# make   KERNEL=6.1 PATCH=p\npage p\n# left c:x\n";
        let header = read(text);
        let left = header.left.unwrap();
        assert_eq!(left.name, "c:6.1+wrong");
        assert_eq!(left.info, "c:6.1+wrong  Linux 6.1.192");
        assert_eq!(header.right.unwrap().name, "none");
        assert_eq!(header.make.as_deref(), Some("KERNEL=6.1 PATCH=p"));
        assert_eq!(read("page p\n# left c:6.1\n"), Header::default());
    }

    #[test]
    fn a_text_says_whose_names_it_uses() {
        let input = parse(Path::new("a.gup"), b"# x\nnames 6.12\npage p\n").unwrap();
        assert_eq!(input.names, Some(Rev::V6_12));
    }
}
