// SPDX-License-Identifier: GPL-2.0
//! Whether a diff applies, and what is said about it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use gup_sides::patch::{Applied, Error, Part, Series, apply};

use crate::patch::desk::{Desk, diff, files, hunk, numbered, set};

#[test]
fn a_diff_is_applied_to_an_overlay() {
    let desk = Desk::new();
    let path = desk.put(
        "my patch.diff",
        format!("Some words.\n\n{}{}", diff(5, "five"), hunk(20, "twenty")),
    );
    let series = Series::read(&path).unwrap();
    assert_eq!(series.name, "my-patch");
    assert_eq!(series.files(), set(&["mm/pins.c"]));
    assert_eq!(series.notes, [""; 0]);
    let [
        Part {
            title: None,
            first_line: 3,
            diff,
            from,
            ..
        },
    ] = series.parts.as_slice()
    else {
        panic!("{series:?}")
    };
    assert!(diff.starts_with(b"--- a/mm"));
    assert_eq!(*from, path);
    let (applied, overlay) = desk.apply(&series).unwrap();
    assert_eq!(
        applied,
        Applied {
            changed: set(&["mm/pins.c"]),
            ..Applied::default()
        }
    );
    let want = numbered(1..=40)
        .replace("line 5\n", "five\n")
        .replace("line 20\n", "twenty\n");
    assert_eq!(overlay, BTreeMap::from([("mm/pins.c".to_string(), want)]));
}

#[test]
fn why_a_diff_does_not_apply() {
    let desk = Desk::new();
    let second = format!(
        "text\n{}@@ -19,3 +19,3 @@\n line 19\n-line twenty\n+x\n line 21\n",
        diff(5, "five")
    );
    assert_eq!(
        desk.fails("my.patch", second),
        "mm/pins.c: hunk #2 (line 9 of my.patch) does not match around line 19"
    );
    desk.tree("mm/done.c", numbered(1..=40).replace("line 5\n", "five\n"));
    assert_eq!(
        desk.fails("my.patch", diff(5, "five").replace("pins", "done")),
        "mm/done.c: the change is already there"
    );
    assert_eq!(
        desk.fails("my.patch", diff(5, "five").replace("pins", "none")),
        "no file mm/none.c in this tree (paths are taken as with patch -p1)"
    );
    let tabs =
        "--- a/mm/pins.c\n+++ b/mm/pins.c\n@@ -4,3 +4,3 @@\n line\t4\n-line\t5\n+five\n line\t6\n";
    assert_eq!(
        desk.fails("my.patch", tabs),
        "mm/pins.c: hunk #1 (line 3 of my.patch) does not match around line 4: only its blanks and tabs differ, something has changed them on the way"
    );
    let backwards = format!("{}{}", diff(20, "twenty"), hunk(5, "five"));
    assert_eq!(
        desk.fails("my.patch", backwards),
        "mm/pins.c: hunk #2 (line 8 of my.patch) does not match around line 4: it comes after a hunk for later lines"
    );
    let nothing = format!(
        "text\n{}text\n{}@@ -30 +30 @@\n line 30\n",
        diff(5, "five").replace("pins", "walk"),
        diff(5, "five")
    );
    desk.tree("mm/walk.c", numbered(1..=40));
    assert_eq!(
        desk.fails("my.patch", nothing),
        "mm/pins.c (line 18 of my.patch): patch says: malformed patch:  line 30"
    );
}

#[test]
fn a_patch_for_another_tree() {
    let desk = Desk::new();
    let other =
        diff(5, "five").replace("mm/", "src/") + &diff(5, "five").replace("mm/pins", "src/walk");
    assert_eq!(
        desk.fails("my.patch", &other),
        "none of the 2 files that the patch changes is in this tree, not even src/pins.c: is it for another tree? (paths are taken as with patch -p1)"
    );
    // one of them is
    assert_eq!(
        desk.fails("my.patch", other + &diff(5, "five")),
        "no file src/pins.c in this tree (paths are taken as with patch -p1)"
    );
}

#[test]
fn hunks_that_went_elsewhere_are_noted() {
    let desk = Desk::new();
    let moved = "--- a/mm/pins.c\n+++ b/mm/pins.c\n@@ -1,3 +1,3 @@\n line 11\n-line 12\n+twelve\n line 13\n";
    let notes = |text: &str| desk.run("my.patch", text).unwrap().0.notes;
    assert_eq!(
        notes(moved),
        ["mm/pins.c: hunk #1 (line 3 of my.patch) fits 10 lines below its place"]
    );
    let two = format!(
        "{moved}@@ -31,3 +31,3 @@\n line 30\n-line 31\n+x\n line 32\n{}",
        hunk(36, "y")
    );
    assert_eq!(
        notes(&two),
        ["mm/pins.c: 2 of 3 hunks fit up to 10 lines off their places"]
    );
    let fuzzy = "--- a/mm/pins.c\n+++ b/mm/pins.c\n@@ -11,5 +11,5 @@\n line eleven\n line 12\n-line 13\n+x\n line 14\n line 15\n";
    assert_eq!(
        notes(fuzzy),
        [
            "mm/pins.c: hunk #1 (line 3 of my.patch) fits only without its outer 1 line of context: see that it went to the right place"
        ]
    );
    let up = "--- a/mm/pins.c\n+++ b/mm/pins.c\n@@ -12,3 +12,3 @@\n line 11\n-line 12\n+twelve\n line 13\n";
    assert_eq!(
        notes(up),
        ["mm/pins.c: hunk #1 (line 3 of my.patch) fits 1 line above its place"]
    );
}

#[test]
fn where_the_overlay_goes() {
    let desk = Desk::new();
    let series = Series::read(&desk.put("my.patch", diff(5, "five"))).unwrap();
    let tree = desk.path("tree");
    let into = desk.path("deep/er/overlay");
    apply(&series, &tree, &|_| false, &into).unwrap();
    assert_eq!(files(&into).len(), 1);
    let error = apply(&series, &tree, &|_| false, &into)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!("{} is not empty: remove it first", into.display())
    );
    fs::remove_dir_all(&into).unwrap();
    fs::create_dir(&into).unwrap();
    apply(&series, &tree, &|_| false, &into).unwrap();
    assert_eq!(files(&into).len(), 1);
    let file = desk.put("file", "");
    let error = apply(&series, &tree, &|_| false, &file.join("overlay")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn the_environment_of_patch() {
    if std::env::var_os("GUP_SIDES_TEST").is_some() {
        let desk = Desk::new();
        let moved = "--- a/mm/pins.c\n+++ b/mm/pins.c\n@@ -1,3 +1,3 @@\n line 11\n-line 12\n+twelve\n line 13\n";
        let error = match desk.run("my.patch", moved) {
            Ok((applied, _)) => return assert_eq!(applied.notes.len(), 1),
            Err(error) => error.to_string(),
        };
        assert_eq!(std::env::var("PATH").unwrap(), "none");
        assert_eq!(
            error,
            "the program patch is missing: install the package patch, for example with make setup"
        );
        return;
    }
    let run = |settings: &[(&str, &str)]| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "apply::the_environment_of_patch"])
            .env("GUP_SIDES_TEST", "1")
            .envs(settings.iter().copied());
        assert!(command.status().unwrap().success(), "{settings:?}");
    };
    run(&[("PATH", "none")]);
    run(&[
        ("POSIXLY_CORRECT", "1"),
        ("VERSION_CONTROL", "numbered"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("TMPDIR", "/tmp"),
    ]);
}
