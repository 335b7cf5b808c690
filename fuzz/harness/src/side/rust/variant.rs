// SPDX-License-Identifier: GPL-2.0
//! Variants: a known kernel's rules with some rules of other kernels, and their names.

use std::fmt;

use gup::{Config, Rule, Rules};

/// A rule that is taken from another kernel.
#[derive(Clone, Copy)]
pub struct Taken {
    /// The rule.
    pub rule: &'static Rule,
    /// A kernel with this value.
    pub from: Rules,
}

/// A known kernel's rules with some rules of other kernels.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The base: a known kernel.
    pub base: Rules,
    /// The rules that are taken from other kernels.
    pub taken: Vec<Taken>,
}

impl Variant {
    /// An unchanged known kernel.
    pub fn of(base: Rules) -> Self {
        Self {
            base,
            taken: Vec::new(),
        }
    }

    /// Parses a name: a revision, `-nodebug`, rules of other revisions, and options that
    /// are off (`7.3,huge_records_last=6.12,-SECRETMEM`).
    pub fn named(name: &str) -> Option<Self> {
        let (base, taken) = name.split_once(',').unwrap_or((name, ""));
        let mut variant = Self::of(Rules::by_name(base)?);
        for one in taken.split(',').filter(|one| !one.is_empty()) {
            if let Some(option) = one.strip_prefix('-') {
                if !variant.base.config.turn_off(option) {
                    return None;
                }
                continue;
            }
            let (rule, from) = one.split_once('=')?;
            let (rule, from) = (Rules::rule(rule)?, Rules::by_name(from)?);
            variant.taken.push(Taken { rule, from });
        }
        Some(variant)
    }

    /// The resulting rules.
    pub fn rules(&self) -> Rules {
        let mut rules = self.base;
        for taken in &self.taken {
            (taken.rule.take)(&mut rules, &taken.from);
        }
        rules
    }

    /// Turns off the options that a kernel lacks, given by `CONFIG_` names.
    pub fn lacking(mut self, lacks: &[String]) -> Self {
        for option in lacks.iter().filter_map(|l| l.strip_prefix("CONFIG_")) {
            // most options do not matter to the Rust side
            self.base.config.turn_off(option);
        }
        self
    }

    /// With more rules taken.
    pub fn with(&self, taken: &[Taken]) -> Self {
        let mut new = self.clone();
        new.taken.extend_from_slice(taken);
        new
    }

    /// Without one of the taken rules.
    pub fn without(&self, index: usize) -> Self {
        let mut new = self.clone();
        new.taken.remove(index);
        new
    }
}

/// The release of rules, without the configuration.
pub(crate) fn release(rules: &Rules) -> &'static str {
    rules.with_debug_vm(true).name()
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.rule.name, release(&self.from))
    }
}

impl fmt::Debug for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The side's name without `rust:`.
impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.name())?;
        let mut taken = self.taken.iter();
        taken.try_for_each(|taken| write!(f, ",{taken}"))?;
        // leave out what the revision does not have anyway
        let usual = Rules::by_name(self.base.name()).map_or(Config::FULL, |usual| usual.config);
        let is_off = |name: &&&str| usual.has(name) && !self.base.config.has(name);
        let mut without = Config::NAMES.iter().filter(is_off);
        without.try_for_each(|name| write!(f, ",-{name}"))
    }
}
