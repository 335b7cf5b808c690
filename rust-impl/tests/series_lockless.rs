// SPDX-License-Identifier: GPL-2.0
//! The call sites of the lockless walk in the FOLL_PIN series, and the checks of
//! flags at the entry points.

use crate::common::*;
use FollFlag::{Get, Longterm, Pin, Write};
use gup::machine::state;
use gup::page::flag;
use gup::pages::NR_PAGES;
use gup::{Call, EINVAL, FolioDecl, Foll, FollFlag, Kind, PagePtr, Site, Stop, Wrapper};

fn is(rules: &gup::Rules, other: &gup::Rules) -> bool {
    rules.revision == other.revision
}

#[test]
fn the_lockless_walk_records_and_references() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(3, 1)]);
        let (tail, pin) = (b.page(0, 5), b.foll(&[Pin]));
        assert_eq!(b.op().gup_pte_range(tail, pin, false), Ok(true));
        assert_eq!((b.refs(0), b.entries()), (1025, &[tail][..]));
        assert_eq!(b.at(0, 0).flags & flag::REFERENCED, flag::REFERENCED);
        for (n, nr) in [(2, 2), (9, 3), (0, 1), (-1, 1)] {
            let head = b.page(0, 0);
            b.op().machine.set_ref(head, 1);
            assert_eq!(b.op().gup_huge(tail, n, pin, false), Ok(true));
            assert_eq!((b.refs(0), b.counters()), (1 + 1024 * nr, (nr, 0)));
            assert_eq!((b.entries().len() as i32, b.entries()[0]), (nr, tail));
        }
    }
}

#[test]
fn an_entry_that_changed_gives_all_back_but_the_count() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(3, 1)]);
        let (tail, pin) = (b.page(0, 5), b.foll(&[Pin]));
        assert_eq!(b.op().gup_pte_range(tail, pin, true), Ok(false));
        assert_eq!((b.refs(0), b.counters()), (1, (1, 0)));
        assert_eq!(b.op().gup_huge(tail, 3, pin, true), Ok(false));
        assert_eq!((b.refs(0), b.counters()), (1, (3, 0)));
        assert!(b.entries().is_empty());
        assert_eq!(b.at(0, 0).flags & flag::REFERENCED, 0);
    }
}

