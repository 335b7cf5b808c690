// SPDX-License-Identifier: GPL-2.0
//! `gupdiff diff`: prints all differences between two sides as a table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, bail};
use gup_sides::Flavour;
use harness::accepted::RevisionPair;
use harness::campaign::INTERRUPTED;
use harness::diff::{self, Config, Row, Table};
use harness::layer;
use harness::oracle::Oracle;
use harness::program::{Program, text};
use harness::reason::{Name, Reason, Reasons};
use harness::report::{self, Origin};
use harness::side::{self, Pair, SideInfo};
use harness::{input, minimise};

use crate::explain::paragraph;
use crate::side::lacking;
use crate::sides::{DiffArgs, Names};
use crate::{LayerArg, Outcome};

/// If the table with its programs would have more lines than this, the programs are only
/// written to files.
const SHOWN_LINES: usize = 60;

/// Compare a patched tree with its base, or two sides, and list all differences.
///
/// Runs for the whole time, also after a difference.  The table has a row for each function
/// and field that differs, with the smallest program that shows it.  The last line of standard
/// output is `clean: ...` (exit status 0), `reproducer: PATH` of the first row (1) or `error:
/// ...` (2).
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    sides: DiffArgs,
    #[command(flatten)]
    layer: LayerArg,
    /// Seconds to run
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    time: u64,
    /// Threads
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: u32,
    /// Programs to start from, files or folders; they are only read
    #[arg(long, value_name = "PATH")]
    corpus: Vec<PathBuf>,
    /// The folder for reproducers
    #[arg(long, default_value = "out", value_name = "DIR")]
    out: PathBuf,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(args: &Args) -> Result<Outcome> {
    crate::last_line(compare(args))
}

fn compare(args: &Args) -> Result<Outcome> {
    if ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).is_err() {
        bail!("cannot install the Ctrl-C handler");
    }
    let names = args.sides.names()?;
    let infos = [info(&names.left)?, info(&names.right)?];
    println!("left   {:#}\nright  {:#}", infos[0], infos[1]);
    infos.iter().for_each(lacking);
    let revisions = RevisionPair {
        left: infos[0].rev,
        right: infos[1].rev,
    };
    let config = Config {
        left: names.left.clone(),
        right: names.right.clone(),
        layer: layer::on(args.layer.get(), revisions)?,
        time: Duration::from_secs(args.time.max(1)),
        jobs: args.jobs,
        corpus: corpus(&args.corpus)?,
        seed: args.seed,
    };
    let table = diff::run(&config, &mut |elapsed, programs, rows| {
        eprintln!(
            "{:>5} s of {}  {programs} programs  {}",
            elapsed.as_secs(),
            args.time,
            differences(rows)
        );
    })?;
    show(&table, &names, &args.out)
}

/// Describes a side, as compiled.
fn info(name: &str) -> Result<SideInfo> {
    Ok(match name.strip_prefix("c:") {
        Some(kernel) => side::c::compiled_info(kernel, Flavour::None)?,
        None => side::describe(name)?.ok_or(side::Error::NoLeft)?,
    })
}

fn corpus(paths: &[PathBuf]) -> Result<Vec<Program>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    Ok(input::programs(paths)?)
}

fn differences(n: usize) -> String {
    match n {
        1 => "1 difference".into(),
        n => format!("{n} differences"),
    }
}

fn show(table: &Table, names: &Names, out: &Path) -> Result<Outcome> {
    let over = format!(
        "{} programs in {:.0} s",
        table.programs,
        table.time.as_secs_f64()
    );
    if table.gaps > 0 {
        println!(
            "gaps   {} programs need something that a side does not provide",
            table.gaps
        );
    }
    if table.rows.is_empty() {
        println!(
            "clean: no difference over {over}: {} against {}",
            names.left, names.right
        );
        return Ok(Outcome::Fine);
    }
    let pair = Pair::open(&names.left, &names.right)?;
    let mut reasons = Reasons::of(&pair);
    let mut oracle = Oracle::new(pair);
    let mut rows = Vec::new();
    for row in &table.rows {
        let path = save(&mut oracle, &mut reasons, row, out, &names.origin)?;
        let cells = [
            row.key.function(&oracle),
            row.key.what.clone(),
            row.times.to_string(),
            format!("{} ({:.1} s)", row.first, row.after.as_secs_f64()),
        ];
        let program = text::format(&row.program, oracle.revisions().left);
        let program: Vec<String> = program
            .lines()
            .filter(|line| !line.starts_with("names "))
            .map(str::to_owned)
            .collect();
        rows.push((cells, program, path, &row.key.reason));
    }
    let lines: usize = rows.iter().map(|(_, program, ..)| program.len() + 3).sum();
    let inline = lines <= SHOWN_LINES;
    println!(
        "\n{} against {}: {} over {over}\n",
        names.left,
        names.right,
        differences(rows.len())
    );
    let heads = ["function", "what differs", "programs", "first seen"];
    let width = |i: usize| {
        let cells = rows.iter().map(|(cells, ..)| cells[i].len());
        cells.chain([heads[i].len()]).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let line = |cells: [&str; 4], file: &str| {
        let [a, b, c, d] = cells;
        let [wa, wb, wc, wd] = widths;
        println!(
            "{}",
            format!("{a:<wa$}  {b:<wb$}  {c:>wc$}  {d:<wd$}  {file}").trim_end()
        );
    };
    line(heads, if inline { "" } else { "smallest program" });
    for (cells, program, path, reason) in &rows {
        let file = path.display().to_string();
        line(
            cells.each_ref().map(String::as_str),
            if inline { "" } else { &file },
        );
        if let Some(reason) = reason {
            println!("    {reason}");
        }
        if inline {
            program.iter().for_each(|text| println!("    {text}"));
            println!("    # {file}");
        }
    }
    legend(table);
    println!("\nreproducer: {}", rows[0].2.display());
    Ok(Outcome::Found)
}

/// Describes each rule that explains a row, and counts the rows without explanation.
fn legend(table: &Table) {
    let mut rules: BTreeSet<Name> = BTreeSet::new();
    let (mut by_rules, mut not) = (0, 0);
    for reason in table.rows.iter().filter_map(|row| row.key.reason.as_ref()) {
        match reason {
            Reason::Rules(names) => {
                by_rules += 1;
                rules.extend(names);
            }
            Reason::None | Reason::NotReproduced(_) => not += 1,
        }
    }
    if by_rules + not == 0 {
        return;
    }
    println!(
        "\n{by_rules} of {} rows explained by {} rules, {not} not explained",
        table.rows.len(),
        rules.len()
    );
    for name in rules {
        print!("{}", paragraph(&name));
    }
}

fn save(
    oracle: &mut Oracle,
    reasons: &mut Option<Reasons>,
    row: &Row,
    out: &Path,
    origin: &Origin,
) -> Result<PathBuf> {
    let mut program = row.program;
    // another thread was still shrinking it when the time was over
    if program.nr_ops() > 8 {
        let runs = minimise::DEFAULT_RUNS;
        program = diff::shrink(oracle, reasons, &program, &row.key, runs);
    }
    let verdict = oracle.judge(&program);
    let dir = out.join("findings");
    let path = report::save_reproducer(&dir, oracle, &program, &verdict, origin)?;
    let shown = path.display().to_string();
    let text = report::report(oracle, &program, &verdict, Some(&shown), origin);
    report::write_atomically(&path.with_extension("txt"), text.as_bytes())?;
    Ok(path)
}
