// SPDX-License-Identifier: GPL-2.0
//! The context of an operation: pages before and after it, page tables, events.

use csrc::abi::gd_op;
use serde::Serialize;

use super::entries;
use super::show::{self, Names};
use crate::oracle::{Oracle, Verdict, Which};
use crate::program::Program;
use crate::program::walk::is_any_call;
use crate::side::Side;
use crate::trace::{PageState, Record, Trace};
use crate::world::pages::Pages;
use crate::world::tables::Tables;
use crate::world::vmas::Vmas;

/// Maximum number of pages in a report.
const SHOWN_PAGES: usize = 8;
/// Maximum number of lines about page tables.
const SHOWN_ENTRIES: usize = 8;

/// A page's state on one side, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Before the operation.
    pub before: String,
    /// After it.
    pub after: String,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageReport {
    /// Its name: `h+1`.
    pub page: String,
    /// On the left side.
    pub left: Change,
    /// On the right side, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Change>,
}

/// Page tables and VMAs before an operation that walks them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TablesReport {
    /// The VMAs, as programs set them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vmas: Vec<String>,
    /// The entries that map the range, as programs set them.
    pub entries: Vec<String>,
    /// Number of further lines that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
}

/// The context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Around {
    /// The pages of the operands, and those that the operation changed.
    pub pages: Vec<PageReport>,
    /// Number of further pages that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_pages: usize,
    /// Page tables and VMAs, if the operation walks them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<TablesReport>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

/// One side, and its trace around an operation.
pub(super) struct Shown<'a> {
    pub which: Which,
    pub side: &'a dyn Side,
    pub before: Pages,
    pub after: Pages,
    pub records: Vec<Record>,
}

impl<'a> Shown<'a> {
    /// For a side with this trace of the program.
    pub fn new(
        which: Which,
        side: &'a dyn Side,
        trace: &Trace,
        prog: &Program,
        index: usize,
    ) -> Self {
        let (mut before, mut after) = (Pages::default(), Pages::default());
        before.start(&prog.0, side.info().rev);
        after.start(&prog.0, side.info().rev);
        let mut records = Vec::new();
        for (i, recs) in trace.ops().enumerate().take(index + 1) {
            if i < index {
                before.apply(recs);
            } else {
                records = recs.iter().map(Record::from).collect();
            }
            after.apply(recs);
        }
        if index >= prog.nr_ops() {
            after.apply(trace.tail());
            records = trace.tail().iter().map(Record::from).collect();
        }
        Self {
            which,
            side,
            before,
            after,
            records,
        }
    }

    /// For the sides of an oracle that has just judged the program.
    pub fn of(oracle: &'a Oracle, prog: &Program, index: usize) -> Vec<Self> {
        let left = oracle.pair().left.as_ref();
        let mut shown = vec![Self::new(
            Which::Left,
            left,
            oracle.left_trace(),
            prog,
            index,
        )];
        if let Some(right) = &oracle.pair().right {
            let trace = oracle.right_trace();
            shown.push(Self::new(Which::Right, right.as_ref(), trace, prog, index));
        }
        shown
    }

    fn change(&self, prog: &Program, page: u32) -> Change {
        let words = |pages: &Pages| show::page_state(&pages.get(&prog.0, page));
        Change {
            before: words(&self.before),
            after: words(&self.after),
        }
    }

    /// The state of a page before the operation.
    pub fn state_before(&self, prog: &Program, page: u32) -> PageState {
        self.before.get(&prog.0, page)
    }
}

/// The context of a verdict's operation.
pub(super) fn around(
    oracle: &Oracle,
    prog: &Program,
    verdict: &Verdict,
    index: usize,
    names: &Names,
    shown: &[Shown],
) -> Around {
    let mut pages = interesting(prog, verdict, index, names, shown);
    let more_pages = pages.len().saturating_sub(SHOWN_PAGES);
    pages.truncate(SHOWN_PAGES);
    let page = |&page: &u32| {
        let mut changes = shown.iter().map(|side| side.change(prog, page));
        Some(PageReport {
            page: names.page(page),
            left: changes.next()?,
            right: changes.next(),
        })
    };
    Around {
        pages: pages.iter().filter_map(page).collect(),
        more_pages,
        tables: page_tables(prog, index, oracle.left_trace(), names),
    }
}

/// The entries that map the range of an entry point before the call, up to a maximum; and
/// the VMAs.
fn page_tables(prog: &Program, index: usize, trace: &Trace, names: &Names) -> Option<TablesReport> {
    let walks = |op: &&gd_op| is_any_call(op.op);
    let op = prog.ops().get(index).filter(walks)?;
    let (mut tables, mut vmas) = (Tables::default(), Vmas::default());
    for (earlier, recs) in prog.ops().iter().zip(trace.ops()).take(index) {
        let mut set = |op: &gd_op| {
            tables.apply(op, names.layout());
            vmas.set(op);
        };
        set(earlier);
        for rec in recs {
            if let Record::Act(i) = rec.into() {
                set(&prog.acts()[usize::from(i)].op);
            }
        }
    }
    tables.look_at(op.mm);
    let mut entries = entries::lines(&tables, op.addr, op.n, names);
    let more = entries.len().saturating_sub(SHOWN_ENTRIES);
    entries.truncate(SHOWN_ENTRIES);
    Some(TablesReport {
        vmas: vmas.of(op.mm).all().map(show::vma).collect(),
        entries,
        more,
    })
}

/// The pages to show: that of the verdict, those of the operands, and those that changed.
fn interesting(
    prog: &Program,
    verdict: &Verdict,
    index: usize,
    names: &Names,
    shown: &[Shown],
) -> Vec<u32> {
    let mut pages = Vec::new();
    let mut add = |page: u32| {
        if !pages.contains(&page) {
            pages.push(page);
        }
    };
    match verdict {
        Verdict::Divergence(d) => d.page.into_iter().for_each(&mut add),
        Verdict::BrokenLaw(_, b) => b.page.into_iter().for_each(&mut add),
        _ => {}
    }
    for page in show::operand_pages(&prog.0, names.layout(), index) {
        for s in shown {
            add(s.before.head(&prog.0, page));
        }
        add(page);
    }
    for record in shown.iter().flat_map(|s| &s.records) {
        if let Record::Page(state) | Record::Call(_, state) = record {
            add(state.page);
        }
    }
    pages
}
