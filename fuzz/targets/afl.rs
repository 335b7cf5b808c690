// SPDX-License-Identifier: GPL-2.0
//! Programs of all layers under AFL++.

fn main() {
    // Before the fork server starts: its children inherit the open sides.
    gup_fuzz::target::init();
    afl::fuzz!(|data: &[u8]| gup_fuzz::target::run_bytes(data));
}
