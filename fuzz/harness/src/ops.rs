// SPDX-License-Identifier: GPL-2.0
//! The table of operations, as Rust sees it.
//!
//! `csrc/abi/ops.h` declares every operation once; this module reads that table
//! from the C side.

use std::ffi::{CStr, c_char};
use std::sync::LazyLock;

use csrc::abi;

use crate::effect::{self, Effect, Part};
use crate::program::walk::Level;
pub use crate::rev::Rev;

/// What `n` counts.
pub type N = abi::gd_n;
/// What `val` is.
pub type Val = abi::gd_val;

/// Which part of the kernel an operation drives; each sees what those before it see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// Page level: references, pins, predicates.
    Page,
    /// The walk of page tables without locks (GUP-fast), and what only walks see.
    Lockless,
    /// The walk under the mmap lock: VMAs, faults, migration.
    Slow,
}

impl Layer {
    pub(crate) fn of(layer: abi::gd_layer) -> Layer {
        match layer {
            abi::gd_layer::Page => Layer::Page,
            abi::gd_layer::Lockless => Layer::Lockless,
            abi::gd_layer::Slow => Layer::Slow,
        }
    }
}

/// What of an operation's outcome is compared, besides the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResultKind {
    /// Nothing.
    Void,
    /// True or false.
    Bool,
    /// Zero or a negative error.
    Errno,
    /// A folio or NULL.
    Folio,
    /// A page, NULL or an errno.
    Page,
    /// A number, a negative one mostly an errno; 0 is a failure for those that
    /// count.
    Int,
}

/// What the values of an operation's `arg` stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// A number without a meaning of its own.
    Number,
    /// A VMA: none, shared, private COW.
    Vma,
    /// A page flag, `GD_F_*`.
    Flag,
    /// A kind of mapping, `GD_M_*`.
    Mapping,
    /// The order of a folio.
    Order,
    /// A migrate type, `GD_MT_*`.
    Migratetype,
    /// Off or on.
    Switch,
    /// Something that is so or is not, called this.
    Whether(&'static str),
    /// Which lookup of a pagemap fails, from 1; 0: none.
    Lookup,
    /// The number of a VMA.
    Slot,
    /// What is pending for the current task, `GD_SIG_*`.
    Signal,
    /// The argument `locked`: NULL, or the address of 1 or of 0.
    Lock,
    /// A file, `GD_FD_*`.
    Memfd,
}

impl ArgKind {
    /// How many values there are; an `arg` is taken modulo this.
    pub const fn values(self) -> u32 {
        match self {
            ArgKind::Number => 1 << 16,
            ArgKind::Vma => 3,
            ArgKind::Flag => abi::GD_NR_FLAGS,
            ArgKind::Mapping => abi::GD_NR_MAPPINGS,
            ArgKind::Order => abi::GD_NR_ORDERS,
            ArgKind::Migratetype => abi::GD_NR_MIGRATETYPES,
            ArgKind::Switch | ArgKind::Whether(_) => 2,
            ArgKind::Lookup => 65,
            ArgKind::Slot => abi::GD_MAX_VMAS,
            ArgKind::Signal => abi::GD_NR_SIGNALS,
            ArgKind::Lock => 3,
            ArgKind::Memfd => abi::GD_NR_MEMFDS,
        }
    }

    fn of(arg: abi::gd_arg) -> ArgKind {
        match arg {
            abi::gd_arg::None => ArgKind::Number,
            abi::gd_arg::Vma => ArgKind::Vma,
            abi::gd_arg::Flag => ArgKind::Flag,
            abi::gd_arg::Mapping => ArgKind::Mapping,
            abi::gd_arg::Order => ArgKind::Order,
            abi::gd_arg::Migratetype => ArgKind::Migratetype,
            abi::gd_arg::Switch => ArgKind::Switch,
            abi::gd_arg::Devmap => ArgKind::Whether("devmap"),
            abi::gd_arg::Mlock => ArgKind::Whether("mlock"),
            abi::gd_arg::Changed => ArgKind::Whether("changed"),
            abi::gd_arg::Locked => ArgKind::Whether("locked"),
            abi::gd_arg::Lookup => ArgKind::Lookup,
            abi::gd_arg::Slot => ArgKind::Slot,
            abi::gd_arg::Signal => ArgKind::Signal,
            abi::gd_arg::Lock => ArgKind::Lock,
            abi::gd_arg::Memfd => ArgKind::Memfd,
        }
    }
}

