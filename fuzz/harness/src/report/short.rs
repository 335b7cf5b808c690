// SPDX-License-Identifier: GPL-2.0
//! A report for whoever runs the tool: what was compared, the program with the operation
//! marked, both values, the state around it, and how to see it again.

use std::fmt::{self, Write};

use super::around::{Around, Change};
use super::model::{Report, SideReport};
use crate::compare::Field;

/// [`Report`] as `gupdiff run` and campaigns print it.
pub struct Short<'a>(pub &'a Report);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let title = match report.finding.verdict {
            "divergence" => "DIVERGENCE",
            "broken law" => "BROKEN LAW",
            "unmet expectation" => "UNMET EXPECTATION",
            "absent" => "not comparable",
            other => other,
        };
        writeln!(f, "{title}: {}\n", report.finding.summary)?;
        for side in &report.sides {
            writeln!(f, "{:<5}  {}", side.which.name(), side.info)?;
        }
        if report.sides.len() == 1 {
            writeln!(f, "right  none: only the laws are checked")?;
        }
        writeln!(f, "\nprogram")?;
        program(f, report)?;
        writeln!(f)?;
        values(f, report)?;
        if let Some(around) = &report.around {
            pages(f, around)?;
            tables(f, around)?;
            events(f, &report.sides)?;
        }
        writeln!(f, "\nto reproduce it\n  {}", report.command)?;
        writeln!(f, "\nto write a mail about it\n  {}", report.report)
    }
}

/// The program's text with `>>>` before the operation of the verdict.
fn program(f: &mut impl Write, report: &Report) -> fmt::Result {
    for line in &report.program {
        let mark = if line.here { ">>>" } else { "   " };
        writeln!(f, "  {mark} {}", line.text)?;
    }
    match report.finding.op_index.is_some() && report.program.iter().all(|line| !line.here) {
        true => writeln!(f, "  >>> (after the last operation)"),
        false => Ok(()),
    }
}

fn values(f: &mut impl Write, report: &Report) -> fmt::Result {
    let finding = &report.finding;
    if let Some(law) = &report.law {
        let on = match &finding.page {
            Some(page) => format!("{page}: "),
            None => String::new(),
        };
        let faulty = report.faulty;
        writeln!(f, "law {}: {}", law.name, law.text)?;
        return writeln!(f, "  {}  {on}{}", faulty.name(), law.what);
    }
    for unmet in &report.unmet {
        writeln!(f, "line {}: {unmet}", unmet.line)?;
    }
    if let (Some(what), Some(left), Some(right)) = (&finding.what, &finding.left, &finding.right) {
        let on = match &finding.page {
            Some(page) if what == Field::Call.name() => format!(" for {page}"),
            Some(page) => format!(" of {page}"),
            None => String::new(),
        };
        writeln!(f, "{what}{on}\n  left   {left}\n  right  {right}")?;
    }
    Ok(())
}

fn pages(f: &mut impl Write, around: &Around) -> fmt::Result {
    writeln!(f, "\npages")?;
    for page in &around.pages {
        writeln!(f, "  {}", page.page)?;
        match &page.right {
            Some(right) if *right == page.left => change(f, "both", right)?,
            right => {
                change(f, "left", &page.left)?;
                if let Some(right) = right {
                    change(f, "right", right)?;
                }
            }
        }
    }
    if around.pages.is_empty() {
        writeln!(f, "  none")?;
    }
    more(f, around.more_pages)
}

fn more(f: &mut impl Write, more: usize) -> fmt::Result {
    match more {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}

fn change(f: &mut impl Write, name: &str, change: &Change) -> fmt::Result {
    let Change { before, after } = change;
    if before == after {
        return writeln!(f, "    {name:<5}  unchanged  {after}");
    }
    writeln!(f, "    {name:<5}  before     {before}")?;
    writeln!(f, "           after      {after}")
}

fn tables(f: &mut impl Write, around: &Around) -> fmt::Result {
    let Some(tables) = &around.tables else {
        return Ok(());
    };
    if !tables.vmas.is_empty() {
        writeln!(f, "\nVMAs")?;
        tables
            .vmas
            .iter()
            .try_for_each(|vma| writeln!(f, "  {vma}"))?;
    }
    writeln!(f, "\npage tables")?;
    let mut entries = tables.entries.iter();
    entries.try_for_each(|entry| writeln!(f, "  {entry}"))?;
    more(f, tables.more)
}

fn events(f: &mut impl Write, sides: &[SideReport]) -> fmt::Result {
    writeln!(f, "\nevents and results of the operation")?;
    for side in sides {
        let mut name = side.which.name();
        for event in &side.events {
            writeln!(f, "  {name:<5}  {event}")?;
            name = "";
        }
        if side.events.is_empty() {
            writeln!(f, "  {name:<5}  nothing")?;
        }
    }
    Ok(())
}
