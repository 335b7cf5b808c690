// SPDX-License-Identifier: GPL-2.0
//! The wrong patch of the README's worked example, made out of the kernel that it is for.

use std::fs;

use gup_sides::tree::tested_names;
use gup_sides::{Recipe, Store, overlay};

pub const KERNEL: &str = "6.1";

/// The kernel's mm/gup.c, and the same with a try_grab_page() that does not look up the
/// head of a compound page; none where that kernel could not be had.
pub fn texts() -> Option<[String; 2]> {
    tested_names().find(|name| *name == KERNEL)?;
    let recipe = Recipe::find(&Store::find(), KERNEL).unwrap().unwrap();
    let tree = recipe.source(&Store::find(), true).unwrap().tree;
    let file = fs::read_to_string(tree.src.join("mm/gup.c")).unwrap();
    let function = file.find("try_grab_page(struct page *page").unwrap();
    let (before, body) = file.split_at(function);
    let changed = body.replacen("page_folio(page)", "(struct folio *)page", 1);
    assert_ne!(changed, body);
    let wrong = format!("{before}{changed}");
    Some([file, wrong])
}

/// The kernel with the wrong one, under a name.
pub fn recipe(name: &str) -> Option<Recipe> {
    let [_, wrong] = texts()?;
    let store = Store::find();
    let mut recipe = Recipe::find(&store, KERNEL).unwrap().unwrap();
    let files = [("mm/gup.c".into(), wrong.into_bytes())];
    recipe.overlay = Some(overlay::keep(&store, &files).unwrap());
    recipe.name = name.into();
    Some(recipe)
}
