// SPDX-License-Identifier: GPL-2.0
//! World changes, between operations and as actions.

use csrc::abi::{self, gd_op};
use gup::machine::{MigrateType, Signal};
use gup::{EntryChange, Level, Machine, Mapping, MmPtr, NewEntry, VmaKind};

use super::dispatch::{raw_page, run_page};
use crate::program::split_page;

/// Carries out a world change.  An ANSWER does nothing here: it is returned to the caller.
pub fn change(machine: &mut Machine, op: &gd_op) {
    let page = run_page(machine, &op.run[0]);
    let (index, _) = split_page(op.run[0].page);
    let arg = u32::from(op.arg);
    let on = arg & 1 != 0;
    match u32::from(op.op) {
        abi::GD_OP_SET_REF => machine.set_ref(page, op.val),
        abi::GD_OP_SET_PIN => machine.set_pin(page, op.val),
        abi::GD_OP_SET_FLAG => machine.set_flag(page, arg, true),
        abi::GD_OP_CLEAR_FLAG => machine.set_flag(page, arg, false),
        abi::GD_OP_SET_MAPPING => machine.set_mapping(page, Mapping::from_index(arg)),
        abi::GD_OP_SPLIT => machine.split(page, arg, op.val, op.n),
        abi::GD_OP_MERGE => machine.merge(index, op.val, op.n),
        abi::GD_OP_REUSE => machine.reuse(page, op.val, Mapping::from_index(arg)),
        abi::GD_OP_SET_PAGEBLOCK => machine.set_pageblock(page, MigrateType::from_index(arg)),
        abi::GD_OP_SET_IRQS => machine.irqs_on = on,
        abi::GD_OP_SET_HAS_PINNED => *machine.has_pinned_of(mm(op)) = on,
        abi::GD_OP_SET_SEQ => machine.write_protect_seq = op.val as u32,
        abi::GD_OP_SET_DEVMAP_KEY => machine.set_devmap_key(on),
        abi::GD_OP_SET_TAIL => machine.set_tail(page, run_page(machine, &op.run[1])),
        abi::GD_OP_SET_PTE => set_entries(machine, op, Level::Pte),
        abi::GD_OP_SET_PMD => set_entries(machine, op, Level::Pmd),
        abi::GD_OP_SET_PUD => set_entries(machine, op, Level::Pud),
        abi::GD_OP_SET_PGD => set_entries(machine, op, Level::Pgd),
        abi::GD_OP_SET_VMA => {
            let kind = VmaKind::from_index(op.entry.into());
            let flags = op.val as u32;
            let vmas = &mut machine.vmas;
            vmas.set_later(mm(op), arg, op.addr, op.n, flags, kind);
            machine.change_vmas();
        }
        abi::GD_OP_SET_CACHE => machine.cache.set(op.addr, op.n, page),
        abi::GD_OP_SET_SIGNAL => machine.signal = Signal::from_index(arg),
        abi::GD_OP_ANSWER => {}
        id => unreachable!("change {id:#x} of the table has no Rust function"),
    }
}

/// The mm that an operation is about.
pub fn mm(op: &gd_op) -> MmPtr {
    MmPtr::from_index(op.mm.into())
}

/// Pages are used as written: a tail of device memory is not replaced by its head.
fn set_entries(machine: &mut Machine, op: &gd_op, level: Level) {
    let page = raw_page(machine, &op.run[0]);
    let new = match u32::from(op.entry) {
        abi::GD_E_PAGE => NewEntry::Page(page),
        abi::GD_E_TABLE => NewEntry::Table,
        abi::GD_E_SWAP => NewEntry::Swap,
        abi::GD_E_MIGRATION => NewEntry::Migration(page),
        _ => NewEntry::None,
    };
    machine.change_entries(EntryChange {
        mm: mm(op),
        level,
        addr: op.addr,
        n: u32::try_from(op.n).unwrap_or(0),
        new,
        flags: machine.parts.entry_flags(op.eflags),
    });
}
