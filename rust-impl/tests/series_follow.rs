// SPDX-License-Identifier: GPL-2.0
//! The call sites of the slow path in the FOLL_PIN series.

use crate::common::*;
use FollFlag::{Get, Pin};
use gup::page::flag;
use gup::series::follow::DevmapLevel::{Pmd, Pud};
use gup::{
    Call, EEXIST, EFAULT, ENOMEM, Event, FolioDecl, Foll, FollFlag, Kind, Mapping, PagePtr, Site,
    Stop,
};

fn is(rules: &gup::Rules, other: &gup::Rules) -> bool {
    rules.revision == other.revision
}

#[test]
fn follow_page_pte_of_v8_has_both_mistakes_of_grab_page() {
    let mut b = Bench::new(RULES_V8, &[compound(4, 9)]);
    let (tail, pin, both) = (b.page(0, 3), b.foll(&[Pin]), b.foll(&[Get, Pin]));
    assert_eq!(b.op().follow_page_pte(tail, pin, false), Ok(Ok(tail)));
    assert_eq!(
        (b.refs(0), b.at(0, 3).refcount, b.counters()),
        (10, 1023, (1, 0))
    );
    // here the WARN lives, and FOLL_PIN wins
    assert_eq!(b.op().follow_page_pte(tail, both, false), Ok(Ok(tail)));
    assert_eq!(
        (b.warns(), b.counters()),
        (vec![Site::FollowPagePte], (1, 0))
    );

    let mut b = Bench::new(RULES_V8, &[counted(i32::MAX - 5)]);
    let page = b.page(0, 0);
    assert_eq!(b.op().follow_page_pte(page, pin, false), Ok(Ok(page)));
    assert!(b.refs(0) < 0 && b.warns().is_empty());
}

#[test]
fn follow_page_pte_uses_the_helper_since_v9() {
    for rules in SINCE_V9 {
        let mut b = Bench::new(rules, &[compound(4, 9)]);
        let (tail, pin, both) = (b.page(0, 3), b.foll(&[Pin]), b.foll(&[Get, Pin]));
        assert_eq!(b.op().follow_page_pte(tail, pin, false), Ok(Ok(tail)));
        assert_eq!((b.refs(0), b.at(0, 3).refcount), (1033, 0));
        assert_eq!(b.op().follow_page_pte(tail, both, false), Ok(Ok(tail)));
        assert_eq!(b.refs(0), 1034);
    }
}

#[test]
fn follow_page_pte_fails_with_enomem_in_every_version() {
    for rules in SERIES {
        for flags in [&[Get][..], &[Pin]] {
            let mut b = Bench::new(rules, &[counted(0)]);
            let (page, flags) = (b.page(0, 0), b.foll(flags));
            assert_eq!(b.op().follow_page_pte(page, flags, false), Ok(Err(-ENOMEM)));
            assert_eq!((b.refs(0), b.warns().len()), (0, 1));
        }
    }
}

#[test]
fn a_devmap_pte_is_followed_only_for_a_reference() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[device(Kind::DevFsdax)]);
        let (page, none, get) = (b.page(0, 0), b.foll(&[]), b.foll(&[Get]));
        assert_eq!(b.op().follow_page_pte(page, none, true), Ok(Err(-EEXIST)));
        assert_eq!(b.op().follow_page_pte(page, get, true), Ok(Ok(page)));
        assert_eq!(b.refs(0), 2);
        // a plain one is followed without a look at the page
        for page in [page, PagePtr::NULL, PagePtr::POISON] {
            assert_eq!(b.op().follow_page_pte(page, none, false), Ok(Ok(page)));
        }
    }
}

#[test]
fn follow_page_mask_forgets_its_page_in_v8() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        let found = if is(&rules, &RULES_V8) {
            PagePtr::NULL
        } else {
            page
        };
        for (flags, warns) in [
            (&[][..], vec![]),
            (&[Get], vec![Site::FollowPageMask]),
            (&[Pin], vec![Site::FollowPageMask]),
        ] {
            let flags = b.foll(flags);
            assert_eq!(b.op().follow_page_mask(page, flags), Ok(found));
            assert_eq!(b.warns(), warns);
        }
        assert_eq!(b.refs(0), 1);
    }
}

