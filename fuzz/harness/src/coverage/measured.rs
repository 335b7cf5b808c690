// SPDX-License-Identifier: GPL-2.0
//! Measured coverage of a side: by file and by function.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Line, LineMap, LineSet};

/// The lines of a side, and which of them were executed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The description of the side.
    pub side: String,
    /// By file, line and function: was the line executed?
    pub lines: Vec<(Line, bool)>,
}

/// A share of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Number of executed lines.
    pub executed: usize,
    /// Number of lines.
    pub lines: usize,
}

impl Share {
    /// As a percentage, rounded down.
    pub fn percent(self) -> f64 {
        match self.lines {
            0 => 100.0,
            lines => (1000 * self.executed / lines) as f64 / 10.0,
        }
    }

    /// Are all lines executed?
    pub fn is_full(self) -> bool {
        self.executed == self.lines
    }
}

impl AddAssign<bool> for Share {
    fn add_assign(&mut self, executed: bool) {
        self.lines += 1;
        self.executed += usize::from(executed);
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.executed += other.executed;
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.executed, self.lines)
    }
}

/// A function of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: Arc<str>,
    /// The executed share.
    pub share: Share,
    /// Its first and its last line with code.
    pub lines: (u32, u32),
    /// Ranges that were not executed; lines without code do not interrupt a range.
    pub missing: Vec<(u32, u32)>,
}

impl Function {
    /// `12, 15-18`
    pub fn ranges(&self) -> String {
        let range = |&(first, last): &(u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        };
        self.missing
            .iter()
            .map(range)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Measured {
    /// For a side and a set of lines.
    pub fn new(side: String, map: &LineMap, executed: &LineSet) -> Self {
        let lines = map.lines().iter().enumerate();
        let lines = lines.map(|(at, line)| (line.clone(), executed.has(at)));
        Self {
            side,
            lines: lines.collect(),
        }
    }

    /// Adds the executed lines of another run of the same code.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.lines.iter_mut().zip(&other.lines) {
            debug_assert_eq!(mine.0, theirs.0);
            mine.1 |= theirs.1;
        }
    }

    /// The executed share of each file; a line counts once.
    pub fn files(&self) -> BTreeMap<Arc<str>, Share> {
        let mut files: BTreeMap<Arc<str>, BTreeMap<u32, bool>> = BTreeMap::new();
        for (line, executed) in &self.lines {
            *files
                .entry(line.file.clone())
                .or_default()
                .entry(line.line)
                .or_default() |= executed;
        }
        let share = |lines: BTreeMap<u32, bool>| {
            let mut share = Share::default();
            lines.into_values().for_each(|executed| share += executed);
            share
        };
        files
            .into_iter()
            .map(|(f, lines)| (f, share(lines)))
            .collect()
    }

    /// The functions of a file, in the order of their lines.
    pub fn functions(&self, file: &str) -> Vec<Function> {
        let mut found: BTreeMap<Arc<str>, Function> = BTreeMap::new();
        let mut was_missing: BTreeMap<Arc<str>, bool> = BTreeMap::new();
        // in the order of their lines
        for (line, executed) in self.lines.iter().filter(|(line, _)| *line.file == *file) {
            let name = &line.function;
            let function = found.entry(name.clone()).or_insert_with(|| Function {
                name: name.clone(),
                share: Share::default(),
                lines: (line.line, line.line),
                missing: Vec::new(),
            });
            function.share += *executed;
            function.lines.1 = line.line;
            let goes_on = was_missing.insert(name.clone(), !executed) == Some(true);
            match function.missing.last_mut() {
                _ if *executed => {}
                Some(last) if goes_on => last.1 = line.line,
                _ => function.missing.push((line.line, line.line)),
            }
        }
        let mut functions: Vec<_> = found.into_values().collect();
        functions.sort_by_key(|function| function.lines.0);
        functions
    }

    /// Was a line of a file executed?  `None` for a line without code.
    pub fn by_line(&self, file: &str) -> BTreeMap<u32, bool> {
        let mut lines = BTreeMap::new();
        for (line, executed) in self.lines.iter().filter(|(line, _)| *line.file == *file) {
            *lines.entry(line.line).or_default() |= *executed;
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(lines: &[(u32, &str, bool)]) -> Measured {
        let line = |&(line, function, executed): &(u32, &str, bool)| {
            let line = Line {
                file: "f.c".into(),
                line,
                function: function.into(),
            };
            (line, executed)
        };
        Measured {
            side: String::new(),
            lines: lines.iter().map(line).collect(),
        }
    }

    #[test]
    fn what_is_missing_is_told_in_ranges_over_lines_without_code() {
        let m = measured(&[
            (1, "f", true),
            (2, "f", false),
            (5, "f", false),
            (6, "f", true),
            (9, "f", false),
            (12, "g", true),
        ]);
        let functions = m.functions("f.c");
        assert_eq!(functions.len(), 2);
        assert_eq!(functions[0].ranges(), "2-5, 9");
        assert_eq!(
            functions[0].share,
            Share {
                executed: 2,
                lines: 5
            }
        );
        assert!(functions[1].share.is_full() && functions[1].missing.is_empty());
    }

    #[test]
    fn a_line_of_two_functions_counts_once_in_its_file() {
        let m = measured(&[(1, "f", false), (1, "g", true)]);
        let share = Share {
            executed: 1,
            lines: 1,
        };
        assert_eq!(m.files()["f.c"], share);
    }

    #[test]
    fn a_percentage_is_rounded_down() {
        let share = Share {
            executed: 999,
            lines: 1000,
        };
        assert_eq!(share.percent(), 99.9);
        let share = Share {
            executed: 9999,
            lines: 10000,
        };
        assert_eq!(share.percent(), 99.9);
    }
}
