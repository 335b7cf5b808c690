// SPDX-License-Identifier: GPL-2.0
//! A bench for tests: a world, one kernel on it, and what it showed.

use std::ops::{Deref, DerefMut};

use gup::machine::MigrateType;
use gup::slow::entry::Request;
use gup::{
    Ask, Buffer, Call, Events, Flush, FolioDecl, FolioPtr, Foll, FollFlag, Hook, Kernel, Kind,
    Level, Machine, Mapping, NewEntry, Observer, Page, PagePtr, PageState, Rules, Site, Stop,
    VmaKind, WorldDecl,
};

pub use gup::rules::{
    RULES_6_1, RULES_6_12, RULES_V8, RULES_V8_SIGNED, RULES_V9, RULES_V9_BIAS32, RULES_V10,
    RULES_V11,
};

/// One kernel on a world.
pub struct Bench {
    pub rules: Rules,
    pub machine: Machine,
    pub events: Watch,
}

/// What another CPU does at a hook point; it may return an answer.
type Act = Box<dyn FnMut(&mut Machine) -> Option<i32>>;

/// Keeps all events, and runs actions at their hook points.
#[derive(Default)]
pub struct Watch {
    events: Events,
    acts: Vec<(Hook, u32, Act)>,
}

impl Deref for Watch {
    type Target = Events;
    fn deref(&self) -> &Events {
        &self.events
    }
}

impl DerefMut for Watch {
    fn deref_mut(&mut self) -> &mut Events {
        &mut self.events
    }
}

impl Observer for Watch {
    fn warn(&mut self, site: Site) {
        self.events.warn(site);
    }

    fn call(&mut self, call: Call, page: PageState) {
        self.events.call(call, page);
    }

    fn ask(&mut self, ask: Ask) {
        self.events.ask(ask);
    }

    fn hook(&mut self, machine: &mut Machine, hook: Hook) -> Option<i32> {
        let mut answer = None;
        for (at, left, act) in &mut self.acts {
            if *at == hook && *left > 0 {
                *left -= 1;
                if *left == 0 {
                    answer = act(machine).or(answer);
                }
            }
        }
        answer
    }
}

/// A small file folio with one reference.
pub fn small() -> FolioDecl {
    FolioDecl {
        mapping: Mapping::File,
        refcount: 1,
        ..FolioDecl::default()
    }
}

/// A large anonymous exclusive folio with one reference.
pub fn thp(order: u8) -> FolioDecl {
    FolioDecl {
        order,
        mapping: Mapping::Anon,
        exclusive: true,
        refcount: 1,
        ..FolioDecl::default()
    }
}

/// A small file folio with that many references.
pub fn counted(refcount: i32) -> FolioDecl {
    FolioDecl {
        refcount,
        ..small()
    }
}

/// A large anonymous exclusive folio with that many references.
pub fn compound(order: u8, refcount: i32) -> FolioDecl {
    FolioDecl {
        refcount,
        ..thp(order)
    }
}

/// A small ZONE_DEVICE folio with one reference.
pub fn device(kind: Kind) -> FolioDecl {
    FolioDecl { kind, ..small() }
}

/// The zero page with one reference.
pub fn zero() -> FolioDecl {
    FolioDecl {
        kind: Kind::Zero,
        mapping: Mapping::None,
        ..small()
    }
}

impl Bench {
    pub fn new(rules: Rules, folios: &[FolioDecl]) -> Self {
        let mut machine = Machine::for_rules(&rules);
        machine.set_up(&WorldDecl::default(), folios);
        Self {
            rules,
            machine,
            events: Watch::default(),
        }
    }

    /// Maps user memory: sets `n` entries from the one for `addr` on.
    pub fn map(&mut self, level: Level, addr: u64, n: u32, new: NewEntry, flags: u16) {
        self.machine.tables.set(level, addr, n, new, flags);
    }

    /// Adds an action, for the `nth` time that the hook point is reached.
    pub fn when(
        &mut self,
        hook: Hook,
        nth: u32,
        act: impl FnMut(&mut Machine) -> Option<i32> + 'static,
    ) {
        self.events.acts.push((hook, nth, Box::new(act)));
        self.machine.interleaved = true;
    }

    /// The hook point before a load of the entry for an address.
    pub fn load(&self, level: Level, addr: u64) -> Hook {
        Hook::ReadEntry(self.machine.tables.entry(level, addr).unwrap())
    }

    /// `get_user_pages_fast`, of `pages[]`.
    pub fn get(&mut self, addr: u64, n: i32, flags: &[FollFlag]) -> Result<i32, Stop> {
        let flags = self.foll(flags);
        self.op().get_user_pages_fast(addr, n, flags, Buffer::List)
    }

    /// `pin_user_pages_fast`, of `pages[]`.
    pub fn pin(&mut self, addr: u64, n: i32, flags: &[FollFlag]) -> Result<i32, Stop> {
        let flags = self.foll(flags);
        self.op().pin_user_pages_fast(addr, n, flags, Buffer::List)
    }

