// SPDX-License-Identifier: GPL-2.0
//! Page tables as the program declares them: a model of their own, for laws and
//! reports.
//!
//! It follows the program's SET_PTE to SET_PGD and knows nothing of how a walk
//! reads tables.  What an entry is follows `gupdiff.h`; an entry's value is its
//! kind, its page or table, and its flags.

use csrc::abi::{self, gd_op};

use crate::layout::{Layout, NR_PAGES, Operand};
use crate::program::walk;

// The page of an entry is a number even if there is no such page.
const _: () = assert!((abi::GD_MAX_SET as u64) << (9 * abi::GD_L_PUD) < 1 << 31);

const NR_TABLES: usize = abi::GD_MAX_TABLES as usize;
const PER_TABLE: usize = abi::GD_TABLE_ENTRIES as usize;
/// Page tables serve addresses of so many bits.
const ADDRESS: u64 = (1 << 48) - 1;

/// What an entry is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    #[default]
    None,
    /// A page, or the first page of the block that is mapped; not all pages of
    /// a block need to exist.
    Page(u32),
    /// A table, by its number.
    Table(u8),
    /// Swapped out.
    Swap,
    /// Under migration.
    Migration(u32),
}

/// An entry of a page table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Bits `GD_EF_*`; 0 for what is neither a page nor a table.
    pub flags: u16,
}

impl Entry {
    /// Whether a flag (`GD_EF_*`) is set.
    #[inline]
    pub fn has(self, flag: u32) -> bool {
        u32::from(self.flags) & 1 << flag != 0
    }
}

/// Where the walk of an address ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// At which level, `GD_L_*`.
    pub level: u32,
    /// The entry there; a page, unless there is nothing to walk to.
    pub entry: Entry,
}

impl Leaf {
    /// Whether another one has the same flags at the same level.
    #[inline]
    pub fn has_flags_of(self, other: Leaf) -> bool {
        (self.level, self.entry.flags) == (other.level, other.entry.flags)
    }

    /// The page that serves the address, by its number; `None` if none does.
    #[inline]
    pub fn page(self, addr: u64) -> Option<u32> {
        let Kind::Page(first) = self.entry.kind else {
            return None;
        };
        let offset = (addr & ADDRESS) >> 12 & ((1 << (9 * self.level)) - 1);
        Some(first + offset as u32)
    }
}

/// How many address bits an entry of a level leaves to those below.
#[inline]
pub fn shift(level: u32) -> u32 {
    12 + 9 * level
}

/// The page tables of one program, at one time.
pub struct Tables {
    /// Of each table that was made its level and its region.
    made: Vec<(u32, u64)>,
    entries: Vec<Entry>,
    /// Entries that were ever set, as runs: of each its first one and its
    /// length. Each is within a table.
    touched: Vec<(u32, u32)>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            made: vec![TOP],
            entries: Vec::new(),
            touched: Vec::new(),
        }
    }
}

const TOP: (u32, u64) = (abi::GD_L_PGD, 0);

/// The level that an operation sets entries of, if it does.
pub fn level_of(op: &gd_op) -> Option<u32> {
    walk::set_level(op.op).map(|level| level as u32)
}

impl Tables {
    /// Back to a single empty table.
    pub fn start(&mut self) {
        for &(first, nr) in &self.touched {
            self.entries[first as usize..][..nr as usize].fill(Entry::default());
        }
        self.touched.clear();
        self.made.clear();
        self.made.push(TOP);
    }

    fn find(&self, level: u32, addr: u64) -> Option<usize> {
        let table = (level, (addr & ADDRESS) >> (shift(level) + 9));
        self.made.iter().position(|made| *made == table)
    }

    /// The place of the entry of a level that serves an address, if its table
    /// has been made.
    fn index(&self, level: u32, addr: u64) -> Option<usize> {
        let table = self.find(level, addr)?;
        let entry = (addr & ADDRESS) >> shift(level) & (PER_TABLE as u64 - 1);
        Some(table * PER_TABLE + entry as usize)
    }

