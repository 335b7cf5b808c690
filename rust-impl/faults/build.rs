// SPDX-License-Identifier: GPL-2.0
//! Copies the source of crate `gup` with every edit of `edits/` as an
//! alternative beside the original, and writes the list of faults.

mod build {
    pub mod copy;
    pub mod list;
    pub mod rewrite;
    pub mod syntax;
}

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use build::{copy, list};

fn main() {
    if let Err(e) = run() {
        // one readable message; cargo shows it below its own line
        eprintln!("\nerror: {e:#}\n");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("no manifest dir")?);
    let (source, edits) = (here.join("../src"), here.join("edits"));
    for path in [&source, &edits, &here.join("build"), &here.join("build.rs")] {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    let faults = list::read(&edits)?;
    let mut errors = Vec::new();
    copy::copy(&source, &out.join("gup"), &faults, &mut errors)?;
    let revisions = fs::read_to_string(source.join("revision.rs"))?;
    let list = list::source(&faults, &revisions, &mut errors)?;
    fs::write(out.join("faults.rs"), list)?;
    if !errors.is_empty() {
        bail!("faults of crate gup:\n{}", errors.join("\n"));
    }
    Ok(())
}
