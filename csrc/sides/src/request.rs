// SPDX-License-Identifier: GPL-2.0
//! Turns a request into a recipe: prepares the tree, and applies the patch to an overlay.

use crate::{
    Recipe, Store,
    config::{self, Config},
    error::{Error, Result, at},
    exclude::{excluded, globs},
    generated::{generated_hold, makes_headers},
    git,
    overlay::{self, Overlay},
    patch::{self, Series},
    recipe::split_name,
    store,
    tree::{self, Tree},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A kernel, and changes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// A known version, the name of an added side, or the path of a tree; then optionally a
    /// configuration (`,small`, `,-CMA`) and `-nodebug` for DEBUG_VM off.
    pub kernel: String,
    /// The configuration, as in `CONFIG=`; see [`Config::parse`].
    pub config: Option<String>,
    /// A commit, if the tree is a git repository.
    pub rev: Option<String>,
    /// A diff, an mbox or a folder of `git format-patch`.
    pub patch: Option<PathBuf>,
    /// Apply only the first N patches of a series; 0: none.
    pub parts: Option<usize>,
    /// Renamed functions: `(known name, new name)`.
    pub renamed: Vec<(String, String)>,
    /// The side's name; by default it is made from the above.
    pub name: Option<String>,
}

/// The result of a request.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// What the side is made from.
    pub recipe: Recipe,
    /// Is CONFIG_DEBUG_VM requested?
    pub debug_vm: bool,
    /// Notes for the user, for example about ignored parts of a patch.
    pub notes: Vec<String>,
}

impl Resolved {
    /// The side's name: `c:...`.
    pub fn side(&self) -> String {
        format!("c:{}{}", self.recipe.name, suffix(self.debug_vm))
    }
}

fn suffix(debug_vm: bool) -> &'static str {
    if debug_vm { "" } else { "-nodebug" }
}

/// Parses `RENAMED=old=new,...`.
pub fn parse_renamed(text: &str) -> Result<Vec<(String, String)>> {
    let name = |word: &str| {
        let word = word.trim();
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let fine = word.starts_with(first) && word.chars().all(|c| first(c) || c.is_ascii_digit());
        fine.then(|| word.to_owned())
    };
    let pair = |pair: &str| {
        let (old, new) = pair.split_once('=')?;
        Some((name(old)?, name(new)?))
    };
    text.split(',')
        .filter(|word| !word.trim().is_empty())
        .map(|word| {
            pair(word).ok_or_else(|| {
                Error::Unknown(format!(
                    "RENAMED: `{word}` is not OLD=NEW, two names of functions (separate several by commas)"
                ))
            })
        })
        .collect()
}

/// Is a word a path?
pub fn is_path(word: &str) -> bool {
    word.contains('/') || matches!(word, "." | ".." | "~")
}

impl Request {
    /// Prepares what is requested.  The recipe is stored, unless it is that of an unchanged
    /// known kernel.
    pub fn resolve(&self, store: &Store) -> Result<Resolved> {
        let mut notes = Vec::new();
        let (mut recipe, debug_vm, mut config) = match is_path(&self.kernel) {
            true => {
                let (recipe, debug_vm) = self.of_path(store)?;
                (recipe, debug_vm, Config::default())
            }
            false => self.of_name(store)?,
        };
        if let Some(list) = &self.config {
            config = config.and(Config::parse(list)?);
        }
        if !config.is_empty() {
            recipe = configured(store, recipe, debug_vm, &config)?;
        }
        recipe.renamed.extend(
            self.renamed
                .iter()
                .map(|(old, new)| (new.clone(), old.clone())),
        );
        if let Some(path) = self.patch.as_ref().filter(|_| self.parts != Some(0)) {
            self.apply(store, &mut recipe, debug_vm, path, &mut notes)?;
        }
        if let Some(name) = &self.name {
            recipe.name = check_name(name)?;
            if name.contains(',') {
                return Err(Error::Unknown(format!(
                    "the name `{name}` is that of a configuration; choose another one"
                )));
            }
        }
        if Tree::find(store, &recipe.name)?
            .as_ref()
            .map(Recipe::of_tree)
            .as_ref()
            != Some(&recipe)
        {
            recipe.save(store)?;
        }
        Ok(Resolved {
            recipe,
            debug_vm,
            notes,
        })
    }

