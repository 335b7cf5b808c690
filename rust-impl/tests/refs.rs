// SPDX-License-Identifier: GPL-2.0
//! References without flags.

use crate::common::*;
use gup::machine::state;
use gup::page::flag;
use gup::{Call, FolioDecl, FolioPtr, Kind, PagePtr, Site, Stop};

#[test]
fn a_reference_on_a_tail_is_one_on_the_head() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[thp(9)]);
        let tail = b.page(0, 3);
        b.op().get_page(tail).unwrap();
        assert_eq!((b.refs(0), b.at(0, 3).refcount), (2, 0));
        b.op().put_page(tail).unwrap();
        assert_eq!((b.refs(0), b.calls()), (1, vec![]));
    }
}

#[test]
fn folio_get_bugs_on_zero_and_close_to_overflow() {
    for (count, bug) in [
        (0, true),
        (-1, true),
        (-127, true),
        (-128, false),
        (1, false),
    ] {
        let decl = FolioDecl {
            refcount: count,
            ..small()
        };
        for rules in SINCE_6_1 {
            let mut b = Bench::new(rules, &[decl]);
            let folio = b.folio(0);
            let result = b.op().folio_get(folio);
            if bug && rules.debug_vm {
                assert_eq!(result, Err(Stop::Bug(Site::FolioGet)));
                assert_eq!(b.refs(0), count);
            } else {
                assert_eq!(result, Ok(()));
                assert_eq!(b.refs(0), count + 1);
            }
        }
    }
}

#[test]
fn a_count_wraps_at_int_max() {
    let decl = FolioDecl {
        refcount: i32::MAX,
        ..small()
    };
    for rules in ALL {
        let mut b = Bench::new(rules, &[decl]);
        let folio = b.folio(0);
        b.op().folio_get(folio).unwrap();
        assert_eq!(b.refs(0), i32::MIN);
        assert_eq!(b.op().try_get_page(folio.page()), Ok(false));
        assert_eq!(b.warns(), [Site::TryGetPage]);
    }
}

#[test]
fn try_get_refuses_what_is_freed() {
    let decl = FolioDecl {
        refcount: 0,
        ..small()
    };
    for rules in BOTH {
        let mut b = Bench::new(rules, &[decl]);
        let folio = b.folio(0);
        assert_eq!(b.op().folio_try_get(folio), Ok(false));
        assert_eq!(b.op().try_get_folio(folio.page(), 1), Ok(None));
        assert!(b.warns().is_empty());
        assert_eq!(b.op().try_get_page(folio.page()), Ok(false));
        assert_eq!(b.warns(), [Site::TryGetPage]);
        assert_eq!(b.refs(0), 0);
    }
}

#[test]
fn a_refused_reference_is_a_step_in_6_1_only() {
    let decl = FolioDecl {
        refcount: 0,
        ..small()
    };
    for (rules, steps) in [(RULES_6_1, 1), (RULES_6_12, 0)] {
        let mut b = Bench::new(rules, &[decl]);
        let folio = b.folio(0);
        b.op().folio_ref_try_add(folio, 5).unwrap();
        assert_eq!(b.machine.steps, steps);
    }
}

#[test]
fn try_get_folio_warns_about_a_negative_count() {
    let decl = FolioDecl {
        refcount: -1,
        ..small()
    };
    for rules in SINCE_6_1 {
        let mut b = Bench::new(rules, &[decl]);
        let page = b.page(0, 0);
        assert_eq!(b.op().try_get_folio(page, 1), Ok(None));
        assert_eq!(b.warns(), [Site::TryGetFolio]);
        let folio = b.folio(0);
        assert_eq!(b.op().folio_try_get(folio), Ok(true));
    }
}

#[test]
fn the_last_reference_frees_the_folio() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small(), thp(2)]);
        let page = b.page(1, 3);
        b.op().put_page(page).unwrap();
        assert_eq!(b.calls(), [Call::FolioPut]);
        assert_eq!(b.changes()[0].page, b.machine.folios()[1].head);
        let folio = b.folio(0);
        b.op().folio_put_refs(folio, 1).unwrap();
        assert_eq!(b.calls(), [Call::FolioPut]);
        b.op().folio_put_refs(folio, 1).unwrap();
        assert_eq!((b.refs(0), b.calls()), (-1, vec![]));
    }
}

