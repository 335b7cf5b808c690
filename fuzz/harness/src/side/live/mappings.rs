// SPDX-License-Identifier: GPL-2.0
//! Calls on real mappings in the guest, and the check of their results against the page
//! level.
//!
//! The pages that a call finds are up to the walk, and its result is what the kernel
//! documents; init checks both (`csrc/live/mappings.c`).  The effect of a call on the
//! folios must equal that of the page level on such folios: this is expressed as a program,
//! which any side can run.

use csrc::abi::{self, gd_folio, gd_op, gd_run, gd_user, gd_user_folio};

use crate::program::{NO_FOLIO, NO_OP, NO_RUN, NR_RUNS, Program, page};
use crate::side::Side;
use crate::trace::{Counts, Record, Trace};

/// A call and its results.
pub struct UserCall(gd_user);

/// What the guest recorded of a page.
pub(super) fn counts(state: &abi::gd_user_state) -> Counts {
    (state.ref_, state.pin, state.pinned != 0)
}

impl UserCall {
    /// The record that the guest made.
    pub(super) fn new(raw: gd_user) -> Self {
        Self(raw)
    }

    /// The call and the mapping.
    pub fn name(&self) -> String {
        super::shared::text(&self.0.name)
    }

    /// The number of references or pins taken.
    pub fn taken(&self) -> u32 {
        self.0.result.max(0) as u32
    }

    fn folios(&self) -> &[gd_user_folio] {
        &self.0.folio[..(self.0.nr_folios as usize).min(self.0.folio.len())]
    }

    fn pins(&self) -> bool {
        self.0.call < abi::GD_USER_GET_FAST
    }

    /// Checks the guest's own expectations, before any side runs.
    pub fn check_call(&self) -> Result<(), String> {
        let u = &self.0;
        let differs = |what: &str, got: &dyn std::fmt::Display, want: &dyn std::fmt::Display| {
            Err(format!("{}: {what} {got}, not {want}", self.name()))
        };
        if u.result != u.want {
            return differs("returns", &u.result, &u.want);
        }
        // Without pages there is nothing more to check.
        if u.result > 0 && u.facts != u.want_facts {
            return differs("page", &facts(u.facts), &facts(u.want_facts));
        }
        if u.nr_folios as usize > u.folio.len() {
            return differs("folios", &u.nr_folios, &u.folio.len());
        }
        match self.folios().first() {
            Some(folio) if folio.order != u.want_order => {
                differs("folio of order", &folio.order, &u.want_order)
            }
            _ => Ok(()),
        }
    }

    /// The same at the page level: a world with folios as the call leaves them behind,
    /// where the references are taken and dropped.
    pub fn program(&self) -> Program {
        let mut program = Program::EMPTY;
        program.0.world.nr_folios = 0;
        for f in self.folios() {
            program.push_folio(gd_folio {
                order: f.order as u8,
                kind: f.kind as u8,
                mapping: match f.anon {
                    0 => abi::GD_M_FILE as u8,
                    _ => abi::GD_M_ANON as u8,
                },
                exclusive: u8::from(f.anon != 0),
                ref_: f.given_back.ref_,
                pin: f.given_back.pin,
                ..NO_FOLIO
            });
        }
        let foll = match self.pins() {
            true => 1 << abi::GD_FOLL_PIN,
            false => 1 << abi::GD_FOLL_GET,
        };
        for take in [true, false] {
            for (i, f) in self.folios().iter().enumerate() {
                let (first, n) = (page(i, f.offset as usize), f.nr as i32);
                let mut op = gd_op { n, ..NO_OP };
                op.run[0].page = first;
                op.op = match (take, self.pins()) {
                    (true, _) => {
                        op.foll = foll;
                        abi::GD_OP_GRAB_FAST as u8
                    }
                    (false, true) => {
                        op.n = 0;
                        op.run = pages(f, first);
                        abi::GD_OP_UNPIN_USER_PAGES as u8
                    }
                    (false, false) => {
                        op.foll = foll;
                        abi::GD_OP_GUP_PUT_FOLIO as u8
                    }
                };
                program.push_op(op);
            }
        }
        program.0.world.nr_folios = program.0.world.nr_folios.max(1);
        program.normalise();
        program
    }

