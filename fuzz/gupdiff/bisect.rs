// SPDX-License-Identifier: GPL-2.0
//! `gupdiff bisect`: finds the commit, or the patch of a series, that introduces a difference.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use gup_sides::patch::Series;
use gup_sides::{Recipe, Request, Store, git};
use harness::bisect::{self, First, Tested};
use harness::compare::{Comparer, Divergence};
use harness::expect::Expectations;
use harness::input;
use harness::oracle::{Oracle, Verdict, Which};
use harness::program::Program;
use harness::report::kernels::{Follows, Survey};
use harness::report::summary;
use harness::side::c::CSide;
use harness::side::{Pair, Side};
use harness::trace::Trace;

use crate::sides::KernelArgs;

/// Find the commit, or the patch of a series, that introduces a difference.
///
/// In a git tree (it is only read): --kernel TREE --good COMMIT --bad COMMIT.  In a series (an
/// mbox or a folder of git format-patch): --kernel KERNEL --patch SERIES.  Commits are good or
/// bad by the first field in which the good and the bad kernel differ on the program; Rust
/// rules are not used.  The last line is `first bad: ...`, with exit status 1; on errors the
/// exit status is 2.
///
/// With --rev COMMIT in addition to --good and --bad, only that commit is tested, for `git
/// bisect run`: exit status 0 good, 1 bad, 125 it cannot be built or tested, 128 other errors.
#[derive(clap::Args)]
pub struct Args {
    /// The program, text or wire; `-` is standard input
    #[arg(value_name = "FILE")]
    path: PathBuf,
    #[command(flatten)]
    kernel: KernelArgs,
    /// A commit without the bug
    #[arg(long, value_name = "COMMIT")]
    good: Option<String>,
    /// A commit with the bug
    #[arg(long, value_name = "COMMIT")]
    bad: Option<String>,
}

/// Exit statuses for `git bisect run`.
const SKIP: u8 = 125;
const ABORT: u8 = 128;

pub fn run(args: &Args) -> ExitCode {
    let one = args.good.is_some() && args.kernel.commit().is_some();
    let done = match one {
        true => test_one(args),
        false => search(args).map(|()| 1),
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        if one { ABORT } else { 2 }
    }))
}

/// Makes the side of a request.  A side with a part of a series is removed again.
fn side(request: &Request) -> Result<CSide> {
    let store = Store::find();
    let resolved = request.resolve(&store)?;
    let made = CSide::make(&resolved.recipe, resolved.debug_vm);
    if request.parts.is_some_and(|parts| parts > 0) {
        Recipe::remove(&store, &resolved.recipe.name)?;
    }
    Ok(made?)
}

/// The difference between the good and the bad kernel.
struct Difference {
    oracle: Oracle,
    program: Program,
    verdict: Verdict,
    divergence: Divergence,
    comparer: Comparer,
}

impl Difference {
    fn new(path: &Path, good: CSide, bad: CSide) -> Result<Self> {
        let program = input::read(path)?.program;
        let mut oracle = Oracle::new(Pair {
            left: Box::new(good),
            right: Some(Box::new(bad)),
        });
        let verdict = oracle.judge(&program);
        let Verdict::Divergence(divergence) = verdict else {
            bail!(
                "{}: the good and the bad kernel behave the same ({})",
                path.display(),
                verdict.name()
            );
        };
        let difference = Self {
            oracle,
            program,
            verdict,
            divergence,
            comparer: Comparer::default(),
        };
        let pair = difference.oracle.pair();
        let good = difference.does(pair.left.as_ref(), difference.oracle.left_trace());
        println!("good: {}: {good}", pair.left.info().name);
        if let Some(right) = &pair.right {
            let bad = difference.does(right.as_ref(), difference.oracle.right_trace());
            println!("bad: {}: {bad}", right.info().name);
        }
        let what = summary(&difference.oracle, &program, &difference.verdict);
        println!("{what}");
        Ok(difference)
    }

    fn survey<'a>(&'a self, expectations: &'a Expectations) -> Survey<'a> {
        Survey {
            oracle: &self.oracle,
            prog: &self.program,
            verdict: &self.verdict,
            expectations,
            op_index: self.divergence.op_index,
        }
    }

    fn does(&self, side: &dyn Side, trace: &Trace) -> String {
        self.survey(&Expectations::default()).does(side, trace)
    }

