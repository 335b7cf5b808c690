// SPDX-License-Identifier: GPL-2.0
//! Draws whole programs at random.
//!
//! A program that stops at its second operation tests only one.  So the generator keeps a
//! rough model of the counts and draws operations that fit it: later operations mostly use
//! the pages of earlier ones, pins are mostly dropped again, and an operation that would
//! end the program (BUG, OOPS) is usually drawn again.

use csrc::abi::{self, gd_act, gd_op};

use super::model::Model;
use super::profile::{Focus, Profile};
use super::rng::Rng;
use super::{MAX_ACTS, MAX_FOLIOS, MAX_OPS, NO_OP, Program, draw, walk};
use crate::ops;
use crate::rev::Fact;

/// Draws a program.
pub fn program(rng: &mut Rng, profile: &Profile) -> Program {
    if profile.is_slow(rng) {
        return match rng.chance(profile.careful, 1024) {
            true => careful_slow(rng, profile),
            false => slow(rng, profile),
        };
    }
    if !profile.rev.is_series() && rng.chance(profile.careful, 1024) {
        let program = careful(rng, profile);
        if program.nr_ops() > 0 {
            return program;
        }
    }
    let mut program = Program::EMPTY;
    let walks = profile.walks(rng, &[]);
    world(rng, profile, walks, &mut program);
    let count = match rng.below(8) {
        0 => rng.below(2 * profile.mean_ops) + 1,
        _ => profile.mean_ops * 3 / 4 + rng.below(profile.mean_ops / 2 + 2),
    };
    let mut model = Model::new(&program, profile.rev, profile.debug_vm);
    let count = count.clamp(1, profile.max_ops.clamp(1, MAX_OPS));
    let end_badly = rng.chance(profile.bad_ends, 1024);
    if walks {
        map(rng, count, &mut model, &mut program);
    }
    // Few programs of the page level have actions.
    let busy = walks || profile.rev.has(Fact::Walk) && rng.chance(1, 8);
    while program.nr_all() < count {
        let last = program.nr_all() + 1 == count;
        let op = match last && end_badly {
            true => bad_end(rng, profile, walks, &mut model, program.ops()),
            false => operation_of(rng, profile, walks, &mut model, program.ops()),
        };
        let held = model.nr_held;
        model.apply(&op);
        program.push_op(op);
        if busy {
            meanwhile(rng, profile, count, held, &mut model, &mut program);
        }
    }
    program.normalise();
    program
}

/// A program for the slow path.
fn slow(rng: &mut Rng, profile: &Profile) -> Program {
    let mut program = Program::EMPTY;
    world(rng, profile, true, &mut program);
    draw::slow::world(rng, &mut program);
    program.normalise();
    let mut model = Model::new(&program, profile.rev, profile.debug_vm);
    // A call with its script counts as several operations.
    let count = match rng.below(8) {
        0 => rng.below(3 * profile.mean_ops) + 1,
        _ => profile.mean_ops + rng.below(profile.mean_ops),
    };
    let count = count.clamp(1, 2 * profile.max_ops.clamp(1, MAX_OPS));
    let room = |program: &Program| {
        program.nr_all() < count && program.nr_ops() < profile.max_ops.clamp(1, MAX_OPS)
    };
    for op in draw::slow::address_space(rng, &model) {
        if profile.has(op.op) && room(&program) {
            model.apply(&op);
            program.push_op(op);
        }
    }
    while room(&program) {
        let op = operation(rng, profile, &mut model, program.ops());
        let held = model.nr_held;
        program.push_op(op);
        if model.is_slow(&op) {
            during(rng, profile, count, &mut model, &mut program);
            model.apply(&op);
            if rng.chance(1, 4) {
                model.forget(held);
            }
        } else {
            model.apply(&op);
            meanwhile(rng, profile, count, held, &mut model, &mut program);
        }
    }
    program.normalise();
    program
}

/// The script of the last operation, if it can reach the real slow path.
pub(super) fn during(
    rng: &mut Rng,
    profile: &Profile,
    count: usize,
    model: &mut Model,
    program: &mut Program,
) {
    let Some(main) = program.ops().last().copied() else {
        return;
    };
    let most = count.saturating_sub(program.nr_all());
    for act in draw::during::script(rng, profile, model, &main, most) {
        model.apply(&act.op);
        program.push_act(gd_act {
            owner: program.nr_ops() as u8 - 1,
            ..act
        });
    }
}

