// SPDX-License-Identifier: GPL-2.0
//! The kernel's page grab, pin and unpin paths in safe Rust.
//!
//! One implementation serves several kernel revisions: its [`Rules`] say how they differ.
//! Functions have the names of the kernel functions, and their docs say which revisions
//! they follow; they are methods of [`Kernel`].
//!
//! * [`pages`] is the memory map: pages in slots, pointers that may be invalid, and a
//!   journal of the pages that an operation touched.
//! * [`config`] has the options of the kernel's configuration.
//! * [`machine`] adds the other state; [`world`] sets it up and changes it between
//!   operations; [`env`](mod@env) and [`mm`] stand in for the rest of the kernel.
//! * [`tables`] has the page tables, [`vma`] the VMAs.
//! * [`refs`], [`grab`], [`unpin`] and [`predicates`] are the kernel functions of the page
//!   level, [`walk`] those of the lockless walk, [`slow`] those of the slow path.
//! * [`observer`] receives events, and is called at hook points.
//! * [`series`] has the parts that exist only in the FOLL_PIN series, as posted: its call
//!   sites, with the bugs that its review found.
//! * [`site`] lists every WARN and BUG.
//!
//! A kernel function that does not return (BUG, memory fault, step limit) returns
//! `Err(`[`Stop`]`)`; nothing after that point has happened.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// Did fuzz/rustc-coverage instrument this copy of the crate?
pub const IS_INSTRUMENTED: bool = cfg!(instrumented);

pub mod cache;
pub mod config;
pub mod env;
pub mod foll;
pub mod grab;
pub mod kernel;
pub mod machine;
pub mod mm;
pub mod observer;
pub mod page;
pub mod pages;
pub mod pkey;
pub mod predicates;
pub mod refs;
pub mod revision;
pub mod rule;
pub mod rules;
pub mod series;
pub mod site;
pub mod slow;
pub mod tables;
pub mod unpin;
pub mod vma;
pub mod walk;
pub mod world;

pub use config::Config;
pub use foll::{Foll, FollFlag};
pub use grab::{ENOMEM, EREMOTEIO};
pub use kernel::{Kernel, Stop};
pub use machine::{Machine, MmPtr};
pub use observer::{Ask, Call, Event, Events, Flush, Hook, Observer};
pub use page::{Mapping, Page, PageState, PinScheme};
pub use pages::{FolioPtr, PagePtr, Pages};
pub use predicates::Vma;
pub use rule::Rule;
pub use rules::{Revision, Rules};
pub use series::{EEXIST, EFAULT, EINVAL, ErrPtr, Wrapper};
pub use site::Site;
pub use tables::{Entry, EntryChange, EntryPtr, Level, NewEntry, Tables};
pub use unpin::List;
pub use vma::{VmArea, VmaKind, VmaPtr};
pub use walk::Buffer;
pub use world::{FolioDecl, Kind, WorldDecl};

/// One pin of a small folio, in references.
pub const GUP_PIN_COUNTING_BIAS: u32 = 1 << 10;
