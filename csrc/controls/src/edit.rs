// SPDX-License-Identifier: GPL-2.0
//! The closed set of operations that a control may do at its place.
//!
//! What an operation needs of the kernel's text it takes from the tree; the
//! text in the declarations is our own.

use serde::Deserialize;
use tree_sitter::Node;

use crate::PerKernel;
use crate::syntax::{Source, Splice, descendants, expect, field};

/// Where a control works.
pub(crate) struct Place<'t, 'a> {
    pub(crate) source: &'t Source<'a>,
    pub(crate) function: Option<Node<'t>>,
    pub(crate) node: Option<Node<'t>>,
    pub(crate) kernel: &'t str,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Left,
    Right,
}

/// What to do with the selected node.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// Another operator in an expression.
    ReplaceOperator { with: String },
    /// Another function called.
    ReplaceCallee { with: PerKernel<String> },
    /// Another argument; `index` from 1.
    ReplaceArgument {
        index: PerKernel<usize>,
        with: PerKernel<String>,
    },
    /// Another name.
    ReplaceIdentifier { with: PerKernel<String> },
    /// Another number.
    ReplaceNumber { with: String },
    /// Another name wherever a name is used within an expression.
    ReplaceEvery { name: String, with: String },
    /// Our own expression in place of one.
    ReplaceExpression { with: String },
    /// One operand in place of a binary expression.
    KeepOperand { side: Side },
    /// The operands of a binary expression exchanged.
    SwapOperands,
    /// `!(!a || !b)` in place of `a && b`, and the reverse: the same behaviour.
    DeMorgan,
    /// The first argument in place of a call.
    UnwrapCall,
    /// `x` in place of `!x`.
    DropNot,
    /// `x` in place of `(type)x`.
    DropCast,
    /// The condition of an `if` negated.
    NegateCondition,
    /// An `if` without `else` becomes its body.
    DropCondition,
    /// An `if` loses its `else`.
    DeleteElse,
    /// Condition negated and branches exchanged: the same behaviour.
    InvertBranches,
    /// What an `else` holds follows an `if` whose body ends with a jump: the
    /// same behaviour.
    DropElseAfterJump,
    /// A statement removed.
    DeleteStatement,
    /// A statement exchanged with the one after it.
    SwapWithNext,
    /// Our own code as a statement before.
    InsertBefore { code: PerKernel<String> },
    /// The statement becomes a new static function that is called instead.
    ExtractStatement {
        name: String,
        params: String,
        args: String,
    },
    /// An expression is first put into a new variable.
    IntroduceLocal {
        #[serde(rename = "type")]
        type_name: String,
        name: String,
    },
    /// The function gets another name, throughout the file.
    Rename { to: String },
    /// Our own lines at the top of the file.
    PrependLines { lines: Vec<String> },
}

