// SPDX-License-Identifier: GPL-2.0
//! Draws page tables: folios as a process maps them, and the entries that map them.

use csrc::abi::{self, gd_folio, gd_op};

use super::super::model::{FolioModel, Model};
use super::super::rng::Rng;
use super::super::walk::{ADDR_MASK, ANCHORS, LEVELS, Level, PAGE_SIZE};
use super::super::{NO_OP, page};
use super::{bit, folio};
use crate::world::folio::is_device;
use crate::world::maps::Map;
use crate::world::pkey;

/// A folio that a walk can take: mostly with references to spare.
pub fn mapped_folio(rng: &mut Rng) -> gd_folio {
    let mut f = folio(rng);
    if rng.chance(7, 8) {
        f.ref_ = rng.range(1, 12);
        f.pin = match f.order {
            0 => 0,
            _ => rng.range(-4, 4).max(0).min(f.ref_),
        };
    }
    match rng.below(8) {
        // a huge page, or one of hugetlbfs
        0..=2 => f.order = 9,
        3 => f.order = 10,
        4 => f.order = 0,
        _ => {}
    }
    f
}

/// The first folio of a program, if it starts where a block of 1 GiB starts: 6.12 takes
/// references for such a block there.
pub fn block_start(rng: &mut Rng) -> gd_folio {
    let mut f = mapped_folio(rng);
    f.kind = abi::GD_K_NORMAL as u8;
    f.exclusive = 0;
    f.movable = u8::from(rng.chance(2, 3));
    f.order = if f.movable != 0 { 10 } else { 0 };
    f
}

/// The addresses that a program uses: a cursor in one of the places.
#[derive(Clone, Copy, Debug)]
pub struct Cursor(u64);

impl Cursor {
    /// Starts in one of the places.
    pub fn new(rng: &mut Rng) -> Cursor {
        Cursor(rng.pick(&ANCHORS) + rng.below(4) as u64 * PAGE_SIZE)
    }

    /// Starts at this address.
    pub fn at(addr: u64) -> Cursor {
        Cursor(addr & ADDR_MASK)
    }

    pub fn take(&mut self, rng: &mut Rng, level: Level, n: u64) -> u64 {
        let addr = self.0;
        self.0 = (addr & !(level.size() - 1)).wrapping_add(n << level.shift()) & ADDR_MASK;
        // sometimes a hole
        if level == Level::Pte && rng.chance(1, 8) {
            self.0 = (self.0 + rng.below(3) as u64 * PAGE_SIZE) & ADDR_MASK;
        }
        addr
    }
}

/// Where to map next: after an existing mapping, or anywhere.
pub fn cursor(rng: &mut Rng, model: &Model) -> Cursor {
    match model.maps.all() {
        [] => Cursor::new(rng),
        _ if rng.chance(1, 8) => Cursor::new(rng),
        all => {
            let map = rng.pick(all);
            Cursor(map.span.at(map.span.n))
        }
    }
}

