// SPDX-License-Identifier: GPL-2.0
//! A running side: its memory, and the programs that it runs.

use crate::{Object, SiteInfo, abi, oops};
use std::{
    io,
    ptr::{self, NonNull},
    sync::LazyLock,
};

/// Unmapped memory after the arena: an access past its end faults, also through a huge
/// entry that maps more than the arena.
const GUARD: usize = abi::GD_GUARD_BYTES as usize;
/// Unmapped memory before the arena, because a huge entry can map addresses below it.
const FRONT: usize = 32 << 20;
/// Unmapped memory after the page tables: a huge entry that is taken for a table entry
/// leads to addresses there.
const CONTENTS: usize = {
    let slots = abi::GD_NR_TEMPLATES * abi::GD_NR_ORDERS * abi::GD_MAX_FOLIOS;
    // The tables are that many pages before the arena (GD_TABLE_PFN), and blocks end after
    // it.
    let room = 0x800 + (1 << 18);
    (((slots as usize) << abi::GD_SLOT_SHIFT) + room) * PAGE
};
/// Unmapped memory before the page tables, down to __va(0): an empty entry that is taken for a
/// table entry leads to addresses there.
const NOTHING: usize = abi::GD_BEFORE_TABLES_BYTES as usize;
/// Unmapped memory after the list: until 5.18, a walk with FOLL_MLOCK skips pages that are
/// not there, as many as a VMA has, and stores the next one so far behind the end of pages[].
const SKIPPED: usize = size_of::<usize>() << 31;
const PAGE: usize = 4096;

/// Maximum number of records of one program.
const TRACE_CAPACITY: usize = abi::GD_TRACE_CAPACITY as usize;

/// A memory mapping with a guard at its end.
struct Mapping {
    base: NonNull<libc::c_void>,
    len: usize,
}

impl Mapping {
    /// Maps `size` bytes; the next byte faults.
    fn with_guard(size: usize, guard: usize) -> io::Result<(Self, *mut libc::c_void)> {
        Self::between(0, size, guard, 1)
    }

    /// The same, aligned, and with a guard before it.
    fn between(
        front: usize,
        size: usize,
        guard: usize,
        align: usize,
    ) -> io::Result<(Self, *mut libc::c_void)> {
        let room = size.next_multiple_of(PAGE);
        // the alignment may move the start by less than one unit
        let len = front + room + guard + align.next_multiple_of(PAGE);
        // SAFETY: fresh anonymous memory without access, then its middle made accessible.
        unsafe {
            let base = libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            if base == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let mapping = Self {
                base: NonNull::new_unchecked(base),
                len,
            };
            let first = base.addr() + front + room - size;
            let front = front + first.next_multiple_of(align) - first;
            let access = libc::PROT_READ | libc::PROT_WRITE;
            if libc::mprotect(base.byte_add(front), room, access) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok((mapping, base.byte_add(front + room - size)))
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps what `with_guard` mapped
        unsafe { libc::munmap(self.base.as_ptr(), self.len) };
    }
}

/// A side that runs programs.
pub struct Machine {
    object: Object,
    _memmap: Mapping,
    _list: Mapping,
    _tables: Mapping,
    _scratch: Mapping,
}

// SAFETY: the machine owns the mappings and the object, and no part of them belongs to a
// thread.
unsafe impl Send for Machine {}

impl Machine {
    pub(crate) fn start(
        mut object: Object,
        site_id: &dyn Fn(&SiteInfo) -> u32,
    ) -> io::Result<Self> {
        let raw = object.raw();
        // heads are aligned by address, too
        let memmap_size = raw.memmap_size as usize;
        let slot_size =
            memmap_size / (abi::GD_NR_TEMPLATES * abi::GD_NR_ORDERS * abi::GD_MAX_FOLIOS) as usize;
        let align = match slot_size.is_power_of_two() {
            true => slot_size,
            false => 1,
        };
        let (memmap_map, memmap) = Mapping::between(FRONT, memmap_size, GUARD, align)?;
        let list_size = abi::GD_MAX_LIST as usize * size_of::<usize>();
        // faults if something is stored before pages[]
        let (list_map, list) = Mapping::between(PAGE, list_size, SKIPPED, 1)?;
        let tables_size = (abi::GD_MAX_TABLES * abi::GD_TABLE_ENTRIES) as usize * size_of::<u64>();
        let (tables_map, tables) = Mapping::between(NOTHING, tables_size, CONTENTS, 1)?;
        let (scratch_map, scratch) = Mapping::with_guard(raw.scratch_size as usize, PAGE)?;
        oops::install()?;
        let init = raw.init.expect("a loaded side has an init function");
        // SAFETY: the areas have the sizes that the header requires
        unsafe { init(memmap, list, tables, scratch) };
        object.set_ids(site_id);
        Ok(Self {
            object,
            _memmap: memmap_map,
            _list: list_map,
            _tables: tables_map,
            _scratch: scratch_map,
        })
    }

    /// The object that runs.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Does the side have the operation with this id?
    pub fn has_op(&self, id: u8) -> bool {
        let has_op = self
            .object
            .raw()
            .has_op
            .expect("a loaded side has a has_op function");
        // SAFETY: the side has been started
        unsafe { has_op(id.into()) != 0 }
    }

