// SPDX-License-Identifier: GPL-2.0
//! Laws: properties that every correct side has.
//!
//! Comparison does not find a bug that both sides share; laws do.  They follow one side's trace
//! and check what the page pinning code guarantees to its callers.  They must hold on real
//! kernels in all extreme cases, so they do not apply to counts that overflow and to operations
//! that do not return.

mod address_space;
mod careful;
mod check;
mod held;
mod mapped;
mod op;
mod page_cache;
mod rules;
mod slow;
mod vma;
mod walk;
mod walk_events;

use std::fmt;

use csrc::abi;

use crate::effect::{By, Effect, What};
use crate::ops;
use crate::program::Program;
use crate::rev::{Fact, Rev};
use crate::side::SideInfo;
use crate::trace::Trace;
use crate::world::pages::Pages;
use crate::world::tables::Tables;
use crate::world::vmas::Vmas;

macro_rules! laws {
    ($($law:ident, $name:literal, $text:literal, $breach:literal;)*) => {
        /// A law.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Law {
            $(#[doc = $text] $law,)*
        }

        impl Law {
            /// Every law.
            pub const ALL: &[Law] = &[$(Law::$law,)*];

            /// Its name in reports.
            pub fn name(self) -> &'static str {
                match self {
                    $(Law::$law => $name,)*
                }
            }

            /// What an operation that breaks it does; follows the function's name.
            pub fn breach(self) -> &'static str {
                match self {
                    $(Law::$law => $breach,)*
                }
            }

            /// The law in one line.
            pub fn text(self) -> &'static str {
                match self {
                    $(Law::$law => $text,)*
                }
            }
        }
    };
}

