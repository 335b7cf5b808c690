// SPDX-License-Identifier: GPL-2.0
//! Records of the Rust side: the one place where they are built.

use csrc::abi::{self, gd_rec};
use gup::machine::Held;
use gup::{
    Ask, Call, ErrPtr, Flush, Hook, Machine, MmPtr, Observer, PagePtr, PageState, Site, Stop,
};

use super::script::Script;
use crate::trace;

/// Writes records; it watches a kernel and is told the rest.
pub struct Recorder<'a> {
    recs: &'a mut Vec<gd_rec>,
    /// The numbers of sites in traces, by [`Site::index`].
    ids: &'a [u32],
    /// State beside pages as last recorded.
    bits: u8,
    /// What happens within the running operation.
    pub script: Script<'a>,
}

fn rec(kind: u32) -> gd_rec {
    gd_rec {
        kind: kind as u8,
        a: 0,
        b: 0,
        c: 0,
        d: 0,
    }
}

#[inline]
fn page_rec(state: &PageState) -> gd_rec {
    trace::PageState {
        page: state.page,
        refcount: state.refcount,
        pincount: state.pincount,
        flags: state.flags,
        mapping: state.mapping as u8,
        tail: state.tail,
        pinned: state.pinned,
    }
    .to_rec()
}

/// What an operation gave back, as the fields of its RET record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Nothing.
    Void,
    /// A truth value.
    Bool(bool),
    /// 0 or a negative errno.
    Errno(i32),
    /// The page number of a folio, or NULL.
    Folio(Option<u32>),
    /// A page, NULL or an errno.
    Page(ErrPtr),
    /// A number.
    Int(i64),
    /// This revision has no such function.
    Absent,
}

/// A bit of a record's `b`, if it is so.
fn bit(on: bool, bit: u32) -> u16 {
    if on { bit as u16 } else { 0 }
}

/// What records say of an mm.
fn mm_bit(mm: MmPtr) -> u16 {
    bit(mm == MmPtr::Other, abi::GD_RB_MM)
}

/// The number of a page in records.
fn page_nr(page: PagePtr) -> u32 {
    page.nr().unwrap_or(abi::GD_NOWHERE)
}

impl<'a> Recorder<'a> {
    /// A recorder that replaces the contents of `recs`.
    pub fn new(recs: &'a mut Vec<gd_rec>, ids: &'a [u32], bits: u8) -> Self {
        recs.clear();
        Self {
            recs,
            ids,
            bits,
            script: Script::default(),
        }
    }

    fn site(&self, site: Site) -> u32 {
        self.ids[site.index()]
    }

    /// The event that ended an operation early.
    pub fn stopped(&mut self, stop: Stop) {
        let event = match stop {
            Stop::Bug(site) => gd_rec {
                c: self.site(site),
                ..rec(abi::GD_R_BUG)
            },
            Stop::Oops => rec(abi::GD_R_OOPS),
            Stop::Limit => rec(abi::GD_R_LIMIT),
        };
        self.recs.push(event);
    }

    /// What an operation that returned has recorded in `pages[]`.
    pub fn entries(&mut self, machine: &Machine) {
        let entries = machine.entries.iter().zip(0..);
        self.recs.extend(entries.map(|(&page, i)| gd_rec {
            b: i,
            c: page_nr(page),
            ..rec(abi::GD_R_ENTRY)
        }));
    }

    /// The pages that the operation changed.
    pub fn pages(&mut self, machine: &mut Machine) {
        machine
            .pages
            .for_each_change(|state| self.recs.push(page_rec(&state)));
    }

    /// The state beside pages, if it changed or a counter moved.
    pub fn state(&mut self, machine: &Machine) {
        let bits = machine.state_bits();
        let [anon, file] = machine.isolated.map(|n| u32::from(n as u16));
        let isolated = anon | file << 16;
        let moved = machine.acquired | machine.released;
        if bits == self.bits && moved == 0 && isolated == 0 {
            return;
        }
        self.bits = bits;
        let (acquired, released) = (machine.acquired as u32, machine.released as u32);
        self.recs.push(gd_rec {
            a: bits,
            c: isolated,
            d: u64::from(acquired) | u64::from(released) << 32,
            ..rec(abi::GD_R_STATE)
        });
    }

