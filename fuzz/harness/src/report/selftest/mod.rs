// SPDX-License-Identifier: GPL-2.0
//! A finding on what a process maps as a program of user space, in the manner of the
//! kernel's own selftests of mm.
//!
//! The program that was found is brought as near as a process comes to it: its mappings are
//! made by mmap(), touched, shared by fork and protected, and its call is made by gup_test
//! or by a system call that uses the same function.  What comes out is a program again,
//! with faults as a booted kernel has them.  Both sides run it, and it is a test only if
//! they differ in what user space sees; then it expects what the side shows that does right.

mod call;
mod carry;
mod file;
mod helpers;
mod memory;
mod seen;
mod stage;

use std::fmt::Write;

use self::call::{Call, Way, ways};
use self::file::Test;
use self::seen::{Seen, play};
use self::stage::Stage;
use super::c::{self, Unsayable, bad_and_good, heading};
use super::model::Report;
use crate::oracle::{Oracle, Which};
use crate::program::Program;
use crate::rev::Rev;
use crate::trace::Trace;

/// Writes the test of a finding on a program that the oracle has just judged.
///
/// # Errors
///
/// What in it has no form in C.
pub fn selftest(
    oracle: &mut Oracle,
    program: &Program,
    report: &Report,
) -> Result<String, Unsayable> {
    let rev = report.reported().info.rev;
    let (bad, good) = bad_and_good(report);
    let index = report.finding.op_index.unwrap_or(0);
    let before = oracle.trace_of(good).clone();
    let mut run = |program: &Program, which: Which| {
        oracle.run(program);
        oracle.trace_of(which).clone()
    };
    let candidates = candidates(program, index, &before, rev)?;
    first(candidates, |stage, call| {
        let (good, bad) = tell_apart(stage, call, &mut |program, is_bad| {
            run(program, if is_bad { bad } else { good })
        })?;
        let test = Test {
            stage,
            call,
            good: &good,
            bad: Some(&bad),
            rev,
        };
        Ok(write(&test, program, report))
    })
}

/// The test of an operation on one side, which does right: what a process sees of it.
///
/// # Errors
///
/// What in it has no form in C.
pub fn code(
    program: &Program,
    index: usize,
    rev: Rev,
    run: &mut dyn FnMut(&Program) -> Trace,
) -> Result<String, Unsayable> {
    let before = run(program);
    let candidates = candidates(program, index, &before, rev)?;
    first(candidates, |stage, call| {
        let played = play(stage, call, run)?;
        returns(&played)?;
        let test = Test {
            stage,
            call,
            good: &played,
            bad: None,
            rev,
        };
        Ok(test.code())
    })
}

/// The text of the first candidate that has one; or why the last one has none.
fn first(
    candidates: Vec<Candidate>,
    mut text: impl FnMut(&Stage, &Call) -> Result<String, Unsayable>,
) -> Result<String, Unsayable> {
    let mut why = Unsayable::Unseen(String::new());
    for candidate in candidates {
        match candidate.and_then(|(stage, call)| text(&stage, &call)) {
            Ok(text) => return Ok(text),
            Err(error) => why = error,
        }
    }
    Err(why)
}

type Candidate = Result<(Stage, Call), Unsayable>;

/// The stages and calls that an operation could be tested by.
fn candidates(
    program: &Program,
    index: usize,
    before: &Trace,
    rev: Rev,
) -> Result<Vec<Candidate>, Unsayable> {
    let op = program.ops()[index];
    if u32::from(op.mods) & csrc::abi::GD_MOD_RAW != 0 {
        return Err(Unsayable::Other("FOLL_ flags are passed by their numbers"));
    }
    ways(&op, rev, 1)?;
    let stage = carry::carry_over(program, index, before, rev)?;
    let ways = ways(&op, rev, stage.nr())?;
    Ok(ways
        .into_iter()
        .map(|call| fit(stage.clone(), call, op.foll, rev))
        .collect())
}

