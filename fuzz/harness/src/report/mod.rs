// SPDX-License-Identifier: GPL-2.0
//! Bug reports and reproducers.
//!
//! A [`Report`] is data: the sides, the program with a sentence for each line, the
//! difference, its context, and how to reproduce it.  It has three output forms: [`Short`]
//! for the terminal, [`Mail`] for a mailing list, and JSON.  A reproducer is a program in
//! text form whose comments contain a summary.

mod around;
mod behaviour;
pub mod c;
mod entries;
mod events;
mod file;
mod finding;
pub mod kernels;
pub mod ktap;
mod kunit;
mod log;
mod mail;
mod model;
mod origin;
pub mod selftest;
mod sentences;
mod short;
mod show;
pub mod suspects;
mod title;
mod traces;

use std::fmt::Write;

pub use around::{Around, Change, PageReport, TablesReport};
pub use events::Event;
pub use file::hash;
pub use file::{reproducer, save_reproducer, write_atomically};
pub use finding::{Finding, finding, summary};
pub use kernels::Kernel;
pub use mail::Mail;
pub use model::{LawReport, Line, Report, SideReport, VERSION};
pub use origin::{Origin, near};
pub use sentences::help;
pub use short::Short;
pub use show::{Names, ret_words};
pub use suspects::Suspects;
pub use traces::traces;

use crate::oracle::{Oracle, Verdict};
use crate::program::Program;

/// The short report of a verdict; the oracle has just judged `prog`.
pub fn report(
    oracle: &Oracle,
    prog: &Program,
    verdict: &Verdict,
    path: Option<&str>,
    origin: &Origin,
) -> String {
    let report = Report::new(oracle, prog, verdict, path, origin);
    Short(&report).to_string()
}

/// The sides, one per line.
pub fn sides_header(oracle: &Oracle) -> String {
    let mut out = format!("left   {}\n", oracle.pair().left.info());
    match &oracle.pair().right {
        Some(right) => writeln!(out, "right  {}", right.info()),
        None => writeln!(out, "right  none: only the laws are checked"),
    }
    .expect("a string takes everything");
    out
}
