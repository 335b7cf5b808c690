// SPDX-License-Identifier: GPL-2.0
//! Drawing calls of the slow path's entry points, and what happens during them.
//!
//! A fault that nobody answers ends a call, and nothing behind it is tried.  So the
//! script of a call follows the pages that it asks for: where one is not mapped as
//! the access needs it, a fault maps it, mostly, and says so.

use csrc::abi::{self, gd_act, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::vmas::Vma;
use super::super::walk::{self, ADDR_MASK, Level, PAGE_SIZE};
use super::super::{NO_ACT, NO_OP, Program, page, split_page, values};
use super::{Profile, bit, calls, memfd, tables, vmas};
use crate::ops::{self, ArgKind};

/// The entry points and how often each is called.
const CALLS: [(u32, u32); 19] = [
    (abi::GD_OP_GET_USER_PAGES, 16),
    (abi::GD_OP_PIN_USER_PAGES, 24),
    (abi::GD_OP_GET_USER_PAGES_REMOTE, 18),
    (abi::GD_OP_PIN_USER_PAGES_REMOTE, 24),
    (abi::GD_OP_GET_USER_PAGES_UNLOCKED, 12),
    (abi::GD_OP_PIN_USER_PAGES_UNLOCKED, 16),
    (abi::GD_OP_FIXUP_USER_FAULT, 6),
    (abi::GD_OP_POPULATE_VMA_PAGE_RANGE, 7),
    (abi::GD_OP_FAULTIN_PAGE_RANGE, 7),
    (abi::GD_OP_GET_DUMP_PAGE, 5),
    (abi::GD_OP_GET_USER_PAGES_LOCKED, 14),
    (abi::GD_OP_PIN_USER_PAGES_LOCKED, 18),
    (abi::GD_OP_FOLLOW_PAGE, 9),
    (abi::GD_OP_MM_POPULATE, 7),
    (abi::GD_OP_FAULT_IN_READABLE, 3),
    (abi::GD_OP_FAULT_IN_WRITEABLE, 3),
    (abi::GD_OP_FAULT_IN_SUBPAGE_WRITEABLE, 1),
    (abi::GD_OP_FAULT_IN_SAFE_WRITEABLE, 5),
    (abi::GD_OP_MEMFD_PIN_FOLIOS, 14),
];

/// Whether a profile has any of them.
pub fn any(profile: &Profile) -> bool {
    CALLS.iter().any(|(id, _)| profile.has(*id as u8))
}

/// What else there is in the world of such a program: the fast entry points mostly
/// have a real slow path, pages are on the LRU.
pub fn world(rng: &mut Rng, program: &mut Program) {
    if rng.chance(5, 8) {
        program.0.world.state |= abi::GD_W_SLOW as u8;
    }
    for folio in program.folios_mut() {
        if rng.chance(5, 8) {
            folio.flags |= bit(abi::GD_F_LRU);
        }
    }
}

/// VMAs and what is mapped in them, to start with.
pub fn address_space(rng: &mut Rng, before: &Model) -> Vec<gd_op> {
    let mut model = before.clone();
    let mut ops = Vec::new();
    for _ in 0..rng.weighted(&[0, 26, 30, 16, 8]) {
        let vma = vmas::another(rng, &model);
        model.apply(&vma);
        ops.push(vma);
    }
    let all: Vec<Vma> = model.vmas.all().copied().collect();
    for _ in 0..rng.weighted(&[24, 40, 24, 12]) {
        let Some(vma) = (!all.is_empty()).then(|| rng.pick(&all)) else {
            break;
        };
        let by = rng.below(vma.pages().min(4) as usize) as u64 * PAGE_SIZE;
        let mut cursor = tables::Cursor::at(vma.start + by);
        for op in tables::scene(rng, &model, &mut cursor)
            .into_iter()
            .flatten()
        {
            model.apply(&op);
            ops.push(op);
        }
    }
    if rng.chance(1, 4) {
        for _ in 0..rng.range(1, 3) {
            let set = memfd::set_anywhere(rng, &model);
            model.apply(&set);
            ops.push(set);
        }
    }
    ops
}

/// A call of an entry point that the profile has.
pub fn call(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    let weight = |(id, weight): (u32, u32)| if profile.has(id as u8) { weight } else { 0 };
    let weights = CALLS.map(weight);
    if weights.iter().all(|weight| *weight == 0) {
        return None;
    }
    let id = CALLS[rng.weighted(&weights)].0 as u8;
    // What no VMA permits is worth trying, but not too often.
    let tries = if rng.chance(1, 16) { 1 } else { 16 };
    let mut op = call_of(rng, id, model);
    for _ in 1..tries {
        let fine = |op: &gd_op| model.permits(op, op.addr) && op.n > 0;
        if fine(&op) {
            break;
        }
        let more = bit(abi::GD_FOLL_WRITE) | bit(abi::GD_FOLL_LONGTERM) | bit(abi::GD_FOLL_ANON);
        op.foll &= !more;
        if fine(&op) {
            break;
        }
        op = call_of(rng, id, model);
    }
    Some(op)
}

/// A call of this entry point.
pub fn call_of(rng: &mut Rng, id: u8, model: &Model) -> gd_op {
    let mut op = gd_op { op: id, ..NO_OP };
    op.addr = address(rng, model);
    op.n = count(rng);
    let (flags, raw) = flags(rng, id);
    op.foll = flags;
    if raw {
        op.mods |= abi::GD_MOD_RAW as u8;
    }
    // a debugger sets a breakpoint
    let vma = model.vmas.at(op.addr);
    if vma.is_some_and(|vma| vma.is_forced()) && !raw && rng.chance(1, 2) {
        op.foll |= bit(abi::GD_FOLL_WRITE) | bit(abi::GD_FOLL_FORCE);
    }
    // who only wants pages to be there
    let null = if walk::is_pin(id) { 1 } else { 8 };
    if rng.chance(null, 128) {
        op.mods |= abi::GD_MOD_NULL as u8;
    }
    if ops::info(id).is_some_and(|info| info.arg == ArgKind::Lock) {
        op.arg = rng.weighted(&[6, 20, 1]) as u16;
    }
    // a range that ends behind the VMA is a BUG
    let populates = [
        abi::GD_OP_POPULATE_VMA_PAGE_RANGE,
        abi::GD_OP_FAULTIN_PAGE_RANGE,
    ];
    if let Some(vma) = vma
        && populates.contains(&id.into())
        && !rng.chance(1, 16)
    {
        op.addr &= !(PAGE_SIZE - 1);
        op.n = op.n.clamp(0, ((vma.end - op.addr) / PAGE_SIZE) as i32);
    }
    match u32::from(id) {
        abi::GD_OP_GET_DUMP_PAGE => {
            op.n = 1;
            op.foll |= bit(abi::GD_FOLL_FORCE) | bit(abi::GD_FOLL_DUMP);
        }
        abi::GD_OP_FOLLOW_PAGE => {
            op.n = 1;
            op.foll ^= if rng.chance(3, 4) {
                bit(abi::GD_FOLL_GET)
            } else {
                0
            };
        }
        abi::GD_OP_MEMFD_PIN_FOLIOS => memfd::fill(rng, model, &mut op),
        abi::GD_OP_MM_POPULATE => op.arg = rng.below(2) as u16,
        _ if ops::info(id).is_some_and(|info| info.has(abi::GD_S_VAL)) => {
            op.val = size(rng, op.n);
            op.n = walk::nr_pages(&op);
            op.foll = match u32::from(id) {
                abi::GD_OP_FAULT_IN_READABLE => 0,
                _ => bit(abi::GD_FOLL_WRITE),
            };
        }
        _ => {}
    }
    op
}

/// A number of bytes: about so many pages, or one that makes no sense.
fn size(rng: &mut Rng, pages: i32) -> i32 {
    let bytes = pages.clamp(0, 1024) * PAGE_SIZE as i32;
    match rng.weighted(&[24, 12, 12, 4, 2]) {
        0 => bytes,
        1 => bytes - rng.below(PAGE_SIZE as usize) as i32,
        2 => bytes + rng.range(-1, 1),
        3 => rng.range(0, 64),
        _ => values::edge(rng),
    }
}

/// Where a call starts: in a VMA, at an end of it, a little before it, nowhere.
pub fn address(rng: &mut Rng, model: &Model) -> u64 {
    let all: Vec<&Vma> = model.vmas.all().collect();
    if all.is_empty() || rng.chance(1, 8) {
        return calls::address(rng, model);
    }
    let vma = rng.pick(&all);
    let pages = vma.pages() as usize;
    let addr = match rng.weighted(&[32, 18, 16, 10, 4, 4]) {
        0 => vma.start + rng.below(pages.min(4)) as u64 * PAGE_SIZE,
        1 => vma.end - (rng.below(pages.min(4)) as u64 + 1) * PAGE_SIZE,
        2 => vma.start + rng.below(pages) as u64 * PAGE_SIZE,
        // the last pages of a table that serves the VMA
        3 => {
            let size = Level::Pmd.size();
            let end = (vma.start & !(size - 1)) + size;
            end.min(vma.end) - (rng.below(3) as u64 + 1) * PAGE_SIZE
        }
        4 => vma.start.saturating_sub(rng.range(1, 2) as u64 * PAGE_SIZE),
        _ => vma.end,
    };
    match rng.below(16) {
        0 => addr | rng.below(PAGE_SIZE as usize) as u64,
        _ => addr,
    }
}

fn count(rng: &mut Rng) -> i32 {
    match rng.weighted(&[34, 44, 8, 4, 3, 1, 1, 1]) {
        0 => 1,
        1 => rng.range(2, 8),
        2 => rng.range(4, 24),
        3 => rng.range(500, 520),
        4 => 0,
        5 => rng.pick(&[-1, i32::MIN]),
        6 => i32::MAX,
        _ => values::edge(rng),
    }
}

/// FOLL_ flags of a call; whether they are this kernel's raw bits.
fn flags(rng: &mut Rng, id: u8) -> (u32, bool) {
    let mut foll = 0;
    // without a pin it is refused
    let longterm = if walk::is_pin(id) { 22 } else { 1 };
    for (flag, of) in [
        (abi::GD_FOLL_WRITE, 26),
        (abi::GD_FOLL_LONGTERM, longterm),
        (abi::GD_FOLL_FORCE, 9),
        (abi::GD_FOLL_INTERRUPTIBLE, 8),
        (abi::GD_FOLL_HWPOISON, 6),
        (abi::GD_FOLL_SPLIT_PMD, 6),
        (abi::GD_FOLL_DUMP, 6),
        (abi::GD_FOLL_ANON, 3),
        (abi::GD_FOLL_NOFAULT, 3),
        (abi::GD_FOLL_NOWAIT, 3),
        (abi::GD_FOLL_PCI_P2PDMA, 5),
        (abi::GD_FOLL_HONOR_NUMA_FAULT, 8),
    ] {
        if rng.chance(of, 64) {
            foll |= bit(flag);
        }
    }
    match rng.below(64) {
        // what only the kernel's own callers set, and what no caller may
        0 => foll |= bit(rng.below(abi::GD_NR_FOLL as usize) as u32),
        1 => foll = rng.next_u32() & walk::SLOW_FLAGS,
        2 => return (bit(rng.below(32) as u32), true),
        _ => {}
    }
    (foll, false)
}

/// What is done during a call, in order.
struct Plan<'a> {
    /// The world as it is after what happens.
    model: Model,
    main: &'a gd_op,
    acts: Vec<gd_act>,
    faults: u8,
}