    /// The result, and with it what is still held; it ends the operation.  `locked`:
    /// what `*locked` is, if it was passed.
    pub fn ret(&mut self, returned: Result<Returned, Stop>, held: &Held, locked: Option<bool>) {
        let b = match (returned, locked) {
            (Err(_), _) => 0,
            (_, Some(true)) => abi::GD_RB_LOCKED as u16,
            (_, Some(false)) => abi::GD_RB_UNLOCKED as u16,
            (_, None) => 0,
        };
        let locks = match returned {
            Ok(_) => {
                bit(held.mmap_lock, abi::GD_RB_MMAP)
                    | bit(held.other_mmap_lock, abi::GD_RB_MMAP_2)
                    | bit(held.ptl != 0, abi::GD_RB_PTL)
                    | bit(held.memalloc_pin, abi::GD_RB_MEMALLOC_PIN)
            }
            Err(_) => 0,
        };
        let (a, d) = match returned {
            Ok(Returned::Void) => (abi::GD_RET_VOID, 0),
            Ok(Returned::Bool(value)) => (abi::GD_RET_BOOL, u64::from(value)),
            Ok(Returned::Errno(errno)) => (abi::GD_RET_ERRNO, i64::from(errno) as u64),
            Ok(Returned::Folio(Some(page))) => (abi::GD_RET_FOLIO, u64::from(page)),
            Ok(Returned::Folio(None)) => (abi::GD_RET_NULL, 0),
            Ok(Returned::Page(Ok(page))) if page.is_null() => (abi::GD_RET_NULL, 0),
            Ok(Returned::Page(Ok(page))) => (abi::GD_RET_PAGE, u64::from(page_nr(page))),
            Ok(Returned::Page(Err(errno))) => (abi::GD_RET_ERRNO, i64::from(errno) as u64),
            Ok(Returned::Int(value)) => (abi::GD_RET_INT, value as u64),
            Ok(Returned::Absent) => (abi::GD_RET_ABSENT, 0),
            Err(_) => (abi::GD_RET_STOPPED, 0),
        };
        self.recs.push(gd_rec {
            a: a as u8,
            b: b | locks,
            d,
            ..rec(abi::GD_R_RET)
        });
    }

    /// The end of the trace, after that many operations.
    pub fn end(&mut self, stop: Option<Stop>, executed: usize) {
        let reason = match stop {
            None => abi::GD_END_DONE,
            Some(Stop::Bug(_)) => abi::GD_END_BUG,
            Some(Stop::Oops) => abi::GD_END_OOPS,
            Some(Stop::Limit) => abi::GD_END_LIMIT,
        };
        self.recs.push(gd_rec {
            a: reason as u8,
            b: executed as u16,
            ..rec(abi::GD_R_END)
        });
    }
}

