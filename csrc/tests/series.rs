// SPDX-License-Identifier: GPL-2.0
//! What is known of the posted versions of the FOLL_PIN series: what the review
//! found in v8, and what became of it.

use crate::common::{Seen, folio, kernel, last, op, open, program};
use csrc::{SiteKind, abi::*};

const GET: u32 = 1 << GD_FOLL_GET;
const PIN: u32 = 1 << GD_FOLL_PIN;
const LONGTERM: u32 = 1 << GD_FOLL_LONGTERM;
const ENOMEM: i64 = -12;
const EFAULT: i64 = -14;
const EEXIST: i64 = -17;
const EINVAL: i64 = -22;
const NULL: u16 = (GD_I_NULL << GD_RUN_SHIFT) as u16;

/// What one operation does on one folio; tails have refcount 0.
fn one(side: &str, order: u8, count: i32, op: gd_op) -> Seen {
    last(
        &mut open(&kernel(side)),
        &program(&[folio(order, count)], &[op]),
    )
}

fn pin_tail(side: &str) -> Seen {
    one(side, 3, 1, op(GD_OP_GRAB_SLOW, 1, PIN, 5))
}

#[test]
fn all_sides_are_built_in_without_gaps_and_say_what_they_are() {
    let names: Vec<_> = csrc::series()
        .iter()
        .map(|s| (s.name, s.version, s.debug_vm))
        .collect();
    assert_eq!(
        names,
        [
            ("v8", 8, true),
            ("v8-nodebug", 8, false),
            ("v9", 9, true),
            ("v9-nodebug", 9, false),
            ("v10", 10, true),
            ("v10-nodebug", 10, false),
            ("v11", 11, true),
            ("v11-nodebug", 11, false),
            ("v9-bias32", 9, true),
            ("v8-signed", 8, true),
        ]
    );
    for (name, ..) in names {
        let k = kernel(name);
        assert_eq!(k.gaps(), [""; 0], "{name}");
        let described = csrc::series().iter().find(|s| s.name == name).unwrap();
        assert_eq!(
            (k.series(), k.debug_vm()),
            (Some(described.version), described.debug_vm)
        );
        assert_eq!(k.release(), described.release);
        assert_eq!(k.version(), (5, 5), "{name}");
        assert_eq!(
            k.release(),
            format!(
                "FOLL_PIN series {}",
                name.strip_suffix("-nodebug").unwrap_or(name)
            )
        );
    }
}

#[test]
fn v8_gives_most_of_a_tails_pin_to_the_tail_and_v9_all_of_it_to_the_head() {
    for side in ["v8", "v8-signed"] {
        let seen = pin_tail(side);
        assert_eq!(seen.refs, [(0, 2), (5, 1023)], "{side}");
        assert_eq!(seen.pins, Some((1, 0)), "{side}");
    }
    for side in ["v9", "v9-bias32", "v10", "v11"] {
        let seen = pin_tail(side);
        assert_eq!(seen.refs, [(0, 1025)], "{side}");
        assert_eq!(seen.pins, Some((1, 0)), "{side}");
        assert_eq!(seen.ret, (GD_RET_ERRNO, 0), "{side}");
    }
    // and the unpin takes all of it from the head
    let ops = [
        op(GD_OP_GRAB_SLOW, 1, PIN, 5),
        op(GD_OP_UNPIN_USER_PAGE, 0, 0, 5),
    ];
    let seen = last(&mut open(&kernel("v8")), &program(&[folio(3, 1)], &ops));
    assert_eq!(seen.refs, [(0, -1022)]);
    assert_eq!(seen.pins, Some((0, 1)));
}

#[test]
fn without_debug_vm_no_counter_moves_and_nothing_is_a_bug() {
    let seen = pin_tail("v9-nodebug");
    assert_eq!((seen.refs, seen.pins), (vec![(0, 1025)], None));
    for (side, events) in [
        ("v8", vec!["get_page BUG#0".to_owned()]),
        ("v8-nodebug", vec![]),
    ] {
        let seen = one(side, 0, 0, op(GD_OP_GRAB_SLOW, 1, GET, 0));
        assert_eq!(seen.events, events, "{side}");
        let bugs = |k: &csrc::Object| k.sites().iter().any(|s| s.kind == SiteKind::Bug);
        assert_eq!(bugs(&kernel(side)), side == "v8");
    }
}

