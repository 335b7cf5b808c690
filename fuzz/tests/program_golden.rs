// SPDX-License-Identifier: GPL-2.0
//! Corpora survive: bytes of older versions mean what they always meant.

use csrc::abi::{self, gd_op};
use harness::program::rng::Rng;
use harness::program::{NO_ACT, Program};
use harness::{ops, program::wire};

/// The operations that there were with version 1 alone, then those of version 2.
const IDS: [(u8, u8); 12] = [
    (0x01, 0x0c),
    (0x10, 0x14),
    (0x18, 0x1b),
    (0x20, 0x25),
    (0x30, 0x39),
    (0x40, 0x4e),
    (0x50, 0x57),
    (0x80, 0x87),
    (0x88, 0x8c),
    (0x60, 0x63),
    (0x8d, 0x8d),
    (0x90, 0x94),
];

/// The page kinds that there were with both.  A larger number is folded into those that
/// there are.
const KINDS: u8 = 10;

/// The hashes of what [`bytes`] meant when the version was the newest one.  Since then a
/// number of pages below -4095, in an answer, has become an errno.
const MEANT: [u64; 2] = [0xd12a_74e4_a77d_d8e0, 0x544d_aca0_0cc2_06f0];

/// Programs of random bytes, in or out of range, that name defined operations.
fn bytes(rng: &mut Rng, version: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..rng.below(1200)).map(|_| rng.next_u32() as u8).collect();
    if bytes.len() < wire::MIN_LEN {
        bytes.resize(wire::MIN_LEN, 0);
    }
    bytes[0] = version;
    let folios = usize::from(bytes[1].saturating_sub(1) % 8 + 1);
    for folio in bytes[wire::WORLD_LEN..]
        .chunks_mut(wire::FOLIO_LEN)
        .take(folios)
    {
        if let Some(kind) = folio.get_mut(1) {
            *kind %= KINDS;
        }
    }
    let ops = bytes.get_mut(8 + 20 * folios..).unwrap_or_default();
    let (len, mark, ids) = match version {
        1 => (32, 1, &IDS[..9]),
        _ => (56, 43, &IDS[..]),
    };
    for op in ops.chunks_mut(len) {
        let (first, last) = rng.pick(ids);
        op[0] = rng.range(first.into(), last.into()) as u8;
        // half of them are marked to be taken as they are
        if let Some(byte) = op.get_mut(mark).filter(|_| rng.chance(1, 2)) {
            *byte = 0xb0 | *byte & 7;
        }
        // half of them have a hook point, if they can
        if version > 1
            && let Some(hook) = op.get_mut(41).filter(|_| rng.chance(1, 2))
        {
            *hook %= 13;
        }
    }
    bytes
}

fn hash(version: u8, mut meaning: impl FnMut(&Program, &mut dyn FnMut(u64))) -> u64 {
    let mut rng = Rng::new(61);
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut say = |value: u64| hash = (hash ^ value).wrapping_mul(0x100_0000_01b3);
    for _ in 0..2000 {
        meaning(&Program::decode(&bytes(&mut rng, version)), &mut say);
    }
    hash
}

fn say_world(p: &Program, say: &mut dyn FnMut(u64)) {
    let w = p.world();
    say(u64::from(w.nr_folios) | u64::from(w.state) << 8 | (p.nr_all() as u64) << 16);
    say(w.seq.into());
    for f in p.folios() {
        let small = [
            f.order,
            f.kind,
            f.mapping,
            f.movable,
            f.migratetype,
            f.exclusive,
        ];
        small.into_iter().for_each(|field| say(field.into()));
        [f.flags, f.ref_ as u32, f.pin as u32]
            .into_iter()
            .for_each(|field| say(field.into()));
    }
}

/// Without the flags that came later: random bytes set those, too.
fn old_flags(op: &gd_op) -> u16 {
    op.eflags & ((1 << abi::GD_EF_PKEY_BIT0) - 1)
}

fn say_op(op: &gd_op, say: &mut dyn FnMut(u64)) {
    say(u64::from(op.op) | u64::from(op.mods) << 8 | u64::from(op.arg) << 16);
    // flags that came later were no flags
    let foll = match u32::from(op.mods) & abi::GD_MOD_RAW {
        0 => op.foll & ((1 << abi::GD_FOLL_SPLIT) - 1),
        _ => op.foll,
    };
    [foll, op.n as u32, op.val as u32]
        .into_iter()
        .for_each(|field| say(field.into()));
    op.run
        .iter()
        .for_each(|run| say(u64::from(run.page) << 16 | u64::from(run.len)));
}

#[test]
fn bytes_of_version_1_mean_what_they_meant() {
    let hash = hash(1, |p, say| {
        say_world(p, say);
        p.ops().iter().for_each(|op| say_op(op, say));
    });
    assert_eq!(hash, MEANT[0], "{hash:#x}");
}

/// In version 2 answers had no type; those that have changed are told apart here.
#[test]
fn bytes_of_version_2_mean_what_they_meant() {
    let hash = hash(2, |p, say| {
        say_world(p, say);
        for (op, acts) in p.groups() {
            let owner = (&NO_ACT, op);
            for (act, op) in std::iter::once(owner).chain(acts.iter().map(|act| (act, &act.op))) {
                say_op(op, say);
                say(op.addr);
                say(u64::from(op.entry) | u64::from(old_flags(op)) << 8);
                say(u64::from(act.hook) | u64::from(act.nth) << 8);
                say(act.at_addr ^ u64::from(act.at_page) << 48);
            }
        }
    });
    assert_eq!(hash, MEANT[1], "{hash:#x}");
}

#[test]
fn the_operations_of_older_versions_are_still_there() {
    for id in IDS.iter().flat_map(|(first, last)| *first..=*last) {
        assert!(ops::info(id).is_some(), "{id:#x}");
    }
    assert_eq!(abi::GD_OP_ANSWER, 0x94);
}
