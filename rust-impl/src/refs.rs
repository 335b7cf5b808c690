// SPDX-License-Identifier: GPL-2.0
//! References without flags: get, try-get and put.
//!
//! All counts are 32-bit and wrap.  Every update of a refcount is a step, even if it fails.
//! Other CPUs may act before and after it, so values that were read before an update may be
//! outdated: each function reads them when the kernel does.

use crate::kernel::{Kernel, Stop};
use crate::observer::Hook;
use crate::page::{PageType, Pgmap, Zone};
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;

impl Kernel<'_> {
    /// `page_folio` (6.1, 6.12), `compound_head` (v8 to v11, 5.10): follows the compound
    /// link of a page.
    pub fn page_folio(&self, page: PagePtr) -> Result<FolioPtr, Stop> {
        let p = self.machine.pages.get(page)?;
        Ok(FolioPtr(if p.is_tail() {
            PagePtr::new(p.head)
        } else {
            page
        }))
    }

    /// `folio_ref_count` (6.1, 6.12).
    pub fn folio_ref_count(&self, folio: FolioPtr) -> Result<i32, Stop> {
        Ok(self.machine.pages.get(folio.page())?.refcount)
    }

    /// `folio_test_large` (6.1, 6.12).
    pub fn folio_test_large(&self, folio: FolioPtr) -> Result<bool, Stop> {
        Ok(self.machine.pages.get(folio.page())?.is_large())
    }

    /// Does a folio have a pin count?  `hpage_pincount_available` (5.10), which looks up
    /// the head again; `folio_test_large` (6.1, 6.12).
    pub(crate) fn has_pincount(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let head = self.flags_page(folio)?;
        let head = self.machine.pages.get(head)?;
        Ok(self.rules.pins.has_pincount(head))
    }

    /// Adds to a refcount atomically; returns the new value.
    pub(crate) fn folio_ref_add(&mut self, folio: FolioPtr, nr: i32) -> Result<i32, Stop> {
        self.update_refcount(folio, |count| Some(count.wrapping_add(nr)))
    }

    /// Updates a refcount atomically, unless `change` refuses; returns the value
    /// afterwards.
    #[inline]
    fn update_refcount(
        &mut self,
        folio: FolioPtr,
        change: impl FnOnce(i32) -> Option<i32>,
    ) -> Result<i32, Stop> {
        let nr = folio.page().nr().ok_or(Stop::Oops)?;
        self.hook(Hook::BeforeRef(nr));
        self.step()?;
        let page = self.machine.pages.update(folio.page())?;
        let count = change(page.refcount).unwrap_or(page.refcount);
        page.refcount = count;
        self.hook(Hook::AfterRef(nr));
        Ok(count)
    }

    /// `page_ref_sub_return` (v8 on): subtracts from the count of exactly this page, head
    /// or tail; returns the new value.
    pub fn page_ref_sub_return(&mut self, page: PagePtr, nr: i32) -> Result<i32, Stop> {
        self.folio_ref_add(FolioPtr(page), nr.wrapping_neg())
    }

    /// Adds to the pin count of a large folio: `hpage_pincount_add` (5.10).
    pub(crate) fn folio_pincount_add(&mut self, folio: FolioPtr, nr: i32) -> Result<(), Stop> {
        self.check_head(folio, Site::HpagePincountAdd)?;
        self.update_pincount(folio, nr)
    }

    /// Subtracts from the pin count: `hpage_pincount_sub` (5.10).
    pub(crate) fn folio_pincount_sub(&mut self, folio: FolioPtr, nr: i32) -> Result<(), Stop> {
        self.check_head(folio, Site::HpagePincountSub)?;
        self.update_pincount(folio, nr.wrapping_neg())
    }

    /// Adds to the pin count of a large folio atomically.
    fn update_pincount(&mut self, folio: FolioPtr, nr: i32) -> Result<(), Stop> {
        let head = folio.page().nr().ok_or(Stop::Oops)?;
        self.hook(Hook::BeforePin(head));
        let page = self.machine.pages.update(folio.page())?;
        page.pincount = page.pincount.wrapping_add(nr);
        self.hook(Hook::AfterPin(head));
        Ok(())
    }

    /// `folio_ref_add_unless(folio, nr, 0)` (6.1, 6.12).
    ///
    /// In 6.12 it reads the count first, but that does not decide: the count may be zero by
    /// the time of the update.
    fn folio_ref_add_unless_zero(&mut self, folio: FolioPtr, nr: i32) -> Result<bool, Stop> {
        if self.rules.add_unless_reads_first && self.folio_ref_count(folio)? == 0 {
            return Ok(false);
        }
        let mut added = false;
        self.update_refcount(folio, |count| {
            added = count != 0;
            added.then_some(count.wrapping_add(nr))
        })?;
        Ok(added)
    }

    /// `folio_get` (6.1, 6.12; before, `get_page` of a head).
    pub fn folio_get(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if self.rules.debug_vm {
            let count = self.folio_ref_count(folio)?;
            if (count as u32).wrapping_add(127) <= 127 {
                return Err(Stop::Bug(if self.rules.gets_compound_heads {
                    Site::GetPage
                } else {
                    Site::FolioGet
                }));
            }
        }
        self.folio_ref_add(folio, 1)?;
        Ok(())
    }

    /// `get_page` (v8 on).
    pub fn get_page(&mut self, page: PagePtr) -> Result<(), Stop> {
        let folio = self.page_folio(page)?;
        let slab = self.has_no_count(folio)?;
        if self.warn_on(slab, Site::GetPageSlab) {
            return Ok(());
        }
        self.folio_get(folio)
    }

    /// Is it a slab folio, which is not refcounted?
    fn has_no_count(&self, folio: FolioPtr) -> Result<bool, Stop> {
        let page = self.machine.pages.get(folio.page())?;
        Ok(self.rules.slab_pages_have_no_count && page.page_type == PageType::Slab)
    }

    /// `try_get_page` (v8 on).
    pub fn try_get_page(&mut self, page: PagePtr) -> Result<bool, Stop> {
        let folio = self.page_folio(page)?;
        let dead = self.folio_ref_count(folio)? <= 0;
        if self.warn_on(dead, Site::TryGetPage) {
            return Ok(false);
        }
        self.folio_ref_add(folio, 1)?;
        Ok(true)
    }

    /// `folio_try_get` (6.1, 6.12), `get_page_unless_zero` (5.10).
    pub fn folio_try_get(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        self.folio_ref_add_unless_zero(folio, 1)
    }

    /// `folio_try_get_rcu` (6.1; removed in v6.11, because it is the same as
    /// `folio_try_get` except with tiny RCU), `page_cache_get_speculative` (5.10).
    pub fn folio_try_get_rcu(&mut self, folio: FolioPtr) -> Result<bool, Stop> {
        self.folio_ref_try_add(folio, 1)
    }

    /// `folio_ref_try_add` (6.12), `folio_ref_try_add_rcu` (6.1),
    /// `page_cache_add_speculative` (5.10).
    pub fn folio_ref_try_add(&mut self, folio: FolioPtr, count: i32) -> Result<bool, Stop> {
        let added = self.folio_ref_add_unless_zero(folio, count)?;
        if added {
            self.check_head(folio, Site::PageCacheAddSpeculative)?;
        }
        Ok(added)
    }

    /// The BUG (5.10) about a head that has become a tail.
    pub(crate) fn check_head(&self, head: FolioPtr, site: Site) -> Result<(), Stop> {
        let checks = self.rules.heads_are_checked && self.rules.debug_vm;
        if checks && self.machine.pages.get(head.page())?.is_tail() {
            return Err(Stop::Bug(site));
        }
        Ok(())
    }

    /// `try_get_folio` (6.1, 6.12), `try_get_compound_head` (v8 to v11, 5.10): takes `refs`
    /// references on a page's folio; `None` means NULL.
    ///
    /// The folio may be split between the lookup and the update, so the lookup is repeated;
    /// if it gives another folio, everything is retried.  5.10 fails instead; the series
    /// does not check.
    pub fn try_get_folio(&mut self, page: PagePtr, refs: i32) -> Result<Option<FolioPtr>, Stop> {
        loop {
            let folio = self.page_folio(page)?;
            let negative = self.folio_ref_count(folio)? < 0;
            let site = if self.rules.gets_compound_heads {
                Site::TryGetCompoundHead
            } else {
                Site::TryGetFolio
            };
            if self.warn_on(negative, site) {
                return Ok(None);
            }
            if !self.folio_ref_try_add(folio, refs)? {
                return Ok(None);
            }
            if !self.rules.get_rechecks_head || self.page_folio(page)? == folio {
                return Ok(Some(folio));
            }
            self.put_refs(folio, refs)?;
            if !self.rules.get_retries {
                return Ok(None);
            }
        }
    }

    /// `put_page` (v8 on).
    pub fn put_page(&mut self, page: PagePtr) -> Result<(), Stop> {
        let folio = self.page_folio(page)?;
        if self.has_no_count(folio)? || self.put_devmap_managed_folio_refs(folio, 1)? {
            return Ok(());
        }
        self.folio_put(folio)
    }

    /// `folio_put` (6.1, 6.12).
    pub fn folio_put(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if self.put_page_testzero(folio.page())? {
            self.__folio_put(folio)?;
        }
        Ok(())
    }

    /// `put_page_testzero` (v8 on): does not look up the head.
    fn put_page_testzero(&mut self, page: PagePtr) -> Result<bool, Stop> {
        if self.rules.debug_vm && self.machine.pages.get(page)?.refcount == 0 {
            return Err(Stop::Bug(Site::PutPageTestzero));
        }
        Ok(self.folio_ref_add(FolioPtr(page), -1)? == 0)
    }

    /// `folio_put_refs` (6.1, 6.12).
    pub fn folio_put_refs(&mut self, folio: FolioPtr, refs: i32) -> Result<(), Stop> {
        if self.folio_ref_add(folio, refs.wrapping_neg())? == 0 {
            self.__folio_put(folio)?;
        }
        Ok(())
    }

    /// `page_is_devmap_managed` (v8 to v11, 5.10), and the first checks of the later
    /// function.  If the key is off, the page is not read.
    pub(crate) fn page_is_devmap_managed(&self, page: PagePtr) -> Result<bool, Stop> {
        if !self.machine.devmap_managed_key || self.rules.devmap_counts_like_others {
            return Ok(false);
        }
        Ok(match self.zone_device_type(page)? {
            Some(Pgmap::FsDax) => true,
            Some(Pgmap::Private) => self.rules.devmap_put_frees,
            _ => false,
        })
    }

    /// `put_devmap_managed_folio_refs` (6.12), `put_devmap_managed_page_refs` (6.1): fsdax
    /// pages are free at refcount 1, and a task may wait for a page to become idle.
    pub fn put_devmap_managed_folio_refs(
        &mut self,
        folio: FolioPtr,
        refs: i32,
    ) -> Result<bool, Stop> {
        if !self.page_is_devmap_managed(folio.page())? {
            return Ok(false);
        }
        if self.rules.devmap_put_frees {
            self.put_devmap_managed_page(folio)?;
            return Ok(true);
        }
        if self.folio_ref_add(folio, refs.wrapping_neg())? == 1 {
            self.wake_up_refcount(folio)?;
        }
        Ok(true)
    }

    /// Drops `refs` references, in the way that this folio needs.
    pub(crate) fn put_refs(&mut self, folio: FolioPtr, refs: i32) -> Result<(), Stop> {
        if self.rules.puts_with_a_check {
            return self.put_page_refs(folio, refs);
        }
        if !self.put_devmap_managed_folio_refs(folio, refs)? {
            self.folio_put_refs(folio, refs)?;
        }
        Ok(())
    }

    /// `put_page_refs` (5.10): subtracts all references but one, and puts the last one; it
    /// always puts at least one.
    fn put_page_refs(&mut self, head: FolioPtr, refs: i32) -> Result<(), Stop> {
        if self.rules.debug_vm {
            let too_many = self.folio_ref_count(head)? < refs;
            if self.warn_on(too_many, Site::PutPageRefs) {
                return Ok(());
            }
        }
        if refs > 1 {
            self.folio_ref_add(head, 1i32.wrapping_sub(refs))?;
        }
        self.put_page(head.page())
    }

    /// `page->pgmap->type` of a ZONE_DEVICE page, `None` for other pages; a page without a
    /// pagemap faults.
    ///
    /// In a tail, the compound link is in place of the pointer.  Dereferenced anyway, it
    /// leads into the memory map after the head, where zeros are read, which are not a
    /// type; in 6.6 the pin count and the number of pages, without their low bytes.  7.3 reads
    /// the pointer of the folio.
    pub(crate) fn zone_device_type(&self, mut page: PagePtr) -> Result<Option<Pgmap>, Stop> {
        if self.rules.pagemap_of_folio {
            page = self.page_folio(page)?.page();
        }
        let asked = page;
        let page = self.machine.pages.get(page)?;
        if !self.rules.config.zone_device {
            return Ok(None);
        }
        if self.rules.tail_type_is_in_pincount && page.is_tail() && page.zone == Zone::Device {
            let head = self.machine.pages.get(self.page_folio(asked)?.page())?;
            let next = 1u32 << head.order << 24;
            return Ok(Pgmap::of_type(head.pincount as u32 >> 8 | next));
        }
        match (page.zone, page.pgmap) {
            (Zone::Device, Pgmap::None) if !page.is_tail() => Err(Stop::Oops),
            (Zone::Device, pgmap) => Ok(Some(pgmap)),
            _ => Ok(None),
        }
    }
}
