// SPDX-License-Identifier: GPL-2.0
//! Random calls of the slow path, with faults that map what is missing, or do not, and
//! others at work.  The module above says which crate `gup` is.

mod slow_calls;

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::rng::Rng;

use super::gup::machine::{MigrateType, Signal};
use super::gup::mm::vm_fault;
use super::gup::page::{Zone, flag};
use super::gup::tables::entry_flag as ef;
use super::gup::vma::vm_flag as v;
use super::gup::{
    Ask, Call, EntryChange, Events, FolioDecl, Hook, Kernel, Kind, Level, Machine, Mapping, MmPtr,
    NewEntry, Observer, PagePtr, PageState, Rules, Site, VmaKind, WorldDecl,
};

/// Two blocks of PMDs meet here.
const BASE: u64 = 0x4020_0000;
const PAGE: u64 = 0x1000;

fn folio(rng: &mut Rng) -> FolioDecl {
    let kind = match rng.below(10) {
        0..=5 => Kind::Normal,
        6 => rng.pick(&[Kind::Zero, Kind::HugeZero, Kind::Slab]),
        7 => Kind::Hugetlb,
        _ => Kind::from_index(5 + rng.below(5)),
    };
    FolioDecl {
        order: rng.pick(&[0, 0, 0, 1, 9]),
        kind,
        mapping: rng.pick(&[Mapping::Anon, Mapping::Anon, Mapping::File, Mapping::None]),
        movable: rng.one_in(4),
        migratetype: rng.pick(&[MigrateType::Unmovable, MigrateType::Cma]),
        exclusive: !rng.one_in(4),
        flags: rng.pick(&[flag::LRU, flag::LRU, 0]),
        refcount: rng.pick(&[1, 1, 1, 1, 2, 1025, 0]),
        pincount: 0,
    }
}

/// The other mm, in one of `n` cases. Drawn from a copy, which leaves what follows as it is.
fn mm(rng: &Rng, n: u32) -> MmPtr {
    MmPtr::from_index(rng.clone().one_in(n).into())
}

fn addr(rng: &mut Rng) -> u64 {
    let at = rng.pick(&[0, 0, 0, 1, 2, 3]);
    BASE + at * PAGE - rng.pick(&[0, 0, 2 * PAGE, PAGE])
}

fn page(rng: &mut Rng, machine: &Machine) -> PagePtr {
    let folio = rng.pick(machine.folios());
    let inside = rng.below(1 << folio.order);
    PagePtr::new(folio.head + rng.pick(&[0, inside]))
}

/// Sets entries, mostly so that they can be followed.
fn map(rng: &mut Rng, machine: &mut Machine, addr: u64) {
    let page = page(rng, machine);
    let pte = Level::Pte;
    let level = rng.pick(&[pte, pte, pte, pte, pte, Level::Pmd, Level::Pmd, Level::Pud]);
    let new = match rng.below(20) {
        0 => NewEntry::None,
        1 => rng.pick(&[NewEntry::Swap, NewEntry::Migration(page)]),
        2 if level != pte => NewEntry::Table,
        _ => NewEntry::Page(page),
    };
    let mut flags = rng.pick(&[0, ef::RW, ef::RW | ef::DIRTY]);
    let device = |p: &super::gup::Page| p.zone == Zone::Device;
    if machine.pages.get(page).is_ok_and(device) {
        flags |= ef::DEVMAP;
    }
    match rng.below(12) {
        0 => flags |= ef::ABSENT | ef::PROTNONE,
        1 => flags |= ef::SPECIAL,
        2 | 3 => flags = ef::UFFD_WP | ef::SOFT_DIRTY,
        4 => flags ^= 1 << rng.below(11),
        _ => {}
    }
    let flags = machine.parts.entry_flags(flags) | (rng.pkey() as u16 * ef::PKEY_BIT0);
    let n = rng.pick(&[1, 1, 1, 4]);
    let mm = mm(rng, 6);
    machine.change_entries(EntryChange {
        mm,
        level,
        addr,
        n,
        new,
        flags,
    });
}

