// SPDX-License-Identifier: GPL-2.0
//! Predicates.

use crate::common::*;
use FollFlag::{Longterm, Pin, Write};
use gup::machine::state;
use gup::{FolioDecl, FolioPtr, FollFlag, Kind, Mapping, PagePtr, Site, Stop, Vma};

#[test]
fn a_small_folio_is_pinned_from_1024_references_up() {
    for (count, pinned) in [
        (1023, false),
        (1024, true),
        (0, false),
        (-1, true),
        (i32::MIN, true),
    ] {
        let decl = FolioDecl {
            refcount: count,
            ..small()
        };
        for rules in BOTH {
            let mut b = Bench::new(rules, &[decl]);
            let folio = b.folio(0);
            assert_eq!(b.op().folio_maybe_dma_pinned(folio), Ok(pinned));
        }
    }
}

#[test]
fn a_large_folio_is_pinned_by_its_pin_count() {
    for (pins, pinned) in [(0, false), (1, true), (-1, false)] {
        let decl = FolioDecl {
            refcount: 5000,
            pincount: pins,
            ..thp(2)
        };
        let mut b = Bench::new(RULES_6_1, &[decl]);
        let tail = b.page(0, 3);
        assert_eq!(b.op().page_maybe_dma_pinned(tail), Ok(pinned));
    }
}

#[test]
fn an_anonymous_page_that_is_not_exclusive_must_be_unshared() {
    for rules in BOTH {
        let shared = FolioDecl {
            exclusive: false,
            ..thp(4)
        };
        let mut b = Bench::new(rules, &[shared, thp(4)]);
        let (shared, exclusive) = (b.page(0, 1), b.page(1, 1));
        let (pin, write) = (b.foll(&[Pin]), b.foll(&[Pin, Write]));
        assert_eq!(b.op().gup_must_unshare(Vma::None, pin, shared), Ok(true));
        assert_eq!(
            b.op().gup_must_unshare(Vma::None, pin, exclusive),
            Ok(false)
        );
        assert_eq!(b.op().gup_must_unshare(Vma::None, write, shared), Ok(false));
        // the flags decide first
        assert_eq!(
            b.op().gup_must_unshare(Vma::None, write, PagePtr::NULL),
            Ok(false)
        );
        assert_eq!(
            b.op().gup_must_unshare(Vma::None, pin, PagePtr::NULL),
            Err(Stop::Oops)
        );
    }
}

#[test]
fn a_long_term_pin_of_a_file_page_is_unshared_since_6_2() {
    for (rules, unshare) in [(RULES_6_1, false), (RULES_6_12, true)] {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        let (pin, long) = (b.foll(&[Pin]), b.foll(&[Pin, Longterm]));
        assert_eq!(b.op().gup_must_unshare(Vma::Cow, pin, page), Ok(false));
        assert_eq!(b.op().gup_must_unshare(Vma::Cow, long, page), Ok(unshare));
        assert_eq!(b.op().gup_must_unshare(Vma::None, long, page), Ok(unshare));
        assert_eq!(b.op().gup_must_unshare(Vma::Shared, long, page), Ok(false));
    }
}

#[test]
fn hugetlb_keeps_exclusivity_on_its_head() {
    let decl = FolioDecl {
        kind: Kind::Hugetlb,
        ..thp(9)
    };
    for rules in BOTH {
        let mut b = Bench::new(rules, &[decl]);
        let (head, tail) = (b.page(0, 0), b.page(0, 7));
        b.machine.set_flag(head, 8, false);
        let pin = b.foll(&[Pin]);
        assert_eq!(b.op().gup_must_unshare(Vma::None, pin, tail), Ok(true));
    }
}

#[test]
fn fork_copies_pinned_pages_of_an_mm_that_has_some() {
    let pinned = FolioDecl {
        refcount: 1025,
        ..small()
    };
    for rules in ALL {
        let mut b = Bench::new(rules, &[pinned]);
        let page = b.page(0, 0);
        b.machine.write_protect_seq = 1;
        assert_eq!(b.op().needs_cow_for_dma(page), Ok(false));
        b.machine.set_state_bits(state::HAS_PINNED);
        assert_eq!(b.op().needs_cow_for_dma(page), Ok(true));
    }
}

