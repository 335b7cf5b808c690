// SPDX-License-Identifier: GPL-2.0
//! How the slow path differs between kernels, as data.
//!
//! The doc comment of each field describes one difference in behaviour and names the upstream
//! commit that introduced it.  Some [rules of the walk](crate::walk::rules) apply to both paths:
//! how arguments are checked, who takes the mmap lock, and which entries are tables.

use crate::rule::rules;

rules! {
    /// The rules of one kernel's slow path.
    #[derive(Clone, Copy, Debug)]
    pub struct SlowRules (slow) {
        /// The slow path asserts that the mmap lock is held. Since v6.3, "mm/gup: make locked
        /// never NULL in the internal GUP functions", and v6.4, "mm: introduce
        /// untagged_addr_remote()".
        pub asserts_mmap_lock: bool,
        /// mmap_assert_locked() is a WARN in the function that it calls. Before, a BUG (DEBUG_VM).
        /// Since a version between 6.8 and 6.12.
        pub lock_assertions_warn: bool,
        /// All pages of a huge entry that are in the range are grabbed and stored at once.
        /// Before v6.6 ("mm/gup: accelerate thp gup even for "pages != NULL"") each page needed
        /// its own page-table walk, unless pages was NULL. Since the same version ("mm/gup:
        /// cleanup next_page handling") data caches are flushed for pages of the gate area, too.
        pub takes_huge_entries_whole: bool,
        /// PROT_NONE is followed unless FOLL_HONOR_NUMA_FAULT asks for the NUMA hinting fault.
        /// Before v6.6 ("mm/gup: reintroduce FOLL_NUMA as FOLL_HONOR_NUMA_FAULT") it was
        /// followed with FOLL_FORCE only.
        pub numa_faults_on_request: bool,
        /// Without FOLL_NOWAIT there is always a page or an errno: no page is a WARN and -EFAULT,
        /// and for nr_pages 0 nothing is done. Since v6.7: "mm/gup: make failure to pin an error if
        /// FOLL_NOWAIT not specified".
        pub no_page_is_an_error: bool,
        /// Present huge PMDs and PUDs are followed, whatever they map. Before v6.10 ("mm/gup:
        /// handle huge pud for follow_pud_mask()", "mm/gup: handle huge pmd for
        /// follow_pmd_mask()") a PUD was followed if it mapped device memory, and was bad
        /// otherwise.
        pub follows_all_huge_entries: bool,
        /// An entry of device memory of which no page is returned is like no entry. Before, the
        /// walk went on below it, as if it were a table. Since a version between 6.6 and 6.8.
        pub devmap_ends_the_walk: bool,
        /// FOLL_FORCE may write through a read-only PUD, as through a PMD or a PTE. Since a
        /// version after 6.12.
        pub forces_writes_of_puds: bool,
        /// A PMD that is neither empty nor present must be a migration entry; otherwise it is a
        /// BUG (DEBUG_VM). Since a version between 5.10 and 6.1; removed before 6.12.
        pub absent_pmds_migrate: bool,
        /// A forced write (FOLL_FORCE) to a read-only entry requires an exclusive page. Before
        /// v6.0 ("mm/gup: fix FOLL_FORCE COW security issue and remove FOLL_COW") it required
        /// that a fault had returned VM_FAULT_WRITE, in a VMA without VM_WRITE, and that the
        /// entry is dirty.
        pub forced_writes_require_exclusive: bool,
        /// A fault can return VM_FAULT_COMPLETED, with the mmap lock dropped. Since v6.0: "mm:
        /// avoid unnecessary page fault retires on shared memory types".
        pub faults_can_complete: bool,
        /// An entry without a struct page is an error if pages is not NULL. Before v5.18
        /// ("mm/gup: follow_pfn_pte(): -EEXIST cleanup") its slot in pages[] was left
        /// unchanged, and the loop continued.
        pub missing_page_is_an_error: bool,
        /// Where such an entry is no error in itself, a pin of it is -EFAULT, like a reference.
        /// Until v5.18, and not in 5.15 any more ("mm: fix invalid page pointer returned with
        /// FOLL_PIN gups"), the slot of a pin was left unchanged.
        pub pins_want_a_page: bool,
        /// An access below a stack VMA grows the stack; if the VMA is locked, the new part is
        /// populated. Until v6.5, and not in 6.1 any more: "gup: add warning if some caller
        /// would seem to want stack expansion".
        pub grows_stacks: bool,
        /// An access to an address up to 64 KiB below a stack VMA leaves a message in the log,
        /// at most once an hour. Since v6.5, "gup: add warning if some caller would seem to
        /// want stack expansion"; not in 6.1.
        pub warns_below_stacks: bool,
        /// VMAs are in a list by address, and __mm_populate() goes on with the next one. Later
        /// it searches the rest of its range. Until v6.1: "mm: remove the vma linked list".
        pub lists_vmas: bool,
        /// populate_vma_page_range() requires a VMA with some access permission, and does not
        /// use FOLL_FORCE for writes. Before, it populated a VMA without permissions, without
        /// FOLL_FORCE. Since a version between 6.1 and 6.12.
        pub populates_accessible_only: bool,
        /// follow_page() warns about FOLL_PIN. From a version between 6.1 and 6.3 until it was
        /// removed in v6.12.
        pub follow_page_warns_about_pins: bool,
        /// MADV_POPULATE_READ and MADV_POPULATE_WRITE look up a VMA, and populate a range of it.
        /// Since v6.9 ("mm/madvise: make MADV_POPULATE_(READ|WRITE) handle VM_FAULT_RETRY
        /// properly") the common loop looks up the VMAs.
        pub faultin_takes_a_vma: bool,
        /// follow_page() returns nothing with FOLL_PIN, and its hugetlb functions warn about
        /// the flag. Since a version between 5.15 and 6.0.
        pub follow_page_pins_nothing: bool,
        /// fault_in_safe_writeable() returns 0, as for success, if it fails after the first page.
        /// Before v6.15 ("mm/gup: fix wrongly calculated returned value in
        /// fault_in_safe_writeable()"), not in the stable releases of 5.10, 6.1 and 6.12.
        pub safe_writeable_hides_failures: bool,
        /// fault_in_readable() and its variants check that the range is in user space. Since a
        /// version between 5.15 and 6.0.
        pub fault_in_checks_range: bool,
        /// fault_in_readable() and its variants touch nothing if the range starts at address 0
        /// or wraps. Before v6.16 ("mm/gup: clean up codes in fault_in_xxx() functions") a
        /// range that wraps ended at 0.
        pub faults_in_nothing_at_zero: bool,
        /// hugetlbfs VMAs are followed by functions of mm/hugetlb.c, which ignore that an mm is
        /// remote and FOLL_NOFAULT. Until v6.6 ("mm/gup: retire follow_hugetlb_page()"); since
        /// v6.10 they are followed like other VMAs, but never split.
        pub has_follow_hugetlb_page: bool,
        /// hugetlb_follow_page_mask() looks up entries of hugetlbfs VMAs, for the loop that is
        /// common to all VMAs. From v6.6 ("mm/gup: retire follow_hugetlb_page()") to before
        /// v6.10 ("mm/gup: handle hugetlb in the generic follow_page_mask code").
        pub has_hugetlb_follow_page_mask: bool,
        /// follow_page() looks up an entry of hugetlbfs with hugetlb_follow_page_mask(), which does not
        /// wait for the end of a migration and says nothing if the page cannot be taken. From v6.2
        /// ("hugetlb: simplify hugetlb handling in follow_page_mask") to before v6.6; earlier, with
        /// functions that wait and warn.
        pub follow_page_never_waits: bool,
        /// follow_hugetlb_page() stores and grabs all requested pages of a huge page at once,
        /// with the lockless grab. Before v5.12 ("mm/hugetlb: grab head page refcount once for
        /// group of subpages") it took them one by one.
        pub takes_hugetlb_at_once: bool,
        /// A hugetlb PUD that is not present is recognised, and its page is grabbed under a
        /// lock. Before v6.0 ("mm/hugetlb: make pud_huge() and follow_huge_pud() aware of
        /// non-present pud entry") it was never grabbed.
        pub follows_absent_puds: bool,
        /// FOLL_FORCE does not allow writes to hugetlbfs VMAs. Since v6.1 or shortly
        /// before, until one between 6.12 and 7.3.
        pub hugetlb_is_not_forced: bool,
        /// FOLL_SPLIT_PMD is refused for hugetlbfs VMAs. Since v6.15 ("mm/gup: reject
        /// FOLL_SPLIT_PMD with hugetlb VMAs"), also in 6.12.
        pub hugetlb_is_not_split: bool,
        /// memfd_pin_folios() skips consecutive page-cache entries of the folio that it pinned
        /// last. After 6.12 it finds each folio only once.
        pub memfd_folios_may_repeat: bool,
        /// memfd_pin_folios() rechecks a folio under its lock: whether it was truncated, and
        /// whether it is up to date. Since 6.12.118.
        pub memfd_folios_are_rechecked: bool,
        /// get_dump_page() is called with the mmap lock held. Since a version after 6.12.
        pub dumps_under_lock: bool,
        /// A long-term pin records the VMA of each page and checks for fsdax at the end; later
        /// kernels check each VMA when it is found. Only CMA pages are migrated, in a separate
        /// loop (see longterm_refuses_movable). Until v5.18: "mm/gup: remove the vma allocation
        /// from gup_longterm_locked()".
        pub notes_vmas: bool,
        /// A table entry without the accessed bit is bad. Until v6.1: "mm: x86: add
        /// CONFIG_ARCH_HAS_NONLEAF_PMD_YOUNG".
        pub old_tables_are_bad: bool,
        /// mlock() marks pages with the flags FOLL_MLOCK and FOLL_POPULATE. Until v5.18: "mm/munlock:
        /// delete FOLL_MLOCK and FOLL_POPULATE".
        pub has_flags_of_mm: bool,
        /// PROT_NONE is not followed with FOLL_NUMA, which is set where FOLL_FORCE is not, except by
        /// follow_page(). Until v6.1: "mm/gup: replace FOLL_NUMA by gup_can_follow_protnone()".
        /// Then FOLL_FORCE itself decides.
        pub has_foll_numa: bool,
        /// Long-term pins that write refuse pages of file systems that track writes. Since
        /// v6.5: "mm/gup: disallow FOLL_LONGTERM GUP-nonfast writing to file-backed mappings".
        pub longterm_refuses_tracked_files: bool,
        /// If none of the folios that must be migrated could be isolated, they stay pinned, and the
        /// long-term pin succeeds. From v6.14 ("mm: gup: fix infinite loop within
        /// __get_longterm_locked") until it was reverted.
        pub unisolated_folios_stay_pinned: bool,
        /// The pages of a long-term pin that must be migrated are collected first, and an errno of
        /// migrate_pages() is -ENOMEM. Before v6.1 ("mm/gup.c: refactor
        /// check_and_migrate_movable_pages()") those that could not be isolated were only counted,
        /// and the errno was returned.
        pub collects_unpinnable: bool,
        /// Whoever isolates a head page counts it as a THP in NR_ISOLATED, whatever its size.
        /// Until v5.18: "mm/gup: convert check_and_migrate_movable_pages() to use a folio".
        pub isolated_heads_are_thps: bool,
        /// Pages that must be migrated are unpinned by folio. Before v6.11 ("mm/gup: introduce
        /// check_and_migrate_movable_folios()") by page.
        pub migrates_by_folio: bool,
        /// Only FOLL_FORCE allows writes to a shadow stack, as to a VMA that is not writable. Since
        /// v6.6, "mm: Don't allow write GUPs to shadow stack memory"; before, there were none.
        pub shadow_stacks_are_readonly: bool,
        /// The LRU batches are drained if a small folio has unexpected references: first this
        /// CPU's, then those of all CPUs. Before v6.17 ("mm/gup: check ref_count instead of lru
        /// before migration"), not in the stable releases of 6.1 and 6.12, those of all CPUs were
        /// drained once, if a folio was not on the LRU.
        pub drains_for_unexpected_refs: bool,
        /// When they are collected, list entries within the same folio are skipped. Before v6.17
        /// ("mm/gup: check ref_count instead of lru before migration" and its kin), not in the
        /// stable releases of 6.12, entries with the same folio as the previous one were.
        pub skips_entries_of_the_folio: bool,
        /// The check for unexpected references of a small folio counts a pin as 1024
        /// references. The backport of "mm/gup: check ref_count instead of lru before
        /// migration" (v6.17) to 6.1 counts it as one, and so always finds unexpected ones.
        pub counts_pin_as_1024_refs: bool,
        /// A slab page is marked in its page type, and the function that sums up its expected
        /// references warns about pages with a type. Before v6.10 ("mm: free up PG_slab") a
        /// page flag marked it.
        pub slabs_have_a_type: bool,
        /// The function that drains the LRU batches takes the folio and decides itself whether
        /// to drain. Before, gup.c decided. Since a version after 7.2.
        pub drains_for_a_folio: bool,
        /// After following a PTE, the folio that was looked up first is marked accessed and
        /// dirty. Before, the head was looked up again. Since a version after 6.12.
        pub marks_the_folio: bool,
        /// pte_offset_map() leaves a PMD that is not present alone. Before, it cleared it as
        /// bad, unless it was a migration entry. Since a version after 6.12.
        pub leaves_absent_pmds: bool,
        /// vm_normal_page() warns about the zero page in an entry that is not special
        /// (DEBUG_VM). Since a version between 6.6 and 6.12.
        pub zero_pages_are_special: bool,
        /// vm_normal_page() and its variants warn about the huge zero page, too. Since v6.18:
        /// "mm/memory: factor out common code from vm_normal_page_*()".
        pub warns_about_both_zero_pages: bool,
        /// The WARN about FOLL_GET together with FOLL_PIN is in one place (DEBUG_VM). Before,
        /// each level had its own. Since a version after 6.12.
        pub one_warn_for_get_and_pin: bool,
    }
}

