// SPDX-License-Identifier: GPL-2.0
//! The place of a program's folios in the arena, and their initial state.
//!
//! The arena is the same for every side (see `csrc/abi/world.h`): each declared folio has its own
//! slot, chosen by its template, order and index.

use csrc::abi::{self, gd_folio, gd_op, gd_program, gd_run};

use super::folio::{FOLIO_FLAGS, PIN_BIAS, is_device, settle};
use crate::program::split_page;
use crate::rev::Rev;
use crate::trace::PageState;

/// Number of pages in the arena.
pub const NR_PAGES: u32 =
    (abi::GD_NR_TEMPLATES * abi::GD_NR_ORDERS * abi::GD_MAX_FOLIOS) << abi::GD_SLOT_SHIFT;

/// A folio as it exists in the arena, after the fix-ups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Its slot.
    pub slot: u32,
    /// `GD_T_*`.
    pub template: u32,
    /// Order after the fix-ups.
    pub order: u32,
    /// `GD_K_*` after the fix-ups.
    pub kind: u32,
}

impl Placed {
    /// The arena page of the head.
    pub fn head(&self) -> u32 {
        self.slot << abi::GD_SLOT_SHIFT
    }

    /// Number of its pages.
    pub fn nr_pages(&self) -> u32 {
        1 << self.order
    }
}

/// The folios of a program in the arena.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    placed: [Placed; abi::GD_MAX_FOLIOS as usize],
    nr: usize,
    zero: Option<usize>,
    huge_zero: Option<usize>,
}

/// The meaning of a page operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A page of the arena.
    Page(u32),
    /// The NULL pointer.
    Null,
    /// A pointer that faults.
    Poison,
}

fn place(folio: &gd_folio, index: usize) -> Placed {
    let (kind, order) = settle(folio.kind, folio.order);
    let template = if is_device(kind) {
        abi::GD_T_DEVICE
    } else {
        match (folio.movable != 0, folio.exclusive != 0) {
            (false, false) => abi::GD_T_NORMAL,
            (false, true) => abi::GD_T_NORMAL_EXCL,
            (true, false) => abi::GD_T_MOVABLE,
            (true, true) => abi::GD_T_MOVABLE_EXCL,
        }
    };
    let (kind, order) = (u32::from(kind), u32::from(order));
    let slot = (template * abi::GD_NR_ORDERS + order) * abi::GD_MAX_FOLIOS + index as u32;
    Placed {
        slot,
        template,
        order,
        kind,
    }
}

impl Layout {
    /// Places the folios of `prog`.
    pub fn new(prog: &gd_program) -> Self {
        let mut layout = Self {
            nr: usize::from(prog.world.nr_folios).min(abi::GD_MAX_FOLIOS as usize),
            ..Self::default()
        };
        for (i, folio) in prog.folio[..layout.nr].iter().enumerate() {
            let placed = place(folio, i);
            layout.placed[i] = placed;
            match placed.kind {
                abi::GD_K_ZERO if layout.zero.is_none() => layout.zero = Some(i),
                abi::GD_K_HUGE_ZERO if layout.huge_zero.is_none() => layout.huge_zero = Some(i),
                _ => {}
            }
        }
        layout
    }

    /// The folios, by index of declaration.
    #[inline]
    pub fn folios(&self) -> &[Placed] {
        &self.placed[..self.nr]
    }

    /// The folio that is the zero page.
    pub fn zero(&self) -> Option<usize> {
        self.zero
    }

    /// The folio that is the huge zero page.
    pub fn huge_zero(&self) -> Option<usize> {
        self.huge_zero
    }

    /// The declared folio whose slot contains a page, and the offset.
    #[inline]
    pub fn find(&self, page: u32) -> Option<(usize, u32)> {
        let slot = page >> abi::GD_SLOT_SHIFT;
        // the only folio that can have this slot, see `place`
        let index = (slot % abi::GD_MAX_FOLIOS) as usize;
        let found = self.folios().get(index)?.slot == slot;
        found.then_some((index, page & (abi::GD_SLOT_PAGES - 1)))
    }

    /// The page with a folio index and an offset.
    pub fn page(&self, index: usize, offset: u32) -> Operand {
        match index as u32 {
            abi::GD_I_NULL => Operand::Null,
            abi::GD_I_POISON => Operand::Poison,
            _ if self.nr == 0 => Operand::Poison,
            _ => Operand::Page(self.placed[index % self.nr].head() + offset),
        }
    }

    /// The first page of a run.
    pub fn run(&self, run: &gd_run) -> Operand {
        let (index, offset) = split_page(run.page);
        self.page(index, offset as u32)
    }

    /// The page operand of an operation.
    pub fn operand(&self, op: &gd_op) -> Operand {
        self.run(&op.run[0])
    }

    /// The observed state of a page before the first operation.  Slots without a declared
    /// folio hold a folio of their order with refcount 0.
    ///
    /// A revision without pin counts has none at the start either.
    pub fn initial(&self, prog: &gd_program, page: u32, rev: Rev) -> PageState {
        let mut state = PageState {
            page,
            ..PageState::default()
        };
        let slot = page >> abi::GD_SLOT_SHIFT;
        let offset = page & (abi::GD_SLOT_PAGES - 1);
        let order = slot_order(page);
        let template = slot / abi::GD_MAX_FOLIOS / abi::GD_NR_ORDERS;
        if offset >> order != 0 {
            return state;
        }
        if matches!(template, abi::GD_T_NORMAL_EXCL | abi::GD_T_MOVABLE_EXCL) {
            state.flags |= 1 << abi::GD_F_ANON_EXCLUSIVE;
        }
        if offset != 0 {
            state.tail = true;
            return state;
        }
        if order > 0 {
            state.flags |= 1 << abi::GD_F_HEAD;
        }
        if let Some((index, _)) = self.find(page) {
            let folio = &prog.folio[index];
            state.refcount = folio.ref_;
            state.flags |= folio.flags & FOLIO_FLAGS;
            state.mapping = folio.mapping;
            if rev.has_pincount(order) {
                state.pincount = folio.pin;
            }
        }
        state.pinned = maybe_dma_pinned(&state, rev.has_pincount(order));
        state
    }
}

/// The initial order of the folio in a page's slot.
#[inline]
pub fn slot_order(page: u32) -> u32 {
    (page >> abi::GD_SLOT_SHIFT) / abi::GD_MAX_FOLIOS % abi::GD_NR_ORDERS
}

/// Do the counts of a head or small page mean that it may be pinned, with or without a pin
/// count?
#[inline]
pub fn maybe_dma_pinned(state: &PageState, has_pincount: bool) -> bool {
    if has_pincount {
        state.pincount > 0
    } else {
        state.refcount as u32 >= PIN_BIAS as u32
    }
}
