/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Internal interface of the C side.  Everything here is compiled once per
 * kernel, with the kernel's headers, and is local to its object.  Code that
 * depends on the kernel version is in port/.  The FOLL_PIN series has its own
 * headers in ../series/include.
 */
#ifndef GD_HARNESS_H
#define GD_HARNESS_H

#include "port/version.h"
#include <linux/mm.h>
#if !GD_SERIES
#include <linux/mm_inline.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include "internal.h"	/* mm/internal.h */
#endif

#include <gupdiff.h>
#ifndef GD_LIVE
#include <gd_hook.h>
#endif

#include "port/page.h"
#include "port/compound.h"
#include "port/mm.h"

/* pfn of the first page of the arena: no pfn is 0 or looks like NULL */
#define GD_PFN_BASE	0x100000ul

/* Page tables: not in the series, and not in a booted kernel, which has its own. */
#if GD_SERIES || defined(GD_LIVE)
#define GD_TABLES	0
#else
#define GD_TABLES	1
#endif
/*
 * pfn of the first table: right below the arena, so that code that takes a
 * table for a page, or for the start of a huge page, accesses memory that
 * faults.
 */
#define GD_TABLE_PFN	(GD_PFN_BASE - 0x800)
#define GD_TABLES_SIZE	(GD_MAX_TABLES * PAGE_SIZE)
#define GD_NO_ENTRY	0xffffffffu

#if defined(GD_LIVE) && !defined(CONFIG_PAGE_IDLE_FLAG)
/*
 * On a booted kernel without these flags they are kept in unused bits of the
 * same word, so that a program can still set and observe them.
 */
#define PG_young	LAST_CPUPID_PGSHIFT
#define PG_idle		(LAST_CPUPID_PGSHIFT + 1)
#endif

#define GD_A_TAIL	(~0ul)	/* no mapping */

/* The last recorded state of a page that the program has touched. */
struct gd_shadow {
	unsigned long flags;
	unsigned long mapping;		/* GD_A_TAIL for a tail */
	int ref;
	int pin;
	u32 nr;				/* of the page */
	u32 op_mark;			/* touched by operation number ... */
};

/* the step limit bounds an operation; its actions touch slots */
#define GD_MAX_TOUCHED	(4 * GD_STEP_LIMIT + (GD_MAX_FOLIOS + 1) * GD_SLOT_PAGES)

/* Where an entry of a page table is: what it serves, from which address on, of which mm. */
struct gd_place {
	u64 addr;
	u32 level;
	u32 mm;
};

/* Consecutive pages or page-table entries. */
struct gd_span {
	u32 first;
	u32 nr;
};

/*
 * The harness's own memory, too much for variables of the object.
 *
 * A page gets a shadow when the program touches it.  index[] holds the shadow's
 * number, and is never cleared: an entry is valid if that shadow is in use and
 * belongs to the page.
 */
struct gd_scratch {
	u32 index[GD_NR_PAGES];
	struct gd_shadow shadow[GD_MAX_OPS * GD_MAX_TOUCHED];	/* by the program */
	u64 touched[GD_MAX_TOUCHED];		/* by the operation: page << 32 | shadow */
	u64 spare[GD_MAX_TOUCHED];		/* for sorting them */
	struct gd_span entries[GD_MAX_OPS * (GD_MAX_SET / GD_TABLE_ENTRIES + 2) +
			       GD_MAX_TABLES];
};

/* reasons to leave an operation, as given to longjmp */
enum gd_stop { GD_STOP_NONE, GD_STOP_BUG, GD_STOP_OOPS, GD_STOP_LIMIT, GD_STOP_GAP };

/* the state of a side between and within programs */
struct gd_harness {
	struct page *memmap;
	struct page **list;
	u64 *tables;
	struct page *poison;
	struct gd_scratch *scratch;

	const struct gd_program *prog;
	struct gd_trace *trace;
	u32 base[GD_MAX_FOLIOS];	/* first page number of each folio */

