// SPDX-License-Identifier: GPL-2.0
//! Prepared trees: a kernel's source and its configurations with their generated headers,
//! as made by `csrc/kernels/prepare`.

use crate::{
    Store,
    error::{Error, Result, at},
    store::{self, checkout, sha256},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// A tree with at least one configuration.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its name under `.kernels/trees`.
    pub name: String,
    /// The source.
    pub src: PathBuf,
    dir: PathBuf,
    info: BTreeMap<String, String>,
    rules: Option<(String, String)>,
}

/// The file in a tree's folder with the rules that `gupdiff explain` found.
const RULES: &str = "rules";

/// The folder of a configuration.
pub fn build_name(debug_vm: bool) -> &'static str {
    match debug_vm {
        true => "build",
        false => "build-nodebug",
    }
}

impl Tree {
    /// Finds a prepared tree.
    pub fn find(store: &Store, name: &str) -> Result<Option<Self>> {
        let dir = store.trees().join(name);
        let path = dir.join("info");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(at(&path)(e)),
        };
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let info = pairs
            .map(|(k, v)| (k.trim().into(), v.trim().into()))
            .collect();
        let src = dir.join("src");
        let src = src.canonicalize().map_err(|_| {
            Error::Unknown(format!(
                "the source of {name} is gone; prepare it again: make setup"
            ))
        })?;
        Ok(Some(Self {
            name: name.into(),
            src,
            rules: fs::read_to_string(dir.join(RULES)).ok().and_then(|text| {
                let (rules, by) = text.trim_end().split_once('\n')?;
                Some((rules.into(), by.into()))
            }),
            dir,
            info,
        }))
    }

    /// All prepared trees, by name.
    pub fn all(store: &Store) -> Result<Vec<Self>> {
        let entries = fs::read_dir(store.trees()).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        let mut trees = Vec::new();
        for name in names {
            // a tree whose source is gone must not hide the others
            if let Ok(Some(tree)) = Self::find(store, &name) {
                trees.push(tree);
            }
        }
        Ok(trees)
    }

    fn value(&self, key: &str) -> &str {
        self.info.get(key).map_or("", String::as_str)
    }

    /// The origin of the source: a package and its version, or a path.
    pub fn origin(&self) -> &str {
        self.value("origin")
    }

    /// The matching rules of the Rust side: those of the nearest revision, or those that
    /// were found ([`Tree::keep_rules`]).
    pub fn rust(&self) -> &str {
        match &self.rules {
            Some((rules, _)) => rules,
            None => self.value("rust"),
        }
    }

    /// The set of known rules with which its rules were found.
    pub fn rules_by(&self) -> Option<&str> {
        self.rules.as_ref().map(|(_, by)| by.as_str())
    }

    /// Stores rules that were found, until the tree is prepared again.  `by` identifies the
    /// rules that were known then.
    pub fn keep_rules(&self, rules: &str, by: &str) -> Result<()> {
        let path = self.dir.join(RULES);
        store::write(&path, format!("{rules}\n{by}\n").as_bytes())
    }

    /// VERSION and PATCHLEVEL.
    pub fn version(&self) -> (u16, u16) {
        let mut parts = self.value("version").split('.').map(|n| n.parse().ok());
        let mut next = || parts.next().flatten().unwrap_or(0);
        (next(), next())
    }

    /// Were the known rules verified on its version?
    pub fn is_tried(&self) -> bool {
        is_tried(self.value("version"))
    }

    /// The folder of a configuration, which may not exist.
    pub fn build(&self, debug_vm: bool) -> PathBuf {
        self.dir.join(build_name(debug_vm))
    }

    /// The file with the changed options of its configurations, if there is one.
    pub fn config(&self) -> Option<PathBuf> {
        Some(self.dir.join("config")).filter(|path| path.exists())
    }

    /// Is the configuration prepared?
    pub fn has(&self, debug_vm: bool) -> bool {
        self.build(debug_vm).join(".config").exists()
    }

    /// The kernel's own release string.
    pub fn release(&self, debug_vm: bool) -> String {
        let header = self.build(debug_vm).join("include/generated/utsrelease.h");
        let text = fs::read_to_string(header).unwrap_or_default();
        let quoted = text.split('"').nth(1);
        quoted.unwrap_or(self.value("version")).to_owned()
    }

    /// sha256 of a configuration.
    pub fn config_sha256(&self, debug_vm: bool) -> Result<String> {
        let path = self.build(debug_vm).join(".config");
        Ok(sha256(fs::read(&path).map_err(at(&path))?))
    }

    /// The options that a configuration has built in.
    pub fn built_in(&self, debug_vm: bool) -> Result<BTreeSet<String>> {
        let path = self.build(debug_vm).join(".config");
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        let options = text.lines().filter_map(|line| line.strip_suffix("=y"));
        Ok(options.map(str::to_owned).collect())
    }

    /// Options of `required.config` that a configuration lacks: code that depends on them
    /// is not in this kernel.
    pub fn lacks(&self, debug_vm: bool) -> Vec<String> {
        let path = self.build(debug_vm).join("lacks");
        let text = fs::read_to_string(path).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// The names in `csrc/kernels/table`, with the revision of the Rust side.
pub fn known() -> Vec<(&'static str, &'static str)> {
    include_str!("../../kernels/table")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.nth(3)?))
        })
        .collect()
}

