// SPDX-License-Identifier: GPL-2.0
//! How the slow path differs between kernels, as data.
//!
//! Each field says what changes and which upstream change brought it.  Some of the
//! [walk's rules](crate::walk::rules) are about both paths: how arguments are checked,
//! who takes the mmap lock, and what is a table.

use crate::rule::rules;

rules! {
    /// How one kernel's slow path goes.
    #[derive(Clone, Copy, Debug)]
    pub struct SlowRules (slow) {
        /// It is asserted that the mmap lock is held.  v6.3: "mm/gup: make locked never
        /// NULL in the internal GUP functions"; v6.4: "mm: introduce
        /// untagged_addr_remote()".
        pub asserts_mmap_lock: bool,
        /// All pages that a huge entry has of the range are taken and stored at once;
        /// before, one by one, each with a walk of its own, unless no page was wanted.
        /// v6.6: "mm/gup: accelerate thp gup even for "pages != NULL"".
        pub takes_huge_entries_whole: bool,
        /// PROT_NONE is followed, but where FOLL_HONOR_NUMA_FAULT asks for the fault that
        /// it may stand for; before, with FOLL_FORCE only.  v6.6: "mm/gup: reintroduce
        /// FOLL_NUMA as FOLL_HONOR_NUMA_FAULT".
        pub numa_faults_on_request: bool,
        /// Huge entries are followed at both levels, whatever is behind them, if they are
        /// present; before, a PUD was followed if it was of device memory, and bad if not.
        /// v6.10: "mm/gup: handle huge pud for
        /// follow_pud_mask()" and "mm/gup: handle huge pmd for follow_pmd_mask()".
        pub follows_all_huge_entries: bool,
        /// FOLL_FORCE may write through a PUD that is not writable, as it may through a PMD
        /// or a PTE.  After 6.12.
        pub forces_writes_of_puds: bool,
        /// A PMD that is neither empty nor present is a migration entry, or else a BUG
        /// (DEBUG_VM).  Between 5.10 and 6.1; gone before 6.12.
        pub absent_pmds_migrate: bool,
        /// A write through FOLL_FORCE to what is not writable needs an exclusive page;
        /// before, it needed the word of a fault that COW has been broken.  v6.0: "mm/gup:
        /// fix FOLL_FORCE COW security issue and remove FOLL_COW".
        pub forced_writes_want_exclusive: bool,
        /// A fault may be completed and have dropped the mmap lock.  v6.0: "mm: avoid
        /// unnecessary page fault retires on shared memory types".
        pub faults_can_complete: bool,
        /// Where an entry has no page and one is wanted, that is an error; before, its
        /// place in the list was left as it was.  v5.18: "mm/gup: follow_pfn_pte(): -EEXIST
        /// cleanup".
        pub pages_that_are_none_end_it: bool,
        /// Below a stack, the stack grows; and what was added is populated if it is
        /// locked.  Until v6.5, "gup: add warning if some caller would seem to want stack
        /// expansion", which went to 6.1.
        pub grows_stacks: bool,
        /// Pages are populated only where the VMA permits some access, and FOLL_FORCE is
        /// left out where they are written to; before, what permits nothing was populated
        /// without FOLL_FORCE.  Between 6.1 and 6.12.
        pub populates_accessible_only: bool,
        /// follow_page() finds nothing with FOLL_PIN, and what it calls for hugetlbfs wonders at
        /// it.  Between 5.10 and 6.1.
        pub follow_page_pins_nothing: bool,
        /// fault_in_readable() and its kin find nothing at address 0, and nothing in a range
        /// that wraps; before, such a range ended at 0.  v6.16: "mm/gup: clean up codes in
        /// fault_in_xxx() functions".
        pub faults_in_nothing_at_zero: bool,
        /// VMAs of hugetlbfs are followed by functions of their own, which are told neither of
        /// another mm nor not to fault; later like others, but they are not split.  Until
        /// v6.5, "mm/gup: retire follow_hugetlb_page()", and v6.10, "mm/gup: handle hugetlb
        /// in the generic follow_page_mask code".
        pub follows_hugetlb_apart: bool,
        /// There, all pages of a huge page that are wanted are stored and taken at once, by
        /// the lockless grab; before, one by one.  v5.12: "mm/hugetlb: grab head page
        /// refcount once for group of subpages".
        pub takes_hugetlb_at_once: bool,
        /// There, a PUD of hugetlbfs that is not present is known, and its page is taken
        /// under a lock; before, none was ever taken.  v6.0: "mm/hugetlb: make pud_huge() and
        /// follow_huge_pud() aware of non-present pud entry".
        pub follows_absent_puds: bool,
        /// FOLL_FORCE does not write to VMAs of hugetlbfs.  Between 5.10 and 6.1; between 6.12
        /// and 7.3 it came to.
        pub hugetlb_is_not_forced: bool,
        /// memfd_pin_folios() passes over entries of the folio that it pinned last.  After
        /// 6.12 it finds each folio once.
        pub memfd_folios_may_repeat: bool,
        /// memfd_pin_folios() looks at what it found again under its lock: whether it was
        /// truncated, and whether it was ever cleared.  6.12.118.
        pub memfd_folios_are_rechecked: bool,
        /// get_dump_page() is called with the mmap lock held.  After 6.12.
        pub dumps_under_lock: bool,
        /// A long-term pin notes the VMA of each page, and looks at them afterwards for
        /// fsdax; later, at each when it is found.  v5.18: "mm/gup: remove the vma
        /// allocation from gup_longterm_locked()".  With it, only CMA is moved, in a loop
        /// of its own (see longterm_shuns_movable).
        pub notes_vmas: bool,
        /// The entry of a table that is not marked as accessed is a bad one.  Until v6.1:
        /// "mm: x86: add CONFIG_ARCH_HAS_NONLEAF_PMD_YOUNG".
        pub old_tables_are_bad: bool,
        /// Flags that nobody outside of mm sets are the caller's as well: FOLL_COW,
        /// FOLL_NUMA, FOLL_MLOCK and FOLL_POPULATE.  FOLL_COW went in v6.0 (see
        /// forced_writes_want_exclusive), the last two in v5.18 ("mm/munlock: delete
        /// FOLL_MLOCK and FOLL_POPULATE"), FOLL_NUMA in v6.1 ("mm/gup: replace FOLL_NUMA
        /// by gup_can_follow_protnone()").
        pub has_flags_of_mm: bool,
        /// Long-term pins that write have no pages of files that want to know of each
        /// write.  v6.5: "mm/gup: disallow FOLL_LONGTERM GUP-nonfast writing to
        /// file-backed mappings".
        pub keeps_off_tracked_files: bool,
        /// What must not stay is looked for and unpinned by folios: what follows in the
        /// list and lies within a folio is passed over with it.  Before, it was unpinned by
        /// pages, and as long as the folio was the same it was passed over.  v6.11:
        /// "mm/gup: introduce check_and_migrate_movable_folios()".
        pub moves_by_folios: bool,
        /// When it is asked whether a small folio has references that nobody knows, its pin
        /// counts as all the references that it is.  6.1 counts it as one, and so always
        /// finds some: "mm/gup: check ref_count instead of lru before migration" of v6.17, as
        /// it went to 6.1.
        pub knows_a_pins_references: bool,
        /// A slab's page says so in its type, and that it has one is a WARN where its
        /// references are added up; before, it said so by a flag.  v6.10: "mm: free up
        /// PG_slab".
        pub slabs_have_a_type: bool,
        /// What drains the batches on the way to the LRU is told the folio, and decides by
        /// itself; before, all was decided here.  After 6.12.
        pub drains_for_a_folio: bool,
        /// The folio of a PTE's page, as it was found at first, is marked as accessed and
        /// dirty; before, whichever head the page had by then.  After 6.12.
        pub marks_the_folio: bool,
        /// pte_offset_map() leaves a PMD alone that is not present; before, it cleared it as
        /// a bad one, unless it was a migration entry.  After 6.12.
        pub leaves_absent_pmds: bool,
        /// vm_normal_page() wonders about the zero page in an entry that does not say that
        /// it is special (DEBUG_VM).  Between 6.1 and 6.12.
        pub zero_pages_are_special: bool,
        /// It wonders about the huge zero page as well.  v6.18: "mm/memory: factor out
        /// common code from vm_normal_page_*()".
        pub wonders_at_both_zero_pages: bool,
        /// It is wondered at in one place that FOLL_GET and FOLL_PIN come together
        /// (DEBUG_VM); before, at each entry.  After 6.12.
        pub wonders_once_about_get_and_pin: bool,
    }
}

