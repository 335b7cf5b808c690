// SPDX-License-Identifier: GPL-2.0
//! Draws the actions during a call of the slow path.
//!
//! A fault without an answer ends a call, and the rest of the call is not tested.  So the
//! script follows the pages that the call asks for: where a page is not mapped as the
//! access needs it, a fault usually maps it and says so.

mod moved;

use csrc::abi::{self, gd_act, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{self, ADDR_MASK, Level, PAGE_SIZE};
use super::super::{NO_ACT, NO_OP, page};
use super::{Profile, answer, bit, tables, vmas};
use crate::world::pkey;

/// The actions during a call, in order.
struct Plan<'a> {
    /// The model after these actions.
    model: Model,
    main: &'a gd_op,
    acts: Vec<gd_act>,
    faults: u8,
}

/// The actions during `main`, a call that reaches the real slow path: at most this many,
/// without an owner.
pub fn script(
    rng: &mut Rng,
    profile: &Profile,
    model: &Model,
    main: &gd_op,
    most: usize,
) -> Vec<gd_act> {
    let mut plan = Plan {
        model: model.seen_by(main.mm),
        main,
        acts: Vec::new(),
        faults: 0,
    };
    plan.pages(rng);
    if rng.chance(1, 3)
        && let Some(mut act) = super::script::act(rng, profile, &model.seen_by(main.mm), main)
    {
        // of the same mm, mostly
        let mm = main.mm ^ u8::from(rng.chance(1, 24));
        act.op.mm = of_mm(&act.op, mm);
        plan.acts.push(act);
    }
    plan.acts.retain(|act| profile.has(act.op.op));
    plan.acts.truncate(most);
    plan.acts
}

/// The possible results of a fault.
pub fn fault(rng: &mut Rng) -> gd_op {
    let one = |n: u32| 1 << n;
    answer(
        match rng.weighted(&[24, 18, 14, 20, 4]) {
            0 => 0,
            1 => one(abi::GD_FAULT_RETRY),
            2 => one(abi::GD_FAULT_COMPLETED),
            3 => one(rng.pick(&[
                abi::GD_FAULT_OOM,
                abi::GD_FAULT_SIGBUS,
                abi::GD_FAULT_HWPOISON,
                abi::GD_FAULT_HWPOISON_LARGE,
                abi::GD_FAULT_SIGSEGV,
            ])),
            _ => rng.next_u32() as i32 & rng.next_u32() as i32 & crate::hooks::FAULTS,
        } | if rng.chance(1, 8) {
            one(abi::GD_FAULT_MAJOR)
        } else {
            0
        },
    )
}

pub fn signal(rng: &mut Rng) -> gd_op {
    gd_op {
        op: abi::GD_OP_SET_SIGNAL as u8,
        arg: rng.weighted(&[2, 5, 6]) as u16,
        ..NO_OP
    }
}

/// A page that a fault maps at an address of the VMA; if `well`, as the access needs it.
pub fn mapped(rng: &mut Rng, model: &Model, main: &gd_op, addr: u64, well: bool) -> gd_op {
    let foll = |flag: u32| main.foll & bit(flag) != 0;
    let vma = model.vmas.at(addr);
    let anon = vma.is_none_or(|vma| vma.is(abi::GD_V_ANON) || !vma.has(abi::GD_VM_SHARED));
    let forced = foll(abi::GD_FOLL_WRITE) && vma.is_some_and(|vma| vma.is_forced());
    let longterm = foll(abi::GD_FOLL_LONGTERM);
    let folios = &model.folio[..model.nr_folios.max(1)];
    // usually one that suits the VMA and the pin
    let mut index = rng.below(folios.len());
    for _ in 0..4 {
        let g = &folios[index];
        let suits = g.is_anon() == anon && !(forced && g.is_shared_anon());
        if !well || g.refs > 0 && suits && !(longterm && g.shortterm) {
            break;
        }
        index = rng.below(folios.len());
    }
    let g = &folios[index];
    let huge = g.order >= 9 && rng.chance(1, 4);
    let level = if huge { Level::Pmd } else { Level::Pte };
    let p = page(index, rng.below(g.nr_pages()));
    let hugetlb = vma.and_then(|vma| vma.huge_level());
    let mut op = match hugetlb.filter(|_| rng.chance(15, 16)) {
        Some(level) => tables::huge(rng, model, level, addr),
        None => tables::set(rng, g, level, addr & ADDR_MASK, p, 1),
    };
    let rw = (bit(abi::GD_EF_RW) | bit(abi::GD_EF_DIRTY)) as u16;
    let tracked = (bit(abi::GD_EF_SOFT_DIRTY) | bit(abi::GD_EF_UFFD_WP)) as u16;
    if forced && rng.chance(7, 8) {
        // it stays read-only; a write that is tracked needs another fault
        op.eflags &= bit(abi::GD_EF_DIRTY) as u16 | tracked;
        op.eflags ^= if rng.chance(1, 4) {
            rng.next_u32() as u16 & tracked
        } else {
            0
        };
    } else if well {
        op.eflags &= rw | bit(abi::GD_EF_DEVMAP) as u16;
        // a fault takes the protection key from the VMA
        let key = vma.map_or(0, |vma| pkey::key(vma.flags as u32, pkey::OF_VMA));
        op.eflags |= pkey::flags(key, pkey::OF_ENTRY) as u16;
        if foll(abi::GD_FOLL_WRITE) {
            op.eflags |= rw;
        }
    } else if rng.chance(1, 2) {
        op.eflags &= !rw;
    }
    op
}

