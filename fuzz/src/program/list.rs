// SPDX-License-Identifier: GPL-2.0
//! Page lists: the runs of an operation, as the pages that they stand for.

use csrc::abi::{self, gd_op};

use super::{NULL, POISON, split_page};

/// One entry of a page list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Page `offset`, counted from the head of the declared folio `index`.
    /// The offset may run past the folio, even past 2047 in a long run.
    Page {
        /// Which declared folio.
        index: usize,
        /// Pages from its head.
        offset: usize,
    },
    /// The NULL pointer.
    Null,
    /// A pointer that faults.
    Poison,
}

impl Entry {
    /// The page that the first entry of a run stands for.
    #[inline]
    pub fn first(page: u16) -> Entry {
        match page {
            NULL => Entry::Null,
            POISON => Entry::Poison,
            _ => {
                let (index, offset) = split_page(page);
                Entry::Page { index, offset }
            }
        }
    }
}

/// The entries of a list operand, in order.
pub fn entries(op: &gd_op) -> impl Iterator<Item = Entry> + '_ {
    op.run.iter().flat_map(|run| {
        let first = Entry::first(run.page);
        (0..usize::from(run.len)).map(move |i| match first {
            Entry::Page { index, offset } => Entry::Page {
                index,
                offset: offset + i,
            },
            other => other,
        })
    })
}

/// How many entries the list operand has.
#[inline]
pub fn len(op: &gd_op) -> usize {
    op.run.iter().map(|run| usize::from(run.len)).sum()
}

/// The npages that a list operation passes: the list's length, or what the
/// program says instead, as the kernel's `unsigned long`.
#[inline]
pub fn npages(op: &gd_op) -> u64 {
    if u32::from(op.mods) & abi::GD_MOD_N != 0 {
        i64::from(op.n) as u64
    } else {
        len(op) as u64
    }
}
