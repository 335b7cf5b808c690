// SPDX-License-Identifier: GPL-2.0
//! The laws of the walk under the mmap lock: each sees the trace that breaks it, and
//! says nothing where the environment has not kept its word.

use crate::made::*;
use csrc::abi::{self, gd_op, gd_rec};
use harness::laws::{Checker, Law};
use harness::ops::Rev;

const LOCKED: u32 = abi::GD_RB_LOCKED;
const UNLOCKED: u32 = abi::GD_RB_UNLOCKED;
const HELD: u32 = abi::GD_RB_MMAP;

fn law(made: Made) -> Option<Law> {
    let made = made.end();
    let broken = Checker::default().check(&made.program, Rev::V6_12, &made.trace);
    broken.map(|b| b.law)
}

/// What comes back, and the locks that there are.
fn returns(value: i64, locks: u32) -> gd_rec {
    gd_rec {
        b: locks as u16,
        ..int(value)
    }
}

fn fault(flags: u32) -> gd_rec {
    rec(abi::GD_R_ASK, abi::GD_A_FAULT, 0, flags, 0x1000)
}

/// A call of the remote entry point with `locked`.
fn remote(n: i32) -> gd_op {
    gd_op {
        arg: 1,
        ..walk(abi::GD_OP_PIN_USER_PAGES_REMOTE, 0x1000, n, 0)
    }
}

fn one() -> Made {
    Made::new().set(pte(0x1000, P, READ))
}

/// A pin of P through get_user_pages() and its kin, which moved its counts so.
fn pinned(op: gd_op, pages: i64, pins: u32, end: gd_rec) -> Made {
    let made = one();
    let mut records = vec![];
    if pages > 0 {
        records.push(entry(0, made.page(P, 0)));
    }
    if pins > 0 {
        records.push(made.moved(P, 0, 1024 * pins as i32, 0));
    }
    let bits = abi::GD_W_IRQS_ON | abi::GD_W_HAS_PINNED;
    records.push(state(bits, pins, 0));
    records.push(end);
    made.op(op, records)
}

#[test]
fn what_is_held_is_what_was_returned() {
    let end = |n| returns(n, LOCKED | HELD);
    assert_eq!(law(pinned(remote(1), 1, 1, end(1))), None);
    assert_eq!(
        law(pinned(remote(1), 1, 2, end(1))),
        Some(Law::HeldIsReturned)
    );
    assert_eq!(
        law(pinned(remote(1), 1, 0, end(1))),
        Some(Law::HeldIsReturned)
    );
    assert_eq!(law(pinned(remote(1), 0, 0, end(-14))), None);
    let failed = pinned(remote(1), 0, 1, end(-14));
    assert_eq!(law(failed), Some(Law::FailedGrabTakesNothing));
}

/// A page of a VMA with these flags is returned by get_user_pages().
fn of_vma(flags: u32, op: gd_op) -> Option<Law> {
    let vma = gd_op {
        val: flags as i32,
        ..walk(abi::GD_OP_SET_VMA, 0x1000, 1, 0)
    };
    let mut made = Made::new().set(vma).set(pte(0x1000, P, RW));
    made.program.0.world.pkru = 0x24;
    let records = [
        entry(0, made.page(P, 0)),
        made.moved(P, 0, 1, 0),
        returns(1, HELD),
    ];
    law(made.op(op, records))
}

#[test]
fn a_vma_may_forbid_what_its_entries_permit() {
    let gets = |flags| walk(abi::GD_OP_GET_USER_PAGES, 0x1000, 1, flags);
    let wrong = Some(Law::VmaPermitsAccess);
    let key = |key: u32| key << abi::GD_VM_PKEY_BIT0;
    assert_eq!(of_vma(key(1), gets(0)), wrong);
    assert_eq!(of_vma(key(2), gets(0)), None);
    assert_eq!(of_vma(key(2), gets(WRITE)), wrong);
    assert_eq!(of_vma(key(3), gets(WRITE)), None);
    let stack = 1 << abi::GD_VM_SHADOW_STACK;
    let force = WRITE | 1 << abi::GD_FOLL_FORCE;
    assert_eq!(of_vma(stack, gets(WRITE)), wrong);
    assert_eq!(of_vma(stack, gets(0)), None);
    assert_eq!(of_vma(stack, gets(force)), None);
}

#[test]
fn what_others_set_is_not_held_against_it() {
    let made = one();
    let records = [act(0), made.moved(P, 0, 5, 0), returns(-14, LOCKED | HELD)];
    let made = made.op(remote(1), records).script(meanwhile(set_ref(P, 7)));
    assert_eq!(law(made), None);
}

#[test]
fn a_result_fits_the_call() {
    let call = |nr, n| {
        let op = gd_op {
            op: abi::GD_OP_GET_USER_PAGES_REMOTE as u8,
            ..remote(nr)
        };
        law(one().op(op, [returns(n, LOCKED | HELD)]))
    };
    assert_eq!(call(1, 2), Some(Law::ResultFitsTheCall));
    assert_eq!(call(1, -4096), Some(Law::ResultFitsTheCall));
    assert_eq!(call(1, -4095), None);
    assert_eq!(call(1, 1), Some(Law::TraceIsWhole));
    assert_eq!(call(0, 1), Some(Law::NothingAskedNothingHeld));
}

#[test]
fn a_returned_page_is_one_that_was_mapped() {
    let made = one();
    let (page, moved) = (made.page(Q, 0), made.moved(Q, 0, 1, 0));
    let op = walk(abi::GD_OP_GET_USER_PAGES, 0x1000, 1, 0);
    let made = made.op(op, [entry(0, page), moved, returns(1, HELD)]);
    assert_eq!(law(made), Some(Law::PagesAreWhatIsMapped));
}

