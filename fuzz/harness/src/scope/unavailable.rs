// SPDX-License-Identifier: GPL-2.0
//! What a tree or a configuration does not have is taken out of programs.

use csrc::abi::{self, gd_op};

use crate::ops::{self, ArgKind, Layer};
use crate::program::Program;
use crate::program::text::words;
use crate::program::walk::Level;
use crate::rev::Fact;
use crate::side::Side;
use crate::world::folio::is_device;

/// Parts of programs that one of two sides does not have; masks by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    ops: [bool; 256],
    kinds: u32,
    mappings: u32,
    migratetypes: u32,
    page_flags: u32,
    foll: u32,
    entry_kinds: u32,
    entry_flags: u32,
    /// Bits of the state beside pages.
    state: u32,
    vma_kinds: u32,
    vma_flags: u32,
    /// Entries above PTE level that map pages: those that THP makes, among them all of
    /// device memory, and those that hugetlb makes, among them the others of PUDs.
    thp_entries: bool,
    hugetlb_entries: bool,
    /// The walk asks who made an entry of a PUD (later: `pud_leaf`).
    puds_are_asked: bool,
    /// ZONE_MOVABLE.
    movable: bool,
    /// PKRU.
    pkru: bool,
}

/// ZONE_DEVICE pages of every kind.
fn device_kinds() -> u32 {
    (0..abi::GD_NR_KINDS)
        .filter(|&kind| is_device(kind as u8))
        .fold(0, |mask, kind| mask | 1 << kind)
}

/// Options without which the slow path is not the one that the Rust side knows.
const SLOW_WANTS: [&str; 6] = [
    "CONFIG_MIGRATION",
    "CONFIG_NUMA_BALANCING",
    "CONFIG_MEM_SOFT_DIRTY",
    "CONFIG_USERFAULTFD",
    "CONFIG_TRANSPARENT_HUGEPAGE",
    "CONFIG_X86_VSYSCALL_EMULATION",
];

impl Unavailable {
    const NOTHING: Self = Self {
        ops: [false; 256],
        kinds: 0,
        mappings: 0,
        migratetypes: 0,
        page_flags: 0,
        foll: 0,
        entry_kinds: 0,
        entry_flags: 0,
        state: 0,
        vma_kinds: 0,
        vma_flags: 0,
        thp_entries: false,
        hugetlb_entries: false,
        puds_are_asked: false,
        movable: false,
        pkru: false,
    };

    /// What either of two sides lacks; none if both have everything.
    pub fn of(left: &dyn Side, right: &dyn Side) -> Option<Self> {
        let mut all = Self::NOTHING;
        for side in [left, right] {
            side.info().lacks.iter().for_each(|what| all.lack(what));
        }
        for op in ops::table() {
            // What only one of them has ends the comparison.
            all.ops[usize::from(op.id)] |= left.has_op(op.id) != right.has_op(op.id);
        }
        let has_slow = |side: &dyn Side| {
            let mut slow = ops::table().iter().filter(|op| op.is_slow());
            slow.any(|op| side.has_op(op.id))
        };
        // Versions of the FOLL_PIN series have the page level only, anyway.
        let walks = |side: &dyn Side| side.info().rev.has(Fact::Walk);
        let configured = |side: &dyn Side| {
            let mut lacks = side.info().lacks.iter();
            !lacks.any(|what| SLOW_WANTS.contains(&what.as_str()))
        };
        let slow = |side: &dyn Side| has_slow(side) && configured(side);
        if walks(left) && walks(right) && !(slow(left) && slow(right)) {
            all.lack_slow();
        }
        if all == Self::NOTHING {
            return None;
        }
        let asks = |side: &dyn Side| !side.info().rev.has(Fact::WalkReadsLeafBits);
        all.puds_are_asked = asks(left) || asks(right);
        Some(all)
    }

    /// There is no slow path: nothing of its layer means anything.
    fn lack_slow(&mut self) {
        let slow = ops::table().iter().filter(|op| op.layer == Layer::Slow);
        slow.for_each(|op| self.ops[usize::from(op.id)] = true);
        self.state |= abi::GD_W_REAL_SLOW_PATH;
    }

