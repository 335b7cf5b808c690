// SPDX-License-Identifier: GPL-2.0
//! Harmless changes of the C side: none may be found.

use gup_controls::{Group, Kind};
use gup_sides::tree::tested_names;
use harness::hunt::Catch;
use harness::program::profile::Focus;
use harness::program::text;
use harness::rev::Rev;

use crate::changed::{Changed, controls_of, hunt_on, prepared};
use crate::hunting::{Corpus, HARMLESS, focus, on_all_processors, only};

/// Every harmless change, many at once: the names of the sides, and those that were found.
fn tried_harmless() -> (Vec<String>, Vec<(String, Catch)>) {
    let (corpus, all) = (Corpus::read(), gup_controls::load());
    let mut todo = Vec::new();
    for base in tested_names() {
        let changes = controls_of(&all, Kind::Harmless, base);
        let groups = gup_controls::groups(changes, base, &prepared(base).1.src);
        let groups = groups.unwrap_or_else(|e| panic!("{e}"));
        todo.extend(groups.into_iter().map(|group| (base, group)));
    }
    let found = on_all_processors(&todo, |(base, group)| {
        let files = group.files.iter();
        let files: Vec<_> = files
            .map(|(path, text)| (path.clone(), text.clone().into_bytes()))
            .collect();
        let all = Changed::new(base, "harmless", &files);
        // with programs for each of the layers that are changed
        let mut layers: Vec<Focus> = Vec::new();
        for control in &group.controls {
            let layer = focus(&control.name);
            if !layers.contains(&layer) {
                layers.push(layer);
            }
        }
        let mut layers = layers.into_iter();
        let catch = layers.find_map(|layer| hunt_on(all.load(), &corpus, layer, HARMLESS))?;
        // which of them is it?
        let of = group.controls.iter().find_map(|control| {
            let alone = Changed::by(control, base);
            let catch = hunt_on(alone.load(), &corpus, focus(&control.name), HARMLESS)?;
            Some((format!("{base}+{}", control.name), catch))
        });
        Some(of.unwrap_or_else(|| (format!("{base}: several of them together"), catch)))
    });
    let named = |(base, group): &(&str, Group)| {
        let names = group.controls.iter().map(|control| &control.name);
        names
            .map(|name| format!("{base}+{name}"))
            .collect::<Vec<_>>()
    };
    (
        todo.iter().flat_map(named).collect(),
        found.into_iter().flatten().collect(),
    )
}

#[test]
fn every_harmless_change_of_the_c_side_ends_clean() {
    let (tried, found) = tried_harmless();
    let found: Vec<String> = found
        .iter()
        .map(|(name, catch)| {
            let program = text::format(&catch.program, Rev::V6_12);
            format!("{name}: {:?}\n{program}", catch.verdict)
        })
        .collect();
    assert!(found.is_empty(), "harmless, but:\n{}", found.join("\n"));
    let least = match only() {
        Some(_) => 0,
        None => 18 * tested_names().count(),
    };
    let tried = tried.len();
    assert!(tried >= least, "only {tried} harmless changes were made");
}