/// A program of a careful caller: it drops everything that it took before it ends.
fn careful(rng: &mut Rng, profile: &Profile) -> Program {
    let mut program = Program::EMPTY;
    let walks = profile.walks(rng, &[]);
    draw::careful::world(rng, walks, &mut program);
    let mut model = Model::new(&program, profile.rev, profile.debug_vm);
    let count = rng.range(4, 24).min(profile.max_ops as i32) as usize;
    if walks {
        for _ in 0..rng.below(4) + 1 {
            let op = draw::careful::entry(rng, &model);
            model.apply(&op);
            program.push_op(op);
        }
    }
    // Not every revision has this operation.
    for _ in 0..4 * MAX_OPS {
        let end = program.nr_ops() >= count;
        if program.nr_ops() == profile.max_ops.min(MAX_OPS) {
            break;
        }
        match draw::careful::operation(rng, profile, &model, end) {
            Some(op) => {
                model.apply(&op);
                program.push_op(op);
            }
            None if end => break,
            None => {}
        }
    }
    program.normalise();
    program
}

/// The same for the slow path.
fn careful_slow(rng: &mut Rng, profile: &Profile) -> Program {
    let mut program = Program::EMPTY;
    draw::careful::world(rng, true, &mut program);
    draw::careful_slow::world(rng, &mut program);
    program.normalise();
    let mut model = Model::new(&program, profile.rev, profile.debug_vm);
    let most = profile.max_ops.min(MAX_OPS);
    let count = rng.range(4, 16).min(most as i32) as usize;
    for op in draw::careful_slow::vmas(rng, &model) {
        model.apply(&op);
        program.push_op(op);
    }
    for _ in 0..4 * MAX_OPS {
        let end = program.nr_ops() >= count;
        if program.nr_ops() == most {
            break;
        }
        let op = match rng.below(8) {
            0 if !end && rng.chance(1, 2) => draw::careful_file::some_folio(rng, profile, &model),
            0 | 1 if !end => draw::careful_slow::some_entry(rng, &model),
            2..=4 if !end && program.acts().len() < MAX_ACTS => {
                draw::careful_slow::call(rng, profile, &model)
            }
            _ => draw::careful::beside(rng, profile, &model, end),
        };
        let Some(op) = op else {
            if end {
                break;
            }
            continue;
        };
        program.push_op(op);
        if model.is_slow(&op) {
            let script = draw::careful_slow::script(rng, &model, &op);
            for act in script {
                let owner = program.nr_ops() as u8 - 1;
                if program.push_act(gd_act { owner, ..act }) {
                    model.apply(&act.op);
                }
            }
        }
        model.apply(&op);
    }
    program.normalise();
    program
}

/// The initial page tables, at most a quarter of the program.
fn map(rng: &mut Rng, count: usize, model: &mut Model, program: &mut Program) {
    let most = (count / 4).max(1);
    let want = rng.below(most) + 1;
    let mut cursor = draw::tables::cursor(rng, model);
    while program.nr_ops() < want {
        if rng.chance(1, 6) {
            cursor = draw::tables::Cursor::new(rng);
        }
        let scene = draw::tables::scene(rng, model, &mut cursor);
        for op in scene.into_iter().flatten() {
            model.apply(&op);
            program.push_op(op);
        }
    }
}

/// The actions of the last operation, if any.
pub(super) fn meanwhile(
    rng: &mut Rng,
    profile: &Profile,
    count: usize,
    held: usize,
    model: &mut Model,
    program: &mut Program,
) {
    let Some(main) = program.ops().last().copied() else {
        return;
    };
    let is_world = ops::info(main.op).is_none_or(|op| op.is_change);
    let share = if walk::is_call(main.op) { 5 } else { 1 };
    if is_world || !rng.chance(share, 8) {
        return;
    }
    let many = match rng.below(8) {
        0..=4 => 1,
        5 | 6 => 2,
        _ => 3,
    };
    // Actions are drawn against the model as it is before any of them runs.
    let before = model.clone();
    for _ in 0..many {
        if program.nr_all() >= count {
            break;
        }
        let Some(act) = draw::script::act(rng, profile, &before, &main) else {
            break;
        };
        model.apply(&act.op);
        program.push_act(gd_act {
            owner: program.nr_ops() as u8 - 1,
            ..act
        });
    }
    if rng.chance(3, 4) {
        model.forget(held);
    }
}

fn world(rng: &mut Rng, profile: &Profile, walks: bool, program: &mut Program) {
    program.0.world.state = draw::state(rng);
    program.0.world.seq = draw::seq(rng);
    if walks && rng.chance(15, 16) {
        // During a fork no walk pins anything.
        program.0.world.seq &= !1;
    }
    if walks {
        program.0.world.pkru = draw::pkru(rng);
    }
    let count = match rng.weighted(&[30, 34, 22, 14]) {
        n @ 0..=2 => n + 1,
        _ => rng.below(MAX_FOLIOS - 3) + 4,
    };
    let folio = match walks {
        true => draw::tables::mapped_folio,
        false => draw::folio,
    };
    let count = if walks { count.min(4) } else { count };
    program.0.folio[0] = match walks && rng.chance(1, 6) {
        true => draw::tables::block_start(rng),
        false => folio(rng),
    };
    for _ in 1..count.min(profile.max_folios) {
        program.push_folio(folio(rng));
    }
    program.normalise();
}

