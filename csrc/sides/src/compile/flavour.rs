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
        self.runs().next().into_iter().flatten()
    }

    /// Flags of further runs of the compiler, each on what the one before made; the last
    /// one makes the object. Without any, the first one does.
    pub(super) fn further(self) -> impl Iterator<Item = Vec<String>> {
        let target = ["-m64", "-fPIE", "-w"];
        let run = move |own: Vec<&str>| target.into_iter().chain(own).map(str::to_owned).collect();
        self.runs().skip(1).map(run)
    }

    fn runs(self) -> impl Iterator<Item = Vec<&'static str>> {
        let text = match self {
            Self::None => include_str!("../../../flavours/none"),
            Self::LibFuzzer => include_str!("../../../flavours/libfuzzer"),
            Self::Afl => include_str!("../../../flavours/afl"),
            Self::Honggfuzz => include_str!("../../../flavours/honggfuzz"),
            Self::Lines => include_str!("../../../flavours/lines"),
        };
        text.split("then\n").map(|run| run.lines().collect())
    }
}

/// The compiler's text of a unit whose blocks are marked by calls, with the callee declared
/// for what it is: it returns, and touches nothing that the unit sees.  So a mark does not
/// keep the optimiser from knowing values across it, and what no kernel contains is dropped.
/// There is no attribute in C that says so.
pub(super) fn harmless_marks(text: &str) -> String {
    const MARK: &str = "declare void @__sanitizer_cov_trace_pc()";
    let says = format!("{MARK} nounwind willreturn memory(inaccessiblemem: readwrite)");
    text.replacen(MARK, &says, 1)
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
