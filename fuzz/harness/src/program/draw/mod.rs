// SPDX-License-Identifier: GPL-2.0
//! Draws the parts of programs: folios, the world, operands, operations.

pub(super) mod calls;
pub(super) mod careful;
pub(super) mod careful_file;
pub(super) mod careful_slow;
pub(super) mod during;
pub(super) mod memfd;
pub(super) mod script;
pub(super) mod slow;
pub(super) mod tables;
pub(super) mod vmas;

use std::sync::LazyLock;

use csrc::abi::{self, gd_folio, gd_op, gd_run};

use super::model::{FolioModel, Model};
use super::profile::Profile;
use super::rng::Rng;
use super::{NO_FOLIO, NO_OP, NR_RUNS, NULL, POISON, page, split_page, values, walk};
use crate::effect::{By, Effect, What};
use crate::ops::{self, N, OpInfo, Val};
use crate::world::folio::FOLIO_FLAGS;

const fn bit(n: u32) -> u32 {
    1 << n
}

/// The answer to the call at the hook point of an action.
fn answer(val: i32) -> gd_op {
    gd_op {
        op: abi::GD_OP_ANSWER as u8,
        val,
        ..NO_OP
    }
}

/// A folio as programs declare it.
pub fn folio(rng: &mut Rng) -> gd_folio {
    let mut f = NO_FOLIO;
    let kinds: [u32; abi::GD_NR_KINDS as usize] = [64, 8, 5, 3, 2, 3, 3, 7, 2, 4];
    f.kind = rng.weighted(&kinds) as u8;
    f.order = order(rng);
    f.mapping = mapping(rng) as u8;
    f.movable = u8::from(rng.chance(1, 8));
    f.migratetype = migratetype(rng) as u8;
    // unpinning a shared anonymous page is a BUG under DEBUG_VM
    f.exclusive = match u32::from(f.mapping) {
        abi::GD_M_ANON | abi::GD_M_KSM => u8::from(rng.chance(7, 8)),
        _ => u8::from(rng.chance(1, 8)),
    };
    if rng.chance(1, 3) {
        for _ in 0..rng.range(1, 4) {
            f.flags |= bit(flag(rng)) & FOLIO_FLAGS;
        }
    }
    let nr_pages = 1 << f.order;
    f.ref_ = values::refcount(rng, nr_pages);
    if f.order > 0 {
        f.pin = values::pincount(rng, f.ref_);
    }
    f
}

/// An order: 0, that of a huge page, others.
pub fn order(rng: &mut Rng) -> u8 {
    match rng.weighted(&[50, 18, 14, 18]) {
        0 => 0,
        1 => 9,
        2 => rng.range(1, 3) as u8,
        _ => rng.range(1, 10) as u8,
    }
}

/// A kind of mapping, the common ones more often.
pub fn mapping(rng: &mut Rng) -> u32 {
    let weights: [u32; abi::GD_NR_MAPPINGS as usize] = [14, 34, 20, 8, 10, 6, 4, 4];
    rng.weighted(&weights) as u32
}

/// A migrate type; the last two forbid long-term pins.
pub fn migratetype(rng: &mut Rng) -> u32 {
    let weights: [u32; abi::GD_NR_MIGRATETYPES as usize] = [12, 60, 6, 14, 8];
    rng.weighted(&weights) as u32
}

/// A page flag; those that the paths read more often.
pub fn flag(rng: &mut Rng) -> u32 {
    const READ: &[u32] = &[
        abi::GD_F_DIRTY,
        abi::GD_F_LOCKED,
        abi::GD_F_WAITERS,
        abi::GD_F_ANON_EXCLUSIVE,
        abi::GD_F_REFERENCED,
        abi::GD_F_LRU,
        abi::GD_F_RESERVED,
        abi::GD_F_SWAPBACKED,
    ];
    match rng.chance(1, 2) {
        true => rng.pick(READ),
        false => rng.below(abi::GD_NR_FLAGS as usize) as u32,
    }
}

/// A state bits byte.
pub fn state(rng: &mut Rng) -> u8 {
    let mut state = 0;
    for (bit, of) in [
        (abi::GD_W_IRQS_ON, 3),
        (abi::GD_W_HAS_PINNED, 4),
        (abi::GD_W_HAS_PINNED_2, 1),
        (abi::GD_W_DEVMAP_KEY, 5),
    ] {
        if rng.chance(of, 8) {
            state |= bit;
        }
    }
    state as u8
}

