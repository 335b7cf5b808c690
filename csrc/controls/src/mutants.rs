// SPDX-License-Identifier: GPL-2.0
//! Mutants: small mechanical changes at every place of a C file where they are possible.
//!
//! Controls are chosen by people, who think of the same bugs that they wrote the oracle for.
//! Mutants are not, so what survives of them shows where the oracle is blind.

use tree_sitter::Node;

use crate::PerKernel;
use crate::alternatives::Alternatives;
use crate::edit::{Action, Place};
use crate::select::declared;
use crate::syntax::{Source, Splice, descendants, field};

/// One changed place.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The function that is changed.
    pub function: String,
    /// The line of the place in the file, from 1.
    pub line: usize,
    /// The change, as `== becomes !=`.
    pub about: String,
    splices: Vec<Splice>,
}

impl Mutant {
    /// The changed file; `text` is the original one.
    ///
    /// # Errors
    ///
    /// What the parser says of the file.
    pub fn patched(&self, text: &str) -> Result<String, String> {
        Source::parse(text)?.splice(&self.splices)
    }
}

/// A C file with many mutants, of which one is selected at run time: see [`crate::VARIABLE`].
#[derive(Clone, Debug)]
pub struct Selection {
    /// The text; [`crate::DEFINITION`] is not in it.
    pub patched: String,
    /// The numbers of the mutants in it, each with the line of its alternative.
    pub lines: Vec<(usize, usize)>,
}

/// Puts those of some numbered mutants into a file, which has this text, that can be
/// alternatives.
///
/// # Errors
///
/// What the parser says of the file.
pub fn selectable_mutants<'m>(
    text: &str,
    mutants: impl IntoIterator<Item = (usize, &'m Mutant)>,
) -> Result<Selection, String> {
    let mut alternatives = Alternatives::of(text);
    for (nr, mutant) in mutants {
        alternatives.add(nr, &mutant.splices)?;
    }
    Ok(Selection {
        lines: alternatives.lines(),
        patched: alternatives.written(),
    })
}

/// All mutants of a C file, in source order.
///
/// # Errors
///
/// What the parser says of the file.
pub fn mutants(text: &str) -> Result<Vec<Mutant>, String> {
    let source = Source::parse(text)?;
    let functions = descendants(source.root()).filter(|n| n.kind() == "function_definition");
    let mut mutants = Vec::new();
    for function in functions {
        let (Some(name), Ok(body)) = (declared(function), field(function, "body")) else {
            continue;
        };
        for node in descendants(body).filter(|node| !node.has_error()) {
            for (action, about) in changes(&source, node) {
                let place = Place {
                    source: &source,
                    function: Some(function),
                    node: Some(node),
                    kernel: "",
                };
                // what an operation cannot do here is no mutant
                let Ok(splices) = action.splices(&place) else {
                    continue;
                };
                mutants.push(Mutant {
                    function: source.of(name).to_owned(),
                    line: source.line(node),
                    about,
                    splices,
                });
            }
        }
    }
    Ok(mutants)
}

/// Operators, each with what it becomes.
const OPERATORS: [(&str, &str); 20] = [
    ("==", "!="),
    ("!=", "=="),
    ("<", "<="),
    ("<=", "<"),
    (">", ">="),
    (">=", ">"),
    ("&&", "||"),
    ("||", "&&"),
    ("+", "-"),
    ("-", "+"),
    ("&", "|"),
    ("<<", ">>"),
    (">>", "<<"),
    ("+=", "-="),
    ("-=", "+="),
    ("|=", "&="),
    ("&=", "|="),
    ("<<=", ">>="),
    ("++", "--"),
    ("--", "++"),
];

/// Prefixes of names of single bits.
const BITS: [&str; 4] = ["FOLL_", "FAULT_FLAG_", "VM_", "GUP_"];

/// What can be done to a node.
fn changes(source: &Source, node: Node) -> Vec<(Action, String)> {
    let same = |text: &str| PerKernel::Same(text.to_owned());
    let text = source.of(node);
    let replaced = |with: &str| {
        let action = Action::ReplaceIdentifier { with: same(with) };
        vec![(action, format!("{text} becomes {with}"))]
    };
    let as_returned = node.parent().filter(|p| p.kind() == "return_statement");
    let mut changes = match node.kind() {
        "binary_expression" | "assignment_expression" | "update_expression" => {
            let operator = node.child_by_field_name("operator").map(|n| source.of(n));
            let found = OPERATORS.iter().find(|(from, _)| Some(*from) == operator);
            let change = |&(from, to): &(&str, &str)| {
                let action = Action::ReplaceOperator { with: to.into() };
                (action, format!("{from} becomes {to}"))
            };
            found.map(change).into_iter().collect()
        }
        "unary_expression" => vec![(Action::DropNot, "! is dropped".into())],
        "if_statement" => vec![
            (Action::DropCondition, "the condition is dropped".into()),
            (Action::NegateCondition, "the condition is negated".into()),
            (Action::DeleteStatement, "the if is deleted".into()),
        ],
        "expression_statement" | "goto_statement" | "break_statement" | "continue_statement" => {
            let first = text.lines().next().unwrap_or_default();
            vec![(Action::DeleteStatement, format!("deleted: {first}"))]
        }
        "number_literal" => {
            let with = match text {
                "0" => "1",
                "1" => "0",
                "2" => "3",
                _ => "2",
            };
            let action = Action::ReplaceNumber { with: with.into() };
            vec![(action, format!("{text} becomes {with}"))]
        }
        "true" | "false" => {
            let with = if text == "true" { "false" } else { "true" };
            let action = Action::ReplaceExpression { with: with.into() };
            vec![(action, format!("{text} becomes {with}"))]
        }
        "identifier" if is_errno(text) => match text {
            "EINVAL" => replaced("EFAULT"),
            _ => replaced("EINVAL"),
        },
        // VM_BUG_ON() begins like a bit
        "identifier" if BITS.iter().any(|bit| text.starts_with(bit)) && !is_called(node) => {
            replaced("0")
        }
        _ => Vec::new(),
    };
    if as_returned.is_some() && !matches!(text, "0" | "1" | "true" | "false") {
        let action = Action::ReplaceExpression { with: "0".into() };
        changes.push((action, "0 is returned".into()));
    }
    changes
}

/// Is it the name of what a call calls?
fn is_called(node: Node) -> bool {
    node.parent().is_some_and(|p| {
        p.kind() == "call_expression" && p.child_by_field_name("function") == Some(node)
    })
}

/// Is it the name of an errno?
fn is_errno(name: &str) -> bool {
    let rest = name.strip_prefix('E').unwrap_or_default();
    rest.len() > 2 && rest.chars().all(|c| c.is_ascii_uppercase())
}
