// SPDX-License-Identifier: GPL-2.0
//! Files that come, go and change their names.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use gup_sides::patch::Series;

use crate::patch::desk::{Desk, diff, hunk, numbered, set};

#[test]
fn added_removed_and_renamed_files() {
    let desk = Desk::new();
    let text = "diff --git a/mm/new.c b/mm/new.c\nnew file mode 100755\nindex 0000000..1\n--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1,2 @@\n+one\n+two\n\
        diff --git a/mm/empty.c b/mm/empty.c\nnew file mode 100644\nindex 0000000..e69de29\n\
        diff --git a/include/pins.h b/include/pins.h\ndeleted file mode 100644\nindex 1..0000000\n--- a/include/pins.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-int pins;\n\
        diff --git a/mm/pins.c b/mm/moved/pins.c\nsimilarity index 90%\nrename from mm/pins.c\nrename to mm/moved/pins.c\nindex 1..2 100644\n--- a/mm/pins.c\n+++ b/mm/moved/pins.c\n@@ -1,2 +1,2 @@\n-line 1\n+ONE\n line 2\n\
        diff --git a/mm/walk.c b/mm/copy.c\nsimilarity index 100%\ncopy from mm/walk.c\ncopy to mm/copy.c\n\
        diff --git a/mm/walk.c b/mm/walk.c\nold mode 100644\nnew mode 100755\n";
    let series = Series::read(&desk.put("my.patch", text)).unwrap();
    let all = [
        "include/pins.h",
        "mm/copy.c",
        "mm/empty.c",
        "mm/moved/pins.c",
        "mm/new.c",
        "mm/pins.c",
        "mm/walk.c",
    ];
    assert_eq!(series.files(), set(&all));
    let (applied, overlay) = desk.apply(&series).unwrap();
    assert_eq!(
        applied.added,
        set(&["mm/copy.c", "mm/empty.c", "mm/moved/pins.c", "mm/new.c"])
    );
    assert_eq!(applied.removed, set(&["include/pins.h", "mm/pins.c"]));
    assert_eq!(applied.changed, set(&["mm/walk.c"]));
    assert_eq!(
        overlay.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "mm/copy.c",
            "mm/empty.c",
            "mm/moved/pins.c",
            "mm/new.c",
            "mm/walk.c"
        ]
    );
    assert_eq!(overlay["mm/new.c"], "one\ntwo\n");
    assert_eq!(
        overlay["mm/moved/pins.c"],
        numbered(1..=40).replace("line 1\n", "ONE\n")
    );
    assert_eq!(overlay["mm/copy.c"], overlay["mm/walk.c"]);
    let mode = |name: &str| {
        fs::metadata(desk.path("out/overlay").join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        ["mm/new.c", "mm/walk.c", "mm/copy.c"].map(mode),
        [0o755, 0o755, 0o644]
    );
}

#[test]
fn two_files_change_places() {
    let desk = Desk::new();
    let text = "diff --git a/mm/pins.c b/mm/walk.c\nsimilarity index 100%\nrename from mm/pins.c\nrename to mm/walk.c\n\
        diff --git a/mm/walk.c b/mm/pins.c\nsimilarity index 100%\nrename from mm/walk.c\nrename to mm/pins.c\n";
    let (applied, overlay) = desk.run("my.patch", text).unwrap();
    assert_eq!(
        (applied.changed, applied.removed),
        (set(&["mm/pins.c", "mm/walk.c"]), set(&[]))
    );
    assert_eq!(
        (overlay["mm/walk.c"].as_str(), overlay["mm/pins.c"].as_str()),
        (numbered(1..=40).as_str(), numbered(101..=110).as_str())
    );
}

#[test]
fn files_of_a_plain_diff_come_and_go() {
    let desk = Desk::new();
    let text = "diff -urN old/mm/new.c new/mm/new.c\n--- old/mm/new.c\t1970-01-01 00:00:00.000000000 +0000\n+++ new/mm/new.c\t2026-11-28 10:00:00.000000000 +0000\n@@ -0,0 +1 @@\n+one\n\
        --- old/include/pins.h\t2026-11-28 10:00:00.000000000 +0000\n+++ new/include/pins.h\t1970-01-01 00:00:00.000000000 +0000\n@@ -1 +0,0 @@\n-int pins;\n";
    let (applied, _) = desk.run("my.patch", text).unwrap();
    assert_eq!(
        (applied.added, applied.removed),
        (set(&["mm/new.c"]), set(&["include/pins.h"]))
    );
}