/// A few operations, in order, that map something at the cursor.
pub fn scene(rng: &mut Rng, model: &Model, cursor: &mut Cursor) -> [Option<gd_op>; 3] {
    let index = rng.below(model.nr_folios.max(1));
    let g = &model.folio[index];
    match rng.weighted(&scenes(g)) {
        0 => {
            let n = count(rng, g.nr_pages());
            let first = first_page(rng, g, n);
            let addr = cursor.take(rng, Level::Pte, n as u64);
            let pte = set(rng, g, Level::Pte, addr, page(index, first), n);
            [Some(pte), None, None]
        }
        leaf @ 1..=3 => {
            let level = if leaf == 3 { Level::Pud } else { Level::Pmd };
            let addr = cursor.take(rng, level, 1);
            let p = page(index, rng.below(g.nr_pages()));
            let top = set(rng, g, level, addr, p, 1);
            // the table that a collapse leaves, or that khugepaged has deposited
            let hidden = rng.chance(1, 3).then(|| {
                let below = if rng.chance(3, 4) {
                    Level::Pte
                } else {
                    Level::Pmd
                };
                let n = count(rng, g.nr_pages());
                set(rng, g, below, addr, p, n)
            });
            [hidden, Some(top), None]
        }
        4 => {
            let addr = cursor.take(rng, Level::Pmd, 2);
            let both = set(rng, g, Level::Pmd, addr, page(index, 0), 2);
            [Some(both), None, None]
        }
        // not present, of some kind
        5 => {
            let n = count(rng, 4);
            let addr = cursor.take(rng, Level::Pte, n as u64);
            let mut absent = set(rng, g, Level::Pte, addr, page(index, 0), n);
            absent.entry = rng.pick(&[
                abi::GD_E_NONE,
                abi::GD_E_SWAP,
                abi::GD_E_MIGRATION,
                abi::GD_E_PAGE,
            ]) as u8;
            absent.eflags |= bit(abi::GD_EF_ABSENT) as u16 | bit(abi::GD_EF_PROTNONE) as u16;
            [Some(absent), None, None]
        }
        // the same page twice
        _ => {
            let p = page(index, rng.below(g.nr_pages()));
            let first = cursor.take(rng, Level::Pte, 1);
            let second = cursor.take(rng, Level::Pte, 1);
            let mut at = |addr| Some(set(rng, g, Level::Pte, addr, p, 1));
            [at(first), at(second), None]
        }
    }
}

/// An entry of a VMA of hugetlbfs, whose pages are huge ones of that level.
pub fn huge(rng: &mut Rng, model: &Model, level: Level, addr: u64) -> gd_op {
    let folios = &model.folio[..model.nr_folios.max(1)];
    let hugetlb = |g: &FolioModel| u32::from(g.kind) == abi::GD_K_HUGETLB && g.order >= 9;
    let huge = |g: &FolioModel| g.order >= 9;
    let mut index = rng.below(folios.len());
    if rng.chance(7, 8) {
        let suits = folios.iter().position(hugetlb);
        index = suits.or(folios.iter().position(huge)).unwrap_or(index);
    }
    set(
        rng,
        &folios[index],
        level,
        addr & ADDR_MASK,
        page(index, 0),
        1,
    )
}

/// The weights of the ways to map a folio.
fn scenes(g: &FolioModel) -> [u32; 7] {
    match g.order {
        9.. => [10, 14, 6, 6, 4, 4, 2],
        _ => [36, 3, 1, 2, 1, 5, 4],
    }
}

fn count(rng: &mut Rng, most: usize) -> i32 {
    match rng.weighted(&[24, 40, 3, 1]) {
        0 => 1,
        1 => rng.below(most.clamp(1, 8)) as i32 + 1,
        2 => rng.range(1, 40),
        _ => rng.range(500, 600),
    }
}

fn first_page(rng: &mut Rng, g: &FolioModel, n: i32) -> usize {
    let room = g.nr_pages().saturating_sub(n as usize);
    match rng.below(3) {
        0 => 0,
        1 => room,
        _ => rng.below(room + 1),
    }
}

/// Entries of a level that suit their folio.
pub fn set(rng: &mut Rng, g: &FolioModel, level: Level, addr: u64, p: u16, n: i32) -> gd_op {
    let mut op = gd_op {
        op: level.set_op(),
        entry: abi::GD_E_PAGE as u8,
        eflags: flags(rng, g),
        addr,
        n,
        ..NO_OP
    };
    op.run[0].page = p;
    op
}

/// Flags of an entry that points to a folio.
pub fn flags(rng: &mut Rng, g: &FolioModel) -> u16 {
    let mut flags = 0;
    let writable = match g.is_shared_anon() {
        true => rng.chance(1, 4),
        false => rng.chance(3, 4),
    };
    if writable {
        flags |= bit(abi::GD_EF_RW);
        if rng.chance(3, 4) {
            flags |= bit(abi::GD_EF_DIRTY);
        }
    }
    if is_device(g.kind) && rng.chance(7, 8) {
        flags |= bit(abi::GD_EF_DEVMAP);
    }
    // Flags that a walk ignores, and flags at which it stops.
    for (flag, of) in [
        (abi::GD_EF_SOFT_DIRTY, 8),
        (abi::GD_EF_UFFD_WP, 6),
        (abi::GD_EF_NX, 8),
        (abi::GD_EF_OLD, 6),
        (abi::GD_EF_SPECIAL, 4),
        (abi::GD_EF_KERNEL, 3),
        (abi::GD_EF_PROTNONE, 3),
        (abi::GD_EF_ABSENT, 3),
        (abi::GD_EF_DEVMAP, 3),
    ] {
        if rng.chance(of, 128) {
            flags |= bit(flag);
        }
    }
    flags |= pkey::flags(super::pkey(rng), pkey::OF_ENTRY);
    flags as u16
}

