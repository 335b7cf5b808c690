// SPDX-License-Identifier: GPL-2.0
//! Drawing whole programs at random.
//!
//! A program that stops at its second operation tests one operation.  So the
//! generator keeps a rough guess of the counts and draws operations that suit
//! them: later operations mostly work on what earlier ones worked on, what was
//! pinned is mostly unpinned, and an operation that would end the program (a
//! BUG, an OOPS) is mostly drawn again.

use csrc::abi::{self, gd_op};

use super::model::Model;
use super::rng::Rng;
use super::{MAX_FOLIOS, MAX_OPS, Program, draw};
use crate::ops::{self, Layer, Rev};

/// Which layer programs are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// Page level.
    Page,
    /// The walk of page tables.
    Lockless,
    /// Both.
    #[default]
    All,
}

impl std::str::FromStr for Focus {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "page" => Ok(Self::Page),
            "lockless" => Ok(Self::Lockless),
            "all" => Ok(Self::All),
            _ => Err(format!("`{s}` is no layer; there are: page, lockless, all")),
        }
    }
}

/// What programs should be like.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Only operations that this revision has are drawn.
    pub rev: Rev,
    /// Whether failed assertions end programs (CONFIG_DEBUG_VM).
    pub debug_vm: bool,
    /// Operations in the average program.
    pub mean_ops: usize,
    /// Operations of a program, at most.
    pub max_ops: usize,
    /// Folios of a program, at most; most programs have one to three.
    pub max_folios: usize,
    /// How many of 1024 operations may end the program.
    pub fatal: usize,
    /// How many of 1024 programs have a last operation that ends them.
    pub bad_ends: usize,
    ids: Vec<u8>,
    weights: Vec<u32>,
    present: [bool; 256],
}

impl Profile {
    /// Programs for a revision's page level.
    pub fn new(rev: Rev) -> Profile {
        let mut profile = Profile {
            rev,
            debug_vm: true,
            mean_ops: 16,
            max_ops: MAX_OPS,
            max_folios: MAX_FOLIOS,
            fatal: 6,
            bad_ends: 200,
            ids: Vec::new(),
            weights: Vec::new(),
            present: [false; 256],
        };
        for op in ops::table() {
            if op.name(rev).is_some()
                && op.layer != Layer::Lockless
                && u32::from(op.id) < abi::GD_OP_SET_TAIL
            {
                profile.ids.push(op.id);
                profile.weights.push(weight(op));
                profile.present[usize::from(op.id)] = true;
            }
        }
        profile
    }

    /// The same for programs about a layer.
    pub fn focus(self, _focus: Focus) -> Profile {
        self
    }

    /// The same for a kernel with or without CONFIG_DEBUG_VM.
    pub fn debug_vm(mut self, debug_vm: bool) -> Profile {
        self.debug_vm = debug_vm;
        self
    }

    /// Leaves out the operations that `keep` says no to; one must remain.
    pub fn retain(mut self, mut keep: impl FnMut(&ops::OpInfo) -> bool) -> Profile {
        for (i, &id) in self.ids.iter().enumerate() {
            if !ops::info(id).is_some_and(&mut keep) {
                self.weights[i] = 0;
                self.present[usize::from(id)] = false;
            }
        }
        assert!(self.weights.iter().any(|&w| w > 0), "no operation is left");
        self
    }

    /// Whether an operation is among those that are drawn.
    pub fn has(&self, id: u8) -> bool {
        self.present[usize::from(id)]
    }

    fn id(&self, rng: &mut Rng) -> u8 {
        self.ids[rng.weighted(&self.weights)]
    }

