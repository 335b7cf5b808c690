// SPDX-License-Identifier: GPL-2.0
//! A mistake in a text, and its place.

/// The first mistake in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseError {
    /// Which line, from 1.
    pub line: usize,
    /// Which character of the line, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
}

impl ParseError {
    /// The same in a text with this many more lines above.
    pub fn further_down(mut self, lines: usize) -> Self {
        self.line += lines;
        self
    }

    /// The line of the text with a mark under the place; empty if the text
    /// has no such line.
    pub fn excerpt(&self, text: &str) -> String {
        let Some(line) = text.lines().nth(self.line - 1) else {
            return String::new();
        };
        // Text with control characters must not move the cursor of a terminal.
        const LONGEST: usize = 120;
        let from = self.column.saturating_sub(LONGEST / 2 + 1);
        let from = if from < LONGEST / 4 { 0 } else { from };
        let shown: Vec<char> = line.chars().skip(from).take(LONGEST).collect();
        let text: String = shown
            .iter()
            .map(|c| {
                if c.is_control() && *c != '\t' {
                    '?'
                } else {
                    *c
                }
            })
            .collect();
        let before = shown.iter().take(self.column - 1 - from);
        let blank: String = before
            .map(|c| if *c == '\t' { '\t' } else { ' ' })
            .collect();
        format!("{text}\n{blank}^\n")
    }
}

/// `; did you mean ...?`, if one of the words is similar enough.
pub(super) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    // a change of the only letter is not similar
    let most = (1 + length / 4).min(length.saturating_sub(1));
    let near = known
        .into_iter()
        .map(|k| {
            (
                strsim::damerau_levenshtein(&word, &k.to_ascii_lowercase()),
                k,
            )
        })
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((distance, known)) if distance <= most => {
            format!("; did you mean `{known}`?")
        }
        _ => String::new(),
    }
}

/// `a, b or c`.
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_string(),
        [one] => (*one).to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A word of the text, as shown in messages.
pub(super) fn quote(word: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown: String = word
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if word.chars().count() > LONGEST {
        shown.push_str("...");
    }
    format!("`{shown}`")
}
