// SPDX-License-Identifier: GPL-2.0
//! What the slow paths of 5.10, 6.1 and 7.3 do otherwise than that of 6.12.

use crate::common::*;
use FollFlag::{Force, Get, Longterm, SplitPmd, Unlockable, Write};
use gup::machine::MigrateType;
use gup::mm::{fault_flag as ff, vm_fault};
use gup::page::flag;
use gup::rules::{RULES_5_10, RULES_7_3, Rules};
use gup::slow::{EAGAIN, EBUSY, EOPNOTSUPP};
use gup::tables::entry_flag as ef;
use gup::vma::vm_flag as v;
use gup::walk::{Buffer, EFAULT};
use gup::{
    Ask, Call, EEXIST, EINVAL, ENOMEM, Event, FolioDecl, FollFlag, Hook, Kind, Level, Mapping,
    MmPtr, NewEntry, PagePtr, Site, Stop, VmaKind,
};

const ADDR: u64 = 0x1000_0000;
const RETRY: Option<i32> = Some(vm_fault::RETRY as i32);
const OLD: [Rules; 2] = [RULES_5_10, RULES_6_1];

/// Pages mapped one behind the other, writable, in a shared VMA.
fn mapped(rules: Rules, folios: &[FolioDecl]) -> Bench {
    let mut b = Bench::new(rules, folios);
    b.machine
        .vmas
        .set(0, ADDR, 8, v::READ | v::WRITE | v::SHARED, VmaKind::Shmem);
    for i in 0..folios.len() {
        let page = NewEntry::Page(b.page(i, 0));
        b.map(Level::Pte, ADDR + ((i as u64) << 12), 1, page, ef::RW);
    }
    b
}

fn cma() -> FolioDecl {
    FolioDecl {
        migratetype: MigrateType::Cma,
        flags: flag::LRU,
        ..small()
    }
}

fn anon(exclusive: bool) -> FolioDecl {
    FolioDecl {
        mapping: Mapping::Anon,
        exclusive,
        ..small()
    }
}

/// A block of a transparent huge page.
fn huge(rules: Rules, flags: u16) -> Bench {
    let mut b = Bench::new(rules, &[thp(9)]);
    b.vma(ADDR, 512, v::READ | v::WRITE | v::SHARED);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pmd, ADDR, 1, page, flags);
    b
}

#[test]
fn old_entry_points_check_each_for_itself() {
    let null = |b: &Bench, flags| gup::slow::entry::Request {
        pages: Buffer::Null,
        ..b.request(ADDR, 1, flags)
    };
    for rules in OLD {
        let mut b = mapped(rules, &[small()]);
        assert_eq!(b.slow_get(ADDR, 1, &[Longterm]), Ok(-EINVAL as i64));
        assert_eq!(b.warns(), [Site::IsValidGupFlagsLongterm]);
        assert_eq!(b.slow_pin(ADDR, 1, &[Get]), Ok(-EINVAL as i64));
        assert_eq!(b.warns(), [Site::PinUserPages]);
        let request = b.request(ADDR, 1, &[Longterm]);
        let result = b.op().pin_user_pages_unlocked(request);
        assert_eq!(result, Ok(-EINVAL as i64));
        assert_eq!(b.warns(), [Site::GetUserPagesUnlockedLongterm]);
        let result = b
            .locked_op()
            .pin_user_pages_remote(request, Some(&mut true));
        assert_eq!(result, Ok(-EINVAL as i64));
        assert_eq!(b.warns(), [Site::GetUserPagesRemoteLongterm]);
    }
    // Only 6.1 looks for the array.
    let mut b = mapped(RULES_6_1, &[small()]);
    let request = null(&b, &[]);
    assert_eq!(b.locked_op().pin_user_pages(request), Ok(-EINVAL as i64));
    assert_eq!(b.warns(), [Site::PinUserPagesNull]);
    let mut b = mapped(RULES_5_10, &[small()]);
    let request = null(&b, &[]);
    let bug = Err(Stop::Bug(Site::GetUserPagesPages));
    assert_eq!(b.locked_op().pin_user_pages(request), bug);
    let request = null(&b, &[Longterm]);
    assert_eq!(b.locked_op().pin_user_pages(request), Ok(-EINVAL as i64));
}

