// SPDX-License-Identifier: GPL-2.0
//! Comparison of two traces of one program.
//!
//! The fast path is equality of bytes.  Only when that fails are the records
//! read: the first operation that differs is found, and in it the first field,
//! in the order in which a reader would want to know about it.

use csrc::abi::{self, gd_program, gd_rec};

use crate::accepted::{Accepted, RevisionPair};
use crate::pages::Pages;
use crate::site::SiteId;
use crate::trace::{Call, End, PageState, Record, Ret, Trace, bytes};

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
    /// The result.
    Ret,
    /// A page that changed without the operation having touched it.
    Stray,
    /// How the program ended.
    End,
    /// The order of records; says that a side does not follow `gupdiff.h`.
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
            Self::Refcount => "refcount",
            Self::Pincount => "pincount",
            Self::Flags => "flags",
            Self::Mapping => "mapping",
            Self::Tail => "tail",
            Self::Pinned => "maybe_dma_pinned",
            Self::State => "state",
            Self::Acquired => "pins acquired",
            Self::Released => "pins released",
            Self::Ret => "result",
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
    /// How a program ended and after how many operations.
    End(End, u32),
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
        Some(rec) => {
            u32::from(rec.kind) == abi::GD_R_END && u32::from(rec.a) == abi::GD_END_GAP
        }
        None => false,
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
    let mut walk = Walk::new(prog);
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
                return Outcome::Differ(walk.difference(
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
            let found = walk.differences(index, l, r).into_iter().find(|d| {
                let op = prog.op.get(index).map_or(0, |op| op.op);
                !accepted.accepts(revisions, op, d.field)
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
        } else if let Some(name) = gap_of(l) {
            return Outcome::Gap { left: true, name };
        }
        walk.left.apply(l);
        walk.right.apply(r);
        index += 1;
    }
    if !same(left.tail(), right.tail()) {
        let differences = walk.tail_differences(left.tail(), right.tail());
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
        abi::GD_R_PAGE => "PAGE",
        abi::GD_R_STATE => "STATE",
        abi::GD_R_RET => "RET",
        abi::GD_R_END => "END",
        _ => "unknown record",
    }
}

struct Walk<'p> {
    prog: &'p gd_program,
    left: Pages,
    right: Pages,
}

impl<'p> Walk<'p> {
    fn new(prog: &'p gd_program) -> Self {
        let mut walk = Self {
            prog,
            left: Pages::default(),
            right: Pages::default(),
        };
        walk.left.start(prog);
        walk.right.start(prog);
        walk
    }

    fn difference(
        &self,
        op_index: usize,
        field: Field,
        page: Option<u32>,
        left: Value,
        right: Value,
    ) -> Divergence {
        let detail = [left, right]
            .into_iter()
            .find_map(|value| match value {
                Value::Site(site) => Some(Detail::Site(site)),
                Value::Call(call, _) => Some(Detail::Call(call)),
                _ => None,
            })
            .unwrap_or(Detail::None);
        let op = self.prog.op[..usize::from(self.prog.world.nr_ops)]
            .get(op_index)
            .map(|op| op.op);
        Divergence {
            op_index,
            field,
            page,
            left,
            right,
            class: Class { op, field, detail },
        }
    }

    /// All differences within one operation, the most telling first: events in
    /// order, then the result, then pages, then state.
    fn differences(&self, index: usize, l: &[gd_rec], r: &[gd_rec]) -> Vec<Divergence> {
        let mut found = Vec::new();
        self.events(index, l, r, &mut found);
        self.results(index, l, r, &mut found);
        self.pages(index, l, r, &mut found);
        self.states(index, l, r, &mut found);
        if found.is_empty() {
            let at = l.iter().zip(r).position(|(l, r)| !same(&[*l], &[*r]));
            let at = at.unwrap_or(l.len().min(r.len()));
            let name = |recs: &[gd_rec]| match recs.get(at) {
                Some(rec) => Value::Record(rec_name(rec)),
                None => Value::Nothing,
            };
            found.push(self.difference(index, Field::Shape, None, name(l), name(r)));
        }
        found
    }

    fn events(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let (l, r) = (events(l), events(r));
        for i in 0..l.len().max(r.len()) {
            let (left, right) = (l.get(i), r.get(i));
            if left == right {
                continue;
            }
            // An event that only one side has shifts all later ones: compare
            // what is extra, and stop there.
            let (left, right) = match (left, right) {
                (Some(a), Some(b)) if event_field(a) != event_field(b) => {
                    if r.len() > l.len() {
                        (None, Some(b))
                    } else {
                        (Some(a), None)
                    }
                }
                both => both,
            };
            let shown = left.or(right).expect("one of them is there");
            found.push(self.difference(
                index,
                event_field(shown),
                event_page(shown),
                event_value(left),
                event_value(right),
            ));
            return;
        }
    }

