// SPDX-License-Identifier: GPL-2.0
//! Changes programs at random, with knowledge of what their fields mean.

mod bytes;
mod walk;

pub use bytes::{crossover_bytes, mutate_bytes};

use csrc::abi::{self, gd_op};

use super::generate::operation;
use super::model::Model;
use super::profile::Profile;
use super::rng::Rng;
use super::{NO_RUN, NR_RUNS, Program, draw, generate, split_page, values};
use crate::ops;

/// Changes a program in one or a few places; it stays normalised.
pub fn mutate(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let before = *program;
    for _ in 0..4 {
        let mut steps = 1;
        while rng.chance(1, 2) && steps < 6 {
            steps += 1;
        }
        for _ in 0..steps {
            step(program, rng, profile);
            program.normalise();
        }
        if rng.chance(1, 2) {
            mend(program, rng, profile);
        }
        if *program != before {
            break;
        }
    }
}

fn step(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let nr = program.nr_ops();
    if nr == 0 {
        insert(program, rng, profile);
        return;
    }
    let i = rng.below(nr);
    // an operation or one of the script
    let any = rng.below(program.nr_all());
    if walk::is_due(program, rng, profile) {
        walk::step(program, rng, profile);
        return;
    }
    match rng.below(32) {
        0..=5 => insert(program, rng, profile),
        6..=8 => {
            program.remove_op(i);
        }
        9 => remove_span(program, rng),
        10 | 11 => {
            let before = *program;
            program.insert_from(rng.below(nr + 1), &before, i);
        }
        12 => swap(program, rng, i),
        13 => {
            swap(program, rng, i);
            repeat(program, rng);
        }
        14..=16 => redraw_operand(program, rng, profile, any),
        17 | 18 => copy_operand(program, rng, any),
        19 => {
            let op = program.any_op_mut(any);
            op.op = profile.id_like(rng, op.op);
        }
        20..=25 => tweak_op(program.any_op_mut(any), rng),
        26..=29 => tweak_folio(program, rng),
        30 => tweak_world(program, rng),
        _ => tweak_folios(program, rng, profile),
    }
}

/// Swaps two operations; if there is a script, moves one with its actions.
fn swap(program: &mut Program, rng: &mut Rng, i: usize) {
    let nr = program.nr_ops();
    if program.nr_acts() == 0 {
        program.ops_mut().swap(i, rng.below(nr));
        return;
    }
    let before = *program;
    program.remove_op(i);
    program.insert_from(rng.below(nr), &before, i);
}

/// Extends a short program to the usual length.  Coverage alone favours the shortest
/// program that reaches something, so the corpus would drift to programs that are too short
/// for one operation to depend on another.
fn go_on(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let want = (profile.mean_ops / 2 + rng.below(profile.mean_ops + 1)).min(profile.max_ops);
    if program.nr_ops() >= want {
        return;
    }
    let mut model = model_at(program, profile, program.nr_ops());
    while program.nr_ops() < want {
        let op = operation(rng, profile, &mut model, program.ops());
        let held = model.nr_held;
        model.apply(&op);
        program.push_op(op);
        if model.is_slow(&op) {
            generate::during(rng, profile, 2 * want, &mut model, program);
        } else if walk::is_call(op.op) {
            generate::meanwhile(rng, profile, want, held, &mut model, program);
        }
    }
    program.normalise();
}

/// The model of the world before the `i`th operation.
fn model_at(program: &Program, profile: &Profile, i: usize) -> Model {
    let mut model = Model::new(program, profile.rev, profile.debug_vm);
    for (op, acts) in program.groups().take(i) {
        model.apply(op);
        acts.iter().for_each(|act| model.apply(&act.op));
    }
    model
}

/// Inserts a new operation that suits the operations before it.
fn insert(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let nr = program.nr_ops();
    let at = match rng.chance(1, 2) {
        true => nr,
        false => rng.below(nr + 1),
    };
    if nr >= profile.max_ops {
        program.remove_op(rng.below(nr));
    }
    let at = at.min(program.nr_ops());
    let mut model = model_at(program, profile, at);
    let op = operation(rng, profile, &mut model, &program.ops()[..at]);
    program.insert_op(at, op);
}

fn remove_span(program: &mut Program, rng: &mut Rng) {
    let nr = program.nr_ops();
    let from = rng.below(nr);
    for _ in 0..=rng.below((nr - from).min(8)) {
        program.remove_op(from);
    }
}

