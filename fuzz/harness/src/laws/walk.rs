// SPDX-License-Identifier: GPL-2.0
//! Laws about the walk of page tables without locks.

use csrc::abi::{self, gd_op};

use super::held::held;
use super::mapped::{Seen, follow};
use super::op::{Check, Failure, Op};
use super::rules::require;
use super::{Law, walk_events};
use crate::program::Program;
use crate::program::walk::{is_fast_only, is_pin, is_slow};
use crate::rev::{Fact, Rev};
use crate::trace::Ret;
use crate::world::pages::Pages;
use crate::world::tables::Tables;
use walk_events::Events;

pub(super) const PAGE_SHIFT: u32 = 12;

/// What a call of the walk asks for, as far as it is known.
pub(super) struct Call {
    pub(super) start: u64,
    pub(super) nr: i32,
    /// Flags by name; `None` where the program gives a kernel's raw bits.
    pub(super) foll: Option<u32>,
    pub(super) pin: bool,
    pub(super) slow: bool,
    /// According to its name.
    only: bool,
    /// According to its name or its flags.
    fast_only: bool,
    pub(super) no_pages: bool,
}

impl Call {
    pub(super) fn new(op: &gd_op) -> Self {
        let foll = (u32::from(op.mods) & abi::GD_MOD_RAW == 0).then_some(op.foll);
        let only = is_fast_only(op.op);
        Self {
            start: op.addr & !((1 << PAGE_SHIFT) - 1),
            nr: op.n,
            foll,
            pin: is_pin(op.op),
            slow: false,
            only,
            fast_only: only || foll.is_some_and(|f| f & 1 << abi::GD_FOLL_FAST_ONLY != 0),
            no_pages: u32::from(op.mods) & abi::GD_MOD_NULL != 0,
        }
    }

    /// The same for a call that reaches the real slow path.
    pub(super) fn slow(self) -> Self {
        Self { slow: true, ..self }
    }

    pub(super) fn asks_for(&self, flag: u32) -> bool {
        self.foll.is_some_and(|foll| foll & 1 << flag != 0)
    }

    /// Whether both flags may be set, which is a mistake of the caller: a reference may be
    /// dropped as a pin or vice versa.
    fn may_be_both(&self, op: &gd_op, rev: Rev) -> bool {
        let pin = self
            .foll
            .is_none_or(|foll| foll & 1 << abi::GD_FOLL_PIN != 0);
        // pin_user_pages_fast_only() does check.
        let unchecked = self.only && !self.pin || is_slow(op.op);
        unchecked && !rev.has(Fact::WalkChecksArgs) && pin
    }

    pub(super) fn addr(&self, index: usize) -> u64 {
        self.start + ((index as u64) << PAGE_SHIFT)
    }
}

/// MMF_HAS_PINNED of the mm that an operation is about, and of the other one.
pub(super) fn has_pinned_bits(op: &gd_op) -> (u32, u32) {
    match op.mm {
        0 => (abi::GD_W_HAS_PINNED, abi::GD_W_HAS_PINNED_2),
        _ => (abi::GD_W_HAS_PINNED_2, abi::GD_W_HAS_PINNED),
    }
}

/// MMF_HAS_PINNED after a walk: set by one that pins, touched by no other.
pub(super) fn has_pinned(op: &Op, before: u8) -> Check {
    let call = Call::new(op.op);
    let (it, other) = has_pinned_bits(op.op);
    let was = u32::from(before) & it != 0;
    let is = u32::from(op.bits) & it != 0;
    let same = u32::from(before ^ op.bits) & other == 0;
    require(same, Law::HasPinnedIsOneWay, None, || {
        "that of the other mm changed".into()
    })?;
    let pinned = call.pin && matches!(op.ret, Ret::Int(1..));
    let may = call.pin || call.may_be_both(op.op, op.rev);
    let fine = if pinned { is } else { is == was || (may && is) };
    require(fine, Law::HasPinnedIsOneWay, None, || match is {
        true => "it changed".into(),
        false => "it is not set".into(),
    })
}

