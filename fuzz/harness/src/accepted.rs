// SPDX-License-Identifier: GPL-2.0
//! Accepted differences between revisions, and known defects (laws that a revision breaks),
//! as typed lists.
//!
//! An entry is as narrow as possible: a pair of revisions, an operation and a field.  It
//! skips this field in this comparison, not the rest of the program.  Each entry must still
//! occur: hits are counted, and a test fails for an entry that no program of the corpus
//! hits.  A revision compared with itself has no entries.
//!
//! A known defect is a law that a revision breaks in an operation, with the reason.  It
//! does not end a campaign of this revision against its reimplementation; without a right
//! side (`RIGHT=none`) it is reported like any other broken law.

use csrc::abi;

use crate::compare::Field;
use crate::laws::{Broken, Law};
use crate::rev::Rev;

/// The revisions of the left and the right side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionPair {
    /// The left side's.
    pub left: Rev,
    /// The right side's.
    pub right: Rev,
}

impl RevisionPair {
    /// Is a revision compared with itself?
    pub fn is_same(self) -> bool {
        self.left == self.right
    }

    /// Is it this pair, in either order?
    fn is_of(self, (one, other): (Rev, Rev)) -> bool {
        let pair = (self.left, self.right);
        pair == (one, other) || pair == (other, one)
    }
}

/// One accepted difference.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The two revisions.
    pub revisions: (Rev, Rev),
    /// The operation's id (`GD_OP_*`).
    pub op: u8,
    /// The field that may differ.
    pub field: Field,
    /// Why the difference is right: the upstream change.
    pub reason: &'static str,
}

/// All accepted differences.
pub const ENTRIES: &[Entry] = &[
    entry(
        abi::GD_OP_GET_PAGE,
        Field::Bug,
        "the check moved from get_page() to folio_get()",
    ),
    entry(
        abi::GD_OP_TRY_GET_FOLIO,
        Field::Warn,
        "try_get_compound_head() became try_get_folio()",
    ),
    entry(
        abi::GD_OP_GRAB_FAST,
        Field::Warn,
        "try_grab_compound_head() became try_grab_folio(), its helper try_get_folio()",
    ),
    entry(
        abi::GD_OP_GRAB_SLOW,
        Field::Warn,
        "6.1 checks the count before the flags, v11 leaves FOLL_GET to try_get_page()",
    ),
    entry(
        abi::GD_OP_GRAB_SLOW,
        Field::Ret,
        "with neither flag 6.1 checks the count, too",
    ),
    entry(
        abi::GD_OP_GUP_PUT_FOLIO,
        Field::Released,
        "v11's put_compound_head() does not count what it drops",
    ),
    entry(
        abi::GD_OP_GUP_PUT_FOLIO,
        Field::Bug,
        "v11 takes a reference before it subtracts, and get_page() checks the count",
    ),
    entry(
        abi::GD_OP_UNPIN_USER_PAGES,
        Field::Call,
        "6.1 drops the pins of a run at once, so the count never is 0 in between",
    ),
    entry(
        abi::GD_OP_UNPIN_USER_PAGES_DIRTY_LOCK,
        Field::Call,
        "6.1 drops the pins of a run at once, so the count never is 0 in between",
    ),
];

/// Between v11 and 6.1, for the programs that both support.
const fn entry(op: u32, field: Field, reason: &'static str) -> Entry {
    Entry {
        revisions: V11_AND_6_1,
        op: op as u8,
        field,
        reason,
    }
}

/// The last version of the FOLL_PIN series and the oldest kernel.
const V11_AND_6_1: (Rev, Rev) = (Rev::V11, Rev::V6_1);

/// All known defects.
pub const DEFECTS: &[Defect] = &[
    Defect {
        revisions: (Rev::V8, Rev::V8),
        op: None,
        law: Law::OnlyItsFolio,
        reason: "review of v8: 1023 of a pin's references go to the tail page itself",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V8),
        op: None,
        law: Law::NothingFromFree,
        reason: "review of v8: grab_page() cannot fail",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V10),
        op: None,
        law: Law::OverflowIsRefused,
        reason: "reviews of v8 and v10: grab_page() checks nothing, \
                 page_ref_zero_or_close_to_bias_overflow() detects 0 only",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V10),
        op: Some(abi::GD_OP_GRAB_SLOW as u8),
        law: Law::SlowGrabWarns,
        reason: "the same, seen from the missing warning",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V11),
        op: None,
        law: Law::OverflowIsNoticed,
        reason: "review of v8: additions are not checked. v11 and the kernels refuse an overflowed \
                 count at the next grab",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V11),
        op: None,
        law: Law::PinsBalanceCounters,
        reason: "put_compound_head() drops pins without counting them",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V8, Rev::V11),
        op: Some(abi::GD_OP_GUP_PUT_FOLIO as u8),
        law: Law::PinIsCounted,
        reason: "put_compound_head() drops pins without counting them",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V5_10, Rev::V5_10),
        op: None,
        law: Law::PagemapsBalance,
        reason: "__gup_device_huge() keeps its pagemap when it fails on a page; fixed in v5.15",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V5_10, Rev::V7_3),
        op: None,
        law: Law::NothingAskedNothingHeld,
        reason: "nr_pages 0: the PTE loop compares addresses at its end only, so that it runs \
                 past its range until an entry stops it, and the pages are held and returned",
        fixed_by: Some("zero_nr_pages_returns_zero"),
    },
    Defect {
        revisions: (Rev::V5_10, BEFORE_V7_2),
        op: None,
        law: Law::RefusalEndsTheWalk,
        reason: "the PTE loop returns the errno of arch_make_page_accessible() or \
                 arch_make_folio_accessible(), which its caller takes for success: the walk goes \
                 on at the next PMD, and later pages land at earlier places of pages[]",
        fixed_by: None,
    },
    Defect {
        revisions: (Rev::V6_6, BEFORE_V6_10),
        op: None,
        law: Law::CarefulCallersAreSafe,
        reason: "the slow path takes the remaining pages of a huge page with the grab of the \
                 lockless walk, which refuses long-term pins of CMA and ZONE_MOVABLE: a WARN and \
                 -EFAULT instead of a migration",
        fixed_by: None,
    },
    Defect {
        revisions: (SINCE_V6_3, Rev::V6_5),
        op: None,
        law: Law::MmapLockAsAgreed,
        reason: "follow_hugetlb_page() lets a fault drop the mmap lock whether or not the caller \
                 permits it",
        fixed_by: None,
    },
];

