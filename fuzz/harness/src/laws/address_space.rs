// SPDX-License-Identifier: GPL-2.0
//! What careful callers of the slow path rely on: VMAs that a process can have, entries
//! that fit them, faults that do what they say; and what these callers may ask for.
//!
//! The contracts are those of kernel-doc (`__get_user_pages()`, `fixup_user_fault()`,
//! `populate_vma_page_range()`), of Documentation/core-api/pin_user_pages.rst, and of
//! handle_mm_fault() towards its callers (include/linux/mm_types.h).  Where they are less
//! strict than the checks here, a program merely does not count as careful.

use csrc::abi::{self, gd_op, gd_rec};

use super::careful::{bit, named};
use super::page_cache::PageCache;
use crate::effect::{Effect, Faulting, Part, What};
use crate::ops::{self, ArgKind, OpInfo, Val};
use crate::program::Program;
use crate::program::walk::{self, CALLER_PAGES, Level, PAGE_SIZE, TASK_SIZE_MAX};
use crate::rev::{Fact, Rev};
use crate::trace::{Ask, Record};
use crate::world::layout::Layout;
use crate::world::pkey;
use crate::world::vmas::{Vma, Vmas};

/// Results of a fault that mean that it failed; VM_FAULT_FALLBACK is for its own callees.
pub(super) const FAILED: u32 = bit(abi::GD_FAULT_OOM)
    | bit(abi::GD_FAULT_SIGBUS)
    | bit(abi::GD_FAULT_HWPOISON)
    | bit(abi::GD_FAULT_HWPOISON_LARGE)
    | bit(abi::GD_FAULT_SIGSEGV);
/// Results that mean that the mmap lock was dropped.
const DROPPED: u32 = bit(abi::GD_FAULT_RETRY) | bit(abi::GD_FAULT_COMPLETED);
/// Results that mean nothing to the caller, or that a page was copied.
const SERVED: u32 = bit(abi::GD_FAULT_MAJOR) | bit(abi::GD_FAULT_WRITE);

/// Flags of entries that may be there or not.
const ENTRY_FLAGS: u32 = bit(abi::GD_EF_RW)
    | bit(abi::GD_EF_DIRTY)
    | bit(abi::GD_EF_OLD)
    | bit(abi::GD_EF_SOFT_DIRTY)
    | bit(abi::GD_EF_NX)
    | pkey::OF_ENTRY;

/// The VMAs of the two mms, and what files hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AddressSpace {
    vmas: Vmas,
    cache: PageCache,
}

impl AddressSpace {
    /// Follows a change between operations; whether the kernel could be in that state.
    pub(super) fn sets(&mut self, op: &gd_op, layout: &Layout, prog: &Program) -> bool {
        match ops::sets(op.op) {
            Some(Part::Vma) => {
                let fits = self.fits(op);
                self.vmas.set(op);
                fits
            }
            Some(Part::Ptes | Part::Pmds) => self.entry_fits(op, layout, prog),
            Some(Part::Cache) => self.cache.sets(op, layout, prog),
            Some(Part::Seq | Part::Signal | Part::Answer) => true,
            _ => false,
        }
    }

    /// Whether a VMA is new, apart from the others, and of a kind and flags that go
    /// together.
    fn fits(&self, op: &gd_op) -> bool {
        let has = |flag| op.val as u32 & bit(flag) != 0;
        let implies = |flag, other| !has(flag) || has(other);
        let pages = op.n.max(0) as u64;
        let huge = Level::Pmd.size();
        let Some(end) = op.addr.checked_add(pages * PAGE_SIZE) else {
            return false;
        };
        let kind = match u32::from(op.entry) {
            abi::GD_V_ANON => !has(abi::GD_VM_SHARED),
            abi::GD_V_HUGETLB => op.addr.is_multiple_of(huge) && end.is_multiple_of(huge),
            // the gate area lies in the kernel's part; no folio here is gigantic
            abi::GD_V_GATE | abi::GD_V_HUGETLB_1G => false,
            _ => true,
        };
        let mms = self.vmas.of(op.mm);
        let apart = mms.all().all(|vma| end <= vma.start || vma.end <= op.addr);
        pages > 0
            && self.vmas.is_free(op.arg)
            && op.addr.is_multiple_of(PAGE_SIZE)
            && op.addr > 0
            && end <= TASK_SIZE_MAX
            && apart
            && kind
            && implies(abi::GD_VM_READ, abi::GD_VM_MAYREAD)
            && implies(abi::GD_VM_WRITE, abi::GD_VM_MAYWRITE)
            && implies(abi::GD_VM_EXEC, abi::GD_VM_MAYEXEC)
            && has(abi::GD_VM_SHARED) == has(abi::GD_VM_MAYSHARE)
            && !has(abi::GD_VM_SHADOW_STACK)
    }

