// SPDX-License-Identifier: GPL-2.0
//! Entries of page tables, in the model: a kind, the page or table, and flags.

use csrc::abi::{self, gd_op};

use super::layout::NR_PAGES;
use crate::program::walk::{ADDR_MASK, Level};

/// The kind of an entry, with its page or table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Empty.
    #[default]
    None,
    /// A page, or the first page of the block that is mapped; not every page of a block
    /// exists.
    Page(u32),
    /// A table, by its number.
    Table(u8),
    /// Swapped out.
    Swap,
    /// Under migration.
    Migration(u32),
}

impl Kind {
    /// `GD_E_*`.
    pub fn code(self) -> u8 {
        let code = match self {
            Kind::None => abi::GD_E_NONE,
            Kind::Page(_) => abi::GD_E_PAGE,
            Kind::Table(_) => abi::GD_E_TABLE,
            Kind::Swap => abi::GD_E_SWAP,
            Kind::Migration(_) => abi::GD_E_MIGRATION,
        };
        code as u8
    }

    /// Its page, if the entry names one.
    pub fn page(self) -> Option<u32> {
        match self {
            Kind::Page(page) | Kind::Migration(page) => Some(page),
            Kind::None | Kind::Table(_) | Kind::Swap => None,
        }
    }
}

/// An entry of a page table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its kind.
    pub kind: Kind,
    /// Bits `GD_EF_*`; 0 unless it is a page or a table.
    pub flags: u16,
}

impl Entry {
    /// Whether a flag (`GD_EF_*`) is set.
    #[inline]
    pub fn has(self, flag: u32) -> bool {
        u32::from(self.flags) & 1 << flag != 0
    }
}

/// The place where the walk of an address ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its level.
    pub level: Level,
    /// The entry there; a page, if the address is mapped.
    pub entry: Entry,
}

impl Leaf {
    /// Whether another one has the same flags at the same level.
    #[inline]
    pub fn has_flags_of(self, other: Leaf) -> bool {
        (self.level, self.entry.flags) == (other.level, other.entry.flags)
    }

    /// The number of the page that the address maps; `None` if there is none.
    #[inline]
    pub fn page(self, addr: u64) -> Option<u32> {
        let Kind::Page(first) = self.entry.kind else {
            return None;
        };
        let offset = (addr & ADDR_MASK) >> 12 & (self.level.pages() - 1);
        Some(first + offset as u32)
    }
}

/// What an operation that sets no tables sets its `k`th entry to; `page` is the
/// one that it names, for levels that have pages.
#[inline]
pub(super) fn value(op: &gd_op, level: Level, page: Option<u32>, k: u32) -> Entry {
    let page = || {
        let page = page? + k * level.pages() as u32;
        (page < NR_PAGES).then_some(page)
    };
    let plain = |kind| Entry { kind, flags: 0 };
    match u32::from(op.entry) {
        abi::GD_E_PAGE => page().map_or(Entry::default(), |page| Entry {
            kind: Kind::Page(page & !(level.pages() as u32 - 1)),
            flags: op.eflags,
        }),
        abi::GD_E_SWAP if level != Level::Pgd => plain(Kind::Swap),
        abi::GD_E_MIGRATION => page().map_or(Entry::default(), |page| plain(Kind::Migration(page))),
        _ => Entry::default(),
    }
}
