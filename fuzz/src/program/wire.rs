// SPDX-License-Identifier: GPL-2.0
//! The wire form of programs: compact, and every byte string is one.
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | version, folios, state bits, 0, write_protect_seq (4 bytes) |
//! | 20 x folios | `struct gd_folio` |
//! | 32 each, to the end | `struct gd_op` |
//!
//! A short record is filled up with zeroes, bytes past the last possible
//! operation are ignored.  A version that is not known reads as the newest.
//! Version 1 is the only one so far.  Adding an operation to the table needs
//! no new version: ids keep their meaning for ever.
//!
//! Offsets and lengths are folded into what exists, so that random bytes name
//! real pages: an offset modulo the folio's pages, a length modulo
//! [`FOLD_LEN`].  Programs that mean something else say so by a mark in the
//! operation's `mods`, [`EXACT`], which random bytes have once in 32 times.

use csrc::abi::{gd_folio, gd_op, gd_run};

use super::normalise::{fix_folio, fix_op, fixes};
use super::{MAX_FOLIOS, MAX_OPS, NO_FOLIO, NO_OP, NR_RUNS, NULL, POISON, Program, page, split_page};

/// The version that is written.
pub const VERSION: u8 = 1;
/// Bytes of the world record.
pub const WORLD_LEN: usize = 8;
/// Bytes of a folio record.
pub const FOLIO_LEN: usize = 20;
/// Bytes of an operation record.
pub const OP_LEN: usize = 32;
/// Bytes of the smallest program that [`Program::encode`] writes.
pub const MIN_LEN: usize = WORLD_LEN + FOLIO_LEN;
/// Bytes of the longest program.
pub const MAX_LEN: usize = WORLD_LEN + MAX_FOLIOS * FOLIO_LEN + MAX_OPS * OP_LEN;

/// Upper bits of `mods`: this operation's offsets and lengths are as they are.
pub const EXACT: u8 = 0xb0;
const EXACT_MASK: u8 = 0xf8;
/// Lengths of runs are taken modulo this, unless [`EXACT`].
pub const FOLD_LEN: u16 = 33;

impl Program {
    /// The program that a byte string stands for.
    pub fn decode(bytes: &[u8]) -> Program {
        let mut program = Program::EMPTY;
        program.decode_into(bytes);
        program
    }

    /// As [`Program::decode`], in place.
    pub fn decode_into(&mut self, bytes: &[u8]) {
        let (world, rest) = record::<WORLD_LEN>(bytes);
        let w = &mut self.0.world;
        w.nr_folios = world[1].saturating_sub(1) % MAX_FOLIOS as u8 + 1;
        w.state = world[2];
        w.seq = u32::from_le_bytes([world[4], world[5], world[6], world[7]]);

        let mut rest = rest;
        let mut masks = [0u16; MAX_FOLIOS];
        let nr_folios = usize::from(w.nr_folios);
        for (folio, mask) in self.0.folio[..nr_folios].iter_mut().zip(&mut masks) {
            let (bytes, tail) = record::<FOLIO_LEN>(rest);
            rest = tail;
            *folio = read_folio(&bytes);
            *mask = offset_mask(folio);
        }
        let fixes = fixes();
        let mut nr_ops = 0;
        for op in &mut self.0.op {
            if rest.is_empty() {
                break;
            }
            let (bytes, tail) = record::<OP_LEN>(rest);
            rest = tail;
            let mut new = read_op(&bytes);
            let masks = match new.mods & EXACT_MASK {
                EXACT => None,
                _ => Some(&masks),
            };
            fix_op(&mut new, fixes, nr_folios, |run| {
                fold(run, nr_folios, masks)
            });
            *op = new;
            nr_ops += 1;
        }
        self.0.world.nr_ops = nr_ops;
        self.normalise_world();
    }

    /// How many bytes [`Program::encode`] writes.
    pub fn encoded_len(&self) -> usize {
        WORLD_LEN + self.nr_folios() * FOLIO_LEN + self.nr_ops() * OP_LEN
    }

    /// The wire form of a normalised program.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.encoded_len()];
        self.encode_to(&mut bytes);
        bytes
    }

    /// As [`Program::encode`], into a buffer; `None` if it is too small.
    pub fn encode_to(&self, out: &mut [u8]) -> Option<usize> {
        let len = self.encoded_len();
        let (world, rest) = out.get_mut(..len)?.split_at_mut(WORLD_LEN);
        let w = &self.0.world;
        world[..4].copy_from_slice(&[VERSION, w.nr_folios, w.state, 0]);
        world[4..].copy_from_slice(&w.seq.to_le_bytes());
        let (folios, ops) = rest.split_at_mut(self.nr_folios() * FOLIO_LEN);
        let mut masks = [0u16; MAX_FOLIOS];
        let records = folios.chunks_exact_mut(FOLIO_LEN);
        for ((folio, bytes), mask) in self.folios().iter().zip(records).zip(&mut masks) {
            write_folio(folio, bytes);
            *mask = offset_mask(folio);
        }
        for (op, bytes) in self.ops().iter().zip(ops.chunks_exact_mut(OP_LEN)) {
            let mut folded = *op;
            let nr_folios = self.nr_folios();
            fix_op(&mut folded, fixes(), nr_folios, |run| {
                fold(run, nr_folios, Some(&masks));
            });
            write_op(op, bytes);
            if *op != folded {
                bytes[1] |= EXACT;
            }
        }
        Some(len)
    }
}

