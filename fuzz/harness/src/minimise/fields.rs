// SPDX-License-Identifier: GPL-2.0
//! Passes over single fields, which simplify values.

use csrc::abi::{self, gd_folio, gd_op};

use super::Shrinker;
use crate::program::{NR_RUNS, Program, page, split_page};

/// Simpler values than `now`, the simplest first.  1 is simpler than 0, because a count of
/// 1 is not written in text.
fn plainer(now: i32) -> impl Iterator<Item = i32> {
    let rank = |n: i32| match n {
        1 => 0,
        0 => 1,
        _ => 2 + 2 * i64::from(n).abs() + i64::from(n < 0),
    };
    let step = if now > 0 { -1 } else { 1 };
    [
        1,
        0,
        2,
        -1,
        1024,
        now.wrapping_neg(),
        now / 2,
        now.wrapping_add(step),
    ]
    .into_iter()
    .filter(move |n| rank(*n) < rank(now))
}

/// Simplifies one number as far as possible.
fn number(s: &mut Shrinker, get: impl Fn(&Shrinker) -> i32, set: impl Fn(&mut Program, i32)) {
    for _ in 0..64 {
        let now = get(s);
        if !plainer(now).any(|n| s.edit(|p| set(p, n))) {
            return;
        }
    }
}

/// Clears the bits of a mask: first all, then one by one.
fn bits(s: &mut Shrinker, get: impl Fn(&Shrinker) -> u32, set: impl Fn(&mut Program, u32)) {
    if get(s) == 0 || s.edit(|p| set(p, 0)) {
        return;
    }
    for bit in (0..32).rev() {
        let now = get(s);
        if now & 1 << bit != 0 {
            s.edit(|p| set(p, now & !(1 << bit)));
        }
    }
}

/// The other state: interrupts on, nothing else.
pub(super) fn world(s: &mut Shrinker) {
    let plain = abi::GD_W_IRQS_ON as u8;
    s.edit(|p| p.0.world.state = plain);
    for bit in [
        abi::GD_W_HAS_PINNED,
        abi::GD_W_HAS_PINNED_2,
        abi::GD_W_DEVMAP_KEY,
        abi::GD_W_REAL_SLOW_PATH,
    ] {
        s.edit(|p| p.0.world.state &= !(bit as u8));
    }
    s.edit(|p| p.0.world.state |= plain);
    s.edit(|p| p.0.world.seq = 0);
    s.edit(|p| p.0.world.seq &= 1);
    bits(s, |s| s.best().world().pkru, |p, v| p.0.world.pkru = v);
}

/// Folios: small, plain, refcount 1.
pub(super) fn folios(s: &mut Shrinker) {
    for i in 0..s.best().nr_folios() {
        let folio = move |s: &Shrinker| -> gd_folio { s.best().folios()[i] };
        let try_field =
            |s: &mut Shrinker, set: &dyn Fn(&mut gd_folio)| s.edit(|p| set(&mut p.folios_mut()[i]));
        try_field(s, &|f| f.kind = abi::GD_K_NORMAL as u8);
        for order in 0..folio(s).order {
            if try_field(s, &|f| f.order = order) {
                break;
            }
        }
        try_field(s, &|f| f.mapping = abi::GD_M_NONE as u8);
        try_field(s, &|f| f.movable = 0);
        try_field(s, &|f| f.exclusive = 0);
        try_field(s, &|f| f.migratetype = abi::GD_MT_MOVABLE as u8);
        bits(s, |s| folio(s).flags, |p, v| p.folios_mut()[i].flags = v);
        number(s, |s| folio(s).ref_, |p, n| p.folios_mut()[i].ref_ = n);
        // a pin count of 0 is not written in text
        if folio(s).pin != 0 && !try_field(s, &|f| f.pin = 0) {
            number(s, |s| folio(s).pin, |p, n| p.folios_mut()[i].pin = n);
        }
    }
}

/// Operations: few flags, small counts, and one mm.
pub(super) fn operations(s: &mut Shrinker) {
    s.edit(|p| (0..p.nr_all()).for_each(|i| p.any_op_mut(i).mm = 0));
    for i in 0..s.best().nr_all() {
        let op = move |s: &Shrinker| -> gd_op { *s.best().any_op(i) };
        bits(
            s,
            |s| op(s).mods.into(),
            |p, v| p.any_op_mut(i).mods = v as u8,
        );
        bits(s, |s| op(s).foll, |p, v| p.any_op_mut(i).foll = v);
        for arg in 0..op(s).arg.min(32) {
            if s.edit(|p| p.any_op_mut(i).arg = arg) {
                break;
            }
        }
        if op(s).mm != 0 {
            s.edit(|p| p.any_op_mut(i).mm = 0);
        }
        number(s, |s| op(s).n, |p, n| p.any_op_mut(i).n = n);
        number(s, |s| op(s).val, |p, n| p.any_op_mut(i).val = n);
    }
}

/// Page operands: the head, else as close to it as possible; the first folio.
pub(super) fn pages(s: &mut Shrinker) {
    for i in 0..s.best().nr_all() {
        for run in 0..NR_RUNS {
            loop {
                let (index, offset) = split_page(s.best().any_op(i).run[run].page);
                let candidates = [
                    page(0, 0),
                    page(index, 0),
                    page(index, 1),
                    page(index, offset / 2),
                    page(index, offset.saturating_sub(1)),
                ];
                let now = page(index, offset);
                let kept = candidates
                    .into_iter()
                    .filter(|c| *c < now)
                    .any(|c| s.edit(|p| p.any_op_mut(i).run[run].page = c));
                if !kept {
                    break;
                }
            }
        }
    }
}
