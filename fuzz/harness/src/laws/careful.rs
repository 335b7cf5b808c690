// SPDX-License-Identifier: GPL-2.0
//! Careful callers: programs in which every call keeps the contract of the function.
//!
//! Most programs do not: a caller that unpins a page it never pinned may see a WARN.  A
//! careful caller must not see a WARN, a BUG, a memory fault or the step limit, and at the
//! end the only references left are those that it has not dropped.
//!
//! The contracts are those of kernel-doc and of the commits that introduced a behaviour;
//! each arm of [`Caller::keeps`] names its source, and the table of operations says which
//! functions are for callers outside of mm.  A caller holds what the trace returned to it.

use csrc::abi::{self, gd_op, gd_rec};

use super::Law;
use super::address_space::AddressSpace;
use super::op::Check;
use crate::effect::{self, By, Effect, Met, Moves, Of, What};
use crate::layer;
use crate::ops;
use crate::program::Program;
use crate::program::list::{self, Entry};
use crate::program::walk::{self, CALLER_PAGES, Level, TASK_SIZE_MAX};
use crate::rev::{Fact, Rev};
use crate::trace::{Record, Ret};
use crate::world::folio::{PIN_BIAS, is_any_zero};
use crate::world::layout::{Layout, Placed};
use crate::world::pages::Pages;

/// The references and pins that a caller holds on one folio.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    refs: i32,
    pins: i32,
}

/// The parts of a trace that belong to an operation.
pub(super) struct Shown<'a> {
    pub recs: &'a [gd_rec],
    pub ret: Ret,
}

/// Follows the caller of a program for as long as it is careful.
pub(super) struct Caller {
    careful: bool,
    held: [Held; abi::GD_MAX_FOLIOS as usize],
    /// In a program of the slow path.
    space: Option<AddressSpace>,
    rev: Rev,
}

pub(super) const fn bit(n: u32) -> u32 {
    1 << n
}

impl Default for Caller {
    fn default() -> Self {
        Self {
            careful: false,
            held: [Held::default(); abi::GD_MAX_FOLIOS as usize],
            space: None,
            rev: Rev::V8,
        }
    }
}

impl Caller {
    /// Resets it at the start of a program.
    pub(super) fn start(&mut self, prog: &Program, layout: &Layout, rev: Rev) {
        self.held = [Held::default(); abi::GD_MAX_FOLIOS as usize];
        self.space = layer::is_slow(prog).then(AddressSpace::default);
        self.rev = rev;
        // The series was never part of a kernel with all of its callers.
        self.careful = !rev.is_series() && world_is_sane(prog, layout);
    }

    /// Whether it has kept every contract so far.
    pub(super) fn is_careful(&self) -> bool {
        self.careful
    }

    /// Follows one operation and its result.
    pub(super) fn step(
        &mut self,
        prog: &Program,
        index: usize,
        shown: &Shown,
        layout: &Layout,
    ) -> Check {
        if !self.careful || shown.ret == Ret::Absent {
            return Ok(());
        }
        let op = &prog.ops()[index];
        let mut acts = prog.acts_of(index).iter();
        let others = match &mut self.space {
            Some(space) => space.others_behave(prog, shown.recs, layout),
            None => acts.all(|act| others_may(&act.op, layout)),
        };
        self.careful = others && self.keeps(op, layout, prog);
        if !self.careful {
            return Ok(());
        }
        for rec in shown.recs.iter().map(Record::from) {
            let what = match rec {
                Record::Warn(site) => format!("it hits {site}"),
                Record::Bug(site) => format!("it hits {site}"),
                Record::Oops => "it has a memory fault".into(),
                Record::Limit => "it does not end within the step limit".into(),
                _ => continue,
            };
            return Err((Law::CarefulCallersAreSafe, None, what));
        }
        self.careful = self.note(op, shown, layout);
        Ok(())
    }

