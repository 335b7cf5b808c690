// SPDX-License-Identifier: GPL-2.0
//! How kernel revisions differ, as data.
//!
//! The doc comment of each field describes one difference in behaviour and names the upstream
//! commit, or the version of the FOLL_PIN series, that introduced it.  To add a kernel, add a
//! revision and its values here, and a field for each behaviour that no older kernel has.

mod series;

pub use series::{RULES_V8, RULES_V8_SIGNED, RULES_V9, RULES_V9_BIAS32, RULES_V10, RULES_V11};

use crate::config::Config;
use crate::foll::{FOLL_5_10, FOLL_6_1, FOLL_6_6, FOLL_6_12, FollFlag, FollTable};
use crate::page::PinScheme;
pub use crate::revision::Revision;
use crate::rule::rules;
use crate::series::{PinCheck, SERIES_V11, SeriesRules};
use crate::slow::rules::{
    SLOW_5_10, SLOW_5_15, SLOW_6_1, SLOW_6_5, SLOW_6_6, SLOW_6_12, SLOW_6_12_118, SLOW_6_14,
    SLOW_7_3, SlowRules,
};
use crate::walk::rules::{
    WALK_5_10, WALK_5_15, WALK_6_1, WALK_6_5, WALK_6_6, WALK_6_12, WALK_6_12_118, WALK_7_3,
    WalkRules,
};

