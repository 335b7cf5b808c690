// SPDX-License-Identifier: GPL-2.0
//! Revisions, and facts about them.
//!
//! `csrc/abi/revisions.h` lists the known revisions and the facts that the fuzzer needs:
//! what a pin is, whether there is a lockless walk.  Code checks facts by name
//! ([`Rev::has`]) and does not compare versions.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use csrc::abi;

/// A revision of the code: a version of the FOLL_PIN series as posted (`v8`) or
/// a kernel's (`6.1`).
///
/// Revisions are ordered by age within the series and within the kernels: 6.2 is older than
/// 6.12.  A version of the series and a kernel are not comparable; a kernel does not
/// inherit from the series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rev {
    /// A version of the FOLL_PIN series.
    Series(u16),
    /// `VERSION.PATCHLEVEL` of a kernel.
    Linux {
        /// The number before the dot.
        major: u16,
        /// The number after the dot.
        minor: u16,
    },
}

impl Rev {
    /// Version 8 of the FOLL_PIN series.
    pub const V8: Rev = Rev::of(abi::GD_REV_V8);
    /// Version 9.
    pub const V9: Rev = Rev::of(abi::GD_REV_V9);
    /// Version 10.
    pub const V10: Rev = Rev::of(abi::GD_REV_V10);
    /// Version 11.
    pub const V11: Rev = Rev::of(abi::GD_REV_V11);
    /// Linux 5.10.
    pub const V5_10: Rev = Rev::of(abi::GD_REV_V5_10);
    /// Linux 6.1.
    pub const V6_1: Rev = Rev::of(abi::GD_REV_V6_1);
    /// Linux 6.12.
    pub const V6_12: Rev = Rev::of(abi::GD_REV_V6_12);
    /// Linux 7.3.
    pub const V7_3: Rev = Rev::of(abi::GD_REV_V7_3);

    /// Linux `major.minor`.
    pub const fn linux(major: u16, minor: u16) -> Rev {
        Rev::Linux { major, minor }
    }

    /// By its number in `revisions.h`.
    const fn of(number: u32) -> Rev {
        match number >> 16 {
            0 => Rev::Series(number as u16),
            major => Rev::linux(major as u16, number as u16),
        }
    }

    /// The number for facts: comparable within the series, and within the kernels.
    const fn number(self) -> u32 {
        match self {
            Rev::Series(version) => version as u32,
            Rev::Linux { major, minor } => (major as u32) << 16 | minor as u32,
        }
    }

    /// For lists: the series before the kernels, each by age.
    pub const fn place(self) -> (bool, u32) {
        (!self.is_series(), self.number())
    }

    /// Is it a version of the FOLL_PIN series?
    #[inline]
    pub const fn is_series(self) -> bool {
        matches!(self, Rev::Series(_))
    }

    /// Is a fact true for it?
    #[inline]
    pub const fn has(self, fact: Fact) -> bool {
        match self {
            Rev::Series(_) => self.number() >= fact.series,
            Rev::Linux { .. } => fact.kernel <= self.number() && self.number() < fact.until,
        }
    }

    /// Does a folio of that order have a pin count?
    #[inline]
    pub const fn has_pincount(self, order: u32) -> bool {
        let least = if self.has(Fact::PINCOUNT_OF_ALL) {
            1
        } else {
            2
        };
        self.has(Fact::PINCOUNT) && order >= least
    }

    /// The known revisions, oldest first, the series before the kernels.
    pub fn known() -> &'static [Rev] {
        static KNOWN: LazyLock<Vec<Rev>> = LazyLock::new(|| {
            let table = csrc::revision_table().iter();
            table.map(|info| Rev::of(info.number)).collect()
        });
        &KNOWN
    }

    /// The known kernels.
    pub fn kernels() -> impl Iterator<Item = Rev> {
        Rev::known().iter().copied().filter(|rev| !rev.is_series())
    }

    /// The oldest known revision of the series, if it is one of the series, else
    /// the oldest known kernel.
    pub fn oldest_of_its_kind(self) -> Rev {
        let mut known = Rev::known().iter().copied();
        let found = known.find(|rev| rev.is_series() == self.is_series());
        found.unwrap_or(self)
    }
}

