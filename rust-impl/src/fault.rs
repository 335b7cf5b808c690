// SPDX-License-Identifier: GPL-2.0
//! Planted faults: small slips of the kind that patches make.
//!
//! They test the comparison, not the kernel: a campaign has to find each.
//! Without the feature `faults` the question [`is`] is a constant `false` and
//! nothing is left of them; with it, `select` chooses one at run time.

use crate::page::PinScheme;
use crate::rules::{Revision, Rules};
use crate::series::PinCheck;

macro_rules! faults {
    ($($variant:ident $name:literal $what:literal;)*) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Fault {
            $(#[doc = concat!($what, ".")] $variant),*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Fault] = &[$(Fault::$variant),*];

            /// A short name for command lines.
            pub const fn name(self) -> &'static str {
                match self { $(Fault::$variant => $name),* }
            }

            /// What is wrong, and where.
            pub const fn what(self) -> &'static str {
                match self { $(Fault::$variant => $what),* }
            }
        }
    };
}

faults! {
    FastPincountDropped "fast-pincount-dropped"
        "the lockless grab leaves the pin count of a large folio alone";
    FastPincountOne "fast-pincount-one"
        "the lockless grab adds 1 instead of refs to the pin count";
    FastBias1024 "fast-bias-1024"
        "the lockless grab of a small folio adds the whole bias on top of the reference";
    SlowPincountDropped "slow-pincount-dropped"
        "the slow grab leaves the pin count of a large folio alone";
    SlowBias1023 "slow-bias-1023"
        "the slow grab of a small folio adds one reference too few";
    SlowCountZero "slow-count-zero"
        "the slow grab takes a count of zero for a live one";
    SlowErrno "slow-errno"
        "a failed slow grab gives EAGAIN";
    SlowGetPinOrder "slow-get-pin-order"
        "the slow grab lets FOLL_PIN win over FOLL_GET";
    TryGetRefsOne "try-get-refs-one"
        "try_get_folio takes 1 reference whatever refs says";
    TryGetWarnMissing "try-get-warn-missing"
        "try_get_folio fails silently on a negative count";
    TryGetPageWarnMissing "try-get-page-warn-missing"
        "try_get_page fails silently";
    TryGetPageNegative "try-get-page-negative"
        "try_get_page fails on zero only";
    GetPageNoHead "get-page-no-head"
        "get_page does not look up the head";
    PutPageNoHead "put-page-no-head"
        "put_page does not look up the head";
    FolioGetWindow "folio-get-window"
        "folio_get complains about zero, not about an overflow close by (DEBUG_VM)";
    PutZeroUnnoticed "put-zero-unnoticed"
        "dropping a reference of a count of zero goes unnoticed (DEBUG_VM)";
    PutRefsNotFreed "put-refs-not-freed"
        "folio_put_refs does not free at zero";
    AddUnlessZero "add-unless-zero"
        "a reference is added to a count of zero";
    DevmapKeyIgnored "devmap-key-ignored"
        "fsdax pages are put the devmap way with the key off";
    DevmapWakeAtZero "devmap-wake-at-zero"
        "the waiter of an fsdax page is woken at 0, not at 1";
    AcquiredAsReleased "acquired-as-released"
        "a pin taken in the lockless way moves the wrong counter";
    ReleasedOne "released-one"
        "releasing refs pins counts as one";
    PutPincountDropped "put-pincount-dropped"
        "gup_put_folio leaves the pin count of a large folio alone";
    PutZeroPage "put-zero-page"
        "gup_put_folio does not spare the zero page";
    FastZeroPage "fast-zero-page"
        "the lockless grab pins the zero page";
    SlowZeroPage "slow-zero-page"
        "the slow grab pins the zero page";
    FastLongtermSkipped "fast-longterm-skipped"
        "the lockless grab does not look at FOLL_LONGTERM";
    FastP2pdmaSkipped "fast-p2pdma-skipped"
        "the lockless grab hands out PCI peer-to-peer pages (6.12)";
    AddPinThreshold "add-pin-threshold"
        "folio_add_pin warns one reference early (6.12)";
    ListWalkShort "list-walk-short"
        "the list walk counts one page too few for a run of two or more";
    ListWalkSamePage "list-walk-same-page"
        "the list walk compares pages where it should compare folios";
    RangeWalkFromHead "range-walk-from-head"
        "the range walk takes its start for the head of the folio";
    RangeWalkUnclamped "range-walk-unclamped"
        "the range walk releases the rest of the folio past npages";
    DirtyAlways "dirty-always"
        "a folio that is dirty already is dirtied again";
    UnlockForgotten "unlock-forgotten"
        "a folio is left locked after dirtying";
    MarkDirtyForgotten "mark-dirty-forgotten"
        "a folio is locked and unlocked but not dirtied";
    ErrnoLimit "errno-limit"
        "the largest errno is not taken for one";
    SanityTailIgnored "sanity-tail-ignored"
        "the check of pinned pages looks at the head only (DEBUG_VM)";
    UnshareWrite "unshare-write"
        "gup_must_unshare does not look at FOLL_WRITE";
    UnshareHead "unshare-head"
        "gup_must_unshare looks at the head's exclusivity";
    PinnedGreater "pinned-greater"
        "a small folio needs more than one pin's references to be pinned";
    PinnedSigned "pinned-signed"
        "a negative count does not look pinned";
    PinnedLargeZero "pinned-large-zero"
        "a large folio with a pin count of zero looks pinned";
    CowHasPinned "cow-has-pinned"
        "fork does not look at MMF_HAS_PINNED";
    LongtermIsolate "longterm-isolate"
        "an isolated pageblock is good enough for a long-term pin";
    LongtermMovable "longterm-movable"
        "ZONE_MOVABLE is good enough for a long-term pin";
    SecretmemCompound "secretmem-compound"
        "a compound page can be secretmem (6.1)";
    AllowedMovable "allowed-movable"
        "the lockless walk hands out movable non-LRU pages (6.12)";
    HasPinnedForgotten "has-pinned-forgotten"
        "MMF_HAS_PINNED is not set";
    DevmapPrivatePlain "devmap-private-plain"
        "device-private pages are put like any other (v8 to v11)";
    GrabPageHead "grab-page-head"
        "the rest of a pin goes to the head (v8)";
    PinUnchecked "pin-unchecked"
        "the slow pin does not look at the count (v9 to v11)";
    BiasWidth "bias-width"
        "the check for an overflow by the bias has the bias in the other width (v9, v10)";
    TryPinCountsOne "try-pin-counts-one"
        "refs pins of a compound page are counted as one (v8 to v11)";
    FastGetWins "fast-get-wins"
        "the lockless grab lets FOLL_GET win over FOLL_PIN (v8 to v11)";
    PutHeadPlain "put-head-plain"
        "put_compound_head subtracts without the extra reference that frees (v8 to v11)";
    UnpinDevmapUncounted "unpin-devmap-uncounted"
        "the unpin of a devmap-managed page is not counted (v8 to v11, DEBUG_VM)";
    GrabErrno "grab-errno"
        "a failed grab of a huge entry gives EEXIST (v9 to v11)";
    MaskOtherPage "mask-other-page"
        "follow_page_mask gives NULL for the page or the page for NULL (v8 to v11)";
    DevmapUnasked "devmap-unasked"
        "a huge devmap entry is followed with neither flag (v8 to v11)";
    MlockOrder "mlock-order"
        "the grab and the mlock of a huge page have changed places (v8 to v11)";
    HugetlbPastEnd "hugetlb-past-end"
        "follow_hugetlb_page records one page past the end (v8 to v11)";
    ChangedKept "changed-kept"
        "a grab is kept although the entry changed (v8 to v11)";
    UndoKeepsReferenced "undo-keeps-referenced"
        "the back-out of device pages leaves them Referenced (v8 to v11)";
    UndoPuts "undo-puts"
        "the back-out of device pages puts where it should unpin (v8 to v11)";
    RemoteLocked "remote-locked"
        "pin_user_pages_remote lets locked and FOLL_LONGTERM pass together (v8 to v11)";
    GetHeadUnchecked "get-head-unchecked"
        "try_get_folio does not look up the head again";
    FastOnlyErrno "fast-only-errno"
        "get_user_pages_fast_only gives an errno for 0 (6.1) or 0 for an errno (6.12)";
    PinFastTakesGet "pin-fast-takes-get"
        "pin_user_pages_fast takes FOLL_GET";
    NullPagesUnchecked "null-pages-unchecked"
        "an entry point takes NULL for an array of pages";
    LongtermWithoutPin "longterm-without-pin"
        "get_user_pages_fast takes FOLL_LONGTERM";
    LongtermP2pdma "longterm-p2pdma"
        "pin_user_pages_fast takes FOLL_LONGTERM and FOLL_PCI_P2PDMA together (6.12)";
    UnknownFlagsTaken "unknown-flags-taken"
        "the common part of the entry points takes any flag";
    OverflowResult "overflow-result"
        "a range that wraps is an error in 6.1, and none in 6.12";
    RangeLimit "range-limit"
        "a range may end one page past user memory";
    FastOnlyGoesSlow "fast-only-goes-slow"
        "FOLL_FAST_ONLY does not keep from the slow path";
    SlowFromStart "slow-from-start"
        "the slow path starts where the walk did, not where it ended";
    SlowErrnoWins "slow-errno-wins"
        "an errno of the slow path hides the pages that the walk found";
    SeqOddIgnored "seq-odd-ignored"
        "the walk pins although a fork is under way";
    SeqChangeIgnored "seq-change-ignored"
        "the walk keeps its pins although there was a fork";
    SeqChangeLeaks "seq-change-leaks"
        "the walk forgets its pins if there was a fork";
    IrqsStayOn "irqs-stay-on"
        "the walk turns interrupts on instead of off";
    IrqsLeftOff "irqs-left-off"
        "the walk leaves interrupts off";
    WalkUnsanitary "walk-unsanitary"
        "what the walk pinned is not checked (DEBUG_VM)";
    P4dPresence "p4d-presence"
        "an entry of the top level is followed if present (6.1) or not empty (6.12)";
    AccessibleErrnoEnds "accessible-errno-ends"
        "an errno of the hook that makes a page accessible ends the walk";
    WriteUnchecked "write-unchecked"
        "the walk does not look for permission to write";
    UserUnchecked "user-unchecked"
        "the walk takes what is not for user mode";
    DevmapLongterm "devmap-longterm"
        "the walk takes device memory for a long-term pin";
    HugeSpecialTaken "huge-special-taken"
        "the walk takes special huge entries (6.12)";
    HugeGrabsOther "huge-grabs-other"
        "a huge entry's grab is of the block's first page in 6.1, of the range's in 6.12";
    PmdRecheckSkipped "pmd-recheck-skipped"
        "a huge PMD is not looked at again";
    PudRecheckSkipped "pud-recheck-skipped"
        "a huge PUD is not looked at again";
    HugeUnshareSkipped "huge-unshare-skipped"
        "the walk does not ask whether a huge entry must unshare";
    HugePutsOne "huge-puts-one"
        "what a huge entry took is given back but for all but one";
    HugeUnreferenced "huge-unreferenced"
        "the folio of a huge entry is not marked as referenced";
    HugeAllowedSkipped "huge-allowed-skipped"
        "the walk takes any folio of a huge entry (6.12)";
    SubpagesFromFirst "subpages-from-first"
        "the pages of a huge entry are recorded from its first one on";
    BadPmdFollowed "bad-pmd-followed"
        "a PMD with odd flags is followed to its PTEs (6.12)";
    EmptyRangeEnds "empty-range-ends"
        "a range of no pages has no PTEs";
    PagemapKept "pagemap-kept"
        "the PTE walk does not put its pagemap";
    PagemapNotPassed "pagemap-not-passed"
        "a pagemap is looked up without the one at hand";
    PteUndoSkipped "pte-undo-skipped"
        "the PTE walk does not back out when a pagemap is gone";
    SpecialTaken "special-taken"
        "the walk takes special PTEs";
    AccessibleForGet "accessible-for-get"
        "pages are made accessible for FOLL_GET, not for FOLL_PIN";
    AccessibleLeaks "accessible-leaks"
        "a page that cannot be made accessible is not given back";
    PteUnreferenced "pte-unreferenced"
        "the folio of a PTE is not marked as referenced";
    PteAllowedSkipped "pte-allowed-skipped"
        "the walk takes any folio of a PTE, secretmem too";
    PteIgnoresPmd "pte-ignores-pmd"
        "the PTE walk does not look at the PMD again";
    PteRecheckSkipped "pte-recheck-skipped"
        "a PTE is not looked at again";
    PteUnshareHead "pte-unshare-head"
        "the head is asked whether the page of a PTE must unshare";
    PteUnshareSkipped "pte-unshare-skipped"
        "the walk does not ask whether a PTE must unshare";
    DeviceRecheckSkipped "device-recheck-skipped"
        "a huge entry of device memory is not looked at again";
    DevicePagemapKept "device-pagemap-kept"
        "the walk of device memory does not put its pagemap";
    DeviceUnreferenced "device-unreferenced"
        "pages of device memory are not marked as referenced";
    UndoLeavesFirst "undo-leaves-first"
        "the back-out of device memory keeps its first page";
    UndoLeavesReferenced "undo-leaves-referenced"
        "the back-out of device memory leaves pages Referenced";
    UndoPutsPins "undo-puts-pins"
        "the back-out of device memory puts where it should unpin (6.1)";
}

