// SPDX-License-Identifier: GPL-2.0
//! The files that are needed to boot a kernel, as `scripts/live` installs them.
//!
//! ```text
//! .kernels/live/NAME/kernel       the image, as the distribution built it
//! .kernels/live/NAME/gupdiff.ko   the module, built for it
//! .kernels/live/NAME/init         the guest's only process
//! .kernels/live/NAME/info         name, version, rev, debug_vm, config_sha256
//! ```

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use gup::Rules;
use gup_sides::tree;

use super::Error;
use crate::ops::Rev;
use crate::side::SideInfo;

/// A kernel that can be booted.
pub struct Kit {
    /// The side for it.
    pub info: SideInfo,
    /// The kernel image.
    pub kernel: PathBuf,
    /// The module's bytes.
    pub module: Vec<u8>,
    /// The bytes of the guest's only process.
    pub init: Vec<u8>,
}

/// The folder with the files of all kernels.
fn folder() -> PathBuf {
    let kernels = match env::var_os("GUPDIFF_KERNELS_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.kernels"),
    };
    kernels.join("live")
}

/// All sides that can be booted.
pub fn infos() -> Vec<SideInfo> {
    let mut infos: Vec<SideInfo> = fs::read_dir(folder())
        .into_iter()
        .flatten()
        .filter_map(|entry| parse(&fs::read_to_string(entry.ok()?.path().join("info")).ok()?))
        .collect();
    infos.sort_by_cached_key(|i| (i.debug_vm, i.rev.place(), i.name.clone()));
    infos
}

/// The side that an info file describes; `None` if it does not describe one.
fn parse(text: &str) -> Option<SideInfo> {
    let get = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(k, _)| *k == key)
            .map(|(_, value)| value.trim().to_string())
    };
    let rev: Rev = get("rev")?.parse().ok()?;
    let debug_vm = get("debug_vm")? == "y";
    let release = get("version");
    let point = tree::point(release.as_deref().unwrap_or_default());
    let rules = Rules::by_name(&rev.to_string())?;
    let rules = rules.at_point(point).with_debug_vm(debug_vm);
    Some(SideInfo {
        name: format!("live:{}", get("name")?),
        rev,
        point,
        debug_vm,
        release,
        gup_sha256: None,
        config_sha256: get("config_sha256"),
        counterpart: Some(format!("rust:{}", rules.name())),
        origin: None,
        lacks: Vec::new(),
        message: None,
    })
}

impl Kit {
    /// The files of the kernel with that name.
    pub fn find(name: &str) -> Result<Self, Error> {
        let dir = folder().join(name);
        let missing = || Error::NotSetUp(name.into());
        if !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
        {
            return Err(missing());
        }
        let text = fs::read_to_string(dir.join("info")).map_err(|_| missing())?;
        let read = |file: &str| fs::read(dir.join(file)).map_err(|_| missing());
        Ok(Self {
            info: parse(&text).ok_or_else(missing)?,
            kernel: dir.join("kernel"),
            module: read("gupdiff.ko")?,
            init: read("init")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_info_file_describes_a_side() {
        let text = "name=6.1\nversion=6.1.0-56-amd64\nrev=6.1\ndebug_vm=n\nconfig_sha256=ab\n";
        let info = parse(text).unwrap();
        assert_eq!(info.name, "live:6.1");
        assert_eq!(info.counterpart.as_deref(), Some("rust:6.1-nodebug"));
        assert!(!info.debug_vm);
        assert_eq!(parse("name=6.1\n"), None);
    }

    #[test]
    fn a_kernel_that_is_not_set_up_says_what_to_do() {
        for name in ["9.9", "../6.1"] {
            let error = match Kit::find(name) {
                Ok(_) => panic!("{name} was found"),
                Err(error) => error.to_string(),
            };
            assert!(error.contains("make live KERNEL="), "{error}");
        }
    }
}
