// SPDX-License-Identifier: GPL-2.0
//! Draws the script: the actions during an operation.
//!
//! A change of a page or an entry that the operation does not use has no effect.  So hook
//! points mostly name the entries and pages that the operation reads and grabs, and the
//! actions change them.

use csrc::abi::{self, gd_act, gd_op};

use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{self, LEVELS, Level, PAGE_SIZE};
use super::super::{NO_ACT, NO_OP, NR_RUNS, NULL, POISON, page, split_page, values};
use super::{Profile, answer, during, op as draw_op, tables, vmas};
use crate::effect::{self, Part};
use crate::hooks::{self, Answer, HookInfo, NR_HOOKS, Object};
use crate::ops::{self, ArgKind, Layer};

/// An action during `main`, applied to the model; `None` if the profile has no operation
/// for it.  The action has no owner yet.
pub fn act(rng: &mut Rng, profile: &Profile, model: &Model, main: &gd_op) -> Option<gd_act> {
    let scene = Scene::of(rng, model, main);
    let hook = hook(rng, model, main, &scene);
    let mut op = match rng.below(8) {
        0 => any(rng, profile, model, main)?,
        _ => what(rng, model, hook, &scene),
    };
    if !fits(profile, main, op.op) {
        op = any(rng, profile, model, main)?;
    }
    let mut act = gd_act { hook, op, ..NO_ACT };
    act.nth = match rng.weighted(&[48, 38, 12, 2]) {
        3 => rng.range(4, 9) as u8,
        n => n as u8 + 1,
    };
    if rng.chance(7, 8) {
        act.nth = act.nth.min(times(hook, main, &scene));
    }
    match hooks::object(hook) {
        Object::Entry(_) => act.at_addr = scene.addr & walk::ADDR_MASK,
        Object::Page => act.at_page = scene.counted(rng),
        Object::Nothing => {}
    }
    Some(act)
}

/// Whether a change of the world makes sense during an operation: functions of the page
/// level do not use page tables, and the lockless walk does not use VMAs.
fn fits(profile: &Profile, main: &gd_op, id: u8) -> bool {
    profile.has(id) && ops::info(id).is_some_and(|op| op.layer <= layer_of(main))
}

fn layer_of(main: &gd_op) -> Layer {
    ops::info(main.op).map_or(Layer::Page, |op| op.layer)
}

/// The objects that the operation uses.
struct Scene {
    /// An address that it walks over.
    addr: u64,
    /// The level at which it is mapped.
    level: Level,
    /// The page that it grabs.
    page: u16,
    /// The folio of that page.
    index: usize,
    /// Whether the operation may take the slow path there.
    slow: bool,
    /// Whether the walk is expected to grab it.
    taken: bool,
    /// Whether its entry says that it is device memory.
    devmap: bool,
    /// Whether it is part of a large folio.
    large: bool,
    /// Whether a stack would have to be expanded for it.
    below_a_stack: bool,
    /// Whether hugetlbfs is mapped there.
    hugetlb: bool,
}

impl Scene {
    fn of(rng: &mut Rng, model: &Model, main: &gd_op) -> Scene {
        let pages = match rng.below(2) {
            0 => 0,
            _ => rng.below(main.n.clamp(1, 8) as usize) as u64,
        };
        let is_call = walk::is_any_call(main.op);
        let addr = match is_call {
            true => main.addr.wrapping_add(pages * PAGE_SIZE),
            false => 0,
        };
        let hit = model.maps.hit(addr).filter(|_| is_call);
        let named = match is_call {
            true => hit.and_then(|hit| hit.page),
            false => operand(rng, main),
        };
        let p = named.unwrap_or(page(0, 0));
        let index = split_page(p).0 % model.nr_folios.max(1);
        let hugetlb = model.vmas.at(addr).and_then(|vma| vma.huge_level());
        let devmap = |eflags: u16| u32::from(eflags) & 1 << abi::GD_EF_DEVMAP != 0;
        Scene {
            addr,
            level: hit.map_or(hugetlb.unwrap_or(Level::Pte), |hit| hit.level),
            page: p,
            index,
            slow: model.is_slow(main),
            taken: match walk::is_slow(main.op) {
                true => model.is_there(main, addr),
                false => model.takes(main),
            },
            devmap: hit.is_some_and(|hit| devmap(hit.eflags)),
            large: model.folio[index].order > 0,
            hugetlb: hugetlb.is_some(),
            below_a_stack: model.vmas.at(addr).is_none()
                && model
                    .vmas
                    .all()
                    .any(|vma| vma.has(abi::GD_VM_GROWSDOWN) && vma.start > addr),
        }
    }

