// SPDX-License-Identifier: GPL-2.0
//! Programs of the lockless layer with traces made by hand, so that a trace can
//! say what no side would.
#![allow(dead_code, missing_docs)] // each test uses some of it

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_rec};
use harness::program::{NO_ACT, NO_FOLIO, NO_OP, Program, page};
use harness::trace::{PageState, Trace};
use harness::world::layout::Layout;

pub const P: usize = 0;
pub const Q: usize = 1;
/// Four pages.
pub const H: usize = 2;
/// The zero page.
pub const Z: usize = 3;

/// Nothing special: readable.
pub const READ: u16 = 0;
pub const RW: u16 = 1 << abi::GD_EF_RW;

pub const WRITE: u32 = 1 << abi::GD_FOLL_WRITE;
pub const LONGTERM: u32 = 1 << abi::GD_FOLL_LONGTERM;
pub const FAST_ONLY: u32 = 1 << abi::GD_FOLL_FAST_ONLY;

pub struct Made {
    pub program: Program,
    pub trace: Trace,
}

impl Made {
    /// Two small pages, a large folio and the zero page, each with a reference.
    pub fn new() -> Self {
        let folio = |order, kind: u32| gd_folio {
            order,
            kind: kind as u8,
            ref_: 1,
            ..NO_FOLIO
        };
        let mut program = Program::EMPTY;
        program.0.world.state = abi::GD_W_IRQS_ON as u8;
        program.0.folio[0] = folio(0, abi::GD_K_NORMAL);
        program.push_folio(folio(0, abi::GD_K_NORMAL));
        program.push_folio(folio(2, abi::GD_K_NORMAL));
        program.push_folio(folio(0, abi::GD_K_ZERO));
        Self {
            program,
            trace: Trace::new(),
        }
    }

    /// The number of a page.
    pub fn page(&self, index: usize, offset: u32) -> u32 {
        Layout::new(&self.program.0).folios()[index].head() + offset
    }

    /// A change of the world, before the operation that matters.
    pub fn set(mut self, op: gd_op) -> Self {
        self.program.push_op(op);
        self.trace.records_mut().push(ret(abi::GD_RET_VOID, 0));
        self
    }

    /// An operation with all its records, the result included.
    pub fn op(mut self, op: gd_op, records: impl IntoIterator<Item = gd_rec>) -> Self {
        self.program.push_op(op);
        self.trace.records_mut().extend(records);
        self
    }

    /// An action of the last operation.
    pub fn script(mut self, act: gd_act) -> Self {
        let owner = self.program.nr_ops() as u8 - 1;
        self.program.push_act(gd_act { owner, ..act });
        self
    }

    /// The end of the trace.
    pub fn end(mut self) -> Self {
        let n = self.program.nr_ops() as u16;
        let end = rec(abi::GD_R_END, abi::GD_END_DONE, n, 0, 0);
        self.trace.records_mut().push(end);
        self
    }

    /// The record of a page whose counts moved.
    pub fn moved(&self, index: usize, offset: u32, refs: i32, pins: i32) -> gd_rec {
        let layout = Layout::new(&self.program.0);
        let page = self.page(index, offset);
        let rev = harness::ops::Rev::V6_1;
        let mut state = layout.initial(&self.program.0, page, rev);
        state.refcount += refs;
        state.pincount += pins;
        let large = state.is_large();
        state.pinned = !state.tail && harness::world::layout::maybe_dma_pinned(&state, large);
        state.to_rec()
    }
}

pub fn rec(kind: u32, a: u32, b: u16, c: u32, d: u64) -> gd_rec {
    gd_rec {
        kind: kind as u8,
        a: a as u8,
        b,
        c,
        d,
    }
}

pub fn ret(kind: u32, value: i64) -> gd_rec {
    rec(abi::GD_R_RET, kind, 0, 0, value as u64)
}

pub fn int(value: i64) -> gd_rec {
    ret(abi::GD_RET_INT, value)
}

pub fn entry(index: u16, page: u32) -> gd_rec {
    rec(abi::GD_R_ENTRY, 0, index, page, 0)
}

