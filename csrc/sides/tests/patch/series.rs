// SPDX-License-Identifier: GPL-2.0
//! Which patches are the series, and in which order.

use std::fs;

use gup_sides::patch::{Applied, Series};

use crate::patch::desk::{Desk, diff, git_diff, mail, numbered, titles};

#[test]
fn the_sum_is_of_the_diffs() {
    let desk = Desk::new();
    let sum = |name: &str, text: String| Series::read(&desk.put(name, text)).unwrap().sha256();
    let one = sum("a.diff", diff(5, "five"));
    assert_eq!(one.len(), 64);
    assert_eq!(one, sum("b.diff", format!("words\n{}", diff(5, "five"))));
    assert_eq!(
        one,
        sum("c.diff", mail("[PATCH] mm: five", &diff(5, "five")))
    );
    assert_ne!(one, sum("d.diff", diff(5, "six")));
}

#[test]
fn a_series_is_applied_in_its_order() {
    let desk = Desk::new();
    // each one on top of the one before, and the last ones come first
    let steps = ["line 5", "five", "FIVE", "V"];
    let step =
        |n: usize| git_diff(5, steps[n]).replace("-line 5\n", &format!("-{}\n", steps[n - 1]));
    let cover = mail("[PATCH v2 0/3] mm: numbers", "");
    let reply = "From b@c.example Sat Nov 28 12:00:00 2026\nFrom: B\nSubject: Re: [PATCH v2 1/3] mm: one\n\n> --- a/mm/pins.c\n> @@ -1 +1 @@\nNo.\n\n".to_string();
    let proposal = mail("Re: [PATCH v2 2/3] mm: two", &step(2));
    let half = mail("Re: [PATCH v2 3/3] mm: three", &step(3)[..120]);
    let old = mail("[PATCH 1/2] mm: one", &git_diff(9, "old"))
        + &mail("[PATCH 2/2] mm: two", &git_diff(10, "old"));
    let parts = [
        mail("[PATCH v2 3/3] mm: three", &step(3)),
        mail("[PATCH v2 1/3] mm: one", &step(1)),
        mail("[PATCH v2 2/3] mm: two", &step(2)),
    ];
    let twice = parts[1].clone();
    let text = [
        &cover, &parts[0], &reply, &old, &parts[1], &proposal, &half, &parts[2], &twice,
    ]
    .map(String::as_str)
    .concat();
    let series = Series::read(&desk.put("thread.mbox", text)).unwrap();
    assert_eq!(titles(&series), ["mm: one", "mm: two", "mm: three"]);
    assert_eq!(
        series.notes,
        [
            "left out 1 answer with a diff in it",
            "taking the series of 3 (v2), leaving out the series of 2 (v1)"
        ]
    );
    let (applied, overlay) = desk.apply(&series).unwrap();
    assert_eq!(applied.notes, [""; 0]);
    assert_eq!(
        overlay["mm/pins.c"],
        numbered(1..=40).replace("line 5\n", "V\n")
    );
}

#[test]
fn the_patch_of_a_series_that_fails_is_named() {
    let desk = Desk::new();
    let text = mail("[PATCH 1/2] mm: one", &git_diff(5, "five"))
        + &mail("[PATCH 2/2] mm: two", &git_diff(5, "six"));
    assert_eq!(
        desk.fails("s.mbox", text),
        "patch 2/2 \"mm: two\": mm/pins.c: hunk #1 (line 35 of s.mbox) does not match around line 4"
    );
    desk.put("s/1.diff", diff(5, "five"));
    desk.put("s/2.diff", diff(5, "six"));
    let error = desk
        .apply(&Series::read(&desk.path("s")).unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "patch 2/2 (2.diff): mm/pins.c: hunk #1 (line 3 of 2.diff) does not match around line 4"
    );
    desk.put(
        "s/2.diff",
        diff(5, "five")
            .replace("@@ -4,3 +4,3", "@@ -3,3 +3,3")
            .replace("-line 5", "-five")
            .replace("+five", "+six"),
    );
    let (applied, _) = desk.apply(&Series::read(&desk.path("s")).unwrap()).unwrap();
    assert_eq!(
        applied.notes,
        ["patch 2/2 (2.diff): mm/pins.c: hunk #1 (line 3 of 2.diff) fits 1 line below its place"]
    );
}

