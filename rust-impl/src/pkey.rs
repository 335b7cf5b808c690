// SPDX-License-Identifier: GPL-2.0
//! Protection keys: VMAs and entries have one, and the register PKRU of a task says which keys
//! it may use.

use crate::machine::{Machine, MmPtr};
use crate::vma::VmArea;

impl Machine {
    /// `__pkru_allows_pkey`: access includes reading and writing.
    pub fn pkru_allows(&self, pkey: u32, write: bool) -> bool {
        let disabled = self.pkru >> (2 * pkey);
        disabled & 1 == 0 && !(write && disabled & 2 != 0)
    }

    /// `arch_vma_access_permitted`, for data: PKRU is about the memory of the running task,
    /// and only when the task itself accesses it.
    pub fn vma_access_permitted(&self, vma: &VmArea, write: bool, foreign: bool) -> bool {
        foreign || vma.mm != MmPtr::Current || self.pkru_allows(vma.pkey(), write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vma::vm_flag;

    fn machine() -> Machine {
        let mut machine = Machine::new();
        machine.pkru = 0x24;
        machine
    }

    #[test]
    fn what_disables_access_disables_writes_too() {
        let machine = machine();
        let allows = |key| [false, true].map(|write| machine.pkru_allows(key, write));
        assert_eq!(allows(0), [true, true]);
        assert_eq!(allows(1), [false, false]);
        assert_eq!(allows(2), [true, false]);
        assert_eq!(allows(3), [true, true]);
    }

    #[test]
    fn pkru_is_about_the_memory_of_the_task_itself() {
        let machine = machine();
        let own = VmArea {
            flags: vm_flag::PKEY_BIT0,
            ..VmArea::default()
        };
        let other = VmArea {
            mm: MmPtr::Other,
            ..own
        };
        assert!(!machine.vma_access_permitted(&own, false, false));
        assert!(machine.vma_access_permitted(&own, false, true));
        assert!(machine.vma_access_permitted(&other, false, false));
    }
}
