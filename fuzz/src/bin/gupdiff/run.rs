// SPDX-License-Identifier: GPL-2.0
//! `gupdiff run`: replays programs.

use std::path::PathBuf;

use anyhow::Result;
use gup_fuzz::expect::Unmet;
use gup_fuzz::input::{self, Input};
use gup_fuzz::oracle::{Oracle, Verdict};
use gup_fuzz::report::{self, Finding};
use gup_fuzz::scope::Scope;
use gup_fuzz::side::Side;
use serde::Serialize;

use crate::{Chosen, Outcome, SideArgs};

/// Findings that are reported in full; one line each for the rest.
const FULL_REPORTS: usize = 5;

/// Run programs on two sides and report what differs.
///
/// Folders are searched for programs; `-` is standard input.  The sides are
/// those of --left and --right, else those that a reproducer names in the
/// comments at its top, else the default ones.  What a text expects is held
/// against both.  On a kernel whose configuration lacks options, what these make is
/// taken out of programs first.  Exit status: 0 the sides agree, 1 a divergence, a broken law or
/// an expectation that is not met, 2 a file is no program or needs something that a
/// side does not provide.
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
    /// The sides, unless there was no program to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    sides: Option<[String; 2]>,
    #[serde(flatten)]
    result: LineResult,
    /// Expectations that are not met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unmet: Vec<Unmet>,
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
    unmet: usize,
    errors: usize,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let files = input::files(&args.paths)?;
    // Complains once about sides that do not exist, not once for each file.
    args.sides.check()?;
    let mut open = Open::default();
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
                Ok(input) => match open.sides(args, &input)? {
                    Ok((chosen, sides)) => Ok((input, chosen, sides)),
                    Err(error) => Err((input.name, error)),
                },
                Err(error) => Err(error),
            };
            let line = match judged {
                Ok((mut input, chosen, Sides { oracle, scope })) => {
                    let asked = input.program;
                    if let Some(scope) = scope {
                        scope.narrow(&mut input.program);
                    }
                    let verdict = oracle.judge(&input.program);
                    sum.add(&verdict);
                    // What a text expects is about the program as it stands there.
                    let unmet = match input.program == asked {
                        true => unmet(oracle, &input),
                        false => Vec::new(),
                    };
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
        for sides in &open.all {
            print!("{sides}");
        }
        println!("{}", sum.line(programs));
    }
    Ok(sum.outcome())
}

/// What the text expects and the sides do not show; the oracle has just judged it.
fn unmet(oracle: &Oracle, input: &Input) -> Vec<Unmet> {
    let on = |side: &dyn Side, trace| match side.info().is_configured_otherwise() {
        true => Vec::new(),
        false => input.expectations.unmet(&input.program, trace, side.info()),
    };
    let mut unmet = on(oracle.pair().left.as_ref(), oracle.left_trace());
    if let Some(right) = &oracle.pair().right {
        unmet.extend(on(right.as_ref(), oracle.right_trace()));
    }
    unmet
}

/// One file was asked for: it gets a line even if nothing is wrong with it.
fn is_alone(args: &Args) -> bool {
    args.paths.len() == 1 && !args.paths[0].is_dir()
}

/// Two sides, and what of a program they have if they do not have all.
struct Sides {
    oracle: Oracle,
    scope: Option<Scope>,
}

/// The sides that are open, and those that were.
#[derive(Default)]
struct Open {
    names: (String, String),
    sides: Option<Sides>,
    all: Vec<String>,
}

impl Open {
    /// The sides of a program, open. What is wrong with the program's own choice is
    /// the inner error; sides that cannot be opened end everything.
    fn sides(&mut self, args: &Args, input: &Input) -> Result<Result<(Chosen, &mut Sides)>> {
        let chosen = match args.sides.choose(&input.header, &input.name) {
            Ok(chosen) => chosen,
            Err(error) => return Ok(Err(error)),
        };
        let names = (chosen.left.clone(), chosen.right.clone());
        if self.names != names {
            self.sides = None;
        }
        let sides = match self.sides.take() {
            Some(sides) => sides,
            None => {
                self.names = <_>::default();
                let oracle = chosen.open()?;
                self.names = names;
                let header = report::sides_header(&oracle);
                if !self.all.contains(&header) {
                    self.all.push(header);
                }
                let scope = Scope::of_options(oracle.pair());
                Sides { oracle, scope }
            }
        };
        Ok(Ok((chosen, self.sides.insert(sides))))
    }
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
            let origin = args.sides.origin();
            let report = report::report(oracle, program, verdict, Some(name), &origin);
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
        say(self.unmet, "do not show what they say");
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
