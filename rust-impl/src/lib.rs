// SPDX-License-Identifier: GPL-2.0
//! The kernel's page grab, pin and unpin paths in safe Rust.
//!
//! One implementation serves several kernel revisions: where they differ it
//! asks its [`Rules`].  Functions keep their kernel names and say which
//! revisions they follow; [`Kernel`] has them as methods.
//!
//! * [`pages`] is the memory map: pages in slots, pointers that may be bad,
//!   and a journal of what an operation touched.
//! * [`config`] is what a kernel was configured with.
//! * [`machine`] adds the state beside pages, [`world`] sets it up and changes
//!   it from outside, [`env`](mod@env) and [`mm`] answer for the rest of the kernel.
//! * [`tables`] are the page tables, [`vma`] the VMAs.
//! * [`refs`], [`grab`], [`unpin`] and [`predicates`] are the kernel functions
//!   of the page level, [`walk`] those of the lockless walk of page tables, [`slow`]
//!   those of the slow path.
//! * [`observer`] is told what happens, and when others may act.
//! * [`series`] is what only the FOLL_PIN series of patches has, as it was
//!   posted: its call sites, and what its review found.
//! * [`site`] lists every WARN and BUG.
//!
//! A kernel function that does not return (BUG, memory fault, step limit)
//! yields `Err(`[`Stop`]`)`; nothing after that point has happened.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(all(
    any(
        feature = "coverage-libfuzzer",
        feature = "coverage-afl",
        feature = "coverage-honggfuzz"
    ),
    not(any(instrumented, clippy, doc))
))]
compile_error!("gup is built for an engine, but RUSTC_WRAPPER is not fuzz/rustc-coverage");

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
pub use machine::Machine;
pub use observer::{Ask, Call, Event, Events, Moment, Observer};
pub use page::{Mapping, Page, PageState, PinScheme};
pub use pages::{FolioPtr, PagePtr, Pages};
pub use predicates::Vma;
pub use rule::Rule;
pub use rules::{Revision, Rules};
pub use series::{EEXIST, EFAULT, EINVAL, ErrPtr, Wrapper};
pub use site::Site;
pub use tables::{Entry, EntryPtr, Level, NewEntry, Tables};
pub use unpin::List;
pub use vma::{VmArea, VmaKind, VmaPtr};
pub use walk::Buffer;
pub use world::{FolioDecl, Kind, WorldDecl};

/// One pin of a small folio, in references.
pub const GUP_PIN_COUNTING_BIAS: u32 = 1 << 10;
