// SPDX-License-Identifier: GPL-2.0
//! What a process sees of a call: told by running it on a side.

use csrc::abi::{self, gd_act, gd_op};

use super::call::{Call, Visible};
use super::memory::{Failed, Kind, Memory};
use super::stage::{Stage, Touch};
use crate::program::walk::PAGE_SIZE;
use crate::program::{NO_ACT, NO_OP, Program};
use crate::report::c::Unsayable;
use crate::trace::{Ask, Record, Ret, Trace};
use crate::world::layout::Layout;

/// Faults of a call that are foretold, at most.
const MAX_FAULTS: usize = 8;

/// What maps a page after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Absent,
    /// What did before it.
    Same,
    /// The zero page.
    Zero,
    /// A page that did not before.
    Other,
    /// A page, which may have been migrated.
    Some,
}

impl After {
    /// Long-term pins move pages that must not be pinned where they are.
    fn or_migrated(self) -> Self {
        match self {
            Self::Same | Self::Other => Self::Some,
            _ => self,
        }
    }
}

/// What is seen of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// `None` if it does not return.
    pub result: Option<Visible>,
    pub warns: bool,
    /// Of each page of the range.
    pub after: Vec<After>,
    /// Of each page that was taken what is in it: at once, or, if pages are kept, once the
    /// process has written to its mapping.
    pub taken: Vec<u8>,
    /// What the process finds in its pages after a call that writes; `None` if it cannot
    /// read them.
    pub own: Vec<Option<u8>>,
    /// Whether the pages of the child are as they were.
    pub child_keeps: bool,
}

/// What a process writes to a page after the call, or the call to the page.
pub(super) fn written(at: usize) -> u8 {
    b'A' + at as u8
}

/// Plays a call on a side; `run` runs programs there.
///
/// # Errors
///
/// What cannot be foretold.
pub(super) fn play(
    stage: &Stage,
    call: &Call,
    run: &mut dyn FnMut(&Program) -> Trace,
) -> Result<Seen, Unsayable> {
    let mut start = stage.memory.clone();
    let mut now = start.clone();
    let mut script: Vec<Vec<gd_op>> = Vec::new();
    loop {
        let program = program(stage, call, &start, &script);
        let trace = run(&program);
        let records: Vec<Record> = trace
            .ops()
            .last()
            .unwrap_or_default()
            .iter()
            .map(Record::from)
            .collect();
        if trace.ops().count() < program.nr_ops() {
            return Err(Unsayable::Other("the mappings are too many for a program"));
        }
        let mut faults = records.iter().filter_map(|record| match record {
            Record::Ask(Ask::Fault { flags, addr, .. }) => Some((*flags, *addr)),
            _ => None,
        });
        match faults.nth(script.len()) {
            Some((flags, addr)) if script.len() < MAX_FAULTS => {
                let at = (addr.wrapping_sub(stage.base) / PAGE_SIZE) as usize;
                script.push(fault(stage, &mut start, &mut now, at, flags)?);
            }
            Some(_) => return Ok(hangs()),
            None => return seen(stage, call, &now, &program, &records),
        }
    }
}

/// It faults again and again.
fn hangs() -> Seen {
    Seen {
        result: None,
        warns: false,
        after: Vec::new(),
        taken: Vec::new(),
        own: Vec::new(),
        child_keeps: true,
    }
}

/// What the next fault does, as actions.
fn fault(
    stage: &Stage,
    start: &mut Memory,
    now: &mut Memory,
    at: usize,
    flags: u32,
) -> Result<Vec<gd_op>, Unsayable> {
    let has = |flag: u32| flags & 1 << flag != 0;
    let before = now.clone();
    if at >= now.frames.len() {
        return Err(Unsayable::Other(
            "a page outside of its range is faulted in",
        ));
    }
    let answer = match now.fault(at, has(abi::GD_FF_WRITE), has(abi::GD_FF_UNSHARE)) {
        Ok(()) => 0,
        Err(Failed::Sigbus) => 1 << abi::GD_FAULT_SIGBUS,
        Err(Failed::TooMany) => return Err(Unsayable::Other("there are too many pages")),
    };
    // pages that come in have to be declared
    start.folios.extend(&now.folios[before.folios.len()..]);
    let mut ops = now.changes(&before);
    if now.frames[at] != before.frames[at] {
        ops.extend(now.set_pte(at, stage.address(at)));
    }
    ops.push(gd_op {
        op: abi::GD_OP_ANSWER as u8,
        val: answer,
        ..NO_OP
    });
    Ok(ops)
}

