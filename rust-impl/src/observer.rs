// SPDX-License-Identifier: GPL-2.0
//! What a run reports besides its final state: WARNs and calls, in order; and the hook
//! points within an operation.

use alloc::vec::Vec;

use crate::machine::{Machine, MmPtr};
use crate::page::PageState;
use crate::pages::PagePtr;
use crate::site::Site;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::VmaPtr;

/// A call into the rest of the kernel, about one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Call {
    /// `__folio_put`, in the series `__put_page`: the last reference was dropped, the folio
    /// is freed.
    FolioPut,
    /// `folio_mark_dirty`, `set_page_dirty`.
    FolioMarkDirty,
    /// `__folio_lock`, `__lock_page`: another task holds the lock, wait for it.
    FolioLock,
    /// `folio_unlock`, `unlock_page`.
    FolioUnlock,
    /// `wake_up_var` of the reference count.
    WakeUpVar,
    /// `arch_make_page_accessible`, `arch_make_folio_accessible`.
    MakeAccessible,
    /// `free_devmap_managed_page`: the page goes back to its driver.
    FreeDevmapManaged,
    /// `mlock_vma_page`.
    MlockVmaPage,
    /// `folio_mark_accessed`, `mark_page_accessed`.
    MarkAccessed,
    /// `folio_isolate_lru`, `isolate_lru_page`, and the functions for hugetlb.
    Isolate,
    /// `putback_movable_pages`: an isolated folio goes back to the LRU.
    Putback,
    /// `migrate_pages`: an isolated folio is freed.
    Migrated,
    /// `migrate_device_coherent_folio`, `migrate_device_coherent_page`.
    MigrateDevice,
    /// `filemap_get_folios_contig` found this folio in the page cache.
    Found,
    /// `__folio_batch_release`: drops the reference that `filemap_get_folios_contig` took.
    Released,
    /// `memfd_alloc_folio` returned this folio.
    Allocated,
    /// `folio_zero_range`.
    Zeroed,
    /// `split_huge_page`.
    Split,
}

/// A call into the rest of the kernel that is not about a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The slow path.
    Slow {
        /// gup_flags in canonical bits.
        flags: u32,
        /// The address where it continues.
        start: u64,
        /// The number of pages wanted.
        nr_pages: u64,
        /// The caller passed no array for them.
        no_pages: bool,
    },
    /// `get_dev_pagemap`.
    Pagemap {
        /// The device.
        page: PagePtr,
        /// The caller passes in the one that it has.
        held: bool,
    },
    /// `put_dev_pagemap`.
    PagemapPut {
        /// It is not NULL.
        held: bool,
    },
    /// `mmap_read_lock`, `mmap_read_lock_killable`.
    MmapLock {
        /// Of which mm.
        mm: MmPtr,
        /// The latter.
        killable: bool,
    },
    /// `mmap_read_unlock`.
    MmapUnlock {
        /// Of which mm.
        mm: MmPtr,
    },
    /// `handle_mm_fault`; or `hugetlb_fault`, where that is called instead.
    Fault {
        /// The VMA.
        vma: VmaPtr,
        /// The address.
        address: u64,
        /// [`fault_flag`](crate::mm::fault_flag) bits.
        flags: u32,
        /// It is called with PF_MEMALLOC_PIN: new pages must not be movable.
        memalloc_pin: bool,
        /// It is `hugetlb_fault`.
        hugetlb: bool,
    },
    /// `lru_add_drain`, `lru_add_drain_all`.
    Drain {
        /// It is `lru_add_drain_all`.
        all: bool,
    },
    /// `lru_cache_drain_for_folio`.
    DrainFor {
        /// The folio.
        folio: PagePtr,
    },
    /// `migrate_pages`.
    Migrate {
        /// Folios on the list.
        nr: u64,
    },
    /// `expand_stack`.
    Expand {
        /// The VMA to expand.
        vma: VmaPtr,
        /// Its new start.
        address: u64,
    },
    /// `filemap_get_folios_contig`.
    FindFolios {
        /// The first index.
        start: u64,
        /// The last one.
        end: u64,
    },
    /// `memfd_alloc_folio`.
    AllocFolio {
        /// The index.
        index: u64,
        /// It is called with PF_MEMALLOC_PIN: the folio must not be movable.
        memalloc_pin: bool,
    },
    /// `hugetlbfs_pagecache_present`.
    Pagecache {
        /// The VMA.
        vma: VmaPtr,
        /// The address.
        address: u64,
    },
    /// `migration_entry_wait`, `pmd_migration_entry_wait`, and those of hugetlbfs.
    Migration {
        /// Whose the entry is.
        mm: MmPtr,
        /// Of which level the entry is.
        level: Level,
        /// The first address that it serves.
        address: u64,
    },
    /// No call: `memfd_pin_folios` has stored this.
    Offset {
        /// In bytes.
        offset: u64,
    },
    /// A load or store of a byte of user memory.
    UserAccess {
        /// The address.
        address: u64,
        /// It is a store.
        write: bool,
    },
    /// The data cache is made consistent, on architectures that need it.
    Flush {
        /// How.
        how: Flush,
        /// The page.
        page: PagePtr,
    },
    /// `pr_warn`.
    Log,
    /// `split_huge_pmd`.
    Split {
        /// The address.
        address: u64,
    },
    /// `set_pte`, `set_pmd`, `set_pud`.
    SetEntry {
        /// In tables of which mm.
        mm: MmPtr,
        /// Which of them.
        level: Level,
        /// The first address that the entry maps.
        address: u64,
        /// Its new value.
        entry: Entry,
    },
}

