// SPDX-License-Identifier: GPL-2.0
//! Follows the last known state of every page along a trace.
//!
//! Traces only record changes, but laws, comparison and reports need the previous state of
//! a page.  The cost depends on the touched pages only, so it can be reused for every
//! program.

use std::collections::HashMap;

use csrc::abi::{self, gd_op, gd_program, gd_rec};

use super::folio::is_device_page;
use super::layout::{self, Layout, NR_PAGES, Operand};
use crate::rev::{Fact, Rev};
use crate::trace::PageState;

const DENSE: usize = (abi::GD_MAX_FOLIOS * abi::GD_SLOT_PAGES) as usize;

/// The last PAGE record of a page in a declared folio's slot, valid in this epoch.  Many
/// are stored and few are read, so it stays packed.
#[derive(Clone, Copy)]
struct Known {
    epoch: u32,
    rec: gd_rec,
}

const UNKNOWN: Known = Known {
    epoch: 0,
    rec: gd_rec {
        kind: 0,
        a: 0,
        b: 0,
        c: 0,
        d: 0,
    },
};

/// Page states, by arena page number.
pub struct Pages {
    layout: Layout,
    rev: Rev,
    /// The first pages of the slots of declared folios.
    heads: [PageState; abi::GD_MAX_FOLIOS as usize],
    /// Is a declared folio unchanged: neither split nor merged?
    whole: [bool; abi::GD_MAX_FOLIOS as usize],
    epoch: u32,
    /// The other pages of these slots.
    dense: Vec<Known>,
    others: HashMap<u32, PageState>,
    bits: u8,
}

/// The index of a page in a declared folio's slot.
fn dense_index(index: usize, offset: u32) -> usize {
    index << abi::GD_SLOT_SHIFT | offset as usize
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            layout: Layout::default(),
            // no side yet: start() sets them
            rev: Rev::Series(0),
            heads: [PageState::default(); abi::GD_MAX_FOLIOS as usize],
            whole: [false; abi::GD_MAX_FOLIOS as usize],
            epoch: 0,
            dense: vec![UNKNOWN; DENSE],
            others: HashMap::new(),
            bits: 0,
        }
    }
}

