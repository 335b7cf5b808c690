// SPDX-License-Identifier: GPL-2.0
//! `gupdiff bench`: programs per second, as ratios from one run.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use harness::campaign::{self, Config, Engine, Plan};
use harness::input;
use harness::layer::{self, Focus};
use harness::oracle::Oracle;
use harness::program::Program;
use harness::program::generate;
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::side::Pair;
use harness::target::Target;
use harness::trace::Trace;
use serde::{Deserialize, Serialize};

use crate::campaign::EngineArg;
use crate::{LayerArg, Outcome, SideArgs};

/// Measure programs per second in process, and where the time is spent.
#[derive(clap::Args)]
pub struct Args {
    /// Programs or folders [default: 1000 random programs]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    #[command(flatten)]
    layer: LayerArg,
    /// Seconds for each measurement
    #[arg(long, default_value_t = 2.0)]
    time: f64,
    /// Also measure the overhead of this engine; needs --target
    #[arg(long, value_enum, requires = "target", value_name = "ENGINE")]
    engine: Option<EngineArg>,
    /// The target that is built for the engine
    #[arg(long, requires = "engine", value_name = "FILE")]
    target: Option<PathBuf>,
    /// Seconds for each of the two campaigns of an engine
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    engine_time: u64,
    /// Compare with these results of another build, printed by --json
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// The part of another build's results that is read.
#[derive(Deserialize)]
struct Baseline {
    rows: Vec<BaselineRow>,
}

#[derive(Deserialize)]
struct BaselineRow {
    what: String,
    programs_per_second: f64,
}

impl Baseline {
    fn read(path: &Path) -> Result<Self> {
        let cannot = || {
            format!(
                "{} is not an output file of gupdiff bench --json",
                path.display()
            )
        };
        let text = std::fs::read(path).with_context(cannot)?;
        serde_json::from_slice(&text).with_context(cannot)
    }

    /// The speed of a row relative to the baseline.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let then = self.rows.iter().find(|then| then.what == row.what)?;
        Some(row.programs_per_second / then.programs_per_second)
    }
}

#[derive(Serialize)]
struct Results {
    left: String,
    right: String,
    layer: &'static str,
    programs: usize,
    /// Executed operations per program, on average.
    operations: f64,
    rows: Vec<Row>,
    /// Share of the time that both sides take.
    implementations: f64,
    /// Share of the time that the harness takes: decoding, comparing, laws, statistics.
    harness: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<EngineCost>,
}

/// Microseconds per program under an engine, and on an empty target.
#[derive(Serialize)]
struct EngineCost {
    engine: &'static str,
    programs_per_second: f64,
    /// Wall-clock time.
    whole_us: f64,
    /// The part from decoding to verdict.
    in_process_us: f64,
    /// The rest: the engine's overhead.
    own_us: f64,
    /// The engine's overhead on an empty target.
    empty_us: f64,
    /// `own_us / empty_us`.
    ratio: f64,
}

#[derive(Serialize)]
struct Row {
    what: &'static str,
    programs_per_second: f64,
    operations_per_second: f64,
    /// Share of the total time.
    share: f64,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let mut pair = args.sides.pair()?;
    let layer = layer::on(args.layer.get(), pair.revisions())?;
    let programs = programs(args, layer, &pair)?;
    let bytes: Vec<Vec<u8>> = programs.iter().map(Program::encode).collect();
    let each = Duration::from_secs_f64(args.time.clamp(0.01, 3600.0));
    let mut trace = Trace::new();
    let (left_name, right_name) = (pair.left.info().name.clone(), pair.right_name().to_string());

    let mut executed = 0u64;
    for program in &programs {
        pair.left.run(program, &mut trace);
        executed += trace.end().map_or(0, |(_, n)| u64::from(n));
    }
    let mut times = Vec::new();
    let mut scratch = Program::EMPTY;
    times.push(("decode", measure(each, &bytes, |b| scratch.decode_into(b))));
    times.push((
        "left alone",
        measure(each, &programs, |p| pair.left.run(p, &mut trace)),
    ));
    if let Some(right) = &mut pair.right {
        times.push((
            "right alone",
            measure(each, &programs, |p| right.run(p, &mut trace)),
        ));
    }
    let mut oracle = Oracle::new(pair);
    times.push((
        "both, not compared",
        measure(each, &programs, |p| oracle.run(p)),
    ));
    times.push((
        "both, compared, laws",
        measure(each, &programs, |p| {
            black_box(oracle.judge(p));
        }),
    ));
    drop(oracle);
    let pair = Pair::open(&left_name, &right_name)?;
    let mut target = Target::new(pair, layer, None, true);
    let whole = measure(each, &bytes, |b| target.run_bytes(b));
    times.push(("the whole, from bytes", whole));
    drop(target);
    let mut results = results(left_name, right_name, &programs, executed, times, whole);
    results.layer = layer::name(layer);
    if let (Some(engine), Some(target)) = (args.engine, &args.target) {
        results.engine = Some(engine_cost(args, engine.into(), target, &results)?);
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&results)?);
    } else {
        show(&results, baseline.as_ref());
    }
    Ok(Outcome::Fine)
}