/// A write_protect_seq; fork's half of the values is odd.
pub fn seq(rng: &mut Rng) -> u32 {
    match rng.below(8) {
        0 => 0,
        1 => 2,
        2..=5 => 1,
        6 => u32::MAX,
        _ => rng.next_u32(),
    }
}

/// A PKRU for programs with page tables; mostly 0, as most processes have it.
pub fn pkru(rng: &mut Rng) -> u32 {
    match rng.below(8) {
        // one key, without access or without writes
        0 => (1 + rng.next_u32() % 2) << (2 * rng.below(abi::GD_NR_PKEYS as usize)),
        1 => rng.next_u32() & abi::GD_PKRU_ALL,
        _ => 0,
    }
}

/// A protection key: mostly 0.
pub fn pkey(rng: &mut Rng) -> u32 {
    match rng.chance(1, 6) {
        true => rng.below(abi::GD_NR_PKEYS as usize) as u32,
        false => 0,
    }
}

/// Ends a fork.
pub fn end_of_fork(rng: &mut Rng) -> gd_op {
    gd_op {
        op: abi::GD_OP_SET_SEQ as u8,
        val: rng.range(0, 4) * 2,
        ..NO_OP
    }
}

/// FOLL_ flags of an operation; whether they are raw bits of the kernel.
fn foll(rng: &mut Rng) -> (u32, bool) {
    let mut foll = match rng.weighted(&[26, 26, 22, 4, 4, 3, 3]) {
        0 => bit(abi::GD_FOLL_GET),
        1 => bit(abi::GD_FOLL_PIN),
        2 => bit(abi::GD_FOLL_PIN) | bit(abi::GD_FOLL_LONGTERM),
        3 => bit(abi::GD_FOLL_GET) | bit(abi::GD_FOLL_LONGTERM),
        4 => 0,
        5 => bit(abi::GD_FOLL_GET) | bit(abi::GD_FOLL_PIN),
        _ => return (rng.next_u32() & rng.next_u32(), true),
    };
    if rng.chance(1, 4) {
        foll |= bit(abi::GD_FOLL_WRITE);
    }
    if rng.chance(1, 4) {
        foll |= bit(abi::GD_FOLL_PCI_P2PDMA);
    }
    if rng.chance(1, 6) {
        foll |= bit(abi::GD_FOLL_FAST_ONLY);
    }
    if rng.chance(1, 12) {
        foll |= bit(rng.below(abi::GD_NR_FOLL as usize) as u32);
    }
    (foll, false)
}

/// A page of a folio: the head, a tail, the last, sometimes one past the end.
fn offset(rng: &mut Rng, nr_pages: usize) -> usize {
    match rng.weighted(&[96, 56, 24, 2, 1]) {
        0 => 0,
        1 => rng.below(nr_pages),
        2 => nr_pages - 1,
        3 => nr_pages,
        _ => rng.below(2048),
    }
}

/// The folio that suits an operation best.
fn wanted(id: u32, g: &FolioModel) -> bool {
    let kind = u32::from(g.kind);
    match id {
        abi::GD_OP_PUT_DEVMAP_MANAGED => g.is_fsdax(),
        abi::GD_OP_IS_PCI_P2PDMA_PAGE => kind == abi::GD_K_DEV_P2PDMA,
        abi::GD_OP_IS_SECRETMEM | abi::GD_OP_GUP_FAST_FOLIO_ALLOWED => {
            u32::from(g.mapping) == abi::GD_M_SECRETMEM
        }
        abi::GD_OP_NEEDS_COW_FOR_DMA
        | abi::GD_OP_PAGE_MAYBE_DMA_PINNED
        | abi::GD_OP_FOLIO_MAYBE_DMA_PINNED => g.pins > 0 || g.refs >= values::BIAS,
        abi::GD_OP_GUP_MUST_UNSHARE => g.is_anon(),
        abi::GD_OP_SPLIT | abi::GD_OP_SET_PIN => g.order > 0,
        abi::GD_OP_MERGE => g.split.is_some(),
        abi::GD_OP_CLEAR_FLAG => g.flags != 0,
        _ => false,
    }
}

