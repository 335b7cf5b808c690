// SPDX-License-Identifier: GPL-2.0
//! The slow path, address by address: VMAs, what is mapped, and what is faulted in.

use crate::common::*;
use FollFlag::{Anon, Dump, Force, Get, Nofault, Pin, Write};
use gup::mm::{fault_flag, vm_fault};
use gup::tables::{Entry, entry_flag as ef};
use gup::vma::vm_flag as v;
use gup::walk::EFAULT;
use gup::{
    Ask, Buffer, Call, Flush, FolioDecl, FollFlag, Hook, Kind, Level, Mapping, MmPtr, NewEntry,
    PagePtr, Rules, Site, Stop, VmaKind,
};

const ADDR: u64 = 0x1000_0000;
const PRIVATE: u32 = v::READ | v::WRITE | v::MAYREAD | v::MAYWRITE;
const NO_PAGE: Result<i64, Stop> = Ok(-(EFAULT as i64));

/// Small anonymous exclusive folios.
fn anon() -> FolioDecl {
    FolioDecl {
        mapping: Mapping::Anon,
        exclusive: true,
        ..small()
    }
}

/// `n` small pages, mapped from ADDR on in a private VMA.
fn mapped(rules: Rules, n: usize, flags: u16) -> Bench {
    let mut b = Bench::new(rules, &vec![anon(); n]);
    b.vma(ADDR, n as i32, PRIVATE);
    for i in 0..n {
        let page = NewEntry::Page(b.page(i, 0));
        b.map(Level::Pte, ADDR + ((i as u64) << 12), 1, page, flags);
    }
    b
}

#[test]
fn what_is_mapped_is_taken_and_marked() {
    let mut b = mapped(RULES_6_12, 2, ef::RW);
    assert_eq!(b.slow_get(ADDR + 0x123, 2, &[Write]), Ok(2));
    assert_eq!(b.entries(), [b.page(0, 0), b.page(1, 0)]);
    assert_eq!((b.refs(0), b.refs(1)), (2, 2));
    let marked = [Call::FolioMarkDirty, Call::MarkAccessed];
    assert_eq!(b.calls(), [marked, marked].concat());
    assert!(b.asks().is_empty() && b.machine.held.mmap_lock);
    assert_eq!(b.slow_pin(ADDR, 2, &[]), Ok(2));
    assert_eq!((b.refs(0), b.counters()), (1026, (2, 0)));
    assert_eq!(b.calls(), [Call::MakeAccessible; 2]);
}

#[test]
fn caches_of_what_is_taken_are_flushed() {
    let mut b = mapped(RULES_6_12, 2, ef::RW);
    assert_eq!(b.slow_get(ADDR + 0x123, 2, &[]), Ok(2));
    let flushed = |page, addr| [(Flush::Anon(addr), page), (Flush::Page, page)];
    let first = flushed(b.page(0, 0), ADDR + 0x123);
    let second = flushed(b.page(1, 0), ADDR + 0x1123);
    assert_eq!(b.flushes(), [first, second].concat());
}

#[test]
fn an_access_close_below_a_stack_is_in_the_log() {
    let mut b = Bench::new(RULES_6_12, &[anon()]);
    b.vma(ADDR, 1, PRIVATE | v::GROWSDOWN);
    assert_eq!(b.slow_get(ADDR - 0x11000, 1, &[]), NO_PAGE);
    assert!(b.asks().is_empty());
    assert_eq!(b.slow_get(ADDR - 0x10000, 1, &[]), NO_PAGE);
    assert_eq!(b.asks(), [Ask::Log]);
    // once an hour
    assert_eq!(b.slow_get(ADDR - 0x10000, 1, &[]), NO_PAGE);
    assert!(b.asks().is_empty());
}

#[test]
fn what_is_not_mapped_is_faulted_in() {
    let mut b = mapped(RULES_6_12, 2, ef::RW);
    b.map(Level::Pte, ADDR + 0x1000, 1, NewEntry::None, 0);
    let page = b.page(1, 0);
    b.when(Hook::Fault, 1, move |machine| {
        let new = NewEntry::Page(page);
        machine
            .tables
            .set(Level::Pte, ADDR + 0x1000, 1, new, ef::RW);
        Some(0)
    });
    assert_eq!(b.slow_get(ADDR, 2, &[Write]), Ok(2));
    assert_eq!(b.faults(), [fault_flag::WRITE]);
    assert_eq!(b.refs(1), 2);
}

