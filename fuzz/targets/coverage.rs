// SPDX-License-Identifier: GPL-2.0
//! For `gupdiff coverage` and `gupdiff cmin`: measures which lines of crate gup programs
//! execute.
//!
//! ```text
//! gup_coverage SIDE... -- PROGRAMS...
//! gup_coverage --each SIDE...
//! ```
//!
//! Prints a [`Measured`] for each side, as JSON.  With `--each` it prints a [`LineSet`] for
//! each program; it reads a list of programs in wire form from standard input.

use std::path::PathBuf;

use anyhow::{Context, Result};
use csrc::Blocks;
use harness::coverage::{LineMap, LineSet, Measured, rust};
use harness::program::Program;
use harness::trace::Trace;
use harness::{input, side};

fn main() -> Result<()> {
    gup_copies::replace();
    let mut args = std::env::args().skip(1).peekable();
    let each = args.next_if(|arg| arg == "--each").is_some();
    let sides: Vec<String> = args.by_ref().take_while(|arg| arg != "--").collect();
    let programs = match each {
        true => {
            let wire: Vec<Vec<u8>> = serde_json::from_reader(std::io::stdin().lock())?;
            wire.iter().map(|bytes| Program::decode(bytes)).collect()
        }
        false => input::programs(&args.map(PathBuf::from).collect::<Vec<_>>())?,
    };
    let bytes = std::fs::read("/proc/self/exe").context("this program's own file")?;
    // SAFETY: the bytes of this program, which has one thread
    let mut blocks = unsafe { Blocks::of_program(&bytes) }?;
    let map = LineMap::read(&bytes, blocks.addresses(), &rust::path)?.named(rust::function);
    let (mut of_sides, mut of_programs) = (Vec::new(), Vec::new());
    for name in sides {
        let mut side = side::open(&name)?.context("`none` cannot be measured")?;
        let mut trace = Trace::default();
        let mut executed = LineSet::default();
        let mut sets = Vec::new();
        for program in &programs {
            blocks.clear();
            side.run(program, &mut trace);
            let lines = map.of_blocks(blocks.executed());
            executed.add(&lines);
            if each {
                sets.push(lines);
            }
        }
        of_sides.push(Measured::new(side.info().to_string(), &map, &executed));
        of_programs.push(sets);
    }
    match each {
        true => serde_json::to_writer(std::io::stdout(), &of_programs)?,
        false => serde_json::to_writer(std::io::stdout(), &of_sides)?,
    }
    Ok(())
}
