// SPDX-License-Identifier: GPL-2.0
//! The laws of the lockless walk: each sees the trace that breaks it, and says
//! nothing where the walk is right.

use crate::made::*;
use csrc::abi::{self, gd_op};
use harness::accepted::Accepted;
use harness::laws::{Checker, Law};
use harness::ops::Rev;

fn law_on(rev: Rev, made: Made) -> Option<Law> {
    let made = made.end();
    let broken = Checker::default().check(&made.program, rev, &made.trace);
    broken.map(|b| b.law)
}

fn law(made: Made) -> Option<Law> {
    law_on(Rev::V6_1, made)
}

/// P at 0x1000, Q at 0x2000.
fn two(flags: u16) -> Made {
    Made::new()
        .set(pte(0x1000, P, flags))
        .set(pte(0x2000, Q, flags))
}

/// One page is asked for at 0x1000, and `index` is what came.
fn got(made: Made, foll: u32, index: usize) -> Made {
    let records = [
        entry(0, made.page(index, 0)),
        made.moved(index, 0, 1, 0),
        int(1),
    ];
    made.op(get(0x1000, 1, foll), records)
}

/// The same with an action that is carried out.
fn got_with(made: Made, foll: u32, index: usize, other: gd_op) -> Made {
    let by = made.program.nr_acts() as u16;
    let records = [
        act(by),
        entry(0, made.page(index, 0)),
        made.moved(index, 0, 1, 0),
        int(1),
    ];
    made.op(get(0x1000, 1, foll), records)
        .script(meanwhile(other))
}

#[test]
fn a_returned_page_is_one_that_was_mapped() {
    assert_eq!(law(got(two(READ), 0, P)), None);
    let wrong = Some(Law::PagesAreWhatIsMapped);
    assert_eq!(law(got(two(READ), 0, Q)), wrong);
    // Mapped in between, or only before.
    assert_eq!(law(got_with(two(READ), 0, Q, pte(0x1000, Q, READ))), None);
    assert_eq!(law(got_with(two(READ), 0, P, pte(0x1000, Q, READ))), None);
    assert_eq!(law(got_with(two(READ), 0, Q, pte(0x1000, H, READ))), wrong);
    let none = unmap(abi::GD_L_PTE, 0x1000);
    assert_eq!(law(got_with(two(READ), 0, Q, none)), wrong);
    // The next call finds what the last one left.
    let later = got_with(two(READ), 0, P, none);
    let records = [entry(0, later.page(P, 0)), int(1)];
    assert_eq!(law(later.op(get(0x1000, 1, 0), records)), wrong);
}

#[test]
fn nothing_is_claimed_where_the_walk_does_not_look_twice() {
    let pud = unmap(abi::GD_L_PUD, 0);
    assert_eq!(law(got_with(two(READ), 0, Q, pud)), None);
    let pmd = unmap(abi::GD_L_PMD, 0);
    let wrong = Some(Law::PagesAreWhatIsMapped);
    assert_eq!(law(got_with(two(READ), 0, Q, pmd)), wrong);
    // Away and back again: what was read in between may be anything.
    let back = gd_op {
        entry: abi::GD_E_TABLE as u8,
        ..pmd
    };
    let made = two(READ);
    let by = made.program.nr_acts() as u16;
    let records = [
        act(by),
        act(by + 1),
        entry(0, made.page(Q, 0)),
        made.moved(Q, 0, 1, 0),
        int(1),
    ];
    let made = made.op(get(0x1000, 1, 0), records);
    assert_eq!(
        law(made.script(meanwhile(pmd)).script(meanwhile(back))),
        None
    );
}

#[test]
fn blocks_map_their_pages() {
    // Both are in slots of their own, 1024 pages each.
    let block = || Made::new().set(map(abi::GD_L_PMD, 0x20_0000, H, 0, RW));
    let took = |first: u32| {
        let made = block();
        let h = made.page(H, 0);
        let records = [
            entry(0, h + first),
            entry(1, h + first + 1),
            made.moved(H, 0, 2, 0),
            int(2),
        ];
        law(made.op(get(0x20_1000, 2, WRITE), records))
    };
    assert_eq!(took(1), None);
    assert_eq!(took(0), Some(Law::PagesAreWhatIsMapped));
    // Past the folio all references are the first page's: nothing is claimed.
    let made = block();
    let h = made.page(H, 0);
    let entries = (0..6).map(|i| entry(i, h + u32::from(i)));
    let records: Vec<_> = entries.chain([made.moved(H, 0, 6, 0), int(6)]).collect();
    assert_eq!(law(made.op(get(0x20_0000, 6, 0), records)), None);
}

