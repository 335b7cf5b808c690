// SPDX-License-Identifier: GPL-2.0
//! A rough model of the counts, used to draw sensible operations.
//!
//! Nothing is compared with it: it only steers the generator and the mutator away from
//! operations that end a program (BUG, OOPS, step limit) and towards dropping the
//! references that were taken.  Where it is wrong, programs are a little less interesting.

mod fatal;
mod walks;

use csrc::abi::{self, gd_op};

use super::list::{self, Entry};
use super::{MAX_FOLIOS, Program};
use crate::effect::{self, By, Effect, Moves, Of, Part, What};
use crate::ops::{self, ArgKind};
use crate::rev::{Fact, Rev};
use crate::world::cache::Cache;
use crate::world::folio::{self, PIN_BIAS};
use crate::world::maps::Maps;
use crate::world::vmas::Vmas;

/// The model of one folio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FolioModel {
    pub order: u8,
    pub kind: u8,
    pub mapping: u8,
    pub exclusive: bool,
    /// Page flags of the head.
    pub flags: u32,
    /// Its zone, pageblock or mapping forbids long-term pins.
    pub shortterm: bool,
    pub refs: i32,
    pub pins: i32,
    /// After a split: the order of the pieces; `refs` is that of the first one.
    pub split: Option<u8>,
    /// References of the other pieces.
    pub rest: i32,
}

impl FolioModel {
    pub fn nr_pages(&self) -> usize {
        1 << self.order
    }

    /// The order of the folio that a page belongs to at this point.
    fn order_now(&self) -> u8 {
        self.split.unwrap_or(self.order)
    }

    fn is_zero(&self) -> bool {
        u32::from(self.kind) == abi::GD_K_ZERO
    }

    pub fn is_fsdax(&self) -> bool {
        u32::from(self.kind) == abi::GD_K_DEV_FSDAX
    }

    pub fn is_anon(&self) -> bool {
        folio::is_anon(self.mapping)
    }

    /// Whether DEBUG_VM has a BUG for unpinning the page.
    pub fn is_shared_anon(&self) -> bool {
        self.is_anon() && !self.exclusive && !self.is_zero()
    }

    /// The refcount of the folio that the page at an offset belongs to.
    fn refs_at(&mut self, offset: usize) -> Option<&mut i32> {
        if offset >= self.nr_pages() {
            return None;
        }
        match self.split {
            Some(piece) if offset >> piece != 0 => Some(&mut self.rest),
            _ => Some(&mut self.refs),
        }
    }
}

/// Pins that a program has taken and not dropped yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub page: u16,
    pub refs: i32,
    pub pinned: bool,
}

/// The model of the whole world.
#[derive(Clone)]
pub(super) struct Model {
    pub folio: [FolioModel; MAX_FOLIOS],
    pub nr_folios: usize,
    /// References and pins held, the latest last.
    pub held: [Held; 8],
    pub nr_held: usize,
    /// The mappings.
    pub maps: Maps,
    pub vmas: Vmas,
    /// The page cache of memfds.
    pub cache: Cache,
    /// Whether the fast entry points have a real slow path.
    slow: bool,
    /// Whether a signal is pending.
    pub signal: bool,
    seq: u32,
    pkru: u32,
    devmap_key: bool,
    debug_vm: bool,
    rev: Rev,
}

impl Model {
    /// The world as a program declares it.
    pub fn new(program: &Program, rev: Rev, debug_vm: bool) -> Model {
        let mut folios = [FolioModel::default(); MAX_FOLIOS];
        for (model, f) in folios.iter_mut().zip(program.folios()) {
            let shortterm = f.movable != 0
                || folio::is_shortterm_pageblock(f.migratetype.into())
                || u32::from(f.kind) == abi::GD_K_DEV_COHERENT
                || u32::from(f.mapping) == abi::GD_M_FSDAX;
            *model = FolioModel {
                order: f.order,
                kind: f.kind,
                mapping: f.mapping,
                exclusive: f.exclusive != 0,
                flags: f.flags,
                shortterm,
                refs: f.ref_,
                pins: f.pin,
                split: None,
                rest: 0,
            };
        }
        Model {
            folio: folios,
            nr_folios: program.nr_folios(),
            held: [Held {
                page: 0,
                refs: 0,
                pinned: false,
            }; 8],
            nr_held: 0,
            maps: Maps::new(program),
            vmas: Vmas::default(),
            cache: Cache::default(),
            signal: false,
            slow: u32::from(program.0.world.state) & abi::GD_W_REAL_SLOW_PATH != 0,
            seq: program.0.world.seq,
            pkru: program.0.world.pkru,
            devmap_key: u32::from(program.0.world.state) & abi::GD_W_DEVMAP_KEY != 0,
            debug_vm,
            rev,
        }
    }

