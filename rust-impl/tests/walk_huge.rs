// SPDX-License-Identifier: GPL-2.0
//! Huge entries, those of device memory, and the levels above.

use crate::common::*;
use FollFlag::{Longterm, PciP2pdma, Write};
use gup::page::flag::REFERENCED;
use gup::pages::NR_PAGES;
use gup::tables::entry_flag as ef;
use gup::{Ask, FolioDecl, FollFlag, Hook, Kind, Level, NewEntry, PagePtr, Rules, Site, Stop};

const ADDR: u64 = 0x4000_0000;

fn huge(rules: Rules, folio: FolioDecl, flags: u16) -> Bench {
    let mut b = Bench::new(rules, &[folio]);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pmd, ADDR, 1, page, flags);
    b
}

fn device9(kind: Kind) -> FolioDecl {
    FolioDecl {
        order: 9,
        ..device(kind)
    }
}

#[test]
fn all_pages_of_a_huge_entry_are_taken_at_once() {
    for rules in ALL {
        let mut b = huge(rules, thp(9), ef::RW);
        assert_eq!(b.pin(ADDR + 0x5000, 7, &[Write]), Ok(7));
        assert_eq!((b.refs(0), b.pins(0), b.counters()), (8, 7, (7, 0)));
        assert_eq!(
            (b.entries()[0], b.entries()[6]),
            (b.page(0, 5), b.page(0, 11))
        );
        assert_eq!(b.machine.steps, 1);
        assert_ne!(b.at(0, 0).flags & REFERENCED, 0);
    }
}

#[test]
fn a_block_of_several_folios_counts_on_the_first_page_in_6_12_and_on_the_ranges_in_6_1() {
    for rules in ALL {
        let mut b = huge(rules, thp(9), ef::RW);
        let page = b.page(0, 0);
        b.machine.split(page, 8, 10, 20);
        assert_eq!(b.get(ADDR + (300 << 12), 2, &[]), Ok(2));
        let counts = (b.refs(0), b.at(0, 256).refcount);
        let first = rules.walk.huge_grabs_first_page;
        assert_eq!(counts, if first { (12, 20) } else { (10, 22) });
        assert_eq!(b.entries(), [b.page(0, 300), b.page(0, 301)]);
    }
}

#[test]
fn a_huge_entry_that_changed_gives_all_back() {
    for rules in ALL {
        let mut b = huge(rules, thp(9), ef::RW);
        let load = b.load(Level::Pmd, ADDR);
        b.when(load, 2, |m| {
            m.tables.set(Level::Pmd, ADDR, 1, NewEntry::Swap, 0);
            None
        });
        assert!(b.pin(ADDR, 512, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.pins(0), b.counters()), (1, 0, (512, 512)));
        assert_eq!(b.at(0, 0).flags & REFERENCED, 0);
    }
}

#[test]
fn the_head_is_asked_whether_a_huge_entry_must_unshare() {
    for rules in SINCE_6_1 {
        let mut b = huge(rules, thp(9), 0);
        assert_eq!(b.pin(ADDR + 0x3000, 1, &[]), Ok(1));
        let head = b.page(0, 0);
        b.machine.set_flag(head, 8, false);
        assert!(b.pin(ADDR + 0x3000, 1, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.pins(0)), (2, 1));
    }
}

#[test]
fn a_special_huge_entry_is_left_alone_since_6_12() {
    for rules in ALL {
        let mut b = huge(rules, thp(9), ef::SPECIAL | ef::RW);
        let taken = b.get(ADDR, 1, &[]).unwrap() == 1;
        assert_eq!(taken, !rules.walk.huge_may_be_special);
    }
}

#[test]
fn a_huge_entry_without_its_present_bit_ends_the_walk() {
    for rules in ALL {
        let mut b = huge(rules, thp(9), ef::ABSENT | ef::RW);
        assert!(b.get(ADDR, 1, &[]).unwrap() < 0);
        assert_eq!(b.refs(0), 1);
    }
}

#[test]
fn a_block_may_reach_past_the_arena() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let last = NewEntry::Page(PagePtr::new(NR_PAGES - 1));
        b.map(Level::Pud, ADDR, 1, last, ef::RW);
        // 6.12 asks the first page of the block, which nobody has
        let result = b.get(ADDR + (0x3_fff0 << 12), 1, &[]);
        if rules.walk.huge_grabs_first_page {
            assert!(result.unwrap() < 0);
        } else {
            assert_eq!(result, Err(Stop::Oops));
        }
    }
}

#[test]
fn a_huge_entry_of_device_memory_is_taken_page_by_page() {
    for rules in ALL {
        let mut b = huge(rules, device9(Kind::DevFsdax), ef::RW | ef::DEVMAP);
        assert_eq!(b.get(ADDR + 0x1000, 3, &[]), Ok(3));
        assert_eq!((b.refs(0), b.entries().len()), (4, 3));
        let asks = b.asks();
        assert_eq!(asks.len(), 4);
        let last = Ask::Pagemap {
            page: b.page(0, 3),
            held: true,
        };
        assert_eq!((asks[2], asks[3]), (last, Ask::PagemapPut { held: true }));
        assert!(b.pin(ADDR, 1, &[Longterm]).unwrap() < 0);
    }
}

#[test]
fn a_device_page_that_cannot_be_taken_stays_referenced_in_6_1() {
    for rules in SINCE_6_1 {
        let mut folio = device9(Kind::DevGeneric);
        folio.refcount = 0;
        let mut b = huge(rules, folio, ef::RW | ef::DEVMAP);
        assert!(b.get(ADDR, 1, &[]).unwrap() < 0);
        let early = !rules.walk.device_walk_is_lockless;
        assert_eq!(b.at(0, 0).flags & REFERENCED != 0, early);
        let warns = if early {
            vec![Site::TryGrabPageCount]
        } else {
            vec![]
        };
        assert_eq!(b.warns(), warns);
        // the pagemap is put whatever happened
        assert!(b.asks().contains(&Ask::PagemapPut { held: true }));
    }
}

