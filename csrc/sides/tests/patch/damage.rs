// SPDX-License-Identifier: GPL-2.0
//! Texts that are no diff any more, or never were.

use std::fs;

use gup_sides::patch::Series;

use crate::patch::desk::{Desk, diff, git_diff, hunk, mail, numbered, set, titles};

#[test]
fn removed_lines_that_look_like_headers() {
    let desk = Desk::new();
    desk.tree("mm/sql.c", "a\n-- x\n++ y\n@@ -1 +1 @@\nb\n");
    let text = "--- a/mm/sql.c\n+++ b/mm/sql.c\n@@ -1,5 +1,5 @@\n a\n--- x\n-++ y\n+-- x\n+++ y\n @@ -1 +1 @@\n b\n".to_string();
    let series = Series::read(&desk.put(
        "my.patch",
        text.replace("+-- x", "+-- z") + &diff(5, "five"),
    ))
    .unwrap();
    assert_eq!(series.files(), set(&["mm/sql.c", "mm/pins.c"]));
    assert_eq!(
        desk.apply(&series).unwrap().1["mm/sql.c"],
        "a\n-- z\n++ y\n@@ -1 +1 @@\nb\n"
    );
}

#[test]
fn damaged_diffs() {
    let desk = Desk::new();
    let whole = format!("words\n{}{}", diff(5, "five"), hunk(20, "twenty"));
    let cut = &whole[..whole.len() - 9];
    assert_eq!(
        desk.fails("my.patch", cut),
        "line 12 of my.patch: the patch ends here, 1 lines before the end of hunk #2 of b/mm/pins.c: it was cut off"
    );
    assert_eq!(
        desk.fails("my.patch", whole.replace(" line 6\n", "line 6\n")),
        "line 8 of my.patch: hunk #1 of b/mm/pins.c is shorter here than its @@ line says: the patch was edited, or a mailer has wrapped its lines"
    );
    assert_eq!(
        desk.fails(
            "my.patch",
            whole.replace("+five\n", "+five\n+more\n+evermore\n")
        ),
        "line 9 of my.patch: hunk #1 of b/mm/pins.c is shorter here than its @@ line says: the patch was edited, or a mailer has wrapped its lines"
    );
    assert_eq!(
        desk.fails("my.patch", whole.replace(" line 6\n", " line 6\n+more\n")),
        "line 9 of my.patch: hunk #1 of b/mm/pins.c goes on here after all the lines that its @@ line gives it: the patch was edited"
    );
    assert_eq!(
        desk.fails("my.patch", whole.replace("@@ -19", "lost\n@@ -19")),
        "line 10 of my.patch: a hunk that follows no other hunk and no file name (--- and +++ lines): the patch is damaged"
    );
    assert_eq!(
        desk.fails("my.patch", whole.replace("@@ -4,3", "@@ -4,x")),
        "line 4 of my.patch: the @@ line of a hunk cannot be read: the patch is damaged"
    );
    let merge = "diff --cc mm/pins.c\nindex 1,2..3\n--- a/mm/pins.c\n+++ b/mm/pins.c\n@@@ -1,1 -1,1 +1,1 @@@\n--a\n++b\n";
    assert_eq!(
        desk.fails("my.patch", merge),
        "line 1 of my.patch: a diff of a merge: give the one against its first parent, git diff COMMIT^ COMMIT"
    );
}

#[test]
fn blank_context_may_have_lost_its_blank() {
    let desk = Desk::new();
    desk.tree("mm/gap.c", "a\n\nb\n\nc\n");
    let text = "--- a/mm/gap.c\n+++ b/mm/gap.c\n@@ -1,5 +1,5 @@\n a\n\n-b\n+B\n\n c\n";
    assert_eq!(
        desk.run("my.patch", text).unwrap().1["mm/gap.c"],
        "a\n\nB\n\nc\n"
    );
}

#[test]
fn no_newline_at_the_end() {
    let desk = Desk::new();
    desk.tree("mm/end.c", "a\nb");
    let text = "--- a/mm/end.c\n+++ b/mm/end.c\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n";
    assert_eq!(
        desk.run("my.patch", text.to_string() + &diff(5, "five"))
            .unwrap()
            .1["mm/end.c"],
        "a\nc"
    );
}

