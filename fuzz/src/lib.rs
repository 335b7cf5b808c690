// SPDX-License-Identifier: GPL-2.0
//! Programs, sides, comparison, laws, minimisation and reports.

/// With the feature, `gup` is the copy that has the planted faults; while none
/// is selected, it does what the original does.
#[cfg(feature = "faults")]
extern crate gup_faults as gup;

pub mod accepted;
pub mod bisect;
pub mod campaign;
pub mod compare;
pub mod coverage;
pub mod diff;
pub mod effect;
pub mod expect;
pub mod explain;
pub mod features;
pub mod hooks;
pub mod html;
pub mod hunt;
pub mod input;
pub mod laws;
pub mod layer;
pub mod minimise;
pub mod ops;
pub mod oracle;
pub mod program;
pub mod reason;
pub mod replay;
pub mod report;
pub mod rev;
pub mod scope;
pub mod side;
pub mod site;
pub mod stability;
pub mod stats;
pub mod target;
pub mod trace;
pub mod world;
