// SPDX-License-Identifier: GPL-2.0
//! Results in KTAP, version 1, for the kernel's test runners.

use std::fmt::{self, Write};

use super::model::Report;

/// The result of one program.
pub enum Test {
    /// No finding.
    Ok,
    /// A finding.
    Found(Box<Report>),
    /// It was not compared to the end, and why.
    Skipped(String),
    /// It is not a program, or its sides do not exist.
    Failed(String),
}

/// The tests with their names.
pub struct Ktap<'a>(pub &'a [(String, Test)]);

impl fmt::Display for Ktap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "KTAP version 1\n1..{}", self.0.len())?;
        for (number, (name, test)) in (1..).zip(self.0) {
            let name = described(name);
            match test {
                Test::Ok => writeln!(f, "ok {number} {name}")?,
                Test::Skipped(why) => writeln!(f, "ok {number} {name} # SKIP {why}")?,
                Test::Found(report) => {
                    diagnostics(f, report)?;
                    writeln!(f, "not ok {number} {name}")?;
                }
                Test::Failed(why) => {
                    why.lines().try_for_each(|line| comment(f, line))?;
                    writeln!(f, "not ok {number} {name}")?;
                }
            }
        }
        Ok(())
    }
}

/// Escapes a test's name.
fn described(name: &str) -> String {
    name.replace('#', "%23").replace('\n', " ")
}

fn comment(f: &mut impl Write, line: &str) -> fmt::Result {
    writeln!(f, "{}", format!("# {line}").trim_end())
}

/// The diagnostic lines before a failed test.
fn diagnostics(f: &mut impl Write, report: &Report) -> fmt::Result {
    comment(f, &report.title)?;
    for side in &report.sides {
        let name = side.which.name();
        comment(
            f,
            &format!(
                "{name}: {}: {}() {}",
                side.info.name, report.function, side.does
            ),
        )?;
        side.log.iter().try_for_each(|line| comment(f, line))?;
    }
    if let Some(law) = &report.law {
        comment(f, &format!("law {}: {}; {}", law.name, law.text, law.what))?;
    }
    for unmet in &report.unmet {
        comment(f, &format!("line {}: {unmet}", unmet.line))?;
    }
    for line in &report.program {
        let mark = if line.here { ">" } else { " " };
        comment(f, &format!("{mark} {}", line.text))?;
    }
    comment(f, &report.command)
}
