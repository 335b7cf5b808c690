// SPDX-License-Identifier: GPL-2.0
//! Crate `gup` with faults that can be planted: small slips of the kind that
//! patches make.  A comparison has to find each of them.
//!
//! Crate `gup` itself has no test code.  The build script takes its source and
//! makes every edit of `edits/` an alternative beside the original:
//!
//! ```text
//! if crate::fault::is(17) { BIAS } else { BIAS - 1 }
//! ```
//!
//! So all faults are in one build, and [`fault::select`] chooses at run time.
//! While none is selected, this crate does what `gup` does; a test holds it to
//! that.
#![forbid(unsafe_code)]
// Edits leave code that nobody would write.
#![allow(clippy::all, unused, unexpected_cfgs)]

pub mod fault;

include!(concat!(env!("OUT_DIR"), "/gup/lib.rs"));
