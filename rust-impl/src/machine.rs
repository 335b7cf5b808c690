// SPDX-License-Identifier: GPL-2.0
//! A machine: the pages and the other state.
//!
//! One machine runs many programs; [`Machine::reset`] costs only what the last program
//! touched.

use alloc::vec::Vec;

use crate::cache::Cache;
use crate::page::{Mapping, PinScheme};
use crate::pages::{MAX_FOLIOS, NR_SLOTS, PagePtr, Pages, SLOT_SHIFT};
use crate::rules::{RULES_6_1, Rules};
use crate::tables::{EntryChange, Tables, entry_flag};
use crate::unpin::MAX_LIST;
use crate::vma::{VmaPtr, Vmas};
use crate::world::Placed;

/// Maximum number of steps (refcount updates and calls) of one operation.
pub const STEP_LIMIT: u32 = 512;

/// Bits of [`Machine::state_bits`].
pub mod state {
    /// Interrupts are on.
    pub const IRQS_ON: u8 = 0x01;
    /// MMF_HAS_PINNED of the mm.
    pub const HAS_PINNED: u8 = 0x02;
    /// devmap_managed_key.
    pub const DEVMAP_KEY: u8 = 0x04;
    /// The slow path of the fast entry points is real, not answered by the script.  A
    /// program sets it once, so [`Machine::state_bits`](super::Machine::state_bits) does
    /// not include it.
    pub const SLOW: u8 = 0x08;
    /// MMF_HAS_PINNED of the other mm.
    pub const OTHER_HAS_PINNED: u8 = 0x10;
    /// All of them.
    pub const ALL: u8 = 0x1f;
}

/// The pending signal of the running task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Signal {
    /// Nothing.
    #[default]
    None,
    /// A signal that is not fatal.
    Other,
    /// SIGKILL.
    Kill,
}

impl Signal {
    /// The state with this number, modulo what exists.
    pub const fn from_index(index: u32) -> Signal {
        match index % 3 {
            0 => Signal::None,
            1 => Signal::Other,
            _ => Signal::Kill,
        }
    }
}

/// What the running task holds during an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The mmap lock of current's mm.
    pub mmap_lock: bool,
    /// That of the other one.
    pub other_mmap_lock: bool,
    /// The number of held page-table locks.
    pub ptl: u32,
    /// How often the operation took one.
    pub ptl_taken: u32,
    /// PF_MEMALLOC_PIN: allocations are not movable.
    pub memalloc_pin: bool,
    /// It has warned of an access below a stack, which it does once an hour.
    pub warned_of_stack: bool,
    /// The folios that it has isolated.
    pub isolated: u32,
}

impl Held {
    /// The mmap lock of an mm.
    pub fn mmap_lock_of(&mut self, mm: MmPtr) -> &mut bool {
        match mm {
            MmPtr::Current => &mut self.mmap_lock,
            MmPtr::Other => &mut self.other_mmap_lock,
        }
    }
}

/// A `struct mm_struct *`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MmPtr {
    /// `current->mm`.
    #[default]
    Current,
    /// Another one, which the functions that are handed an mm can be about.
    Other,
}

impl MmPtr {
    /// The mm with this number, modulo what exists.
    pub const fn from_index(index: u32) -> MmPtr {
        match index % 2 {
            0 => MmPtr::Current,
            _ => MmPtr::Other,
        }
    }
}

/// The migrate type of a slot's pageblocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MigrateType {
    /// MIGRATE_UNMOVABLE.
    #[default]
    Unmovable,
    /// MIGRATE_MOVABLE.
    Movable,
    /// MIGRATE_RECLAIMABLE.
    Reclaimable,
    /// MIGRATE_CMA.
    Cma,
    /// MIGRATE_ISOLATE.
    Isolate,
}

impl MigrateType {
    /// The number of types.
    pub const NR: u32 = 5;

    /// The type with this number, modulo what exists.
    pub const fn from_index(index: u32) -> MigrateType {
        match index % Self::NR {
            0 => MigrateType::Unmovable,
            1 => MigrateType::Movable,
            2 => MigrateType::Reclaimable,
            3 => MigrateType::Cma,
            _ => MigrateType::Isolate,
        }
    }
}

/// Things that a program can ask for and that not every kernel has.  On a kernel without
/// them, the request has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Page-table entries that are marked as device memory.
    pub device_entries: bool,
    /// devmap_managed_key.
    pub devmap_key: bool,
    /// Mappings that mark a folio as having movable_ops.
    pub movable_mappings: bool,
    /// Tails of any folio, wherever its head is.
    pub far_tails: bool,
}

