// SPDX-License-Identifier: GPL-2.0
//! How often the edges of an object for an engine were taken.
//!
//! libFuzzer's counts them itself, in a byte each.  AFL++'s and honggfuzz's call the engine
//! for each, with a word of its own; what stands for the engine, where there is none, counts
//! in that word (`flavours/runtime.c`).

use object::{Object as _, ObjectSection as _};
use std::{ffi::c_void, ptr::NonNull};

/// The sections with the counts, and how many bytes each has.
const SECTIONS: [(&str, usize); 2] = [("__sancov_cntrs", 1), ("__sancov_guards", 4)];

/// The counts of an object.
#[derive(Debug)]
pub struct Edges {
    first: NonNull<u8>,
    nr: usize,
    size: usize,
}

// SAFETY: the counts are the object's own, which belongs to no thread.
unsafe impl Send for Edges {}

/// Why the edges of an object cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum EdgesError {
    /// It is no ELF file.
    #[error("its sections cannot be read: {0}")]
    Elf(#[from] object::read::Error),
    /// It was compiled for something else.
    #[error("it was not compiled for an engine")]
    NotInstrumented,
}

impl Edges {
    /// Of an object whose file has these bytes and that lies at `base`.
    ///
    /// # Safety
    ///
    /// The object lies there, and stays there as long as this exists; its code runs in
    /// the thread alone that uses this.
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

    /// Forgets what was taken.
    pub fn clear(&mut self) {
        // SAFETY: the whole section, which nobody borrows.
        unsafe { self.first.as_ptr().write_bytes(0, self.nr * self.size) }
    }

    /// The numbers of the edges that were taken since [`Edges::clear`], and how often; a
    /// byte counts modulo 256.
    pub fn taken(&self) -> impl Iterator<Item = (usize, u32)> {
        let count = |at: usize| {
            // SAFETY: in the section; the object's code writes it.
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
