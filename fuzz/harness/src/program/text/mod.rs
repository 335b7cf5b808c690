// SPDX-License-Identifier: GPL-2.0
//! The text form of programs: `.gup` files.
//!
//! One statement per line.  Blank lines are ignored, `#` starts a comment (after a
//! statement it needs a space on both sides).
//!
//! ```text
//! names 6.1                                   # which kernel's names follow
//! mm irqs=on has_pinned=0 devmap_key=0 slow=0 seq=0 pkru=0  # these are the defaults
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
//! MMF_HAS_PINNED (`has_pinned_2`: of mm 2), the devmap_managed_key, write_protect_seq, and
//! PKRU for the protection keys 0 to 3: for key K bit 2 * K disables access, and the next
//! one writes (`pkru=0x24`: access with key 1, writes with key 2).  With `slow=1` what the
//! fast entry points leave goes to the real slow path, and is not answered.
//!
//! `page NAME ...` declares a folio.  Pages are declared before the first operation.  The
//! defaults:
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
//! | `refs=N`, `npages=N` | a count, default 1; for a list, its length |
//! | `PIN\|LONGTERM` | FOLL_ flags by name; default none |
//! | `flags=0x40001` | this kernel's raw FOLL_ bits |
//! | `dirty` | make_dirty |
//! | `n=N` | pages of a walk, entries of page tables |
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
//! reuse p file ref=1     set_devmap_key on       set_tail p h+3
//! ```
//!
//! # Page tables
//!
//! `set_pte ADDRESS WHAT` sets the entry that maps an address, `set_pmd`, `set_pud` and
//! `set_pgd` those of the upper levels; with `n=4` also the next three entries, each to the
//! next page (or the next 2 MiB, 1 GiB).  A page table is made when an entry in it is first
//! set; if the entry above was empty, it then points to the new table.
//!
//! ```text
//! set_pte 0x10000000 p rw dirty               set_pte 0x10001000 h+3 n=4
//! set_pmd 0x200000 h rw                       set_pmd 0x200000 table
//! set_pte 0x10000000 none                     set_pte 0x10000000 swap
//! set_pte 0x10000000 migration p
//! ```
//!
//! | form | meaning |
//! |---|---|
//! | `h+3` | the page; above PTE level the aligned 2 MiB or 1 GiB it lies in |
//! | `none`, `swap`, `migration h` | empty; swapped out; being migrated |
//! | `table` | the table below, if it was made; not for PTEs |
//! | `rw` `dirty` | writable, dirty; tables always are, and never `devmap` |
//! | `old` `kernel` `nx` | not accessed yet, not for user mode, not executable |
//! | `absent` `protnone` `special` `devmap` `softdirty` `uffd_wp` | the bits of those names; PROT_NONE is `absent protnone` |
//! | `pkey=K` | the protection key, 0 to 3; VMAs have one, too |
//!
//! The entry points of the walk take an address, the number of pages, FOLL_ flags, and
//! `NULL` if the caller passes no array for the pages:
//!
//! ```text
//! get_user_pages_fast 0x10000000 n=2 WRITE
//! pin_user_pages_fast 0x10000123 n=1 LONGTERM NULL
//! ```
//!
//! A folio whose name is one of these words is written with its offset: `swap+0`.
//!
//! # VMAs
//!
//! `set_vma SLOT ADDRESS` maps `n` pages from an address on as one of eight VMAs, with a
//! kind and flags (the kernel's names in lower case); `none` removes it.  VMAs may overlap.
//!
//! ```text
//! set_vma 0 0x10000000 n=16 anon read write mayread maywrite
//! set_vma 1 0x10010000 file read shared mayread mayshare
//! set_vma 0 none                              set_signal kill
//! ```
//!
//! | form | meaning |
//! |---|---|
//! | `anon`, `gate` | without vm_ops; the gate area |
//! | `file` | of a file system that tracks writes |
//! | `shmem` `secretmem` `fsdax` | of one that does not; of memfd_secret; of a dax file |
//! | `special` | vm_ops without a fault handler |
//! | `set_signal none`, `other`, `kill` | what is pending for the current task |
//!
//! With `mm=2` it is a VMA of another mm than that of current, which has VMAs, tables, a
//! lock and MMF_HAS_PINNED of its own.  `set_pte` and its kin, `set_has_pinned`, and the
//! functions that are handed an mm or a VMA take the same word.
//!
//! The entry points of the slow path take what those of the walk take; the remote
//! ones also `locked=1` or `locked=0`, the address of an `int` of this value, NULL if
//! it is not said:
//!
//! ```text
//! get_user_pages 0x10000000 n=2 WRITE
//! pin_user_pages_remote 0x10000000 n=2 locked=1 WRITE|FORCE
//! ```
//!
//! # The script
//!
//! *Actions* are what another CPU does while a function of the kernel runs, and the answers
//! to its calls.  Each is on a line of its own below the operation: a bar, a hook point and
//! a change of the world.
//!
//! ```text
//! get_user_pages_fast 0x10000000 n=2 WRITE
//!   | before read pte@0x10000000 #2: set_pte 0x10000000 none
//!   | after ref p: set_ref p 0
//!   | at slow_path: answer 3
//! ```
//!
//! | hook point | when |
//! |---|---|
//! | `before read pte@ADDRESS` (`pmd@`, `pud@`, `pgd@`) | the entry that maps the address is loaded |
//! | `before read seq` | write_protect_seq is loaded |
//! | `before ref h`, `after ref h` | the refcount of exactly this page is updated, even if the update fails |
//! | `before pin h`, `after pin h` | the same of the pin count of the folio with this head |
//! | `at get_dev_pagemap` | it is called; `answer 0`: there is no pagemap |
//! | `at make_accessible` | the hook for pages about to be read is called; `answer -5`: it fails |
//! | `at slow_path` | the slow path is called; `answer 3`: it takes three pages; `answer -14`: it fails |
//!
//! | `before page_table_lock` | the slow path takes the lock of a page table |
//! | `at handle_mm_fault` | `answer 0`, or VM_FAULT_ bits: `answer retry\|major`; default sigbus |
//! | `at mmap_read_lock` | mmap_read_lock_killable is called; `answer -4`: it fails |
//! | `at expand_stack` | the stack is to grow; `answer -12`: it does not |
//! | `at lru_add_drain` | it or lru_add_drain_all is called |
//! | `at folio_isolate_lru` | `answer 0`: it is not isolated |
//! | `at migrate_pages` | `answer 0`: all are migrated; `answer 2`: two are not (default 1); `answer -12`: it fails |
//! | `at migrate_device_coherent` | `answer 0`: it is migrated; default -16 |
//! | `at split_huge_pmd` | it is called |
//! | `at filemap_get_folios_contig` | folios of a memfd are looked for |
//! | `at memfd_alloc_folio` | `answer 0`: the page cache has it then; if not said, -12 |
//! | `at hugetlbfs_pagecache_present` | `answer 0`: it is not |
//! | `at migration_entry_wait` | nothing; what the entry is then an action says |
//! | `at split_huge_page` | `answer 0`: it is split; if not said, -16 |
//! | `at user_access` | the kernel touches user memory; `answer -14`: that faults for good |
//!
//! `#2` is the second time that this operation reaches the hook point; each line counts on
//! its own, and the default is the first time.  An action runs at most once.  Only changes
//! of the world and answers can be actions (`set_...`, `split`, ...).
//!
//! # Expectations
//!
//! A text can state the results of its program.  An `expect` line applies to the operation
//! above it; `not` negates it.  Revisions, point releases (`6.12.118+`: this one or later,
//! `6.12.117-`: this one or earlier), `debug` and `nodebug` (CONFIG_DEBUG_VM) before a
//! colon restrict it to some kernels.  `on 6.1 6.12`, before the operations, restricts the
//! whole text; the default is all kernels.
//!
//! ```text
//! try_grab_page h+1 PIN
//!   expect result 0
//!   expect refcount h 2
//!   expect 6.1 6.12.118+ debug: not WARN try_grab_page
//! ```
//!
//! | form | meaning |
//! |---|---|
//! | `result -ENOMEM`, `-14`, `true`, `NULL`, `h+1`, `stopped` | what it returns |
//! | `refcount h 2`, `pincount h 1` | the counts afterwards |
//! | `pinned h`, `tail h+1`, `flag h dirty` | the page afterwards |
//! | `irqs`, `has_pinned`, `has_pinned_2` | interrupts are on, MMF_HAS_PINNED is set afterwards |
//! | `WARN try_grab_page#1`, `BUG` | a site of the function: this one, any of it, any at all |
//! | `OOPS`, `LIMIT` | a memory fault, the step limit |
//! | `call __folio_put h`, `call slow_path` | a call into the rest of the kernel |
//! | `entry 0 h+1` | `pages[0]` |
//! | `action 1` | the first action of the operation is carried out |
//! | `locked`, `mmap_lock`, `mmap_lock_2` | `*locked` is 1, the mmap lock is held afterwards |
//! | `acquired 1`, `released 1` | by how much the counters of pins move |
//!
//! # Several programs
//!
//! A line `---` ends a program, and another one follows: [`split`].
//!
//! [`parse`] returns a normalised program or the place of the first mistake; [`format()`]
//! writes one, and parsing that returns the same program.

