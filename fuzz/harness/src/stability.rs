// SPDX-License-Identifier: GPL-2.0
//! Checks that a program always has the same trace: whatever ran before it, in every
//! process, and on every flavour of a side's object.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

use csrc::abi;
use gup_sides::Flavour;

use crate::program::Program;
use crate::program::rng::Rng;
use crate::side::Side;
use crate::site::SiteId;
use crate::trace::Trace;

/// How programs are run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Each twice in a row.
    Twice,
    /// In reverse order.
    Backwards,
    /// In a random order, always the same.
    Shuffled,
    /// Each in a new process.
    Alone,
    /// In another process, with other memory addresses.
    Elsewhere,
    /// On the object of another flavour.
    Object(&'static str),
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice => f.write_str("the second time in a row"),
            Self::Backwards => f.write_str("when the corpus is run backwards"),
            Self::Shuffled => f.write_str("when the corpus is run in another order"),
            Self::Alone => f.write_str("in a process of its own"),
            Self::Elsewhere => f.write_str("in another process"),
            Self::Object(flavour) => write!(f, "on the object for {flavour}"),
        }
    }
}

/// The flavours that are compared with the default one.
pub const FLAVOURS: [Flavour; 4] = [
    Flavour::LibFuzzer,
    Flavour::Afl,
    Flavour::Honggfuzz,
    Flavour::Lines,
];

/// A hash of each program's trace, which is the same in every process.
pub type Shown = Vec<u64>;

/// Runs the programs in order.
pub fn shown<'a>(side: &mut dyn Side, programs: impl IntoIterator<Item = &'a Program>) -> Shown {
    let mut trace = Trace::default();
    programs
        .into_iter()
        .map(|program| one(side, program, &mut trace))
        .collect()
}

/// numbers of sites and gaps depend on process and object: use names
fn one(side: &mut dyn Side, program: &Program, trace: &mut Trace) -> u64 {
    side.run(program, trace);
    let mut hash = DefaultHasher::new();
    for rec in trace.records() {
        let mut rec = *rec;
        let name = match u32::from(rec.kind) {
            abi::GD_R_WARN | abi::GD_R_BUG => Some(SiteId(rec.c).to_string()),
            abi::GD_R_GAP => Some(side.gap(rec.c)),
            _ => None,
        };
        if name.is_some() {
            rec.c = 0;
        }
        (rec.kind, rec.a, rec.b, rec.c, rec.d, name).hash(&mut hash);
    }
    hash.finish()
}

/// The programs whose trace differs, by index.
pub type Unstable = BTreeMap<Way, Vec<usize>>;

/// Runs the programs in those ways that need only this side, and compares the traces with
/// the first ones.
pub fn in_this_process(side: &mut dyn Side, programs: &[Program], first: &Shown) -> Unstable {
    let mut found = Unstable::new();
    let mut order: Vec<usize> = (0..programs.len()).rev().collect();
    let mut run = |way, order: &[usize], twice: bool| {
        let mut trace = Trace::default();
        for &at in order {
            if twice {
                one(side, &programs[at], &mut trace);
            }
            if one(side, &programs[at], &mut trace) != first[at] {
                found.entry(way).or_default().push(at);
            }
        }
    };
    run(Way::Backwards, &order, false);
    let mut rng = Rng::new(1);
    for at in (1..order.len()).rev() {
        order.swap(at, rng.below(at + 1));
    }
    run(Way::Shuffled, &order, false);
    order.sort_unstable();
    run(Way::Twice, &order, true);
    found
}

/// The programs whose trace differs, in an order or on an object.
pub fn differing(first: &Shown, now: &Shown) -> Vec<usize> {
    let all = 0..first.len().max(now.len());
    all.filter(|&at| first.get(at) != now.get(at)).collect()
}

/// Runs each program as the first one of a forked child; the side must not have run
/// anything yet in this process.
///
/// # Safety
///
/// This process has one thread.
pub unsafe fn alone(
    side: &mut dyn Side,
    programs: impl IntoIterator<Item = Program>,
) -> io::Result<Shown> {
    let mut all = Shown::new();
    for program in programs {
        let (mut from, mut to) = io::pipe()?;
        // SAFETY: the caller guarantees one thread; the child runs the program, writes and
        // exits without running destructors
        match unsafe { libc::fork() } {
            -1 => return Err(io::Error::last_os_error()),
            0 => {
                let hash = one(side, &program, &mut Trace::default());
                let done = to.write_all(&hash.to_ne_bytes()).is_ok();
                unsafe { libc::_exit(i32::from(!done)) }
            }
            child => {
                drop(to);
                let mut hash = [0; 8];
                // a child that crashed counts as a different trace
                let read = from.read_exact(&mut hash);
                // SAFETY: waits for the child.
                unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
                all.push(read.map_or(0, |()| u64::from_ne_bytes(hash)));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::{self, SideInfo};
    use crate::site::PlacedSite;

    /// The Rust side with a memory that it must not have: of how many programs it ran,
    /// which every fifth one shows.
    struct Forgetting {
        real: Box<dyn Side>,
        ran: u32,
    }

    impl Side for Forgetting {
        fn info(&self) -> &SideInfo {
            self.real.info()
        }
        fn run(&mut self, program: &Program, trace: &mut Trace) {
            self.real.run(program, trace);
            self.ran += 1;
            if self.ran.is_multiple_of(5) {
                trace.records_mut()[0].d += 1;
            }
        }
        fn sites(&self) -> &[PlacedSite] {
            self.real.sites()
        }
    }

    fn programs() -> Vec<Program> {
        let one = |n: u32| {
            let text = format!("page p ref={n}\nget_page p\nput_page p\n");
            crate::program::text::read(&text).unwrap().0
        };
        (0..8).map(one).collect()
    }

    fn rust() -> Box<dyn Side> {
        side::open("rust:6.1").unwrap().unwrap()
    }

    #[test]
    fn a_side_that_keeps_nothing_is_stable() {
        let (mut side, programs) = (rust(), programs());
        let first = shown(side.as_mut(), &programs);
        assert!(in_this_process(side.as_mut(), &programs, &first).is_empty());
        assert!(differing(&first, &shown(side.as_mut(), &programs)).is_empty());
    }

    #[test]
    fn a_side_that_remembers_is_found_with_its_programs() {
        let programs = programs();
        let mut side = Forgetting {
            real: rust(),
            ran: 0,
        };
        let first = shown(&mut side, &programs);
        // the fifth, whatever it is
        let alone = shown(rust().as_mut(), &programs);
        assert_eq!(differing(&first, &alone), [4]);
        let found = in_this_process(&mut side, &programs, &first);
        let ways: Vec<_> = found.keys().copied().collect();
        assert_eq!(ways, [Way::Twice, Way::Backwards, Way::Shuffled]);
        // the tenth and the fifteenth that ran, and the fifth, which now showed nothing
        assert_eq!(found[&Way::Backwards], [6, 4, 1]);
    }
}
