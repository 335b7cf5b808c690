// SPDX-License-Identifier: GPL-2.0
//! Finds out by compilation what a tree has.
//!
//! An error of the compiler that points into a piece of the harness means that the tree
//! lacks what the piece needs.  Pieces are:
//!
//! * an operation, `OP(ROLE) ...` or `WALK(ROLE, ...)` at the start of a line.  Its other
//!   variants are tried (the other blocks of the same role in the file;
//!   `csrc/shim/port/ops.c` has one for each variant among kernels), then it is absent;
//! * a row of a table, `[GD_...] = ...` or `GD_ROW(GD_..., ...)` on a line of its own: it
//!   is removed;
//! * the lines between `#ifndef GD_WITHOUT_NAME` and its `#else` or `#endif`: the macro is
//!   defined;
//! * the lines between `#if ... != GD_OTHER_NAME` and its `#endif`: two variants, of which
//!   the tree's version selects the one that is tried first.  The macro is defined as 1,
//!   which selects the other one.
//!
//! The compiler reads edited files through an overlay; line numbers stay the same.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// A piece of the harness that does not compile with this tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Piece {
    /// The operation of a role.
    Operation(String),
    /// A row of a table, by the name in its brackets.
    Row(String),
    /// A named part of the world or of the observed state.
    Part(String),
    /// One of two variants of something that every tree has.
    Spelling(String),
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation(name) | Self::Row(name) | Self::Part(name) | Self::Spelling(name) => {
                f.write_str(name)
            }
        }
    }
}

/// How the pieces that did not compile are handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(from = "Listed", into = "Listed")]
pub struct Edits {
    files: BTreeMap<PathBuf, BTreeMap<Piece, usize>>,
    first: Option<String>,
}

/// The same for JSON, whose keys can only be strings.
#[derive(serde::Serialize, serde::Deserialize)]
struct Listed {
    pieces: Vec<(PathBuf, Piece, usize)>,
    first: Option<String>,
}

impl From<Edits> for Listed {
    fn from(edits: Edits) -> Self {
        let of_file = |(file, pieces): (PathBuf, BTreeMap<Piece, usize>)| {
            let pieces = pieces.into_iter();
            pieces.map(move |(piece, tried)| (file.clone(), piece, tried))
        };
        Self {
            pieces: edits.files.into_iter().flat_map(of_file).collect(),
            first: edits.first,
        }
    }
}

impl From<Listed> for Edits {
    fn from(listed: Listed) -> Self {
        let mut edits = Self {
            first: listed.first,
            ..Self::default()
        };
        for (file, piece, tried) in listed.pieces {
            edits.files.entry(file).or_default().insert(piece, tried);
        }
        edits
    }
}

/// A block of lines that defines an operation.
struct Block {
    role: String,
    lines: Range<usize>,
}

impl Edits {
    /// Processes the compiler's errors.  Returns the first one that is not in any piece.
    pub fn learn(
        &mut self,
        messages: &[Message],
        read: &dyn Fn(&Path) -> String,
    ) -> Option<Message> {
        let mut seen = Vec::new();
        if self.first.is_none() {
            self.first = messages.first().map(|message| message.text.clone());
        }
        for message in messages {
            let text = read(&message.file);
            let Some(piece) = piece_at(&text, message.line) else {
                return Some(message.clone());
            };
            // several errors may be about the same attempt
            let key = (message.file.clone(), piece.clone());
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            let tried = self.files.entry(message.file.clone()).or_default();
            let tried = tried.entry(piece.clone()).or_default();
            *tried += 1;
            if *tried > attempts(&text, &piece) {
                return Some(message.clone());
            }
        }
        None
    }

    /// The pieces that the tree does not have.
    pub fn absent(&self, read: &dyn Fn(&Path) -> String) -> Vec<Piece> {
        let mut absent = Vec::new();
        for (file, pieces) in &self.files {
            let text = read(file);
            let gone = |(piece, tried): &(&Piece, &usize)| {
                **tried >= attempts(&text, piece) && !matches!(piece, Piece::Spelling(_))
            };
            absent.extend(pieces.iter().filter(gone).map(|(piece, _)| piece.clone()));
        }
        absent
    }

    /// The compiler's first error, if there was one.
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// Macros to define.
    pub fn macros(&self) -> Vec<String> {
        let pieces = self.files.values().flat_map(|pieces| pieces.keys());
        let parts = pieces.filter_map(|piece| match piece {
            Piece::Part(name) => Some(format!("-DGD_WITHOUT_{name}")),
            Piece::Spelling(name) => Some(format!("-DGD_OTHER_{name}=1")),
            Piece::Operation(_) | Piece::Row(_) => None,
        });
        parts.collect()
    }

    /// The edited files.
    pub fn edited(&self, read: &dyn Fn(&Path) -> String) -> Vec<(PathBuf, String)> {
        let edit = |(file, pieces): (&PathBuf, &BTreeMap<Piece, usize>)| {
            (file.clone(), edit(&read(file), file, pieces))
        };
        self.files.iter().map(edit).collect()
    }
}

