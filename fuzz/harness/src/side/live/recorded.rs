// SPDX-License-Identifier: GPL-2.0
//! Calls on mappings of the guest that were recorded as they happened.
//!
//! What there was before, VMAs, entries and pages, becomes the world of a program;
//! what each fault did becomes its script, and the call its operation.  Such a program
//! is one like any other, and what it does on a side must be what the call did: the
//! same result and pages, the same faults in the same order, the same references and
//! pins, while they are held and after they were given back.

use std::fmt::{self, Write};

use csrc::abi::{self, gd_act, gd_folio, gd_op, gd_recorded_entry, gd_recording, gd_run};

use super::mappings::counts;
use crate::program::{NO_ACT, NO_FOLIO, NO_OP, NR_RUNS, Program, page};
use crate::side::Side;
use crate::trace::{Ask, Counts, Record, Ret, Trace};
use crate::world::layout::Layout;

/// A call that was recorded.
#[derive(Clone, Copy)]
pub struct Recorded(gd_recording);

/// What of a run can be told of a booted kernel, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What the call returned.
    pub result: i64,
    /// The pages that it gave, by number.
    pub pages: Vec<u32>,
    /// Its faults: address, bits `GD_FF_*`.
    pub faults: Vec<(u64, u32)>,
    /// Pins that were acquired and released, by the call.
    pub pins: (i32, i32),
    /// Every page, while it is held.
    pub held: Vec<Counts>,
    /// And after it was given back.
    pub given_back: Vec<Counts>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "returns {}, pages {:?}, faults {:x?}, pins acquired and released {:?}; references, \
             pins, maybe pinned of the pages: {:?}; given back: {:?}",
            self.result, self.pages, self.faults, self.pins, self.held, self.given_back
        )
    }
}

/// The role of each call, by `enum gd_user_call`.
const CALLS: [u32; abi::GD_NR_USER_CALLS as usize] = [
    abi::GD_OP_PIN_USER_PAGES_FAST,
    abi::GD_OP_PIN_USER_PAGES,
    abi::GD_OP_PIN_USER_PAGES_UNLOCKED,
    abi::GD_OP_GET_USER_PAGES_FAST,
    abi::GD_OP_GET_USER_PAGES,
    abi::GD_OP_GET_USER_PAGES_UNLOCKED,
];

impl Recorded {
    /// As the guest recorded it.
    pub(super) fn new(raw: gd_recording) -> Self {
        Self(raw)
    }

    /// Whether it could be recorded whole: of no more than small pages, all of which
    /// came from faults or were there.
    pub fn is_whole(&self) -> bool {
        self.0.flaws == 0
    }

    /// How many faults it had.
    pub fn nr_faults(&self) -> usize {
        self.0.nr_faults as usize
    }

    /// How many pages it took.
    pub fn taken(&self) -> usize {
        self.0.result.max(0) as usize
    }

    fn pins(&self) -> bool {
        self.0.call < abi::GD_USER_GET_FAST
    }

    /// The same with another result, for a control.
    pub fn altered(&self) -> Self {
        let mut raw = self.0;
        match raw.nr_folios {
            0 => raw.result ^= 1,
            _ => raw.folio[0].held.ref_ ^= 1,
        }
        Self(raw)
    }

    /// What the booted kernel showed.
    pub fn view(&self) -> View {
        let c = &self.0;
        let folios = &c.folio[..c.nr_folios as usize];
        View {
            result: c.result.into(),
            pages: c.page[..self.taken()].to_vec(),
            faults: c.fault[..self.nr_faults()]
                .iter()
                .map(|fault| (fault.address, fault.flags))
                .collect(),
            pins: (c.acquired, c.released),
            held: folios.iter().map(|f| counts(&f.held)).collect(),
            given_back: folios.iter().map(|f| counts(&f.given_back)).collect(),
        }
    }

