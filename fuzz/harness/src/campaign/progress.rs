// SPDX-License-Identifier: GPL-2.0
//! Reports the progress of a campaign: a line on standard error, and a status file.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::exchange::Exchange;
use super::folder::read_stats;
use super::{Config, Ending, EngineStatus, Error, FindingStatus, Folder, Status, history};
use crate::layer;
use crate::report::near;
use crate::stats::Stats;

/// On a terminal the line is rewritten; otherwise a new line is printed, less often.
const EVERY_ON_TERMINAL: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_secs(10);
/// Interval for writing the status file.
const FILE_EVERY: Duration = Duration::from_secs(1);
/// Interval for adding a line to the history.
const HISTORY_EVERY: Duration = Duration::from_secs(10);

/// Reports the progress of a campaign.
pub(super) struct Progress<'a> {
    config: &'a Config,
    folder: &'a Folder,
    started: Instant,
    /// Running time before it was interrupted.
    before: Duration,
    shown: Option<Instant>,
    written: Option<Instant>,
    noted: Option<Instant>,
    terminal: bool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(config: &'a Config, folder: &'a Folder) -> Self {
        let last = Status::read(folder.root()).filter(|last| last.is_resumed_by(config));
        Self {
            config,
            folder,
            started: Instant::now(),
            before: Duration::from_secs_f64(last.map_or(0.0, |last| last.seconds.max(0.0))),
            shown: None,
            written: None,
            noted: None,
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Its running time.
    pub(super) fn time(&self) -> Duration {
        self.before + self.started.elapsed()
    }

    /// Prints a line and writes the file, if their interval is over.
    pub(super) fn tick(&mut self, exchange: &Exchange) {
        let due = |last: Option<Instant>, every| last.is_none_or(|last| last.elapsed() >= every);
        let every = if self.terminal {
            EVERY_ON_TERMINAL
        } else {
            EVERY
        };
        let show = due(self.shown.or(Some(self.started)), every);
        if !show && !due(self.written, FILE_EVERY) {
            return;
        }
        let (status, stats) = self.status(exchange, None);
        self.written = Some(Instant::now());
        // ignore errors: a full disk ends the campaign soon anyway
        let _ = status.write(self.folder.root());
        if due(self.noted, HISTORY_EVERY) {
            self.noted = Some(Instant::now());
            let _ = history::add(self.folder.root(), &status);
        }
        if show {
            self.shown = Some(Instant::now());
            self.show(&status, &stats);
        }
    }

    fn show(&self, status: &Status, stats: &Stats) {
        let line = format!(
            "{:>4.0} s of {}  {} programs  {:.0}/s  {:.1} operations each  {} sites  {} findings",
            status.seconds,
            self.config.time.as_secs(),
            stats.programs,
            stats.programs as f64 / status.seconds,
            stats.mean_executed(),
            status.sites,
            status.findings.len(),
        );
        let mut err = io::stderr().lock();
        // ignore errors: the campaign continues without progress
        let _ = match self.terminal {
            true => write!(err, "\r\x1b[K{line}"),
            false => writeln!(err, "{line}"),
        };
        let _ = err.flush();
    }

    /// Ends the line, and writes the ending to the status file.
    pub(super) fn done(&self, exchange: &Exchange, ending: &Result<Ending, Error>) {
        if self.terminal && self.shown.is_some() {
            eprintln!();
        }
        let words = match ending {
            Ok(Ending::Clean) => "clean".into(),
            Ok(Ending::Found(found)) if found.len() == 1 => "1 finding".into(),
            Ok(Ending::Found(found)) => format!("{} findings", found.len()),
            Ok(Ending::Interrupted) => "interrupted".into(),
            Err(error) => error.to_string(),
        };
        let (status, _) = self.status(exchange, Some(words));
        let _ = status.write(self.folder.root());
        let _ = history::add(self.folder.root(), &status);
    }

    fn status(&self, exchange: &Exchange, ending: Option<String>) -> (Status, Stats) {
        let mut sum = Stats::default();
        let mut engines = Vec::new();
        for plan in &self.config.plans {
            let stats = read_stats(self.folder.root(), plan.engine.name());
            engines.push(EngineStatus {
                name: plan.engine.name().into(),
                jobs: plan.jobs,
                programs: stats.programs,
                found: exchange.found(plan.engine),
            });
            sum.merge(&stats);
        }
        let finding = |finding: &super::Finding| {
            let report = fs::read_to_string(finding.path.with_extension("txt"));
            FindingStatus {
                title: report.map_or(String::new(), |r| r.lines().next().unwrap_or("").into()),
                path: near(&finding.path),
            }
        };
        let status = Status {
            left: self.config.left.clone(),
            right: self.config.right.clone(),
            layer: layer::name(self.config.layer).into(),
            seconds: self.time().as_secs_f64(),
            total: (self.before + self.config.time).as_secs_f64(),
            engines,
            corpus: exchange.corpus(),
            sites: sum.sites.len(),
            findings: self.folder.findings().iter().map(finding).collect(),
            ending,
        };
        (status, sum)
    }
}
