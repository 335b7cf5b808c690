// SPDX-License-Identifier: GPL-2.0
//! Lines to a program.

use csrc::abi::{self, gd_act};

use super::error::{ParseError, quote, suggest};
use super::scan::{Scan, Word};
use super::{DEFAULT_NAMES, act, expect, operation, page};
use crate::expect::Expectations;
use crate::hooks::{self, Answer};
use crate::ops::{self, OpInfo};
use crate::program::{MAX_ACTS, MAX_FOLIOS, MAX_OPS, Program};
use crate::rev::Rev;

/// The result of the lines so far.
pub(super) struct Reader<'a> {
    program: Program,
    names: Rev,
    /// The declared folios' names.
    pub(super) folios: Vec<&'a str>,
    mm_seen: bool,
    expectations: Expectations,
}

/// The normalised program of a text.
pub fn parse(text: &str) -> Result<Program, ParseError> {
    read(text).map(|(program, _)| program)
}

/// The same, and its expectations.
pub fn read(text: &str) -> Result<(Program, Expectations), ParseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        program: Program::EMPTY,
        names: DEFAULT_NAMES,
        folios: Vec::new(),
        mm_seen: false,
        expectations: Expectations::default(),
    };
    reader.program.0.world.state = page::DEFAULT_STATE;
    let mut last = 1;
    for (i, line) in text.lines().enumerate() {
        last = i + 1;
        reader.line(Scan::new(line, last))?;
    }
    if reader.folios.is_empty() {
        return Err(ParseError {
            line: last,
            column: 1,
            message: "expected a `page` line: a program declares at least one page".to_string(),
        });
    }
    reader.program.normalise();
    Ok((reader.program, reader.expectations))
}

impl<'a> Reader<'a> {
    fn line(&mut self, mut scan: Scan<'a>) -> Result<(), ParseError> {
        if let Some(bar) = scan.bar() {
            return self.action_line(&mut scan, bar);
        }
        let Some(word) = scan.word() else {
            return Ok(());
        };
        match word.text {
            "names" => self.names_line(&mut scan),
            "mm" => self.mm_line(&mut scan, word),
            "page" => self.page_line(&mut scan, word),
            "on" => self.on_line(&mut scan, word),
            "expect" => self.expect_line(&mut scan, word),
            _ => self.operation_line(&mut scan, word),
        }
    }

    fn names_line(&mut self, scan: &mut Scan<'a>) -> Result<(), ParseError> {
        const EXPECTED: &str = "a revision, like 6.1 or v8";
        let Some(word) = scan.word() else {
            return Err(scan.error_here(format!("expected {EXPECTED}")));
        };
        match word.text.parse::<Rev>() {
            Ok(rev) if rev >= rev.oldest_of_its_kind() => self.names = rev,
            Ok(rev) => {
                let oldest = rev.oldest_of_its_kind();
                let message = format!(
                    "no names are known for {}; the oldest is {oldest}",
                    word.text
                );
                return Err(scan.error(word, message));
            }
            Err(_) => return Err(scan.unexpected(word, EXPECTED)),
        }
        end(scan)
    }

    /// The revisions that the expectations apply to.
    fn on_line(&mut self, scan: &mut Scan<'a>, word: Word<'a>) -> Result<(), ParseError> {
        self.before_operations(scan, word)?;
        while let Some(word) = scan.word() {
            match word.text.parse() {
                Ok(rev) => self.expectations.on.push(rev),
                Err(_) => return Err(scan.unexpected(word, "revisions, like 6.1 or v8")),
            }
        }
        match self.expectations.on.is_empty() {
            true => Err(scan.error_here("expected revisions, like 6.1 or v8")),
            false => Ok(()),
        }
    }

    fn expect_line(&mut self, scan: &mut Scan<'a>, word: Word<'a>) -> Result<(), ParseError> {
        let Some(op) = self.program.nr_ops().checked_sub(1) else {
            let message = "`expect` lines follow the operation that they are about";
            return Err(scan.error(word, message));
        };
        let expectation = expect::read(scan, self, op, scan.line())?;
        self.expectations.list.push(expectation);
        Ok(())
    }

    fn mm_line(&mut self, scan: &mut Scan<'a>, word: Word<'a>) -> Result<(), ParseError> {
        if std::mem::replace(&mut self.mm_seen, true) {
            return Err(scan.error(word, "a program has one `mm` line; this is the second"));
        }
        self.before_operations(scan, word)?;
        page::mm(scan, &mut self.program.0.world)
    }

    fn before_operations(&self, scan: &Scan, word: Word) -> Result<(), ParseError> {
        if self.program.nr_ops() == 0 {
            return Ok(());
        }
        let message = format!("`{}` lines come before the first operation", word.text);
        Err(scan.error(word, message))
    }

