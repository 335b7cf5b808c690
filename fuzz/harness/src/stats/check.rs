// SPDX-License-Identifier: GPL-2.0
//! Checks that a corpus or a campaign tests what it is meant to test.

use csrc::abi;

use super::Stats;
use crate::effect::{Effect, Part};
use crate::hooks::{self, HookInfo};
use crate::layer::Focus;
use crate::ops::{self, Layer, OpInfo, ResultKind};
use crate::rev::{Fact, Rev};
use crate::side::{self, SideInfo};

/// The required median of executed operations, of 16.
const MEDIAN: u32 = 10;
/// Of the uses of an operation, at least one in this many must succeed, and fail.
const ONE_IN: u64 = 100;

/// Of the calls of the slow path, at least one in this many must return pages, fault,
/// retry, migrate, lose the lock, have a page copied.
const SLOW_ONE_IN: [u64; 6] = [4, 6, 50, 1000, 100, 1000];

/// Functions with sites that only the entry points of the walk call: programs of the page
/// level do not reach them.
const WALK: &[&str] = &[
    "get_user_pages_fast",
    "get_user_pages_fast_only",
    "gup_fast_fallback",
    "gup_fast_pte_range",
    "gup_pte_range",
    "internal_get_user_pages_fast",
    "is_valid_gup_args",
    "is_valid_gup_flags",
    "pin_user_pages_fast",
    "pin_user_pages_fast_only",
];

/// Whether a site of a revision is in a function of the walk.  In the series, some of these
/// names are operations of the page level.
fn is_of_the_walk(site: &str, rev: Rev) -> bool {
    let func = site.split(' ').next().unwrap_or_default();
    rev.has(Fact::Walk) && WALK.contains(&func)
}

/// Functions of the slow path, with sites of their own.
const SLOW: &[&str] = &[
    "__get_user_pages",
    "__get_user_pages_locked",
    "__get_user_pages_remote",
    "__gup_longterm_locked",
    "compound_mapcount",
    "faultin_page",
    "faultin_page_range",
    "faultin_vma_page_range",
    "fixup_user_fault",
    "folio_expected_ref_count",
    "follow_devmap_pmd",
    "follow_devmap_pud",
    "follow_huge_pmd",
    "follow_huge_pmd_pte",
    "follow_huge_pud",
    "follow_hugetlb_page",
    "follow_page_mask",
    "follow_page_pte",
    "follow_pmd_mask",
    "follow_trans_huge_pmd",
    "get_gate_page",
    "get_user_pages",
    "get_user_pages_locked",
    "get_user_pages_remote",
    "get_user_pages_unlocked",
    "mmap_assert_locked",
    "pin_user_pages",
    "pin_user_pages_locked",
    "pin_user_pages_remote",
    "pin_user_pages_unlocked",
    "populate_vma_page_range",
    "rwsem_assert_held_nolockdep",
    "vm_normal_page",
    "__vm_normal_page",
];

fn is_of_the_slow_path(site: &str, rev: Rev) -> bool {
    rev.has(Fact::Walk) && SLOW.contains(&site.split(' ').next().unwrap_or_default())
}

/// Sites of a function that no program can reach, with the reason.
#[derive(Clone, Copy, Debug)]
pub struct Unreachable {
    /// The function.
    pub function: &'static str,
    /// The sites as they are printed: `WARN#0`.
    pub sites: &'static [&'static str],
    /// The first and the last revision with them.
    pub revisions: (Rev, Rev),
    /// The first point release with them.
    pub point: u16,
    /// With CONFIG_DEBUG_VM, without, or both: it changes the numbers of sites.
    pub debug_vm: Option<bool>,
    /// The reason.
    pub reason: &'static str,
}

const fn unreachable(
    function: &'static str,
    sites: &'static [&'static str],
    revisions: (Rev, Rev),
    reason: &'static str,
) -> Unreachable {
    Unreachable {
        function,
        sites,
        revisions,
        point: 0,
        debug_vm: None,
        reason,
    }
}

impl Unreachable {
    const fn debug_vm(mut self, debug_vm: bool) -> Self {
        self.debug_vm = Some(debug_vm);
        self
    }

    const fn since_point(mut self, point: u16) -> Self {
        self.point = point;
        self
    }
}

/// A check of `locked`, which the entry points of the walk do not pass.
const ASKS_LOCKED: &str = "is_valid_gup_args WARN#1";

const BOTH: &str = "entry points refuse FOLL_GET and FOLL_PIN together";
const LOCKED: &str = "its caller has just taken the page-table lock";
const RANGE: &str = "a range is of whole pages, and its VMA is looked up by its start";
const NOWAIT_KEEPS: &str = "a fault with FOLL_NOWAIT keeps the lock";
const PINS_APART: &str = "only follow_page() comes there, and not with FOLL_PIN";
const RETRIES: &str = "__get_user_pages() never returns that, whatever the faults say";

