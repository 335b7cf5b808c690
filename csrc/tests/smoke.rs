// SPDX-License-Identifier: GPL-2.0
//! Every linked kernel starts, takes a pin and gives it back.

use csrc::{abi::*, kernels};

fn op(id: u32, n: i32, foll: u32, page: u16) -> gd_op {
    let mut op = gd_op {
        op: id as u8,
        n,
        foll,
        ..Default::default()
    };
    op.run[0] = gd_run { page, len: 1 };
    op
}

#[test]
fn a_pin_of_a_tail_goes_to_the_head_and_back() {
    for kernel in kernels().iter().filter(|k| k.control().is_none()) {
        let mut machine = kernel.open(&|_| 0).unwrap();
        let mut p = gd_program {
            world: gd_world {
                nr_folios: 1,
                state: 0,
                nr_ops: 2,
                seq: 0,
            },
            ..Default::default()
        };
        p.folio[0] = gd_folio {
            order: 4,
            ref_: 1,
            mapping: GD_M_FILE as u8,
            ..Default::default()
        };
        p.op[0] = op(GD_OP_GRAB_FAST, 3, 1 << GD_FOLL_PIN, 5);
        p.op[1] = op(GD_OP_UNPIN_USER_PAGE, 0, 0, 7);
        let mut trace = Vec::new();
        machine.run(&p, &mut trace);
        let counts: Vec<_> = trace
            .iter()
            .filter(|r| u32::from(r.kind) == GD_R_PAGE)
            .map(|r| (r.d as u32, (r.d >> 32) as u32))
            .collect();
        assert_eq!(counts, [(4, 3), (3, 2)], "{}: {trace:x?}", kernel.name());
        let again = trace.clone();
        machine.run(&p, &mut trace);
        assert_eq!(again, trace, "{}: not deterministic", kernel.name());
    }
}

#[test]
fn a_fault_is_an_outcome() {
    for kernel in kernels().iter().filter(|k| k.control().is_none()) {
        let mut machine = kernel.open(&|_| 0).unwrap();
        let mut p = gd_program {
            world: gd_world {
                nr_folios: 1,
                state: 1,
                nr_ops: 1,
                seq: 0,
            },
            ..Default::default()
        };
        p.folio[0] = gd_folio {
            ref_: 1,
            ..Default::default()
        };
        for (index, id) in [
            (GD_I_NULL, GD_OP_PUT_PAGE),
            (GD_I_POISON, GD_OP_PUT_PAGE),
            (GD_I_NULL, GD_OP_FOLIO_PUT),
        ] {
            p.op[0] = op(id, 0, 0, (index << GD_RUN_SHIFT) as u16);
            let mut trace = Vec::new();
            machine.run(&p, &mut trace);
            let end = trace.last().unwrap();
            assert_eq!(
                (u32::from(end.kind), u32::from(end.a)),
                (GD_R_END, GD_END_OOPS)
            );
        }
    }
}

#[test]
fn sites_are_listed() {
    for kernel in kernels().iter().filter(|k| k.control().is_none()) {
        let sites = kernel.sites();
        println!(
            "{}: {} sites, {} gaps",
            kernel.name(),
            sites.len(),
            kernel.gaps().len()
        );
        assert!(
            sites
                .iter()
                .any(|s| s.func == "try_get_folio" && s.ordinal == 0)
        );
    }
}
