// SPDX-License-Identifier: GPL-2.0
//! What a program has mapped so far, in the terms of its operations.

use csrc::abi::{self, gd_op};

use super::entry::{Entry, Kind, Leaf};
use super::layout::{Layout, Operand};
use super::tables::Tables;
use crate::program::walk::{ADDR_MASK, Level, Span};
use crate::program::{MAX_OPS, Program, page};

/// What an operation has set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Map {
    pub span: Span,
    pub entry: u8,
    pub eflags: u16,
    /// The page operand.
    pub page: u16,
}

impl Map {
    /// Whether it is a page that its flags do not disable.
    pub fn is_leaf(&self) -> bool {
        u32::from(self.entry) == abi::GD_E_PAGE && self.eflags & 1 << abi::GD_EF_ABSENT == 0
    }
}

/// The mapping of an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub level: Level,
    pub eflags: u16,
    /// The page, if it is in a declared folio's slot.
    pub page: Option<u16>,
}

/// The page tables, and the operations that set them.
#[derive(Clone)]
pub(crate) struct Maps {
    map: [Map; MAX_OPS],
    nr: usize,
    tables: Tables,
    layout: Layout,
}

const NO_MAP: Map = Map {
    span: Span {
        addr: 0,
        level: Level::Pte,
        n: 0,
    },
    entry: 0,
    eflags: 0,
    page: 0,
};

impl Maps {
    pub fn new(program: &Program) -> Maps {
        Maps {
            map: [NO_MAP; MAX_OPS],
            nr: 0,
            tables: Tables::default(),
            layout: Layout::new(&program.0),
        }
    }

    /// Applies an operation that sets entries; ignores others.
    pub fn set(&mut self, op: &gd_op) {
        let Some(span) = Span::of(op) else {
            return;
        };
        self.tables.apply(op, &self.layout);
        if self.nr == MAX_OPS {
            self.map.rotate_left(1);
            self.nr -= 1;
        }
        self.map[self.nr] = Map {
            span,
            entry: op.entry,
            eflags: op.eflags,
            page: op.run[0].page,
        };
        self.nr += 1;
    }

    /// From now on as another mm sees it.
    pub fn look_at(&mut self, mm: u8) {
        self.tables.look_at(mm);
    }

    /// What has been set, of all mms, the latest last.
    pub fn all(&self) -> &[Map] {
        &self.map[..self.nr]
    }

    /// The page operand for a page of the arena.
    fn name(&self, number: u32) -> Option<u16> {
        let (index, offset) = self.layout.find(number)?;
        Some(page(index, offset as usize))
    }

    /// What there is for an address at a level, as if set for it alone; nothing where
    /// there is nothing but a table.
    pub fn entry(&self, level: Level, addr: u64) -> Option<Map> {
        let Entry { kind, flags } = self.tables.entry(level, addr);
        if kind == Kind::None || matches!(kind, Kind::Table(_)) && flags == 0 {
            return None;
        }
        let span = Span {
            addr: addr & ADDR_MASK,
            level,
            n: 1,
        };
        Some(Map {
            span,
            entry: kind.code(),
            eflags: flags,
            page: kind.page().and_then(|nr| self.name(nr)).unwrap_or(0),
        })
    }

    /// What an address leads to; nothing if it is not mapped.
    pub fn hit(&self, addr: u64) -> Option<Hit> {
        self.hit_at(self.tables.walk(addr), addr)
    }

    /// The same in an mm.
    pub fn hit_of(&self, mm: u8, addr: u64) -> Option<Hit> {
        self.hit_at(self.tables.walk_of(mm, addr), addr)
    }

    fn hit_at(&self, leaf: Leaf, addr: u64) -> Option<Hit> {
        let page = leaf.page(addr)?;
        Some(Hit {
            level: leaf.level,
            eflags: leaf.entry.flags,
            page: self.name(page),
        })
    }

    /// The address of a page of the folio that an operation's entry maps.
    pub fn address(&self, map: &Map, index: usize, offset: usize) -> u64 {
        let level = map.span.level;
        let within = match self.layout.page(index, offset as u32) {
            Operand::Page(nr) => u64::from(nr) & (level.pages() - 1),
            Operand::Null | Operand::Poison => 0,
        };
        match level {
            Level::Pte => map.span.addr,
            _ => (map.span.addr & !(level.size() - 1)) + (within << 12),
        }
    }
}
