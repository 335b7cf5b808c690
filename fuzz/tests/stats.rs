// SPDX-License-Identifier: GPL-2.0
//! Statistics of the lockless layer: actions are counted by themselves, and are no
//! operations.

use crate::made::*;
use csrc::abi;
use harness::layer::Focus;
use harness::oracle::Verdict;
use harness::stats::{Actions, Counter, Stats};

/// Two walks: in the first one of two hook points is reached, and the slow path
/// answers two pages.
fn counted() -> Stats {
    let made = Made::new().set(pte(0x1000, P, RW));
    let p = made.page(P, 0);
    let [ask, nr] = slow(0x1000, 1, 0);
    let made = made
        .op(
            get(0x1000, 1, 0),
            [ask, nr, act(0), entry(0, abi::GD_NOWHERE), int(1)],
        )
        .script(answer(2, abi::GD_HOOK_SLOW))
        .script(meanwhile(set_ref(P, 3)))
        .op(
            pin(0x1000, 1, 0),
            [accessible(p), state(PINNED, 1, 1), int(-14)],
        )
        .end();
    let mut counter = Counter::new("c:6.1").of_layer(Focus::All);
    counter.count_in_full(&made.program, &made.trace, &Verdict::Match);
    counter.take()
}

#[test]
fn hook_points_and_actions_are_counted() {
    let lockless = counted().lockless;
    let one = |done| Actions { scripted: 1, done };
    assert_eq!(lockless.hooks["at slow_path"], one(1));
    assert_eq!(lockless.hooks["before read pte"], one(0));
    assert_eq!(lockless.hooks.len(), 2);
    assert_eq!(lockless.actions["answer"], one(1));
    assert_eq!(lockless.actions["set-ref"], one(0));
    assert_eq!(lockless.slow["pages"], 1);
    assert_eq!(lockless.backed_out, 1);
}

#[test]
fn an_action_is_no_operation_of_its_own() {
    let stats = counted();
    assert_eq!(stats.executed.keys().copied().collect::<Vec<_>>(), [3]);
    assert_eq!(stats.median_of_16(), 16);
    assert!(!stats.ops.contains_key("set-ref") && !stats.ops.contains_key("answer"));
    assert_eq!(stats.ops["set-pte"].uses, 1);
    assert_eq!(stats.ops["get-user-pages-fast"].succeeded, 1);
    assert_eq!(stats.ops["pin-user-pages-fast"].failed, 1);
}

#[test]
fn a_stop_is_the_operations() {
    let made = Made::new();
    let made = made.op(get(0x1000, 1, 0), [act(0), ret(abi::GD_RET_STOPPED, 0)]);
    let mut made = made.script(at(set_ref(P, 3), abi::GD_HOOK_BEFORE_REF));
    let end = rec(abi::GD_R_END, abi::GD_END_OOPS, 1, 0, 0);
    made.trace.records_mut().push(end);
    let mut counter = Counter::new("c:6.1");
    counter.count_in_full(&made.program, &made.trace, &Verdict::Match);
    let stats = counter.take();
    assert_eq!(stats.stops["get-user-pages-fast"], 1);
    assert_eq!(stats.stops.len(), 1);
}

#[test]
fn statistics_add_up_and_are_shown() {
    let mut sum = counted();
    sum.merge(&counted());
    assert_eq!(sum.layer, "all");
    assert_eq!(sum.lockless.slow["pages"], 2);
    let json = serde_json::to_string(&sum).unwrap();
    assert_eq!(serde_json::from_str::<Stats>(&json).unwrap(), sum);
    let text = sum.to_string();
    for line in ["at slow_path", "hook point", "slow path:  pages 2"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn a_layer_is_asked_for_what_is_its_own() {
    let stats = counted();
    let all = stats.check(Focus::All);
    let page = stats.check(Focus::Page);
    let lockless = stats.check(Focus::Lockless);
    let says = |list: &[String], what: &str| list.iter().any(|line| line.contains(what));
    for (what, expected) in [
        ("`before ref` is never reached", [true, false, true]),
        ("set_pte is never done at a hook point", [true, false, true]),
        ("answer is never done", [false, false, false]),
        ("try_get_page is never executed", [true, true, false]),
        ("set_pud is never executed", [true, false, true]),
        (
            "get_user_pages_fast_only is never executed",
            [true, false, true],
        ),
        ("the slow path never answers an errno", [true, false, true]),
    ] {
        let said = [&all, &page, &lockless].map(|list| says(list, what));
        assert_eq!(said, expected, "{what}");
    }
}