mod act;
mod entry;
mod error;
mod expect;
mod format;
mod number;
mod operation;
mod page;
mod pages;
mod parse;
mod pkey;
mod scan;
mod slow;
pub(crate) mod words;

use crate::ops::Rev;

pub use error::ParseError;
pub use format::{folio_names, format, format_act, format_list, format_op, page_name};
pub use number::show as format_int;
pub use parse::{parse, read};

/// The name of a page flag, `GD_F_*`.
pub fn flag_word(flag: u32) -> &'static str {
    words::FLAGS.get(flag as usize).copied().unwrap_or("?")
}

/// FAULT_FLAG_ flags, bits `GD_FF_*`: `WRITE|REMOTE`, or `0`.
pub fn fault_flag_words(flags: u32) -> String {
    words::bits(&words::FAULT_FLAGS, flags)
}

/// The name of a kind of mapping, `GD_M_*`.
pub fn mapping_word(mapping: u8) -> &'static str {
    words::MAPPINGS
        .get(usize::from(mapping))
        .copied()
        .unwrap_or("?")
}

/// The vocabulary of a text without a `names` line.
pub const DEFAULT_NAMES: Rev = Rev::V6_1;

/// The line between two programs of one text.
pub const SEPARATOR: &str = "---";

/// The programs of a text, each with the line that it starts on, from 1.
pub fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut first, mut at) = (0, 1, 0);
    for (line, text_of_line) in (1..).zip(text.split_inclusive('\n')) {
        let end = at + text_of_line.len();
        if text_of_line.trim_end() == SEPARATOR {
            parts.push((first, &text[start..at]));
            (start, first) = (end, line + 1);
        }
        at = end;
    }
    parts.push((first, &text[start..]));
    parts
}
