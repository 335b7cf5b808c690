// SPDX-License-Identifier: GPL-2.0
//! `gupdiff sides`, `ops` and `rules`: lists of what exists.

use std::collections::BTreeSet;

use anyhow::Result;
use harness::explain::Rules;
use harness::ops::{self, Layer, Names, OpInfo};
use harness::report;
use harness::rev::Rev;
use harness::side;

use crate::Outcome;

/// List the sides that can be compared.
#[derive(clap::Args)]
pub struct SidesArgs {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn sides(args: &SidesArgs) -> Result<Outcome> {
    let all = side::list();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(Outcome::Fine);
    }
    for info in &all {
        println!("{info:#}");
    }
    println!("none  no side: only check the laws of the other one");
    println!(
        "\ndefaults: --left {}; --right the Rust side for the left one",
        side::default_left()
    );
    Ok(Outcome::Fine)
}

/// List the operations of programs.
#[derive(clap::Args)]
pub struct OpsArgs {
    /// Use the function names of this revision [default: list those of all revisions]
    #[arg(long, value_name = "REV")]
    names: Option<Rev>,
}

/// A group of operations that are listed together.
type IsIn<'a> = &'a dyn Fn(&OpInfo) -> bool;

pub fn ops(args: &OpsArgs) -> Result<Outcome> {
    let function = |layer| move |op: &OpInfo| !op.is_change && op.layer == layer;
    let groups: [(&str, IsIn); 4] = [
        ("Kernel functions on given pages", &function(Layer::Page)),
        (
            "Kernel functions that walk page tables without locks",
            &OpInfo::is_walk,
        ),
        (
            "Kernel functions that walk page tables under the mmap lock",
            &OpInfo::is_slow,
        ),
        (
            "World changes, between operations or at hook points",
            &|op| op.is_change,
        ),
    ];
    for (title, is_in) in groups {
        println!("{title}:\n");
        for op in ops::table().iter().filter(|op| is_in(op)) {
            let name = match args.names {
                _ if op.is_change => op.own_name().to_string(),
                Some(rev) => op.name(rev).unwrap_or("-").to_string(),
                None => all_names(op),
            };
            println!("{name}\n    {} (role {})\n", report::help(op), op.role);
        }
    }
    println!("See `corpus/seeds` and the README for programs that use them.");
    Ok(Outcome::Fine)
}

fn all_names(op: &ops::OpInfo) -> String {
    let dated = |(rev, name): &(Rev, Option<&str>)| format!("{} ({rev})", name.unwrap_or("-"));
    match &op.names {
        Names::One(name) => name.to_string(),
        Names::Since(names) => names.iter().map(dated).collect::<Vec<_>>().join(", "),
    }
}

const RULES_HEAD: &str = "# What changed between the kernels

A rule is one difference in behaviour between kernels. The Rust side can combine rules of
several kernels (`rust:7.3,huge_records_last=6.12`). `make diff` names the rules that explain a
difference between two kernels, and `gupdiff explain` finds the rules that a tree of another
version follows. `gupdiff rules` prints this page; a test checks that they are the same.

The rules in the last section are the same in all known kernels. They distinguish versions of
the FOLL_PIN series, or kernels in between.
";

/// Prints the rules that change from each kernel to the next one.
pub fn rules() -> Result<Outcome> {
    print!("{RULES_HEAD}");
    let kernels = Rules::KERNELS.into_iter().filter(|rules| rules.debug_vm);
    let kernels: Vec<Rules> = kernels.collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for pair in kernels.windows(2) {
        let [old, new] = [&pair[0], &pair[1]];
        println!("\n## From {} to {}\n", old.name(), new.name());
        for rule in Rules::list().filter(|rule| !(rule.same)(old, new)) {
            // a rule that changes twice is described once
            match seen.insert(rule.name) {
                true => println!("* **{}**: {}", rule.name, rule.about.trim()),
                false => println!("* **{}**, again: see above.", rule.name),
            }
        }
    }
    let rest = Rules::list().filter(|rule| !seen.contains(rule.name));
    println!("\n## The same in all known kernels\n");
    for rule in rest {
        println!("* **{}**: {}", rule.name, rule.about.trim());
    }
    Ok(Outcome::Fine)
}
