// SPDX-License-Identifier: GPL-2.0
//! A running kernel: its arena, and programs on it.

use crate::{Kernel, SiteInfo, abi, oops};
use std::{
    io,
    ptr::{self, NonNull},
    sync::{LazyLock, MutexGuard},
};

/// Unmapped memory after the arena: a walk past its end faults there, also one
/// over a huge entry that the arena does not fill.
const GUARD: usize = 8 << 20;
/// Unmapped memory before the arena: there are no pages below it, but a huge
/// entry can begin there.
const FRONT: usize = 32 << 20;
const PAGE: usize = 4096;

/// Most records that one program can make. Of one operation: an event a step,
/// a page for each that a step or a world change may touch, and the entries of
/// pages\[\] in place of those that a world change could have touched.
const TRACE_CAPACITY: usize =
    (abi::GD_MAX_OPS as usize + 1) * (6 * abi::GD_STEP_LIMIT as usize + (4 << abi::GD_SLOT_SHIFT));

/// A memory mapping that ends in a guard.
struct Mapping {
    base: NonNull<libc::c_void>,
    len: usize,
}

impl Mapping {
    /// `size` bytes, placed so that the byte after them faults.
    fn with_guard(size: usize, guard: usize) -> io::Result<(Self, *mut libc::c_void)> {
        Self::between(0, size, guard)
    }

    /// The same, with memory before it that faults.
    fn between(front: usize, size: usize, guard: usize) -> io::Result<(Self, *mut libc::c_void)> {
        let room = size.next_multiple_of(PAGE);
        let len = front + room + guard;
        // SAFETY: fresh anonymous memory, then its tail made inaccessible.
        unsafe {
            let base = libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
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
            for (at, len) in [(0, front), (front + room, guard)] {
                if libc::mprotect(base.byte_add(at), len, libc::PROT_NONE) != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok((mapping, base.byte_add(front + room - size)))
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps what `with_guard` mapped.
        unsafe { libc::munmap(self.base.as_ptr(), self.len) };
    }
}

/// One kernel that runs programs. There is at most one per [`Kernel`] at a
/// time, since the kernel's variables exist once.
pub struct Machine {
    kernel: &'static Kernel,
    _memmap: Mapping,
    _list: Mapping,
    _tables: Mapping,
    _scratch: Mapping,
    _lock: MutexGuard<'static, ()>,
}

impl Machine {
    pub(crate) fn start(
        kernel: &'static Kernel,
        site_id: &dyn Fn(&SiteInfo) -> u32,
    ) -> io::Result<Self> {
        let lock = kernel
            .lock
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let raw = kernel.raw();
        let (memmap_map, memmap) = Mapping::between(FRONT, raw.memmap_size as usize, GUARD)?;
        let list_size = abi::GD_MAX_LIST as usize * size_of::<usize>();
        let (list_map, list) = Mapping::with_guard(list_size, PAGE)?;
        let tables_size = (abi::GD_MAX_TABLES * abi::GD_TABLE_ENTRIES) as usize * size_of::<u64>();
        let (tables_map, tables) = Mapping::with_guard(tables_size, GUARD)?;
        let (scratch_map, scratch) = Mapping::with_guard(raw.scratch_size as usize, PAGE)?;
        for (i, site) in kernel.located_sites() {
            // SAFETY: an index of the object's array; the lock is held.
            unsafe { (*raw.sites.add(i)).id = site_id(&site) };
        }
        oops::install()?;
        let init = raw.init.expect("a linked kernel has an init function");
        // SAFETY: the areas have the sizes that the header asks for.
        unsafe { init(memmap, list, tables, scratch) };
        Ok(Self {
            kernel,
            _memmap: memmap_map,
            _list: list_map,
            _tables: tables_map,
            _scratch: scratch_map,
            _lock: lock,
        })
    }

    /// The kernel that runs here.
    pub fn kernel(&self) -> &'static Kernel {
        self.kernel
    }

    /// Runs a program; `trace` then holds its records and nothing else.
    ///
    /// The program must be normalised: everything that the header bounds is in
    /// bounds.
    ///
    /// # Panics
    ///
    /// When a count or an index of the program is out of bounds.
    pub fn run(&mut self, program: &abi::gd_program, trace: &mut Vec<abi::gd_rec>) {
        check(program);
        trace.clear();
        trace.reserve(TRACE_CAPACITY);
        let mut out = abi::gd_trace {
            rec: trace.as_mut_ptr(),
            nr: 0,
            cap: TRACE_CAPACITY as u32,
        };
        let raw = self.kernel.raw();
        let run = raw.run.expect("a linked kernel has a run function");
        oops::enter(raw);
        // SAFETY: the program is in bounds, the trace has room for `cap`
        // records, and the C side writes `nr` of them.
        unsafe {
            run(program, &mut out);
            trace.set_len(out.nr as usize);
        }
        oops::leave();
    }
}

fn check(program: &abi::gd_program) {
    let w = &program.world;
    assert!(
        (1..=abi::GD_MAX_FOLIOS as u8).contains(&w.nr_folios),
        "nr_folios out of bounds"
    );
    assert!(w.nr_ops <= abi::GD_MAX_OPS as u16, "nr_ops out of bounds");
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
    let mut group_open = false;
    for op in &program.op[..w.nr_ops as usize] {
        for run in &op.run {
            let index = run.page >> abi::GD_RUN_SHIFT;
            let fine = index < u16::from(w.nr_folios)
                || index == abi::GD_I_NULL as u16
                || index == abi::GD_I_POISON as u16;
            assert!(fine, "an operand names no page");
        }
        check_entry(op);
        check_moment(op, w, group_open);
        if op.when == 0 {
            group_open = !is_world(op.op);
        }
    }
}

/// The entries that an operation sets.
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

/// When an operation happens.
fn check_moment(op: &abi::gd_op, w: &abi::gd_world, group_open: bool) {
    let when = u32::from(op.when);
    assert!(when < abi::GD_NR_WHENS, "there is no such moment");
    let at_page = (abi::GD_WHEN_BEFORE_REF..=abi::GD_WHEN_AFTER_PIN).contains(&when);
    let at_addr = (abi::GD_WHEN_READ_PTE..=abi::GD_WHEN_READ_PGD).contains(&when);
    let fine = (op.nth != 0) == (when != 0)
        && (at_page || op.at_page == 0)
        && op.at_page >> abi::GD_RUN_SHIFT < u16::from(w.nr_folios)
        && op.at_addr & !(if at_addr { TABLE_BITS } else { 0 }) == 0;
    assert!(fine, "a moment is out of bounds");
    assert!(
        when == 0 || group_open && is_world(op.op),
        "an operation with a moment belongs to none"
    );
}

/// The bits of an address that choose entries of page tables.
const TABLE_BITS: u64 = 0x0000_ffff_ffff_f000;

fn is_world(id: u8) -> bool {
    static WORLD: LazyLock<[bool; 256]> = LazyLock::new(|| {
        let mut world = [false; 256];
        for op in crate::op_table() {
            world[usize::from(op.id)] = u32::from(op.layer) == abi::GD_LAYER_WORLD;
        }
        world
    });
    WORLD[usize::from(id)]
}
