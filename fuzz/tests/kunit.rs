// SPDX-License-Identifier: GPL-2.0
//! Findings as KUnit tests: what they say, what has no form in C, and that they compile in
//! the kernels' own mm/gup.c.  That they fail and pass where they should is
//! `make reproducers`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use harness::input;
use harness::oracle::Oracle;
use harness::program::Program;
use harness::report::c::{self, Unsayable};
use harness::report::{Origin, Report};
use harness::side::Pair;

/// The test of what a program shows, and of which kernel; `None` if that is nothing.
fn test_of(
    left: &str,
    right: &str,
    program: &Program,
) -> Option<(String, Result<String, Unsayable>)> {
    let mut oracle = Oracle::new(Pair::open(left, right).unwrap());
    let verdict = oracle.judge(program);
    let origin = Origin {
        make: None,
        named: false,
    };
    let report = Report::new(&oracle, program, &verdict, None, &origin);
    report.is_finding().then(|| {
        let rev = report.reported().info.rev.to_string();
        (rev, c::test(&mut oracle, program, &report))
    })
}

fn program(source: &str) -> Program {
    let path = Path::new("found.gup");
    input::parse(path, source.as_bytes()).unwrap()[0].program
}

const PIN: &str = "names 6.1\npage h order=1 ref=1 anon exclusive\nget_page h\n\
                   try_grab_page h+1 PIN\n";

#[test]
fn a_finding_is_a_test() {
    // two pages have a pin count of their own only in the newer one
    let text = test_of("rust:5.10", "rust:6.1", &program(PIN));
    insta::assert_snapshot!("kunit", text.unwrap().1.unwrap());
}

#[test]
fn what_has_no_form_in_c_is_said() {
    let why = |source: &str| {
        let test = test_of("rust:5.10", "rust:6.1", &program(source));
        test.unwrap().1.unwrap_err().to_string()
    };
    let acted =
        "names 6.1\npage h order=1 ref=1\ntry_grab_page h PIN\n  | after ref h: set_ref h 5\n";
    assert_eq!(why(acted), "what other CPUs do meanwhile has no form in C");
    let zero = "names 6.1\npage z ref=5 zero\npage h order=1 ref=1\ntry_grab_page h PIN\n";
    assert_eq!(why(zero), "page z is not of ordinary memory");
}

fn kernels() -> PathBuf {
    match env::var_os("GUPDIFF_KERNELS_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => dir.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.kernels"),
    }
}

/// Compiles mm/gup.c of a prepared kernel with tests at its end; says what went wrong.
fn compile(tree: &Path, tests: &[String]) -> Result<(), String> {
    let build = tree.join("build");
    let src = fs::canonicalize(tree.join("src")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("unit.c");
    let mut text = format!("#include \"{}/mm/gup.c\"\n", src.display());
    tests.iter().for_each(|test| text.push_str(test));
    fs::write(&unit, text).unwrap();
    let command = fs::read_to_string(build.join("gup.cmd")).unwrap();
    let command = command.replace("@SRC@", &src.display().to_string());
    let mut words: Vec<&str> = command.split_whitespace().collect();
    let end = words.iter().position(|w| *w == "-c").unwrap_or(words.len());
    words.truncate(end);
    words.retain(|w| !w.starts_with("-Wp,-MMD"));
    let script = format!(
        "{} -fsyntax-only -Wno-missing-prototypes -I{}/mm {}",
        words.join(" "),
        src.display(),
        unit.display()
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&build)
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn tests_compile_in_the_kernel() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/seeds");
    let programs = input::programs(&[corpus]).unwrap();
    let mut compiled = 0;
    for (kernel, other) in [
        ("5.10", "6.1"),
        ("6.1", "5.10"),
        ("6.12", "5.10"),
        ("7.3", "5.10"),
    ] {
        let tree = kernels().join("trees").join(kernel);
        if !tree.join("build/gup.cmd").exists() {
            continue;
        }
        let (left, right) = (format!("rust:{other}"), format!("rust:{kernel}"));
        let tests: Vec<String> = programs
            .iter()
            .chain([&program(PIN)])
            .filter_map(|program| test_of(&left, &right, program))
            .filter_map(|(rev, test)| test.ok().filter(|_| rev == kernel))
            .filter(|test| test.contains("kunit_suite"))
            .collect();
        if let Err(wrong) = compile(&tree, &tests) {
            panic!("{kernel}: {wrong}");
        }
        compiled += tests.len();
    }
    assert!(compiled > 0, "no kernel is prepared, or nothing differs");
}
