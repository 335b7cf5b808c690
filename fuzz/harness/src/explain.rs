// SPDX-License-Identifier: GPL-2.0
//! Finds the rules that a kernel follows.
//!
//! The Rust side knows some kernels.  A tree between two of them, or with backports,
//! follows some rules of the one and some of the other.  To find them, programs that differ
//! from the nearest known kernel are run under its rules with one or two rules replaced by
//! those of another kernel.  The replacement that brings the Rust side closest to the
//! tree's behaviour is kept; this is repeated until nothing differs or nothing helps.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use gup::{Rule, Rules};
use gup_sides::tree::Tree;
use gup_sides::{Recipe, Store};

use crate::accepted::Accepted;
use crate::compare::{self, Comparer, Outcome};
use crate::layer::Focus;
use crate::program::Program;
use crate::program::generate;
use crate::program::profile::Profile;
use crate::program::rng::Rng;
use crate::rev::Rev;
use crate::scope::Scope;
use crate::side::c::CSide;
use crate::side::rust::{self, RustSide, Taken, Variant};
use crate::side::{Error, Side};
use crate::trace::Trace;

/// Number of random programs, enough to distinguish kernels.
pub const PROGRAMS: u64 = 40_000;

/// Up to this number of replaced rules, the result is good enough.
const SHORT: usize = 3;

/// Number of differing samples of one kind, and of all kinds.
const OF_A_KIND: usize = 12;
const DIFFERING: usize = 400;
/// Number of agreeing samples, which show whether a rule breaks something.
const AGREEING: usize = 400;
/// Number of programs for choosing the nearest known kernel.
const NEAREST: u64 = 4_000;
/// Number of differing samples on which pairs of rules are tried.
const FOR_PAIRS: usize = 60;
/// How often new programs are generated under the rules found so far.
const ROUNDS: usize = 6;

/// The result.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The Rust side that is closest to the tree.
    pub rules: Variant,
    /// Number of random programs in the last comparison.
    pub programs: u64,
    /// Number of these that still differed.
    pub differing: u64,
}

impl Explained {
    /// Smaller is better.
    fn order(&self) -> (u64, usize) {
        (self.differing, self.rules.taken.len())
    }
}

/// A program with the tree's trace.
struct Sample {
    program: Program,
    left: Trace,
    /// Did it differ under the rules with which it was generated?
    differed: bool,
}

/// The tree under examination.
struct Examined {
    left: Box<dyn Side>,
    samples: Vec<Sample>,
    comparer: Comparer,
    trace: Trace,
    /// The last Rust side, for its memory.
    right: Option<RustSide>,
}

/// Finds the rules of the tree from which a side is made, unless they are stored already,
/// and stores them with the tree.  The tree is examined without the patch.
pub fn explain_tree(recipe: &Recipe, debug_vm: bool) -> Result<Option<Explained>, Error> {
    let store = Store::find();
    let Some(tree) = Tree::find(&store, &recipe.tree)? else {
        return Ok(None);
    };
    let known = known();
    if tree.rules_by() == Some(&known) {
        return Ok(None);
    }
    let unpatched = Recipe {
        overlay: None,
        ..recipe.clone()
    };
    let left = CSide::make(&unpatched, debug_vm)?;
    let found = explain(Box::new(left), &[], PROGRAMS);
    // DEBUG_VM is not part of the stored rules
    let mut rules = found.rules.clone();
    let base = Rules::by_name(rules.base.name()).unwrap_or(rules.base);
    rules.base = base.with_debug_vm(true);
    let rules = rules.to_string();
    tree.keep_rules(&rules, &known)?;
    Ok(Some(found))
}

