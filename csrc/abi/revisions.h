/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Known revisions, and facts about them: kernels, and the FOLL_PIN series as posted.
 *
 * GD_REVISION(NAME, text, number)
 *	A revision that operations have names for and the Rust side has rules
 *	for; oldest first, the series before the kernels.
 *
 * GD_FACT(NAME, series, kernel, until, what)
 *	What the fuzzer needs to know about the code under test: true from that
 *	version of the series on, and from that kernel up to the one before
 *	`until`.  Series and kernels are independent: a kernel does not inherit
 *	from the series.  rust-impl/src/rules.rs names the upstream change; its
 *	rules must agree (a test checks this).  If no change is named, older
 *	kernels were not checked.
 */
#ifndef GD_REVISION
#define GD_REVISION(name, text, number)
#endif
#ifndef GD_FACT
#define GD_FACT(name, series, kernel, until, what)
#endif

GD_REVISION(V8, "v8", GD_REV_SERIES(8))
GD_REVISION(V9, "v9", GD_REV_SERIES(9))
GD_REVISION(V10, "v10", GD_REV_SERIES(10))
GD_REVISION(V11, "v11", GD_REV_SERIES(11))
GD_REVISION(V5_10, "5.10", GD_REV_KERNEL(5, 10))
GD_REVISION(V5_15, "5.15", GD_REV_KERNEL(5, 15))
GD_REVISION(V6_1, "6.1", GD_REV_KERNEL(6, 1))
GD_REVISION(V6_5, "6.5", GD_REV_KERNEL(6, 5))
GD_REVISION(V6_6, "6.6", GD_REV_KERNEL(6, 6))
GD_REVISION(V6_12, "6.12", GD_REV_KERNEL(6, 12))
GD_REVISION(V6_14, "6.14", GD_REV_KERNEL(6, 14))
GD_REVISION(V7_3, "7.3", GD_REV_KERNEL(7, 3))

/* what programs can change; since 7.2 or before, tails hold masks */
GD_FACT(FAR_TAILS, GD_REV_ALWAYS, GD_REV_ALWAYS, GD_REV_KERNEL(7, 2),
	"a page can become a tail of any folio")
/* v6.15, "fs/dax: properly refcount fs dax pages" */
GD_FACT(DEVMAP_KEY, GD_REV_ALWAYS, GD_REV_ALWAYS, GD_REV_KERNEL(6, 15),
	"there is devmap_managed_key")

/* counts */
GD_FACT(PINCOUNT, GD_REV_NEVER, GD_REV_KERNEL(5, 7), GD_REV_NEVER,
	"large folios have an exact pin count; without one, a pin is 1024 references")
/* v5.18: "mm: Make compound_pincount always available" */
GD_FACT(PINCOUNT_OF_ALL, GD_REV_NEVER, GD_REV_KERNEL(5, 18), GD_REV_NEVER,
	"all large folios have it; before, not those of two pages")
GD_FACT(COUNTERS, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_NEVER,
	"pins are counted as acquired and released without CONFIG_DEBUG_VM, too")
/* v6.5, "mm: Don't pin ZERO_PAGE in pin_user_pages()", which went to 6.1 */
GD_FACT(ZERO_PAGE, GD_REV_NEVER, GD_REV_KERNEL(6, 1), GD_REV_NEVER,
	"the zero page is never pinned")

/* v6.14, "mm: decline to manipulate the refcount on a slab page" */
GD_FACT(SLAB_HAS_NO_COUNT, GD_REV_NEVER, GD_REV_KERNEL(6, 14), GD_REV_NEVER,
	"get_page() and put_page() leave slab pages alone")

/* the slow path's grab */
/* v5.18, "mm/gup: Convert try_grab_page() to use a folio" */
GD_FACT(SLOW_GRAB_LOOKS_FIRST, GD_REV_NEVER, GD_REV_KERNEL(5, 18), GD_REV_NEVER,
	"it checks the count whatever the flags are")
GD_FACT(SLOW_GRAB_REFS, GD_REV_NEVER, GD_REV_KERNEL(6, 10), GD_REV_NEVER,
	"it takes refs references; before, always one")

/* the lockless walk's grab */
GD_FACT(FAST_GRAB_PREFERS_GET, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_NEVER,
	"with FOLL_GET and FOLL_PIN together it takes references; otherwise it pins")
GD_FACT(FAST_GRAB_WANTS_FLAG, GD_REV_SERIES(10), GD_REV_ALWAYS, GD_REV_NEVER,
	"with neither flag it takes nothing; before, references")

