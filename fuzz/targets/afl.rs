// SPDX-License-Identifier: GPL-2.0
//! The AFL++ target, for programs of all layers.

fn main() {
    // before the fork server starts, so that its children inherit the open sides
    gup_fuzz::target::init();
    afl::fuzz!(|data: &[u8]| gup_fuzz::target::run_bytes(data));
}
