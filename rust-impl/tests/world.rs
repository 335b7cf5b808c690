// SPDX-License-Identifier: GPL-2.0
//! World set-up, raw changes, and reset.

use crate::common::*;
use gup::page::{PageType, flag};
use gup::pages::{NR_PAGES, template_page};
use gup::{FolioDecl, FolioPtr, Kind, Machine, Mapping, PagePtr, WorldDecl};

#[test]
fn a_world_starts_as_declared() {
    let decl = FolioDecl {
        flags: flag::DIRTY | flag::HEAD | flag::ANON_EXCLUSIVE | 1 << 31,
        pincount: 7,
        ..small()
    };
    let b = Bench::new(RULES_6_1, &[decl, FolioDecl { order: 3, ..decl }]);
    assert_eq!(b.at(0, 0).flags, flag::DIRTY);
    assert_eq!((b.pins(0), b.pins(1)), (0, 7));
    assert_eq!(b.at(1, 0).flags, flag::DIRTY | flag::HEAD);
}

#[test]
fn declarations_that_make_no_sense_are_fixed_up() {
    let huge = FolioDecl {
        kind: Kind::Hugetlb,
        ..small()
    };
    let zero = FolioDecl { order: 5, ..zero() };
    let huge_zero = FolioDecl {
        kind: Kind::HugeZero,
        ..small()
    };
    let device = FolioDecl {
        movable: true,
        exclusive: true,
        ..device(Kind::DevFsdax)
    };
    let b = Bench::new(RULES_6_1, &[huge, zero, huge_zero, device]);
    let folios = b.machine.folios();
    assert_eq!(folios[0].kind, Kind::Normal);
    assert_eq!((folios[1].order, folios[2].order), (0, 9));
    assert!(!b.at(1, 0).is_large() && b.at(2, 0).is_large());
    assert_eq!(b.at(3, 0).flags, 0);
}

#[test]
fn a_split_makes_folios_of_the_pieces() {
    let mut b = Bench::new(
        RULES_6_1,
        &[FolioDecl {
            pincount: 9,
            ..thp(3)
        }],
    );
    let tail = b.page(0, 5);
    b.machine.begin_op();
    b.machine.split(tail, 1, 4, 2);
    assert_eq!((b.at(0, 0).refcount, b.at(0, 2).refcount), (4, 2));
    assert!(b.at(0, 2).is_large() && b.at(0, 3).is_tail());
    assert_eq!(b.at(0, 6).mapping, Mapping::Anon);
    // eight pages, of which the tails of the new folios look as before
    assert_eq!(b.changes().len(), 4);
    let folio = FolioPtr(b.page(0, 4));
    assert_eq!(b.op().page_folio(tail), Ok(folio));
    // not into what it is already, nor a small one
    b.machine.begin_op();
    b.machine.split(tail, 1, 9, 9);
    assert_eq!(b.changes().len(), 0);
}

#[test]
fn a_split_to_small_folios_leaves_nothing_compound() {
    let mut b = Bench::new(RULES_6_1, &[thp(2)]);
    let head = b.page(0, 0);
    b.machine.split(head, 0, 1, 1);
    for o in 0..4 {
        assert!(!b.at(0, o).is_large() && !b.at(0, o).is_tail());
        assert_eq!(b.at(0, o).flags, flag::ANON_EXCLUSIVE);
    }
}

#[test]
fn a_folio_that_was_split_is_neither_hugetlb_nor_slab_again() {
    for kind in [Kind::Hugetlb, Kind::Slab] {
        let mut b = Bench::new(RULES_6_12, &[FolioDecl { kind, ..thp(3) }]);
        let head = b.page(0, 0);
        assert_ne!(b.at(0, 0).page_type, PageType::Plain);
        b.machine.split(head, 1, 1, 1);
        assert_eq!(b.at(0, 0).page_type, PageType::Plain);
        b.machine.merge(0, 1, 0);
        assert_eq!(b.at(0, 0).page_type, PageType::Plain);
    }
}

#[test]
fn a_merge_makes_the_declared_folio_whole() {
    let mut b = Bench::new(RULES_6_1, &[thp(3), small()]);
    let head = b.page(0, 0);
    b.machine.begin_op();
    b.machine.merge(0, 8, 8);
    assert_eq!(b.changes().len(), 0);
    b.machine.split(head, 1, 1, 1);
    let piece = b.page(0, 2);
    b.machine.set_flag(piece, 3, true);
    b.machine.merge(0, 5, 6);
    assert_eq!((b.refs(0), b.pins(0), b.at(0, 0).order), (5, 6, 3));
    for o in 1..8 {
        assert!(b.at(0, o).is_tail() && b.at(0, o).refcount == 0);
        assert_eq!(b.at(0, o).flags, flag::ANON_EXCLUSIVE);
    }
    b.machine.merge(1, 5, 6);
    b.machine.merge(7, 5, 6);
    assert_eq!(b.refs(1), 1);
}

