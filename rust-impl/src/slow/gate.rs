// SPDX-License-Identifier: GPL-2.0
//! The gate area: a page that all processes have, and that is not in a VMA of theirs.

use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::pages::PagePtr;
use crate::site::Site;
use crate::tables::{EntryPtr, Level};
use crate::vma::VmaPtr;
use crate::walk::EFAULT;

/// The gate area's VMA, and the page, or NULL if none was requested.
type Gate = (Option<VmaPtr>, PagePtr);

impl Kernel<'_> {
    /// `get_gate_page`: looks up the page, for reading only, without a lock; or returns an
    /// errno.
    ///
    /// `pages`: where to store the page, if it was requested.  5.10 and 6.1 store it here,
    /// before they grab it.
    pub(crate) fn get_gate_page(
        &mut self,
        mm: MmPtr,
        address: u64,
        flags: Foll,
        pages: Option<usize>,
    ) -> Result<Result<Gate, i32>, Stop> {
        if self.has(flags, FollFlag::Write) {
            return Ok(Err(-EFAULT));
        }
        let p4d = self
            .machine
            .tables
            .get(self.machine.tables.top(mm, address))?;
        if p4d.is_none() {
            return Ok(Err(-EFAULT));
        }
        let at = EntryPtr::of(p4d.table().ok_or(Stop::Oops)?, Level::Pud, address);
        let pud = self.machine.tables.get(at)?;
        if pud.is_none() {
            return Ok(Err(-EFAULT));
        }
        let at = EntryPtr::of(pud.table().ok_or(Stop::Oops)?, Level::Pmd, address);
        let pmd = self.machine.tables.get(at)?;
        if !pmd.pmd_present() {
            return Ok(Err(-EFAULT));
        }
        let can_fail = self.rules.walk.pte_map_can_fail;
        self.vm_bug_on(!can_fail && pmd.is_trans_huge(), Site::GetGatePageHuge)?;
        let Some(ptep) = self.pte_offset_map(at, address)? else {
            return Ok(Err(-EFAULT));
        };
        let pte = self.machine.tables.get(ptep)?;
        if pte.is_none() {
            return Ok(Err(-EFAULT));
        }
        let gate = self.machine.vmas.gate(mm);
        let Some(at) = pages else {
            return Ok(Ok((gate, PagePtr::NULL)));
        };
        let mut page = self.vm_normal_page(pte);
        if page.is_null() {
            if self.has(flags, FollFlag::Dump) || !self.is_zero_page(pte.page()) {
                return Ok(Err(-EFAULT));
            }
            page = pte.page();
        }
        if !self.rules.slow.takes_huge_entries_whole {
            self.store_page(at, page)?;
        }
        let errno = self.grab_slow(page, 1, flags)?;
        Ok(if errno != 0 {
            Err(errno)
        } else {
            Ok((gate, page))
        })
    }
}
