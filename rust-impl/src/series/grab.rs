// SPDX-License-Identifier: GPL-2.0
//! The grabs of the series.
//!
//! Slow: `grab_page` (v8), `try_grab_page` (v9 on).  FOLL_GET takes precedence over
//! FOLL_PIN; with neither flag they take nothing.
//!
//! Fast: `try_grab_compound_head`.  FOLL_PIN takes precedence.

use crate::GUP_PIN_COUNTING_BIAS;
use crate::env::Counter;
use crate::foll::{Foll, FollFlag};
use crate::grab::BIAS;
use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};
use crate::series::PinCheck;
use crate::site::Site;

impl Kernel<'_> {
    /// `grab_page` (v8): takes one reference or pin, whatever the count.
    ///
    /// A pin is taken in two parts.  The first, one reference, goes to the head, because
    /// `get_page` looks it up.  The rest goes to the page itself (finding 1), without
    /// checking the count (finding 2).  The WARN is dead: with FOLL_GET the other branch is
    /// taken.
    pub fn grab_page(&mut self, page: PagePtr, flags: Foll) -> Result<(), Stop> {
        if self.has(flags, FollFlag::Get) {
            return self.get_page(page);
        }
        if !self.has(flags, FollFlag::Pin) {
            return Ok(());
        }
        self.get_page(page)?;
        self.warn_on(self.has(flags, FollFlag::Get), Site::GrabPageBoth);
        self.pin_the_rest(page)
    }

    /// Adds the rest of a pin after its first reference, as v8 does: to the page itself.
    pub(crate) fn pin_the_rest(&mut self, page: PagePtr) -> Result<(), Stop> {
        let to = FolioPtr(page);
        self.folio_ref_add(to, BIAS - 1)?;
        self.node_stat_mod_folio(to, Counter::Acquired, 1)
    }

    /// `try_grab_page` (v9 to v11, 5.10).
    pub(crate) fn series_try_grab_page(
        &mut self,
        page: PagePtr,
        flags: Foll,
    ) -> Result<bool, Stop> {
        let series = &self.rules.series;
        let both = self.has(flags, FollFlag::Get) && self.has(flags, FollFlag::Pin);
        if series.warns_about_both {
            self.warn_on(both, Site::TryGrabPageBoth);
        }
        if self.has(flags, FollFlag::Get) {
            return self.try_get_page(page);
        }
        if !self.has(flags, FollFlag::Pin) {
            return Ok(true);
        }
        let head = self.page_folio(page)?;
        if !series.warns_about_both {
            self.warn_on(both, Site::TryGrabPageDead);
        }
        if self.refuses_slow_pin(head)? {
            return Ok(false);
        }
        if self.has_pincount(head)? {
            self.folio_pincount_add(head, 1)?;
            self.folio_ref_add(head, 1)?;
        } else {
            self.folio_ref_add(head, BIAS)?;
        }
        self.node_stat_mod_folio(head, Counter::Acquired, 1)?;
        Ok(true)
    }

    /// The check before a slow pin, with its WARN.
    fn refuses_slow_pin(&mut self, head: FolioPtr) -> Result<bool, Stop> {
        let (refuse, site) = match self.rules.series.pin_check {
            PinCheck::None => return Ok(false),
            PinCheck::Bias64 | PinCheck::Bias32 => (
                self.page_ref_zero_or_close_to_bias_overflow(head.page())?,
                Site::TryGrabPageOverflow,
            ),
            PinCheck::Positive => (self.folio_ref_count(head)? <= 0, Site::TryGrabPageCount),
        };
        Ok(self.warn_on(refuse, site))
    }

    /// `page_ref_zero_or_close_to_bias_overflow` (v9, v10), of exactly this page; callers
    /// pass a head.  What it detects depends on the width of the bias, see [`PinCheck`].
    pub fn page_ref_zero_or_close_to_bias_overflow(&self, page: PagePtr) -> Result<bool, Stop> {
        let count = self.machine.pages.get(page)?.refcount as u32;
        let bias = GUP_PIN_COUNTING_BIAS;
        let narrow = self.rules.series.pin_check == PinCheck::Bias32;
        Ok(if narrow {
            count.wrapping_add(bias) <= bias
        } else {
            u64::from(count) + u64::from(bias) <= u64::from(bias)
        })
    }

    /// `try_pin_compound_head` (v8 to v11): takes `refs` pins in one addition, unless the
    /// count is zero or negative.  The product wraps.
    pub fn try_pin_compound_head(
        &mut self,
        page: PagePtr,
        refs: i32,
    ) -> Result<Option<FolioPtr>, Stop> {
        let Some(head) = self.try_get_folio(page, refs.wrapping_mul(BIAS))? else {
            return Ok(None);
        };
        self.node_stat_mod_folio(head, Counter::Acquired, refs)?;
        Ok(Some(head))
    }

    /// `try_grab_compound_head` (v8 to v11): the lockless walk's grab.
    ///
    /// Up to v9 it takes references without FOLL_PIN, even without FOLL_GET.  v10 warns
    /// about neither flag and returns NULL.
    pub fn try_grab_compound_head(
        &mut self,
        page: PagePtr,
        refs: i32,
        flags: Foll,
    ) -> Result<Option<FolioPtr>, Stop> {
        if self.has(flags, FollFlag::Pin) {
            return self.try_pin_compound_head(page, refs);
        }
        let neither = !self.has(flags, FollFlag::Get);
        if self.rules.series.fast_wants_a_flag
            && self.warn_on(neither, Site::TryGrabCompoundHeadNeither)
        {
            return Ok(None);
        }
        self.try_get_folio(page, refs)
    }
}
