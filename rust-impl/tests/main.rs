// SPDX-License-Identifier: GPL-2.0
//! The tests of crate gup through its public interface, one module a subject, in one program
//! that is linked once.

mod common;
mod grab;
mod pages;
mod predicates;
mod refs;
mod series_follow;
mod series_grab;
mod series_lockless;
mod series_put;
mod slow_fault_in;
mod slow_hugetlb;
mod slow_kernels;
mod slow_locked;
mod slow_longterm;
mod slow_memfd;
mod slow_migration;
mod slow_pages;
mod unpin;
mod walk_calls;
mod walk_huge;
mod walk_pte;
mod world;
