// SPDX-License-Identifier: GPL-2.0
//! 5.10, which has pages and no folios: what it does in another way than later
//! kernels.

use crate::common::*;
use FollFlag::{Get, Longterm, Pin, Write};
use gup::machine::MigrateType;
use gup::page::flag;
use gup::rules::RULES_5_10;
use gup::tables::entry_flag as ef;
use gup::{
    Ask, Call, ENOMEM, FolioDecl, FollFlag, Hook, Kind, Level, List, Mapping, NewEntry, PagePtr,
    Site, Stop,
};

const ADDR: u64 = 0x1000_0000;

fn bench(folios: &[FolioDecl]) -> Bench {
    Bench::new(RULES_5_10, folios)
}

#[test]
fn two_pages_have_no_pin_count() {
    for (order, refs, pins) in [(0, 1025, 0), (1, 1025, 0), (2, 2, 1), (9, 2, 1)] {
        let mut b = bench(&[compound(order, 1)]);
        let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
        assert_eq!(b.op().try_grab_page(page, pin), Ok(0));
        assert_eq!((b.refs(0), b.pins(0)), (refs, pins), "order {order}");
        assert_eq!(b.op().page_maybe_dma_pinned(page), Ok(true));
        b.op().unpin_user_page(page).unwrap();
        assert_eq!((b.refs(0), b.pins(0)), (1, 0), "order {order}");
        b.op().try_grab_folio_fast(page, 1, pin).unwrap();
        assert_eq!((b.refs(0), b.pins(0)), (refs, pins), "order {order}");
    }
}

#[test]
fn a_pin_count_that_is_not_there_is_not_seen() {
    let pair = FolioDecl {
        pincount: 7,
        ..compound(1, 1)
    };
    let mut b = bench(&[pair]);
    let head = b.page(0, 0).nr().unwrap();
    let state = b.machine.pages.observe(head);
    assert_eq!((state.pincount, state.pinned), (0, false));
    let page = b.page(0, 0);
    assert_eq!(b.op().page_maybe_dma_pinned(page), Ok(false));
}

#[test]
fn the_slow_grab_adds_the_pin_before_the_reference() {
    let mut b = bench(&[thp(4)]);
    let (page, pin) = (b.page(0, 3), b.foll(&[Pin]));
    let head = b.page(0, 0);
    b.when(Hook::BeforeRef(head.nr().unwrap()), 1, move |machine| {
        assert_eq!(machine.pages.get(head).unwrap().pincount, 1);
        None
    });
    assert_eq!(b.op().try_grab_page(page, pin), Ok(0));
    assert_eq!((b.refs(0), b.pins(0), b.counters()), (2, 1, (1, 0)));
}

#[test]
fn the_slow_grab_looks_at_the_count_where_it_takes_something() {
    let mut b = bench(&[counted(0)]);
    let page = b.page(0, 0);
    for (flags, errno, warns) in [
        (vec![], 0, vec![]),
        (vec![Get], -ENOMEM, vec![Site::TryGetPage]),
        (vec![Pin], -ENOMEM, vec![Site::TryGrabPageCount]),
    ] {
        let flags = b.foll(&flags);
        assert_eq!(b.op().try_grab_page(page, flags), Ok(errno));
        assert_eq!(b.warns(), warns);
    }
}

#[test]
fn a_split_under_the_lockless_grab_makes_it_fail() {
    let mut b = bench(&[thp(3)]);
    let (page, head) = (b.page(0, 3), b.page(0, 0));
    let nr = head.nr().unwrap();
    b.when(Hook::BeforeRef(nr), 1, move |machine| {
        machine.split(head, 0, 5, 7);
        None
    });
    assert_eq!(b.op().try_get_folio(page, 2), Ok(None));
    assert_eq!((b.refs(0), b.at(0, 3).refcount), (5, 7));
}

#[test]
fn a_put_of_more_than_there_is_warns_and_keeps_all() {
    let mut b = bench(&[counted(3)]);
    let (folio, get) = (b.folio(0), b.foll(&[Get]));
    b.op().gup_put_folio(folio, 4, get).unwrap();
    assert_eq!((b.warns(), b.refs(0)), (vec![Site::PutPageRefs], 3));
    b.op().gup_put_folio(folio, 3, get).unwrap();
    assert_eq!((b.warns(), b.refs(0)), (vec![], 0));
    assert_eq!(b.calls(), [Call::FolioPut]);

    let mut b = Bench::new(RULES_5_10.with_debug_vm(false), &[counted(3)]);
    let (folio, get) = (b.folio(0), b.foll(&[Get]));
    b.op().gup_put_folio(folio, 4, get).unwrap();
    assert_eq!((b.warns(), b.refs(0)), (vec![], -1));
    // at least one is put
    b.op().gup_put_folio(folio, -5, get).unwrap();
    assert_eq!(b.refs(0), -2);
}

#[test]
fn what_is_to_be_a_head_and_is_a_tail_is_a_bug() {
    let mut b = bench(&[thp(2), thp(2)]);
    let (folio, pin) = (b.folio(0), b.foll(&[Pin]));
    let (page, of) = (b.page(0, 0), b.page(1, 0));
    b.machine.set_tail(page, of);
    assert_eq!(
        b.op().gup_put_folio(folio, 1, pin),
        Err(Stop::Bug(Site::HpagePincountSub))
    );
    assert_eq!(
        b.op().folio_ref_try_add(folio, 1),
        Err(Stop::Bug(Site::PageCacheAddSpeculative))
    );
}