    fn hold(&mut self, page: u16, refs: i32, pinned: bool) {
        if !(1..=4096).contains(&refs) {
            return;
        }
        if self.nr_held == self.held.len() {
            self.held.rotate_left(1);
            self.nr_held -= 1;
        }
        self.held[self.nr_held] = Held { page, refs, pinned };
        self.nr_held += 1;
    }

    fn drop_held(&mut self, page: u16, refs: i32) {
        let held = &mut self.held[..self.nr_held];
        if let Some(i) = held.iter().rposition(|h| h.page == page) {
            held[i].refs = held[i].refs.saturating_sub(refs);
            if held[i].refs <= 0 {
                held[i..].rotate_left(1);
                self.nr_held -= 1;
            }
        }
    }

    /// Applies the expected effect of the operation.
    pub fn apply(&mut self, op: &gd_op) {
        let Some(info) = ops::info(op.op) else {
            return;
        };
        let first = op.run[0].page;
        match info.effect {
            Effect::Asks(_) | Effect::Marks => {}
            Effect::Takes { what, by, of, .. } => {
                let changed = info.arg == ArgKind::Whether("changed") && op.arg & 1 != 0;
                let (pinned, n) = match effect::moves(what, op, self.rev) {
                    _ if changed || self.refuses(what, op) => return,
                    Moves::Nothing | Moves::Unknown => return,
                    Moves::Refs => (false, self.number(by, op)),
                    Moves::Pins => (true, self.number(by, op)),
                };
                let least = match of {
                    Of::Held | Of::Nonzero | Of::Pinned => i32::MIN,
                    Of::Positive => 1,
                };
                self.take(first, n, pinned, least);
            }
            Effect::Gives {
                by: By::List | By::Folios,
                ..
            } => {
                let mut left = list::npages(op).min(list::len(op) as u64) as i32;
                for run in &op.run {
                    let count = i32::from(run.len).min(left);
                    self.give(run.page, count, true);
                    left -= count;
                }
            }
            Effect::Gives { what, by, .. } => {
                let managed = u32::from(op.op) == abi::GD_OP_PUT_DEVMAP_MANAGED;
                let is_managed =
                    self.devmap_key && self.folio_of(first).is_some_and(FolioModel::is_fsdax);
                let n = self.number(by, op);
                match (effect::moves(what, op, self.rev), what) {
                    _ if managed && !is_managed => {}
                    (Moves::Pins, _) => self.give(first, n, true),
                    (Moves::Refs, _) | (Moves::Unknown, What::Count) => self.give(first, n, false),
                    (Moves::Nothing | Moves::Unknown, _) => {}
                }
            }
            Effect::Walks { .. } if info.is_walk() => self.apply_call(op),
            Effect::Walks { what, by, .. } => self.apply_slow(op, what, by),
            Effect::PinsFile => self.apply_file(op),
            Effect::Faults { .. } => {}
            Effect::Sets(part) => self.apply_world(op, part),
        }
    }

    /// The number of pages or references of an operation, roughly.
    fn number(&self, by: By, op: &gd_op) -> i32 {
        effect::number(by, op, self.rev, || 512).unwrap_or(op.n.clamp(0, 4096))
    }

    /// Whether the grab of the lockless walk refuses a page.
    fn refuses(&self, what: What, op: &gd_op) -> bool {
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let longterm = foll(abi::GD_FOLL_LONGTERM) && !foll(abi::GD_FOLL_GET);
        let shortterm = || self.folio_of(op.run[0].page).is_some_and(|g| g.shortterm);
        what == What::FastGrab && !self.rev.is_series() && longterm && shortterm()
    }

    fn apply_world(&mut self, op: &gd_op, part: Part) {
        match part {
            Part::Ptes | Part::Pmds | Part::Puds | Part::Pgds => self.maps.set(op),
            Part::Vma => self.vmas.set(op),
            Part::Cache => self.cache.set(op),
            Part::Signal => self.signal = u32::from(op.arg) != abi::GD_SIG_NONE,
            Part::Seq => self.seq = op.val as u32,
            Part::DevmapKey => self.devmap_key = op.arg & 1 != 0,
            Part::Irqs | Part::HasPinned | Part::Answer => {}
            Part::Refcount
            | Part::Pincount
            | Part::Flags
            | Part::Mapping
            | Part::Contents
            | Part::Split
            | Part::Merge
            | Part::Tail
            | Part::Pageblock => self.apply_to_folio(op, part),
        }
    }

