// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series as sides: `series/`, once per version, configuration
//! and variant.

use super::{
    compile::files,
    sides::{Code, Side},
};
use anyhow::Result;
use sha2::{Digest, Sha256};
use std::{fs, path::Path};

/// What `series/` is compiled with.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The version, or the variant's name; shown as the release.
    name: &'static str,
    version: u32,
    debug: bool,
    /// What it does differently, if anything.
    deviation: Option<&'static str>,
}

const VERSIONS: [(&str, u32); 4] = [("v8", 8), ("v9", 9), ("v10", 10), ("v11", 11)];

/// Readings of the posted code that the review is about: name, version, macro.
const VARIANTS: [(&str, u32, &str); 2] = [
    ("v9-bias32", 9, "GD_SERIES_BIAS32"),
    ("v8-signed", 8, "GD_SERIES_SIGNED"),
];

impl Variant {
    /// The macros, as `NAME=VALUE`.
    pub fn macros(&self) -> Vec<String> {
        let mut macros = vec![
            format!("GD_SERIES={}", self.version),
            format!("GD_SERIES_NAME=\"{}\"", self.name),
            format!("CONFIG_DEBUG_VM={}", u8::from(self.debug)),
        ];
        macros.extend(self.deviation.map(|name| format!("{name}=1")));
        macros
    }
}

/// Every version in both configurations, then the variants with CONFIG_DEBUG_VM.
pub fn sides(here: &Path) -> Result<Vec<Side>> {
    let mut sources = Sha256::new();
    for file in files(&here.join("series"))? {
        sources.update(fs::read(file)?);
    }
    let sources = format!("{:x}", sources.finalize());

    let versions = VERSIONS.into_iter().flat_map(|(name, version)| {
        [true, false].map(|debug| Variant {
            name,
            version,
            debug,
            deviation: None,
        })
    });
    let variants = VARIANTS.map(|(name, version, deviation)| Variant {
        name,
        version,
        debug: true,
        deviation: Some(deviation),
    });
    Ok(versions
        .chain(variants)
        .map(|variant| side(variant, &sources))
        .collect())
}

fn side(variant: Variant, sources: &str) -> Side {
    let suffix = if variant.debug { "" } else { "-nodebug" };
    let name = format!("{}{suffix}", variant.name);
    let config = variant.macros().join("\n") + "\n";
    Side {
        rust: name.clone(),
        name,
        code: Code::Series(variant),
        gup_sha256: sources.into(),
        config_sha256: format!("{:x}", Sha256::digest(config)),
        origin: "csrc/series".into(),
        control: None,
    }
}