    /// The entry of a level that serves an address, whether or not a walk comes
    /// there.
    pub fn entry(&self, level: u32, addr: u64) -> Entry {
        self.index(level, addr)
            .map_or(Entry::default(), |i| self.at(i))
    }

    #[inline]
    fn at(&self, index: usize) -> Entry {
        self.entries.get(index).copied().unwrap_or_default()
    }

    /// Sets the entries from `first` on, within a table; says whether one of
    /// them changes.
    fn set(&mut self, first: usize, entries: impl ExactSizeIterator<Item = Entry>) -> bool {
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); NR_TABLES * PER_TABLE];
        }
        let nr = entries.len();
        let mut changed = false;
        for (old, new) in self.entries[first..][..nr].iter_mut().zip(entries) {
            changed |= *old != new;
            *old = new;
        }
        if changed {
            self.touched.push((first as u32, nr as u32));
        }
        changed
    }

    /// Makes what is missing of the tables down to a level; says whether there
    /// is one of that level now.  Adds the levels of changed entries to `levels`.
    fn make(&mut self, level: u32, addr: u64, levels: &mut u8) -> bool {
        for l in (level..abi::GD_L_PGD).rev() {
            if self.find(l, addr).is_some() {
                continue;
            }
            if self.made.len() == NR_TABLES {
                return false;
            }
            let table = self.made.len() as u8;
            self.made.push((l, (addr & ADDRESS) >> (shift(l) + 9)));
            if let Some(above) = self.index(l + 1, addr)
                && self.at(above) == Entry::default()
            {
                let entry = Entry {
                    kind: Kind::Table(table),
                    flags: 0,
                };
                self.set(above, [entry].into_iter());
                *levels |= 1 << (l + 1);
            }
        }
        true
    }

    /// Carries out an operation; says of which levels entries changed, as bits
    /// `1 << GD_L_*`.  Operations that set no entries do nothing.
    pub fn apply(&mut self, op: &gd_op, layout: &Layout) -> u8 {
        let Some(level) = level_of(op) else {
            return 0;
        };
        let mut levels = 0;
        let n = op.n.clamp(0, abi::GD_MAX_SET as i32) as u32;
        let mut k = 0;
        while k < n {
            let addr = op.addr.wrapping_add(u64::from(k) << shift(level));
            // up to the end of the table
            let room = PER_TABLE as u32 - entry_index(level, addr);
            let ks = k..n.min(k + room);
            k = ks.end;
            if !self.make(level, addr, &mut levels) {
                continue;
            }
            let Some(first) = self.index(level, addr) else {
                continue;
            };
            let changed = match u32::from(op.entry) {
                abi::GD_E_TABLE => {
                    let mut changed = false;
                    for (index, k) in (first..).zip(ks) {
                        let addr = op.addr.wrapping_add(u64::from(k) << shift(level));
                        changed |= self.set(index, [self.table(op, level, addr)].into_iter());
                    }
                    changed
                }
                _ => {
                    let page = match layout.run(&op.run[0]) {
                        Operand::Page(page) if level != abi::GD_L_PGD => Some(page),
                        _ => None,
                    };
                    let (from, nr) = (ks.start, ks.len() as u32);
                    self.set(first, (0..nr).map(|i| value(op, level, page, from + i)))
                }
            };
            levels |= u8::from(changed) << level;
        }
        levels
    }

    /// An entry that is the table of the next level, if that has been made.
    fn table(&self, op: &gd_op, level: u32, addr: u64) -> Entry {
        let below = level.checked_sub(1);
        let table = below.and_then(|below| self.find(below, addr));
        table.map_or(Entry::default(), |table| Entry {
            kind: Kind::Table(table as u8),
            flags: op.eflags,
        })
    }

    /// Down from the top to where the tables of an address end: at a page, or
    /// at what is none.  Flags of the entries on the way are not looked at.
    pub fn walk(&self, addr: u64) -> Leaf {
        self.walker().walk(addr)
    }

    /// Down from the top: to the table of PTEs for an address, or to what there
    /// is instead.  Also says how many bits of the address do not matter.
    fn descend(&self, addr: u64) -> (u32, Way) {
        let mut table = 0;
        let mut level = abi::GD_L_PGD;
        while level > abi::GD_L_PTE {
            let entry = self.in_table(table, level, addr);
            let Kind::Table(below) = entry.kind else {
                return (shift(level), Way::Leaf(Leaf { level, entry }));
            };
            table = usize::from(below);
            level -= 1;
        }
        (shift(abi::GD_L_PMD), Way::Ptes(table))
    }

    /// All entries above PTE level that are pages: their level, their first
    /// address and what they are. One may come more than once.
    pub fn blocks(&self) -> impl Iterator<Item = (u32, u64, Entry)> + '_ {
        let level_of = |first: u32| self.made[first as usize / PER_TABLE].0;
        let above = self.touched.iter();
        let above = above.filter(move |(first, _)| level_of(*first) > abi::GD_L_PTE);
        above.flat_map(move |&(first, nr)| {
            let (level, region) = self.made[first as usize / PER_TABLE];
            (first..first + nr).filter_map(move |i| {
                let entry = u64::from(i) % PER_TABLE as u64;
                let addr = region << (shift(level) + 9) | entry << shift(level);
                let block = matches!(self.at(i as usize).kind, Kind::Page(_));
                block.then(|| (level, addr, self.at(i as usize)))
            })
        })
    }

    /// Where the walks of addresses end, for addresses that are neighbours.
    pub fn walker(&self) -> Walker<'_> {
        Walker {
            tables: self,
            bits: 0,
            // no address has all bits
            region: u64::MAX,
            way: Way::Ptes(0),
        }
    }

    /// The entry for an address in a given table.
    #[inline]
    pub fn in_table(&self, table: usize, level: u32, addr: u64) -> Entry {
        self.at(table * PER_TABLE + entry_index(level, addr) as usize)
    }
}

