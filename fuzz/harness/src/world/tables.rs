// SPDX-License-Identifier: GPL-2.0
//! A model of the page tables that the program declares, for laws, reports, features and
//! the generator.
//!
//! It follows the program's SET_PTE to SET_PGD; how a walk reads tables is not its subject.
//! The meaning of entries follows `csrc/abi/world.h`.

use std::sync::Arc;

use csrc::abi::{self, gd_op};

use super::entry::{Entry, Kind, Leaf, value};
use super::layout::{Layout, Operand};
use crate::program::walk::{self, ADDR_MASK, LEVELS, Level};

// The page number of an entry fits in 31 bits, even if there is no such page.
const _: () = assert!((abi::GD_MAX_SET as u64) << (9 * abi::GD_L_PUD) < 1 << 31);

const NR_TABLES: usize = abi::GD_MAX_TABLES as usize;
const PER_TABLE: usize = abi::GD_TABLE_ENTRIES as usize;
/// The number of entries that are allocated, and copied on a change, together.
const CHUNK: usize = 64;

type Chunk = [Entry; CHUNK];

/// The page tables of one program at one time.  Clones share unchanged chunks.
#[derive(Clone)]
pub struct Tables {
    /// Of each table that was made whose it is, its level and its region.
    made: Vec<(u8, Level, u64)>,
    /// Their entries, table by table; those of a chunk that is not there are empty.
    chunks: Vec<Option<Arc<Chunk>>>,
    /// Entries that were ever set, as runs: of each its first one and its
    /// length. Each is within a table.
    touched: Vec<(u32, u32)>,
    /// Whose tables are looked at.
    mm: u8,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            made: vec![TOP],
            chunks: Vec::new(),
            touched: Vec::new(),
            mm: 0,
        }
    }
}

const EMPTY: Chunk = [Entry {
    kind: Kind::None,
    flags: 0,
}; CHUNK];

const TOP: (u8, Level, u64) = (0, Level::Pgd, 0);

impl Tables {
    /// Resets to a single empty table.
    pub fn start(&mut self) {
        for &(first, nr) in &self.touched {
            let (first, end) = (first as usize, (first + nr) as usize);
            for chunk in self.chunks[first / CHUNK..end.div_ceil(CHUNK)].iter_mut() {
                if let Some(chunk) = chunk.as_mut() {
                    Arc::make_mut(chunk).fill(Entry::default());
                }
            }
        }
        self.touched.clear();
        self.made.clear();
        self.made.push(TOP);
    }

    /// From now on at the tables of an mm.
    pub fn look_at(&mut self, mm: u8) {
        self.mm = mm;
    }

    fn find(&self, mm: u8, level: Level, addr: u64) -> Option<usize> {
        let table = (mm, level, (addr & ADDR_MASK) >> (level.shift() + 9));
        self.made.iter().position(|made| *made == table)
    }

    /// The place of the entry of a level that serves an address, if its table
    /// has been made.
    fn index(&self, mm: u8, level: Level, addr: u64) -> Option<usize> {
        let table = self.find(mm, level, addr)?;
        let entry = (addr & ADDR_MASK) >> level.shift() & (PER_TABLE as u64 - 1);
        Some(table * PER_TABLE + entry as usize)
    }

    /// The entry of a level that serves an address, whether or not a walk comes
    /// there.
    pub fn entry(&self, level: Level, addr: u64) -> Entry {
        self.index(self.mm, level, addr)
            .map_or(Entry::default(), |i| self.at(i))
    }

    #[inline]
    fn at(&self, index: usize) -> Entry {
        match self.chunks.get(index / CHUNK) {
            Some(Some(chunk)) => chunk[index % CHUNK],
            Some(None) | None => Entry::default(),
        }
    }

    /// Sets the entries from `first` on, within a table; returns whether one of them
    /// changes.
    fn set(&mut self, first: usize, mut new: impl ExactSizeIterator<Item = Entry>) -> bool {
        let nr = new.len();
        let end = first + nr;
        if self.chunks.len() < end.div_ceil(CHUNK) {
            self.chunks.resize(end.div_ceil(CHUNK), None);
        }
        let mut changed = false;
        let mut at = first;
        while at < end {
            let chunk = self.chunks[at / CHUNK].get_or_insert_with(|| Arc::new(EMPTY));
            let room = &mut Arc::make_mut(chunk)[at % CHUNK..];
            for (old, new) in room.iter_mut().zip(new.by_ref().take(end - at)) {
                changed |= *old != new;
                *old = new;
            }
            at = (at / CHUNK + 1) * CHUNK;
        }
        if changed {
            self.touched.push((first as u32, nr as u32));
        }
        changed
    }

