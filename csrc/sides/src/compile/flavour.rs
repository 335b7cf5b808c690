// SPDX-License-Identifier: GPL-2.0
//! Who looks at the coverage of the code under test.

use std::fmt;

/// An engine's coverage flags; the files `csrc/flavours/*` hold them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// Nobody.
    #[default]
    None,
    /// libFuzzer.
    LibFuzzer,
    /// AFL++.
    Afl,
    /// honggfuzz.
    Honggfuzz,
    /// `gupdiff coverage`: which lines a program executes.
    Lines,
}

impl Flavour {
    /// Its name, which is its file's.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LibFuzzer => "libfuzzer",
            Self::Afl => "afl",
            Self::Honggfuzz => "honggfuzz",
            Self::Lines => "lines",
        }
    }

    /// Flags of the units with code under test; the harness has none of them.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        let text = match self {
            Self::None => include_str!("../../../flavours/none"),
            Self::LibFuzzer => include_str!("../../../flavours/libfuzzer"),
            Self::Afl => include_str!("../../../flavours/afl"),
            Self::Honggfuzz => include_str!("../../../flavours/honggfuzz"),
            Self::Lines => include_str!("../../../flavours/lines"),
        };
        text.lines()
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