    fn apply_to_folio(&mut self, op: &gd_op, part: Part) {
        let Entry::Page { index, offset } = Entry::first(op.run[0].page) else {
            return;
        };
        let g = &mut self.folio[index % MAX_FOLIOS];
        match part {
            Part::Refcount if offset == 0 => g.refs = op.val,
            Part::Pincount => g.pins = op.val,
            Part::Flags if offset == 0 => {
                let set = u32::from(op.op) == abi::GD_OP_SET_FLAG;
                let bit = 1 << op.arg;
                match u32::from(op.arg) {
                    abi::GD_F_HEAD => {}
                    abi::GD_F_ANON_EXCLUSIVE => g.exclusive = set,
                    _ if set => g.flags |= bit,
                    _ => g.flags &= !bit,
                }
            }
            Part::Mapping => g.mapping = op.arg as u8,
            Part::Pageblock => {
                g.shortterm = folio::is_shortterm_pageblock(op.arg.into());
            }
            Part::Split if u32::from(op.arg) < u32::from(g.order_now()) => {
                g.split = Some(op.arg as u8);
                g.refs = op.val;
                g.rest = op.n;
                g.pins = 0;
            }
            Part::Merge if g.split.is_some() => {
                g.split = None;
                g.refs = op.val;
                g.pins = op.n;
            }
            Part::Contents => {
                if let Some(refs) = g.refs_at(offset) {
                    *refs = op.val;
                }
                g.pins = 0;
                g.mapping = op.arg as u8;
                g.exclusive = false;
                g.flags = 0;
            }
            // of tails, or of no page: no change
            Part::Refcount | Part::Flags | Part::Split | Part::Merge => {}
            // a tail of a folio that is not modelled
            Part::Tail => {}
            Part::Irqs
            | Part::HasPinned
            | Part::Seq
            | Part::DevmapKey
            | Part::Ptes
            | Part::Pmds
            | Part::Puds
            | Part::Pgds
            | Part::Answer
            | Part::Vma
            | Part::Signal
            | Part::Cache => {}
        }
    }

    /// Whether a fork is under way, during which the lockless walk pins nothing.
    pub fn is_forking(&self) -> bool {
        self.seq & 1 != 0
    }

    /// Forgets what was taken since this many were held: the operations may not have run.
    pub fn forget(&mut self, nr_held: usize) {
        self.nr_held = self.nr_held.min(nr_held);
    }

    fn folio_of(&self, page: u16) -> Option<&FolioModel> {
        match Entry::first(page) {
            Entry::Page { index, .. } => self.folio.get(index),
            _ => None,
        }
    }

    /// A grab that fails if there are fewer references than `least`, or none.
    fn take(&mut self, page: u16, n: i32, pinned: bool, least: i32) {
        let Entry::Page { index, offset } = Entry::first(page) else {
            return;
        };
        let g = &mut self.folio[index % MAX_FOLIOS];
        let zero = g.is_zero();
        let large = self.rev.has_pincount(g.order_now().into());
        let Some(refs) = g.refs_at(offset) else {
            return;
        };
        if *refs == 0 || *refs < least || n == 0 {
            return;
        }
        if !(pinned && zero && self.rev.has(Fact::ZeroPage)) {
            let each = if pinned && !large { PIN_BIAS } else { 1 };
            *refs = refs.wrapping_add(n.wrapping_mul(each));
            if pinned && large {
                g.pins = g.pins.wrapping_add(n);
            }
            self.hold(page, n, pinned);
        }
    }

    fn give(&mut self, page: u16, n: i32, pinned: bool) {
        let Entry::Page { index, offset } = Entry::first(page) else {
            return;
        };
        let g = &mut self.folio[index % MAX_FOLIOS];
        if pinned && g.is_zero() && self.rev.has(Fact::ZeroPage) {
            return;
        }
        let large = self.rev.has_pincount(g.order_now().into());
        if let Some(refs) = g.refs_at(offset) {
            let each = if pinned && !large { PIN_BIAS } else { 1 };
            *refs = refs.wrapping_sub(n.wrapping_mul(each));
            if pinned && large {
                g.pins = g.pins.wrapping_sub(n);
            }
        }
        self.drop_held(page, n);
    }
}
