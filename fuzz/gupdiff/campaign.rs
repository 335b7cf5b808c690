// SPDX-License-Identifier: GPL-2.0
//! `gupdiff campaign`: runs a fuzzing engine for a time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use clap::ValueEnum;
use harness::accepted::RevisionPair;
use harness::campaign::{self, Config, Ending, Engine, Finding, INTERRUPTED, Plan};
use harness::input;
use harness::layer::{self, Focus};
use harness::oracle::Oracle;
use harness::scope::Scope;
use harness::side::{self, Pair, SideInfo};
use harness::target::class_name;

use crate::explain::Tree;
use crate::side::lacking;
use crate::{LayerArg, Outcome, SideArgs};

/// Run fuzzing engines for a time.
///
/// Several engines share one working corpus: each imports the inputs of the others.
/// Progress goes to standard error.  The last line of standard output says how
/// it ended: `clean: ...` (exit status 0), `reproducer: PATH` (1) or
/// `error: ...` (2).
#[derive(clap::Args)]
pub struct Args {
    /// An engine; may be given several times
    #[arg(long, value_enum, default_values_t = [EngineArg::Libfuzzer])]
    engine: Vec<EngineArg>,
    /// The target that is built for the engine; one for each --engine, in the same order
    #[arg(long, value_name = "FILE", required = true)]
    target: Vec<PathBuf>,
    /// The custom mutator for AFL++ (libgup_afl_mutator.so)
    #[arg(long, value_name = "FILE")]
    mutator: Option<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    #[command(flatten)]
    layer: LayerArg,
    /// Seconds to run
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time: u64,
    /// Processes of all engines together; each engine gets at least one
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: u32,
    /// Programs to start from, files or folders; they are only read
    #[arg(long, value_name = "PATH")]
    corpus: Vec<PathBuf>,
    /// The folder for findings, statistics and the working corpus
    /// [default: out; or out-2, ... while another campaign uses it]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue after a finding, and list the distinct ones at the end
    #[arg(long)]
    keep_going: bool,
    /// Seed of the engine's random numbers
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Also print statistics of the programs
    #[arg(long)]
    stats: bool,
    /// Programs of earlier findings; a finding names the one that shows the same kind
    #[arg(long, value_name = "PATH")]
    known: Vec<PathBuf>,
    /// Further arguments for the engine
    #[arg(last = true)]
    extra: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    Libfuzzer,
    Afl,
    Honggfuzz,
}

impl From<EngineArg> for Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Libfuzzer => Self::LibFuzzer,
            EngineArg::Afl => Self::Afl,
            EngineArg::Honggfuzz => Self::Honggfuzz,
        }
    }
}

pub fn run(args: &Args) -> Result<Outcome> {
    crate::last_line(campaign(args))
}

fn campaign(args: &Args) -> Result<Outcome> {
    if ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).is_err() {
        bail!("cannot install the Ctrl-C handler");
    }
    let names = args.sides.names()?;
    let plans = plans(args)?;
    let engine = plans[0].engine;
    let left = info(&names.left, engine)?;
    println!("left   {left:#}");
    let mut infos = vec![left];
    match names.right.as_str() {
        "none" => println!("right  none: only the laws are checked"),
        right => {
            infos.push(info(right, engine)?);
            println!("right  {:#}", infos[1]);
        }
    }
    let tree = Tree::of(&names.left, &names.right)?;
    if let Some(tree) = &tree {
        println!("rules  {}", tree.line());
    }
    infos.iter().for_each(lacking);
    let revisions = RevisionPair {
        left: infos[0].rev,
        right: infos.last().unwrap_or(&infos[0]).rev,
    };
    let layer = layer::on(args.layer.get(), revisions)?;
    println!("layer  {}", text(layer));
    if let Some(text) = Scope::text(revisions) {
        println!("scope  {text}");
    }
    let config = Config {
        plans,
        left: names.left,
        right: names.right,
        layer,
        time: Duration::from_secs(args.time.max(1)),
        corpus: args.corpus.clone(),
        out: args.out.clone().unwrap_or_else(campaign::free_folder),
        keep_going: args.keep_going,
        seed: args.seed,
        make: names.origin.make,
        extra: args.extra.clone(),
        empty: false,
        on_first: first,
    };
    println!(
        "engine {}, {} s, output in {}",
        engines(&config.plans),
        args.time,
        config.out.display()
    );
    let done = campaign::run(&config)?;
    if args.stats {
        println!("\n{}", done.stats);
    }
    if let (Some(tree), Some(findings)) = (tree, findings(&done.ending)) {
        println!("\n{}", tree.table(done.stats.programs, findings));
    }
    match done.ending {
        Ending::Clean => {
            println!(
                "clean: {} programs of {:.1} operations in {:.0} s, {:.0} programs/s",
                done.stats.programs,
                done.stats.mean_executed(),
                done.time.as_secs_f64(),
                done.stats.programs as f64 / done.time.as_secs_f64()
            );
            Ok(Outcome::Fine)
        }
        Ending::Found(findings) => {
            let known = Known::of(&config.left, &config.right, &args.known, &findings)?;
            show(&findings, done.stats.programs, &known);
            Ok(Outcome::Found)
        }
        Ending::Interrupted => bail!(
            "interrupted after {} programs; the working corpus is kept in {}",
            done.stats.programs,
            config.out.join("corpus").display()
        ),
    }
}

