// SPDX-License-Identifier: GPL-2.0
//! Files that the compiler sees in place of others, without copying the tree.

use crate::{
    Store,
    error::{Result, at},
    store::{self, sha256},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Maps the path in the tree to the file that is read instead.
#[derive(Clone, Debug, Default)]
pub struct Overlay(BTreeMap<PathBuf, PathBuf>);

impl Overlay {
    /// Replaces nothing.
    pub const NONE: &'static Self = &Self(BTreeMap::new());

    /// Replaces the files of `tree` by those at the same relative paths in `dir`.
    pub fn of(dir: &Path, tree: &Path) -> Result<Self> {
        let files = files(dir)?.into_iter().filter_map(|file| {
            let inside = file.strip_prefix(dir).ok()?;
            Some((tree.join(inside), file.clone()))
        });
        Ok(Self(files.collect()))
    }

    /// Adds a file.
    pub fn insert(&mut self, path: PathBuf, file: PathBuf) {
        self.0.insert(path, file);
    }

    /// Is it empty?
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

    /// The text for clang's `-ivfsoverlay`; the compiler still reports the paths in the
    /// tree.
    pub fn description(&self) -> String {
        let file = |(path, file): (&PathBuf, &PathBuf)| json!({ "type": "file", "name": path, "external-contents": file });
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

/// Stores files, given with their paths in a tree, as a folder of `.kernels/overlays`;
/// returns its name, a hash of the contents.
pub fn keep(store: &Store, files: &[(String, Vec<u8>)]) -> Result<String> {
    let scratch = store::scratch(&store.overlays().join("new"))?;
    for (path, contents) in files {
        let path = scratch.path().join("files").join(path);
        store::write(&path, contents)?;
    }
    adopt(store, &scratch.path().join("files"))
}

/// The same for an existing folder, which is moved there.
pub fn adopt(store: &Store, files: &Path) -> Result<String> {
    fs::create_dir_all(files).map_err(at(files))?;
    let key = key_of(files)?;
    let dir = store.overlays().join(&key);
    match fs::rename(files, &dir) {
        Err(error) if !dir.is_dir() => return Err(at(&dir)(error)),
        _ => store::used(&dir),
    }
    Ok(key)
}

/// A hash of the contents of a folder.
fn key_of(dir: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for file in files(dir)? {
        let inside = file.strip_prefix(dir).unwrap_or(&file);
        hash.update(inside.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(sha256(fs::read(&file).map_err(at(&file))?));
    }
    Ok(format!("{:x}", hash.finalize())[..32].to_owned())
}

/// All files below a folder, sorted; none if the folder does not exist.
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
