// SPDX-License-Identifier: GPL-2.0
//! A finding on given pages as a KUnit test.
//!
//! The test makes the program's pages, calls the same functions, and expects of results
//! and counts what the side shows that the finding is held against.  It is a file that
//! mm/gup.c includes at its end, as it is done for tests of static functions.

mod file;

use std::collections::BTreeSet;
use std::fmt::Write;

use csrc::abi::{self, gd_op};

use super::c::{Unsayable, bad_and_good};
use super::model::Report;
use super::show::Names;
use crate::ops::{self, Rev};
use crate::oracle::Oracle;
use crate::program::text::words::FOLL;
use crate::program::{Program, list, split_page};
use crate::trace::{Call, PageState, Record, Ret};
use crate::world::pages::Pages;

/// What a call gives.
#[derive(Clone, Copy)]
enum Gives {
    Nothing,
    Bool,
    /// A bool where programs have an errno.
    Success,
    Int,
    Pointer,
}

/// Writes the test of a finding on a program that the oracle has just judged.
///
/// # Errors
///
/// What in it has no form in C.
pub fn kunit(oracle: &Oracle, program: &Program, report: &Report) -> Result<String, Unsayable> {
    let rev = report.reported().info.rev;
    let (bad, good) = bad_and_good(report);
    let (bad, good) = (oracle.trace_of(bad), oracle.trace_of(good));
    let mut test = Test {
        rev,
        program,
        names: Names::new(program),
        body: String::new(),
        lists: 0,
        irqs_off: u32::from(program.world().state) & abi::GD_W_IRQS_ON == 0,
    };
    test.check()?;
    let last = report.finding.op_index.unwrap_or(program.nr_ops());
    let mut pages = Pages::default();
    pages.start(&program.0, rev);
    let mut bads = bad.ops();
    for (i, records) in good.ops().enumerate().take(last + 1) {
        let seen: Vec<Record> = records.iter().map(Record::from).collect();
        let found: Vec<Record> = bads
            .next()
            .unwrap_or_default()
            .iter()
            .map(Record::from)
            .collect();
        pages.apply(records);
        test.operation(i, &seen, &found, &pages)?;
    }
    Ok(test.file(report))
}

struct Test<'a> {
    rev: Rev,
    program: &'a Program,
    names: Names,
    body: String,
    lists: usize,
    irqs_off: bool,
}