    /// Another operation, rather one with the same operands.
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

/// How often an operation is drawn.
fn weight(op: &ops::OpInfo) -> u32 {
    match u32::from(op.id) {
        abi::GD_OP_GRAB_SLOW | abi::GD_OP_GRAB_FAST => 44,
        abi::GD_OP_TRY_GET_FOLIO | abi::GD_OP_FOLIO_REF_TRY_ADD => 16,
        abi::GD_OP_GUP_PUT_FOLIO
        | abi::GD_OP_UNPIN_USER_PAGE
        | abi::GD_OP_UNPIN_USER_PAGES
        | abi::GD_OP_UNPIN_USER_PAGES_DIRTY_LOCK
        | abi::GD_OP_UNPIN_USER_PAGE_RANGE_DIRTY_LOCK => 18,
        abi::GD_OP_SET_IRQS | abi::GD_OP_SET_DEVMAP_KEY => 3,
        abi::GD_OP_SET_HAS_PINNED | abi::GD_OP_SET_SEQ => 4,
        abi::GD_OP_PUT_PAGE | abi::GD_OP_FOLIO_PUT | abi::GD_OP_FOLIO_PUT_REFS => 8,
        _ if op.layer == Layer::World => 5,
        _ => 12,
    }
}

/// A program of the profile's kind.
pub fn program(rng: &mut Rng, profile: &Profile) -> Program {
    let mut program = Program::EMPTY;
    world(rng, profile, &mut program);
    let count = match rng.below(8) {
        0 => rng.below(2 * profile.mean_ops) + 1,
        _ => profile.mean_ops * 3 / 4 + rng.below(profile.mean_ops / 2 + 2),
    };
    let mut model = Model::new(&program, profile.rev, profile.debug_vm);
    let count = count.clamp(1, profile.max_ops.clamp(1, MAX_OPS));
    let end_badly = rng.chance(profile.bad_ends, 1024);
    for i in 0..count {
        let last = i + 1 == count;
        let op = match last && end_badly {
            true => bad_end(rng, profile, &mut model, program.ops()),
            false => operation(rng, profile, &mut model, program.ops()),
        };
        model.apply(&op);
        program.push_op(op);
    }
    program.normalise();
    program
}

fn world(rng: &mut Rng, profile: &Profile, program: &mut Program) {
    program.0.world.state = draw::state(rng);
    program.0.world.seq = draw::seq(rng);
    let count = match rng.weighted(&[30, 34, 22, 14]) {
        n @ 0..=2 => n + 1,
        _ => rng.below(MAX_FOLIOS - 3) + 4,
    };
    program.0.folio[0] = draw::folio(rng);
    for _ in 1..count.min(profile.max_folios) {
        program.push_folio(draw::folio(rng));
    }
    program.normalise();
}

/// The next operation of a program whose world is as the model guesses.
pub(super) fn operation(
    rng: &mut Rng,
    profile: &Profile,
    model: &mut Model,
    earlier: &[gd_op],
) -> gd_op {
    let fatal_too = rng.chance(profile.fatal, 1024);
    let dull_too = rng.chance(1, 2);
    draw_until(rng, profile, model, earlier, |model, op| {
        (fatal_too || !model.is_fatal(op)) && (dull_too || !model.is_dull(op))
    })
}

/// An operation that is expected to end the program.
fn bad_end(rng: &mut Rng, profile: &Profile, model: &mut Model, earlier: &[gd_op]) -> gd_op {
    draw_until(rng, profile, model, earlier, |model, op| model.is_fatal(op))
}

fn draw_until(
    rng: &mut Rng,
    profile: &Profile,
    model: &mut Model,
    earlier: &[gd_op],
    fits: impl Fn(&mut Model, &gd_op) -> bool,
) -> gd_op {
    const TRIES: usize = 16;
    let mut tries = 1;
    loop {
        let release = match rng.chance(3, 8) {
            true => draw::release(rng, profile, model),
            false => None,
        };
        let op = release.unwrap_or_else(|| {
            let id = profile.id(rng);
            draw::op(rng, id, model, earlier)
        });
        if tries == TRIES || fits(model, &op) {
            return op;
        }
        tries += 1;
    }
}
