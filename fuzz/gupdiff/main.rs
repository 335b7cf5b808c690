// SPDX-License-Identifier: GPL-2.0
//! `gupdiff`: compares a kernel's page pinning code with another implementation.

mod bench;
mod bisect;
mod campaign;
mod cmin;
mod convert;
mod coverage;
mod diff;
mod explain;
mod generate;
mod judge;
mod live;
mod manual;
mod minimise;
mod module;
mod report;
mod run;
mod side;
mod sides;
mod sites;
mod stability;
mod stats;
mod status;
mod tables;
mod vectors;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use harness::layer::Focus;
use sides::{Chosen, KernelArgs, SideArgs};

/// Compares the kernel's page pinning code with a Rust reimplementation or with another kernel.
///
/// Exit status: 0 nothing found, 1 a divergence or a broken law, 2 an error.
#[derive(Parser)]
#[command(name = "gupdiff", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run programs on two sides and report what differs
    Run(run::Args),
    /// Write a bug report for a mailing list
    Report(report::Args),
    /// Find the commit, or the patch of a series, that introduces a difference
    Bisect(bisect::Args),
    /// Convert programs between text and wire form, or reformat text
    Fmt(convert::Args),
    /// Add, list and remove sides made from kernel trees
    Side(side::Args),
    /// List the sides that can be compared
    Sides(tables::SidesArgs),
    /// List the WARN and BUG sites of the sides
    Sites(sites::Args),
    /// List the operations of programs
    Ops(tables::OpsArgs),
    /// List the rules by which kernels differ (docs/rules.md)
    Rules,
    /// Show what the programs of a corpus do, and check that it is enough
    Stats(stats::Args),
    /// Show which lines programs execute
    Coverage(coverage::Args),
    /// Check that programs are deterministic
    Stability(stability::Args),
    /// Shrink a program with a finding
    #[command(visible_alias = "minimize")]
    Minimise(minimise::Args),
    /// Reduce a corpus to programs that cover something of their own
    Cmin(cmin::Args),
    /// Run fuzzing engines for a time
    Campaign(campaign::Args),
    /// Show the progress of a campaign, or how it ended
    Status(status::Args),
    /// List all differences between a patched tree and its base, or two sides
    Diff(diff::Args),
    /// Find the rules of known kernels that a tree follows
    Explain(explain::Args),
    /// Replay programs on a booted kernel, on the C side and on the Rust side
    Live(live::Args),
    /// Build the module for a booted kernel, as scripts/live does
    #[command(hide = true)]
    Module(module::Args),
    /// Save the traces of a side, and compare an implementation with them
    Vectors(vectors::Args),
    /// Write random programs
    Gen(generate::Args),
    /// Measure programs per second
    Bench(bench::Args),
    /// Print a shell completion script
    Completions(manual::CompletionsArgs),
    /// Write manual pages
    Man(manual::ManArgs),
}

/// The choice of a layer.
#[derive(Args, Clone, Debug)]
struct LayerArg {
    /// The layer of programs: page, lockless, slow or all
    /// [default: all]
    #[arg(long, env = "GUPDIFF_LAYER", value_name = "LAYER", value_parser = layer)]
    layer: Option<Focus>,
}

impl LayerArg {
    fn get(&self) -> Focus {
        self.layer.unwrap_or(Focus::All)
    }
}

/// An empty variable, as make passes it, means the default.
fn layer(word: &str) -> Result<Focus, String> {
    match word {
        "" => Ok(Focus::All),
        word => harness::layer::parse(word),
    }
}

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Fine,
    Found,
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Fine => 0,
            Outcome::Found => 1,
            Outcome::Failed => 2,
        })
    }
}

/// Prints the last line on standard output for scripts, also on errors.
fn last_line(done: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
    match done {
        Ok(outcome) => Ok(outcome),
        Err(error) => {
            let message = format!("{error:#}");
            let (first, rest) = message.split_once('\n').unwrap_or((&message, ""));
            if !rest.is_empty() {
                eprintln!("{rest}");
            }
            println!("error: {}", first.trim_end_matches(':'));
            Ok(Outcome::Failed)
        }
    }
}

fn main() -> ExitCode {
    // a write to a closed pipe ends the program, as for any tool
    // SAFETY: no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let cli = Cli::parse();
    let done = match cli.command {
        // git bisect run expects its own exit statuses
        Command::Bisect(args) => return bisect::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Fmt(args) => convert::run(&args),
        Command::Side(args) => side::run(&args),
        Command::Sides(args) => tables::sides(&args),
        Command::Sites(args) => sites::run(&args),
        Command::Ops(args) => tables::ops(&args),
        Command::Rules => tables::rules(),
        Command::Stats(args) => stats::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Stability(args) => stability::run(&args),
        Command::Minimise(args) => minimise::run(&args),
        Command::Cmin(args) => cmin::run(&args),
        Command::Campaign(args) => campaign::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Live(args) => live::run(&args),
        Command::Module(args) => module::run(&args),
        Command::Vectors(args) => vectors::run(&args),
        Command::Gen(args) => generate::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Completions(args) => Ok(manual::completions(&args)),
        Command::Man(args) => manual::man(&args),
    };
    match done {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Outcome::Failed.into()
        }
    }
}
