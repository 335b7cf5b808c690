// SPDX-License-Identifier: GPL-2.0
//! The worked example of the README is what the tool prints.

use std::fs;
use std::path::Path;

use gup_fuzz::oracle::Oracle;
use gup_fuzz::program::text;
use gup_fuzz::report::{Origin, Report, Short};
use gup_fuzz::side::{self, Pair, c::CSide};
use gup_sides::tree::tested_names;
use gup_sides::{Recipe, Store, overlay};

const KERNEL: &str = "6.1";

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

/// The kernel with what the README describes: no lookup of the head.
fn patched() -> CSide {
    let store = Store::find();
    let mut recipe = Recipe::find(&store, KERNEL).unwrap().unwrap();
    let tree = recipe.source(&store, true).unwrap().tree;
    let file = fs::read_to_string(tree.src.join("mm/gup.c")).unwrap();
    let function = file.find("try_grab_page(struct page *page").unwrap();
    let (before, body) = file.split_at(function);
    let changed = body.replacen("page_folio(page)", "(struct folio *)page", 1);
    assert_ne!(changed, body);
    let files = [("mm/gup.c".into(), format!("{before}{changed}").into_bytes())];
    recipe.overlay = Some(overlay::keep(&store, &files).unwrap());
    recipe.name = format!("{KERNEL}+wrong");
    CSide::make(&recipe, true).unwrap()
}

#[test]
fn the_worked_example_is_what_the_tool_prints() {
    if !tested_names().any(|name| name == KERNEL) {
        return;
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let expected = block(&readme, "DIVERGENCE: ", "reproducer: ");
    let program = block(&expected, "program", "WARN");
    let program = program.replace(">>>", "").replace("program\n", "");
    let program = text::parse(&program).unwrap();
    let command = expected.lines().find(|line| line.contains("gupdiff run"));
    let (_, path) = command.unwrap().rsplit_once(' ').unwrap();

    let left = Box::new(patched());
    let right = side::open(&format!("rust:{KERNEL}")).unwrap();
    let mut oracle = Oracle::new(Pair { left, right });
    let verdict = oracle.judge(&program);
    let origin = Origin {
        make: Some(format!("KERNEL={KERNEL} PATCH=wrong.patch")),
        named: false,
    };
    let report = Report::new(&oracle, &program, &verdict, Some(path), &origin);
    let is = format!("{}\n", Short(&report));
    assert_eq!(lasting(&is), lasting(&expected), "the README is to have\n{is}");
    let subject = format!("\nSubject: {}\n", report.title);
    assert!(readme.contains(&subject), "the README is to have{subject}");
}
