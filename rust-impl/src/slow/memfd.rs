// SPDX-License-Identifier: GPL-2.0
//! Pins of the folios of a memfd, which need not be mapped: udmabuf and iommufd address
//! them by file offset.

use alloc::vec::Vec;

use crate::cache::{MEMFD_SIZE, Memfd};
use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::observer::{Ask, Flush};
use crate::page::{Mapping, flag};
use crate::pages::FolioPtr;
use crate::series::{EEXIST, EINVAL};
use crate::slow::EAGAIN;
use crate::tables::PAGE_SHIFT;
use crate::unpin::List;

/// Of huge pages.
const HUGE_ORDER: u32 = 9;

/// The arguments.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The file.
    pub memfd: Memfd,
    /// The first byte.
    pub start: u64,
    /// The last byte.
    pub end: u64,
    /// Maximum number of folios.
    pub max_folios: u32,
}

/// How an iteration over the range can end early.
enum Failed {
    Errno(i32),
    Stop(Stop),
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        Failed::Stop(stop)
    }
}

impl Kernel<'_> {
    /// `memfd_pin_folios` (7.3): pins the folios of a range of a file, each once; allocates
    /// folios that are not in the page cache.  The pins are long-term, so folios that must
    /// not stay where they are are migrated, and everything is repeated.
    ///
    /// Returns the number of folios; -EINVAL for invalid arguments; or why a folio is not
    /// available.  `offset`: the offset of the range in the first folio, if there is one.
    pub fn memfd_pin_folios(
        &mut self,
        wanted: Wanted,
        offset: &mut Option<u64>,
    ) -> Result<i64, Stop> {
        let (start, end) = (wanted.start as i64, wanted.end as i64);
        let is_memfd = match wanted.memfd {
            Memfd::None | Memfd::Other => false,
            Memfd::Shmem => true,
            Memfd::Hugetlb => self.rules.config.hugetlb,
        };
        let no_range = start < 0 || start > end || wanted.max_folios == 0;
        if no_range || !is_memfd || end >= MEMFD_SIZE {
            return Ok(i64::from(-EINVAL));
        }
        let outside = self.machine.held.memalloc_pin;
        self.machine.held.memalloc_pin = true;
        let result = loop {
            let mut nr = 0;
            match self.pin_range(wanted, offset, &mut nr) {
                Ok(()) => {}
                Err(Failed::Stop(stop)) => return Err(stop),
                Err(Failed::Errno(errno)) => {
                    self.machine.held.memalloc_pin = outside;
                    let folios: Vec<_> = (0..nr).map(|at| self.entry(at)).collect();
                    self.unpin_folios(List::new(&folios), nr as u64)?;
                    break i64::from(errno);
                }
            }
            match self.check_and_migrate_movable_folios(nr)? {
                0 => break nr as i64,
                errno if errno == -EAGAIN => {}
                errno => break errno.into(),
            }
        };
        self.machine.held.memalloc_pin = outside;
        let nr = usize::try_from(result).unwrap_or(0);
        self.machine.entries.truncate(nr);
        Ok(result)
    }

    /// One iteration over the range; `nr` is the number of pinned folios.
    fn pin_range(
        &mut self,
        wanted: Wanted,
        offset: &mut Option<u64>,
        nr: &mut usize,
    ) -> Result<(), Failed> {
        let order = match wanted.memfd {
            Memfd::Hugetlb => HUGE_ORDER,
            _ => 0,
        };
        let index = |byte: u64| byte >> (PAGE_SHIFT + order) << order;
        let (mut start, end) = (index(wanted.start), index(wanted.end));
        let mut allocated: Option<FolioPtr> = None;
        while start <= end && *nr < wanted.max_folios as usize {
            let mut retry = start;
            let found = self.filemap_get_folios_contig(&mut start, end)?;
            if let Some(folio) = allocated.take() {
                self.folio_put(folio)?;
            }
            let mut next = 0;
            for &one in &found {
                let rechecks = self.rules.slow.memfd_folios_are_rechecked;
                let mut folio = one;
                if self.rules.slow.memfd_folios_may_repeat {
                    if next != 0 && next != self.folio_index(one)? {
                        continue;
                    }
                    folio = self.page_folio(one.page())?;
                }
                if rechecks && !self.is_still_cached(folio, wanted.memfd)? {
                    start = retry;
                    break;
                }
                let pin = Foll::of(&[FollFlag::Pin], self.rules);
                if self.try_grab_folio(folio, 1, pin)? != 0 {
                    if rechecks {
                        self.folio_unlock(folio)?;
                    }
                    self.folio_batch_release(&found)?;
                    return Err(Failed::Errno(-EINVAL));
                }
                let nr_pages = self.folio_nr_pages(folio)?;
                if rechecks {
                    self.clear_if_new(folio)?;
                    retry = self.folio_next_index(folio)?;
                    self.folio_unlock(folio)?;
                }
                if *nr == 0 {
                    *offset = Some(wanted.start & ((nr_pages << PAGE_SHIFT) - 1));
                }
                self.store_page(*nr, folio.page())?;
                next = self.folio_next_index(folio)?;
                *nr += 1;
                if *nr == wanted.max_folios as usize {
                    break;
                }
            }
            self.folio_batch_release(&found)?;
            if found.is_empty() {
                allocated = match self.memfd_alloc_folio(start)? {
                    Ok(folio) => Some(folio),
                    // another task was faster
                    Err(errno) if errno == -EEXIST => None,
                    Err(errno) => return Err(Failed::Errno(errno)),
                };
            }
        }
        Ok(())
    }

    /// Locks a folio, unless it was truncated.
    fn is_still_cached(&mut self, folio: FolioPtr, memfd: Memfd) -> Result<bool, Stop> {
        self.folio_lock(folio)?;
        let mapping = match memfd {
            Memfd::Shmem => Mapping::Shmem,
            _ => Mapping::File,
        };
        if self.machine.pages.get(folio.page())?.mapping == mapping {
            return Ok(true);
        }
        self.folio_unlock(folio)?;
        Ok(false)
    }

    /// Clears a folio that is not up to date: fallocate() does not clear them.
    fn clear_if_new(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if self.machine.pages.get(folio.page())?.flags & flag::UPTODATE == 0 {
            self.folio_zero_range(folio)?;
            self.flush(Flush::Folio, folio.page());
            self.machine.pages.update(folio.page())?.flags |= flag::UPTODATE;
        }
        Ok(())
    }

    /// `folio_index`: in the swap cache, that of the swap entry; a page here has none, so it
    /// is 0.
    fn folio_index(&self, folio: FolioPtr) -> Result<u64, Stop> {
        match self.folio_test_swapcache(folio)? {
            true => Ok(0),
            false => self.index_in_file(folio),
        }
    }

    /// `folio->index`.
    fn index_in_file(&self, folio: FolioPtr) -> Result<u64, Stop> {
        let head = folio.page().nr().ok_or(Stop::Oops)?;
        Ok(self.machine.cache.index_of(head))
    }

    /// `folio_next_index`.
    pub(crate) fn folio_next_index(&self, folio: FolioPtr) -> Result<u64, Stop> {
        let index = self.index_in_file(folio)?;
        Ok(index.wrapping_add(self.folio_nr_pages(folio)?))
    }

    /// `folio_nr_pages`.
    pub(crate) fn folio_nr_pages(&self, folio: FolioPtr) -> Result<u64, Stop> {
        let head = self.machine.pages.get(folio.page())?;
        Ok(if head.is_large() { 1 << head.order } else { 1 })
    }

    /// Records the final `*offset`.
    pub fn show_offset(&mut self, offset: u64) -> Result<(), Stop> {
        self.ask(Ask::Offset { offset })
    }
}
