// SPDX-License-Identifier: GPL-2.0
//! The lockless walk over tables of a program's making, on the kernels alone:
//! what it finds, and what hook points in it are.

use crate::common::{Kernel, folio, open, program, sound};
use csrc::{Machine, abi::*};

const A: u64 = 0x1000_0000;
const WRITE: u32 = 1 << GD_FOLL_WRITE;

fn kernels() -> impl Iterator<Item = Kernel> {
    sound().filter(|k| k.series().is_none())
}

fn set(id: u32, addr: u64, entry: u32, page: u16, n: i32, flags: u16) -> gd_op {
    let mut op = gd_op {
        op: id as u8,
        addr,
        entry: entry as u8,
        eflags: flags,
        n,
        ..Default::default()
    };
    op.run[0].page = page;
    op
}

/// `set_pte addr page rw`
fn pte(addr: u64, page: u16, n: i32) -> gd_op {
    set(GD_OP_SET_PTE, addr, GD_E_PAGE, page, n, 1 << GD_EF_RW)
}

fn walk(id: u32, addr: u64, n: i32, foll: u32) -> gd_op {
    gd_op {
        op: id as u8,
        addr,
        n,
        foll,
        ..Default::default()
    }
}

/// An action at a hook point of the last operation.
fn at(hook: u32, nth: u8, at_addr: u64, op: gd_op) -> gd_act {
    gd_act {
        hook: hook as u8,
        nth,
        at_addr,
        op,
        ..Default::default()
    }
}

/// The program with a script for its last operation.
fn scripted(mut p: gd_program, acts: &[gd_act]) -> gd_program {
    for (to, act) in p.act.iter_mut().zip(acts) {
        *to = gd_act {
            owner: p.world.nr_ops - 1,
            ..*act
        };
    }
    p.world.nr_acts = acts.len() as u8;
    p
}

fn answer(val: i32) -> gd_op {
    gd_op {
        op: GD_OP_ANSWER as u8,
        val,
        ..Default::default()
    }
}

/// Of the last operation: the records of a kind.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    ret: i64,
    entries: Vec<u32>,
    /// (ASK, b)
    asks: Vec<(u32, u16)>,
    /// Actions carried out, in order.
    acts: Vec<u16>,
    /// (page, refcount) of what changed.
    refs: Vec<(u32, i32)>,
    end: u32,
}

fn run(machine: &mut Machine, p: &gd_program) -> Shown {
    let mut trace = Vec::new();
    machine.run(p, &mut trace);
    let again = trace.clone();
    machine.run(p, &mut trace);
    assert_eq!(
        again,
        trace,
        "{}: not deterministic",
        machine.object().release()
    );
    let last = usize::from(p.world.nr_ops) - 1;
    let mut groups = trace.split_inclusive(|r| u32::from(r.kind) == GD_R_RET);
    let mut shown = Shown {
        end: u32::from(trace.last().unwrap().a),
        ..Default::default()
    };
    for r in groups.nth(last).unwrap() {
        match u32::from(r.kind) {
            GD_R_RET => shown.ret = r.d as i64,
            GD_R_ENTRY => shown.entries.push(r.c),
            GD_R_ASK => shown.asks.push((u32::from(r.a), r.b)),
            GD_R_ACT => shown.acts.push(r.b),
            GD_R_PAGE => shown.refs.push((r.c & 0xfffff, r.d as i32)),
            _ => {}
        }
    }
    shown
}

/// The first page of the first declared folio of an order in plain memory.
fn first(order: u32) -> u32 {
    (order * GD_MAX_FOLIOS) << GD_SLOT_SHIFT
}

#[test]
fn what_ptes_map_is_pinned() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let p = program(
            &[folio(2, 1)],
            &[
                pte(A, 1, 3),
                walk(GD_OP_PIN_USER_PAGES_FAST, A + 0x1234, 2, WRITE),
            ],
        );
        let seen = run(&mut machine, &p);
        let head = first(2);
        assert_eq!(seen.ret, 2, "{}: {seen:?}", kernel.name());
        assert_eq!(seen.entries, [head + 2, head + 3]);
        assert_eq!(seen.refs, [(head, 3)]);
        assert_eq!(seen.asks, []);
    }
}