/// A page operand for an operation, correlated with the earlier operations.
pub fn operand(rng: &mut Rng, id: u32, model: &Model, earlier: &[gd_op]) -> u16 {
    let folios = &model.folio[..model.nr_folios.max(1)];
    let suits = folios.iter().position(|g| wanted(id, g));
    let index = match (rng.below(128), suits) {
        (0, _) => return NULL,
        (1, _) => return POISON,
        (2..=65, Some(suits)) => suits,
        (2..=48, None) | (66..=88, _) if !earlier.is_empty() => {
            let from = earlier.len().saturating_sub(6);
            let run = rng.pick(&earlier[from..]).run[0];
            if run.page != NULL && run.page != POISON {
                return run.page;
            }
            0
        }
        _ => rng.below(folios.len()),
    };
    page(index, offset(rng, folios[index].nr_pages()))
}

/// One run of a page list.
pub fn run(rng: &mut Rng, id: u32, model: &Model, earlier: &[gd_op]) -> gd_run {
    let first = match rng.below(24) {
        0 => NULL,
        // pages that are held, so that they are dropped
        1..=10 if model.nr_held > 0 => rng.pick(&model.held[..model.nr_held]).page,
        _ => operand(rng, id, model, earlier),
    };
    let (index, offset) = split_page(first);
    let len = match model.folio.get(index) {
        Some(g) => {
            let rest = g.nr_pages().saturating_sub(offset).max(1);
            match rng.weighted(&[64, 16, 8, 6, 1]) {
                0 => 1,
                1 => rng.below(rest.min(8)) + 1,
                2 => rest.min(512),
                3 => rng.below(rest.min(512)) + 1,
                _ => rng.below(rest.min(500)) + 2,
            }
        }
        None => rng.below(2) + 1,
    };
    gd_run {
        page: first,
        len: len as u16,
    }
}

fn list(rng: &mut Rng, op: &mut gd_op, model: &Model, earlier: &[gd_op]) {
    let runs = match rng.weighted(&[2, 40, 30, 16, 12]) {
        n @ 0..=3 => n,
        _ => NR_RUNS,
    };
    for i in 0..runs {
        op.run[i] = run(rng, op.op.into(), model, earlier);
    }
    if rng.chance(1, 10) {
        op.mods |= abi::GD_MOD_N as u8;
        op.n = match rng.below(8) {
            0..=2 => rng.below(super::list::len(op) + 1) as i32,
            3 => super::list::len(op) as i32 + 1,
            4 | 5 => rng.pick(&[-1, -14, -12, -4095]),
            _ => values::edge(rng),
        };
    }
}

