// SPDX-License-Identifier: GPL-2.0
//! Brings any program into range and into its one canonical form.
//!
//! Numbers out of range are folded, not rejected, so that mutated bytes stay programs.
//! Fields that an operation does not use are zero, so that programs with the same meaning
//! are usually equal.  Executors rely on it: after [`Program::normalise`] every field that
//! they read is in range, except that page offsets may be past the end of the folio, as
//! documented in the ABI.

use std::sync::LazyLock;

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_run};

use super::walk::{self, Level};
use super::{MAX_ACTS, MAX_FOLIOS, MAX_LIST, MAX_OPS, NO_ACT, NO_FOLIO, NO_OP, NO_RUN};
use super::{NULL, POISON, Program, page, split_page};
use crate::hooks::{self, HookInfo, NR_HOOKS, Object};
use crate::ops;
use crate::world::folio::{FOLIO_FLAGS, is_device, settle};

/// All symbolic FOLL_ flags.
pub const FOLL_FLAGS: u32 = (1 << abi::GD_NR_FOLL) - 1;

/// What normalising an operation needs to know, by id byte.  Masks, to avoid branches: the
/// next operation is not predictable.
#[derive(Clone, Copy)]
pub(super) struct Fix {
    /// `arg` is taken modulo this.
    values: u32,
    foll: u32,
    n: i32,
    val: i32,
    arg: u16,
    /// For run 0 of operations that have no list.
    page: u16,
    mods: u8,
    mm: u8,
    /// The id that this byte stands for.
    id: u8,
    /// Whether the operation has a list.
    list: bool,
    /// Which fields of page tables it uses.
    walk: Walk,
    /// Whether it can have actions.
    pub(super) kernel: bool,
    /// Whether it can be an action.
    act: bool,
    /// Whether it is an answer: its value then has the type that the call at its hook point
    /// returns.
    answer: bool,
}

/// Which of the fields beyond those of the page level an operation has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// None.
    No,
    /// `addr`, as it is.
    Call,
    /// The second page.
    To,
    /// Those of an entry.
    Set(Level),
    /// Those of a VMA.
    Vma,
}

/// The table for all id bytes.
pub(super) type Fixes = [Fix; 256];

static FIXES: LazyLock<Fixes> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        let op = ops::info(byte).unwrap_or_else(|| nearest(byte));
        let mask = |operands, bits: u32| if op.has(operands) { bits } else { 0 };
        let mods = mask(abi::GD_S_FOLL, abi::GD_MOD_RAW)
            | mask(abi::GD_S_DIRTY, abi::GD_MOD_DIRTY)
            | mask(abi::GD_S_LIST, abi::GD_MOD_N)
            | mask(abi::GD_S_PAGES, abi::GD_MOD_NULL);
        Fix {
            values: op.arg.values(),
            foll: mask(abi::GD_S_FOLL, !0),
            n: mask(abi::GD_S_N, !0) as i32,
            val: mask(abi::GD_S_VAL | abi::GD_S_VMA, !0) as i32,
            arg: mask(abi::GD_S_ARG, !0) as u16,
            page: mask(abi::GD_S_PAGE | abi::GD_S_FOLIO | abi::GD_S_ENTRY, !0) as u16,
            mods: mods as u8,
            mm: mask(abi::GD_S_MM, abi::GD_NR_MMS - 1) as u8,
            id: op.id,
            list: op.has(abi::GD_S_LIST),
            walk: match walk::set_level(op.id) {
                Some(level) => Walk::Set(level),
                None if op.has(abi::GD_S_VMA) => Walk::Vma,
                None if op.has(abi::GD_S_ADDR) => Walk::Call,
                None if op.has(abi::GD_S_TO) => Walk::To,
                None => Walk::No,
            },
            kernel: !op.is_change,
            act: op.can_be_scripted(),
            answer: op.val == ops::Val::Answer,
        }
    })
});

/// Returns the table; fetch it once for many operations.
#[inline]
pub(super) fn fixes() -> &'static Fixes {
    &FIXES
}