/// Linux 5.10.
pub const SLOW_5_10: SlowRules = SlowRules {
    isolated_heads_are_thps: true,
    absent_pmds_migrate: false,
    forced_writes_require_exclusive: false,
    faults_can_complete: false,
    missing_page_is_an_error: false,
    pins_want_a_page: false,
    grows_stacks: true,
    lists_vmas: true,
    populates_accessible_only: false,
    follow_page_pins_nothing: false,
    dumps_under_lock: false,
    old_tables_are_bad: true,
    has_flags_of_mm: true,
    has_foll_numa: true,
    notes_vmas: true,
    fault_in_checks_range: false,
    collects_unpinnable: false,
    takes_hugetlb_at_once: false,
    follows_absent_puds: false,
    hugetlb_is_not_forced: false,
    ..SLOW_6_1
};

/// Linux 5.15.
pub const SLOW_5_15: SlowRules = SlowRules {
    pins_want_a_page: true,
    safe_writeable_hides_failures: true,
    notes_vmas: false,
    takes_hugetlb_at_once: true,
    ..SLOW_5_10
};

/// Linux 6.1.
pub const SLOW_6_1: SlowRules = SlowRules {
    asserts_mmap_lock: false,
    takes_huge_entries_whole: false,
    numa_faults_on_request: false,
    follows_all_huge_entries: false,
    absent_pmds_migrate: true,
    forced_writes_require_exclusive: true,
    faults_can_complete: true,
    missing_page_is_an_error: true,
    pins_want_a_page: true,
    fault_in_checks_range: true,
    collects_unpinnable: true,
    grows_stacks: false,
    warns_below_stacks: false,
    lists_vmas: false,
    populates_accessible_only: false,
    follow_page_pins_nothing: true,
    faults_in_nothing_at_zero: false,
    has_follow_hugetlb_page: true,
    follow_page_never_waits: false,
    takes_hugetlb_at_once: true,
    follows_absent_puds: true,
    hugetlb_is_not_forced: true,
    memfd_folios_may_repeat: false,
    memfd_folios_are_rechecked: false,
    dumps_under_lock: false,
    old_tables_are_bad: false,
    has_flags_of_mm: false,
    has_foll_numa: false,
    notes_vmas: false,
    forces_writes_of_puds: false,
    longterm_refuses_tracked_files: false,
    shadow_stacks_are_readonly: false,
    migrates_by_folio: false,
    isolated_heads_are_thps: false,
    counts_pin_as_1024_refs: false,
    slabs_have_a_type: false,
    drains_for_a_folio: false,
    marks_the_folio: false,
    leaves_absent_pmds: false,
    zero_pages_are_special: false,
    warns_about_both_zero_pages: false,
    one_warn_for_get_and_pin: false,
    has_hugetlb_follow_page_mask: false,
    safe_writeable_hides_failures: false,
    drains_for_unexpected_refs: true,
    no_page_is_an_error: false,
    follow_page_warns_about_pins: false,
    faultin_takes_a_vma: true,
    lock_assertions_warn: false,
    devmap_ends_the_walk: false,
    hugetlb_is_not_split: false,
    unisolated_folios_stay_pinned: false,
    skips_entries_of_the_folio: false,
};

