// SPDX-License-Identifier: GPL-2.0
//! The list of faults.

use gup_faults::Rules;
use gup_faults::fault::Fault;

#[test]
fn names_are_unique_and_lead_back() {
    for &fault in Fault::ALL {
        assert_eq!(Fault::by_name(fault.name()), Some(fault));
        let same = Fault::ALL.iter().filter(|f| f.name() == fault.name());
        assert_eq!(same.count(), 1, "{fault:?}");
    }
    assert!(Fault::ALL.len() >= 200, "faults were lost");
}

#[test]
fn every_fault_applies_somewhere_and_says_what_is_wrong() {
    for fault in Fault::ALL {
        let applies = Rules::ALL.iter().any(|rules| fault.applies(rules));
        assert!(applies && !fault.about().is_empty(), "{fault:?}");
    }
}

#[test]
fn exceptions_are_rules() {
    for fault in Fault::ALL {
        for name in fault.except() {
            assert!(Rules::by_name(name).is_some(), "{fault:?}");
        }
    }
}