#[test]
fn the_mapping_permits_the_access() {
    let wrong = Some(Law::AccessIsPermitted);
    let flag = |flag: u32| 1 << flag;
    assert_eq!(law(got(two(RW), WRITE, P)), None);
    assert_eq!(law(got(two(READ), WRITE, P)), wrong);
    assert_eq!(law(got_with(two(READ), WRITE, P, pte(0x1000, P, RW))), None);
    assert_eq!(
        law(got_with(two(READ), WRITE, P, pte(0x1000, Q, RW))),
        wrong
    );
    for flags in [
        flag(abi::GD_EF_KERNEL),
        flag(abi::GD_EF_ABSENT),
        flag(abi::GD_EF_SPECIAL),
        flag(abi::GD_EF_ABSENT) | flag(abi::GD_EF_PROTNONE),
    ] {
        assert_eq!(law(got(two(flags), 0, P)), wrong, "{flags:#x}");
    }
    for flags in [
        flag(abi::GD_EF_OLD),
        flag(abi::GD_EF_PROTNONE),
        flag(abi::GD_EF_NX),
    ] {
        assert_eq!(law(got(two(flags), 0, P)), None, "{flags:#x}");
    }
    // 6.1 does not know special blocks.
    let special = flag(abi::GD_EF_SPECIAL);
    let made = || {
        let made = Made::new().set(map(abi::GD_L_PMD, 0, H, 0, special));
        let records = [entry(0, made.page(H, 1)), made.moved(H, 0, 1, 0), int(1)];
        made.op(get(0x1000, 1, 0), records)
    };
    assert_eq!(law_on(Rev::V6_1, made()), None);
    assert_eq!(law_on(Rev::V6_12, made()), wrong);
    // Access is disabled with key 1, writes with key 2.
    let keyed = |key: u16, foll| {
        let mut made = got(two(RW | key << abi::GD_EF_PKEY_BIT0), foll, P);
        made.program.0.world.pkru = 0x24;
        law(made)
    };
    assert_eq!([keyed(1, 0), keyed(1, WRITE), keyed(2, WRITE)], [wrong; 3]);
    assert_eq!([keyed(2, 0), keyed(3, WRITE), keyed(0, WRITE)], [None; 3]);
    // What raw flags ask for is not known.
    let mut raw = got(two(READ), WRITE, P);
    raw.program.0.op[2].mods = abi::GD_MOD_RAW as u8;
    assert_eq!(law(raw), None);
}

#[test]
fn what_is_held_is_what_was_returned() {
    let wrong = Some(Law::HeldIsReturned);
    let took = |refs: i32| {
        let made = two(READ);
        let records = [entry(0, made.page(P, 0)), made.moved(P, 0, refs, 0), int(1)];
        law(made.op(get(0x1000, 1, 0), records))
    };
    assert_eq!((took(1), took(2), took(0)), (None, wrong, wrong));
    // Another page, which is not among those returned.
    let made = two(READ);
    let records = [
        entry(0, made.page(P, 0)),
        made.moved(P, 0, 1, 0),
        made.moved(Q, 0, 1, 0),
        int(1),
    ];
    assert_eq!(law(made.op(get(0x1000, 1, 0), records)), wrong);
    // Somebody else sets the count.
    assert_eq!(law(got_with(two(READ), 0, P, set_ref(P, 5))), None);
    let made = two(READ);
    let by = made.program.nr_acts() as u16;
    let records = [
        act(by),
        entry(0, made.page(P, 0)),
        made.moved(P, 0, 1, 0),
        made.moved(Q, 0, 7, 0),
        int(1),
    ];
    let made = made.op(get(0x1000, 1, 0), records);
    assert_eq!(law(made.script(meanwhile(set_ref(Q, 8)))), None);
}