rules! {
    /// One revision in one configuration.
    #[derive(Clone, Copy, Debug)]
    pub struct Rules () {
        fixed {
            /// Which kernel.
            pub revision: Revision,
            /// The first point release with these rules (118: 6.12.118); 0: all releases
            /// before that.
            pub point: u16,
            /// `CONFIG_DEBUG_VM`: VM_BUG_ON, VM_WARN_ON and the check of pinned pages.
            pub debug_vm: bool,
            /// The other options that matter.
            pub config: Config,
            /// Rules of the lockless walk; the series has none.
            pub walk: WalkRules,
            /// Rules of the slow path; the series has none.
            pub slow: SlowRules,
            /// Differences between the versions of the series.  Kernels have the
            /// values of its last version.
            pub series: SeriesRules,
        }
        /// The bit numbers of the FOLL_ flags. Since v6.3 ("mm/gup: move private gup FOLL_
        /// flags to internal.h") they are renumbered.
        pub foll: &'static FollTable,
        /// The slow path's grab takes a folio, honours refs and returns an errno. Before v6.10
        /// ("mm: gup: stop abusing try_grab_folio") it took a page and one reference, and before
        /// v6.2 it returned a bool.
        pub slow_grab_takes_refs: bool,
        /// The slow path's grab of a page, and the functions that follow huge device entries,
        /// warn if both FOLL_GET and FOLL_PIN are set. Until a version between 6.1 and 6.3.
        pub grabs_warn_about_both: bool,
        /// The slow path's grab checks the count whatever the flags are, and pins a large folio
        /// by raising its refcount before its pin count. Before v5.18 ("mm/gup: Convert
        /// try_grab_page() to use a folio") it checked only if it was to take something, and
        /// raised the pin count first.
        pub slow_grab_looks_first: bool,
        /// The lockless grab warns if interrupts are on (DEBUG_VM). Since v6.10: "mm: gup: stop
        /// abusing try_grab_folio".
        pub fast_grab_wants_irqs_off: bool,
        /// Grabs refuse PCI peer-to-peer pages without FOLL_PCI_P2PDMA. Since v6.2: "mm:
        /// introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages".
        pub grabs_check_p2pdma: bool,
        /// The lockless grab checks FOLL_LONGTERM after it took its references, on the folio,
        /// and drops them if the check fails. Before v6.6 ("mm/gup.c: reorganize
        /// try_get_folio()") it checked first, on the page.
        pub longterm_checked_after_get: bool,
        /// Long-term pins refuse pages of ZONE_MOVABLE and others, not only CMA. Since v5.13:
        /// "mm/gup: migrate pinned pages out of movable zone".
        pub longterm_refuses_movable: bool,
        /// Long-term pins refuse pages of isolated pageblocks, and in CMA the zero page, too. Since
        /// v5.19: "mm: fix is_pinnable_page against a cma page".
        pub longterm_refuses_isolated: bool,
        /// Long-term pins refuse DEVICE_COHERENT memory, and migrate it. Since v6.0: "mm: add zone
        /// device coherent type memory support", "mm/gup: migrate device coherent pages when
        /// pinning instead of failing".
        pub longterm_refuses_coherent: bool,
        /// The zero page is never pinned. Since v6.5, also in 6.1: "mm: Don't pin ZERO_PAGE in
        /// pin_user_pages()".
        pub zero_page_is_not_pinned: bool,
        /// Anonymous pages are either exclusive or shared. A read-only pin unshares, and pinned
        /// pages are checked to be exclusive (DEBUG_VM). Since v5.19: "mm/gup: trigger
        /// FAULT_FLAG_UNSHARE when R/O-pinning a possibly shared anonymous page", "mm/gup:
        /// sanity-check with CONFIG_DEBUG_VM that anonymous pages are exclusive when
        /// (un)pinning".
        pub knows_exclusive: bool,
        /// Consecutive list entries of one folio are unpinned together. Before v5.13 ("mm/gup:
        /// decrement head page once for group of subpages") each page was unpinned separately.
        pub unpins_in_runs: bool,
        /// A read-only long-term pin of a file page in a COW mapping unshares, too. Since v6.2:
        /// "mm/gup: reliable R/O long-term pinning in COW mappings".
        pub unshares_file_pages: bool,
        /// unpin_user_pages() and the check of pinned pages skip NULL entries. Since v6.12:
        /// "mm/gup: handle NULL pages in unpin_user_pages()".
        pub lists_may_hold_null: bool,
        /// Add-unless reads the count first, and does not write to a count that it must not
        /// change. From v6.11 ("mm/hugetlb_vmemmap: fix race with speculative PFN walkers") to
        /// before 7.2; in other kernels it is one atomic operation. (The shared part of a
        /// hugetlb memory map was read-only then.)
        pub add_unless_reads_first: bool,
        /// If hugetlb pages can share part of the memory map, a tail page stores the distance
        /// to the start of a folio of its order. Before, it stored the address of its head.
        /// Since a version between 6.18 and 7.2.
        pub tails_hold_masks: bool,
        /// get_page() and put_page() do not change the refcount of a slab page. Since v6.14:
        /// "mm: decline to manipulate the refcount on a slab page".
        pub slab_pages_have_no_count: bool,
        /// Pinning an anonymous page that is not exclusive, or following a PTE without a valid
        /// page, is a WARN. Before v6.17 ("mm/gup: remove (VM_)BUG_ONs") it was a BUG
        /// (DEBUG_VM).
        pub bugs_are_warnings: bool,
        /// secretmem is detected by the mapping only. Before v6.10 ("mm: merge
        /// folio_is_secretmem() and folio_fast_pin_allowed() into gup_fast_folio_allowed()") a
        /// compound page was never secretmem.
        pub secretmem_by_mapping: bool,
        /// Whether a page is secretmem is looked up in its folio. Until v6.5, in the page: a
        /// tail never was.
        pub secretmem_by_folio: bool,
        /// A page that is not on the LRU is not taken for secretmem, although secretmem may still
        /// be in an LRU batch. Until v6.9 ("mm/secretmem: fix GUP-fast succeeding on secretmem
        /// folios"), which went to 6.1 and to later releases of 6.6.
        pub secretmem_is_on_lru: bool,
        /// PageAnonExclusive() of a hugetlb tail page checks the head. Before v6.10 ("mm: allow
        /// anon exclusive check over hugetlb tail pages") callers had to look up the head, and
        /// some did not.
        pub exclusive_looks_up_hugetlb: bool,
        /// How pins are counted. v5.7, "mm/gup: page->hpage_pinned_refcount: exact pin counts
        /// for huge pages": large folios except those of two pages have a pin count; v5.18,
        /// "mm: Make compound_pincount always available": all large folios have one.
        pub pins: PinScheme,
        /// The two pin counters change with CONFIG_DEBUG_VM only. In the FOLL_PIN series as
        /// posted, and in no kernel.
        pub counters_want_debug_vm: bool,
        /// get_page() and try_get_compound_head() contain the BUG and the WARN. Later these are
        /// in folio_get() (v5.16, "mm: Add folio_get()") and try_get_folio() (v5.18).
        pub gets_compound_heads: bool,
        /// After it took a reference, the lockless get checks that the page still has the same
        /// head. Since v5.14: "mm/gup: fix try_grab_compound_head() race with
        /// split_huge_page()".
        pub get_rechecks_head: bool,
        /// If the head changed, the lockless get retries. Before v5.18 ("mm/gup: Handle page
        /// split race more efficiently") it failed.
        pub get_retries: bool,
        /// Several references are dropped with put_page_refs(), which warns (DEBUG_VM) and does
        /// nothing if the page has fewer. From v5.14 ("mm/gup: fix try_grab_compound_head()
        /// race with split_huge_page()") until gup_put_folio() of v5.18.
        pub puts_with_a_check: bool,
        /// Functions check that a page is a head (DEBUG_VM). Until the conversion to folios in
        /// v5.16 to v5.18, which makes this part of the type.
        pub heads_are_checked: bool,
        /// DEVICE_PRIVATE pages are free at refcount 1, too, and a devmap-managed page is
        /// returned to its driver when one reference is left. Until v5.18: "mm: remove the
        /// extra ZONE_DEVICE struct page refcount"; later only fsdax waits for that.
        pub devmap_put_frees: bool,
        /// fsdax pages are refcounted like other pages: nothing waits for one reference to be
        /// left. Since v6.15: "fs/dax: properly refcount fs dax pages".
        pub devmap_counts_like_others: bool,
        /// The folio says that it is fsdax and cannot be pinned long-term. Before v6.15
        /// ("mm/gup: don't allow FOLL_LONGTERM pinning of FS DAX pages") its page-table entries
        /// said so.
        pub fsdax_is_not_longterm: bool,
        /// The folio points to the pagemap of device memory. Before v6.15 ("mm: allow compound
        /// zone device pages") every page that is not a tail did.
        pub pagemap_of_folio: bool,
        /// In a tail, the compound link is in place of the pointer to the pagemap. Dereferenced
        /// anyway, it gives bits 8 to 39 of the folio's pin count as the type: 1280 pins make a
        /// PCI peer-to-peer page. In a version before 6.6 until one between 6.8 and 6.12, on
        /// x86-64; in others it gives zeros.
        pub tail_type_is_in_pincount: bool,
        /// Fork asks about the folio of a page, with folio_needs_cow_for_dma(). Before a version
        /// between 6.6 and 6.8, page_needs_cow_for_dma() took the page.
        pub fork_asks_folio: bool,
        /// What asks whether fork must copy a page is a BUG (DEBUG_VM) if no fork is under way.
        /// Since v5.19: "mm/hugetlb: take src_mm->write_protect_seq in
        /// copy_hugetlb_page_range()".
        pub fork_is_under_way: bool,
        /// A folio with movable_ops is marked in its mapping field. Since v6.17 ("mm: remove
        /// PAGE_MAPPING_*") in its page type.
        pub mapping_says_movable: bool,
    }
}

