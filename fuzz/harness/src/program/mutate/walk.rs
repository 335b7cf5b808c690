// SPDX-License-Identifier: GPL-2.0
//! Changes of mappings, walks and actions.

use csrc::abi::{self, gd_act, gd_op};

use super::super::normalise::FOLL_FLAGS;
use super::super::profile::Profile;
use super::super::rng::Rng;
use super::super::walk::{self, ANCHORS, CALL_FLAGS, LEVELS, PAGE_SIZE, SLOW_FLAGS};
use super::super::{MAX_ACTS, Program, draw, page, split_page, values};
use super::model_at;
use crate::hooks::{self, NR_HOOKS, Object};
use crate::layer;
use crate::ops;

pub(super) use super::super::walk::is_call;
use super::super::walk::{has_address, has_mm, is_any_call, is_slow, is_vma};

/// Whether the next change is one of these.
pub(super) fn is_due(program: &Program, rng: &mut Rng, profile: &Profile) -> bool {
    let is_walk = |op: &gd_op| has_address(op.op);
    if program.ops().iter().any(is_walk) {
        return rng.chance(1, 2);
    }
    // the page level has scripts as well, but few of them matter
    let scripted = program.nr_acts() > 0;
    scripted && rng.chance(1, 6) || profile.has_walks() && rng.chance(1, 64)
}

/// One change.
pub(super) fn step(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    if layer::is_slow(program) && rng.chance(1, 3) {
        slow_step(program, rng, profile);
        return;
    }
    match rng.below(24) {
        0..=5 => attach(program, rng, profile),
        6 | 7 => with_act(program, rng, |program, i, _| {
            program.remove_acts(i..i + 1);
        }),
        8 => with_act(program, rng, copy),
        9 => with_act(program, rng, |program, i, rng| {
            let owner = program.acts()[i].owner.into();
            program.remove_acts(i..i + 1);
            attach_to(program, rng, profile, owner);
        }),
        10..=14 => with_act(program, rng, |program, i, rng| {
            let all = (0..program.nr_all()).map(|i| program.any_op(i));
            let spans: Vec<walk::Span> = all.filter_map(walk::Span::of).collect();
            let hooks = match layer::is_slow(program) {
                true => NR_HOOKS,
                false => abi::GD_HOOK_SLOW as usize + 1,
            };
            tweak_hook(&mut program.0.act[i], rng, &spans, hooks);
        }),
        15 => insert_entry(program, rng, profile),
        16 | 17 => with_any(program, rng, sets, |program, i, rng| {
            tweak_entry(program.any_op_mut(i), rng);
        }),
        18 => with_any(program, rng, sets, |program, i, rng| {
            let nr_folios = program.nr_folios();
            retarget(program.any_op_mut(i), rng, nr_folios);
        }),
        19 => with_any(program, rng, sets, |program, i, rng| {
            let n = &mut program.any_op_mut(i).n;
            *n = match rng.below(4) {
                0 => 1,
                1 => n.saturating_add(1),
                2 => n.saturating_sub(1),
                _ => rng.range(1, 12),
            };
        }),
        20 => shift_all(program, rng),
        21 => with(program, rng, is_any_call, |program, i, rng| {
            let bit = 1 << rng.below(abi::GD_NR_FOLL as usize);
            let usual = if is_slow(program.0.op[i].op) {
                SLOW_FLAGS
            } else {
                CALL_FLAGS
            };
            let mask = if rng.chance(7, 8) { usual } else { FOLL_FLAGS };
            program.0.op[i].foll ^= bit & mask;
        }),
        _ => with(program, rng, is_any_call, |program, i, rng| {
            let model = model_at(program, profile, i);
            let op = &mut program.0.op[i];
            match rng.below(4) {
                0 if is_slow(op.op) => op.addr = draw::slow::address(rng, &model.seen_by(op.mm)),
                0 => op.addr = draw::calls::address(rng, &model),
                1 => op.n = values::tweak(rng, op.n),
                2 => op.n = rng.range(1, 8),
                _ => tweak_address(op, rng),
            }
        }),
    }
}

