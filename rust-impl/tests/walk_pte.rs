// SPDX-License-Identifier: GPL-2.0
//! The range of PTEs.

use crate::common::*;
use FollFlag::{Force, Longterm, Write};
use gup::page::flag;
use gup::tables::entry_flag as ef;
use gup::{
    Ask, Buffer, Call, FolioDecl, FollFlag, Hook, Kind, Level, Mapping, NewEntry, Rules, Site, Stop,
};

const ADDR: u64 = 0x1000_0000;

fn mapped(rules: Rules, folio: FolioDecl, flags: u16) -> Bench {
    let mut b = Bench::new(rules, &[folio]);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1 << folio.order, page, flags);
    b
}

#[test]
fn an_entry_without_the_permission_ends_the_walk() {
    for rules in ALL {
        for (flags, wanted) in [
            (ef::KERNEL | ef::RW, None),
            (ef::ABSENT | ef::RW, None),
            (ef::ABSENT | ef::PROTNONE | ef::RW, Some(Force)),
            (0, Some(Write)),
            (ef::SPECIAL | ef::RW, None),
        ] {
            let mut b = mapped(rules, small(), flags);
            let wanted: Vec<_> = wanted.into_iter().collect();
            assert!(b.get(ADDR, 1, &wanted).unwrap() < 0, "{flags:#x}");
            assert_eq!((b.refs(0), b.slow()), (1, Some(1)));
        }
        let mut b = mapped(
            rules,
            small(),
            ef::OLD | ef::NX | ef::SOFT_DIRTY | ef::PROTNONE,
        );
        assert_eq!(b.get(ADDR, 1, &[]), Ok(1));
    }
}

#[test]
fn a_page_is_marked_as_referenced_on_its_folio() {
    for rules in ALL {
        let mut b = mapped(rules, thp(2), ef::RW);
        assert_eq!(b.get(ADDR, 4, &[]), Ok(4));
        assert_eq!(b.refs(0), 5);
        assert_ne!(b.at(0, 0).flags & gup::page::flag::REFERENCED, 0);
        assert_eq!(b.at(0, 3).flags & gup::page::flag::REFERENCED, 0);
    }
}

#[test]
fn an_entry_that_changed_meanwhile_gives_the_page_back() {
    for rules in ALL {
        for level in [Level::Pmd, Level::Pte] {
            let mut b = mapped(rules, small(), ef::RW);
            let page = b.page(0, 0);
            // the second load of either is the second look
            let load = b.load(level, ADDR);
            b.when(load, 2, move |m| {
                let new = match level {
                    Level::Pte => NewEntry::Page(page),
                    _ => NewEntry::Table,
                };
                m.tables.set(level, ADDR, 1, new, ef::OLD);
                None
            });
            assert!(b.pin(ADDR, 1, &[]).unwrap() < 0);
            assert_eq!((b.refs(0), b.counters()), (1, (1, 1)));
        }
    }
}

#[test]
fn a_page_that_is_freed_before_the_reference_is_not_taken() {
    for rules in ALL {
        let mut b = mapped(rules, small(), ef::RW);
        let page = b.page(0, 0);
        b.when(Hook::BeforeRef(page.nr().unwrap()), 1, move |m| {
            m.set_ref(page, 0);
            None
        });
        assert!(b.get(ADDR, 1, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.warns()), (0, vec![]));
    }
}

#[test]
fn a_page_that_moves_to_another_folio_is_looked_up_again() {
    // where tails hold masks it cannot move there
    for rules in SINCE_6_1
        .into_iter()
        .filter(|rules| !rules.tails_hold_masks)
    {
        let mut b = Bench::new(rules, &[small(), thp(1)]);
        let (page, other) = (b.page(0, 0), b.page(1, 1));
        b.map(Level::Pte, ADDR, 1, NewEntry::Page(page), ef::RW);
        b.when(Hook::AfterRef(page.nr().unwrap()), 1, move |m| {
            m.set_tail(page, other);
            None
        });
        assert_eq!(b.get(ADDR, 1, &[]), Ok(1));
        assert_eq!((b.refs(0), b.refs(1)), (1, 2));
        assert_eq!(b.entries(), [page]);
    }
}

#[test]
fn secretmem_is_asked_for_before_the_second_look_in_6_1_and_after_it_in_6_12() {
    for rules in SINCE_6_1 {
        for flags in [0, flag::LRU] {
            let secret = FolioDecl {
                mapping: Mapping::Secretmem,
                flags,
                ..small()
            };
            let mut b = mapped(rules, secret, ef::RW);
            // the bug of 6.6: what waits in an LRU batch is not known for secretmem
            let taken = rules.secretmem_is_on_lru && flags == 0;
            assert_eq!(b.get(ADDR, 1, &[]).unwrap() == 1, taken);
            assert_eq!(b.refs(0), 1 + i32::from(taken));
        }
        // a mapping that changes with the second look comes too late for 6.1
        let mut b = mapped(rules, small(), ef::RW);
        let (page, load) = (b.page(0, 0), b.load(Level::Pte, ADDR));
        b.when(load, 2, move |m| {
            m.set_mapping(page, Mapping::Secretmem);
            None
        });
        let taken = b.get(ADDR, 1, &[]).unwrap() == 1;
        assert_eq!(taken, !rules.walk.looks_at_folio_after_recheck);
    }
}

