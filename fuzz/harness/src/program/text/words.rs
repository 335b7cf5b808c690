// SPDX-License-Identifier: GPL-2.0
//! The words for the ABI's enumerations, in the ABI's order.

use csrc::abi;

use crate::ops::{ArgKind, N, OpInfo, Val};

/// `GD_K_*`.
pub(crate) const KINDS: [&str; abi::GD_NR_KINDS as usize] = [
    "normal",
    "hugetlb",
    "zero",
    "huge_zero",
    "slab",
    "dev_private",
    "dev_coherent",
    "dev_fsdax",
    "dev_generic",
    "dev_p2pdma",
];

/// `GD_M_*`.
pub(super) const MAPPINGS: [&str; abi::GD_NR_MAPPINGS as usize] = [
    "none",
    "anon",
    "file",
    "shmem",
    "secretmem",
    "fsdax",
    "ksm",
    "movable_ops",
];

/// `GD_MT_*`.
pub(super) const MIGRATETYPES: [&str; abi::GD_NR_MIGRATETYPES as usize] =
    ["unmovable", "movable", "reclaimable", "cma", "isolate"];

/// `GD_F_*`.
pub(crate) const FLAGS: [&str; abi::GD_NR_FLAGS as usize] = [
    "locked",
    "referenced",
    "uptodate",
    "dirty",
    "lru",
    "active",
    "workingset",
    "waiters",
    "anon_exclusive",
    "reserved",
    "private",
    "writeback",
    "head",
    "swapbacked",
    "unevictable",
    "mlocked",
    "hwpoison",
    "young",
    "idle",
    "reclaim",
    "swapcache",
    "arch_1",
    "private_2",
];

/// `GD_FOLL_*`, without the kernel's prefix.
pub(crate) const FOLL: [&str; abi::GD_NR_FOLL as usize] = [
    "WRITE",
    "GET",
    "PIN",
    "LONGTERM",
    "FORCE",
    "FAST_ONLY",
    "PCI_P2PDMA",
    "TOUCH",
    "DUMP",
    "NOWAIT",
    "NOFAULT",
    "HWPOISON",
    "TRIED",
    "REMOTE",
    "ANON",
    "SPLIT_PMD",
    "INTERRUPTIBLE",
    "HONOR_NUMA_FAULT",
    "UNLOCKABLE",
    "MADV_POPULATE",
    "MIGRATION",
    "SPLIT",
];

/// `GD_E_*`; a page is written by its name.
pub(super) const ENTRIES: [&str; abi::GD_NR_ENTRY_KINDS as usize] =
    ["none", "", "table", "swap", "migration"];

/// `GD_EF_*`.
pub(crate) const ENTRY_FLAGS: [&str; abi::GD_NR_ENTRY_FLAGS as usize] = [
    "rw",
    "dirty",
    "old",
    "kernel",
    "absent",
    "protnone",
    "special",
    "devmap",
    "softdirty",
    "uffd_wp",
    "nx",
    "pkey_bit0",
    "pkey_bit1",
];

/// `GD_V_*`.
pub(crate) const VMA_KINDS: [&str; abi::GD_NR_VMA_KINDS as usize] = [
    "anon",
    "file",
    "shmem",
    "special",
    "secretmem",
    "fsdax",
    "gate",
    "hugetlb",
    "hugetlb_1g",
];

/// `GD_VM_*`, the kernel's names in small letters.
pub(crate) const VM_FLAGS: [&str; abi::GD_NR_VM_FLAGS as usize] = [
    "read",
    "write",
    "exec",
    "shared",
    "mayread",
    "maywrite",
    "mayexec",
    "mayshare",
    "growsdown",
    "pfnmap",
    "io",
    "mixedmap",
    "locked",
    "lockonfault",
    "hugepage",
    "softdirty",
    "uffd_wp",
    "shadow_stack",
    "pkey_bit0",
    "pkey_bit1",
];

/// `GD_FAULT_*`, the kernel's names in small letters.
pub(crate) const FAULTS: [&str; abi::GD_NR_FAULTS as usize] = [
    "oom",
    "sigbus",
    "hwpoison",
    "hwpoison_large",
    "sigsegv",
    "nopage",
    "locked",
    "retry",
    "fallback",
    "major",
    "completed",
    "write",
];

/// `GD_FF_*`, without the kernel's prefix.
pub(super) const FAULT_FLAGS: [&str; abi::GD_NR_FAULT_FLAGS as usize] = [
    "WRITE",
    "ALLOW_RETRY",
    "RETRY_NOWAIT",
    "KILLABLE",
    "TRIED",
    "REMOTE",
    "INTERRUPTIBLE",
    "UNSHARE",
    "USER",
    "MKWRITE",
    "INSTRUCTION",
];

