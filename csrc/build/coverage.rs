// SPDX-License-Identifier: GPL-2.0
//! Which engine is building, and what it wants of the C compiler.

use std::env;

/// The instrumentation of the C code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    None,
    LibFuzzer,
    Afl,
    Honggfuzz,
    Source,
}

impl Coverage {
    /// `GUPDIFF_C_COVERAGE`, else deduced from what each engine's cargo
    /// wrapper sets.
    pub fn detect() -> Self {
        for var in [
            "GUPDIFF_C_COVERAGE",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_HONGGFUZZ_TARGET_DIR",
        ] {
            println!("cargo:rerun-if-env-changed={var}");
        }
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        match env::var("GUPDIFF_C_COVERAGE").as_deref() {
            Ok("none") => Self::None,
            Ok("libfuzzer") => Self::LibFuzzer,
            Ok("afl") => Self::Afl,
            Ok("honggfuzz") => Self::Honggfuzz,
            Ok("source") => Self::Source,
            _ if flags.contains("instrument-coverage") => Self::Source,
            _ if flags.contains("inline-8bit-counters") => Self::LibFuzzer,
            _ if env::var_os("CARGO_HONGGFUZZ_TARGET_DIR").is_some() => Self::Honggfuzz,
            _ if flags.contains("afl-compiler-rt") => Self::Afl,
            _ => Self::None,
        }
    }

    /// Flags for the code under test; the harness around it is not
    /// instrumented.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::LibFuzzer => &["-fsanitize=fuzzer-no-link"],
            Self::Afl => &["-fsanitize-coverage=trace-pc-guard,trace-cmp"],
            Self::Honggfuzz => {
                &["-fsanitize-coverage=trace-pc-guard,trace-cmp,trace-div,indirect-calls"]
            }
            Self::Source => &["-fprofile-instr-generate", "-fcoverage-mapping"],
        }
    }
}
