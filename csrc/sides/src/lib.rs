// SPDX-License-Identifier: GPL-2.0
//! Makes sides from kernels: compiles a tree, a configuration and a patch to a shared object with
//! one exported symbol, and manages the folder `.kernels`.
//!
//! ```text
//! Request    the user's request: KERNEL=, CONFIG=, PATCH=, ...
//!   |  resolve: prepares the tree, applies the patch to an overlay
//! Recipe     what the side is made from; stored under the side's name
//!   |  compile, for a flavour
//! Built      the object, its description, its key
//! ```
//!
//! Trees are never written to.  A patch becomes a folder with the changed files, which the
//! compiler sees in place of the tree's.  Units and objects are cached by the hash of their
//! inputs, so that nothing is compiled twice.  Files are written under a temporary name and
//! renamed.

pub mod compile;
pub mod config;
pub mod error;
mod exclude;
mod generated;
pub mod git;
pub mod overlay;
pub mod patch;
pub mod recipe;
pub mod request;
pub mod store;
pub mod tree;

pub use compile::{Built, Description, Flavour};
pub use error::Error;
pub use recipe::Recipe;
pub use request::Request;
pub use store::Store;
