// SPDX-License-Identifier: GPL-2.0
//! Drawing and changing programs.

use std::collections::HashSet;

use csrc::abi;
use gup_fuzz::ops::{self, Rev};
use gup_fuzz::program::generate::{self, Profile};
use gup_fuzz::program::rng::Rng;
use gup_fuzz::program::{MAX_OPS, Program, mutate, wire};

const REVS: [Rev; 2] = [Rev::V6_1, Rev::V6_12];

fn is_normalised(p: &Program) -> bool {
    let mut again = *p;
    again.normalise();
    again == *p
}

fn programs(rev: Rev, count: u64) -> Vec<Program> {
    let profile = Profile::new(rev);
    let mut rng = Rng::new(1);
    (0..count)
        .map(|_| generate::program(&mut rng, &profile))
        .collect()
}

#[test]
fn a_seed_always_draws_the_same_program() {
    let profile = Profile::new(Rev::V6_1);
    let draw = |seed| generate::program(&mut Rng::new(seed), &profile);
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
}

#[test]
fn drawn_programs_are_normalised_and_about_as_long_as_asked() {
    for rev in REVS {
        let programs = programs(rev, 2000);
        assert!(programs.iter().all(is_normalised));
        let total: usize = programs.iter().map(Program::nr_ops).sum();
        let mean = total as f64 / programs.len() as f64;
        assert!((14.0..18.0).contains(&mean), "{mean}");
        let small = programs.iter().filter(|p| p.nr_folios() <= 3).count();
        assert!(small * 10 > programs.len() * 7);
        assert!(programs.iter().any(|p| p.nr_folios() == 8));
    }
}

#[test]
fn every_operation_of_the_revision_is_drawn_and_no_other() {
    for rev in REVS {
        let drawn: HashSet<u8> = programs(rev, 3000)
            .iter()
            .flat_map(|p| p.ops().iter().map(|op| op.op).collect::<Vec<_>>())
            .collect();
        for op in ops::table() {
            let exists = op.name(rev).is_some();
            assert_eq!(drawn.contains(&op.id), exists, "{} in {rev}", op.role);
        }
    }
}

#[test]
fn extreme_counts_are_drawn() {
    let programs = programs(Rev::V6_12, 4000);
    let drawn: HashSet<i32> = programs
        .iter()
        .flat_map(|p| p.ops().iter().map(|op| op.n).collect::<Vec<_>>())
        .collect();
    for n in [0, -1, 1, 2, 1023, 1024, 1025, -1024, i32::MAX, i32::MIN] {
        assert!(drawn.contains(&n), "{n}");
    }
    assert!(
        drawn
            .iter()
            .any(|n| (i32::MAX - 1100..i32::MAX).contains(n))
    );
    let every = |f: fn(&abi::gd_folio) -> u8| -> HashSet<u8> {
        programs
            .iter()
            .flat_map(|p| p.folios().iter().map(f).collect::<Vec<_>>())
            .collect()
    };
    assert_eq!(every(|f| f.order).len(), abi::GD_NR_ORDERS as usize);
    assert_eq!(every(|f| f.kind).len(), abi::GD_NR_KINDS as usize);
    assert_eq!(every(|f| f.mapping).len(), abi::GD_NR_MAPPINGS as usize);
    assert_eq!(
        every(|f| f.migratetype).len(),
        abi::GD_NR_MIGRATETYPES as usize
    );
}

#[test]
fn mutated_programs_are_normalised_and_different() {
    for rev in REVS {
        let profile = Profile::new(rev);
        let mut rng = Rng::new(9);
        let mut p = Program::EMPTY;
        let mut same = 0;
        for _ in 0..20_000 {
            let before = p;
            mutate::mutate(&mut p, &mut rng, &profile);
            assert!(is_normalised(&p));
            same += usize::from(p == before);
        }
        assert!(same < 200, "{same} mutations did nothing");
    }
}

#[test]
fn crossed_programs_are_normalised_and_bounded() {
    let profile = Profile::new(Rev::V6_1);
    let parents = programs(Rev::V6_1, 200);
    let mut rng = Rng::new(2);
    for _ in 0..5000 {
        let (a, b) = (&parents[rng.below(200)], &parents[rng.below(200)]);
        let child = mutate::crossover(a, b, &mut rng, &profile);
        assert!(is_normalised(&child));
        assert!(child.nr_ops() <= MAX_OPS);
    }
}

#[test]
fn mutated_bytes_fit_and_are_canonical() {
    let profile = Profile::new(Rev::V6_1);
    let mut rng = Rng::new(4);
    let mut data = vec![0u8; wire::MAX_LEN];
    let mut size = 0;
    for seed in 0..20_000 {
        let max_size = match seed % 4 {
            0 => rng.below(wire::MAX_LEN + 1),
            _ => wire::MAX_LEN,
        };
        size = mutate::mutate_bytes(&mut data, size, max_size, seed, &profile);
        assert!(size <= max_size);
        if max_size >= wire::MIN_LEN {
            assert_eq!(Program::decode(&data[..size]).encode(), data[..size]);
        }
    }
}

#[test]
fn the_same_seed_mutates_bytes_the_same_way() {
    let profile = Profile::new(Rev::V6_1);
    let start = programs(Rev::V6_1, 1)[0].encode();
    let run = |seed| {
        let mut data = start.clone();
        data.resize(wire::MAX_LEN, 0);
        let size = mutate::mutate_bytes(&mut data, start.len(), wire::MAX_LEN, seed, &profile);
        data.truncate(size);
        data
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}

#[test]
fn crossed_bytes_fit() {
    let profile = Profile::new(Rev::V6_12);
    let parents = programs(Rev::V6_12, 50);
    let mut rng = Rng::new(8);
    for seed in 0..2000 {
        let a = parents[rng.below(50)].encode();
        let b = parents[rng.below(50)].encode();
        let max_size = rng.below(wire::MAX_LEN + 1);
        let mut out = vec![0; max_size];
        let size = mutate::crossover_bytes(&a, &b, &mut out, max_size, seed, &profile);
        assert!(size <= max_size);
        Program::decode(&out[..size]);
    }
}

#[test]
fn a_profile_can_leave_operations_out() {
    let only = |op: &ops::OpInfo| op.layer == ops::Layer::Page;
    let profile = Profile::new(Rev::V6_1).retain(only);
    let mut rng = Rng::new(6);
    for _ in 0..500 {
        let p = generate::program(&mut rng, &profile);
        assert!(p.ops().iter().all(|op| ops::info(op.op).is_some_and(only)));
    }
}
