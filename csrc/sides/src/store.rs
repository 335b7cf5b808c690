// SPDX-License-Identifier: GPL-2.0
//! The folder `.kernels`: its contents, and how files are written.
//!
//! ```text
//! trees/NAME      prepared trees: src, build, build-nodebug, info
//! overlays/KEY    the files that a patch changes
//! sides/NAME      recipes of the sides that were added, by name
//! units/          compiled units, by the contents of what they were made from
//! objects/KEY     sides: side.so and its description, side.json
//! log/            output of what was run
//! ```
//!
//! Files and folders get their final name when they are complete, so several commands can
//! work in the folder at once.

use crate::error::{Result, at};
use sha2::{Digest, Sha256};
use std::{
    env,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Objects that have not been used for so long are removed.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// The interval between clean-ups.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The folder, determined once.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// `GUPDIFF_KERNELS_DIR`, or `.kernels` of the checkout from which this program was
    /// built.
    pub fn find() -> Self {
        match env::var_os("GUPDIFF_KERNELS_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => Self::at(&std::path::absolute(&dir).unwrap_or(dir.into())),
            None => Self::at(&checkout().join(".kernels")),
        }
    }

    /// Uses another folder.
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Prepared trees.
    pub fn trees(&self) -> PathBuf {
        self.root.join("trees")
    }

    /// The changed files of patches.
    pub fn overlays(&self) -> PathBuf {
        self.root.join("overlays")
    }

    /// Recipes.
    pub fn sides(&self) -> PathBuf {
        self.root.join("sides")
    }

    /// Compiled units.
    pub fn units(&self) -> PathBuf {
        self.root.join("units")
    }

    /// Compiled sides.
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    /// Logs.
    pub fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Takes a lock against other commands, held until it is dropped.  `name` can be any
    /// word that is a valid file name.
    pub fn lock(&self, name: &str) -> Result<File> {
        let dir = self.root.join("locks");
        fs::create_dir_all(&dir).map_err(at(&dir))?;
        let path = dir.join(name);
        let file = File::create(&path).map_err(at(&path))?;
        file.lock().map_err(at(&path))?;
        Ok(file)
    }

    /// Removes units, objects and overlays that have not been used for a month; at most
    /// once a day.
    pub fn prune(&self) -> Result<()> {
        let stamp = self.root.join("pruned");
        if age(&stamp).is_some_and(|age| age < PRUNE_EVERY) {
            return Ok(());
        }
        write(&stamp, b"")?;
        self.prune_older_than(AGE)
    }

    /// The same, at once and for any age.
    pub fn prune_older_than(&self, limit: Duration) -> Result<()> {
        for dir in [self.units(), self.objects(), self.overlays()] {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if age(&path).is_none_or(|age| age <= limit) {
                    continue;
                }
                let removed = match path.is_dir() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                };
                // another command may prune at the same time
                removed
                    .or_else(|e| match e.kind() {
                        std::io::ErrorKind::NotFound => Ok(()),
                        _ => Err(e),
                    })
                    .map_err(at(&path))?;
            }
        }
        Ok(())
    }
}

/// The time since a file or folder was made or last [`use`](used)d.
fn age(path: &Path) -> Option<Duration> {
    let modified = fs::metadata(path).and_then(|m| m.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Marks something as used.  Failures do no harm.
pub(crate) fn used(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// The checkout from which this program was built.
pub fn checkout() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Writes a temporary file and renames it.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(at(dir))?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(dir)
        .map_err(at(dir))?;
    file.write_all(contents).map_err(at(path))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode).map_err(at(path))?;
    file.persist(path).map_err(|e| at(path)(e.error))?;
    Ok(())
}

/// An empty temporary folder next to `path`, for [`publish`].
pub fn scratch(path: &Path) -> Result<tempfile::TempDir> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    fs::create_dir_all(dir).map_err(at(dir))?;
    tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(dir)
        .map_err(at(dir))
}

/// Renames a complete folder.  If the name exists already, that folder is equivalent and is
/// kept.
pub fn publish(folder: tempfile::TempDir, path: &Path) -> Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), mode).map_err(at(folder.path()))?;
    match fs::rename(folder.path(), path) {
        Ok(()) => {
            // it was moved
            let _ = folder.keep();
            Ok(())
        }
        Err(_) if path.is_dir() => Ok(()),
        Err(e) => Err(at(path)(e)),
    }
}

/// A sha256 in hexadecimal digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