fn vma(rng: &mut Rng, machine: &mut Machine, nr: u32) {
    let base = match rng.below(8) {
        0 => rng.pick(&[0, v::MAYREAD]) | v::MAYWRITE,
        1 => v::READ | v::SHARED | v::MAYREAD | v::MAYSHARE,
        2 => v::READ | v::WRITE | v::SHARED | v::MAYREAD | v::MAYWRITE | v::MAYSHARE,
        3 | 4 => v::READ | v::MAYREAD | v::MAYWRITE,
        _ => v::READ | v::WRITE | v::MAYREAD | v::MAYWRITE,
    };
    let odd = 1 << rng.below(17);
    let grows = rng.pick(&[0, 0, v::GROWSDOWN, v::GROWSDOWN | v::LOCKED]);
    let flags = base | grows | rng.pick(&[0, 0, v::UFFD_WP, odd]);
    let hugetlb = rng.clone().one_in(9);
    let stack = u32::from(rng.clone().one_in(11)) * v::SHADOW_STACK;
    let flags = flags | stack | (rng.pkey() * v::PKEY_BIT0);
    let kind = match rng.pick(&[0, 0, 0, 1, 1, 2, 3, 4, 5, 6]) {
        _ if hugetlb && rng.clone().one_in(4) => VmaKind::Hugetlb1G,
        _ if hugetlb => VmaKind::Hugetlb,
        index => VmaKind::from_index(index),
    };
    let start = BASE + rng.pick(&[0, 0, PAGE, 2 * PAGE]) - rng.pick(&[0, 4 * PAGE]);
    let n = rng.pick(&[0, 1, 2, 4, 4, 600, 600]);
    let mm = mm(rng, 5);
    machine.vmas.set_of(mm, nr, start, n, flags, kind);
}

/// Any change that somebody might make.
fn change(rng: &mut Rng, machine: &mut Machine, addr: u64) {
    let page = page(rng, machine);
    match rng.below(20) {
        0..=11 if machine.held.ptl == 0 => map(rng, machine, addr),
        12 => machine.set_ref(page, rng.pick(&[0, 1, 5])),
        13 => machine.split(page, rng.below(9), 3, 1),
        14 => machine.signal = Signal::from_index(rng.below(3)),
        15 => {
            let nr = rng.below(3);
            vma(rng, machine, nr);
        }
        16 => machine.set_flag(page, rng.pick(&[4, 8, 3, 0]), rng.one_in(2)),
        17 => machine.set_mapping(page, rng.pick(&[Mapping::None, Mapping::Anon])),
        _ => {}
    }
}

/// The answer of the call at that hook point.
fn answer(rng: &mut Rng, hook: Hook) -> Option<i32> {
    use vm_fault as f;
    let odd = [
        f::RETRY,
        f::RETRY,
        f::COMPLETED,
        f::OOM,
        f::SIGSEGV,
        f::HWPOISON,
        f::HWPOISON_LARGE,
        f::FALLBACK,
    ];
    Some(match hook {
        Hook::Fault if rng.one_in(3) => rng.pick(&odd) as i32,
        // drawn from a clone: the programs are otherwise those without this answer
        Hook::Fault if rng.clone().one_in(3) => f::WRITE as i32,
        Hook::Fault => 0,
        Hook::MmapLock => rng.pick(&[0, -4, 1]),
        Hook::Accessible | Hook::Expand => rng.pick(&[0, 0, -5]),
        Hook::UserAccess => rng.pick(&[0, 0, 0, -14]),
        Hook::Pagecache => rng.pick(&[1, 0]),
        Hook::AllocFolio => rng.pick(&[0, 0, -17, -12]),
        Hook::Migrate => rng.pick(&[0, 0, 0, 1, -12]),
        Hook::Isolate | Hook::Pagemap => rng.pick(&[1, 1, 0]),
        Hook::MigrateDevice => rng.pick(&[0, 0, -5]),
        Hook::SplitPage => rng.pick(&[0, 0, -16]),
        _ => return None,
    })
}

