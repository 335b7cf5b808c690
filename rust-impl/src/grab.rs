// SPDX-License-Identifier: GPL-2.0
//! Grabs: take references or pins, depending on FOLL_GET and FOLL_PIN.
//!
//! There are two.  The *slow* one is for callers that already keep the folio alive:
//! `try_grab_page` in 6.1, `try_grab_folio` in 6.12.  The *fast* one is for the lockless
//! walk, where the folio may be freed at any time: `try_grab_folio` in 6.1,
//! `try_grab_folio_fast` in 6.12.
//!
//! The FOLL_PIN series also has both: see [`series::grab`](crate::series::grab).  5.10 has
//! the slow one of the series, and a fast one like that of 6.1 under its name in the
//! series.

use crate::GUP_PIN_COUNTING_BIAS;
use crate::env::Counter;
use crate::foll::{Foll, FollFlag};
use crate::kernel::{Kernel, Stop};
use crate::machine::MmPtr;
use crate::page::Pgmap;
use crate::pages::{FolioPtr, PagePtr};
use crate::site::Site;

/// Out of memory; here: the folio could not be grabbed.
pub const ENOMEM: i32 = 12;
/// Remote I/O error; here: a PCI peer-to-peer page without FOLL_PCI_P2PDMA.
pub const EREMOTEIO: i32 = 121;

pub(crate) const BIAS: i32 = GUP_PIN_COUNTING_BIAS as i32;

impl Kernel<'_> {
    /// The slow grab of the current revision: returns 0 or a negative errno.
    ///
    /// The one of 6.6 and before takes a page and one reference.  That of 6.12 takes the
    /// page's folio.  That of v8 returns nothing and cannot fail.
    pub fn grab_slow(&mut self, page: PagePtr, refs: i32, flags: Foll) -> Result<i32, Stop> {
        Ok(if self.rules.slow_grab_takes_refs {
            let folio = self.page_folio(page)?;
            self.try_grab_folio(folio, refs, flags)?
        } else if !self.rules.series.grab_can_fail {
            self.grab_page(page, flags)?;
            0
        } else {
            self.try_grab_page(page, flags)?
        })
    }

    /// `try_grab_page` (v9 to v11, 5.10 to 6.6): takes one reference or pin, with the slow
    /// grab; returns 0 or a negative errno.  That of 6.1 and before returns a bool, here
    /// converted to 0 or -ENOMEM.
    ///
    /// The series and 5.10 check the count only if they take something (see
    /// [there](crate::series::grab)); later ones always check it first.
    pub fn try_grab_page(&mut self, page: PagePtr, flags: Foll) -> Result<i32, Stop> {
        if !self.rules.slow_grab_looks_first {
            let taken = self.series_try_grab_page(page, flags)?;
            return Ok(if taken { 0 } else { -ENOMEM });
        }
        let folio = self.page_folio(page)?;
        if self.rules.grabs_warn_about_both {
            let both = self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin);
            self.warn_on(both, Site::TryGrabPageBoth);
        }
        if self.slow_count_is_dead(folio, Site::TryGrabPageCount)? {
            return Ok(-ENOMEM);
        }
        if self.refuses_p2pdma(page, flags)? {
            return Ok(-EREMOTEIO);
        }
        self.take_held(folio, page, 1, flags)?;
        Ok(0)
    }

    /// `try_grab_folio` (6.12; the function of that name in 6.1 is
    /// [`Kernel::try_grab_folio_fast`]): takes `refs` references or pins with the slow
    /// grab; returns 0 or a negative errno.
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

    /// Refuses PCI peer-to-peer pages without FOLL_PCI_P2PDMA.
    pub(crate) fn refuses_p2pdma(&self, page: PagePtr, flags: Foll) -> Result<bool, Stop> {
        Ok(self.rules.grabs_check_p2pdma
            && !self.has(flags, FollFlag::PciP2pdma)
            && self.zone_device_type(page)? == Some(Pgmap::P2pdma))
    }

    /// Takes references or pins on a folio that is already held; FOLL_GET takes precedence
    /// over FOLL_PIN.  `asked` is the page to compare with the zero page.
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

    /// `try_grab_folio_fast` (6.12), `try_grab_folio` (6.1), `try_grab_compound_head` (v8
    /// to v11, 5.10): takes `refs` references or pins for the lockless walk; `None` means
    /// NULL.
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
        let names = [
            Site::TryGrabCompoundHeadNeither,
            Site::TryGrabFolioNeither,
            Site::TryGrabFolioFastNeither,
        ];
        if self.warn_on(neither, Site::named(&names, self.rules)) {
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

        // the references are taken; now turn them into pins
        if self.has_pincount(folio)? {
            self.folio_pincount_add(folio, refs)?;
        } else {
            self.folio_ref_add(folio, refs.wrapping_mul(BIAS - 1))?;
        }
        self.node_stat_mod_folio(folio, Counter::Acquired, refs)?;
        Ok(Some(folio))
    }

    /// `folio_add_pin` (6.12): adds a pin to a pinned folio.  It does not count it in
    /// vmstat.
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
            // the bias is unsigned, so the comparison is, too
            let unpinned = (self.folio_ref_count(folio)? as u32) < GUP_PIN_COUNTING_BIAS;
            self.warn_on(unpinned, Site::FolioAddPinSmall);
            self.folio_ref_add(folio, BIAS)?;
        }
        Ok(())
    }

    /// `folio_add_pins` (7.3): adds `pins` pins to a pinned folio with the slow grab;
    /// returns 0 or its errno.  The number is unsigned; the grab takes an int.
    pub fn folio_add_pins(&mut self, folio: FolioPtr, pins: i32) -> Result<i32, Stop> {
        if self.rules.debug_vm {
            let unpinned = !self.folio_maybe_dma_pinned(folio)?;
            self.warn_on(unpinned, Site::FolioAddPins);
        }
        self.try_grab_folio(folio, pins, Foll::of(&[FollFlag::Pin], self.rules))
    }

    /// `mm_set_has_pinned_flag` (6.1, 6.12): sets MMF_HAS_PINNED.
    pub fn mm_set_has_pinned_flag(&mut self, mm: MmPtr) {
        *self.machine.has_pinned_of(mm) = true;
    }
}