/* put and unpin */
/* v5.18, put_compound_head() and its put_page_refs() became gup_put_folio() */
GD_FACT(PUTS_ANY_NUMBER, GD_REV_ALWAYS, GD_REV_KERNEL(5, 18), GD_REV_NEVER,
	"the requested number is dropped; before, at least one, and none if there are fewer")
/*
 * v5.19, "mm/gup: sanity-check with CONFIG_DEBUG_VM ... when (un)pinning"; a WARN
 * since v6.17, "mm/gup: remove (VM_)BUG_ONs"
 */
GD_FACT(SANITY_CHECK, GD_REV_NEVER, GD_REV_KERNEL(5, 19), GD_REV_KERNEL(6, 17),
	"unpinning an anonymous page that is not exclusive is a BUG (CONFIG_DEBUG_VM)")
GD_FACT(LISTS_REFUSE_ERRNO, GD_REV_NEVER, GD_REV_KERNEL(5, 10), GD_REV_NEVER,
	"a list whose length is an errno is refused with a WARN")
GD_FACT(LISTS_SKIP_NULL, GD_REV_NEVER, GD_REV_KERNEL(6, 12), GD_REV_NEVER,
	"NULL in a list is skipped")

/* the lockless walk */
GD_FACT(WALK, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_NEVER,
	"there is one, and operations have hook points")
GD_FACT(WALK_CHECKS_ARGS, GD_REV_NEVER, GD_REV_KERNEL(6, 3), GD_REV_NEVER,
	"its entry points check their arguments and return errnos")
GD_FACT(WALK_LEAVES_FILES, GD_REV_NEVER, GD_REV_KERNEL(6, 5), GD_REV_NEVER,
	"long-term pins of files, and truncated pages, are left to the slow path")
/* v5.18, "mm/gup: Convert gup_huge_pmd() to use a folio" and its kin */
GD_FACT(WALK_GRABBED_BLOCKS, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_KERNEL(5, 18),
	"for a part of a block, the block's first page is grabbed")
/* v6.10 to v6.17; v6.18, "mm/gup: remove record_subpages()" */
GD_FACT(WALK_GRABS_BLOCKS, GD_REV_NEVER, GD_REV_KERNEL(6, 10), GD_REV_KERNEL(6, 18),
	"the same again")
/* v6.10, "mm/gup: merge pXd huge mapping checks" */
GD_FACT(WALK_READS_LEAF_BITS, GD_REV_NEVER, GD_REV_KERNEL(6, 10), GD_REV_NEVER,
	"the huge bit alone says whether an entry is a leaf; before, other bits matter, too")
/* v6.17, "mm: remove devmap related functions and page table bits" */
GD_FACT(WALK_DEVICE_ENTRIES, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_KERNEL(6, 17),
	"entries can be marked as device memory, whose pages it takes one by one")
GD_FACT(WALK_SPECIAL_BLOCKS, GD_REV_NEVER, GD_REV_KERNEL(6, 12), GD_REV_NEVER,
	"huge entries can be special, like PTEs")

/* the slow path */
/* v5.18: "mm/gup: follow_pfn_pte(): -EEXIST cleanup" */
GD_FACT(SLOW_STOPS_AT_NO_PAGE, GD_REV_NEVER, GD_REV_KERNEL(5, 18), GD_REV_NEVER,
	"an entry without a page ends it; before, its slot in pages[] was left unchanged")
/* v6.0, "mm/gup: fix FOLL_FORCE COW security issue and remove FOLL_COW" */
GD_FACT(FORCED_WRITES_WANT_EXCLUSIVE, GD_REV_NEVER, GD_REV_KERNEL(6, 0), GD_REV_NEVER,
	"FOLL_FORCE writes to exclusive pages; before, after a fault that returned VM_FAULT_WRITE")
/* v6.10, "mm/gup: handle hugetlb in the generic follow_page_mask code" */
GD_FACT(FOLLOWS_HUGETLB_APART, GD_REV_NEVER, GD_REV_ALWAYS, GD_REV_KERNEL(6, 10),
	"hugetlbfs VMAs are followed by separate functions, which assume that all entries are huge")

/* v6.6, "mm: Don't allow write GUPs to shadow stack memory" */
GD_FACT(SHADOW_STACKS, GD_REV_NEVER, GD_REV_KERNEL(6, 6), GD_REV_NEVER,
	"there are shadow stacks, to which only FOLL_FORCE writes")

/* messages */
/* seen in 7.3 and not in 6.12; the change in between is not known */
GD_FACT(WARN_PLACE_FIRST, GD_REV_NEVER, GD_REV_KERNEL(7, 0), GD_REV_NEVER,
	"the first line of a WARN's log starts with file and line")

#undef GD_REVISION
#undef GD_FACT
