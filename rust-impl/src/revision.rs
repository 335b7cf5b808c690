// SPDX-License-Identifier: GPL-2.0
//! Revisions of the code, and sets of them.

/// Kernel revisions, oldest first, after the versions of the FOLL_PIN series.
///
/// The series was posted on top of 5.5.  Kernels do not inherit from it: common properties
/// are listed for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// The FOLL_PIN series, version 8, with the bugs that its review found.
    V8,
    /// Version 9, which fixes the findings of that review.
    V9,
    /// Version 10.
    V10,
    /// Version 11: as merged into 5.7, without the changes by other patches of the series.
    V11,
    /// Linux 5.10, with the backports of its stable series.
    V5_10,
    /// Linux 5.15.
    V5_15,
    /// Linux 6.1 (with the zero-page changes of its stable series).
    V6_1,
    /// Linux 6.5.
    V6_5,
    /// Linux 6.6.
    V6_6,
    /// Linux 6.12.
    V6_12,
    /// Linux 6.14.
    V6_14,
    /// Linux 7.3.
    V7_3,
}

macro_rules! names {
    ($($revision:ident $name:literal,)*) => {
        impl Revision {
            /// Every revision, in order.
            pub const ALL: &'static [Revision] = &[$(Revision::$revision,)*];

            /// `v8`, `6.1`, ...
            pub const fn name(self) -> &'static str {
                match self {
                    $(Revision::$revision => $name,)*
                }
            }

            /// `v8-nodebug`, `6.1-nodebug`, ...: without CONFIG_DEBUG_VM.
            pub(crate) const fn name_without_debug_vm(self) -> &'static str {
                match self {
                    $(Revision::$revision => concat!($name, "-nodebug"),)*
                }
            }
        }
    };
}

names! {
    V8 "v8",
    V9 "v9",
    V10 "v10",
    V11 "v11",
    V5_10 "5.10",
    V5_15 "5.15",
    V6_1 "6.1",
    V6_5 "6.5",
    V6_6 "6.6",
    V6_12 "6.12",
    V6_14 "6.14",
    V7_3 "7.3",
}

impl Revision {
    /// Is it a version of the FOLL_PIN series?
    #[inline]
    pub const fn is_series(self) -> bool {
        matches!(
            self,
            Revision::V8 | Revision::V9 | Revision::V10 | Revision::V11
        )
    }

    /// The revision with this name; at compile time, an unknown name is an error.
    const fn named(name: &[u8]) -> Revision {
        let mut i = 0;
        while i < Revision::ALL.len() {
            if same(Revision::ALL[i].name().as_bytes(), name) {
                return Revision::ALL[i];
            }
            i += 1;
        }
        panic!("no such revision")
    }
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// A set of revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revisions(u32);

impl Revisions {
    /// Parses changes: `6.1` adds that revision and all later ones, `6.12:-` removes that
    /// one and all later ones.  Versions of the series and kernels are independent.
    /// `csrc/abi/ops.h` uses the same notation.
    pub const fn since(changes: &'static str) -> Revisions {
        let mut rest = changes.as_bytes();
        let mut set = 0;
        while !rest.is_empty() {
            let mut end = 0;
            while end < rest.len() && rest[end] != b' ' {
                end += 1;
            }
            let (word, behind) = rest.split_at(end);
            let (from, gone) = match word {
                [name @ .., b':', b'-'] => (Revision::named(name), true),
                name => (Revision::named(name), false),
            };
            let later = Revisions::from(from).0;
            set = if gone { set & !later } else { set | later };
            rest = match behind {
                [b' ', behind @ ..] => behind,
                _ => behind,
            };
        }
        Revisions(set)
    }

    /// A revision and all later ones of the same kind, series or kernel.
    const fn from(first: Revision) -> Revisions {
        let mut set = 0;
        let mut i = 0;
        while i < Revision::ALL.len() {
            let one = Revision::ALL[i];
            if one.is_series() == first.is_series() && one as u32 >= first as u32 {
                set |= 1 << one as u32;
            }
            i += 1;
        }
        Revisions(set)
    }

    /// Does the set contain a revision?
    #[inline]
    pub const fn has(self, revision: Revision) -> bool {
        self.0 >> revision as u32 & 1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The names of those that are in the set.
    fn of(changes: &'static str) -> Vec<&'static str> {
        let set = Revisions::since(changes);
        let there = Revision::ALL.iter().copied().filter(|&r| set.has(r));
        there.map(Revision::name).collect()
    }

    /// All of one kind from one on.
    fn later(first: Revision) -> Vec<&'static str> {
        let there = Revision::ALL.iter().copied().skip_while(|&r| r != first);
        let there = there.filter(|r| r.is_series() == first.is_series());
        there.map(Revision::name).collect()
    }

    #[test]
    fn a_change_holds_until_the_next_one() {
        assert_eq!(of(""), [""; 0]);
        assert_eq!(of("v9 v11:-"), ["v9", "v10"]);
        assert_eq!(of("6.12"), later(Revision::V6_12));
        assert_eq!(
            of("v11 5.10 6.12:-"),
            ["v11", "5.10", "5.15", "6.1", "6.5", "6.6"]
        );
    }

    #[test]
    fn kernels_inherit_nothing_from_the_series() {
        assert_eq!(of("v8"), ["v8", "v9", "v10", "v11"]);
        assert_eq!(of("v8:- 6.1"), later(Revision::V6_1));
    }

    #[test]
    fn revisions_are_listed_in_their_order() {
        assert!(Revision::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            Revision::ALL
                .iter()
                .enumerate()
                .all(|(i, r)| *r as usize == i)
        );
    }

    #[test]
    #[should_panic(expected = "no such revision")]
    fn another_name_is_none() {
        Revisions::since("6.2");
    }
}
