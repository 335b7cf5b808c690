// SPDX-License-Identifier: GPL-2.0
//! The declarations in `edits/`.
//!
//! `edits/walk/pte.toml` has the faults of `src/walk/pte.rs`, and so on.  Keys
//! at the top of a file hold for all its faults, unless one says otherwise:
//!
//! * `since`, `until`: the first and the last revision that the fault makes a
//!   difference to; kernels, if nothing is said.
//! * `layer`: what it takes to see it, `page` (the default), `lockless` (the lockless walk,
//!   or a hook point) or `slow` (the slow path).
//!
//! A `[[fault]]` has, besides these:
//!
//! * `name`, and `about`: what is wrong, in a line.
//! * `debug_vm`: it shows only with CONFIG_DEBUG_VM.
//! * `except`: rules that it makes no difference to all the same.
//! * its edit: in `function`, the expression or statement `at`, which must be
//!   there once, becomes `with` (nothing, if that is empty); or `insert` is put
//!   before it.
//! * `[[fault.also]]`: more edits, which may be in another `file`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::syntax;

/// A fault, with all that is declared of it.
#[derive(Debug)]
pub struct Fault {
    pub name: String,
    pub about: String,
    pub layer: Layer,
    pub since: String,
    pub until: Option<String>,
    pub debug_vm: bool,
    pub except: Vec<String>,
    pub edits: Vec<Edit>,
}

/// What it takes to see a fault.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    #[default]
    Page,
    Lockless,
    Slow,
}

/// A change of one place.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Below `src`.
    pub file: String,
    pub function: String,
    /// The expression or statement.
    pub at: String,
    pub change: Change,
}

/// What to do with an expression or a statement.
#[derive(Clone, Debug)]
pub enum Change {
    /// Something else in its place.
    With(String),
    /// Something else before it.
    Insert(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declarations {
    #[serde(default)]
    layer: Layer,
    since: Option<String>,
    until: Option<String>,
    #[serde(rename = "fault")]
    faults: Vec<Declaration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    name: String,
    about: String,
    layer: Option<Layer>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    debug_vm: bool,
    #[serde(default)]
    except: Vec<String>,
    function: String,
    at: String,
    with: Option<String>,
    insert: Option<String>,
    #[serde(default)]
    also: Vec<DeclaredEdit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredEdit {
    file: Option<String>,
    function: String,
    at: String,
    with: Option<String>,
    insert: Option<String>,
}

/// The first kernel; revisions before it are those of the FOLL_PIN series.
const FIRST_KERNEL: &str = "5.10";

/// All faults that a folder declares, file by file.
pub fn read(edits: &Path) -> Result<Vec<Fault>> {
    let mut faults: Vec<Fault> = Vec::new();
    for file in files(edits)? {
        let source = file.strip_prefix(edits)?.with_extension("rs");
        let source = source.to_str().context("a file name that is no text")?;
        let text = fs::read_to_string(&file)?;
        let declared = parse(&text, source).with_context(|| format!("{}", file.display()))?;
        for fault in declared {
            if faults.iter().any(|other| other.name == fault.name) {
                bail!("{}: a second fault {}", file.display(), fault.name);
            }
            faults.push(fault);
        }
    }
    Ok(faults)
}

/// The files below a folder, in order.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(files(&entry)?);
        } else {
            found.push(entry);
        }
    }
    Ok(found)
}

/// The faults that a text declares; `source`: the file that they are in, unless
/// they say otherwise.
pub fn parse(text: &str, source: &str) -> Result<Vec<Fault>> {
    let file: Declarations = toml::from_str(text)?;
    let since = file.since.unwrap_or(FIRST_KERNEL.into());
    let mut faults = Vec::new();
    for declared in file.faults {
        let first = DeclaredEdit {
            file: None,
            function: declared.function,
            at: declared.at,
            with: declared.with,
            insert: declared.insert,
        };
        let edits = [first].into_iter().chain(declared.also);
        let edits = edits
            .map(|edit| edit.resolve(source))
            .collect::<Result<_>>()
            .with_context(|| format!("fault {}", declared.name))?;
        faults.push(Fault {
            name: declared.name,
            about: declared.about,
            layer: declared.layer.unwrap_or(file.layer),
            since: declared.since.unwrap_or(since.clone()),
            until: declared.until.or(file.until.clone()),
            debug_vm: declared.debug_vm,
            except: declared.except,
            edits,
        });
    }
    Ok(faults)
}

impl DeclaredEdit {
    fn resolve(self, source: &str) -> Result<Edit> {
        Ok(Edit {
            file: self.file.unwrap_or(source.into()),
            function: self.function,
            at: self.at,
            change: match (self.with, self.insert) {
                (Some(with), None) => Change::With(with),
                (None, Some(insert)) => Change::Insert(insert),
                _ => bail!("an edit has either `with` or `insert`"),
            },
        })
    }
}

/// The list as an expression in Rust; `source`: that of the revisions.
pub fn source(faults: &[Fault], source: &str, errors: &mut Vec<String>) -> Result<String> {
    let revisions = syntax::variants(source, "Revision")?;
    let mut list = String::from("&[\n");
    for (number, fault) in faults.iter().enumerate() {
        let Fault {
            name,
            about,
            layer,
            debug_vm,
            except,
            ..
        } = fault;
        let mut revision = |which: &str| {
            let variant = format!("V{}", which.trim_start_matches('v').replace('.', "_"));
            if !revisions.contains(&variant) {
                errors.push(format!(
                    "src/revision.rs: fault {name}: no revision {which}"
                ));
            }
            format!("Revision::{variant}")
        };
        let since = revision(&fault.since);
        let until = fault.until.as_deref().map(revision);
        let until = until.map_or("None".into(), |last| format!("Some({last})"));
        list += &format!(
            "Fault {{ number: {number}, name: {name:?}, about: {about:?}, layer: Layer::{layer:?}, \
             since: {since}, until: {until}, debug_vm: {debug_vm}, except: &{except:?} }},\n"
        );
    }
    Ok(list + "]\n")
}
