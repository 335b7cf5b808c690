// SPDX-License-Identifier: GPL-2.0
//! Objects of anybody's making: the examples of docs/implementations.md agree with the
//! rules of the kernel that they implement, a mistake in each is found, and one that
//! crashes, hangs or writes no trace ends nothing but the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{err, gupdiff, out, write};
use harness::oracle::{Oracle, Verdict};
use harness::program::generate;
use harness::program::profile::{Focus, Profile};
use harness::program::rng::Rng;
use harness::side::Pair;

fn example(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csrc/abi/examples");
    dir.join(name)
}

/// Builds an example as its first lines say; the side's name.
fn build(dir: &Path, example: &Path, mistake: Option<&str>) -> String {
    let object = dir.join("counts.so");
    let is_c = example.extension().is_some_and(|ext| ext == "c");
    let mut compiler = Command::new(if is_c { "clang-19" } else { "rustc" });
    match is_c {
        true => {
            compiler.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror"]);
            compiler.args(mistake.map(|m| format!("-DMISTAKE_{}", m.to_uppercase())));
        }
        false => {
            compiler.args(["--edition", "2021", "--crate-type", "cdylib", "-O"]);
            compiler.args(["-A", "unexpected_cfgs"]);
            compiler.args(mistake.map(|m| format!("--cfg=mistake_{m}")));
        }
    }
    let done = compiler.arg("-o").arg(&object).arg(example).output();
    let done = done.expect("there is a compiler");
    assert!(done.status.success(), "{}", err(&done));
    format!("so:{}", object.display())
}

/// Programs that match, and those that show a finding, of some that use the side's
/// operations.
fn tried(side: &str) -> (usize, usize) {
    let mut oracle = Oracle::new(Pair::open(side, "rust:6.1-nodebug").unwrap());
    let info = oracle.pair().left.info().clone();
    let profile = Profile::new(info.rev).debug_vm(false).focus(Focus::Page);
    let profile = profile.retain(|op| oracle.pair().has_op(op.id));
    let mut rng = Rng::new(6);
    let (mut matches, mut findings) = (0, 0);
    for _ in 0..5_000 {
        let program = generate::program(&mut rng, &profile);
        match oracle.judge(&program) {
            Verdict::Match => matches += 1,
            verdict if verdict.finding().is_some() => findings += 1,
            _ => {}
        }
    }
    (matches, findings)
}

#[test]
fn the_examples_agree_with_the_kernel_and_a_mistake_in_each_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["counts.c", "counts.rs"] {
        let (matches, findings) = tried(&build(dir.path(), &example(name), None));
        assert_eq!(findings, 0, "{name}");
        assert!(matches > 500, "{name}: {matches} programs match");
        let wrong = build(dir.path(), &example(name), Some("never_freed"));
        assert!(tried(&wrong).1 > 10, "{name}: the mistake is not found");
    }
}

#[test]
fn what_an_object_lacks_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    let side = build(dir.path(), &example("counts.c"), None);
    let text = "page p ref=1\nget_page p\ntry_grab_page p GET\n";
    let path = write(dir.path(), "p.gup", text);
    let run = out(&gupdiff(&["run", "--left", &side, &path]));
    assert!(
        run.contains("absent: not comparable from operation 2"),
        "{run}"
    );
}

/// For an implementation's own tests, where there is no kernel.
#[test]
fn an_object_is_held_against_vectors() {
    let dir = tempfile::tempdir().unwrap();
    let text = "page p ref=1\nget_page p\nput_page p\nput_page p\n---\n\
                page p ref=0\ntry_get_page p\n---\npage p\ntry_grab_page p GET\n";
    let programs = write(dir.path(), "programs.gup", text);
    let file = dir.path().join("6.1.vectors").display().to_string();
    let side = "rust:6.1-nodebug";
    let export = gupdiff(&["vectors", "export", "--side", side, &programs, "-o", &file]);
    assert_eq!(export.status.code(), Some(0), "{}", err(&export));
    let check = |side: &str| {
        let check = gupdiff(&["vectors", "check", side, &file]);
        (check.status.code(), out(&check))
    };
    let (status, said) = check(&build(dir.path(), &example("counts.c"), None));
    assert_eq!(status, Some(0), "{said}");
    let last = "2 match, 0 diverge or break a law, 0 met a gap, 1 not comparable to the end\n";
    assert!(said.ends_with(last), "{said}");
    let wrong = build(dir.path(), &example("counts.c"), Some("never_freed"));
    let (status, said) = check(&wrong);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("at operation 3 (put_page)"), "{said}");
    assert!(said.contains("1 match, 1 diverge"), "{said}");
}

#[test]
fn a_crash_a_hang_and_what_is_no_trace_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let text = "page p ref=2\nget_page p\nput_page p\n";
    let path = write(dir.path(), "p.gup", text);
    let run = |mistake| {
        let side = build(dir.path(), &example("counts.c"), Some(mistake));
        let run = gupdiff(&["run", "--left", &side, &path]);
        (run.status.code(), out(&run) + &err(&run))
    };
    let (status, said) = run("crashes");
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("OOPS differs at operation 1 (get_page)"),
        "{said}"
    );
    let (status, said) = run("hangs");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("at operation 2 (put_page)"), "{said}");
    assert!(said.contains("LIMIT"), "{said}");
    let (status, said) = run("no_trace");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("does not provide a trace: record "), "{said}");
}

#[test]
fn a_file_that_is_no_side_is_one_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let program = write(dir.path(), "p.gup", "page p\nget_page p\n");
    let says = |side: &str, what: &str| {
        let run = gupdiff(&["run", "--left", side, &program]);
        assert_eq!(run.status.code(), Some(2));
        assert!(err(&run).contains(what), "{}", err(&run));
    };
    says("so:/nowhere/x.so", "/nowhere/x.so: No such file");
    let text = write(dir.path(), "text.so", "no object");
    says(&format!("so:{text}"), "cannot be loaded");
    let other = write(dir.path(), "other.c", "int gd_other;\n");
    let other = build(dir.path(), Path::new(&other), None);
    says(&other, "does not export `gd_side`");
    let old = "unsigned gd_side[64] = { 4 };\n";
    let old = write(dir.path(), "old.c", old);
    says(
        &build(dir.path(), Path::new(&old), None),
        "has version 4 of the ABI",
    );
}