#[test]
fn a_change_that_is_undone_is_none() {
    let desk = Desk::new();
    let back = git_diff(5, "line 5").replace("-line 5\n", "-five\n");
    let text = mail("[PATCH 1/2] there", &git_diff(5, "five")) + &mail("[PATCH 2/2] back", &back);
    let (applied, overlay) = desk.run("s.mbox", text).unwrap();
    assert_eq!((applied, overlay.len()), (Applied::default(), 0));
}

#[test]
fn which_mails_are_the_series() {
    let desk = Desk::new();
    let all = |subjects: &[&str]| {
        subjects
            .iter()
            .enumerate()
            .map(|(i, s)| mail(s, &git_diff(5 + 3 * i as u32, "x")))
            .collect::<String>()
    };
    let good = |subjects: &[&str]| Series::read(&desk.put("s.mbox", all(subjects))).unwrap();
    let bad = |subjects: &[&str]| {
        desk.put("s.mbox", all(subjects));
        desk.read_fails("s.mbox")
    };
    // an mbox of commits without numbers keeps its order
    assert_eq!(titles(&good(&["mm: b", "mm: a"])), ["mm: b", "mm: a"]);
    assert_eq!(
        titles(&good(&["[PATCH] mm: b", "[PATCH] mm: a"])),
        ["mm: b", "mm: a"]
    );
    // the newest one that is whole
    let series = good(&[
        "[PATCH v3 1/2] c",
        "[PATCH v2 2/2] b",
        "[PATCH v2 1/2] a",
        "[RFC PATCHv1 1/1] z",
    ]);
    assert_eq!(titles(&series), ["a", "b"]);
    assert_eq!(
        series.notes,
        [
            "the series of 2 (v3) is incomplete: [PATCH v3 2/2] is missing",
            "taking the series of 2 (v2), leaving out the series of 1 (v1)"
        ]
    );
    let series = good(&["[PATCH] mm: a", "[PATCH v2] mm: a"]);
    assert_eq!(
        (titles(&series), series.notes.clone()),
        (
            vec!["mm: a"],
            vec!["taking v2 of \"mm: a\", leaving out v1 of \"mm: a\"".to_string()]
        )
    );
    let series = good(&["[PATCH net,v2,2/7] a"]);
    assert_eq!(
        (titles(&series), series.notes.clone()),
        (
            vec!["a"],
            vec!["this is patch 2 of a series of 7, without the others".to_string()]
        )
    );
    assert_eq!(titles(&good(&["Re: [PATCH] a"])), ["a"]);
    assert_eq!(
        titles(&good(&[
            "[PATCH v1.1 1/2] a",
            "[PATCH v1.1 02/2] b",
            "[PATCH 1/2] a",
            "[PATCH 2/2] b"
        ]))
        .len(),
        2
    );

    assert_eq!(
        bad(&["[PATCH v2 01/11] a", "[PATCH v2 03/11] c"])
            .split(';')
            .next()
            .unwrap(),
        "s.mbox: the series is incomplete, [PATCH v2 02/11], [PATCH v2 04/11], [PATCH v2 05/11], [PATCH v2 06/11], \
         [PATCH v2 07/11], [PATCH v2 08/11], [PATCH v2 09/11], [PATCH v2 10/11], [PATCH v2 11/11] is missing"
    );
    let unclear = |why: &str| {
        format!("s.mbox: not clear which patches to apply: {why}; leave only those in it")
    };
    assert_eq!(
        bad(&["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH 2/2] c"]),
        unclear("[PATCH 2/2] is there twice, as \"b\" and \"c\"")
    );
    assert_eq!(
        bad(&["[PATCH 1/2] a", "[PATCH 2/2] b", "[PATCH] c"]),
        unclear("it has v1 of \"c\" and the series of 2 (v1)")
    );
    assert_eq!(
        bad(&["[PATCH 1/1] a", "[PATCH 1/2] b", "[PATCH 2/2] c"]),
        unclear("it has the series of 1 (v1) and the series of 2 (v1)")
    );
    assert_eq!(
        bad(&["Re: [PATCH] a", "Re: [PATCH] b"]),
        unclear("it has 2 answers with a diff, and no patch mail")
    );
}

