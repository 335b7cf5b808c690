// SPDX-License-Identifier: GPL-2.0
//! Explains why two kernels differ on a program: by which rules.
//!
//! The program is run under the rules of the left kernel with one rule, or as few rules as
//! possible, replaced by those of the right kernel.  If the trace is then the same as that
//! of the right kernel, these rules are the reason.

use std::collections::BTreeMap;
use std::fmt;

use gup::{Rule, Rules};

use crate::accepted::{Accepted, RevisionPair};
use crate::compare::{Comparer, Divergence, Outcome};
use crate::explain::candidates;
use crate::oracle::{Oracle, Which};
use crate::program::Program;
use crate::rev::Rev;
use crate::side::rust::{RustSide, Taken, Variant, release};
use crate::side::{Pair, Side, SideInfo};
use crate::trace::Trace;

/// Number of unexplained programs of one kind of difference that get a full search.
const IN_FULL: usize = 200;

/// Rules that change the recorded call of the slow path, and so every program that calls
/// it.  They are only a reason if no other rule is.
const WORDING: [&str; 2] = ["foll", "slow_path_locks"];

/// CONFIG_DEBUG_VM, which can explain a difference like a rule.
static DEBUG_VM: Rule = Rule {
    name: "CONFIG_DEBUG_VM",
    about: "VM_BUG_ON(), VM_WARN_ON() and the check of pinned pages are compiled in.",
    same: |a, b| a.debug_vm == b.debug_vm,
    take: |into, from| into.debug_vm = from.debug_vm,
};

/// The other options of the configuration.
static CONFIG: Rule = Rule {
    name: "configuration",
    about: "Options of the configuration that the code under test depends on.",
    same: |a, b| a.config == b.config,
    take: |into, from| into.config = from.config,
};

/// The names of functions in WARNs and BUGs.
static REVISION: Rule = Rule {
    name: "names_of_functions",
    about: "Functions, and the WARNs and BUGs in them, have the names of that kernel.",
    same: |a, b| a.revision == b.revision,
    take: |into, from| into.revision = from.revision,
};

/// Why a program differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// With these rules the left side behaves like the right one.
    Rules(Vec<Name>),
    /// Not even with all rules of the right side.
    None,
    /// This side does not follow its own rules.
    NotReproduced(Which),
}

/// A rule, and a kernel that has the right side's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The rule's name.
    pub rule: &'static str,
    /// The kernel's name.
    pub from: &'static str,
}

impl Name {
    /// The name of a replaced rule.
    pub fn of(taken: &Taken) -> Self {
        Self {
            rule: taken.rule.name,
            from: release(&taken.from),
        }
    }

    /// The rule's description.
    pub fn about(&self) -> &'static str {
        let mut all = Rules::list().chain([&DEBUG_VM, &CONFIG, &REVISION]);
        all.find(|rule| rule.name == self.rule)
            .map_or("", |rule| rule.about)
    }
}

/// `huge_records_last (as in 6.12)`.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (as in {})", self.rule, self.from)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules(names) => {
                f.write_str("explained by ")?;
                for (i, name) in names.iter().enumerate() {
                    let comma = if i == 0 { "" } else { " and " };
                    write!(f, "{comma}{name}")?;
                }
                Ok(())
            }
            Self::None => f.write_str("NOT explained by a rule"),
            Self::NotReproduced(which) => write!(
                f,
                "NOT explained by a rule: the {} side does not follow its rules here",
                which.name()
            ),
        }
    }
}

/// Finds reasons.
pub struct Reasons {
    left: Variant,
    /// The candidates: rules of the right side with other values.  Those of [`WORDING`]
    /// come first.
    differing: Vec<Taken>,
    /// Number of candidates from [`WORDING`], which are always replaced.
    wording: usize,
    /// The kernels have the same rules, and one of them is changed: candidates are taken
    /// from all kernels.
    is_change: bool,
    /// The left kernel's rules, and the right one's.
    own: [RustSide; 2],
    /// With [`WORDING`] replaced, and with one more rule each.
    worded: RustSide,
    singles: Vec<RustSide>,
    /// With several rules, by their indices.
    several: BTreeMap<Vec<usize>, RustSide>,
    /// For sets that are tried only once.
    spare: Option<RustSide>,
    /// Reasons found before, by kind of difference.
    found: BTreeMap<Kind, Vec<Vec<usize>>>,
    without: BTreeMap<Kind, usize>,
    comparer: Comparer,
    trace: Trace,
}

