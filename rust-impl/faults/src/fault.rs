// SPDX-License-Identifier: GPL-2.0
//! The faults, and which of them is planted.
#![warn(clippy::all, unused)]

use std::cell::Cell;

use crate::rules::{Revision, Rules};

/// What it takes to see a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Operations of the page level.
    Page,
    /// The lockless walk, or a hook point.
    Lockless,
    /// The slow path.
    Slow,
}

/// A fault that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    number: u32,
    name: &'static str,
    about: &'static str,
    layer: Layer,
    since: Revision,
    until: Option<Revision>,
    debug_vm: bool,
    except: &'static [&'static str],
}

impl Fault {
    /// All of them, as `edits/` declares them.
    pub const ALL: &'static [Fault] = include!(concat!(env!("OUT_DIR"), "/faults.rs"));

    /// A short name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What is wrong, and where.
    pub const fn about(&self) -> &'static str {
        self.about
    }

    /// What it takes to see it.
    pub const fn layer(&self) -> Layer {
        self.layer
    }

    /// Rules that it makes no difference to, although their revision has the
    /// code.
    pub const fn except(&self) -> &'static [&'static str] {
        self.except
    }

    /// Whether it makes a difference under these rules.
    pub fn applies(&self, rules: &Rules) -> bool {
        self.since <= rules.revision
            && self.until.is_none_or(|last| rules.revision <= last)
            && (rules.debug_vm || !self.debug_vm)
            && !self.except.contains(&rules.name())
    }

    /// The fault of that name.
    pub fn by_name(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|f| f.name == name)
    }
}

thread_local! {
    /// 0, or one more than the fault's number.
    static SELECTED: Cell<u32> = const { Cell::new(0) };
}

/// Plants one fault in what this thread runs, or none.
pub fn select(fault: Option<Fault>) {
    SELECTED.set(fault.map_or(0, |f| f.number + 1));
}

/// Whether the fault with this number is planted: what the edits ask.
#[inline(always)]
pub(crate) fn is(number: u32) -> bool {
    SELECTED.get() == number + 1
}
