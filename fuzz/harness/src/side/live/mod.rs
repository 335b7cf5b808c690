// SPDX-License-Identifier: GPL-2.0
//! Sides made of a running kernel: the distribution's own image, booted by
//! QEMU, with a module that runs programs on it (`csrc/live`).
//!
//! The guest stays up between programs.  A program that it does not survive is
//! saved, is a gap, and the next one gets a fresh guest.

mod guest;
mod initramfs;
mod kit;
pub mod mappings;
pub mod recorded;
mod shared;
mod sites;

use std::collections::VecDeque;
use std::io::{self, Write};

use csrc::abi::{self, gd_rec};

use self::guest::{Calls, Guest};
use self::kit::Kit;
use self::mappings::UserCall;
use self::recorded::Recorded;
use self::sites::Sites;
use super::rust::RustSide;
use super::{Side, SideInfo, c};
use crate::layer;
use crate::ops::Rev;
use crate::program::{Program, text};
use crate::report;
use crate::site::PlacedSite;
use crate::trace::{End, Trace};

pub use self::kit::infos;
pub use self::shared::BATCH;

/// Why a kernel cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no image or module for it.
    #[error("live:{0} is not set up: make live KERNEL={0}")]
    NotSetUp(String),
    /// The side whose sites it shares is not there.
    #[error("live:{0} needs {1}, which is not prepared: make setup")]
    NoCounterpart(String, String),
    /// The same side cannot be made.
    #[error("live:{0} shares its sites with another side: {1}")]
    Counterpart(String, Box<super::Error>),
    /// No emulator.
    #[error("qemu-system-x86_64 is not installed (Debian: apt-get install qemu-system-x86)")]
    NoQemu,
    /// It does not come up.
    #[error("{what}{}{console}", if .console.is_empty() { "" } else { "; the last lines of its console:\n" })]
    Boot {
        /// What went wrong.
        what: String,
        /// The console's last lines.
        console: String,
    },
}

/// The C side of the same kernel and configuration; the rules may be those of a point
/// release, the side is called after the kernel.
pub fn compiled(info: &SideInfo) -> String {
    let config = if info.debug_vm { "" } else { "-nodebug" };
    format!("c:{}{config}", info.rev)
}

/// A booted kernel.
pub struct LiveSide {
    info: SideInfo,
    kit: Kit,
    guest: Guest,
    /// Tells which programs would not end.
    screen: RustSide,
    scratch: Trace,
    known: Vec<PlacedSite>,
    sites: Sites,
    gaps: Vec<String>,
    /// Of the guest, as far as they were told.
    strays: u32,
    /// What was asked for and not answered yet.
    pending: Vec<(Program, Option<usize>)>,
    /// Answers that nobody has asked for yet.
    ready: VecDeque<(Program, Vec<gd_rec>)>,
}