#[test]
fn a_long_term_pin_for_writing_of_a_file_page_is_for_the_slow_path_in_6_12() {
    for rules in ALL {
        let mut b = mapped(rules, small(), ef::RW);
        let taken = b.pin(ADDR, 1, &[Longterm, Write]).unwrap() == 1;
        assert_eq!(taken, !rules.walk.rechecks_files);
        assert_eq!(b.pin(ADDR, 1, &[Write]), Ok(1));
    }
}

#[test]
fn a_shared_anonymous_page_is_not_pinned_through_a_read_only_entry() {
    let shared = FolioDecl {
        exclusive: false,
        ..thp(1)
    };
    for rules in SINCE_6_1 {
        let mut b = mapped(rules, shared, 0);
        assert!(b.pin(ADDR + 0x1000, 1, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.pins(0)), (1, 0));
        assert_eq!(b.get(ADDR, 2, &[]), Ok(2));
        // it is the page that counts
        let tail = b.page(0, 1);
        b.machine.set_flag(tail, 8, true);
        assert_eq!(b.pin(ADDR + 0x1000, 1, &[]), Ok(1));
    }
}

#[test]
fn the_hook_is_told_the_page_by_6_1_and_the_folio_by_6_12() {
    for rules in ALL {
        let mut b = mapped(rules, thp(1), ef::RW);
        assert_eq!(b.get(ADDR + 0x1000, 1, &[]), Ok(1));
        assert!(b.calls().is_empty());
        assert_eq!(b.pin(ADDR + 0x1000, 1, &[]), Ok(1));
        let told = b.events.0.iter().find_map(|event| match event {
            gup::Event::Call(Call::MakeAccessible, page) => Some(page.page),
            _ => None,
        });
        let offset = u32::from(!rules.walk.makes_folio_accessible);
        assert_eq!(told, b.page(0, offset).nr());
    }
}

#[test]
fn an_errno_of_the_hook_leaves_the_rest_of_its_table_out_and_the_walk_goes_on() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[thp(1), small()]);
        let (first, last) = (b.page(0, 0), b.page(1, 0));
        b.map(Level::Pte, 0x3f_e000, 2, NewEntry::Page(first), ef::RW);
        b.map(Level::Pte, 0x40_0000, 1, NewEntry::Page(last), ef::RW);
        b.when(Hook::Accessible, 1, |_| Some(-5));
        if rules.walk.inaccessible_ends_walk {
            assert!(b.pin(0x3f_e000, 3, &[]).unwrap() < 0);
            assert_eq!((b.refs(0), b.pins(0), b.refs(1)), (1, 0, 1));
            assert_eq!(b.slow(), Some(3));
            continue;
        }
        assert_eq!(b.pin(0x3f_e000, 3, &[]), Ok(1));
        assert_eq!(b.entries(), [last]);
        assert_eq!((b.refs(0), b.pins(0), b.refs(1)), (1, 0, 1025));
        assert_eq!(b.slow(), Some(2));
    }
}

#[test]
fn no_pages_at_all_makes_the_walk_run_on() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[thp(2)]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 3, page, ef::RW);
        if rules.walk.zero_nr_pages_returns_zero {
            assert_eq!((b.get(ADDR, 0, &[]), b.pin(ADDR, 0, &[])), (Ok(0), Ok(0)));
            assert_eq!(
                (b.refs(0), b.slow(), b.machine.has_pinned),
                (1, None, false)
            );
            continue;
        }
        // three pages are taken, and the slow path is asked for minus three
        assert_eq!(b.get(ADDR, 0, &[]), Ok(3));
        assert_eq!((b.refs(0), b.slow()), (4, Some(-3i64 as u64)));
        // no entry at all: nothing to run on from
        assert_eq!(b.get(0, 0, &[]), Ok(0));
        assert_eq!(b.slow(), None);
    }
}

