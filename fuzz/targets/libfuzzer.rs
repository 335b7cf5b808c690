// SPDX-License-Identifier: GPL-2.0
//! The libFuzzer target, for programs of all layers.
#![no_main]

use harness::target;
use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target, fuzzer_mutate};

fn init() {
    gup_copies::replace();
    target::init();
}

fuzz_target!(init: init(), |data: &[u8]| target::run_bytes(data));

// sometimes use libFuzzer's own mutations, which know the values that the code compared
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match seed % 8 {
        0 => fuzzer_mutate(data, size, max_size),
        _ => target::mutate_bytes(data, size, max_size, seed),
    }
});

fuzz_crossover!(|a: &[u8], b: &[u8], out: &mut [u8], seed: u32| {
    target::crossover_bytes(a, b, out, seed)
});
