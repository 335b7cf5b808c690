// SPDX-License-Identifier: GPL-2.0
//! Protection keys of VMAs and of entries, as a number.

use csrc::abi;

use super::error::ParseError;
use super::number;
use super::scan::{Scan, Word};
use crate::world::pkey;

/// What follows `pkey=`, as flags.
pub(super) fn read(scan: &Scan, value: Word, bits: u32) -> Result<u32, ParseError> {
    let last = abi::GD_NR_PKEYS as usize - 1;
    let expected = || scan.unexpected(value, &format!("a protection key, 0 to {last}"));
    let key = number::up_to(value.text, last).ok_or_else(expected)?;
    Ok(pkey::flags(key as u32, bits))
}

/// The key among flags as text, if it is not 0.
pub(super) fn show(flags: u32, bits: u32) -> Option<String> {
    let key = pkey::key(flags, bits);
    (key != 0).then(|| format!("pkey={key}"))
}
