// SPDX-License-Identifier: GPL-2.0
//! Sides made from the kernel's own code: loaded objects.
//!
//! `c:v8` and the other versions of the series are built into this program; every other
//! `c:NAME` has a recipe in `.kernels`, from which crate `gup-sides` compiles its object.

mod lacks;
pub mod packed;

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use csrc::{Machine, Object};
use gup_sides::compile::Piece;
use gup_sides::tree::point;
use gup_sides::{Built, Flavour, Recipe, Store};

pub use lacks::is_of_others;
use lacks::{absent_name, by_role};

use super::rust::Variant;
use super::{Error, Side, SideInfo, replaced};
use crate::program::Program;
use crate::rev::Rev;
use crate::site::{self, PlacedSite, SiteKind};
use crate::trace::Trace;

/// The objects that a campaign has compiled for its targets: from a side's name to its
/// folder, as JSON.  Sides in this list are not looked up or compiled again, so that they
/// stay the same while the campaign runs.
pub const OBJECTS: &str = "GUPDIFF_OBJECTS";

/// The flavour for the engine that this program is built for.
fn flavour() -> Flavour {
    replaced::current().flavour
}

/// A side of kernel code.
pub struct CSide {
    info: SideInfo,
    machine: Machine,
    sites: Vec<PlacedSite>,
    gaps: Vec<String>,
}

