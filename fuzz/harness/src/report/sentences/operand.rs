// SPDX-License-Identifier: GPL-2.0
//! Describes operands: those of an operation, and their placeholders in help texts.

use csrc::abi::{self, gd_op};

use crate::ops::{ArgKind, OpInfo};
use crate::program::list::{self, Entry};
use crate::program::text::words;
use crate::program::walk::{self, Level};
use crate::program::{Program, text};

/// The kind of a VMA: `GD_V_*`.
const VMA_KINDS: [&str; abi::GD_NR_VMA_KINDS as usize] = [
    "anonymous",
    "of a file",
    "of shmem",
    "special (no fault handler)",
    "of secretmem",
    "of a dax file",
    "the gate area",
    "of hugetlbfs (2 MiB pages)",
    "of hugetlbfs (1 GiB pages)",
];

/// Pending signals: `GD_SIG_*`.
const SIGNALS: [&str; abi::GD_NR_SIGNALS as usize] = ["no signal", "a signal", "a fatal signal"];

/// The placeholder of an operand in the help of an operation.
pub(super) fn in_general(name: &str) -> &'static str {
    match name {
        "page" => "a page",
        "to" => "another page",
        "val" => "val",
        "n" => "n",
        "arg" => "arg",
        "addr" => "addr",
        "entries" => "n entries from the one for addr on",
        "entry" => "consecutive pages, or something else",
        "vma" => "n pages from addr on, or to none",
        _ => "?",
    }
}

/// FOLL_ flags, by the kernel's names.
pub(in crate::report) fn foll(flags: u32) -> String {
    match flags {
        0 => "without flags".into(),
        flags => prefixed("FOLL_", &words::FOLL, flags),
    }
}

/// VM_FAULT_ results, by the kernel's names.
pub(super) fn vm_fault(bits: i32) -> String {
    match bits {
        0 => "0".into(),
        bits => prefixed("VM_FAULT_", &words::FAULTS, bits as u32),
    }
}

/// The kernel's names of the bits of a mask.
fn prefixed(prefix: &str, names: &[&str], bits: u32) -> String {
    let words = words::bits(names, bits).to_uppercase();
    let names: Vec<String> = words.split('|').map(|w| format!("{prefix}{w}")).collect();
    names.join("|")
}

/// A page by its name; for a page that is not a head, with a description.
pub(super) fn page(page: u16, prog: &Program, folios: &[String]) -> String {
    let name = text::page_name(page, folios);
    match Entry::first(page) {
        Entry::Page { index, offset } if offset > 0 => {
            let (folio, head) = (prog.folios().get(index), folios.get(index));
            let order = folio.map_or(0, |f| f.order);
            let head = head.map_or("?", String::as_str);
            match offset < 1 << order {
                true => format!("{name} (a tail page of {head})"),
                false => format!("{name} (after the folio {head})"),
            }
        }
        Entry::Page { .. } | Entry::Null | Entry::Poison => name,
    }
}

/// The operands of one operation.
pub(super) struct Operands<'a> {
    pub op: &'a gd_op,
    pub info: &'a OpInfo,
    pub prog: &'a Program,
    pub folios: &'a [String],
}

