// SPDX-License-Identifier: GPL-2.0
//! A tree's rules are found by what it shows alone.

use harness::explain::{self, Rules};
use harness::side::rust::{RustSide, Variant, rules_by_name};

/// A tree with these rules, of which only what it shows is known.
fn explained(name: &str) -> explain::Explained {
    let rules = rules_by_name(name).expect("such rules exist");
    let tree = RustSide::with_rules(rules, name);
    explain::explain(Box::new(tree), &[], 20_000)
}

#[test]
fn a_known_kernel_is_itself() {
    for rules in Rules::KERNELS {
        let found = explained(rules.name());
        assert_eq!(found.rules.to_string(), rules.name());
        assert_eq!(found.differing, 0);
    }
}

#[test]
fn rules_of_other_kernels_are_found() {
    for name in [
        "7.3,folios_without_mapping_pass=6.14",
        "6.12,bugs_are_warnings=7.3,huge_grabs_first_page=6.6",
        "6.1,lists_may_hold_null=6.12,overflow_is_an_error=6.5,makes_folio_accessible=6.12",
    ] {
        let found = explained(name);
        assert_eq!(found.differing, 0, "{name}: {}", found.rules);
        let mut wanted: Vec<&str> = name.split([',', '=']).collect();
        let found = found.rules.to_string();
        let mut got: Vec<&str> = found.split([',', '=']).collect();
        wanted.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, wanted, "{found}");
    }
}

#[test]
fn a_variant_is_what_its_name_says() {
    for name in [
        "6.1",
        "7.3-nodebug,huge_records_last=6.12",
        "6.12,-CMA,-SECRETMEM",
        "7.3,bugs_are_warnings=6.12,-HUGETLB_PAGE",
        "5.10",
    ] {
        assert_eq!(Variant::named(name).unwrap().to_string(), name);
    }
    assert!(Variant::named("6.1,-KSM").is_none());
}

/// The names of rules are part of what a report says: they are looked up.
#[test]
fn a_side_of_unknown_rules_does_not_exist() {
    for name in ["7.4", "7.3,no_such_rule=6.12", "7.3,pins=5.2", "7.3,pins"] {
        assert!(rules_by_name(name).is_none(), "{name}");
    }
}
