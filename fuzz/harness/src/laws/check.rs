// SPDX-License-Identifier: GPL-2.0
//! Reads a trace operation by operation: what each does, and which laws apply to it.

use csrc::abi::{self, gd_op, gd_rec};

use super::careful::Shown;
use super::op::{Check, Expected, Op, Parts, expected};
use super::{Broken, Checker, Law, SideFacts, held, rules, slow, walk};
use crate::effect::{self, Met, Part};
use crate::ops;
use crate::program::Program;
use crate::program::walk::is_any_call;
use crate::rev::Fact;
use crate::trace::{self, End, PageState, Ret, Trace};

pub(super) fn trace(
    checker: &mut Checker,
    prog: &Program,
    facts: SideFacts,
    trace: &Trace,
    known: &mut dyn FnMut(&Broken) -> bool,
) -> Option<Broken> {
    let mut executed = 0;
    let mut rest = trace.records();
    while let Some(op) = prog.ops().get(executed) {
        let Some(summary) = Summary::new(checker, rest) else {
            break;
        };
        let script = script(checker, prog, executed);
        let checked = match is_world(op) {
            true => script.and(world(checker, prog, summary.parts.pages)),
            false => script.and_then(|()| operation(checker, prog, facts, op, &summary)),
        };
        follow(checker, prog, op, &summary);
        if !is_world(op) {
            note(checker, summary.parts.pages);
        }
        rest = &rest[summary.recs.len()..];
        let shown = Shown {
            recs: summary.recs,
            ret: summary.ret,
        };
        let careful = checker
            .caller
            .step(prog, executed, &shown, checker.pages.layout());
        let checked = checked.and(careful);
        if let Err((law, page, what)) = checked {
            let broken = Broken {
                law,
                op_index: executed,
                op: Some(op.op),
                page,
                what,
            };
            if !known(&broken) {
                return Some(broken);
            }
        }
        checker.pages.set_bits(summary.bits);
        executed += 1;
    }
    let broken = |law, page, what| Broken {
        law,
        op_index: prog.nr_ops(),
        op: None,
        page,
        what,
    };
    let tail = trace.tail();
    if let Some(rec) = tail.iter().find(|rec| is_page(rec)) {
        let page = PageState::page_of(rec);
        let what = "its state differs from the last recorded one".to_string();
        return Some(broken(Law::NothingChangesUnnoticed, Some(page), what));
    }
    match trace.end() {
        Some((End::Done, n)) if n as usize == executed && executed == prog.nr_ops() => {
            let careful = checker.caller.end(prog, &checker.pages);
            careful
                .err()
                .map(|(law, page, what)| broken(law, page, what))
        }
        // Whether the count includes the operation that stopped differs between traces.
        Some((End::Bug | End::Oops | End::Limit | End::Gap, n)) if n as usize <= executed => None,
        Some((reason, n)) => {
            let what = format!("{executed} results, but the end says {reason:?} after {n}");
            Some(broken(Law::TraceIsWhole, None, what))
        }
        None => {
            let what = format!("{executed} results and no end");
            Some(broken(Law::TraceIsWhole, None, what))
        }
    }
}

/// The actions that ran according to the records: each belongs to the operation and runs
/// once.
fn script(checker: &mut Checker, prog: &Program, index: usize) -> Check {
    let acts = prog.acts_range(index);
    let done = &mut checker.done;
    let wrong = (0..done.len()).find(|&i| !acts.contains(&done[i]) || done[..i].contains(&done[i]));
    let Some(at) = wrong else {
        return Ok(());
    };
    let what = format!("action {} runs out of order", done[at] + 1);
    done.truncate(at);
    Err((Law::TraceIsWhole, None, what))
}

