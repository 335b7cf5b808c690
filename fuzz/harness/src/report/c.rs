// SPDX-License-Identifier: GPL-2.0
//! A finding as a test in C, for people who do not have gupdiff: a KUnit test of given
//! pages, or a selftest of what a process maps.

use std::fmt::Write;

use super::model::Report;
use super::{hash, kunit, selftest};
use crate::oracle::{Oracle, Which};
use crate::program::{Program, walk};

/// Why a program cannot be said in C.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unsayable {
    /// There is nothing to expect.
    #[error("there is no side that says what is right: a test needs two sides that differ")]
    OneSide,
    /// Not of pages that are handed in.
    #[error("{0} is no page-level operation with a form in C")]
    Operation(String),
    /// Not to be had from user space.
    #[error("no system call leads to {0}() with arguments of its caller")]
    Uncalled(String),
    /// Of other memory than a test can allocate.
    #[error("page {0} is not of ordinary memory")]
    Page(String),
    /// A mapping that a process cannot have.
    #[error("a process cannot map a VMA that is {0}")]
    Vma(&'static str),
    /// An entry that a process cannot have.
    #[error("a process cannot bring about an entry that is swapped out, migrating or maps no page")]
    Entry,
    /// Nothing of it is seen outside of the kernel.
    #[error("user space cannot tell the sides apart{0}")]
    Unseen(String),
    /// Something else.
    #[error("{0}")]
    Other(&'static str),
}

/// Writes the test of a finding on a program that the oracle has just judged; the oracle
/// may run other programs for it.
///
/// # Errors
///
/// What in it has no form in C.
pub fn test(oracle: &mut Oracle, program: &Program, report: &Report) -> Result<String, Unsayable> {
    if report.sides.len() < 2 {
        return Err(Unsayable::OneSide);
    }
    let op = program.ops().get(report.finding.op_index.unwrap_or(0));
    match op.is_some_and(|op| walk::is_any_call(op.op)) {
        true => selftest::selftest(oracle, program, report),
        false => kunit::kunit(oracle, program, report),
    }
}

/// The side that a report is about, and the one that does right.
pub(super) fn bad_and_good(report: &Report) -> (Which, Which) {
    match report.faulty {
        Which::Left => (Which::Left, Which::Right),
        Which::Right => (Which::Right, Which::Left),
    }
}

/// The name of a program's test.
pub(super) fn name(program: &Program) -> String {
    format!("gup_test_{:08x}", hash(&program.encode()) >> 32)
}

/// The comment at the top of a test; `how` is about its use and ends with an empty line.
pub(super) fn heading(report: &Report, how: &str) -> String {
    let mut out = format!(
        "// SPDX-License-Identifier: GPL-2.0\n/*\n * {}\n *\n{how}",
        report.title
    );
    out.push_str(" * The same as a program of gupdiff; `>` marks where the kernel is wrong:\n *\n");
    for line in &report.program {
        let mark = if line.here { ">" } else { " " };
        let _ = writeln!(out, " * {mark} {}", line.text);
    }
    out
}
