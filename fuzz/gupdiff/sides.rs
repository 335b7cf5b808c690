// SPDX-License-Identifier: GPL-2.0
//! Options that choose the sides of a command.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use gup_sides::request::parse_renamed;
use gup_sides::{Request, Store, tree};
use harness::explain;
use harness::input::{Header, NamedSide};
use harness::oracle::Oracle;
use harness::report::Origin;
use harness::side::{self, Pair};

/// A kernel, and two sides.
#[derive(Args, Clone, Debug, Default)]
pub struct SideArgs {
    #[command(flatten)]
    pub kernel: KernelArgs,
    /// The left side, as `gupdiff sides` lists them [default: c:KERNEL]
    #[arg(long, env = "LEFT", value_name = "SIDE", hide_env_values = true)]
    left: Option<String>,
    /// The right side; `none`: only check the laws of the left
    /// [default: the Rust side for the left side]
    #[arg(long, env = "RIGHT", value_name = "SIDE", hide_env_values = true)]
    right: Option<String>,
    /// The resolved names, cached: they are needed for each program.
    #[arg(skip)]
    found: OnceCell<Names>,
}

/// A kernel, and changes of it.
#[derive(Args, Clone, Debug, Default)]
pub struct KernelArgs {
    /// A known kernel (5.10, 6.1, 6.12, 7.3), an added side, a version of the FOLL_PIN series
    /// (v8), or the path of a tree; append -nodebug for CONFIG_DEBUG_VM off
    #[arg(long, env = "KERNEL", value_name = "KERNEL", hide_env_values = true)]
    pub kernel: Option<String>,
    /// Changed options: -CMA,-HUGETLB_PAGE, a file with a fragment of a .config, or `small`:
    /// as few options as possible
    #[arg(
        long,
        env = "CONFIG",
        value_name = "LIST",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub config: Option<String>,
    /// A commit of the kernel tree, which must be a git repository
    #[arg(long, env = "REV", value_name = "COMMIT", hide_env_values = true)]
    pub rev: Option<String>,
    /// A diff, an mbox, or a folder of `git format-patch`
    #[arg(long, env = "PATCH", value_name = "PATH", hide_env_values = true)]
    pub patch: Option<String>,
    /// Functions that have another name in this tree: OLD=NEW,...
    #[arg(long, env = "RENAMED", value_name = "LIST", hide_env_values = true)]
    pub renamed: Option<String>,
}

/// All kernels of the table; with DEBUG_VM only, or with and without it.
pub fn known_kernels(debug_vm_alone: bool) -> Vec<String> {
    side::list()
        .into_iter()
        .map(|info| info.name)
        .filter(|name| {
            let plain = |c: char| c.is_ascii_digit() || c == '.';
            let configured = |n: &str| match debug_vm_alone {
                true => n.chars().all(plain),
                false => n.trim_end_matches("-nodebug").chars().all(plain),
            };
            name.strip_prefix("c:").is_some_and(configured)
        })
        .collect()
}

/// An empty variable, as make passes it, means the default.
fn given(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|text| !text.is_empty())
}

impl KernelArgs {
    fn kernel(&self) -> &str {
        given(&self.kernel).unwrap_or(gup_sides::tree::default_kernel())
    }

    /// The requested commit.
    pub fn commit(&self) -> Option<&str> {
        given(&self.rev)
    }

    /// The requested patch.
    pub fn patch(&self) -> Option<&Path> {
        given(&self.patch).map(Path::new)
    }

    /// Is the kernel changed in any way?
    fn is_changed(&self) -> bool {
        let more = [&self.config, &self.rev, &self.renamed];
        self.patch().is_some() || more.into_iter().any(|text| given(text).is_some())
    }

    /// Is a kernel requested?
    pub fn is_given(&self) -> bool {
        given(&self.kernel).is_some() || self.is_changed()
    }

    /// The named sides, else the requested kernel, else all known kernels.
    pub fn sides_or_known(&self, named: &[String], debug_vm_alone: bool) -> Result<Vec<String>> {
        Ok(match (named.is_empty(), self.is_given()) {
            (false, _) => named.to_vec(),
            (true, true) => vec![self.side()?],
            (true, false) => known_kernels(debug_vm_alone),
        })
    }

    /// The request for the given kernel or the default one.
    pub fn request(&self, name: Option<String>) -> Result<Request> {
        Ok(Request {
            kernel: self.kernel().into(),
            config: given(&self.config).map(str::to_owned),
            rev: given(&self.rev).map(str::to_owned),
            patch: self.patch().map(Path::to_path_buf),
            parts: None,
            renamed: parse_renamed(given(&self.renamed).unwrap_or_default())?,
            name,
        })
    }

