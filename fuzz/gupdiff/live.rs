// SPDX-License-Identifier: GPL-2.0
//! `gupdiff live`: three sides, one of them a booted kernel.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use harness::campaign::INTERRUPTED;
use harness::input;
use harness::minimise;
use harness::oracle::{Oracle, Verdict};
use harness::program::{Program, text};
use harness::replay::{Config, Counts, Ending, Replay};
use harness::report::{self, Origin};
use harness::site::SiteId;

use crate::Outcome;

/// Maximum number of runs for shrinking: each needs the guest.
const RUNS: usize = 5_000;

/// Replay programs on a booted kernel, on the C side and on the Rust side.
///
/// The kernel is the distribution's own image in QEMU, as `make live` sets it
/// up.  First the corpus, then random programs from a seed.  The last line of
/// standard output says how it ended: `clean: ...` (exit status 0),
/// `reproducer: PATH` (1) or `error: ...` (2).
#[derive(clap::Args)]
pub struct Args {
    /// The booted kernel, as `gupdiff sides` lists it
    #[arg(long, default_value = "live:6.1", value_name = "SIDE")]
    side: String,
    /// Programs to start with, files or folders
    #[arg(long, value_name = "PATH")]
    corpus: Vec<PathBuf>,
    /// Number of calls on random mappings of the guest before those
    #[arg(long, default_value_t = 1_000, value_name = "N",
          value_parser = clap::value_parser!(u32).range(..=4096))]
    mappings: u32,
    /// Number of random programs after those
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    fresh: u64,
    /// Seconds; run as many random programs as possible
    #[arg(long, conflicts_with = "fresh", value_name = "SECONDS")]
    time: Option<u64>,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The folder for findings
    #[arg(long, default_value = "out", value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<Outcome> {
    crate::last_line(replay(args))
}

fn replay(args: &Args) -> Result<Outcome> {
    if ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).is_err() {
        bail!("cannot install the Ctrl-C handler");
    }
    let corpus = corpus(&args.corpus)?;
    let started = Instant::now();
    let mut replay = Replay::open(&args.side, args.mappings, args.seed)?;
    let sides = replay.sides();
    for side in &sides {
        println!("side   {side}");
    }
    println!("booted in {:.1} s", started.elapsed().as_secs_f64());
    let mappings = replay.check_mappings();
    println!(
        "mappings    {} calls, {} pages taken",
        mappings.calls, mappings.pages
    );
    for wrong in &mappings.wrong {
        println!("  {wrong}");
    }
    if let Some(first) = mappings.wrong.first() {
        bail!(
            "{} of {} calls on real mappings differ; the first: {first}",
            mappings.wrong.len(),
            mappings.calls
        );
    }
    let recorded = replay.check_recorded();
    println!(
        "random      {} calls on random mappings, {} pages taken, {} faults; {} more are left out",
        recorded.calls, recorded.pages, recorded.faults, recorded.left_out
    );
    if let Some((program, wrong)) = recorded.wrong.first() {
        println!(
            "{} of {} differ; the first: {wrong}",
            recorded.wrong.len(),
            recorded.calls
        );
        let path = save_recorded(args, &replay, program, wrong)?;
        println!("reproducer: {}", path.display());
        return Ok(Outcome::Found);
    }
    let config = Config {
        live: args.side.clone(),
        corpus: &corpus,
        fresh: args.fresh,
        time: args.time.map(Duration::from_secs),
        seed: args.seed,
    };
    let started = Instant::now();
    let mut told = started;
    let (counts, ending) = replay.run(&config, |counts| {
        if told.elapsed() >= Duration::from_secs(5) {
            told = Instant::now();
            // Standard error may be closed.
            let _ = writeln!(
                io::stderr(),
                "{:4.0} s  {} programs, {} operations, {} WARNs, {} frees",
                started.elapsed().as_secs_f64(),
                counts.programs(),
                counts.operations,
                counts.warns,
                counts.frees
            );
        }
        !INTERRUPTED.load(Ordering::Relaxed)
    });
    let seconds = started.elapsed().as_secs_f64();
    show(&counts);
    match ending {
        Ending::Clean(_) if !counts.deaths.is_empty() => bail!(
            "{} of {} programs have no verdict; the first: {}",
            counts.deaths.len(),
            counts.programs(),
            counts.deaths[0]
        ),
        Ending::Clean(control) => {
            println!("control     {control}");
            println!("findings    0");
            let names: Vec<&str> = sides.iter().filter_map(|s| s.split(' ').next()).collect();
            println!(
                "clean: {} agree on {} programs, {} operations, in {seconds:.0} s ({:.0} programs/s)",
                names.join(", "),
                counts.programs(),
                counts.operations,
                counts.programs() as f64 / seconds
            );
            Ok(Outcome::Fine)
        }
        Ending::Found(program, verdict, oracle) => {
            println!("findings    1");
            let path = save(args, *oracle, &program, verdict)?;
            println!("reproducer: {}", path.display());
            Ok(Outcome::Found)
        }
        Ending::Broken(wrong) => bail!("{wrong}"),
        Ending::Interrupted => bail!("interrupted after {} programs", counts.programs()),
    }
}

fn corpus(paths: &[PathBuf]) -> Result<Vec<Program>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    Ok(input::programs(paths)?)
}

fn show(counts: &Counts) {
    println!(
        "\nprograms    {} of the corpus, {} random",
        counts.corpus, counts.fresh
    );
    println!("operations  {}", counts.operations);
    println!("WARNs       {}", counts.warns);
    for (site, hits) in &counts.sites {
        println!("  {hits:>9}  {}", SiteId(*site));
    }
    println!("BUGs        {}", counts.bugs);
    println!("OOPSes      {}", counts.oopses);
    println!("frees       {}", counts.frees);
    let gaps: u64 = counts.gaps.values().sum();
    println!("gaps        {gaps} operations left out");
    for (name, hits) in &counts.gaps {
        println!("  {hits:>9}  {name}");
    }
}

/// The call as a program, with what differs as a comment.
fn save_recorded(args: &Args, replay: &Replay, program: &Program, wrong: &str) -> Result<PathBuf> {
    let dir = args.out.join("findings");
    std::fs::create_dir_all(&dir)?;
    let name = format!("mappings-{:016x}.gup", report::hash(&program.encode()));
    let text = text::format(program, replay.rev());
    let comment = format!("# a call on mappings of {}\n# {wrong}\n", args.side);
    let path = dir.join(name);
    report::write_atomically(&path, (comment + &text).as_bytes())?;
    Ok(path)
}

fn save(args: &Args, mut oracle: Oracle, program: &Program, verdict: Verdict) -> Result<PathBuf> {
    let (program, verdict) = match minimise::minimise(&mut oracle, program, RUNS) {
        Some(small) => (small.program, small.verdict),
        None => (*program, verdict),
    };
    let origin = Origin::from_env();
    let dir = args.out.join("findings");
    let path = report::save_reproducer(&dir, &oracle, &program, &verdict, &origin)?;
    let shown = report::near(&path);
    let text = report::report(&oracle, &program, &verdict, Some(&shown), &origin);
    println!("\n{text}");
    report::write_atomically(&path.with_extension("txt"), text.as_bytes())?;
    Ok(path)
}
