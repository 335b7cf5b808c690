// SPDX-License-Identifier: GPL-2.0
//! The log of a booted kernel, as far as it is known: CPU, task and addresses are unknown
//! and shown as `...`.

use super::around::Shown;
use super::behaviour::place;
use crate::rev::Fact;
use crate::site::SiteId;
use crate::trace::Record;

/// The first log lines of an operation's WARNs, BUGs and faults.
pub(super) fn lines(shown: &Shown) -> Vec<String> {
    let first = shown.side.info().rev.has(Fact::WarnPlaceFirst);
    let line = |record: &Record| match record {
        Record::Warn(id) => {
            let (place, func) = of(shown, *id)?;
            Some(match first {
                true => format!("WARNING: {place} at {func}+..., CPU#..."),
                false => format!("WARNING: CPU: ... PID: ... at {place} {func}+..."),
            })
        }
        Record::Bug(id) => of(shown, *id).map(|(place, _)| format!("kernel BUG at {place}!")),
        // the trace does not contain the address
        Record::Oops => Some("BUG: unable to handle page fault for address: ...".into()),
        _ => None,
    };
    shown.records.iter().filter_map(line).collect()
}

fn of(shown: &Shown, id: SiteId) -> Option<(String, &'static str)> {
    Some((place(shown, id)?, id.site()?.func))
}
