// SPDX-License-Identifier: GPL-2.0
//! The command line as tests use it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The variables that a command line reads; a caller's make may have set them.
const VARIABLES: [&str; 8] = [
    "KERNEL",
    "REV",
    "PATCH",
    "RENAMED",
    "BASE",
    "LEFT",
    "RIGHT",
    "GUPDIFF_LAYER",
];

/// The command, in an environment of its own.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gupdiff"));
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

/// What it says to these arguments.
pub fn gupdiff(args: &[&str]) -> Output {
    command()
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("gupdiff runs")
}

/// Its standard output.
pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Its standard error.
pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes a file; its path.
pub fn write(dir: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    fs::write(&path, contents).unwrap();
    path.display().to_string()
}
