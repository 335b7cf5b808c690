// SPDX-License-Identifier: GPL-2.0
//! What the shipped corpus executes of mm/gup.c, on every kernel that there is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gup_sides::Flavour;
use gup_sides::tree::{default_kernel, tested_names, tested_sides};
use harness::coverage::{Counted, Covered, GUP_C, Measured, Share, UNREACHED, reason};
use harness::input;
use harness::program::Program;
use harness::rev::Rev;
use harness::side::Side;
use harness::side::c::CSide;
use harness::stats::Stats;
use harness::trace::{Record, Trace};

/// Of the lines of mm/gup.c.
const LEAST: f64 = 90.0;

fn corpus() -> Vec<Program> {
    let corpus = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus"));
    input::programs(&[corpus]).unwrap()
}

fn open(name: &str) -> Covered {
    Covered::open(&format!("c:{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn program(text: &str) -> Program {
    harness::program::text::read(text).unwrap().0
}

/// Where a function's code is, as a set of lines that were executed.
fn executed(side: &mut Covered, program: &Program) -> Vec<(String, String, u32)> {
    let set = side.run(program);
    let line = |line: &harness::coverage::Line| {
        (line.file.to_string(), line.function.to_string(), line.line)
    };
    side.get(&set).map(line).collect()
}

/// In full, or with the reason.
fn complaints(measured: &Measured, rev: Rev) -> Vec<String> {
    let mut complaints = Vec::new();
    for function in measured.functions(GUP_C) {
        let (name, missing) = (&function.name, function.ranges());
        match (function.share.is_full(), reason(name, rev)) {
            (false, None) => {
                complaints.push(format!("{name}: not executed, and no reason: {missing}"))
            }
            (true, Some(reason)) => {
                complaints.push(format!("{name} is executed in full, although: {reason}"));
            }
            _ => {}
        }
    }
    complaints
}

#[test]
fn the_shipped_corpus_executes_gup_c_but_for_what_has_a_reason() {
    let programs = corpus();
    let mut complaints_of = Vec::new();
    for name in tested_names() {
        let mut side = open(name);
        let measured = side.measure(&programs);
        let share: Share = measured.files()[GUP_C];
        assert!(share.lines > 500, "{name}: {share} lines of {GUP_C} only");
        assert!(share.percent() > LEAST, "{name}: {share}");
        let complaints = complaints(&measured, side.info().rev);
        complaints_of.extend(complaints.iter().map(|what| format!("{name}: {what}")));
    }
    assert!(complaints_of.is_empty(), "{complaints_of:#?}");
}

#[test]
fn every_reason_is_about_a_function_of_that_kernel() {
    for name in tested_names() {
        let side = open(name);
        let rev = side.info().rev;
        let has = |function: &str| side.lines().iter().any(|line| *line.function == *function);
        let stale: Vec<_> = UNREACHED
            .iter()
            .filter(|u| (u.revisions.0..=u.revisions.1).contains(&rev) && !has(u.function))
            .map(|u| u.function)
            .collect();
        assert!(stale.is_empty(), "{name} has no {stale:?}");
    }
}

/// The WARNs and BUGs that programs hit on a side.
fn hit(side: &mut dyn Side, programs: &[Program]) -> BTreeSet<String> {
    let mut trace = Trace::default();
    let mut hit = BTreeSet::new();
    for program in programs {
        side.run(program, &mut trace);
        for rec in trace.records() {
            if let Record::Warn(site) | Record::Bug(site) = Record::from(rec) {
                hit.insert(site.to_string());
            }
        }
    }
    hit
}

#[test]
fn the_shipped_corpus_hits_every_covered_site_but_for_those_that_have_a_reason() {
    let programs = corpus();
    let mut complaints = Vec::new();
    for name in tested_sides() {
        let mut side = CSide::open(&name).unwrap().unwrap();
        let counterpart = side.info().counterpart.clone().unwrap();
        let rust = harness::side::open(&counterpart).unwrap().unwrap();
        let covered: BTreeSet<_> = rust.sites().iter().map(|s| s.id.to_string()).collect();
        let hit = hit(&mut side, &programs);
        for site in side.sites().iter().map(|placed| placed.id.to_string()) {
            match (hit.contains(&site), Stats::unreachable(&site, side.info())) {
                (false, None) if covered.contains(&site) => {
                    complaints.push(format!("{name}: {site}: never hit, and no reason"));
                }
                (true, Some(reason)) => {
                    complaints.push(format!("{name}: {site} is hit, although: {reason}"));
                }
                _ => {}
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a_program_executes_its_own_lines_and_its_prefix_fewer() {
    let name = tested_names().next().unwrap();
    let mut side = open(name);
    let both = program("page p ref=1\nget_page p\nunpin_user_page p\n");
    let whole = side.run(&both);
    let first = side.run_prefix(&both, 1);
    assert!(!first.is_empty() && whole.without(&first).len() < whole.len());
    assert!(first.without(&whole).is_empty());
    let more = whole.without(&first);
    let functions: Vec<_> = side.get(&more).map(|line| &*line.function).collect();
    assert!(functions.contains(&"unpin_user_page"), "{functions:?}");
    assert!(!functions.contains(&"get_page"), "{functions:?}");
    // nothing is left of the run before
    assert_eq!(side.run(&both), whole);
    assert!(side.run(&program("page p ref=1\n")).is_empty());
}

#[test]
fn an_inline_of_a_header_is_of_its_own_file() {
    let mut side = open(tested_names().next().unwrap());
    let lines = executed(&mut side, &program("page p ref=1\nget_page p\n"));
    let get_page = lines
        .iter()
        .filter(|(_, function, _)| function == "get_page");
    let files: Vec<_> = get_page.map(|(file, ..)| file.as_str()).collect();
    assert!(!files.is_empty());
    assert!(
        files.iter().all(|file| *file == "include/linux/mm.h"),
        "{files:?}"
    );
    assert!(
        lines.iter().all(|(file, ..)| !file.contains("shim")),
        "{lines:?}"
    );
}

#[test]
fn what_a_bug_and_a_fault_ended_has_been_executed() {
    for name in tested_names() {
        let mut side = open(name);
        // the page is no reference's: a BUG or a WARN there
        let stopped = program("page p ref=0\nget_page p\nget_page NULL\n");
        let lines = executed(&mut side, &stopped);
        assert!(
            lines.iter().any(|(_, f, _)| f == "get_page"),
            "{name}: {lines:?}"
        );
        let fault = program("page p ref=1\nget_page POISON\n");
        let lines = executed(&mut side, &fault);
        assert!(!lines.is_empty(), "{name}: a fault ended it without a line");
    }
}

/// Hook points are counted in loads and atomics: the compiler must leave those alone that
/// other objects have.
#[test]
fn programs_show_the_same_with_coverage() {
    let programs = corpus();
    let name = tested_names().last().unwrap();
    let mut covered = open(name);
    let mut plain = CSide::open(name).unwrap().unwrap();
    let mut trace = Trace::default();
    for (at, program) in programs.iter().enumerate() {
        plain.run(program, &mut trace);
        covered.run(program);
        assert_eq!(
            trace.records().len(),
            covered.trace().records().len(),
            "program {at}"
        );
        assert!(
            trace.as_bytes() == covered.trace().as_bytes(),
            "program {at}"
        );
    }
}

/// As the engines see it, without one.
#[test]
fn edges_are_counted_on_the_object_of_each_engine() {
    let name = format!("c:{}", default_kernel());
    let decl = "page p ref=10000\n";
    let unpin = |times: usize| program(&(decl.to_string() + &"unpin_user_page p\n".repeat(times)));
    for engine in [Flavour::LibFuzzer, Flavour::Afl, Flavour::Honggfuzz] {
        let mut side = Counted::open(&name, engine).unwrap();
        let mut edges = |times| side.run(&unpin(times)).collect::<BTreeSet<_>>();
        let (once, again, often) = (edges(1), edges(1), edges(6));
        assert_eq!(once, again, "{engine:?}");
        let numbers = |edges: &BTreeSet<(usize, u8)>| -> Vec<usize> {
            edges.iter().map(|&(edge, _)| edge).collect()
        };
        assert_eq!(numbers(&once), numbers(&often), "{engine:?}");
        // unpin_user_page() and what it calls
        let counts = |edges: &BTreeSet<(usize, u8)>, class| {
            edges.iter().filter(|&&(_, c)| c == class).count()
        };
        assert!(
            counts(&once, 1) > 1 && counts(&once, 4) == 0,
            "{engine:?}: {once:?}"
        );
        assert_eq!(counts(&often, 4), counts(&once, 1), "{engine:?}: {often:?}");
    }
}