/// Fits a stage to a way, and the way to the stage.
fn fit(mut stage: Stage, mut call: Call, foll: u32, rev: Rev) -> Candidate {
    let locks = call.way == Way::Mlock;
    let areas = &mut stage.memory.areas;
    if areas.iter().any(|area| area.locked != locks) {
        let not = if locks { "becomes" } else { "is not" };
        stage.notes.push(format!("the VMA {not} locked"));
    }
    let on_fault = areas.first().is_some_and(|area| area.on_fault);
    for area in areas {
        area.locked = locks;
        area.on_fault = on_fault;
    }
    let first_hole = (0..stage.nr()).find(|at| stage.memory.area(*at).is_none());
    let whole = match call.way {
        // a hole is found before mm/gup.c is called
        Way::Mlock => first_hole,
        // it is called for one VMA at a time
        Way::Populate if !rev.is_since(6, 9) => {
            let area = stage.memory.areas.first().filter(|area| area.first == 0);
            Some(area.map_or(0, |area| area.nr))
        }
        _ => None,
    };
    let nr = call.nr.min(whole.unwrap_or(call.nr));
    if nr == 0 {
        return Err(Unsayable::Other("nothing is mapped where the range begins"));
    }
    if nr < call.nr || nr < stage.nr() {
        stage
            .notes
            .push(format!("the call is for the first {nr} pages"));
        call.nr = nr;
        stage = stage.cut(nr);
    }
    let dropped = (foll ^ call.foll) & !(1 << csrc::abi::GD_FOLL_TOUCH);
    for bit in (0..32).filter(|bit| dropped & 1 << bit != 0) {
        let name = crate::program::text::words::FOLL.get(bit).unwrap_or(&"?");
        let not = if call.foll & 1 << bit == 0 {
            "not "
        } else {
            ""
        };
        stage.notes.push(format!("FOLL_{name} is {not}set"));
    }
    Ok((stage, call))
}

fn returns(seen: &Seen) -> Result<(), Unsayable> {
    match (seen.result, seen.warns) {
        (None, _) => Err(Unsayable::Other("the call does not return, as it should")),
        (_, true) => Err(Unsayable::Other("the kernel warns, as it should")),
        (Some(_), false) => Ok(()),
    }
}

/// Plays a call on both sides; what the good one and the bad one show, if that differs.
fn tell_apart(
    stage: &Stage,
    call: &Call,
    run: &mut dyn FnMut(&Program, bool) -> Trace,
) -> Result<(Seen, Seen), Unsayable> {
    let good = play(stage, call, &mut |program| run(program, false))?;
    returns(&good)?;
    let bad = play(stage, call, &mut |program| run(program, true))?;
    match good == bad {
        false => Ok((good, bad)),
        true => Err(Unsayable::Unseen(match stage.notes.is_empty() {
            true => String::new(),
            false => format!(", where {}", stage.notes.join(", ")),
        })),
    }
}

/// The whole file.
fn write(test: &Test, program: &Program, report: &Report) -> String {
    let name = c::name(program);
    let mut needs = format!(
        " * A selftest of {}.\n *\n",
        test.call.about(test.stage, test.rev)
    );
    let _ = write!(
        needs,
        " *\tcc -o {name} {name}.c && ./{name}\n *\n * Run it as root"
    );
    needs.push_str(match test.call.way {
        Way::GupTest(_) | Way::Longterm { .. } => {
            ", with CONFIG_GUP_TEST and debugfs at /sys/kernel/debug.\n"
        }
        _ => ".\n",
    });
    needs.push_str(" * It prints KTAP and passes where the kernel is right.\n *\n");
    let mut out = heading(report, &needs);
    if !test.stage.notes.is_empty() {
        out.push_str(" *\n * A process comes near to it.  In the test\n");
        for note in &test.stage.notes {
            let _ = writeln!(out, " *  - {note}");
        }
    }
    out.push_str(" *\n * Counts of references and pins are not seen from user space.\n */\n");
    out + &test.code()
}
