// SPDX-License-Identifier: GPL-2.0
//! Draws calls about memfds, and the contents of their page cache.

use csrc::abi::{self, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::PAGE_SIZE;
use super::super::{NO_OP, NULL, page, values};
use crate::world::folio::is_device;

/// The offsets where files have pages: at the beginning, at a huge page, at the end.
const PLACES: [u64; 4] = [
    0,
    0x20_0000,
    0x40_0000,
    abi::GD_MEMFD_SIZE as u64 - 0x20_0000,
];

/// Puts `n` pages of a folio, or a hole (NULL), at an offset.
pub fn put(offset: u64, n: i32, page: u16) -> gd_op {
    let mut op = gd_op {
        op: abi::GD_OP_SET_CACHE as u8,
        addr: offset,
        n,
        ..NO_OP
    };
    op.run[0].page = page;
    op
}

/// Puts a folio, or a hole, at an offset.
pub fn set(rng: &mut Rng, model: &Model, offset: u64) -> gd_op {
    let mut index = rng.below(model.nr_folios);
    for _ in 0..6 {
        let g = &model.folio[index];
        let usual = u32::from(g.mapping) == abi::GD_M_SHMEM && g.refs > 0;
        if usual && !is_device(g.kind) {
            break;
        }
        index = rng.below(model.nr_folios);
    }
    let nr_pages = model.folio[index].nr_pages();
    let (first, n) = match rng.below(8) {
        0 => (rng.below(nr_pages), rng.range(1, 4)),
        1 => (0, rng.range(1, 8)),
        _ => (0, nr_pages as i32),
    };
    let page = match rng.below(10) {
        0 => NULL,
        _ => page(index, first),
    };
    put(offset, n, page)
}

/// The same after the folios that are present, or at one of the usual offsets.
pub fn set_anywhere(rng: &mut Rng, model: &Model) -> gd_op {
    let offset = match model.cache.end() {
        Some(end) if rng.chance(1, 2) => end,
        _ => rng.pick(&PLACES) + rng.below(3) as u64 * PAGE_SIZE,
    };
    set(rng, model, offset)
}

/// The arguments of a call.
pub fn fill(rng: &mut Rng, model: &Model, op: &mut gd_op) {
    op.arg = match rng.below(24) {
        0 => abi::GD_FD_NONE,
        1 => abi::GD_FD_OTHER,
        2..=5 => abi::GD_FD_HUGETLB,
        _ => abi::GD_FD_SHMEM,
    } as u16;
    op.addr = match model.cache.start() {
        Some(start) if !rng.chance(1, 6) => start,
        _ => rng.pick(&PLACES),
    };
    if rng.chance(1, 12) {
        // to the last byte of the file, or one more
        let bytes = op.n.clamp(1, 16) as u64 * PAGE_SIZE;
        op.addr = abi::GD_MEMFD_SIZE as u64 - bytes + rng.below(2) as u64;
    } else if rng.chance(1, 3) {
        op.addr += rng.below(2 * PAGE_SIZE as usize) as u64;
    }
    op.val = match rng.below(12) {
        0 => rng.pick(&[0, -1, i32::MAX]),
        1 => values::edge(rng),
        2..=4 => rng.range(1, 2),
        _ => rng.range(1, 64),
    };
    op.foll = 0;
}
