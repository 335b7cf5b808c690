// SPDX-License-Identifier: GPL-2.0
//! The memory of a process that a selftest sets up, and what faults make of it.
//!
//! A fault of a booted kernel is not scripted: what it does follows from the mapping and
//! from the page that is there.  That is foretold here, for the plain mappings that a
//! selftest has; the sides are then asked what a call does on such memory.

use csrc::abi::{self, gd_folio, gd_op};

use crate::program::{MAX_FOLIOS, NO_FOLIO, NO_OP, page};

/// What a page of a mapping is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Anon,
    /// The zero page.
    Zero,
    /// The page cache of an area's file.
    Cache,
}

/// A page that is or was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folio {
    pub kind: Kind,
    /// `GD_M_*`.
    pub mapping: u8,
    /// Mappings, and the page cache.
    pub refs: i32,
    pub exclusive: bool,
    /// What each of its bytes is.
    pub byte: u8,
}

/// What maps one page of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// The index of its page, if it is present.
    pub folio: Option<usize>,
    pub writable: bool,
    pub dirty: bool,
    /// PROT_NONE.
    pub no_access: bool,
}

/// What an area maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    Anon,
    /// `GD_V_*` of a file, whether it is mapped shared, and at which page of the range it
    /// ends.
    File {
        kind: u8,
        shared: bool,
        end: usize,
    },
}

/// A mapping, in pages of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub first: usize,
    pub nr: usize,
    pub read: bool,
    pub write: bool,
    pub exec: bool,
    /// Whether mprotect() could make it writable.
    pub may_write: bool,
    pub on_fault: bool,
    pub locked: bool,
    pub backing: Backing,
}

impl Area {
    pub fn has(&self, page: usize) -> bool {
        (self.first..self.first + self.nr).contains(&page)
    }

    pub fn is_shared(&self) -> bool {
        matches!(self.backing, Backing::File { shared: true, .. })
    }

    /// Whether the file system wants to know of the first write to a page.
    fn tracks_writes(&self) -> bool {
        match self.backing {
            Backing::File { kind, shared, .. } => shared && u32::from(kind) == abi::GD_V_FILE,
            Backing::Anon => false,
        }
    }
}

/// Why a fault fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// SIGBUS: behind the end of the file.
    Sigbus,
    /// No more pages can be told apart.
    TooMany,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub areas: Vec<Area>,
    pub frames: Vec<Frame>,
    pub folios: Vec<Folio>,
}

impl Memory {
    pub fn area(&self, page: usize) -> Option<&Area> {
        self.areas.iter().find(|area| area.has(page))
    }

    /// A page more; `None` if there are too many.
    pub fn add(&mut self, folio: Folio) -> Option<usize> {
        (self.folios.len() < MAX_FOLIOS).then(|| {
            self.folios.push(folio);
            self.folios.len() - 1
        })
    }

    pub fn zero(&mut self) -> Option<usize> {
        let known = self.folios.iter().position(|f| f.kind == Kind::Zero);
        known.or_else(|| {
            self.add(Folio {
                kind: Kind::Zero,
                mapping: abi::GD_M_NONE as u8,
                refs: 1,
                exclusive: false,
                byte: 0,
            })
        })
    }

    /// An anonymous page that only this process has.
    pub fn anon(&mut self, byte: u8) -> Option<usize> {
        self.add(Folio {
            kind: Kind::Anon,
            mapping: abi::GD_M_ANON as u8,
            refs: 1,
            exclusive: true,
            byte,
        })
    }

    /// A page of the file of an area.
    pub fn cached(&mut self, kind: u8, byte: u8) -> Option<usize> {
        let mapping = match u32::from(kind) {
            abi::GD_V_SECRETMEM => abi::GD_M_SECRETMEM,
            abi::GD_V_SHMEM => abi::GD_M_SHMEM,
            _ => abi::GD_M_FILE,
        };
        self.add(Folio {
            kind: Kind::Cache,
            mapping: mapping as u8,
            refs: 2,
            exclusive: false,
            byte,
        })
    }

