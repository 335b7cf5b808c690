// SPDX-License-Identifier: GPL-2.0
//! The page tables that a program sets up.
//!
//! The tables are contiguous, so that one number over all of them, an [`EntryPtr`],
//! identifies an entry, and a pointer that runs past the end of its table finds the next
//! one, as it would in memory; past the last table it faults.  The first table is the top
//! one.  The others are created, in order, when an entry in them is first set; from then on
//! each maps one region of addresses.

mod entry;
mod level;

use alloc::vec;
use alloc::vec::Vec;

pub use entry::{Entry, entry_flag};
use level::TABLE_SHIFT;
pub use level::{EntryPtr, Level, PAGE_SHIFT, PAGE_SIZE, TABLE_ENTRIES};

use crate::kernel::Stop;
use crate::machine::MmPtr;
use crate::pages::PagePtr;

/// The number of tables that a program can have.
pub const MAX_TABLES: u32 = 32;
/// The number of pages before the arena at which the first table is.
pub const TABLES_BELOW_ARENA: u64 = 0x800;
const NR_ENTRIES: u32 = MAX_TABLES * TABLE_ENTRIES;
/// What to set entries to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewEntry {
    /// Empty.
    None,
    /// Consecutive pages from this one on, or the blocks that they lie in.
    Page(PagePtr),
    /// The table of the next level for the address, if it was made.
    Table,
    /// Swapped out.
    Swap,
    /// Migration entries of consecutive pages.
    Migration(PagePtr),
}

/// What a program sets: consecutive entries of a level.
#[derive(Clone, Copy, Debug)]
pub struct EntryChange {
    /// Whose tables.
    pub mm: MmPtr,
    /// The level of the entries.
    pub level: Level,
    /// The first entry is the one for this address.
    pub addr: u64,
    /// The number of entries.
    pub n: u32,
    /// What they become.
    pub new: NewEntry,
    /// `entry_flag` bits.
    pub flags: u16,
}

#[derive(Clone, Copy, Debug)]
struct Made {
    mm: MmPtr,
    level: Level,
    region: u64,
}

/// All page tables of a machine.
pub struct Tables {
    entries: Vec<Entry>,
    made: [Made; MAX_TABLES as usize],
    nr: u32,
    /// The part of each table that was written: from, to.
    written: [(u16, u16); MAX_TABLES as usize],
    /// Changes by other CPUs, which wait for a page-table lock.
    waiting: Vec<EntryChange>,
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

const UNWRITTEN: (u16, u16) = (TABLE_ENTRIES as u16, 0);

impl Tables {
    /// An empty top table.
    pub fn new() -> Self {
        Self {
            entries: vec![Entry::NONE; NR_ENTRIES as usize],
            made: [Made {
                mm: MmPtr::Current,
                level: Level::Pgd,
                region: 0,
            }; MAX_TABLES as usize],
            nr: 1,
            written: [UNWRITTEN; MAX_TABLES as usize],
            waiting: Vec::new(),
        }
    }

    /// Makes all as it was in the beginning.
    pub fn reset(&mut self) {
        for table in 0..self.nr as usize {
            let (from, to) = self.written[table];
            if from < to {
                let first = table * TABLE_ENTRIES as usize;
                self.entries[first + usize::from(from)..first + usize::from(to)].fill(Entry::NONE);
                self.written[table] = UNWRITTEN;
            }
        }
        self.nr = 1;
        self.waiting.clear();
    }

    /// How many tables there are.
    pub fn made(&self) -> u32 {
        self.nr
    }

    /// The table of a level for an address of an mm, if it was made.
    fn table_of(&self, mm: MmPtr, level: Level, addr: u64) -> Option<u32> {
        let region = level.region(addr);
        let all = self.made[..self.nr as usize].iter();
        all.zip(0..)
            .find(|(t, _)| t.level == level && t.region == region && t.mm == mm)
            .map(|(_, nr)| nr)
    }