#[test]
fn why_files_cannot_come_and_go() {
    let desk = Desk::new();
    let add = "--- /dev/null\n+++ b/include/pins.h\n@@ -0,0 +1 @@\n+int pins;\n";
    assert_eq!(
        desk.fails("my.patch", add),
        "include/pins.h: the change is already there"
    );
    assert_eq!(
        desk.fails("my.patch", add.replace("int", "long")),
        "include/pins.h: the patch adds this file, but the tree has another one there"
    );
    let remove = "--- a/mm/walk.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-line 101\n-line 102\n";
    assert_eq!(
        desk.fails("my.patch", remove),
        "mm/walk.c: the patch removes this file, but the tree's has lines that the patch does not know"
    );
    assert_eq!(
        desk.fails("my.patch", remove.replace("walk", "none")),
        "no file mm/none.c in this tree (paths are taken as with patch -p1)"
    );
    let rename = "diff --git a/mm/a.c b/mm/walk.c\nsimilarity index 100%\nrename from mm/a.c\nrename to mm/walk.c\n";
    assert_eq!(
        desk.fails("my.patch", rename),
        "mm/walk.c: the change is already there"
    );
    assert_eq!(
        desk.fails("my.patch", rename.replace("/a.c", "/pins.c")),
        "mm/walk.c: the patch adds this file, but the tree has another one there"
    );
    let rename = rename.replace("walk", "b");
    assert_eq!(
        desk.fails("my.patch", rename),
        "no file mm/a.c in this tree (paths are taken as with patch -p1)"
    );
    fs::create_dir_all(desk.path("tree/mm/folder.c")).unwrap();
    assert_eq!(
        desk.fails("my.patch", diff(5, "five").replace("pins", "folder")),
        "mm/folder.c is not an ordinary file in this tree"
    );
}

#[test]
fn what_cannot_be_applied() {
    let desk = Desk::new();
    let binary = "diff --git a/mm/logo b/mm/logo\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 3\nKcmZ\n\n";
    assert_eq!(
        desk.fails("my.patch", diff(5, "five") + binary),
        "mm/logo (line 8 of my.patch): a change of a binary file cannot be applied; leave it out of the patch, for example with git diff -- . ':!mm/logo'"
    );
    let differ = "diff --git a/mm/logo b/mm/logo\nindex 1..2 100644\nBinary files a/mm/logo and b/mm/logo differ\n";
    assert!(
        desk.fails("my.patch", differ)
            .starts_with("mm/logo (line 1 of my.patch): a change of a binary file")
    );
    assert!(
        desk.fails("my.patch", "Binary files a/mm/logo and b/mm/logo differ\n")
            .starts_with("mm/logo (line 1")
    );
    let link = "diff --git a/mm/link b/mm/link\nnew file mode 120000\nindex 0..1\n--- /dev/null\n+++ b/mm/link\n@@ -0,0 +1 @@\n+pins.c\n\\ No newline at end of file\n";
    assert_eq!(
        desk.fails("my.patch", link),
        "mm/link (line 1 of my.patch): a change of a symbolic link or submodule cannot be applied; leave it out of the patch"
    );
    assert_eq!(
        desk.fails("my.patch", diff(5, "five").replace("b/mm/", "b/../mm/")),
        "b/../mm/pins.c (line 1 of my.patch): the path leads out of the tree"
    );
}

