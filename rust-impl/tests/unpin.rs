// SPDX-License-Identifier: GPL-2.0
//! Put and unpin: folios, lists, ranges.

use crate::common::*;
use FollFlag::{Get, Pin};
use gup::page::flag;
use gup::{Call, FolioDecl, FolioPtr, FollFlag, List, Mapping, PagePtr, Site, Stop};

fn pinned_small(pins: i32) -> FolioDecl {
    FolioDecl {
        refcount: 1 + 1024 * pins,
        ..small()
    }
}

fn pinned_thp(order: u8, pins: i32) -> FolioDecl {
    FolioDecl {
        refcount: 1 + pins,
        pincount: pins,
        ..thp(order)
    }
}

#[test]
fn an_unpin_undoes_a_pin() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[pinned_small(1), pinned_thp(4, 2)]);
        let (page, tail) = (b.page(0, 0), b.page(1, 9));
        b.op().unpin_user_page(page).unwrap();
        assert_eq!((b.refs(0), b.counters()), (1, (0, 1)));
        b.op().unpin_user_page(tail).unwrap();
        assert_eq!((b.refs(1), b.pins(1)), (2, 1));
    }
}

#[test]
fn gup_put_folio_without_pin_gives_back_references() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[pinned_thp(4, 3)]);
        let (folio, get) = (b.folio(0), b.foll(&[Get]));
        b.op().gup_put_folio(folio, 2, get).unwrap();
        assert_eq!((b.refs(0), b.pins(0), b.counters()), (2, 3, (0, 0)));
    }
}

#[test]
fn refs_wrap_when_they_become_pins() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[small()]);
        let (folio, pin) = (b.folio(0), b.foll(&[Pin]));
        b.op().gup_put_folio(folio, i32::MIN, pin).unwrap();
        // INT_MIN * 1024 is 0 in 32 bits
        assert_eq!((b.refs(0), b.counters()), (1, (0, i32::MIN)));
    }
}

#[test]
fn npages_of_a_folio_becomes_an_int() {
    let mut b = Bench::new(RULES_6_12, &[pinned_thp(4, 3)]);
    let folio = b.folio(0);
    b.op().unpin_user_folio(folio, 0x1_0000_0002).unwrap();
    assert_eq!((b.refs(0), b.pins(0)), (2, 1));
}

#[test]
fn a_list_is_given_back_in_runs_of_one_folio() {
    for rules in SINCE_6_1 {
        let mut b = Bench::new(rules, &[pinned_thp(4, 5), pinned_small(2)]);
        let list = [
            b.page(0, 2),
            b.page(0, 0),
            b.page(1, 0),
            b.page(1, 0),
            b.page(0, 7),
        ];
        b.op().unpin_user_pages(List::new(&list), 5).unwrap();
        assert_eq!((b.refs(0), b.pins(0), b.refs(1)), (3, 2, 1));
        assert_eq!((b.machine.steps, b.counters()), (3, (0, 5)));
    }
}

#[test]
fn a_partial_list_leaves_the_rest_pinned() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[pinned_thp(4, 4)]);
        let list = [0, 1, 2, 3].map(|o| b.page(0, o));
        b.op().unpin_user_pages(List::new(&list), 3).unwrap();
        assert_eq!((b.refs(0), b.pins(0)), (2, 1));
        assert!(b.changes()[0].pinned);
        b.op().unpin_user_pages(List::new(&list), 0).unwrap();
        assert_eq!(b.machine.steps, 0);
    }
}

#[test]
fn null_in_a_list_faults_in_6_1() {
    let mut b = Bench::new(RULES_6_1.with_debug_vm(false), &[pinned_small(2)]);
    let list = [b.page(0, 0), PagePtr::NULL];
    assert_eq!(
        b.op().unpin_user_pages(List::new(&list), 2),
        Err(Stop::Oops)
    );
    // the run was not over yet
    assert_eq!(b.refs(0), 1 + 2 * 1024);
}

