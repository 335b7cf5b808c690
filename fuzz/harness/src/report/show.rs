// SPDX-License-Identifier: GPL-2.0
//! Formats values of a trace.

use csrc::abi::{self, gd_op, gd_program};

use super::entries::stored;
use super::sentences;
use crate::compare::Value;
use crate::program::{NO_OP, Program, text};
use crate::side::Side;
use crate::site::SiteId;
use crate::trace::{Ask, Call, Locks, PageState, Ret};
use crate::world::layout::Layout;
use crate::world::vmas::Vma;

/// The names of a program's pages.
pub struct Names {
    layout: Layout,
    folios: Vec<String>,
    prog: Program,
}

impl Names {
    /// For the pages of `prog`.
    pub fn new(prog: &Program) -> Self {
        Self {
            layout: Layout::new(&prog.0),
            folios: text::folio_names(prog),
            prog: *prog,
        }
    }

    /// The names of the declared folios.
    pub fn folios(&self) -> &[String] {
        &self.folios
    }

    /// `h+3` for a page of a declared folio's slot, else its number.
    pub fn page(&self, page: u32) -> String {
        match self.layout.find(page) {
            Some((index, 0)) => self.folios[index].clone(),
            Some((index, offset)) => format!("{}+{offset}", self.folios[index]),
            None => format!("page {page:#x}"),
        }
    }

    /// The same, for a page that may be outside of the arena.
    pub(super) fn page_or_nowhere(&self, page: u32) -> String {
        match page {
            abi::GD_NOWHERE => "an unknown page".into(),
            page => self.page(page),
        }
    }

    /// An action by its index, as in the program.
    pub fn act(&self, index: u16) -> String {
        match self.prog.acts().get(usize::from(index)) {
            // world changes have the same name in all revisions
            Some(act) => text::format_act(act, text::DEFAULT_NAMES, &self.folios),
            None => format!("| action {}", index + 1),
        }
    }

    /// The hook point of an action as a clause.
    pub(super) fn there(&self, index: u16) -> String {
        match self.prog.acts().get(usize::from(index)) {
            Some(act) => sentences::hook_point(act, &self.prog, &self.folios),
            None => format!("action {} is due", index + 1),
        }
    }

    /// The event at the hook point of an action: `the PTE is read`.
    pub(super) fn event(&self, index: u16) -> String {
        match self.prog.acts().get(usize::from(index)) {
            Some(act) => sentences::hook_point_in_general(act),
            None => format!("action {} is due", index + 1),
        }
    }

    /// The layout of the program's folios.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `dirty|lru`, or `none`.
pub fn flags(flags: u32) -> String {
    let words: Vec<&str> = (0..abi::GD_NR_FLAGS)
        .filter(|flag| flags & 1 << flag != 0)
        .map(text::flag_word)
        .collect();
    match words.is_empty() {
        true => "none".into(),
        false => words.join("|"),
    }
}

/// `irqs=on has_pinned=off devmap_key=off`.
pub fn state(bits: u8) -> String {
    let word = |bit: u32| match u32::from(bits) & bit {
        0 => "off",
        _ => "on",
    };
    let second = match u32::from(bits) & abi::GD_W_HAS_PINNED_2 {
        0 => "",
        _ => " has_pinned_2=on",
    };
    format!(
        "irqs={} has_pinned={}{second} devmap_key={}",
        word(abi::GD_W_IRQS_ON),
        word(abi::GD_W_HAS_PINNED),
        word(abi::GD_W_DEVMAP_KEY)
    )
}

/// A page's state in one line, without its name.
pub fn page_state(state: &PageState) -> String {
    let mut line = format!("refcount={}", state.refcount);
    if state.is_large() {
        line += &format!(" pincount={}", state.pincount);
    }
    line += &format!(
        " flags={} mapping={}",
        flags(state.flags),
        text::mapping_word(state.mapping)
    );
    if state.tail {
        line += " tail";
    }
    if state.pinned {
        line += " pinned";
    }
    line
}

/// A result.
pub fn ret(ret: Ret, names: &Names) -> String {
    match ret {
        Ret::Void => "returned".into(),
        Ret::Bool(value) => value.to_string(),
        Ret::Errno(value) => errno(value),
        Ret::Folio(page) => format!("folio {}", names.page(page)),
        Ret::Page(abi::GD_NOWHERE) => "an unknown page".into(),
        Ret::Page(page) => format!("page {}", names.page(page)),
        Ret::Int(n @ -4095..=-1) => match errno_name(-n as i32) {
            Some(name) => format!("{n} (-{name})"),
            None => n.to_string(),
        },
        Ret::Int(n @ 0..=9) => n.to_string(),
        Ret::Int(n) => format!("{n} ({n:#x})"),
        Ret::Null => "NULL".into(),
        Ret::Absent => "no such function".into(),
        Ret::Stopped => "did not return".into(),
        Ret::Unknown(kind, value) => format!("unknown result {kind}: {value:#x}"),
    }
}

/// 0, or a negative errno by its name.
pub fn errno(value: i32) -> String {
    match value.checked_neg().and_then(errno_name) {
        Some(name) => format!("-{name}"),
        None => value.to_string(),
    }
}

/// The spellings of a result without a page: `-14` and `-EFAULT`.
pub fn ret_words(ret: Ret) -> Vec<String> {
    let number = |n: i64| {
        let name = i32::try_from(-n).ok().and_then(errno_name);
        let name = name.map(|name| format!("-{name}"));
        std::iter::once(n.to_string()).chain(name).collect()
    };
    match ret {
        Ret::Errno(errno) => number(errno.into()),
        Ret::Int(n) => number(n),
        Ret::Void => vec!["nothing".into()],
        Ret::Bool(value) => vec![value.to_string()],
        Ret::Null => vec!["NULL".into()],
        Ret::Folio(page) | Ret::Page(page) => vec![format!("page {page:#x}")],
        Ret::Absent => vec!["absent".into()],
        Ret::Stopped => vec!["stopped".into()],
        Ret::Unknown(kind, value) => vec![format!("unknown {kind} {value}")],
    }
}

fn errno_name(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EINTR => "EINTR",
        libc::EFAULT => "EFAULT",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EINVAL => "EINVAL",
        libc::EREMOTEIO => "EREMOTEIO",
        libc::EOVERFLOW => "EOVERFLOW",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EHWPOISON => "EHWPOISON",
        libc::EMLINK => "EMLINK",
        libc::EIO => "EIO",
        _ => return None,
    })
}

