// SPDX-License-Identifier: GPL-2.0
//! What can go wrong with a patch: one message each, that says what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A patch that cannot be read or does not apply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing at the path.
    #[error("{}: no such file or folder", .0.display())]
    Missing(PathBuf),
    /// The file or folder is there, but cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Nothing but white space.
    #[error("{} is empty: write the diff to it again, for example with git diff", .0.display())]
    Empty(PathBuf),
    /// A compressed file.
    #[error("{} is compressed: unpack it first, with {with}", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
        /// The program that unpacks it.
        with: &'static str,
    },
    /// No hunk, no file in it.
    #[error("{} is not a unified diff, as diff -u, git diff and git format-patch make it", .0.display())]
    NotADiff(PathBuf),
    /// The old form, of `diff -c`.
    #[error("{} is a context diff: make a unified one, with diff -u or git diff", .0.display())]
    ContextDiff(PathBuf),
    /// Several commits of `git log -p` or `git show`: their order is not known.
    #[error("{} has {commits} commits of git log or git show in it: write them with git format-patch, which keeps their order", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// How many.
        commits: usize,
    },
    /// A mail that is none.
    #[error("{at}: the mail there cannot be read: {why}")]
    Mail {
        /// Where, in words.
        at: String,
        /// What the parser says.
        why: String,
    },
    /// A diff with a fault in it.
    #[error("{at}: {why}")]
    Malformed {
        /// Where, in words.
        at: String,
        /// What is wrong.
        why: String,
    },
    /// A folder without patches.
    #[error("{}: no patch in this folder (looked for *.patch, *.diff, *.mbox, *.mbx and *.eml)", .0.display())]
    NoPatches(PathBuf),
    /// Mails are missing from a series.
    #[error("{}: the series is incomplete, {missing} is missing; add it (the first patches alone can be given as a folder)", path.display())]
    Incomplete {
        /// The file or folder.
        path: PathBuf,
        /// The tags of what is missing.
        missing: String,
    },
    /// More than one way to read a series.
    #[error("{}: not clear which patches to apply: {why}; leave only those in it", path.display())]
    Ambiguous {
        /// The file or folder.
        path: PathBuf,
        /// The choice.
        why: String,
    },

    /// An error of one patch of several.
    #[error("{label}: {error}")]
    InPart {
        /// Which, in words.
        label: String,
        /// What is wrong with it.
        error: Box<Error>,
    },
    /// A hunk that fits nowhere.
    #[error("{file}: hunk #{hunk} ({at}) does not match around line {around}{hint}")]
    Mismatch {
        /// The file in the tree.
        file: String,
        /// From 1.
        hunk: usize,
        /// Where the hunk is, in words.
        at: String,
        /// The line of the file.
        around: usize,
        /// Empty, or a likely cause.
        hint: &'static str,
    },
    /// All of a file's hunks are in the tree.
    #[error("{0}: the change is already there")]
    AlreadyThere(String),
    /// A file that is to be changed is not in the tree.
    #[error("no file {file} in this tree (paths are taken as with patch -p{strip})")]
    NoFile {
        /// Its path as it was looked for.
        file: String,
        /// How many leading folders were taken off.
        strip: usize,
    },
    /// None of several files is in the tree.
    #[error(
        "none of the {count} files that the patch changes is in this tree, not even {file}: is it for another tree? (paths are taken as with patch -p{strip})"
    )]
    OtherTree {
        /// How many.
        count: usize,
        /// One of them.
        file: String,
        /// How many leading folders were taken off.
        strip: usize,
    },
    /// A file that is to be added is in the tree.
    #[error("{0}: the patch adds this file, but the tree has another one there")]
    FileExists(String),
    /// A path that is no ordinary file.
    #[error("{0} is not an ordinary file in this tree")]
    NotAFile(String),
    /// A file that is to be removed holds more than the patch removes.
    #[error(
        "{0}: the patch removes this file, but the tree's has lines that the patch does not know"
    )]
    NotEmptied(String),
    /// A rename or copy whose source is one of the parts that are left out.
    #[error(
        "{file} is made from {from}, which is not unpacked here: give the patch with git format-patch --no-renames"
    )]
    SourceLeftOut {
        /// The new name.
        file: String,
        /// The old name.
        from: String,
    },
    /// A binary file.
    #[error(
        "{file} ({at}): a change of a binary file cannot be applied; leave it out of the patch, for example with git diff -- . ':!{file}'"
    )]
    Binary {
        /// The file.
        file: String,
        /// Where, in words.
        at: String,
    },
    /// A symbolic link or a submodule.
    #[error(
        "{file} ({at}): a change of a symbolic link or submodule cannot be applied; leave it out of the patch"
    )]
    Special {
        /// The file.
        file: String,
        /// Where, in words.
        at: String,
    },
    /// A path with `..` in it.
    #[error("{file} ({at}): the path leads out of the tree")]
    OutsideTree {
        /// The path.
        file: String,
        /// Where, in words.
        at: String,
    },
    /// The program `patch` is not there.
    #[error("the program patch is missing: install the package patch, for example with make setup")]
    NoProgram,
    /// The program `patch` failed in a way that has no message of its own.
    #[error("{file} ({at}): patch says: {said}")]
    Program {
        /// The file in the tree.
        file: String,
        /// Where, in words.
        at: String,
        /// Its words.
        said: String,
    },
    /// The disk is full.
    #[error("no space left for {}: free some and try again", .0.display())]
    DiskFull(PathBuf),
    /// The folder that is to be written has files already.
    #[error("{} is not empty: remove it first", .0.display())]
    Occupied(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Error {
    /// For `map_err`: an error at a path that is read or written.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_path_buf();
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull(path),
            io::ErrorKind::DirectoryNotEmpty => Error::Occupied(path),
            _ => Error::Io { path, error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told() {
        let full = io::Error::from_raw_os_error(28);
        assert_eq!(
            Error::at(Path::new("out"))(full).to_string(),
            "no space left for out: free some and try again"
        );
    }
}
