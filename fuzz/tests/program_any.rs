// SPDX-License-Identifier: GPL-2.0
//! Programs of any contents, and what is in range in one that was normalised.

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_run};
use harness::hooks::{self, NR_HOOKS, Object};
use harness::ops;
use harness::program::{
    MAX_ACTS, MAX_FOLIOS, MAX_LIST, MAX_OPS, NO_ACT, NO_FOLIO, NO_OP, Program, list, split_page,
    walk,
};
use harness::world::folio;
use proptest::prelude::*;

fn any_folio() -> impl Strategy<Value = gd_folio> {
    let small = any::<(u8, u8, u8, u8, u8, u8, u16)>();
    (small, any::<(u32, i32, i32)>()).prop_map(|(small, (flags, ref_, pin))| gd_folio {
        order: small.0,
        kind: small.1,
        mapping: small.2,
        movable: small.3,
        migratetype: small.4,
        exclusive: small.5,
        pad: small.6,
        flags,
        ref_,
        pin,
    })
}

fn any_op() -> impl Strategy<Value = gd_op> {
    let runs = prop::array::uniform4(any::<(u16, u16)>());
    let defined = prop::sample::select(ops::table().iter().map(|op| op.id).collect::<Vec<_>>());
    let id = prop_oneof![defined, any::<u8>()];
    let fields = any::<(u8, u16, u32, i32, i32)>();
    (id, fields, runs, any_walk()).prop_map(|(op, (mods, arg, foll, n, val), runs, walk)| gd_op {
        op,
        mods,
        arg,
        foll,
        n,
        val,
        run: runs.map(|(page, len)| gd_run {
            page,
            len: if page % 3 == 0 { len } else { len % 9 },
        }),
        ..walk
    })
}

fn any_address() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), prop::sample::select(&walk::ANCHORS[..])]
}

/// The fields of page tables, mostly as they could be.
fn any_walk() -> impl Strategy<Value = gd_op> {
    let small = (0..abi::GD_NR_ENTRY_KINDS as u8, any::<u16>());
    (any_address(), small, any::<u8>()).prop_map(|(addr, (entry, eflags), odd)| gd_op {
        addr,
        entry: if odd % 16 == 0 { odd } else { entry },
        mm: odd % 3,
        pad2: odd.into(),
        eflags: if odd % 3 == 0 { eflags } else { eflags % 4 },
        ..NO_OP
    })
}

/// An action, with an owner that there may be.
fn any_act() -> impl Strategy<Value = gd_act> {
    let hook = prop_oneof![(0..NR_HOOKS as u8, 0..4u8), any::<(u8, u8)>()];
    let owner = prop_oneof![0..MAX_OPS as u8, any::<u8>()];
    let world = ops::table().iter().filter(|op| op.is_change);
    let world = prop::sample::select(world.map(|op| op.id).collect::<Vec<_>>());
    let at = (any::<u16>(), any_address());
    (
        owner,
        hook,
        at,
        any_op(),
        prop_oneof![3 => world, 1 => any::<u8>()],
    )
        .prop_map(|(owner, (hook, nth), (at_page, at_addr), op, id)| gd_act {
            owner,
            hook,
            nth,
            pad: nth,
            at_page,
            pad2: at_page,
            at_addr,
            op: gd_op { op: id, ..op },
        })
}

/// Any contents at all, in range or not.
pub fn any_contents() -> impl Strategy<Value = Program> {
    let folios = prop::collection::vec(any_folio(), MAX_FOLIOS);
    let ops = prop::collection::vec(any_op(), MAX_OPS);
    let acts = prop::collection::vec(any_act(), MAX_ACTS);
    let world = any::<(u8, u8, u8, u8, u32, u32)>();
    (world, folios, ops, acts).prop_map(|(world, folios, ops, acts)| {
        let mut p = Program::EMPTY;
        p.0.world.nr_folios = world.0;
        p.0.world.state = world.1;
        p.0.world.nr_ops = world.2 % 40;
        p.0.world.nr_acts = world.3 % 40;
        p.0.world.seq = world.4;
        p.0.world.pkru = if world.5 & 1 << 31 == 0 { 0 } else { world.5 };
        p.0.folio.copy_from_slice(&folios);
        p.0.op.copy_from_slice(&ops);
        p.0.act.copy_from_slice(&acts);
        p
    })
}

pub fn normalised() -> impl Strategy<Value = Program> {
    any_contents().prop_map(|mut p| {
        p.normalise();
        p
    })
}

