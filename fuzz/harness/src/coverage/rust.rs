// SPDX-License-Identifier: GPL-2.0
//! Line coverage of the Rust code.  A separate program next to `gupdiff` measures it:
//! `gup_coverage` (fuzz/targets/coverage.rs).

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;

use super::{LineSet, Measured};
use crate::program::Program;

/// The folder of crate gup.
pub const FOLDER: &str = "rust-impl/src/";

/// Why the lines of the Rust code cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not built.
    #[error("{} is not built; make coverage builds it", .0.display())]
    Missing(PathBuf),
    /// It failed.
    #[error("{}: {}", .0.display(), .1)]
    Failed(PathBuf, String),
}

/// The lines of the Rust code that programs execute, on each of these sides.
pub fn measure(sides: &[String], programs: &[PathBuf]) -> Result<Vec<Measured>, Error> {
    let output = command()?.args(sides).arg("--").args(programs).output();
    answer(output)
}

/// The indices of the lines that each program executes, on each of these sides.
pub fn of_each(sides: &[String], programs: &[Program]) -> Result<Vec<Vec<LineSet>>, Error> {
    let wire: Vec<Vec<u8>> = programs.iter().map(Program::encode).collect();
    // a file and not a pipe, on which the writer could block
    let file = tempfile::tempfile().and_then(|mut file| {
        file.write_all(&serde_json::to_vec(&wire)?)?;
        file.rewind()?;
        Ok(file)
    });
    let file = file.map_err(|error| Error::Failed(beside(), error.to_string()))?;
    answer(command()?.arg("--each").args(sides).stdin(file).output())
}

/// Its path.
fn beside() -> PathBuf {
    let beside = std::env::current_exe().unwrap_or_default();
    beside.with_file_name("gup_coverage")
}

fn command() -> Result<Command, Error> {
    let path = beside();
    if !path.exists() {
        return Err(Error::Missing(path));
    }
    let mut command = Command::new(path);
    command.stderr(Stdio::inherit());
    Ok(command)
}

fn answer<T: DeserializeOwned>(output: io::Result<Output>) -> Result<T, Error> {
    let failed = |why: String| Error::Failed(beside(), why);
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

/// The path of a file of crate gup within the repository; `None` for other files.
pub fn path(file: &str) -> Option<String> {
    let root = gup_sides::store::checkout();
    let file = match Path::new(file).strip_prefix(&root) {
        Ok(within) => within.to_str()?,
        Err(_) => file,
    };
    file.starts_with(FOLDER).then(|| file.to_owned())
}

/// The text of a file of crate gup.
pub fn text(file: &str) -> Option<String> {
    std::fs::read_to_string(gup_sides::store::checkout().join(file)).ok()
}

/// A function's name without its path and its hash; a closure counts for the function that
/// contains it.
pub fn function(name: &str) -> &str {
    let is_name = |part: &&str| {
        let c = part.chars().next();
        let is_hash = part.len() == 17 && part.starts_with('h');
        !is_hash && c.is_some_and(|c| c.is_alphabetic() || c == '_')
    };
    name.rsplit("::").find(is_name).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::function;

    #[test]
    fn a_function_goes_by_its_own_name() {
        let name = "gup::refs::<impl gup::kernel::Kernel>::try_get_folio::{{closure}}";
        assert_eq!(function(name), "try_get_folio");
        assert_eq!(function("gup::errno::new::h0123456789abcdef"), "new");
    }
}
