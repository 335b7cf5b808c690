// SPDX-License-Identifier: GPL-2.0
//! The wire form of programs: every byte string is a program.
//!
//! All numbers are little-endian.
//!
//! | bytes | contents |
//! |---|---|
//! | 8 | version, folios, state bits, bytes of a record / 4, write_protect_seq (4 bytes) |
//! | 4 | only in version 4: PKRU |
//! | 20 x folios | `struct gd_folio` |
//! | to the end | records of that length: an operation, or an action of the operation
//! before it |
//!
//! A record is a prefix of [`RECORD_LEN`] bytes, as long as the program needs; the bytes
//! that are cut off are zero.  So new operands and hook points make records longer, and old
//! programs still read the same.  A short record at the end is filled up with zeroes;
//! operations and folios beyond the maximum are ignored.  Versions 1 and 2 have records of
//! 32 and of 56 bytes; version 4 is version 3 with a PKRU that is not 0, and an unknown version
//! reads as version 3.  A new operation in the
//! table needs no new version: ids never change their meaning.
//!
//! Numbers are folded into useful ranges, so that random bytes name real pages and the same
//! few places: an offset modulo the folio's pages, a length modulo [`FOLD_LEN`], addresses,
//! counts and flags (see `fold.rs`; version 1 has none of these).  A program with other
//! numbers says so by a mark, which random bytes rarely contain: in the upper bits of
//! `mods`, in version 2 in those of the byte at [`OLD_MARK`].

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_run};

use super::fold::{self, Spans};
use super::normalise::{Fixes, fix_act, fix_folio, fix_op, fixes, hook_id};
use super::{
    MAX_ACTS, MAX_FOLIOS, MAX_OPS, NO_ACT, NO_FOLIO, NO_OP, NR_RUNS, NULL, POISON, Program, page,
    split_page,
};
use crate::hooks::{self, NR_HOOKS, Object};

/// The newest version, of programs with PKRU 0.
pub const VERSION: u8 = 3;
/// That of the others.
pub const VERSION_PKRU: u8 = 4;
/// Bytes of the world record.
pub const WORLD_LEN: usize = 8;
/// Bytes of PKRU after it, in programs that have one.
pub const PKRU_LEN: usize = 4;
/// Bytes of a folio record.
pub const FOLIO_LEN: usize = 20;
/// Bytes of the longest record of an operation or an action.
pub const RECORD_LEN: usize = 56;
/// Bytes of the smallest program that [`Program::encode`] writes.
pub const MIN_LEN: usize = WORLD_LEN + FOLIO_LEN;
/// Bytes of the longest program.
pub const MAX_LEN: usize =
    WORLD_LEN + PKRU_LEN + MAX_FOLIOS * FOLIO_LEN + (MAX_OPS + MAX_ACTS) * RECORD_LEN;
/// Lengths of runs are taken modulo this, unless an operation is marked.
pub const FOLD_LEN: u16 = 33;

/// The lengths in which records are written: page level, walks, scripts.
const LENS: [usize; 3] = [32, 48, RECORD_LEN];

/// Where a version marks numbers as literal (not folded).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// In the bits of `mods` outside this mask.
    Mods { mask: u8, mark: u8 },
    /// In a byte of its own.
    Byte,
}

/// The offset of the mark in version 2.
pub const OLD_MARK: usize = 43;
const OLD_MASK: u8 = 0xf8;
const OLD_EXACT: u8 = 0xb0;
/// The numbers of state bits and hook points, including NONE, in versions 1 and 2.
const OLD_STATE: u8 = (abi::GD_W_IRQS_ON | abi::GD_W_HAS_PINNED | abi::GD_W_DEVMAP_KEY) as u8;
const OLD_HOOKS: usize = abi::GD_HOOK_SLOW as usize + 1;
/// The mark of this version.
pub const EXACT: u8 = 0xb0;
const MASK: u8 = 0xf0;

/// The layout of the records of a program.
#[derive(Clone, Copy)]
struct Form {
    len: usize,
    mark: Mark,
    /// Whether the fields of page tables and hook points are folded too.
    walks: bool,
    /// The state bits and the hook points that the version has.
    state: u8,
    hooks: usize,
}

