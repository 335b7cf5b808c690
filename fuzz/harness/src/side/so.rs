// SPDX-License-Identifier: GPL-2.0
//! `so:PATH`: a user's object that exports a side (`csrc/abi/gupdiff.h`).
//!
//! It runs in a process of its own.  A crash is an OOPS of the current operation, a timeout
//! is a LIMIT, and an invalid trace is a gap with a name.  So none of them ends a campaign
//! or counts as agreement.

use std::path::Path;

use csrc::{Fate, Foreign, Object, abi};

use super::c::{intern, placed};
use super::{Error, Side, SideInfo, rust};
use crate::program::Program;
use crate::rev::Rev;
use crate::site::PlacedSite;
use crate::trace::Trace;

/// The prefix of a side's name.
pub const PREFIX: &str = "so:";

/// A side made from a user's object.
pub struct SoSide {
    info: SideInfo,
    foreign: Foreign,
    sites: Vec<PlacedSite>,
    /// The object's names of gaps, then our own.
    gaps: Vec<String>,
}

/// Reads the description of an object in a file.
pub fn describe(path: &str) -> Result<SideInfo, Error> {
    Ok(info(path, &Object::load(Path::new(path))?))
}

fn info(path: &str, object: &Object) -> SideInfo {
    let rev = match object.series() {
        Some(version) => Rev::Series(version as u16),
        None => {
            let (major, minor) = object.version();
            Rev::linux(major, minor)
        }
    };
    let config = if object.debug_vm() { "" } else { "-nodebug" };
    SideInfo {
        name: format!("{PREFIX}{path}"),
        rev,
        point: 0,
        debug_vm: object.debug_vm(),
        release: Some(object.release()),
        gup_sha256: None,
        config_sha256: None,
        counterpart: Some(format!("rust:{rev}{config}"))
            .filter(|name| rust::describe(name).is_some()),
        origin: None,
        lacks: Vec::new(),
        message: None,
    }
}

impl SoSide {
    /// Loads the object in a file and starts it.
    pub fn open(path: &str) -> Result<Self, Error> {
        let object = Object::load(Path::new(path))?;
        Ok(Self {
            info: info(path, &object),
            sites: placed(&object),
            gaps: object.gaps(),
            foreign: Foreign::start(object, &|site| intern(site).0)?,
        })
    }

    /// The number of a gap with this name.
    fn gap_named(&mut self, name: String) -> u32 {
        let at = self.gaps.iter().position(|gap| *gap == name);
        let at = at.unwrap_or_else(|| {
            self.gaps.push(name);
            self.gaps.len() - 1
        });
        at as u32
    }
}

impl Side for SoSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        let records = trace.records_mut();
        let (kind, end, gap) = match self.foreign.run(&prog.0, records) {
            Fate::Ran => return,
            Fate::Killed(_) => (abi::GD_R_OOPS, abi::GD_END_OOPS, None),
            Fate::Hung => (abi::GD_R_LIMIT, abi::GD_END_LIMIT, None),
            Fate::Exited(status) => {
                let name = format!("an answer: its process ended with status {status}");
                (abi::GD_R_GAP, abi::GD_END_GAP, Some(name))
            }
            Fate::NoTrace(flaw) => {
                records.clear();
                let name = format!("a trace: {flaw}");
                (abi::GD_R_GAP, abi::GD_END_GAP, Some(name))
            }
        };
        let gap = gap.map_or(0, |name| self.gap_named(name));
        // the operations that returned, and the one that did not
        let is_ret = |rec: &abi::gd_rec| u32::from(rec.kind) == abi::GD_R_RET;
        let whole = records.iter().rposition(is_ret).map_or(0, |at| at + 1);
        records.truncate(whole);
        let mut done = records.iter().filter(|rec| is_ret(rec)).count();
        let record = |kind: u32, a: u32, b: usize, c: u32| abi::gd_rec {
            kind: kind as u8,
            a: a as u8,
            b: b as u16,
            c,
            d: 0,
        };
        if done < prog.nr_ops() {
            records.push(record(kind, 0, 0, gap));
            records.push(record(abi::GD_R_RET, abi::GD_RET_STOPPED, 0, 0));
            done += 1;
        }
        records.push(record(abi::GD_R_END, end, done, 0));
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.sites
    }

    fn has_op(&self, id: u8) -> bool {
        self.foreign.has_op(id)
    }

    fn gap(&self, index: u32) -> String {
        match self.gaps.get(index as usize) {
            Some(name) => name.clone(),
            None => format!("gap {index}"),
        }
    }
}
