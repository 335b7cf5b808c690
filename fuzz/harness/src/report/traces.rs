// SPDX-License-Identifier: GPL-2.0
//! Complete traces as text.

use super::events::events;
use super::show::{self, Names};
use crate::oracle::Oracle;
use crate::program::{Program, text};
use crate::side::Side;
use crate::trace::Record;

/// The traces of both sides, operation by operation.
pub fn traces(oracle: &Oracle, prog: &Program) -> String {
    let mut out = String::new();
    let names = Names::new(prog);
    let left = oracle.pair().left.as_ref();
    let mut sides = vec![(left, oracle.left_trace())];
    if let Some(right) = &oracle.pair().right {
        sides.push((right.as_ref(), oracle.right_trace()));
    }
    for (side, trace) in sides {
        out += &format!("{}\n", side.info().name);
        for (op, recs) in prog.ops().iter().zip(trace.ops()) {
            let line = text::format_op(op, oracle.revisions().left, names.folios());
            out += &format!("  {line}\n");
            out += &record_lines(recs, side, &names);
        }
        out += &record_lines(trace.tail(), side, &names);
    }
    out
}

fn record_lines(recs: &[csrc::abi::gd_rec], side: &dyn Side, names: &Names) -> String {
    let records: Vec<Record> = recs.iter().map(Record::from).collect();
    let mut out = String::new();
    // keep the order of pages and other records
    for group in records.chunk_by(|a, b| is_page(a) == is_page(b)) {
        for record in group {
            if let Record::Page(state) = record {
                let (page, state) = (names.page(state.page), show::page_state(state));
                out += &format!("      PAGE  {page}: {state}\n");
            }
        }
        for event in events(group, side, names) {
            out += &format!("      {event}\n");
        }
    }
    out
}

fn is_page(record: &Record) -> bool {
    matches!(record, Record::Page(_))
}
