/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between sides and gupdiff: programs and traces.
 *
 * A program is plain data of fixed size.  A trace is a flat array of 16-byte
 * records.  Two sides agree if their traces are equal byte for byte, so records
 * never contain what may legitimately differ (addresses, line numbers, kernel bit
 * numbers).
 */
#ifndef GUPDIFF_ABI_H
#define GUPDIFF_ABI_H

#ifdef __KERNEL__
#include <linux/types.h>
typedef __u8 gd_u8;
typedef __u16 gd_u16;
typedef __u32 gd_u32;
typedef __s32 gd_s32;
typedef __u64 gd_u64;
#else
#include <stdint.h>
typedef uint8_t gd_u8;
typedef uint16_t gd_u16;
typedef uint32_t gd_u32;
typedef int32_t gd_s32;
typedef uint64_t gd_u64;
#endif

/*
 * The arena.  Each declared folio has a slot of 1024 pages, and so pageblocks of
 * its own.  Slots are built once, one per template (zone and exclusivity), order
 * and index of declaration:
 *
 *	slot  = (template * GD_NR_ORDERS + order) * GD_MAX_FOLIOS + index
 *	page  = slot << GD_SLOT_SHIFT | offset
 *
 * Traces contain the page number.  Heads of unused slots have refcount 0, and so
 * has every page of a slot after the folio.  An access to the page after the last
 * slot faults.
 */
#define GD_MAX_FOLIOS	8
#define GD_MAX_OPS	32
#define GD_MAX_ACTS	32
#define GD_NR_ORDERS	11
#define GD_SLOT_SHIFT	10
#define GD_SLOT_PAGES	(1u << GD_SLOT_SHIFT)

/* templates: common properties of all pages of a slot's folio, including tails */
enum gd_template {
	GD_T_NORMAL,		/* ZONE_NORMAL, no page AnonExclusive */
	GD_T_NORMAL_EXCL,	/* ZONE_NORMAL, every page AnonExclusive */
	GD_T_MOVABLE,		/* ZONE_MOVABLE */
	GD_T_MOVABLE_EXCL,
	GD_T_DEVICE,		/* ZONE_DEVICE */
	GD_NR_TEMPLATES
};

#define GD_NR_SLOTS	(GD_NR_TEMPLATES * GD_NR_ORDERS * GD_MAX_FOLIOS)
#define GD_NR_PAGES	(GD_NR_SLOTS << GD_SLOT_SHIFT)

/* size of the list buffer, in pointers; entries after the list are GD_POISON */
#define GD_MAX_LIST	4096
/* maximum number of steps (refcount updates, calls) of an operation */
#define GD_STEP_LIMIT	512
/* maximum number of page-table locks that an operation takes; they are not steps */
#define GD_LOCK_LIMIT	(1 << 17)
/* maximum growth of a stack at once, in bytes */
#define GD_STACK_LIMIT	(8 << 20)

/*
 * Page tables.  They lie one after the other, the top one of current's mm first, and
 * the one after the last faults.  One is made when an entry below it is first set, and
 * is the table of its region from then on; where the entry above it is empty,
 * that is made to point to it.  When all are taken, an entry that needs another
 * one is not set.  Until an entry of mm 2 is set, its top one is empty, and elsewhere.
 */
#define GD_MAX_TABLES	32
#define GD_TABLE_ENTRIES	512
/* maximum number of entries that one operation sets */
#define GD_MAX_SET	1024

/* ---- programs ---- */

enum gd_kind {			/* gd_folio.kind */
	GD_K_NORMAL,
	GD_K_HUGETLB,		/* order > 0 */
	GD_K_ZERO,		/* the zero page: order 0, the first one declared */
	GD_K_HUGE_ZERO,		/* the huge zero folio: order 9, first declared */
	GD_K_SLAB,
	GD_K_DEV_PRIVATE,	/* ZONE_DEVICE from here on */
	GD_K_DEV_COHERENT,
	GD_K_DEV_FSDAX,
	GD_K_DEV_GENERIC,
	GD_K_DEV_P2PDMA,
	GD_NR_KINDS
};

