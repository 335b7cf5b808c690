// SPDX-License-Identifier: GPL-2.0
//! Expectations: what a program is there to show, and whether it does.
//!
//! A text form can say of an operation what it returns, what becomes of a page, and
//! which events it has (`expect refcount h 1025`).  They are no part of the
//! program: they are held against a side's trace.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use csrc::abi::{self, gd_rec};

use crate::ops::Rev;
use crate::program::Program;
use crate::program::list::Entry;
use crate::report::ret_words;
use crate::side::SideInfo;
use crate::site::SiteKind;
use crate::trace::{Locks, PageState, Record, Ret, Trace};
use crate::world::pages::Pages;

/// A revision, or some of its point releases: `6.12`, `6.12.118+` (that one and later
/// ones), `6.12.117-` (that one and earlier ones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Releases {
    /// The revision.
    pub rev: Rev,
    /// Which of its point releases.
    pub points: RangeInclusive<u16>,
}

impl FromStr for Releases {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = 0..=u16::MAX;
        if let Ok(rev) = text.parse() {
            return Ok(Self { rev, points: all });
        }
        let end = text.len().checked_sub(1).ok_or(())?;
        let (release, which) = text.split_at_checked(end).ok_or(())?;
        let (rev, point) = release.rsplit_once('.').ok_or(())?;
        let (rev, point) = (rev.parse().map_err(drop)?, point.parse().map_err(drop)?);
        let points = match which {
            "+" => point..=u16::MAX,
            "-" => 0..=point,
            _ => return Err(()),
        };
        Ok(Self { rev, points })
    }
}

/// On which sides something is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Of these releases only; of all if there are none.
    pub releases: Vec<Releases>,
    /// Only with (or without) CONFIG_DEBUG_VM.
    pub debug_vm: Option<bool>,
}

impl Condition {
    /// Whether a side is meant.
    pub fn holds(&self, side: &SideInfo) -> bool {
        let is_of = |of: &Releases| of.rev == side.rev && of.points.contains(&side.point);
        let of_release = self.releases.is_empty() || self.releases.iter().any(is_of);
        of_release && self.debug_vm.is_none_or(|debug| debug == side.debug_vm)
    }
}

/// A count of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Its refcount.
    Ref,
    /// Its pin count.
    Pin,
}

/// State beside pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Interrupts are on.
    Irqs,
    /// MMF_HAS_PINNED is set.
    HasPinned(u8),
}

/// What is expected of an operation.  Pages are named as operations do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// What it returns, as reports show it; a page, if it names one.
    Result(String, Option<u16>),
    /// A count of a page, afterwards.
    Count(Count, u16, i32),
    /// The page is pinned, as the kernel says, afterwards.
    Pinned(u16),
    /// The page is a tail, afterwards.
    Tail(u16),
    /// The page has a flag, `GD_F_*`, afterwards.
    Flag(u16, u32),
    /// A WARN or BUG: in a function, which one of it; any if it says nothing.
    Site(SiteKind, Option<(String, Option<u32>)>),
    /// A memory fault.
    Oops,
    /// The step limit.
    Limit,
    /// A call into the rest of the kernel, about a page if it names one.
    Call(String, Option<u16>),
    /// An entry of `pages[]`: index and page.
    Entry(u16, u16),
    /// The nth action of the operation, from 0, is carried out.
    Action(usize),
    /// Pins acquired, by the counters.
    Acquired(i32),
    /// Pins released, by the counters.
    Released(i32),
    /// State beside pages, afterwards.
    State(State),
    /// What the argument locked points to is 1, afterwards.
    Locked,
    /// The mmap lock of an mm is held when it returns.
    MmapLock(u8),
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The operation that it is about, from 0.
    pub op: usize,
    /// The line that it is on, from 1.
    pub line: usize,
    /// On which sides.
    pub condition: Condition,
    /// That it is not so.
    pub negated: bool,
    /// What.
    pub what: What,
    /// The same as it was written.
    pub text: String,
}

/// All expectations of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The revisions that the text is about; all kernels if it names none.
    pub on: Vec<Rev>,
    /// In the order of the operations.
    pub list: Vec<Expectation>,
}

/// An expectation that a trace does not meet.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unmet {
    /// The operation that it is about, from 0.
    pub op_index: usize,
    /// The line that it is on, from 1.
    pub line: usize,
    /// The side that does not meet it.
    pub side: String,
    /// What was expected.
    pub expected: String,
    /// What there is instead, if there is something to say.
    pub found: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            side,
            expected,
            found,
            ..
        } = self;
        write!(f, "{side}: expected {expected}; {found}")
    }
}

impl Expectations {
    /// Do the expectations apply to a side?  They do if they name its revision (`on`); without
    /// `on`, if it is a kernel.
    pub fn concern(&self, side: &SideInfo) -> bool {
        match self.on.is_empty() {
            true => matches!(side.rev, Rev::Linux { .. }),
            false => self.on.contains(&side.rev),
        }
    }

