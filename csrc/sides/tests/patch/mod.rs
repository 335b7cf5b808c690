// SPDX-License-Identifier: GPL-2.0
//! Patches of all kinds on small trees.

mod apply;
mod by_git;
mod damage;
mod desk;
mod files;
mod mails;
mod series;
