// SPDX-License-Identifier: GPL-2.0
//! Addresses and entries of page tables, as operands.

use csrc::abi::{self, gd_op};

use super::error::{ParseError, one_of, quote, suggest};
use super::format::page_name;
use super::parse::Reader;
use super::scan::{Scan, Word};
use super::words::{ENTRIES, ENTRY_FLAGS, find};
use super::{number, pages, pkey};
use crate::ops::OpInfo;
use crate::program::walk::{self, Level};
use crate::program::{NULL, POISON};
use crate::world::pkey::OF_ENTRY;

/// An address, for messages.
const ADDRESS: &str = "an address, like 0x10000000";
/// One whose other bits choose no entry.
const ENTRY_ADDRESS: &str = "the address of a page, of 48 bits";
/// What an entry can be.
const ENTRY: &str = "a page, like h+3, or none, table, swap or migration";

/// The address that an operation with one starts with, and the entry after it.
pub(super) fn operands(
    scan: &mut Scan,
    reader: &Reader,
    info: &OpInfo,
    op: &mut gd_op,
) -> Result<(), ParseError> {
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {ADDRESS}")));
    };
    let Some(level) = walk::set_level(info.id) else {
        let addr = number::address(word.text);
        op.addr = addr.ok_or_else(|| scan.unexpected(word, ADDRESS))?;
        return Ok(());
    };
    op.addr = address(scan, word)?;
    entry(scan, reader, level, op)
}

/// An address that chooses an entry of page tables.
pub(super) fn address(scan: &Scan, word: Word) -> Result<u64, ParseError> {
    let addr = number::address(word.text).ok_or_else(|| scan.unexpected(word, ADDRESS))?;
    match addr & !walk::ADDR_MASK {
        0 => Ok(addr),
        _ => Err(scan.unexpected(word, ENTRY_ADDRESS)),
    }
}

fn entry(scan: &mut Scan, reader: &Reader, level: Level, op: &mut gd_op) -> Result<(), ParseError> {
    let Some(word) = scan.word() else {
        return Err(scan.error_here(format!("expected {ENTRY}")));
    };
    let kind = find(&ENTRIES, word.text).filter(|kind| *kind != abi::GD_E_PAGE as usize);
    let kind = kind.map_or(abi::GD_E_PAGE, |kind| kind as u32);
    op.entry = kind as u8;
    match (kind, level) {
        (abi::GD_E_TABLE, Level::Pte) => {
            return Err(scan.error(word, "there are no tables below a PTE"));
        }
        (abi::GD_E_NONE | abi::GD_E_TABLE, _) => {}
        (_, Level::Pgd) => {
            let message = "entries of the top level are table or none";
            return Err(scan.error(word, message));
        }
        _ => {}
    }
    let page = match kind {
        abi::GD_E_PAGE => Some(word),
        abi::GD_E_MIGRATION => Some(scan.word().ok_or_else(|| {
            scan.error_here("expected the page that is being migrated, like h+3")
        })?),
        _ => None,
    };
    if let Some(word) = page {
        op.run[0].page = pages::operand(scan, reader, word)?;
        if matches!(op.run[0].page, NULL | POISON) {
            let message = format!("an entry holds no pointers, so not {}", quote(word.text));
            return Err(scan.error(word, message));
        }
    }
    Ok(())
}

/// The flags that such an entry can have.
fn flags_of(op: &gd_op) -> u16 {
    match u32::from(op.entry) {
        abi::GD_E_PAGE => walk::ENTRY_FLAGS,
        abi::GD_E_TABLE => walk::TABLE_FLAGS,
        _ => 0,
    }
}

/// What follows `pkey=`.
pub(super) fn key(scan: &Scan, op: &mut gd_op, word: Word) -> Result<(), ParseError> {
    if flags_of(op) == 0 {
        return Err(scan.error(
            word,
            "only entries of pages and tables have a protection key",
        ));
    }
    op.eflags |= pkey::read(scan, word, OF_ENTRY)? as u16;
    Ok(())
}

/// A flag of the entry, if the word is one.
pub(super) fn flag(scan: &Scan, op: &mut gd_op, word: Word) -> Result<bool, ParseError> {
    let Some(flag) = find(&ENTRY_FLAGS, word.text) else {
        return Ok(false);
    };
    let bit = 1 << flag;
    let has = flags_of(op);
    if op.eflags & bit != 0 {
        return Err(scan.error(word, format!("{} is given twice", word.text)));
    }
    if has & bit == 0 {
        let message = match u32::from(op.entry) {
            abi::GD_E_TABLE if flag as u32 == abi::GD_EF_DEVMAP => {
                "devmap makes an entry one of a page, never of a table"
            }
            abi::GD_E_TABLE => "an entry that points to a table is always rw and dirty",
            _ => "only entries of pages and tables have flags",
        };
        return Err(scan.error(word, message));
    }
    op.eflags |= bit;
    Ok(true)
}

/// How many entries are set.
pub(super) fn count(scan: &Scan, value: Word) -> Result<i32, ParseError> {
    let n = number::up_to(value.text, abi::GD_MAX_SET as usize).filter(|n| *n > 0);
    let expected = || scan.unexpected(value, &format!("a number from 1 to {}", abi::GD_MAX_SET));
    n.map(|n| n as i32).ok_or_else(expected)
}

/// A word that is no flag of an entry.
pub(super) fn unknown(scan: &Scan, word: Word) -> ParseError {
    let known = ENTRY_FLAGS.iter().chain(&["n", "mm", "pkey"]).copied();
    let hint = suggest(word.text, known);
    let mut expected = vec!["n=", "mm=", "pkey="];
    expected.extend(ENTRY_FLAGS.iter().filter(|flag| !flag.starts_with("pkey")));
    let message = format!(
        "expected {}, found {}{hint}",
        one_of(&expected),
        quote(word.text)
    );
    scan.error(word, message)
}

/// The address and the entry as text; flags follow the count.
pub(super) fn show(op: &gd_op, folios: &[String]) -> String {
    let mut text = show_address(op.addr);
    if walk::set_level(op.op).is_some() {
        text.push(' ');
        text.push_str(&match u32::from(op.entry) {
            abi::GD_E_PAGE => page_name(op.run[0].page, folios),
            abi::GD_E_MIGRATION => format!("migration {}", page_name(op.run[0].page, folios)),
            kind => ENTRIES.get(kind as usize).unwrap_or(&"?").to_string(),
        });
    }
    text
}

/// An address as text.
pub(super) fn show_address(addr: u64) -> String {
    format!("{addr:#x}")
}

/// The flags of an entry as text, each after a blank.
pub(super) fn show_flags(op: &gd_op) -> String {
    let flags = u32::from(op.eflags);
    let set = ENTRY_FLAGS.iter().enumerate();
    let set = set.filter(|(bit, _)| flags & !OF_ENTRY & 1 << bit != 0);
    let set = set.map(|(_, word)| format!(" {word}"));
    let key = pkey::show(flags, OF_ENTRY).map(|key| format!(" {key}"));
    set.chain(key).collect()
}
