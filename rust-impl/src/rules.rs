// SPDX-License-Identifier: GPL-2.0
//! How kernel revisions differ, as data.
//!
//! Each field says what changes and which upstream change brought it, or which
//! version of the FOLL_PIN series and for which finding of its review.  Adding
//! a kernel means adding a revision, its values here, and at most a field for
//! what no older kernel did.

use crate::config::Config;
use crate::foll::{FOLL_5_5, FOLL_5_10, FOLL_6_1, FOLL_6_12, FollFlag, FollTable};
use crate::page::PinScheme;
pub use crate::revision::Revision;
use crate::rule::rules;
use crate::series::{PinCheck, SERIES_V8, SERIES_V9, SERIES_V10, SERIES_V11, SeriesRules};
use crate::slow::rules::{SLOW_5_10, SLOW_6_1, SLOW_6_12, SLOW_6_12_118, SLOW_7_3, SlowRules};
use crate::walk::rules::{WALK_5_10, WALK_6_1, WALK_6_12, WALK_6_12_118, WALK_7_3, WalkRules};

rules! {
    /// One revision in one configuration.
    #[derive(Clone, Copy, Debug)]
    pub struct Rules () {
        fixed {
            /// Which kernel.
            pub revision: Revision,
            /// From which of its point releases on (118: 6.12.118); 0 for all that are
            /// not otherwise.
            pub point: u16,
            /// `CONFIG_DEBUG_VM`: VM_BUG_ON, VM_WARN_ON and the check of pinned pages.
            pub debug_vm: bool,
            /// Other options.
            pub config: Config,
            /// How the lockless walk goes; the series has none.
            pub walk: WalkRules,
            /// How the slow path goes; the series has none.
            pub slow: SlowRules,
            /// What the versions of the series did differently from each other.
            /// Kernels have what the series came to.
            pub series: SeriesRules,
        }
        /// Raw FOLL_ bits by canonical number.  Renumbered in v6.3: "mm/gup: move
        /// private gup FOLL_ flags to internal.h".
        pub foll: &'static FollTable,
        /// The slow grab takes a folio and honours refs, and gives an errno; before
        /// it took a page, one reference, gave a bool and warned about GET and PIN
        /// together.  v6.10: "mm: gup: stop abusing try_grab_folio".
        pub slow_grab_takes_refs: bool,
        /// The slow grab looks at the count before anything else, and adds a large
        /// folio's pin to its reference count first; before, it looked only where it
        /// took something, and the pin count was first.  v5.18: "mm/gup: Convert
        /// try_grab_page() to use a folio".
        pub slow_grab_looks_first: bool,
        /// The lockless grab insists on interrupts being off (DEBUG_VM).  v6.10:
        /// "mm: gup: stop abusing try_grab_folio".
        pub fast_grab_wants_irqs_off: bool,
        /// Grabs refuse PCI peer-to-peer pages without FOLL_PCI_P2PDMA.  v6.2: "mm:
        /// introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages".
        pub grabs_check_p2pdma: bool,
        /// The lockless grab looks at FOLL_LONGTERM after taking its references, on
        /// the folio, and gives them back; before it looked first, at the page.
        /// v6.6: "mm/gup.c: reorganize try_get_folio()".
        pub longterm_checked_after_get: bool,
        /// What is not long-term pinnable is more than CMA.  v5.13: "mm/gup: migrate
        /// pinned pages out of movable zone".
        pub longterm_shuns_movable: bool,
        /// The zero page is never pinned.  v6.5: "mm: Don't pin ZERO_PAGE in
        /// pin_user_pages()", which went to 6.1.
        pub zero_page_is_not_pinned: bool,
        /// Anonymous pages are exclusive or shared: a read-only pin unshares, and it
        /// is checked that what is pinned is exclusive (DEBUG_VM).  v5.19: "mm/gup:
        /// trigger FAULT_FLAG_UNSHARE when R/O-pinning a possibly shared anonymous
        /// page", "mm/gup: sanity-check with CONFIG_DEBUG_VM that anonymous pages are
        /// exclusive when (un)pinning".
        pub knows_exclusive: bool,
        /// Lists are unpinned in runs of neighbours of one folio; before, page by
        /// page.  v5.13: "mm/gup: decrement head page once for group of subpages".
        pub unpins_in_runs: bool,
        /// A read-only long-term pin of a file page in a COW mapping unshares too.
        /// v6.2: "mm/gup: reliable R/O long-term pinning in COW mappings".
        pub unshares_file_pages: bool,
        /// unpin_user_pages() and the check of pinned pages skip NULL entries.
        /// v6.12: "mm/gup: handle NULL pages in unpin_user_pages()".
        pub lists_may_hold_null: bool,
        /// Add-unless reads the count first and leaves a count alone that it must
        /// not change; before, and again in 7.2, it is one atomic operation.  v6.11:
        /// "mm/hugetlb_vmemmap: fix race with speculative PFN walkers"; the shared
        /// part of the memory map is read-only no more once tails hold masks.
        pub add_unless_reads_first: bool,
        /// Where hugetlb pages can share a part of the memory map, a tail says how far
        /// it is to where a folio of its order begins, instead of where the head is.
        /// Somewhere between 6.18 and 7.2.
        pub tails_hold_masks: bool,
        /// get_page() and put_page() leave the count of a slab page alone.  v6.15:
        /// "mm: decline to manipulate the refcount on a slab page".
        pub slab_pages_have_no_count: bool,
        /// What pins must not meet, an anonymous page that is not exclusive or a PTE of
        /// no memory, is a WARN; before, a BUG (DEBUG_VM).  v6.17: "mm/gup: remove
        /// (VM_)BUG_ONs".
        pub bugs_are_warnings: bool,
        /// secretmem is told by the mapping alone; before, a compound page never
        /// was.  v6.10: "mm: merge folio_is_secretmem() and
        /// folio_fast_pin_allowed() into gup_fast_folio_allowed()".
        pub secretmem_by_mapping: bool,
        /// PageAnonExclusive() of a hugetlb tail looks at the head; before, that
        /// was left to callers, and not all did.  v6.10: "mm: allow anon exclusive
        /// check over hugetlb tail pages".
        pub exclusive_looks_up_hugetlb: bool,
        /// How a page shows that it is pinned.  v5.7: "mm/gup: page->hpage_pinned_refcount:
        /// exact pin counts for huge pages"; v5.18: "mm: Make compound_pincount always
        /// available".
        pub pins: PinScheme,
        /// The two pin counters move with CONFIG_DEBUG_VM only.  Not so in any
        /// kernel, but in the series as posted.
        pub counters_want_debug_vm: bool,
        /// get_page() and try_get_compound_head() are the functions, and hold the
        /// BUG and the WARN; later they are folio_get() (v5.16, "mm: Add
        /// folio_get()") and try_get_folio() (v5.18).
        pub gets_compound_heads: bool,
        /// The lockless way to a reference looks the head up again afterwards.
        /// v5.14: "mm/gup: fix try_grab_compound_head() race with
        /// split_huge_page()".
        pub get_rechecks_head: bool,
        /// It tries again then; before, it failed.  v5.18: "mm/gup: Handle page split
        /// race more efficiently".
        pub get_retries: bool,
        /// Several references are given back by put_page_refs(), which (DEBUG_VM)
        /// warns about more than there are and leaves them.  v5.14: "mm/gup: fix
        /// try_grab_compound_head() race with split_huge_page()"; v5.18 has
        /// gup_put_folio().
        pub puts_with_a_check: bool,
        /// What is to be a head is looked at whether it is one (DEBUG_VM).  v5.16 to
        /// v5.18 make folios of them, whose type says it.
        pub heads_are_checked: bool,
        /// DEVICE_PRIVATE pages count from one as well, and a devmap-managed page
        /// goes back to its driver when one reference is left; later only fsdax
        /// waits for that.  v5.18: "mm: remove the extra ZONE_DEVICE struct page
        /// refcount".
        pub devmap_put_frees: bool,
        /// Pages of fsdax are given back like others, and nobody waits for one
        /// reference to be left.  v6.15: "fs/dax: properly refcount fs dax pages".
        pub devmap_counts_like_others: bool,
        /// fsdax has no long-term pins, and the folio says so; before, its entries in
        /// the page tables did.  v6.15: "mm/gup: don't allow FOLL_LONGTERM pinning of
        /// FS DAX pages".
        pub fsdax_is_not_longterm: bool,
        /// The pagemap of device memory belongs to the folio; before, each page that
        /// was no tail had it.  v6.15: "mm: allow compound zone device pages".
        pub pagemap_of_folio: bool,
        /// A folio with movable_ops says so in its mapping; later in its type.  v6.17:
        /// "mm: remove PAGE_MAPPING_*".
        pub mapping_says_movable: bool,
    }
}

