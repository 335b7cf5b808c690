// SPDX-License-Identifier: GPL-2.0
//! Translates the ABI header to Rust.

use anyhow::Result;
use bindgen::callbacks::{EnumVariantValue, ParseCallbacks};
use std::path::Path;

/// The vocabulary of the tables: enums in Rust, too, so that a new word does not compile
/// until it is handled.
const WORDS: &str = "gd_(arg|n|val|layer|effect_kind|what|by|of|callers|lock|faults|part|fact)";

/// `GD_BY_UP_TO_N` becomes `gd_by::UpToN`.
#[derive(Debug)]
struct Words;

impl ParseCallbacks for Words {
    fn enum_variant_name(
        &self,
        enum_name: Option<&str>,
        variant: &str,
        _value: EnumVariantValue,
    ) -> Option<String> {
        let name = enum_name?.trim_start_matches("enum ");
        let word = name.strip_prefix("gd_")?;
        let is_word = WORDS.split(['(', '|', ')']).any(|one| one == word);
        let rest = variant.strip_prefix(&format!("{}_", name.to_uppercase()));
        rest.filter(|_| is_word).map(|rest| {
            let camel = |part: &str| part[..1].to_string() + &part[1..].to_lowercase();
            rest.split('_').map(camel).collect()
        })
    }
}

/// Writes `abi.rs`, bindgen's translation of `abi/gupdiff.h`.
pub fn generate(here: &Path, out: &Path) -> Result<()> {
    bindgen::Builder::default()
        .header(here.join("abi/gupdiff.h").display().to_string())
        .header(here.join("abi/live.h").display().to_string())
        .use_core()
        .allowlist_item("gd_.*")
        .allowlist_item("GD_.*")
        .prepend_enum_name(false)
        .rustified_enum(WORDS)
        .parse_callbacks(Box::new(Words))
        .derive_default(true)
        .derive_eq(true)
        .derive_hash(true)
        .generate_comments(true)
        .layout_tests(true)
        .generate()?
        .write_to_file(out.join("abi.rs"))?;
    Ok(())
}
