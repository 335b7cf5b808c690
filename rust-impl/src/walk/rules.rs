// SPDX-License-Identifier: GPL-2.0
//! How the lockless walk differs between kernels, as data.
//!
//! The doc comment of each field describes one difference in behaviour and names the upstream
//! commit that introduced it.

use crate::foll::FollFlag;
use crate::rule::rules;

rules! {
    /// The rules of one kernel's lockless walk.
    #[derive(Clone, Copy, Debug)]
    pub struct WalkRules (walk) {
        /// The flags that the common entry point accepts; any other is a WARN. FOLL_NOFAULT
        /// came in v5.16 and went to 5.15, FOLL_PCI_P2PDMA in v6.2 ("mm: introduce FOLL_PCI_P2PDMA
        /// to gate getting PCI P2PDMA pages"), FOLL_HONOR_NUMA_FAULT in v6.5 ("mm/gup:
        /// reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT").
        pub known_flags: &'static [FollFlag],
        /// One function checks the arguments of all entry points, including the internal flags.
        /// Before v6.3 ("mm/gup: simplify the external interface functions and consolidate
        /// invariants") each entry point had its own checks.
        pub checks_arguments_in_one_place: bool,
        /// The flags that callers must not pass, if one function checks the arguments. Since v6.7
        /// ("mm/gup: explicitly define and check internal GUP flags, disallow FOLL_TOUCH") all
        /// internal ones.
        pub internal_flags: &'static [FollFlag],
        /// That function sets FOLL_HONOR_NUMA_FAULT. In v6.5 only: removed by v6.6, "mm/gup: don't
        /// implicitly set FOLL_HONOR_NUMA_FAULT".
        pub implies_numa_faults: bool,
        /// access_ok() accepts all addresses whose top bit is clear, not only those below
        /// TASK_SIZE_MAX. From v6.4 ("x86-64: make access_ok() independent of LAM") until one
        /// between 6.8 and 6.12.
        pub access_ok_checks_top_bit_only: bool,
        /// get_user_pages_fast_only() returns errnos. Before v6.3 ("mm/gup: make
        /// get_user_pages_fast_only() return the common return value") it returned 0 instead.
        pub fast_only_gives_errnos: bool,
        /// A range that wraps is -EOVERFLOW. Before v6.5 ("mm/gup: do not return 0 from
        /// pin_user_pages_fast() for bad args") it was 0, as for an empty range.
        pub overflow_is_an_error: bool,
        /// The slow path takes and drops the mmap lock itself. Before v6.3 ("mm/gup: make
        /// locked never NULL in the internal GUP functions") the caller did so for long-term
        /// pins.
        pub slow_path_locks: bool,
        /// A top-level entry that is not present ends the walk. Before v6.10 ("mm/gup: check
        /// p4d presence before going on") only an empty one did.
        pub wants_p4d_present: bool,
        /// A leaf entry is recognised by its huge bit only. Before v6.10 ("mm/gup: merge pXd
        /// huge mapping checks") an entry that is marked as device memory or is not present
        /// counted as a leaf, too.
        pub leaf_by_huge_bit: bool,
        /// A PMD that is not an ordinary table entry is not followed to its PTEs. Before v6.5
        /// ("mm: allow pte_offset_map[_lock]() to fail") it was followed whatever its flags.
        pub pte_map_can_fail: bool,
        /// The lockless walk follows PROT_NONE with FOLL_FORCE. From v6.1 ("mm/gup: replace
        /// FOLL_NUMA by gup_can_follow_protnone()") to before v6.6 ("mm/gup: reintroduce
        /// FOLL_NUMA as FOLL_HONOR_NUMA_FAULT"); other kernels never follow it.
        pub force_follows_protnone: bool,
        /// Huge entries can be special, too. Since v6.12: "mm/gup: detect huge pfnmap entries
        /// in gup-fast".
        pub huge_may_be_special: bool,
        /// For a huge entry, the walk grabs the first page of the block, even if the range
        /// starts later in it. Until v5.18 ("mm/gup: Convert gup_huge_pmd() to use a folio"),
        /// and again from v6.10 ("mm/gup: refactor record_subpages() to find 1st small page")
        /// to v6.17 (v6.18, "mm/gup: remove record_subpages()"). Otherwise it grabs the first
        /// page of the range.
        pub huge_grabs_first_page: bool,
        /// The pages of a huge entry are stored in pages[] after they are grabbed. Before v6.18
        /// ("mm/gup: remove record_subpages()") they were stored first.
        pub huge_records_last: bool,
        /// Long-term pins that write do not get pages of files: the folio is checked after its
        /// entry was found unchanged, on all levels. Since v6.5: "mm/gup: disallow FOLL_LONGTERM
        /// GUP-fast writing to file-backed mappings".
        pub rechecks_files: bool,
        /// The same check, on all levels and for all pins, finds secretmem. Before v6.10 ("mm:
        /// merge folio_is_secretmem() and folio_fast_pin_allowed() into
        /// gup_fast_folio_allowed()") only a PTE's page was checked for secretmem, and before the
        /// entry was, when the page may already belong to another mapping.
        pub looks_at_folio_after_recheck: bool,
        /// The hook that makes a page accessible takes the folio. Since v6.12: "mm/gup: convert
        /// to arch_make_folio_accessible()".
        pub makes_folio_accessible: bool,
        /// If that hook fails, the walk ends. Before, its errno was taken for success, and the
        /// walk continued after the page. Since 7.2 or before.
        pub inaccessible_ends_walk: bool,
        /// Folios without a mapping are allowed, except for long-term pins that write. Before,
        /// they never were. Since a version after 7.2.
        pub folios_without_mapping_pass: bool,
        /// Entries can be marked as device memory. Until v6.17: "mm: remove devmap related
        /// functions and page table bits".
        pub has_device_entries: bool,
        /// Huge device entries use the lockless grab, store a page after it is grabbed, and
        /// back out with the lockless put. Before v6.10 ("mm: gup: stop abusing
        /// try_grab_folio") they marked and stored the page, then used the slow path's grab,
        /// and backed out with the public functions.
        pub device_walk_is_lockless: bool,
        /// If a page of a huge device entry cannot be grabbed, the reference on the pagemap is
        /// dropped. Since v5.15: "mm/gup: fix potential pgmap refcnt leak in
        /// __gup_device_huge()".
        pub failing_device_puts_pagemap: bool,
        /// Such a failure is recognised by the address that was reached: if there are no pages to
        /// take, it counts as success. Since v5.16: "mm/gup: further simplify
        /// __gup_device_huge()".
        pub device_failures_by_address: bool,
        /// The walk refuses pages of memfd_secret. Since v5.14: "mm: introduce memfd_secret
        /// system call to create "secret" memory areas".
        pub leaves_secretmem: bool,
        /// The functions that pin require a pages array. Since a version between 5.15 and 6.0.
        pub pins_want_pages: bool,
        /// If nr_pages is 0, the result is 0 and no entry is read. Before, the entry of the
        /// first page was followed. Since 6.12.118.
        pub zero_nr_pages_returns_zero: bool,
        /// If the length in bytes overflows, the result is -EOVERFLOW. Before, its upper bits
        /// were dropped. Since 6.12.118.
        pub lengths_are_checked: bool,
    }
}

