// SPDX-License-Identifier: GPL-2.0
//! Compiles one translation unit, cached by the contents of all files that it reads.
//!
//! For each command line a manifest lists the sets of files that were read before.  The
//! contents of these files are the object's cache key.  So editing a header that a unit
//! does not read, reverting a patch, or compiling the same unit for another side costs
//! nothing.

use super::{
    caller::clang,
    detect::{Edits, Message, Piece},
    flavour,
};
use crate::{
    Store,
    error::{Error, Result, at},
    overlay::Overlay,
    store::{self, sha256},
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::SystemTime,
};

/// The number of file sets that a manifest remembers.  The set changes only with an include
/// or an option.
const REMEMBERED: usize = 16;

/// The files that a unit reads.
type Set = Vec<PathBuf>;

/// The input.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub source: PathBuf,
    pub args: Vec<String>,
    /// Does it contain mm/gup.c?
    pub of_gup: bool,
    /// Hash of a file that the unit certainly reads and that differs between many sides: it
    /// gets a separate manifest for each.
    pub of: String,
    /// Flags of further runs, each on the output of the previous one; the last one makes
    /// the object.
    pub further: Vec<Vec<String>>,
    /// Pieces that the tree is already known to lack.
    pub lacking: Edits,
}

/// A compiled unit.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub object: PathBuf,
    /// Hash of all inputs.
    pub key: String,
    /// The pieces that the tree lacks.
    pub absent: Vec<Piece>,
    /// The compiler's first error about them.
    pub message: Option<String>,
    /// How they are handled.
    pub edits: Edits,
}

/// The data stored with an object.
#[derive(serde::Serialize, serde::Deserialize)]
struct Kept {
    absent: Vec<Piece>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    edits: Edits,
}

/// Compiles units of one side.
#[derive(Clone, Copy)]
pub(super) struct Units<'a> {
    pub store: &'a Store,
    /// The side, for messages.
    pub side: &'a str,
    pub overlay: &'a Overlay,
}

/// The hash of a file, with its metadata at that time.
type Seen = (Option<SystemTime>, u64, String);

/// The hash of a file; computed again only if the file changes.
fn hash_of(path: &Path) -> String {
    static KNOWN: Mutex<BTreeMap<PathBuf, Seen>> = Mutex::new(BTreeMap::new());
    let lock = || {
        KNOWN
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    };
    // a missing file matches nothing
    let Ok(metadata) = fs::metadata(path) else {
        return String::new();
    };
    let (time, len) = (metadata.modified().ok(), metadata.len());
    if let Some((t, l, hash)) = lock().get(path)
        && (*t, *l) == (time, len)
    {
        return hash.clone();
    }
    let hash = fs::read(path).map_or_else(|_| String::new(), sha256);
    lock().insert(path.into(), (time, len, hash.clone()));
    hash
}