    /// The table of a level for an address of current's mm, if it was made.
    pub fn table(&self, level: Level, addr: u64) -> Option<u32> {
        self.table_of(MmPtr::Current, level, addr)
    }

    /// The entry of a level that serves an address of current's mm, if its table was made.
    pub fn entry(&self, level: Level, addr: u64) -> Option<EntryPtr> {
        let table = self.table(level, addr)?;
        Some(EntryPtr::of(table, level, addr))
    }

    /// `pgd_offset`.
    pub fn top(&self, mm: MmPtr, addr: u64) -> EntryPtr {
        match mm {
            MmPtr::Current => EntryPtr::top(addr),
            MmPtr::Other => self
                .table_of(mm, Level::Pgd, addr)
                .map_or(EntryPtr::EMPTY, |table| {
                    EntryPtr::of(table, Level::Pgd, addr)
                }),
        }
    }

    /// Whether this is the entry of a level that serves an address of current's mm.
    #[inline]
    pub fn serves(&self, at: EntryPtr, level: Level, addr: u64) -> bool {
        let (table, index) = (at.0 / TABLE_ENTRIES, at.0 % TABLE_ENTRIES);
        let made = self.made[..self.nr as usize].get(table as usize);
        index == level.index(addr)
            && made.is_some_and(|t| {
                t.mm == MmPtr::Current && t.level == level && t.region == level.region(addr)
            })
    }

    /// Whose an entry is, its level, and the first address that it serves.
    pub(crate) fn place(&self, at: EntryPtr) -> (MmPtr, Level, u64) {
        let made = self.made[(at.0 / TABLE_ENTRIES) as usize];
        let nr = made.region << TABLE_SHIFT | u64::from(at.0 % TABLE_ENTRIES);
        (made.mm, made.level, nr << made.level.shift())
    }

    /// A load.
    #[inline]
    pub fn get(&self, at: EntryPtr) -> Result<Entry, Stop> {
        match self.entries.get(at.0 as usize) {
            Some(entry) => Ok(*entry),
            None if at == EntryPtr::EMPTY => Ok(Entry::NONE),
            None => Err(Stop::Oops),
        }
    }

    /// A store; the entry was read before.
    pub(crate) fn put(&mut self, at: EntryPtr, entry: Entry) {
        self.note_written(at, 1);
        self.entries[at.0 as usize] = entry;
    }

    /// Notes that entries of one table are written.
    fn note_written(&mut self, at: EntryPtr, nr: u32) {
        let (table, index) = (at.0 / TABLE_ENTRIES, at.0 % TABLE_ENTRIES);
        let (from, to) = &mut self.written[table as usize];
        *from = (*from).min(index as u16);
        *to = (*to).max((index + nr) as u16);
    }

    /// Makes what is missing of the tables down to `level`, and gives the last.
    /// An empty entry above a new table is made to lead there.
    fn make(&mut self, mm: MmPtr, level: Level, addr: u64) -> Option<u32> {
        let mut at = Level::Pgd;
        let mut above = match self.table_of(mm, at, addr) {
            Some(top) => top,
            None => self.another(mm, at, addr)?,
        };
        while at != level {
            let upper = at;
            at = at.below()?;
            let table = match self.table_of(mm, at, addr) {
                Some(table) => table,
                None => {
                    let table = self.another(mm, at, addr)?;
                    let entry = EntryPtr::of(above, upper, addr);
                    if self.entries[entry.0 as usize].is_none() {
                        self.put(entry, Entry::table_entry(table, 0));
                    }
                    table
                }
            };
            above = table;
        }
        Some(above)
    }

    /// One more table, unless all are taken.
    fn another(&mut self, mm: MmPtr, level: Level, addr: u64) -> Option<u32> {
        let table = self.nr;
        *self.made.get_mut(table as usize)? = Made {
            mm,
            level,
            region: level.region(addr),
        };
        self.nr += 1;
        Some(table)
    }

