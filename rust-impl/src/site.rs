// SPDX-License-Identifier: GPL-2.0
//! Every WARN and BUG of the covered functions.
//!
//! A site is identified by function, kind and ordinal within the function.  The ordinal
//! depends on the configuration (VM_WARN_ON is not a site without DEBUG_VM), so it is
//! computed.

use crate::revision::Revisions;
use crate::rules::Rules;

/// The kind of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteKind {
    /// It is reported; the function continues.
    Warn,
    /// The program ends.
    Bug,
}

/// A site, and which kernels have it.
#[derive(Clone, Copy, Debug)]
pub struct SiteInfo {
    /// Its name in this enum.
    pub site: Site,
    /// The kernel function that contains it.
    pub function: &'static str,
    /// WARN or BUG.
    pub kind: SiteKind,
    /// The revisions that have it.
    pub revisions: Revisions,
    /// Only with CONFIG_DEBUG_VM.
    pub debug_vm: bool,
    /// The condition.
    pub what: &'static str,
}

macro_rules! sites {
    ($($variant:ident $function:literal $kind:ident $since:literal $debug:literal $what:literal;)*) => {
        /// A WARN or BUG of a covered function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Site {
            $(#[doc = concat!("`", $function, "`: ", $what, ".")] $variant),*
        }

        /// All sites; within one function in source order.
        pub static ALL: &[SiteInfo] = &[$(SiteInfo {
            site: Site::$variant,
            function: $function,
            kind: SiteKind::$kind,
            revisions: const { Revisions::since($since) },
            debug_vm: $debug,
            what: $what,
        }),*];
    };
}