/// Acts at hook points of an operation: at most faults, seldom at others.
struct Watch {
    events: Events,
    rng: Rng,
    /// Number of hook points reached; limited so that an operation ends.
    told: u32,
    addr: u64,
}

impl Observer for Watch {
    fn warn(&mut self, site: Site) {
        self.events.warn(site);
    }

    fn call(&mut self, call: Call, page: PageState) {
        self.events.call(call, page);
    }

    fn ask(&mut self, ask: Ask) {
        if let Ask::Fault { address, .. } = ask {
            self.addr = address;
        }
        if let Ask::AllocFolio { index, .. } = ask {
            self.addr = index * PAGE;
        }
        self.events.ask(ask);
    }

    fn hook(&mut self, machine: &mut Machine, hook: Hook) -> Option<i32> {
        self.told += 1;
        if self.told > 60 {
            return None;
        }
        let often = match hook {
            Hook::Fault | Hook::Migrate | Hook::AllocFolio => 1,
            Hook::Split | Hook::MigrateDevice | Hook::Pagecache => 2,
            Hook::Migration | Hook::SplitPage => 2,
            Hook::Expand | Hook::Isolate | Hook::MmapLock | Hook::Pagemap => 4,
            Hook::PageTableLock => 5,
            _ => 12,
        };
        if !self.rng.one_in(often) {
            return None;
        }
        let addr = match self.rng.one_in(4) {
            true => addr(&mut self.rng),
            false => self.addr,
        };
        match hook {
            Hook::Fault if !self.rng.one_in(3) => map(&mut self.rng, machine, addr),
            Hook::AllocFolio => {
                let page = page(&mut self.rng, machine);
                machine.cache.set(addr, 1, page);
            }
            _ => change(&mut self.rng, machine, addr),
        }
        answer(&mut self.rng, hook)
    }
}

/// Runs one program and gives a digest of its trace.
pub fn run(machine: &mut Machine, rules: &Rules, seed: u64) -> u64 {
    let mut rng = Rng::new(seed);
    let mut digest = DefaultHasher::new();
    let folios: Vec<_> = (0..1 + rng.below(3)).map(|_| folio(&mut rng)).collect();
    // Interrupts are on, and the fast entry points run the slow path.
    let world = WorldDecl {
        state: 9,
        seq: 0,
        pkru: rng.pkru(),
    };
    machine.set_up(&world, &folios);
    machine.signal = Signal::from_index(rng.pick(&[0, 0, 0, 0, 0, 0, 1, 2]));
    for nr in 0..1 + rng.below(3) {
        vma(&mut rng, machine, nr);
    }
    for _ in 0..1 + rng.below(4) {
        let addr = addr(&mut rng);
        map(&mut rng, machine, addr);
    }
    for _ in 0..2 {
        machine.begin_op();
        machine.interleaved = !rng.one_in(4);
        let start = addr(&mut rng);
        let mut watch = Watch {
            events: Events::default(),
            rng: rng.fork(),
            told: 0,
            addr: start,
        };
        let result = slow_calls::call(
            &mut Kernel::new(rules, machine, &mut watch),
            &mut rng,
            start,
        );
        format!("{result:?} {:?}", watch.events.0).hash(&mut digest);
        if result.is_ok() {
            format!("{:?} {:?}", machine.entries, machine.held).hash(&mut digest);
        }
        for page in machine.pages.changes() {
            format!("{page:?}").hash(&mut digest);
        }
        (machine.state_bits(), machine.acquired, machine.released).hash(&mut digest);
        machine.isolated.hash(&mut digest);
        if result.is_err() {
            break;
        }
    }
    digest.finish()
}
