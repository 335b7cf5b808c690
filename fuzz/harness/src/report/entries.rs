// SPDX-License-Identifier: GPL-2.0
//! Describes page tables.

use csrc::abi::{self, gd_op};

use super::show::Names;
use crate::program::walk::{LEVELS, Level};
use crate::program::{NO_OP, NULL, text};
use crate::world::entry::{Entry, Kind};
use crate::world::tables::Tables;

/// A run of entries that is shown on one line.
struct Run {
    level: Level,
    addr: u64,
    n: u64,
    entry: Entry,
}

impl Run {
    /// Does the entry after the run continue it?
    fn takes(&self, level: Level, addr: u64, entry: Entry) -> bool {
        let pages = (self.n * level.pages()) as u32;
        let kind = match self.entry.kind {
            Kind::Page(page) => Kind::Page(page + pages),
            Kind::Migration(page) => Kind::Migration(page + pages),
            Kind::Table(_) => return false,
            kind => kind,
        };
        let next = self.addr.checked_add(self.n << level.shift());
        level == self.level
            && next == Some(addr)
            && (kind, self.entry.flags) == (entry.kind, entry.flags)
    }

    /// The line as a program would set it; pages may be outside of declared folios.
    fn line(&self, names: &Names) -> String {
        let op = gd_op {
            op: self.level.set_op(),
            addr: self.addr,
            n: self.n.min(i32::MAX as u64) as i32,
            entry: self.entry.kind.code(),
            eflags: self.entry.flags,
            ..NO_OP
        };
        with_page(op, self.entry.kind.page(), names)
    }
}

/// An operation that sets entries, without `set_` in front.
fn with_page(mut op: gd_op, page: Option<u32>, names: &Names) -> String {
    op.run[0].page = NULL;
    let line = text::format_op(&op, text::DEFAULT_NAMES, &[]);
    let line = line.trim_start_matches("set_");
    match page {
        Some(page) => line.replacen("NULL", &names.page(page), 1),
        None => line.into(),
    }
}

/// Describes an entry that the kernel stored, after its address.
pub(super) fn stored(level: u32, flags: u16, page: u32, names: &Names) -> String {
    const NONE: u32 = 1 << abi::GD_EF_OLD | 1 << abi::GD_EF_KERNEL | 1 << abi::GD_EF_ABSENT;
    let (entry, page) = match page {
        abi::GD_NOWHERE if u32::from(flags) == NONE => (abi::GD_E_NONE, None),
        // a page or a table outside of the arena
        abi::GD_NOWHERE => (abi::GD_E_PAGE, None),
        page => (abi::GD_E_PAGE, Some(page)),
    };
    let op = gd_op {
        op: LEVELS[level as usize].set_op(),
        n: 1,
        entry: entry as u8,
        eflags: if entry == abi::GD_E_NONE { 0 } else { flags },
        ..NO_OP
    };
    let line = with_page(op, page, names);
    line.splitn(3, ' ').nth(2).unwrap_or_default().into()
}

/// The entries that map `n` pages from an address on, one run per line: the entries at
/// which the walk ends, and those above them that are not plain tables.
pub(super) fn lines(tables: &Tables, addr: u64, n: i32, names: &Names) -> Vec<String> {
    let addr = addr >> 12 << 12;
    let end = addr.saturating_add((n.max(1) as u64) << 12);
    let mut runs: Vec<Run> = Vec::new();
    let mut at = addr;
    while at < end {
        let leaf = tables.walk(at);
        for &level in LEVELS[leaf.level as usize..].iter().rev() {
            let first = at & !(level.size() - 1);
            let entry = match level == leaf.level {
                true => leaf.entry,
                false => tables.entry(level, at),
            };
            let plain = matches!(entry.kind, Kind::Table(_)) && entry.flags == 0;
            // an entry above only once
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
        let size = leaf.level.size();
        match (at & !(size - 1)).checked_add(size) {
            Some(next) => at = next,
            None => break,
        }
    }
    runs.iter().map(|run| run.line(names)).collect()
}
