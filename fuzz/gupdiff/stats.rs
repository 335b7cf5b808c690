// SPDX-License-Identifier: GPL-2.0
//! `gupdiff stats`: what programs do.

use std::path::PathBuf;

use anyhow::{Context, Result};
use harness::input;
use harness::layer::{self, Focus};
use harness::stats::{Counter, Stats};

use crate::{Outcome, SideArgs};

/// Show what the programs of a corpus do, and check that it is enough.
///
/// With --check the exit status is 1 if the programs are not good enough: gaps, programs that
/// end early, operations that never succeed or never fail, sites that are never hit.
#[derive(clap::Args)]
pub struct Args {
    /// Programs or folders, or `*.json` files of a campaign's statistics
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    /// The layer that they must cover: page, lockless, slow or all
    /// [default: the layer of the campaign, else all]
    #[arg(long, value_name = "LAYER", value_parser = layer::parse)]
    layer: Option<Focus>,
    /// Fail if the programs are not good enough
    #[arg(long)]
    check: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let (stored, programs): (Vec<_>, Vec<_>) = args
        .paths
        .iter()
        .cloned()
        .partition(|path| path.extension().is_some_and(|e| e == "json"));
    let mut stats = Stats::default();
    for path in &stored {
        let bytes =
            std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let one: Stats = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is not a file of statistics", path.display()))?;
        stats.merge(&one);
    }
    if !programs.is_empty() {
        let mut oracle = args.sides.oracle()?;
        let mut counter = Counter::new(&oracle.pair().left.info().name);
        for program in input::programs(&programs)? {
            let verdict = oracle.judge(&program);
            counter.count_in_full(&program, oracle.left_trace(), &verdict);
            if oracle.was_careful() {
                counter.count_careful(&program);
            }
        }
        stats.merge(&counter.take());
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&stats)?);
    } else {
        print!("{stats}");
    }
    if !args.check {
        return Ok(Outcome::Fine);
    }
    // Of a campaign that did nothing there is no layer.
    let made_for = layer::parse(&stats.layer).ok();
    let complaints = stats.check(args.layer.or(made_for).unwrap_or(Focus::All));
    for complaint in &complaints {
        eprintln!("check: {complaint}");
    }
    match complaints.is_empty() {
        true => Ok(Outcome::Fine),
        false => Ok(Outcome::Found),
    }
}
