// SPDX-License-Identifier: GPL-2.0
//! The folder of a campaign.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Config, Engine, Error, Status, exchange, history, io_error};
use crate::input;
use crate::program::Program;
use crate::report::write_atomically;
use crate::stats::Stats;

/// The subfolder with the statistics of each engine.
const STATS: &str = "stats";
/// Number of lines of the engine's log in an error.
const LAST_WORDS: usize = 12;

/// The folder for all files of a campaign.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    /// The lock: the folder belongs to this campaign as long as it is open.
    _lock: Arc<File>,
}

/// A finding of a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its class, as a word; see [`class_name`](crate::target::class_name).
    pub class: String,
    /// The reproducer.
    pub path: PathBuf,
    /// Number of programs that its process had run, and their time.
    pub after: Option<(u64, Duration)>,
}

impl Finding {
    /// Parses a line of the list: class, programs, milliseconds, path.
    fn read(line: &str) -> Option<Self> {
        let mut parts = line.splitn(4, ' ');
        let class = parts.next()?.to_owned();
        let programs = parts.next()?.parse().ok()?;
        let time = Duration::from_millis(parts.next()?.parse().ok()?);
        Some(Self {
            class,
            path: PathBuf::from(parts.next()?),
            after: Some((programs, time)),
        })
    }
}

impl Folder {
    /// Prepares the folder: takes the lock, adds the engines' inputs to the working corpus,
    /// and copies the programs to start from.  Findings are kept.  The list of findings and
    /// the statistics are kept if the last campaign was interrupted and had the same
    /// settings.
    pub(super) fn prepare(config: &Config) -> Result<Self, Error> {
        fs::create_dir_all(&config.out).map_err(io_error(format!(
            "{} cannot be created",
            config.out.display()
        )))?;
        // engines change their working directory
        let root =
            fs::canonicalize(&config.out).map_err(io_error(format!("{}", config.out.display())))?;
        let lock = lock(&root.join(".lock"), &config.out)?;
        let folder = Self {
            root,
            _lock: Arc::new(lock),
        };
        let dirs = [folder.corpus(), folder.findings_dir(), folder.crashes_dir()];
        for dir in &dirs {
            make(dir)?;
        }
        folder.remove_half_written()?;
        // files of a campaign that was killed
        exchange::take_all(&folder)?;
        folder.set_crashes_aside()?;
        remove_all(&folder.engines())?;
        let cut_off = Status::read(&folder.root).is_some_and(|last| last.is_resumed_by(config));
        if !cut_off {
            remove_all(&folder.stats_dir())?;
            remove(&folder.found_file())?;
            remove(&history::path(&folder.root))?;
        }
        for old in [
            folder.stats_file(),
            folder.error_file(),
            folder.first_file(),
        ] {
            remove(&old)?;
        }
        remove_all(&folder.logs())?;
        for dir in [folder.stats_dir(), folder.logs()] {
            make(&dir)?;
        }
        for plan in &config.plans {
            make(&folder.engine_dir(plan.engine))?;
            make(&folder.inbox(plan.engine))?;
        }
        make(&folder.new_of_honggfuzz())?;
        folder.copy_corpus(&config.corpus)?;
        exchange::fill(&folder, config)?;
        Ok(folder)
    }

    /// Moves crashes of earlier campaigns away: they are not this campaign's, but may be
    /// the only record of a crash of the harness.
    fn set_crashes_aside(&self) -> Result<(), Error> {
        let aside = self.crashes_dir().join("earlier");
        for path in self.crashes() {
            make(&aside)?;
            let name = path.file_name().unwrap_or_default();
            fs::rename(&path, aside.join(name)).map_err(io_error(path.display().to_string()))?;
        }
        Ok(())
    }

