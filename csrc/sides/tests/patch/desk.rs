// SPDX-License-Identifier: GPL-2.0
//! Small trees, and patches on them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gup_sides::patch::{Applied, Error, Series, apply};
use tempfile::TempDir;

/// A tree, a place for patches and one for overlays.
pub struct Desk {
    pub folder: TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        let desk = Desk {
            folder: tempfile::tempdir().unwrap(),
        };
        desk.tree("mm/pins.c", numbered(1..=40));
        desk.tree("mm/walk.c", numbered(101..=110));
        desk.tree("include/pins.h", "int pins;\n");
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn tree(&self, name: &str, text: impl AsRef<[u8]>) {
        self.put(&format!("tree/{name}"), text);
    }

    /// Applies, and gives the overlay's files too.
    pub fn apply(&self, series: &Series) -> Result<(Applied, BTreeMap<String, String>), Error> {
        let before = files(&self.path("tree"));
        let into = self.path("out/overlay");
        let _ = fs::remove_dir_all(&into);
        let result = apply(
            series,
            &self.path("tree"),
            &|name| name.starts_with("drivers/"),
            &into,
        );
        assert_eq!(before, files(&self.path("tree")), "the tree was written to");
        if result.is_err() {
            assert!(!into.exists(), "something half-applied stays");
        }
        let left = fs::read_dir(self.path("out")).unwrap().count();
        assert_eq!(left, usize::from(result.is_ok()), "scratch files stay");
        result.map(|applied| (applied, files(&into)))
    }

    pub fn run(
        &self,
        name: &str,
        text: impl AsRef<[u8]>,
    ) -> Result<(Applied, BTreeMap<String, String>), Error> {
        self.apply(&Series::read(&self.put(name, text))?)
    }

    pub fn fails(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        match self.run(name, text) {
            Ok((applied, _)) => panic!("it applies: {applied:?}"),
            Err(error) => error
                .to_string()
                .replace(&format!("{}/", self.folder.path().display()), ""),
        }
    }

    pub fn read_fails(&self, name: &str) -> String {
        match Series::read(&self.path(name)) {
            Ok(series) => panic!("it can be read: {series:?}"),
            Err(error) => error
                .to_string()
                .replace(&format!("{}/", self.folder.path().display()), ""),
        }
    }
}

pub fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_string();
                found.insert(
                    name,
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned(),
                );
            }
        }
    }
    found
}

pub fn numbered(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|n| format!("line {n}\n")).collect()
}

/// A hunk that changes `line N` of `mm/pins.c` to `to`.
pub fn hunk(n: u32, to: &str) -> String {
    format!(
        "@@ -{0},3 +{0},3 @@ of something\n line {0}\n-line {1}\n+{to}\n line {2}\n",
        n - 1,
        n,
        n + 1
    )
}

pub fn diff(n: u32, to: &str) -> String {
    format!("--- a/mm/pins.c\n+++ b/mm/pins.c\n{}", hunk(n, to))
}

pub fn git_diff(n: u32, to: &str) -> String {
    format!(
        "diff --git a/mm/pins.c b/mm/pins.c\nindex 1234567..89abcde 100644\n{}",
        diff(n, to)
    )
}

pub fn mail(subject: &str, diff: &str) -> String {
    format!(
        "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: A. Uthor <a@b.example>\n\
         Date: Sat, 28 Nov 2026 10:00:00 +0000\nSubject: {subject}\n\nWhy it is done.\n---\n mm/pins.c | 2 +-\n\n{diff}-- \n2.47.3\n\n"
    )
}

pub fn titles(series: &Series) -> Vec<&str> {
    series
        .parts
        .iter()
        .map(|part| part.title.as_deref().unwrap_or("-"))
        .collect()
}

pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|n| n.to_string()).collect()
}
