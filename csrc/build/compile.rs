// SPDX-License-Identifier: GPL-2.0
//! From the code of a side to one relocatable object.

use super::{
    coverage::Coverage,
    gaps,
    sides::{Code, KernelCode, Side, ident},
};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

const CLANG: &str = "clang-19";

/// Kernel files that are compiled as they are, besides mm/gup.c.
const KERNEL_FILES: &[&str] = &[
    "mm/memremap.c",
    "mm/pgtable-generic.c",
    "arch/x86/mm/hugetlbpage.c",
];

/// Makes every load tell the harness first (shim/moments.c).
const LOADS: &str = "-fsanitize-coverage=edge,trace-loads";

/// How the code under test of a control differs from its base: nobody debugs
/// it (the sites of WARNs have lines of their own), and nobody minds if it is
/// slower. Without any optimisation the kernel does not compile, and sites that
/// can never be reached would count.
const CONTROL_FLAGS: [&str; 3] = ["-g0", "-O1", "-fno-inline-functions"];

/// Collects what the harness finds by name: the sites, the operations and the
/// once-latches.
const LINKER_SCRIPT: &str = "SECTIONS {
	gd_sites : { gd_sites_start = .; *(gd_sites) gd_sites_end = .; }
	gd_ops : { gd_ops_start = .; *(gd_ops) gd_ops_end = .; }
	gd_once : { gd_once_start = .; *(.data..once .data.once) gd_once_end = .; }
}
";

pub struct Compiler {
    here: PathBuf,
    out: PathBuf,
    coverage: Coverage,
    /// Hash of all that is not the kernel: harness, flags.
    ours: String,
}

impl Compiler {
    pub fn new(here: &Path, out: &Path, coverage: Coverage) -> Result<Self> {
        let mut hash = Sha256::new();
        for dir in ["abi", "shim", "env", "overlay", "build"] {
            for file in files(&here.join(dir))? {
                hash.update(fs::read(&file)?);
            }
        }
        hash.update(format!("{coverage:?}"));
        Ok(Self {
            here: here.into(),
            out: out.into(),
            coverage,
            ours: format!("{:x}", hash.finalize()),
        })
    }

    /// One object per side, in the sides' order; unchanged ones are kept from
    /// the last build. Controls come last: they share units and a precompiled
    /// header with their base.
    pub fn compile_all(&self, sides: &[Side]) -> Result<Vec<PathBuf>> {
        let controls = sides
            .iter()
            .position(|s| s.control.is_some())
            .unwrap_or(sides.len());
        let (plain, controls) = sides.split_at(controls);
        let mut objects = self.compile_some(plain)?;
        for side in plain {
            if controls.iter().any(|c| c.base() == Some(&side.name)) {
                self.precompile(side)?;
            }
        }
        objects.extend(self.compile_some(controls)?);
        Ok(objects)
    }

