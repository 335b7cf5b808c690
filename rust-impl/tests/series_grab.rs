// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series at page level: references, grabs, and what the review of v8
//! and of v10 found there.

use crate::common::*;
use FollFlag::{Get, Pin};
use gup::{ENOMEM, FolioDecl, FolioPtr, FollFlag, PagePtr, Rules, Site, Stop};

#[test]
fn get_page_warns_of_a_dead_count_as_a_bug_of_its_own() {
    for rules in SERIES {
        for (count, bug) in [
            (0, true),
            (-1, true),
            (-127, true),
            (-128, false),
            (1, false),
        ] {
            let mut b = Bench::new(rules, &[counted(count)]);
            let page = b.page(0, 0);
            let expected = if bug {
                Err(Stop::Bug(Site::GetPage))
            } else {
                Ok(())
            };
            assert_eq!(b.op().get_page(page), expected, "{count}");
            let mut b = Bench::new(rules.with_debug_vm(false), &[counted(count)]);
            assert_eq!(b.op().get_page(page), Ok(()));
            assert_eq!(b.refs(0), count + 1);
        }
    }
}

#[test]
fn try_get_compound_head_takes_zero_quietly_and_a_negative_count_with_a_warning() {
    for rules in SERIES {
        for (count, warns) in [(0, vec![]), (-5, vec![Site::TryGetCompoundHead])] {
            let mut b = Bench::new(rules, &[compound(3, count)]);
            let tail = b.page(0, 5);
            assert_eq!(b.op().try_get_folio(tail, 3), Ok(None));
            assert_eq!((b.warns(), b.refs(0)), (warns, count));
        }
        let mut b = Bench::new(rules, &[compound(3, 1)]);
        let tail = b.page(0, 5);
        let head = b.folio(0);
        assert_eq!(b.op().try_get_folio(tail, 3), Ok(Some(head)));
        assert_eq!((b.refs(0), b.machine.steps), (4, 1));
    }
}

