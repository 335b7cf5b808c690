// SPDX-License-Identifier: GPL-2.0
//! How far calls of the slow path get.

use csrc::abi::{self, gd_rec};
use serde::{Deserialize, Serialize};

use crate::program::Program;
use crate::program::walk::{fault_answer, is_slow};
use crate::trace::{Ask, Record, Ret};

/// Calls of the slow path's entry points that returned, and their programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// All of them.
    pub calls: u64,
    /// Those that returned pages.
    pub returned: u64,
    /// Those with a fault.
    pub faulted: u64,
    /// Those that took the mmap lock again after a fault.
    pub retried: u64,
    /// Those that migrated pages.
    pub migrated: u64,
    /// Those that dropped the caller's mmap lock, and reported it.
    pub lost_the_lock: u64,
    /// Those with a fault that answered VM_FAULT_WRITE.
    #[serde(default)]
    pub copied: u64,
    /// The programs of the slow path.
    #[serde(default)]
    pub programs: u64,
    /// Those whose caller kept every contract.
    #[serde(default)]
    pub careful: u64,
}

impl Slow {
    /// The counts with their names.
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("return pages", self.returned),
            ("fault", self.faulted),
            ("retry", self.retried),
            ("migrate", self.migrated),
            ("lose the lock", self.lost_the_lock),
            ("have a page copied", self.copied),
        ]
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.calls += other.calls;
        self.returned += other.returned;
        self.faulted += other.faulted;
        self.retried += other.retried;
        self.migrated += other.migrated;
        self.lost_the_lock += other.lost_the_lock;
        self.copied += other.copied;
        self.programs += other.programs;
        self.careful += other.careful;
    }

    /// Counts an executed operation, if it is one of these calls.
    pub(super) fn count(&mut self, prog: &Program, op: u8, recs: &[gd_rec]) {
        let Some(Record::Ret(Ret::Int(result), locks)) = recs.last().map(Record::from) else {
            return;
        };
        if !is_slow(op) {
            return;
        }
        let (mut faulted, mut retried, mut migrated) = (false, false, false);
        let mut copied = false;
        for rec in recs {
            match Record::from(rec) {
                Record::Ask(Ask::Fault { .. }) => faulted = true,
                Record::Ask(Ask::MmapLock { .. }) => retried |= faulted,
                Record::Ask(Ask::Migrate { .. }) => migrated = true,
                Record::Act(index) => copied |= copies(prog, index),
                _ => {}
            }
        }
        self.calls += 1;
        self.returned += u64::from(result > 0);
        self.faulted += u64::from(faulted);
        self.retried += u64::from(retried);
        self.migrated += u64::from(migrated);
        self.lost_the_lock += u64::from(locks.locked() == Some(false));
        self.copied += u64::from(copied);
    }
}

/// Whether an action lets a fault answer VM_FAULT_WRITE.
fn copies(prog: &Program, act: u16) -> bool {
    let answer = prog.acts().get(usize::from(act)).and_then(fault_answer);
    answer.is_some_and(|answer| answer & 1 << abi::GD_FAULT_WRITE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::text;

    #[test]
    fn a_retry_is_a_lock_behind_a_fault() {
        let rec = |kind: u32, a: u32, b: u32, d: u64| gd_rec {
            kind: kind as u8,
            a: a as u8,
            b: b as u16,
            c: 0,
            d,
        };
        let lock = rec(abi::GD_R_ASK, abi::GD_A_MMAP_LOCK, 1, 0);
        let fault = rec(abi::GD_R_ASK, abi::GD_A_FAULT, 0, 0);
        let end = rec(abi::GD_R_RET, abi::GD_RET_INT, abi::GD_RB_UNLOCKED, 1);
        let none = text::parse("page p").unwrap();
        let mut slow = Slow::default();
        let id = abi::GD_OP_PIN_USER_PAGES_REMOTE as u8;
        slow.count(&none, id, &[lock, fault, end]);
        assert_eq!((slow.calls, slow.faulted, slow.retried), (1, 1, 0));
        slow.count(&none, id, &[fault, lock, end]);
        assert_eq!((slow.calls, slow.faulted, slow.retried), (2, 2, 1));
        assert_eq!((slow.returned, slow.lost_the_lock), (2, 2));
        slow.count(&none, abi::GD_OP_GET_PAGE as u8, &[end]);
        assert_eq!(slow.calls, 2);
    }

    #[test]
    fn a_copy_is_an_answer_of_a_fault() {
        let program = text::parse(
            "page p\nset_vma 0 0x1000 anon read mayread maywrite\n\
             get_user_pages 0x1000 n=1 WRITE|FORCE\n\
             | at handle_mm_fault: answer write|major\n\
             | at handle_mm_fault #2: answer sigbus",
        )
        .unwrap();
        let act = |index: u16| gd_rec {
            kind: abi::GD_R_ACT as u8,
            b: index,
            ..gd_rec::default()
        };
        let end = gd_rec {
            kind: abi::GD_R_RET as u8,
            a: abi::GD_RET_INT as u8,
            ..gd_rec::default()
        };
        let mut slow = Slow::default();
        let id = abi::GD_OP_GET_USER_PAGES as u8;
        slow.count(&program, id, &[act(1), end]);
        assert_eq!((slow.calls, slow.copied), (1, 0));
        slow.count(&program, id, &[act(0), act(1), end]);
        assert_eq!((slow.calls, slow.copied), (2, 1));
    }
}
