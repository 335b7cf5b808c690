// SPDX-License-Identifier: GPL-2.0
//! Random operations of the page level on random worlds.  The module above
//! says which crate `gup` is.

use crate::rng::Rng;

use super::gup::machine::MigrateType;
use super::gup::series::PinCheck;
use super::gup::series::follow::DevmapLevel;
use super::gup::unpin::List;
use super::gup::{
    ErrPtr, Events, FolioDecl, FolioPtr, Foll, Kernel, Kind, Machine, Mapping, MmPtr, PagePtr,
    Revision, Rules, Stop, Vma, WorldDecl, Wrapper,
};

fn count(rng: &mut Rng) -> i32 {
    const COUNTS: [i32; 16] = [
        1,
        2,
        1,
        3,
        1024,
        1025,
        2049,
        0,
        -1,
        1023,
        4096,
        i32::MAX,
        i32::MIN,
        -1024,
        5,
        100,
    ];
    rng.pick(&COUNTS)
}

fn folio(rng: &mut Rng) -> FolioDecl {
    FolioDecl {
        order: rng.pick(&[0, 0, 0, 1, 2, 4, 9, 10]),
        kind: Kind::from_index(if rng.below(3) == 0 {
            rng.below(Kind::NR)
        } else {
            0
        }),
        mapping: Mapping::from_index(rng.below(Mapping::NR)),
        movable: rng.below(4) == 0,
        migratetype: MigrateType::from_index(rng.below(8).min(4)),
        exclusive: rng.below(2) == 0,
        flags: rng.below(1 << 16) & rng.below(1 << 16),
        refcount: count(rng),
        pincount: count(rng),
    }
}

fn operand(rng: &mut Rng, machine: &Machine) -> PagePtr {
    let folio = rng.pick(machine.folios());
    match rng.below(40) {
        0 => PagePtr::NULL,
        1 => PagePtr::POISON,
        2 => PagePtr::new(folio.head + rng.below(2048)),
        _ => PagePtr::new(folio.head + rng.below(1 << folio.order)),
    }
}

fn number(folio: Option<FolioPtr>) -> i64 {
    folio.map_or(-1, |f| f.0.nr().map_or(-2, i64::from))
}

fn followed(page: ErrPtr) -> i64 {
    match page {
        Ok(page) => number(Some(FolioPtr(page))),
        Err(errno) => 100 * i64::from(errno),
    }
}

/// Runs one operation of the FOLL_PIN series and says what it gave back.
fn series_operation(k: &mut Kernel<'_>, rng: &mut Rng) -> Result<i64, Stop> {
    let page = operand(rng, k.machine);
    let page = k.machine.page_operand(page);
    let folio = k.machine.folio_operand(page);
    let n = count(rng);
    let bits = rng.pick(&[0u32, 2, 2, 4, 4, 4, 6, 12, 13, 64 | 4, 0x1f]);
    let flags = Foll::from_canonical(bits, k.rules);
    let len = rng.below(5);
    let list: Vec<PagePtr> = (0..len)
        .map(|_| {
            let page = operand(rng, k.machine);
            k.machine.page_operand(page)
        })
        .collect();
    let list = List::new(&list);
    let odd = rng.below(2) == 0;
    let checks = k.rules.series.pin_check;
    Ok(match rng.below(40) {
        0 => k.get_page(page).map(|()| 0)?,
        1 => k.try_get_page(page)?.into(),
        2 => number(k.try_get_folio(page, n)?),
        3 | 4 => k.put_page(page).map(|()| 0)?,
        5 => k.page_ref_sub_return(page, n)?.into(),
        6 | 7 => k.grab_slow(page, n, flags)?.into(),
        8 => number(k.try_grab_folio_fast(page, n, flags)?),
        9 => number(k.try_pin_compound_head(page, n)?),
        10 if matches!(checks, PinCheck::Bias32 | PinCheck::Bias64) => {
            k.page_ref_zero_or_close_to_bias_overflow(page)?.into()
        }
        11 => k.gup_put_folio(folio, n, flags).map(|()| 0)?,
        12 | 13 => k.unpin_user_page(page).map(|()| 0)?,
        14 => k.unpin_user_pages(list, len.into()).map(|()| 0)?,
        15 => k
            .unpin_user_pages_dirty_lock(list, len.into(), odd)
            .map(|()| 0)?,
        16 | 17 => k.page_maybe_dma_pinned(page)?.into(),
        18 => followed(k.follow_page_pte(page, flags, odd)?),
        19 => followed(k.follow_page_mask(page, flags)),
        20 => followed(k.follow_devmap(DevmapLevel::Pmd, page, flags)?),
        21 => followed(k.follow_devmap(DevmapLevel::Pud, page, flags)?),
        22 => followed(k.follow_huge_pmd(page, flags)?),
        23 => followed(k.follow_huge_without_grab(page, flags)),
        24 | 25 => followed(k.follow_trans_huge_pmd(page, flags, odd)?),
        26 => k.follow_hugetlb_page(page, n, flags)?,
        27 => k.gup_pte_range(page, flags, odd)?.into(),
        28 => k.gup_huge(page, n, flags, odd)?.into(),
        29 | 30 => k.gup_device_huge(page, n, flags, rng.below(4))?.into(),
        31 => {
            let wrapper = rng.pick(&[
                Wrapper::PinUserPages,
                Wrapper::PinUserPagesRemote { locked: odd },
                Wrapper::GetUserPagesFast,
            ]);
            match k.check_flags(wrapper, flags) {
                Ok(flags) => flags.0.into(),
                Err(errno) => errno.into(),
            }
        }
        32 => {
            k.machine.split(page, rng.below(5), n, 1);
            0
        }
        33 => {
            k.machine.merge(0, n, 1);
            0
        }
        34 | 35 => {
            k.machine.set_ref(page, n);
            0
        }
        36 => {
            k.machine.set_pin(page, n);
            0
        }
        37 => {
            k.machine.devmap_managed_key = odd;
            0
        }
        _ => {
            k.machine.set_flag(page, rng.below(32), odd);
            0
        }
    })
}

