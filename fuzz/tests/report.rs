// SPDX-License-Identifier: GPL-2.0
//! Reports, reproducers and minimisation, on two sides that are known to
//! differ: the rules of 6.1 with and without CONFIG_DEBUG_VM.

use harness::minimise;
use harness::oracle::{Oracle, Verdict};
use harness::program::generate;
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::program::{Program, text};
use harness::report::{self, Origin};
use harness::side::Pair;
use insta::assert_snapshot;

fn oracle() -> Oracle {
    Oracle::new(Pair::open("rust:6.1", "rust:6.1-nodebug").unwrap())
}

const SOURCE: &str = "
page p ref=1 file
page h order=2 ref=3 pin=1 anon
try_grab_folio h+3 refs=2 PIN
unpin_user_pages_dirty_lock [h+1..h+2, p] dirty
put_page p
";

#[test]
fn a_report_tells_all_there_is_to_tell() {
    let program = text::parse(SOURCE).unwrap();
    let mut oracle = oracle();
    let verdict = oracle.judge(&program);
    let origin = Origin {
        make: Some("KERNEL=6.1 PATCH=p.patch".into()),
        named: false,
    };
    let path = Some("out/findings/x.gup");
    let report = report::report(&oracle, &program, &verdict, path, &origin);
    assert_snapshot!("report", report);
    let reproducer = report::reproducer(&oracle, &program, &verdict, &origin);
    assert_snapshot!("reproducer", reproducer);
    assert_snapshot!("traces", report::traces(&oracle, &program));
}

/// The rules of 6.12 do not hand out pages of files for long.
const WALK: &str = "
page h order=2 ref=1 anon exclusive
page p ref=1 file
set_pte 0x10000000 h n=4 rw dirty
set_pte 0x10004000 p rw dirty
set_pte 0x10005000 swap
pin_user_pages_fast 0x10000000 n=16 WRITE|LONGTERM
  | before read pte@0x10001000 #2: set_flag h dirty
  | at slow_path: answer 2
";

#[test]
fn a_report_on_a_walk_shows_tables_and_the_script() {
    let pair = Pair::open("rust:6.1", "rust:6.12").unwrap();
    let mut oracle = Oracle::new(pair);
    let program = text::parse(WALK).unwrap();
    let verdict = oracle.judge(&program);
    let path = Some("out/findings/x.gup");
    let origin = Origin {
        make: Some(String::new()),
        named: true,
    };
    let report = report::report(&oracle, &program, &verdict, path, &origin);
    assert_snapshot!("walk", report);
    assert_snapshot!("walk-traces", report::traces(&oracle, &program));
    let finding = report::finding(&oracle, &program, &verdict);
    assert_eq!(finding.op_index, Some(3));
    assert_eq!(finding.script.len(), 2);
    assert_eq!(finding.script[1], "| at slow_path: answer 2");
}

#[test]
fn a_reproducer_is_a_program_with_the_same_verdict() {
    let program = text::parse(SOURCE).unwrap();
    let mut oracle = oracle();
    let verdict = oracle.judge(&program);
    let text = report::reproducer(&oracle, &program, &verdict, &Origin::default());
    let again = text::parse(&text).unwrap();
    assert_eq!(again, program);
    assert_eq!(oracle.judge(&again), verdict);
}

/// Random programs on which the sides differ.
fn findings(oracle: &mut Oracle, number: usize) -> Vec<(Program, Verdict)> {
    let profile = Profile::new(oracle.revisions().left);
    let mut rng = Rng::new(7);
    let mut found = Vec::new();
    while found.len() < number {
        let program = generate::program(&mut rng, &profile);
        let verdict = oracle.judge(&program);
        if verdict.finding().is_some() {
            found.push((program, verdict));
        }
    }
    found
}

#[test]
fn what_is_left_of_a_finding_is_small_and_the_same() {
    let mut oracle = oracle();
    for (program, verdict) in findings(&mut oracle, 20) {
        let small = minimise::minimise(&mut oracle, &program, 20_000).unwrap();
        assert_eq!(small.verdict.finding(), verdict.finding());
        assert!(
            small.program.nr_ops() <= 3 && small.program.nr_folios() <= 2,
            "{}",
            text::format(&small.program, oracle.revisions().left)
        );
        let again = minimise::minimise(&mut oracle, &program, 20_000).unwrap();
        assert_eq!(again.program, small.program, "it depends on chance");
    }
}

#[test]
fn minimisation_keeps_to_its_budget() {
    let mut oracle = oracle();
    for (program, verdict) in findings(&mut oracle, 3) {
        let small = minimise::minimise(&mut oracle, &program, 10).unwrap();
        assert!(small.runs <= 10);
        assert_eq!(small.verdict.finding(), verdict.finding());
    }
}

#[test]
fn what_is_no_finding_is_not_minimised() {
    let program = text::parse("page p\nget_page p\n").unwrap();
    assert!(minimise::minimise(&mut oracle(), &program, 100).is_none());
}