#[test]
fn a_failing_fault_ends_it_and_what_was_found_counts() {
    let mut b = mapped(RULES_6_12, 2, ef::RW);
    b.map(Level::Pte, ADDR + 0x1000, 1, NewEntry::Swap, 0);
    assert_eq!(b.slow_get(ADDR, 2, &[]), Ok(1));
    assert_eq!(b.slow_get(ADDR + 0x1000, 1, &[]), NO_PAGE);
    assert_eq!(b.slow_get(ADDR + 0x1000, 1, &[Nofault]), NO_PAGE);
    assert!(b.faults().is_empty());
    b.when(Hook::Fault, 1, |_| Some(vm_fault::FALLBACK as i32));
    let stop = Stop::Bug(Site::FaultinPageErrno);
    assert_eq!(b.slow_get(ADDR + 0x1000, 1, &[]), Err(stop));
}

#[test]
fn a_shared_page_is_unshared_for_a_pin_that_reads() {
    let mut b = Bench::new(
        RULES_6_12,
        &[FolioDecl {
            exclusive: false,
            ..anon()
        }],
    );
    b.vma(ADDR, 1, PRIVATE);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1, page, 0);
    assert_eq!(b.slow_pin(ADDR, 1, &[]), NO_PAGE);
    assert_eq!(b.faults(), [fault_flag::UNSHARE]);
    assert_eq!(b.slow_get(ADDR, 1, &[]), Ok(1));
    // what may be written is exclusive when it is pinned
    b.map(Level::Pte, ADDR, 1, page, ef::RW);
    let stop = Stop::Bug(Site::FollowPagePteExclusive);
    assert_eq!(b.slow_pin(ADDR, 1, &[]), Err(stop));
}

#[test]
fn force_writes_what_is_exclusive_and_nobody_watches() {
    let mut b = mapped(RULES_6_12, 1, ef::SOFT_DIRTY);
    let flags = v::READ | v::MAYWRITE;
    b.vma(ADDR, 1, flags);
    assert_eq!(b.slow_get(ADDR, 1, &[Write]), NO_PAGE);
    assert!(b.faults().is_empty());
    assert_eq!(b.slow_get(ADDR, 1, &[Write, Force]), Ok(1));
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1, page, 0);
    assert_eq!(b.slow_get(ADDR, 1, &[Write, Force]), NO_PAGE);
    assert_eq!(b.faults(), [fault_flag::WRITE]);
    b.vma(ADDR, 1, flags | v::SOFTDIRTY);
    assert_eq!(b.slow_get(ADDR, 1, &[Write, Force]), Ok(1));
    b.vma(ADDR, 1, flags | v::SHARED | v::SOFTDIRTY);
    assert_eq!(b.slow_get(ADDR, 1, &[Write, Force]), NO_PAGE);
    assert!(b.faults().is_empty());
}

#[test]
fn a_vma_says_what_may_be_had_of_it() {
    let mut b = mapped(RULES_6_12, 1, ef::RW);
    for (kind, flags, foll, want) in [
        (VmaKind::Anon, PRIVATE | v::IO, Write, NO_PAGE),
        (VmaKind::File, PRIVATE, Anon, NO_PAGE),
        (VmaKind::Secretmem, PRIVATE, Write, NO_PAGE),
        (VmaKind::Anon, v::WRITE, Dump, NO_PAGE),
        (VmaKind::File, PRIVATE, Write, Ok(1)),
        (VmaKind::Gate, PRIVATE, Write, NO_PAGE),
        (VmaKind::Gate, PRIVATE, Dump, Ok(1)),
    ] {
        b.machine.vmas.set(0, ADDR, 1, flags, kind);
        assert_eq!(
            b.slow_get(ADDR, 1, &[foll]),
            want,
            "{kind:?} {flags:#x} {foll:?}"
        );
        assert!(b.faults().is_empty());
    }
    b.vma(ADDR + 0x1000, 1, PRIVATE | v::GROWSDOWN);
    assert_eq!(b.slow_get(ADDR, 1, &[]), NO_PAGE);
}

#[test]
fn all_pages_of_a_block_are_taken_at_once() {
    let mut b = Bench::new(RULES_6_12, &[thp(9)]);
    b.vma(ADDR, 1024, PRIVATE);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pmd, ADDR, 1, page, ef::RW);
    assert_eq!(b.slow_pin(ADDR + 0x3000, 600, &[Write]), Ok(509));
    assert_eq!((b.refs(0), b.pins(0), b.counters()), (510, 509, (509, 0)));
    assert_eq!(b.entries()[508], b.page(0, 511));
    // touched, as this is not a pin
    let at = b.machine.tables.entry(Level::Pmd, ADDR).unwrap();
    assert!(!b.machine.tables.get(at).unwrap().is_dirty());
    assert_eq!(b.slow_get(ADDR, 2, &[Write]), Ok(2));
    assert!(b.machine.tables.get(at).unwrap().is_dirty());
}