#[test]
fn a_zapped_pte_is_seen_by_the_recheck() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let p = scripted(
            program(
                &[folio(0, 1)],
                &[pte(A, 0, 1), walk(GD_OP_GET_USER_PAGES_FAST_ONLY, A, 1, 0)],
            ),
            &[
                at(
                    GD_HOOK_READ_PTE,
                    2,
                    A,
                    set(GD_OP_SET_PTE, A, GD_E_NONE, 0, 1, 0),
                ),
                at(
                    GD_HOOK_READ_PTE,
                    3,
                    A,
                    set(GD_OP_SET_PTE, A, GD_E_NONE, 0, 1, 0),
                ),
            ],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(seen.ret, 0, "{}: {seen:?}", kernel.name());
        assert_eq!(seen.acts, [0]);
        assert_eq!(seen.refs, []);
    }
}

#[test]
fn a_collapse_is_seen_by_the_recheck_of_the_pmd() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let p = scripted(
            program(
                &[folio(0, 1), folio(9, 1)],
                &[pte(A, 0, 1), walk(GD_OP_GET_USER_PAGES_FAST_ONLY, A, 1, 0)],
            ),
            &[at(
                GD_HOOK_AFTER_REF,
                1,
                0,
                set(GD_OP_SET_PMD, A, GD_E_PAGE, 1 << GD_RUN_SHIFT, 1, 0),
            )],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(seen.ret, 0, "{}: {seen:?}", kernel.name());
        assert_eq!(seen.acts, [0]);
    }
}

#[test]
fn huge_entries_give_the_pages_of_their_block() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let head = first(9);
        let pmd = set(GD_OP_SET_PMD, A, GD_E_PAGE, 0, 1, 1 << GD_EF_RW);
        let p = program(
            &[folio(9, 1)],
            &[pmd, walk(GD_OP_GET_USER_PAGES_FAST, A + 0x3000, 4, WRITE)],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(
            seen.entries,
            [3, 4, 5, 6].map(|i| head + i),
            "{}",
            kernel.name()
        );
        assert_eq!(seen.refs, [(head, 5)]);

        // the first page of the block is what 6.12 grabs
        let mut big = folio(10, 1);
        big.movable = 1;
        let head = ((GD_T_MOVABLE * GD_NR_ORDERS + 10) * GD_MAX_FOLIOS) << GD_SLOT_SHIFT;
        assert_eq!(head & 0x3ffff, 0);
        let pud = set(GD_OP_SET_PUD, 1 << 30, GD_E_PAGE, 0, 1, 1 << GD_EF_RW);
        let p = program(
            &[big],
            &[
                pud,
                walk(GD_OP_GET_USER_PAGES_FAST, (1 << 30) + 0x7000, 2, WRITE),
            ],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(
            seen.entries,
            [head + 7, head + 8],
            "{}: {seen:?}",
            kernel.name()
        );
        assert_eq!(seen.refs, [(head, 3)]);
    }
}

#[test]
fn a_table_ends_and_the_next_one_begins() {
    for kernel in kernels() {
        for edge in [0x20_0000u64, 1 << 30, 1 << 39] {
            let mut machine = open(&kernel);
            let p = program(
                &[folio(2, 1)],
                &[
                    pte(edge - 0x2000, 0, 4),
                    walk(GD_OP_GET_USER_PAGES_FAST, edge - 0x2000, 4, 0),
                ],
            );
            let seen = run(&mut machine, &p);
            assert_eq!(seen.ret, 4, "{} {edge:#x}: {seen:?}", kernel.name());
        }
    }
}

