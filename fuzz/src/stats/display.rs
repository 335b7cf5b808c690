// SPDX-License-Identifier: GPL-2.0
//! Statistics as a table.

use std::fmt;

use super::check::percent;
use super::{Stats, side_rev};
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
            let name = op.name_or_role(rev);
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
        writeln!(f, "\n{:<48} {:>10}", "site", "hits")?;
        for (site, n) in &self.sites {
            writeln!(f, "{site:<48} {n:>10}")?;
        }
        for site in self.missing_sites() {
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
