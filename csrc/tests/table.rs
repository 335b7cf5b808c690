// SPDX-License-Identifier: GPL-2.0
//! The table of operations says which kernel has which function, and the C side
//! must have just those: nothing else tells when a kernel's entry is forgotten.

use crate::common::{folio, op, open, program, sound};
use csrc::{Object, abi::*, op_table};
use std::{collections::BTreeSet, ffi::CStr};

/// A revision: of the series or a kernel, and its version.
type Revision = (bool, (u32, u32));

fn revision(text: &str) -> Revision {
    match text.strip_prefix('v') {
        Some(version) => (true, (version.parse().unwrap(), 0)),
        None => {
            let (major, minor) = text.split_once('.').unwrap();
            (false, (major.parse().unwrap(), minor.parse().unwrap()))
        }
    }
}

fn revision_of(kernel: &Object) -> Revision {
    match kernel.series() {
        Some(version) => (true, (version, 0)),
        None => (
            false,
            (kernel.version().0.into(), kernel.version().1.into()),
        ),
    }
}

/// The name that holds in a revision: the only one, or the last pair's of its
/// kind that is not newer.
fn name(names: &str, (is_series, version): Revision) -> Option<&str> {
    if !names.contains(':') {
        return Some(names);
    }
    let holds = |since: &str| {
        let (of_series, first) = revision(since);
        of_series == is_series && first <= version
    };
    let mut pairs = names.split_whitespace().map(|p| p.split_once(':').unwrap());
    let (_, name) = pairs.rfind(|(since, _)| holds(since))?;
    (name != "-").then_some(name)
}

#[test]
fn a_kernel_has_the_operations_that_the_table_names_and_no_other() {
    for kernel in sound() {
        let mut machine = open(&kernel);
        for info in op_table() {
            // SAFETY: the table's strings are C string constants.
            let (role, names) = unsafe { (CStr::from_ptr(info.role), CStr::from_ptr(info.names)) };
            let named = name(names.to_str().unwrap(), revision_of(&kernel));
            // A mask leads to no other folio: there is nothing to change.
            let is_mask = kernel.series().is_none() && kernel.version() >= (7, 2);
            if is_mask && u32::from(info.id) == GD_OP_SET_TAIL {
                continue;
            }
            let p = program(&[folio(0, 1)], &[op(info.id.into(), 1, 0, 0)]);
            let mut trace = Vec::new();
            machine.run(&p, &mut trace);
            let ret = trace
                .iter()
                .find(|r| u32::from(r.kind) == GD_R_RET)
                .unwrap();
            assert_eq!(
                u32::from(ret.a) != GD_RET_ABSENT,
                // what can be changed can be everywhere, of use or not
                named.is_some() || info.effect.kind == gd_effect_kind::Set,
                "{}: {role:?}, in the table {named:?}",
                kernel.name()
            );
        }
    }
}

#[test]
fn every_version_of_the_series_is_a_known_revision() {
    let mut known = BTreeSet::new();
    for info in csrc::revision_table() {
        // SAFETY: the table's strings are C string constants.
        let text = unsafe { CStr::from_ptr(info.text) }.to_str().unwrap();
        let (is_series, (version, _)) = revision(text);
        if is_series {
            known.insert(version);
        }
    }
    let built: BTreeSet<u32> = csrc::series().iter().map(|s| s.version).collect();
    assert_eq!(built, known);
}
