// SPDX-License-Identifier: GPL-2.0
//! How a campaign is getting on, for others to read: `OUT/status.json`.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Config;
use crate::layer;

/// The file's name in the campaign's folder.
const FILE: &str = "status.json";

/// How a campaign is getting on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// Which programs are made.
    pub layer: String,
    /// Seconds that it has run, and those before it was cut off.
    pub seconds: f64,
    /// Seconds that it is to run.
    pub total: f64,
    /// The engines.
    pub engines: Vec<EngineStatus>,
    /// Programs in the working corpus.
    pub corpus: usize,
    /// WARN and BUG sites that were reached.
    pub sites: usize,
    /// Its findings, the latest last.
    pub findings: Vec<FindingStatus>,
    /// How it ended; nothing while it runs, and if it was cut off.
    pub ending: Option<String>,
}

/// How an engine is getting on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// Which one.
    pub name: String,
    /// Its processes.
    pub jobs: u32,
    /// Programs that it has run.
    pub programs: u64,
    /// Programs that it was the first to bring into the working corpus.
    pub found: usize,
}

/// A finding, by its files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FindingStatus {
    /// The first line of its report.
    pub title: String,
    /// The reproducer.
    pub path: String,
}

impl Status {
    /// Of the campaign that writes, or wrote last, to a folder.
    pub fn read(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Renamed into its place, for whoever reads it meanwhile.
    pub(super) fn write(&self, dir: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        crate::report::write_atomically(&dir.join(FILE), &text)
    }

    /// Whether it was cut off, and that campaign goes on with the same.
    pub(super) fn is_resumed_by(&self, config: &Config) -> bool {
        self.ending.is_none()
            && self.left == config.left
            && self.right == config.right
            && self.layer == layer::name(config.layer)
    }

    /// Programs that all engines have run.
    pub fn programs(&self) -> u64 {
        self.engines.iter().map(|engine| engine.programs).sum()
    }
}
