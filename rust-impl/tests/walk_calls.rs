// SPDX-License-Identifier: GPL-2.0
//! The entry points of the lockless walk: their checks, and what surrounds it.

use crate::common::*;
use FollFlag::{FastOnly, Force, Get, Longterm, PciP2pdma, Pin, Touch, Write};
use gup::tables::entry_flag as ef;
use gup::walk::{EFAULT, EOVERFLOW, TASK_SIZE_MAX};
use gup::{
    Ask, Buffer, EINVAL, FollFlag, Hook, Level, MmPtr, NewEntry, PagePtr, Rules, Site, Stop,
};

const ADDR: u64 = 0x1000_0000;

/// `n` small pages, one folio each, mapped from ADDR on.
fn mapped(rules: Rules, n: usize) -> Bench {
    let mut b = Bench::new(rules, &vec![small(); n]);
    for i in 0..n {
        let page = NewEntry::Page(b.page(i, 0));
        b.map(Level::Pte, ADDR + ((i as u64) << 12), 1, page, ef::RW);
    }
    b
}

#[test]
fn pages_that_are_mapped_need_no_slow_path() {
    for rules in ALL {
        let mut b = mapped(rules, 3);
        assert_eq!(b.get(ADDR + 0x123, 3, &[Write]), Ok(3));
        assert_eq!(b.entries(), [b.page(0, 0), b.page(1, 0), b.page(2, 0)]);
        assert_eq!((b.refs(0), b.refs(2), b.slow()), (2, 2, None));
        assert_eq!(b.pin(ADDR, 3, &[]), Ok(3));
        assert_eq!((b.refs(1), b.counters()), (1026, (3, 0)));
        assert!(b.machine.has_pinned);
    }
}

#[test]
fn the_slow_path_gets_what_is_left() {
    for rules in ALL {
        let mut b = mapped(rules, 2);
        assert_eq!(b.get(ADDR, 5, &[]), Ok(2));
        let numa = u32::from(rules.walk.implies_numa_faults) << FollFlag::HonorNumaFault as u32;
        let flags = 1 << Get as u32
            | numa
            | if rules.walk.slow_path_locks {
                1 << Touch as u32 | 1 << FollFlag::Unlockable as u32
            } else {
                0
            };
        let slow = Ask::Slow {
            flags,
            start: ADDR + 0x2000,
            nr_pages: 3,
            no_pages: false,
        };
        assert_eq!(b.asks(), [slow]);
        b.when(Hook::Slow, 1, |_| Some(7));
        assert_eq!(b.get(ADDR, 5, &[]), Ok(5));
        assert_eq!(b.entries().len(), 5);
        assert_eq!(b.entries()[4], PagePtr::POISON);
    }
}

#[test]
fn an_errno_of_the_slow_path_shows_only_if_the_walk_found_nothing() {
    for rules in ALL {
        let mut b = mapped(rules, 1);
        assert_eq!(b.get(0x5000, 1, &[]), Ok(-EFAULT));
        b.when(Hook::Slow, 1, |_| Some(-4));
        assert_eq!(b.get(0x5000, 1, &[]), Ok(-4));
        assert_eq!(b.get(ADDR, 2, &[]), Ok(1));
    }
}

#[test]
fn only_6_1_takes_mmap_lock_for_a_long_term_pin() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        assert_eq!(b.pin(0, 1, &[Longterm]), Ok(-EFAULT));
        let asks = b.asks();
        if rules.walk.slow_path_locks {
            assert_eq!(asks.len(), 1);
        } else {
            assert_eq!(
                (asks[0], asks[2]),
                (
                    Ask::MmapLock {
                        mm: MmPtr::Current,
                        killable: false
                    },
                    Ask::MmapUnlock { mm: MmPtr::Current }
                )
            );
        }
    }
}

#[test]
fn a_range_that_wraps_is_no_error_in_6_1() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let wrapped = if rules.walk.overflow_is_an_error {
            -EOVERFLOW
        } else {
            0
        };
        assert_eq!(b.get(u64::MAX, 1, &[]), Ok(wrapped));
        assert_eq!(b.get(0x2000, -1, &[]), Ok(wrapped));
        // the flag that there were pins is set before anything is looked at
        assert_eq!(b.pin(u64::MAX, 1, &[]), Ok(wrapped));
        assert!(b.machine.has_pinned && b.asks().is_empty());
    }
}

