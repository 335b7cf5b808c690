// SPDX-License-Identifier: GPL-2.0
//! Programs as plain data: a world, a list of operations, and the script.
//!
//! A [`Program`] is the C side's `struct gd_program`, so that running it needs no
//! translation.  The submodules:
//!
//! * [`walk`]: addresses, levels and entries of page tables;
//! * [`normalise`]: brings any contents into range and into one canonical form;
//! * [`wire`]: the compact form in corpora, in which every byte string is a program;
//! * [`text`]: the form that people write, `.gup` files;
//! * [`generate`] draws random programs, [`mutate`] changes programs.
//!
//! Every function that returns a program returns a normalised one.  Code that changes
//! fields has to call [`Program::normalise`] before the program runs.

mod draw;
mod fold;
pub mod generate;
pub mod list;
mod model;
pub mod mutate;
pub mod normalise;
pub mod profile;
pub mod rng;
pub mod text;
mod values;
pub mod walk;
pub mod wire;

use std::fmt;
use std::ops::Range;

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_program, gd_run, gd_world};

/// Folios of a program, at most.
pub const MAX_FOLIOS: usize = abi::GD_MAX_FOLIOS as usize;
/// Operations of a program, at most.
pub const MAX_OPS: usize = abi::GD_MAX_OPS as usize;
/// Actions of a program's script, at most.
pub const MAX_ACTS: usize = abi::GD_MAX_ACTS as usize;
/// Runs of a page list, at most.
pub const NR_RUNS: usize = abi::GD_NR_RUNS as usize;
/// Pages of a list, at most, over all of its runs.
pub const MAX_LIST: usize = 1024;

/// A run of no pages.
pub const NO_RUN: gd_run = gd_run { page: 0, len: 0 };

/// An operation with all fields zero; its id is not a defined one.
pub const NO_OP: gd_op = gd_op {
    op: 0,
    mods: 0,
    arg: 0,
    foll: 0,
    n: 0,
    val: 0,
    run: [NO_RUN; NR_RUNS],
    addr: 0,
    entry: 0,
    mm: 0,
    eflags: 0,
    pad2: 0,
};

/// An action with all fields zero; it has no hook point.
pub const NO_ACT: gd_act = gd_act {
    owner: 0,
    hook: 0,
    nth: 0,
    pad: 0,
    at_page: 0,
    pad2: 0,
    at_addr: 0,
    op: NO_OP,
};

/// A folio with all fields zero: one page, no references.
pub const NO_FOLIO: gd_folio = gd_folio {
    order: 0,
    kind: 0,
    mapping: 0,
    movable: 0,
    migratetype: 0,
    exclusive: 0,
    pad: 0,
    flags: 0,
    ref_: 0,
    pin: 0,
};

/// A program; see the module's description.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Program(pub gd_program);

impl Program {
    /// The smallest program: one folio with all fields zero, no operations.
    pub const EMPTY: Program = Program(gd_program {
        world: gd_world {
            nr_folios: 1,
            state: 0,
            nr_ops: 0,
            nr_acts: 0,
            seq: 0,
            pkru: 0,
        },
        folio: [NO_FOLIO; MAX_FOLIOS],
        op: [NO_OP; MAX_OPS],
        act: [NO_ACT; MAX_ACTS],
    });

    /// The state besides folios.
    pub fn world(&self) -> &gd_world {
        &self.0.world
    }

    /// How many folios are declared.
    #[inline]
    pub fn nr_folios(&self) -> usize {
        usize::from(self.0.world.nr_folios).min(MAX_FOLIOS)
    }

    /// How many operations there are.
    #[inline]
    pub fn nr_ops(&self) -> usize {
        usize::from(self.0.world.nr_ops).min(MAX_OPS)
    }

    /// The declared folios.
    #[inline]
    pub fn folios(&self) -> &[gd_folio] {
        &self.0.folio[..self.nr_folios()]
    }

    /// The declared folios.
    #[inline]
    pub fn folios_mut(&mut self) -> &mut [gd_folio] {
        let nr = self.nr_folios();
        &mut self.0.folio[..nr]
    }

