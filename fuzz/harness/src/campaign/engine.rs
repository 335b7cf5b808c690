// SPDX-License-Identifier: GPL-2.0
//! Starting the engines.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use gup_sides::Flavour;

use super::folder::entries;
use super::{Config, Error, Folder, Plan};
use crate::program::wire;

/// A fuzzing engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// libFuzzer, through cargo-fuzz.
    LibFuzzer,
    /// AFL++, through cargo-afl.
    Afl,
    /// honggfuzz, through cargo-hfuzz.
    Honggfuzz,
}

/// Timeout of a program, including the minimisation of a finding.
const TIMEOUT_S: u32 = 60;

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::LibFuzzer, Self::Afl, Self::Honggfuzz];

    /// Its name on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::LibFuzzer => "libfuzzer",
            Self::Afl => "afl",
            Self::Honggfuzz => "honggfuzz",
        }
    }

    /// Its flavour.
    pub fn flavour(self) -> Flavour {
        match self {
            Self::LibFuzzer => Flavour::LibFuzzer,
            Self::Afl => Flavour::Afl,
            Self::Honggfuzz => Flavour::Honggfuzz,
        }
    }

    /// The processes of an engine in a campaign.
    pub(super) fn commands(
        self,
        config: &Config,
        plan: &Plan,
        folder: &Folder,
    ) -> Result<Vec<Command>, Error> {
        let target = folder.take_target(self, &plan.binary)?;
        let jobs = 0..plan.jobs.max(1);
        match self {
            Self::LibFuzzer => Ok(jobs
                .map(|job| libfuzzer(&target, config, folder, job))
                .collect()),
            Self::Afl => {
                let afl = find_afl()?;
                let one = |job| afl_fuzz(&afl, &target, config, plan, folder, job);
                Ok(jobs.map(one).collect())
            }
            Self::Honggfuzz => Ok(vec![honggfuzz(&target, config, plan, folder)?]),
        }
    }
}

/// Several processes share a folder: each reads the inputs of the others, and those that
/// are copied from the working corpus.
fn libfuzzer(target: &Path, config: &Config, folder: &Folder, job: u32) -> Command {
    let mut command = Command::new(target);
    command
        .arg(folder.inbox(Engine::LibFuzzer))
        .arg(format!("-max_total_time={}", config.time.as_secs().max(1)))
        .arg(format!(
            "-artifact_prefix={}/",
            folder.crashes_dir().display()
        ))
        .arg(format!("-max_len={}", wire::MAX_LEN))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-seed={}", config.seed.wrapping_add(job).max(1)))
        .args(["-len_control=0", "-reload=5", "-detect_leaks=0"])
        .args(["-rss_limit_mb=2048", "-print_final_stats=1"])
        .args(&config.extra);
    command
}

/// Power schedules of the secondary AFL++ instances, a different one for each.
const SCHEDULES: [&str; 6] = ["fast", "explore", "coe", "rare", "lin", "exploit"];

/// The first one is the main instance, which imports the inputs of other engines.
fn afl_fuzz(
    afl: &Path,
    target: &Path,
    config: &Config,
    plan: &Plan,
    folder: &Folder,
    job: u32,
) -> Command {
    let mut command = Command::new(afl);
    let name = format!("{}-{job}", host_name());
    command
        .env("AFL_NO_UI", "1")
        .env("AFL_SKIP_CPUFREQ", "1")
        .env("AFL_NO_AFFINITY", "1")
        .env("AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES", "1")
        // a seed that is a finding counts as a finding, not as an error
        .env("AFL_SKIP_CRASHES", "1")
        .env("AFL_NO_WARN_INSTABILITY", "1")
        .env("AFL_FORKSRV_INIT_TMOUT", "20000")
        // minutes
        .env("AFL_SYNC_TIME", "1");
    if !config.keep_going {
        command.env("AFL_BENCH_UNTIL_CRASH", "1");
    }
    if let Some(mutator) = &plan.mutator {
        command.env("AFL_CUSTOM_MUTATOR_LIBRARY", mutator);
    }
    match job {
        0 => command
            .args(["-M", &name, "-F"])
            .arg(folder.inbox(Engine::Afl)),
        job => {
            let schedule = SCHEDULES[(job - 1) as usize % SCHEDULES.len()];
            command.args(["-S", &name, "-p", schedule])
        }
    };
    command
        .arg("-i")
        .arg(folder.corpus())
        .arg("-o")
        .arg(folder.afl())
        .args(["-V", &config.time.as_secs().max(1).to_string()])
        .args(["-t", &(TIMEOUT_S * 1000).to_string(), "-m", "none"])
        .args(["-g", &wire::MIN_LEN.to_string()])
        .args(["-G", &wire::MAX_LEN.to_string()])
        .args(["-s", &config.seed.wrapping_add(job).to_string()])
        .args(&config.extra)
        .arg("--")
        .arg(target);
    command
}

