// SPDX-License-Identifier: GPL-2.0
//! The wire form of programs: compact, and every byte string is one.
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | version, folios, state bits, 0, write_protect_seq (4 bytes) |
//! | 20 x folios | `struct gd_folio` |
//! | 56 each, to the end | `struct gd_op`; version 1: its first 32 bytes |
//!
//! A short record is filled up with zeroes, bytes past the last possible
//! operation are ignored.  A version that is not known reads as the newest.
//! Version 1 is that of the page level: a program without page tables and
//! moments is still written so.  Adding an operation to the table needs no new
//! version: ids keep their meaning for ever.
//!
//! Numbers are folded into what exists and what is of interest, so that random
//! bytes name real pages and the same few places: an offset modulo the folio's
//! pages, a length modulo [`FOLD_LEN`]; in version 2 also addresses, counts and
//! flags, see `fold.rs`.  Programs that mean something else say so by a mark,
//! [`EXACT`], which random bytes have once in 32 times: in version 1 in the
//! operation's `mods`, in version 2 in its `pad`.

use csrc::abi::{self, gd_folio, gd_op, gd_run};

use super::fold::{self, Spans};
use super::normalise::{Groups, fix_folio, fix_op, fixes};
use super::{
    MAX_FOLIOS, MAX_OPS, NO_FOLIO, NO_OP, NR_RUNS, NULL, POISON, Program, page, split_page,
};
use super::{walk, walk::Place};
use crate::ops;

/// The newest version.
pub const VERSION: u8 = 2;
/// The version of programs without page tables and moments.
pub const PAGE_VERSION: u8 = 1;
/// Bytes of the world record.
pub const WORLD_LEN: usize = 8;
/// Bytes of a folio record.
pub const FOLIO_LEN: usize = 20;
/// Bytes of an operation record.
pub const OP_LEN: usize = 56;
/// The same in version 1.
pub const PAGE_OP_LEN: usize = 32;
/// Bytes of the smallest program that [`Program::encode`] writes.
pub const MIN_LEN: usize = WORLD_LEN + FOLIO_LEN;
/// Bytes of the longest program.
pub const MAX_LEN: usize = WORLD_LEN + MAX_FOLIOS * FOLIO_LEN + MAX_OPS * OP_LEN;

/// Upper bits of `mods` or of `pad`: this operation's numbers are as they are.
pub const EXACT: u8 = 0xb0;
const EXACT_MASK: u8 = 0xf8;
/// The bits of `mods` in version 1.
const PAGE_MODS: u8 = !EXACT_MASK;
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
        self.0.world.nr_ops = match world[0] {
            PAGE_VERSION => self.read_page_ops(rest, nr_folios, &masks),
            _ => self.read_ops(rest, nr_folios, &masks),
        };
        self.normalise_world();
    }

    fn read_page_ops(&mut self, mut rest: &[u8], nr_folios: usize, masks: &Masks) -> u16 {
        let fixes = fixes();
        let mut nr_ops = 0;
        for op in &mut self.0.op {
            if rest.is_empty() {
                break;
            }
            let (bytes, tail) = record::<PAGE_OP_LEN>(rest);
            rest = tail;
            let mut new = read_page_op(&bytes);
            let masks = match new.mods & EXACT_MASK {
                EXACT => None,
                _ => Some(masks),
            };
            new.mods &= PAGE_MODS;
            fix_op(&mut new, fixes, nr_folios, |run| {
                fold(run, nr_folios, masks)
            });
            *op = new;
            nr_ops += 1;
        }
        nr_ops
    }

    fn read_ops(&mut self, mut rest: &[u8], nr_folios: usize, masks: &Masks) -> u16 {
        let fixes = fixes();
        let mut nr_ops = 0;
        // a bit for each operation that is as it is
        let mut exact = 0u64;
        let mut groups = Groups::default();
        for op in &mut self.0.op {
            if rest.is_empty() {
                break;
            }
            let (bytes, tail) = record::<OP_LEN>(rest);
            rest = tail;
            let mut new = read_op(&bytes);
            let is_exact = new.pad & EXACT_MASK == EXACT;
            exact |= u64::from(is_exact) << nr_ops;
            let masks = if is_exact { None } else { Some(masks) };
            fix_op(&mut new, fixes, nr_folios, |run| {
                fold(run, nr_folios, masks)
            });
            groups.fix(&mut new, fixes);
            if let Some(masks) = masks {
                fold_new(&mut new, masks);
            }
            *op = new;
            nr_ops += 1;
        }
        let ops = &mut self.0.op[..nr_ops];
        let spans = Spans::of(ops);
        for (i, op) in ops.iter_mut().enumerate() {
            if exact & 1 << i == 0 {
                spans.fold(op);
            }
        }
        nr_ops as u16
    }

    /// Whether there is nothing that version 1 has no place for.
    fn is_page_level(&self) -> bool {
        let fits = |op: &gd_op| {
            let extra = abi::GD_S_ADDR | abi::GD_S_ENTRY | abi::GD_S_TO | abi::GD_S_PAGES;
            op.when == 0 && !ops::info(op.op).is_some_and(|op| op.has(extra))
        };
        self.ops().iter().all(fits)
    }

    /// How many bytes [`Program::encode`] writes.
    pub fn encoded_len(&self) -> usize {
        let op_len = match self.is_page_level() {
            true => PAGE_OP_LEN,
            false => OP_LEN,
        };
        WORLD_LEN + self.nr_folios() * FOLIO_LEN + self.nr_ops() * op_len
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
        let version = match self.is_page_level() {
            true => PAGE_VERSION,
            false => VERSION,
        };
        world[..4].copy_from_slice(&[version, w.nr_folios, w.state, 0]);
        world[4..].copy_from_slice(&w.seq.to_le_bytes());
        let (folios, ops) = rest.split_at_mut(self.nr_folios() * FOLIO_LEN);
        let mut masks = [0u16; MAX_FOLIOS];
        let records = folios.chunks_exact_mut(FOLIO_LEN);
        for ((folio, bytes), mask) in self.folios().iter().zip(records).zip(&mut masks) {
            write_folio(folio, bytes);
            *mask = offset_mask(folio);
        }
        match version {
            PAGE_VERSION => {
                for (op, bytes) in self.ops().iter().zip(ops.chunks_exact_mut(PAGE_OP_LEN)) {
                    write_page_op(op, bytes);
                    if *op != self.folded(op, &masks) {
                        bytes[1] |= EXACT;
                    }
                }
            }
            _ => {
                let spans = Spans::of(self.ops());
                for (op, bytes) in self.ops().iter().zip(ops.chunks_exact_mut(OP_LEN)) {
                    write_op(op, bytes);
                    let mut folded = self.folded(op, &masks);
                    fold_new(&mut folded, &masks);
                    spans.fold(&mut folded);
                    if *op != folded {
                        bytes[PAD] |= EXACT;
                    }
                }
            }
        }
        Some(len)
    }

    /// The operation that would be read if this one were not marked.
    fn folded(&self, op: &gd_op, masks: &Masks) -> gd_op {
        let mut folded = *op;
        let nr_folios = self.nr_folios();
        fix_op(&mut folded, fixes(), nr_folios, |run| {
            fold(run, nr_folios, Some(masks));
        });
        folded
    }
}