#[test]
fn the_slow_path_is_asked_for_the_rest() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        for (val, ret) in [(-14, 1), (1, 2), (9, 3)] {
            let p = scripted(
                program(
                    &[folio(0, 1)],
                    &[pte(A, 0, 1), walk(GD_OP_GET_USER_PAGES_FAST, A, 3, 0)],
                ),
                &[at(GD_HOOK_SLOW, 1, 0, answer(val))],
            );
            let seen = run(&mut machine, &p);
            assert_eq!(seen.ret, ret, "{}: {seen:?}", kernel.name());
            assert_eq!(seen.asks, [(GD_A_SLOW, 0), (GD_A_SLOW_NR, 0)]);
            assert_eq!(seen.entries[0], first(0));
            assert!(seen.entries[1..].iter().all(|&e| e == GD_NOWHERE));
        }
    }
}

#[test]
fn fork_makes_a_pin_give_everything_back() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let seq = gd_op {
            op: GD_OP_SET_SEQ as u8,
            val: 2,
            ..Default::default()
        };
        let p = scripted(
            program(
                &[folio(0, 1)],
                &[pte(A, 0, 1), walk(GD_OP_PIN_USER_PAGES_FAST, A, 1, 0)],
            ),
            &[at(GD_HOOK_READ_SEQ, 2, 0, seq)],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(seen.ret, -14, "{}: {seen:?}", kernel.name());
        // it stays marked as referenced
        assert_eq!(seen.refs, [(first(0), 1)]);
        assert_eq!(seen.acts, [0]);
    }
}

#[test]
fn a_device_page_needs_its_pagemap() {
    // later no entry is marked as device memory
    for kernel in kernels().filter(|kernel| kernel.version() < (6, 17)) {
        let mut machine = open(&kernel);
        let mut device = folio(0, 1);
        device.kind = GD_K_DEV_FSDAX as u8;
        let entry = set(GD_OP_SET_PTE, A, GD_E_PAGE, 0, 1, 1 << GD_EF_DEVMAP);
        let call = walk(GD_OP_GET_USER_PAGES_FAST_ONLY, A, 1, 0);
        let p = program(&[device], &[entry, call]);
        let seen = run(&mut machine, &p);
        assert_eq!(seen.ret, 1, "{}: {seen:?}", kernel.name());
        assert_eq!(seen.asks, [(GD_A_PAGEMAP, 0), (GD_A_PAGEMAP_PUT, 1)]);
        let p = scripted(
            program(&[device], &[entry, call]),
            &[at(GD_HOOK_PAGEMAP, 1, 0, answer(0))],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(seen.ret, 0);
        assert_eq!(seen.asks, [(GD_A_PAGEMAP, 0)]);
    }
}

#[test]
fn the_range_is_checked_first() {
    for kernel in kernels() {
        let mut machine = open(&kernel);
        let end = (1u64 << 47) - 4096;
        let new = kernel.version() >= (6, 12);
        for (addr, n, ret) in [
            (end - 0x1000, 1, -14), // nothing is mapped: the slow path's answer
            (end, 1, -14),
            (u64::MAX, 1, if new { -75 } else { 0 }),
            (0x1000, -1, if new { -75 } else { 0 }),
            (0x1000, i32::MAX, -14),
        ] {
            let p = program(
                &[folio(0, 1)],
                &[walk(GD_OP_GET_USER_PAGES_FAST, addr, n, 0)],
            );
            let seen = run(&mut machine, &p);
            assert_eq!(seen.ret, ret, "{} {addr:#x} {n}: {seen:?}", kernel.name());
            assert_eq!(seen.end, GD_END_DONE);
        }
    }
}

#[test]
fn a_failing_hook_is_taken_for_success() {
    // a defect of these kernels: the PTE loop's errno says "go on" to its caller
    for kernel in kernels().filter(|kernel| kernel.version() < (7, 2)) {
        let mut machine = open(&kernel);
        let edge = 0x20_0000u64;
        let p = scripted(
            program(
                &[folio(2, 1)],
                &[
                    pte(edge - 0x1000, 0, 2),
                    walk(GD_OP_PIN_USER_PAGES_FAST, edge - 0x1000, 2, 0),
                ],
            ),
            &[at(GD_HOOK_ACCESSIBLE, 1, 0, answer(-5))],
        );
        let seen = run(&mut machine, &p);
        assert_eq!(seen.entries, [first(2) + 1], "{}: {seen:?}", kernel.name());
    }
}