/// One operation of the table.
#[derive(Clone, Debug)]
pub struct OpInfo {
    /// The byte that stands for it on the wire.
    pub id: u8,
    /// What it is for, lower-case with dashes: `grab-fast`.
    pub role: &'static str,
    /// Which layer it belongs to.
    pub layer: Layer,
    /// What it does.
    pub effect: Effect,
    /// Whether it is a raw change of the world, between operations or at a hook
    /// point of one, and no kernel function.
    pub is_change: bool,
    /// `GD_S_*`: which fields of an operation mean something.
    pub operands: u32,
    /// What `arg` means, if it means something.
    pub arg: ArgKind,
    /// What `n` counts, if it means something.
    pub n: N,
    /// What `val` is, if it means something.
    pub val: Val,
    /// What is compared.
    pub result: ResultKind,
    /// One line of help; of a change of the world with its operands in braces, see
    /// [`report::help`](crate::report::help).
    pub help: &'static str,
    /// Its names.
    pub names: Names,
}

/// What an operation is called, by revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// The same in every revision.
    One(&'static str),
    /// Each holds from its revision on, to the next one of the same kind, series
    /// or kernel; `None`: there is no such function.
    Since(Vec<(Rev, Option<&'static str>)>),
}

impl OpInfo {
    /// The kernel's name in a revision; `None` if it has no such function.
    pub fn name(&self, rev: Rev) -> Option<&'static str> {
        match &self.names {
            Names::One(name) => Some(name),
            Names::Since(names) => {
                let holds = names.iter().rev().find(|(from, _)| *from <= rev);
                holds.and_then(|(_, name)| *name)
            }
        }
    }

    /// The name that it has in every revision, else the role: changes of the
    /// world are no functions of any kernel.
    pub fn own_name(&self) -> &'static str {
        match &self.names {
            Names::One(name) => name,
            Names::Since(_) => self.role,
        }
    }

    /// The kernel's name in a revision, else the role.
    pub fn name_or_role(&self, rev: Rev) -> &'static str {
        self.name(rev).unwrap_or(self.role)
    }

    /// Whether an action of the script can do it, in the middle of an operation of
    /// the kernel.  Pages do not become one folio while a CPU looks at one of
    /// them: the fields that it reads as the page's would become the folio's.
    pub fn can_be_scripted(&self) -> bool {
        self.sets().is_some_and(|part| part != Part::Merge)
    }

    /// Whether it is an entry point of the lockless walk.
    pub fn is_walk(&self) -> bool {
        !self.is_change && self.layer == Layer::Lockless
    }

    /// Whether it is an entry point of the slow path.
    pub fn is_slow(&self) -> bool {
        !self.is_change && self.layer == Layer::Slow
    }

    /// What it sets of the world, if that is what it is for.
    #[inline]
    pub fn sets(&self) -> Option<Part> {
        self.effect.part()
    }

    /// The level of page tables whose entries it sets, if it does.
    #[inline]
    pub fn sets_level(&self) -> Option<Level> {
        self.sets().and_then(effect::level)
    }

    /// Whether any of the operand bits is among the operation's.
    pub fn has(&self, operands: u32) -> bool {
        self.operands & operands != 0
    }
}

struct Table {
    ops: Vec<OpInfo>,
    /// Position in `ops` by id; `ABSENT` if the id is not defined.
    by_id: [u8; 256],
}

const ABSENT: u8 = u8::MAX;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut ops: Vec<OpInfo> = csrc::op_table().iter().map(read).collect();
    ops.sort_by_key(|op| op.id);
    assert!(ops.len() < usize::from(ABSENT), "too many operations");
    let mut by_id = [ABSENT; 256];
    for (i, op) in ops.iter().enumerate() {
        assert_eq!(by_id[usize::from(op.id)], ABSENT, "{} twice", op.id);
        by_id[usize::from(op.id)] = i as u8;
    }
    Table { ops, by_id }
});

/// The operations, by ascending id.
pub fn table() -> &'static [OpInfo] {
    &TABLE.ops
}

/// The operation of an id, if the id is defined.
pub fn info(id: u8) -> Option<&'static OpInfo> {
    TABLE.ops.get(usize::from(TABLE.by_id[usize::from(id)]))
}

