// SPDX-License-Identifier: GPL-2.0
//! Draws what careful callers of the slow path do: VMAs that a process has, entries that fit
//! them, calls with legal arguments, and faults that do what they say.
//!
//! Whether a program keeps every contract is decided by its trace (`crate::laws`).

use csrc::abi::{self, gd_act, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{self, CALLER_PAGES, Level, PAGE_SIZE, TASK_SIZE_MAX};
use super::super::{NO_ACT, NO_OP, Program, page};
use super::{Profile, answer, bit, careful_file, slow};
use crate::effect::{Effect, Faulting, What};
use crate::ops::{self, ArgKind, Val};
use crate::rev::Fact;
use crate::world::pkey;
use crate::world::vmas::Vma;

const READ: u32 = bit(abi::GD_VM_READ);
const WRITE: u32 = bit(abi::GD_VM_WRITE);
const MAY: u32 = bit(abi::GD_VM_MAYREAD) | bit(abi::GD_VM_MAYWRITE) | bit(abi::GD_VM_MAYEXEC);
const SHARED: u32 = bit(abi::GD_VM_SHARED) | bit(abi::GD_VM_MAYSHARE);

/// The mappings of a process: kind, flags.
const MAPPINGS: [(u32, u32); 10] = [
    (abi::GD_V_ANON, READ | WRITE | MAY),
    (abi::GD_V_ANON, READ | WRITE | MAY),
    (abi::GD_V_ANON, READ | MAY),
    (abi::GD_V_FILE, READ | WRITE | MAY),
    (abi::GD_V_FILE, READ | MAY),
    (abi::GD_V_FILE, READ | WRITE | SHARED | MAY),
    (abi::GD_V_SHMEM, READ | WRITE | SHARED | MAY),
    (abi::GD_V_SHMEM, READ | MAY),
    (abi::GD_V_HUGETLB, READ | WRITE | SHARED | MAY),
    (abi::GD_V_HUGETLB, READ | WRITE | MAY),
];

/// The faults of one call, at most.
const MOST_FAULTS: u8 = 6;

/// What the slow path needs of the world besides: folios on the LRU, where they can be
/// isolated.
pub fn world(rng: &mut Rng, program: &mut Program) {
    if rng.chance(5, 8) {
        program.0.world.state |= abi::GD_W_REAL_SLOW_PATH as u8;
    }
    for folio in program.folios_mut() {
        if u32::from(folio.kind) == abi::GD_K_NORMAL && rng.chance(7, 8) {
            folio.flags |= bit(abi::GD_F_LRU);
        }
    }
}

/// A few VMAs, each in a table of its own.
pub fn vmas(rng: &mut Rng, model: &Model) -> Vec<gd_op> {
    let folios = &model.folio[..model.nr_folios];
    let has_hugetlb = folios
        .iter()
        .any(|f| u32::from(f.kind) == abi::GD_K_HUGETLB);
    let nr = rng.range(1, 3) as u16;
    let far = rng.chance(1, 4);
    (0..nr)
        .map(|slot| {
            let (mut kind, flags) = rng.pick(&MAPPINGS);
            if kind == abi::GD_V_HUGETLB && !has_hugetlb {
                kind = abi::GD_V_SHMEM;
            }
            let block = Level::Pmd.size();
            let base = match far {
                true => (TASK_SIZE_MAX & !(block - 1)) - 64 * block,
                false => 0x1000_0000,
            };
            let mut start = base + u64::from(slot) * 4 * block;
            let mut pages = rng.range(1, 24);
            if kind == abi::GD_V_HUGETLB || rng.chance(1, 4) {
                pages = (Level::Pmd.pages() as i32) * rng.range(1, 2);
            } else if rng.chance(1, 2) {
                start += block - PAGE_SIZE * rng.below(8) as u64;
            }
            let optional = [
                (abi::GD_VM_SOFTDIRTY, 3),
                (abi::GD_VM_LOCKED, 1),
                (abi::GD_VM_HUGEPAGE, 1),
            ];
            let more = optional.into_iter().filter(|(_, of)| rng.chance(*of, 4));
            let more = more.fold(0, |set, (flag, _)| set | bit(flag));
            let key = pkey::flags(super::pkey(rng), pkey::OF_VMA);
            gd_op {
                op: abi::GD_OP_SET_VMA as u8,
                arg: slot,
                addr: start,
                n: pages,
                entry: kind as u8,
                val: (flags | more | key) as i32,
                ..NO_OP
            }
        })
        .collect()
}

/// An entry that suits a VMA at an address, writable if it may be; none if no folio does.
pub fn entry(rng: &mut Rng, model: &Model, vma: &Vma, addr: u64) -> Option<gd_op> {
    let shared = vma.has(abi::GD_VM_SHARED);
    let hugetlb = vma.huge_level().is_some();
    let suits = |index: &usize| {
        let g = &model.folio[*index];
        let mapping = u32::from(g.mapping);
        let of_vma = match u32::from(vma.kind) {
            abi::GD_V_ANON => false,
            abi::GD_V_FILE => mapping == abi::GD_M_FILE,
            _ => mapping == abi::GD_M_SHMEM,
        };
        match u32::from(g.kind) {
            abi::GD_K_ZERO => vma.is(abi::GD_V_ANON),
            abi::GD_K_NORMAL => !hugetlb && (of_vma || g.is_anon() && !shared),
            abi::GD_K_HUGETLB => hugetlb && (of_vma || g.is_anon() && !shared),
            _ => false,
        }
    };
    let all: Vec<usize> = (0..model.nr_folios).filter(suits).collect();
    if all.is_empty() {
        return None;
    }
    let index = rng.pick(&all);
    let g = &model.folio[index];
    let zero = u32::from(g.kind) == abi::GD_K_ZERO;
    let block = addr & !(Level::Pmd.size() - 1);
    let fits = g.order == 9 && vma.start <= block && block + Level::Pmd.size() <= vma.end;
    let huge = hugetlb || fits && rng.chance(1, 2);
    if huge && !fits {
        return None;
    }
    let level = if huge { Level::Pmd } else { Level::Pte };
    let offset = if huge { 0 } else { rng.below(g.nr_pages()) };
    let mut flags = 0;
    if zero {
        flags |= bit(abi::GD_EF_SPECIAL);
    } else if vma.has(abi::GD_VM_WRITE) && (shared || g.is_anon()) && rng.chance(7, 8) {
        flags |= bit(abi::GD_EF_RW) | bit(abi::GD_EF_DIRTY);
    } else if rng.chance(1, 2) {
        flags |= bit(abi::GD_EF_DIRTY);
    }
    let key = pkey::key(vma.flags as u32, pkey::OF_VMA);
    flags |= pkey::flags(key, pkey::OF_ENTRY);
    let mut op = gd_op {
        op: level.set_op(),
        entry: abi::GD_E_PAGE as u8,
        eflags: flags as u16,
        addr: if huge { block } else { addr },
        n: 1,
        ..NO_OP
    };
    op.run[0].page = page(index, offset);
    Some(op)
}

/// An entry in some VMA.
pub fn some_entry(rng: &mut Rng, model: &Model) -> Option<gd_op> {
    let vma = some_vma(rng, model)?;
    let addr = vma.start + rng.below(vma.pages().min(8) as usize) as u64 * PAGE_SIZE;
    entry(rng, model, &vma, addr)
}

fn some_vma(rng: &mut Rng, model: &Model) -> Option<Vma> {
    let all: Vec<Vma> = model.vmas.all().copied().collect();
    (!all.is_empty()).then(|| rng.pick(&all))
}

/// A call with legal arguments.
pub fn call(rng: &mut Rng, profile: &Profile, model: &Model) -> Option<gd_op> {
    let id = slow::any_call(rng, profile, model)?;
    let info = ops::info(id)?;
    if info.effect == Effect::PinsFile {
        return Some(careful_file::call(rng, model));
    }
    let vma = some_vma(rng, model)?;
    let at = rng.below(vma.pages().min(8) as usize) as u64;
    let mut op = gd_op {
        op: id,
        addr: vma.start + at * PAGE_SIZE,
        n: rng.range(1, 6),
        ..NO_OP
    };
    if matches!(info.arg, ArgKind::Lock | ArgKind::Switch) {
        op.arg = rng.below(2) as u16;
    }
    match info.effect {
        Effect::Walks { .. } if info.has(abi::GD_S_PAGES) => {
            let legal = walk::caller_flags(id);
            let longterm = bit(abi::GD_FOLL_LONGTERM);
            let drops = info.is_slow() && walk::may_drop_lock(&op);
            for flag in [
                abi::GD_FOLL_WRITE,
                abi::GD_FOLL_WRITE,
                abi::GD_FOLL_LONGTERM,
                abi::GD_FOLL_FORCE,
            ] {
                if rng.chance(3, 8) {
                    op.foll |= bit(flag) & legal;
                }
            }
            if drops && !profile.rev.has(Fact::WalkChecksArgs) {
                op.foll &= !longterm;
            }
        }
        Effect::Walks {
            what: What::Got, ..
        } => {
            if rng.chance(3, 4) {
                op.foll |= bit(abi::GD_FOLL_GET);
            }
            if rng.chance(1, 4) {
                op.foll |= bit(abi::GD_FOLL_DUMP);
            }
            op.n = 1;
        }
        Effect::Walks { .. } if !info.has(abi::GD_S_FOLL) => {
            op.foll = bit(abi::GD_FOLL_FORCE) | bit(abi::GD_FOLL_DUMP);
            op.n = 1;
        }
        Effect::Faults { how, .. } => {
            if how == Faulting::WithinVma {
                op.n = op.n.min((vma.pages() - at) as i32);
            }
            if info.val == Val::Bytes {
                op.val = op.n * PAGE_SIZE as i32 - rng.below(2048) as i32;
            } else if info.has(abi::GD_S_FOLL) && rng.chance(1, 2) {
                op.foll = bit(abi::GD_FOLL_WRITE);
            }
        }
        _ => return None,
    }
    op.n = op.n.min(CALLER_PAGES);
    Some(op)
}

/// The faults of a call, in order: each serves it, fails, or lets it wait.
pub fn script(rng: &mut Rng, model: &Model, main: &gd_op) -> Vec<gd_act> {
    if walk::pins_file(main.op) {
        return careful_file::script(rng, model, main);
    }
    let mut model = model.seen_by(main.mm);
    let mut acts = Vec::new();
    let mut faults = 0;
    let mut at = |model: &mut Model, nth, op: gd_op| {
        model.apply(&op);
        acts.push(gd_act {
            hook: abi::GD_HOOK_FAULT as u8,
            nth,
            op,
            ..NO_ACT
        });
    };
    let may_drop = walk::may_drop_lock(main) && main.foll & bit(abi::GD_FOLL_LONGTERM) == 0;
    let anyway = walk::faults_anyway(main.op);
    for i in 0..main.n.clamp(0, 8) as u64 {
        let addr = main.addr + i * PAGE_SIZE;
        let Some(vma) = model.vmas.at(addr).copied() else {
            break;
        };
        if !model.permits(main, addr) || faults == MOST_FAULTS {
            break;
        }
        if model.is_there(main, addr) && !anyway {
            continue;
        }
        faults += 1;
        let what = rng.weighted(&[20, 5, 2]);
        if what == 2 {
            let fails = [
                abi::GD_FAULT_OOM,
                abi::GD_FAULT_SIGBUS,
                abi::GD_FAULT_HWPOISON,
                abi::GD_FAULT_SIGSEGV,
            ];
            at(&mut model, faults, answer(1 << rng.pick(&fails)));
            break;
        }
        let served = entry(rng, &model, &vma, addr);
        if what == 1 && may_drop {
            let dropped = [abi::GD_FAULT_RETRY, abi::GD_FAULT_COMPLETED];
            at(&mut model, faults, answer(1 << rng.pick(&dropped)));
            faults += 1;
        }
        if let Some(op) = served {
            at(&mut model, faults, op);
        }
        let major = if rng.chance(1, 4) {
            1 << abi::GD_FAULT_MAJOR
        } else {
            0
        };
        let write = main.foll & bit(abi::GD_FOLL_WRITE) != 0;
        let copied = if write { 1 << abi::GD_FAULT_WRITE } else { 0 };
        at(&mut model, faults, answer(major | copied));
    }
    acts
}