#[test]
fn a_pin_overflows_in_v8_and_is_refused_by_those_who_look() {
    let pin = |side: &str, count| one(side, 0, count, op(GD_OP_GRAB_SLOW, 1, PIN, 0));
    let refused = |seen: &Seen| {
        assert!(seen.refs.is_empty() && seen.pins.is_none(), "{seen:?}");
        assert_eq!(seen.ret, (GD_RET_ERRNO, ENOMEM));
        assert_eq!(seen.events, ["try_grab_page WARN#1"]);
    };
    // a count near INT_MAX goes over in all of them, unnoticed
    for side in ["v8", "v9", "v9-bias32", "v10", "v11"] {
        let seen = pin(side, i32::MAX - 10);
        assert_eq!(
            seen.refs,
            [(0, (i32::MAX - 10).wrapping_add(1024))],
            "{side}"
        );
    }
    // just below zero: what the type of the bias decides
    assert_eq!(pin("v8-nodebug", -1000).refs, [(0, 24)]);
    assert_eq!(pin("v9", -1000).refs, [(0, 24)]);
    assert_eq!(pin("v10", -1000).refs, [(0, 24)]);
    refused(&pin("v9-bias32", -1000));
    refused(&pin("v9-bias32", -1024));
    assert_eq!(pin("v9-bias32", -1025).refs, [(0, -1)]);
    refused(&pin("v11", -1025));
    for side in ["v9", "v9-bias32", "v10", "v11"] {
        refused(&pin(side, 0));
    }
}

#[test]
fn a_negative_count_reads_as_pinned_unless_compared_signed() {
    for (side, pinned) in [("v8", 1), ("v9-bias32", 1), ("v11", 1), ("v8-signed", 0)] {
        let ask = |count| one(side, 2, count, op(GD_OP_PAGE_MAYBE_DMA_PINNED, 0, 0, 3)).ret;
        assert_eq!(ask(-1), (GD_RET_BOOL, pinned), "{side}");
        assert_eq!(ask(1023), (GD_RET_BOOL, 0), "{side}");
        assert_eq!(ask(1024), (GD_RET_BOOL, 1), "{side}");
    }
}

#[test]
fn neither_flag_is_a_reference_up_to_v9_and_a_warning_later() {
    let grab = |side| one(side, 2, 1, op(GD_OP_GRAB_FAST, 2, 0, 1));
    assert_eq!(grab("v8").refs, [(0, 3)]);
    assert_eq!(grab("v9").refs, [(0, 3)]);
    for side in ["v10", "v11"] {
        let seen = grab(side);
        assert_eq!(seen.events, ["try_grab_compound_head WARN#0"], "{side}");
        assert_eq!((seen.refs, seen.ret.0), (vec![], GD_RET_NULL), "{side}");
    }
}

#[test]
fn the_branch_of_hugepd_returns_nothing_in_v8_only() {
    let follow = |side, foll| one(side, 2, 1, op(GD_OP_FOLLOW_PAGE_MASK, 0, foll, 1));
    assert_eq!(follow("v8", 0).ret, (GD_RET_NULL, 0));
    assert_eq!(follow("v8", PIN).events, ["follow_page_mask WARN#0"]);
    assert_eq!(follow("v8", PIN).ret, (GD_RET_NULL, 0));
    for side in ["v9", "v10", "v11"] {
        assert_eq!(follow(side, GET).events, ["follow_page_mask WARN#0"]);
        assert_eq!(follow(side, GET).ret, (GD_RET_PAGE, 1), "{side}");
    }
    let poison = (GD_I_POISON << GD_RUN_SHIFT) as u16;
    let nowhere = one("v9", 0, 1, op(GD_OP_FOLLOW_PAGE_MASK, 0, 0, poison));
    assert_eq!(nowhere.ret, (GD_RET_PAGE, GD_NOWHERE.into()));
}

