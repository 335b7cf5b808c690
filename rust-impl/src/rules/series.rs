// SPDX-License-Identifier: GPL-2.0
//! The rules of the posted versions of the FOLL_PIN series.

use super::{RULES_6_1, Revision, Rules};
use crate::foll::FOLL_5_5;
use crate::page::PinScheme;
use crate::series::{PinCheck, SERIES_V8, SERIES_V9, SERIES_V10, SeriesRules};

/// Version 11 of the FOLL_PIN series; the other versions differ from it in `series` only.
const RULES_SERIES: Rules = Rules {
    revision: Revision::V11,
    foll: &FOLL_5_5,
    slow_grab_looks_first: false,
    longterm_refuses_movable: false,
    zero_page_is_not_pinned: false,
    knows_exclusive: false,
    unpins_in_runs: false,
    pins: PinScheme::References,
    counters_want_debug_vm: true,
    gets_compound_heads: true,
    get_rechecks_head: false,
    get_retries: false,
    devmap_put_frees: true,
    ..RULES_6_1
};

/// The FOLL_PIN series, version 8, CONFIG_DEBUG_VM.
pub const RULES_V8: Rules = Rules {
    revision: Revision::V8,
    series: SERIES_V8,
    ..RULES_SERIES
};

/// A variant of version 8 in which page_dma_pinned() compares signed numbers, a concern in
/// the review of v10.  The posted version does not: its bias is unsigned, so the comparison
/// is unsigned.
pub const RULES_V8_SIGNED: Rules = Rules {
    pins: PinScheme::SignedReferences,
    ..RULES_V8
};

/// The FOLL_PIN series, version 9, CONFIG_DEBUG_VM.
pub const RULES_V9: Rules = Rules {
    revision: Revision::V9,
    series: SERIES_V9,
    ..RULES_SERIES
};

/// A variant of version 9 with a 32-bit bias, with which the check for overflow works.
pub const RULES_V9_BIAS32: Rules = Rules {
    series: SeriesRules {
        pin_check: PinCheck::Bias32,
        ..SERIES_V9
    },
    ..RULES_V9
};

/// The FOLL_PIN series, version 10, CONFIG_DEBUG_VM.
pub const RULES_V10: Rules = Rules {
    revision: Revision::V10,
    series: SERIES_V10,
    ..RULES_SERIES
};

/// The FOLL_PIN series, version 11, CONFIG_DEBUG_VM.
pub const RULES_V11: Rules = RULES_SERIES;