pub(super) fn call(call: Call, state: &PageState, names: &Names) -> String {
    format!(
        "{}({}) with refcount={} pincount={} flags={}",
        call.name(),
        names.page(state.page),
        state.refcount,
        state.pincount,
        flags(state.flags)
    )
}

/// FOLL_ flags that were passed, in text form.
pub(super) fn foll(flags: u32) -> String {
    // an operation with flags and nothing else
    let op = gd_op {
        op: abi::GD_OP_CHECK_GET_USER_PAGES as u8,
        foll: flags,
        ..NO_OP
    };
    match text::format_op(&op, text::DEFAULT_NAMES, &[]).split_once(' ') {
        Some((_, words)) => words.into(),
        None => "no flags".into(),
    }
}

/// Which mm a call is about, if that does not go without saying.
fn also_mm(mm: u8) -> String {
    match mm {
        0 => String::new(),
        mm => format!(", mm {}", mm + 1),
    }
}

pub(super) fn ask(ask: Ask, names: &Names) -> String {
    let pagemap = |given| if given { "its pagemap" } else { "NULL" };
    let pin = |given| {
        if given { ", with PF_MEMALLOC_PIN" } else { "" }
    };
    match ask {
        Ask::Slow { flags, start } => format!("slow_path({start:#x}, ..., {})", foll(flags)),
        Ask::SlowNr { nr, null } => {
            let null = if null { ", into NULL" } else { "" };
            format!("slow_path(..., {}, ...){null}", pages(nr))
        }
        Ask::Pagemap { page, given } => {
            let page = names.page_or_nowhere(page);
            format!("get_dev_pagemap({page}, {})", pagemap(given))
        }
        Ask::PagemapPut { given } => format!("put_dev_pagemap({})", pagemap(given)),
        Ask::Fault {
            vma,
            memalloc_pin,
            flags,
            addr,
            ..
        } => {
            let pin = pin(memalloc_pin);
            let flags = text::fault_flag_words(flags);
            format!("{}(vma {vma}, {addr:#x}, {flags}){pin}", ask.name())
        }
        Ask::Migrate { nr: 1 } => "migrate_pages(1 folio)".into(),
        Ask::Migrate { nr } => format!("migrate_pages({nr} folios)"),
        Ask::Expand { vma, addr } => format!("expand_stack(vma {vma}, {addr:#x})"),
        Ask::FindFolios { start, more } => {
            format!("{}({start} to {})", ask.name(), start + u64::from(more))
        }
        Ask::AllocFolio {
            index,
            memalloc_pin,
        } => format!("{}({index}){}", ask.name(), pin(memalloc_pin)),
        Ask::Pagecache { vma, addr } => format!("{}(vma {vma}, {addr:#x})", ask.name()),
        Ask::Offset { offset } => format!("*offset = {offset:#x}"),
        Ask::UserAccess {
            addr, permitted, ..
        } => {
            let how = match permitted {
                true => "",
                false => ", without user_access_begin()",
            };
            format!("{}({addr:#x}){how}", ask.name())
        }
        Ask::Flush { how, page, addr } => {
            let page = names.page_or_nowhere(page);
            match u32::from(how) {
                abi::GD_FLUSH_ANON => format!("{}({page}, {addr:#x})", ask.name()),
                _ => format!("{}({page})", ask.name()),
            }
        }
        Ask::Split { addr } => format!("split_huge_pmd({addr:#x})"),
        Ask::SetEntry {
            mm,
            level,
            flags,
            page,
            addr,
        } => {
            let entry = stored(level, flags, page, names);
            format!("{}({addr:#x}, {entry}{})", ask.name(), also_mm(mm))
        }
        Ask::Migration { mm, level, addr } => {
            let level = ["PTE", "PMD", "PUD", "PGD"][level as usize & 3];
            format!("{}({level} of {addr:#x}{})", ask.name(), also_mm(mm))
        }
        Ask::MmapLock { mm: 0, .. } | Ask::MmapUnlock { mm: 0 } | Ask::Drain { .. } | Ask::Log => {
            format!("{}()", ask.name())
        }
        Ask::MmapLock { mm, .. } | Ask::MmapUnlock { mm } => {
            format!("{}(mm {})", ask.name(), mm + 1)
        }
        Ask::Unknown(kind) => format!("unknown call {kind}"),
    }
}