#[test]
fn a_write_is_to_what_is_writable_or_a_private_copy() {
    let write = 1 << abi::GD_FOLL_WRITE;
    let force = write | 1 << abi::GD_FOLL_FORCE;
    let call = |flags, foll, answers, rev: Rev| {
        let made = Made::new().set(pte(0x1000, P, flags));
        let (page, moved) = (made.page(P, 0), made.moved(P, 0, 1, 0));
        let records = [
            fault(1 << abi::GD_FF_WRITE),
            act(0),
            entry(0, page),
            moved,
            returns(1, HELD),
        ];
        let op = walk(abi::GD_OP_GET_USER_PAGES, 0x1000, 1, foll);
        let made = made.op(op, records);
        let made = made.script(answer(answers, abi::GD_HOOK_FAULT)).end();
        let broken = Checker::default().check(&made.program, rev, &made.trace);
        broken.map(|b| b.law)
    };
    let copied = 1 << abi::GD_FAULT_WRITE;
    let wrong = Some(Law::AccessIsPermitted);
    for rev in [Rev::V5_10, Rev::V6_12] {
        assert_eq!(call(RW, write, 0, rev), None);
        assert_eq!(call(READ, write, copied, rev), wrong);
        assert_eq!(call(READ, force, 0, rev), wrong);
    }
    // The page is not exclusive.
    assert_eq!(call(READ, force, copied, Rev::V5_10), None);
    assert_eq!(call(READ, force, copied, Rev::V6_12), wrong);
}

#[test]
fn locked_tells_the_truth() {
    let call = |locks| one().op(remote(1), [returns(-14, locks)]);
    let wrong = Some(Law::LockedTellsTheTruth);
    assert_eq!(law(call(LOCKED | HELD)), None);
    assert_eq!(law(call(UNLOCKED)), None);
    assert_eq!(law(call(LOCKED)), wrong);
    assert_eq!(law(call(UNLOCKED | HELD)), wrong);
    // Of the lock of a caller that says 0 nothing is known.
    let op = gd_op {
        arg: 2,
        ..remote(1)
    };
    assert_eq!(law(one().op(op, [returns(-22, UNLOCKED | HELD)])), None);
}

#[test]
fn a_fault_that_lies_excuses_it() {
    let retry = 1 << abi::GD_FAULT_RETRY;
    let may = 1 << abi::GD_FF_ALLOW_RETRY;
    let call = |flags, bits| {
        let records = [fault(flags), act(0), returns(-14, LOCKED)];
        one()
            .op(remote(1), records)
            .script(answer(bits, abi::GD_HOOK_FAULT))
    };
    let wrong = Some(Law::LockedTellsTheTruth);
    assert_eq!(law(call(may, retry)), wrong);
    assert_eq!(law(call(may, 0)), wrong);
    // It was not allowed to, or has failed as well.
    assert_eq!(law(call(0, retry)), None);
    assert_eq!(law(call(may, retry | 1 << abi::GD_FAULT_SIGBUS)), None);
    let nowait = may | 1 << abi::GD_FF_RETRY_NOWAIT;
    assert_eq!(law(call(nowait, 1 << abi::GD_FAULT_COMPLETED)), None);
    assert_eq!(law(call(nowait, retry)), wrong);
}

#[test]
fn the_mmap_lock_is_as_agreed() {
    let call = |id, locks| law(one().op(walk(id, 0x1000, 1, 0), [returns(-14, locks)]));
    let wrong = Some(Law::MmapLockAsAgreed);
    for id in [
        abi::GD_OP_GET_USER_PAGES,
        abi::GD_OP_PIN_USER_PAGES,
        abi::GD_OP_GET_USER_PAGES_REMOTE,
        abi::GD_OP_PIN_USER_PAGES_REMOTE,
    ] {
        assert_eq!(call(id, HELD), None, "{id:#x}");
        assert_eq!(call(id, 0), wrong, "{id:#x}");
    }
    for id in [
        abi::GD_OP_GET_USER_PAGES_UNLOCKED,
        abi::GD_OP_PIN_USER_PAGES_UNLOCKED,
    ] {
        assert_eq!(call(id, 0), None, "{id:#x}");
        assert_eq!(call(id, HELD), wrong, "{id:#x}");
    }
}

#[test]
fn page_table_locks_are_dropped() {
    for held in [
        abi::GD_RB_PTL,
        abi::GD_RB_RCU,
        abi::GD_RB_VMA,
        abi::GD_RB_UACCESS,
        abi::GD_RB_MEMALLOC_PIN,
    ] {
        let made = one().op(remote(1), [returns(-14, LOCKED | HELD | held)]);
        assert_eq!(law(made), Some(Law::PageTableLocksAreDropped));
    }
}

/// With the real slow path behind them, the fast entry points are judged as it is.
#[test]
fn a_fast_entry_point_that_falls_back_is_slow() {
    let call = |slow: u32, locks| {
        let mut made = one();
        made.program.0.world.state |= slow as u8;
        law(made.op(pin(0x1000, 1, 0), [returns(-14, locks)]))
    };
    assert_eq!(call(abi::GD_W_REAL_SLOW_PATH, 0), None);
    assert_eq!(
        call(abi::GD_W_REAL_SLOW_PATH, HELD),
        Some(Law::MmapLockAsAgreed)
    );
    assert_eq!(call(0, HELD), None);
}
