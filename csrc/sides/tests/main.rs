// SPDX-License-Identifier: GPL-2.0
//! The tests of compiling sides, one module a subject, in one program.

mod git;
mod patch;
mod tree;
