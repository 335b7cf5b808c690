// SPDX-License-Identifier: GPL-2.0
//! Lets an engine's target load sides: the objects call the engine's coverage
//! functions, which the linker would otherwise leave out or hide.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let on = |engine: &str| std::env::var_os(format!("CARGO_FEATURE_{engine}")).is_some();
    if ["LIBFUZZER", "AFL", "HONGGFUZZ"].into_iter().any(on) {
        for symbol in ["__sanitizer_cov_*", "__sancov_lowest_stack"] {
            println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol={symbol}");
        }
    }
}