    /// Whether the contract permits this call in this state.
    fn keeps(&mut self, op: &gd_op, layout: &Layout, prog: &Program) -> bool {
        let odd = abi::GD_MOD_RAW | abi::GD_MOD_N | abi::GD_MOD_NULL;
        if u32::from(op.mods) & odd != 0 {
            return false;
        }
        if let Some(space) = &mut self.space {
            if ops::sets(op.op).is_some() {
                return space.sets(op, layout, prog);
            }
            if walk::is_any_call(op.op) {
                return space.permits(op, self.rev, prog);
            }
        }
        if walk::is_call(op.op) {
            // that many pages of user space
            let end = op.addr.checked_add((op.n.max(0) as u64) << 12);
            return op.foll & !walk::caller_flags(op.op) == 0
                && (1..=CALLER_PAGES).contains(&op.n)
                && end.is_some_and(|end| end <= TASK_SIZE_MAX);
        }
        let Some(info) = ops::info(op.op).filter(|info| info.effect.is_for_anybody()) else {
            return others_may(op, layout);
        };
        let Some((index, folio, offset)) = named(op.run[0].page, layout) else {
            return false;
        };
        let held = self.held[index];
        let room = folio.nr_pages() as usize;
        // an existing page, or a folio by its head
        let is_there = match info.has(abi::GD_S_FOLIO) {
            true => offset == 0,
            false => offset < room,
        };
        match info.effect {
            Effect::Asks(_) => is_there,
            Effect::Takes { by, of, .. } => {
                let few = by == By::One || (1..=CALLER_PAGES).contains(&op.n);
                let may = match of {
                    // a caller that holds the page may take another reference
                    Of::Held => held.refs + held.pins > 0,
                    // any other caller must use a function that may fail
                    Of::Nonzero | Of::Positive => true,
                    // kernel-doc of folio_add_pin(), folio_add_pins(); the latter does not
                    // know that the zero page is never pinned: docs/findings.md
                    Of::Pinned => held.pins > 0 && (by == By::One || folio.kind != abi::GD_K_ZERO),
                };
                is_there && few && may
            }
            // a pin that was taken, dropped once: kernel-doc of unpin_user_page()
            Effect::Gives { what, by, .. } => {
                let most = match are_pins(what) {
                    true => held.pins,
                    false => held.refs,
                };
                match by {
                    By::One => is_there && most > 0,
                    By::N | By::SlowRefs | By::Left | By::UpToN => {
                        is_there && (1..=most).contains(&op.n)
                    }
                    // consecutive pages that are all pinned
                    By::Range => {
                        (1..=most.min(CALLER_PAGES)).contains(&op.n)
                            && offset + op.n as usize <= room
                    }
                    By::List => self.lists_what_is_pinned(op, layout, false),
                    By::Folios => self.lists_what_is_pinned(op, layout, true),
                }
            }
            // those with an address were looked at before
            Effect::Walks { .. }
            | Effect::Faults { .. }
            | Effect::PinsFile
            | Effect::Marks
            | Effect::Sets(_) => false,
        }
    }

    /// Whether every page of a list is pinned at least as often as it is listed.
    fn lists_what_is_pinned(&self, op: &gd_op, layout: &Layout, heads: bool) -> bool {
        let mut left = self.held;
        (1..=CALLER_PAGES as usize).contains(&list::len(op))
            && list::entries(op).all(|entry| {
                let Entry::Page { index, offset } = entry else {
                    return false;
                };
                let Some(folio) = layout.folios().get(index) else {
                    return false;
                };
                left[index].pins -= 1;
                let fits = match heads {
                    true => offset == 0,
                    false => offset < folio.nr_pages() as usize,
                };
                fits && left[index].pins >= 0
            })
    }