#[test]
fn null_that_begins_a_run_is_skipped_since_6_12() {
    for debug_vm in [true, false] {
        let rules = RULES_6_12.with_debug_vm(debug_vm);
        let mut b = Bench::new(rules, &[pinned_small(2)]);
        let page = b.page(0, 0);
        let list = [PagePtr::NULL, PagePtr::NULL, page];
        b.op().unpin_user_pages(List::new(&list), 3).unwrap();
        assert_eq!(b.refs(0), 1 + 1024);
        let list = [page, PagePtr::NULL];
        assert_eq!(
            b.op().unpin_user_pages(List::new(&list), 2),
            Err(Stop::Oops)
        );
        assert_eq!(b.refs(0), 1 + 1024);
    }
}

#[test]
fn null_faults_in_the_other_lists_of_6_12() {
    let mut b = Bench::new(RULES_6_12, &[pinned_small(2)]);
    let list = [PagePtr::NULL];
    let list = List::new(&list);
    assert_eq!(
        b.op().unpin_user_pages_dirty_lock(list, 1, true),
        Err(Stop::Oops)
    );
    assert_eq!(b.op().unpin_user_pages_dirty_lock(list, 1, false), Ok(()));
    assert_eq!(b.op().gup_fast_unpin_user_pages(list, 1), Err(Stop::Oops));
}