/// Distinguishes the instances of several machines that share a folder.
fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c,
        false => '_',
    };
    let name: String = name.trim().chars().map(plain).take(16).collect();
    if name.is_empty() { "job".into() } else { name }
}

fn honggfuzz(
    target: &Path,
    config: &Config,
    plan: &Plan,
    folder: &Folder,
) -> Result<Command, Error> {
    let mut command = Command::new(find_honggfuzz(&plan.binary)?);
    command
        .arg("--input")
        .arg(folder.corpus())
        .arg("--output")
        .arg(folder.new_of_honggfuzz())
        .arg("--dynamic_input")
        .arg(folder.inbox(Engine::Honggfuzz))
        .arg("--workspace")
        .arg(folder.engine_dir(Engine::Honggfuzz))
        .arg("--crashdir")
        .arg(folder.crashes_dir())
        .args(["--threads", &plan.jobs.max(1).to_string()])
        .args(["--run_time", &config.time.as_secs().max(1).to_string()])
        .args(["--timeout", &TIMEOUT_S.to_string()])
        .args(["--max_file_size", &wire::MAX_LEN.to_string()])
        // the target handles memory faults of kernel code; with this option honggfuzz
        // ignores these signals
        .arg("--sanitizers")
        .args(["--verbose", "--quiet", "--persistent"]);
    if !config.keep_going {
        command.arg("--exit_upon_crash");
    }
    command.args(&config.extra).arg("--").arg(target);
    Ok(command)
}

/// Finds a program in PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|p| p.is_file())
}

/// cargo-afl has its own afl-fuzz, one for each compiler and version.
fn find_afl() -> Result<PathBuf, Error> {
    let missing = || {
        Error::Missing(
            "afl-fuzz".into(),
            "install it with `cargo install cargo-afl` and `cargo afl config --build`, or set AFL_FUZZ",
        )
    };
    if let Some(given) = env::var_os("AFL_FUZZ").filter(|p| !p.is_empty()) {
        return Ok(given.into());
    }
    let data = env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".local/share")))
        .ok_or_else(missing)?;
    entries(&data.join("afl.rs"))
        .iter()
        .flat_map(|compiler| entries(compiler))
        .map(|version| version.join("afl/bin/afl-fuzz"))
        .rfind(|p| p.is_file())
        .or_else(|| on_path("afl-fuzz"))
        .ok_or_else(missing)
}

/// cargo-hfuzz builds honggfuzz in its target folder, above the target.
fn find_honggfuzz(binary: &Path) -> Result<PathBuf, Error> {
    if let Some(given) = env::var_os("HONGGFUZZ").filter(|p| !p.is_empty()) {
        return Ok(given.into());
    }
    binary
        .ancestors()
        .skip(1)
        .map(|dir| dir.join("honggfuzz"))
        .find(|p| p.is_file())
        .or_else(|| on_path("honggfuzz"))
        .ok_or_else(|| {
            Error::Missing(
                "honggfuzz".into(),
                "build the target with `cargo hfuzz build`, or set HONGGFUZZ",
            )
        })
}
