// SPDX-License-Identifier: GPL-2.0
//! The programs on crate `gup`.

pub use ::gup;

#[path = "../programs/page.rs"]
pub mod page;
#[path = "../programs/slow.rs"]
pub mod slow;
#[path = "../programs/walk.rs"]
pub mod walk;
