// SPDX-License-Identifier: GPL-2.0
//! The operands of an operation line.

use csrc::abi::{self, gd_op};

use super::error::{ParseError, one_of, quote, suggest};
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::{self, FOLL, find};
use super::{entry, number, pages, parse, slow};
use crate::effect::Part;
use crate::hooks::Answer;
use crate::ops::{ArgKind, N, OpInfo, Val};
use crate::program::NO_OP;

/// Reads the operands after an operation's name.  For an answer, they depend on what the
/// call at the hook point returns.
pub(super) fn read(
    scan: &mut Scan,
    reader: &Reader,
    info: &'static OpInfo,
    answer: Answer,
) -> Result<gd_op, ParseError> {
    let mut op = gd_op {
        op: info.id,
        ..NO_OP
    };
    if info.has(abi::GD_S_VMA) {
        return slow::vma(scan);
    }
    if info.val == Val::Answer && answer == Answer::Fault {
        op.val = slow::fault(scan)?;
        parse::end(scan)?;
        return Ok(op);
    }
    if info.has(abi::GD_S_LIST) {
        if !scan.at_list() {
            return Err(missing(scan, "a list of pages, like [p, h+3..h+9, NULL]"));
        }
        let inside = scan.list()?;
        pages::runs(scan, reader, inside, &mut op)?;
    } else if info.has(abi::GD_S_ADDR) {
        entry::operands(scan, reader, info, &mut op)?;
    }
    if info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
        op.run[0].page = one_page(scan, reader, "a page, like h+3, NULL or POISON")?;
    }
    if info.has(abi::GD_S_TO) {
        op.run[1].page = one_page(scan, reader, "the page whose folio it becomes a tail of")?;
    }
    let mut given = Given::default();
    while let Some(word) = scan.word() {
        operand(scan, info, &mut op, &mut given, word)?;
    }
    defaults(scan, info, &mut op, &given)?;
    Ok(op)
}

fn one_page(scan: &mut Scan, reader: &Reader, expected: &str) -> Result<u16, ParseError> {
    if scan.at_list() {
        return Err(missing(scan, "one page, not a list"));
    }
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {expected}")));
    };
    pages::operand(scan, reader, word)
}

/// The operands that a line has given.
#[derive(Default)]
struct Given {
    n: bool,
    val: bool,
    arg: bool,
    foll: bool,
    dirty: bool,
    null: bool,
    mm: bool,
    pkey: bool,
}

/// `expected ...`, at the next word or where the line ends.
fn missing(scan: &mut Scan, expected: &str) -> ParseError {
    let mut ahead = *scan;
    match ahead.word() {
        Some(word) => scan.unexpected(word, expected),
        None => scan.error_here(format!("expected {expected}")),
    }
}

fn once(scan: &Scan, word: Word, what: &str, given: &mut bool) -> Result<(), ParseError> {
    match std::mem::replace(given, true) {
        true => Err(scan.error(word, format!("{what} is given twice"))),
        false => Ok(()),
    }
}

/// One word after the pages.
fn operand(
    scan: &Scan,
    info: &'static OpInfo,
    op: &mut gd_op,
    given: &mut Given,
    word: Word,
) -> Result<(), ParseError> {
    if let Some((key, value)) = word.split_once("=") {
        return keyed(scan, info, op, given, key, value);
    }
    if info.has(abi::GD_S_ENTRY) {
        return match entry::flag(scan, op, word)? {
            true => Ok(()),
            false => Err(entry::unknown(scan, word)),
        };
    }
    if info.has(abi::GD_S_PAGES) && word.text == "NULL" {
        once(scan, word, "NULL", &mut given.null)?;
        op.mods |= abi::GD_MOD_NULL as u8;
        return Ok(());
    }
    if info.has(abi::GD_S_DIRTY) && word.text == "dirty" {
        once(scan, word, "dirty", &mut given.dirty)?;
        op.mods |= abi::GD_MOD_DIRTY as u8;
        return Ok(());
    }
    let has_arg = info.has(abi::GD_S_ARG) && words::arg_is_bare(info.arg);
    if let Some(value) = arg_value(info.arg, word.text).filter(|_| has_arg) {
        once(scan, word, words::arg_key(info.arg), &mut given.arg)?;
        op.arg = value;
        return Ok(());
    }
    let has_val = words::val_is_bare(info);
    if let Some(value) = val(info, word.text).filter(|_| has_val) {
        once(scan, word, words::val_key(info), &mut given.val)?;
        op.val = value;
        return Ok(());
    }
    if info.has(abi::GD_S_FOLL) {
        let upper = word.text.starts_with(|c: char| c.is_ascii_uppercase());
        if upper {
            once(scan, word, "the set of flags", &mut given.foll)?;
            return foll(scan, op, word);
        }
    }
    Err(unknown(scan, info, word))
}

