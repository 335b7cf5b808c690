// SPDX-License-Identifier: GPL-2.0
//! Hook points: the text between `|` and `:` before an action.

use csrc::abi::gd_act;

use super::error::{ParseError, one_of, quote, suggest};
use super::format::page_name;
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::find;
use super::{entry, number, pages};
use crate::hooks::{self, HookInfo, Object};
use crate::program::{NO_ACT, NULL, POISON};

/// A hook point, as an action without an operation yet.
pub(super) fn read(scan: &mut Scan, reader: &Reader) -> Result<gd_act, ParseError> {
    let mut inside = scan.clause()?;
    let scan = &mut inside;
    let mut act = NO_ACT;
    // word by word: find the hook points that start with the words read so far
    let mut so_far = String::new();
    let hook = loop {
        let known = next_words(&so_far);
        let word = choose(scan, &known)?;
        if !so_far.is_empty() {
            so_far.push(' ');
        }
        let (name, addr) = match word.split_once("@") {
            Some((name, addr)) => (name.text, Some(addr)),
            None => (word.text, None),
        };
        so_far.push_str(name);
        if let Some(hook) = hooks::table().iter().find(|hook| hook.text == so_far) {
            if let (Object::Entry(_), Some(addr)) = (hook.object, addr) {
                act.at_addr = entry::address(scan, addr)?;
            }
            break hook;
        }
    };
    act.hook = hook.id;
    if hook.object == Object::Page {
        act.at_page = page(scan, reader)?;
    }
    act.nth = 1;
    if let Some(word) = scan.word() {
        let nth = word.text.strip_prefix('#');
        let nth = nth.and_then(|nth| number::up_to(nth, u8::MAX.into()));
        let expected = || scan.unexpected(word, "`:`, or the number of the time, from #1 to #255");
        act.nth = nth.filter(|nth| *nth > 0).ok_or_else(expected)? as u8;
    }
    match scan.word() {
        Some(word) => Err(scan.unexpected(word, "`:`")),
        None => Ok(act),
    }
}

/// The words that can follow those read so far; an entry with its `@`.
fn next_words(so_far: &str) -> Vec<String> {
    let mut next = Vec::new();
    for hook in hooks::table().iter().filter(|hook| hook.id != 0) {
        let rest = match so_far {
            "" => Some(hook.text),
            _ => hook
                .text
                .strip_prefix(so_far)
                .and_then(|rest| rest.strip_prefix(' ')),
        };
        let Some(rest) = rest else {
            continue;
        };
        let word = match rest.split_once(' ') {
            Some((first, _)) => first.to_string(),
            None if matches!(hook.object, Object::Entry(_)) => format!("{rest}@"),
            None => rest.to_string(),
        };
        if !next.contains(&word) {
            next.push(word);
        }
    }
    next
}

/// One of a few words; after one that ends with `@` an address follows.
fn choose<'a>(scan: &mut Scan<'a>, known: &[String]) -> Result<Word<'a>, ParseError> {
    let entries = known.iter().any(|word| word.ends_with('@'));
    let words: Vec<&str> = known.iter().map(|w| w.trim_end_matches('@')).collect();
    let expected = match entries {
        true => "an entry that is read, like pte@0x10000000, or seq".to_string(),
        false => one_of(&words),
    };
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {expected}")));
    };
    let name = word.split_once("@").map_or(word, |(name, _)| name);
    match find(&words, name.text) {
        Some(i) if known[i].ends_with('@') == (name.text.len() < word.text.len()) => Ok(word),
        Some(_) => Err(scan.unexpected(word, &expected)),
        None if name.text.len() < word.text.len() => {
            let levels: Vec<&str> = known.iter().filter_map(|w| w.strip_suffix('@')).collect();
            Err(mistaken(scan, name, &one_of(&levels), &levels))
        }
        None => Err(mistaken(scan, word, &expected, &words)),
    }
}

fn mistaken(scan: &Scan, word: Word, expected: &str, known: &[&str]) -> ParseError {
    let hint = suggest(word.text, known.iter().copied());
    let found = quote(word.text);
    scan.error(word, format!("expected {expected}, found {found}{hint}"))
}

fn page(scan: &mut Scan, reader: &Reader) -> Result<u16, ParseError> {
    let Some(word) = scan.word() else {
        return Err(scan.error_here("expected the page whose count changes, like h"));
    };
    match pages::operand(scan, reader, word)? {
        NULL | POISON => {
            let message = format!("{} has no counts", quote(word.text));
            Err(scan.error(word, message))
        }
        page => Ok(page),
    }
}

/// `before read pte@0x10000000 #2`, without bar and colon.
pub(super) fn show(act: &gd_act, folios: &[String]) -> String {
    let Some(HookInfo { object, text, .. }) = hooks::info(act.hook) else {
        return format!("at undefined hook point {}", act.hook);
    };
    let what = match object {
        Object::Nothing => text.to_string(),
        Object::Entry(_) => format!("{text}@{}", entry::show_address(act.at_addr)),
        Object::Page => format!("{text} {}", page_name(act.at_page, folios)),
    };
    match act.nth {
        0 | 1 => what,
        nth => format!("{what} #{nth}"),
    }
}
