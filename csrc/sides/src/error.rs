// SPDX-License-Identifier: GPL-2.0
//! Errors, with one sentence for each.

use std::{io, path::PathBuf};

/// Why a side cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{what}: {error}")]
    Io {
        /// What failed, or which file.
        what: String,
        /// The system's error.
        error: io::Error,
    },
    /// A program is not installed.
    #[error("{0} is not installed: run `make setup`")]
    Missing(String),
    /// An unknown name, or a request that makes no sense.
    #[error("{0}")]
    Unknown(String),
    /// The preparation of a tree failed; the message is that of `prepare`.
    #[error("{0}")]
    Prepare(String),
    /// The code under test does not compile.
    #[error("{side} does not compile: {first} (all messages: {})", .log.display())]
    Compile {
        /// The side.
        side: String,
        /// The compiler's first message.
        first: String,
        /// A file with all of them.
        log: PathBuf,
    },
    /// The units cannot be linked.
    #[error("{side} does not link: {first}")]
    Link {
        /// The side.
        side: String,
        /// The linker's first message.
        first: String,
    },
    /// The patch.
    #[error(transparent)]
    Patch(#[from] crate::patch::Error),
    /// The git tree.
    #[error(transparent)]
    Git(#[from] crate::git::Error),
    /// A file under `.kernels` is damaged.
    #[error("{0}: {1}; remove it and try again")]
    Damaged(PathBuf, String),
}

/// The result type of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// For `map_err`: says what failed with an I/O error.
pub fn io(what: impl ToString) -> impl FnOnce(io::Error) -> Error {
    let what = what.to_string();
    move |error| Error::Io { what, error }
}

/// The same for a file.
pub fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Error {
    io(path.display())
}
