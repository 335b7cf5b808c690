// SPDX-License-Identifier: GPL-2.0
//! `gupdiff stability`: checks that programs are deterministic.

use std::io::{Seek, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use harness::input::{self, Input};
use harness::program::Program;
use harness::side::{self, Side, c};
use harness::stability::{self, FLAVOURS, Shown, Unstable, Way};

use crate::{KernelArgs, Outcome};

/// Run programs in several orders and processes, and on the objects of all engines, and report
/// those whose traces are not always the same.
///
/// The exit status is 1 if there is one.  This is a bug of the harness or of the kernel's code;
/// do not trust campaigns until it is fixed.
#[derive(clap::Args)]
pub struct Args {
    /// Programs or folders
    #[arg(value_name = "PATH", default_value = "corpus")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    kernel: KernelArgs,
    /// A side, as `gupdiff sides` lists them; may be repeated
    /// [default: every known kernel]
    #[arg(long, value_name = "SIDE")]
    side: Vec<String>,
    /// Internal: run the programs on standard input (JSON) on one side and print their traces
    #[arg(long, hide = true)]
    print: bool,
    /// With --print: run each program in a process of its own
    #[arg(long, hide = true)]
    alone: bool,
}

/// Number of programs that are named; the rest is only counted.
const NAMED: usize = 10;

pub fn run(args: &Args) -> Result<Outcome> {
    if args.print {
        return print(args);
    }
    let inputs = input::all(&args.paths)?;
    let programs: Vec<Program> = inputs.iter().map(|input| input.program).collect();
    let names = args.kernel.sides_or_known(&args.side, false)?;
    let mut differing = 0;
    for name in &names {
        let found = check(name, &programs)?;
        let count: usize = found.values().map(Vec::len).sum();
        println!("{name}: {} programs, {count} differ", programs.len());
        report(name, &found, &inputs);
        differing += count;
    }
    match differing {
        0 => Ok(Outcome::Fine),
        _ => Ok(Outcome::Found),
    }
}

/// Runs in the process that [`elsewhere`] starts.
fn print(args: &Args) -> Result<Outcome> {
    let name = args.side.first().context("--print needs one --side")?;
    let wire: Vec<Vec<u8>> = serde_json::from_reader(std::io::stdin())?;
    let programs = wire.iter().map(|bytes| Program::decode(bytes));
    let mut side = open(name)?;
    let shown = match args.alone {
        // SAFETY: this process has one thread, and little memory, so that fork is cheap
        true => unsafe { stability::alone(side.as_mut(), programs) }
            .context("a process cannot be forked")?,
        false => stability::shown(side.as_mut(), &programs.collect::<Vec<_>>()),
    };
    println!("{}", serde_json::to_string(&shown)?);
    Ok(Outcome::Fine)
}

fn open(name: &str) -> Result<Box<dyn Side>> {
    side::open(name)?.context("`none` cannot run programs")
}

fn check(name: &str, programs: &[Program]) -> Result<Unstable> {
    let first = stability::shown(open(name)?.as_mut(), programs);
    let mut found = stability::in_this_process(open(name)?.as_mut(), programs, &first);
    let mut note = |way, now: &Shown| {
        let differing = stability::differing(&first, now);
        if !differing.is_empty() {
            found.insert(way, differing);
        }
    };
    note(Way::Alone, &elsewhere(name, programs, Some("--alone"))?);
    note(Way::Elsewhere, &elsewhere(name, programs, None)?);
    if let Some(kernel) = name.strip_prefix("c:")
        && c::recipe(kernel)?.is_some()
    {
        for flavour in FLAVOURS {
            let (mut side, _) = c::CSide::open_for(kernel, flavour)?;
            let now = stability::shown(&mut side, programs);
            note(Way::Object(flavour.name()), &now);
        }
    }
    Ok(found)
}

/// The traces of programs in a new process, all of them in order or each in its own process.
fn elsewhere(name: &str, programs: &[Program], how: Option<&str>) -> Result<Shown> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["stability", "--print", "--side", name])
        .args(how);
    // a file and not a pipe, on which the writer could block
    let mut wire = tempfile::tempfile()?;
    let all: Vec<Vec<u8>> = programs.iter().map(Program::encode).collect();
    wire.write_all(&serde_json::to_vec(&all)?)?;
    wire.rewind()?;
    let output = command.stdin(wire).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("gupdiff stability --print --side {name}: {}", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn report(name: &str, found: &Unstable, inputs: &[Input]) {
    for (way, programs) in found {
        for &at in programs.iter().take(NAMED) {
            println!("{}: the trace of {name} differs {way}", inputs[at].name);
        }
        let rest = programs.len().saturating_sub(NAMED);
        if rest > 0 {
            println!("{rest} more programs differ {way}");
        }
    }
}
