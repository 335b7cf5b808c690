// SPDX-License-Identifier: GPL-2.0
//! Flavours: how the code under test is instrumented.

use std::fmt;

/// A set of coverage flags; they are in the files `csrc/flavours/*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// No instrumentation.
    #[default]
    None,
    /// libFuzzer.
    LibFuzzer,
    /// AFL++.
    Afl,
    /// honggfuzz.
    Honggfuzz,
    /// For `gupdiff coverage`: records the lines that a program executes.
    Lines,
}

impl Flavour {
    /// Its name, which is also the file's.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LibFuzzer => "libfuzzer",
            Self::Afl => "afl",
            Self::Honggfuzz => "honggfuzz",
            Self::Lines => "lines",
        }
    }

    /// Flags for the units with code under test; the harness is compiled without them.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        self.runs().next().into_iter().flatten()
    }

    /// Flags of further compiler runs, each on the output of the previous one; the last one
    /// makes the object.  If there are none, the first run makes the object.
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

/// Edits the LLVM IR of a unit whose blocks are instrumented with calls: declares that the
/// callee returns and does not touch memory that the unit sees.  Then these calls do not
/// prevent optimisations across them, and code that no kernel contains is still dropped.  C
/// has no attribute for this.
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