impl Action {
    /// The replacements that carry the operation out.
    pub(crate) fn splices(&self, place: &Place) -> Result<Vec<Splice>, String> {
        match self {
            Action::Rename { to } => return rename(place, to),
            Action::PrependLines { lines } => return Ok(vec![(0..0, lines.join("\n") + "\n")]),
            _ => {}
        }
        let source = place.source;
        let text = |node: Node| source.of(node).to_owned();
        let node = place.node.ok_or("the operation needs `at`")?;
        let one = |node: Node, text: String| Ok(vec![(node.byte_range(), text)]);

        match self {
            Action::ReplaceOperator { with } => one(field(node, "operator")?, with.clone()),
            Action::ReplaceCallee { with } => one(
                field(expect(node, &["call_expression"])?, "function")?,
                with.get(place.kernel)?.clone(),
            ),
            Action::ReplaceArgument { index, with } => {
                let with = with.get(place.kernel)?.clone();
                one(argument(node, *index.get(place.kernel)?)?, with)
            }
            Action::ReplaceIdentifier { with } => one(
                expect(node, &["identifier"])?,
                with.get(place.kernel)?.clone(),
            ),
            Action::ReplaceNumber { with } => one(expect(node, &["number_literal"])?, with.clone()),
            Action::ReplaceEvery { name, with } => {
                let uses: Vec<Splice> = descendants(expression(node)?)
                    .filter(|n| n.kind() == "identifier" && source.of(*n) == name)
                    .map(|n| (n.byte_range(), with.clone()))
                    .collect();
                if uses.is_empty() {
                    return Err(format!("{name} is not used there"));
                }
                Ok(uses)
            }
            Action::ReplaceExpression { with } => one(expression(node)?, with.clone()),
            Action::KeepOperand { side } => {
                expect(node, &["binary_expression"])?;
                let side = match side {
                    Side::Left => "left",
                    Side::Right => "right",
                };
                one(node, text(field(node, side)?))
            }
            Action::SwapOperands => {
                expect(node, &["binary_expression"])?;
                exchange(source, field(node, "left")?, field(node, "right")?)
            }
            Action::DeMorgan => one(node, de_morgan(source, node)?),
            Action::UnwrapCall => {
                let inner = text(argument(node, 1)?);
                let bare = node
                    .parent()
                    .is_some_and(|p| p.kind() == "parenthesized_expression");
                one(node, if bare { inner } else { format!("({inner})") })
            }
            Action::DropNot => one(node, text(negated(source, node)?)),
            Action::DropCast => {
                let value = field(expect(node, &["cast_expression"])?, "value")?;
                one(node, text(value))
            }
            Action::NegateCondition => {
                let condition = field(expect(node, &["if_statement"])?, "condition")?;
                one(condition, negate(source, condition))
            }
            Action::DropCondition => {
                expect(node, &["if_statement"])?;
                if node.child_by_field_name("alternative").is_some() {
                    return Err("the if has an else".into());
                }
                one(node, text(field(node, "consequence")?))
            }
            Action::DeleteElse => {
                let kept = field(expect(node, &["if_statement"])?, "consequence")?;
                let gone = field(node, "alternative")?;
                Ok(vec![(kept.end_byte()..gone.end_byte(), String::new())])
            }
            Action::InvertBranches => invert(source, node),
            Action::DropElseAfterJump => {
                let first = field(expect(node, &["if_statement"])?, "consequence")?;
                let other = field(node, "alternative")?;
                if !in_block(node) || !jumps(first) {
                    return Err("the if is not in a block, or its body does not leave it".into());
                }
                one(other, text(other.named_child(0).ok_or("an empty else")?))
            }
            Action::DeleteStatement => {
                statement(node)?;
                match source.own_lines(node) {
                    Some(lines) if in_block(node) => Ok(vec![(lines, String::new())]),
                    _ => one(node, ";".into()),
                }
            }
            Action::SwapWithNext => {
                statement(node)?;
                let next = following(node).ok_or("no statement follows")?;
                exchange(source, node, statement(next)?)
            }
            Action::InsertBefore { code } => {
                let start = block_start(source, node)?;
                let (indent, code) = (source.indent(node), code.get(place.kernel)?);
                Ok(vec![(start..start, format!("{indent}{code}\n"))])
            }
            Action::ExtractStatement { name, params, args } => {
                statement(node)?;
                unused(source, name)?;
                let function = place.function.ok_or("no function")?;
                let start = source.line_start(function);
                let indent = source.indent(node);
                let moved = format!(
                    "static void {name}({params})\n{{\n{indent}{}\n}}\n\n",
                    text(node)
                );
                Ok(vec![
                    (start..start, moved),
                    (node.byte_range(), format!("{name}({args});")),
                ])
            }
            Action::IntroduceLocal { type_name, name } => {
                let mut user = node;
                while !is_statement(user) {
                    user = user.parent().ok_or("not inside a statement")?;
                }
                let start = block_start(source, user)?;
                let indent = source.indent(user);
                let value = text(node);
                Ok(vec![
                    (
                        start..start,
                        format!("{indent}{type_name} {name} = {value};\n"),
                    ),
                    (node.byte_range(), name.clone()),
                ])
            }
            Action::Rename { .. } | Action::PrependLines { .. } => unreachable!("done above"),
        }
    }
}

/// The nth argument of a call, from 1.
fn argument(node: Node, index: usize) -> Result<Node, String> {
    let arguments = field(expect(node, &["call_expression"])?, "arguments")?;
    let all: Vec<Node> = (0..arguments.named_child_count())
        .filter_map(|i| arguments.named_child(i as u32))
        .filter(|n| n.kind() != "comment")
        .collect();
    all.get(index.wrapping_sub(1))
        .copied()
        .ok_or_else(|| format!("a call with {} arguments, no number {index}", all.len()))
}

/// What a `!` is applied to.
fn negated<'t>(source: &Source, node: Node<'t>) -> Result<Node<'t>, String> {
    expect(node, &["unary_expression"])?;
    match source.of(field(node, "operator")?) {
        "!" => field(node, "argument"),
        other => Err(format!("operator {other}, expected !")),
    }
}

/// The opposite of a condition with its parentheses.
fn negate(source: &Source, condition: Node) -> String {
    let inner = condition.named_child(0);
    match inner.and_then(|inner| negated(source, inner).ok()) {
        Some(argument) => format!("({})", source.of(argument)),
        None => format!("(!{})", source.of(condition)),
    }
}

