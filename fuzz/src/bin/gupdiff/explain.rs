// SPDX-License-Identifier: GPL-2.0
//! `gupdiff explain`: which kernel's rules a tree has.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gup_fuzz::explain::{self, Explained, Rules};
use gup_fuzz::program::Program;
use gup_fuzz::side::rust::{Taken, rules_by_name};
use gup_fuzz::{input, side};

use crate::{Outcome, SideArgs};

/// Say which rules of which kernels a tree has.
///
/// Starts from the known kernels before and after the tree's version, and takes
/// rules of others over, one by one or two at a time, for as long as that brings
/// the Rust side closer to what the tree shows.  With two Rust sides (LEFT=rust:6.1
/// RIGHT=rust:6.12): the rules that differ between them.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    sides: SideArgs,
    /// Programs that must be explained, too: files or folders
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Random programs for each try
    #[arg(long, default_value_t = explain::PROGRAMS, value_name = "N")]
    programs: u64,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let names = args.sides.names()?;
    if let (Some(left), Some(right)) = (rust(&names.left), rust(&names.right)) {
        print_all_that_differ(&names.left, &left, &names.right, &right);
        return Ok(Outcome::Fine);
    }
    let Some(left) = side::open(&names.left)? else {
        bail!("the left side cannot be `none`");
    };
    let mut given: Vec<Program> = Vec::new();
    for path in input::files(&args.paths)? {
        given.extend(input::read_all(&path)?.into_iter().map(|i| i.program));
    }
    let found = explain::explain(left, &given, args.programs);
    print!("{}", text(&names.left, &found));
    Ok(match found.differing {
        0 => Outcome::Fine,
        _ => Outcome::Found,
    })
}

fn rust(name: &str) -> Option<Rules> {
    rules_by_name(name.strip_prefix("rust:")?)
}

/// What was found, for people.
pub fn text(name: &str, found: &Explained) -> String {
    let base = found.rules.base.name();
    let taken = &found.rules.taken;
    let mut text = match taken.len() {
        0 => format!("{name} is {base}"),
        1 => format!("{name} is {base} but for one rule"),
        n => format!("{name} is {base} but for {n} rules"),
    };
    text += &format!(", over {} programs\n", found.programs);
    for Taken { rule, from } in taken {
        text += &format!("\n  {}, as in {}\n", rule.name, from.revision.name());
        text += &wrapped(rule.about);
    }
    match found.differing {
        0 if taken.is_empty() => {}
        0 => {
            text += &format!(
                "\nto compare with these rules: RIGHT=rust:{}\n",
                found.rules
            )
        }
        n => {
            text += &format!(
                "\n{n} programs differ still, by what no rule of a known kernel says; to see them:\n  \
                 make diff LEFT={name} RIGHT=rust:{}\n",
                found.rules
            );
        }
    }
    text
}

fn print_all_that_differ(left_name: &str, left: &Rules, right_name: &str, right: &Rules) {
    println!("what differs between {left_name} and {right_name}:");
    for rule in Rules::list().filter(|rule| !(rule.same)(left, right)) {
        println!("\n  {}", rule.name);
        print!("{}", wrapped(rule.about));
    }
}

/// A sentence or two, indented, in lines of a readable length.
fn wrapped(about: &str) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for word in about.split_whitespace() {
        if line.len() + word.len() > 70 {
            text += &format!("      {}\n", line.trim_end());
            line.clear();
        }
        line += word;
        line.push(' ');
    }
    text + &format!("      {}\n", line.trim_end())
}
