// SPDX-License-Identifier: GPL-2.0
//! The script of the running operation: its actions, each at its hook point.

use csrc::abi::{self, gd_act};
use gup::{EntryPtr, Level, Machine, Moment};

use super::world;
use crate::program::split_page;
use crate::program::walk::is_answer;

/// The actions of the running operation.
#[derive(Default)]
pub struct Script<'a> {
    acts: &'a [gd_act],
    /// The index in the program of the first one.
    first: u16,
    /// Their hook points, bits `1 << GD_HOOK_*`.
    hooks: u32,
    /// How often the hook point of each was reached.
    seen: [u32; abi::GD_MAX_ACTS as usize],
}

/// The hook points that a moment may be, bits `1 << GD_HOOK_*`.
fn hooks(moment: Moment) -> u32 {
    match moment {
        Moment::Load(_) => {
            1 << abi::GD_HOOK_READ_PTE
                | 1 << abi::GD_HOOK_READ_PMD
                | 1 << abi::GD_HOOK_READ_PUD
                | 1 << abi::GD_HOOK_READ_PGD
        }
        Moment::LoadSeq => 1 << abi::GD_HOOK_READ_SEQ,
        Moment::BeforeRef(_) => 1 << abi::GD_HOOK_BEFORE_REF,
        Moment::AfterRef(_) => 1 << abi::GD_HOOK_AFTER_REF,
        Moment::BeforePin(_) => 1 << abi::GD_HOOK_BEFORE_PIN,
        Moment::AfterPin(_) => 1 << abi::GD_HOOK_AFTER_PIN,
        Moment::Pagemap => 1 << abi::GD_HOOK_PAGEMAP,
        Moment::Accessible => 1 << abi::GD_HOOK_ACCESSIBLE,
        Moment::Slow => 1 << abi::GD_HOOK_SLOW,
        Moment::PageTableLock => 1 << abi::GD_HOOK_PTL,
        Moment::Fault => 1 << abi::GD_HOOK_FAULT,
        Moment::MmapLock => 1 << abi::GD_HOOK_MMAP_LOCK,
        Moment::Drain => 1 << abi::GD_HOOK_DRAIN,
        Moment::Isolate => 1 << abi::GD_HOOK_ISOLATE,
        Moment::Migrate => 1 << abi::GD_HOOK_MIGRATE,
        Moment::MigrateDevice => 1 << abi::GD_HOOK_MIGRATE_DEVICE,
        Moment::Expand => 1 << abi::GD_HOOK_EXPAND,
        Moment::Split => 1 << abi::GD_HOOK_SPLIT,
        Moment::UserAccess => 1 << abi::GD_HOOK_USER_ACCESS,
        Moment::FindFolios => 1 << abi::GD_HOOK_FIND_FOLIOS,
        Moment::AllocFolio => 1 << abi::GD_HOOK_ALLOC_FOLIO,
        Moment::Pagecache => 1 << abi::GD_HOOK_PAGECACHE,
        Moment::Migration => 1 << abi::GD_HOOK_MIGRATION,
    }
}

const _: () = assert!(abi::GD_NR_HOOKS <= 32);

/// Whether the hook point of an action is this one, on its object.  The entry is
/// looked up each time: its table may have been made meanwhile.
fn matches(machine: &Machine, act: &gd_act, moment: Moment) -> bool {
    let loads = |at: EntryPtr, level| machine.tables.serves(at, level, act.at_addr);
    let about = |nr: u32| {
        let (index, offset) = split_page(act.at_page);
        let folio = machine.folios().get(index);
        folio.is_some_and(|folio| folio.head + offset as u32 == nr)
    };
    match (u32::from(act.hook), moment) {
        (abi::GD_HOOK_READ_PTE, Moment::Load(at)) => loads(at, Level::Pte),
        (abi::GD_HOOK_READ_PMD, Moment::Load(at)) => loads(at, Level::Pmd),
        (abi::GD_HOOK_READ_PUD, Moment::Load(at)) => loads(at, Level::Pud),
        (abi::GD_HOOK_READ_PGD, Moment::Load(at)) => loads(at, Level::Pgd),
        (abi::GD_HOOK_BEFORE_REF, Moment::BeforeRef(nr))
        | (abi::GD_HOOK_AFTER_REF, Moment::AfterRef(nr))
        | (abi::GD_HOOK_BEFORE_PIN, Moment::BeforePin(nr))
        | (abi::GD_HOOK_AFTER_PIN, Moment::AfterPin(nr)) => about(nr),
        (hook, moment) => hooks(moment) == 1 << hook,
    }
}

impl<'a> Script<'a> {
    /// Takes the actions of the operation that comes next; `first` is the index of
    /// the first one.
    pub fn start(&mut self, acts: &'a [gd_act], first: usize) {
        self.acts = acts;
        self.first = first as u16;
        self.hooks = acts.iter().fold(0, |set, act| set | 1 << act.hook);
        self.seen[..acts.len()].fill(0);
    }

    /// A hook point was reached: carries out what is to happen there, after `tell`
    /// was told its index, and gives the last answer to a call.
    pub fn moment(
        &mut self,
        machine: &mut Machine,
        moment: Moment,
        mut tell: impl FnMut(u16),
    ) -> Option<i32> {
        if self.hooks & hooks(moment) == 0 {
            return None;
        }
        let mut answer = None;
        for ((act, seen), index) in self.acts.iter().zip(&mut self.seen).zip(self.first..) {
            if !matches(machine, act, moment) {
                continue;
            }
            *seen += 1;
            if *seen != u32::from(act.nth) {
                continue;
            }
            tell(index);
            if is_answer(act.op.op) {
                answer = Some(act.op.val);
            } else {
                world::change(machine, &act.op);
            }
        }
        answer
    }
}