    /// Tests one more kernel.
    fn test(&mut self, request: &Request) -> Tested {
        let mut side = match side(request) {
            Ok(side) => side,
            Err(error) => return Tested::Skipped(format!("{error:#}")),
        };
        let mut trace = Trace::new();
        side.run(&self.program, &mut trace);
        let mut comparer = std::mem::take(&mut self.comparer);
        let none = Expectations::default();
        let survey = self.survey(&none);
        let tested = match survey.follows(&self.divergence, &side, &trace, &mut comparer) {
            Follows::One(Which::Left) => Tested::Good,
            Follows::One(Which::Right) => Tested::Bad,
            Follows::Neither => Tested::Skipped(format!(
                "neither good nor bad: {}",
                survey.does(&side, &trace)
            )),
            Follows::Absent => Tested::Skipped("it does not have the function".into()),
        };
        self.comparer = comparer;
        tested
    }
}

fn say(what: &str, tested: &Tested) {
    match tested {
        Tested::Good => println!("{what}: good"),
        Tested::Bad => println!("{what}: bad"),
        Tested::Skipped(why) => println!("{what}: skipped: {why}"),
    }
}

fn search(args: &Args) -> Result<()> {
    match (args.kernel.patch(), &args.good, &args.bad) {
        (Some(series), None, None) => patches(args, series),
        (None, Some(good), Some(bad)) => commits(args, good, bad),
        _ => bail!("give --patch SERIES, or --kernel TREE with --good COMMIT and --bad COMMIT"),
    }
}

fn patches(args: &Args, path: &Path) -> Result<()> {
    let series = Series::read(path).with_context(|| path.display().to_string())?;
    let nr = series.parts.len();
    // the complete series is a side with its own name
    let with = |parts| -> Result<Request> {
        Ok(Request {
            parts: (parts < nr).then_some(parts),
            ..args.kernel.request(None)?
        })
    };
    let label = |patch: usize| match series.label(patch - 1) {
        Some(label) => label,
        None => format!("the one patch of {}", series.name),
    };
    let mut difference = Difference::new(&args.path, side(&with(0)?)?, side(&with(nr)?)?)?;
    let found = bisect::patches(nr, &mut |parts| {
        let tested = difference.test(&with(parts)?);
        say(&format!("up to {}", label(parts)), &tested);
        Ok::<_, anyhow::Error>(tested)
    })?;
    tell(&found, &|&patch| label(patch));
    Ok(())
}

fn tell<T>(found: &First<T>, name: &dyn Fn(&T) -> String) {
    for skipped in &found.skipped {
        println!("or (not tested): {}", name(skipped));
    }
    println!("first bad: {}", name(&found.bad));
}

/// The full hashes of the good and the bad commit of a tree.
fn ends(args: &Args, good: &str, bad: &str) -> Result<(PathBuf, [String; 2])> {
    let base = args.kernel.request(None)?;
    if !gup_sides::request::is_path(&base.kernel) {
        bail!("--good and --bad need a git tree: --kernel PATH");
    }
    let repo = PathBuf::from(&base.kernel);
    let (good, bad) = (git::resolve(&repo, good)?, git::resolve(&repo, bad)?);
    Ok((repo, [good.hash, bad.hash]))
}

fn at(args: &Args, commit: &str) -> Result<Request> {
    Ok(Request {
        rev: Some(commit.into()),
        ..args.kernel.request(None)?
    })
}

fn commits(args: &Args, good: &str, bad: &str) -> Result<()> {
    let (repo, [good, bad]) = ends(args, good, bad)?;
    let [good_side, bad_side] = [side(&at(args, &good)?)?, side(&at(args, &bad)?)?];
    let mut difference = Difference::new(&args.path, good_side, bad_side)?;
    let label = |commit: &str| match git::resolve(&repo, commit) {
        Ok(commit) => format!("{} (\"{}\")", &commit.hash[..12], commit.subject),
        Err(_) => commit.into(),
    };
    let found = bisect::commits(&repo, &good, &bad, &mut |commit, left| {
        let tested = difference.test(&at(args, commit)?);
        say(&format!("{}, 1 of {left}", label(commit)), &tested);
        Ok::<_, anyhow::Error>(tested)
    })?;
    tell(&found, &|commit: &String| label(commit));
    Ok(())
}

/// For `git bisect run`.
fn test_one(args: &Args) -> Result<u8> {
    let (Some(good), Some(bad)) = (&args.good, &args.bad) else {
        bail!("--rev needs --good and --bad to compare with");
    };
    let (_, [good, bad]) = ends(args, good, bad)?;
    let [good, bad] = [side(&at(args, &good)?)?, side(&at(args, &bad)?)?];
    let tested = Difference::new(&args.path, good, bad)?.test(&args.kernel.request(None)?);
    let commit = args.kernel.commit().unwrap_or_default();
    say(commit, &tested);
    Ok(match tested {
        Tested::Good => 0,
        Tested::Bad => 1,
        Tested::Skipped(_) => SKIP,
    })
}
