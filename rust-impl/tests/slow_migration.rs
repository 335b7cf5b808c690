// SPDX-License-Identifier: GPL-2.0
//! FOLL_MIGRATION of 5.10 and 6.1, and FOLL_SPLIT of 5.10.

use crate::common::*;
use FollFlag::{Get, Migration, Split};
use gup::page::flag;
use gup::rules::{RULES_5_10, Rules};
use gup::slow::EBUSY;
use gup::tables::entry_flag as ef;
use gup::vma::vm_flag as v;
use gup::{Ask, Call, ENOMEM, ErrPtr, FollFlag, Hook, Level, MmPtr, NewEntry, PagePtr, Stop};

const ADDR: u64 = 0x1000_0000;
const OLD: [Rules; 2] = [RULES_5_10, RULES_6_1];

/// A huge page and a small one, in a VMA.
fn bench(rules: Rules) -> Bench {
    let mut b = Bench::new(rules, &[thp(9), small()]);
    b.vma(ADDR, 1024, v::READ | v::WRITE | v::SHARED);
    b
}

fn follow(b: &mut Bench, addr: u64, flags: &[FollFlag]) -> Result<ErrPtr, Stop> {
    let vma = b.machine.vmas.find(MmPtr::Current, ADDR).unwrap();
    let flags = b.foll(flags);
    b.locked_op().follow_page(vma, addr, flags)
}

fn set(level: Level, page: PagePtr) -> impl Fn(&mut gup::Machine) -> Option<i32> {
    move |machine| {
        machine
            .tables
            .set(level, ADDR, 1, NewEntry::Page(page), ef::RW);
        None
    }
}

#[test]
fn the_end_of_a_migration_is_waited_for_at_both_levels() {
    for rules in OLD {
        for (level, nr) in [(Level::Pte, 1), (Level::Pmd, 0)] {
            let mut b = bench(rules);
            let page = b.page(nr, 0);
            b.map(level, ADDR, 1, NewEntry::Migration(page), 0);
            b.when(Hook::Migration, 2, set(level, page));
            assert_eq!(follow(&mut b, ADDR, &[Get, Migration]), Ok(Ok(page)));
            let waits = Ask::Migration {
                mm: MmPtr::Current,
                level,
                address: ADDR,
            };
            assert_eq!(b.asks(), [waits; 2]);
            assert_eq!((b.refs(nr), b.machine.held.ptl), (2, 0));
        }
    }
}

#[test]
fn nobody_waits_unasked_or_at_what_was_swapped_out() {
    for rules in OLD {
        let mut b = bench(rules);
        let page = b.page(1, 0);
        b.map(Level::Pte, ADDR, 1, NewEntry::Migration(page), 0);
        let null = Ok(Ok(PagePtr::NULL));
        assert_eq!(follow(&mut b, ADDR, &[Get]), null);
        b.map(Level::Pte, ADDR, 1, NewEntry::Swap, 0);
        assert_eq!(follow(&mut b, ADDR, &[Get, Migration]), null);
        assert_eq!(b.asks(), []);
    }
}

#[test]
fn a_migration_that_never_ends_takes_all_steps() {
    for rules in OLD {
        let mut b = bench(rules);
        let page = b.page(1, 0);
        b.map(Level::Pte, ADDR, 1, NewEntry::Migration(page), 0);
        assert_eq!(follow(&mut b, ADDR, &[Migration]), Err(Stop::Limit));
    }
}

#[test]
fn without_checks_5_10_looks_for_ever_at_what_is_no_migration() {
    for rules in OLD {
        let mut b = bench(rules.with_debug_vm(false));
        b.map(Level::Pmd, ADDR, 1, NewEntry::Swap, 0);
        assert_eq!(follow(&mut b, ADDR, &[Migration]), Err(Stop::Limit));
        let waits = rules.slow.absent_pmds_migrate;
        assert_eq!(b.asks().is_empty(), !waits);
    }
}

#[test]
fn a_page_that_is_to_be_split_is_held_and_locked() {
    let mut b = bench(RULES_5_10);
    let page = b.page(0, 3);
    b.map(Level::Pte, ADDR, 1, NewEntry::Page(page), ef::RW);
    assert_eq!(follow(&mut b, ADDR, &[Get, Split]), Ok(Err(-EBUSY)));
    assert_eq!(b.calls(), [Call::Split, Call::FolioUnlock]);
    assert_eq!((b.refs(0), b.machine.held.ptl), (1, 0));
    let head = b.page(0, 0);
    assert_eq!(b.machine.pages.get(head).unwrap().flags & flag::LOCKED, 0);

    b.when(Hook::SplitPage, 1, move |machine| {
        machine.split(head, 0, 1, 2);
        Some(0)
    });
    assert_eq!(follow(&mut b, ADDR, &[Get, Split]), Ok(Ok(page)));
    assert_eq!(b.machine.pages.get(page).unwrap().refcount, 2);
}

#[test]
fn the_page_of_a_pmd_is_split_unless_nobody_holds_it() {
    let mut b = bench(RULES_5_10);
    let (head, at) = (b.page(0, 0), ADDR + (3 << 12));
    let map = |b: &mut Bench| b.map(Level::Pmd, ADDR, 1, NewEntry::Page(head), ef::RW);
    map(&mut b);
    assert_eq!(follow(&mut b, at, &[Get, Split]), Ok(Err(-EBUSY)));
    assert_eq!(b.refs(0), 1);
    // whatever the split says
    b.when(Hook::SplitPage, 1, |machine| {
        machine.tables.set(Level::Pmd, ADDR, 1, NewEntry::None, 0);
        None
    });
    assert_eq!(follow(&mut b, at, &[Get, Split]), Ok(Ok(PagePtr::NULL)));
    map(&mut b);
    b.machine.set_ref(head, 0);
    assert_eq!(follow(&mut b, at, &[Get, Split]), Ok(Err(-ENOMEM)));
    assert_eq!((b.refs(0), b.machine.held.ptl), (0, 0));
}
