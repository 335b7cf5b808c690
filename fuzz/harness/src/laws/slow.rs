// SPDX-License-Identifier: GPL-2.0
//! Laws about the walk under the mmap lock, which may fault, wait and migrate.
//!
//! At the end it holds the pages that it returns, no matter what it took and dropped on the
//! way, and the locks are as it tells its caller.  This applies only if the environment
//! behaves: if a fault drops the mmap lock although it must not, or although it returns an
//! error, nobody can know that.

use csrc::abi::{self, gd_op};

use super::address_space::FAILED;
use super::held::held;
use super::mapped::{Seen, follow};
use super::op::{Check, Op};
use super::rules::require;
use super::walk::Call;
use super::walk_events::Events;
use super::{Law, vma};
use crate::effect::{Effect, Lock, Part};
use crate::ops;
use crate::program::walk::{
    Level, PAGE_SIZE, comes_to_slow_path, counts_what_is_left, fault_answer, is_fault, is_slow,
    is_vma, set_level,
};
use crate::program::{Program, split_page};
use crate::rev::Fact;
use crate::trace::{Ask, Locks, Record, Ret};
use crate::world::entry::Kind;
use crate::world::pages::Pages;
use crate::world::tables::Tables;

/// Results of a fault that failed.
const ERRORS: i32 = FAILED as i32 | 1 << abi::GD_FAULT_FALLBACK;

/// Whether an operation reaches the real slow path, in a world with these bits.
pub(super) fn comes_here(op: &gd_op, state: u8) -> bool {
    comes_to_slow_path(op.op, u32::from(state) & abi::GD_W_REAL_SLOW_PATH != 0)
}

pub(super) fn called(
    op: &Op,
    pages: &Pages,
    (tables, seen): (&mut Tables, &mut Seen),
    prog: &Program,
    odd: bool,
) -> Check {
    let call = Call::new(op.op).slow();
    // First: the tables must be up to date for the next operation.
    let beyond = follow(op, &call, pages, tables, seen, prog);
    let doubtful = |i: &usize| {
        let act = &prog.acts()[*i];
        // Entries do not change while their lock is held, and the trace does not record
        // when that is.
        let locked = matches!(
            u32::from(act.hook),
            abi::GD_HOOK_BEFORE_REF
                | abi::GD_HOOK_AFTER_REF
                | abi::GD_HOOK_BEFORE_PIN
                | abi::GD_HOOK_AFTER_PIN
                | abi::GD_HOOK_PAGEMAP
                | abi::GD_HOOK_ACCESSIBLE
        );
        set_level(act.op.op).is_some_and(|level| locked || level != Level::Pte)
    };
    if op.done.iter().any(doubtful) || op.done.iter().any(|i| goes_astray(op, prog, *i)) {
        seen.doubt();
    }
    if op.ret == Ret::Stopped {
        return Ok(());
    }
    locks(op, prog)?;
    if counts_what_is_left(op.op.op) {
        return left(op);
    }
    if op.effect() == Effect::PinsFile {
        return of_file(op);
    }
    if is_fault(op.op.op) {
        return Ok(());
    }
    let Ret::Int(result) = op.ret else {
        return Ok(());
    };
    let events = Events::new(op, prog);
    events.pagemaps()?;
    fits(&call, result)?;
    let entries = seen.entries();
    if !call.no_pages {
        as_many(entries.len(), result, "pages[]")?;
    }
    // 5.10 may leave out pages.  After a back-out of the lockless walk, the page that it gave back
    // may still be in that place.
    let leaves_out = !op.rev.has(Fact::SlowStopsAtNoPage);
    let left_out = leaves_out && seen.has_nowhere();
    let stale = leaves_out && op.released > 0;
    // A page that the fast path could not make accessible is a known finding: later pages are
    // one place further up.
    let shifted = !is_slow(op.op.op) && events.refused;
    let relied = relied_on_hugetlb(op, tables, &call, prog);
    if !call.no_pages && !left_out && !shifted && !relied {
        as_mapped(op, &call, pages, seen, prog)?;
        vma::permits(op, &call, seen, prog)?;
    }
    // Callers must not pass either flag; the meaning of raw bits is not known.
    let how = 1 << abi::GD_FOLL_GET | 1 << abi::GD_FOLL_PIN;
    let plain = call.foll.is_some_and(|foll| foll & how == 0);
    let all =
        result <= abi::GD_MAX_LIST.into() && !(call.no_pages && (call.pin || !is_slow(op.op.op)));
    let known = seen.claims() && !odd && !beyond && !stale && !has_odd_blocks(prog);
    if !known || !plain || !all || relied || op.may_keep() || gives_back_twice(op, prog) {
        return Ok(());
    }
    let law = match result {
        _ if call.nr == 0 => Law::NothingAskedNothingHeld,
        ..=0 => Law::FailedGrabTakesNothing,
        _ => Law::HeldIsReturned,
    };
    held(op, &call, law, entries, pages, prog)
}

