// SPDX-License-Identifier: GPL-2.0
//! Sides made of a linked kernel.

use csrc::{Kernel, Machine};

use super::{Side, SideInfo};
use crate::ops::Rev;
use crate::program::Program;
use crate::site::{self, PlacedSite, SiteKind};
use crate::trace::Trace;

/// A linked kernel, ready to run programs.
pub struct CSide {
    info: SideInfo,
    machine: Machine,
    sites: Vec<PlacedSite>,
    gaps: Vec<String>,
}

/// What a linked kernel is.
pub fn info(kernel: &Kernel) -> SideInfo {
    let (major, minor) = kernel.version();
    SideInfo {
        name: format!("c:{}", kernel.name()),
        rev: match kernel.series() {
            Some(version) => Rev::Series(version as u16),
            None => Rev::Linux { major, minor },
        },
        debug_vm: kernel.debug_vm(),
        release: Some(kernel.release()),
        gup_sha256: Some(kernel.gup_sha256().to_string()),
        config_sha256: Some(kernel.config_sha256().to_string()),
        counterpart: Some(format!("rust:{}", kernel.rust_revision())),
    }
}

fn intern(s: &csrc::SiteInfo) -> site::SiteId {
    let kind = match s.kind {
        csrc::SiteKind::Warn => SiteKind::Warn,
        csrc::SiteKind::Bug => SiteKind::Bug,
    };
    site::intern(&s.func, kind, s.ordinal)
}

/// Every WARN and BUG of a linked kernel.
pub fn sites(kernel: &Kernel) -> Vec<PlacedSite> {
    let placed = |s: &csrc::SiteInfo| PlacedSite {
        id: intern(s),
        place: Some(format!("{}:{}", s.file, s.line)),
    };
    kernel.sites().iter().map(placed).collect()
}

impl CSide {
    /// Sets the kernel's memory up.
    pub fn open(kernel: &'static Kernel) -> std::io::Result<Self> {
        Ok(Self {
            info: info(kernel),
            machine: kernel.open(&|s| intern(s).0)?,
            sites: sites(kernel),
            gaps: kernel.gaps(),
        })
    }
}

impl Side for CSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        self.machine.run(&prog.0, trace.records_mut());
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.sites
    }

    fn gap(&self, index: u32) -> String {
        match self.gaps.get(index as usize) {
            Some(name) => name.clone(),
            None => format!("gap {index}"),
        }
    }
}