/// What v8 to v11 of the FOLL_PIN series have in common, and v11's own.
const RULES_SERIES: Rules = Rules {
    revision: Revision::V11,
    point: 0,
    debug_vm: true,
    config: Config::FULL,
    foll: &FOLL_5_5,
    slow_grab_takes_refs: false,
    slow_grab_looks_first: false,
    fast_grab_wants_irqs_off: false,
    grabs_check_p2pdma: false,
    longterm_checked_after_get: false,
    longterm_shuns_movable: false,
    zero_page_is_not_pinned: false,
    knows_exclusive: false,
    unpins_in_runs: false,
    unshares_file_pages: false,
    lists_may_hold_null: false,
    add_unless_reads_first: false,
    tails_hold_masks: false,
    slab_pages_have_no_count: false,
    bugs_are_warnings: false,
    secretmem_by_mapping: false,
    exclusive_looks_up_hugetlb: false,
    pins: PinScheme::References,
    counters_want_debug_vm: true,
    gets_compound_heads: true,
    get_rechecks_head: false,
    get_retries: false,
    puts_with_a_check: false,
    heads_are_checked: false,
    devmap_put_frees: true,
    devmap_counts_like_others: false,
    fsdax_is_not_longterm: false,
    pagemap_of_folio: false,
    mapping_says_movable: true,
    walk: WALK_6_1,
    slow: SLOW_6_1,
    series: SERIES_V11,
};