#[test]
fn page_ref_sub_return_is_of_the_very_page_in_all_revisions() {
    for rules in Rules::ALL {
        let mut b = Bench::new(rules, &[compound(2, 7)]);
        let (head, tail) = (b.page(0, 0), b.page(0, 3));
        assert_eq!(b.op().page_ref_sub_return(tail, 5), Ok(-5));
        assert_eq!((b.refs(0), b.at(0, 3).refcount), (7, -5));
        assert_eq!(b.op().page_ref_sub_return(head, 7), Ok(0));
        assert_eq!(b.op().page_ref_sub_return(head, i32::MIN), Ok(i32::MIN));
        assert!(b.calls().is_empty() && b.machine.steps == 1);
        assert_eq!(
            b.op().page_ref_sub_return(PagePtr::NULL, 1),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn v8_pins_a_tail_with_one_reference_of_the_head_and_1023_of_the_tail() {
    let mut b = Bench::new(RULES_V8, &[compound(9, 2000)]);
    let (tail, pin) = (b.page(0, 7), b.foll(&[Pin]));
    assert_eq!(b.op().grab_slow(tail, 1, pin), Ok(0));
    assert_eq!((b.refs(0), b.at(0, 7).refcount), (2001, 1023));
    assert_eq!(b.counters(), (1, 0));
    // and the unpin takes 1024 from the head, 1023 of them somebody else's
    b.op().unpin_user_page(tail).unwrap();
    assert_eq!((b.refs(0), b.at(0, 7).refcount), (977, 1023));
    assert_eq!(b.counters(), (0, 1));
}

#[test]
fn since_v9_a_pin_of_a_tail_goes_to_the_head() {
    for rules in [RULES_V9, RULES_V10, RULES_V11] {
        let mut b = Bench::new(rules, &[compound(9, 2000)]);
        let (tail, pin) = (b.page(0, 7), b.foll(&[Pin]));
        assert_eq!(b.op().grab_slow(tail, 1, pin), Ok(0));
        assert_eq!((b.refs(0), b.at(0, 7).refcount), (3024, 0));
        assert_eq!(b.machine.steps, 1);
        b.op().unpin_user_page(tail).unwrap();
        assert_eq!(b.refs(0), 2000);
    }
}

#[test]
fn v8_lets_a_pin_overflow_unnoticed() {
    for rules in [RULES_V8, RULES_V8.with_debug_vm(false)] {
        let mut b = Bench::new(rules, &[counted(i32::MAX - 1)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
        assert_eq!((b.refs(0), b.warns()), (i32::MIN + 1022, vec![]));
        // and goes on from there
        assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
        assert!(b.warns().is_empty());
    }
}

#[test]
fn v9_means_to_refuse_an_overflow_and_refuses_zero_only() {
    for rules in [RULES_V9, RULES_V10] {
        for (count, refused) in [(0, true), (-1, false), (-1024, false), (i32::MIN, false)] {
            let mut b = Bench::new(rules, &[counted(count)]);
            let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
            let expected = if refused { -ENOMEM } else { 0 };
            assert_eq!(b.op().grab_slow(page, 1, pin), Ok(expected));
            let warns = if refused {
                vec![Site::TryGrabPageOverflow]
            } else {
                vec![]
            };
            assert_eq!(b.warns(), warns);
            assert_eq!(b.refs(0), if refused { 0 } else { count + 1024 });
        }
    }
}

#[test]
fn with_a_bias_of_32_bits_the_last_1024_counts_are_refused_too() {
    for (count, refused) in [
        (0, true),
        (-1, true),
        (-1024, true),
        (-1025, false),
        (i32::MAX, false),
        (1, false),
    ] {
        let mut b = Bench::new(RULES_V9_BIAS32, &[counted(count)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        let close = b.op().page_ref_zero_or_close_to_bias_overflow(page);
        assert_eq!(close, Ok(refused), "{count}");
        let result = b.op().grab_slow(page, 1, pin).unwrap();
        assert_eq!(result, if refused { -ENOMEM } else { 0 });
    }
}

#[test]
fn the_overflow_check_is_of_exactly_the_page_given() {
    let mut b = Bench::new(RULES_V9, &[compound(1, 5)]);
    let (head, tail) = (b.page(0, 0), b.page(0, 1));
    assert_eq!(
        b.op().page_ref_zero_or_close_to_bias_overflow(head),
        Ok(false)
    );
    assert_eq!(
        b.op().page_ref_zero_or_close_to_bias_overflow(tail),
        Ok(true)
    );
}

#[test]
fn v11_wants_a_positive_count() {
    for (count, refused) in [(0, true), (-1, true), (i32::MIN, true), (1, false)] {
        let mut b = Bench::new(RULES_V11, &[counted(count)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        let result = b.op().grab_slow(page, 1, pin).unwrap();
        assert_eq!(result, if refused { -ENOMEM } else { 0 });
        let warns = if refused {
            vec![Site::TryGrabPageCount]
        } else {
            vec![]
        };
        assert_eq!(b.warns(), warns);
    }
}

#[test]
fn a_failed_get_is_an_error_since_v9() {
    for rules in [RULES_V9, RULES_V10, RULES_V11] {
        let mut b = Bench::new(rules, &[counted(-3)]);
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        assert_eq!(b.op().grab_slow(page, 1, get), Ok(-ENOMEM));
        assert_eq!((b.warns(), b.refs(0)), (vec![Site::TryGetPage], -3));
    }
    let mut b = Bench::new(RULES_V8.with_debug_vm(false), &[counted(-3)]);
    let (page, get) = (b.page(0, 0), b.foll(&[Get]));
    assert_eq!(b.op().grab_slow(page, 1, get), Ok(0));
    assert_eq!((b.warns(), b.refs(0)), (vec![], -2));
}

#[test]
fn both_flags_get_and_the_warning_about_them_is_dead_before_v11() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[small()]);
        let (page, both) = (b.page(0, 0), b.foll(&[Get, Pin]));
        assert_eq!(b.op().grab_slow(page, 1, both), Ok(0));
        assert_eq!((b.refs(0), b.counters()), (2, (0, 0)));
        let lives = rules.revision == RULES_V11.revision;
        let warns = if lives {
            vec![Site::TryGrabPageBoth]
        } else {
            vec![]
        };
        assert_eq!(b.warns(), warns);
        // v11 warns before it looks at the page
        assert_eq!(b.op().grab_slow(PagePtr::NULL, 1, both), Err(Stop::Oops));
        assert_eq!(b.warns().len(), usize::from(lives));
    }
}

#[test]
fn with_neither_flag_the_slow_grab_looks_at_nothing() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[counted(-7)]);
        let none = b.foll(&[]);
        for page in [b.page(0, 0), PagePtr::NULL, PagePtr::POISON] {
            assert_eq!(b.op().grab_slow(page, 1, none), Ok(0));
        }
        assert!(b.warns().is_empty() && b.changes().is_empty());
    }
}

#[test]
fn the_lockless_grab_pins_in_one_addition() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(9, 1)]);
        let (tail, pin, both) = (b.page(0, 3), b.foll(&[Pin]), b.foll(&[Get, Pin]));
        let head = b.folio(0);
        assert_eq!(b.op().try_grab_folio_fast(tail, 3, pin), Ok(Some(head)));
        assert_eq!(
            (b.refs(0), b.counters(), b.machine.steps),
            (3073, (3, 0), 1)
        );
        // FOLL_PIN wins, unlike in the slow one
        assert_eq!(b.op().try_grab_folio_fast(tail, 1, both), Ok(Some(head)));
        assert_eq!((b.refs(0), b.counters(), b.warns()), (4097, (1, 0), vec![]));
    }
}

