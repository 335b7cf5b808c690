// SPDX-License-Identifier: GPL-2.0
//! What a side showed of an operation, in order.

use std::fmt;

use csrc::abi;
use serde::Serialize;

use super::show::{self, Names};
use crate::side::Side;
use crate::trace::{Ask, Record};

/// An event or a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// WARN, BUG, OOPS, LIMIT, GAP, CALL, ASK (a call that is about no page), ACT (an
    /// action is carried out), ENTRY (of `pages[]`), STATE, RET, END.
    pub kind: &'static str,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            // says it itself
            "ENTRY" => f.write_str(&self.text),
            kind => write!(f, "{kind:<5} {}", self.text),
        }
    }
}

/// Records as events, but for pages, which are shown elsewhere.  The two records
/// of a call of the slow path are one line, entries of `pages[]` one for a run.
pub fn events(records: &[Record], side: &dyn Side, names: &Names) -> Vec<Event> {
    let mut lines = Vec::new();
    let mut rest = records;
    while let Some((record, after)) = rest.split_first() {
        rest = after;
        match (record, after.first()) {
            (
                Record::Ask(Ask::Slow { flags, start }),
                Some(Record::Ask(Ask::SlowNr { nr, null })),
            ) => {
                rest = &after[1..];
                let into = if *null { ", into NULL" } else { "" };
                let (nr, flags) = (show::pages(*nr), show::foll(*flags));
                lines.push(Event {
                    kind: "ASK",
                    text: format!("slow_path({start:#x}, {nr}, {flags}){into}"),
                });
            }
            (Record::Entry { index, page }, _) => {
                let run = records_of_run(*page, after);
                rest = &after[run..];
                lines.push(Event {
                    kind: "ENTRY",
                    text: entries(*index, *page, run, names),
                });
            }
            _ => lines.extend(event(record, side, names)),
        }
    }
    lines
}

/// The number of following entries that are consecutive pages, or all unknown.
fn records_of_run(first: u32, after: &[Record]) -> usize {
    let next = |i: usize| match first {
        abi::GD_NOWHERE => first,
        first => first + 1 + i as u32,
    };
    let goes_on = |(i, record): (usize, &Record)| match record {
        Record::Entry { page, .. } => *page == next(i),
        _ => false,
    };
    after.iter().enumerate().take_while(|r| goes_on(*r)).count()
}

fn entries(index: u16, page: u32, more: usize, names: &Names) -> String {
    let last = usize::from(index) + more;
    match (more, page) {
        (0, page) => format!("pages[{index}] is {}", names.page_or_nowhere(page)),
        (_, abi::GD_NOWHERE) => format!("pages[{index}..{last}] are unknown pages"),
        _ => format!(
            "pages[{index}..{last}] are {}..{}",
            names.page(page),
            names.page(page + more as u32)
        ),
    }
}

/// A record as an event; `None` for pages, which are shown elsewhere.
fn event(record: &Record, side: &dyn Side, names: &Names) -> Option<Event> {
    let (kind, text) = match record {
        Record::Warn(id) => ("WARN", show::site(*id, side)),
        Record::Bug(id) => ("BUG", show::site(*id, side)),
        Record::Oops => ("OOPS", "memory fault".into()),
        Record::Limit => ("LIMIT", "step limit".into()),
        Record::Gap(index) => ("GAP", format!("{} is not provided", side.gap(*index))),
        Record::Call(c, state) => ("CALL", show::call(*c, state, names)),
        Record::State {
            bits,
            acquired,
            released,
            isolated,
        } => {
            let state = show::state(*bits);
            let mut text = format!("{state} pins acquired {acquired}, released {released}");
            for (n, name) in isolated
                .iter()
                .zip(["ANON", "FILE"])
                .filter(|(n, _)| **n != 0)
            {
                text += &format!(", NR_ISOLATED_{name} {n:+}");
            }
            ("STATE", text)
        }
        Record::Ret(r, l) => {
            let (ret, locks) = (show::ret(*r, names), show::locks(*l));
            let text = match locks.is_empty() {
                true => ret,
                false => format!("{ret}; {locks}"),
            };
            ("RET", text)
        }
        Record::Ask(a) => ("ASK", show::ask(*a, names)),
        Record::Act(index) => ("ACT", names.act(*index)),
        Record::Entry { index, page } => ("ENTRY", entries(*index, *page, 0, names)),
        Record::Page(_) => return None,
        Record::End { reason, executed } => {
            ("END", format!("{reason} after {executed} operations"))
        }
        Record::Unknown(kind) => ("?", format!("unknown record {kind}")),
    };
    Some(Event { kind, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::text;
    use crate::side;
    use csrc::abi::gd_rec;

    #[test]
    fn what_the_slow_path_asks_reads_well() {
        let rec = |kind: u32, a: u32, b: u32, c: u32, d: u64| {
            Record::from(&gd_rec {
                kind: kind as u8,
                a: a as u8,
                b: b as u16,
                c,
                d,
            })
        };
        let ask = |a, b, c, d| rec(abi::GD_R_ASK, a, b, c, d);
        let (write, remote) = (1 << abi::GD_FF_WRITE, 1 << abi::GD_FF_REMOTE);
        let held = abi::GD_RB_UNLOCKED | abi::GD_RB_MMAP;
        let records = [
            ask(abi::GD_A_MMAP_LOCK, 1, 0, 0),
            ask(abi::GD_A_DRAIN, 0, 0, 0),
            ask(abi::GD_A_FAULT, 2, write | remote, 0x1000),
            ask(abi::GD_A_FAULT, 3 | abi::GD_RB_MEMALLOC_PIN, 0, 0x2000),
            ask(abi::GD_A_MIGRATE, 0, 0, 2),
            ask(abi::GD_A_EXPAND, 1, 0, 0x3000),
            ask(abi::GD_A_SPLIT, 0, 0, 0x20_0000),
            ask(abi::GD_A_MMAP_UNLOCK, 0, 0, 0),
            rec(abi::GD_R_RET, abi::GD_RET_INT, held, 0, 2),
            rec(abi::GD_R_RET, abi::GD_RET_INT, 0, 0, -4i64 as u64),
        ];
        let program = text::parse("page p").unwrap();
        let side = side::open("rust:6.12").unwrap().unwrap();
        let lines = events(&records, side.as_ref(), &Names::new(&program));
        let expected = [
            "ASK   mmap_read_lock_killable()",
            "ASK   lru_add_drain()",
            "ASK   handle_mm_fault(vma 2, 0x1000, WRITE|REMOTE)",
            "ASK   handle_mm_fault(vma 3, 0x2000, 0), with PF_MEMALLOC_PIN",
            "ASK   migrate_pages(2 folios)",
            "ASK   expand_stack(vma 1, 0x3000)",
            "ASK   split_huge_pmd(0x200000)",
            "ASK   mmap_read_unlock()",
            "RET   2; *locked = 0, the mmap lock is held",
            "RET   -4 (-EINTR)",
        ];
        let lines: Vec<String> = lines.iter().map(Event::to_string).collect();
        assert_eq!(lines, expected);
    }
}