#[test]
fn user_memory_ends_a_page_below_two_to_the_47() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        assert_eq!(b.get(TASK_SIZE_MAX, 1, &[]), Ok(-EFAULT));
        assert_eq!(b.slow(), None);
        let checked = rules.walk.lengths_are_checked;
        let wrapped = if checked { -EOVERFLOW } else { -EFAULT };
        assert_eq!(b.get(0, -1, &[]), Ok(wrapped));
        assert_eq!(b.slow(), None);
        assert_eq!(b.get(TASK_SIZE_MAX - 0x1000, 1, &[]), Ok(-EFAULT));
        assert_eq!(b.slow(), Some(1));
    }
}

#[test]
fn fast_only_never_gives_an_errno_in_6_1() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let errno = |e: i32| {
            if rules.walk.fast_only_gives_errnos {
                -e
            } else {
                0
            }
        };
        let (none, touch) = (b.foll(&[]), b.foll(&[Touch]));
        let mut only =
            |start, flags, pages| b.op().get_user_pages_fast_only(start, 1, flags, pages);
        assert_eq!(only(TASK_SIZE_MAX, none, Buffer::List), Ok(errno(EFAULT)));
        assert_eq!(only(0, touch, Buffer::List), Ok(errno(EINVAL)));
        // and it never calls the slow path
        assert_eq!(only(0, none, Buffer::List), Ok(0));
        assert!(b.asks().is_empty());
    }
}

#[test]
fn pin_user_pages_fast_only_gives_0_for_bad_arguments() {
    let mut b = mapped(RULES_6_1, 1);
    let (none, get) = (b.foll(&[]), b.foll(&[Get]));
    assert_eq!(
        b.op().pin_user_pages_fast_only(ADDR, 1, get, Buffer::List),
        Ok(0)
    );
    assert_eq!(b.warns(), [Site::PinUserPagesFastOnly]);
    assert_eq!(
        b.op().pin_user_pages_fast_only(ADDR, 1, none, Buffer::Null),
        Ok(0)
    );
    assert_eq!(b.warns(), [Site::PinUserPagesFastOnlyNull]);
    assert_eq!(
        b.op().pin_user_pages_fast_only(ADDR, 2, none, Buffer::List),
        Ok(1)
    );
    assert_eq!((b.refs(0), b.slow()), (1025, None));
}

#[test]
fn each_revision_has_its_own_checks() {
    let checks = [
        (RULES_6_1, Pin, Site::IsValidGupFlagsPin),
        (RULES_6_1, Longterm, Site::IsValidGupFlagsLongterm),
        (RULES_6_1, Touch, Site::InternalGetUserPagesFast),
        (RULES_6_12, Pin, Site::IsValidGupArgsInternal),
        (RULES_6_12, FastOnly, Site::IsValidGupArgsInternal),
        (RULES_6_12, Longterm, Site::IsValidGupArgsLongterm),
        (RULES_6_12, FollFlag::Anon, Site::GupFastFallback),
    ];
    for (rules, flag, site) in checks {
        let mut b = mapped(rules, 1);
        assert_eq!(b.get(ADDR, 1, &[flag]), Ok(-EINVAL));
        assert_eq!((b.warns(), b.refs(0)), (vec![site], 1));
    }
    let mut b = mapped(RULES_6_12, 1);
    assert_eq!(b.pin(ADDR, 1, &[Longterm, PciP2pdma]), Ok(-EINVAL));
    assert_eq!(b.warns(), [Site::IsValidGupArgsP2pdma]);
    assert_eq!(b.pin(ADDR, 1, &[Get]), Ok(-EINVAL));
    assert_eq!(b.warns(), [Site::IsValidGupArgsBoth]);
    assert!(!b.machine.has_pinned);
}