#[test]
fn a_dead_page_ends_the_lockless_walk() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(3, 0)]);
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        assert_eq!(b.op().gup_pte_range(page, get, false), Ok(false));
        assert_eq!(b.op().gup_huge(page, 8, get, false), Ok(false));
        assert!(b.entries().is_empty() && b.changes().is_empty());
        // the pages of the entry are counted before the flags are looked at
        assert_eq!(
            b.op().gup_huge(PagePtr::NULL, 1, Foll(0), false),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn device_pages_are_taken_one_by_one() {
    for rules in SERIES {
        let mut b = Bench::new(
            rules,
            &[FolioDecl {
                order: 2,
                ..device(Kind::DevFsdax)
            }],
        );
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert_eq!(b.op().gup_device_huge(page, 3, pin, 0), Ok(true));
        assert_eq!(b.entries(), [0, 1, 2].map(|i| b.page(0, i)));
        let v8 = is(&rules, &RULES_V8);
        assert_eq!(b.refs(0), if v8 { 1 + 3 + 1023 } else { 3073 });
        assert_eq!(b.at(0, 2).refcount, if v8 { 1023 } else { 0 });
        assert_eq!(b.at(0, 0).flags & flag::REFERENCED, flag::REFERENCED);
        for n in [0, -1] {
            assert_eq!(b.op().gup_device_huge(PagePtr::NULL, n, pin, 0), Ok(true));
        }
        assert_eq!(b.op().gup_device_huge(PagePtr::NULL, 1, pin, 1), Ok(false));
        assert_eq!(
            b.op().gup_device_huge(PagePtr::NULL, 1, pin, 0),
            Err(Stop::Oops)
        );
        // no more than 64
        let page = PagePtr::new(NR_PAGES - 64);
        assert_eq!(b.op().gup_device_huge(page, i32::MAX, Foll(0), 0), Ok(true));
        let page = PagePtr::new(NR_PAGES - 63);
        assert_eq!(
            b.op().gup_device_huge(page, 64, Foll(0), 0),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn a_pagemap_that_is_gone_undoes_what_was_recorded() {
    for rules in SERIES {
        let decl = FolioDecl {
            order: 2,
            refcount: 1,
            ..device(Kind::DevFsdax)
        };
        let mut b = Bench::new(rules, &[decl]);
        b.machine.set_state_bits(state::DEVMAP_KEY);
        let (page, pin, get) = (b.page(0, 0), b.foll(&[Pin]), b.foll(&[Get]));
        assert_eq!(b.op().gup_device_huge(page, 3, get, 3), Ok(false));
        assert_eq!((b.refs(0), b.calls()), (1, vec![Call::FreeDevmapManaged]));
        assert!(b.entries().is_empty() && b.changes().is_empty());
        if is(&rules, &RULES_V8) {
            // the first undone is the tail, with 1023 of its pin on itself
            b.op().gup_device_huge(page, 3, pin, 3).unwrap();
            assert_eq!((b.refs(0), b.at(0, 1).refcount), (1 - 1023, 1023));
        } else {
            b.op().gup_device_huge(page, 3, pin, 3).unwrap();
            assert_eq!((b.refs(0), b.counters()), (1, (2, 2)));
        }
    }
}

#[test]
fn a_device_page_that_cannot_be_grabbed_stays_referenced() {
    for rules in SINCE_V9 {
        let mut b = Bench::new(rules, &[small()]);
        // its neighbour in the memory map belongs to nobody and has no references
        let (page, next, pin) = (b.page(0, 0), b.page(0, 1), b.foll(&[Pin]));
        assert_eq!(b.op().gup_device_huge(page, 2, pin, 0), Ok(false));
        let changes = b.changes();
        assert_eq!(changes.len(), 1);
        assert_eq!(Some(changes[0].page), next.nr());
        assert_eq!(changes[0].flags, flag::REFERENCED);
        assert_eq!((b.refs(0), b.counters(), b.entries().len()), (1, (1, 1), 0));
    }
    let mut b = Bench::new(RULES_V8, &[small()]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    let dead = b.op().gup_device_huge(page, 2, pin, 0);
    assert_eq!(dead, Err(Stop::Bug(Site::GetPage)));
}

#[test]
fn the_undo_puts_even_where_nothing_was_taken() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[counted(5)]);
        let page = b.page(0, 0);
        assert_eq!(b.op().gup_device_huge(page, 2, Foll(0), 2), Ok(false));
        assert_eq!(b.refs(0), 4);
    }
}

#[test]
fn pin_wrappers_set_foll_pin_and_refuse_foll_get() {
    for (wrapper, site) in [
        (Wrapper::PinUserPages, Site::PinUserPages),
        (
            Wrapper::PinUserPagesRemote { locked: true },
            Site::PinUserPagesRemote,
        ),
        (
            Wrapper::PinUserPagesRemote { locked: false },
            Site::PinUserPagesRemote,
        ),
        (Wrapper::PinUserPagesFast, Site::PinUserPagesFast),
    ] {
        for rules in SERIES {
            let mut b = Bench::new(rules, &[small()]);
            let (write, both) = (b.foll(&[Write]), b.foll(&[Write, Pin]));
            assert_eq!(b.op().check_flags(wrapper, write), Ok(both));
            let get = b.foll(&[Get, Longterm]);
            assert_eq!(b.op().check_flags(wrapper, get), Err(-EINVAL));
            assert_eq!(b.warns(), [site]);
        }
    }
}

#[test]
fn a_remote_long_term_pin_must_keep_its_lock() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[small()]);
        let longterm = b.foll(&[Longterm]);
        let locked = Wrapper::PinUserPagesRemote { locked: true };
        assert_eq!(b.op().check_flags(locked, longterm), Err(-EINVAL));
        assert_eq!(b.warns(), [Site::PinUserPagesRemoteLocked]);
        for wrapper in [
            Wrapper::PinUserPagesRemote { locked: false },
            Wrapper::PinUserPages,
        ] {
            assert!(b.op().check_flags(wrapper, longterm).is_ok());
        }
    }
}

#[test]
fn get_wrappers_refuse_foll_pin_and_pass_the_rest_on() {
    for (wrapper, site) in [
        (Wrapper::GetUserPages, Site::GetUserPages),
        (Wrapper::GetUserPagesRemote, Site::GetUserPagesRemote),
        (Wrapper::GetUserPagesLocked, Site::GetUserPagesLocked),
        (Wrapper::GetUserPagesUnlocked, Site::GetUserPagesUnlocked),
        (Wrapper::GetUserPagesFast, Site::GetUserPagesFast),
    ] {
        for rules in SERIES {
            let mut b = Bench::new(rules, &[small()]);
            let pin = b.foll(&[Pin]);
            assert_eq!(b.op().check_flags(wrapper, pin), Err(-EINVAL));
            assert_eq!(b.warns(), [site]);
            let rest = Foll(!pin.0);
            assert_eq!(b.op().check_flags(wrapper, rest), Ok(rest));
            assert!(b.warns().is_empty());
        }
    }
}
