// SPDX-License-Identifier: GPL-2.0
//! Grabs, fast and slow.

use crate::common::*;
use FollFlag::{Get, Longterm, PciP2pdma, Pin};
use gup::machine::MigrateType;
use gup::rules::RULES_7_3;
use gup::{ENOMEM, EREMOTEIO, FolioDecl, FolioPtr, FollFlag, Kind, MmPtr, PagePtr, Site, Stop};

#[test]
fn a_pin_of_a_small_folio_is_1024_references() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
        assert_eq!((b.refs(0), b.counters()), (1025, (1, 0)));
        assert_eq!(
            b.op().try_grab_folio_fast(page, 2, pin),
            Ok(Some(FolioPtr(page)))
        );
        assert_eq!((b.refs(0), b.counters()), (3073, (2, 0)));
        assert!(b.changes()[0].pinned);
    }
}

#[test]
fn a_pin_of_a_tail_counts_on_the_head() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[thp(9)]);
        let (tail, pin) = (b.page(0, 511), b.foll(&[Pin]));
        let head = b.folio(0);
        assert_eq!(b.op().grab_slow(tail, 1, pin), Ok(0));
        assert_eq!((b.refs(0), b.pins(0)), (2, 1));
        assert_eq!(b.op().try_grab_folio_fast(tail, 7, pin), Ok(Some(head)));
        assert_eq!((b.refs(0), b.pins(0)), (9, 8));
        assert_eq!(b.changes().len(), 1);
    }
}

#[test]
fn the_slow_grab_honours_refs_since_6_12() {
    for (rules, refs) in [(RULES_6_1, 2), (RULES_6_12, 8)] {
        let mut b = Bench::new(rules, &[thp(9)]);
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        b.op().grab_slow(page, 7, get).unwrap();
        assert_eq!((b.refs(0), b.counters()), (refs, (0, 0)));
    }
}

#[test]
fn the_slow_grab_warns_about_a_dead_folio() {
    for count in [0, -1, i32::MIN] {
        let decl = FolioDecl {
            refcount: count,
            ..small()
        };
        for (rules, site) in [
            (RULES_6_1, Site::TryGrabPageCount),
            (RULES_6_12, Site::TryGrabFolioCount),
        ] {
            let mut b = Bench::new(rules, &[decl]);
            let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
            assert_eq!(b.op().grab_slow(page, 1, pin), Ok(-ENOMEM));
            assert_eq!((b.warns(), b.refs(0)), (vec![site], count));
        }
    }
}

#[test]
fn get_and_pin_together_warn_in_the_slow_grab_of_6_1() {
    for (rules, warns) in [
        (RULES_6_1, vec![Site::TryGrabPageBoth]),
        (RULES_6_12, vec![]),
    ] {
        let mut b = Bench::new(rules, &[small()]);
        let (page, both) = (b.page(0, 0), b.foll(&[Get, Pin]));
        assert_eq!(b.op().grab_slow(page, 1, both), Ok(0));
        assert_eq!((b.warns(), b.refs(0)), (warns, 2));
    }
}

#[test]
fn neither_get_nor_pin_is_fine_slow_and_a_warning_fast() {
    for (rules, site) in [
        (RULES_6_1, Site::TryGrabFolioNeither),
        (RULES_6_12, Site::TryGrabFolioFastNeither),
    ] {
        let mut b = Bench::new(rules, &[small()]);
        let (page, none) = (b.page(0, 0), b.foll(&[]));
        assert_eq!(b.op().grab_slow(page, 1, none), Ok(0));
        assert!(b.warns().is_empty());
        assert_eq!(b.op().try_grab_folio_fast(page, 1, none), Ok(None));
        assert_eq!(b.warns(), [site]);
        // 6.1 and 6.12 alike do not look at the page
        assert_eq!(b.op().try_grab_folio_fast(PagePtr::NULL, 1, none), Ok(None));
    }
}

