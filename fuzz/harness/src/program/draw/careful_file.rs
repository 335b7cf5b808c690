// SPDX-License-Identifier: GPL-2.0
//! Draws what careful callers of memfd_pin_folios() do: files whose page cache holds each
//! folio once, whole and aligned, and calls with legal arguments.
//!
//! Whether a program keeps every contract is decided by its trace (`crate::laws`).

use csrc::abi::{self, gd_act, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::PAGE_SIZE;
use super::super::{NO_ACT, NO_OP, NULL, page};
use super::{Profile, answer};
use crate::world::cache;

/// Where files begin to have pages.
const STARTS: [u64; 3] = [0, 0x20_0000, abi::GD_MEMFD_SIZE as u64 - 0x40_0000];

/// The folios that can be in a kind of file, and are in none.
fn suitable(model: &Model, memfd: u32) -> impl Iterator<Item = usize> + '_ {
    let suits =
        move |index: &usize| memfd_of(model, *index) == Some(memfd) && !model.cache.has(*index);
    (0..model.nr_folios).filter(suits)
}

/// The kind of file that a folio can be in.
fn memfd_of(model: &Model, index: usize) -> Option<u32> {
    let g = &model.folio[index];
    cache::memfd_of(g.kind.into(), g.mapping.into())
}

/// The kind of file that a program is about: one of hugetlbfs if there is a folio for it.
fn memfd(model: &Model) -> u32 {
    let cached = model.cache.folios().next();
    let hugetlb = || suitable(model, abi::GD_FD_HUGETLB).next();
    let of = cached
        .or_else(hugetlb)
        .and_then(|index| memfd_of(model, index));
    of.unwrap_or(abi::GD_FD_SHMEM)
}

/// Puts a folio that is in no file at the first place at or after an offset that suits it;
/// none if there is no such folio.
fn set(rng: &mut Rng, model: &Model, offset: u64) -> Option<gd_op> {
    let all: Vec<usize> = suitable(model, memfd(model)).collect();
    if all.is_empty() {
        return None;
    }
    let index = rng.pick(&all);
    let pages = model.folio[index].nr_pages();
    let aligned = offset.next_multiple_of(pages as u64 * PAGE_SIZE);
    Some(super::memfd::put(aligned, pages as i32, page(index, 0)))
}

/// A folio behind the others of the file, if the revision has these calls.
pub fn some_folio(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    if !profile.has(abi::GD_OP_MEMFD_PIN_FOLIOS as u8) {
        return None;
    }
    let end = model.cache.end();
    let offset = end.unwrap_or_else(|| rng.pick(&STARTS));
    set(rng, model, offset)
}

/// A call with legal arguments.
pub fn call(rng: &mut Rng, model: &Model) -> gd_op {
    let start = model.cache.start().unwrap_or_else(|| rng.pick(&STARTS));
    gd_op {
        op: abi::GD_OP_MEMFD_PIN_FOLIOS as u8,
        arg: memfd(model) as u16,
        addr: start + rng.below(2 * PAGE_SIZE as usize) as u64,
        n: rng.range(1, 24),
        val: rng.range(1, 16),
        ..NO_OP
    }
}

/// What happens during a call: a folio that the file lacks is allocated, or cannot be; or one
/// is truncated after it was found.
pub fn script(rng: &mut Rng, model: &Model, main: &gd_op) -> Vec<gd_act> {
    let mut model = model.clone();
    let mut acts = Vec::new();
    let act = |hook, nth, op| gd_act {
        hook: hook as u8,
        nth,
        op,
        ..NO_ACT
    };
    let end = main.addr + main.n as u64 * PAGE_SIZE;
    let mut offset = main.addr & !(PAGE_SIZE - 1);
    let mut allocated = 0;
    while offset < end && acts.len() < 6 {
        if let Some(part) = model.cache.part(offset) {
            offset = part.end;
            continue;
        }
        allocated += 1;
        let served = set(rng, &model, offset).filter(|op| op.addr == offset);
        let Some(op) = served.filter(|_| rng.chance(7, 8)) else {
            let errno = rng.pick(&[-12, -28, -17]);
            acts.push(act(abi::GD_HOOK_ALLOC_FOLIO, allocated, answer(errno)));
            break;
        };
        model.apply(&op);
        acts.push(act(abi::GD_HOOK_ALLOC_FOLIO, allocated, op));
        acts.push(act(abi::GD_HOOK_ALLOC_FOLIO, allocated, answer(0)));
    }
    let first = model.cache.part(main.addr & !(PAGE_SIZE - 1)).copied();
    if let Some(part) = first.filter(|_| rng.chance(1, 8)) {
        let pages = ((part.end - part.start) / PAGE_SIZE) as i32;
        let hole = super::memfd::put(part.start, pages, NULL);
        acts.push(act(abi::GD_HOOK_FIND_FOLIOS, rng.range(1, 2) as u8, hole));
    }
    acts
}