/// The next record, filled up with zeroes, and what follows it.
#[inline]
fn record<const LEN: usize>(bytes: &[u8]) -> ([u8; LEN], &[u8]) {
    match bytes.split_first_chunk::<LEN>() {
        Some((record, rest)) => (*record, rest),
        None => {
            let mut record = [0; LEN];
            record[..bytes.len()].copy_from_slice(bytes);
            (record, &[])
        }
    }
}

/// The offsets within a folio; its pages are a power of two.
#[inline]
fn offset_mask(folio: &gd_folio) -> u16 {
    let mut folio = *folio;
    fix_folio(&mut folio);
    (1 << folio.order) - 1
}

/// Folds the offset and the length of a run into what exists; without masks
/// it leaves them alone.
#[inline]
fn fold(run: &mut gd_run, nr_folios: usize, masks: Option<&[u16; MAX_FOLIOS]>) {
    let Some(masks) = masks else {
        return;
    };
    run.len %= FOLD_LEN;
    if run.page != NULL && run.page != POISON {
        let (mut index, offset) = split_page(run.page);
        if index >= nr_folios {
            index %= nr_folios;
        }
        run.page = page(index, offset & usize::from(masks[index % MAX_FOLIOS]));
    }
}

#[inline]
fn u16_at(b: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([b[at], b[at + 1]])
}

#[inline]
fn u32_at(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

#[inline]
fn read_folio(b: &[u8; FOLIO_LEN]) -> gd_folio {
    gd_folio {
        order: b[0],
        kind: b[1],
        mapping: b[2],
        movable: b[3],
        migratetype: b[4],
        exclusive: b[5],
        flags: u32_at(b, 8),
        ref_: u32_at(b, 12) as i32,
        pin: u32_at(b, 16) as i32,
        ..NO_FOLIO
    }
}

fn write_folio(f: &gd_folio, b: &mut [u8]) {
    let small = [
        f.order,
        f.kind,
        f.mapping,
        f.movable,
        f.migratetype,
        f.exclusive,
        0,
        0,
    ];
    b[..8].copy_from_slice(&small);
    b[8..12].copy_from_slice(&f.flags.to_le_bytes());
    b[12..16].copy_from_slice(&f.ref_.to_le_bytes());
    b[16..20].copy_from_slice(&f.pin.to_le_bytes());
}

#[inline]
fn read_op(b: &[u8; OP_LEN]) -> gd_op {
    let run = |i: usize| gd_run {
        page: u16_at(b, 16 + 4 * i),
        len: u16_at(b, 18 + 4 * i),
    };
    gd_op {
        op: b[0],
        mods: b[1],
        arg: u16_at(b, 2),
        foll: u32_at(b, 4),
        n: u32_at(b, 8) as i32,
        val: u32_at(b, 12) as i32,
        run: [run(0), run(1), run(2), run(3)],
        ..NO_OP
    }
}

fn write_op(op: &gd_op, b: &mut [u8]) {
    b[0] = op.op;
    b[1] = op.mods;
    b[2..4].copy_from_slice(&op.arg.to_le_bytes());
    b[4..8].copy_from_slice(&op.foll.to_le_bytes());
    b[8..12].copy_from_slice(&op.n.to_le_bytes());
    b[12..16].copy_from_slice(&op.val.to_le_bytes());
    for (run, b) in op.run.iter().zip(b[16..].chunks_exact_mut(4)) {
        b[..2].copy_from_slice(&run.page.to_le_bytes());
        b[2..].copy_from_slice(&run.len.to_le_bytes());
    }
}

const _: () = assert!(NR_RUNS == 4);
const _: () = assert!(size_of::<gd_folio>() == FOLIO_LEN);

/// Bytes to programs for `Arbitrary`: whatever is there, decoded.
impl<'a> arbitrary::Arbitrary<'a> for Program {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let len = u.len().min(MAX_LEN);
        Ok(Program::decode(u.bytes(len)?))
    }

    fn arbitrary_take_rest(u: arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Program::decode(u.take_rest()))
    }

    fn size_hint(_depth: usize) -> (usize, Option<usize>) {
        (0, Some(MAX_LEN))
    }
}