/// An operation with operands that suit the model.
pub fn op(rng: &mut Rng, id: u8, model: &Model, earlier: &[gd_op]) -> gd_op {
    let mut op = gd_op { op: id, ..NO_OP };
    let Some(info) = ops::info(id) else {
        return op;
    };
    if walk::is_call(id) {
        return calls::call_of(rng, id, model);
    }
    if walk::is_slow(id) {
        return slow::call_of(rng, id, model);
    }
    if walk::is_vma(id) {
        let all: Vec<_> = model.vmas.all().collect();
        if all.is_empty() || rng.chance(1, 3) {
            return vmas::another(rng, model);
        }
        let vma = rng.pick(&all);
        return vmas::change(rng, model, vma);
    }
    if let Some(level) = walk::set_level(id) {
        return gd_op {
            op: level.set_op(),
            ..tables::entry(rng, model)
        };
    }
    let id = u32::from(id);
    if info.has(abi::GD_S_LIST) {
        list(rng, &mut op, model, earlier);
    } else if info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
        op.run[0].page = operand(rng, id, model, earlier);
    }
    if info.has(abi::GD_S_TO) {
        op.run[1].page = operand(rng, id, model, earlier);
    }
    let (index, offset) = split_page(op.run[0].page);
    let folio = model.folio.get(index).copied().unwrap_or_default();
    let nr_pages = folio.nr_pages();

    if info.has(abi::GD_S_DIRTY) && rng.chance(1, 2) {
        op.mods |= abi::GD_MOD_DIRTY as u8;
    }
    if info.has(abi::GD_S_FOLL) {
        let (flags, raw) = foll(rng);
        op.foll = flags;
        if raw {
            op.mods |= abi::GD_MOD_RAW as u8;
        }
    }
    if info.has(abi::GD_S_ARG) {
        op.arg = match info.arg {
            ops::ArgKind::Flag => match folio.flags {
                0 => flag(rng),
                // a flag that is set, to clear it
                set if rng.chance(1, 2) => set.trailing_zeros(),
                _ => flag(rng),
            },
            ops::ArgKind::Mapping => mapping(rng),
            ops::ArgKind::Migratetype => migratetype(rng),
            ops::ArgKind::Order => rng.below(usize::from(folio.order) + 1) as u32,
            kind => rng.below(kind.values() as usize) as u32,
        } as u16;
    }
    if info.has(abi::GD_S_N) && !info.has(abi::GD_S_LIST) {
        op.n = match info.n {
            N::Rest => values::refcount(rng, 1),
            N::Pins => values::pincount(rng, 1024),
            N::Npages if info.effect.by() == Some(By::Range) => {
                let rest = nr_pages.saturating_sub(offset).max(1);
                match rng.weighted(&[40, 30, 20, 4]) {
                    0 => 1,
                    1 => rng.below(rest) as i32 + 1,
                    2 => rest as i32,
                    _ => values::edge(rng),
                }
            }
            N::None | N::Refs | N::Npages | N::Pages => values::refs(rng, nr_pages),
        };
    }
    if info.has(abi::GD_S_VAL) {
        op.val = match info.val {
            Val::Seq => seq(rng) as i32,
            Val::Answer => rng.range(-16, 4),
            Val::Pins => values::pincount(rng, folio.refs),
            Val::None | Val::Refs | Val::Bytes | Val::Max => values::refcount(rng, nr_pages),
        };
    }
    op
}

/// The operations that drop references and pins.
struct Gives {
    pins: Vec<u8>,
    refs: Vec<u8>,
}

static GIVES: LazyLock<Gives> = LazyLock::new(|| {
    let back = |are: fn(What) -> bool| {
        let gives = |op: &&OpInfo| match op.effect {
            Effect::Gives { what, .. } => are(what),
            _ => false,
        };
        ops::table().iter().filter(gives).map(|op| op.id).collect()
    };
    Gives {
        pins: back(|what| matches!(what, What::Pin | What::Grabbed)),
        refs: back(|what| matches!(what, What::Ref | What::Grabbed)),
    }
});

/// An operation that drops what an earlier one took, if anything is held and the revision
/// has an operation for it.
pub fn release(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    if model.nr_held == 0 {
        return None;
    }
    let held = rng.pick(&model.held[..model.nr_held]);
    let id = match held.pinned {
        true => rng.pick(&GIVES.pins),
        false => rng.pick(&GIVES.refs),
    };
    let folio = model.folio.get(split_page(held.page).0);
    let is_managed = folio.is_some_and(FolioModel::is_fsdax);
    if !profile.has(id) || u32::from(id) == abi::GD_OP_PUT_DEVMAP_MANAGED && !is_managed {
        return None;
    }
    let info = ops::info(id)?;
    let mut op = op(rng, id, model, &[]);
    op.mods &= !((abi::GD_MOD_N | abi::GD_MOD_RAW) as u8);
    op.run[0].page = held.page;
    if info.has(abi::GD_S_LIST) {
        let room = model.folio[split_page(held.page).0 % model.folio.len()].nr_pages();
        let room = room.saturating_sub(split_page(held.page).1).max(1);
        op.run[0].len = held.refs.clamp(1, room.min(512) as i32) as u16;
        op.n = 0;
        if rng.chance(1, 2) {
            op.run[1..].fill(super::NO_RUN);
        }
    } else if info.has(abi::GD_S_N) {
        op.n = match rng.chance(7, 8) {
            true => held.refs,
            false => values::refs(rng, 1),
        };
    }
    if info.has(abi::GD_S_FOLL) {
        op.foll = match held.pinned {
            true => bit(abi::GD_FOLL_PIN),
            false => bit(abi::GD_FOLL_GET),
        };
    }
    Some(op)
}
