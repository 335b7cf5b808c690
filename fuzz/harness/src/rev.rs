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

/// A fact of `revisions.h`; [`Rev::has`] says for which revisions it is true.
pub type Fact = abi::gd_fact;

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
    /// Linux 5.15.
    pub const V5_15: Rev = Rev::of(abi::GD_REV_V5_15);
    /// Linux 6.1.
    pub const V6_1: Rev = Rev::of(abi::GD_REV_V6_1);
    /// Linux 6.5.
    pub const V6_5: Rev = Rev::of(abi::GD_REV_V6_5);
    /// Linux 6.6.
    pub const V6_6: Rev = Rev::of(abi::GD_REV_V6_6);
    /// Linux 6.12.
    pub const V6_12: Rev = Rev::of(abi::GD_REV_V6_12);
    /// Linux 6.14.
    pub const V6_14: Rev = Rev::of(abi::GD_REV_V6_14);
    /// Linux 7.3.
    pub const V7_3: Rev = Rev::of(abi::GD_REV_V7_3);

    /// The end of a range that later kernels belong to, too.
    pub const LATER: Rev = Rev::linux(u16::MAX, u16::MAX);

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

    /// Is it Linux `major.minor` or later?
    pub const fn is_since(self, major: u16, minor: u16) -> bool {
        !self.is_series() && self.number() >= Rev::linux(major, minor).number()
    }

    /// Is it a version of the FOLL_PIN series?
    #[inline]
    pub const fn is_series(self) -> bool {
        matches!(self, Rev::Series(_))
    }

    /// Is a fact true for it?
    #[inline]
    pub fn has(self, fact: Fact) -> bool {
        let info = &csrc::fact_table()[fact as usize];
        match self {
            Rev::Series(_) => self.number() >= info.series,
            Rev::Linux { .. } => info.kernel <= self.number() && self.number() < info.until,
        }
    }

    /// Does a folio of that order have a pin count?
    #[inline]
    pub fn has_pincount(self, order: u32) -> bool {
        let least = if self.has(Fact::PincountOfAll) { 1 } else { 2 };
        self.has(Fact::Pincount) && order >= least
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
        assert!(!Rev::V9.has(Fact::FastGrabWantsFlag));
        assert!(Rev::V10.has(Fact::FastGrabWantsFlag));
        assert!(Rev::V6_1.has(Fact::FastGrabWantsFlag));
        assert!(!Rev::V11.has(Fact::Pincount) && rev("5.10").has(Fact::Pincount));
        assert!(!rev("5.10").has_pincount(1) && rev("5.10").has_pincount(2));
        assert!(!rev("5.10").has(Fact::ZeroPage));
        assert!(!rev("6.1").has(Fact::SlowGrabRefs) && rev("6.11").has(Fact::SlowGrabRefs));
        assert!(rev("6.16").has(Fact::SanityCheck) && !rev("6.17").has(Fact::SanityCheck));
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
}
