// SPDX-License-Identifier: GPL-2.0
//! Drawing and changing programs.

use std::collections::HashSet;

use csrc::abi::{self, gd_act, gd_op};
use harness::hooks::{self, Answer};
use harness::layer;
use harness::ops;
use harness::program::generate;
use harness::program::profile::{Focus, Profile};
use harness::program::rng::Rng;
use harness::program::{MAX_OPS, Program, mutate, walk, wire};
use harness::rev::Rev;

fn is_normalised(p: &Program) -> bool {
    let mut again = *p;
    again.normalise();
    again == *p
}

fn programs(rev: Rev, count: u64) -> Vec<Program> {
    programs_of(rev, Focus::Page, count)
}

fn programs_of(rev: Rev, focus: Focus, count: u64) -> Vec<Program> {
    let profile = Profile::new(rev).focus(focus);
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
    for rev in Rev::kernels() {
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
    let most = |focus: Focus| match focus {
        Focus::Page => ops::Layer::Page,
        Focus::Lockless => ops::Layer::Lockless,
        Focus::Slow | Focus::All => ops::Layer::Slow,
    };
    let both = |rev| Focus::ALL.map(|focus| (rev, focus));
    for (rev, focus) in Rev::kernels().flat_map(both) {
        let count = if focus == Focus::Slow { 12_000 } else { 3000 };
        let drawn: HashSet<u8> = programs_of(rev, focus, count)
            .iter()
            .flat_map(|p| p.ops().iter().map(|op| op.op).collect::<Vec<_>>())
            .collect();
        for op in ops::table() {
            let exists = op.name(rev).is_some() && op.layer <= most(focus);
            let drawn = drawn.contains(&op.id);
            assert_eq!(drawn, exists, "{} in {rev}, {focus:?}", op.role);
        }
    }
}

#[test]
fn the_series_has_no_walk() {
    for focus in Focus::ALL {
        let profile = Profile::new(Rev::V9).focus(focus);
        assert_eq!(profile.focus, Focus::Page);
        let mut rng = Rng::new(3);
        for _ in 0..300 {
            let p = generate::program(&mut rng, &profile);
            assert!(
                p.ops()
                    .iter()
                    .all(|op| u32::from(op.op) < abi::GD_OP_SET_TAIL)
            );
        }
    }
}

#[test]
fn walks_are_a_quarter_of_the_operations_and_half_of_them_are_disturbed() {
    for rev in Rev::kernels() {
        let programs = programs_of(rev, Focus::Lockless, 3000);
        assert!(programs.iter().all(is_normalised));
        let count = |f: &dyn Fn(&Program, usize) -> bool| -> usize {
            let of = |p: &Program| (0..p.nr_ops()).filter(|i| f(p, *i)).count();
            programs.iter().map(of).sum()
        };
        let all: usize = programs.iter().map(Program::nr_all).sum();
        let calls = count(&|p, i| walk::is_call(p.ops()[i].op));
        let disturbed = count(&|p, i| walk::is_call(p.ops()[i].op) && !p.acts_of(i).is_empty());
        assert!((18..32).contains(&(calls * 100 / all)), "{calls} of {all}");
        assert!(disturbed * 2 >= calls, "{disturbed} of {calls}");
        assert!(programs.iter().all(|p| p.nr_folios() <= 4));
    }
}

#[test]
fn of_all_programs_a_third_each_are_walks_and_slow() {
    let programs = programs_of(Rev::V6_1, Focus::All, 3000);
    let (slow, others): (Vec<_>, Vec<_>) = programs.iter().partition(|p| layer::is_slow(p));
    let walks = |p: &&&Program| p.ops().iter().any(|op| walk::set_level(op.op).is_some());
    let walks = others.iter().filter(walks).count();
    assert!((900..1100).contains(&slow.len()), "{}", slow.len());
    assert!((900..1100).contains(&walks), "{walks}");
}

/// Without the slow path's entry points half of the programs are walks.
#[test]
fn without_a_slow_path_none_is_drawn() {
    let profile = Profile::new(Rev::V6_12)
        .focus(Focus::All)
        .retain(|op| op.layer != ops::Layer::Slow);
    let mut rng = Rng::new(1);
    let programs: Vec<_> = (0..2000)
        .map(|_| generate::program(&mut rng, &profile))
        .collect();
    assert!(!programs.iter().any(layer::is_slow));
    let walks = |p: &&Program| p.ops().iter().any(|op| walk::set_level(op.op).is_some());
    let walks = programs.iter().filter(walks).count();
    assert!((900..1100).contains(&walks), "{walks}");
}

#[test]
fn slow_programs_have_vmas_and_answered_faults() {
    for rev in Rev::kernels() {
        let programs = programs_of(rev, Focus::Slow, 3000);
        assert!(
            programs
                .iter()
                .all(|p| is_normalised(p) && layer::is_slow(p))
        );
        let count = |f: &dyn Fn(&gd_op) -> bool| -> usize {
            let of = |p: &Program| p.ops().iter().filter(|op| f(op)).count();
            programs.iter().map(of).sum()
        };
        let calls = count(&|op| walk::is_slow(op.op));
        let vmas = count(&|op| walk::is_vma(op.op));
        assert!(calls > 2 * programs.len(), "{calls}");
        assert!(vmas > programs.len(), "{vmas}");
        let answers = |acts: &[gd_act]| {
            let at_fault = |act: &&gd_act| u32::from(act.hook) == abi::GD_HOOK_FAULT;
            acts.iter()
                .filter(at_fault)
                .any(|act| u32::from(act.op.op) == abi::GD_OP_ANSWER)
        };
        let answered = programs
            .iter()
            .flat_map(|p| p.groups())
            .filter(|(op, acts)| walk::is_slow(op.op) && answers(acts))
            .count();
        assert!(answered * 3 > calls, "{answered} of {calls}");
    }
}

#[test]
fn vmas_of_all_kinds_with_all_flags_are_drawn() {
    let mut kinds = HashSet::new();
    let mut flags = 0;
    let mut bits = 0;
    for p in programs_of(Rev::V6_12, Focus::Slow, 2000) {
        for op in p.ops().iter().filter(|op| walk::is_vma(op.op)) {
            kinds.insert(op.entry);
            flags |= op.val;
        }
        for act in p.acts() {
            if u32::from(act.hook) == abi::GD_HOOK_FAULT
                && u32::from(act.op.op) == abi::GD_OP_ANSWER
            {
                bits |= act.op.val;
            }
        }
    }
    assert_eq!(kinds.len(), abi::GD_NR_VMA_KINDS as usize);
    assert_eq!((flags, bits), (walk::VM_FLAGS, hooks::FAULTS));
}

#[test]
fn every_hook_point_is_drawn_with_every_change() {
    let lockless = |hook: u32| hook <= abi::GD_HOOK_SLOW;
    every_change_at(Focus::Lockless, ops::Layer::Lockless, lockless);
    let slow = |hook: u32| hook > abi::GD_HOOK_SLOW;
    every_change_at(Focus::Slow, ops::Layer::Slow, slow);
}

/// Draws programs until every hook point in question had every change, which 38,000 to 64,000
/// programs of the slow path did for eight seeds.
fn every_change_at(focus: Focus, most: ops::Layer, wanted: fn(u32) -> bool) {
    let mut missing = HashSet::new();
    for hook in hooks::table()[1..].iter().filter(|h| wanted(h.id.into())) {
        let can = |op: &&ops::OpInfo| op.can_be_scripted() && op.layer <= most;
        for op in ops::table().iter().filter(can) {
            // what answers no call is drawn too, but nobody needs it
            let means_nothing =
                u32::from(op.id) == abi::GD_OP_ANSWER && hook.answer == Answer::None;
            if !means_nothing {
                missing.insert((hook.id, op.id));
            }
        }
    }
    let profile = Profile::new(Rev::V6_12).focus(focus);
    let mut rng = Rng::new(1);
    for _ in 0..300_000 {
        for act in generate::program(&mut rng, &profile).acts() {
            missing.remove(&(act.hook, act.op.op));
        }
        if missing.is_empty() {
            return;
        }
    }
    let words = |(hook, op): &(u8, u8)| {
        let op = ops::info(*op).map_or("?", |op| op.role);
        format!("{op} at {}", hooks::info(*hook).map_or("?", |h| h.text))
    };
    panic!("{:?}", missing.iter().map(words).collect::<Vec<_>>());
}

#[test]
fn entries_of_all_kinds_with_all_flags_are_drawn_at_all_levels() {
    let mut kinds = HashSet::new();
    let mut flags = HashSet::new();
    for p in programs_of(Rev::V6_1, Focus::Lockless, 5000) {
        for op in p.ops() {
            if let Some(level) = walk::set_level(op.op) {
                kinds.insert((level, op.entry));
                for flag in 0..abi::GD_NR_ENTRY_FLAGS {
                    if op.eflags & 1 << flag != 0 {
                        flags.insert((level, op.entry, flag));
                    }
                }
            }
        }
    }
    // NONE everywhere; tables above PTE level; the others below the top
    assert_eq!(kinds.len(), 4 + 3 + 3 * 3, "{kinds:?}");
    let pages = abi::GD_NR_ENTRY_FLAGS as usize;
    for level in [walk::Level::Pte, walk::Level::Pmd, walk::Level::Pud] {
        let page = |f: &&(walk::Level, u8, u32)| f.0 == level && f.1 == abi::GD_E_PAGE as u8;
        assert_eq!(flags.iter().filter(page).count(), pages, "{level:?}");
    }
}

#[test]
fn calls_have_counts_and_addresses_of_all_kinds() {
    let mut counts = HashSet::new();
    let (mut unaligned, mut beyond, mut foreign, mut null) = (0, 0, 0, 0);
    for p in programs_of(Rev::V6_1, Focus::Lockless, 5000) {
        for op in p.ops().iter().filter(|op| walk::is_call(op.op)) {
            counts.insert(op.n);
            unaligned += usize::from(!op.addr.is_multiple_of(walk::PAGE_SIZE));
            beyond += usize::from(op.addr >= walk::TASK_SIZE_MAX);
            foreign += usize::from(op.addr >> 48 != 0);
            null += usize::from(u32::from(op.mods) & abi::GD_MOD_NULL != 0);
        }
    }
    for n in [-1, 0, 1, 2, 8, 512, i32::MAX, i32::MIN] {
        assert!(counts.contains(&n), "{n}");
    }
    for (what, n) in [
        ("unaligned", unaligned),
        ("beyond", beyond),
        ("foreign", foreign),
        ("null", null),
    ] {
        assert!(n > 50, "{what}: {n}");
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
    let both = |rev| Focus::ALL.map(|focus| (rev, focus));
    for (rev, focus) in Rev::kernels().flat_map(both) {
        let profile = Profile::new(rev).focus(focus);
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
fn crossed_programs_keep_operations_and_actions_together() {
    let profile = Profile::new(Rev::V6_1).focus(Focus::Lockless);
    let parents = programs_of(Rev::V6_1, Focus::Lockless, 100);
    let mut rng = Rng::new(12);
    let (mut whole, mut all) = (0, 0);
    for _ in 0..2000 {
        let (a, b) = (&parents[rng.below(100)], &parents[rng.below(100)]);
        let child = mutate::crossover(a, b, &mut rng, &profile);
        assert!(is_normalised(&child));
        let groups = |p: &Program| -> Vec<Vec<u8>> {
            let scripted = p.groups().filter(|(_, acts)| !acts.is_empty());
            scripted
                .map(|(op, acts)| {
                    let ids = acts.iter().map(|act| act.op.op);
                    std::iter::once(op.op).chain(ids).collect()
                })
                .collect()
        };
        let known = [groups(a), groups(b)].concat();
        for group in groups(&child) {
            all += 1;
            whole += usize::from(known.contains(&group));
        }
    }
    // the last one may be cut where the program is full
    assert!(whole * 20 > all * 19, "{whole} of {all}");
}

#[test]
fn mutated_bytes_fit_and_are_canonical() {
    let profile = Profile::new(Rev::V6_1).focus(Focus::All);
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
    let profile = Profile::new(Rev::V6_12).focus(Focus::All);
    let parents = programs_of(Rev::V6_12, Focus::All, 50);
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
    let only = |op: &ops::OpInfo| !op.is_change && op.layer == ops::Layer::Page;
    let profile = Profile::new(Rev::V6_1).retain(only);
    let mut rng = Rng::new(6);
    for _ in 0..500 {
        let p = generate::program(&mut rng, &profile);
        assert!(p.ops().iter().all(|op| ops::info(op.op).is_some_and(only)));
    }
}
