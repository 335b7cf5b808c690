// SPDX-License-Identifier: GPL-2.0
//! From a tree, a configuration and a flavour to one shared object.

mod caller;
mod detect;
mod flavour;
mod gaps;
mod unit;

pub use detect::Piece;
pub use flavour::Flavour;

use caller::clang;
use detect::Edits;

use crate::{
    Store,
    error::{Error, Result, at},
    overlay::Overlay,
    store::{self, sha256},
    tree::{self, Tree},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};
use unit::{Compiled, Unit, Units, harness};

/// Kernel files that are compiled as they are, besides mm/gup.c: the option under which
/// kbuild does so, and flags of their own.
const KERNEL_FILES: [(&str, &str, &[&str]); 7] = [
    // nobody looks at what it prints
    ("mm/memory.c", "CONFIG_MMU", &["-include", "quiet.h"]),
    ("mm/huge_memory.c", "CONFIG_TRANSPARENT_HUGEPAGE", &[]),
    // its callees are answered by the script
    (
        "mm/hugetlb.c",
        "CONFIG_HUGETLB_PAGE",
        &["-include", "hugetlb.h"],
    ),
    ("arch/x86/mm/pgtable.c", "CONFIG_MMU", &[]),
    // its callers are answered by the script
    (
        "mm/memremap.c",
        "CONFIG_ZONE_DEVICE",
        &["-Dget_dev_pagemap=gd_real_get_dev_pagemap"],
    ),
    ("mm/pgtable-generic.c", "CONFIG_MMU", &[]),
    ("arch/x86/mm/hugetlbpage.c", "CONFIG_HUGETLB_PAGE", &[]),
];

/// What a side is compiled from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The side's name, for messages.
    pub name: String,
    /// The tree.
    pub tree: Tree,
    /// Which of its configurations.
    pub debug_vm: bool,
    /// What a patch changes in it.
    pub overlay: Overlay,
    /// Functions that go by another name: `(name in this tree, known name)`.
    pub renamed: Vec<(String, String)>,
    /// Compile for many short runs: half the time, slower code.
    pub quick: bool,
    /// The overlay changes what functions do, and nothing that the harness is compiled
    /// against: that is compiled as without it.
    pub bodies_only: bool,
}

/// What an object is, beside it in `side.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// The kernel's own release string.
    pub release: String,
    /// VERSION and PATCHLEVEL.
    pub version: (u16, u16),
    /// CONFIG_DEBUG_VM.
    pub debug_vm: bool,
    /// sha256 of mm/gup.c.
    pub gup_sha256: String,
    /// sha256 of the configuration.
    pub config_sha256: String,
    /// The engine's flavour.
    pub flavour: String,
    /// What the harness knows and the tree does not have.
    pub absent: Vec<Piece>,
    /// The compiler's first message about what is absent.
    #[serde(default)]
    pub message: Option<String>,
    /// Options that the configuration lacks.
    pub lacks: Vec<String>,
    /// Functions that go by another name: `(name in this tree, known name)`.
    pub renamed: Vec<(String, String)>,
    /// Hash of all that the object was made from.
    pub key: String,
}

/// An object that is there.
#[derive(Clone, Debug)]
pub struct Built {
    /// The shared object.
    pub object: PathBuf,
    /// What it is.
    pub description: Description,
}

impl Built {
    /// The object of a folder in `.kernels/objects`.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join("side.json");
        let text = fs::read(&path).map_err(at(&path))?;
        Ok(Self {
            object: dir.join("side.so"),
            description: serde_json::from_slice(&text)
                .map_err(|e| Error::Damaged(dir.into(), e.to_string()))?,
        })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.object.parent().unwrap_or(Path::new("."))
    }
}