#[test]
fn parts_that_are_not_unpacked_are_left_out() {
    let desk = Desk::new();
    let away = diff(5, "five").replace("mm/", "drivers/gpu/");
    let binary = "diff --git a/drivers/logo b/drivers/logo\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ\n\n";
    let added = "--- /dev/null\n+++ b/drivers/new.c\n@@ -0,0 +1 @@\n+one\n";
    let renamed = "diff --git a/drivers/a.c b/drivers/b.c\nsimilarity index 100%\nrename from drivers/a.c\nrename to drivers/b.c\n";
    let all = [away.as_str(), binary, added, renamed, &diff(5, "five")].concat();
    let (applied, overlay) = desk.run("my.patch", &all).unwrap();
    assert_eq!(
        applied.skipped,
        set(&[
            "drivers/a.c",
            "drivers/b.c",
            "drivers/gpu/pins.c",
            "drivers/logo",
            "drivers/new.c"
        ])
    );
    assert_eq!(overlay.len(), 1);
    // nothing else in it
    let (applied, overlay) = desk.run("my.patch", &away).unwrap();
    assert_eq!(
        (applied.skipped, overlay.len()),
        (set(&["drivers/gpu/pins.c"]), 0)
    );
    // excluded, but there
    desk.tree("drivers/gpu/pins.c", numbered(1..=40));
    let (applied, _) = desk.run("my.patch", &away).unwrap();
    assert_eq!(
        (applied.changed, applied.skipped),
        (set(&["drivers/gpu/pins.c"]), set(&[]))
    );
    assert_eq!(
        desk.fails("my.patch", renamed.replace("drivers/b", "mm/b")),
        "mm/b.c is made from drivers/a.c, which is not unpacked here: give the patch with git format-patch --no-renames"
    );
}

#[test]
fn names_with_and_without_prefixes() {
    let desk = Desk::new();
    desk.tree("top.c", numbered(1..=40));
    let want = numbered(1..=40).replace("line 5\n", "five\n");
    let names = [
        ("a/mm/pins.c", "b/mm/pins.c"),
        ("mm/pins.c", "mm/pins.c"),
        ("./mm/pins.c", "./mm/pins.c"),
        ("linux/mm/pins.c", "linux/mm/pins.c"),
        ("linux-6.1.orig/mm/pins.c", "linux-6.1/mm/pins.c"),
        (
            "mm/pins.c.orig\t2026-11-28 10:00:00.0 +0000",
            "mm/pins.c\t2026-11-28 10:00:00.0 +0000",
        ),
        ("i/mm/pins.c", "w/mm/pins.c"),
        ("\"a/mm/pins.c\"", "\"b/mm/\\160ins.c\""),
    ];
    for (old, new) in names {
        let text = format!("--- {old}\n+++ {new}\n{}", hunk(5, "five"));
        let (_, overlay) = desk
            .run("my.patch", text)
            .unwrap_or_else(|e| panic!("{old} {new}: {e}"));
        assert_eq!(overlay["mm/pins.c"], want, "{old} {new}");
    }
    for (old, new) in [("top.c", "top.c"), ("a/top.c", "b/top.c")] {
        let text = format!("--- {old}\n+++ {new}\n{}", hunk(5, "five"));
        assert_eq!(desk.run("my.patch", text).unwrap().1["top.c"], want);
    }
    let bare = format!(
        "diff --git mm/pins.c mm/pins.c\nindex 1..2 100644\n--- mm/pins.c\n+++ mm/pins.c\n{}diff --git mm/n.c mm/n.c\nnew file mode 100644\n--- /dev/null\n+++ mm/n.c\n@@ -0,0 +1 @@\n+x\n",
        hunk(5, "five")
    );
    let series = Series::read(&desk.put("my.patch", bare)).unwrap();
    assert_eq!(series.files(), set(&["mm/n.c", "mm/pins.c"]));
    assert_eq!(desk.apply(&series).unwrap().0.added, set(&["mm/n.c"]));
    assert_eq!(
        desk.fails(
            "my.patch",
            diff(5, "five")
                .replace("a/mm/pins.c", "mm/no.c")
                .replace("b/mm/pins.c", "mm/no.c")
        ),
        "no file mm/no.c in this tree (paths are taken as with patch -p0)"
    );
}

#[test]
fn a_file_that_is_made_from_a_diff_of_times_may_be_there_empty() {
    let desk = Desk::new();
    desk.tree("mm/new.c", "");
    let text = "--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+one\n";
    assert_eq!(
        desk.run("my.patch", text).unwrap().0.changed,
        set(&["mm/new.c"])
    );
}
