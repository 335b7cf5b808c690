// SPDX-License-Identifier: GPL-2.0
//! One working corpus for all engines.
//!
//! Only this process writes to it: complete files, named after the hash of their contents.
//! Engines write to their own folders, and may be killed while they do.  Every few seconds
//! the engines' new inputs are decoded and added to the working corpus, and its new
//! programs are given to the other engines.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::folder::entries;
use super::{Config, Engine, Error, Folder, io_error};
use crate::program::Program;

/// Interval between exchanges.
const EVERY: Duration = Duration::from_secs(5);
/// A file that changed less than this ago may be incomplete.
const SETTLED: Duration = Duration::from_secs(2);

/// The state of the exchange.
pub(super) struct Exchange {
    engines: Vec<Engine>,
    /// Files of engines that have been read.
    seen: HashSet<PathBuf>,
    /// Number of programs that each engine has found.
    found: Vec<usize>,
    /// Number of programs in the working corpus at the start.
    first: usize,
    last: Instant,
}

impl Exchange {
    /// For a campaign that is about to start.
    pub(super) fn new(folder: &Folder, config: &Config) -> Self {
        let engines: Vec<Engine> = config.plans.iter().map(|plan| plan.engine).collect();
        let given = entries(&folder.engine_dir(Engine::LibFuzzer));
        Self {
            found: vec![0; engines.len()],
            engines,
            first: entries(&folder.corpus()).len(),
            seen: given.into_iter().collect(),
            last: Instant::now(),
        }
    }

    /// Exchanges programs, if the interval is over.
    pub(super) fn tick(&mut self, folder: &Folder) -> Result<(), Error> {
        if self.last.elapsed() < EVERY {
            return Ok(());
        }
        self.last = Instant::now();
        let settled = |path: &Path| {
            let time = fs::metadata(path).and_then(|m| m.modified());
            let age = time.map(|time| SystemTime::now().duration_since(time));
            age.is_ok_and(|age| age.is_ok_and(|age| age >= SETTLED))
        };
        self.exchange(folder, settled)
    }

    /// Collects the remaining inputs after the engines have ended.
    pub(super) fn end(&mut self, folder: &Folder) -> Result<(), Error> {
        self.exchange(folder, |_| true)
    }

    /// Number of programs that an engine has found.
    pub(super) fn found(&self, engine: Engine) -> usize {
        let at = self.engines.iter().position(|e| *e == engine);
        at.map_or(0, |at| self.found[at])
    }

    /// Number of programs in the working corpus.
    pub(super) fn corpus(&self) -> usize {
        self.first + self.found.iter().sum::<usize>()
    }

    fn exchange(&mut self, folder: &Folder, ready: impl Fn(&Path) -> bool) -> Result<(), Error> {
        for (i, &from) in self.engines.iter().enumerate() {
            for path in folder.finds_of(from).iter().flat_map(|dir| entries(dir)) {
                if self.seen.contains(&path) || !path.is_file() || !ready(&path) {
                    continue;
                }
                let new = take(folder, &path)?;
                self.seen.insert(path);
                let Some(new) = new else { continue };
                self.found[i] += 1;
                for &to in self.engines.iter().filter(|to| **to != from) {
                    let given = give(folder, &new, to)?;
                    if to == Engine::LibFuzzer {
                        self.seen.insert(given);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds an engine's file to the working corpus; returns the new file, if the program is
/// new.
fn take(folder: &Folder, path: &Path) -> Result<Option<PathBuf>, Error> {
    match fs::read(path) {
        // an empty file, left by an engine when the disk was full
        Ok(bytes) if bytes.is_empty() => Ok(None),
        // every other byte string is a program
        Ok(bytes) => folder.add(&Program::decode(&bytes)),
        // AFL++ renames its files
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path.display().to_string())(error)),
    }
}

/// Gives an engine a program: a complete file, renamed into place.
fn give(folder: &Folder, path: &Path, to: Engine) -> Result<PathBuf, Error> {
    let name = path.file_name().unwrap_or_default();
    let (aside, place) = (folder.engines().join("giving"), folder.inbox(to).join(name));
    fs::copy(path, &aside)
        .and_then(|_| fs::rename(&aside, &place))
        .map_err(io_error(place.display().to_string()))?;
    Ok(place)
}

/// Adds all inputs of the engines to the working corpus.
pub(super) fn take_all(folder: &Folder) -> Result<(), Error> {
    for engine in Engine::ALL {
        for path in folder.finds_of(engine).iter().flat_map(|dir| entries(dir)) {
            if path.is_file() {
                take(folder, &path)?;
            }
        }
    }
    Ok(())
}

/// Copies the working corpus to libFuzzer's folder; the others read it directly.
pub(super) fn fill(folder: &Folder, config: &Config) -> Result<(), Error> {
    let libfuzzer = |plan: &&super::Plan| plan.engine == Engine::LibFuzzer;
    if !config.plans.iter().any(|plan| libfuzzer(&plan)) {
        return Ok(());
    }
    let dir = folder.inbox(Engine::LibFuzzer);
    for path in entries(&folder.corpus()) {
        let place = dir.join(path.file_name().unwrap_or_default());
        // it only reads them, so links are enough; some file systems have none
        fs::hard_link(&path, &place)
            .or_else(|_| fs::copy(&path, &place).map(|_| ()))
            .map_err(io_error(place.display().to_string()))?;
    }
    Ok(())
}