impl Source {
    /// The object for an engine, compiled if it has to be.
    pub fn compile(&self, store: &Store, flavour: Flavour) -> Result<Built> {
        let units = Units {
            store,
            side: &self.name,
            overlay: &self.overlay,
        };
        let mut list = self.units(store, &units, flavour)?;
        let unchanged = Units {
            overlay: &Overlay::default(),
            ..units
        };
        if self.bodies_only {
            // the tree lacks what it lacks without the overlay
            let tree = Self {
                overlay: Overlay::default(),
                ..self.clone()
            };
            let of_gup = tree.units(store, &unchanged, flavour)?.swap_remove(OF_GUP);
            list[OF_GUP].lacking = unchanged.compile(&of_gup)?.edits;
        }
        let compiled = all(&list, |unit| match self.bodies_only && unit.of_harness {
            true => unchanged.compile(unit),
            false => units.compile(unit),
        })?;
        let key = self.key(&compiled, flavour);
        let dir = store.objects().join(&key);
        if let Ok(built) = Built::read(&dir) {
            store::used(&dir);
            return Ok(built);
        }
        let _lock = store.lock(&format!("object-{}", &key[..16]))?;
        if let Ok(built) = Built::read(&dir) {
            return Ok(built);
        }
        let scratch = store::scratch(&dir)?;
        let objects: Vec<_> = compiled.iter().map(|c| c.object.clone()).collect();
        self.link(store, &objects, scratch.path())?;
        let description = self.describe(&compiled, flavour, key)?;
        let text = serde_json::to_vec_pretty(&description).map_err(std::io::Error::other);
        let path = scratch.path().join("side.json");
        fs::write(&path, text.map_err(at(&path))?).map_err(at(&path))?;
        store::publish(scratch, &dir)?;
        Built::read(&dir)
    }

    fn units(&self, store: &Store, units: &Units, flavour: Flavour) -> Result<Vec<Unit>> {
        let harness = harness();
        let src = &self.tree.src;
        let gup = src.join("mm/gup.c");
        let mut tested: Vec<String> = flavour.flags().map(str::to_owned).collect();
        tested.extend(caller::flags());
        // lines are looked up in what the compiler says of them
        let quick = self.quick && flavour != Flavour::Lines;
        if quick {
            tested.extend(QUICK.map(str::to_owned));
        }
        let mut of_gup = tested.clone();
        of_gup.push(format!("-DGD_GUP_SOURCE=\"{}\"", gup.display()));
        if let Some(header) = self.renames(store)? {
            of_gup.push(format!("-DGD_RENAMES=\"{}\"", header.display()));
        }
        let unit_c = harness.join("shim/unit.c");
        // Instrumentation comes last in a run, after inlining, so the calls that announce a
        // load are inlined by another one (shim/loads.h): there are very many of them. It
        // takes longer than what it saves in a few thousand programs.
        let further: Vec<Vec<String>> = flavour.further().collect();
        let further_of_gup = match further.is_empty() {
            true if quick => Vec::new(),
            true => vec![["-m64", "-fPIE", "-w", "-O2"].map(str::to_owned).to_vec()],
            false => further.clone(),
        };
        // the first one: OF_GUP
        let mut list = vec![(unit_c.clone(), of_gup)];
        let built_in = self.tree.built_in(self.debug_vm)?;
        let wanted = KERNEL_FILES
            .iter()
            .filter(|(_, on, _)| built_in.contains(*on));
        for (file, _, own) in wanted {
            let file = src.join(file);
            // A tree may do without: what it defines is a gap then.
            if self.overlay.real(&file).exists() {
                let mut flags = tested.clone();
                flags.extend(["-ffunction-sections", "-fdata-sections"].map(str::to_owned));
                flags.extend(own.iter().map(|&flag| flag.to_owned()));
                list.push((file, flags));
            }
        }
        let executed = (flavour == Flavour::Lines).then_some("shim/executed.c");
        for file in ["shim/harness.c", "shim/kernel.c"]
            .into_iter()
            .chain(executed)
        {
            list.push((harness.join(file), Vec::new()));
        }
        let common = self.common_flags()?;
        let of_gup = self.gup_sha256()?;
        let unit = |(source, flags): (PathBuf, Vec<String>)| {
            let name = source.file_stem().unwrap_or_default().display().to_string();
            let kbuild = [
                format!("-DKBUILD_MODFILE=\"{name}\""),
                format!("-DKBUILD_BASENAME=\"{name}\""),
                format!("-DKBUILD_MODNAME=\"{name}\""),
                format!("-D__KBUILD_MODNAME=kmod_{name}"),
            ];
            let of_harness = source.starts_with(&harness) && source != unit_c;
            Unit {
                further: match source == unit_c {
                    true => further_of_gup.clone(),
                    false if of_harness => Vec::new(),
                    false => further.clone(),
                },
                of: if source == unit_c {
                    of_gup.clone()
                } else {
                    String::new()
                },
                of_harness,
                lacking: Edits::default(),
                source,
                args: common.iter().cloned().chain(kbuild).chain(flags).collect(),
            }
        };
        if quick {
            // most of the time goes into parsing the kernel's headers
            let mut flags = tested;
            // contents are what counts: a file may be checked out again
            let header = ["-Xclang", "-fno-pch-timestamp", "-x", "c-header"];
            flags.extend(header.map(str::to_owned));
            let mut headers = unit((harness.join("shim/harness.h"), flags));
            headers.args.retain(|arg| !arg.contains("KBUILD_"));
            let headers = units.compile(&headers)?.object.display().to_string();
            list[OF_GUP].1.extend(["-include-pch".to_owned(), headers]);
        }
        Ok(list.into_iter().map(unit).collect())
    }

