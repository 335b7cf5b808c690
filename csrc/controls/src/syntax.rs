// SPDX-License-Identifier: GPL-2.0
//! A parsed source file, and the few things asked of a syntax node.

use std::ops::Range;

use tree_sitter::{Node, Parser, Tree};

/// A replacement of one range of bytes.
pub(crate) type Splice = (Range<usize>, String);

/// Source text with its syntax tree.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    tree: Tree,
}

impl<'a> Source<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_c::LANGUAGE.into())
            .map_err(|e| e.to_string())?;
        let tree = parser.parse(text, None).ok_or("cannot be parsed")?;
        Ok(Source { text, tree })
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
        descendants(self.root())
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
    pub(crate) fn splice(&self, mut splices: Vec<Splice>) -> Result<String, String> {
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(self.text.len() + 256);
        let mut at = 0;
        for (range, text) in splices {
            if range.start < at {
                return Err("replacements overlap".into());
            }
            out.push_str(&self.text[at..range.start]);
            out.push_str(&text);
            at = range.end;
        }
        out.push_str(&self.text[at..]);
        Ok(out)
    }
}

/// A node and everything below it, in source order.
pub(crate) fn descendants<'t>(node: Node<'t>) -> impl Iterator<Item = Node<'t>> {
    let mut cursor = node.walk();
    let mut next = Some(node);
    std::iter::from_fn(move || {
        let node = next?;
        let mut more = cursor.goto_first_child() || cursor.goto_next_sibling();
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
