// SPDX-License-Identifier: GPL-2.0
//! What is covered, held against the kernels themselves: every function of
//! mm/gup.c has an operation, is inside of one or has a place in a later layer,
//! and every WARN and BUG of a covered function exists on both sides.

use std::collections::BTreeSet;
use std::fs;

use csrc::{Object, SiteKind};
use gup::Rules;
use gup_sides::tree::tested_sides;
use gup_sides::{Flavour, Recipe, Store};
use harness::ops;
use harness::rev::Rev;

/// Every kernel that tests run on, with the rules that go with it, and its object.
fn kernels() -> impl Iterator<Item = (&'static Rules, Object)> {
    let tested = |rules: &&Rules| tested_sides().any(|name| name == rules.name());
    Rules::KERNELS.iter().filter(tested).map(|rules| {
        let name = rules.name();
        let recipe = recipe(name);
        let (_, debug_vm) = gup_sides::recipe::split_name(name);
        let built = recipe.compile(&Store::find(), debug_vm, Flavour::None);
        (rules, Object::load(&built.unwrap().object).unwrap())
    })
}

fn recipe(name: impl AsRef<str>) -> Recipe {
    let (tree, _) = gup_sides::recipe::split_name(name.as_ref());
    let recipe = Recipe::find(&Store::find(), tree).unwrap();
    recipe.unwrap_or_else(|| panic!("{tree} is not prepared: make setup"))
}

fn words(list: &'static str) -> BTreeSet<&'static str> {
    list.lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
        .collect()
}

/// Functions whose operations are their callers'.
fn inside() -> BTreeSet<&'static str> {
    words(include_str!("surface/inside.txt"))
}

fn later() -> BTreeSet<&'static str> {
    words(include_str!("surface/later.txt"))
}

/// The names of the functions that a C file defines: what stands before the
/// parenthesis of a line at the margin, when a brace at the margin follows.
fn defined_functions(source: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = source.lines().collect();
    let mut names = BTreeSet::new();
    for at in (0..lines.len()).filter(|&i| lines[i] == "{") {
        let head = lines[..at]
            .iter()
            .rposition(|l| !l.starts_with(char::is_whitespace) && !l.is_empty());
        let Some((before, _)) = head.and_then(|i| lines[i].split_once('(')) else {
            continue;
        };
        let name = before
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next();
        names.extend(name.filter(|n| !n.is_empty()).map(str::to_owned));
    }
    names
}

fn operations(rev: Rev) -> BTreeSet<&'static str> {
    ops::table().iter().filter_map(|op| op.name(rev)).collect()
}

#[test]
fn every_function_of_gup_c_has_an_operation_or_a_later_layer() {
    for (rules, kernel) in kernels() {
        let source = recipe(rules.name()).source(&Store::find(), rules.debug_vm);
        let source = fs::read_to_string(source.unwrap().tree.src.join("mm/gup.c")).unwrap();
        let defined = defined_functions(&source);
        assert!(defined.len() > 60, "only {} functions found", defined.len());
        let (major, minor) = kernel.version();
        let covered = operations(Rev::linux(major, minor));
        let missing: Vec<_> = defined
            .iter()
            .map(String::as_str)
            .filter(|f| !covered.contains(f) && !inside().contains(f) && !later().contains(f))
            .collect();
        assert!(
            missing.is_empty(),
            "{}: no operation for {missing:?}",
            rules.name()
        );
    }
}

#[test]
fn what_has_an_operation_is_not_put_off() {
    for rev in Rev::kernels() {
        let both: Vec<_> = operations(rev).intersection(&later()).copied().collect();
        assert!(both.is_empty(), "{rev}: {both:?} have operations by now");
    }
}

/// Functions in headers that operations reach without being named after them.
const REACHED: [&str; 6] = [
    "put_page_testzero",
    "folio_put_testzero",
    "folio_large_order",
    "__put_devmap_managed_page_refs",
    "__put_devmap_managed_folio_refs",
    "folio_lock",
];

#[test]
fn both_sides_have_the_same_warns_and_bugs() {
    for (rules, kernel) in kernels() {
        let (major, minor) = kernel.version();
        let mut covered = operations(Rev::linux(major, minor));
        covered.extend(inside());
        covered.extend(REACHED);
        // Call sites of the FOLL_PIN series have the names of kernel functions.
        let of_kernels = gup::site::ALL
            .iter()
            .filter(|s| Rules::KERNELS.iter().any(|rules| s.exists(rules)));
        covered.extend(of_kernels.map(|s| s.function));
        let named = |func: &str, is_bug: bool, ordinal: u32| {
            let kind = if is_bug { "BUG" } else { "WARN" };
            format!("{func} {kind}#{ordinal}")
        };
        let c: BTreeSet<_> = kernel
            .sites()
            .into_iter()
            .filter(|s| covered.contains(s.func.as_str()))
            .map(|s| named(&s.func, s.kind == SiteKind::Bug, s.ordinal))
            .collect();
        let rust: BTreeSet<_> = gup::site::of(rules)
            .map(|s| {
                let is_bug = s.kind == gup::site::SiteKind::Bug;
                named(s.function, is_bug, s.site.ordinal(rules))
            })
            .collect();
        assert!(
            c == rust,
            "{}: only the kernel has {:?}, only rust-impl/src/site.rs has {:?}",
            rules.name(),
            c.difference(&rust).collect::<Vec<_>>(),
            rust.difference(&c).collect::<Vec<_>>()
        );
        assert!(!c.is_empty());
    }
}
