// SPDX-License-Identifier: GPL-2.0
//! The versions of the FOLL_PIN series, whose objects are built into this program.

use crate::{LoadError, Object};

/// A version of the series in one configuration, or a variant of it.
#[derive(Debug)]
pub struct Series {
    /// The NAME of `c:NAME` and `rust:NAME`, for example v8.
    pub name: &'static str,
    /// The version.
    pub version: u32,
    /// Is it built with CONFIG_DEBUG_VM?
    pub debug_vm: bool,
    /// Its release string.
    pub release: &'static str,
    /// sha256 of its sources: the files of `csrc/series`, concatenated, sorted by path.
    pub source_sha256: &'static str,
    /// sha256 of the macros with which it is compiled.
    pub config_sha256: &'static str,
    /// By flavour: a file of `csrc/flavours`.
    objects: [(&'static str, &'static [u8]); 4],
}

include!(concat!(env!("OUT_DIR"), "/series.rs"));

/// Every version in both configurations, then the variants.
pub fn series() -> &'static [Series] {
    SERIES
}

impl Series {
    /// Loads its object in a flavour: that of an engine, by its name, else `none`.
    pub fn load(&self, flavour: &str) -> Result<Object, LoadError> {
        let [(_, none), ..] = self.objects;
        let found = self.objects.iter().find(|(name, _)| *name == flavour);
        let object = found.map_or(none, |(_, object)| object);
        Object::from_bytes(object, &format!("c:{}", self.name))
    }
}