impl Form {
    fn of(world: &[u8; WORLD_LEN]) -> Form {
        let (len, mark) = match world[0] {
            1 => {
                let (mask, mark) = (OLD_MASK, OLD_EXACT);
                (32, Mark::Mods { mask, mark })
            }
            2 => (RECORD_LEN, Mark::Byte),
            _ => {
                let len = 4 * usize::from(world[3]);
                let (mask, mark) = (MASK, EXACT);
                let len = if len < LENS[0] { RECORD_LEN } else { len };
                (len, Mark::Mods { mask, mark })
            }
        };
        let old = world[0] == 1 || world[0] == 2;
        Form {
            len,
            mark,
            walks: world[0] != 1,
            state: if old { OLD_STATE } else { !0 },
            hooks: if old { OLD_HOOKS } else { NR_HOOKS },
        }
    }

    /// Removes the mark from a record; returns whether it was set.
    #[inline]
    fn take_mark(self, record: &mut [u8; RECORD_LEN]) -> bool {
        let (at, mask, mark) = match self.mark {
            Mark::Mods { mask, mark } => (1, mask, mark),
            Mark::Byte => (OLD_MARK, OLD_MASK, OLD_EXACT),
        };
        let is_exact = record[at] & mask == mark;
        record[at] &= !mask;
        is_exact
    }
}

/// A record: an operation, which is an action if there is a hook point.
#[derive(Clone, Copy)]
struct Item {
    act: gd_act,
    exact: bool,
}

impl Program {
    /// The program that a byte string stands for.
    pub fn decode(bytes: &[u8]) -> Program {
        let mut program = Program::EMPTY;
        program.decode_into(bytes);
        program
    }

    /// Like [`Program::decode`], in place.
    pub fn decode_into(&mut self, bytes: &[u8]) {
        let (world, mut rest) = record::<WORLD_LEN>(bytes);
        let w = &mut self.0.world;
        w.nr_folios = world[1].saturating_sub(1) % MAX_FOLIOS as u8 + 1;
        let form = Form::of(&world);
        w.state = world[2] & form.state;
        w.seq = u32::from_le_bytes([world[4], world[5], world[6], world[7]]);
        w.pkru = 0;
        if world[0] == VERSION_PKRU {
            let (pkru, tail) = record::<PKRU_LEN>(rest);
            (w.pkru, rest) = (u32::from_le_bytes(pkru), tail);
        }

        let mut masks = [0u16; MAX_FOLIOS];
        let nr_folios = usize::from(w.nr_folios);
        for (folio, mask) in self.0.folio[..nr_folios].iter_mut().zip(&mut masks) {
            let (bytes, tail) = record::<FOLIO_LEN>(rest);
            rest = tail;
            *folio = read_folio(&bytes);
            *mask = offset_mask(folio);
        }
        self.read_items(rest, form, nr_folios, &masks);
        self.normalise_world();
    }

    fn read_items(&mut self, mut rest: &[u8], form: Form, nr_folios: usize, masks: &Masks) {
        let fixes = fixes();
        let (mut nr_ops, mut nr_acts) = (0, 0);
        // whether the last operation can have actions
        let mut open = false;
        // one bit for each action that is folded
        let mut folded = 0u64;
        while !rest.is_empty() && (nr_ops < MAX_OPS || open && nr_acts < MAX_ACTS) {
            let (bytes, tail) = cut_record(rest, form.len);
            rest = tail;
            let item = read_item(bytes, form);
            let mut act = item.act;
            let masks = if item.exact { None } else { Some(masks) };
            fix_op(&mut act.op, fixes, nr_folios, |run| {
                fold(run, nr_folios, masks)
            });
            let is_act = open && fix_act(&mut act, fixes, nr_folios);
            if let Some(masks) = masks.filter(|_| form.walks) {
                fold::fields(&mut act.op);
                fold_hook(&mut act, masks);
            }
            if is_act {
                if nr_acts < MAX_ACTS {
                    act.owner = nr_ops as u8 - 1;
                    self.0.act[nr_acts] = act;
                    folded |= u64::from(masks.is_some()) << nr_acts;
                    nr_acts += 1;
                }
            } else if nr_ops < MAX_OPS {
                open = fixes[usize::from(act.op.op)].kernel;
                self.0.op[nr_ops] = act.op;
                nr_ops += 1;
            }
        }
        self.0.world.nr_ops = nr_ops as u8;
        self.0.world.nr_acts = nr_acts as u8;
        if folded != 0 {
            let spans = Spans::of(self);
            for (i, act) in self.0.act[..nr_acts].iter_mut().enumerate() {
                if folded & 1 << i != 0 {
                    spans.fold(act);
                }
            }
        }
    }