#[test]
fn a_reused_folio_keeps_its_size_only() {
    let mut b = Bench::new(
        RULES_6_1,
        &[FolioDecl {
            flags: flag::DIRTY,
            pincount: 3,
            ..thp(3)
        }],
    );
    let tail = b.page(0, 1);
    b.machine.reuse(tail, 1, Mapping::Shmem);
    assert_eq!(b.at(0, 0).flags, flag::HEAD);
    assert_eq!((b.pins(0), b.at(0, 0).mapping), (0, Mapping::Shmem));
    assert_eq!(b.at(0, 1).flags, flag::ANON_EXCLUSIVE);
}

#[test]
fn pins_are_set_on_large_folios_and_flags_on_any_page() {
    let mut b = Bench::new(RULES_6_1, &[small(), thp(3)]);
    let (small, tail) = (b.page(0, 0), b.page(1, 1));
    b.machine.set_pin(small, 3);
    b.machine.set_pin(tail, 3);
    assert_eq!((b.pins(0), b.pins(1)), (0, 3));
    b.machine.set_flag(tail, 6, true); // WORKINGSET
    b.machine.set_flag(tail, 3, true); // DIRTY: tails have none
    b.machine.set_flag(small, 12, true); // HEAD: not this way
    assert_eq!(b.at(1, 1).flags, flag::WORKINGSET | flag::ANON_EXCLUSIVE);
    assert_eq!(b.at(0, 0).flags, 0);
}

#[test]
fn changes_of_nothing_do_nothing() {
    let mut b = Bench::new(RULES_6_1, &[small()]);
    b.machine.begin_op();
    for page in [PagePtr::NULL, PagePtr::POISON] {
        b.machine.set_ref(page, 1);
        b.machine.set_pin(page, 1);
        b.machine.set_flag(page, 1, true);
        b.machine.set_mapping(page, Mapping::Anon);
        b.machine.split(page, 0, 1, 1);
        b.machine.reuse(page, 1, Mapping::Anon);
        b.machine
            .set_pageblock(page, gup::machine::MigrateType::Cma);
    }
    assert_eq!(b.machine.pages.touched().count(), 0);
}

#[test]
fn device_folios_are_never_split_and_operands_go_to_their_head() {
    let decl = FolioDecl {
        order: 4,
        ..device(Kind::DevFsdax)
    };
    let mut b = Bench::new(RULES_6_1, &[decl, thp(4)]);
    let (head, tail, other) = (b.page(0, 0), b.page(0, 3), b.page(1, 3));
    b.machine.split(tail, 0, 1, 1);
    assert!(b.at(0, 0).is_large());
    assert_eq!(b.machine.page_operand(tail), head);
    assert_eq!(b.machine.page_operand(other), other);
    assert_eq!(b.machine.folio_operand(other), b.folio(1));
    let null = PagePtr::NULL;
    assert_eq!(b.machine.folio_operand(null), FolioPtr(null));
}

#[test]
fn a_machine_forgets_all_of_a_program() {
    let mut b = Bench::new(RULES_6_1, &[zero(), thp(9), device(Kind::DevP2pdma)]);
    let head = b.page(1, 0);
    b.machine.split(head, 2, 3, 4);
    b.set_pageblock(1, gup::machine::MigrateType::Cma);
    let page = b.page(0, 0);
    let _ = b.op().unpin_user_page_range_dirty_lock(page, 3000, true);
    b.machine.set_up(&WorldDecl::default(), &[]);
    assert_eq!(b.machine.folios().len(), 0);
    assert_eq!(b.machine.zero_page, PagePtr::POISON);
    assert_pristine(&b.machine);
}

fn assert_pristine(machine: &Machine) {
    for nr in 0..NR_PAGES {
        let page = machine.pages.get(PagePtr::new(nr)).unwrap();
        assert_eq!(*page, template_page(nr), "page {nr:#x}");
        let mt = machine.migratetype(nr);
        assert_eq!(mt, gup::machine::MigrateType::Unmovable);
    }
}