fn val(info: &OpInfo, text: &str) -> Option<i32> {
    match words::val_is_seq(info) {
        true => number::bits(text).map(|bits| bits as i32),
        false => number::int(text),
    }
}

fn arg_value(kind: ArgKind, text: &str) -> Option<u16> {
    let last = kind.values() as usize - 1;
    let value = match kind {
        ArgKind::Number | ArgKind::Order | ArgKind::Lookup | ArgKind::Slot => {
            number::up_to(text, last)
        }
        ArgKind::Switch | ArgKind::Whether(_) => words::find_switch(text),
        _ => find(words::arg_words(kind), text),
    };
    value.map(|value| value as u16)
}

/// `key=value`.
fn keyed(
    scan: &Scan,
    info: &'static OpInfo,
    op: &mut gd_op,
    given: &mut Given,
    key: Word,
    value: Word,
) -> Result<(), ParseError> {
    let n_key = words::n_key(info);
    // people write refs for npages and vice versa
    let is_count = |key: &str| matches!(key, "refs" | "npages");
    let same = |key: &str| key == n_key || is_count(key) && is_count(n_key);
    let text = value.text;
    if info.has(abi::GD_S_N) && same(key.text) {
        once(scan, key, key.text, &mut given.n)?;
        op.n = match info.has(abi::GD_S_ENTRY) {
            true => entry::count(scan, value)?,
            false => number::int(text).ok_or_else(|| scan.unexpected(value, number::INT))?,
        };
        if info.has(abi::GD_S_LIST) {
            op.mods |= abi::GD_MOD_N as u8;
        }
    } else if info.has(abi::GD_S_VAL) && key.text == words::val_key(info) {
        once(scan, key, key.text, &mut given.val)?;
        op.val = val(info, text).ok_or_else(|| scan.unexpected(value, number::INT))?;
    } else if info.has(abi::GD_S_FOLL) && key.text == "flags" {
        once(scan, key, "the set of flags", &mut given.foll)?;
        let expected = "the flags' bits, like 0x40001";
        op.foll = number::bits(text).ok_or_else(|| scan.unexpected(value, expected))?;
        op.mods |= abi::GD_MOD_RAW as u8;
    } else if info.has(abi::GD_S_ARG) && key.text == words::arg_key(info.arg) {
        once(scan, key, key.text, &mut given.arg)?;
        let expected = || scan.unexpected(value, &arg_expected(info.arg));
        op.arg = arg_value(info.arg, text).ok_or_else(expected)?;
    } else if info.has(abi::GD_S_MM) && key.text == "mm" {
        once(scan, key, "mm", &mut given.mm)?;
        op.mm = mm(scan, value)?;
    } else if info.has(abi::GD_S_ENTRY) && key.text == "pkey" {
        once(scan, key, "pkey", &mut given.pkey)?;
        entry::key(scan, op, value)?;
    } else if info.has(abi::GD_S_ENTRY) {
        return Err(entry::unknown(scan, key));
    } else {
        return Err(unknown(scan, info, key));
    }
    Ok(())
}

fn arg_expected(kind: ArgKind) -> String {
    match kind {
        ArgKind::Flag => "a page flag, like dirty".to_string(),
        ArgKind::Number | ArgKind::Order | ArgKind::Lookup | ArgKind::Slot => {
            format!("a number from 0 to {}", kind.values() - 1)
        }
        _ => one_of(words::arg_words(kind)),
    }
}