impl Parts {
    /// The capabilities of a kernel with these rules.
    pub const fn of(rules: &Rules) -> Parts {
        Parts {
            device_entries: rules.walk.has_device_entries,
            devmap_key: !rules.devmap_counts_like_others,
            movable_mappings: rules.mapping_says_movable,
            far_tails: !(rules.tails_hold_masks && rules.config.hugetlb),
        }
    }

    /// What is stored for a mapping: without the bit that says movable_ops, it is
    /// the pointer to an address_space.
    #[inline]
    pub const fn mapping(&self, asked: Mapping) -> Mapping {
        match asked {
            Mapping::Movable if !self.movable_mappings => Mapping::File,
            other => other,
        }
    }

    /// Flags of page-table entries that are stored, by [`entry_flag`] bits.
    #[inline]
    pub const fn entry_flags(&self, asked: u16) -> u16 {
        match self.device_entries {
            true => asked,
            false => asked & !entry_flag::DEVMAP,
        }
    }
}

/// Pages, and all state that the covered functions read or write.
pub struct Machine {
    /// What there is of what programs can ask for.
    pub parts: Parts,
    /// The memory map.
    pub pages: Pages,
    /// The page tables of both mms.
    pub tables: Tables,
    /// The VMAs of both mms.
    pub vmas: Vmas,
    /// The page cache of memfds.
    pub cache: Cache,
    /// What is pending for the running task.
    pub signal: Signal,
    /// What the running operation holds.
    pub held: Held,
    /// The slow path of the fast entry points is run, not answered.
    pub runs_slow_path: bool,
    /// Interrupts are on.
    pub irqs_on: bool,
    /// MMF_HAS_PINNED of current's mm.
    pub has_pinned: bool,
    /// That of the other mm.
    pub other_has_pinned: bool,
    /// write_protect_seq of current's mm; odd while a fork copies page tables.
    pub write_protect_seq: u32,
    /// The register PKRU of the running task: for each protection key a bit that disables
    /// access, and one that disables writes.
    pub pkru: u32,
    /// devmap_managed_key.
    pub devmap_managed_key: bool,
    /// The zero page; [`PagePtr::POISON`] if the program declares none.
    pub zero_page: PagePtr,
    /// The huge zero folio; [`PagePtr::POISON`] if the program declares none.
    pub huge_zero_page: PagePtr,
    /// NR_FOLL_PIN_ACQUIRED (in the series: REQUESTED), moved by the running
    /// operation.
    pub acquired: i32,
    /// NR_FOLL_PIN_RELEASED (in the series: RETURNED), moved by the running
    /// operation.
    pub released: i32,
    /// NR_ISOLATED_ANON and NR_ISOLATED_FILE, moved by the running operation.
    pub isolated: [i32; 2],
    /// `pages[]`, as far as the running operation has stored anything in it.  After a back-out
    /// its entries are still there; only the result says how many count.
    pub entries: Vec<PagePtr>,
    /// The VMAs of those pages, in kernels that record them.
    pub(crate) noted_vmas: Vec<VmaPtr>,
    /// The running operation has actions, so hook points must be reported.  Otherwise they
    /// cost nothing.
    pub interleaved: bool,
    /// Number of steps of the running operation.
    pub steps: u32,
    /// Maximum number of steps.
    pub step_limit: u32,
    pub(crate) folios: [Placed; MAX_FOLIOS as usize],
    pub(crate) nr_folios: usize,
    migratetype: Vec<MigrateType>,
    /// Slots whose migrate type was changed.
    blocks: Vec<u32>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine without declared folios, for kernels.
    pub fn new() -> Self {
        Self::with_pins(PinScheme::Exact)
    }

    /// A machine without declared folios, for a kernel or a version of the series with
    /// these rules.
    pub fn for_rules(rules: &Rules) -> Self {
        Self {
            parts: Parts::of(rules),
            ..Self::with_pins(rules.pins)
        }
    }

    /// Is it unchanged since [`Machine::for_rules`]?
    pub fn is_for(&self, rules: &Rules) -> bool {
        self.parts == Parts::of(rules) && self.pages.pins() == rules.pins
    }

    fn with_pins(pins: PinScheme) -> Self {
        Self {
            parts: Parts::of(&RULES_6_1),
            pages: Pages::with_pins(pins),
            tables: Tables::new(),
            vmas: Vmas::default(),
            cache: Cache::default(),
            signal: Signal::None,
            held: Held::default(),
            runs_slow_path: false,
            irqs_on: false,
            has_pinned: false,
            other_has_pinned: false,
            write_protect_seq: 0,
            pkru: 0,
            devmap_managed_key: false,
            zero_page: PagePtr::POISON,
            huge_zero_page: PagePtr::POISON,
            acquired: 0,
            released: 0,
            isolated: [0; 2],
            entries: Vec::with_capacity(MAX_LIST),
            noted_vmas: Vec::new(),
            interleaved: false,
            steps: 0,
            step_limit: STEP_LIMIT,
            folios: [Placed::NONE; MAX_FOLIOS as usize],
            nr_folios: 0,
            migratetype: alloc::vec![MigrateType::Unmovable; NR_SLOTS as usize],
            blocks: Vec::with_capacity(64),
        }
    }