/// `GD_SIG_*`.
pub(super) const SIGNALS: [&str; abi::GD_NR_SIGNALS as usize] = ["none", "other", "kill"];

/// The argument `locked`: NULL, or the value that it points to.
pub(super) const LOCKS: [&str; 3] = ["NULL", "1", "0"];

/// Files, by `GD_FD_*`.
pub(super) const MEMFDS: [&str; abi::GD_NR_MEMFDS as usize] = ["none", "plain", "shmem", "hugetlb"];

/// The VMAs of gup_must_unshare.
pub(super) const VMAS: [&str; 3] = ["none", "shared", "cow"];

/// Off and on.
pub(super) const SWITCH: [&str; 2] = ["off", "on"];

/// The words for the bits of a mask, `0` if there are none.
pub(crate) fn bits(words: &[&str], bits: u32) -> String {
    let set = words.iter().enumerate();
    let set = set.filter(|(bit, _)| bits & 1 << bit != 0);
    let set: Vec<&str> = set.map(|(_, word)| *word).collect();
    match set.is_empty() {
        true => "0".into(),
        false => set.join("|"),
    }
}

/// The index of a word.
pub(super) fn find(words: &[&str], word: &str) -> Option<usize> {
    words.iter().position(|w| *w == word)
}

/// Off or on, also as a number.
pub(super) fn find_switch(word: &str) -> Option<usize> {
    find(&SWITCH, word).or_else(|| find(&["0", "1"], word))
}

/// The words for an `arg`'s values; empty if it is a number.
pub(crate) fn arg_words(kind: ArgKind) -> &'static [&'static str] {
    match kind {
        ArgKind::Number | ArgKind::Order | ArgKind::Lookup | ArgKind::Slot => &[],
        ArgKind::Vma => &VMAS,
        ArgKind::Flag => &FLAGS,
        ArgKind::Mapping => &MAPPINGS,
        ArgKind::Migratetype => &MIGRATETYPES,
        ArgKind::Switch | ArgKind::Whether(_) => &SWITCH,
        ArgKind::Signal => &SIGNALS,
        ArgKind::Lock => &LOCKS,
        ArgKind::Memfd => &MEMFDS,
    }
}

/// The key of `arg` where it is written as `key=value`.
pub(crate) fn arg_key(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Number => "arg",
        ArgKind::Order => "order",
        ArgKind::Vma => "vma",
        ArgKind::Flag => "flag",
        ArgKind::Mapping => "mapping",
        ArgKind::Migratetype => "pageblock",
        ArgKind::Switch => "to",
        ArgKind::Whether(what) => what,
        ArgKind::Lookup => "lookup_fails",
        ArgKind::Slot => "slot",
        ArgKind::Signal => "signal",
        ArgKind::Lock => "locked",
        ArgKind::Memfd => "file",
    }
}

/// Whether `arg` is written as a word alone.
pub(super) fn arg_is_bare(kind: ArgKind) -> bool {
    !arg_has_default(kind) && kind != ArgKind::Order
}

/// Whether an `arg` of 0 is left out.
pub(super) fn arg_goes_without_saying(kind: ArgKind) -> bool {
    matches!(kind, ArgKind::Whether(_) | ArgKind::Lookup | ArgKind::Lock)
}

/// Whether `arg` is 0 by default.
pub(super) fn arg_has_default(kind: ArgKind) -> bool {
    matches!(
        kind,
        ArgKind::Number | ArgKind::Vma | ArgKind::Whether(_) | ArgKind::Lookup | ArgKind::Lock
    )
}

/// The key of `n`.
pub(crate) fn n_key(op: &OpInfo) -> &'static str {
    match op.n {
        N::None | N::Pages => "n",
        N::Refs => "refs",
        N::Npages => "npages",
        N::Rest => "rest",
        N::Pins => "pin",
    }
}

/// The key of `val`.
pub(crate) fn val_key(op: &OpInfo) -> &'static str {
    match op.val {
        Val::None | Val::Refs => "ref",
        Val::Pins => "pin",
        Val::Seq => "seq",
        Val::Bytes => "bytes",
        Val::Max => "max",
        Val::Answer => "the answer",
    }
}

/// Whether `val` is the only operand and needs no key.
pub(crate) fn val_is_bare(op: &OpInfo) -> bool {
    op.has(abi::GD_S_VAL) && !op.has(abi::GD_S_N | abi::GD_S_ARG)
}

/// Whether `val` has the 32 bits of write_protect_seq, not of an `int`.
pub(crate) fn val_is_seq(op: &OpInfo) -> bool {
    op.val == Val::Seq
}
