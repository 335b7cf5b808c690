// SPDX-License-Identifier: GPL-2.0
//! `gupdiff run`: replays programs.

use std::path::PathBuf;

use anyhow::Result;
use harness::expect::Unmet;
use harness::input::{self, Input};
use harness::oracle::{Oracle, Verdict};
use harness::report::{self, Finding};
use serde::Serialize;

use crate::judge::{Judge, Judged};
use crate::{Chosen, Outcome, SideArgs};

/// Number of findings that are reported in full; the others get one line each.
const FULL_REPORTS: usize = 5;

/// Run programs on two sides and report what differs.
///
/// Folders are searched for programs; `-` is standard input.  The sides are those of --left and
/// --right, else those that a reproducer names in the comments at its top, else the default
/// ones.  Both must meet the expectations of a program.  Parts of programs that need options
/// which a kernel's configuration lacks are removed first.  Exit status: 0 the sides agree, 1 a
/// divergence, a broken law or an unmet expectation, 2 a file is not a program, or a side lacks
/// something that it needs.
#[derive(clap::Args)]
pub struct Args {
    /// Programs, text or wire, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sides: SideArgs,
    /// Print findings as a JSON array
    #[arg(long)]
    json: bool,
    /// Also print the traces of both sides
    #[arg(long)]
    trace: bool,
}

#[derive(Serialize)]
struct Line {
    path: String,
    /// The sides, unless there was no program to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    sides: Option<[String; 2]>,
    #[serde(flatten)]
    result: LineResult,
    /// Unmet expectations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unmet: Vec<Unmet>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineResult {
    Finding(Finding),
    Error { error: String },
}

/// Counts over all files.
#[derive(Default)]
struct Sum {
    matches: usize,
    findings: usize,
    gaps: usize,
    absent: usize,
    unmet: usize,
    errors: usize,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let files = input::files(&args.paths)?;
    // report sides that do not exist once, not once for each file
    args.sides.check()?;
    let mut judge = Judge::default();
    let mut sum = Sum::default();
    let mut lines = Vec::new();
    let mut programs = 0;
    for path in &files {
        let inputs = match input::read_all(path) {
            Ok(inputs) => inputs.into_iter().map(Ok).collect(),
            Err(error) => vec![Err((path.display().to_string(), error.into()))],
        };
        let alone = is_alone(args) && inputs.len() == 1;
        for input in inputs {
            programs += 1;
            let judged = match input {
                Ok(input) => judge.judge(&args.sides, input)?,
                Err(error) => Err(error),
            };
            let line = match judged {
                Ok(judged) => {
                    let Judged {
                        input,
                        chosen,
                        oracle,
                        verdict,
                        unmet,
                    } = judged;
                    sum.add(&verdict);
                    sum.unmet += usize::from(!unmet.is_empty());
                    if !args.json {
                        show(args, oracle, &input, &verdict, &sum, &chosen, alone);
                        for unmet in &unmet {
                            // the name may have a line already
                            let file = match input.name.rsplit_once(':') {
                                Some((file, line)) if line.parse::<usize>().is_ok() => file,
                                _ => &input.name,
                            };
                            println!("{file}:{}: {unmet}", unmet.line);
                        }
                    }
                    let finding = report::finding(oracle, &input.program, &verdict);
                    Line {
                        path: input.name,
                        sides: Some([chosen.left, chosen.right]),
                        result: LineResult::Finding(finding),
                        unmet,
                    }
                }
                Err((path, error)) => {
                    sum.errors += 1;
                    let error = format!("{error:#}");
                    if !args.json {
                        eprintln!("error: {}", error.trim_end());
                    }
                    Line {
                        path,
                        sides: None,
                        result: LineResult::Error { error },
                        unmet: Vec::new(),
                    }
                }
            };
            if args.json {
                lines.push(line);
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else if !is_alone(args) || programs > 1 {
        println!();
        for sides in judge.headers() {
            print!("{sides}");
        }
        println!("{}", sum.line(programs));
    }
    Ok(sum.outcome())
}

/// One file was asked for: it gets a line even if nothing is wrong with it.
fn is_alone(args: &Args) -> bool {
    args.paths.len() == 1 && !args.paths[0].is_dir()
}

fn show(
    args: &Args,
    oracle: &Oracle,
    input: &Input,
    verdict: &Verdict,
    sum: &Sum,
    chosen: &Chosen,
    alone: bool,
) {
    let Input { name, program, .. } = input;
    if args.trace {
        print!("{}", report::traces(oracle, program));
    }
    if alone && let Some(note) = chosen.changed() {
        println!("note: {note}\n");
    }
    match verdict {
        Verdict::Match if !alone => {}
        Verdict::Match => {
            let from = match chosen.used.is_empty() {
                true => "",
                false => ", the sides that the file names",
            };
            println!(
                "{name}: match: {} against {}{from}",
                chosen.left, chosen.right
            );
        }
        Verdict::Divergence(_) | Verdict::BrokenLaw(..) if sum.findings <= FULL_REPORTS => {
            let report = report::report(oracle, program, verdict, Some(name), &chosen.origin);
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
        say(self.absent, "not comparable to the end");
        say(self.unmet, "do not meet their expectations");
        say(self.errors, "could not be read");
        line
    }

    fn outcome(&self) -> Outcome {
        if self.errors > 0 || (self.gaps > 0 && self.findings == 0) {
            Outcome::Failed
        } else if self.findings > 0 || self.unmet > 0 {
            Outcome::Found
        } else {
            Outcome::Fine
        }
    }
}
