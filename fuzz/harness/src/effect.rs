// SPDX-License-Identifier: GPL-2.0
//! The effects of operations: the column `effect` of the table.
//!
//! `csrc/abi/effect.h` defines the words.  Code that uses them matches all words without a
//! default, so a new word does not compile until it is handled everywhere.

use csrc::abi::{self, gd_op};

use crate::program::walk::Level;
use crate::rev::{Fact, Rev};

/// What is taken or dropped.
pub type What = abi::gd_what;
/// How many.
pub type By = abi::gd_by;
/// The condition on the page.
pub type Of = abi::gd_of;
/// The callers of a function.
pub type Callers = abi::gd_callers;
/// The mmap lock.
pub type Lock = abi::gd_lock;
/// How pages are faulted in.
pub type Faulting = abi::gd_faults;
/// What a change of the world sets.
pub type Part = abi::gd_part;

/// The effect of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None: it is a predicate.
    Asks(Callers),
    /// It takes references or pins on its operands, if it succeeds.
    Takes {
        /// References or pins.
        what: What,
        /// How many.
        by: By,
        /// The condition on the page.
        of: Of,
        /// Its callers.
        callers: Callers,
    },
    /// It drops references or pins.
    Gives {
        /// References or pins.
        what: What,
        /// How many.
        by: By,
        /// Its callers.
        callers: Callers,
    },
    /// It sets MMF_HAS_PINNED.
    Marks,
    /// It takes references or pins on the pages mapped at an address.
    Walks {
        /// References or pins.
        what: What,
        /// On one page or on n.
        by: By,
        /// With this lock.
        lock: Lock,
    },
    /// It faults pages in, and takes nothing.
    Faults {
        /// Which ones.
        how: Faulting,
        /// With this lock.
        lock: Lock,
    },
    /// It pins folios of a file.
    PinsFile,
    /// It is a world change, not a function.
    Sets(Part),
}

impl From<&abi::gd_effect> for Effect {
    fn from(c: &abi::gd_effect) -> Self {
        let &abi::gd_effect {
            what,
            by,
            of,
            callers,
            lock,
            ..
        } = c;
        match c.kind {
            abi::gd_effect_kind::Ask => Effect::Asks(callers),
            abi::gd_effect_kind::Take => Effect::Takes {
                what,
                by,
                of,
                callers,
            },
            abi::gd_effect_kind::Give => Effect::Gives { what, by, callers },
            abi::gd_effect_kind::Mark => Effect::Marks,
            abi::gd_effect_kind::Walk => Effect::Walks { what, by, lock },
            abi::gd_effect_kind::Fault => Effect::Faults {
                how: c.faults,
                lock,
            },
            abi::gd_effect_kind::PinFile => Effect::PinsFile,
            abi::gd_effect_kind::Set => Effect::Sets(c.part),
        }
    }
}

impl Effect {
    /// The part of the world that a world change sets.
    #[inline]
    pub fn part(self) -> Option<Part> {
        match self {
            Effect::Sets(part) => Some(part),
            _ => None,
        }
    }

    /// Can code outside of mm call it?
    pub fn is_for_anybody(self) -> bool {
        match self {
            Effect::Asks(callers)
            | Effect::Takes { callers, .. }
            | Effect::Gives { callers, .. } => callers == Callers::Anybody,
            Effect::Walks { .. } | Effect::Faults { .. } | Effect::PinsFile => true,
            Effect::Marks | Effect::Sets(_) => false,
        }
    }

    /// Its use of the mmap lock.
    pub fn lock(self) -> Lock {
        match self {
            Effect::Walks { lock, .. } | Effect::Faults { lock, .. } => lock,
            Effect::PinsFile => Lock::Taken,
            Effect::Asks(_)
            | Effect::Takes { .. }
            | Effect::Gives { .. }
            | Effect::Marks
            | Effect::Sets(_) => Lock::Never,
        }
    }

