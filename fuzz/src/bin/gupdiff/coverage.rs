// SPDX-License-Identifier: GPL-2.0
//! `gupdiff coverage`: the lines that programs execute.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use gup_fuzz::coverage::Covered;
use gup_fuzz::input;

use crate::Outcome;

/// Show which lines of the kernel's code and of the Rust code programs execute.
#[derive(clap::Args)]
pub struct Args {
    paths: Vec<PathBuf>,
    #[arg(long)]
    side: String,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let t = std::time::Instant::now();
    let mut side = Covered::open(&args.side)?;
    eprintln!("open {:?}", t.elapsed());
    let mut all = gup_fuzz::coverage::LineSet::default();
    let programs = input::programs(&args.paths)?;
    eprintln!("read {:?}", t.elapsed());
    for p in &programs {
        let one = side.run(p);
        all.add(&one);
    }
    eprintln!("run {} {:?}", programs.len(), t.elapsed());
    let mut files: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for (i, line) in side.lines().iter().enumerate() {
        let f = files.entry(line.file.clone()).or_default();
        f.1 += 1;
        f.0 += usize::from(all.has(i));
        if &*line.file == "mm/gup.c" {
            println!(
                "{} {} {}",
                if all.has(i) { "+" } else { "-" },
                line.line,
                line.function
            );
        }
    }
    for (f, (a, b)) in files {
        println!("{f} {a}/{b}");
    }
    Ok(Outcome::Fine)
}
