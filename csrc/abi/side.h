/* SPDX-License-Identifier: GPL-2.0 */
/* Sides: the symbol that a shared object exports. */
#ifndef GUPDIFF_ABI_SIDE_H
#define GUPDIFF_ABI_SIDE_H

#include "program.h"
#include "trace.h"
#include "types.h"

/*
 * A side is a shared object that exports one symbol, `gd_side`: a struct gd_side.
 * The loader first checks `abi`, then the sizes, and reads nothing else if they
 * are wrong.  Any incompatible change of these headers needs a new version.
 *
 * Users write sides, too: docs/implementations.md.
 *
 * A side runs on one thread at a time.  It has no threads and no signal handlers,
 * allocates nothing, and shares no variables with other sides: a second copy of
 * the same object is another side.
 */
#define GD_ABI_VERSION	8
#define GD_SIDE_SYMBOL	"gd_side"

enum gd_site_kind { GD_SITE_WARN, GD_SITE_BUG };

/*
 * One per expansion of WARN or BUG, all in one array of the object.  The loader
 * assigns id, after init and before the first program.
 */
struct gd_site {
	const char *func;
	const char *file;	/* relative to the tree, or an absolute path outside of it */
	gd_u32 line;
	gd_u32 counter;		/* orders expansions on one line */
	gd_u32 kind;
	gd_u32 id;
};

/* size of the guards (unmapped): at address 0, around the arena, after the tables */
#define GD_GUARD_BYTES	(8u << 20)

/* unmapped before the tables: down to the page with pfn 0 */
#define GD_BEFORE_TABLES_BYTES	0xff800000u

struct gd_side {
	gd_u32 abi;		/* GD_ABI_VERSION */
	gd_u32 side_size;	/* sizeof(struct gd_side) */
	gd_u32 program_size;	/* sizeof(struct gd_program) */
	gd_u32 rec_size;	/* sizeof(struct gd_rec) */

	const char *release;	/* UTS_RELEASE or VERSION.PATCHLEVEL.SUBLEVEL */
	gd_u32 version;		/* LINUX_VERSION_CODE */
	gd_u32 series;		/* version of the FOLL_PIN series; 0: a kernel */
	gd_u32 debug_vm;
	gd_u32 pad;
	const char *const *gaps;	/* names for GAP records, then NULL */
	struct gd_site *sites;
	struct gd_site *sites_end;

	/*
	 * The memory for init, all zeros: memmap, GD_NR_PAGES struct pages between
	 * guards, aligned to the size of a slot if that is a power of two; list,
	 * GD_MAX_LIST pointers between guards; tables, GD_MAX_TABLES aligned tables
	 * with a guard after them; scratch, aligned to a page.
	 */
	gd_u64 memmap_size;
	gd_u64 scratch_size;
	/* called once, before the functions below */
	void (*init)(void *memmap, void *list, void *tables, void *scratch);
	/* does this side have the operation? a missing one returns GD_RET_ABSENT */
	int (*has_op)(gd_u32 op);
	/* runs a program; the trace has room for GD_TRACE_CAPACITY records */
	void (*run)(const struct gd_program *prog, struct gd_trace *trace);
	/* a signal handler jumps here if *in_kernel is set: at a fault, */
	void (*oops)(void);
	/* and when an operation takes far too long */
	void (*limit)(void);
	const volatile int *in_kernel;
};

#endif
