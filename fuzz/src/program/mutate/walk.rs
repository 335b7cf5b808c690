// SPDX-License-Identifier: GPL-2.0
//! Changes of what is mapped, walked over, and happens meanwhile.

use csrc::abi::{self, gd_op};

use super::super::generate::Profile;
use super::super::model::Model;
use super::super::normalise::FOLL_FLAGS;
use super::super::rng::Rng;
use super::super::walk::{self, ANCHORS, CALL_FLAGS, LEVELS, PAGE_SIZE, Place};
use super::super::{MAX_OPS, Program, draw, page, split_page, values};
use crate::ops::{self, Layer};

pub(super) use super::super::walk::is_call;

/// Whether the next change should be one of these.
pub(super) fn is_due(program: &Program, rng: &mut Rng, profile: &Profile) -> bool {
    let is_walk = |op: &gd_op| is_call(op.op) || walk::set_level(op.op).is_some();
    if program.ops().iter().any(is_walk) {
        return rng.chance(1, 2);
    }
    // the page level has moments as well, but few of them matter
    let attached = program.ops().iter().any(|op| op.when != 0);
    attached && rng.chance(1, 6) || profile.has_walks() && rng.chance(1, 64)
}

/// One change.
pub(super) fn step(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    match rng.below(24) {
        0..=5 => attach(program, rng, profile),
        6 | 7 => with_attached(program, rng, |program, i, _| {
            program.remove_op(i);
        }),
        8 => with_attached(program, rng, copy),
        9 => with_attached(program, rng, |program, i, rng| {
            let main = program.main_op(i);
            program.remove_op(i);
            attach_to(program, rng, profile, main);
        }),
        10..=14 => with_attached(program, rng, |program, i, rng| {
            let spans: Vec<walk::Span> = program.ops().iter().filter_map(walk::Span::of).collect();
            tweak_moment(&mut program.0.op[i], rng, &spans);
        }),
        15 => insert_entry(program, rng, profile),
        16 | 17 => with(program, rng, sets, |program, i, rng| {
            tweak_entry(&mut program.0.op[i], rng);
        }),
        18 => with(program, rng, sets, |program, i, rng| {
            retarget(&mut program.0.op[i], rng, program.0.world.nr_folios.into());
        }),
        19 => with(program, rng, sets, |program, i, rng| {
            let n = &mut program.0.op[i].n;
            *n = match rng.below(4) {
                0 => 1,
                1 => n.saturating_add(1),
                2 => n.saturating_sub(1),
                _ => rng.range(1, 12),
            };
        }),
        20 => shift_all(program, rng),
        21 => with(program, rng, is_call, |program, i, rng| {
            let bit = 1 << rng.below(abi::GD_NR_FOLL as usize);
            let mask = if rng.chance(7, 8) {
                CALL_FLAGS
            } else {
                FOLL_FLAGS
            };
            program.0.op[i].foll ^= bit & mask;
        }),
        _ => with(program, rng, is_call, |program, i, rng| {
            let model = model_at(program, profile, i);
            let op = &mut program.0.op[i];
            match rng.below(4) {
                0 => op.addr = draw::calls::address(rng, &model),
                1 => op.n = values::tweak(rng, op.n),
                2 => op.n = rng.range(1, 8),
                _ => tweak_address(op, rng),
            }
        }),
    }
}

fn sets(op: u8) -> bool {
    walk::set_level(op).is_some()
}

/// The world before the `i`th operation.
fn model_at(program: &Program, profile: &Profile, i: usize) -> Model {
    let mut model = Model::new(program, profile.rev, profile.debug_vm);
    for op in &program.ops()[..i] {
        model.apply(op);
    }
    model
}

/// Changes one of the operations that are wanted, if there is one.
fn with(
    program: &mut Program,
    rng: &mut Rng,
    wanted: impl Fn(u8) -> bool,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    with_op(program, rng, |op| wanted(op.op), change);
}

fn with_attached(
    program: &mut Program,
    rng: &mut Rng,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    with_op(program, rng, |op| op.when != 0, change);
}

fn with_op(
    program: &mut Program,
    rng: &mut Rng,
    wanted: impl Fn(&gd_op) -> bool,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    let count = program.ops().iter().filter(|op| wanted(op)).count();
    let chosen = rng.below(count);
    let found = program.ops().iter().enumerate();
    let found = found.filter(|(_, op)| wanted(op)).nth(chosen);
    if let Some((i, _)) = found {
        change(program, i, rng);
    }
}

/// Something more happens during an operation, a call rather than another.
fn attach(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let calls = program.ops().iter().any(|op| is_call(op.op)) && rng.chance(7, 8);
    let wanted = |op: &gd_op| match calls {
        true => is_call(op.op),
        false => ops::info(op.op).is_some_and(|op| op.layer != Layer::World),
    };
    with_op(program, rng, wanted, |program, i, rng| {
        attach_to(program, rng, profile, i);
    });
}