enum gd_mapping {		/* gd_folio.mapping, SET_MAPPING, REUSE */
	GD_M_NONE,		/* NULL */
	GD_M_ANON,		/* PAGE_MAPPING_ANON */
	GD_M_FILE,		/* an address_space of an ordinary file system */
	GD_M_SHMEM,		/* shmem_aops */
	GD_M_SECRETMEM,		/* secretmem_aops */
	GD_M_FSDAX,		/* an address_space of a dax file */
	GD_M_KSM,		/* PAGE_MAPPING_KSM */
	GD_M_MOVABLE,		/* PAGE_MAPPING_MOVABLE */
	GD_NR_MAPPINGS
};

enum gd_migratetype {		/* gd_folio.migratetype, SET_PAGEBLOCK */
	GD_MT_UNMOVABLE,
	GD_MT_MOVABLE,
	GD_MT_RECLAIMABLE,
	GD_MT_CMA,
	GD_MT_ISOLATE,
	GD_NR_MIGRATETYPES
};

/* canonical page flags: bit numbers in gd_folio.flags, SET_FLAG and PAGE records */
enum gd_page_flag {
	GD_F_LOCKED, GD_F_REFERENCED, GD_F_UPTODATE, GD_F_DIRTY, GD_F_LRU,
	GD_F_ACTIVE, GD_F_WORKINGSET, GD_F_WAITERS, GD_F_ANON_EXCLUSIVE,
	GD_F_RESERVED, GD_F_PRIVATE, GD_F_WRITEBACK, GD_F_HEAD, GD_F_SWAPBACKED,
	GD_F_UNEVICTABLE, GD_F_MLOCKED, GD_F_HWPOISON, GD_F_YOUNG, GD_F_IDLE,
	GD_F_RECLAIM, GD_F_SWAPCACHE, GD_F_ARCH_1, GD_F_PRIVATE_2,
	GD_NR_FLAGS
};

/* canonical FOLL_ flags: bit numbers in gd_op.foll unless GD_MOD_RAW is set */
enum gd_foll {
	GD_FOLL_WRITE, GD_FOLL_GET, GD_FOLL_PIN, GD_FOLL_LONGTERM, GD_FOLL_FORCE,
	GD_FOLL_FAST_ONLY, GD_FOLL_PCI_P2PDMA, GD_FOLL_TOUCH, GD_FOLL_DUMP,
	GD_FOLL_NOWAIT, GD_FOLL_NOFAULT, GD_FOLL_HWPOISON, GD_FOLL_TRIED,
	GD_FOLL_REMOTE, GD_FOLL_ANON, GD_FOLL_SPLIT_PMD, GD_FOLL_INTERRUPTIBLE,
	GD_FOLL_HONOR_NUMA_FAULT, GD_FOLL_UNLOCKABLE, GD_FOLL_MADV_POPULATE,
	GD_FOLL_MIGRATION, GD_FOLL_SPLIT,
	GD_NR_FOLL
};

/* gd_world.state, and the first byte of a STATE record */
#define GD_W_IRQS_ON		0x01
#define GD_W_HAS_PINNED		0x02
#define GD_W_DEVMAP_KEY		0x04
#define GD_W_REAL_SLOW_PATH	0x08	/* the fast entry points call the real slow path */
#define GD_W_HAS_PINNED_2	0x10	/* GD_W_HAS_PINNED of mm 2 */
#define GD_W_ALL		0x1f

/*
 * There are two mms: that of current, and another one, which the operations of the
 * slow path that are handed an mm can be about.  Each has page tables, an mmap lock and
 * MMF_HAS_PINNED; interrupts and the rest are there once.
 */
#define GD_NR_MMS	2

/*
 * VMAs of both, by number.  They may overlap: of those of an mm that end behind an
 * address, find_vma() finds the one that starts first, and of these the one with
 * the lowest number.
 */
#define GD_MAX_VMAS	8

