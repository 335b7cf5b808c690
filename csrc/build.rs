// SPDX-License-Identifier: GPL-2.0
//! Translates the ABI header to Rust, compiles the table of operations, and compiles every
//! version of the FOLL_PIN series into a shared object that is included in the program.
//! Crate `gup-sides` compiles kernels.

mod build {
    pub mod abi;
    pub mod coverage;
    pub mod series;
}

use anyhow::{Context, Result};
use build::{abi, series};
use std::{env, path::PathBuf};

fn main() {
    if let Err(e) = run() {
        // one readable message; cargo prints it after its own line
        eprintln!("\nerror: {e:#}\n");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set")?);
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("no manifest dir")?);
    for file in [
        "abi", "shim", "overlay", "series", "build", "build.rs", "flavours",
    ] {
        println!("cargo:rerun-if-changed={}", here.join(file).display());
    }
    abi::generate(&here, &out)?;
    series::compile(&here, &out)?;
    cc::Build::new()
        .compiler(series::CLANG)
        .no_default_flags(true)
        .flag("-O1")
        .flag("-fPIE")
        .include(here.join("abi"))
        .file(here.join("abi/table.c"))
        .warnings(false)
        .try_compile("gupdiff_table")
        .context("the table of operations cannot be compiled")
}