/// What happens during `main`, a call that comes to the slow path: at most so many
/// actions, without an owner.
pub fn script(
    rng: &mut Rng,
    profile: &Profile,
    model: &Model,
    main: &gd_op,
    most: usize,
) -> Vec<gd_act> {
    let mut plan = Plan {
        model: model.clone(),
        main,
        acts: Vec::new(),
        faults: 0,
    };
    plan.pages(rng);
    if rng.chance(1, 3)
        && let Some(act) = super::script::act(rng, profile, model, main)
    {
        plan.acts.push(act);
    }
    plan.acts.retain(|act| profile.has(act.op.op));
    plan.acts.truncate(most);
    plan.acts
}

fn answer(val: i32) -> gd_op {
    gd_op {
        op: abi::GD_OP_ANSWER as u8,
        val,
        ..NO_OP
    }
}

/// What a fault can come to.
pub fn fault(rng: &mut Rng) -> gd_op {
    let one = |n: u32| 1 << n;
    answer(
        match rng.weighted(&[24, 18, 14, 20, 4]) {
            0 => 0,
            1 => one(abi::GD_FAULT_RETRY),
            2 => one(abi::GD_FAULT_COMPLETED),
            3 => one(rng.pick(&[
                abi::GD_FAULT_OOM,
                abi::GD_FAULT_SIGBUS,
                abi::GD_FAULT_HWPOISON,
                abi::GD_FAULT_HWPOISON_LARGE,
                abi::GD_FAULT_SIGSEGV,
            ])),
            _ => rng.next_u32() as i32 & rng.next_u32() as i32 & crate::hooks::FAULTS,
        } | if rng.chance(1, 8) {
            one(abi::GD_FAULT_MAJOR)
        } else {
            0
        },
    )
}

