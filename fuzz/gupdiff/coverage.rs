// SPDX-License-Identifier: GPL-2.0
//! `gupdiff coverage`: lists the lines that programs execute.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::coverage::{Covered, GUP_C, Measured, Share, html, reason, rust};
use harness::input;
use harness::report::write_atomically;

use crate::{KernelArgs, Outcome};

/// Show which lines of the kernel's code and of the Rust code programs execute.
///
/// For each kernel: the files in which anything is executed, then the functions of mm/gup.c with
/// the lines that are not executed and the reason, if it is known.  Only lines for which the
/// compiler generated code count.  For the Rust code: crate gup.
#[derive(clap::Args)]
pub struct Args {
    /// Programs or folders
    #[arg(value_name = "PATH", default_value = "corpus")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    kernel: KernelArgs,
    /// A side with kernel code, as `gupdiff sides` lists them; may be repeated
    /// [default: every known kernel with DEBUG_VM]
    #[arg(long, value_name = "SIDE")]
    side: Vec<String>,
    /// Write the report with the source as an HTML file, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Only the kernel's code
    #[arg(long)]
    no_rust: bool,
}

/// Lines of crate gup that are not executed are listed by function.
struct Rust {
    all: Option<Measured>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let programs = input::programs(&args.paths)?;
    let names = args.kernel.sides_or_known(&args.side, true)?;
    let mut sides = Vec::new();
    for name in &names {
        eprintln!("{name}: {} programs", programs.len());
        let mut side = Covered::open(name)?;
        let measured = side.measure(&programs);
        print_kernel(&side, &measured);
        sides.push((side, measured));
    }
    let rust = Rust::measure(args, &sides)?;
    rust.print();
    for (side, measured) in &sides {
        print_functions(side, measured);
    }
    if let Some(path) = &args.html {
        write_html(path, &sides, &rust)?;
        println!("\nhtml: {}", path.display());
    }
    Ok(Outcome::Fine)
}

impl Rust {
    fn measure(args: &Args, sides: &[(Covered, Measured)]) -> Result<Self> {
        if args.no_rust {
            return Ok(Self { all: None });
        }
        let counterparts = sides
            .iter()
            .filter_map(|(s, _)| s.info().counterpart.clone());
        let names: BTreeSet<String> = counterparts.collect();
        let names: Vec<String> = names.into_iter().collect();
        let mut measured = rust::measure(&names, &args.paths)?.into_iter();
        let first = measured.next();
        let mut all = first.context("there is no Rust side to measure")?;
        measured.for_each(|other| all.add(&other));
        all.side = names.join(", ");
        Ok(Self { all: Some(all) })
    }

    fn print(&self) {
        let Some(all) = &self.all else { return };
        println!("Rust  crate gup, as {}\n", all.side);
        print_files(all);
    }
}

fn print_kernel(side: &Covered, measured: &Measured) {
    println!("C     {}\n", side.info());
    print_files(measured);
}

/// Prints the files in which anything is executed, mm/gup.c first.
fn print_files(measured: &Measured) {
    let mut files: Vec<_> = measured.files().into_iter().collect();
    files.sort_by_key(|(file, _)| **file != *GUP_C);
    let (ran, others): (Vec<_>, Vec<_>) = files.iter().partition(|(_, share)| share.executed > 0);
    for (file, share) in &ran {
        println!(
            "{:>6.1} %  {:>9}  {file}",
            share.percent(),
            share.to_string()
        );
    }
    let mut rest = Share::default();
    others.iter().for_each(|(_, share)| rest += *share);
    if !others.is_empty() {
        let (files, lines) = (others.len(), rest.lines);
        println!(
            "{:>6.1} %  {:>9}  {files} more files, {lines} lines",
            0.0, ""
        );
    }
    println!();
}

/// Prints the functions of mm/gup.c.
fn print_functions(side: &Covered, measured: &Measured) {
    println!("{GUP_C} of {}, function by function\n", side.info().name);
    println!("{:>9}  {:<32}  not executed", "executed", "function");
    for function in measured.functions(GUP_C) {
        let (share, name) = (function.share.to_string(), &function.name);
        println!("{share:>9}  {name:<32}  {}", function.ranges());
        if !function.share.is_full() {
            let why = reason(name, side.info().rev).unwrap_or("not known");
            println!("{:>9}  {:<32}    why: {why}", "", "");
        }
    }
    println!();
}

fn write_html(path: &Path, sides: &[(Covered, Measured)], rust: &Rust) -> Result<()> {
    let texts: Vec<_> = sides
        .iter()
        .map(|(side, _)| move |file: &str| side.text(file).ok())
        .collect();
    let reasons: Vec<_> = sides
        .iter()
        .map(|(side, _)| move |function: &str| reason(function, side.info().rev))
        .collect();
    let part = |at: usize| html::Part {
        title: format!("{GUP_C} of {}", sides[at].0.info().name),
        measured: &sides[at].1,
        main: GUP_C,
        reason: &reasons[at],
        text: &texts[at],
    };
    let mut parts: Vec<_> = (0..sides.len()).map(part).collect();
    parts.extend(rust.all.as_ref().map(|all| html::Part {
        title: "Rust, crate gup".into(),
        measured: all,
        main: "",
        reason: &|_| None,
        text: &rust::text,
    }));
    let page = html::page("gupdiff: lines that the corpus executes", &parts);
    write_atomically(path, page.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}