/// The operation that an undefined id byte stands for.
///
/// It is the operation with the highest hash of (byte, id): each byte gets a random one,
/// and a new operation takes over a few undefined bytes while the others keep their
/// meaning.
fn nearest(byte: u8) -> &'static ops::OpInfo {
    let hash = |id: u8| {
        let mut h = u32::from(byte) << 8 | u32::from(id);
        for _ in 0..3 {
            h = (h ^ h >> 15).wrapping_mul(0x2c1b_3c6d) ^ 0x5bd1;
        }
        h ^ h >> 16
    };
    let best = ops::table().iter().max_by_key(|op| (hash(op.id), op.id));
    best.expect("the table is not empty")
}

/// The defined id of an id byte; a defined id is its own.
pub fn op_id(byte: u8) -> u8 {
    fixes()[usize::from(byte)].id
}

impl Program {
    /// Brings every field into range and into canonical form; idempotent.
    pub fn normalise(&mut self) {
        let fixes = fixes();
        let nr_folios = self.normalise_world();
        for op in self.ops_mut() {
            fix_op(op, fixes, nr_folios, |_| {});
        }
        self.normalise_acts(fixes, nr_folios);
    }

    /// Brings the script into range: drops actions that their operation, which is fixed
    /// already, cannot have.
    fn normalise_acts(&mut self, fixes: &Fixes, nr_folios: usize) {
        let nr = self.nr_acts();
        let mut kept = 0;
        for i in 0..nr {
            let mut act = self.0.act[i];
            let owner = usize::from(act.owner);
            fix_op(&mut act.op, fixes, nr_folios, |_| {});
            if self.owns(owner, fixes) && fix_act(&mut act, fixes, nr_folios) {
                self.0.act[kept] = act;
                kept += 1;
            }
        }
        self.0.world.nr_acts = kept as u8;
        self.0.act[kept..nr].fill(NO_ACT);
        if !self.acts().is_sorted_by_key(|act| act.owner) {
            self.acts_mut().sort_by_key(|act| act.owner);
        }
    }

    /// Whether the `i`th operation can have actions.
    #[inline]
    pub(super) fn owns(&self, i: usize, fixes: &Fixes) -> bool {
        let op = self.ops().get(i);
        op.is_some_and(|op| fixes[usize::from(op.op)].kernel)
    }

    /// Normalises everything except operations and actions; returns the number of folios.
    #[inline]
    pub(super) fn normalise_world(&mut self) -> usize {
        let world = &mut self.0.world;
        world.nr_folios = world.nr_folios.saturating_sub(1) % MAX_FOLIOS as u8 + 1;
        world.state &= abi::GD_W_ALL as u8;
        world.pkru &= abi::GD_PKRU_ALL;
        world.nr_ops = world.nr_ops.min(MAX_OPS as u8);
        world.nr_acts = world.nr_acts.min(MAX_ACTS as u8);
        let nr_folios = usize::from(world.nr_folios);
        let (nr_ops, nr_acts) = (usize::from(world.nr_ops), usize::from(world.nr_acts));
        let mut seen = Seen::default();
        for folio in &mut self.0.folio[..nr_folios] {
            seen.fix(folio);
        }
        self.0.folio[nr_folios..].fill(NO_FOLIO);
        self.0.op[nr_ops..].fill(NO_OP);
        self.0.act[nr_acts..].fill(NO_ACT);
        nr_folios
    }
}

/// Which of the kinds that may exist only once have been declared.
#[derive(Default)]
struct Seen {
    zero: bool,
    huge_zero: bool,
}

impl Seen {
    fn fix(&mut self, f: &mut gd_folio) {
        f.order %= abi::GD_NR_ORDERS as u8;
        f.kind %= abi::GD_NR_KINDS as u8;
        f.mapping %= abi::GD_NR_MAPPINGS as u8;
        f.migratetype %= abi::GD_NR_MIGRATETYPES as u8;
        f.movable &= 1;
        f.exclusive &= 1;
        f.pad = 0;
        f.flags &= FOLIO_FLAGS;

        (f.kind, f.order) = settle(f.kind, f.order);
        let again = match u32::from(f.kind) {
            abi::GD_K_ZERO => std::mem::replace(&mut self.zero, true),
            abi::GD_K_HUGE_ZERO => std::mem::replace(&mut self.huge_zero, true),
            _ => false,
        };
        if again {
            f.kind = abi::GD_K_NORMAL as u8;
        }
        if is_device(f.kind) {
            f.movable = 0;
            f.exclusive = 0;
        }
        if f.order == 0 {
            f.pin = 0;
        }
    }
}

