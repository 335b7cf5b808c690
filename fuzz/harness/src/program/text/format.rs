// SPDX-License-Identifier: GPL-2.0
//! Programs to text.

use std::fmt::Write as _;

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_run};

use super::page::{DEFAULT_FOLIO, DEFAULT_STATE, STATE};
use super::words::{self, FLAGS, FOLL, KINDS, MAPPINGS, MIGRATETYPES, SWITCH};
use super::{act, entry, number, slow};
use crate::hooks::{self, Answer};
use crate::ops::{self, Rev};
use crate::program::Program;
use crate::program::list::Entry;
use crate::program::walk;
use crate::world::folio::is_device;

/// A normalised program as text, in the words of a revision.
///
/// Operations that the revision does not have are written by their role.
pub fn format(program: &Program, names: Rev) -> String {
    let folios = folio_names(program);
    let mut out = format!("names {names}\n");
    mm(&mut out, program);
    for (f, name) in program.folios().iter().zip(&folios) {
        page(&mut out, f, name);
    }
    for (op, acts) in program.groups() {
        let _ = writeln!(out, "{}", format_op(op, names, &folios));
        for act in acts {
            let _ = writeln!(out, "  {}", format_act(act, names, &folios));
        }
    }
    out
}

/// The names that [`format()`] gives to the declared folios.
pub fn folio_names(program: &Program) -> Vec<String> {
    let letters: Vec<&str> = program.folios().iter().map(letter).collect();
    let count = |letter: &str, of: &[&str]| of.iter().filter(|l| **l == letter).count();
    let name = |(i, letter): (usize, &&str)| match count(letter, &letters) {
        1 => letter.to_string(),
        _ => format!("{letter}{}", count(letter, &letters[..i])),
    };
    letters.iter().enumerate().map(name).collect()
}

fn letter(f: &gd_folio) -> &'static str {
    match u32::from(f.kind) {
        abi::GD_K_ZERO => "z",
        abi::GD_K_HUGE_ZERO => "hz",
        abi::GD_K_SLAB => "s",
        _ if is_device(f.kind) => "d",
        _ if f.order > 0 => "h",
        _ => "p",
    }
}

fn mm(out: &mut String, program: &Program) {
    let world = program.world();
    let mut words = Vec::new();
    for (name, bit) in STATE {
        let set = u32::from(world.state) & bit;
        if set != u32::from(DEFAULT_STATE) & bit {
            words.push(match name {
                "irqs" => format!("{name}={}", SWITCH[usize::from(set != 0)]),
                _ => format!("{name}={}", u8::from(set != 0)),
            });
        }
    }
    if world.seq != 0 {
        words.push(format!("seq={}", world.seq));
    }
    if world.pkru != 0 {
        words.push(format!("pkru={:#x}", world.pkru));
    }
    if !words.is_empty() {
        let _ = writeln!(out, "mm {}", words.join(" "));
    }
}

fn page(out: &mut String, f: &gd_folio, name: &str) {
    let mut line = format!("page {name}");
    let mut say = |word: &str| {
        line.push(' ');
        line.push_str(word);
    };
    if f.order != 0 && u32::from(f.kind) != abi::GD_K_HUGE_ZERO {
        say(&format!("order={}", f.order));
    }
    say(&format!("ref={}", number::show(f.ref_)));
    if f.pin != 0 {
        say(&format!("pin={}", number::show(f.pin)));
    }
    if u32::from(f.kind) != abi::GD_K_NORMAL {
        say(KINDS[usize::from(f.kind)]);
    }
    if u32::from(f.mapping) != abi::GD_M_NONE {
        say(MAPPINGS[usize::from(f.mapping)]);
    }
    if f.exclusive != 0 {
        say("exclusive");
    }
    if f.movable != 0 {
        say("movable");
    }
    if f.migratetype != DEFAULT_FOLIO.migratetype {
        say(MIGRATETYPES[usize::from(f.migratetype)]);
    }
    for (bit, flag) in FLAGS.iter().enumerate() {
        if f.flags & 1 << bit != 0 {
            say(flag);
        }
    }
    out.push_str(&line);
    out.push('\n');
}

/// The page that a run starts with.
pub fn page_name(page: u16, folios: &[String]) -> String {
    match Entry::first(page) {
        Entry::Null => "NULL".to_string(),
        Entry::Poison => "POISON".to_string(),
        Entry::Page { index, offset } => offset_name(index, offset, folios),
    }
}