#[test]
fn dropping_a_reference_of_nothing_is_a_bug_under_debug_vm() {
    let decl = FolioDecl {
        refcount: 0,
        ..small()
    };
    for rules in ALL {
        let mut b = Bench::new(rules, &[decl]);
        let folio = b.folio(0);
        let result = b.op().folio_put(folio);
        if rules.debug_vm {
            assert_eq!(result, Err(Stop::Bug(Site::PutPageTestzero)));
            assert_eq!(b.refs(0), 0);
        } else {
            assert_eq!(result, Ok(()));
            assert_eq!(b.refs(0), -1);
        }
    }
}

#[test]
fn an_fsdax_page_is_idle_at_one() {
    let decl = FolioDecl {
        refcount: 2,
        ..device(Kind::DevFsdax)
    };
    for rules in BOTH {
        let mut b = Bench::new(rules, &[decl]);
        b.machine.set_state_bits(state::DEVMAP_KEY);
        let page = b.page(0, 0);
        b.op().put_page(page).unwrap();
        assert_eq!((b.refs(0), b.calls()), (1, vec![Call::WakeUpVar]));
        b.op().put_page(page).unwrap();
        assert_eq!((b.refs(0), b.calls()), (0, vec![]));
    }
}

#[test]
fn only_fsdax_with_the_key_on_is_put_the_devmap_way() {
    for rules in BOTH {
        for (key, kind) in [(0, Kind::DevFsdax), (state::DEVMAP_KEY, Kind::DevGeneric)] {
            let mut b = Bench::new(rules, &[device(kind)]);
            b.machine.set_state_bits(key);
            let folio = b.folio(0);
            assert_eq!(b.op().put_devmap_managed_folio_refs(folio, 1), Ok(false));
            assert_eq!(b.refs(0), 1);
        }
    }
}

#[test]
fn the_devmap_put_follows_the_pointer_only_with_the_key_on() {
    let null = FolioPtr(PagePtr::NULL);
    for rules in BOTH {
        let mut b = Bench::new(rules, &[small()]);
        assert_eq!(b.op().put_devmap_managed_folio_refs(null, 1), Ok(false));
        b.machine.set_state_bits(state::DEVMAP_KEY);
        assert_eq!(
            b.op().put_devmap_managed_folio_refs(null, 1),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn a_device_page_without_pagemap_faults() {
    for rules in BOTH {
        let mut b = Bench::new(rules, &[device(Kind::DevFsdax)]);
        b.machine.set_state_bits(state::DEVMAP_KEY);
        // the head of the next slot, which no folio is declared in
        let undeclared = b.page(0, 1024);
        let result = b
            .op()
            .put_devmap_managed_folio_refs(FolioPtr(undeclared), 1);
        assert_eq!(result, Err(Stop::Oops));
        assert_eq!(b.op().is_pci_p2pdma_page(undeclared), Err(Stop::Oops));
    }
}

#[test]
fn bad_pointers_fault() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        for page in [PagePtr::NULL, PagePtr::POISON] {
            let folio = FolioPtr(page);
            assert_eq!(b.op().get_page(page), Err(Stop::Oops));
            assert_eq!(b.op().folio_get(folio), Err(Stop::Oops));
            assert_eq!(b.op().try_get_page(page), Err(Stop::Oops));
            assert_eq!(b.op().folio_try_get(folio), Err(Stop::Oops));
            assert_eq!(b.op().try_get_folio(page, 1), Err(Stop::Oops));
            assert_eq!(b.op().put_page(page), Err(Stop::Oops));
            assert_eq!(b.op().folio_put_refs(folio, 1), Err(Stop::Oops));
        }
    }
}

#[test]
fn an_operation_is_cut_off_at_its_step_limit() {
    let mut b = Bench::new(RULES_6_1, &[small()]);
    b.machine.step_limit = 1;
    let folio = b.folio(0);
    // the reference is dropped, then the call of __folio_put is one too many
    assert_eq!(b.op().folio_put(folio), Err(Stop::Limit));
    assert_eq!((b.refs(0), b.calls()), (0, vec![]));
}

#[test]
fn a_call_shows_the_page_before_its_effect() {
    use gup::{Event, List};
    let decl = FolioDecl {
        refcount: 1025,
        ..small()
    };
    let mut b = Bench::new(RULES_6_1, &[decl]);
    let list = [b.page(0, 0)];
    b.op()
        .unpin_user_pages_dirty_lock(List::new(&list), 1, true)
        .unwrap();
    let flags: Vec<u32> = b
        .events
        .0
        .iter()
        .map(|event| match event {
            Event::Call(_, page) => page.flags,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(flags, [flag::LOCKED, flag::LOCKED | flag::DIRTY]);
    assert_eq!(b.at(0, 0).flags, flag::DIRTY);
}
