// SPDX-License-Identifier: GPL-2.0
//! Puts alternatives beside the code that edits are for.
//!
//! Only the places of edits change; all else stays as it is, line by line, so
//! that what the compiler or a panic says of the copy leads to the original.

use std::ops::Range;

use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Stmt};

use super::list::{Change, Edit};
use super::syntax;

/// An edit, and the fault that it is of.
#[derive(Debug)]
pub struct Planted<'a> {
    /// The fault's number at run time.
    pub number: usize,
    /// Its name.
    pub fault: &'a str,
    /// The edit.
    pub edit: &'a Edit,
}

/// A source file with all edits made; or what is wrong with which of them.
pub fn rewrite(text: &str, planted: &[Planted]) -> Result<String, Vec<String>> {
    if planted.is_empty() {
        return Ok(text.into());
    }
    let file = syn::parse_file(text).map_err(|e| vec![e.to_string()])?;
    let (mut splices, mut errors) = (Vec::new(), Vec::new());
    for one in planted {
        match splice(&file, one) {
            Ok(splice) => splices.push(splice),
            Err(what) => errors.push(format!("fault {}: {what}", one.fault)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    // what is around comes before what is in it
    splices.sort_by_key(|splice| (splice.range.start, std::cmp::Reverse(splice.range.end)));
    let mut out = String::with_capacity(2 * text.len());
    render(text, 0..text.len(), &splices, &mut out);
    Ok(out)
}

/// What is to become of a piece of text.
struct Splice {
    range: Range<usize>,
    number: usize,
    kind: Kind,
    /// In one line.
    code: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An expression within another one, or within a statement.
    Expression,
    /// A statement of a block, or the value at its end.
    Statement,
    /// Before a statement.
    Before,
}

/// What an edit is for.
enum Anchor {
    Expression(String),
    Statement(String),
}

impl Anchor {
    fn parse(at: &str) -> Result<Self, String> {
        if let Ok(expression) = syntax::expression(at) {
            return match expression {
                Expr::Let(_) => Err("a `let` without its statement cannot be edited".into()),
                other => Ok(Self::Expression(syntax::canonical(&other))),
            };
        }
        match syntax::statements(at) {
            Ok(all) if all.len() == 1 => Ok(Self::Statement(syntax::canonical(&all[0]))),
            Ok(all) => Err(format!("`at` is {} statements, not one", all.len())),
            Err(e) => Err(format!(
                "`at` is neither an expression nor a statement: {e}"
            )),
        }
    }
}

fn splice(file: &syn::File, planted: &Planted) -> Result<Splice, String> {
    let Edit {
        function,
        at,
        change,
        ..
    } = planted.edit;
    let bodies = syntax::bodies(file, function);
    let [body] = bodies[..] else {
        return Err(format!("{} functions {function}, expected 1", bodies.len()));
    };
    let places = Places::of(body, Anchor::parse(at)?);
    let [place] = &places[..] else {
        let lines: Vec<String> = places.iter().map(|p| format!(" {}", p.line)).collect();
        let lines = match lines.len() {
            0 => String::new(),
            _ => format!(", on lines{}", lines.join(",")),
        };
        let times = places.len();
        return Err(format!(
            "{function} has `{at}` {times} times, expected once{lines}"
        ));
    };
    let (kind, code) = match change {
        Change::Insert(_) if place.kind != Kind::Statement => {
            return Err("`insert` wants a statement".into());
        }
        Change::Insert(code) => (Kind::Before, statements(code)?),
        Change::With(_) if place.is_let => {
            return Err("a `let` cannot be replaced: edit its value".into());
        }
        Change::With(code) if place.kind == Kind::Statement => (Kind::Statement, statements(code)?),
        Change::With(code) => {
            let code = syntax::expression(code).map_err(|e| format!("`with`: {e}"))?;
            (Kind::Expression, one_line(code))
        }
    };
    Ok(Splice {
        range: place.range.clone(),
        number: planted.number,
        kind,
        code,
    })
}

fn statements(code: &str) -> Result<String, String> {
    let code = syntax::statements(code).map_err(|e| format!("`{code}`: {e}"))?;
    Ok(one_line(quote!(#(#code)*)))
}

fn one_line(code: impl ToTokens) -> String {
    code.to_token_stream().to_string().replace('\n', " ")
}

/// A place that an anchor matches.
struct Place {
    range: Range<usize>,
    line: usize,
    kind: Kind,
    is_let: bool,
}

/// The places of a function that an anchor matches.
struct Places {
    anchor: Anchor,
    found: Vec<Place>,
}

impl Places {
    fn of(body: &Block, anchor: Anchor) -> Vec<Place> {
        let found = Vec::new();
        let mut places = Self { anchor, found };
        places.visit_block(body);
        places.found
    }

    fn add(&mut self, node: &impl Spanned, kind: Kind, is_let: bool) {
        self.found.push(Place {
            range: syntax::range(node),
            line: syntax::line(node),
            kind,
            is_let,
        });
    }

    fn is_expression(&self, node: &Expr) -> bool {
        matches!(&self.anchor, Anchor::Expression(text) if *text == syntax::canonical(node))
    }
}

impl<'a> Visit<'a> for Places {
    fn visit_stmt(&mut self, node: &'a Stmt) {
        match (&self.anchor, node) {
            (Anchor::Statement(text), _) if *text == syntax::canonical(node) => {
                self.add(node, Kind::Statement, matches!(node, Stmt::Local(_)));
            }
            (_, Stmt::Expr(expression, None)) if self.is_expression(expression) => {
                self.add(node, Kind::Statement, false);
                // seen: on to what is in it
                visit::visit_expr(self, expression);
                return;
            }
            _ => {}
        }
        visit::visit_stmt(self, node);
    }

    fn visit_expr(&mut self, node: &'a Expr) {
        if self.is_expression(node) {
            self.add(node, Kind::Expression, false);
        }
        visit::visit_expr(self, node);
    }
}

/// Appends a range of the text, with the splices that lie within it.
fn render(text: &str, range: Range<usize>, mut splices: &[Splice], out: &mut String) {
    let mut at = range.start;
    while let Some(first) = splices.first() {
        let place = first.range.clone();
        let same = splices.partition_point(|s| s.range == place);
        let within = splices.partition_point(|s| s.range.start < place.end);
        out.push_str(&text[at..place.start]);
        alternatives(text, &splices[..same], &splices[same..within], out);
        at = place.end;
        splices = &splices[within..];
    }
    out.push_str(&text[at..range.end]);
}

/// Appends one place: each fault's code under its condition, then the original
/// with whatever is edited `within` it.
fn alternatives(text: &str, same: &[Splice], within: &[Splice], out: &mut String) {
    let guarded = |s: &Splice| format!("if crate::fault::is({}) {{ {} }} ", s.number, s.code);
    let place = same[0].range.clone();
    let (before, instead): (Vec<_>, Vec<_>) = same.iter().partition(|s| s.kind == Kind::Before);
    before.into_iter().for_each(|s| out.push_str(&guarded(s)));
    let in_parentheses = instead.first().is_some_and(|s| s.kind == Kind::Expression);
    if in_parentheses {
        out.push('(');
    }
    for s in &instead {
        out.push_str(&guarded(s));
        out.push_str("else ");
    }
    if instead.is_empty() {
        render(text, place, within, out);
    } else {
        out.push_str("{ ");
        render(text, place, within, out);
        out.push_str(" }");
    }
    if in_parentheses {
        out.push(')');
    }
}