pub(super) fn walked(
    op: &Op,
    pages: &Pages,
    (tables, seen): (&mut Tables, &mut Seen),
    prog: &Program,
    odd: bool,
) -> Check {
    let call = Call::new(op.op);
    // First: the tables must be up to date for the next operation.
    let beyond = follow(op, &call, pages, tables, seen, prog);
    let Ret::Int(result) = op.ret else {
        return Ok(());
    };
    let events = Events::new(op, prog);
    events.pagemaps()?;
    events.mmap_lock()?;
    fast_only(op, &call, &events)?;
    let claims_counts =
        !odd && !beyond && seen.claims() && !call.may_be_both(op.op, op.rev) && !op.may_keep();
    let held = |law, entries: &[u32]| match claims_counts {
        true => held(op, &call, law, entries, pages, prog),
        false => Ok(()),
    };
    if call.nr == 0 {
        let law = Law::NothingAskedNothingHeld;
        require(result <= 0, law, None, || format!("the result is {result}"))?;
        return held(law, &[]);
    }
    fits(op, &call, result)?;
    let fast = rest(&call, result, &events)?;
    if result <= 0 {
        return held(Law::FailedGrabTakesNothing, &[]);
    }
    if call.no_pages {
        return Ok(());
    }
    let entries = seen.entries();
    require(
        entries.len() as u64 == result as u64,
        Law::TraceIsWhole,
        None,
        || {
            format!(
                "{} entries of pages[] for a result of {result}",
                entries.len()
            )
        },
    )?;
    mapped(&call, seen, fast, events.refused)?;
    held(Law::HeldIsReturned, &entries[..fast])
}

fn fast_only(op: &Op, call: &Call, events: &Events) -> Check {
    let law = Law::FastOnlyNeverSleeps;
    if call.fast_only {
        require(events.slow.is_none(), law, None, || {
            "it calls the slow path".into()
        })?;
        require(!events.locks, law, None, || "it takes the mmap lock".into())?;
    }
    // The meaning of raw flags is visible when they are passed on.
    let flags = events.slow.as_ref().map_or(0, |slow| slow.flags);
    let op = u32::from(op.op.op);
    require(flags & 1 << abi::GD_FOLL_FAST_ONLY == 0, law, None, || {
        format!("operation {op:#x} calls the slow path with FOLL_FAST_ONLY")
    })
}

/// The result alone.
fn fits(op: &Op, call: &Call, result: i64) -> Check {
    let law = Law::ResultFitsTheCall;
    let most = i64::from(call.nr.max(0));
    require(result <= most, law, None, || {
        format!(
            "the result is {result}, but {} pages were requested",
            call.nr
        )
    })?;
    require(result >= -4095, law, None, || {
        format!("the result is {result}, which is not an errno")
    })?;
    require(
        result >= 0 || !call.only || op.rev.has(Fact::WalkChecksArgs),
        law,
        None,
        || format!("the result is {result}, but this function never fails"),
    )
}

/// The slow path gets the pages that the walk did not take.  Returns the number that it
/// took.
fn rest(call: &Call, result: i64, events: &Events) -> Result<usize, Failure> {
    let law = Law::SlowPathGetsTheRest;
    let Some(slow) = &events.slow else {
        let raw = call.foll.is_none();
        let enough = result <= 0 || result == i64::from(call.nr) || call.fast_only || raw;
        require(enough, law, None, || {
            format!(
                "the result is {result} of {} pages, but it was not called",
                call.nr
            )
        })?;
        return Ok(result.max(0) as usize);
    };
    require(events.slow_calls == 1, law, None, || {
        format!("it is called {} times", events.slow_calls)
    })?;
    let fast = result.max(0) - slow.pages();
    let left = i64::from(call.nr) - fast;
    require(fast >= 0 && slow.nr as i64 == left, law, None, || {
        format!(
            "it gets {} pages, but the walk took {fast} of {}",
            slow.nr as i64, call.nr
        )
    })?;
    let start = call.start.wrapping_add((fast as u64) << PAGE_SHIFT);
    require(slow.start == start, law, None, || {
        format!("it starts at {:#x} instead of {start:#x}", slow.start)
    })?;
    Ok(fast as usize)
}

fn mapped(call: &Call, seen: &Seen, fast: usize, refused: bool) -> Check {
    if !seen.claims() {
        return Ok(());
    }
    // After a refusal, later pages have lower indices.
    let law = match refused {
        true => Law::RefusalEndsTheWalk,
        false => Law::PagesAreWhatIsMapped,
    };
    for i in 0..fast {
        seen.was_mapped(call, i, law)?;
        let permitted = seen.is_permitted(i);
        require(permitted, Law::AccessIsPermitted, seen.page(i), || {
            format!(
                "pages[{i}] was never mapped at {:#x} in a way that permits the access",
                call.addr(i)
            )
        })?;
    }
    Ok(())
}
