// SPDX-License-Identifier: GPL-2.0
//! Draws calls of the slow path's entry points, and the world for them.

use std::sync::LazyLock;

use csrc::abi::{self, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{self, Level, PAGE_SIZE};
use super::super::{NO_OP, Program, values};
use super::{Profile, bit, calls, memfd, tables, vmas};
use crate::effect::{By, Effect, Faulting, Lock, What};
use crate::ops::{self, ArgKind, OpInfo, Val};
use crate::world::vmas::Vma;

/// The entry points and their weights.
static CALLS: LazyLock<Vec<(u8, u32)>> = LazyLock::new(|| {
    let slow = ops::table().iter().filter(|op| op.is_slow());
    slow.map(|op| (op.id, weight(op))).collect()
});

/// The weight of an entry point.
fn weight(op: &OpInfo) -> u32 {
    let passes_locked = op.arg == ArgKind::Lock;
    match op.effect {
        Effect::Walks { by: By::One, .. } => 7,
        Effect::Walks { what, lock, .. } => {
            let weight = match lock {
                Lock::Held if passes_locked => 18,
                Lock::Held => 16,
                Lock::Taken | Lock::ForTheRest | Lock::Never => 12,
            };
            match what {
                What::Pin => weight * 3 / 2,
                _ => weight,
            }
        }
        Effect::Faults { how, .. } => match how {
            Faulting::Missing | Faulting::WithinVma => 7,
            Faulting::Anyway => 5,
            Faulting::ByLoad => 3,
            // two of the same
            Faulting::ByStore => 2,
        },
        Effect::PinsFile => 14,
        Effect::Asks(_)
        | Effect::Takes { .. }
        | Effect::Gives { .. }
        | Effect::Marks
        | Effect::Sets(_) => 0,
    }
}

/// An entry point that a profile has, or a fast one that falls back to the slow path.
pub fn any_call(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<u8> {
    let falls_back = ops::table().iter().map(|op| op.id);
    let fast: Vec<u8> = falls_back
        .filter(|id| walk::falls_back(*id) && profile.has(*id))
        .collect();
    match model.falls_back() && !fast.is_empty() && rng.chance(1, 4) {
        true => Some(rng.pick(&fast)),
        false => profile.one_of(rng, &CALLS),
    }
}

/// Whether a profile has any of them.
pub fn any(profile: &Profile) -> bool {
    CALLS.iter().any(|(id, _)| profile.has(*id))
}

/// The other state of such a program: the fast entry points mostly call the real slow path,
/// pages are on the LRU.
pub fn world(rng: &mut Rng, program: &mut Program) {
    if rng.chance(5, 8) {
        program.0.world.state |= abi::GD_W_REAL_SLOW_PATH as u8;
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
    let foreign = rng.chance(1, 4);
    for _ in 0..rng.weighted(&[0, 26, 30, 16, 8]) {
        let mm = (foreign && rng.chance(1, 2)).into();
        let mut vma = vmas::another(rng, &model.seen_by(mm));
        vma.mm = mm;
        model.apply(&vma);
        ops.push(vma);
    }
    let both = [0, 1].map(|mm| model.vmas.of(mm));
    let all: Vec<Vma> = both.iter().flat_map(|vmas| vmas.all()).copied().collect();
    for _ in 0..rng.weighted(&[24, 40, 24, 12]) {
        let Some(vma) = (!all.is_empty()).then(|| rng.pick(&all)) else {
            break;
        };
        let by = rng.below(vma.pages().min(4) as usize) as u64 * PAGE_SIZE;
        let seen = model.seen_by(vma.mm);
        let level = vma.huge_level().filter(|_| rng.chance(7, 8));
        if let Some(level) = level {
            let mut op = tables::huge(rng, &seen, level, vma.start + by);
            op.mm = vma.mm;
            if rng.chance(1, 8) {
                op.entry = rng.pick(&[abi::GD_E_MIGRATION, abi::GD_E_SWAP]) as u8;
            }
            model.apply(&op);
            ops.push(op);
            continue;
        }
        let mut cursor = tables::Cursor::at(vma.start + by);
        for mut op in tables::scene(rng, &seen, &mut cursor).into_iter().flatten() {
            op.mm = vma.mm;
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
    let id = profile.one_of(rng, &CALLS)?;
    // What no VMA permits is worth trying, but not too often.
    let tries = if rng.chance(1, 16) { 1 } else { 16 };
    let mm = any_mm(rng, id, model);
    let model = &model.seen_by(mm);
    let call_of = |rng: &mut Rng| gd_op {
        mm,
        ..call_of(rng, id, model)
    };
    let mut op = call_of(rng);
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
        op = call_of(rng);
    }
    Some(op)
}

/// The mm that a call is about: mostly one that has VMAs, if it is handed one.
fn any_mm(rng: &mut Rng, id: u8, model: &Model) -> u8 {
    let foreign = model.vmas.of(1).all().next().is_some();
    let of = if foreign { 8 } else { 1 };
    (walk::has_mm(id) && rng.chance(of, 16)).into()
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
    let Some(info) = ops::info(id) else {
        return op;
    };
    match info.arg {
        ArgKind::Lock => op.arg = rng.weighted(&[6, 20, 1]) as u16,
        ArgKind::Switch => op.arg = rng.below(2) as u16,
        _ => {}
    }
    match info.effect {
        Effect::Walks {
            what, by: By::One, ..
        } => {
            op.n = 1;
            if what == What::Got {
                op.foll ^= if rng.chance(3, 4) {
                    bit(abi::GD_FOLL_GET)
                } else {
                    0
                };
            } else if !info.has(abi::GD_S_FOLL) {
                // this entry point draws its own address, and its actions are drawn for
                // that
                op.foll |= bit(abi::GD_FOLL_FORCE) | bit(abi::GD_FOLL_DUMP);
            }
        }
        Effect::Faults { how, .. } => {
            if let Some(vma) = vma
                && how == Faulting::WithinVma
                && !rng.chance(1, 16)
            {
                op.addr &= !(PAGE_SIZE - 1);
                op.n = op.n.clamp(0, ((vma.end - op.addr) / PAGE_SIZE) as i32);
            }
            if info.val == Val::Bytes {
                // buffers begin anywhere in a page
                if rng.chance(3, 8) {
                    op.addr |= rng.below(PAGE_SIZE as usize) as u64;
                }
                op.val = size(rng, op.n);
                op.n = walk::nr_pages(&op);
                op.foll = match how {
                    Faulting::ByLoad => 0,
                    _ => bit(abi::GD_FOLL_WRITE),
                };
            }
        }
        Effect::PinsFile => memfd::fill(rng, model, &mut op),
        Effect::Walks { .. }
        | Effect::Asks(_)
        | Effect::Takes { .. }
        | Effect::Gives { .. }
        | Effect::Marks
        | Effect::Sets(_) => {}
    }
    op
}

/// A number of bytes: mostly that of so many pages, or an unreasonable one.
fn size(rng: &mut Rng, pages: i32) -> i32 {
    let bytes = pages.clamp(0, 1024) * PAGE_SIZE as i32;
    match rng.weighted(&[24, 12, 12, 4, 2]) {
        0 => bytes,
        1 => bytes - rng.below(PAGE_SIZE as usize) as i32,
        2 => bytes + rng.range(-1, 1),
        3 => rng.range(0, 2) * rng.range(0, 32),
        _ => values::edge(rng),
    }
}

/// The start of a call: in a VMA, at its end, a little before it, anywhere.
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
        // the last pages of a table that maps the VMA
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

/// FOLL_ flags of a call; whether they are raw bits of the kernel.
fn flags(rng: &mut Rng, id: u8) -> (u32, bool) {
    let mut foll = 0;
    // refused without FOLL_PIN
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
        (abi::GD_FOLL_MIGRATION, 5),
        (abi::GD_FOLL_SPLIT, 4),
    ] {
        if rng.chance(of, 64) {
            foll |= bit(flag);
        }
    }
    match rng.below(64) {
        // flags that only mm itself sets, and flags that no caller may set
        0 => foll |= bit(rng.below(abi::GD_NR_FOLL as usize) as u32),
        1 => foll = rng.next_u32() & walk::SLOW_FLAGS,
        2 => return (bit(rng.below(32) as u32), true),
        _ => {}
    }
    (foll, false)
}
