/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of hook points: the places in an operation of the kernel at which an
 * action can happen.
 *
 * GD_HOOK(NAME, layer, object, answer, default_answer, text, help, actor)
 *
 * NAME       the enum's name.  Add new ones at the end: the number is part of the
 *            wire form.
 * layer      the lowest layer whose operations reach it: PAGE, LOCKLESS or SLOW,
 *            see ops.h.
 * object     NONE, the page-table entry that maps an address (PTE, PMD, PUD, PGD),
 *            or a page (PAGE).  Only events of this object count.
 * answer     NONE, or for a call the type of its answer: BOOL, ERRNO, PAGES or
 *            FAULT, see program.h.
 * default_answer  of the call, if no action answers it.
 * text       the text form: before, after or at, then what is read or called.  If
 *            the object is an entry or a page, its name follows.
 * help       the clause for reports, with {object} and {nth}: " for the second
 *            time".
 * actor      for reports: "another CPU", or "it" if the called function itself
 *            makes the change.
 *
 * Include this file with GD_HOOK defined; it undefines it again.
 */

/* loads of page-table entries */
GD_HOOK(READ_PTE, LOCKLESS, PTE, NONE, 0, "before read pte",
	"before the PTE of {object} is read{nth}", "another CPU")
GD_HOOK(READ_PMD, LOCKLESS, PMD, NONE, 0, "before read pmd",
	"before the PMD of {object} is read{nth}", "another CPU")
GD_HOOK(READ_PUD, LOCKLESS, PUD, NONE, 0, "before read pud",
	"before the PUD of {object} is read{nth}", "another CPU")
GD_HOOK(READ_PGD, LOCKLESS, PGD, NONE, 0, "before read pgd",
	"before the PGD of {object} is read{nth}", "another CPU")
/* a load of write_protect_seq */
GD_HOOK(READ_SEQ, LOCKLESS, NONE, NONE, 0, "before read seq",
	"before write_protect_seq is read{nth}", "another CPU")

/* atomic updates of a page's refcount, including failed ones */
GD_HOOK(BEFORE_REF, PAGE, PAGE, NONE, 0, "before ref",
	"before the refcount of {object} is updated{nth}", "another CPU")
GD_HOOK(AFTER_REF, PAGE, PAGE, NONE, 0, "after ref",
	"after the refcount of {object} was updated{nth}", "another CPU")
/* the same for the pin count of the folio with this head */
GD_HOOK(BEFORE_PIN, PAGE, PAGE, NONE, 0, "before pin",
	"before the pin count of {object} is updated{nth}", "another CPU")
GD_HOOK(AFTER_PIN, PAGE, PAGE, NONE, 0, "after pin",
	"after the pin count of {object} was updated{nth}", "another CPU")

/* calls: get_dev_pagemap; arch_make_page_accessible, arch_make_folio_accessible */
GD_HOOK(PAGEMAP, LOCKLESS, NONE, BOOL, 1, "at get_dev_pagemap",
	"when get_dev_pagemap() is called{nth}", "another CPU")
GD_HOOK(ACCESSIBLE, LOCKLESS, NONE, ERRNO, 0, "at make_accessible",
	"when arch_make_page_accessible() is called{nth}", "another CPU")
/*
 * The slow path: the answer's pages appear in pages[] as pages outside of the
 * arena, at most as many as requested.  Default: -EFAULT.
 */
GD_HOOK(SLOW, LOCKLESS, NONE, PAGES, -14, "at slow_path",
	"when the slow path is called{nth}", "it")

/*
 * The slow path.  It reads page-table entries under their lock, so other CPUs
 * change them before the lock is taken: its loads are not hook points.
 */
GD_HOOK(PTL, SLOW, NONE, NONE, 0, "before page_table_lock",
	"before a page-table lock is taken{nth}", "another CPU")
/* default: VM_FAULT_SIGBUS; RETRY and COMPLETED have dropped the mmap lock */
GD_HOOK(FAULT, SLOW, NONE, FAULT, 1 << GD_FAULT_SIGBUS, "at handle_mm_fault",
	"when handle_mm_fault() is called{nth}", "it")
GD_HOOK(MMAP_LOCK, SLOW, NONE, ERRNO, 0, "at mmap_read_lock",
	"when mmap_read_lock() is called{nth}", "another CPU")
GD_HOOK(EXPAND, SLOW, NONE, ERRNO, 0, "at expand_stack",
	"when expand_stack() is called{nth}", "another CPU")
GD_HOOK(DRAIN, SLOW, NONE, NONE, 0, "at lru_add_drain",
	"when lru_add_drain() is called{nth}", "another CPU")
/* an isolated folio has one more reference and is not on the LRU */
GD_HOOK(ISOLATE, SLOW, NONE, BOOL, 1, "at folio_isolate_lru",
	"when folio_isolate_lru() is called{nth}", "another CPU")
/* number of folios that could not be migrated, or an errno; the others are freed */
GD_HOOK(MIGRATE, SLOW, NONE, PAGES, 1, "at migrate_pages",
	"when migrate_pages() is called{nth}", "it")
GD_HOOK(MIGRATE_DEVICE, SLOW, NONE, ERRNO, -16, "at migrate_device_coherent",
	"when migrate_device_coherent() is called{nth}", "it")
GD_HOOK(SPLIT, SLOW, NONE, NONE, 0, "at split_huge_pmd",
	"when split_huge_pmd() is called{nth}", "it")
/* the kernel's own load or store of a byte of user memory: 0, or it fails */
GD_HOOK(USER_ACCESS, SLOW, NONE, ERRNO, 0, "at user_access",
	"when user memory is accessed{nth}", "another CPU")
GD_HOOK(FIND_FOLIOS, SLOW, NONE, NONE, 0, "at filemap_get_folios_contig",
	"when filemap_get_folios_contig() is called{nth}", "another CPU")
/* with answer 0 it returns the folio that is in the page cache by then */
GD_HOOK(ALLOC_FOLIO, SLOW, NONE, ERRNO, -12, "at memfd_alloc_folio",
	"when memfd_alloc_folio() is called{nth}", "it")
GD_HOOK(PAGECACHE, SLOW, NONE, BOOL, 1, "at hugetlbfs_pagecache_present",
	"when hugetlbfs_pagecache_present() is called{nth}", "another CPU")
/* while the caller waits for the migration of an entry's page */
GD_HOOK(MIGRATION, SLOW, NONE, NONE, 0, "at migration_entry_wait",
	"when migration_entry_wait() is called{nth}", "another CPU")
/* with 0 it is split, as the actions before it say */
GD_HOOK(SPLIT_PAGE, SLOW, NONE, ERRNO, -16, "at split_huge_page",
	"when split_huge_page() is called{nth}", "it")

#undef GD_HOOK
