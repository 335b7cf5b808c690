// SPDX-License-Identifier: GPL-2.0
//! Faults of the Rust side: each must be found.

use gup_faults::Rules;
use gup_faults::fault::{self, Fault, Layer};
use gup_sides::tree::tested_sides;
use harness::hunt::Catch;
use harness::ops;
use harness::oracle::Oracle;
use harness::program::profile::Focus;
use harness::rev::Rev;
use harness::side::Pair;

use crate::hunting::{
    Corpus, WITHIN, campaign, check_all_found, focus, on_all, on_all_processors, places,
};

/// Faults of functions that crate gup has under any rules, and the operations that
/// run them: 5.10 lacks these, so no program comes there.
const OF_OPERATIONS: [(&str, &str); 5] = [
    ("cow-has-pinned", "needs-cow-for-dma"),
    ("put-refs-not-freed", "folio-put-refs"),
    ("range-walk-from-head", "unpin-user-page-range-dirty-lock"),
    ("range-walk-unclamped", "unpin-user-page-range-dirty-lock"),
    ("secretmem-compound", "is-secretmem"),
];

/// Whether a kernel has the operation that shows a fault.
fn can_be_run(fault: &Fault, rules: &Rules) -> bool {
    let rev: Rev = rules.revision.name().parse().expect("it has that name");
    let operation = OF_OPERATIONS.iter().find(|(name, _)| *name == fault.name());
    operation.is_none_or(|(_, role)| {
        let op = ops::table().iter().find(|op| op.role == *role);
        rev.is_series() || op.expect("the operation exists").name(rev).is_some()
    })
}

/// Those of some rules that a fault shows under, and that tests have a kernel for.
fn shown_by(fault: &Fault, among: &[Rules]) -> Vec<&'static str> {
    let there =
        |rules: &&Rules| rules.is_series() || tested_sides().any(|name| name == rules.name());
    let rules = among.iter().filter(there);
    let rules = rules.filter(|rules| fault.applies(rules) && can_be_run(fault, rules));
    rules.map(Rules::name).collect()
}

/// Is a fault tried under these rules?  Under those of one kernel, and of one
/// version of the series; or wherever it shows.
fn is_tried(fault: &Fault, rules: &Rules) -> bool {
    let among: &[Rules] = match rules.is_series() {
        true => &Rules::SERIES,
        false => &Rules::KERNELS,
    };
    places(fault.name(), &shown_by(fault, among)).contains(&rules.name())
}

/// Every fault of the Rust side that makes a difference under some rules, on two
/// sides that are opened once: its name, and what was found.
fn tried_on_rust(rules: &Rules, corpus: &Corpus) -> Vec<(String, Option<Catch>)> {
    let name = rules.name();
    let (left, right) = (format!("c:{name}"), format!("rust:{name}"));
    let mut oracle = Oracle::new(Pair::open(&left, &right).expect("the sides exist"));
    let mut hunt = |focus| campaign(&mut oracle, corpus, focus, WITHIN);
    let planted = Fault::ALL.iter().filter(|fault| is_tried(fault, rules));
    planted
        .map(|&planted| {
            fault::select(Some(planted));
            // the walk uses much of the page level, where some faults show best
            let catch = match (planted.layer(), focus(planted.name())) {
                (Layer::Slow, _) => hunt(Focus::Slow),
                (_, Focus::Lockless) => hunt(Focus::Lockless),
                _ => hunt(Focus::All).or_else(|| hunt(Focus::Lockless)),
            };
            fault::select(None);
            (format!("{name} {}", planted.name()), catch)
        })
        .collect()
}

#[test]
fn every_fault_of_the_rust_side_is_found() {
    gup_copies::replace();
    let corpus = Corpus::read();
    let tested = |rules: &Rules| tested_sides().any(|name| name == rules.name());
    let all = Rules::ALL.into_iter();
    let sides: Vec<Rules> = all.filter(|r| r.is_series() || tested(r)).collect();
    let done = on_all_processors(&sides, |rules| tried_on_rust(rules, &corpus));
    let done: Vec<_> = done.into_iter().flatten().collect();
    let least = if on_all() { 950 } else { 130 };
    check_all_found(&done, least);
}
