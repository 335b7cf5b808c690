// SPDX-License-Identifier: GPL-2.0
//! Judges programs from files, on the requested sides or on those that each file names.

use anyhow::{Error, Result};
use harness::expect::Unmet;
use harness::input::Input;
use harness::oracle::{Oracle, Verdict};
use harness::report;
use harness::scope::Scope;
use harness::side::Side;

use crate::sides::{Chosen, SideArgs};

/// A program that has run.
pub struct Judged<'a> {
    /// The program, without the parts that the sides do not have.
    pub input: Input,
    /// The sides by name.
    pub chosen: Chosen,
    /// The sides, which have just run it.
    pub oracle: &'a mut Oracle,
    /// The verdict.
    pub verdict: Verdict,
    /// Unmet expectations.
    pub unmet: Vec<Unmet>,
}

/// Two sides, and the parts of programs that they can run.
struct Sides {
    oracle: Oracle,
    scope: Option<Scope>,
}

/// The sides that are open, and those that were.
#[derive(Default)]
pub struct Judge {
    names: (String, String),
    sides: Option<Sides>,
    all: Vec<String>,
}

impl Judge {
    /// Runs a program.  The inner error, with the program's name, is about the sides that the
    /// program names; the outer error is about sides that cannot be opened, and ends the command.
    pub fn judge(
        &mut self,
        args: &SideArgs,
        mut input: Input,
    ) -> Result<Result<Judged<'_>, (String, Error)>> {
        let chosen = match args.choose(&input.header, &input.name) {
            Ok(chosen) => chosen,
            Err(error) => return Ok(Err((input.name, error))),
        };
        let Sides { oracle, scope } = self.open(&chosen)?;
        let asked = input.program;
        if let Some(scope) = scope {
            scope.narrow(&mut input.program);
        }
        let verdict = oracle.judge(&input.program);
        // expectations are about the program as it is written
        let unmet = match input.program == asked {
            true => unmet(oracle, &input),
            false => Vec::new(),
        };
        Ok(Ok(Judged {
            input,
            chosen,
            oracle,
            verdict,
            unmet,
        }))
    }

    fn open(&mut self, chosen: &Chosen) -> Result<&mut Sides> {
        let names = (chosen.left.clone(), chosen.right.clone());
        if self.names != names {
            self.sides = None;
        }
        let sides = match self.sides.take() {
            Some(sides) => sides,
            None => {
                self.names = <_>::default();
                let oracle = chosen.open()?;
                self.names = names;
                let header = report::sides_header(&oracle);
                if !self.all.contains(&header) {
                    self.all.push(header);
                }
                let scope = Scope::of_options(oracle.pair());
                Sides { oracle, scope }
            }
        };
        Ok(self.sides.insert(sides))
    }

    /// The header lines of all pairs of sides that were used.
    pub fn headers(&self) -> &[String] {
        &self.all
    }
}

/// The unmet expectations of a program that the oracle has just judged.
fn unmet(oracle: &Oracle, input: &Input) -> Vec<Unmet> {
    let on = |side: &dyn Side, trace| match side.info().is_configured_otherwise() {
        true => Vec::new(),
        false => input.expectations.unmet(&input.program, trace, side.info()),
    };
    let mut unmet = on(oracle.pair().left.as_ref(), oracle.left_trace());
    if let Some(right) = &oracle.pair().right {
        unmet.extend(on(right.as_ref(), oracle.right_trace()));
    }
    unmet
}
