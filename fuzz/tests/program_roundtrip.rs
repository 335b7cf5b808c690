// SPDX-License-Identifier: GPL-2.0
//! Wire and canonical form: what is written reads back, whatever is read is a
//! program.

use arbitrary::{Arbitrary, Unstructured};
use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_run};
use harness::hooks::{self, NR_HOOKS, Object};
use harness::ops;
use harness::program::{
    self, MAX_ACTS, MAX_FOLIOS, MAX_LIST, MAX_OPS, NO_ACT, NO_FOLIO, NO_OP, NULL, Program, list,
    normalise, page, split_page, walk, wire,
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
fn any_contents() -> impl Strategy<Value = Program> {
    let folios = prop::collection::vec(any_folio(), MAX_FOLIOS);
    let ops = prop::collection::vec(any_op(), MAX_OPS);
    let acts = prop::collection::vec(any_act(), MAX_ACTS);
    let world = any::<(u8, u8, u8, u8, u32)>();
    (world, folios, ops, acts).prop_map(|(world, folios, ops, acts)| {
        let mut p = Program::EMPTY;
        p.0.world.nr_folios = world.0;
        p.0.world.state = world.1;
        p.0.world.nr_ops = world.2 % 40;
        p.0.world.nr_acts = world.3 % 40;
        p.0.world.seq = world.4;
        p.0.folio.copy_from_slice(&folios);
        p.0.op.copy_from_slice(&ops);
        p.0.act.copy_from_slice(&acts);
        p
    })
}

fn normalised() -> impl Strategy<Value = Program> {
    any_contents().prop_map(|mut p| {
        p.normalise();
        p
    })
}

/// Everything that an executor reads is in range.
fn assert_in_range(p: &Program) {
    let world = p.world();
    assert!((1..=MAX_FOLIOS).contains(&usize::from(world.nr_folios)));
    assert!(usize::from(world.nr_ops) <= MAX_OPS);
    assert_eq!(u32::from(world.state) & !abi::GD_W_ALL, 0);
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
fn assert_script_in_range(p: &Program) {
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

proptest! {
    #[test]
    fn normalising_brings_everything_into_range(mut p in any_contents()) {
        p.normalise();
        assert_in_range(&p);
    }

    #[test]
    fn normalising_twice_is_normalising_once(p in normalised()) {
        let mut again = p;
        again.normalise();
        prop_assert_eq!(again, p);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same(p in normalised()) {
        let bytes = p.encode();
        prop_assert_eq!(bytes.len(), p.encoded_len());
        prop_assert_eq!(Program::decode(&bytes), p);
    }

    #[test]
    fn every_byte_string_is_a_program(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let p = Program::decode(&bytes);
        assert_in_range(&p);
        let canonical = p.encode();
        prop_assert_eq!(Program::decode(&canonical), p);
        prop_assert_eq!(Program::decode(&canonical).encode(), canonical);
    }

    #[test]
    fn decoding_does_not_depend_on_what_was_there(
        mut old in any_contents(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        old.decode_into(&bytes);
        prop_assert_eq!(old, Program::decode(&bytes));
    }

    #[test]
    fn records_are_no_longer_than_they_have_to_be(mut p in any_contents()) {
        let len = |p: &Program| usize::from(p.encode()[3]) * 4;
        p.normalise();
        prop_assert_eq!(len(&p) == wire::RECORD_LEN, p.nr_acts() > 0);
        p.remove_acts(0..p.nr_acts());
        for op in p.ops_mut() {
            *op = gd_op { addr: 0, entry: 0, eflags: 0, mm: 0, ..*op };
        }
        p.normalise();
        let bytes = p.encode();
        prop_assert_eq!(len(&p), 32);
        let ops = p.nr_ops() * 32;
        prop_assert_eq!(bytes.len(), wire::WORLD_LEN + p.nr_folios() * wire::FOLIO_LEN + ops);
        prop_assert_eq!(Program::decode(&bytes), p);
    }

    #[test]
    fn longer_records_of_a_later_program_read_as_far_as_they_are_known(p in normalised()) {
        let bytes = p.encode();
        let (head, records) = bytes.split_at(wire::WORLD_LEN + p.nr_folios() * wire::FOLIO_LEN);
        let len = usize::from(bytes[3]) * 4;
        let mut longer = head.to_vec();
        longer[3] += 2;
        for record in records.chunks(len) {
            longer.extend(record);
            longer.extend([0; 8]);
        }
        prop_assert_eq!(Program::decode(&longer), p);
    }

    #[test]
    fn random_walks_are_over_what_the_program_maps(
        bytes in prop::collection::vec(any::<u8>(), 100..2000),
    ) {
        let mut bytes = bytes;
        bytes[0] = wire::VERSION;
        bytes[3] = 0;
        let folios = usize::from(bytes[1].saturating_sub(1)) % MAX_FOLIOS + 1;
        let records = wire::WORLD_LEN + folios * wire::FOLIO_LEN;
        for record in bytes.get_mut(records..).unwrap_or_default().chunks_mut(wire::RECORD_LEN) {
            // not marked to be taken as it is
            if let Some(mods) = record.get_mut(1) {
                *mods &= 0x7f;
            }
        }
        let p = Program::decode(&bytes);
        let all = || (0..p.nr_all()).map(|i| p.any_op(i));
        let spans: Vec<_> = all().filter_map(walk::Span::of).collect();
        for op in all() {
            if walk::is_vma(op.op) {
                prop_assert!(walk::is_plain(op.addr) || op.n == 0);
                prop_assert!((0..=16).contains(&op.n));
            } else if ops::info(op.op).unwrap().has(abi::GD_S_ADDR) {
                prop_assert!(walk::is_plain(op.addr));
                prop_assert!((0..=8).contains(&op.n));
            }
        }
        for act in p.acts() {
            if let Object::Entry(_) = hooks::object(act.hook) {
                let mapped = spans.iter().any(|span| span.covers(act.at_addr));
                prop_assert!(spans.is_empty() || mapped);
            }
            prop_assert!(act.nth <= 4);
        }
    }

    #[test]
    fn removing_an_operation_removes_its_actions(mut p in normalised(), i in 0..32usize) {
        let before = p;
        let is_there = i < p.nr_ops();
        prop_assert_eq!(p.remove_op(i), is_there);
        assert_script_in_range(&p);
        prop_assert_eq!(before.nr_ops() - p.nr_ops(), usize::from(is_there));
        prop_assert_eq!(before.nr_acts() - p.nr_acts(), before.acts_of(i).len());
        let mut again = p;
        again.normalise();
        prop_assert_eq!(again, p);
        if is_there {
            // and putting it back puts them back
            prop_assert!(again.insert_from(i, &before, i));
            prop_assert_eq!(again, before);
        }
    }

    #[test]
    fn inserting_an_operation_leaves_the_script_alone(p in normalised(), i in 0..32usize) {
        let mut longer = p;
        longer.insert_op(i, gd_op { op: abi::GD_OP_GET_PAGE as u8, ..NO_OP });
        longer.normalise();
        assert_script_in_range(&longer);
        let scripted = |p: &Program| -> Vec<(gd_op, Vec<gd_op>)> {
            let some = p.groups().filter(|(_, acts)| !acts.is_empty());
            some.map(|(op, acts)| (*op, acts.iter().map(|act| act.op).collect())).collect()
        };
        prop_assert_eq!(scripted(&longer), scripted(&p));
    }

    #[test]
    fn removing_a_folio_leaves_the_others_operations_alone(mut p in normalised(), i in 0..8usize) {
        let before = p;
        prop_assert_eq!(p.remove_folio(i), i < before.nr_folios() && before.nr_folios() > 1);
        if p != before {
            let name = |p: &Program, page| {
                let (index, offset) = split_page(page);
                p.folios().get(index).map(|f| (*f, offset))
            };
            for k in 0..before.nr_all() {
                for (old, new) in before.any_op(k).run.iter().zip(&p.any_op(k).run) {
                    if split_page(old.page).0 != i {
                        prop_assert_eq!(name(&before, old.page), name(&p, new.page));
                    }
                }
            }
            for (old, new) in before.acts().iter().zip(p.acts()) {
                if hooks::object(old.hook) == Object::Page && split_page(old.at_page).0 != i {
                    prop_assert_eq!(name(&before, old.at_page), name(&p, new.at_page));
                }
            }
            p.normalise();
            assert_in_range(&p);
        }
    }
}

#[test]
fn no_bytes_are_the_smallest_program() {
    assert_eq!(Program::decode(&[]), Program::EMPTY);
    assert_eq!(Program::EMPTY.encode().len(), wire::MIN_LEN);
}

#[test]
fn a_short_record_is_filled_up_with_zeroes() {
    let mut bytes = Program::EMPTY.encode();
    bytes.push(abi::GD_OP_GET_PAGE as u8);
    let p = Program::decode(&bytes);
    assert_eq!(p.nr_ops(), 1);
    assert_eq!(u32::from(p.ops()[0].op), abi::GD_OP_GET_PAGE);
}

#[test]
fn bytes_past_the_last_operation_are_ignored() {
    let mut bytes = Program::EMPTY.encode();
    bytes.resize(wire::MAX_LEN + 100, 1);
    assert_eq!(Program::decode(&bytes).nr_ops(), MAX_OPS);
}

#[test]
fn an_unknown_version_reads_as_the_newest() {
    let mut bytes = Program::EMPTY.encode();
    bytes[0] = 0xee;
    assert_eq!(Program::decode(&bytes), Program::EMPTY);
}

#[test]
fn defined_ids_stand_for_themselves_and_the_others_for_defined_ones() {
    for id in 0..=255 {
        let meant = normalise::op_id(id);
        assert!(ops::info(meant).is_some());
        assert!(ops::info(id).is_none() || meant == id);
    }
    // the undefined bytes are spread over the table
    let mut meant: Vec<u8> = (0..=255).map(normalise::op_id).collect();
    meant.sort();
    let most = meant.chunk_by(|a, b| a == b).map(<[u8]>::len).max();
    assert!(most < Some(20), "{most:?} bytes for one operation");
}

#[test]
fn offsets_past_the_folio_survive_the_wire() {
    let mut p = Program::EMPTY;
    for offset in [1, 1024, 2047] {
        let mut op = gd_op {
            op: abi::GD_OP_GET_PAGE as u8,
            ..NO_OP
        };
        op.run[0].page = page(0, offset);
        p.push_op(op);
    }
    p.normalise();
    assert_eq!(split_page(p.ops()[2].run[0].page), (0, 2047));
    assert_eq!(Program::decode(&p.encode()), p);
}

#[test]
fn a_list_drops_empty_runs_and_is_bounded() {
    let run = |page, len| gd_run { page, len };
    let mut p = Program::EMPTY;
    p.push_op(gd_op {
        op: abi::GD_OP_UNPIN_USER_PAGES as u8,
        run: [run(page(0, 5), 0), run(NULL, 1000), run(0, 0), run(0, 500)],
        ..NO_OP
    });
    p.normalise();
    let op = &p.ops()[0];
    assert_eq!((op.run[0].page, op.run[0].len), (NULL, 1000));
    assert_eq!((op.run[1].page, op.run[1].len), (0, 24));
    assert_eq!(list::entries(op).count(), MAX_LIST);
}

#[test]
fn npages_that_says_what_the_list_says_is_dropped() {
    let mut p = Program::EMPTY;
    let mut op = gd_op {
        op: abi::GD_OP_UNPIN_USER_PAGES as u8,
        mods: abi::GD_MOD_N as u8,
        n: 3,
        ..NO_OP
    };
    op.run[0].len = 3;
    p.push_op(op);
    op.n = -1;
    p.push_op(op);
    p.normalise();
    assert_eq!((p.ops()[0].mods, p.ops()[0].n), (0, 0));
    assert_eq!(list::npages(&p.ops()[0]), 3);
    assert_eq!(list::npages(&p.ops()[1]), u64::MAX);
}

#[test]
fn one_folio_only_is_the_zero_page() {
    let zero = gd_folio {
        kind: abi::GD_K_ZERO as u8,
        order: 3,
        pin: 7,
        ..NO_FOLIO
    };
    let mut p = Program::EMPTY;
    p.0.folio[0] = zero;
    p.push_folio(zero);
    p.normalise();
    let kinds: Vec<_> = p
        .folios()
        .iter()
        .map(|f| (u32::from(f.kind), f.order, f.pin))
        .collect();
    assert_eq!(kinds, [(abi::GD_K_ZERO, 0, 0), (abi::GD_K_NORMAL, 0, 0)]);
}

#[test]
fn arbitrary_takes_the_bytes_as_they_are() {
    let mut rng = program::rng::Rng::new(3);
    let profile = program::profile::Profile::new(ops::Rev::V6_1);
    let p = program::generate::program(&mut rng, &profile);
    let bytes = p.encode();
    assert_eq!(
        Program::arbitrary(&mut Unstructured::new(&bytes)).unwrap(),
        p
    );
    assert_eq!(
        Program::arbitrary_take_rest(Unstructured::new(&bytes)).unwrap(),
        p
    );
}