    /// Maps a page, as the area allows.
    pub fn map(&mut self, at: usize, folio: usize, write: bool) {
        let Some(area) = self.area(at).copied() else {
            return;
        };
        let private = !area.is_shared();
        let copied = self.folios[folio].kind == Kind::Anon;
        let writable = match private {
            true => copied && write,
            false => write || !area.tracks_writes(),
        };
        self.frames[at] = Frame {
            folio: Some(folio),
            writable: area.write && writable,
            dirty: write,
            no_access: !area.read && !area.write && !area.exec,
        };
    }

    /// What a fault does that is to write or to end sharing (`unshare`).
    pub fn fault(&mut self, at: usize, write: bool, unshare: bool) -> Result<(), Failed> {
        let Some(area) = self.area(at).copied() else {
            return Err(Failed::Sigbus);
        };
        if let Backing::File { end, .. } = area.backing
            && at >= end
            && self.frames[at].folio.is_none()
        {
            return Err(Failed::Sigbus);
        }
        let Some(old) = self.frames[at].folio else {
            return self.fault_missing(at, &area, write);
        };
        if !write && !unshare || self.frames[at].writable {
            return Ok(());
        }
        if area.is_shared() {
            if write {
                self.map(at, old, true);
            }
            return Ok(());
        }
        let Folio { kind, refs, .. } = self.folios[old];
        if kind == Kind::Anon && (self.folios[old].exclusive || refs == 1) {
            self.folios[old].exclusive = true;
            self.map(at, old, write);
            return Ok(());
        }
        let byte = self.folios[old].byte;
        let new = self.anon(byte).ok_or(Failed::TooMany)?;
        if kind != Kind::Zero {
            self.folios[old].refs -= 1;
        }
        self.map(at, new, write);
        Ok(())
    }

    fn fault_missing(&mut self, at: usize, area: &Area, write: bool) -> Result<(), Failed> {
        let folio = match area.backing {
            Backing::Anon if !write => self.zero(),
            Backing::Anon => self.anon(0),
            Backing::File { shared: false, .. } if write => self.anon(0),
            Backing::File { kind, .. } => self.cached(kind, 0),
        };
        self.map(at, folio.ok_or(Failed::TooMany)?, write);
        Ok(())
    }

    /// The operation that sets an entry.
    pub fn set_pte(&self, at: usize, address: u64) -> Option<gd_op> {
        let frame = self.frames[at];
        let folio = frame.folio?;
        let mut flags = 0;
        for (set, flag) in [
            (frame.writable && !frame.no_access, abi::GD_EF_RW),
            (frame.dirty, abi::GD_EF_DIRTY),
            (frame.dirty, abi::GD_EF_SOFT_DIRTY),
            // vm_normal_page() knows it by that
            (self.folios[folio].kind == Kind::Zero, abi::GD_EF_SPECIAL),
            (frame.no_access, abi::GD_EF_ABSENT),
            (frame.no_access, abi::GD_EF_PROTNONE),
        ] {
            flags |= u16::from(set) << flag;
        }
        let mut op = gd_op {
            op: abi::GD_OP_SET_PTE as u8,
            addr: address,
            n: 1,
            entry: abi::GD_E_PAGE as u8,
            eflags: flags,
            ..NO_OP
        };
        op.run[0].page = page(folio, 0);
        Some(op)
    }

    /// The operations that make the counts of one state those of another.
    pub fn changes(&self, from: &Memory) -> Vec<gd_op> {
        let mut ops = Vec::new();
        for (i, (now, old)) in self.folios.iter().zip(&from.folios).enumerate() {
            let mut op = gd_op { ..NO_OP };
            op.run[0].page = page(i, 0);
            if now.refs != old.refs {
                op.op = abi::GD_OP_SET_REF as u8;
                op.val = now.refs;
                ops.push(op);
            }
            if now.exclusive && !old.exclusive {
                op.op = abi::GD_OP_SET_FLAG as u8;
                op.arg = abi::GD_F_ANON_EXCLUSIVE as u16;
                op.val = 0;
                ops.push(op);
            }
        }
        ops
    }
}

impl Folio {
    /// How a program declares it.
    pub fn declared(&self) -> gd_folio {
        gd_folio {
            kind: match self.kind {
                Kind::Zero => abi::GD_K_ZERO as u8,
                Kind::Anon | Kind::Cache => abi::GD_K_NORMAL as u8,
            },
            mapping: self.mapping,
            exclusive: u8::from(self.exclusive),
            ref_: self.refs,
            ..NO_FOLIO
        }
    }
}
