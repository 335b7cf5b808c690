// SPDX-License-Identifier: GPL-2.0
//! The tests of what is compiled from C, one module a subject, in one program that is linked
//! once.

mod common;
mod config;
mod port;
mod series;
mod smoke;
mod table;
mod walk;