    /// Whether an entry maps what its VMA can hold: anonymous pages are private, pages of
    /// the file are written to only in a shared mapping, huge ones are mapped whole.
    fn entry_fits(&self, op: &gd_op, layout: &Layout, prog: &Program) -> bool {
        let Some(level @ (Level::Pte | Level::Pmd)) = walk::set_level(op.op) else {
            return false;
        };
        let pages = op.n.max(1) as u64;
        let vmas = self.vmas.of(op.mm);
        let Some(vma) = vmas.at(op.addr) else {
            return false;
        };
        let end = op.addr.checked_add(pages * level.size());
        let hugetlb = vma.huge_level().is_some();
        let whole = op.addr.is_multiple_of(level.size())
            && end.is_some_and(|end| end <= vma.end)
            && (!hugetlb || level == Level::Pmd);
        whole
            && match u32::from(op.entry) {
                abi::GD_E_NONE => true,
                abi::GD_E_SWAP => level == Level::Pte,
                abi::GD_E_PAGE => page_fits(op, vma, level, layout, prog),
                _ => false,
            }
    }

    /// Whether the arguments of a call are as its contract says.
    pub(super) fn permits(&self, op: &gd_op, rev: Rev, prog: &Program) -> bool {
        let Some(info) = ops::info(op.op) else {
            return false;
        };
        if info.effect == Effect::PinsFile {
            return self.cache.permits(op) && folios_can_be_moved(prog);
        }
        let end = op.addr.checked_add((op.n.max(0) as u64) * PAGE_SIZE);
        let in_user_space = end.is_some_and(|end| end <= TASK_SIZE_MAX);
        // The caller holds the lock, and does not claim that it does not.
        let tells_truth = info.arg != ArgKind::Lock || op.arg < 2;
        let few = (1..=CALLER_PAGES).contains(&op.n);
        in_user_space
            && tells_truth
            && match info.effect {
                Effect::Walks { .. } if info.has(abi::GD_S_PAGES) => {
                    few && flags_fit(op, info, rev, prog)
                }
                // follow_page() takes a VMA and an address in it: it neither pins nor faults
                Effect::Walks {
                    what: What::Got, ..
                } => {
                    op.foll & !(bit(abi::GD_FOLL_GET) | bit(abi::GD_FOLL_DUMP)) == 0
                        && self.vmas.of(op.mm).at(op.addr).is_some()
                }
                // get_dump_page()
                Effect::Walks { .. } => op.addr.is_multiple_of(PAGE_SIZE),
                Effect::Faults { .. } if info.val == Val::Bytes => {
                    (0..=CALLER_PAGES * PAGE_SIZE as i32).contains(&op.val)
                }
                Effect::Faults { how, .. } => {
                    let flags = match how {
                        Faulting::Anyway => bit(abi::GD_FOLL_REMOTE),
                        _ => 0,
                    };
                    let within = how != Faulting::WithinVma || self.is_within_vma(op, end);
                    few && within && op.foll & !(flags | bit(abi::GD_FOLL_WRITE)) == 0
                }
                _ => false,
            }
    }

    fn is_within_vma(&self, op: &gd_op, end: Option<u64>) -> bool {
        let vmas = self.vmas.of(op.mm);
        let vma = vmas.at(op.addr);
        op.addr.is_multiple_of(PAGE_SIZE)
            && vma.is_some_and(|vma| end.is_some_and(|end| end <= vma.end))
    }

    /// Whether the actions that a call met are what other CPUs, and faults, may do.
    pub(super) fn others_behave(
        &mut self,
        prog: &Program,
        recs: &[gd_rec],
        layout: &Layout,
    ) -> bool {
        let mut fault = 0;
        recs.iter().map(Record::from).all(|rec| match rec {
            Record::Ask(Ask::Fault { flags, .. }) => {
                fault = flags;
                true
            }
            Record::Act(index) => {
                let act = prog.acts().get(usize::from(index));
                act.is_some_and(|act| {
                    let hook = u32::from(act.hook);
                    match ops::sets(act.op.op) {
                        Some(Part::Answer) => answer_fits(hook, act.op.val, fault),
                        Some(Part::Signal | Part::Seq) => true,
                        Some(part @ (Part::Ptes | Part::Pmds)) => {
                            may_change_entries(hook, part) && self.entry_fits(&act.op, layout, prog)
                        }
                        Some(Part::Cache) => self.cache.sets(&act.op, layout, prog),
                        _ => false,
                    }
                })
            }
            _ => true,
        })
    }
}

