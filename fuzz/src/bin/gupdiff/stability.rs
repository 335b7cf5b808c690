// SPDX-License-Identifier: GPL-2.0
//! `gupdiff stability`: does the same program always show the same?

use std::io::Seek;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use gup_fuzz::input::{self, Input};
use gup_fuzz::program::Program;
use gup_fuzz::side::{self, Side, c};
use gup_fuzz::stability::{self, FLAVOURS, Shown, Unstable, Way};

use crate::{KernelArgs, Outcome};

/// Run programs in several orders and processes, and on the objects of all engines, and
/// report those that do not show the same every time.
///
/// The exit status is 1 if there is one: that is a mistake in the harness or in a kernel's
/// own code, and campaigns cannot be relied on before it is mended.
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
    /// Run programs of standard input, as JSON, on one side and print what they showed:
    /// for ourselves
    #[arg(long, hide = true)]
    print: bool,
    /// With --print: each program in a process of its own
    #[arg(long, hide = true)]
    alone: bool,
}

/// So many programs are named; the rest is counted.
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

/// The other process of [`elsewhere`].
fn print(args: &Args) -> Result<Outcome> {
    let name = args.side.first().context("--print is about one --side")?;
    let wire: Vec<Vec<u8>> = serde_json::from_reader(std::io::stdin())?;
    let programs = wire.iter().map(|bytes| Program::decode(bytes));
    let mut side = open(name)?;
    let shown = match args.alone {
        // SAFETY: this process has one thread. It is one with little memory, to be forked
        // soon.
        true => unsafe { stability::alone(side.as_mut(), programs) }
            .context("a process cannot be forked")?,
        false => stability::shown(side.as_mut(), &programs.collect::<Vec<_>>()),
    };
    println!("{}", serde_json::to_string(&shown)?);
    Ok(Outcome::Fine)
}

fn open(name: &str) -> Result<Box<dyn Side>> {
    side::open(name)?.context("`none` runs nothing")
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

/// What programs show in a process that is started anew, all of them in order or each
/// alone.
fn elsewhere(name: &str, programs: &[Program], how: Option<&str>) -> Result<Shown> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["stability", "--print", "--side", name])
        .args(how);
    // a file: who writes to a pipe waits for who reads
    let mut wire = tempfile::tempfile()?;
    let all: Vec<Vec<u8>> = programs.iter().map(Program::encode).collect();
    serde_json::to_writer(&wire, &all)?;
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
            println!("{}: {name} shows something else {way}", inputs[at].name);
        }
        let rest = programs.len().saturating_sub(NAMED);
        if rest > 0 {
            println!("and {rest} more programs {way}");
        }
    }
}
