// SPDX-License-Identifier: GPL-2.0
//! `gupdiff minimise`: shrinks a program with a finding.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use harness::report;
use harness::{input, minimise};

use crate::{Outcome, SideArgs};

/// Shrink a program with a finding.
///
/// The result has a finding of the same class: the same operation, field and site.  Exit
/// status: 1 the program was shrunk, 2 it has no finding.
#[derive(clap::Args)]
pub struct Args {
    /// The program, text or wire; `-` is standard input
    path: PathBuf,
    #[command(flatten)]
    sides: SideArgs,
    /// The output file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Maximum number of runs
    #[arg(long, default_value_t = minimise::DEFAULT_RUNS)]
    runs: usize,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let input = input::read(&args.path)?;
    let path = args.path.display().to_string();
    let chosen = args.sides.choose(&input.header, &path)?;
    let mut oracle = chosen.open()?;
    let Some(small) = minimise::minimise(&mut oracle, &input.program, args.runs) else {
        bail!(
            "{path} has no finding to shrink: {} against {}",
            oracle.pair().left.info().name,
            oracle.pair().right_name()
        );
    };
    for pass in &small.passes {
        eprintln!(
            "{:<28} {:>6} tried, {:>4} kept",
            pass.name, pass.tried, pass.kept
        );
    }
    eprintln!(
        "{} operations on {} folios, from {} on {}; {} runs",
        small.program.nr_ops(),
        small.program.nr_folios(),
        input.program.nr_ops(),
        input.program.nr_folios(),
        small.runs
    );
    let origin = chosen.origin;
    let text = report::reproducer(&oracle, &small.program, &small.verdict, &origin);
    match &args.output {
        Some(path) => {
            report::write_atomically(path, text.as_bytes())
                .with_context(|| format!("{} cannot be written", path.display()))?;
            let name = path.display().to_string();
            let report = report::report(
                &oracle,
                &small.program,
                &small.verdict,
                Some(&name),
                &origin,
            );
            eprintln!("\n{report}");
        }
        None => print!("{text}"),
    }
    Ok(Outcome::Found)
}
