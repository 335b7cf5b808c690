// SPDX-License-Identifier: GPL-2.0
//! Traces: what a side records while it runs a program.
//!
//! A trace is a flat list of 16-byte records in a format that all sides share (see
//! `csrc/abi/trace.h`).  Comparison uses the bytes; this module decodes the records for laws,
//! statistics and reports.

mod calls;

use std::fmt;

use csrc::abi::{self, gd_rec};

pub use self::calls::{Ask, Call};
use crate::site::SiteId;

/// The records of one run.
#[derive(Clone, Default)]
pub struct Trace {
    recs: Vec<gd_rec>,
}

const _: () = assert!(size_of::<gd_rec>() == 16);

impl Trace {
    /// An empty trace with room for an ordinary program.
    pub fn new() -> Self {
        Self {
            recs: Vec::with_capacity(512),
        }
    }

    /// All records in order.
    #[inline]
    pub fn records(&self) -> &[gd_rec] {
        &self.recs
    }

    /// The buffer that a side clears and fills.
    pub fn records_mut(&mut self) -> &mut Vec<gd_rec> {
        &mut self.recs
    }

    /// The trace as bytes; two sides agree when these are equal.
    pub fn as_bytes(&self) -> &[u8] {
        bytes(&self.recs)
    }

    /// The executed operations in order, each with its records; the last one has no RET if
    /// the trace was cut off.
    pub fn ops(&self) -> impl Iterator<Item = &[gd_rec]> {
        let mut rest = self.recs.as_slice();
        std::iter::from_fn(move || {
            let ret = rest
                .iter()
                .position(|r| u32::from(r.kind) == abi::GD_R_RET)?;
            let (op, tail) = rest.split_at(ret + 1);
            rest = tail;
            Some(op)
        })
    }

    /// The records after the last operation: pages that changed outside of operations, END.
    pub fn tail(&self) -> &[gd_rec] {
        let ret = self
            .recs
            .iter()
            .rposition(|r| u32::from(r.kind) == abi::GD_R_RET);
        &self.recs[ret.map_or(0, |i| i + 1)..]
    }

    /// Why the run ended, and after how many operations; `None` if the trace
    /// was cut off before its END.
    pub fn end(&self) -> Option<(End, u32)> {
        match Record::from(self.recs.last()?) {
            Record::End { reason, executed } => Some((reason, executed)),
            _ => None,
        }
    }
}

/// Records as bytes.
pub fn bytes(recs: &[gd_rec]) -> &[u8] {
    // SAFETY: gd_rec is plain old data without padding (its size is the sum of
    // its fields' sizes, asserted above), so every byte is initialised, and u8
    // has no alignment of its own.
    unsafe { std::slice::from_raw_parts(recs.as_ptr().cast(), size_of_val(recs)) }
}

/// Counts of a page: references, exact pins, and whether it may be pinned.
pub type Counts = (i32, i32, bool);

/// The observed state of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// Arena page number.
    pub page: u32,
    /// `_refcount`.
    pub refcount: i32,
    /// Exact pin count; large heads only.
    pub pincount: i32,
    /// Bits `GD_F_*`.
    pub flags: u32,
    /// `GD_M_*`.
    pub mapping: u8,
    /// Whether it is a tail page.
    pub tail: bool,
    /// The result of the kernel's own maybe_dma_pinned; false for tails.
    pub pinned: bool,
}

const PINNED: u8 = 0x80;
const TAIL: u32 = 1 << 31;
const PAGE_MASK: u32 = (1 << 20) - 1;

impl PageState {
    /// Its counts.
    pub fn counts(&self) -> Counts {
        (self.refcount, self.pincount, self.pinned)
    }

    /// Packs into the fields of a PAGE record.
    #[inline]
    pub fn to_rec(&self) -> gd_rec {
        gd_rec {
            kind: abi::GD_R_PAGE as u8,
            a: (self.flags >> 16) as u8 & 0x7f | if self.pinned { PINNED } else { 0 },
            b: self.flags as u16,
            c: self.page | u32::from(self.mapping) << 20 | if self.tail { TAIL } else { 0 },
            d: u64::from(self.refcount as u32) | u64::from(self.pincount as u32) << 32,
        }
    }

    /// Whether a PAGE record is of a tail, or of the head of a large folio.
    #[inline]
    pub fn compound_of(rec: &gd_rec) -> (bool, bool) {
        const HEAD: u16 = 1 << abi::GD_F_HEAD;
        (rec.c & TAIL != 0, rec.b & HEAD != 0)
    }

    /// Unpacks a PAGE record.
    #[inline]
    pub fn from_rec(rec: &gd_rec) -> Self {
        Self {
            flags: u32::from(rec.b) | u32::from(rec.a & !PINNED) << 16,
            pinned: rec.a & PINNED != 0,
            ..Self::from_call(rec)
        }
    }

