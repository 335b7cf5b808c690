// SPDX-License-Identifier: GPL-2.0
//! Traces: what a side shows while it runs a program.
//!
//! A trace is a flat list of 16-byte records, the same on every side (see
//! `gupdiff.h`).  Comparison looks at the bytes; this module gives the records
//! their meaning for laws, statistics and reports.

use std::fmt;

use csrc::abi::{self, gd_rec};

use crate::site::SiteId;

/// The records of one run.
#[derive(Clone, Default)]
pub struct Trace {
    recs: Vec<gd_rec>,
}

const _: () = assert!(size_of::<gd_rec>() == 16);

impl Trace {
    /// An empty trace with room for an ordinary program.
    pub fn new() -> Self {
        Self {
            recs: Vec::with_capacity(512),
        }
    }

    /// All records in order.
    #[inline]
    pub fn records(&self) -> &[gd_rec] {
        &self.recs
    }

    /// For a side to fill; a side clears it first.
    pub fn records_mut(&mut self) -> &mut Vec<gd_rec> {
        &mut self.recs
    }

    /// The trace as bytes; two sides agree when these are equal.
    pub fn as_bytes(&self) -> &[u8] {
        bytes(&self.recs)
    }

    /// The operations that were executed, in order, each with its records; the
    /// last one may lack its RET when the trace was cut off.
    pub fn ops(&self) -> impl Iterator<Item = &[gd_rec]> {
        let mut rest = self.recs.as_slice();
        std::iter::from_fn(move || {
            let ret = rest
                .iter()
                .position(|r| u32::from(r.kind) == abi::GD_R_RET)?;
            let (op, tail) = rest.split_at(ret + 1);
            rest = tail;
            Some(op)
        })
    }

    /// What follows the last operation: pages that changed unnoticed, END.
    pub fn tail(&self) -> &[gd_rec] {
        let ret = self
            .recs
            .iter()
            .rposition(|r| u32::from(r.kind) == abi::GD_R_RET);
        &self.recs[ret.map_or(0, |i| i + 1)..]
    }

    /// Why the run ended, and after how many operations; `None` if the trace
    /// was cut off before its END.
    pub fn end(&self) -> Option<(End, u32)> {
        match Record::from(self.recs.last()?) {
            Record::End { reason, executed } => Some((reason, executed)),
            _ => None,
        }
    }
}

/// Records as bytes.
pub fn bytes(recs: &[gd_rec]) -> &[u8] {
    // SAFETY: gd_rec is plain old data without padding (its size is the sum of
    // its fields' sizes, asserted above), so every byte is initialised, and u8
    // has no alignment of its own.
    unsafe { std::slice::from_raw_parts(recs.as_ptr().cast(), size_of_val(recs)) }
}

/// What is observed of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// Arena page number.
    pub page: u32,
    /// `_refcount`.
    pub refcount: i32,
    /// Exact pin count; large heads only.
    pub pincount: i32,
    /// Bits `GD_F_*`.
    pub flags: u32,
    /// `GD_M_*`.
    pub mapping: u8,
    /// Whether it is a tail page.
    pub tail: bool,
    /// What the kernel's own maybe_dma_pinned says; false for tails.
    pub pinned: bool,
}

const PINNED: u8 = 0x80;
const TAIL: u32 = 1 << 31;
const PAGE_MASK: u32 = (1 << 20) - 1;

impl PageState {
    /// Packs into the fields of a PAGE record.
    #[inline]
    pub fn to_rec(&self) -> gd_rec {
        gd_rec {
            kind: abi::GD_R_PAGE as u8,
            a: (self.flags >> 16) as u8 & 0x7f | if self.pinned { PINNED } else { 0 },
            b: self.flags as u16,
            c: self.page | u32::from(self.mapping) << 20 | if self.tail { TAIL } else { 0 },
            d: u64::from(self.refcount as u32) | u64::from(self.pincount as u32) << 32,
        }
    }

    /// Whether a PAGE record is of a tail, or of the head of a large folio.
    #[inline]
    pub fn compound_of(rec: &gd_rec) -> (bool, bool) {
        const HEAD: u16 = 1 << abi::GD_F_HEAD;
        (rec.c & TAIL != 0, rec.b & HEAD != 0)
    }

