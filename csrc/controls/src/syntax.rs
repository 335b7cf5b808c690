// SPDX-License-Identifier: GPL-2.0
//! A parsed source file, and the few things asked of a syntax node.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;

use tree_sitter::{InputEdit, Node, Parser, Point, Tree};

/// A replacement of one range of bytes.
pub(crate) type Splice = (Range<usize>, String);

/// Source text with its syntax tree.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    tree: Tree,
}

impl<'a> Source<'a> {
    /// Parsed once for all controls: there are hundreds of them for one file.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        static TREES: Mutex<Option<HashMap<String, Tree>>> = Mutex::new(None);
        let mut trees = TREES.lock().unwrap_or_else(|e| e.into_inner());
        let trees = trees.get_or_insert_default();
        if let Some(tree) = trees.get(text) {
            let tree = tree.clone();
            return Ok(Source { text, tree });
        }
        let tree = parse(text, None)?;
        trees.insert(text.to_owned(), tree.clone());
        Ok(Source { text, tree })
    }

    /// The text with the replacements made, as a tree again; the parser goes
    /// over what has changed only.
    pub(crate) fn reparse<'b>(
        &self,
        splices: &[Splice],
        patched: &'b str,
    ) -> Result<Source<'b>, String> {
        let mut old = self.tree.clone();
        let mut splices: Vec<&Splice> = splices.iter().collect();
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        // from the end, so that the places of the others stay as they are
        for (range, new) in splices.into_iter().rev() {
            let start = self.point(range.start);
            let tail = new.rfind('\n').map_or(new.len(), |at| new.len() - at - 1);
            let rows = new.matches('\n').count();
            let column = tail + if rows == 0 { start.column } else { 0 };
            old.edit(&InputEdit {
                start_byte: range.start,
                old_end_byte: range.end,
                new_end_byte: range.start + new.len(),
                start_position: start,
                old_end_position: self.point(range.end),
                new_end_position: Point::new(start.row + rows, column),
            });
        }
        Ok(Source {
            text: patched,
            tree: parse(patched, Some(&old))?,
        })
    }

    fn point(&self, at: usize) -> Point {
        let before = &self.text[..at];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        Point::new(before.matches('\n').count(), at - line)
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    pub(crate) fn of(&self, node: Node) -> &'a str {
        &self.text[node.byte_range()]
    }

    pub(crate) fn line(&self, node: Node) -> usize {
        node.start_position().row + 1
    }

    /// How many places the grammar does not understand; kernel macros cause a
    /// few in every file.
    pub(crate) fn errors(&self) -> usize {
        descendants_of(self.root(), |n| n.has_error())
            .filter(|n| n.is_error() || n.is_missing())
            .count()
    }

    /// The white space that the node's line starts with.
    pub(crate) fn indent(&self, node: Node) -> &'a str {
        let line = &self.text[self.line_start(node)..];
        let end = line.find(|c| c != ' ' && c != '\t').unwrap_or(0);
        &line[..end]
    }

    pub(crate) fn line_start(&self, node: Node) -> usize {
        let before = &self.text[..node.start_byte()];
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    /// The whole lines of a node, if it shares them with nothing else.
    pub(crate) fn own_lines(&self, node: Node) -> Option<Range<usize>> {
        let start = self.line_start(node);
        let before = &self.text[start..node.start_byte()];
        let after = &self.text[node.end_byte()..];
        let end = after.find('\n')?;
        (before.trim().is_empty() && after[..end].trim().is_empty())
            .then(|| start..node.end_byte() + end + 1)
    }

    /// The text with the replacements made; they must not overlap.
    pub(crate) fn splice(&self, splices: &[Splice]) -> Result<String, String> {
        let mut splices: Vec<&Splice> = splices.iter().collect();
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 256);
        let mut at = 0;
        for (range, text) in splices {
            if range.start < at {
                return Err("replacements overlap".into());
            }
            out.push_str(&self.text[at..range.start]);
            out.push_str(text);
            at = range.end;
        }
        out.push_str(&self.text[at..]);
        Ok(out)
    }
}

fn parse(text: &str, old: Option<&Tree>) -> Result<Tree, String> {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_c::LANGUAGE.into())
        .map_err(|e| e.to_string())?;
    Ok(parser.parse(text, old).ok_or("cannot be parsed")?)
}

/// A node and everything below it, in source order.
pub(crate) fn descendants<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    descendants_of(node, |_| true)
}

/// A node and what is below those that are entered: most of a file need not be looked at.
pub(crate) fn descendants_of<'t>(
    node: Node<'t>,
    is_entered: impl Fn(Node<'t>) -> bool,
) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    let mut next = Some(node);
    std::iter::from_fn(move || {
        let node = next?;
        let below = is_entered(node) && cursor.goto_first_child();
        let mut more = below || cursor.goto_next_sibling();
        while !more && cursor.goto_parent() {
            more = cursor.goto_next_sibling();
        }
        next = more.then(|| cursor.node());
        Some(node)
    })
}

/// A named part of a node; every grammar change that removes one ends here.
pub(crate) fn field<'t>(node: Node<'t>, name: &str) -> Result<Node<'t>, String> {
    node.child_by_field_name(name)
        .ok_or_else(|| format!("a {} without {name}", node.kind()))
}

/// The node if it is of this kind.
pub(crate) fn expect<'t>(node: Node<'t>, kinds: &[&str]) -> Result<Node<'t>, String> {
    if kinds.contains(&node.kind()) {
        Ok(node)
    } else {
        Err(format!(
            "the operation wants {}, not {}",
            kinds.join(" or "),
            node.kind()
        ))
    }
}