/// Runs one operation and says what it gave back.
fn operation(k: &mut Kernel<'_>, rng: &mut Rng) -> Result<i64, Stop> {
    let page = operand(rng, k.machine);
    let page = k.machine.page_operand(page);
    let folio = k.machine.folio_operand(page);
    let n = count(rng);
    let bits = rng.pick(&[0u32, 1, 2, 4, 4, 5, 6, 12, 13, 64 | 4, 0x1f]);
    let flags = Foll::from_canonical(bits, k.rules);
    let len = rng.below(9);
    let mut list: Vec<PagePtr> = (0..len).map(|_| operand(rng, k.machine)).collect();
    if rng.below(2) == 0 {
        let first = operand(rng, k.machine);
        list = (0..len).map(|i| first.nth(u64::from(i / 2))).collect();
    }
    for entry in &mut list {
        *entry = k.machine.page_operand(*entry);
    }
    let npages = if rng.below(8) == 0 {
        rng.pick(&[n, -4095, -1]) as i64 as u64
    } else {
        u64::from(len)
    };
    let list = List::new(&list);
    let dirty = rng.below(2) == 0;
    let old = !k.rules.slow_grab_takes_refs;
    Ok(match rng.below(44) {
        0 => k.get_page(page).map(|()| 0)?,
        1 => k.folio_get(folio).map(|()| 0)?,
        2 => k.try_get_page(page)?.into(),
        3 => k.folio_try_get(folio)?.into(),
        4 => k.folio_ref_try_add(folio, n)?.into(),
        5 => number(k.try_get_folio(page, n)?),
        6 => k.put_page(page).map(|()| 0)?,
        7 => k.folio_put(folio).map(|()| 0)?,
        8 => k.folio_put_refs(folio, n).map(|()| 0)?,
        9 => k.put_devmap_managed_folio_refs(folio, n)?.into(),
        10 | 11 => k.grab_slow(page, n, flags)?.into(),
        12 | 13 => number(k.try_grab_folio_fast(page, n, flags)?),
        14 if dirty && k.rules.revision >= Revision::V7_3 => k.folio_add_pins(folio, n)?.into(),
        14 if !old => k.folio_add_pin(folio).map(|()| 0)?,
        15 => k.gup_put_folio(folio, n, flags).map(|()| 0)?,
        16 => k.unpin_user_page(page).map(|()| 0)?,
        17 => k.unpin_user_pages(list, npages).map(|()| 0)?,
        18 => k
            .unpin_user_pages_dirty_lock(list, npages, dirty)
            .map(|()| 0)?,
        19 => k
            .unpin_user_page_range_dirty_lock(page, npages, dirty)
            .map(|()| 0)?,
        20 => k.gup_fast_unpin_user_pages(list, npages).map(|()| 0)?,
        21 if !old => k.unpin_folios(list, npages).map(|()| 0)?,
        22 => k.sanity_check_pinned_pages(list, npages).map(|()| 0)?,
        23 | 24 => k
            .gup_must_unshare(Vma::from_index(rng.below(3)), flags, page)?
            .into(),
        25 | 26 => k.folio_maybe_dma_pinned(folio)?.into(),
        27 => k.needs_cow_for_dma(page)?.into(),
        28 | 29 => k.folio_is_longterm_pinnable(folio)?.into(),
        30 => k.is_secretmem(page)?.into(),
        31 => k.is_pci_p2pdma_page(page)?.into(),
        32 | 33 if !old => k.gup_fast_folio_allowed(folio, flags)?.into(),
        34 => {
            k.mm_set_has_pinned_flag(MmPtr::Current);
            0
        }
        35 => {
            k.machine.split(page, rng.below(5), n, 1);
            0
        }
        36 => {
            k.machine.merge(0, n, 1);
            0
        }
        37 => {
            k.machine.set_ref(page, n);
            0
        }
        38 => {
            k.machine.set_pin(page, n);
            0
        }
        39 | 42 | 43 => {
            let rng_bit = rng.below(32);
            // AnonExclusive more often: it is the only one that tails are asked for
            let bit = rng.pick(&[rng_bit, 8]);
            k.machine.set_flag(page, bit, dirty);
            0
        }
        40 => {
            k.machine.set_mapping(page, Mapping::from_index(n as u32));
            0
        }
        _ => {
            k.machine.write_protect_seq = n as u32;
            0
        }
    })
}

/// Runs one program and gives a digest of its trace.
pub fn run(machine: &mut Machine, rules: &Rules, seed: u64) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let mut rng = Rng::new(seed);
    let mut digest = DefaultHasher::new();
    let folios: Vec<_> = (0..1 + rng.below(3)).map(|_| folio(&mut rng)).collect();
    let world = WorldDecl {
        state: rng.below(8) as u8,
        seq: rng.below(2),
        pkru: 0,
    };
    machine.set_up(&world, &folios);
    for _ in 0..6 {
        let mut events = Events::default();
        machine.begin_op();
        let mut kernel = Kernel::new(rules, machine, &mut events);
        let result = if rules.is_series() {
            series_operation(&mut kernel, &mut rng)
        } else {
            operation(&mut kernel, &mut rng)
        };
        format!("{result:?} {:?}", events.0).hash(&mut digest);
        format!("{:?}", machine.entries).hash(&mut digest);
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
