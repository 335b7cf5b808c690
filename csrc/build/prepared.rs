// SPDX-License-Identifier: GPL-2.0
//! Finds the prepared kernels and reads what the preparation noted.

use super::sides::{Code, KernelCode, Side};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

/// Every configuration of every prepared kernel.
pub fn sides(here: &Path) -> Result<Vec<Side>> {
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
            code: Code::Kernel(KernelCode {
                src: src.clone(),
                build: fs::canonicalize(kernel.join(build))?,
                gup: src.join("mm/gup.c"),
                shadow: None,
            }),
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
