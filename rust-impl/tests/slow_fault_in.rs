// SPDX-License-Identifier: GPL-2.0
//! Ranges that are faulted in for their own sake: by bytes, and by VMAs.

use crate::common::*;
use gup::mm::fault_flag;
use gup::rules::{RULES_5_10, Rules};
use gup::tables::entry_flag as ef;
use gup::vma::vm_flag;
use gup::walk::TASK_SIZE_MAX;
use gup::{
    Ask, EFAULT, FolioDecl, FollFlag, Hook, Level, Mapping, MmPtr, NewEntry, PagePtr, Site, VmaKind,
};

const ADDR: u64 = 0x1000_0000;
const PAGE: u64 = 0x1000;
const RW: u32 = vm_flag::READ | vm_flag::WRITE | vm_flag::MAYREAD | vm_flag::MAYWRITE;

/// Kernels that have these functions.
fn rules() -> impl Iterator<Item = Rules> {
    SINCE_6_1.into_iter()
}

/// An anonymous exclusive page, mapped at ADDR in a VMA of two pages.
fn mapped(rules: Rules) -> Bench {
    let page = FolioDecl {
        mapping: Mapping::Anon,
        exclusive: true,
        ..small()
    };
    let mut b = Bench::new(rules, &[page]);
    b.vma(ADDR, 2, RW);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1, page, ef::RW);
    b
}

/// The addresses that were touched.
fn touched(b: &Bench) -> Vec<u64> {
    let asks = b.asks().into_iter();
    asks.filter_map(|ask| match ask {
        Ask::UserAccess { address, .. } => Some(address),
        _ => None,
    })
    .collect()
}

#[test]
fn a_byte_of_each_page_is_touched() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        assert_eq!(b.op().fault_in_readable(ADDR + 8, 2 * PAGE), Ok(0));
        assert_eq!(touched(&b), [ADDR + 8, ADDR + PAGE, ADDR + 2 * PAGE]);
        assert_eq!(b.op().fault_in_writeable(ADDR, PAGE), Ok(0));
        assert_eq!(
            b.asks(),
            [Ask::UserAccess {
                address: ADDR,
                write: true
            }]
        );
        assert_eq!(b.op().fault_in_readable(ADDR, 0), Ok(0));
        assert!(b.asks().is_empty());
    }
}

#[test]
fn what_is_left_begins_with_the_page_that_faults() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        b.when(Hook::UserAccess, 2, |_| Some(-EFAULT));
        assert_eq!(b.op().fault_in_readable(ADDR + 8, 2 * PAGE), Ok(PAGE + 8));
        let mut b = Bench::new(rules, &[small()]);
        b.when(Hook::UserAccess, 1, |_| Some(-EFAULT));
        assert_eq!(b.op().fault_in_writeable(ADDR + 8, 5), Ok(5));
    }
}

#[test]
fn addresses_above_user_space_are_left_alone() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        let last = match rules.walk.access_ok_checks_top_bit_only {
            true => (1 << 63) - 1 - PAGE,
            false => TASK_SIZE_MAX - PAGE,
        };
        assert_eq!(b.op().fault_in_readable(last, PAGE), Ok(0));
        assert_eq!(b.op().fault_in_readable(last, PAGE + 1), Ok(PAGE + 1));
        assert_eq!(b.op().fault_in_writeable(8, u64::MAX), Ok(u64::MAX));
        assert!(b.asks().is_empty());
    }
}

#[test]
fn nothing_is_at_zero_in_7_3() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        let left = if rules.slow.faults_in_nothing_at_zero {
            16
        } else {
            0
        };
        assert_eq!(b.op().fault_in_readable(0, 16), Ok(left));
        // a range that wraps: before, it went on up to 0
        assert_eq!(b.op().fault_in_safe_writeable(u64::MAX - 7, 16), Ok(16));
        let tried = b.machine.steps;
        assert_eq!(
            tried, 2,
            "the lock is taken and dropped, and there is no VMA"
        );
    }
}

