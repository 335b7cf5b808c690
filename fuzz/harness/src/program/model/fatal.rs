// SPDX-License-Identifier: GPL-2.0
//! Which operations are expected to end a program, or to have no effect.

use csrc::abi::{self, gd_op};

use super::{FolioModel, Model};
use crate::effect::{By, Effect, Of, Part, What};
use crate::ops::{self, OpInfo};
use crate::program::MAX_FOLIOS;
use crate::program::list::{self, Entry};
use crate::program::walk::{self, Level, PAGE_SIZE};
use crate::rev::Fact;

/// Pages of device memory that can be taken one by one before the step limit.
const STEPS: i32 = abi::GD_STEP_LIMIT as i32 / 2;

impl Model {
    /// Whether the operation is expected to end the program.
    pub fn is_fatal(&mut self, op: &gd_op) -> bool {
        if walk::is_call(op.op) {
            return self.is_fatal_call(op);
        }
        let Some(info) = ops::info(op.op).filter(|info| !info.is_change) else {
            return false;
        };
        if info.has(abi::GD_S_LIST) {
            return self.is_fatal_list(op, info);
        }
        if !info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
            return false;
        }
        let Entry::Page { index, offset } = Entry::first(op.run[0].page) else {
            return true;
        };
        let debug_vm = self.debug_vm;
        let (devmap_key, rev) = (self.devmap_key, self.rev);
        let seq = self.seq;
        let is_page = info.has(abi::GD_S_PAGE);
        let g = &mut self.folio[index % MAX_FOLIOS];
        let refs = g.refs_at(offset).map_or(0, |refs| *refs);
        match info.effect {
            Effect::Takes { of: Of::Held, .. } => debug_vm && (-127..=0).contains(&refs),
            Effect::Gives {
                what: What::Ref,
                by: By::One,
                ..
            } => {
                let managed = devmap_key && g.is_fsdax();
                debug_vm && refs == 0 && !(managed && is_page)
            }
            Effect::Gives {
                what: What::Pin,
                by: By::One,
                ..
            } => is_page && debug_vm && rev.has(Fact::SanityCheck) && g.is_shared_anon(),
            Effect::Gives { by: By::Range, .. } => {
                op.n < 0 || op.n as usize > g.nr_pages() + abi::GD_SLOT_PAGES as usize
            }
            Effect::Asks(_) if u32::from(op.op) == abi::GD_OP_NEEDS_COW_FOR_DMA => {
                debug_vm && seq & 1 == 0
            }
            Effect::Asks(_)
            | Effect::Takes { .. }
            | Effect::Gives { .. }
            | Effect::Marks
            | Effect::Walks { .. }
            | Effect::Faults { .. }
            | Effect::PinsFile
            | Effect::Sets(_) => false,
        }
    }

    fn is_fatal_list(&self, op: &gd_op, info: &OpInfo) -> bool {
        let dirty = u32::from(op.mods) & abi::GD_MOD_DIRTY != 0;
        let npages = list::npages(op);
        let asks = matches!(info.effect, Effect::Asks(_));
        // Functions that anybody may call check their arguments.
        let looks = info.effect.is_for_anybody();
        let checks_errno = self.rev.has(Fact::ListsRefuseErrno) && looks && !dirty;
        if npages > list::len(op) as u64 {
            return !(checks_errno && npages as i64 >= -4095 && (npages as i64) < 0);
        }
        let sanity = self.debug_vm
            && self.rev.has(Fact::SanityCheck)
            && (asks || looks && info.effect.by() == Some(By::List));
        // a function that skips NULL entries does not skip one that follows a page
        let skips_null = self.rev.has(Fact::ListsSkipNull);
        let mut null_is_fatal = !skips_null || !checks_errno && !asks;
        let mut left = npages;
        for run in &op.run {
            if left == 0 || run.len == 0 {
                break;
            }
            left = left.saturating_sub(u64::from(run.len));
            match Entry::first(run.page) {
                Entry::Poison => return true,
                Entry::Null if null_is_fatal => return true,
                Entry::Null => {}
                Entry::Page { index, offset } => {
                    null_is_fatal |= !asks;
                    let g = &self.folio[index % MAX_FOLIOS];
                    if sanity && offset < g.nr_pages() && g.is_shared_anon() {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether the operation is expected to have no effect: worth trying, but not often.
    pub fn is_dull(&mut self, op: &gd_op) -> bool {
        if walk::is_call(op.op) {
            return !self.takes(op);
        }
        let Entry::Page { index, offset } = Entry::first(op.run[0].page) else {
            return false;
        };
        let devmap_key = self.devmap_key;
        let g = &mut self.folio[index % MAX_FOLIOS];
        match ops::info(op.op).map(|info| info.effect) {
            Some(Effect::Takes {
                of: Of::Positive, ..
            }) => g.refs_at(offset).is_none_or(|refs| *refs <= 0),
            Some(Effect::Sets(Part::Split)) => g.order_now() == 0,
            Some(Effect::Sets(Part::Merge)) => g.split.is_none(),
            _ => match u32::from(op.op) {
                abi::GD_OP_PUT_DEVMAP_MANAGED => !devmap_key || !g.is_fsdax(),
                abi::GD_OP_CLEAR_FLAG => offset != 0 || g.flags & 1 << op.arg == 0,
                _ => false,
            },
        }
    }

    /// Whether a call is expected to end the program when it stores pages; the walk itself
    /// just stops at entries that it does not accept.
    fn is_fatal_call(&self, op: &gd_op) -> bool {
        let Some(hit) = self.maps.hit(op.addr) else {
            return false;
        };
        if !self.grabs(op, &hit) {
            return false;
        }
        let null = u32::from(op.mods) & abi::GD_MOD_NULL != 0;
        // Without a count the loop over the pages of a leaf does not end.
        let endless = op.n == 0 && hit.level != Level::Pte;
        let far = op.n > STEPS && u32::from(hit.eflags) & 1 << abi::GD_EF_DEVMAP != 0;
        null && !walk::is_pin(op.op) || endless || far || self.pins_what_is_shared(op)
    }

    /// Whether DEBUG_VM has a BUG for a page that a walk pins.
    fn pins_what_is_shared(&self, op: &gd_op) -> bool {
        if !self.debug_vm || !self.rev.has(Fact::SanityCheck) || !walk::is_pin(op.op) {
            return false;
        }
        let pages = (0..op.n.clamp(1, 16) as u64).map(|i| op.addr.wrapping_add(i * PAGE_SIZE));
        let hits = pages.map_while(|addr| self.maps.hit(addr));
        hits.take_while(|hit| self.grabs(op, hit)).any(|hit| {
            hit.page
                .and_then(|page| self.folio_of(page))
                .is_some_and(FolioModel::is_shared_anon)
        })
    }
}