    /// The program that does the same.
    pub fn program(&self) -> Program {
        let c = &self.0;
        let mut program = Program::EMPTY;
        program.0.world.nr_folios = 0;
        program.0.world.state = abi::GD_W_REAL_SLOW_PATH as u8 | abi::GD_W_IRQS_ON as u8;
        for f in &c.folio[..c.nr_folios as usize] {
            program.push_folio(gd_folio {
                kind: f.kind as u8,
                mapping: f.mapping as u8,
                movable: f.movable as u8,
                migratetype: match f.movable {
                    0 => abi::GD_MT_UNMOVABLE as u8,
                    _ => abi::GD_MT_MOVABLE as u8,
                },
                exclusive: u8::from(f.flags & 1 << abi::GD_F_ANON_EXCLUSIVE != 0),
                flags: f.flags & !(1 << abi::GD_F_ANON_EXCLUSIVE),
                ref_: f.ref_,
                ..NO_FOLIO
            });
        }
        program.0.world.nr_folios = program.0.world.nr_folios.max(1);
        for (slot, v) in c.vma[..c.nr_vmas as usize].iter().enumerate() {
            program.push_op(gd_op {
                op: abi::GD_OP_SET_VMA as u8,
                arg: slot as u16,
                addr: v.address,
                n: v.pages as i32,
                entry: v.kind as u8,
                val: v.flags as i32,
                ..NO_OP
            });
        }
        for (i, entry) in c.entry[..c.nr as usize].iter().enumerate() {
            if entry.kind == abi::GD_E_PAGE {
                program.push_op(set_pte(entry, c.address + ((i as u64) << 12)));
            }
        }
        let owner = program.nr_ops() as u8;
        program.push_op(gd_op {
            op: CALLS[c.call as usize % CALLS.len()] as u8,
            addr: c.address,
            n: c.nr,
            foll: c.foll,
            ..NO_OP
        });
        self.push_faults(&mut program, owner);
        self.push_give_back(&mut program);
        program.normalise();
        program
    }

    /// What the faults did: to counts of pages, then to the entry.
    fn push_faults(&self, program: &mut Program, owner: u8) {
        let mut refs: Vec<i32> = self.0.folio.iter().map(|f| f.ref_).collect();
        for (i, fault) in self.0.fault[..self.nr_faults()].iter().enumerate() {
            let mut act = |op| {
                program.push_act(gd_act {
                    owner,
                    hook: abi::GD_HOOK_FAULT as u8,
                    nth: i as u8 + 1,
                    op,
                    ..NO_ACT
                })
            };
            for (k, delta) in fault.delta.iter().enumerate().filter(|(_, d)| **d != 0) {
                refs[k] += delta;
                let mut op = gd_op {
                    op: abi::GD_OP_SET_REF as u8,
                    val: refs[k],
                    ..NO_OP
                };
                op.run[0].page = page(k, 0);
                act(op);
            }
            if fault.entry.kind == abi::GD_E_PAGE {
                act(set_pte(&fault.entry, fault.address));
            }
            act(gd_op {
                op: abi::GD_OP_ANSWER as u8,
                val: fault.result as i32,
                ..NO_OP
            });
        }
    }

    /// All that was taken, a list's worth at a time, or a page at a time.
    fn push_give_back(&self, program: &mut Program) {
        let pages = &self.0.page[..self.taken()];
        for pages in pages.chunks(self.at_once()) {
            let mut op = NO_OP;
            for (run, folio) in op.run.iter_mut().zip(pages) {
                *run = gd_run {
                    page: page(*folio as usize, 0),
                    len: 1,
                };
            }
            if self.pins() {
                op.op = abi::GD_OP_UNPIN_USER_PAGES as u8;
            } else {
                op.op = abi::GD_OP_PUT_PAGE as u8;
                op.run[0].len = 0;
            }
            program.push_op(op);
        }
    }

    /// What a side shows of the program.
    pub fn view_of(&self, side: &mut dyn Side, program: &Program, trace: &mut Trace) -> View {
        side.run(program, trace);
        let layout = Layout::new(&program.0);
        let index = |page| layout.find(page).map_or(u32::MAX, |(i, _)| i as u32);
        let call = program.nr_ops() - self.0.page[..self.taken()].chunks(self.at_once()).len() - 1;
        // as they are before the first operation changes them
        let mut now: Vec<Counts> = program.folios()[..self.0.nr_folios as usize]
            .iter()
            .map(|f| (f.ref_, 0, f.ref_ >= abi_bias()))
            .collect();
        let mut view = View::default();
        for (i, records) in trace.ops().enumerate() {
            for rec in records {
                match Record::from(rec) {
                    Record::Page(state) => {
                        if let Some(counts) = now.get_mut(index(state.page) as usize) {
                            *counts = state.counts();
                        }
                    }
                    Record::Entry { page, .. } if i == call => view.pages.push(index(page)),
                    Record::Ask(Ask::Fault { flags, addr, .. }) => view.faults.push((addr, flags)),
                    Record::State {
                        acquired, released, ..
                    } if i == call => view.pins = (acquired, released),
                    Record::Ret(Ret::Int(result), _) if i == call => view.result = result,
                    _ => {}
                }
            }
            if i == call {
                view.held.clone_from(&now);
            }
        }
        view.given_back = now;
        view
    }

