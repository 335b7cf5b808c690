// SPDX-License-Identifier: GPL-2.0
//! Counts how often the edges of an instrumented object were taken.
//!
//! libFuzzer's objects count them in one byte each.  AFL++'s and honggfuzz's objects call
//! the engine for each edge with a pointer to its guard word; without an engine,
//! `flavours/runtime.c` counts in that word.

use object::{Object as _, ObjectSection as _};
use std::{ffi::c_void, ptr::NonNull};

/// The sections with the counts, and the size of a count in bytes.
const SECTIONS: [(&str, usize); 2] = [("__sancov_cntrs", 1), ("__sancov_guards", 4)];

/// The counts of an object.
#[derive(Debug)]
pub struct Edges {
    first: NonNull<u8>,
    nr: usize,
    size: usize,
}

// SAFETY: the counts belong to the object, not to a thread.
unsafe impl Send for Edges {}

/// Why the edges of an object cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum EdgesError {
    /// It is not an ELF file.
    #[error("its sections cannot be read: {0}")]
    Elf(#[from] object::read::Error),
    /// It has another flavour.
    #[error("it was not compiled for an engine")]
    NotInstrumented,
}

impl Edges {
    /// For an object with these bytes, loaded at `base`.
    ///
    /// # Safety
    ///
    /// The object is loaded there and stays loaded as long as this value exists; only the
    /// thread that uses this value runs its code.
    pub(crate) unsafe fn of_object(base: *mut c_void, bytes: &[u8]) -> Result<Self, EdgesError> {
        let file = object::File::parse(bytes)?;
        let found = SECTIONS.iter().find_map(|&(name, size)| {
            let section = file.section_by_name(name)?;
            // SAFETY: in the object.
            let first = unsafe { base.byte_add(section.address() as usize) };
            Some(Self {
                first: NonNull::new(first.cast())?,
                nr: section.size() as usize / size,
                size,
            })
        });
        found.ok_or(EdgesError::NotInstrumented)
    }

    /// Resets the counts.
    pub fn clear(&mut self) {
        // SAFETY: the whole section, which is not borrowed.
        unsafe { self.first.as_ptr().write_bytes(0, self.nr * self.size) }
    }

    /// The indices of the edges that were taken since [`Edges::clear`], with their counts;
    /// a byte counts modulo 256.
    pub fn taken(&self) -> impl Iterator<Item = (usize, u32)> {
        let count = |at: usize| {
            // SAFETY: in the section; the object's code writes to it.
            unsafe {
                let place = self.first.add(at * self.size);
                match self.size {
                    1 => place.read_volatile().into(),
                    _ => place.cast::<u32>().read_volatile(),
                }
            }
        };
        let counts = (0..self.nr).map(move |at| (at, count(at)));
        counts.filter(|&(_, count)| count > 0)
    }
}