pub fn act(index: u16) -> gd_rec {
    rec(abi::GD_R_ACT, 0, index, 0, 0)
}

pub fn state(bits: u32, acquired: u32, released: u32) -> gd_rec {
    let d = u64::from(acquired) | u64::from(released) << 32;
    rec(abi::GD_R_STATE, bits, 0, 0, d)
}

/// The bits after a walk that pinned.
pub const PINNED: u32 = abi::GD_W_IRQS_ON | abi::GD_W_HAS_PINNED;

/// A call of the slow path.
pub fn slow(start: u64, nr: i64, flags: u32) -> [gd_rec; 2] {
    [
        rec(abi::GD_R_ASK, abi::GD_A_SLOW, 0, flags, start),
        rec(abi::GD_R_ASK, abi::GD_A_SLOW_NR, 0, 0, nr as u64),
    ]
}

pub fn ask(kind: u32, given: bool, page: u32) -> gd_rec {
    rec(abi::GD_R_ASK, kind, given.into(), page, 0)
}

pub fn accessible(page: u32) -> gd_rec {
    let state = PageState {
        page,
        refcount: 1025,
        ..PageState::default()
    };
    gd_rec {
        kind: abi::GD_R_CALL as u8,
        a: abi::GD_C_MAKE_ACCESSIBLE as u8,
        ..state.to_rec()
    }
}

/// An action that happens when a hook point is first reached.
pub fn at(op: gd_op, hook: u32) -> gd_act {
    gd_act {
        hook: hook as u8,
        nth: 1,
        at_addr: 0x1000,
        op,
        ..NO_ACT
    }
}

/// The same before a PTE is read.
pub fn meanwhile(op: gd_op) -> gd_act {
    at(op, abi::GD_HOOK_READ_PTE)
}

fn named(id: u32, index: usize, offset: usize) -> gd_op {
    let mut op = gd_op {
        op: id as u8,
        ..NO_OP
    };
    op.run[0].page = page(index, offset);
    op.run[0].len = 1;
    op
}

/// Sets one entry to a page.
pub fn map(level: u32, addr: u64, index: usize, offset: usize, eflags: u16) -> gd_op {
    gd_op {
        addr,
        n: 1,
        entry: abi::GD_E_PAGE as u8,
        eflags,
        ..named(abi::GD_OP_SET_PTE + level, index, offset)
    }
}

pub fn pte(addr: u64, index: usize, eflags: u16) -> gd_op {
    map(abi::GD_L_PTE, addr, index, 0, eflags)
}

/// Clears one entry.
pub fn unmap(level: u32, addr: u64) -> gd_op {
    gd_op {
        entry: abi::GD_E_NONE as u8,
        ..map(level, addr, P, 0, 0)
    }
}

pub fn set_ref(index: usize, val: i32) -> gd_op {
    gd_op {
        val,
        ..named(abi::GD_OP_SET_REF, index, 0)
    }
}

pub fn answer(val: i32, hook: u32) -> gd_act {
    let op = gd_op {
        op: abi::GD_OP_ANSWER as u8,
        val,
        ..NO_OP
    };
    at(op, hook)
}

pub fn get_page(index: usize) -> gd_op {
    named(abi::GD_OP_GET_PAGE, index, 0)
}

pub fn walk(id: u32, addr: u64, n: i32, foll: u32) -> gd_op {
    gd_op {
        op: id as u8,
        addr,
        n,
        foll,
        ..NO_OP
    }
}

pub fn get(addr: u64, n: i32, foll: u32) -> gd_op {
    walk(abi::GD_OP_GET_USER_PAGES_FAST, addr, n, foll)
}

pub fn get_only(addr: u64, n: i32, foll: u32) -> gd_op {
    walk(abi::GD_OP_GET_USER_PAGES_FAST_ONLY, addr, n, foll)
}

pub fn pin(addr: u64, n: i32, foll: u32) -> gd_op {
    walk(abi::GD_OP_PIN_USER_PAGES_FAST, addr, n, foll)
}