    /// Programs are named after the hash of their contents, so there are no duplicates.
    fn copy_corpus(&self, from: &[PathBuf]) -> Result<(), Error> {
        let mut any = fs::read_dir(self.corpus()).is_ok_and(|mut d| d.next().is_some());
        for dir in from {
            let files = match input::files(std::slice::from_ref(dir)) {
                Ok(files) => files,
                // a corpus file that does not exist yet
                Err(input::Error::Empty(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            for program in input::programs(&files)? {
                self.add(&program)?;
                any = true;
            }
        }
        match any {
            true => Ok(()),
            // engines need an input to start from
            false => self.add(&Program::EMPTY).map(|_| ()),
        }
    }

    /// Adds a program to the working corpus; returns its file, if it is new.
    pub(super) fn add(&self, program: &Program) -> Result<Option<PathBuf>, Error> {
        let bytes = program.encode();
        let name = format!("{:016x}", crate::report::hash(&bytes));
        let path = self.corpus().join(name);
        if path.exists() {
            return Ok(None);
        }
        write_atomically(&path, &bytes)
            .map_err(io_error(format!("{} cannot be written", path.display())))?;
        Ok(Some(path))
    }

    /// A copy of the target for this campaign: engines start it repeatedly, and meanwhile
    /// someone may rebuild it.
    pub(super) fn take_target(&self, engine: Engine, binary: &Path) -> Result<PathBuf, Error> {
        let copy = self.engines().join(format!("{}.target", engine.name()));
        remove(&copy)?;
        let size = fs::metadata(binary).map_or(0, |m| m.len()) >> 20;
        let needed = size + 4 * super::LEAST_MB;
        if self.free_mb() < needed {
            return Err(self.no_space(needed));
        }
        fs::copy(binary, &copy)
            .map_err(io_error(format!("{} cannot be copied", binary.display())))?;
        Ok(copy)
    }

    /// Free space in MB where the folder is; a large number if unknown.
    pub(super) fn free_mb(&self) -> u64 {
        use std::os::unix::ffi::OsStrExt;
        let Ok(path) = std::ffi::CString::new(self.root.as_os_str().as_bytes()) else {
            return u64::MAX;
        };
        // SAFETY: plain data for the call to fill in, and a C string.
        let (status, stat) = unsafe {
            let mut stat: libc::statvfs = std::mem::zeroed();
            (libc::statvfs(path.as_ptr(), &mut stat), stat)
        };
        match status {
            0 => (stat.f_bavail * stat.f_frsize) >> 20,
            _ => u64::MAX,
        }
    }

    pub(super) fn no_space(&self, needed: u64) -> Error {
        Error::NoSpace(crate::report::near(&self.root), self.free_mb(), needed)
    }

    /// Removes temporary files of a campaign that was killed.
    fn remove_half_written(&self) -> Result<(), Error> {
        for path in entries(&self.corpus()) {
            let name = path.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with('.') {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The working corpus.
    pub fn corpus(&self) -> PathBuf {
        self.root.join("corpus")
    }

    /// Reproducers and reports.
    pub fn findings_dir(&self) -> PathBuf {
        self.root.join("findings")
    }

    /// The inputs that the engine saved as crashes.
    pub fn crashes_dir(&self) -> PathBuf {
        self.root.join("crashes")
    }

    /// The engines' own folders.
    pub(super) fn engines(&self) -> PathBuf {
        self.root.join("engines")
    }

    /// An engine's own folder.
    pub(super) fn engine_dir(&self, engine: Engine) -> PathBuf {
        self.engines().join(engine.name())
    }

    /// The folder from which an engine imports inputs: for libFuzzer its output folder, for
    /// others one that is empty at first.
    pub(super) fn inbox(&self, engine: Engine) -> PathBuf {
        match engine {
            Engine::LibFuzzer => self.engine_dir(engine),
            other => self.engines().join(format!("{}.inbox", other.name())),
        }
    }

    /// AFL++'s sync directory, with a folder for each instance.
    pub fn afl(&self) -> PathBuf {
        self.engine_dir(Engine::Afl)
    }

    /// The inputs that honggfuzz found.
    pub(super) fn new_of_honggfuzz(&self) -> PathBuf {
        self.engine_dir(Engine::Honggfuzz).join("new")
    }

    /// The folders with the inputs that an engine found.
    pub(super) fn finds_of(&self, engine: Engine) -> Vec<PathBuf> {
        match engine {
            Engine::LibFuzzer => vec![self.engine_dir(engine)],
            Engine::Afl => {
                let queue = |instance: PathBuf| instance.join("queue");
                entries(&self.afl()).into_iter().map(queue).collect()
            }
            Engine::Honggfuzz => vec![self.new_of_honggfuzz()],
        }
    }

    /// The combined statistics, written at the end of the campaign.
    pub fn stats_file(&self) -> PathBuf {
        self.root.join("stats.json")
    }

    fn stats_dir(&self) -> PathBuf {
        self.root.join(STATS)
    }

    /// The statistics of an engine.
    pub(super) fn stats_of(&self, engine: Engine) -> PathBuf {
        stats_file(&self.root, engine.name())
    }

    fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The output of an engine.
    pub fn log_of(&self, engine: Engine) -> PathBuf {
        self.logs().join(engine.name())
    }

    /// Combines the statistics of all engines, writes and returns them.
    pub(super) fn sum_stats(&self, config: &Config) -> Result<Stats, Error> {
        let mut sum = Stats::default();
        for plan in &config.plans {
            sum.merge(&read_stats(&self.root, plan.engine.name()));
        }
        let path = self.stats_file();
        let error = |error| io_error(path.display().to_string())(error);
        let mut text = serde_json::to_vec(&sum).map_err(|e| error(e.into()))?;
        text.push(b'\n');
        write_atomically(&path, &text).map_err(error)?;
        Ok(sum)
    }

    /// The list of this campaign's findings.
    pub fn found_file(&self) -> PathBuf {
        self.root.join("found")
    }

    /// The file that a target creates after its first program.
    pub fn first_file(&self) -> PathBuf {
        self.root.join("first")
    }

    /// The file for a target's error if it cannot start.
    pub fn error_file(&self) -> PathBuf {
        self.root.join("error")
    }

    /// The findings of this campaign, the latest last.
    pub fn findings(&self) -> Vec<Finding> {
        let list = fs::read_to_string(self.found_file()).unwrap_or_default();
        let mut all: Vec<Finding> = Vec::new();
        // only complete lines: a target may be writing
        for line in list.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
            if let Some(finding) = Finding::read(line.trim_end_matches('\n'))
                && all.iter().all(|other| other.path != finding.path)
            {
                all.push(finding);
            }
        }
        all
    }

    /// The error of a target that could not start.
    pub(super) fn target_error(&self) -> Option<String> {
        fs::read_to_string(self.error_file()).ok()
    }

    /// Inputs that engines saved as crashes.
    pub(super) fn crashes(&self) -> Vec<PathBuf> {
        let mut all = entries(&self.crashes_dir());
        for instance in entries(&self.afl()) {
            all.extend(entries(&instance.join("crashes")));
        }
        let report = |p: &Path| {
            p.file_name()
                .is_some_and(|n| n == "README.txt" || n == "HONGGFUZZ.REPORT.TXT")
        };
        all.retain(|p| p.is_file() && !report(p));
        all
    }

    /// The end of an engine's log.
    pub(super) fn last_words(&self, engine: Engine) -> String {
        let log = fs::read(self.log_of(engine)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
        let from = lines.len().saturating_sub(LAST_WORDS);
        lines[from..].join("\n")
    }
}

/// The default folder: `out`, or `out-2` and so on while it is in use.
pub fn free_folder() -> PathBuf {
    let number = |n: u32| match n {
        1 => PathBuf::from("out"),
        n => PathBuf::from(format!("out-{n}")),
    };
    let free = (1..100).map(number).find(|dir| !is_in_use(dir));
    free.unwrap_or_else(|| number(1))
}

/// How long to wait for a lock: the child of a campaign that was killed just then has it
/// from fork to exec.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// Locks a folder; the lock ends with the process.
fn lock(path: &Path, out: &Path) -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .map_err(io_error(format!("{} cannot be written", out.display())))?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(out.display().to_string())),
            Err(TryLockError::Error(error)) => {
                return Err(io_error(path.display().to_string())(error));
            }
        }
    }
}

/// The statistics file of an engine.
fn stats_file(root: &Path, engine: &str) -> PathBuf {
    root.join(STATS).join(format!("{engine}.json"))
}

/// The statistics of an engine so far.
pub(super) fn read_stats(root: &Path, engine: &str) -> Stats {
    fs::read(stats_file(root, engine))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

/// Is a campaign using the folder?
pub fn is_in_use(dir: &Path) -> bool {
    let lock = File::options().append(true).open(dir.join(".lock"));
    lock.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn make(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(io_error(format!("{} cannot be created", dir.display())))
}

fn remove_all(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(io_error(dir.display().to_string())(e))
        }
        _ => Ok(()),
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
pub(super) fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    all.sort();
    all
}