#[test]
fn what_runs_past_a_table_takes_the_next_one_for_ptes() {
    for rules in ALL
        .into_iter()
        .filter(|rules| !rules.walk.zero_nr_pages_returns_zero)
    {
        let mut b = Bench::new(rules, &[thp(0)]);
        let page = NewEntry::Page(b.page(0, 0));
        // the tables are made in this order: PUD, PMD, PTE, then a PMD
        b.map(Level::Pte, 0x1f_f000, 1, page, ef::RW);
        b.map(Level::Pte, 1 << 30, 1, NewEntry::None, 0);
        let result = b.get(0x1f_f000, 0, &[]);
        if rules.bugs_are_warnings {
            assert_eq!(result, Err(Stop::Oops));
            let warned = b.warns().contains(&Site::GupFastPteRangeWarn);
            assert_eq!(warned, rules.debug_vm);
        } else if rules.debug_vm {
            let site = match Site::GupPteRange.exists(&rules) {
                true => Site::GupPteRange,
                false => Site::GupFastPteRange,
            };
            assert_eq!(result, Err(Stop::Bug(site)));
        } else {
            assert_eq!(result, Err(Stop::Oops));
        }
    }
}

#[test]
fn device_memory_needs_its_pagemap_which_is_passed_on_and_put() {
    let folio = FolioDecl {
        order: 1,
        ..device(Kind::DevGeneric)
    };
    for rules in ALL {
        let mut b = mapped(rules, folio, ef::RW | ef::DEVMAP);
        assert_eq!(b.get(ADDR, 2, &[]), Ok(2));
        let ask = |offset, held| Ask::Pagemap {
            page: b.page(0, offset),
            held,
        };
        let put = Ask::PagemapPut { held: true };
        assert_eq!(b.asks(), [ask(0, false), ask(1, true), put]);
        assert!(b.pin(ADDR, 1, &[Longterm]).unwrap() < 0);
        assert_eq!(
            b.asks().len(),
            if rules.walk.slow_path_locks { 1 } else { 3 }
        );
    }
}

#[test]
fn a_pagemap_that_is_gone_undoes_the_whole_range() {
    let folio = FolioDecl {
        order: 2,
        ..device(Kind::DevGeneric)
    };
    for rules in ALL {
        let mut b = mapped(rules, folio, ef::RW | ef::DEVMAP);
        b.when(Hook::Pagemap, 3, |_| Some(0));
        assert!(b.pin(ADDR, 4, &[]).unwrap() < 0);
        assert_eq!((b.refs(0), b.pins(0), b.counters()), (1, 0, (2, 2)));
        assert_eq!(b.at(0, 0).flags & gup::page::flag::REFERENCED, 0);
        // none is put: the one that was passed in is gone
        assert_eq!(b.slow(), Some(4));
        assert!(!b.asks().contains(&Ask::PagemapPut { held: true }));
    }
}

#[test]
fn a_pmd_with_odd_flags_leads_nowhere_since_6_12() {
    for rules in ALL {
        for flags in [
            ef::SPECIAL,
            ef::UFFD_WP,
            ef::NX,
            ef::PROTNONE,
            ef::SOFT_DIRTY,
        ] {
            let mut b = mapped(rules, small(), ef::RW);
            b.map(Level::Pmd, ADDR, 1, NewEntry::Table, flags);
            let taken = b.get(ADDR, 1, &[]).unwrap() == 1;
            assert_eq!(taken, !rules.walk.pte_map_can_fail, "{flags:#x}");
        }
        let mut b = mapped(rules, small(), ef::RW);
        b.map(Level::Pmd, ADDR, 1, NewEntry::Table, ef::KERNEL | ef::OLD);
        assert_eq!(b.get(ADDR, 1, &[Write]), Ok(1));
    }
}

#[test]
fn the_array_ends_after_4096_pages() {
    for rules in ALL {
        let mut b = Bench::new(rules, &[small()]);
        b.machine.step_limit = u32::MAX;
        let page = b.page(0, 0);
        for i in 0..5000 {
            b.map(Level::Pte, ADDR + (i << 12), 1, NewEntry::Page(page), 0);
        }
        let get = b.foll(&[]);
        assert_eq!(
            b.op().get_user_pages_fast(ADDR, 4096, get, Buffer::List),
            Ok(4096)
        );
        assert!(b.entries().iter().all(|&p| p == page));
        assert_eq!(
            b.op().get_user_pages_fast(ADDR, 4097, get, Buffer::List),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn the_zero_page_is_recorded_without_a_pin_if_it_has_a_mapping() {
    for rules in SINCE_6_1 {
        let mut b = mapped(rules, zero(), 0);
        // 6.12 does not know a page without a mapping from a truncated one
        let taken = b.pin(ADDR, 1, &[]).unwrap() == 1;
        let looks = rules.walk.looks_at_folio_after_recheck;
        assert_eq!(taken, !looks || rules.walk.folios_without_mapping_pass);
        let page = b.page(0, 0);
        b.machine.set_mapping(page, Mapping::File);
        assert_eq!(b.pin(ADDR, 1, &[]), Ok(1));
        assert_eq!((b.refs(0), b.counters()), (1, (0, 0)));
        assert_eq!(b.entries(), [page]);
    }
}