/// `PIN|LONGTERM`, each with or without the kernel's prefix.
fn foll(scan: &Scan, op: &mut gd_op, word: Word) -> Result<(), ParseError> {
    let mut rest = Some(word);
    while let Some(word) = rest {
        let (name, after) = match word.split_once("|") {
            Some((name, after)) => (name, Some(after)),
            None => (word, None),
        };
        rest = after;
        let plain = name.text.strip_prefix("FOLL_").unwrap_or(name.text);
        let Some(bit) = find(&FOLL, plain) else {
            let hint = suggest(plain, FOLL);
            let message = format!("expected a FOLL_ flag, found {}{hint}", quote(name.text));
            return Err(scan.error(name, message));
        };
        op.foll |= 1 << bit;
    }
    Ok(())
}

/// The number of an mm, from 1.
pub(super) fn mm(scan: &Scan, value: Word) -> Result<u8, ParseError> {
    match value.text {
        "1" => Ok(0),
        "2" => Ok(1),
        _ => Err(scan.unexpected(value, "the number of an mm, 1 (that of current) or 2")),
    }
}

/// A word that the operation has no use for.
fn unknown(scan: &Scan, info: &'static OpInfo, word: Word) -> ParseError {
    let mut expected = Vec::new();
    let mut keys = Vec::new();
    if info.has(abi::GD_S_N) {
        keys.push(words::n_key(info));
    }
    if info.has(abi::GD_S_VAL) && !words::val_is_bare(info) {
        keys.push(words::val_key(info));
    }
    if info.has(abi::GD_S_ARG) && !words::arg_is_bare(info.arg) {
        keys.push(words::arg_key(info.arg));
    }
    if info.has(abi::GD_S_MM) {
        keys.push("mm");
    }
    if info.has(abi::GD_S_FOLL) {
        keys.push("flags");
        expected.push("FOLL_ flags");
    }
    let with_equals = keys.iter().map(|key| format!("{key}=")).collect::<Vec<_>>();
    expected.extend(with_equals.iter().map(String::as_str));
    if info.has(abi::GD_S_DIRTY) {
        expected.push("dirty");
    }
    if info.has(abi::GD_S_PAGES) {
        expected.push("NULL");
    }
    let arg;
    if info.has(abi::GD_S_ARG) && words::arg_is_bare(info.arg) {
        arg = arg_expected(info.arg);
        expected.push(&arg);
    }
    if words::val_is_bare(info) {
        expected.push(number::INT);
    }
    if expected.is_empty() {
        return scan.unexpected(word, "the end of the line");
    }
    let known = keys.iter().chain(words::arg_words(info.arg)).copied();
    let known: Vec<&str> = match info.has(abi::GD_S_FOLL) {
        true => known.chain(FOLL).collect(),
        false => known.collect(),
    };
    let hint = suggest(word.text, known);
    let message = format!(
        "expected {}, found {}{hint}",
        one_of(&expected),
        quote(word.text)
    );
    scan.error(word, message)
}

/// Fills in operands that were not given, or reports that they are required.
fn defaults(
    scan: &mut Scan,
    info: &'static OpInfo,
    op: &mut gd_op,
    given: &Given,
) -> Result<(), ParseError> {
    let has_default = words::arg_has_default(info.arg);
    // a page that is freed has no mapping
    let has_default = has_default || info.sets() == Some(Part::Contents);
    if info.has(abi::GD_S_ARG) && !given.arg && !has_default {
        let key = match words::arg_is_bare(info.arg) {
            true => String::new(),
            false => format!("{}= and ", words::arg_key(info.arg)),
        };
        return Err(scan.error_here(format!("expected {key}{}", arg_expected(info.arg))));
    }
    if info.has(abi::GD_S_VAL) && !given.val {
        if words::val_is_bare(info) {
            return Err(scan.error_here(format!("expected {}", number::INT)));
        }
        op.val = 1;
    }
    if info.has(abi::GD_S_N) && !info.has(abi::GD_S_LIST) && !given.n {
        op.n = i32::from(info.n != N::Pins);
    }
    parse::end(scan)
}