/// The origin of a side's object.
enum Origin {
    Series(&'static csrc::Series),
    Kernel(Recipe, bool),
    Packed(Box<packed::Packed>),
}

fn find(name: &str) -> Result<Option<Origin>, Error> {
    if let Some(packed) = packed::find()?.filter(|packed| packed.name() == name) {
        return Ok(Some(Origin::Packed(Box::new(packed))));
    }
    if let Some(series) = csrc::series().iter().find(|s| s.name == name) {
        return Ok(Some(Origin::Series(series)));
    }
    let store = Store::find();
    // the name of a recipe may end with -nodebug itself
    for (name, debug_vm) in [(name, true), gup_sides::recipe::split_name(name)] {
        if let Some(recipe) = Recipe::find(&store, name)? {
            return Ok(Some(Origin::Kernel(recipe, debug_vm)));
        }
    }
    Ok(None)
}

/// Describes all sides of kernel code, in the order in which to list them.
pub fn infos() -> Vec<SideInfo> {
    let store = Store::find();
    let mut all = Vec::new();
    let packed = packed::find().ok().flatten();
    all.extend(packed.map(|packed| packed.info()));
    // a damaged recipe is reported when it is used
    for recipe in Recipe::all(&store).unwrap_or_default() {
        for debug_vm in recipe.configurations(&store).unwrap_or_default() {
            all.extend(kernel_info(&store, &recipe, debug_vm));
        }
    }
    all.extend(csrc::series().iter().map(series_info));
    all
}

/// Describes the side of that name (without `c:`); `None` if it does not exist.
pub fn info(name: &str) -> Result<Option<SideInfo>, Error> {
    Ok(match find(name)? {
        None => None,
        Some(Origin::Series(series)) => Some(series_info(series)),
        Some(Origin::Packed(packed)) => Some(packed.info()),
        Some(Origin::Kernel(recipe, debug_vm)) => {
            let store = Store::find();
            // if its configuration is not prepared yet, the compiled object describes it
            match kernel_info(&store, &recipe, debug_vm) {
                Some(info) => Some(info),
                None => Some(described(
                    name,
                    &recipe,
                    &recipe.compile(&store, debug_vm, flavour())?,
                )),
            }
        }
    })
}

/// The recipe of the side of that name (without `c:`); `None` if it is not a kernel.
pub fn recipe(name: &str) -> Result<Option<Recipe>, Error> {
    Ok(match find(name)? {
        Some(Origin::Kernel(recipe, _)) => Some(recipe),
        Some(Origin::Packed(packed)) => Some(packed.recipe),
        Some(Origin::Series(_)) | None => None,
    })
}

fn series_info(series: &csrc::Series) -> SideInfo {
    SideInfo {
        name: format!("c:{}", series.name),
        rev: Rev::Series(series.version as u16),
        point: 0,
        debug_vm: series.debug_vm,
        release: Some(series.release.into()),
        gup_sha256: Some(series.source_sha256.into()),
        config_sha256: Some(series.config_sha256.into()),
        counterpart: Some(format!("rust:{}", series.name)),
        origin: None,
        lacks: Vec::new(),
        message: None,
    }
}

fn kernel_info(store: &Store, recipe: &Recipe, debug_vm: bool) -> Option<SideInfo> {
    let source = recipe.source(store, debug_vm).ok()?;
    let (major, minor) = source.tree.version();
    let lacks = source.tree.lacks(debug_vm);
    let release = source.tree.release(debug_vm);
    let point = point(&release);
    Some(SideInfo {
        rev: Rev::linux(major, minor),
        point,
        debug_vm,
        release: Some(release),
        gup_sha256: Some(source.gup_sha256().ok()?),
        config_sha256: Some(source.tree.config_sha256(debug_vm).ok()?),
        counterpart: Some(counterpart(recipe, point, debug_vm, &lacks)),
        origin: Some(recipe.origin.clone()),
        lacks,
        message: None,
        name: source.name,
    })
}

/// The Rust side for a kernel of a point release that lacks these options.
fn counterpart(recipe: &Recipe, point: u16, debug_vm: bool, lacks: &[String]) -> String {
    let Some(mut variant) = Variant::named(&recipe.rust) else {
        // opening it reports the error
        return format!("rust:{}", recipe.rust);
    };
    variant.base = variant.base.with_debug_vm(debug_vm);
    if !recipe.by_trial {
        variant.base = variant.base.at_point(point);
    }
    format!("rust:{}", variant.lacking(lacks))
}

/// Describes a compiled object, with what the recipe does not contain.
fn described(name: &str, recipe: &Recipe, built: &Built) -> SideInfo {
    let d = &built.description;
    let (major, minor) = d.version;
    let rev = Rev::linux(major, minor);
    let point = point(&d.release);
    let mut lacks = d.lacks.clone();
    let unexpected = |piece: &&Piece| match piece {
        Piece::Operation(role) => by_role(role).is_none_or(|op| op.name(rev).is_some()),
        _ => true,
    };
    let unexpected = d.absent.iter().filter(unexpected);
    lacks.extend(unexpected.map(|piece| absent_name(piece, rev)));
    SideInfo {
        name: format!("c:{name}"),
        rev,
        point,
        debug_vm: d.debug_vm,
        release: Some(d.release.clone()),
        gup_sha256: Some(d.gup_sha256.clone()),
        config_sha256: Some(d.config_sha256.clone()),
        counterpart: Some(counterpart(recipe, point, d.debug_vm, &d.lacks)),
        origin: Some(recipe.origin.clone()),
        lacks,
        message: d.message.clone(),
    }
}

/// The folders of [`OBJECTS`].
fn given() -> BTreeMap<String, PathBuf> {
    let text = env::var(OBJECTS).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Describes the side of that name as its compiled object does, with all that its tree
/// lacks.
pub fn compiled_info(name: &str, flavour: Flavour) -> Result<SideInfo, Error> {
    let (recipe, debug_vm) = match find(name)? {
        Some(Origin::Series(series)) => return Ok(series_info(series)),
        Some(Origin::Packed(packed)) => return Ok(packed.info()),
        Some(Origin::Kernel(recipe, debug_vm)) => (recipe, debug_vm),
        None => return Err(super::unknown(&format!("c:{name}"))),
    };
    let built = recipe.compile(&Store::find(), debug_vm, flavour)?;
    Ok(described(name, &recipe, &built))
}

/// The object of a side for an engine, compiled if necessary; `None` for a side without
/// one.
pub fn object(name: &str, flavour: Flavour) -> Result<Option<Built>, Error> {
    match find(name)? {
        Some(Origin::Kernel(recipe, debug_vm)) => {
            Ok(Some(recipe.compile(&Store::find(), debug_vm, flavour)?))
        }
        Some(Origin::Packed(packed)) => Ok(Some(packed.built)),
        Some(Origin::Series(_)) | None => Ok(None),
    }
}

/// The id of a site in records.
pub(super) fn intern(s: &csrc::SiteInfo) -> site::SiteId {
    let kind = match s.kind {
        csrc::SiteKind::Warn => SiteKind::Warn,
        csrc::SiteKind::Bug => SiteKind::Bug,
    };
    site::intern(&s.func, kind, s.ordinal)
}

/// The sites of an object.
pub(super) fn placed(object: &Object) -> Vec<PlacedSite> {
    let placed = |s: &csrc::SiteInfo| PlacedSite {
        id: intern(s),
        place: Some(format!("{}:{}", s.file, s.line)),
    };
    object.sites().iter().map(placed).collect()
}

/// Every WARN and BUG of a side; `None` if the side does not exist.
pub fn sites(name: &str) -> Result<Option<Vec<PlacedSite>>, Error> {
    Ok(load(name)?.map(|(_, object)| placed(&object)))
}

fn load(name: &str) -> Result<Option<(SideInfo, Object)>, Error> {
    let built = match given().get(&format!("c:{name}")) {
        Some(dir) => Some(Built::read(dir)?),
        None => None,
    };
    match find(name)? {
        None => Ok(None),
        Some(Origin::Series(series)) => {
            Ok(Some((series_info(series), series.load(flavour().name())?)))
        }
        Some(Origin::Packed(packed)) => Ok(Some((packed.info(), packed.load()?))),
        Some(Origin::Kernel(recipe, debug_vm)) => {
            let built = match built {
                Some(built) => built,
                None => recipe.compile(&Store::find(), debug_vm, flavour())?,
            };
            Ok(Some((
                described(name, &recipe, &built),
                load_object(&built)?,
            )))
        }
    }
}

fn load_object(built: &Built) -> Result<Object, Error> {
    let mut object = Object::load(&built.object)?;
    object.rename(built.description.renamed.clone());
    Ok(object)
}

impl CSide {
    /// Loads the side of that name (without `c:`) and sets up its memory; `None` if it does
    /// not exist.
    pub fn open(name: &str) -> Result<Option<Self>, Error> {
        match load(name)? {
            None => Ok(None),
            Some((info, object)) => Ok(Some(Self::start(info, object)?)),
        }
    }

    /// Compiles and loads a recipe that is not stored under a name.
    pub fn make(recipe: &Recipe, debug_vm: bool) -> Result<Self, Error> {
        let built = recipe.compile(&Store::find(), debug_vm, flavour())?;
        Self::of_object(&recipe.name, recipe, &built)
    }

    /// Loads the object of a side for an engine, in a process without one; also returns the
    /// object's description.  `name` is the side's, without `c:`.
    pub fn open_for(name: &str, flavour: Flavour) -> Result<(Self, Built), Error> {
        let unknown = || super::unknown(&format!("c:{name}"));
        let recipe = recipe(name)?.ok_or_else(unknown)?;
        let built = object(name, flavour)?.ok_or_else(unknown)?;
        csrc::preload(&gup_sides::compile::runtime(&Store::find())?)?;
        Ok((Self::of_object(name, &recipe, &built)?, built))
    }

    /// Loads an object of any flavour that was compiled from a recipe; `name` is the
    /// side's, without `c:`.
    pub fn of_object(name: &str, recipe: &Recipe, built: &Built) -> Result<Self, Error> {
        Self::start(described(name, recipe, built), load_object(built)?)
    }

    /// The blocks of an object that was compiled for line coverage.
    ///
    /// # Safety
    ///
    /// `bytes` are those of the file from which the object was loaded, and the result is
    /// dropped before this value.
    pub unsafe fn blocks(&self, bytes: &[u8]) -> Result<csrc::Blocks, csrc::BlocksError> {
        // SAFETY: guaranteed by the caller
        unsafe { self.machine.object().blocks(bytes) }
    }

    /// Sets a variable of the object: see [`Object::set_variable`].
    ///
    /// # Safety
    ///
    /// As there.
    pub unsafe fn set_variable(&self, bytes: &[u8], name: &str, value: u32) -> bool {
        // SAFETY: guaranteed by the caller
        unsafe { self.machine.object().set_variable(bytes, name, value) }
    }

    /// The edges of an object that was compiled for an engine.
    ///
    /// # Safety
    ///
    /// As for [`CSide::blocks`].
    pub unsafe fn edges(&self, bytes: &[u8]) -> Result<csrc::Edges, csrc::EdgesError> {
        // SAFETY: guaranteed by the caller
        unsafe { self.machine.object().edges(bytes) }
    }

    fn start(info: SideInfo, object: Object) -> Result<Self, Error> {
        Ok(Self {
            info,
            sites: placed(&object),
            gaps: object.gaps(),
            machine: object.start(&|s| intern(s).0)?,
        })
    }
}

impl Side for CSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        self.machine.run(&prog.0, trace.records_mut());
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.sites
    }

    fn has_op(&self, id: u8) -> bool {
        self.machine.has_op(id)
    }

    fn gap(&self, index: u32) -> String {
        match self.gaps.get(index as usize) {
            Some(name) => name.clone(),
            None => format!("gap {index}"),
        }
    }
}
