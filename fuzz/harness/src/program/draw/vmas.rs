// SPDX-License-Identifier: GPL-2.0
//! Draws VMAs: the mappings of a process, side by side or overlapping.

use csrc::abi::{self, gd_op};

use super::super::NO_OP;
use super::super::model::Model;
use super::super::rng::Rng;
use super::super::walk::{ANCHORS, Level, MAX_VMA_PAGES, PAGE_SIZE, TASK_SIZE_MAX, VM_FLAGS};
use super::bit;
use crate::world::pkey;
use crate::world::vmas::Vma;

const READ: u32 = bit(abi::GD_VM_READ);
const WRITE: u32 = bit(abi::GD_VM_WRITE);
const EXEC: u32 = bit(abi::GD_VM_EXEC);
const MAY: u32 = bit(abi::GD_VM_MAYREAD) | bit(abi::GD_VM_MAYWRITE) | bit(abi::GD_VM_MAYEXEC);
const SHARED: u32 = bit(abi::GD_VM_SHARED) | bit(abi::GD_VM_MAYSHARE);
const READ_ONLY: u32 = SHARED | bit(abi::GD_VM_MAYREAD);

/// The usual mappings: weight, kind, flags.
const MAPPINGS: [(u32, u32, u32); 25] = [
    // the heap
    (34, abi::GD_V_ANON, READ | WRITE | MAY),
    // a file that is written to; one that is not
    (14, abi::GD_V_FILE, READ | WRITE | SHARED | MAY),
    (4, abi::GD_V_FILE, READ | READ_ONLY),
    // data and text of a program
    (10, abi::GD_V_FILE, READ | WRITE | MAY),
    (8, abi::GD_V_FILE, READ | MAY),
    (3, abi::GD_V_FILE, READ | EXEC | MAY),
    (10, abi::GD_V_SHMEM, READ | WRITE | SHARED | MAY),
    (4, abi::GD_V_SHMEM, READ | SHARED | MAY),
    // PROT_NONE, read-only, for execution only
    (5, abi::GD_V_ANON, MAY),
    (5, abi::GD_V_ANON, READ | MAY),
    (2, abi::GD_V_ANON, EXEC | MAY),
    // the stack
    (
        7,
        abi::GD_V_ANON,
        READ | WRITE | MAY | bit(abi::GD_VM_GROWSDOWN),
    ),
    // device memory
    (
        3,
        abi::GD_V_SPECIAL,
        READ | WRITE | SHARED | MAY | bit(abi::GD_VM_PFNMAP) | bit(abi::GD_VM_IO),
    ),
    (
        2,
        abi::GD_V_SPECIAL,
        READ | WRITE | SHARED | MAY | bit(abi::GD_VM_PFNMAP),
    ),
    (
        2,
        abi::GD_V_FILE,
        READ | WRITE | SHARED | MAY | bit(abi::GD_VM_IO),
    ),
    (
        2,
        abi::GD_V_FSDAX,
        READ | WRITE | SHARED | MAY | bit(abi::GD_VM_MIXEDMAP),
    ),
    (4, abi::GD_V_FSDAX, READ | WRITE | SHARED | MAY),
    (4, abi::GD_V_SECRETMEM, READ | WRITE | SHARED | MAY),
    (9, abi::GD_V_HUGETLB, READ | WRITE | SHARED | MAY),
    (6, abi::GD_V_HUGETLB, READ | WRITE | MAY),
    (3, abi::GD_V_HUGETLB, READ | MAY),
    (4, abi::GD_V_HUGETLB_1G, READ | WRITE | SHARED | MAY),
    (2, abi::GD_V_HUGETLB_1G, READ | WRITE | MAY),
    // the vdso; the gate area
    (2, abi::GD_V_SPECIAL, READ | EXEC | MAY),
    (2, abi::GD_V_GATE, READ | EXEC),
];

/// A VMA with this number, close to the others.
pub fn vma(rng: &mut Rng, model: &Model, slot: u16) -> gd_op {
    let weights = MAPPINGS.map(|(weight, ..)| weight);
    let (_, kind, flags) = MAPPINGS[rng.weighted(&weights)];
    let mut op = gd_op {
        op: abi::GD_OP_SET_VMA as u8,
        arg: slot,
        addr: start(rng, model),
        n: pages(rng),
        entry: kind as u8,
        val: (flags | rarer(rng)) as i32,
        ..NO_OP
    };
    if matches!(kind, abi::GD_V_HUGETLB | abi::GD_V_HUGETLB_1G) && rng.chance(3, 4) {
        // of whole huge pages, or of a part of a large one
        let size = Level::Pmd.size();
        op.addr = op.addr.next_multiple_of(size).min(TASK_SIZE_MAX - size);
        op.n = rng.range(1, 3) * (size / PAGE_SIZE) as i32;
    }
    match rng.below(48) {
        0 => op.val = rng.next_u32() as i32 & VM_FLAGS,
        1 => op.entry = rng.below(abi::GD_NR_VMA_KINDS as usize) as u8,
        2 => op.val ^= 1 << rng.below(abi::GD_NR_VM_FLAGS as usize),
        _ => {}
    }
    op
}