/// The number of failures after which a piece is absent.
fn attempts(text: &str, piece: &Piece) -> usize {
    match piece {
        Piece::Operation(role) => spellings(text, role).len().max(1),
        Piece::Row(_) | Piece::Part(_) | Piece::Spelling(_) => 1,
    }
}

/// All variants of an operation, as lines of the file.  The first one stands for the
/// unedited file, in which the preprocessor selects a variant.
fn spellings(text: &str, role: &str) -> Vec<Range<usize>> {
    let others = blocks(text).into_iter().filter(|b| b.role == role);
    std::iter::once(0..0)
        .chain(others.map(|b| b.lines))
        .collect()
}

/// The operations in a file.
fn blocks(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Some(rest) = line.strip_prefix("OP(").or(line.strip_prefix("WALK(")) else {
            continue;
        };
        let role: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect();
        let one_line = line.contains('{') || line.starts_with("WALK(");
        let end = match one_line {
            true => i,
            false => (i..lines.len()).find(|&k| lines[k] == "}").unwrap_or(i),
        };
        found.push(Block {
            role,
            lines: i..end + 1,
        });
    }
    found
}

/// The piece that contains a line, counted from 1.
fn piece_at(text: &str, line: usize) -> Option<Piece> {
    let at = line.checked_sub(1)?;
    let lines: Vec<&str> = text.lines().collect();
    if let Some(block) = blocks(text).into_iter().find(|b| b.lines.contains(&at)) {
        return Some(Piece::Operation(block.role));
    }
    match row_name(lines.get(at)?) {
        Some(name) => Some(Piece::Row(name.into())),
        None => part_around(&lines, at),
    }
}

/// The name in a row of a table.
fn row_name(line: &str) -> Option<&str> {
    let line = line.trim();
    let name = match line.strip_prefix("GD_ROW(") {
        Some(row) => row.split_once(',')?.0,
        None => line.strip_prefix('[')?.split_once("] =")?.0,
    };
    name.starts_with("GD_").then_some(name)
}

/// The innermost part (not its `#else`) or pair of variants that contains a line.
fn part_around(lines: &[&str], at: usize) -> Option<Piece> {
    let mut open: Vec<Option<Piece>> = Vec::new();
    for line in lines.iter().take(at) {
        let line = line.trim_start();
        if let Some(name) = line.strip_prefix("#ifndef GD_WITHOUT_") {
            open.push(Some(Piece::Part(name.trim().into())));
        } else if line.starts_with("#if") {
            let name = line
                .split_once(" != GD_OTHER_")
                .map(|(_, name)| name.trim());
            open.push(name.map(|name| Piece::Spelling(name.into())));
        } else if line.starts_with("#else") || line.starts_with("#elif") {
            if let Some(last @ Some(Piece::Part(_))) = open.last_mut() {
                *last = None;
            }
        } else if line.starts_with("#endif") {
            open.pop();
        }
    }
    open.into_iter().rev().flatten().next()
}

/// The file without its failed pieces, and with other variants.
fn edit(text: &str, file: &Path, pieces: &BTreeMap<Piece, usize>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut more = String::new();
    for (piece, &tried) in pieces {
        match piece {
            Piece::Part(_) | Piece::Spelling(_) => {}
            Piece::Row(name) => {
                let rows = lines
                    .iter_mut()
                    .filter(|l| row_name(l) == Some(name.as_str()));
                rows.for_each(String::clear);
            }
            Piece::Operation(role) => {
                for block in blocks(text).into_iter().filter(|b| b.role == *role) {
                    // remove directives inside, too: they are balanced
                    lines[block.lines].iter_mut().for_each(String::clear);
                }
                if let Some(spelling) = spellings(text, role).get(tried) {
                    more.push_str(&spelled(text, file, spelling));
                }
            }
        }
    }
    lines.join("\n") + "\n" + &more
}

/// One variant, to be appended to the file.
fn spelled(text: &str, file: &Path, spelling: &Range<usize>) -> String {
    let body: Vec<&str> = text.lines().collect();
    let body = body[spelling.clone()].join("\n");
    let first = spelling.start + 1;
    format!("#line {first} \"{}\"\n{body}\n", file.display())
}

/// An error of the compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The file, as the compiler reports it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The complete line.
    pub text: String,
}

impl Message {
    /// Finds the errors in the compiler's output.
    pub fn all(output: &str) -> Vec<Self> {
        let parse = |text: &str| {
            let place = text
                .split_once(": error: ")
                .or(text.split_once(": fatal error: "))?
                .0;
            let mut parts = place.rsplitn(3, ':');
            let (_column, line) = (parts.next()?, parts.next()?);
            Some(Self {
                line: line.parse().ok()?,
                file: PathBuf::from(parts.next()?),
                text: text.trim().into(),
            })
        };
        output.lines().filter_map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: &str = "\
static const unsigned bits[] = {
	[GD_A] = A,
	[GD_B] = B,
};
#if GD_SINCE(6, 12)
OP(GET)	{ get_new(x); }
#else
OP(GET)	{ get_old(x); }
#endif
#if GD_SINCE(6, 12)
OP(PUT)
{
	put_new(x);
}
#else
OP(PUT)	{ put_old(x); }
#endif
#ifndef GD_WITHOUT_KEY
int key;
#else
int no_key;
#endif
GD_ROW(GD_C, C)
#if GD_SINCE(6, 18) != GD_OTHER_WORD
int new_word;
#else
int old_word;
#endif
";

