// SPDX-License-Identifier: GPL-2.0
//! Every side starts, takes a pin and gives it back.

use crate::common::{folio, op, open, program, sound};
use csrc::abi::*;

#[test]
fn a_pin_of_a_tail_goes_to_the_head_and_back() {
    for kernel in sound() {
        let mut machine = open(&kernel);
        let p = program(
            &[folio(4, 1)],
            &[
                op(GD_OP_GRAB_FAST, 3, 1 << GD_FOLL_PIN, 5),
                op(GD_OP_UNPIN_USER_PAGE, 0, 0, 7),
            ],
        );
        let mut trace = Vec::new();
        machine.run(&p, &mut trace);
        let counts: Vec<_> = trace
            .iter()
            .filter(|r| u32::from(r.kind) == GD_R_PAGE)
            .map(|r| (r.d as u32, (r.d >> 32) as u32))
            .collect();
        // the series has no pin count yet
        let expected = match kernel.series() {
            None => [(4, 3), (3, 2)],
            Some(_) => [(1 + 3 * 1024, 0), (1 + 2 * 1024, 0)],
        };
        assert_eq!(counts, expected, "{}: {trace:x?}", kernel.name());
        let again = trace.clone();
        machine.run(&p, &mut trace);
        assert_eq!(again, trace, "{}: not deterministic", kernel.name());
    }
}

#[test]
fn a_fault_is_an_outcome() {
    for kernel in sound() {
        let mut machine = open(&kernel);
        for (index, id) in [
            (GD_I_NULL, GD_OP_PUT_PAGE),
            (GD_I_POISON, GD_OP_PUT_PAGE),
            (GD_I_NULL, GD_OP_UNPIN_USER_PAGE),
        ] {
            let p = program(
                &[folio(0, 1)],
                &[op(id, 0, 0, (index << GD_RUN_SHIFT) as u16)],
            );
            let mut trace = Vec::new();
            machine.run(&p, &mut trace);
            let end = trace.last().unwrap();
            assert_eq!(
                (u32::from(end.kind), u32::from(end.a)),
                (GD_R_END, GD_END_OOPS),
                "{}",
                kernel.name()
            );
        }
    }
}

#[test]
fn sites_are_listed() {
    for kernel in sound() {
        let sites = kernel.sites();
        println!(
            "{}: {} sites, {} gaps",
            kernel.name(),
            sites.len(),
            kernel.gaps().len()
        );
        // Before there were folios, and later.
        let known = ["try_get_compound_head", "try_get_folio"];
        let there = known.map(|name| sites.iter().any(|s| s.func == name && s.ordinal == 0));
        assert!(there[0] != there[1], "{}", kernel.name());
    }
}
