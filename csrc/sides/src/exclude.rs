// SPDX-License-Identifier: GPL-2.0
//! The parts of a tree that mm/gup.c does not use, which are neither unpacked nor patched.

/// Parts of a tree that mm/gup.c does not use: `csrc/kernels/exclude`.
pub(crate) fn globs() -> Vec<String> {
    include_str!("../../kernels/exclude")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// Is a file in one of the parts that are not unpacked?
pub(crate) fn excluded(file: &str) -> bool {
    globs()
        .iter()
        .filter_map(|text| glob::Pattern::new(text).ok())
        .any(|pattern| pattern.matches(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excluded_parts_are_told_from_those_that_count() {
        assert!(excluded("drivers/net/ethernet/x.c"));
        assert!(excluded("Documentation/mm/a.rst"));
        assert!(!excluded("mm/gup.c"));
        assert!(!excluded("drivers/base/Kconfig"));
        assert!(!excluded("arch/x86/mm/hugetlbpage.c"));
    }
}
