// SPDX-License-Identifier: GPL-2.0
//! The scope of two sides: the programs that both can run.
//!
//! Parts that one of them does not have at all, a function or an option, are
//! [`Unavailable`] and removed from programs.  Where both have them but count differently,
//! the programs are restricted:
//!
//! The FOLL_PIN series counts every pin as 1024 references, and has neither long-term pins
//! nor a special case for the zero page; a kernel since 6.1 counts the pins of large folios
//! exactly.  After the first pin of a large folio their counts differ, and the rest cannot
//! be compared.  So a campaign of one against the other restricts its programs to those on
//! which both should agree; the remaining differences are listed in
//! [`accepted`](crate::accepted).

use csrc::abi;

mod unavailable;

pub use unavailable::Unavailable;

use crate::accepted::RevisionPair;
use crate::layer;
use crate::ops::{self, ArgKind};
use crate::program::{self, Program};
use crate::side::{Pair, Side};
use crate::world::folio::{is_any_zero, is_device};

/// The programs that two sides can both run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    common: Common,
    unavailable: Option<Box<Unavailable>>,
}

impl Scope {
    /// The scope of two sides.
    pub fn of(pair: &Pair) -> Self {
        let right = pair.right.as_deref().unwrap_or(pair.left.as_ref());
        Self::of_sides(pair.left.as_ref(), right)
    }

    /// The same for two sides that are not a pair.
    pub fn of_sides(left: &dyn Side, right: &dyn Side) -> Self {
        let revisions = RevisionPair {
            left: left.info().rev,
            right: right.info().rev,
        };
        Self {
            common: Common::of(revisions),
            unavailable: Unavailable::of(left, right).map(Box::new),
        }
    }

    /// The same for programs from a file, which may need options that a configuration
    /// lacks; `None` if no side lacks one.
    pub fn of_options(pair: &Pair) -> Option<Self> {
        let sides = [Some(&pair.left), pair.right.as_ref()];
        let mut lacks = sides
            .into_iter()
            .flatten()
            .flat_map(|side| &side.info().lacks);
        lacks
            .any(|lack| lack.starts_with("CONFIG_"))
            .then(|| Self::of(pair))
    }

    /// A description for a campaign's header; `None` if it is not restricted.
    pub fn text(revisions: RevisionPair) -> Option<&'static str> {
        Common::of(revisions).text()
    }

    /// Changes a program so that it is in the scope; it stays normalised.
    #[inline]
    pub fn narrow(&self, program: &mut Program) {
        if let Some(unavailable) = &self.unavailable {
            unavailable.take_out(program);
        }
        self.common.narrow(program);
    }
}

/// The scope of a pair of revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Common {
    /// All programs.
    All,
    /// The page level, without actions: the FOLL_PIN series has no walk.
    PageLevel,
    /// Small pages of ordinary memory, FOLL_GET or FOLL_PIN.
    SmallPages,
}

impl Common {
    /// The scope of a pair of revisions.
    fn of(revisions: RevisionPair) -> Self {
        let (left, right) = (revisions.left, revisions.right);
        match (left.is_series(), right.is_series()) {
            (false, false) => Self::All,
            (true, true) => Self::PageLevel,
            _ => Self::SmallPages,
        }
    }

    /// A description for a campaign's header; `None` if it is not restricted.
    fn text(self) -> Option<&'static str> {
        match self {
            // the layer in the header says so
            Self::All | Self::PageLevel => None,
            Self::SmallPages => Some(
                "programs are restricted to what both sides have: small pages of ordinary \
                 memory, FOLL_GET or FOLL_PIN alone, no FOLL_LONGTERM",
            ),
        }
    }

    /// Changes a program so that it is in the scope; it stays normalised.
    fn narrow(self, program: &mut Program) {
        if self == Self::All {
            return;
        }
        layer::to_page_level(program, |_| ());
        if self == Self::PageLevel {
            return;
        }
        for f in program.folios_mut() {
            f.order = 0;
            if is_device(f.kind) || is_any_zero(f.kind) {
                f.kind = abi::GD_K_NORMAL as u8;
            }
            // unpinning a shared anonymous page is a BUG in kernels
            f.exclusive = 1;
        }
        for op in program.ops_mut() {
            op.mods &= !(abi::GD_MOD_RAW | abi::GD_MOD_N) as u8;
            op.foll &= !(1 << abi::GD_FOLL_LONGTERM);
            if op.foll & BOTH == BOTH {
                op.foll &= !(1 << abi::GD_FOLL_GET);
            }
            // A reused page is not exclusive any more.
            if ops::info(op.op).is_some_and(|info| info.arg == ArgKind::Mapping) {
                op.arg = abi::GD_M_FILE as u16;
            }
            for run in &mut op.run {
                // no access after the end of a list: kernels look one entry ahead
                run.page = match program::split_page(run.page) {
                    (index, _) if index < program::MAX_FOLIOS => program::page(index, 0),
                    _ => program::page(0, 0),
                };
                run.len = run.len.min(MAX_RUN);
            }
            let clears = u32::from(op.op) == abi::GD_OP_CLEAR_FLAG;
            if clears && u32::from(op.arg) == abi::GD_F_ANON_EXCLUSIVE {
                op.op = abi::GD_OP_SET_FLAG as u8;
            }
        }
        program.normalise();
    }
}

/// Short enough that lists do not reach the step limit, which kernels reach later, because
/// they unpin runs at once.
const MAX_RUN: u16 = 64;

const BOTH: u32 = 1 << abi::GD_FOLL_GET | 1 << abi::GD_FOLL_PIN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::generate;
    use crate::program::profile::Profile;
    use crate::program::rng::Rng;
    use crate::rev::Rev;

    fn pair(left: Rev, right: Rev) -> RevisionPair {
        RevisionPair { left, right }
    }

    #[test]
    fn revisions_of_one_kind_have_everything_in_common() {
        assert_eq!(Common::of(pair(Rev::V8, Rev::V9)), Common::PageLevel);
        assert_eq!(Common::of(pair(Rev::V6_1, Rev::V6_12)), Common::All);
        assert_eq!(Common::of(pair(Rev::V11, Rev::V6_1)), Common::SmallPages);
    }

    #[test]
    fn a_narrowed_program_stays_so() {
        let mut rng = Rng::new(1);
        for _ in 0..500 {
            let mut program = generate::program(&mut rng, &Profile::new(Rev::V11));
            Common::SmallPages.narrow(&mut program);
            let once = program;
            Common::SmallPages.narrow(&mut program);
            assert_eq!(program, once);
            assert!(program.folios().iter().all(|f| f.order == 0 && f.kind != 2));
        }
    }
}
