// SPDX-License-Identifier: GPL-2.0
//! `gupdiff gen`: random programs.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use harness::accepted::RevisionPair;
use harness::layer;
use harness::program::generate;
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::program::text;
use harness::report::write_atomically;
use harness::side;

use crate::{LayerArg, Outcome};

/// Write random programs; the same seed gives the same programs.
#[derive(clap::Args)]
pub struct Args {
    /// The output folder; it is created if necessary
    dir: PathBuf,
    /// The number of programs
    #[arg(short, long, default_value_t = 100)]
    number: u64,
    /// Seed of the random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Generate programs for this side [default: the first one]
    #[arg(long, env = "GUPDIFF_LEFT", value_name = "SIDE")]
    left: Option<String>,
    #[command(flatten)]
    layer: LayerArg,
    /// Write text instead of wire
    #[arg(long)]
    text: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let left = args
        .left
        .clone()
        .filter(|l| !l.is_empty())
        .unwrap_or_else(side::default_left);
    let Some(info) = side::list().into_iter().find(|info| info.name == left) else {
        // its error lists the sides
        side::open(&left)?;
        anyhow::bail!("cannot generate programs for `{left}`");
    };
    fs::create_dir_all(&args.dir)
        .with_context(|| format!("{} cannot be created", args.dir.display()))?;
    let revisions = RevisionPair {
        left: info.rev,
        right: info.rev,
    };
    let layer = layer::on(args.layer.get(), revisions)?;
    let profile = Profile::new(info.rev).debug_vm(info.debug_vm).focus(layer);
    let mut rng = Rng::new(args.seed);
    for i in 0..args.number {
        let program = generate::program(&mut rng, &profile);
        let (name, bytes) = match args.text {
            true => (
                format!("{}-{i:06}.gup", args.seed),
                text::format(&program, info.rev).into_bytes(),
            ),
            false => (format!("{}-{i:06}", args.seed), program.encode()),
        };
        let path = args.dir.join(name);
        write_atomically(&path, &bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    eprintln!(
        "{} programs for {left} in {}",
        args.number,
        args.dir.display()
    );
    Ok(Outcome::Fine)
}