    /// Makes what is missing of the tables down to a level; says whether there
    /// is one of that level now.  Adds the levels of changed entries to `levels`.
    fn make(&mut self, mm: u8, level: Level, addr: u64, levels: &mut u8) -> bool {
        if self.find(mm, Level::Pgd, addr).is_none() {
            if self.made.len() == NR_TABLES {
                return false;
            }
            self.made.push((mm, Level::Pgd, 0));
        }
        let missing = LEVELS[level as usize..]
            .iter()
            .zip(&LEVELS[level as usize + 1..]);
        for (&l, &above) in missing.rev() {
            if self.find(mm, l, addr).is_some() {
                continue;
            }
            if self.made.len() == NR_TABLES {
                return false;
            }
            let table = self.made.len() as u8;
            self.made
                .push((mm, l, (addr & ADDR_MASK) >> (l.shift() + 9)));
            if let Some(entry) = self.index(mm, above, addr)
                && self.at(entry) == Entry::default()
            {
                let to_table = Entry {
                    kind: Kind::Table(table),
                    flags: 0,
                };
                self.set(entry, [to_table].into_iter());
                *levels |= 1 << above as u32;
            }
        }
        true
    }

    /// Carries out an operation; says of which levels entries changed, as bits
    /// `1 << GD_L_*`.  Operations that set no entries do nothing.
    pub fn apply(&mut self, op: &gd_op, layout: &Layout) -> u8 {
        let Some(level) = walk::set_level(op.op) else {
            return 0;
        };
        let mut levels = 0;
        let n = op.n.clamp(0, abi::GD_MAX_SET as i32) as u32;
        let mut k = 0;
        while k < n {
            let addr = op.addr.wrapping_add(u64::from(k) << level.shift());
            // up to the end of the table
            let room = PER_TABLE as u32 - entry_index(level, addr);
            let ks = k..n.min(k + room);
            k = ks.end;
            if !self.make(op.mm, level, addr, &mut levels) {
                continue;
            }
            let Some(first) = self.index(op.mm, level, addr) else {
                continue;
            };
            let changed = match u32::from(op.entry) {
                abi::GD_E_TABLE => {
                    let mut changed = false;
                    for (index, k) in (first..).zip(ks) {
                        let addr = op.addr.wrapping_add(u64::from(k) << level.shift());
                        changed |= self.set(index, [self.table(op, level, addr)].into_iter());
                    }
                    changed
                }
                _ => {
                    let page = match layout.run(&op.run[0]) {
                        Operand::Page(page) if level != Level::Pgd => Some(page),
                        _ => None,
                    };
                    let (from, nr) = (ks.start, ks.len() as u32);
                    self.set(first, (0..nr).map(|i| value(op, level, page, from + i)))
                }
            };
            levels |= u8::from(changed) << level as u32;
        }
        levels
    }

    /// An entry that is the table of the next level, if that has been made.
    fn table(&self, op: &gd_op, level: Level, addr: u64) -> Entry {
        let table = level
            .below()
            .and_then(|below| self.find(op.mm, below, addr));
        table.map_or(Entry::default(), |table| Entry {
            kind: Kind::Table(table as u8),
            flags: op.eflags,
        })
    }

    /// Down from the top to where the tables of an address end: at a page, or
    /// at what is none.  Flags of the entries on the way are not looked at.
    pub fn walk(&self, addr: u64) -> Leaf {
        self.walk_of(self.mm, addr)
    }

    /// The same in the tables of an mm.
    pub fn walk_of(&self, mm: u8, addr: u64) -> Leaf {
        self.walker_of(mm).walk(addr)
    }

    /// Down from the top: to the table of PTEs for an address, or to what there
    /// is instead.  Also says how many bits of the address do not matter.
    fn descend(&self, mm: u8, addr: u64) -> (u32, Way) {
        let level = Level::Pgd;
        let Some(mut table) = self.find(mm, level, addr) else {
            let entry = Entry::default();
            return (level.shift(), Way::Leaf(Leaf { level, entry }));
        };
        for level in [Level::Pgd, Level::Pud, Level::Pmd] {
            let entry = self.in_table(table, level, addr);
            let Kind::Table(below) = entry.kind else {
                return (level.shift(), Way::Leaf(Leaf { level, entry }));
            };
            table = usize::from(below);
        }
        (Level::Pmd.shift(), Way::Ptes(table))
    }