/// The mm of a change, if it is about one.
fn of_mm(op: &gd_op, mm: u8) -> u8 {
    if walk::has_mm(op.op) { mm } else { 0 }
}

impl Plan<'_> {
    fn at(&mut self, hook: u32, nth: u8, mut op: gd_op) {
        op.mm = of_mm(&op, self.main.mm);
        self.model.apply(&op);
        self.acts.push(gd_act {
            hook: hook as u8,
            nth,
            op,
            ..NO_ACT
        });
    }

    fn foll(&self, flag: u32) -> bool {
        self.main.foll & bit(flag) != 0
    }

    /// Page by page, as the call reaches them.
    fn pages(&mut self, rng: &mut Rng) {
        const MOST: u64 = 6;
        let nr = self.main.n.clamp(1, 1 << 16) as u64;
        if walk::pins_file(self.main.op) {
            return self.memfd(rng);
        }
        if walk::touches(self.main.op) {
            if rng.chance(1, 2) {
                let nth = rng.range(1, nr.min(MOST) as i32) as u8;
                self.at(abi::GD_HOOK_USER_ACCESS, nth, answer(-14));
            }
            return;
        }
        let mut goes_on = true;
        let mut retried = 0;
        for i in (0..nr.min(MOST)).map(|i| i * PAGE_SIZE) {
            let Some(addr) = self
                .main
                .addr
                .checked_add(i)
                .map(|addr| addr & !(PAGE_SIZE - 1))
            else {
                break;
            };
            if !self.model.permits(self.main, addr) && !rng.chance(1, 16) {
                break;
            }
            self.waits(rng, addr);
            if self.model.is_there(self.main, addr) && !walk::faults_anyway(self.main.op) {
                if rng.chance(1, 8) {
                    self.changes_before_lock(rng, addr, (i / PAGE_SIZE) as u8 + 1);
                }
                self.migrates(rng, addr);
                continue;
            }
            if self.faults > 3 || !goes_on {
                break;
            }
            goes_on = self.fault(rng, addr, &mut retried);
        }
        if self.faults > 0 && rng.chance(1, 10) {
            let at = rng.range(1, self.faults.into()) as u8;
            self.at(abi::GD_HOOK_FAULT, at, signal(rng));
        }
    }

    /// An entry changes before its lock is taken.
    fn changes_before_lock(&mut self, rng: &mut Rng, addr: u64, page: u8) {
        let hit = self.model.maps.hit(addr);
        let vma = self.model.vmas.at(addr);
        let unmapped = vma.and_then(|vma| vma.huge_level()).unwrap_or(Level::Pte);
        let level = hit.map_or(unmapped, |hit| hit.level);
        let change = tables::change(rng, &self.model, level, addr);
        // usually every fault so far has taken it once more
        let again = rng.below(usize::from(self.faults) + 1) as u8;
        self.at(abi::GD_HOOK_PTL, page + again, change);
    }

    /// The end of a migration is waited for, if the call wants that: one that is under
    /// way, or that begins before the entry is looked at.
    fn waits(&mut self, rng: &mut Rng, addr: u64) {
        if !self.foll(abi::GD_FOLL_MIGRATION) {
            return;
        }
        let entry = [Level::Pmd, Level::Pte].map(|level| self.model.maps.entry(level, addr));
        let Some(old) = entry.into_iter().flatten().next() else {
            return;
        };
        let mut set = gd_op {
            op: old.span.level.set_op(),
            entry: old.entry,
            eflags: old.eflags,
            addr: old.span.addr,
            n: 1,
            ..NO_OP
        };
        set.run[0].page = old.page;
        let migration = abi::GD_E_MIGRATION as u8;
        if old.entry != migration {
            if !old.is_leaf() || rng.chance(1, 2) {
                return;
            }
            let begins = gd_op {
                entry: migration,
                ..set
            };
            self.at(abi::GD_HOOK_PTL, 1, begins);
        }
        // where it was, another page, nothing; or it is not over yet
        let end = match rng.weighted(&[20, 20, 8, 4]) {
            0 => gd_op {
                entry: abi::GD_E_PAGE as u8,
                eflags: set.eflags | bit(abi::GD_EF_RW) as u16,
                ..set
            },
            1 => mapped(rng, &self.model, self.main, addr, true),
            2 => gd_op {
                entry: abi::GD_E_NONE as u8,
                ..set
            },
            _ => tables::change(rng, &self.model, old.span.level, addr),
        };
        let nth = if rng.chance(1, 8) { 2 } else { 1 };
        self.at(abi::GD_HOOK_MIGRATION, nth, end);
    }

    /// A fault at an address; whether the call goes on behind it.
    fn fault(&mut self, rng: &mut Rng, addr: u64, retried: &mut u8) -> bool {
        self.faults += 1;
        let (nth, hook) = (self.faults, abi::GD_HOOK_FAULT);
        let (model, main) = (self.model.clone(), self.main);
        let serves = |rng: &mut Rng, well| mapped(rng, &model, main, addr, well);
        match rng.weighted(&[64, 12, 12, 10, 10, 3]) {
            0 => {
                let op = serves(rng, true);
                self.at(hook, nth, op);
                let major = rng.chance(1, 6);
                let mut bits = if major { 1 << abi::GD_FAULT_MAJOR } else { 0 };
                if self.is_copied(rng, addr) {
                    bits |= 1 << abi::GD_FAULT_WRITE;
                    self.is_replaced(rng, addr);
                }
                self.at(hook, nth, answer(bits));
                self.migrates(rng, addr);
                true
            }
            // not as the access needs it: there is another fault, or the page is copied
            1 => {
                let (badly, well) = (serves(rng, false), serves(rng, true));
                self.at(hook, nth, badly);
                let copied = self.is_copied(rng, addr);
                let bits = if copied { 1 << abi::GD_FAULT_WRITE } else { 0 };
                self.at(hook, nth, answer(bits));
                if rng.chance(3, 4) {
                    self.faults += 1;
                    self.at(hook, nth + 1, well);
                    self.at(hook, nth + 1, answer(0));
                }
                true
            }
            // the lock was dropped
            what @ (2 | 3) => {
                let bit = match what {
                    2 => abi::GD_FAULT_RETRY,
                    _ => abi::GD_FAULT_COMPLETED,
                };
                if rng.chance(2, 3) {
                    let op = serves(rng, true);
                    self.at(hook, nth, op);
                } else {
                    self.faults += 1;
                    let op = serves(rng, true);
                    self.at(hook, nth + 1, op);
                    self.at(hook, nth + 1, answer(0));
                }
                self.meanwhile(rng, addr, nth);
                self.at(hook, nth, answer(1 << bit));
                *retried += 1;
                if rng.chance(1, 8) {
                    let fails = answer(rng.pick(&[-4, -4, -12]));
                    self.at(abi::GD_HOOK_MMAP_LOCK, *retried, fails);
                }
                true
            }
            4 => {
                self.at(hook, nth, fault(rng));
                false
            }
            _ => false,
        }
    }

    /// Whether a fault says that it has copied the page for a write: mostly where only
    /// FOLL_FORCE allows the write.
    fn is_copied(&self, rng: &mut Rng, addr: u64) -> bool {
        let forced = self.foll(abi::GD_FOLL_FORCE)
            && self.model.vmas.at(addr).is_some_and(|vma| vma.is_forced());
        self.foll(abi::GD_FOLL_WRITE)
            && if forced {
                rng.chance(7, 8)
            } else {
                rng.chance(1, 8)
            }
    }

    /// Another page takes the place of the copy before that is looked at, as it does when
    /// another thread drops the copy with madvise() and reads.
    fn is_replaced(&mut self, rng: &mut Rng, addr: u64) {
        if self.foll(abi::GD_FOLL_FORCE) && rng.chance(1, 6) {
            let mut other = mapped(rng, &self.model, self.main, addr, true);
            if rng.chance(3, 4) {
                other.eflags &= !((bit(abi::GD_EF_RW) | bit(abi::GD_EF_DIRTY)) as u16);
            }
            // once for the walk that led to each fault
            self.at(abi::GD_HOOK_PTL, self.faults + 1, other);
        }
    }

    /// What other tasks do while the mmap lock is not held.
    fn meanwhile(&mut self, rng: &mut Rng, addr: u64, nth: u8) {
        let vma = self.model.vmas.at(addr).copied();
        let vma = vma.filter(|_| rng.chance(1, 4));
        if let Some(vma) = vma {
            let change = vmas::change(rng, &self.model, &vma);
            self.at(abi::GD_HOOK_FAULT, nth, change);
        }
        if rng.chance(1, 10) {
            let signal = signal(rng);
            self.at(abi::GD_HOOK_FAULT, nth, signal);
        }
    }
}
