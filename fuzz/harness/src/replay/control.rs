// SPDX-License-Identifier: GPL-2.0
//! The control of a comparison: expectations that are altered on purpose, all of which must
//! be reported, and nothing else.

use csrc::abi::{self, gd_rec};

use crate::accepted::{Accepted, RevisionPair};
use crate::compare::{self, Outcome};
use crate::program::Program;
use crate::program::rng::Rng;
use crate::trace::Trace;

/// The number of expectations to alter in a run.
pub const ALTERED: usize = 20;

/// Alters some expectations and notes which of them are reported.
pub struct Control {
    rng: Rng,
    /// The distance in programs between two of them.
    every: usize,
    seen: usize,
    altered: Vec<usize>,
    reported: Vec<usize>,
}

impl Control {
    /// Spreads the alterations over this many programs.
    pub fn over(programs: usize, seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            every: (programs / ALTERED).max(1),
            seen: 0,
            altered: Vec::new(),
            reported: Vec::new(),
        }
    }

    /// Compares once more, like the run does, but against the expectation or an altered
    /// copy of it.  The two traces agree.
    pub fn watch(&mut self, prog: &Program, got: &Trace, expected: &Trace, revs: RevisionPair) {
        if self.altered.len() == ALTERED {
            return;
        }
        let index = self.seen;
        self.seen += 1;
        let mut copy = expected.clone();
        if index.is_multiple_of(self.every) {
            alter(copy.records_mut(), &mut self.rng);
            self.altered.push(index);
        }
        let fine = compare::equal(got, &copy)
            || !matches!(
                compare::compare(&prog.0, got, &copy, revs, &mut Accepted::default()),
                Outcome::Differ(_)
            );
        if !fine {
            self.reported.push(index);
        }
    }

    /// The result: a line for the summary, or an error.
    pub fn verdict(&self) -> Result<String, String> {
        let (altered, reported) = (&self.altered, &self.reported);
        if altered.is_empty() {
            return Err("the control could not be made: no program agrees".into());
        }
        if altered != reported {
            return Err(format!(
                "the comparison is broken: of the altered expectations {altered:?}, {reported:?} \
                 were reported"
            ));
        }
        Ok(format!(
            "{} expectations altered among {} programs, exactly those reported",
            altered.len(),
            self.seen
        ))
    }
}

/// Alters one record so that its meaning changes.
fn alter(records: &mut [gd_rec], rng: &mut Rng) {
    // Operations that a revision lacks are not compared.
    let compared = |rec: &gd_rec| {
        u32::from(rec.kind) != abi::GD_R_RET || u32::from(rec.a) != abi::GD_RET_ABSENT
    };
    let mut candidates: Vec<&mut gd_rec> = records.iter_mut().filter(|r| compared(r)).collect();
    // Exists, as a trace ends with END.
    let i = rng.below(candidates.len().max(1));
    let Some(rec) = candidates.get_mut(i) else {
        return;
    };
    match u32::from(rec.kind) {
        abi::GD_R_WARN | abi::GD_R_BUG => rec.c ^= 1 << 16,
        abi::GD_R_PAGE | abi::GD_R_CALL => match rng.below(3) {
            0 => rec.d ^= 1,
            1 => rec.d ^= 1 << 32,
            _ => rec.b ^= 1 << abi::GD_F_DIRTY,
        },
        abi::GD_R_STATE => rec.d ^= 1,
        abi::GD_R_RET => match u32::from(rec.a) {
            abi::GD_RET_VOID | abi::GD_RET_NULL => rec.a = abi::GD_RET_BOOL as u8,
            _ => rec.a = abi::GD_RET_VOID as u8,
        },
        abi::GD_R_END => rec.b ^= 1,
        _ => rec.kind = abi::GD_R_WARN as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Rev;
    use crate::side::{Side, rust::RustSide};

    const REVS: RevisionPair = RevisionPair {
        left: Rev::V6_1,
        right: Rev::V6_1,
    };

    #[test]
    fn every_altered_expectation_is_reported_and_no_other() {
        let mut side = RustSide::open("rust:6.1-nodebug").unwrap();
        let profile = crate::program::profile::Profile::new(Rev::V6_1);
        let mut rng = Rng::new(3);
        let mut control = Control::over(200, 1);
        let mut trace = Trace::new();
        for _ in 0..200 {
            let program = crate::program::generate::program(&mut rng, &profile);
            side.run(&program, &mut trace);
            control.watch(&program, &trace, &trace.clone(), REVS);
        }
        assert_eq!(control.altered.len(), ALTERED);
        assert_eq!(control.reported, control.altered);
    }

    #[test]
    fn a_comparison_that_sees_nothing_is_found_out() {
        let mut control = Control::over(1, 1);
        assert!(control.verdict().is_err(), "nothing was compared");
        control.altered = vec![0, 5];
        control.reported = vec![0];
        assert!(control.verdict().is_err());
        control.reported = vec![0, 5];
        assert!(control.verdict().is_ok());
        control.reported = vec![0, 3, 5];
        assert!(control.verdict().is_err());
    }
}
