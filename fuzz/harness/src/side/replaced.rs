// SPDX-License-Identifier: GPL-2.0
//! What a program replaces behind the names of sides: an engine's target has its kernel
//! objects and its copy of crate `gup` instrumented, a test of the oracle has a copy of
//! `gup` with planted faults.  This crate has the plain ones, and so is compiled only once
//! for all of them.

use std::sync::OnceLock;

use gup_sides::Flavour;

use super::Side;
use super::rust::RustSide;

/// What a program brings along.
#[derive(Debug)]
pub struct Replacement {
    /// The flavour in which kernel objects are compiled.
    pub flavour: Flavour,
    /// Opens a side by its name (`rust:6.1`), if it is one of the reimplementation.
    pub open_rust: fn(&str) -> Option<Box<dyn Side>>,
    /// Executes a little of the instrumented code.
    pub touch: fn(),
}

static REPLACEMENT: OnceLock<Replacement> = OnceLock::new();

fn open_rust(name: &str) -> Option<Box<dyn Side>> {
    Some(Box::new(RustSide::open(name)?))
}

const PLAIN: Replacement = Replacement {
    flavour: Flavour::None,
    open_rust,
    touch: || (),
};

/// Replaces them for the whole process; to be called before a side is opened.  Only the
/// first call counts.
pub fn replace(with: Replacement) {
    let _ = REPLACEMENT.set(with);
}

/// What is in use.
pub fn current() -> &'static Replacement {
    REPLACEMENT.get().unwrap_or(&PLAIN)
}
