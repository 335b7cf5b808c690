// SPDX-License-Identifier: GPL-2.0
//! Syntax that only programs of the slow layer use: VMAs, and the results of faults.

use csrc::abi::{self, gd_op};

use super::error::{ParseError, one_of, quote, suggest};
use super::scan::{Scan, Word};
use super::words::{self, FAULTS, VM_FLAGS, VMA_KINDS, find};
use super::{entry, number, operation, pkey};
use crate::program::NO_OP;
use crate::program::walk::{MAX_VMA_PAGES, PAGE_SIZE, TASK_SIZE_MAX};
use crate::world::pkey::OF_VMA;

/// What follows `set_vma`.
pub(super) fn vma(scan: &mut Scan) -> Result<gd_op, ParseError> {
    let mut op = gd_op {
        op: abi::GD_OP_SET_VMA as u8,
        n: 1,
        ..NO_OP
    };
    let last = abi::GD_MAX_VMAS as usize - 1;
    let expected = format!("the number of the VMA, 0 to {last}");
    let word = needed(scan, &expected)?;
    let slot = number::up_to(word.text, last);
    op.arg = slot.ok_or_else(|| scan.unexpected(word, &expected))? as u16;
    let expected = "its start address, like 0x10000000, or none";
    let word = needed(scan, expected)?;
    if word.text == "none" {
        op.n = 0;
        super::parse::end(scan)?;
        return Ok(op);
    }
    op.addr = start(scan, word, expected)?;
    let (mut kind, mut n, mut mm, mut key) = (None, None, None, None);
    while let Some(word) = scan.word() {
        let twice = |what: &str| Err(scan.error(word, format!("{what} is given twice")));
        let keyed = word.split_once("=").map(|(key, value)| (key.text, value));
        if let Some(("n", value)) = keyed {
            if n.replace(pages(scan, &op, value)?).is_some() {
                return twice("n");
            }
        } else if let Some(("mm", value)) = keyed {
            if mm.replace(operation::mm(scan, value)?).is_some() {
                return twice("mm");
            }
        } else if let Some(("pkey", value)) = keyed {
            if key.replace(pkey::read(scan, value, OF_VMA)?).is_some() {
                return twice("pkey");
            }
        } else if let Some(found) = find(&VMA_KINDS, word.text) {
            if kind.replace(found).is_some() {
                return twice("the kind of the VMA");
            }
        } else if let Some(flag) = find(&VM_FLAGS, word.text) {
            if op.val & 1 << flag != 0 {
                return twice(word.text);
            }
            op.val |= 1 << flag;
        } else {
            return Err(unknown(scan, word));
        }
    }
    op.n = n.unwrap_or(1);
    op.mm = mm.unwrap_or(0);
    op.val |= key.unwrap_or(0) as i32;
    let Some(kind) = kind else {
        let kinds = one_of(&VMA_KINDS);
        return Err(scan.error_here(format!("expected the kind of the VMA: {kinds}")));
    };
    op.entry = kind as u8;
    Ok(op)
}

fn needed<'a>(scan: &mut Scan<'a>, expected: &str) -> Result<Word<'a>, ParseError> {
    match scan.word() {
        Some(word) => Ok(word),
        None => Err(scan.error_here(format!("expected {expected}"))),
    }
}

fn start(scan: &Scan, word: Word, expected: &str) -> Result<u64, ParseError> {
    let addr = number::address(word.text).ok_or_else(|| scan.unexpected(word, expected))?;
    match addr {
        TASK_SIZE_MAX.. => Err(scan.error(word, "this address is beyond the end of user space")),
        addr if addr % PAGE_SIZE != 0 => Err(scan.error(word, "a VMA starts at a page boundary")),
        addr => Ok(addr),
    }
}

fn pages(scan: &Scan, op: &gd_op, value: Word) -> Result<i32, ParseError> {
    let expected = format!("a number of pages from 1 to {MAX_VMA_PAGES}");
    let n = number::up_to(value.text, MAX_VMA_PAGES as usize).filter(|n| *n > 0);
    let n = n.ok_or_else(|| scan.unexpected(value, &expected))?;
    if n as u64 > (TASK_SIZE_MAX - op.addr) / PAGE_SIZE {
        return Err(scan.error(value, "the VMA would reach beyond the end of user space"));
    }
    Ok(n as i32)
}

fn unknown(scan: &Scan, word: Word) -> ParseError {
    let known = VMA_KINDS
        .iter()
        .chain(&VM_FLAGS)
        .chain(&["n", "mm", "pkey"])
        .copied();
    let hint = suggest(word.text, known);
    let found = quote(word.text);
    let message = format!(
        "expected n=, mm=, pkey=, what the VMA is of or flags of it, like anon read write, found {found}{hint}"
    );
    scan.error(word, message)
}

/// What follows `set_vma`, as text.
pub(super) fn show_vma(op: &gd_op) -> String {
    if op.n == 0 {
        return format!("{} none", op.arg);
    }
    let mut text = format!("{} {}", op.arg, entry::show_address(op.addr));
    let mut say = |word: &str| {
        text.push(' ');
        text.push_str(word);
    };
    if op.n != 1 {
        say(&format!("n={}", op.n));
    }
    say(VMA_KINDS.get(usize::from(op.entry)).unwrap_or(&"?"));
    let plain = op.val as u32 & !OF_VMA;
    let set = VM_FLAGS.iter().enumerate();
    set.filter(|(bit, _)| plain & 1 << bit != 0)
        .for_each(|(_, flag)| say(flag));
    if let Some(key) = pkey::show(op.val as u32, OF_VMA) {
        say(&key);
    }
    if op.mm != 0 {
        say(&format!("mm={}", op.mm + 1));
    }
    text
}

/// What follows `answer` at a fault: `0`, or `retry|major`.
pub(super) fn fault(scan: &mut Scan) -> Result<i32, ParseError> {
    let expected = "0, or what the fault returns, like retry|major";
    let word = needed(scan, expected)?;
    if word.text == "0" {
        return Ok(0);
    }
    let mut bits = 0;
    let mut rest = Some(word);
    while let Some(word) = rest {
        let (name, after) = match word.split_once("|") {
            Some((name, after)) => (name, Some(after)),
            None => (word, None),
        };
        rest = after;
        let Some(bit) = find(&FAULTS, name.text) else {
            let hint = suggest(name.text, FAULTS);
            let found = quote(name.text);
            return Err(scan.error(name, format!("expected {expected}, found {found}{hint}")));
        };
        bits |= 1 << bit;
    }
    Ok(bits)
}

/// The same as text.
pub(super) fn show_fault(bits: i32) -> String {
    words::bits(&FAULTS, bits as u32)
}
