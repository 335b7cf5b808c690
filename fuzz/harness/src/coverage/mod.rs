// SPDX-License-Identifier: GPL-2.0
//! Line coverage: the lines of the kernel that a program executes.
//!
//! ```text
//! CSide of the flavour `lines`      one byte for each block of code (csrc::Blocks)
//!   |  and the debug information of its object
//! LineMap                           the lines that a block consists of
//!   |
//! Covered::run, run_prefix          what one program executes: a LineSet
//! ```
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let program = harness::program::Program::EMPTY;
//! use harness::coverage::Covered;
//!
//! let mut side = Covered::open("c:6.1")?;
//! let whole = side.run(&program);
//! let before = side.run_prefix(&program, program.nr_ops() - 1);
//! for line in side.get(&whole.without(&before)) {
//!     println!("{} {}:{}", line.function, line.file, line.line);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Only lines for which the compiler generated code count; code that is left out, for
//! example because an option is off, does not.  The code of a static inline function counts
//! for the lines of its header, under its own name, and for the line that calls it, under
//! the caller's name.  If a BUG or a memory fault ends a program in the middle of a block,
//! all lines of the block count as executed.

mod edges;
pub mod html;
mod lines;
mod measured;
pub mod rust;
mod unreached;

use std::fs;
use std::io;

use csrc::Blocks;
use gup_sides::compile::Source;
use gup_sides::{Flavour, Store};

pub use edges::Counted;
pub use lines::{Error as LinesError, Line, LineMap, LineSet};
pub use measured::{Function, Measured, Share};
pub use unreached::{UNREACHED, Unreached, reason};

use crate::program::Program;
use crate::side::c::CSide;
use crate::side::{self, Side, SideInfo};
use crate::trace::Trace;

/// The main file.
pub const GUP_C: &str = "mm/gup.c";

/// Why the lines of a side cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error(transparent)]
    Side(#[from] side::Error),
    /// It is not kernel code.
    #[error(
        "line coverage needs a kernel that is compiled from a tree, such as c:6.1; `{0}` is not one"
    )]
    NoKernel(String),
    /// Its object is not instrumented for this.
    #[error("{0}: {1}")]
    Blocks(String, csrc::BlocksError),
    /// The debug information of its object.
    #[error("{0}: {1}")]
    Lines(String, LinesError),
    /// Its object is not instrumented for an engine.
    #[error("{0}: {1}")]
    Edges(String, csrc::EdgesError),
}

/// A kernel side with line coverage.
pub struct Covered {
    // declared first, because it points into the side's memory
    blocks: Blocks,
    map: LineMap,
    side: CSide,
    source: Source,
    trace: Trace,
}

impl Covered {
    /// Opens the side of that name, `c:6.1` or one with a patch; compiles its object if
    /// necessary.
    pub fn open(name: &str) -> Result<Self, Error> {
        let no_kernel = || Error::NoKernel(name.into());
        let kernel = name.strip_prefix("c:").ok_or_else(no_kernel)?;
        let recipe = side::c::recipe(kernel)?.ok_or_else(no_kernel)?;
        let built = side::c::object(kernel, Flavour::Lines)?.ok_or_else(no_kernel)?;
        let path = built.object.display().to_string();
        let lines = |error| Error::Lines(path.clone(), error);
        let blocks = |error| Error::Blocks(path.clone(), error);
        let bytes = fs::read(&built.object).map_err(side::Error::Start)?;
        let side = CSide::of_object(kernel, &recipe, &built)?;
        // SAFETY: the file that the side was loaded from; fields are dropped in order
        let blocks = unsafe { side.blocks(&bytes) }.map_err(blocks)?;
        let source = recipe.source(&Store::find(), built.description.debug_vm);
        let source = source.map_err(side::Error::from)?;
        let within = format!("{}/", source.tree.src.display());
        let path = |file: &str| file.strip_prefix(&within).map(normalised);
        let map = LineMap::read(&bytes, blocks.addresses(), &path).map_err(lines)?;
        Ok(Self {
            blocks,
            map,
            side,
            source,
            trace: Trace::default(),
        })
    }

    /// Describes the side.
    pub fn info(&self) -> &SideInfo {
        self.side.info()
    }

    /// All lines with code, by file, line and function; a [`LineSet`] contains indices of
    /// this list.
    pub fn lines(&self) -> &[Line] {
        self.map.lines()
    }

    /// The lines of a set.
    pub fn get<'a>(&'a self, set: &'a LineSet) -> impl Iterator<Item = &'a Line> {
        set.iter().filter_map(|at| self.lines().get(at))
    }

    /// The lines that a program executes.
    pub fn run(&mut self, program: &Program) -> LineSet {
        self.blocks.clear();
        self.side.run(program, &mut self.trace);
        self.map.of_blocks(self.blocks.executed())
    }

    /// The lines that the first `ops` operations of a program execute.
    pub fn run_prefix(&mut self, program: &Program, ops: usize) -> LineSet {
        let mut prefix = *program;
        prefix.truncate_ops(ops);
        self.run(&prefix)
    }

    /// The lines that several programs execute together.
    pub fn measure<'a>(&mut self, programs: impl IntoIterator<Item = &'a Program>) -> Measured {
        self.blocks.clear();
        for program in programs {
            self.side.run(program, &mut self.trace);
        }
        let executed = self.map.of_blocks(self.blocks.executed());
        Measured::new(self.info().to_string(), &self.map, &executed)
    }

    /// The text of a kernel file as it was compiled, including a patch.
    pub fn text(&self, file: &str) -> io::Result<String> {
        let path = self.source.tree.src.join(file);
        let text = fs::read(self.source.overlay.real(&path))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The trace of the last program.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }
}

/// Removes `..` from a path.
fn normalised(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