/// Copies a few operations to the end.
fn repeat(program: &mut Program, rng: &mut Rng) {
    let nr = program.nr_ops();
    let from = rng.below(nr);
    let before = *program;
    for i in from..nr.min(from + 1 + rng.below(4)) {
        program.insert_from(program.nr_ops(), &before, i);
    }
}

fn redraw_operand(program: &mut Program, rng: &mut Rng, profile: &Profile, i: usize) {
    let model = Model::new(program, profile.rev, profile.debug_vm);
    let mut op = *program.any_op(i);
    let id = u32::from(op.op);
    let earlier = match i.checked_sub(program.nr_ops()) {
        None => &program.ops()[..i],
        Some(act) => &program.ops()[..=usize::from(program.acts()[act].owner)],
    };
    if is_list(&op) {
        let at = rng.below(NR_RUNS);
        op.run[at] = draw::run(rng, id, &model, earlier);
    } else {
        op.run[0].page = draw::operand(rng, id, &model, earlier);
    }
    *program.any_op_mut(i) = op;
}

/// Copies a field from another operation.
fn copy_operand(program: &mut Program, rng: &mut Rng, i: usize) {
    let other = *program.any_op(rng.below(program.nr_all()));
    let op = program.any_op_mut(i);
    match rng.below(6) {
        0 => op.n = other.n,
        1 => op.foll = other.foll,
        2 if is_list(op) && is_list(&other) => op.run = other.run,
        _ => {
            let from = rng.below(NR_RUNS);
            let from = if other.run[from].len > 0 { from } else { 0 };
            let to = if is_list(op) { rng.below(NR_RUNS) } else { 0 };
            op.run[to].page = other.run[from].page;
            op.run[to].len = op.run[to].len.max(1);
        }
    }
}

fn is_list(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.has(abi::GD_S_LIST))
}

/// Changes one field that the operation uses.
fn tweak_op(op: &mut gd_op, rng: &mut Rng) {
    let Some(info) = ops::info(op.op) else {
        return;
    };
    let mut fields = [0; 16];
    let mut nr = 0;
    for bit in 0..16 {
        if info.has(1 << bit) {
            fields[nr] = 1 << bit;
            nr += 1;
        }
    }
    if nr == 0 {
        return;
    }
    match fields[rng.below(nr)] {
        abi::GD_S_N if info.has(abi::GD_S_LIST) => {
            if u32::from(op.mods) & abi::GD_MOD_N == 0 {
                op.n = super::list::len(op) as i32;
            }
            op.mods |= abi::GD_MOD_N as u8;
            op.n = match rng.chance(1, 2) {
                true => op.n.saturating_sub(1),
                false => values::tweak(rng, op.n),
            };
        }
        abi::GD_S_N => op.n = values::tweak(rng, op.n),
        abi::GD_S_VAL => op.val = values::tweak(rng, op.val),
        abi::GD_S_ARG => op.arg = rng.below(info.arg.values() as usize) as u16,
        abi::GD_S_DIRTY => op.mods ^= abi::GD_MOD_DIRTY as u8,
        abi::GD_S_FOLL => match rng.below(16) {
            0 => op.mods ^= abi::GD_MOD_RAW as u8,
            1..=6 => {
                op.foll ^= 1
                    << rng.pick(&[
                        abi::GD_FOLL_GET,
                        abi::GD_FOLL_PIN,
                        abi::GD_FOLL_LONGTERM,
                        abi::GD_FOLL_WRITE,
                        abi::GD_FOLL_PCI_P2PDMA,
                    ]);
            }
            _ => op.foll ^= 1 << rng.below(abi::GD_NR_FOLL as usize),
        },
        abi::GD_S_LIST => tweak_list(op, rng),
        abi::GD_S_ADDR => walk::tweak_address(op, rng),
        abi::GD_S_ENTRY => walk::tweak_entry(op, rng),
        abi::GD_S_VMA => draw::vmas::tweak(rng, op),
        abi::GD_S_PAGES => op.mods ^= abi::GD_MOD_NULL as u8,
        abi::GD_S_TO => {
            let (index, offset) = split_page(op.run[1].page);
            op.run[1].page = super::page(index, tweak_offset(rng, offset));
        }
        _ => {
            let (index, offset) = split_page(op.run[0].page);
            op.run[0].page = super::page(index, tweak_offset(rng, offset));
        }
    }
}

