// SPDX-License-Identifier: GPL-2.0
//! Finds out which blocks of instrumented code were executed.  Each block first calls a
//! function (clang's `trace-pc`) that sets a byte for it: `shim/executed.c`.

use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind};
use std::{ffi::c_void, ptr::NonNull};

/// The function that each block calls.
const CALLED: &str = "__sanitizer_cov_trace_pc";
/// The bytes that it sets.
const TABLE: &str = "gd_executed";
/// The opcode and the length of a call; a relative displacement follows the opcode.
const CALL: u8 = 0xe8;
const CALL_SIZE: usize = 5;

/// Finds the calls of a function in code.  There are no relocations left, but other bytes
/// match opcode and displacement only with a chance of one in a million per object.
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
/// The bytes are set even if the operation ends with a BUG or a fault.
#[derive(Debug)]
pub struct Blocks {
    table: NonNull<u8>,
    /// The start of each block in the file, in order.
    addresses: Vec<u64>,
}

// SAFETY: the table belongs to the object, not to a thread.
unsafe impl Send for Blocks {}

/// Why the blocks of an object cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum BlocksError {
    /// It is not an ELF file.
    #[error("its symbols cannot be read: {0}")]
    Elf(#[from] object::read::Error),
    /// It has another flavour.
    #[error("it was not compiled for line coverage")]
    NotInstrumented,
    /// It has more code than `gd_executed` has bytes.
    #[error("it has more code than csrc/shim/executed.c has room for")]
    TooLarge,
}

impl Blocks {
    /// For an object with these bytes, loaded at `base`.
    ///
    /// # Safety
    ///
    /// The object is loaded there and stays loaded as long as this value exists; only the
    /// thread that uses this value runs its code.
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

    /// For this program itself, some of whose crates may be instrumented.
    ///
    /// # Safety
    ///
    /// `bytes` are those of its file, and only the thread that uses this value runs
    /// instrumented code.
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

    /// The start of each block, in ascending order, as an address in the file.
    pub fn addresses(&self) -> &[u64] {
        &self.addresses
    }

    fn byte(&self, address: u64) -> *mut u8 {
        // SAFETY: within the table: see `of_object`.
        unsafe { self.table.add((address + CALL_SIZE as u64) as usize) }.as_ptr()
    }

    /// Resets the record.
    pub fn clear(&mut self) {
        for &address in &self.addresses {
            // SAFETY: a byte of the object that is not borrowed.
            unsafe { self.byte(address).write_volatile(0) }
        }
    }

    /// The indices of the blocks that were executed since [`Blocks::clear`].
    pub fn executed(&self) -> impl Iterator<Item = usize> {
        let set = |&(_, &address): &(usize, &u64)| {
            // SAFETY: as above; the object's code writes to it.
            unsafe { self.byte(address).read_volatile() != 0 }
        };
        self.addresses
            .iter()
            .enumerate()
            .filter(set)
            .map(|(at, _)| at)
    }
}
