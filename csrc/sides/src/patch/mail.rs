// SPDX-License-Identifier: GPL-2.0
//! Mails with patches in them: an mbox, one mail, or what `git format-patch`
//! writes.

use std::path::Path;

use mailparse::{MailHeaderMap, ParsedMail, body::Body};

use super::subject::Subject;
use super::unified::lines;
use super::{Error, Part, place};

/// One mail, or one diff that came without a mail.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub subject: Option<Subject>,
    pub parts: Vec<Part>,
}

/// How deep mails may be attached to mails.
const DEPTH: usize = 3;

/// Is the text an mbox or a mail?
pub(super) fn is_mail(text: &[u8]) -> bool {
    is_from_line(text) || has_mail_header(text)
}

/// The mails of a text, with the diffs in them.  `line` is that of its first
/// line in `from`, 0 when it has none of its own.
pub(super) fn letters(text: &[u8], from: &Path, line: usize) -> Result<Vec<Letter>, Error> {
    nested(text, from, line, DEPTH)
}

fn nested(text: &[u8], from: &Path, line: usize, depth: usize) -> Result<Vec<Letter>, Error> {
    let mut letters = Vec::new();
    let mails = split(text);
    let alone = mails.len() == 1;
    for (offset, mail) in mails {
        let line = if line == 0 { 0 } else { line + offset };
        let at = || place(from, line, 1);
        let parsed = mailparse::parse_mail(mail).map_err(|e| Error::Mail {
            at: at(),
            why: e.to_string(),
        })?;
        let subject = parsed
            .headers
            .get_first_value("Subject")
            .map(|text| Subject::parse(&text));
        let title = subject
            .as_ref()
            .map(|s| s.title.clone())
            .filter(|title| !title.is_empty());
        let mut texts = Vec::new();
        collect(&parsed, mail, &mut texts).map_err(|why| Error::Mail { at: at(), why })?;
        let (mut parts, mut attached) = (Vec::new(), Vec::new());
        for text in texts {
            let line = if line == 0 || text.line == 0 {
                0
            } else {
                line + text.line - 1
            };
            if depth > 0 && text.attached && is_mail(&text.bytes) {
                attached.extend(nested(&text.bytes, from, line, depth - 1)?);
            } else {
                match Part::new(title.clone(), from, &text.bytes, line) {
                    // an answer may quote half a diff
                    Err(_) if !alone && subject.as_ref().is_some_and(|s| s.reply) => {}
                    part => parts.extend(part?),
                }
            }
        }
        letters.push(Letter { subject, parts });
        letters.append(&mut attached);
    }
    Ok(letters)
}

/// The mails of an mbox, each with the number of lines before it.
fn split(text: &[u8]) -> Vec<(usize, &[u8])> {
    if !is_from_line(text) {
        // one mail; such lines in it are those of attached mails
        return vec![(0, text)];
    }
    let mut starts = Vec::new();
    let mut byte = 0;
    for (number, line) in lines(text).enumerate() {
        if is_from_line(line) {
            // the line itself is no header
            starts.push((number + 1, byte, byte + line.len()));
        }
        byte += line.len();
    }
    let ends = starts
        .iter()
        .skip(1)
        .map(|&(_, from, _)| from)
        .chain([text.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&(number, _, start), end)| (number, &text[start..end]))
        .collect()
}

/// `From somebody Mon Sep 17 00:00:00 2001`: with a time and a year, as git
/// wants it, since a sentence may start with the word too.
fn is_from_line(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"From ") else {
        return false;
    };
    let line = lines(rest).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let mut words = line.split_whitespace();
    let time =
        |word: &str| word.contains(':') && word.split(':').all(|n| n.len() == 2 && digits(n));
    words.any(time) && words.any(|word| word.len() == 4 && digits(word))
}

