// SPDX-License-Identifier: GPL-2.0
//! The subject of a mail: the function and the difference, without a cause.

use csrc::abi::{self, gd_op};

use super::around::Shown;
use super::behaviour::{called, values};
use super::sentences;
use super::show::{self, Names};
use crate::compare::{Divergence, Field, Value};
use crate::ops;
use crate::oracle::Which;
use crate::program::Program;
use crate::program::list::Entry;
use crate::program::walk::{is_any_call, set_level};
use crate::trace::Record;
use crate::world::layout::Operand;

/// Maximum length of a subject.
const WIDTH: usize = 72;
/// The kernel's name for the code under test.
const SUBSYSTEM: &str = "mm/gup";

/// Makes a subject from the function, what it does, and on what.  The last part is left out if
/// the line would be too long.
pub(super) fn title(function: &str, behaviour: &str, on: &[String]) -> String {
    // a separate clause begins with a colon
    let blank = if behaviour.starts_with(':') { "" } else { " " };
    let mut title = format!("{SUBSYSTEM}: {function}(){blank}{behaviour}");
    for words in on {
        if title.chars().count() + words.chars().count() < WIDTH {
            title += " ";
            title += words;
        }
    }
    title
}

/// What the reported side does and the other one does not.
pub(super) fn difference(d: &Divergence, shown: &Shown, function: &str, names: &Names) -> String {
    let (is, other) = values(d, shown.which);
    let words = |value| show::value(value, shown.side, names);
    let event = |does: &str, does_not: &str| match (is, other) {
        (Value::Site(a), Value::Site(b)) => {
            let func = |id: crate::site::SiteId| id.site().map_or("?", |site| site.func);
            match func(a) == func(b) {
                true => format!("{does} at another place in {}()", func(a)),
                false => format!("{does} in {}(), not in {}()", func(a), func(b)),
            }
        }
        (Value::Site(site), _) => match site.site() {
            Some(site) if site.func != function => format!("{does} in {}()", site.func),
            _ => does.into(),
        },
        (Value::Nothing, _) => does_not.into(),
        _ => does.into(),
    };
    match d.field {
        Field::Warn => event("warns", "does not warn"),
        Field::Bug => event("hits a BUG", "does not hit a BUG"),
        Field::Oops => event("oopses", "does not oops"),
        Field::Limit => event("does not end", "ends"),
        Field::Ret => format!("returns {}, not {}", words(is), words(other)),
        Field::Call | Field::Ask => match (called(is), called(other)) {
            (Some(a), Some(b)) if a == b => format!("calls {a}() with other arguments or state"),
            (Some(a), Some(b)) => format!("calls {a}(), not {b}()"),
            (Some(a), None) => format!("calls {a}()"),
            (None, Some(b)) => format!("does not call {b}()"),
            (None, None) => "makes other calls".into(),
        },
        Field::Interleaving => match (is, other) {
            (Value::Nothing, Value::Act(i)) => format!(": {} less often", names.event(i)),
            (Value::Act(i), Value::Nothing) => format!(": {} more often", names.event(i)),
            _ => "accesses memory in another order".into(),
        },
        Field::Refcount | Field::Pincount => {
            let field = d.field.name();
            format!("leaves {field} {}, not {}", words(is), words(other))
        }
        Field::Flags => flags(is, other),
        Field::Mapping => format!("leaves mapping {}, not {}", words(is), words(other)),
        Field::Tail => "differs in what is a tail page".into(),
        Field::Pinned => match is {
            Value::Truth(true) => "leaves a page pinned".into(),
            _ => "leaves a page not pinned".into(),
        },
        Field::State => format!("leaves {}", words(is)),
        Field::Acquired | Field::Released => {
            let verb = d.field.name().trim_start_matches("pins ");
            format!("counts {} pins as {verb}, not {}", words(is), words(other))
        }
        Field::IsolatedAnon | Field::IsolatedFile => format!("unbalances {}", d.field.name()),
        Field::Locks => format!("ends with: {}", words(is)),
        Field::Entry => format!("stores {}, not {}", words(is), words(other)),
        Field::Stray => "changes a page outside of any operation".into(),
        Field::End | Field::Shape => "ends differently".into(),
    }
}

