// SPDX-License-Identifier: GPL-2.0
//! A side in Rust that implements a handful of operations of Linux 6.1 without
//! CONFIG_DEBUG_VM, with counts of its own in place of struct pages:
//!
//! ```text
//! rustc --edition 2021 --crate-type cdylib -O -o counts.so csrc/abi/examples/counts.rs
//! gupdiff run --left so:./counts.so corpus/seeds
//! ```
//!
//! It uses no crate: what it says of `csrc/abi/gupdiff.h` is written out here, and the
//! sizes are held against those of whoever loads it. docs/implementations.md goes through
//! it.

use std::ffi::{c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr::{addr_of, null};

const ABI_VERSION: u32 = 8;
const MAX_FOLIOS: usize = 8;
const MAX_OPS: usize = 32;
const NR_ORDERS: u32 = 11;
const SLOT_SHIFT: u32 = 10;
const NR_TEMPLATES: u32 = 5;
const RUN_SHIFT: u16 = 11;
const KIND_NORMAL: u8 = 0;
const FLAG_ANON_EXCLUSIVE: u32 = 8;
const FLAG_HEAD: u32 = 12;

// operations: csrc/abi/ops.h
const FOLIO_GET: u8 = 0x02;
const FOLIO_PUT: u8 = 0x09;
const FOLIO_PUT_REFS: u8 = 0x0a;
const SET_REF: u8 = 0x80;

// records
const CALL: u8 = 6;
const PAGE: u8 = 7;
const RET: u8 = 10;
const END: u8 = 11;
const RET_VOID: u8 = 0;
const RET_ABSENT: u8 = 5;
const CALL_FOLIO_PUT: u8 = 0;

#[repr(C)]
struct World {
    nr_folios: u8,
    state: u8,
    nr_ops: u8,
    nr_acts: u8,
    seq: u32,
    pkru: u32,
}

#[repr(C)]
struct Folio {
    order: u8,
    kind: u8,
    mapping: u8,
    movable: u8,
    migratetype: u8,
    exclusive: u8,
    pad: u16,
    flags: u32,
    refcount: i32,
    pincount: i32,
}

#[repr(C)]
struct Op {
    op: u8,
    mods: u8,
    arg: u16,
    foll: u32,
    n: i32,
    val: i32,
    run: [[u16; 2]; 4],
    addr: u64,
    entry: u8,
    mm: u8,
    eflags: u16,
    pad2: u32,
}

#[repr(C)]
struct Act {
    owner: u8,
    hook: u8,
    nth: u8,
    pad: u8,
    at_page: u16,
    pad2: u16,
    at_addr: u64,
    op: Op,
}

#[repr(C)]
struct Program {
    world: World,
    folio: [Folio; MAX_FOLIOS],
    op: [Op; MAX_OPS],
    act: [Act; 32],
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Rec {
    kind: u8,
    a: u8,
    b: u16,
    c: u32,
    d: u64,
}

#[repr(C)]
struct Trace {
    rec: *mut Rec,
    nr: u32,
    cap: u32,
}

impl Trace {
    fn push(&mut self, rec: Rec) {
        assert!(self.nr < self.cap);
        // SAFETY: there is room for `cap` records.
        unsafe { *self.rec.add(self.nr as usize) = rec };
        self.nr += 1;
    }
}

/// What this side knows of a folio.
#[derive(Clone, Copy, Default)]
struct Count {
    /// The number of its first page.
    page: u32,
    refcount: i32,
    before: i32,
}

struct Side<'a> {
    program: &'a Program,
    count: [Count; MAX_FOLIOS],
    trace: &'a mut Trace,
}

impl<'a> Side<'a> {
    fn new(program: &'a Program, trace: &'a mut Trace) -> Self {
        let mut count = [Count::default(); MAX_FOLIOS];
        for (i, (count, folio)) in count.iter_mut().zip(&program.folio).enumerate() {
            // no device here: in ZONE_NORMAL or ZONE_MOVABLE, exclusive or not
            let template = 2 * u32::from(folio.movable) + u32::from(folio.exclusive);
            let slot = (template * NR_ORDERS + u32::from(folio.order)) * MAX_FOLIOS as u32;
            *count = Count {
                page: (slot + i as u32) << SLOT_SHIFT,
                refcount: folio.refcount,
                before: folio.refcount,
            };
        }
        Self {
            program,
            count,
            trace,
        }
    }

    /// The folio of an operation, and the page's offset in it. Zero pages, slab, hugetlb
    /// and devices have more to them than a count.
    fn find(&self, op: &Op) -> Option<(usize, u16)> {
        let page = op.run[0][0];
        let (index, offset) = (
            usize::from(page >> RUN_SHIFT),
            page & ((1 << RUN_SHIFT) - 1),
        );
        let folios = &self.program.folio[..usize::from(self.program.world.nr_folios)];
        let folio = folios.get(index).filter(|f| f.kind == KIND_NORMAL)?;
        (offset >> folio.order == 0).then_some((index, offset))
    }

    /// What a record says of a folio's first page.
    fn describe(&self, index: usize) -> Rec {
        let (folio, count) = (&self.program.folio[index], self.count[index]);
        let (head, exclusive) = (1 << FLAG_HEAD, 1 << FLAG_ANON_EXCLUSIVE);
        let mut flags = folio.flags & !(head | exclusive);
        flags |= if folio.order > 0 { head } else { 0 };
        flags |= if folio.exclusive != 0 { exclusive } else { 0 };
        let pinned = match folio.order {
            0 => count.refcount as u32 >= 1024,
            _ => folio.pincount > 0,
        };
        Rec {
            kind: PAGE,
            a: (flags >> 16) as u8 | if pinned { 0x80 } else { 0 },
            b: flags as u16,
            c: count.page | u32::from(folio.mapping) << 20,
            d: u64::from(count.refcount as u32) | u64::from(folio.pincount as u32) << 32,
        }
    }

    fn put(&mut self, index: usize, refs: i32) {
        let count = &mut self.count[index];
        count.refcount = count.refcount.wrapping_sub(refs);
        if count.refcount == 0 && !cfg!(mistake_never_freed) {
            let record = Rec {
                kind: CALL,
                a: CALL_FOLIO_PUT,
                ..self.describe(index)
            };
            self.trace.push(record);
        }
    }

    fn run_op(&mut self, index: usize) {
        let op = &self.program.op[index];
        let acts = &self.program.act[..usize::from(self.program.world.nr_acts)];
        // what other CPUs do meanwhile is more than this side can show
        let alone = acts.iter().all(|act| usize::from(act.owner) != index);
        let mut ret = RET_VOID;
        match (op.op, self.find(op).filter(|_| alone)) {
            (FOLIO_GET, Some((i, _))) => {
                self.count[i].refcount = self.count[i].refcount.wrapping_add(1);
            }
            (FOLIO_PUT, Some((i, _))) => self.put(i, 1),
            (FOLIO_PUT_REFS, Some((i, _))) => self.put(i, op.n),
            // of this very page: tails have counts, too
            (SET_REF, Some((i, 0))) => self.count[i].refcount = op.val,
            _ => ret = RET_ABSENT,
        }
        for i in 0..usize::from(self.program.world.nr_folios) {
            if self.count[i].refcount != self.count[i].before {
                self.trace.push(self.describe(i));
                self.count[i].before = self.count[i].refcount;
            }
        }
        self.trace.push(Rec {
            kind: RET,
            a: ret,
            ..Rec::default()
        });
    }
}

/// # Safety
///
/// A normalised program, and a trace with room for `cap` records.
unsafe extern "C" fn run(program: *const Program, trace: *mut Trace) {
    // SAFETY: as the caller says.
    let (program, trace) = unsafe { (&*program, &mut *trace) };
    let mut side = Side::new(program, trace);
    for index in 0..usize::from(program.world.nr_ops) {
        side.run_op(index);
    }
    side.trace.push(Rec {
        kind: END,
        b: u16::from(program.world.nr_ops),
        ..Rec::default()
    });
}

extern "C" fn has_op(op: u32) -> c_int {
    let ours = [FOLIO_GET, FOLIO_PUT, FOLIO_PUT_REFS, SET_REF];
    c_int::from(ours.map(u32::from).contains(&op))
}

/// It has no struct pages and no tables, and its process may be killed.
extern "C" fn init(_: *mut c_void, _: *mut c_void, _: *mut c_void, _: *mut c_void) {}
extern "C" fn nothing() {}

/// struct gd_side
#[repr(C)]
pub struct Description {
    abi: u32,
    side_size: u32,
    program_size: u32,
    rec_size: u32,
    release: *const c_char,
    version: u32,
    series: u32,
    debug_vm: u32,
    pad: u32,
    gaps: *const *const c_char,
    sites: *mut c_void,
    sites_end: *mut c_void,
    memmap_size: u64,
    scratch_size: u64,
    init: extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *mut c_void),
    has_op: extern "C" fn(u32) -> c_int,
    run: unsafe extern "C" fn(*const Program, *mut Trace),
    oops: extern "C" fn(),
    limit: extern "C" fn(),
    in_kernel: *const c_int,
}

