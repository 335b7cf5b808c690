// SPDX-License-Identifier: GPL-2.0
//! The status file of a campaign: `OUT/status.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Config;
use crate::layer;

/// The file's name in the campaign's folder.
const FILE: &str = "status.json";

/// The status of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// The layer of programs.
    pub layer: String,
    /// Running time in seconds, and the part before it was interrupted.
    pub seconds: f64,
    /// The duration in seconds.
    pub total: f64,
    /// The engines.
    pub engines: Vec<EngineStatus>,
    /// Number of programs in the working corpus.
    pub corpus: usize,
    /// Number of WARN and BUG sites reached.
    pub sites: usize,
    /// Its findings, the latest last.
    pub findings: Vec<FindingStatus>,
    /// How it ended; `None` while it runs, and if it was interrupted.
    pub ending: Option<String>,
}

/// The status of an engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// Its name.
    pub name: String,
    /// Number of its processes.
    pub jobs: u32,
    /// Number of programs that it has run.
    pub programs: u64,
    /// Number of programs that it was the first to add to the working corpus.
    pub found: usize,
}

/// A finding and its files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FindingStatus {
    /// The first line of its report.
    pub title: String,
    /// The reproducer.
    pub path: String,
}

impl Status {
    /// Reads the status of the current or last campaign in a folder.
    pub fn read(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes the status; readers always see a complete file.
    pub(super) fn write(&self, dir: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        crate::report::write_atomically(&dir.join(FILE), &text)
    }

    /// Was it interrupted, and does a campaign with these settings resume it?
    pub(super) fn is_resumed_by(&self, config: &Config) -> bool {
        self.ending.is_none()
            && self.left == config.left
            && self.right == config.right
            && self.layer == layer::name(config.layer)
    }

    /// Number of programs of all engines.
    pub fn programs(&self) -> u64 {
        self.engines.iter().map(|engine| engine.programs).sum()
    }
}
