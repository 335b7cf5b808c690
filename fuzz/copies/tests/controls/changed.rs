// SPDX-License-Identifier: GPL-2.0
//! Kernels with changed files.

use std::fs;

use gup_controls::{Control, Kind};
use gup_sides::tree::{Tree, untried};
use gup_sides::{Built, Error, Flavour, Recipe, Store, overlay};
use harness::hunt::Catch;
use harness::oracle::Oracle;
use harness::program::profile::Focus;
use harness::side::c::CSide;
use harness::side::{self, Pair, Side};

use crate::hunting::{Corpus, campaign, only};

/// What a kernel is made of, and its tree.
pub fn prepared(base: &str) -> (Recipe, Tree) {
    let store = Store::find();
    let recipe = Recipe::find(&store, base).expect("recipes can be read");
    let recipe = recipe.expect("the kernel is prepared: make setup");
    let tree = recipe.source(&store, true).expect("its tree is there").tree;
    (recipe, tree)
}

/// Whether a kernel has the code that a control is about.  The test of gup-controls names
/// those that do not fit a new point release.
pub fn is_in(control: &Control, base: &str) -> bool {
    let fits = || control.render(base, &prepared(base).1.src).is_ok();
    control.applies_to(base) && (untried(base).is_none() || fits())
}

/// A kernel with changed files, compiled.
pub struct Changed {
    recipe: Recipe,
    built: Built,
}

impl Changed {
    /// Compiles it; nobody lists it.
    pub fn new(base: &str, name: &str, files: &[(String, Vec<u8>)]) -> Self {
        Self::try_new(base, name, files, true).unwrap_or_else(|e| panic!("{base}+{name}: {e}"))
    }

    /// The same, if it compiles.  With `bodies_only` only mm/gup.c and the changed files see
    /// changed headers.
    pub fn try_new(
        base: &str,
        name: &str,
        files: &[(String, Vec<u8>)],
        bodies_only: bool,
    ) -> Result<Self, Error> {
        let store = Store::find();
        let mut recipe = prepared(base).0;
        recipe.overlay = Some(overlay::keep(&store, files).expect("it can be written"));
        recipe.name = format!("{base}+{name}");
        recipe.quick = true;
        recipe.bodies_only = bodies_only;
        let built = recipe.compile(&store, true, Flavour::None)?;
        Ok(Self { recipe, built })
    }

    /// With one control.
    pub fn by(control: &Control, base: &str) -> Self {
        let rendered = control.render(base, &prepared(base).1.src);
        let rendered = rendered.unwrap_or_else(|e| panic!("{e}"));
        let files = [(rendered.file, rendered.patched.into_bytes())];
        Self::new(base, &control.name, &files)
    }

    /// The contents of the object.
    pub fn object(&self) -> Vec<u8> {
        fs::read(&self.built.object).expect("it was built")
    }

    pub fn load(&self) -> CSide {
        CSide::of_object(&self.recipe.name, &self.recipe, &self.built).expect("it loads")
    }

    /// With the fault of this number, of those that are in it; 0 is none.
    pub fn select(&self, nr: usize) -> CSide {
        let side = self.load();
        let bytes = self.object();
        // SAFETY: the object is of this file, and only compares the variable
        let set = unsafe { side.set_variable(&bytes, gup_controls::VARIABLE, nr as u32) };
        assert!(set, "{}: no fault can be selected", self.recipe.name);
        side
    }
}

/// What is found on a changed kernel, with programs of some layers.
pub fn hunt_on(side: CSide, corpus: &Corpus, focus: Focus, limit: u64) -> Option<Catch> {
    let right = side.info().counterpart.clone().expect("a kernel has rules");
    let right = side::open(&right).expect("the rules exist");
    let mut oracle = Oracle::new(Pair {
        left: Box::new(side),
        right,
    });
    campaign(&mut oracle, corpus, focus, limit)
}

/// The controls of a kind that a kernel has the code of.
pub fn controls_of<'c>(all: &'c [Control], kind: Kind, base: &str) -> Vec<&'c Control> {
    let (named, on) = only().unwrap_or_default();
    let wanted = all.iter().filter(|control| {
        control.kind == kind
            && control.name.starts_with(&named)
            && on.as_ref().is_none_or(|on| on == base)
            && is_in(control, base)
    });
    wanted.collect()
}
