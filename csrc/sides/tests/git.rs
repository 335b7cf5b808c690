// SPDX-License-Identifier: GPL-2.0
//! Commits of small repositories.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gup_sides::git::{self, Error};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A repository with two commits and a branch.
    fn new() -> Desk {
        let desk = Desk {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(desk.repo()).unwrap();
        desk.git(&["init", "--quiet", "--initial-branch=main"]);
        desk.put("Makefile", "one\n");
        desk.put("mm/pins.c", "one\r\ntwo\n");
        desk.put("drivers/net/a.c", "x\n");
        desk.put("drivers/net/Kconfig", "x\n");
        desk.put("tools/perf/deep/er.c", "x\n");
        std::os::unix::fs::symlink("mm/pins.c", desk.repo().join("link")).unwrap();
        desk.commit("first: start");
        desk.git(&["tag", "v1.0"]);
        desk.put("Makefile", "two\n");
        desk.commit("second: fünf");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn repo(&self) -> PathBuf {
        self.path("repo")
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.repo().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, args: &[&str]) -> String {
        run(&self.repo(), args)
    }

    fn commit(&self, subject: &str) {
        self.git(&["add", "--all"]);
        self.git(&[
            "commit",
            "--quiet",
            "-m",
            &format!("{subject}\n\nMore words."),
        ]);
    }

    fn export(
        &self,
        repo: &Path,
        commit: &str,
        globs: &[&str],
    ) -> Result<(git::Commit, BTreeMap<String, String>), Error> {
        let into = self.path("out/files");
        let _ = fs::remove_dir_all(&into);
        let globs: Vec<_> = globs.iter().map(|g| g.to_string()).collect();
        let result = git::export(repo, commit, &globs, &into);
        assert_eq!(into.exists(), result.is_ok());
        if let Ok(left) = fs::read_dir(self.path("out")) {
            assert_eq!(
                left.count(),
                usize::from(result.is_ok()),
                "scratch files stay"
            );
        }
        result.map(|commit| (commit, files(&into)))
    }

    fn fails(&self, repo: &str, commit: &str) -> String {
        let error = self.export(&self.path(repo), commit, &[]).unwrap_err();
        error
            .to_string()
            .replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn run(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.example",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_string();
            if path.is_symlink() {
                found.insert(
                    name,
                    format!("-> {}", fs::read_link(&path).unwrap().display()),
                );
            } else if path.is_dir() {
                open.push(path);
            } else {
                found.insert(
                    name,
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
                );
            }
        }
    }
    found
}

fn names(files: &BTreeMap<String, String>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn a_commit_without_touching_anything() {
    let desk = Desk::new();
    let head = desk.git(&["rev-parse", "HEAD"]);
    let first = desk.git(&["rev-parse", "v1.0"]);
    desk.put("Makefile", "not committed\n");
    desk.put("more", "not known\n");
    desk.git(&["config", "core.autocrlf", "true"]);
    desk.git(&["config", "core.eol", "crlf"]);
    let state = || {
        (
            desk.git(&["status", "--porcelain"]),
            desk.git(&["for-each-ref"]),
            files(&desk.repo()),
        )
    };
    let before = state();
    let (commit, found) = desk.export(&desk.repo(), "HEAD", &[]).unwrap();
    assert_eq!(
        (commit.hash, commit.subject),
        (head.clone(), "second: fünf".to_string())
    );
    assert_eq!(
        names(&found),
        [
            "Makefile",
            "drivers/net/Kconfig",
            "drivers/net/a.c",
            "link",
            "mm/pins.c",
            "tools/perf/deep/er.c"
        ]
    );
    assert_eq!(
        (
            found["Makefile"].as_str(),
            found["mm/pins.c"].as_str(),
            found["link"].as_str()
        ),
        ("two\n", "one\r\ntwo\n", "-> mm/pins.c")
    );
    let (commit, found) = desk
        .export(
            &desk.repo(),
            "v1.0",
            &["drivers/*.[ch]", "tools/perf/*", "l[!a]nk"],
        )
        .unwrap();
    assert_eq!(
        (commit.hash, commit.subject),
        (first.clone(), "first: start".to_string())
    );
    assert_eq!(
        names(&found),
        ["Makefile", "drivers/net/Kconfig", "mm/pins.c"]
    );
    assert_eq!(found["Makefile"], "one\n");
    assert_eq!(state(), before);
    for name in ["HEAD~1", "main^", &first[..9]] {
        assert_eq!(
            git::resolve(&desk.repo(), name).unwrap().hash,
            first,
            "{name}"
        );
    }
    assert_eq!(git::resolve(&desk.repo(), "main").unwrap().hash, head);
}

#[test]
fn all_kinds_of_repositories() {
    let desk = Desk::new();
    let first = desk.git(&["rev-parse", "v1.0"]);
    let whole = desk.export(&desk.repo(), "main", &[]).unwrap().1;
    run(
        desk.folder.path(),
        &["clone", "--quiet", "--bare", "repo", "bare.git"],
    );
    desk.git(&["worktree", "add", "--quiet", "../second", "v1.0"]);
    let url = format!("file://{}", desk.repo().display());
    run(
        desk.folder.path(),
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
    );
    for name in ["bare.git", "second", "shallow"] {
        assert!(git::is_repository(&desk.path(name)).unwrap());
        assert_eq!(
            desk.export(&desk.path(name), "main", &[]).unwrap().1,
            whole,
            "{name}"
        );
    }
    assert_eq!(
        git::resolve(&desk.path("second"), "HEAD").unwrap().hash,
        first
    );
    // a subfolder stands for itself
    let (_, found) = desk
        .export(&desk.repo().join("drivers"), "main", &["net/*.c"])
        .unwrap();
    assert_eq!(names(&found), ["net/Kconfig"]);
    assert_eq!(
        desk.fails("shallow", &first),
        format!(
            "shallow: no commit {first} (the clone is shallow: git fetch --unshallow brings the rest)"
        )
    );
}

#[test]
fn another_repository_in_the_environment() {
    // the variables are the process's: they are set for one of its own
    if std::env::var_os("GUP_SIDES_REPO").is_none() {
        let desk = Desk::new();
        fs::create_dir(desk.path("other")).unwrap();
        run(&desk.path("other"), &["init", "--quiet"]);
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "another_repository_in_the_environment"])
            .env("GIT_DIR", desk.path("other/.git"))
            .env("GIT_WORK_TREE", desk.path("other"))
            .env("GIT_INDEX_FILE", desk.path("other/index"))
            .env("GIT_OBJECT_DIRECTORY", desk.path("other/.git/objects"))
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_TRACE", "1")
            .env("GUP_SIDES_REPO", desk.repo())
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let repo = PathBuf::from(std::env::var_os("GUP_SIDES_REPO").unwrap());
    let out = tempfile::tempdir().unwrap();
    assert_eq!(git::resolve(&repo, "main").unwrap().subject, "second: fünf");
    git::export(
        &repo,
        "main",
        &["tools/*".into()],
        &out.path().join("files"),
    )
    .unwrap();
    assert_eq!(files(out.path()).len(), 5);
    assert!(!git::is_repository(out.path()).unwrap());
}

#[test]
fn what_is_no_commit() {
    let desk = Desk::new();
    desk.git(&["branch", "gup-cleanup"]);
    let no = |name: &str| desk.fails("repo", name);
    assert_eq!(no("nothing"), "repo: no commit nothing");
    assert_eq!(
        no("gup-cleanups"),
        "repo: no commit gup-cleanups (did you mean gup-cleanup?)"
    );
    assert_eq!(no("v1.1"), "repo: no commit v1.1 (did you mean v1.0?)");
    assert_eq!(no(""), "repo: no commit \"\"");
    assert_eq!(no("--all"), "repo: no commit --all");
    assert_eq!(
        no("main..v1.0"),
        "repo: no commit main..v1.0: a range is more than one commit"
    );
    assert_eq!(no("main:mm"), "repo: no commit main:mm: it is a tree");
    assert_eq!(
        no("main:mm/pins.c"),
        "repo: no commit main:mm/pins.c: it is a blob"
    );
    // two of a few thousand commits start alike; hashes are of the content alone
    let tree = desk.git(&["rev-parse", "HEAD^{tree}"]);
    let mut starts = BTreeMap::new();
    let twice = (0..).find_map(|n| {
        let date = format!("{} +0000", 1_000_000_000 + n);
        let output = Command::new("git")
            .arg("-C")
            .arg(desk.repo())
            .args(["commit-tree", "-m", "x", &tree])
            .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
            .envs(
                [
                    "GIT_AUTHOR_NAME",
                    "GIT_AUTHOR_EMAIL",
                    "GIT_COMMITTER_NAME",
                    "GIT_COMMITTER_EMAIL",
                ]
                .map(|name| (name, "a")),
            )
            .output()
            .unwrap();
        let start = String::from_utf8(output.stdout).unwrap()[..4].to_string();
        starts.insert(start.clone(), n).map(|_| start)
    });
    let twice = twice.unwrap();
    assert_eq!(
        no(&twice),
        format!("repo: {twice} is the start of several commits' hashes: give more of it")
    );
}

#[test]
fn what_is_no_repository() {
    let desk = Desk::new();
    fs::create_dir(desk.path("plain")).unwrap();
    assert_eq!(desk.fails("plain", "HEAD"), "plain is not a git repository");
    assert!(!git::is_repository(&desk.path("plain")).unwrap());
    assert!(git::is_repository(&desk.repo().join("mm")).unwrap());
    assert_eq!(desk.fails("none", "HEAD"), "none: no such folder");
    // a folder in a work tree that is no part of it
    fs::create_dir(desk.repo().join("out")).unwrap();
    desk.put("out/Makefile", "x\n");
    let short = &desk.git(&["rev-parse", "HEAD"])[..12];
    assert_eq!(
        desk.fails("repo/out", "HEAD"),
        format!("repo/out: commit {short} has no files here")
    );
    let error = desk
        .export(&desk.repo(), "HEAD", &["*"])
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(&format!("commit {short} has no files here")),
        "{error}"
    );
    fs::create_dir(desk.path("new")).unwrap();
    run(&desk.path("new"), &["init", "--quiet"]);
    assert_eq!(desk.fails("new", "HEAD"), "new: no commit HEAD");
}