#[test]
fn an_errno_for_npages_is_warned_about() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[pinned_small(1)]);
        let list = [b.page(0, 0)];
        let list = List::new(&list);
        for n in [-1i64, -4095] {
            b.op().unpin_user_pages(list, n as u64).unwrap();
            assert_eq!((b.warns(), b.refs(0)), (vec![Site::UnpinUserPages], 1025));
        }
        let result = b.op().unpin_user_pages(list, -4096i64 as u64);
        assert_eq!((result, b.warns()), (Err(Stop::Oops), vec![]));
        // no check there
        assert_eq!(
            b.op().gup_fast_unpin_user_pages(list, u64::MAX),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn past_the_list_there_is_poison_and_then_nothing() {
    for rules in SINCE_6_1 {
        let mut b = Bench::new(rules, &[zero()]);
        let list = vec![b.page(0, 0); gup::unpin::MAX_LIST + 1];
        b.op().unpin_user_pages(List::new(&list), 4096).unwrap();
        assert_eq!(
            b.op().unpin_user_pages(List::new(&list), 4097),
            Err(Stop::Oops)
        );
        assert_eq!(
            b.op().unpin_user_pages(List::new(&list[..1]), 2),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn dirtying_locks_dirties_and_unlocks_each_clean_folio_once() {
    for rules in ALL {
        let dirty = FolioDecl {
            flags: flag::DIRTY,
            ..pinned_small(1)
        };
        let mut b = Bench::new(rules, &[pinned_small(2), dirty]);
        let list = [b.page(0, 0), b.page(0, 0), b.page(1, 0)];
        b.op()
            .unpin_user_pages_dirty_lock(List::new(&list), 3, true)
            .unwrap();
        assert_eq!(b.calls(), [Call::FolioMarkDirty, Call::FolioUnlock]);
        assert_eq!(b.at(0, 0).flags, flag::DIRTY);
        assert_eq!((b.refs(0), b.refs(1)), (1, 1));
    }
}

#[test]
fn a_taken_lock_is_waited_for() {
    let locked = FolioDecl {
        flags: flag::LOCKED,
        ..pinned_small(1)
    };
    for rules in ALL {
        let mut b = Bench::new(rules, &[locked]);
        let page = b.page(0, 0);
        b.op()
            .unpin_user_page_range_dirty_lock(page, 1, true)
            .unwrap();
        let calls = [Call::FolioLock, Call::FolioMarkDirty, Call::FolioUnlock];
        assert_eq!(b.calls(), calls);
        assert_eq!(b.at(0, 0).flags, flag::DIRTY);
    }
}

#[test]
fn a_range_takes_what_it_shares_with_the_folio() {
    for rules in SINCE_6_1 {
        let mut b = Bench::new(rules, &[pinned_thp(3, 8)]);
        let page = b.page(0, 6);
        b.op()
            .unpin_user_page_range_dirty_lock(page, 1, false)
            .unwrap();
        assert_eq!((b.refs(0), b.pins(0)), (8, 7));
        // two pages of the folio, then pages of none
        b.op()
            .unpin_user_page_range_dirty_lock(page, 4, false)
            .unwrap();
        assert_eq!((b.refs(0), b.pins(0)), (6, 5));
        assert_eq!(b.at(0, 8).refcount, -1024);
        assert_eq!(b.changes().len(), 3);
        assert_eq!(b.counters(), (0, 4));
    }
}

#[test]
fn a_huge_range_runs_into_the_step_limit() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        let result = b
            .op()
            .unpin_user_page_range_dirty_lock(page, i32::MIN as i64 as u64, false);
        assert_eq!(result, Err(Stop::Limit));
        assert_eq!(b.machine.steps, gup::machine::STEP_LIMIT);
    }
}

#[test]
fn a_pinned_anonymous_page_is_exclusive_or_it_is_complained_about() {
    let shared = FolioDecl {
        exclusive: false,
        mapping: Mapping::Anon,
        ..pinned_small(1)
    };
    let shared_thp = FolioDecl {
        exclusive: false,
        ..pinned_thp(9, 1)
    };
    for rules in SINCE_6_1 {
        let mut b = Bench::new(rules, &[shared, shared_thp]);
        let (page, tail) = (b.page(0, 0), b.page(1, 5));
        for (page, bug, warn) in [
            (page, Site::SanityCheckSmall, Site::SanityCheckSmallWarn),
            (tail, Site::SanityCheckLarge, Site::SanityCheckLargeWarn),
        ] {
            let result = b.op().unpin_user_page(page);
            let warns = rules.debug_vm && rules.bugs_are_warnings;
            let expected = match rules.debug_vm && !warns {
                true => Err(Stop::Bug(bug)),
                false => Ok(()),
            };
            assert_eq!(result, expected);
            assert_eq!(b.warns().contains(&warn), warns);
        }
    }
}

#[test]
fn an_exclusive_tail_is_enough() {
    for rules in BOTH {
        let shared = FolioDecl {
            exclusive: false,
            ..pinned_thp(9, 3)
        };
        let mut b = Bench::new(rules, &[shared]);
        let tail = b.page(0, 5);
        b.machine.set_flag(tail, 8, true);
        assert_eq!(b.op().unpin_user_page(tail), Ok(()));
        let other = b.page(0, 6);
        assert!(b.op().unpin_user_page(other).is_err());
    }
}

#[test]
fn hugetlb_is_exclusive_by_its_head() {
    for rules in BOTH {
        let decl = FolioDecl {
            kind: gup::Kind::Hugetlb,
            exclusive: false,
            ..pinned_thp(9, 3)
        };
        let mut b = Bench::new(rules, &[decl]);
        let tail = b.page(0, 5);
        b.machine.set_flag(tail, 8, true);
        assert_eq!(
            b.op().unpin_user_page(tail),
            Err(Stop::Bug(Site::SanityCheckSmall))
        );
    }
}

#[test]
fn folios_are_given_back_in_runs_and_null_is_skipped() {
    let mut b = Bench::new(RULES_6_12, &[pinned_thp(2, 3), pinned_small(1)]);
    let (x, y) = (b.page(0, 0), b.page(1, 0));
    let list = [x, x, PagePtr::NULL, PagePtr::NULL, y, x];
    b.op().unpin_folios(List::new(&list), 6).unwrap();
    assert_eq!((b.refs(0), b.pins(0), b.refs(1)), (1, 0, 1));
    assert_eq!(b.machine.steps, 3);
    b.op().unpin_folios(List::new(&list), u64::MAX).unwrap();
    assert_eq!(b.warns(), [Site::UnpinFolios]);
    assert_eq!(b.op().unpin_folios(List::new(&list), 7), Err(Stop::Oops));
}

#[test]
fn unpinning_null_faults_before_anything_is_counted() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let pin = b.foll(&[Pin]);
        assert_eq!(b.op().unpin_user_page(PagePtr::NULL), Err(Stop::Oops));
        let null = FolioPtr(PagePtr::NULL);
        assert_eq!(b.op().gup_put_folio(null, 1, pin), Err(Stop::Oops));
        assert_eq!(b.counters(), (0, 0));
    }
}
