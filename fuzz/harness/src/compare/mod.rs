// SPDX-License-Identifier: GPL-2.0
//! Comparison of two traces of one program.
//!
//! The fast path compares the bytes.  Only if they differ are the records read, to find the
//! first operation that differs and the first field in it, in the order that is most useful
//! to a reader.

mod differences;
#[cfg(test)]
mod tests;

use csrc::abi::{self, gd_program, gd_rec};

use crate::accepted::{Accepted, RevisionPair};
use crate::site::SiteId;
use crate::trace::{Ask, Call, End, Locks, PageState, Ret, Trace, bytes};
use crate::world::pages::Pages;
use differences::Differ;

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// A warning: which, or whether.
    Warn,
    /// A BUG: which, or whether.
    Bug,
    /// A memory fault on one side.
    Oops,
    /// The step limit on one side.
    Limit,
    /// A call into the rest of the kernel: which, with what, or whether.
    Call,
    /// A call that is about no page: the slow path, a pagemap, the mmap lock.
    Ask,
    /// A hook point: which action runs there.
    Interleaving,
    /// A page's reference count.
    Refcount,
    /// A folio's pin count.
    Pincount,
    /// A page's flags.
    Flags,
    /// A page's mapping.
    Mapping,
    /// Whether a page is a tail.
    Tail,
    /// What the kernel's own predicate says about pins.
    Pinned,
    /// IRQs, MMF_HAS_PINNED, the devmap key.
    State,
    /// NR_FOLL_PIN_ACQUIRED.
    Acquired,
    /// NR_FOLL_PIN_RELEASED.
    Released,
    /// NR_ISOLATED_ANON.
    IsolatedAnon,
    /// NR_ISOLATED_FILE.
    IsolatedFile,
    /// The result.
    Ret,
    /// What `*locked` says, and which locks are held afterwards.
    Locks,
    /// An entry of `pages[]`.
    Entry,
    /// A page that changed without the operation having touched it.
    Stray,
    /// How the program ended.
    End,
    /// The order of records; says that a side does not follow `csrc/abi/trace.h`.
    Shape,
}

impl Field {
    /// The word that reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warn => "WARN",
            Self::Bug => "BUG",
            Self::Oops => "OOPS",
            Self::Limit => "step limit",
            Self::Call => "call",
            Self::Ask => "call of the environment",
            Self::Interleaving => "interleaving",
            Self::Refcount => "refcount",
            Self::Pincount => "pincount",
            Self::Flags => "flags",
            Self::Mapping => "mapping",
            Self::Tail => "tail",
            Self::Pinned => "maybe_dma_pinned",
            Self::State => "state",
            Self::Acquired => "pins acquired",
            Self::Released => "pins released",
            Self::IsolatedAnon => "NR_ISOLATED_ANON",
            Self::IsolatedFile => "NR_ISOLATED_FILE",
            Self::Ret => "result",
            Self::Locks => "locks",
            Self::Entry => "pages[]",
            Self::Stray => "stray change",
            Self::End => "end",
            Self::Shape => "shape of the trace",
        }
    }
}

/// One side's value of the field that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing there: no such event on this side.
    Nothing,
    /// A warning or BUG.
    Site(SiteId),
    /// An event without details.
    Event(&'static str),
    /// A call and its page.
    Call(Call, PageState),
    /// A call that is about no page.
    Ask(Ask),
    /// An action of the script that is carried out, by its index.
    Act(u16),
    /// A count.
    Count(i32),
    /// Page flags, bits `GD_F_*`.
    Flags(u32),
    /// A mapping, `GD_M_*`.
    Mapping(u8),
    /// A truth value.
    Truth(bool),
    /// Bits `GD_W_*`.
    State(u8),
    /// A result.
    Ret(Ret),
    /// What `*locked` says, and which locks are held.
    Locks(Locks),
    /// How a program ended and after how many operations.
    End(End, u32),
    /// A page, by its number.
    Page(u32),
    /// The name of a record's kind.
    Record(&'static str),
}

/// What makes two divergences the same finding: no values in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class {
    /// The operation's id; `None` after the last operation.
    pub op: Option<u8>,
    /// The field.
    pub field: Field,
    /// The site or call of the first side that has one.
    pub detail: Detail,
}

/// The part of a class that tells events apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detail {
    /// The field says it all.
    None,
    /// A WARN or BUG.
    Site(SiteId),
    /// A call.
    Call(Call),
    /// A call that is about no page, `GD_A_*`.
    Ask(u8),
    /// A hook point, `GD_HOOK_*`.
    Hook(u8),
}

/// The first difference between two traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// Index of the operation; the number of operations for what comes after.
    pub op_index: usize,
    /// What differs.
    pub field: Field,
    /// The page that it differs on.
    pub page: Option<u32>,
    /// The left side's value.
    pub left: Value,
    /// The right side's value.
    pub right: Value,
    /// For de-duplication and shrinking.
    pub class: Class,
}

/// What comparing two traces gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No difference, and neither side met a gap.
    Match,
    /// They differ.
    Differ(Divergence),
    /// They agree up to where a side met something that it does not provide.
    Gap {
        /// Whether it was the left side.
        left: bool,
        /// Index into that side's gap names.
        name: u32,
    },
    /// They agree up to an operation that one revision does not have; what
    /// follows is not comparable.
    Absent {
        /// Index of that operation.
        op_index: usize,
    },
}

/// Whether the traces are the same bytes and came to an ordinary end, so that
/// there is nothing to look at.
pub fn equal(left: &Trace, right: &Trace) -> bool {
    left.as_bytes() == right.as_bytes() && !met_gap(left)
}