    /// The operations.
    #[inline]
    pub fn ops(&self) -> &[gd_op] {
        &self.0.op[..self.nr_ops()]
    }

    /// The operations.
    #[inline]
    pub fn ops_mut(&mut self) -> &mut [gd_op] {
        let nr = self.nr_ops();
        &mut self.0.op[..nr]
    }

    /// How many actions the script has.
    #[inline]
    pub fn nr_acts(&self) -> usize {
        usize::from(self.0.world.nr_acts).min(MAX_ACTS)
    }

    /// The script: actions in the order of the operations that they belong to.
    #[inline]
    pub fn acts(&self) -> &[gd_act] {
        &self.0.act[..self.nr_acts()]
    }

    /// The script.
    #[inline]
    pub fn acts_mut(&mut self) -> &mut [gd_act] {
        let nr = self.nr_acts();
        &mut self.0.act[..nr]
    }

    /// The range of the script that holds the actions of the `i`th operation.
    pub fn acts_range(&self, i: usize) -> Range<usize> {
        let acts = self.acts();
        let start = acts.partition_point(|act| usize::from(act.owner) < i);
        let end = acts.partition_point(|act| usize::from(act.owner) <= i);
        start..end
    }

    /// The actions of the `i`th operation.
    pub fn acts_of(&self, i: usize) -> &[gd_act] {
        &self.acts()[self.acts_range(i)]
    }

    /// The operations with their actions, in order.
    pub fn groups(&self) -> impl Iterator<Item = (&gd_op, &[gd_act])> {
        (0..self.nr_ops()).map(|i| (&self.ops()[i], self.acts_of(i)))
    }

    /// Declares one more folio, unless there are [`MAX_FOLIOS`] already.
    pub fn push_folio(&mut self, folio: gd_folio) -> bool {
        let nr = self.nr_folios();
        if nr == MAX_FOLIOS {
            return false;
        }
        self.0.folio[nr] = folio;
        self.0.world.nr_folios = nr as u8 + 1;
        true
    }

    /// Removes a folio's declaration: operations on it then name folio 0, and operations on
    /// later folios still name the same ones.  The last folio cannot be removed.
    pub fn remove_folio(&mut self, i: usize) -> bool {
        let nr = self.nr_folios();
        if i >= nr || nr == 1 {
            return false;
        }
        self.0.folio.copy_within(i + 1..nr, i);
        self.0.folio[nr - 1] = NO_FOLIO;
        self.0.world.nr_folios = nr as u8 - 1;
        let renumber = |p: &mut u16| {
            let (index, offset) = split_page(*p);
            if index == i {
                *p = page(0, 0);
            } else if index > i && index < MAX_FOLIOS {
                *p = page(index - 1, offset);
            }
        };
        self.each_op(|op| op.run.iter_mut().for_each(|run| renumber(&mut run.page)));
        self.acts_mut()
            .iter_mut()
            .for_each(|act| renumber(&mut act.at_page));
        true
    }

    /// Every operation, including those of the script.
    pub fn each_op(&mut self, mut f: impl FnMut(&mut gd_op)) {
        self.ops_mut().iter_mut().for_each(&mut f);
        self.acts_mut().iter_mut().for_each(|act| f(&mut act.op));
    }

    /// The number of operations, including those of the script.
    pub fn nr_all(&self) -> usize {
        self.nr_ops() + self.nr_acts()
    }

    /// The `i`th of all operations: those of the script come last.
    pub fn any_op_mut(&mut self, i: usize) -> &mut gd_op {
        match i.checked_sub(self.nr_ops()) {
            None => &mut self.0.op[i],
            Some(act) => &mut self.0.act[act].op,
        }
    }

    /// Like [`Program::any_op_mut`], not mutable.
    pub fn any_op(&self, i: usize) -> &gd_op {
        match i.checked_sub(self.nr_ops()) {
            None => &self.0.op[i],
            Some(act) => &self.0.act[act].op,
        }
    }