pub fn signal(rng: &mut Rng) -> gd_op {
    gd_op {
        op: abi::GD_OP_SET_SIGNAL as u8,
        arg: rng.weighted(&[2, 5, 6]) as u16,
        ..NO_OP
    }
}

/// A page that is mapped at an address of the VMA by a fault, as the access needs
/// it if `well`.
pub fn mapped(rng: &mut Rng, model: &Model, main: &gd_op, addr: u64, well: bool) -> gd_op {
    let foll = |flag: u32| main.foll & bit(flag) != 0;
    let vma = model.vmas.at(addr);
    let anon = vma.is_none_or(|vma| vma.is(abi::GD_V_ANON) || !vma.has(abi::GD_VM_SHARED));
    let forced = foll(abi::GD_FOLL_WRITE) && vma.is_some_and(|vma| vma.is_forced());
    let longterm = foll(abi::GD_FOLL_LONGTERM);
    let folios = &model.folio[..model.nr_folios.max(1)];
    // one that suits the VMA and the pin, mostly
    let mut index = rng.below(folios.len());
    for _ in 0..4 {
        let g = &folios[index];
        let suits = g.is_anon() == anon && !(forced && g.is_shared_anon());
        if !well || g.refs > 0 && suits && !(longterm && g.shortterm) {
            break;
        }
        index = rng.below(folios.len());
    }
    let g = &folios[index];
    let huge = g.order >= 9 && rng.chance(1, 4);
    let level = if huge { Level::Pmd } else { Level::Pte };
    let p = page(index, rng.below(g.nr_pages()));
    let mut op = tables::set(rng, g, level, addr & ADDR_MASK, p, 1);
    let rw = (bit(abi::GD_EF_RW) | bit(abi::GD_EF_DIRTY)) as u16;
    let tracked = (bit(abi::GD_EF_SOFT_DIRTY) | bit(abi::GD_EF_UFFD_WP)) as u16;
    if forced && rng.chance(7, 8) {
        // it stays read-only; writes that somebody follows need another fault
        op.eflags &= bit(abi::GD_EF_DIRTY) as u16 | tracked;
        op.eflags ^= if rng.chance(1, 4) {
            rng.next_u32() as u16 & tracked
        } else {
            0
        };
    } else if well {
        op.eflags &= rw | bit(abi::GD_EF_DEVMAP) as u16;
        if foll(abi::GD_FOLL_WRITE) {
            op.eflags |= rw;
        }
    } else if rng.chance(1, 2) {
        op.eflags &= !rw;
    }
    op
}