#[test]
fn pins_wrap_silently() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[small()]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        let folio = b.op().try_grab_folio_fast(page, i32::MAX, pin).unwrap();
        assert!(folio.is_some() && b.warns().is_empty());
        // 1 + INT_MAX * 1024 in 32 bits
        assert_eq!((b.refs(0), b.counters()), (1 - 1024, (i32::MAX, 0)));
    }
}

#[test]
fn a_pin_at_int_max_overflows_into_the_sign_and_still_looks_pinned() {
    let decl = FolioDecl {
        refcount: i32::MAX,
        ..small()
    };
    for rules in BOTH {
        let mut b = Bench::new(rules, &[decl]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
        assert_eq!(b.refs(0), i32::MIN + 1023);
        assert!(b.changes()[0].pinned);
        assert_eq!(b.op().try_grab_folio_fast(page, 1, pin), Ok(None));
        assert_eq!(b.warns(), [Site::TryGetFolio]);
    }
}

#[test]
fn the_zero_page_is_never_pinned() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[zero(), zero()]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin, Longterm]));
        assert_eq!(b.op().grab_slow(page, 3, pin), Ok(0));
        assert_eq!(
            b.op().try_grab_folio_fast(page, 3, pin),
            Ok(Some(FolioPtr(page)))
        );
        b.op().unpin_user_page(page).unwrap();
        assert_eq!((b.refs(0), b.counters()), (1, (0, 0)));
        // the second one is a page like any other
        let (other, pin) = (b.page(1, 0), b.foll(&[Pin]));
        b.op().grab_slow(other, 1, pin).unwrap();
        assert_eq!(b.refs(1), 1025);
    }
}

#[test]
fn references_to_the_zero_page_do_count() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[zero()]);
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        b.op().try_grab_folio_fast(page, 3, get).unwrap();
        assert_eq!(b.refs(0), 4);
    }
}

#[test]
fn a_movable_page_is_not_pinned_long_term_in_the_lockless_way() {
    let decl = FolioDecl {
        movable: true,
        ..small()
    };
    for (rules, steps) in [(RULES_6_1, 0), (RULES_6_12, 2)] {
        let mut b = Bench::new(rules, &[decl]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin, Longterm]));
        assert_eq!(b.op().try_grab_folio_fast(page, 1, pin), Ok(None));
        assert_eq!((b.refs(0), b.counters()), (1, (0, 0)));
        // 6.12 takes a reference and gives it back
        assert_eq!(b.machine.steps, steps);
        let get = b.foll(&[Get, Longterm]);
        assert!(b.op().try_grab_folio_fast(page, 1, get).unwrap().is_some());
    }
}

#[test]
fn cma_and_isolated_pageblocks_do_not_take_long_term_pins() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[thp(9)]);
        let folio = b.folio(0);
        for (mt, ok) in [
            (MigrateType::Unmovable, true),
            (MigrateType::Movable, true),
            (MigrateType::Cma, false),
            (MigrateType::Isolate, false),
        ] {
            b.set_pageblock(0, mt);
            assert_eq!(b.op().folio_is_longterm_pinnable(folio), Ok(ok));
        }
    }
}

#[test]
fn the_zero_page_takes_long_term_pins_even_in_zone_movable() {
    let decl = FolioDecl {
        movable: true,
        ..zero()
    };
    let mut b = Bench::new(RULES_6_1, &[decl]);
    let page = b.page(0, 0);
    assert_eq!(b.op().is_longterm_pinnable_page(page), Ok(true));
    b.set_pageblock(0, MigrateType::Cma);
    assert_eq!(b.op().is_longterm_pinnable_page(page), Ok(false));
}

#[test]
fn coherent_device_memory_does_not_take_long_term_pins() {
    for (kind, ok) in [(Kind::DevCoherent, false), (Kind::DevPrivate, true)] {
        let mut b = Bench::new(RULES_6_12, &[device(kind)]);
        let folio = b.folio(0);
        assert_eq!(b.op().folio_is_longterm_pinnable(folio), Ok(ok));
    }
}