/// Brings one folio into range, as if it were the only one declared.
pub fn fix_folio(folio: &mut gd_folio) {
    Seen::default().fix(folio);
}

/// Fixes the hook point of an action and its answer; `act.op` is fixed already.  False if
/// it has no hook point or its operation cannot be an action.
#[inline]
pub(super) fn fix_act(act: &mut gd_act, fixes: &Fixes, nr_folios: usize) -> bool {
    let fix = &fixes[usize::from(act.op.op)];
    let Some(hook) = hooks::info(act.hook).filter(|_| fix.act) else {
        return false;
    };
    let HookInfo { object, answer, .. } = hook;
    act.nth = act.nth.max(1);
    act.pad = 0;
    act.pad2 = 0;
    act.at_page = match object {
        Object::Page => fix_declared(act.at_page, nr_folios),
        _ => 0,
    };
    act.at_addr = match object {
        Object::Entry(_) => act.at_addr & walk::ADDR_MASK,
        _ => 0,
    };
    if fix.answer {
        act.op.val = answer.fix(act.op.val);
    }
    true
}

/// The hook point of a byte, one of the first `nr`; 0 for none.  Many undefined bytes mean
/// none, so that most operations of random bytes are not actions.
#[inline]
pub(super) fn hook_id(byte: u8, nr: usize) -> u8 {
    match byte & 31 {
        hook if usize::from(hook) < nr => hook,
        _ => 0,
    }
}

const _: () = assert!(NR_HOOKS <= 32);

/// An entry of a page table: fields that its kind or level does not have become zero.
#[inline]
fn fix_entry(op: &mut gd_op, level: Level) {
    op.addr &= walk::ADDR_MASK;
    op.n = op.n.clamp(1, abi::GD_MAX_SET as i32);
    op.entry &= 15;
    if u32::from(op.entry) >= abi::GD_NR_ENTRY_KINDS {
        op.entry = abi::GD_E_PAGE as u8;
    }
    let is_pointer = op.run[0].page == NULL || op.run[0].page == POISON;
    match u32::from(op.entry) {
        abi::GD_E_TABLE if level == Level::Pte => op.entry = abi::GD_E_NONE as u8,
        abi::GD_E_PAGE | abi::GD_E_SWAP | abi::GD_E_MIGRATION if level == Level::Pgd => {
            op.entry = abi::GD_E_NONE as u8;
        }
        abi::GD_E_PAGE | abi::GD_E_MIGRATION if is_pointer => op.entry = abi::GD_E_NONE as u8,
        _ => {}
    }
    op.eflags &= match u32::from(op.entry) {
        abi::GD_E_PAGE => walk::ENTRY_FLAGS,
        abi::GD_E_TABLE => walk::TABLE_FLAGS,
        _ => 0,
    };
    if !walk::has_page(op.entry) {
        op.run[0].page = 0;
    }
}