// Each with its revisions (see `Revisions::since`), and whether it needs CONFIG_DEBUG_VM.
sites! {
    FolioGet "folio_get" Bug "6.1" true
        "the count is zero or close to overflow";
    GetPage "get_page" Bug "v8 5.10 6.1:-" true
        "the count is zero or close to overflow";
    GetPageSlab "get_page" Warn "7.3" false
        "a slab page";
    GetPageLargeKmalloc "get_page" Warn "7.3" false
        "a large kmalloc page (programs have none)";
    TryGetPage "try_get_page" Warn "v8 5.10" false
        "the count is zero or negative";
    PutPageTestzero "put_page_testzero" Bug "v8 5.10" true
        "the count is zero already";
    TryGetCompoundHead "try_get_compound_head" Warn "v8 5.10 6.1:-" false
        "the count is negative";
    PageCacheAddSpeculative "__page_cache_add_speculative" Bug "5.10 6.1:-" true
        "the head is a tail";
    HpagePincountAddNone "hpage_pincount_add" Bug "5.10 6.1:-" true
        "there is no pin count; its callers check it (cannot happen)";
    HpagePincountAdd "hpage_pincount_add" Bug "5.10 6.1:-" true
        "the head is a tail";
    HpagePincountSubNone "hpage_pincount_sub" Bug "5.10 6.1:-" true
        "there is no pin count; its callers check it (cannot happen)";
    HpagePincountSub "hpage_pincount_sub" Bug "5.10 6.1:-" true
        "the head is a tail";
    PutPageRefs "put_page_refs" Warn "5.10 6.1:-" true
        "fewer references than are to be dropped";
    TryGetFolio "try_get_folio" Warn "6.1" false
        "the count is negative";
    GrabPageBoth "grab_page" Warn "v8 v9:-" false
        "FOLL_GET and FOLL_PIN together, in the branch without FOLL_GET (cannot happen)";
    TryGrabPageDead "try_grab_page" Warn "v9 v11:-" false
        "FOLL_GET and FOLL_PIN together, in the branch without FOLL_GET (cannot happen)";
    TryGrabPageOverflow "try_grab_page" Warn "v9 v11:-" false
        "the count is zero or, with a bias of 32 bits, close to overflow";
    TryGrabPageBoth "try_grab_page" Warn "v11 5.10 6.5:-" false
        "FOLL_GET and FOLL_PIN together";
    TryGrabPageCount "try_grab_page" Warn "v11 5.10 6.12:-" false
        "the count is zero or negative";
    TryGrabCompoundHeadNeither "try_grab_compound_head" Warn "v10 5.10 6.1:-" false
        "neither FOLL_GET nor FOLL_PIN";
    TryGrabFolioNeither "try_grab_folio" Warn "6.1 6.12:-" false
        "neither FOLL_GET nor FOLL_PIN";
    TryGrabFolioCount "try_grab_folio" Warn "6.12" false
        "the count is zero or negative";
    TryGrabFolioFastIrqs "try_grab_folio_fast" Warn "6.12" true
        "interrupts are on";
    TryGrabFolioFastNeither "try_grab_folio_fast" Warn "6.12" false
        "neither FOLL_GET nor FOLL_PIN";
    FolioAddPinLarge "folio_add_pin" Warn "6.5" false
        "a large folio without pins";
    FolioAddPinSmall "folio_add_pin" Warn "6.5" false
        "a small folio with less than one pin's references";
    FolioAddPins "folio_add_pins" Warn "7.3" true
        "the folio does not look pinned";
    SanityCheckSmall "sanity_check_pinned_pages" Bug "6.1 7.3:-" true
        "an anonymous small or hugetlb folio that is not exclusive";
    SanityCheckLarge "sanity_check_pinned_pages" Bug "6.1 7.3:-" true
        "an anonymous large folio with neither head nor page exclusive";
    SanityCheckSmallWarn "sanity_check_pinned_pages" Warn "7.3" true
        "an anonymous small or hugetlb folio that is not exclusive";
    SanityCheckLargeWarn "sanity_check_pinned_pages" Warn "7.3" true
        "an anonymous large folio with neither head nor page exclusive";
    UnpinUserPages "unpin_user_pages" Warn "5.10" false
        "npages is an errno";
    UnpinFolios "unpin_folios" Warn "6.12" false
        "nfolios is an errno";
    PageNeedsCowForDma "page_needs_cow_for_dma" Bug "6.1 6.12:-" true
        "no fork is under way";
    FolioNeedsCowForDma "folio_needs_cow_for_dma" Bug "6.12" true
        "no fork is under way";
    FolioFastPinAllowed "folio_fast_pin_allowed" Warn "6.5 6.12:-" false
        "a slab folio";
    GupFastFolioAllowed "gup_fast_folio_allowed" Warn "6.12" false
        "a slab folio";
    IsValidGupFlagsPin "is_valid_gup_flags" Warn "5.10 6.5:-" false
        "FOLL_PIN from outside";
    IsValidGupFlagsLongterm "is_valid_gup_flags" Warn "5.10 6.5:-" false
        "FOLL_LONGTERM without FOLL_PIN";
    IsValidGupArgsInternal "is_valid_gup_args" Warn "6.5" false
        "an internal flag from outside";
    IsValidGupArgsLocked "is_valid_gup_args" Warn "6.5" false
        "*locked is 0";
    IsValidGupArgsBoth "is_valid_gup_args" Warn "6.5" false
        "FOLL_GET and FOLL_PIN together";
    IsValidGupArgsLongterm "is_valid_gup_args" Warn "6.5" false
        "FOLL_LONGTERM without FOLL_PIN";
    IsValidGupArgsNull "is_valid_gup_args" Warn "6.5" false
        "pages is NULL";
    IsValidGupArgsP2pdma "is_valid_gup_args" Warn "6.5" false
        "FOLL_LONGTERM and FOLL_PCI_P2PDMA together";
    InternalGetUserPagesFast "internal_get_user_pages_fast" Warn "5.10 6.12:-" false
        "an unknown flag";
    GupFastFallback "gup_fast_fallback" Warn "6.12" false
        "an unknown flag";
    GupPteRange "gup_pte_range" Bug "5.10 6.12:-" true
        "a PTE without a valid page";
    GupPteRangeHead "gup_pte_range" Bug "5.10 6.1:-" true
        "the page has another head than the grabbed one";
    GupFastPteRange "gup_fast_pte_range" Bug "6.12 7.3:-" true
        "a PTE without a valid page";
    GupFastPteRangeWarn "gup_fast_pte_range" Warn "7.3" true
        "a PTE without a valid page";
    FollowPagePte "follow_page_pte" Warn "v8 v9:- 5.10 7.3:-" false
        "FOLL_GET and FOLL_PIN together";
    FollowPagePteExclusive "follow_page_pte" Bug "6.1 7.3:-" true
        "pinning an anonymous page that is not exclusive";
    FollowPagePteExclusiveWarn "follow_page_pte" Warn "7.3" true
        "pinning an anonymous page that is not exclusive";
    FollowPage "follow_page" Warn "6.5 6.12:-" false
        "FOLL_PIN";
    FollowPageMask "follow_page_mask" Warn "v8" false
        "FOLL_GET or FOLL_PIN on a hugepd";
    FollowPageMaskAddr "follow_page_mask" Warn "5.10 6.5:-" false
        "FOLL_GET or FOLL_PIN on an entry that x86 does not have (cannot happen)";
    FollowDevmapPmdCow "follow_devmap_pmd" Warn "5.10 6.1:-" false
        "FOLL_COW and a huge entry of device memory";
    FollowDevmapPmd "follow_devmap_pmd" Warn "v8 5.10 6.5:-" false
        "FOLL_GET and FOLL_PIN together";
    FollowDevmapPmdLock "follow_devmap_pmd" Bug "5.10 7.3:-" false
        "the page-table lock is not held (cannot happen)";
    FollowDevmapPud "follow_devmap_pud" Warn "v8 5.10 6.5:-" false
        "FOLL_GET and FOLL_PIN together";
    FollowDevmapPudLock "follow_devmap_pud" Bug "5.10 6.12:-" false
        "the page-table lock is not held (cannot happen)";
    FollowTransHugePmdLock "follow_trans_huge_pmd" Bug "5.10 6.12:-" false
        "the page-table lock is not held (cannot happen)";
    FollowTransHugePmdHead "follow_trans_huge_pmd" Bug "5.10 6.12:-" true
        "a huge entry whose page is not a head";
    FollowTransHugePmdExclusive "follow_trans_huge_pmd" Bug "6.1 6.12:-" true
        "pinning an anonymous page that is not exclusive";
    CompoundMapcount "compound_mapcount" Bug "5.10 6.1:-" true
        "mlocking an anonymous page of a huge entry that is not compound";
    FollowTransHugePmdCompound "follow_trans_huge_pmd" Bug "5.10 6.12:-" true
        "a huge entry whose page is not compound";
    FollowPmdMaskAbsent "follow_pmd_mask" Bug "5.10 6.5:-" true
        "an entry that is neither present nor a migration entry";
    GetGatePageHuge "get_gate_page" Bug "5.10 6.5:-" true
        "a huge entry";
    FollowHugePmd "follow_huge_pmd" Warn "v8" false
        "FOLL_GET and FOLL_PIN together";
    FollowHugePmdLock "follow_huge_pmd" Bug "6.12" false
        "the page-table lock is not held (cannot happen)";
    FollowHugePmdExclusive "follow_huge_pmd" Bug "6.12 7.3:-" true
        "pinning an anonymous page that is not exclusive";
    FollowHugePmdExclusiveWarn "follow_huge_pmd" Warn "7.3" true
        "pinning an anonymous page that is not exclusive";
    FollowHugePudPin "follow_huge_pud" Warn "6.1 6.5:-" false
        "FOLL_PIN on a hugetlb PUD";
    FollowHugePudGrab "follow_huge_pud" Warn "6.1 6.5:-" false
        "a hugetlb PUD that could not be grabbed";
    FollowHugePmdPtePin "follow_huge_pmd_pte" Warn "5.10 6.5:-" false
        "FOLL_PIN on an entry of hugetlbfs; in 5.10, with FOLL_GET";
    FollowHugePmdPteGrab "follow_huge_pmd_pte" Warn "5.10 6.5:-" false
        "a hugetlbfs page that could not be grabbed";
    FollowHugetlbPageExclusive "follow_hugetlb_page" Bug "6.1 6.6:-" true
        "pinning an anonymous page that is not exclusive";
    FollowHugetlbPageGrab "follow_hugetlb_page" Warn "5.10 6.6:-" false
        "a hugetlbfs page that could not be grabbed";
    HugetlbFollowPageMask "hugetlb_follow_page_mask" Warn "6.6 6.12:-" false
        "a hugetlbfs page that could not be grabbed";
    FollowHugePudLock "follow_huge_pud" Bug "6.12" false
        "the page-table lock is not held (cannot happen)";
    VmNormalPageZero "vm_normal_page" Warn "6.12 7.3:-" true
        "the zero page, in an entry that is not special";
    VmNormalPageZeros "__vm_normal_page" Warn "7.3" true
        "a zero page, in an entry that is not special";
    FaultinPageUnshare "faultin_page" Bug "6.1 7.3:-" true
        "FAULT_FLAG_WRITE and FAULT_FLAG_UNSHARE together";
    FaultinPageUnshareWarn "faultin_page" Warn "7.3" true
        "FAULT_FLAG_WRITE and FAULT_FLAG_UNSHARE together (cannot happen)";
    FaultinPageNowait "faultin_page" Warn "6.1" false
        "a fault that must not wait has dropped the lock";
    FaultinPageErrno "faultin_page" Bug "5.10" false
        "a fault result without an errno";
    GetUserPagesPages "__get_user_pages" Bug "5.10 7.3:-" true
        "pages without FOLL_GET or FOLL_PIN, or vice versa";
    GetUserPagesPagesWarn "__get_user_pages" Warn "7.3" true
        "pages without FOLL_GET or FOLL_PIN, or vice versa";
    GetUserPagesBoth "__get_user_pages" Warn "7.3" true
        "FOLL_GET and FOLL_PIN together (cannot happen)";
    GetUserPagesGrab "__get_user_pages" Warn "6.6 6.12:-" false
        "the remaining pages of a huge entry could not be grabbed";
    GetUserPagesNowait "__get_user_pages" Bug "5.10 6.6:-" false
        "the lock was dropped for a VMA of hugetlbfs despite FOLL_NOWAIT (cannot happen)";
    GetUserPagesNotNeeded "__get_user_pages" Bug "5.10 5.15:-" false
        "the lock was dropped for a VMA of hugetlbfs, and a page before it was not needed";
    PopulateStartAligned "populate_vma_page_range" Bug "5.10 7.3:-" true
        "a range whose start is not page-aligned";
    PopulateEndAligned "populate_vma_page_range" Bug "5.10 7.3:-" true
        "a range whose end is not page-aligned";
    PopulateStart "populate_vma_page_range" Bug "5.10 7.3:-" true
        "a range that starts before the VMA (cannot happen)";
    PopulateEnd "populate_vma_page_range" Bug "5.10 7.3:-" true
        "a range that ends after the VMA";
    PopulateStartAlignedWarn "populate_vma_page_range" Warn "7.3" true
        "a range whose start is not page-aligned";
    PopulateEndAlignedWarn "populate_vma_page_range" Warn "7.3" true
        "a range whose end is not page-aligned";
    PopulateStartWarn "populate_vma_page_range" Warn "7.3" true
        "a range that starts before the VMA (cannot happen)";
    PopulateEndWarn "populate_vma_page_range" Warn "7.3" true
        "a range that ends after the VMA";
    MmapAssertLocked "mmap_assert_locked" Bug "5.10 6.12:-" true
        "the mmap lock is not held";
    FixupUserFaultErrno "fixup_user_fault" Bug "5.10" false
        "a fault result without an errno";
    FaultinVmaStartAligned "faultin_vma_page_range" Bug "5.15 6.12:-" true
        "a range whose start is not page-aligned";
    FaultinVmaEndAligned "faultin_vma_page_range" Bug "5.15 6.12:-" true
        "a range whose end is not page-aligned";
    FaultinVmaStart "faultin_vma_page_range" Bug "5.15 6.12:-" true
        "a range that starts before the VMA (cannot happen)";
    FaultinVmaEnd "faultin_vma_page_range" Bug "5.15 6.12:-" true
        "a range that ends after the VMA";
    FaultinStart "faultin_page_range" Bug "6.12 7.3:-" true
        "a range whose start is not page-aligned";
    FaultinEnd "faultin_page_range" Bug "6.12 7.3:-" true
        "a range whose end is not page-aligned";
    FaultinStartWarn "faultin_page_range" Warn "7.3" true
        "a range whose start is not page-aligned";
    FaultinEndWarn "faultin_page_range" Warn "7.3" true
        "a range whose end is not page-aligned";
    GetUserPagesLockedVmas "__get_user_pages_locked" Bug "5.10 6.5:-" false
        "an array for the VMAs although the lock may be dropped (cannot happen)";
    GetUserPagesLockedInit "__get_user_pages_locked" Bug "5.10 6.5:-" false
        "*locked is 0";
    GetUserPagesLockedErrno "__get_user_pages_locked" Bug "5.10 7.3:-" false
        "an errno although the lock was dropped (cannot happen)";
    GetUserPagesLockedAll "__get_user_pages_locked" Bug "5.10 7.3:-" false
        "all pages although the lock was dropped (cannot happen)";
    GetUserPagesLockedLock "__get_user_pages_locked" Bug "5.10 7.3:-" false
        "taking the lock returns a positive number";
    GetUserPagesLockedRetry "__get_user_pages_locked" Bug "5.10 7.3:-" false
        "a page although the lock was dropped (cannot happen)";
    GetUserPagesLockedMany "__get_user_pages_locked" Bug "5.10 7.3:-" false
        "more than one page (cannot happen)";
    GetUserPagesLockedDropped "__get_user_pages_locked" Warn "7.3" true
        "an errno or all pages although the lock was dropped (cannot happen)";
    GetUserPagesLockedRetryWarn "__get_user_pages_locked" Warn "7.3" true
        "a page although the lock was dropped (cannot happen)";
    GetUserPagesLockedManyWarn "__get_user_pages_locked" Warn "7.3" true
        "more than one page (cannot happen)";
    GetUserPagesLockedNone "__get_user_pages_locked" Warn "6.12" false
        "no page and no errno";
    RwsemAssertHeld "rwsem_assert_held_nolockdep" Warn "6.12" false
        "the mmap lock is not held";
    FolioExpectedRefCount "folio_expected_ref_count" Warn "6.1 6.5:- 6.12 7.3:-" false
        "a slab folio, which has no page type in 6.1";
    GupLongtermLockedPin "__gup_longterm_locked" Warn "6.1 6.5:-" false
        "FOLL_LONGTERM without FOLL_PIN (cannot happen)";
    GetUserPagesRemoteLongterm "__get_user_pages_remote" Warn "5.10 6.5:-" false
        "FOLL_LONGTERM with locked";
    PinUserPages "pin_user_pages" Warn "v8 5.10 6.5:-" false
        "FOLL_GET";
    PinUserPagesNull "pin_user_pages" Warn "6.1 6.5:-" false
        "pages is NULL";
    PinUserPagesUnlocked "pin_user_pages_unlocked" Warn "5.10 6.5:-" false
        "FOLL_GET";
    PinUserPagesUnlockedNull "pin_user_pages_unlocked" Warn "6.1 6.5:-" false
        "pages is NULL";
    PinUserPagesRemote "pin_user_pages_remote" Warn "v8 5.10 6.5:-" false
        "FOLL_GET";
    PinUserPagesRemoteNull "pin_user_pages_remote" Warn "6.1 6.5:-" false
        "pages is NULL";
    PinUserPagesRemoteLocked "pin_user_pages_remote" Warn "v8" false
        "FOLL_LONGTERM and locked";
    PinUserPagesFast "pin_user_pages_fast" Warn "v8 5.10 6.5:-" false
        "FOLL_GET";
    PinUserPagesFastNull "pin_user_pages_fast" Warn "6.1 6.5:-" false
        "pages is NULL";
    PinUserPagesFastOnly "pin_user_pages_fast_only" Warn "5.10 6.5:-" false
        "FOLL_GET";
    PinUserPagesFastOnlyNull "pin_user_pages_fast_only" Warn "6.1 6.5:-" false
        "pages is NULL";
    GetUserPages "get_user_pages" Warn "v8" false
        "FOLL_PIN";
    GetUserPagesRemote "get_user_pages_remote" Warn "v8" false
        "FOLL_PIN";
    GetUserPagesLockedLongterm "get_user_pages_locked" Warn "5.10 6.1:-" false
        "FOLL_LONGTERM";
    PinUserPagesLockedLongterm "pin_user_pages_locked" Warn "5.10 6.1:-" false
        "FOLL_LONGTERM";
    PinUserPagesLocked "pin_user_pages_locked" Warn "5.10 6.1:-" false
        "FOLL_GET";
    GetUserPagesLocked "get_user_pages_locked" Warn "v8 5.10 6.1:-" false
        "FOLL_PIN";
    GetUserPagesUnlocked "get_user_pages_unlocked" Warn "v8" false
        "FOLL_PIN";
    GetUserPagesUnlockedLongterm "get_user_pages_unlocked" Warn "5.10 6.5:-" false
        "FOLL_LONGTERM";
    GetUserPagesFast "get_user_pages_fast" Warn "v8" false
        "FOLL_PIN";
}

