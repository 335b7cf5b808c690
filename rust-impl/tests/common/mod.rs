// SPDX-License-Identifier: GPL-2.0
//! A bench for tests: a world, one kernel on it, and what it showed.
#![allow(dead_code, unused_imports)] // each test file uses its own part

use gup::machine::MigrateType;
use gup::{
    Call, Events, FolioDecl, FolioPtr, Foll, FollFlag, Kernel, Kind, Machine, Mapping, Page,
    PagePtr, PageState, Rules, Site, WorldDecl,
};

pub use gup::rules::{
    RULES_6_1, RULES_6_12, RULES_V8, RULES_V8_SIGNED, RULES_V9, RULES_V9_BIAS32, RULES_V10,
    RULES_V11,
};

/// One kernel on a world.
pub struct Bench {
    pub rules: Rules,
    pub machine: Machine,
    pub events: Events,
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
            events: Events::default(),
        }
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

/// 6.1, 6.12, and both without DEBUG_VM.
pub const ALL: [Rules; 4] = Rules::KERNELS;