    /// Number of pages or folios concerned.
    pub fn by(self) -> Option<By> {
        match self {
            Effect::Takes { by, .. } | Effect::Gives { by, .. } | Effect::Walks { by, .. } => {
                Some(by)
            }
            Effect::Asks(_)
            | Effect::Marks
            | Effect::Faults { .. }
            | Effect::PinsFile
            | Effect::Sets(_) => None,
        }
    }
}

/// The counts that an operation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// None.
    Nothing,
    /// References.
    Refs,
    /// Pins.
    Pins,
    /// Unknown.
    Unknown,
}

/// The counts that an operation changes in a revision; its flags may decide.
pub fn moves(what: What, op: &gd_op, rev: Rev) -> Moves {
    let has = |flag: u32| op.foll & 1 << flag != 0;
    let (get, pin) = (has(abi::GD_FOLL_GET), has(abi::GD_FOLL_PIN));
    let raw = u32::from(op.mods) & abi::GD_MOD_RAW != 0;
    match what {
        What::Ref => Moves::Refs,
        What::Pin | What::UncountedPin => Moves::Pins,
        What::Count => Moves::Unknown,
        // the meaning of raw flags depends on the kernel
        _ if raw => Moves::Unknown,
        What::FastGrab if !rev.has(Fact::FastGrabPrefersGet) => match (get, pin) {
            (_, true) => Moves::Pins,
            (false, false) if rev.has(Fact::FastGrabWantsFlag) => Moves::Nothing,
            _ => Moves::Refs,
        },
        // an error of the caller, which each version handles differently
        What::CallSite if get && pin => Moves::Unknown,
        What::SlowGrab | What::FastGrab | What::CallSite => match (get, pin) {
            (true, _) => Moves::Refs,
            (false, true) => Moves::Pins,
            (false, false) => Moves::Nothing,
        },
        What::Grabbed if pin => Moves::Pins,
        What::Grabbed => Moves::Refs,
        What::Got if get => Moves::Refs,
        What::Got => Moves::Nothing,
    }
}

/// How many on one folio; `None` if several pages are concerned.  `left`: the number of
/// the folio's pages from the operand on.
pub fn number(by: By, op: &gd_op, rev: Rev, left: impl Fn() -> i32) -> Option<i32> {
    match by {
        By::One => Some(1),
        By::N => Some(op.n),
        By::SlowRefs if rev.has(Fact::SlowGrabRefs) => Some(op.n),
        By::SlowRefs => Some(1),
        By::Left => Some(op.n.clamp(1, left())),
        By::UpToN | By::Range | By::List | By::Folios => None,
    }
}

/// How a walk of page tables meets what a world change sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// As entries of this level.
    Entries(Level),
    /// It reads or asks for it on its way.
    OnTheWay,
    /// Not at all, or in the pages that it finds.
    Elsewhere,
}

/// How a walk of page tables meets what a world change sets.
#[inline]
pub fn met_by_walks(part: Part) -> Met {
    match part {
        Part::Ptes => Met::Entries(Level::Pte),
        Part::Pmds => Met::Entries(Level::Pmd),
        Part::Puds => Met::Entries(Level::Pud),
        Part::Pgds => Met::Entries(Level::Pgd),
        Part::Seq | Part::Answer => Met::OnTheWay,
        Part::Refcount
        | Part::Pincount
        | Part::Flags
        | Part::Mapping
        | Part::Contents
        | Part::Split
        | Part::Merge
        | Part::Tail
        | Part::Pageblock
        | Part::Irqs
        | Part::HasPinned
        | Part::DevmapKey
        | Part::Vma
        | Part::Signal
        | Part::Cache => Met::Elsewhere,
    }
}

/// The level of the entries that a world change sets, if it sets entries.
#[inline]
pub fn level(part: Part) -> Option<Level> {
    match met_by_walks(part) {
        Met::Entries(level) => Some(level),
        Met::OnTheWay | Met::Elsewhere => None,
    }
}
