// SPDX-License-Identifier: GPL-2.0
//! `gupdiff fmt`: between text and wire.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use harness::input::{self, Form, Input};
use harness::program::text;
use harness::report::write_atomically;
use harness::rev::Rev;

use crate::Outcome;

/// Convert programs between text and wire form, or reformat text.
///
/// Text is written in its canonical form, without comments.  Several programs are separated
/// by a line `---` in text; in wire form each is written to its own file, in a folder.
#[derive(clap::Args)]
pub struct Args {
    /// Programs, text or wire: files and folders; `-` is standard input
    #[arg(default_value = "-", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The output form
    #[arg(long, value_enum, default_value_t = To::Text)]
    to: To,
    /// The revision whose function names text uses: 6.1, 6.12, ...
    /// [default: that of the input text, else 6.1]
    #[arg(long, value_name = "REV")]
    names: Option<Rev>,
    /// The output: a file, or for wire an existing folder [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum To {
    Text,
    Wire,
}

pub fn run(args: &Args) -> Result<Outcome> {
    if let Some(rev) = args.names {
        let oldest = rev.oldest_of_its_kind();
        if rev < oldest {
            bail!("no names are known for {rev}; the oldest revision is {oldest}");
        }
    }
    let inputs = input::all(&args.paths)?;
    let folder = args.output.as_ref().filter(|path| path.is_dir());
    let out = match (args.to, folder) {
        (To::Text, _) => {
            let texts: Vec<_> = inputs.iter().map(|i| as_text(i, args.names)).collect();
            texts.join(&format!("{}\n", text::SEPARATOR)).into_bytes()
        }
        (To::Wire, Some(folder)) => return write_each(folder, &inputs),
        (To::Wire, None) => match &inputs[..] {
            [input] => input.program.encode(),
            _ => bail!(
                "{} programs in wire form need a folder: --output DIR, which must exist",
                inputs.len()
            ),
        },
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

/// Writes each program to a file that is named after the hash of its contents.
fn write_each(folder: &Path, inputs: &[Input]) -> Result<Outcome> {
    for input in inputs {
        let bytes = input.program.encode();
        let path = folder.join(format!("{:016x}", harness::report::hash(&bytes)));
        write_atomically(&path, &bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(Outcome::Fine)
}

fn as_text(input: &Input, names: Option<Rev>) -> String {
    let names = match input.form {
        Form::Text => names.or(input.names),
        Form::Wire => names,
    };
    text::format(&input.program, names.unwrap_or(text::DEFAULT_NAMES))
}