#[test]
fn a_lock_that_is_said_not_to_be_held_is_a_bug_before_6_3() {
    for rules in OLD {
        let mut b = mapped(rules, &[small()]);
        let request = b.request(ADDR, 1, &[]);
        let result = b
            .locked_op()
            .get_user_pages_remote(request, Some(&mut false));
        assert_eq!(result, Err(Stop::Bug(Site::GetUserPagesLockedInit)));
    }
    let mut b = mapped(RULES_7_3, &[small()]);
    let request = b.request(ADDR, 1, &[]);
    let result = b
        .locked_op()
        .get_user_pages_remote(request, Some(&mut false));
    assert_eq!(result, Ok(-EINVAL as i64));
}

#[test]
fn who_waits_for_the_lock_cannot_be_killed_before_6_3() {
    for rules in OLD {
        let mut b = mapped(rules, &[small()]);
        let request = b.request(ADDR, 1, &[]);
        assert_eq!(b.op().get_user_pages_unlocked(request), Ok(1));
        let lock = Ask::MmapLock {
            mm: MmPtr::Current,
            killable: false,
        };
        assert_eq!(b.asks(), [lock, Ask::MmapUnlock { mm: MmPtr::Current }]);
    }
}

/// Without FOLL_UNLOCKABLE it is the pointer that says it.
#[test]
fn a_caller_that_cannot_be_told_gets_no_fault_that_drops_the_lock() {
    for rules in OLD {
        let mut b = mapped(rules, &[]);
        assert_eq!(b.slow_get(ADDR, 1, &[Unlockable]), Ok(-EFAULT as i64));
        assert_eq!(b.faults(), [0]);
        let request = b.request(ADDR, 1, &[]);
        let mut locked = true;
        let result = b
            .locked_op()
            .get_user_pages_remote(request, Some(&mut locked));
        assert_eq!((result, locked), (Ok(-EFAULT as i64), true));
        assert_eq!(b.faults(), [ff::ALLOW_RETRY | ff::KILLABLE | ff::REMOTE]);
        // Lost, and nobody can be told: no page and no error, without a word.
        b.when(Hook::Fault, 1, |_| RETRY);
        assert_eq!(b.slow_get(ADDR, 1, &[]), Ok(0));
        assert!(b.warns().is_empty() && !b.machine.held.mmap_lock);
    }
}

#[test]
fn a_fault_is_never_completed_in_5_10() {
    for (rules, faults) in [(RULES_5_10, 2), (RULES_6_1, 1)] {
        let mut b = mapped(rules, &[]);
        b.when(Hook::Fault, 1, |_| Some(vm_fault::COMPLETED as i32));
        b.when(Hook::MmapLock, 1, |_| Some(-EAGAIN));
        let request = b.request(ADDR, 1, &[]);
        let result = b.op().get_user_pages_unlocked(request);
        let errno = if faults == 1 { EAGAIN } else { EFAULT };
        assert_eq!(result, Ok(-errno as i64));
        assert_eq!(b.faults().len(), faults);
    }
}

#[test]
fn old_kernels_take_a_huge_entry_page_by_page() {
    for (rules, grabs) in [(RULES_6_1, 4), (RULES_6_12, 2), (RULES_7_3, 2)] {
        let mut b = huge(rules, ef::RW);
        assert_eq!(b.slow_get(ADDR + 0x3000, 4, &[]), Ok(4));
        assert_eq!(b.entries()[3], b.page(0, 6));
        assert_eq!(b.refs(0), 5);
        assert_eq!(b.machine.steps, grabs);
    }
}

#[test]
fn old_kernels_know_no_other_huge_entries() {
    for (rules, result) in [
        (RULES_5_10, Ok(-EFAULT as i64)),
        (RULES_6_1, Ok(-EFAULT as i64)),
        (RULES_6_12, Ok(1)),
    ] {
        let mut b = Bench::new(rules, &[small()]);
        let page = b.page(0, 0);
        let (addr, _) = map_by_pud(&mut b, page, ef::RW);
        b.vma(addr, 1, v::READ | v::WRITE | v::SHARED);
        assert_eq!(b.slow_get(addr, 1, &[]), result);
    }
    // What a PMD maps is huge, or a BUG.
    for rules in OLD {
        let mut b = Bench::new(rules, &[small()]);
        b.vma(ADDR, 1, v::READ | v::WRITE | v::SHARED);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pmd, ADDR, 1, page, ef::RW);
        let bug = Err(Stop::Bug(Site::FollowTransHugePmdHead));
        assert_eq!(b.slow_get(ADDR, 1, &[]), bug);
    }
}

