// SPDX-License-Identifier: GPL-2.0
//! Compiles a tree, in a configuration and a flavour, to a shared object.

mod caller;
mod detect;
mod flavour;
mod gaps;
mod link;
mod module;
mod unit;

pub use detect::Piece;
pub use flavour::Flavour;
pub use link::runtime;
pub use module::build_module;

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
    sync::atomic::{AtomicUsize, Ordering},
};
use unit::{Compiled, Unit, Units, harness};

/// Kernel files that are compiled unmodified, besides mm/gup.c: the option that enables
/// them in kbuild, and extra flags.
const KERNEL_FILES: [(&str, &str, &[&str]); 7] = [
    // without its printk()s
    ("mm/memory.c", "CONFIG_MMU", &["-include", "quiet.h"]),
    ("mm/huge_memory.c", "CONFIG_TRANSPARENT_HUGEPAGE", &[]),
    // the script answers calls to its callees
    (
        "mm/hugetlb.c",
        "CONFIG_HUGETLB_PAGE",
        &["-include", "hugetlb.h"],
    ),
    ("arch/x86/mm/pgtable.c", "CONFIG_MMU", &[]),
    // the script answers calls to its callers
    (
        "mm/memremap.c",
        "CONFIG_ZONE_DEVICE",
        &["-include", "memremap.h"],
    ),
    ("mm/pgtable-generic.c", "CONFIG_MMU", &[]),
    ("arch/x86/mm/hugetlbpage.c", "CONFIG_HUGETLB_PAGE", &[]),
];

/// The input of a compilation.
#[derive(Clone, Debug)]
pub struct Source {
    /// The side's name, for messages.
    pub name: String,
    /// The tree.
    pub tree: Tree,
    /// Which of its configurations.
    pub debug_vm: bool,
    /// The files that a patch changes.
    pub overlay: Overlay,
    /// Renamed functions: `(name in this tree, known name)`.
    pub renamed: Vec<(String, String)>,
    /// Compile quickly, for many short runs: half the time, slower code.
    pub quick: bool,
    /// The overlay changes function bodies only, nothing that the harness depends on; so only
    /// mm/gup.c and the changed files are compiled with the overlay.
    pub bodies_only: bool,
}

/// The description of an object, in `side.json` next to it.
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
    /// The flavour.
    pub flavour: String,
    /// What the harness uses and the tree does not have.
    pub absent: Vec<Piece>,
    /// The compiler's first error about something absent.
    #[serde(default)]
    pub message: Option<String>,
    /// Options that the configuration lacks.
    pub lacks: Vec<String>,
    /// Renamed functions: `(name in this tree, known name)`.
    pub renamed: Vec<(String, String)>,
    /// Hash of all inputs.
    pub key: String,
}

/// A compiled object.
#[derive(Clone, Debug)]
pub struct Built {
    /// The shared object.
    pub object: PathBuf,
    /// Its description.
    pub description: Description,
}

impl Built {
    /// Loads the object of a folder in `.kernels/objects`.
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
    /// Compiles the object for a flavour, if necessary.
    pub fn compile(&self, store: &Store, flavour: Flavour) -> Result<Built> {
        let units = Units {
            store,
            side: &self.name,
            overlay: &self.overlay,
        };
        let mut list = self.units(store, &units, flavour)?;
        let unchanged = units.unchanged();
        if self.bodies_only {
            // an overlay does not change what the tree lacks
            let tree = Self {
                overlay: Overlay::default(),
                ..self.clone()
            };
            let of_gup = tree.units(store, &unchanged, flavour)?.swap_remove(OF_GUP);
            list[OF_GUP].lacking = unchanged.compile(&of_gup)?.edits;
        }
        let compiled = all(&list, |unit| {
            let changed = unit.of_gup || self.overlay.real(&unit.source) != unit.source;
            match self.bodies_only && !changed {
                true => unchanged.compile(unit),
                false => units.compile(unit),
            }
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
        link::link(&self.name, store, &objects, scratch.path())?;
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
        // line coverage needs debug information
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
        // Instrumentation is the last pass of a run, after inlining, so a second run is
        // needed to inline the very many calls that report loads (shim/loads.h).  For a few
        // thousand programs this would take longer than it saves.
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
            // A tree may lack it: then the symbols that it defines are gaps.
            if self.overlay.real(&file).exists() {
                let mut flags = tested.clone();
                flags.extend(["-ffunction-sections", "-fdata-sections"].map(str::to_owned));
                flags.extend(own.iter().map(|&flag| flag.to_owned()));
                list.push((file, flags));
            }
        }
        let tested_units = list.len();
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
                of_gup: source == unit_c,
                lacking: Edits::default(),
                source,
                args: common.iter().cloned().chain(kbuild).chain(flags).collect(),
            }
        };
        let mut list: Vec<_> = list.into_iter().map(unit).collect();
        // Parsing the kernel's headers takes half of the time.  Flags of a caller's may not go
        // with precompiled ones.
        if caller::flags().is_empty() {
            let mut flags = tested;
            // compare contents, not timestamps: a file may have been checked out again
            let header = ["-Xclang", "-fno-pch-timestamp", "-x", "c-header"];
            flags.extend(header.map(str::to_owned));
            let mut headers = unit((harness.join("shim/harness.h"), flags));
            headers.args.retain(|arg| !arg.contains("KBUILD_"));
            let of_gup = units.compile(&headers)?;
            let of_others = match self.bodies_only {
                true => units.unchanged().compile(&headers)?,
                false => of_gup.clone(),
            };
            for unit in list.iter_mut().take(tested_units) {
                let headers = if unit.of_gup { &of_gup } else { &of_others };
                let object = headers.object.display().to_string();
                unit.args.extend(["-include-pch".to_owned(), object]);
                unit.lacking = headers.edits.clone();
            }
        }
        Ok(list)
    }

    /// The kernel's own flags, without those that break user-mode code; the overlay headers
    /// come before the kernel's.
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
        // for mm/internal.h, in files outside of mm/
        flags.push(format!("-I{}", self.tree.src.join("mm").display()));
        flags.push(format!("-fmacro-prefix-map={}/=", self.tree.src.display()));
        Ok(flags)
    }

    /// A header that maps renamed functions, so that operations can call them; see
    /// `csrc/shim/unit.c` and `redirect.h`.
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
            // if a helper was split, the old name may still exist
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
        link::add_to_key(&mut hash);
        hash.update(format!("{:?} {flavour} {}", self.renamed, self.debug_vm));
        format!("{:x}", hash.finalize())
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

/// The index of the unit that contains mm/gup.c.
const OF_GUP: usize = 0;

/// Flags for code that runs only a few thousand programs: no debug information (WARN sites
/// record their own lines), less optimisation.  Without any optimisation the kernel does
/// not compile, and unreachable sites would count.
const QUICK: [&str; 3] = ["-g0", "-O1", "-fno-inline-functions"];

/// Functions of mm/gup.c whose calls are redirected to the script: `csrc/shim/redirect.h`.
const REDIRECTED: [&str; 2] = ["__gup_longterm_locked", "get_user_pages_unlocked"];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// Calls a function for each item of a list, in parallel on all processors; returns the
/// first error.
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
