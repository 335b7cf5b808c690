// SPDX-License-Identifier: GPL-2.0
//! Programs of all layers under honggfuzz.

fn main() {
    gup_fuzz::target::abort_on_faults();
    gup_fuzz::target::init();
    loop {
        honggfuzz::fuzz!(|data: &[u8]| { gup_fuzz::target::run_bytes(data) });
    }
}
