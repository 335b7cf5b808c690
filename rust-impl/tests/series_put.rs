// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series at page level: puts, unpins, counters, device pages.

use crate::common::*;
use FollFlag::{Get, Pin};
use gup::machine::state;
use gup::page::flag;
use gup::{Call, Event, FolioDecl, FollFlag, Kind, List, Mapping, PagePtr, Site, Stop};

#[test]
fn the_last_put_frees_and_a_put_of_zero_is_a_bug() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(1, 1)]);
        let tail = b.page(0, 1);
        b.op().put_page(tail).unwrap();
        assert_eq!((b.refs(0), b.calls()), (0, vec![Call::FolioPut]));
        assert_eq!(b.op().put_page(tail), Err(Stop::Bug(Site::PutPageTestzero)));
        // an unpin does not check
        b.op().unpin_user_page(tail).unwrap();
        assert_eq!(b.refs(0), -1024);
    }
}

#[test]
fn the_last_unpin_frees_and_counts_afterwards() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[counted(1024)]);
        let page = b.page(0, 0);
        b.op().unpin_user_page(page).unwrap();
        assert_eq!((b.calls(), b.counters()), (vec![Call::FolioPut], (0, 1)));

        // a put that is cut off leaves it uncounted
        let mut b = Bench::new(rules, &[counted(1024)]);
        b.machine.step_limit = 1;
        assert_eq!(b.op().unpin_user_page(page), Err(Stop::Limit));
        assert_eq!((b.refs(0), b.counters()), (0, (0, 0)));
    }
}

#[test]
fn without_debug_vm_the_counters_stand_still_in_the_series_only() {
    for rules in SERIES.map(|rules| rules.with_debug_vm(false)) {
        let mut b = Bench::new(rules, &[small()]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        b.op().grab_slow(page, 1, pin).unwrap();
        assert_eq!((b.refs(0), b.counters()), (1025, (0, 0)));
        b.op().unpin_user_page(page).unwrap();
        assert_eq!((b.refs(0), b.counters()), (1, (0, 0)));
    }
    let mut b = Bench::new(RULES_6_1.with_debug_vm(false), &[small()]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    b.op().grab_slow(page, 1, pin).unwrap();
    assert_eq!(b.counters(), (1, 0));
}

#[test]
fn put_compound_head_frees_by_its_extra_reference_and_counts_nothing() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(3, 2048)]);
        let (head, pin, get) = (b.folio(0), b.foll(&[Pin]), b.foll(&[Get]));
        b.op().gup_put_folio(head, 5, get).unwrap();
        assert_eq!((b.refs(0), b.machine.steps), (2043, 3));
        b.op().machine.set_ref(head.page(), 2048);
        b.op().gup_put_folio(head, 2, pin).unwrap();
        assert_eq!(
            (b.refs(0), b.calls(), b.counters()),
            (0, vec![Call::FolioPut], (0, 0))
        );
        let dead = b.op().gup_put_folio(head, 1, get);
        assert_eq!(dead, Err(Stop::Bug(Site::GetPage)));
    }
}

#[test]
fn devmap_managed_pages_go_back_to_their_driver_at_one() {
    let kinds = [
        (Kind::DevPrivate, true),
        (Kind::DevFsdax, true),
        (Kind::DevCoherent, false),
        (Kind::DevGeneric, false),
        (Kind::DevP2pdma, false),
        (Kind::Normal, false),
    ];
    for rules in SERIES {
        for (kind, managed) in kinds {
            let decl = FolioDecl {
                kind,
                ..counted(1025)
            };
            let mut b = Bench::new(rules, &[decl]);
            b.machine.set_state_bits(state::DEVMAP_KEY);
            let page = b.page(0, 0);
            b.op().unpin_user_page(page).unwrap();
            let freed = if managed {
                vec![Call::FreeDevmapManaged]
            } else {
                vec![]
            };
            assert_eq!((b.refs(0), b.calls(), b.counters()), (1, freed, (0, 1)));
            b.op().put_page(page).unwrap();
            assert_eq!((b.refs(0), b.calls()), (0, vec![Call::FolioPut]));
            // a managed page's count is not checked
            let more = b.op().put_page(page);
            assert_eq!(more.is_ok(), managed);
        }
    }
}

#[test]
fn with_the_key_off_or_in_6_1_nobody_manages_a_private_page() {
    for rules in [RULES_V8, RULES_V11, RULES_6_1] {
        let mut b = Bench::new(
            rules,
            &[FolioDecl {
                refcount: 2,
                ..device(Kind::DevPrivate)
            }],
        );
        b.machine.devmap_managed_key = rules.revision == RULES_6_1.revision;
        let page = b.page(0, 0);
        b.op().put_page(page).unwrap();
        assert_eq!((b.refs(0), b.calls()), (1, vec![]));
    }
}