/// Header lines up to a blank one, `From:` or `Subject:` among them.
fn has_mail_header(text: &[u8]) -> bool {
    let mut known = false;
    for (number, line) in lines(text).enumerate() {
        let line = String::from_utf8_lossy(line);
        if line.trim().is_empty() {
            return known;
        }
        if number > 0 && line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else {
            return false;
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return false;
        }
        known |= name.eq_ignore_ascii_case("From") || name.eq_ignore_ascii_case("Subject");
    }
    false
}

/// A decoded body.
struct Text {
    bytes: Vec<u8>,
    /// Its first line in the mail, 0 when decoding has changed the lines.
    line: usize,
    /// Not the mail's own body.
    attached: bool,
}

fn collect(part: &ParsedMail<'_>, mail: &[u8], out: &mut Vec<Text>) -> Result<(), String> {
    for inner in &part.subparts {
        collect(inner, mail, out)?;
    }
    let kind = part.ctype.mimetype.as_str();
    if !part.subparts.is_empty() || kind == "text/html" || kind.starts_with("image/") {
        return Ok(());
    }
    let flowed = part
        .ctype
        .params
        .get("format")
        .is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
    let delsp = part
        .ctype
        .params
        .get("delsp")
        .is_some_and(|d| d.eq_ignore_ascii_case("yes"));
    let (mut bytes, mut line) = match part.get_body_encoded() {
        Body::Base64(body) | Body::QuotedPrintable(body) => {
            (body.get_decoded().map_err(|e| e.to_string())?, 0)
        }
        Body::SevenBit(body) | Body::EightBit(body) => {
            (body.get_raw().to_vec(), line_of(body.get_raw(), mail))
        }
        Body::Binary(body) => (body.get_raw().to_vec(), line_of(body.get_raw(), mail)),
    };
    if flowed {
        (bytes, line) = (unflow(&bytes, delsp), 0);
    }
    if !bytes.contains(&0) {
        out.push(Text {
            bytes,
            line,
            attached: out.iter().any(|t| !t.bytes.is_empty()) || kind == "message/rfc822",
        });
    }
    Ok(())
}

/// The line of `mail` at which `body`, a part of it, starts.
fn line_of(body: &[u8], mail: &[u8]) -> usize {
    let offset = (body.as_ptr() as usize).wrapping_sub(mail.as_ptr() as usize);
    mail.get(..offset).map_or(0, |before| {
        before.iter().filter(|&&b| b == b'\n').count() + 1
    })
}

/// Undoes format=flowed (RFC 3676): a blank that was put before a line, and
/// breaks that were put into one.
fn unflow(text: &[u8], delsp: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    // the last line goes on in the next one
    let mut open = false;
    for line in lines(text) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let signature = line == b"-- ";
        if signature && open {
            out.push(b'\n');
        }
        let line = line.strip_prefix(b" ").unwrap_or(line);
        // an empty context line is a blank, and no break
        open = !signature && line.ends_with(b" ") && line != b" ";
        let keep = if open && delsp {
            line.len() - 1
        } else {
            line.len()
        };
        out.extend_from_slice(&line[..keep]);
        if !open {
            out.push(b'\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_from_line_has_a_date() {
        assert!(is_from_line(b"From 0123abcd Mon Sep 17 00:00:00 2001\nx"));
        assert!(is_from_line(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"));
        assert!(is_from_line(
            b"From a@b.example Sat Nov 28 10:00 2026 +0000\n"
        ));
        assert!(!is_from_line(b"From here on it is 12:30 o'clock\n"));
        assert!(!is_from_line(b"From: a@b.example\n"));
    }

    #[test]
    fn flowed_lines_are_joined() {
        assert_eq!(
            unflow(b"one \ntwo\n  x\n \n-- \nme\n", false),
            b"one two\n x\n\n-- \nme\n"
        );
        assert_eq!(unflow(b"one \r\ntwo\r\n", true), b"onetwo\n");
        assert_eq!(unflow(b"open \n-- \nme\n", false), b"open \n-- \nme\n");
        // a context line without text, with the blank that was put before it
        assert_eq!(unflow(b"  a\n  \n  b\n", false), b" a\n \n b\n");
    }
}
