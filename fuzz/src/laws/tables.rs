// SPDX-License-Identifier: GPL-2.0
//! Page tables as the program declares them: a model of their own, for laws and
//! reports.
//!
//! It follows the program's SET_PTE to SET_PGD and knows nothing of how a walk
//! reads tables.  What an entry is follows `gupdiff.h`; an entry's value is its
//! kind, its page or table, and its flags.

use csrc::abi::{self, gd_op};

use crate::layout::{Layout, NR_PAGES, Operand};

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
    /// The page that serves the address, by its number; `None` if none does.
    pub fn page(self, addr: u64) -> Option<u32> {
        let Kind::Page(first) = self.entry.kind else {
            return None;
        };
        let offset = (addr & ADDRESS) >> 12 & ((1 << (9 * self.level)) - 1);
        Some(first + offset as u32)
    }
}

/// How many address bits an entry of a level leaves to those below.
pub fn shift(level: u32) -> u32 {
    12 + 9 * level
}

/// The page tables of one program, at one time.
pub struct Tables {
    /// Of each table that was made its level and its region.
    made: Vec<(u32, u64)>,
    entries: Vec<Entry>,
    /// Entries that were ever set.
    touched: Vec<u32>,
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
    let level = u32::from(op.op).checked_sub(abi::GD_OP_SET_PTE)?;
    (level < abi::GD_NR_LEVELS).then_some(level)
}

impl Tables {
    /// Back to a single empty table.
    pub fn start(&mut self) {
        for &i in &self.touched {
            self.entries[i as usize] = Entry::default();
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

    fn at(&self, index: usize) -> Entry {
        self.entries.get(index).copied().unwrap_or_default()
    }

    fn set(&mut self, index: usize, entry: Entry) -> bool {
        if self.entries.is_empty() {
            self.entries = vec![Entry::default(); NR_TABLES * PER_TABLE];
        }
        let changed = self.entries[index] != entry;
        if changed {
            self.entries[index] = entry;
            self.touched.push(index as u32);
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
                self.set(above, entry);
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
        for k in 0..op.n.clamp(0, abi::GD_MAX_SET as i32) as u32 {
            let addr = op.addr.wrapping_add(u64::from(k) << shift(level));
            if !self.make(level, addr, &mut levels) {
                continue;
            }
            let entry = self.value(op, level, addr, k, layout);
            if let Some(index) = self.index(level, addr)
                && self.set(index, entry)
            {
                levels |= 1 << level;
            }
        }
        levels
    }

    /// What the operation sets its `k`th entry to.
    fn value(&self, op: &gd_op, level: u32, addr: u64, k: u32, layout: &Layout) -> Entry {
        let top = level == abi::GD_L_PGD;
        let page = || match layout.run(&op.run[0]) {
            Operand::Page(page) if !top => page
                .checked_add(k.checked_mul(1 << (9 * level))?)
                .filter(|page| *page < NR_PAGES),
            _ => None,
        };
        let kind = match u32::from(op.entry) {
            abi::GD_E_PAGE => page().map(|page| Kind::Page(page >> (9 * level) << (9 * level))),
            abi::GD_E_TABLE => level
                .checked_sub(1)
                .and_then(|below| self.find(below, addr))
                .map(|table| Kind::Table(table as u8)),
            abi::GD_E_SWAP if !top => Some(Kind::Swap),
            abi::GD_E_MIGRATION => page().map(Kind::Migration),
            _ => None,
        };
        match kind {
            Some(kind @ (Kind::Page(_) | Kind::Table(_))) => Entry {
                kind,
                flags: op.eflags,
            },
            Some(kind) => Entry { kind, flags: 0 },
            None => Entry::default(),
        }
    }

    /// Down from the top to where the tables of an address end: at a page, or
    /// at what is none.  Flags of the entries on the way are not looked at.
    pub fn walk(&self, addr: u64) -> Leaf {
        let mut table = 0;
        let mut level = abi::GD_L_PGD;
        loop {
            let entry = self.in_table(table, level, addr);
            match entry.kind {
                Kind::Table(below) if level > 0 => {
                    table = usize::from(below);
                    level -= 1;
                }
                _ => return Leaf { level, entry },
            }
        }
    }

    /// All entries above PTE level that are pages: their level, their first
    /// address and what they are. One may come more than once.
    pub fn blocks(&self) -> impl Iterator<Item = (u32, u64, Entry)> + '_ {
        self.touched.iter().filter_map(|&i| {
            let (table, entry) = (i as usize / PER_TABLE, i as u64 % PER_TABLE as u64);
            let (level, region) = self.made[table];
            let addr = region << (shift(level) + 9) | entry << shift(level);
            let block = level > abi::GD_L_PTE && matches!(self.at(i as usize).kind, Kind::Page(_));
            block.then(|| (level, addr, self.at(i as usize)))
        })
    }

    /// The entry for an address in a given table.
    pub fn in_table(&self, table: usize, level: u32, addr: u64) -> Entry {
        let entry = (addr & ADDRESS) >> shift(level) & (PER_TABLE as u64 - 1);
        self.at(table * PER_TABLE + entry as usize)
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
            op: (abi::GD_OP_SET_PTE + level) as u8,
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
