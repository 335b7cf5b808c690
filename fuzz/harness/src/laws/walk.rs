// SPDX-License-Identifier: GPL-2.0
//! Laws about the walk of page tables without locks.
//!
//! The ACT records say what others did during the call.  A returned page must have been
//! mapped at some time during the call: before it, or after one of these changes.  This
//! does not hold for changed entries that the walk does not read a second time.

use csrc::abi::{self, gd_op, gd_rec};

use super::check::{Check, Op};
use super::rules::{after, require, scheme};
use super::{Law, walk_events};
use crate::effect::Part;
use crate::ops;
use crate::program::Program;
use crate::program::walk::{Level, is_fast_only, is_pin, is_slow};
use crate::rev::{Fact, Rev};
use crate::trace::{PageState, Ret};
use crate::world::folio::is_device_page;
use crate::world::layout::{NR_PAGES, Operand};
use crate::world::pages::Pages;
use crate::world::tables::{Entry, Leaf, Tables};
use walk_events::Events;

const PAGE_SHIFT: u32 = 12;

/// What a call of the walk asks for, as far as it is known.
pub(super) struct Call {
    start: u64,
    pub(super) nr: i32,
    /// Flags by name; `None` where the program gives a kernel's raw bits.
    pub(super) foll: Option<u32>,
    pub(super) pin: bool,
    slow: bool,
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

