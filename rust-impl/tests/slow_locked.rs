// SPDX-License-Identifier: GPL-2.0
//! The mmap lock: lost in faults, taken again, and signals in between.

use crate::common::*;
use FollFlag::{Interruptible, Nowait, Write};
use gup::machine::Signal;
use gup::mm::{fault_flag as ff, vm_fault};
use gup::tables::entry_flag as ef;
use gup::vma::vm_flag as v;
use gup::walk::EFAULT;
use gup::{Ask, FollFlag, Hook, Level, Machine, MmPtr, NewEntry, PagePtr, Site};

const ADDR: u64 = 0x1000_0000;
const RETRY: Option<i32> = Some(vm_fault::RETRY as i32);
const LOCK: Ask = Ask::MmapLock {
    mm: MmPtr::Current,
    killable: true,
};

/// Three pages of which the second is not mapped.
fn hole() -> Bench {
    let mut b = Bench::new(RULES_6_12, &[small(), small(), small()]);
    b.vma(ADDR, 3, v::READ | v::WRITE | v::SHARED);
    for i in [0, 2] {
        let page = NewEntry::Page(b.page(i, 0));
        b.map(Level::Pte, ADDR + ((i as u64) << 12), 1, page, ef::RW);
    }
    b
}

fn fill(machine: &mut Machine, page: PagePtr) {
    let addr = ADDR + 0x1000;
    machine
        .tables
        .set(Level::Pte, addr, 1, NewEntry::Page(page), ef::RW);
}

#[test]
fn a_lost_lock_is_taken_again_and_the_caller_is_told() {
    let mut b = hole();
    let page = b.page(1, 0);
    b.when(Hook::Fault, 1, |_| RETRY);
    b.when(Hook::Fault, 2, move |machine| {
        fill(machine, page);
        Some(0)
    });
    let request = b.request(ADDR, 3, &[Write]);
    let mut locked = true;
    let result = b
        .locked_op()
        .get_user_pages_remote(request, Some(&mut locked));
    assert_eq!((result, locked), (Ok(3), false));
    assert!(!b.machine.held.mmap_lock);
    let first = ff::WRITE | ff::REMOTE | ff::ALLOW_RETRY | ff::KILLABLE;
    assert_eq!(b.faults(), [first, first | ff::TRIED]);
    assert_eq!(b.entries(), [b.page(0, 0), page, b.page(2, 0)]);
    assert_eq!(b.asks()[1], LOCK);
    assert_eq!(
        b.asks().last(),
        Some(&Ask::MmapUnlock { mm: MmPtr::Current })
    );
}

#[test]
fn a_completed_fault_has_dropped_the_lock_too() {
    let mut b = hole();
    let page = b.page(1, 0);
    b.when(Hook::Fault, 1, move |machine| {
        fill(machine, page);
        Some(vm_fault::COMPLETED as i32)
    });
    let request = b.request(ADDR, 3, &[]);
    assert_eq!(b.op().get_user_pages_unlocked(request), Ok(3));
    assert_eq!(b.faults().len(), 1);
    let locks = b.asks().iter().filter(|&&ask| ask == LOCK).count();
    assert_eq!((locks, b.machine.held.mmap_lock), (2, false));
}

#[test]
fn a_signal_ends_the_retries() {
    for (signal, flags, found) in [
        (Signal::Kill, &[][..], 1),
        (Signal::Other, &[Interruptible][..], 1),
        (Signal::Other, &[][..], 3),
    ] {
        let mut b = hole();
        let page = b.page(1, 0);
        b.when(Hook::Fault, 1, move |machine| {
            machine.signal = signal;
            fill(machine, page);
            RETRY
        });
        let request = b.request(ADDR, 3, flags);
        assert_eq!(b.op().get_user_pages_unlocked(request), Ok(found));
    }
    let mut b = hole();
    b.machine.signal = Signal::Kill;
    let request = b.request(ADDR, 3, &[]);
    assert_eq!(b.op().get_user_pages_unlocked(request), Ok(-4));
    assert_eq!(b.asks(), [LOCK, Ask::MmapUnlock { mm: MmPtr::Current }]);
}

#[test]
fn a_lock_that_cannot_be_had_is_eagain_at_first_and_its_errno_later() {
    let mut b = hole();
    b.when(Hook::MmapLock, 1, |_| Some(-4));
    let request = b.request(ADDR + 0x1000, 1, &[]);
    assert_eq!(b.op().get_user_pages_unlocked(request), Ok(-11));
    let mut b = hole();
    b.when(Hook::Fault, 1, |_| RETRY);
    b.when(Hook::MmapLock, 2, |_| Some(-4));
    assert_eq!(b.op().get_user_pages_unlocked(request), Ok(-4));
}

#[test]
fn nowait_keeps_the_lock_and_may_give_nothing() {
    let mut b = hole();
    b.when(Hook::Fault, 1, |_| RETRY);
    let request = b.request(ADDR + 0x1000, 1, &[Nowait]);
    let mut locked = true;
    let result = b
        .locked_op()
        .get_user_pages_remote(request, Some(&mut locked));
    assert_eq!((result, locked), (Ok(0), true));
    assert!(b.machine.held.mmap_lock && b.warns().is_empty());
    b.when(Hook::Fault, 1, |_| Some(vm_fault::COMPLETED as i32));
    let _ = b
        .locked_op()
        .get_user_pages_remote(request, Some(&mut locked));
    assert_eq!(b.warns(), [Site::FaultinPageNowait]);
}

#[test]
fn who_cannot_be_told_that_the_lock_is_lost_gets_a_warning() {
    let mut b = hole();
    b.when(Hook::Fault, 1, |_| RETRY);
    assert_eq!(b.slow_get(ADDR + 0x1000, 1, &[]), Ok(-(EFAULT as i64)));
    assert_eq!(b.warns(), [Site::GetUserPagesLockedNone]);
    assert!(!b.machine.held.mmap_lock);
}

#[test]
fn the_walk_falls_back_on_it_for_what_is_left() {
    let mut b = hole();
    b.machine.runs_slow_path = true;
    let page = b.page(1, 0);
    b.when(Hook::Fault, 1, move |machine| {
        fill(machine, page);
        Some(0)
    });
    assert_eq!(b.pin(ADDR, 3, &[Write]), Ok(3));
    assert_eq!(b.entries(), [b.page(0, 0), page, b.page(2, 0)]);
    assert_eq!(b.counters(), (3, 0));
    assert_eq!(b.pin(ADDR, 4, &[Write]), Ok(3));
    assert_eq!(b.entries().len(), 3);
}
