// SPDX-License-Identifier: GPL-2.0
//! Expectations: the results that a text states for its program.

use super::error::{ParseError, one_of, quote, suggest};
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::{FLAGS, find};
use super::{number, pages, parse};
use crate::expect::{Condition, Count, Expectation, State, What};
use crate::program::{NULL, POISON};
use crate::site::SiteKind;

/// What can be expected, by its first word.
const KINDS: [&str; 21] = [
    "result",
    "refcount",
    "pincount",
    "pinned",
    "tail",
    "flag",
    "WARN",
    "BUG",
    "OOPS",
    "LIMIT",
    "call",
    "entry",
    "action",
    "acquired",
    "released",
    "irqs",
    "has_pinned",
    "has_pinned_2",
    "locked",
    "mmap_lock",
    "mmap_lock_2",
];

/// What follows `expect`.
pub(super) fn read(
    scan: &mut Scan,
    reader: &Reader,
    op: usize,
    line: usize,
) -> Result<Expectation, ParseError> {
    let condition = match scan.rest().contains(':') {
        true => condition(&mut scan.clause()?)?,
        false => Condition::default(),
    };
    let text = scan.rest().to_string();
    let mut word = needed(scan, &one_of(&KINDS))?;
    let negated = word.text == "not";
    if negated {
        word = needed(scan, &one_of(&KINDS))?;
    }
    let what = what(scan, reader, word)?;
    parse::end(scan)?;
    Ok(Expectation {
        op,
        line,
        condition,
        negated,
        what,
        text: text.trim_end().into(),
    })
}

fn needed<'a>(scan: &mut Scan<'a>, expected: &str) -> Result<Word<'a>, ParseError> {
    match scan.word() {
        Some(word) => Ok(word),
        None => Err(scan.error_here(format!("expected {expected}"))),
    }
}

/// `6.1 6.12.118+ debug`, before the colon.
fn condition(scan: &mut Scan) -> Result<Condition, ParseError> {
    let mut condition = Condition::default();
    while let Some(word) = scan.word() {
        match word.text {
            "debug" => condition.debug_vm = Some(true),
            "nodebug" => condition.debug_vm = Some(false),
            _ => match word.text.parse() {
                Ok(releases) => condition.releases.push(releases),
                Err(()) => {
                    let expected = "a revision like 6.1 or 6.12.118+, debug or nodebug";
                    return Err(scan.unexpected(word, expected));
                }
            },
        }
    }
    Ok(condition)
}

fn what(scan: &mut Scan, reader: &Reader, word: Word) -> Result<What, ParseError> {
    Ok(match word.text {
        "result" => {
            let word = needed(scan, "what it returns, like 0, -ENOMEM, true, NULL or h+1")?;
            What::Result(word.text.into(), pages::operand(scan, reader, word).ok())
        }
        "refcount" => What::Count(Count::Ref, page(scan, reader)?, int(scan)?),
        "pincount" => What::Count(Count::Pin, page(scan, reader)?, int(scan)?),
        "pinned" => What::Pinned(page(scan, reader)?),
        "tail" => What::Tail(page(scan, reader)?),
        "flag" => {
            let page = page(scan, reader)?;
            let word = needed(scan, "a page flag, like dirty")?;
            match find(&FLAGS, word.text) {
                Some(flag) => What::Flag(page, flag as u32),
                None => {
                    let hint = suggest(word.text, FLAGS);
                    let found = quote(word.text);
                    let message = format!("expected a page flag, like dirty, found {found}{hint}");
                    return Err(scan.error(word, message));
                }
            }
        }
        "WARN" => site(scan, SiteKind::Warn)?,
        "BUG" => site(scan, SiteKind::Bug)?,
        "OOPS" => What::Oops,
        "LIMIT" => What::Limit,
        "call" => {
            let name = needed(scan, "the function that is called, like __folio_put")?;
            let of = match scan.word() {
                Some(word) => Some(declared(scan, reader, word)?),
                None => None,
            };
            What::Call(name.text.into(), of)
        }
        "entry" => {
            let index = counted(scan, "an index of pages[], from 0")?;
            let word = needed(scan, "the page that stands there")?;
            What::Entry(index as u16, pages::operand(scan, reader, word)?)
        }
        "action" => {
            let index = counted(scan, "which action of the operation, from 1")?;
            What::Action(index.saturating_sub(1))
        }
        "acquired" => What::Acquired(int(scan)?),
        "released" => What::Released(int(scan)?),
        "irqs" => What::State(State::Irqs),
        "has_pinned" => What::State(State::HasPinned(0)),
        "has_pinned_2" => What::State(State::HasPinned(1)),
        "locked" => What::Locked,
        "mmap_lock" => What::MmapLock(0),
        "mmap_lock_2" => What::MmapLock(1),
        _ => {
            let hint = suggest(word.text, KINDS);
            let (kinds, found) = (one_of(&KINDS), quote(word.text));
            return Err(scan.error(word, format!("expected {kinds}, found {found}{hint}")));
        }
    })
}

fn page(scan: &mut Scan, reader: &Reader) -> Result<u16, ParseError> {
    let word = needed(scan, "a page, like h+3")?;
    declared(scan, reader, word)
}

fn declared(scan: &Scan, reader: &Reader, word: Word) -> Result<u16, ParseError> {
    match pages::operand(scan, reader, word)? {
        NULL | POISON => Err(scan.unexpected(word, "a page, like h+3")),
        page => Ok(page),
    }
}

fn int(scan: &mut Scan) -> Result<i32, ParseError> {
    let word = needed(scan, number::INT)?;
    number::int(word.text).ok_or_else(|| scan.unexpected(word, number::INT))
}

fn counted(scan: &mut Scan, expected: &str) -> Result<usize, ParseError> {
    let word = needed(scan, expected)?;
    number::up_to(word.text, 0xffff).ok_or_else(|| scan.unexpected(word, expected))
}

/// `try_grab_page#1`, or `try_grab_page` for any site of the function; without a word, any
/// site.
fn site(scan: &mut Scan, kind: SiteKind) -> Result<What, ParseError> {
    let Some(word) = scan.word() else {
        return Ok(What::Site(kind, None));
    };
    let (func, ordinal) = match word.split_once("#") {
        None => (word, None),
        Some((func, ordinal)) => {
            let expected = "which of the function's, from 0";
            let n = number::up_to(ordinal.text, 0xffff);
            let n = n.ok_or_else(|| scan.unexpected(ordinal, expected))?;
            (func, Some(n as u32))
        }
    };
    Ok(What::Site(kind, Some((func.text.into(), ordinal))))
}
