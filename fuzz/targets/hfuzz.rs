// SPDX-License-Identifier: GPL-2.0
//! The honggfuzz target, for programs of all layers.

// its build script links the engine's runtime
extern crate honggfuzz as _;

// What `honggfuzz::fuzz` calls.  That function exists only under `cfg(fuzzing)`, a flag of
// all crates: they would be compiled once more, for this target.
unsafe extern "C" {
    /// Ends the previous run and waits for the next input.
    fn HF_ITER(data: *mut *const u8, len: *mut usize);
}

fn main() {
    gup_copies::replace();
    harness::target::abort_on_faults();
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::abort();
    }));
    harness::target::init();
    loop {
        let (mut data, mut len) = (std::ptr::null(), 0);
        // SAFETY: it sets both; the input stays valid until the next call.
        let bytes = unsafe {
            HF_ITER(&raw mut data, &raw mut len);
            std::slice::from_raw_parts(data, len)
        };
        harness::target::run_bytes(bytes);
    }
}