/// Each page was mapped at its address.  What is written to was mapped writable, or
/// FOLL_FORCE was set and nobody shares the page: it is exclusive, or a fault said that it was
/// copied.
fn as_mapped(op: &Op, call: &Call, pages: &Pages, seen: &Seen, prog: &Program) -> Check {
    if !seen.claims() {
        return Ok(());
    }
    let all = 0..seen.entries().len();
    for i in all.clone() {
        seen.was_mapped(call, i, Law::PagesAreWhatIsMapped)?;
    }
    let mut not_permitted = all.filter(|i| !seen.is_permitted(*i)).peekable();
    if not_permitted.peek().is_none() {
        return Ok(());
    }
    let forces = call.asks_for(abi::GD_FOLL_FORCE);
    let by_fault = !op.rev.has(Fact::ForcedWritesWantExclusive);
    let faults = Faults::new(op, prog);
    let is_exclusive = |page: u32, addr: u64| {
        let exclusive = |page| {
            let state = pages.get(&prog.0, page);
            // the head of a tail that set_tail made may be any page
            let is_lost = state.tail && pages.head(&prog.0, page) == page;
            is_lost || state.flags & 1 << abi::GD_F_ANON_EXCLUSIVE != 0
        };
        // of a huge entry it is the first page that counts; of hugetlb, the head
        let first = |level: Level| {
            let offset = (addr >> 12) & (level.pages() - 1);
            page.checked_sub(offset as u32)
        };
        let firsts = [Level::Pte, Level::Pmd, Level::Pud].map(first);
        let mut which = firsts.into_iter().flatten();
        op.disturbed || which.any(exclusive) || exclusive(pages.head(&prog.0, page))
    };
    for i in not_permitted {
        let page = seen.page(i);
        let private = match by_fault {
            true => faults.copied.contains(&call.addr(i)),
            false => page.is_none_or(|page| is_exclusive(page, call.addr(i))),
        };
        require(forces && private, Law::AccessIsPermitted, page, || {
            format!(
                "pages[{i}] was never mapped writable at {:#x}, and others may share it",
                call.addr(i)
            )
        })?;
    }
    Ok(())
}

/// Whether an action makes a VMA of another mm, while this one's are looked at: whoever
/// has found the VMA before follows it there.
pub(super) fn goes_astray(op: &Op, prog: &Program, act: usize) -> bool {
    let act = &prog.acts()[act].op;
    is_vma(act.op) && act.n > 0 && act.mm != op.op.mm
}

/// Whether an entry without a page may have been met after a migration.  5.10 counts it (a
/// known finding), and pages[] still has the page that was given back there.
fn gives_back_twice(op: &Op, prog: &Program) -> bool {
    let migrates = |rec: &csrc::abi::gd_rec| {
        u32::from(rec.kind) == abi::GD_R_ASK && u32::from(rec.a) == abi::GD_A_MIGRATE
    };
    let sets_entries = |i: &usize| set_level(prog.acts()[*i].op.op).is_some();
    !op.rev.has(Fact::SlowStopsAtNoPage)
        && op.parts.events.iter().any(migrates)
        && op.done.iter().any(sets_entries)
}

/// The number of bytes left is at most the number requested.
fn left(op: &Op) -> Check {
    let Ret::Int(left) = op.ret else {
        return Ok(());
    };
    // as unsigned numbers
    let (left, size) = (left as u64, i64::from(op.op.val) as u64);
    require(left <= size, Law::ResultFitsTheCall, None, || {
        format!("{left} bytes of {size} are left")
    })
}

