// SPDX-License-Identifier: GPL-2.0
//! Walks two traces side by side, with the state of all pages on each side.

use csrc::abi::{self, gd_op, gd_program, gd_rec};

use super::{Class, Detail, Divergence, Field, Value, rec_name, same};
use crate::accepted::RevisionPair;
use crate::trace::{PageState, Record};
use crate::world::pages::Pages;

pub(super) struct Differ<'p> {
    prog: &'p gd_program,
    pub(super) left: &'p mut Pages,
    pub(super) right: &'p mut Pages,
}

impl<'p> Differ<'p> {
    pub(super) fn new(
        prog: &'p gd_program,
        revisions: RevisionPair,
        (left, right): (&'p mut Pages, &'p mut Pages),
    ) -> Self {
        left.start(prog, revisions.left);
        right.start(prog, revisions.right);
        Self { prog, left, right }
    }

    fn ops(&self) -> &'p [gd_op] {
        &self.prog.op[..usize::from(self.prog.world.nr_ops)]
    }

    pub(super) fn difference(
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
                Value::Ask(ask) => Some(Detail::Ask(ask.kind())),
                Value::Act(index) => {
                    let act = self.prog.act.get(usize::from(index));
                    Some(Detail::Hook(act.map_or(0, |act| act.hook)))
                }
                _ => None,
            })
            .unwrap_or(Detail::None);
        let op = self.ops().get(op_index).map(|op| op.op);
        Divergence {
            op_index,
            field,
            page,
            left,
            right,
            class: Class { op, field, detail },
        }
    }

    /// All differences within one operation, the most important first: events in order,
    /// then the result, then pages, then state.
    pub(super) fn differences(&self, index: usize, l: &[gd_rec], r: &[gd_rec]) -> Vec<Divergence> {
        let mut found = Vec::new();
        self.events(index, l, r, &mut found);
        self.results(index, l, r, &mut found);
        self.entries(index, l, r, &mut found);
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
            // An event that only one side has shifts all later ones: report the extra one
            // and stop.  An event that ends the program is more important than what the
            // other side did instead.
            let (left, right) = match (left, right) {
                (Some(a), Some(b)) if event_field(a) != event_field(b) => {
                    let extra_right = match (is_end(a), is_end(b)) {
                        (true, false) => false,
                        (false, true) => true,
                        _ => r.len() > l.len(),
                    };
                    if extra_right {
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
        let result = |recs: &[gd_rec]| match recs.last().map(Record::from) {
            Some(Record::Ret(ret, locks)) => (Value::Ret(ret), Value::Locks(locks)),
            _ => (Value::Nothing, Value::Nothing),
        };
        let (left, right) = (result(l), result(r));
        for (field, left, right) in [
            (Field::Ret, left.0, right.0),
            (Field::Locks, left.1, right.1),
        ] {
            if left != right {
                found.push(self.difference(index, field, None, left, right));
            }
        }
    }

    fn entries(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let entries = |recs: &[gd_rec]| -> Vec<Value> {
            recs.iter()
                .filter_map(|rec| match Record::from(rec) {
                    Record::Entry { page, .. } => Some(Value::Page(page)),
                    _ => None,
                })
                .collect()
        };
        let (l, r) = (entries(l), entries(r));
        for i in 0..l.len().max(r.len()) {
            let value = |entries: &[Value]| entries.get(i).copied().unwrap_or(Value::Nothing);
            let (left, right) = (value(&l), value(&r));
            if left != right {
                found.push(self.difference(index, Field::Entry, None, left, right));
                return;
            }
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
            let left = now(&l, self.left, page);
            let right = now(&r, self.right, page);
            for (field, left, right) in page_fields(&left, &right) {
                found.push(self.difference(index, field, Some(page), left, right));
            }
        }
    }

    fn states(&self, index: usize, l: &[gd_rec], r: &[gd_rec], found: &mut Vec<Divergence>) {
        let left = state_record(l, self.left.bits());
        let right = state_record(r, self.right.bits());
        for ((field, left), (_, right)) in left.into_iter().zip(right) {
            if left != right {
                found.push(self.difference(index, field, None, left, right));
            }
        }
    }

    pub(super) fn tail_differences(&self, l: &[gd_rec], r: &[gd_rec]) -> Option<Divergence> {
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
        .filter(|rec| {
            !matches!(
                rec,
                Record::Page(_) | Record::State { .. } | Record::Ret(..) | Record::Entry { .. }
            )
        })
        .collect()
}

fn page_records(recs: &[gd_rec]) -> Vec<PageState> {
    recs.iter()
        .filter(|rec| u32::from(rec.kind) == abi::GD_R_PAGE)
        .map(PageState::from_rec)
        .collect()
}

/// The state after an operation, and what it counted.
fn state_record(recs: &[gd_rec], before: u8) -> [(Field, Value); 5] {
    let state = recs.iter().find_map(|rec| match Record::from(rec) {
        Record::State {
            bits,
            acquired,
            released,
            isolated,
        } => Some((bits, acquired, released, isolated)),
        _ => None,
    });
    let (bits, acquired, released, isolated) = state.unwrap_or((before, 0, 0, [0, 0]));
    let [anon, file] = isolated.map(|n| Value::Count(n.into()));
    [
        (Field::State, Value::State(bits)),
        (Field::Acquired, Value::Count(acquired)),
        (Field::Released, Value::Count(released)),
        (Field::IsolatedAnon, anon),
        (Field::IsolatedFile, file),
    ]
}

/// Whether no record can follow an event.
fn is_end(event: &Record) -> bool {
    matches!(
        event,
        Record::Bug(_) | Record::Oops | Record::Limit | Record::Gap(_)
    )
}

fn event_field(event: &Record) -> Field {
    match event {
        Record::Warn(_) => Field::Warn,
        Record::Bug(_) => Field::Bug,
        Record::Oops => Field::Oops,
        Record::Limit => Field::Limit,
        Record::Call(..) => Field::Call,
        Record::Ask(_) => Field::Ask,
        Record::Act(_) => Field::Interleaving,
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
        Some(Record::Ask(ask)) => Value::Ask(*ask),
        Some(Record::Act(index)) => Value::Act(*index),
        Some(Record::Gap(_)) => Value::Event("gap"),
        Some(_) => Value::Event("unknown record"),
    }
}
