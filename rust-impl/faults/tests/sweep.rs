// SPDX-License-Identifier: GPL-2.0
//! Sweeps over many small programs.  Nothing panics, the same program gives the
//! same trace, and without a fault the copy does what crate `gup` does.  Every
//! fault that applies to some rules, and no other, changes a trace.

// Both have the same programs on purpose, each on its own crate.
#[allow(clippy::duplicate_mod)]
mod copy;
#[allow(clippy::duplicate_mod)]
mod original;
#[path = "programs/rng.rs"]
mod rng;

use gup_faults::fault::{self, Fault, Layer};

/// What is compared without a fault.
const SOUND: u64 = 20_000;
/// Enough for a fault that should not show.
const FEW: u64 = 1_000;

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
    let mut sound: Vec<u64> = (0..SOUND).map(|i| original(seed(i))).collect();
    for i in (0..SOUND).rev().step_by(7) {
        let again = original(seed(i));
        assert_eq!(again, sound[i as usize], "{name}: program {i}, again");
    }
    for i in 0..SOUND {
        let copied = copy(seed(i));
        assert_eq!(copied, sound[i as usize], "{name}: program {i}, the copy");
    }
    // most faults show long before the last program
    let mut sound = |i: u64| {
        while sound.len() as u64 <= i {
            sound.push(original(seed(sound.len() as u64)));
        }
        sound[i as usize]
    };
    let mut wrong = Vec::new();
    for planted in Fault::ALL.iter().filter(|f| f.layer() == layer) {
        let applies = planted.applies(rules);
        fault::select(Some(*planted));
        let shows = (0..if applies { programs } else { FEW }).any(|i| copy(seed(i)) != sound(i));
        fault::select(None);
        if shows != applies {
            wrong.push((name, planted.name()));
        }
    }
    assert_eq!(wrong, []);
}

/// What runs the program of a seed under rules, on either crate, and digests it.
type Original = fn(&mut gup::Machine, &'static gup::Rules, u64) -> u64;
type Copy = fn(&mut gup_faults::Machine, &'static gup_faults::Rules, u64) -> u64;

/// Sweeps under each pair of rules, beside each other: machines and what is selected belong
/// to a thread.
fn sweep_all(
    rules: (&'static [gup::Rules], &'static [gup_faults::Rules]),
    programs: u64,
    layer: Layer,
    (original, copy): (Original, Copy),
) {
    std::thread::scope(|scope| {
        for (original_rules, rules) in rules.0.iter().zip(rules.1) {
            scope.spawn(move || {
                let mut original_machine = gup::Machine::for_rules(original_rules);
                let mut machine = gup_faults::Machine::for_rules(rules);
                sweep(
                    rules,
                    programs,
                    layer,
                    |seed| original(&mut original_machine, original_rules, seed),
                    |seed| copy(&mut machine, rules, seed),
                );
            });
        }
    });
}

#[test]
fn faults_of_the_page_level_show_where_they_apply() {
    let rules = (&gup::Rules::ALL[..], &gup_faults::Rules::ALL[..]);
    let run: (Original, Copy) = (original::page::run, copy::page::run);
    sweep_all(rules, 30_000, Layer::Page, run);
}

#[test]
fn faults_of_the_lockless_walk_show_where_they_apply() {
    let rules = (&gup::Rules::KERNELS[..], &gup_faults::Rules::KERNELS[..]);
    let run: (Original, Copy) = (original::walk::run, copy::walk::run);
    sweep_all(rules, 100_000, Layer::Lockless, run);
}

#[test]
fn faults_of_the_slow_path_show_where_they_apply() {
    let rules = (&gup::Rules::KERNELS[..], &gup_faults::Rules::KERNELS[..]);
    let run: (Original, Copy) = (original::slow::run, copy::slow::run);
    sweep_all(rules, 200_000, Layer::Slow, run);
}
