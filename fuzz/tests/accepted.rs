// SPDX-License-Identifier: GPL-2.0
//! Accepted differences and known defects of kernels must still occur.

use std::path::Path;

use gup_sides::tree::tested_names;
use harness::accepted::{DEFECTS, ENTRIES};
use harness::explain::Rules;
use harness::input;
use harness::oracle::{Oracle, Verdict};
use harness::program::Program;
use harness::side::rust::rules_by_name;
use harness::side::{self, Pair};

fn corpus() -> Vec<Program> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    input::programs(&[corpus]).unwrap()
}

#[test]
fn no_accepted_difference_is_stale() {
    let corpus = corpus();
    let mut pairs: Vec<_> = ENTRIES.iter().map(|e| e.revisions).collect();
    pairs.dedup();
    for (older, newer) in pairs {
        let pair = Pair::open(&format!("c:{older}"), &format!("c:{newer}")).unwrap();
        let mut oracle = Oracle::new(pair);
        for program in &corpus {
            oracle.judge(program);
        }
        let stale = oracle.accepted().stale(oracle.revisions());
        assert!(stale.is_empty(), "never hit any more: {stale:#?}");
    }
}

/// Whether a Rust side has a rule as no plain revision has it: by a point release.
fn has(rust: &str, rule: &str) -> bool {
    let rules = rules_by_name(rust.strip_prefix("rust:").unwrap()).unwrap();
    let plain = Rules::by_name(rules.revision.name()).unwrap();
    let rule = Rules::rule(rule).expect("a rule");
    !(rule.same)(&rules, &plain)
}

/// Those of the series are in tests/series.rs.
#[test]
fn no_known_defect_of_a_kernel_is_stale() {
    let corpus = corpus();
    for kernel in tested_names() {
        let name = &format!("c:{kernel}");
        let pair_name = side::default_right(name);
        let pair = Pair::open(name, &pair_name).unwrap();
        let mut oracle = Oracle::new(pair);
        for program in &corpus {
            let verdict = oracle.judge(program);
            assert!(
                !matches!(verdict, Verdict::BrokenLaw(..)),
                "{name}: {verdict:?}"
            );
        }
        let mut stale = oracle.accepted().stale_defects(oracle.revisions().left);
        stale.retain(|defect| !defect.fixed_by.is_some_and(|rule| has(&pair_name, rule)));
        assert!(stale.is_empty(), "{name}: never met any more: {stale:#?}");
    }
    assert!(DEFECTS.iter().any(|d| !d.revisions.1.is_series()));
}
