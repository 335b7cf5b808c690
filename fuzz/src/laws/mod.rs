// SPDX-License-Identifier: GPL-2.0
//! Laws: what must hold on one side, whatever the other one does.
//!
//! Comparison cannot see a mistake that both sides make.  Laws can: they follow
//! one side's trace and check what the page pinning code promises its callers.
//! They hold on real kernels at every extreme, so they claim nothing where a
//! count overflows, and nothing about an operation that did not return.

mod careful;
mod check;
mod rules;
mod slow;
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

            /// A short name, as reports show it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Law::$law => $name,)*
                }
            }

            /// What an operation that breaks it does, to follow its name.
            pub fn breach(self) -> &'static str {
                match self {
                    $(Law::$law => $breach,)*
                }
            }

            /// What it says, in one line.
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
        "no page changes that no operation touched",
        "leaves a page changed that no operation touched";
    FailedGrabTakesNothing, "failed-grab-takes-nothing",
        "a grab that fails leaves all counts and counters as they were",
        "fails and leaves counts changed";
    NothingFromFree, "nothing-from-free",
        "no reference and no pin is taken on a page that has no references",
        "takes a reference on a page without any";
    GetMovesOnlyReferences, "get-moves-only-references",
        "taking or dropping references moves the refcount by what was asked, and no pins",
        "moves counts by something else than it was asked to";
    PinMovesCounts, "pin-moves-counts",
        "a pin moves a large folio's refcount and pin count by refs, a small one's refcount by refs * 1024",
        "moves counts by something else than its pins";
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
        "leaves a page whose counts say something else about pins";
    PinsBalanceCounters, "pins-balance-counters",
        "pins taken minus pins released equals what the page counts say",
        "leaves counters and pins that do not balance";
    LargeUnpinDropsBoth, "large-unpin-drops-both",
        "on a large folio a pin's reference and its pin count move together",
        "drops references and pins of a large folio unevenly";
    GrabReturnsTheFolio, "grab-returns-the-folio",
        "a grab that succeeds returns the folio of the page that it was given",
        "returns another folio than that of its page";
    ErrorsAreErrno, "errors-are-errno",
        "a grab's result is 0 or a negative errno",
        "returns what is no errno";
    OnlyItsFolio, "only-its-folio",
        "an operation on one page changes only that page's folio",
        "changes a folio that it is not about";
    PredicatesChangeNothing, "predicates-change-nothing",
        "asking a question changes nothing",
        "changes what it is only asked about";
    LocksAreBalanced, "locks-are-balanced",
        "no folio is left locked, and each one that was dirtied was unlocked once",
        "leaves folio locks unbalanced";
    DirtyWhenAsked, "dirty-when-asked",
        "an unpin that was asked to dirty leaves the folio dirty, others dirty nothing",
        "does not dirty what it was asked to, or dirties more";
    FreedAtZero, "freed-at-zero",
        "a folio is freed when its last reference is dropped, and only then",
        "frees a folio that has references, or does not free one without";
    InterruptsAreRestored, "interrupts-are-restored",
        "an operation leaves interrupts as it found them",
        "leaves interrupts other than it found them";
    HasPinnedIsOneWay, "has-pinned-is-one-way",
        "MMF_HAS_PINNED is set when asked for, and nothing else changes it",
        "changes MMF_HAS_PINNED unasked";
    OverflowIsNoticed, "overflow-is-noticed",
        "in the FOLL_PIN series a grab that succeeds takes no count over INT_MAX",
        "takes a count over INT_MAX";
    OverflowIsRefused, "overflow-is-refused",
        "what can fail takes nothing on a page whose count is negative",
        "takes references on a page with a negative count";
    SlowGrabWarns, "slow-grab-warns",
        "the slow grab of a page without references warns",
        "does not warn of a page without references";
    PagesAreWhatIsMapped, "pages-are-what-is-mapped",
        "each page that the walk returns was mapped at its address at some moment of the call",
        "returns a page that was not mapped there";
    AccessIsPermitted, "access-is-permitted",
        "each page that the walk returns was mapped for the access that was asked for",
        "returns a page that was not mapped for that access";
    HeldIsReturned, "held-is-returned",
        "what the walk holds of each folio is what it returned pages of",
        "holds something else than what it returns";
    NothingAskedNothingHeld, "nothing-asked-nothing-held",
        "a walk of no pages returns none and takes nothing",
        "returns or holds pages of a request for none";
    RefusalEndsTheWalk, "refusal-ends-the-walk",
        "after a page that cannot be made accessible the walk returns no more pages",
        "goes on after a page that cannot be made accessible";
    ResultFitsTheCall, "result-fits-the-call",
        "the walk's result is a negative errno or a number of pages, no more than were asked for",
        "returns neither an errno nor a number of pages";
    SlowPathGetsTheRest, "slow-path-gets-the-rest",
        "the slow path is asked once, for exactly the pages that the walk did not take",
        "hands something else than the rest to the slow path";
    FastOnlyNeverSleeps, "fast-only-never-sleeps",
        "a walk that is to be fast only takes no lock and does not ask the slow path",
        "takes a lock though it is to be fast only";
    PagemapsBalance, "pagemaps-balance",
        "each reference of a pagemap that was taken is given back once",
        "leaks or overdrops a reference of a pagemap";
    MmapLockBalances, "mmap-lock-balances",
        "the mmap lock is released as often as it was taken, and not before",
        "leaves the mmap lock unbalanced";
    LockedTellsTheTruth, "locked-tells-the-truth",
        "*locked says whether the mmap lock is held when the slow path returns",
        "says something wrong in *locked";
    MmapLockAsAgreed, "mmap-lock-as-agreed",
        "who is called with the mmap lock and no locked returns with it, who takes it returns without it",
        "returns with the mmap lock otherwise than agreed";
    PageTableLocksAreDropped, "page-table-locks-are-dropped",
        "no page-table lock is held when the slow path returns",
        "returns with a page-table lock held";
    CarefulCallersAreSafe, "careful-callers-are-safe",
        "a caller that keeps every contract meets no WARN, no BUG, no fault and no endless loop",
        "warns or fails for a caller that keeps every contract";
    CarefulCallersLeakNothing, "careful-callers-leak-nothing",
        "after a caller that keeps every contract the counts are those before it and what it holds",
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
    /// Which law.
    pub law: Law,
    /// At which operation; the number of operations for what comes after.
    pub op_index: usize,
    /// The operation's id.
    pub op: Option<u8>,
    /// On which page, if on one.
    pub page: Option<u32>,
    /// What was expected and what was seen, in words.
    pub what: String,
}