    /// By an option of the configuration, or the name of a flag or variable.
    fn lack(&mut self, what: &str) {
        match what {
            "CONFIG_HUGETLB_PAGE" => {
                self.kinds |= 1 << abi::GD_K_HUGETLB;
                self.hugetlb_entries = true;
            }
            "CONFIG_TRANSPARENT_HUGEPAGE" => {
                self.kinds |= 1 << abi::GD_K_HUGE_ZERO;
                self.thp_entries = true;
            }
            "CONFIG_ZONE_DEVICE" => self.kinds |= device_kinds(),
            "CONFIG_DEVICE_PRIVATE" => {
                self.kinds |= 1 << abi::GD_K_DEV_PRIVATE | 1 << abi::GD_K_DEV_COHERENT;
            }
            "CONFIG_FS_DAX" => {
                self.kinds |= 1 << abi::GD_K_DEV_FSDAX;
                self.mappings |= 1 << abi::GD_M_FSDAX;
                self.vma_kinds |= 1 << abi::GD_V_FSDAX;
            }
            // what asks for these is a constant then, not a function
            "CONFIG_PCI_P2PDMA" => {
                self.kinds |= 1 << abi::GD_K_DEV_P2PDMA;
                self.ops[abi::GD_OP_IS_PCI_P2PDMA_PAGE as usize] = true;
            }
            "CONFIG_SECRETMEM" => {
                self.mappings |= 1 << abi::GD_M_SECRETMEM;
                self.vma_kinds |= 1 << abi::GD_V_SECRETMEM;
                self.ops[abi::GD_OP_IS_SECRETMEM as usize] = true;
            }
            "CONFIG_SHMEM" => self.mappings |= 1 << abi::GD_M_SHMEM,
            "CONFIG_KSM" => self.mappings |= 1 << abi::GD_M_KSM,
            "CONFIG_CMA" => self.migratetypes |= 1 << abi::GD_MT_CMA,
            "CONFIG_MEMORY_ISOLATION" => self.migratetypes |= 1 << abi::GD_MT_ISOLATE,
            "CONFIG_MIGRATION" => {
                self.movable = true;
                self.migratetypes |= 1 << abi::GD_MT_CMA | 1 << abi::GD_MT_ISOLATE;
                self.entry_kinds |= 1 << abi::GD_E_MIGRATION;
            }
            "CONFIG_SWAP" => self.entry_kinds |= 1 << abi::GD_E_SWAP,
            "CONFIG_MEMORY_FAILURE" => self.page_flags |= 1 << abi::GD_F_HWPOISON,
            "CONFIG_NUMA_BALANCING" => self.entry_flags |= 1 << abi::GD_EF_PROTNONE,
            "CONFIG_USERFAULTFD" => {
                self.entry_flags |= 1 << abi::GD_EF_UFFD_WP;
                self.vma_flags |= 1 << abi::GD_VM_UFFD_WP;
            }
            "CONFIG_MEM_SOFT_DIRTY" => {
                self.entry_flags |= 1 << abi::GD_EF_SOFT_DIRTY;
                self.vma_flags |= 1 << abi::GD_VM_SOFTDIRTY;
            }
            // the flag is a constant 0 then
            "CONFIG_X86_USER_SHADOW_STACK" => {
                self.vma_flags |= 1 << abi::GD_VM_SHADOW_STACK;
            }
            "CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS" => {
                self.entry_flags |= 1 << abi::GD_EF_PKEY_BIT0 | 1 << abi::GD_EF_PKEY_BIT1;
                self.vma_flags |= 1 << abi::GD_VM_PKEY_BIT0 | 1 << abi::GD_VM_PKEY_BIT1;
                self.pkru = true;
            }
            "PAGE_MAPPING_MOVABLE" => self.mappings |= 1 << abi::GD_M_MOVABLE,
            "_PAGE_DEVMAP" => self.entry_flags |= 1 << abi::GD_EF_DEVMAP,
            "_PAGE_SOFT_DIRTY" => self.entry_flags |= 1 << abi::GD_EF_SOFT_DIRTY,
            "_PAGE_UFFD_WP" => self.entry_flags |= 1 << abi::GD_EF_UFFD_WP,
            "devmap_managed_key" => {
                self.state |= abi::GD_W_DEVMAP_KEY;
                self.ops[abi::GD_OP_SET_DEVMAP_KEY as usize] = true;
            }
            _ => self.lack_flag(what),
        }
    }