    /// Unpacks a PAGE record.
    #[inline]
    pub fn from_rec(rec: &gd_rec) -> Self {
        Self {
            flags: u32::from(rec.b) | u32::from(rec.a & !PINNED) << 16,
            pinned: rec.a & PINNED != 0,
            ..Self::from_call(rec)
        }
    }

    /// The number of the page that a PAGE or CALL record is about.
    #[inline]
    pub fn page_of(rec: &gd_rec) -> u32 {
        rec.c & PAGE_MASK
    }

    /// Unpacks the page of a CALL record, which has no place for the upper
    /// flags and the pinned bit.
    #[inline]
    pub fn from_call(rec: &gd_rec) -> Self {
        Self {
            page: Self::page_of(rec),
            refcount: rec.d as u32 as i32,
            pincount: (rec.d >> 32) as u32 as i32,
            flags: u32::from(rec.b),
            mapping: (rec.c >> 20 & 0x7ff) as u8,
            tail: rec.c & TAIL != 0,
            pinned: false,
        }
    }

    /// Whether a flag (`GD_F_*`) is set.
    #[inline]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & 1 << flag != 0
    }

    /// Whether this is the head of a large folio.
    #[inline]
    pub fn is_large(&self) -> bool {
        self.has(abi::GD_F_HEAD)
    }
}

/// A call into the rest of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// `__folio_put`: the folio is freed.
    FolioPut,
    /// `folio_mark_dirty`.
    FolioMarkDirty,
    /// `__folio_lock`: the lock was taken, wait for it.
    FolioLock,
    /// `folio_unlock`.
    FolioUnlock,
    /// `wake_up_var` of the reference count.
    WakeUpVar,
    /// `free_devmap_managed_page`: the driver has its page back.
    FreeDevmapManaged,
    /// `mlock_vma_page`.
    MlockVmaPage,
    /// `arch_make_page_accessible`, `arch_make_folio_accessible`.
    MakeAccessible,
    /// `folio_mark_accessed`, `mark_page_accessed`.
    MarkAccessed,
    /// `folio_isolate_lru` and its kin.
    Isolate,
    /// `putback_movable_pages` puts an isolated folio back.
    Putback,
    /// `migrate_pages` has migrated an isolated folio, which is freed.
    Migrated,
    /// `migrate_device_coherent_folio` and its kin.
    MigrateDevice,
    /// `filemap_get_folios_contig` has found a folio and holds it.
    Found,
    /// `__folio_batch_release` gives that back.
    Released,
    /// `memfd_alloc_folio` has made a folio.
    Allocated,
    /// `folio_zero_range`.
    Zeroed,
    /// A number that this build does not know.
    Unknown(u8),
}

impl Call {
    /// From a CALL record's number.
    pub fn from_abi(call: u8) -> Self {
        match u32::from(call) {
            abi::GD_C_FOLIO_PUT => Self::FolioPut,
            abi::GD_C_FOLIO_MARK_DIRTY => Self::FolioMarkDirty,
            abi::GD_C_FOLIO_LOCK => Self::FolioLock,
            abi::GD_C_FOLIO_UNLOCK => Self::FolioUnlock,
            abi::GD_C_WAKE_UP_VAR => Self::WakeUpVar,
            abi::GD_C_FREE_DEVMAP_MANAGED => Self::FreeDevmapManaged,
            abi::GD_C_MLOCK_VMA_PAGE => Self::MlockVmaPage,
            abi::GD_C_MAKE_ACCESSIBLE => Self::MakeAccessible,
            abi::GD_C_MARK_ACCESSED => Self::MarkAccessed,
            abi::GD_C_ISOLATE => Self::Isolate,
            abi::GD_C_PUTBACK => Self::Putback,
            abi::GD_C_MIGRATED => Self::Migrated,
            abi::GD_C_MIGRATE_DEVICE => Self::MigrateDevice,
            abi::GD_C_FOUND => Self::Found,
            abi::GD_C_RELEASED => Self::Released,
            abi::GD_C_ALLOCATED => Self::Allocated,
            abi::GD_C_ZEROED => Self::Zeroed,
            _ => Self::Unknown(call),
        }
    }

