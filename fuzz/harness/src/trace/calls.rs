// SPDX-License-Identifier: GPL-2.0
//! Calls into the rest of the kernel: those about a page, with its state at that time, and
//! the others.

use csrc::abi::{self, gd_rec};

/// A call into the rest of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// `__folio_put`: the folio is freed.
    FolioPut,
    /// `folio_mark_dirty`.
    FolioMarkDirty,
    /// `__folio_lock`: another task holds the lock, wait for it.
    FolioLock,
    /// `folio_unlock`.
    FolioUnlock,
    /// `wake_up_var` of the reference count.
    WakeUpVar,
    /// `free_devmap_managed_page`: the page goes back to its driver.
    FreeDevmapManaged,
    /// `mlock_vma_page`.
    MlockVmaPage,
    /// `arch_make_page_accessible`, `arch_make_folio_accessible`.
    MakeAccessible,
    /// `folio_mark_accessed`, `mark_page_accessed`.
    MarkAccessed,
    /// `folio_isolate_lru` and its variants.
    Isolate,
    /// `putback_movable_pages` puts an isolated folio back.
    Putback,
    /// `migrate_pages` has migrated an isolated folio, which is freed.
    Migrated,
    /// `migrate_device_coherent_folio` and its variants.
    MigrateDevice,
    /// `filemap_get_folios_contig` has found a folio and taken a reference.
    Found,
    /// `__folio_batch_release` drops that reference.
    Released,
    /// `memfd_alloc_folio` has allocated a folio.
    Allocated,
    /// `folio_zero_range`.
    Zeroed,
    /// `split_huge_page`.
    Split,
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
            abi::GD_C_SPLIT => Self::Split,
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
            // 6.1 calls it for the page, 6.12 for its folio
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
            Self::Split => "split_huge_page",
            Self::Unknown(_) => "unknown call",
        }
    }
}

/// A call into the rest of the kernel that does not report a page's state: its arguments.
/// The answer is the environment's default or the program's ANSWER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The slow path: what for. The number of pages follows, as [`Ask::SlowNr`].
    Slow {
        /// gup_flags, bits `GD_FOLL_*`.
        flags: u32,
        /// The start of the rest of the range.
        start: u64,
    },
    /// The rest of [`Ask::Slow`].
    SlowNr {
        /// The number of pages left.
        nr: u64,
        /// Whether `pages` is NULL.
        null: bool,
    },
    /// `get_dev_pagemap`.
    Pagemap {
        /// The page's number.
        page: u32,
        /// Whether the caller passed in a pagemap.
        given: bool,
    },
    /// `put_dev_pagemap`.
    PagemapPut {
        /// Whether it is not NULL.
        given: bool,
    },
    /// `mmap_read_lock`, `mmap_read_lock_killable`.
    MmapLock {
        /// Of which mm, as [`gd_op`](csrc::abi::gd_op) counts them.
        mm: u8,
        /// Whether a fatal signal may end it.
        killable: bool,
    },
    /// `mmap_read_unlock`.
    MmapUnlock {
        /// Of which mm, as [`gd_op`](csrc::abi::gd_op) counts them.
        mm: u8,
    },
    /// `handle_mm_fault`; or `hugetlb_fault`, where it is called itself.
    Fault {
        /// Whether it is the latter.
        hugetlb: bool,
        /// The number of the VMA.
        vma: u8,
        /// Whether allocations are not movable (PF_MEMALLOC_PIN).
        memalloc_pin: bool,
        /// Bits `GD_FF_*`.
        flags: u32,
        /// The address.
        addr: u64,
    },
    /// `lru_add_drain`, `lru_add_drain_all`.
    Drain {
        /// Whether for all CPUs.
        all: bool,
    },
    /// `migrate_pages`.
    Migrate {
        /// Folios on the list.
        nr: u64,
    },
    /// `expand_stack`.
    Expand {
        /// The number of its VMA.
        vma: u8,
        /// The address that it is to include.
        addr: u64,
    },
    /// `split_huge_pmd`.
    Split {
        /// The address that the PMD maps.
        addr: u64,
    },
    /// `filemap_get_folios_contig`.
    FindFolios {
        /// The first index.
        start: u64,
        /// The number of further ones.
        more: u32,
    },
    /// `memfd_alloc_folio`.
    AllocFolio {
        /// The index.
        index: u64,
        /// Whether allocations are not movable (PF_MEMALLOC_PIN).
        memalloc_pin: bool,
    },
    /// `hugetlbfs_pagecache_present`.
    Pagecache {
        /// The number of the VMA.
        vma: u8,
        /// The address.
        addr: u64,
    },
    /// `migration_entry_wait` and its kin.
    Migration {
        /// Of which mm, as [`gd_op`](csrc::abi::gd_op) counts them.
        mm: u8,
        /// The level of the entry, `GD_L_*`.
        level: u32,
        /// The first address that it serves.
        addr: u64,
    },
    /// No call: what `memfd_pin_folios` has stored as offset.
    Offset {
        /// In bytes.
        offset: u64,
    },
    /// `pr_warn`: a message in the log.
    Log,
    /// A load or store of a byte of user memory.
    UserAccess {
        /// Whether it is a store.
        write: bool,
        /// Whether `user_access_begin` permits it.
        permitted: bool,
        /// Its address.
        addr: u64,
    },
    /// `flush_anon_page` and its variants: the data cache is made consistent.
    Flush {
        /// Which of them, `GD_FLUSH_*`.
        how: u16,
        /// The page's number.
        page: u32,
        /// Where `flush_anon_page` says that it is mapped.
        addr: u64,
    },
    /// `set_pte` and its variants: the kernel stores an entry of a page table.
    SetEntry {
        /// Of which mm, as [`gd_op`](csrc::abi::gd_op) counts them.
        mm: u8,
        /// `GD_L_*`.
        level: u32,
        /// Bits `GD_EF_*`.
        flags: u16,
        /// The page's number; `abi::GD_NOWHERE` outside of the arena.
        page: u32,
        /// The first address that the entry maps.
        addr: u64,
    },
    /// A number that this build does not know.
    Unknown(u8),
}

