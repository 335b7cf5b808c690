// SPDX-License-Identifier: GPL-2.0
//! The AFL++ target, for programs of all layers.

fn main() {
    gup_copies::replace();
    // before the fork server starts, so that its children inherit the open sides
    harness::target::init();
    afl::fuzz!(|data: &[u8]| harness::target::run_bytes(data));
}
