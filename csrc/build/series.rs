// SPDX-License-Identifier: GPL-2.0
//! Compiles the FOLL_PIN series (`series/`) once per version, configuration and variant, for
//! each engine.

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use super::coverage::{self, FLAVOURS};

pub const CLANG: &str = "clang-19";

/// One compilation of `series/`.
struct Variant {
    /// The version, or the variant's name; also the release string.
    name: &'static str,
    version: u32,
    debug: bool,
    /// The variant's macro.
    deviation: Option<&'static str>,
}

const VERSIONS: [(&str, u32); 4] = [("v8", 8), ("v9", 9), ("v10", 10), ("v11", 11)];

/// Variants of the posted code, about which the review speculated: name, version, macro.
const VARIANTS: [(&str, u32, &str); 2] = [
    ("v9-bias32", 9, "GD_SERIES_BIAS32"),
    ("v8-signed", 8, "GD_SERIES_SIGNED"),
];

impl Variant {
    /// All versions in both configurations, then the variants with CONFIG_DEBUG_VM.
    fn all() -> Vec<Self> {
        let versions = VERSIONS.into_iter().flat_map(|(name, version)| {
            [true, false].map(|debug| Self {
                name,
                version,
                debug,
                deviation: None,
            })
        });
        let variants = VARIANTS.map(|(name, version, deviation)| Self {
            name,
            version,
            debug: true,
            deviation: Some(deviation),
        });
        versions.chain(variants).collect()
    }

    /// The NAME of `c:NAME`.
    fn side(&self) -> String {
        let suffix = if self.debug { "" } else { "-nodebug" };
        format!("{}{suffix}", self.name)
    }

    /// The macros, as `NAME=VALUE`.
    fn macros(&self) -> Vec<String> {
        let mut macros = vec![
            format!("GD_SERIES={}", self.version),
            format!("GD_SERIES_NAME=\"{}\"", self.name),
            format!("CONFIG_DEBUG_VM={}", u8::from(self.debug)),
        ];
        macros.extend(self.deviation.map(|name| format!("{name}=1")));
        macros
    }
}

/// Compiles all of them and writes `series.rs`, the table of their objects.
pub fn compile(here: &Path, out: &Path) -> Result<()> {
    let mut sources = Sha256::new();
    for file in files(&here.join("series"))? {
        sources.update(fs::read(file)?);
    }
    let sources = format!("{:x}", sources.finalize());
    let variants = Variant::all();
    // in parallel; cc uses cargo's job server
    let objects: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = variants
            .iter()
            .map(|variant| scope.spawn(|| objects(here, out, variant)))
            .collect();
        threads
            .into_iter()
            .map(|t| t.join().expect("no panic"))
            .collect()
    });
    let mut rust = String::from("static SERIES: &[Series] = &[\n");
    for (variant, objects) in variants.iter().zip(objects) {
        let objects = objects?.into_iter().zip(FLAVOURS);
        let objects =
            objects.map(|(object, flavour)| format!("({flavour:?}, include_bytes!({object:?}))"));
        let objects = objects.collect::<Vec<_>>().join(", ");
        let config = Sha256::digest(variant.macros().join("\n") + "\n");
        writeln!(
            rust,
            "    Series {{ name: {:?}, version: {}, debug_vm: {}, release: {:?}, \
             source_sha256: {sources:?}, config_sha256: \"{config:x}\", \
             objects: [{objects}] }},",
            variant.side(),
            variant.version,
            variant.debug,
            format!("FOLL_PIN series {}", variant.name),
        )?;
    }
    rust.push_str("];\n");
    fs::write(out.join("series.rs"), rust).context("series.rs")
}

/// Its object in each flavour.
fn objects(here: &Path, out: &Path, variant: &Variant) -> Result<Vec<PathBuf>> {
    let dir = out.join("series").join(variant.side());
    fs::create_dir_all(&dir)?;
    let harness = units_of_harness(here, &dir, variant)?;
    let object = |flavour: &&str| {
        let tested = tested(here, &dir, variant, flavour)?;
        link(here, variant, &harness, &tested)
    };
    FLAVOURS.iter().map(object).collect()
}

fn link(here: &Path, variant: &Variant, harness: &[PathBuf], tested: &Path) -> Result<PathBuf> {
    let object = tested.with_extension("so");
    let mut clang = Command::new(CLANG);
    clang
        .args(["-shared", "-nostdlib"])
        .arg(format!("-Wl,-T,{}", here.join("shim/side.lds").display()))
        .arg(format!(
            "-Wl,--version-script={}",
            here.join("shim/side.map").display()
        ))
        .arg("-o")
        .arg(&object)
        .args(harness)
        .arg(tested);
    run(&mut clang, variant)?;
    Ok(object)
}

fn run(clang: &mut Command, variant: &Variant) -> Result<()> {
    let output = clang
        .output()
        .with_context(|| format!("cannot run {CLANG}"))?;
    if !output.status.success() {
        bail!(
            "c:{}: {}",
            variant.side(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Compiles the unit with the code under test in two runs: see `Unit::further` of gup-sides.
fn tested(here: &Path, dir: &Path, variant: &Variant, flavour: &str) -> Result<PathBuf> {
    let mut flags = coverage::flags(here, flavour)?;
    flags.push("-emit-llvm".into());
    let bitcode = units(here, dir, variant, &["series/unit.c"], &flags)?;
    let named = |end: &str| dir.join(format!("{flavour}.{end}"));
    let (from, object) = (named("bc"), named("o"));
    fs::rename(&bitcode[0], &from)?;
    let mut clang = Command::new(CLANG);
    clang
        .args(["-m64", "-fPIE", "-w", "-O2", "-c"])
        .arg(&from)
        .arg("-o")
        .arg(&object);
    run(&mut clang, variant)?;
    Ok(object)
}

fn units_of_harness(here: &Path, dir: &Path, variant: &Variant) -> Result<Vec<PathBuf>> {
    units(
        here,
        dir,
        variant,
        &["shim/harness.c", "shim/kernel.c"],
        &[],
    )
}

fn units(
    here: &Path,
    dir: &Path,
    variant: &Variant,
    sources: &[&str],
    flags: &[String],
) -> Result<Vec<PathBuf>> {
    let mut build = cc::Build::new();
    build
        .compiler(CLANG)
        .no_default_flags(true)
        .warnings(false)
        .cargo_metadata(false)
        .out_dir(dir)
        .flag(format!("@{}", here.join("shim/cflags").display()))
        .flag("-std=gnu11")
        .flag(format!("-fmacro-prefix-map={}/=", root(here).display()));
    for include in ["overlay", "abi", "shim", "series/include"] {
        build.include(here.join(include));
    }
    for name in variant.macros() {
        build.flag(format!("-D{name}"));
    }
    for flag in flags {
        build.flag(flag);
    }
    build.files(sources.iter().map(|source| here.join(source)));
    build
        .try_compile_intermediates()
        .with_context(|| format!("c:{} does not compile", variant.side()))
}

/// The workspace; the paths of sites are relative to it.
fn root(here: &Path) -> &Path {
    here.parent().unwrap_or(here)
}

/// All files below a folder, sorted.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
