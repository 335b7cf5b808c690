// SPDX-License-Identifier: GPL-2.0
//! Each law sees the trace that breaks it: honest traces with one lie.

use csrc::abi::{self, gd_rec};
use harness::laws::{Checker, Law};
use harness::ops::Rev;
use harness::program::{Program, text};
use harness::side::{self, Side};
use harness::trace::{PageState, Trace};

fn honest(source: &str) -> (Program, Trace) {
    let program = text::parse(source).expect(source);
    let mut side = side::open("rust:6.1").unwrap().unwrap();
    let mut trace = Trace::new();
    side.run(&program, &mut trace);
    (program, trace)
}

fn broken(source: &str, lie: impl FnOnce(&mut Vec<gd_rec>)) -> Option<Law> {
    let (program, mut trace) = honest(source);
    let mut checker = Checker::default();
    let before = checker.check(&program, Rev::V6_1, &trace);
    assert_eq!(before, None, "the honest trace of {source}");
    lie(trace.records_mut());
    let broken = checker.check(&program, Rev::V6_1, &trace);
    broken.map(|b| b.law)
}

fn of_kind(recs: &mut [gd_rec], kind: u32) -> &mut gd_rec {
    let found = recs.iter_mut().find(|r| u32::from(r.kind) == kind);
    found.expect("a record of that kind")
}

fn remove(recs: &mut Vec<gd_rec>, kind: u32) {
    let at = recs.iter().position(|r| u32::from(r.kind) == kind);
    recs.remove(at.expect("a record of that kind"));
}

fn page(recs: &mut [gd_rec], change: impl FnOnce(&mut PageState)) {
    let rec = of_kind(recs, abi::GD_R_PAGE);
    let mut state = PageState::from_rec(rec);
    change(&mut state);
    *rec = state.to_rec();
}

fn state(bits: u32, acquired: i32, released: i32) -> gd_rec {
    gd_rec {
        kind: abi::GD_R_STATE as u8,
        a: bits as u8,
        b: 0,
        c: 0,
        d: u64::from(acquired as u32) | u64::from(released as u32) << 32,
    }
}

/// The first folio, a small page, has one reference more than a page has if
/// nothing is said of it.
fn more_references() -> gd_rec {
    let state = PageState {
        refcount: 2,
        ..PageState::default()
    };
    state.to_rec()
}

/// An operation that met the step limit.
fn endless() -> gd_rec {
    gd_rec {
        kind: abi::GD_R_LIMIT as u8,
        a: 0,
        b: 0,
        c: 0,
        d: 0,
    }
}