#[test]
fn peer_to_peer_pages_need_their_flag_since_6_12() {
    let mut b = Bench::new(RULES_6_12, &[device(Kind::DevP2pdma)]);
    let page = b.page(0, 0);
    let (pin, asked) = (b.foll(&[Pin]), b.foll(&[Pin, PciP2pdma]));
    assert_eq!(b.op().grab_slow(page, 1, pin), Ok(-EREMOTEIO));
    assert_eq!(b.op().try_grab_folio_fast(page, 1, pin), Ok(None));
    assert_eq!(b.refs(0), 1);
    assert_eq!(b.op().grab_slow(page, 1, asked), Ok(0));
    assert_eq!(b.refs(0), 1025);

    let mut b = Bench::new(RULES_6_1, &[device(Kind::DevP2pdma)]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
}

#[test]
fn the_lockless_grab_of_6_12_wants_interrupts_off() {
    for (rules, warns) in [
        (RULES_6_1, vec![]),
        (RULES_6_12, vec![Site::TryGrabFolioFastIrqs]),
        (RULES_6_12.with_debug_vm(false), vec![]),
    ] {
        let mut b = Bench::new(rules, &[small()]);
        b.machine.irqs_on = true;
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        assert!(b.op().try_grab_folio_fast(page, 1, get).unwrap().is_some());
        assert_eq!(b.warns(), warns);
    }
}

#[test]
fn one_more_pin_warns_if_there_is_none() {
    let mut b = Bench::new(RULES_6_12, &[small(), thp(1)]);
    let (small, large) = (b.folio(0), b.folio(1));
    b.op().folio_add_pin(small).unwrap();
    assert_eq!((b.warns(), b.refs(0)), (vec![Site::FolioAddPinSmall], 1025));
    b.op().folio_add_pin(small).unwrap();
    assert_eq!((b.warns(), b.counters()), (vec![], (0, 0)));
    b.op().folio_add_pin(large).unwrap();
    assert_eq!(b.warns(), [Site::FolioAddPinLarge]);
    assert_eq!((b.refs(1), b.pins(1)), (2, 1));
}

#[test]
fn more_pins_are_grabbed_and_counted() {
    let mut b = Bench::new(RULES_7_3, &[small(), thp(1)]);
    let (small, large) = (b.folio(0), b.folio(1));
    assert_eq!(b.op().folio_add_pins(small, 2), Ok(0));
    assert_eq!((b.warns(), b.refs(0)), (vec![Site::FolioAddPins], 2049));
    assert_eq!(b.op().folio_add_pins(small, 1), Ok(0));
    assert_eq!((b.warns(), b.counters()), (vec![], (1, 0)));
    assert_eq!(b.op().folio_add_pins(large, 3), Ok(0));
    assert_eq!((b.refs(1), b.pins(1)), (4, 3));
}

#[test]
fn one_more_pin_compares_unsigned() {
    let decl = FolioDecl {
        refcount: -1,
        ..small()
    };
    let mut b = Bench::new(RULES_6_12, &[decl]);
    let folio = b.folio(0);
    b.op().folio_add_pin(folio).unwrap();
    assert!(b.warns().is_empty());
}

#[test]
fn bad_pointers_fault_before_any_warning() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let both = b.foll(&[Get, Pin]);
        for page in [PagePtr::NULL, PagePtr::POISON] {
            assert_eq!(b.op().grab_slow(page, 1, both), Err(Stop::Oops));
            assert_eq!(b.op().try_grab_folio_fast(page, 1, both), Err(Stop::Oops));
            assert!(b.warns().is_empty());
        }
    }
}

#[test]
fn has_pinned_is_noted() {
    let mut b = Bench::new(RULES_6_1, &[small()]);
    b.op().mm_set_has_pinned_flag(MmPtr::Current);
    assert_eq!(b.machine.state_bits(), gup::machine::state::HAS_PINNED);
}
