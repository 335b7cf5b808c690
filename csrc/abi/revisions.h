/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is known of revisions: of kernels, and of the FOLL_PIN series as posted.
 *
 * GD_REVISION(NAME, text, number)
 *	A revision that operations have names for and the Rust side has rules
 *	for; oldest first, the series before the kernels.
 *
 * GD_FACT(NAME, series, kernel, what)
 *	What the fuzzer has to know of the code under test: true from that
 *	version of the series on, and from that kernel on.  The two have nothing
 *	to do with each other: a kernel does not inherit from the series, however
 *	old it is.  The upstream change is in rust-impl/src/rules.rs, whose rules
 *	say the same (a test holds that); where none is named, this is how far
 *	back it has been looked at.
 */
#ifndef GD_REVISION
#define GD_REVISION(name, text, number)
#endif
#ifndef GD_FACT
#define GD_FACT(name, series, kernel, what)
#endif

GD_REVISION(V8, "v8", GD_REV_SERIES(8))
GD_REVISION(V9, "v9", GD_REV_SERIES(9))
GD_REVISION(V10, "v10", GD_REV_SERIES(10))
GD_REVISION(V11, "v11", GD_REV_SERIES(11))
GD_REVISION(V6_1, "6.1", GD_REV_KERNEL(6, 1))
GD_REVISION(V6_12, "6.12", GD_REV_KERNEL(6, 12))

/* counts */
GD_FACT(PINCOUNT, GD_REV_NEVER, GD_REV_KERNEL(5, 7),
	"large folios have an exact pin count; without one, a pin is 1024 references")
GD_FACT(COUNTERS, GD_REV_NEVER, GD_REV_ALWAYS,
	"pins are counted as acquired and released without CONFIG_DEBUG_VM, too")
/* v6.5, "mm: Don't pin ZERO_PAGE in pin_user_pages()", which went to 6.1 */
GD_FACT(ZERO_PAGE, GD_REV_NEVER, GD_REV_KERNEL(6, 1),
	"the zero page is never pinned")

/* the slow path's grab */
/* v5.18, "mm/gup: Convert try_grab_page() to use a folio" */
GD_FACT(SLOW_GRAB_LOOKS_FIRST, GD_REV_NEVER, GD_REV_KERNEL(5, 18),
	"it looks at the count whatever the flags are")
GD_FACT(SLOW_GRAB_REFS, GD_REV_NEVER, GD_REV_KERNEL(6, 10),
	"it takes as many as it is told; before, always one")

/* the lockless walk's grab */
GD_FACT(FAST_GRAB_GETS_FIRST, GD_REV_NEVER, GD_REV_ALWAYS,
	"with FOLL_GET and FOLL_PIN together it gets; where not, it pins")
GD_FACT(FAST_GRAB_WANTS_FLAG, GD_REV_SERIES(10), GD_REV_ALWAYS,
	"with neither flag it takes nothing; before, it gets")

/* unpin */
/* v5.19, "mm/gup: sanity-check with CONFIG_DEBUG_VM ... when (un)pinning" */
GD_FACT(SANITY_CHECK, GD_REV_NEVER, GD_REV_KERNEL(5, 19),
	"unpinning an anonymous page that is not exclusive is a BUG (CONFIG_DEBUG_VM)")
GD_FACT(LISTS_REFUSE_ERRNO, GD_REV_NEVER, GD_REV_KERNEL(6, 1),
	"a list whose length is an errno is refused with a WARN")
GD_FACT(LISTS_SKIP_NULL, GD_REV_NEVER, GD_REV_KERNEL(6, 12),
	"NULL in a list is skipped")

/* the lockless walk */
GD_FACT(WALK, GD_REV_NEVER, GD_REV_ALWAYS,
	"there is one, and something may happen in the middle of an operation")
GD_FACT(WALK_CHECKS_ARGS, GD_REV_NEVER, GD_REV_KERNEL(6, 3),
	"its entry points check their arguments and say what is wrong with them")
GD_FACT(WALK_LEAVES_FILES, GD_REV_NEVER, GD_REV_KERNEL(6, 5),
	"long-term pins of files, and what was truncated, are left to the slow path")
GD_FACT(WALK_GRABS_BLOCKS, GD_REV_NEVER, GD_REV_KERNEL(6, 10),
	"a part of a block is grabbed by the block's first page")
GD_FACT(WALK_SPECIAL_BLOCKS, GD_REV_NEVER, GD_REV_KERNEL(6, 12),
	"blocks can be special, as PTEs can")

#undef GD_REVISION
#undef GD_FACT
