// SPDX-License-Identifier: GPL-2.0
//! Draws calls of the walk's entry points.

use std::sync::LazyLock;

use csrc::abi::{self, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{self, CALL_FLAGS, Level, PAGE_SIZE, TASK_SIZE_MAX};
use super::super::{NO_OP, values};
use super::{Profile, bit};
use crate::ops::{self, OpInfo};

/// The entry points and their weights.
static CALLS: LazyLock<Vec<(u8, u32)>> = LazyLock::new(|| {
    let is_call = |op: &&OpInfo| op.is_walk();
    let weight = |op: &OpInfo| match (walk::falls_back(op.id), walk::is_pin(op.id)) {
        (true, true) => 40,
        (true, false) => 28,
        (false, _) => 14,
    };
    let calls = ops::table().iter().filter(is_call);
    calls.map(|op| (op.id, weight(op))).collect()
});

/// A call of an entry point that the profile has.
pub fn call(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    let id = profile.one_of(rng, &CALLS)?;
    Some(call_of(rng, id, model))
}

/// A call of this entry point.
pub fn call_of(rng: &mut Rng, id: u8, model: &Model) -> gd_op {
    let mut op = gd_op { op: id, ..NO_OP };
    op.addr = address(rng, model);
    op.n = count(rng);
    if op.n > 8 && rng.chance(1, 2) {
        op.addr = 0;
    }
    let (flags, raw) = flags(rng, walk::is_pin(id));
    op.foll = flags;
    if raw {
        op.mods |= abi::GD_MOD_RAW as u8;
    }
    if rng.chance(1, 40) {
        op.mods |= abi::GD_MOD_NULL as u8;
    }
    op
}

/// The start of a call: in mapped memory, a little before it, or anywhere.
pub fn address(rng: &mut Rng, model: &Model) -> u64 {
    let all = model.maps.all();
    let addr = match rng.below(32) {
        0 => return odd_address(rng),
        _ if all.is_empty() => 0x1000,
        _ => {
            // the latest mapping, and any mapping
            let leaf = rng.pick(all);
            let map = if leaf.is_leaf() { leaf } else { rng.pick(all) };
            let k = rng.below(map.span.n.min(16) as usize) as u64;
            match map.span.level {
                Level::Pte => map.span.at(k),
                // its end, to walk on to the next entry
                level if rng.chance(1, 6) => {
                    let end = (map.span.at(k) & !(level.size() - 1)).wrapping_add(level.size());
                    end.wrapping_sub(rng.range(1, 2) as u64 * PAGE_SIZE)
                }
                _ => {
                    let (index, _) = super::split_page(map.page);
                    let g = &model.folio[index % model.folio.len()];
                    let offset = match rng.below(4) {
                        0 => 0,
                        1 => g.nr_pages() - 1,
                        _ => rng.below(g.nr_pages()),
                    };
                    model.maps.address(&map, index, offset)
                }
            }
        }
    };
    let addr = match rng.below(16) {
        0 | 1 => addr.wrapping_sub(rng.range(1, 3) as u64 * PAGE_SIZE),
        2 => addr.wrapping_add(rng.range(1, 3) as u64 * PAGE_SIZE),
        _ => addr,
    };
    match rng.below(24) {
        0 => addr | rng.below(PAGE_SIZE as usize) as u64,
        // the same table entries, but not a canonical address
        1 if rng.chance(1, 2) => addr | 0xffff << 48,
        _ => addr,
    }
}

/// An address at a boundary.
fn odd_address(rng: &mut Rng) -> u64 {
    let edge = rng.pick(&[
        0,
        TASK_SIZE_MAX,
        1 << 47,
        u64::MAX,
        0xffff_8000_0000_0000,
        1 << 48,
        0xff00_0000_0000_0000,
    ]);
    let pages = rng.range(-3, 3) as i64 * PAGE_SIZE as i64;
    edge.wrapping_add(pages as u64) & !rng.pick(&[0, 0, 0, PAGE_SIZE - 1])
}

/// The number of pages that a call asks for.
fn count(rng: &mut Rng) -> i32 {
    match rng.weighted(&[36, 40, 10, 4, 4, 2, 2, 2]) {
        0 => 1,
        1 => rng.range(2, 8),
        2 => rng.range(4, 24),
        3 => rng.range(500, 520),
        4 => 0,
        5 => rng.pick(&[-1, i32::MIN, i32::MIN + 1]),
        6 => rng.pick(&[i32::MAX, i32::MAX - 1]),
        _ => values::edge(rng),
    }
}

/// FOLL_ flags of a call; whether they are raw bits of the kernel.
fn flags(rng: &mut Rng, pins: bool) -> (u32, bool) {
    let mut foll = 0;
    // refused without FOLL_PIN
    let longterm = if pins { 14 } else { 1 };
    for (flag, of) in [
        (abi::GD_FOLL_WRITE, 20),
        (abi::GD_FOLL_LONGTERM, longterm),
        (abi::GD_FOLL_FORCE, 4),
        (abi::GD_FOLL_NOFAULT, 3),
        (abi::GD_FOLL_FAST_ONLY, 2),
        (abi::GD_FOLL_PCI_P2PDMA, 10),
        (abi::GD_FOLL_HONOR_NUMA_FAULT, 3),
    ] {
        if rng.chance(of, 64) {
            foll |= bit(flag);
        }
    }
    match rng.below(64) {
        0 => foll |= bit(abi::GD_FOLL_GET),
        1 => foll |= bit(abi::GD_FOLL_PIN),
        2 => foll = rng.next_u32() & CALL_FLAGS,
        3 => foll |= bit(rng.below(abi::GD_NR_FOLL as usize) as u32),
        4 => return (bit(rng.below(32) as u32), true),
        _ => {}
    }
    (foll, false)
}
