// SPDX-License-Identifier: GPL-2.0
//! Compiles every prepared kernel and every version of the FOLL_PIN series into
//! one object with one global symbol and links them all; generates the Rust
//! view of the ABI header.
//!
//! Reads `.kernels/` of the workspace (made by `make setup`) and:
//!
//! * `GUPDIFF_KERNELS_DIR`: where the prepared kernels are, instead;
//! * `GUPDIFF_EXTRA_KERNEL`: one more prepared kernel (a tree of the user's, a
//!   patched copy);
//! * `GUPDIFF_C_COVERAGE`: `none`, `libfuzzer`, `afl`, `honggfuzz` or `source`,
//!   where the guess from cargo's environment is wrong.

mod build {
    pub mod abi;
    pub mod compile;
    pub mod coverage;
    pub mod gaps;
    pub mod prepared;
    pub mod series;
    pub mod sides;
    pub mod table;
}

use anyhow::{Context, Result};
use build::{abi, compile, coverage::Coverage, sides, table};
use std::{env, path::PathBuf};

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
    for dir in ["abi", "shim", "env", "overlay", "series", "build"] {
        println!("cargo:rerun-if-changed={}", here.join(dir).display());
    }
    println!("cargo:rerun-if-changed=build.rs");

    abi::generate(&here, &out)?;
    let sides = sides::all(&here, &out)?;
    let compiler = compile::Compiler::new(&here, &out, Coverage::detect())?;
    let objects = compiler.compile_all(&sides)?;
    table::link(&here, &out, &sides, &objects)
}