    /// The kernel's own flags, less what keeps code from running in user mode;
    /// the overlay headers come before the kernel's.
    fn common_flags(&self) -> Result<Vec<String>> {
        let harness = harness();
        let mut flags: Vec<String> = include_str!("../../../shim/cflags")
            .lines()
            .map(str::to_owned)
            .collect();
        for dir in ["overlay", "abi", "shim"] {
            flags.push(format!("-I{}", harness.join(dir).display()));
        }
        flags.extend(tree::language_flags(&self.tree, self.debug_vm)?);
        // mm/internal.h, for what is not in mm/
        flags.push(format!("-I{}", self.tree.src.join("mm").display()));
        flags.push(format!("-fmacro-prefix-map={}/=", self.tree.src.display()));
        Ok(flags)
    }

    /// A header that lets the operations call functions by the names that they
    /// have here; see `csrc/shim/unit.c` and `redirect.h`.
    fn renames(&self, store: &Store) -> Result<Option<PathBuf>> {
        if self.renamed.is_empty() {
            return Ok(None);
        }
        let gup = self.tree.src.join("mm/gup.c");
        let gup = self.overlay.real(&gup);
        let text = fs::read_to_string(gup).map_err(at(gup))?;
        let mut header = String::from("#ifdef GD_BEFORE_GUP\n");
        for (new, known) in self
            .renamed
            .iter()
            .filter(|(_, known)| REDIRECTED.contains(&known.as_str()))
        {
            header += &format!(
                "#define gd_slow_{new} gd_slow_{known}\n\
                 #define GD_CALL_{new}(...) GD_SLOW({new}, __VA_ARGS__)\n\
                 #define {new}(...) GD_USE({new}, __VA_ARGS__)\n"
            );
        }
        header += "#else\n";
        for (new, known) in &self.renamed {
            // Of a helper that was split the old name may still be there.
            if !words(&text).any(|word| word == known) {
                header += &format!("#define {known} {new}\n");
            }
        }
        header += "#endif\n";
        let path = store
            .overlays()
            .join(format!("renames-{}.h", &sha256(&header)[..16]));
        if !path.exists() {
            store::write(&path, header.as_bytes())?;
        }
        store::used(&path);
        Ok(Some(path))
    }

    fn key(&self, compiled: &[Compiled], flavour: Flavour) -> String {
        let mut hash = Sha256::new();
        for unit in compiled {
            hash.update(&unit.key);
        }
        hash.update(include_str!("../../../shim/side.lds"));
        hash.update(include_str!("../../../shim/side.map"));
        hash.update(format!(
            "{GAP_FLAGS:?} {LINK_FLAGS:?} {:?} {:?}",
            caller::link_flags(),
            gaps::ELSEWHERE
        ));
        hash.update(format!("{:?} {flavour} {}", self.renamed, self.debug_vm));
        format!("{:x}", hash.finalize())
    }

    /// One object, one global symbol: sides must not see each other.
    fn link(&self, store: &Store, units: &[PathBuf], dir: &Path) -> Result<()> {
        let failed = |output: &std::process::Output| {
            let text = String::from_utf8_lossy(&output.stderr);
            let first = text
                .lines()
                .find(|l| l.contains("error") || l.contains("ld: "));
            Error::Link {
                side: self.name.clone(),
                first: first.or(text.lines().next()).unwrap_or("no message").into(),
            }
        };
        let run = |command: &mut Command| {
            let output = command
                .output()
                .map_err(|_| Error::Missing(clang().into()))?;
            match output.status.success() {
                true => Ok(()),
                false => Err(failed(&output)),
            }
        };
        // many sides have the same gaps
        let source = gaps::source(units)?;
        let kept = sha256(format!("{GAP_FLAGS:?}{source}"));
        let object = store.units().join(format!("gaps-{kept}.o"));
        if !object.exists() {
            let (gaps, scratch) = (dir.join("gaps.c"), dir.join("gaps.o"));
            fs::write(&gaps, source).map_err(at(&gaps))?;
            run(Command::new(clang())
                .args(GAP_FLAGS)
                .arg(&gaps)
                .arg("-o")
                .arg(&scratch))?;
            fs::rename(&scratch, &object).map_err(at(&object))?;
            fs::remove_file(&gaps).map_err(at(&gaps))?;
        }
        store::used(&object);
        let shim = harness().join("shim");
        run(Command::new(clang())
            .args(LINK_FLAGS)
            .arg(format!("-Wl,-T,{}", shim.join("side.lds").display()))
            .arg(format!(
                "-Wl,--version-script={}",
                shim.join("side.map").display()
            ))
            .arg("-o")
            .arg(dir.join("side.so"))
            .args(units)
            .arg(&object)
            .args(caller::link_flags()))
    }

