// SPDX-License-Identifier: GPL-2.0
//! What a run shows besides its state: WARNs and calls, in order; and the
//! moments at which others may act within an operation.

use alloc::vec::Vec;

use crate::machine::{Machine, MmPtr};
use crate::page::PageState;
use crate::pages::PagePtr;
use crate::site::Site;
use crate::tables::{Entry, EntryPtr, Level};
use crate::vma::VmaPtr;

/// A call into the rest of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Call {
    /// `__folio_put`, in the series `__put_page`: the last reference is gone, the folio is freed.
    FolioPut,
    /// `folio_mark_dirty`, `set_page_dirty`.
    FolioMarkDirty,
    /// `__folio_lock`, `__lock_page`: the lock was taken, wait for it.
    FolioLock,
    /// `folio_unlock`, `unlock_page`.
    FolioUnlock,
    /// `wake_up_var` of the reference count.
    WakeUpVar,
    /// `arch_make_page_accessible`, `arch_make_folio_accessible`.
    MakeAccessible,
    /// `free_devmap_managed_page`: the driver has its page back.
    FreeDevmapManaged,
    /// `mlock_vma_page`.
    MlockVmaPage,
    /// `folio_mark_accessed`, `mark_page_accessed`.
    MarkAccessed,
    /// `folio_isolate_lru`, `isolate_lru_page`, and those for hugetlb.
    Isolate,
    /// `putback_movable_pages`: what was isolated goes back.
    Putback,
    /// `migrate_pages`: what was isolated is freed.
    Migrated,
    /// `migrate_device_coherent_folio`, `migrate_device_coherent_page`.
    MigrateDevice,
    /// By `filemap_get_folios_contig`: it is in the page cache.
    Found,
    /// By `__folio_batch_release`: the reference that the former took is gone.
    Released,
    /// By `memfd_alloc_folio`.
    Allocated,
    /// `folio_zero_range`.
    Zeroed,
    /// `split_huge_page`.
    Split,
}

/// A call into the rest of the kernel that is about no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The slow path.
    Slow {
        /// gup_flags in canonical bits.
        flags: u32,
        /// Where to go on.
        start: u64,
        /// How many pages are wanted.
        nr_pages: u64,
        /// There is no array for them.
        no_pages: bool,
    },
    /// `get_dev_pagemap`.
    Pagemap {
        /// Whose.
        page: PagePtr,
        /// The caller has one already and passes it in.
        held: bool,
    },
    /// `put_dev_pagemap`.
    PagemapPut {
        /// There is one.
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
        /// In which VMA.
        vma: VmaPtr,
        /// Where.
        address: u64,
        /// [`fault_flag`](crate::mm::fault_flag) bits.
        flags: u32,
        /// What is allocated is not movable.
        memalloc_pin: bool,
        /// It is `hugetlb_fault`.
        hugetlb: bool,
    },
    /// `lru_add_drain`, `lru_add_drain_all`.
    Drain {
        /// The latter.
        all: bool,
    },
    /// `lru_cache_drain_for_folio`.
    DrainFor {
        /// Which one.
        folio: PagePtr,
    },
    /// `migrate_pages`.
    Migrate {
        /// Folios on the list.
        nr: u64,
    },
    /// `expand_stack`.
    Expand {
        /// Which VMA is to grow.
        vma: VmaPtr,
        /// Down to where.
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
        /// Where.
        index: u64,
    },
    /// `hugetlbfs_pagecache_present`.
    Pagecache {
        /// Of which VMA.
        vma: VmaPtr,
        /// Where.
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
        /// Where.
        address: u64,
        /// It is a store.
        write: bool,
    },
    /// `split_huge_pmd`.
    Split {
        /// Where.
        address: u64,
    },
    /// `set_pte`, `set_pmd`, `set_pud`.
    SetEntry {
        /// In tables of which mm.
        mm: MmPtr,
        /// Which of them.
        level: Level,
        /// The first address that the entry serves.
        address: u64,
        /// What it is now.
        entry: Entry,
    },
}

macro_rules! moments {
    ($($(#[doc = $doc:literal])* $name:ident $(($of:ty))?, $words:literal;)*) => {
        /// A point within an operation at which another CPU may act, or at which the
        /// rest of the kernel answers.
        ///
        /// They are told only while [`Machine::interleaved`] is set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Moment {
            $($(#[doc = $doc])* $name $(($of))?,)*
        }

        /// The same without what it is about.
        enum Kind {
            $($name,)*
        }

        impl Moment {
            /// What each kind of moment is called, by [`Moment::kind`].
            pub const WORDS: &'static [&'static str] = &[$($words,)*];

            /// Of which kind it is: a number below that of the words.
            #[inline]
            pub fn kind(self) -> usize {
                match self {
                    $(Moment::$name { .. } => Kind::$name as usize,)*
                }
            }
        }
    };
}

moments! {
    /// Before a load of this entry of a page table.
    Load(EntryPtr), "before read entry";
    /// Before a load of write_protect_seq.
    LoadSeq, "before read seq";
    /// Before an atomic update of this page's refcount, a refused one too.
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

/// Who watches.  BUG and memory faults are not told here: they are the
/// [`Stop`](crate::Stop) that the function gives back.
pub trait Observer {
    /// A WARN was hit.
    fn warn(&mut self, site: Site);

    /// A call is about to happen; `page` is as it is before the call's effect.
    fn call(&mut self, call: Call, page: PageState);

    /// A call that is about no page is about to happen.
    fn ask(&mut self, ask: Ask);

    /// A moment has come: whoever acts now does so on the machine.  At a call,
    /// this may be its answer.
    fn moment(&mut self, _machine: &mut Machine, _moment: Moment) -> Option<i32> {
        None
    }
}

/// Watches nothing.
impl Observer for () {
    fn warn(&mut self, _: Site) {}
    fn call(&mut self, _: Call, _: PageState) {}
    fn ask(&mut self, _: Ask) {}
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A WARN was hit.
    Warn(Site),
    /// A call, with its page at that time.
    Call(Call, PageState),
    /// A call that is about no page.
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

    /// The calls that are about no page, in order.
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
