// SPDX-License-Identifier: GPL-2.0
//! The flavours of a build and their compiler flags.

use anyhow::{Context, Result};
use std::{fs, path::Path};

/// The flavours in which the series is built: for no engine, and for each of them.
pub const FLAVOURS: [&str; 4] = ["none", "libfuzzer", "afl", "honggfuzz"];

/// Flags for the code under test; the harness around it is not instrumented.
pub fn flags(here: &Path, flavour: &str) -> Result<Vec<String>> {
    let file = here.join("flavours").join(flavour);
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}