/// The plan of each engine; the processes are distributed in turn.
fn plans(args: &Args) -> Result<Vec<Plan>> {
    if args.engine.len() != args.target.len() {
        bail!(
            "{} engines and {} targets: each --engine needs one --target",
            args.engine.len(),
            args.target.len()
        );
    }
    let count = args.engine.len() as u32;
    let jobs = args.jobs.max(count);
    let mut plans: Vec<Plan> = Vec::new();
    for (i, (&engine, target)) in args.engine.iter().zip(&args.target).enumerate() {
        let engine: Engine = engine.into();
        if plans.iter().any(|plan| plan.engine == engine) {
            bail!("--engine {} is given twice", engine.name());
        }
        plans.push(Plan {
            engine,
            binary: target.clone(),
            mutator: args.mutator.clone().filter(|_| engine == Engine::Afl),
            jobs: jobs / count + u32::from((i as u32) < jobs % count),
        });
    }
    Ok(plans)
}

/// The engines with their processes, for the header.
fn engines(plans: &[Plan]) -> String {
    let text = |plan: &Plan| match plan.jobs {
        1 => plan.engine.name().to_owned(),
        jobs => format!("{} ({jobs} processes)", plan.engine.name()),
    };
    plans.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Recognises findings of known kinds.
#[derive(Default)]
struct Known(BTreeMap<String, String>);

impl Known {
    /// The kinds of findings that the known programs show on these sides.
    fn of(left: &str, right: &str, paths: &[PathBuf], findings: &[Finding]) -> Result<Self> {
        let mut known = BTreeMap::new();
        if paths.is_empty() || findings.is_empty() {
            return Ok(Self(known));
        }
        let mut oracle = Oracle::new(Pair::open(left, right)?);
        for input in input::all(paths)? {
            if let Some(class) = oracle.judge(&input.program).finding() {
                known.entry(class_name(class)).or_insert(input.name);
            }
        }
        Ok(Self(known))
    }

    /// A line about a finding of a known kind.
    fn line(&self, finding: &Finding) -> Option<String> {
        let program = self.0.get(&finding.class)?;
        // not "known": with a patch, it may be the patch that breaks an old program
        Some(format!("{program} shows the same kind on these sides"))
    }
}

/// How many there were, if the campaign came to its end.
fn findings(ending: &Ending) -> Option<usize> {
    match ending {
        Ending::Clean => Some(0),
        Ending::Found(findings) => Some(findings.len()),
        Ending::Interrupted => None,
    }
}

/// Describes a side, as compiled for the engine.
fn info(name: &str, engine: Engine) -> Result<SideInfo> {
    Ok(match name.strip_prefix("c:") {
        Some(kernel) => side::c::compiled_info(kernel, engine.flavour())?,
        None => side::describe(name)?.ok_or(side::Error::NoLeft)?,
    })
}

/// Prints the time from the start of the command (`GUPDIFF_STARTED`, in seconds since 1970) to
/// the first program.
fn first() {
    let started = std::env::var("GUPDIFF_STARTED").ok();
    let started: Option<f64> = started.and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    if let (Some(started), Ok(now)) = (started, now) {
        println!("first program after {:.1} s", now.as_secs_f64() - started);
    }
}

/// Describes the layer, for the header.
fn text(layer: Focus) -> &'static str {
    match layer {
        Focus::Page => "page: references and pins of given pages",
        Focus::Lockless => "lockless: the walk of page tables, with concurrent changes",
        Focus::Slow => "slow: the walk under the mmap lock, with VMAs and faults",
        Focus::All => "all: the page level, the lockless walk and the slow path",
    }
}

/// Prints a single finding with its report, or a list of several, whose reports are in files.
/// The last line names a reproducer in both cases.
fn show(findings: &[Finding], programs: u64, known: &Known) {
    let report = |finding: &Finding| {
        std::fs::read_to_string(finding.path.with_extension("txt")).unwrap_or_default()
    };
    if let [one] = findings {
        println!("\n{}", report(one));
    } else {
        println!(
            "\n{} distinct findings in {programs} programs (the report of each is in the .txt file next \
             to it; it ends with the command that writes a mail)",
            findings.len()
        );
    }
    for finding in findings {
        if findings.len() > 1 {
            let report = report(finding);
            let title = report.lines().next().unwrap_or("no report");
            let after = match finding.after {
                Some((n, time)) => format!(", after {n} programs, {:.1} s", time.as_secs_f64()),
                None => String::new(),
            };
            println!("\n{title}{after}");
        }
        if let Some(line) = known.line(finding) {
            println!("{line}");
        }
        println!("reproducer: {}", finding.path.display());
    }
}
