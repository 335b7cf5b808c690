// SPDX-License-Identifier: GPL-2.0
//! Describes what one side does at an operation, in phrases that follow the function's name.

use super::around::Shown;
use super::show::{self, Names};
use crate::compare::{Divergence, Field, Value};
use crate::oracle::Which;
use crate::site::SiteId;
use crate::trace::{Record, Ret};

/// The first difference, then events and the result: `warns at mm/gup.c:224`, `returns
/// -ENOMEM`.
pub(super) fn behaviour(
    shown: &Shown,
    function: &str,
    difference: Option<&Divergence>,
    names: &Names,
) -> Vec<String> {
    let mut phrases = Vec::new();
    if let Some(d) = difference.filter(|d| !is_said(d.field)) {
        phrases.push(differs(d, shown, function, names));
    }
    for record in &shown.records {
        match record {
            Record::Warn(id) => phrases.push(format!("warns {}", at(shown, *id, function))),
            Record::Bug(id) => phrases.push(format!("hits the BUG {}", at(shown, *id, function))),
            Record::Oops => phrases.push("oopses on a memory fault".into()),
            Record::Limit => phrases.push("does not end within the step limit".into()),
            Record::Ret(Ret::Absent, _) => phrases.push("does not exist".into()),
            Record::Ret(Ret::Stopped, _) => {}
            Record::Ret(ret, locks) => phrases.push(match show::locks(*locks) {
                locks if locks.is_empty() => returns(*ret, names),
                locks => format!("{} with {locks}", returns(*ret, names)),
            }),
            _ => {}
        }
    }
    phrases
}

/// Do the events or the result already contain the difference?
fn is_said(field: Field) -> bool {
    use Field::{Bug, Limit, Oops, Ret, Warn};
    matches!(field, Warn | Bug | Oops | Limit | Ret)
}

fn returns(ret: Ret, names: &Names) -> String {
    match ret {
        Ret::Void => "returns".into(),
        ret => format!("returns {}", show::ret(ret, names)),
    }
}

/// A side's own value, and the other's.
pub(super) fn values(d: &Divergence, which: Which) -> (Value, Value) {
    match which {
        Which::Left => (d.left, d.right),
        Which::Right => (d.right, d.left),
    }
}

fn at(shown: &Shown, id: SiteId, function: &str) -> String {
    let func = id.site().map_or("?", |site| site.func);
    let within = if func == function {
        String::new()
    } else {
        format!(" in {func}()")
    };
    match place(shown, id) {
        Some(place) => format!("at {place}{within}"),
        None => format!("({id})"),
    }
}

/// File and line of a site, if the side knows them.
pub(super) fn place(shown: &Shown, id: SiteId) -> Option<String> {
    let site = shown.side.sites().iter().find(|site| site.id == id)?;
    site.place.clone()
}

/// A side's part of the first difference.
pub(super) fn differs(d: &Divergence, shown: &Shown, function: &str, names: &Names) -> String {
    let (is, other) = values(d, shown.which);
    let words = |value| show::value(value, shown.side, names);
    let page = d.page.map(|page| names.page(page)).unwrap_or_default();
    match (d.field, is) {
        (Field::Warn, Value::Site(id)) => format!("warns {}", at(shown, id, function)),
        (Field::Warn, _) => "does not warn".into(),
        (Field::Bug, Value::Site(id)) => format!("hits the BUG {}", at(shown, id, function)),
        (Field::Bug, _) => "does not hit that BUG".into(),
        (Field::Oops, Value::Nothing) => "does not oops".into(),
        (Field::Oops, _) => "oopses on a memory fault".into(),
        (Field::Limit, Value::Nothing) => "comes to an end".into(),
        (Field::Limit, _) => "does not end within the step limit".into(),
        (Field::Ret, Value::Ret(ret)) => returns(ret, names),
        (Field::Ret, _) => "does not return".into(),
        (Field::Refcount, _) => format!("leaves {page} with refcount {}", words(is)),
        (Field::Pincount, _) => format!("leaves {page} with pincount {}", words(is)),
        (Field::Flags, _) => format!("leaves {page} with flags {}", words(is)),
        (Field::Mapping, _) => format!("leaves {page} with mapping {}", words(is)),
        (Field::Tail, Value::Truth(true)) => format!("leaves {page} as a tail page"),
        (Field::Tail, _) => format!("does not leave {page} as a tail page"),
        (Field::Pinned, Value::Truth(true)) => format!("leaves {page} pinned"),
        (Field::Pinned, _) => format!("leaves {page} not pinned"),
        (Field::State, _) => format!("leaves {}", words(is)),
        (Field::Acquired, _) => format!("counts {} pins as acquired", words(is)),
        (Field::Released, _) => format!("counts {} pins as released", words(is)),
        (Field::IsolatedAnon | Field::IsolatedFile, _) => {
            format!("leaves {} changed by {}", d.field.name(), words(is))
        }
        (Field::Locks, _) => format!("returns with {}", words(is)),
        (Field::Entry, Value::Nothing) => "stores no more in pages[]".into(),
        (Field::Entry, _) => format!("stores {} in pages[]", words(is)),
        (Field::Call | Field::Ask, Value::Nothing) => match called(other) {
            Some(name) => format!("does not call {name}()"),
            None => "makes no call".into(),
        },
        (Field::Call | Field::Ask, _) => format!("calls {}", words(is)),
        (Field::Interleaving, Value::Act(i)) => {
            format!("reaches the point where {}", names.there(i))
        }
        (Field::Interleaving, _) => match other {
            Value::Act(i) => format!("does not reach the point where {}", names.there(i)),
            _ => "does not reach such a point".into(),
        },
        (Field::Stray, _) => format!("changes {page} outside of any operation: {}", words(is)),
        (Field::End | Field::Shape, _) => format!("ends with {}", words(is)),
    }
}

/// The function that a value is a call of.
pub(super) fn called(value: Value) -> Option<&'static str> {
    match value {
        Value::Call(call, _) => Some(call.name()),
        Value::Ask(ask) => Some(ask.name()),
        _ => None,
    }
}

/// `warns at mm/gup.c:224 and returns -ENOMEM`.
pub(super) fn joined(phrases: &[String]) -> String {
    match phrases {
        [] => "shows nothing".into(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
