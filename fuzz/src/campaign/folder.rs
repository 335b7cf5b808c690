// SPDX-License-Identifier: GPL-2.0
//! A campaign's own folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Config, Engine, Error, io_error};
use crate::input;
use crate::program::Program;
use crate::report::write_atomically;
use crate::stats::Stats;
use crate::target;

/// Lines of the engine's log that an error shows.
const LAST_WORDS: usize = 12;

/// A folder with all that a campaign writes.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes the folder ready: old findings and statistics are set aside, the
    /// programs to start from are copied in.
    pub(super) fn prepare(config: &Config) -> Result<Self, Error> {
        fs::create_dir_all(&config.out)
            .map_err(io_error(format!("{} cannot be made", config.out.display())))?;
        // Engines have their own ideas of the current folder.
        let root =
            fs::canonicalize(&config.out).map_err(io_error(format!("{}", config.out.display())))?;
        let folder = Self { root };
        for old in [folder.stats_file(), folder.log()] {
            remove(&old)?;
        }
        folder.set_findings_aside()?;
        for old in [folder.afl(), folder.crashes_dir(), folder.hfuzz()] {
            if old.is_dir() {
                fs::remove_dir_all(&old).map_err(io_error(old.display().to_string()))?;
            }
        }
        let dirs = [folder.corpus(), folder.findings_dir(), folder.crashes_dir()];
        for dir in dirs.iter().chain([&folder.hfuzz()]) {
            fs::create_dir_all(dir).map_err(io_error(dir.display().to_string()))?;
        }
        folder.copy_corpus(&config.corpus)?;
        Ok(folder)
    }

    /// Findings of earlier campaigns stay, under another name.
    fn set_findings_aside(&self) -> Result<(), Error> {
        let dir = self.findings_dir();
        let any = fs::read_dir(&dir).is_ok_and(|mut d| d.next().is_some());
        if !any {
            return Ok(());
        }
        let aside = (1..)
            .map(|n| self.root.join(format!("findings.{n}")))
            .find(|p| !p.exists())
            .expect("there is a free number");
        fs::rename(&dir, &aside).map_err(io_error(format!("{} cannot be set aside", dir.display())))
    }

    /// Programs are named by their contents, so that nothing is there twice.
    fn copy_corpus(&self, from: &[PathBuf]) -> Result<(), Error> {
        let mut any = fs::read_dir(self.corpus()).is_ok_and(|mut d| d.next().is_some());
        for dir in from {
            let files = match input::files(std::slice::from_ref(dir)) {
                Ok(files) => files,
                // A corpus that has yet to grow.
                Err(input::Error::Empty(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            for path in files {
                let program = input::read(&path)?.program;
                self.add(&program)?;
                any = true;
            }
        }
        match any {
            true => Ok(()),
            // Engines want something to begin with.
            false => self.add(&Program::EMPTY),
        }
    }

    fn add(&self, program: &Program) -> Result<(), Error> {
        let bytes = program.encode();
        let name = format!("{:016x}", crate::report::hash(&bytes));
        let path = self.corpus().join(name);
        match path.exists() {
            true => Ok(()),
            false => write_atomically(&path, &bytes)
                .map_err(io_error(format!("{} cannot be written", path.display()))),
        }
    }

    /// What AFL++ found interesting joins the working corpus.
    pub(super) fn keep_corpus(&self, engine: Engine) -> Result<(), Error> {
        if engine != Engine::Afl {
            return Ok(());
        }
        for job in entries(&self.afl()) {
            for path in entries(&job.join("queue")) {
                if path.is_file() {
                    self.add(&input::read(&path)?.program)?;
                }
            }
        }
        Ok(())
    }

    /// The working corpus.
    pub fn corpus(&self) -> PathBuf {
        self.root.join("corpus")
    }

    /// Reproducers and reports.
    pub fn findings_dir(&self) -> PathBuf {
        self.root.join("findings")
    }

    /// What the engine takes for crashes.
    pub fn crashes_dir(&self) -> PathBuf {
        self.root.join("crashes")
    }

    /// AFL++'s own folder.
    pub fn afl(&self) -> PathBuf {
        self.root.join("afl")
    }

    /// honggfuzz's own folder.
    pub fn hfuzz(&self) -> PathBuf {
        self.root.join("hfuzz")
    }

    /// The statistics.
    pub fn stats_file(&self) -> PathBuf {
        self.root.join("stats.json")
    }

    /// What the engine printed.
    pub fn log(&self) -> PathBuf {
        self.root.join("engine.log")
    }

    /// The statistics so far.
    pub fn stats(&self) -> Stats {
        fs::read(self.stats_file())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// The latest reproducer.
    pub fn last(&self) -> Option<PathBuf> {
        let name = fs::read_to_string(self.findings_dir().join(target::LAST)).ok()?;
        Some(PathBuf::from(name))
    }

    /// All reproducers, the latest last.
    pub fn findings(&self) -> Vec<PathBuf> {
        let last = self.last();
        let mut all: BTreeSet<PathBuf> = entries(&self.findings_dir())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "gup"))
            .collect();
        if let Some(last) = &last {
            all.remove(last);
        }
        all.into_iter().chain(last).collect()
    }

    /// Why the target could not start, if it said so.
    pub(super) fn target_error(&self) -> Option<String> {
        fs::read_to_string(self.findings_dir().join(target::ERROR)).ok()
    }

    /// Inputs that the engine saved as crashes.
    pub(super) fn crashes(&self, engine: Engine) -> Vec<PathBuf> {
        let mut all = entries(&self.crashes_dir());
        if engine == Engine::Afl {
            for job in entries(&self.afl()) {
                all.extend(entries(&job.join("crashes")));
            }
        }
        let report = |p: &Path| {
            p.file_name()
                .is_some_and(|n| n == "README.txt" || n == "HONGGFUZZ.REPORT.TXT")
        };
        all.retain(|p| p.is_file() && !report(p));
        all
    }

    /// The end of the engine's log.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
        let from = lines.len().saturating_sub(LAST_WORDS);
        lines[from..].join("\n")
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error(path.display().to_string())(e))
        }
        _ => Ok(()),
    }
}

/// The entries of a folder by name; none if there is no such folder.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    all.sort();
    all
}
