// SPDX-License-Identifier: GPL-2.0
//! The linked kernels and what is known of them.

use crate::{Machine, abi};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::CStr,
    sync::Mutex,
};

/// A kernel and configuration that is linked into this program, or a version
/// of the FOLL_PIN series, which has no kernel around it.
pub struct Kernel {
    name: &'static str,
    pub(crate) raw: *const abi::gd_kernel,
    rust: &'static str,
    gup_sha256: &'static str,
    config_sha256: &'static str,
    origin: &'static str,
    control: Option<&'static str>,
    tree: &'static str,
    /// Held by the one [`Machine`] that runs it.
    pub(crate) lock: Mutex<()>,
}

// SAFETY: the description behind `raw` is constant but for the sites' ids,
// which are written under `lock`.
unsafe impl Sync for Kernel {}

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

/// Every linked kernel: the prepared ones, the versions of the FOLL_PIN series,
/// which are always there, and the controls.
pub fn kernels() -> &'static [Kernel] {
    &KERNELS
}

/// What a site does when its condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// `WARN`, `WARN_ON`, `WARN_ON_ONCE`, `VM_WARN_*`
    Warn,
    /// `BUG`, `BUG_ON`, `VM_BUG_ON_*`
    Bug,
}

/// One WARN or BUG of the built object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteInfo {
    /// The function that it is written in, also where that was inlined.
    pub func: String,
    /// Path within the kernel tree.
    pub file: String,
    /// Line in that file; shown, never compared.
    pub line: u32,
    /// WARN or BUG.
    pub kind: SiteKind,
    /// Position among the function's sites of this kind, from 0.
    pub ordinal: u32,
}

impl Kernel {
    pub(crate) fn raw(&self) -> &'static abi::gd_kernel {
        // SAFETY: points to a static of the linked object.
        unsafe { &*self.raw }
    }

    /// The name in `c:NAME`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The kernel's own release string, or "FOLL_PIN series v8".
    pub fn release(&self) -> String {
        // SAFETY: a C string constant of the object.
        unsafe { CStr::from_ptr(self.raw().release) }
            .to_string_lossy()
            .into_owned()
    }

    /// The version of the FOLL_PIN series; none for a kernel.
    pub fn series(&self) -> Option<u32> {
        Some(self.raw().series).filter(|&version| version != 0)
    }

    /// `(VERSION, PATCHLEVEL)`; of the series, those of the kernel that it was
    /// posted for.
    pub fn version(&self) -> (u16, u16) {
        let v = self.raw().version;
        ((v >> 16) as u16, (v >> 8 & 0xff) as u16)
    }

    /// Whether it was built with CONFIG_DEBUG_VM.
    pub fn debug_vm(&self) -> bool {
        self.raw().debug_vm != 0
    }

    /// sha256 of mm/gup.c; of the series, of its sources (the files of
    /// `csrc/series`, one after the other, sorted by path).
    pub fn gup_sha256(&self) -> &'static str {
        self.gup_sha256
    }

    /// sha256 of the configuration; of the series, of the macros that it is
    /// compiled with.
    pub fn config_sha256(&self) -> &'static str {
        self.config_sha256
    }

    /// The Rust revision to compare with, as in `rust:REVISION`.
    pub fn rust_revision(&self) -> &'static str {
        self.rust
    }

    /// Where the source came from: a package and its version, or a path.
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// For a control: "fault" or "harmless".
    pub fn control(&self) -> Option<&'static str> {
        self.control
    }

    /// The source tree that it was built from: of the series, this workspace.
    pub fn tree(&self) -> &'static str {
        self.tree
    }

    /// Names of kernel functions that the C side does not provide.
    pub fn gaps(&self) -> Vec<String> {
        let raw = self.raw();
        // SAFETY: `nr_gaps` and the array behind `gaps` are constants of the object.
        unsafe {
            (0..*raw.nr_gaps as usize)
                .map(|i| {
                    CStr::from_ptr(*raw.gaps.add(i))
                        .to_string_lossy()
                        .into_owned()
                })
                .collect()
        }
    }

    /// Every WARN and BUG of the object, by function and line.
    pub fn sites(&self) -> Vec<SiteInfo> {
        let mut sites: Vec<_> = self.located_sites().into_iter().map(|(_, s)| s).collect();
        sites.sort_by(|a, b| (&a.func, a.kind, a.ordinal).cmp(&(&b.func, b.kind, b.ordinal)));
        sites.dedup();
        sites
    }

    /// The object's sites with their indices. The same source line compiled
    /// into two units is one site.
    pub(crate) fn located_sites(&self) -> Vec<(usize, SiteInfo)> {
        let raw = self.raw();
        // SAFETY: both pointers bound the object's section of sites.
        let all = unsafe {
            std::slice::from_raw_parts(raw.sites, raw.sites_end.offset_from_unsigned(raw.sites))
        };
        let string = |p| {
            // SAFETY: C string constants of the object.
            unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned()
        };
        // Two sites on one line (a macro) count as one: their order within the
        // line is the compiler's business.
        let mut lines: BTreeMap<(String, u32), BTreeSet<u32>> = BTreeMap::new();
        for s in all {
            lines
                .entry((string(s.func), s.kind))
                .or_default()
                .insert(s.line);
        }
        all.iter()
            .enumerate()
            .map(|(i, s)| {
                let func = string(s.func);
                let ordinal = lines[&(func.clone(), s.kind)].range(..s.line).count();
                let file = string(s.file);
                let file = file
                    .strip_prefix(self.tree)
                    .map_or(file.as_str(), |f| f.trim_start_matches('/'));
                let kind = if s.kind == abi::GD_SITE_BUG {
                    SiteKind::Bug
                } else {
                    SiteKind::Warn
                };
                let info = SiteInfo {
                    func,
                    file: file.into(),
                    line: s.line,
                    kind,
                    ordinal: ordinal as u32,
                };
                (i, info)
            })
            .collect()
    }

    /// Starts the kernel; `site_id` gives the id that its WARN and BUG records
    /// will carry. Waits while another [`Machine`] of this kernel exists.
    pub fn open(&'static self, site_id: &dyn Fn(&SiteInfo) -> u32) -> std::io::Result<Machine> {
        Machine::start(self, site_id)
    }
}
