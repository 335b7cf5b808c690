// SPDX-License-Identifier: GPL-2.0
//! The worked example of the README is what the tool prints.

use std::fs;
use std::path::Path;

use crate::patched::{self, KERNEL};
use harness::oracle::Oracle;
use harness::program::text;
use harness::report::{Origin, Report, Short};
use harness::side::{self, Pair, c::CSide};

/// What stands between two lines that begin so, with the first and without the last one.
fn block(readme: &str, first: &str, last: &str) -> String {
    let lines = readme.lines().skip_while(|line| !line.starts_with(first));
    let lines = lines.take_while(|line| !line.starts_with(last));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Without what the next point release changes.
fn lasting(text: &str) -> String {
    let words = text.split(' ').scan("", |before, word| {
        let of = std::mem::replace(before, word);
        let (word, end) = match word.split_once(['\n', ',']) {
            Some((first, _)) => word.split_at(first.len()),
            None => (word, ""),
        };
        Some(match of {
            "Linux" | "sha256" => format!("...{end}"),
            _ => format!("{word}{end}"),
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_worked_example_is_what_the_tool_prints() {
    let Some(recipe) = patched::recipe(&format!("{KERNEL}+wrong")) else {
        return;
    };
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let expected = block(&readme, "DIVERGENCE: ", "reproducer: ");
    let program = block(&expected, "program", "WARN");
    let program = program.replace(">>>", "").replace("program\n", "");
    let program = text::parse(&program).unwrap();
    let command = expected.lines().find(|line| line.contains("gupdiff run"));
    let (_, path) = command.unwrap().rsplit_once(' ').unwrap();

    let left = Box::new(CSide::make(&recipe, true).unwrap());
    let right = side::open(&format!("rust:{KERNEL}")).unwrap();
    let mut oracle = Oracle::new(Pair { left, right });
    let verdict = oracle.judge(&program);
    let origin = Origin {
        make: Some(format!("KERNEL={KERNEL} PATCH=wrong.patch")),
        named: false,
    };
    let report = Report::new(&oracle, &program, &verdict, Some(path), &origin);
    let is = format!("{}\n", Short(&report));
    assert_eq!(
        lasting(&is),
        lasting(&expected),
        "the README is to have\n{is}"
    );
    let subject = format!("\nSubject: {}\n", report.title);
    assert!(readme.contains(&subject), "the README is to have{subject}");
}
