// SPDX-License-Identifier: GPL-2.0
//! The options of a kernel's configuration that affect pages.
//!
//! Most options add a kind of page, mapping or entry: without them a program cannot ask for
//! it, and this code need not know.  The options here change the handling of pages that
//! exist in any case.

/// Options of one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// `CONFIG_HUGETLB_PAGE`: tails of any folio are prepared for hugetlb pages that share
    /// a part of the memory map; and `pmd_huge` is true for anything that is not a table.
    pub hugetlb: bool,
    /// `CONFIG_MIGRATION`: pages can be migrated before a long-term pin; without it all
    /// pages may be pinned where they are.
    pub migration: bool,
    /// `CONFIG_CMA`: a long-term pin checks the page's block, also for MIGRATE_ISOLATE.
    pub cma: bool,
    /// `CONFIG_ZONE_DEVICE`: pages are checked for device memory.
    pub zone_device: bool,
    /// `CONFIG_TRANSPARENT_HUGEPAGE`: where a head page is taken for a THP, it counts as the
    /// pages of one.
    pub thp: bool,
    /// `CONFIG_SECRETMEM`: the lockless walk checks for secretmem pages, which are not in
    /// the kernel's direct map.
    pub secretmem: bool,
}

impl Config {
    /// All options are on.
    pub const FULL: Config = Config {
        hugetlb: true,
        migration: true,
        cma: true,
        zone_device: true,
        thp: true,
        secretmem: true,
    };

    /// The options by name, without `CONFIG_`.
    pub const NAMES: [&'static str; 6] = [
        "HUGETLB_PAGE",
        "MIGRATION",
        "CMA",
        "ZONE_DEVICE",
        "TRANSPARENT_HUGEPAGE",
        "SECRETMEM",
    ];

    /// Is the option of that name on?
    pub fn has(self, name: &str) -> bool {
        let mut without = self;
        without.turn_off(name) && without != self
    }

    /// Turns an option off; returns whether it exists.
    pub fn turn_off(&mut self, name: &str) -> bool {
        let option = match name {
            "HUGETLB_PAGE" => &mut self.hugetlb,
            "MIGRATION" => &mut self.migration,
            "CMA" => &mut self.cma,
            "ZONE_DEVICE" => &mut self.zone_device,
            "TRANSPARENT_HUGEPAGE" => &mut self.thp,
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