/// All such sites among the covered functions.
#[rustfmt::skip]
pub const UNREACHABLE: &[Unreachable] = &[
    unreachable("grab_page", &["WARN#0"], (Rev::V8, Rev::V8),
        "it stands in a branch that FOLL_GET does not reach, and asks for FOLL_GET"),
    unreachable("try_grab_page", &["WARN#0"], (Rev::V9, Rev::V10),
        "it stands in a branch that FOLL_GET does not reach, and asks for FOLL_GET"),
    unreachable("get_page", &["WARN#1"], (Rev::V7_3, Rev::LATER),
        "programs declare no large kmalloc pages"),
    unreachable("hpage_pincount_add", &["BUG#0"], (Rev::V5_10, Rev::V5_10),
        "its callers have just asked whether there is a pin count"),
    unreachable("hpage_pincount_sub", &["BUG#0"], (Rev::V5_10, Rev::V5_10),
        "its caller has just asked whether there is a pin count"),
    unreachable("__get_user_pages", &["BUG#1"], (Rev::V5_10, Rev::V6_1), NOWAIT_KEEPS)
        .debug_vm(true),
    unreachable("__get_user_pages", &["BUG#0"], (Rev::V5_10, Rev::V6_1), NOWAIT_KEEPS)
        .debug_vm(false),
    unreachable("__get_user_pages", &["BUG#0"], (Rev::V6_12, Rev::V6_12),
        "entry points refuse flags that do not fit `pages`"),
    unreachable("__get_user_pages", &["WARN#0", "WARN#1"], (Rev::V7_3, Rev::LATER),
        "entry points refuse flags that do not fit `pages`, and both flags together"),
    unreachable("__get_user_pages_locked", &["BUG#0"], (Rev::V5_10, Rev::V6_1),
        "no operation asks for VMAs"),
    unreachable("__get_user_pages_locked", &["BUG#2", "BUG#3", "BUG#4", "BUG#5", "BUG#6"],
        (Rev::V5_10, Rev::V6_1), RETRIES),
    unreachable("__get_user_pages_locked", &["BUG#0", "BUG#1", "BUG#2", "BUG#3", "BUG#4"],
        (Rev::V6_12, Rev::V6_12), RETRIES),
    unreachable("__get_user_pages_locked", &["WARN#0", "WARN#1", "WARN#2"],
        (Rev::V7_3, Rev::LATER), RETRIES).debug_vm(true),
    unreachable("__gup_longterm_locked", &["WARN#0"], (Rev::V6_1, Rev::V6_1),
        "entry points refuse FOLL_LONGTERM without FOLL_PIN"),
    unreachable("faultin_page", &["BUG#0"], (Rev::V6_1, Rev::V6_12),
        "what is unshared is not written to").debug_vm(true),
    unreachable("faultin_page", &["WARN#0"], (Rev::V7_3, Rev::LATER),
        "what is unshared is not written to").debug_vm(true),
    unreachable("folio_expected_ref_count", &["WARN#0"], (Rev::V6_1, Rev::V6_1),
        "pages of the slab allocator have no type there"),
    unreachable("follow_devmap_pmd", &["BUG#0"], (Rev::V5_10, Rev::V6_12), LOCKED),
    unreachable("follow_devmap_pmd", &["WARN#0"], (Rev::V6_1, Rev::V6_1), BOTH),
    unreachable("follow_devmap_pud", &["BUG#0"], (Rev::V5_10, Rev::V6_1), LOCKED),
    unreachable("follow_devmap_pud", &["WARN#0"], (Rev::V6_1, Rev::V6_1), BOTH),
    unreachable("follow_huge_pmd", &["BUG#0"], (Rev::V6_12, Rev::LATER), LOCKED),
    unreachable("follow_huge_pmd_pte", &["WARN#0"], (Rev::V6_1, Rev::V6_1), PINS_APART),
    unreachable("follow_huge_pud", &["WARN#0"], (Rev::V6_1, Rev::V6_1), PINS_APART),
    unreachable("follow_huge_pud", &["BUG#0"], (Rev::V6_12, Rev::LATER), LOCKED),
    unreachable("follow_page_mask", &["WARN#0"], (Rev::V5_10, Rev::V6_1),
        "only other architectures follow huge addresses"),
    unreachable("follow_page_pte", &["WARN#0"], (Rev::V6_1, Rev::V6_12), BOTH),
    unreachable("follow_trans_huge_pmd", &["BUG#0"], (Rev::V5_10, Rev::V6_1), LOCKED),
    unreachable("populate_vma_page_range", &["BUG#1", "BUG#2"], (Rev::V5_10, Rev::V6_12), RANGE),
    unreachable("populate_vma_page_range", &["WARN#2"], (Rev::V7_3, Rev::LATER), RANGE),
    unreachable("faultin_vma_page_range", &["BUG#1", "BUG#2"], (Rev::V6_1, Rev::V6_1), RANGE),
    unreachable("faultin_page_range", &["BUG#1"], (Rev::V6_12, Rev::V6_12), RANGE),
    unreachable("gup_fast_pte_range", &["BUG#0"], (Rev::V6_12, Rev::V6_12),
        "the walk ran past the end of a table only where no pages were asked for").since_point(118),
];