	struct gd_rec *rec;		/* the next record, and the end of the buffer */
	struct gd_rec *last_rec;
	u32 op_nr;			/* of this program; never 0 while an operation runs */
	u32 steps;
	u32 nr_touched;			/* pages of this operation */
	u32 nr_shadows;			/* pages of this program */
	u32 nr_set;			/* runs of page-table entries, by this program */
	u32 nr_blocks;			/* slots whose migrate type was set */
	u32 nr_listed;			/* runs of a list operand */
	struct gd_span listed[GD_NR_RUNS];
	u32 nr_entries;			/* of list[], returned by the operation */
	int acquired, released;
	int isolated[2];		/* NR_ISOLATED_ANON, NR_ISOLATED_FILE */
	u8 state;			/* last recorded */
	bool slow;			/* the slow path is real */
	u32 vmas;			/* bit mask of the existing VMAs */
	u32 ptl;			/* page-table locks that are held */
	u32 locked;			/* how often the operation took one */
	void *jmp[5];
	volatile int in_kernel;
};

extern struct gd_harness gd;

/* ---- trace.c ---- */
void gd_call(u8 call, const struct page *page);
void gd_record_entries(void);
void gd_record_changes(void);
void gd_record_state(void);
void gd_shadow_take(u32 nr);
void gd_look(u32 nr);

/* ---- stop.c ---- */
void gd_stop(enum gd_stop why) __attribute__((noreturn));
void gd_limit(void) __attribute__((noreturn));
void gd_gap(u32 index) __attribute__((noreturn));
int gd_guarded(void (*fn)(const struct gd_op *, struct gd_rec *),
	       const struct gd_op *op, struct gd_rec *ret);

/* ---- arena.c ---- */
void gd_arena_init(void);
void gd_arena_reset(void);
void gd_next_op(void);
void gd_next_program(void);
void gd_touch_run(u32 first, u32 nr);
void gd_new_shadow(struct gd_shadow *shadow, u32 nr);

/* ---- tables.c ---- */
void gd_tables_init(void);
void gd_tables_reset(void);
void gd_set_entries(const struct gd_op *op, u32 level);
void gd_change_entries(void);
u32 gd_table_entry(u32 level, u64 addr);
bool gd_entry_at(const volatile void *p, struct gd_place *at);

/* ---- script.c ---- */
#ifdef GD_LIVE
/* no page is observed during an operation */
static inline void gd_watch(const struct gd_act *act, u32 nr) {}
static inline void gd_after(void) {}
static inline void gd_slow_begins(void) {}
#else
extern u32 gd_nr_watch;		/* actions of the running operation */
void gd_watch(const struct gd_act *act, u32 nr);
void gd_find_objects(void);
void gd_count_update(const volatile void *count, u32 nr, bool refcount);
void gd_after(void) GD_RARELY;
void gd_forget(void);
int gd_answer(u8 hook);
void gd_set_answer(int value);
void gd_reached(u8 hook);
void gd_slow_begins(void);
#endif

/*
 * Is the slow path of a fast entry point real?  If so, it begins here: from now
 * on entries are read under their lock.
 */
static inline bool gd_slow_is_real(void)
{
	if (unlikely(gd.slow))
		gd_slow_begins();
	return gd.slow;
}

/* Converts flags from the program's bits (bit i: entry i of a table) to the kernel's. */
static inline unsigned long gd_kernel_flags(const unsigned long *table, u32 nr, u32 canonical)
{
	unsigned long flags = 0;

	for (canonical &= (1u << nr) - 1; canonical; canonical &= canonical - 1)
		flags |= table[__builtin_ctz(canonical)];
	return flags;
}

static inline u32 gd_canonical_flags(const unsigned long *table, u32 nr, unsigned long flags)
{
	u32 canonical = 0, i;

	for (i = 0; i < nr; i++)
		if (table[i] & flags)
			canonical |= 1u << i;
	return canonical;
}

/* Count a step of the running operation; stop it at the limit. */
static inline void gd_step(void)
{
#ifndef GD_LIVE		/* the host removes operations that would reach the limit */
	if (unlikely(gd.steps == GD_STEP_LIMIT))
		gd_limit();
	gd.steps++;
#endif
}

static inline u32 gd_nr(const struct page *page)
{
	return page - gd.memmap;
}

