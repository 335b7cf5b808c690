// SPDX-License-Identifier: GPL-2.0
//! A side's shared object, loaded and checked.

use crate::{Blocks, BlocksError, Edges, EdgesError, Machine, abi};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
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

/// Why an object is not a side that can be run here.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The dynamic linker does not take it.
    #[error("{path} cannot be loaded: {why}")]
    Linker {
        /// The object.
        path: String,
        /// What the linker says.
        why: String,
    },
    /// It exports no side.
    #[error("{0} is no side: it does not export `gd_side` (csrc/abi/gupdiff.h)")]
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
    /// Its structures have other sizes, although the version fits.
    #[error(
        "{0} was built against another csrc/abi/gupdiff.h than this program; build the side again"
    )]
    Layout(String),
    /// Memory or a file.
    #[error("{what}: {error}")]
    Io {
        /// What was to be done.
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

/// What a site does when its condition holds.
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
    /// The function that it is written in, also where that was inlined.
    pub func: String,
    /// Path within the kernel tree.
    pub file: String,
    /// Line in that file; shown, never compared.
    pub line: u32,
    /// WARN or BUG.
    pub kind: SiteKind,
    /// Position among the function's sites of this kind, from 0.
    pub ordinal: u32,
}

/// A loaded side.  Its variables are its own: loading a file twice gives two.
///
/// The object stays loaded as long as this exists.  An object with an engine's
/// coverage must stay for good, because the engine keeps pointers into it.
pub struct Object {
    path: String,
    raw: NonNull<abi::gd_side>,
    /// New name, name that it goes by: see [`Object::rename`].
    renamed: Vec<(String, String)>,
    _library: Library,
    _loaded: Loaded,
}

// SAFETY: the object's variables are reached through this handle alone and
// belong to no thread.
unsafe impl Send for Object {}

/// The files that are loaded from where they lie.
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
    /// A copy in memory: the dynamic linker gives the same variables to whoever
    /// loads a file that is loaded already.
    Copy { _memory: File },
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Self::File(path) = self {
            loaded().remove(path);
        }
    }
}

/// Loads a library for good, whose functions objects may call that are loaded later: what
/// stands for an engine.
pub fn preload(path: &Path) -> Result<(), LoadError> {
    // SAFETY: a library without constructors.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) };
    let library = library.map_err(|error| LoadError::Linker {
        path: path.display().to_string(),
        why: error.to_string(),
    })?;
    std::mem::forget(library);
    Ok(())
}

impl Object {
    /// Loads the object in a file.
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

    /// Loads an object from memory; `name` stands for it in messages.
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, LoadError> {
        let io = |error| LoadError::Io {
            what: format!("{name}: a copy in memory"),
            error,
        };
        // SAFETY: a C string; the descriptor is new and becomes the file's.
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
        // SAFETY: the constructors of a side are those of an engine's coverage,
        // or none.
        let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| LoadError::Linker {
            path: path.clone(),
            why: error.to_string(),
        })?;
        // SAFETY: only the address is taken; what lies there is checked below.
        let symbol = unsafe { library.get::<*mut abi::gd_side>(abi::GD_SIDE_SYMBOL) };
        let Some(raw) = symbol.ok().and_then(|s| NonNull::new(s.into_raw().cast())) else {
            return Err(LoadError::NoSide(path));
        };
        let raw: NonNull<abi::gd_side> = raw;
        // SAFETY: the first fields are four numbers in every version.
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
        // SAFETY: the structure is as large as ours.
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

    /// Functions that go by another name than the one that they have in the
    /// source: `(name in the source, name)`.  The sites of several functions
    /// that go by one name are counted through in the order of their lines.
    pub fn rename(&mut self, renamed: Vec<(String, String)>) {
        self.renamed = renamed;
    }

    pub(crate) fn raw(&self) -> &abi::gd_side {
        // SAFETY: checked when it was loaded, and there as long as `self` is;
        // nothing writes to the description.
        unsafe { self.raw.as_ref() }
    }

    /// The blocks of an object that was compiled for coverage of lines, from the file with
    /// these bytes.
    ///
    /// # Safety
    ///
    /// They are the bytes of the file that this was loaded from, and the result is dropped
    /// before this is.
    pub unsafe fn blocks(&self, bytes: &[u8]) -> Result<Blocks, BlocksError> {
        let base = self.base().ok_or(BlocksError::NotInstrumented)?;
        // SAFETY: the caller's promise.
        unsafe { Blocks::of_object(base, bytes) }
    }

    /// The edges of an object that was compiled for an engine, from the file with these
    /// bytes.
    ///
    /// # Safety
    ///
    /// As for [`Object::blocks`].
    pub unsafe fn edges(&self, bytes: &[u8]) -> Result<Edges, EdgesError> {
        let base = self.base().ok_or(EdgesError::NotInstrumented)?;
        // SAFETY: the caller's promise.
        unsafe { Edges::of_object(base, bytes) }
    }

    /// Where its file lies in memory.
    fn base(&self) -> Option<*mut c_void> {
        let mut info = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: an address in the object, which is loaded.
        let found = unsafe { libc::dladdr(self.raw.as_ptr().cast(), info.as_mut_ptr()) };
        // SAFETY: filled in, or zeros.
        (found != 0).then(|| unsafe { info.assume_init() }.dli_fbase)
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The kernel's own release string, or "FOLL_PIN series v8".
    pub fn release(&self) -> String {
        string(self.raw().release)
    }

    /// The version of the FOLL_PIN series; none for a kernel.
    pub fn series(&self) -> Option<u32> {
        Some(self.raw().series).filter(|&version| version != 0)
    }

    /// `(VERSION, PATCHLEVEL)`; of the series, those of the kernel that it was
    /// posted for.
    pub fn version(&self) -> (u16, u16) {
        let v = self.raw().version;
        ((v >> 16) as u16, (v >> 8 & 0xff) as u16)
    }

    /// Whether it was built with CONFIG_DEBUG_VM.
    pub fn debug_vm(&self) -> bool {
        self.raw().debug_vm != 0
    }

    /// Names of kernel functions that the side does not provide.
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

    /// The sites in the object's order. The same source line compiled into two
    /// units is one site.
    pub(crate) fn located_sites(&self) -> Vec<SiteInfo> {
        let all: Vec<_> = self.raw_sites().map(|site| self.locate(site)).collect();
        // Two sites on one line (a macro) count as one: their order within the
        // line is the compiler's business.
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
        // SAFETY: both pointers bound the object's array of sites, to which
        // only `set_ids` writes, with a unique borrow.
        let sites = unsafe {
            std::slice::from_raw_parts(raw.sites, raw.sites_end.offset_from_unsigned(raw.sites))
        };
        sites.iter()
    }

    /// Gives each site the id that its records will carry.
    pub(crate) fn set_ids(&mut self, id: &dyn Fn(&SiteInfo) -> u32) {
        let ids: Vec<u32> = self.located_sites().iter().map(id).collect();
        let sites = self.raw().sites;
        for (i, id) in ids.into_iter().enumerate() {
            // SAFETY: an index of the object's array, which nobody else borrows.
            unsafe { (*sites.add(i)).id = id };
        }
    }

    /// Starts the side; `site_id` gives the id that its WARN and BUG records
    /// will carry.
    pub fn start(self, site_id: &dyn Fn(&SiteInfo) -> u32) -> io::Result<Machine> {
        Machine::start(self, site_id)
    }
}

/// Is everything there that a loader calls or reads?
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
    // SAFETY: a C string constant of the object.
    unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned()
}
