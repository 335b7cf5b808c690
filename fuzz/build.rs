// SPDX-License-Identifier: GPL-2.0
//! How the engines' targets are linked: loaded sides call the engine's runtime,
//! which is part of the target.
//!
//! Reads `GUPDIFF_AFL_RUNTIME`, the path of AFL++'s runtime, where AFL++'s
//! target is built without `cargo afl build`, which would pass it.

use std::env;

/// The target of each engine, by its feature.
const TARGETS: [(&str, &str); 3] = [
    ("CARGO_FEATURE_LIBFUZZER", "gup"),
    ("CARGO_FEATURE_AFL", "gup_afl"),
    ("CARGO_FEATURE_HONGGFUZZ", "gup_hfuzz"),
];

/// What code calls that is compiled for coverage of lines.
const EXECUTED: &str = "../csrc/shim/executed.c";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={EXECUTED}");
    println!("cargo:rerun-if-env-changed=GUPDIFF_AFL_RUNTIME");
    for (feature, target) in TARGETS {
        if env::var_os(feature).is_none() {
            continue;
        }
        for symbols in ["__sanitizer_cov_*", "__sancov_lowest_stack"] {
            println!("cargo:rustc-link-arg-bin={target}=-Wl,--export-dynamic-symbol={symbols}");
        }
    }
    if env::var_os("CARGO_FEATURE_AFL").is_some()
        && let Some(runtime) = env::var_os("GUPDIFF_AFL_RUNTIME").filter(|v| !v.is_empty())
    {
        println!("cargo:rustc-link-arg-bin=gup_afl={}", runtime.display());
    }
    if env::var_os("CARGO_FEATURE_COVERAGE").is_some() {
        cc::Build::new()
            .compiler("clang-19")
            .no_default_flags(true)
            .flag("-O1")
            .flag("-fPIE")
            .file(EXECUTED)
            .warnings(false)
            .cargo_metadata(false)
            .compile("gupdiff_executed");
        let out = env::var("OUT_DIR").expect("cargo sets it");
        println!("cargo:rustc-link-search=native={out}");
        // whole: the linker reads it before crate gup, which calls it
        println!("cargo:rustc-link-lib=static:+whole-archive=gupdiff_executed");
    }
}
