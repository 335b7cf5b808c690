// SPDX-License-Identifier: GPL-2.0
//! The versions of the FOLL_PIN series, whose objects are part of this program:
//! they need no kernel tree.

use crate::{LoadError, Object};

/// A version of the series in one configuration, or a variant of one.
#[derive(Debug)]
pub struct Series {
    /// As in `c:v8`, and as in `rust:v8`.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// Whether it is built with CONFIG_DEBUG_VM.
    pub debug_vm: bool,
    /// What it calls itself.
    pub release: &'static str,
    /// sha256 of its sources: the files of `csrc/series`, one after the other,
    /// sorted by path.
    pub source_sha256: &'static str,
    /// sha256 of the macros that it is compiled with.
    pub config_sha256: &'static str,
    object: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/series.rs"));

/// Every version in both configurations, then the variants.
pub fn series() -> &'static [Series] {
    SERIES
}

impl Series {
    /// Loads its object.
    pub fn load(&self) -> Result<Object, LoadError> {
        Object::from_bytes(self.object, &format!("c:{}", self.name))
    }
}