/// Brings an operation into range and into canonical form; calls `fold` on each run that
/// the operation uses first.
#[inline]
pub(super) fn fix_op(op: &mut gd_op, fixes: &Fixes, nr_folios: usize, fold: impl Fn(&mut gd_run)) {
    let fix = &fixes[usize::from(op.op)];
    op.op = fix.id;
    op.mods &= fix.mods;
    op.arg &= fix.arg;
    if u32::from(op.arg) >= fix.values {
        op.arg = (u32::from(op.arg) % fix.values) as u16;
    }
    op.foll &= fix.foll;
    if u32::from(op.mods) & abi::GD_MOD_RAW == 0 {
        op.foll &= FOLL_FLAGS;
    }
    op.n &= fix.n;
    op.val &= fix.val;
    if fix.list {
        op.run.iter_mut().for_each(fold);
        let len = fix_list(&mut op.run, nr_folios);
        // an npages equal to the length is the default
        if u32::from(op.mods) & abi::GD_MOD_N == 0 || op.n == len as i32 {
            op.mods &= !(abi::GD_MOD_N as u8);
            op.n = 0;
        }
    } else {
        fold(&mut op.run[0]);
        let page = fix_page(op.run[0].page & fix.page, nr_folios);
        let to = match fix.walk {
            Walk::To => {
                fold(&mut op.run[1]);
                fix_page(op.run[1].page, nr_folios)
            }
            _ => 0,
        };
        op.run = [NO_RUN; super::NR_RUNS];
        op.run[0].page = page;
        op.run[1].page = to;
    }
    op.mm &= fix.mm;
    op.pad2 = 0;
    match fix.walk {
        Walk::Set(level) => fix_entry(op, level),
        Walk::Vma => fix_vma(op),
        _ => {
            op.addr &= match fix.walk {
                Walk::Call => !0,
                _ => 0,
            };
            op.entry = 0;
            op.eflags = 0;
        }
    }
}

/// A VMA: it ends within user space; one that is removed has only a number.
#[inline]
fn fix_vma(op: &mut gd_op) {
    op.addr &= walk::TASK_SIZE_MAX;
    let room = ((walk::TASK_SIZE_MAX - op.addr) / walk::PAGE_SIZE).min(1 << 31) as i64;
    op.n = i64::from(op.n.clamp(0, walk::MAX_VMA_PAGES)).min(room) as i32;
    op.entry %= abi::GD_NR_VMA_KINDS as u8;
    op.val &= walk::VM_FLAGS;
    op.eflags = 0;
    if op.n == 0 {
        (op.addr, op.entry, op.val, op.mm) = (0, 0, 0, 0);
    }
}

const _: () = assert!(walk::TASK_SIZE_MAX == (1 << 47) - walk::PAGE_SIZE);

/// Drops empty runs and limits the length; returns the length.
#[inline]
fn fix_list(runs: &mut [gd_run; super::NR_RUNS], nr_folios: usize) -> usize {
    // most lists are canonical already: detect that without a branch per run
    let (mut good, mut open, mut total) = (true, true, 0);
    for run in runs.iter() {
        let used = run.len != 0;
        good &= match used {
            true => open & is_page(run.page, nr_folios),
            false => run.page == 0,
        };
        open = used;
        total += usize::from(run.len);
    }
    if good & (total <= MAX_LIST) {
        return total;
    }
    rebuild_list(runs, nr_folios)
}

#[cold]
fn rebuild_list(runs: &mut [gd_run; super::NR_RUNS], nr_folios: usize) -> usize {
    let mut kept = 0;
    let mut left = MAX_LIST as u16;
    for i in 0..runs.len() {
        let run = runs[i];
        let len = run.len.min(left);
        if len == 0 {
            continue;
        }
        left -= len;
        runs[kept] = gd_run {
            page: fix_page(run.page, nr_folios),
            len,
        };
        kept += 1;
    }
    runs[kept..].fill(NO_RUN);
    MAX_LIST - usize::from(left)
}

/// Whether operations can name this page.
#[inline]
fn is_page(p: u16, nr_folios: usize) -> bool {
    (usize::from(p) < nr_folios << abi::GD_RUN_SHIFT) | (p == NULL) | (p == POISON)
}

/// A page of a declared folio.
#[inline]
fn fix_declared(p: u16, nr_folios: usize) -> u16 {
    let (index, offset) = split_page(p);
    page(index % nr_folios, offset)
}

/// A folio index modulo their number; NULL and POISON have one encoding each, so that
/// random bytes rarely name them.
#[inline]
fn fix_page(p: u16, nr_folios: usize) -> u16 {
    if is_page(p, nr_folios) {
        return p;
    }
    let (index, offset) = split_page(p);
    page(index % nr_folios, offset)
}
