// SPDX-License-Identifier: GPL-2.0
//! Seeds and regressions show what they say, on every side that they are about.

use std::path::Path;

use gup_sides::tree::{tested_names, tested_sides};
use harness::expect::{Releases, Unmet};
use harness::explain::Rules;
use harness::input::{self, Input};
use harness::oracle::Oracle;
use harness::side::{self, Pair};

fn shipped(folder: &str) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(folder);
    let files = input::files(&[folder]).unwrap();
    let inputs = files.iter().map(|file| input::read(file).unwrap());
    inputs.collect()
}

/// What is not met on a side.
fn unmet(oracle: &mut Oracle, input: &Input) -> Vec<Unmet> {
    oracle.judge(&input.program);
    let info = oracle.pair().left.info();
    input
        .expectations
        .unmet(&input.program, oracle.left_trace(), info)
}

/// Whether tests have a C side that is one of these releases.
fn has_c_side(releases: &Releases) -> bool {
    let is_of = |name: &str| {
        let info = side::describe(&format!("c:{name}")).unwrap().unwrap();
        info.rev == releases.rev && releases.points.contains(&info.point)
    };
    releases.rev.is_series() || tested_names().any(is_of)
}

#[test]
fn seeds_and_regressions_show_what_they_say() {
    let inputs = [shipped("seeds"), shipped("regressions")].concat();
    let mut wrong = Vec::new();
    let list = |input: &Input| vec![0usize; input.expectations.list.len()];
    let mut held: Vec<_> = inputs.iter().map(list).collect();
    for info in side::list() {
        // a kernel of the table, or rules, of some point release
        let counterpart = info.counterpart.as_deref().unwrap_or_default();
        let rules = counterpart.strip_prefix("rust:").and_then(Rules::by_name);
        let is_known = info.name.starts_with("rust:")
            || info.rev.is_series()
            || rules.is_some() && tested_sides().any(|name| name == info.name[2..]);
        let is_usual = !info.is_configured_otherwise();
        if !is_known || !is_usual || info.name.starts_with("live:") {
            continue;
        }
        let mut oracle = Oracle::new(Pair::open(&info.name, "none").unwrap());
        for (input, held) in inputs.iter().zip(&mut held) {
            if input.expectations.concern(&info) {
                for (expected, held) in input.expectations.list.iter().zip(held) {
                    *held += usize::from(expected.condition.holds(&info));
                }
            }
            let unmet = unmet(&mut oracle, input);
            wrong.extend(
                unmet
                    .iter()
                    .map(|u| format!("{}:{}: {u}", input.name, u.line)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (input, held) in inputs.iter().zip(held) {
        assert!(!held.is_empty(), "{} expects nothing", input.name);
        // each on a C side and a Rust side at least, if it is about a kernel that
        // tests run on
        for (expected, held) in input.expectations.list.iter().zip(held) {
            let (name, line) = (&input.name, expected.line);
            let releases = &expected.condition.releases;
            let is_left_out = !releases.is_empty() && !releases.iter().any(has_c_side);
            let wanted = if is_left_out { 1 } else { 2 };
            assert!(held >= wanted, "{name}:{line}: is held on {held} sides");
        }
    }
}

fn said(text: &str) -> Vec<String> {
    let mut inputs = input::parse(Path::new("a.gup"), text.as_bytes()).unwrap();
    let mut oracle = Oracle::new(Pair::open("rust:6.1", "none").unwrap());
    let unmet = unmet(&mut oracle, &inputs.remove(0));
    unmet.iter().map(|u| format!("{}: {u}", u.line)).collect()
}

const PROGRAM: &str = "page h order=1 ref=1 pin=0\npage p ref=0\n\
    try_grab_page h+1 PIN\n\
    expect result 0\nexpect refcount h 2\nexpect pincount h 1\nexpect pinned h\n\
    expect tail h+1\nexpect not tail h\nexpect acquired 1\nexpect released 0\n\
    expect irqs\nexpect not has_pinned\nexpect not WARN\nexpect not flag h dirty\n\
    try_grab_page p GET\n\
    expect WARN try_grab_page\nexpect WARN try_grab_page#1\nexpect not BUG\n\
    expect result -ENOMEM\nexpect result -12\n\
    try_grab_folio h+1 refs=2 PIN\n  \
    | before ref h: set_ref h 0\n\
    expect action 1\nexpect result NULL\nexpect refcount h 0\n\
    get_user_pages_fast 0x1000 n=1\n\
    expect call slow_path\nexpect not call mmap_read_lock\n";

#[test]
fn what_is_shown_is_met() {
    assert_eq!(said(PROGRAM), Vec::<String>::new());
}

#[test]
fn what_is_not_shown_is_told_with_what_there_is() {
    for (right, wrong, expected) in [
        (
            "result 0",
            "result -EFAULT",
            "rust:6.1: expected result -EFAULT; it is 0",
        ),
        (
            "refcount h 2",
            "refcount h 3",
            "rust:6.1: expected refcount h 3; it is 2",
        ),
        (
            "acquired 1",
            "acquired 2",
            "rust:6.1: expected acquired 2; it is 1",
        ),
        (
            "expect pinned h",
            "expect not pinned h",
            "rust:6.1: expected not pinned h; it is",
        ),
        (
            "not BUG",
            "BUG",
            "rust:6.1: expected BUG; it did not happen",
        ),
        (
            "page#1",
            "page#0",
            "rust:6.1: expected WARN try_grab_page#0; it did not happen",
        ),
        (
            "call slow_path",
            "call gup",
            "rust:6.1: expected call gup; it did not happen",
        ),
    ] {
        let text = PROGRAM.replacen(right, wrong, 1);
        assert_ne!(text, PROGRAM, "{right}");
        let said = said(&text);
        let line = 1 + PROGRAM
            .lines()
            .position(|line| line.contains(right))
            .unwrap();
        assert_eq!(said, [format!("{line}: {expected}")], "{wrong}");
    }
}

#[test]
fn conditions_say_where_something_is_expected() {
    let text =
        |condition: &str| format!("page p ref=1\nget_page p\nexpect {condition}refcount p 7\n");
    for (condition, lines) in [
        ("", 1),
        ("6.1: ", 1),
        ("6.12: ", 0),
        ("6.1 6.12 debug: ", 1),
        ("nodebug: ", 0),
        ("6.1.5-: ", 1),
        ("6.1.5+ 6.12.118-: ", 0),
    ] {
        assert_eq!(said(&text(condition)).len(), lines, "{condition}");
    }
    let on = |revisions: &str| said(&format!("on {revisions}\n{}", text(""))).len();
    assert_eq!((on("6.1"), on("6.12"), on("v8 6.1")), (1, 0, 1));
}

#[test]
fn an_operation_that_is_not_reached_shows_nothing() {
    let text = "page p ref=1\nunpin_user_page NULL\nget_page p\nexpect refcount p 2\n";
    let said = said(text);
    assert_eq!(
        said,
        ["4: rust:6.1: expected refcount p 2; the operation is not reached"]
    );
}

#[test]
fn mistakes_are_placed_at_the_word() {
    for (line, expected) in [
        ("expect", "7: expected result,"),
        ("expect refcont p 1", "8: expected result,"),
        ("expect refcount q 1", "17: expected a page, found `q`"),
        ("expect refcount p", "18: expected a number"),
        (
            "expect flag p drity",
            "15: expected a page flag, like dirty, found `drity`; did you",
        ),
        (
            "expect 6.x: irqs",
            "8: expected a revision like 6.1 or 6.12.118+, debug or nodebug, found `6.x`",
        ),
        (
            "expect irqs p",
            "13: expected the end of the line, found `p`",
        ),
    ] {
        let text = format!("page p\nget_page p\n{line}\n");
        let error = harness::program::text::parse(&text)
            .unwrap_err()
            .to_string();
        let message = error.strip_prefix("3:").unwrap_or(&error);
        assert!(message.starts_with(expected), "{line}: {error}");
    }
    let early = harness::program::text::parse("page p\nexpect irqs\n").unwrap_err();
    assert!(
        early.to_string().contains("follow the operation"),
        "{early}"
    );
}