#[test]
fn a_folder_of_format_patch() {
    let desk = Desk::new();
    desk.put("s/0000-cover-letter.patch", mail("[PATCH 0/3] numbers", ""));
    desk.put(
        "s/0001-a.patch",
        mail("[PATCH 1/3] mm: a", &git_diff(5, "x")),
    );
    desk.put(
        "s/0002-b.patch",
        mail("[PATCH 2/3] mm: b", &git_diff(15, "x")),
    );
    desk.put("s/notes.txt", diff(5, "y"));
    desk.put("s/.0003-c.patch", diff(5, "y"));
    desk.put("s/todo.diff", "not yet\n");
    let series = Series::read(&desk.path("s")).unwrap();
    assert_eq!(
        (titles(&series), series.name.as_str()),
        (vec!["mm: a", "mm: b"], "s")
    );
    assert_eq!(
        series.notes,
        [
            "todo.diff has no diff in it and is left out",
            "the series goes to 3, the patches here to 2"
        ]
    );
    assert_eq!(series.parts[1].from, desk.path("s/0002-b.patch"));
    desk.apply(&series).unwrap();

    // a newer version beside it
    desk.put(
        "s/v2-0001-a.patch",
        mail("[PATCH v2] mm: a", &git_diff(5, "z")),
    );
    assert_eq!(
        Series::read(&desk.path("s")).unwrap().notes.last().unwrap(),
        "taking v2 of \"mm: a\", leaving out the series of 3 (v1)"
    );
    fs::remove_file(desk.path("s/v2-0001-a.patch")).unwrap();

    // a patch that got another title
    desk.put(
        "s/0001-old.patch",
        mail("[PATCH 1/3] mm: old", &git_diff(5, "y")),
    );
    assert_eq!(
        desk.read_fails("s"),
        "s: not clear which patches to apply: [PATCH 1/3] is there twice, as \"mm: a\" and \"mm: old\"; leave only those in it"
    );
    fs::remove_file(desk.path("s/0001-old.patch")).unwrap();
    fs::remove_file(desk.path("s/0001-a.patch")).unwrap();
    desk.put(
        "s/0003-c.patch",
        mail("[PATCH 3/3] mm: c", &git_diff(25, "x")),
    );
    assert_eq!(
        desk.read_fails("s"),
        "s: the series is incomplete, [PATCH 1/3] is missing; add it (the first patches alone can be given as a folder)"
    );
}

#[test]
fn a_folder_of_diffs() {
    let desk = Desk::new();
    for name in ["10-c.diff", "9-b.diff", "1-a.diff"] {
        desk.put(
            &format!("s/{name}"),
            diff(name.bytes().next().unwrap() as u32 - 40, "x"),
        );
    }
    let order = |series: Series| {
        series
            .parts
            .iter()
            .map(|p| p.from.file_name().unwrap().to_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        order(Series::read(&desk.path("s")).unwrap()),
        ["1-a.diff", "9-b.diff", "10-c.diff"]
    );
    desk.put("s/09-x.diff", diff(5, "x"));
    assert_eq!(
        desk.read_fails("s"),
        "s: not clear which patches to apply: 09-x.diff and 9-b.diff have the same number; leave only those in it"
    );
}

#[test]
fn names_for_sides() {
    let desk = Desk::new();
    let name = |file: &str| Series::read(&desk.put(file, diff(5, "five"))).unwrap().name;
    assert_eq!(name("v2_20261128_fünf(1).mbx"), "v2_20261128_f-nf-1");
    assert_eq!(name("my.fix.patch"), "my.fix");
    assert_eq!(name("ü.patch"), "patch");
}
