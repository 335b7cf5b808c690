// SPDX-License-Identifier: GPL-2.0
//! Controls: changes of kernel C that test the oracle itself.
//!
//! A *fault* is a small bug planted into one kernel function; a comparison
//! that does not find it does not look closely enough.  A *harmless* change
//! leaves the behaviour alone; a comparison that reports it looks at things
//! that do not matter.
//!
//! No kernel text is committed.  A control is data (`edits/*.toml`): which file
//! and function, which syntax node of it, and what to do with that node.
//! [`Control::render`] reads the file from a kernel tree and returns it as it
//! is and as it becomes.  A selector that does not match exactly one place is
//! an [`Error`], so that a control never goes stale without a word.

mod alternatives;
mod edit;
mod groups;
mod mutants;
mod render;
mod select;
mod syntax;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::Deserialize;

pub use alternatives::{DEFINITION, Selectable, VARIABLE, selectable};
use edit::Action;
pub use groups::{Group, groups};
pub use mutants::{Mutant, Selection, mutants, selectable_mutants};
pub use render::{Rendered, Shadow};
use select::At;

/// What a comparison has to say about a control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A planted bug: it must be found.
    #[default]
    Fault,
    /// Behaviour unchanged: nothing may be found.
    Harmless,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Fault => "fault",
            Kind::Harmless => "harmless",
        })
    }
}

/// A value that is the same for every kernel, or one from each of several kernels
/// on; the first one serves older kernels, too.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum PerKernel<T> {
    Same(T),
    Each(BTreeMap<String, T>),
}

impl<T> PerKernel<T> {
    fn get(&self, kernel: &str) -> Result<&T, String> {
        match self {
            PerKernel::Same(value) => Ok(value),
            PerKernel::Each(values) => values
                .iter()
                .filter(|(since, _)| version(since) <= version(kernel))
                .max_by_key(|(since, _)| version(since))
                .or_else(|| values.iter().min_by_key(|(since, _)| version(since)))
                .map(|(_, value)| value)
                .ok_or_else(|| "a table by kernel has no value".into()),
        }
    }
}

/// `6.12` as numbers, which order as kernels do.
fn version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = name.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// One control: an entry of `edits/*.toml`.  Strings that differ between
/// kernels are tables there: each value is that from its kernel on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// The control's name; unique, usable as a file name.
    pub name: String,
    /// One line on what the change does.
    pub about: String,
    /// Fault or harmless, by the table that declares it.
    #[serde(skip)]
    pub kind: Kind,
    /// The kernels that have the code, e.g. `6.1`.
    pub kernels: BTreeSet<String>,
    /// Does the change show only where `CONFIG_DEBUG_VM` is on?
    #[serde(default)]
    pub debug_vm: bool,
    file: PerKernel<String>,
    function: Option<PerKernel<String>>,
    /// Which definition, when `#if` branches define the function repeatedly.
    definition: Option<usize>,
    at: Option<At>,
    #[serde(rename = "do")]
    action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declarations {
    #[serde(default)]
    fault: Vec<Control>,
    #[serde(default)]
    harmless: Vec<Control>,
}

const EDITS: [&str; 22] = [
    include_str!("../edits/grab.toml"),
    include_str!("../edits/put.toml"),
    include_str!("../edits/predicates.toml"),
    include_str!("../edits/refs.toml"),
    include_str!("../edits/harmless.toml"),
    include_str!("../edits/walk-recheck.toml"),
    include_str!("../edits/walk-undo.toml"),
    include_str!("../edits/walk-checks.toml"),
    include_str!("../edits/walk-range.toml"),
    include_str!("../edits/walk-entry.toml"),
    include_str!("../edits/walk-harmless.toml"),
    include_str!("../edits/slow-vma.toml"),
    include_str!("../edits/slow-populate.toml"),
    include_str!("../edits/slow-memfd.toml"),
    include_str!("../edits/slow-fault.toml"),
    include_str!("../edits/slow-follow.toml"),
    include_str!("../edits/slow-hugetlb.toml"),
    include_str!("../edits/slow-loop.toml"),
    include_str!("../edits/slow-longterm.toml"),
    include_str!("../edits/slow-migration.toml"),
    include_str!("../edits/slow-mm.toml"),
    include_str!("../edits/slow-harmless.toml"),
];

