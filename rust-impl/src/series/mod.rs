// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series: "mm/gup: track FOLL_PIN pages", versions 8 to 11.
//!
//! The series introduced pins.  It was posted on top of 5.5, before there were folios and
//! before compound pages had a pin count: a pin is 1024 references on the head, for every
//! page.  Everything here follows the posted code, including its bugs; [`SeriesRules`] has
//! one field for each difference between the versions.
//!
//! # What the review of v8 found
//!
//! 1. `grab_page` pins without looking up the head.  Of the 1024 references of a tail's
//!    pin, 1 goes to the head and 1023 go to the tail, whose count is not used; the unpin
//!    drops 1024 from the head, which may free it while others use it.  See
//!    [`SeriesRules::grab_can_fail`].
//! 2. `grab_page` cannot fail, so nothing prevents an overflow of the count.  A pin is 1024
//!    references, so two million pins are enough.
//! 3. `follow_page_pte` has a copy of the same code, with both bugs:
//!    [`SeriesRules::pte_uses_helper`].
//! 4. `follow_page_mask` returns NULL although it has found the page:
//!    [`SeriesRules::mask_gives_page`].
//!
//! v9 fixes these with `try_grab_page`.  Its check for an overflow has a bug of its own:
//! [`PinCheck::Bias64`].  v10 moves the grab of a huge page before the step that may mlock
//! it, and the lockless walk no longer treats "neither flag" as FOLL_GET.  v11 replaces the
//! check by a test of the sign, and failed grabs of huge pages return -ENOMEM like all
//! others.
//!
//! # Modules
//!
//! * [`grab`]: `grab_page`, `try_grab_page` and the lockless walk's grab.
//! * [`put`]: unpins, and the put of pages that belong to a driver.
//! * [`follow`]: call sites of the slow path.
//! * [`lockless`]: call sites of the lockless walk.
//! * [`checks`]: the entry points' checks of their flags.
//!
//! Functions that 6.1 has under another name are in the modules of the kernels, with the
//! differences as rules: `compound_head` is [`page_folio`](Kernel::page_folio),
//! `try_get_compound_head` is [`try_get_folio`](Kernel::try_get_folio), `page_dma_pinned`
//! is [`page_maybe_dma_pinned`](Kernel::page_maybe_dma_pinned).
//!
//! Call sites are leaf functions here: each takes the page that the page-table entry points
//! to.  The pages that they store in `pages[]` are in
//! [`Machine::entries`](crate::Machine::entries).

pub mod checks;
pub mod follow;
pub mod grab;
pub mod lockless;
pub mod put;

pub use checks::Wrapper;

use crate::foll::Foll;
use crate::grab::ENOMEM;
use crate::kernel::{Kernel, Stop};
use crate::pages::{FolioPtr, PagePtr};
use crate::unpin::MAX_LIST;

/// Bad address; here: the page of a huge entry could not be grabbed.
pub const EFAULT: i32 = 14;
/// File exists; here: there is a page, but it was not asked for.
pub const EEXIST: i32 = 17;
/// Invalid argument.
pub const EINVAL: i32 = 22;

/// A `struct page *` that may be an ERR_PTR: a pointer (NULL is one) or a
/// negative errno.
pub type ErrPtr = Result<PagePtr, i32>;

/// The check of the slow pin before it adds the bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinCheck {
    /// v8: none (finding 2).
    None,
    /// v9, v10: `page_ref_zero_or_close_to_bias_overflow`, as posted.  It adds the bias to
    /// the count as an unsigned int and checks whether the sum wrapped.  But the bias is an
    /// unsigned long, so the sum has 64 bits and cannot wrap: only a count of zero is
    /// refused.
    Bias64,
    /// The same with a 32-bit bias: counts of -1024 to -1 are refused, too, as intended.
    Bias32,
    /// v11: the count must be positive, as in `try_get_page`.  From the review of v10:
    /// counts are signed, and negative ones are refused anyway.
    Positive,
}

