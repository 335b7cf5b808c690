// SPDX-License-Identifier: GPL-2.0
//! Recipes: what a side is made from, stored under the side's name, so that it can be
//! compiled again for any engine.

use crate::{
    Built, Flavour, Store,
    compile::Source,
    error::{Error, Result, at},
    overlay::Overlay,
    store,
    tree::{self, Tree},
};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf};

/// What a side is made from; the same with and without DEBUG_VM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The NAME of `c:NAME` and `c:NAME-nodebug`.
    pub name: String,
    /// The prepared tree: a name under `.kernels/trees`.
    pub tree: String,
    /// The files that a patch changes: a name under `.kernels/overlays`.
    pub overlay: Option<String>,
    /// Renamed functions: `(name in this tree, known name)`.
    pub renamed: Vec<(String, String)>,
    /// A description of the origin, for messages.
    pub origin: String,
    /// The matching revision or rules of the Rust side.
    pub rust: String,
    /// Were these rules found by `gupdiff explain`?
    #[serde(default)]
    pub by_trial: bool,
    /// Does the Rust side have rules for the tree's version?
    pub known_version: bool,
    /// Compile quickly, for many short runs.
    #[serde(default)]
    pub quick: bool,
    /// The overlay changes function bodies only, no declarations.
    #[serde(default)]
    pub bodies_only: bool,
}

/// A side's name without `-nodebug`, and whether DEBUG_VM is on.
pub fn split_name(name: &str) -> (&str, bool) {
    match name.strip_suffix("-nodebug") {
        Some(name) => (name, false),
        None => (name, true),
    }
}

impl Recipe {
    /// The recipe of a prepared, unchanged tree.
    pub fn of_tree(tree: &Tree) -> Self {
        Self {
            name: tree.name.clone(),
            tree: tree.name.clone(),
            overlay: None,
            renamed: Vec::new(),
            origin: tree.origin().into(),
            rust: tree.rust().into(),
            by_trial: tree.rules_by().is_some(),
            known_version: tree.is_tried(),
            quick: false,
            bodies_only: false,
        }
    }

    /// Loads the recipe that was added under a name, or that of a prepared tree.
    pub fn find(store: &Store, name: &str) -> Result<Option<Self>> {
        let path = file(store, name);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|e| Error::Damaged(path, e.to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Ok(Tree::find(store, name)?.as_ref().map(Self::of_tree))
            }
            Err(e) => Err(at(&path)(e)),
        }
    }

    /// All recipes: known trees first, then by name.
    pub fn all(store: &Store) -> Result<Vec<Self>> {
        let added = fs::read_dir(store.sides()).into_iter().flatten().flatten();
        let mut names: Vec<String> = added
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        let trees = Tree::all(store)?;
        names.extend(trees.iter().map(|tree| tree.name.clone()));
        let known = |name: &str| {
            let at = tree::known().iter().position(|(known, _)| *known == name);
            at.unwrap_or(usize::MAX)
        };
        names.sort_by(|a, b| (known(a), a).cmp(&(known(b), b)));
        names.dedup();
        let found = names.iter().map(|name| Self::find(store, name));
        found.filter_map(Result::transpose).collect()
    }

    /// Stores it under its name, and replaces an older one.
    pub fn save(&self, store: &Store) -> Result<()> {
        let path = file(store, &self.name);
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        store::write(&path, &text.map_err(at(&path))?)
    }

    /// Removes the recipe that was added under a name.  Its objects are removed when they
    /// have not been used for a month.
    pub fn remove(store: &Store, name: &str) -> Result<()> {
        let path = file(store, name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::Unknown(format!(
                "no side `{name}` was added; `gupdiff side list` lists the sides"
            ))),
            done => done.map_err(at(&path)),
        }
    }

    /// The prepared configurations, DEBUG_VM first.
    pub fn configurations(&self, store: &Store) -> Result<Vec<bool>> {
        let tree = self.tree(store)?;
        Ok([true, false]
            .into_iter()
            .filter(|&debug_vm| tree.has(debug_vm))
            .collect())
    }

    fn tree(&self, store: &Store) -> Result<Tree> {
        Tree::find(store, &self.tree)?.ok_or_else(|| {
            Error::Unknown(format!(
                "the side {} needs the tree {}, which is no longer prepared; add the side again",
                self.name, self.tree
            ))
        })
    }

    /// The compiler's input.
    pub fn source(&self, store: &Store, debug_vm: bool) -> Result<Source> {
        let tree = self.tree(store)?;
        let overlay = match &self.overlay {
            None => Overlay::default(),
            Some(key) => {
                let dir = store.overlays().join(key);
                store::used(&dir);
                Overlay::of(&dir, &tree.src)?
            }
        };
        let suffix = if debug_vm { "" } else { "-nodebug" };
        Ok(Source {
            name: format!("c:{}{suffix}", self.name),
            tree,
            debug_vm,
            overlay,
            renamed: self.renamed.clone(),
            quick: self.quick,
            bodies_only: self.bodies_only,
        })
    }

    /// The object for an engine, compiled if necessary.  The configuration of a known
    /// kernel is prepared first if necessary.
    pub fn compile(&self, store: &Store, debug_vm: bool, flavour: Flavour) -> Result<Built> {
        if !self.tree(store)?.has(debug_vm) {
            let what = match tree::is_known(&self.tree) {
                true => vec![self.tree.as_str()],
                false => vec!["--again", self.tree.as_str()],
            };
            tree::configured(store, &what, &self.tree, debug_vm)?;
        }
        let built = self.source(store, debug_vm)?.compile(store, flavour)?;
        store.prune()?;
        Ok(built)
    }
}

fn file(store: &Store, name: &str) -> PathBuf {
    store.sides().join(format!("{name}.json"))
}