#[test]
fn no_array_is_fine_for_a_get_of_6_1_until_there_is_a_page() {
    let mut b = mapped(RULES_6_1, 1);
    let none = b.foll(&[]);
    assert_eq!(
        b.op().get_user_pages_fast(ADDR, 1, none, Buffer::Null),
        Err(Stop::Oops)
    );
    assert_eq!(b.refs(0), 2);
    b.when(Hook::Slow, 1, |_| Some(1));
    assert_eq!(b.op().get_user_pages_fast(0, 1, none, Buffer::Null), Ok(1));
    assert!(b.entries().is_empty());
    let mut b = mapped(RULES_6_12, 1);
    assert_eq!(
        b.op().get_user_pages_fast(ADDR, 1, none, Buffer::Null),
        Ok(-EINVAL)
    );
    assert_eq!(b.warns(), [Site::IsValidGupArgsNull]);
}

#[test]
fn fast_only_of_6_1_takes_foll_pin_and_unpins_what_it_got() {
    let mut b = mapped(RULES_6_1, 1);
    let pin = b.foll(&[Pin]);
    assert_eq!(
        b.op().get_user_pages_fast_only(ADDR, 1, pin, Buffer::List),
        Ok(1)
    );
    assert_eq!((b.refs(0), b.counters()), (2, (0, 0)));
    // backed out of, one reference makes a pin
    b.when(Hook::ReadSeq, 2, |m| {
        m.write_protect_seq = 2;
        None
    });
    assert_eq!(
        b.op().get_user_pages_fast_only(ADDR, 1, pin, Buffer::List),
        Ok(0)
    );
    assert_eq!((b.refs(0), b.counters()), (3 - 1024, (0, 1)));
}

#[test]
fn a_fork_under_way_or_in_between_makes_pins_fail_and_gets_not() {
    for rules in ALL {
        let mut b = mapped(rules, 2);
        b.machine.write_protect_seq = 3;
        assert_eq!(b.get(ADDR, 2, &[]), Ok(2));
        assert_eq!(b.pin(ADDR, 2, &[]), Ok(-EFAULT));
        assert_eq!((b.slow(), b.counters()), (Some(2), (0, 0)));
        b.machine.write_protect_seq = 4;
        b.when(Hook::ReadSeq, 2, |m| {
            m.write_protect_seq = 6;
            None
        });
        assert_eq!(b.pin(ADDR, 2, &[]), Ok(-EFAULT));
        assert_eq!((b.slow(), b.counters(), b.refs(0)), (Some(2), (2, 2), 2));
    }
}

#[test]
fn what_was_pinned_is_checked_after_the_walk() {
    for rules in BOTH {
        let mut decl = thp(0);
        decl.exclusive = false;
        let mut b = Bench::new(rules, &[decl]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 1, page, ef::RW);
        let bug = Err(Stop::Bug(Site::SanityCheckSmall));
        assert_eq!(b.pin(ADDR, 1, &[Write]), bug);
        assert_eq!(b.refs(0), 1025);
        b.rules = rules.with_debug_vm(false);
        assert_eq!(b.pin(ADDR, 1, &[Write]), Ok(1));
    }
}

#[test]
fn interrupts_are_off_during_the_walk_and_come_back_only_if_they_were_on() {
    for rules in ALL {
        for on in [false, true] {
            let mut b = mapped(rules, 1);
            b.machine.irqs_on = on;
            let load = b.load(Level::Pte, ADDR);
            b.when(load, 1, |m| {
                assert!(!m.irqs_on);
                None
            });
            assert_eq!(b.get(ADDR, 1, &[Force]), Ok(1));
            assert_eq!(b.machine.irqs_on, on);
        }
        // who turns them on meanwhile is not undone
        let mut b = mapped(rules, 1);
        let load = b.load(Level::Pte, ADDR);
        b.when(load, 1, |m| {
            m.irqs_on = true;
            None
        });
        assert_eq!(b.get(ADDR, 1, &[]), Ok(1));
        assert!(b.machine.irqs_on);
        let warns = rules.fast_grab_wants_irqs_off && rules.debug_vm;
        assert_eq!(b.warns().len(), usize::from(warns));
    }
}
