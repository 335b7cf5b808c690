// SPDX-License-Identifier: GPL-2.0
//! The laws, each checked for one operation.

use csrc::abi::{self, gd_rec};

use super::Law;
use super::check::is_page;
use super::op::{Check, Expected, Op};
use super::walk;
use crate::effect::{Effect, Of, Part};
use crate::program::{self, Program};
use crate::rev::Fact;
use crate::trace::{Call, PageState, Ret};
use crate::world::folio::{PIN_BIAS, is_device_page};
use crate::world::layout::maybe_dma_pinned;
use crate::world::pages::Pages;

pub(super) fn calls<'a>(recs: &'a [gd_rec]) -> impl Iterator<Item = (Call, PageState)> + 'a {
    recs.iter()
        .filter(|rec| u32::from(rec.kind) == abi::GD_R_CALL)
        .map(|rec| (Call::from_abi(rec.a), PageState::from_call(rec)))
}

#[inline]
pub(super) fn require(
    ok: bool,
    law: Law,
    page: Option<u32>,
    what: impl FnOnce() -> String,
) -> Check {
    match ok {
        true => Ok(()),
        false => Err((law, page, what())),
    }
}

#[inline]
pub(super) fn pinnedness(new: &PageState, has_pincount: bool) -> Check {
    let expected = !new.tail && maybe_dma_pinned(new, has_pincount);
    require(
        new.pinned == expected,
        Law::PinnednessFollowsCounts,
        Some(new.page),
        || {
            format!(
                "maybe_dma_pinned is {}, with refcount {} and pin count {}",
                new.pinned, new.refcount, new.pincount
            )
        },
    )
}

pub(super) fn every_operation(op: &Op, pages: &Pages, prog: &Program) -> Check {
    let before = pages.bits();
    let moved = |bit: u32| u32::from(before ^ op.bits) & bit != 0;
    require(
        !moved(abi::GD_W_IRQS_ON) || op.has_done(prog, Part::Irqs),
        Law::InterruptsAreRestored,
        None,
        || match u32::from(before) & abi::GD_W_IRQS_ON {
            0 => "interrupts were off and are on now".into(),
            _ => "interrupts were on and are off now".into(),
        },
    )?;
    if op.has_done(prog, Part::HasPinned) {
        // The program itself sets the new value.
    } else if matches!(op.expected, Expected::Walk | Expected::SlowWalk) {
        walk::has_pinned(op, before)?;
    } else if op.effect() == Effect::Marks {
        let (it, other) = walk::has_pinned_bits(op.op);
        let set = u32::from(op.bits) & it != 0 && !moved(other);
        require(set, Law::HasPinnedIsOneWay, None, || "it is not set".into())?;
    } else {
        let same = !moved(abi::GD_W_HAS_PINNED | abi::GD_W_HAS_PINNED_2);
        require(same, Law::HasPinnedIsOneWay, None, || "it changed".into())?;
    }
    for rec in op.parts.pages.iter().filter(|rec| is_page(rec)) {
        let new = PageState::from_rec(rec);
        // Whether there is a pin count may depend on the order.
        if op.rev.has(Fact::PincountOfAll) || op.folios_are_known {
            pinnedness(&new, pages.has_pincount(&prog.0, &new))?;
        }
    }
    if op.disturbed {
        return Ok(());
    }
    for (old, new) in op.changed {
        let newly = |flag| new.has(flag) && !old.has(flag);
        require(
            !newly(abi::GD_F_LOCKED),
            Law::LocksAreBalanced,
            Some(new.page),
            || "it is locked now and was not before".into(),
        )?;
        if let Some(head) = &op.head {
            require(
                new.page == head.page,
                Law::OnlyItsFolio,
                Some(new.page),
                || "it changed, but is not in the folio of the operand".into(),
            )?;
        }
        let puts = matches!(
            op.expected,
            Expected::Put(_) | Expected::Unpin(_) | Expected::UnpinMany
        );
        if puts && !is_device_page(new.page) && new.refcount == 0 && old.refcount != 0 {
            let freed =
                calls(op.parts.events).any(|(c, s)| c == Call::FolioPut && s.page == new.page);
            require(freed, Law::FreedAtZero, Some(new.page), || {
                format!(
                    "its refcount went from {} to 0 without __folio_put",
                    old.refcount
                )
            })?;
        }
    }
    let (mut dirties, mut unlocks) = (0, 0);
    for (call, state) in calls(op.parts.events) {
        match call {
            Call::FolioPut => require(
                state.refcount == 0,
                Law::FreedAtZero,
                Some(state.page),
                || format!("it is freed with refcount {}", state.refcount),
            )?,
            // The slow path dirties the pages that it writes to.
            Call::FolioMarkDirty if op.expected == Expected::SlowWalk => {}
            // The slow path locks each folio for a check, without a CALL record.
            Call::FolioUnlock if op.effect() == Effect::PinsFile => {}
            Call::FolioMarkDirty | Call::MlockVmaPage | Call::Split => dirties += 1,
            Call::FolioUnlock => unlocks += 1,
            _ => {}
        }
    }
    require(dirties == unlocks, Law::LocksAreBalanced, None, || {
        format!("{dirties} calls that need a locked folio, and {unlocks} of folio_unlock")
    })
}