    fn of_name(&self, store: &Store) -> Result<(Recipe, bool, Config)> {
        if self.rev.is_some() {
            return Err(Error::Unknown(format!(
                "REV= needs a git tree: KERNEL=PATH, not KERNEL={}",
                self.kernel
            )));
        }
        let (whole, debug_vm) = split_name(&self.kernel);
        let (name, list) = config::split(whole);
        let known = tree::is_known(name);
        let parsed = Config::parse(list);
        if let (true, Ok(config)) = (known, &parsed) {
            // even if it is prepared: its source package may have been upgraded
            let tree = tree::configured(store, &[name], name, debug_vm)?;
            return Ok((Recipe::of_tree(&tree), debug_vm, config.clone()));
        }
        if let Some(recipe) = Recipe::find(store, whole)? {
            return Ok((recipe, debug_vm, Config::default()));
        }
        match Recipe::find(store, name)? {
            Some(recipe) => Ok((recipe, debug_vm, parsed?)),
            None => {
                // for a known kernel, the error is about the configuration
                if known {
                    parsed?;
                }
                let known = tree::known_names().map(str::to_owned);
                let added = Recipe::all(store)?.into_iter().map(|recipe| recipe.name);
                let mut all: Vec<String> = known.chain(added).collect();
                let mut seen = std::collections::BTreeSet::new();
                all.retain(|name| seen.insert(name.clone()));
                Err(Error::Unknown(format!(
                    "unknown kernel `{}`; known: {}, each also with -nodebug, or the path of a tree",
                    self.kernel,
                    all.join(", ")
                )))
            }
        }
    }

    fn of_path(&self, store: &Store) -> Result<(Recipe, bool)> {
        let (path, debug_vm) = self.tree_path()?;
        let real = path.canonicalize().map_err(at(&path))?;
        let name = tree_name(&real);
        let (name, tree) = match &self.rev {
            None => (name, real.clone()),
            Some(rev) => {
                let commit = git::resolve(&real, rev)?;
                let name = format!("{name}@{}", &commit.hash[..12]);
                (name.clone(), exported(store, &real, &commit.hash, &name)?)
            }
        };
        let text = tree.display().to_string();
        let mut what = vec!["--tree", &text, "--name", &name];
        let mut prepared = tree::configured(store, &what, &name, debug_vm)?;
        if !generated_hold(&prepared, debug_vm, &Overlay::default(), store)? {
            what.insert(0, "--fresh");
            prepared = tree::configured(store, &what, &name, debug_vm)?;
        }
        let mut recipe = Recipe::of_tree(&prepared);
        recipe.origin = match &self.rev {
            None => real.display().to_string(),
            Some(_) => format!(
                "{}, commit {}",
                real.display(),
                name.rsplit('@').next().unwrap_or("")
            ),
        };
        Ok((recipe, debug_vm))
    }

    fn tree_path(&self) -> Result<(PathBuf, bool)> {
        let expanded = match (self.kernel.strip_prefix('~'), env::var_os("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", Path::new(&home).display())
            }
            _ => self.kernel.clone(),
        };
        let path = PathBuf::from(&expanded);
        if path.is_dir() {
            return Ok((path, true));
        }
        let (plain, debug_vm) = split_name(&expanded);
        let path = PathBuf::from(plain);
        match path.is_dir() {
            true => Ok((path, debug_vm)),
            false => Err(Error::Unknown(format!(
                "KERNEL={}: no such folder",
                self.kernel
            ))),
        }
    }

    fn apply(
        &self,
        store: &Store,
        recipe: &mut Recipe,
        debug_vm: bool,
        path: &Path,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        if recipe.overlay.is_some() {
            return Err(Error::Unknown(format!(
                "the side {} already has a patch; name the kernel that it was made from",
                recipe.name
            )));
        }
        let mut series = Series::read(path)?;
        if let Some(parts) = self.parts.filter(|&parts| parts < series.parts.len()) {
            series.parts.truncate(parts);
            series.name += &format!(".{parts}");
        }
        notes.extend(series.notes.iter().cloned());
        let tree = Tree::find(store, &recipe.tree)?
            .ok_or_else(|| Error::Unknown(format!("{} is not prepared", recipe.tree)))?;
        let scratch = store::scratch(&store.overlays().join("new"))?;
        // the folder is renamed when it is complete
        let files = scratch.path().join("files");
        let applied = patch::apply(&series, &tree.src, &excluded, &files).map_err(|error| {
            Error::Unknown(format!(
                "{} does not apply to Linux {}: {error}",
                path.file_name().unwrap_or_default().display(),
                tree.release(debug_vm)
            ))
        })?;
        notes.extend(applied.notes.iter().cloned());
        if !applied.skipped.is_empty() {
            let names: Vec<_> = applied.skipped.iter().map(String::as_str).collect();
            notes.push(format!(
                "ignored, because mm/gup.c does not use these files: {}",
                names.join(" ")
            ));
        }
        let key = overlay::adopt(store, &files)?;
        let dir = store.overlays().join(&key);
        recipe.name = check_name(&format!("{}+{}", recipe.name, series.name))?;
        recipe.origin = format!(
            "{}, with {} (sha256 {})",
            recipe.origin,
            path.file_name().unwrap_or_default().display(),
            &series.sha256()[..12]
        );
        let overlay = Overlay::of(&dir, &tree.src)?;
        let generated = applied
            .changed
            .iter()
            .chain(&applied.added)
            .chain(&applied.removed);
        let fresh = generated.into_iter().any(|file| makes_headers(file))
            || !generated_hold(&tree, debug_vm, &overlay, store)?;
        if fresh {
            notes.push(
                "the patch changes the configuration or generated headers, which are rebuilt"
                    .into(),
            );
            let name = format!("{}+{}", recipe.tree, &key[..12]);
            let (from, over) = (tree.src.display().to_string(), dir.display().to_string());
            let mut what = vec!["--copy", &from, "--overlay", &over, "--name", &name];
            let config = tree.config().map(|path| path.display().to_string());
            if let Some(config) = &config {
                what.extend(["--config", config]);
            }
            let tree = tree::configured(store, &what, &name, debug_vm)?;
            recipe.tree = tree.name;
        } else {
            recipe.overlay = Some(key);
        }
        Ok(())
    }
}

