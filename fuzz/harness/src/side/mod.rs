// SPDX-License-Identifier: GPL-2.0
//! Sides: implementations that run programs and produce traces.
//!
//! The name of a side is a string: `c:6.1` is kernel code, `rust:6.1` the reimplementation
//! with the rules of that revision, `live:6.1` a booted kernel, `so:PATH` a user's object,
//! `vectors:FILE` stored traces.  To add a kind of side, add a file here and a match arm in
//! [`open`] and in [`describe`], which does not open it.

pub mod c;
pub mod live;
pub mod replaced;
pub mod rust;
pub mod so;
pub mod vectors;

use std::fmt;

use crate::accepted::RevisionPair;
use crate::ops;
use crate::program::Program;
use crate::rev::Rev;
use crate::site::PlacedSite;
use crate::trace::Trace;

/// Runs programs.
///
/// The same program always gives the same trace, whatever ran before: a side starts from
/// the world that the program declares and keeps no state.  Two sides that behave alike
/// produce the same bytes.
pub trait Side {
    /// Describes the side.
    fn info(&self) -> &SideInfo;

    /// Runs `prog` and replaces the contents of `trace`.
    fn run(&mut self, prog: &Program, trace: &mut Trace);

    /// Announces the next programs, in order, to a side that is faster if it knows them.
    fn prefetch(&mut self, _progs: &[Program]) {}

    /// Every WARN and BUG that this side can report.
    fn sites(&self) -> &[PlacedSite];

    /// Does the side have the operation with this id?  If not, the comparison ends there.
    fn has_op(&self, id: u8) -> bool {
        let rev = self.info().rev;
        ops::info(id).is_some_and(|op| op.is_change || op.name(rev).is_some())
    }

    /// The name of a gap, by the number in a GAP record.
    fn gap(&self, index: u32) -> String {
        format!("gap {index}")
    }

    /// A function's name with the file and line of a site, if known.
    fn place(&self, id: crate::site::SiteId) -> String {
        match self.sites().iter().find(|s| s.id == id) {
            Some(site) => site.to_string(),
            None => id.to_string(),
        }
    }
}

/// The description of a side.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SideInfo {
    /// The string that opens it: `c:6.1`.
    pub name: String,
    /// The revision whose names and operations it has.
    #[serde(serialize_with = "as_text")]
    pub rev: Rev,
    /// Its point release: 118 for 6.12.118; for rules, the first one that has them.
    pub point: u16,
    /// Is CONFIG_DEBUG_VM on?
    pub debug_vm: bool,
    /// The kernel's release string, for sides made from a kernel.
    pub release: Option<String>,
    /// The sha256 of mm/gup.c.
    pub gup_sha256: Option<String>,
    /// The sha256 of the kernel's config.
    pub config_sha256: Option<String>,
    /// The matching `rust:` side.
    pub counterpart: Option<String>,
    /// The origin of its source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What the harness uses and this kernel lacks: functions, flags, configuration
    /// options.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// The compiler's first error about something missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl SideInfo {
    /// The file name of its patch, taken from its origin.
    pub fn patch(&self) -> Option<&str> {
        let (_, with) = self.origin.as_ref()?.rsplit_once(", with ")?;
        Some(with.split_once(" (sha256").map_or(with, |(name, _)| name))
    }

    /// Are options off that its revision has, and that change the handling of pages that
    /// exist in any case?  Then expectations need not hold.
    pub fn is_configured_otherwise(&self) -> bool {
        let names = [Some(&self.name), self.counterpart.as_ref()];
        names.into_iter().flatten().any(|name| name.contains(",-"))
    }
}

fn as_text<T: fmt::Display, S: serde::Serializer>(value: &T, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(value)
}

/// `{}` abbreviates hashes, `{:#}` does not.
impl fmt::Display for SideInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        match &self.release {
            Some(release) if self.rev.is_series() => write!(f, "  {release}")?,
            Some(release) => write!(f, "  Linux {release}")?,
            None if self.point > 0 => write!(f, "  the rules of {}.{}", self.rev, self.point)?,
            None => write!(f, "  the rules of {}", self.rev)?,
        }
        let debug_vm = if self.debug_vm { "on" } else { "off" };
        write!(f, ", DEBUG_VM {debug_vm}")?;
        let digits = if f.alternate() { 64 } else { 12 };
        let source = match self.rev.is_series() {
            true => "source",
            false => "gup.c",
        };
        for (what, sum) in [(source, &self.gup_sha256), ("config", &self.config_sha256)] {
            if let Some(sum) = sum {
                write!(f, ", {what} sha256 {}", sum.get(..digits).unwrap_or(sum))?;
            }
        }
        Ok(())
    }
}

