// SPDX-License-Identifier: GPL-2.0
//! Page lists: expands the runs of an operation to pages.

use csrc::abi::{self, gd_op};

use super::{NULL, POISON, split_page};

/// One entry of a page list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Page `offset` from the head of a declared folio.  The offset may be past the end of
    /// the folio, in a long run even above 2047.
    Page {
        /// The index of the folio.
        index: usize,
        /// The offset in pages from its head.
        offset: usize,
    },
    /// The NULL pointer.
    Null,
    /// A pointer that faults.
    Poison,
}

impl Entry {
    /// The page of the first entry of a run.
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

/// The number of entries of the list operand.
#[inline]
pub fn len(op: &gd_op) -> usize {
    op.run.iter().map(|run| usize::from(run.len)).sum()
}

/// The npages argument of a list operation as the kernel's `unsigned long`: the list's
/// length, unless the program gives another number.
#[inline]
pub fn npages(op: &gd_op) -> u64 {
    if u32::from(op.mods) & abi::GD_MOD_N != 0 {
        i64::from(op.n) as u64
    } else {
        len(op) as u64
    }
}