#[test]
fn a_lock_that_was_waited_for_finds_another_entry() {
    let mut b = Bench::new(RULES_6_12, &[thp(9), anon()]);
    b.vma(ADDR, 512, PRIVATE);
    let (block, page) = (b.page(0, 0), b.page(1, 0));
    b.map(Level::Pmd, ADDR, 1, NewEntry::Page(block), ef::RW);
    b.when(Hook::PageTableLock, 1, move |machine| {
        machine
            .tables
            .set(Level::Pte, ADDR, 1, NewEntry::Page(page), ef::RW);
        machine.tables.set(Level::Pmd, ADDR, 1, NewEntry::Table, 0);
        None
    });
    assert_eq!(b.slow_get(ADDR, 1, &[]), Ok(1));
    assert_eq!(b.entries(), [page]);
    assert_eq!(b.machine.held.ptl, 0);
}

#[test]
fn a_table_with_odd_flags_is_cleared() {
    let mut b = mapped(RULES_6_12, 1, ef::RW);
    b.map(Level::Pmd, ADDR, 1, NewEntry::Table, ef::NX);
    assert_eq!(b.slow_get(ADDR, 1, &[]), NO_PAGE);
    let at = b.machine.tables.entry(Level::Pmd, ADDR).unwrap();
    assert!(b.machine.tables.get(at).unwrap().is_none());
}

#[test]
fn a_core_dump_leaves_holes() {
    let mut b = mapped(RULES_6_12, 1, 0);
    b.map(Level::Pte, ADDR, 1, NewEntry::None, 0);
    assert_eq!(b.slow_get(ADDR, 1, &[Dump]), NO_PAGE);
    assert!(b.faults().is_empty());
    b.machine.vmas.set(0, ADDR, 1, PRIVATE, VmaKind::Shmem);
    assert_eq!(b.slow_get(ADDR, 1, &[Dump]), NO_PAGE);
    assert_eq!(b.faults().len(), 1);
}

#[test]
fn special_entries_have_no_page_and_device_memory_needs_its_pagemap() {
    let mut b = Bench::new(RULES_6_12, &[device(Kind::DevFsdax), small()]);
    b.vma(ADDR, 2, PRIVATE);
    let page = NewEntry::Page(b.page(0, 0));
    b.map(Level::Pte, ADDR, 1, page, ef::RW | ef::SPECIAL | ef::DEVMAP);
    let page = NewEntry::Page(b.page(1, 0));
    b.map(
        Level::Pte,
        ADDR + 0x1000,
        1,
        page,
        ef::RW | ef::SPECIAL | ef::OLD,
    );
    assert_eq!(b.slow_get(ADDR, 2, &[]), Ok(1));
    // the second entry was accessed, though there is no page to return
    let accessed = Ask::SetEntry {
        mm: MmPtr::Current,
        level: Level::Pte,
        address: ADDR + 0x1000,
        entry: Entry::page_entry(b.page(1, 0).nr().unwrap(), ef::RW | ef::SPECIAL),
    };
    assert_eq!(b.asks().len(), 3);
    assert_eq!(b.asks()[1..], [accessed, Ask::PagemapPut { held: true }]);
    b.map(
        Level::Pte,
        ADDR + 0x1000,
        1,
        page,
        ef::RW | ef::SPECIAL | ef::OLD,
    );
    let nothing = gup::slow::entry::Request {
        pages: Buffer::Null,
        ..b.request(ADDR + 0x1000, 1, &[])
    };
    // without an array the entry is enough, and was accessed
    assert_eq!(b.locked_op().get_user_pages(nothing), Ok(1));
    let at = b.machine.tables.entry(Level::Pte, ADDR + 0x1000).unwrap();
    let entry = b.machine.tables.get(at).unwrap();
    assert_eq!(entry, entry.accessed(false));
}

#[test]
fn arguments_are_checked() {
    let mut b = mapped(RULES_6_12, 1, ef::RW);
    assert_eq!(b.slow_get(ADDR, 1, &[Pin]), Ok(-22));
    assert_eq!(b.warns(), [Site::IsValidGupArgsInternal]);
    assert_eq!(b.slow_pin(ADDR, 1, &[Get]), Ok(0));
    assert_eq!(b.warns(), [Site::IsValidGupArgsBoth]);
    let request = b.request(ADDR, 1, &[]);
    assert_eq!(
        b.locked_op()
            .pin_user_pages_remote(request, Some(&mut false)),
        Ok(0)
    );
    assert_eq!(b.warns(), [Site::IsValidGupArgsLocked]);
    assert_eq!(b.entries(), [] as [PagePtr; 0]);
}
