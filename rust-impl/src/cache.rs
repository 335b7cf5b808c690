// SPDX-License-Identifier: GPL-2.0
//! The page cache of memfds, as set by a program.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::pages::{NR_PAGES, PagePtr, SLOT_PAGES};
use crate::tables::PAGE_SHIFT;

/// The number of ranges that a program can set.
pub const MAX_EXTENTS: usize = 16;
/// The size of every file in bytes.
pub const MEMFD_SIZE: i64 = 1 << 30;

/// The file argument of `memfd_pin_folios`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memfd {
    /// NULL.
    None,
    /// A file that is neither shmem nor hugetlbfs.
    Other,
    /// A shmem file.
    Shmem,
    /// A hugetlbfs file with pages of 2 MiB.
    Hugetlb,
}

impl Memfd {
    /// The file with this number, modulo what exists.
    pub const fn from_index(index: u32) -> Memfd {
        match index % 4 {
            0 => Memfd::None,
            1 => Memfd::Other,
            2 => Memfd::Shmem,
            _ => Memfd::Hugetlb,
        }
    }
}

/// Consecutive pages of a file, or a hole.
#[derive(Clone, Copy, Debug)]
struct Extent {
    first: u64,
    nr: u64,
    page: Option<u32>,
}

/// All ranges; if they overlap, the last one counts.
#[derive(Debug, Default)]
pub struct Cache {
    extents: Vec<Extent>,
    /// The indices of folios that were found, by the page numbers of their heads.
    indices: BTreeMap<u32, u64>,
}

impl Cache {
    /// Puts `n` consecutive pages at a byte offset; an invalid pointer makes a hole.  If
    /// there is no room left, the call is ignored.
    pub fn set(&mut self, offset: u64, n: i32, page: PagePtr) {
        let nr = u64::try_from(n).unwrap_or(0).min(SLOT_PAGES.into());
        if nr > 0 && self.extents.len() < MAX_EXTENTS {
            self.extents.push(Extent {
                first: offset >> PAGE_SHIFT,
                nr,
                page: page.nr(),
            });
        }
    }

    /// The page at an index.
    pub fn find(&self, index: u64) -> Option<PagePtr> {
        let inside = |extent: &&Extent| index.wrapping_sub(extent.first) < extent.nr;
        let extent = self.extents.iter().rev().find(inside)?;
        let nr = u64::from(extent.page?) + (index - extent.first);
        (nr < NR_PAGES.into()).then(|| PagePtr::new(nr as u32))
    }

    /// Removes everything.
    pub fn reset(&mut self) {
        self.extents.clear();
        self.indices.clear();
    }

    /// `folio->index` of a folio, given by its head; 0 if it was never found.
    pub(crate) fn index_of(&self, head: u32) -> u64 {
        self.indices.get(&head).copied().unwrap_or(0)
    }

    /// Records the index of a folio that was found.
    pub(crate) fn set_index(&mut self, head: u32, index: u64) {
        self.indices.insert(head, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_holds() {
        let mut cache = Cache::default();
        cache.set(0x2000, 4, PagePtr::new(7));
        cache.set(0x3000, 1, PagePtr::NULL);
        cache.set(0x4fff, 1, PagePtr::new(70));
        let nr = |index| cache.find(index).and_then(PagePtr::nr);
        let found: Vec<_> = (1..7).map(nr).collect();
        assert_eq!(found, [None, Some(7), None, Some(70), Some(10), None]);
        cache.set(0, 0, PagePtr::new(1));
        cache.set(0, -1, PagePtr::new(1));
        assert!(cache.find(0).is_none());
        cache.reset();
        assert!(cache.find(2).is_none());
    }
}
