// SPDX-License-Identifier: GPL-2.0
//! Random walks of random page tables, with others at work.  The module above
//! says which crate `gup` is.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::rng::Rng;

use super::gup::machine::MigrateType;
use super::gup::tables::entry_flag as ef;
use super::gup::walk::TASK_SIZE_MAX;
use super::gup::{
    Ask, Buffer, Call, Events, FolioDecl, Foll, FollFlag, Hook, Kernel, Kind, Level, Machine,
    Mapping, NewEntry, Observer, PagePtr, PageState, Rules, Site, Stop, WorldDecl,
};

fn folio(rng: &mut Rng) -> FolioDecl {
    let device = rng.one_in(3);
    FolioDecl {
        order: rng.pick(&[0, 0, 1, 3, 9, 9]),
        kind: Kind::from_index(if device {
            5 + rng.below(5)
        } else {
            rng.pick(&[0, 0, 0, 1, 2, 4])
        }),
        mapping: Mapping::from_index(rng.below(6)),
        movable: rng.one_in(8),
        migratetype: MigrateType::from_index(rng.below(12).min(3)),
        exclusive: rng.one_in(2),
        flags: 0,
        refcount: rng.pick(&[1, 1, 1, 1, 1025, 0, -1]),
        pincount: 0,
    }
}

fn addr(rng: &mut Rng) -> u64 {
    match rng.below(26) {
        0 | 24 | 25 => 0,
        1 => TASK_SIZE_MAX - 0x1000,
        2 => TASK_SIZE_MAX,
        3 => u64::MAX,
        4 => 0x3fff_f000,
        5..=8 => 0x1f_f000,
        9..=12 => 0x20_0000,
        n => 0x20_0000 + (u64::from(n & 3) << 12),
    }
}

fn page(rng: &mut Rng, machine: &Machine) -> PagePtr {
    let folio = rng.pick(machine.folios());
    let offset = if rng.one_in(2) {
        0
    } else {
        rng.below(1 << folio.order)
    };
    PagePtr::new(folio.head + offset)
}

/// Sets entries, mostly so that they can be followed.
fn map(rng: &mut Rng, machine: &mut Machine) {
    let page = page(rng, machine);
    let level = rng.pick(&[
        Level::Pte,
        Level::Pte,
        Level::Pte,
        Level::Pmd,
        Level::Pmd,
        Level::Pud,
        Level::Pgd,
    ]);
    let new = match rng.below(12) {
        0 => NewEntry::None,
        1 => NewEntry::Swap,
        2 | 3 => NewEntry::Table,
        _ if level == Level::Pgd => NewEntry::Table,
        _ => NewEntry::Page(page),
    };
    let mut flags = if rng.one_in(2) { ef::RW } else { 0 };
    if machine
        .pages
        .get(page)
        .is_ok_and(|p| p.zone == super::gup::page::Zone::Device)
    {
        flags |= ef::DEVMAP;
    }
    if rng.one_in(4) {
        flags ^= 1 << rng.below(11);
    }
    let n = rng.pick(&[1, 1, 2, 8, 512]);
    let flags = machine.parts.entry_flags(flags) | (rng.pkey() as u16 * ef::PKEY_BIT0);
    machine.tables.set(level, addr(rng), n, new, flags);
    if rng.one_in(4) {
        machine.set_flag(page, 8, rng.one_in(2));
    }
}

/// Any change that somebody might make.
fn change(rng: &mut Rng, machine: &mut Machine) {
    let (page, other) = (page(rng, machine), page(rng, machine));
    match rng.below(12) {
        0..=4 => map(rng, machine),
        5 => machine.set_ref(page, rng.pick(&[0, 1, 5])),
        6 => machine.split(page, rng.below(9), 3, 1),
        7 => machine.set_tail(page, other),
        8 => machine.set_mapping(page, Mapping::from_index(rng.below(8))),
        9 => machine.irqs_on = rng.one_in(2),
        10 => machine.write_protect_seq = rng.below(4),
        // AnonExclusive mostly
        _ => machine.set_flag(page, rng.pick(&[8, 8, 1, 3]), rng.one_in(2)),
    }
}

/// An action, at the nth time that its hook point is reached.
#[derive(Clone)]
struct Act {
    kind: u32,
    addr: u64,
    head: u32,
    left: u32,
    rng: Rng,
}

