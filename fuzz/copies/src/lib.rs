// SPDX-License-Identifier: GPL-2.0
//! The Rust side once more, made from a copy of crate `gup`: instrumented for an engine, or
//! with planted faults, as the feature says.  A program calls `replace` first; then
//! `rust:` sides are those of the copy, and kernel objects are compiled for the engine.
//!
//! The side's source is that of crate `harness`, which is compiled against the plain `gup`
//! and does not depend on features: so the engines' targets share it.
#![cfg(any(
    feature = "libfuzzer",
    feature = "afl",
    feature = "honggfuzz",
    feature = "lines",
    feature = "faults"
))]

/// While no fault is selected, it does what the original does.
#[cfg(feature = "faults")]
extern crate gup_faults as gup;

// what the side's source uses of its crate
use harness::{effect, hooks, ops, program, side, site, trace};

#[allow(dead_code, unused_imports, reason = "harness uses more of it")]
#[path = "../../harness/src/side/rust/mod.rs"]
mod rust;

use std::hint::black_box;

use gup_sides::Flavour;
use harness::side::Side;
use harness::side::replaced::{self, Replacement};

#[cfg(not(any(feature = "faults", clippy, doc)))]
const _: () = assert!(
    gup::IS_INSTRUMENTED,
    "crate gup has no coverage: RUSTC_WRAPPER is not fuzz/rustc-coverage"
);

const FLAVOUR: Flavour = match () {
    () if cfg!(feature = "libfuzzer") => Flavour::LibFuzzer,
    () if cfg!(feature = "afl") => Flavour::Afl,
    () if cfg!(feature = "honggfuzz") => Flavour::Honggfuzz,
    () => Flavour::None,
};

fn open_rust(name: &str) -> Option<Box<dyn Side>> {
    Some(Box::new(rust::RustSide::open(name)?))
}

fn touch() {
    black_box(gup::Rules::by_name(black_box("6.1")));
}

/// From now on, `rust:` sides are made from the copy, and kernel objects are compiled for
/// the engine.  To be called before a side is opened.
pub fn replace() {
    replaced::replace(Replacement {
        flavour: FLAVOUR,
        open_rust,
        touch,
    });
}