pub(super) fn asked(op: &Op) -> Check {
    let quiet = op.recs.iter().all(|rec| {
        !matches!(
            u32::from(rec.kind),
            abi::GD_R_PAGE | abi::GD_R_STATE | abi::GD_R_CALL
        )
    });
    let page = op.head.map(|head| head.page);
    require(quiet, Law::PredicatesChangeNothing, page, || {
        "the state changed".into()
    })?;
    if let (
        abi::GD_OP_FOLIO_MAYBE_DMA_PINNED | abi::GD_OP_PAGE_MAYBE_DMA_PINNED,
        Some(head),
        Ret::Bool(said),
    ) = (u32::from(op.op.op), op.head, op.ret)
    {
        // A split may take the pin count away and change nothing else, so the last record
        // may be older than that.
        let pinned = maybe_dma_pinned(&head, op.has_pincount);
        require(said == pinned, Law::PinnednessFollowsCounts, page, || {
            format!(
                "the result is {said}, with refcount {} and pin count {}",
                head.refcount, head.pincount
            )
        })?;
    }
    Ok(())
}

/// Whether the operation succeeded.
fn succeeded(op: &Op) -> bool {
    match op.ret {
        Ret::Bool(done) => done,
        Ret::Errno(errno) => errno == 0,
        Ret::Null => false,
        Ret::Int(n) => n > 0,
        _ => true,
    }
}

/// The head after the operation.
pub(super) fn after(op: &Op, head: &PageState) -> PageState {
    let found = op.changed.iter().find(|(_, new)| new.page == head.page);
    found.map_or(*head, |(_, new)| *new)
}

/// The refcount, the pin count and the counters changed by these numbers.
fn moved(op: &Op, law: Law, refs: i32, pins: i32, acquired: i32, released: i32) -> Check {
    let Some(head) = op.head else {
        return Ok(());
    };
    let new = after(op, &head);
    let seen = (
        new.refcount.wrapping_sub(head.refcount),
        new.pincount.wrapping_sub(head.pincount),
    );
    require(seen == (refs, pins), law, Some(head.page), || {
        format!(
            "refcount changed by {} and pin count by {}, expected {refs} and {pins}",
            seen.0, seen.1
        )
    })?;
    let law = match law {
        Law::PinMovesCounts => Law::PinIsCounted,
        Law::FailedGrabTakesNothing => Law::PinsBalanceCounters,
        _ => law,
    };
    require(
        !op.counters || (op.acquired, op.released) == (acquired, released),
        law,
        Some(head.page),
        || {
            format!(
                "{} pins counted as acquired and {} as released, expected {acquired} and {released}",
                op.acquired, op.released
            )
        },
    )
}