/// What the operation of an id sets of the world, if that is what it is for.
#[inline]
pub fn sets(id: u8) -> Option<Part> {
    info(id)?.sets()
}

/// The operation with this role (`grab-fast`).
pub fn by_role(role: &str) -> Option<&'static OpInfo> {
    table().iter().find(|op| op.role == role)
}

/// The operation that a revision's kernel calls so.
pub fn by_name(name: &str, rev: Rev) -> Option<&'static OpInfo> {
    table().iter().find(|op| op.name(rev) == Some(name))
}

fn text(s: *const c_char) -> &'static str {
    // SAFETY: the table's strings are literals in the C side's read-only data.
    let s = unsafe { CStr::from_ptr(s) };
    s.to_str().expect("the table is ASCII")
}

fn read(c: &abi::gd_op_info) -> OpInfo {
    let role = text(c.role).to_ascii_lowercase().replace('_', "-");
    let pair = |pair: &'static str| {
        let (rev, name) = pair.split_once(':').expect("REV:name");
        let rev = rev.parse().expect("a revision");
        (rev, (name != "-").then_some(name))
    };
    let names = text(c.names);
    let names = match names.contains(':') {
        true => Names::Since(names.split_whitespace().map(pair).collect()),
        false => Names::One(names),
    };
    let effect = Effect::from(&c.effect);
    OpInfo {
        id: c.id,
        role: role.clone().leak(),
        layer: Layer::of(c.layer),
        effect,
        is_change: effect.part().is_some(),
        // The kinds of n and val are apart: values of both can be swapped.
        operands: c.operands & ((1 << abi::GD_S_N_SHIFT) - 1),
        arg: ArgKind::of(c.arg),
        n: c.n,
        val: c.val,
        result: match u32::from(c.result) {
            abi::GD_RET_VOID => ResultKind::Void,
            abi::GD_RET_BOOL => ResultKind::Bool,
            abi::GD_RET_ERRNO => ResultKind::Errno,
            abi::GD_RET_FOLIO => ResultKind::Folio,
            abi::GD_RET_PAGE => ResultKind::Page,
            abi::GD_RET_INT => ResultKind::Int,
            result => panic!("{role}: there is no operation with results of kind {result}"),
        },
        help: text(c.help),
        names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_until_the_next_pair() {
        let fast = by_role("grab-fast").unwrap();
        assert_eq!(fast.name(Rev::V6_1), Some("try_grab_folio"));
        assert_eq!(fast.name(Rev::linux(6, 6)), Some("try_grab_folio"));
        assert_eq!(fast.name(Rev::V6_12), Some("try_grab_folio_fast"));
        assert_eq!(fast.name(Rev::V9), Some("try_grab_compound_head"));
        assert_eq!(fast.name(Rev::Series(7)), None);
        let add = by_role("folio-add-pin").unwrap();
        assert_eq!(add.name(Rev::V6_1), None);
        assert_eq!(add.name_or_role(Rev::V6_1), "folio-add-pin");
    }

    #[test]
    fn a_kernel_older_than_all_known_ones_has_no_name_of_the_series() {
        let old = Rev::linux(5, 4);
        assert_eq!(by_role("follow-page-pte").unwrap().name(old), None);
        assert_eq!(by_role("grab-slow").unwrap().name(old), None);
        assert_eq!(by_role("get-page").unwrap().name(old), Some("get_page"));
        let dated = |op: &&OpInfo| matches!(op.names, Names::Since(_));
        assert!(
            table()
                .iter()
                .filter(dated)
                .all(|op| op.name(old).is_none())
        );
    }

    #[test]
    fn names_and_roles_are_unique_in_each_revision() {
        for &rev in Rev::known() {
            let mut words: Vec<&str> = table().iter().filter_map(|op| op.name(rev)).collect();
            words.extend(table().iter().map(|op| op.role).filter(|r| r.contains('-')));
            let all = words.len();
            words.sort();
            words.dedup();
            assert_eq!(words.len(), all, "{rev}");
        }
    }

    #[test]
    fn ids_lead_to_their_operations() {
        for op in table() {
            assert_eq!(info(op.id).unwrap().role, op.role);
        }
        assert!(info(0).is_none());
    }
}
