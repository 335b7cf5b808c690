// SPDX-License-Identifier: GPL-2.0
//! How kernel revisions differ, as data.
//!
//! Each field says what changes and which upstream change brought it.  Adding
//! a kernel means adding a revision here, its values, and at most a field for
//! what no older kernel did.

use crate::foll::{FOLL_6_1, FOLL_6_12, FollFlag, FollTable};

/// Kernel revisions, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revision {
    /// Linux 6.1 (with the zero-page changes of its stable series).
    V6_1,
    /// Linux 6.12.
    V6_12,
}

/// One revision in one configuration.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Which kernel.
    pub revision: Revision,
    /// `CONFIG_DEBUG_VM`: VM_BUG_ON, VM_WARN_ON and the check of pinned pages.
    pub debug_vm: bool,
    /// Raw FOLL_ bits by canonical number.  Renumbered in v6.3: "mm/gup: move
    /// private gup FOLL_ flags to internal.h".
    pub foll: &'static FollTable,
    /// The slow grab takes a folio and honours refs, and gives an errno; before
    /// it took a page, one reference, gave a bool and warned about GET and PIN
    /// together.  v6.10: "mm: gup: stop abusing try_grab_folio".
    pub slow_grab_takes_refs: bool,
    /// The lockless grab insists on interrupts being off (DEBUG_VM).  v6.10:
    /// "mm: gup: stop abusing try_grab_folio".
    pub fast_grab_wants_irqs_off: bool,
    /// Grabs refuse PCI peer-to-peer pages without FOLL_PCI_P2PDMA.  v6.2: "mm:
    /// introduce FOLL_PCI_P2PDMA to gate getting PCI P2PDMA pages".
    pub grabs_check_p2pdma: bool,
    /// The lockless grab looks at FOLL_LONGTERM after taking its references, on
    /// the folio, and gives them back; before it looked first, at the page.
    /// v6.6: "mm/gup.c: reorganize try_get_folio()".
    pub longterm_checked_after_get: bool,
    /// A read-only long-term pin of a file page in a COW mapping unshares too.
    /// v6.2: "mm/gup: reliable R/O long-term pinning in COW mappings".
    pub unshares_file_pages: bool,
    /// unpin_user_pages() and the check of pinned pages skip NULL entries.
    /// v6.12: "mm/gup: handle NULL pages in unpin_user_pages()".
    pub lists_may_hold_null: bool,
    /// Add-unless reads the count first and leaves a count alone that it must
    /// not change; before it was one atomic operation.  v6.11:
    /// "mm/hugetlb_vmemmap: fix race with speculative PFN walkers".
    pub add_unless_reads_first: bool,
    /// secretmem is told by the mapping alone; before, a compound page never
    /// was.  v6.10: "mm: merge folio_is_secretmem() and
    /// folio_fast_pin_allowed() into gup_fast_folio_allowed()".
    pub secretmem_by_mapping: bool,
}

/// Linux 6.1, CONFIG_DEBUG_VM.
pub const RULES_6_1: Rules = Rules {
    revision: Revision::V6_1,
    debug_vm: true,
    foll: &FOLL_6_1,
    slow_grab_takes_refs: false,
    fast_grab_wants_irqs_off: false,
    grabs_check_p2pdma: false,
    longterm_checked_after_get: false,
    unshares_file_pages: false,
    lists_may_hold_null: false,
    add_unless_reads_first: false,
    secretmem_by_mapping: false,
};

/// Linux 6.12, CONFIG_DEBUG_VM.
pub const RULES_6_12: Rules = Rules {
    revision: Revision::V6_12,
    debug_vm: true,
    foll: &FOLL_6_12,
    slow_grab_takes_refs: true,
    fast_grab_wants_irqs_off: true,
    grabs_check_p2pdma: true,
    longterm_checked_after_get: true,
    unshares_file_pages: true,
    lists_may_hold_null: true,
    add_unless_reads_first: true,
    secretmem_by_mapping: true,
};

impl Rules {
    /// Every revision in every configuration.
    pub const ALL: [Rules; 4] = [
        RULES_6_1,
        RULES_6_1.with_debug_vm(false),
        RULES_6_12,
        RULES_6_12.with_debug_vm(false),
    ];

    /// The same revision with CONFIG_DEBUG_VM on or off.
    pub const fn with_debug_vm(self, debug_vm: bool) -> Rules {
        Rules { debug_vm, ..self }
    }

    /// `6.1`, `6.1-nodebug`, ...: what [`Rules::by_name`] understands.
    pub const fn name(&self) -> &'static str {
        match (self.revision, self.debug_vm) {
            (Revision::V6_1, true) => "6.1",
            (Revision::V6_1, false) => "6.1-nodebug",
            (Revision::V6_12, true) => "6.12",
            (Revision::V6_12, false) => "6.12-nodebug",
        }
    }

    /// The rules of that name.
    pub fn by_name(name: &str) -> Option<Rules> {
        Rules::ALL.into_iter().find(|rules| rules.name() == name)
    }

    /// The raw bit of a flag; 0 if this revision has no such flag.
    #[inline]
    pub fn foll_bit(&self, flag: FollFlag) -> u32 {
        self.foll[flag as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_find_their_rules() {
        for rules in Rules::ALL {
            let found = Rules::by_name(rules.name()).unwrap();
            assert_eq!(found.revision, rules.revision);
            assert_eq!(found.debug_vm, rules.debug_vm);
        }
        assert!(Rules::by_name("6.2").is_none());
    }
}