    /// A page whose counts the operation changes: the head, rarely another.
    fn counted(&self, rng: &mut Rng) -> u16 {
        match rng.below(12) {
            0 => page(self.index, split_page(self.page).1),
            1 => page(rng.below(self.index + 2), 0),
            _ => page(self.index, 0),
        }
    }
}

/// A page that an operation of the page level names.
fn operand(rng: &mut Rng, main: &gd_op) -> Option<u16> {
    let is_list = ops::info(main.op).is_some_and(|info| info.has(abi::GD_S_LIST));
    let runs = if is_list { NR_RUNS } else { 1 };
    let p = main.run[rng.below(runs)].page;
    (p != NULL && p != POISON).then_some(p)
}

/// A hook point: any of them, but mostly one that can be reached.
fn hook(rng: &mut Rng, model: &Model, main: &gd_op, scene: &Scene) -> u8 {
    let mut weights = [0u32; NR_HOOKS];
    let mut say = |hook: u32, weight: u32, can: bool| {
        weights[hook as usize] = if can { weight } else { 1 };
    };
    // all that the operation can reach; more specific ones follow
    let layer = layer_of(main);
    let comes_to = |hook: &&HookInfo| match hook.layer {
        Layer::Page => true,
        Layer::Lockless => layer == Layer::Lockless,
        Layer::Slow => model.is_slow(main),
    };
    for hook in hooks::table().iter().skip(1).filter(comes_to) {
        say(hook.id.into(), 10, true);
    }
    let is_call = walk::is_any_call(main.op);
    let grabs = !is_call || scene.taken;
    let pins = grabs && (!is_call || walk::is_pin(main.op));
    say(abi::GD_HOOK_BEFORE_REF, 22, grabs);
    say(abi::GD_HOOK_AFTER_REF, 22, grabs);
    say(abi::GD_HOOK_BEFORE_PIN, 7, pins && scene.large);
    say(abi::GD_HOOK_AFTER_PIN, 7, pins && scene.large);
    if model.is_slow(main) {
        let longterm = main.foll & 1 << abi::GD_FOLL_LONGTERM != 0;
        let splits = main.foll & 1 << abi::GD_FOLL_SPLIT_PMD != 0;
        say(abi::GD_HOOK_PTL, 40, true);
        say(abi::GD_HOOK_FAULT, 30, true);
        say(abi::GD_HOOK_MMAP_LOCK, 12, !scene.taken);
        say(abi::GD_HOOK_EXPAND, 16, scene.below_a_stack);
        say(abi::GD_HOOK_DRAIN, 8, pins && longterm);
        say(abi::GD_HOOK_ISOLATE, 8, pins && longterm);
        say(abi::GD_HOOK_MIGRATE, 14, pins && longterm);
        say(abi::GD_HOOK_MIGRATE_DEVICE, 6, pins && longterm);
        say(abi::GD_HOOK_SPLIT, 14, splits);
        say(abi::GD_HOOK_USER_ACCESS, 60, walk::touches(main.op));
        let dumps = main.foll & 1 << abi::GD_FOLL_DUMP != 0;
        say(abi::GD_HOOK_PAGECACHE, 24, dumps && scene.hugetlb);
        let waits = u32::from(main.op) == abi::GD_OP_FOLLOW_PAGE && scene.hugetlb;
        let asks = main.foll & 1 << abi::GD_FOLL_MIGRATION != 0;
        say(abi::GD_HOOK_MIGRATION, 24, waits || asks);
        let splits_page = main.foll & 1 << abi::GD_FOLL_SPLIT != 0;
        say(abi::GD_HOOK_SPLIT_PAGE, 24, splits_page && scene.large);
        let memfd = walk::pins_file(main.op);
        say(abi::GD_HOOK_FIND_FOLIOS, 60, memfd);
        say(abi::GD_HOOK_ALLOC_FOLIO, 40, memfd);
        say(abi::GD_HOOK_ACCESSIBLE, 8, pins);
        say(abi::GD_HOOK_PAGEMAP, 12, scene.devmap);
    }
    if walk::is_call(main.op) {
        let (pte, fast) = (scene.level == Level::Pte, 1 << abi::GD_FOLL_FAST_ONLY);
        for level in LEVELS {
            let weight = if level == scene.level { 30 } else { 9 };
            say(level.hook().into(), weight, level >= scene.level);
        }
        say(abi::GD_HOOK_READ_SEQ, 12, walk::is_pin(main.op));
        say(abi::GD_HOOK_PAGEMAP, 24, scene.taken && scene.devmap);
        say(abi::GD_HOOK_ACCESSIBLE, 14, scene.taken && pins && pte);
        say(
            abi::GD_HOOK_SLOW,
            18,
            main.foll & fast == 0 && walk::falls_back(main.op),
        );
    }
    rng.weighted(&weights) as u8
}

