// SPDX-License-Identifier: GPL-2.0
//! VMAs of hugetlbfs in 5.10 and 6.1, which are followed by functions of their own.

use crate::common::*;
use gup::mm::{fault_flag, vm_fault};
use gup::page::Mapping;
use gup::rules::{RULES_5_10, RULES_6_1, Rules};
use gup::tables::{NewEntry, entry_flag as ef};
use gup::vma::{VmaKind, vm_flag as v};
use gup::{Ask, FolioDecl, FollFlag, Hook, Level, Machine, MmPtr, PagePtr, Site};

const AT: u64 = 0x4000_0000;
const PAGE: u64 = 0x1000;
const HUGE: u64 = 512 * PAGE;
const KERNELS: [Rules; 2] = [RULES_5_10, RULES_6_1];

/// Two huge pages of a file, and a shared VMA of three.
fn bench(rules: Rules) -> Bench {
    let huge = FolioDecl {
        order: 9,
        mapping: Mapping::File,
        ..small()
    };
    let mut b = Bench::new(rules, &[huge, huge]);
    let flags = v::READ | v::WRITE | v::SHARED | v::MAYREAD | v::MAYWRITE | v::MAYSHARE;
    b.machine.vmas.set(0, AT, 3 * 512, flags, VmaKind::Hugetlb);
    b
}

fn map(machine: &mut Machine, addr: u64, page: PagePtr, flags: u16) {
    let level = Level::Pmd;
    machine
        .tables
        .set(level, addr, 1, NewEntry::Page(page), flags);
}

#[test]
fn pages_are_taken_over_the_end_of_a_huge_page() {
    for rules in KERNELS {
        let mut b = bench(rules);
        let (first, second) = (b.page(0, 0), b.page(1, 0));
        map(&mut b.machine, AT, first, 0);
        map(&mut b.machine, AT + HUGE, second, 0);
        assert_eq!(b.slow_pin(AT + HUGE - 2 * PAGE, 3, &[]), Ok(3));
        let (last, before) = (b.page(0, 511), b.page(0, 510));
        assert_eq!(b.entries(), [before, last, second]);
        assert_eq!((b.pins(0), b.refs(0), b.pins(1)), (2, 3, 1));
        assert_eq!(b.counters(), (3, 0));
    }
}

#[test]
fn a_fault_is_told_less_than_others_are() {
    for rules in KERNELS {
        let mut b = bench(rules);
        let page = b.page(0, 0);
        map(&mut b.machine, AT, page, 0);
        b.when(Hook::Fault, 1, move |machine| {
            map(machine, AT, page, ef::RW);
            Some(0)
        });
        let request = b.request(AT, 1, &[FollFlag::Write]);
        let mut locked = true;
        let result = b
            .locked_op()
            .get_user_pages_remote(request, Some(&mut locked));
        assert_eq!(result, Ok(1));
        let flags = fault_flag::WRITE | fault_flag::ALLOW_RETRY | fault_flag::KILLABLE;
        assert_eq!(b.faults(), [flags]);
        assert!(matches!(b.asks()[0], Ask::Fault { hugetlb: true, .. }));
    }
}

#[test]
fn who_loses_the_lock_takes_it_again() {
    for rules in KERNELS {
        let mut b = bench(rules);
        let page = b.page(0, 0);
        b.when(Hook::Fault, 1, move |machine| {
            map(machine, AT, page, 0);
            Some(vm_fault::RETRY as i32)
        });
        let request = b.request(AT, 1, &[]);
        let mut locked = true;
        let result = b
            .locked_op()
            .get_user_pages_remote(request, Some(&mut locked));
        assert_eq!((result, locked), (Ok(1), false));
        let again = Ask::MmapLock {
            mm: MmPtr::Current,
            killable: true,
        };
        assert!(
            b.asks().contains(&again) && b.asks().contains(&Ask::MmapUnlock { mm: MmPtr::Current })
        );
    }
}

#[test]
fn a_long_term_pin_of_what_has_to_be_moved_fails_in_6_1() {
    for rules in KERNELS {
        let movable = FolioDecl {
            order: 9,
            mapping: Mapping::File,
            movable: true,
            ..small()
        };
        let mut b = Bench::new(rules, &[movable]);
        let flags = v::READ | v::SHARED | v::MAYREAD | v::MAYSHARE;
        b.machine.vmas.set(0, AT, 512, flags, VmaKind::Hugetlb);
        let page = b.page(0, 0);
        map(&mut b.machine, AT, page, 0);
        let result = b.slow_pin(AT, 1, &[FollFlag::Longterm]);
        let warns = b.warns();
        match rules.longterm_refuses_movable {
            true => assert_eq!(
                (result, warns),
                (Ok(-12), vec![Site::FollowHugetlbPageGrab])
            ),
            false => assert_eq!((result, warns), (Ok(1), vec![])),
        }
    }
}

#[test]
fn follow_page_waits_for_a_migration() {
    for rules in KERNELS {
        let mut b = bench(rules);
        let page = b.page(0, 0);
        let migrates = NewEntry::Migration(page);
        b.machine.tables.set(Level::Pmd, AT, 1, migrates, 0);
        b.when(Hook::Migration, 2, move |machine| {
            map(machine, AT, page, 0);
            None
        });
        let vma = b.machine.vmas.find(MmPtr::Current, AT).unwrap();
        let flags = b.foll(&[FollFlag::Get]);
        let found = b.locked_op().follow_page(vma, AT + 3 * PAGE, flags);
        assert_eq!(found, Ok(Ok(b.page(0, 3))));
        let waits = Ask::Migration {
            mm: MmPtr::Current,
            level: Level::Pmd,
            address: AT,
        };
        assert_eq!(b.asks(), [waits; 2]);
        assert_eq!((b.refs(0), b.machine.held.ptl), (2, 0));
    }
}