/// A function that makes the data cache consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// `flush_anon_page`, with the address where the page is mapped.
    Anon(u64),
    /// `flush_dcache_page`.
    Page,
    /// `flush_dcache_folio`.
    Folio,
}

macro_rules! hooks {
    ($($(#[doc = $doc:literal])* $name:ident $(($of:ty))?, $text:literal;)*) => {
        /// A hook point: a point within an operation at which another CPU may act, or at
        /// which a call into the rest of the kernel gets its answer.
        ///
        /// They are reported only while [`Machine::interleaved`] is set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Hook {
            $($(#[doc = $doc])* $name $(($of))?,)*
        }

        /// The kind of a hook point: the same without its argument.
        enum Kind {
            $($name,)*
        }

        impl Hook {
            /// The text of each kind of hook point, indexed by [`Hook::kind`].
            pub const TEXT: &'static [&'static str] = &[$($text,)*];

            /// The number of its kind, an index of the texts.
            #[inline]
            pub fn kind(self) -> usize {
                match self {
                    $(Hook::$name { .. } => Kind::$name as usize,)*
                }
            }
        }
    };
}

hooks! {
    /// Before a load of this entry of a page table.
    ReadEntry(EntryPtr), "before read entry";
    /// Before a load of write_protect_seq.
    ReadSeq, "before read seq";
    /// Before an atomic update of this page's refcount, even one that fails.
    BeforeRef(u32), "before ref";
    /// After it.
    AfterRef(u32), "after ref";
    /// Before an atomic update of the pin count of the folio with this head.
    BeforePin(u32), "before pin";
    /// After it.
    AfterPin(u32), "after pin";
    /// `get_dev_pagemap` was called.
    Pagemap, "at get_dev_pagemap";
    /// `arch_make_page_accessible` or its like was called.
    Accessible, "at make_accessible";
    /// The slow path was called.
    Slow, "at slow_path";
    /// Before a page-table lock is taken.
    PageTableLock, "before page_table_lock";
    /// `handle_mm_fault` or `hugetlb_fault` was called.
    Fault, "at handle_mm_fault";
    /// `mmap_read_lock_killable` was called.
    MmapLock, "at mmap_read_lock";
    /// `lru_add_drain` or `lru_add_drain_all` was called.
    Drain, "at lru_add_drain";
    /// `folio_isolate_lru` or one of its kin was called.
    Isolate, "at folio_isolate_lru";
    /// `migrate_pages` was called.
    Migrate, "at migrate_pages";
    /// `migrate_device_coherent_folio` was called.
    MigrateDevice, "at migrate_device_coherent";
    /// `expand_stack` was called.
    Expand, "at expand_stack";
    /// `split_huge_pmd` was called.
    Split, "at split_huge_pmd";
    /// User memory was loaded from or stored to.
    UserAccess, "at user_access";
    /// `filemap_get_folios_contig` was called.
    FindFolios, "at filemap_get_folios_contig";
    /// `memfd_alloc_folio` was called.
    AllocFolio, "at memfd_alloc_folio";
    /// `hugetlbfs_pagecache_present` was called.
    Pagecache, "at hugetlbfs_pagecache_present";
    /// `migration_entry_wait` or one of its kin was called.
    Migration, "at migration_entry_wait";
    /// `split_huge_page` was called.
    SplitPage, "at split_huge_page";
}

/// Receives what a run reports.  BUG and memory faults are not reported here: the function
/// returns them as a [`Stop`](crate::Stop).
pub trait Observer {
    /// A WARN was hit.
    fn warn(&mut self, site: Site);

    /// A call is about to happen; `page` is its state before the call takes effect.
    fn call(&mut self, call: Call, page: PageState);

    /// A call that is not about a page is about to happen.
    fn ask(&mut self, ask: Ask);

    /// A hook point was reached: an action may change the machine now.  At a call, it may
    /// return the answer of the call.
    fn hook(&mut self, _machine: &mut Machine, _hook: Hook) -> Option<i32> {
        None
    }
}

/// Ignores all events.
impl Observer for () {
    fn warn(&mut self, _: Site) {}
    fn call(&mut self, _: Call, _: PageState) {}
    fn ask(&mut self, _: Ask) {}
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A WARN was hit.
    Warn(Site),
    /// A call, with the state of its page at that time.
    Call(Call, PageState),
    /// A call that is not about a page.
    Ask(Ask),
}

/// Keeps all events.
#[derive(Clone, Debug, Default)]
pub struct Events(pub Vec<Event>);

impl Observer for Events {
    fn warn(&mut self, site: Site) {
        self.0.push(Event::Warn(site));
    }

    fn call(&mut self, call: Call, page: PageState) {
        self.0.push(Event::Call(call, page));
    }

    fn ask(&mut self, ask: Ask) {
        self.0.push(Event::Ask(ask));
    }
}

impl Events {
    /// The sites of the WARNs, in order.
    pub fn warns(&self) -> Vec<Site> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Warn(site) => Some(*site),
                _ => None,
            })
            .collect()
    }

    /// The calls, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Call(call, _) => Some(*call),
                _ => None,
            })
            .collect()
    }

    /// The calls that are not about a page, in order.
    pub fn asks(&self) -> Vec<Ask> {
        self.0
            .iter()
            .filter_map(|event| match event {
                Event::Ask(ask) => Some(*ask),
                _ => None,
            })
            .collect()
    }
}