enum gd_vma_kind {		/* gd_op.entry of SET_VMA */
	GD_V_ANON,		/* no vm_ops */
	GD_V_FILE,		/* a file system that tracks writes */
	GD_V_SHMEM,		/* one that does not */
	GD_V_SPECIAL,		/* vm_ops without a fault handler */
	GD_V_SECRETMEM,
	GD_V_FSDAX,		/* a file of a dax file system */
	GD_V_GATE,		/* the gate area, which is not a VMA of the mm; no vm_ops */
	GD_V_HUGETLB,		/* hugetlbfs, 2 MiB pages */
	GD_V_GIGANTIC,		/* hugetlbfs, 1 GiB pages */
	GD_NR_VMA_KINDS
};

/* canonical vm_flags: bit numbers in gd_op.val of SET_VMA */
enum gd_vm_flag {
	GD_VM_READ, GD_VM_WRITE, GD_VM_EXEC, GD_VM_SHARED,
	GD_VM_MAYREAD, GD_VM_MAYWRITE, GD_VM_MAYEXEC, GD_VM_MAYSHARE,
	GD_VM_GROWSDOWN, GD_VM_PFNMAP, GD_VM_IO, GD_VM_MIXEDMAP,
	GD_VM_LOCKED, GD_VM_LOCKONFAULT, GD_VM_HUGEPAGE, GD_VM_SOFTDIRTY,
	GD_VM_UFFD_WP, GD_VM_SHADOW_STACK,
	GD_NR_VM_FLAGS
};

/* the file: arg of MEMFD_PIN_FOLIOS */
enum gd_memfd { GD_FD_NONE, GD_FD_OTHER, GD_FD_SHMEM, GD_FD_HUGETLB, GD_NR_MEMFDS };
/* maximum number of SET_CACHE ranges of a program */
#define GD_MAX_EXTENTS	16
/* size of every file, in bytes */
#define GD_MEMFD_SIZE	(1 << 30)

/* the pending signal of current: SET_SIGNAL */
enum gd_signal { GD_SIG_NONE, GD_SIG_OTHER, GD_SIG_KILL, GD_NR_SIGNALS };

/* canonical VM_FAULT_ results: bit numbers in answers at handle_mm_fault */
enum gd_fault {
	GD_FAULT_OOM, GD_FAULT_SIGBUS, GD_FAULT_HWPOISON, GD_FAULT_HWPOISON_LARGE,
	GD_FAULT_SIGSEGV, GD_FAULT_NOPAGE, GD_FAULT_LOCKED, GD_FAULT_RETRY,
	GD_FAULT_FALLBACK, GD_FAULT_MAJOR, GD_FAULT_COMPLETED,
	GD_NR_FAULTS
};

/* canonical FAULT_FLAG_ flags: bit numbers in FAULT records */
enum gd_fault_flag {
	GD_FF_WRITE, GD_FF_ALLOW_RETRY, GD_FF_RETRY_NOWAIT, GD_FF_KILLABLE, GD_FF_TRIED,
	GD_FF_REMOTE, GD_FF_INTERRUPTIBLE, GD_FF_UNSHARE, GD_FF_USER, GD_FF_MKWRITE,
	GD_FF_INSTRUCTION,
	GD_NR_FAULT_FLAGS
};

/* levels of page tables; p4d is folded into pgd */
enum gd_level { GD_L_PTE, GD_L_PMD, GD_L_PUD, GD_L_PGD, GD_NR_LEVELS };

/* kinds of page-table entries: gd_op.entry */
enum gd_entry_kind {
	GD_E_NONE,		/* 0; no flags */
	/*
	 * A page.  Above PTE level, the aligned block of 2 MiB or 1 GiB that
	 * contains the page; NONE at the top level, which has no such entries.
	 */
	GD_E_PAGE,
	/*
	 * The region's table, if there is one, else NONE; NONE at PTE level.
	 * Always RW and DIRTY, never DEVMAP: do not give these flags.
	 */
	GD_E_TABLE,
	GD_E_SWAP,		/* swapped out: not present; no flags, at the top level NONE */
	GD_E_MIGRATION,		/* a migration entry of the page; no flags, at the top level NONE */
	GD_NR_ENTRY_KINDS
};

