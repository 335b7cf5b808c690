// SPDX-License-Identifier: GPL-2.0
//! `gupdiff vectors`: the traces of a kernel, for machines without a kernel tree.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use harness::input;
use harness::oracle::{Oracle, Verdict};
use harness::program::Program;
use harness::report::{self, Origin, write_atomically};
use harness::side::vectors::{self, VectorsSide};
use harness::side::{self, Pair};

use crate::Outcome;

/// Number of findings that are reported in full.
const FULL_REPORTS: usize = 5;

/// Save the traces of a side, and compare an implementation with them.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write programs with the traces of a side
    Export(ExportArgs),
    /// Replay the programs of such a file on a side and compare the traces
    ///
    /// Exit status: 0 the traces are the same, 1 they differ, 2 an error.
    Check(CheckArgs),
}

#[derive(clap::Args)]
struct ExportArgs {
    /// The side, as `gupdiff sides` lists them
    #[arg(long, value_name = "SIDE")]
    side: String,
    /// Programs, text or wire, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The file
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

#[derive(clap::Args)]
struct CheckArgs {
    /// The side: so:PATH, or any other
    #[arg(value_name = "SIDE")]
    side: String,
    /// A file that `vectors export` has written
    #[arg(value_name = "FILE")]
    file: String,
}

pub fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Export(args) => export(args),
        Command::Check(args) => check(args),
    }
}

fn export(args: &ExportArgs) -> Result<Outcome> {
    let Some(mut side) = side::open(&args.side)? else {
        bail!("--side none: `none` has no traces to export");
    };
    let mut programs: Vec<Program> = input::programs(&args.paths)?;
    // by content, once each, so that the same corpus gives the same file
    programs.sort_by_cached_key(Program::encode);
    programs.dedup();
    let (text, left_out) = vectors::export(side.as_mut(), &programs)?;
    let shown = args.output.display();
    write_atomically(&args.output, text.as_bytes()).with_context(|| shown.to_string())?;
    let kept = programs.len() - left_out;
    match left_out {
        0 => println!("{shown}: {kept} programs"),
        _ => println!("{shown}: {kept} programs; {left_out} met a gap and are left out"),
    }
    Ok(Outcome::Fine)
}

fn check(args: &CheckArgs) -> Result<Outcome> {
    let vectors = VectorsSide::open(&args.file)?;
    let programs = vectors.programs().to_vec();
    let left = side::open(&args.side)?.ok_or(side::Error::NoLeft)?;
    let mut oracle = Oracle::new(Pair {
        left,
        right: Some(Box::new(vectors)),
    });
    let (mut matches, mut findings, mut absent, mut gaps) = (0, 0, 0, 0);
    for (line, program) in &programs {
        let verdict = oracle.judge(program);
        let name = format!("{}:{line}", args.file);
        match &verdict {
            Verdict::Match => {
                matches += 1;
                continue;
            }
            Verdict::Absent(_) => {
                absent += 1;
                continue;
            }
            Verdict::Gap(..) => gaps += 1,
            Verdict::Divergence(_) | Verdict::BrokenLaw(..) => {
                findings += 1;
                if findings <= FULL_REPORTS {
                    let origin = Origin::default();
                    println!(
                        "{}",
                        report::report(&oracle, program, &verdict, None, &origin)
                    );
                }
            }
        }
        println!(
            "{name}: {}: {}",
            verdict.name(),
            report::summary(&oracle, program, &verdict)
        );
    }
    println!(
        "{} programs on {}: {matches} match, {findings} diverge or break a law, {gaps} met a gap, \
         {absent} not comparable to the end",
        programs.len(),
        args.side
    );
    if matches + findings + absent == 0 {
        bail!("{}: no program could be compared", args.file);
    }
    Ok(match (findings, gaps) {
        (0, 0) => Outcome::Fine,
        (0, _) => Outcome::Failed,
        _ => Outcome::Found,
    })
}
