// SPDX-License-Identifier: GPL-2.0
//! `gupdiff fmt`: between text and wire.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use gup_fuzz::input::{self, Form, Input};
use gup_fuzz::ops::{self, Rev};
use gup_fuzz::program::text;
use gup_fuzz::report::write_atomically;

use crate::Outcome;

/// Convert programs between text and wire, or tidy them.
///
/// Text comes out in its canonical form; comments are not kept, so a text that
/// only needs tidying is better edited by hand.
#[derive(clap::Args)]
pub struct Args {
    /// A program, text or wire; `-` is standard input
    #[arg(default_value = "-", value_name = "PATH")]
    path: PathBuf,
    /// The form to write
    #[arg(long, value_enum, default_value_t = To::Text)]
    to: To,
    /// Whose names text is to use: 6.1, 6.12, ...
    /// [default: those of the text that was read, else 6.1]
    #[arg(long, value_name = "REV")]
    names: Option<Rev>,
    /// Where to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum To {
    Text,
    Wire,
}

pub fn run(args: &Args) -> Result<Outcome> {
    if let Some(rev) = args.names {
        let known = ops::revisions();
        if known.first().is_some_and(|first| rev < *first) {
            bail!(
                "no names are known for {rev}; the oldest revision is {}",
                known[0]
            );
        }
    }
    let input = input::read(&args.path)?;
    let out = match args.to {
        To::Text => as_text(&input, args.names).into_bytes(),
        To::Wire => input.program.encode(),
    };
    match &args.output {
        Some(path) => write_atomically(path, &out)
            .with_context(|| format!("{} cannot be written", path.display()))?,
        None => std::io::stdout()
            .write_all(&out)
            .context("standard output cannot be written")?,
    }
    Ok(Outcome::Fine)
}

fn as_text(input: &Input, names: Option<Rev>) -> String {
    let names = match input.form {
        Form::Text => names.or(input.names),
        Form::Wire => names,
    };
    text::format(&input.program, names.unwrap_or(Rev::V6_1))
}