#[test]
fn pins_are_held_by_the_scheme() {
    let took = |index: usize, refs: i32, pins: i32, acquired: u32| {
        let made = Made::new().set(pte(0x1000, index, RW));
        let moved = made.moved(index, 0, refs, pins);
        let mut records = vec![entry(0, made.page(index, 0))];
        records.extend((refs != 0).then_some(moved));
        records.extend([state(PINNED, acquired, 0), int(1)]);
        law(made.op(pin(0x1000, 1, WRITE), records))
    };
    let wrong = Some(Law::HeldIsReturned);
    assert_eq!(took(P, 1024, 0, 1), None);
    assert_eq!(took(P, 1, 0, 1), wrong);
    assert_eq!(took(P, 1024, 0, 2), wrong);
    assert_eq!(took(H, 1, 1, 1), None);
    assert_eq!(took(H, 1024, 0, 1), wrong);
    assert_eq!(took(Z, 0, 0, 0), None);
    assert_eq!(took(Z, 1024, 0, 1), wrong);
}

#[test]
fn a_walk_that_pins_sets_the_flag() {
    let pinned = |bits: u32| {
        let made = Made::new().set(pte(0x1000, P, RW));
        let records = [
            entry(0, made.page(P, 0)),
            made.moved(P, 0, 1024, 0),
            state(bits, 1, 0),
            int(1),
        ];
        law(made.op(pin(0x1000, 1, 0), records))
    };
    assert_eq!(pinned(PINNED), None);
    assert_eq!(pinned(abi::GD_W_IRQS_ON), Some(Law::HasPinnedIsOneWay));
    assert_eq!(
        pinned(abi::GD_W_HAS_PINNED),
        Some(Law::InterruptsAreRestored)
    );
    // One that does not pin leaves it alone.
    let made = two(READ);
    let records = [state(PINNED, 0, 0), int(-14)];
    let made = made.op(get(0x1000, 1, 0), records);
    assert_eq!(law(made), Some(Law::HasPinnedIsOneWay));
}

#[test]
fn a_walk_that_fails_takes_nothing() {
    let failed = |refs: i32| {
        let made = two(READ);
        let [ask, nr] = slow(0x1000, 1, 0);
        let records = [ask, nr, made.moved(P, 0, refs, 0), int(-14)];
        law(made.op(get(0x1000, 1, 0), records))
    };
    assert_eq!(failed(0), None);
    assert_eq!(failed(1), Some(Law::FailedGrabTakesNothing));
    // A back-out is counted on both sides.
    let made = two(READ);
    let records = [state(PINNED, 3, 3), int(-14)];
    assert_eq!(law(made.op(pin(0x1000, 1, 0), records)), None);
    let made = two(READ);
    let records = [state(PINNED, 3, 2), int(-14)];
    assert_eq!(
        law(made.op(pin(0x1000, 1, 0), records)),
        Some(Law::FailedGrabTakesNothing)
    );
}

#[test]
fn nothing_is_held_where_nothing_was_asked_for() {
    let wrong = Some(Law::NothingAskedNothingHeld);
    let made = two(READ);
    assert_eq!(law(made.op(get(0x1000, 0, 0), [int(0)])), None);
    let made = two(READ);
    let records = [entry(0, made.page(P, 0)), made.moved(P, 0, 1, 0), int(1)];
    assert_eq!(law(made.op(get_only(0x1000, 0, 0), records)), wrong);
    let made = two(READ);
    let records = [made.moved(P, 0, 1, 0), int(0)];
    assert_eq!(law(made.op(get_only(0x1000, 0, 0), records)), wrong);
    // With a negative number there is nothing but an error, or nothing.
    let made = two(READ);
    assert_eq!(law(made.op(get(0x1000, -1, 0), [int(-14)])), None);
    let made = two(READ);
    let records = [entry(0, made.page(P, 0)), int(1)];
    assert_eq!(
        law(made.op(get(0x1000, -1, 0), records)),
        Some(Law::ResultFitsTheCall)
    );
}

/// P at the end of one table, Q at the start of the next: P cannot be made
/// accessible, or can, and Q is what the walk returned.
fn refused(errno: i32) -> Made {
    let made = Made::new()
        .set(pte(0x1f_f000, P, RW))
        .set(pte(0x20_0000, Q, RW));
    let by = made.program.nr_acts() as u16;
    let [ask, nr] = slow(0x20_0000, 1, 0);
    let records = [
        accessible(made.page(P, 0)),
        act(by),
        accessible(made.page(Q, 0)),
        ask,
        nr,
        entry(0, made.page(Q, 0)),
        made.moved(Q, 0, 1024, 0),
        state(PINNED, 2, 1),
        int(1),
    ];
    made.op(pin(0x1f_f000, 2, WRITE), records)
        .script(answer(errno, abi::GD_HOOK_ACCESSIBLE))
}

