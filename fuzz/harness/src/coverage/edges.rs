// SPDX-License-Identifier: GPL-2.0
//! The edges of the code under test that a program takes, as counted by an engine.

use std::fs;

use csrc::Edges;
use gup_sides::Flavour;

use super::Error;
use crate::program::Program;
use crate::side::c::CSide;
use crate::side::{self, Side, SideInfo};
use crate::trace::Trace;

/// A kernel side, compiled for an engine, but run without it.
pub struct Counted {
    // declared first, because it points into the side's memory
    edges: Edges,
    side: CSide,
    trace: Trace,
}

impl Counted {
    /// Opens the side of that name, `c:6.1`; compiles its object if necessary.
    pub fn open(name: &str, engine: Flavour) -> Result<Self, Error> {
        let no_kernel = || Error::NoKernel(name.into());
        let kernel = name.strip_prefix("c:").ok_or_else(no_kernel)?;
        side::c::recipe(kernel)?.ok_or_else(no_kernel)?;
        let (side, built) = CSide::open_for(kernel, engine)?;
        let bytes = fs::read(&built.object).map_err(side::Error::Start)?;
        // SAFETY: the file that the side was loaded from; fields are dropped in order
        let edges = unsafe { side.edges(&bytes) };
        let edges = edges.map_err(|e| Error::Edges(built.object.display().to_string(), e))?;
        Ok(Self {
            edges,
            side,
            trace: Trace::default(),
        })
    }

    /// Describes the side.
    pub fn info(&self) -> &SideInfo {
        self.side.info()
    }

    /// The edges that a program takes: index, and class of the count.
    pub fn run(&mut self, program: &Program) -> impl Iterator<Item = (usize, u8)> {
        self.edges.clear();
        self.side.run(program, &mut self.trace);
        self.edges.taken().map(|(edge, count)| (edge, class(count)))
    }
}

/// The class of a count.  Engines distinguish 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to
/// 127, and more.
fn class(count: u32) -> u8 {
    match count {
        0..=3 => count as u8,
        4..=7 => 4,
        8..=15 => 5,
        16..=31 => 6,
        32..=127 => 7,
        _ => 8,
    }
}
