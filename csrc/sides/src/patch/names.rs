// SPDX-License-Identifier: GPL-2.0
//! Names of files in a diff: with or without a prefix, in quotes, with a time.

use super::unified::FileDiff;

/// A file's name as it is in the diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    text: String,
    /// Without a prefix: rename and copy lines have none.
    bare: bool,
}

impl Name {
    pub fn new(text: String) -> Name {
        Name { text, bare: false }
    }

    pub fn bare(text: String) -> Name {
        Name { text, bare: true }
    }

    fn components(&self) -> impl Iterator<Item = &str> {
        self.text.split('/').filter(|c| !c.is_empty() && *c != ".")
    }

    /// The path in the tree when `strip` leading folders are taken off.
    pub fn at(&self, strip: usize) -> Option<String> {
        let strip = if self.bare { 0 } else { strip };
        if strip == 0 && self.text.starts_with('/') {
            return None;
        }
        let left: Vec<_> = self.components().skip(strip).collect();
        (!left.is_empty()).then(|| left.join("/"))
    }

    pub fn leads_out(&self) -> bool {
        self.components().any(|c| c == "..")
    }

    /// Is it `bare` behind a prefix?
    pub fn ends_with(&self, bare: &Name) -> bool {
        self.text.ends_with(&bare.text)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// 1 for names with a prefix (`a/mm/gup.c`, `linux/mm/gup.c`), 0 for those
/// without (`git diff --no-prefix`): there, both names start alike.
pub(super) fn likely_strip(files: &[FileDiff]) -> usize {
    let (mut alike, mut other) = (0, 0);
    for file in files {
        let (Some(old), Some(new)) = (&file.old, &file.new) else {
            continue;
        };
        match (
            old.bare || new.bare,
            old.components().next() == new.components().next(),
        ) {
            (true, _) => {}
            (false, true) => alike += 1,
            (false, false) => other += 1,
        }
    }
    usize::from(alike <= other)
}

/// The name of a `---` or `+++` line; `None` where it stands for no file.
pub(super) fn header_name(text: &str) -> Option<Name> {
    let (name, time) = text.split_once('\t').unwrap_or((text, ""));
    // what diff -N gives to a file that is not there
    let epoch = time.starts_with("1970-01-01 ") || time.starts_with("1969-12-31 ");
    let name = unquote(name).unwrap_or_else(|| name.trim_end().to_string());
    (name != "/dev/null" && !epoch).then(|| Name::new(name))
}

/// The names of `diff --git`; for a rename, other lines have them.
pub(super) fn git_names(text: &str) -> Option<(String, String)> {
    let plain = |s: &str| unquote(s).unwrap_or_else(|| s.to_string());
    let tail = |s: &str| s.split_once('/').map(|(_, tail)| tail.to_string());
    // names may hold blanks, but both are the same but for a prefix
    text.match_indices(' ').find_map(|(at, _)| {
        let (old, new) = (plain(&text[..at]), plain(&text[at + 1..]));
        (old == new || (tail(&old).is_some() && tail(&old) == tail(&new))).then_some((old, new))
    })
}

/// `Binary files A and B differ`, as diff -r says it.
pub(super) fn binary_names(line: &str) -> Option<(Option<Name>, Option<Name>)> {
    let both = line
        .strip_prefix("Binary files ")?
        .strip_suffix(" differ")?;
    let (old, new) = both.split_once(" and ")?;
    Some((header_name(old), header_name(new)))
}

/// A name in quotes, with git's escapes.
pub(super) fn unquote(text: &str) -> Option<String> {
    let inner = text
        .trim_end()
        .strip_prefix('"')?
        .strip_suffix('"')?
        .as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = inner.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let octal = inner
            .get(at..at + 3)
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        if let Some(byte) = octal {
            out.push(byte);
            at += 3;
            continue;
        }
        out.push(match *inner.get(at)? {
            b'n' => b'\n',
            b't' => b'\t',
            other => other,
        });
        at += 1;
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