/// Were the known rules verified on this version (`6.12.118`)?  It is in the table, and not
/// newer than the verified point release.
pub fn is_tried(version: &str) -> bool {
    newest_tried(version).is_some_and(|(newest, point)| point <= newest)
}

/// For a version of the table: the newest verified point release, and that of the version.
fn newest_tried(version: &str) -> Option<(u16, u16)> {
    let second = version.match_indices('.').nth(1);
    let name = &version[..second.map_or(version.len(), |(dot, _)| dot)];
    let rows = include_str!("../../kernels/table").lines();
    let mut rows = rows.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.first() == Some(&name))?;
    Some((row.last()?.parse().ok()?, point(version)))
}

/// 118 for `6.12.118`, whatever follows; 0 if it is not such a release.
pub fn point(release: &str) -> u16 {
    let point = release.split('.').nth(2).unwrap_or_default();
    let end = point.find(|c: char| !c.is_ascii_digit());
    point[..end.unwrap_or(point.len())].parse().unwrap_or(0)
}

/// A note, if a prepared point release is newer than the verified one.
pub fn untried(name: &str) -> Option<String> {
    let tree = Tree::find(&Store::find(), name).ok()??;
    let (newest, point) = newest_tried(tree.value("version"))?;
    (point > newest).then(|| {
        let version = tree.value("version");
        format!("Linux {version} is newer than the verified release {name}.{newest}")
    })
}

/// The names of the kernels in the table.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    known().into_iter().map(|(name, _)| name)
}

/// Is it one of these names?
pub fn is_known(name: &str) -> bool {
    known_names().any(|known| known == name)
}

/// The kernels that tests run on: those of the table, without those that scripts/setup
/// skipped.  The skipped ones are printed with the reason, once per process.
pub fn tested_names() -> impl Iterator<Item = &'static str> {
    static SKIPPED: OnceLock<Vec<(String, String)>> = OnceLock::new();
    let skipped = SKIPPED.get_or_init(|| {
        let text = fs::read_to_string(Store::find().root().join("skipped"));
        let skipped = skipped(&text.unwrap_or_default());
        for (kernel, reason) in &skipped {
            // not captured as test output
            let _ = writeln!(io::stderr(), "skipped: kernel {kernel}: {reason}");
        }
        skipped
    });
    known_names().filter(|name| !skipped.iter().any(|(kernel, _)| kernel == name))
}

/// Parses a file of kernels that scripts/setup and scripts/test skip, with the reasons;
/// these must be in the table, and not be all of it.
fn skipped(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let skipped: Vec<(String, String)> = lines
        .filter(|(kernel, _)| is_known(kernel))
        .map(|(kernel, reason)| (kernel.to_owned(), reason.to_owned()))
        .collect();
    let is_left = |name: &str| !skipped.iter().any(|(kernel, _)| kernel == name);
    match known_names().any(is_left) {
        true => skipped,
        false => Vec::new(),
    }
}

