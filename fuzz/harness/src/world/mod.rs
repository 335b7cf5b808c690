// SPDX-License-Identifier: GPL-2.0
//! A model of the world that a program declares and changes: the place of its folios, the
//! last known state of their pages, and its page tables, VMAs and page cache.
//!
//! Laws, reports, features and the generator use this model.  It knows programs and traces,
//! not the behaviour of a kernel; the sides do not use it.

pub(crate) mod cache;
pub mod entry;
pub mod folio;
pub mod layout;
pub(crate) mod maps;
pub mod pages;
pub(crate) mod pkey;
pub mod tables;
pub(crate) mod vmas;