    /// The shortest records that can hold the program.
    fn form(&self) -> Form {
        let tables = |op: &gd_op| (op.addr, op.entry, op.eflags, op.mm) != (0, 0, 0, 0);
        let len = match self.nr_acts() {
            0 if !self.ops().iter().any(tables) => LENS[0],
            0 => LENS[1],
            _ => LENS[2],
        };
        let (mask, mark) = (MASK, EXACT);
        Form {
            len,
            mark: Mark::Mods { mask, mark },
            walks: true,
            state: !0,
            hooks: NR_HOOKS,
        }
    }

    /// The number of bytes that [`Program::encode`] writes.
    pub fn encoded_len(&self) -> usize {
        let items = self.nr_ops() + self.nr_acts();
        self.world_len() + self.nr_folios() * FOLIO_LEN + items * self.form().len
    }

    /// With the PKRU, if there is one.
    fn world_len(&self) -> usize {
        match self.world().pkru {
            0 => WORLD_LEN,
            _ => WORLD_LEN + PKRU_LEN,
        }
    }

    /// The wire form of a normalised program.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.encoded_len()];
        self.encode_to(&mut bytes);
        bytes
    }

    /// Like [`Program::encode`], into a buffer; `None` if it is too small.
    pub fn encode_to(&self, out: &mut [u8]) -> Option<usize> {
        let len = self.encoded_len();
        let form = self.form();
        let (world, rest) = out.get_mut(..len)?.split_at_mut(self.world_len());
        let w = &self.0.world;
        let version = if w.pkru == 0 { VERSION } else { VERSION_PKRU };
        world[..4].copy_from_slice(&[version, w.nr_folios, w.state, (form.len / 4) as u8]);
        world[4..WORLD_LEN].copy_from_slice(&w.seq.to_le_bytes());
        let pkru = &w.pkru.to_le_bytes()[..world.len() - WORLD_LEN];
        world[WORLD_LEN..].copy_from_slice(pkru);
        let (folios, items) = rest.split_at_mut(self.nr_folios() * FOLIO_LEN);
        let mut masks = [0u16; MAX_FOLIOS];
        let records = folios.chunks_exact_mut(FOLIO_LEN);
        for ((folio, bytes), mask) in self.folios().iter().zip(records).zip(&mut masks) {
            write_folio(folio, bytes);
            *mask = offset_mask(folio);
        }
        let fixes = fixes();
        let spans = Spans::of(self);
        let mut records = items.chunks_exact_mut(form.len);
        let mut write = |act: &gd_act, folded: &gd_act| {
            let mut record = [0; RECORD_LEN];
            write_act(act, &mut record);
            if act != folded {
                record[1] |= EXACT;
            }
            let bytes = records.next().expect("there is one for each");
            bytes.copy_from_slice(&record[..bytes.len()]);
        };
        for (op, acts) in self.groups() {
            let op = gd_act { op: *op, ..NO_ACT };
            write(&op, &self.folded(&op, fixes, &masks));
            for act in acts {
                let mut folded = self.folded(act, fixes, &masks);
                spans.fold(&mut folded);
                write(act, &folded);
            }
        }
        Some(len)
    }

    /// The result of reading this without the mark.
    fn folded(&self, act: &gd_act, fixes: &Fixes, masks: &Masks) -> gd_act {
        let mut folded = *act;
        let nr_folios = self.nr_folios();
        fix_op(&mut folded.op, fixes, nr_folios, |run| {
            fold(run, nr_folios, Some(masks));
        });
        fold::fields(&mut folded.op);
        fold_hook(&mut folded, masks);
        folded
    }
}

