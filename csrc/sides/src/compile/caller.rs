// SPDX-License-Identifier: GPL-2.0
//! Compiler settings from the environment: `GUPDIFF_CC` selects another clang, `GUPDIFF_CFLAGS`
//! has extra flags for the code under test, for example those of a sanitizer.

use super::unit::harness;
use std::{env, sync::OnceLock};

/// The harness needs clang's instrumentation.
const CLANG: &str = "clang-19";

/// Clang's own coverage.
const PROFILE: &str = "-fprofile-instr-generate";

/// The compiler.
pub fn clang() -> &'static str {
    static FOUND: OnceLock<String> = OnceLock::new();
    FOUND.get_or_init(|| match env::var("GUPDIFF_CC") {
        Ok(given) if !given.is_empty() => given,
        _ => CLANG.into(),
    })
}

/// Extra flags for the code under test; the harness is compiled without them.
pub fn flags() -> Vec<String> {
    let given = env::var("GUPDIFF_CFLAGS").unwrap_or_default();
    given.split_whitespace().map(str::to_owned).collect()
}

/// The linker flags for these flags: clang's own coverage needs a runtime, which calls the C
/// library.  The runtimes of other flags are in the program that loads the object.
pub fn link_flags() -> Vec<String> {
    if !flags().iter().any(|flag| flag == PROFILE) {
        return Vec::new();
    }
    let atexit = harness().join("flavours/atexit.c").display().to_string();
    [PROFILE, "-fPIC", &atexit, "-lc"].map(str::to_owned).into()
}
