// SPDX-License-Identifier: GPL-2.0
//! Translates the ABI header to Rust.

use anyhow::Result;
use std::path::Path;

/// Writes `abi.rs`, bindgen's translation of `abi/gupdiff.h`.
pub fn generate(here: &Path, out: &Path) -> Result<()> {
    bindgen::Builder::default()
        .header(here.join("abi/gupdiff.h").display().to_string())
        .header(here.join("abi/live.h").display().to_string())
        .use_core()
        .allowlist_item("gd_.*")
        .allowlist_item("GD_.*")
        .prepend_enum_name(false)
        .derive_default(true)
        .derive_eq(true)
        .derive_hash(true)
        .generate_comments(true)
        .layout_tests(true)
        .generate()?
        .write_to_file(out.join("abi.rs"))?;
    Ok(())
}
