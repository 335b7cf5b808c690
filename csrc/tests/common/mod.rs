// SPDX-License-Identifier: GPL-2.0
//! Small programs, and what is asked of their traces.
#![allow(dead_code, reason = "no test file uses all of it")]

use csrc::{Machine, Object, abi::*};
use gup_sides::{Flavour, Recipe, Store, tree};
use std::ops::Deref;

/// A side's name, and its object, not started.
pub struct Kernel {
    name: String,
    object: Object,
}

impl Kernel {
    /// As in `c:NAME`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for Kernel {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.object
    }
}

fn object(name: &str) -> Object {
    if let Some(series) = csrc::series().iter().find(|s| s.name == name) {
        return series.load("none").unwrap();
    }
    let store = Store::find();
    let (tree, debug_vm) = gup_sides::recipe::split_name(name);
    let recipe = Recipe::find(&store, tree).unwrap();
    let recipe = recipe.unwrap_or_else(|| panic!("{tree} is not prepared: make setup"));
    let built = recipe.compile(&store, debug_vm, Flavour::None).unwrap();
    Object::load(&built.object).unwrap()
}

/// The side of that name.
pub fn kernel(name: &str) -> Kernel {
    Kernel {
        name: name.into(),
        object: object(name),
    }
}

/// The known kernels, in both configurations, and every version of the series.
pub fn sound() -> impl Iterator<Item = Kernel> {
    let series = csrc::series().iter().map(|s| s.name.to_owned());
    tree::tested_sides().chain(series).map(|name| kernel(&name))
}

/// Starts it; a site's id is its place in [`Object::sites`].
pub fn open(kernel: &Kernel) -> Machine {
    let sites = kernel.sites();
    object(kernel.name())
        .start(&|site| sites.iter().position(|s| s == site).unwrap() as u32)
        .unwrap()
}

/// An operation on one page.
pub fn op(id: u32, n: i32, foll: u32, page: u16) -> gd_op {
    let mut op = gd_op {
        op: id as u8,
        n,
        foll,
        ..Default::default()
    };
    op.run[0] = gd_run { page, len: 1 };
    op
}

/// A plain folio with a file mapping.
pub fn folio(order: u8, ref_: i32) -> gd_folio {
    gd_folio {
        order,
        ref_,
        mapping: GD_M_FILE as u8,
        ..Default::default()
    }
}

pub fn program(folios: &[gd_folio], ops: &[gd_op]) -> gd_program {
    let mut p = gd_program {
        world: gd_world {
            nr_folios: folios.len() as u8,
            state: 0,
            nr_ops: ops.len() as u8,
            nr_acts: 0,
            seq: 0,
            pkru: 0,
        },
        ..Default::default()
    };
    p.folio[..folios.len()].copy_from_slice(folios);
    p.op[..ops.len()].copy_from_slice(ops);
    p
}

/// The records of one operation or of the end, by kind.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    /// "function WARN#0", "function BUG#0", "OOPS", "LIMIT", "call 5"
    pub events: Vec<String>,
    /// (index, page number)
    pub entries: Vec<(u16, u32)>,
    /// (page number, refcount)
    pub refs: Vec<(u32, i32)>,
    /// Pins requested and returned, if a counter moved.
    pub pins: Option<(i32, i32)>,
    /// (kind, value)
    pub ret: (u32, i64),
}

/// Runs a program on one folio and tells what its last operation did. Page
/// numbers count from the first page that the program touches: the head.
pub fn last(machine: &mut Machine, p: &gd_program) -> Seen {
    let sites = machine.object().sites();
    let mut trace = Vec::new();
    machine.run(p, &mut trace);
    let ops = usize::from(p.world.nr_ops);
    let records = trace
        .split_inclusive(|r| u32::from(r.kind) == GD_R_RET)
        .nth(ops - 1)
        .unwrap();
    // the folio is the first declared: its slot's index is 0
    let template = if u32::from(p.folio[0].kind) >= GD_K_DEV_PRIVATE {
        GD_T_DEVICE
    } else {
        GD_T_NORMAL
    };
    let slot = (template * GD_NR_ORDERS + u32::from(p.folio[0].order)) * GD_MAX_FOLIOS;
    let base = slot << GD_SLOT_SHIFT;
    let page = |c: u32| (c & 0xfffff).wrapping_sub(base);
    let mut seen = Seen::default();
    for r in records {
        match u32::from(r.kind) {
            GD_R_WARN | GD_R_BUG => {
                let s = &sites[r.c as usize];
                let kind = if u32::from(r.kind) == GD_R_WARN {
                    "WARN"
                } else {
                    "BUG"
                };
                seen.events.push(format!("{} {kind}#{}", s.func, s.ordinal));
            }
            GD_R_OOPS => seen.events.push("OOPS".into()),
            GD_R_LIMIT => seen.events.push("LIMIT".into()),
            GD_R_CALL => seen.events.push(format!("call {}", r.a)),
            GD_R_ENTRY => seen.entries.push((
                r.b,
                if r.c == GD_NOWHERE {
                    GD_NOWHERE
                } else {
                    page(r.c)
                },
            )),
            GD_R_PAGE => seen.refs.push((page(r.c), r.d as i32)),
            GD_R_STATE => seen.pins = Some((r.d as i32, (r.d >> 32) as i32)),
            GD_R_RET => {
                let kind = u32::from(r.a);
                let numbered =
                    [GD_RET_FOLIO, GD_RET_PAGE].contains(&kind) && r.d != u64::from(GD_NOWHERE);
                let value = if numbered {
                    i64::from(page(r.d as u32))
                } else {
                    r.d as i64
                };
                seen.ret = (kind, value);
            }
            kind => panic!("record of kind {kind}"),
        }
    }
    seen
}
