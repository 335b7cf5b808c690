// SPDX-License-Identifier: GPL-2.0
//! kconfig drops what it cannot have without a word: the prepared kernels must
//! have what the world is made of.

use crate::common::kernel;
use gup_sides::{
    Store,
    recipe::split_name,
    tree::{Tree, tested_sides},
};
use std::fs;

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

/// Options that not every known kernel has yet, and the file that declares them.
const LATER: [(&str, &str); 2] = [
    ("CONFIG_SECRETMEM", "mm/Kconfig"),
    ("CONFIG_X86_USER_SHADOW_STACK", "arch/x86/Kconfig"),
];

#[test]
fn prepared_kernels_have_the_required_options() {
    let required = required();
    assert!(required.len() > 30, "required.config was not read");
    for name in tested_sides() {
        let (tree, debug_vm) = split_name(&name);
        let tree = Tree::find(&Store::find(), tree).unwrap().unwrap();
        let path = tree.build(debug_vm).join(".config");
        let config =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let on = |option: &str| config.lines().any(|l| l == format!("{option}=y"));
        // What is not in the file came later.
        let came_later = |option: &str| {
            let name = option.trim_start_matches("CONFIG_");
            let Some((_, file)) = LATER.iter().find(|(later, _)| *later == option) else {
                return false;
            };
            let kconfig = fs::read_to_string(tree.src.join(file)).unwrap();
            !kconfig.lines().any(|l| l == format!("config {name}"))
        };
        for &(option, wanted) in &required {
            let wanted = wanted && !came_later(option);
            assert_eq!(on(option), wanted, "{name}: {option}");
        }
        assert_eq!(on("CONFIG_DEBUG_VM"), debug_vm, "{name}");
        assert_eq!(kernel(&name).debug_vm(), debug_vm, "{name}");
        let lacks = tree.lacks(debug_vm);
        assert!(lacks.iter().all(|option| came_later(option)), "{name}");
    }
}