#[test]
fn line_ends() {
    let desk = Desk::new();
    let dos = |s: &str| s.replace('\n', "\r\n");
    desk.tree("mm/dos.c", dos(&numbered(1..=40)));
    let (unix, on_dos) = (
        git_diff(5, "five"),
        git_diff(5, "five").replace("pins", "dos"),
    );
    let want = numbered(1..=40).replace("line 5\n", "five\n");
    // the patch as a whole has gone through something
    assert_eq!(
        desk.run("my.patch", dos(&unix)).unwrap().1["mm/pins.c"],
        want
    );
    assert_eq!(
        desk.run("my.patch", dos(&mail("[PATCH] x", &unix)))
            .unwrap()
            .1["mm/pins.c"],
        want
    );
    // git's own diff of a file with such lines, one that lost them, and all of it
    let git = on_dos
        .replace("line 4\n", "line 4\r\n")
        .replace("line 5\n", "line 5\r\n")
        .replace("line 6\n", "line 6\r\n")
        .replace("five\n", "five\r\n");
    for text in [git, on_dos.clone(), dos(&on_dos)] {
        assert_eq!(
            desk.run("my.patch", text).unwrap().1["mm/dos.c"],
            dos(&want)
        );
    }
    // and only its lines have them
    let lines = unix
        .replace("line 4\n", "line 4\r\n")
        .replace("line 5\n", "line 5\r\n")
        .replace("line 6\n", "line 6\r\n")
        .replace("five\n", "five\r\n");
    assert_eq!(desk.run("my.patch", lines).unwrap().1["mm/pins.c"], want);
    assert_eq!(
        desk.fails(
            "my.patch",
            dos(&git_diff(5, "x").replace("line 5", "line five"))
        ),
        "mm/pins.c: hunk #1 (line 5 of my.patch) does not match around line 4"
    );
}

#[test]
fn bytes_that_are_no_utf8_stay() {
    let desk = Desk::new();
    desk.tree("mm/name.c", b"a\n/* \xe9 */\nb\n");
    let text = b"--- a/mm/name.c\n+++ b/mm/name.c\n@@ -1,3 +1,3 @@\n a\n /* \xe9 */\n-b\n+c \xe8\n";
    desk.run("my.patch", text).unwrap();
    assert_eq!(
        fs::read(desk.path("out/overlay/mm/name.c")).unwrap(),
        b"a\n/* \xe9 */\nc \xe8\n"
    );
}

#[test]
fn what_is_no_patch() {
    let desk = Desk::new();
    assert_eq!(
        desk.read_fails("none.patch"),
        "none.patch: no such file or folder"
    );
    assert_eq!(
        desk.fails("a.patch", " \n"),
        "a.patch is empty: write the diff to it again, for example with git diff"
    );
    let text = "a.patch is not a unified diff, as diff -u, git diff and git format-patch make it";
    assert_eq!(desk.fails("a.patch", "int main(void)\n{\n--- x\n}\n"), text);
    assert_eq!(desk.fails("a.patch", [0u8, 1, 2, 255]), text);
    assert_eq!(desk.fails("a.patch", mail("[PATCH] x", "no diff\n")), text);
    assert_eq!(
        desk.fails("a.patch", "diff --git a/x b/x\nindex 1..2 100644\n"),
        text
    );
    assert_eq!(desk.fails("a.patch", "--- a/x\n+++ b/x\n"), text);
    let context = "*** a/mm/pins.c\n--- b/mm/pins.c\n***************\n*** 1,2 ****\n! line 1\n--- 1,2 ----\n! x\n";
    assert_eq!(
        desk.fails("a.patch", context),
        "a.patch is a context diff: make a unified one, with diff -u or git diff"
    );
    for (magic, with) in [
        (&b"\x1f\x8b\x08"[..], "gunzip"),
        (b"\xfd7zXZ\0", "unxz"),
        (b"\x28\xb5\x2f\xfd", "unzstd"),
        (b"BZh9", "bunzip2"),
    ] {
        assert_eq!(
            desk.fails("a.patch", magic),
            format!("a.patch is compressed: unpack it first, with {with}")
        );
    }
    fs::create_dir(desk.path("empty")).unwrap();
    desk.put("empty/README", diff(5, "five"));
    assert_eq!(
        desk.read_fails("empty"),
        "empty: no patch in this folder (looked for *.patch, *.diff, *.mbox, *.mbx and *.eml)"
    );
    let link = desk.path("loop.patch");
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert!(
        desk.read_fails("loop.patch")
            .starts_with("loop.patch cannot be read: Too many levels")
    );
}

#[test]
fn what_git_log_prints() {
    let desk = Desk::new();
    let commit = |title: &str, n| {
        format!(
            "commit 0123456789abcdef0123456789abcdef0123456{n}\nAuthor: A\nDate:   x\n\n    {title}\n\n    Why.\n\n{}\n",
            git_diff(n, "x")
        )
    };
    let series = Series::read(&desk.put("show.diff", commit("mm: say so", 5))).unwrap();
    assert_eq!(titles(&series), ["mm: say so"]);
    desk.apply(&series).unwrap();
    assert_eq!(
        desk.fails("log.diff", commit("b", 9) + &commit("a", 5)),
        "log.diff has 2 commits of git log or git show in it: write them with git format-patch, which keeps their order"
    );
}
