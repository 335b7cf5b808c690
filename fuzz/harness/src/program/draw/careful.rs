// SPDX-License-Identifier: GPL-2.0
//! Draws programs of careful callers: they take pages of a consistent world with legal
//! arguments, and drop every reference and pin once, by the matching function.
//!
//! Whether a program keeps every contract is decided by its trace (`crate::laws`); this
//! module only makes it likely.

use csrc::abi::{self, gd_folio, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{CALLER_PAGES, Level, PAGE_SIZE, caller_flags};
use super::super::{NO_FOLIO, NO_OP, NO_RUN, Program, page, split_page};
use super::{Profile, bit, calls, tables};
use crate::effect::{By, Effect, Of};
use crate::ops::{self, Layer, OpInfo};
use crate::world::folio::is_any_zero;

/// A folio with references of other users.
pub fn folio(rng: &mut Rng) -> gd_folio {
    let mut f = NO_FOLIO;
    f.kind = match rng.below(16) {
        0 => abi::GD_K_ZERO,
        1 => abi::GD_K_HUGE_ZERO,
        2 | 3 => abi::GD_K_HUGETLB,
        _ => abi::GD_K_NORMAL,
    } as u8;
    f.order = match u32::from(f.kind) {
        abi::GD_K_HUGETLB => 9,
        _ => super::order(rng),
    };
    let mappings = [
        abi::GD_M_ANON,
        abi::GD_M_ANON,
        abi::GD_M_FILE,
        abi::GD_M_SHMEM,
        abi::GD_M_NONE,
    ];
    if matches!(u32::from(f.kind), abi::GD_K_NORMAL | abi::GD_K_HUGETLB) {
        f.mapping = rng.pick(&mappings) as u8;
    }
    f.exclusive = u8::from(u32::from(f.mapping) == abi::GD_M_ANON);
    f.movable = u8::from(rng.chance(1, 8));
    f.migratetype = super::migratetype(rng) as u8;
    f.ref_ = rng.range(1, 40);
    if f.order > 0 && rng.chance(1, 4) {
        f.pin = rng.range(0, f.ref_ - 1);
    }
    f
}

/// The next operation; some of them drop what the model says is held.
pub fn operation(rng: &mut Rng, profile: &Profile, model: &Model, end: bool) -> Option<gd_op> {
    let release = match end || rng.chance(3, 8) {
        true => release(rng, profile, model),
        false => None,
    };
    if release.is_some() || end {
        return release;
    }
    match rng.below(8) {
        0 if profile.has_walks() => Some(entry(rng, model)),
        1 | 2 => again(rng, profile, model),
        3..=7 if profile.has_walks() => call(rng, profile, model),
        _ => again(rng, profile, model),
    }
}

/// What is done with pages beside calls: they are given back, or taken once more.
pub fn beside(rng: &mut Rng, profile: &Profile, model: &Model, end: bool) -> Option<gd_op> {
    match end || rng.chance(1, 2) {
        true => release(rng, profile, model),
        false => again(rng, profile, model),
    }
}

/// The operations that map a few pages of one folio.
pub fn entry(rng: &mut Rng, model: &Model) -> gd_op {
    let index = rng.below(model.nr_folios.max(1));
    let g = &model.folio[index];
    let zero = is_any_zero(g.kind);
    let mut cursor = tables::cursor(rng, model);
    let huge = g.order >= 9 && rng.chance(1, 2);
    let level = if huge { Level::Pmd } else { Level::Pte };
    let room = g.nr_pages();
    let first = rng.below(room);
    let n = if huge {
        1
    } else {
        rng.below((room - first).min(8)) + 1
    };
    let addr = cursor.take(rng, level, n as u64);
    let mut op = tables::set(rng, g, level, addr, page(index, first), n as i32);
    op.eflags &= !(bit(abi::GD_EF_DEVMAP) as u16);
    if zero {
        op.eflags &= !((bit(abi::GD_EF_RW) | bit(abi::GD_EF_DIRTY)) as u16);
    }
    op
}

/// A call with legal arguments.
fn call(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    let mut op = calls::call(rng, profile, model)?;
    op.mods = 0;
    op.n = op.n.clamp(1, CALLER_PAGES);
    op.addr = op.addr.min((1 << 46) - PAGE_SIZE);
    op.foll &= caller_flags(op.op);
    Some(op)
}

/// One more reference or pin on a page that is held, a query about it, or an attempt to
/// take some page.
fn again(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    let held = match model.nr_held {
        0 => None,
        nr => Some(rng.pick(&model.held[..nr])),
    };
    let p = held.map_or_else(
        || {
            let index = rng.below(model.nr_folios.max(1));
            page(index, rng.below(model.folio[index].nr_pages()))
        },
        |held| held.page,
    );
    let pinned = held.is_some_and(|held| held.pinned) && rng.chance(1, 2);
    let suits = |effect: Effect| match effect {
        Effect::Asks(_) => held.is_some() && !pinned,
        Effect::Takes { of, .. } => match of {
            Of::Pinned => pinned,
            Of::Held => held.is_some() && !pinned,
            Of::Nonzero | Of::Positive => held.is_none(),
        },
        Effect::Gives { .. }
        | Effect::Marks
        | Effect::Walks { .. }
        | Effect::Faults { .. }
        | Effect::PinsFile
        | Effect::Sets(_) => false,
    };
    let may = |op: &&OpInfo| {
        op.layer == Layer::Page
            && op.effect.is_for_anybody()
            && suits(op.effect)
            && profile.has(op.id)
    };
    let nr = ops::table().iter().filter(may).count();
    let chosen = rng.below(nr.max(1));
    let info = ops::table().iter().filter(may).nth(chosen)?;
    let mut op = gd_op {
        op: info.id,
        ..NO_OP
    };
    // functions for a folio get its head
    op.run[0].page = match info.has(abi::GD_S_FOLIO) {
        true => page(split_page(p).0, 0),
        false => p,
    };
    if info.has(abi::GD_S_N) {
        op.n = rng.range(1, 8);
    }
    Some(op)
}

/// Drops part of what is held by the matching function, one that anybody may call.
fn release(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    for _ in 0..8 {
        let Some(mut op) = super::release(rng, profile, model) else {
            continue;
        };
        let Some(info) = ops::info(op.op).filter(|info| info.effect.is_for_anybody()) else {
            continue;
        };
        let held = model.held[..model.nr_held]
            .iter()
            .rfind(|h| h.page == op.run[0].page)?;
        op.n = op.n.clamp(0, held.refs);
        if op.run[0].len > 0 {
            op.run[1..].fill(NO_RUN);
            op.run[0].len = op.run[0].len.min(held.refs.max(1) as u16);
        }
        // functions for a folio get its head
        let (index, _) = split_page(op.run[0].page);
        if info.has(abi::GD_S_FOLIO) || info.effect.by() == Some(By::Folios) {
            op.run[0].page = page(index, 0);
            op.run[0].len = op.run[0].len.min(1);
        }
        return Some(op);
    }
    None
}

/// The world of such a program.
pub fn world(rng: &mut Rng, walks: bool, program: &mut Program) {
    program.0.world.state = (super::state(rng) | abi::GD_W_IRQS_ON as u8) & abi::GD_W_ALL as u8;
    program.0.world.seq = if walks {
        super::seq(rng) & !1
    } else {
        super::seq(rng)
    };
    if walks {
        program.0.world.pkru = super::pkru(rng);
    }
    program.0.folio[0] = folio(rng);
    for _ in 0..rng.below(3) {
        program.push_folio(folio(rng));
    }
    program.normalise();
}
