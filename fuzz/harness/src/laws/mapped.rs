// SPDX-License-Identifier: GPL-2.0
//! The model of the page tables during a call: which pages they mapped, and how.
//!
//! The ACT records say what other CPUs changed during the call.  A page was mapped at some
//! time during the call if the tables mapped it before, or after one of these changes.  This
//! does not hold for changed entries that the walk does not read a second time.

use csrc::abi::{self, gd_rec};

use super::Law;
use super::op::{Check, Op};
use super::rules::require;
use super::walk::{Call, PAGE_SHIFT};
use crate::program::Program;
use crate::program::walk::Level;
use crate::rev::{Fact, Rev};
use crate::world::entry::{Entry, Leaf};
use crate::world::layout::NR_PAGES;
use crate::world::pages::Pages;
use crate::world::pkey;
use crate::world::tables::Tables;

/// How the tables mapped the returned pages, over the whole call.
#[derive(Default)]
pub(super) struct Seen {
    /// `pages[]`, by page number.
    entries: Vec<u32>,
    /// Whether each was mapped, and whether it was for the access.
    mapped: Vec<(bool, bool)>,
    /// PKRU.
    pkru: u32,
    /// Whether the tables are known.
    claims: bool,
    /// Whether they may differ from the kernel's from now on: it clears entries that it
    /// considers bad.
    doubt: bool,
}

impl Seen {
    /// The state before any record of an operation.
    fn start(&mut self, recs: &[gd_rec], prog: &Program) {
        self.pkru = prog.world().pkru;
        let entries = recs.iter();
        let entries = entries.filter(|rec| u32::from(rec.kind) == abi::GD_R_ENTRY);
        self.entries.clear();
        self.entries.extend(entries.map(|rec| rec.c));
        self.mapped.clear();
        self.mapped.resize(self.entries.len(), (false, false));
        self.claims = !self.doubt;
    }

    /// Resets it at the start of a program.
    pub(super) fn forget(&mut self) {
        self.doubt = false;
    }

    /// Notes that an entry above PTE level changed while the slow path was reading.
    pub(super) fn doubt(&mut self) {
        (self.doubt, self.claims) = (true, false);
    }

    /// `pages[]`, by page number.
    pub(super) fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Whether the tables certainly equal the kernel's.
    pub(super) fn claims(&self) -> bool {
        self.claims
    }

    /// Whether some entry is not a page.
    pub(super) fn has_nowhere(&self) -> bool {
        self.entries.contains(&abi::GD_NOWHERE)
    }

    /// Whether an entry was mapped for the access.
    pub(super) fn is_permitted(&self, i: usize) -> bool {
        self.mapped[i].1
    }

    /// The page of an entry, if it is one of the program's.
    pub(super) fn page(&self, i: usize) -> Option<u32> {
        Some(self.entries[i]).filter(|page| *page < NR_PAGES)
    }

    /// An entry was mapped at its address, with any flags.
    pub(super) fn was_mapped(&self, call: &Call, i: usize, law: Law) -> Check {
        require(self.mapped[i].0, law, self.page(i), || {
            format!(
                "pages[{i}] is not what was mapped at {:#x} at any time during the call",
                call.addr(i)
            )
        })
    }

    /// Adds the pages that the tables map now.
    fn look(&mut self, call: &Call, rev: Rev, tables: &Tables) {
        let mut walker = tables.walker();
        // Neighbours mostly have the same flags.
        let mut last: Option<(Leaf, bool)> = None;
        let all = self.entries.iter().zip(&mut self.mapped);
        for ((page, (mapped, allowed)), i) in all.zip(0..) {
            if *mapped && *allowed {
                continue;
            }
            let addr = call.addr(i);
            let leaf = walker.walk(addr);
            let number = leaf.page(addr).map(|page| match page < NR_PAGES {
                true => page,
                false => abi::GD_NOWHERE,
            });
            if number == Some(*page) {
                let is_allowed = match last {
                    Some((other, is_allowed)) if leaf.has_flags_of(other) => is_allowed,
                    _ => permitted(leaf, call, rev, self.pkru),
                };
                last = Some((leaf, is_allowed));
                *mapped = true;
                *allowed |= is_allowed;
            }
        }
    }
}