impl Test<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.body, "\t{line}");
    }

    fn since(&self, major: u16, minor: u16) -> bool {
        self.rev.is_since(major, minor)
    }

    /// Whether the pages and what is beside them can be made.
    fn check(&self) -> Result<(), Unsayable> {
        if self.program.nr_acts() > 0 {
            return Err(Unsayable::Other(
                "what other CPUs do meanwhile has no form in C",
            ));
        }
        for (folio, name) in self.program.folios().iter().zip(self.names.folios()) {
            let known = [abi::GD_M_NONE, abi::GD_M_ANON, abi::GD_M_FILE];
            if u32::from(folio.kind) != abi::GD_K_NORMAL
                || folio.movable != 0
                || !known.contains(&u32::from(folio.mapping))
            {
                return Err(Unsayable::Page(name.clone()));
            }
        }
        Ok(())
    }

    /// A page of a declared folio, as C has it.
    fn page(&self, page: u16) -> Result<String, Unsayable> {
        let (index, offset) = split_page(page);
        let name = self.names.folios().get(index);
        let name = name.ok_or(Unsayable::Other("a pointer to nowhere is passed"))?;
        Ok(match offset {
            0 => name.clone(),
            _ => format!("{name} + {offset}"),
        })
    }

    fn folio(&self, page: u16) -> Result<String, Unsayable> {
        let page = self.page(page)?;
        Ok(match self.since(5, 16) {
            true => format!("page_folio({page})"),
            false => format!("compound_head({page})"),
        })
    }

    fn foll(op: &gd_op) -> Result<String, Unsayable> {
        if u32::from(op.mods) & abi::GD_MOD_RAW != 0 {
            return Err(Unsayable::Other("FOLL_ flags are passed by their numbers"));
        }
        let set: Vec<String> = (0..FOLL.len())
            .filter(|bit| op.foll & 1 << bit != 0)
            .map(|bit| format!("FOLL_{}", FOLL[bit]))
            .collect();
        Ok(match set.is_empty() {
            true => "0".into(),
            false => set.join(" | "),
        })
    }

    /// The call of an operation.
    fn call(&mut self, op: &gd_op) -> Result<(String, Gives), Unsayable> {
        let info = ops::info(op.op);
        let name = info.map_or("", |info| info.name_or_role(self.rev));
        let (first, n) = (op.run[0].page, op.n);
        let one = |args: String| format!("{name}({args})");
        Ok(match u32::from(op.op) {
            abi::GD_OP_GET_PAGE | abi::GD_OP_PUT_PAGE | abi::GD_OP_UNPIN_USER_PAGE => {
                (one(self.page(first)?), Gives::Nothing)
            }
            abi::GD_OP_FOLIO_GET
            | abi::GD_OP_FOLIO_PUT
            | abi::GD_OP_FOLIO_ADD_PIN
            | abi::GD_OP_UNPIN_FOLIO => (one(self.folio(first)?), Gives::Nothing),
            abi::GD_OP_TRY_GET_PAGE | abi::GD_OP_PAGE_MAYBE_DMA_PINNED => {
                (one(self.page(first)?), Gives::Bool)
            }
            abi::GD_OP_FOLIO_TRY_GET
            | abi::GD_OP_FOLIO_MAYBE_DMA_PINNED
            | abi::GD_OP_FOLIO_IS_LONGTERM_PINNABLE => (one(self.folio(first)?), Gives::Bool),
            abi::GD_OP_FOLIO_PUT_REFS | abi::GD_OP_UNPIN_USER_FOLIO => {
                (one(format!("{}, {n}", self.folio(first)?)), Gives::Nothing)
            }
            abi::GD_OP_FOLIO_ADD_PINS => (one(format!("{}, {n}", self.folio(first)?)), Gives::Int),
            abi::GD_OP_TRY_GET_FOLIO => {
                (one(format!("{}, {n}", self.page(first)?)), Gives::Pointer)
            }
            abi::GD_OP_GRAB_FAST => {
                let (page, foll) = (self.page(first)?, Self::foll(op)?);
                (one(format!("{page}, {n}, {foll}")), Gives::Pointer)
            }
            abi::GD_OP_GRAB_SLOW if self.since(6, 10) => {
                let (folio, foll) = (self.folio(first)?, Self::foll(op)?);
                (one(format!("{folio}, {n}, {foll}")), Gives::Int)
            }
            abi::GD_OP_GRAB_SLOW => {
                let (page, foll) = (self.page(first)?, Self::foll(op)?);
                (one(format!("{page}, {foll}")), Gives::Success)
            }
            abi::GD_OP_GUP_PUT_FOLIO => {
                let (folio, foll) = (self.folio(first)?, Self::foll(op)?);
                (one(format!("{folio}, {n}, {foll}")), Gives::Nothing)
            }
            abi::GD_OP_UNPIN_USER_PAGES => {
                let list = self.list(op)?;
                (one(format!("{list}, ARRAY_SIZE({list})")), Gives::Nothing)
            }
            abi::GD_OP_SET_REF => {
                let page = self.page(first)?;
                let call = format!("set_page_count({page}, {})", op.val);
                (call, Gives::Nothing)
            }
            _ => return Err(Unsayable::Operation(name.into())),
        })
    }

    /// An array of the pages of a list, declared on the way.
    fn list(&mut self, op: &gd_op) -> Result<String, Unsayable> {
        if u32::from(op.mods) & abi::GD_MOD_N != 0 || list::len(op) == 0 || list::len(op) > 16 {
            return Err(Unsayable::Other("a list is passed with another length"));
        }
        let mut pages = Vec::new();
        for run in &op.run {
            for k in 0..run.len {
                pages.push(self.page(run.page + k)?);
            }
        }
        let name = format!("list{}", self.lists);
        self.lists += 1;
        self.line(&format!(
            "struct page *{name}[] = {{ {} }};",
            pages.join(", ")
        ));
        Ok(name)
    }

    /// One operation, and what is expected after it.
    fn operation(
        &mut self,
        index: usize,
        good: &[Record],
        bad: &[Record],
        pages: &Pages,
    ) -> Result<(), Unsayable> {
        let op = self.program.ops()[index];
        let freed = |r: &Record| matches!(r, Record::Call(Call::FolioPut, _));
        if good.iter().any(freed) {
            return Err(Unsayable::Other("a page is freed, as it should be"));
        }
        let Some(Record::Ret(ret, _)) = good.last() else {
            return Err(Unsayable::Other("the trace is cut off"));
        };
        if matches!(ret, Ret::Stopped | Ret::Absent) {
            return Err(Unsayable::Other(
                "the operation does not return, as it should",
            ));
        }
        self.body.push('\n');
        let (call, gives) = self.call(&op)?;
        self.say(&call, gives, *ret)?;
        let warns = |records: &[Record]| records.iter().any(|r| matches!(r, Record::Warn(_)));
        match (warns(good), warns(bad)) {
            (false, true) => self.line("KUNIT_EXPECT_FALSE(test, test_taint(TAINT_WARN));"),
            (true, false) => self.line("KUNIT_EXPECT_TRUE(test, test_taint(TAINT_WARN));"),
            _ => {}
        }
        let mut named = BTreeSet::new();
        for record in good.iter().chain(bad) {
            if let Record::Page(state) = record {
                named.insert(state.page);
            }
        }
        let is_ours = |page: &u32| self.names.layout().find(*page).is_some();
        for page in named.into_iter().filter(is_ours).collect::<Vec<_>>() {
            let state = pages.get(&self.program.0, page);
            self.expect_counts(page, &state);
        }
        Ok(())
    }

    fn say(&mut self, call: &str, gives: Gives, ret: Ret) -> Result<(), Unsayable> {
        let line = match (gives, ret) {
            (Gives::Nothing, _) => format!("{call};"),
            (Gives::Bool, Ret::Bool(true)) | (Gives::Success, Ret::Errno(0)) => {
                format!("KUNIT_EXPECT_TRUE(test, {call});")
            }
            (Gives::Bool, Ret::Bool(false)) | (Gives::Success, Ret::Errno(_)) => {
                format!("KUNIT_EXPECT_FALSE(test, {call});")
            }
            (Gives::Int, Ret::Errno(value)) => format!("KUNIT_EXPECT_EQ(test, {call}, {value});"),
            (Gives::Pointer, Ret::Folio(page)) => format!(
                "KUNIT_EXPECT_PTR_EQ(test, (void *){call}, (void *){});",
                self.names.page(page)
            ),
            (Gives::Pointer, Ret::Null) => {
                format!("KUNIT_EXPECT_PTR_EQ(test, (void *){call}, NULL);")
            }
            _ => return Err(Unsayable::Other("a result has no form in C")),
        };
        if self.irqs_off {
            self.line("local_irq_disable();");
        }
        self.line(&line);
        if self.irqs_off {
            self.line("local_irq_enable();");
        }
        Ok(())
    }

    fn expect_counts(&mut self, page: u32, state: &PageState) {
        let name = self.names.page(page).replace('+', " + ");
        self.line(&format!(
            "KUNIT_EXPECT_EQ(test, page_ref_count({name}), {});",
            state.refcount
        ));
        if self.has_pincount(page) {
            self.line(&format!(
                "KUNIT_EXPECT_EQ(test, atomic_read(gup_test_pincount({name})), {});",
                state.pincount
            ));
        }
    }

    /// Whether a page is the head of a folio with a pin count of its own.
    fn has_pincount(&self, page: u32) -> bool {
        let Some((index, 0)) = self.names.layout().find(page) else {
            return false;
        };
        let order = self.program.folios()[index].order;
        order > if self.since(5, 18) { 0 } else { 1 }
    }
}
