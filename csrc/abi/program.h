/* SPDX-License-Identifier: GPL-2.0 */
/* Programs: a world, operations with operands, and the actions of the script. */
#ifndef GUPDIFF_ABI_PROGRAM_H
#define GUPDIFF_ABI_PROGRAM_H

#include "types.h"
#include "world.h"

/*
 * Hook points: places in an operation at which an action can happen, gd_act.hook.
 * They are declared in hooks.h.
 */
enum gd_hook {
	GD_HOOK_NONE,
#define GD_HOOK(name, layer, object, answer, default_answer, text, help, actor) GD_HOOK_##name,
#include "hooks.h"
	GD_NR_HOOKS
};

/* the object of a hook point */
enum gd_object {
	GD_O_NONE,		/* no object */
	GD_O_PTE,		/* the entry of this level that maps at_addr */
	GD_O_PMD,
	GD_O_PUD,
	GD_O_PGD,
	GD_O_PAGE,		/* at_page */
};

/* the type of the answer, if the hook point is a call */
enum gd_answer {
	GD_ANS_NONE,		/* not a call */
	GD_ANS_BOOL,		/* 0: not found */
	GD_ANS_ERRNO,		/* 0, or a negative errno */
	GD_ANS_PAGES,		/* a number of pages, or a negative errno */
	GD_ANS_FAULT,		/* bits GD_FAULT_*; others are ignored */
};

/*
 * A run of pages: the folio's index and the offset of the first page, and the
 * number of pages.  A page operand is the first page of run 0.
 */
struct gd_run {
	gd_u16 page;		/* index << GD_RUN_SHIFT | offset */
	gd_u16 len;
};
#define GD_RUN_SHIFT	11
#define GD_RUN_OFFSET	((1u << GD_RUN_SHIFT) - 1)
/* special indices */
#define GD_I_NULL	31	/* NULL; a run of it is a run of NULLs */
#define GD_I_POISON	30	/* a pointer that faults */
#define GD_NR_RUNS	4

/* the fields of gd_op that an operation uses: the table's operand bits */
#define GD_S_PAGE	0x01	/* run[0]: a page, head or tail */
#define GD_S_FOLIO	0x02	/* run[0]: the folio that the page belongs to */
#define GD_S_LIST	0x04	/* run[0..3]: a list of pages */
#define GD_S_N		0x08	/* n, in the table as GD_S_N_* */
#define GD_S_FOLL	0x10	/* foll */
#define GD_S_DIRTY	0x20	/* GD_MOD_DIRTY */
#define GD_S_ARG	0x40	/* arg, in the table as GD_S_ARG_* */
#define GD_S_VAL	0x80	/* val, in the table as GD_S_VAL_* */
#define GD_S_ADDR	0x100	/* addr: a user address */
#define GD_S_ENTRY	0x200	/* entry, eflags, and run[0].page where the entry has a page */
#define GD_S_TO		0x400	/* run[1]: the other page */
#define GD_S_PAGES	0x800	/* GD_MOD_NULL: there is an argument pages */
#define GD_S_VMA	0x1000	/* entry: what a VMA is of; val: its flags, bits GD_VM_* */
#define GD_S_MM		0x2000	/* mm */

/* the meaning of arg */
enum gd_arg {
	GD_ARG_NONE,
	GD_ARG_VMA,		/* none, shared, private COW */
	GD_ARG_FLAG,		/* GD_F_* */
	GD_ARG_MAPPING,		/* GD_M_* */
	GD_ARG_ORDER,
	GD_ARG_MIGRATETYPE,	/* GD_MT_* */
	GD_ARG_SWITCH,		/* off, on */
	GD_ARG_DEVMAP,		/* is the entry a devmap one? */
	GD_ARG_MLOCK,		/* is the page mlocked? */
	GD_ARG_CHANGED,		/* has the entry changed at the recheck? */
	GD_ARG_LOCKED,		/* does the caller pass locked? */
	GD_ARG_LOOKUP,		/* which lookup of a pagemap fails, from 1; 0: none */
	GD_ARG_SLOT,		/* number of a VMA */
	GD_ARG_SIGNAL,		/* GD_SIG_* */
	GD_ARG_LOCK,		/* argument locked: NULL, 1, 0 */
	GD_ARG_MEMFD,		/* GD_FD_* */
};
#define GD_S_KIND_MASK	31	/* of each kind: of arg, of n, of val */
#define GD_S_ARG_SHIFT	16
#define GD_ARG(kind)	(GD_S_ARG | GD_ARG_##kind << GD_S_ARG_SHIFT)
#define GD_S_ARG_VMA		GD_ARG(VMA)
#define GD_S_ARG_FLAG		GD_ARG(FLAG)
#define GD_S_ARG_MAPPING	GD_ARG(MAPPING)
#define GD_S_ARG_ORDER		GD_ARG(ORDER)
#define GD_S_ARG_MIGRATETYPE	GD_ARG(MIGRATETYPE)
#define GD_S_ARG_SWITCH		GD_ARG(SWITCH)
#define GD_S_ARG_DEVMAP		GD_ARG(DEVMAP)
#define GD_S_ARG_MLOCK		GD_ARG(MLOCK)
#define GD_S_ARG_CHANGED	GD_ARG(CHANGED)
#define GD_S_ARG_LOCKED		GD_ARG(LOCKED)
#define GD_S_ARG_LOOKUP		GD_ARG(LOOKUP)
#define GD_S_ARG_SLOT		GD_ARG(SLOT)
#define GD_S_ARG_SIGNAL		GD_ARG(SIGNAL)
#define GD_S_ARG_LOCK		GD_ARG(LOCK)
#define GD_S_ARG_MEMFD		GD_ARG(MEMFD)

