// SPDX-License-Identifier: GPL-2.0
//! Differences that are known and accepted, as one typed list.
//!
//! An entry is as narrow as can be: a pair of revisions, an operation and a
//! field.  It skips that one field of that one comparison, never the rest of
//! the program.  Each entry must still occur: hits are counted, and a test
//! fails on one that no program of the corpus hits any more.  A revision
//! compared with itself has no entries, by construction.

use crate::compare::Field;
use crate::ops::Rev;

/// The revisions of the left and the right side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionPair {
    /// Of the left side.
    pub left: Rev,
    /// Of the right side.
    pub right: Rev,
}

impl RevisionPair {
    /// Whether a revision is compared with itself.
    pub fn is_same(self) -> bool {
        self.left == self.right
    }

    fn unordered(self) -> (Rev, Rev) {
        (self.left.min(self.right), self.left.max(self.right))
    }
}

/// One accepted difference.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The older and the newer revision.
    pub revisions: (Rev, Rev),
    /// The operation's id (`GD_OP_*`).
    pub op: u8,
    /// The field that may differ.
    pub field: Field,
    /// Why that is right; what upstream change brought it.
    pub reason: &'static str,
}

/// All accepted differences.
pub const ENTRIES: &[Entry] = &[];

/// The list with a count of hits for each entry.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    hits: Vec<u64>,
}

impl Accepted {
    /// Whether a difference is on the list; counts it if so.
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
        let pair = revisions.unordered();
        let found = entries
            .iter()
            .position(|e| e.revisions == pair && e.op == op && e.field == field);
        match found {
            Some(index) => {
                self.hits.resize(entries.len(), 0);
                self.hits[index] += 1;
                true
            }
            None => false,
        }
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
            .filter(|(e, hits)| e.revisions == revisions.unordered() && *hits == 0)
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
            assert!(entry.revisions.0 < entry.revisions.1);
            assert!(!entry.reason.is_empty());
        }
    }
}