fn tweak_offset(rng: &mut Rng, offset: usize) -> usize {
    match rng.below(4) {
        0 => offset.wrapping_add(1),
        1 => offset.wrapping_sub(1),
        2 => 0,
        _ => offset ^ (1 << rng.below(10)),
    }
}

fn tweak_list(op: &mut gd_op, rng: &mut Rng) {
    let at = rng.below(NR_RUNS);
    let run = &mut op.run[at];
    match rng.below(6) {
        0 => *run = NO_RUN,
        1 => run.len = run.len.saturating_add(1),
        2 => run.len = run.len.saturating_sub(1),
        3 => op.run.swap(at, rng.below(NR_RUNS)),
        4 => op.run[at] = op.run[rng.below(NR_RUNS)],
        _ => {
            let (index, offset) = split_page(run.page);
            run.page = super::page(index, tweak_offset(rng, offset));
        }
    }
}

fn tweak_folio(program: &mut Program, rng: &mut Rng) {
    let i = rng.below(program.nr_folios());
    let f = &mut program.0.folio[i];
    match rng.below(16) {
        0..=3 => f.ref_ = values::tweak(rng, f.ref_),
        4 | 5 => f.ref_ = values::refcount(rng, 1 << f.order),
        6 => f.pin = values::tweak(rng, f.pin),
        7 => f.order = draw::order(rng),
        8 => f.kind = rng.below(abi::GD_NR_KINDS as usize) as u8,
        9 => f.kind = abi::GD_K_NORMAL as u8,
        10 => f.mapping = rng.below(abi::GD_NR_MAPPINGS as usize) as u8,
        11 => f.movable ^= 1,
        12 => f.migratetype = draw::migratetype(rng) as u8,
        13 => f.exclusive ^= 1,
        _ => f.flags ^= 1 << draw::flag(rng),
    }
}

fn tweak_world(program: &mut Program, rng: &mut Rng) {
    let world = &mut program.0.world;
    match rng.below(5) {
        0 => world.seq = draw::seq(rng),
        1 => world.pkru = draw::pkru(rng),
        _ => world.state ^= 1 << rng.below(3),
    }
}

fn tweak_folios(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let i = rng.below(program.nr_folios());
    match rng.below(4) {
        0 => {
            program.remove_folio(i);
        }
        1 => program.0.folio[i] = draw::folio(rng),
        _ if program.nr_folios() < profile.max_folios => {
            program.push_folio(draw::folio(rng));
        }
        _ => program.0.folio[i] = draw::folio(rng),
    }
}

/// Removes most operations that would end the program before its last one.
fn mend(program: &mut Program, rng: &mut Rng, profile: &Profile) {
    let mut model = Model::new(program, profile.rev, profile.debug_vm);
    let mut i = 0;
    while i + 1 < program.nr_ops() {
        let op = program.0.op[i];
        if model.is_fatal(&op) && rng.chance(7, 8) {
            program.remove_op(i);
        } else {
            model.apply(&op);
            program
                .acts_of(i)
                .iter()
                .for_each(|act| model.apply(&act.op));
            i += 1;
        }
    }
}

/// A program made of two: the world and first operations of one, then operations of the
/// other, on the folios of the first.
pub fn crossover(a: &Program, b: &Program, rng: &mut Rng, profile: &Profile) -> Program {
    let mut child = *a;
    match rng.below(4) {
        // the operations of one program in the world of the other
        0 => {
            (child.0.op, child.0.act) = (b.0.op, b.0.act);
            child.0.world.nr_ops = b.0.world.nr_ops;
            child.0.world.nr_acts = b.0.world.nr_acts;
        }
        1 => {
            let from = rng.below(b.nr_ops() + 1);
            let at = rng.below(a.nr_ops() + 1);
            for i in from..b.nr_ops() {
                child.insert_from(at + (i - from), b, i);
            }
        }
        _ => {
            child.truncate_ops(rng.below(a.nr_ops() + 1));
            for i in rng.below(b.nr_ops() + 1)..b.nr_ops() {
                child.insert_from(child.nr_ops(), b, i);
            }
        }
    }
    if rng.chance(1, 4) {
        for i in 0..child.nr_folios().min(b.nr_folios()) {
            if rng.chance(1, 2) {
                child.0.folio[i] = b.0.folio[i];
            }
        }
    }
    child.truncate_ops(profile.max_ops);
    child.normalise();
    if rng.chance(1, 2) {
        mend(&mut child, rng, profile);
    }
    child
}
