// SPDX-License-Identifier: GPL-2.0
//! Describes the world: declared folios, and the other state.

use csrc::abi::{self, gd_folio};

use crate::program::text::words;
use crate::program::{Program, text};
use crate::world::folio::is_device;

/// The kind of a folio: the keyword of the text form, without `dev_`.
fn kind(f: &gd_folio) -> String {
    match words::KINDS.get(usize::from(f.kind)) {
        Some(&"normal") => String::new(),
        Some(word) => word.trim_start_matches("dev_").replace('_', " "),
        None => "?".into(),
    }
}

/// The kind of a mapping: `GD_M_*`.
const MAPPINGS: [&str; abi::GD_NR_MAPPINGS as usize] = [
    "",
    "anonymous",
    "of a file",
    "of shmem",
    "of secretmem",
    "of a dax file",
    "KSM",
    "PAGE_MAPPING_MOVABLE",
];

/// Unusual pageblocks of a folio: `GD_MT_*`.
const PAGEBLOCKS: [&str; abi::GD_NR_MIGRATETYPES as usize] = [
    "in an unmovable pageblock",
    "",
    "in a reclaimable pageblock",
    "in a CMA pageblock",
    "in an isolated pageblock",
];

/// A declared folio.
pub(super) fn declared(f: &gd_folio, name: &str) -> String {
    let kind = kind(f);
    let noun = if f.order == 0 { "page" } else { "folio" };
    let mut clause = match u32::from(f.kind) {
        abi::GD_K_ZERO | abi::GD_K_HUGE_ZERO => format!("the {kind} {noun} {name}"),
        _ if is_device(f.kind) => format!("a ZONE_DEVICE {noun} {name} ({kind})"),
        _ if kind.is_empty() => format!("a {noun} {name}"),
        _ => format!("a {kind} {noun} {name}"),
    };
    if f.order > 0 {
        clause += &format!(" of order {} ({} pages)", f.order, 1u32 << f.order);
    }
    clause += &format!(", refcount {}", text::format_int(f.ref_));
    if f.pin != 0 {
        clause += &format!(", pincount {}", text::format_int(f.pin));
    }
    let mut say = |words: &str| {
        if !words.is_empty() {
            clause += &format!(", {words}");
        }
    };
    say(MAPPINGS.get(usize::from(f.mapping)).copied().unwrap_or("?"));
    if f.exclusive != 0 {
        say("AnonExclusive");
    }
    if f.movable != 0 {
        say("in ZONE_MOVABLE");
    }
    let pageblock = PAGEBLOCKS.get(usize::from(f.migratetype));
    say(pageblock.copied().unwrap_or("?"));
    for flag in (0..abi::GD_NR_FLAGS).filter(|flag| f.flags & 1 << flag != 0) {
        say(&format!("PG_{}", text::flag_word(flag)));
    }
    clause
}

/// The other state, if it is not the usual one.
pub(super) fn state(prog: &Program) -> Option<String> {
    let world = prog.world();
    let is = |bit: u32| u32::from(world.state) & bit != 0;
    let mut clauses = Vec::new();
    if !is(abi::GD_W_IRQS_ON) {
        clauses.push("interrupts are off".to_string());
    }
    if is(abi::GD_W_HAS_PINNED) {
        clauses.push("MMF_HAS_PINNED is set".into());
    }
    if is(abi::GD_W_HAS_PINNED_2) {
        clauses.push("MMF_HAS_PINNED of mm 2 is set".into());
    }
    if is(abi::GD_W_DEVMAP_KEY) {
        clauses.push("devmap_managed_key is on".into());
    }
    if is(abi::GD_W_REAL_SLOW_PATH) {
        clauses.push("the slow path of the fast functions is real".into());
    }
    if world.seq != 0 {
        clauses.push(format!("write_protect_seq is {}", world.seq));
    }
    if world.pkru != 0 {
        clauses.push(format!("PKRU is {:#x}", world.pkru));
    }
    (!clauses.is_empty()).then(|| clauses.join(", "))
}
