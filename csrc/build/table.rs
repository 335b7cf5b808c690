// SPDX-License-Identifier: GPL-2.0
//! The linked kernels as a table in Rust, and the archive that holds them.

use super::sides::Side;
use anyhow::{Context, Result};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Writes `kernels.rs` and the archive, and tells cargo to link it.
pub fn link(here: &Path, out: &Path, sides: &[Side], objects: &[PathBuf]) -> Result<()> {
    let mut rust = String::from("unsafe extern \"C\" {\n");
    for side in sides {
        writeln!(
            rust,
            "    static gd_kernel_{}: crate::abi::gd_kernel;",
            side.ident()
        )?;
    }
    writeln!(
        rust,
        "}}\n\npub(crate) static KERNELS: [Kernel; {}] = [",
        sides.len()
    )?;
    for side in sides {
        writeln!(
            rust,
            "    Kernel {{ name: {:?}, raw: &raw const gd_kernel_{}, rust: {:?}, gup_sha256: {:?}, \
             config_sha256: {:?}, origin: {:?}, control: {:?}, tree: {:?}, lock: Mutex::new(()) }},",
            side.name,
            side.ident(),
            side.rust,
            side.gup_sha256,
            side.config_sha256,
            side.origin,
            side.control.as_ref().map(|(_, kind)| kind),
            side.tree(here).display().to_string(),
        )?;
    }
    rust.push_str("];\n");
    fs::write(out.join("kernels.rs"), rust).context("kernels.rs")?;

    cc::Build::new()
        .compiler("clang-19")
        .no_default_flags(true)
        .flag("-O1")
        .flag("-fPIE")
        .include(here.join("abi"))
        .file(here.join("abi/table.c"))
        .objects(objects)
        .warnings(false)
        .try_compile("gupdiff_kernels")
        .context("the archive of kernels cannot be made")?;
    Ok(())
}