    /// Updates what it holds; returns whether that is known.
    fn note(&mut self, op: &gd_op, shown: &Shown, layout: &Layout) -> bool {
        if walk::is_fault(op.op) && !matches!(shown.ret, Ret::Page(_)) {
            return true;
        }
        if walk::is_any_call(op.op) {
            let pins = walk::pins_file(op.op) || walk::is_pin(op.op);
            if let Ret::Page(page) = shown.ret {
                let found = layout.find(page);
                if let Some((index, _)) = found
                    && takes_ref(op, self.rev)
                {
                    self.held[index].refs += 1;
                }
                return found.is_some();
            }
            let Ret::Int(nr) = shown.ret else {
                return false;
            };
            // The pages that the slow path is said to have returned do not exist.
            let entries = shown.recs.iter().map(Record::from);
            let mut taken = 0;
            for entry in entries {
                let Record::Entry { page, .. } = entry else {
                    continue;
                };
                taken += 1;
                let found = layout.find(page);
                let Some((index, _)) =
                    found.filter(|(index, offset)| *offset < layout.folios()[*index].nr_pages())
                else {
                    return false;
                };
                let held = &mut self.held[index];
                match pins {
                    true => held.pins += 1,
                    false => held.refs += 1,
                }
            }
            return nr.max(0) == taken;
        }
        let Some((index, _, _)) = named(op.run[0].page, layout) else {
            return true;
        };
        let held = &mut self.held[index];
        let one_or_n = |by| if by == By::One { 1 } else { op.n };
        match ops::info(op.op).map(|info| info.effect) {
            Some(Effect::Takes { what, by, .. }) => {
                let taken = match shown.ret {
                    Ret::Bool(false) => 0,
                    Ret::Errno(errno) if errno != 0 => 0,
                    _ => one_or_n(by),
                };
                match are_pins(what) {
                    true => held.pins += taken,
                    false => held.refs += taken,
                }
            }
            Some(Effect::Gives {
                by: By::List | By::Folios,
                ..
            }) => {
                for entry in list::entries(op) {
                    if let Entry::Page { index, .. } = entry {
                        self.held[index].pins -= 1;
                    }
                }
            }
            Some(Effect::Gives { what, by, .. }) => match are_pins(what) {
                true => held.pins -= one_or_n(by),
                false => held.refs -= one_or_n(by),
            },
            Some(
                Effect::Asks(_)
                | Effect::Walks { .. }
                | Effect::Faults { .. }
                | Effect::PinsFile
                | Effect::Marks
                | Effect::Sets(_),
            )
            | None => {}
        }
        true
    }

    /// At the end of a program: the counts are the initial ones plus what it holds.
    pub(super) fn end(&self, prog: &Program, pages: &Pages) -> Check {
        let (layout, rev) = (pages.layout(), pages.rev());
        let folios = layout.folios().iter().zip(&self.held);
        for (folio, held) in folios.filter(|_| self.careful) {
            let (start, now) = (
                layout.initial(&prog.0, folio.head(), rev),
                pages.get(&prog.0, folio.head()),
            );
            // the huge zero page is pinned like any other
            let pins = match folio.kind == abi::GD_K_ZERO && rev.has(Fact::ZeroPage) {
                true => 0,
                false => held.pins,
            };
            let (each, counted) = match rev.has_pincount(folio.order) {
                true => (1, pins),
                false => (PIN_BIAS, 0),
            };
            let expected = (
                start.refcount + held.refs + pins * each,
                start.pincount + counted,
            );
            if (now.refcount, now.pincount) != expected {
                let what = format!(
                    "the caller holds {} references and {} pins of it; with refcount {} and \
                     pin count {} at the start it has {} and {} now",
                    held.refs,
                    held.pins,
                    start.refcount,
                    start.pincount,
                    now.refcount,
                    now.pincount
                );
                return Err((Law::CarefulCallersLeakNothing, Some(folio.head()), what));
            }
        }
        Ok(())
    }
}

/// Whether an entry point that returns a page takes a reference on it.
fn takes_ref(op: &gd_op, rev: Rev) -> bool {
    match ops::info(op.op).map(|info| info.effect) {
        Some(Effect::Walks { what, .. }) => effect::moves(what, op, rev) == Moves::Refs,
        _ => false,
    }
}

