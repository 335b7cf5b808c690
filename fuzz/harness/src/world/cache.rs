// SPDX-License-Identifier: GPL-2.0
//! An approximate model of the page cache of memfds.

use csrc::abi::{self, gd_op};

use crate::effect;
use crate::ops;
use crate::program::walk::PAGE_SIZE;
use crate::program::{NULL, POISON, split_page};

/// The kind of memfd (`GD_FD_*`) whose page cache a folio of a kind and mapping can be in.
pub(crate) fn memfd_of(kind: u32, mapping: u32) -> Option<u32> {
    match (kind, mapping) {
        (abi::GD_K_NORMAL, abi::GD_M_SHMEM) => Some(abi::GD_FD_SHMEM),
        (abi::GD_K_HUGETLB, abi::GD_M_FILE) => Some(abi::GD_FD_HUGETLB),
        _ => None,
    }
}

/// The number of parts that are kept.
const NR: usize = 4;

/// A folio, and its range of the file in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub start: u64,
    pub end: u64,
    pub index: usize,
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
        let end = start.wrapping_add(op.n as u64 * PAGE_SIZE);
        for slot in &mut self.parts {
            // what it covers is gone
            *slot = slot.filter(|part| part.start < start || end < part.end);
        }
        self.parts[self.next % NR] = (!pointer).then(|| Part {
            start,
            end,
            index: split_page(op.run[0].page).0,
        });
        self.next += 1;
    }

    /// The folio at an offset.
    pub fn at(&self, offset: u64) -> Option<usize> {
        self.part(offset).map(|part| part.index)
    }

    /// The folio at an offset, and its range.
    pub fn part(&self, offset: u64) -> Option<&Part> {
        let mut parts = self.parts.iter().flatten();
        parts.find(|part| (part.start..part.end).contains(&offset))
    }

    /// All folios.
    pub fn folios(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().flatten().map(|part| part.index)
    }

    /// Whether a folio is in the file.
    pub fn has(&self, index: usize) -> bool {
        self.folios().any(|cached| cached == index)
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
