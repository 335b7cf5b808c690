// SPDX-License-Identifier: GPL-2.0
//! `gupdiff module`: the harness as a module for a booted kernel.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use gup_sides::compile;

use crate::Outcome;

/// Build the module for a booted kernel, as scripts/live does.
///
/// Runs `make` with these arguments until it succeeds, leaving out what the kernel's
/// headers lack, which is listed.
#[derive(clap::Args)]
pub struct Args {
    /// The folder for a copy of the harness
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// The file for make's output
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// What make is given
    #[arg(last = true, required = true)]
    make: Vec<OsString>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    for piece in compile::build_module(&args.into, &args.log, &args.make)? {
        println!("{piece}");
    }
    Ok(Outcome::Fine)
}
