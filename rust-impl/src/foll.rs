// SPDX-License-Identifier: GPL-2.0
//! FOLL_ flags: their names, and the bit that each has in a revision.
//!
//! v6.3 renumbered them ("mm/gup: move private gup FOLL_ flags to internal.h"), so kernel
//! functions get raw bits and look the flags up in the rules.

use crate::rules::Rules;

macro_rules! foll_flags {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// A flag by name; its number is its canonical bit, the one that programs use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum FollFlag {
            $(#[doc = concat!("`FOLL_", $name, "`.")] $variant),*
        }

        impl FollFlag {
            /// All flags, by canonical bit.
            pub const ALL: &'static [FollFlag] = &[$(FollFlag::$variant),*];

            /// The kernel's name without the prefix.
            pub const fn name(self) -> &'static str {
                match self { $(FollFlag::$variant => $name),* }
            }
        }
    };
}

foll_flags! {
    Write "WRITE",
    Get "GET",
    Pin "PIN",
    Longterm "LONGTERM",
    Force "FORCE",
    FastOnly "FAST_ONLY",
    PciP2pdma "PCI_P2PDMA",
    Touch "TOUCH",
    Dump "DUMP",
    Nowait "NOWAIT",
    Nofault "NOFAULT",
    Hwpoison "HWPOISON",
    Tried "TRIED",
    Remote "REMOTE",
    Anon "ANON",
    SplitPmd "SPLIT_PMD",
    Interruptible "INTERRUPTIBLE",
    HonorNumaFault "HONOR_NUMA_FAULT",
    Unlockable "UNLOCKABLE",
    MadvPopulate "MADV_POPULATE",
    Migration "MIGRATION",
    Split "SPLIT",
}

/// The number of flags that have a name.
pub const NR_FOLL: usize = FollFlag::ALL.len();

/// The raw bit of each canonical bit; 0 if the revision has no such flag.
pub type FollTable = [u32; NR_FOLL];

const fn table(bits: &[(FollFlag, u32)]) -> FollTable {
    let mut table = [0; NR_FOLL];
    let mut i = 0;
    while i < bits.len() {
        table[bits[i].0 as usize] = bits[i].1;
        i += 1;
    }
    table
}

/// Linux 5.5 with the FOLL_PIN series, which adds FOLL_PIN.
pub static FOLL_5_5: FollTable = table(&[
    (FollFlag::Write, 0x1),
    (FollFlag::Touch, 0x2),
    (FollFlag::Get, 0x4),
    (FollFlag::Dump, 0x8),
    (FollFlag::Force, 0x10),
    (FollFlag::Nowait, 0x20),
    (FollFlag::Hwpoison, 0x100),
    (FollFlag::Migration, 0x400),
    (FollFlag::Tried, 0x800),
    (FollFlag::Remote, 0x2000),
    (FollFlag::Anon, 0x8000),
    (FollFlag::Longterm, 0x1_0000),
    (FollFlag::SplitPmd, 0x2_0000),
    (FollFlag::Pin, 0x4_0000),
]);

/// Linux 5.10: the same and FOLL_FAST_ONLY.
pub static FOLL_5_10: FollTable = table(&[
    (FollFlag::Write, 0x1),
    (FollFlag::Touch, 0x2),
    (FollFlag::Get, 0x4),
    (FollFlag::Dump, 0x8),
    (FollFlag::Force, 0x10),
    (FollFlag::Nowait, 0x20),
    (FollFlag::Split, 0x80),
    (FollFlag::Hwpoison, 0x100),
    (FollFlag::Migration, 0x400),
    (FollFlag::Tried, 0x800),
    (FollFlag::Remote, 0x2000),
    (FollFlag::Anon, 0x8000),
    (FollFlag::Longterm, 0x1_0000),
    (FollFlag::SplitPmd, 0x2_0000),
    (FollFlag::Pin, 0x4_0000),
    (FollFlag::FastOnly, 0x8_0000),
]);

/// Linux 6.1: all in one header, with gaps.
pub static FOLL_6_1: FollTable = table(&[
    (FollFlag::Write, 0x1),
    (FollFlag::Touch, 0x2),
    (FollFlag::Get, 0x4),
    (FollFlag::Dump, 0x8),
    (FollFlag::Force, 0x10),
    (FollFlag::Nowait, 0x20),
    (FollFlag::Nofault, 0x80),
    (FollFlag::Hwpoison, 0x100),
    (FollFlag::Migration, 0x400),
    (FollFlag::Tried, 0x800),
    (FollFlag::Remote, 0x2000),
    (FollFlag::Anon, 0x8000),
    (FollFlag::Longterm, 0x1_0000),
    (FollFlag::SplitPmd, 0x2_0000),
    (FollFlag::Pin, 0x4_0000),
    (FollFlag::FastOnly, 0x8_0000),
]);

