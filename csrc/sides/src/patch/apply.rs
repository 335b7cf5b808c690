// SPDX-License-Identifier: GPL-2.0
//! Applying a series to a tree that stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::file::{File, Paths};
use super::names::{self, Name};
use super::unified::{FileDiff, Made};
use super::{Error, Part, Series};

/// What a series has done; paths are those in the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Files that differ from the tree's.
    pub changed: BTreeSet<String>,
    /// Files that the tree does not have.
    pub added: BTreeSet<String>,
    /// Files of the tree that are no more; nothing stands for them in the overlay.
    pub removed: BTreeSet<String>,
    /// Files that are excluded and not in the tree: their parts are left out.
    pub skipped: BTreeSet<String>,
    /// Hunks that went to other lines than they say, in words.
    pub notes: Vec<String>,
}

/// Applies a series to files of `tree`, which is only read, and writes those
/// that differ below `into`, at their paths in the tree.
///
/// `excluded` tells of a path whether it may be absent: a part for a file that
/// is, is skipped.  `into` must not exist yet, or be empty; it appears with
/// all files or not at all.
pub fn apply(
    series: &Series,
    tree: &Path,
    excluded: &dyn Fn(&str) -> bool,
    into: &Path,
) -> Result<Applied, Error> {
    let parent = into
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(Error::at(parent))?;
    let scratch = tempfile::Builder::new()
        .prefix(".patch-")
        .tempdir_in(parent)
        .map_err(Error::at(parent))?;
    let mut run = Run {
        tree,
        excluded,
        scratch,
        files: BTreeMap::new(),
        applied: Applied::default(),
    };
    for (index, part) in series.parts.iter().enumerate() {
        let before = run.applied.notes.len();
        let label = series.label(index);
        match (run.part(part), &label) {
            (Ok(()), _) => {}
            (Err(Error::NoFile { strip, file }), _) if run.is_another_tree(series) => {
                return Err(Error::OtherTree {
                    count: series.files().len(),
                    file,
                    strip,
                });
            }
            // the machine's trouble, no fault of the patch
            (Err(Error::DiskFull(_)), _) => return Err(Error::DiskFull(into.into())),
            (Err(error @ (Error::Io { .. } | Error::NoProgram)), _) | (Err(error), None) => {
                return Err(error);
            }
            (Err(error), Some(label)) => {
                return Err(Error::InPart {
                    label: label.clone(),
                    error: Box::new(error),
                });
            }
        }
        if let Some(label) = label {
            run.applied.notes[before..]
                .iter_mut()
                .for_each(|note| *note = format!("{label}: {note}"));
        }
    }
    run.write(into)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub text: Vec<u8>,
    pub executable: bool,
}

/// Files by their path; `None` for one that was removed.
pub(super) type Files = BTreeMap<String, Option<Content>>;

pub(super) struct Run<'a> {
    pub tree: &'a Path,
    excluded: &'a dyn Fn(&str) -> bool,
    pub scratch: TempDir,
    /// What is not as in the tree.
    pub files: Files,
    pub applied: Applied,
}

