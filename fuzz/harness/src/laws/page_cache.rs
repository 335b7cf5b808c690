// SPDX-License-Identifier: GPL-2.0
//! What careful callers of memfd_pin_folios() rely on: a page cache that holds each folio
//! once, whole and aligned; and what these callers may ask for.
//!
//! The contract is the kernel-doc of `memfd_pin_folios()`.

use csrc::abi::{self, gd_op};

use super::careful::named;
use crate::program::walk::PAGE_SIZE;
use crate::program::{NULL, Program};
use crate::world::cache;
use crate::world::layout::Layout;

const MEMFD_SIZE: u64 = abi::GD_MEMFD_SIZE as u64;

/// A folio, and the index of its first page in the file.
#[derive(Clone, Copy, Debug)]
struct Cached {
    folio: usize,
    first: u64,
    pages: u64,
    /// `GD_FD_*`.
    memfd: u32,
}

/// The page cache, which all files share.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PageCache {
    cached: [Option<Cached>; abi::GD_MAX_EXTENTS as usize],
    /// The harness ignores more settings than it has room for.
    settings: usize,
}

impl PageCache {
    /// Follows a change; whether the kernel could be in that state.  A folio is added where
    /// there is a hole, or truncated whole.
    pub(super) fn sets(&mut self, op: &gd_op, layout: &Layout, prog: &Program) -> bool {
        let first = op.addr / PAGE_SIZE;
        let Ok(pages @ 1..) = u64::try_from(op.n) else {
            return false;
        };
        let end = first.saturating_add(pages);
        self.settings += 1;
        if self.settings > self.cached.len() || end > MEMFD_SIZE / PAGE_SIZE {
            return false;
        }
        if op.run[0].page == NULL {
            return self.truncate(first, end);
        }
        let Some((folio, placed, 0)) = named(op.run[0].page, layout) else {
            return false;
        };
        let is_new = self
            .all()
            .all(|c| c.folio != folio && (end <= c.first || c.first + c.pages <= first));
        let whole = pages == u64::from(placed.nr_pages()) && first.is_multiple_of(pages);
        let mapping = u32::from(prog.folios()[folio].mapping);
        let Some(memfd) = cache::memfd_of(placed.kind, mapping) else {
            return false;
        };
        self.cached[self.settings - 1] = Some(Cached {
            folio,
            first,
            pages,
            memfd,
        });
        is_new && whole
    }

    /// Whether the arguments of a call are as its contract says.
    pub(super) fn permits(&self, op: &gd_op) -> bool {
        let memfd = u32::from(op.arg);
        let is_memfd = matches!(memfd, abi::GD_FD_SHMEM | abi::GD_FD_HUGETLB);
        let end = u64::try_from(op.n)
            .ok()
            .filter(|n| *n > 0)
            .and_then(|n| op.addr.checked_add(n * PAGE_SIZE));
        let within = end.is_some_and(|end| end <= MEMFD_SIZE);
        is_memfd && within && op.val > 0 && self.all().all(|c| c.memfd == memfd)
    }

    fn all(&self) -> impl Iterator<Item = &Cached> {
        self.cached.iter().flatten()
    }

    /// Removes all folios of a range; whether none of them lies only partly in it.
    fn truncate(&mut self, first: u64, end: u64) -> bool {
        let mut whole = true;
        for slot in &mut self.cached {
            let Some(c) = slot.filter(|c| c.first < end && first < c.first + c.pages) else {
                continue;
            };
            whole &= first <= c.first && c.first + c.pages <= end;
            *slot = None;
        }
        whole
    }
}