/// The program that each law is shown on, and the lie that breaks it.
type Case = (Law, &'static str, fn(&mut Vec<gd_rec>));

const CASES: &[Case] = &[
    (
        Law::CarefulCallersAreSafe,
        "page p\ntry_get_page p\nput_page p",
        |r| r.insert(0, endless()),
    ),
    (
        Law::CarefulCallersLeakNothing,
        "page p\nset_pte 0x1000 p",
        |r| r.insert(0, more_references()),
    ),
    (Law::TraceIsWhole, "page p\nget_page p", |r| {
        r.pop();
    }),
    (Law::NothingChangesUnnoticed, "page p\nget_page p", |r| {
        let unnoticed = *of_kind(r, abi::GD_R_PAGE);
        r.insert(r.len() - 1, unnoticed);
    }),
    (
        Law::FailedGrabTakesNothing,
        "page p cma\ntry_grab_folio p PIN|LONGTERM",
        |r| r.insert(0, more_references()),
    ),
    (Law::NothingFromFree, "page p ref=0\nfolio_try_get p", |r| {
        of_kind(r, abi::GD_R_RET).d = 1
    }),
    (Law::GetMovesOnlyReferences, "page p\nget_page p", |r| {
        page(r, |s| s.refcount += 1)
    }),
    (Law::PinMovesCounts, "page p\ntry_grab_page p PIN", |r| {
        page(r, |s| s.refcount += 1)
    }),
    (Law::PinIsCounted, "page p\ntry_grab_page p PIN", |r| {
        *of_kind(r, abi::GD_R_STATE) = state(abi::GD_W_IRQS_ON, 2, 0)
    }),
    (
        Law::ZeroPageIsNotPinned,
        "page z zero\ntry_grab_page z PIN",
        |r| r.insert(0, state(abi::GD_W_IRQS_ON, 1, 0)),
    ),
    (
        Law::PinnednessFollowsCounts,
        "page p\ntry_grab_page p PIN",
        |r| page(r, |s| s.pinned = false),
    ),
    (
        Law::PinsBalanceCounters,
        "page p ref=2048\nunpin_user_pages [p]",
        |r| *of_kind(r, abi::GD_R_STATE) = state(abi::GD_W_IRQS_ON, 0, 2),
    ),
    (
        Law::LargeUnpinDropsBoth,
        "page h order=1 ref=9 pin=9\nunpin_user_pages [h]",
        |r| page(r, |s| s.refcount += 1),
    ),
    (
        Law::GrabReturnsTheFolio,
        "page h order=1\ntry_grab_folio h+1 PIN",
        |r| of_kind(r, abi::GD_R_RET).d += 1,
    ),
    (Law::ErrorsAreErrno, "page p\ntry_grab_page p PIN", |r| {
        of_kind(r, abi::GD_R_RET).d = 1
    }),
    (Law::OnlyItsFolio, "page p\nget_page p", |r| {
        page(r, |s| s.page += 1)
    }),
    (
        Law::PredicatesChangeNothing,
        "page p\nfolio_maybe_dma_pinned p",
        |r| r.insert(0, state(abi::GD_W_IRQS_ON | abi::GD_W_DEVMAP_KEY, 0, 0)),
    ),
    (Law::LocksAreBalanced, "page p\nget_page p", |r| {
        page(r, |s| s.flags |= 1 << abi::GD_F_LOCKED)
    }),
    (
        Law::DirtyWhenAsked,
        "page p ref=2048\nunpin_user_pages_dirty_lock [p] dirty",
        |r| page(r, |s| s.flags &= !(1 << abi::GD_F_DIRTY)),
    ),
    (Law::FreedAtZero, "page p\nput_page p", |r| {
        remove(r, abi::GD_R_CALL)
    }),
    (Law::InterruptsAreRestored, "page p\nget_page p", |r| {
        r.insert(1, state(0, 0, 0))
    }),
    (
        Law::HasPinnedIsOneWay,
        "page p\nmm_set_has_pinned_flag",
        |r| remove(r, abi::GD_R_STATE),
    ),
    (
        Law::SlowGrabWarns,
        "page p ref=0\ntry_grab_page p PIN",
        |r| remove(r, abi::GD_R_WARN),
    ),
    (
        Law::OverflowIsRefused,
        "page p ref=-5\ntry_get_page p",
        |r| of_kind(r, abi::GD_R_RET).d = 1,
    ),
];

#[test]
fn every_law_sees_the_lie_that_breaks_it() {
    for (law, source, lie) in CASES {
        assert_eq!(broken(source, lie), Some(*law), "{law}: {source}");
    }
}

/// Of a caller that does not keep what is asked of it nothing is promised.
#[test]
fn careless_callers_are_promised_nothing() {
    for careless in [
        "page p\nunpin_user_page p",
        "page p\ntry_get_page p\nput_page p\nput_page p",
        "page p\nset_pte 0x1000 p rw\npin_user_pages_fast 0x1000 n=1\nput_page p",
        "mm irqs=off\npage p\ntry_get_page p",
        "page p locked\ntry_get_page p",
        // what a call of the slow path took is given back as something else
        "page p anon exclusive\nset_vma 0 0x1000 anon read write mayread maywrite\n\
         set_pte 0x1000 p rw\npin_user_pages 0x1000 n=1\nput_page p",
        // a fault drops the mmap lock that it must not drop
        "page p\nset_vma 0 0x1000 anon read mayread\nget_user_pages 0x1000 n=1\n\
         | at handle_mm_fault: answer retry",
        // a page of a file is writable in a private mapping; two VMAs at one address
        "page p file\nset_vma 0 0x1000 file read write mayread maywrite\n\
         set_pte 0x1000 p rw\nget_user_pages 0x1000 n=1",
        "page p\nset_vma 0 0x1000 anon read mayread\nset_vma 1 0x1000 anon read mayread\n\
         get_user_pages 0x1000 n=1",
        // until v6.3, not a long-term pin that may drop the lock
        "page p\nset_vma 0 0x1000 anon read mayread\n\
         pin_user_pages_unlocked 0x1000 n=1 LONGTERM",
    ] {
        let (program, mut trace) = honest(careless);
        let mut checker = Checker::default();
        checker.check(&program, Rev::V6_1, &trace);
        assert!(!checker.was_careful(), "{careless}");
        let at = trace_end(&trace);
        trace.records_mut().insert(at, endless());
        let broken = checker.check(&program, Rev::V6_1, &trace);
        assert_ne!(
            broken.map(|b| b.law),
            Some(Law::CarefulCallersAreSafe),
            "{careless}"
        );
    }
}

/// Before the last operation's result.
fn trace_end(trace: &Trace) -> usize {
    let ret = |rec: &gd_rec| u32::from(rec.kind) == abi::GD_R_RET;
    trace.records().iter().rposition(ret).expect("a result")
}

#[test]
fn careful_callers_are_known() {
    let source = "page h order=2 ref=3 anon exclusive\nset_pte 0x1000 h n=4 rw\n\
                  pin_user_pages_fast 0x1000 n=4 WRITE\nget_page h+1\nput_page h\n\
                  unpin_user_pages [h+2..h+3]\nunpin_user_page h\n\
                  unpin_user_page_range_dirty_lock h+1 npages=1";
    let (program, trace) = honest(source);
    let mut checker = Checker::default();
    assert_eq!(checker.check(&program, Rev::V6_1, &trace), None);
    assert!(checker.was_careful());
}

#[test]
fn careful_callers_of_the_slow_path_are_known() {
    let source = "page p ref=2 anon exclusive\npage q ref=2 anon exclusive lru\n\
                  set_vma 0 0x1000 n=2 anon read write mayread maywrite\n\
                  set_pte 0x1000 p rw dirty\n\
                  pin_user_pages_remote 0x1000 locked=1 n=2 WRITE\n\
                  | at handle_mm_fault: answer retry\n\
                  | at handle_mm_fault #2: set_pte 0x2000 q rw dirty\n\
                  | at handle_mm_fault #2: answer write|major\n\
                  get_dump_page 0x1000\nput_page p\nunpin_user_page p\nunpin_user_pages [q]\n\
                  get_user_pages 0x3000 n=1";
    let (program, trace) = honest(source);
    let mut checker = Checker::default();
    assert_eq!(checker.check(&program, Rev::V6_1, &trace), None);
    assert!(checker.was_careful());
}

#[test]
fn careful_callers_of_memfds_and_of_follow_page_are_known() {
    let memfd = "names 7.3\npage s ref=2 shmem\npage h order=2 ref=2 shmem\n\
                 set_cache 0x4000 h n=4\n\
                 memfd_pin_folios 0x3000 shmem max=8 n=3\n\
                 | at memfd_alloc_folio: set_cache 0x3000 s n=1\n\
                 | at memfd_alloc_folio: answer 0\n\
                 unpin_folio s\nunpin_folio h";
    let follow = "page p ref=2 anon exclusive\n\
                  set_vma 0 0x1000 anon read write mayread maywrite\n\
                  set_pte 0x1000 p rw dirty\n\
                  follow_page 0x1000 GET\nput_page p\nfollow_page 0x1000 DUMP";
    // a folio at two places; one that is not aligned; a page of a folio
    let careless = [
        "page s ref=2 shmem\nset_cache 0 s n=1\nset_cache 0x1000 s n=1",
        "page h order=2 ref=2 shmem\nset_cache 0x1000 h n=4",
        "page h order=2 ref=2 shmem\nset_cache 0x4000 h+1 n=1",
        "page p ref=2 anon exclusive\nset_cache 0 p n=1",
    ];
    let careless =
        careless.map(|world| format!("names 7.3\n{world}\nmemfd_pin_folios 0 shmem max=1 n=1"));
    let careless = careless
        .iter()
        .map(|text| (text.as_str(), "rust:7.3", false));
    let careful = [(memfd, "rust:7.3", true), (follow, "rust:6.1", true)];
    for (source, name, is_careful) in careful.into_iter().chain(careless) {
        let program = text::parse(source).unwrap();
        let mut side = side::open(name).unwrap().unwrap();
        let mut trace = Trace::new();
        side.run(&program, &mut trace);
        let mut checker = Checker::default();
        let rev = side.info().rev;
        assert_eq!(checker.check(&program, rev, &trace), None, "{source}");
        assert_eq!(checker.was_careful(), is_careful, "{source}");
    }
}

#[test]
fn every_law_has_a_case() {
    for law in Law::ALL {
        // What says that a page is not pinned breaks the law on counts first; the
        // other one is for the FOLL_PIN series, whose v8 breaks it: tests/series.rs.
        let elsewhere = [Law::PinnedPageSaysSo, Law::OverflowIsNoticed];
        // The walk's own laws come last: tests/laws_walk.rs.
        let of_the_walk = *law >= Law::PagesAreWhatIsMapped;
        let here = CASES.iter().any(|(l, ..)| l == law);
        let covered = here || elsewhere.contains(law) || of_the_walk;
        assert!(covered, "{law} is never shown to be broken");
    }
}

#[test]
fn laws_have_names_and_texts_of_their_own() {
    let mut names: Vec<&str> = Law::ALL.iter().map(|l| l.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Law::ALL.len());
    assert!(Law::ALL.iter().all(|l| !l.text().is_empty()));
}

#[test]
fn overflow_breaks_no_law() {
    for source in [
        "page p ref=INT_MAX\nget_page p",
        "page p ref=INT_MAX\ntry_grab_page p PIN",
        "page h order=3 ref=INT_MAX pin=INT_MAX\ntry_grab_folio h refs=INT_MAX PIN",
        "page h order=3 ref=INT_MIN pin=INT_MIN\ngup_put_folio h refs=INT_MIN PIN",
        "page p ref=5\ntry_grab_folio p refs=INT_MIN PIN",
    ] {
        for name in ["rust:6.1", "rust:6.1-nodebug"] {
            let program = text::parse(source).unwrap();
            let mut side: Box<dyn Side> = side::open(name).unwrap().unwrap();
            let mut trace = Trace::new();
            side.run(&program, &mut trace);
            let broken = Checker::default().check(&program, Rev::V6_1, &trace);
            assert_eq!(broken, None, "{name}: {source}");
        }
    }
}
