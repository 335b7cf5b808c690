// SPDX-License-Identifier: GPL-2.0
//! The script of the running operation: its actions and their hook points.

use std::sync::LazyLock;

use csrc::abi::{self, gd_act};
use gup::{EntryPtr, Hook, Level, Machine};

use super::world;
use crate::hooks::{self, HookInfo, Object};
use crate::program::split_page;
use crate::program::walk::is_answer;

/// The actions of the running operation.
#[derive(Default)]
pub struct Script<'a> {
    acts: &'a [gd_act],
    /// The index of the first one in the program.
    first: u16,
    /// Their hook points, bits `1 << GD_HOOK_*`.
    hooks: u32,
    /// How often each action's hook point was reached.
    seen: [u32; abi::GD_MAX_ACTS as usize],
}

/// For each `Hook`, the hook points with its text, as bits `1 << GD_HOOK_*`.  A load
/// of an entry can be that of any level.
static HOOKS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let is_at = |hook: &HookInfo, text: &str| match hook.object {
        Object::Entry(_) => text == "before read entry",
        Object::Nothing | Object::Page => hook.text == text,
    };
    let bits = |text: &&str| {
        let hooks = hooks::table().iter().skip(1);
        let mut at = hooks.filter(|hook| is_at(hook, text)).peekable();
        assert!(at.peek().is_some(), "there is no hook point `{text}`");
        at.fold(0, |bits, hook| bits | 1 << hook.id)
    };
    Hook::TEXT.iter().map(bits).collect()
});

const _: () = assert!(abi::GD_NR_HOOKS <= 32);

/// Is this the hook point of an action, and its object?  The entry is looked up each time,
/// because its table may have been made meanwhile.
fn matches(machine: &Machine, act: &gd_act, hook: Hook) -> bool {
    let loads = |at: EntryPtr, level| machine.tables.serves(at, level, act.at_addr);
    let about = |nr: u32| {
        let (index, offset) = split_page(act.at_page);
        let folio = machine.folios().get(index);
        folio.is_some_and(|folio| folio.head + offset as u32 == nr)
    };
    match (u32::from(act.hook), hook) {
        (abi::GD_HOOK_READ_PTE, Hook::ReadEntry(at)) => loads(at, Level::Pte),
        (abi::GD_HOOK_READ_PMD, Hook::ReadEntry(at)) => loads(at, Level::Pmd),
        (abi::GD_HOOK_READ_PUD, Hook::ReadEntry(at)) => loads(at, Level::Pud),
        (abi::GD_HOOK_READ_PGD, Hook::ReadEntry(at)) => loads(at, Level::Pgd),
        (abi::GD_HOOK_BEFORE_REF, Hook::BeforeRef(nr))
        | (abi::GD_HOOK_AFTER_REF, Hook::AfterRef(nr))
        | (abi::GD_HOOK_BEFORE_PIN, Hook::BeforePin(nr))
        | (abi::GD_HOOK_AFTER_PIN, Hook::AfterPin(nr)) => about(nr),
        (at, hook) => HOOKS[hook.kind()] == 1 << at,
    }
}

impl<'a> Script<'a> {
    /// Sets the actions of the next operation; `first` is the index of the first one.
    pub fn start(&mut self, acts: &'a [gd_act], first: usize) {
        self.acts = acts;
        self.first = first as u16;
        self.hooks = acts.iter().fold(0, |set, act| set | 1 << act.hook);
        self.seen[..acts.len()].fill(0);
    }

    /// Handles a hook point: calls `tell` with the index of each action and carries it out;
    /// returns the last answer to a call.
    pub fn hook(
        &mut self,
        machine: &mut Machine,
        hook: Hook,
        mut tell: impl FnMut(u16),
    ) -> Option<i32> {
        if self.hooks & HOOKS[hook.kind()] == 0 {
            return None;
        }
        let mut answer = None;
        for ((act, seen), index) in self.acts.iter().zip(&mut self.seen).zip(self.first..) {
            if !matches(machine, act, hook) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rust_side_has_each_hook_point() {
        let all = HOOKS.iter().fold(1, |all, bits| all | bits);
        let missing = hooks::table().iter().filter(|hook| all >> hook.id & 1 == 0);
        let missing: Vec<&str> = missing.map(|hook| hook.text).collect();
        assert!(missing.is_empty(), "Hook has no {missing:?}");
    }
}
