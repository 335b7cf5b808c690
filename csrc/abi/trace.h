/* SPDX-License-Identifier: GPL-2.0 */
/* Traces: the records of a run. */
#ifndef GUPDIFF_ABI_TRACE_H
#define GUPDIFF_ABI_TRACE_H

#include "program.h"
#include "types.h"

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
	/*
	 * a: GD_W_*; d: pins acquired | pins released << 32; c: changes of NR_ISOLATED_ANON
	 * | NR_ISOLATED_FILE << 16, 16 bits each
	 */
	GD_R_STATE,
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
	/* a load or store of user memory. b: is it a store? | GD_RB_UACCESS; d: address */
	GD_A_USER_ACCESS,
	GD_A_FIND_FOLIOS,	/* filemap_get_folios_contig. d: start; c: end - start */
	GD_A_ALLOC_FOLIO,	/* memfd_alloc_folio. b: GD_RB_MEMALLOC_PIN; d: index */
	GD_A_PAGECACHE,		/* hugetlbfs_pagecache_present. b: number of the VMA; d: address */
	GD_A_OFFSET,		/* no call: what memfd_pin_folios() has stored as *offset. d: it */
	/* migration_entry_wait and its kin. b: level | GD_RB_MM; d: address */
	GD_A_MIGRATION,
	/*
	 * flush_anon_page and its kin; each page of pages[] has one, so it is no step. b:
	 * GD_FLUSH_*; c: number of the page, or GD_NOWHERE; d: address, if there is one
	 */
	GD_A_FLUSH,
	GD_A_LOG,		/* pr_warn: a message in the log */
	GD_NR_ASKS
};

/* data caches that are flushed, on architectures that need it */
enum gd_flush {
	GD_FLUSH_ANON,		/* flush_anon_page */
	GD_FLUSH_PAGE,		/* flush_dcache_page */
	GD_FLUSH_FOLIO,		/* flush_dcache_folio */
};

/* b of RET records, of operations that returned */
#define GD_RB_LOCKED	0x01	/* *locked is 1 */
#define GD_RB_UNLOCKED	0x02	/* *locked is 0 */
#define GD_RB_MMAP	0x04	/* the mmap lock of current's mm is held */
#define GD_RB_PTL	0x08	/* so is a page-table lock */
#define GD_RB_MMAP_2	0x10	/* the mmap lock of mm 2 is held */
#define GD_RB_RCU	0x20	/* an RCU read-side critical section is open */
#define GD_RB_VMA	0x40	/* the lock of a hugetlb VMA is held, or was dropped too often */
/*
 * between user_access_begin() and user_access_end(); in USER_ACCESS records: it is
 * outside
 */
#define GD_RB_UACCESS	0x80
/* allocations are not movable: b of RET, FAULT and ALLOC_FOLIO records */
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

#endif