/// Linux 6.5.
pub const SLOW_6_5: SlowRules = SlowRules {
    takes_huge_entries_whole: false,
    has_follow_hugetlb_page: true,
    has_hugetlb_follow_page_mask: false,
    follow_page_never_waits: true,
    shadow_stacks_are_readonly: false,
    ..SLOW_6_6
};

/// Linux 6.6.
pub const SLOW_6_6: SlowRules = SlowRules {
    asserts_mmap_lock: true,
    takes_huge_entries_whole: true,
    numa_faults_on_request: true,
    absent_pmds_migrate: false,
    warns_below_stacks: true,
    has_follow_hugetlb_page: false,
    has_hugetlb_follow_page_mask: true,
    safe_writeable_hides_failures: true,
    longterm_refuses_tracked_files: true,
    shadow_stacks_are_readonly: true,
    drains_for_unexpected_refs: false,
    follow_page_warns_about_pins: true,
    ..SLOW_6_1
};

/// Linux 6.12.
pub const SLOW_6_12: SlowRules = SlowRules {
    isolated_heads_are_thps: false,
    asserts_mmap_lock: true,
    takes_huge_entries_whole: true,
    numa_faults_on_request: true,
    follows_all_huge_entries: true,
    absent_pmds_migrate: false,
    forced_writes_require_exclusive: true,
    faults_can_complete: true,
    missing_page_is_an_error: true,
    pins_want_a_page: true,
    fault_in_checks_range: true,
    collects_unpinnable: true,
    grows_stacks: false,
    warns_below_stacks: true,
    lists_vmas: false,
    populates_accessible_only: true,
    follow_page_pins_nothing: true,
    faults_in_nothing_at_zero: false,
    has_follow_hugetlb_page: false,
    follow_page_never_waits: false,
    takes_hugetlb_at_once: true,
    follows_absent_puds: true,
    hugetlb_is_not_forced: true,
    memfd_folios_may_repeat: true,
    memfd_folios_are_rechecked: false,
    dumps_under_lock: false,
    old_tables_are_bad: false,
    has_flags_of_mm: false,
    has_foll_numa: false,
    notes_vmas: false,
    forces_writes_of_puds: false,
    longterm_refuses_tracked_files: true,
    shadow_stacks_are_readonly: true,
    migrates_by_folio: true,
    counts_pin_as_1024_refs: true,
    slabs_have_a_type: true,
    drains_for_a_folio: false,
    marks_the_folio: false,
    leaves_absent_pmds: false,
    zero_pages_are_special: true,
    warns_about_both_zero_pages: false,
    one_warn_for_get_and_pin: false,
    has_hugetlb_follow_page_mask: false,
    safe_writeable_hides_failures: false,
    drains_for_unexpected_refs: true,
    no_page_is_an_error: true,
    follow_page_warns_about_pins: false,
    faultin_takes_a_vma: false,
    lock_assertions_warn: true,
    devmap_ends_the_walk: true,
    hugetlb_is_not_split: true,
    unisolated_folios_stay_pinned: false,
    skips_entries_of_the_folio: true,
};

/// Linux 6.12.118.
pub const SLOW_6_12_118: SlowRules = SlowRules {
    memfd_folios_are_rechecked: true,
    ..SLOW_6_12
};

/// Linux 6.14.
pub const SLOW_6_14: SlowRules = SlowRules {
    safe_writeable_hides_failures: true,
    hugetlb_is_not_forced: false,
    hugetlb_is_not_split: false,
    unisolated_folios_stay_pinned: true,
    drains_for_unexpected_refs: false,
    marks_the_folio: true,
    skips_entries_of_the_folio: false,
    ..SLOW_6_12
};

/// Linux 7.3.
pub const SLOW_7_3: SlowRules = SlowRules {
    forces_writes_of_puds: true,
    drains_for_a_folio: true,
    faults_in_nothing_at_zero: true,
    hugetlb_is_not_forced: false,
    memfd_folios_may_repeat: false,
    dumps_under_lock: true,
    marks_the_folio: true,
    leaves_absent_pmds: true,
    warns_about_both_zero_pages: true,
    one_warn_for_get_and_pin: true,
    ..SLOW_6_12
};
