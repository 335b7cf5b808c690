// SPDX-License-Identifier: GPL-2.0
//! `gupdiff explain`: finds the rules that a tree follows.

use std::path::PathBuf;

use anyhow::{Result, bail};
use harness::explain::{self, Explained, Rules};
use harness::reason::Name;
use harness::side::rust::{Taken, Variant, rules_by_name};
use harness::{input, side};

use crate::{Outcome, SideArgs};

/// Find the rules of known kernels that a tree follows.
///
/// Starts from the known kernels before and after the tree's version, and replaces one or two
/// rules at a time by those of other kernels, as long as the Rust side gets closer to the
/// tree's behaviour.  With two Rust sides (LEFT=rust:6.1 RIGHT=rust:6.12) it lists the rules
/// that differ between them.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    sides: SideArgs,
    /// Additional programs to explain: files or folders
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Random programs for each attempt
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

/// Describes the result in text.
pub fn text(name: &str, found: &Explained) -> String {
    let taken = &found.rules.taken;
    let mut text = format!(
        "{name} follows {} ({} programs)\n{}",
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
                "\n{n} programs still differ, and no rule of a known kernel explains them; to see them:\n  \
                 make diff LEFT={name} RIGHT=rust:{}\n",
                found.rules
            );
        }
    }
    text
}

/// `the rules of 7.3 except 2`.
fn but_for(rules: &Variant) -> String {
    let base = rules.base.name();
    match rules.taken.len() {
        0 => format!("the rules of {base}"),
        1 => format!("the rules of {base} except one"),
        n => format!("the rules of {base} except {n}"),
    }
}

/// A paragraph for each rule that is not the base's.
fn table(taken: &[Taken]) -> String {
    taken.iter().map(|t| paragraph(&Name::of(t))).collect()
}

/// A rule with its description.
pub fn paragraph(name: &Name) -> String {
    format!("\n  {name}\n{}", wrapped(name.about()))
}

/// A tree without its own Rust rules, and the rules that it is compared with.
pub struct Tree {
    name: String,
    rules: Variant,
}

impl Tree {
    /// For the sides of a campaign.  `None` if the left one is a known kernel and the right one
    /// has its rules.
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
        // a patched tree is compared with the rules of the tree
        let name = recipe.map_or(left.into(), |recipe| recipe.tree);
        Ok(Some(Self { name, rules }))
    }

    /// One line, printed before the campaign.
    pub fn line(&self) -> String {
        let taken = self.rules.taken.iter();
        let taken: Vec<String> = taken.map(|t| Name::of(t).to_string()).collect();
        let colon = if taken.is_empty() { "" } else { ": " };
        let (but, all) = (but_for(&self.rules), taken.join(", "));
        format!("{} follows {but}{colon}{all}", self.name)
    }

    /// The rules with descriptions, printed after the campaign.
    pub fn table(&self, programs: u64, findings: usize) -> String {
        let end = match findings {
            0 => format!("no other difference in {programs} programs"),
            1 => format!("one more difference (see below) in {programs} programs"),
            n => format!("{n} more differences (see below) in {programs} programs"),
        };
        format!(
            "{} follows {}; {end}\n{}",
            self.name,
            but_for(&self.rules),
            table(&self.rules.taken)
        )
    }
}

fn print_all_that_differ(left_name: &str, left: &Rules, right_name: &str, right: &Rules) {
    println!("rules that differ between {left_name} and {right_name}:");
    for rule in Rules::list().filter(|rule| !(rule.same)(left, right)) {
        println!("\n  {}", rule.name);
        print!("{}", wrapped(rule.about));
    }
}

/// Wraps and indents a text.
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
