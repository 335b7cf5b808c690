// SPDX-License-Identifier: GPL-2.0
//! Loads and checks a side's shared object.

use crate::{Blocks, BlocksError, Edges, EdgesError, Machine, abi};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use object::{Object as _, ObjectSymbol as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{CStr, c_void},
    fs::File,
    io::{self, Write},
    mem::MaybeUninit,
    os::fd::{AsRawFd, FromRawFd},
    path::{Path, PathBuf},
    ptr::NonNull,
    sync::{Mutex, MutexGuard},
};

/// Why an object cannot be used as a side.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The dynamic linker refuses it.
    #[error("{path} cannot be loaded: {why}")]
    Linker {
        /// The object.
        path: String,
        /// The linker's message.
        why: String,
    },
    /// It does not export `gd_side`.
    #[error("{0} is not a side: it does not export `gd_side` (csrc/abi/gupdiff.h)")]
    NoSide(String),
    /// It was built against another version of the header.
    #[error(
        "{path} has version {found} of the ABI, this program has version {}; build the side again",
        abi::GD_ABI_VERSION
    )]
    Version {
        /// The object.
        path: String,
        /// Its version.
        found: u32,
    },
    /// Its structures have other sizes, although the version is right.
    #[error(
        "{0} was built against another csrc/abi/gupdiff.h than this program; build the side again"
    )]
    Layout(String),
    /// An error with memory or a file.
    #[error("{what}: {error}")]
    Io {
        /// What failed.
        what: String,
        /// The system's error.
        error: io::Error,
    },
}

/// The kind of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// `WARN`, `WARN_ON`, `WARN_ON_ONCE`, `VM_WARN_*`
    Warn,
    /// `BUG`, `BUG_ON`, `VM_BUG_ON_*`
    Bug,
}

/// One WARN or BUG of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteInfo {
    /// The function in the source, even if it is inlined elsewhere.
    pub func: String,
    /// Path within the kernel tree.
    pub file: String,
    /// The line in that file; only for display, not compared.
    pub line: u32,
    /// WARN or BUG.
    pub kind: SiteKind,
    /// Its number among the function's sites of this kind, from 0.
    pub ordinal: u32,
}

/// A loaded side.  Each has its own variables, even if the same file is loaded twice.
///
/// The object stays loaded as long as this value exists.  An instrumented object must stay
/// forever, because the engine keeps pointers into it.
pub struct Object {
    path: String,
    raw: NonNull<abi::gd_side>,
    /// Pairs of (new name, known name): see [`Object::rename`].
    renamed: Vec<(String, String)>,
    _library: Library,
    _loaded: Loaded,
}

// SAFETY: only this handle gives access to the object's variables, and they belong to no
// thread.
unsafe impl Send for Object {}

/// The files that are loaded directly.
static LOADED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn loaded() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LOADED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What an object was loaded from.
enum Loaded {
    /// The file itself, so that debuggers and profilers find it.
    File(PathBuf),
    /// A copy in memory: loading the same file again would give the same variables.
    Copy { _memory: File },
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Self::File(path) = self {
            loaded().remove(path);
        }
    }
}

/// Loads a library permanently, whose functions replace those of an engine for objects that
/// are loaded later.
pub fn preload(path: &Path) -> Result<(), LoadError> {
    // SAFETY: a library without constructors
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    let library = library.map_err(|error| LoadError::Linker {
        path: path.display().to_string(),
        why: error.to_string(),
    })?;
    std::mem::forget(library);
    Ok(())
}

