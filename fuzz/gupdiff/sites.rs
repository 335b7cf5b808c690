// SPDX-License-Identifier: GPL-2.0
//! `gupdiff sites`: lists every WARN and BUG, how often programs hit it, and why not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use harness::coverage::Covered;
use harness::oracle::Oracle;
use harness::program::Program;
use harness::side::{self, Pair, SideInfo};
use harness::site::PlacedSite;
use harness::stats::{Counter, Stats};
use harness::{coverage, input};
use serde::Serialize;

use crate::Outcome;

/// List the WARN and BUG sites of the sides.
///
/// With --hit it also prints how often programs hit each, and at the end, for each side, the
/// sites that they never hit, with the reason if it is known.
#[derive(clap::Args)]
pub struct Args {
    /// Only this side [default: every side]
    #[arg(long, value_name = "SIDE")]
    side: Option<String>,
    /// Count how often the programs of these files or folders hit each
    #[arg(long, value_name = "DIR")]
    hit: Vec<PathBuf>,
    /// Only sites that the Rust side has in some revision
    #[arg(long)]
    covered: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default, Serialize)]
struct SiteRow {
    site: String,
    /// The sides that have it, with file and line.
    sides: BTreeMap<String, Option<String>>,
    /// How often programs hit it, with --hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<u64>,
}

impl SiteRow {
    /// True if no side that has it can reach it.
    fn is_unreachable(&self, infos: &[SideInfo]) -> bool {
        let unreachable = |side: &String| {
            let info = infos.iter().find(|info| info.name == *side);
            info.is_some_and(|i| Stats::unreachable(&self.site, i).is_some())
        };
        self.sides.keys().all(unreachable)
    }
}

pub fn run(args: &Args) -> Result<Outcome> {
    let infos = side::list();
    let mut names: Vec<String> = infos.iter().map(|info| info.name.clone()).collect();
    if let Some(only) = &args.side {
        Pair::open(only, "none")?;
        names.retain(|name| name == only);
    }
    let mut rows: BTreeMap<String, SiteRow> = BTreeMap::new();
    let mut hits = Stats::default();
    let mut unhit = Vec::new();
    let programs = input::programs(&args.hit)?;
    for name in &names {
        let pair = Pair::open(name, "none")?;
        for placed in pair.left.sites() {
            let site = placed.id.to_string();
            let row = rows.entry(site.clone()).or_insert_with(|| SiteRow {
                site,
                ..SiteRow::default()
            });
            row.sides.insert(name.clone(), placed.place.clone());
        }
        if !args.hit.is_empty() {
            let info = pair.left.info().clone();
            let sites = pair.left.sites().to_vec();
            let stats = count(pair, &programs);
            let never = |placed: &PlacedSite| {
                let is_hit = stats.sites.get(&site_name(placed)).is_some_and(|&n| n > 0);
                (!is_hit).then(|| (info.clone(), placed.clone()))
            };
            unhit.extend(sites.iter().filter_map(never));
            hits.merge(&stats);
        }
    }
    let rust: BTreeSet<String> = rust_sites()?;
    let mut rows: Vec<SiteRow> = rows
        .into_values()
        .filter(|row| !args.covered || rust.contains(&row.site))
        .collect();
    if !args.hit.is_empty() {
        for row in &mut rows {
            row.hits = Some(hits.sites.get(&row.site).copied().unwrap_or(0));
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Outcome::Fine);
    }
    for row in &rows {
        let mark = if rust.contains(&row.site) {
            "rust"
        } else {
            "-"
        };
        let hit = match row.hits {
            None => String::new(),
            Some(0) if row.is_unreachable(&infos) => {
                format!("{:>10}  ", "cannot")
            }
            Some(0) => format!("{:>10}  ", "never"),
            Some(n) => format!("{n:>10}  "),
        };
        let places: Vec<String> = row
            .sides
            .iter()
            .filter_map(|(name, place)| place.as_ref().map(|p| format!("{name} {p}")))
            .collect();
        println!("{hit}{mark:<4}  {:<44}  {}", row.site, places.join(", "));
    }
    unhit.retain(|(_, placed)| !args.covered || rust.contains(&site_name(placed)));
    print_unhit(&unhit, &rust, &programs)?;
    Ok(Outcome::Fine)
}

/// Prints the sites that no program hit, for each side.
fn print_unhit(
    unhit: &[(SideInfo, PlacedSite)],
    rust: &BTreeSet<String>,
    programs: &[Program],
) -> Result<()> {
    let mut executed: BTreeMap<&str, BTreeSet<Arc<str>>> = BTreeMap::new();
    if !unhit.is_empty() {
        println!("\nnever hit, and why\n");
    }
    for (info, placed) in unhit {
        let name = site_name(placed);
        let why = match Stats::unreachable(&name, info) {
            Some(reason) => reason,
            None if rust.contains(&name) => "not known",
            None => {
                if !executed.contains_key(&*info.name) {
                    executed.insert(&info.name, functions(info, programs)?);
                }
                let function = name.split(' ').next().unwrap_or_default();
                match executed[&*info.name].contains(function) {
                    true => "programs execute its function, but never meet the condition",
                    false => "no program executes its function",
                }
            }
        };
        println!("{:<16}  {:<44}  {why}", info.name, placed.to_string());
    }
    Ok(())
}

/// The functions of a side that programs execute; empty for a side without line coverage.
fn functions(info: &SideInfo, programs: &[Program]) -> Result<BTreeSet<Arc<str>>> {
    let measured = match Covered::open(&info.name) {
        Ok(mut side) => side.measure(programs),
        Err(coverage::Error::NoKernel(_)) => return Ok(BTreeSet::new()),
        Err(error) => return Err(error.into()),
    };
    let executed = measured.lines.into_iter().filter(|(_, executed)| *executed);
    Ok(executed.map(|(line, _)| line.function).collect())
}

/// The sites that the Rust side has in any revision.
fn rust_sites() -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for info in side::list() {
        if info.name.starts_with("rust:") {
            let pair = Pair::open(&info.name, "none")?;
            all.extend(pair.left.sites().iter().map(site_name));
        }
    }
    Ok(all)
}

fn site_name(placed: &PlacedSite) -> String {
    placed.id.to_string()
}

fn count(pair: Pair, programs: &[Program]) -> Stats {
    let mut counter = Counter::new(&pair.left.info().name);
    let mut oracle = Oracle::new(pair);
    for program in programs {
        let verdict = oracle.judge(program);
        counter.count(program, oracle.left_trace(), &verdict);
    }
    counter.take()
}