    /// The expectations that a side's trace of the program does not meet.
    pub fn unmet(&self, program: &Program, trace: &Trace, side: &SideInfo) -> Vec<Unmet> {
        if !self.concern(side) {
            return Vec::new();
        }
        let mut pages = Pages::default();
        pages.start(&program.0, side.rev);
        let mut groups = trace.ops();
        let mut done = 0;
        let mut recs: &[gd_rec] = &[];
        let mut unmet = Vec::new();
        for expected in self.list.iter().filter(|e| e.condition.holds(side)) {
            while done <= expected.op {
                recs = groups.next().unwrap_or_default();
                pages.apply(recs);
                done += 1;
            }
            let shown = Shown {
                program,
                pages: &pages,
                recs,
                op: expected.op,
            };
            let (is_so, found) = match recs.is_empty() {
                true => (expected.negated, "the operation is not reached".into()),
                false => shown.look(&expected.what),
            };
            if is_so == expected.negated {
                unmet.push(Unmet {
                    op_index: expected.op,
                    line: expected.line,
                    side: side.name.clone(),
                    expected: expected.text.clone(),
                    found,
                });
            }
        }
        unmet
    }
}

/// The trace of one operation.
struct Shown<'a> {
    program: &'a Program,
    pages: &'a Pages,
    recs: &'a [gd_rec],
    op: usize,
}

impl Shown<'_> {
    /// Is the expectation true (before `not`), and what was found, in words.
    fn look(&self, what: &What) -> (bool, String) {
        match what {
            What::Result(expected, page) => self.result(expected, *page),
            What::Count(count, page, n) => {
                let state = self.state(*page);
                let is = match count {
                    Count::Ref => state.refcount,
                    Count::Pin => state.pincount,
                };
                (is == *n, format!("it is {is}"))
            }
            What::Pinned(page) => yes_or_no(self.state(*page).pinned),
            What::Tail(page) => yes_or_no(self.state(*page).tail),
            What::Flag(page, flag) => yes_or_no(self.state(*page).has(*flag)),
            What::State(state) => {
                let bit = match state {
                    State::Irqs => abi::GD_W_IRQS_ON,
                    State::HasPinned(0) => abi::GD_W_HAS_PINNED,
                    State::HasPinned(_) => abi::GD_W_HAS_PINNED_2,
                };
                yes_or_no(u32::from(self.pages.bits()) & bit != 0)
            }
            What::Locked => yes_or_no(self.locks().locked() == Some(true)),
            What::MmapLock(mm) => yes_or_no(self.locks().mmap(*mm)),
            What::Site(kind, site) => self.any(|record| match record {
                Record::Warn(id) | Record::Bug(id) => {
                    let found = id.site();
                    found.is_some_and(|found| {
                        let named = site.as_ref().is_none_or(|(func, ordinal)| {
                            found.func == func && ordinal.is_none_or(|n| n == found.ordinal)
                        });
                        found.kind == *kind && named
                    })
                }
                _ => false,
            }),
            What::Oops => self.any(|record| *record == Record::Oops),
            What::Limit => self.any(|record| *record == Record::Limit),
            What::Call(name, page) => self.any(|record| match record {
                Record::Call(call, state) => {
                    let about = page.is_none_or(|page| self.number(page) == state.page);
                    call.name() == name && about
                }
                Record::Ask(ask) => ask.name() == name && page.is_none(),
                _ => false,
            }),
            What::Entry(at, page) => self.any(|record| match record {
                Record::Entry { index, page: there } => index == at && *there == self.number(*page),
                _ => false,
            }),
            What::Action(n) => {
                let first = self.program.acts_range(self.op).start;
                self.any(|record| *record == Record::Act((first + n) as u16))
            }
            What::Acquired(n) => self.counter(*n, |acquired, _| acquired),
            What::Released(n) => self.counter(*n, |_, released| released),
        }
    }

    fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.recs.iter().map(Record::from)
    }

    fn any(&self, is: impl Fn(&Record) -> bool) -> (bool, String) {
        let happened = self.records().any(|record| is(&record));
        let words = match happened {
            true => "it happened",
            false => "it did not happen",
        };
        (happened, words.into())
    }

    fn counter(&self, n: i32, of: impl Fn(i32, i32) -> i32) -> (bool, String) {
        let moved = self.records().find_map(|record| match record {
            Record::State {
                acquired, released, ..
            } => Some(of(acquired, released)),
            _ => None,
        });
        let moved = moved.unwrap_or(0);
        (moved == n, format!("it is {moved}"))
    }

    fn number(&self, page: u16) -> u32 {
        match Entry::first(page) {
            Entry::Page { index, offset } => {
                let folio = self.pages.layout().folios()[index];
                folio.head() + offset as u32
            }
            Entry::Null | Entry::Poison => abi::GD_NOWHERE,
        }
    }

    fn state(&self, page: u16) -> PageState {
        self.pages.get(&self.program.0, self.number(page))
    }

    fn locks(&self) -> Locks {
        match self.recs.last().map(Record::from) {
            Some(Record::Ret(_, locks)) => locks,
            _ => Locks::default(),
        }
    }

    fn result(&self, expected: &str, page: Option<u16>) -> (bool, String) {
        let Some(Record::Ret(ret, _)) = self.recs.last().map(Record::from) else {
            return (false, "there is no result".into());
        };
        let is_so = match (ret, page) {
            (Ret::Folio(nr) | Ret::Page(nr), Some(page)) => self.number(page) == nr,
            _ => ret_words(ret).iter().any(|words| words == expected),
        };
        let is = ret_words(ret).pop().unwrap_or_default();
        (is_so, format!("it is {is}"))
    }
}

fn yes_or_no(is_so: bool) -> (bool, String) {
    let words = if is_so { "it is" } else { "it is not" };
    (is_so, words.into())
}