impl LiveSide {
    /// Boots the kernel of that name.
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::boot(name, Calls::None)
    }

    /// The same, and the guest makes its calls on real mappings, and so many on random
    /// ones.
    pub fn open_with_mappings(
        name: &str,
        nr: u32,
        seed: u64,
    ) -> Result<(Self, Vec<UserCall>, Vec<Recorded>), Error> {
        let side = Self::boot(name, Calls::Some { nr, seed })?;
        let calls = side.guest.shared.user_calls();
        let recorded = side.guest.shared.recordings();
        Ok((
            side,
            calls.into_iter().map(UserCall::new).collect(),
            recorded.into_iter().map(Recorded::new).collect(),
        ))
    }

    fn boot(name: &str, calls: Calls) -> Result<Self, Error> {
        let kit = Kit::find(name)?;
        let info = kit.info.clone();
        let rust = info.counterpart.clone().unwrap_or_default();
        let missing = |what: &str| Error::NoCounterpart(name.into(), what.into());
        let screen = RustSide::open(&rust).ok_or_else(|| missing(&rust))?;
        let compiled = compiled(&info);
        let known = c::sites(compiled.trim_start_matches("c:"))
            .map_err(|error| Error::Counterpart(name.into(), Box::new(error)))?
            .ok_or_else(|| missing(&compiled))?;
        let guest = Guest::boot(&kit, calls)?;
        let (release, version, debug_vm) = guest.shared.kernel();
        let rev = Rev::linux((version >> 16) as u16, (version >> 8 & 0xff) as u16);
        if debug_vm != info.debug_vm || rev != info.rev {
            return Err(Error::Boot {
                what: format!("the guest is another kernel than expected: {release}"),
                console: String::new(),
            });
        }
        Ok(Self {
            info,
            kit,
            screen,
            scratch: Trace::new(),
            sites: Sites::new(&known),
            known,
            gaps: guest.shared.gaps(),
            guest,
            strays: 0,
            pending: Vec::new(),
            ready: VecDeque::new(),
        })
    }

    /// The operation that would not end, if there is one.
    fn cut(&mut self, prog: &Program) -> Option<usize> {
        self.screen.run(prog, &mut self.scratch);
        match self.scratch.end() {
            Some((End::Limit, executed)) => Some((executed as usize).saturating_sub(1)),
            _ => None,
        }
    }

    fn post(&mut self, progs: &[Program]) {
        debug_assert!(self.pending.is_empty());
        self.pending = progs
            .iter()
            .take(BATCH)
            .map(|prog| (*prog, self.cut(prog)))
            .collect();
        if !self.pending.is_empty() {
            self.guest.shared.post(&self.pending);
        }
    }

    /// Fetches the answers to all that was asked for.
    fn collect(&mut self) {
        let batch = std::mem::take(&mut self.pending);
        let mut answers: Vec<Option<Vec<gd_rec>>> = vec![None; batch.len()];
        // Those that were posted last, by their places in the batch.
        let mut posted: Vec<usize> = (0..batch.len()).collect();
        while !posted.is_empty() {
            let died = self.guest.wait().err();
            for (i, &place) in posted.iter().enumerate() {
                answers[place] = self.answer(i);
            }
            if let Some(how) = died {
                let culprit = self.guest.shared.progress().1 as usize;
                if let Some(&place) = posted.get(culprit) {
                    answers[place] = Some(self.bury(&batch[place].0, &how));
                }
                self.reboot();
            } else if self.guest.shared.strays() > self.strays
                && let Some(&place) = posted.last()
            {
                // Some program of the last few thousand; this one speaks for it.
                self.strays = self.guest.shared.strays();
                let name = format!("{} pages changed that no operation names", self.strays);
                answers[place] = Some(self.gap_trace(name));
            }
            // There was no room for their traces, or no guest any more.
            posted.retain(|place| answers[*place].is_none());
            let again: Vec<_> = posted.iter().map(|place| batch[*place]).collect();
            if !again.is_empty() {
                self.guest.shared.post(&again);
            }
        }
        let done = batch.into_iter().zip(answers);
        self.ready
            .extend(done.map(|((prog, _), answer)| (prog, answer.unwrap_or_default())));
    }

    /// What the guest answered to the `i`th program of the batch.
    fn answer(&mut self, i: usize) -> Option<Vec<gd_rec>> {
        let shared = &self.guest.shared;
        let mut records = shared.trace(i)?.to_vec();
        for rec in &mut records {
            if matches!(u32::from(rec.kind), abi::GD_R_WARN | abi::GD_R_BUG) {
                let site = (rec.c as usize).min(shared.nr_sites().saturating_sub(1));
                rec.c = self.sites.number(site, |i| shared.site(i)).0;
            }
        }
        Some(records)
    }

    /// The trace of a program that the guest did not survive: a gap.
    fn bury(&mut self, prog: &Program, how: &str) -> Vec<gd_rec> {
        let name = format!("killed-guest-{:016x}.gup", report::hash(&prog.encode()));
        let path = std::env::temp_dir().join(name);
        let saved = report::write_atomically(&path, text::format(prog, self.info.rev).as_bytes());
        let place = match saved {
            Ok(()) => path.display().to_string(),
            Err(error) => format!("nowhere: {error}"),
        };
        // Standard error may be closed.
        let _ = writeln!(
            io::stderr(),
            "error: {} did not survive a program ({how}), which is saved in {place}\n{}",
            self.info.name,
            self.guest.console()
        );
        self.gap_trace(format!("the guest did not survive ({how}): {place}"))
    }

    /// The trace of a program of which nothing can be said.
    fn gap_trace(&mut self, name: String) -> Vec<gd_rec> {
        let known = self.gaps.iter().position(|gap| *gap == name);
        let gap = known.unwrap_or_else(|| {
            self.gaps.push(name);
            self.gaps.len() - 1
        }) as u32;
        let rec = |kind, a: u32, c| gd_rec {
            kind: kind as u8,
            a: a as u8,
            c,
            ..Default::default()
        };
        vec![
            rec(abi::GD_R_GAP, 0, gap),
            rec(abi::GD_R_RET, abi::GD_RET_STOPPED, 0),
            rec(abi::GD_R_END, abi::GD_END_GAP, 0),
        ]
    }

    fn reboot(&mut self) {
        match Guest::boot(&self.kit, Calls::None) {
            Ok(guest) => self.guest = guest,
            Err(error) => {
                // There is no side any more, and a run has no way to say so.
                let _ = writeln!(io::stderr(), "error: {} again: {error}", self.info.name);
                std::process::exit(2);
            }
        }
        self.sites.rebooted();
        self.strays = 0;
    }
}

impl Side for LiveSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn prefetch(&mut self, progs: &[Program]) {
        self.collect();
        self.post(progs);
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        if let Some(gap) = layer::gap(prog, self.info.rev) {
            let records = self.gap_trace(gap);
            trace.records_mut().clear();
            trace.records_mut().extend(records);
            return;
        }
        let expected = |ready: &VecDeque<(Program, _)>| ready.front().is_some_and(|r| r.0 == *prog);
        if !expected(&self.ready) {
            self.collect();
        }
        let records = match expected(&self.ready) {
            true => self.ready.pop_front(),
            false => {
                self.post(std::slice::from_ref(prog));
                self.collect();
                self.ready.pop_back()
            }
        };
        let out = trace.records_mut();
        out.clear();
        out.extend(records.map(|(_, records)| records).unwrap_or_default());
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.known
    }

    fn gap(&self, index: u32) -> String {
        match self.gaps.get(index as usize) {
            Some(name) => name.clone(),
            None => format!("gap {index}"),
        }
    }
}
