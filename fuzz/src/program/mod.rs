// SPDX-License-Identifier: GPL-2.0
//! Programs: a world and a list of operations, as pure data.
//!
//! A [`Program`] is the C side's `struct gd_program`, so that running it needs
//! no translation.  Around it:
//!
//! * [`walk`] has what there is to say about addresses, entries and moments;
//! * [`normalise`] brings any contents into range and into one canonical form;
//! * [`wire`] is the compact form of corpora: every byte string is a program;
//! * [`text`] is the form people write: `.gup` files;
//! * [`generate`] draws programs at random, [`mutate`] changes them.
//!
//! Everything that hands out a program hands out a normalised one.  Code that
//! changes fields calls [`Program::normalise`] before the program runs.

mod draw;
mod fold;
pub mod generate;
pub mod list;
mod maps;
mod model;
pub mod mutate;
pub mod normalise;
pub mod rng;
pub mod text;
mod values;
pub mod walk;
pub mod wire;

use std::fmt;

use csrc::abi::{self, gd_folio, gd_op, gd_program, gd_run, gd_world};

/// Folios of a program, at most.
pub const MAX_FOLIOS: usize = abi::GD_MAX_FOLIOS as usize;
/// Operations of a program, at most.
pub const MAX_OPS: usize = abi::GD_MAX_OPS as usize;
/// Runs of a page list.
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
    when: 0,
    nth: 0,
    pad: 0,
    eflags: 0,
    at_page: 0,
    at_addr: 0,
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
            seq: 0,
        },
        folio: [NO_FOLIO; MAX_FOLIOS],
        op: [NO_OP; MAX_OPS],
    });

    /// The state beside folios.
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

    /// Takes a folio's declaration away; operations on it go to folio 0, those
    /// on later ones follow them.  The last folio cannot be removed.
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
        for op in self.ops_mut() {
            op.run.iter_mut().for_each(|run| renumber(&mut run.page));
            renumber(&mut op.at_page);
        }
        true
    }

    /// Adds an operation at the end, unless there are [`MAX_OPS`] already.
    pub fn push_op(&mut self, op: gd_op) -> bool {
        self.insert_op(self.nr_ops(), op)
    }

    /// Adds an operation before the `i`th, unless there are [`MAX_OPS`]; one
    /// without a moment goes after the attached ones that it would come between.
    pub fn insert_op(&mut self, i: usize, op: gd_op) -> bool {
        let nr = self.nr_ops();
        if nr == MAX_OPS || i > nr {
            return false;
        }
        let i = match op.when {
            0 => self.group_border(i),
            _ => i,
        };
        self.0.op.copy_within(i..nr, i + 1);
        self.0.op[i] = op;
        self.0.world.nr_ops = nr as u16 + 1;
        true
    }

    /// Takes the `i`th operation away, and those that are attached to it.
    pub fn remove_op(&mut self, i: usize) -> bool {
        let nr = self.nr_ops();
        if i >= nr {
            return false;
        }
        let end = match self.0.op[i].when {
            0 => self.group_border(i + 1),
            _ => i + 1,
        };
        let left = nr - (end - i);
        self.0.op.copy_within(end..nr, i);
        self.0.op[left..nr].fill(NO_OP);
        self.0.world.nr_ops = left as u16;
        true
    }

    /// The first place from `i` on that is in no group of an operation and
    /// those attached to it.
    pub fn group_border(&self, i: usize) -> usize {
        let attached = self.ops().iter().skip(i).take_while(|op| op.when != 0);
        i + attached.count()
    }

    /// The operation that the `i`th is attached to, or is.
    pub fn main_op(&self, i: usize) -> usize {
        let before = self.ops()[..=i].iter().rposition(|op| op.when == 0);
        before.unwrap_or(0)
    }

    /// Keeps the first `len` operations.
    pub fn truncate_ops(&mut self, len: usize) {
        let nr = self.nr_ops();
        if len < nr {
            self.0.op[len..nr].fill(NO_OP);
            self.0.world.nr_ops = len as u16;
        }
    }
}

/// The page `offset` of the folio `index`, as operations name it.
#[inline]
pub const fn page(index: usize, offset: usize) -> u16 {
    (index << abi::GD_RUN_SHIFT) as u16 | (offset as u16 & abi::GD_RUN_OFFSET as u16)
}

/// The folio's index and the offset of a page that an operation names.
#[inline]
pub const fn split_page(page: u16) -> (usize, usize) {
    (
        (page >> abi::GD_RUN_SHIFT) as usize,
        (page & abi::GD_RUN_OFFSET as u16) as usize,
    )
}

/// The NULL pointer, where a page is named.
pub const NULL: u16 = page(abi::GD_I_NULL as usize, 0);
/// The pointer that faults, where a page is named.
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
            .finish()
    }
}