/// Where in a table of a level the entry for an address is.
#[inline]
fn entry_index(level: u32, addr: u64) -> u32 {
    (addr >> shift(level)) as u32 % PER_TABLE as u32
}

/// What an operation that sets no tables sets its `k`th entry to; `page` is the
/// one that it names, for levels that have pages.
#[inline]
fn value(op: &gd_op, level: u32, page: Option<u32>, k: u32) -> Entry {
    let page = || {
        let page = page? + (k << (9 * level));
        (page < NR_PAGES).then_some(page)
    };
    let plain = |kind| Entry { kind, flags: 0 };
    match u32::from(op.entry) {
        abi::GD_E_PAGE => page().map_or(Entry::default(), |page| Entry {
            kind: Kind::Page(page >> (9 * level) << (9 * level)),
            flags: op.eflags,
        }),
        abi::GD_E_SWAP if level != abi::GD_L_PGD => plain(Kind::Swap),
        abi::GD_E_MIGRATION => page().map_or(Entry::default(), |page| plain(Kind::Migration(page))),
        _ => Entry::default(),
    }
}

/// Walks that remember where the last one went.
pub struct Walker<'a> {
    tables: &'a Tables,
    /// The addresses that go the same way: all but so many of their lowest bits.
    bits: u32,
    region: u64,
    way: Way,
}

/// What is at the end of the way down: a table of PTEs, or what there is instead.
#[derive(Clone, Copy)]
enum Way {
    Ptes(usize),
    Leaf(Leaf),
}

