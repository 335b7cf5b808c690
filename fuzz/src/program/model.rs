// SPDX-License-Identifier: GPL-2.0
//! A rough guess at where the counts are, for drawing sensible operations.
//!
//! This is no oracle and nothing is compared with it: it only steers the
//! generator and the mutator away from operations that end a program (BUG,
//! OOPS, step limit) and towards giving back what was taken.  Where it is
//! wrong, programs are a little less interesting.

use csrc::abi::{self, gd_op};

use super::cache::Cache;
use super::list::{self, Entry};
use super::maps::{Hit, Maps};
use super::vmas::Vmas;
use super::walk::{self, Level, PAGE_SIZE, TASK_SIZE_MAX};
use super::{MAX_FOLIOS, Program, page, split_page};
use crate::effect::{self, By, Effect, Moves, Of, Part, What};
use crate::ops::{self, ArgKind, OpInfo};
use crate::rev::{Fact, Rev};

/// Pins of one small page per reference.
const BIAS: i32 = abi::GD_SLOT_PAGES as i32;

/// Pages of a device that can be taken one by one before the step limit.
const STEPS: i32 = abi::GD_STEP_LIMIT as i32 / 2;

/// The guess at one folio.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guess {
    pub order: u8,
    pub kind: u8,
    pub mapping: u8,
    pub exclusive: bool,
    /// Page flags of the head.
    pub flags: u32,
    /// Zone, pageblock or mapping forbid pinning for long.
    pub shortterm: bool,
    pub refs: i32,
    pub pins: i32,
    /// After a split: the order of the pieces; `refs` is the first one's.
    pub split: Option<u8>,
    /// References of the other pieces.
    pub rest: i32,
}

impl Guess {
    pub fn nr_pages(&self) -> usize {
        1 << self.order
    }

    /// The order of the folio that a page belongs to now.
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
        matches!(u32::from(self.mapping), abi::GD_M_ANON | abi::GD_M_KSM)
    }

    /// Whether DEBUG_VM objects when a page is unpinned.
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

/// Pins that a program took and has not given back yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub page: u16,
    pub refs: i32,
    pub pinned: bool,
}

/// The guess at the whole world.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub folio: [Guess; MAX_FOLIOS],
    pub nr_folios: usize,
    /// What is held, the latest last.
    pub held: [Held; 8],
    pub nr_held: usize,
    /// What is mapped.
    pub maps: Maps,
    pub vmas: Vmas,
    /// The page cache of memfds.
    pub cache: Cache,
    /// Whether the fast entry points have a real slow path.
    slow: bool,
    /// Whether a signal is pending.
    pub signal: bool,
    seq: u32,
    devmap_key: bool,
    debug_vm: bool,
    rev: Rev,
}

