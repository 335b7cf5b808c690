// SPDX-License-Identifier: GPL-2.0
//! The page level.

use csrc::abi;
use gup::{FolioPtr, List, Stop, Vma};

use super::super::record::Returned;
use super::super::world;
use super::{Call, ulong};

impl Call<'_, '_> {
    /// Calls a function of the page level, or a call site of the FOLL_PIN series.
    pub fn page_level(&mut self) -> Result<Returned, Stop> {
        let void = |()| Returned::Void;
        let found = |folio: Option<FolioPtr>| Returned::Folio(folio.and_then(|f| f.page().nr()));
        let n = self.op.n;
        let (page, folio) = (self.page(), self.folio());
        match u32::from(self.op.op) {
            abi::GD_OP_GET_PAGE => self.kernel.get_page(page).map(void),
            abi::GD_OP_FOLIO_GET => self.kernel.folio_get(folio).map(void),
            abi::GD_OP_TRY_GET_PAGE => self.kernel.try_get_page(page).map(Returned::Bool),
            abi::GD_OP_FOLIO_TRY_GET => self.kernel.folio_try_get(folio).map(Returned::Bool),
            abi::GD_OP_FOLIO_TRY_GET_RCU => {
                self.kernel.folio_try_get_rcu(folio).map(Returned::Bool)
            }
            abi::GD_OP_FOLIO_REF_TRY_ADD => {
                self.kernel.folio_ref_try_add(folio, n).map(Returned::Bool)
            }
            abi::GD_OP_TRY_GET_FOLIO => self.kernel.try_get_folio(page, n).map(found),
            abi::GD_OP_PUT_PAGE => self.kernel.put_page(page).map(void),
            abi::GD_OP_FOLIO_PUT => self.kernel.folio_put(folio).map(void),
            abi::GD_OP_FOLIO_PUT_REFS => self.kernel.folio_put_refs(folio, n).map(void),
            abi::GD_OP_PUT_DEVMAP_MANAGED => self
                .kernel
                .put_devmap_managed_folio_refs(folio, n)
                .map(Returned::Bool),
            abi::GD_OP_PAGE_REF_SUB_RETURN => self
                .kernel
                .page_ref_sub_return(page, n)
                .map(|count| Returned::Int(count.into())),

            abi::GD_OP_GRAB_SLOW => {
                let foll = self.foll();
                self.kernel.grab_slow(page, n, foll).map(Returned::Errno)
            }
            abi::GD_OP_GRAB_FAST => {
                let foll = self.foll();
                self.kernel.try_grab_folio_fast(page, n, foll).map(found)
            }
            abi::GD_OP_FOLIO_ADD_PIN => self.kernel.folio_add_pin(folio).map(void),
            abi::GD_OP_FOLIO_ADD_PINS => self.kernel.folio_add_pins(folio, n).map(Returned::Errno),
            abi::GD_OP_TRY_PIN_COMPOUND_HEAD => {
                self.kernel.try_pin_compound_head(page, n).map(found)
            }
            abi::GD_OP_CLOSE_TO_BIAS_OVERFLOW => self
                .kernel
                .page_ref_zero_or_close_to_bias_overflow(page)
                .map(Returned::Bool),

            abi::GD_OP_GUP_PUT_FOLIO => {
                let foll = self.foll();
                self.kernel.gup_put_folio(folio, n, foll).map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGE => self.kernel.unpin_user_page(page).map(void),
            abi::GD_OP_UNPIN_FOLIO => self.kernel.unpin_folio(folio).map(void),
            abi::GD_OP_UNPIN_USER_FOLIO => self.kernel.unpin_user_folio(folio, ulong(n)).map(void),

            abi::GD_OP_UNPIN_USER_PAGES => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel.unpin_user_pages(list, npages).map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGES_DIRTY_LOCK => {
                let (npages, dirty) = (self.fill(false), self.dirty());
                let list = List::new(self.list);
                self.kernel
                    .unpin_user_pages_dirty_lock(list, npages, dirty)
                    .map(void)
            }
            abi::GD_OP_UNPIN_USER_PAGE_RANGE_DIRTY_LOCK => {
                let dirty = self.dirty();
                self.kernel
                    .unpin_user_page_range_dirty_lock(page, ulong(n), dirty)
                    .map(void)
            }
            abi::GD_OP_UNPIN_FAST => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel
                    .gup_fast_unpin_user_pages(list, npages)
                    .map(void)
            }
            abi::GD_OP_UNPIN_FOLIOS => {
                let npages = self.fill(true);
                let list = List::new(self.list);
                self.kernel.unpin_folios(list, npages).map(void)
            }
            abi::GD_OP_SANITY_CHECK => {
                let npages = self.fill(false);
                let list = List::new(self.list);
                self.kernel
                    .sanity_check_pinned_pages(list, npages)
                    .map(void)
            }

            abi::GD_OP_GUP_MUST_UNSHARE => {
                let vma = Vma::from_index(self.op.arg.into());
                let foll = self.foll();
                self.kernel
                    .gup_must_unshare(vma, foll, page)
                    .map(Returned::Bool)
            }
            abi::GD_OP_PAGE_MAYBE_DMA_PINNED => {
                self.kernel.page_maybe_dma_pinned(page).map(Returned::Bool)
            }
            abi::GD_OP_FOLIO_MAYBE_DMA_PINNED => self
                .kernel
                .folio_maybe_dma_pinned(folio)
                .map(Returned::Bool),
            abi::GD_OP_NEEDS_COW_FOR_DMA => self.kernel.needs_cow_for_dma(page).map(Returned::Bool),
            abi::GD_OP_IS_LONGTERM_PINNABLE_PAGE => self
                .kernel
                .is_longterm_pinnable_page(page)
                .map(Returned::Bool),
            abi::GD_OP_FOLIO_IS_LONGTERM_PINNABLE => self
                .kernel
                .folio_is_longterm_pinnable(folio)
                .map(Returned::Bool),
            abi::GD_OP_IS_SECRETMEM => self.kernel.is_secretmem(page).map(Returned::Bool),
            abi::GD_OP_IS_PCI_P2PDMA_PAGE => {
                self.kernel.is_pci_p2pdma_page(page).map(Returned::Bool)
            }
            abi::GD_OP_GUP_FAST_FOLIO_ALLOWED => {
                let foll = self.foll();
                self.kernel
                    .gup_fast_folio_allowed(folio, foll)
                    .map(Returned::Bool)
            }
            abi::GD_OP_MM_SET_HAS_PINNED_FLAG => {
                self.kernel.mm_set_has_pinned_flag(world::mm(self.op));
                Ok(Returned::Void)
            }
            id => self.series_call_site(id),
        }
    }
}