/// Whether a page may be mapped in a VMA with these flags.
fn page_fits(op: &gd_op, vma: &Vma, level: Level, layout: &Layout, prog: &Program) -> bool {
    let Some((index, folio, offset)) = named(op.run[0].page, layout) else {
        return false;
    };
    let has = |flag| u32::from(op.eflags) & bit(flag) != 0;
    let (pages, room) = (op.n.max(1) as usize, folio.nr_pages() as usize);
    let mapping = u32::from(prog.folios()[index].mapping);
    let shared = vma.has(abi::GD_VM_SHARED);
    let writable = has(abi::GD_EF_RW);
    if writable && !vma.has(abi::GD_VM_WRITE) {
        return false;
    }
    let key = pkey::key(op.eflags.into(), pkey::OF_ENTRY);
    if key != pkey::key(vma.flags as u32, pkey::OF_VMA) {
        return false;
    }
    let optional = match folio.kind {
        abi::GD_K_ZERO => bit(abi::GD_EF_SPECIAL) | ENTRY_FLAGS,
        _ => ENTRY_FLAGS,
    };
    let size = match level {
        Level::Pte => offset + pages <= room,
        _ => pages == 1 && offset == 0 && folio.order == 9,
    };
    let hugetlb = vma.huge_level().is_some();
    let kind = match folio.kind {
        abi::GD_K_ZERO => {
            return size
                && vma.is(abi::GD_V_ANON)
                && has(abi::GD_EF_SPECIAL)
                && !writable
                && u32::from(op.eflags) & !optional == 0;
        }
        abi::GD_K_NORMAL => !hugetlb,
        abi::GD_K_HUGETLB => hugetlb,
        _ => false,
    };
    let owner = match mapping {
        abi::GD_M_ANON => {
            !shared
                && (hugetlb
                    || [abi::GD_V_ANON, abi::GD_V_FILE, abi::GD_V_SHMEM]
                        .iter()
                        .any(|kind| vma.is(*kind)))
        }
        abi::GD_M_FILE => vma.is(abi::GD_V_FILE) && (shared || !writable),
        abi::GD_M_SHMEM => (vma.is(abi::GD_V_SHMEM) || hugetlb) && (shared || !writable),
        _ => false,
    };
    size && kind && owner && u32::from(op.eflags) & !optional == 0
}

/// The flags that code outside of mm passes.  Long-term pins were not for calls that can
/// drop the mmap lock, even if they did not pass `locked`, until v6.3 moved the checks of
/// arguments to the entry points.
fn flags_fit(op: &gd_op, info: &OpInfo, rev: Rev, prog: &Program) -> bool {
    let mut flags = walk::caller_flags(op.op);
    if info.is_slow() {
        flags |= bit(abi::GD_FOLL_HWPOISON);
    }
    let longterm = op.foll & bit(abi::GD_FOLL_LONGTERM) != 0;
    let locked_variant = info.arg == ArgKind::Lock && !info.has(abi::GD_S_MM);
    let may_drop = info.is_slow() && (locked_variant || walk::may_drop_lock(op));
    op.foll & !flags == 0
        && !(longterm && may_drop && !rev.has(Fact::WalkChecksArgs))
        && (!longterm || folios_can_be_moved(prog))
}

/// Whether folios that must be migrated before a long-term pin are on the LRU, so that they
/// can be isolated.
fn folios_can_be_moved(prog: &Program) -> bool {
    prog.folios().iter().all(|folio| {
        let fixed = !matches!(
            u32::from(folio.migratetype),
            abi::GD_MT_CMA | abi::GD_MT_ISOLATE
        );
        folio.movable == 0 && fixed || folio.flags & bit(abi::GD_F_LRU) != 0
    })
}

/// Whether a call may get such an answer: a fault drops the mmap lock only if it may, and
/// not if it fails.
fn answer_fits(hook: u32, answer: i32, fault: u32) -> bool {
    let bits = answer as u32;
    match hook {
        abi::GD_HOOK_FAULT => {
            let may = fault & bit(abi::GD_FF_ALLOW_RETRY) != 0
                && fault & bit(abi::GD_FF_RETRY_NOWAIT) == 0;
            let one = bits & DROPPED == 0 || may && bits & FAILED == 0 && bits & DROPPED != DROPPED;
            bits & !(FAILED | DROPPED | SERVED) == 0 && one
        }
        // what was migrated is mapped elsewhere afterwards, which is not followed here
        abi::GD_HOOK_MIGRATE | abi::GD_HOOK_MIGRATE_DEVICE => answer < 0,
        abi::GD_HOOK_SLOW => false,
        _ => true,
    }
}

/// Whether others may change entries of this level here: not while their lock is held, and
/// tables do not go away under the mmap lock.
fn may_change_entries(hook: u32, part: Part) -> bool {
    match hook {
        abi::GD_HOOK_PTL => part == Part::Ptes,
        abi::GD_HOOK_FAULT
        | abi::GD_HOOK_MMAP_LOCK
        | abi::GD_HOOK_MIGRATION
        | abi::GD_HOOK_READ_PTE
        | abi::GD_HOOK_READ_PMD
        | abi::GD_HOOK_READ_PUD
        | abi::GD_HOOK_READ_PGD
        | abi::GD_HOOK_READ_SEQ => true,
        _ => false,
    }
}
