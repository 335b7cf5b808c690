// SPDX-License-Identifier: GPL-2.0
//! Draws what happens to a page that is there before it is pinned: it is migrated, it or
//! the PMD is split; what a memfd lacks is allocated.

use csrc::abi::{self, gd_op};

use super::super::super::rng::Rng;
use super::super::super::walk::{self, ADDR_MASK, Level, PAGE_SIZE};
use super::super::super::{NO_OP, page, split_page};
use super::super::{answer, bit, memfd};
use super::{Plan, mapped};

impl Plan<'_> {
    /// Moves the page at an address, or splits what maps it, if the call asks for that.
    pub(super) fn migrates(&mut self, rng: &mut Rng, addr: u64) {
        let hit = self.model.maps.hit(addr);
        let huge = hit.is_some_and(|hit| hit.level == Level::Pmd);
        if self.foll(abi::GD_FOLL_SPLIT_PMD) && huge && rng.chance(3, 4) {
            self.pmd_becomes_table(rng, abi::GD_HOOK_SPLIT, addr);
        }
        if self.foll(abi::GD_FOLL_SPLIT)
            && let Some(p) = hit.and_then(|hit| hit.page)
            && rng.chance(3, 4)
        {
            self.page_is_split(rng, huge, addr, p);
        }
        let longterm = self.foll(abi::GD_FOLL_LONGTERM) && walk::is_pin(self.main.op);
        let folio = hit.and_then(|hit| hit.page).map(|p| split_page(p).0);
        self.moves(rng, addr, folio, longterm);
    }

    /// A table stands where a PMD was, with an entry for the address.
    fn pmd_becomes_table(&mut self, rng: &mut Rng, hook: u32, addr: u64) {
        let mut below = mapped(rng, &self.model, self.main, addr, true);
        below.op = Level::Pte.set_op();
        let table = gd_op {
            op: Level::Pmd.set_op(),
            addr: addr & ADDR_MASK,
            entry: abi::GD_E_TABLE as u8,
            n: 1,
            ..NO_OP
        };
        self.at(hook, 1, below);
        self.at(hook, 1, table);
    }

    /// The folio of a page is split, and what maps it with it; or somebody holds it.
    fn page_is_split(&mut self, rng: &mut Rng, huge: bool, addr: u64, p: u16) {
        let hook = abi::GD_HOOK_SPLIT_PAGE;
        if huge {
            self.pmd_becomes_table(rng, hook, addr);
        }
        let mut split = gd_op {
            op: abi::GD_OP_SPLIT as u8,
            val: 2,
            n: rng.range(1, 2),
            ..NO_OP
        };
        split.run[0].page = page(split_page(p).0, 0);
        self.at(hook, 1, split);
        self.at(hook, 1, answer(if rng.chance(1, 6) { -16 } else { 0 }));
    }

    /// What a memfd lacks is allocated; what must not be pinned for long is moved.
    pub(super) fn memfd(&mut self, rng: &mut Rng) {
        let offset = self.main.addr & !(PAGE_SIZE - 1);
        match self.model.cache.at(offset) {
            None => {
                let set = memfd::set(rng, &self.model, offset);
                self.at(abi::GD_HOOK_ALLOC_FOLIO, 1, set);
                let errno = if rng.chance(1, 6) { -17 } else { 0 };
                self.at(abi::GD_HOOK_ALLOC_FOLIO, 1, answer(errno));
            }
            Some(index) if rng.chance(1, 2) => self.moves(rng, offset, Some(index), true),
            Some(_) => {}
        }
        if rng.chance(1, 6) {
            let set = memfd::set(rng, &self.model, offset);
            self.at(abi::GD_HOOK_FIND_FOLIOS, rng.range(1, 2) as u8, set);
        }
    }

    /// Migrates a folio, if it must not be pinned long-term and the call pins it so.
    fn moves(&mut self, rng: &mut Rng, addr: u64, folio: Option<usize>, longterm: bool) {
        let model = folio.and_then(|index| Some((index, self.model.folio.get(index)?)));
        let Some((index, g)) = model.filter(|(_, g)| longterm && g.shortterm) else {
            return;
        };
        if u32::from(g.kind) == abi::GD_K_DEV_COHERENT {
            if rng.chance(1, 2) {
                let op = mapped(rng, &self.model, self.main, addr, true);
                self.at(abi::GD_HOOK_MIGRATE_DEVICE, 1, op);
                self.at(abi::GD_HOOK_MIGRATE_DEVICE, 1, answer(0));
            }
            return;
        }
        if g.flags & bit(abi::GD_F_LRU) == 0 && rng.chance(1, 2) {
            let mut lru = gd_op {
                op: abi::GD_OP_SET_FLAG as u8,
                arg: abi::GD_F_LRU as u16,
                ..NO_OP
            };
            lru.run[0].page = page(index, 0);
            let nth = rng.range(1, 2) as u8;
            self.at(abi::GD_HOOK_DRAIN, nth, lru);
        }
        match rng.weighted(&[24, 6, 5, 4, 3]) {
            0 => {
                let op = mapped(rng, &self.model, self.main, addr, true);
                self.at(abi::GD_HOOK_MIGRATE, 1, op);
                self.at(abi::GD_HOOK_MIGRATE, 1, answer(0));
            }
            // the call reads the same entry again
            1 => self.at(abi::GD_HOOK_MIGRATE, 1, answer(0)),
            2 => self.at(
                abi::GD_HOOK_MIGRATE,
                1,
                answer(rng.pick(&[-12, -11, -16, 2])),
            ),
            3 => self.at(abi::GD_HOOK_ISOLATE, 1, answer(0)),
            _ => {}
        }
    }
}
