// SPDX-License-Identifier: GPL-2.0
//! Which blocks of instrumented code were executed (`-fsanitize-coverage=inline-bool-flag,
//! pc-table`): a byte for each, that the code sets, in a table beside that of addresses.

use object::{Object as _, ObjectSection as _};
use std::{ffi::c_void, ptr::NonNull};

/// The blocks of one image, a shared object or the program itself.
///
/// Whatever ends an operation, the bytes of what it executed are set: code sets them
/// first thing in a block.
#[derive(Debug)]
pub struct Blocks {
    flags: NonNull<u8>,
    addresses: Vec<u64>,
}

// SAFETY: the flags are the image's own, which belongs to no thread.
unsafe impl Send for Blocks {}

impl Blocks {
    /// Of an image whose file has these bytes and that lies at `base`; none if it is not
    /// instrumented.
    ///
    /// # Safety
    ///
    /// The image lies there, and stays there as long as this exists; code of it runs in
    /// the thread alone that uses this.
    pub unsafe fn of_image(base: *mut c_void, bytes: &[u8]) -> Option<Self> {
        let file = object::File::parse(bytes).ok()?;
        let find = |name| {
            let section = file.section_by_name(name)?;
            Some((section.address() as usize, section.size() as usize))
        };
        let ((flags, len), (pcs, pcs_len)) = (find("__sancov_bools")?, find("__sancov_pcs")?);
        // An entry is an address and a word of flags.
        if len == 0 || pcs_len != len * 2 * size_of::<u64>() {
            return None;
        }
        // SAFETY: loaded sections of that size; the loader has relocated the addresses.
        let (flags, pcs) = unsafe {
            let pcs = base.byte_add(pcs).cast::<[u64; 2]>();
            (
                base.byte_add(flags).cast(),
                std::slice::from_raw_parts(pcs, len),
            )
        };
        let address = |&[pc, _]: &[u64; 2]| pc - base.addr() as u64;
        Some(Self {
            flags: NonNull::new(flags)?,
            addresses: pcs.iter().map(address).collect(),
        })
    }

    /// Where each block begins, as an address in the file.
    pub fn addresses(&self) -> &[u64] {
        &self.addresses
    }

    /// Forgets what was executed.
    pub fn clear(&mut self) {
        // SAFETY: as many bytes as there are blocks; see `of_image`.
        unsafe { self.flags.as_ptr().write_bytes(0, self.addresses.len()) }
    }

    /// The numbers of the blocks that were executed since [`Blocks::clear`].
    pub fn executed(&self) -> impl Iterator<Item = usize> {
        // Code outside of what the compiler sees here writes them.
        // SAFETY: as above.
        let flag = |&at: &usize| unsafe { self.flags.add(at).read_volatile() } != 0;
        (0..self.addresses.len()).filter(flag)
    }
}