/// The first kernel with "mm/gup: make locked never NULL in the internal GUP functions".
const SINCE_V6_3: Rev = Rev::linux(6, 3);

/// The last kernel without "mm: gup: stop abusing try_grab_folio".
const BEFORE_V6_10: Rev = Rev::linux(6, 9);

/// The last kernel whose PTE loop returns the errno of the hook.
const BEFORE_V7_2: Rev = Rev::linux(7, 1);

/// A law that revisions break.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// The first and the last of these revisions.
    pub revisions: (Rev, Rev),
    /// The operation's id (`GD_OP_*`); `None`: any.
    pub op: Option<u8>,
    /// The law.
    pub law: Law,
    /// What is wrong.
    pub reason: &'static str,
    /// The rule of kernels without the defect: some point releases fix it.
    pub fixed_by: Option<&'static str>,
}

/// The lists with a count of hits for each entry.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    hits: Vec<u64>,
    defect_hits: Vec<u64>,
}

impl Accepted {
    /// Is a difference on the list?  Counts a hit.
    pub fn accepts(&mut self, revisions: RevisionPair, op: u8, field: Field) -> bool {
        self.accepts_from(ENTRIES, revisions, op, field)
    }

    fn accepts_from(
        &mut self,
        entries: &[Entry],
        revisions: RevisionPair,
        op: u8,
        field: Field,
    ) -> bool {
        if revisions.is_same() {
            return false;
        }
        let found = entries
            .iter()
            .position(|e| revisions.is_of(e.revisions) && e.op == op && e.field == field);
        match found {
            Some(index) => {
                self.hits.resize(entries.len(), 0);
                self.hits[index] += 1;
                true
            }
            None => false,
        }
    }

    /// Is a broken law a known defect of the revision?  Counts a hit.
    pub fn is_known(&mut self, rev: Rev, broken: &Broken) -> bool {
        let found = DEFECTS.iter().position(|d| {
            (d.revisions.0..=d.revisions.1).contains(&rev)
                && (d.op.is_none() || broken.op == d.op)
                && broken.law == d.law
        });
        if let Some(index) = found {
            self.defect_hits.resize(DEFECTS.len(), 0);
            self.defect_hits[index] += 1;
        }
        found.is_some()
    }

    /// Known defects of a revision that were never hit.
    pub fn stale_defects(&self, rev: Rev) -> Vec<&'static Defect> {
        let of = |d: &Defect| (d.revisions.0..=d.revisions.1).contains(&rev);
        DEFECTS
            .iter()
            .enumerate()
            .filter(|(i, d)| of(d) && self.defect_hits.get(*i).copied().unwrap_or(0) == 0)
            .map(|(_, d)| d)
            .collect()
    }

    /// Every entry with its number of hits.
    pub fn hits(&self) -> impl Iterator<Item = (&'static Entry, u64)> {
        ENTRIES
            .iter()
            .enumerate()
            .map(|(i, entry)| (entry, self.hits.get(i).copied().unwrap_or(0)))
    }

    /// Entries for a pair of revisions that were never hit.
    pub fn stale(&self, revisions: RevisionPair) -> Vec<&'static Entry> {
        self.hits()
            .filter(|(e, hits)| revisions.is_of(e.revisions) && *hits == 0)
            .map(|(e, _)| e)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[Entry] = &[Entry {
        revisions: (Rev::V6_1, Rev::V6_12),
        op: 0x10,
        field: Field::Ret,
        reason: "test",
    }];

    #[test]
    fn an_entry_is_for_one_pair_operation_and_field() {
        let mut accepted = Accepted::default();
        let pair = |left, right| RevisionPair { left, right };
        let other = pair(Rev::V6_12, Rev::V6_1);
        assert!(accepted.accepts_from(ONE, other, 0x10, Field::Ret));
        assert!(!accepted.accepts_from(ONE, other, 0x11, Field::Ret));
        assert!(!accepted.accepts_from(ONE, other, 0x10, Field::Call));
        let same = pair(Rev::V6_1, Rev::V6_1);
        assert!(!accepted.accepts_from(ONE, same, 0x10, Field::Ret));
        assert_eq!(accepted.hits, [1]);
    }

    #[test]
    fn entries_never_concern_one_revision_with_itself() {
        for entry in ENTRIES {
            assert_ne!(entry.revisions.0, entry.revisions.1);
            assert!(!entry.reason.is_empty());
        }
    }
}