impl Units<'_> {
    /// Compiles the same tree without the overlay.
    pub fn unchanged(self) -> Self {
        Self {
            overlay: Overlay::NONE,
            ..self
        }
    }

    /// Compiles a unit, if necessary.
    pub fn compile(&self, unit: &Unit) -> Result<Compiled> {
        let request = self.request(unit);
        let dir = self.store.units();
        let manifest = dir.join(format!("{request}.json"));
        if let Some(found) = self.look_up(&request, &manifest) {
            return Ok(found);
        }
        // if another process compiles the same, wait and use its result
        let _lock = self.store.lock(&format!("unit-{}", &request[..16]))?;
        if let Some(found) = self.look_up(&request, &manifest) {
            return Ok(found);
        }
        fs::create_dir_all(&dir).map_err(at(&dir))?;
        let (set, kept, object) = self.run(unit, &request)?;
        let key = self.key(&request, &set);
        let path = self.store.units().join(format!("{key}.o"));
        let json = |value: serde_json::Result<Vec<u8>>| value.map_err(std::io::Error::other);
        let beside = path.with_extension("json");
        let text = json(serde_json::to_vec(&kept)).map_err(at(&beside))?;
        store::write(&beside, &text)?;
        object.persist(&path).map_err(|e| at(&path)(e.error))?;
        let mut sets = sets(&manifest);
        if !sets.contains(&set) {
            sets.insert(0, set);
            sets.truncate(REMEMBERED);
            let text = json(serde_json::to_vec(&sets)).map_err(at(&manifest))?;
            store::write(&manifest, &text)?;
        }
        Ok(kept.with(path, key))
    }

    /// A hash of the command line.
    fn request(&self, unit: &Unit) -> String {
        let mut hash = Sha256::new();
        hash.update(compiler());
        hash.update(unit.source.as_os_str().as_encoded_bytes());
        hash.update(&unit.of);
        for arg in unit.args.iter().chain(unit.further.iter().flatten()) {
            hash.update([0]);
            hash.update(arg);
        }
        // a file that a patch adds may come before another one of the same name
        for path in self.overlay.added() {
            hash.update([1]);
            hash.update(path.as_os_str().as_encoded_bytes());
        }
        format!("{:x}", hash.finalize())
    }

    fn look_up(&self, request: &str, manifest: &Path) -> Option<Compiled> {
        let found = sets(manifest).iter().find_map(|set| {
            let key = self.key(request, set);
            let object = self.store.units().join(format!("{key}.o"));
            let kept = fs::read(object.with_extension("json")).ok()?;
            let kept: Kept = serde_json::from_slice(&kept).ok()?;
            object.exists().then(|| kept.with(object, key))
        })?;
        store::used(&found.object);
        store::used(&found.object.with_extension("json"));
        store::used(manifest);
        Some(found)
    }

    /// A hash of the command line and of the files' contents.
    fn key(&self, request: &str, set: &Set) -> String {
        let mut hash = Sha256::new();
        hash.update(request);
        for path in set {
            hash.update(path.as_os_str().as_encoded_bytes());
            hash.update(self.hash(path));
        }
        format!("{:x}", hash.finalize())
    }

    fn hash(&self, path: &Path) -> String {
        hash_of(self.overlay.real(path))
    }

    /// Runs the compiler until there are no errors, and removes the pieces that the tree
    /// lacks.
    fn run(&self, unit: &Unit, request: &str) -> Result<(Set, Kept, tempfile::NamedTempFile)> {
        let dir = self.store.units();
        let scratch = tempfile::Builder::new()
            .prefix(".work-")
            .tempdir_in(&dir)
            .map_err(at(&dir))?;
        let read = |path: &Path| fs::read_to_string(self.overlay.real(path)).unwrap_or_default();
        let mut edits = unit.lacking.clone();
        let deps = scratch.path().join("deps");
        let bitcode = scratch.path().join("unit.bc");
        let object = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&dir)
            .map_err(at(&dir))?;
        loop {
            let mut overlay = self.overlay.clone();
            for (i, (path, text)) in edits.edited(&read).into_iter().enumerate() {
                let file = scratch.path().join(format!("edited-{i}"));
                fs::write(&file, text).map_err(at(&file))?;
                overlay.insert(path, file);
            }
            let mut command = Command::new(clang());
            command.args(&unit.args).args(edits.macros());
            if !overlay.is_empty() {
                let file = scratch.path().join("overlay");
                fs::write(&file, overlay.description()).map_err(at(&file))?;
                command.arg("-ivfsoverlay").arg(file);
            }
            command
                .args([
                    "-fno-color-diagnostics",
                    "-fno-caret-diagnostics",
                    "-ferror-limit=0",
                ])
                .args(["-MD", "-MF"])
                .arg(&deps)
                .arg("-c")
                .arg(&unit.source)
                .arg("-o");
            match unit.further.is_empty() {
                true => command.arg(object.path()),
                false => command.arg(&bitcode).arg("-emit-llvm"),
            };
            let output = output(&mut command)?;
            if output.status.success() {
                break;
            }
            let text = String::from_utf8_lossy(&output.stderr);
            let messages = Message::all(&text);
            let mine = |m: &Message| m.file.starts_with(harness());
            let stuck = match messages.iter().find(|m| !mine(m)) {
                Some(of_the_tree) => Some(of_the_tree.clone()),
                None => edits.learn(&messages, &read),
            };
            if messages.is_empty() || stuck.is_some() {
                let first = stuck.map(|m| m.text);
                return Err(self.failed(&text, first, request));
            }
        }
        for (nr, flags) in unit.further.iter().enumerate() {
            let mut command = Command::new(clang());
            command
                .args(flags)
                .args(["-x", "ir", "-c"])
                .arg(&bitcode)
                .arg("-o");
            // the compiler reads its whole input before it writes
            match nr + 1 == unit.further.len() {
                true => command.arg(object.path()),
                false => command.arg(&bitcode).arg("-emit-llvm"),
            };
            let output = output(&mut command)?;
            if !output.status.success() {
                return Err(self.failed(&String::from_utf8_lossy(&output.stderr), None, request));
            }
            if flags.iter().any(|flag| flag == "-S") {
                let text = fs::read_to_string(&bitcode).map_err(at(&bitcode))?;
                fs::write(&bitcode, flavour::harmless_marks(&text)).map_err(at(&bitcode))?;
            }
        }
        let list = fs::read_to_string(&deps).map_err(at(&deps))?;
        let kept = Kept {
            absent: edits.absent(&read),
            message: edits.first().map(str::to_owned),
            edits,
        };
        Ok((dependencies(&list).collect(), kept, object))
    }

    fn failed(&self, text: &str, first: Option<String>, request: &str) -> Error {
        let log = self
            .store
            .logs()
            .join(format!("compile-{}.log", &request[..12]));
        // the first error is in the message; if the disk is full, the log is lost
        let _ = store::write(&log, text.as_bytes());
        let first = first.or_else(|| {
            text.lines()
                .find(|l| l.contains("error"))
                .map(str::to_owned)
        });
        Error::Compile {
            side: self.side.into(),
            first: first.unwrap_or_else(|| "no message from the compiler".into()),
            log,
        }
    }
}