    fn lack_flag(&mut self, what: &str) {
        if let Some(name) = what.strip_prefix("FOLL_") {
            let bit = words::FOLL.iter().position(|word| *word == name);
            self.foll |= bit.map_or(0, |bit| 1 << bit);
        } else if let Some(name) = what.strip_prefix("PG_") {
            let bit = words::FLAGS.iter().position(|word| *word == name);
            self.page_flags |= bit.map_or(0, |bit| 1 << bit);
        } else if let Some(name) = what.strip_prefix("VM_") {
            let name = name.to_ascii_lowercase();
            let bit = words::VM_FLAGS.iter().position(|word| *word == name);
            self.vma_flags |= bit.map_or(0, |bit| 1 << bit);
        }
    }

    /// Takes them out of a program; it stays normalised.
    pub fn take_out(&self, program: &mut Program) {
        let state = program.0.world.state & !self.state as u8;
        let mut changed = state != program.0.world.state;
        program.0.world.state = state;
        if self.pkru {
            changed |= program.0.world.pkru != 0;
            program.0.world.pkru = 0;
        }
        for f in program.folios_mut() {
            let before = *f;
            if self.kinds >> f.kind & 1 != 0 {
                f.kind = abi::GD_K_NORMAL as u8;
            }
            if self.mappings >> f.mapping & 1 != 0 {
                f.mapping = abi::GD_M_FILE as u8;
            }
            if self.migratetypes >> f.migratetype & 1 != 0 {
                f.migratetype = abi::GD_MT_UNMOVABLE as u8;
            }
            f.flags &= !self.page_flags;
            if self.movable {
                f.movable = 0;
            }
            changed |= *f != before;
        }
        for i in (0..program.nr_ops()).rev() {
            if self.ops[usize::from(program.ops()[i].op)] {
                changed |= program.remove_op(i);
            }
        }
        for i in (0..program.nr_acts()).rev() {
            if self.ops[usize::from(program.acts()[i].op.op)] {
                program.remove_acts(i..i + 1);
                changed = true;
            }
        }
        program.each_op(|op| {
            let before = *op;
            self.change(op);
            changed |= *op != before;
        });
        if changed {
            program.normalise();
        }
    }

    fn change(&self, op: &mut gd_op) {
        if self.foll != 0 && op.mods & abi::GD_MOD_RAW as u8 == 0 {
            op.foll &= !self.foll;
        }
        let Some(info) = ops::info(op.op) else {
            return;
        };
        let lacks = |which: u32| which >> (op.arg & 31) & 1 != 0;
        match info.arg {
            ArgKind::Flag if lacks(self.page_flags) => op.arg = abi::GD_F_REFERENCED as u16,
            ArgKind::Mapping if lacks(self.mappings) => op.arg = abi::GD_M_FILE as u16,
            ArgKind::Migratetype if lacks(self.migratetypes) => {
                op.arg = abi::GD_MT_UNMOVABLE as u16;
            }
            _ => {}
        }
        if info.has(abi::GD_S_VMA) {
            op.val &= !self.vma_flags as i32;
            if self.vma_kinds >> op.entry & 1 != 0 {
                op.entry = abi::GD_V_FILE as u8;
            }
        }
        if let Some(level) = info.sets_level() {
            op.eflags &= !self.entry_flags as u16;
            if self.thp_entries && level != Level::Pte {
                // a huge entry is special where THP makes it so
                op.eflags &= !(1 << abi::GD_EF_SPECIAL);
            }
            if self.entry_kinds >> op.entry & 1 != 0 || self.nobody_maps(op, level) {
                op.entry = abi::GD_E_NONE as u8;
            }
        }
    }