/// Linux 5.10.
pub const SLOW_5_10: SlowRules = SlowRules {
    absent_pmds_migrate: false,
    forced_writes_want_exclusive: false,
    faults_can_complete: false,
    pages_that_are_none_end_it: false,
    grows_stacks: true,
    populates_accessible_only: false,
    follow_page_pins_nothing: false,
    dumps_under_lock: false,
    old_tables_are_bad: true,
    has_flags_of_mm: true,
    notes_vmas: true,
    takes_hugetlb_at_once: false,
    follows_absent_puds: false,
    hugetlb_is_not_forced: false,
    ..SLOW_6_1
};

/// Linux 6.1.
pub const SLOW_6_1: SlowRules = SlowRules {
    asserts_mmap_lock: false,
    takes_huge_entries_whole: false,
    numa_faults_on_request: false,
    follows_all_huge_entries: false,
    absent_pmds_migrate: true,
    forced_writes_want_exclusive: true,
    faults_can_complete: true,
    pages_that_are_none_end_it: true,
    grows_stacks: false,
    populates_accessible_only: false,
    follow_page_pins_nothing: true,
    faults_in_nothing_at_zero: false,
    follows_hugetlb_apart: true,
    takes_hugetlb_at_once: true,
    follows_absent_puds: true,
    hugetlb_is_not_forced: true,
    memfd_folios_may_repeat: false,
    memfd_folios_are_rechecked: false,
    dumps_under_lock: false,
    old_tables_are_bad: false,
    has_flags_of_mm: false,
    notes_vmas: false,
    forces_writes_of_puds: false,
    keeps_off_tracked_files: false,
    moves_by_folios: false,
    knows_a_pins_references: false,
    slabs_have_a_type: false,
    drains_for_a_folio: false,
    marks_the_folio: false,
    leaves_absent_pmds: false,
    zero_pages_are_special: false,
    wonders_at_both_zero_pages: false,
    wonders_once_about_get_and_pin: false,
};