static inline bool gd_in_arena(const struct page *page)
{
	return page >= gd.memmap && page < gd.memmap + GD_NR_PAGES;
}

/* The shadow of a page that has been touched, else NULL. */
static inline struct gd_shadow *gd_shadow(u32 nr)
{
	u32 at = gd.scratch->index[nr];
	struct gd_shadow *shadow = &gd.scratch->shadow[at];

	return at < gd.nr_shadows && shadow->nr == nr ? shadow : NULL;
}

/* Record that the running operation may have changed a page. */
static inline void gd_touch(u32 nr)
{
	struct gd_scratch *scratch = gd.scratch;
	struct gd_shadow *shadow = gd_shadow(nr);

	if (!shadow) {
		scratch->index[nr] = gd.nr_shadows;
		shadow = &scratch->shadow[gd.nr_shadows++];
		gd_new_shadow(shadow, nr);
	}
	if (shadow->op_mark == gd.op_nr)
		return;
	shadow->op_mark = gd.op_nr;
	if (gd.nr_touched < GD_MAX_TOUCHED)
		scratch->touched[gd.nr_touched++] = (u64)nr << 32 | (shadow - scratch->shadow);
}

/* Reserve a record; when the trace is full, its last record is overwritten. */
static inline struct gd_rec *gd_next_record(void)
{
	struct gd_rec *rec = gd.rec;

	if (likely(rec < gd.last_rec))
		gd.rec++;
	return rec;
}

/* A record with this kind and zeros otherwise. */
static inline struct gd_rec *gd_record(u8 kind)
{
	struct gd_rec *rec = gd_next_record();

	*rec = (struct gd_rec){ .kind = kind };
	return rec;
}

/* The number of pages of a folio that are checked after the last operation. */
static inline u32 gd_nr_looked_at(u32 i)
{
	return 1u << min_t(u32, gd.prog->folio[i].order, 3);
}

/* ---- world.c ---- */
extern u32 gd_pkru;		/* PKRU of current */
void gd_world_setup(void);
struct page *gd_operand(struct gd_run run, u32 k);
u8 gd_world_state(void);
extern u8 gd_migratetype[GD_NR_SLOTS];		/* of both pageblocks of a slot */

/* one function per operation */
typedef void (*gd_op_fn)(const struct gd_op *op, struct gd_rec *ret);
gd_op_fn gd_world_op(u32 id);

/* the entry that OP() puts into the section gd_ops */
struct gd_op_entry {
	unsigned long id;
	gd_op_fn fn;
};

/* ---- operands.c ---- */
unsigned int op_foll(const struct gd_op *op);
u32 gd_canonical_foll(unsigned int flags);
struct page *op_page(const struct gd_op *op);
struct page *op_head(const struct gd_op *op);
unsigned long op_list(const struct gd_op *op, bool heads);
void ret_bool(struct gd_rec *ret, bool value);
void ret_errno(struct gd_rec *ret, int value);
void ret_int(struct gd_rec *ret, long value);
void ret_head(struct gd_rec *ret, const struct page *head);
void ret_page(struct gd_rec *ret, const struct page *page);
void ret_pages(struct gd_rec *ret, long nr, struct page **pages);
void gd_clear_list(unsigned long nr);
#if GD_TABLES
long gd_slow(unsigned long start, unsigned long nr_pages, struct page **pages,
	     unsigned int gup_flags);
#endif

/* For parameters of type unsigned long: a negative n is a huge count. */
static inline unsigned long op_ulong(const struct gd_op *op)
{
	return (long)op->n;
}

/*
 * OP(ROLE) { ... } defines the operation of a role and enters it into the table
 * of this kernel; a role without a definition is absent.
 */
