// SPDX-License-Identifier: GPL-2.0
//! kconfig drops what it cannot have without a word: the prepared kernels must
//! have what the world is made of.

use std::{env, fs, path::PathBuf};

fn kernels() -> PathBuf {
    env::var_os("GUPDIFF_KERNELS_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.kernels"),
        PathBuf::from,
    )
}

/// `OPTION=y` and `OPTION=n` of required.config.
fn required() -> Vec<(&'static str, bool)> {
    include_str!("../kernels/required.config")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.starts_with("CONFIG_"))
        .filter_map(|word| word.split_once('='))
        .map(|(option, value)| (option, value == "y"))
        .collect()
}

#[test]
fn prepared_kernels_have_the_required_options() {
    let required = required();
    assert!(required.len() > 30, "required.config was not read");
    for kernel in csrc::kernels()
        .iter()
        .filter(|k| k.control().is_none() && k.series().is_none())
    {
        let (name, build) = match kernel.name().strip_suffix("-nodebug") {
            Some(name) => (name, "build-nodebug"),
            None => (kernel.name(), "build"),
        };
        let path = kernels().join(name).join(build).join(".config");
        let config =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let on = |option: &str| config.lines().any(|l| l == format!("{option}=y"));
        for &(option, wanted) in &required {
            assert_eq!(on(option), wanted, "{}: {option}", kernel.name());
        }
        assert_eq!(on("CONFIG_DEBUG_VM"), build == "build", "{}", kernel.name());
        assert_eq!(
            on("CONFIG_DEBUG_VM"),
            kernel.debug_vm(),
            "{}",
            kernel.name()
        );
    }
}
