// SPDX-License-Identifier: GPL-2.0
//! Campaigns: run engines for a time, on a working corpus.
//!
//! Engines are child processes with their own folders.  Their targets write findings and
//! statistics (see [`target`](crate::target)), so the output of engines is not parsed.  The
//! given corpus is only read.
//!
//! ```text
//! OUT/corpus       the working corpus, kept between campaigns
//! OUT/findings     reproducers (.gup) and reports (.txt), of all campaigns
//! OUT/crashes      inputs that engines saved as crashes; those of earlier campaigns
//!                  are in `earlier`
//! OUT/found        the findings of this campaign
//! OUT/status.json  the progress, for `gupdiff status`; over time in
//!                  `history.jsonl`
//! OUT/stats.json   statistics of the programs; for each engine in `stats`
//! OUT/log          output of the engines
//! OUT/engines      the engines' own folders
//! OUT/.lock        held while a campaign runs
//! ```
//!
//! All files that this process writes are complete at any time.  If it is killed, the
//! system kills the engines; the next campaign imports their inputs, and continues the
//! statistics if its settings are the same.

mod children;
mod engine;
mod exchange;
mod folder;
mod history;
pub mod page;
mod progress;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

pub use engine::Engine;
pub use folder::{Finding, Folder, free_folder, is_in_use};
pub use status::{EngineStatus, FindingStatus, Status};

use crate::layer::Focus;
use crate::side::{self, c};
use crate::stats::Stats;
use children::Children;
use exchange::Exchange;
use progress::Progress;

/// The part of one engine in a campaign.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The engine.
    pub engine: Engine,
    /// The target, built for that engine.
    pub binary: PathBuf,
    /// The custom mutator for AFL++; the other engines have theirs in the target.
    pub mutator: Option<PathBuf>,
    /// Processes.
    pub jobs: u32,
}

/// The settings of a campaign.
#[derive(Clone, Debug)]
pub struct Config {
    /// The engines, each once.
    pub plans: Vec<Plan>,
    /// The left side.
    pub left: String,
    /// The right side.
    pub right: String,
    /// The layer of programs.
    pub layer: Focus,
    /// The duration.
    pub time: Duration,
    /// Programs to start from; only read.
    pub corpus: Vec<PathBuf>,
    /// The folder for everything that is written.
    pub out: PathBuf,
    /// Continue after a finding.
    pub keep_going: bool,
    /// Seed of the engines' random numbers, if they accept one.
    pub seed: u32,
    /// Make variables, for reports.
    pub make: Option<String>,
    /// Further arguments for the engines.
    pub extra: Vec<String>,
    /// The targets run no programs, to measure the overhead of the engines.
    pub empty: bool,
    /// Called after the first program.
    pub on_first: fn(),
}

/// How a campaign ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Nothing was found.
    Clean,
    /// Findings, whose reproducers are saved, the latest last.
    Found(Vec<Finding>),
    /// Ctrl-C.
    Interrupted,
}

/// The result of a campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// How it ended.
    pub ending: Ending,
    /// Statistics of its programs.
    pub stats: Stats,
    /// The running time of the engines.
    pub time: Duration,
}

/// Why a campaign could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A side does not exist.
    #[error("{0}")]
    Side(#[from] crate::side::Error),
    /// A file of the corpus is not a program.
    #[error("{0}")]
    Input(#[from] crate::input::Error),
    /// An error with a file or folder.
    #[error("{what}: {error}")]
    Io {
        /// What failed.
        what: String,
        /// The system's error.
        error: io::Error,
    },
    /// The engine is not installed or the target is not built.
    #[error("{0} not found; {1}")]
    Missing(String, &'static str),
    /// The target could not start.
    #[error("{0}")]
    Target(String),
    /// The engine ended before its time, without a finding.
    #[error("{engine} ended early ({status}); see the end of its log, {}:\n{words}", .log.display())]
    Early {
        /// The engine.
        engine: &'static str,
        /// Its exit status.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The end of the log.
        words: String,
    },
    /// Another campaign uses the folder.
    #[error(
        "{0} is in use by another campaign; wait for it to end, or choose another folder: OUT=FOLDER"
    )]
    Busy(String),
    /// The disk is full, or nearly.
    #[error("no space left for {0}: {1} MB free, {2} MB needed; the findings so far are kept")]
    NoSpace(String, u64, u64),
    /// The engine saved an input on which the harness itself crashes.
    #[error("the harness crashed on {}", .0.display())]
    Harness(PathBuf),
}

pub(crate) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let what = what.into();
    move |error| Error::Io { what, error }
}

/// Set when the user interrupts the campaign.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// How long engines may run after the time is over before they are killed.
const GRACE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// With less free space a campaign ends: engines do not notice that their files are lost.
const LEAST_MB: u64 = 4;