/// Applies the changes during the call to the tables, and fills `seen`.  Returns whether
/// the range has a block that extends beyond a folio: its references are all taken on the
/// first page's folio, and dropped on each page's.
pub(super) fn follow(
    op: &Op,
    call: &Call,
    pages: &Pages,
    tables: &mut Tables,
    seen: &mut Seen,
    prog: &Program,
) -> bool {
    seen.start(op.parts.entries, prog);
    tables.look_at(op.op.mm);
    let mut beyond = false;
    let mut look = |seen: &mut Seen, tables: &Tables| {
        beyond |= goes_past_a_folio(call, op.rev, pages, tables, prog);
        seen.look(call, op.rev, tables);
    };
    look(seen, tables);
    let mut pmds = 0;
    for i in op.done {
        let levels = tables.apply(&prog.acts()[*i].op, pages.layout());
        if levels == 0 {
            continue;
        }
        let has = |level: Level| u32::from(levels) & 1 << level as u32 != 0;
        // The walk reads these once, and a PMD may have been something else in between.
        pmds += u32::from(has(Level::Pmd));
        seen.claims &= !has(Level::Pud) && !has(Level::Pgd) && pmds < 2;
        look(seen, tables);
    }
    beyond
}

/// Whether an entry is marked as device memory.
fn is_device_entry(entry: &Entry, rev: Rev) -> bool {
    entry.has(abi::GD_EF_DEVMAP) && rev.has(Fact::WalkDeviceEntries)
}

fn permitted(leaf: Leaf, call: &Call, rev: Rev, pkru: u32) -> bool {
    let has = |flag| leaf.entry.has(flag);
    if call.slow {
        // the VMA permits the rest
        return !call.asks_for(abi::GD_FOLL_WRITE) || has(abi::GD_EF_RW);
    }
    if has(abi::GD_EF_ABSENT) || has(abi::GD_EF_KERNEL) {
        return false;
    }
    let write = call.asks_for(abi::GD_FOLL_WRITE);
    let key = pkey::key(leaf.entry.flags.into(), pkey::OF_ENTRY);
    if write && !has(abi::GD_EF_RW) || !pkey::allows(pkru, key, write) {
        return false;
    }
    let device = is_device_entry(&leaf.entry, rev);
    if device && call.asks_for(abi::GD_FOLL_LONGTERM) {
        return false;
    }
    match leaf.level {
        Level::Pte => !has(abi::GD_EF_SPECIAL) || device,
        _ => !has(abi::GD_EF_SPECIAL) || !rev.has(Fact::WalkSpecialBlocks),
    }
}

fn goes_past_a_folio(
    call: &Call,
    rev: Rev,
    pages: &Pages,
    tables: &Tables,
    prog: &Program,
) -> bool {
    // For the slow path a negative number is a large one.
    let nr = match call.nr {
        ..0 if call.slow => i32::MAX,
        nr => nr.max(0),
    };
    let end = call.start.saturating_add((nr as u64) << PAGE_SHIFT);
    tables.blocks().any(|(level, addr, entry)| {
        let first = addr.max(call.start);
        let last = (addr + level.size()).min(end);
        // The lockless walk grabs pages of device memory one by one.
        if first >= last || !call.slow && is_device_entry(&entry, rev) {
            return false;
        }
        let leaf = Leaf { level, entry };
        let head = |addr| {
            let page = leaf.page(addr).filter(|page| *page < NR_PAGES);
            page.map(|page| pages.head(&prog.0, page))
        };
        // The grab is of the first page in the range, or of the block's first page; the
        // slow path may do either.
        let by_block =
            call.slow || rev.has(Fact::WalkGrabbedBlocks) || rev.has(Fact::WalkGrabsBlocks);
        let grabbed = head(match by_block {
            true => addr,
            false => first,
        });
        grabbed.is_none() || grabbed != head(first) || grabbed != head(last - 1)
    })
}
