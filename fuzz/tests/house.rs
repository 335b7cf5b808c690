// SPDX-License-Identifier: GPL-2.0
//! What nothing else in the repository would notice.

use std::fs;
use std::path::Path;

/// Cargo does not look for tests itself in these folders: each is one program.
const FOLDERS: [&str; 4] = [
    "fuzz/tests",
    "rust-impl/tests",
    "csrc/tests",
    "csrc/sides/tests",
];

#[test]
fn every_file_of_tests_is_a_module_of_its_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in FOLDERS {
        let folder = root.join(folder);
        let main = fs::read_to_string(folder.join("main.rs")).unwrap();
        let modules: Vec<_> = main
            .lines()
            .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
            .collect();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let holds_tests = path.extension().is_some_and(|e| e == "rs") && name != "main";
            assert!(
                !holds_tests || modules.contains(&name),
                "{} is not in main.rs",
                path.display()
            );
        }
    }
}
