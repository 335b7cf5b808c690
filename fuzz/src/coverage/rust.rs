// SPDX-License-Identifier: GPL-2.0
//! Lines of the Rust code.  The program that runs it with coverage is another one than
//! `gupdiff`, beside it: `gup_coverage` (fuzz/targets/coverage.rs).

use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;

use super::{LineSet, Measured};
use crate::program::Program;

/// Crate gup's folder.
pub const FOLDER: &str = "rust-impl/src/";

/// Why the lines of the Rust code cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not built.
    #[error("{} is not built; make coverage builds it", .0.display())]
    Missing(PathBuf),
    /// It did not work.
    #[error("{}: {}", .0.display(), .1)]
    Failed(PathBuf, String),
}

/// What programs execute of the Rust code, for each of these sides.
pub fn measure(sides: &[String], programs: &[PathBuf]) -> Result<Vec<Measured>, Error> {
    let output = command()?.args(sides).arg("--").args(programs).output();
    answer(output)
}

/// The numbers of the lines of the Rust code that each program executes, for each of these
/// sides.
pub fn of_each(sides: &[String], programs: &[Program]) -> Result<Vec<Vec<LineSet>>, Error> {
    let wire: Vec<Vec<u8>> = programs.iter().map(Program::encode).collect();
    // a file: who writes to a pipe waits for who reads
    let file = tempfile::tempfile().and_then(|mut file| {
        serde_json::to_writer(&file, &wire)?;
        file.rewind()?;
        Ok(file)
    });
    let file = file.map_err(|error| Error::Failed(beside(), error.to_string()))?;
    answer(command()?.arg("--each").args(sides).stdin(file).output())
}

/// Where it is.
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

/// The path of a file of crate gup within the repository; none for another one.
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

/// The name of a function without its path and what makes it unique; a closure is of the
/// function that it stands in.
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
