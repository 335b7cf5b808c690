// SPDX-License-Identifier: GPL-2.0
//! Call sites of the slow path: what they do with the page that was found.
//!
//! FOLL_GET and FOLL_PIN are mutually exclusive.  Most sites have their own WARN for that
//! and return NULL; `follow_page_pte` leaves it to the grab, and `follow_trans_huge_pmd`
//! and `follow_hugetlb_page` do not check.

use crate::foll::{Foll, FollFlag};
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::page::Mapping;
use crate::pages::{FolioPtr, PagePtr};
use crate::series::{EEXIST, ErrPtr};
use crate::site::Site;

/// A PMD or PUD that maps device memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DevmapLevel {
    /// `follow_devmap_pmd`.
    Pmd,
    /// `follow_devmap_pud`.
    Pud,
}

impl Kernel<'_> {
    fn either(&self, flags: Foll) -> bool {
        self.has(flags, FollFlag::Get) || self.has(flags, FollFlag::Pin)
    }

    fn both(&self, flags: Foll) -> bool {
        self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin)
    }

    /// `follow_page_pte` (v8 to v11); `devmap`: the PTE is one of device memory, so the
    /// page needs a reference.
    ///
    /// v8 contains a copy of the slow grab, with `try_get_page` for its first part: finding
    /// 3.
    pub fn follow_page_pte(
        &mut self,
        page: PagePtr,
        flags: Foll,
        devmap: bool,
    ) -> Result<ErrPtr, Stop> {
        if devmap && !self.either(flags) {
            return Ok(Err(-EEXIST));
        }
        if self.rules.series.pte_uses_helper {
            return Ok(match self.try_grab_page(page, flags)? {
                0 => Ok(page),
                errno => Err(errno),
            });
        }
        if self.either(flags) && !self.try_get_page(page)? {
            return Ok(Err(-ENOMEM));
        }
        if self.has(flags, FollFlag::Pin) {
            self.warn_on(self.has(flags, FollFlag::Get), Site::FollowPagePte);
            self.pin_the_rest(page)?;
        }
        Ok(Ok(page))
    }

    /// `follow_page_mask` (v8 to v11), where a hugepd gave the page: it cannot take
    /// references, and v8 returns NULL instead of the page (finding 4).
    pub fn follow_page_mask(&mut self, page: PagePtr, flags: Foll) -> ErrPtr {
        self.warn_on(self.either(flags), Site::FollowPageMask);
        if self.rules.series.mask_gives_page {
            Ok(page)
        } else {
            Ok(PagePtr::NULL)
        }
    }

    /// `follow_devmap_pmd`, `follow_devmap_pud` (v8 to v11).
    pub fn follow_devmap(
        &mut self,
        level: DevmapLevel,
        page: PagePtr,
        flags: Foll,
    ) -> Result<ErrPtr, Stop> {
        let site = match level {
            DevmapLevel::Pmd => Site::FollowDevmapPmd,
            DevmapLevel::Pud => Site::FollowDevmapPud,
        };
        if self.warn_on(self.both(flags), site) {
            return Ok(Ok(PagePtr::NULL));
        }
        if !self.either(flags) {
            return Ok(Err(-EEXIST));
        }
        self.grabbed(page, flags)
    }

    /// `follow_huge_pmd` (v8 to v11).  With neither flag it takes nothing.
    pub fn follow_huge_pmd(&mut self, page: PagePtr, flags: Foll) -> Result<ErrPtr, Stop> {
        if self.warn_on(self.both(flags), Site::FollowHugePmd) {
            return Ok(Ok(PagePtr::NULL));
        }
        self.grabbed(page, flags)
    }

    /// `follow_huge_pud`, `follow_huge_pgd` (v8 to v11): the weak versions cannot take
    /// references, so with either flag they return NULL.
    pub fn follow_huge_without_grab(&self, page: PagePtr, flags: Foll) -> ErrPtr {
        if self.either(flags) {
            Ok(PagePtr::NULL)
        } else {
            Ok(page)
        }
    }

    fn grabbed(&mut self, page: PagePtr, flags: Foll) -> Result<ErrPtr, Stop> {
        Ok(match self.grab_for_caller(page, flags)? {
            true => Ok(page),
            false => Err(-self.rules.series.grab_errno),
        })
    }

    /// `follow_trans_huge_pmd` (v8 to v11); `mlock`: the VMA is locked and the caller asks
    /// to mlock its pages.
    ///
    /// Up to v9 the page is mlocked before the grab, which can fail in v9.
    pub fn follow_trans_huge_pmd(
        &mut self,
        page: PagePtr,
        flags: Foll,
        mlock: bool,
    ) -> Result<ErrPtr, Stop> {
        let head = self.page_folio(page)?;
        let mlock_last = self.rules.series.grabs_before_mlock;
        if mlock && !mlock_last {
            self.mlock_if_mapped(head)?;
        }
        let result = self.grabbed(page, flags)?;
        if mlock && mlock_last && result.is_ok() {
            self.mlock_if_mapped(head)?;
        }
        Ok(result)
    }

    /// Mlocks a page that is still in use, if its lock is to be had.
    fn mlock_if_mapped(&mut self, head: FolioPtr) -> Result<(), Stop> {
        if self.machine.pages.get(head.page())?.mapping == Mapping::None {
            return Ok(());
        }
        if !self.folio_trylock(head)? {
            return Ok(());
        }
        self.mlock_vma_page(head)?;
        self.folio_unlock(head)
    }

    /// `follow_hugetlb_page` (v8 to v11): records up to `n` pages of a hugetlb page from
    /// this one on, each with a separate grab; returns their number, or a negative errno if
    /// there is none.
    ///
    /// The grab of v8 puts most of each tail's pin on that tail.
    pub fn follow_hugetlb_page(&mut self, page: PagePtr, n: i32, flags: Foll) -> Result<i64, Stop> {
        let (_, left) = self.rest_of_compound(page)?;
        let nr = if n < 0 { 0 } else { n.min(left) };
        for i in 0..nr {
            let subpage = page.nth(i as u64);
            if !self.grab_for_caller(subpage, flags)? {
                return Ok(match i {
                    0 => (-self.rules.series.grab_errno).into(),
                    _ => i.into(),
                });
            }
            self.record(subpage, 1)?;
        }
        Ok(nr.into())
    }
}
