// SPDX-License-Identifier: GPL-2.0
//! Which commit or patch brings a behaviour.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::patched;
use gup_sides::{Recipe, Store, git};
use harness::bisect::{self, Tested};
use tempfile::TempDir;

/// A git repository of one file.
struct Desk {
    folder: TempDir,
    file: &'static str,
}

impl Desk {
    fn new(file: &'static str) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            file,
        };
        fs::create_dir_all(desk.repo().join(file).parent().unwrap()).unwrap();
        desk.git(&["init", "--quiet", "--initial-branch=main"]);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.repo())
            .args(["-c", "user.name=A", "-c", "user.email=a@b.example"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    }

    /// Commits a new text; the hash.
    fn commit(&self, text: &str, subject: &str) -> String {
        fs::write(self.repo().join(self.file), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", subject]);
        self.git(&["rev-parse", "HEAD"])
    }
}

#[test]
fn commits_are_searched_without_touching_the_repository() {
    let desk = Desk::new("file");
    let texts = [
        "0",
        "1",
        "does not build",
        "3",
        "4 wrong",
        "5 wrong",
        "6 wrong",
    ];
    let hashes: Vec<String> = texts.iter().map(|text| desk.commit(text, text)).collect();
    // a branch without it, merged late
    desk.git(&["checkout", "--quiet", "-b", "side", &hashes[1]]);
    fs::write(desk.repo().join("other"), "x").unwrap();
    desk.git(&["add", "--all"]);
    desk.git(&["commit", "--quiet", "--message", "aside"]);
    desk.git(&["checkout", "--quiet", "main"]);
    desk.git(&["merge", "--quiet", "--no-edit", "side"]);
    let state = || desk.git(&["for-each-ref"]) + &desk.git(&["status", "--short", "--branch"]);
    let (before, head) = (state(), desk.git(&["rev-parse", "HEAD"]));
    let search = |good: &str| {
        bisect::commits::<git::Error>(&desk.repo(), good, &head, &mut |commit, _| {
            let text = desk.git(&["show", &format!("{commit}:file")]);
            Ok(match text {
                text if text.contains("wrong") => Tested::Bad,
                text if text.contains("build") => Tested::Skipped(text),
                _ => Tested::Good,
            })
        })
        .unwrap()
    };
    let found = search(&hashes[0]);
    assert_eq!((&found.bad, &found.skipped), (&hashes[4], &vec![]));
    assert_eq!(search(&hashes[3]).bad, hashes[4]);
    assert_eq!(state(), before);
    assert!(git::resolve(&desk.repo(), "no-such").is_err());
}

fn gupdiff(args: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gupdiff"));
    for name in [
        "KERNEL", "CONFIG", "REV", "PATCH", "RENAMED", "LEFT", "RIGHT",
    ] {
        command.env_remove(name);
    }
    command.args(args).args(paths).output().unwrap()
}

#[test]
fn the_patch_of_a_series_that_brings_it_is_named() {
    let Some([kernel, wrong]) = patched::texts() else {
        return;
    };
    let desk = Desk::new("mm/gup.c");
    desk.commit(&kernel, "the kernel");
    let harmless = |text: &str, what: &str| format!("{text}/* {what} */\n");
    desk.commit(&harmless(&kernel, "one"), "mm/gup: say one");
    desk.commit(&harmless(&wrong, "one"), "mm/gup: do not look up heads");
    let last = harmless(&harmless(&wrong, "one"), "three");
    desk.commit(&last, "mm/gup: say three");
    let name = format!("series-{}", std::process::id());
    let series = desk.path(&name);
    let folder = series.display().to_string();
    desk.git(&[
        "format-patch",
        "--quiet",
        "-3",
        "--output-directory",
        &folder,
    ]);
    let program = desk.path("found.gup");
    fs::write(&program, "page h order=1 ref=1\ntry_grab_page h+1 GET\n").unwrap();
    let patch = ["bisect", "--kernel", patched::KERNEL, "--patch", &folder];
    let found = gupdiff(&patch, &[&program]);
    let (out, err) = (found.stdout, String::from_utf8_lossy(&found.stderr));
    let out = String::from_utf8_lossy(&out);
    assert_eq!(found.status.code(), Some(1), "{out}{err}");
    let expected = "first bad: patch 2/3 \"mm/gup: do not look up heads\"\n";
    assert!(out.ends_with(expected), "{out}{err}");
    // what does not differ has no first one
    fs::write(&program, "page p ref=1\ntry_grab_page p GET\n").unwrap();
    let same = gupdiff(&patch, &[&program]);
    assert_eq!(same.status.code(), Some(2));
    let err = String::from_utf8_lossy(&same.stderr);
    assert!(
        err.contains("the good and the bad kernel behave the same"),
        "{err}"
    );
    // the whole series stays as a side, parts of it do not
    let side = format!("{}+{name}", patched::KERNEL);
    let kept = Recipe::all(&Store::find()).unwrap().into_iter();
    let kept: Vec<String> = kept
        .map(|recipe| recipe.name)
        .filter(|kept| kept.contains(&name))
        .collect();
    assert_eq!(kept, std::slice::from_ref(&side));
    Recipe::remove(&Store::find(), &side).unwrap();
}

/// `git bisect run` takes any status below 128 but 125 for an answer.
#[test]
fn what_is_no_answer_stops_git_bisect_run() {
    let desk = Desk::new("file");
    desk.commit("x", "x");
    let repo = desk.repo().display().to_string();
    let ends = ["--good", "no-such", "--bad", "HEAD", "--rev", "HEAD"];
    let args = [&["bisect", "--kernel", &repo][..], &ends].concat();
    let done = gupdiff(&args, &[&desk.path("none.gup")]);
    assert_eq!(done.status.code(), Some(128));
    let alone = gupdiff(&["bisect", "--kernel", &repo], &[&desk.path("none.gup")]);
    assert_eq!(alone.status.code(), Some(2));
}