/// Roughly how often an operation can reach a hook point.
fn times(hook: u8, main: &gd_op, scene: &Scene) -> u8 {
    let leaf = |level: Level| if scene.level == level { 2 } else { 1 };
    let pages = main.n.clamp(1, 8) as u8;
    match u32::from(hook) {
        abi::GD_HOOK_READ_PTE | abi::GD_HOOK_READ_SEQ => 2,
        abi::GD_HOOK_READ_PMD if scene.level == Level::Pte => pages + 1,
        abi::GD_HOOK_READ_PMD => leaf(Level::Pmd),
        abi::GD_HOOK_READ_PUD => leaf(Level::Pud),
        abi::GD_HOOK_READ_PGD | abi::GD_HOOK_SLOW => 1,
        abi::GD_HOOK_PAGEMAP | abi::GD_HOOK_ACCESSIBLE => pages,
        abi::GD_HOOK_EXPAND | abi::GD_HOOK_SPLIT => 1,
        abi::GD_HOOK_FAULT | abi::GD_HOOK_MMAP_LOCK | abi::GD_HOOK_MIGRATE => 2,
        _ => pages + 1,
    }
}

/// The operation of an action at a hook point.
fn what(rng: &mut Rng, model: &Model, hook: u8, scene: &Scene) -> gd_op {
    match u32::from(hook) {
        abi::GD_HOOK_PTL | abi::GD_HOOK_SPLIT | abi::GD_HOOK_MIGRATION => match rng.below(8) {
            0 => on_folio(rng, model, scene),
            _ => tables::change(rng, model, scene.level, scene.addr),
        },
        abi::GD_HOOK_FAULT => match rng.below(6) {
            0 => during::signal(rng),
            1 | 2 => tables::change(rng, model, scene.level, scene.addr),
            _ => during::fault(rng),
        },
        abi::GD_HOOK_PAGECACHE => match rng.chance(1, 2) {
            true => answer(0),
            false => anything(rng, model, scene),
        },
        abi::GD_HOOK_ALLOC_FOLIO => match rng.chance(1, 2) {
            true => answer(rng.pick(&[0, 0, -17, -12])),
            false => anything(rng, model, scene),
        },
        abi::GD_HOOK_USER_ACCESS => answer(rng.pick(&[-14, -14, 0, 1])),
        abi::GD_HOOK_MMAP_LOCK | abi::GD_HOOK_EXPAND => {
            let vma = model.vmas.at(scene.addr).copied();
            match (rng.below(4), vma) {
                (0, _) => tables::change(rng, model, scene.level, scene.addr),
                (1, Some(vma)) => vmas::change(rng, model, &vma),
                _ => answer(rng.pick(&[-4, -12, -14, 0])),
            }
        }
        abi::GD_HOOK_SPLIT_PAGE => match rng.below(4) {
            0 => tables::change(rng, model, scene.level, scene.addr),
            1 => on_folio(rng, model, scene),
            _ => answer(rng.pick(&[0, 0, -11, -16])),
        },
        abi::GD_HOOK_DRAIN => on_folio(rng, model, scene),
        abi::GD_HOOK_ISOLATE => match rng.below(6) {
            0 => anything(rng, model, scene),
            _ => answer(rng.pick(&[0, 0, 1])),
        },
        abi::GD_HOOK_MIGRATE | abi::GD_HOOK_MIGRATE_DEVICE => match rng.below(3) {
            0 => tables::change(rng, model, scene.level, scene.addr),
            _ => answer(rng.pick(&[0, 0, 1, -12, -11, -16])),
        },
        abi::GD_HOOK_READ_PTE..=abi::GD_HOOK_READ_PGD => match rng.below(8) {
            0 => on_folio(rng, model, scene),
            _ => {
                let level = LEVELS[usize::from(hook) - abi::GD_HOOK_READ_PTE as usize];
                tables::change(rng, model, level, scene.addr)
            }
        },
        abi::GD_HOOK_READ_SEQ => match rng.below(8) {
            0 => tables::change(rng, model, Level::Pte, scene.addr),
            1 => on_folio(rng, model, scene),
            _ => set_seq(rng),
        },
        abi::GD_HOOK_PAGEMAP => answer(rng.pick(&[0, 0, 0, 1, -1])),
        abi::GD_HOOK_ACCESSIBLE => match rng.below(4) {
            0 => tables::change(rng, model, scene.level, scene.addr),
            _ => answer(rng.pick(&[-5, -14, -16, 1, 0, i32::MIN])),
        },
        abi::GD_HOOK_SLOW => match rng.below(6) {
            0 => tables::change(rng, model, Level::Pte, scene.addr),
            1 => answer(values::edge(rng)),
            2 => answer(rng.pick(&[-14, -12, -4, -512, -1, -4095])),
            _ => answer(rng.range(0, 8)),
        },
        _ => match hooks::info(hook).map(|hook| hook.answer) {
            Some(Answer::Bool) if rng.chance(1, 2) => answer(rng.range(0, 1)),
            Some(Answer::Errno | Answer::Pages) if rng.chance(1, 2) => {
                answer(rng.pick(&[0, 1, -12, -16]))
            }
            Some(Answer::Fault) if rng.chance(1, 2) => during::fault(rng),
            _ => anything(rng, model, scene),
        },
    }
}

