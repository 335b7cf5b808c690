// SPDX-License-Identifier: GPL-2.0
//! Features of walks: the request, the mappings, the actions and the result.

use csrc::abi::{self, gd_act, gd_op, gd_rec};

use super::{class, mix, ret_class};
use crate::program::Program;
use crate::program::walk::{self, LEVELS, PAGE_SIZE, TASK_SIZE_MAX};
use crate::trace::{Record, Ret};
use crate::world::maps::Maps;
use crate::world::vmas::Vmas;

/// The FOLL_ flags of calls, including those that callers must not pass.
const FLAGS: u32 = walk::CALL_FLAGS | 1 << abi::GD_FOLL_GET | 1 << abi::GD_FOLL_PIN;

/// The same for the slow path's entry points.
const SLOW_FLAGS: u32 = FLAGS | walk::SLOW_FLAGS;
/// The most important flags, counted as a combination.
const DECIDING_SLOW: u64 = 1 << abi::GD_FOLL_WRITE
    | 1 << abi::GD_FOLL_FORCE
    | 1 << abi::GD_FOLL_LONGTERM
    | 1 << abi::GD_FOLL_NOWAIT;

/// The most important flags of entries.
const SLOW_ENTRY_FLAGS: u32 = 1 << abi::GD_EF_RW
    | 1 << abi::GD_EF_ABSENT
    | 1 << abi::GD_EF_PROTNONE
    | 1 << abi::GD_EF_SPECIAL
    | 1 << abi::GD_EF_DEVMAP;

/// The model of a program's page tables and VMAs.
pub(super) struct Walks {
    maps: Maps,
    vmas: Vmas,
    /// The result of the last operation of the kernel.
    outcome: u64,
}

impl Walks {
    pub fn new(prog: &Program) -> Walks {
        Walks {
            maps: Maps::new(prog),
            vmas: Vmas::default(),
            outcome: 0,
        }
    }

    /// A change of the world, not as an action.
    pub fn world(&mut self, op: &gd_op) {
        self.maps.set(op);
        self.vmas.set(op);
    }

    /// An operation of the page level.
    pub fn page_level(&mut self) {
        self.outcome = 0;
    }

    /// A call of an entry point.
    pub fn call(&mut self, prog: &Program, op: &gd_op, recs: &[gd_rec], features: &mut Vec<u64>) {
        let id = u64::from(op.op);
        let mut say = |parts: &[u64]| features.push(mix(parts));
        let outcome = outcome(op, recs);
        self.outcome = outcome;
        let raw = u32::from(op.mods) & abi::GD_MOD_RAW != 0;
        let flags = if walk::is_slow(op.op) {
            SLOW_FLAGS
        } else {
            FLAGS
        };
        let foll = u64::from(if raw { 0 } else { op.foll & flags });
        // The slow path has so many flags that not every combination counts.
        if is_slow(prog, op) {
            let deciding = foll & DECIDING_SLOW;
            say(&[31, id, deciding, u64::from(op.mods), outcome]);
            let others = (0..u64::from(abi::GD_NR_FOLL)).filter(|bit| foll >> bit & 1 != 0);
            others.for_each(|bit| say(&[47, id, bit, outcome]));
        } else {
            say(&[31, id, foll, u64::from(op.mods), outcome]);
        }
        say(&[32, id, class(op.n), address_class(op), outcome]);
        say(&[33, id, crossings(op), outcome]);

        let of_mm = u64::from(op.mm);
        say(&[51, id, of_mm, outcome]);
        self.maps.look_at(op.mm);
        let vmas = self.vmas.of(op.mm);

        // What is between the entry points and the pages is the same for all of the slow
        // path, but for whether they pin.
        let id = kind_of_call(prog, op);
        // The entries at the start and where the walk ended.
        let taken = match ret(recs) {
            Some(Ret::Int(n)) => n.clamp(0, 4096) as u64,
            _ => 0,
        };
        let deciding = foll & (1 << abi::GD_FOLL_WRITE | 1 << abi::GD_FOLL_LONGTERM);
        for at in [0, taken.saturating_sub(1), taken] {
            let entry = match is_slow(prog, op) {
                true => self.lowest_entry(op.addr.wrapping_add(at * PAGE_SIZE)),
                false => self.entry(op.addr.wrapping_add(at * PAGE_SIZE)),
            };
            say(&[34, id, entry, deciding, u64::from(at < taken)]);
            if let Some(vma) = vmas.at(op.addr.wrapping_add(at * PAGE_SIZE)) {
                let taken = u64::from(at < taken);
                let kind = vma.kind.into();
                say(&[45, id, kind, deciding, taken]);
                if let Some(level) = vma.huge_level() {
                    let offset = op.addr & (level.size() - 1);
                    let place = u64::from(offset != 0) | u64::from(vma.flags as u32 & 2) << 1;
                    say(&[50, id, kind, entry, deciding, taken, place]);
                }
                for bit in 0..u64::from(abi::GD_NR_VM_FLAGS) {
                    let is_set = vma.flags as u64 >> bit & 1;
                    say(&[49, kind, bit, is_set, deciding, taken]);
                }
            }
        }
        // What the kernel asked, one by one, and what followed what: on the slow path
        // two by two, as there is so much of it.
        let slow = is_slow(prog, op);
        let mut events = 0;
        for rec in recs {
            let event = match Record::from(rec) {
                Record::Ask(_) => {
                    let what = u64::from(rec.a) | u64::from(rec.b != 0) << 8;
                    say(&[35, id, what, outcome]);
                    if u32::from(rec.a) == abi::GD_A_SLOW {
                        say(&[36, id, u64::from(rec.c)]);
                    }
                    if u32::from(rec.a) == abi::GD_A_FAULT {
                        let how = abi::GD_RB_MEMALLOC_PIN | abi::GD_RB_HUGETLB;
                        let flags = u64::from(u32::from(rec.b) & how) << 32 | u64::from(rec.c);
                        say(&[46, id, flags, outcome]);
                    }
                    what
                }
                Record::Call(..) => 1 << 16 | u64::from(rec.a),
                Record::Act(which) => {
                    let act = prog.acts().get(usize::from(which));
                    2 << 16 | act.map_or(0, |act| u64::from(act.hook))
                }
                Record::Warn(site) | Record::Bug(site) => {
                    say(&[37, id, u64::from(site.0)]);
                    3 << 16 | u64::from(site.0) << 32
                }
                Record::Oops | Record::Limit | Record::Gap(_) => 4 << 16 | u64::from(rec.kind),
                Record::State { .. } => {
                    say(&[38, id, u64::from(rec.a)]);
                    continue;
                }
                _ => continue,
            };
            if slow {
                say(&[48, id, events, event]);
                events = event;
            } else {
                events = mix(&[events, event]);
            }
        }
        say(&[39, id, events, outcome]);
    }

