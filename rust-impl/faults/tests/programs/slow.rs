// SPDX-License-Identifier: GPL-2.0
//! Random calls of the slow path, with faults that map what is missing, or do not, and
//! others at work.  The module above says which crate `gup` is.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::rng::Rng;

use super::gup::cache::Memfd;
use super::gup::machine::{MigrateType, Signal};
use super::gup::mm::{fault_flag, vm_fault};
use super::gup::page::{Zone, flag};
use super::gup::slow::entry::Request;
use super::gup::slow::memfd::Wanted;
use super::gup::slow::populate::Span;
use super::gup::tables::entry_flag as ef;
use super::gup::vma::vm_flag as v;
use super::gup::{
    Ask, Buffer, Call, EntryChange, Events, FolioDecl, Foll, FollFlag, Hook, Kernel, Kind, Level,
    Machine, Mapping, MmPtr, NewEntry, Observer, PagePtr, PageState, Rules, Site, Stop, VmaKind,
    WorldDecl,
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

/// The other mm, one in so many times; that is looked ahead for.
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
    let flags = machine.parts.entry_flags(flags);
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
        if let Ask::AllocFolio { index } = ask {
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

fn call(k: &mut Kernel<'_>, rng: &mut Rng, start: u64) -> Result<(i64, Option<bool>), Stop> {
    let mut flags = 0;
    for (flag, n) in [
        (FollFlag::Write, 2),
        (FollFlag::Force, 4),
        (FollFlag::Longterm, 3),
        (FollFlag::Dump, 12),
        (FollFlag::Nowait, 12),
        (FollFlag::Nofault, 20),
        (FollFlag::Hwpoison, 6),
        (FollFlag::Anon, 12),
        (FollFlag::SplitPmd, 6),
        (FollFlag::Interruptible, 4),
        (FollFlag::HonorNumaFault, 4),
        (FollFlag::PciP2pdma, 4),
        (FollFlag::Get, 30),
        (FollFlag::Pin, 40),
        (FollFlag::Migration, 6),
        (FollFlag::Split, 6),
    ] {
        flags |= u32::from(rng.one_in(n)) << flag as u32;
    }
    let handed = |which| matches!(which, 3..=5 | 10..=12 | 16);
    let mut request = Request {
        mm: MmPtr::Current,
        start: start + rng.pick(&[0, 0, 0, 0x123]),
        nr_pages: rng.pick(&[1, 1, 2, 3, 4, 4, 515, 0, 5000]),
        flags: Foll::from_canonical(flags, k.rules),
        pages: if rng.one_in(12) {
            Buffer::Null
        } else {
            Buffer::List
        },
    };
    // What came later is looked ahead for, and leaves the other programs as they are.
    let mut ahead = rng.clone();
    let which = match ahead.one_in(4) {
        true => 14 + ahead.below(9),
        false => rng.below(14),
    };
    if handed(which) {
        request.mm = mm(rng, 3);
    }
    *k.machine.held.mmap_lock_of(request.mm) = match which {
        13 => k.rules.slow.dumps_under_lock,
        which => matches!(which, 0..=5 | 10..=12 | 14..=16),
    };
    let mut locked = rng.pick(&[None, Some(true), Some(true), Some(true), Some(false)]);
    let (n, foll, pages) = (request.nr_pages as i32, request.flags, request.pages);
    let result = match which {
        0 => k.get_user_pages(request),
        1 | 2 => k.pin_user_pages(request),
        3 => k.get_user_pages_remote(request, locked.as_mut()),
        4 | 5 => k.pin_user_pages_remote(request, locked.as_mut()),
        6 => k.get_user_pages_unlocked(request),
        7 => k.pin_user_pages_unlocked(request),
        8 => k
            .get_user_pages_fast(request.start, n, foll, pages)
            .map(i64::from),
        9 => k
            .pin_user_pages_fast(request.start, n, foll, pages)
            .map(i64::from),
        10..=13 => faults(k, which, request, &mut locked),
        which => by_range(k, which, request, &mut locked),
    };
    Ok((result?, locked))
}

/// Calls what faults pages in and gives none, or one.
fn faults(
    k: &mut Kernel<'_>,
    which: u32,
    request: Request,
    locked: &mut Option<bool>,
) -> Result<i64, Stop> {
    let start = request.start;
    let end = start.wrapping_add(request.nr_pages * PAGE);
    let asked = request.flags.to_canonical(k.rules);
    let write = asked & 1 << FollFlag::Write as u32 != 0;
    let vma = k.machine.vmas.lookup(request.mm, start);
    match which {
        10 => {
            let flags = if write { fault_flag::WRITE } else { 0 };
            k.fixup_user_fault(request.mm, start, flags, locked.as_mut())
                .map(i64::from)
        }
        11 => match vma {
            Some(vma) => k.populate_vma_page_range(vma, start, end, locked.as_mut()),
            None => Ok(0),
        },
        // not in 5.10
        12 if k.rules.slow.has_flags_of_mm => Ok(0),
        12 => k.faultin_page_range(request.mm, Span { start, end }, write, locked.insert(true)),
        _ => {
            let held = k.machine.held.mmap_lock;
            let page = k.get_dump_page(start, locked.insert(held))?;
            Ok(page.nr().map_or(-1, i64::from))
        }
    }
}

/// Calls what came later: of old kernels, and what faults in a range of bytes.
fn by_range(
    k: &mut Kernel<'_>,
    which: u32,
    request: Request,
    locked: &mut Option<bool>,
) -> Result<i64, Stop> {
    let start = request.start;
    let size = (request.nr_pages * PAGE).wrapping_sub(start % 7);
    let is_5_10 = k.rules.slow.has_flags_of_mm;
    let follows = !k.rules.slow.follows_all_huge_entries;
    match which {
        14 if is_5_10 => k.get_user_pages_locked(request, locked.as_mut()),
        15 if is_5_10 => k.pin_user_pages_locked(request, locked.as_mut()),
        16 if follows => match k.machine.vmas.lookup(request.mm, start) {
            Some(vma) => Ok(match k.follow_page(vma, start, request.flags)? {
                Ok(page) => page.nr().map_or(-1, i64::from),
                Err(errno) => errno.into(),
            }),
            None => Ok(0),
        },
        // not in 5.10
        _ if is_5_10 => Ok(0),
        14 | 15 | 17 => {
            k.machine.held.mmap_lock = false;
            let ignores = start.is_multiple_of(3);
            k.__mm_populate(start & !(PAGE - 1), request.nr_pages * PAGE, ignores)
                .map(i64::from)
        }
        20.. => memfd(k, request),
        18 if size.is_multiple_of(5) => k.fault_in_readable(1 << 47, size).map(|left| left as i64),
        18 => k.fault_in_writeable(start, size).map(|left| left as i64),
        _ => {
            k.machine.held.mmap_lock = false;
            k.fault_in_safe_writeable(start, size)
                .map(|left| left as i64)
        }
    }
}

/// Pins pages of a memfd.
fn memfd(k: &mut Kernel<'_>, request: Request) -> Result<i64, Stop> {
    if k.rules.slow.numa_faults_on_request {
        // over the end of the file, too
        let start = match request.nr_pages {
            3 => (1 << 30) - 2 * PAGE,
            _ => request.start % (1 << 30),
        };
        let wanted = Wanted {
            memfd: Memfd::from_index((start >> 12) as u32 | 2),
            start,
            end: start.wrapping_add(request.nr_pages * PAGE) - 1,
            max_folios: 1 + request.nr_pages as u32 % 4,
        };
        let mut at = start & !(PAGE - 1);
        let heads: Vec<_> = k.machine.folios().iter().map(|f| f.head).collect();
        for (i, head) in heads.into_iter().enumerate() {
            let head = PagePtr::new(head);
            let n = 1 << k.machine.pages.get(head)?.order;
            // a hole, or one of another file, now and then
            let what = (start >> 12) as usize + request.nr_pages as usize + i;
            if what % 4 != 3 {
                k.machine.cache.set(at, n, head);
            }
            if what % 7 != 6 {
                k.machine.set_mapping(head, Mapping::Shmem);
            }
            at += n as u64 * PAGE;
        }
        let mut offset = None;
        let nr = k.memfd_pin_folios(wanted, &mut offset)?;
        if let Some(offset) = offset {
            k.show_offset(offset)?;
        }
        return Ok(nr);
    }
    Ok(0)
}

/// Runs one program and gives a digest of its trace.
pub fn run(machine: &mut Machine, rules: &Rules, seed: u64) -> u64 {
    let mut rng = Rng::new(seed);
    let mut digest = DefaultHasher::new();
    let folios: Vec<_> = (0..1 + rng.below(3)).map(|_| folio(&mut rng)).collect();
    // Interrupts are on, and the fast entry points run the slow path.
    machine.set_up(&WorldDecl { state: 9, seq: 0 }, &folios);
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
        let result = call(
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
