// SPDX-License-Identifier: GPL-2.0
//! The tests of harness and `gupdiff`, one module a subject.  They are one program: each
//! further one would be linked with all of the harness.

mod accepted;
mod agree;
mod bisect;
mod campaign;
mod cli;
mod command;
mod constants;
mod coverage;
mod expectations;
mod explain;
mod findings;
mod house;
mod kunit;
mod laws;
mod laws_slow;
mod laws_walk;
mod made;
mod mail;
mod patched;
mod program_any;
mod program_golden;
mod program_mistakes;
mod program_mutate;
mod program_roundtrip;
mod program_slow;
mod program_text;
mod readme;
mod reason;
mod report;
mod revisions;
mod selftest;
mod series;
mod so;
mod stats;
mod surface;
mod suspects;
mod table;