    /// The kernel function that is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::FolioPut => "__folio_put",
            Self::FolioMarkDirty => "folio_mark_dirty",
            Self::FolioLock => "__folio_lock",
            Self::FolioUnlock => "folio_unlock",
            Self::WakeUpVar => "wake_up_var",
            Self::FreeDevmapManaged => "free_devmap_managed_page",
            Self::MlockVmaPage => "mlock_vma_page",
            // 6.1 asks about the page, 6.12 about its folio
            Self::MakeAccessible => "arch_make_accessible",
            // these have had a name for pages, too
            Self::MarkAccessed => "folio_mark_accessed",
            Self::Isolate => "folio_isolate_lru",
            Self::Putback => "putback_movable_pages",
            Self::Migrated => "migrate_pages",
            Self::MigrateDevice => "migrate_device_coherent",
            Self::Found => "filemap_get_folios_contig",
            Self::Released => "__folio_batch_release",
            Self::Allocated => "memfd_alloc_folio",
            Self::Zeroed => "folio_zero_range",
            Self::Unknown(_) => "unknown call",
        }
    }
}

/// A call into the rest of the kernel that is about no page's state: what it was
/// asked for. The answer is the environment's, or the program's ANSWER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The slow path: what for. The number of pages follows, as [`Ask::SlowNr`].
    Slow {
        /// gup_flags, bits `GD_FOLL_*`.
        flags: u32,
        /// Where the rest of the range starts.
        start: u64,
    },
    /// The rest of [`Ask::Slow`].
    SlowNr {
        /// Pages that are left.
        nr: u64,
        /// Whether `pages` is NULL.
        null: bool,
    },
    /// `get_dev_pagemap`.
    Pagemap {
        /// The page's number.
        page: u32,
        /// Whether a pagemap was passed in.
        given: bool,
    },
    /// `put_dev_pagemap`.
    PagemapPut {
        /// Whether it was one.
        given: bool,
    },
    /// `mmap_read_lock`, `mmap_read_lock_killable`.
    MmapLock {
        /// Whether a fatal signal may end it.
        killable: bool,
    },
    /// `mmap_read_unlock`.
    MmapUnlock,
    /// `handle_mm_fault`.
    Fault {
        /// The number of the VMA.
        vma: u8,
        /// Whether allocations are not movable (PF_MEMALLOC_PIN).
        memalloc_pin: bool,
        /// Bits `GD_FF_*`.
        flags: u32,
        /// Where.
        addr: u64,
    },
    /// `lru_add_drain`, `lru_add_drain_all`.
    Drain {
        /// Whether on all CPUs.
        all: bool,
    },
    /// `migrate_pages`.
    Migrate {
        /// Folios on the list.
        nr: u64,
    },
    /// The stack is to grow.
    Expand {
        /// The number of its VMA.
        vma: u8,
        /// The address that it is to have.
        addr: u64,
    },
    /// `split_huge_pmd`.
    Split {
        /// The address that the PMD serves.
        addr: u64,
    },
    /// `filemap_get_folios_contig`.
    FindFolios {
        /// The first index.
        start: u64,
        /// So many more.
        more: u32,
    },
    /// `memfd_alloc_folio`.
    AllocFolio {
        /// The index.
        index: u64,
    },
    /// `hugetlbfs_pagecache_present`.
    Pagecache {
        /// The number of the VMA.
        vma: u8,
        /// Where.
        addr: u64,
    },
    /// No call: what `memfd_pin_folios` has stored as offset.
    Offset {
        /// In bytes.
        offset: u64,
    },
    /// A load or store of a byte of user memory.
    UserAccess {
        /// Whether it is a store.
        write: bool,
        /// Its address.
        addr: u64,
    },
    /// `set_pte` and its kin: the kernel stores an entry of a page table.
    SetEntry {
        /// `GD_L_*`.
        level: u32,
        /// Bits `GD_EF_*`.
        flags: u16,
        /// The page's number; `abi::GD_NOWHERE` outside of the arena.
        page: u32,
        /// The first address that the entry serves.
        addr: u64,
    },
    /// A number that this build does not know.
    Unknown(u8),
}

