// SPDX-License-Identifier: GPL-2.0
//! The FOLL_PIN series: "mm/gup: track FOLL_PIN pages", versions 8 to 11.
//!
//! The series gave the kernel its pins.  It was posted on top of 5.5, before
//! there were folios and before compound pages had a pin count: a pin is 1024
//! references on the head, whatever the page.  Everything here is faithful to
//! what was posted, mistakes included; [`SeriesRules`] says what differs
//! between the versions, one field for each change.
//!
//! # What the review of v8 found
//!
//! 1. `grab_page` pins without a look at the head.  Of the 1024 references of a
//!    tail's pin, 1 goes to the head and 1023 go to the tail, whose count means
//!    nothing; the unpin takes 1024 from the head, which may free it under its
//!    other users.  See [`SeriesRules::grab_can_fail`].
//! 2. `grab_page` cannot fail, so nothing stops a count from overflowing.  As
//!    pins are 1024 at a time, two million are enough to get there.
//! 3. `follow_page_pte` has a copy of the same code, with both mistakes:
//!    [`SeriesRules::pte_uses_helper`].
//! 4. `follow_page_mask` gives NULL where it has found the page:
//!    [`SeriesRules::mask_gives_page`].
//!
//! v9 answers all four with `try_grab_page`.  Its check for an overflow has a
//! mistake of its own: [`PinCheck::Bias64`].  v10 puts the grab of a huge page
//! before the step that may mlock it, and no longer takes "neither flag" for
//! FOLL_GET in the lockless walk.  v11 drops the check for a plain look at the
//! sign, and has failed grabs of huge pages give -ENOMEM like all others.
//!
//! # Where what is
//!
//! * [`grab`]: `grab_page`, `try_grab_page` and the lockless walk's grab.
//! * [`put`]: unpins, and the put of pages that belong to a driver.
//! * [`follow`]: call sites of the slow path.
//! * [`lockless`]: call sites of the lockless walk.
//! * [`checks`]: what the entry points make of their flags.
//!
//! What 6.1 has under another name is in the modules of the kernels, with the
//! difference as a rule: `compound_head` is [`page_folio`](Kernel::page_folio),
//! `try_get_compound_head` is [`try_get_folio`](Kernel::try_get_folio),
//! `page_dma_pinned` is [`page_maybe_dma_pinned`](Kernel::page_maybe_dma_pinned).
//!
//! Call sites are leaves here: each gets the page that the entry of a page
//! table points to, and what they record in `pages[]` is in
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

/// What the slow pin checks before it adds the bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinCheck {
    /// v8: nothing (finding 2).
    None,
    /// v9, v10: `page_ref_zero_or_close_to_bias_overflow`, as posted.  It adds
    /// the bias to the count as an unsigned int and looks whether the sum
    /// wrapped.  But the bias is an unsigned long, so the sum has 64 bits and
    /// cannot wrap: only a count of zero is refused.
    Bias64,
    /// The same with a bias of 32 bits: counts of -1024 to -1 are refused too,
    /// as was meant.
    Bias32,
    /// v11: the count must be positive, as `try_get_page` wants it.  From the
    /// review of v10: counts are signed, and negative ones are refused anyway.
    Positive,
}

/// How the versions of the series differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesRules {
    /// The slow grab is `try_grab_page`: it works on the head and can fail, as
    /// can its callers.  v9, for findings 1 and 2; v8 has `grab_page`.
    pub grab_can_fail: bool,
    /// What the slow pin checks.
    pub pin_check: PinCheck,
    /// The slow grab warns about FOLL_GET and FOLL_PIN together before it does
    /// anything else.  v11; before, the WARN was in a branch that is not
    /// entered with FOLL_GET, and so was dead.
    pub warns_about_both: bool,
    /// `follow_page_pte` uses the slow grab instead of a copy of it.  v9, for
    /// finding 3.
    pub pte_uses_helper: bool,
    /// `follow_page_mask` gives the page of a hugepd, after its warning.  v9,
    /// for finding 4.
    pub mask_gives_page: bool,
    /// The lockless grab warns about neither FOLL_GET nor FOLL_PIN and gives
    /// NULL.  v10; before, FOLL_GET was the default.
    pub fast_wants_a_flag: bool,
    /// `follow_trans_huge_pmd` grabs before it may mlock.  v10: v9 could fail
    /// with the page mlocked already.
    pub grabs_before_mlock: bool,
    /// What a failed grab of a huge or device entry gives.  v9, v10: EFAULT;
    /// v11: ENOMEM, like `follow_page_pte`.
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
    /// The slow grab as call sites have it: v8's cannot fail.
    fn grab_for_caller(&mut self, page: PagePtr, flags: Foll) -> Result<bool, Stop> {
        if self.rules.series.grab_can_fail {
            self.try_grab_page(page, flags)
        } else {
            self.grab_page(page, flags)?;
            Ok(true)
        }
    }

    /// The head of a compound page, and how many of its pages there are from
    /// this one on.  Where the compound link leads astray, that is any number.
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
