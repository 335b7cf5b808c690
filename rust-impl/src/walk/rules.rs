// SPDX-License-Identifier: GPL-2.0
//! How the lockless walk differs between kernels, as data.
//!
//! Each field says what changes and which upstream change brought it.

use crate::foll::FollFlag;
use crate::rule::rules;

rules! {
    /// How one kernel walks.
    #[derive(Clone, Copy, Debug)]
    pub struct WalkRules (walk) {
        /// Flags that the common part of the entry points knows; any other is a
        /// WARN.  FOLL_NOFAULT came between 5.10 and 6.1; v6.2 adds FOLL_PCI_P2PDMA
        /// ("mm: introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages"), v6.6
        /// FOLL_HONOR_NUMA_FAULT ("mm/gup: reintroduce FOLL_NUMA as
        /// FOLL_HONOR_NUMA_FAULT").
        pub known_flags: &'static [FollFlag],
        /// One function checks the arguments of all entry points, the internal
        /// flags among them; before, each had checks of its own.  v6.3: "mm/gup:
        /// simplify the external interface functions and consolidate invariants".
        pub checks_arguments_in_one_place: bool,
        /// get_user_pages_fast_only() gives errnos; before, 0 in their place.
        /// v6.3: "mm/gup: make get_user_pages_fast_only() return the common return
        /// value".
        pub fast_only_gives_errnos: bool,
        /// A range that wraps is -EOVERFLOW; before it was 0, as if there had been
        /// nothing to do.  v6.5: "mm/gup: do not return 0 from
        /// pin_user_pages_fast() for bad args".
        pub overflow_is_an_error: bool,
        /// The slow path takes and drops mmap_lock itself; before, that was up to
        /// the caller for long-term pins.  v6.3: "mm/gup: make locked never NULL in
        /// the internal GUP functions".
        pub slow_path_locks: bool,
        /// An entry of the top level that is not present ends the walk; before,
        /// only an empty one did.  v6.10: "mm/gup: check p4d presence before going
        /// on".
        pub wants_p4d_present: bool,
        /// What is no table is told by the bit of huge pages alone; before, an
        /// entry marked as device memory, or not present at all, went the same way.
        /// v6.10: "mm/gup: merge pXd huge mapping checks".
        pub leaf_by_huge_bit: bool,
        /// A PMD that is not the entry of an ordinary table leads to no PTEs; before,
        /// it was followed whatever its flags.  v6.5: "mm: allow
        /// pte_offset_map[_lock]() to fail".
        pub pte_map_can_fail: bool,
        /// FOLL_FORCE follows PROT_NONE; before v6.1 ("mm/gup: replace FOLL_NUMA by
        /// gup_can_follow_protnone()") and later nothing does.  v6.6: "mm/gup:
        /// reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT".
        pub force_follows_protnone: bool,
        /// Huge entries can be special, too.  v6.12: "mm/gup: detect huge pfnmap
        /// entries in gup-fast".
        pub huge_may_be_special: bool,
        /// The grab for a huge entry is of the block's first page, wherever in it
        /// the range starts; not so from v5.18 ("mm/gup: Convert gup_huge_pmd() to use
        /// a folio") to v6.9, and again later: there it is of the first page that is
        /// recorded.  v6.10: "mm/gup: refactor record_subpages() to find 1st small
        /// page"; v6.18: "mm/gup: remove record_subpages()".
        pub huge_grabs_first_page: bool,
        /// The pages of a huge entry are recorded once they are taken; before, first.
        /// v6.18: "mm/gup: remove record_subpages()".
        pub huge_records_last: bool,
        /// A folio is looked at (secretmem, file-backed long-term pins) after its
        /// entry was found unchanged, at all levels; before, a page of a PTE was
        /// looked at (secretmem alone) while it might still be somebody else's.
        /// v6.5: "mm/gup: disallow FOLL_LONGTERM GUP-fast writing to file-backed
        /// mappings".
        pub looks_at_folio_after_recheck: bool,
        /// The hook that makes a page accessible is told the folio.  v6.12:
        /// "mm/gup: convert to arch_make_folio_accessible()".
        pub makes_folio_accessible: bool,
        /// When that hook fails the walk ends; before, its errno was taken for
        /// success, and the walk went on behind the page.  In 7.2 at the latest.
        pub inaccessible_ends_walk: bool,
        /// Folios without a mapping pass but for long-term pins that write; before,
        /// none did.  After 7.2.
        pub folios_without_mapping_pass: bool,
        /// Entries can be marked as device memory.  Gone in v6.17: "mm: remove devmap
        /// related functions and page table bits".
        pub has_device_entries: bool,
        /// Huge entries of device memory use the lockless grab and record a page
        /// once it is theirs, and back out with the lockless put.  Before, they
        /// used the slow grab, on a page that was marked and recorded already, and
        /// the public ways to give back.  v6.10: "mm: gup: stop abusing
        /// try_grab_folio".
        pub device_walk_is_lockless: bool,
        /// A huge entry of device memory gives its pagemap back when one of its pages
        /// fails, too.  Between 5.10 and 6.1: "mm/gup: fix potential pgmap refcnt leak in
        /// __gup_device_huge()".
        pub failing_device_puts_pagemap: bool,
        /// Pages of memfd_secret are left out.  v5.14: "mm: introduce memfd_secret
        /// system call to create "secret" memory areas".
        pub leaves_secretmem: bool,
        /// What pins wants an array for the pages.  Between 5.10 and 6.1.
        pub pins_want_pages: bool,
        /// No pages at all are 0 pages, and nothing is looked at; before, the walk looked
        /// at the entry of the first one.  6.12.118.
        pub no_pages_are_none: bool,
        /// So many pages that their bytes do not fit are an overflow; before, the upper
        /// bits of these were lost.  6.12.118.
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
    leaves_secretmem: false,
    pins_want_pages: false,
    ..WALK_6_1
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
    looks_at_folio_after_recheck: false,
    makes_folio_accessible: false,
    inaccessible_ends_walk: false,
    folios_without_mapping_pass: false,
    has_device_entries: true,
    device_walk_is_lockless: false,
    failing_device_puts_pagemap: true,
    leaves_secretmem: true,
    pins_want_pages: true,
    no_pages_are_none: false,
    lengths_are_checked: false,
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
    looks_at_folio_after_recheck: true,
    makes_folio_accessible: true,
    inaccessible_ends_walk: false,
    folios_without_mapping_pass: false,
    has_device_entries: true,
    device_walk_is_lockless: true,
    failing_device_puts_pagemap: true,
    leaves_secretmem: true,
    pins_want_pages: true,
    no_pages_are_none: false,
    lengths_are_checked: false,
};

/// Linux 6.12.118.
pub const WALK_6_12_118: WalkRules = WalkRules {
    no_pages_are_none: true,
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