impl Ask {
    /// From an ASK record.
    pub fn from_rec(rec: &gd_rec) -> Self {
        let mm = u8::from(u32::from(rec.b) & abi::GD_RB_MM != 0);
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
                mm,
                killable: rec.b & 1 != 0,
            },
            abi::GD_A_MMAP_UNLOCK => Self::MmapUnlock { mm },
            abi::GD_A_FAULT => Self::Fault {
                hugetlb: u32::from(rec.b) & abi::GD_RB_HUGETLB != 0,
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
            abi::GD_A_ALLOC_FOLIO => Self::AllocFolio {
                index: rec.d,
                memalloc_pin: u32::from(rec.b) & abi::GD_RB_MEMALLOC_PIN != 0,
            },
            abi::GD_A_PAGECACHE => Self::Pagecache {
                vma: rec.b as u8,
                addr: rec.d,
            },
            abi::GD_A_MIGRATION => Self::Migration {
                mm,
                level: u32::from(rec.b & 3),
                addr: rec.d,
            },
            abi::GD_A_OFFSET => Self::Offset { offset: rec.d },
            abi::GD_A_USER_ACCESS => Self::UserAccess {
                write: rec.b & 1 != 0,
                permitted: u32::from(rec.b) & abi::GD_RB_UACCESS == 0,
                addr: rec.d,
            },
            abi::GD_A_LOG => Self::Log,
            abi::GD_A_FLUSH => Self::Flush {
                how: rec.b,
                page: rec.c,
                addr: rec.d,
            },
            abi::GD_A_SET_ENTRY => Self::SetEntry {
                mm,
                level: u32::from(rec.b & 3),
                flags: (rec.b & !(abi::GD_RB_MM as u16)) >> 2,
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
            Self::MmapLock {
                killable: false, ..
            } => "mmap_read_lock",
            Self::MmapLock { killable: true, .. } => "mmap_read_lock_killable",
            Self::MmapUnlock { .. } => "mmap_read_unlock",
            Self::Fault { hugetlb: false, .. } => "handle_mm_fault",
            Self::Fault { hugetlb: true, .. } => "hugetlb_fault",
            Self::Drain { all: false } => "lru_add_drain",
            Self::Drain { all: true } => "lru_add_drain_all",
            Self::Migrate { .. } => "migrate_pages",
            Self::Expand { .. } => "expand_stack",
            Self::Split { .. } => "split_huge_pmd",
            Self::FindFolios { .. } => "filemap_get_folios_contig",
            Self::AllocFolio { .. } => "memfd_alloc_folio",
            Self::Pagecache { .. } => "hugetlbfs_pagecache_present",
            Self::Migration { .. } => "migration_entry_wait",
            Self::Offset { .. } => "offset",
            Self::UserAccess { write: false, .. } => "unsafe_get_user",
            Self::UserAccess { write: true, .. } => "unsafe_put_user",
            Self::Log => "pr_warn",
            Self::Flush { how, .. } => match u32::from(how) {
                abi::GD_FLUSH_ANON => "flush_anon_page",
                abi::GD_FLUSH_PAGE => "flush_dcache_page",
                _ => "flush_dcache_folio",
            },
            Self::SetEntry { level, .. } => match level {
                abi::GD_L_PTE => "set_pte",
                abi::GD_L_PMD => "set_pmd",
                abi::GD_L_PUD => "set_pud",
                _ => "set_pgd",
            },
            Self::Unknown(_) => "unknown call",
        }
    }

    /// The kind without its arguments: a number of `GD_A_*`.
    pub fn kind(self) -> u8 {
        let kind = match self {
            Self::Slow { .. } => abi::GD_A_SLOW,
            Self::SlowNr { .. } => abi::GD_A_SLOW_NR,
            Self::Pagemap { .. } => abi::GD_A_PAGEMAP,
            Self::PagemapPut { .. } => abi::GD_A_PAGEMAP_PUT,
            Self::MmapLock { .. } => abi::GD_A_MMAP_LOCK,
            Self::MmapUnlock { .. } => abi::GD_A_MMAP_UNLOCK,
            Self::Fault { .. } => abi::GD_A_FAULT,
            Self::Drain { .. } => abi::GD_A_DRAIN,
            Self::Migrate { .. } => abi::GD_A_MIGRATE,
            Self::Expand { .. } => abi::GD_A_EXPAND,
            Self::Split { .. } => abi::GD_A_SPLIT,
            Self::FindFolios { .. } => abi::GD_A_FIND_FOLIOS,
            Self::AllocFolio { .. } => abi::GD_A_ALLOC_FOLIO,
            Self::Pagecache { .. } => abi::GD_A_PAGECACHE,
            Self::Migration { .. } => abi::GD_A_MIGRATION,
            Self::Offset { .. } => abi::GD_A_OFFSET,
            Self::UserAccess { .. } => abi::GD_A_USER_ACCESS,
            Self::Flush { .. } => abi::GD_A_FLUSH,
            Self::Log => abi::GD_A_LOG,
            Self::SetEntry { .. } => abi::GD_A_SET_ENTRY,
            Self::Unknown(kind) => kind.into(),
        };
        kind as u8
    }
}
