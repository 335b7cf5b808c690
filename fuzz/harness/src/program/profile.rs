// SPDX-License-Identifier: GPL-2.0
//! Which programs to draw: the layer, the operations and their frequencies.

use csrc::abi::gd_op;

use super::rng::Rng;
use super::{MAX_FOLIOS, MAX_OPS, draw, walk};
use crate::effect::{By, Effect, Part, What};
use crate::ops::{self, Layer};
use crate::rev::Rev;

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
    pub(super) fn is_slow(&self, rng: &mut Rng) -> bool {
        self.has_slow() && (self.focus == Focus::Slow || rng.chance(1, 3))
    }

    /// Whether programs may walk page tables.
    pub(super) fn has_walks(&self) -> bool {
        self.focus != Focus::Page
    }

    /// Whether a program that starts with these operations goes on with walks.
    pub(super) fn walks(&self, rng: &mut Rng, earlier: &[gd_op]) -> bool {
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

    pub(super) fn id(&self, rng: &mut Rng) -> u8 {
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
