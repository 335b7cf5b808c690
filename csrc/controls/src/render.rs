// SPDX-License-Identifier: GPL-2.0
//! A control applied: the changed file, its diff, and its place in a build.

use std::path::{Path, PathBuf};
use std::{fs, io};

use similar::TextDiff;

/// One file of a kernel, as it is and as the control makes it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Path in the tree, e.g. `mm/gup.c`.
    pub file: String,
    /// The text in the tree.
    pub original: String,
    /// The text with the control applied.
    pub patched: String,
}

/// A directory that shadows the changed file in a compilation.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// The mm/gup.c to compile: the changed one, or a copy.
    pub gup_c: PathBuf,
    /// Directories to be searched for headers before any of the tree, by `-I`.
    pub include: [PathBuf; 2],
}

impl Rendered {
    /// The change as a unified diff for `patch -p1`.
    pub fn diff(&self) -> String {
        TextDiff::from_lines(&self.original, &self.patched)
            .unified_diff()
            .header(&format!("a/{}", self.file), &format!("b/{}", self.file))
            .to_string()
    }

    /// Write the changed file to `dir`, at its path in the tree.
    ///
    /// mm/gup.c comes along unless it is the changed file, because its
    /// `#include "internal.h"` looks next to itself before it looks at `-I`.
    pub fn write_shadow(&self, tree: &Path, dir: &Path) -> io::Result<Shadow> {
        let include = [dir.join("include"), dir.join("mm")];
        let gup_c = dir.join("mm/gup.c");
        for dir in &include {
            fs::create_dir_all(dir)?;
        }
        let changed = dir.join(&self.file);
        if let Some(parent) = changed.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&changed, &self.patched)?;
        if changed != gup_c {
            fs::write(&gup_c, fs::read(tree.join("mm/gup.c"))?)?;
        }
        Ok(Shadow { gup_c, include })
    }
}