#[test]
fn a_pmd_that_is_swapped_out_is_a_bug_in_6_1_alone() {
    for rules in [RULES_5_10, RULES_6_1, RULES_6_12, RULES_7_3] {
        let mut b = huge(rules, ef::RW);
        b.map(Level::Pmd, ADDR, 1, NewEntry::Swap, 0);
        let bug = Err(Stop::Bug(Site::FollowPmdMaskAbsent));
        let is_6_1 = rules.revision == RULES_6_1.revision;
        let expected = if is_6_1 { bug } else { Ok(-EFAULT as i64) };
        assert_eq!(b.slow_get(ADDR, 1, &[]), expected);
    }
}

#[test]
fn the_huge_zero_page_that_was_split_is_asked_for_again_before_6_5() {
    let zero = FolioDecl {
        kind: Kind::HugeZero,
        ..thp(9)
    };
    for (rules, result) in [(RULES_6_1, -EBUSY as i64), (RULES_6_12, -ENOMEM as i64)] {
        let mut b = Bench::new(rules, &[zero]);
        b.vma(ADDR, 512, v::READ | v::SHARED);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pmd, ADDR, 1, page, 0);
        b.when(Hook::Split, 1, |machine| {
            machine.tables.set(Level::Pmd, ADDR, 1, NewEntry::None, 0);
            None
        });
        assert_eq!(b.slow_get(ADDR, 1, &[SplitPmd]), Ok(result));
    }
}

#[test]
fn prot_none_is_followed_with_force_only_before_6_6() {
    for rules in OLD {
        let mut b = mapped(rules, &[small()]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(
            Level::Pte,
            ADDR,
            1,
            page,
            ef::RW | ef::ABSENT | ef::PROTNONE,
        );
        assert_eq!(b.slow_get(ADDR, 1, &[]), Ok(-EFAULT as i64));
        assert_eq!(b.slow_get(ADDR, 1, &[Force]), Ok(1));
    }
}

#[test]
fn a_forced_write_finds_no_copy_in_5_10() {
    for (rules, result) in [(RULES_5_10, -EFAULT as i64), (RULES_6_1, 1)] {
        let mut b = Bench::new(rules, &[anon(true)]);
        b.vma(ADDR, 1, v::READ | v::MAYWRITE);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 1, page, ef::DIRTY | ef::SOFT_DIRTY);
        assert_eq!(b.slow_get(ADDR, 1, &[Write, Force]), Ok(result));
    }
}

#[test]
fn an_entry_without_a_page_is_left_out_of_the_list_in_5_10() {
    for (rules, get, pin) in [
        (RULES_5_10, -EFAULT, 2),
        (RULES_6_1, -EEXIST, -i64::from(EEXIST)),
    ] {
        let mut b = mapped(rules, &[small(), small()]);
        let page = NewEntry::Page(b.page(0, 0));
        b.map(Level::Pte, ADDR, 1, page, ef::RW | ef::SPECIAL);
        assert_eq!(b.slow_get(ADDR, 2, &[]), Ok(get.into()));
        assert_eq!(b.slow_pin(ADDR, 2, &[]), Ok(pin));
        if pin == 2 {
            assert_eq!(b.entries(), [PagePtr::POISON, b.page(1, 0)]);
        }
    }
}