/// The laws for every attempt to take references or pins.  Returns whether it failed.
fn attempt(op: &Op) -> Result<bool, (Law, Option<u32>, String)> {
    let Some(head) = &op.head else {
        return Ok(false);
    };
    let page = Some(head.page);
    let id = u32::from(op.op.op);
    match op.ret {
        Ret::Errno(errno) => {
            let known = errno == 0 || (-4095..0).contains(&errno);
            require(known, Law::ErrorsAreErrno, page, || {
                format!("the result is {errno}")
            })?;
        }
        Ret::Folio(folio) => {
            require(folio == head.page, Law::GrabReturnsTheFolio, page, || {
                format!("the result is page {folio:#x}")
            })?;
        }
        _ => {}
    }
    let takes = !matches!(op.expected, Expected::Get(0));
    let looks = takes || op.rev.has(Fact::SlowGrabLooksFirst);
    if id == abi::GD_OP_GRAB_SLOW && head.refcount <= 0 && looks {
        let warned = |rec: &gd_rec| u32::from(rec.kind) == abi::GD_R_WARN;
        require(op.recs.iter().any(warned), Law::SlowGrabWarns, page, || {
            format!("its refcount is {}, and there was no WARN", head.refcount)
        })?;
    }
    if succeeded(op) {
        // These trust their caller, or add unless the count is zero.
        let trusts = match op.effect() {
            Effect::Takes { of, .. } => matches!(of, Of::Held | Of::Nonzero),
            _ => false,
        };
        require(
            trusts || !takes || head.refcount >= 0 || op.zero,
            Law::OverflowIsRefused,
            page,
            || format!("its refcount was {}, and it was grabbed", head.refcount),
        )?;
        return Ok(false);
    }
    moved(op, Law::FailedGrabTakesNothing, 0, 0, 0, 0)?;
    Ok(true)
}

pub(super) fn got(op: &Op, refs: i32) -> Check {
    if attempt(op)? {
        return Ok(());
    }
    if let Some(head) = &op.head {
        // get_page and folio_get trust their caller.
        let tries = !matches!(op.ret, Ret::Void);
        require(
            !tries || refs == 0 || head.refcount != 0,
            Law::NothingFromFree,
            Some(head.page),
            || "its refcount was 0, and it was grabbed".into(),
        )?;
    }
    moved(op, Law::GetMovesOnlyReferences, refs, 0, 0, 0)?;
    match &op.head {
        Some(head) if !matches!(op.ret, Ret::Void) => overflow(op, head, refs),
        _ => Ok(()),
    }
}

/// A demand of the review of the FOLL_PIN series.  Kernels do less: they refuse negative
/// counts, and half of all values are a safety margin.
fn overflow(op: &Op, head: &PageState, refs: i32) -> Check {
    let over = refs > 0 && head.refcount.checked_add(refs).is_none();
    require(
        !op.rev.is_series() || !over,
        Law::OverflowIsNoticed,
        Some(head.page),
        || format!("its refcount went from {} over INT_MAX", head.refcount),
    )
}

pub(super) fn put(op: &Op, refs: i32) -> Check {
    let refs = if succeeded(op) {
        0i32.wrapping_sub(refs)
    } else {
        0
    };
    moved(op, Law::GetMovesOnlyReferences, refs, 0, 0, 0)
}

/// The changes of the refcount and the pin count of a folio for this many pins.
pub(super) fn scheme(has_pincount: bool, refs: i32) -> (i32, i32) {
    if has_pincount {
        (refs, refs)
    } else {
        (refs.wrapping_mul(PIN_BIAS), 0)
    }
}

pub(super) fn pinned(op: &Op, refs: i32) -> Check {
    if attempt(op)? {
        return Ok(());
    }
    let Some(head) = &op.head else {
        return Ok(());
    };
    if op.zero {
        return moved(op, Law::ZeroPageIsNotPinned, 0, 0, 0, 0);
    }
    require(
        head.refcount != 0,
        Law::NothingFromFree,
        Some(head.page),
        || "its refcount was 0, and it was pinned".into(),
    )?;
    let (dref, dpin) = scheme(op.has_pincount, refs);
    moved(op, Law::PinMovesCounts, dref, dpin, refs, 0)?;
    overflow(op, head, dref)?;
    says_so(op, head, refs)
}