    fn message(line: usize) -> Message {
        Message {
            file: "ops.c".into(),
            line,
            text: format!("ops.c:{line}:1: error: x"),
        }
    }

    fn read(_: &Path) -> String {
        OPS.into()
    }

    #[test]
    fn a_line_belongs_to_its_piece() {
        let piece = |line| piece_at(OPS, line);
        assert_eq!(piece(3), Some(Piece::Row("GD_B".into())));
        assert_eq!(piece(6), Some(Piece::Operation("GET".into())));
        assert_eq!(piece(13), Some(Piece::Operation("PUT".into())));
        assert_eq!(piece(19), Some(Piece::Part("KEY".into())));
        assert_eq!(piece(21), None);
        assert_eq!(piece(23), Some(Piece::Row("GD_C".into())));
        assert_eq!(piece(1), None);
        let spelling = Some(Piece::Spelling("WORD".into()));
        assert_eq!([piece(25), piece(27)], [spelling.clone(), spelling]);
    }

    #[test]
    fn the_other_spelling_is_tried_and_nothing_is_absent() {
        let mut edits = Edits::default();
        assert_eq!(edits.learn(&[message(25)], &read), None);
        assert_eq!(edits.macros(), ["-DGD_OTHER_WORD=1"]);
        assert_eq!(edits.absent(&read), []);
        assert!(
            edits.learn(&[message(27)], &read).is_some(),
            "neither compiles"
        );
    }

    #[test]
    fn an_operation_is_spelled_in_other_ways_before_it_is_absent() {
        let mut edits = Edits::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            assert_eq!(edits.learn(&[message(13)], &read), None);
            let (_, text) = edits.edited(&read).pop().unwrap();
            assert_eq!(
                text.lines().nth(18),
                Some("int key;"),
                "lines keep their numbers"
            );
            let (_, spelled) = text.split_once("GD_ROW").unwrap();
            seen.push(["put_new", "put_old"].map(|way| spelled.contains(way)));
        }
        assert_eq!(seen, [[true, false], [false, true], [false, false]]);
        assert_eq!(edits.absent(&read), [Piece::Operation("PUT".into())]);
        assert!(
            edits.learn(&[message(13)], &read).is_some(),
            "cut, and still an error"
        );
    }

    /// A version that is asked for inside of a spelling would leave one that is
    /// never tried.
    #[test]
    fn the_spellings_of_the_harness_ask_for_no_version() {
        let (mut seen, mut twice) = (0, 0);
        for name in ["ops.c", "walk.c", "port/ops.c", "port/walk.c"] {
            let file = super::super::harness().join("shim").join(name);
            let text = std::fs::read_to_string(&file).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            for block in blocks(&text) {
                let mut body = lines[block.lines.clone()].iter();
                assert!(!body.any(|l| l.starts_with('#')), "{name}: {}", block.role);
                seen += 1;
                twice += usize::from(spellings(&text, &block.role).len() > 2);
            }
        }
        assert!(
            seen > 40 && twice > 10,
            "{seen} blocks, {twice} with others"
        );
    }

    #[test]
    fn what_was_learnt_is_kept() {
        let mut edits = Edits::default();
        edits.learn(&[message(3), message(12), message(19)], &read);
        edits.learn(&[message(13)], &read);
        let text = serde_json::to_string(&edits).unwrap();
        assert_eq!(serde_json::from_str::<Edits>(&text).unwrap(), edits);
    }

    #[test]
    fn two_messages_of_one_attempt_count_once() {
        let mut edits = Edits::default();
        edits.learn(&[message(12), message(13)], &read);
        assert_eq!(edits.absent(&read), []);
    }

    #[test]
    fn rows_are_cut_and_parts_are_defined_away() {
        let mut edits = Edits::default();
        let messages = [message(3), message(19), message(23)];
        assert_eq!(edits.learn(&messages, &read), None);
        assert_eq!(edits.macros(), ["-DGD_WITHOUT_KEY"]);
        let (_, text) = edits.edited(&read).pop().unwrap();
        assert!(text.contains("[GD_A]") && !text.contains("[GD_B]") && !text.contains("GD_C"));
    }

    #[test]
    fn errors_elsewhere_are_the_trees_own() {
        let mut edits = Edits::default();
        assert_eq!(edits.learn(&[message(21)], &read), Some(message(21)));
    }

    #[test]
    fn messages_are_read() {
        let text = "In file included from a.c:1:\nb.h:12:3: error: no such thing\n  1 | x\n";
        assert_eq!(
            Message::all(text),
            [Message {
                file: "b.h".into(),
                line: 12,
                text: "b.h:12:3: error: no such thing".into()
            }]
        );
    }
}