/// The next operation of a program in the state that the model expects.
pub(super) fn operation(
    rng: &mut Rng,
    profile: &Profile,
    model: &mut Model,
    earlier: &[gd_op],
) -> gd_op {
    let is_slow = |op: &gd_op| walk::is_slow(op.op) || walk::is_vma(op.op);
    if profile.has_slow() && (profile.focus == Focus::Slow || earlier.iter().any(is_slow)) {
        return of_slow(rng, profile, model, earlier);
    }
    let walks = profile.walks(rng, earlier);
    operation_of(rng, profile, walks, model, earlier)
}

fn of_slow(rng: &mut Rng, profile: &Profile, model: &mut Model, earlier: &[gd_op]) -> gd_op {
    if model.signal && profile.has(abi::GD_OP_SET_SIGNAL as u8) && rng.chance(3, 5) {
        return gd_op {
            op: abi::GD_OP_SET_SIGNAL as u8,
            ..NO_OP
        };
    }
    let fast = if model.falls_back() { 22 } else { 2 };
    let op = match rng.weighted(&[70, fast, 22, 6, 6, 3]) {
        0 => draw::slow::call(rng, profile, model),
        1 => draw::calls::call(rng, profile, model),
        2 => draw::release(rng, profile, model),
        3 => Some(draw::tables::entry(rng, model)),
        4 => Some(draw::op(rng, abi::GD_OP_SET_VMA as u8, model, earlier)),
        5 => Some(draw::during::signal(rng)),
        _ => None,
    };
    op.filter(|op| profile.has(op.op)).unwrap_or_else(|| {
        let walks = rng.chance(1, 2);
        operation_of(rng, profile, walks, model, earlier)
    })
}

fn operation_of(
    rng: &mut Rng,
    profile: &Profile,
    walks: bool,
    model: &mut Model,
    earlier: &[gd_op],
) -> gd_op {
    let fatal_too = rng.chance(profile.fatal, 1024);
    let dull_too = rng.chance(if walks { 1 } else { 2 }, 4);
    draw_until(rng, profile, walks, model, earlier, |model, op| {
        (fatal_too || !model.is_fatal(op)) && (dull_too || !model.is_dull(op))
    })
}

/// An operation that is expected to end the program.
fn bad_end(
    rng: &mut Rng,
    profile: &Profile,
    walks: bool,
    model: &mut Model,
    earlier: &[gd_op],
) -> gd_op {
    draw_until(rng, profile, walks, model, earlier, |model, op| {
        model.is_fatal(op)
    })
}

fn draw_until(
    rng: &mut Rng,
    profile: &Profile,
    walks: bool,
    model: &mut Model,
    earlier: &[gd_op],
    fits: impl Fn(&mut Model, &gd_op) -> bool,
) -> gd_op {
    const TRIES: usize = 16;
    let mut tries = 1;
    loop {
        let op = match walks {
            true => of_walk(rng, profile, model, earlier),
            false => of_pages(rng, profile, model, earlier),
        };
        if tries == TRIES || fits(model, &op) {
            return op;
        }
        tries += 1;
    }
}

fn of_pages(rng: &mut Rng, profile: &Profile, model: &Model, earlier: &[gd_op]) -> gd_op {
    let release = match rng.chance(3, 8) {
        true => draw::release(rng, profile, model),
        false => None,
    };
    release.unwrap_or_else(|| {
        let id = profile.id(rng);
        draw::op(rng, id, model, earlier)
    })
}

fn of_walk(rng: &mut Rng, profile: &Profile, model: &Model, earlier: &[gd_op]) -> gd_op {
    let end_fork = abi::GD_OP_SET_SEQ as u8;
    if model.is_forking() && profile.has(end_fork) && rng.chance(1, 3) {
        return draw::end_of_fork(rng);
    }
    let op = match rng.weighted(&[96, 22, 12, 22]) {
        0 => draw::calls::call(rng, profile, model),
        1 => draw::release(rng, profile, model),
        2 => match rng.below(12) {
            0 if profile.has(abi::GD_OP_SET_TAIL as u8) => {
                Some(draw::op(rng, abi::GD_OP_SET_TAIL as u8, model, earlier))
            }
            1 if profile.has(abi::GD_OP_ANSWER as u8) => {
                Some(draw::op(rng, abi::GD_OP_ANSWER as u8, model, earlier))
            }
            _ => Some(draw::tables::entry(rng, model)),
        },
        _ => None,
    };
    op.filter(|op| profile.has(op.op))
        .unwrap_or_else(|| of_pages(rng, profile, model, earlier))
}