/// The same kernel in another configuration: another tree with the same source.
fn configured(store: &Store, base: Recipe, debug_vm: bool, config: &Config) -> Result<Recipe> {
    let tree = Tree::find(store, &base.tree)?
        .ok_or_else(|| Error::Unknown(format!("{} is not prepared", base.tree)))?;
    let list = config.name();
    let name = format!("{},{list}", base.tree);
    let scratch = store::scratch(&store.overlays().join("new"))?;
    let file = scratch.path().join("config");
    fs::write(&file, config.text()).map_err(at(&file))?;
    let (src, file) = (tree.src.display().to_string(), file.display().to_string());
    let what = ["--tree", &src, "--name", &name, "--config", &file];
    tree::configured(store, &what, &name, debug_vm)?;
    Ok(Recipe {
        name: format!("{},{list}", base.name),
        tree: name,
        origin: format!("{}, CONFIG={list}", base.origin),
        ..base
    })
}

/// Checks that a side's name can be used in files and on command lines.
fn check_name(name: &str) -> Result<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._+-@,".contains(c);
    let first = name
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    if !first || !name.chars().all(fine) {
        return Err(Error::Unknown(format!(
            "`{name}` is not a usable name for a side (letters, digits and . _ + - @)"
        )));
    }
    if name.ends_with("-nodebug") || tree::is_known(name) {
        return Err(Error::Unknown(format!(
            "the name `{name}` is already taken; choose another one"
        )));
    }
    Ok(name.to_owned())
}

/// The name of a tree's side: the folder's name.
fn tree_name(tree: &Path) -> String {
    let name = tree.file_name().unwrap_or_default().display().to_string();
    let fine = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if fine(c) { c } else { '-' })
        .collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    match split_name(name) {
        (name, _) if name.is_empty() || tree::is_known(name) => format!("tree-{name}"),
        (_, false) => format!("{name}-tree"),
        (name, true) => name.to_owned(),
    }
}

/// Extracts the files of a commit, without those that are never compiled.
fn exported(store: &Store, repo: &Path, hash: &str, name: &str) -> Result<PathBuf> {
    let dir = store.root().join("exports").join(name);
    let _lock = store.lock(&format!("export-{name}"))?;
    if !dir.is_dir() {
        eprintln!(
            "kernel {name}: extracting commit {} of {}",
            &hash[..12],
            repo.display()
        );
        let scratch = store::scratch(&dir)?;
        let files = scratch.path().join("tree");
        git::export(repo, hash, &globs(), &files)?;
        fs::rename(&files, &dir).map_err(at(&dir))?;
    }
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_pairs_of_names() {
        let pairs = parse_renamed("a=b, c_1=d").unwrap();
        assert_eq!(
            pairs,
            [("a".into(), "b".into()), ("c_1".into(), "d".into())]
        );
        assert!(parse_renamed("").unwrap().is_empty());
        for wrong in ["a", "a=", "=b", "a=b-c", "1a=b"] {
            assert!(
                parse_renamed(wrong)
                    .unwrap_err()
                    .to_string()
                    .contains("OLD=NEW")
            );
        }
    }

    #[test]
    fn a_tree_is_called_by_its_folder() {
        assert_eq!(tree_name(Path::new("/src/linux")), "linux");
        assert_eq!(tree_name(Path::new("/src/6.1")), "tree-6.1");
        assert_eq!(tree_name(Path::new("/src/mm next")), "mm-next");
        assert_eq!(tree_name(Path::new("/src/x-nodebug")), "x-nodebug-tree");
    }
}