    /// Sets `n` entries of a level of current's mm from the one for `addr` on.  Those whose
    /// table is missing, with no more to be had, are left out.
    pub fn set(&mut self, level: Level, addr: u64, n: u32, new: NewEntry, flags: u16) {
        self.change(EntryChange {
            mm: MmPtr::Current,
            level,
            addr,
            n,
            new,
            flags,
        });
    }

    /// The same of an mm.
    pub fn change(&mut self, change: EntryChange) {
        let EntryChange {
            mm,
            level,
            addr,
            n,
            new,
            flags,
        } = change;
        let mut k = 0;
        while k < n {
            let addr = addr.wrapping_add(u64::from(k) << level.shift());
            // as many as are in one table
            let index = level.index(addr);
            let nr = (n - k).min(TABLE_ENTRIES - index);
            if let Some(table) = self.make(mm, level, addr) {
                self.set_in_table(table, level, addr, nr, new.at(level, k), flags);
            }
            k += nr;
        }
    }

    /// The same by another CPU, which waits for a page-table lock: [`Tables::change_now`].
    pub fn change_later(&mut self, change: EntryChange) {
        self.waiting.push(change);
    }

    /// Makes the changes that wait for a page-table lock.
    pub fn change_now(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        for change in core::mem::take(&mut self.waiting) {
            self.change(change);
        }
    }

