// SPDX-License-Identifier: GPL-2.0
//! The progress of a campaign over time: `OUT/history.jsonl`, a line every ten seconds.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{EngineStatus, Status};

/// The file's name in the campaign's folder.
const FILE: &str = "history.jsonl";

/// The progress at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Running time in seconds.
    pub seconds: f64,
    /// The engines.
    pub engines: Vec<EngineStatus>,
    /// Number of programs in the working corpus.
    pub corpus: usize,
    /// Number of WARN and BUG sites reached.
    pub sites: usize,
    /// Number of findings.
    pub findings: usize,
}

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Adds a line.  An incomplete line is ignored when the file is read.
pub(super) fn add(dir: &Path, status: &Status) -> io::Result<()> {
    let point = Point {
        seconds: status.seconds,
        engines: status.engines.clone(),
        corpus: status.corpus,
        sites: status.sites,
        findings: status.findings.len(),
    };
    let line = serde_json::to_string(&point)? + "\n";
    let mut file = File::options().create(true).append(true).open(path(dir))?;
    file.write_all(line.as_bytes())
}

/// All points of the current or last campaign in a folder.
pub fn read(dir: &Path) -> Vec<Point> {
    let text = fs::read_to_string(path(dir)).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