/// Applies the changes that the program itself made in the operation.
fn follow(checker: &mut Checker, prog: &Program, op: &gd_op, summary: &Summary) {
    let Checker {
        pages,
        tables,
        vmas,
        done,
        advanced,
        odd,
        ..
    } = checker;
    let advanced = std::mem::take(advanced);
    let mut carried_out = |op: &gd_op| {
        if !advanced {
            tables.apply(op, pages.layout());
        }
        vmas.set(op);
        *odd |= ops::sets(op.op) == Some(Part::Tail);
    };
    if summary.ret == Ret::Void {
        carried_out(op);
    }
    done.iter().for_each(|i| carried_out(&prog.acts()[*i].op));
}

/// The result of one pass over an operation's records.
struct Summary<'a> {
    recs: &'a [gd_rec],
    parts: Parts<'a>,
    ret: Ret,
    bits: u8,
    acquired: i32,
    released: i32,
}

impl<'a> Summary<'a> {
    /// For the first operation in `rest`, if it has a result.  Also fills the checker's
    /// list of actions that ran.
    fn new(checker: &mut Checker, rest: &'a [gd_rec]) -> Option<Self> {
        checker.done.clear();
        let (mut pages, mut entries, mut events) = (0..0, 0..0, 0..0);
        let (mut bits, mut moved) = (checker.pages.bits(), 0);
        for (i, rec) in rest.iter().enumerate() {
            let part = match u32::from(rec.kind) {
                abi::GD_R_PAGE => &mut pages,
                abi::GD_R_ENTRY => &mut entries,
                abi::GD_R_CALL | abi::GD_R_ASK => &mut events,
                abi::GD_R_ACT => {
                    checker.done.push(usize::from(rec.b));
                    &mut events
                }
                abi::GD_R_STATE => {
                    (bits, moved) = (rec.a, rec.d);
                    continue;
                }
                abi::GD_R_RET => {
                    let parts = Parts {
                        pages: &rest[pages],
                        entries: &rest[entries],
                        events: &rest[events],
                    };
                    return Some(Self {
                        recs: &rest[..=i],
                        parts,
                        ret: trace::ret(rec),
                        bits,
                        acquired: moved as u32 as i32,
                        released: (moved >> 32) as u32 as i32,
                    });
                }
                _ => continue,
            };
            if part.end == 0 {
                part.start = i;
            }
            part.end = i + 1;
        }
        None
    }
}

/// Whether the program itself makes the change.
fn is_world(op: &gd_op) -> bool {
    ops::info(op.op).is_some_and(|info| info.is_change)
}

/// A change of the world: the pages that it changed.
fn world(checker: &mut Checker, prog: &Program, recs: &[gd_rec]) -> Check {
    note(checker, recs);
    if checker.odd && !checker.pages.rev().has(Fact::PincountOfAll) {
        return Ok(());
    }
    let new = recs.iter().filter(|rec| is_page(rec));
    new.map(PageState::from_rec)
        .try_for_each(|new| rules::pinnedness(&new, checker.pages.has_pincount(&prog.0, &new)))
}

/// Collects the pages that an operation changed.
fn note(checker: &mut Checker, recs: &[gd_rec]) {
    for rec in recs.iter().filter(|rec| is_page(rec)) {
        checker.pages.note(rec);
    }
}

pub(super) fn is_page(rec: &gd_rec) -> bool {
    u32::from(rec.kind) == abi::GD_R_PAGE
}