/// Runs a campaign.
pub fn run(config: &Config) -> Result<Campaign, Error> {
    // report unknown sides before anything is written
    let objects = config.plans.iter().map(|plan| objects(config, plan.engine));
    let objects = objects.collect::<Result<Vec<_>, _>>()?;
    config.plans.iter().try_for_each(is_built)?;
    let folder = Folder::prepare(config)?;
    let mut exchange = Exchange::new(&folder, config);
    let mut progress = Progress::new(config, &folder);
    let mut children = Children::start(config, &folder, &objects)?;
    let over = watch(config, &folder, &mut children, &mut exchange, &mut progress)?;
    children.stop();
    exchange.end(&folder)?;
    let time = progress.time();
    let stats = folder.sum_stats(config)?;
    let ending = ending(config, &folder, over);
    progress.done(&exchange, &ending);
    Ok(Campaign {
        ending: ending?,
        stats,
        time,
    })
}

fn is_built(plan: &Plan) -> Result<(), Error> {
    if !plan.binary.is_file() {
        return Err(Error::Missing(
            plan.binary.display().to_string(),
            "build the target first",
        ));
    }
    if let Some(mutator) = plan.mutator.as_ref().filter(|m| !m.is_file()) {
        return Err(Error::Missing(
            mutator.display().to_string(),
            "build it with `cargo build --release -p gup-afl-mutator`",
        ));
    }
    Ok(())
}

/// Why the engines are stopped.
enum Over {
    /// The time is over.
    Time,
    /// Ctrl-C.
    Interrupted,
    /// There is a finding, and one is enough.
    Found,
    /// The disk is full.
    Full,
    /// An engine ended by itself, with this status.
    Early(Engine, String),
}

/// Watches the engines until they have to stop.
fn watch(
    config: &Config,
    folder: &Folder,
    children: &mut Children,
    exchange: &mut Exchange,
    progress: &mut Progress,
) -> Result<Over, Error> {
    let started = Instant::now();
    let mut first = false;
    loop {
        thread::sleep(POLL);
        if !first && folder.first_file().exists() {
            first = true;
            (config.on_first)();
        }
        if interrupted() {
            return Ok(Over::Interrupted);
        }
        if !config.keep_going && !folder.findings().is_empty() {
            // an engine may continue after a finding; one was requested
            return Ok(Over::Found);
        }
        if let Some((engine, status)) = children.ended() {
            let time_left = config.time.saturating_sub(started.elapsed());
            let expected = config.empty || time_left < Duration::from_millis(1500);
            return Ok(match expected {
                true => Over::Time,
                false => Over::Early(engine, status),
            });
        }
        if started.elapsed() > config.time + GRACE {
            return Ok(Over::Time);
        }
        if folder.free_mb() < LEAST_MB {
            return Ok(Over::Full);
        }
        exchange.tick(folder)?;
        progress.tick(exchange);
    }
}

/// The ending of the campaign, after the engines have ended.
fn ending(config: &Config, folder: &Folder, over: Over) -> Result<Ending, Error> {
    let full = matches!(over, Over::Full) || folder.free_mb() < LEAST_MB;
    if full && folder.findings().is_empty() && !interrupted() {
        return Err(folder.no_space(LEAST_MB));
    }
    if interrupted() {
        return Ok(Ending::Interrupted);
    }
    if let Some(message) = folder.target_error() {
        return Err(Error::Target(message));
    }
    let mut found = folder.findings();
    if found.is_empty()
        && let Some(path) = folder.crashes().into_iter().next()
    {
        found = confirm(config, folder, path)?;
    }
    if !found.is_empty() {
        return Ok(Ending::Found(found));
    }
    match over {
        Over::Early(engine, status) => Err(Error::Early {
            engine: engine.name(),
            status,
            log: folder.log_of(engine),
            words: folder.last_words(engine),
        }),
        _ => Ok(Ending::Clean),
    }
}

/// The sides' objects in an engine's flavour, for its targets; see [`c::OBJECTS`].
fn objects(config: &Config, engine: Engine) -> Result<String, Error> {
    if config.left == config.right {
        return Err(side::Error::Itself(config.left.clone()).into());
    }
    let mut objects = BTreeMap::new();
    for name in [&config.left, &config.right] {
        side::describe(name)?;
        if let Some(kernel) = name.strip_prefix("c:")
            && let Some(built) = c::object(kernel, engine.flavour())?
        {
            objects.insert(name, built.dir().to_path_buf());
        }
    }
    serde_json::to_string(&objects)
        .map_err(|error| io_error("the list of objects")(io::Error::other(error)))
}

/// Checks a crash that an engine reported and the target did not, in a separate process,
/// which may crash, too.
fn confirm(config: &Config, folder: &Folder, path: PathBuf) -> Result<Vec<Finding>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let out = folder.findings_dir().join(format!("confirmed-{name}.gup"));
    let gupdiff = std::env::current_exe().map_err(io_error("gupdiff"))?;
    let status = Command::new(gupdiff)
        .arg("minimise")
        .arg(&path)
        .args(["--left", &config.left, "--right", &config.right])
        .arg("-o")
        .arg(&out)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .map_err(io_error("gupdiff minimise"))?;
    match status.code() {
        Some(1) if out.is_file() => Ok(vec![Finding {
            class: String::new(),
            path: out,
            after: None,
        }]),
        _ => Err(Error::Harness(path)),
    }
}
