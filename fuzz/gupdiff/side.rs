// SPDX-License-Identifier: GPL-2.0
//! `gupdiff side`: the sides made from kernel trees.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use gup_sides::{Flavour, Recipe, Store};
use harness::campaign::Engine;
use harness::side::{self, SideInfo, c};

use crate::Outcome;
use crate::campaign::EngineArg;
use crate::sides::KernelArgs;

/// Add, list and remove sides made from kernel trees.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a side from a kernel, a commit, a patch
    Add(AddArgs),
    /// List all sides made from kernel trees
    List(ListArgs),
    /// Copy a side to a folder, for a target that runs on another machine
    Pack(PackArgs),
    /// Remove an added side
    Remove(RemoveArgs),
}

#[derive(clap::Args)]
struct AddArgs {
    #[command(flatten)]
    kernel: KernelArgs,
    /// The side's name, as in c:NAME [default: made from the kernel and the patch]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(clap::Args)]
struct ListArgs {
    /// Also print hashes and what each kernel lacks
    #[arg(long)]
    long: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct PackArgs {
    /// As in c:NAME
    name: String,
    /// The engine for which its object is compiled
    #[arg(long, value_name = "ENGINE", default_value = "libfuzzer")]
    engine: EngineArg,
    /// The output folder, which is replaced: TARGET.side next to the target
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
}

#[derive(clap::Args)]
struct RemoveArgs {
    /// The NAME of c:NAME
    name: String,
}

pub fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Add(args) => add(args),
        Command::List(args) => list(args),
        Command::Pack(args) => {
            let name = args.name.trim_start_matches("c:");
            c::packed::pack(name, Engine::from(args.engine).flavour(), &args.output)?;
            Ok(Outcome::Fine)
        }
        Command::Remove(args) => {
            Recipe::remove(&Store::find(), args.name.trim_start_matches("c:"))?;
            Ok(Outcome::Fine)
        }
    }
}

fn add(args: &AddArgs) -> Result<Outcome> {
    let resolved = args
        .kernel
        .request(args.name.clone())?
        .resolve(&Store::find())?;
    for note in &resolved.notes {
        eprintln!("note: {note}");
    }
    let name = resolved.side();
    // compile it now, to report errors early
    let info = c::compiled_info(name.trim_start_matches("c:"), Flavour::None)?;
    println!("{:#}", info);
    lacking(&info);
    Ok(Outcome::Fine)
}

/// Prints once what a tree does not have, except what its revision is known to lack.
pub fn lacking(info: &SideInfo) {
    let rules = info.counterpart.as_deref().map(side::describe);
    let known = rules.and_then(|found| found.ok().flatten());
    let known = known.map_or(Vec::new(), |rules| rules.lacks);
    let lacks: Vec<&str> = info.lacks.iter().map(String::as_str).collect();
    let lacks: Vec<&str> = lacks
        .into_iter()
        .filter(|l| !known.iter().any(|k| k == l) && !side::c::is_of_others(l, info.rev))
        .collect();
    if info.name.starts_with("c:") && !lacks.is_empty() {
        println!("{}: not in this tree: {}", info.name, lacks.join(", "));
    }
}

fn list(args: &ListArgs) -> Result<Outcome> {
    let all: Vec<SideInfo> = side::c::infos();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Outcome::Fine);
    }
    let width = |of: fn(&SideInfo) -> usize| all.iter().map(of).max().unwrap_or(0);
    let name_width = width(|info| info.name.len());
    let release_width = width(|info| release(info).len());
    for info in &all {
        if args.long {
            println!("{info:#}");
            if let Some(origin) = &info.origin {
                println!("    from {origin}");
            }
            if !info.lacks.is_empty() {
                println!("    lacks {}", info.lacks.join(", "));
            }
            continue;
        }
        println!(
            "{:<name_width$}  {:<release_width$}  DEBUG_VM {:<3}  {}",
            info.name,
            release(info),
            if info.debug_vm { "on" } else { "off" },
            info.origin.as_deref().unwrap_or("built in"),
        );
    }
    Ok(Outcome::Fine)
}

fn release(info: &SideInfo) -> &str {
    info.release.as_deref().unwrap_or("")
}