impl Plan<'_> {
    fn at(&mut self, hook: u32, nth: u8, op: gd_op) {
        self.model.apply(&op);
        self.acts.push(gd_act {
            hook: hook as u8,
            nth,
            op,
            ..NO_ACT
        });
    }

    fn foll(&self, flag: u32) -> bool {
        self.main.foll & bit(flag) != 0
    }

    /// Page by page, as the call comes to them.
    fn pages(&mut self, rng: &mut Rng) {
        const MOST: u64 = 6;
        let nr = self.main.n.clamp(1, 1 << 16) as u64;
        if u32::from(self.main.op) == abi::GD_OP_MEMFD_PIN_FOLIOS {
            return self.memfd(rng);
        }
        if walk::touches(self.main.op) {
            if rng.chance(1, 2) {
                let nth = rng.range(1, nr.min(MOST) as i32) as u8;
                self.at(abi::GD_HOOK_USER_ACCESS, nth, answer(-14));
            }
            return;
        }
        let mut goes_on = true;
        let mut retried = 0;
        for i in (0..nr.min(MOST)).map(|i| i * PAGE_SIZE) {
            let Some(addr) = self
                .main
                .addr
                .checked_add(i)
                .map(|addr| addr & !(PAGE_SIZE - 1))
            else {
                break;
            };
            if !self.model.permits(self.main, addr) && !rng.chance(1, 16) {
                break;
            }
            if self.model.is_there(self.main, addr) && !walk::faults_anyway(self.main.op) {
                if rng.chance(1, 8) {
                    self.changes_before_lock(rng, addr, (i / PAGE_SIZE) as u8 + 1);
                }
                self.migrates(rng, addr);
                continue;
            }
            if self.faults > 3 || !goes_on {
                break;
            }
            goes_on = self.fault(rng, addr, &mut retried);
        }
        if self.faults > 0 && rng.chance(1, 10) {
            let at = rng.range(1, self.faults.into()) as u8;
            self.at(abi::GD_HOOK_FAULT, at, signal(rng));
        }
    }

    /// An entry is not what it was when its lock is taken.
    fn changes_before_lock(&mut self, rng: &mut Rng, addr: u64, page: u8) {
        let hit = self.model.maps.hit(addr);
        let level = hit.map_or(Level::Pte, |hit| hit.level);
        let change = tables::change(rng, &self.model, level, addr);
        // every fault so far took it once more, mostly
        let again = rng.below(usize::from(self.faults) + 1) as u8;
        self.at(abi::GD_HOOK_PTL, page + again, change);
    }

    /// A fault at an address; whether the call goes on behind it.
    fn fault(&mut self, rng: &mut Rng, addr: u64, retried: &mut u8) -> bool {
        self.faults += 1;
        let (nth, hook) = (self.faults, abi::GD_HOOK_FAULT);
        let (model, main) = (self.model.clone(), self.main);
        let serves = |rng: &mut Rng, well| mapped(rng, &model, main, addr, well);
        match rng.weighted(&[64, 12, 12, 10, 10, 3]) {
            0 => {
                let op = serves(rng, true);
                self.at(hook, nth, op);
                let major = rng.chance(1, 6);
                let bits = if major { 1 << abi::GD_FAULT_MAJOR } else { 0 };
                self.at(hook, nth, answer(bits));
                self.migrates(rng, addr);
                true
            }
            // not as it is needed: there is another fault, or the page is copied
            1 => {
                let (badly, well) = (serves(rng, false), serves(rng, true));
                self.at(hook, nth, badly);
                self.at(hook, nth, answer(0));
                if rng.chance(3, 4) {
                    self.faults += 1;
                    self.at(hook, nth + 1, well);
                    self.at(hook, nth + 1, answer(0));
                }
                true
            }
            // the lock was dropped
            what @ (2 | 3) => {
                let bit = match what {
                    2 => abi::GD_FAULT_RETRY,
                    _ => abi::GD_FAULT_COMPLETED,
                };
                if rng.chance(2, 3) {
                    let op = serves(rng, true);
                    self.at(hook, nth, op);
                } else {
                    self.faults += 1;
                    let op = serves(rng, true);
                    self.at(hook, nth + 1, op);
                    self.at(hook, nth + 1, answer(0));
                }
                self.meanwhile(rng, addr, nth);
                self.at(hook, nth, answer(1 << bit));
                *retried += 1;
                if rng.chance(1, 8) {
                    let fails = answer(rng.pick(&[-4, -4, -12]));
                    self.at(abi::GD_HOOK_MMAP_LOCK, *retried, fails);
                }
                true
            }
            4 => {
                self.at(hook, nth, fault(rng));
                false
            }
            _ => false,
        }
    }

    /// What others do while nobody holds the mmap lock.
    fn meanwhile(&mut self, rng: &mut Rng, addr: u64, nth: u8) {
        let vma = self.model.vmas.at(addr).copied();
        let vma = vma.filter(|_| rng.chance(1, 4));
        if let Some(vma) = vma {
            let change = vmas::change(rng, &self.model, &vma);
            self.at(abi::GD_HOOK_FAULT, nth, change);
        }
        if rng.chance(1, 10) {
            let signal = signal(rng);
            self.at(abi::GD_HOOK_FAULT, nth, signal);
        }
    }

    /// A page that must not be pinned for long is migrated, if the call pins it so;
    /// a PMD is split where that is asked for.
    fn migrates(&mut self, rng: &mut Rng, addr: u64) {
        let hit = self.model.maps.hit(addr);
        let huge = hit.is_some_and(|hit| hit.level == Level::Pmd);
        if self.foll(abi::GD_FOLL_SPLIT_PMD) && huge && rng.chance(3, 4) {
            let mut below = mapped(rng, &self.model, self.main, addr, true);
            below.op = Level::Pte.set_op();
            let table = gd_op {
                op: Level::Pmd.set_op(),
                addr: addr & ADDR_MASK,
                entry: abi::GD_E_TABLE as u8,
                n: 1,
                ..NO_OP
            };
            self.at(abi::GD_HOOK_SPLIT, 1, below);
            self.at(abi::GD_HOOK_SPLIT, 1, table);
        }
        let longterm = self.foll(abi::GD_FOLL_LONGTERM) && walk::is_pin(self.main.op);
        let folio = hit.and_then(|hit| hit.page).map(|p| split_page(p).0);
        self.moves(rng, addr, folio, longterm);
    }

    /// What a memfd lacks is allocated; what must not be pinned for long is moved.
    fn memfd(&mut self, rng: &mut Rng) {
        let offset = self.main.addr & !(PAGE_SIZE - 1);
        match self.model.cache.at(offset) {
            None => {
                let set = memfd::set(rng, &self.model, offset);
                self.at(abi::GD_HOOK_ALLOC_FOLIO, 1, set);
                let errno = if rng.chance(1, 6) { -17 } else { 0 };
                self.at(abi::GD_HOOK_ALLOC_FOLIO, 1, answer(errno));
            }
            Some(index) if rng.chance(1, 2) => self.moves(rng, offset, Some(index), true),
            Some(_) => {}
        }
        if rng.chance(1, 6) {
            let set = memfd::set(rng, &self.model, offset);
            self.at(abi::GD_HOOK_FIND_FOLIOS, rng.range(1, 2) as u8, set);
        }
    }

    fn moves(&mut self, rng: &mut Rng, addr: u64, folio: Option<usize>, longterm: bool) {
        let guess = folio.and_then(|index| Some((index, self.model.folio.get(index)?)));
        let Some((index, g)) = guess.filter(|(_, g)| longterm && g.shortterm) else {
            return;
        };
        if u32::from(g.kind) == abi::GD_K_DEV_COHERENT {
            if rng.chance(1, 2) {
                let op = mapped(rng, &self.model, self.main, addr, true);
                self.at(abi::GD_HOOK_MIGRATE_DEVICE, 1, op);
                self.at(abi::GD_HOOK_MIGRATE_DEVICE, 1, answer(0));
            }
            return;
        }
        if g.flags & bit(abi::GD_F_LRU) == 0 && rng.chance(1, 2) {
            let mut lru = gd_op {
                op: abi::GD_OP_SET_FLAG as u8,
                arg: abi::GD_F_LRU as u16,
                ..NO_OP
            };
            lru.run[0].page = page(index, 0);
            let nth = rng.range(1, 2) as u8;
            self.at(abi::GD_HOOK_DRAIN, nth, lru);
        }
        match rng.weighted(&[24, 6, 5, 4, 3]) {
            0 => {
                let op = mapped(rng, &self.model, self.main, addr, true);
                self.at(abi::GD_HOOK_MIGRATE, 1, op);
                self.at(abi::GD_HOOK_MIGRATE, 1, answer(0));
            }
            // it comes back to the same
            1 => self.at(abi::GD_HOOK_MIGRATE, 1, answer(0)),
            2 => self.at(
                abi::GD_HOOK_MIGRATE,
                1,
                answer(rng.pick(&[-12, -11, -16, 2])),
            ),
            3 => self.at(abi::GD_HOOK_ISOLATE, 1, answer(0)),
            _ => {}
        }
    }
}
