// SPDX-License-Identifier: GPL-2.0
//! Draws whole programs at random.
//!
//! A program that stops at its second operation tests only one.  So the generator keeps a
//! rough model of the counts and draws operations that fit it: later operations mostly use
//! the pages of earlier ones, pins are mostly dropped again, and an operation that would
//! end the program (BUG, OOPS) is usually drawn again.

use csrc::abi::{self, gd_act, gd_op};

use super::model::Model;
use super::rng::Rng;
use super::{MAX_FOLIOS, MAX_OPS, NO_OP, Program, draw, walk};
use crate::effect::{By, Effect, Part, What};
use crate::ops::{self, Layer};
use crate::rev::{Fact, Rev};

/// The layer whose functions programs call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The page level.
    Page,
    /// The lockless walk, and the page level on the pages that it returns.
    Lockless,
    /// The slow path, with VMAs and faults, and the page level on the pages that it
    /// returns.
    Slow,
    /// Equally many programs of each layer.
    #[default]
    All,
}

impl Focus {
    /// All layers.
    pub const ALL: [Focus; 4] = [Focus::Page, Focus::Lockless, Focus::Slow, Focus::All];
}

impl std::str::FromStr for Focus {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "page" => Ok(Focus::Page),
            "lockless" => Ok(Focus::Lockless),
            "slow" => Ok(Focus::Slow),
            "all" => Ok(Focus::All),
            _ => Err(format!(
                "`{s}` is not a layer; known: page, lockless, slow, all"
            )),
        }
    }
}

/// Which programs to draw.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The layer whose functions they call.
    pub focus: Focus,
    /// Draw only operations that this revision has.
    pub rev: Rev,
    /// Whether failed assertions end programs (CONFIG_DEBUG_VM).
    pub debug_vm: bool,
    /// Operations in the average program.
    pub mean_ops: usize,
    /// Operations of a program, at most.
    pub max_ops: usize,
    /// Folios of a program, at most; most programs have one to three.
    pub max_folios: usize,
    /// Of 1024 operations, so many may end the program.
    pub fatal: usize,
    /// Of 1024 programs, so many are programs of careful callers.
    pub careful: usize,
    /// Of 1024 programs, so many have a last operation that ends them.
    pub bad_ends: usize,
    ids: Vec<u8>,
    weights: Vec<u32>,
    present: [bool; 256],
}

impl Profile {
    /// Programs for the page level of a revision.
    pub fn new(rev: Rev) -> Profile {
        let mut profile = Profile {
            focus: Focus::Page,
            rev,
            debug_vm: true,
            mean_ops: 16,
            max_ops: MAX_OPS,
            max_folios: MAX_FOLIOS,
            fatal: 6,
            careful: 64,
            bad_ends: 200,
            ids: Vec::new(),
            weights: Vec::new(),
            present: [false; 256],
        };
        for op in ops::table() {
            if op.name(rev).is_some() {
                profile.ids.push(op.id);
                profile.weights.push(weight(op));
                profile.present[usize::from(op.id)] = true;
            }
        }
        profile
    }

    /// The same for a layer.  For a revision without the walk the layer is always the page
    /// level.
    pub fn focus(mut self, focus: Focus) -> Profile {
        let has_walk = ops::table()
            .iter()
            .any(|op| self.has(op.id) && walk::is_call(op.id));
        if has_walk {
            self.focus = focus;
        }
        self
    }

    /// The same for a kernel with or without CONFIG_DEBUG_VM.
    pub fn debug_vm(mut self, debug_vm: bool) -> Profile {
        self.debug_vm = debug_vm;
        self
    }

    /// Leaves out the operations for which `keep` returns false; one must remain.
    pub fn retain(mut self, mut keep: impl FnMut(&ops::OpInfo) -> bool) -> Profile {
        for (i, &id) in self.ids.iter().enumerate() {
            if !ops::info(id).is_some_and(&mut keep) {
                self.weights[i] = 0;
                self.present[usize::from(id)] = false;
            }
        }
        assert!(self.present.contains(&true), "no operation is left");
        self
    }

    /// Whether an operation is drawn, provided that its layer is.
    pub fn has(&self, id: u8) -> bool {
        self.present[usize::from(id)]
    }

    /// Whether entry points of the slow path are drawn.
    pub(super) fn has_slow(&self) -> bool {
        matches!(self.focus, Focus::Slow | Focus::All) && draw::slow::any(self)
    }

    /// Whether the next program is one for the slow path.
    fn is_slow(&self, rng: &mut Rng) -> bool {
        self.has_slow() && (self.focus == Focus::Slow || rng.chance(1, 3))
    }

    /// Whether programs may walk page tables.
    pub(super) fn has_walks(&self) -> bool {
        self.focus != Focus::Page
    }

    /// Whether a program that starts with these operations goes on with walks.
    fn walks(&self, rng: &mut Rng, earlier: &[gd_op]) -> bool {
        let is_walk = |op: &gd_op| walk::is_call(op.op) || walk::set_level(op.op).is_some();
        match self.focus {
            Focus::Page => false,
            Focus::Lockless | Focus::Slow => true,
            Focus::All if earlier.is_empty() => rng.chance(1, 2),
            Focus::All => earlier.iter().any(is_walk),
        }
    }

    /// One of these operations that this profile draws, by weight.
    pub(super) fn one_of(&self, rng: &mut Rng, all: &[(u8, u32)]) -> Option<u8> {
        let weight = |&(id, weight): &(u8, u32)| if self.has(id) { weight } else { 0 };
        let weights: Vec<u32> = all.iter().map(weight).collect();
        let any = weights.iter().any(|weight| *weight > 0);
        any.then(|| all[rng.weighted(&weights)].0)
    }

    fn id(&self, rng: &mut Rng) -> u8 {
        self.ids[rng.weighted(&self.weights)]
    }

    /// Another operation, preferably with the same operands.
    pub(super) fn id_like(&self, rng: &mut Rng, like: u8) -> u8 {
        let operands = |id| ops::info(id).map(|op| op.operands);
        let mut id = self.id(rng);
        for _ in 0..8 {
            if operands(id) == operands(like) {
                break;
            }
            id = self.id(rng);
        }
        id
    }
}

/// The relative frequency of an operation.
fn weight(op: &ops::OpInfo) -> u32 {
    if op.layer != Layer::Page {
        // these are drawn by other functions
        return 0;
    }
    match op.effect {
        Effect::Takes { what, by, .. } => match (what, by) {
            (What::SlowGrab, _) | (What::FastGrab, By::N) => 44,
            (What::Ref, By::N) => 16,
            _ => 12,
        },
        Effect::Gives { what, .. } => match what {
            What::Pin | What::Grabbed => 16,
            What::Ref => 8,
            _ => 12,
        },
        Effect::Asks(_) | Effect::Marks => 12,
        Effect::Sets(part) => match part {
            Part::Irqs | Part::DevmapKey => 3,
            Part::HasPinned | Part::Seq => 4,
            _ => 5,
        },
        Effect::Walks { .. } | Effect::Faults { .. } | Effect::PinsFile => 12,
    }
}

/// Draws a program.
pub fn program(rng: &mut Rng, profile: &Profile) -> Program {
    if profile.is_slow(rng) {
        return slow(rng, profile);
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