impl Fault {
    /// Whether it is one that the walk of page tables shows, or a moment within
    /// an operation; all others show at the page level.
    pub fn is_of_the_walk(self) -> bool {
        self >= Fault::GetHeadUnchecked
    }

    /// Whether it is one of the FOLL_PIN series alone.
    fn is_of_the_series(self) -> bool {
        (Fault::DevmapPrivatePlain..=Fault::RemoteLocked).contains(&self)
    }

    /// Whether it makes a difference in a kernel.
    pub fn applies(self, rules: &Rules) -> bool {
        if rules.is_series() {
            return self.applies_to_series(rules);
        }
        match self {
            Fault::FastP2pdmaSkipped
            | Fault::AddPinThreshold
            | Fault::AllowedMovable
            | Fault::LongtermP2pdma
            | Fault::HugeSpecialTaken
            | Fault::HugeAllowedSkipped
            | Fault::BadPmdFollowed => rules.revision >= Revision::V6_12,
            Fault::UndoPutsPins => rules.revision < Revision::V6_12,
            Fault::SecretmemCompound => !rules.secretmem_by_mapping,
            Fault::FolioGetWindow
            | Fault::PutZeroUnnoticed
            | Fault::SanityTailIgnored
            | Fault::WalkUnsanitary => rules.debug_vm,
            _ => !self.is_of_the_series(),
        }
    }