    fn page_line(&mut self, scan: &mut Scan<'a>, word: Word<'a>) -> Result<(), ParseError> {
        self.before_operations(scan, word)?;
        let Some(name) = scan.word() else {
            return Err(scan.error_here("expected a name for the page"));
        };
        if !is_name(name.text) {
            let expected = "a name for the page (letters, digits and `_`)";
            return Err(scan.unexpected(name, expected));
        }
        if matches!(name.text, "NULL" | "POISON") {
            return Err(scan.error(name, format!("{} names a pointer already", name.text)));
        }
        if self.folios.contains(&name.text) {
            let message = format!("{} is declared already", quote(name.text));
            return Err(scan.error(name, message));
        }
        if self.folios.len() == MAX_FOLIOS {
            let message = format!("a program declares at most {MAX_FOLIOS} pages");
            return Err(scan.error(word, message));
        }
        let folio = page::folio(scan)?;
        let once = matches!(u32::from(folio.kind), abi::GD_K_ZERO | abi::GD_K_HUGE_ZERO);
        let declared = &self.program.0.folio[..self.folios.len()];
        let other = declared.iter().position(|f| once && f.kind == folio.kind);
        if let Some(other) = other {
            let message = format!(
                "a program can have only one such page, and `{}` is one",
                self.folios[other]
            );
            return Err(scan.error(name, message));
        }
        self.program.0.folio[self.folios.len()] = folio;
        self.folios.push(name.text);
        self.program.0.world.nr_folios = self.folios.len() as u8;
        Ok(())
    }

    fn operation_line(&mut self, scan: &mut Scan<'a>, word: Word<'a>) -> Result<(), ParseError> {
        let info = self.lookup(scan, word)?;
        if self.program.nr_ops() == MAX_OPS {
            let message = format!("a program has at most {MAX_OPS} operations");
            return Err(scan.error(word, message));
        }
        let op = operation::read(scan, self, info, Answer::None)?;
        self.program.push_op(op);
        Ok(())
    }

    /// `| hook point: operation`.
    fn action_line(&mut self, scan: &mut Scan<'a>, bar: Word<'a>) -> Result<(), ParseError> {
        let owner = self.program.ops().last();
        match owner.and_then(|op| ops::info(op.op)).map(|op| op.is_change) {
            Some(true) => {
                let message = "a change of the world has no hook points: \
                               `|` lines follow a function of the kernel";
                return Err(scan.error(bar, message));
            }
            None => {
                let message = "`|` lines follow the operation during which they happen";
                return Err(scan.error(bar, message));
            }
            Some(false) => {}
        }
        if self.program.nr_acts() == MAX_ACTS {
            let message = format!("the script of a program has at most {MAX_ACTS} actions");
            return Err(scan.error(bar, message));
        }
        let hook = act::read(scan, self)?;
        let Some(word) = scan.word() else {
            return Err(scan.error_here("expected an action, like set_pte"));
        };
        let info = self.lookup(scan, word)?;
        if !info.is_change {
            let message = format!(
                "only changes of the world and answers can be actions; {} is neither",
                quote(word.text)
            );
            return Err(scan.error(word, message));
        }
        if !info.can_be_scripted() {
            let message = format!("{} cannot be an action", quote(word.text));
            return Err(scan.error(word, message));
        }
        let answer = hooks::info(hook.hook).map_or(Answer::None, |hook| hook.answer);
        self.program.push_act(gd_act {
            owner: self.program.nr_ops() as u8 - 1,
            op: operation::read(scan, self, info, answer)?,
            ..hook
        });
        Ok(())
    }

    fn lookup(&self, scan: &Scan, word: Word) -> Result<&'static OpInfo, ParseError> {
        let (rev, name) = (self.names, word.text);
        if let Some(info) = ops::by_name(name, rev).or_else(|| ops::by_role(name)) {
            return Ok(info);
        }
        let elsewhere = |rev: &Rev| ops::by_name(name, *rev).map(|info| (*rev, info.role));
        if let Some((other, role)) = Rev::known().iter().find_map(elsewhere) {
            let message = format!(
                "{rev} has no `{name}`, {other} has; write `names {other}` above, or the role `{role}`"
            );
            return Err(scan.error(word, message));
        }
        let known = ops::table().iter().filter_map(|op| op.name(rev));
        let known = known.chain(ops::table().iter().map(|op| op.role));
        let hint = suggest(name, known.chain(["page", "names", "mm", "on", "expect"]));
        let message = format!(
            "expected `page`, `mm`, `names`, `on`, `expect` or an operation of {rev}, found {}{hint}",
            quote(name)
        );
        Err(scan.error(word, message))
    }
}

/// Refuses further words.
pub(super) fn end(scan: &mut Scan) -> Result<(), ParseError> {
    match scan.word() {
        Some(word) => Err(scan.unexpected(word, "the end of the line")),
        None => Ok(()),
    }
}

/// Whether a word can be a page's name.
fn is_name(word: &str) -> bool {
    let starts = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