/// Linux 5.10, CONFIG_DEBUG_VM.
pub const RULES_5_10: Rules = Rules {
    revision: Revision::V5_10,
    config: Config {
        // memfd_secret() is of v5.14
        secretmem: false,
        ..Config::FULL
    },
    foll: &FOLL_5_10,
    slow_grab_looks_first: false,
    longterm_refuses_movable: false,
    longterm_refuses_isolated: false,
    longterm_refuses_coherent: false,
    zero_page_is_not_pinned: false,
    knows_exclusive: false,
    unpins_in_runs: false,
    pins: PinScheme::ExactButPairs,
    gets_compound_heads: true,
    get_retries: false,
    puts_with_a_check: true,
    heads_are_checked: true,
    devmap_put_frees: true,
    fork_is_under_way: false,
    walk: WALK_5_10,
    slow: SLOW_5_10,
    ..RULES_6_1
};

/// Linux 5.15, CONFIG_DEBUG_VM.
pub const RULES_5_15: Rules = Rules {
    revision: Revision::V5_15,
    config: Config::FULL,
    foll: &FOLL_6_1,
    longterm_refuses_movable: true,
    unpins_in_runs: true,
    secretmem_is_on_lru: true,
    walk: WALK_5_15,
    slow: SLOW_5_15,
    ..RULES_5_10
};