#[test]
fn safe_writing_asks_for_faults_and_drops_the_lock() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        b.vma(ADDR, 2, RW);
        for nth in 1..=2 {
            b.when(Hook::Fault, nth, |_| Some(0));
        }
        let left = match rules.slow.safe_writeable_hides_failures {
            true => 0,
            false => PAGE,
        };
        assert_eq!(b.op().fault_in_safe_writeable(ADDR, 3 * PAGE), Ok(left));
        let wait = fault_flag::ALLOW_RETRY | fault_flag::KILLABLE;
        assert_eq!(b.faults(), [fault_flag::WRITE | wait; 2]);
        assert!(touched(&b).is_empty() && !b.machine.held.mmap_lock);
    }
}

#[test]
fn populating_goes_from_vma_to_vma() {
    for rules in rules() {
        let mut b = Bench::new(rules, &[small()]);
        let flags = RW | vm_flag::IO;
        b.machine.vmas.set(0, ADDR, 1, flags, VmaKind::Special);
        b.machine.vmas.set(1, ADDR + 2 * PAGE, 1, RW, VmaKind::Anon);
        b.machine.vmas.set(2, ADDR + 4 * PAGE, 1, RW, VmaKind::Anon);
        // SIGBUS in the first one that is populated
        assert_eq!(b.op().__mm_populate(ADDR, 5 * PAGE, false), Ok(-EFAULT));
        assert_eq!(b.faults().len(), 1);
        assert_eq!(b.op().__mm_populate(ADDR, 5 * PAGE, true), Ok(0));
        assert_eq!(b.faults().len(), 2);
        assert_eq!(b.op().__mm_populate(ADDR, 2 * PAGE, false), Ok(0));
        assert!(b.faults().is_empty() && !b.machine.held.mmap_lock);
    }
}

#[test]
fn follow_page_takes_what_the_flags_say_and_never_faults() {
    for (rules, pins) in [(RULES_5_10, true), (RULES_6_1, false)] {
        let mut b = mapped(rules);
        let vma = b.machine.vmas.lookup(MmPtr::Current, ADDR).unwrap();
        let (get, pin) = (b.foll(&[FollFlag::Get]), b.foll(&[FollFlag::Pin]));
        let page = b.page(0, 0);
        let found = b.locked_op().follow_page(vma, ADDR, get).unwrap();
        assert_eq!((found, b.refs(0)), (Ok(page), 2));
        let none = b.locked_op().follow_page(vma, ADDR + PAGE, get).unwrap();
        assert_eq!((none, b.faults().len()), (Ok(PagePtr::NULL), 0));
        let pinned = b.locked_op().follow_page(vma, ADDR, pin).unwrap();
        let wanted = if pins { page } else { PagePtr::NULL };
        assert_eq!(pinned, Ok(wanted));
    }
}

#[test]
fn the_locked_variants_of_5_10_have_no_long_term_pins() {
    let mut b = mapped(RULES_5_10);
    let plain = b.request(ADDR, 1, &[]);
    let mut locked = true;
    let got = b
        .locked_op()
        .get_user_pages_locked(plain, Some(&mut locked));
    assert_eq!((got, b.refs(0), locked), (Ok(1), 2, true));
    let longterm = b.request(ADDR, 1, &[FollFlag::Longterm]);
    let einval = -22;
    assert_eq!(
        b.locked_op().get_user_pages_locked(longterm, None),
        Ok(einval)
    );
    assert_eq!(b.warns(), [Site::GetUserPagesLockedLongterm]);
    let get = b.request(ADDR, 1, &[FollFlag::Get]);
    assert_eq!(b.locked_op().pin_user_pages_locked(get, None), Ok(einval));
    assert_eq!(b.warns(), [Site::PinUserPagesLocked]);
}