    /// The actions of an operation.
    pub fn script(
        &mut self,
        prog: &Program,
        owner: &gd_op,
        acts: &[gd_act],
        recs: &[gd_rec],
        features: &mut Vec<u64>,
    ) {
        for act in acts {
            let done = recs.iter().any(|rec| match Record::from(rec) {
                Record::Act(which) => prog
                    .acts()
                    .get(usize::from(which))
                    .is_some_and(|done| std::ptr::eq(done, act)),
                _ => false,
            });
            let (id, hook, op) = (kind_of_call(prog, owner), u64::from(act.hook), &act.op);
            features.push(mix(&[41, id, hook, u64::from(done)]));
            if !done {
                continue;
            }
            let what = match walk::set_level(op.op) {
                Some(_) => mix(&[u64::from(op.op), u64::from(op.entry)]),
                None => mix(&[u64::from(op.op), u64::from(op.arg), class(op.val)]),
            };
            features.push(mix(&[42, hook, what]));
            features.push(mix(&[43, id, hook, u64::from(op.op), self.outcome.min(17)]));
            features.push(mix(&[
                44,
                id,
                hook,
                u64::from(act.nth.min(4)),
                self.outcome,
            ]));
            self.maps.set(op);
            self.vmas.set(op);
        }
    }

    /// The last entry set for an address at the lowest level with an entry, with the flags
    /// that the slow path reads.
    fn lowest_entry(&self, addr: u64) -> u64 {
        let found = LEVELS
            .iter()
            .enumerate()
            .find_map(|(i, level)| Some((i, self.maps.entry(*level, addr)?)));
        found.map_or(99, |(i, map)| {
            let flags = u32::from(map.eflags) & SLOW_ENTRY_FLAGS;
            mix(&[i as u64, u64::from(map.entry), flags.into()])
        })
    }

    /// The last entry set for an address: the lowest level with an entry, and the entry.
    fn entry(&self, addr: u64) -> u64 {
        let found = LEVELS
            .iter()
            .rev()
            .map(|level| self.maps.entry(*level, addr));
        found.fold(0, |all, map| match map {
            Some(map) => mix(&[all, u64::from(map.entry), u64::from(map.eflags)]),
            None => mix(&[all, 99]),
        })
    }
}

/// Whether an operation can come to the real slow path.
fn is_slow(prog: &Program, op: &gd_op) -> bool {
    walk::is_slow(op.op) || u32::from(prog.world().state) & abi::GD_W_REAL_SLOW_PATH != 0
}

/// The operation, or the group of similar ones that it belongs to.
pub(super) fn kind_of_call(prog: &Program, op: &gd_op) -> u64 {
    match is_slow(prog, op) {
        true => 0x100 | u64::from(walk::is_pin(op.op)),
        false => u64::from(op.op),
    }
}

fn ret(recs: &[gd_rec]) -> Option<Ret> {
    match Record::from(recs.last()?) {
        Record::Ret(ret, _) => Some(ret),
        _ => None,
    }
}

/// All pages, some, none, or the errno.
fn outcome(op: &gd_op, recs: &[gd_rec]) -> u64 {
    match ret(recs) {
        Some(Ret::Int(n)) if n > 0 && n == i64::from(op.n) => 1,
        Some(Ret::Int(n)) if n > 0 => 2,
        Some(ret) => 16 + ret_class(ret),
        None => 3,
    }
}

fn address_class(op: &gd_op) -> u64 {
    u64::from(!op.addr.is_multiple_of(PAGE_SIZE))
        | u64::from(op.addr >= TASK_SIZE_MAX) << 1
        | u64::from(op.addr >> 47 != 0) << 2
        | u64::from(op.addr < PAGE_SIZE) << 3
}

/// The levels of tables whose end the range crosses.
fn crossings(op: &gd_op) -> u64 {
    let last = op.addr.wrapping_add((op.n.max(1) as u64 - 1) * PAGE_SIZE);
    let crosses = LEVELS.map(|level| {
        let shift = level.shift() + 9;
        u64::from(op.addr >> shift != last >> shift)
    });
    crosses.iter().fold(0, |all, one| all << 1 | one)
}
