// SPDX-License-Identifier: GPL-2.0
//! The features of a program as a set of numbers, used to choose a small corpus.
//!
//! Two programs are both worth keeping if one has a feature that the other lacks: an
//! operation with another result, a site, a call, a kind of change.  Values are reduced to
//! their kinds, or else every program would be worth keeping.

mod walk;

use csrc::abi;

use crate::layer::{self, Focus};
use crate::ops;
use crate::program::Program;
use crate::rev::Rev;
use crate::trace::{Locks, PageState, Record, Ret, Trace};
use crate::world::pages::Pages;

/// The FOLL_ flags that page-level functions read.
const DECIDING: u32 = 1 << abi::GD_FOLL_WRITE
    | 1 << abi::GD_FOLL_GET
    | 1 << abi::GD_FOLL_PIN
    | 1 << abi::GD_FOLL_LONGTERM
    | 1 << abi::GD_FOLL_PCI_P2PDMA;

fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |h, part| {
        let h = (h ^ part).wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^ h >> 32
    })
}

/// The kind of a count: its sign, and whether it is close to 0 or to 1024.
fn class(n: i32) -> u64 {
    match n {
        ..-1024 => 1,
        -1024..0 => 2,
        0 => 3,
        1 => 4,
        2..1024 => 5,
        1024 => 6,
        1025..0x4000_0000 => 7,
        _ => 8,
    }
}

fn ret_class(ret: Ret) -> u64 {
    match ret {
        Ret::Void => 1,
        Ret::Bool(value) => 2 + u64::from(value),
        Ret::Errno(errno) => 0x1000 + u64::from(errno.unsigned_abs()),
        Ret::Folio(_) => 4,
        Ret::Null => 5,
        Ret::Absent => 6,
        Ret::Stopped => 7,
        Ret::Unknown(..) => 8,
        Ret::Page(_) => 9,
        Ret::Int(n @ -4095..=1) => 0x2000_0000 + n as u64,
        Ret::Int(_) => 10,
    }
}

/// Adds the features of a program that produced `trace` on a side of a revision.
pub fn of(prog: &Program, rev: Rev, trace: &Trace, features: &mut Vec<u64>) {
    let mut pages = Pages::default();
    pages.start(&prog.0, rev);
    of_with(&mut pages, prog, trace, features);
}

/// Like [`of`], with memory to reuse that was started on the program.
pub fn of_with(pages: &mut Pages, prog: &Program, trace: &Trace, features: &mut Vec<u64>) {
    let mut walks = walk::Walks::new(prog);
    // The other layers have corpora of their own.
    let slow = layer::of(prog) == Focus::Slow;
    for ((op, acts), recs) in prog.groups().zip(trace.ops()) {
        let id = u64::from(op.op);
        if ops::info(op.op).is_some_and(|op| op.is_change) {
            // A change of the world by the program itself: the only feature is that it ran.
            let changed = recs.iter().any(|rec| u32::from(rec.kind) != abi::GD_R_RET);
            features.push(mix(&[13, id, u64::from(changed)]));
            walks.world(op);
            pages.apply(recs);
            continue;
        }
        if crate::program::walk::is_any_call(op.op) {
            walks.call(prog, op, recs, features);
            let mut changes = 0;
            for rec in recs {
                match Record::from(rec) {
                    Record::Page(new) => {
                        let old = pages.get(&prog.0, new.page);
                        let id = walk::kind_of_call(prog, op);
                        changes = mix(&[changes, 7, change(&old, &new)]);
                        features.push(mix(&[7, id, change(&old, &new)]));
                    }
                    Record::Call(_, state) => {
                        features.push(mix(&[6, id, u64::from(rec.a), class(state.refcount)]));
                    }
                    _ => {}
                }
            }
            if !slow {
                features.push(mix(&[15, id, changes]));
            }
            walks.script(prog, op, acts, recs, features);
            pages.apply(recs);
            continue;
        }
        walks.page_level();
        if slow {
            walks.script(prog, op, acts, recs, features);
            pages.apply(recs);
            continue;
        }
        let operand = pages.layout().operand(op);
        let head = pages
            .operand_head(&prog.0, operand)
            .map(|head| pages.get(&prog.0, head));
        // The operands: kind of folio, state of its counts, flags.
        if let Some(head) = head {
            let kind = match pages.layout().find(head.page) {
                Some((index, _)) => u64::from(prog.folios()[index].kind),
                None => 99,
            };
            let state = u64::from(head.is_large()) | u64::from(head.mapping) << 1;
            features.push(mix(&[1, id, kind, state]));
            features.push(mix(&[
                2,
                id,
                u64::from(head.is_large()),
                class(head.refcount),
                class(head.pincount),
            ]));
        }
        let raw = u32::from(op.mods) & abi::GD_MOD_RAW != 0;
        let foll = if raw { 0 } else { op.foll & DECIDING };
        features.push(mix(&[3, id, u64::from(foll), u64::from(op.mods)]));
        features.push(mix(&[4, id, class(op.n), u64::from(op.arg)]));
        let mut events = 0;
        for rec in recs {
            match Record::from(rec) {
                Record::Warn(site) | Record::Bug(site) => {
                    events = mix(&[events, 5, u64::from(site.0)]);
                }
                Record::Call(_, state) => {
                    features.push(mix(&[6, id, u64::from(rec.a), class(state.refcount)]));
                }
                Record::Entry { index, .. } => {
                    features.push(mix(&[14, id, class(i32::from(index))]));
                }
                Record::Page(new) => {
                    let old = pages.get(&prog.0, new.page);
                    features.push(mix(&[7, id, change(&old, &new)]));
                }
                Record::State { .. } => features.push(mix(&[8, id, u64::from(rec.a)])),
                Record::Ret(ret, locks) => {
                    events = mix(&[events, 9, ret_class(ret)]);
                    if locks != Locks::default() {
                        events = mix(&[events, 15, u64::from(locks.0)]);
                    }
                }
                Record::Oops | Record::Limit | Record::Gap(_) => {
                    events = mix(&[events, 10, u64::from(rec.kind)]);
                }
                _ => {}
            }
        }
        features.push(mix(&[11, id, events]));
        walks.script(prog, op, acts, recs, features);
        pages.apply(recs);
    }
    if let Some(end) = trace.records().last()
        && u32::from(end.kind) == abi::GD_R_END
    {
        features.push(mix(&[12, u64::from(end.a)]));
    }
}

/// The fields of a page that changed, and the kinds of their new counts.
fn change(old: &PageState, new: &PageState) -> u64 {
    let fields = u64::from(old.refcount != new.refcount)
        | u64::from(old.pincount != new.pincount) << 1
        | u64::from(old.mapping != new.mapping) << 2
        | u64::from(old.tail != new.tail) << 3
        | u64::from(old.pinned) << 4
        | u64::from(new.pinned) << 5
        | u64::from(new.is_large()) << 6;
    mix(&[
        fields,
        u64::from(old.flags ^ new.flags),
        class(new.refcount),
        class(new.pincount),
    ])
}