    /// Is it an entry above PTE level that maps a page, and that nobody makes?
    fn nobody_maps(&self, op: &gd_op, level: Level) -> bool {
        if level == Level::Pte || u32::from(op.entry) != abi::GD_E_PAGE {
            return false;
        }
        let device = op.eflags & 1 << abi::GD_EF_DEVMAP != 0;
        let by_hugetlb = !self.hugetlb_entries && !device;
        let by_thp = !self.thp_entries && (device || level == Level::Pmd || !self.puds_are_asked);
        !(by_hugetlb || by_thp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::generate;
    use crate::program::profile::{Focus, Profile};
    use crate::program::rng::Rng;
    use crate::rev::Rev;

    /// Random programs, without these.
    fn without(lacks: &[&str]) -> Vec<Program> {
        let mut unavailable = Unavailable::NOTHING;
        lacks.iter().for_each(|what| unavailable.lack(what));
        let profile = Profile::new(Rev::V6_1).focus(Focus::All);
        let mut rng = Rng::new(1);
        let mut program = || {
            let mut program = generate::program(&mut rng, &profile);
            unavailable.take_out(&mut program);
            program
        };
        (0..500).map(|_| program()).collect()
    }

    /// All operations, those of the script too.
    fn ops(programs: &[Program]) -> impl Iterator<Item = &gd_op> {
        let all = |p| (0..Program::nr_all(p)).map(|i| Program::any_op(p, i));
        programs.iter().flat_map(all)
    }

    #[test]
    fn an_entry_flag_that_is_lacking_is_not_asked_for() {
        let devmap = |op: &gd_op| op.eflags & 1 << abi::GD_EF_DEVMAP != 0;
        assert!(ops(&without(&[])).any(devmap));
        assert!(!ops(&without(&["_PAGE_DEVMAP"])).any(devmap));
    }

    #[test]
    fn a_key_that_is_lacking_is_neither_set_nor_on() {
        let sets = |op: &gd_op| u32::from(op.op) == abi::GD_OP_SET_DEVMAP_KEY;
        let on = |p: &Program| u32::from(p.world().state) & abi::GD_W_DEVMAP_KEY != 0;
        let all = without(&[]);
        assert!(ops(&all).any(sets) && all.iter().any(on));
        let some = without(&["devmap_managed_key"]);
        assert!(!ops(&some).any(sets) && !some.iter().any(on));
    }

    #[test]
    fn without_protection_keys_nobody_asks_for_one() {
        let keys = |op: &gd_op| {
            let of_entry = 1 << abi::GD_EF_PKEY_BIT0 | 1 << abi::GD_EF_PKEY_BIT1;
            let of_vma = 1 << abi::GD_VM_PKEY_BIT0 | 1 << abi::GD_VM_PKEY_BIT1;
            let sets_vma = u32::from(op.op) == abi::GD_OP_SET_VMA;
            op.eflags & of_entry != 0 || sets_vma && op.val & of_vma != 0
        };
        let all = without(&[]);
        assert!(ops(&all).any(keys) && all.iter().any(|p| p.world().pkru != 0));
        let some = without(&["CONFIG_X86_INTEL_MEMORY_PROTECTION_KEYS"]);
        assert!(!ops(&some).any(keys) && some.iter().all(|p| p.world().pkru == 0));
    }

    #[test]
    fn an_entry_that_nobody_makes_is_not_asked_for() {
        let huge = |op: &gd_op| {
            let sets = [abi::GD_OP_SET_PMD, abi::GD_OP_SET_PUD].contains(&u32::from(op.op));
            sets && u32::from(op.entry) == abi::GD_E_PAGE
        };
        let device = |op: &gd_op| huge(op) && op.eflags & 1 << abi::GD_EF_DEVMAP != 0;
        let (thp, hugetlb) = ("CONFIG_TRANSPARENT_HUGEPAGE", "CONFIG_HUGETLB_PAGE");
        assert!(ops(&without(&[hugetlb])).any(device));
        let by_hugetlb = without(&[thp]);
        assert!(ops(&by_hugetlb).any(huge) && !ops(&by_hugetlb).any(device));
        assert!(!ops(&without(&[thp, hugetlb])).any(huge));
    }
}
