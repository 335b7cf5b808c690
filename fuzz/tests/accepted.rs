// SPDX-License-Identifier: GPL-2.0
//! Accepted differences must still occur.

use std::path::Path;

use gup_fuzz::accepted::ENTRIES;
use gup_fuzz::input;
use gup_fuzz::oracle::Oracle;
use gup_fuzz::side::Pair;

#[test]
fn no_accepted_difference_is_stale() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let mut pairs: Vec<_> = ENTRIES.iter().map(|e| e.revisions).collect();
    pairs.dedup();
    for (older, newer) in pairs {
        let pair = Pair::open(&format!("c:{older}"), &format!("c:{newer}")).unwrap();
        let mut oracle = Oracle::new(pair);
        for path in input::files(std::slice::from_ref(&corpus)).unwrap() {
            oracle.judge(&input::read(&path).unwrap().program);
        }
        let stale = oracle.accepted().stale(oracle.revisions());
        assert!(stale.is_empty(), "never hit any more: {stale:#?}");
    }
}
