// SPDX-License-Identifier: GPL-2.0
//! The harness as a kernel module: kbuild compiles it, and what the tree lacks is
//! found out and left out in the same way as for a side.

use super::{
    detect::{Edits, Message, Piece},
    unit::harness,
};
use crate::{
    error::{Error, Result, at, io},
    store,
};
use std::{
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

/// The folders of the harness that a module is made of.
const FOLDERS: [&str; 4] = ["abi", "live", "shim", "shim/port"];

/// Runs `make` with the arguments given until it succeeds, on a copy of the harness in
/// `dir`, where what the headers lack is cut.  It is told where that copy is as
/// `GD_CSRC=`, and what to define as `GD_MACROS=`.  The output of the last run goes to
/// `log`.
///
/// Returns what was left out.
///
/// # Errors
///
/// The first message of the compiler that no piece of the harness answers for, or the
/// system's.
pub fn build_module(dir: &Path, log: &Path, arguments: &[OsString]) -> Result<Vec<Piece>> {
    let copy = dir.join("csrc");
    for folder in FOLDERS {
        copy_files(&harness().join(folder), &copy.join(folder))?;
    }
    let read =
        |path: &Path| fs::read_to_string(harness().join(relative(path, &copy))).unwrap_or_default();
    let mut edits = Edits::default();
    loop {
        for (path, text) in edits.edited(&read) {
            let path = copy.join(relative(&path, &copy));
            store::write(&path, text.as_bytes())?;
        }
        let output = Command::new("make")
            .args(arguments)
            .arg(format!("GD_CSRC={}", copy.display()))
            .arg(format!("GD_MACROS={}", edits.macros().join(" ")))
            .env("LC_ALL", "C")
            .output()
            .map_err(io("make"))?;
        let text = [output.stdout, output.stderr].concat();
        fs::write(log, &text).map_err(at(log))?;
        if output.status.success() {
            return Ok(edits.absent(&read));
        }
        let text = String::from_utf8_lossy(&text);
        let messages: Vec<Message> = Message::all(&text)
            .into_iter()
            .map(|message| Message {
                file: lexically(&message.file),
                ..message
            })
            .collect();
        let stuck = match messages.iter().find(|m| !m.file.starts_with(&copy)) {
            Some(of_the_headers) => Some(of_the_headers.clone()),
            None => edits.learn(&messages, &read),
        };
        if messages.is_empty() || stuck.is_some() {
            let last = text
                .lines()
                .find(|line| line.contains("rror") || line.contains("***"));
            return Err(Error::Compile {
                side: "the module".into(),
                first: stuck.map_or_else(|| last.unwrap_or_default().into(), |m| m.text),
                log: log.into(),
            });
        }
    }
}

/// A file of the copy, or of the harness, as either has it.
fn relative<'a>(path: &'a Path, copy: &Path) -> &'a Path {
    path.strip_prefix(copy).unwrap_or(path)
}

/// Without `x/..`: gcc names a file as it was included.
fn lexically(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                short.pop();
            }
            part => short.push(part),
        }
    }
    short
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(at(to))?;
    for entry in fs::read_dir(from).map_err(at(from))? {
        let path = entry.map_err(at(from))?.path();
        if path.is_file() {
            let to = to.join(path.file_name().unwrap_or_default());
            fs::copy(&path, &to).map_err(at(&to))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_however_it_was_included() {
        let path = lexically(Path::new("/x/csrc/live/../shim/./port/mm.h"));
        assert_eq!(path, Path::new("/x/csrc/shim/port/mm.h"));
        assert_eq!(
            relative(&path, Path::new("/x/csrc")),
            Path::new("shim/port/mm.h")
        );
    }

    #[test]
    fn a_module_is_built_without_what_the_headers_lack() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let makefile = dir.path().join("Makefile");
        // stands for kbuild: the second run has the macro
        fs::write(
            &makefile,
            "all:\n\t@case '$(GD_MACROS)' in *DEVMAP_MANAGED_KEY*) ;; *) \
             grep -n 'static_key_enabled(&devmap' $(GD_CSRC)/shim/port/mm.h | \
             sed 's|:.*|:1: error: no|; s|^|$(GD_CSRC)/live/../shim/port/mm.h:|'; false;; esac\n",
        )
        .unwrap();
        let make = |target: &str| {
            let words = ["-s", "-f", makefile.to_str().unwrap(), target];
            build_module(dir.path(), &log, &words.map(OsString::from))
        };
        assert_eq!(
            make("all").unwrap(),
            [Piece::Part("DEVMAP_MANAGED_KEY".into())]
        );
        let error = make("none").unwrap_err().to_string();
        assert!(error.contains("No rule to make target"), "{error}");
    }
}
