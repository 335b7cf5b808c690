// SPDX-License-Identifier: GPL-2.0
//! For `gupdiff coverage`: which lines of crate gup programs execute.
//!
//! ```text
//! gup_coverage SIDE... -- PROGRAMS...
//! ```
//!
//! Prints a [`Measured`] for each side, as JSON.

use std::path::PathBuf;

use anyhow::{Context, Result};
use csrc::Blocks;
use gup_fuzz::coverage::{LineMap, Measured, rust};
use gup_fuzz::trace::Trace;
use gup_fuzz::{input, side};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let sides: Vec<String> = args.by_ref().take_while(|arg| arg != "--").collect();
    let paths: Vec<PathBuf> = args.map(PathBuf::from).collect();
    let programs = input::programs(&paths)?;
    let bytes = std::fs::read("/proc/self/exe").context("this program's own file")?;
    // SAFETY: those of this program; it has one thread.
    let mut blocks = unsafe { Blocks::of_program(&bytes) }?;
    let map = LineMap::read(&bytes, blocks.addresses(), &rust::path)?.named(rust::function);
    let mut all = Vec::new();
    for name in sides {
        let mut side = side::open(&name)?.context("none is no side to measure")?;
        blocks.clear();
        let mut trace = Trace::default();
        for program in &programs {
            side.run(program, &mut trace);
        }
        let executed = map.of_blocks(blocks.executed());
        all.push(Measured::new(side.info().to_string(), &map, &executed));
    }
    serde_json::to_writer(std::io::stdout(), &all)?;
    Ok(())
}
