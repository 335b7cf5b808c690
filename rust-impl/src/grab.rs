// SPDX-License-Identifier: GPL-2.0
//! Grabs: FOLL_GET or FOLL_PIN decide what is taken.
//!
//! There are two.  The *slow* one is for callers that hold the folio by other
//! means: 6.1 `try_grab_page`, 6.12 `try_grab_folio`.  The *fast* one is for
//! the lockless walk, where the folio may go away at any time: 6.1
//! `try_grab_folio`, 6.12 `try_grab_folio_fast`.
//!
//! The FOLL_PIN series has a slow and a fast one too; what they do is in
//! [`series::grab`](crate::series::grab).  5.10 has its slow one, and a fast one
//! like that of 6.1 under the name that it had in the series.

use crate::GUP_PIN_COUNTING_BIAS;
use crate::env::Counter;
use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::page::Pgmap;
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;

/// Out of memory; here: the folio could not be grabbed.
pub const ENOMEM: i32 = 12;
/// Remote I/O error; here: a PCI peer-to-peer page that was not asked for.
pub const EREMOTEIO: i32 = 121;

pub(crate) const BIAS: i32 = GUP_PIN_COUNTING_BIAS as i32;

impl Kernel<'_> {
    /// The slow grab of whichever revision: 0 or a negative errno.
    ///
    /// 6.1 takes a page, one reference, and gives a bool, which stands here as
    /// 0 or -ENOMEM.  6.12 takes the folio of the page.  v8's gives nothing
    /// and cannot fail.
    pub fn grab_slow(&mut self, page: PagePtr, refs: i32, flags: Foll) -> Result<i32, Stop> {
        Ok(if self.rules.slow_grab_takes_refs {
            let folio = self.page_folio(page)?;
            self.try_grab_folio(folio, refs, flags)?
        } else if !self.rules.series.grab_can_fail {
            self.grab_page(page, flags)?;
            0
        } else if self.try_grab_page(page, flags)? {
            0
        } else {
            -ENOMEM
        })
    }

    /// `try_grab_page` (v9 to v11, 5.10, 6.1): the slow grab of one reference or
    /// pin.
    ///
    /// In the series and in 5.10 it looks at the count where it takes something,
    /// which is told [there](crate::series::grab); 6.1 looks first of all.
    pub fn try_grab_page(&mut self, page: PagePtr, flags: Foll) -> Result<bool, Stop> {
        if !self.rules.slow_grab_looks_first {
            return self.series_try_grab_page(page, flags);
        }
        let folio = self.page_folio(page)?;
        let both = self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin);
        self.warn_on(both, Site::TryGrabPageBoth);
        if self.slow_count_is_dead(folio, Site::TryGrabPageCount)? {
            return Ok(false);
        }
        self.take_held(folio, page, 1, flags)?;
        Ok(true)
    }

    /// `try_grab_folio` (6.12; the 6.1 function of that name is
    /// [`Kernel::try_grab_folio_fast`]): the slow grab, 0 or a negative errno.
    pub fn try_grab_folio(&mut self, folio: FolioPtr, refs: i32, flags: Foll) -> Result<i32, Stop> {
        if self.slow_count_is_dead(folio, Site::TryGrabFolioCount)? {
            return Ok(-ENOMEM);
        }
        if self.refuses_p2pdma(folio.page(), flags)? {
            return Ok(-EREMOTEIO);
        }
        self.take_held(folio, folio.page(), refs, flags)?;
        Ok(0)
    }

    fn slow_count_is_dead(&mut self, folio: FolioPtr, site: Site) -> Result<bool, Stop> {
        let dead = self.folio_ref_count(folio)? <= 0;
        Ok(self.warn_on(dead, site))
    }

    /// Without FOLL_PCI_P2PDMA there are no PCI peer-to-peer pages.
    fn refuses_p2pdma(&self, page: PagePtr, flags: Foll) -> Result<bool, Stop> {
        Ok(self.rules.grabs_check_p2pdma
            && !self.has(flags, FollFlag::PciP2pdma)
            && self.zone_device_type(page)? == Some(Pgmap::P2pdma))
    }

    /// References or pins on a folio that is held already: FOLL_GET wins over
    /// FOLL_PIN.  `asked` is the page that may be the zero page.
    fn take_held(
        &mut self,
        folio: FolioPtr,
        asked: PagePtr,
        refs: i32,
        flags: Foll,
    ) -> Result<(), Stop> {
        if self.has(flags, FollFlag::Get) {
            self.folio_ref_add(folio, refs)?;
        } else if self.has(flags, FollFlag::Pin) {
            if self.pins_nothing_of(asked) {
                return Ok(());
            }
            if self.has_pincount(folio)? {
                self.folio_ref_add(folio, refs)?;
                self.folio_pincount_add(folio, refs)?;
            } else {
                self.folio_ref_add(folio, refs.wrapping_mul(BIAS))?;
            }
            self.node_stat_mod_folio(folio, Counter::Acquired, refs)?;
        }
        Ok(())
    }

    /// `try_grab_folio_fast` (6.12), `try_grab_folio` (6.1),
    /// `try_grab_compound_head` (v8 to v11, 5.10): the lockless walk's grab; `None`
    /// stands for NULL.
    pub fn try_grab_folio_fast(
        &mut self,
        page: PagePtr,
        refs: i32,
        flags: Foll,
    ) -> Result<Option<FolioPtr>, Stop> {
        if self.rules.is_series() {
            return self.try_grab_compound_head(page, refs, flags);
        }
        if self.rules.fast_grab_wants_irqs_off && self.rules.debug_vm {
            self.warn_on(self.machine.irqs_on, Site::TryGrabFolioFastIrqs);
        }
        let get = self.has(flags, FollFlag::Get);
        let neither = !get && !self.has(flags, FollFlag::Pin);
        let site = if self.rules.slow_grab_takes_refs {
            Site::TryGrabFolioFastNeither
        } else if self.rules.gets_compound_heads {
            Site::TryGrabCompoundHeadNeither
        } else {
            Site::TryGrabFolioNeither
        };
        if self.warn_on(neither, site) {
            return Ok(None);
        }
        if self.refuses_p2pdma(page, flags)? {
            return Ok(None);
        }
        if get {
            return self.try_get_folio(page, refs);
        }

        if self.pins_nothing_of(page) {
            return Ok(Some(self.page_folio(page)?));
        }
        let longterm = self.has(flags, FollFlag::Longterm);
        let after_get = self.rules.longterm_checked_after_get;
        if longterm && !after_get && !self.is_longterm_pinnable_page(page)? {
            return Ok(None);
        }
        let Some(folio) = self.try_get_folio(page, refs)? else {
            return Ok(None);
        };
        if longterm && after_get && !self.folio_is_longterm_pinnable(folio)? {
            self.put_refs(folio, refs)?;
            return Ok(None);
        }

        // The references are taken; make them pins.
        if self.has_pincount(folio)? {
            self.folio_pincount_add(folio, refs)?;
        } else {
            self.folio_ref_add(folio, refs.wrapping_mul(BIAS - 1))?;
        }
        self.node_stat_mod_folio(folio, Counter::Acquired, refs)?;
        Ok(Some(folio))
    }

    /// `folio_add_pin` (6.12): one more pin on a pinned folio.  The counters
    /// do not move.
    pub fn folio_add_pin(&mut self, folio: FolioPtr) -> Result<(), Stop> {
        if self.pins_nothing_of(folio.page()) {
            return Ok(());
        }
        if self.has_pincount(folio)? {
            let unpinned = self.machine.pages.get(folio.page())?.pincount < 1;
            self.warn_on(unpinned, Site::FolioAddPinLarge);
            self.folio_ref_add(folio, 1)?;
            self.folio_pincount_add(folio, 1)?;
        } else {
            // The bias is unsigned, and so is the comparison.
            let unpinned = (self.folio_ref_count(folio)? as u32) < GUP_PIN_COUNTING_BIAS;
            self.warn_on(unpinned, Site::FolioAddPinSmall);
            self.folio_ref_add(folio, BIAS)?;
        }
        Ok(())
    }

    /// `folio_add_pins` (7.3): so many more pins on a pinned folio, by the slow grab: 0,
    /// or its errno.  The number is unsigned; the grab takes it as an int.
    pub fn folio_add_pins(&mut self, folio: FolioPtr, pins: i32) -> Result<i32, Stop> {
        if self.rules.debug_vm {
            let unpinned = !self.folio_maybe_dma_pinned(folio)?;
            self.warn_on(unpinned, Site::FolioAddPins);
        }
        self.try_grab_folio(folio, pins, Foll::of(&[FollFlag::Pin], self.rules))
    }

    /// `mm_set_has_pinned_flag` (6.1, 6.12).
    pub fn mm_set_has_pinned_flag(&mut self) {
        self.machine.has_pinned = true;
    }
}
