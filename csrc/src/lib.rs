// SPDX-License-Identifier: GPL-2.0
//! The C side: loads the object of a side and runs programs on it, with a safe interface.
//! The versions of the FOLL_PIN series are built in; crate `gup-sides` compiles kernels.
//! It is independent of fuzzing.

mod coverage;
mod edges;
mod foreign;
mod machine;
mod object;
mod oops;
mod series;

/// The ABI header (`abi/gupdiff.h`), translated by bindgen.
#[allow(
    missing_docs,
    unpredictable_function_pointer_comparisons,
    non_camel_case_types,
    non_upper_case_globals,
    clippy::all
)]
pub mod abi {
    include!(concat!(env!("OUT_DIR"), "/abi.rs"));
}

pub use coverage::{Blocks, BlocksError};
pub use edges::{Edges, EdgesError};
pub use foreign::{Fate, Foreign};
pub use machine::Machine;
pub use object::{LoadError, Object, SiteInfo, SiteKind, preload};
pub use series::{Series, series};

/// A constant table of the C side, with its length.
macro_rules! table {
    ($table:ident, $len:ident) => {
        // SAFETY: the array has that many entries and is constant.
        unsafe { std::slice::from_raw_parts((&raw const abi::$table).cast(), abi::$len as usize) }
    };
}

/// The table of operations (`abi/ops.h`).
pub fn op_table() -> &'static [abi::gd_op_info] {
    table!(gd_op_table, gd_op_table_len)
}

/// The known revisions (`abi/revisions.h`), oldest first, the series before the
/// kernels.
pub fn revision_table() -> &'static [abi::gd_revision_info] {
    table!(gd_revision_table, gd_revision_table_len)
}

/// Facts about revisions (`abi/revisions.h`), by `gd_fact`.
#[inline]
pub fn fact_table() -> &'static [abi::gd_fact_info; abi::GD_NR_FACTS as usize] {
    // SAFETY: a constant array of the C side.
    unsafe { &abi::gd_fact_table }
}

/// The table of hook points (`abi/hooks.h`), by number.
pub fn hook_table() -> &'static [abi::gd_hook_info] {
    // SAFETY: a constant array of the C side.
    unsafe { &abi::gd_hook_table }
}
