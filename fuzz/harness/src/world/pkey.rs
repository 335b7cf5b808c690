// SPDX-License-Identifier: GPL-2.0
//! Protection keys: two flags of a VMA and of an entry; and PKRU, which says what a task may
//! do to the memory of each key.

use csrc::abi;

/// The flags of a VMA.
pub(crate) const OF_VMA: u32 = 1 << abi::GD_VM_PKEY_BIT0 | 1 << abi::GD_VM_PKEY_BIT1;
/// The flags of an entry.
pub(crate) const OF_ENTRY: u32 = 1 << abi::GD_EF_PKEY_BIT0 | 1 << abi::GD_EF_PKEY_BIT1;

/// The key among flags, of which these are its bits.
pub(crate) const fn key(flags: u32, bits: u32) -> u32 {
    (flags & bits) >> bits.trailing_zeros()
}

/// The flags of a key.
pub(crate) const fn flags(key: u32, bits: u32) -> u32 {
    key << bits.trailing_zeros() & bits
}

/// Whether a PKRU lets a task access, or write to, memory of a key.
pub(crate) const fn allows(pkru: u32, key: u32, write: bool) -> bool {
    let disabled = pkru >> (2 * key);
    disabled & 1 == 0 && !(write && disabled & 2 != 0)
}