#[test]
fn a_lost_pagemap_is_put_as_null() {
    for rules in SINCE_6_1 {
        let mut b = huge(rules, device9(Kind::DevGeneric), ef::RW | ef::DEVMAP);
        b.when(Hook::Pagemap, 2, |_| Some(0));
        assert!(b.pin(ADDR, 3, &[]).unwrap() < 0);
        assert!(b.asks().contains(&Ask::PagemapPut { held: false }));
        assert_eq!((b.refs(0), b.pins(0)), (1, 0));
    }
}

#[test]
fn an_entry_of_device_memory_that_changed_undoes_all_its_pages() {
    for rules in ALL {
        let mut b = huge(rules, device9(Kind::DevGeneric), ef::RW | ef::DEVMAP);
        let load = b.load(Level::Pmd, ADDR);
        b.when(load, 2, |m| {
            m.tables.set(Level::Pmd, ADDR, 1, NewEntry::None, 0);
            None
        });
        assert!(b.pin(ADDR, 3, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.pins(0), b.counters()), (1, 0, (3, 3)));
        assert_eq!(b.at(0, 0).flags & REFERENCED, 0);
    }
}

#[test]
fn the_undo_of_6_1_checks_what_it_unpins() {
    // anonymous device memory of nobody's alone: a BUG of unpin_user_page()
    let mut folio = device9(Kind::DevGeneric);
    folio.mapping = gup::Mapping::Anon;
    for rules in BOTH {
        let mut b = huge(rules, folio, ef::RW | ef::DEVMAP);
        b.when(Hook::Pagemap, 2, |_| Some(0));
        let result = b.pin(ADDR, 2, &[]);
        if rules.walk.device_walk_is_lockless {
            assert!(result.unwrap() < 0);
        } else {
            assert_eq!(result, Err(Stop::Bug(Site::SanityCheckLarge)));
        }
    }
}

#[test]
fn p2pdma_has_to_be_asked_for_in_6_12() {
    let mut b = huge(RULES_6_12, device9(Kind::DevP2pdma), ef::RW | ef::DEVMAP);
    assert!(b.get(ADDR, 1, &[]).unwrap() < 0);
    assert_eq!(b.get(ADDR, 1, &[PciP2pdma]), Ok(1));
    let mut b = huge(RULES_6_1, device9(Kind::DevP2pdma), ef::RW | ef::DEVMAP);
    assert_eq!(b.get(ADDR, 1, &[]), Ok(1));
}

#[test]
fn no_pages_of_a_device_run_on_until_they_fail_and_fail_at_once_with_success() {
    for rules in ALL {
        let mut b = huge(rules, device9(Kind::DevGeneric), ef::RW | ef::DEVMAP);
        b.when(Hook::Pagemap, 1, |_| Some(0));
        assert_eq!(b.get(ADDR, 0, &[]), Ok(0));
        assert_eq!(b.slow(), None);
        if rules.walk.zero_nr_pages_returns_zero {
            assert_eq!(b.machine.steps, 0);
            continue;
        }
        // a zero of references, and a huge entry of no pages
        let mut b = huge(rules, thp(9), ef::RW);
        assert_eq!(b.get(ADDR, 0, &[]), Ok(0));
        assert_eq!((b.machine.steps, b.refs(0)), (1, 1));
        let mut b = huge(rules, device9(Kind::DevGeneric), ef::RW | ef::DEVMAP);
        assert_eq!(b.get(ADDR, 0, &[]), Err(Stop::Limit));
    }
}

#[test]
fn a_table_marked_as_device_memory_is_taken_for_it_by_6_1() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 1, page, ef::RW);
        b.map(Level::Pud, ADDR, 1, NewEntry::Table, ef::DEVMAP);
        let result = b.get(ADDR, 1, &[]);
        if rules.walk.leaf_by_huge_bit {
            assert_eq!(result, Ok(1));
        } else {
            assert_eq!(result, Err(Stop::Oops));
            let page = PagePtr::POISON;
            assert_eq!(b.asks(), [Ask::Pagemap { page, held: false }]);
        }
    }
}

#[test]
fn a_top_entry_without_its_present_bit_is_followed_by_6_1() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 1, page, ef::RW);
        b.map(Level::Pgd, ADDR, 1, NewEntry::Table, ef::ABSENT);
        let taken = b.get(ADDR, 1, &[]).unwrap() == 1;
        assert_eq!(taken, !rules.walk.wants_p4d_present);
        b.map(Level::Pud, ADDR, 1, NewEntry::Table, ef::ABSENT);
        assert!(b.get(ADDR, 1, &[]).unwrap() < 0);
    }
}

#[test]
fn entries_of_all_levels_are_read_once_and_again_after_the_grab() {
    for rules in ALL {
        for (level, times) in [
            (Level::Pgd, 1),
            (Level::Pud, 1),
            (Level::Pmd, 2),
            (Level::Pte, 2),
        ] {
            let mut b = Bench::new(rules, &[small()]);
            let page = NewEntry::Page(b.page(0, 0));
            b.map(Level::Pte, ADDR, 1, page, ef::RW);
            let load = b.load(level, ADDR);
            b.when(load, times, |m| {
                m.has_pinned = true;
                None
            });
            b.when(load, times + 1, |_| panic!("one load too many"));
            assert_eq!(b.get(ADDR, 1, &[]), Ok(1));
            assert!(b.machine.has_pinned);
        }
    }
}