/// A list has as many entries as the result says, up to the number that is recorded.
fn as_many(entries: usize, result: i64, list: &str) -> Check {
    let whole = result.clamp(0, abi::GD_MAX_LIST.into()) as usize;
    require(entries == whole, Law::TraceIsWhole, None, || {
        format!("{entries} entries of {list} for a result of {result}")
    })
}

/// Folios of a file: as many as the result says, and none after an error.
fn of_file(op: &Op) -> Check {
    let Ret::Int(nr) = op.ret else {
        return Ok(());
    };
    let max = op.op.val as u32;
    require(
        (-4095..=i64::from(max)).contains(&nr),
        Law::ResultFitsTheCall,
        None,
        || format!("the result is {nr}, but at most {max} folios were requested"),
    )?;
    let is_entry = |rec: &&csrc::abi::gd_rec| u32::from(rec.kind) == abi::GD_R_ENTRY;
    as_many(op.recs.iter().filter(is_entry).count(), nr, "folios[]")?;
    let failed = nr < 0 && !op.disturbed;
    for (old, new) in op.changed.iter().filter(|_| failed) {
        let same = (old.refcount, old.pincount) == (new.refcount, new.pincount);
        let page = Some(new.page);
        require(same, Law::FailedGrabTakesNothing, page, || {
            format!(
                "refcount and pin count were {} and {}, and are {} and {} after {nr}",
                old.refcount, old.pincount, new.refcount, new.pincount
            )
        })?;
    }
    Ok(())
}

/// Whether a VMA of hugetlbfs may violate an assumption of old kernels: it changes while
/// they hold the mmap lock, or there is a table in place of a page of 1 GiB.
fn relied_on_hugetlb(op: &Op, tables: &Tables, call: &Call, prog: &Program) -> bool {
    let is = |op: &gd_op, kind| is_vma(op.op) && u32::from(op.entry) == kind;
    let all = || {
        let acts = prog.acts().iter().map(|act| &act.op);
        prog.ops().iter().chain(acts)
    };
    let gigantic = || all().any(|op| is(op, abi::GD_V_HUGETLB_1G));
    let hugetlb = || gigantic() || all().any(|op| is(op, abi::GD_V_HUGETLB));
    if !op.rev.has(Fact::FollowsHugetlbApart) || !hugetlb() {
        return false;
    }
    let vma_changes = op.done.iter().any(|i| is_vma(prog.acts()[*i].op.op));
    let table = |addr| matches!(tables.entry(Level::Pud, addr).kind, Kind::Table(_));
    let last = call.addr(call.nr.max(1) as usize - 1);
    vma_changes || gigantic() && (table(call.addr(0)) || table(last))
}

/// Whether a block may span several folios: then the references on its other pages may be
/// taken and dropped on the first one's folio.
fn has_odd_blocks(prog: &Program) -> bool {
    let acts = prog.acts().iter().map(|act| &act.op);
    let all = || prog.ops().iter().chain(acts.clone());
    let splits = all().any(|op| ops::sets(op.op) == Some(Part::Split));
    all().any(|op| {
        let order = prog
            .folios()
            .get(split_page(op.run[0].page).0)
            .map(|f| f.order);
        u32::from(op.entry) == abi::GD_E_PAGE
            && match set_level(op.op) {
                Some(Level::Pmd) => splits || order.is_some_and(|order| order < 9),
                Some(Level::Pud) => true,
                _ => false,
            }
    })
}

/// The result alone.
fn fits(call: &Call, result: i64) -> Check {
    let nr = i64::from(call.nr);
    let law = match nr {
        0 => Law::NothingAskedNothingHeld,
        _ => Law::ResultFitsTheCall,
    };
    // A negative number is a large unsigned one.
    require(nr < 0 || result <= nr, law, None, || {
        format!("the result is {result}, but {nr} pages were requested")
    })?;
    require(result >= -4095, Law::ResultFitsTheCall, None, || {
        format!("the result is {result}, which is not an errno")
    })
}

