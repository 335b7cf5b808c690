// SPDX-License-Identifier: GPL-2.0
//! Sides made from the Rust reimplementation.

mod dispatch;
mod record;
mod script;
mod variant;
mod world;

use csrc::abi::{self, gd_folio};
use gup::machine::{MigrateType, Parts};
use gup::{FolioDecl, Kernel, Kind, Machine, Mapping, PagePtr, Rules, WorldDecl};

use self::dispatch::Call;
use self::record::{Recorder, Returned};
pub(crate) use self::variant::release;
pub use self::variant::{Taken, Variant};
use crate::effect::Part;
use crate::ops::{self, Rev};
use crate::program::Program;
use crate::side::{Side, SideInfo};
use crate::site::{self, PlacedSite, SiteKind};
use crate::trace::Trace;

/// The reimplementation with one revision's rules.
pub struct RustSide {
    info: SideInfo,
    rules: Rules,
    machine: Machine,
    sites: Vec<PlacedSite>,
    /// Site numbers in traces, by `Site::index`; 0 for sites that do not exist under these
    /// rules.
    ids: Vec<u32>,
    /// By id: does the operation exist in the revision, and in which layer?
    exists: [Exists; 256],
    list: Vec<PagePtr>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exists {
    No,
    Page,
    Lockless,
    Slow,
    World,
}

/// The revision of a set of rules, in the table of operations.
pub fn rev(rules: &Rules) -> Rev {
    let rev = rules.revision.name().parse();
    rev.expect("names of revisions are as in csrc/abi/revisions.h")
}

fn info(rules: &Rules, name: &str) -> SideInfo {
    SideInfo {
        name: format!("rust:{name}"),
        rev: rev(rules),
        point: rules.point,
        debug_vm: rules.debug_vm,
        release: None,
        gup_sha256: None,
        config_sha256: None,
        counterpart: Some(format!("c:{name}")),
        origin: None,
        lacks: lacks(rules),
        message: None,
    }
}

/// What programs can have and a revision lacks, under the names that trees use.
fn lacks(rules: &Rules) -> Vec<String> {
    let lacks = RustSide::PARTS.iter().map(|(part, _)| *part);
    let lacks = lacks.filter(|part| !RustSide::has_part(rules, part));
    lacks.map(str::to_string).collect()
}

/// Describes every side of this kind, without mixed rules.
pub fn infos() -> Vec<SideInfo> {
    let info = |rules: &Rules| info(rules, rules.name());
    Rules::ALL.iter().map(info).collect()
}

/// Describes the side of this name, if it is of this kind.
pub fn describe(name: &str) -> Option<SideInfo> {
    let name = name.strip_prefix("rust:")?;
    Some(info(&rules_by_name(name)?, name))
}

/// Parses rules, like [`Variant::named`].
pub fn rules_by_name(name: &str) -> Option<Rules> {
    Variant::named(name).map(|variant| variant.rules())
}

impl RustSide {
    /// What programs can ask for and some kernels lack: the name that trees use, and the
    /// rule.
    pub const PARTS: [(&str, &str); 3] = [
        ("_PAGE_DEVMAP", "has_device_entries"),
        ("devmap_managed_key", "devmap_counts_like_others"),
        ("PAGE_MAPPING_MOVABLE", "mapping_says_movable"),
    ];

    /// Does a kernel have one of [`Self::PARTS`]?
    pub fn has_part(rules: &Rules, part: &str) -> bool {
        let has = Parts::of(rules);
        match part {
            "_PAGE_DEVMAP" => has.device_entries,
            "devmap_managed_key" => has.devmap_key,
            _ => has.movable_mappings,
        }
    }

    /// Opens the side of this name, if it is of this kind.
    pub fn open(name: &str) -> Option<Self> {
        let name = name.strip_prefix("rust:")?;
        Some(Self::with_rules(rules_by_name(name)?, name))
    }

    /// A side of any rules, with a name.
    pub fn with_rules(rules: Rules, name: &str) -> Self {
        Self::on(Machine::for_rules(&rules), rules, name)
    }

    /// The same with other rules; reuses the memory if possible.
    pub fn into_rules(self, rules: Rules, name: &str) -> Self {
        match self.machine.is_for(&rules) {
            true => Self::on(self.machine, rules, name),
            false => Self::with_rules(rules, name),
        }
    }