#[test]
fn huge_entries_take_one_of_the_flags() {
    for rules in SERIES {
        for (level, site) in [(Pmd, Site::FollowDevmapPmd), (Pud, Site::FollowDevmapPud)] {
            let mut b = Bench::new(rules, &[small()]);
            let (page, both) = (b.page(0, 0), b.foll(&[Get, Pin]));
            assert_eq!(
                b.op().follow_devmap(level, page, both),
                Ok(Ok(PagePtr::NULL))
            );
            assert_eq!((b.warns(), b.refs(0)), (vec![site], 1));
            assert_eq!(b.op().follow_devmap(level, page, Foll(0)), Ok(Err(-EEXIST)));
            let (get, pin) = (b.foll(&[Get]), b.foll(&[Pin]));
            assert_eq!(b.op().follow_devmap(level, page, get), Ok(Ok(page)));
            assert_eq!(b.op().follow_devmap(level, page, pin), Ok(Ok(page)));
            assert_eq!((b.refs(0), b.counters()), (1026, (1, 0)));
        }
        let mut b = Bench::new(rules, &[small()]);
        let (page, both, pin) = (b.page(0, 0), b.foll(&[Get, Pin]), b.foll(&[Pin]));
        assert_eq!(b.op().follow_huge_pmd(page, both), Ok(Ok(PagePtr::NULL)));
        assert_eq!(b.warns(), [Site::FollowHugePmd]);
        assert_eq!(b.op().follow_huge_pmd(page, Foll(0)), Ok(Ok(page)));
        assert_eq!((b.warns(), b.refs(0)), (vec![], 1));
        assert_eq!(b.op().follow_huge_pmd(page, pin), Ok(Ok(page)));
        assert_eq!(b.refs(0), 1025);
    }
}

#[test]
fn a_failed_grab_of_a_huge_entry_is_efault_until_v11_makes_it_enomem() {
    for (rules, errno) in [(RULES_V9, EFAULT), (RULES_V10, EFAULT), (RULES_V11, ENOMEM)] {
        let mut b = Bench::new(rules, &[compound(9, 0)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        let (tail, get) = (b.page(0, 3), b.foll(&[Get]));
        assert_eq!(b.op().follow_devmap(Pmd, page, pin), Ok(Err(-errno)));
        assert_eq!(b.op().follow_devmap(Pud, page, get), Ok(Err(-errno)));
        assert_eq!(b.op().follow_huge_pmd(tail, pin), Ok(Err(-errno)));
        assert_eq!(
            b.op().follow_trans_huge_pmd(tail, get, false),
            Ok(Err(-errno))
        );
        assert_eq!(
            b.op().follow_hugetlb_page(tail, 2, pin),
            Ok(-i64::from(errno))
        );
        assert!(b.entries().is_empty());
        assert_eq!(b.refs(0), 0);
    }
}

#[test]
fn v8_cannot_fail_and_takes_what_is_dead() {
    let rules = RULES_V8.with_debug_vm(false);
    let mut b = Bench::new(rules, &[compound(9, -7)]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    assert_eq!(b.op().follow_huge_pmd(page, pin), Ok(Ok(page)));
    assert_eq!((b.refs(0), b.warns()), (1017, vec![]));
}

#[test]
fn weak_huge_followers_grab_nothing() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        for (flags, found) in [
            (&[][..], page),
            (&[Get], PagePtr::NULL),
            (&[Pin], PagePtr::NULL),
        ] {
            let flags = b.foll(flags);
            assert_eq!(b.op().follow_huge_without_grab(page, flags), Ok(found));
        }
        assert!(b.changes().is_empty());
    }
}

#[test]
fn the_mlock_comes_before_the_grab_until_v10() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(9, 5)]);
        let (tail, get) = (b.page(0, 3), b.foll(&[Get]));
        assert_eq!(b.op().follow_trans_huge_pmd(tail, get, true), Ok(Ok(tail)));
        assert_eq!(b.calls(), [Call::MlockVmaPage, Call::FolioUnlock]);
        let grabbed = rules.series.grabs_before_mlock;
        let Event::Call(_, then) = b.events.0[0] else {
            panic!()
        };
        assert_eq!(then.refcount, if grabbed { 6 } else { 5 });
        assert!(then.flags & flag::LOCKED != 0 && then.flags & flag::MLOCKED == 0);
        assert_eq!(
            b.at(0, 0).flags & (flag::LOCKED | flag::MLOCKED),
            flag::MLOCKED
        );
    }
}