/// Linux 6.6, as 6.12 but for the last one.
pub static FOLL_6_6: FollTable = {
    let mut table = FOLL_6_12;
    table[FollFlag::MadvPopulate as usize] = 0;
    table
};

/// Linux 6.12: public flags from bit 0, internal ones from bit 16.
pub static FOLL_6_12: FollTable = table(&[
    (FollFlag::Write, 1 << 0),
    (FollFlag::Get, 1 << 1),
    (FollFlag::Dump, 1 << 2),
    (FollFlag::Force, 1 << 3),
    (FollFlag::Nowait, 1 << 4),
    (FollFlag::Nofault, 1 << 5),
    (FollFlag::Hwpoison, 1 << 6),
    (FollFlag::Anon, 1 << 7),
    (FollFlag::Longterm, 1 << 8),
    (FollFlag::SplitPmd, 1 << 9),
    (FollFlag::PciP2pdma, 1 << 10),
    (FollFlag::Interruptible, 1 << 11),
    (FollFlag::HonorNumaFault, 1 << 12),
    (FollFlag::Touch, 1 << 16),
    (FollFlag::Tried, 1 << 17),
    (FollFlag::Remote, 1 << 18),
    (FollFlag::Pin, 1 << 19),
    (FollFlag::FastOnly, 1 << 20),
    (FollFlag::Unlockable, 1 << 21),
    (FollFlag::MadvPopulate, 1 << 22),
]);

/// The raw bits that a kernel function gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Foll(pub u32);

impl Foll {
    /// Canonical bits to raw bits; flags that the revision lacks are dropped.
    #[inline]
    pub fn from_canonical(canonical: u32, rules: &Rules) -> Foll {
        let mut left = canonical & ((1 << NR_FOLL) - 1);
        let mut raw = 0;
        while left != 0 {
            raw |= rules.foll[left.trailing_zeros() as usize];
            left &= left - 1;
        }
        Foll(raw)
    }

    /// Raw bits to canonical bits; bits without a name are dropped.
    pub fn to_canonical(self, rules: &Rules) -> u32 {
        let bits = rules.foll.iter().zip(0..);
        bits.filter(|&(&bit, _)| self.0 & bit != 0)
            .fold(0, |set, (_, nr)| set | 1 << nr)
    }

    /// A set of named flags in a revision's numbering.
    pub fn of(flags: &[FollFlag], rules: &Rules) -> Foll {
        Foll(flags.iter().fold(0, |raw, &f| raw | rules.foll_bit(f)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES_6_1, RULES_6_12, RULES_V8};

    #[test]
    fn the_two_numberings_differ() {
        let pin = 1 << FollFlag::Pin as u32 | 1 << FollFlag::Longterm as u32;
        assert_eq!(Foll::from_canonical(pin, &RULES_6_1), Foll(0x5_0000));
        assert_eq!(Foll::from_canonical(pin, &RULES_6_12), Foll(0x8_0100));
    }

    #[test]
    fn a_flag_that_a_revision_lacks_has_no_bit() {
        let p2p = 1 << FollFlag::PciP2pdma as u32;
        assert_eq!(Foll::from_canonical(p2p, &RULES_6_1), Foll(0));
        let fast_only = 1 << FollFlag::FastOnly as u32 | 1 << FollFlag::Nofault as u32;
        assert_eq!(Foll::from_canonical(fast_only, &RULES_V8), Foll(0));
        let migration = 1 << FollFlag::Migration as u32;
        assert_eq!(Foll::from_canonical(migration, &RULES_6_12), Foll(0));
        assert_eq!(Foll::from_canonical(0xff00_0000, &RULES_6_12), Foll(0));
    }

    #[test]
    fn canonical_bits_come_back_and_nameless_ones_do_not() {
        for rules in [RULES_6_1, RULES_6_12] {
            let pin = 1 << FollFlag::Pin as u32 | 1 << FollFlag::Write as u32;
            let raw = Foll::from_canonical(pin, &rules);
            assert_eq!(Foll(raw.0 | 1 << 31).to_canonical(&rules), pin);
        }
    }

    #[test]
    fn no_bit_is_used_twice() {
        for table in [&FOLL_5_5, &FOLL_5_10, &FOLL_6_1, &FOLL_6_12] {
            let sum: u64 = table.iter().map(|&b| u64::from(b)).sum();
            let or = table.iter().fold(0, |a, &b| a | u64::from(b));
            assert_eq!(sum, or);
        }
    }
}
