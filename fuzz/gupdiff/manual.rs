// SPDX-License-Identifier: GPL-2.0
//! `gupdiff completions` and `gupdiff man`: shell completion and manual pages.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use harness::report::write_atomically;

use crate::{Cli, Outcome};

/// Print a shell completion script.
///
/// For bash: gupdiff completions bash >~/.local/share/bash-completion/completions/gupdiff
#[derive(clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write manual pages, one for each command.
///
/// For `man gupdiff`: gupdiff man ~/.local/share/man/man1
#[derive(clap::Args)]
pub struct ManArgs {
    /// The output folder; it is created if necessary
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub fn completions(args: &CompletionsArgs) -> Outcome {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "gupdiff", &mut std::io::stdout());
    Outcome::Fine
}

pub fn man(args: &ManArgs) -> Result<Outcome> {
    let shown = args.dir.display().to_string();
    fs::create_dir_all(&args.dir).with_context(|| shown.clone())?;
    let mut command = Cli::command();
    command.build();
    let commands = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    for command in std::iter::once(&command).chain(commands) {
        // with the name of its parent before it
        let name = command.get_display_name().unwrap_or(command.get_name());
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone()).render(&mut page)?;
        let path = args.dir.join(format!("{name}.1"));
        write_atomically(&path, &page).with_context(|| path.display().to_string())?;
    }
    Ok(Outcome::Fine)
}