    fn on(machine: Machine, rules: Rules, name: &str) -> Self {
        let mut ids = vec![0; gup::site::ALL.len()];
        let mut sites = Vec::new();
        for s in gup::site::ALL {
            // a rule of another revision brings its sites
            let home = match s.exists(&rules) {
                true => rules,
                false => match Rules::ALL.into_iter().rev().find(|other| s.exists(other)) {
                    Some(other) => other,
                    None => continue,
                },
            };
            let kind = match s.kind {
                gup::site::SiteKind::Warn => SiteKind::Warn,
                gup::site::SiteKind::Bug => SiteKind::Bug,
            };
            let id = site::intern(s.function, kind, s.site.ordinal(&home));
            ids[s.site.index()] = id.0;
            if s.exists(&rules) {
                sites.push(PlacedSite { id, place: None });
            }
        }
        let mut exists = [Exists::No; 256];
        for op in ops::table() {
            exists[usize::from(op.id)] = match op.layer {
                _ if op.sets() == Some(Part::Tail) && !Parts::of(&rules).far_tails => Exists::No,
                _ if op.is_change => Exists::World,
                _ if op.name(rev(&rules)).is_none() => Exists::No,
                ops::Layer::Page => Exists::Page,
                ops::Layer::Lockless => Exists::Lockless,
                ops::Layer::Slow => Exists::Slow,
            };
        }
        Self {
            info: info(&rules, name),
            rules,
            machine,
            sites,
            ids,
            exists,
            list: Vec::with_capacity(abi::GD_MAX_LIST as usize),
        }
    }
}

fn declare(folio: &gd_folio) -> FolioDecl {
    FolioDecl {
        order: folio.order,
        kind: Kind::from_index(folio.kind.into()),
        mapping: Mapping::from_index(folio.mapping.into()),
        movable: folio.movable != 0,
        migratetype: MigrateType::from_index(folio.migratetype.into()),
        exclusive: folio.exclusive != 0,
        flags: folio.flags,
        refcount: folio.ref_,
        pincount: folio.pin,
    }
}

impl Side for RustSide {
    fn info(&self) -> &SideInfo {
        &self.info
    }

    fn run(&mut self, prog: &Program, trace: &mut Trace) {
        let world = WorldDecl {
            state: prog.world().state,
            seq: prog.world().seq,
            pkru: prog.world().pkru,
        };
        let mut folios = [FolioDecl::default(); abi::GD_MAX_FOLIOS as usize];
        let nr = prog.folios().len();
        for (decl, folio) in folios.iter_mut().zip(prog.folios()) {
            *decl = declare(folio);
        }
        self.machine.set_up(&world, &folios[..nr]);
        let bits = self.machine.state_bits();
        let mut recorder = Recorder::new(trace.records_mut(), &self.ids, bits);
        let mut stop = None;
        let mut nr = 0;
        for (op, acts) in prog.groups() {
            self.machine.begin_op();
            recorder.script.start(acts, prog.acts_range(nr).start);
            self.machine.interleaved = !acts.is_empty();
            let mut call = Call {
                kernel: &mut Kernel::new(&self.rules, &mut self.machine, &mut recorder),
                op,
                list: &mut self.list,
            };
            let mut locked = None;
            let returned = match self.exists[usize::from(op.op)] {
                Exists::Page => call.page_level(),
                Exists::Lockless => call.lockless(),
                Exists::Slow => call.slow(&mut locked),
                Exists::World => {
                    world::change(&mut self.machine, op);
                    Ok(Returned::Void)
                }
                Exists::No => Ok(Returned::Absent),
            };
            match returned {
                Ok(_) => recorder.entries(&self.machine),
                Err(why) => {
                    recorder.stopped(why);
                    stop = Some(why);
                }
            }
            recorder.pages(&mut self.machine);
            recorder.state(&self.machine);
            recorder.ret(returned, &self.machine.held, locked);
            nr += 1;
            if stop.is_some() {
                break;
            }
        }
        recorder.end(stop, nr);
    }

    fn sites(&self) -> &[PlacedSite] {
        &self.sites
    }
}