    /// Undoes all changes of the last program.
    pub fn reset(&mut self) {
        self.pages.reset();
        self.tables.reset();
        self.vmas.reset();
        self.cache.reset();
        self.signal = Signal::None;
        for &slot in &self.blocks {
            self.migratetype[slot as usize] = MigrateType::Unmovable;
        }
        self.blocks.clear();
        self.nr_folios = 0;
        self.interleaved = false;
        self.zero_page = PagePtr::POISON;
        self.huge_zero_page = PagePtr::POISON;
        self.held = Held::default();
        self.begin_op();
    }

    /// Starts an operation: no steps, no touched or recorded pages, no counter moved, no
    /// locks held.
    #[inline]
    pub fn begin_op(&mut self) {
        self.pages.begin_op();
        self.vmas.change_now();
        self.tables.change_now();
        self.entries.clear();
        self.held = Held {
            // state of the task, which an operation that returns leaves unchanged
            memalloc_pin: self.held.memalloc_pin,
            // a program takes less than an hour
            warned_of_stack: self.held.warned_of_stack,
            ..Held::default()
        };
        self.steps = 0;
        self.acquired = 0;
        self.released = 0;
        self.isolated = [0; 2];
    }

    /// The operation drops the mmap lock of an mm.
    pub fn drop_mmap_lock(&mut self, mm: MmPtr) {
        *self.held.mmap_lock_of(mm) = false;
        self.change_vmas();
    }

    /// Tasks that wait for the mmap lock change VMAs, if the operation does not hold it.
    pub fn change_vmas(&mut self) {
        if !self.held.mmap_lock && !self.held.other_mmap_lock {
            self.vmas.change_now();
        }
    }

    /// Another CPU changes entries, as soon as the operation holds no page-table lock.
    pub fn change_entries(&mut self, change: EntryChange) {
        match self.held.ptl {
            0 => self.tables.change(change),
            _ => self.tables.change_later(change),
        }
    }

    /// The operation drops a page-table lock.
    pub fn drop_page_table_lock(&mut self) {
        self.held.ptl -= 1;
        if self.held.ptl == 0 {
            self.tables.change_now();
        }
    }

    /// The other state as [`state`] bits, without [`state::SLOW`].
    #[inline]
    pub fn state_bits(&self) -> u8 {
        (if self.irqs_on { state::IRQS_ON } else { 0 })
            | (if self.has_pinned {
                state::HAS_PINNED
            } else {
                0
            })
            | (if self.other_has_pinned {
                state::OTHER_HAS_PINNED
            } else {
                0
            })
            | (if self.devmap_managed_key {
                state::DEVMAP_KEY
            } else {
                0
            })
    }

    /// Sets the other state from [`state`] bits.
    pub fn set_state_bits(&mut self, bits: u8) {
        self.irqs_on = bits & state::IRQS_ON != 0;
        self.has_pinned = bits & state::HAS_PINNED != 0;
        self.other_has_pinned = bits & state::OTHER_HAS_PINNED != 0;
        self.set_devmap_key(bits & state::DEVMAP_KEY != 0);
        self.runs_slow_path = bits & state::SLOW != 0;
    }

    /// MMF_HAS_PINNED of an mm.
    pub fn has_pinned_of(&mut self, mm: MmPtr) -> &mut bool {
        match mm {
            MmPtr::Current => &mut self.has_pinned,
            MmPtr::Other => &mut self.other_has_pinned,
        }
    }

    /// Turns devmap_managed_key on or off, if this kernel has it.
    pub fn set_devmap_key(&mut self, on: bool) {
        self.devmap_managed_key = on && self.parts.devmap_key;
    }

    /// The folios of the running program, by index of declaration.
    #[inline]
    pub fn folios(&self) -> &[Placed] {
        &self.folios[..self.nr_folios]
    }

    /// The migrate type of the pageblock of an arena page.
    #[inline]
    pub fn migratetype(&self, nr: u32) -> MigrateType {
        self.migratetype[(nr >> SLOT_SHIFT) as usize]
    }

    /// Sets the migrate type of a slot.
    pub fn set_slot_migratetype(&mut self, slot: u32, to: MigrateType) {
        let now = &mut self.migratetype[slot as usize];
        if *now != to {
            *now = to;
            self.blocks.push(slot);
        }
    }
}