impl Model {
    /// The world as a program declares it.
    pub fn new(program: &Program, rev: Rev, debug_vm: bool) -> Model {
        let mut folio = [Guess::default(); MAX_FOLIOS];
        for (guess, f) in folio.iter_mut().zip(program.folios()) {
            let mapping = u32::from(f.mapping);
            let shortterm = f.movable != 0
                || matches!(
                    u32::from(f.migratetype),
                    abi::GD_MT_CMA | abi::GD_MT_ISOLATE
                )
                || u32::from(f.kind) == abi::GD_K_DEV_COHERENT
                || mapping == abi::GD_M_FSDAX;
            *guess = Guess {
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
            folio,
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
            slow: u32::from(program.0.world.state) & abi::GD_W_SLOW != 0,
            seq: program.0.world.seq,
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

    /// Whether the operation is expected to end the program.
    pub fn is_fatal(&mut self, op: &gd_op) -> bool {
        if walk::is_call(op.op) {
            return self.is_fatal_call(op);
        }
        let Some(info) = ops::info(op.op).filter(|info| !info.is_change) else {
            return false;
        };
        if info.has(abi::GD_S_LIST) {
            return self.is_fatal_list(op, info);
        }
        if !info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
            return false;
        }
        let Entry::Page { index, offset } = Entry::first(op.run[0].page) else {
            return true;
        };
        let debug_vm = self.debug_vm;
        let (devmap_key, rev) = (self.devmap_key, self.rev);
        let seq = self.seq;
        let is_page = info.has(abi::GD_S_PAGE);
        let g = &mut self.folio[index % MAX_FOLIOS];
        let refs = g.refs_at(offset).map_or(0, |refs| *refs);
        match info.effect {
            Effect::Takes { of: Of::Held, .. } => debug_vm && (-127..=0).contains(&refs),
            Effect::Gives {
                what: What::Ref,
                by: By::One,
                ..
            } => {
                let managed = devmap_key && g.is_fsdax();
                debug_vm && refs == 0 && !(managed && is_page)
            }
            Effect::Gives {
                what: What::Pin,
                by: By::One,
                ..
            } => is_page && debug_vm && rev.has(Fact::SANITY_CHECK) && g.is_shared_anon(),
            Effect::Gives { by: By::Range, .. } => {
                op.n < 0 || op.n as usize > g.nr_pages() + BIAS as usize
            }
            Effect::Asks(_) if u32::from(op.op) == abi::GD_OP_NEEDS_COW_FOR_DMA => {
                debug_vm && seq & 1 == 0
            }
            Effect::Asks(_)
            | Effect::Takes { .. }
            | Effect::Gives { .. }
            | Effect::Marks
            | Effect::Walks { .. }
            | Effect::Faults { .. }
            | Effect::PinsFile
            | Effect::Sets(_) => false,
        }
    }

    fn is_fatal_list(&self, op: &gd_op, info: &OpInfo) -> bool {
        let dirty = u32::from(op.mods) & abi::GD_MOD_DIRTY != 0;
        let npages = list::npages(op);
        let asks = matches!(info.effect, Effect::Asks(_));
        // What others call looks at what it is given.
        let looks = info.effect.is_for_anybody();
        let checks_errno = self.rev.has(Fact::LISTS_REFUSE_ERRNO) && looks && !dirty;
        if npages > list::len(op) as u64 {
            return !(checks_errno && npages as i64 >= -4095 && (npages as i64) < 0);
        }
        let sanity = self.debug_vm
            && self.rev.has(Fact::SANITY_CHECK)
            && (asks || looks && info.effect.by() == Some(By::List));
        // what skips NULL entries does not skip one that follows a page
        let skips_null = self.rev.has(Fact::LISTS_SKIP_NULL);
        let mut null_is_fatal = !skips_null || !checks_errno && !asks;
        let mut left = npages;
        for run in &op.run {
            if left == 0 || run.len == 0 {
                break;
            }
            left = left.saturating_sub(u64::from(run.len));
            match Entry::first(run.page) {
                Entry::Poison => return true,
                Entry::Null if null_is_fatal => return true,
                Entry::Null => {}
                Entry::Page { index, offset } => {
                    null_is_fatal |= !asks;
                    let g = &self.folio[index % MAX_FOLIOS];
                    if sanity && offset < g.nr_pages() && g.is_shared_anon() {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether the operation is expected to find nothing to do: worth trying,
    /// but not too often.
    pub fn is_dull(&mut self, op: &gd_op) -> bool {
        if walk::is_call(op.op) {
            return !self.takes(op);
        }
        let Entry::Page { index, offset } = Entry::first(op.run[0].page) else {
            return false;
        };
        let devmap_key = self.devmap_key;
        let g = &mut self.folio[index % MAX_FOLIOS];
        match ops::info(op.op).map(|info| info.effect) {
            Some(Effect::Takes {
                of: Of::Positive, ..
            }) => g.refs_at(offset).is_none_or(|refs| *refs <= 0),
            Some(Effect::Sets(Part::Split)) => g.order_now() == 0,
            Some(Effect::Sets(Part::Merge)) => g.split.is_none(),
            _ => match u32::from(op.op) {
                abi::GD_OP_PUT_DEVMAP_MANAGED => !devmap_key || !g.is_fsdax(),
                abi::GD_OP_CLEAR_FLAG => offset != 0 || g.flags & 1 << op.arg == 0,
                _ => false,
            },
        }
    }

    /// What the operation is expected to change.
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
                let is_managed = self.devmap_key && self.guess(first).is_some_and(Guess::is_fsdax);
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
            Effect::Faults { .. } | Effect::PinsFile => {}
            Effect::Sets(part) => self.apply_world(op, part),
        }
    }

    /// How many pages or references an operation is about, a guess.
    fn number(&self, by: By, op: &gd_op) -> i32 {
        effect::number(by, op, self.rev, || 512).unwrap_or(op.n.clamp(0, 4096))
    }

    /// Whether the lockless walk's grab leaves a page alone.
    fn refuses(&self, what: What, op: &gd_op) -> bool {
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let longterm = foll(abi::GD_FOLL_LONGTERM) && !foll(abi::GD_FOLL_GET);
        let shortterm = || self.guess(op.run[0].page).is_some_and(|g| g.shortterm);
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
                let mt = u32::from(op.arg);
                g.shortterm = mt == abi::GD_MT_CMA || mt == abi::GD_MT_ISOLATE;
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
            // of tails, or of nothing: no change
            Part::Refcount | Part::Flags | Part::Split | Part::Merge => {}
            // what is a tail of what is not guessed at
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

    /// Whether a call is expected to end the program: by what it stores, as the
    /// walk itself stops at what it does not like.
    fn is_fatal_call(&self, op: &gd_op) -> bool {
        let Some(hit) = self.maps.hit(op.addr) else {
            return false;
        };
        if !self.lets_through(op, &hit) {
            return false;
        }
        let null = u32::from(op.mods) & abi::GD_MOD_NULL != 0;
        // Without a count the walk of a leaf never meets its end.
        let endless = op.n == 0 && hit.level != Level::Pte;
        let far = op.n > STEPS && u32::from(hit.eflags) & 1 << abi::GD_EF_DEVMAP != 0;
        null && !walk::is_pin(op.op) || endless || far || self.pins_what_is_shared(op)
    }

    /// Whether what a walk has pinned is a BUG of DEBUG_VM.
    fn pins_what_is_shared(&self, op: &gd_op) -> bool {
        if !self.debug_vm || !self.rev.has(Fact::SANITY_CHECK) || !walk::is_pin(op.op) {
            return false;
        }
        let pages = (0..op.n.clamp(1, 16) as u64).map(|i| op.addr.wrapping_add(i * PAGE_SIZE));
        let hits = pages.map_while(|addr| self.maps.hit(addr));
        hits.take_while(|hit| self.lets_through(op, hit))
            .any(|hit| {
                hit.page
                    .and_then(|page| self.guess(page))
                    .is_some_and(Guess::is_shared_anon)
            })
    }

    /// Whether a call is expected to take a page.
    pub fn takes(&self, op: &gd_op) -> bool {
        let odd = u32::from(op.mods) & (abi::GD_MOD_RAW | abi::GD_MOD_NULL) != 0;
        let refused = odd
            || op.n < 0
            || op.addr >= TASK_SIZE_MAX
            || op.foll & !walk::CALL_FLAGS != 0
            || walk::is_pin(op.op) && self.seq & 1 != 0;
        let hit = self.maps.hit(op.addr);
        !refused && hit.is_some_and(|hit| self.lets_through(op, &hit))
    }

    /// Whether the walk takes a page.
    fn lets_through(&self, op: &gd_op, hit: &Hit) -> bool {
        let entry = |flag: u32| u32::from(hit.eflags) & 1 << flag != 0;
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let (write, longterm) = (foll(abi::GD_FOLL_WRITE), foll(abi::GD_FOLL_LONGTERM));
        let Some(g) = hit.page.and_then(|page| self.guess(page)) else {
            return false;
        };
        let blocked = entry(abi::GD_EF_ABSENT)
            || entry(abi::GD_EF_KERNEL)
            || write && !entry(abi::GD_EF_RW)
            || longterm && (entry(abi::GD_EF_DEVMAP) || walk::is_pin(op.op) && g.shortterm)
            || entry(abi::GD_EF_SPECIAL) && !entry(abi::GD_EF_DEVMAP);
        let unshared = !walk::is_pin(op.op) || entry(abi::GD_EF_RW) || !g.is_shared_anon();
        let mapping = u32::from(g.mapping);
        let secret = mapping == abi::GD_M_SECRETMEM;
        let reserved = self.rev.has(Fact::WALK_LEAVES_FILES)
            && !g.is_anon()
            && (walk::is_pin(op.op) && longterm && !(write && mapping == abi::GD_M_SHMEM)
                || g.order == 0 && mapping == abi::GD_M_NONE);
        !blocked && unshared && !secret && !reserved && g.refs > 0
    }

    /// Takes the pages that the walk is expected to take; what becomes of that
    /// when something happens meanwhile is not guessed at.
    fn apply_call(&mut self, op: &gd_op) {
        if !self.takes(op) {
            return;
        }
        let start = op.addr & !(PAGE_SIZE - 1);
        let count = if op.n == 0 { 8 } else { op.n.min(512) };
        let (mut first, mut len) = (0, 0);
        for i in 0..count as u64 {
            let hit = self.maps.hit(start + i * PAGE_SIZE);
            let Some(hit) = hit.filter(|hit| self.lets_through(op, hit)) else {
                break;
            };
            let next = hit.page.unwrap_or(0);
            let (index, offset) = split_page(first);
            if len > 0 && next == page(index, offset + len as usize) {
                len += 1;
                continue;
            }
            self.take(first, len, walk::is_pin(op.op), 1);
            (first, len) = (next, 1);
        }
        self.take(first, len, walk::is_pin(op.op), 1);
    }

    /// Whether what fast entry points leave goes to the real slow path.
    pub fn falls_back(&self) -> bool {
        self.slow
    }

    /// Whether a call can come to the real slow path.
    pub fn is_slow(&self, op: &gd_op) -> bool {
        walk::comes_to_slow_path(op.op, self.slow)
    }

    /// Whether there is a VMA at an address, and it permits the access.
    pub fn permits(&self, op: &gd_op, addr: u64) -> bool {
        let vma = self.vmas.at(addr);
        vma.is_some_and(|vma| vma.permits(op.foll))
    }

    /// Whether the slow path finds a page at an address as the access needs it, so
    /// that there is no fault.
    pub fn is_there(&self, op: &gd_op, addr: u64) -> bool {
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let Some(hit) = self.maps.hit(addr) else {
            return false;
        };
        let entry = |flag: u32| u32::from(hit.eflags) & 1 << flag != 0;
        let Some(g) = hit.page.and_then(|page| self.guess(page)) else {
            return false;
        };
        let vma = self.vmas.at(addr);
        let forced = foll(abi::GD_FOLL_FORCE) && vma.is_some_and(|vma| vma.is_forced());
        let writable = entry(abi::GD_EF_RW) || forced && g.is_anon() && !g.is_shared_anon();
        let blocked = entry(abi::GD_EF_ABSENT)
            || foll(abi::GD_FOLL_WRITE) && !writable
            || walk::is_pin(op.op) && !entry(abi::GD_EF_RW) && g.is_shared_anon();
        !blocked && g.refs > 0
    }

    /// Takes the pages that the slow path is expected to take, after all faults.
    fn apply_slow(&mut self, op: &gd_op, what: What, by: By) {
        let null = u32::from(op.mods) & abi::GD_MOD_NULL != 0;
        let start = op.addr & !(PAGE_SIZE - 1);
        let count = match effect::moves(what, op, self.rev) {
            Moves::Nothing | Moves::Unknown => 0,
            Moves::Refs | Moves::Pins if null && by == By::N => 0,
            Moves::Refs | Moves::Pins => self.number(by, op).clamp(0, 16),
        };
        for addr in (0..count as u64).map(|i| start.wrapping_add(i * PAGE_SIZE)) {
            let permits = self.permits(op, addr);
            let hit = self.maps.hit(addr).filter(|_| self.is_there(op, addr));
            let Some(page) = hit.and_then(|hit| hit.page).filter(|_| permits) else {
                return;
            };
            let longterm = op.foll & 1 << abi::GD_FOLL_LONGTERM != 0;
            if longterm && self.guess(page).is_some_and(|g| g.shortterm) {
                return;
            }
            self.take(page, 1, walk::is_pin(op.op), 1);
        }
    }

    /// Whether fork is under way, so that nothing is pinned.
    pub fn is_forking(&self) -> bool {
        self.seq & 1 != 0
    }

    /// Forgets what was taken since there were so many held: it may not have
    /// come to it.
    pub fn forget(&mut self, nr_held: usize) {
        self.nr_held = self.nr_held.min(nr_held);
    }

    fn guess(&self, page: u16) -> Option<&Guess> {
        match Entry::first(page) {
            Entry::Page { index, .. } => self.folio.get(index),
            _ => None,
        }
    }

    /// A grab that fails if there are no references, or fewer than `least`.
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
        if !(pinned && zero && self.rev.has(Fact::ZERO_PAGE)) {
            let each = if pinned && !large { BIAS } else { 1 };
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
        if pinned && g.is_zero() && self.rev.has(Fact::ZERO_PAGE) {
            return;
        }
        let large = self.rev.has_pincount(g.order_now().into());
        if let Some(refs) = g.refs_at(offset) {
            let each = if pinned && !large { BIAS } else { 1 };
            *refs = refs.wrapping_sub(n.wrapping_mul(each));
            if pinned && large {
                g.pins = g.pins.wrapping_sub(n);
            }
        }
        self.drop_held(page, n);
    }
}
