// SPDX-License-Identifier: GPL-2.0
//! A rough guess at what the page tables of a program map, for the generator.

use csrc::abi::{self, gd_op};

use super::walk::{ADDR_MASK, Level, Span};
use super::{MAX_FOLIOS, MAX_OPS, Program, page, split_page};
use crate::layout::Layout;

/// What an operation has set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    pub span: Span,
    pub entry: u8,
    pub eflags: u16,
    /// The page operand.
    pub page: u16,
}

impl Map {
    /// Whether it is a page, and not turned off by its flags.
    pub fn is_leaf(&self) -> bool {
        u32::from(self.entry) == abi::GD_E_PAGE && self.eflags & 1 << abi::GD_EF_ABSENT == 0
    }
}

/// What an address leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub level: Level,
    pub eflags: u16,
    /// The page, if it is one of a declared folio's slot.
    pub page: Option<u16>,
}

/// All that has been set, the latest last.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    map: [Map; MAX_OPS],
    nr: usize,
    head: [u32; MAX_FOLIOS],
    nr_folios: usize,
}

impl Maps {
    pub fn new(program: &Program) -> Maps {
        let layout = Layout::new(&program.0);
        let mut head = [0; MAX_FOLIOS];
        for (head, placed) in head.iter_mut().zip(layout.folios()) {
            *head = placed.head();
        }
        Maps {
            map: [Map {
                span: Span {
                    addr: 0,
                    level: Level::Pte,
                    n: 0,
                },
                entry: 0,
                eflags: 0,
                page: 0,
            }; MAX_OPS],
            nr: 0,
            head,
            nr_folios: program.nr_folios(),
        }
    }

    /// Notes what an operation sets, if it does.
    pub fn set(&mut self, op: &gd_op) {
        let Some(span) = Span::of(op) else {
            return;
        };
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

    /// What has been set, the latest last.
    pub fn all(&self) -> &[Map] {
        &self.map[..self.nr]
    }

    /// The number of a page in the arena.
    fn number(&self, p: u16) -> Option<u32> {
        let (index, offset) = split_page(p);
        (index < self.nr_folios).then(|| self.head[index] + offset as u32)
    }

    /// The name of a page of the arena.
    fn name(&self, number: u32) -> Option<u16> {
        let slot = |head: &u32| head >> abi::GD_SLOT_SHIFT == number >> abi::GD_SLOT_SHIFT;
        let index = self.head[..self.nr_folios].iter().position(slot)?;
        Some(page(index, (number - self.head[index]) as usize))
    }

    /// What was last set for an address at a level, as if for it alone.
    pub fn entry(&self, level: Level, addr: u64) -> Option<Map> {
        let covers = |m: &&Map| m.span.level == level && m.span.covers(addr);
        let found = self.all().iter().rev().find(covers)?;
        let start = found.span.addr & !(level.size() - 1);
        let k = ((addr & ADDR_MASK) - start) >> level.shift();
        let nr = self
            .number(found.page)
            .map(|nr| u64::from(nr) + k * level.pages());
        let page = nr.and_then(|nr| self.name(u32::try_from(nr).ok()?));
        Some(Map {
            span: Span {
                addr: addr & ADDR_MASK,
                level,
                n: 1,
            },
            page: page.unwrap_or(found.page),
            ..*found
        })
    }

    /// What an address leads to; nothing if it is not mapped.
    pub fn hit(&self, addr: u64) -> Option<Hit> {
        for level in [Level::Pud, Level::Pmd, Level::Pte] {
            let Some(map) = self.entry(level, addr) else {
                continue;
            };
            match u32::from(map.entry) {
                abi::GD_E_TABLE => {}
                abi::GD_E_PAGE => {
                    let page = self.number(map.page).and_then(|nr| {
                        let block = nr & !(level.pages() as u32 - 1);
                        let within = (addr >> 12) as u32 & (level.pages() as u32 - 1);
                        self.name(block + within)
                    });
                    return Some(Hit {
                        level,
                        eflags: map.eflags,
                        page,
                    });
                }
                // A table may have been made below since.
                abi::GD_E_NONE if level != Level::Pte => {}
                _ => return None,
            }
        }
        None
    }

    /// The address of a page of the folio that an operation's entry maps.
    pub fn address(&self, map: &Map, p: u16) -> u64 {
        let level = map.span.level;
        let within = |p: u16| u64::from(self.number(p).unwrap_or(0)) & (level.pages() - 1);
        match level {
            Level::Pte => map.span.addr,
            _ => (map.span.addr & !(level.size() - 1)) + (within(p) << 12),
        }
    }
}
