// SPDX-License-Identifier: GPL-2.0
//! Copies a crate's source, file by file, with the edits made.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::list::{self, Fault};
use super::rewrite::{self, Planted};
use super::syntax;

/// Copies all files of `from` to `to`; edits that do not fit go to `errors`.
///
/// `lib.rs` loses its attributes and documentation: the copy is included by a
/// crate root that has its own.
pub fn copy(from: &Path, to: &Path, faults: &[Fault], errors: &mut Vec<String>) -> Result<()> {
    // of files that are gone; the first time there is nothing
    let _ = fs::remove_dir_all(to);
    for path in list::files(from)? {
        let file = path.strip_prefix(from)?;
        let name = file.to_str().context("a file name that is no text")?;
        let text = fs::read_to_string(&path)?;
        let planted = planted_in(name, faults);
        let mut text = match rewrite::rewrite(&text, &planted) {
            Ok(text) => text,
            Err(wrong) => {
                errors.extend(wrong.iter().map(|e| format!("src/{name}: {e}")));
                continue;
            }
        };
        if name == "lib.rs" {
            text = syntax::without_inner_attributes(&text)?;
        }
        let target = to.join(file);
        fs::create_dir_all(target.parent().context("no folder")?)?;
        fs::write(target, text)?;
    }
    for fault in faults {
        for edit in &fault.edits {
            if !from.join(&edit.file).is_file() {
                errors.push(format!(
                    "src/{}: fault {}: no such file",
                    edit.file, fault.name
                ));
            }
        }
    }
    Ok(())
}

fn planted_in<'a>(file: &str, faults: &'a [Fault]) -> Vec<Planted<'a>> {
    let mut planted = Vec::new();
    for (number, fault) in faults.iter().enumerate() {
        let here = fault.edits.iter().filter(|edit| edit.file == file);
        planted.extend(here.map(|edit| Planted {
            number,
            fault: &fault.name,
            edit,
        }));
    }
    planted
}