impl Walker<'_> {
    /// As [`Tables::walk`].
    #[inline]
    pub fn walk(&mut self, addr: u64) -> Leaf {
        if (addr & ADDRESS) >> self.bits != self.region {
            self.descend(addr);
        }
        match self.way {
            Way::Ptes(table) => Leaf {
                level: abi::GD_L_PTE,
                entry: self.tables.in_table(table, abi::GD_L_PTE, addr),
            },
            Way::Leaf(leaf) => leaf,
        }
    }

    fn descend(&mut self, addr: u64) {
        (self.bits, self.way) = self.tables.descend(addr);
        self.region = (addr & ADDRESS) >> self.bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{NO_OP, Program, page};

    fn layout() -> Layout {
        let mut program = Program::EMPTY;
        program.0.folio[0].order = 10;
        Layout::new(&program.0)
    }

    fn set(level: u32, addr: u64, entry: u32, n: i32) -> gd_op {
        let mut op = gd_op {
            op: walk::LEVELS[level as usize].set_op(),
            addr,
            entry: entry as u8,
            n,
            ..NO_OP
        };
        op.run[0].page = page(0, 3);
        op
    }

    #[test]
    fn an_entry_makes_the_tables_above_it() {
        let layout = layout();
        let head = layout.folios()[0].head();
        let mut tables = Tables::default();
        let all = tables.apply(&set(abi::GD_L_PTE, 0x1000, abi::GD_E_PAGE, 2), &layout);
        assert_eq!(all, 0b1111);
        let at = |tables: &Tables, addr| tables.walk(addr).page(addr);
        assert_eq!(at(&tables, 0x1fff), Some(head + 3));
        assert_eq!(at(&tables, 0x2000), Some(head + 4));
        assert_eq!(at(&tables, 0x3000), None);
        // an address is one of 48 bits
        assert_eq!(at(&tables, 0x1000 | 7 << 48), Some(head + 3));
        tables.start();
        assert_eq!(tables.walk(0x1000).level, abi::GD_L_PGD);
        assert_eq!(at(&tables, 0x1000), None);
    }

    #[test]
    fn a_block_hides_the_table_that_is_there() {
        let layout = layout();
        let head = layout.folios()[0].head();
        let mut tables = Tables::default();
        tables.apply(&set(abi::GD_L_PTE, 0x20_1000, abi::GD_E_PAGE, 1), &layout);
        let pmd = tables.apply(&set(abi::GD_L_PMD, 0x20_0000, abi::GD_E_PAGE, 1), &layout);
        assert_eq!(pmd, 1 << abi::GD_L_PMD);
        assert_eq!(tables.walk(0x20_1000).page(0x20_1000), Some(head + 1));
        assert_eq!(tables.walk(0x20_1000).level, abi::GD_L_PMD);
        tables.apply(&set(abi::GD_L_PMD, 0x20_0000, abi::GD_E_TABLE, 1), &layout);
        assert_eq!(tables.walk(0x20_1000).page(0x20_1000), Some(head + 3));
    }

    #[test]
    fn blocks_are_aligned_and_may_go_past_the_last_page() {
        let layout = layout();
        let mut tables = Tables::default();
        tables.apply(&set(abi::GD_L_PUD, 1 << 30, abi::GD_E_PAGE, 1), &layout);
        let first = layout.folios()[0].head() >> 18 << 18;
        assert_eq!(tables.walk(1 << 30).page(1 << 30), Some(first));
        assert_eq!(
            tables.walk((2 << 30) - 1).page((2 << 30) - 1),
            Some(first + 0x3_ffff)
        );
        // the top level has tables only
        tables.apply(&set(abi::GD_L_PGD, 0, abi::GD_E_PAGE, 1), &layout);
        assert_eq!(tables.entry(abi::GD_L_PGD, 0), Entry::default());
    }

    #[test]
    fn when_all_tables_are_taken_nothing_is_set() {
        let layout = layout();
        let mut tables = Tables::default();
        for i in 0..40u64 {
            tables.apply(&set(abi::GD_L_PTE, i << 21, abi::GD_E_PAGE, 1), &layout);
        }
        // one for each upper level, the rest for entries
        let last = abi::GD_MAX_TABLES as u64 - 4;
        assert!(tables.walk(last << 21).page(0).is_some());
        assert!(tables.walk((last + 1) << 21).page(0).is_none());
    }
}
