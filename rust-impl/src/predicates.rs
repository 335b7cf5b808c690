// SPDX-License-Identifier: GPL-2.0
//! Predicates about a page, a folio or the mm.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MigrateType;
use crate::page::{Mapping, PageType, Pgmap, Zone, flag};
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;

/// The vma argument of gup_must_unshare().
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vma {
    /// NULL: the lockless walk has none.
    None,
    /// A shared mapping.
    Shared,
    /// A private mapping that may be written: copy-on-write.
    Cow,
}

impl Vma {
    /// The kind with this number, modulo what exists.
    pub const fn from_index(index: u32) -> Vma {
        match index % 3 {
            0 => Vma::None,
            1 => Vma::Shared,
            _ => Vma::Cow,
        }
    }
}

impl Kernel<'_> {
    /// `folio_test_anon` (6.1, 6.12): KSM folios are anonymous too.
    pub(crate) fn folio_test_anon(&self, folio: FolioPtr) -> Result<bool, Stop> {
        Ok(self.machine.pages.get(folio.page())?.mapping.is_anon())
    }

    /// `folio_test_hugetlb` (6.1, 6.12).
    pub(crate) fn folio_test_hugetlb(&self, folio: FolioPtr) -> Result<bool, Stop> {
        Ok(self.machine.pages.get(folio.page())?.page_type == PageType::Hugetlb)
    }

    /// `folio_test_swapcache` (6.12): only of what is swap-backed.
    pub(crate) fn folio_test_swapcache(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let both = flag::SWAPCACHE | flag::SWAPBACKED;
        Ok(self.machine.pages.get(folio.page())?.flags & both == both)
    }

    /// The AnonExclusive bit: hugetlb has it on the head, THP on each page.
    ///
    /// `PageAnonExclusive` leaves the lookup of a hugetlb head to its callers in 6.1, and
    /// does it itself in 6.12.
    pub(crate) fn page_anon_exclusive(&self, page: PagePtr) -> Result<bool, Stop> {
        let page = if self.rules.exclusive_looks_up_hugetlb {
            self.hugetlb_head(page)?
        } else {
            page
        };
        Ok(self.machine.pages.get(page)?.flags & flag::ANON_EXCLUSIVE != 0)
    }

    /// The head of a hugetlb page; any other page is returned unchanged.
    fn hugetlb_head(&self, page: PagePtr) -> Result<PagePtr, Stop> {
        let folio = self.page_folio(page)?;
        Ok(if self.folio_test_hugetlb(folio)? {
            folio.page()
        } else {
            page
        })
    }

    /// `gup_must_unshare` (6.1, 6.12): must a read-only pin break sharing first?  6.1 has
    /// no vma argument; 5.10 has no such function.
    pub fn gup_must_unshare(&self, vma: Vma, flags: Foll, mut page: PagePtr) -> Result<bool, Stop> {
        if self.has(flags, FollFlag::Write) || !self.has(flags, FollFlag::Pin) {
            return Ok(false);
        }
        if !self.rules.knows_exclusive {
            return Ok(false);
        }
        let folio = self.page_folio(page)?;
        if !self.folio_test_anon(folio)? {
            if !self.rules.unshares_file_pages || !self.has(flags, FollFlag::Longterm) {
                return Ok(false);
            }
            // without a vma, leave doubtful cases to the slow path
            return Ok(match vma {
                Vma::None | Vma::Cow => true,
                Vma::Shared => false,
            });
        }
        // 6.1 looks up the hugetlb head here, and trusts PG_head
        if !self.rules.exclusive_looks_up_hugetlb && !self.machine.pages.get(page)?.is_large() {
            page = self.hugetlb_head(page)?;
        }
        Ok(!self.page_anon_exclusive(page)?)
    }

    /// `page_maybe_dma_pinned` (6.1), `page_dma_pinned` (v8 to v11).
    pub fn page_maybe_dma_pinned(&self, page: PagePtr) -> Result<bool, Stop> {
        let folio = self.page_folio(page)?;
        self.folio_maybe_dma_pinned(folio)
    }

    /// `folio_maybe_dma_pinned` (6.1, 6.12): exact for large folios; for small ones a guess
    /// from the refcount, where an overflow into the sign bit still counts as pinned.
    /// Before v5.7 it was a guess for all.
    pub fn folio_maybe_dma_pinned(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let page = self.machine.pages.get(folio.page())?;
        Ok(self.rules.pins.looks_pinned(page))
    }

    /// Must fork copy the page?  The function of the current revision; in 6.12 the caller
    /// looks up the page's folio.
    pub fn needs_cow_for_dma(&mut self, page: PagePtr) -> Result<bool, Stop> {
        if !self.rules.fork_asks_folio {
            return self.page_needs_cow_for_dma(page);
        }
        let folio = self.page_folio(page)?;
        self.folio_needs_cow_for_dma(folio)
    }

    /// `page_needs_cow_for_dma` (5.15, 6.1).
    pub fn page_needs_cow_for_dma(&mut self, page: PagePtr) -> Result<bool, Stop> {
        if self.fork_shares_pins(Site::PageNeedsCowForDma)? {
            return Ok(false);
        }
        self.page_maybe_dma_pinned(page)
    }

    /// `folio_needs_cow_for_dma` (6.12).
    pub fn folio_needs_cow_for_dma(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        if self.fork_shares_pins(Site::FolioNeedsCowForDma)? {
            return Ok(false);
        }
        self.folio_maybe_dma_pinned(folio)
    }

    /// Did the mm never have a pin?  Callers hold its write_protect_seq.
    fn fork_shares_pins(&mut self, site: Site) -> Result<bool, Stop> {
        let checks = self.rules.fork_is_under_way && self.rules.debug_vm;
        if checks && self.write_protect_seq() & 1 == 0 {
            return Err(Stop::Bug(site));
        }
        Ok(!self.machine.has_pinned)
    }

    /// `is_longterm_pinnable_page` (6.1), `is_pinnable_page` (5.15): checks the page's own
    /// pageblock and zone.
    ///
    /// 5.10 has no such function: its lockless grab only checks for CMA, with
    /// `is_migrate_cma_page`.
    pub fn is_longterm_pinnable_page(&self, page: PagePtr) -> Result<bool, Stop> {
        let config = self.rules.config;
        if self.rules.longterm_refuses_movable && !config.migration {
            return Ok(true);
        }
        let isolated_too = self.rules.longterm_refuses_isolated;
        if self.rules.longterm_refuses_movable && !isolated_too && self.is_zero_page(page) {
            return Ok(true);
        }
        if config.cma {
            let nr = page.nr().ok_or(Stop::Oops)?;
            let migratetype = self.machine.migratetype(nr);
            let isolated = migratetype == MigrateType::Isolate;
            if migratetype == MigrateType::Cma || isolated && isolated_too {
                return Ok(false);
            }
        }
        if !self.rules.longterm_refuses_movable {
            return Ok(true);
        }
        if self.is_zero_page(page) {
            return Ok(true);
        }
        if self.rules.longterm_refuses_coherent {
            let device = self.zone_device_type(page)?;
            let fsdax = device == Some(Pgmap::FsDax) && self.rules.fsdax_is_not_longterm;
            if device == Some(Pgmap::Coherent) || fsdax {
                return Ok(false);
            }
        }
        Ok(self.machine.pages.get(page)?.zone != Zone::Movable)
    }

    /// `folio_is_longterm_pinnable` (6.1, 6.12): the same for the head.
    pub fn folio_is_longterm_pinnable(&self, folio: FolioPtr) -> Result<bool, Stop> {
        self.is_longterm_pinnable_page(folio.page())
    }

    /// Is a page secretmem, in the current revision?
    ///
    /// 6.1: `page_is_secretmem`, never true for a compound page.  6.12: `secretmem_mapping`
    /// of the folio's mapping, which callers have checked to be a pointer to an object;
    /// otherwise false.
    pub fn is_secretmem(&self, page: PagePtr) -> Result<bool, Stop> {
        let folio = self.page_folio(page)?;
        if self.rules.secretmem_by_mapping {
            let mapping = self.machine.pages.get(folio.page())?.mapping;
            if mapping == Mapping::None || mapping.has_flags() {
                return Ok(false);
            }
            return self.secretmem_mapping(mapping);
        }
        if self.rules.secretmem_by_folio {
            return self.folio_is_secretmem(folio);
        }
        let page = self.machine.pages.get(page)?;
        let compound = page.is_large() || page.is_tail();
        let known = !self.rules.secretmem_is_on_lru || page.flags & flag::LRU != 0;
        Ok(known && !compound && page.mapping == Mapping::Secretmem)
    }

    /// `folio_is_secretmem` (6.6).
    pub(crate) fn folio_is_secretmem(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let page = self.machine.pages.get(folio.page())?;
        let known = !self.rules.secretmem_is_on_lru || page.flags & flag::LRU != 0;
        Ok(known && !page.is_large() && page.mapping == Mapping::Secretmem)
    }

    /// `secretmem_mapping` (6.12): dereferences the pointer.
    fn secretmem_mapping(&self, mapping: Mapping) -> Result<bool, Stop> {
        match mapping {
            Mapping::None | Mapping::Tail => Err(Stop::Oops),
            _ => Ok(mapping == Mapping::Secretmem),
        }
    }

    /// `is_pci_p2pdma_page` (6.1, 6.12).
    pub fn is_pci_p2pdma_page(&self, page: PagePtr) -> Result<bool, Stop> {
        Ok(self.zone_device_type(page)? == Some(Pgmap::P2pdma))
    }

    /// `gup_fast_folio_allowed` (6.12), `folio_fast_pin_allowed` (6.6): may the lockless walk,
    /// which has no vma, return this folio?
    ///
    /// It never returns secretmem, which is always small; in 6.6 the walk checks that itself.
    /// It refuses long-term pins for writing of folios that may need dirty tracking, that is
    /// of all files except shmem and hugetlb.  A folio without a mapping may have been truncated: it cannot be
    /// secretmem, but may have needed dirty tracking.  6.12 refuses it.
    pub fn gup_fast_folio_allowed(&mut self, folio: FolioPtr, flags: Foll) -> Result<bool, Stop> {
        let reject_file_backed = self.has(flags, FollFlag::Pin)
            && self.has(flags, FollFlag::Longterm)
            && self.has(flags, FollFlag::Write);
        let check_secretmem = self.rules.walk.looks_at_folio_after_recheck
            && self.rules.config.secretmem
            && !self.folio_test_large(folio)?;
        if !reject_file_backed && !check_secretmem {
            return Ok(true);
        }
        let page = *self.machine.pages.get(folio.page())?;
        let names = [Site::FolioFastPinAllowed, Site::GupFastFolioAllowed];
        let slab = page.page_type == PageType::Slab;
        if self.warn_on(slab, Site::named(&names, self.rules)) {
            return Ok(false);
        }
        if page.page_type == PageType::Hugetlb {
            return Ok(true);
        }
        if page.mapping == Mapping::None && self.rules.walk.folios_without_mapping_pass {
            return Ok(!reject_file_backed);
        }
        match page.mapping {
            Mapping::None | Mapping::Movable => return Ok(false),
            Mapping::Anon | Mapping::Ksm => return Ok(true),
            _ => {}
        }
        if check_secretmem && self.secretmem_mapping(page.mapping)? {
            return Ok(false);
        }
        if !reject_file_backed {
            return Ok(true);
        }
        // shmem_mapping() dereferences the pointer, too
        match page.mapping {
            Mapping::Tail => Err(Stop::Oops),
            mapping => Ok(mapping == Mapping::Shmem),
        }
    }
}