/// A VMA with the number of one that there is not, else of any.
pub fn another(rng: &mut Rng, model: &Model) -> gd_op {
    let free = (0..abi::GD_MAX_VMAS as u16).find(|slot| model.vmas.is_free(*slot));
    let any = rng.below(abi::GD_MAX_VMAS as usize) as u16;
    vma(rng, model, free.unwrap_or(any))
}

/// Flags that a VMA of any kind may have.
fn rarer(rng: &mut Rng) -> u32 {
    let mut flags = 0;
    for (flag, of) in [
        (abi::GD_VM_LOCKED, 8),
        (abi::GD_VM_LOCKONFAULT, 3),
        (abi::GD_VM_HUGEPAGE, 5),
        // new VMAs have it, until somebody starts to track writes
        (abi::GD_VM_SOFTDIRTY, 44),
        (abi::GD_VM_UFFD_WP, 6),
        (abi::GD_VM_SHADOW_STACK, 2),
    ] {
        if rng.chance(of, 64) {
            flags |= bit(flag);
        }
    }
    flags | pkey::flags(super::pkey(rng), pkey::OF_VMA)
}

/// An address after another VMA, mostly without a hole; inside one; anywhere.
fn start(rng: &mut Rng, model: &Model) -> u64 {
    let all: Vec<&Vma> = model.vmas.all().collect();
    if all.is_empty() || rng.chance(1, 5) {
        let anchor = rng.pick(&ANCHORS);
        return anchor.saturating_sub(rng.below(3) as u64 * PAGE_SIZE);
    }
    let vma = rng.pick(&all);
    match rng.below(24) {
        0 => vma.start,
        1 => vma.start + rng.below(vma.pages() as usize) as u64 * PAGE_SIZE,
        2..=5 => vma.end + rng.range(1, 3) as u64 * PAGE_SIZE,
        _ => vma.end,
    }
    .min(TASK_SIZE_MAX - PAGE_SIZE)
}

fn pages(rng: &mut Rng) -> i32 {
    match rng.weighted(&[14, 40, 24, 12, 8, 2]) {
        0 => 1,
        1 => rng.range(2, 8),
        2 => rng.range(6, 24),
        3 => rng.range(500, 530),
        4 => rng.range(1000, 1600),
        _ => MAX_VMA_PAGES,
    }
}

/// A change of a VMA while the mmap lock is not held.
pub fn change(rng: &mut Rng, model: &Model, vma: &Vma) -> gd_op {
    let mut op = gd_op {
        op: abi::GD_OP_SET_VMA as u8,
        arg: vma.slot,
        addr: vma.start,
        n: vma.pages() as i32,
        entry: vma.kind,
        val: vma.flags,
        ..NO_OP
    };
    match rng.weighted(&[30, 16, 10, 18, 10, 10, 6]) {
        // unmapped: all, the end, the start
        0 => op.n = 0,
        1 => op.n = rng.range(0, op.n - 1),
        2 => {
            let by = rng.range(1, op.n.min(4));
            op.addr += by as u64 * PAGE_SIZE;
            op.n -= by;
        }
        // mprotect
        3 => op.val ^= WRITE as i32,
        4 => op.val ^= 1 << rng.below(abi::GD_NR_VM_FLAGS as usize),
        5 => op.n = (op.n + rng.range(1, 4)).min(MAX_VMA_PAGES),
        _ => return self::vma(rng, model, vma.slot),
    }
    op
}

/// Changes one property of a VMA.
pub fn tweak(rng: &mut Rng, op: &mut gd_op) {
    match rng.below(8) {
        0 => op.entry = rng.below(abi::GD_NR_VMA_KINDS as usize) as u8,
        1 => op.val ^= WRITE as i32,
        2 => op.n += rng.pick(&[-1, 1, 1, 512]),
        3 => op.addr = op.addr.wrapping_sub(PAGE_SIZE),
        4 => op.addr = op.addr.wrapping_add(PAGE_SIZE),
        5 => op.arg = rng.below(abi::GD_MAX_VMAS as usize) as u16,
        _ => op.val ^= 1 << rng.below(abi::GD_NR_VM_FLAGS as usize),
    }
}