    /// A VMA of `n` pages from `addr` on, of anonymous memory.
    pub fn vma(&mut self, addr: u64, n: i32, flags: u32) {
        self.machine.vmas.set(0, addr, n, flags, VmaKind::Anon);
    }

    /// The arguments of an entry point of the slow path, with `pages[]`.
    pub fn request(&self, addr: u64, nr_pages: u64, flags: &[FollFlag]) -> Request {
        Request {
            mm: gup::MmPtr::Current,
            start: addr,
            nr_pages,
            flags: self.foll(flags),
            pages: Buffer::List,
        }
    }

    /// Starts an operation with the mmap lock held.
    pub fn locked_op(&mut self) -> Kernel<'_> {
        let kernel = self.op();
        kernel.machine.held.mmap_lock = true;
        kernel
    }

    /// `get_user_pages`, under the mmap lock.
    pub fn slow_get(&mut self, addr: u64, n: u64, flags: &[FollFlag]) -> Result<i64, Stop> {
        let request = self.request(addr, n, flags);
        self.locked_op().get_user_pages(request)
    }

    /// `pin_user_pages`, under the mmap lock.
    pub fn slow_pin(&mut self, addr: u64, n: u64, flags: &[FollFlag]) -> Result<i64, Stop> {
        let request = self.request(addr, n, flags);
        self.locked_op().pin_user_pages(request)
    }

    /// The flags of the faults, in order.
    pub fn faults(&self) -> Vec<u32> {
        let asks = self.asks().into_iter();
        asks.filter_map(|ask| match ask {
            Ask::Fault { flags, .. } => Some(flags),
            _ => None,
        })
        .collect()
    }

    /// The calls that are about no page.
    pub fn asks(&self) -> Vec<Ask> {
        let mut asks = self.events.asks();
        asks.retain(|ask| !matches!(ask, Ask::Flush { .. }));
        asks
    }

    /// The pages whose data cache was flushed, in order.
    pub fn flushes(&self) -> Vec<(Flush, PagePtr)> {
        let asks = self.events.asks().into_iter();
        asks.filter_map(|ask| match ask {
            Ask::Flush { how, page } => Some((how, page)),
            _ => None,
        })
        .collect()
    }

    /// How many pages the slow path was asked for; `None`: it was not called.
    pub fn slow(&self) -> Option<u64> {
        self.asks().iter().find_map(|ask| match ask {
            Ask::Slow { nr_pages, .. } => Some(*nr_pages),
            _ => None,
        })
    }

    /// Starts an operation.
    pub fn op(&mut self) -> Kernel<'_> {
        self.events.0.clear();
        self.machine.begin_op();
        Kernel::new(&self.rules, &mut self.machine, &mut self.events)
    }

    /// A page of a declared folio.
    pub fn page(&self, index: usize, offset: u32) -> PagePtr {
        PagePtr::new(self.machine.folios()[index].head + offset)
    }

    pub fn folio(&self, index: usize) -> FolioPtr {
        FolioPtr(self.page(index, 0))
    }

    pub fn at(&self, index: usize, offset: u32) -> &Page {
        self.machine.pages.get(self.page(index, offset)).unwrap()
    }

    pub fn refs(&self, index: usize) -> i32 {
        self.at(index, 0).refcount
    }

    pub fn pins(&self, index: usize) -> i32 {
        self.at(index, 0).pincount
    }

    pub fn foll(&self, flags: &[FollFlag]) -> Foll {
        Foll::of(flags, &self.rules)
    }

    pub fn warns(&self) -> Vec<Site> {
        self.events.warns()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.events.calls()
    }

    pub fn counters(&self) -> (i32, i32) {
        (self.machine.acquired, self.machine.released)
    }

    /// What the operation recorded in pages[].
    pub fn entries(&self) -> &[PagePtr] {
        &self.machine.entries
    }

    pub fn changes(&mut self) -> Vec<PageState> {
        self.machine.pages.changes().collect()
    }

    pub fn set_pageblock(&mut self, index: usize, to: MigrateType) {
        let page = self.page(index, 0);
        self.machine.set_pageblock(page, to);
    }
}

/// Both kernels.
pub const BOTH: [Rules; 2] = [RULES_6_1, RULES_6_12];

/// The versions of the FOLL_PIN series.
pub const SERIES: [Rules; 4] = [RULES_V8, RULES_V9, RULES_V10, RULES_V11];

/// Those that can fail to grab.
pub const SINCE_V9: [Rules; 3] = [RULES_V9, RULES_V10, RULES_V11];

/// Kernels with folios, with and without DEBUG_VM.
pub const SINCE_6_1: [Rules; Rules::KERNELS.len() - 4] = {
    let mut since = [Rules::KERNELS[0]; Rules::KERNELS.len() - 4];
    let mut i = 0;
    while i < since.len() {
        since[i] = Rules::KERNELS[i + 4];
        i += 1;
    }
    since
};

/// All kernels, with and without DEBUG_VM.
pub const ALL: [Rules; Rules::KERNELS.len()] = Rules::KERNELS;