    fn asks_for(&self, flag: u32) -> bool {
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
        !odd && !beyond && seen.claims && !call.may_be_both(op.op, op.rev) && !op.may_keep();
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
    require(
        seen.entries.len() as u64 == result as u64,
        Law::TraceIsWhole,
        None,
        || {
            format!(
                "{} entries of pages[] for a result of {result}",
                seen.entries.len()
            )
        },
    )?;
    mapped(&call, seen, fast, events.refused)?;
    held(Law::HeldIsReturned, &seen.entries[..fast])
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
fn rest(call: &Call, result: i64, events: &Events) -> Result<usize, Broken> {
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

type Broken = (Law, Option<u32>, String);

/// How the tables mapped the returned pages, over the whole call.
#[derive(Default)]
pub(super) struct Seen {
    /// `pages[]`, by page number.
    entries: Vec<u32>,
    /// Whether each was mapped, and whether it was for the access.
    mapped: Vec<(bool, bool)>,
    /// Whether the tables are known.
    claims: bool,
    /// Whether they may differ from the kernel's from now on: it clears entries that it
    /// considers bad.
    doubt: bool,
}

impl Seen {
    /// The state before any record of an operation.
    fn start(&mut self, recs: &[gd_rec]) {
        let entries = recs.iter();
        let entries = entries.filter(|rec| u32::from(rec.kind) == abi::GD_R_ENTRY);
        self.entries.clear();
        self.entries.extend(entries.map(|rec| rec.c));
        self.mapped.clear();
        self.mapped.resize(self.entries.len(), (false, false));
        self.claims = !self.doubt;
    }

    /// Resets it at the start of a program.
    pub(super) fn forget(&mut self) {
        self.doubt = false;
    }

    /// Notes that an entry above PTE level changed while the slow path was reading.
    pub(super) fn doubt(&mut self) {
        (self.doubt, self.claims) = (true, false);
    }

    /// `pages[]`, by page number.
    pub(super) fn entries(&self) -> &[u32] {
        &self.entries
    }

    /// Whether the tables certainly equal the kernel's.
    pub(super) fn claims(&self) -> bool {
        self.claims
    }

    /// Whether some entry is not a page.
    pub(super) fn has_nowhere(&self) -> bool {
        self.entries.contains(&abi::GD_NOWHERE)
    }

    /// Each page was mapped at its address, with any flags.
    pub(super) fn all_mapped(&self, call: &Call) -> Check {
        if !self.claims {
            return Ok(());
        }
        let mut wrong = self.mapped.iter().zip(&self.entries).enumerate();
        let Some((i, (_, page))) = wrong.find(|(_, ((mapped, _), _))| !mapped) else {
            return Ok(());
        };
        let what = format!(
            "pages[{i}] is not what was mapped at {:#x} at any time during the call",
            call.addr(i)
        );
        let known = (*page < NR_PAGES).then_some(*page);
        Err((Law::PagesAreWhatIsMapped, known, what))
    }

    /// Adds the pages that the tables map now.
    fn look(&mut self, call: &Call, rev: Rev, tables: &Tables) {
        let mut walker = tables.walker();
        // Neighbours mostly have the same flags.
        let mut last: Option<(Leaf, bool)> = None;
        let all = self.entries.iter().zip(&mut self.mapped);
        for ((page, (mapped, allowed)), i) in all.zip(0..) {
            if *mapped && *allowed {
                continue;
            }
            let addr = call.addr(i);
            let leaf = walker.walk(addr);
            let number = leaf.page(addr).map(|page| match page < NR_PAGES {
                true => page,
                false => abi::GD_NOWHERE,
            });
            if number == Some(*page) {
                let is_allowed = match last {
                    Some((other, is_allowed)) if leaf.has_flags_of(other) => is_allowed,
                    _ => permitted(leaf, call, rev),
                };
                last = Some((leaf, is_allowed));
                *mapped = true;
                *allowed |= is_allowed;
            }
        }
    }
}

/// Applies the changes during the call to the tables, and fills `seen`.  Returns whether
/// the range has a block that extends beyond a folio: its references are all taken on the
/// first page's folio, and dropped on each page's.
pub(super) fn follow(
    op: &Op,
    call: &Call,
    pages: &Pages,
    tables: &mut Tables,
    seen: &mut Seen,
    prog: &Program,
) -> bool {
    seen.start(op.parts.entries);
    tables.look_at(op.op.mm);
    let mut beyond = false;
    let mut look = |seen: &mut Seen, tables: &Tables| {
        beyond |= goes_past_a_folio(call, op.rev, pages, tables, prog);
        seen.look(call, op.rev, tables);
    };
    look(seen, tables);
    let mut pmds = 0;
    for i in op.done {
        let levels = tables.apply(&prog.acts()[*i].op, pages.layout());
        if levels == 0 {
            continue;
        }
        let has = |level: Level| u32::from(levels) & 1 << level as u32 != 0;
        // The walk reads these once, and a PMD may have been something else in between.
        pmds += u32::from(has(Level::Pmd));
        seen.claims &= !has(Level::Pud) && !has(Level::Pgd) && pmds < 2;
        look(seen, tables);
    }
    beyond
}

/// Whether an entry is marked as device memory.
fn is_device_entry(entry: &Entry, rev: Rev) -> bool {
    entry.has(abi::GD_EF_DEVMAP) && rev.has(Fact::WalkDeviceEntries)
}

fn permitted(leaf: Leaf, call: &Call, rev: Rev) -> bool {
    let has = |flag| leaf.entry.has(flag);
    if has(abi::GD_EF_ABSENT) || has(abi::GD_EF_KERNEL) {
        return false;
    }
    if call.asks_for(abi::GD_FOLL_WRITE) && !has(abi::GD_EF_RW) {
        return false;
    }
    let device = is_device_entry(&leaf.entry, rev);
    if device && call.asks_for(abi::GD_FOLL_LONGTERM) {
        return false;
    }
    match leaf.level {
        Level::Pte => !has(abi::GD_EF_SPECIAL) || device,
        _ => !has(abi::GD_EF_SPECIAL) || !rev.has(Fact::WalkSpecialBlocks),
    }
}

fn mapped(call: &Call, seen: &Seen, fast: usize, refused: bool) -> Check {
    if !seen.claims {
        return Ok(());
    }
    // After a refusal, later pages have lower indices.
    let law = match refused {
        true => Law::RefusalEndsTheWalk,
        false => Law::PagesAreWhatIsMapped,
    };
    for (i, (mapped, permitted)) in seen.mapped[..fast].iter().enumerate() {
        let page = seen.entries[i];
        let known = (page < NR_PAGES).then_some(page);
        require(*mapped, law, known, || {
            format!(
                "pages[{i}] is not what was mapped at {:#x} at any time during the call",
                call.addr(i)
            )
        })?;
        require(*permitted, Law::AccessIsPermitted, known, || {
            format!(
                "pages[{i}] was never mapped at {:#x} in a way that permits the access",
                call.addr(i)
            )
        })?;
    }
    Ok(())
}

fn goes_past_a_folio(
    call: &Call,
    rev: Rev,
    pages: &Pages,
    tables: &Tables,
    prog: &Program,
) -> bool {
    // For the slow path a negative number is a large one.
    let nr = match call.nr {
        ..0 if call.slow => i32::MAX,
        nr => nr.max(0),
    };
    let end = call.start.saturating_add((nr as u64) << PAGE_SHIFT);
    tables.blocks().any(|(level, addr, entry)| {
        let first = addr.max(call.start);
        let last = (addr + level.size()).min(end);
        // The lockless walk grabs pages of device memory one by one.
        if first >= last || !call.slow && is_device_entry(&entry, rev) {
            return false;
        }
        let leaf = Leaf { level, entry };
        let head = |addr| {
            let page = leaf.page(addr).filter(|page| *page < NR_PAGES);
            page.map(|page| pages.head(&prog.0, page))
        };
        // The grab is of the first page in the range, or of the block's first page; the
        // slow path may do either.
        let by_block =
            call.slow || rev.has(Fact::WalkGrabbedBlocks) || rev.has(Fact::WalkGrabsBlocks);
        let grabbed = head(match by_block {
            true => addr,
            false => first,
        });
        grabbed.is_none() || grabbed != head(first) || grabbed != head(last - 1)
    })
}

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