type Masks = [u16; MAX_FOLIOS];

/// Where the mark is in a record.
const PAD: usize = 43;

/// Folds what version 1 does not have, but for the addresses of moments.
#[inline]
fn fold_new(op: &mut gd_op, masks: &Masks) {
    fold::fields(op);
    if walk::place(op.when) == Some(Place::Page) {
        let (index, offset) = split_page(op.at_page);
        op.at_page = page(index, offset & usize::from(masks[index % MAX_FOLIOS]));
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
fn fold(run: &mut gd_run, nr_folios: usize, masks: Option<&Masks>) {
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
fn u64_at(b: &[u8], at: usize) -> u64 {
    u64::from(u32_at(b, at)) | u64::from(u32_at(b, at + 4)) << 32
}

/// The part of a record that all versions have.
#[inline]
fn read_page_op(b: &[u8]) -> gd_op {
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

fn write_page_op(op: &gd_op, b: &mut [u8]) {
    b[0] = op.op;
    b[1] = op.mods;
    b[2..4].copy_from_slice(&op.arg.to_le_bytes());
    b[4..8].copy_from_slice(&op.foll.to_le_bytes());
    b[8..12].copy_from_slice(&op.n.to_le_bytes());
    b[12..16].copy_from_slice(&op.val.to_le_bytes());
    for (run, b) in op.run.iter().zip(b[16..].chunks_exact_mut(4)) {
        b[..2].copy_from_slice(&run.page.to_le_bytes());
        b[2..4].copy_from_slice(&run.len.to_le_bytes());
    }
}

#[inline]
fn read_op(b: &[u8; OP_LEN]) -> gd_op {
    gd_op {
        addr: u64_at(b, 32),
        entry: b[40],
        when: b[41],
        nth: b[42],
        pad: b[PAD],
        eflags: u16_at(b, 44),
        at_page: u16_at(b, 46),
        at_addr: u64_at(b, 48),
        ..read_page_op(b)
    }
}

fn write_op(op: &gd_op, b: &mut [u8]) {
    write_page_op(op, b);
    b[32..40].copy_from_slice(&op.addr.to_le_bytes());
    b[40..44].copy_from_slice(&[op.entry, op.when, op.nth, 0]);
    b[44..46].copy_from_slice(&op.eflags.to_le_bytes());
    b[46..48].copy_from_slice(&op.at_page.to_le_bytes());
    b[48..56].copy_from_slice(&op.at_addr.to_le_bytes());
}

const _: () = assert!(NR_RUNS == 4);
const _: () = assert!(size_of::<gd_folio>() == FOLIO_LEN);
const _: () = assert!(size_of::<gd_op>() == OP_LEN);

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
