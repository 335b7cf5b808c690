// SPDX-License-Identifier: GPL-2.0
//! Random calls of the slow path's functions.

use crate::rng::Rng;

use super::super::gup::cache::Memfd;
use super::super::gup::mm::fault_flag;
use super::super::gup::slow::entry::Request;
use super::super::gup::slow::memfd::Wanted;
use super::super::gup::slow::populate::Span;
use super::super::gup::{Buffer, Foll, FollFlag, Kernel, Mapping, MmPtr, PagePtr, Stop};
use super::{PAGE, mm};

/// Draws a call, makes it, and says what it gave back and what became of `locked`.
pub fn call(k: &mut Kernel<'_>, rng: &mut Rng, start: u64) -> Result<(i64, Option<bool>), Stop> {
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
    if which == 10 {
        let remote = u32::from(ahead.one_in(2)) << FollFlag::Remote as u32;
        request.flags = Foll::from_canonical(flags | remote, k.rules);
        // it is the only one that meets both
        k.machine.pkru = ahead.below(256);
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
            let remote = asked & 1 << FollFlag::Remote as u32 != 0;
            let flags =
                (u32::from(write) * fault_flag::WRITE) | (u32::from(remote) * fault_flag::REMOTE);
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
    if k.rules.slow.follows_all_huge_entries {
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