laws! {
    TraceIsWhole, "trace-is-whole",
        "a trace has a result for each operation it executed, then its end",
        "leaves a trace without a result or an end";
    NothingChangesUnnoticed, "nothing-changes-unnoticed",
        "no page changes outside of an operation",
        "changes a page outside of an operation";
    FailedGrabTakesNothing, "failed-grab-takes-nothing",
        "a grab that fails leaves all counts and counters as they were",
        "fails and leaves counts changed";
    NothingFromFree, "nothing-from-free",
        "no reference and no pin is taken on a page without references",
        "takes a reference on a page without any";
    GetMovesOnlyReferences, "get-moves-only-references",
        "taking or dropping references changes the refcount by the requested number, and no pin count",
        "changes counts by a wrong number";
    PinMovesCounts, "pin-moves-counts",
        "a pin changes a large folio's refcount and pin count by refs, a small one's refcount by refs * 1024",
        "changes counts by a wrong number of pins";
    PinIsCounted, "pin-is-counted",
        "a pin that was taken is counted as acquired, an unpin as released",
        "does not count its pins in vmstat";
    ZeroPageIsNotPinned, "zero-page-is-not-pinned",
        "pinning and unpinning the zero page changes nothing",
        "changes the counts of the zero page";
    PinnedPageSaysSo, "pinned-page-says-so",
        "a page on which a pin was just taken is reported as pinned",
        "pins a page that is not reported as pinned";
    PinnednessFollowsCounts, "pinnedness-follows-counts",
        "a page is reported as pinned exactly when its counts say so",
        "leaves a page whose counts contradict that it is pinned";
    PinsBalanceCounters, "pins-balance-counters",
        "pins taken minus pins released equals the pins in the page counts",
        "leaves counters and pins that do not balance";
    LargeUnpinDropsBoth, "large-unpin-drops-both",
        "on a large folio refcount and pin count of a pin change together",
        "drops different numbers of references and pins of a large folio";
    GrabReturnsTheFolio, "grab-returns-the-folio",
        "a grab that succeeds returns the folio of the given page",
        "returns the wrong folio";
    ErrorsAreErrno, "errors-are-errno",
        "a grab's result is 0 or a negative errno",
        "returns a value that is not an errno";
    OnlyItsFolio, "only-its-folio",
        "an operation on one page changes only that page's folio",
        "changes another folio than its own";
    PredicatesChangeNothing, "predicates-change-nothing",
        "a predicate changes nothing",
        "changes state although it is a predicate";
    LocksAreBalanced, "locks-are-balanced",
        "no folio is left locked, and each dirtied one is unlocked once",
        "leaves folio locks unbalanced";
    DirtyWhenAsked, "dirty-when-asked",
        "an unpin with make_dirty leaves the folio dirty; others dirty nothing",
        "does not dirty its folios, or dirties others";
    FreedAtZero, "freed-at-zero",
        "a folio is freed when its last reference is dropped, and only then",
        "frees a folio with references, or does not free one without";
    InterruptsAreRestored, "interrupts-are-restored",
        "an operation leaves interrupts as it found them",
        "does not restore interrupts";
    HasPinnedIsOneWay, "has-pinned-is-one-way",
        "MMF_HAS_PINNED is set on request, and nothing else changes it",
        "changes MMF_HAS_PINNED without a request";
    OverflowIsNoticed, "overflow-is-noticed",
        "in the FOLL_PIN series a grab that succeeds takes no count over INT_MAX",
        "takes a count over INT_MAX";
    OverflowIsRefused, "overflow-is-refused",
        "a function that can fail takes nothing on a page with a negative count",
        "takes references on a page with a negative count";
    SlowGrabWarns, "slow-grab-warns",
        "the slow grab of a page without references warns",
        "does not warn about a page without references";
    PagesAreWhatIsMapped, "pages-are-what-is-mapped",
        "each page that the walk returns was mapped at its address at some time during the call",
        "returns a page that was not mapped there";
    AccessIsPermitted, "access-is-permitted",
        "each page that the walk returns was mapped for the requested access, or is a copy that FOLL_FORCE may write to",
        "returns a page that was not mapped for that access";
    VmaPermitsAccess, "vma-permits-access",
        "each page that the slow path returns is in a VMA whose protection key permits the access, and in no shadow stack that is written to without FOLL_FORCE",
        "returns a page of a VMA that does not permit the access";
    HeldIsReturned, "held-is-returned",
        "the walk holds exactly the pages that it returns",
        "holds other pages than it returns";
    NothingAskedNothingHeld, "nothing-asked-nothing-held",
        "a walk of no pages returns none and takes nothing",
        "returns or holds pages although none were requested";
    RefusalEndsTheWalk, "refusal-ends-the-walk",
        "after a page that cannot be made accessible the walk returns no more pages",
        "continues after a page that cannot be made accessible";
    ResultFitsTheCall, "result-fits-the-call",
        "the walk's result is a negative errno or a number of pages, at most as many as requested",
        "returns neither an errno nor a number of pages";
    SlowPathGetsTheRest, "slow-path-gets-the-rest",
        "the slow path is called once, for exactly the pages that the walk did not take",
        "passes a wrong range to the slow path";
    FastOnlyNeverSleeps, "fast-only-never-sleeps",
        "a fast-only walk takes no lock and does not call the slow path",
        "takes a lock although it is fast-only";
    PagemapsBalance, "pagemaps-balance",
        "each reference that was taken on a pagemap is dropped once",
        "leaks a reference on a pagemap, or drops too many";
    MmapLockBalances, "mmap-lock-balances",
        "the mmap lock is dropped as often as it was taken, and not before",
        "leaves the mmap lock unbalanced";
    LockedTellsTheTruth, "locked-tells-the-truth",
        "*locked says whether the mmap lock is held when the slow path returns",
        "returns a wrong *locked";
    MmapLockAsAgreed, "mmap-lock-as-agreed",
        "a function called with the mmap lock and without locked returns with it; one that takes it returns without it",
        "returns with the mmap lock in the wrong state";
    PageTableLocksAreDropped, "page-table-locks-are-dropped",
        "no lock of a page table or of a hugetlb VMA is held, no page table is mapped, user memory is not accessible and PF_MEMALLOC_PIN is not set when the slow path returns",
        "returns with a page-table lock or the lock of a hugetlb VMA held, a page table mapped, user memory accessible, or PF_MEMALLOC_PIN set";
    CarefulCallersAreSafe, "careful-callers-are-safe",
        "a caller that keeps every contract meets no WARN, no BUG, no fault and no endless loop",
        "warns or fails for a caller that keeps every contract";
    CarefulCallersLeakNothing, "careful-callers-leak-nothing",
        "after a caller that keeps every contract the counts are the initial ones plus what it holds",
        "leaks counts of a caller that keeps every contract";
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A law that a trace breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The law.
    pub law: Law,
    /// The operation's number; the number of operations for the state after the last one.
    pub op_index: usize,
    /// The operation's id.
    pub op: Option<u8>,
    /// The page concerned, if there is one.
    pub page: Option<u32>,
    /// What was expected and what was observed.
    pub what: String,
}