    /// The number of the page of a PAGE or CALL record.
    #[inline]
    pub fn page_of(rec: &gd_rec) -> u32 {
        rec.c & PAGE_MASK
    }

    /// Unpacks the page of a CALL record, which lacks the upper flags and the pinned bit.
    #[inline]
    pub fn from_call(rec: &gd_rec) -> Self {
        Self {
            page: Self::page_of(rec),
            refcount: rec.d as u32 as i32,
            pincount: (rec.d >> 32) as u32 as i32,
            flags: u32::from(rec.b),
            mapping: (rec.c >> 20 & 0x7ff) as u8,
            tail: rec.c & TAIL != 0,
            pinned: false,
        }
    }

    /// Whether a flag (`GD_F_*`) is set.
    #[inline]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & 1 << flag != 0
    }

    /// Whether this is the head of a large folio.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.has(abi::GD_F_HEAD)
    }
}

/// The result of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// It returned, and has no result.
    Void,
    /// A truth value.
    Bool(bool),
    /// 0 or a negative errno.
    Errno(i32),
    /// A folio, by its page number.
    Folio(u32),
    /// A page, by its number; `abi::GD_NOWHERE` outside of the arena.
    Page(u32),
    /// NULL instead of a folio or a page.
    Null,
    /// A number.
    Int(i64),
    /// The revision has no such function.
    Absent,
    /// It did not return.
    Stopped,
    /// A kind that this build does not know.
    Unknown(u8, u64),
}

/// The locks that are held when an operation returns, and its `*locked`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locks(pub u16);

impl Locks {
    const fn has(self, bit: u32) -> bool {
        self.0 as u32 & bit != 0
    }

    /// The value of `*locked`; `None` if the operation has no such argument.
    pub fn locked(self) -> Option<bool> {
        match (self.has(abi::GD_RB_LOCKED), self.has(abi::GD_RB_UNLOCKED)) {
            (false, false) => None,
            (locked, _) => Some(locked),
        }
    }

    /// Whether the mmap lock of an mm, as [`gd_op`](csrc::abi::gd_op) counts them, is held.
    pub fn mmap(self, mm: u8) -> bool {
        self.has(match mm {
            0 => abi::GD_RB_MMAP,
            _ => abi::GD_RB_MMAP_2,
        })
    }

    /// Whether a page-table lock is held.
    pub fn page_table(self) -> bool {
        self.has(abi::GD_RB_PTL)
    }

    /// Whether an RCU read-side critical section is open.
    pub fn rcu(self) -> bool {
        self.has(abi::GD_RB_RCU)
    }

    /// Whether the lock of a hugetlb VMA is held, or was dropped too often.
    pub fn vma(self) -> bool {
        self.has(abi::GD_RB_VMA)
    }

    /// Whether accesses to user memory are still permitted, or were forbidden too often.
    pub fn uaccess(self) -> bool {
        self.has(abi::GD_RB_UACCESS)
    }

    /// Whether allocations are still not movable.
    pub fn memalloc_pin(self) -> bool {
        self.has(abi::GD_RB_MEMALLOC_PIN)
    }
}

/// Why a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// All operations were executed.
    Done,
    /// At a BUG.
    Bug,
    /// At a memory fault.
    Oops,
    /// At the step limit.
    Limit,
    /// At a gap: something that the side does not provide.
    Gap,
    /// A reason that this build does not know.
    Unknown(u8),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Bug => f.write_str("BUG"),
            Self::Oops => f.write_str("OOPS"),
            Self::Limit => f.write_str("step limit"),
            Self::Gap => f.write_str("gap"),
            Self::Unknown(reason) => write!(f, "unknown end {reason}"),
        }
    }
}

/// A decoded record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A warning.
    Warn(SiteId),
    /// A BUG; the program ends.
    Bug(SiteId),
    /// A memory fault; the program ends.
    Oops,
    /// The step limit; the program ends.
    Limit,
    /// A gap: an index of the side's own table of names.
    Gap(u32),
    /// A call into the rest of the kernel, with the state of its page at that time.
    Call(Call, PageState),
    /// A call that is not about a page.
    Ask(Ask),
    /// An action runs at its hook point: its index in the script of the operation.
    Act(u16),
    /// An entry of `pages[]`.
    Entry {
        /// Its index.
        index: u16,
        /// The page's number; `abi::GD_NOWHERE` outside of the arena.
        page: u32,
    },
    /// A page whose state changed.
    Page(PageState),
    /// State outside of pages that changed, or counters that changed.
    State {
        /// Bits `GD_W_*`.
        bits: u8,
        /// Pins acquired in this operation.
        acquired: i32,
        /// Pins released in this operation.
        released: i32,
        /// By how much NR_ISOLATED_ANON and NR_ISOLATED_FILE changed.
        isolated: [i16; 2],
    },
    /// The result and the locks that are held; the last record of an operation.
    Ret(Ret, Locks),
    /// The end of the trace.
    End {
        /// Why the program ended.
        reason: End,
        /// The number of executed operations.
        executed: u32,
    },
    /// A kind that this build does not know.
    Unknown(u8),
}

