// SPDX-License-Identifier: GPL-2.0
//! Wire and canonical form: what is written reads back, whatever is read is a
//! program.

use arbitrary::{Arbitrary, Unstructured};
use csrc::abi::{self, gd_folio, gd_op, gd_run};
use harness::hooks::{self, Object};
use harness::ops;
use harness::program::{
    self, MAX_FOLIOS, MAX_LIST, MAX_OPS, NO_FOLIO, NO_OP, NULL, Program, list, normalise, page,
    split_page, walk, wire,
};
use proptest::prelude::*;

use crate::program_any::{any_contents, assert_in_range, assert_script_in_range, normalised};

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
        p.0.world.pkru = 0;
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
        let pkru = if p.world().pkru == 0 { 0 } else { wire::PKRU_LEN };
        let records = wire::WORLD_LEN + pkru + p.nr_folios() * wire::FOLIO_LEN;
        let (head, records) = bytes.split_at(records);
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