    fn describe(
        &self,
        compiled: &[Compiled],
        flavour: Flavour,
        key: String,
    ) -> Result<Description> {
        let mut absent: Vec<_> = compiled.iter().flat_map(|c| c.absent.clone()).collect();
        absent.sort();
        absent.dedup();
        Ok(Description {
            release: self.tree.release(self.debug_vm),
            version: self.tree.version(),
            debug_vm: self.debug_vm,
            gup_sha256: self.gup_sha256()?,
            config_sha256: self.tree.config_sha256(self.debug_vm)?,
            flavour: flavour.name().into(),
            absent,
            message: compiled.iter().find_map(|c| c.message.clone()),
            lacks: self.tree.lacks(self.debug_vm),
            renamed: self.renamed.clone(),
            key,
        })
    }

    /// sha256 of the mm/gup.c that is compiled.
    pub fn gup_sha256(&self) -> Result<String> {
        let gup = self.tree.src.join("mm/gup.c");
        let gup = self.overlay.real(&gup);
        Ok(sha256(fs::read(gup).map_err(at(gup))?))
    }
}

/// A shared object with what the objects of engines call, for a process without one.
pub fn runtime(store: &Store) -> Result<PathBuf> {
    const FLAGS: [&str; 5] = ["-O1", "-w", "-fPIC", "-shared", "-nostdlib"];
    let source = harness().join("flavours/runtime.c");
    let text = fs::read(&source).map_err(at(&source))?;
    let key = sha256([format!("{FLAGS:?}").as_bytes(), &text].concat());
    let path = store.objects().join(format!("runtime-{key}.so"));
    if !path.exists() {
        fs::create_dir_all(store.objects()).map_err(at(&path))?;
        let new = tempfile::NamedTempFile::new_in(store.objects()).map_err(at(&path))?;
        let mut command = Command::new(clang());
        command.args(FLAGS).arg(&source).arg("-o").arg(new.path());
        let output = command
            .output()
            .map_err(|_| Error::Missing(clang().into()))?;
        if !output.status.success() {
            return Err(Error::Link {
                side: "the runtime".into(),
                first: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        new.persist(&path).map_err(|e| at(&path)(e.error))?;
    }
    store::used(&path);
    Ok(path)
}

/// Which of a side's units has mm/gup.c.
const OF_GUP: usize = 0;

/// How code differs that is compiled for a few thousand programs: nobody debugs
/// it (the sites of WARNs have lines of their own), and nobody minds if it is
/// slower. Without any optimisation the kernel does not compile, and sites that
/// can never be reached would count.
const QUICK: [&str; 3] = ["-g0", "-O1", "-fno-inline-functions"];

/// How the stubs of gaps are compiled.  Each is a section, so that those that
/// nobody calls are left out.
const GAP_FLAGS: [&str; 7] = [
    "-O1",
    "-w",
    "-ffunction-sections",
    "-fno-builtin",
    "-ffreestanding",
    "-fPIE",
    "-c",
];

/// How a side is linked: without what nobody reaches of the kernel's other files.
const LINK_FLAGS: [&str; 3] = ["-shared", "-nostdlib", "-Wl,--gc-sections"];

/// Functions of mm/gup.c whose calls go to the script: `csrc/shim/redirect.h`.
const REDIRECTED: [&str; 2] = ["__gup_longterm_locked", "get_user_pages_unlocked"];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// Does something for each of a list, on as many threads as there are
/// processors; the first error is returned.
fn all<T: Sync, R: Send>(list: &[T], f: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    let work = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = list.get(i) else { break done };
            done.push((i, f(item)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.min(list.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Vec<_>>| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        threads.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}