    /// All entries above PTE level that are pages: their level, their first
    /// address and what they are. One may come more than once.
    pub fn blocks(&self) -> impl Iterator<Item = (Level, u64, Entry)> + '_ {
        let above = self.touched.iter().filter(|(first, _)| {
            let (mm, level, _) = self.made[*first as usize / PER_TABLE];
            mm == self.mm && level > Level::Pte
        });
        above.flat_map(move |&(first, nr)| {
            let (_, level, region) = self.made[first as usize / PER_TABLE];
            (first..first + nr).filter_map(move |i| {
                let entry = u64::from(i) % PER_TABLE as u64;
                let addr = region << (level.shift() + 9) | entry << level.shift();
                let block = matches!(self.at(i as usize).kind, Kind::Page(_));
                block.then(|| (level, addr, self.at(i as usize)))
            })
        })
    }

    /// Where the walks of addresses end, for addresses that are neighbours.
    pub fn walker(&self) -> Walker<'_> {
        self.walker_of(self.mm)
    }

    fn walker_of(&self, mm: u8) -> Walker<'_> {
        Walker {
            tables: self,
            mm,
            bits: 0,
            // no address has all bits
            region: u64::MAX,
            way: Way::Ptes(0),
        }
    }

    /// The entry for an address in a given table.
    #[inline]
    pub fn in_table(&self, table: usize, level: Level, addr: u64) -> Entry {
        self.at(table * PER_TABLE + entry_index(level, addr) as usize)
    }
}

/// The index of the entry for an address in a table of a level.
#[inline]
fn entry_index(level: Level, addr: u64) -> u32 {
    (addr >> level.shift()) as u32 % PER_TABLE as u32
}

/// Walks that remember where the last one went.
pub struct Walker<'a> {
    tables: &'a Tables,
    mm: u8,
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
    /// Like [`Tables::walk`].
    #[inline]
    pub fn walk(&mut self, addr: u64) -> Leaf {
        if (addr & ADDR_MASK) >> self.bits != self.region {
            self.descend(addr);
        }
        match self.way {
            Way::Ptes(table) => Leaf {
                level: Level::Pte,
                entry: self.tables.in_table(table, Level::Pte, addr),
            },
            Way::Leaf(leaf) => leaf,
        }
    }

    fn descend(&mut self, addr: u64) {
        (self.bits, self.way) = self.tables.descend(self.mm, addr);
        self.region = (addr & ADDR_MASK) >> self.bits;
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

    fn set(level: Level, addr: u64, entry: u32, n: i32) -> gd_op {
        let mut op = gd_op {
            op: level.set_op(),
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
        let all = tables.apply(&set(Level::Pte, 0x1000, abi::GD_E_PAGE, 2), &layout);
        assert_eq!(all, 0b1111);
        let at = |tables: &Tables, addr| tables.walk(addr).page(addr);
        assert_eq!(at(&tables, 0x1fff), Some(head + 3));
        assert_eq!(at(&tables, 0x2000), Some(head + 4));
        assert_eq!(at(&tables, 0x3000), None);
        // an address is one of 48 bits
        assert_eq!(at(&tables, 0x1000 | 7 << 48), Some(head + 3));
        tables.start();
        assert_eq!(tables.walk(0x1000).level, Level::Pgd);
        assert_eq!(at(&tables, 0x1000), None);
    }

    #[test]
    fn a_block_hides_the_table_that_is_there() {
        let layout = layout();
        let head = layout.folios()[0].head();
        let mut tables = Tables::default();
        tables.apply(&set(Level::Pte, 0x20_1000, abi::GD_E_PAGE, 1), &layout);
        let pmd = tables.apply(&set(Level::Pmd, 0x20_0000, abi::GD_E_PAGE, 1), &layout);
        assert_eq!(pmd, 1 << Level::Pmd as u32);
        assert_eq!(tables.walk(0x20_1000).page(0x20_1000), Some(head + 1));
        assert_eq!(tables.walk(0x20_1000).level, Level::Pmd);
        tables.apply(&set(Level::Pmd, 0x20_0000, abi::GD_E_TABLE, 1), &layout);
        assert_eq!(tables.walk(0x20_1000).page(0x20_1000), Some(head + 3));
    }

    #[test]
    fn blocks_are_aligned_and_may_go_past_the_last_page() {
        let layout = layout();
        let mut tables = Tables::default();
        tables.apply(&set(Level::Pud, 1 << 30, abi::GD_E_PAGE, 1), &layout);
        let first = layout.folios()[0].head() >> 18 << 18;
        assert_eq!(tables.walk(1 << 30).page(1 << 30), Some(first));
        assert_eq!(
            tables.walk((2 << 30) - 1).page((2 << 30) - 1),
            Some(first + 0x3_ffff)
        );
        // the top level has tables only
        tables.apply(&set(Level::Pgd, 0, abi::GD_E_PAGE, 1), &layout);
        assert_eq!(tables.entry(Level::Pgd, 0), Entry::default());
    }

    #[test]
    fn when_all_tables_are_taken_nothing_is_set() {
        let layout = layout();
        let mut tables = Tables::default();
        for i in 0..40u64 {
            tables.apply(&set(Level::Pte, i << 21, abi::GD_E_PAGE, 1), &layout);
        }
        // one for each upper level, the rest for entries
        let last = abi::GD_MAX_TABLES as u64 - 4;
        assert!(tables.walk(last << 21).page(0).is_some());
        assert!(tables.walk((last + 1) << 21).page(0).is_none());
    }
}