#[test]
fn the_zero_page_is_pinned_like_any_other() {
    let mut b = bench(&[zero()]);
    let (page, pin) = (b.page(0, 0), b.foll(&[Pin]));
    assert_eq!(b.op().try_grab_page(page, pin), Ok(0));
    assert_eq!(b.refs(0), 1025);
    b.op().unpin_user_page(page).unwrap();
    assert_eq!(b.refs(0), 1);
}

#[test]
fn only_cma_refuses_a_long_term_pin() {
    for (migratetype, taken) in [
        (MigrateType::Cma, false),
        (MigrateType::Isolate, true),
        (MigrateType::Movable, true),
    ] {
        let mut b = bench(&[FolioDecl {
            migratetype,
            movable: true,
            ..small()
        }]);
        let (page, flags) = (b.page(0, 0), b.foll(&[Pin, Longterm]));
        let folio = b.op().try_grab_folio_fast(page, 1, flags).unwrap();
        assert_eq!(folio.is_some(), taken, "{migratetype:?}");
    }
}

#[test]
fn lists_are_unpinned_page_by_page() {
    let mut b = bench(&[FolioDecl {
        pincount: 2,
        ..compound(4, 3)
    }]);
    let pages = [b.page(0, 1), b.page(0, 2)];
    b.op()
        .unpin_user_pages_dirty_lock(List::new(&pages), 2, true)
        .unwrap();
    assert_eq!((b.refs(0), b.pins(0), b.counters()), (1, 0, (0, 2)));
    assert_eq!(b.calls(), [Call::FolioMarkDirty, Call::FolioUnlock]);
    // a NULL entry faults, wherever it is
    let list = [PagePtr::NULL];
    assert_eq!(
        b.op().unpin_user_pages(List::new(&list), 1),
        Err(Stop::Oops)
    );
    // an errno for a number of pages is refused here, and believed there
    b.op()
        .unpin_user_pages(List::new(&pages), -14i64 as u64)
        .unwrap();
    assert_eq!(b.warns(), [Site::UnpinUserPages]);
}

#[test]
fn device_private_memory_goes_back_to_its_driver() {
    for (kind, calls, cleared) in [
        (Kind::DevPrivate, vec![Call::FreeDevmapManaged], true),
        (Kind::DevFsdax, vec![Call::WakeUpVar], false),
        (Kind::DevGeneric, vec![], false),
    ] {
        let mut b = bench(&[FolioDecl {
            kind,
            flags: flag::WAITERS,
            refcount: 2,
            mapping: Mapping::Anon,
            ..FolioDecl::default()
        }]);
        b.machine.set_devmap_key(true);
        let page = b.page(0, 0);
        b.op().put_page(page).unwrap();
        assert_eq!((b.refs(0), b.calls()), (1, calls), "{kind:?}");
        let now = b.at(0, 0);
        assert_eq!(now.mapping == Mapping::None, cleared);
        assert_eq!(now.flags & flag::WAITERS == 0, cleared);
    }
}

#[test]
fn a_shared_anonymous_page_is_pinned_through_a_read_only_entry() {
    let mut b = bench(&[FolioDecl {
        mapping: Mapping::Anon,
        ..small()
    }]);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1, page, 0);
    assert_eq!(b.pin(ADDR, 1, &[]), Ok(1));
    assert_eq!(b.refs(0), 1025);
}

#[test]
fn a_part_of_a_block_is_grabbed_by_the_blocks_first_page() {
    let mut b = bench(&[thp(9)]);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pmd, ADDR, 1, page, ef::RW);
    let (head, first) = (b.page(0, 0), b.page(0, 5));
    b.machine.split(head, 0, 1, 0);
    assert_eq!(b.get(ADDR + 0x5000, 2, &[Write]), Ok(2));
    assert_eq!((b.refs(0), b.at(0, 5).refcount), (3, 0));
    assert_eq!(b.entries()[0], first);
}

#[test]
fn a_page_that_leaves_its_head_is_a_bug_of_the_walk() {
    let mut b = bench(&[thp(2), thp(2)]);
    let page = NewEntry::Page(b.page(0, 1));
    b.map(Level::Pte, ADDR, 1, page, ef::RW);
    let (tail, other) = (b.page(0, 1), b.page(1, 0));
    let pte = b.load(Level::Pte, ADDR);
    b.when(pte, 2, move |machine| {
        machine.set_tail(tail, other);
        None
    });
    assert_eq!(b.pin(ADDR, 1, &[]), Err(Stop::Bug(Site::GupPteRangeHead)));
}

#[test]
fn a_device_page_that_fails_keeps_its_pagemap() {
    let device9 = FolioDecl {
        order: 9,
        refcount: 0,
        ..device(Kind::DevGeneric)
    };
    let mut b = bench(&[device9]);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pmd, ADDR, 1, page, ef::RW | ef::DEVMAP);
    assert!(b.pin(ADDR, 1, &[]).unwrap() < 0);
    let puts = |ask: &Ask| matches!(ask, Ask::PagemapPut { .. });
    assert!(!b.asks().iter().any(puts));
}
