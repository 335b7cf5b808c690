// SPDX-License-Identifier: GPL-2.0
//! Faults of the C side: each must be found on every kernel that has its code.

use std::fs;

use gup_controls::{Control, Kind, Selectable};
use gup_sides::tree::tested_names;
use harness::hunt::Catch;
use harness::program::profile::Focus;

use crate::changed::{Changed, controls_of, hunt_on, is_in, prepared};
use crate::hunting::{Corpus, WITHIN, check_all_found, focus, on_all_processors, only, places};

/// A kernel with all faults that can be selected at run time.
struct Kernel<'c> {
    name: &'c str,
    faults: Selectable<'c>,
    changed: Changed,
}

impl<'c> Kernel<'c> {
    fn new(name: &'c str, all: &'c [Control]) -> Self {
        let faults = controls_of(all, Kind::Fault, name);
        let path = prepared(name).1.src.join(Selectable::FILE);
        let text = fs::read_to_string(path).expect("its tree is there");
        let faults = gup_controls::selectable(faults, name, &text);
        let faults = faults.unwrap_or_else(|e| panic!("{e}"));
        let text = faults.patched.clone().into_bytes();
        Self {
            name,
            faults,
            changed: Changed::new(name, "faults", &[(Selectable::FILE.into(), text)]),
        }
    }

    /// All that is tried on it.  What is compiled alone is tried on one kernel, or on all.
    fn attempts(&self) -> Vec<Attempt<'_>> {
        let selected = self.faults.controls.iter().zip(1..);
        let selected = selected.map(|(&fault, nr)| Attempt::Selected {
            on: self,
            fault,
            nr,
        });
        let alone = self.faults.others.iter().filter(|fault| {
            let kernels: Vec<_> = tested_names().filter(|k| is_in(fault, k)).collect();
            only().is_some() || places(&fault.name, &kernels).contains(&self.name)
        });
        let alone = alone.map(|&fault| Attempt::Alone { on: self, fault });
        // the alternatives themselves change nothing
        let none = (!self.faults.controls.is_empty()).then_some(Attempt::None { on: self });
        none.into_iter().chain(selected).chain(alone).collect()
    }
}

#[derive(Clone, Copy)]
enum Attempt<'k> {
    None {
        on: &'k Kernel<'k>,
    },
    Selected {
        on: &'k Kernel<'k>,
        fault: &'k Control,
        nr: usize,
    },
    Alone {
        on: &'k Kernel<'k>,
        fault: &'k Control,
    },
}

impl Attempt<'_> {
    /// The name of the fault on this kernel, and what was found.
    fn run(self, corpus: &Corpus) -> Option<(String, Option<Catch>)> {
        let (on, fault, side) = match self {
            Self::None { on } => {
                let programs = corpus.all.len() as u64;
                let catch = hunt_on(on.changed.select(0), corpus, Focus::All, programs);
                let verdict = catch.map(|catch| catch.verdict);
                assert!(verdict.is_none(), "{}, no fault: {verdict:?}", on.name);
                return None;
            }
            Self::Selected { on, fault, nr } => (on, fault, on.changed.select(nr)),
            Self::Alone { on, fault } => (on, fault, Changed::by(fault, on.name).load()),
        };
        let catch = hunt_on(side, corpus, focus(&fault.name), WITHIN);
        Some((format!("{}+{}", on.name, fault.name), catch))
    }
}

#[test]
fn every_fault_of_the_c_side_is_found() {
    let (corpus, all) = (Corpus::read(), gup_controls::load());
    let names: Vec<&str> = tested_names().collect();
    let kernels = on_all_processors(&names, |&name| Kernel::new(name, &all));
    let attempts: Vec<_> = kernels.iter().flat_map(Kernel::attempts).collect();
    let done = on_all_processors(&attempts, |attempt| attempt.run(&corpus));
    let mut done: Vec<_> = done.into_iter().flatten().collect();
    done.sort_by(|(a, _), (b, _)| a.cmp(b));
    check_all_found(&done, 120 * tested_names().count());
}