/// One change of what only programs of the slow layer have: VMAs, what faults come
/// to, signals, where the fast entry points fall back to.
fn slow_step(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    match rng.below(17) {
        16 => with_any(program, rng, has_mm, |program, i, _| {
            program.any_op_mut(i).mm ^= 1;
        }),
        0..=4 => with_any(program, rng, is_vma, |program, i, rng| {
            draw::vmas::tweak(rng, program.any_op_mut(i));
        }),
        5 => with_any(program, rng, is_vma, |program, i, rng| {
            let owner = match i.checked_sub(program.nr_ops()) {
                None => i,
                Some(act) => program.acts()[act].owner.into(),
            };
            let model = model_at(program, profile, owner);
            let op = program.any_op_mut(i);
            *op = gd_op {
                mm: op.mm,
                ..draw::vmas::vma(rng, &model.seen_by(op.mm), op.arg)
            };
        }),
        6 => {
            let at = rng.below(program.nr_ops() + 1);
            let model = model_at(program, profile, at);
            let vma = draw::vmas::another(rng, &model);
            program.insert_op(at, vma);
        }
        7..=9 => with_act(program, rng, |program, i, rng| {
            let act = &mut program.0.act[i];
            if walk::fault_answer(act).is_some() {
                match rng.chance(1, 2) {
                    true => act.op = draw::during::fault(rng),
                    false => act.op.val ^= 1 << rng.below(abi::GD_NR_FAULTS as usize),
                }
            }
        }),
        10..=12 => with(program, rng, is_any_call, |program, owner, rng| {
            // draw the actions anew, or extend them
            if rng.chance(1, 2) {
                program.remove_acts(program.acts_range(owner));
            }
            let model = model_at(program, profile, owner);
            let main = program.ops()[owner];
            let acts = draw::during::script(rng, profile, &model, &main, MAX_ACTS);
            for act in acts {
                let owner = owner as u8;
                program.push_act(gd_act { owner, ..act });
            }
        }),
        13 => program.0.world.state ^= abi::GD_W_REAL_SLOW_PATH as u8,
        14 => with(program, rng, is_slow, |program, i, rng| {
            let model = model_at(program, profile, i);
            if let Some(other) = draw::slow::call(rng, profile, &model) {
                program.0.op[i].op = other.op;
            }
        }),
        _ => with_any(program, rng, sets, |program, i, rng| {
            // a fault or another entry for an address of a call
            let calls = program.ops().iter().filter(|op| is_any_call(op.op));
            let addrs: Vec<u64> = calls.map(|op| op.addr).collect();
            if !addrs.is_empty() {
                let addr = rng.pick(&addrs) & walk::ADDR_MASK;
                program.any_op_mut(i).addr = addr.wrapping_add(rng.below(3) as u64 * PAGE_SIZE);
            }
        }),
    }
}

fn sets(op: u8) -> bool {
    walk::set_level(op).is_some()
}

/// Changes one of the operations that match, if there is one.
fn with(
    program: &mut Program,
    rng: &mut Rng,
    wanted: impl Fn(u8) -> bool,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    let nr = program.nr_ops();
    one_of(program, rng, nr, wanted, change);
}

/// The same, including the operations of the script.
fn with_any(
    program: &mut Program,
    rng: &mut Rng,
    wanted: impl Fn(u8) -> bool,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    let nr = program.nr_all();
    one_of(program, rng, nr, wanted, change);
}

fn one_of(
    program: &mut Program,
    rng: &mut Rng,
    nr: usize,
    wanted: impl Fn(u8) -> bool,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    let found = || (0..nr).filter(|i| wanted(program.any_op(*i).op));
    let chosen = rng.below(found().count());
    if let Some(i) = found().nth(chosen) {
        change(program, i, rng);
    }
}

/// Changes one of the actions, if there is one.
fn with_act(
    program: &mut Program,
    rng: &mut Rng,
    change: impl FnOnce(&mut Program, usize, &mut Rng),
) {
    if program.nr_acts() > 0 {
        let i = rng.below(program.nr_acts());
        change(program, i, rng);
    }
}

fn is_kernel(op: u8) -> bool {
    ops::info(op).is_some_and(|op| !op.is_change)
}

/// Adds an action to an operation, preferably to a call.
fn attach(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let calls = program.ops().iter().any(|op| is_any_call(op.op)) && rng.chance(7, 8);
    let wanted = if calls { is_any_call } else { is_kernel };
    with(program, rng, wanted, |program, i, rng| {
        attach_to(program, rng, profile, i);
    });
}

