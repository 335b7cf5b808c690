// SPDX-License-Identifier: GPL-2.0
//! Pages and lists of pages, as operands.

use csrc::abi::{self, gd_op, gd_run};

use super::error::{ParseError, quote, suggest};
use super::number;
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::find;
use crate::program::list::{self, Entry};
use crate::program::{MAX_LIST, NR_RUNS, NULL, POISON, page};

/// Offsets of the first page of a run, at most.
const MAX_OFFSET: usize = abi::GD_RUN_OFFSET as usize;

/// One page, as an operation names it.
pub(super) fn operand(scan: &Scan, reader: &Reader, word: Word) -> Result<u16, ParseError> {
    Ok(match one_page(scan, reader, word, MAX_OFFSET)? {
        Entry::Null => NULL,
        Entry::Poison => POISON,
        Entry::Page { index, offset } => page(index, offset),
    })
}

/// The runs of a list, from what is between its brackets.
pub(super) fn runs(
    scan: &Scan,
    reader: &Reader,
    inside: Word,
    op: &mut gd_op,
) -> Result<(), ParseError> {
    if inside.text.trim().is_empty() {
        return Ok(());
    }
    let mut entries = Vec::new();
    let mut total = 0;
    let mut rest = Some(inside);
    while let Some(word) = rest {
        let (entry, after) = match word.split_once(",") {
            Some((entry, after)) => (entry, Some(after)),
            None => (word, None),
        };
        rest = after;
        let entry = entry.trim();
        if entry.text.is_empty() {
            return Err(scan.error(entry, "expected a page, NULL or POISON"));
        }
        let run = list_entry(scan, reader, entry)?;
        total += usize::from(run.len);
        if total > MAX_LIST {
            let message = format!("a list has at most {MAX_LIST} pages");
            return Err(scan.error(entry, message));
        }
        entries.push((run, entry));
    }
    if entries.len() > NR_RUNS {
        entries = join(entries);
    }
    if let Some((_, entry)) = entries.get(NR_RUNS) {
        let message = format!("a list has at most {NR_RUNS} runs of consecutive pages");
        return Err(scan.error(*entry, message));
    }
    for (slot, (run, _)) in op.run.iter_mut().zip(&entries) {
        *slot = *run;
    }
    debug_assert_eq!(list::len(op), total);
    Ok(())
}

/// Joins entries that continue the one before.
fn join(entries: Vec<(gd_run, Word)>) -> Vec<(gd_run, Word)> {
    let mut joined: Vec<(gd_run, Word)> = Vec::new();
    for (run, entry) in entries {
        match joined.last_mut() {
            Some((last, _)) if follows(last) == Some(run.page) => last.len += run.len,
            _ => joined.push((run, entry)),
        }
    }
    joined
}

/// The page that would continue a run.
fn follows(run: &gd_run) -> Option<u16> {
    match Entry::first(run.page) {
        Entry::Page { index, offset } => {
            let next = offset + usize::from(run.len);
            (next <= MAX_OFFSET).then(|| page(index, next))
        }
        _ => Some(run.page),
    }
}

/// `h+3`, `h+3..h+9`, `NULL*2`.
fn list_entry(scan: &Scan, reader: &Reader, word: Word) -> Result<gd_run, ParseError> {
    if let Some((first, last)) = word.split_once("..") {
        let (first, last) = (first.trim(), last.trim());
        let from = one_page(scan, reader, first, MAX_OFFSET)?;
        let to = one_page(scan, reader, last, MAX_OFFSET + MAX_LIST - 1)?;
        let (
            Entry::Page { index, offset },
            Entry::Page {
                index: i,
                offset: o,
            },
        ) = (from, to)
        else {
            return Err(scan.error(word, "a range needs a page at both ends; write NULL*3"));
        };
        if i != index {
            return Err(scan.error(last, "a range must end in the page that it starts in"));
        }
        if o < offset {
            return Err(scan.error(last, "this range ends before it starts"));
        }
        if o - offset >= MAX_LIST {
            return Err(scan.error(last, format!("a list has at most {MAX_LIST} pages")));
        }
        return Ok(gd_run {
            page: page(index, offset),
            len: (o - offset + 1) as u16,
        });
    }
    let (what, len) = match word.split_once("*") {
        Some((what, times)) => {
            let times = times.trim();
            let expected = format!("a number from 1 to {MAX_LIST}");
            let len = number::up_to(times.text, MAX_LIST).filter(|len| *len > 0);
            (
                what.trim(),
                len.ok_or_else(|| scan.unexpected(times, &expected))?,
            )
        }
        None => (word, 1),
    };
    let page = operand(scan, reader, what)?;
    if len > 1 && page != NULL && page != POISON {
        return Err(scan.error(word, "only NULL and POISON can be repeated with `*`"));
    }
    Ok(gd_run {
        page,
        len: len as u16,
    })
}

/// `h`, `h+3`, `NULL`, `POISON`.
fn one_page(
    scan: &Scan,
    reader: &Reader,
    word: Word,
    max_offset: usize,
) -> Result<Entry, ParseError> {
    match word.text {
        "NULL" => return Ok(Entry::Null),
        "POISON" => return Ok(Entry::Poison),
        _ => {}
    }
    let (name, offset) = match word.split_once("+") {
        Some((name, offset)) => (name.trim(), Some(offset.trim())),
        None => (word, None),
    };
    let Some(index) = find(&reader.folios, name.text) else {
        let hint = suggest(name.text, reader.folios.iter().copied());
        let hint = match (hint.is_empty(), reader.folios.is_empty()) {
            (_, true) => "; no page is declared yet".to_string(),
            (true, _) => format!("; declared are {}", reader.folios.join(", ")),
            _ => hint,
        };
        let message = format!("expected a page, found {}{hint}", quote(name.text));
        return Err(scan.error(name, message));
    };
    let Some(offset) = offset else {
        return Ok(Entry::Page { index, offset: 0 });
    };
    let expected = format!("an offset from 0 to {max_offset}");
    match number::up_to(offset.text, max_offset) {
        Some(offset) => Ok(Entry::Page { index, offset }),
        None => Err(scan.unexpected(offset, &expected)),
    }
}
