// SPDX-License-Identifier: GPL-2.0
//! Packed sides: the folder `PROGRAM.side` next to a program contains a side's object and its
//! description.  Such a target needs neither the kernel's tree nor a compiler; `fuzz/build.sh`
//! makes them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use csrc::Object;
use gup_sides::error::at;
use gup_sides::{Built, Flavour, Recipe, store};

use super::{described, load_object};
use crate::side::{self, Error, SideInfo};

/// The file with the recipe, in its folder.
const RECIPE: &str = "recipe.json";

/// A packed side.
pub(super) struct Packed {
    pub recipe: Recipe,
    pub built: Built,
}

impl Packed {
    fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(RECIPE);
        let recipe = fs::read(&path).map_err(at(&path))?;
        let damaged = |e: serde_json::Error| gup_sides::Error::Damaged(dir.into(), e.to_string());
        Ok(Self {
            recipe: serde_json::from_slice(&recipe).map_err(damaged)?,
            built: Built::read(dir)?,
        })
    }

    /// The side's name, without `c:`.
    pub fn name(&self) -> String {
        match self.built.description.debug_vm {
            true => self.recipe.name.clone(),
            false => format!("{}-nodebug", self.recipe.name),
        }
    }

    pub fn info(&self) -> SideInfo {
        described(&self.name(), &self.recipe, &self.built)
    }

    pub fn load(&self) -> Result<Object, Error> {
        load_object(&self.built)
    }
}

/// The packed side of this program.
pub(super) fn find() -> Result<Option<Packed>, Error> {
    let Ok(mut path) = std::env::current_exe().map(PathBuf::into_os_string) else {
        return Ok(None);
    };
    path.push(".side");
    let dir = PathBuf::from(path);
    match dir.is_dir() {
        true => Packed::read(&dir).map(Some),
        false => Ok(None),
    }
}

/// Packs the side of that name (without `c:`), compiled for an engine, into a folder, which is
/// replaced.
pub fn pack(name: &str, flavour: Flavour, into: &Path) -> Result<(), Error> {
    let unknown = || side::unknown(&format!("c:{name}"));
    let recipe = super::recipe(name)?.ok_or_else(unknown)?;
    let built = super::object(name, flavour)?.ok_or_else(unknown)?;
    let text = serde_json::to_vec_pretty(&recipe).map_err(io::Error::other);
    let scratch = store::scratch(into)?;
    for file in ["side.so", "side.json"] {
        let from = built.dir().join(file);
        fs::copy(&from, scratch.path().join(file)).map_err(at(&from))?;
    }
    let path = scratch.path().join(RECIPE);
    fs::write(&path, text.map_err(at(&path))?).map_err(at(&path))?;
    if into.exists() {
        fs::remove_dir_all(into).map_err(at(into))?;
    }
    Ok(store::publish(scratch, into)?)
}