    /// The same within a table.
    fn set_in_table(
        &mut self,
        table: u32,
        level: Level,
        addr: u64,
        nr: u32,
        new: NewEntry,
        flags: u16,
    ) {
        let at = EntryPtr::of(table, level, addr);
        if let NewEntry::Table = new {
            for k in 0..nr {
                let addr = addr.wrapping_add(u64::from(k) << level.shift());
                let mm = self.made[table as usize].mm;
                let below = level.below();
                let below = below.and_then(|below| self.table_of(mm, below, addr));
                let entry = below.map_or(Entry::NONE, |t| Entry::table_entry(t, flags));
                self.put(EntryPtr(at.0 + k), entry);
            }
            return;
        }
        self.note_written(at, nr);
        let entries = &mut self.entries[at.0 as usize..(at.0 + nr) as usize];
        // The top level has tables only.
        let first = match new {
            _ if level == Level::Pgd => return entries.fill(Entry::NONE),
            NewEntry::None | NewEntry::Table => return entries.fill(Entry::NONE),
            NewEntry::Swap => return entries.fill(Entry::SWAP),
            NewEntry::Page(page) | NewEntry::Migration(page) => page,
        };
        let block = !(level.pages() as u32 - 1);
        for (entry, k) in entries.iter_mut().zip(0..) {
            *entry = match (first.nth(k * level.pages()).nr(), new) {
                (None, _) => Entry::NONE,
                (Some(nr), NewEntry::Migration(_)) => Entry::migration(nr),
                (Some(nr), _) => Entry::page_entry(nr & block, flags),
            };
        }
    }
}

impl NewEntry {
    /// What the `k`th entry from the one on that this is for becomes.
    fn at(self, level: Level, k: u32) -> NewEntry {
        let nth = |page: PagePtr| page.nth(u64::from(k) * level.pages());
        match self {
            NewEntry::Page(page) => NewEntry::Page(nth(page)),
            NewEntry::Migration(page) => NewEntry::Migration(nth(page)),
            new => new,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::NR_PAGES;

    const PAGE: NewEntry = NewEntry::Page(PagePtr::new(700));

    fn at(tables: &Tables, level: Level, addr: u64) -> Entry {
        tables.get(tables.entry(level, addr).unwrap()).unwrap()
    }

    #[test]
    fn tables_are_made_on_the_way_down_and_linked() {
        let mut tables = Tables::new();
        tables.set(Level::Pte, 0x20_1000, 1, PAGE, 0);
        assert_eq!(tables.made(), 4);
        assert_eq!(at(&tables, Level::Pgd, 0x20_1000), Entry::table_entry(1, 0));
        assert_eq!(at(&tables, Level::Pud, 0x20_1000), Entry::table_entry(2, 0));
        assert_eq!(at(&tables, Level::Pmd, 0x20_1000), Entry::table_entry(3, 0));
        assert_eq!(
            at(&tables, Level::Pte, 0x20_1000),
            Entry::page_entry(700, 0)
        );
    }

    #[test]
    fn an_entry_that_is_not_empty_is_not_linked_over() {
        let mut tables = Tables::new();
        tables.set(Level::Pmd, 0, 1, NewEntry::Swap, 0);
        tables.set(Level::Pte, 0x1000, 1, PAGE, 0);
        assert_eq!(at(&tables, Level::Pmd, 0), Entry::SWAP);
        tables.set(Level::Pmd, 0, 1, NewEntry::Table, entry_flag::NX);
        assert_eq!(
            at(&tables, Level::Pmd, 0),
            Entry::table_entry(3, entry_flag::NX)
        );
    }

    #[test]
    fn blocks_are_aligned_and_migration_entries_are_not() {
        let mut tables = Tables::new();
        tables.set(Level::Pmd, 0, 2, PAGE, 0);
        assert_eq!(at(&tables, Level::Pmd, 0), Entry::page_entry(512, 0));
        assert_eq!(
            at(&tables, Level::Pmd, 0x20_0000),
            Entry::page_entry(1024, 0)
        );
        tables.set(Level::Pmd, 0, 1, NewEntry::Migration(PagePtr::new(700)), 0);
        assert_eq!(at(&tables, Level::Pmd, 0), Entry::migration(700));
    }

    #[test]
    fn the_top_level_has_tables_only_and_pages_end_with_the_arena() {
        let mut tables = Tables::new();
        tables.set(Level::Pgd, 0, 1, PAGE, 0);
        assert_eq!(at(&tables, Level::Pgd, 0), Entry::NONE);
        let last = NewEntry::Page(PagePtr::new(NR_PAGES - 1));
        tables.set(Level::Pte, 0, 2, last, 0);
        assert_ne!(at(&tables, Level::Pte, 0), Entry::NONE);
        assert_eq!(at(&tables, Level::Pte, 0x1000), Entry::NONE);
        tables.set(Level::Pte, 0, 1, NewEntry::Page(PagePtr::NULL), 0);
        assert_eq!(at(&tables, Level::Pte, 0), Entry::NONE);
    }

    #[test]
    fn entries_without_a_table_left_are_not_set() {
        let mut tables = Tables::new();
        for region in 0..40u64 {
            tables.set(Level::Pmd, region << 30, 1, NewEntry::Swap, 0);
        }
        assert_eq!(tables.made(), MAX_TABLES);
        assert!(tables.entry(Level::Pmd, 29 << 30).is_some());
        assert!(tables.entry(Level::Pmd, 30 << 30).is_none());
        assert_eq!(at(&tables, Level::Pud, 30 << 30), Entry::NONE);
    }

    #[test]
    fn a_reset_leaves_empty_tables() {
        let mut tables = Tables::new();
        tables.set(Level::Pte, 0x1f_f000, 1024, PAGE, 0);
        tables.set(Level::Pud, 5 << 39, 512, NewEntry::Swap, 0);
        tables.reset();
        assert_eq!(tables.made(), 1);
        assert!(tables.entries.iter().all(|e| e.is_none()));
        assert_eq!(tables.get(EntryPtr(NR_ENTRIES)), Err(Stop::Oops));
    }

    #[test]
    fn an_end_of_zero_is_the_end_of_all_addresses() {
        assert_eq!(Level::Pmd.addr_end(0, 0), 0x20_0000);
        assert_eq!(Level::Pmd.addr_end(0x1000, 0x1000), 0x1000);
        assert_eq!(Level::Pmd.addr_end(0x1000, 0x4000), 0x4000);
        assert_eq!(Level::Pmd.addr_end(0x1000, 0x40_0000), 0x20_0000);
    }
}
