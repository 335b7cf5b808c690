// SPDX-License-Identifier: GPL-2.0
//! Finding the one place that a control is about.

use serde::Deserialize;
use tree_sitter::Node;

use crate::PerKernel;
use crate::syntax::{Source, descendants, descendants_of};

/// Which syntax node of a function: all given conditions hold.
///
/// Without `nth` exactly one node must match; with `nth` and `of`, exactly
/// `of` must, and the `nth` (from 1, in source order) is meant.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    /// Node kind of the C grammar.
    node: String,
    /// Its operator.
    operator: Option<String>,
    /// The function called: by a call itself, by the call that a statement
    /// consists of, or anywhere in the condition of an `if`.
    callee: Option<PerKernel<String>>,
    /// Identifiers that occur in it; for an `if`, in its condition.
    #[serde(default)]
    has: Vec<String>,
    /// The node's whole text, for what is short: a name, a number, `i++`.
    text: Option<PerKernel<String>>,
    nth: Option<PerKernel<usize>>,
    of: Option<PerKernel<usize>>,
}

impl At {
    /// The node meant in the body of `function`.
    pub(crate) fn find<'t>(
        &self,
        source: &'t Source<'_>,
        function: Node<'t>,
        kernel: &str,
    ) -> Result<Node<'t>, String> {
        let callee = here(&self.callee, kernel)?.map(String::as_str);
        let text = here(&self.text, kernel)?.map(String::as_str);
        let body = crate::syntax::field(function, "body")?;
        let found: Vec<Node> = descendants(body)
            .filter(|&node| self.matches(source, node, callee, text))
            .collect();
        let (nth, of) = match (here(&self.nth, kernel)?, here(&self.of, kernel)?) {
            (None, None) => (1, 1),
            (Some(&nth), Some(&of)) if (1..=of).contains(&nth) => (nth, of),
            _ => return Err("`nth` and `of` go together, 1 <= nth <= of".into()),
        };
        if found.len() != of {
            let lines: Vec<String> = found
                .iter()
                .map(|&node| source.line(node).to_string())
                .collect();
            return Err(format!(
                "expected {of} match(es) of {}, found {}{}{}",
                self.describe(callee, text),
                found.len(),
                if lines.is_empty() { "" } else { " at line " },
                lines.join(", ")
            ));
        }
        Ok(found[nth - 1])
    }

    fn matches(
        &self,
        source: &Source,
        node: Node,
        callee: Option<&str>,
        text: Option<&str>,
    ) -> bool {
        if node.kind() != self.node || node.has_error() {
            return false;
        }
        let operator = node.child_by_field_name("operator").map(|n| source.of(n));
        let scope = match node.kind() {
            "if_statement" => node.child_by_field_name("condition").unwrap_or(node),
            _ => node,
        };
        let calls = |name: &str| match node.kind() {
            "call_expression" => is_call(source, node, name),
            "expression_statement" => node
                .named_child(0)
                .is_some_and(|call| is_call(source, call, name)),
            _ => descendants(scope).any(|call| is_call(source, call, name)),
        };
        let names = |name: &String| {
            descendants(scope).any(|n| {
                matches!(n.kind(), "identifier" | "field_identifier") && source.of(n) == name
            })
        };
        self.operator.as_deref().is_none_or(|o| operator == Some(o))
            && callee.is_none_or(calls)
            && self.has.iter().all(names)
            && text.is_none_or(|t| source.of(node) == t)
    }

    fn describe(&self, callee: Option<&str>, text: Option<&str>) -> String {
        let mut out = self.node.clone();
        for (what, value) in [
            ("operator", self.operator.as_deref()),
            ("callee", callee),
            ("text", text),
        ] {
            if let Some(value) = value {
                out.push_str(&format!(" {what} `{value}`"));
            }
        }
        for name in &self.has {
            out.push_str(&format!(" with `{name}`"));
        }
        out
    }
}

/// A condition as it is for this kernel, if there is one.
fn here<'a, T>(value: &'a Option<PerKernel<T>>, kernel: &str) -> Result<Option<&'a T>, String> {
    value.as_ref().map(|value| value.get(kernel)).transpose()
}

fn is_call(source: &Source, node: Node, name: &str) -> bool {
    node.kind() == "call_expression"
        && node
            .child_by_field_name("function")
            .is_some_and(|f| source.of(f) == name)
}

/// The definition of a function; `definition` (from 1) says which when there
/// are several.
pub(crate) fn function<'t>(
    source: &'t Source<'_>,
    name: &str,
    definition: Option<usize>,
) -> Result<Node<'t>, String> {
    let places: Vec<usize> = source.text.match_indices(name).map(|(at, _)| at).collect();
    let has_name = |node: Node<'t>| {
        let next = places.partition_point(|&at| at < node.start_byte());
        places.get(next).is_some_and(|&at| at < node.end_byte())
    };
    let found: Vec<Node> = descendants_of(source.root(), has_name)
        .filter(|&node| {
            node.kind() == "function_definition"
                && declared(node).is_some_and(|id| source.of(id) == name)
        })
        .collect();
    match (found.as_slice(), definition) {
        ([], _) => Err(format!("has no function {name}")),
        ([one], None) => Ok(*one),
        (many, None) => Err(format!("{} definitions of {name}, expected 1", many.len())),
        (many, Some(nth)) => many
            .get(nth.wrapping_sub(1))
            .copied()
            .ok_or_else(|| format!("{} definitions of {name}, no number {nth}", many.len())),
    }
}

/// The name that a function definition declares.
pub(crate) fn declared(function: Node) -> Option<Node> {
    let mut node = function.child_by_field_name("declarator")?;
    while node.kind() != "identifier" {
        node = node.child_by_field_name("declarator")?;
    }
    Some(node)
}