#[test]
fn fork_without_its_sequence_count_is_a_bug_under_debug_vm() {
    for (rules, site) in [
        (RULES_6_1, Site::PageNeedsCowForDma),
        (RULES_6_12, Site::FolioNeedsCowForDma),
    ] {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        assert_eq!(b.op().needs_cow_for_dma(page), Err(Stop::Bug(site)));
        b.rules = rules.with_debug_vm(false);
        assert_eq!(b.op().needs_cow_for_dma(page), Ok(false));
    }
}

#[test]
fn fork_looks_at_the_page_last_in_6_1() {
    let mut b = Bench::new(RULES_6_1, &[small()]);
    b.machine.write_protect_seq = 1;
    assert_eq!(b.op().needs_cow_for_dma(PagePtr::NULL), Ok(false));
    let mut b = Bench::new(RULES_6_12, &[small()]);
    assert_eq!(b.op().needs_cow_for_dma(PagePtr::NULL), Err(Stop::Oops));
}

#[test]
fn secretmem_is_never_compound_in_6_1() {
    let secret = FolioDecl {
        mapping: Mapping::Secretmem,
        ..small()
    };
    let large = FolioDecl { order: 1, ..secret };
    for (rules, compound) in [(RULES_6_1, false), (RULES_6_12, true)] {
        let mut b = Bench::new(rules, &[secret, large, small()]);
        let pages = [b.page(0, 0), b.page(1, 0), b.page(1, 1), b.page(2, 0)];
        for (page, is) in pages.into_iter().zip([true, compound, compound, false]) {
            assert_eq!(b.op().is_secretmem(page), Ok(is));
        }
    }
}

#[test]
fn secretmem_is_not_asked_of_what_is_no_file() {
    for rules in BOTH {
        for mapping in [Mapping::None, Mapping::Anon, Mapping::Ksm, Mapping::Movable] {
            let mut b = Bench::new(rules, &[FolioDecl { mapping, ..small() }]);
            let page = b.page(0, 0);
            assert_eq!(b.op().is_secretmem(page), Ok(false));
        }
    }
}

#[test]
fn the_lockless_walk_hands_out_by_mapping() {
    use Mapping::*;
    let plain = [
        (None, false),
        (Anon, true),
        (Ksm, true),
        (Movable, false),
        (Secretmem, false),
        (File, true),
        (Fsdax, true),
        (Shmem, true),
    ];
    for (mapping, ok) in plain {
        let mut b = Bench::new(RULES_6_12, &[FolioDecl { mapping, ..small() }]);
        let (folio, pin) = (b.folio(0), b.foll(&[Pin]));
        assert_eq!(
            b.op().gup_fast_folio_allowed(folio, pin),
            Ok(ok),
            "{mapping:?}"
        );
        let long = b.foll(&[Pin, Longterm, Write]);
        let ok = ok && !matches!(mapping, File | Fsdax);
        assert_eq!(
            b.op().gup_fast_folio_allowed(folio, long),
            Ok(ok),
            "{mapping:?}"
        );
    }
}

#[test]
fn the_lockless_walk_does_not_look_at_a_large_folio_for_a_short_pin() {
    let slab = FolioDecl {
        kind: Kind::Slab,
        order: 2,
        ..small()
    };
    let mut b = Bench::new(
        RULES_6_12,
        &[
            slab,
            FolioDecl {
                kind: Kind::Hugetlb,
                ..slab
            },
        ],
    );
    let (slab, huge) = (b.folio(0), b.folio(1));
    let (pin, long) = (b.foll(&[Pin]), b.foll(&[Pin, Longterm, Write]));
    assert_eq!(b.op().gup_fast_folio_allowed(slab, pin), Ok(true));
    assert_eq!(b.op().gup_fast_folio_allowed(slab, long), Ok(false));
    assert_eq!(b.warns(), [Site::GupFastFolioAllowed]);
    assert_eq!(b.op().gup_fast_folio_allowed(huge, long), Ok(true));
    let null = FolioPtr(PagePtr::NULL);
    assert_eq!(b.op().gup_fast_folio_allowed(null, pin), Err(Stop::Oops));
}

#[test]
fn peer_to_peer_pages_are_known_by_their_pagemap() {
    for (kind, is) in [
        (Kind::DevP2pdma, true),
        (Kind::DevGeneric, false),
        (Kind::Normal, false),
    ] {
        let mut b = Bench::new(RULES_6_1, &[FolioDecl { kind, ..small() }]);
        let page = b.page(0, 0);
        assert_eq!(b.op().is_pci_p2pdma_page(page), Ok(is));
    }
}
