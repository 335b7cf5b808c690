// SPDX-License-Identifier: GPL-2.0
//! A running kernel: its rules, its machine, and an observer.

use core::fmt;

use crate::foll::{Foll, FollFlag};
use crate::machine::Machine;
use crate::observer::{Hook, Observer};
use crate::rules::Rules;
use crate::site::Site;

/// Why a kernel function did not return; this ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A BUG was hit.
    Bug(Site),
    /// A bad pointer was dereferenced.
    Oops,
    /// The operation took too many steps.
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

/// Runs kernel functions.  It is cheap to make, so you can make one per operation or keep
/// it.
///
/// The functions are in [`refs`](crate::refs), [`grab`](crate::grab),
/// [`unpin`](crate::unpin), [`predicates`](crate::predicates), [`walk`](crate::walk) and
/// [`slow`](crate::slow); those that exist only in the FOLL_PIN series are in
/// [`series`](crate::series).
pub struct Kernel<'a> {
    /// The rules of the kernel.
    pub rules: &'a Rules,
    /// The machine that it runs on.
    pub machine: &'a mut Machine,
    /// Receives WARNs and calls. It is not a type parameter, because the code must be
    /// compiled in this crate, which is the one that is instrumented for engines.
    pub observer: &'a mut dyn Observer,
}

impl<'a> Kernel<'a> {
    /// A kernel that runs on a machine.
    #[inline]
    pub fn new(rules: &'a Rules, machine: &'a mut Machine, observer: &'a mut dyn Observer) -> Self {
        debug_assert_eq!(rules.pins, machine.pages.pins(), "see Machine::for_rules");
        Self {
            rules,
            machine,
            observer,
        }
    }

    /// Is one of these [`Foll`] bits set, in this revision's numbering?
    #[inline]
    pub(crate) fn has(&self, flags: Foll, flag: FollFlag) -> bool {
        flags.0 & self.rules.foll_bit(flag) != 0
    }

    /// `WARN_ON`: reports a WARN if the condition holds, and returns the condition.
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

    /// `VM_BUG_ON`: does nothing without DEBUG_VM.
    #[inline]
    pub(crate) fn vm_bug_on(&self, condition: bool, site: Site) -> Result<(), Stop> {
        self.bug_on(condition && self.rules.debug_vm, site)
    }

    /// Reports a hook point.  Returns the answer to a call, if it is not the default.
    #[inline]
    pub(crate) fn hook(&mut self, hook: Hook) -> Option<i32> {
        if !self.machine.interleaved {
            return None;
        }
        self.observer.hook(self.machine, hook)
    }

    /// Counts a step: a refcount update or a call.
    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), Stop> {
        if self.machine.steps >= self.machine.step_limit {
            return Err(Stop::Limit);
        }
        self.machine.steps += 1;
        Ok(())
    }
}
