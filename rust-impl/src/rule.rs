// SPDX-License-Identifier: GPL-2.0
//! Rules as a list: the name of each rule, and how to copy one rule from other [`Rules`].
//!
//! A kernel between two known ones, a maintainer's tree and a tree with backports have some
//! rules of the one known kernel and some of the other.

use crate::rules::Rules;
use crate::slow::rules::SlowRules;
use crate::walk::rules::WalkRules;

/// One field of [`Rules`], [`WalkRules`] or [`SlowRules`].
#[derive(Clone, Copy)]
pub struct Rule {
    /// The field's name.
    pub name: &'static str,
    /// The field's doc comment, on one line.
    pub about: &'static str,
    /// Do two kernels have the same value?
    pub same: fn(&Rules, &Rules) -> bool,
    /// Copies the value from the second into the first.
    pub take: fn(&mut Rules, &Rules),
}

impl Rules {
    /// Every rule.
    pub fn list() -> impl Iterator<Item = &'static Rule> {
        let walk = WalkRules::RULES.iter();
        Rules::RULES.iter().chain(walk).chain(SlowRules::RULES)
    }

    /// Finds a rule by its name.
    pub fn rule(name: &str) -> Option<&'static Rule> {
        Rules::list().find(|rule| rule.name == name)
    }
}

/// Declares a struct and a [`Rule`] for each field that is not in `fixed`.  The parentheses
/// hold the field of [`Rules`] that contains the struct; they are empty for [`Rules`] itself.
macro_rules! rules {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $place:tt {
            $(fixed { $($(#[$fixed_meta:meta])* pub $fixed:ident: $fixed_ty:ty,)* })?
            $($(#[doc = $doc:literal])* pub $rule:ident: $ty:ty,)*
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($($(#[$fixed_meta])* pub $fixed: $fixed_ty,)*)?
            $($(#[doc = $doc])* pub $rule: $ty,)*
        }

        impl $name {
            pub(crate) const RULES: &'static [$crate::rule::Rule] = &[$($crate::rule::Rule {
                name: stringify!($rule),
                about: concat!($($doc),*),
                same: |a, b| {
                    $crate::rule::held!($place a).$rule == $crate::rule::held!($place b).$rule
                },
                take: |into, from| {
                    $crate::rule::held!($place into).$rule =
                        $crate::rule::held!($place from).$rule;
                },
            }),*];
        }
    };
}

/// The struct of [`Rules`] that contains the field.
macro_rules! held {
    (() $rules:ident) => {
        $rules
    };
    (($place:ident) $rules:ident) => {
        $rules.$place
    };
}

pub(crate) use {held, rules};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES_6_1, RULES_6_12, RULES_7_3};
    use alloc::vec::Vec;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_what_it_is() {
        let mut names: Vec<&str> = Rules::list().map(|rule| rule.name).collect();
        assert!(names.len() > 30);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rules::list().count());
        assert!(Rules::list().all(|rule| rule.about.len() > 20));
    }

    #[test]
    fn a_rule_is_taken_and_nothing_else() {
        let rule = Rules::rule("folios_without_mapping_pass").unwrap();
        let mut rules = RULES_7_3;
        assert!(!(rule.same)(&rules, &RULES_6_12));
        (rule.take)(&mut rules, &RULES_6_12);
        assert!((rule.same)(&rules, &RULES_6_12));
        let changed = Rules::list().filter(|rule| !(rule.same)(&rules, &RULES_7_3));
        assert_eq!(changed.count(), 1);
    }

    /// Copying all rules of a kernel gives that kernel.
    #[test]
    fn all_rules_of_a_kernel_are_that_kernel() {
        let mut rules = RULES_6_1;
        Rules::list().for_each(|rule| (rule.take)(&mut rules, &RULES_7_3));
        rules.revision = RULES_7_3.revision;
        assert_eq!(alloc::format!("{rules:?}"), alloc::format!("{RULES_7_3:?}"));
    }
}
