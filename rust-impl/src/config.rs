// SPDX-License-Identifier: GPL-2.0
//! What a kernel was configured with, as far as pages notice.
//!
//! Most options make a kind of page, of mapping or of entry: without them a program
//! cannot ask for it, and no code here need know. These decide about pages that are
//! there all the same.

/// Options of one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `CONFIG_HUGETLB_PAGE`: tails of any folio are made for hugetlb pages that share a
    /// part of the memory map; and `pmd_huge` is true of whatever is no table.
    pub hugetlb: bool,
    /// `CONFIG_MIGRATION`: what must not stay where it is can be moved away before
    /// a long-term pin; without it all may stay.
    pub migration: bool,
    /// `CONFIG_CMA`: a page's block is looked at before a long-term pin, also for
    /// being isolated.
    pub cma: bool,
    /// `CONFIG_ZONE_DEVICE`: a page is asked whether it is device memory.
    pub zone_device: bool,
    /// `CONFIG_SECRETMEM`: the lockless walk looks for pages that the kernel's own
    /// map lacks.
    pub secretmem: bool,
}

impl Config {
    /// All of them.
    pub const FULL: Config = Config {
        hugetlb: true,
        migration: true,
        cma: true,
        zone_device: true,
        secretmem: true,
    };

    /// The options by name, without `CONFIG_`.
    pub const NAMES: [&'static str; 5] = [
        "HUGETLB_PAGE",
        "MIGRATION",
        "CMA",
        "ZONE_DEVICE",
        "SECRETMEM",
    ];

    /// Whether an option of that name is on.
    pub fn has(self, name: &str) -> bool {
        let mut without = self;
        without.turn_off(name) && without != self
    }

    /// Turns an option off; whether there is one of that name.
    pub fn turn_off(&mut self, name: &str) -> bool {
        let option = match name {
            "HUGETLB_PAGE" => &mut self.hugetlb,
            "MIGRATION" => &mut self.migration,
            "CMA" => &mut self.cma,
            "ZONE_DEVICE" => &mut self.zone_device,
            "SECRETMEM" => &mut self.secretmem,
            _ => return false,
        };
        *option = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_turns_one_option_off() {
        for name in Config::NAMES {
            let mut config = Config::FULL;
            assert!(config.turn_off(name));
            assert_ne!(config, Config::FULL);
        }
        let mut config = Config::FULL;
        assert!(!config.turn_off("KSM"));
        assert_eq!(config, Config::FULL);
    }
}