/// The properties of a side that laws depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideFacts {
    /// The revision.
    pub rev: Rev,
    /// Are pins counted as acquired and released?
    pub counters: bool,
}

impl From<&SideInfo> for SideFacts {
    fn from(side: &SideInfo) -> Self {
        Self {
            rev: side.rev,
            counters: side.debug_vm || side.rev.has(Fact::Counters),
        }
    }
}

impl From<Rev> for SideFacts {
    /// With all its counters.
    fn from(rev: Rev) -> Self {
        Self {
            rev,
            counters: true,
        }
    }
}

/// Checks traces; its memory is reused between programs.
pub struct Checker {
    pages: Pages,
    caller: careful::Caller,
    changed: Vec<op::Change>,
    /// By operation id: whether it is about one page.
    one_page: [bool; 256],
    tables: Tables,
    vmas: Vmas,
    /// What the last walk gave.
    seen: mapped::Seen,
    /// The actions that the current operation carried out.
    done: Vec<usize>,
    /// The tables are as they are after the current operation.
    advanced: bool,
    /// A page was made the tail of another folio: nobody can tell its head.
    odd: bool,
}

impl Default for Checker {
    fn default() -> Self {
        let mut one_page = [false; 256];
        for op in ops::table() {
            // not of a page's own count, which tails have, too
            let of_folio = match op.effect {
                Effect::Takes { what, by, .. } | Effect::Gives { what, by, .. } => {
                    by != By::Range && what != What::Count
                }
                Effect::Asks(_) | Effect::Marks | Effect::Sets(_) => true,
                Effect::Walks { .. } | Effect::Faults { .. } | Effect::PinsFile => false,
            };
            one_page[usize::from(op.id)] = op.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) && of_folio;
        }
        Self {
            pages: Pages::default(),
            caller: careful::Caller::default(),
            changed: Vec::new(),
            one_page,
            tables: Tables::default(),
            vmas: Vmas::default(),
            seen: mapped::Seen::default(),
            done: Vec::new(),
            advanced: false,
            odd: false,
        }
    }
}

impl Checker {
    /// The first law that the trace of `prog` breaks.
    pub fn check(
        &mut self,
        prog: &Program,
        facts: impl Into<SideFacts>,
        trace: &Trace,
    ) -> Option<Broken> {
        self.check_but(prog, facts.into(), trace, &mut |_| false)
    }

    /// Whether the program that was checked last kept every contract.
    pub fn was_careful(&self) -> bool {
        self.caller.is_careful()
    }

    /// The same, but goes on behind what `known` says yes to.
    pub fn check_but(
        &mut self,
        prog: &Program,
        facts: SideFacts,
        trace: &Trace,
        known: &mut dyn FnMut(&Broken) -> bool,
    ) -> Option<Broken> {
        self.pages.start(&prog.0, facts.rev);
        self.caller.start(prog, self.pages.layout(), facts.rev);
        self.tables.start();
        self.vmas = Vmas::default();
        self.seen.forget();
        self.odd = false;
        check::trace(self, prog, facts, trace, known)
    }
}
