// SPDX-License-Identifier: GPL-2.0
//! What `csrc/abi/revisions.h` says of revisions, held against the rules of the
//! Rust side, which states them a second time and independently.

use std::collections::BTreeSet;

use gup::{Revision, Rules, Site};
use harness::rev::{Fact, Rev};

fn rev(rules: &Rules) -> Rev {
    rules.revision.name().parse().unwrap()
}

#[test]
fn the_known_revisions_are_those_with_rules() {
    let known: Vec<String> = Rev::known().iter().map(Rev::to_string).collect();
    assert_eq!(known, Revision::ALL.map(Revision::name));
    for rules in Rules::ALL {
        assert_eq!(rev(&rules).is_series(), rules.is_series());
    }
}

#[test]
fn every_prepared_kernel_goes_with_rules() {
    let names: BTreeSet<&str> = Rules::KERNELS.iter().map(Rules::name).collect();
    for (kernel, rust) in gup_sides::tree::known() {
        for suffix in ["", "-nodebug"] {
            assert!(names.contains(&*format!("{rust}{suffix}")), "{kernel}");
        }
    }
}

/// The head of a folio of that order.
fn head(order: u8) -> gup::Page {
    let mut head = gup::Page::BLANK;
    head.order = order;
    head.flags = gup::page::flag::HEAD;
    head
}

/// The rule that says the same as a fact.
fn rule(name: &str, rules: &Rules) -> bool {
    let is_kernel = !rules.is_series();
    // until folios came
    let by_pages = rules.gets_compound_heads;
    let pincount = |order| rules.pins.has_pincount(&head(order));
    let has = |site: Site| site.exists(&rules.with_debug_vm(true));
    match name {
        "PINCOUNT" => pincount(2),
        "PINCOUNT_OF_ALL" => pincount(1),
        "COUNTERS" => !rules.counters_want_debug_vm,
        "DEVMAP_KEY" => !rules.devmap_counts_like_others,
        "FAR_TAILS" => !rules.tails_hold_masks,
        "SLAB_HAS_NO_COUNT" => rules.slab_pages_have_no_count,
        "ZERO_PAGE" => rules.zero_page_is_not_pinned,
        "SLOW_GRAB_LOOKS_FIRST" => rules.slow_grab_looks_first,
        "SLOW_GRAB_REFS" => rules.slow_grab_takes_refs,
        "FAST_GRAB_WANTS_FLAG" => rules.series.fast_wants_a_flag,
        "PUTS_ANY_NUMBER" => !rules.puts_with_a_check,
        "SANITY_CHECK" => has(Site::SanityCheckSmall),
        "LISTS_REFUSE_ERRNO" => has(Site::UnpinUserPages),
        "LISTS_SKIP_NULL" => rules.lists_may_hold_null,
        "WALK_CHECKS_ARGS" => rules.walk.fast_only_gives_errnos,
        "WALK_LEAVES_FILES" => rules.walk.looks_at_folio_after_recheck,
        "WALK_GRABBED_BLOCKS" => is_kernel && rules.walk.huge_grabs_first_page && by_pages,
        "WALK_GRABS_BLOCKS" => rules.walk.huge_grabs_first_page && !by_pages,
        "WALK_DEVICE_ENTRIES" => is_kernel && rules.walk.has_device_entries,
        "WALK_READS_LEAF_BITS" => rules.walk.leaf_by_huge_bit,
        "WALK_SPECIAL_BLOCKS" => rules.walk.huge_may_be_special,
        "HAS_FOLLOW_HUGETLB_PAGE" => is_kernel && rules.slow.has_follow_hugetlb_page,
        "SLOW_STOPS_AT_NO_PAGE" => is_kernel && rules.slow.missing_page_is_an_error,
        // What the Rust side does of the series has functions of its own.
        "FAST_GRAB_PREFERS_GET" | "WALK" => is_kernel,
        other => panic!("no rule is known for the fact {other}"),
    }
}

/// What a kernel logs is in reports only: no side shows it, and no rule is about it.
const OF_REPORTS: &str = "WARN_PLACE_FIRST";

#[test]
fn facts_and_rules_say_the_same() {
    for rules in Rules::ALL {
        for (name, fact) in Fact::ALL.iter().filter(|(name, _)| *name != OF_REPORTS) {
            let says = rev(&rules).has(*fact);
            assert_eq!(says, rule(name, &rules), "{name}, {}", rules.name());
        }
    }
}
