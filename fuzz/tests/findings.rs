// SPDX-License-Identifier: GPL-2.0
//! Every finding of docs/findings.md has a reproducer that expects something on each
//! kernel that is named; that it holds there is tested with the other expectations.

use std::fs;
use std::path::{Path, PathBuf};

use harness::input;
use harness::side;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The kernels of a line `- Seen in: 5.10, 6.1`.
fn kernels<'a>(finding: &'a str, key: &str) -> Vec<&'a str> {
    let line = finding.lines().find_map(|line| line.strip_prefix(key));
    let names = line.into_iter().flat_map(|line| line.split(','));
    names.map(str::trim).collect()
}

#[test]
fn every_finding_is_held_on_the_kernels_that_it_names() {
    let page = fs::read_to_string(root().join("docs/findings.md")).unwrap();
    let mut findings = page.split("\n### ");
    findings.next();
    let mut nr = 0;
    for finding in findings {
        let title = finding.lines().next().unwrap();
        let link = finding
            .lines()
            .find_map(|line| line.strip_prefix("- Reproducer: ["))
            .and_then(|rest| rest.split_once("](../")?.1.strip_suffix(')'));
        let path = root().join(link.unwrap_or_else(|| panic!("{title}: no reproducer")));
        let read = input::read(&path).unwrap_or_else(|error| panic!("{title}: {error}"));
        let seen = kernels(finding, "- Seen in: ");
        assert!(!seen.is_empty(), "{title}: seen in no kernel");
        for name in [seen, kernels(finding, "- Not in: ")].concat() {
            let info = side::describe(&format!("rust:{name}")).unwrap().unwrap();
            let mut list = read.expectations.list.iter();
            let held = list.any(|expected| expected.condition.holds(&info));
            assert!(held, "{title}: nothing is expected of {name} in {link:?}");
        }
        nr += 1;
    }
    assert!(nr > 8, "{nr} findings");
}

#[test]
fn every_reproducer_of_a_finding_is_on_the_page() {
    let page = fs::read_to_string(root().join("docs/findings.md")).unwrap();
    for entry in fs::read_dir(root().join("corpus/regressions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.starts_with("finding-") {
            assert!(
                page.contains(&format!("/{name})")),
                "{name} is not on the page"
            );
        }
    }
}