#[test]
fn refs_wrap_when_they_become_pins() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        assert!(
            b.op()
                .try_pin_compound_head(page, 1 << 22)
                .unwrap()
                .is_some()
        );
        assert_eq!((b.refs(0), b.counters()), (1, (1 << 22, 0)));
        let mut b = Bench::new(rules, &[counted(-1)]);
        assert_eq!(b.op().try_pin_compound_head(page, 1), Ok(None));
        assert_eq!(
            (b.warns(), b.counters()),
            (vec![Site::TryGetCompoundHead], (0, 0))
        );
    }
}

#[test]
fn neither_flag_means_get_in_the_lockless_walk_until_v10_warns() {
    for rules in [RULES_V8, RULES_V9] {
        let mut b = Bench::new(rules, &[small()]);
        let (page, none) = (b.page(0, 0), b.foll(&[]));
        assert_eq!(
            b.op().try_grab_folio_fast(page, 2, none),
            Ok(Some(FolioPtr(page)))
        );
        assert_eq!((b.refs(0), b.warns()), (3, vec![]));
    }
    for rules in [RULES_V10, RULES_V11] {
        let mut b = Bench::new(rules, &[small()]);
        let (page, none) = (b.page(0, 0), b.foll(&[]));
        for page in [page, PagePtr::NULL] {
            assert_eq!(b.op().try_grab_folio_fast(page, 2, none), Ok(None));
            assert_eq!(b.warns(), [Site::TryGrabCompoundHeadNeither]);
        }
        assert_eq!(b.refs(0), 1);
    }
}

#[test]
fn pins_are_references_of_large_pages_too() {
    for rules in SERIES {
        for (count, pinned) in [(1023, false), (1024, true), (-1, true), (i32::MIN, true)] {
            let decl = FolioDecl {
                refcount: count,
                pincount: 3,
                ..thp(2)
            };
            let mut b = Bench::new(rules, &[decl]);
            let tail = b.page(0, 3);
            assert_eq!(b.op().page_maybe_dma_pinned(tail), Ok(pinned));
            let page = b.page(0, 0);
            b.op().machine.set_flag(page, 2, true);
            let changes = b.changes();
            assert_eq!((changes[0].pinned, changes[0].pincount), (pinned, 0));
        }
    }
}

#[test]
fn compared_signed_an_overflowed_count_does_not_look_pinned() {
    for (count, pinned) in [(-1, false), (i32::MIN, false), (1023, false), (1024, true)] {
        let mut b = Bench::new(RULES_V8_SIGNED, &[counted(count)]);
        let page = b.page(0, 0);
        assert_eq!(b.op().page_maybe_dma_pinned(page), Ok(pinned));
        b.op().machine.set_flag(page, 2, true);
        assert_eq!(b.changes()[0].pinned, pinned);
    }
}

#[test]
fn a_pin_count_is_no_state_of_the_series() {
    let mut b = Bench::new(RULES_V9, &[thp(3)]);
    let page = b.page(0, 0);
    b.op().machine.set_pin(page, 9);
    assert!(b.changes().is_empty());
}
