// SPDX-License-Identifier: GPL-2.0
//! `gupdiff cmin`: minimises a corpus.

mod shown;
mod write;

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use harness::campaign::Engine;
use harness::input;
use harness::layer::{self, Focus};
use harness::program::Program;

use crate::campaign::EngineArg;
use crate::{LayerArg, Outcome};

/// Reduce a corpus to programs that cover something of their own.
///
/// A program is kept if no other program has the same outcome, site or kind of change on one
/// of the sides, executes the same line of the kernel's code or of the Rust code, or takes the
/// same edge equally often, as counted by one of the engines.  So the new corpus covers as much
/// as the old one, which is verified.
///
/// CORPUS is a folder (one file in wire form for each program), or a file `NAME.gup` (text).
/// The new corpus is written to a temporary name and renamed: on failure the old one is
/// unchanged.
#[derive(clap::Args)]
pub struct Args {
    /// The corpus to rewrite
    corpus: PathBuf,
    /// Additional candidates; these files are only read
    #[arg(long, value_name = "PATH")]
    from: Vec<PathBuf>,
    /// The sides whose outcomes count [default: every known kernel]
    #[arg(long, value_name = "SIDE")]
    side: Vec<String>,
    #[command(flatten)]
    layer: LayerArg,
    /// The engines whose edges count
    #[arg(
        long,
        value_name = "ENGINE",
        value_delimiter = ',',
        default_value = "libfuzzer,afl,honggfuzz"
    )]
    engine: Vec<EngineArg>,
    /// Ignore executed lines and edges
    #[arg(long, conflicts_with = "engine")]
    no_coverage: bool,
    /// Only print what would be done
    #[arg(long)]
    dry_run: bool,
}

struct Candidate {
    program: Program,
    bytes: Vec<u8>,
    features: HashSet<u64>,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let mut paths = args.from.clone();
    let is_there = match args.corpus.is_dir() {
        true => fs::read_dir(&args.corpus)?.next().is_some(),
        false => args.corpus.is_file(),
    };
    if is_there {
        paths.push(args.corpus.clone());
    }
    if paths.is_empty() {
        bail!("{} holds no programs", args.corpus.display());
    }
    let programs = input::programs(&paths)?;
    let mut all = candidates(&programs, args.layer.get());
    let sides = match args.side.is_empty() {
        true => crate::sides::known_kernels(false),
        false => args.side.clone(),
    };
    for side in &sides {
        eprintln!("{side}: {} programs", all.len());
        shown::outcomes(side, &mut all)?;
        if !args.no_coverage {
            shown::lines(side, &mut all)?;
            for engine in &args.engine {
                shown::edges(side, Engine::from(*engine).flavour(), &mut all)?;
            }
        }
    }
    if !args.no_coverage {
        shown::rust_lines(&sides, &mut all)?;
    }
    let shown: HashSet<u64> = all.iter().flat_map(|c| &c.features).copied().collect();
    let kept = choose(all);
    eprintln!("{} programs of {} are kept", kept.len(), programs.len());
    if kept.is_empty() {
        bail!("nothing would be left; the corpus stays as it is");
    }
    let shown_by_kept: HashSet<u64> = kept.iter().flat_map(|c| &c.features).copied().collect();
    eprintln!(
        "they show {} of {} features",
        shown_by_kept.len(),
        shown.len()
    );
    if shown_by_kept != shown {
        bail!("what is kept would show less; the corpus stays as it is");
    }
    if !args.dry_run {
        write::write(&args.corpus, &kept)?;
    }
    Ok(Outcome::Fine)
}

/// Every program of a layer once, the smallest first.
fn candidates(programs: &[Program], layer: Focus) -> Vec<Candidate> {
    let mut seen = HashSet::new();
    let mut all = Vec::new();
    for program in programs.iter().filter(|p| layer::has(layer, p)) {
        let bytes = program.encode();
        if seen.insert(bytes.clone()) {
            all.push(Candidate {
                program: *program,
                bytes,
                features: HashSet::new(),
            });
        }
    }
    all.sort_by(order);
    all
}

/// The smallest first.
fn order(a: &Candidate, b: &Candidate) -> Ordering {
    (a.bytes.len(), &a.bytes).cmp(&(b.bytes.len(), &b.bytes))
}

/// A small set that shows all that the candidates show: those that show most
/// are asked first; then those go whose features others have as well.
fn choose(mut all: Vec<Candidate>) -> Vec<Candidate> {
    // a stable sort: the smaller of two stays in front
    all.sort_by_key(|candidate| Reverse(candidate.features.len()));
    let mut seen = HashSet::new();
    let mut kept: Vec<Candidate> = all
        .into_iter()
        .filter(|candidate| {
            let new = candidate.features.difference(&seen).next().is_some();
            seen.extend(&candidate.features);
            new
        })
        .collect();
    let mut shown: HashMap<u64, u32> = HashMap::new();
    for feature in kept.iter().flat_map(|candidate| &candidate.features) {
        *shown.entry(*feature).or_default() += 1;
    }
    kept.retain(|candidate| {
        let needed = candidate.features.iter().any(|f| shown[f] == 1);
        if !needed {
            for feature in &candidate.features {
                *shown.entry(*feature).or_default() -= 1;
            }
        }
        needed
    });
    kept
}
