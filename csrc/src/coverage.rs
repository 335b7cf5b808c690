// SPDX-License-Identifier: GPL-2.0
//! Which blocks of instrumented code were executed.  Each calls a function first (clang's
//! `trace-pc`) that sets a byte for it: `shim/executed.c`.

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};
use std::{ffi::c_void, ptr::NonNull};

/// What is called in each block.
const CALLED: &str = "__sanitizer_cov_trace_pc";
/// The bytes that it sets.
const TABLE: &str = "gd_executed";
/// How a call begins, and how long it is: the distance to what it calls follows.
const CALL: u8 = 0xe8;
const CALL_SIZE: usize = 5;

/// Where code calls a function.  Linkers do not say; but no other code than a call has
/// that byte before that distance, except by a chance of one in a million for an object.
fn calls(code: &[u8], start: u64, function: u64) -> impl Iterator<Item = u64> {
    let call = move |(at, bytes): (usize, &[u8])| {
        let address = start + at as u64;
        let distance = i32::from_le_bytes(bytes[1..].try_into().ok()?);
        let next = address + CALL_SIZE as u64;
        let is_one = bytes[0] == CALL && next.wrapping_add_signed(distance.into()) == function;
        is_one.then_some(address)
    };
    code.windows(CALL_SIZE).enumerate().filter_map(call)
}

/// The blocks of an object.
///
/// Whatever ends an operation, the bytes of what it executed are set.
#[derive(Debug)]
pub struct Blocks {
    table: NonNull<u8>,
    /// Of each block, in order: where it begins, in the file.
    addresses: Vec<u64>,
}

// SAFETY: the table is the object's own, which belongs to no thread.
unsafe impl Send for Blocks {}

/// Why the blocks of an object cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum BlocksError {
    /// It is no ELF file.
    #[error("its symbols cannot be read: {0}")]
    Elf(#[from] object::read::Error),
    /// It was compiled for something else.
    #[error("it was not compiled for coverage of lines")]
    NotInstrumented,
    /// There is more code than `gd_executed` has bytes.
    #[error("there is more code than csrc/shim/executed.c has room for")]
    TooLarge,
}

impl Blocks {
    /// Of an object whose file has these bytes and that lies at `base`.
    ///
    /// # Safety
    ///
    /// The object lies there, and stays there as long as this exists; its code runs in
    /// the thread alone that uses this.
    pub(crate) unsafe fn of_object(base: *mut c_void, bytes: &[u8]) -> Result<Self, BlocksError> {
        let file = object::File::parse(bytes)?;
        let named = |name| file.symbols().find(|symbol| symbol.name() == Ok(name));
        let called = named(CALLED).ok_or(BlocksError::NotInstrumented)?;
        let table = named(TABLE).ok_or(BlocksError::NotInstrumented)?;
        let mut addresses = Vec::new();
        let code = file.sections().filter(|s| s.kind() == SectionKind::Text);
        for section in code {
            addresses.extend(calls(section.data()?, section.address(), called.address()));
        }
        addresses.sort_unstable();
        let last = addresses.last().ok_or(BlocksError::NotInstrumented)?;
        if last + CALL_SIZE as u64 >= table.size() {
            return Err(BlocksError::TooLarge);
        }
        // SAFETY: in the object.
        let table = unsafe { base.byte_add(table.address() as usize) };
        Ok(Self {
            table: NonNull::new(table.cast()).ok_or(BlocksError::NotInstrumented)?,
            addresses,
        })
    }

    /// Of this program itself, whose crates may be compiled for it.
    ///
    /// # Safety
    ///
    /// `bytes` are those of its file, and instrumented code runs in the thread alone that
    /// uses this.
    #[cfg(feature = "coverage")]
    pub unsafe fn of_program(bytes: &[u8]) -> Result<Self, BlocksError> {
        let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: an address in the program.
        let info = unsafe {
            let here = Self::of_program as *const c_void;
            if libc::dladdr(here, info.as_mut_ptr()) == 0 {
                return Err(BlocksError::NotInstrumented);
            }
            info.assume_init()
        };
        // SAFETY: the caller's promise.
        unsafe { Self::of_object(info.dli_fbase, bytes) }
    }

    /// Where each block begins, in ascending order, as an address in the file.
    pub fn addresses(&self) -> &[u64] {
        &self.addresses
    }

    fn byte(&self, address: u64) -> *mut u8 {
        // SAFETY: within the table: see `of_object`.
        unsafe { self.table.add((address + CALL_SIZE as u64) as usize) }.as_ptr()
    }

    /// Forgets what was executed.
    pub fn clear(&mut self) {
        for &address in &self.addresses {
            // SAFETY: a byte of the object that nobody borrows.
            unsafe { self.byte(address).write_volatile(0) }
        }
    }

    /// The numbers of the blocks that were executed since [`Blocks::clear`].
    pub fn executed(&self) -> impl Iterator<Item = usize> {
        let set = |&(_, &address): &(usize, &u64)| {
            // SAFETY: as above; the object's code writes it.
            unsafe { self.byte(address).read_volatile() != 0 }
        };
        self.addresses
            .iter()
            .enumerate()
            .filter(set)
            .map(|(at, _)| at)
    }
}
