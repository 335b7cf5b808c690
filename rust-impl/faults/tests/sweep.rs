// SPDX-License-Identifier: GPL-2.0
//! Sweeps over many small programs.  Nothing panics, the same program gives the
//! same trace, and without a fault the copy does what crate `gup` does.  Every
//! fault that applies to some rules, and no other, changes a trace.

// Both have the same programs on purpose, each on its own crate.
#[allow(clippy::duplicate_mod)]
mod copy;
#[allow(clippy::duplicate_mod)]
mod original;

use gup_faults::fault::{self, Fault, Layer};

/// Enough for a fault that should not show.
const FEW: u64 = 3_000;

fn seed(i: u64) -> u64 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Sweeps over so many programs under the rules of that name, with the faults of a
/// layer.  Both runs digest what the program of
/// a seed shows.
fn sweep(
    rules: &gup_faults::Rules,
    programs: u64,
    layer: Layer,
    mut original: impl FnMut(u64) -> u64,
    mut copy: impl FnMut(u64) -> u64,
) {
    let name = rules.name();
    let sound: Vec<u64> = (0..programs).map(|i| original(seed(i))).collect();
    for i in (0..programs).rev().step_by(7) {
        let again = original(seed(i));
        assert_eq!(again, sound[i as usize], "{name}: program {i}, again");
    }
    for i in 0..programs {
        let copied = copy(seed(i));
        assert_eq!(copied, sound[i as usize], "{name}: program {i}, the copy");
    }
    let mut wrong = Vec::new();
    for planted in Fault::ALL.iter().filter(|f| f.layer() == layer) {
        let applies = planted.applies(rules);
        fault::select(Some(*planted));
        let shows =
            (0..if applies { programs } else { FEW }).any(|i| copy(seed(i)) != sound[i as usize]);
        fault::select(None);
        if shows != applies {
            wrong.push((name, planted.name()));
        }
    }
    assert_eq!(wrong, []);
}

#[test]
fn faults_of_the_page_level_show_where_they_apply() {
    let rules = gup::Rules::ALL.iter().zip(&gup_faults::Rules::ALL);
    for (original_rules, rules) in rules {
        let mut original_machine = gup::Machine::for_rules(original_rules);
        let mut machine = gup_faults::Machine::for_rules(rules);
        sweep(
            rules,
            30_000,
            Layer::Page,
            |seed| original::page::run(&mut original_machine, original_rules, seed),
            |seed| copy::page::run(&mut machine, rules, seed),
        );
    }
}

#[test]
fn faults_of_the_lockless_walk_show_where_they_apply() {
    let rules = gup::Rules::KERNELS.iter().zip(&gup_faults::Rules::KERNELS);
    for (original_rules, rules) in rules {
        let mut original_machine = gup::Machine::for_rules(original_rules);
        let mut machine = gup_faults::Machine::for_rules(rules);
        sweep(
            rules,
            100_000,
            Layer::Lockless,
            |seed| original::walk::run(&mut original_machine, original_rules, seed),
            |seed| copy::walk::run(&mut machine, rules, seed),
        );
    }
}

#[test]
fn faults_of_the_slow_path_show_where_they_apply() {
    let rules = gup::Rules::KERNELS.iter().zip(&gup_faults::Rules::KERNELS);
    for (original_rules, rules) in rules {
        let mut original_machine = gup::Machine::for_rules(original_rules);
        let mut machine = gup_faults::Machine::for_rules(rules);
        sweep(
            rules,
            200_000,
            Layer::Slow,
            |seed| original::slow::run(&mut original_machine, original_rules, seed),
            |seed| copy::slow::run(&mut machine, rules, seed),
        );
    }
}
