// SPDX-License-Identifier: GPL-2.0
//! The custom mutator for AFL++: a shared library, named in `AFL_CUSTOM_MUTATOR_LIBRARY`.
//!
//! AFL++ calls [`afl_custom_init`] once, [`afl_custom_fuzz`] for each new input and
//! [`afl_custom_deinit`] at the end, all on one thread.  Its own byte-wise stages run as
//! well.  `GUPDIFF_LEFT` and `GUPDIFF_LAYER` select the kernel and the layer, as for the
//! target.

use std::env;
use std::ffi::{c_uint, c_void};
use std::slice;

use harness::accepted::RevisionPair;
use harness::layer::{self, Focus};
use harness::program::mutate::{crossover_bytes, mutate_bytes};
use harness::program::profile::Profile;
use harness::program::rng::Rng;
use harness::program::wire;
use harness::rev::Rev;
use harness::side;

/// Of 16 new inputs, the number that combine two programs.
const CROSSED: usize = 2;

/// The layer of `GUPDIFF_LAYER`, limited to what the revision has.  The target reports an
/// unknown layer.
fn focus(rev: Rev) -> Focus {
    let revisions = RevisionPair {
        left: rev,
        right: rev,
    };
    let focus = layer::from_env().unwrap_or(Focus::All);
    layer::on(focus, revisions).unwrap_or(Focus::Page)
}

/// The state that AFL++ keeps between calls.
pub struct Mutator {
    profile: Profile,
    rng: Rng,
    out: Vec<u8>,
}

impl Mutator {
    fn new(seed: u64) -> Self {
        let left = env::var("GUPDIFF_LEFT").unwrap_or_else(|_| side::default_left());
        // the target reports an unknown side; any revision will do here
        let profile = match side::list().into_iter().find(|info| info.name == left) {
            Some(info) => Profile::new(info.rev)
                .debug_vm(info.debug_vm)
                .focus(focus(info.rev)),
            None => Profile::new(Rev::V6_1),
        };
        Self {
            profile,
            rng: Rng::new(seed),
            out: vec![0; wire::MAX_LEN],
        }
    }

    /// Makes a new program and returns its bytes, at most `max_size`.
    fn fuzz(&mut self, data: &[u8], other: &[u8], max_size: usize) -> &[u8] {
        let seed = self.rng.next_u64();
        let room = max_size.min(self.out.len());
        let size = if other.len() >= wire::MIN_LEN && self.rng.below(16) < CROSSED {
            crossover_bytes(data, other, &mut self.out, room, seed, &self.profile)
        } else {
            let size = data.len().min(self.out.len());
            self.out[..size].copy_from_slice(&data[..size]);
            mutate_bytes(&mut self.out, size, room, seed, &self.profile)
        };
        &self.out[..size]
    }
}

/// Called once, before anything else.
#[unsafe(no_mangle)]
pub extern "C" fn afl_custom_init(_afl: *mut c_void, seed: c_uint) -> *mut Mutator {
    Box::into_raw(Box::new(Mutator::new(seed.into())))
}

/// Makes a new input from `buf` and perhaps `add_buf`, another input of the queue; stores
/// its address and returns its length.  It is valid until the next call.
///
/// # Safety
///
/// AFL++ guarantees: `mutator` comes from [`afl_custom_init`]; `buf` and `add_buf` have the
/// given sizes, or are null; `out_buf` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn afl_custom_fuzz(
    mutator: *mut Mutator,
    buf: *const u8,
    buf_size: usize,
    out_buf: *mut *const u8,
    add_buf: *const u8,
    add_buf_size: usize,
    max_size: usize,
) -> usize {
    // SAFETY: as documented; only this thread uses the mutator
    let (mutator, data, other) = unsafe {
        (
            &mut *mutator,
            bytes(buf, buf_size),
            bytes(add_buf, add_buf_size),
        )
    };
    let made = mutator.fuzz(data, other, max_size);
    // SAFETY: as documented
    unsafe { *out_buf = made.as_ptr() };
    made.len()
}

/// Called at the end.
///
/// # Safety
///
/// `mutator` comes from [`afl_custom_init`] and is not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn afl_custom_deinit(mutator: *mut Mutator) {
    // SAFETY: made by Box::into_raw.
    drop(unsafe { Box::from_raw(mutator) });
}

/// # Safety
///
/// `data` is valid for `size` bytes as long as the slice is used, or is null.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    match data.is_null() {
        true => &[],
        // SAFETY: guaranteed by the caller
        false => unsafe { slice::from_raw_parts(data, size) },
    }
}