/// Why a side could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An unknown name.
    #[error("unknown side `{name}`{}; known: {}", suggestion(.nearest), .known.join(" "))]
    Unknown {
        /// The requested name.
        name: String,
        /// A similar known name.
        nearest: Option<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A side cannot be compared with itself.
    #[error(
        "`{0}` cannot be compared with itself; give another side, or `none` to check only the laws"
    )]
    Itself(String),
    /// The side's memory could not be set up.
    #[error("the side cannot be started: {0}")]
    Start(#[from] std::io::Error),
    /// Its object could not be made.
    #[error(transparent)]
    Build(#[from] gup_sides::Error),
    /// Its object could not be loaded.
    #[error(transparent)]
    Load(#[from] csrc::LoadError),
    /// A booted kernel.
    #[error(transparent)]
    Live(#[from] live::Error),
    /// A file of vectors.
    #[error(transparent)]
    Vectors(#[from] vectors::Error),
    /// `none` as the left side.
    #[error("the left side cannot be `none`")]
    NoLeft,
    /// Both sides have no kernel function in common.
    #[error(
        "{side} has none of the functions that could be run{}; is it a kernel from 6.1 on?",
        first(.message)
    )]
    NothingToRun {
        /// The side with the fewest functions.
        side: String,
        /// The compiler's first error about what it lacks.
        message: Option<String>,
    },
}

fn first(message: &Option<String>) -> String {
    let message = message.as_ref();
    message.map_or_else(String::new, |m| {
        format!(" (the compiler's first error: {m})")
    })
}

fn suggestion(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!(" (did you mean `{name}`?)"),
        None => String::new(),
    }
}

/// Describes all sides, in the order in which to list them.
pub fn list() -> Vec<SideInfo> {
    let mut all = c::infos();
    all.extend(rust::infos());
    all.extend(live::infos());
    all
}

/// Describes a side without opening it; `None` for `none`.
pub fn describe(name: &str) -> Result<Option<SideInfo>, Error> {
    if name == "none" {
        return Ok(None);
    }
    if let Some(kernel) = name.strip_prefix("c:")
        && let Some(info) = c::info(kernel)?
    {
        return Ok(Some(info));
    }
    if let Some(info) = rust::describe(name) {
        return Ok(Some(info));
    }
    if let Some(path) = name.strip_prefix(so::PREFIX) {
        return so::describe(path).map(Some);
    }
    if let Some(path) = name.strip_prefix(vectors::PREFIX) {
        return Ok(Some(vectors::VectorsSide::open(path)?.info().clone()));
    }
    let found = live::infos().into_iter().find(|info| info.name == name);
    found.map(Some).ok_or_else(|| unknown(name))
}

/// Opens a side by its name; `None` for `none`.
pub fn open(name: &str) -> Result<Option<Box<dyn Side>>, Error> {
    if name == "none" {
        return Ok(None);
    }
    if let Some(kernel) = name.strip_prefix("c:")
        && let Some(side) = c::CSide::open(kernel)?
    {
        return Ok(Some(Box::new(side)));
    }
    if let Some(side) = (replaced::current().open_rust)(name) {
        return Ok(Some(side));
    }
    if let Some(path) = name.strip_prefix(so::PREFIX) {
        return Ok(Some(Box::new(so::SoSide::open(path)?)));
    }
    if let Some(path) = name.strip_prefix(vectors::PREFIX) {
        return Ok(Some(Box::new(vectors::VectorsSide::open(path)?)));
    }
    if let Some(kernel) = name.strip_prefix("live:") {
        return Ok(Some(Box::new(live::LiveSide::open(kernel)?)));
    }
    Err(unknown(name))
}

fn unknown(name: &str) -> Error {
    let mut known: Vec<String> = list().into_iter().map(|info| info.name).collect();
    known.push("none".into());
    let distance = |known: &str| {
        let with_prefix = strsim::damerau_levenshtein(name, known);
        // `6.1` for `c:6.1`
        let without = known
            .split_once(':')
            .map_or(usize::MAX, |(_, k)| strsim::damerau_levenshtein(name, k));
        with_prefix.min(without.saturating_add(1))
    };
    let nearest = known
        .iter()
        .map(|k| (distance(k), k))
        .min()
        .filter(|(d, _)| *d <= 3)
        .map(|(_, k)| k.clone());
    Error::Unknown {
        name: name.into(),
        nearest,
        known,
    }
}

/// The default left side: the first prepared kernel, else the Rust side of the first known
/// one.
pub fn default_left() -> String {
    let mut kernels = c::infos().into_iter().filter(|i| !i.rev.is_series());
    match kernels.next() {
        Some(info) => info.name,
        None => format!("rust:{}", gup_sides::tree::default_kernel()),
    }
}

/// The default right side for a left one: the Rust side of the same revision and
/// configuration; for a Rust side, the kernel of that name.
pub fn default_right(left: &str) -> String {
    if let Some(name) = left.strip_prefix("rust:") {
        return format!("c:{name}");
    }
    let described = describe(left).ok().flatten();
    let counterpart = described.and_then(|info| info.counterpart);
    counterpart.unwrap_or_else(|| "none".into())
}

/// Two sides to compare; the right one may be absent.
pub struct Pair {
    /// The left side.
    pub left: Box<dyn Side>,
    /// The right side; without it only the laws are checked.
    pub right: Option<Box<dyn Side>>,
}

impl Pair {
    /// Opens both sides.
    pub fn open(left: &str, right: &str) -> Result<Self, Error> {
        if left == right {
            return Err(match left {
                "none" => Error::NoLeft,
                _ => Error::Itself(left.into()),
            });
        }
        let pair = Self {
            left: open(left)?.ok_or(Error::NoLeft)?,
            right: open(right)?,
        };
        pair.check_that_something_can_be_run()?;
        Ok(pair)
    }

    /// Opens both sides; missing names get the defaults.
    pub fn open_or_default(left: Option<&str>, right: Option<&str>) -> Result<Self, Error> {
        let left = left.map_or_else(default_left, Into::into);
        let right = match right {
            Some(right) => right.into(),
            None => {
                // report errors of the left side first
                describe(&left)?;
                default_right(&left)
            }
        };
        Self::open(&left, &right)
    }

    /// The revisions of the sides; a side that is alone is compared with none.
    pub fn revisions(&self) -> RevisionPair {
        let left = self.left.info().rev;
        let right = self.right.as_ref().map_or(left, |r| r.info().rev);
        RevisionPair { left, right }
    }

    /// Do both sides have the operation with this id?
    pub fn has_op(&self, id: u8) -> bool {
        let right = self.right.as_ref();
        self.left.has_op(id) && right.is_none_or(|right| right.has_op(id))
    }

    fn check_that_something_can_be_run(&self) -> Result<(), Error> {
        let functions = || ops::table().iter().filter(|op| !op.is_change);
        if functions().any(|op| self.has_op(op.id)) {
            return Ok(());
        }
        let sides = [Some(&self.left), self.right.as_ref()];
        let poorest = sides
            .into_iter()
            .flatten()
            .min_by_key(|side| functions().filter(|op| side.has_op(op.id)).count());
        let info = poorest.unwrap_or(&self.left).info();
        Err(Error::NothingToRun {
            side: info.name.clone(),
            message: info.message.clone(),
        })
    }

    /// The name of the right side.
    pub fn right_name(&self) -> &str {
        self.right.as_ref().map_or("none", |r| &r.info().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(left: &str, right: &str) -> String {
        match Pair::open(left, right) {
            Ok(_) => panic!("{left} and {right} were opened"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_side_is_not_compared_with_itself() {
        assert!(error("rust:6.1", "rust:6.1").contains("itself"));
        assert!(error("none", "none").contains("left"));
    }

    /// A side that has world changes only.
    struct Empty(SideInfo);

    impl Side for Empty {
        fn info(&self) -> &SideInfo {
            &self.0
        }
        fn run(&mut self, _: &Program, _: &mut Trace) {}
        fn sites(&self) -> &[PlacedSite] {
            &[]
        }
        fn has_op(&self, id: u8) -> bool {
            ops::info(id).is_some_and(|op| op.is_change)
        }
    }

    #[test]
    fn a_side_without_any_function_is_an_error_with_the_compilers_words() {
        let mut info = describe("rust:6.1").unwrap().unwrap();
        info.message = Some("mm/gup.c:1:1: error: no".into());
        let pair = Pair {
            left: Box::new(Empty(info)),
            right: open("rust:6.12").unwrap(),
        };
        let message = pair.check_that_something_can_be_run().unwrap_err();
        let message = message.to_string();
        assert!(message.contains("none of the functions"), "{message}");
        assert!(message.contains("gup.c:1:1: error: no"), "{message}");
    }

    #[test]
    fn an_unknown_side_lists_what_exists() {
        let message = error("rust:6.1", "rust:6.2-nodebug");
        assert!(message.contains("`rust:6.2-nodebug`"), "{message}");
        assert!(message.contains("did you mean `rust:6.1"), "{message}");
        assert!(message.contains("none"), "{message}");
        assert!(!error("rust:6.1", "completely different").contains("did you mean"));
    }

    #[test]
    fn a_rust_side_is_configured_by_its_name() {
        let info = describe("rust:6.12,-CMA,-SECRETMEM").unwrap().unwrap();
        assert!(info.is_configured_otherwise());
        assert!(
            !describe("rust:6.12")
                .unwrap()
                .unwrap()
                .is_configured_otherwise()
        );
        // one that decides nothing on the Rust side is a mistake
        assert!(describe("rust:6.12,-KSM").is_err());
    }
}