#[test]
fn a_stack_grows_in_5_10_and_is_populated_if_it_is_locked() {
    let below = ADDR - 0x2000;
    for (rules, grown) in [(RULES_5_10, true), (RULES_6_1, false)] {
        let mut b = mapped(rules, &[small()]);
        let flags = v::READ | v::WRITE | v::GROWSDOWN | v::LOCKED;
        b.vma(ADDR, 1, flags);
        assert_eq!(b.slow_get(below, 1, &[]), Ok(-EFAULT as i64));
        assert_eq!(b.faults().len(), if grown { 2 } else { 0 });
        if grown {
            let vma = b.machine.vmas.find(MmPtr::Current, 0).unwrap();
            assert_eq!(b.machine.vmas.get(vma).start, below);
            let address = below;
            assert_eq!(b.asks()[0], Ask::Expand { vma, address });
            // Populating writes, the caller only reads.
            assert_eq!(b.faults(), [ff::WRITE, 0]);
        }
    }
    let mut b = mapped(RULES_5_10, &[small()]);
    b.vma(ADDR, 1, v::READ | v::GROWSDOWN);
    b.when(Hook::Expand, 1, |_| Some(-ENOMEM));
    assert_eq!(b.slow_get(below, 1, &[]), Ok(-EFAULT as i64));
    assert!(b.faults().is_empty());
}

#[test]
fn a_table_that_was_not_accessed_is_bad_in_5_10() {
    for (rules, faults) in [(RULES_5_10, 1), (RULES_6_1, 0)] {
        let mut b = mapped(rules, &[small()]);
        b.map(Level::Pmd, ADDR, 1, NewEntry::Table, ef::OLD);
        let _ = b.slow_get(ADDR, 1, &[]);
        assert_eq!(b.faults().len(), faults);
    }
}

#[test]
fn fsdax_is_found_among_the_vmas_in_5_10_and_unpinned() {
    let mut b = mapped(RULES_5_10, &[small(), small()]);
    let flags = v::READ | v::WRITE | v::SHARED;
    b.machine
        .vmas
        .set(1, ADDR + 0x1000, 1, flags, VmaKind::Fsdax);
    b.machine.vmas.set(0, ADDR, 1, flags, VmaKind::Shmem);
    let result = b.slow_pin(ADDR, 2, &[Longterm]);
    assert_eq!(result, Ok(-EOPNOTSUPP as i64));
    assert_eq!((b.counters(), b.refs(0)), ((2, 2), 1));
    assert_eq!(b.slow_pin(ADDR, 4097, &[Longterm]), Ok(-ENOMEM as i64));
    assert_eq!(b.counters(), (0, 0));
}

#[test]
fn cma_is_moved_until_it_is_gone_in_5_10() {
    let mut b = mapped(RULES_5_10, &[cma(), small()]);
    let new = b.page(1, 0);
    b.when(Hook::Isolate, 1, |_| Some(0));
    b.when(Hook::Migrate, 1, move |machine| {
        let page = NewEntry::Page(new);
        machine.tables.set(Level::Pte, ADDR, 1, page, ef::RW);
        Some(0)
    });
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(1));
    assert_eq!(b.entries(), [new]);
    assert_eq!(b.asks(), [Ask::Migrate { nr: 1 }]);
    // What lies in ZONE_MOVABLE may stay.
    let movable = FolioDecl {
        movable: true,
        ..small()
    };
    let mut b = mapped(RULES_5_10, &[movable]);
    assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(1));
}

#[test]
fn each_kernel_drains_in_its_own_way() {
    let drains = |rules| {
        let mut b = mapped(rules, &[cma()]);
        assert_eq!(b.slow_pin(ADDR, 1, &[Longterm]), Ok(-ENOMEM as i64));
        let folio = b.page(0, 0);
        let asks = b.asks().into_iter();
        let drains = asks.filter(|ask| matches!(ask, Ask::Drain { .. } | Ask::DrainFor { .. }));
        (drains.collect::<Vec<_>>(), Ask::DrainFor { folio })
    };
    let (all, one) = (Ask::Drain { all: true }, Ask::Drain { all: false });
    // 6.1 takes a pin for one reference, and finds too many.
    assert_eq!(drains(RULES_6_1).0, [one, all]);
    // 5.10 has found it on the LRU.
    assert!(drains(RULES_5_10).0.is_empty());
    let (drained, expected) = drains(RULES_7_3);
    assert_eq!(drained, [expected]);
}

#[test]
fn a_slab_has_no_type_in_6_1() {
    let slab = FolioDecl {
        kind: Kind::Slab,
        mapping: Mapping::None,
        ..cma()
    };
    for (rules, warns) in [(RULES_6_1, 0), (RULES_6_12, 2)] {
        let mut b = mapped(rules, &[slab]);
        let _ = b.slow_pin(ADDR, 1, &[Longterm]);
        let site = Site::FolioExpectedRefCount;
        assert_eq!(b.warns().iter().filter(|&&s| s == site).count(), warns);
    }
}