    /// The FOLL_PIN series shares some of the kernels' code.
    fn applies_to_series(self, rules: &Rules) -> bool {
        let series = &rules.series;
        match self {
            Fault::SlowBias1023
            | Fault::SlowGetPinOrder
            | Fault::TryGetRefsOne
            | Fault::TryGetWarnMissing
            | Fault::TryGetPageWarnMissing
            | Fault::TryGetPageNegative
            | Fault::GetPageNoHead
            | Fault::PutPageNoHead
            | Fault::AddUnlessZero
            | Fault::DevmapKeyIgnored
            | Fault::DirtyAlways
            | Fault::UnlockForgotten
            | Fault::MarkDirtyForgotten
            | Fault::PinnedGreater => true,
            Fault::PinnedSigned => rules.pins != PinScheme::SignedReferences,
            Fault::FolioGetWindow | Fault::PutZeroUnnoticed => rules.debug_vm,
            Fault::TryPinCountsOne | Fault::UnpinDevmapUncounted => rules.debug_vm,
            Fault::SlowErrno | Fault::SlowCountZero | Fault::PinUnchecked | Fault::GrabErrno => {
                series.grab_can_fail
            }
            Fault::GrabPageHead => !series.grab_can_fail,
            Fault::BiasWidth => matches!(series.pin_check, PinCheck::Bias32 | PinCheck::Bias64),
            _ => self.is_of_the_series(),
        }
    }

