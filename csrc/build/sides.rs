// SPDX-License-Identifier: GPL-2.0
//! The C sides to be built.

use super::{prepared, series};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One C side to be built.
#[derive(Clone, Debug)]
pub struct Side {
    /// As in `c:NAME`.
    pub name: String,
    pub code: Code,
    /// Revision of the Rust side to compare with.
    pub rust: String,
    pub gup_sha256: String,
    pub config_sha256: String,
    pub origin: String,
    /// For a control, the side that it is derived from and "fault" or
    /// "harmless".
    pub control: Option<(String, String)>,
}

/// What a side is compiled from.
#[derive(Clone, Debug)]
pub enum Code {
    Kernel(KernelCode),
    Series(series::Variant),
}

/// A kernel's source, one of its configurations, and for a control the files
/// that shadow the tree's.
#[derive(Clone, Debug)]
pub struct KernelCode {
    pub src: PathBuf,
    pub build: PathBuf,
    /// mm/gup.c, or what a control made of it.
    pub gup: PathBuf,
    /// A folder put before the tree's include folders.
    pub shadow: Option<PathBuf>,
}

impl Side {
    /// The name as part of a C identifier.
    pub fn ident(&self) -> String {
        ident(&self.name)
    }

    /// Name of the side that a control is derived from.
    pub fn base(&self) -> Option<&str> {
        self.control.as_ref().map(|(base, _)| base.as_str())
    }

    /// The folder that the names of its source files start at.
    pub fn tree<'a>(&'a self, here: &'a Path) -> &'a Path {
        match &self.code {
            Code::Kernel(kernel) => &kernel.src,
            Code::Series(_) => here.parent().unwrap_or(here),
        }
    }
}

/// A side's name as part of a C identifier.
pub fn ident(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

impl KernelCode {
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

/// All sides to build: the prepared kernels, if there are any, the FOLL_PIN
/// series, which needs none of them, and the controls.
pub fn all(here: &Path, out: &Path) -> Result<Vec<Side>> {
    let mut sides = prepared::sides(here)?;
    let controls = controls(&sides, out)?;
    sides.extend(series::sides(here)?);
    sides.extend(controls);
    Ok(sides)
}

#[cfg(not(feature = "controls"))]
fn controls(_: &[Side], _: &Path) -> Result<Vec<Side>> {
    Ok(Vec::new())
}

/// Sides for the controls, in the debug configuration: one for each kernel that
/// a control applies to.  Those of the walk are many, so each of them that two
/// kernels have is planted in one of them, by turns, unless
/// `GUPDIFF_CONTROLS=all` asks for both.
#[cfg(feature = "controls")]
fn controls(sides: &[Side], out: &Path) -> Result<Vec<Side>> {
    println!("cargo:rerun-if-env-changed=GUPDIFF_CONTROLS");
    let all = std::env::var("GUPDIFF_CONTROLS").is_ok_and(|which| which == "all");
    let mut derived = Vec::new();
    for base in sides {
        let Code::Kernel(kernel) = &base.code else {
            continue;
        };
        if !["6.1", "6.12"].contains(&base.name.as_str()) {
            continue;
        }
        for (i, control) in gup_controls::load().into_iter().enumerate() {
            let in_both = control.applies_to("6.1") && control.applies_to("6.12");
            let turn = ["6.1", "6.12"][i % 2] == base.name;
            let elsewhere = in_both && control.name.starts_with("walk-") && !turn && !all;
            if !control.applies_to(&base.name) || elsewhere {
                continue;
            }
            let name = format!("{}+{}", base.name, control.name);
            let dir = out.join("controls").join(&name);
            let shadow = control
                .render(&base.name, &kernel.src)?
                .write_shadow(&kernel.src, &dir)?;
            derived.push(Side {
                name,
                code: Code::Kernel(KernelCode {
                    gup: shadow.gup_c,
                    shadow: Some(dir),
                    ..kernel.clone()
                }),
                control: Some((base.name.clone(), control.kind.to_string())),
                ..base.clone()
            });
        }
    }
    Ok(derived)
}