    /// Prepares the side, so that it can be compiled, and returns its name.
    pub fn side(&self) -> Result<String> {
        let kernel = self.kernel();
        if csrc::series().iter().any(|series| series.name == kernel) {
            if self.is_changed() {
                bail!(
                    "the FOLL_PIN series has no kernel tree: PATCH=, CONFIG=, REV= and RENAMED= cannot be used with KERNEL={kernel}"
                );
            }
            return Ok(format!("c:{kernel}"));
        }
        let mut resolved = self.request(None)?.resolve(&Store::find())?;
        for note in &resolved.notes {
            eprintln!("note: {note}");
        }
        if !resolved.recipe.known_version {
            let found = explain::explain_tree(&resolved.recipe, resolved.debug_vm)?;
            if found.is_some() {
                // again, with the rules that were found
                resolved = self.request(None)?.resolve(&Store::find())?;
            }
            let (tree, rules) = (&resolved.recipe.tree, &resolved.recipe.rust);
            eprintln!(
                "note: this version has no Rust rules of its own; it follows the rules of {rules} \
                 (gupdiff explain --kernel {tree} describes them)"
            );
            if let Some(differing) = found.map(|found| found.differing).filter(|&n| n > 0) {
                eprintln!(
                    "note: {differing} of {} programs still differ and will be findings. To compare \
                     the tree with its own base instead: make diff",
                    explain::PROGRAMS
                );
            }
        }
        Ok(resolved.side())
    }

    /// The variables that select the same kernel again.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        let mut add = |name, value: Option<String>| {
            all.extend(value.filter(|v| !v.is_empty()).map(|value| (name, value)));
        };
        add("KERNEL", self.kernel.clone());
        add("CONFIG", self.config.clone());
        add("REV", self.rev.clone());
        add("PATCH", self.patch().map(|path| path.display().to_string()));
        add("RENAMED", self.renamed.clone());
        all
    }
}

/// The names of two sides, and how to select them again.
#[derive(Clone, Debug)]
pub struct Names {
    pub left: String,
    pub right: String,
    pub origin: Origin,
}

impl SideArgs {
    /// The requested sides, or the defaults.  They are prepared once, so that they can be
    /// compiled.
    pub fn names(&self) -> Result<Names> {
        if let Some(names) = self.found.get() {
            return Ok(names.clone());
        }
        let names = self.find()?;
        Ok(self.found.get_or_init(|| names).clone())
    }

    fn find(&self) -> Result<Names> {
        let (left, right) = (given(&self.left), given(&self.right));
        let asked = self.kernel.is_given();
        let made = match left {
            Some(_) if !self.kernel.is_changed() => None,
            _ if asked => Some(self.kernel.side()?),
            _ => None,
        };
        let left = match (left, &made) {
            (Some(left), _) => left.to_owned(),
            (None, Some(made)) => made.clone(),
            (None, None) => side::default_left(),
        };
        ready(&left)?;
        let right = match right {
            Some(right) => right.to_owned(),
            None => side::default_right(&left),
        };
        ready(&right)?;
        Ok(Names {
            left,
            right,
            origin: self.origin(),
        })
    }

    /// Fails if a requested side does not exist.
    pub fn check(&self) -> Result<()> {
        let asked = self.kernel.is_given();
        if asked || given(&self.left).is_some() {
            let names = self.names()?;
            side::describe(&names.left)?;
            side::describe(&names.right)?;
        } else if let Some(right) = given(&self.right) {
            side::describe(right)?;
        }
        Ok(())
    }

    /// Opens both sides.
    pub fn pair(&self) -> Result<Pair> {
        let names = self.names()?;
        Ok(Pair::open(&names.left, &names.right)?)
    }

    /// An oracle on both sides.
    pub fn oracle(&self) -> Result<Oracle> {
        Ok(Oracle::new(self.pair()?))
    }

    /// The sides for a program: the requested ones, else those that its header names, else the
    /// default ones.
    pub fn choose(&self, header: &Header, path: &str) -> Result<Chosen> {
        let asked = self.kernel.is_given();
        let (left, right) = (given(&self.left), given(&self.right));
        if asked || left.is_some() {
            let names = self.names()?;
            return Ok(Chosen {
                left: names.left,
                right: names.right,
                used: Vec::new(),
                origin: names.origin,
            });
        }
        let used: Vec<NamedSide> = match right {
            Some(_) => header.left.iter().cloned().collect(),
            None => header.left.iter().chain(&header.right).cloned().collect(),
        };
        if let Some(side) = used.iter().find(|side| side::describe(&side.name).is_err()) {
            let variables = header.make.as_deref().unwrap_or("KERNEL=... PATCH=...");
            bail!(
                "{path} was found with `{}`, which does not exist here; to make it and run the program: \
                 {variables} scripts/gupdiff run {path} (or choose other sides: --left, --right)",
                side.name
            );
        }
        let left = header.left.as_ref().map(|side| side.name.clone());
        let left = left.unwrap_or_else(side::default_left);
        let right = right
            .map(str::to_owned)
            .or(header.right.as_ref().map(|side| side.name.clone()));
        let right_given = right.is_some() && given(&self.right).is_some();
        let right = right.unwrap_or_else(|| side::default_right(&left));
        let origin = match (&header.make, used.is_empty()) {
            (_, true) => self.origin(),
            (Some(make), false) => Origin {
                make: Some(make.clone()),
                named: right_given,
            },
            (None, false) => Origin {
                named: true,
                ..Origin::from_env()
            },
        };
        Ok(Chosen {
            left,
            right,
            used,
            origin,
        })
    }