/// The caller gets the correct state of the locks.
fn locks(op: &Op, prog: &Program) -> Check {
    let Some(Record::Ret(_, locks)) = op.recs.last().map(Record::from) else {
        return Ok(());
    };
    let held = [
        (locks.page_table(), "a page-table lock is held"),
        (
            locks.rcu(),
            "a page table is not unmapped: the RCU read-side critical section is open",
        ),
        (
            locks.vma(),
            "the lock of a hugetlb VMA is held, or was dropped too often",
        ),
        (
            locks.uaccess(),
            "accesses to user memory are permitted: user_access_end() is missing",
        ),
        (locks.memalloc_pin(), "PF_MEMALLOC_PIN is set"),
    ];
    for (is_held, what) in held {
        require(!is_held, Law::PageTableLocksAreDropped, None, || {
            what.into()
        })?;
    }
    if op.done.iter().any(|i| goes_astray(op, prog, *i)) {
        return Ok(());
    }
    let other = locks.mmap(1 - op.op.mm);
    require(!other, Law::MmapLockAsAgreed, None, || {
        "the mmap lock of the other mm is held".into()
    })?;
    let faults = Faults::new(op, prog);
    // A caller that passes 0 holds the lock nevertheless, and claims that it does not.
    if faults.lie || u32::from(op.op.arg) == 2 {
        return Ok(());
    }
    match locks.locked() {
        // it was dropped, and taken again
        Some(false) if u32::from(op.op.op) == abi::GD_OP_FIXUP_USER_FAULT => as_agreed(op, locks),
        Some(locked) => require(
            locked == locks.mmap(op.op.mm),
            Law::LockedTellsTheTruth,
            None,
            || match locked {
                true => "*locked is 1, but the mmap lock is not held".into(),
                false => "*locked is 0, but the mmap lock is held".into(),
            },
        ),
        None => as_agreed(op, locks),
    }
}

fn as_agreed(op: &Op, locks: Locks) -> Check {
    let (law, held) = (Law::MmapLockAsAgreed, locks.mmap(op.op.mm));
    match op.effect().lock() {
        Lock::Held => require(held, law, None, || {
            "the caller held the mmap lock, and it is not held now".into()
        }),
        Lock::Never | Lock::ForTheRest | Lock::Taken => require(!held, law, None, || {
            "the caller did not hold the mmap lock, and it is held now".into()
        }),
    }
}

/// The effects of faults.
struct Faults {
    /// Whether one of them dropped the mmap lock although no fault may do so.
    lie: bool,
    /// The pages for which one of them says that it has copied the page for a write.
    copied: Vec<u64>,
    /// The address and the flags of the last one, as long as its answer may still come.
    pending: Option<(u64, u32)>,
    answer: i32,
}

impl Faults {
    fn new(op: &Op, prog: &Program) -> Self {
        let mut faults = Self {
            lie: false,
            copied: Vec::new(),
            pending: None,
            answer: 0,
        };
        for rec in op.parts.events.iter().map(Record::from) {
            match rec {
                Record::Act(index) => {
                    let act = prog.acts().get(usize::from(index));
                    faults.answer = act.and_then(fault_answer).unwrap_or(faults.answer);
                }
                Record::Ask(Ask::Fault { addr, flags, .. }) => {
                    faults.settle();
                    (faults.pending, faults.answer) = (Some((addr, flags)), 0);
                }
                _ => faults.settle(),
            }
        }
        faults.settle();
        faults
    }

    /// The last fault cannot get another answer.
    fn settle(&mut self) {
        let Some((addr, flags)) = self.pending.take() else {
            return;
        };
        let answer = self.answer;
        let has = |bit: u32| answer & 1 << bit != 0;
        if has(abi::GD_FAULT_WRITE) {
            self.copied.push(addr & !(PAGE_SIZE - 1));
        }
        let asks = |bit: u32| flags & 1 << bit != 0;
        let dropped = has(abi::GD_FAULT_COMPLETED)
            || has(abi::GD_FAULT_RETRY) && !asks(abi::GD_FF_RETRY_NOWAIT);
        let may = asks(abi::GD_FF_ALLOW_RETRY)
            && !asks(abi::GD_FF_RETRY_NOWAIT)
            && self.answer & ERRORS == 0;
        self.lie |= dropped && !may;
    }
}
