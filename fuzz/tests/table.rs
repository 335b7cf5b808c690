// SPDX-License-Identifier: GPL-2.0
//! What operations mean stands in the table, and is not read off their ids.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where a function is meant by its id, and nothing that others do as well: the file, and
/// what it says of which functions.
const BY_ID: &[(&str, &[&str])] = &[
    // calls each of them
    ("side/rust/dispatch/mod.rs", &["*"]),
    ("side/rust/dispatch/page.rs", &["*"]),
    ("side/rust/dispatch/series.rs", &["*"]),
    ("side/rust/dispatch/slow.rs", &["*"]),
    ("side/rust/world.rs", &["*"]),
    // known defects are of one function
    ("accepted.rs", &["*"]),
    // `*locked` says something else there
    ("laws/slow.rs", &["FIXUP_USER_FAULT"]),
    // they leave slab pages alone
    ("laws/check.rs", &["GET_PAGE", "PUT_PAGE"]),
    // what it warns of, what they answer
    (
        "laws/rules.rs",
        &[
            "GRAB_SLOW",
            "FOLIO_MAYBE_DMA_PINNED",
            "PAGE_MAYBE_DMA_PINNED",
        ],
    ),
    // which of them warn, and which cannot fail
    (
        "stats/check.rs",
        &[
            "FOLLOW_PAGE_MASK",
            "SANITY_CHECK",
            "FOLIO_ADD_PIN",
            "UNPIN_USER_PAGES",
            "UNPIN_FOLIOS",
        ],
    ),
    // what predicates ask about
    (
        "program/draw/mod.rs",
        &[
            "PUT_DEVMAP_MANAGED",
            "IS_PCI_P2PDMA_PAGE",
            "IS_SECRETMEM",
            "GUP_FAST_FOLIO_ALLOWED",
            "NEEDS_COW_FOR_DMA",
            "PAGE_MAYBE_DMA_PINNED",
            "FOLIO_MAYBE_DMA_PINNED",
            "GUP_MUST_UNSHARE",
            "SPLIT",
            "SET_PIN",
            "MERGE",
            "CLEAR_FLAG",
        ],
    ),
    (
        "program/model/fatal.rs",
        &["NEEDS_COW_FOR_DMA", "PUT_DEVMAP_MANAGED", "CLEAR_FLAG"],
    ),
    ("program/model/mod.rs", &["PUT_DEVMAP_MANAGED", "SET_FLAG"]),
    // which of them a guest calls
    ("side/live/recorded.rs", &["*"]),
    // how each is called in C
    ("report/kunit/mod.rs", &["*"]),
    // which system call reaches it
    ("report/selftest/call.rs", &["*"]),
    // it waits for a migration
    ("program/draw/script.rs", &["FOLLOW_PAGE"]),
    // the one that sets what the other clears
    ("scope/mod.rs", &["CLEAR_FLAG"]),
    // the levels' ids follow each other
    ("program/walk.rs", &["SET_PTE", "SET_PGD"]),
];

fn sources(folder: &Path, found: &mut Vec<String>, root: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found, root),
            false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
        }
    }
}

/// The ids that a source names other than to make an operation (`GD_OP_X as u8`).
fn ids(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let after = code.split("abi::GD_OP_").skip(1);
    after
        .filter_map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
            let (id, rest) = rest.split_at(end);
            (!rest.starts_with(" as u")).then_some(id)
        })
        .collect()
}

#[test]
fn no_meaning_is_read_off_an_id() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/src");
    let mut files = Vec::new();
    sources(&root, &mut files, &root);
    assert!(files.len() > 100, "{files:?}");
    let mut allowed: BTreeMap<&str, &[&str]> = BY_ID.iter().copied().collect();
    let mut wrong = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let source = fs::read_to_string(root.join(file)).unwrap();
        let named = ids(&source);
        let known = allowed.remove(file.as_str()).unwrap_or_default();
        let is_known = |id: &str| known.iter().any(|k| *k == "*" || *k == id);
        let unknown = named.iter().filter(|id| !is_known(id));
        wrong.extend(unknown.map(|id| format!("{file}: GD_OP_{id}")));
        let stale = known.iter().filter(|id| **id != "*" && !named.contains(id));
        wrong.extend(stale.map(|id| format!("{file}: {id} is not named any more")));
    }
    wrong.extend(allowed.keys().map(|file| format!("there is no {file}")));
    assert!(
        wrong.is_empty(),
        "what is meant by an id here can be said by a column of csrc/abi/ops.h, or is to be \
         added to this list: {wrong:#?}"
    );
}
