// SPDX-License-Identifier: GPL-2.0
//! Git trees: resolves commits and extracts their files, without touching the work tree,
//! the index or the refs.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Why a commit cannot be extracted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `git` is not installed.
    #[error("the program git is missing: install the package git")]
    NoProgram,
    /// No such folder.
    #[error("{}: no such folder", .0.display())]
    Missing(PathBuf),
    /// Not in a work tree, and no bare repository.
    #[error("{} is not a git repository", .0.display())]
    NotARepository(PathBuf),
    /// Git refuses repositories of other users.
    #[error("{} belongs to another user, git does not read it: if it is to be trusted, git config --global --add safe.directory {}", .0.display(), .0.display())]
    NotOurs(PathBuf),
    /// An unknown ref or hash.
    #[error("{}: no commit {commit}{hint}", repo.display())]
    UnknownCommit {
        /// The repository.
        repo: PathBuf,
        /// As given by the user.
        commit: String,
        /// A hint, or empty.
        hint: String,
    },
    /// An ambiguous abbreviation of a hash.
    #[error("{}: {commit} is the start of several commits' hashes: give more of it", repo.display())]
    AmbiguousCommit {
        /// The repository.
        repo: PathBuf,
        /// As given by the user.
        commit: String,
    },
    /// The commit does not have the folder, or all of it is excluded.
    #[error("{}: commit {commit} has no files here", repo.display())]
    NoFiles {
        /// The folder.
        repo: PathBuf,
        /// Its abbreviated hash.
        commit: String,
    },
    /// Any other failure of git.
    #[error("{}: git says: {said}", repo.display())]
    Program {
        /// The repository.
        repo: PathBuf,
        /// Git's message.
        said: String,
    },
    /// The disk is full.
    #[error("no space left for {}: free some and try again", .0.display())]
    DiskFull(PathBuf),
    /// The output folder is not empty.
    #[error("{} is not empty: remove it first", .0.display())]
    Occupied(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The full hash.
    pub hash: String,
    /// The first line of its message.
    pub subject: String,
}