impl Object {
    /// Loads an object from a file.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let io = |error| LoadError::Io {
            what: path.display().to_string(),
            error,
        };
        let real = path.canonicalize().map_err(io)?;
        if loaded().insert(real.clone()) {
            let loaded = Loaded::File(real.clone());
            return Self::open(&real, path.display().to_string(), loaded);
        }
        Self::from_bytes(
            &std::fs::read(&real).map_err(io)?,
            &path.display().to_string(),
        )
    }

    /// Loads an object from memory; `name` is used in messages.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, LoadError> {
        let io = |error| LoadError::Io {
            what: format!("{name}: a copy in memory"),
            error,
        };
        // SAFETY: a C string; the new descriptor becomes the file's
        let mut memory = unsafe {
            let fd = libc::memfd_create(c"gupdiff-side".as_ptr(), libc::MFD_CLOEXEC);
            if fd < 0 {
                return Err(io(io::Error::last_os_error()));
            }
            File::from_raw_fd(fd)
        };
        memory.write_all(bytes).map_err(io)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
        Self::open(&path, name.into(), Loaded::Copy { _memory: memory })
    }

    fn open(file: &Path, path: String, loaded: Loaded) -> Result<Self, LoadError> {
        // SAFETY: the only constructors of a side are those of an engine's instrumentation
        let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| LoadError::Linker {
            path: path.clone(),
            why: error.to_string(),
        })?;
        // SAFETY: only the address is taken; the contents are checked below
        let symbol = unsafe { library.get::<*mut abi::gd_side>(abi::GD_SIDE_SYMBOL) };
        let Some(raw) = symbol.ok().and_then(|s| NonNull::new(s.into_raw().cast())) else {
            return Err(LoadError::NoSide(path));
        };
        let raw: NonNull<abi::gd_side> = raw;
        // SAFETY: every version begins with these four numbers
        let [version, side, program, rec] = unsafe { raw.cast::<[u32; 4]>().read() };
        if version != abi::GD_ABI_VERSION {
            return Err(LoadError::Version {
                path,
                found: version,
            });
        }
        let sizes = [
            (side, size_of::<abi::gd_side>()),
            (program, size_of::<abi::gd_program>()),
            (rec, size_of::<abi::gd_rec>()),
        ];
        // SAFETY: the structure has the expected size
        if sizes.iter().any(|&(theirs, ours)| theirs as usize != ours)
            || unsafe { !complete(raw.as_ref()) }
        {
            return Err(LoadError::Layout(path));
        }
        Ok(Self {
            path,
            raw,
            renamed: Vec::new(),
            _library: library,
            _loaded: loaded,
        })
    }

    /// Renames functions: `(name in the source, known name)`.  If several functions get the
    /// same name, their sites are numbered together, in the order of their lines.
    pub fn rename(&mut self, renamed: Vec<(String, String)>) {
        self.renamed = renamed;
    }

    pub(crate) fn raw(&self) -> &abi::gd_side {
        // SAFETY: checked when it was loaded, valid as long as `self`, and constant
        unsafe { self.raw.as_ref() }
    }

    /// The blocks of an object that was compiled for line coverage; `bytes` are those of
    /// its file.
    ///
    /// # Safety
    ///
    /// This object was loaded from a file with these bytes, and the result is dropped
    /// before this object.
    pub unsafe fn blocks(&self, bytes: &[u8]) -> Result<Blocks, BlocksError> {
        let base = self.base().ok_or(BlocksError::NotInstrumented)?;
        // SAFETY: guaranteed by the caller
        unsafe { Blocks::of_object(base, bytes) }
    }

    /// The edges of an object that was compiled for an engine; `bytes` are those of its
    /// file.
    ///
    /// # Safety
    ///
    /// As for [`Object::blocks`].
    pub unsafe fn edges(&self, bytes: &[u8]) -> Result<Edges, EdgesError> {
        let base = self.base().ok_or(EdgesError::NotInstrumented)?;
        // SAFETY: guaranteed by the caller
        unsafe { Edges::of_object(base, bytes) }
    }

    /// Sets a variable of type `unsigned int`, also one that is not exported; `bytes` are those
    /// of the object's file.  Returns whether there is such a variable.
    ///
    /// # Safety
    ///
    /// This object was loaded from a file with these bytes, and its code is sound with any
    /// value of the variable.
    pub unsafe fn set_variable(&self, bytes: &[u8], name: &str, value: u32) -> bool {
        let address = object::File::parse(bytes).ok().and_then(|file| {
            let mut variables = file
                .symbols()
                .filter(|s| s.size() == size_of::<u32>() as u64);
            Some(variables.find(|s| s.name() == Ok(name))?.address())
        });
        let (Some(base), Some(address)) = (self.base(), address) else {
            return false;
        };
        // SAFETY: a variable of the object, whose code does not run now: this handle is the
        // only one, and belongs to one thread
        unsafe {
            let variable = base.byte_add(address as usize).cast::<u32>();
            variable.write_volatile(value);
        }
        true
    }

    /// The address at which its file is loaded.
    fn base(&self) -> Option<*mut c_void> {
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: an address in the loaded object
        let found = unsafe { libc::dladdr(self.raw.as_ptr().cast(), info.as_mut_ptr()) };
        // SAFETY: filled in, or zeros
        (found != 0).then(|| unsafe { info.assume_init() }.dli_fbase)
    }

    /// The file that it was loaded from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The kernel's own release string, or "FOLL_PIN series v8".
    pub fn release(&self) -> String {
        string(self.raw().release)
    }

    /// The version of the FOLL_PIN series; `None` for a kernel.
    pub fn series(&self) -> Option<u32> {
        Some(self.raw().series).filter(|&version| version != 0)
    }

    /// `(VERSION, PATCHLEVEL)`; for the series, those of the kernel that it was posted for.
    pub fn version(&self) -> (u16, u16) {
        let v = self.raw().version;
        ((v >> 16) as u16, (v >> 8 & 0xff) as u16)
    }

    /// Was it built with CONFIG_DEBUG_VM?
    pub fn debug_vm(&self) -> bool {
        self.raw().debug_vm != 0
    }

    /// Names of the kernel functions that the side does not provide.
    pub fn gaps(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut next = self.raw().gaps;
        // SAFETY: an array of C strings that ends with a null pointer.
        unsafe {
            while !(*next).is_null() {
                names.push(string(*next));
                next = next.add(1);
            }
        }
        names
    }

    /// Every WARN and BUG of the object, by function and line.
    pub fn sites(&self) -> Vec<SiteInfo> {
        let mut sites = self.located_sites();
        sites.sort_by(|a, b| (&a.func, a.kind, a.ordinal).cmp(&(&b.func, b.kind, b.ordinal)));
        sites.dedup();
        sites
    }

    /// The sites in the object's order.  A source line that was compiled into two units is
    /// one site.
    pub(crate) fn located_sites(&self) -> Vec<SiteInfo> {
        let all: Vec<_> = self.raw_sites().map(|site| self.locate(site)).collect();
        // two sites on one line (in a macro) count as one: the compiler chooses their order
        let mut lines: BTreeMap<(String, SiteKind), BTreeSet<(String, u32)>> = BTreeMap::new();
        for s in &all {
            let key = (s.func.clone(), s.kind);
            lines
                .entry(key)
                .or_default()
                .insert((s.file.clone(), s.line));
        }
        let ordinal = |s: &SiteInfo| {
            let place = (s.file.clone(), s.line);
            lines[&(s.func.clone(), s.kind)].range(..place).count() as u32
        };
        all.iter()
            .map(|s| SiteInfo {
                ordinal: ordinal(s),
                ..s.clone()
            })
            .collect()
    }

    fn locate(&self, site: &abi::gd_site) -> SiteInfo {
        let func = string(site.func);
        let known_as = self.renamed.iter().find(|(new, _)| *new == func);
        SiteInfo {
            func: known_as.map_or(func, |(_, name)| name.clone()),
            file: string(site.file),
            line: site.line,
            kind: match site.kind {
                abi::GD_SITE_BUG => SiteKind::Bug,
                _ => SiteKind::Warn,
            },
            ordinal: 0,
        }
    }

    fn raw_sites(&self) -> impl Iterator<Item = &abi::gd_site> {
        let raw = self.raw();
        // SAFETY: the pointers are the bounds of the object's array of sites, to which only
        // `set_ids` writes, with a unique borrow
        let sites = unsafe {
            std::slice::from_raw_parts(raw.sites, raw.sites_end.offset_from_unsigned(raw.sites))
        };
        sites.iter()
    }

    /// Assigns the ids that the sites' records will carry.
    pub(crate) fn set_ids(&mut self, id: &dyn Fn(&SiteInfo) -> u32) {
        let ids: Vec<u32> = self.located_sites().iter().map(id).collect();
        let sites = self.raw().sites;
        for (i, id) in ids.into_iter().enumerate() {
            // SAFETY: an index of the object's array, which is not borrowed
            unsafe { (*sites.add(i)).id = id };
        }
    }

    /// Starts the side; `site_id` returns the id for a site's WARN and BUG records.
    pub fn start(self, site_id: &dyn Fn(&SiteInfo) -> u32) -> io::Result<Machine> {
        Machine::start(self, site_id)
    }
}

/// Does it have all functions and strings that the loader uses?
fn complete(raw: &abi::gd_side) -> bool {
    let functions = raw.init.is_some()
        && raw.has_op.is_some()
        && raw.run.is_some()
        && raw.oops.is_some()
        && raw.limit.is_some();
    functions
        && !raw.release.is_null()
        && !raw.gaps.is_null()
        && !raw.sites.is_null()
        && raw.sites <= raw.sites_end
        && !raw.in_kernel.is_null()
}

fn string(p: *const std::ffi::c_char) -> String {
    // SAFETY: a C string constant of the object
    unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned()
}
