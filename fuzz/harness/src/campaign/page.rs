// SPDX-License-Identifier: GPL-2.0
//! Writes a campaign as an HTML page: settings, coverage, findings.

use std::fs;
use std::path::Path;

use super::folder::read_stats;
use super::history::{self, Point};
use super::{FindingStatus, Status};
use crate::html::{self, Curve, escaped, table};
use crate::ops;
use crate::rev::Rev;
use crate::side::Side;
use crate::stats::Stats;

/// The input of the page, besides the campaign's own files.
pub struct About<'a> {
    /// The state in words: running time and ending.
    pub state: &'a str,
    /// The left side, for the places of sites.
    pub left: &'a dyn Side,
    /// The lines of mm/gup.c that the working corpus executes, as HTML, if the left side is
    /// kernel code.
    pub coverage: Option<String>,
}

/// The page of the current or last campaign in a folder.
pub fn page(dir: &Path, status: &Status, about: &About) -> String {
    let stats = stats(dir, status);
    let title = format!("{} against {}", status.left, status.right);
    let mut body = format!(
        "<p>{}, layer {}: {} programs, {} in the working corpus.</p>\n",
        escaped(about.state),
        escaped(&status.layer),
        status.programs(),
        status.corpus
    );
    body += &format!("<h2>{}</h2>\n", count(status.findings.len(), "finding"));
    status
        .findings
        .iter()
        .for_each(|found| body += &finding(found));
    body += "<h2>Engines</h2>\n";
    body += &engines(status);
    body += &over_time(status, &history::read(dir));
    body += "<h2>Operations</h2>\n";
    body += &operations(&stats, about.left.info().rev);
    body += "<h2>WARN and BUG sites</h2>\n";
    body += &sites(&stats, about.left);
    if let Some(coverage) = &about.coverage {
        body += "<h2>mm/gup.c, by the working corpus</h2>\n";
        body += coverage;
    }
    html::page(&title, &body)
}

fn count(n: usize, what: &str) -> String {
    match n {
        0 => format!("No {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// The statistics so far.
fn stats(dir: &Path, status: &Status) -> Stats {
    let mut sum = Stats::default();
    for engine in &status.engines {
        sum.merge(&read_stats(dir, &engine.name));
    }
    sum
}

fn finding(found: &FindingStatus) -> String {
    let read = |ext: &str| fs::read_to_string(Path::new(&found.path).with_extension(ext));
    let report = read("txt").or_else(|_| read("gup")).unwrap_or_default();
    format!(
        "<details open><summary>{}</summary>\n<p class=\"side\"><code>{}</code></p>\n\
         <pre>{}</pre></details>\n",
        escaped(&found.title),
        escaped(&found.path),
        escaped(report.trim_end())
    )
}

fn engines(status: &Status) -> String {
    let rows = status.engines.iter().map(|engine| {
        let rate = engine.programs as f64 / status.seconds.max(1.0);
        vec![
            escaped(&engine.name),
            engine.jobs.to_string(),
            engine.programs.to_string(),
            format!("{rate:.0}"),
            engine.found.to_string(),
        ]
    });
    let heads = [
        "engine",
        "processes",
        "programs",
        "per second",
        "new programs",
    ];
    table(&heads, rows)
}

/// Charts of the new programs of each engine, and of the sites.
fn over_time(status: &Status, points: &[Point]) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let of_engine = |name: &str| {
        let found = |point: &Point| {
            let engine = point.engines.iter().find(|engine| engine.name == name);
            (
                point.seconds,
                engine.map_or(0.0, |engine| engine.found as f64),
            )
        };
        points.iter().map(found).collect()
    };
    let curves: Vec<Curve> = status
        .engines
        .iter()
        .map(|engine| Curve {
            name: &engine.name,
            points: of_engine(&engine.name),
        })
        .collect();
    let sites = points
        .iter()
        .map(|point| (point.seconds, point.sites as f64));
    let sites = Curve {
        name: "all engines",
        points: sites.collect(),
    };
    html::chart("new programs", &curves) + &html::chart("WARN and BUG sites", &[sites])
}

fn operations(stats: &Stats, rev: Rev) -> String {
    let rows = stats.ops.iter().filter(|(_, count)| count.uses > 0);
    let rows = rows.map(|(role, count)| {
        let name = ops::by_role(role).map_or(role.as_str(), |op| op.name_or_role(rev));
        let numbers = [
            count.uses,
            count.succeeded,
            count.failed,
            count.warned,
            count.stopped,
        ];
        let mut row = vec![format!("<code>{}</code>", escaped(name))];
        row.extend(numbers.map(|n| n.to_string()));
        row
    });
    let note = format!(
        "<p class=\"side\">Counted in {} of {} programs.</p>\n",
        stats.sampled, stats.programs
    );
    let heads = [
        "operation",
        "uses",
        "did it",
        "did not",
        "warned",
        "stopped",
    ];
    note + &table(&heads, rows)
}

fn sites(stats: &Stats, left: &dyn Side) -> String {
    let place = |name: &str| {
        let placed = left.sites().iter().find(|site| site.id.to_string() == name);
        placed
            .and_then(|site| site.place.clone())
            .unwrap_or_default()
    };
    let rows = stats.sites.iter().map(|(name, hits)| {
        vec![
            format!("<code>{}</code>", escaped(name)),
            format!("<code>{}</code>", escaped(&place(name))),
            hits.to_string(),
        ]
    });
    table(&["site", "place", "reached"], rows)
}
