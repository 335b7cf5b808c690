// SPDX-License-Identifier: GPL-2.0
//! `gupdiff cmin`: keeps what shows something of its own.

mod shown;
mod write;

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use gup_fuzz::campaign::Engine;
use gup_fuzz::input;
use gup_fuzz::layer::{self, Focus};
use gup_fuzz::program::Program;

use crate::campaign::EngineArg;
use crate::{LayerArg, Outcome};

/// Reduce a corpus to programs that show something of their own.
///
/// A program is kept when it shows an outcome, a site or a kind of change on any of the
/// sides that no other one does, when it executes a line of the kernel's code or of the
/// Rust code that no other one does, or when it takes an edge, as one of the engines counts
/// them, so often as no other one does.  So what is kept shows all that there was to choose
/// from, and that is checked.
/// CORPUS is a folder, which gets a file of wire form for each, or a file
/// `NAME.gup`, which gets the text of all.  The new corpus is written beside the
/// old one and then put in its place: a failure leaves that as it was.
#[derive(clap::Args)]
pub struct Args {
    /// The corpus to rewrite
    corpus: PathBuf,
    /// Further programs to choose from, which stay where they are
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
    /// Go by what programs show alone, whatever they execute
    #[arg(long, conflicts_with = "engine")]
    no_coverage: bool,
    /// Say what would be done, but do not do it
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