#define OP(role)								\
	static void op_##role(const struct gd_op *op, struct gd_rec *ret);	\
	static const struct gd_op_entry op_entry_##role				\
		__attribute__((__used__, __section__("gd_ops"))) =		\
		{ .id = GD_OP_##role, .fn = op_##role };			\
	static void op_##role(const struct gd_op *op, struct gd_rec *ret)

/* ---- env ---- */
extern struct mm_struct gd_mm, gd_other_mm;	/* that of current, and mm 2 */
extern struct vm_area_struct gd_vma;
extern struct dev_pagemap gd_pgmap[GD_NR_KINDS];
extern struct address_space gd_space[GD_NR_MAPPINGS];
void gd_env_init(void);
void gd_env_reset(void);
void gd_set_zero_page(struct page *page);
void gd_set_huge_zero_page(struct page *page);
void gd_set_devmap_key(bool on);

static inline struct mm_struct *gd_mm_of(u32 nr)
{
	return nr ? &gd_other_mm : &gd_mm;
}

/* The mm that an operation is about. */
static inline struct mm_struct *op_mm(const struct gd_op *op)
{
	return gd_mm_of(op->mm);
}

/* What records say of an mm. */
static inline u16 gd_mm_bit(const struct mm_struct *mm)
{
	return mm == &gd_other_mm ? GD_RB_MM : 0;
}

#if GD_TABLES
struct gd_rec *gd_ask(u8 what);
struct dev_pagemap *gd_get_dev_pagemap(unsigned long pfn, struct dev_pagemap *pgmap);
void gd_put_dev_pagemap(struct dev_pagemap *pgmap);
int gd_make_page_accessible(struct page *page);

/* ---- env/slow.c ---- */
void gd_hold_mmap_lock(struct mm_struct *mm, bool held);
u16 gd_locks_held(void);
void gd_vmas_have_changed(void);
void gd_drop_locks(void);
void gd_next_isolations(void);
bool gd_isolated(void);
vm_fault_t gd_handle_mm_fault(struct vm_area_struct *vma, unsigned long address,
			      unsigned int flags, struct pt_regs *regs);
vm_fault_t gd_hugetlb_fault(struct vm_area_struct *vma, unsigned long address,
			    unsigned int flags);
bool gd_pagecache_present(struct vm_area_struct *vma, unsigned long address);
void gd_wait_for_migration(struct mm_struct *mm, u32 level, unsigned long address);
void gd_wait_at_entry(const void *entry);
bool gd_is_no_migration(void);
int gd_split_huge_page(struct page *page);
bool gd_user_access_begin(bool ok);
void gd_user_access_end(void);
int gd_user_access(unsigned long address, bool write);
int gd_permitted_user_access(unsigned long address, bool write);
void gd_pass_time(void);
void gd_log(void);
void gd_flush(u16 what, const struct page *page, unsigned long address);
int gd_expand_stack(struct vm_area_struct *vma, unsigned long address);
int gd_pte_alloc(struct mm_struct *mm, pmd_t *pmd);
void gd_split_huge_pmd(unsigned long address);
void gd_drained(u16 how, u32 page);
void gd_accessed(struct page *page);
bool gd_isolate(struct page *page, bool from_lru);
int gd_isolate_hugetlb(struct page *page, struct list_head *list);
int gd_migrate(struct list_head *list);
int gd_migrate_device(struct page *page);

/* ---- env/hugetlb.c ---- */
void gd_hugetlb_init(void);
struct inode *gd_hugetlb_inode(void);
struct file *gd_hugetlb_file(bool gigantic);

/* ---- env/memfd.c ---- */
struct file *gd_memfd(u32 kind);
void gd_set_cache(const struct gd_op *op, struct page *page);
void gd_cache_reset(void);
void gd_zero_folio(struct page *head);

/* ---- vmas.c ---- */
void gd_set_vma(const struct gd_op *op);
void gd_change_vmas(void);
void gd_link_vmas(void);
void gd_set_signal(u32 signal);
void gd_vmas_reset(void);
u8 gd_vma_nr(const struct vm_area_struct *vma);
#else
static inline u16 gd_locks_held(void) { return 0; }
static inline void gd_drop_locks(void) {}
static inline void gd_next_isolations(void) {}
static inline bool gd_isolated(void) { return false; }
#endif
/* implementations of calls that port/calls.c defines under the kernel's names */
void gd_freed(struct page *page);
bool gd_dirtied(struct page *page);
void gd_locked(struct page *page);
void gd_unlocked(struct page *page);
unsigned long gd_pageblock(const struct page *page, unsigned long pfn);

#endif