// SAFETY: nobody writes to what it points to.
unsafe impl Sync for Description {}

/// The end of a list of names, and nothing before it.
struct Names(#[allow(dead_code)] *const c_char);
// SAFETY: nobody writes to it.
unsafe impl Sync for Names {}

static NO_GAPS: Names = Names(null());
static NEVER: c_int = 0;

#[no_mangle]
pub static gd_side: Description = Description {
    abi: ABI_VERSION,
    side_size: size_of::<Description>() as u32,
    program_size: size_of::<Program>() as u32,
    rec_size: size_of::<Rec>() as u32,
    release: b"counts.rs\0".as_ptr().cast(),
    version: 6 << 16 | 1 << 8,
    series: 0,
    debug_vm: 0,
    pad: 0,
    gaps: addr_of!(NO_GAPS).cast(),
    // it warns nowhere: an array of none
    sites: addr_of!(NEVER).cast_mut().cast(),
    sites_end: addr_of!(NEVER).cast_mut().cast(),
    memmap_size: (NR_TEMPLATES * NR_ORDERS * MAX_FOLIOS as u32) as u64 * (1 << SLOT_SHIFT),
    scratch_size: 4096,
    init,
    has_op,
    run,
    oops: nothing,
    limit: nothing,
    in_kernel: &NEVER,
};