fn results(
    left: String,
    right: String,
    programs: &[Program],
    executed: u64,
    times: Vec<(&'static str, f64)>,
    whole: f64,
) -> Results {
    let operations = executed as f64 / programs.len() as f64;
    let of = |what: &str| {
        times
            .iter()
            .find(|(w, _)| *w == what)
            .map_or(0.0, |(_, t)| *t)
    };
    let implementations = (of("left alone") + of("right alone")) / whole;
    let row = |(what, time): (&'static str, f64)| Row {
        what,
        programs_per_second: 1.0 / time,
        operations_per_second: operations / time,
        share: time / whole,
    };
    Results {
        left,
        right,
        layer: "",
        programs: programs.len(),
        operations,
        implementations,
        harness: 1.0 - implementations,
        engine: None,
        rows: times.into_iter().map(row).collect(),
    }
}

/// Runs two campaigns of the same engine from the same corpus: one on the real target, one on
/// an empty target.
fn engine_cost(args: &Args, engine: Engine, target: &Path, r: &Results) -> Result<EngineCost> {
    let out = tempfile::tempdir()?;
    let mut config = Config {
        plans: vec![Plan {
            engine,
            binary: target.to_owned(),
            mutator: None,
            jobs: 1,
        }],
        left: r.left.clone(),
        right: r.right.clone(),
        layer: args.layer.get(),
        time: Duration::from_secs(args.engine_time.max(1)),
        corpus: args.paths.clone(),
        out: out.path().join("real"),
        keep_going: true,
        seed: 1,
        make: None,
        extra: Vec::new(),
        empty: false,
        on_first: || (),
    };
    eprintln!("{}, real target:", engine.name());
    let real = campaign::run(&config)?;
    config.empty = true;
    config.out = out.path().join("empty");
    eprintln!("{}, empty target:", engine.name());
    let empty = campaign::run(&config)?;
    let each = |c: &campaign::Campaign| c.time.as_secs_f64() / c.stats.programs.max(1) as f64 * 1e6;
    let in_process_us = real.stats.seconds_per_program() * 1e6;
    let own_us = each(&real) - in_process_us;
    Ok(EngineCost {
        engine: engine.name(),
        programs_per_second: 1e6 / each(&real),
        whole_us: each(&real),
        in_process_us,
        own_us,
        empty_us: each(&empty),
        ratio: own_us / each(&empty),
    })
}

fn show(r: &Results, baseline: Option<&Baseline>) {
    println!(
        "{} against {}, layer {}: {} programs, {:.1} executed operations each\n",
        r.left, r.right, r.layer, r.programs, r.operations
    );
    println!(
        "{:<24} {:>12} {:>14} {:>8}",
        "", "programs/s", "operations/s", "time"
    );
    for row in &r.rows {
        let ratio = baseline.and_then(|b| b.ratio(row));
        println!(
            "{:<24} {:>12.0} {:>14.0} {:>7.0}%{}",
            row.what,
            row.programs_per_second,
            row.operations_per_second,
            row.share * 100.0,
            ratio.map_or(String::new(), |ratio| format!(
                "  {ratio:.2} x the baseline"
            ))
        );
    }
    println!(
        "\nimplementations {:.0}%, harness {:.0}% of the whole",
        r.implementations * 100.0,
        r.harness * 100.0
    );
    if let Some(e) = &r.engine {
        println!(
            "{}: {:.0} programs/s; {:.1} us per program, of which {:.1} in process and {:.1} \
             its own; {:.1} on an empty target: ratio {:.2}",
            e.engine,
            e.programs_per_second,
            e.whole_us,
            e.in_process_us,
            e.own_us,
            e.empty_us,
            e.ratio
        );
    }
}

fn programs(args: &Args, layer: Focus, pair: &Pair) -> Result<Vec<Program>> {
    if args.paths.is_empty() {
        let info = pair.left.info();
        let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(layer);
        let mut rng = Rng::new(1);
        return Ok((0..1000)
            .map(|_| generate::program(&mut rng, &profile))
            .collect());
    }
    let mut all = input::programs(&args.paths)?;
    all.retain(|program| layer::has(layer, program));
    if all.is_empty() {
        bail!("no program belongs to layer {}", layer::name(layer));
    }
    Ok(all)
}

/// Seconds per item.
fn measure<T>(each: Duration, items: &[T], mut run: impl FnMut(&T)) -> f64 {
    // warm up the caches
    items.iter().for_each(&mut run);
    let started = Instant::now();
    let mut n = 0;
    loop {
        for item in items {
            run(black_box(item));
        }
        n += items.len();
        let elapsed = started.elapsed();
        if elapsed >= each {
            return elapsed.as_secs_f64() / n as f64;
        }
    }
}