/* what n counts */
enum gd_n {
	GD_N_NONE,
	GD_N_REFS,		/* references or pins of a folio */
	GD_N_NPAGES,		/* pages of a list or a range */
	GD_N_PAGES,		/* pages, or entries, from an address on */
	GD_N_REST,		/* references of each but the first part of a folio */
	GD_N_PINS,		/* a pin count */
};
#define GD_S_N_SHIFT	21
#define GD_N(kind)	(GD_S_N | GD_N_##kind << GD_S_N_SHIFT)
#define GD_S_N_REFS	GD_N(REFS)
#define GD_S_N_NPAGES	GD_N(NPAGES)
#define GD_S_N_PAGES	GD_N(PAGES)
#define GD_S_N_REST	GD_N(REST)
#define GD_S_N_PINS	GD_N(PINS)

/* what val is */
enum gd_val {
	GD_VAL_NONE,
	GD_VAL_REFS,		/* a refcount */
	GD_VAL_PINS,		/* a pin count */
	GD_VAL_SEQ,		/* a write_protect_seq, of 32 bits */
	GD_VAL_BYTES,		/* a number of bytes from an address on */
	GD_VAL_MAX,		/* most entries of an array */
	GD_VAL_ANSWER,		/* what a call returns, see enum gd_answer */
};
#define GD_S_VAL_SHIFT	26
#define GD_VAL(kind)	(GD_S_VAL | GD_VAL_##kind << GD_S_VAL_SHIFT)
#define GD_S_VAL_REFS	GD_VAL(REFS)
#define GD_S_VAL_PINS	GD_VAL(PINS)
#define GD_S_VAL_SEQ	GD_VAL(SEQ)
#define GD_S_VAL_BYTES	GD_VAL(BYTES)
#define GD_S_VAL_MAX	GD_VAL(MAX)
#define GD_S_VAL_ANSWER	GD_VAL(ANSWER)

#define GD_MOD_RAW	0x01	/* foll holds this kernel's raw bits */
#define GD_MOD_DIRTY	0x02	/* make_dirty */
#define GD_MOD_N	0x04	/* lists: npages is n, not the list's length */
#define GD_MOD_NULL	0x08	/* pages is NULL */
#define GD_MOD_ALL	0x0f

struct gd_op {
	gd_u8 op;		/* id of the table */
	gd_u8 mods;		/* GD_MOD_* */
	gd_u16 arg;
	gd_u32 foll;
	gd_s32 n;
	gd_s32 val;
	struct gd_run run[GD_NR_RUNS];
	gd_u64 addr;
	gd_u8 entry;		/* enum gd_entry_kind, enum gd_vma_kind */
	gd_u8 mm;		/* 0: that of current; 1: the other one */
	gd_u16 eflags;		/* bits GD_EF_* */
	gd_u32 pad2;
};

/*
 * An action of the script: a world change by another CPU at a hook point of an
 * operation, or (ANSWER) the return value of the call there.  It is carried out
 * when its hook point is reached for the nth time in its operation, for this
 * object; at most once.
 */
struct gd_act {
	gd_u8 owner;		/* index of its operation, one of the kernel */
	gd_u8 hook;		/* enum gd_hook, not NONE */
	gd_u8 nth;		/* from 1 */
	gd_u8 pad;
	gd_u16 at_page;		/* as gd_run.page, of a declared folio */
	gd_u16 pad2;
	gd_u64 at_addr;
	struct gd_op op;	/* a world change */
};

/*
 * Actions are sorted by owner; those of one operation at the same hook point are
 * carried out in this order.
 */
struct gd_program {
	struct gd_world world;
	struct gd_folio folio[GD_MAX_FOLIOS];
	struct gd_op op[GD_MAX_OPS];
	struct gd_act act[GD_MAX_ACTS];
};

#endif
