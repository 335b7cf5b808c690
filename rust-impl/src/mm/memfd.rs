// SPDX-License-Identifier: GPL-2.0
//! The page cache of memfds.  The default answers:
//! | call | default answer |
//! |-|-|
//! | `filemap_get_folios_contig` | the contiguous folios that are present, each with one more reference |
//! | `__folio_batch_release` | drops these references |
//! | `memfd_alloc_folio` | -ENOMEM; an action may make it 0: then the folio is the one that is present by then |
//! | `folio_zero_range` | no effect |

use alloc::vec::Vec;

use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::observer::{Ask, Call, Hook};
use crate::page::Zone;
use crate::pages::{FolioPtr, PagePtr};

/// What a folio batch has room for (PAGEVEC_SIZE).
const FOLIO_BATCH: usize = 31;

impl Kernel<'_> {
    /// The folio of a page of a memfd.  A folio with a refcount of 0 is being freed, and
    /// device memory is not in the page cache.
    fn cached(&mut self, index: u64) -> Result<Option<FolioPtr>, Stop> {
        let Some(page) = self.machine.cache.find(index) else {
            return Ok(None);
        };
        let folio = self.page_folio(page)?;
        let head = *self.machine.pages.get(folio.page())?;
        if head.is_tail() || head.zone == Zone::Device || head.refcount == 0 {
            return Ok(None);
        }
        let number = |page: PagePtr| page.nr().ok_or(Stop::Oops);
        let (page, head) = (number(page)?, number(folio.page())?);
        let behind = u64::from(page).wrapping_sub(head.into());
        self.machine
            .cache
            .set_index(head, index.wrapping_sub(behind));
        Ok(Some(folio))
    }

    /// Takes one more reference, after the call was reported.
    fn hold(&mut self, call: Call, folio: FolioPtr) -> Result<(), Stop> {
        self.call(call, folio)?;
        let head = self.machine.pages.update(folio.page())?;
        head.refcount = head.refcount.wrapping_add(1);
        Ok(())
    }

    /// `filemap_get_folios_contig`: advances `start` past the last folio.
    pub(crate) fn filemap_get_folios_contig(
        &mut self,
        start: &mut u64,
        end: u64,
    ) -> Result<Vec<FolioPtr>, Stop> {
        let mut index = *start;
        self.ask(Ask::FindFolios { start: index, end })?;
        self.hook(Hook::FindFolios);
        let mut found = Vec::new();
        while index <= end {
            let Some(folio) = self.cached(index)? else {
                break;
            };
            let next = self.folio_next_index(folio)?;
            if next <= index {
                break;
            }
            index = next;
            self.hold(Call::Found, folio)?;
            found.push(folio);
            if found.len() == FOLIO_BATCH {
                break;
            }
        }
        if !found.is_empty() {
            *start = index;
        }
        Ok(found)
    }

    /// `folio_batch_release`.
    pub(crate) fn folio_batch_release(&mut self, found: &[FolioPtr]) -> Result<(), Stop> {
        for &folio in found {
            self.call(Call::Released, folio)?;
            let head = self.machine.pages.update(folio.page())?;
            head.refcount = head.refcount.wrapping_sub(1);
            if head.refcount == 0 {
                self.call(Call::FolioPut, folio)?;
            }
        }
        Ok(())
    }

    /// `memfd_alloc_folio`: the folio that is present then, or an errno.
    pub(crate) fn memfd_alloc_folio(&mut self, index: u64) -> Result<Result<FolioPtr, i32>, Stop> {
        let memalloc_pin = self.machine.held.memalloc_pin;
        self.ask(Ask::AllocFolio {
            index,
            memalloc_pin,
        })?;
        let errno = self.hook(Hook::AllocFolio).unwrap_or(-ENOMEM);
        if errno != 0 {
            return Ok(Err(errno));
        }
        let Some(folio) = self.cached(index)? else {
            return Ok(Err(-ENOMEM));
        };
        self.hold(Call::Allocated, folio)?;
        Ok(Ok(folio))
    }

    /// `folio_zero_range`, of all of it.
    pub(crate) fn folio_zero_range(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        self.call(Call::Zeroed, folio)
    }
}