/// A hash of all known kernels' rules: if it changes, stored rules may be outdated.
fn known() -> String {
    let mut hasher = DefaultHasher::new();
    format!("{:?}", Rules::KERNELS).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Finds the rules of a side with `programs` random programs per attempt, and with the
/// `given` ones.
pub fn explain(left: Box<dyn Side>, given: &[Program], programs: u64) -> Explained {
    let mut examined = Examined {
        left,
        samples: Vec::new(),
        comparer: Comparer::default(),
        trace: Trace::new(),
        right: None,
    };
    let mut bases: Vec<(u64, Variant)> = Vec::new();
    for base in examined.bases() {
        examined.samples.clear();
        bases.push((examined.draw(&base, given, NEAREST.min(programs), 1), base));
    }
    // the nearest one first: if few of its rules are replaced, the other is not tried
    bases.sort_by_key(|(differing, base)| (*differing, base.taken.len()));
    let mut best: Option<Explained> = None;
    for (_, base) in bases {
        let found = examined.explain_from(base, given, programs);
        let is_better = |best: &Explained| found.order() < best.order();
        if best.as_ref().is_none_or(is_better) {
            best = Some(found);
        }
        let is_short = |best: &Explained| best.differing == 0 && best.rules.taken.len() <= SHORT;
        if best.as_ref().is_some_and(is_short) {
            break;
        }
    }
    best.expect("there are known kernels")
}

impl Examined {
    /// The nearest known kernels in its configuration: the one of its version or before it,
    /// and the one after it.
    fn bases(&self) -> Vec<Variant> {
        let info = self.left.info();
        let known: Vec<Rules> = Rules::KERNELS
            .into_iter()
            .filter(|rules| rules.debug_vm == info.debug_vm)
            .collect();
        let after = known.iter().position(|rules| rust::rev(rules) > info.rev);
        let after = after.unwrap_or(known.len());
        let before = known[after.saturating_sub(1)].revision;
        // of the one before: all its point releases
        let first = known.iter().position(|rules| rules.revision == before);
        let last = known.len() - 1;
        let near = &known[first.unwrap_or(0)..=after.min(last)];
        let fitting = |rules: &Rules| self.fit(Variant::of(*rules).lacking(&info.lacks));
        near.iter().map(fitting).collect()
    }

    fn explain_from(&mut self, base: Variant, given: &[Program], programs: u64) -> Explained {
        self.samples.clear();
        let mut rules = base;
        let mut seed = 1;
        let mut found = self.draw(&rules, given, programs, seed);
        for _ in 0..ROUNDS {
            if found == 0 {
                break;
            }
            let better = self.improve(&rules);
            if better.taken.len() == rules.taken.len() {
                break;
            }
            rules = better;
            seed += 1;
            found = self.draw(&rules, given, programs, seed);
        }
        Explained {
            rules,
            programs: programs + given.len() as u64,
            differing: found,
        }
    }

    /// What a tree has, or has not, is no matter of trial.
    fn fit(&self, mut rules: Variant) -> Variant {
        let info = self.left.info();
        let has = |what: &str| !info.lacks.iter().any(|lack| lack == what);
        for (part, rule) in RustSide::PARTS {
            let fits = |rules: &Rules| RustSide::has_part(rules, part) == has(part);
            if fits(&rules.rules()) {
                continue;
            }
            let from = Rules::KERNELS.into_iter().find(fits);
            let taken = Rules::rule(rule).zip(from);
            rules
                .taken
                .extend(taken.map(|(rule, from)| Taken { rule, from }));
        }
        rules
    }

    /// Compares the given programs and random ones under some rules, and keeps differing
    /// and agreeing samples.  Returns the number of differing programs.
    fn draw(&mut self, rules: &Variant, given: &[Program], programs: u64, seed: u64) -> u64 {
        let mut right = RustSide::with_rules(rules.rules(), &rules.to_string());
        let info = self.left.info();
        let profile = Profile::new(info.rev).debug_vm(info.debug_vm);
        let profile = profile.focus(Focus::All);
        let profile = profile.retain(|op| self.left.has_op(op.id) && right.has_op(op.id));
        let scope = Scope::of_sides(self.left.as_ref(), &right);
        let mut rng = Rng::new(seed);
        let mut seen: BTreeMap<(Option<u8>, &'static str), usize> = BTreeMap::new();
        let (mut differing, mut agreeing) = (0, 0);
        for i in 0..given.len() as u64 + programs {
            let mut program = match given.get(i as usize) {
                Some(program) => *program,
                None => generate::program(&mut rng, &profile),
            };
            scope.narrow(&mut program);
            let mut left = Trace::new();
            self.left.run(&program, &mut left);
            right.run(&program, &mut self.trace);
            match self.differs(&program, &left, right.info().rev) {
                Some((_, class)) => {
                    differing += 1;
                    let times = seen.entry(class).or_default();
                    *times += 1;
                    let wanted = *times <= OF_A_KIND && self.samples.len() < DIFFERING + AGREEING;
                    if wanted {
                        self.sample(program, left, true);
                    }
                }
                None if agreeing < AGREEING && self.samples.len() < DIFFERING + AGREEING => {
                    agreeing += 1;
                    self.sample(program, left, false);
                }
                None => {}
            }
        }
        differing
    }

    fn sample(&mut self, program: Program, left: Trace, differed: bool) {
        self.samples.push(Sample {
            program,
            left,
            differed,
        });
    }

    /// The operation at which a trace differs from `self.trace`, and the field.
    fn differs(
        &mut self,
        program: &Program,
        left: &Trace,
        right: Rev,
    ) -> Option<(usize, (Option<u8>, &'static str))> {
        if compare::equal(left, &self.trace) {
            return None;
        }
        let revisions = crate::accepted::RevisionPair {
            left: self.left.info().rev,
            right,
        };
        let mut accepted = Accepted::default();
        let outcome =
            self.comparer
                .compare(&program.0, left, &self.trace, revisions, &mut accepted);
        match outcome {
            Outcome::Differ(d) => Some((d.op_index, (d.class.op, d.class.field.name()))),
            _ => None,
        }
    }

    /// The distance of some rules from the tree: for each sample, the share of the program
    /// after the first difference; summed up.  It need not be exact above `limit`.
    fn distance(&mut self, rules: &Variant, limit: u64) -> u64 {
        let mut right = self.right(rules);
        let samples = std::mem::take(&mut self.samples);
        let mut sum = 0;
        for sample in &samples {
            right.run(&sample.program, &mut self.trace);
            let differs = self.differs(&sample.program, &sample.left, right.info().rev);
            if let Some((index, _)) = differs {
                let nr = sample.program.nr_ops().max(1);
                sum += 1000 + 1000 * nr.saturating_sub(index) as u64 / nr as u64;
                if sum > limit {
                    break;
                }
            }
        }
        self.samples = samples;
        self.right = Some(right);
        sum
    }

    /// A Rust side with these rules.
    fn right(&mut self, rules: &Variant) -> RustSide {
        let (new, name) = (rules.rules(), rules.to_string());
        match self.right.take() {
            Some(right) => right.into_rules(new, &name),
            None => RustSide::with_rules(new, &name),
        }
    }

    /// Which candidates change what the samples show, each alone?
    fn effective(&mut self, rules: &Variant, singles: &[Taken]) -> Vec<bool> {
        let mut right = self.right(rules);
        let mut traces = Vec::new();
        for sample in &self.samples {
            right.run(&sample.program, &mut self.trace);
            traces.push(self.trace.as_bytes().to_vec());
        }
        self.right = Some(right);
        let mut effective = Vec::new();
        for taken in singles {
            let mut right = self.right(&rules.with(&[*taken]));
            effective.push(self.samples.iter().zip(&traces).any(|(sample, before)| {
                right.run(&sample.program, &mut self.trace);
                self.trace.as_bytes() != before
            }));
            self.right = Some(right);
        }
        effective
    }

    /// Replaces rules as long as that helps, then removes replacements that are not needed.
    fn improve(&mut self, rules: &Variant) -> Variant {
        let mut best = rules.clone();
        // differing samples distinguish rules faster than agreeing ones
        self.samples.sort_by_key(|sample| !sample.differed);
        let mut distance = self.distance(&best, u64::MAX);
        while distance > 0 {
            let singles: Vec<Taken> = candidates(&best).collect();
            let mut helping: Vec<(u64, Taken)> = Vec::new();
            for &one in &singles {
                let better = self.better(&best, &[one], distance);
                helping.extend(better.map(|(_, nearer)| (nearer, one)));
            }
            // most help one by one
            helping.sort_by_key(|(nearer, _)| *nearer);
            let before = distance;
            for (_, one) in helping {
                if let Some(better) = self.better(&best, &[one], distance) {
                    (best, distance) = better;
                }
            }
            if distance < before {
                continue;
            }
            // a pair is chosen by a part of the samples
            let pair = self.nearest_pair(&best, &singles);
            match pair.and_then(|pair| self.better(&best, &pair, distance)) {
                Some(better) => (best, distance) = better,
                None => break,
            }
        }
        for index in (0..best.taken.len()).rev() {
            let less = best.without(index);
            if self.distance(&less, distance) <= distance {
                best = less;
            }
        }
        best
    }

    /// The rules with more rules taken, and their distance, if it is below that.
    fn better(
        &mut self,
        rules: &Variant,
        taken: &[Taken],
        distance: u64,
    ) -> Option<(Variant, u64)> {
        let with = rules.with(taken);
        let nearer = self.distance(&with, distance);
        (nearer < distance).then_some((with, nearer))
    }

    /// The best candidate, if it is better than that.
    fn nearest(
        &mut self,
        rules: &Variant,
        mut limit: u64,
        tries: impl Iterator<Item = Vec<Taken>>,
    ) -> Option<Vec<Taken>> {
        let mut best = None;
        for taken in tries {
            let distance = self.distance(&rules.with(&taken), limit);
            if distance < limit {
                (limit, best) = (distance, Some(taken));
            }
        }
        best
    }

    /// Tries two rules at a time.  There are many pairs, so only a part of the samples is
    /// used, and one of the two must have an effect of its own.
    fn nearest_pair(&mut self, rules: &Variant, singles: &[Taken]) -> Option<Vec<Taken>> {
        let rest = self.samples.split_off(FOR_PAIRS.min(self.samples.len()));
        let effective = self.effective(rules, singles);
        let singles: Vec<_> = singles.iter().zip(effective).collect();
        let pairs = singles.iter().enumerate().flat_map(|(i, (a, is_a))| {
            let others = singles[i + 1..].iter();
            let others = others.filter(|(b, is_b)| b.rule.name != a.rule.name && (*is_a || *is_b));
            others.map(|(b, _)| vec![**a, **b])
        });
        let limit = self.distance(rules, u64::MAX);
        let found = self.nearest(rules, limit, pairs);
        self.samples.extend(rest);
        found
    }
}

/// All rules of other known kernels that differ from these rules, each value once: from the
/// kernel nearest to the base; point releases come last.
pub(crate) fn candidates(rules: &Variant) -> impl Iterator<Item = Taken> {
    let now = rules.rules();
    let mut known: Vec<Rules> = Rules::KERNELS.into_iter().filter(|k| k.debug_vm).collect();
    let place = |rules: &Rules| rules.revision as usize;
    known.sort_by_key(|k| (place(k).abs_diff(place(&now)), k.point));
    Rules::list().flat_map(move |rule: &'static Rule| {
        let mut values: Vec<Taken> = Vec::new();
        for &from in &known {
            let is_new = values.iter().all(|other| !(rule.same)(&other.from, &from));
            if is_new && !(rule.same)(&now, &from) {
                values.push(Taken { rule, from });
            }
        }
        values
    })
}