impl PartialOrd for Rev {
    #[inline]
    fn partial_cmp(&self, other: &Rev) -> Option<Ordering> {
        (self.is_series() == other.is_series()).then(|| self.number().cmp(&other.number()))
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rev::Series(version) => write!(f, "v{version}"),
            Rev::Linux { major, minor } => write!(f, "{major}.{minor}"),
        }
    }
}

/// A string that looks neither like `6.12` nor like `v8`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a revision; expected for example 6.1 or v8")]
pub struct RevError(pub String);

impl FromStr for Rev {
    type Err = RevError;

    fn from_str(s: &str) -> Result<Self, RevError> {
        let number = |s: &str| match s.bytes().all(|b| b.is_ascii_digit()) {
            true => s.parse().ok(),
            false => None,
        };
        let rev = match (s.strip_prefix('v'), s.split_once('.')) {
            (Some(version), _) => number(version).map(Rev::Series),
            (None, Some((major, minor))) => number(major)
                .zip(number(minor))
                .map(|(major, minor)| Rev::Linux { major, minor }),
            (None, None) => None,
        };
        rev.ok_or_else(|| RevError(s.to_string()))
    }
}

/// The revisions for which something is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    series: u32,
    kernel: u32,
    until: u32,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident $series:ident $kernel:ident $until:ident;)*) => {
        impl Fact {
            $($(#[$doc])* pub const $name: Fact = Fact {
                series: abi::$series,
                kernel: abi::$kernel,
                until: abi::$until,
            };)*

            /// Every fact by its name, in the order of the table.
            pub const ALL: &'static [(&'static str, Fact)] =
                &[$((stringify!($name), Fact::$name)),*];
        }
    };
}

