// SPDX-License-Identifier: GPL-2.0
//! The passes, from coarse to fine.

use super::Shrinker;
use super::{fields, walk};
use crate::program::{NR_RUNS, Program};

type Pass = fn(&mut Shrinker);

/// All passes in order.
pub(super) const ALL: &[(&str, Pass)] = &[
    ("cut the end", cut_the_end),
    ("drop actions", walk::drop_acts),
    ("drop ranges of operations", drop_ranges),
    ("drop folios", drop_folios),
    ("shorten lists", shorten_lists),
    ("simplify the world", fields::world),
    ("simplify folios", fields::folios),
    ("simplify operations", fields::operations),
    ("simplify pages", fields::pages),
    ("simplify hook points", walk::hook_points),
    ("simplify entries", walk::entries),
    ("simplify VMAs", walk::vmas),
    ("simplify addresses", walk::addresses),
];

/// Removes what follows the finding.
fn cut_the_end(s: &mut Shrinker) {
    if let Some(index) = s.op_index() {
        s.edit(|p| p.truncate_ops(index + 1));
    }
}

/// Removes ranges of operations: all ranges, the longest first, and among these the last
/// ones, because later operations depend on earlier ones.  Two operations may need each
/// other and only be removable together, so it is not enough to try some lengths and
/// positions; programs are short.
fn drop_ranges(s: &mut Shrinker) {
    let mut size = s.best().nr_ops();
    while size > 0 {
        let mut end = s.best().nr_ops();
        while end >= size {
            s.edit(|p| remove_ops(p, end - size, end));
            end = (end - 1).min(s.best().nr_ops());
        }
        size -= 1;
    }
}

fn remove_ops(p: &mut Program, start: usize, end: usize) {
    for i in (start..end).rev() {
        p.remove_op(i);
    }
}

/// Removes folios; operations on them use the first one instead.
fn drop_folios(s: &mut Shrinker) {
    let mut i = s.best().nr_folios();
    while i > 0 {
        i -= 1;
        s.edit(|p| {
            p.remove_folio(i);
        });
    }
}

/// Removes runs, then shortens them.
fn shorten_lists(s: &mut Shrinker) {
    for op in 0..s.best().nr_ops() {
        for run in (0..NR_RUNS).rev() {
            s.edit(|p| p.ops_mut()[op].run[run].len = 0);
            loop {
                let len = s.best().ops()[op].run[run].len;
                let shorter = [1, len / 2, len.saturating_sub(1)];
                let kept = shorter
                    .into_iter()
                    .filter(|l| *l > 0 && *l < len)
                    .any(|l| s.edit(|p| p.ops_mut()[op].run[run].len = l));
                if !kept {
                    break;
                }
            }
        }
    }
}