    /// Adds an operation at the end, unless there are [`MAX_OPS`] already.
    pub fn push_op(&mut self, op: gd_op) -> bool {
        self.insert_op(self.nr_ops(), op)
    }

    /// Adds an operation before the `i`th, unless there are [`MAX_OPS`].
    pub fn insert_op(&mut self, i: usize, op: gd_op) -> bool {
        let nr = self.nr_ops();
        if nr == MAX_OPS || i > nr {
            return false;
        }
        self.0.op.copy_within(i..nr, i + 1);
        self.0.op[i] = op;
        self.0.world.nr_ops = nr as u8 + 1;
        let first = self.acts_range(i).start;
        self.acts_mut()[first..]
            .iter_mut()
            .for_each(|act| act.owner += 1);
        true
    }

    /// Removes the `i`th operation and its actions.
    pub fn remove_op(&mut self, i: usize) -> bool {
        let nr = self.nr_ops();
        if i >= nr {
            return false;
        }
        self.0.op.copy_within(i + 1..nr, i);
        self.0.op[nr - 1] = NO_OP;
        self.0.world.nr_ops = nr as u8 - 1;
        let acts = self.acts_range(i);
        let first = acts.start;
        self.remove_acts(acts);
        self.acts_mut()[first..]
            .iter_mut()
            .for_each(|act| act.owner -= 1);
        true
    }

    /// Adds an action after the other actions of its operation, unless there are
    /// [`MAX_ACTS`] already.
    pub fn push_act(&mut self, act: gd_act) -> bool {
        let nr = self.nr_acts();
        let i = self.acts_range(act.owner.into()).end;
        if nr == MAX_ACTS || usize::from(act.owner) >= self.nr_ops() {
            return false;
        }
        self.0.act.copy_within(i..nr, i + 1);
        self.0.act[i] = act;
        self.0.world.nr_acts = nr as u8 + 1;
        true
    }

    /// Removes actions.
    pub fn remove_acts(&mut self, range: Range<usize>) {
        let nr = self.nr_acts();
        let (start, end) = (range.start.min(nr), range.end.min(nr));
        let left = nr - (end - start);
        self.0.act.copy_within(end..nr, start);
        self.0.act[left..nr].fill(NO_ACT);
        self.0.world.nr_acts = left as u8;
    }

    /// Inserts an operation of a program (this one, possibly an earlier state of it) with
    /// its actions before the `i`th.
    pub fn insert_from(&mut self, i: usize, from: &Program, which: usize) -> bool {
        if !self.insert_op(i, from.ops()[which]) {
            return false;
        }
        for act in from.acts_of(which) {
            self.push_act(gd_act {
                owner: i as u8,
                ..*act
            });
        }
        true
    }

    /// Keeps the first `len` operations.
    pub fn truncate_ops(&mut self, len: usize) {
        let nr = self.nr_ops();
        if len < nr {
            let acts = self.acts_range(len).start..self.nr_acts();
            self.remove_acts(acts);
            self.0.op[len..nr].fill(NO_OP);
            self.0.world.nr_ops = len as u8;
        }
    }
}

/// Page `offset` of folio `index`, as a page operand.
#[inline]
pub const fn page(index: usize, offset: usize) -> u16 {
    (index << abi::GD_RUN_SHIFT) as u16 | (offset as u16 & abi::GD_RUN_OFFSET as u16)
}

/// The folio index and the page offset of a page operand.
#[inline]
pub const fn split_page(page: u16) -> (usize, usize) {
    (
        (page >> abi::GD_RUN_SHIFT) as usize,
        (page & abi::GD_RUN_OFFSET as u16) as usize,
    )
}

/// The page operand that stands for the NULL pointer.
pub const NULL: u16 = page(abi::GD_I_NULL as usize, 0);
/// The page operand that stands for a pointer that faults.
pub const POISON: u16 = page(abi::GD_I_POISON as usize, 0);

impl Default for Program {
    fn default() -> Self {
        Program::EMPTY
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("world", &self.0.world)
            .field("folios", &self.folios())
            .field("ops", &self.ops())
            .field("acts", &self.acts())
            .finish()
    }
}