fn anything(rng: &mut Rng, model: &Model, scene: &Scene) -> gd_op {
    match rng.below(4) {
        0 => tables::change(rng, model, scene.level, scene.addr),
        1 if rng.chance(1, 3) => set_seq(rng),
        // pages are faulted in only while no signal is pending
        2 if scene.slow => during::signal(rng),
        _ => on_folio(rng, model, scene),
    }
}

fn set_seq(rng: &mut Rng) -> gd_op {
    gd_op {
        op: abi::GD_OP_SET_SEQ as u8,
        val: match rng.below(4) {
            0 => super::seq(rng) as i32,
            _ => rng.range(0, 6),
        },
        ..NO_OP
    }
}

/// A change of the folio that is being grabbed.
fn on_folio(rng: &mut Rng, model: &Model, scene: &Scene) -> gd_op {
    let g = &model.folio[scene.index];
    let head = page(scene.index, 0);
    let mut op = NO_OP;
    op.run[0].page = head;
    match rng.weighted(&[22, 6, 22, 8, 14, 16, 6, 4, 4]) {
        // frozen, as by a split or a migration
        0 => op.op = abi::GD_OP_SET_REF as u8,
        1 => {
            op.op = abi::GD_OP_SET_REF as u8;
            op.val = values::refcount(rng, g.nr_pages());
        }
        2 => {
            op.op = abi::GD_OP_SPLIT as u8;
            op.arg = match rng.chance(3, 4) {
                true => 0,
                false => rng.below(usize::from(g.order) + 1) as u16,
            };
            op.val = rng.range(1, 3);
            op.n = rng.range(1, 2);
        }
        // freed and reused
        3 => {
            op.op = abi::GD_OP_REUSE as u8;
            op.arg = super::mapping(rng) as u16;
            op.val = rng.range(1, 2);
        }
        4 => {
            op.op = abi::GD_OP_SET_TAIL as u8;
            op.run[0].page = match rng.below(4) {
                0 => page(scene.index, rng.below(g.nr_pages())),
                _ => scene.page,
            };
            let other = rng.below(model.nr_folios.max(1));
            op.run[1].page = page(other, 0);
        }
        // a fork shares it, a fault makes it exclusive
        5 => {
            op.op = match rng.chance(2, 3) {
                true => abi::GD_OP_CLEAR_FLAG as u8,
                false => abi::GD_OP_SET_FLAG as u8,
            };
            op.run[0].page = scene.page;
            op.arg = abi::GD_F_ANON_EXCLUSIVE as u16;
        }
        6 => {
            op.op = abi::GD_OP_SET_MAPPING as u8;
            op.arg = super::mapping(rng) as u16;
        }
        7 => {
            op.op = abi::GD_OP_SET_PIN as u8;
            op.val = rng.range(0, 2);
        }
        _ => {
            op.op = abi::GD_OP_SET_PAGEBLOCK as u8;
            op.arg = super::migratetype(rng) as u16;
        }
    }
    op
}

/// Any change of the world.
fn any(rng: &mut Rng, profile: &Profile, model: &Model, main: &gd_op) -> Option<gd_op> {
    let fits = |op: &&ops::OpInfo| op.is_change && fits(profile, main, op.id);
    let count = ops::table().iter().filter(fits).count();
    let chosen = rng.below(count);
    let info = ops::table().iter().filter(fits).nth(chosen)?;
    Some(match info.sets() {
        Some(part) if effect::level(part).is_some() => {
            let mut op = tables::entry(rng, model);
            op.op = info.id;
            op
        }
        Some(Part::Answer) => answer(rng.range(-2, 4)),
        _ => {
            let mut op = draw_op(rng, info.id, model, std::slice::from_ref(main));
            if info.arg == ArgKind::Flag && rng.chance(1, 2) {
                op.arg = abi::GD_F_ANON_EXCLUSIVE as u16;
            }
            op
        }
    })
}