    /// The fault of that name.
    pub fn by_name(name: &str) -> Option<Fault> {
        Fault::ALL.iter().copied().find(|f| f.name() == name)
    }
}

#[cfg(feature = "faults")]
mod selected {
    use core::sync::atomic::{AtomicU32, Ordering};

    use super::Fault;

    /// 0, or one more than the fault's number.
    static SELECTED: AtomicU32 = AtomicU32::new(0);

    /// Plants one fault in the whole process, or none.
    pub fn select(fault: Option<Fault>) {
        SELECTED.store(fault.map_or(0, |f| f as u32 + 1), Ordering::Relaxed);
    }

    /// Whether this fault is planted.
    #[inline(always)]
    pub fn is(fault: Fault) -> bool {
        SELECTED.load(Ordering::Relaxed) == fault as u32 + 1
    }
}

#[cfg(feature = "faults")]
pub use selected::{is, select};

/// Whether this fault is planted: never, without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn is(_: Fault) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lead_back() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::by_name(fault.name()), Some(fault));
            assert_eq!(
                Fault::ALL
                    .iter()
                    .filter(|f| f.name() == fault.name())
                    .count(),
                1
            );
        }
        assert!(Fault::ALL.len() >= 24);
    }

    #[test]
    fn every_fault_applies_somewhere() {
        for fault in Fault::ALL {
            assert!(
                Rules::ALL.iter().any(|rules| fault.applies(rules)),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn nothing_is_planted_by_default() {
        assert!(Fault::ALL.iter().all(|&f| !is(f)));
    }
}
