/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The effect of an operation: the column effect of ops.h.  The words are defined
 * here only; Rust code matches all of them, so a new word does not compile until it
 * is handled there.
 */
#ifndef GD_EFFECT_H
#define GD_EFFECT_H

enum gd_effect_kind {
	GD_EFFECT_KIND_ASK,		/* changes nothing: a predicate */
	GD_EFFECT_KIND_TAKE,		/* takes references or pins on given pages, if it succeeds */
	GD_EFFECT_KIND_GIVE,		/* drops references or pins */
	GD_EFFECT_KIND_MARK,		/* sets MMF_HAS_PINNED */
	GD_EFFECT_KIND_WALK,		/* takes references or pins on the pages mapped at addr */
	GD_EFFECT_KIND_FAULT,		/* faults in the pages at addr */
	GD_EFFECT_KIND_PIN_FILE,	/* pins folios of the page cache of a memfd */
	GD_EFFECT_KIND_SET,		/* a world change, not a function */
};

/* what is taken or dropped; unknown if the flags are a kernel's raw bits */
enum gd_what {
	GD_WHAT_REF,		/* references */
	GD_WHAT_PIN,		/* pins, which are counted as acquired and released */
	GD_WHAT_UNCOUNTED_PIN,	/* pins that are not counted as acquired */
	GD_WHAT_COUNT,		/* references of exactly this page, head or tail */
	GD_WHAT_SLOW_GRAB,	/* references with FOLL_GET, else pins with FOLL_PIN */
	GD_WHAT_FAST_GRAB,	/* by the lockless grab's reading of the flags, see its facts */
	GD_WHAT_CALL_SITE,	/* by FOLL_GET or FOLL_PIN; both are an error */
	GD_WHAT_GRABBED,	/* pins with FOLL_PIN, else references */
	GD_WHAT_GOT,		/* a reference with FOLL_GET, else nothing */
};

/* how much of it */
enum gd_by {
	GD_BY_ONE,
	GD_BY_N,		/* n of one page */
	GD_BY_SLOW_REFS,	/* n; one where GD_FACT SLOW_GRAB_REFS is not true */
	GD_BY_LEFT,		/* n, at most the folio's pages from this one on */
	GD_BY_UP_TO_N,		/* on the first up to n pages of a folio */
	GD_BY_RANGE,		/* one on each of n pages from this one on, of any folios */
	GD_BY_LIST,		/* one on each page of a list */
	GD_BY_FOLIOS,		/* one on each folio of a list */
};

/* the condition on the page */
enum gd_of {
	GD_OF_HELD,		/* the caller holds a reference: no check */
	GD_OF_NONZERO,		/* fails if the count is zero */
	GD_OF_POSITIVE,		/* fails if the count is zero or negative */
	GD_OF_PINNED,		/* the caller holds a pin */
};

/* the callers of a function */
enum gd_callers {
	GD_CALLERS_ANYBODY,	/* anyone who keeps the contract of kernel-doc or its commit */
	GD_CALLERS_MM,		/* only mm itself, under additional conditions */
};

/* the mmap lock */
enum gd_lock {
	GD_LOCK_NEVER,		/* is not taken */
	GD_LOCK_FOR_THE_REST,	/* is taken for the rest after the lockless walk */
	GD_LOCK_HELD,		/* is held by the caller */
	GD_LOCK_TAKEN,		/* is taken if needed, and dropped */
};

/* how pages are faulted in */
enum gd_faults {
	GD_FAULTS_MISSING,	/* pages that are not present */
	GD_FAULTS_WITHIN_VMA,	/* the same; a range that exceeds the VMA is a BUG */
	GD_FAULTS_ANYWAY,	/* each page, even if it is present */
	GD_FAULTS_BY_LOAD,	/* if the kernel's own load fails */
	GD_FAULTS_BY_STORE,	/* if the kernel's own store fails */
};

/* what a world change sets */
enum gd_part {
	GD_PART_REFCOUNT, GD_PART_PINCOUNT, GD_PART_FLAGS, GD_PART_MAPPING,
	GD_PART_CONTENTS,	/* all of the above: a folio is freed and reused */
	GD_PART_SPLIT,		/* a folio is split */
	GD_PART_MERGE,		/* a folio is made whole again */
	GD_PART_TAIL,		/* a page becomes a tail of another folio */
	GD_PART_PAGEBLOCK,
	GD_PART_IRQS, GD_PART_HAS_PINNED, GD_PART_SEQ, GD_PART_DEVMAP_KEY,
	GD_PART_PTES, GD_PART_PMDS, GD_PART_PUDS, GD_PART_PGDS,
	GD_PART_ANSWER,		/* the answer of the call at the hook point */
	GD_PART_VMA, GD_PART_SIGNAL,
	GD_PART_CACHE,		/* the page cache of memfds */
};

/* kind determines which of the other fields are used */
struct gd_effect {
	enum gd_effect_kind kind;
	enum gd_what what;
	enum gd_by by;
	enum gd_of of;
	enum gd_callers callers;
	enum gd_lock lock;
	enum gd_faults faults;
	enum gd_part part;
};

#endif
