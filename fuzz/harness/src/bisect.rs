// SPDX-License-Identifier: GPL-2.0
//! Bisection: finds the commit, or the patch of a series, that introduces a difference.
//! Commits that cannot be tested are skipped.

use std::collections::BTreeSet;
use std::path::Path;

use gup_sides::git;

/// The result of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tested {
    /// Behaves like the good one.
    Good,
    /// Behaves like the bad one.
    Bad,
    /// It could not be tested, and why.
    Skipped(String),
}

/// The first bad one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First<T> {
    /// The earliest commit that is known to be bad.
    pub bad: T,
    /// The skipped commits before it, which may be the first bad one instead.
    pub skipped: Vec<T>,
}

/// Bisects the commits that are reachable from `bad` and not from `good` (full hashes). The
/// repository is only read: its work tree, index and refs do not change.
pub fn commits<E: From<git::Error>>(
    repo: &Path,
    good: &str,
    bad: &str,
    test: &mut dyn FnMut(&str, usize) -> Result<Tested, E>,
) -> Result<First<String>, E> {
    let (mut good, mut bad) = (vec![good.to_owned()], bad.to_owned());
    let mut skipped = BTreeSet::new();
    loop {
        let mut rest = git::halving(repo, &bad, &good)?;
        rest.retain(|commit| *commit != bad);
        let Some(next) = rest.iter().find(|commit| !skipped.contains(*commit)) else {
            return Ok(First { bad, skipped: rest });
        };
        match test(next, rest.len())? {
            Tested::Good => good.push(next.clone()),
            Tested::Bad => bad = next.clone(),
            Tested::Skipped(_) => drop(skipped.insert(next.clone())),
        }
    }
}

/// Bisects patches 1 to `nr` of a series.  All of them together are bad, and none of them
/// is good; the test applies the first N of them.
pub fn patches<E>(
    nr: usize,
    test: &mut dyn FnMut(usize) -> Result<Tested, E>,
) -> Result<First<usize>, E> {
    let (mut good, mut bad) = (0_usize, nr);
    let mut skipped = BTreeSet::new();
    loop {
        let middle = good.midpoint(bad);
        let left = (good + 1..bad).filter(|patches| !skipped.contains(patches));
        let Some(next) = left.min_by_key(|patches| patches.abs_diff(middle)) else {
            let skipped = (good + 1..bad).collect();
            return Ok(First { bad, skipped });
        };
        match test(next)? {
            Tested::Good => good = next,
            Tested::Bad => bad = next,
            Tested::Skipped(_) => drop(skipped.insert(next)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(nr: usize, bad_from: usize, skip: &[usize]) -> (First<usize>, usize) {
        let mut tests = 0;
        let found = patches::<()>(nr, &mut |patches| {
            tests += 1;
            Ok(match patches {
                _ if skip.contains(&patches) => Tested::Skipped("no".into()),
                _ if patches >= bad_from => Tested::Bad,
                _ => Tested::Good,
            })
        });
        (found.unwrap(), tests)
    }

    #[test]
    fn each_patch_is_found_by_halves() {
        for nr in 1..20 {
            for bad in 1..=nr {
                let (found, tests) = first(nr, bad, &[]);
                assert_eq!((found.bad, found.skipped.len()), (bad, 0), "{bad} of {nr}");
                assert!(tests <= nr.ilog2() as usize + 1, "{tests} tests of {nr}");
            }
        }
    }

    #[test]
    fn what_cannot_be_tested_is_told_if_it_matters() {
        let (found, _) = first(10, 5, &[4]);
        assert_eq!((found.bad, found.skipped), (5, vec![4]));
        let (found, _) = first(10, 5, &[5, 9]);
        assert_eq!((found.bad, found.skipped), (6, vec![5]));
        let (found, _) = first(10, 5, &[2, 8]);
        assert_eq!((found.bad, found.skipped), (5, vec![]));
    }
}