/* flags of PAGE and TABLE entries: bit numbers in gd_op.eflags; none: present, user, accessed, read-only */
enum gd_entry_flag {
	GD_EF_RW,
	GD_EF_DIRTY,
	GD_EF_OLD,		/* not accessed */
	GD_EF_KERNEL,		/* not for user mode */
	GD_EF_ABSENT,		/* not present, but not NONE either */
	GD_EF_PROTNONE,		/* with ABSENT: PROT_NONE; without: global */
	GD_EF_SPECIAL,
	GD_EF_DEVMAP,
	GD_EF_SOFT_DIRTY,
	GD_EF_UFFD_WP,
	GD_EF_NX,
	GD_NR_ENTRY_FLAGS
};

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

struct gd_world {
	gd_u8 nr_folios;	/* 1..GD_MAX_FOLIOS */
	gd_u8 state;		/* GD_W_* */
	gd_u8 nr_ops;		/* 0..GD_MAX_OPS */
	gd_u8 nr_acts;		/* 0..GD_MAX_ACTS */
	gd_u32 seq;		/* write_protect_seq */
};

struct gd_folio {
	gd_u8 order;
	gd_u8 kind;
	gd_u8 mapping;
	gd_u8 movable;		/* 1: ZONE_MOVABLE; ZONE_DEVICE kinds: 0 */
	gd_u8 migratetype;
	gd_u8 exclusive;	/* 1: PG_anon_exclusive on every page */
	gd_u16 pad;
	gd_u32 flags;		/* of the head; HEAD and ANON_EXCLUSIVE ignored */
	gd_s32 ref;		/* of the head; tails have 0 */
	gd_s32 pin;		/* large folios only, else 0 */
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

/* ---- traces ---- */

/*
 * The records of one operation: its events in order (WARN, BUG, OOPS, CALL,
 * ASK, ACT, GAP), then the entries that it returned in pages[] (ENTRY), then the
 * pages whose observed state changed, by page number (PAGE), then STATE if it
 * changed or a counter moved, then RET.  After the last operation come pages that
 * changed outside of any operation (PAGE), and END.
 */
enum gd_rec_kind {
	GD_R_WARN = 1,	/* c: site */
	GD_R_BUG,	/* c: site */
	GD_R_OOPS,	/* memory fault */
	GD_R_LIMIT,	/* step limit, or an endless operation */
	GD_R_GAP,	/* c: index into the side's list of gap names */
	GD_R_CALL,	/* a: gd_call; rest as PAGE, at the time of the call */
	/*
	 * a: flags 16..22 and 0x80: maybe_dma_pinned; b: flags 0..15;
	 * c: page | mapping << 20 | tail << 31; d: refcount | pincount << 32
	 */
	GD_R_PAGE,
	GD_R_ENTRY,	/* an entry of pages[]; b: index; c: page number or GD_NOWHERE */
	GD_R_STATE,	/* a: GD_W_*; d: pins acquired | pins released << 32 */
	GD_R_RET,	/* a: gd_ret; d: value; FOLIO: page number */
	GD_R_END,	/* a: gd_end; b: operations executed */
	GD_R_ASK,	/* a call without a page. a: gd_ask; the rest: see there */
	GD_R_ACT,	/* an action was carried out. b: its index */
};

/* calls without a page, and the contents of their ASK records */
enum gd_ask {
	GD_A_SLOW,		/* the slow path. c: gup_flags, canonical; d: start */
	GD_A_SLOW_NR,		/* follows it. d: nr_pages; b: is pages NULL? */
	GD_A_PAGEMAP,		/* get_dev_pagemap. c: page number; b: was a pagemap passed in? */
	GD_A_PAGEMAP_PUT,	/* put_dev_pagemap; b: was it one? */
	GD_A_MMAP_LOCK,		/* mmap_read_lock; b: killable? | GD_RB_MM */
	GD_A_MMAP_UNLOCK,	/* mmap_read_unlock; b: GD_RB_MM */
	/*
	 * handle_mm_fault, hugetlb_fault. b: number of the VMA | GD_RB_MEMALLOC_PIN |
	 * GD_RB_HUGETLB; c: bits GD_FF_*; d: address
	 */
	GD_A_FAULT,
	GD_A_DRAIN,		/* lru_add_drain; b: 1: lru_add_drain_all */
	GD_A_MIGRATE,		/* migrate_pages; d: folios on the list */
	GD_A_EXPAND,		/* the stack is to grow. b: number of the VMA; d: address */
	GD_A_SPLIT,		/* split_huge_pmd; d: address */
	/*
	 * set_pte and its kin: the kernel stores an entry. b: level | bits GD_EF_*
	 * << 2 | GD_RB_MM; c: number of the page, or GD_NOWHERE; d: address
	 */
	GD_A_SET_ENTRY,
	GD_A_USER_ACCESS,	/* a load or store of user memory. b: is it a store?; d: address */
	GD_A_FIND_FOLIOS,	/* filemap_get_folios_contig. d: start; c: end - start */
	GD_A_ALLOC_FOLIO,	/* memfd_alloc_folio. d: index */
	GD_A_PAGECACHE,		/* hugetlbfs_pagecache_present. b: number of the VMA; d: address */
	GD_A_OFFSET,		/* no call: what memfd_pin_folios() has stored as *offset. d: it */
	/* migration_entry_wait and its kin. b: level | GD_RB_MM; d: address */
	GD_A_MIGRATION,
	GD_NR_ASKS
};

/* b of RET records, of operations that returned */
#define GD_RB_LOCKED	0x01	/* *locked is 1 */
#define GD_RB_UNLOCKED	0x02	/* *locked is 0 */
#define GD_RB_MMAP	0x04	/* the mmap lock of current's mm is held */
#define GD_RB_PTL	0x08	/* so is a page-table lock */
#define GD_RB_MMAP_2	0x10	/* the mmap lock of mm 2 is held */
/* with it, allocations are not movable: b of FAULT records */
#define GD_RB_MEMALLOC_PIN	0x100
#define GD_RB_HUGETLB	0x200	/* it is hugetlb_fault() */
/* b of ASK records that are about an mm: it is mm 2 */
#define GD_RB_MM	0x8000

enum gd_ret {
	GD_RET_VOID, GD_RET_BOOL, GD_RET_ERRNO, GD_RET_FOLIO, GD_RET_NULL,
	GD_RET_ABSENT,		/* this revision has no such function */
	GD_RET_STOPPED,		/* did not return: BUG, OOPS, step limit, gap */
	GD_RET_PAGE,		/* d: page number, or GD_NOWHERE */
	GD_RET_INT,		/* d: a long */
};

/* the number of a page outside of the arena */
#define GD_NOWHERE	0xffffffffu

enum gd_end {
	GD_END_DONE, GD_END_BUG, GD_END_OOPS, GD_END_LIMIT, GD_END_GAP,
};

/* calls into the rest of the kernel */
enum gd_call {
	GD_C_FOLIO_PUT,		/* __folio_put: the last reference is gone, the folio is freed */
	GD_C_FOLIO_MARK_DIRTY,
	GD_C_FOLIO_LOCK,	/* __folio_lock: the lock was taken, wait */
	GD_C_FOLIO_UNLOCK,
	GD_C_WAKE_UP_VAR,	/* wake_up_var(&folio->_refcount) */
	GD_C_MAKE_ACCESSIBLE,	/* arch_make_page_accessible, arch_make_folio_accessible */
	/* the FOLL_PIN series */
	GD_C_FREE_DEVMAP_MANAGED, /* free_devmap_managed_page: the driver has it back */
	GD_C_MLOCK_VMA_PAGE,	/* mlock_vma_page: sets the mlocked flag */
	/* the slow path */
	GD_C_MARK_ACCESSED,	/* folio_mark_accessed, mark_page_accessed */
	GD_C_ISOLATE,		/* folio_isolate_lru, isolate_lru_page; hugetlb's, too */
	GD_C_PUTBACK,		/* by putback_movable_pages: a folio that was isolated goes back */
	GD_C_MIGRATED,		/* by migrate_pages: what was isolated is freed */
	GD_C_MIGRATE_DEVICE,	/* migrate_device_coherent_folio and its kin */
	GD_C_FOUND,		/* by filemap_get_folios_contig */
	GD_C_RELEASED,		/* by __folio_batch_release: that reference is gone */
	GD_C_ALLOCATED,		/* by memfd_alloc_folio */
	GD_C_ZEROED,		/* folio_zero_range */
	GD_C_SPLIT,		/* split_huge_page */
	GD_NR_CALLS
};

struct gd_rec {
	gd_u8 kind;
	gd_u8 a;
	gd_u16 b;
	gd_u32 c;
	gd_u64 d;
};

/*
 * Maximum number of records of one program.  For each operation or action: one
 * event per step, a page for each one that a step or a world change may touch,
 * and the entries of pages[] in place of those that a world change could touch.
 */
#define GD_TRACE_CAPACITY ((GD_MAX_OPS + GD_MAX_ACTS + 1) *		\
			   (6 * GD_STEP_LIMIT + (4 << GD_SLOT_SHIFT)))

