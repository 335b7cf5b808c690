// SPDX-License-Identifier: GPL-2.0
//! A running kernel: rules, a machine, and who watches.

use core::fmt;

use crate::foll::{Foll, FollFlag};
use crate::machine::Machine;
use crate::observer::{Moment, Observer};
use crate::rules::Rules;
use crate::site::Site;

/// Why a kernel function did not return; it ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A BUG was hit.
    Bug(Site),
    /// A bad pointer was followed.
    Oops,
    /// The operation took more steps than it may.
    Limit,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Bug(site) => write!(f, "BUG in {}", site.info().function),
            Stop::Oops => f.write_str("memory fault"),
            Stop::Limit => f.write_str("step limit"),
        }
    }
}

impl core::error::Error for Stop {}

/// Runs kernel functions; cheap to make, so make one per operation or keep it.
///
/// The functions are in [`refs`](crate::refs), [`grab`](crate::grab),
/// [`unpin`](crate::unpin), [`predicates`](crate::predicates), [`walk`](crate::walk) and
/// [`slow`](crate::slow), those that only the FOLL_PIN series has in
/// [`series`](crate::series).
pub struct Kernel<'a> {
    /// Which kernel.
    pub rules: &'a Rules,
    /// What it runs on.
    pub machine: &'a mut Machine,
    /// Who is told of WARNs and calls. Not a type parameter: the code must be
    /// compiled in this crate, which is the one that engines instrument.
    pub observer: &'a mut dyn Observer,
}

impl<'a> Kernel<'a> {
    /// A kernel on a machine.
    #[inline]
    pub fn new(rules: &'a Rules, machine: &'a mut Machine, observer: &'a mut dyn Observer) -> Self {
        debug_assert_eq!(rules.pins, machine.pages.pins(), "see Machine::for_rules");
        Self {
            rules,
            machine,
            observer,
        }
    }

    /// One of [`Foll`] bits is set, in this revision's numbering.
    #[inline]
    pub(crate) fn has(&self, flags: Foll, flag: FollFlag) -> bool {
        flags.0 & self.rules.foll_bit(flag) != 0
    }

    /// `WARN_ON`: tells if the condition holds, and gives it back.
    #[inline]
    pub(crate) fn warn_on(&mut self, condition: bool, site: Site) -> bool {
        if condition {
            self.observer.warn(site);
        }
        condition
    }

    /// `BUG_ON`.
    #[inline]
    pub(crate) fn bug_on(&self, condition: bool, site: Site) -> Result<(), Stop> {
        if condition {
            return Err(Stop::Bug(site));
        }
        Ok(())
    }

    /// `VM_BUG_ON`: nothing without DEBUG_VM.
    #[inline]
    pub(crate) fn vm_bug_on(&self, condition: bool, site: Site) -> Result<(), Stop> {
        self.bug_on(condition && self.rules.debug_vm, site)
    }

    /// A moment has come.  Gives the answer to a call, if there is one other
    /// than the default.
    #[inline]
    pub(crate) fn moment(&mut self, moment: Moment) -> Option<i32> {
        if !self.machine.interleaved {
            return None;
        }
        self.observer.moment(self.machine, moment)
    }

    /// A step: a refcount update or a call.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), Stop> {
        if self.machine.steps >= self.machine.step_limit {
            return Err(Stop::Limit);
        }
        self.machine.steps += 1;
        Ok(())
    }
}
