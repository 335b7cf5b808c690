// SPDX-License-Identifier: GPL-2.0
//! The command that reproduces a finding.

use std::path::Path;

/// What a command needs to reproduce a finding, besides `gupdiff run FILE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The make variables from which the sides were built: `KERNEL=6.1 PATCH=p`; empty if
    /// the scripts ran without any.
    pub make: Option<String>,
    /// The sides were named on the command line and must be named again.
    pub named: bool,
}

impl Origin {
    /// The variables that select the same sides again.
    pub fn of_variables(variables: &[(&str, String)]) -> Self {
        let words = variables
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        Self {
            make: Some(words.collect::<Vec<_>>().join(" ")),
            named: false,
        }
    }

    /// Reads the environment that the Makefile sets.
    pub fn from_env() -> Self {
        Self {
            make: std::env::var("GUPDIFF_MAKE").ok(),
            named: false,
        }
    }

    /// A command (`run`, `report`) for `path` and these sides, as a shell command.
    pub fn command(&self, command: &str, path: &str, left: &str, right: &str) -> String {
        let (mut line, named) = match self.make.as_deref() {
            Some("") => ("scripts/gupdiff".to_string(), self.named),
            Some(make) => (format!("{make} scripts/gupdiff"), self.named),
            None => ("gupdiff".to_string(), true),
        };
        line += &format!(" {command} {}", quoted(path));
        if named {
            line += &format!(" --left {left} --right {right}");
        }
        line
    }
}

impl Origin {
    /// The same for a recipient who has the patch in the current folder.
    pub(super) fn elsewhere(&self) -> Self {
        let word = |word: &str| match word.strip_prefix("PATCH=") {
            Some(path) => {
                let file = Path::new(path).file_name().unwrap_or_default();
                format!("PATCH={}", file.display())
            }
            None => word.into(),
        };
        let make = match &self.make {
            // keep a path with blanks
            Some(make) if !make.contains('\'') => {
                let words: Vec<String> = make.split(' ').map(word).collect();
                Some(words.join(" "))
            }
            make => make.clone(),
        };
        Self {
            make,
            named: self.named,
        }
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A path as seen from the current folder, where it is below that.
pub fn near(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let below = here.and_then(|here| path.strip_prefix(here).ok());
    below.unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elsewhere_the_patch_is_at_hand() {
        let variables = [
            ("KERNEL", "6.1".into()),
            ("PATCH", "/home/me/a.patch".into()),
        ];
        let origin = Origin::of_variables(&variables);
        let command = origin.elsewhere().command("run", "x.gup", "", "");
        assert_eq!(
            command,
            "KERNEL=6.1 PATCH=a.patch scripts/gupdiff run x.gup"
        );
    }
}
