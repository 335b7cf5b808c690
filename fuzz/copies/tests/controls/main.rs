// SPDX-License-Identifier: GPL-2.0
//! The oracle itself is tested: faults planted on either side must be found,
//! harmless changes must not be.

mod c_faults;
mod changed;
mod harmless;
mod hunting;
mod rust_faults;