/// Linux 6.12.
pub const SLOW_6_12: SlowRules = SlowRules {
    asserts_mmap_lock: true,
    takes_huge_entries_whole: true,
    numa_faults_on_request: true,
    follows_all_huge_entries: true,
    absent_pmds_migrate: false,
    forced_writes_want_exclusive: true,
    faults_can_complete: true,
    pages_that_are_none_end_it: true,
    grows_stacks: false,
    populates_accessible_only: true,
    follow_page_pins_nothing: true,
    faults_in_nothing_at_zero: false,
    follows_hugetlb_apart: false,
    takes_hugetlb_at_once: true,
    follows_absent_puds: true,
    hugetlb_is_not_forced: true,
    memfd_folios_may_repeat: true,
    memfd_folios_are_rechecked: false,
    dumps_under_lock: false,
    old_tables_are_bad: false,
    has_flags_of_mm: false,
    notes_vmas: false,
    forces_writes_of_puds: false,
    keeps_off_tracked_files: true,
    moves_by_folios: true,
    knows_a_pins_references: true,
    slabs_have_a_type: true,
    drains_for_a_folio: false,
    marks_the_folio: false,
    leaves_absent_pmds: false,
    zero_pages_are_special: true,
    wonders_at_both_zero_pages: false,
    wonders_once_about_get_and_pin: false,
};

/// Linux 6.12.118.
pub const SLOW_6_12_118: SlowRules = SlowRules {
    memfd_folios_are_rechecked: true,
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
    wonders_at_both_zero_pages: true,
    wonders_once_about_get_and_pin: true,
    ..SLOW_6_12
};