fn says_so(op: &Op, head: &PageState, refs: i32) -> Check {
    let fits = if op.has_pincount {
        head.pincount >= 0 && head.pincount.checked_add(refs).is_some()
    } else {
        let total = refs.checked_mul(PIN_BIAS);
        head.refcount >= 0 && total.is_some_and(|t| head.refcount.checked_add(t).is_some())
    };
    let new = after(op, head);
    let fine = refs <= 0 || !fits || new.pinned;
    require(fine, Law::PinnedPageSaysSo, Some(head.page), || {
        format!(
            "with refcount {} and pin count {} it is not reported as pinned",
            new.refcount, new.pincount
        )
    })
}

pub(super) fn added_pin(op: &Op) -> Check {
    let Some(head) = &op.head else {
        return Ok(());
    };
    if op.zero {
        return moved(op, Law::ZeroPageIsNotPinned, 0, 0, 0, 0);
    }
    let (dref, dpin) = scheme(op.has_pincount, 1);
    // It does not count the pin.
    moved(op, Law::PinMovesCounts, dref, dpin, 0, 0)?;
    says_so(op, head, 1)
}

pub(super) fn unpinned(op: &Op, refs: i32) -> Check {
    if op.zero {
        return moved(op, Law::ZeroPageIsNotPinned, 0, 0, 0, 0);
    }
    let (dref, dpin) = scheme(op.has_pincount, 0i32.wrapping_sub(refs));
    moved(op, Law::PinMovesCounts, dref, dpin, 0, refs)
}

/// Over all pages: the changes of the counts match those of the counters.
pub(super) fn balance(op: &Op, pages: &Pages, prog: &Program) -> Check {
    let mut refs = 0i32;
    for (old, new) in op.changed {
        let dref = new.refcount.wrapping_sub(old.refcount);
        if pages.has_pincount(&prog.0, new) {
            let dpin = new.pincount.wrapping_sub(old.pincount);
            require(
                dref == dpin,
                Law::LargeUnpinDropsBoth,
                Some(new.page),
                || format!("refcount changed by {dref}, pin count by {dpin}"),
            )?;
            refs = refs.wrapping_add(dpin.wrapping_mul(PIN_BIAS));
        } else {
            refs = refs.wrapping_add(dref);
        }
    }
    let net = op.acquired.wrapping_sub(op.released);
    require(
        refs == net.wrapping_mul(PIN_BIAS),
        Law::PinsBalanceCounters,
        None,
        || {
            format!(
                "acquired {}, released {}; the pages' counts changed by {refs} in units of 1/1024 pin",
                op.acquired, op.released
            )
        },
    )
}

pub(super) fn dirtied(op: &Op, pages: &Pages, prog: &Program) -> Check {
    let mods = u32::from(op.op.mods);
    if !op.has(abi::GD_S_DIRTY) || mods & abi::GD_MOD_DIRTY == 0 {
        for (old, new) in op.changed {
            let newly = new.has(abi::GD_F_DIRTY) && !old.has(abi::GD_F_DIRTY);
            require(!newly, Law::DirtyWhenAsked, Some(new.page), || {
                "it was dirtied, but the operation must not dirty it".into()
            })?;
        }
        return Ok(());
    }
    // If npages is not its length, the kernel reads only part of the list, or past its end.
    let list = op.has(abi::GD_S_LIST);
    if (list && mods & abi::GD_MOD_N != 0) || (!list && op.op.n <= 0) {
        return Ok(());
    }
    let runs = if list { program::NR_RUNS } else { 1 };
    for run in op.op.run[..runs].iter().filter(|r| !list || r.len > 0) {
        let Some(head) = pages.operand_head(&prog.0, pages.layout().run(run)) else {
            continue;
        };
        let new = after(op, &pages.get(&prog.0, head));
        require(
            new.has(abi::GD_F_DIRTY),
            Law::DirtyWhenAsked,
            Some(head),
            || "it should be dirty, and is not".into(),
        )?;
    }
    Ok(())
}
