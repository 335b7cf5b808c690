// SPDX-License-Identifier: GPL-2.0
//! Files that the compiler sees in place of others, without a copy of the tree.

use crate::error::{Result, at};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// From a path as the compiler names it to the file that it reads.
#[derive(Clone, Debug, Default)]
pub struct Overlay(BTreeMap<PathBuf, PathBuf>);

impl Overlay {
    /// The files below `dir`, in place of those at the same paths below `tree`.
    pub fn of(dir: &Path, tree: &Path) -> Result<Self> {
        let files = files(dir)?.into_iter().filter_map(|file| {
            let inside = file.strip_prefix(dir).ok()?;
            Some((tree.join(inside), file.clone()))
        });
        Ok(Self(files.collect()))
    }

    /// One more file.
    pub fn insert(&mut self, path: PathBuf, file: PathBuf) {
        self.0.insert(path, file);
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The file that the compiler reads when it reads `path`.
    pub fn real<'a>(&'a self, path: &'a Path) -> &'a Path {
        self.0.get(path).map_or(path, PathBuf::as_path)
    }

    /// The paths that exist in the overlay only.
    pub fn added(&self) -> impl Iterator<Item = &Path> {
        self.0.keys().map(PathBuf::as_path).filter(|p| !p.exists())
    }

    /// For clang's `-ivfsoverlay`: the compiler goes on to call the files by the
    /// names that they have in the tree.
    pub fn description(&self) -> String {
        let file = |(path, file): (&PathBuf, &PathBuf)| {
            json!({ "type": "file", "name": path, "external-contents": file })
        };
        let roots: Vec<_> = self.0.iter().map(file).collect();
        json!({
            "version": 0,
            "case-sensitive": "true",
            "use-external-names": false,
            "roots": roots,
        })
        .to_string()
    }
}

/// All files below a folder, sorted; none where there is no folder.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(at(dir)(e)),
    };
    for entry in entries {
        let path = entry.map_err(at(dir))?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
