// SPDX-License-Identifier: GPL-2.0
//! Long-term pins: what must not stay is moved and pinned anew.

use crate::common::*;
use FollFlag::{Longterm, Write};
use gup::machine::MigrateType;
use gup::mm::vm_fault;
use gup::page::flag;
use gup::rules::{RULES_5_15, Rules};
use gup::slow::rules::SlowRules;
use gup::slow::{EAGAIN, EBUSY, EOPNOTSUPP};
use gup::tables::entry_flag as ef;
use gup::vma::vm_flag as v;
use gup::{Ask, Call, ENOMEM, FolioDecl, FollFlag, Hook, Kind, Level, NewEntry, Site, VmaKind};

const ADDR: u64 = 0x1000_0000;
const FOLL: [FollFlag; 2] = [Longterm, Write];

fn cma() -> FolioDecl {
    FolioDecl {
        migratetype: MigrateType::Cma,
        flags: flag::LRU,
        ..small()
    }
}

/// Folios' first pages mapped one behind the other.
fn mapped(folios: &[FolioDecl]) -> Bench {
    mapped_by(RULES_6_12, folios)
}

fn mapped_by(rules: Rules, folios: &[FolioDecl]) -> Bench {
    let mut b = Bench::new(rules, folios);
    b.machine
        .vmas
        .set(0, ADDR, 8, v::READ | v::WRITE, VmaKind::Shmem);
    for i in 0..folios.len() {
        let page = NewEntry::Page(b.page(i, 0));
        b.map(Level::Pte, ADDR + ((i as u64) << 12), 1, page, ef::RW);
    }
    b
}

#[test]
fn what_may_stay_stays() {
    let mut b = mapped(&[small(), small()]);
    assert_eq!(b.slow_pin(ADDR, 2, &FOLL), Ok(2));
    assert!(b.asks().is_empty() && !b.machine.held.memalloc_pin);
}

#[test]
fn what_was_moved_is_pinned_where_it_is_then() {
    let mut b = mapped(&[small(), cma(), small()]);
    let new = b.page(2, 0);
    b.map(Level::Pte, ADDR + 0x2000, 1, NewEntry::None, 0);
    b.when(Hook::Migrate, 1, move |machine| {
        let page = NewEntry::Page(new);
        machine
            .tables
            .set(Level::Pte, ADDR + 0x1000, 1, page, ef::RW);
        Some(0)
    });
    assert_eq!(b.slow_pin(ADDR, 2, &FOLL), Ok(2));
    assert_eq!(b.entries(), [b.page(0, 0), new]);
    // the old page has what it had, the others a pin
    assert_eq!((b.refs(0), b.refs(1), b.refs(2)), (1025, 1, 1025));
    assert_eq!(b.counters(), (4, 2));
    let migrate = b.calls().into_iter().filter(|call| *call >= Call::Isolate);
    assert_eq!(migrate.collect::<Vec<_>>(), [Call::Isolate, Call::Migrated]);
}

#[test]
fn what_cannot_be_moved_fails_all() {
    let mut b = mapped(&[small(), cma()]);
    assert_eq!(b.slow_pin(ADDR, 2, &FOLL), Ok(-(ENOMEM as i64)));
    assert_eq!((b.refs(0), b.refs(1), b.counters()), (1, 1, (2, 2)));
    assert!(b.entries().is_empty());
    assert_eq!(b.calls().last(), Some(&Call::Putback));
    assert_ne!(b.at(1, 0).flags & flag::LRU, 0);
}