    fn results(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let ret = |recs: &[gd_rec]| match recs.last().map(Record::from) {
            Some(Record::Ret(ret)) => Value::Ret(ret),
            _ => Value::Nothing,
        };
        let (left, right) = (ret(l), ret(r));
        if left != right {
            found.push(self.difference(index, Field::Ret, None, left, right));
        }
    }

    fn pages(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let (l, r) = (page_records(l), page_records(r));
        let mut numbers: Vec<u32> = l.iter().chain(&r).map(|s| s.page).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let now = |recs: &[PageState], before: &Pages, page| {
            recs.iter()
                .find(|s| s.page == page)
                .copied()
                .unwrap_or_else(|| before.get(self.prog, page))
        };
        for page in numbers {
            let left = now(&l, &self.left, page);
            let right = now(&r, &self.right, page);
            for (field, left, right) in page_fields(&left, &right) {
                found.push(self.difference(index, field, Some(page), left, right));
            }
        }
    }

    fn states(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let (lb, la, lr) = state_record(l, self.left.bits());
        let (rb, ra, rr) = state_record(r, self.right.bits());
        if lb != rb {
            let (left, right) = (Value::State(lb), Value::State(rb));
            found.push(self.difference(index, Field::State, None, left, right));
        }
        if la != ra {
            let (left, right) = (Value::Count(la), Value::Count(ra));
            found.push(self.difference(index, Field::Acquired, None, left, right));
        }
        if lr != rr {
            let (left, right) = (Value::Count(lr), Value::Count(rr));
            found.push(self.difference(index, Field::Released, None, left, right));
        }
    }

    fn tail_differences(&self, l: &[gd_rec], r: &[gd_rec]) -> Option<Divergence> {
        let index = usize::from(self.prog.world.nr_ops);
        let mut found = Vec::new();
        self.pages(index, l, r, &mut found);
        if let Some(first) = found.first() {
            return Some(Divergence {
                field: Field::Stray,
                class: Class {
                    field: Field::Stray,
                    ..first.class
                },
                ..*first
            });
        }
        let end = |recs: &[gd_rec]| match recs.last().map(Record::from) {
            Some(Record::End { reason, executed }) => Value::End(reason, executed),
            _ => Value::Nothing,
        };
        let (left, right) = (end(l), end(r));
        (left != right).then(|| self.difference(index, Field::End, None, left, right))
    }
}

/// The fields of a page that differ, with both values.
fn page_fields(left: &PageState, right: &PageState) -> Vec<(Field, Value, Value)> {
    let mut found = Vec::new();
    let mut field = |field, left: Value, right: Value| {
        if left != right {
            found.push((field, left, right));
        }
    };
    field(
        Field::Refcount,
        Value::Count(left.refcount),
        Value::Count(right.refcount),
    );
    field(
        Field::Pincount,
        Value::Count(left.pincount),
        Value::Count(right.pincount),
    );
    field(
        Field::Flags,
        Value::Flags(left.flags),
        Value::Flags(right.flags),
    );
    field(
        Field::Mapping,
        Value::Mapping(left.mapping),
        Value::Mapping(right.mapping),
    );
    field(
        Field::Tail,
        Value::Truth(left.tail),
        Value::Truth(right.tail),
    );
    field(
        Field::Pinned,
        Value::Truth(left.pinned),
        Value::Truth(right.pinned),
    );
    found
}

fn events(recs: &[gd_rec]) -> Vec<Record> {
    recs.iter()
        .map(Record::from)
        .filter(|rec| !matches!(rec, Record::Page(_) | Record::State { .. } | Record::Ret(_)))
        .collect()
}

fn page_records(recs: &[gd_rec]) -> Vec<PageState> {
    recs.iter()
        .filter(|rec| u32::from(rec.kind) == abi::GD_R_PAGE)
        .map(PageState::from_rec)
        .collect()
}

fn state_record(recs: &[gd_rec], before: u8) -> (u8, i32, i32) {
    recs.iter()
        .find_map(|rec| match Record::from(rec) {
            Record::State {
                bits,
                acquired,
                released,
            } => Some((bits, acquired, released)),
            _ => None,
        })
        .unwrap_or((before, 0, 0))
}

fn event_field(event: &Record) -> Field {
    match event {
        Record::Warn(_) => Field::Warn,
        Record::Bug(_) => Field::Bug,
        Record::Oops => Field::Oops,
        Record::Limit => Field::Limit,
        Record::Call(..) => Field::Call,
        _ => Field::Shape,
    }
}

fn event_page(event: &Record) -> Option<u32> {
    match event {
        Record::Call(_, state) => Some(state.page),
        _ => None,
    }
}

fn event_value(event: Option<&Record>) -> Value {
    match event {
        None => Value::Nothing,
        Some(Record::Warn(site) | Record::Bug(site)) => Value::Site(*site),
        Some(Record::Oops) => Value::Event("OOPS"),
        Some(Record::Limit) => Value::Event("step limit"),
        Some(Record::Call(call, state)) => Value::Call(*call, *state),
        Some(Record::Gap(_)) => Value::Event("gap"),
        Some(_) => Value::Event("unknown record"),
    }
}