/// Everything that an executor reads is in range.
pub fn assert_in_range(p: &Program) {
    let world = p.world();
    assert!((1..=MAX_FOLIOS).contains(&usize::from(world.nr_folios)));
    assert!(usize::from(world.nr_ops) <= MAX_OPS);
    assert_eq!(u32::from(world.state) & !abi::GD_W_ALL, 0);
    assert_eq!(world.pkru & !abi::GD_PKRU_ALL, 0);
    for (i, f) in p.0.folio.iter().enumerate() {
        assert!(u32::from(f.order) < abi::GD_NR_ORDERS);
        assert!(u32::from(f.kind) < abi::GD_NR_KINDS);
        assert!(u32::from(f.mapping) < abi::GD_NR_MAPPINGS);
        assert!(u32::from(f.migratetype) < abi::GD_NR_MIGRATETYPES);
        assert!(f.movable <= 1 && f.exclusive <= 1 && f.pad == 0);
        assert_eq!(f.flags & !folio::FOLIO_FLAGS, 0);
        assert!(i < p.nr_folios() || *f == NO_FOLIO);
    }
    for op in &p.0.op[p.nr_ops()..] {
        assert_eq!(*op, NO_OP);
    }
    for act in &p.0.act[p.nr_acts()..] {
        assert_eq!(*act, NO_ACT);
    }
    for op in (0..p.nr_all()).map(|i| p.any_op(i)) {
        let info = ops::info(op.op).expect("a defined operation");
        assert_eq!(u32::from(op.mods) & !abi::GD_MOD_ALL, 0);
        assert!(info.has(abi::GD_S_LIST) || list::len(op) == 0);
        assert!(list::len(op) <= MAX_LIST);
        if info.has(abi::GD_S_ARG) {
            assert!(u32::from(op.arg) < info.arg.values());
        }
        for run in &op.run {
            let (index, offset) = split_page(run.page);
            let special = index == abi::GD_I_NULL as usize || index == abi::GD_I_POISON as usize;
            assert!(index < p.nr_folios() || special && offset == 0);
        }
        assert_walk_in_range(p, op);
    }
    assert_script_in_range(p);
}

fn assert_walk_in_range(p: &Program, op: &gd_op) {
    let info = ops::info(op.op).expect("a defined operation");
    assert!(op.mm < if walk::has_mm(op.op) { 2 } else { 1 });
    assert!(info.has(abi::GD_S_ADDR) || op.addr == 0);
    assert!(info.has(abi::GD_S_PAGES) || u32::from(op.mods) & abi::GD_MOD_NULL == 0);
    let to = op.run[1].page;
    assert!(info.has(abi::GD_S_LIST | abi::GD_S_TO) || to == 0);
    match walk::set_level(op.op) {
        None if walk::is_vma(op.op) => assert_vma_in_range(op),
        None => assert_eq!((op.entry, op.eflags), (0, 0)),
        Some(level) => {
            assert_eq!(op.addr & !walk::ADDR_MASK, 0);
            assert!((1..=abi::GD_MAX_SET as i32).contains(&op.n));
            assert!(u32::from(op.entry) < abi::GD_NR_ENTRY_KINDS);
            let is_table = u32::from(op.entry) == abi::GD_E_TABLE;
            assert!(is_table || op.entry == 0 || level != walk::Level::Pgd);
            assert!(!is_table || level != walk::Level::Pte);
            assert!(walk::has_page(op.entry) || op.run[0].page == 0);
            assert!(split_page(op.run[0].page).0 < p.nr_folios());
            let flags = match u32::from(op.entry) {
                abi::GD_E_PAGE => walk::ENTRY_FLAGS,
                abi::GD_E_TABLE => walk::TABLE_FLAGS,
                _ => 0,
            };
            assert_eq!(op.eflags & !flags, 0);
        }
    }
}

/// A VMA is of pages of user space; one that is none says nothing.
fn assert_vma_in_range(op: &gd_op) {
    assert!((0..=walk::MAX_VMA_PAGES).contains(&op.n));
    assert_eq!(op.addr % walk::PAGE_SIZE, 0);
    assert!(op.addr + op.n as u64 * walk::PAGE_SIZE <= walk::TASK_SIZE_MAX);
    assert!(u32::from(op.entry) < abi::GD_NR_VMA_KINDS);
    assert_eq!((op.val & !walk::VM_FLAGS, op.eflags), (0, 0));
    assert!(op.n > 0 || (op.addr, op.entry, op.val) == (0, 0, 0));
}

/// Actions are of the world, and belong to operations that are not.
pub fn assert_script_in_range(p: &Program) {
    let is_world = |op: &gd_op| ops::info(op.op).unwrap().is_change;
    assert!(p.acts().is_sorted_by_key(|act| act.owner));
    for act in p.acts() {
        let hook = hooks::info(act.hook).expect("a hook point");
        assert!(is_world(&act.op) && !is_world(&p.ops()[usize::from(act.owner)]));
        assert!(act.nth > 0 && (act.pad, act.pad2) == (0, 0));
        assert!(split_page(act.at_page).0 < p.nr_folios());
        assert!(hook.object == Object::Page || act.at_page == 0);
        assert!(matches!(hook.object, Object::Entry(_)) || act.at_addr == 0);
        assert_eq!(act.at_addr & !walk::ADDR_MASK, 0);
        if u32::from(act.op.op) == abi::GD_OP_ANSWER {
            assert_eq!(act.op.val, hook.answer.fix(act.op.val));
        }
    }
}
