// SPDX-License-Identifier: GPL-2.0
//! The functions of a selftest, of which each has those that it uses.

const TEXT: &str = include_str!("helpers.c");

/// The parts of the text: what each is for, and its lines.
fn parts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let parts = TEXT.split("/* for: ").skip(1);
    let parts = parts.filter_map(|part| part.split_once(" */\n"));
    parts.map(|(word, text)| (word, text.trim_ascii_end()))
}

fn part(name: &str) -> &'static str {
    let mut parts = parts();
    let found = parts.find(|(word, _)| *word == name);
    found.map_or("", |(_, text)| text)
}

/// What all of them begin with.
pub(super) fn includes() -> &'static str {
    part("always")
}

/// The end: the test runs in a child, since a wrong kernel may not let it end.
pub(super) fn main() -> &'static str {
    part("main")
}

/// The functions that a text and `main` use, in an order in which they can be defined.
pub(super) fn used_by(text: &str) -> String {
    let mut used = vec![main()];
    let functions = parts().filter(|(word, _)| !matches!(*word, "always" | "main"));
    let functions: Vec<_> = functions.collect();
    for (word, helper) in functions.iter().rev() {
        if uses(text, word) || used.iter().any(|text| uses(text, word)) {
            used.push(helper);
        }
    }
    used[1..]
        .iter()
        .rev()
        .map(|helper| format!("\n{helper}\n"))
        .collect()
}

/// Whether a word begins so.
fn uses(text: &str, name: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut places = text.match_indices(name);
    places.any(|(at, _)| !text[..at].ends_with(inside))
}