impl Act {
    fn new(rng: &mut Rng, machine: &Machine) -> Self {
        Self {
            kind: rng.below(12),
            addr: addr(rng),
            head: rng.pick(machine.folios()).head,
            left: 1 + rng.below(3),
            rng: rng.fork(),
        }
    }

    fn waits_for(&self, machine: &Machine, hook: Hook) -> bool {
        match hook {
            Hook::ReadEntry(at) => {
                let level = Level::ALL.get(self.kind as usize);
                level.is_some_and(|&l| machine.tables.entry(l, self.addr) == Some(at))
            }
            Hook::ReadSeq => self.kind == 4,
            Hook::BeforeRef(nr) => self.kind == 5 && nr == self.head,
            Hook::AfterRef(nr) => self.kind == 6 && nr == self.head,
            Hook::BeforePin(nr) => self.kind == 7 && nr == self.head,
            Hook::AfterPin(nr) => self.kind == 8 && nr == self.head,
            Hook::Pagemap => self.kind == 9,
            Hook::Accessible => self.kind == 10,
            Hook::Slow => self.kind == 11,
            // of the slow path, which nobody runs here
            _ => false,
        }
    }
}

struct Watch {
    events: Events,
    acts: Vec<Act>,
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
        for act in &mut self.acts {
            if act.left == 0 || !act.waits_for(machine, hook) {
                continue;
            }
            act.left -= 1;
            if act.left == 0 {
                change(&mut act.rng, machine);
                answer = Some(act.rng.pick(&[0, 0, -5, 2, 600]));
            }
        }
        answer
    }
}

fn walk(k: &mut Kernel<'_>, rng: &mut Rng) -> Result<i32, Stop> {
    let mut flags = 0;
    for (flag, n) in [
        (FollFlag::Write, 2),
        (FollFlag::Longterm, 5),
        (FollFlag::Force, 12),
        (FollFlag::Get, 20),
        (FollFlag::Pin, 25),
        (FollFlag::FastOnly, 10),
        (FollFlag::PciP2pdma, 6),
        (FollFlag::Touch, 30),
        (FollFlag::Anon, 30),
    ] {
        flags |= u32::from(rng.one_in(n)) << flag as u32;
    }
    let foll = Foll::from_canonical(flags, k.rules);
    let n = rng.pick(&[0, 1, 1, 2, 2, 3, 8, 520, -1]);
    let pages = if rng.one_in(15) {
        Buffer::Null
    } else {
        Buffer::List
    };
    let start = addr(rng);
    match rng.below(8) {
        0 | 1 => k.get_user_pages_fast(start, n, foll, pages),
        2 | 3 => k.get_user_pages_fast_only(start, n, foll, pages),
        4 if !k.rules.walk.checks_arguments_in_one_place => {
            k.pin_user_pages_fast_only(start, n, foll, pages)
        }
        _ => k.pin_user_pages_fast(start, n, foll, pages),
    }
}

/// Runs one program and gives a digest of its trace.
pub fn run(machine: &mut Machine, rules: &Rules, seed: u64) -> u64 {
    let mut rng = Rng::new(seed);
    let mut digest = DefaultHasher::new();
    let folios: Vec<_> = (0..1 + rng.below(3)).map(|_| folio(&mut rng)).collect();
    let world = WorldDecl {
        state: rng.below(8) as u8,
        seq: rng.pick(&[0, 0, 0, 1]),
        pkru: rng.pkru(),
    };
    machine.set_up(&world, &folios);
    for _ in 0..1 + rng.below(4) {
        map(&mut rng, machine);
    }
    for _ in 0..3 {
        machine.begin_op();
        let acts: Vec<_> = (0..rng.below(4))
            .map(|_| Act::new(&mut rng, machine))
            .collect();
        machine.interleaved = !acts.is_empty();
        let mut watch = Watch {
            events: Events::default(),
            acts,
        };
        let result = walk(&mut Kernel::new(rules, machine, &mut watch), &mut rng);
        format!("{result:?} {:?}", watch.events.0).hash(&mut digest);
        if result.is_ok() {
            format!("{:?}", machine.entries).hash(&mut digest);
        }
        for page in machine.pages.changes() {
            format!("{page:?}").hash(&mut digest);
        }
        (machine.state_bits(), machine.acquired, machine.released).hash(&mut digest);
        if result.is_err() {
            break;
        }
    }
    digest.finish()
}
