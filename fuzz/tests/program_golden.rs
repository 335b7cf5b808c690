// SPDX-License-Identifier: GPL-2.0
//! Corpora survive: bytes of version 1 mean what they always meant.

use csrc::abi;
use gup_fuzz::program::rng::Rng;
use gup_fuzz::program::{Program, text};
use gup_fuzz::{ops::Rev, program::wire};

/// The operations that there were with version 1 alone.
const IDS: [(u8, u8); 9] = [
    (0x01, 0x0c),
    (0x10, 0x14),
    (0x18, 0x1b),
    (0x20, 0x25),
    (0x30, 0x39),
    (0x40, 0x4e),
    (0x50, 0x57),
    (0x80, 0x87),
    (0x88, 0x8c),
];

/// The hash of what [`bytes`] meant when version 1 was the only one.
const MEANT: u64 = 0xd12a_74e4_a77d_d8e0;

/// Programs of random bytes, in or out of range, that name defined operations.
fn bytes(rng: &mut Rng) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..rng.below(1200)).map(|_| rng.next_u32() as u8).collect();
    if bytes.len() < wire::MIN_LEN {
        bytes.resize(wire::MIN_LEN, 0);
    }
    bytes[0] = 1;
    let folios = usize::from(bytes[1].saturating_sub(1) % 8 + 1);
    let ops = bytes.get_mut(8 + 20 * folios..).unwrap_or_default();
    for op in ops.chunks_mut(32) {
        let (first, last) = rng.pick(&IDS);
        op[0] = rng.range(first.into(), last.into()) as u8;
        // half of them are marked to be taken as they are
        if let Some(mods) = op.get_mut(1).filter(|_| rng.chance(1, 2)) {
            *mods = 0xb0 | *mods & 7;
        }
    }
    bytes
}

fn meaning(p: &Program, hash: &mut u64) {
    let mut say = |value: u64| {
        *hash = (*hash ^ value).wrapping_mul(0x100_0000_01b3);
    };
    let w = p.world();
    say(u64::from(w.nr_folios) | u64::from(w.state) << 8 | u64::from(w.nr_ops) << 16);
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
    for op in p.ops() {
        say(u64::from(op.op) | u64::from(op.mods) << 8 | u64::from(op.arg) << 16);
        [op.foll, op.n as u32, op.val as u32]
            .into_iter()
            .for_each(|field| say(field.into()));
        op.run
            .iter()
            .for_each(|run| say(u64::from(run.page) << 16 | u64::from(run.len)));
    }
}

#[test]
fn bytes_of_version_1_mean_what_they_meant() {
    let mut rng = Rng::new(61);
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for _ in 0..2000 {
        meaning(&Program::decode(&bytes(&mut rng)), &mut hash);
    }
    assert_eq!(hash, MEANT, "{hash:#x}");
}

#[test]
fn the_shipped_corpus_is_written_as_it_is() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus/page");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let p = Program::decode(&bytes);
        assert_eq!(p.encode(), bytes, "{}", path.display());
        assert_eq!(text::parse(&text::format(&p, Rev::V6_1)), Ok(p));
        assert!(
            p.ops()
                .iter()
                .all(|op| u32::from(op.op) < abi::GD_OP_SET_TAIL)
        );
    }
}
