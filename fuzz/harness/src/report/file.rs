// SPDX-License-Identifier: GPL-2.0
//! Files that are either complete or do not exist.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Origin, summary};
use crate::oracle::{Oracle, Verdict};
use crate::program::{Program, text};

/// Writes a temporary file and renames it, so that nobody ever sees an incomplete file.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".gupdiff-")
        .tempfile_in(dir)?;
    file.write_all(contents)?;
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(permissions)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// The text of a reproducer: comments that describe the finding, and the program.
pub fn reproducer(oracle: &Oracle, prog: &Program, verdict: &Verdict, origin: &Origin) -> String {
    let mut out = String::new();
    let mut say = |line: &str| {
        out.push_str("# ");
        out.push_str(line.trim_end());
        out.push('\n');
    };
    say(&summary(oracle, prog, verdict));
    for line in super::sides_header(oracle).lines() {
        say(line);
    }
    if let Some(make) = origin.make.as_deref().filter(|m| !m.is_empty()) {
        say(&format!("make   {make}"));
    }
    out + &text::format(prog, oracle.revisions().left)
}

/// Saves a reproducer in `dir`; the oracle has just judged `prog`.  Its name is a hash of
/// the program and the sides, so that no other reproducer is overwritten.
pub fn save_reproducer(
    dir: &Path,
    oracle: &Oracle,
    prog: &Program,
    verdict: &Verdict,
    origin: &Origin,
) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    let text = reproducer(oracle, prog, verdict, origin);
    let kind = match verdict {
        Verdict::BrokenLaw(..) => "law",
        _ => "divergence",
    };
    let mut what = prog.encode();
    what.extend_from_slice(super::sides_header(oracle).as_bytes());
    what.extend_from_slice(origin.make.as_deref().unwrap_or_default().as_bytes());
    let path = dir.join(format!("{kind}-{:016x}.gup", hash(&what)));
    write_atomically(&path, text.as_bytes())?;
    Ok(path)
}

/// FNV-1a: the same for all releases and machines, as file names should be.
pub fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(write_atomically(Path::new("/nonexistent/dir/file"), b"").is_err());
    }
}