/// Linux 6.1, CONFIG_DEBUG_VM.
pub const RULES_6_1: Rules = Rules {
    revision: Revision::V6_1,
    point: 0,
    debug_vm: true,
    config: Config::FULL,
    foll: &FOLL_6_1,
    slow_grab_takes_refs: false,
    grabs_warn_about_both: true,
    slow_grab_looks_first: true,
    fast_grab_wants_irqs_off: false,
    grabs_check_p2pdma: false,
    longterm_checked_after_get: false,
    longterm_refuses_movable: true,
    longterm_refuses_isolated: true,
    longterm_refuses_coherent: true,
    zero_page_is_not_pinned: true,
    knows_exclusive: true,
    unpins_in_runs: true,
    unshares_file_pages: false,
    lists_may_hold_null: false,
    add_unless_reads_first: false,
    tails_hold_masks: false,
    slab_pages_have_no_count: false,
    bugs_are_warnings: false,
    secretmem_by_mapping: false,
    secretmem_by_folio: false,
    secretmem_is_on_lru: false,
    exclusive_looks_up_hugetlb: false,
    pins: PinScheme::Exact,
    counters_want_debug_vm: false,
    gets_compound_heads: false,
    get_rechecks_head: true,
    get_retries: true,
    puts_with_a_check: false,
    heads_are_checked: false,
    devmap_put_frees: false,
    devmap_counts_like_others: false,
    fsdax_is_not_longterm: false,
    pagemap_of_folio: false,
    mapping_says_movable: true,
    tail_type_is_in_pincount: false,
    fork_asks_folio: false,
    fork_is_under_way: true,
    walk: WALK_6_1,
    slow: SLOW_6_1,
    series: SERIES_V11,
};

/// Linux 6.5, CONFIG_DEBUG_VM.
pub const RULES_6_5: Rules = Rules {
    revision: Revision::V6_5,
    secretmem_by_folio: false,
    tail_type_is_in_pincount: false,
    walk: WALK_6_5,
    slow: SLOW_6_5,
    ..RULES_6_6
};

/// Linux 6.6, CONFIG_DEBUG_VM.
pub const RULES_6_6: Rules = Rules {
    revision: Revision::V6_6,
    foll: &FOLL_6_6,
    grabs_warn_about_both: false,
    grabs_check_p2pdma: true,
    longterm_checked_after_get: true,
    unshares_file_pages: true,
    secretmem_by_folio: true,
    secretmem_is_on_lru: true,
    tail_type_is_in_pincount: true,
    walk: WALK_6_6,
    slow: SLOW_6_6,
    ..RULES_6_1
};

