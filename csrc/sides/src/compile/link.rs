// SPDX-License-Identifier: GPL-2.0
//! Links compiled units to a shared object, and the runtime of objects without an engine.

use super::{
    caller::{self, clang},
    gaps,
    unit::harness,
};
use crate::{
    Store,
    error::{Error, Result, at},
    store::{self, sha256},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Flags for the stubs of gaps.  Each has its own section, so that unused ones are dropped.
const GAP_FLAGS: [&str; 7] = [
    "-O1",
    "-w",
    "-ffunction-sections",
    "-fno-builtin",
    "-ffreestanding",
    "-fPIE",
    "-c",
];

/// Linker flags; unused functions of the kernel's other files are dropped.
const LINK_FLAGS: [&str; 3] = ["-shared", "-nostdlib", "-Wl,--gc-sections"];

/// Adds to a key what a linked object depends on besides its units.
pub(super) fn add_to_key(hash: &mut Sha256) {
    hash.update(include_str!("../../../shim/side.lds"));
    hash.update(include_str!("../../../shim/side.map"));
    hash.update(include_str!("../../../flavours/atexit.c"));
    hash.update(format!(
        "{GAP_FLAGS:?} {LINK_FLAGS:?} {:?} {:?}",
        caller::link_flags(),
        gaps::ELSEWHERE
    ));
}

/// Links one object with one global symbol, `side.so` in a folder: sides must not see each
/// other's symbols.
pub(super) fn link(side: &str, store: &Store, units: &[PathBuf], dir: &Path) -> Result<()> {
    let gaps = stubs(side, store, units, dir)?;
    let shim = harness().join("shim");
    let map = shim.join("side.map");
    run(
        side,
        Command::new(clang())
            .args(LINK_FLAGS)
            .arg(format!("-Wl,-T,{}", shim.join("side.lds").display()))
            .arg(format!("-Wl,--version-script={}", map.display()))
            .arg("-o")
            .arg(dir.join("side.so"))
            .args(units)
            .arg(&gaps)
            .args(caller::link_flags()),
    )
}

/// Compiles the stubs of gaps; many sides have the same ones.
fn stubs(side: &str, store: &Store, units: &[PathBuf], dir: &Path) -> Result<PathBuf> {
    let source = gaps::source(units)?;
    let kept = sha256(format!("{GAP_FLAGS:?}{source}"));
    let object = store.units().join(format!("gaps-{kept}.o"));
    if !object.exists() {
        let (gaps, scratch) = (dir.join("gaps.c"), dir.join("gaps.o"));
        fs::write(&gaps, source).map_err(at(&gaps))?;
        let mut command = Command::new(clang());
        run(
            side,
            command.args(GAP_FLAGS).arg(&gaps).arg("-o").arg(&scratch),
        )?;
        fs::rename(&scratch, &object).map_err(at(&object))?;
        fs::remove_file(&gaps).map_err(at(&gaps))?;
    }
    store::used(&object);
    Ok(object)
}

/// A shared object with the functions that engines' objects call, for a process without an
/// engine.
pub fn runtime(store: &Store) -> Result<PathBuf> {
    const FLAGS: [&str; 5] = ["-O1", "-w", "-fPIC", "-shared", "-nostdlib"];
    let source = harness().join("flavours/runtime.c");
    let text = fs::read(&source).map_err(at(&source))?;
    let key = sha256([format!("{FLAGS:?}").as_bytes(), &text].concat());
    let path = store.objects().join(format!("runtime-{key}.so"));
    if !path.exists() {
        fs::create_dir_all(store.objects()).map_err(at(&path))?;
        let new = tempfile::NamedTempFile::new_in(store.objects()).map_err(at(&path))?;
        let mut command = Command::new(clang());
        run(
            "the runtime",
            command.args(FLAGS).arg(&source).arg("-o").arg(new.path()),
        )?;
        new.persist(&path).map_err(|e| at(&path)(e.error))?;
    }
    store::used(&path);
    Ok(path)
}

fn run(side: &str, command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .map_err(|_| Error::Missing(clang().into()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text
        .lines()
        .find(|line| line.contains("error") || line.contains("ld: "));
    Err(Error::Link {
        side: side.into(),
        first: first.or(text.lines().next()).unwrap_or("no message").into(),
    })
}
