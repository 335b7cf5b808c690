// SPDX-License-Identifier: GPL-2.0
//! The honggfuzz target, for programs of all layers.

fn main() {
    gup_fuzz::target::abort_on_faults();
    gup_fuzz::target::init();
    loop {
        honggfuzz::fuzz!(|data: &[u8]| { gup_fuzz::target::run_bytes(data) });
    }
}