fn flags(is: Value, other: Value) -> String {
    let (Value::Flags(is), Value::Flags(other)) = (is, other) else {
        return "leaves other flags".into();
    };
    match (is & !other, other & !is) {
        (more, 0) => format!("sets {}", show::flags(more)),
        (0, less) => format!("does not set {}", show::flags(less)),
        (more, less) => format!("sets {}, not {}", show::flags(more), show::flags(less)),
    }
}

/// The operation's arguments, by decreasing importance.
pub(super) fn on(prog: &Program, index: usize, shown: &Shown, names: &Names) -> Vec<String> {
    let Some(op) = prog.ops().get(index) else {
        return Vec::new();
    };
    let Some(info) = ops::info(op.op) else {
        return Vec::new();
    };
    let mut words = Vec::new();
    if info.has(abi::GD_S_PAGE | abi::GD_S_FOLIO) {
        words.push(format!("on {}", page(prog, op, shown, names)));
    }
    if info.has(abi::GD_S_FOLL) && op.foll != 0 && u32::from(op.mods) & abi::GD_MOD_RAW == 0 {
        words.push(format!("with {}", sentences::foll(op.foll)));
    }
    if is_any_call(op.op) {
        words.extend(meanwhile(prog, shown));
    }
    words
}

fn page(prog: &Program, op: &gd_op, shown: &Shown, names: &Names) -> String {
    let page = match (Entry::first(op.run[0].page), names.layout().run(&op.run[0])) {
        (Entry::Null, _) => return "NULL".into(),
        (Entry::Page { .. }, Operand::Page(page)) if page < crate::world::layout::NR_PAGES => page,
        _ => return "a bad pointer".into(),
    };
    let state = shown.state_before(prog, page);
    let head = shown.state_before(prog, shown.before.head(&prog.0, page));
    let noun = if head.is_large() { "folio" } else { "page" };
    let folio = match (head.pinned, head.refcount) {
        (true, _) => format!("a pinned {noun}"),
        (false, ..=0) => format!("a {noun} with refcount {}", head.refcount),
        (false, _) if head.is_large() => "a large folio".into(),
        (false, _) => "a page".into(),
    };
    match state.tail {
        true => format!("a tail page of {folio}"),
        false => folio,
    }
}

/// What other CPUs did during the operation.
fn meanwhile(prog: &Program, shown: &Shown) -> Option<String> {
    shown.records.iter().find_map(|record| {
        let Record::Act(index) = record else {
            return None;
        };
        let act = prog.acts().get(usize::from(*index))?;
        let level = set_level(act.op.op)?;
        let level = format!("{level:?}").to_uppercase();
        Some(match crate::hooks::info(act.hook)?.actor {
            "it" => format!("after a fault set the {level}"),
            _ => format!("while the {level} changes"),
        })
    })
}

/// The reported side; `sides` are their names, and whether each is a changed kernel.
pub(super) fn reported(sides: [(&str, bool); 2], difference: Option<&Divergence>) -> Which {
    let [(left, left_changed), (right, right_changed)] = sides;
    let is_rust = |name: &str| name.starts_with("rust:");
    match (is_rust(left), is_rust(right)) {
        (false, true) => return Which::Left,
        (true, false) => return Which::Right,
        _ => {}
    }
    match (left_changed, right_changed) {
        (true, false) => Which::Left,
        (false, true) => Which::Right,
        // neither is the base of the other: the one that warns or stops
        _ => match difference.filter(|d| is_trouble(d.field)) {
            Some(d) if d.right == Value::Nothing => Which::Left,
            _ => Which::Right,
        },
    }
}

fn is_trouble(field: Field) -> bool {
    matches!(field, Field::Warn | Field::Bug | Field::Oops | Field::Limit)
}
