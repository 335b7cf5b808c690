// SPDX-License-Identifier: GPL-2.0
//! Functions of mm/gup.c with lines that no program executes, and why.

use crate::rev::Rev;

/// A function, and why lines of it are not executed by the shipped corpus.
#[derive(Clone, Copy, Debug)]
pub struct Unreached {
    /// The function.
    pub function: &'static str,
    /// The first and the last of these revisions.
    pub revisions: (Rev, Rev),
    /// The reason.
    pub reason: &'static str,
}

const fn unreached(
    function: &'static str,
    revisions: (Rev, Rev),
    reason: &'static str,
) -> Unreached {
    Unreached {
        function,
        revisions,
        reason,
    }
}

const FIRST: Rev = Rev::V5_10;
const LAST: Rev = Rev::LATER;

const BOTH: &str = "entry points refuse FOLL_GET and FOLL_PIN together";
const FOUR_LEVELS: &str = "with four levels no PGD entry is ever none: p4d is folded";
const CHECKED: &str = "access_ok() was asked before, and refuses a range that wraps";
const LONGTERM: &str = "entry points refuse FOLL_LONGTERM without FOLL_PIN";

/// All of them, by function.  A function that is executed in full has no entry: a test
/// holds that (`fuzz/tests/coverage.rs`).
#[rustfmt::skip]
pub const UNREACHED: &[Unreached] = &[
    unreached("__get_user_pages", (FIRST, FIRST),
        "a fault's errors are those that the switch knows"),
    unreached("__get_user_pages", (Rev::V6_1, Rev::V6_1),
        "a fault's errors are those that the switch knows; no operation asks for VMAs"),
    unreached("__get_user_pages", (Rev::V6_12, LAST),
        "its callers ask for pages, or return before; a fault's errors are those that the \
         switch knows"),
    unreached("__gup_longterm_locked", (FIRST, Rev::V6_1), LONGTERM),
    unreached("check_and_migrate_cma_pages", (FIRST, FIRST), LONGTERM),
    unreached("fault_in_readable", (Rev::V6_1, Rev::V6_12), CHECKED),
    unreached("fault_in_writeable", (Rev::V6_1, Rev::V6_12), CHECKED),
    unreached("follow_page_mask", (FIRST, Rev::V6_1),
        "only other architectures follow huge addresses"),
    unreached("follow_page_mask", (Rev::V7_3, LAST), FOUR_LEVELS),
    unreached("follow_page_pte", (FIRST, FIRST),
        BOTH),
    unreached("follow_page_pte", (Rev::V6_1, Rev::V6_1),
        "only other architectures have huge pages that PTEs map; entry points refuse FOLL_GET \
         and FOLL_PIN together"),
    unreached("follow_page_pte", (Rev::V6_12, Rev::V6_12), BOTH),
    unreached("get_gate_page", (FIRST, Rev::V6_12),
        "the gate area of a program lies in user space"),
    unreached("get_gate_page", (Rev::V7_3, LAST), FOUR_LEVELS),
    unreached("gup_fast", (Rev::V7_3, LAST),
        "its caller refuses what ends behind user space"),
    unreached("gup_fast_fallback", (Rev::V6_12, Rev::V6_12),
        "what access_ok() refuses was refused before: it ends behind user space"),
    unreached("gup_fast_pgd_range", (Rev::V7_3, LAST), FOUR_LEVELS),
    unreached("lockless_pages_from_mm", (FIRST, Rev::V6_1),
        "its caller refuses what ends behind user space"),
];

/// Why lines of a function are not executed, in a kernel of a revision.
pub fn reason(function: &str, rev: Rev) -> Option<&'static str> {
    let is_it =
        |u: &&Unreached| u.function == function && (u.revisions.0..=u.revisions.1).contains(&rev);
    UNREACHED.iter().find(is_it).map(|u| u.reason)
}
