// SPDX-License-Identifier: GPL-2.0
//! Law about the VMAs of the pages that the slow path returns: what they permit beside
//! reading and writing.

use csrc::abi;

use super::Law;
use super::mapped::Seen;
use super::op::{Check, Op};
use super::rules::require;
use super::slow::goes_astray;
use super::walk::Call;
use crate::program::Program;
use crate::program::walk::{Level, is_slow, is_vma, set_level};
use crate::rev::{Fact, Rev};
use crate::world::vmas::{Vma, Vmas};

/// Each page was in a VMA that permitted the access before the operation, or after an action,
/// or in none.
/// The fast entry points ask the entry first, and the meaning of raw flags is not known.
pub(super) fn permits(op: &Op, call: &Call, seen: &Seen, prog: &Program) -> Check {
    let Some(foll) = call.foll.filter(|_| is_slow(op.op.op)) else {
        return Ok(());
    };
    if !op.info.has(abi::GD_S_PAGES) || op.done.iter().any(|i| goes_astray(op, prog, *i)) {
        return Ok(());
    }
    let remote = u32::from(op.info.has(abi::GD_S_MM)) << abi::GD_FOLL_REMOTE;
    let (foll, pkru) = (foll | remote, prog.world().pkru);
    let block = largest_block(prog);
    let mut vmas = op.vmas.of(op.op.mm);
    let mut permitted = vec![false; seen.entries().len()];
    let mut look = |vmas: &Vmas| {
        for (i, permitted) in permitted.iter_mut().enumerate() {
            let mut here = vmas.all().filter(|vma| holds(vma, call.addr(i), block));
            let first = here.next();
            let permits = |vma: &Vma| is_permitted(vma, foll, pkru, op.rev);
            *permitted |= first.is_none_or(permits) || here.any(permits);
        }
    };
    look(&vmas);
    for act in op.done.iter().map(|i| &prog.acts()[*i].op) {
        if is_vma(act.op) {
            vmas.set(act);
            look(&vmas);
        }
    }
    match permitted.iter().position(|permitted| !permitted) {
        None => Ok(()),
        Some(i) => require(false, Law::VmaPermitsAccess, seen.page(i), || {
            format!("the VMA of {:#x} does not permit pages[{i}]", call.addr(i))
        }),
    }
}

/// The number of bytes that an entry of the program maps, at most.
fn largest_block(prog: &Program) -> u64 {
    let ops = (0..prog.nr_all()).map(|i| prog.any_op(i));
    let maps = ops.filter(|op| u32::from(op.entry) == abi::GD_E_PAGE);
    let levels = maps.filter_map(|op| set_level(op.op));
    levels.max().unwrap_or(Level::Pte).size()
}

/// Whether an address is in a VMA, or may be taken for one that is: a huge entry is taken
/// whole, though the VMA may end before it does; and stacks grow.
fn holds(vma: &Vma, addr: u64, block: u64) -> bool {
    let end = vma.end.next_multiple_of(block);
    addr < end && (addr >= vma.start || vma.has(abi::GD_VM_GROWSDOWN))
}

/// Nobody asks that of the gate area.
fn is_permitted(vma: &Vma, foll: u32, pkru: u32, rev: Rev) -> bool {
    let asks = |flag: u32| foll & 1 << flag != 0;
    let stack = vma.has(abi::GD_VM_SHADOW_STACK) && rev.has(Fact::ShadowStacks);
    let forced = !asks(abi::GD_FOLL_WRITE) || asks(abi::GD_FOLL_FORCE);
    vma.is(abi::GD_V_GATE) || vma.key_permits(foll, pkru) && (!stack || forced)
}