/// The ways in which an operation can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// None.
    Never,
    /// By its result or a warning.
    Says,
    /// It returns nothing: only by a BUG or a memory fault.
    Stops,
}

fn failure(op: &OpInfo, debug_vm: bool) -> Failure {
    match u32::from(op.id) {
        // Setting a bit of the mm or the state of the world cannot fail.
        _ if matches!(op.effect, Effect::Marks | Effect::Sets(_)) => Failure::Never,
        // The page that it follows is always mapped.
        abi::GD_OP_FOLLOW_PAGE_MASK => Failure::Never,
        // Has no effect without CONFIG_DEBUG_VM.
        abi::GD_OP_SANITY_CHECK if !debug_vm => Failure::Never,
        // They have warnings.
        abi::GD_OP_FOLIO_ADD_PIN | abi::GD_OP_UNPIN_USER_PAGES | abi::GD_OP_UNPIN_FOLIOS => {
            Failure::Says
        }
        _ if op.result == ResultKind::Void => Failure::Stops,
        _ => Failure::Says,
    }
}

/// Whether a revision has the state that a change of the world sets.
fn is_there(op: &OpInfo, rev: Rev) -> bool {
    match op.sets() {
        Some(Part::Tail) => rev.has(Fact::FarTails),
        Some(Part::DevmapKey) => rev.has(Fact::DevmapKey),
        _ => true,
    }
}

