// SPDX-License-Identifier: GPL-2.0
//! The counts after a call of a walk: exactly one reference or pin for each returned page.

use super::Law;
use super::op::{Check, Op};
use super::rules::{after, require, scheme};
use super::walk::Call;
use crate::effect::Part;
use crate::ops;
use crate::program::Program;
use crate::rev::Fact;
use crate::trace::PageState;
use crate::world::folio::is_device_page;
use crate::world::layout::{NR_PAGES, Operand};
use crate::world::pages::Pages;

/// The counts and counters change for these pages and nothing else.
pub(super) fn held(
    op: &Op,
    call: &Call,
    law: Law,
    entries: &[u32],
    pages: &Pages,
    prog: &Program,
) -> Check {
    if is_ambiguous(prog, op.done) || entries.iter().any(|page| *page >= NR_PAGES) {
        return Ok(());
    }
    let zero = pages
        .layout()
        .zero()
        .map(|i| pages.layout().folios()[i].head());
    let mut folios: Vec<(u32, i32)> = Vec::new();
    let mut pins = 0i32;
    for head in pages.heads(&prog.0, entries.iter().copied()) {
        if call.pin && Some(head) == zero && op.rev.has(Fact::ZeroPage) {
            continue;
        }
        pins += i32::from(call.pin);
        match folios.iter_mut().rev().find(|(h, _)| *h == head) {
            Some((_, n)) => *n += 1,
            None => folios.push((head, 1)),
        }
    }
    let net = op.acquired.wrapping_sub(op.released);
    let counters = if call.pin {
        net == pins
    } else {
        (op.acquired, op.released) == (0, 0)
    };
    require(counters, law, None, || {
        format!(
            "{} pins counted as acquired and {} as released; {pins} pages are pinned",
            op.acquired, op.released
        )
    })?;
    let moved = |old: &PageState, new: &PageState| {
        (
            new.refcount.wrapping_sub(old.refcount),
            new.pincount.wrapping_sub(old.pincount),
        )
    };
    let claimed = |page: u32| !is_device_page(page) && !set_by_others(op, prog, pages, page);
    for (head, n) in &folios {
        let old = pages.get(&prog.0, *head);
        let seen = moved(&old, &after(op, &old));
        let expected = if call.pin {
            scheme(pages.has_pincount(&prog.0, &old), *n)
        } else {
            (*n, 0)
        };
        require(
            seen == expected || !claimed(*head),
            law,
            Some(*head),
            || {
                format!(
                    "refcount changed by {} and pin count by {}; {n} of its pages were returned",
                    seen.0, seen.1
                )
            },
        )?;
    }
    for (old, new) in op.changed {
        let returned = folios.iter().any(|(head, _)| *head == new.page);
        let seen = moved(old, new);
        require(
            returned || seen == (0, 0) || !claimed(new.page),
            law,
            Some(new.page),
            || {
                format!(
                    "refcount changed by {} and pin count by {}, but none of its pages was returned",
                    seen.0, seen.1
                )
            },
        )?;
    }
    Ok(())
}

/// Whether others changed which folio a page belongs to.
pub(super) fn is_ambiguous(prog: &Program, done: &[usize]) -> bool {
    done.iter().any(|i| {
        let part = ops::sets(prog.acts()[*i].op.op);
        matches!(part, Some(Part::Split | Part::Merge | Part::Tail))
    })
}

/// Whether others set the counts of a page.
fn set_by_others(op: &Op, prog: &Program, pages: &Pages, page: u32) -> bool {
    op.done.iter().any(|i| {
        let other = &prog.acts()[*i].op;
        let Operand::Page(named) = pages.layout().operand(other) else {
            return false;
        };
        match ops::sets(other.op) {
            Some(Part::Refcount) => named == page,
            Some(Part::Pincount | Part::Contents) => {
                named == page || (named < NR_PAGES && pages.head(&prog.0, named) == page)
            }
            _ => false,
        }
    })
}
