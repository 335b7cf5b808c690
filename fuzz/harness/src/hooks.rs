// SPDX-License-Identifier: GPL-2.0
//! The table of hook points, in Rust.
//!
//! `csrc/abi/hooks.h` declares each once: the place in an operation, its object, and the
//! type of the answer.

use std::ffi::{CStr, c_char};
use std::sync::LazyLock;

use csrc::abi;

use crate::ops::Layer;
use crate::program::walk::{LEVELS, Level};

/// Number of hook points, including NONE.
pub const NR_HOOKS: usize = abi::GD_NR_HOOKS as usize;

/// The object of a hook point: only events of this object count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// No object.
    Nothing,
    /// The page-table entry of a level that maps `at_addr`.
    Entry(Level),
    /// The page `at_page`.
    Page,
}

/// The type of a call's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not a call.
    None,
    /// 0 (not found) or 1.
    Bool,
    /// 0 or a negative errno.
    Errno,
    /// A number of pages, or a negative errno.
    Pages,
    /// Bits `GD_FAULT_*`.
    Fault,
}

/// The lowest errno, negative.
const MIN_ERRNO: i32 = -4095;
/// All results of a fault.
pub const FAULTS: i32 = (1 << abi::GD_NR_FAULTS) - 1;

impl Answer {
    /// Limits an answer to its range.
    pub fn fix(self, value: i32) -> i32 {
        match self {
            Answer::None => 0,
            Answer::Bool => i32::from(value != 0),
            Answer::Errno if value > 0 => errno(value),
            Answer::Errno | Answer::Pages if value < MIN_ERRNO => errno(value),
            Answer::Errno | Answer::Pages => value,
            Answer::Fault => value & FAULTS,
        }
    }
}

/// keep a failure a failure, with an errno
fn errno(value: i32) -> i32 {
    -1 - value.rem_euclid(-MIN_ERRNO)
}

/// One hook point of the table.
#[derive(Clone, Copy, Debug)]
pub struct HookInfo {
    /// Its number, `GD_HOOK_*`.
    pub id: u8,
    /// The lowest layer whose operations reach it.
    pub layer: Layer,
    /// Its object.
    pub object: Object,
    /// The type of the answer.
    pub answer: Answer,
    /// The default answer.
    pub default_answer: i32,
    /// The text form, without the object.
    pub text: &'static str,
    /// The clause for reports, with `{object}` and `{nth}`.
    pub help: &'static str,
    /// Who acts there, for reports.
    pub actor: &'static str,
}

static TABLE: LazyLock<Vec<HookInfo>> = LazyLock::new(|| {
    let rows = csrc::hook_table().iter().zip(0..);
    rows.map(|(row, id)| read(row, id)).collect()
});

fn text(s: *const c_char) -> &'static str {
    match s.is_null() {
        // of the row for no hook point
        true => "none",
        // SAFETY: the table's strings are literals in the C side's read-only data.
        false => unsafe { CStr::from_ptr(s) }
            .to_str()
            .expect("the table is ASCII"),
    }
}

fn read(row: &abi::gd_hook_info, id: u8) -> HookInfo {
    HookInfo {
        id,
        layer: Layer::of(row.layer),
        object: match u32::from(row.object) {
            abi::GD_O_NONE => Object::Nothing,
            abi::GD_O_PAGE => Object::Page,
            level => Object::Entry(LEVELS[(level - abi::GD_O_PTE) as usize]),
        },
        answer: match u32::from(row.answer) {
            abi::GD_ANS_BOOL => Answer::Bool,
            abi::GD_ANS_ERRNO => Answer::Errno,
            abi::GD_ANS_PAGES => Answer::Pages,
            abi::GD_ANS_FAULT => Answer::Fault,
            abi::GD_ANS_NONE => Answer::None,
            answer => panic!("hook point {id}: there are no answers of kind {answer}"),
        },
        default_answer: row.default_answer,
        text: text(row.text),
        help: text(row.help),
        actor: text(row.actor),
    }
}

/// All hook points, by number; the first row is NONE.
pub fn table() -> &'static [HookInfo] {
    &TABLE
}

/// The hook point with this number, which may be NONE.
#[inline]
pub fn info(id: u8) -> Option<&'static HookInfo> {
    TABLE.get(usize::from(id)).filter(|hook| hook.id != 0)
}

/// The object of a hook point; none for an unknown number.
#[inline]
pub fn object(id: u8) -> Object {
    info(id).map_or(Object::Nothing, |hook| hook.object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_point_has_a_text_of_its_own() {
        let mut texts: Vec<&str> = table().iter().map(|hook| hook.text).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), NR_HOOKS);
        assert!(info(0).is_none() && info(NR_HOOKS as u8).is_none());
    }

    #[test]
    fn answers_are_of_the_type_of_their_call() {
        assert_eq!(Answer::Bool.fix(114), 1);
        assert_eq!(Answer::Errno.fix(-5), -5);
        assert_eq!(Answer::Errno.fix(5), -6);
        assert!((-4095..0).contains(&Answer::Errno.fix(i32::MIN)));
        assert_eq!(Answer::Pages.fix(5), 5);
        assert_eq!(Answer::Pages.fix(-11), -11);
        assert!((-4095..0).contains(&Answer::Pages.fix(-5000)));
        assert_eq!(Answer::Fault.fix(-1), FAULTS);
        for hook in table() {
            assert_eq!(hook.answer.fix(hook.default_answer), hook.default_answer);
        }
    }
}