/// Linux 6.12, CONFIG_DEBUG_VM.
pub const RULES_6_12: Rules = Rules {
    revision: Revision::V6_12,
    point: 0,
    debug_vm: true,
    config: Config::FULL,
    foll: &FOLL_6_12,
    slow_grab_takes_refs: true,
    grabs_warn_about_both: false,
    slow_grab_looks_first: true,
    fast_grab_wants_irqs_off: true,
    grabs_check_p2pdma: true,
    longterm_checked_after_get: true,
    longterm_refuses_movable: true,
    longterm_refuses_isolated: true,
    longterm_refuses_coherent: true,
    zero_page_is_not_pinned: true,
    knows_exclusive: true,
    unpins_in_runs: true,
    unshares_file_pages: true,
    lists_may_hold_null: true,
    add_unless_reads_first: true,
    tails_hold_masks: false,
    slab_pages_have_no_count: false,
    bugs_are_warnings: false,
    secretmem_by_mapping: true,
    secretmem_by_folio: true,
    secretmem_is_on_lru: false,
    exclusive_looks_up_hugetlb: true,
    pins: PinScheme::Exact,
    counters_want_debug_vm: false,
    gets_compound_heads: false,
    get_rechecks_head: true,
    get_retries: true,
    puts_with_a_check: false,
    heads_are_checked: false,
    devmap_put_frees: false,
    devmap_counts_like_others: false,
    fsdax_is_not_longterm: false,
    pagemap_of_folio: false,
    mapping_says_movable: true,
    tail_type_is_in_pincount: false,
    fork_asks_folio: true,
    fork_is_under_way: true,
    walk: WALK_6_12,
    slow: SLOW_6_12,
    series: SERIES_V11,
};

/// Linux 6.12 from 6.12.118 on, CONFIG_DEBUG_VM.
pub const RULES_6_12_118: Rules = Rules {
    point: 118,
    walk: WALK_6_12_118,
    slow: SLOW_6_12_118,
    ..RULES_6_12
};

/// Linux 6.14, CONFIG_DEBUG_VM.
pub const RULES_6_14: Rules = Rules {
    revision: Revision::V6_14,
    slab_pages_have_no_count: true,
    slow: SLOW_6_14,
    ..RULES_6_12
};

/// Linux 7.3, CONFIG_DEBUG_VM.
pub const RULES_7_3: Rules = Rules {
    revision: Revision::V7_3,
    add_unless_reads_first: false,
    tails_hold_masks: true,
    slab_pages_have_no_count: true,
    bugs_are_warnings: true,
    devmap_counts_like_others: true,
    fsdax_is_not_longterm: true,
    pagemap_of_folio: true,
    mapping_says_movable: false,
    walk: WALK_7_3,
    slow: SLOW_7_3,
    ..RULES_6_12
};

/// Declares [`Rules::KERNELS`]: each of them with CONFIG_DEBUG_VM, then without.
macro_rules! kernels {
    ($($rules:ident,)*) => {
        /// Every kernel in every configuration.
        pub const KERNELS: [Rules; 2 * [$(stringify!($rules)),*].len()] =
            [$($rules, $rules.with_debug_vm(false)),*];
    };
}

impl Rules {
    kernels! {
        RULES_5_10,
        RULES_5_15,
        RULES_6_1,
        RULES_6_5,
        RULES_6_6,
        RULES_6_12,
        RULES_6_12_118,
        RULES_6_14,
        RULES_7_3,
    }

    /// Every version of the FOLL_PIN series in every configuration, then the variants.
    pub const SERIES: [Rules; 10] = [
        RULES_V8,
        RULES_V8.with_debug_vm(false),
        RULES_V9,
        RULES_V9.with_debug_vm(false),
        RULES_V10,
        RULES_V10.with_debug_vm(false),
        RULES_V11,
        RULES_V11.with_debug_vm(false),
        RULES_V9_BIAS32,
        RULES_V8_SIGNED,
    ];

    /// Kernels and series.
    pub const ALL: [Rules; Rules::KERNELS.len() + Rules::SERIES.len()] = {
        let mut all = [RULES_6_1; Rules::KERNELS.len() + Rules::SERIES.len()];
        let (mut i, kernels) = (0, Rules::KERNELS.len());
        while i < all.len() {
            all[i] = if i < kernels {
                Rules::KERNELS[i]
            } else {
                Rules::SERIES[i - kernels]
            };
            i += 1;
        }
        all
    };