/// The block that a page lies in, mapped by a PUD; gives where that maps the page, and the
/// block's first page.
fn map_by_pud(b: &mut Bench, page: PagePtr, flags: u16) -> (u64, PagePtr) {
    let nr = u64::from(page.nr().unwrap());
    let offset = nr & (Level::Pud.pages() - 1);
    let addr = (ADDR & !(Level::Pud.size() - 1)) + (offset << 12);
    b.map(Level::Pud, addr, 1, NewEntry::Page(page), flags);
    (addr, PagePtr::new((nr - offset) as u32))
}

#[test]
fn force_writes_through_a_pud_in_7_3() {
    for (rules, result) in [(RULES_6_12, -EFAULT as i64), (RULES_7_3, 1)] {
        let mut b = Bench::new(rules, &[anon(true)]);
        let page = b.page(0, 0);
        let (addr, first) = map_by_pud(&mut b, page, 0);
        let first = b.machine.pages.update(first).unwrap();
        (first.mapping, first.flags) = (Mapping::Anon, flag::ANON_EXCLUSIVE);
        b.vma(addr, 1, v::READ | v::MAYWRITE);
        assert_eq!(b.slow_get(addr, 1, &[Write, Force]), Ok(result));
    }
}

#[test]
fn what_was_a_bug_is_a_warning_in_7_3() {
    let shared = anon(false);
    for (rules, result) in [
        (RULES_6_12, Err(Stop::Bug(Site::FollowPagePteExclusive))),
        (RULES_7_3, Ok(1)),
    ] {
        let mut b = mapped(rules, &[shared]);
        assert_eq!(b.slow_pin(ADDR, 1, &[Write]), result);
    }
    let mut b = mapped(RULES_7_3, &[shared]);
    let _ = b.slow_pin(ADDR, 1, &[Write]);
    assert_eq!(b.warns(), [Site::FollowPagePteExclusiveWarn]);
}

#[test]
fn the_folio_that_was_found_is_marked_in_7_3() {
    for (rules, marked) in [(RULES_6_12, 1), (RULES_7_3, 0)] {
        let mut b = mapped(rules, &[thp(1)]);
        let (head, tail) = (b.page(0, 0), b.page(0, 1));
        b.map(Level::Pte, ADDR, 1, NewEntry::Page(tail), ef::RW);
        b.when(Hook::AfterRef(head.nr().unwrap()), 1, move |machine| {
            machine.split(head, 0, 2, 2);
            None
        });
        assert_eq!(b.slow_get(ADDR, 1, &[]), Ok(1));
        let calls = b.events.0.iter().filter_map(|event| match event {
            Event::Call(Call::MarkAccessed, page) => Some(PagePtr::new(page.page)),
            _ => None,
        });
        assert!(calls.eq([head.nth(marked)]));
    }
}

/// A number of pages for which nobody has stored any.
#[test]
fn a_lock_that_gives_a_number_is_a_bug_and_a_result_in_7_3() {
    let one = Some(1);
    for (rules, result) in [
        (RULES_6_12, Err(Stop::Bug(Site::GetUserPagesLockedLock))),
        (RULES_7_3, Ok(1)),
    ] {
        let mut b = mapped(rules, &[]);
        b.when(Hook::Fault, 1, |_| RETRY);
        b.when(Hook::MmapLock, 2, move |_| one);
        let request = b.request(ADDR, 2, &[]);
        assert_eq!(b.op().get_user_pages_unlocked(request), result);
        let nothing = [PagePtr::POISON];
        assert_eq!(b.entries(), &nothing[..usize::from(result.is_ok())]);
    }
    let mut b = mapped(RULES_7_3, &[]);
    b.when(Hook::Fault, 1, |_| RETRY);
    b.when(Hook::MmapLock, 2, move |_| one);
    let request = b.request(ADDR, 2, &[Longterm]);
    assert_eq!(b.op().pin_user_pages_unlocked(request), Err(Stop::Oops));
}
