// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series: each version's C against its Rust, and what the review
//! found, between versions and by the laws alone.

use gup_fuzz::hunt::hunt;
use gup_fuzz::oracle::{Oracle, Verdict};
use gup_fuzz::program::generate::Profile;
use gup_fuzz::side::Pair;

const SIDES: &[&str] = &[
    "v8",
    "v8-nodebug",
    "v8-signed",
    "v9",
    "v9-nodebug",
    "v9-bias32",
    "v10",
    "v10-nodebug",
    "v11",
    "v11-nodebug",
];

fn profile(oracle: &Oracle) -> Profile {
    let left = oracle.pair().left.info();
    let right = oracle.revisions().right;
    Profile::new(left.rev)
        .debug_vm(left.debug_vm)
        .retain(|op| op.name(right).is_some())
}

#[test]
fn each_version_agrees_with_its_reimplementation() {
    for side in SIDES {
        let pair = Pair::open(&format!("c:{side}"), &format!("rust:{side}")).unwrap();
        let mut oracle = Oracle::new(pair);
        let profile = profile(&oracle);
        let found = hunt(&mut oracle, &[], &profile, 1, 40_000);
        // This one is made to break a law; its reimplementation does so too.
        let found =
            found.filter(|c| *side != "v8-signed" || !matches!(c.verdict, Verdict::BrokenLaw(..)));
        if let Some(catch) = found {
            panic!(
                "{side}: {:?} after {} programs\n{}",
                catch.verdict,
                catch.programs,
                gup_fuzz::program::text::format(&catch.program, oracle.revisions().left)
            );
        }
    }
}