/// The operation and the name of the field.
type Kind = (Option<u8>, &'static str);

/// A difference to explain: the traces of both sides, and the first difference.
#[derive(Clone, Copy)]
struct Shown<'a> {
    program: &'a Program,
    traces: [&'a Trace; 2],
    revs: [Rev; 2],
    at: usize,
}

impl Reasons {
    /// For these sides; `None` if one of them has no rules.
    pub fn of(pair: &Pair) -> Option<Self> {
        let left = variant(pair.left.info())?;
        let right = variant(pair.right.as_ref()?.info())?;
        if left.base.is_series() || right.base.is_series() {
            return None;
        }
        let (now, other) = (left.rules(), right.rules());
        // What can be done without is tried from the end.
        let all = Rules::list().chain([&DEBUG_VM, &CONFIG, &REVISION]);
        let all = all.filter(|rule| !(rule.same)(&now, &other));
        let mut differing: Vec<Taken> = all.map(|rule| Taken { rule, from: other }).collect();
        let is_change = differing.is_empty();
        if is_change {
            differing = candidates(&left).collect();
        }
        let is_wording = |taken: &Taken| !is_change && WORDING.contains(&taken.rule.name);
        differing.sort_by_key(|taken| !is_wording(taken));
        let wording = differing.iter().filter(|taken| is_wording(taken)).count();
        let own = [&left, &right].map(side);
        let worded = left.with(&differing[..wording]);
        let singles = differing[wording..].iter();
        let singles = singles.map(|one| side(&worded.with(&[*one])));
        Some(Self {
            singles: singles.collect(),
            worded: side(&worded),
            wording,
            left,
            differing,
            is_change,
            own,
            several: BTreeMap::new(),
            spare: None,
            found: BTreeMap::new(),
            without: BTreeMap::new(),
            comparer: Comparer::default(),
            trace: Trace::new(),
        })
    }

    /// Explains the oracle's last program.  `None` if there is nothing to say: a changed
    /// kernel that differs from all known rules.
    pub fn reason(
        &mut self,
        oracle: &Oracle,
        program: &Program,
        difference: &Divergence,
    ) -> Option<Reason> {
        let shown = Shown::of(oracle, program, difference);
        let kind = (difference.class.op, difference.class.field.name());
        if !self.own_shows(Which::Left, shown) {
            return self.no_reason(Reason::NotReproduced(Which::Left));
        }
        if let Some(set) = self.search(kind, shown) {
            let reason = set.iter().filter(|&&i| i >= self.wording);
            let reason: Vec<&usize> = reason.collect();
            let names = match reason.is_empty() {
                true => set.iter().collect(),
                false => reason,
            };
            let names = names.into_iter().map(|&i| Name::of(&self.differing[i]));
            return Some(Reason::Rules(names.collect()));
        }
        match self.own_shows(Which::Right, shown) {
            true => self.no_reason(Reason::None),
            false => self.no_reason(Reason::NotReproduced(Which::Right)),
        }
    }

    fn no_reason(&self, reason: Reason) -> Option<Reason> {
        (!self.is_change).then_some(reason)
    }

    /// Tries single rules first, then sets that were found before, then a minimal set.
    fn search(&mut self, kind: Kind, shown: Shown) -> Option<Vec<usize>> {
        let nr = self.differing.len();
        if self.shows(&[], shown) {
            let mut wording: Vec<usize> = (0..self.wording).collect();
            self.drop_from(&mut wording, shown);
            return Some(wording);
        }
        let found = self.found.entry(kind).or_default().clone();
        let (singles, several): (Vec<_>, Vec<_>) = found.into_iter().partition(|s| s.len() == 1);
        if let Some(set) = singles.into_iter().find(|set| self.shows(set, shown)) {
            return Some(set);
        }
        let in_full = self.without.get(&kind).copied().unwrap_or(0) < IN_FULL;
        if in_full {
            let mut singles = (self.wording..nr).map(|i| vec![i]);
            if let Some(set) = singles.find(|set| self.shows(set, shown)) {
                return Some(self.keep(kind, set));
            }
        }
        if let Some(set) = several.into_iter().find(|set| self.shows(set, shown)) {
            return Some(set);
        }
        if in_full && !self.is_change {
            let mut set: Vec<usize> = (0..nr).collect();
            if self.shows_once(&set, shown) {
                self.drop_from(&mut set, shown);
                return Some(self.keep(kind, set));
            }
        }
        *self.without.entry(kind).or_default() += 1;
        None
    }

    /// Removes rules that are not needed, the last first.
    fn drop_from(&mut self, set: &mut Vec<usize>, shown: Shown) {
        for i in (0..set.len()).rev() {
            let mut less = set.clone();
            less.remove(i);
            if self.shows_once(&less, shown) {
                *set = less;
            }
        }
    }

    fn keep(&mut self, kind: Kind, set: Vec<usize>) -> Vec<usize> {
        self.found.entry(kind).or_default().push(set.clone());
        set
    }

    /// Do the left rules with these replacements behave like the right side?
    fn shows(&mut self, set: &[usize], shown: Shown) -> bool {
        let side = match set {
            [] => &mut self.worded,
            [one] if *one >= self.wording => &mut self.singles[*one - self.wording],
            _ => {
                let made = || side(&with(&self.left, &self.differing, set));
                self.several.entry(set.to_vec()).or_insert_with(made)
            }
        };
        side.run(shown.program, &mut self.trace);
        let rev = side.info().rev;
        shown.agrees(&mut self.comparer, Which::Right, &self.trace, rev)
    }

    /// The same for a set that may not be tried again.
    fn shows_once(&mut self, set: &[usize], shown: Shown) -> bool {
        let variant = with(&self.left, &self.differing, set);
        let spare = self.spare.take().unwrap_or_else(|| side(&self.left));
        let mut side = spare.into_rules(variant.rules(), &variant.to_string());
        side.run(shown.program, &mut self.trace);
        let rev = side.info().rev;
        self.spare = Some(side);
        shown.agrees(&mut self.comparer, Which::Right, &self.trace, rev)
    }

    /// Does a side follow its rules?
    fn own_shows(&mut self, which: Which, shown: Shown) -> bool {
        let side = &mut self.own[which as usize];
        side.run(shown.program, &mut self.trace);
        let rev = shown.revs[which as usize];
        shown.agrees(&mut self.comparer, which, &self.trace, rev)
    }
}

impl<'a> Shown<'a> {
    fn of(oracle: &'a Oracle, program: &'a Program, difference: &Divergence) -> Self {
        let revisions = oracle.revisions();
        Self {
            program,
            traces: [oracle.left_trace(), oracle.right_trace()],
            revs: [revisions.left, revisions.right],
            at: difference.op_index,
        }
    }

    /// Is a trace that of a side, up to and including the operation?
    fn agrees(self, comparer: &mut Comparer, which: Which, trace: &Trace, rev: Rev) -> bool {
        let theirs = self.traces[which as usize];
        let revisions = RevisionPair {
            left: rev,
            right: self.revs[which as usize],
        };
        let program = &self.program.0;
        let mut accepted = Accepted::default();
        match comparer.compare(program, trace, theirs, revisions, &mut accepted) {
            Outcome::Differ(other) => other.op_index > self.at,
            Outcome::Absent { op_index } => op_index > self.at,
            // before the first difference there is no gap
            Outcome::Match | Outcome::Gap { .. } => true,
        }
    }
}

/// The rules of a side.
fn variant(info: &SideInfo) -> Option<Variant> {
    let own = info.name.strip_prefix("rust:");
    let other = || info.counterpart.as_deref()?.strip_prefix("rust:");
    Variant::named(own.or_else(other)?)
}

fn side(variant: &Variant) -> RustSide {
    RustSide::with_rules(variant.rules(), &variant.to_string())
}

fn with(left: &Variant, differing: &[Taken], set: &[usize]) -> Variant {
    let taken: Vec<Taken> = set.iter().map(|&i| differing[i]).collect();
    left.with(&taken)
}