impl Pages {
    /// Sets the state before the first operation of `prog` on a side of that revision.
    pub fn start(&mut self, prog: &gd_program, rev: Rev) {
        self.rev = rev;
        self.layout = Layout::new(prog);
        self.others.clear();
        self.bits = prog.world.state & (abi::GD_W_ALL & !abi::GD_W_REAL_SLOW_PATH) as u8;
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.dense.fill(UNKNOWN);
            self.epoch = 1;
        }
        for (i, folio) in self.layout.folios().iter().enumerate() {
            self.heads[i] = self.layout.initial(prog, folio.head(), rev);
            self.whole[i] = true;
        }
    }

    /// The layout of the program's folios.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The revision of the side.
    pub fn rev(&self) -> Rev {
        self.rev
    }

    /// The bits `GD_W_*` of the last STATE record.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// Records a new state of the world outside of pages.
    pub fn set_bits(&mut self, bits: u8) {
        self.bits = bits;
    }

    /// The last known state of a page.
    #[inline]
    pub fn get(&self, prog: &gd_program, page: u32) -> PageState {
        match self.layout.find(page) {
            Some((index, 0)) => self.heads[index],
            Some((index, offset)) => {
                let known = &self.dense[dense_index(index, offset)];
                match known.epoch == self.epoch {
                    true => PageState::from_rec(&known.rec),
                    false => self.layout.initial(prog, page, self.rev),
                }
            }
            None => match self.others.get(&page) {
                Some(state) => *state,
                None => self.layout.initial(prog, page, self.rev),
            },
        }
    }

    /// Records a new state of a page: a PAGE record.
    #[inline]
    pub fn note(&mut self, rec: &gd_rec) {
        let Some((index, offset)) = self.layout.find(PageState::page_of(rec)) else {
            return self.note_other(rec);
        };
        let order = self.layout.folios()[index].order;
        let in_folio = offset >> order == 0;
        let declared = match offset {
            0 => (false, order > 0),
            _ => (in_folio, false),
        };
        self.whole[index] &= PageState::compound_of(rec) == declared;
        if offset == 0 {
            self.heads[index] = PageState::from_rec(rec);
        } else {
            self.dense[dense_index(index, offset)] = Known {
                epoch: self.epoch,
                rec: *rec,
            };
        }
    }

    #[cold]
    fn note_other(&mut self, rec: &gd_rec) {
        let state = PageState::from_rec(rec);
        self.others.insert(state.page, state);
    }

    /// Applies the records of an operation.
    pub fn apply(&mut self, recs: &[gd_rec]) {
        for rec in recs {
            match u32::from(rec.kind) {
                abi::GD_R_PAGE => self.note(rec),
                abi::GD_R_STATE => self.bits = rec.a,
                _ => {}
            }
        }
    }

    /// The head of the folio that a page belongs to.
    pub fn head(&self, prog: &gd_program, page: u32) -> u32 {
        // usually the folio's order is unchanged
        let order = match self.layout.find(page) {
            Some((index, _)) if self.whole[index] => Some(self.layout.folios()[index].order),
            None if self.others.is_empty() => Some(layout::slot_order(page)),
            _ => None,
        };
        if let Some(order) = order {
            let offset = page & (abi::GD_SLOT_PAGES - 1);
            return match offset >> order {
                0 => page - offset,
                _ => page,
            };
        }
        if !self.get(prog, page).tail {
            return page;
        }
        (1..abi::GD_NR_ORDERS)
            .map(|order| page >> order << order)
            .find(|head| self.get(prog, *head).is_large())
            .unwrap_or(page)
    }

    /// The heads of several pages; faster than [`Pages::head`] for neighbours.
    pub fn heads<'a>(
        &'a self,
        prog: &'a gd_program,
        pages: impl Iterator<Item = u32> + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        let mut last = None;
        pages.map(move |page| {
            let head = match last {
                Some((before, head)) if page == before + 1 && self.continues(prog, page, head) => {
                    head
                }
                _ => self.head(prog, page),
            };
            last = Some((page, head));
            head
        })
    }

    /// Whether [`Pages::head`] gives the same result for a page as for the one before it.
    fn continues(&self, prog: &gd_program, page: u32, head: u32) -> bool {
        let state = self.get(prog, page);
        let order = u32::BITS - (page ^ head).leading_zeros();
        let is_found = order < abi::GD_NR_ORDERS && page >> order << order == head;
        state.tail && !state.is_large() && is_found && self.get(prog, head).is_large()
    }

    /// Is a page a head with a pin count?
    #[inline]
    pub fn has_pincount(&self, prog: &gd_program, head: &PageState) -> bool {
        if head.tail || !head.is_large() || !self.rev.has(Fact::Pincount) {
            return false;
        }
        // then the folio has a third page
        let third = head.page + 2;
        self.rev.has(Fact::PincountOfAll)
            || third < NR_PAGES && self.get(prog, third).tail && self.head(prog, third) == head.page
    }

    /// Number of pages of a folio from an operand's page on.
    pub fn left_in_folio(&self, prog: &gd_program, op: &gd_op, head: &PageState) -> i32 {
        let Operand::Page(page) = self.layout.operand(op) else {
            return 1;
        };
        if !head.is_large() {
            return 1;
        }
        // tails of ZONE_DEVICE folios are replaced by the head
        let page = if is_device_page(page) {
            head.page
        } else {
            page
        };
        // a split or a merge may have changed the order
        let is_last = |last: u32| {
            self.get(prog, last).tail
                && last & (abi::GD_SLOT_PAGES - 1) != 0
                && self.head(prog, last) == head.page
        };
        let last = (0..abi::GD_NR_ORDERS)
            .rev()
            .map(|order| head.page + (1 << order) - 1)
            .find(|last| is_last(*last));
        (last.unwrap_or(head.page) + 1).saturating_sub(page).max(1) as i32
    }

    /// The head of a page operand's folio; `None` for pointers that fault.
    pub fn operand_head(&self, prog: &gd_program, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Page(page) if page < NR_PAGES => Some(self.head(prog, page)),
            _ => None,
        }
    }
}
