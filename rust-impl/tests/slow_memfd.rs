// SPDX-License-Identifier: GPL-2.0
//! Pins of the folios of a memfd.

use crate::common::*;
use gup::cache::{MEMFD_SIZE, Memfd};
use gup::page::flag;
use gup::rules::{RULES_6_12_118, RULES_7_3, Rules};
use gup::slow::memfd::Wanted;
use gup::{Call, ENOMEM, FolioDecl, Hook, Mapping, PagePtr, Stop};

const PAGE: u64 = 0x1000;
const EINVAL: i64 = -22;

/// Kernels that have the function.
const KERNELS: [Rules; 3] = [RULES_6_12, RULES_6_12_118, RULES_7_3];

/// A folio in shmem that was written to.
fn cached(order: u8) -> FolioDecl {
    FolioDecl {
        order,
        mapping: Mapping::Shmem,
        flags: flag::UPTODATE,
        ..small()
    }
}

fn wanted(start: u64, pages: u64, max_folios: u32) -> Wanted {
    Wanted {
        memfd: Memfd::Shmem,
        start,
        end: (start & !(PAGE - 1)) + pages * PAGE - 1,
        max_folios,
    }
}

/// The result, and the offset.
fn pin(b: &mut Bench, wanted: Wanted) -> (Result<i64, Stop>, Option<u64>) {
    let mut offset = None;
    let result = b.op().memfd_pin_folios(wanted, &mut offset);
    (result, offset)
}

#[test]
fn each_folio_is_pinned_once() {
    for rules in KERNELS {
        let mut b = Bench::new(rules, &[cached(0), cached(1)]);
        let (small, large) = (b.page(0, 0), b.page(1, 0));
        b.machine.cache.set(PAGE, 1, small);
        b.machine.cache.set(2 * PAGE, 2, large);
        assert_eq!(pin(&mut b, wanted(PAGE + 5, 3, 9)), (Ok(2), Some(5)));
        assert_eq!(b.entries(), [small, large]);
        assert_eq!((b.refs(0), b.refs(1), b.pins(1)), (1025, 2, 1));
        // in the middle of a large one, and no more than that
        assert_eq!(pin(&mut b, wanted(3 * PAGE, 9, 1)), (Ok(1), Some(PAGE)));
        assert_eq!((b.pins(1), b.counters()), (2, (1, 0)));
        assert!(!b.machine.held.memalloc_pin && !b.machine.held.mmap_lock);
    }
}

#[test]
fn what_is_missing_is_allocated_or_all_is_given_back() {
    for rules in KERNELS {
        let mut b = Bench::new(rules, &[cached(0), cached(0)]);
        let (first, second) = (b.page(0, 0), b.page(1, 0));
        b.machine.cache.set(0, 1, first);
        let none = i64::from(-ENOMEM);
        assert_eq!(pin(&mut b, wanted(0, 2, 9)), (Ok(none), Some(0)));
        assert_eq!((b.refs(0), b.counters()), (1, (1, 1)));
        b.when(Hook::AllocFolio, 1, |_| Some(-17));
        b.when(Hook::AllocFolio, 2, move |machine| {
            machine.cache.set(PAGE, 1, second);
            Some(0)
        });
        assert_eq!(pin(&mut b, wanted(0, 2, 9)).0, Ok(2));
        assert_eq!((b.refs(0), b.refs(1)), (1025, 1025));
    }
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for rules in KERNELS {
        let mut b = Bench::new(rules, &[cached(0)]);
        let page = b.page(0, 0);
        let last = MEMFD_SIZE as u64 - PAGE;
        b.machine.cache.set(last, 1, page);
        let fine = wanted(last, 1, 1);
        assert_eq!(pin(&mut b, fine).0, Ok(1));
        for (memfd, start, end, max_folios) in [
            (Memfd::None, fine.start, fine.end, 1),
            (Memfd::Other, fine.start, fine.end, 1),
            (Memfd::Shmem, fine.start, fine.end, 0),
            (Memfd::Shmem, fine.start, fine.end + 1, 1),
            (Memfd::Shmem, fine.end, fine.start, 1),
            (Memfd::Shmem, 1 << 63, fine.end, 1),
        ] {
            let odd = Wanted {
                memfd,
                start,
                end,
                max_folios,
            };
            assert_eq!(pin(&mut b, odd), (Ok(EINVAL), None), "{odd:?}");
            assert!(b.asks().is_empty());
        }
    }
}

#[test]
fn huge_pages_are_found_by_their_first_page() {
    for rules in KERNELS {
        let huge = FolioDecl {
            mapping: Mapping::File,
            ..cached(9)
        };
        let mut b = Bench::new(rules, &[huge]);
        let page = b.page(0, 0);
        b.machine.cache.set(0x20_0000, 512, page);
        let third = Wanted {
            memfd: Memfd::Hugetlb,
            ..wanted(0x20_2000, 1, 1)
        };
        assert_eq!(pin(&mut b, third), (Ok(1), Some(0x2000)));
        assert_eq!(b.pins(0), 1);
    }
}

#[test]
fn what_was_truncated_or_never_cleared_is_seen_by_6_12_118() {
    for rules in KERNELS {
        let rechecks = rules.slow.memfd_folios_are_rechecked;
        let fresh = FolioDecl {
            flags: 0,
            ..cached(0)
        };
        let mut b = Bench::new(rules, &[fresh]);
        let page = b.page(0, 0);
        b.machine.cache.set(0, 1, page);
        assert_eq!(pin(&mut b, wanted(0, 1, 1)).0, Ok(1));
        assert_eq!(b.calls().contains(&Call::Zeroed), rechecks);
        assert_eq!(b.at(0, 0).flags & flag::UPTODATE != 0, rechecks);

        let mut b = Bench::new(rules, &[cached(0)]);
        b.machine.cache.set(0, 1, page);
        b.when(Hook::FindFolios, 1, move |machine| {
            machine.set_mapping(page, Mapping::None);
            None
        });
        b.when(Hook::FindFolios, 2, |machine| {
            machine.cache.set(0, 1, PagePtr::NULL);
            None
        });
        let (result, _) = pin(&mut b, wanted(0, 1, 1));
        let none = i64::from(-ENOMEM);
        assert_eq!(result, Ok(if rechecks { none } else { 1 }));
    }
}