/// Is a folder in a git repository, or a bare repository?
pub fn is_repository(folder: &Path) -> Result<bool, Error> {
    let output = git(folder)?
        .args(["rev-parse", "--git-dir"])
        .output()
        .map_err(no_program)?;
    match check(folder, &output) {
        Ok(()) => Ok(true),
        Err(Error::NotARepository(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Resolves a ref, a hash or its abbreviation, or `HEAD~3`.  Fast.
pub fn resolve(repo: &Path, commit: &str) -> Result<Commit, Error> {
    check(
        repo,
        &git(repo)?
            .args(["rev-parse", "--git-dir"])
            .output()
            .map_err(no_program)?,
    )?;
    // a name that starts with a dash would be an option
    if commit.is_empty() || commit.starts_with('-') {
        return Err(unknown(repo, commit));
    }
    let asked = format!("{commit}^{{commit}}");
    let output = git(repo)?
        .args(["rev-parse", "--verify", &asked])
        .output()
        .map_err(no_program)?;
    let hash = text(&output.stdout);
    if !output.status.success() || hash.is_empty() {
        return Err(match text(&output.stderr) {
            said if said.contains("is ambiguous") => Error::AmbiguousCommit {
                repo: repo.into(),
                commit: commit.into(),
            },
            _ => unknown(repo, commit),
        });
    }
    let format = [
        "log",
        "-1",
        "--no-show-signature",
        "--no-color",
        "--encoding=UTF-8",
        "--format=%s",
        &hash,
    ];
    let output = git(repo)?.args(format).output().map_err(no_program)?;
    check(repo, &output)?;
    Ok(Commit {
        hash,
        subject: text(&output.stdout),
    })
}

/// The commits reachable from `bad` and from none of `good`, `bad` included, sorted so that
/// those that best halve the rest come first.  Takes and returns hashes.
pub fn halving(repo: &Path, bad: &str, good: &[String]) -> Result<Vec<String>, Error> {
    let mut command = git(repo)?;
    command.args(["rev-list", "--bisect-all", bad]);
    command.args(good.iter().map(|commit| format!("^{commit}")));
    let output = command.output().map_err(no_program)?;
    check(repo, &output)?;
    let hash = |line: &str| line.split(' ').next().map(str::to_owned);
    Ok(text(&output.stdout).lines().filter_map(hash).collect())
}

/// Writes the files of a commit to `into`, without those that match an exclude glob.
///
/// `*` in a glob also matches `/`.  `repo` may be a subfolder of a work tree: then its
/// files are written.  `into` must not exist or be empty; it gets all files or none.
pub fn export(
    repo: &Path,
    commit: &str,
    excluded_globs: &[String],
    into: &Path,
) -> Result<Commit, Error> {
    let commit = resolve(repo, commit)?;
    let parent = into
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at(parent))?;
    let scratch = tempfile::Builder::new()
        .prefix(".git-")
        .tempdir_in(parent)
        .map_err(at(parent))?;
    let files = scratch.path().join("files");
    fs::create_dir(&files).map_err(at(&files))?;
    let mut said = tempfile::tempfile_in(&scratch).map_err(at(scratch.path()))?;

    let mut command = git(repo)?;
    // as committed, independent of this machine's settings
    command.args([
        "-c",
        "core.autocrlf=false",
        "-c",
        "core.eol=lf",
        "-c",
        "tar.umask=0022",
    ]);
    command.args(["archive", "--format=tar", &commit.hash, "--", "."]);
    command.args(
        excluded_globs
            .iter()
            .map(|glob| format!(":(exclude){glob}")),
    );
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(said.try_clone().map_err(at(scratch.path()))?)
        .spawn()
        .map_err(no_program)?;
    let unpacked = match child.stdout.take() {
        Some(stdout) => unpack(stdout, &files),
        None => Ok(()),
    };
    // closing the pipe ends a git that is still writing
    let status = child.wait().map_err(at(repo))?;
    let mut words = Vec::new();
    said.rewind()
        .and_then(|()| said.read_to_end(&mut words))
        .map_err(at(scratch.path()))?;
    if let Err(error) = unpacked {
        // if git fails, the archive is truncated: report git's error, not that one
        if status.code().is_none_or(|code| code == 0) || is_full(&error) {
            return Err(at(into)(error));
        }
    }
    if !status.success() {
        let words = text(&words);
        if words.contains("did not match any files")
            || words.contains("current working directory is untracked")
        {
            return Err(Error::NoFiles {
                repo: repo.into(),
                commit: short(&commit),
            });
        }
        return Err(failure(repo, &words));
    }
    if fs::read_dir(&files).map_err(at(&files))?.next().is_none() {
        return Err(Error::NoFiles {
            repo: repo.into(),
            commit: short(&commit),
        });
    }
    fs::rename(&files, into).map_err(at(into))?;
    Ok(commit)
}

fn unpack(mut from: impl Read, into: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(&mut from);
    archive.set_preserve_mtime(true);
    archive.unpack(into)?;
    // read to the end: closing the pipe early would make git fail
    io::copy(&mut from, &mut io::sink()).map(drop)
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |error| match error.kind() {
        _ if is_full(&error) => Error::DiskFull(path),
        io::ErrorKind::DirectoryNotEmpty => Error::Occupied(path),
        _ => Error::Io { path, error },
    }
}

fn no_program(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::NoProgram,
        _ => Error::Io {
            path: "git".into(),
            error,
        },
    }
}

/// Runs git in a folder, without the environment variables that point to another
/// repository; a hook or an alias that calls us sets them.
fn git(folder: &Path) -> Result<Command, Error> {
    if !folder.is_dir() {
        return Err(Error::Missing(folder.into()));
    }
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_a_repository(name)) {
        command.env_remove(name);
    }
    // English messages, no questions, and no lock for refreshing the index
    command
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0");
    Ok(command)
}

fn is_of_a_repository(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let Some(rest) = name.strip_prefix("GIT_") else {
        return false;
    };
    // keep git's own location, the repository search, and the user's settings
    let kept = [
        "CEILING_DIRECTORIES",
        "CONFIG_GLOBAL",
        "CONFIG_NOSYSTEM",
        "CONFIG_SYSTEM",
        "DISCOVERY_ACROSS_FILESYSTEM",
        "EXEC_PATH",
    ];
    // a partial clone fetches missing objects
    let fetches = ["SSH", "SSL", "PROXY", "ASKPASS", "HTTP"];
    !kept.contains(&rest) && !fetches.iter().any(|start| rest.starts_with(start))
}

fn check(repo: &Path, output: &Output) -> Result<(), Error> {
    if output.status.success() {
        Ok(())
    } else {
        Err(failure(repo, &text(&output.stderr)))
    }
}

fn failure(repo: &Path, said: &str) -> Error {
    if said.contains("not a git repository") {
        return Error::NotARepository(repo.into());
    }
    if said.contains("dubious ownership") {
        return Error::NotOurs(repo.into());
    }
    let loud = said
        .lines()
        .find(|line| line.starts_with("fatal: ") || line.starts_with("error: "));
    let line = loud.or(said.lines().next()).unwrap_or("nothing");
    let said = line
        .trim_start_matches("fatal: ")
        .trim_start_matches("error: ")
        .into();
    Error::Program {
        repo: repo.into(),
        said,
    }
}

fn unknown(repo: &Path, commit: &str) -> Error {
    let hint = hint(repo, commit).unwrap_or_default();
    Error::UnknownCommit {
        repo: repo.into(),
        commit: if commit.is_empty() {
            "\"\"".into()
        } else {
            commit.into()
        },
        hint,
    }
}

/// A hint about an unknown commit.
fn hint(repo: &Path, commit: &str) -> Option<String> {
    let ask = |args: &[&str]| {
        let output = git(repo).ok()?.args(args).output().ok()?;
        output.status.success().then(|| text(&output.stdout))
    };
    if commit.contains("..") {
        return Some(": a range is more than one commit".into());
    }
    if !commit.starts_with('-')
        && !commit.is_empty()
        && let Some(kind) = ask(&["cat-file", "-t", commit])
    {
        return Some(format!(": it is a {kind}"));
    }
    let refs = ask(&[
        "for-each-ref",
        "--format=%(refname:short)",
        "refs/heads",
        "refs/tags",
        "refs/remotes",
    ])?;
    let mut near: Vec<_> = refs
        .lines()
        .map(|name| (strsim::jaro_winkler(name, commit), name))
        .filter(|(alike, _)| *alike > 0.85)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.truncate(3);
    if !near.is_empty() {
        let names: Vec<_> = near.into_iter().map(|(_, name)| name).collect();
        return Some(format!(" (did you mean {}?)", names.join(", ")));
    }
    let shallow = ask(&["rev-parse", "--is-shallow-repository"])? == "true";
    shallow.then(|| " (the clone is shallow: git fetch --unshallow brings the rest)".into())
}

fn short(commit: &Commit) -> String {
    commit.hash.chars().take(12).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told() {
        let full = io::Error::from_raw_os_error(28);
        assert_eq!(
            at(Path::new("out"))(full).to_string(),
            "no space left for out: free some and try again"
        );
        // as tar passes it on
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let wrapped = io::Error::new(full.kind(), full);
        assert!(matches!(at(Path::new("out"))(wrapped), Error::DiskFull(_)));
    }

    #[test]
    fn what_of_the_environment_stays() {
        let is = |name: &str| is_of_a_repository(OsStr::new(name));
        assert!(
            [
                "GIT_DIR",
                "GIT_INDEX_FILE",
                "GIT_CONFIG_COUNT",
                "GIT_GLOB_PATHSPECS",
                "GIT_TRACE"
            ]
            .into_iter()
            .all(is)
        );
        assert!(
            ![
                "GIT_CONFIG_GLOBAL",
                "GIT_SSH_COMMAND",
                "GIT_EXEC_PATH",
                "PATH",
                "HOME"
            ]
            .into_iter()
            .any(is)
        );
    }
}