fn invert(source: &Source, node: Node) -> Result<Vec<Splice>, String> {
    let condition = field(expect(node, &["if_statement"])?, "condition")?;
    let yes = field(node, "consequence")?;
    let no = field(node, "alternative")?;
    let no = no.named_child(0).ok_or("an empty else")?;
    if no.kind() == "if_statement" {
        return Err("an else if cannot become the first branch".into());
    }
    let mut splices = exchange(source, yes, no)?;
    splices.push((condition.byte_range(), negate(source, condition)));
    Ok(splices)
}

/// The same condition with the other operator.
fn de_morgan(source: &Source, node: Node) -> Result<String, String> {
    expect(node, &["binary_expression"])?;
    let other = match source.of(field(node, "operator")?) {
        "&&" => "||",
        "||" => "&&",
        operator => return Err(format!("operator {operator}, expected && or ||")),
    };
    let side = |name| field(node, name).map(|n| source.of(n));
    Ok(format!(
        "!(!({}) {other} !({}))",
        side("left")?,
        side("right")?
    ))
}

/// Does control never come out at the end of a statement?
fn jumps(node: Node) -> bool {
    match node.kind() {
        "return_statement" | "goto_statement" | "break_statement" | "continue_statement" => true,
        "compound_statement" => (0..node.named_child_count())
            .rev()
            .filter_map(|i| node.named_child(i as u32))
            .find(|n| n.kind() != "comment")
            .is_some_and(jumps),
        _ => false,
    }
}

fn exchange(source: &Source, a: Node, b: Node) -> Result<Vec<Splice>, String> {
    Ok(vec![
        (a.byte_range(), source.of(b).to_owned()),
        (b.byte_range(), source.of(a).to_owned()),
    ])
}

fn is_statement(node: Node) -> bool {
    node.kind().ends_with("_statement")
}

fn statement(node: Node) -> Result<Node, String> {
    if is_statement(node) {
        Ok(node)
    } else {
        Err(format!(
            "the operation wants a statement, not {}",
            node.kind()
        ))
    }
}

fn expression(node: Node) -> Result<Node, String> {
    match node.kind() {
        "identifier" | "number_literal" => Ok(node),
        "true" | "false" => Ok(node),
        kind if kind.ends_with("_expression") => Ok(node),
        kind => Err(format!("the operation wants an expression, not {kind}")),
    }
}

/// Is a statement one of several, as opposed to the sole body of an `if`?
fn in_block(node: Node) -> bool {
    node.parent()
        .is_some_and(|p| p.kind() == "compound_statement")
}

/// Where a statement of a block starts, with its indentation.
fn block_start(source: &Source, node: Node) -> Result<usize, String> {
    statement(node)?;
    if in_block(node) && source.own_lines(node).is_some() {
        Ok(source.line_start(node))
    } else {
        Err("the statement is not on lines of its own in a block".into())
    }
}

fn following(node: Node) -> Option<Node> {
    let mut next = node.next_named_sibling()?;
    while next.kind() == "comment" {
        next = next.next_named_sibling()?;
    }
    Some(next)
}

fn rename(place: &Place, to: &str) -> Result<Vec<Splice>, String> {
    let source = place.source;
    let function = place.function.ok_or("rename needs `function`")?;
    let mut declarator = function;
    while declarator.kind() != "identifier" {
        declarator = field(declarator, "declarator")?;
    }
    unused(source, to)?;
    Ok(words(source, source.of(declarator))
        .map(|at| (at, to.to_owned()))
        .collect())
}

fn unused(source: &Source, name: &str) -> Result<(), String> {
    match words(source, name).next() {
        Some(_) => Err(format!("the name {name} is taken")),
        None => Ok(()),
    }
}

/// Uses of a name outside comments and strings, bodies of macros included.
fn words<'t>(
    source: &'t Source<'_>,
    name: &'t str,
) -> impl Iterator<Item = std::ops::Range<usize>> + 't {
    let part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let hidden: Vec<_> = descendants(source.root())
        .filter(|n| matches!(n.kind(), "comment" | "string_literal"))
        .map(|n| n.byte_range())
        .collect();
    source
        .text
        .match_indices(name)
        .map(|(at, _)| at..at + name.len())
        .filter(move |r| {
            !source.text[..r.start].ends_with(part)
                && !source.text[r.end..].starts_with(part)
                && !hidden.iter().any(|h| h.contains(&r.start))
        })
}