    fn compile_some(&self, sides: &[Side]) -> Result<Vec<PathBuf>> {
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut objects: Vec<Option<Result<PathBuf>>> = sides.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers)
                .map(|_| {
                    scope.spawn(|| {
                        let mut done = Vec::new();
                        loop {
                            let i = next.fetch_add(1, Ordering::Relaxed);
                            let Some(side) = sides.get(i) else { break done };
                            done.push((i, self.compile(side)));
                        }
                    })
                })
                .collect();
            for handle in handles {
                for (i, result) in handle.join().expect("a compiling thread panicked") {
                    objects[i] = Some(result);
                }
            }
        });
        objects.into_iter().flatten().collect()
    }

    fn compile(&self, side: &Side) -> Result<PathBuf> {
        let dir = self.out.join("sides").join(&side.name);
        let (object, stamp) = (dir.join("kernel.o"), dir.join("stamp"));
        let key = self.key(side)?;
        if object.exists() && fs::read_to_string(&stamp).is_ok_and(|s| s == key) {
            return Ok(object);
        }
        fs::create_dir_all(&dir)?;
        let _ = fs::remove_file(&stamp);

        let mut units = Vec::new();
        let tested = &self.tested(side)?;
        match &side.code {
            Code::Kernel(kernel) => {
                units.push(self.unit(side, &self.here.join("shim/unit.c"), &dir, tested)?);
                for file in KERNEL_FILES {
                    units.push(self.shared_unit(side, &kernel.src.join(file), &dir, tested)?);
                }
            }
            Code::Series(_) => {
                units.push(self.unit(side, &self.here.join("series/unit.c"), &dir, tested)?);
            }
        }
        units.push(self.shared_unit(side, &self.here.join("shim/harness.c"), &dir, &[])?);
        units.push(self.shared_unit(side, &self.here.join("shim/kernel.c"), &dir, &[])?);
        units.push(self.gaps(&units, &dir)?);
        let symbol = side.base().map_or_else(|| side.ident(), ident);
        link(&units, &dir, &object, (&symbol, &side.ident()))?;
        fs::write(&stamp, key)?;
        Ok(object)
    }

    /// What the object depends on.
    fn key(&self, side: &Side) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(&self.ours);
        hash.update(format!("{side:?}"));
        // of the series, the side's description has a hash already
        if let Code::Kernel(kernel) = &side.code {
            hash.update(fs::read(&kernel.gup)?);
            hash.update(fs::read(kernel.build.join(".config"))?);
            if let Some(shadow) = &kernel.shadow {
                for file in files(shadow)? {
                    hash.update(fs::read(file)?);
                }
            }
        }
        Ok(format!("{:x}", hash.finalize()))
    }

    /// The flags of the unit with the code under test.
    ///
    /// There are hundreds of controls, so their time counts. Where a control
    /// leaves the headers alone, these come precompiled.
    fn tested(&self, side: &Side) -> Result<Vec<String>> {
        let mut flags = self.instrumentation();
        let (Some(base), Code::Kernel(kernel)) = (side.base(), &side.code) else {
            return Ok(flags);
        };
        flags.extend(CONTROL_FLAGS.map(String::from));
        if let Some(shadow) = &kernel.shadow
            && files(shadow)? == [kernel.gup.as_path()]
        {
            flags.push("-include-pch".into());
            flags.push(self.pch(base).display().to_string());
        }
        Ok(flags)
    }

    fn instrumentation(&self) -> Vec<String> {
        let flags = std::iter::once(&LOADS).chain(self.coverage.flags());
        flags.map(|&flag| flag.to_owned()).collect()
    }

    fn pch(&self, base: &str) -> PathBuf {
        self.out.join("sides").join(base).join("headers.pch")
    }

    /// The headers that mm/gup.c includes, for the controls of a kernel.
    fn precompile(&self, side: &Side) -> Result<()> {
        let Code::Kernel(kernel) = &side.code else {
            return Ok(());
        };
        let pch = self.pch(&side.name);
        let (header, stamp) = (pch.with_extension("h"), pch.with_extension("stamp"));
        let key = self.key(side)?;
        if pch.exists() && fs::read_to_string(&stamp).is_ok_and(|s| s == key) {
            return Ok(());
        }
        let _ = fs::remove_file(&stamp);
        let text: String = fs::read_to_string(&kernel.gup)?
            .lines()
            .filter(|l| l.starts_with("#include"))
            .flat_map(|l| [l, "\n"])
            .collect();
        fs::write(&header, text)?;
        let mut command = self.compiler(side, &self.here.join("shim/unit.c"))?;
        command
            .args(self.instrumentation())
            .args(CONTROL_FLAGS)
            .args(["-x", "c-header"])
            .arg(&header)
            .arg("-o")
            .arg(&pch);
        run(command, || {
            format!("{}: the headers do not compile", side.name)
        })?;
        fs::write(&stamp, key)?;
        Ok(())
    }

    /// A unit that a control takes from its base: it changes mm/gup.c and the
    /// headers for it, and nothing around it.
    fn shared_unit(
        &self,
        side: &Side,
        source: &Path,
        dir: &Path,
        flags: &[String],
    ) -> Result<PathBuf> {
        match side.base() {
            None => self.unit(side, source, dir, flags),
            Some(base) => object_path(source, &self.out.join("sides").join(base)),
        }
    }

    fn unit(&self, side: &Side, source: &Path, dir: &Path, flags: &[String]) -> Result<PathBuf> {
        let object = object_path(source, dir)?;
        let mut command = self.compiler(side, source)?;
        command.args(names(side));
        command
            .args(flags)
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(&object);
        run(command, || {
            format!("{}: {} does not compile", side.name, source.display())
        })?;
        Ok(object)
    }

    /// `cc` finds the compiler; its default flags are for ordinary programs.
    fn compiler(&self, side: &Side, source: &Path) -> Result<Command> {
        let tool = cc::Build::new()
            .compiler(CLANG)
            .no_default_flags(true)
            .cargo_metadata(false)
            .try_get_compiler()
            .with_context(|| format!("{CLANG} is missing: run `make setup`"))?;
        let mut c = tool.to_command();
        c.arg("-nostdinc");
        for dir in ["overlay", "abi", "shim"] {
            c.arg("-I").arg(self.here.join(dir));
        }
        match &side.code {
            Code::Kernel(kernel) => kernel_flags(&mut c, kernel, source)?,
            Code::Series(variant) => {
                c.arg("-I").arg(self.here.join("series/include"));
                c.args(variant.macros().iter().map(|m| format!("-D{m}")));
            }
        }
        // the kernel's own flags, less what keeps code from running in user mode
        c.args([
            "-D__KERNEL__",
            "-std=gnu11",
            "-fshort-wchar",
            "-fno-strict-aliasing",
            "-fno-strict-overflow",
            "-fno-common",
            "-fno-delete-null-pointer-checks",
            "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables",
            "-m64",
            "-O2",
            "-g1",
            "-fPIE",
            "-w",
            "-Werror=implicit-function-declaration",
        ]);
        Ok(c)
    }

    fn gaps(&self, units: &[PathBuf], dir: &Path) -> Result<PathBuf> {
        let source = dir.join("gaps.c");
        let object = dir.join("gaps.o");
        fs::write(&source, gaps::source(units)?)?;
        let mut c = Command::new(CLANG);
        c.args(["-O1", "-w", "-fno-builtin", "-ffreestanding", "-fPIE", "-c"]);
        c.arg(&source).arg("-o").arg(&object);
        run(c, || "the stubs do not compile".into())?;
        Ok(object)
    }
}