    fn at_once(&self) -> usize {
        if self.pins() { NR_RUNS } else { 1 }
    }

    /// Whether a side does what the booted kernel did; the program says what that was.
    pub fn check(&self, side: &mut dyn Side, trace: &mut Trace) -> Result<(), String> {
        let program = self.program();
        let (live, seen) = (self.view(), self.view_of(side, &program, trace));
        if live == seen {
            return Ok(());
        }
        let mut wrong = String::new();
        let name = side.info().name.clone();
        let _ = write!(wrong, "the booted kernel {live}; {name} {seen}");
        Err(wrong)
    }
}

/// Where a small page begins to look pinned: GUP_PIN_COUNTING_BIAS.
const fn abi_bias() -> i32 {
    1024
}

fn set_pte(entry: &gd_recorded_entry, addr: u64) -> gd_op {
    let mut op = gd_op {
        op: abi::GD_OP_SET_PTE as u8,
        addr,
        n: 1,
        entry: entry.kind as u8,
        eflags: entry.flags as u16,
        ..NO_OP
    };
    op.run[0].page = page(entry.folio as usize, 0);
    op
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::rust::RustSide;

    const ADDR: u64 = 0x1000_0000;

    /// A page that a fork shares, pinned to be written: a fault copies it.
    fn copied() -> gd_recording {
        let state = |ref_, pinned| abi::gd_user_state {
            ref_,
            pin: 0,
            pinned,
        };
        let mut c = gd_recording {
            address: ADDR,
            call: abi::GD_USER_PIN,
            foll: 1 << abi::GD_FOLL_WRITE,
            nr: 1,
            result: 1,
            acquired: 1,
            nr_vmas: 1,
            nr_folios: 2,
            nr_faults: 1,
            ..gd_recording::default()
        };
        c.page[0] = 1;
        c.vma[0] = abi::gd_recorded_vma {
            address: ADDR,
            pages: 1,
            flags: 1 << abi::GD_VM_READ
                | 1 << abi::GD_VM_WRITE
                | 1 << abi::GD_VM_MAYREAD
                | 1 << abi::GD_VM_MAYWRITE,
            kind: abi::GD_V_ANON,
            pad: 0,
        };
        let entry = |folio, flags| gd_recorded_entry {
            kind: abi::GD_E_PAGE,
            folio,
            flags,
        };
        c.entry[0] = entry(0, 0);
        for (folio, ref_, exclusive) in [(0, 2, 0), (1, 1, 1 << abi::GD_F_ANON_EXCLUSIVE)] {
            c.folio[folio].mapping = abi::GD_M_ANON;
            c.folio[folio].ref_ = ref_;
            c.folio[folio].flags = exclusive;
        }
        let fault = &mut c.fault[0];
        fault.address = ADDR;
        fault.flags = 1 << abi::GD_FF_WRITE;
        fault.delta[0] = -1;
        fault.entry = entry(1, 1 << abi::GD_EF_RW | 1 << abi::GD_EF_DIRTY);
        c.folio[0].held = state(1, 0);
        c.folio[0].given_back = state(1, 0);
        c.folio[1].held = state(1025, 1);
        c.folio[1].given_back = state(1, 0);
        c
    }

    #[test]
    fn a_recorded_call_is_a_program() {
        let mut side = RustSide::open("rust:6.12").unwrap();
        let mut trace = Trace::new();
        let mut check = |call: &Recorded| call.check(&mut side, &mut trace);
        let call = Recorded::new(copied());
        // what the kernel asks faults for besides is told by the side
        let program = call.program();
        let seen = call.view_of(
            &mut RustSide::open("rust:6.12").unwrap(),
            &program,
            &mut Trace::new(),
        );
        assert_eq!(seen.faults.len(), 1);
        let mut raw = copied();
        raw.fault[0].flags = seen.faults[0].1;
        assert_eq!(check(&Recorded::new(raw)), Ok(()));
        assert!(check(&Recorded::new(raw).altered()).is_err());
        raw.released = 1;
        let wrong = check(&Recorded::new(raw)).unwrap_err();
        assert!(wrong.contains("(1, 1)"), "{wrong}");
    }

    #[test]
    fn what_cannot_be_told_is_not_whole() {
        let mut raw = copied();
        assert!(Recorded::new(raw).is_whole());
        raw.flaws = abi::GD_CALL_FLAW_PAGES;
        assert!(!Recorded::new(raw).is_whole());
    }
}