impl Ask {
    /// From an ASK record.
    pub fn from_rec(rec: &gd_rec) -> Self {
        match u32::from(rec.a) {
            abi::GD_A_SLOW => Self::Slow {
                flags: rec.c,
                start: rec.d,
            },
            abi::GD_A_SLOW_NR => Self::SlowNr {
                nr: rec.d,
                null: rec.b != 0,
            },
            abi::GD_A_PAGEMAP => Self::Pagemap {
                page: rec.c,
                given: rec.b != 0,
            },
            abi::GD_A_PAGEMAP_PUT => Self::PagemapPut { given: rec.b != 0 },
            abi::GD_A_MMAP_LOCK => Self::MmapLock {
                killable: rec.b != 0,
            },
            abi::GD_A_MMAP_UNLOCK => Self::MmapUnlock,
            abi::GD_A_FAULT => Self::Fault {
                vma: rec.b as u8,
                memalloc_pin: u32::from(rec.b) & abi::GD_RB_MEMALLOC_PIN != 0,
                flags: rec.c,
                addr: rec.d,
            },
            abi::GD_A_DRAIN => Self::Drain { all: rec.b != 0 },
            abi::GD_A_MIGRATE => Self::Migrate { nr: rec.d },
            abi::GD_A_EXPAND => Self::Expand {
                vma: rec.b as u8,
                addr: rec.d,
            },
            abi::GD_A_SPLIT => Self::Split { addr: rec.d },
            abi::GD_A_FIND_FOLIOS => Self::FindFolios {
                start: rec.d,
                more: rec.c,
            },
            abi::GD_A_ALLOC_FOLIO => Self::AllocFolio { index: rec.d },
            abi::GD_A_PAGECACHE => Self::Pagecache {
                vma: rec.b as u8,
                addr: rec.d,
            },
            abi::GD_A_OFFSET => Self::Offset { offset: rec.d },
            abi::GD_A_USER_ACCESS => Self::UserAccess {
                write: rec.b != 0,
                addr: rec.d,
            },
            abi::GD_A_SET_ENTRY => Self::SetEntry {
                level: u32::from(rec.b & 3),
                flags: rec.b >> 2,
                page: rec.c,
                addr: rec.d,
            },
            _ => Self::Unknown(rec.a),
        }
    }

    /// The function that is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slow { .. } | Self::SlowNr { .. } => "slow_path",
            Self::Pagemap { .. } => "get_dev_pagemap",
            Self::PagemapPut { .. } => "put_dev_pagemap",
            Self::MmapLock { killable: false } => "mmap_read_lock",
            Self::MmapLock { killable: true } => "mmap_read_lock_killable",
            Self::MmapUnlock => "mmap_read_unlock",
            Self::Fault { .. } => "handle_mm_fault",
            Self::Drain { all: false } => "lru_add_drain",
            Self::Drain { all: true } => "lru_add_drain_all",
            Self::Migrate { .. } => "migrate_pages",
            Self::Expand { .. } => "expand_stack",
            Self::Split { .. } => "split_huge_pmd",
            Self::FindFolios { .. } => "filemap_get_folios_contig",
            Self::AllocFolio { .. } => "memfd_alloc_folio",
            Self::Pagecache { .. } => "hugetlbfs_pagecache_present",
            Self::Offset { .. } => "offset",
            Self::UserAccess { write: false, .. } => "unsafe_get_user",
            Self::UserAccess { write: true, .. } => "unsafe_put_user",
            Self::SetEntry { level, .. } => match level {
                abi::GD_L_PTE => "set_pte",
                abi::GD_L_PMD => "set_pmd",
                abi::GD_L_PUD => "set_pud",
                _ => "set_pgd",
            },
            Self::Unknown(_) => "unknown call",
        }
    }

    /// Which one, without what it was asked for: a number of `GD_A_*`.
    pub fn kind(self) -> u8 {
        let kind = match self {
            Self::Slow { .. } => abi::GD_A_SLOW,
            Self::SlowNr { .. } => abi::GD_A_SLOW_NR,
            Self::Pagemap { .. } => abi::GD_A_PAGEMAP,
            Self::PagemapPut { .. } => abi::GD_A_PAGEMAP_PUT,
            Self::MmapLock { .. } => abi::GD_A_MMAP_LOCK,
            Self::MmapUnlock => abi::GD_A_MMAP_UNLOCK,
            Self::Fault { .. } => abi::GD_A_FAULT,
            Self::Drain { .. } => abi::GD_A_DRAIN,
            Self::Migrate { .. } => abi::GD_A_MIGRATE,
            Self::Expand { .. } => abi::GD_A_EXPAND,
            Self::Split { .. } => abi::GD_A_SPLIT,
            Self::FindFolios { .. } => abi::GD_A_FIND_FOLIOS,
            Self::AllocFolio { .. } => abi::GD_A_ALLOC_FOLIO,
            Self::Pagecache { .. } => abi::GD_A_PAGECACHE,
            Self::Offset { .. } => abi::GD_A_OFFSET,
            Self::UserAccess { .. } => abi::GD_A_USER_ACCESS,
            Self::SetEntry { .. } => abi::GD_A_SET_ENTRY,
            Self::Unknown(kind) => kind.into(),
        };
        kind as u8
    }
}