/// All controls in the order of their declaration.
///
/// # Panics
///
/// When the embedded declarations are malformed; a test guards that.
pub fn load() -> Vec<Control> {
    let parsed = |text| parse(text).expect("edits/*.toml are well-formed");
    EDITS.into_iter().flat_map(parsed).collect()
}

/// The controls that a text like `edits/*.toml` declares: faults first.
///
/// # Errors
///
/// What the parser says of a malformed declaration.
pub fn parse(text: &str) -> Result<Vec<Control>, String> {
    let file: Declarations = toml::from_str(text).map_err(|e| e.to_string())?;
    let entries = [(Kind::Fault, file.fault), (Kind::Harmless, file.harmless)];
    Ok(entries
        .into_iter()
        .flat_map(|(kind, entries)| {
            let declared = move |entry| Control { kind, ..entry };
            entries.into_iter().map(declared)
        })
        .collect())
}

impl Control {
    /// Does this kernel (`6.1`, `7.3`) have the code?
    pub fn applies_to(&self, kernel: &str) -> bool {
        self.kernels.contains(kernel)
    }

    /// The function that is changed; none for changes of a whole file.
    pub fn function(&self, kernel: &str) -> Option<&str> {
        let function = self.function.as_ref()?;
        function.get(kernel).ok().map(String::as_str)
    }

    /// Apply the control to the source of `kernel` in `tree`, which is only read.
    pub fn render(&self, kernel: &str, tree: &Path) -> Result<Rendered, Error> {
        self.try_render(kernel, tree)
            .map_err(|what| self.error(kernel, what))
    }

    fn error(&self, kernel: &str, what: String) -> Error {
        Error {
            control: self.name.clone(),
            kernel: kernel.into(),
            what,
        }
    }

    /// The replacements in the file's text.
    fn splices(
        &self,
        kernel: &str,
        source: &syntax::Source,
    ) -> Result<Vec<syntax::Splice>, String> {
        let function = match &self.function {
            Some(name) => Some(select::function(
                source,
                name.get(kernel)?,
                self.definition,
            )?),
            None => None,
        };
        let node = match (&self.at, function) {
            (Some(at), Some(function)) => Some(at.find(source, function, kernel)?),
            (Some(_), None) => return Err("`at` needs a `function`".into()),
            (None, _) => None,
        };
        let place = edit::Place {
            source,
            function,
            node,
            kernel,
        };
        self.action.splices(&place)
    }

    fn try_render(&self, kernel: &str, tree: &Path) -> Result<Rendered, String> {
        if !self.applies_to(kernel) {
            return Err("is not declared for this kernel".into());
        }
        let file = self.file.get(kernel)?.clone();
        let path = tree.join(&file);
        let original =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let source = syntax::Source::parse(&original)?;
        let at_file = |what| format!("{file}: {what}");

        let splices = self.splices(kernel, &source).map_err(at_file)?;
        let patched = source.splice(&splices)?;
        if patched == original {
            return Err(at_file("the change changes nothing".into()));
        }
        let broken = source.reparse(&splices, &patched)?.errors();
        if broken > source.errors() {
            return Err(at_file("the changed file no longer parses".into()));
        }
        Ok(Rendered {
            file,
            original,
            patched,
        })
    }
}

/// A control that cannot be applied to a tree.
#[derive(Clone, Debug)]
pub struct Error {
    /// Name of the control.
    pub control: String,
    /// The kernel asked for.
    pub kernel: String,
    /// What was found instead.
    pub what: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error {
            control,
            kernel,
            what,
        } = self;
        write!(f, "control {control} on {kernel}: {what}")
    }
}

impl std::error::Error for Error {}