/// A VMA as a program would set it.
pub(super) fn vma(vma: &Vma) -> String {
    let op = gd_op {
        op: abi::GD_OP_SET_VMA as u8,
        arg: vma.slot,
        n: vma.pages() as i32,
        val: vma.flags,
        addr: vma.start,
        entry: vma.kind,
        mm: vma.mm,
        ..NO_OP
    };
    let line = text::format_op(&op, text::DEFAULT_NAMES, &[]);
    line.trim_start_matches("set_").into()
}

/// `*locked = 0, the mmap lock is held`; empty for a function without this argument that
/// holds no lock.
pub fn locks(locks: Locks) -> String {
    let mut words = Vec::new();
    if let Some(locked) = locks.locked() {
        words.push(format!("*locked = {}", u8::from(locked)));
    }
    if locks.mmap(0) {
        words.push("the mmap lock is held".into());
    }
    if locks.mmap(1) {
        words.push("the mmap lock of mm 2 is held".into());
    }
    if locks.page_table() {
        words.push("a page-table lock is held".into());
    }
    if locks.rcu() {
        words.push("an RCU read-side critical section is open".into());
    }
    if locks.vma() {
        words.push("the lock of a hugetlb VMA is unbalanced".into());
    }
    if locks.uaccess() {
        words.push("user_access_end() is missing".into());
    }
    if locks.memalloc_pin() {
        words.push("PF_MEMALLOC_PIN is set".into());
    }
    words.join(", ")
}

/// A number of pages, which may be negative.
pub(super) fn pages(nr: u64) -> String {
    match nr as i64 {
        1 => "1 page".into(),
        n => format!("{n} pages"),
    }
}

/// The place of a site: on this side, else on the other, else its name.
pub fn site(id: SiteId, side: &dyn Side) -> String {
    side.place(id)
}

/// One side's value of a divergence.
pub fn value(value: Value, side: &dyn Side, names: &Names) -> String {
    match value {
        Value::Nothing => "nothing".into(),
        Value::Site(id) => site(id, side),
        Value::Event(what) => what.into(),
        Value::Call(c, state) => call(c, &state, names),
        Value::Ask(a) => ask(a, names),
        Value::Act(index) => format!("reached: {}", names.act(index)),
        Value::Count(n) => n.to_string(),
        Value::Flags(bits) => flags(bits),
        Value::Mapping(mapping) => text::mapping_word(mapping).into(),
        Value::Truth(value) => value.to_string(),
        Value::State(bits) => state(bits),
        Value::Ret(r) => ret(r, names),
        Value::Locks(l) => match locks(l) {
            words if words.is_empty() => "no lock is held".into(),
            words => words,
        },
        Value::End(end, executed) => format!("{end} after {executed} operations"),
        Value::Page(page) => names.page_or_nowhere(page),
        Value::Record(name) => format!("a {name} record"),
    }
}

/// The arena pages of an operation: each operand's page and its head.
pub fn operand_pages(prog: &gd_program, layout: &Layout, op_index: usize) -> Vec<u32> {
    use crate::ops;
    use crate::world::layout::{NR_PAGES, Operand};
    let Some(op) = prog.op[..usize::from(prog.world.nr_ops)].get(op_index) else {
        return Vec::new();
    };
    let Some(info) = ops::info(op.op) else {
        return Vec::new();
    };
    let list = info.has(abi::GD_S_LIST);
    if !list && !info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
        return Vec::new();
    }
    let runs = if list { &op.run[..] } else { &op.run[..1] };
    runs.iter()
        .filter(|run| !list || run.len > 0)
        .filter_map(|run| match layout.run(run) {
            Operand::Page(page) if page < NR_PAGES => Some(page),
            _ => None,
        })
        .collect()
}
