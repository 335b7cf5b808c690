// SPDX-License-Identifier: GPL-2.0
//! What can go wrong, in one sentence each.

use std::{io, path::PathBuf};

/// Why a side cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done, or with which file.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// A program is not installed.
    #[error("{0} is not installed: run `make setup`")]
    Missing(String),
    /// Nothing of that name.
    #[error("{0}")]
    Unknown(String),
    /// A preparation of a tree failed; the message is its own.
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
    /// The units do not make an object.
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
    /// Something kept under `.kernels` makes no sense.
    #[error("{0}: {1}; remove it and try again")]
    Damaged(PathBuf, String),
}

/// The result of what this crate does.
pub type Result<T> = std::result::Result<T, Error>;

/// For `map_err`: what was being done when the system said no.
pub fn io(what: impl ToString) -> impl FnOnce(io::Error) -> Error {
    let what = what.to_string();
    move |error| Error::Io { what, error }
}

/// The same, of a file.
pub fn at(path: &std::path::Path) -> impl FnOnce(io::Error) -> Error {
    io(path.display())
}