fn met_gap(trace: &Trace) -> bool {
    match trace.records().last() {
        Some(rec) => u32::from(rec.kind) == abi::GD_R_END && u32::from(rec.a) == abi::GD_END_GAP,
        None => false,
    }
}

/// What a trace gives that there is nothing to compare with.
pub fn alone(trace: &Trace) -> Outcome {
    match trace.ops().find_map(gap_of) {
        Some(name) => Outcome::Gap { left: true, name },
        None => Outcome::Match,
    }
}

/// Compares two traces of `prog`, record by record.
pub fn compare(
    prog: &gd_program,
    left: &Trace,
    right: &Trace,
    revisions: RevisionPair,
    accepted: &mut Accepted,
) -> Outcome {
    Comparer::default().compare(prog, left, right, revisions, accepted)
}

/// Compares traces; keeps its memory between programs.
#[derive(Default)]
pub struct Comparer {
    left: Pages,
    right: Pages,
}

impl Comparer {
    /// As [`compare`].
    pub fn compare(
        &mut self,
        prog: &gd_program,
        left: &Trace,
        right: &Trace,
        revisions: RevisionPair,
        accepted: &mut Accepted,
    ) -> Outcome {
        let differ = Differ::new(prog, revisions, (&mut self.left, &mut self.right));
        record_by_record(differ, prog, left, right, revisions, accepted)
    }

    /// All differences of two traces within one operation; none if a trace does not
    /// come to it.
    pub fn differences_at(
        &mut self,
        prog: &gd_program,
        left: &Trace,
        right: &Trace,
        revisions: RevisionPair,
        op_index: usize,
    ) -> Option<Vec<Divergence>> {
        let differ = Differ::new(prog, revisions, (&mut self.left, &mut self.right));
        let mut pairs = left.ops().zip(right.ops());
        for (l, r) in pairs.by_ref().take(op_index) {
            differ.left.apply(l);
            differ.right.apply(r);
        }
        let (l, r) = pairs.next()?;
        Some(match same(l, r) {
            true => Vec::new(),
            false => differ.differences(op_index, l, r),
        })
    }
}

fn record_by_record(
    differ: Differ,
    prog: &gd_program,
    left: &Trace,
    right: &Trace,
    revisions: RevisionPair,
    accepted: &mut Accepted,
) -> Outcome {
    let mut lefts = left.ops();
    let mut rights = right.ops();
    let mut index = 0;
    loop {
        let (l, r) = match (lefts.next(), rights.next()) {
            (Some(l), Some(r)) => (l, r),
            (None, None) => break,
            (l, r) => {
                let last = |recs: Option<&[gd_rec]>| match recs.and_then(<[_]>::last) {
                    Some(rec) => Value::Record(rec_name(rec)),
                    None => Value::Nothing,
                };
                return Outcome::Differ(differ.difference(
                    index,
                    Field::Shape,
                    None,
                    last(l),
                    last(r),
                ));
            }
        };
        if !same(l, r) {
            if is_absent(l) != is_absent(r) {
                return Outcome::Absent { op_index: index };
            }
            let mut stopped = false;
            let found = differ.differences(index, l, r).into_iter().find(|d| {
                let op = prog.op.get(index).map_or(0, |op| op.op);
                let fine = accepted.accepts(revisions, op, d.field);
                // One side ends here, and that is fine.
                stopped |= fine && matches!(d.field, Field::Bug | Field::Oops | Field::Limit);
                !fine && !stopped
            });
            // A gap on one side ends its program; what differs is that event.
            match (gap_of(l), gap_of(r)) {
                (Some(name), _) => return Outcome::Gap { left: true, name },
                (None, Some(name)) => return Outcome::Gap { left: false, name },
                (None, None) => {}
            }
            if let Some(divergence) = found {
                return Outcome::Differ(divergence);
            }
            if stopped {
                return Outcome::Match;
            }
        } else if let Some(name) = gap_of(l) {
            return Outcome::Gap { left: true, name };
        }
        differ.left.apply(l);
        differ.right.apply(r);
        index += 1;
    }
    if !same(left.tail(), right.tail()) {
        let differences = differ.tail_differences(left.tail(), right.tail());
        if let Some(divergence) = differences {
            return Outcome::Differ(divergence);
        }
    }
    Outcome::Match
}

fn same(left: &[gd_rec], right: &[gd_rec]) -> bool {
    bytes(left) == bytes(right)
}

fn is_absent(op: &[gd_rec]) -> bool {
    op.last().is_some_and(|rec| {
        u32::from(rec.kind) == abi::GD_R_RET && u32::from(rec.a) == abi::GD_RET_ABSENT
    })
}

fn gap_of(op: &[gd_rec]) -> Option<u32> {
    op.iter()
        .find(|rec| u32::from(rec.kind) == abi::GD_R_GAP)
        .map(|rec| rec.c)
}

fn rec_name(rec: &gd_rec) -> &'static str {
    match u32::from(rec.kind) {
        abi::GD_R_WARN => "WARN",
        abi::GD_R_BUG => "BUG",
        abi::GD_R_OOPS => "OOPS",
        abi::GD_R_LIMIT => "LIMIT",
        abi::GD_R_GAP => "GAP",
        abi::GD_R_CALL => "CALL",
        abi::GD_R_ASK => "ASK",
        abi::GD_R_ACT => "ACT",
        abi::GD_R_ENTRY => "ENTRY",
        abi::GD_R_PAGE => "PAGE",
        abi::GD_R_STATE => "STATE",
        abi::GD_R_RET => "RET",
        abi::GD_R_END => "END",
        _ => "unknown record",
    }
}