/// How the versions of the series differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesRules {
    /// The slow grab is `try_grab_page`: it looks up the head and can fail, and so can its
    /// callers.  Since v9, for findings 1 and 2; v8 has `grab_page`.
    pub grab_can_fail: bool,
    /// The check of the slow pin.
    pub pin_check: PinCheck,
    /// The slow grab first warns about FOLL_GET and FOLL_PIN together.  Since v11; before,
    /// the WARN was dead, in a branch that is not taken with FOLL_GET.
    pub warns_about_both: bool,
    /// `follow_page_pte` uses the slow grab instead of a copy of it.  Since v9, for finding
    /// 3.
    pub pte_uses_helper: bool,
    /// `follow_page_mask` returns the page of a hugepd, after its warning.  Since v9, for
    /// finding 4.
    pub mask_gives_page: bool,
    /// Without FOLL_GET and FOLL_PIN the lockless grab warns and returns NULL.  Since v10;
    /// before, FOLL_GET was the default.
    pub fast_wants_a_flag: bool,
    /// `follow_trans_huge_pmd` grabs before it may mlock.  Since v10: v9 could fail after
    /// it had mlocked the page.
    pub grabs_before_mlock: bool,
    /// The errno for a failed grab of a huge or device entry.  v9, v10: EFAULT; v11:
    /// ENOMEM, like `follow_page_pte`.
    pub grab_errno: i32,
}

/// Version 8.
pub const SERIES_V8: SeriesRules = SeriesRules {
    grab_can_fail: false,
    pin_check: PinCheck::None,
    warns_about_both: false,
    pte_uses_helper: false,
    mask_gives_page: false,
    fast_wants_a_flag: false,
    grabs_before_mlock: false,
    grab_errno: EFAULT,
};

/// Version 9.
pub const SERIES_V9: SeriesRules = SeriesRules {
    grab_can_fail: true,
    pin_check: PinCheck::Bias64,
    pte_uses_helper: true,
    mask_gives_page: true,
    ..SERIES_V8
};

/// Version 10.
pub const SERIES_V10: SeriesRules = SeriesRules {
    fast_wants_a_flag: true,
    grabs_before_mlock: true,
    ..SERIES_V9
};

/// Version 11.
pub const SERIES_V11: SeriesRules = SeriesRules {
    pin_check: PinCheck::Positive,
    warns_about_both: true,
    grab_errno: ENOMEM,
    ..SERIES_V10
};

impl Kernel<'_> {
    /// The slow grab as call sites use it: that of v8 cannot fail.
    fn grab_for_caller(&mut self, page: PagePtr, flags: Foll) -> Result<bool, Stop> {
        if self.rules.series.grab_can_fail {
            Ok(self.try_grab_page(page, flags)? == 0)
        } else {
            self.grab_page(page, flags)?;
            Ok(true)
        }
    }

    /// The head of a compound page, and the number of its pages from this one on.  If the
    /// compound link is wrong, this can be any number.
    fn rest_of_compound(&self, page: PagePtr) -> Result<(FolioPtr, i32), Stop> {
        let head = self.page_folio(page)?;
        let first = self.machine.pages.get(head.page())?;
        let (Some(page), Some(nr)) = (page.nr(), head.page().nr()) else {
            return Err(Stop::Oops);
        };
        let pages = if first.is_large() {
            1 << first.order
        } else {
            1
        };
        Ok((head, nr as i32 + pages - page as i32))
    }

    /// Records pages of a compound page in `pages[]`.
    fn record(&mut self, page: PagePtr, nr: i32) -> Result<(), Stop> {
        for i in 0..u64::try_from(nr).unwrap_or(0) {
            if self.machine.entries.len() == MAX_LIST {
                return Err(Stop::Oops);
            }
            self.machine.entries.push(page.nth(i));
        }
        Ok(())
    }
}