/* the records of one run, in the caller's buffer; a full buffer means step limit */
struct gd_trace {
	struct gd_rec *rec;
	gd_u32 nr;
	gd_u32 cap;
};

/* ---- sides ---- */

/*
 * A side is a shared object that exports one symbol, `gd_side`: a struct gd_side.
 * The loader first checks `abi`, then the sizes, and reads nothing else if they
 * are wrong.  Any incompatible change of this header needs a new version.
 *
 * Users write sides, too: docs/implementations.md.
 *
 * A side runs on one thread at a time.  It has no threads and no signal handlers,
 * allocates nothing, and shares no variables with other sides: a second copy of
 * the same object is another side.
 */
#define GD_ABI_VERSION	7
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

enum gd_layer { GD_LAYER_PAGE, GD_LAYER_LOCKLESS, GD_LAYER_SLOW };

/* the tables as data, for Rust */
struct gd_hook_info {
	enum gd_layer layer;
	gd_u8 object;		/* enum gd_object */
	gd_u8 answer;		/* enum gd_answer */
	gd_s32 default_answer;
	const char *text;
	const char *help;
	const char *actor;
};

/* by enum gd_hook */
extern const struct gd_hook_info gd_hook_table[GD_NR_HOOKS];

#include "effect.h"

struct gd_op_info {
	gd_u8 id;
	gd_u8 result;		/* enum gd_ret */
	gd_u32 operands;	/* GD_S_* */
	enum gd_arg arg;
	enum gd_n n;
	enum gd_val val;
	enum gd_layer layer;
	struct gd_effect effect;
	const char *role;
	const char *names;
	const char *help;
};

