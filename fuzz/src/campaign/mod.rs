// SPDX-License-Identifier: GPL-2.0
//! Campaigns: an engine, a time, a working copy of the corpus, an ending.
//!
//! The engine runs as a child with its own folder for output; it writes
//! findings and statistics itself (see [`target`](crate::target)), so nothing
//! that it prints is interpreted.  The corpus that was given is only read.
//!
//! ```text
//! OUT/corpus       the working corpus, kept from campaign to campaign
//! OUT/findings     reproducers (.gup) and reports (.txt), of all campaigns
//! OUT/crashes      what engines saved as crashes; those of earlier campaigns
//!                  are in `earlier`
//! OUT/found        the findings of this campaign
//! OUT/stats.json   what this campaign's programs did
//! OUT/engine.log   what the engine printed
//! OUT/.lock        held while a campaign runs
//! ```

mod engine;
mod folder;
mod progress;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

pub use engine::Engine;
pub use folder::{Finding, Folder, free_folder};

use crate::layer::{self, Focus};
use crate::side::{self, c};
use crate::stats::Stats;
use progress::Progress;

/// How a campaign is to be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which engine.
    pub engine: Engine,
    /// The target, built for that engine.
    pub binary: PathBuf,
    /// A library of mutations for AFL++; the other engines have theirs in the
    /// target.
    pub mutator: Option<PathBuf>,
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// Which programs are made.
    pub layer: Focus,
    /// For how long.
    pub time: Duration,
    /// Processes.
    pub jobs: u32,
    /// Programs to start from; only read.
    pub corpus: Vec<PathBuf>,
    /// The folder for everything that is written.
    pub out: PathBuf,
    /// Go on after a finding.
    pub keep_going: bool,
    /// Of the engine's random numbers, if it has any to set.
    pub seed: u32,
    /// Make variables, for reports.
    pub make: Option<String>,
    /// Further arguments for the engine.
    pub extra: Vec<String>,
    /// The target does nothing: what is measured is the engine alone.
    pub empty: bool,
    /// Called when the first program has run.
    pub on_first: fn(),
}

/// How a campaign ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Nothing was found.
    Clean,
    /// These were found and their reproducers saved, the latest last.
    Found(Vec<Finding>),
    /// Ctrl-C.
    Interrupted,
}

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// How it ended.
    pub ending: Ending,
    /// What its programs did.
    pub stats: Stats,
    /// How long the engine ran.
    pub time: Duration,
}

/// Why a campaign could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A side is not there.
    #[error("{0}")]
    Side(#[from] crate::side::Error),
    /// A program of the corpus is none.
    #[error("{0}")]
    Input(#[from] crate::input::Error),
    /// A file or folder.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done.
        what: String,
        /// What the system says.
        error: io::Error,
    },
    /// The engine is not installed or the target is not built.
    #[error("{0} is not there; {1}")]
    Missing(String, &'static str),
    /// The target could not start.
    #[error("{0}")]
    Target(String),
    /// The engine ended before its time, without a finding.
    #[error("{engine} ended early ({status}); its last words are in {}:\n{words}", .log.display())]
    Early {
        /// Which engine.
        engine: &'static str,
        /// Its exit status.
        status: String,
        /// Where it wrote.
        log: PathBuf,
        /// The end of that.
        words: String,
    },
    /// Somebody else writes there.
    #[error(
        "{0} is in use by another campaign; wait for it to end, or give this one another folder: OUT=FOLDER"
    )]
    Busy(String),
    /// The disk is full, or nearly.
    #[error("no space left for {0}: {1} MB free, {2} MB needed; what was found so far is kept")]
    NoSpace(String, u64, u64),
    /// The engine saved an input on which the harness itself crashes.
    #[error("the harness crashed on {}", .0.display())]
    Harness(PathBuf),
}

pub(crate) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |error| Error::Io { what, error }
}

/// Set when the user wants everything to stop.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// How long an engine may take to end by itself after its time.
const GRACE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// With less space than this a campaign ends: engines do not notice that what
/// they write is lost.
const LEAST_MB: u64 = 4;

/// Runs a campaign.
pub fn run(config: &Config) -> Result<Campaign, Error> {
    // Complains about unknown sides before anything is written.
    let objects = objects(config)?;
    if !config.binary.is_file() {
        return Err(Error::Missing(
            config.binary.display().to_string(),
            "build the target first",
        ));
    }
    if let Some(mutator) = config.mutator.as_ref().filter(|m| !m.is_file()) {
        return Err(Error::Missing(
            mutator.display().to_string(),
            "build it with `cargo build --release -p gup-afl-mutator`",
        ));
    }
    let folder = Folder::prepare(config)?;
    let mut children = Children::start(config, &folder, &objects)?;
    let started = Instant::now();
    let mut progress = Progress::new(config.time);
    let mut full = false;
    let mut first = false;
    let early = loop {
        thread::sleep(POLL);
        if !first && folder.first_file().exists() {
            first = true;
            (config.on_first)();
        }
        if interrupted() {
            children.stop();
            break None;
        }
        if !config.keep_going && !folder.findings().is_empty() {
            // An engine may go on to look for more; it was asked for one.
            children.stop();
            break None;
        }
        if let Some(status) = children.ended() {
            let time_left = config.time.saturating_sub(started.elapsed());
            children.stop();
            let expected = config.empty || time_left < Duration::from_millis(1500);
            break (!expected).then_some(status);
        }
        if started.elapsed() > config.time + GRACE {
            children.stop();
            break None;
        }
        progress.tick(&folder);
        if folder.free_mb() < LEAST_MB {
            children.stop();
            full = true;
            break None;
        }
    };
    progress.done();
    folder.remove_empty()?;
    full |= folder.free_mb() < LEAST_MB;
    if full && folder.findings().is_empty() && !interrupted() {
        return Err(folder.no_space(LEAST_MB));
    }
    let time = started.elapsed();
    folder.keep_corpus(config.engine)?;
    let stats = folder.stats();
    if interrupted() {
        return Ok(Campaign {
            ending: Ending::Interrupted,
            stats,
            time,
        });
    }
    if let Some(message) = folder.target_error() {
        return Err(Error::Target(message));
    }
    let mut found = folder.findings();
    if found.is_empty()
        && let Some(path) = folder.crashes(config.engine).into_iter().next()
    {
        found = confirm(config, &folder, path)?;
    }
    if !found.is_empty() {
        return Ok(Campaign {
            ending: Ending::Found(found),
            stats,
            time,
        });
    }
    match early {
        Some(status) => Err(Error::Early {
            engine: config.engine.name(),
            status,
            log: folder.log(),
            words: folder.last_words(),
        }),
        None => Ok(Campaign {
            ending: Ending::Clean,
            stats,
            time,
        }),
    }
}

