// SPDX-License-Identifier: GPL-2.0
//! Statistics as a table.

use std::fmt;

use super::check::percent;
use super::{Actions, Lockless, Stats, side_rev};
use crate::hooks;
use crate::layer::Focus;
use crate::ops;

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rev = side_rev(&self.side);
        write!(f, "{} programs on {}", self.programs, self.side)?;
        if self.sampled < self.programs {
            write!(f, "; operations counted in {} of them", self.sampled)?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "executed operations: {:.1} in the mean; {} of 16 in the median",
            self.mean_executed(),
            self.median_of_16()
        )?;
        let careful = percent(self.careful, self.sampled);
        write!(f, "careful callers: {careful} of these programs")?;
        if self.slow.programs > 0 {
            let slow = percent(self.slow.careful, self.slow.programs);
            write!(f, ", {slow} of those of the slow path")?;
        }
        writeln!(f)?;
        for (what, counts) in [("ends", &self.ends), ("verdicts", &self.verdicts)] {
            write!(f, "{what}:")?;
            for (name, n) in counts {
                let total: u64 = counts.values().sum();
                write!(f, "  {name} {n} ({})", percent(*n, total))?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "\n{:<36} {:>10} {:>9} {:>9} {:>9} {:>9}",
            "operation", "uses", "succeeds", "fails", "warns", "stops"
        )?;
        for op in ops::table() {
            let Some(count) = self.ops.get(op.role) else {
                continue;
            };
            let share = |n| percent(n, count.uses);
            let name = rev.map_or(op.own_name(), |rev| op.name_or_role(rev));
            if count.uses == 0 {
                writeln!(f, "{name:<36} {:>10}", "absent")?;
                continue;
            }
            writeln!(
                f,
                "{name:<36} {:>10} {:>9} {:>9} {:>9} {:>9}",
                count.uses,
                share(count.succeeded),
                share(count.failed),
                share(count.warned),
                share(count.stopped)
            )?;
        }
        if !self.lockless.is_empty() {
            lockless(f, &self.lockless)?;
        }
        if self.slow.calls > 0 {
            write!(f, "\nof {} calls of the slow path:", self.slow.calls)?;
            for (what, n) in self.slow.parts() {
                write!(f, "  {what} {}", percent(n, self.slow.calls))?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\n{:<48} {:>10}", "site", "hits")?;
        for (site, n) in &self.sites {
            writeln!(f, "{site:<48} {n:>10}")?;
        }
        for site in self.missing_sites(Focus::All) {
            writeln!(f, "{site:<48} {:>10}", "never")?;
        }
        if self.gaps.is_empty() {
            writeln!(f, "\nno gaps")
        } else {
            writeln!(f, "\n{:<48} {:>10}", "gap: not provided", "programs")?;
            for (gap, n) in &self.gaps {
                writeln!(f, "{gap:<48} {n:>10}")?;
            }
            Ok(())
        }
    }
}

/// What was done at hook points of operations.
fn lockless(f: &mut fmt::Formatter<'_>, lockless: &Lockless) -> fmt::Result {
    let row = |f: &mut fmt::Formatter<'_>, name: &str, count: &Actions| {
        let share = percent(count.done, count.scripted);
        writeln!(
            f,
            "{name:<36} {:>10} {:>9} {share:>9}",
            count.scripted, count.done
        )
    };
    writeln!(f, "\n{:<36} {:>10} {:>9}", "hook point", "actions", "done")?;
    for hook in hooks::table() {
        if let Some(count) = lockless.hooks.get(hook.text) {
            row(f, hook.text, count)?;
        }
    }
    writeln!(f, "\n{:<36} {:>10} {:>9}", "action", "actions", "done")?;
    for op in ops::table() {
        if let Some(count) = lockless.actions.get(op.role) {
            row(f, op.own_name(), count)?;
        }
    }
    write!(f, "\nslow path:")?;
    for (answer, n) in &lockless.slow {
        write!(f, "  {answer} {n}")?;
    }
    writeln!(f, "\nwalks that gave pins back: {}", lockless.backed_out)
}
