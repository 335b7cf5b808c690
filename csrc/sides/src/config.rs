// SPDX-License-Identifier: GPL-2.0
//! `CONFIG=`: changes of a kernel's configuration.

use crate::{
    error::{Error, Result, at},
    store::checkout,
};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Options to turn on or off, and fragments of a `.config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    fragments: Vec<(String, String)>,
    options: BTreeMap<String, bool>,
}

/// Fragments that come with gupdiff: `csrc/kernels/NAME.config`.
const SHIPPED: [(&str, &str); 1] = [("small", include_str!("../../kernels/small.config"))];

impl Config {
    /// Parses a comma-separated list: `-CMA` turns an option off, `+CMA` on; `small` is the
    /// fragment of that name, `my.config` a file with a fragment.
    pub fn parse(list: &str) -> Result<Self> {
        let mut config = Self::default();
        for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            match word.split_at(1) {
                ("-", option) => config.option(option, false)?,
                ("+", option) => config.option(option, true)?,
                _ => config.fragments.push(fragment(word)?),
            }
        }
        Ok(config)
    }

    fn option(&mut self, word: &str, on: bool) -> Result<()> {
        let name = word.strip_prefix("CONFIG_").unwrap_or(word);
        if name == "DEBUG_VM" {
            return Err(Error::Unknown(
                "CONFIG: DEBUG_VM is turned off by the kernel's name: KERNEL=6.1-nodebug".into(),
            ));
        }
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(fine) {
            return Err(Error::Unknown(format!(
                "CONFIG: `{word}` is not an option: write -HUGETLB_PAGE or +HUGETLB_PAGE"
            )));
        }
        self.options.insert(name.into(), on);
        Ok(())
    }

    /// This configuration with another one on top.
    pub fn and(mut self, other: Self) -> Self {
        self.fragments.extend(other.fragments);
        self.options.extend(other.options);
        self
    }

    /// Is it unchanged?
    pub fn is_empty(&self) -> bool {
        self.fragments.is_empty() && self.options.is_empty()
    }

    /// Its name, appended to a kernel's name: `small,-CMA`; independent of the order of
    /// options.
    pub fn name(&self) -> String {
        let fragments = self.fragments.iter().map(|(name, _)| name.clone());
        let option =
            |(name, on): (&String, &bool)| format!("{}{name}", if *on { '+' } else { '-' });
        let words: Vec<String> = fragments.chain(self.options.iter().map(option)).collect();
        words.join(",")
    }

    /// The text for `prepare --config`: options that are named must be set as requested.
    pub fn text(&self) -> String {
        let mut text: String = self
            .fragments
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        for (name, on) in &self.options {
            text += &match on {
                true => format!("# must: CONFIG_{name}\nCONFIG_{name}=y\n"),
                false => format!("# must: CONFIG_{name}\n# CONFIG_{name} is not set\n"),
            };
        }
        text
    }
}

/// A fragment by its name or file: its name and its text.
fn fragment(word: &str) -> Result<(String, String)> {
    if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == word) {
        return Ok(((*name).into(), (*text).into()));
    }
    let path = PathBuf::from(word);
    if !path.is_file() {
        let known: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
        return Err(Error::Unknown(format!(
            "CONFIG: `{word}` is neither -OPTION nor +OPTION, nor a file, nor one of: {}",
            known.join(" ")
        )));
    }
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let stem = path.file_stem().unwrap_or_default().display().to_string();
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name: String = stem
        .chars()
        .map(|c| if fine(c) { c } else { '_' })
        .collect();
    if SHIPPED.iter().any(|(shipped, _)| *shipped == name) {
        let own = checkout().join(format!("csrc/kernels/{name}.config"));
        if own.canonicalize().ok() != path.canonicalize().ok() {
            return Err(Error::Unknown(format!(
                "CONFIG: {word}: `{name}` comes with gupdiff; give the file another name"
            )));
        }
    }
    Ok((name, text + "\n"))
}

/// A kernel's name, and the configuration behind it: `6.1,-CMA`.
pub fn split(name: &str) -> (&str, &str) {
    name.split_once(',').unwrap_or((name, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_name_and_a_text() {
        let config = Config::parse("-HUGETLB_PAGE, +CONFIG_KSM,-CMA").unwrap();
        assert_eq!(config.name(), "-CMA,-HUGETLB_PAGE,+KSM");
        let text = config.text();
        assert!(text.contains("\n# CONFIG_CMA is not set\n"), "{text}");
        assert!(text.contains("\nCONFIG_KSM=y\n"), "{text}");
        assert_eq!(Config::parse(&config.name()).unwrap(), config);
        assert!(Config::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_fragment_is_taken_by_its_name_or_its_file() {
        let config = Config::parse("small,-NUMA").unwrap();
        assert_eq!(config.name(), "small,-NUMA");
        assert!(config.text().contains("# CONFIG_HUGETLB_PAGE is not set"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("my own.config");
        fs::write(&path, "CONFIG_KSM=y").unwrap();
        let config = Config::parse(path.to_str().unwrap()).unwrap();
        assert_eq!(
            (config.name().as_str(), config.text().as_str()),
            ("my_own", "CONFIG_KSM=y\n")
        );
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said() {
        let error = |list: &str| Config::parse(list).unwrap_err().to_string();
        assert!(error("-DEBUG_VM").contains("-nodebug"));
        assert!(error("-").contains("not an option"));
        assert!(error("+A-B").contains("not an option"));
        assert!(error("large").contains("one of: small"));
    }
}