fn attach_to(program: &mut Program, rng: &mut Rng, profile: &Profile, owner: usize) {
    let model = model_at(program, profile, owner);
    let Some(act) = draw::script::act(rng, profile, &model, &program.0.op[owner]) else {
        return;
    };
    let owner = owner as u8;
    if program.push_act(gd_act { owner, ..act }) {
        // the order of actions at one hook point matters
        let range = program.acts_range(owner.into());
        let to = rng.range(range.start as i32, range.end as i32 - 1) as usize;
        program.0.act[to..range.end].rotate_right(1);
    }
}

/// Copies an action to another operation.
fn copy(program: &mut Program, i: usize, rng: &mut Rng) {
    let act = program.acts()[i];
    with(program, rng, is_kernel, |program, owner, _| {
        let owner = owner as u8;
        program.push_act(gd_act { owner, ..act });
    });
}

/// Changes the number of the time, the hook point, or its object.
fn tweak_hook(act: &mut gd_act, rng: &mut Rng, spans: &[walk::Span], hooks: usize) {
    match (rng.below(8), hooks::object(act.hook)) {
        (0..=2, _) => act.nth = (i32::from(act.nth) + rng.pick(&[-1, 1, 1, 2])).max(1) as u8,
        (3, _) => act.hook = any_hook(rng, hooks),
        (4 | 5, Object::Entry(_)) => act.hook = rng.pick(&LEVELS).hook(),
        (4 | 5, Object::Page) => {
            // the numbers of before and after are adjacent
            let from = abi::GD_HOOK_BEFORE_REF as u8;
            act.hook = from + ((act.hook - from) ^ 1);
        }
        (_, Object::Entry(_)) => {
            act.at_addr = match rng.chance(1, 2) && !spans.is_empty() {
                true => {
                    let span = rng.pick(spans);
                    span.at(rng.below(span.n as usize) as u64)
                }
                false => shift(rng, act.at_addr),
            };
        }
        (_, Object::Page) => {
            let (index, offset) = split_page(act.at_page);
            act.at_page = match rng.below(3) {
                0 => page(rng.below(index + 2), 0),
                1 => page(index, 0),
                _ => page(index, offset ^ 1),
            };
        }
        _ => act.hook = any_hook(rng, hooks),
    }
    act.nth = act.nth.max(1);
}

fn any_hook(rng: &mut Rng, hooks: usize) -> u8 {
    rng.range(1, hooks as i32 - 1) as u8
}

/// Adds a mapping before an operation that can walk it.
fn insert_entry(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let at = rng.below(program.nr_ops() + 1);
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

/// Changes an address to a near one or to another place.
pub(super) fn tweak_address(op: &mut gd_op, rng: &mut Rng) {
    op.addr = match rng.below(16) {
        0 => op.addr ^ 1 << rng.below(64),
        1 => op.addr & !(PAGE_SIZE - 1),
        2 => rng.pick(&ANCHORS),
        _ => shift(rng, op.addr),
    };
}

/// Changes the kind of an entry, or its flags.
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

/// Makes the entry point to another page.
fn retarget(op: &mut gd_op, rng: &mut Rng, nr_folios: usize) {
    let (index, offset) = split_page(op.run[0].page);
    op.run[0].page = match rng.below(4) {
        0 => page(index, 0),
        1 => page(index, offset.wrapping_add(1)),
        2 => page(index, offset ^ 1 << rng.below(10)),
        _ => page(rng.below(nr_folios), 0),
    };
}

/// Moves all mappings and walks to another place in the address space.
fn shift_all(program: &mut Program, rng: &mut Rng) {
    let from = program.ops().iter().find(|op| sets(op.op));
    let Some(from) = from.map(|op| op.addr) else {
        return;
    };
    let to = rng.pick(&ANCHORS) + rng.below(4) as u64 * PAGE_SIZE;
    let by = to.wrapping_sub(from);
    program.each_op(|op| {
        if has_address(op.op) {
            op.addr = op.addr.wrapping_add(by);
        }
    });
    for act in program.acts_mut() {
        if let Object::Entry(_) = hooks::object(act.hook) {
            act.at_addr = act.at_addr.wrapping_add(by);
        }
    }
}
