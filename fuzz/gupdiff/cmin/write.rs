// SPDX-License-Identifier: GPL-2.0
//! Replaces the old corpus by the new one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use harness::input::{self, Input};
use harness::program::text;
use harness::report::write_atomically;

use super::{Candidate, order};

/// Writes a file `NAME.gup`, or a folder.
pub fn write(corpus: &Path, kept: &[Candidate]) -> Result<()> {
    match corpus.extension() {
        Some(extension) if extension == "gup" => pack(corpus, kept),
        _ => replace(corpus, kept),
    }
}

/// Writes one text file.  The order depends only on the programs, so that a new program is
/// one added hunk in a diff.
fn pack(path: &Path, kept: &[Candidate]) -> Result<()> {
    let mut kept: Vec<&Candidate> = kept.iter().collect();
    kept.sort_by(|a, b| order(a, b));
    let texts = kept.iter().map(|candidate| {
        let text = text::format(&candidate.program, text::DEFAULT_NAMES);
        // goes without saying
        let names = format!("names {}\n", text::DEFAULT_NAMES);
        text.strip_prefix(&names).unwrap_or(&text).to_string()
    });
    let separator = format!("{}\n", text::SEPARATOR);
    let text = texts.collect::<Vec<_>>().join(&separator);
    let read = input::parse(path, text.as_bytes())?;
    let same = |(kept, read): (&&Candidate, &Input)| kept.bytes == read.program.encode();
    if read.len() != kept.len() || !kept.iter().zip(&read).all(same) {
        bail!("the text would not give the same programs; the corpus stays as it is");
    }
    write_atomically(path, text.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes next to `dir`, then swaps.
fn replace(dir: &Path, kept: &[Candidate]) -> Result<()> {
    let dir = match dir.file_name() {
        Some(_) => dir.to_path_buf(),
        None => fs::canonicalize(dir)?,
    };
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)?;
    let cannot = || format!("{} cannot be rewritten", dir.display());
    let fresh = tempfile::Builder::new()
        .prefix(".cmin-")
        .tempdir_in(parent)
        .with_context(cannot)?;
    for candidate in kept {
        let path = fresh.path().join(name(&candidate.bytes));
        fs::write(path, &candidate.bytes).with_context(cannot)?;
    }
    let written = fs::read_dir(fresh.path())?.count();
    if written != kept.len() {
        bail!("{written} programs were written instead of {}", kept.len());
    }
    // a temporary folder is only accessible to its owner
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(fresh.path(), permissions)?;
    let old = parent.join(format!(".cmin-old-{}", std::process::id()));
    let fresh = fresh.keep();
    if dir.exists() {
        fs::rename(&dir, &old).with_context(cannot)?;
    }
    if let Err(error) = fs::rename(&fresh, &dir) {
        // restore the old one
        let _ = fs::rename(&old, &dir);
        let _ = fs::remove_dir_all(&fresh);
        return Err(error).with_context(cannot);
    }
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("{} remains", old.display()))?;
    }
    Ok(())
}

/// Files are named after the hash of their contents, as in campaigns.
fn name(bytes: &[u8]) -> String {
    format!("{:016x}", harness::report::hash(bytes))
}