fn offset_name(index: usize, offset: usize, folios: &[String]) -> String {
    let name = folios.get(index).map_or("?", String::as_str);
    match offset {
        0 => name.to_string(),
        _ => format!("{name}+{offset}"),
    }
}

fn run_name(run: &gd_run, folios: &[String]) -> String {
    let first = page_name(run.page, folios);
    match Entry::first(run.page) {
        _ if run.len == 1 => first,
        Entry::Page { index, offset } => {
            let last = offset + usize::from(run.len) - 1;
            format!("{first}..{}", offset_name(index, last, folios))
        }
        _ => format!("{first}*{}", run.len),
    }
}

/// The list of an operation: `[p, h+3..h+9]`.
pub fn format_list(op: &gd_op, folios: &[String]) -> String {
    let runs = op.run.iter().filter(|run| run.len > 0);
    let runs: Vec<String> = runs.map(|run| run_name(run, folios)).collect();
    format!("[{}]", runs.join(", "))
}

/// An action as its line, without the line's end: `| before read seq: set_seq 3`.
pub fn format_act(act: &gd_act, names: Rev, folios: &[String]) -> String {
    let hook = act::show(act, folios);
    let answer = hooks::info(act.hook).map(|hook| hook.answer);
    let op = match answer {
        Some(Answer::Fault) if walk::is_answer(act.op.op) => {
            format!("answer {}", slow::show_fault(act.op.val))
        }
        _ => format_op(&act.op, names, folios),
    };
    format!("| {hook}: {op}")
}

/// One operation as its line, without the line's end; `folios` are the names of the
/// declared folios.
pub fn format_op(op: &gd_op, names: Rev, folios: &[String]) -> String {
    let Some(info) = ops::info(op.op) else {
        return format!("# undefined operation {:#04x}", op.op);
    };
    let mods = u32::from(op.mods);
    let mut line = info.name_or_role(names).to_string();
    let mut say = |word: &str| {
        line.push(' ');
        line.push_str(word);
    };
    if info.has(abi::GD_S_VMA) {
        say(&slow::show_vma(op));
        return line;
    }
    if info.has(abi::GD_S_LIST) {
        say(&format_list(op, folios));
    } else if info.has(abi::GD_S_ADDR) {
        say(&entry::show(op, folios));
    }
    if info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
        say(&page_name(op.run[0].page, folios));
    }
    if info.has(abi::GD_S_TO) {
        say(&page_name(op.run[1].page, folios));
    }
    if info.has(abi::GD_S_ARG) && (op.arg != 0 || !words::arg_goes_without_saying(info.arg)) {
        let value = usize::from(op.arg);
        let word = match words::arg_words(info.arg).get(value) {
            Some(word) => word.to_string(),
            None => value.to_string(),
        };
        match words::arg_is_bare(info.arg) {
            true => say(&word),
            false => say(&format!("{}={word}", words::arg_key(info.arg))),
        }
    }
    if info.has(abi::GD_S_VAL) {
        let value = match words::val_is_seq(info) {
            true => (op.val as u32).to_string(),
            false => number::show(op.val),
        };
        match words::val_is_bare(info) {
            true => say(&value),
            false => say(&format!("{}={value}", words::val_key(info))),
        }
    }
    if info.has(abi::GD_S_ENTRY) {
        if op.n != 1 {
            say(&format!("{}={}", words::n_key(info), op.n));
        }
        line.push_str(&entry::show_flags(op));
        line.push_str(&of_mm(op));
        return line;
    }
    if info.has(abi::GD_S_N) && (!info.has(abi::GD_S_LIST) || mods & abi::GD_MOD_N != 0) {
        say(&format!("{}={}", words::n_key(info), number::show(op.n)));
    }
    if mods & abi::GD_MOD_RAW != 0 {
        say(&format!("flags={:#x}", op.foll));
    } else if op.foll != 0 {
        let set = FOLL
            .iter()
            .enumerate()
            .filter(|(bit, _)| op.foll & 1 << bit != 0);
        let set: Vec<&str> = set.map(|(_, name)| *name).collect();
        say(&set.join("|"));
    }
    if mods & abi::GD_MOD_DIRTY != 0 {
        say("dirty");
    }
    if mods & abi::GD_MOD_NULL != 0 {
        say("NULL");
    }
    line.push_str(&of_mm(op));
    line
}

/// Which mm it is about, after a blank, unless that goes without saying.
fn of_mm(op: &gd_op) -> String {
    match op.mm {
        0 => String::new(),
        mm => format!(" mm={}", mm + 1),
    }
}