impl Observer for Recorder<'_> {
    fn warn(&mut self, site: Site) {
        self.recs.push(gd_rec {
            c: self.site(site),
            ..rec(abi::GD_R_WARN)
        });
    }

    fn call(&mut self, call: Call, page: PageState) {
        // A CALL record has the number of the call where PAGE has flags.
        self.recs.push(gd_rec {
            kind: abi::GD_R_CALL as u8,
            a: call as u8,
            ..page_rec(&page)
        });
    }

    fn ask(&mut self, ask: Ask) {
        let ask_rec = |what: u32| gd_rec {
            a: what as u8,
            ..rec(abi::GD_R_ASK)
        };
        self.recs.push(match ask {
            Ask::Slow { flags, start, .. } => gd_rec {
                c: flags,
                d: start,
                ..ask_rec(abi::GD_A_SLOW)
            },
            Ask::Pagemap { page, held } => gd_rec {
                b: held.into(),
                c: page_nr(page),
                ..ask_rec(abi::GD_A_PAGEMAP)
            },
            Ask::PagemapPut { held } => gd_rec {
                b: held.into(),
                ..ask_rec(abi::GD_A_PAGEMAP_PUT)
            },
            Ask::MmapLock { mm, killable } => gd_rec {
                b: u16::from(killable) | mm_bit(mm),
                ..ask_rec(abi::GD_A_MMAP_LOCK)
            },
            Ask::MmapUnlock { mm } => gd_rec {
                b: mm_bit(mm),
                ..ask_rec(abi::GD_A_MMAP_UNLOCK)
            },
            Ask::Fault {
                vma,
                address,
                flags,
                memalloc_pin,
                hugetlb,
            } => gd_rec {
                b: u16::from(vma.nr())
                    | bit(memalloc_pin, abi::GD_RB_MEMALLOC_PIN)
                    | bit(hugetlb, abi::GD_RB_HUGETLB),
                c: flags,
                d: address,
                ..ask_rec(abi::GD_A_FAULT)
            },
            Ask::Drain { all } => gd_rec {
                b: all.into(),
                ..ask_rec(abi::GD_A_DRAIN)
            },
            Ask::DrainFor { folio } => gd_rec {
                b: 2,
                c: page_nr(folio),
                ..ask_rec(abi::GD_A_DRAIN)
            },
            Ask::Migrate { nr } => gd_rec {
                d: nr,
                ..ask_rec(abi::GD_A_MIGRATE)
            },
            Ask::Expand { vma, address } => gd_rec {
                b: vma.nr().into(),
                d: address,
                ..ask_rec(abi::GD_A_EXPAND)
            },
            Ask::FindFolios { start, end } => gd_rec {
                c: end.wrapping_sub(start) as u32,
                d: start,
                ..ask_rec(abi::GD_A_FIND_FOLIOS)
            },
            Ask::AllocFolio {
                index,
                memalloc_pin,
            } => gd_rec {
                b: bit(memalloc_pin, abi::GD_RB_MEMALLOC_PIN),
                d: index,
                ..ask_rec(abi::GD_A_ALLOC_FOLIO)
            },
            Ask::Pagecache { vma, address } => gd_rec {
                b: vma.nr().into(),
                d: address,
                ..ask_rec(abi::GD_A_PAGECACHE)
            },
            Ask::Migration { mm, level, address } => gd_rec {
                b: level as u16 | mm_bit(mm),
                d: address,
                ..ask_rec(abi::GD_A_MIGRATION)
            },
            Ask::Offset { offset } => gd_rec {
                d: offset,
                ..ask_rec(abi::GD_A_OFFSET)
            },
            Ask::UserAccess { address, write } => gd_rec {
                b: write.into(),
                d: address,
                ..ask_rec(abi::GD_A_USER_ACCESS)
            },
            Ask::Flush { how, page } => {
                let (b, d) = match how {
                    Flush::Anon(address) => (abi::GD_FLUSH_ANON, address),
                    Flush::Page => (abi::GD_FLUSH_PAGE, 0),
                    Flush::Folio => (abi::GD_FLUSH_FOLIO, 0),
                };
                gd_rec {
                    b: b as u16,
                    c: page_nr(page),
                    d,
                    ..ask_rec(abi::GD_A_FLUSH)
                }
            }
            Ask::Log => ask_rec(abi::GD_A_LOG),
            Ask::Split { address } => gd_rec {
                d: address,
                ..ask_rec(abi::GD_A_SPLIT)
            },
            Ask::SetEntry {
                mm,
                level,
                address,
                entry,
            } => gd_rec {
                b: level as u16 | entry.flags() << 2 | mm_bit(mm),
                c: page_nr(entry.page()),
                d: address,
                ..ask_rec(abi::GD_A_SET_ENTRY)
            },
        });
        if let Ask::Slow {
            nr_pages, no_pages, ..
        } = ask
        {
            self.recs.push(gd_rec {
                b: no_pages.into(),
                d: nr_pages,
                ..ask_rec(abi::GD_A_SLOW_NR)
            });
        }
    }

    fn hook(&mut self, machine: &mut Machine, hook: Hook) -> Option<i32> {
        let recs = &mut *self.recs;
        self.script.hook(machine, hook, |index| {
            recs.push(gd_rec {
                b: index,
                ..rec(abi::GD_R_ACT)
            });
        })
    }
}
