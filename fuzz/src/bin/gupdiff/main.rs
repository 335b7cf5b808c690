// SPDX-License-Identifier: GPL-2.0
//! `gupdiff`: holds a kernel's page pinning code against another's.

mod bench;
mod campaign;
mod cmin;
mod convert;
mod generate;
mod live;
mod minimize;
mod run;
mod stats;
mod tables;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use gup_fuzz::input::{Header, NamedSide};
use gup_fuzz::layer::Focus;
use gup_fuzz::oracle::Oracle;
use gup_fuzz::report::Origin;
use gup_fuzz::side::{self, Pair};

/// Holds the kernel's page pinning code against a Rust reimplementation, or
/// against another kernel's.
///
/// Exit status: 0 nothing found, 1 a divergence or a broken law, 2 something
/// could not be done.
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
    /// Convert programs between text and wire, or tidy them
    Fmt(convert::Args),
    /// List the sides that can be compared
    Sides(tables::SidesArgs),
    /// List the WARN and BUG sites of the sides
    Sites(tables::SitesArgs),
    /// List the operations of programs
    Ops(tables::OpsArgs),
    /// Show what the programs of a corpus do, and whether that is enough
    Stats(stats::Args),
    /// Shrink a program with a finding
    Minimize(minimize::Args),
    /// Reduce a corpus to programs that show something of their own
    Cmin(cmin::Args),
    /// Run a fuzzing engine for a time
    Campaign(campaign::Args),
    /// Replay programs on a booted kernel, and on C and Rust
    Live(live::Args),
    /// Write random programs
    Gen(generate::Args),
    /// Measure programs per second
    Bench(bench::Args),
}

/// Which sides.
#[derive(Args, Clone, Debug)]
struct SideArgs {
    /// The left side, as `gupdiff sides` lists them
    #[arg(long, env = "GUPDIFF_LEFT", value_name = "SIDE")]
    left: Option<String>,
    /// The right side; `none`: only check the laws of the left
    /// [default: the Rust rules that go with the left side]
    #[arg(long, env = "GUPDIFF_RIGHT", value_name = "SIDE")]
    right: Option<String>,
}

impl SideArgs {
    fn pair(&self) -> Result<Pair> {
        // make passes empty variables on.
        let given = |name: &Option<String>| name.clone().filter(|n| !n.is_empty());
        let (left, right) = (given(&self.left), given(&self.right));
        Ok(Pair::open_or_default(left.as_deref(), right.as_deref())?)
    }

    fn oracle(&self) -> Result<Oracle> {
        Ok(Oracle::new(self.pair()?))
    }

    /// The sides for a program: those that were asked for, else those that its
    /// header names, else the default ones.
    fn choose(&self, header: &Header, path: &str) -> Result<Chosen> {
        let given = |name: &Option<String>| name.clone().filter(|n| !n.is_empty());
        let (left, right) = (given(&self.left), given(&self.right));
        let mut used = Vec::new();
        let mut of_header = |side: &Option<NamedSide>| {
            used.extend(side.clone());
            side.as_ref().map(|side| side.name.clone())
        };
        // A left side that was asked for has a right one of its own.
        let right = match (&left, right) {
            (None, None) => of_header(&header.right),
            (_, right) => right,
        };
        let left = left.or_else(|| of_header(&header.left));
        let known = |side: &NamedSide| match side.name.as_str() {
            "none" => true,
            name => side::list().iter().any(|info| info.name == name),
        };
        if let Some(side) = used.iter().find(|side| !known(side)) {
            let variables = header.make.as_deref().unwrap_or("KERNEL=... PATCH=...");
            bail!(
                "{path} was found with `{}`, which is not linked in here; to build that and run it: \
                 {variables} scripts/gupdiff run {path} (or name other sides: --left, --right)",
                side.name
            );
        }
        let left = left.unwrap_or_else(side::default_left);
        let right = right.unwrap_or_else(|| side::default_right(&left));
        Ok(Chosen { left, right, used })
    }

    /// For reports: whether the command line must name the sides again.
    fn origin(&self) -> Origin {
        let flag = |value: &Option<String>, variable| {
            let given = value.as_ref().filter(|v| !v.is_empty());
            given.is_some() && given != std::env::var(variable).ok().as_ref()
        };
        Origin {
            named: flag(&self.left, "GUPDIFF_LEFT") || flag(&self.right, "GUPDIFF_RIGHT"),
            ..Origin::from_env()
        }
    }
}

/// The sides for one program.
struct Chosen {
    left: String,
    right: String,
    /// What was taken from the program's header.
    used: Vec<NamedSide>,
}

impl Chosen {
    fn open(&self) -> Result<Oracle> {
        Ok(Oracle::new(Pair::open(&self.left, &self.right)?))
    }

    /// Why the sides may not do what they did when the header was written.
    fn changed(&self) -> Option<String> {
        let now = side::list();
        let (was, is) = self.used.iter().find_map(|was| {
            let is = now.iter().find(|info| info.name == was.name)?.to_string();
            (was.info != is && was.info != was.name).then_some((was, is))
        })?;
        Some(format!(
            "{} is not what it was when this was found\n  then  {}\n  now   {is}",
            was.name, was.info
        ))
    }
}

/// Which layer.
#[derive(Args, Clone, Debug)]
struct LayerArg {
    /// The programs of this layer: page, lockless or all
    /// [default: all]
    #[arg(long, env = "GUPDIFF_LAYER", value_name = "LAYER", value_parser = layer)]
    layer: Option<Focus>,
}

impl LayerArg {
    fn get(&self) -> Focus {
        self.layer.unwrap_or(Focus::All)
    }
}

/// make passes empty variables on.
fn layer(word: &str) -> Result<Focus, String> {
    match word {
        "" => Ok(Focus::All),
        word => gup_fuzz::layer::parse(word),
    }
}

/// What a command came to.
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

fn main() -> ExitCode {
    // Output into a closed pipe ends the program, as it does for any tool.
    // SAFETY: no handler is involved.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Fmt(args) => convert::run(&args),
        Command::Sides(args) => tables::sides(&args),
        Command::Sites(args) => tables::sites(&args),
        Command::Ops(args) => tables::ops(&args),
        Command::Stats(args) => stats::run(&args),
        Command::Minimize(args) => minimize::run(&args),
        Command::Cmin(args) => cmin::run(&args),
        Command::Campaign(args) => campaign::run(&args),
        Command::Live(args) => live::run(&args),
        Command::Gen(args) => generate::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match done {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Outcome::Failed.into()
        }
    }
}
