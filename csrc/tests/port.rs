// SPDX-License-Identifier: GPL-2.0
//! What depends on the kernel's version stands in the port layer, and the rest
//! of the C side names no version: not in code, not in comments.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folders that run in every kernel.
const FOLDERS: [&str; 4] = ["shim", "env", "overlay", "live"];
/// The port layer; csrc/live/port.h is the module's part of it.
const PORT: [&str; 2] = ["shim/port", "live/port.h"];
/// Where it is decided whether this is the FOLL_PIN series or a kernel, which have
/// headers and surroundings of their own.
const SERIES: [&str; 3] = ["shim/harness.h", "shim/harness.c", "shim/kernel.c"];

/// Macros that ask for a version.
const MACROS: [&str; 4] = [
    "GD_SINCE",
    "LINUX_VERSION_CODE",
    "KERNEL_VERSION",
    "LINUX_VERSION_MAJOR",
];

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    entries.flat_map(below).collect()
}

/// The versions of kernels in a line: `6.12`, but not `GPL-2.0`.
fn versions(line: &str) -> Vec<&str> {
    let part_of_a_word = |c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c);
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    let version = |word: &&str| {
        let word = word.trim_end_matches('.').trim_start_matches('v');
        word.split_once('.')
            .is_some_and(|(major, minor)| number(major) && number(minor))
    };
    line.split(part_of_a_word).filter(version).collect()
}

/// What a file says about versions: the line's number and what it says.
fn mentions(path: &Path, words: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let named = words.iter().filter(|word| line.contains(**word));
        for what in named.copied().chain(versions(line)) {
            found.push(format!("{}:{}: {what}", path.display(), i + 1));
        }
    }
    found
}

#[test]
fn versions_are_recognised() {
    assert_eq!(
        versions("on 6.1 and v6.12, up to 6.4."),
        ["6.1", "v6.12", "6.4."]
    );
    assert_eq!(versions("/* SPDX-License-Identifier: GPL-2.0 */"), [""; 0]);
    assert_eq!(versions("x = 3; y.z = 4.f(a.b1) 1/2"), [""; 0]);
}

#[test]
fn no_version_is_named_outside_of_the_port_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut seen, mut found) = (0, Vec::new());
    for path in FOLDERS.iter().flat_map(|dir| files(&root.join(dir))) {
        let name = path.strip_prefix(root).unwrap();
        if PORT.iter().any(|port| name.starts_with(port)) {
            continue;
        }
        seen += 1;
        let mut words = MACROS.to_vec();
        if !SERIES.iter().any(|file| name == Path::new(file)) {
            words.push("GD_SERIES");
        }
        found.extend(mentions(&path, &words));
    }
    assert!(seen > 30, "only {seen} files were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
