// SPDX-License-Identifier: GPL-2.0
//! What the caller asks of the compiler: `GUPDIFF_CC` is another clang, `GUPDIFF_CFLAGS` has
//! further flags for the code under test, those of a sanitizer for instance.

use super::unit::harness;
use std::{env, sync::OnceLock};

/// The harness is written for clang's hooks.
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

/// Further flags of the code under test; the harness around it has none of them.
pub fn flags() -> Vec<String> {
    let given = env::var("GUPDIFF_CFLAGS").unwrap_or_default();
    given.split_whitespace().map(str::to_owned).collect()
}

/// What the linker needs for these flags: clang's own coverage comes with a runtime that
/// calls the C library.  What other flags call is in the program that loads the object.
pub fn link_flags() -> Vec<String> {
    if !flags().iter().any(|flag| flag == PROFILE) {
        return Vec::new();
    }
    let atexit = harness().join("flavours/atexit.c").display().to_string();
    [PROFILE, "-fPIC", &atexit, "-lc"].map(str::to_owned).into()
}
