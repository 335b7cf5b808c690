// SPDX-License-Identifier: GPL-2.0
//! Drawing calls of the slow path's entry points, and the world that they are in.

use csrc::abi::{self, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::vmas::Vma;
use super::super::walk::{self, Level, PAGE_SIZE};
use super::super::{NO_OP, Program, values};
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
        let level = vma.huge_level().filter(|_| rng.chance(7, 8));
        if let Some(level) = level {
            let mut op = tables::huge(rng, &model, level, vma.start + by);
            if rng.chance(1, 8) {
                op.entry = rng.pick(&[abi::GD_E_MIGRATION, abi::GD_E_SWAP]) as u8;
            }
            model.apply(&op);
            ops.push(op);
            continue;
        }
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
