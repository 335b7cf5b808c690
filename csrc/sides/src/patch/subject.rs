// SPDX-License-Identifier: GPL-2.0
//! Subjects of mails: `[PATCH v2 1/3] mm: say so`.

/// What a subject tells of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// Without the tags in brackets.
    pub title: String,
    /// An answer or a forwarded mail.
    pub reply: bool,
    /// `v2` is (2, 0), `v2.1` is (2, 1), and none is (1, 0).
    pub version: (u32, u32),
    /// `i/M` of a series.
    pub number: Option<(u32, u32)>,
}

impl Subject {
    pub fn parse(text: &str) -> Subject {
        // folded lines
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut subject = Subject {
            title: String::new(),
            reply: false,
            version: (1, 0),
            number: None,
        };
        let mut rest = text.as_str();
        loop {
            rest = rest.trim_start();
            if let Some(after) = after_reply(rest) {
                subject.reply = true;
                rest = after;
            } else if let Some((tag, after)) =
                rest.strip_prefix('[').and_then(|r| r.split_once(']'))
            {
                subject.tag(tag);
                rest = after;
            } else {
                break;
            }
        }
        subject.title = rest.into();
        subject
    }

    fn tag(&mut self, tag: &str) {
        for word in tag.split([' ', ',']) {
            // [PATCHv2] is an old habit
            let lower = word.to_ascii_lowercase();
            let word = lower.strip_prefix("patch").unwrap_or(&lower);
            let number = |s: &str| s.parse::<u32>().ok();
            if let Some(version) = word.strip_prefix('v') {
                let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
                if let (Some(major), Some(minor)) = (number(major), number(minor)) {
                    self.version = (major, minor);
                }
            } else if let Some((i, of)) = word.split_once('/') {
                self.number = number(i).zip(number(of)).or(self.number);
            }
        }
    }
}

fn after_reply(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(':')?;
    let known = ["re", "aw", "sv", "antw", "fw", "fwd"];
    known
        .contains(&word.trim().to_ascii_lowercase().as_str())
        .then_some(rest)
}

/// `v2` or `v2.1`.
pub(super) fn version_name((major, minor): (u32, u32)) -> String {
    match minor {
        0 => format!("v{major}"),
        _ => format!("v{major}.{minor}"),
    }
}

/// `[PATCH v2 3/5]`, as git writes it.
pub(super) fn tag_name(version: (u32, u32), number: Option<(u32, u32)>) -> String {
    let version = if version == (1, 0) {
        String::new()
    } else {
        format!(" {}", version_name(version))
    };
    let number = number.map_or(String::new(), |(i, of)| {
        format!(" {i:0width$}/{of}", width = of.to_string().len())
    });
    format!("[PATCH{version}{number}]")
}