/// Whether it takes or drops pins and is for callers outside of mm.
fn are_pins(what: What) -> bool {
    match what {
        What::Pin | What::UncountedPin => true,
        What::Ref => false,
        What::Count
        | What::SlowGrab
        | What::FastGrab
        | What::CallSite
        | What::Grabbed
        | What::Got => unreachable!("{what:?} is for mm's own functions"),
    }
}

/// The index of the declared folio that an operand names, and the page's offset in it.
pub(super) fn named(page: u16, layout: &Layout) -> Option<(usize, &Placed, usize)> {
    match Entry::first(page) {
        Entry::Page { index, offset } => layout
            .folios()
            .get(index)
            .map(|folio| (index, folio, offset)),
        _ => None,
    }
}

/// Whether a kernel can be in the state of this world: every folio has references of other
/// users, but too few to look pinned, none is locked, and anonymous pages are exclusive.
/// Device memory is excluded, as its callers are drivers.
fn world_is_sane(prog: &Program, layout: &Layout) -> bool {
    let irqs_on = u32::from(prog.world().state) & abi::GD_W_IRQS_ON != 0;
    let folios = prog.folios().iter().zip(layout.folios());
    irqs_on
        && folios.into_iter().all(|(declared, folio)| {
            let counts = match folio.order {
                0 => (1..=1000).contains(&declared.ref_) && declared.pin == 0,
                _ => {
                    (1..=1000).contains(&declared.ref_)
                        && (0..declared.ref_).contains(&declared.pin)
                }
            };
            let kind = matches!(
                folio.kind,
                abi::GD_K_NORMAL | abi::GD_K_HUGETLB | abi::GD_K_ZERO | abi::GD_K_HUGE_ZERO
            );
            let mapping = match u32::from(declared.mapping) {
                abi::GD_M_ANON => declared.exclusive != 0 && !is_any_zero(folio.kind as u8),
                abi::GD_M_NONE => true,
                abi::GD_M_FILE | abi::GD_M_SHMEM => !is_any_zero(folio.kind as u8),
                abi::GD_M_SECRETMEM => folio.order == 0 && !is_any_zero(folio.kind as u8),
                _ => false,
            };
            counts && kind && mapping && declared.flags & bit(abi::GD_F_LOCKED) == 0
        })
}

/// Changes that may happen at any time: of page tables, the start and end of a fork, and
/// any answers of the environment.
fn others_may(op: &gd_op, layout: &Layout) -> bool {
    match ops::sets(op.op).map(effect::met_by_walks) {
        Some(Met::OnTheWay) => true,
        Some(Met::Entries(_)) => entry_is_sane(op, layout),
        Some(Met::Elsewhere) | None => false,
    }
}

/// Whether an entry of a page table is possible: it maps as much of one folio as its level
/// spans; the zero page is read-only.
fn entry_is_sane(op: &gd_op, layout: &Layout) -> bool {
    let entry = u32::from(op.entry);
    let flag = |n: u32| u32::from(op.eflags) & bit(n) != 0;
    if matches!(entry, abi::GD_E_NONE | abi::GD_E_SWAP) {
        return true;
    }
    if entry == abi::GD_E_TABLE {
        return op.eflags == 0;
    }
    let Some((_, folio, offset)) = named(op.run[0].page, layout) else {
        return false;
    };
    let (pages, room) = (op.n.max(1) as usize, folio.nr_pages() as usize);
    let fits = match walk::set_level(op.op) {
        Some(Level::Pte) => offset + pages <= room,
        Some(Level::Pmd) => pages == 1 && folio.order >= 9 && offset < room,
        // gigantic pages are larger than any folio here
        Some(Level::Pud | Level::Pgd) | None => false,
    };
    fits && !flag(abi::GD_EF_DEVMAP) && !(flag(abi::GD_EF_RW) && is_any_zero(folio.kind as u8))
}