fn operation(
    checker: &mut Checker,
    prog: &Program,
    facts: SideFacts,
    op: &gd_op,
    summary: &Summary,
) -> Check {
    let Some(info) = ops::info(op.op) else {
        return Ok(());
    };
    let pages = &checker.pages;
    let rev = facts.rev;
    let ret = summary.ret;
    if matches!(ret, Ret::Stopped | Ret::Absent) {
        return Ok(());
    }
    let disturbs = |i: &usize| {
        let part = ops::sets(prog.acts()[*i].op.op);
        part.is_none_or(|part| effect::met_by_walks(part) == Met::Elsewhere)
    };
    let disturbed = checker.done.iter().any(disturbs);
    let is_walk = is_any_call(op.op);
    checker.changed.clear();
    // The previous state of a page is looked up only if a law needs it.
    let split = is_walk && held::is_ambiguous(prog, &checker.done);
    if !split && (is_walk || !disturbed) {
        for rec in summary.parts.pages.iter().filter(|rec| is_page(rec)) {
            let new = PageState::from_rec(rec);
            checker.changed.push((pages.get(&prog.0, new.page), new));
        }
    }
    let head = if checker.one_page[usize::from(op.op)] && !checker.odd && !disturbed {
        let head = pages.operand_head(&prog.0, pages.layout().operand(op));
        head.map(|head| pages.get(&prog.0, head))
    } else {
        None
    };
    let zero = match (head, pages.layout().zero()) {
        (Some(head), Some(i)) if rev.has(Fact::ZeroPage) => {
            pages.layout().folios()[i].head() == head.page
        }
        _ => false,
    };
    let declared = head.and_then(|head| pages.layout().find(head.page));
    let slab = declared.is_some_and(|(i, _)| {
        u32::from(prog.folios()[i].kind) == abi::GD_K_SLAB && rev.has(Fact::SlabHasNoCount)
    });
    let ctx = Op {
        op,
        info,
        expected: match disturbed || checker.odd {
            true if !is_walk => Expected::Other,
            // Whether it is still a slab page is not checked.
            _ if slab && looks_at_type(op) => Expected::Other,
            _ if slow::comes_here(op, prog.world().state) => Expected::SlowWalk,
            _ => expected(op, info, rev, || {
                head.map_or(1, |h| pages.left_in_folio(&prog.0, op, &h))
            }),
        },
        recs: summary.recs,
        parts: summary.parts,
        changed: &checker.changed,
        ret,
        acquired: summary.acquired,
        released: summary.released,
        bits: summary.bits,
        head,
        zero,
        has_pincount: head.is_some_and(|head| pages.has_pincount(&prog.0, &head)),
        rev,
        counters: facts.counters,
        done: &checker.done,
        vmas: &checker.vmas,
        disturbed,
        folios_are_known: !disturbed && !checker.odd,
    };
    rules::every_operation(&ctx, pages, prog)?;
    match ctx.expected {
        Expected::Ask => rules::asked(&ctx),
        Expected::Get(refs) => rules::got(&ctx, refs),
        Expected::Put(_) | Expected::Unpin(_) if ctx.may_keep() => Ok(()),
        Expected::Put(refs) => rules::put(&ctx, refs),
        Expected::Pin(refs) => rules::pinned(&ctx, refs),
        Expected::AddPin => rules::added_pin(&ctx),
        Expected::Unpin(refs) => rules::unpinned(&ctx, refs),
        Expected::Walk => {
            checker.advanced = true;
            let ways = (&mut checker.tables, &mut checker.seen);
            walk::walked(&ctx, pages, ways, prog, checker.odd)
        }
        Expected::SlowWalk => {
            checker.advanced = true;
            let ways = (&mut checker.tables, &mut checker.seen);
            return slow::called(&ctx, pages, ways, prog, checker.odd);
        }
        Expected::PinMany | Expected::UnpinMany | Expected::Other => Ok(()),
    }?;
    if disturbed || checker.odd {
        return Ok(());
    }
    let pins = matches!(
        ctx.expected,
        Expected::Pin(_) | Expected::PinMany | Expected::Unpin(_) | Expected::UnpinMany
    );
    if pins && ctx.counters && !ctx.may_keep() {
        rules::balance(&ctx, pages, prog)?;
    }
    rules::dirtied(&ctx, pages, prog)
}

/// Whether its result depends on the kind of its page.
fn looks_at_type(op: &gd_op) -> bool {
    matches!(u32::from(op.op), abi::GD_OP_GET_PAGE | abi::GD_OP_PUT_PAGE)
}