#[test]
fn batches_are_drained_while_there_are_references_too_many() {
    let drains = |b: &Bench| {
        b.asks()
            .iter()
            .filter(|ask| matches!(ask, Ask::Drain { .. }))
            .count()
    };
    // one reference of the page cache
    let mut b = mapped(&[cma()]);
    b.slow_pin(ADDR, 1, &FOLL).unwrap();
    assert_eq!(drains(&b), 0);
    let mut b = mapped(&[FolioDecl {
        refcount: 2,
        ..cma()
    }]);
    b.slow_pin(ADDR, 1, &FOLL).unwrap();
    assert_eq!(drains(&b), 2);
    let mut b = mapped(&[FolioDecl {
        refcount: 2,
        ..cma()
    }]);
    let page = b.page(0, 0);
    b.when(Hook::Drain, 1, move |machine| {
        machine.set_ref(page, 1025);
        None
    });
    b.slow_pin(ADDR, 1, &FOLL).unwrap();
    assert_eq!(drains(&b), 1);
}

#[test]
fn device_memory_is_migrated_by_itself() {
    let mut b = mapped(&[device(Kind::DevCoherent), small()]);
    assert_eq!(b.slow_pin(ADDR, 2, &FOLL), Ok(-(EBUSY as i64)));
    assert_eq!((b.refs(1), b.counters()), (1, (2, 2)));
    // the reference that migration was to have is lost
    assert_eq!(b.refs(0), 2);
}

#[test]
fn fsdax_has_none_and_files_that_track_writes_neither() {
    let mut b = mapped(&[small()]);
    let flags = v::READ | v::WRITE | v::SHARED;
    b.machine.vmas.set(0, ADDR, 8, flags, VmaKind::Fsdax);
    assert_eq!(b.slow_pin(ADDR, 1, &FOLL), Ok(-(EOPNOTSUPP as i64)));
    b.machine.vmas.set(0, ADDR, 8, flags, VmaKind::File);
    assert_eq!(b.slow_pin(ADDR, 1, &FOLL), Ok(-14));
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(1));
}

#[test]
fn faults_are_told_that_pages_will_be_pinned_for_long() {
    let mut b = mapped(&[]);
    b.slow_pin(ADDR, 1, &FOLL).unwrap();
    assert!(matches!(
        b.asks()[0],
        Ask::Fault {
            memalloc_pin: true,
            ..
        }
    ));
}

#[test]
fn a_second_round_without_the_lock_is_seen() {
    let mut b = mapped(&[cma()]);
    let both = vm_fault::RETRY | vm_fault::SIGBUS;
    b.when(Hook::Fault, 1, move |_| Some(both as i32));
    let page = b.page(0, 0);
    b.when(Hook::Migrate, 1, move |machine| {
        machine.set_pageblock(page, MigrateType::Movable);
        Some(0)
    });
    b.slow_pin(ADDR, 2, &FOLL).unwrap();
    assert!(b.warns().contains(&Site::RwsemAssertHeld));
}

#[test]
fn what_cannot_be_isolated_is_pinned_again_in_5_15() {
    let mut b = mapped_by(RULES_5_15, &[cma(), small()]);
    let new = b.page(1, 0);
    b.when(Hook::Isolate, 1, move |machine| {
        let page = NewEntry::Page(new);
        machine.tables.set(Level::Pte, ADDR, 1, page, ef::RW);
        Some(0)
    });
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(1));
    assert_eq!((b.entries(), b.counters()), (&[new][..], (2, 1)));
    // The errno of a migration is returned.
    let mut b = mapped_by(RULES_5_15, &[cma()]);
    b.when(Hook::Migrate, 1, |_| Some(-EAGAIN));
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(-EAGAIN as i64));
    assert_eq!((b.refs(0), b.counters()), (1, (1, 1)));
}

#[test]
fn device_memory_is_moved_on_the_way_before_6_1() {
    let rules = Rules {
        slow: SlowRules {
            collects_unpinnable: false,
            ..RULES_6_1.slow
        },
        ..RULES_6_1
    };
    let coherent = FolioDecl {
        kind: Kind::DevCoherent,
        ..small()
    };
    let mut b = mapped_by(rules, &[coherent]);
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(-EBUSY as i64));
    assert_eq!((b.refs(0), b.counters()), (2, (1, 1)));
}