impl Stats {
    /// The reasons why the programs did not test enough; empty if they did.
    pub fn check(&self, layer: Focus) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.sampled == 0 {
            return vec!["no program was run".into()];
        }
        let Some(info) = side::list().into_iter().find(|i| i.name == self.side) else {
            return vec![format!(
                "unknown side {}: its sites cannot be checked",
                self.side
            )];
        };
        let (rev, debug_vm) = (info.rev, info.debug_vm);
        for (gap, n) in &self.gaps {
            complaints.push(format!("gap: {gap} is not provided ({n} programs)"));
        }
        let median = self.median_of_16();
        if median < MEDIAN {
            complaints.push(format!(
                "programs end early: the median is {median} executed operations of 16, \
                 it should be {MEDIAN}"
            ));
        }
        let layer = match rev.has(Fact::Walk) {
            true => layer,
            // there is no walk
            false => Focus::Page,
        };
        let wanted = |op: &&OpInfo| is_of(op, layer) && is_there(op, rev);
        for op in ops::table().iter().filter(wanted) {
            self.check_op(op, rev, debug_vm, &mut complaints);
        }
        if matches!(layer, Focus::Lockless | Focus::All) {
            self.check_script(rev, &mut complaints);
        }
        if layer == Focus::Slow {
            self.check_slow(&mut complaints);
        }
        for site in self.missing_sites(layer) {
            complaints.push(format!("site never hit: {site}"));
        }
        complaints
    }

    fn check_op(&self, op: &OpInfo, rev: Rev, debug_vm: bool, complaints: &mut Vec<String>) {
        let Some(name) = op.name(rev).or(op.is_change.then_some(op.role)) else {
            return;
        };
        let count = self.ops.get(op.role).copied().unwrap_or_default();
        if count.uses == 0 {
            complaints.push(format!("{name} is never executed"));
            return;
        }
        let (yes, no) = words(op);
        let mut complain = |what: &str, n: u64, one_in: u64| {
            if n * one_in < count.uses {
                let share = percent(n, count.uses);
                let uses = count.uses;
                complaints.push(format!("{name} {what} in {share} of {uses} uses only"));
            }
        };
        // v8 returns NULL from the branch that has a page: a finding of its review.
        if (u32::from(op.id), rev) != (abi::GD_OP_FOLLOW_PAGE_MASK, Rev::V8) {
            complain(yes, count.succeeded, ONE_IN);
        }
        match failure(op, debug_vm) {
            Failure::Never => {}
            Failure::Says => complain(no, count.failed, ONE_IN),
            // Each ends its program, so there are few: that it happens counts.
            Failure::Stops if !self.stops.contains_key(op.role) => {
                complaints.push(format!("{name} never fails: no program ends at it"));
            }
            Failure::Stops => {}
        }
    }

    /// Checks that every hook point of the lockless walk was reached, and that every
    /// possible action ran at one.
    fn check_script(&self, rev: Rev, complaints: &mut Vec<String>) {
        let lockless = &self.lockless;
        // without device memory in the entries, there is no call of get_dev_pagemap()
        let is_asked = |hook: &HookInfo| {
            u32::from(hook.id) != abi::GD_HOOK_PAGEMAP || rev.has(Fact::WalkDeviceEntries)
        };
        let is_wanted = |hook: &&HookInfo| hook.layer != Layer::Slow && is_asked(hook);
        for hook in hooks::table().iter().skip(1).filter(is_wanted) {
            if lockless.hooks.get(hook.text).is_none_or(|h| h.done == 0) {
                complaints.push(format!("the hook point `{}` is never reached", hook.text));
            }
        }
        let wanted =
            |op: &&OpInfo| op.layer != Layer::Slow && op.can_be_scripted() && is_there(op, rev);
        for op in ops::table().iter().filter(wanted) {
            if lockless.actions.get(op.role).is_none_or(|a| a.done == 0) {
                let name = op.own_name();
                complaints.push(format!("{name} is never done at a hook point"));
            }
        }
        for answer in super::lockless::ANSWERS {
            if !lockless.slow.contains_key(answer) {
                complaints.push(format!("the slow path never answers {answer}"));
            }
        }
        if lockless.backed_out == 0 {
            complaints.push("no walk gives pins back".into());
        }
    }

    /// Checks that calls of the slow path get far enough.
    fn check_slow(&self, complaints: &mut Vec<String>) {
        if self.slow.careful == 0 {
            complaints.push("no program of the slow path is one of a careful caller".into());
        }
        let calls = self.slow.calls;
        for ((what, n), one_in) in self.slow.parts().into_iter().zip(SLOW_ONE_IN) {
            if n * one_in < calls.max(1) {
                let share = percent(n, calls);
                complaints.push(format!(
                    "calls of the slow path {what} in {share} of {calls} uses only"
                ));
            }
        }
    }

    /// The reachable sites of the covered functions of a layer that were never hit.
    /// Covered functions are those for which the Rust side of the same revision has sites.
    pub fn missing_sites(&self, layer: Focus) -> Vec<String> {
        let counterpart = match self.side.strip_prefix("rust:") {
            Some(_) => Some(self.side.clone()),
            None => Some(side::default_right(&self.side)),
        };
        let Some(Ok(Some(rust))) = counterpart.as_deref().map(side::open) else {
            return Vec::new();
        };
        let rev = rust.info().rev;
        let mut missing: Vec<String> = rust
            .sites()
            .iter()
            .map(|s| s.id.to_string())
            .filter(|site| !self.sites.contains_key(site))
            .filter(|site| Self::unreachable(site, rust.info()).is_none())
            .filter(|site| match layer {
                Focus::All => true,
                Focus::Slow => is_of_the_slow_path(site, rev),
                Focus::Page => !is_of_the_walk(site, rev) && !is_of_the_slow_path(site, rev),
                Focus::Lockless => is_of_the_walk(site, rev) && site != ASKS_LOCKED,
            })
            .collect();
        missing.sort();
        missing
    }

    /// The reason why a site of a side cannot be reached, if it is listed.
    pub fn unreachable(site: &str, side: &SideInfo) -> Option<&'static str> {
        let (function, nth) = site.split_once(' ')?;
        let of_it = |u: &&Unreachable| {
            u.function == function
                && u.sites.contains(&nth)
                && (u.revisions.0..=u.revisions.1).contains(&side.rev)
                && u.point <= side.point
                && u.debug_vm.is_none_or(|with| with == side.debug_vm)
        };
        Some(UNREACHABLE.iter().find(of_it)?.reason)
    }
}

/// Whether programs of a layer should use an operation.  For walks, changes of pages and
/// state are useful as actions.
fn is_of(op: &OpInfo, layer: Focus) -> bool {
    match op.layer {
        // It is nothing between operations.
        _ if op.sets() == Some(Part::Answer) => false,
        Layer::Slow => layer == Focus::Slow,
        _ if layer == Focus::All => true,
        Layer::Page => layer == Focus::Page,
        Layer::Lockless => layer == Focus::Lockless,
    }
}

fn words(op: &OpInfo) -> (&'static str, &'static str) {
    match op.result {
        ResultKind::Bool => ("says yes", "says no"),
        _ => ("succeeds", "fails"),
    }
}

/// `1.5 %`.
pub(super) fn percent(n: u64, of: u64) -> String {
    format!("{:.1} %", n as f64 * 100.0 / of.max(1) as f64)
}
