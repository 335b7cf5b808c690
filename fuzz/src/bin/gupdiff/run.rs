// SPDX-License-Identifier: GPL-2.0
//! `gupdiff run`: replays programs.

use std::path::{Path, PathBuf};

use anyhow::Result;
use gup_fuzz::input;
use gup_fuzz::oracle::{Oracle, Verdict};
use gup_fuzz::report::{self, Finding, Origin};
use serde::Serialize;

use crate::{Outcome, SideArgs};

/// Findings that are reported in full; one line each for the rest.
const FULL_REPORTS: usize = 5;

/// Run programs on two sides and report what differs.
///
/// Folders are searched for programs; `-` is standard input.  Exit status: 0
/// the sides agree, 1 a divergence or a broken law, 2 a file is no program or
/// needs something that a side does not provide.
#[derive(clap::Args)]
pub struct Args {
    /// Programs, text or wire, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    /// Print findings as JSON, one array
    #[arg(long)]
    json: bool,
    /// Also print what both sides showed, operation by operation
    #[arg(long)]
    trace: bool,
}

#[derive(Serialize)]
struct Line {
    path: String,
    #[serde(flatten)]
    result: LineResult,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineResult {
    Finding(Finding),
    Error { error: String },
}

/// What is counted over all files.
#[derive(Default)]
struct Sum {
    matches: usize,
    findings: usize,
    gaps: usize,
    absent: usize,
    errors: usize,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let files = input::files(&args.paths)?;
    let mut oracle = args.sides.oracle()?;
    let mut sum = Sum::default();
    let mut lines = Vec::new();
    for path in &files {
        match input::read(path) {
            Ok(input) => {
                let verdict = oracle.judge(&input.program);
                sum.add(&verdict);
                if args.json {
                    let finding = report::finding(&oracle, &input.program, &verdict);
                    lines.push(line(path, LineResult::Finding(finding)));
                } else {
                    show(args, &oracle, path, &input.program, &verdict, &sum);
                }
            }
            Err(error) => {
                sum.errors += 1;
                if args.json {
                    let error = error.to_string();
                    lines.push(line(path, LineResult::Error { error }));
                } else {
                    eprintln!("error: {error}");
                }
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else if files.len() > 1 {
        print!("\n{}", report::sides_header(&oracle));
        println!("{}", sum.line(files.len()));
    }
    Ok(sum.outcome())
}

fn line(path: &Path, result: LineResult) -> Line {
    Line {
        path: path.display().to_string(),
        result,
    }
}

fn show(
    args: &Args,
    oracle: &Oracle,
    path: &Path,
    program: &gup_fuzz::program::Program,
    verdict: &Verdict,
    sum: &Sum,
) {
    if args.trace {
        print!("{}", report::traces(oracle, program));
    }
    let name = path.display().to_string();
    match verdict {
        Verdict::Match if args.paths.len() > 1 || args.paths[0].is_dir() => {}
        Verdict::Match => println!("{name}: match"),
        Verdict::Divergence(_) | Verdict::BrokenLaw(..) if sum.findings <= FULL_REPORTS => {
            let origin = Origin::from_env();
            println!("{name}:");
            let report = report::report(oracle, program, verdict, Some(&name), &origin);
            println!("{report}");
        }
        _ => println!(
            "{name}: {}: {}",
            verdict.name(),
            report::summary(oracle, program, verdict)
        ),
    }
}

impl Sum {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Match => self.matches += 1,
            Verdict::Divergence(_) | Verdict::BrokenLaw(..) => self.findings += 1,
            Verdict::Gap(..) => self.gaps += 1,
            Verdict::Absent(_) => self.absent += 1,
        }
    }

    fn line(&self, files: usize) -> String {
        let mut line = format!("{files} programs: {} match", self.matches);
        let mut say = |n: usize, what: &str| {
            if n > 0 {
                line.push_str(&format!(", {n} {what}"));
            }
        };
        say(self.findings, "diverge or break a law");
        say(self.gaps, "met a gap");
        say(self.absent, "not comparable to their end");
        say(self.errors, "could not be read");
        line
    }

    fn outcome(&self) -> Outcome {
        if self.errors > 0 || (self.gaps > 0 && self.findings == 0) {
            Outcome::Failed
        } else if self.findings > 0 {
            Outcome::Found
        } else {
            Outcome::Fine
        }
    }
}