impl Operands<'_> {
    /// An operand by its name in the table's sentences.
    pub fn named(&self, name: &str) -> Option<String> {
        let op = self.op;
        Some(match name {
            "page" => self.page(0),
            "to" => self.page(1),
            "val" if words::val_is_seq(self.info) => (op.val as u32).to_string(),
            "val" => text::format_int(op.val),
            "n" if self.info.has(abi::GD_S_ADDR) => pages(op.n),
            "n" => text::format_int(op.n),
            "arg" => self.arg(),
            "addr" => format!("{:#x}", op.addr),
            "entries" => self.entries(),
            "entry" => self.entry(),
            "vma" => self.vma(),
            _ => return None,
        })
    }

    /// A call of a function.
    pub fn call(&self, name: &str) -> String {
        let (op, info) = (self.op, self.info);
        let mut clause = format!("call {name}()");
        let mut said = 0;
        let mut say = |words: String| {
            clause += if said == 0 { " on " } else { ", " };
            clause += &words;
            said += 1;
        };
        if info.has(abi::GD_S_LIST) {
            say(format!("the list {}", text::format_list(op, self.folios)));
            say(format!("npages={}", list::npages(op) as i64));
        }
        if info.has(abi::GD_S_ADDR) {
            say(match info.has(abi::GD_S_N) {
                true => format!("{} from {:#x} on", pages(op.n), op.addr),
                false => format!("{:#x}", op.addr),
            });
        }
        if info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
            say(self.page(0));
        }
        if info.has(abi::GD_S_N) && !info.has(abi::GD_S_LIST | abi::GD_S_ADDR) {
            say(format!("{}={}", words::n_key(info), text::format_int(op.n)));
        }
        if info.has(abi::GD_S_VAL) {
            let key = match words::val_is_bare(info) {
                true => "size",
                false => words::val_key(info),
            };
            say(format!("{key}={}", text::format_int(op.val)));
        }
        if info.has(abi::GD_S_ARG) {
            say(match info.arg {
                ArgKind::Lock if op.arg == 0 => "locked=NULL".into(),
                ArgKind::Lock => format!("*locked={}", self.arg()),
                _ => format!("{}: {}", words::arg_key(info.arg), self.arg()),
            });
        }
        if info.has(abi::GD_S_FOLL) {
            say(match u32::from(op.mods) & abi::GD_MOD_RAW {
                0 => foll(op.foll),
                _ => format!("flags={:#x}", op.foll),
            });
        }
        if info.has(abi::GD_S_DIRTY) {
            say(format!(
                "make_dirty={}",
                u32::from(op.mods) & abi::GD_MOD_DIRTY != 0
            ));
        }
        if u32::from(op.mods) & abi::GD_MOD_NULL != 0 {
            say("pages=NULL".into());
        }
        clause
    }

    fn page(&self, run: usize) -> String {
        page(self.op.run[run].page, self.prog, self.folios)
    }

    fn arg(&self) -> String {
        let value = self.op.arg;
        match self.info.arg {
            ArgKind::Flag => format!("PG_{}", text::flag_word(value.into())),
            ArgKind::Order => format!("order {value}"),
            ArgKind::Signal => SIGNALS
                .get(usize::from(value))
                .copied()
                .unwrap_or("?")
                .into(),
            kind => match words::arg_words(kind).get(usize::from(value)) {
                Some(word) => word.to_string(),
                None => value.to_string(),
            },
        }
    }

    fn entries(&self) -> String {
        let (n, addr) = (self.op.n, self.op.addr);
        let level = match walk::set_level(self.op.op) {
            Some(Level::Pte) => "PTE",
            Some(Level::Pmd) => "PMD",
            Some(Level::Pud) => "PUD",
            Some(Level::Pgd) => "PGD",
            None => "entry",
        };
        match n {
            1 => format!("the {level} of {addr:#x}"),
            n => format!("the {n} {level}s from that of {addr:#x} on"),
        }
    }

    fn entry(&self) -> String {
        let op = self.op;
        let flags = match op.eflags {
            0 => String::new(),
            flags => {
                let words = words::bits(&words::ENTRY_FLAGS, flags.into());
                format!(" ({})", words.replace('|', ", "))
            }
        };
        let more = if op.n > 1 {
            " and the pages after it"
        } else {
            ""
        };
        match u32::from(op.entry) {
            abi::GD_E_PAGE => format!("{}{more}{flags}", self.page(0)),
            abi::GD_E_MIGRATION => format!("a migration entry of {}{more}", self.page(0)),
            abi::GD_E_TABLE => format!("a page table{flags}"),
            abi::GD_E_SWAP => "a swap entry".into(),
            _ => "none".into(),
        }
    }

    fn vma(&self) -> String {
        let op = self.op;
        if op.n == 0 {
            return "none".into();
        }
        let kind = VMA_KINDS.get(usize::from(op.entry)).copied().unwrap_or("?");
        let flags = match op.val as u32 {
            0 => "no vm_flags".into(),
            flags => prefixed("VM_", &words::VM_FLAGS, flags),
        };
        format!("{} from {:#x} on, {kind}, {flags}", pages(op.n), op.addr)
    }
}

fn pages(n: i32) -> String {
    match n {
        1 => "1 page".into(),
        n => format!("{n} pages"),
    }
}
