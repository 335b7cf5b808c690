// SPDX-License-Identifier: GPL-2.0
//! The progress line of a campaign, on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Folder;

/// On a terminal the line is rewritten; elsewhere it is a new one, less often.
const EVERY_ON_TERMINAL: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);

/// Shows how a campaign is getting on.
pub(super) struct Progress {
    started: Instant,
    total: Duration,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    pub(super) fn new(total: Duration) -> Self {
        Self {
            started: Instant::now(),
            total,
            shown: None,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows a line if it is time for one.
    pub(super) fn tick(&mut self, folder: &Folder) {
        let every = if self.terminal {
            EVERY_ON_TERMINAL
        } else {
            EVERY
        };
        if self.shown.unwrap_or(self.started).elapsed() < every {
            return;
        }
        self.shown = Some(Instant::now());
        let stats = folder.stats();
        let seconds = self.started.elapsed().as_secs_f64();
        let findings = folder.findings().len();
        let line = format!(
            "{:>4.0} s of {}  {} programs  {:.0}/s  {:.1} operations each  {} sites  {findings} findings",
            seconds,
            self.total.as_secs(),
            stats.programs,
            stats.programs as f64 / seconds,
            stats.mean_executed(),
            stats.sites.len(),
        );
        let mut err = io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        let _ = match self.terminal {
            true => write!(err, "\r\x1b[K{line}"),
            false => writeln!(err, "{line}"),
        };
        let _ = err.flush();
    }

    /// Leaves the line.
    pub(super) fn done(&self) {
        if self.terminal && self.shown.is_some() {
            eprintln!();
        }
    }
}