fn program(stage: &Stage, call: &Call, start: &Memory, script: &[Vec<gd_op>]) -> Program {
    let mut program = Program::EMPTY;
    program.0.world.state = abi::GD_W_REAL_SLOW_PATH as u8 | abi::GD_W_IRQS_ON as u8;
    program.0.world.nr_folios = 0;
    for folio in &start.folios {
        program.push_folio(folio.declared());
    }
    program.0.world.nr_folios = program.0.world.nr_folios.max(1);
    for (slot, area) in start.areas.iter().enumerate() {
        program.push_op(stage.set_vma(slot, area));
    }
    for at in 0..start.frames.len() {
        if let Some(op) = start.set_pte(at, stage.address(at)) {
            program.push_op(op);
        }
    }
    let owner = program.nr_ops() as u8;
    program.push_op(call.op(stage));
    for (i, ops) in script.iter().enumerate() {
        for op in ops {
            program.push_act(gd_act {
                owner,
                hook: abi::GD_HOOK_FAULT as u8,
                nth: i as u8 + 1,
                op: *op,
                ..NO_ACT
            });
        }
    }
    program.normalise();
    program
}

fn seen(
    stage: &Stage,
    call: &Call,
    now: &Memory,
    program: &Program,
    records: &[Record],
) -> Result<Seen, Unsayable> {
    let layout = Layout::new(&program.0);
    let mut seen = hangs();
    seen.warns = records
        .iter()
        .any(|record| matches!(record, Record::Warn(_)));
    let result = match records.last() {
        Some(Record::Ret(Ret::Int(result), _)) => *result,
        Some(Record::Ret(Ret::Errno(errno), _)) => i64::from(*errno),
        Some(Record::Ret(Ret::Stopped, _)) => return Ok(seen),
        Some(Record::Ret(Ret::Absent, _)) => {
            return Err(Unsayable::Other("a side does not have the function"));
        }
        _ => return Err(Unsayable::Other("the trace is cut off")),
    };
    seen.result = Some(call.visible(result)?);
    let after = (0..stage.nr()).map(|at| after(stage, now, at));
    seen.after = match call.is_longterm() {
        true => after.map(After::or_migrated).collect(),
        false => after.collect(),
    };
    let mut pages = vec![None; result.clamp(0, stage.nr() as i64) as usize];
    for record in records {
        if let Record::Entry { index, page } = record
            && let Some(slot) = pages.get_mut(usize::from(*index))
        {
            *slot = layout.find(*page).map(|(folio, _)| folio);
        }
    }
    let mut later = now.clone();
    if call.keeps() {
        write_to_all(&mut later, &pages);
    }
    if call.copies() && call.writes() {
        for (at, folio) in pages.iter().enumerate() {
            if let Some(folio) = folio.filter(|folio| later.folios[*folio].kind != Kind::Zero) {
                later.folios[folio].byte = written(at);
            }
        }
        seen.own = (0..stage.nr()).map(|at| content(&later, at)).collect();
    } else if call.copies() || call.keeps() {
        let bytes = pages
            .iter()
            .map(|folio| folio.map(|folio| later.folios[folio].byte));
        let bytes: Option<Vec<u8>> = bytes.collect();
        seen.taken = bytes.ok_or(Unsayable::Other("a page that is taken is unknown"))?;
    }
    seen.child_keeps = (0..stage.nr())
        .filter(|at| stage.touches[*at] == Touch::Share)
        .all(|at| {
            let folio = stage.memory.frames[at].folio;
            folio.is_none_or(|folio| later.folios[folio].byte == stage.memory.folios[folio].byte)
        });
    Ok(seen)
}

fn after(stage: &Stage, now: &Memory, at: usize) -> After {
    match (stage.memory.frames[at].folio, now.frames[at].folio) {
        (_, None) => After::Absent,
        (_, Some(new)) if now.folios[new].kind == Kind::Zero => After::Zero,
        (old, new) if old == new => After::Same,
        _ => After::Other,
    }
}

/// The process writes to each of its pages that were taken, if it can.
fn write_to_all(memory: &mut Memory, taken: &[Option<usize>]) {
    for folio in taken.iter().flatten() {
        memory.folios[*folio].refs += 1;
    }
    for at in 0..taken.len() {
        if memory.area(at).is_some_and(|area| area.write)
            && memory.fault(at, true, false).is_ok()
            && let Some(folio) = memory.frames[at].folio
        {
            memory.folios[folio].byte = written(at);
        }
    }
}

/// What a process finds in a page of its own; `None` if it cannot look without a fault.
fn content(memory: &Memory, at: usize) -> Option<u8> {
    let readable = memory.area(at).is_some_and(|area| area.read);
    let folio = memory.frames[at].folio.filter(|_| readable)?;
    Some(memory.folios[folio].byte)
}