impl Site {
    /// Its index in [`ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its row of [`ALL`].
    pub fn info(self) -> &'static SiteInfo {
        &ALL[self.index()]
    }

    /// Does a kernel have it?
    pub fn exists(self, rules: &Rules) -> bool {
        self.info().exists(rules)
    }

    /// Of the names that one site has had, oldest first, that of this revision.
    pub(crate) fn named(names: &[Site], rules: &Rules) -> Site {
        let known = |site: &&Site| site.info().revisions.has(rules.revision);
        let found = names.iter().find(known).or(names.last());
        *found.expect("a site has a name")
    }

    /// Its number among the sites of its kind in its function, from 0, in a kernel that has
    /// it.
    pub fn ordinal(self, rules: &Rules) -> u32 {
        let info = self.info();
        ALL[..self.index()]
            .iter()
            .filter(|s| s.function == info.function && s.kind == info.kind && s.exists(rules))
            .count() as u32
    }
}

impl SiteInfo {
    /// Does a kernel have it?
    pub fn exists(&self, rules: &Rules) -> bool {
        self.revisions.has(rules.revision) && (rules.debug_vm || !self.debug_vm)
    }
}

/// The sites of one kernel.
pub fn of(rules: &Rules) -> impl Iterator<Item = &'static SiteInfo> {
    let rules = *rules;
    ALL.iter().filter(move |site| site.exists(&rules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES_6_1, RULES_6_12, RULES_V8, RULES_V9, RULES_V11, Rules};

    #[test]
    fn an_index_leads_to_its_own_row() {
        for (i, info) in ALL.iter().enumerate() {
            assert_eq!(info.site.index(), i);
        }
    }

    #[test]
    fn ordinals_count_within_function_and_kind() {
        assert_eq!(Site::TryGrabPageBoth.ordinal(&RULES_6_1), 0);
        assert_eq!(Site::TryGrabPageCount.ordinal(&RULES_6_1), 1);
        assert_eq!(Site::SanityCheckLarge.ordinal(&RULES_6_1), 1);
        assert_eq!(Site::TryGrabFolioCount.ordinal(&RULES_6_12), 0);
    }

    #[test]
    fn a_debug_site_shifts_later_ordinals() {
        let nodebug = RULES_6_12.with_debug_vm(false);
        assert_eq!(Site::TryGrabFolioFastNeither.ordinal(&RULES_6_12), 1);
        assert_eq!(Site::TryGrabFolioFastNeither.ordinal(&nodebug), 0);
    }

    #[test]
    fn a_name_has_other_sites_in_another_revision() {
        assert_eq!(Site::TryGrabPageDead.ordinal(&RULES_V9), 0);
        assert_eq!(Site::TryGrabPageOverflow.ordinal(&RULES_V9), 1);
        assert_eq!(Site::TryGrabPageBoth.ordinal(&RULES_V11), 0);
        assert_eq!(Site::TryGrabPageCount.ordinal(&RULES_V11), 1);
        assert_eq!(Site::PinUserPagesRemoteLocked.ordinal(&RULES_V8), 1);
        assert!(Site::GrabPageBoth.exists(&RULES_V8) && !Site::GrabPageBoth.exists(&RULES_V9));
        assert!(!Site::TryGrabPageBoth.exists(&RULES_V9));
    }

    #[test]
    fn without_debug_vm_only_the_slow_path_has_bugs() {
        for rules in Rules::ALL {
            let rules = rules.with_debug_vm(false);
            let bugs = of(&rules).filter(|s| s.kind == SiteKind::Bug);
            let slow = [
                "faultin_page",
                "fixup_user_fault",
                "__get_user_pages",
                "__get_user_pages_locked",
            ];
            let leaf = |function: &str| function.starts_with("follow_");
            assert!(
                bugs.into_iter()
                    .all(|s| slow.contains(&s.function) || leaf(s.function))
            );
        }
    }
}