impl From<&gd_rec> for Record {
    fn from(rec: &gd_rec) -> Self {
        match u32::from(rec.kind) {
            abi::GD_R_WARN => Self::Warn(SiteId(rec.c)),
            abi::GD_R_BUG => Self::Bug(SiteId(rec.c)),
            abi::GD_R_OOPS => Self::Oops,
            abi::GD_R_LIMIT => Self::Limit,
            abi::GD_R_GAP => Self::Gap(rec.c),
            abi::GD_R_CALL => Self::Call(Call::from_abi(rec.a), PageState::from_call(rec)),
            abi::GD_R_ASK => Self::Ask(Ask::from_rec(rec)),
            abi::GD_R_ACT => Self::Act(rec.b),
            abi::GD_R_ENTRY => Self::Entry {
                index: rec.b,
                page: rec.c,
            },
            abi::GD_R_PAGE => Self::Page(PageState::from_rec(rec)),
            abi::GD_R_STATE => Self::State {
                bits: rec.a,
                acquired: rec.d as u32 as i32,
                released: (rec.d >> 32) as u32 as i32,
                isolated: [rec.c as i16, (rec.c >> 16) as i16],
            },
            abi::GD_R_RET => Self::Ret(ret(rec), Locks(rec.b)),
            abi::GD_R_END => Self::End {
                reason: match u32::from(rec.a) {
                    abi::GD_END_DONE => End::Done,
                    abi::GD_END_BUG => End::Bug,
                    abi::GD_END_OOPS => End::Oops,
                    abi::GD_END_LIMIT => End::Limit,
                    abi::GD_END_GAP => End::Gap,
                    _ => End::Unknown(rec.a),
                },
                executed: u32::from(rec.b),
            },
            _ => Self::Unknown(rec.kind),
        }
    }
}

/// Decodes a RET record.
#[inline]
pub fn ret(rec: &gd_rec) -> Ret {
    match u32::from(rec.a) {
        abi::GD_RET_VOID => Ret::Void,
        abi::GD_RET_BOOL => Ret::Bool(rec.d != 0),
        abi::GD_RET_ERRNO => Ret::Errno(rec.d as i32),
        abi::GD_RET_FOLIO => Ret::Folio(rec.d as u32),
        abi::GD_RET_PAGE => Ret::Page(rec.d as u32),
        abi::GD_RET_NULL => Ret::Null,
        abi::GD_RET_INT => Ret::Int(rec.d as i64),
        abi::GD_RET_ABSENT => Ret::Absent,
        abi::GD_RET_STOPPED => Ret::Stopped,
        _ => Ret::Unknown(rec.a, rec.d),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rec(kind: u32, a: u32, b: u16, c: u32, d: u64) -> gd_rec {
        gd_rec {
            kind: kind as u8,
            a: a as u8,
            b,
            c,
            d,
        }
    }

    #[test]
    fn page_states_survive_packing() {
        let state = PageState {
            page: 0x6_dfff,
            refcount: i32::MIN,
            pincount: -1,
            flags: (1 << abi::GD_NR_FLAGS) - 1,
            mapping: 7,
            tail: true,
            pinned: true,
        };
        assert_eq!(PageState::from_rec(&state.to_rec()), state);
        let state = PageState::default();
        assert_eq!(PageState::from_rec(&state.to_rec()), state);
    }

    #[test]
    fn a_trace_splits_at_results() {
        let mut trace = Trace::new();
        trace.records_mut().extend([
            rec(abi::GD_R_WARN, 0, 0, 1, 0),
            rec(abi::GD_R_RET, abi::GD_RET_NULL, 0, 0, 0),
            rec(abi::GD_R_RET, abi::GD_RET_ERRNO, 0, 0, -12i64 as u64),
            rec(abi::GD_R_PAGE, 0, 0, 5, 1),
            rec(abi::GD_R_END, abi::GD_END_DONE, 2, 0, 0),
        ]);
        let lens: Vec<_> = trace.ops().map(<[_]>::len).collect();
        assert_eq!(lens, [2, 1]);
        assert_eq!(trace.tail().len(), 2);
        assert_eq!(trace.end(), Some((End::Done, 2)));
        assert_eq!(
            Record::from(&trace.records()[2]),
            Record::Ret(Ret::Errno(-12), Locks(0))
        );
    }
}