/// What an operation gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// Nothing, and it returned.
    Void,
    /// A truth value.
    Bool(bool),
    /// 0 or a negative errno.
    Errno(i32),
    /// A folio, by its page number.
    Folio(u32),
    /// A page, by its number; `abi::GD_NOWHERE` outside of the arena.
    Page(u32),
    /// NULL instead of a folio or a page.
    Null,
    /// A number.
    Int(i64),
    /// The revision has no such function.
    Absent,
    /// It did not return.
    Stopped,
    /// A kind that this build does not know.
    Unknown(u8, u64),
}

/// Which locks there are when an operation returns, and what it says of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locks(pub u16);

impl Locks {
    const fn has(self, bit: u32) -> bool {
        self.0 as u32 & bit != 0
    }

    /// What `*locked` is; `None` if the operation has no such argument.
    pub fn locked(self) -> Option<bool> {
        match (self.has(abi::GD_RB_LOCKED), self.has(abi::GD_RB_UNLOCKED)) {
            (false, false) => None,
            (locked, _) => Some(locked),
        }
    }

    /// Whether the mmap lock is held.
    pub fn mmap(self) -> bool {
        self.has(abi::GD_RB_MMAP)
    }

    /// Whether a page-table lock is held.
    pub fn page_table(self) -> bool {
        self.has(abi::GD_RB_PTL)
    }
}

/// Why a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// All operations were executed.
    Done,
    /// At a BUG.
    Bug,
    /// At a memory fault.
    Oops,
    /// At the step limit.
    Limit,
    /// At something that the side does not provide.
    Gap,
    /// A reason that this build does not know.
    Unknown(u8),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Bug => f.write_str("BUG"),
            Self::Oops => f.write_str("OOPS"),
            Self::Limit => f.write_str("step limit"),
            Self::Gap => f.write_str("gap"),
            Self::Unknown(reason) => write!(f, "unknown end {reason}"),
        }
    }
}

/// A record with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A warning.
    Warn(SiteId),
    /// A BUG; the program ends.
    Bug(SiteId),
    /// A memory fault; the program ends.
    Oops,
    /// The step limit; the program ends.
    Limit,
    /// Something not provided, by the side's own index of names.
    Gap(u32),
    /// A call into the rest of the kernel, with its page at that time.
    Call(Call, PageState),
    /// A call that is about no page.
    Ask(Ask),
    /// A moment has come: the index of the operation that is carried out.
    Act(u16),
    /// An entry of `pages[]`.
    Entry {
        /// Which.
        index: u16,
        /// The page's number; `abi::GD_NOWHERE` outside of the arena.
        page: u32,
    },
    /// A page whose state changed.
    Page(PageState),
    /// State beside pages that changed, or counters that moved.
    State {
        /// Bits `GD_W_*`.
        bits: u8,
        /// Pins acquired in this operation.
        acquired: i32,
        /// Pins released in this operation.
        released: i32,
    },
    /// The result, and the locks that are held; ends an operation.
    Ret(Ret, Locks),
    /// Ends the trace.
    End {
        /// Why it ended.
        reason: End,
        /// How many operations were executed.
        executed: u32,
    },
    /// A kind that this build does not know.
    Unknown(u8),
}

