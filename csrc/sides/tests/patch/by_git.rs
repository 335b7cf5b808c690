// SPDX-License-Identifier: GPL-2.0
//! What git writes, in all its forms, against what git itself makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use gup_sides::git;
use gup_sides::patch::Series;

use crate::patch::desk::{Desk, files, numbered};

fn run(repo: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .arg("-C")
        .arg(repo)
        .args(["-c", "user.name=Ä. Uthor", "-c", "user.email=a@b.example"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A tree of git's and three commits on it, with everything that a diff can say.
fn repository(desk: &Desk) {
    let repo = desk.path("repo");
    let put = |name: &str, text: &str| {
        let path = repo.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let commit = |subject: &str| {
        run(&repo, &["add", "--all"]);
        run(
            &repo,
            &["commit", "--quiet", "--allow-empty", "-m", subject],
        );
    };
    fs::create_dir(&repo).unwrap();
    run(&repo, &["init", "--quiet", "--initial-branch=main"]);
    put("mm/pins.c", &numbered(1..=60));
    put("mm/walk.c", &numbered(101..=160));
    put("mm/gone.c", "gone\n");
    put("mm/none", "");
    put("mm/dash.c", "a\n-- b\n++ c\n--- d\n+++ e\nf\n");
    put("mm/dos.c", "a\r\nb\r\nc\r\n");
    put("mm/name with blanks.c", &numbered(1..=9));
    put("mm/ümläut\t\"x\".c", &numbered(1..=9));
    put("Makefile", "all:\n\techo \\\n\t\thi");
    commit("start");
    let pins = numbered(1..=60);
    put("mm/pins.c", &pins.replace("line 5\n", "five\n"));
    put("mm/dash.c", "a\n++ c\n-- b\n+++ e\n--- d\nf\n");
    put("mm/new.c", "new\n\n\nfile");
    put("mm/empty.c", "");
    fs::remove_file(repo.join("mm/gone.c")).unwrap();
    commit(
        "mm: one: From here on\n\nFrom here it goes on.\n\n--- a/not/this\n+++ b/not/this\n\n> @@ -1 +1 @@",
    );
    put(
        "mm/pins.c",
        &pins
            .replace("line 5\n", "FIVE\nfünf\n")
            .replace("line 58\n", ""),
    );
    fs::rename(repo.join("mm/walk.c"), repo.join("mm/deeper.c")).unwrap();
    put(
        "mm/deeper.c",
        &numbered(101..=160).replace("line 130\n", "x\n"),
    );
    put(
        "mm/copy.c",
        &pins
            .replace("line 5\n", "five\n")
            .replace("line 9\n", "y\n"),
    );
    fs::remove_file(repo.join("mm/none")).unwrap();
    fs::set_permissions(repo.join("mm/dash.c"), fs::Permissions::from_mode(0o755)).unwrap();
    commit(
        "mm: two: é, and a subject that is much too long for one line of a mail's header, so that it is folded",
    );
    put("mm/dos.c", "a\r\nB\r\nc\r\n");
    put("mm/name with blanks.c", &numbered(2..=10));
    put("mm/ümläut\t\"x\".c", &numbered(2..=10));
    put("Makefile", "all:\n\techo \\\n\t\tho\n");
    fs::remove_file(repo.join("mm/new.c")).unwrap();
    put(
        "mm/deeper.c",
        &numbered(101..=160).replace("line 130\n", "z\n"),
    );
    commit("[tag] mm: three");
}

#[test]
fn every_form_makes_the_same_tree() {
    let desk = Desk::new();
    repository(&desk);
    let repo = desk.path("repo");
    let base = desk.path("tree");
    fs::remove_dir_all(&base).unwrap();
    git::export(&repo, "main~3", &[], &base).unwrap();
    git::export(&repo, "main", &[], &desk.path("goal")).unwrap();
    let goal = files(&desk.path("goal"));

    let range = "main~3..main";
    let forms: [&[&str]; 18] = [
        &["diff", range],
        &["diff", "--no-renames", range],
        &["diff", "--find-copies-harder", range],
        &["diff", "--no-prefix", range],
        &["diff", "--unified=0", range],
        &["diff", "--function-context", "--full-index", range],
        &["diff", "--patch-with-stat", "--minimal", range],
        &["diff", "--src-prefix=old/", "--dst-prefix=new/", range],
        &["format-patch", "--stdout", range],
        &["format-patch", "--stdout", "--keep-subject", range],
        &[
            "format-patch",
            "--stdout",
            "--numbered",
            "--reroll-count=2",
            "--cover-letter",
            range,
        ],
        &["format-patch", "--stdout", "--no-numbered", range],
        &["format-patch", "--stdout", "--attach", range],
        &["format-patch", "--stdout", "--inline", range],
        &[
            "format-patch",
            "--stdout",
            "--no-prefix",
            "--no-signature",
            range,
        ],
        &[
            "format-patch",
            "--stdout",
            "--find-copies-harder",
            "--irreversible-delete",
            range,
        ],
        &[
            "format-patch",
            "--stdout",
            "--subject-prefix=RFC mm",
            "--signature=-- ",
            range,
        ],
        &[
            "format-patch",
            "--output-directory=../folder",
            "--cover-letter",
            "--quiet",
            range,
        ],
    ];
    for form in forms {
        let said = run(&repo, form);
        let folder = form.contains(&"--quiet");
        let path = if folder {
            desk.path("folder")
        } else {
            desk.put("it.patch", said)
        };
        let series = Series::read(&path).unwrap_or_else(|e| panic!("{form:?}: {e}"));
        assert_eq!(
            series.parts.len(),
            if form[0] == "diff" { 1 } else { 3 },
            "{form:?}"
        );
        if form[0] != "diff" {
            assert_eq!(
                series.parts[0].title.as_deref(),
                Some("mm: one: From here on"),
                "{form:?}"
            );
            let two = series.parts[1].title.as_deref().unwrap();
            assert!(
                two.starts_with("mm: two: é, ") && two.ends_with("header, so that it is folded"),
                "{form:?}: {two}"
            );
        }
        let (applied, overlay) = desk
            .apply(&series)
            .unwrap_or_else(|e| panic!("{form:?}: {e}"));
        assert_eq!(applied.notes, [""; 0], "{form:?}");
        let mut made = files(&base);
        made.retain(|name, _| !applied.removed.contains(name));
        made.extend(overlay);
        assert_eq!(made, goal, "{form:?}");
        let mode = fs::metadata(desk.path("out/overlay/mm/dash.c"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o755, "{form:?}");
        let names: Vec<_> = [&applied.changed, &applied.added, &applied.removed]
            .into_iter()
            .flatten()
            .collect();
        let named = series.files();
        assert!(
            names.iter().all(|name| named.contains(*name)),
            "{form:?}: {named:?}"
        );
    }
}
