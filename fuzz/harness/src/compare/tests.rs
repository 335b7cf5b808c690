// SPDX-License-Identifier: GPL-2.0
//! Comparison of honest traces with changed ones.

use super::*;
use crate::ops::Rev;
use crate::program::text;
use crate::side::{self, Side};

const SAME: RevisionPair = RevisionPair {
    left: Rev::V6_1,
    right: Rev::V6_1,
};

/// Compares a program's trace with the same trace after a change.
fn changed(source: &str, change: impl FnOnce(&mut Vec<gd_rec>)) -> Outcome {
    let program = text::parse(source).unwrap();
    let mut side: Box<dyn Side> = side::open("rust:6.1").unwrap().unwrap();
    let mut left = Trace::new();
    side.run(&program, &mut left);
    let mut right = left.clone();
    change(right.records_mut());
    let outcome = compare(&program.0, &left, &right, SAME, &mut Accepted::default());
    assert_eq!(equal(&left, &right), outcome == Outcome::Match);
    outcome
}

fn divergence(source: &str, change: impl FnOnce(&mut Vec<gd_rec>)) -> Divergence {
    match changed(source, change) {
        Outcome::Differ(divergence) => divergence,
        other => panic!("{other:?}"),
    }
}

fn at(recs: &[gd_rec], kind: u32) -> usize {
    recs.iter().position(|r| u32::from(r.kind) == kind).unwrap()
}

const TWO: &str = "page p\nget_page p\ntry_grab_page p PIN";

#[test]
fn equal_traces_match() {
    assert_eq!(changed(TWO, |_| ()), Outcome::Match);
}

#[test]
fn a_page_that_only_one_side_changed_differs_in_a_field() {
    let d = divergence(TWO, |r| {
        r.remove(at(r, abi::GD_R_PAGE));
    });
    assert_eq!((d.op_index, d.field), (0, Field::Refcount));
    assert_eq!((d.left, d.right), (Value::Count(2), Value::Count(1)));
}

#[test]
fn a_missing_warning_is_named_by_its_site() {
    let source = "page p ref=0\ntry_grab_page p PIN";
    let d = divergence(source, |r| {
        r.remove(at(r, abi::GD_R_WARN));
    });
    assert_eq!((d.field, d.right), (Field::Warn, Value::Nothing));
    assert!(matches!(d.class.detail, Detail::Site(_)));
    let other = divergence(source, |r| r[0].c = 9999);
    assert_eq!(other.class.detail, d.class.detail);
}

#[test]
fn an_extra_event_does_not_hide_behind_the_next_one() {
    let source = "page p\nput_page p";
    let d = divergence(source, |r| {
        let warn = gd_rec {
            kind: abi::GD_R_WARN as u8,
            a: 0,
            b: 0,
            c: 1,
            d: 0,
        };
        r.insert(0, warn);
    });
    assert_eq!((d.field, d.left), (Field::Warn, Value::Nothing));
}

#[test]
fn counters_and_results_are_told_apart() {
    let d = divergence(TWO, |r| {
        let i = at(r, abi::GD_R_STATE);
        r[i].d = 2;
    });
    assert_eq!((d.op_index, d.field), (1, Field::Acquired));
    let d = divergence(TWO, |r| {
        let last = r.len() - 2;
        r[last].d = -12i64 as u64;
    });
    assert_eq!((d.op_index, d.field), (1, Field::Ret));
}

#[test]
fn a_change_after_the_last_operation_is_a_stray_one() {
    let d = divergence(TWO, |r| {
        let mut state = PageState::from_rec(&r[at(r, abi::GD_R_PAGE)]);
        state.refcount = 77;
        r.insert(r.len() - 1, state.to_rec());
    });
    assert_eq!((d.op_index, d.field), (2, Field::Stray));
}

#[test]
fn an_operation_that_one_side_lacks_is_no_divergence() {
    let outcome = changed(TWO, |r| {
        let i = at(r, abi::GD_R_RET);
        r[i].a = abi::GD_RET_ABSENT as u8;
    });
    assert_eq!(outcome, Outcome::Absent { op_index: 0 });
}

#[test]
fn a_gap_is_never_a_match() {
    let gap = |r: &mut Vec<gd_rec>| {
        let rec = gd_rec {
            kind: abi::GD_R_GAP as u8,
            a: 0,
            b: 0,
            c: 3,
            d: 0,
        };
        r.insert(0, rec);
    };
    let expected = Outcome::Gap {
        left: false,
        name: 3,
    };
    assert_eq!(changed(TWO, gap), expected);
}

#[test]
fn a_trace_that_ends_early_is_seen() {
    let d = divergence(TWO, |r| {
        let i = at(r, abi::GD_R_RET);
        r.truncate(i + 1);
    });
    assert_eq!((d.op_index, d.field), (1, Field::Shape));
}

/// An operation with an action, which is carried out or not, and an ask before
/// that.
fn scripted(done: bool, asked: u32) -> (crate::program::Program, Trace) {
    use crate::program::{NO_ACT, NO_OP, Program};
    use csrc::abi::{gd_act, gd_op};
    let mut program = Program::EMPTY;
    let op = |id: u32| gd_op {
        op: id as u8,
        ..NO_OP
    };
    program.push_op(gd_op {
        n: 1,
        ..op(abi::GD_OP_GET_USER_PAGES_FAST)
    });
    program.push_act(gd_act {
        hook: abi::GD_HOOK_READ_SEQ as u8,
        nth: 1,
        op: op(abi::GD_OP_SET_SEQ),
        ..NO_ACT
    });
    let rec = |kind: u32, a: u32, b: u16, d: u64| gd_rec {
        kind: kind as u8,
        a: a as u8,
        b,
        c: 0,
        d,
    };
    let mut trace = Trace::new();
    let recs = trace.records_mut();
    recs.push(rec(abi::GD_R_ASK, asked, 0, 0));
    recs.extend(done.then(|| rec(abi::GD_R_ACT, 0, 0, 0)));
    recs.push(rec(abi::GD_R_RET, abi::GD_RET_INT, 0, 0));
    recs.push(rec(abi::GD_R_END, abi::GD_END_DONE, 1, 0));
    (program, trace)
}

fn difference(left: (bool, u32), right: (bool, u32)) -> Divergence {
    let (program, left) = scripted(left.0, left.1);
    let (_, right) = scripted(right.0, right.1);
    match compare(&program.0, &left, &right, SAME, &mut Accepted::default()) {
        Outcome::Differ(divergence) => divergence,
        other => panic!("{other:?}"),
    }
}

const LOCK: u32 = abi::GD_A_MMAP_LOCK;

#[test]
fn an_action_on_one_side_only_is_an_interleaving() {
    let d = difference((true, LOCK), (false, LOCK));
    assert_eq!((d.op_index, d.field), (0, Field::Interleaving));
    assert_eq!((d.left, d.right), (Value::Act(0), Value::Nothing));
    let hook = Detail::Hook(abi::GD_HOOK_READ_SEQ as u8);
    assert_eq!(d.class.detail, hook);
    assert_eq!(d.class.op, Some(abi::GD_OP_GET_USER_PAGES_FAST as u8));
}

#[test]
fn asks_are_told_apart_by_their_kind() {
    let d = difference((true, LOCK), (true, abi::GD_A_PAGEMAP_PUT));
    assert_eq!((d.op_index, d.field), (0, Field::Ask));
    assert_eq!(d.class.detail, Detail::Ask(LOCK as u8));
    assert_eq!(
        d.left,
        Value::Ask(Ask::MmapLock {
            mm: 0,
            killable: false
        })
    );
}
