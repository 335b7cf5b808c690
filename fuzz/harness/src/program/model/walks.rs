// SPDX-License-Identifier: GPL-2.0
//! What walks of page tables are expected to find and to take.

use csrc::abi::{self, gd_op};

use super::Model;
use crate::effect::{self, By, Moves, What};
use crate::ops;
use crate::program::walk::{self, PAGE_SIZE, TASK_SIZE_MAX};
use crate::program::{MAX_FOLIOS, page, split_page};
use crate::rev::Fact;
use crate::world::maps::Hit;
use crate::world::pkey;

impl Model {
    /// Whether a call is expected to take a page.
    pub fn takes(&self, op: &gd_op) -> bool {
        let odd = u32::from(op.mods) & (abi::GD_MOD_RAW | abi::GD_MOD_NULL) != 0;
        let refused = odd
            || op.n < 0
            || op.addr >= TASK_SIZE_MAX
            || op.foll & !walk::CALL_FLAGS != 0
            || walk::is_pin(op.op) && self.seq & 1 != 0;
        let hit = self.maps.hit(op.addr);
        !refused && hit.is_some_and(|hit| self.grabs(op, &hit))
    }

    /// Whether the walk takes a page.
    pub(super) fn grabs(&self, op: &gd_op, hit: &Hit) -> bool {
        let entry = |flag: u32| u32::from(hit.eflags) & 1 << flag != 0;
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let (write, longterm) = (foll(abi::GD_FOLL_WRITE), foll(abi::GD_FOLL_LONGTERM));
        let Some(g) = hit.page.and_then(|page| self.folio_of(page)) else {
            return false;
        };
        let blocked = entry(abi::GD_EF_ABSENT)
            || entry(abi::GD_EF_KERNEL)
            || write && !entry(abi::GD_EF_RW)
            || !pkey::allows(
                self.pkru,
                pkey::key(hit.eflags.into(), pkey::OF_ENTRY),
                write,
            )
            || longterm && (entry(abi::GD_EF_DEVMAP) || walk::is_pin(op.op) && g.shortterm)
            || entry(abi::GD_EF_SPECIAL) && !entry(abi::GD_EF_DEVMAP);
        let unshared = !walk::is_pin(op.op) || entry(abi::GD_EF_RW) || !g.is_shared_anon();
        let mapping = u32::from(g.mapping);
        let secret = mapping == abi::GD_M_SECRETMEM;
        let reserved = self.rev.has(Fact::WalkLeavesFiles)
            && !g.is_anon()
            && (walk::is_pin(op.op) && longterm && !(write && mapping == abi::GD_M_SHMEM)
                || g.order == 0 && mapping == abi::GD_M_NONE);
        !blocked && unshared && !secret && !reserved && g.refs > 0
    }

    /// Takes the pages that the walk is expected to take; what becomes of that
    /// when something happens meanwhile is not guessed at.
    pub(super) fn apply_call(&mut self, op: &gd_op) {
        if !self.takes(op) {
            return;
        }
        let start = op.addr & !(PAGE_SIZE - 1);
        let count = if op.n == 0 { 8 } else { op.n.min(512) };
        let (mut first, mut len) = (0, 0);
        for i in 0..count as u64 {
            let hit = self.maps.hit(start + i * PAGE_SIZE);
            let Some(hit) = hit.filter(|hit| self.grabs(op, hit)) else {
                break;
            };
            let next = hit.page.unwrap_or(0);
            let (index, offset) = split_page(first);
            if len > 0 && next == page(index, offset + len as usize) {
                len += 1;
                continue;
            }
            self.take(first, len, walk::is_pin(op.op), 1);
            (first, len) = (next, 1);
        }
        self.take(first, len, walk::is_pin(op.op), 1);
    }

    /// The same world, with what an mm sees of page tables and VMAs.
    pub fn seen_by(&self, mm: u8) -> Model {
        let mut model = self.clone();
        model.maps.look_at(mm);
        model.vmas = model.vmas.of(mm);
        model
    }

    /// Whether what fast entry points leave goes to the real slow path.
    pub fn falls_back(&self) -> bool {
        self.slow
    }