#[test]
fn an_object_that_is_lost() {
    let desk = Desk::new();
    let blob = desk.git(&["rev-parse", "HEAD:mm/pins.c"]);
    fs::remove_file(
        desk.repo()
            .join(".git/objects")
            .join(&blob[..2])
            .join(&blob[2..]),
    )
    .unwrap();
    let error = desk.fails("repo", "HEAD");
    assert!(
        error.starts_with("repo: git says: ") && error.contains(&blob),
        "{error}"
    );
}

#[test]
fn a_repository_of_another_user() {
    let desk = Desk::new();
    let ours = std::os::unix::fs::MetadataExt::uid(&fs::metadata(desk.repo()).unwrap());
    if ours != 0 {
        eprintln!("only root can give a repository away");
        return;
    }
    let status = Command::new("chown")
        .args(["-R", "1234"])
        .arg(desk.repo())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(
        desk.fails("repo", "HEAD"),
        "repo belongs to another user, git does not read it: if it is to be trusted, git config --global --add safe.directory repo"
    );
}

#[test]
fn where_the_files_go() {
    let desk = Desk::new();
    let into = desk.path("deep/er/files");
    git::export(&desk.repo(), "HEAD", &[], &into).unwrap();
    let error = git::export(&desk.repo(), "HEAD", &[], &into).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is not empty: remove it first", into.display())
    );
    let file = desk.path("file");
    fs::write(&file, "").unwrap();
    let error = git::export(&desk.repo(), "HEAD", &[], &file.join("files")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn without_git() {
    if let Some(repo) = std::env::var_os("GUP_SIDES_REPO") {
        let error = git::resolve(Path::new(&repo), "HEAD").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the program git is missing: install the package git"
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "without_git"])
        .env("GUP_SIDES_REPO", folder.path())
        .env("PATH", folder.path())
        .status();
    assert!(status.unwrap().success());
}