#[test]
fn a_refusal_ends_the_walk() {
    assert_eq!(law(refused(-5)), Some(Law::RefusalEndsTheWalk));
    // Without one the same is another mistake.
    assert_eq!(law(refused(0)), Some(Law::PagesAreWhatIsMapped));
}

#[test]
fn what_kernels_are_known_to_do_is_on_the_list() {
    for rev in Rev::kernels() {
        let known = |made: Made| {
            let made = made.end();
            let mut accepted = Accepted::default();
            let facts = rev.into();
            let mut known = |b: &_| accepted.is_known(rev, b);
            let mut checker = Checker::default();
            checker.check_but(&made.program, facts, &made.trace, &mut known)
        };
        // 7.2 ends the walk
        if rev < Rev::linux(7, 2) {
            assert_eq!(known(refused(-5)), None);
        }
        let made = two(READ);
        let records = [entry(0, made.page(P, 0)), made.moved(P, 0, 1, 0), int(1)];
        assert_eq!(known(made.op(get_only(0x1000, 0, 0), records)), None);
        assert!(known(refused(0)).is_some());
    }
}

#[test]
fn a_result_fits_the_call() {
    let wrong = Some(Law::ResultFitsTheCall);
    let result = |op: gd_op, rev, result: i64| law_on(rev, two(READ).op(op, [int(result)]));
    assert_eq!(result(get(0x1000, 1, 0), Rev::V6_1, -14), None);
    assert_eq!(result(get(0x1000, 1, 0), Rev::V6_1, 2), wrong);
    assert_eq!(result(get(0x1000, 1, 0), Rev::V6_1, -5000), wrong);
    assert_eq!(result(get_only(0x1000, 1, 0), Rev::V6_1, 0), None);
    assert_eq!(result(get_only(0x1000, 1, 0), Rev::V6_1, -22), wrong);
    assert_eq!(result(get_only(0x1000, 1, 0), Rev::V6_12, -22), None);
}

#[test]
fn the_slow_path_gets_the_rest() {
    let wrong = Some(Law::SlowPathGetsTheRest);
    // P was taken, and two more of three are left; the answer is one page.
    let asked = |start: u64, nr: i64| {
        let made = Made::new().set(pte(0x1000, P, READ));
        let [ask, count] = slow(start, nr, 0);
        let records = [
            ask,
            count,
            act(0),
            entry(0, made.page(P, 0)),
            entry(1, abi::GD_NOWHERE),
            made.moved(P, 0, 1, 0),
            int(2),
        ];
        let made = made.op(get(0x1000, 3, 0), records);
        law(made.script(answer(1, abi::GD_HOOK_SLOW)))
    };
    assert_eq!(asked(0x2000, 2), None);
    assert_eq!(asked(0x2000, 3), wrong);
    assert_eq!(asked(0x1000, 2), wrong);
    // It must be asked, unless the walk is to be fast only.
    let part = |op: gd_op| {
        let made = Made::new().set(pte(0x1000, P, READ));
        let records = [entry(0, made.page(P, 0)), made.moved(P, 0, 1, 0), int(1)];
        law(made.op(op, records))
    };
    assert_eq!(part(get(0x1000, 3, 0)), wrong);
    assert_eq!(part(get_only(0x1000, 3, 0)), None);
    assert_eq!(part(get(0x1000, 3, FAST_ONLY)), None);
}

#[test]
fn a_fast_only_walk_never_sleeps() {
    let wrong = Some(Law::FastOnlyNeverSleeps);
    let asks = |op: gd_op, flags: u32| {
        let [ask, nr] = slow(0x1000, 1, flags);
        law(two(READ).op(op, [ask, nr, int(0)]))
    };
    assert_eq!(asks(get_only(0x1000, 1, 0), 0), wrong);
    assert_eq!(asks(get(0x1000, 1, FAST_ONLY), 0), wrong);
    assert_eq!(asks(get(0x1000, 1, 0), FAST_ONLY), wrong);
    let locks = [
        ask(abi::GD_A_MMAP_LOCK, false, 0),
        ask(abi::GD_A_MMAP_UNLOCK, false, 0),
        int(0),
    ];
    assert_eq!(law(two(READ).op(get_only(0x1000, 1, 0), locks)), wrong);
}

