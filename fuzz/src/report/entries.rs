// SPDX-License-Identifier: GPL-2.0
//! Page tables in words.

use csrc::abi;

use super::show::Names;
use crate::laws::tables::{Entry, Kind, Tables, shift};

/// The levels, as in `set_pte`.
const LEVELS: [&str; abi::GD_NR_LEVELS as usize] = ["pte", "pmd", "pud", "pgd"];
/// The words of the text form for the flags of entries, `GD_EF_*`.
const FLAGS: [&str; abi::GD_NR_ENTRY_FLAGS as usize] = [
    "rw",
    "dirty",
    "old",
    "kernel",
    "absent",
    "protnone",
    "special",
    "devmap",
    "softdirty",
    "uffdwp",
    "nx",
];

/// Entries that are one line: from an address on, so many.
struct Run {
    level: u32,
    addr: u64,
    n: u64,
    entry: Entry,
}

impl Run {
    /// Whether the entry for the address behind the run goes on with it.
    fn takes(&self, level: u32, addr: u64, entry: Entry) -> bool {
        let kind = match self.entry.kind {
            Kind::Page(page) => Kind::Page(page + ((self.n as u32) << (9 * level))),
            Kind::Migration(page) => Kind::Migration(page + ((self.n as u32) << (9 * level))),
            Kind::Table(_) => return false,
            kind => kind,
        };
        let next = self.addr.checked_add(self.n << shift(level));
        level == self.level
            && next == Some(addr)
            && (kind, self.entry.flags) == (entry.kind, entry.flags)
    }

    fn line(&self, names: &Names) -> String {
        let what = match self.entry.kind {
            Kind::None => "none".into(),
            Kind::Page(page) => names.page(page),
            Kind::Table(_) => "table".into(),
            Kind::Swap => "swap".into(),
            Kind::Migration(page) => format!("migration {}", names.page(page)),
        };
        let mut line = format!("{} {:#x}  {what}", LEVELS[self.level as usize], self.addr);
        if self.n > 1 {
            line += &format!(" n={}", self.n);
        }
        for (bit, word) in FLAGS.iter().enumerate() {
            if self.entry.has(bit as u32) {
                line += &format!(" {word}");
            }
        }
        line
    }
}

/// The entries that serve `n` pages from an address on, a run of them a line:
/// those at which a walk ends, and of those on the way what is not a plain
/// table.
pub(super) fn lines(tables: &Tables, addr: u64, n: i32, names: &Names) -> Vec<String> {
    let addr = addr >> 12 << 12;
    let end = addr.saturating_add((n.max(1) as u64) << 12);
    let mut runs: Vec<Run> = Vec::new();
    let mut at = addr;
    while at < end {
        let leaf = tables.walk(at);
        for level in (leaf.level..abi::GD_NR_LEVELS).rev() {
            let first = at >> shift(level) << shift(level);
            let entry = match level == leaf.level {
                true => leaf.entry,
                false => tables.entry(level, at),
            };
            let plain = matches!(entry.kind, Kind::Table(_)) && entry.flags == 0;
            // Of one on the way only once.
            if plain || (level > leaf.level && at != addr && at != first) {
                continue;
            }
            match runs.last_mut().filter(|run| run.takes(level, first, entry)) {
                Some(run) => run.n += 1,
                None => runs.push(Run {
                    level,
                    addr: first,
                    n: 1,
                    entry,
                }),
            }
        }
        let size = 1u64 << shift(leaf.level);
        match (at & !(size - 1)).checked_add(size) {
            Some(next) => at = next,
            None => break,
        }
    }
    runs.iter().map(|run| run.line(names)).collect()
}
