// SPDX-License-Identifier: GPL-2.0
//! `gupdiff cmin`: keeps what shows something of its own.

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gup_fuzz::accepted::Accepted;
use gup_fuzz::coverage::{self, Covered};
use gup_fuzz::features;
use gup_fuzz::input::{self, Input};
use gup_fuzz::layer::{self, Focus};
use gup_fuzz::oracle::{Oracle, Verdict};
use gup_fuzz::program::{Program, text};
use gup_fuzz::report::write_atomically;
use gup_fuzz::side::Pair;

use crate::{LayerArg, Outcome};

/// Reduce a corpus to programs that show something of their own.
///
/// Programs are taken the smallest first; one is kept when it shows an outcome, a site or
/// a kind of change, or executes a line of kernel code, on any of the sides, that no kept
/// one does.  So what is kept shows all that there was to choose from, and that is checked.
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
    /// Do not ask which lines of kernel code are executed
    #[arg(long)]
    no_lines: bool,
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
        let mut oracle = Oracle::new(Pair::open(side, "none")?);
        for candidate in &mut all {
            observe(&mut oracle, candidate)?;
        }
        if args.no_lines {
            continue;
        }
        match Covered::open(side) {
            Ok(mut covered) => all.iter_mut().for_each(|c| add_lines(&mut covered, c)),
            // of the Rust and of the series no lines are told
            Err(coverage::Error::NoKernel(_)) => {}
            Err(error) => return Err(error.into()),
        }
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
        match args.corpus.extension() {
            Some(extension) if extension == "gup" => pack(&args.corpus, &kept)?,
            _ => replace(&args.corpus, &kept)?,
        }
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

fn observe(oracle: &mut Oracle, candidate: &mut Candidate) -> Result<()> {
    let rev = oracle.revisions().left;
    if let Verdict::BrokenLaw(_, broken) = oracle.judge(&candidate.program)
        // What kernels are known to do is worth keeping.
        && !Accepted::default().is_known(rev, &broken)
    {
        bail!("a program breaks the law {}; report that first", broken.law);
    }
    let mut found = Vec::new();
    features::of(&candidate.program, rev, oracle.left_trace(), &mut found);
    candidate.features.extend(found);
    Ok(())
}

/// The lines of kernel code that a program executes.
fn add_lines(side: &mut Covered, candidate: &mut Candidate) {
    let executed = side.run(&candidate.program);
    let rev = side.info().rev;
    let feature = |line: &coverage::Line| {
        let mut hash = DefaultHasher::new();
        ("line", rev, line).hash(&mut hash);
        hash.finish()
    };
    candidate.features.extend(side.get(&executed).map(feature));
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

/// One file of text.  The order depends on each program alone, so that a new one
/// is an added piece in a diff.
fn pack(path: &Path, kept: &[Candidate]) -> Result<()> {
    let mut kept: Vec<&Candidate> = kept.iter().collect();
    kept.sort_by(|a, b| order(a, b));
    let texts = kept.iter().map(|candidate| {
        let text = text::format(&candidate.program, text::DEFAULT_NAMES);
        // goes without saying
        let names = format!("names {}\n", text::DEFAULT_NAMES);
        text.strip_prefix(&names).unwrap_or(&text).to_string()
    });
    let separator = format!("{}\n", text::SEPARATOR);
    let text = texts.collect::<Vec<_>>().join(&separator);
    let read = input::parse(path, text.as_bytes())?;
    let same = |(kept, read): (&&Candidate, &Input)| kept.bytes == read.program.encode();
    if read.len() != kept.len() || !kept.iter().zip(&read).all(same) {
        bail!("the text would not give the same programs; the corpus stays as it is");
    }
    write_atomically(path, text.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes beside `dir`, then swaps.
fn replace(dir: &Path, kept: &[Candidate]) -> Result<()> {
    let dir = match dir.file_name() {
        Some(_) => dir.to_path_buf(),
        None => fs::canonicalize(dir)?,
    };
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)?;
    let cannot = || format!("{} cannot be rewritten", dir.display());
    let fresh = tempfile::Builder::new()
        .prefix(".cmin-")
        .tempdir_in(parent)
        .with_context(cannot)?;
    for candidate in kept {
        let path = fresh.path().join(name(&candidate.bytes));
        fs::write(path, &candidate.bytes).with_context(cannot)?;
    }
    let written = fs::read_dir(fresh.path())?.count();
    if written != kept.len() {
        bail!("{written} programs were written instead of {}", kept.len());
    }
    // The temporary folder is for its owner only.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(fresh.path(), permissions)?;
    let old = parent.join(format!(".cmin-old-{}", std::process::id()));
    let fresh = fresh.keep();
    if dir.exists() {
        fs::rename(&dir, &old).with_context(cannot)?;
    }
    if let Err(error) = fs::rename(&fresh, &dir) {
        // Back to what was there.
        let _ = fs::rename(&old, &dir);
        let _ = fs::remove_dir_all(&fresh);
        return Err(error).with_context(cannot);
    }
    if old.exists() {
        fs::remove_dir_all(&old).with_context(|| format!("{} remains", old.display()))?;
    }
    Ok(())
}

/// Named by contents, as campaigns do.
fn name(bytes: &[u8]) -> String {
    format!("{:016x}", gup_fuzz::report::hash(bytes))
}