/// Whose trace it is, as far as the laws depend on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The revision.
    pub rev: Rev,
    /// Whether pins are counted in acquired and released.
    pub counters: bool,
}

impl From<&SideInfo> for Ground {
    fn from(side: &SideInfo) -> Self {
        Self {
            rev: side.rev,
            counters: side.debug_vm || side.rev.has(Fact::COUNTERS),
        }
    }
}

impl From<Rev> for Ground {
    /// With all its counters.
    fn from(rev: Rev) -> Self {
        Self {
            rev,
            counters: true,
        }
    }
}

/// Checks traces; keeps its memory between programs.
pub struct Checker {
    pages: Pages,
    caller: careful::Caller,
    changed: Vec<check::Change>,
    /// By operation id: whether it is about one page.
    one_page: [bool; 256],
    tables: Tables,
    /// What the last walk gave.
    seen: walk::Seen,
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
            seen: walk::Seen::default(),
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
        ground: impl Into<Ground>,
        trace: &Trace,
    ) -> Option<Broken> {
        self.check_but(prog, ground.into(), trace, &mut |_| false)
    }

    /// Whether the program that was checked last kept every contract.
    pub fn was_careful(&self) -> bool {
        self.caller.is_careful()
    }

    /// The same, but goes on behind what `known` says yes to.
    pub fn check_but(
        &mut self,
        prog: &Program,
        ground: Ground,
        trace: &Trace,
        known: &mut dyn FnMut(&Broken) -> bool,
    ) -> Option<Broken> {
        self.pages.start(&prog.0, ground.rev);
        self.caller.start(prog, self.pages.layout(), ground.rev);
        self.tables.start();
        self.seen.forget();
        self.odd = false;
        check::trace(self, prog, ground, trace, known)
    }
}