/// The FOLL_PIN series, version 8, CONFIG_DEBUG_VM.
pub const RULES_V8: Rules = Rules {
    revision: Revision::V8,
    series: SERIES_V8,
    ..RULES_SERIES
};

/// Version 8 as it would be if page_dma_pinned() compared signed numbers,
/// which the review of v10 was worried about.  As posted it does not: the bias
/// is unsigned, and makes the comparison so.
pub const RULES_V8_SIGNED: Rules = Rules {
    pins: PinScheme::SignedReferences,
    ..RULES_V8
};

/// The FOLL_PIN series, version 9, CONFIG_DEBUG_VM.
pub const RULES_V9: Rules = Rules {
    revision: Revision::V9,
    series: SERIES_V9,
    ..RULES_SERIES
};

/// Version 9 as it would be with a bias of 32 bits, where the check for an
/// overflow does what its name says.
pub const RULES_V9_BIAS32: Rules = Rules {
    series: SeriesRules {
        pin_check: PinCheck::Bias32,
        ..SERIES_V9
    },
    ..RULES_V9
};

/// The FOLL_PIN series, version 10, CONFIG_DEBUG_VM.
pub const RULES_V10: Rules = Rules {
    revision: Revision::V10,
    series: SERIES_V10,
    ..RULES_SERIES
};

/// The FOLL_PIN series, version 11, CONFIG_DEBUG_VM.
pub const RULES_V11: Rules = RULES_SERIES;

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
    longterm_shuns_movable: false,
    zero_page_is_not_pinned: false,
    knows_exclusive: false,
    unpins_in_runs: false,
    pins: PinScheme::ExactButPairs,
    gets_compound_heads: true,
    get_retries: false,
    puts_with_a_check: true,
    heads_are_checked: true,
    devmap_put_frees: true,
    walk: WALK_5_10,
    slow: SLOW_5_10,
    ..RULES_6_1
};