facts! {
    /// A page can become a tail of any folio.
    FAR_TAILS GD_FACT_FAR_TAILS_SERIES GD_FACT_FAR_TAILS_KERNEL GD_FACT_FAR_TAILS_UNTIL;
    /// There is devmap_managed_key.
    DEVMAP_KEY GD_FACT_DEVMAP_KEY_SERIES GD_FACT_DEVMAP_KEY_KERNEL GD_FACT_DEVMAP_KEY_UNTIL;
    /// Large folios have an exact pin count.  Without one, a pin is 1024
    /// references.
    PINCOUNT
        GD_FACT_PINCOUNT_SERIES GD_FACT_PINCOUNT_KERNEL GD_FACT_PINCOUNT_UNTIL;
    /// All large folios have it; before, not those of two pages.
    PINCOUNT_OF_ALL
        GD_FACT_PINCOUNT_OF_ALL_SERIES GD_FACT_PINCOUNT_OF_ALL_KERNEL GD_FACT_PINCOUNT_OF_ALL_UNTIL;
    /// Pins are counted as acquired and released without CONFIG_DEBUG_VM, too.
    COUNTERS
        GD_FACT_COUNTERS_SERIES GD_FACT_COUNTERS_KERNEL GD_FACT_COUNTERS_UNTIL;
    /// The zero page is never pinned.
    ZERO_PAGE
        GD_FACT_ZERO_PAGE_SERIES GD_FACT_ZERO_PAGE_KERNEL GD_FACT_ZERO_PAGE_UNTIL;
    /// get_page() and put_page() leave slab pages alone.
    SLAB_HAS_NO_COUNT
        GD_FACT_SLAB_HAS_NO_COUNT_SERIES GD_FACT_SLAB_HAS_NO_COUNT_KERNEL
        GD_FACT_SLAB_HAS_NO_COUNT_UNTIL;
    /// The slow path's grab checks the count whatever the flags are.
    SLOW_GRAB_LOOKS_FIRST
        GD_FACT_SLOW_GRAB_LOOKS_FIRST_SERIES GD_FACT_SLOW_GRAB_LOOKS_FIRST_KERNEL GD_FACT_SLOW_GRAB_LOOKS_FIRST_UNTIL;
    /// The slow path's grab takes `refs` references; before, always one.
    SLOW_GRAB_REFS
        GD_FACT_SLOW_GRAB_REFS_SERIES GD_FACT_SLOW_GRAB_REFS_KERNEL GD_FACT_SLOW_GRAB_REFS_UNTIL;
    /// With FOLL_GET and FOLL_PIN together the lockless grab takes references; otherwise it
    /// pins.
    FAST_GRAB_PREFERS_GET
        GD_FACT_FAST_GRAB_PREFERS_GET_SERIES GD_FACT_FAST_GRAB_PREFERS_GET_KERNEL GD_FACT_FAST_GRAB_PREFERS_GET_UNTIL;
    /// With neither flag the lockless grab takes nothing; before, references.
    FAST_GRAB_WANTS_FLAG
        GD_FACT_FAST_GRAB_WANTS_FLAG_SERIES GD_FACT_FAST_GRAB_WANTS_FLAG_KERNEL GD_FACT_FAST_GRAB_WANTS_FLAG_UNTIL;
    /// The requested number of references is dropped; before, at least one, and none if
    /// there are fewer (CONFIG_DEBUG_VM).
    PUTS_ANY_NUMBER
        GD_FACT_PUTS_ANY_NUMBER_SERIES GD_FACT_PUTS_ANY_NUMBER_KERNEL GD_FACT_PUTS_ANY_NUMBER_UNTIL;
    /// Unpinning an anonymous page that is not exclusive is a BUG
    /// (CONFIG_DEBUG_VM).
    SANITY_CHECK
        GD_FACT_SANITY_CHECK_SERIES GD_FACT_SANITY_CHECK_KERNEL GD_FACT_SANITY_CHECK_UNTIL;
    /// A list whose length is an errno is refused with a WARN.
    LISTS_REFUSE_ERRNO
        GD_FACT_LISTS_REFUSE_ERRNO_SERIES GD_FACT_LISTS_REFUSE_ERRNO_KERNEL GD_FACT_LISTS_REFUSE_ERRNO_UNTIL;
    /// NULL in a list is skipped.
    LISTS_SKIP_NULL
        GD_FACT_LISTS_SKIP_NULL_SERIES GD_FACT_LISTS_SKIP_NULL_KERNEL GD_FACT_LISTS_SKIP_NULL_UNTIL;
    /// There is a lockless walk, and operations have hook points.
    WALK
        GD_FACT_WALK_SERIES GD_FACT_WALK_KERNEL GD_FACT_WALK_UNTIL;
    /// The walk's entry points check their arguments and return errnos.
    WALK_CHECKS_ARGS
        GD_FACT_WALK_CHECKS_ARGS_SERIES GD_FACT_WALK_CHECKS_ARGS_KERNEL GD_FACT_WALK_CHECKS_ARGS_UNTIL;
    /// The walk leaves long-term pins of files, and truncated pages, to the slow path.
    WALK_LEAVES_FILES
        GD_FACT_WALK_LEAVES_FILES_SERIES GD_FACT_WALK_LEAVES_FILES_KERNEL GD_FACT_WALK_LEAVES_FILES_UNTIL;
    /// For a part of a block, the walk grabbed the block's first page.
    WALK_GRABBED_BLOCKS
        GD_FACT_WALK_GRABBED_BLOCKS_SERIES GD_FACT_WALK_GRABBED_BLOCKS_KERNEL GD_FACT_WALK_GRABBED_BLOCKS_UNTIL;
    /// The same again.
    WALK_GRABS_BLOCKS
        GD_FACT_WALK_GRABS_BLOCKS_SERIES GD_FACT_WALK_GRABS_BLOCKS_KERNEL GD_FACT_WALK_GRABS_BLOCKS_UNTIL;
    /// The huge bit alone says whether an entry is a leaf; before, other bits matter, too.
    WALK_READS_LEAF_BITS
        GD_FACT_WALK_READS_LEAF_BITS_SERIES GD_FACT_WALK_READS_LEAF_BITS_KERNEL
        GD_FACT_WALK_READS_LEAF_BITS_UNTIL;
    /// Entries can be marked as device memory, whose pages the walk takes one by
    /// one.
    WALK_DEVICE_ENTRIES
        GD_FACT_WALK_DEVICE_ENTRIES_SERIES GD_FACT_WALK_DEVICE_ENTRIES_KERNEL
        GD_FACT_WALK_DEVICE_ENTRIES_UNTIL;
    /// Huge entries can be special, like PTEs.
    WALK_SPECIAL_BLOCKS
        GD_FACT_WALK_SPECIAL_BLOCKS_SERIES GD_FACT_WALK_SPECIAL_BLOCKS_KERNEL GD_FACT_WALK_SPECIAL_BLOCKS_UNTIL;
    /// An entry without a page ends the slow path; before, its slot in `pages[]` was left
    /// unchanged.
    SLOW_STOPS_AT_NO_PAGE
        GD_FACT_SLOW_STOPS_AT_NO_PAGE_SERIES GD_FACT_SLOW_STOPS_AT_NO_PAGE_KERNEL
        GD_FACT_SLOW_STOPS_AT_NO_PAGE_UNTIL;
    /// hugetlbfs VMAs are followed by separate functions, which assume that all their
    /// entries are huge.
    HAS_FOLLOW_HUGETLB_PAGE
        GD_FACT_HAS_FOLLOW_HUGETLB_PAGE_SERIES GD_FACT_HAS_FOLLOW_HUGETLB_PAGE_KERNEL
        GD_FACT_HAS_FOLLOW_HUGETLB_PAGE_UNTIL;
    /// The first line of a WARN's log starts with file and line.
    WARN_PLACE_FIRST
        GD_FACT_WARN_PLACE_FIRST_SERIES GD_FACT_WARN_PLACE_FIRST_KERNEL
        GD_FACT_WARN_PLACE_FIRST_UNTIL;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    fn rev(s: &str) -> Rev {
        s.parse().unwrap()
    }

    #[test]
    fn revisions_order_as_kernels_do() {
        assert!(rev("6.2") < rev("6.12"));
        assert!(rev("5.10") < rev("6.1"));
        assert!(rev("v8") < rev("v11"));
        assert_eq!(rev("6.12").to_string(), "6.12");
        assert_eq!(rev("v9").to_string(), "v9");
        for bad in [
            "", "6", "6.", ".1", "6.1.2", "v6.1", "v", "6.x", "+6.1", "70000.1",
        ] {
            assert!(bad.parse::<Rev>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_series_is_neither_older_nor_newer_than_a_kernel() {
        for (series, kernel) in [("v11", "4.0"), ("v8", "6.12")] {
            assert_eq!(rev(series).partial_cmp(&rev(kernel)), None);
        }
        assert!(!(Rev::V8..=Rev::V11).contains(&rev("5.10")));
        assert_eq!(rev("5.4").oldest_of_its_kind(), Rev::V5_10);
        assert_eq!(rev("v3").oldest_of_its_kind(), Rev::V8);
    }

    #[test]
    fn a_fact_of_the_series_is_none_of_a_kernels() {
        assert!(!Rev::V9.has(Fact::FAST_GRAB_WANTS_FLAG));
        assert!(Rev::V10.has(Fact::FAST_GRAB_WANTS_FLAG));
        assert!(Rev::V6_1.has(Fact::FAST_GRAB_WANTS_FLAG));
        assert!(!Rev::V11.has(Fact::PINCOUNT) && rev("5.10").has(Fact::PINCOUNT));
        assert!(!rev("5.10").has_pincount(1) && rev("5.10").has_pincount(2));
        assert!(!rev("5.10").has(Fact::ZERO_PAGE));
        assert!(!rev("6.1").has(Fact::SLOW_GRAB_REFS) && rev("6.11").has(Fact::SLOW_GRAB_REFS));
        assert!(rev("6.16").has(Fact::SANITY_CHECK) && !rev("6.17").has(Fact::SANITY_CHECK));
    }

    #[test]
    fn the_known_revisions_are_those_of_the_table_in_its_order() {
        let texts = csrc::revision_table().iter().map(|info| {
            // SAFETY: a string literal of the C side.
            unsafe { CStr::from_ptr(info.text) }.to_str().unwrap()
        });
        let texts: Vec<&str> = texts.collect();
        let known: Vec<String> = Rev::known().iter().map(Rev::to_string).collect();
        assert_eq!(known, texts);
        assert!(Rev::known().is_sorted_by_key(|rev| rev.place()));
    }

    #[test]
    fn every_fact_of_the_table_has_its_name_here() {
        let facts = csrc::fact_table().iter().map(|info| {
            // SAFETY: a string literal of the C side.
            let name = unsafe { CStr::from_ptr(info.name) }.to_str().unwrap();
            let fact = Fact {
                series: info.series,
                kernel: info.kernel,
                until: info.until,
            };
            (name, fact)
        });
        assert!(facts.eq(Fact::ALL.iter().copied()));
    }
}