/// An entry that replaces another one, as the kernel changes mappings.
pub fn replace(rng: &mut Rng, model: &Model, old: &Map) -> gd_op {
    let span = old.span;
    let mut op = gd_op {
        op: span.level.set_op(),
        entry: old.entry,
        eflags: old.eflags,
        addr: span.addr,
        n: 1,
        ..NO_OP
    };
    op.run[0].page = old.page;
    let index = rng.below(model.nr_folios.max(1));
    let g = &model.folio[index];
    match rng.weighted(&[26, 16, 14, 8, 8, 8, 4, 6, 10]) {
        // zapped
        0 => op.entry = abi::GD_E_NONE as u8,
        // a fault has put another page there
        1 => {
            op.entry = abi::GD_E_PAGE as u8;
            op.run[0].page = page(index, rng.below(g.nr_pages()));
        }
        // write-protected, or made writable
        2 => op.eflags ^= bit(abi::GD_EF_RW) as u16,
        3 => op.eflags ^= 1 << rng.below(abi::GD_NR_ENTRY_FLAGS as usize),
        4 => op.entry = abi::GD_E_MIGRATION as u8,
        5 => op.entry = abi::GD_E_SWAP as u8,
        // unchanged
        6 => {}
        // NUMA balancing makes the next access fault
        7 => op.eflags |= bit(abi::GD_EF_ABSENT) as u16 | bit(abi::GD_EF_PROTNONE) as u16,
        // a table, or a huge page
        _ => {
            op.entry = match u32::from(op.entry) {
                abi::GD_E_PAGE if span.level != Level::Pte => abi::GD_E_TABLE as u8,
                _ => abi::GD_E_PAGE as u8,
            }
        }
    }
    op
}

/// A change of the mapping of an address: mostly of the entry of the given level, else of
/// one above or below.
pub fn change(rng: &mut Rng, model: &Model, level: Level, addr: u64) -> gd_op {
    let level = match rng.below(8) {
        0 | 1 => rng.pick(&LEVELS),
        2 if level == Level::Pte => Level::Pmd,
        _ => level,
    };
    match model.maps.entry(level, addr) {
        Some(old) => replace(rng, model, &old),
        None => fresh(rng, model, level, addr),
    }
}

/// An entry where none is set yet: a collapse, a fault, an unmap.
fn fresh(rng: &mut Rng, model: &Model, level: Level, addr: u64) -> gd_op {
    let huge = |g: &FolioModel| g.order >= 9;
    let folios = &model.folio[..model.nr_folios.max(1)];
    let index = match folios.iter().position(huge) {
        Some(index) if level != Level::Pte => index,
        _ => rng.below(folios.len()),
    };
    let g = &folios[index];
    let p = page(index, rng.below(g.nr_pages()));
    let mut op = set(rng, g, level, addr & ADDR_MASK, p, 1);
    if level != Level::Pte && rng.chance(1, 2) {
        op.entry = rng.pick(&[abi::GD_E_NONE, abi::GD_E_TABLE]) as u8;
    }
    op
}

/// One more operation on page tables.
pub fn entry(rng: &mut Rng, model: &Model) -> gd_op {
    let all = model.maps.all();
    if !all.is_empty() && rng.chance(1, 2) {
        let map = rng.pick(all);
        let addr = map.span.at(rng.below(map.span.n as usize) as u64);
        return change(rng, model, map.span.level, addr);
    }
    let mut cursor = cursor(rng, model);
    let ops = scene(rng, model, &mut cursor);
    ops.into_iter().flatten().last().unwrap_or(NO_OP)
}
