// SPDX-License-Identifier: GPL-2.0
//! An approximate model of the page cache of memfds.

use csrc::abi::gd_op;

use crate::effect;
use crate::ops;
use crate::program::walk::PAGE_SIZE;
use crate::program::{NULL, POISON, split_page};

/// The number of parts that are kept.
const NR: usize = 4;

/// A folio or hole, and its range of the file in bytes.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u64,
    end: u64,
    index: usize,
}

/// The parts set last.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cache {
    parts: [Option<Part>; NR],
    next: usize,
}

impl Cache {
    /// Applies an operation that sets a part of the page cache; ignores others.
    pub fn set(&mut self, op: &gd_op) {
        let pointer = op.run[0].page == NULL || op.run[0].page == POISON;
        if ops::sets(op.op) != Some(effect::Part::Cache) || op.n <= 0 {
            return;
        }
        let start = op.addr & !(PAGE_SIZE - 1);
        self.parts[self.next % NR] = (!pointer).then(|| Part {
            start,
            end: start.wrapping_add(op.n as u64 * PAGE_SIZE),
            index: split_page(op.run[0].page).0,
        });
        self.next += 1;
    }

    /// The folio at an offset.
    pub fn at(&self, offset: u64) -> Option<usize> {
        let mut parts = self.parts.iter().flatten();
        let part = parts.find(|part| (part.start..part.end).contains(&offset))?;
        Some(part.index)
    }

    /// The offset where the first part starts.
    pub fn start(&self) -> Option<u64> {
        self.parts.iter().flatten().map(|part| part.start).min()
    }

    /// The offset where the last part ends.
    pub fn end(&self) -> Option<u64> {
        self.parts.iter().flatten().map(|part| part.end).max()
    }
}
