// SPDX-License-Identifier: GPL-2.0
//! One line of a text, read word by word.

use super::error::{ParseError, quote};

/// A place within a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    text: &'a str,
    number: usize,
    at: usize,
}

/// A piece of a line and where it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    /// Byte offset within the line.
    pub at: usize,
}

impl<'a> Word<'a> {
    /// The part after the first `n` bytes.
    pub fn from(self, n: usize) -> Word<'a> {
        Word {
            text: &self.text[n..],
            at: self.at + n,
        }
    }

    /// The part before byte `n`.
    pub fn to(self, n: usize) -> Word<'a> {
        Word {
            text: &self.text[..n],
            at: self.at,
        }
    }

    /// Both sides of the first `separator`.
    pub fn split_once(self, separator: &str) -> Option<(Word<'a>, Word<'a>)> {
        let n = self.text.find(separator)?;
        Some((self.to(n), self.from(n + separator.len())))
    }

    /// Without blanks at either end.
    pub fn trim(self) -> Word<'a> {
        let start = self.text.trim_start();
        let at = self.at + self.text.len() - start.len();
        let text = start.trim_end();
        Word { text, at }
    }
}

impl<'a> Scan<'a> {
    /// The start of line `number`.
    pub fn new(text: &'a str, number: usize) -> Scan<'a> {
        Scan {
            text,
            number,
            at: 0,
        }
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> usize {
        self.number
    }

    /// The rest of the line up to a comment, without blanks at the ends.
    fn skip_blanks(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let next = rest.trim_start();
        self.at += rest.len() - next.len();
        let first = self.text[..self.at].trim().is_empty();
        // `#1` is the number of a time at a hook point, so it starts no comment after a
        // word
        let is_comment = |after: &str| first || !after.starts_with(|c: char| c.is_ascii_digit());
        if next.strip_prefix('#').is_some_and(is_comment) {
            self.at = self.text.len();
        }
        &self.text[self.at..]
    }

    /// The rest of the line, up to a comment.
    pub fn rest(&self) -> &'a str {
        let mut ahead = *self;
        let rest = ahead.skip_blanks();
        // a comment starts after a blank
        let comment = rest
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|&at| rest[..at].ends_with(char::is_whitespace));
        &rest[..comment.unwrap_or(rest.len())]
    }

    /// Skips the bar that an action starts with, if there is one.
    pub fn bar(&mut self) -> Option<Word<'a>> {
        let rest = self.skip_blanks();
        let bar = Word {
            text: rest.get(..1).filter(|bar| *bar == "|")?,
            at: self.at,
        };
        self.at += 1;
        Some(bar)
    }

    /// The text before the next `:`, to be read on its own.
    pub fn clause(&mut self) -> Result<Scan<'a>, ParseError> {
        let (mut ahead, mut end) = (*self, self.at);
        while let Some(word) = ahead.word() {
            end = ahead.at;
            if let Some(colon) = word.text.find(':') {
                let inside = Scan {
                    text: &self.text[..word.at + colon],
                    ..*self
                };
                self.at = word.at + colon + 1;
                return Ok(inside);
            }
        }
        let message = "expected `:` and an action after the hook point";
        Err(self.error_at(end, message))
    }

    /// Whether a list follows.
    pub fn at_list(&mut self) -> bool {
        self.skip_blanks().starts_with('[')
    }

    /// The next word, up to a blank.
    pub fn word(&mut self) -> Option<Word<'a>> {
        let rest = self.skip_blanks();
        if rest.is_empty() {
            return None;
        }
        let len = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let word = Word {
            text: &rest[..len],
            at: self.at,
        };
        self.at += len;
        Some(word)
    }

    /// The text between the brackets of the list that follows.
    pub fn list(&mut self) -> Result<Word<'a>, ParseError> {
        let rest = self.skip_blanks();
        let open = Word {
            text: rest,
            at: self.at,
        };
        let Some(end) = rest.find(']') else {
            return Err(self.error_at(self.text.len(), "expected `]` at the end of the list"));
        };
        self.at += end + 1;
        if !self.text[self.at..].starts_with(char::is_whitespace) && self.at < self.text.len() {
            return Err(self.error_at(self.at, "expected a blank after `]`"));
        }
        Ok(open.to(end).from(1))
    }

    /// An error at a byte offset.
    pub fn error_at(&self, at: usize, message: impl Into<String>) -> ParseError {
        ParseError {
            line: self.number,
            column: self.text[..at].chars().count() + 1,
            message: message.into(),
        }
    }

    /// An error at a word.
    pub fn error(&self, word: Word, message: impl Into<String>) -> ParseError {
        self.error_at(word.at, message)
    }

    /// An error behind the last word read.
    pub fn error_here(&mut self, message: impl Into<String>) -> ParseError {
        let end = self.text[..self.at].trim_end().len();
        self.error_at(end, message)
    }

    /// `expected X, found Y`.
    pub fn unexpected(&self, word: Word, expected: &str) -> ParseError {
        self.error(
            word,
            format!("expected {expected}, found {}", quote(word.text)),
        )
    }
}
