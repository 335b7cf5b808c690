// SPDX-License-Identifier: GPL-2.0
//! A difference between two kernels is explained by rules, or said not to be.

use harness::oracle::{Oracle, Verdict, Which};
use harness::program::{Program, text};
use harness::reason::{Reason, Reasons};
use harness::side::rust::{RustSide, rules_by_name};
use harness::side::{Pair, Side, SideInfo};
use harness::site::PlacedSite;
use harness::trace::Trace;

/// A kernel with these rules that is taken for one with others.
struct Other {
    info: SideInfo,
    rules: RustSide,
}

impl Side for Other {
    fn info(&self) -> &SideInfo {
        &self.info
    }
    fn run(&mut self, program: &Program, trace: &mut Trace) {
        self.rules.run(program, trace);
    }
    fn sites(&self) -> &[PlacedSite] {
        self.rules.sites()
    }
}

/// A side of rules, as a kernel that goes by `known`.
fn side(rules: &str, known: &str) -> Box<dyn Side> {
    let rules = RustSide::with_rules(rules_by_name(rules).expect("such rules exist"), rules);
    let info = SideInfo {
        name: "c:tree".into(),
        counterpart: Some(format!("rust:{known}")),
        ..rules.info().clone()
    };
    Box::new(Other { info, rules })
}

/// Why the two differ on a program.
fn reason(left: Box<dyn Side>, right: Box<dyn Side>, program: &str) -> Option<Reason> {
    let pair = Pair {
        left,
        right: Some(right),
    };
    let mut reasons = Reasons::of(&pair).expect("both have rules");
    let program = text::parse(program).expect("a program");
    let mut oracle = Oracle::new(pair);
    let Verdict::Divergence(difference) = oracle.judge(&program) else {
        panic!("the sides agree");
    };
    reasons.reason(&oracle, &program, &difference)
}

/// The names of the rules that a known kernel's differences are explained by.
fn rules(left: &str, right: &str, program: &str) -> Vec<&'static str> {
    match reason(side(left, left), side(right, right), program) {
        Some(Reason::Rules(names)) => names.iter().map(|name| name.rule).collect(),
        other => panic!("{other:?}"),
    }
}

const NULL_IN_LIST: &str = "page p\nunpin_user_pages [NULL]\n";

#[test]
fn the_rule_is_named_among_all_that_differ() {
    assert_eq!(rules("6.1", "6.12", NULL_IN_LIST), ["lists_may_hold_null"]);
    assert_eq!(rules("6.12", "6.1", NULL_IN_LIST), ["lists_may_hold_null"]);
}

#[test]
fn configurations_and_names_are_reasons_too() {
    let dead = "page p ref=0\nget_page p\n";
    assert_eq!(rules("6.1", "6.1-nodebug", dead), ["CONFIG_DEBUG_VM"]);
    let memfd = "page s secretmem\nset_pte 0x1000 s rw\nget_user_pages_fast_only 0x1000 n=1\n";
    assert_eq!(rules("6.12", "6.12,-SECRETMEM", memfd), ["configuration"]);
    let unknown = "page p\nget_user_pages_fast 0x1000 n=1 SPLIT_PMD\n";
    assert_eq!(rules("6.6", "6.12", unknown), ["names_of_functions"]);
}

/// A tree that does what a later kernel does: a backport.
#[test]
fn a_change_that_is_a_rule_of_another_kernel_is_named() {
    let changed = side("6.1,lists_may_hold_null=6.12", "6.1");
    let found = reason(side("6.1", "6.1"), changed, NULL_IN_LIST).unwrap();
    assert_eq!(
        found.to_string(),
        "explained by lists_may_hold_null (as in 6.12)"
    );
    // One that is like no rule is what it is.
    let changed = side("6.1-nodebug", "6.1");
    let dead = "page p ref=0\nget_page p\n";
    assert_eq!(reason(side("6.1", "6.1"), changed, dead), None);
}

#[test]
fn a_side_that_does_not_follow_its_rules_explains_nothing() {
    let odd = || side("6.12,lists_may_hold_null=6.1", "6.12");
    assert_eq!(
        reason(side("7.3", "7.3"), odd(), NULL_IN_LIST),
        Some(Reason::NotReproduced(Which::Right))
    );
    assert_eq!(
        reason(odd(), side("7.3", "7.3"), NULL_IN_LIST),
        Some(Reason::NotReproduced(Which::Left))
    );
}