/// The objects of the sides in the engine's flavour, for the targets; see
/// [`c::OBJECTS`].
fn objects(config: &Config) -> Result<String, Error> {
    if config.left == config.right {
        return Err(side::Error::Itself(config.left.clone()).into());
    }
    let mut objects = BTreeMap::new();
    for name in [&config.left, &config.right] {
        side::describe(name)?;
        if let Some(kernel) = name.strip_prefix("c:")
            && let Some(built) = c::object(kernel, config.engine.flavour())?
        {
            objects.insert(name, built.dir().to_path_buf());
        }
    }
    serde_json::to_string(&objects)
        .map_err(|error| io_error("the list of objects")(io::Error::other(error)))
}

/// An engine reports a crash that the target did not confirm: looks at it in a
/// process of its own, which may crash too.
fn confirm(config: &Config, folder: &Folder, path: PathBuf) -> Result<Vec<Finding>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let out = folder.findings_dir().join(format!("confirmed-{name}.gup"));
    let gupdiff = std::env::current_exe().map_err(io_error("gupdiff"))?;
    let status = Command::new(gupdiff)
        .arg("minimize")
        .arg(&path)
        .args(["--left", &config.left, "--right", &config.right])
        .arg("-o")
        .arg(&out)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .map_err(io_error("gupdiff minimize"))?;
    match status.code() {
        Some(1) if out.is_file() => Ok(vec![Finding {
            path: out,
            after: None,
        }]),
        _ => Err(Error::Harness(path)),
    }
}

/// The engine's processes, in process groups of their own: Ctrl-C is for us.
struct Children(Vec<Child>);

impl Children {
    fn start(config: &Config, folder: &Folder, objects: &str) -> Result<Self, Error> {
        use std::os::unix::process::CommandExt;
        let mut children = Self(Vec::new());
        for mut command in config.engine.commands(config, folder)? {
            let log = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(folder.log())
                .map_err(io_error(folder.log().display().to_string()))?;
            let err = log.try_clone().map_err(io_error("the engine's log"))?;
            command
                .env("GUPDIFF_LEFT", &config.left)
                .env("GUPDIFF_RIGHT", &config.right)
                .env("GUPDIFF_LAYER", layer::name(config.layer))
                .env(c::OBJECTS, objects)
                .env("GUPDIFF_OUT", folder.findings_dir())
                .env("GUPDIFF_FIRST", folder.first_file())
                .env("GUPDIFF_FOUND", folder.found_file())
                .env("GUPDIFF_ERROR", folder.error_file())
                .env("GUPDIFF_STATS", folder.stats_file())
                .env(
                    "GUPDIFF_KEEP_GOING",
                    if config.keep_going { "1" } else { "" },
                )
                .env("GUPDIFF_EMPTY", if config.empty { "1" } else { "" })
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(err)
                .process_group(0);
            match &config.make {
                Some(make) => command.env("GUPDIFF_MAKE", make),
                None => command.env_remove("GUPDIFF_MAKE"),
            };
            let program = command.get_program().to_string_lossy().into_owned();
            match command.spawn() {
                Ok(child) => children.0.push(child),
                Err(error) => {
                    children.stop();
                    return Err(Error::Io {
                        what: format!("{program} cannot be started"),
                        error,
                    });
                }
            }
        }
        Ok(children)
    }

    /// The status of a process that has ended, if one has.
    fn ended(&mut self) -> Option<String> {
        self.0.iter_mut().find_map(|child| match child.try_wait() {
            Ok(Some(status)) => Some(status.to_string()),
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        })
    }

    /// Ends all of them: kindly, then not.
    fn stop(&mut self) {
        for child in &self.0 {
            signal(child, libc::SIGTERM);
        }
        let started = Instant::now();
        for child in &mut self.0 {
            while started.elapsed() < Duration::from_secs(5) {
                match child.try_wait() {
                    Ok(None) => thread::sleep(Duration::from_millis(20)),
                    _ => break,
                }
            }
            // Whatever else the group holds goes too.
            signal(child, libc::SIGKILL);
            // It is dead or dying; nothing can be done if waiting fails.
            let _ = child.wait();
        }
        self.0.clear();
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(child: &Child, signal: libc::c_int) {
    // SAFETY: a process group that we made, and have not waited for.
    unsafe { libc::kill(-(child.id() as libc::pid_t), signal) };
}