fn output(command: &mut Command) -> Result<std::process::Output> {
    command.output().map_err(|_| Error::Missing(clang().into()))
}

/// The folder of the harness.
pub(super) fn harness() -> PathBuf {
    store::checkout().join("csrc")
}

impl Kept {
    fn with(self, object: PathBuf, key: String) -> Compiled {
        Compiled {
            object,
            key,
            absent: self.absent,
            message: self.message,
            edits: self.edits,
        }
    }
}

fn sets(manifest: &Path) -> Vec<Set> {
    let text = fs::read(manifest).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The compiler's version, which is part of the cache key.
fn compiler() -> &'static str {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    VERSION.get_or_init(|| {
        let output = Command::new(clang()).arg("--version").output();
        output.map_or_else(
            |_| String::new(),
            |o| String::from_utf8_lossy(&o.stdout).into_owned(),
        )
    })
}

/// Parses a dependency list in make's format.
fn dependencies(list: &str) -> impl Iterator<Item = PathBuf> {
    let files = list.split_once(": ").map_or("", |(_, files)| files);
    files
        .split_whitespace()
        .filter(|word| *word != "\\")
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_list_is_read() {
        let list = "x.o: /a/b.c \\\n  /a/c.h /a/d.h \\\n  /e.h\n";
        let files: Vec<_> = dependencies(list).collect();
        assert_eq!(
            files,
            ["/a/b.c", "/a/c.h", "/a/d.h", "/e.h"].map(PathBuf::from)
        );
    }
}
