// SPDX-License-Identifier: GPL-2.0
//! The text form of programs: `.gup` files.
//!
//! One statement a line.  Blank lines do not count, `#` starts a comment (a
//! comment after a statement needs a space on both sides of the `#`).
//!
//! ```text
//! names 6.1                                   # which kernel's names follow
//! mm irqs=on has_pinned=0 devmap_key=0 seq=0  # these are the defaults
//! page p ref=1 file dirty
//! page h order=9 ref=1 anon exclusive
//! try_grab_folio h+3 refs=2 PIN|LONGTERM
//! unpin_user_pages_dirty_lock [h+3..h+4, p] dirty
//! set_ref p INT_MAX-1
//! ```
//!
//! # The world
//!
//! `mm` (at most once) sets what there is beside pages: interrupts,
//! MMF_HAS_PINNED, the devmap_managed_key, write_protect_seq.
//!
//! `page NAME ...` declares a folio.  Pages are declared before the first
//! operation.  What is not said has its default:
//!
//! | word | meaning | default |
//! |---|---|---|
//! | `order=N` | 1 << N pages, N up to 10 | 0; `huge_zero`: 9 |
//! | `ref=N`, `pin=N` | counts of the head; `pin` for large folios only | 1, 0 |
//! | `hugetlb` `zero` `huge_zero` `slab` | what the folio is | a plain one |
//! | `dev_private` `dev_coherent` `dev_fsdax` `dev_generic` `dev_p2pdma` | in ZONE_DEVICE | |
//! | `anon` `file` `shmem` `secretmem` `fsdax` `ksm` `movable_ops` | its mapping | none |
//! | `exclusive` | every page is AnonExclusive | not |
//! | `movable` | in ZONE_MOVABLE | ZONE_NORMAL |
//! | `unmovable` `reclaimable` `cma` `isolate` | its pageblocks' type | movable |
//! | `dirty` `locked` `lru` ... | page flags of the head, the kernel's names | none |
//!
//! # Operations
//!
//! An operation is the kernel's function name, in the vocabulary of the last
//! `names` line (6.1 if there is none), or the role of the function, which is
//! the same for all kernels: `grab-fast`.  Then its operands, the pages first:
//!
//! | form | meaning |
//! |---|---|
//! | `h`, `h+3` | the head, the page 3 further; may run past the folio, up to 2047 |
//! | `NULL`, `POISON` | a null pointer, a pointer that faults |
//! | `[p, h+3..h+9, NULL*2]` | a list; ranges include both ends; at most 4 runs, 1024 pages |
//! | `refs=N`, `npages=N` | a count, 1 if not said; for a list, its length |
//! | `PIN\|LONGTERM` | FOLL_ flags by name; none if not said |
//! | `flags=0x40001` | this kernel's raw FOLL_ bits |
//! | `dirty` | make_dirty |
//! | `vma=none`, `shared`, `cow` | the VMA of gup_must_unshare |
//!
//! Counts are decimal or hexadecimal, or `INT_MAX`, `INT_MIN`, also with a
//! distance: `INT_MAX-1023`.  The raw changes of the world read so:
//!
//! ```text
//! set_ref h+1 5          set_pin h 2            set_seq 3
//! set_flag p dirty       clear_flag p dirty     set_mapping p anon
//! set_pageblock p cma    set_irqs off           set_has_pinned on
//! split h order=0 ref=1 rest=1                  merge h ref=1 pin=0
//! reuse p file ref=1     set_devmap_key on
//! ```
//!
//! [`parse`] gives a normalised program or the place of the first mistake;
//! [`format()`] writes one, and parsing that gives the program back.

mod error;
mod format;
mod number;
mod operation;
mod page;
mod pages;
mod parse;
mod scan;
mod words;

pub use error::ParseError;
pub use format::{folio_names, format, format_op, page_name};
pub use parse::parse;

/// The word for a page flag, `GD_F_*`.
pub fn flag_word(flag: u32) -> &'static str {
    words::FLAGS.get(flag as usize).copied().unwrap_or("?")
}

/// The word for a kind of mapping, `GD_M_*`.
pub fn mapping_word(mapping: u8) -> &'static str {
    words::MAPPINGS
        .get(usize::from(mapping))
        .copied()
        .unwrap_or("?")
}
use crate::ops::Rev;

/// The vocabulary of a text without a `names` line.
pub const DEFAULT_NAMES: Rev = Rev::V6_1;
