// SPDX-License-Identifier: GPL-2.0
//! The few things asked of parsed Rust.

use std::ops::Range;

use anyhow::{Context, Result};
use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Ident, Stmt};

/// Where a node is in the text that it was parsed from.
pub fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

/// The line on which a node starts.
pub fn line(node: &impl Spanned) -> usize {
    node.span().start().line
}

/// A node's tokens in one line, whatever its layout: comments do not count, nor
/// do the commas behind the last of several things.
pub fn canonical(node: &impl ToTokens) -> String {
    let mut text = String::new();
    append(node.to_token_stream(), &mut text);
    text
}

fn append(tokens: TokenStream, text: &mut String) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let bare = TokenTree::Group(proc_macro2::Group::new(
                    group.delimiter(),
                    TokenStream::new(),
                ));
                let brackets = bare.to_string();
                let (open, close) = brackets.split_at(brackets.len() / 2);
                text.push_str(open.trim());
                text.push(' ');
                append(group.stream(), text);
                text.push_str(close.trim());
                text.push(' ');
            }
            TokenTree::Punct(punct) => {
                if punct.as_char() == ',' && tokens.peek().is_none() {
                    continue;
                }
                text.push(punct.as_char());
                if punct.spacing() == Spacing::Alone {
                    text.push(' ');
                }
            }
            other => {
                text.push_str(&other.to_string());
                text.push(' ');
            }
        }
    }
}

/// Statements as they stand in a block.
pub fn statements(text: &str) -> syn::Result<Vec<Stmt>> {
    Block::parse_within.parse_str(text)
}

/// An expression alone.
pub fn expression(text: &str) -> syn::Result<Expr> {
    syn::parse_str(text)
}

/// The bodies of all functions of a name, those of tests left out.
pub fn bodies<'a>(file: &'a syn::File, name: &'a str) -> Vec<&'a Block> {
    let mut found = Bodies {
        name,
        blocks: Vec::new(),
    };
    found.visit_file(file);
    found.blocks
}

struct Bodies<'a> {
    name: &'a str,
    blocks: Vec<&'a Block>,
}

impl<'a> Bodies<'a> {
    fn add(&mut self, ident: &Ident, block: &'a Block) {
        if ident == self.name {
            self.blocks.push(block);
        }
    }
}

impl<'a> Visit<'a> for Bodies<'a> {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.add(&function.sig.ident, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.add(&function.sig.ident, &function.block);
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !module.attrs.iter().any(|attr| attr.path().is_ident("cfg")) {
            visit::visit_item_mod(self, module);
        }
    }
}

/// The names of an enum's variants.
pub fn variants(text: &str, name: &str) -> Result<Vec<String>> {
    let file = syn::parse_file(text)?;
    let items = file.items.iter();
    let mut enums = items.filter_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => Some(item),
        _ => None,
    });
    let found = enums.next().with_context(|| format!("no enum {name}"))?;
    Ok(found.variants.iter().map(|v| v.ident.to_string()).collect())
}

/// The text without the attributes and documentation of the file itself; lines
/// keep their numbers.
pub fn without_inner_attributes(text: &str) -> Result<String> {
    let file = syn::parse_file(text)?;
    let end = file.attrs.iter().map(|attr| range(attr).end).max();
    let (gone, rest) = text.split_at(end.unwrap_or(0));
    Ok("\n".repeat(gone.matches('\n').count()) + rest)
}