    /// Checks that the page level of a side has the same effect on the folios as the call.
    pub fn check_folios(&self, side: &mut dyn Side, trace: &mut Trace) -> Result<(), String> {
        let program = self.program();
        side.run(&program, trace);
        let folios = self.folios();
        let mut states: Vec<Counts> = folios.iter().map(|f| counts(&f.given_back)).collect();
        let (mut acquired, mut released) = (0, 0);
        let layout = crate::world::layout::Layout::new(&program.0);
        for (index, records) in trace.ops().enumerate() {
            for rec in records {
                match Record::from(rec) {
                    Record::Page(state) => {
                        if let Some((i, 0)) = layout.find(state.page) {
                            states[i] = state.counts();
                        }
                    }
                    Record::State {
                        acquired: a,
                        released: r,
                        ..
                    } => {
                        acquired += a;
                        released += r;
                    }
                    _ => {}
                }
            }
            if index + 1 == folios.len() {
                self.compare(side, "held", &states, |f| counts(&f.held))?;
            }
        }
        self.compare(side, "given back", &states, |f| counts(&f.given_back))?;
        let counters = (self.0.acquired, self.0.released);
        let back = self.0.want_back as i32;
        if counters != (acquired + back, released + back) {
            return Err(format!(
                "{}: pins acquired and released {counters:?}; {} has {:?}, and {back} were to be \
                 given back on the way",
                self.name(),
                side.info().name,
                (acquired, released)
            ));
        }
        Ok(())
    }

    fn compare(
        &self,
        side: &dyn Side,
        when: &str,
        states: &[Counts],
        of: impl Fn(&gd_user_folio) -> Counts,
    ) -> Result<(), String> {
        for (i, (f, state)) in self.folios().iter().zip(states).enumerate() {
            let (refs, pins, pinned) = of(f);
            if (refs, pins, pinned) != *state {
                return Err(format!(
                    "{}: folio {i} when {when}: references, pins, maybe pinned \
                     {refs}, {pins}, {pinned}; {} has {}, {}, {}",
                    self.name(),
                    side.info().name,
                    state.0,
                    state.1,
                    state.2
                ));
            }
        }
        Ok(())
    }

    /// The same call with another observation, for a control.
    pub fn altered(&self) -> Self {
        let mut raw = self.0;
        match raw.folio.first_mut().filter(|_| raw.nr_folios > 0) {
            Some(folio) => folio.held.ref_ ^= 1,
            None => raw.result ^= 1,
        }
        Self(raw)
    }
}

/// The pages of a folio that a call returned; for the zero page always the same one.
fn pages(f: &gd_user_folio, first: u16) -> [gd_run; NR_RUNS] {
    let mut runs = [NO_RUN; NR_RUNS];
    let (used, len) = match f.order {
        0 => ((f.nr as usize).min(NR_RUNS), 1),
        _ => (1, f.nr as u16),
    };
    runs[..used].fill(gd_run { page: first, len });
    runs
}

fn facts(facts: u32) -> String {
    let names = [
        (abi::GD_USER_MOVED, "moved"),
        (abi::GD_USER_WAS_MOVABLE, "was in ZONE_MOVABLE"),
        (abi::GD_USER_IS_MOVABLE, "is in ZONE_MOVABLE"),
    ];
    let set: Vec<&str> = names
        .iter()
        .filter(|(bit, _)| facts & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    format!("[{}]", set.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::rust::RustSide;

    /// Four pages of a THP, pinned.
    fn call() -> gd_user {
        // SAFETY: numbers and characters only.
        let mut u: gd_user = unsafe { std::mem::zeroed() };
        u.call = abi::GD_USER_PIN_FAST;
        (u.result, u.want, u.want_order) = (4, 4, 9);
        (u.acquired, u.released) = (4, 4);
        u.nr_folios = 1;
        let f = &mut u.folio[0];
        (f.offset, f.nr, f.order, f.anon) = (3, 4, 9, 1);
        (f.given_back.ref_, f.given_back.pin) = (1, 0);
        (f.held.ref_, f.held.pin, f.held.pinned) = (5, 4, 1);
        u
    }

    #[test]
    fn the_page_level_explains_a_call() {
        let mut side = RustSide::open("rust:6.1-nodebug").unwrap();
        let mut trace = Trace::new();
        let mut check = |call: &UserCall| {
            call.check_call()?;
            call.check_folios(&mut side, &mut trace)
        };
        assert_eq!(check(&UserCall(call())), Ok(()));
        let error = check(&UserCall(call()).altered()).unwrap_err();
        assert!(error.contains("4, 4, true"), "{error}");
        let mut wrong = call();
        wrong.acquired = 3;
        assert!(check(&UserCall(wrong)).unwrap_err().contains("acquired"));
        wrong = call();
        wrong.result = 3;
        assert!(
            check(&UserCall(wrong))
                .unwrap_err()
                .contains("returns 3, not 4")
        );
    }
}