#[test]
fn a_failed_grab_leaves_the_page_mlocked_in_v9() {
    for rules in SINCE_V9 {
        let mut b = Bench::new(rules, &[compound(9, 0)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert!(
            b.op()
                .follow_trans_huge_pmd(page, pin, true)
                .unwrap()
                .is_err()
        );
        let mlocked = b.at(0, 0).flags & flag::MLOCKED != 0;
        assert_eq!(mlocked, is(&rules, &RULES_V9));
    }
}

#[test]
fn only_a_mapped_page_whose_lock_is_free_is_mlocked() {
    for rules in SERIES {
        let locked = FolioDecl {
            flags: flag::LOCKED,
            ..thp(9)
        };
        let unmapped = FolioDecl {
            mapping: Mapping::None,
            ..thp(9)
        };
        let mut b = Bench::new(rules, &[locked, unmapped, thp(9)]);
        for index in 0..2 {
            let page = b.page(index, 1);
            assert_eq!(
                b.op().follow_trans_huge_pmd(page, Foll(0), true),
                Ok(Ok(page))
            );
            assert!(b.calls().is_empty() && b.changes().is_empty());
        }
        let page = b.page(2, 0);
        b.op()
            .follow_trans_huge_pmd(page, Foll(0), false)
            .unwrap()
            .unwrap();
        assert!(b.calls().is_empty());
        let null = b.op().follow_trans_huge_pmd(PagePtr::NULL, Foll(0), false);
        assert_eq!(null, Err(Stop::Oops));
    }
}

#[test]
fn a_hugetlb_page_is_recorded_up_to_its_end() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(3, 1)]);
        let (page, get) = (b.page(0, 5), b.foll(&[Get]));
        assert_eq!(b.op().follow_hugetlb_page(page, 9, get), Ok(3));
        assert_eq!(b.entries(), [5, 6, 7].map(|i| b.page(0, i)));
        assert_eq!(b.refs(0), 4);
        for (n, recorded) in [(2, 2), (0, 0), (-4, 0), (i32::MIN, 0)] {
            assert_eq!(b.op().follow_hugetlb_page(page, n, Foll(0)), Ok(recorded));
            assert_eq!(b.entries().len() as i64, recorded);
        }
        let null = b.op().follow_hugetlb_page(PagePtr::NULL, 0, get);
        assert_eq!(null, Err(Stop::Oops));
    }
}

#[test]
fn the_pins_of_a_hugetlb_page_lie_on_its_tails_in_v8() {
    let mut b = Bench::new(RULES_V8, &[compound(2, 1)]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    assert_eq!(b.op().follow_hugetlb_page(page, 4, pin), Ok(4));
    let counts = [0, 1, 2, 3].map(|i| b.at(0, i).refcount);
    assert_eq!(counts, [1 + 4 + 1023, 1023, 1023, 1023]);
    for rules in SINCE_V9 {
        let mut b = Bench::new(rules, &[compound(2, 1)]);
        assert_eq!(b.op().follow_hugetlb_page(page, 4, pin), Ok(4));
        assert_eq!((b.refs(0), b.at(0, 1).refcount), (4097, 0));
    }
}

#[test]
fn a_hugetlb_page_that_overflows_half_way_is_a_short_count() {
    let mut b = Bench::new(RULES_V11, &[compound(2, i32::MAX - 1500)]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    assert_eq!(b.op().follow_hugetlb_page(page, 4, pin), Ok(2));
    assert_eq!(b.entries().len(), 2);
    assert_eq!(b.warns(), [Site::TryGrabPageCount]);
    // v9's check lets it go on
    let mut b = Bench::new(RULES_V9, &[compound(2, i32::MAX - 1500)]);
    assert_eq!(b.op().follow_hugetlb_page(page, 4, pin), Ok(4));
}

#[test]
fn grabs_of_a_hugetlb_page_run_into_the_step_limit() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(10, 1)]);
        let (page, get) = (b.page(0, 0), b.foll(&[Get]));
        assert_eq!(
            b.op().follow_hugetlb_page(page, 1024, get),
            Err(Stop::Limit)
        );
        assert_eq!(b.op().follow_hugetlb_page(page, 1024, Foll(0)), Ok(1024));
    }
}