#[test]
fn a_failing_grab_has_the_errno_of_its_version() {
    for (side, errno) in [("v9", EFAULT), ("v10", EFAULT), ("v11", ENOMEM)] {
        for id in [
            GD_OP_FOLLOW_DEVMAP_PMD,
            GD_OP_FOLLOW_DEVMAP_PUD,
            GD_OP_FOLLOW_HUGE_PMD,
            GD_OP_FOLLOW_TRANS_HUGE_PMD,
        ] {
            let seen = one(side, 2, 0, op(id, 0, PIN, 1));
            assert_eq!(seen.ret, (GD_RET_ERRNO, errno), "{side} {id:#x}");
        }
        let seen = one(side, 2, 0, op(GD_OP_FOLLOW_HUGETLB_PAGE, 2, PIN, 1));
        assert_eq!((seen.ret, seen.entries), ((GD_RET_INT, errno), vec![]));
    }
    for side in ["v8", "v9", "v10", "v11"] {
        let seen = one(side, 0, 0, op(GD_OP_FOLLOW_PAGE_PTE, 0, GET, 0));
        assert_eq!(seen.ret, (GD_RET_ERRNO, ENOMEM), "{side}");
        assert_eq!(seen.events, ["try_get_page WARN#0"], "{side}");
        let mut devmap = op(GD_OP_FOLLOW_PAGE_PTE, 0, 0, 0);
        devmap.arg = 1;
        assert_eq!(one(side, 0, 1, devmap).ret, (GD_RET_ERRNO, EEXIST));
    }
}

#[test]
fn up_to_v9_a_page_is_mlocked_before_its_grab_fails() {
    let mut follow = op(GD_OP_FOLLOW_TRANS_HUGE_PMD, 0, PIN, 3);
    follow.arg = 1;
    let calls = [GD_C_MLOCK_VMA_PAGE, GD_C_FOLIO_UNLOCK].map(|c| format!("call {c}"));
    let warn = "try_grab_page WARN#1".to_owned();
    let events = |side: &str, count| one(side, 4, count, follow).events;
    let [mlock, unlock] = calls.clone();
    assert_eq!(events("v9", 0), [mlock, unlock, warn.clone()]);
    for side in ["v10", "v11"] {
        assert_eq!(events(side, 0), std::slice::from_ref(&warn), "{side}");
    }
    for side in ["v8", "v9", "v10", "v11"] {
        assert_eq!(events(side, 1), calls, "{side}");
    }
}

#[test]
fn what_is_recorded_is_in_the_entries() {
    let entries = |seen: &Seen| seen.entries.iter().map(|e| e.1).collect::<Vec<_>>();
    for side in ["v8", "v9", "v11"] {
        // no further than the compound page
        let seen = one(side, 3, 1, op(GD_OP_FOLLOW_HUGETLB_PAGE, 100, GET, 5));
        assert_eq!(seen.ret, (GD_RET_INT, 3), "{side}");
        assert_eq!(entries(&seen), [5, 6, 7], "{side}");
        assert_eq!(seen.refs, [(0, 4)], "{side}");

        let seen = one(side, 3, 1, op(GD_OP_GUP_HUGE_PMD, 2, PIN, 1));
        assert_eq!(seen.ret, (GD_RET_INT, 1), "{side}");
        assert_eq!(entries(&seen), [1, 2], "{side}");
        assert_eq!((seen.refs, seen.pins), (vec![(0, 2049)], Some((2, 0))));

        // an entry that changed: what was taken is given back, but not uncounted
        let mut changed = op(GD_OP_GUP_HUGE_PMD, 2, PIN, 1);
        changed.arg = 1;
        let seen = one(side, 3, 1, changed);
        assert_eq!((seen.ret.1, entries(&seen)), (0, vec![]), "{side}");
        assert_eq!((seen.refs, seen.pins), (vec![], Some((2, 0))), "{side}");
    }
}