    /// The same revision with CONFIG_DEBUG_VM on or off.
    pub const fn with_debug_vm(self, debug_vm: bool) -> Rules {
        Rules { debug_vm, ..self }
    }

    /// Is it a version of the FOLL_PIN series?  Its functions are those of 5.5 and take
    /// pages one by one.
    #[inline]
    pub const fn is_series(&self) -> bool {
        self.revision.is_series()
    }

    /// `6.1`, `6.1-nodebug`, `v8`, ...: what [`Rules::by_name`] understands.
    pub const fn name(&self) -> &'static str {
        match (self.revision, self.debug_vm) {
            (Revision::V8, true) if matches!(self.pins, PinScheme::SignedReferences) => "v8-signed",
            (Revision::V9, true) if matches!(self.series.pin_check, PinCheck::Bias32) => {
                "v9-bias32"
            }
            (Revision::V6_12, true) if self.point == 118 => "6.12.118",
            (Revision::V6_12, false) if self.point == 118 => "6.12.118-nodebug",
            (revision, true) => revision.name(),
            (revision, false) => revision.name_without_debug_vm(),
        }
    }

    /// The rules of a point release (118: 6.12.118) of the same revision in the same
    /// configuration: the newest known ones that are not newer than it.
    pub fn at_point(self, point: u16) -> Rules {
        let same = Rules::KERNELS
            .into_iter()
            .filter(|rules| (rules.revision, rules.debug_vm) == (self.revision, self.debug_vm));
        let newest = same.rev().find(|rules| rules.point <= point);
        newest.map_or(self, |rules| Rules {
            config: self.config,
            ..rules
        })
    }

    /// Finds rules by their name.
    pub fn by_name(name: &str) -> Option<Rules> {
        Rules::ALL.into_iter().find(|rules| rules.name() == name)
    }

    /// The raw bit of a flag; 0 if this revision has no such flag.
    #[inline]
    pub fn foll_bit(&self, flag: FollFlag) -> u32 {
        self.foll[flag as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_rules() {
        for rules in Rules::ALL {
            let found = Rules::by_name(rules.name()).unwrap();
            assert_eq!(found.revision, rules.revision);
            assert_eq!(found.debug_vm, rules.debug_vm);
            assert_eq!(found.point, rules.point);
            assert_eq!(found.pins, rules.pins);
            assert_eq!(found.series, rules.series);
        }
        assert!(Rules::by_name("6.2").is_none());
        assert!(Rules::by_name("v7").is_none());
    }

    #[test]
    fn a_point_release_has_the_newest_rules_that_are_not_newer() {
        let name = |rules: Rules, point| rules.at_point(point).name();
        assert_eq!(name(RULES_6_12, 117), "6.12");
        assert_eq!(name(RULES_6_12, 118), "6.12.118");
        assert_eq!(
            name(RULES_6_12.with_debug_vm(false), 200),
            "6.12.118-nodebug"
        );
        assert_eq!(name(RULES_7_3, 4), "7.3");
    }

    #[test]
    fn every_revision_has_rules_in_both_configurations() {
        for revision in Revision::ALL {
            for debug_vm in [true, false] {
                let has = |r: &Rules| (r.revision, r.debug_vm, r.point) == (*revision, debug_vm, 0);
                let name = revision.name();
                assert!(
                    Rules::ALL.iter().any(has),
                    "{name}, debug_vm={debug_vm}: no rules"
                );
            }
        }
    }

    /// Otherwise the name of one would find the other.
    #[test]
    fn no_two_rules_have_the_same_name() {
        let mut names = Rules::ALL.map(|rules| rules.name());
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn rules_are_of_the_series_or_of_a_kernel() {
        assert!(Rules::SERIES.iter().all(Rules::is_series));
        assert!(!Rules::KERNELS.iter().any(Rules::is_series));
        for rules in Rules::ALL {
            assert!(rules.name().starts_with(rules.revision.name()));
        }
    }
}
