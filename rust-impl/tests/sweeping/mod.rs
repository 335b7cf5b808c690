// SPDX-License-Identifier: GPL-2.0
//! A sweep over many small programs: each gives the same digest every time, and
//! every planted fault that applies, and no other, changes one of them.

use gup::{Machine, Rules};

/// Runs the program that a seed stands for, and digests what it showed.
pub type Run = fn(&mut Machine, &Rules, u64) -> u64;

fn seed(i: u64) -> u64 {
    (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Sweeps over so many programs, with the faults of the walk or with the others.
#[cfg_attr(not(feature = "faults"), allow(unused_variables))]
pub fn sweep(rules: Rules, programs: u64, of_the_walk: bool, run: Run) {
    let mut machine = Machine::for_rules(&rules);
    let sound: Vec<u64> = (0..programs)
        .map(|i| run(&mut machine, &rules, seed(i)))
        .collect();
    for i in (0..programs).rev().step_by(7) {
        assert_eq!(run(&mut machine, &rules, seed(i)), sound[i as usize]);
    }
    #[cfg(feature = "faults")]
    {
        use gup::fault::{self, Fault};

        // enough for one that should not show
        const FEW: u64 = 3_000;
        let mut wrong: Vec<(&str, &str)> = Vec::new();
        let faults = Fault::ALL.iter();
        for &planted in faults.filter(|f| f.is_of_the_walk() == of_the_walk) {
            let applies = planted.applies(&rules);
            fault::select(Some(planted));
            let found = (0..if applies { programs } else { FEW })
                .any(|i| run(&mut machine, &rules, seed(i)) != sound[i as usize]);
            fault::select(None);
            if found != applies {
                wrong.push((rules.name(), planted.name()));
            }
        }
        assert_eq!(wrong, []);
    }
}
