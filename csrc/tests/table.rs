// SPDX-License-Identifier: GPL-2.0
//! The table of operations says which kernel has which function, and the C side
//! must have just those: nothing else tells when a kernel's entry is forgotten.

mod common;

use common::{folio, op, open, program, sound};
use csrc::{Object, abi::*, op_table};
use std::ffi::CStr;

/// Revisions in the table's order: the series comes before all kernels.
fn revision(text: &str) -> (u32, u32) {
    match text.strip_prefix('v') {
        Some(version) => (0, version.parse().unwrap()),
        None => {
            let (major, minor) = text.split_once('.').unwrap();
            (major.parse().unwrap(), minor.parse().unwrap())
        }
    }
}

fn revision_of(kernel: &Object) -> (u32, u32) {
    match kernel.series() {
        Some(version) => (0, version),
        None => (kernel.version().0.into(), kernel.version().1.into()),
    }
}

/// The name that holds in a revision: the last pair's that is not newer.
fn name(names: &str, at: (u32, u32)) -> Option<&str> {
    names
        .split_whitespace()
        .map(|pair| pair.split_once(':').unwrap())
        .take_while(|(since, _)| revision(since) <= at)
        .last()
        .map(|(_, name)| name)
        .filter(|name| *name != "-")
}

#[test]
fn a_kernel_has_the_operations_that_the_table_names_and_no_other() {
    for kernel in sound() {
        let mut machine = open(&kernel);
        for info in op_table() {
            // SAFETY: the table's strings are C string constants.
            let (role, names) = unsafe { (CStr::from_ptr(info.role), CStr::from_ptr(info.names)) };
            let named = name(names.to_str().unwrap(), revision_of(&kernel));
            let p = program(&[folio(0, 1)], &[op(info.id.into(), 1, 0, 0)]);
            let mut trace = Vec::new();
            machine.run(&p, &mut trace);
            let ret = trace
                .iter()
                .find(|r| u32::from(r.kind) == GD_R_RET)
                .unwrap();
            assert_eq!(
                u32::from(ret.a) != GD_RET_ABSENT,
                named.is_some(),
                "{}: {role:?}, in the table {named:?}",
                kernel.name()
            );
        }
    }
}
