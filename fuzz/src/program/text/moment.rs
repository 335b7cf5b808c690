// SPDX-License-Identifier: GPL-2.0
//! Moments: what stands between `|` and `:` before an attached operation.

use csrc::abi::{self, gd_op};

use super::error::{ParseError, one_of, quote, suggest};
use super::format::page_name;
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::{CALLS, LEVELS, find};
use super::{entry, number, pages};
use crate::program::walk::{self, Place};
use crate::program::{NULL, POISON};

/// The fields of a moment, in an operation that has nothing else yet.
pub(super) fn read(scan: &mut Scan, reader: &Reader, op: &mut gd_op) -> Result<(), ParseError> {
    let mut inside = scan.clause()?;
    let scan = &mut inside;
    const FIRST: [&str; 3] = ["before", "after", "at"];
    let (word, first) = choose(scan, &FIRST)?;
    op.when = match first {
        0 => match choose(scan, &["read", "ref", "pin"])?.1 {
            0 => load(scan, op)?,
            1 => page(scan, reader, op, abi::GD_WHEN_BEFORE_REF)?,
            _ => page(scan, reader, op, abi::GD_WHEN_BEFORE_PIN)?,
        },
        1 => match choose(scan, &["ref", "pin"])?.1 {
            0 => page(scan, reader, op, abi::GD_WHEN_AFTER_REF)?,
            _ => page(scan, reader, op, abi::GD_WHEN_AFTER_PIN)?,
        },
        _ => abi::GD_WHEN_PAGEMAP as u8 + choose(scan, &CALLS)?.1 as u8,
    };
    debug_assert!(walk::place(op.when).is_some(), "{}", word.text);
    op.nth = 1;
    if let Some(word) = scan.word() {
        let nth = word.text.strip_prefix('#');
        let nth = nth.and_then(|nth| number::up_to(nth, u8::MAX.into()));
        let expected = || scan.unexpected(word, "`:`, or which time counts, from #1 to #255");
        op.nth = nth.filter(|nth| *nth > 0).ok_or_else(expected)? as u8;
    }
    match scan.word() {
        Some(word) => Err(scan.unexpected(word, "`:`")),
        None => Ok(()),
    }
}

/// One of a few words.
fn choose<'a>(scan: &mut Scan<'a>, words: &[&str]) -> Result<(Word<'a>, usize), ParseError> {
    let expected = one_of(words);
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {expected}")));
    };
    match find(words, word.text) {
        Some(i) => Ok((word, i)),
        None => Err(mistaken(scan, word, &expected, words)),
    }
}

fn mistaken(scan: &Scan, word: Word, expected: &str, known: &[&str]) -> ParseError {
    let hint = suggest(word.text, known.iter().copied());
    let found = quote(word.text);
    scan.error(word, format!("expected {expected}, found {found}{hint}"))
}

/// `pte@0x10000000`, `seq`.
fn load(scan: &mut Scan, op: &mut gd_op) -> Result<u8, ParseError> {
    const EXPECTED: &str = "what is read, like pte@0x10000000 or seq";
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {EXPECTED}")));
    };
    if word.text == "seq" {
        return Ok(abi::GD_WHEN_READ_SEQ as u8);
    }
    let Some((level, addr)) = word.split_once("@") else {
        return Err(mistaken(scan, word, EXPECTED, &["seq"]));
    };
    let Some(found) = entry::level(level.text) else {
        return Err(mistaken(scan, level, &one_of(&LEVELS), &LEVELS));
    };
    op.at_addr = entry::address(scan, addr)?;
    Ok(found.when())
}

fn page(scan: &mut Scan, reader: &Reader, op: &mut gd_op, when: u32) -> Result<u8, ParseError> {
    let Some(word) = scan.word() else {
        return Err(scan.error_here("expected the page that is counted on, like h"));
    };
    op.at_page = pages::operand(scan, reader, word)?;
    if matches!(op.at_page, NULL | POISON) {
        let message = format!("{} has no counts", quote(word.text));
        return Err(scan.error(word, message));
    }
    Ok(when as u8)
}

/// `| before read pte@0x10000000 #2: `; nothing for operations without a moment.
pub(super) fn show(op: &gd_op, folios: &[String]) -> String {
    if op.when == 0 {
        return String::new();
    }
    let when = u32::from(op.when);
    let what = match walk::place(op.when) {
        Some(Place::Entry(level)) => {
            let addr = entry::show_address(op.at_addr);
            format!("before read {}@{addr}", LEVELS[level as usize])
        }
        Some(Place::Page) => {
            let words = match when {
                abi::GD_WHEN_BEFORE_REF => "before ref",
                abi::GD_WHEN_AFTER_REF => "after ref",
                abi::GD_WHEN_BEFORE_PIN => "before pin",
                _ => "after pin",
            };
            format!("{words} {}", page_name(op.at_page, folios))
        }
        _ => match when.checked_sub(abi::GD_WHEN_PAGEMAP) {
            Some(call) => format!("at {}", CALLS.get(call as usize).unwrap_or(&"?")),
            None => "before read seq".to_string(),
        },
    };
    match op.nth {
        0 | 1 => format!("| {what}: "),
        nth => format!("| {what} #{nth}: "),
    }
}