fn attach_to(program: &mut Program, rng: &mut Rng, profile: &Profile, main: usize) {
    if program.nr_ops() >= profile.max_ops.min(MAX_OPS) {
        return;
    }
    let model = model_at(program, profile, main);
    let Some(op) = draw::moments::attached(rng, profile, &model, &program.0.op[main]) else {
        return;
    };
    let end = program.group_border(main + 1);
    program.insert_op(rng.range(main as i32 + 1, end as i32) as usize, op);
}

/// The same happens during another operation as well.
fn copy(program: &mut Program, i: usize, rng: &mut Rng) {
    let op = program.0.op[i];
    let wanted = |op: &gd_op| ops::info(op.op).is_some_and(|op| op.layer != Layer::World);
    with_op(program, rng, wanted, |program, i, _| {
        program.insert_op(program.group_border(i + 1), op);
    });
}

/// Another time, another kind of moment, or one of another object.
fn tweak_moment(op: &mut gd_op, rng: &mut Rng, spans: &[walk::Span]) {
    match (rng.below(8), walk::place(op.when)) {
        (0..=2, _) => op.nth = (i32::from(op.nth) + rng.pick(&[-1, 1, 1, 2])).max(1) as u8,
        (3, _) => op.when = rng.range(1, abi::GD_NR_WHENS as i32 - 1) as u8,
        (4 | 5, Some(Place::Entry(_))) => op.when = rng.pick(&LEVELS).when(),
        (4 | 5, Some(Place::Page)) => {
            // before and after lie side by side
            let from = abi::GD_WHEN_BEFORE_REF as u8;
            op.when = from + ((op.when - from) ^ 1);
        }
        (_, Some(Place::Entry(_))) => {
            op.at_addr = match rng.chance(1, 2) && !spans.is_empty() {
                true => {
                    let span = rng.pick(spans);
                    span.at(rng.below(span.n as usize) as u64)
                }
                false => shift(rng, op.at_addr),
            };
        }
        (_, Some(Place::Page)) => {
            let (index, offset) = split_page(op.at_page);
            op.at_page = match rng.below(3) {
                0 => page(rng.below(index + 2), 0),
                1 => page(index, 0),
                _ => page(index, offset ^ 1),
            };
        }
        _ => op.when = rng.range(1, abi::GD_NR_WHENS as i32 - 1) as u8,
    }
    op.nth = op.nth.max(1);
}

/// One more mapping before something that could walk over it.
fn insert_entry(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let at = program.group_border(rng.below(program.nr_ops() + 1));
    let model = model_at(program, profile, at);
    let op = draw::tables::entry(rng, &model);
    program.insert_op(at, op);
}

fn shift(rng: &mut Rng, addr: u64) -> u64 {
    let by = match rng.below(8) {
        0 => rng.pick(&LEVELS).size(),
        1 => 512 * PAGE_SIZE - PAGE_SIZE,
        _ => rng.range(1, 3) as u64 * PAGE_SIZE,
    };
    match rng.chance(1, 2) {
        true => addr.wrapping_add(by),
        false => addr.wrapping_sub(by),
    }
}

/// A near address, or one at another place.
pub(super) fn tweak_address(op: &mut gd_op, rng: &mut Rng) {
    op.addr = match rng.below(16) {
        0 => op.addr ^ 1 << rng.below(64),
        1 => op.addr & !(PAGE_SIZE - 1),
        2 => rng.pick(&ANCHORS),
        _ => shift(rng, op.addr),
    };
}

/// Another kind of entry, or other flags.
pub(super) fn tweak_entry(op: &mut gd_op, rng: &mut Rng) {
    match rng.below(8) {
        0 => op.entry = rng.below(abi::GD_NR_ENTRY_KINDS as usize) as u8,
        1 => op.entry = abi::GD_E_PAGE as u8,
        2 => op.eflags = 1 << abi::GD_EF_RW | 1 << abi::GD_EF_DIRTY,
        3 => op.eflags ^= 1 << abi::GD_EF_RW,
        4 => op.op = rng.pick(&LEVELS).set_op(),
        _ => op.eflags ^= 1 << rng.below(abi::GD_NR_ENTRY_FLAGS as usize),
    }
}

/// The entry points to another page.
fn retarget(op: &mut gd_op, rng: &mut Rng, nr_folios: usize) {
    let (index, offset) = split_page(op.run[0].page);
    op.run[0].page = match rng.below(4) {
        0 => page(index, 0),
        1 => page(index, offset.wrapping_add(1)),
        2 => page(index, offset ^ 1 << rng.below(10)),
        _ => page(rng.below(nr_folios), 0),
    };
}

/// Everything moves to another place in the address space.
fn shift_all(program: &mut Program, rng: &mut Rng) {
    let from = program.ops().iter().find(|op| sets(op.op));
    let Some(from) = from.map(|op| op.addr) else {
        return;
    };
    let to = rng.pick(&ANCHORS) + rng.below(4) as u64 * PAGE_SIZE;
    let by = to.wrapping_sub(from);
    for op in program.ops_mut() {
        if is_call(op.op) || sets(op.op) {
            op.addr = op.addr.wrapping_add(by);
        }
        if let Some(Place::Entry(_)) = walk::place(op.when) {
            op.at_addr = op.at_addr.wrapping_add(by);
        }
    }
}