impl From<&gd_rec> for Record {
    fn from(rec: &gd_rec) -> Self {
        match u32::from(rec.kind) {
            abi::GD_R_WARN => Self::Warn(SiteId(rec.c)),
            abi::GD_R_BUG => Self::Bug(SiteId(rec.c)),
            abi::GD_R_OOPS => Self::Oops,
            abi::GD_R_LIMIT => Self::Limit,
            abi::GD_R_GAP => Self::Gap(rec.c),
            abi::GD_R_CALL => Self::Call(Call::from_abi(rec.a), PageState::from_call(rec)),
            abi::GD_R_ASK => Self::Ask(Ask::from_rec(rec)),
            abi::GD_R_ACT => Self::Act(rec.b),
            abi::GD_R_ENTRY => Self::Entry {
                index: rec.b,
                page: rec.c,
            },
            abi::GD_R_PAGE => Self::Page(PageState::from_rec(rec)),
            abi::GD_R_STATE => Self::State {
                bits: rec.a,
                acquired: rec.d as u32 as i32,
                released: (rec.d >> 32) as u32 as i32,
            },
            abi::GD_R_RET => Self::Ret(ret(rec), Locks(rec.b)),
            abi::GD_R_END => Self::End {
                reason: match u32::from(rec.a) {
                    abi::GD_END_DONE => End::Done,
                    abi::GD_END_BUG => End::Bug,
                    abi::GD_END_OOPS => End::Oops,
                    abi::GD_END_LIMIT => End::Limit,
                    abi::GD_END_GAP => End::Gap,
                    _ => End::Unknown(rec.a),
                },
                executed: u32::from(rec.b),
            },
            _ => Self::Unknown(rec.kind),
        }
    }
}

/// What a RET record says.
#[inline]
pub fn ret(rec: &gd_rec) -> Ret {
    match u32::from(rec.a) {
        abi::GD_RET_VOID => Ret::Void,
        abi::GD_RET_BOOL => Ret::Bool(rec.d != 0),
        abi::GD_RET_ERRNO => Ret::Errno(rec.d as i32),
        abi::GD_RET_FOLIO => Ret::Folio(rec.d as u32),
        abi::GD_RET_PAGE => Ret::Page(rec.d as u32),
        abi::GD_RET_NULL => Ret::Null,
        abi::GD_RET_INT => Ret::Int(rec.d as i64),
        abi::GD_RET_ABSENT => Ret::Absent,
        abi::GD_RET_STOPPED => Ret::Stopped,
        _ => Ret::Unknown(rec.a, rec.d),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rec(kind: u32, a: u32, b: u16, c: u32, d: u64) -> gd_rec {
        gd_rec {
            kind: kind as u8,
            a: a as u8,
            b,
            c,
            d,
        }
    }

    #[test]
    fn page_states_survive_packing() {
        let state = PageState {
            page: 0x6_dfff,
            refcount: i32::MIN,
            pincount: -1,
            flags: (1 << abi::GD_NR_FLAGS) - 1,
            mapping: 7,
            tail: true,
            pinned: true,
        };
        assert_eq!(PageState::from_rec(&state.to_rec()), state);
        let state = PageState::default();
        assert_eq!(PageState::from_rec(&state.to_rec()), state);
    }

    #[test]
    fn a_trace_splits_at_results() {
        let mut trace = Trace::new();
        trace.records_mut().extend([
            rec(abi::GD_R_WARN, 0, 0, 1, 0),
            rec(abi::GD_R_RET, abi::GD_RET_NULL, 0, 0, 0),
            rec(abi::GD_R_RET, abi::GD_RET_ERRNO, 0, 0, -12i64 as u64),
            rec(abi::GD_R_PAGE, 0, 0, 5, 1),
            rec(abi::GD_R_END, abi::GD_END_DONE, 2, 0, 0),
        ]);
        let lens: Vec<_> = trace.ops().map(<[_]>::len).collect();
        assert_eq!(lens, [2, 1]);
        assert_eq!(trace.tail().len(), 2);
        assert_eq!(trace.end(), Some((End::Done, 2)));
        assert_eq!(
            Record::from(&trace.records()[2]),
            Record::Ret(Ret::Errno(-12), Locks(0))
        );
    }
}
