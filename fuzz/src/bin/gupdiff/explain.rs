// SPDX-License-Identifier: GPL-2.0
//! `gupdiff explain`: which kernel's rules a tree has.

use std::path::PathBuf;

use anyhow::{Result, bail};
use gup_fuzz::explain::{self, Explained, Rules};
use gup_fuzz::reason::Name;
use gup_fuzz::side::rust::{Taken, Variant, rules_by_name};
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
    let given = input::programs(&args.paths)?;
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
    let taken = &found.rules.taken;
    let mut text = format!(
        "{name} is {}, over {} programs\n{}",
        but_for(&found.rules),
        found.programs,
        table(taken)
    );
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

/// `7.3 but for 2 rules`.
fn but_for(rules: &Variant) -> String {
    let base = rules.base.name();
    match rules.taken.len() {
        0 => base.into(),
        1 => format!("{base} but for one rule"),
        n => format!("{base} but for {n} rules"),
    }
}

/// What is not as in the base: a paragraph for each.
fn table(taken: &[Taken]) -> String {
    taken.iter().map(|t| paragraph(&Name::of(t))).collect()
}

/// A rule and what it says.
pub fn paragraph(name: &Name) -> String {
    format!("\n  {name}\n{}", wrapped(name.about()))
}

/// A tree without rules of its own, and those that it is held against.
pub struct Tree {
    name: String,
    rules: Variant,
}

impl Tree {
    /// What a campaign says of its sides: nothing where the left one is a kernel
    /// that the Rust side knows, and the right one has that kernel's rules.
    pub fn of(left: &str, right: &str) -> Result<Option<Self>> {
        let Some(rules) = right.strip_prefix("rust:").and_then(Variant::named) else {
            return Ok(None);
        };
        let recipe = match left.strip_prefix("c:") {
            Some(kernel) => side::c::recipe(kernel)?,
            None => None,
        };
        let is_known = recipe.as_ref().is_none_or(|recipe| recipe.known_version);
        if is_known && rules.taken.is_empty() {
            return Ok(None);
        }
        // A patch is held against the rules of its tree.
        let name = recipe.map_or(left.into(), |recipe| recipe.tree);
        Ok(Some(Self { name, rules }))
    }

    /// Before the campaign: one line.
    pub fn line(&self) -> String {
        let taken = self.rules.taken.iter();
        let taken: Vec<String> = taken.map(|t| Name::of(t).to_string()).collect();
        let colon = if taken.is_empty() { "" } else { ": " };
        let (but, all) = (but_for(&self.rules), taken.join(", "));
        format!("{} is {but}{colon}{all}", self.name)
    }

    /// After it: the rules with what they say, and whether that is all.
    pub fn table(&self, programs: u64, findings: usize) -> String {
        let end = match findings {
            0 => format!("no difference to that over {programs} programs"),
            1 => format!("but for the difference below, over {programs} programs"),
            n => format!("but for the {n} differences below, over {programs} programs"),
        };
        format!(
            "{} is {}; {end}\n{}",
            self.name,
            but_for(&self.rules),
            table(&self.rules.taken)
        )
    }
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