#[test]
fn the_device_walk_undoes_what_it_recorded() {
    let walk = |side, fails| {
        let mut op = op(GD_OP_GUP_DEVICE_HUGE, 3, GET, 1);
        op.arg = fails;
        one(side, 3, 1, op)
    };
    for side in ["v8", "v9", "v10", "v11"] {
        let seen = walk(side, 0);
        assert_eq!(seen.entries, [(0, 1), (1, 2), (2, 3)], "{side}");
        assert_eq!((seen.ret, seen.refs), ((GD_RET_INT, 1), vec![(0, 4)]));
        let seen = walk(side, 3);
        assert_eq!((seen.ret, seen.entries), ((GD_RET_INT, 0), vec![]));
        assert_eq!(seen.refs, [], "{side}: and Referenced is cleared again");
    }
    // the page whose grab fails keeps its Referenced
    let seen = one("v9", 0, 1, op(GD_OP_GUP_DEVICE_HUGE, 2, GET, 0));
    assert_eq!(seen.events, ["try_get_page WARN#0"]);
    assert_eq!(seen.refs, [(1, 0)]);
    // v8 does not look
    let seen = one("v8-nodebug", 0, 1, op(GD_OP_GUP_DEVICE_HUGE, 2, GET, 0));
    assert_eq!(seen.refs, [(0, 2), (1, 1)]);
}

#[test]
fn a_managed_device_page_is_the_drivers_at_one_and_freed_at_zero() {
    for side in ["v8", "v11"] {
        let unpin = |count, key: bool| {
            let mut p = program(&[folio(0, count)], &[op(GD_OP_UNPIN_USER_PAGE, 0, 0, 0)]);
            p.folio[0].kind = GD_K_DEV_FSDAX as u8;
            p.world.state = if key { GD_W_DEVMAP_KEY as u8 } else { 0 };
            last(&mut open(&kernel(side)), &p).events
        };
        assert_eq!(
            unpin(1025, true),
            [format!("call {GD_C_FREE_DEVMAP_MANAGED}")]
        );
        assert_eq!(unpin(1024, true), [format!("call {GD_C_FOLIO_PUT}")]);
        assert_eq!(unpin(1025, false), [""; 0]);
        assert_eq!(unpin(1024, false), [format!("call {GD_C_FOLIO_PUT}")]);
    }
}

#[test]
fn the_wrappers_check_their_flags() {
    let raw = |flags: u32, id| {
        let mut op = op(id, 0, flags, NULL);
        op.mods = GD_MOD_RAW as u8;
        op
    };
    for side in ["v8", "v11"] {
        let seen = one(side, 0, 1, op(GD_OP_CHECK_PIN_USER_PAGES, 0, GET, NULL));
        assert_eq!(seen.events, ["pin_user_pages WARN#0"]);
        assert_eq!(seen.ret, (GD_RET_INT, EINVAL));
        let seen = one(
            side,
            0,
            1,
            raw(0x8000_0001, GD_OP_CHECK_PIN_USER_PAGES_FAST),
        );
        assert_eq!(seen.ret, (GD_RET_INT, 0x8004_0001));
        let mut remote = op(GD_OP_CHECK_PIN_USER_PAGES_REMOTE, 0, LONGTERM, NULL);
        assert_eq!(one(side, 0, 1, remote).ret, (GD_RET_INT, 0x5_0000));
        remote.arg = 1;
        let seen = one(side, 0, 1, remote);
        assert_eq!(seen.events, ["pin_user_pages_remote WARN#1"]);
        assert_eq!(seen.ret, (GD_RET_INT, EINVAL));
        let seen = one(side, 0, 1, op(GD_OP_CHECK_GET_USER_PAGES, 0, PIN, NULL));
        assert_eq!(seen.events, ["get_user_pages WARN#0"]);
    }
}

#[test]
fn a_warning_that_can_never_fire_is_a_site() {
    let has = |side, func: &str, ordinal| {
        kernel(side)
            .sites()
            .iter()
            .any(|s| s.func == func && s.kind == SiteKind::Warn && s.ordinal == ordinal)
    };
    assert!(has("v8", "grab_page", 0));
    assert!(has("v8-nodebug", "grab_page", 0));
    for side in ["v9", "v10", "v11"] {
        assert!(has(side, "try_grab_page", 0), "{side}");
        assert!(has(side, "try_grab_page", 1), "{side}");
        assert!(!has(side, "try_grab_page", 2), "{side}");
    }
    let place = &kernel("v8").sites()[0].file;
    assert!(place.starts_with("csrc/series/"), "{place}");
}