/// Linux 5.10.
pub const WALK_5_10: WalkRules = WalkRules {
    known_flags: &[
        FollFlag::Write,
        FollFlag::Longterm,
        FollFlag::Force,
        FollFlag::Pin,
        FollFlag::Get,
        FollFlag::FastOnly,
    ],
    force_follows_protnone: false,
    huge_grabs_first_page: true,
    failing_device_puts_pagemap: false,
    device_failures_by_address: false,
    leaves_secretmem: false,
    pins_want_pages: false,
    ..WALK_6_1
};

/// Linux 5.15.
pub const WALK_5_15: WalkRules = WalkRules {
    known_flags: WALK_6_1.known_flags,
    failing_device_puts_pagemap: true,
    leaves_secretmem: true,
    ..WALK_5_10
};

/// Linux 6.1.
pub const WALK_6_1: WalkRules = WalkRules {
    known_flags: &[
        FollFlag::Write,
        FollFlag::Longterm,
        FollFlag::Force,
        FollFlag::Pin,
        FollFlag::Get,
        FollFlag::FastOnly,
        FollFlag::Nofault,
    ],
    checks_arguments_in_one_place: false,
    fast_only_gives_errnos: false,
    overflow_is_an_error: false,
    slow_path_locks: false,
    wants_p4d_present: false,
    leaf_by_huge_bit: false,
    pte_map_can_fail: false,
    force_follows_protnone: true,
    huge_may_be_special: false,
    huge_grabs_first_page: false,
    huge_records_last: false,
    rechecks_files: false,
    looks_at_folio_after_recheck: false,
    makes_folio_accessible: false,
    inaccessible_ends_walk: false,
    folios_without_mapping_pass: false,
    has_device_entries: true,
    device_walk_is_lockless: false,
    failing_device_puts_pagemap: true,
    device_failures_by_address: true,
    leaves_secretmem: true,
    pins_want_pages: true,
    zero_nr_pages_returns_zero: false,
    lengths_are_checked: false,
    internal_flags: WALK_6_12.internal_flags,
    implies_numa_faults: false,
    access_ok_checks_top_bit_only: false,
};

