// SPDX-License-Identifier: GPL-2.0
//! Finds the prepared kernels and reads what the preparation noted.

use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

/// One C side to be built: a kernel's source, one of its configurations, and
/// for a control the files that shadow the tree's.
#[derive(Clone, Debug)]
pub struct Side {
    /// As in `c:NAME`.
    pub name: String,
    pub src: PathBuf,
    pub build: PathBuf,
    /// mm/gup.c, or what a control made of it.
    pub gup: PathBuf,
    /// A folder put before the tree's include folders.
    pub shadow: Option<PathBuf>,
    /// `VERSION.PATCHLEVEL` of the Rust revision to compare with.
    pub rust: String,
    pub gup_sha256: String,
    pub config_sha256: String,
    pub origin: String,
    /// For a control, the side that it is derived from and "fault" or
    /// "harmless".
    pub control: Option<(String, String)>,
}

impl Side {
    /// The name as part of a C identifier.
    pub fn ident(&self) -> String {
        self.name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect()
    }

    /// The compiler flags that depend on the kernel's version.
    pub fn since(&self, major: u32, minor: u32) -> Result<bool> {
        let mut parts = self
            .version()?
            .split('.')
            .map(str::to_owned)
            .collect::<Vec<_>>();
        parts.resize(2, "0".into());
        Ok((parts[0].parse::<u32>()?, parts[1].parse::<u32>()?) >= (major, minor))
    }

    fn version(&self) -> Result<String> {
        let makefile = fs::read_to_string(self.src.join("Makefile"))?;
        let field = |key: &str| {
            makefile
                .lines()
                .find_map(|l| l.strip_prefix(key)?.trim().strip_prefix('='))
                .map(|v| v.trim().to_owned())
                .with_context(|| format!("{}: no {key} in Makefile", self.src.display()))
        };
        Ok(format!("{}.{}", field("VERSION")?, field("PATCHLEVEL")?))
    }
}

/// All sides to build, in the order of their names.
pub fn sides(here: &Path, out: &Path) -> Result<Vec<Side>> {
    println!("cargo:rerun-if-env-changed=GUPDIFF_KERNELS_DIR");
    println!("cargo:rerun-if-env-changed=GUPDIFF_EXTRA_KERNEL");
    let dir = match env::var_os("GUPDIFF_KERNELS_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => here.join("../.kernels"),
    };
    let mut sides = Vec::new();
    for name in ["6.1", "6.12"] {
        let kernel = dir.join(name);
        println!("cargo:rerun-if-changed={}", kernel.join("info").display());
        if kernel.join("info").exists() {
            add(&kernel, &mut sides)?;
        }
    }
    if let Some(extra) = env::var_os("GUPDIFF_EXTRA_KERNEL").filter(|v| !v.is_empty()) {
        let extra = PathBuf::from(extra);
        println!("cargo:rerun-if-changed={}", extra.join("info").display());
        add(&extra, &mut sides)?;
    }
    controls(&mut sides, out)?;
    if sides.is_empty() {
        bail!(
            "no prepared kernel in {}: run `make setup` first, or `make setup KERNEL=PATH` \
             with an unpacked kernel tree",
            dir.display()
        );
    }
    Ok(sides)
}

fn add(kernel: &Path, sides: &mut Vec<Side>) -> Result<()> {
    let info = read_info(&kernel.join("info"))?;
    let get = |key: &str| info.get(key).cloned().unwrap_or_default();
    let name = match get("name") {
        n if n.is_empty() => bail!("{}: no name in info", kernel.display()),
        n => n,
    };
    let src = fs::canonicalize(kernel.join("src"))
        .with_context(|| format!("{}: its source is gone; run `make setup`", kernel.display()))?;
    for (suffix, build, config) in [
        ("", "build", "config_sha256"),
        ("-nodebug", "build-nodebug", "config_nodebug_sha256"),
    ] {
        if !kernel.join(build).exists() {
            continue;
        }
        sides.push(Side {
            name: format!("{name}{suffix}"),
            src: src.clone(),
            build: fs::canonicalize(kernel.join(build))?,
            gup: src.join("mm/gup.c"),
            shadow: None,
            rust: format!("{}{suffix}", get("rust")),
            gup_sha256: get("gup_sha256"),
            config_sha256: get(config),
            origin: get("origin"),
            control: None,
        });
    }
    Ok(())
}

fn read_info(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
        .collect())
}

#[cfg(not(feature = "controls"))]
fn controls(_: &mut Vec<Side>, _: &Path) -> Result<()> {
    Ok(())
}

/// One side per control and kernel that it applies to, debug configuration.
#[cfg(feature = "controls")]
fn controls(sides: &mut Vec<Side>, out: &Path) -> Result<()> {
    let bases: Vec<Side> = sides
        .iter()
        .filter(|s| ["6.1", "6.12"].contains(&s.name.as_str()))
        .cloned()
        .collect();
    for base in bases {
        for control in gup_controls::load() {
            if !control.applies_to(&base.name) {
                continue;
            }
            let name = format!("{}+{}", base.name, control.name);
            let dir = out.join("controls").join(&name);
            let shadow = control
                .render(&base.name, &base.src)?
                .write_shadow(&base.src, &dir)?;
            let side = Side {
                name,
                gup: shadow.gup_c,
                shadow: Some(dir),
                control: Some((base.name.clone(), control.kind.to_string())),
                ..base.clone()
            };
            sides.push(side);
        }
    }
    Ok(())
}
