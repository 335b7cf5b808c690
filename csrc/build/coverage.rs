// SPDX-License-Identifier: GPL-2.0
//! Chooses the flavour of the build and its compiler flags.

use anyhow::{Context, Result};
use std::{env, fs, path::Path};

/// `GUPDIFF_C_COVERAGE`, else the engine whose feature is enabled.
fn flavour() -> String {
    println!("cargo:rerun-if-env-changed=GUPDIFF_C_COVERAGE");
    if let Ok(given) = env::var("GUPDIFF_C_COVERAGE")
        && !given.is_empty()
    {
        return given;
    }
    ["libfuzzer", "afl", "honggfuzz"]
        .into_iter()
        .find(|engine| env::var_os(format!("CARGO_FEATURE_{}", engine.to_uppercase())).is_some())
        .unwrap_or("none")
        .into()
}

/// Flags for the code under test; the harness around it is not instrumented.
pub fn flags(here: &Path) -> Result<Vec<String>> {
    let flavour = flavour();
    let file = here.join("flavours").join(&flavour);
    let text = fs::read_to_string(&file)
        .with_context(|| format!("GUPDIFF_C_COVERAGE={flavour}: unknown flavour"))?;
    Ok(text.lines().map(str::to_owned).collect())
}
