// SPDX-License-Identifier: GPL-2.0
//! Compares the facts of `csrc/abi/revisions.h` with the rules of the Rust side, which state
//! them independently.

use std::collections::BTreeSet;

use gup::{Revision, Rules, Site};
use harness::rev::{Fact, Rev};

fn rev(rules: &Rules) -> Rev {
    rules.revision.name().parse().unwrap()
}

#[test]
fn the_known_revisions_are_those_with_rules() {
    let known: Vec<String> = Rev::known().iter().map(Rev::to_string).collect();
    let with_rules: Vec<&str> = Revision::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(
        known, with_rules,
        "left: csrc/abi/revisions.h, right: rust-impl/src/revision.rs"
    );
    for rules in Rules::ALL {
        assert_eq!(rev(&rules).is_series(), rules.is_series());
    }
}

#[test]
fn every_prepared_kernel_goes_with_rules() {
    let names: BTreeSet<&str> = Rules::KERNELS.iter().map(Rules::name).collect();
    for (kernel, rust) in gup_sides::tree::known() {
        for suffix in ["", "-nodebug"] {
            let name = format!("{rust}{suffix}");
            assert!(
                names.contains(&*name),
                "csrc/kernels/table: {kernel} has rules {name}; not in rust-impl/src/rules.rs"
            );
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

/// The rule that says the same as a fact; `None` if no rule is about it.
fn rule(fact: Fact, rules: &Rules) -> Option<bool> {
    let is_kernel = !rules.is_series();
    // until folios came
    let by_pages = rules.gets_compound_heads;
    let pincount = |order| rules.pins.has_pincount(&head(order));
    let has = |site: Site| site.exists(&rules.with_debug_vm(true));
    Some(match fact {
        Fact::Pincount => pincount(2),
        Fact::PincountOfAll => pincount(1),
        Fact::Counters => !rules.counters_want_debug_vm,
        Fact::DevmapKey => !rules.devmap_counts_like_others,
        Fact::FarTails => !rules.tails_hold_masks,
        Fact::SlabHasNoCount => rules.slab_pages_have_no_count,
        Fact::ZeroPage => rules.zero_page_is_not_pinned,
        Fact::SlowGrabLooksFirst => rules.slow_grab_looks_first,
        Fact::SlowGrabRefs => rules.slow_grab_takes_refs,
        Fact::FastGrabWantsFlag => rules.series.fast_wants_a_flag,
        Fact::PutsAnyNumber => !rules.puts_with_a_check,
        Fact::SanityCheck => has(Site::SanityCheckSmall),
        Fact::ListsRefuseErrno => has(Site::UnpinUserPages),
        Fact::ListsSkipNull => rules.lists_may_hold_null,
        Fact::WalkChecksArgs => rules.walk.fast_only_gives_errnos,
        Fact::WalkLeavesFiles => rules.walk.rechecks_files,
        Fact::WalkGrabbedBlocks => is_kernel && rules.walk.huge_grabs_first_page && by_pages,
        Fact::WalkGrabsBlocks => rules.walk.huge_grabs_first_page && !by_pages,
        Fact::WalkDeviceEntries => is_kernel && rules.walk.has_device_entries,
        Fact::WalkReadsLeafBits => rules.walk.leaf_by_huge_bit,
        Fact::WalkSpecialBlocks => rules.walk.huge_may_be_special,
        Fact::FollowsHugetlbApart => {
            let lookup = rules.slow.has_hugetlb_follow_page_mask;
            is_kernel && (rules.slow.has_follow_hugetlb_page || lookup)
        }
        Fact::ForcedWritesWantExclusive => is_kernel && rules.slow.forced_writes_require_exclusive,
        Fact::ShadowStacks => is_kernel && rules.slow.shadow_stacks_are_readonly,
        Fact::SlowStopsAtNoPage => is_kernel && rules.slow.missing_page_is_an_error,
        // What the Rust side does of the series has functions of its own.
        Fact::FastGrabPrefersGet | Fact::Walk => is_kernel,
        // what a kernel logs: in reports only
        Fact::WarnPlaceFirst => return None,
    })
}

#[test]
fn facts_and_rules_say_the_same() {
    for rules in Rules::ALL {
        for info in csrc::fact_table() {
            if let Some(rule) = rule(info.fact, &rules) {
                let has = rev(&rules).has(info.fact);
                assert_eq!(has, rule, "{:?}, {}", info.fact, rules.name());
            }
        }
    }
}
