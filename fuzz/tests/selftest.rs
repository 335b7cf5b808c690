// SPDX-License-Identifier: GPL-2.0
//! Findings on user mappings as selftests: what they say, what has no form in C, and that
//! they compile with nothing but the C library.  That they fail and pass where they should
//! is `make reproducers`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::{fs, iter};

use harness::input;
use harness::oracle::Oracle;
use harness::program::{Program, walk};
use harness::report::c::{self, Unsayable};
use harness::report::{Origin, Report, selftest};
use harness::rev::Rev;
use harness::side::rust::RustSide;
use harness::side::{Pair, Side};
use harness::trace::Trace;

/// The test of what a program shows.
fn test_of(left: &str, right: &str, source: &str) -> Result<String, Unsayable> {
    let mut oracle = Oracle::new(Pair::open(left, right).unwrap());
    let program = program(source);
    let verdict = oracle.judge(&program);
    let origin = Origin {
        make: None,
        named: false,
    };
    let report = Report::new(&oracle, &program, &verdict, None, &origin);
    assert!(report.is_finding(), "{left} and {right} agree");
    c::test(&mut oracle, &program, &report)
}

fn program(source: &str) -> Program {
    let path = Path::new("found.gup");
    input::parse(path, source.as_bytes()).unwrap()[0].program
}

/// A pin for reading of a page that a fork shares: it is unshared since 5.19.
const SHARED: &str = "names 6.1\npage s ref=2 anon\nset_vma 0 0x10000000 anon read write \
                      mayread maywrite\nset_pte 0x10000000 s\n\
                      pin_user_pages_remote 0x10000000 locked=1 n=1\n";

#[test]
fn a_finding_on_a_mapping_is_a_selftest() {
    let text = test_of("rust:6.1", "rust:5.10", SHARED);
    insta::assert_snapshot!("selftest", text.unwrap());
}

/// The lines of a test between two words.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let text = &text[text.find(from).unwrap()..];
    &text[..text.find(to).unwrap()]
}

#[test]
fn what_is_seen_through_a_pin_is_checked() {
    // a long-term pin of a private mapping ends the sharing with the file since 6.2
    let text = test_of(
        "rust:6.1",
        "rust:6.12",
        "names 6.1\npage s ref=2 shmem\nset_vma 0 0x10000000 shmem read write mayread maywrite\n\
         set_pte 0x10000000 s\npin_user_pages 0x10000000 n=1 LONGTERM\n",
    );
    let text = text.unwrap();
    assert!(
        text.contains("PIN_LONGTERM_TEST_START of gup_test uses"),
        "{text}"
    );
    // it is held against 6.1: the pin stays on the page of the file
    let test = part(&text, "static void test(", "int main(");
    assert!(test.contains("fill(0, 'A');"), "{test}");
    assert!(test.contains("is_all(buffer + 0 * PAGE, 'a')"), "{test}");
}

#[test]
fn what_a_process_cannot_do_is_refused_with_the_reason() {
    let why = |call: &str, vma: &str, pte: &str| {
        let source = SHARED.replace("pin_user_pages_remote 0x10000000 locked=1 n=1", call);
        let source = source.replace("anon read write mayread", &format!("{vma} mayread"));
        let source = source.replace("set_pte 0x10000000 s", pte);
        test_of("rust:6.1", "rust:5.10", &source)
            .unwrap_err()
            .to_string()
    };
    let pin = "pin_user_pages_remote 0x10000000 locked=1 n=1";
    let pte = "set_pte 0x10000000 s";
    assert_eq!(
        why(pin, "fsdax read write", pte),
        "a process cannot map a VMA that is fsdax"
    );
    assert_eq!(
        why("pin_user_pages 0x10000000 n=1", "anon read write", pte),
        "that kernel's gup_test does not have the call"
    );
    assert_eq!(
        why(
            "fixup_user_fault 0x10000000 locked=1\npin_user_pages_fast_only 0x10000000 n=1",
            "anon read write",
            pte
        ),
        "no system call leads to pin_user_pages_fast_only() with arguments of its caller"
    );
}

#[test]
fn what_user_space_does_not_see_is_refused() {
    // a hint for NUMA balancing, which a process cannot bring about
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/seeds/slow-protnone.gup");
    let seed = fs::read_to_string(seed).unwrap();
    let why = test_of("rust:6.12", "rust:6.1", &seed).unwrap_err();
    assert_eq!(
        why.to_string(),
        "user space cannot tell the sides apart, where the entry of page 0 is present"
    );
}

/// Tests of what calls do on one side, of each call of a corpus; and why the others have
/// none.
fn corpus(side: &str, files: &[&str]) -> (BTreeSet<String>, usize, BTreeMap<String, usize>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let files: Vec<_> = files.iter().map(|file| root.join(file)).collect();
    let mut side = RustSide::open(side).unwrap();
    let rev: Rev = side.info().rev;
    let mut run = |program: &Program| {
        let mut trace = Trace::new();
        side.run(program, &mut trace);
        trace
    };
    let (mut tests, mut written, mut refused) = (BTreeSet::new(), 0, BTreeMap::new());
    for program in input::programs(&files).unwrap() {
        let calls = program.ops().iter().enumerate();
        let calls = calls.filter(|(_, op)| walk::comes_to_slow_path(op.op, true));
        for (index, _) in calls.take(1) {
            match selftest::code(&program, index, rev, &mut run) {
                Ok(text) => {
                    written += 1;
                    tests.insert(text);
                }
                Err(why) => {
                    let why = match why {
                        Unsayable::Page(_) => "a page is not of ordinary memory".into(),
                        why => why.to_string(),
                    };
                    *refused.entry(why).or_default() += 1;
                }
            }
        }
    }
    (tests, written, refused)
}

#[test]
fn many_calls_of_the_corpus_can_be_made_from_user_space() {
    for side in ["rust:6.1", "rust:6.12", "rust:7.3"] {
        let (_, written, refused) = corpus(side, &["slow.gup"]);
        let all = written + refused.values().sum::<usize>();
        println!("{side}: {written} of {all}; {refused:#?}");
        assert!(
            2 * written > all,
            "{side}: {written} of {all}; {refused:#?}"
        );
    }
}

#[test]
fn tests_compile_without_warnings() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["seeds", "regressions"];
    let sides = ["rust:6.1", "rust:6.12"];
    let mut tests: BTreeSet<String> = sides
        .iter()
        .flat_map(|side| corpus(side, &files).0)
        .collect();
    // one of each shape
    let (more, ..) = corpus("rust:6.12", &["slow.gup"]);
    let shape = |text: &String| {
        let functions = text.matches("\nstatic ").count();
        (functions, text.matches("check(").count())
    };
    let shapes: BTreeMap<_, String> = more.into_iter().map(|text| (shape(&text), text)).collect();
    tests.extend(shapes.into_values());
    let names: Vec<_> = (0..tests.len())
        .map(|i| dir.path().join(format!("{i}.c")))
        .collect();
    for (name, text) in iter::zip(&names, &tests) {
        fs::write(name, text).unwrap();
    }
    let output = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
        .args(&names)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(tests.len() > 20, "{}", tests.len());
}