type Masks = [u16; MAX_FOLIOS];

/// Folds the page and the number of a hook point.
#[inline]
fn fold_hook(act: &mut gd_act, masks: &Masks) {
    fold::times(act);
    if hooks::object(act.hook) == Object::Page {
        let (index, offset) = split_page(act.at_page);
        act.at_page = page(index, offset & usize::from(masks[index % MAX_FOLIOS]));
    }
}

/// The next record, filled up with zeroes, and the rest.
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

/// The next record of this length, cut or filled up, and the rest.
#[inline]
fn cut_record(bytes: &[u8], len: usize) -> ([u8; RECORD_LEN], &[u8]) {
    let (this, rest) = bytes.split_at(len.min(bytes.len()));
    let mut record = [0; RECORD_LEN];
    let this = &this[..this.len().min(RECORD_LEN)];
    record[..this.len()].copy_from_slice(this);
    (record, rest)
}

/// The mask of offsets within each folio, whose number of pages is a power of two.
#[inline]
fn offset_mask(folio: &gd_folio) -> u16 {
    let mut folio = *folio;
    fix_folio(&mut folio);
    (1 << folio.order) - 1
}

/// Folds the offset and the length of a run; without masks it changes nothing.
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

#[inline]
fn read_item(mut b: [u8; RECORD_LEN], form: Form) -> Item {
    let exact = form.take_mark(&mut b);
    let run = |i: usize| gd_run {
        page: u16_at(&b, 16 + 4 * i),
        len: u16_at(&b, 18 + 4 * i),
    };
    let op = gd_op {
        op: b[0],
        mods: b[1],
        arg: u16_at(&b, 2),
        foll: u32_at(&b, 4),
        n: u32_at(&b, 8) as i32,
        val: u32_at(&b, 12) as i32,
        run: [run(0), run(1), run(2), run(3)],
        addr: u64_at(&b, 32),
        entry: b[40],
        // random bytes are about current's mm, mostly; version 2 has its mark there
        mm: (form.mark != Mark::Byte && b[43] == 1).into(),
        eflags: u16_at(&b, 44),
        ..NO_OP
    };
    let act = gd_act {
        hook: hook_id(b[41], form.hooks),
        nth: b[42],
        at_page: u16_at(&b, 46),
        at_addr: u64_at(&b, 48),
        op,
        ..NO_ACT
    };
    Item { act, exact }
}

fn write_act(act: &gd_act, b: &mut [u8; RECORD_LEN]) {
    let op = &act.op;
    b[0] = op.op;
    b[1] = op.mods;
    b[2..4].copy_from_slice(&op.arg.to_le_bytes());
    b[4..8].copy_from_slice(&op.foll.to_le_bytes());
    b[8..12].copy_from_slice(&op.n.to_le_bytes());
    b[12..16].copy_from_slice(&op.val.to_le_bytes());
    for (run, b) in op.run.iter().zip(b[16..32].chunks_exact_mut(4)) {
        b[..2].copy_from_slice(&run.page.to_le_bytes());
        b[2..4].copy_from_slice(&run.len.to_le_bytes());
    }
    b[32..40].copy_from_slice(&op.addr.to_le_bytes());
    b[40..44].copy_from_slice(&[op.entry, act.hook, act.nth, op.mm]);
    b[44..46].copy_from_slice(&op.eflags.to_le_bytes());
    b[46..48].copy_from_slice(&act.at_page.to_le_bytes());
    b[48..56].copy_from_slice(&act.at_addr.to_le_bytes());
}

const _: () = assert!(NR_RUNS == 4);
const _: () = assert!(size_of::<gd_folio>() == FOLIO_LEN);
const _: () = assert!(MAX_ACTS <= 64);
const _: () = assert!(LENS[0] == 32 && LENS[2] == RECORD_LEN);

/// Programs for `Arbitrary`: decodes all the bytes that are left.
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