#[test]
fn a_devmap_unpin_counts_before_the_driver_is_told() {
    let mut b = Bench::new(
        RULES_V11,
        &[FolioDecl {
            refcount: 1025,
            ..device(Kind::DevFsdax)
        }],
    );
    b.machine.devmap_managed_key = true;
    b.machine.step_limit = 1;
    let page = b.page(0, 0);
    assert_eq!(b.op().unpin_user_page(page), Err(Stop::Limit));
    assert_eq!(b.counters(), (0, 1));
}

#[test]
fn a_device_page_without_a_pagemap_faults_when_it_is_put() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[device(Kind::DevFsdax)]);
        // a slot that no folio was declared in
        let page = PagePtr::new(b.machine.folios()[0].head + gup::pages::SLOT_PAGES);
        b.machine.devmap_managed_key = true;
        assert_eq!(b.op().put_page(page), Err(Stop::Oops));
        b.machine.devmap_managed_key = false;
        assert_ne!(b.op().put_page(page), Err(Stop::Oops));
    }
}

#[test]
fn lists_are_unpinned_page_by_page_and_any_number_is_believed() {
    for rules in SERIES {
        let mut b = Bench::new(rules, &[compound(2, 4097), counted(1025)]);
        let list = [0, 1, 2, 3].map(|i| b.page(0, i));
        b.op().unpin_user_pages(List::new(&list), 4).unwrap();
        assert_eq!((b.refs(0), b.counters(), b.machine.steps), (1, (0, 4), 4));

        let list = [b.page(1, 0)];
        let too_many = b.op().unpin_user_pages(List::new(&list), u64::MAX);
        assert_eq!((too_many, b.warns()), (Err(Stop::Oops), vec![]));
        assert_eq!((b.refs(1), b.counters()), (1, (0, 1)));
        let null = b.op().unpin_user_pages(List::new(&[PagePtr::NULL]), 1);
        assert_eq!(null, Err(Stop::Oops));
    }
}

#[test]
fn the_dirtying_unpin_dirties_each_clean_head_once() {
    for rules in SERIES {
        let dirty = FolioDecl {
            flags: flag::DIRTY,
            ..counted(2000)
        };
        let mut b = Bench::new(rules, &[compound(1, 3000), dirty]);
        let list = [b.page(0, 1), b.page(0, 0), b.page(1, 0)];
        b.op()
            .unpin_user_pages_dirty_lock(List::new(&list), 3, true)
            .unwrap();
        assert_eq!(b.calls(), [Call::FolioMarkDirty, Call::FolioUnlock]);
        assert_eq!((b.refs(0), b.refs(1), b.counters()), (952, 976, (0, 3)));
        assert_eq!(b.at(0, 0).flags & (flag::DIRTY | flag::LOCKED), flag::DIRTY);
        // dirtied before it is unpinned
        assert!(matches!(b.events.0[0], Event::Call(_, page) if page.refcount == 3000));
    }
}

#[test]
fn the_dirtying_unpin_waits_for_a_lock_and_dirties_only_if_asked() {
    for rules in SERIES {
        let locked = FolioDecl {
            flags: flag::LOCKED,
            ..counted(2000)
        };
        let mut b = Bench::new(rules, &[locked]);
        let list = [b.page(0, 0)];
        b.op()
            .unpin_user_pages_dirty_lock(List::new(&list), 1, false)
            .unwrap();
        assert!(b.calls().is_empty());
        b.op()
            .unpin_user_pages_dirty_lock(List::new(&list), 1, true)
            .unwrap();
        let calls = [Call::FolioLock, Call::FolioMarkDirty, Call::FolioUnlock];
        assert_eq!(b.calls(), calls);
    }
}

#[test]
fn what_is_special_to_kernels_is_not_to_the_series() {
    for rules in SERIES {
        let hugetlb = FolioDecl {
            kind: Kind::Hugetlb,
            exclusive: false,
            ..thp(3)
        };
        let mut b = Bench::new(rules, &[zero(), hugetlb]);
        for index in 0..2 {
            let (page, pin) = (b.page(index, 0), b.foll(&[Pin]));
            assert_eq!(b.op().grab_slow(page, 1, pin), Ok(0));
            assert_eq!(b.refs(index), 1025);
            // anonymous and not exclusive, and no BUG
            b.op().machine.set_mapping(page, Mapping::Anon);
            b.op().unpin_user_page(page).unwrap();
            assert_eq!(b.refs(index), 1);
        }
    }
}