/// A kernel's headers and the macros that its build defines.
fn kernel_flags(c: &mut Command, kernel: &KernelCode, source: &Path) -> Result<()> {
    let KernelCode { src, build, .. } = kernel;
    if let Some(shadow) = &kernel.shadow {
        for dir in ["include", "arch/x86/include", "mm"] {
            c.arg("-I").arg(shadow.join(dir));
        }
    }
    for dir in [
        src.join("arch/x86/include"),
        build.join("arch/x86/include/generated"),
        src.join("include"),
        build.join("include"),
        src.join("arch/x86/include/uapi"),
        build.join("arch/x86/include/generated/uapi"),
        src.join("include/uapi"),
        build.join("include/generated/uapi"),
    ] {
        c.arg("-I").arg(dir);
    }
    // char is unsigned from 6.2 on
    if kernel.since(6, 2)? {
        c.arg("-funsigned-char");
    }
    for header in ["compiler-version.h", "kconfig.h", "compiler_types.h"] {
        c.arg("-include")
            .arg(src.join("include/linux").join(header));
    }
    c.arg("-I").arg(src.join("mm"));
    let base = source
        .file_stem()
        .context("a source without a name")?
        .display();
    c.arg(format!("-DKBUILD_MODFILE=\"{base}\""));
    c.arg(format!("-DKBUILD_BASENAME=\"{base}\""));
    c.arg(format!("-DKBUILD_MODNAME=\"{base}\""));
    c.arg(format!("-D__KBUILD_MODNAME=kmod_{base}"));
    Ok(())
}

/// What differs between sides of one kernel: the file under test and the name
/// of the symbol. A precompiled header must not know them.
fn names(side: &Side) -> Vec<String> {
    let mut names = Vec::new();
    if let Code::Kernel(kernel) = &side.code {
        names.push(format!("-DGD_GUP_SOURCE=\"{}\"", kernel.gup.display()));
    }
    names.push(format!("-DGD_KERNEL_SYMBOL=gd_kernel_{}", side.ident()));
    names
}

fn object_path(source: &Path, dir: &Path) -> Result<PathBuf> {
    let stem = source.file_stem().context("a source without a name")?;
    let kind = source
        .parent()
        .and_then(Path::file_name)
        .context("a source without a folder")?;
    Ok(dir.join(format!("{}-{}.o", kind.display(), stem.display())))
}

/// One object, one global symbol: kernels must not see each other. The symbol
/// may have another name in the units, that of the side they are shared with.
fn link(units: &[PathBuf], dir: &Path, object: &Path, symbol: (&str, &str)) -> Result<()> {
    let script = dir.join("kernel.lds");
    fs::write(&script, LINKER_SCRIPT)?;
    let whole = dir.join("whole.o");
    let mut ld = Command::new("ld");
    ld.arg("-r")
        .arg("-T")
        .arg(&script)
        .arg("-o")
        .arg(&whole)
        .args(units);
    run(ld, || "the units do not link".into())?;
    let (from, to) = symbol;
    let mut objcopy = Command::new("objcopy");
    if from != to {
        objcopy.arg(format!("--redefine-sym=gd_kernel_{from}=gd_kernel_{to}"));
    }
    objcopy
        .arg(format!("--keep-global-symbol=gd_kernel_{to}"))
        .arg(&whole)
        .arg(object);
    run(objcopy, || "objcopy failed".into())
}

fn run(mut command: Command, what: impl Fn() -> String) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("{program} cannot be run: run `make setup`"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text
        .lines()
        .find(|l| l.contains("error"))
        .or(text.lines().next());
    eprintln!("{text}");
    bail!("{}: {}", what(), first.unwrap_or("no message"))
}

/// All files below a folder, sorted.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
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
