// SPDX-License-Identifier: GPL-2.0
//! `gupdiff status`: shows the progress of a campaign.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use harness::campaign::page::About;
use harness::campaign::{self, Status};
use harness::coverage::{Covered, GUP_C, html, reason};
use harness::report::write_atomically;
use harness::{input, side};

use crate::Outcome;

/// Show the progress of a campaign, or how it ended.
///
/// Exit status: 0 no findings, 1 finding, 2 the folder has no campaign.
#[derive(clap::Args)]
pub struct Args {
    /// The campaign's folder
    #[arg(default_value = "out", value_name = "DIR")]
    out: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Also write a page: progress over time, operations, sites, lines of mm/gup.c, findings
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let Some(status) = Status::read(&args.out) else {
        bail!(
            "{}: no campaign in this folder; it is the folder given with OUT= to make campaign",
            args.out.display()
        );
    };
    let runs = campaign::is_in_use(&args.out);
    if let Some(path) = &args.html {
        let page = page(&args.out, &status, &state(&status, runs))?;
        write_atomically(path, page.as_bytes()).with_context(|| path.display().to_string())?;
    }
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&status)?),
        false => print!(
            "{}",
            text(&status, &args.out, campaign::is_in_use(&args.out))
        ),
    }
    Ok(match status.findings.is_empty() {
        true => Outcome::Fine,
        false => Outcome::Found,
    })
}

/// Writes the page, with the lines that the working corpus executes.
fn page(out: &Path, status: &Status, state: &str) -> Result<String> {
    let left = side::open(&status.left)?.ok_or(side::Error::NoLeft)?;
    let kernel = status.left.starts_with("c:") && !left.info().rev.is_series();
    let coverage = match kernel {
        false => None,
        true => {
            let mut covered = Covered::open(&status.left)?;
            let measured = covered.measure(&input::programs(&[out.join("corpus")])?);
            let rev = covered.info().rev;
            Some(html::main_file(&html::Part {
                title: String::new(),
                measured: &measured,
                main: GUP_C,
                reason: &|function| reason(function, rev),
                text: &|file| covered.text(file).ok(),
            }))
        }
    };
    let about = About {
        state,
        left: left.as_ref(),
        coverage,
    };
    Ok(campaign::page::page(out, status, &about))
}

/// Describes whether it runs, for how long, and how it ended.
fn state(status: &Status, runs: bool) -> String {
    let time = clock(status.seconds);
    match (&status.ending, runs) {
        (_, true) => format!("running for {time} of {}", clock(status.total)),
        (Some(ending), false) => format!("ended after {time}: {ending}"),
        (None, false) => format!("interrupted after {time}; run the same command to resume"),
    }
}

fn text(status: &Status, out: &Path, runs: bool) -> String {
    let state = state(status, runs);
    let mut text = format!(
        "{}: {state}\n{} against {}, layer {}\n\n",
        out.display(),
        status.left,
        status.right,
        status.layer
    );
    text += "engine      processes      programs  per second  new programs\n";
    for engine in &status.engines {
        text += &format!(
            "{:<10} {:>10} {:>13} {:>11.0} {:>13}\n",
            engine.name,
            engine.jobs,
            engine.programs,
            engine.programs as f64 / status.seconds.max(1.0),
            engine.found
        );
    }
    text += &format!(
        "\n{} programs run, {} in the working corpus, {} WARN and BUG sites reached\n",
        status.programs(),
        status.corpus,
        status.sites
    );
    match status.findings.len() {
        0 => text += "no findings\n",
        1 => text += "1 finding\n",
        n => text += &format!("{n} findings\n"),
    }
    for finding in &status.findings {
        text += &format!("  {}\n    {}\n", finding.title, finding.path);
    }
    text
}

/// Hours, minutes, seconds.
fn clock(seconds: f64) -> String {
    let all = seconds as u64;
    format!("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness::campaign::{EngineStatus, FindingStatus};

    #[test]
    fn a_status_says_whether_it_runs_and_what_was_found() {
        let engine = |name: &str| EngineStatus {
            name: name.into(),
            jobs: 2,
            programs: 7_200,
            found: 3,
        };
        let mut status = Status {
            left: "c:6.1".into(),
            seconds: 3_661.0,
            total: 7_200.0,
            engines: vec![engine("libfuzzer"), engine("afl")],
            ..Status::default()
        };
        let shown = |status: &Status, runs| text(status, Path::new("out"), runs);
        let running = shown(&status, true);
        assert!(
            running.starts_with("out: running for 1:01:01 of 2:00:00\n"),
            "{running}"
        );
        assert!(running.contains("14400 programs run"), "{running}");
        assert!(running.ends_with("no findings\n"), "{running}");
        assert!(shown(&status, false).contains("interrupted after 1:01:01"));
        status.ending = Some("1 finding".into());
        status.findings.push(FindingStatus {
            title: "DIVERGENCE: WARN".into(),
            path: "out/findings/x.gup".into(),
        });
        let ended = shown(&status, false);
        assert!(ended.contains("ended after 1:01:01: 1 finding"), "{ended}");
        assert!(
            ended.ends_with("  DIVERGENCE: WARN\n    out/findings/x.gup\n"),
            "{ended}"
        );
    }
}