extern const struct gd_op_info gd_op_table[];
extern const gd_u32 gd_op_table_len;

enum gd_op_id {
#define GD_OP(id, role, layer, operands, effect, result, names, help) GD_OP_##role = id,
#include "ops.h"
};

/* ---- revisions ---- */

/* Numbers of revisions: comparable within the series, and within the kernels. */
#define GD_REV_SERIES(version)		(version)
#define GD_REV_KERNEL(major, minor)	((major) << 16 | (minor))
#define GD_REV_ALWAYS			0
#define GD_REV_NEVER			0x7fffffff

enum gd_revision {
#define GD_REVISION(name, text, number) GD_REV_##name = number,
#include "revisions.h"
};

/* the revisions for which a fact is true */
enum gd_fact {
#define GD_FACT(name, series, kernel, until, what)				\
	GD_FACT_##name##_SERIES = series, GD_FACT_##name##_KERNEL = kernel,	\
	GD_FACT_##name##_UNTIL = until,
#include "revisions.h"
};

/* the same as data */
struct gd_revision_info {
	gd_u32 number;
	const char *text;
};

struct gd_fact_info {
	gd_u32 series;
	gd_u32 kernel;
	gd_u32 until;
	const char *name;
	const char *what;
};

extern const struct gd_revision_info gd_revision_table[];
extern const gd_u32 gd_revision_table_len;
extern const struct gd_fact_info gd_fact_table[];
extern const gd_u32 gd_fact_table_len;

#endif
