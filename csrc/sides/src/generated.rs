// SPDX-License-Identifier: GPL-2.0
//! The headers that kbuild generates: does a changed tree need others?

use crate::{
    error::{Result, at},
    overlay::Overlay,
    store::{self, Store},
    tree::Tree,
};
use std::{fs, process::Command};

/// Can a change of this file affect what kbuild generates?
pub(crate) fn makes_headers(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.starts_with("Kconfig")
        || matches!(name, "Makefile" | "Kbuild")
        || file.starts_with("scripts/")
        || (file.starts_with("arch/x86/") && (name.ends_with(".tbl") || name.ends_with(".sh")))
}

/// Are the generated headers of a configuration still right for the tree with the overlay?
/// Only `bounds.h` depends on C headers.
pub(crate) fn generated_hold(
    tree: &Tree,
    debug_vm: bool,
    overlay: &Overlay,
    store: &Store,
) -> Result<bool> {
    let build = tree.build(debug_vm);
    let (path, expected) = (build.join("bounds.cmd"), build.join("bounds"));
    let command = fs::read_to_string(&path).map_err(at(&path))?;
    let expected = fs::read_to_string(&expected).map_err(at(&expected))?;
    let scratch = store::scratch(&store.overlays().join("new"))?;
    let file = scratch.path().join("overlay");
    fs::write(&file, overlay.description()).map_err(at(&file))?;
    let command = command
        .replace("@SRC@", &tree.src.display().to_string())
        .replace("-Wp,-MMD,kernel/.bounds.s.d", "")
        .replace(
            "-o kernel/bounds.s",
            &format!("-o - -ivfsoverlay {}", file.display()),
        );
    let output = Command::new("sh")
        .arg("-c")
        .arg(command)
        .current_dir(&build)
        .output()
        .map_err(at(&build))?;
    // if it does not compile, the compilation of the side reports that
    if !output.status.success() {
        return Ok(true);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let values = text.lines().filter_map(|line| {
        let (_, quoted) = line.split_once(".ascii")?;
        let value = quoted.split('"').nth(1)?;
        value.starts_with("->").then_some(value)
    });
    Ok(values.eq(expected.lines()))
}