    /// Runs a program; `trace` then holds its records and nothing else.
    ///
    /// The program must be normalised: everything must be within the limits of the header.
    ///
    /// # Panics
    ///
    /// If a count or an index of the program is out of bounds.
    pub fn run(&mut self, program: &abi::gd_program, trace: &mut Vec<abi::gd_rec>) {
        check(program);
        trace.clear();
        trace.reserve(TRACE_CAPACITY);
        let mut out = abi::gd_trace {
            rec: trace.as_mut_ptr(),
            nr: 0,
            cap: TRACE_CAPACITY as u32,
        };
        // SAFETY: the trace has room for `cap` records; `nr` of them are written
        unsafe {
            self.run_into(program, &mut out);
            trace.set_len(out.nr as usize);
        }
    }

    /// Like [`Machine::run`], without checking the program.
    ///
    /// # Safety
    ///
    /// The program is in bounds, and the trace has room for `cap` records.
    pub(crate) unsafe fn run_into(&mut self, program: &abi::gd_program, out: &mut abi::gd_trace) {
        let raw = self.object.raw();
        let run = raw.run.expect("a loaded side has a run function");
        oops::enter(raw);
        // SAFETY: guaranteed by the caller
        unsafe { run(program, out) };
        oops::leave();
    }
}

pub(crate) fn check(program: &abi::gd_program) {
    let w = &program.world;
    assert!(
        (1..=abi::GD_MAX_FOLIOS as u8).contains(&w.nr_folios),
        "nr_folios out of bounds"
    );
    assert!(w.nr_ops <= abi::GD_MAX_OPS as u8, "nr_ops out of bounds");
    assert!(w.nr_acts <= abi::GD_MAX_ACTS as u8, "nr_acts out of bounds");
    assert!(w.pkru & !abi::GD_PKRU_ALL == 0, "pkru out of bounds");
    for f in &program.folio[..w.nr_folios as usize] {
        let fine = u32::from(f.order) < abi::GD_NR_ORDERS
            && u32::from(f.kind) < abi::GD_NR_KINDS
            && u32::from(f.mapping) < abi::GD_NR_MAPPINGS
            && u32::from(f.migratetype) < abi::GD_NR_MIGRATETYPES
            && f.flags >> abi::GD_NR_FLAGS == 0
            && f.movable <= 1
            && f.exclusive <= 1;
        assert!(fine, "a folio's field is out of bounds");
    }
    let ops = &program.op[..w.nr_ops as usize];
    for op in ops {
        check_operands(op, w);
    }
    let mut owner = 0;
    for act in &program.act[..w.nr_acts as usize] {
        let of = ops.get(usize::from(act.owner));
        assert!(
            act.owner >= owner && of.is_some_and(|op| !is_world(op.op)) && is_world(act.op.op),
            "an action belongs to no operation"
        );
        owner = act.owner;
        check_operands(&act.op, w);
        check_hook(act, w);
    }
}

fn check_operands(op: &abi::gd_op, w: &abi::gd_world) {
    for run in &op.run {
        let index = run.page >> abi::GD_RUN_SHIFT;
        let fine = index < u16::from(w.nr_folios)
            || index == abi::GD_I_NULL as u16
            || index == abi::GD_I_POISON as u16;
        assert!(fine, "an operand names no page");
    }
    check_entry(op);
}

/// Checks the entries that an operation sets.
fn check_entry(op: &abi::gd_op) {
    if !(abi::GD_OP_SET_PTE..=abi::GD_OP_SET_PGD).contains(&u32::from(op.op)) {
        return;
    }
    let fine = u32::from(op.entry) < abi::GD_NR_ENTRY_KINDS
        && op.eflags >> abi::GD_NR_ENTRY_FLAGS == 0
        && (1..=abi::GD_MAX_SET as i32).contains(&op.n)
        && op.addr & !TABLE_BITS == 0;
    assert!(fine, "an entry is out of bounds");
}

/// Checks the hook point of an action.
fn check_hook(act: &abi::gd_act, w: &abi::gd_world) {
    let object = match crate::hook_table().get(usize::from(act.hook)) {
        Some(hook) if act.hook != 0 => u32::from(hook.object),
        _ => panic!("unknown hook point"),
    };
    let at_page = object == abi::GD_O_PAGE;
    let at_addr = (abi::GD_O_PTE..=abi::GD_O_PGD).contains(&object);
    let fine = act.nth != 0
        && (at_page || act.at_page == 0)
        && act.at_page >> abi::GD_RUN_SHIFT < u16::from(w.nr_folios)
        && act.at_addr & !(if at_addr { TABLE_BITS } else { 0 }) == 0;
    assert!(fine, "a hook point is out of bounds");
}

/// The address bits that index page tables.
const TABLE_BITS: u64 = 0x0000_ffff_ffff_f000;

fn is_world(id: u8) -> bool {
    static WORLD: LazyLock<[bool; 256]> = LazyLock::new(|| {
        let mut world = [false; 256];
        for op in crate::op_table() {
            world[usize::from(op.id)] = op.effect.kind == abi::gd_effect_kind::Set;
        }
        world
    });
    WORLD[usize::from(id)]
}