/// Linux 6.5.
pub const WALK_6_5: WalkRules = WalkRules {
    implies_numa_faults: true,
    ..WALK_6_6
};

/// Linux 6.6.
pub const WALK_6_6: WalkRules = WalkRules {
    known_flags: WALK_6_12.known_flags,
    checks_arguments_in_one_place: true,
    fast_only_gives_errnos: true,
    overflow_is_an_error: true,
    slow_path_locks: true,
    pte_map_can_fail: true,
    force_follows_protnone: false,
    rechecks_files: true,
    internal_flags: &[
        FollFlag::Pin,
        FollFlag::Tried,
        FollFlag::Unlockable,
        FollFlag::Remote,
        FollFlag::FastOnly,
    ],
    access_ok_checks_top_bit_only: true,
    ..WALK_6_1
};

/// Linux 6.12.
pub const WALK_6_12: WalkRules = WalkRules {
    known_flags: &[
        FollFlag::Write,
        FollFlag::Longterm,
        FollFlag::Force,
        FollFlag::Pin,
        FollFlag::Get,
        FollFlag::FastOnly,
        FollFlag::Nofault,
        FollFlag::PciP2pdma,
        FollFlag::HonorNumaFault,
    ],
    checks_arguments_in_one_place: true,
    fast_only_gives_errnos: true,
    overflow_is_an_error: true,
    slow_path_locks: true,
    wants_p4d_present: true,
    leaf_by_huge_bit: true,
    pte_map_can_fail: true,
    force_follows_protnone: false,
    huge_may_be_special: true,
    huge_grabs_first_page: true,
    huge_records_last: false,
    rechecks_files: true,
    looks_at_folio_after_recheck: true,
    makes_folio_accessible: true,
    inaccessible_ends_walk: false,
    folios_without_mapping_pass: false,
    has_device_entries: true,
    device_walk_is_lockless: true,
    failing_device_puts_pagemap: true,
    device_failures_by_address: true,
    leaves_secretmem: true,
    pins_want_pages: true,
    zero_nr_pages_returns_zero: false,
    lengths_are_checked: false,
    internal_flags: &[
        FollFlag::Touch,
        FollFlag::Tried,
        FollFlag::Remote,
        FollFlag::Pin,
        FollFlag::FastOnly,
        FollFlag::Unlockable,
        FollFlag::MadvPopulate,
    ],
    implies_numa_faults: false,
    access_ok_checks_top_bit_only: false,
};

/// Linux 6.12.118.
pub const WALK_6_12_118: WalkRules = WalkRules {
    zero_nr_pages_returns_zero: true,
    lengths_are_checked: true,
    ..WALK_6_12
};

/// Linux 7.3.
pub const WALK_7_3: WalkRules = WalkRules {
    huge_grabs_first_page: false,
    huge_records_last: true,
    inaccessible_ends_walk: true,
    folios_without_mapping_pass: true,
    has_device_entries: false,
    ..WALK_6_12
};