/// The same with their configurations, in side names: `6.1`, `6.1-nodebug`.
pub fn tested_sides() -> impl Iterator<Item = String> {
    tested_names().flat_map(|name| ["", "-nodebug"].map(|suffix| format!("{name}{suffix}")))
}

/// The default kernel: the first of the table.
pub fn default_kernel() -> &'static str {
    known()[0].0
}

/// Runs `csrc/kernels/prepare`.  Its progress goes to standard error; its last line is the
/// error.
pub(crate) fn prepare(store: &Store, args: &[&str]) -> Result<()> {
    let script = checkout().join("csrc/kernels/prepare");
    let mut child = Command::new(&script)
        .args(args)
        .env("GUPDIFF_KERNELS_DIR", store.root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(at(&script))?;
    let mut last = String::new();
    if let Some(out) = child.stdout.take() {
        use std::io::{BufRead, BufReader};
        for line in BufReader::new(out).lines() {
            let line = line.map_err(at(&script))?;
            if !line.starts_with("error: ") {
                eprintln!("{line}");
            }
            last = line;
        }
    }
    let status = child.wait().map_err(at(&script))?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Prepare(last.trim_start_matches("error: ").into())),
    }
}

/// Prepares a configuration of a tree if necessary.
pub(crate) fn configured(store: &Store, what: &[&str], name: &str, debug_vm: bool) -> Result<Tree> {
    let mut args = what.to_vec();
    args.push(build_name(debug_vm));
    prepare(store, &args)?;
    let tree = Tree::find(store, name)?;
    tree.filter(|tree| tree.has(debug_vm)).ok_or_else(|| {
        Error::Prepare(format!(
            "{name} was prepared, but {} does not exist",
            build_name(debug_vm)
        ))
    })
}

/// The words of kbuild's command for mm/gup.c that matter for user-mode compilation:
/// include folders, forced includes, macros and language options.  The others are about how
/// code runs in a kernel.
pub(crate) fn language_flags(tree: &Tree, debug_vm: bool) -> Result<Vec<String>> {
    let build = tree.build(debug_vm);
    let path = build.join("gup.cmd");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let place = |word: &str| match word.strip_prefix("@SRC@") {
        Some(inside) => format!("{}{inside}", tree.src.display()),
        None => build
            .join(word.trim_start_matches("./"))
            .display()
            .to_string(),
    };
    let mut flags = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word == "-include" {
            flags.extend(words.next().map(|file| format!("-include{}", place(file))));
        } else if word == "-isystem" {
            // the compiler's own headers; kernels before 5.15 need them
            flags.extend(words.next().map(|dir| format!("-isystem{dir}")));
        } else if let Some(dir) = word.strip_prefix("-I") {
            let dir = place(dir);
            if Path::new(&dir).is_dir() {
                flags.push(format!("-I{dir}"));
            }
        } else if (word.starts_with("-D")
            && !word.contains("KBUILD_")
            && !word.contains("__KERNEL__"))
            || word.starts_with("-std=")
            || LANGUAGE.contains(&word)
        {
            flags.push(word.into());
        }
    }
    Ok(flags)
}

/// Options that change the meaning of C code.
const LANGUAGE: [&str; 3] = ["-funsigned-char", "-fms-extensions", "-fplan9-extensions"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_tried_up_to_a_point_release() {
        let (name, _) = known()[0];
        let (newest, _) = newest_tried(name).expect("the table says it");
        assert!(is_tried(name) && is_tried(&format!("{name}.{newest}")));
        assert!(!is_tried(&format!("{name}.{}", newest + 1)));
        assert!(!is_tried(&format!("{name}.{}-rc1", newest + 1)));
        assert!(!is_tried("4.0.1") && !is_tried("6") && !is_tried(""));
    }

    #[test]
    fn a_kernel_that_is_left_out_is_of_the_table_and_not_all_of_it() {
        let text = "7.3 it is in no suite\n4.0 unknown\n7.3\n";
        let wanted = ("7.3".to_owned(), "it is in no suite".to_owned());
        assert_eq!(skipped(text), [wanted]);
        assert_eq!(skipped(""), []);
        let all: String = known_names().map(|name| format!("{name} gone\n")).collect();
        assert_eq!(skipped(&all), []);
    }
}