impl Run<'_> {
    fn part(&mut self, part: &Part) -> Result<(), Error> {
        for file in &part.files {
            if let Some(name) = [&file.old, &file.new]
                .into_iter()
                .flatten()
                .find(|name| name.leads_out())
            {
                return Err(Error::OutsideTree {
                    file: name.as_str().into(),
                    at: part.place(file.line),
                });
            }
        }
        let strip = self.strip(part);
        // renames and copies are of the files as they were before the patch
        let before = part
            .files
            .iter()
            .any(|f| f.made != Made::InPlace)
            .then(|| self.files.clone());
        let (mut gone, mut made) = (BTreeSet::new(), BTreeSet::new());
        for file in &part.files {
            let Some(names) = self.names(file, strip)? else {
                continue;
            };
            if file.made == Made::Rename {
                gone.extend(names.old.clone());
            }
            let one = File {
                run: self,
                part,
                file,
                names,
                before: before.as_ref(),
                gone: &gone,
            };
            if let Some(new) = one.apply(strip)? {
                made.insert(new);
            }
        }
        for old in gone.difference(&made) {
            self.files.insert(old.clone(), None);
        }
        Ok(())
    }

    /// How many leading folders the names of a patch have before the path in
    /// the tree: what they look like, unless the other way finds more files.
    fn strip(&self, part: &Part) -> usize {
        let likely = names::likely_strip(&part.files);
        let found = |strip: usize| {
            part.files
                .iter()
                .filter(|file| self.finds(file, strip))
                .count()
        };
        if found(1 - likely) > found(likely) {
            1 - likely
        } else {
            likely
        }
    }

    fn finds(&self, file: &FileDiff, strip: usize) -> bool {
        let mut names = [&file.old, &file.new]
            .into_iter()
            .flatten()
            .filter_map(|name| name.at(strip));
        match file.old {
            // the folder is there at least
            None => names.any(|name| {
                (self.excluded)(&name)
                    || name
                        .rsplit_once('/')
                        .is_some_and(|(dir, _)| self.tree.join(dir).is_dir())
            }),
            Some(_) => names.any(|name| self.exists(&name) || (self.excluded)(&name)),
        }
    }

    fn exists(&self, name: &str) -> bool {
        match self.files.get(name) {
            Some(content) => content.is_some(),
            None => self.tree.join(name).exists(),
        }
    }

    fn is_left_out(&self, name: &str) -> bool {
        !self.exists(name) && (self.excluded)(name)
    }

    /// The paths of a file of a diff, or nothing when it is left out.
    fn names(&mut self, file: &FileDiff, strip: usize) -> Result<Option<Paths>, Error> {
        let at = |name: &Option<Name>| {
            name.as_ref()
                .map(|n| n.at(strip).unwrap_or_else(|| n.as_str().into()))
        };
        let (old, new) = (at(&file.old), at(&file.new));
        let names = match (file.made, old, new) {
            (Made::Rename | Made::Copy, Some(old), Some(new)) => {
                if self.is_left_out(&old) {
                    if !(self.excluded)(&new) {
                        return Err(Error::SourceLeftOut {
                            file: new,
                            from: old,
                        });
                    }
                    self.applied.skipped.extend([old, new]);
                    return Ok(None);
                }
                return Ok(Some(Paths {
                    old: Some(old),
                    new: Some(new),
                }));
            }
            (_, None, new) => Paths { old: None, new },
            (_, old, None) => Paths { old, new: None },
            // diff -u gup.c.orig gup.c: the one that is there
            (_, Some(old), Some(new)) => {
                let there = if !self.exists(&new) && self.exists(&old) {
                    old
                } else {
                    new
                };
                Paths {
                    old: Some(there.clone()),
                    new: Some(there),
                }
            }
        };
        let name = names.new.as_ref().or(names.old.as_ref());
        if let Some(name) = name.filter(|name| self.is_left_out(name)) {
            self.applied.skipped.insert(name.clone());
            return Ok(None);
        }
        Ok(Some(names))
    }

    fn is_another_tree(&self, series: &Series) -> bool {
        let old: Vec<_> = series
            .parts
            .iter()
            .flat_map(|part| part.files.iter().map(move |f| (part, f)))
            .filter(|(_, f)| f.old.is_some())
            .collect();
        old.len() > 1
            && series.files().len() > 1
            && old
                .iter()
                .all(|(part, file)| !self.finds(file, self.strip(part)))
    }

    fn write(self, into: &Path) -> Result<Applied, Error> {
        let mut applied = self.applied;
        let overlay = self.scratch.path().join("overlay");
        fs::create_dir(&overlay).map_err(Error::at(&overlay))?;
        for (name, content) in self.files {
            let original = read(self.tree, &name)?;
            if original == content {
                continue;
            }
            let set = match (&original, &content) {
                (Some(_), Some(_)) => &mut applied.changed,
                (None, _) => &mut applied.added,
                (_, None) => &mut applied.removed,
            };
            set.insert(name.clone());
            let Some(content) = content else { continue };
            let path = overlay.join(&name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::at(folder))?;
            }
            fs::write(&path, &content.text).map_err(Error::at(&path))?;
            let mode = if content.executable { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                .map_err(Error::at(&path))?;
        }
        fs::rename(&overlay, into).map_err(Error::at(into))?;
        Ok(applied)
    }
}

/// A file of the tree.
pub(super) fn read(tree: &Path, name: &str) -> Result<Option<Content>, Error> {
    let path = tree.join(name);
    let meta = match fs::metadata(&path) {
        Ok(meta) => meta,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::at(&path)(error)),
    };
    if !meta.is_file() {
        return Err(Error::NotAFile(name.into()));
    }
    let text = fs::read(&path).map_err(Error::at(&path))?;
    Ok(Some(Content {
        text,
        executable: meta.permissions().mode() & 0o111 != 0,
    }))
}