/// Linux 6.1, CONFIG_DEBUG_VM.
pub const RULES_6_1: Rules = Rules {
    revision: Revision::V6_1,
    point: 0,
    debug_vm: true,
    config: Config::FULL,
    foll: &FOLL_6_1,
    slow_grab_takes_refs: false,
    slow_grab_looks_first: true,
    fast_grab_wants_irqs_off: false,
    grabs_check_p2pdma: false,
    longterm_checked_after_get: false,
    longterm_shuns_movable: true,
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
    walk: WALK_6_1,
    slow: SLOW_6_1,
    series: SERIES_V11,
};

/// Linux 6.12, CONFIG_DEBUG_VM.
pub const RULES_6_12: Rules = Rules {
    revision: Revision::V6_12,
    point: 0,
    debug_vm: true,
    config: Config::FULL,
    foll: &FOLL_6_12,
    slow_grab_takes_refs: true,
    slow_grab_looks_first: true,
    fast_grab_wants_irqs_off: true,
    grabs_check_p2pdma: true,
    longterm_checked_after_get: true,
    longterm_shuns_movable: true,
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

impl Rules {
    /// Every kernel in every configuration.
    pub const KERNELS: [Rules; 10] = [
        RULES_5_10,
        RULES_5_10.with_debug_vm(false),
        RULES_6_1,
        RULES_6_1.with_debug_vm(false),
        RULES_6_12,
        RULES_6_12.with_debug_vm(false),
        RULES_6_12_118,
        RULES_6_12_118.with_debug_vm(false),
        RULES_7_3,
        RULES_7_3.with_debug_vm(false),
    ];

    /// Every version of the FOLL_PIN series in every configuration, then the
    /// variants.
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

    /// All of both.
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

    /// A version of the FOLL_PIN series, no kernel: functions are those of 5.5
    /// and take pages one by one.
    #[inline]
    pub const fn is_series(&self) -> bool {
        self.revision.is_series()
    }

    /// `6.1`, `6.1-nodebug`, `v8`, ...: what [`Rules::by_name`] understands.
    pub const fn name(&self) -> &'static str {
        match (self.revision, self.debug_vm) {
            (Revision::V8, true) => match self.pins {
                PinScheme::SignedReferences => "v8-signed",
                _ => "v8",
            },
            (Revision::V8, false) => "v8-nodebug",
            (Revision::V9, true) => match self.series.pin_check {
                PinCheck::Bias32 => "v9-bias32",
                _ => "v9",
            },
            (Revision::V9, false) => "v9-nodebug",
            (Revision::V10, true) => "v10",
            (Revision::V10, false) => "v10-nodebug",
            (Revision::V11, true) => "v11",
            (Revision::V11, false) => "v11-nodebug",
            (Revision::V5_10, true) => "5.10",
            (Revision::V5_10, false) => "5.10-nodebug",
            (Revision::V6_1, true) => "6.1",
            (Revision::V6_1, false) => "6.1-nodebug",
            (Revision::V6_12, true) => match self.point {
                0 => "6.12",
                _ => "6.12.118",
            },
            (Revision::V6_12, false) => match self.point {
                0 => "6.12-nodebug",
                _ => "6.12.118-nodebug",
            },
            (Revision::V7_3, true) => "7.3",
            (Revision::V7_3, false) => "7.3-nodebug",
        }
    }

    /// The rules of a point release (118: 6.12.118) of the same revision in the same
    /// configuration: the newest that are known and not newer than that.
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

    /// The rules of that name.
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
    fn rules_are_of_the_series_or_of_a_kernel() {
        assert!(Rules::SERIES.iter().all(Rules::is_series));
        assert!(!Rules::KERNELS.iter().any(Rules::is_series));
        for rules in Rules::ALL {
            assert!(rules.name().starts_with(rules.revision.name()));
        }
    }
}