    /// Whether a call can come to the real slow path.
    pub fn is_slow(&self, op: &gd_op) -> bool {
        walk::comes_to_slow_path(op.op, self.slow)
    }

    /// Whether there is a VMA at an address, and it permits the access.
    pub fn permits(&self, op: &gd_op, addr: u64) -> bool {
        let vmas = self.vmas.of(op.mm);
        let remote = ops::info(op.op).is_some_and(|info| info.has(abi::GD_S_MM));
        let foll = op.foll | u32::from(remote) << abi::GD_FOLL_REMOTE;
        vmas.at(addr)
            .is_some_and(|vma| vma.permits(foll) && vma.key_permits(foll, self.pkru))
    }

    /// Whether the slow path finds a page at an address as the access needs it, so
    /// that there is no fault.
    pub fn is_there(&self, op: &gd_op, addr: u64) -> bool {
        let foll = |flag: u32| op.foll & 1 << flag != 0;
        let Some(hit) = self.maps.hit_of(op.mm, addr) else {
            return false;
        };
        let entry = |flag: u32| u32::from(hit.eflags) & 1 << flag != 0;
        let Some(g) = hit.page.and_then(|page| self.folio_of(page)) else {
            return false;
        };
        let vmas = self.vmas.of(op.mm);
        let vma = vmas.at(addr);
        let forced = foll(abi::GD_FOLL_FORCE) && vma.is_some_and(|vma| vma.is_forced());
        let writable = entry(abi::GD_EF_RW) || forced && g.is_anon() && !g.is_shared_anon();
        let blocked = entry(abi::GD_EF_ABSENT)
            || foll(abi::GD_FOLL_WRITE) && !writable
            || walk::is_pin(op.op) && !entry(abi::GD_EF_RW) && g.is_shared_anon();
        !blocked && g.refs > 0
    }

    /// Takes the pages that the slow path is expected to take, after all faults.
    pub(super) fn apply_slow(&mut self, op: &gd_op, what: What, by: By) {
        let null = u32::from(op.mods) & abi::GD_MOD_NULL != 0;
        let start = op.addr & !(PAGE_SIZE - 1);
        let count = match effect::moves(what, op, self.rev) {
            Moves::Nothing | Moves::Unknown => 0,
            Moves::Refs | Moves::Pins if null && by == By::N => 0,
            Moves::Refs | Moves::Pins => self.number(by, op).clamp(0, 16),
        };
        for addr in (0..count as u64).map(|i| start.wrapping_add(i * PAGE_SIZE)) {
            let permits = self.permits(op, addr);
            let hit = self.maps.hit_of(op.mm, addr);
            let hit = hit.filter(|_| self.is_there(op, addr));
            let Some(page) = hit.and_then(|hit| hit.page).filter(|_| permits) else {
                return;
            };
            let longterm = op.foll & 1 << abi::GD_FOLL_LONGTERM != 0;
            if longterm && self.folio_of(page).is_some_and(|g| g.shortterm) {
                return;
            }
            self.take(page, 1, walk::is_pin(op.op), 1);
        }
    }

    /// Takes the folios of a file that memfd_pin_folios() is expected to pin.
    pub(super) fn apply_file(&mut self, op: &gd_op) {
        let end = op.addr.saturating_add(op.n.max(0) as u64 * PAGE_SIZE);
        let mut offset = op.addr & !(PAGE_SIZE - 1);
        let mut found = Vec::new();
        while offset < end && (found.len() as i64) < i64::from(op.val.min(16)) {
            let Some(part) = self.cache.part(offset) else {
                return;
            };
            found.push(part.index);
            offset = part.end;
        }
        let shortterm = |&index: &usize| self.folio[index % MAX_FOLIOS].shortterm;
        let is_memfd = matches!(u32::from(op.arg), abi::GD_FD_SHMEM | abi::GD_FD_HUGETLB);
        if is_memfd && !found.iter().any(shortterm) {
            for index in found {
                self.take(page(index, 0), 1, true, 1);
            }
        }
    }
}