#[test]
fn pagemaps_and_the_lock_balance() {
    let p = Made::new().page(P, 0);
    let pagemap = |given| ask(abi::GD_A_PAGEMAP, given, p);
    let put = |given| ask(abi::GD_A_PAGEMAP_PUT, given, 0);
    let asks = |records: &[_]| {
        let records = records.iter().copied().chain([int(-14)]);
        law(two(READ).op(get(0x1000, 1, 0), records))
    };
    let wrong = Some(Law::PagemapsBalance);
    assert_eq!(asks(&[pagemap(false), pagemap(true), put(true)]), None);
    assert_eq!(asks(&[pagemap(false), put(true), put(false)]), None);
    assert_eq!(asks(&[pagemap(false)]), wrong);
    assert_eq!(asks(&[pagemap(false), pagemap(false), put(true)]), wrong);
    assert_eq!(asks(&[put(true)]), wrong);
    assert_eq!(asks(&[pagemap(true), put(true)]), wrong);
    // Refused: what was passed in is gone.
    let refused = |records: &[_]| {
        let records = records.iter().copied().chain([int(-14)]);
        let made = two(READ).op(get(0x1000, 1, 0), records);
        law(made.script(answer(0, abi::GD_HOOK_PAGEMAP)))
    };
    assert_eq!(
        refused(&[pagemap(false), pagemap(true), act(0), put(false)]),
        None
    );
    assert_eq!(
        refused(&[pagemap(false), pagemap(true), act(0), put(true)]),
        wrong
    );
    // An answer at another hook point is none.
    let made = two(READ).op(
        get(0x1000, 1, 0),
        [pagemap(false), act(0), put(true), int(-14)],
    );
    assert_eq!(law(made.script(answer(0, abi::GD_HOOK_BEFORE_REF))), None);
    let lock = ask(abi::GD_A_MMAP_LOCK, false, 0);
    let unlock = ask(abi::GD_A_MMAP_UNLOCK, false, 0);
    let wrong = Some(Law::MmapLockBalances);
    assert_eq!(asks(&[lock, unlock]), None);
    assert_eq!(asks(&[lock]), wrong);
    assert_eq!(asks(&[unlock, lock]), wrong);
}

#[test]
fn what_others_do_is_not_the_operations() {
    // A page-level operation, and another count of a page that is not its own.
    let made = |came: bool| {
        let made = Made::new();
        let mut records = vec![made.moved(P, 0, 1, 0), made.moved(Q, 0, 4, 0)];
        records.extend(came.then(|| act(0)));
        records.push(ret(abi::GD_RET_VOID, 0));
        let other = at(set_ref(Q, 5), abi::GD_HOOK_BEFORE_REF);
        law(made.op(get_page(P), records).script(other))
    };
    assert_eq!(made(true), None);
    assert_eq!(made(false), Some(Law::OnlyItsFolio));
}

#[test]
fn an_action_is_carried_out_once_and_in_its_operation() {
    let wrong = Some(Law::TraceIsWhole);
    let made = |acts: &[u16]| {
        let records = acts.iter().map(|i| act(*i)).chain([int(-14)]);
        let made = two(READ).op(get(0x1000, 1, 0), records);
        law(made.script(meanwhile(pte(0x1000, Q, READ))))
    };
    assert_eq!((made(&[0]), made(&[])), (None, None));
    assert_eq!(made(&[0, 0]), wrong);
    assert_eq!(made(&[1]), wrong);
}

#[test]
fn nobody_can_tell_the_head_of_a_page_that_became_a_tail_elsewhere() {
    let mut tail = set_ref(P, 0);
    tail.op = abi::GD_OP_SET_TAIL as u8;
    tail.run[1] = set_ref(H, 0).run[0];
    let mut dirty = get_page(P);
    dirty.op = abi::GD_OP_UNPIN_USER_PAGE_RANGE_DIRTY_LOCK as u8;
    dirty.mods = abi::GD_MOD_DIRTY as u8;
    dirty.n = 1;
    let made = Made::new().set(tail);
    let records = [made.moved(H, 0, -1, 0), ret(abi::GD_RET_VOID, 0)];
    assert_eq!(law(made.op(dirty, records)), None);
    let made = Made::new().set(tail);
    let records = [made.moved(H, 0, 1, 0), ret(abi::GD_RET_VOID, 0)];
    assert_eq!(law(made.op(get_page(P), records)), None);
}
