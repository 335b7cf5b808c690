// SPDX-License-Identifier: GPL-2.0
//! Sides made of kernels: from a tree, a configuration and a patch to a shared
//! object with one exported symbol, and the folder in which all of that is kept.
//!
//! ```text
//! Request    what somebody asks for: KERNEL=, CONFIG=, PATCH=, ...
//!   |  resolve: prepares the tree, applies the patch to an overlay
//! Recipe     what a side is made of; kept under the side's name
//!   |  compile, for an engine's flavour
//! Built      the object, its description, its key
//! ```
//!
//! A tree is never written to.  A patch becomes a folder with the changed files,
//! which the compiler sees in place of the tree's.  Units and objects are kept
//! by the contents of all that they were made from, so that nothing is compiled
//! twice, and whatever is written is written to the side and renamed.

pub mod compile;
pub mod config;
pub mod error;
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
