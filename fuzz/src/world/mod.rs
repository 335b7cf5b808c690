// SPDX-License-Identifier: GPL-2.0
//! The world that a program declares and changes: where its folios lie, what is known of
//! their pages, what its page tables, VMAs and page cache have at one time.
//!
//! Laws, reports, features and the generator look at this one model.  It knows programs and
//! traces; what a kernel does with a world is no part of it, and neither side uses it.

pub(crate) mod cache;
pub mod folio;
pub mod layout;
pub(crate) mod maps;
pub mod pages;
pub mod tables;
pub(crate) mod vmas;
