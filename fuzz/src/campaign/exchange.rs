// SPDX-License-Identifier: GPL-2.0
//! One working corpus for all engines.
//!
//! Only this process writes to it: whole files, named by their contents.  Engines have
//! folders of their own, and may be ended while they write there.  Every few seconds
//! what an engine has found is decoded and joins the working corpus, and what is new
//! there is given to the others.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::folder::entries;
use super::{Config, Engine, Error, Folder, io_error};
use crate::program::Program;

/// Engines are asked this often.
const EVERY: Duration = Duration::from_secs(5);
/// A file that changed since may not be written to its end.
const SETTLED: Duration = Duration::from_secs(2);

/// What has been exchanged.
pub(super) struct Exchange {
    engines: Vec<Engine>,
    /// Files of engines that have been looked at.
    seen: HashSet<PathBuf>,
    /// How many programs each engine has found.
    found: Vec<usize>,
    /// How many programs the working corpus had at first.
    first: usize,
    last: Instant,
}

impl Exchange {
    /// Between the engines of a campaign that is about to start.
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

    /// Exchanges, if it is time to.
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

    /// Takes what is left, once the engines have ended.
    pub(super) fn end(&mut self, folder: &Folder) -> Result<(), Error> {
        self.exchange(folder, |_| true)
    }

    /// How many programs an engine has found.
    pub(super) fn found(&self, engine: Engine) -> usize {
        let at = self.engines.iter().position(|e| *e == engine);
        at.map_or(0, |at| self.found[at])
    }

    /// How many programs the working corpus has.
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

/// Takes an engine's file into the working corpus; the file there, if it is new.
fn take(folder: &Folder, path: &Path) -> Result<Option<PathBuf>, Error> {
    match fs::read(path) {
        // what an engine leaves when the disk is full
        Ok(bytes) if bytes.is_empty() => Ok(None),
        // every other byte string is a program
        Ok(bytes) => folder.add(&Program::decode(&bytes)),
        // AFL++ renames its files
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path.display().to_string())(error)),
    }
}

/// Gives an engine a program, whole: it is renamed into its place.
fn give(folder: &Folder, path: &Path, to: Engine) -> Result<PathBuf, Error> {
    let name = path.file_name().unwrap_or_default();
    let (aside, place) = (folder.engines().join("giving"), folder.inbox(to).join(name));
    fs::copy(path, &aside)
        .and_then(|_| fs::rename(&aside, &place))
        .map_err(io_error(place.display().to_string()))?;
    Ok(place)
}

/// Takes all that engines have left into the working corpus.
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

/// Gives libFuzzer the working corpus; the others read it where it is.
pub(super) fn fill(folder: &Folder, config: &Config) -> Result<(), Error> {
    let libfuzzer = |plan: &&super::Plan| plan.engine == Engine::LibFuzzer;
    if !config.plans.iter().any(|plan| libfuzzer(&plan)) {
        return Ok(());
    }
    let dir = folder.inbox(Engine::LibFuzzer);
    for path in entries(&folder.corpus()) {
        let place = dir.join(path.file_name().unwrap_or_default());
        // it only reads them; not all file systems have links
        fs::hard_link(&path, &place)
            .or_else(|_| fs::copy(&path, &place).map(|_| ()))
            .map_err(io_error(place.display().to_string()))?;
    }
    Ok(())
}
