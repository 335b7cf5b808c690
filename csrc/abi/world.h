/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of a program: the arena, folios, page tables, VMAs and their flags.  Flags are
 * canonical: the numbers of bits here, whatever they are in a kernel.
 */
#ifndef GUPDIFF_ABI_WORLD_H
#define GUPDIFF_ABI_WORLD_H

#include "types.h"

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
	GD_V_HUGETLB_1G,		/* hugetlbfs, 1 GiB pages */
	GD_NR_VMA_KINDS
};

/* canonical vm_flags: bit numbers in gd_op.val of SET_VMA */
enum gd_vm_flag {
	GD_VM_READ, GD_VM_WRITE, GD_VM_EXEC, GD_VM_SHARED,
	GD_VM_MAYREAD, GD_VM_MAYWRITE, GD_VM_MAYEXEC, GD_VM_MAYSHARE,
	GD_VM_GROWSDOWN, GD_VM_PFNMAP, GD_VM_IO, GD_VM_MIXEDMAP,
	GD_VM_LOCKED, GD_VM_LOCKONFAULT, GD_VM_HUGEPAGE, GD_VM_SOFTDIRTY,
	GD_VM_UFFD_WP, GD_VM_SHADOW_STACK, GD_VM_PKEY_BIT0, GD_VM_PKEY_BIT1,
	GD_NR_VM_FLAGS
};

/*
 * gd_world.pkru: the register PKRU of current, for the protection keys 0 to 3, which are
 * two bits of a VMA and of an entry.  Key k: bit 2 * k disables access, the next one writes.
 */
#define GD_NR_PKEYS	4
#define GD_PKRU_ALL	0xff

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
	GD_FAULT_FALLBACK, GD_FAULT_MAJOR, GD_FAULT_COMPLETED, GD_FAULT_WRITE,
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
	GD_EF_PKEY_BIT0,
	GD_EF_PKEY_BIT1,
	GD_NR_ENTRY_FLAGS
};

struct gd_world {
	gd_u8 nr_folios;	/* 1..GD_MAX_FOLIOS */
	gd_u8 state;		/* GD_W_* */
	gd_u8 nr_ops;		/* 0..GD_MAX_OPS */
	gd_u8 nr_acts;		/* 0..GD_MAX_ACTS */
	gd_u32 seq;		/* write_protect_seq */
	gd_u32 pkru;		/* within GD_PKRU_ALL */
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

#endif
