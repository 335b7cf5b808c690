// SPDX-License-Identifier: GPL-2.0
//! `gupdiff report`: from a reproducer to a mail for a mailing list.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use harness::input::{self, Input};
use harness::report::kernels::{self, Survey};
use harness::report::ktap::{Ktap, Test};
use harness::report::{self, Mail, Report, c, suspects};
use serde::Serialize;

use crate::judge::{Judge, Judged};
use crate::{Outcome, SideArgs};

/// Write a bug report for a mailing list.
///
/// The sides are those of the command line, else those that the reproducer names in the comments
/// at its top, as for `gupdiff run`.  It reports a difference, a broken law or an unmet
/// expectation, and how the other prepared kernels behave.  Exit status: 1 every program has a
/// finding, which is reported; 2 one has none, or could not be run.  With --ktap: 0 no program
/// has a finding, 1 one has, 2 one could not be read.
#[derive(clap::Args)]
pub struct Args {
    /// Programs, text or wire; only one without --output, --json or --ktap
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    /// Print reports as a JSON array (documented in docs/reports.md)
    #[arg(long, conflicts_with = "ktap")]
    json: bool,
    /// Print one KTAP test per program, for the kernel's test runners
    #[arg(long)]
    ktap: bool,
    /// Print a test in C of one program, which fails on the kernel that is reported and passes on
    /// one that does what the other side does: of given pages a KUnit test for the end of
    /// mm/gup.c, of user mappings a selftest
    #[arg(long, conflicts_with_all = ["json", "ktap", "output"])]
    c: bool,
    /// Write a mail for each program into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with_all = ["json", "ktap"])]
    output: Option<PathBuf>,
    /// Leave out the sections that need compiling: other kernels, executed lines
    #[arg(long)]
    alone: bool,
}

/// The result for one program.
enum Done {
    Report(Box<Report>),
    /// Its C form.
    Test(String),
    Error(String),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Report(&'a Report),
    Error { path: &'a str, error: &'a str },
}

pub fn run(args: &Args) -> Result<Outcome> {
    let files = input::files(&args.paths)?;
    args.sides.check()?;
    let mut judge = Judge::default();
    let mut all = Vec::new();
    for path in &files {
        match input::read_all(path) {
            Ok(inputs) => {
                for input in inputs {
                    let name = input.name.clone();
                    all.push((name, one(args, &mut judge, input)?));
                }
            }
            Err(error) => all.push((path.display().to_string(), Done::Error(error.to_string()))),
        }
    }
    if args.ktap {
        return Ok(ktap(all));
    }
    if args.json {
        let lines = all.iter().map(|(path, done)| line(path, done));
        let lines: Vec<Line> = lines.collect();
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else {
        mails(args, &all)?;
    }
    let is_reported = |done: &Done| match done {
        Done::Report(report) => report.is_finding(),
        Done::Test(_) => true,
        Done::Error(_) => false,
    };
    Ok(match all.iter().all(|(_, done)| is_reported(done)) {
        true => Outcome::Found,
        false => Outcome::Failed,
    })
}

fn line<'a>(path: &'a str, done: &'a Done) -> Line<'a> {
    match done {
        Done::Report(report) => Line::Report(report),
        // --c and --json are never asked for together
        Done::Error(error) | Done::Test(error) => Line::Error { path, error },
    }
}

/// Judges a program and describes its finding.
fn one(args: &Args, judge: &mut Judge, input: Input) -> Result<Done> {
    let judged = match judge.judge(&args.sides, input)? {
        Ok(judged) => judged,
        Err((_, error)) => return Ok(Done::Error(format!("{error:#}"))),
    };
    let Judged {
        input,
        chosen,
        oracle,
        verdict,
        unmet,
    } = judged;
    if let Some(note) = chosen.changed() {
        eprintln!("note: {}: {note}", input.name);
    }
    let (program, path, origin) = (&input.program, Some(input.name.as_str()), &chosen.origin);
    let mut report = Report::with_unmet(oracle, program, &verdict, unmet, path, origin);
    report.source = (!report.unmet.is_empty()).then(|| input.text.clone());
    if args.c && report.is_finding() {
        let done = match c::test(oracle, program, &report) {
            Ok(test) => Done::Test(test),
            Err(why) => Done::Error(format!("{}: no test in C: {why}", input.name)),
        };
        return Ok(done);
    }
    // a runner wants a verdict, soon
    if !args.alone && !args.ktap && report.is_finding() {
        let survey = Survey {
            oracle,
            prog: program,
            verdict: &verdict,
            expectations: &input.expectations,
            op_index: report.finding.op_index.unwrap_or(program.nr_ops()),
        };
        match suspects::find(&report, program) {
            Ok(found) => report.suspects = found,
            Err(error) => eprintln!("note: {}: cannot list executed lines: {error}", input.name),
        }
        let known = kernels::known(oracle.pair());
        if !known.is_empty() {
            eprintln!("note: {}: tried on {}", input.name, known.join(" "));
        }
        report.kernels = survey.run(&known);
    }
    Ok(Done::Report(Box::new(report)))
}

fn ktap(all: Vec<(String, Done)>) -> Outcome {
    let mut outcome = Outcome::Fine;
    let tests = all.into_iter().map(|(name, done)| {
        let test = match done {
            Done::Error(error) | Done::Test(error) => Test::Failed(error),
            Done::Report(report) if report.is_finding() => Test::Found(report),
            Done::Report(report) => match report.finding.verdict {
                "match" => Test::Ok,
                _ => Test::Skipped(report.finding.summary),
            },
        };
        match test {
            Test::Failed(_) => outcome = Outcome::Failed,
            Test::Found(_) if outcome == Outcome::Fine => outcome = Outcome::Found,
            _ => {}
        }
        (name, test)
    });
    let tests: Vec<(String, Test)> = tests.collect();
    print!("{}", Ktap(&tests));
    outcome
}

fn mails(args: &Args, all: &[(String, Done)]) -> Result<()> {
    if args.output.is_none() && all.len() > 1 {
        bail!(
            "{} programs: use --output DIR to write one mail for each",
            all.len()
        );
    }
    for (name, done) in all {
        match done {
            Done::Error(error) => eprintln!("error: {}", error.trim_end()),
            Done::Test(text) => print!("{text}"),
            Done::Report(report) if !report.is_finding() => eprintln!(
                "error: {name}: nothing to report: {} ({})",
                report.finding.summary,
                sides(report)
            ),
            Done::Report(report) => match &args.output {
                None => print!("{}", Mail(report)),
                Some(dir) => {
                    let path = dir.join(file_name(name));
                    std::fs::create_dir_all(dir)
                        .and_then(|()| {
                            let text = Mail(report).to_string();
                            report::write_atomically(&path, text.as_bytes())
                        })
                        .with_context(|| format!("{} cannot be written", path.display()))?;
                    println!("{}", path.display());
                }
            },
        }
    }
    Ok(())
}

fn sides(report: &Report) -> String {
    let names: Vec<&str> = report.sides.iter().map(|s| s.info.name.as_str()).collect();
    names.join(" against ")
}

/// `divergence-0123.mail` for `out/findings/divergence-0123.gup`; for a file of several
/// programs the name keeps the line number.
fn file_name(name: &str) -> String {
    let (path, line) = match name.rsplit_once(':') {
        Some((path, line)) if line.parse::<usize>().is_ok() => (path, format!("-{line}")),
        _ => (name, String::new()),
    };
    let stem = Path::new(path).file_stem().unwrap_or_default();
    format!("{}{line}.mail", stem.display())
}