    /// For reports: how to select the same sides again.
    pub fn origin(&self) -> Origin {
        let mut variables = self.kernel.variables();
        let (left, right) = (given(&self.left), given(&self.right));
        variables.extend(left.map(|left| ("LEFT", left.to_owned())));
        variables.extend(right.map(|right| ("RIGHT", right.to_owned())));
        match variables.is_empty() {
            true => Origin::from_env(),
            false => Origin::of_variables(&variables),
        }
    }
}

/// What `gupdiff diff` compares.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    #[command(flatten)]
    sides: SideArgs,
    /// The commit of KERNEL's git tree to compare with
    #[arg(long, env = "BASE", value_name = "COMMIT", hide_env_values = true)]
    base: Option<String>,
}

impl DiffArgs {
    /// The base on the left, the changed kernel on the right; LEFT and RIGHT override them.
    pub fn names(&self) -> Result<Names> {
        let kernel = &self.sides.kernel;
        let (left, right) = (given(&self.sides.left), given(&self.sides.right));
        if let (Some(left), Some(right)) = (left, right) {
            let (left, right) = (left.to_owned(), right.to_owned());
            ready(&left)?;
            ready(&right)?;
            return Ok(Names {
                origin: sides_as_variables(&left, &right),
                left,
                right,
            });
        }
        let mut base = kernel.clone();
        (base.patch, base.renamed) = (None, None);
        if let Some(commit) = given(&self.base) {
            base.rev = Some(commit.into());
        } else if kernel.patch().is_none() {
            if given(&kernel.rev).is_some() {
                bail!(
                    "REV= needs a commit to compare with: BASE=COMMIT (REV^ for the commit before it)"
                );
            }
            let tree = given(&kernel.kernel).filter(|k| gup_sides::request::is_path(k));
            let Some(tree) = tree else {
                bail!(
                    "make diff compares a changed kernel with its base: give PATCH=, or KERNEL=PATH with \
                     BASE=COMMIT, or two sides, LEFT= and RIGHT="
                );
            };
            if !gup_sides::git::is_repository(Path::new(tree))? {
                bail!("{tree} is not a git tree: give PATCH= with the change, or LEFT= and RIGHT=");
            }
            // uncommitted changes
            base.rev = Some("HEAD".into());
        }
        let left = match left {
            Some(left) => left.to_owned(),
            None => base.side()?,
        };
        let right = match right {
            Some(right) => right.to_owned(),
            None => kernel.side()?,
        };
        // on another machine the patched side is made from the patch, and compared with the base
        let mut variables = kernel.variables();
        variables.push(("RIGHT", left.clone()));
        let origin = match kernel.patch() {
            Some(_) => Origin::of_variables(&variables),
            None => sides_as_variables(&left, &right),
        };
        Ok(Names {
            left,
            right,
            origin,
        })
    }
}

/// The names of added sides select them again.
fn sides_as_variables(left: &str, right: &str) -> Origin {
    Origin::of_variables(&[("LEFT", left.into()), ("RIGHT", right.into())])
}

/// Prepares a kernel of the table when it is first requested.
fn ready(side: &str) -> Result<()> {
    if let Some(name) = side.strip_prefix("c:") {
        let (kernel, _) = gup_sides::recipe::split_name(name);
        let (kernel, _) = gup_sides::config::split(kernel);
        if tree::is_known(kernel) {
            let request = Request {
                kernel: name.into(),
                ..Request::default()
            };
            request.resolve(&Store::find())?;
        }
    }
    Ok(())
}

/// The sides for one program.
pub struct Chosen {
    pub left: String,
    pub right: String,
    /// The sides that were taken from the program's header.
    pub used: Vec<NamedSide>,
    /// How to select them again.
    pub origin: Origin,
}

impl Chosen {
    /// Opens an oracle on both.
    pub fn open(&self) -> Result<Oracle> {
        Ok(Oracle::new(Pair::open(&self.left, &self.right)?))
    }

    /// A note if a side has changed since the header was written.
    pub fn changed(&self) -> Option<String> {
        let (was, is) = self.used.iter().find_map(|was| {
            let is = side::describe(&was.name).ok()??.to_string();
            (was.info != is && was.info != was.name).then_some((was, is))
        })?;
        Some(format!(
            "{} has changed since this was found\n  then  {}\n  now   {is}",
            was.name, was.info
        ))
    }
}
